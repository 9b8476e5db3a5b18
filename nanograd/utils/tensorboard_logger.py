"""The names of the package tensorboard_logger, over SummaryWriter.

``configure("runs/1")``, then ``log_value("loss", loss, step)``.
"""

from __future__ import annotations

from typing import Any

from nanograd.utils.tensorboard.writer import SummaryWriter

__all__ = ["Logger", "configure", "log_histogram", "log_images", "log_value"]


class Logger:
    """A run in a folder of its own."""

    def __init__(self, logdir: Any, flush_secs: float = 2) -> None:
        self.writer = SummaryWriter(logdir, flush_secs=flush_secs)
        self._steps: dict[str, int] = {}

    def _step(self, name: str, step: int | None) -> int:
        """The step, or one more than the last of this name."""
        self._steps[name] = self._steps.get(name, -1) + 1 if step is None else int(step)
        return self._steps[name]

    def log_value(self, name: str, value: Any, step: int | None = None) -> None:
        """A number.  Raises TypeError for a name that is no text, ShapeError for several numbers."""
        if not isinstance(name, str):
            raise TypeError(f"log_value: expected a name, got {type(name).__name__} {name!r:.40}.")
        self.writer.add_scalar(name, value, self._step(name, step))
        self.writer.flush()

    def log_histogram(self, name: str, value: Any, step: int | None = None) -> None:
        """How the elements are spread."""
        self.writer.add_histogram(name, value, self._step(name, step))
        self.writer.flush()

    def log_images(self, name: str, images: Any, step: int | None = None) -> None:
        """Pictures of one size, (N, H, W) or (N, C, H, W), in one."""
        shape = images.shape if hasattr(images, "shape") else images[0].shape
        self.writer.add_images(name, images, self._step(name, step), dataformats="NHW" if len(shape) == 3 else "NCHW")
        self.writer.flush()


_default: Logger | None = None


def configure(logdir: Any, flush_secs: float = 2) -> None:
    """Say where ``log_value`` and the others write.  Raises ValueError where that was said before."""
    global _default
    if _default is not None:
        raise ValueError("default logger already configured")
    _default = Logger(logdir, flush_secs)


def _configured() -> Logger:
    if _default is None:
        raise ValueError("default logger is not configured. Call tensorboard_logger.configure(logdir) first.")
    return _default


def log_value(name: str, value: Any, step: int | None = None) -> None:
    """A number.  Raises ValueError before ``configure``."""
    _configured().log_value(name, value, step)


def log_histogram(name: str, value: Any, step: int | None = None) -> None:
    """How the elements are spread.  Raises ValueError before ``configure``."""
    _configured().log_histogram(name, value, step)


def log_images(name: str, images: Any, step: int | None = None) -> None:
    """Pictures.  Raises ValueError before ``configure``."""
    _configured().log_images(name, images, step)
