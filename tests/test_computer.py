"""What importing nanograd tells NumPy about the computer, and what it leaves alone."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from nanograd import computer

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told anything")
WIDE = "fpu avx2 avx512f avx512bw avx512cd avx512dq avx512vl"


def told(monkeypatch: Any, vendor: str, family: int, flags: str = WIDE) -> str | None:
    """What OpenBLAS is told of a processor."""
    monkeypatch.setattr(
        computer, "_described", lambda: {"vendor_id": vendor, "cpu family": f"{family}", "flags": flags}
    )
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "numpy", raising=False)
        computer.name_processor()
    return os.environ.get("OPENBLAS_CORETYPE")


def test_only_processors_that_openblas_does_not_know_are_named(monkeypatch: Any) -> None:
    assert told(monkeypatch, "AuthenticAMD", 26) == "SkylakeX"
    assert told(monkeypatch, "AuthenticAMD", 25) is None
    assert told(monkeypatch, "AuthenticAMD", 26, "fpu avx2") is None
    assert told(monkeypatch, "GenuineIntel", 26) is None


def test_without_a_description_nothing_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr(computer, "_described", dict)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    with monkeypatch.context() as without:
        without.delitem(sys.modules, "numpy", raising=False)
        computer.name_processor()
    assert "OPENBLAS_CORETYPE" not in os.environ


@pytest.mark.parametrize("first", ["", "import numpy; "])
def test_the_environment_and_a_loaded_numpy_come_first(first: str) -> None:
    given = {**os.environ, "OPENBLAS_CORETYPE": "Haswell"} if not first else dict(os.environ)
    if first:
        given.pop("OPENBLAS_CORETYPE", None)
    program = f"{first}import nanograd, os; print(os.environ.get('OPENBLAS_CORETYPE'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=given, check=True)
    assert done.stdout.strip() == ("None" if first else "Haswell")


@linux
def test_the_memory_of_a_step_serves_the_next() -> None:
    """Arrays of 4 MB that are freed and made again cost no page faults."""
    program = """
import nanograd as torch, resource
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def step():
    xs = [torch.ones(1000, 1000) for _ in range(4)]
for _ in range(3): step()
before = faults()
for _ in range(20): step()
print(faults() - before)
"""
    names = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_")
    given = {k: v for k, v in os.environ.items() if k not in names}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=given, check=True)
    if "CS_GNU_LIBC_VERSION" in os.confstr_names:  # another libc has no such setting
        assert int(done.stdout) < 1000
