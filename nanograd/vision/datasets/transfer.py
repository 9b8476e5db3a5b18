"""Bringing the bytes of an address into a file that may have the first of them already."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

__all__ = ["TransferError", "transfer"]

_CHUNK = 1 << 18
_TIMEOUT = 30.0  # seconds without a byte


class TransferError(OSError):
    """Why an address did not give its file, in words."""


def transfer(address: str, part: Path, limit: int) -> None:
    """Bring ``part`` to its full length, at most ``limit`` bytes.  Raises TransferError; what came is kept."""
    try:
        _transfer(address, part, limit)
    except TransferError:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise TransferError(f"HTTP {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise TransferError(str(getattr(error, "reason", None) or error) or type(error).__name__) from None


def _transfer(address: str, part: Path, limit: int) -> None:
    scheme = urllib.parse.urlsplit(address).scheme
    if scheme not in ("https", "http", "file"):
        raise TransferError(f"expected an address that begins with https, http or file, got {scheme or 'no scheme'!r}")
    have = part.stat().st_size if part.exists() else 0
    try:
        answer = _ask(address, have)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:  # 416: nothing lies beyond what we have; it may be another file's
            raise
        error.close()
        have = 0
        answer = _ask(address, 0)
    with answer:
        if have and not _continues(answer, have):
            if scheme == "file":
                answer.seek(have)
            else:
                have = 0
        _receive(answer, part, have, limit, scheme)


def _ask(address: str, have: int) -> Any:
    headers = {"User-Agent": "nanograd"} | ({"Range": f"bytes={have}-"} if have else {})
    return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=_TIMEOUT)


def _continues(answer: Any, have: int) -> bool:
    return answer.status == 206 and str(answer.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _receive(answer: Any, part: Path, have: int, limit: int, scheme: str) -> None:
    from tqdm import tqdm  # type: ignore[import-untyped]

    length = answer.headers.get("Content-Length")
    total = None if length is None else int(length) + (have if scheme != "file" else 0)
    if total is not None and total > limit:
        raise TransferError(f"it has {total} bytes, more than the {limit} allowed")
    name = part.name.removesuffix(".part")
    with part.open("ab" if have else "wb") as file, tqdm(
        total=total, initial=have, desc=name, unit="B", unit_scale=True, disable=None, leave=False
    ) as bar:  # fmt: skip
        while chunk := answer.read(_CHUNK):
            have += len(chunk)
            if have > limit:
                raise TransferError(f"it has more than the {limit} bytes allowed")
            file.write(chunk)
            bar.update(len(chunk))
        file.flush()
        os.fsync(file.fileno())
    if total is not None and have < total:
        raise TransferError(f"the connection ended after {have} of {total} bytes; the next try continues there")
