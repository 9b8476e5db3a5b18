"""The same with -=."""

import torch

weights = torch.ones(3, requires_grad=True)
(weights**2).sum().backward()
weights -= 0.1 * weights.grad
