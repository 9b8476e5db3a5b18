"""A dtype that nanograd does not have."""

import torch

x = torch.zeros(3, dtype=torch.bfloat16)
