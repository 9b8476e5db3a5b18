"""A tensor for a GPU that is not there."""

import torch

t = torch.ones(3).to("cuda")
