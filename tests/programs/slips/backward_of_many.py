"""backward of a tensor with more than one number."""

import torch

x = torch.ones(3, requires_grad=True)
(x * 2).backward()
