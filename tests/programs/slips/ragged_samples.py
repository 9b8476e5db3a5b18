"""Samples of different lengths, without a collate_fn."""

import torch
from torch.utils.data import DataLoader

next(iter(DataLoader([torch.zeros(3), torch.zeros(4)], batch_size=2)))
