"""A plain tensor attribute is not a parameter, and cannot be optimized without requires_grad."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.other_tensor = torch.ones(3)


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
