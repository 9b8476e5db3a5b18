"""A hidden state that is carried on from batch to batch without detach."""

import torch
from torch import nn

rnn = nn.RNN(3, 4, batch_first=True)
hidden = None
for _ in range(2):
    output, hidden = rnn(torch.ones(1, 2, 3), hidden)
    output.sum().backward()
