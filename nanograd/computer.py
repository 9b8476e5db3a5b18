"""What OpenBLAS is told about this computer: importing this module says it, which has to be before NumPy is loaded."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

__all__ = ["name_processor"]


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
    name_processor()
