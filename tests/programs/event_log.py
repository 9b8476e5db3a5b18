"""The companions: a progress bar around a loader, and the scalars of a run in an event file."""

import io
import tempfile
from pathlib import Path

import torch
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x = torch.sin(torch.arange(30.0)).view(10, 3)
y = x.sum(dim=1, keepdim=True)
with tempfile.TemporaryDirectory() as folder:
    writer = SummaryWriter(log_dir=folder, comment="ignored")
    bar = tqdm(range(20), desc="training", file=io.StringIO())
    for step in bar:
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        writer.add_scalar("Loss/train", loss, step)
        writer.add_scalars("both", {"loss": loss.item(), "rate": 0.05}, step)
        bar.set_postfix(loss=f"{loss.item():.3f}")
    writer.add_histogram("weights", model.weight, 20)
    writer.add_text("note", "by formula")
    writer.flush()
    writer.close()
    files = sorted(Path(folder).rglob("events.out.tfevents.*"))
    print(len(files) >= 1, all(file.stat().st_size > 100 for file in files), bar.n)
