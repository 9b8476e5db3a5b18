"""Devices: how to ask for a GPU, and how the same program goes on without one."""

import torch

device = "cuda" if torch.cuda.is_available() else "cpu"
print(device, torch.cuda.is_available(), torch.cuda.device_count())
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
print(device, repr(device), device.type, device.index, device == torch.device("cpu"))

# the names that ask for any kind of accelerator
if torch.accelerator.is_available():
    device = torch.accelerator.current_accelerator()
print(torch.accelerator.current_accelerator(), torch.backends.mps.is_available(), torch.xpu.is_available())

t = torch.ones(2, 3)
if torch.cuda.is_available():
    t = t.to("cuda")
print(t.device, t.is_cuda, t.to(device).device, t.cpu() is t)
model = torch.nn.Linear(3, 1).to(device)
print(next(model.parameters()).device, model(t.to(device)).device, model.cpu() is model)

# what scripts say before they start
torch.backends.cudnn.benchmark = True
torch.backends.cudnn.deterministic = True
torch.cuda.manual_seed_all(0)
torch.cuda.empty_cache()
torch.set_float32_matmul_precision("high")
print(torch.cuda.memory_allocated(), torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision())

# a GPU that is not there is an error, and can be caught as one
for attempt in (
    lambda: torch.zeros(2).to("cuda"),
    lambda: torch.zeros(2).cuda(),
    lambda: torch.zeros(2, device="cuda"),
    lambda: torch.nn.LSTM(4, 2, device="cuda"),
    lambda: torch.nn.Linear(1, 1).cuda(),
):
    try:
        attempt()
    except (RuntimeError, AssertionError):
        print("no GPU", end="; ")
print()
