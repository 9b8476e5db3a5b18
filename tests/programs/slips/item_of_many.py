"""item of a tensor of more than one number."""

import torch

torch.ones(3).item()
