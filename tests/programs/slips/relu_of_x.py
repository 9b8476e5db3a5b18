"""nn.ReLU(x) takes x for its option inplace, and gives a layer where a tensor is meant."""

import torch
from torch import nn

x = nn.ReLU(nn.Linear(4, 3)(torch.zeros(2, 4)))
y = nn.Linear(3, 1)(x)
