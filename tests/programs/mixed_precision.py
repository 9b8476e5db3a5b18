"""What scripts for GPUs say, on a machine without one: autocast, GradScaler, compile, accelerators."""

import warnings

import torch
from torch import nn
from torch.amp import GradScaler, autocast

device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
use_amp = device == "cuda"
torch.backends.cuda.matmul.allow_tf32 = True
torch.backends.cudnn.allow_tf32 = True
print(device, use_amp)

model = nn.Linear(4, 1).to(device)
with torch.no_grad():
    model.weight.copy_(torch.tensor([[0.1, -0.2, 0.3, 0.4]]))
    model.bias.zero_()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = GradScaler(device, enabled=use_amp)
x = torch.sin(torch.arange(32.0)).view(8, 4)
for epoch in range(4):
    optimizer.zero_grad()
    with autocast(device_type=device, enabled=use_amp):
        output = model(x)
        loss = ((output - 1) ** 2).mean()
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    scaler.step(optimizer)
    scaler.update()
    print(f"{loss.item():.5f}", output.dtype)
print(scaler.is_enabled(), scaler.get_scale(), scaler.state_dict())

# a scaler for the CPU does scale
scaler = GradScaler("cpu", init_scale=1024.0, growth_interval=2)
for step in range(3):
    optimizer.zero_grad()
    loss = ((model(x) - 1) ** 2).mean()
    scaler.scale(loss).backward()
    before = model.weight.grad[0, 0].item()
    if step == 1:
        model.weight.grad[0, 0] = float("inf")  # such a step is left out
    scaler.step(optimizer)
    scaler.update()
    print(f"{loss.item():.5f} {before:.2f}", scaler.get_scale())

# asking for what is not there warns, and goes on
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    scaler = torch.cuda.amp.GradScaler()
    with torch.cuda.amp.autocast():
        print((x @ x.T).dtype)
for warning in caught:
    print(warning.category.__name__, str(warning.message)[:60])


@torch.compile(disable=True)
def double(t):
    return t * 2


print(double(torch.ones(2)), callable(torch.compile(model)), torch.is_autocast_enabled())
torch.use_deterministic_algorithms(True)
print(torch.are_deterministic_algorithms_enabled(), torch.get_num_threads() > 0)
torch.use_deterministic_algorithms(False)
