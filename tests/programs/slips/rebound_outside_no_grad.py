"""w = w - lr * w.grad makes a new tensor, which is no leaf: its gradient is None the second time."""

import torch

w = torch.ones(3, requires_grad=True)
for _ in range(2):
    loss = (w**2).sum()
    loss.backward()
    w = w - 0.1 * w.grad
