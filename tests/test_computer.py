"""What importing nanograd tells OpenBLAS about the processor, and when it says nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from nanograd import computer

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
