"""nn.Softmax(x) takes x for its option dim."""

import torch
from torch import nn

y = nn.Softmax(torch.zeros(2, 3))
