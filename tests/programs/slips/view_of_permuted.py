"""view of a permuted tensor."""

import torch

torch.zeros(2, 3, 4).permute(0, 2, 1).view(2, 12)
