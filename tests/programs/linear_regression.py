"""A linear regression as a Module: parameters, a tensor that is none, and the forward method."""

import torch
from torch import nn


class LinearRegression(nn.Module):
    def __init__(self, n_features):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_features, 1))
        self.bias = nn.Parameter(torch.zeros(1))
        self.other_tensor = torch.ones(3)  # a plain attribute: no optimizer will find it

    def forward(self, x):
        return x @ self.weight + self.bias


model = LinearRegression(15)
for name, parameter in model.named_parameters():
    print(name, parameter.shape, parameter.requires_grad)
print([name for name, _ in model.named_parameters()], "other_tensor" in model.state_dict(), model.other_tensor)
print(sum(p.numel() for p in model.parameters()), "numbers to learn")
print(model, nn.Parameter(torch.tensor([1.0, 2.0])), sep="\n")

# the model is called, so that its hooks run; forward alone would leave them out
seen = []
handle = model.register_forward_hook(lambda module, args, output: seen.append(tuple(output.shape)))
inputs = torch.sin(torch.arange(64 * 15.0)).reshape(64, 15)  # 64 samples of 15 features
print(model(inputs).shape, model.forward(inputs).shape, seen)
handle.remove()

# it finds the weights that made the targets
true_weight = torch.linspace(-1, 1, 15).unsqueeze(1)
targets = inputs @ true_weight + 0.5
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
criterion = nn.MSELoss()
for epoch in range(201):
    optimizer.zero_grad()
    loss = criterion(model(inputs), targets)
    loss.backward()
    optimizer.step()
    if epoch % 50 == 0:
        print(f"epoch {epoch:3d}  loss {loss.item():.6f}")
print("bias", round(model.bias.item(), 3), "largest error", f"{(model.weight - true_weight).abs().max().item():.3f}")

# the same by the layer that is there for it, its weight of shape (out, in)
layer = nn.Linear(in_features=15, out_features=1)
with torch.no_grad():
    layer.weight.copy_(model.weight.T)
    layer.bias.copy_(model.bias)
print(torch.allclose(layer(inputs), model(inputs), atol=1e-6), layer(inputs[0]).shape)
