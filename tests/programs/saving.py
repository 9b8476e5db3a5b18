"""Saving and loading: weights, a checkpoint to go on from, and a whole model."""

import os
import tempfile

import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, hidden=8):
        super().__init__()
        self.hidden = hidden
        self.body = nn.Sequential(nn.Linear(4, hidden), nn.BatchNorm1d(hidden), nn.ReLU())
        self.head = nn.Linear(hidden, 2)

    def forward(self, x):
        return self.head(self.body(x))


def step(model, optimizer, k):
    x = torch.sin(torch.arange(24.0) + k).view(6, 4)
    loss = nn.functional.cross_entropy(model(x), torch.tensor([0, 1, 0, 1, 1, 0]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for k in range(3):
    step(model, optimizer, k)
for name, value in model.state_dict().items():
    print(name, tuple(value.shape), value.dtype)

with tempfile.TemporaryDirectory() as folder:
    weights, checkpoint, whole = (os.path.join(folder, name) for name in ("weights.pt", "checkpoint.pth", "whole.pt"))
    torch.save(model.state_dict(), weights)
    other = Net()
    print(other.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True)))
    model.eval(), other.eval()
    x = torch.ones(2, 4)
    print(torch.equal(model(x), other(x)))

    # a checkpoint: training goes on as if it had not stopped
    model.train()
    torch.save(
        {"epoch": 3, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "losses": [0.5, 0.4]}, checkpoint
    )
    resumed = Net()
    resumed_optimizer = torch.optim.Adam(resumed.parameters(), lr=0.5)
    state = torch.load(checkpoint)
    resumed.load_state_dict(state["model"])
    resumed_optimizer.load_state_dict(state["optimizer"])
    print(state["epoch"], state["losses"], resumed_optimizer.param_groups[0]["lr"])
    print([step(model, optimizer, k) == step(resumed, resumed_optimizer, k) for k in range(3, 6)])

    # the whole model, and tensors in lists and dictionaries
    torch.save(model, whole)
    back = torch.load(whole, weights_only=False)
    print(type(back).__name__, back.hidden, torch.equal(back.eval()(x), model.eval()(x)))
    with open(whole, "wb") as f:
        torch.save([torch.arange(3), {"a": (1, "two", None)}, 2.5], f)
    with open(whole, "rb") as f:
        print(torch.load(f))

# names that do not fit are told
try:
    Net(hidden=16).load_state_dict(model.state_dict())
except RuntimeError as error:
    print("size mismatch" in str(error))
partial = {name: value for name, value in model.state_dict().items() if not name.startswith("head")}
print(Net().load_state_dict(partial, strict=False))
