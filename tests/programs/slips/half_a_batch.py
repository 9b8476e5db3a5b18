"""A hidden state for another size of batch."""

import torch
from torch import nn

nn.LSTM(3, 4, batch_first=True)(torch.zeros(2, 5, 3), (torch.zeros(1, 3, 4), torch.zeros(1, 3, 4)))
