"""requires_grad, backward and grad_fn: how results remember where they came from."""

import torch


def name(grad_fn):
    """What it prints, without the address."""
    return str(grad_fn).split()[0].strip("<")


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = torch.tensor([4.0, 5.0, 6.0], requires_grad=True)
plain = torch.ones(3)
print(x.grad_fn, plain.grad_fn, x.requires_grad, plain.requires_grad, x.is_leaf, x.grad)

# sums of them remember how they came about
total = (x * y).sum()
print(total, total.requires_grad, total.is_leaf)
print(name(total.grad_fn), name(total.grad_fn.next_functions[0][0]))
loss = (total - 30) ** 2
loss.backward()
print(x.grad, y.grad, plain.grad)

# each operation has its name
a = torch.ones(2, 2, requires_grad=True)
for z in (
    a + 1,
    a - a, a * 3, a / 2, a @ a, a**2, -a, a.exp(), a.log(), a.sin(), a.sqrt(), a.abs(), a.sum(), a.mean(),
    a.max(),
    a.t(), a.view(-1), a.reshape(4), a[0], a.relu(), a.sigmoid(), a.tanh(), a.softmax(1), a.clone(),
    torch.cat([a, a]),
    torch.stack([a, a]), torch.nn.functional.mse_loss(a, a * 2), torch.nn.Linear(2, 3)(a), a.clamp(0, 1),
    a.unsqueeze(0),
    torch.nn.functional.cross_entropy(a, torch.tensor([0, 1])), a.max(dim=1).values, torch.where(a > 0, a, 0),
    a.double(),
):  # fmt: skip
    print(name(z.grad_fn), tuple(z.shape), end="; ")
print()
print(a.sum(), a + 1, a.mean())

# what is not recorded
print(a.detach().requires_grad, a.data.requires_grad, (plain * 2).grad_fn)
with torch.no_grad():
    print((a * 2).requires_grad, torch.is_grad_enabled())
print(torch.tensor([1.0]).requires_grad_())

# gradients add up until they are reset
w = torch.tensor(2.0, requires_grad=True)
for _ in range(3):
    (w * 5).backward()
print(w.grad)
w.grad.zero_()
print(w.grad)
w.grad = None
(w**3).backward()
print(w.grad)

# derivatives of derivatives
t = torch.tensor(3.0, requires_grad=True)
(first,) = torch.autograd.grad(t**4, t, create_graph=True)
(second,) = torch.autograd.grad(first, t)
print(first.item(), second.item())
