"""CIFAR-10 from its folder of batches: loaders with two workers each in a script without a guard.

The pictures are made here by formula; the real ones come with download=True.
"""

import hashlib
import pickle
import tempfile
from pathlib import Path

import numpy as np
import torch
import torchvision
import torchvision.transforms as transforms

classes = ("plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def md5(name):
    return hashlib.md5((Path(folder.name) / "cifar-10-batches-py" / name).read_bytes()).hexdigest()


def write_cifar(root, count):
    base = root / "cifar-10-batches-py"
    base.mkdir()
    for k, name in enumerate(["data_batch_1", "data_batch_2", "test_batch"]):
        labels = [(i + k) % 10 for i in range(count)]
        data = np.arange(count * 3072).reshape(count, 3072) * (k + 1) % 251
        batch = {"data": data.astype(np.uint8), "labels": labels}
        (base / name).write_bytes(pickle.dumps(batch, protocol=2))
    (base / "batches.meta").write_bytes(pickle.dumps({"label_names": list(classes)}, protocol=2))


transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])
folder = tempfile.TemporaryDirectory()
write_cifar(Path(folder.name), 8)


class CIFAR10(torchvision.datasets.CIFAR10):
    """The checksums of the files that were just made, in place of the published ones."""

    train_list = [[name, md5(name)] for name in ("data_batch_1", "data_batch_2")]
    test_list = [["test_batch", md5("test_batch")]]
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5("batches.meta")}


trainset = CIFAR10(root=folder.name, train=True, download=False, transform=transform)
testset = CIFAR10(root=folder.name, train=False, transform=transform)
trainloader = torch.utils.data.DataLoader(trainset, batch_size=4, shuffle=True, num_workers=2)
testloader = torch.utils.data.DataLoader(testset, batch_size=4, shuffle=False, num_workers=2)
print(len(trainset), len(testset), len(trainloader), trainset.data.shape, trainset.data.dtype)

labels = []
for images, targets in trainloader:
    labels += targets.tolist()
print(images.shape, images.dtype, sorted(labels) == sorted(trainset.targets))
images, targets = next(iter(testloader))
print(" ".join(classes[t] for t in targets), f"{images[0, 0, 0, 0].item():.4f} {images.max().item():.4f}")
folder.cleanup()
