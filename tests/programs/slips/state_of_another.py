"""Weights of another network."""

from torch import nn

nn.Linear(3, 2).load_state_dict(nn.Sequential(nn.Linear(3, 2)).state_dict())
