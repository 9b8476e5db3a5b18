"""The old tensorboard_logger: configure once, then log_value."""

import tempfile
from pathlib import Path

from tensorboard_logger import configure, log_value

with tempfile.TemporaryDirectory() as folder:
    configure(folder, flush_secs=1)
    for step in range(5):
        log_value("loss", 1.0 / (step + 1), step)
    print([path.name.startswith("events.out.tfevents") for path in Path(folder).iterdir()])
