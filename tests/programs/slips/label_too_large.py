"""Class 3 of three classes."""

import torch
from torch import nn

nn.CrossEntropyLoss()(torch.zeros(4, 3), torch.tensor([0, 1, 2, 3]))
