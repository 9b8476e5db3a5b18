"""MNIST from IDX files in a folder: transforms, a loader with a batch size, and a network that learns them.

The files are made here, a hundred tiny ones by formula; the real ones come with download=True.
"""

import gzip
import struct
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torch.utils.data import DataLoader


def write_idx(path, array):
    head = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()) if path.suffix == ".gz" else head + array.tobytes())


def write_mnist(root, count):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, n in (("train", count), ("t10k", count // 2)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        images = np.zeros((n, 28, 28), np.uint8)
        for i, label in enumerate(labels):  # a bar at the height of its label
            images[i, 2 * label + 4 : 2 * label + 7, 4:24] = 200 + i % 50
        write_idx(raw / f"{name}-images-idx3-ubyte", images)
        write_idx(raw / f"{name}-labels-idx1-ubyte", labels)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=5, stride=2)
        self.dropout = nn.Dropout(0.25)
        self.fc = nn.Linear(4 * 6 * 6, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = self.dropout(torch.flatten(x, 1))
        return F.log_softmax(self.fc(x), dim=1)


torch.manual_seed(1)
with tempfile.TemporaryDirectory() as folder:
    write_mnist(Path(folder), 100)
    transform = torchvision.transforms.Compose(
        [torchvision.transforms.ToTensor(), torchvision.transforms.Normalize((0.1307,), (0.3081,))]
    )
    train = torchvision.datasets.MNIST(folder, train=True, download=False, transform=transform)
    test = torchvision.datasets.MNIST(folder, train=False, transform=transform)
    plain = torchvision.datasets.MNIST(folder, train=False)
    print(len(train), len(test), train.data.shape, train.data.dtype, train.targets[:5], train.classes[3])
    image, label = train[3]
    print(image.shape, image.dtype, type(label).__name__, label, f"{image.min():.4f} {image.max():.4f}")
    loader = DataLoader(train, batch_size=20, shuffle=True)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(8):
        net.train()
        for data, target in loader:
            optimizer.zero_grad()
            loss = F.nll_loss(net(data), target)
            loss.backward()
            optimizer.step()
    net.eval()
    correct = 0
    with torch.no_grad():
        for data, target in DataLoader(test, batch_size=64):
            prediction = net(data).argmax(dim=1, keepdim=True)
            correct += prediction.eq(target.view_as(prediction)).sum().item()
    print(data.shape, target.shape, "nearly all right:", correct >= 0.9 * len(test))

    # a set that is not there says what it misses
    try:
        torchvision.datasets.MNIST(Path(folder) / "nowhere", train=True)
    except RuntimeError as error:
        print("download=True" in str(error))
