"""A whole training system: data set, loaders with workers, network, objective, validation every few epochs.

The script has no ``if __name__ == "__main__"``: workers are forked, as torch does on Linux.
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset

classes = ("bars", "stripes")


class Pictures(Dataset):
    """8 by 8 pictures of upright bars or of level stripes, with a formula for noise."""

    def __init__(self, count, shift=0.0):
        self.count, self.shift = count, shift

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        label = i % 2
        wave = (torch.arange(8.0) * 1.5 + i).sin()
        picture = wave.expand(8, 8) if label == 0 else wave.unsqueeze(1).expand(8, 8)
        return (picture + 0.5 * torch.sin(torch.arange(64.0) * (i + 1) + self.shift).view(8, 8)).unsqueeze(0), label


def fill(module):
    with torch.no_grad():
        for k, p in enumerate(module.parameters()):
            p.copy_(0.3 * torch.sin(torch.arange(p.numel()) * 0.7 + k).reshape(p.shape))


trainset, testset = Pictures(64), Pictures(32, shift=1.0)
trainloader = DataLoader(trainset, batch_size=16, shuffle=False, num_workers=2)
testloader = DataLoader(testset, batch_size=16, shuffle=False, num_workers=2)
net = nn.Sequential(
    nn.Conv2d(1, 4, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(64, 16),
    nn.ReLU(),
    nn.Linear(16, 2),
)
fill(net)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
n_epochs, eval_validation_every = 6, 3

for epoch in range(n_epochs):
    running_loss = 0.0
    for i, data in enumerate(trainloader, 0):
        inputs, labels = data
        optimizer.zero_grad()
        outputs = net(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        if i % 2 == 1:
            print("[%d, %5d] loss: %.3f" % (epoch + 1, i + 1, running_loss / 2))
            running_loss = 0.0
    if epoch % eval_validation_every == eval_validation_every - 1:
        correct = total = 0
        with torch.no_grad():
            for images, labels in testloader:
                outputs = net(images)
                _, predicted = torch.max(outputs.data, 1)
                total += labels.size(0)
                correct += (predicted == labels).sum().item()
        print(f"Accuracy of the network on the {total} test images: {100 * correct / total:.2f}%")
print("first pictures:", " ".join(classes[label] for label in next(iter(testloader))[1][:4]))
print(len(trainset), len(trainloader), next(iter(trainloader))[0].shape)
