"""Fetching a file once: from a list of mirrors, checked, whole or not at all, and continued where it broke off."""

from __future__ import annotations

import hashlib
import os
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from nanograd.vision.files import finish

__all__ = ["DownloadError", "check_integrity", "checksum", "fetch", "mirrors_of"]

MIRROR = "NANOGRAD_MIRROR"
SIZE_LIMIT = 4 << 30  # bytes; the largest file of these data sets has 170 MB


class DownloadError(RuntimeError, OSError):
    """A file that no mirror gave."""


def checksum(path: Path, algorithm: str = "md5") -> str:
    """The hexadecimal md5 or sha256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def check_integrity(fpath: str | Path, md5: str | None = None) -> bool:
    """Whether the file is there, with this checksum (an md5, or a sha256 by its 64 digits) if one is given."""
    path = Path(fpath)
    return path.is_file() and (md5 is None or checksum(path, _algorithm(md5)) == md5.lower())


def _algorithm(digest: str) -> str:
    kinds = {32: "md5", 64: "sha256"}
    if len(digest) not in kinds:
        raise ValueError(f"fetch: expected an md5 (32 digits) or a sha256 (64 digits), got {digest!r}.")
    return kinds[len(digest)]


def mirrors_of(dataset: str, published: Sequence[str]) -> list[str]:
    """Where to look for the files of a data set: in your own mirror first, if NANOGRAD_MIRROR names one.

    That is an address (https or file) or a folder, with a folder for each data set: ``MNIST``, ``CIFAR10``, ….

    >>> mirrors_of("MNIST", ["https://example.org/mnist/"])
    ['https://example.org/mnist/']
    """
    own = os.environ.get(MIRROR)
    if not own:
        return list(published)
    base = own if "://" in own else Path(own).expanduser().absolute().as_uri()
    return [f"{base.rstrip('/')}/{dataset}/", *published]


def fetch(mirrors: Sequence[str], name: str, folder: Path, digest: str, limit: int = SIZE_LIMIT) -> Path:
    """The path of the file ``name`` in ``folder``, fetched from the first mirror that gives it with its checksum.

    A mirror is the beginning of an address, https, http or file; ``digest`` is an md5 or a sha256.  The file takes its
    name only when it is complete and its checksum right.  Until then it is ``name.part``, which the next call
    continues.  Raises DownloadError, with what each mirror answered, when none has it.
    """
    from nanograd.vision.datasets.transfer import TransferError, transfer  # http and ssl, when there is need

    target = folder / name
    if check_integrity(target, digest):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part, failures = folder / f"{name}.part", []
    for mirror in mirrors:
        address = mirror + urllib.parse.quote(name)
        try:
            transfer(address, part, limit)
        except TransferError as error:
            failures.append(f"{address}: {error}")
            continue
        found = checksum(part, _algorithm(digest))
        if found == digest.lower():
            finish(part, target)
            return target
        part.unlink()
        failures.append(f"{address}: gave another file ({_algorithm(digest)} {found}, expected {digest})")
    raise DownloadError(_nowhere(name, target, digest, failures))


def _nowhere(name: str, target: Path, digest: str, failures: Sequence[str]) -> str:
    tried = "".join(f"\n    {failure}" for failure in failures) or "\n    (no mirror is known)"
    return (
        f"Error downloading {name}: no mirror gave it. Tried:{tried}\n"
        f"To put it there by hand: get {name} ({_algorithm(digest)} {digest}) on a machine with a connection and copy "
        f"it to {target}. Or set {MIRROR} to a folder or an address that has it, in a folder named after the data set."
    )
