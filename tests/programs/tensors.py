"""Tensors: from lists and arrays, their sizes and ranks, and the operations beginners need first."""

import numpy as np
import torch

t = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=torch.float32)
print(t.size())  # a torch.Size
print(len(t.shape), t.dim(), t.ndim)  # the rank, three ways
print(t)

# from a plain list of integers, and from NumPy: what a tensor says of its data
lst = [[1, 2, 3], [4, 5, 6]]
tensor = torch.tensor(lst)
print(tensor.shape, tensor.dtype, tensor.device)
array = np.array(lst)
np_tensor = torch.from_numpy(array)
array[0, 0] = 100  # from_numpy shares the memory
print(np_tensor, np_tensor.dtype)
print(torch.from_numpy(np.linspace(0, 1, 3)).dtype, torch.tensor(np.float32(1.5)).dtype)

# arithmetic is element by element; @ is the product of matrices
a = torch.arange(6.0).reshape(2, 3)
b = torch.full((2, 3), 2.0)
print(a + b)
print(a * b)
print(a @ b.T, a.matmul(b.t()).shape)
print(torch.cat([a, b], dim=0).shape, torch.cat([a, b], 1).shape, torch.stack([a, b]).size())
print(a.clamp(1, 4), a.mean(), a.sum(dim=0), a.max(), a.argmax())

# squeeze takes dimensions of size 1 away, unsqueeze puts one in
image = torch.zeros(28, 28, 1)
print(image.squeeze().shape, image.shape)
item = torch.zeros(3, 64, 64)
print(item.unsqueeze(0).shape, item[None].shape, item.unsqueeze(-1).shape)

# view: as many rows as are needed
x = torch.zeros(4, 4, 20)
print(x.view(-1, 320).shape, x.view(-1, 20).shape, x.view(-1).shape)

# permute: from batch, channels, height, width to what NumPy's pictures are
batch = torch.arange(24.0).view(1, 2, 3, 4)
picture = batch.permute(0, 2, 3, 1).numpy()
print(type(picture).__name__, picture.shape, picture[0, 0, 0])
print(batch.permute(0, 2, 3, 1).is_contiguous(), batch.stride(), batch.permute(0, 2, 3, 1).stride())

# parts of a tensor, read and written
t[0, :] = 0
t[t > 7] = -1
print(t, t[1], t[:, -1], t[[0, 2]].shape, t[1, 1].item(), t.tolist()[2])
for row in t:
    print(row.sum().item(), end=" ")
print()
print(torch.zeros(2, 0), torch.ones(2, dtype=torch.bool), torch.eye(2), torch.tensor(3), torch.tensor([]))
print(torch.tensor([1e-8, 1.0]), torch.tensor([1e8, 1.0]), torch.tensor([float("nan"), float("inf"), 1.5]))
