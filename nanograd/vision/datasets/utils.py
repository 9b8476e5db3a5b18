"""torchvision's names for fetching files."""

from __future__ import annotations

import urllib.parse
from pathlib import Path

from nanograd.errors import MissingError
from nanograd.vision.datasets.download import check_integrity, fetch

__all__ = ["check_integrity", "download_url"]


def download_url(url: str, root: str | Path, filename: str | None = None, md5: str | None = None) -> None:
    """Fetch ``url`` into the folder ``root`` unless it is there.  Raises MissingError without a checksum, and for
    another file name.
    """
    base, slash, name = url.rpartition("/")
    if md5 is None:
        raise MissingError("download_url: expected md5=..., the md5 or sha256 of the file, to check it by.")
    if filename not in (None, name):
        raise MissingError(f"download_url: {name} cannot be saved as {filename}; leave filename out.")
    fetch([base + slash], urllib.parse.unquote(name), Path(root).expanduser(), md5)
