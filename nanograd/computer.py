"""What NumPy is told about this computer: importing this module says it, which has to be before NumPy is loaded.

Freed memory is kept: the arrays of a training step are as large as those of the step before, and a page that was given
back to the system has to be fetched, and cleared, again.  And OpenBLAS is told of vectors of 512 bits where it does not
know the processor.  What the environment says about either comes first.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

__all__ = ["keep_freed_memory", "name_processor"]

TRIM, MMAP = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h
KEPT = 256 << 20  # free memory that is not given back
WHOLE = 32 << 20  # arrays from this size on are mapped for themselves; malloc allows no more


def keep_freed_memory() -> None:
    """Let malloc keep what is freed, up to ``KEPT``."""
    if any(name in os.environ for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_")):
        return
    import ctypes

    with suppress(OSError, AttributeError):  # another libc has no mallopt
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP, WHOLE)
        mallopt(TRIM, KEPT)


def name_processor() -> None:
    """AMD's from Zen 5 on compute 512 bits at once; OpenBLAS up to 0.3.31 takes them for ones with 256."""
    if "OPENBLAS_CORETYPE" in os.environ or "numpy" in sys.modules:
        return
    with suppress(OSError, ValueError, KeyError):
        found = _described()
        wide = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= set(found["flags"].split())
        if found["vendor_id"] == "AuthenticAMD" and int(found["cpu family"]) >= ZEN_5 and wide:
            os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"


ZEN_5 = 26


def _described() -> dict[str, str]:
    """What the system says about its first processor."""
    with open("/proc/cpuinfo") as file:  # noqa: PTH123 (this runs at every import, and Path's way is longer)
        lines = file.read(8192).partition("\n\n")[0].splitlines()
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


if sys.platform == "linux":
    keep_freed_memory()
    name_processor()
