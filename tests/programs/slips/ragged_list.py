"""A nested list with rows of different lengths."""

import torch

torch.tensor([[1, 2, 3], [4, 5]])
