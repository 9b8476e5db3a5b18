"""A result that is changed before its gradient is taken."""

import torch

x = torch.ones(3, requires_grad=True)
y = x.exp()
y += 1
y.sum().backward()
