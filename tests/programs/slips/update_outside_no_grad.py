"""Weights that are changed in place while they are recorded."""

import torch

weights = torch.ones(3, requires_grad=True)
loss = (weights**2).sum()
loss.backward()
weights.sub_(weights.grad * 0.1)
