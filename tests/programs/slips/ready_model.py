"""A ready-made network."""

from torchvision import models

model = models.resnet18(weights="DEFAULT")
