"""A misspelled method."""

import torch

torch.ones(3).unsqeeze(0)
