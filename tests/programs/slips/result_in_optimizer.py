"""What an operation gave is not a leaf: an optimizer cannot own it."""

import torch

w = torch.ones(3, requires_grad=True) * 2
optimizer = torch.optim.SGD([w], lr=0.1)
