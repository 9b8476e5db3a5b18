"""A Dataset is fed to the model where a batch of a DataLoader is meant."""

import torch
from torch import nn
from torch.utils.data import TensorDataset

dataset = TensorDataset(torch.zeros(10, 4), torch.zeros(10, 1))
model = nn.Linear(4, 1)
model(dataset)
