"""One sample, in training, through a BatchNorm."""

import torch
from torch import nn

nn.BatchNorm1d(4)(torch.zeros(1, 4))
