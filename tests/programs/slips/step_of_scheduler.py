"""ReduceLROnPlateau wants to know the loss."""

from torch import nn, optim

optimizer = optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
optim.lr_scheduler.ReduceLROnPlateau(optimizer).step()
