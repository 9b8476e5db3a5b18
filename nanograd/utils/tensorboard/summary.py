"""What one entry of an event file holds: a number, a histogram, a picture, a text, a graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from nanograd.errors import DTypeError, ShapeError
from nanograd.tensors import Tensor
from nanograd.utils.tensorboard.records import double, float32, message, packed, text, varint

__all__ = ["histogram", "image", "image_array", "number", "scalar", "text_value", "values"]

Array = np.ndarray[Any, Any]


def values(name: str, data: Any) -> Array:
    """A tensor, array, list or number as a NumPy array.  Raises DTypeError for what holds no numbers."""
    array = data.numpy(force=True) if isinstance(data, Tensor) else np.asarray(data)
    if array.dtype.kind not in "fiub":
        raise DTypeError(f"{name}: expected a tensor or an array of numbers, got {type(data).__name__}.")
    return array


def number(name: str, data: Any) -> float:
    """A single number.  Raises ShapeError for several."""
    array = values(name, data)
    if array.size != 1:
        raise ShapeError(f"{name}: expected a single number, got shape {array.shape}. Use .mean(), or add_histogram.")
    return float(array.reshape(()))


def scalar(tag: str, value: float) -> bytes:
    """A number under ``tag``."""
    return message(1, text(1, tag), float32(2, value))


def histogram(tag: str, data: Array, bins: Any, max_bins: int | None = None) -> bytes:
    """How often the elements of ``data`` fall into each bin.  Raises ShapeError for no elements or NaN."""
    flat = data.reshape(-1).astype(np.float64)
    if not flat.size:
        raise ShapeError("add_histogram: The input has no element.")
    if not np.isfinite(flat).all():
        raise ShapeError(f"add_histogram: {tag!r} has {int((~np.isfinite(flat)).sum())} NaN or infinite elements.")
    exponential = isinstance(bins, str) and bins == "tensorflow"
    counts, limits = np.histogram(flat.clip(-1e20, 1e20), bins=_exponential_bins() if exponential else bins)
    full = np.flatnonzero(counts)
    if len(full):  # one empty bin on each side is enough
        first, last = max(full[0] - 1, 0), min(full[-1] + 2, len(counts))
        counts, limits = counts[first:last], limits[first : last + 1]
    if max_bins is not None and len(counts) > max_bins:
        step = -(-len(counts) // max_bins)
        limits = np.append(limits[:-1][::step], limits[-1])
        counts = np.add.reduceat(counts, range(0, len(counts), step))
    body = (
        double(1, flat.min()), double(2, flat.max()), double(3, flat.size), double(4, flat.sum()),
        double(5, float(flat @ flat)), packed(6, limits[1:]), packed(7, counts),
    )  # fmt: skip
    return message(1, text(1, tag), message(5, *body))


def _exponential_bins() -> list[float]:
    """TensorBoard's bins: 10 % wider each, from 1e-12 to 1e20, on both sides of 0."""
    up, v = [], 1e-12
    while v < 1e20:
        up.append(v)
        v *= 1.1
    up.append(1e20)
    return [*(-v for v in reversed(up)), 0.0, *up]


def image_array(name: str, data: Any, layout: str) -> Array:
    """Pixels (H, W, C) in uint8 of an image of the given layout; floats in [0, 1] are spread over 0 ... 255."""
    array = values(name, data)
    order = layout.upper()
    if sorted(order) not in (["H", "W"], ["C", "H", "W"]) or len(order) != array.ndim:
        raise ShapeError(
            f"{name}: an image of shape {array.shape} does not fit dataformats={layout!r}: one letter of C, H, W each."
        )
    if "C" not in order:
        array, order = array[None], "C" + order
    array = array.transpose([order.index(axis) for axis in "HWC"])
    if array.shape[2] not in (1, 3, 4):
        raise ShapeError(f"{name}: expected 1, 3 or 4 channels, got {array.shape[2]} in shape {array.shape} (HWC).")
    if array.dtype != np.uint8:
        scale = 255.0 if array.dtype.kind == "f" else 1.0
        array = (array.astype(np.float64) * scale).clip(0, 255).astype(np.uint8)
    return array


def image(tag: str, pixels: Array) -> bytes:
    """A picture, as PNG."""
    from nanograd.vision import png

    height, width, channels = pixels.shape
    size = varint(1, height), varint(2, width), varint(3, channels)
    return message(1, text(1, tag), message(4, *size, message(4, png.encode(pixels))))


def text_value(tag: str, content: str) -> bytes:
    """A text, shown as Markdown."""
    plugin = message(9, message(1, text(1, "text")))
    tensor = message(8, varint(1, 7), message(2, message(2, varint(1, 1))), text(8, content))  # 7: DT_STRING
    return message(1, text(1, f"{tag}/text_summary"), plugin, tensor)
