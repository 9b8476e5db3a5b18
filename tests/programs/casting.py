"""Data types: floats, doubles, halfs and integers, casting between them, and what they become together."""

import torch

x = torch.tensor([1.7, -2.5, 3.0])
print(x.dtype, x.double().dtype, x.half().dtype, x.int().dtype, x.long().dtype, x.bool().dtype)
print(x.int(), x.to(torch.int64), x.to(torch.float64), x.half())
print(x.type(), x.long().type(), x.type(torch.DoubleTensor).type(), x.type(torch.int16))
print(torch.tensor([1, 2]).float(), torch.tensor([0, 2]).bool(), torch.tensor([True, False]).to(torch.uint8))

# a whole layer can be cast, and a tensor can take another's type
layer = torch.nn.Linear(3, 2).double()
print(layer.weight.dtype, layer(x.double()).dtype, x.to(layer.weight).dtype, x.type_as(torch.tensor([1])).dtype)

# what comes of two types
i, f, d, h = torch.tensor([1]), torch.tensor([1.0]), torch.tensor([1.0]).double(), torch.tensor([1.0]).half()
print((i + f).dtype, (i * 2.5).dtype, (f + d).dtype, (h + f).dtype, (h * 2).dtype, (i / i).dtype, (i // 2).dtype)
print((i > 0).dtype, (i + torch.tensor(1.5)).dtype, torch.result_type(i, 1.0), torch.ones(2).sum().dtype)
print(torch.tensor([1, 2], dtype=torch.uint8) - torch.tensor([3, 1], dtype=torch.uint8))
print(torch.finfo(torch.float32).eps, torch.iinfo(torch.int8).max, torch.get_default_dtype())

# sizes in memory, and Python's own numbers
for dtype in (torch.float16, torch.float32, torch.float64, torch.int8, torch.int64):
    print(dtype, torch.zeros(4, dtype=dtype).element_size(), "bytes")
print(int(torch.tensor(3.9)), float(torch.tensor(2)), bool(torch.tensor(0.0)), f"{torch.tensor(3.14159):.2f}")
