"""Hooks: to look at what passes, forwards and backwards, and to change it."""

import torch
from torch import nn

net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
with torch.no_grad():
    for k, p in enumerate(net.parameters()):
        p.copy_(torch.sin(torch.arange(p.numel()) * 0.7 + k).reshape(p.shape))
activations = {}


def keep(name):
    def hook(module, args, output):
        activations[name] = output.detach()

    return hook


handles = [layer.register_forward_hook(keep(f"{i} {type(layer).__name__}")) for i, layer in enumerate(net)]
x = torch.tensor([[1.0, -1.0, 0.5], [0.0, 2.0, -0.5]])
net(x)
for name, value in activations.items():
    print(name, tuple(value.shape), f"{value.sum().item():.4f}")
for handle in handles:
    handle.remove()

# before the forward pass, and on the way back
net[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
gradients = []
net[2].register_full_backward_hook(lambda module, grad_input, grad_output: gradients.append((grad_input, grad_output)))
loss = net(x).sum()
loss.backward()
print(f"{loss.item():.4f}", len(gradients), gradients[0][0][0].shape, gradients[0][1][0].flatten().tolist())

# a tensor's own hook, retain_grad for a result, and clipping on the way
w = torch.tensor([1.0, 2.0], requires_grad=True)
y = w * 3
y.retain_grad()
handle = w.register_hook(lambda grad: grad.clamp(max=2.0))
y.register_hook(lambda grad: print("gradient of y:", grad))
(y**2).sum().backward()
print(w.grad, y.grad)
handle.remove()
w.grad = None
(w * 3).sum().backward()
print(w.grad)
