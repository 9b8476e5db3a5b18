"""Gradient descent by hand: requires_grad_, backward, .grad, and an update that is not recorded."""

import torch


def compute_loss(weights, inputs, targets):
    return ((inputs @ weights - targets) ** 2).mean()


inputs = torch.cos(torch.arange(20.0) * 1.3).reshape(10, 2)
targets = inputs @ torch.tensor([2.0, -3.0])
weights = torch.zeros(2)
weights.requires_grad_()
learning_rate = 0.3

for step in range(30):
    loss = compute_loss(weights, inputs, targets)
    loss.backward()
    with torch.no_grad():
        weights.sub_(weights.grad * learning_rate)
        weights.grad.zero_()
    if step % 10 == 0:
        print(step, f"{loss.item():.5f}", weights)
print(weights, weights.grad)

# other ways to say the same update
for update in ("-=", "data", "detach"):
    w = torch.tensor([1.0, 1.0], requires_grad=True)
    compute_loss(w, inputs, targets).backward()
    if update == "-=":
        with torch.no_grad():
            w -= learning_rate * w.grad
    elif update == "data":
        w.data -= learning_rate * w.grad.data
    else:
        w = (w - learning_rate * w.grad).detach().requires_grad_(True)
    print(update, w)
