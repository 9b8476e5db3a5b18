"""Pictures with the channels last, for a convolution."""

import torch
from torch import nn

nn.Conv2d(3, 6, 3)(torch.zeros(8, 32, 32, 3))
