"""Word number 10 of an Embedding of 10 words."""

import torch
from torch import nn

nn.Embedding(10, 4)(torch.tensor([1, 10]))
