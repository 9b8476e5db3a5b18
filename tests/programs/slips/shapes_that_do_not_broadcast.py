"""A sum of shapes that do not fit."""

import torch

torch.zeros(3, 4) + torch.zeros(3)
