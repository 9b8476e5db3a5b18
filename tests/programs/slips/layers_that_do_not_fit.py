"""A layer for 64 numbers after one that gives 32."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(in_features=64, out_features=32)
        self.output = nn.Linear(in_features=64, out_features=1)

    def forward(self, z):
        return self.output(torch.tanh(self.hidden(z)))


Net()(torch.zeros(5, 64))
