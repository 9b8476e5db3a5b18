"""SummaryWriter: torch's, over event files of our own."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from nanograd.errors import ShapeError
from nanograd.nn.module import Module
from nanograd.tape import enable_grad
from nanograd.tensors import Tensor
from nanograd.utils.tensorboard import summary
from nanograd.utils.tensorboard.graph import graph
from nanograd.utils.tensorboard.records import double, message, record, text, varint

__all__ = ["SummaryWriter"]


class EventFile:
    """An event file that entries are added to.  What was written is on disk after ``flush`` or ``close``."""

    _count = 0
    _lock = threading.Lock()

    def __init__(self, directory: Path, suffix: str = "", flush_secs: float = 120) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        with EventFile._lock:
            EventFile._count += 1
            number = EventFile._count
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{number}{suffix}"
        self.path = directory / name
        self.flush_secs = flush_secs
        self._file = self.path.open("xb")
        self._flushed = time.monotonic()
        self.add(text(3, "brain.Event:2"), None, None)
        self._file.flush()

    def add(self, what: bytes, step: int | None, wall_time: float | None) -> None:
        """Add an entry: the bytes of its field."""
        head = double(1, time.time() if wall_time is None else wall_time)
        if step is not None:
            head += varint(2, int(step))
        self._file.write(record(head + what))
        if time.monotonic() - self._flushed > self.flush_secs:
            self.flush()

    def flush(self) -> None:
        """Bring everything to the disk."""
        self._file.flush()
        self._flushed = time.monotonic()

    def close(self) -> None:
        """Write out and close; again does nothing."""
        self._file.close()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._file.closed


class SummaryWriter:
    """Writes numbers, histograms, pictures, texts and graphs into ``log_dir`` for TensorBoard.

    Without ``log_dir`` it is runs/<date>_<time>_<host><comment>.  Every entry has a tag, and a step that TensorBoard
    lays along the horizontal axis.  Nothing has to be installed to write; ``tensorboard --logdir runs`` shows it.

    >>> with SummaryWriter("runs/first") as writer:  # doctest: +SKIP
    ...     for step in range(100):
    ...         writer.add_scalar("loss", 1 / (step + 1), step)
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        if log_dir is None or log_dir == "":
            log_dir = Path("runs") / f"{time.strftime('%b%d_%H-%M-%S')}_{socket.gethostname()}{comment}"
        self.log_dir = os.fspath(log_dir)
        self.flush_secs, self.filename_suffix = flush_secs, filename_suffix
        self._files: dict[str, EventFile] = {}
        if purge_step is not None:  # TensorBoard forgets what came after this step in a run that was taken up again
            self._open().add(message(7, varint(1, 1)), purge_step, None)
        else:
            self._open()

    def _open(self, below: str = "") -> EventFile:
        file = self._files.get(below)
        if file is None or file.closed:
            file = EventFile(Path(self.log_dir) / below, self.filename_suffix, self.flush_secs)
            self._files[below] = file
        return file

    def _add(self, value: bytes, step: int | None, wall_time: float | None, below: str = "") -> None:
        self._open(below).add(message(5, value), step, wall_time)

    def get_logdir(self) -> str:
        """Where the files are."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """A number: a float or a tensor of one element.  Raises ShapeError for several."""
        self._add(summary.scalar(tag, summary.number("add_scalar", scalar_value)), global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: int | None = None,
        walltime: float | None = None,
    ) -> None:
        """Several numbers in one diagram: each is a run of its own, in a folder ``main_tag_tag`` below."""
        for tag, value in tag_scalar_dict.items():
            entry = summary.scalar(main_tag, summary.number("add_scalars", value))
            self._add(entry, global_step, walltime, f"{main_tag.replace('/', '_')}_{tag}")

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: int | None = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How the elements of a tensor are spread.  Raises ShapeError for no elements, and for NaN or infinity."""
        array = summary.values("add_histogram", values)
        self._add(summary.histogram(tag, array, bins, max_bins), global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture: floats in [0, 1] or uint8.  Raises ShapeError where it does not fit ``dataformats``."""
        pixels = summary.image_array("add_image", img_tensor, dataformats)
        self._add(summary.image(tag, pixels), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several pictures of one size, side by side in one.

        Raises ShapeError where they do not fit ``dataformats``.
        """
        from nanograd.vision.utils import make_grid

        order = dataformats.upper()
        array = summary.values("add_images", img_tensor)
        if len(order) != array.ndim or not order.startswith("N"):
            raise ShapeError(f"add_images: shape {array.shape} does not fit dataformats={dataformats!r}.")
        each = [summary.image_array("add_images", one, order[1:]) for one in array]
        grid = make_grid([Tensor(one.transpose(2, 0, 1)) for one in each], padding=0)
        self._add(summary.image(tag, grid.byte().permute(1, 2, 0).numpy()), global_step, walltime)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: int | None = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A figure of matplotlib, as a picture."""
        import numpy as np

        figure.canvas.draw()
        pixels = np.asarray(figure.canvas.buffer_rgba())
        if close:
            import_module("matplotlib.pyplot").close(figure)
        self._add(summary.image(tag, pixels), global_step, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """A text, shown as Markdown."""
        self._add(summary.text_value(tag, text_string), global_step, walltime)

    def add_graph(
        self, model: Module, input_to_model: Any = None, verbose: bool = False, use_strict_trace: bool = True
    ) -> None:
        """The operations of ``model(input_to_model)``, as the tape records them.  Raises TypeError without an input."""
        if input_to_model is None:
            raise TypeError("add_graph: expected an input for the model: add_graph(model, torch.zeros(1, 3, 32, 32)).")
        inputs = input_to_model if isinstance(input_to_model, (tuple, list)) else [input_to_model]
        training = model.training
        with enable_grad():
            try:
                definition = graph(model.eval(), inputs)
            finally:
                model.train(training)
        self._open().add(message(4, definition), None, None)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Any = None,
        run_name: str | None = None,
        global_step: int | None = None,
    ) -> None:
        """The settings of a run as a table in text, and its results as numbers under the folder ``run_name``."""
        rows = "".join(f"| {name} | {value} |\n" for name, value in hparam_dict.items())
        below = str(time.time()) if run_name is None else run_name
        entry = summary.text_value("hparams", f"| setting | value |\n|---|---|\n{rows}")
        self._add(entry, global_step, None, below)
        for name, value in metric_dict.items():
            self._add(summary.scalar(name, summary.number("add_hparams", value)), global_step, None, below)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("add_"):
            raise AttributeError(f"SummaryWriter.{name}: nanograd does not write this kind of entry.")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def flush(self) -> None:
        """Bring everything to the disk."""
        for file in self._files.values():
            if not file.closed:
                file.flush()

    def close(self) -> None:
        """Write out and close; what is added afterwards goes to a new file."""
        for file in self._files.values():
            file.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
