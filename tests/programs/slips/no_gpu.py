"""A device that is not there."""

import torch.nn as nn

lstm = nn.LSTM(input_size=100, hidden_size=64, batch_first=True, device="cuda")
