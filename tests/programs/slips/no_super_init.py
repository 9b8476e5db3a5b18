"""__init__ of a Module without super().__init__()."""

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 1)


Net()(torch.zeros(1, 2))
