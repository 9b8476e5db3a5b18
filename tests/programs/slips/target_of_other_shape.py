"""BCELoss with a target of another shape."""

import torch
from torch import nn

nn.BCELoss()(torch.full((4, 1), 0.5), torch.ones(4))
