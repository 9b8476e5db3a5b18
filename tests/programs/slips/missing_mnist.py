"""A data set that was not downloaded."""

import torchvision

torchvision.datasets.MNIST("nowhere", train=True)
