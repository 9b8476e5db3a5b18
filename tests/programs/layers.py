"""torch.nn and torch.nn.functional: layers as objects that hold weights, and the same as plain functions."""

import torch
import torch.nn as nn
import torch.nn.functional as F

# layers are classes of which one makes instances
print(nn.Linear(15, 1))
print(nn.Conv2d(1, 6, 3), nn.Conv2d(6, 16, kernel_size=(3, 5), stride=2, padding=1, bias=False))
print(nn.LSTM(input_size=100, hidden_size=64, batch_first=True), nn.Embedding(1000, 16), nn.Dropout(p=0.2))
print(nn.ReLU(), nn.Softmax(dim=1), nn.BatchNorm2d(6), nn.MaxPool2d(2), nn.Flatten(), nn.Tanh(), nn.Sigmoid())
print(isinstance(nn.Linear(1, 1), nn.Module), isinstance(nn.ReLU(), nn.Module), issubclass(nn.LSTM, nn.Module))
print(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())))

# a layer makes its own weights, and can be asked for them
layer = nn.Linear(3, 2)
print(layer.weight.shape, layer.bias.shape, layer.weight.requires_grad, type(layer.weight).__name__)
print(bool((layer.weight.abs() <= 3**-0.5).all()), len(list(layer.parameters())), layer.in_features)

# the same numbers from the function, which is handed its weights
x = torch.tensor([[1.0, -2.0, 0.5], [0.0, 2.5, -1.0]])
print(torch.equal(layer(x), F.linear(x, layer.weight, layer.bias)))

# softmax has no weights: the function is as good
print(nn.Softmax(dim=1)(x))
print(F.softmax(x, dim=1))
print(torch.allclose(nn.Softmax(dim=1)(x), F.softmax(x, dim=1)), F.softmax(x, dim=1).sum(dim=1))
softmax = nn.Softmax(dim=-1)
print(torch.equal(softmax(x), x.softmax(-1)), list(softmax.parameters()), softmax.state_dict())
print(F.relu(x), torch.tanh(x), torch.sigmoid(x), F.leaky_relu(x, 0.1), F.gelu(x), F.silu(x), F.elu(x), sep="\n")
print(nn.MSELoss()(x, x * 2), F.l1_loss(x, x * 2), nn.CrossEntropyLoss()(x, torch.tensor([0, 1])))

# dropout does something in training only
dropout = nn.Dropout(0.5)
dropout.eval()
print(torch.equal(dropout(x), x), dropout.training)
dropout.train()
print(set(dropout(torch.ones(1000)).tolist()))
