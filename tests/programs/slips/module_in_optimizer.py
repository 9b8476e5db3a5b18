"""The model instead of its parameters."""

import torch

optimizer = torch.optim.Adam(torch.nn.Linear(2, 1), lr=0.1)
