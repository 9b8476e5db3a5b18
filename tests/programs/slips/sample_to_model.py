"""A batch is [inputs, labels]: the model wants the inputs."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

loader = DataLoader(TensorDataset(torch.zeros(10, 4), torch.zeros(10, 1)), batch_size=5)
model = nn.Linear(4, 1)
for batch in loader:
    model(batch)
