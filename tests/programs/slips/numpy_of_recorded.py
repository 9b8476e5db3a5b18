"""numpy() of a tensor that is recorded."""

import torch

x = torch.ones(3, requires_grad=True)
print((x * 2).numpy())
