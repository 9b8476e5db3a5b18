"""The small convolutional network of the tutorials: its layers, its shapes and one step of training."""

import torch
import torch.nn as nn
import torch.nn.functional as F


def fill(module):
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(0.1 * torch.sin(torch.arange(p.numel()) * 0.7 + k).reshape(p.shape))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * 6 * 6, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, self.num_flat_features(x))
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return self.fc3(x)

    def num_flat_features(self, x):
        size = x.size()[1:]  # all dimensions except the batch
        num_features = 1
        for s in size:
            num_features *= s
        return num_features


net = Net()
fill(net)
print(net)
params = list(net.parameters())
print(len(params), params[0].size(), sum(p.numel() for p in params))

criterion = nn.MSELoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
input = torch.sin(torch.arange(32 * 32.0) * 0.1).view(1, 1, 32, 32)
target = torch.linspace(-1, 1, 10)
for _ in range(3):
    optimizer.zero_grad()
    output = net(input)
    target = target.view(output.shape[0], output.shape[1])
    loss = criterion(output, target)
    steps = [str(fn).split()[0] for fn in (loss.grad_fn, loss.grad_fn.next_functions[0][0])]
    loss.backward()
    optimizer.step()
    print(output.shape, f"{loss.item():.5f}", f"{net.conv1.weight.grad.abs().sum().item():.4f}")
print(steps)
print(output)
print(optimizer)
