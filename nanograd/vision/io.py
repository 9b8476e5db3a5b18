"""Images in files, under the names of torchvision.io.  PNG needs nothing; other formats need Pillow."""

from __future__ import annotations

import enum
import io
from pathlib import Path
from typing import Any

import numpy as np

from nanograd.dtypes import uint8
from nanograd.errors import DTypeError, MissingError, ShapeError
from nanograd.ops.creation import from_numpy
from nanograd.serialization import FileFormatError
from nanograd.tensors import Tensor
from nanograd.vision import png
from nanograd.vision.files import replacing
from nanograd.vision.picture import Array, find_pillow, need_pillow

__all__ = [
    "ImageReadMode", "decode_image", "decode_jpeg", "decode_png", "encode_jpeg", "encode_png", "read_file",
    "read_image", "write_file", "write_jpeg", "write_png",
]  # fmt: skip

GRAY = (0.299, 0.587, 0.114)  # ITU-R 601


class ImageReadMode(enum.Enum):
    """The channels a reader gives: as the file has them, gray (1), gray and alpha (2), RGB (3), RGB and alpha (4)."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4


def read_image(path: str | Path, mode: ImageReadMode | str = ImageReadMode.UNCHANGED) -> Tensor:
    """The image in a file, uint8 (C, H, W).

    Raises FileNotFoundError where there is none, FileFormatError for damage, MissingError for what needs Pillow, which
    is not installed.
    """
    return decode_image(Path(path).read_bytes(), mode)


def decode_image(input: Tensor | bytes, mode: ImageReadMode | str = ImageReadMode.UNCHANGED) -> Tensor:
    """The image in the bytes of a file, which may be a uint8 tensor (N,): uint8 (C, H, W).

    Raises TypeError for what is no bytes, FileFormatError for damage, ValueError for another mode.
    """
    array = _with_channels(_decoded(_bytes("decode_image", input)), _mode(mode))
    return from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))


decode_png = decode_jpeg = decode_image


def _mode(mode: ImageReadMode | str) -> ImageReadMode:
    if isinstance(mode, ImageReadMode):
        return mode
    if isinstance(mode, str) and mode.upper() in {"RGBA", *ImageReadMode.__members__}:
        return ImageReadMode["RGB_ALPHA" if mode.upper() == "RGBA" else mode.upper()]
    raise ValueError(f"decode_image: expected mode to be one of {', '.join(ImageReadMode.__members__)}, got {mode!r}.")


def _bytes(name: str, input: Any) -> bytes:
    if isinstance(input, bytes):
        return input
    if not isinstance(input, Tensor) or input.dtype is not uint8 or input.ndim != 1:
        what = f"{input.dtype} {tuple(input.shape)}" if isinstance(input, Tensor) else type(input).__name__
        raise DTypeError(f"{name}: expected the bytes of a file, uint8 (N,), got {what}.")
    return input.numpy().tobytes()


def _decoded(data: bytes) -> Array:
    """The image, uint8 (H, W, C)."""
    if data.startswith(png.SIGNATURE):
        try:
            return png.decode(data)
        except MissingError:
            if find_pillow() is None:
                raise
    if not data:
        raise FileFormatError("decode_image: the file is empty.")
    image = _opened_by_pillow(data)
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        image = image.convert("RGBA" if "transparency" in image.info else "L" if image.mode in "1I;16" else "RGB")
    array = np.array(image)
    return array if array.ndim == 3 else array[:, :, None]


def _opened_by_pillow(data: bytes) -> Any:
    pillow = need_pillow("decode_image: this file is no PNG, and reading other formats (JPEG, ...)")
    try:
        image = pillow.open(io.BytesIO(data))
        image.load()
    except (OSError, ValueError, SyntaxError, pillow.DecompressionBombError) as error:
        raise FileFormatError(f"decode_image: the file is damaged or not an image: {error}.") from None
    return image


def _with_channels(image: Array, mode: ImageReadMode) -> Array:
    """The image (H, W, C) with the channels of ``mode``; alpha that is dropped is not blended."""
    have, want = image.shape[2], image.shape[2] if mode is ImageReadMode.UNCHANGED else mode.value
    if have == want:
        return image
    color, alpha = (
        (image[:, :, :-1], image[:, :, -1:]) if have in (2, 4) else (image, np.full_like(image[:, :, :1], 255))
    )
    if want <= 2 and color.shape[2] == 3:
        color = np.round(color @ np.array(GRAY, np.float32)).astype(np.uint8)[:, :, None]
    elif want >= 3 and color.shape[2] == 1:
        color = np.repeat(color, 3, axis=2)
    return np.concatenate([color, alpha], axis=2) if want in (2, 4) else color


def open_picture(path: str | Path) -> Any:
    """The image in a file in color, as people hold it: a PIL image of mode RGB, or uint8 (H, W, 3) without Pillow."""
    data = Path(path).read_bytes()
    try:
        if find_pillow() is not None:
            return _opened_by_pillow(data).convert("RGB")
        return np.ascontiguousarray(_with_channels(_decoded(data), ImageReadMode.RGB))
    except (FileFormatError, MissingError) as error:
        raise type(error)(f"{path}: {error}") from None


# Writing


def _channels_last(name: str, input: Any, channels: tuple[int, ...]) -> Array:
    if not isinstance(input, Tensor) or input.dtype is not uint8:
        what = input.dtype if isinstance(input, Tensor) else type(input).__name__
        raise DTypeError(f"{name}: expected a uint8 tensor, got {what}.")
    if input.ndim != 3 or input.shape[0] not in channels or not input.numel():
        raise ShapeError(f"{name}: expected (C, H, W) with C in {channels}, not empty, got {tuple(input.shape)}.")
    return np.ascontiguousarray(input.permute(1, 2, 0).numpy())


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """The PNG file of an image, uint8 (C, H, W) with one to four channels: its bytes, uint8 (N,).

    Raises TypeError for what is not uint8, ValueError for another shape, and for a compression_level outside [0, 9].
    """
    if not 0 <= compression_level <= 9:
        raise ValueError(f"encode_png: expected compression_level from 0 to 9, got {compression_level}.")
    data = png.encode(_channels_last("encode_png", input, (1, 2, 3, 4)), compression_level)
    return from_numpy(np.frombuffer(data, np.uint8).copy())


def write_png(input: Tensor, filename: str | Path, compression_level: int = 6) -> None:
    """Write an image, uint8 (C, H, W) with one to four channels, as a PNG file, whole or not at all."""
    write_file(filename, encode_png(input, compression_level))


def encode_jpeg(input: Tensor, quality: int = 75) -> Tensor:
    """The JPEG file of an image, uint8 (C, H, W), gray or RGB: its bytes, uint8 (N,).  Needs Pillow."""
    image = _channels_last("encode_jpeg", input, (1, 3))
    pillow = need_pillow("encode_jpeg: writing JPEG")
    file = io.BytesIO()
    pillow.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(file, "JPEG", quality=quality)
    return from_numpy(np.frombuffer(file.getvalue(), np.uint8).copy())


def write_jpeg(input: Tensor, filename: str | Path, quality: int = 75) -> None:
    """Write an image, uint8 (C, H, W), gray or RGB, as a JPEG file, whole or not at all.  Needs Pillow."""
    write_file(filename, encode_jpeg(input, quality))


def read_file(path: str | Path) -> Tensor:
    """The bytes of a file, uint8 (N,)."""
    return from_numpy(np.frombuffer(Path(path).read_bytes(), np.uint8).copy())


def write_file(filename: str | Path, data: Tensor) -> None:
    """Write bytes, uint8 (N,), to a file, whole or not at all."""
    content = _bytes("write_file", data)
    with replacing(Path(filename)) as file:
        file.write(content)
