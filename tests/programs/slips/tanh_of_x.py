"""nn.Tanh is a layer, not a function."""

import torch
from torch import nn

hidden = nn.Linear(64, 32)
z = nn.Tanh(hidden(torch.zeros(5, 64)))
