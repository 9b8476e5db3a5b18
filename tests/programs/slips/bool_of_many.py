"""if with a tensor of more than one number."""

import torch

if torch.tensor([1, 2]) > 1:
    pass
