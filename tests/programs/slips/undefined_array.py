"""A name that was never given a value."""

import numpy as np
import torch

np_array = np.array(array)  # noqa: F821
np_tensor = torch.from_numpy(np_array)
