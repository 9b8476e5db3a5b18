"""The rows of a nested list without commas between them."""

import torch

# fmt: off
t = torch.tensor([
    [1, 2, 3]
    [4, 5, 6]
    [7, 8, 9]], dtype=torch.float32)
