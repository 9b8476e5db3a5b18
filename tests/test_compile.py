"""The cache of compiled kernels: damaged files, no place to write, several processes at once."""

import os
import subprocess
import sys

import pytest

from nanograd.kernels.compile import can_compile

pytestmark = pytest.mark.skipif(not can_compile(), reason="numba is not importable")

PROGRAM = """
import nanograd as torch
x = torch.linspace(-1, 1, 8192).requires_grad_()
torch.relu(x).sum().backward()
print(float(x.grad.sum().item()))
"""


def start(directory):
    env = os.environ | {"NANOGRAD_CACHE_DIR": str(directory)}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_damaged_files_cost_a_compilation_and_never_the_run(tmp_path):
    assert outcome(start(tmp_path)) == (0, "4096.0\n", "")
    files = [f for f in tmp_path.rglob("*") if f.suffix in (".nbi", ".nbc")]
    assert files, "nothing was cached"
    for damage in (b"", b"\x80\x05 cut short"):
        for file in files:
            file.write_bytes(damage)
        assert outcome(start(tmp_path)) == (0, "4096.0\n", "")


def test_several_processes_may_compile_for_the_first_time_at_once(tmp_path):
    running = [start(tmp_path) for _ in range(3)]
    assert [outcome(p) for p in running] == [(0, "4096.0\n", "")] * 3


def test_where_nothing_can_be_written_nothing_is_cached(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where a directory is expected")
    assert outcome(start(blocked)) == (0, "4096.0\n", "")
