"""NumPy's doubles for a layer of floats."""

import numpy as np
import torch
from torch import nn

nn.Linear(3, 1)(torch.from_numpy(np.zeros((2, 3))))
