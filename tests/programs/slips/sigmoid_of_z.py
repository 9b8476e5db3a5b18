"""nn.Sigmoid is a layer, not a function."""

import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.output = nn.Linear(4, 1)

    def forward(self, z):
        z = self.output(z)
        z = nn.Sigmoid(z)
        return z


Net()(torch.zeros(2, 4))
