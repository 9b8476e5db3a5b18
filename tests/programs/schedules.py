"""Learning rates that change: the schedulers, parameter groups, and a plateau."""

import torch
from torch import nn, optim
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import StepLR


def rates(make, steps=8, lr=0.1):
    model = nn.Linear(1, 1)
    optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = make(optimizer)
    seen = []
    for _ in range(steps):
        optimizer.step()
        seen.append(round(optimizer.param_groups[0]["lr"], 5))
        scheduler.step()
    return seen, [round(v, 5) for v in scheduler.get_last_lr()]


print(rates(lambda o: StepLR(o, step_size=3, gamma=0.1)))
print(rates(lambda o: lr_scheduler.MultiStepLR(o, milestones=[2, 5], gamma=0.5)))
print(rates(lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9)))
print(rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=8, eta_min=0.01)))
print(rates(lambda o: lr_scheduler.LambdaLR(o, lr_lambda=lambda epoch: 0.95**epoch)))
print(rates(lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.1, total_steps=10)))
print(rates(lambda o: lr_scheduler.LinearLR(o, start_factor=0.25, total_iters=4)))
print(rates(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=4)))
print(rates(lambda o: lr_scheduler.CyclicLR(o, base_lr=0.01, max_lr=0.1, step_size_up=3)))
print(
    rates(
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.ConstantLR(o, 0.1, total_iters=2), lr_scheduler.ExponentialLR(o, 0.5)], milestones=[3]
        )
    )
)

# two groups with rates of their own
body, head = nn.Linear(4, 4), nn.Linear(4, 1)
optimizer = optim.SGD([{"params": body.parameters()}, {"params": head.parameters(), "lr": 1e-3}], lr=1e-2, momentum=0.9)
scheduler = StepLR(optimizer, 1, 0.5)
optimizer.step()
scheduler.step()
print([group["lr"] for group in optimizer.param_groups], scheduler.get_last_lr(), scheduler.state_dict()["last_epoch"])
for group in optimizer.param_groups:
    group["lr"] = 0.2
print(optimizer)

# less when the loss no longer falls
optimizer = optim.Adam(head.parameters(), lr=0.1)
plateau = lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=2)
for loss in (1.0, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7, 0.7, 0.7, 0.7):
    plateau.step(loss)
    print(optimizer.param_groups[0]["lr"], end=" ")
print()
print(torch.optim.lr_scheduler.StepLR is StepLR)
