"""A module beside a script: it imports torch too."""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, hidden), nn.Linear(hidden, 1)])
        with torch.no_grad():
            for k, p in enumerate(self.parameters()):
                p.copy_(torch.sin(torch.arange(p.numel()) * 0.9 + k).reshape(p.shape))

    def forward(self, x):
        return self.layers[1](F.relu(self.layers[0](x)))
