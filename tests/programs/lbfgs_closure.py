"""LBFGS asks for the loss several times a step: by a closure."""

import torch
from torch import nn, optim

model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).double()
with torch.no_grad():
    for k, p in enumerate(model.parameters()):
        p.copy_(torch.sin(torch.arange(p.numel()) * 0.7 + k).reshape(p.shape))
x = torch.linspace(-2, 2, 40, dtype=torch.float64).unsqueeze(1)
y = torch.sin(2 * x)
criterion = nn.MSELoss()
optimizer = optim.LBFGS(model.parameters(), lr=0.8, max_iter=8, line_search_fn="strong_wolfe")
calls = 0
for i in range(5):
    print("STEP:", i)

    def closure():
        global calls
        calls += 1
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    print(f"loss: {loss.item():.4f}")
print(calls > 5, f"{criterion(model(x), y).item() < 0.05}")

# the Rosenbrock function, whose least value is at (1, 1)
point = torch.tensor([-1.0, 1.5], dtype=torch.float64, requires_grad=True)
optimizer = optim.LBFGS([point], max_iter=60, line_search_fn="strong_wolfe", tolerance_grad=1e-9)


def rosenbrock():
    optimizer.zero_grad()
    value = (1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2
    value.backward()
    return value


optimizer.step(rosenbrock)
print([round(v, 4) for v in point.tolist()])
