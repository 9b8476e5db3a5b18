"""A product of matrices that do not fit."""

import torch

torch.zeros(2, 3) @ torch.zeros(4, 5)
