"""``nanograd warmup``: after it the usual models compile nothing; how it shows that it goes on, and how it ends."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import nanograd as torch
from nanograd import warmup
from nanograd.kernels import cache
from nanograd.kernels.compile import can_compile

ROOT = Path(__file__).parents[1]

USUAL = """
from benchmarks.workloads import WORKLOADS
import nanograd
from nanograd.kernels.compile import COMPILED
for name, build in WORKLOADS.items():
    step = build(nanograd)
    step(), step()
    print(name, [kernel.name for kernel in COMPILED])
    COMPILED.clear()
"""


def environment(directory):
    return os.environ | {"NANOGRAD_CACHE_DIR": str(directory), "PYTHONPATH": str(ROOT)}


def run(directory, *words, **more):
    command = [sys.executable, *words]
    return subprocess.run(
        command, env=environment(directory) | more, cwd=ROOT, capture_output=True, text=True, timeout=300
    )


@pytest.mark.skipif(not can_compile(), reason="numba is not importable")
def test_after_it_the_usual_models_compile_nothing(tmp_path):
    first = run(tmp_path, "-m", "nanograd", "warmup")
    assert (first.returncode, first.stderr) == (0, "")
    assert str(tmp_path) in first.stdout.splitlines()[0]
    assert " MB" in first.stdout.splitlines()[-1]
    usual = run(tmp_path, "-c", USUAL)
    assert usual.stderr == ""
    assert len(usual.stdout.splitlines()) >= 7
    assert [line for line in usual.stdout.splitlines() if not line.endswith(" []")] == []
    again = run(tmp_path, "-m", "nanograd", "warmup")
    assert again.stdout.splitlines()[-2].startswith("0 kernels compiled")


@pytest.mark.skipif(not can_compile() or sys.platform == "win32", reason="numba is not importable, or no such signal")
def test_an_interrupt_keeps_what_is_compiled(tmp_path):
    command = [sys.executable, "-m", "nanograd", "warmup"]
    with subprocess.Popen(command, env=environment(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()  # where the kernels are kept
        process.stdout.readline()  # the first part is done
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert "what is compiled is kept" in rest
    assert list(tmp_path.rglob("*.kernel"))
    assert not list(tmp_path.rglob("*.partial"))


def test_without_numba_it_says_so(tmp_path):
    done = run(tmp_path, "-m", "nanograd", "warmup", NANOGRAD_JIT="0")
    assert done.returncode == 8
    assert "kernels run on NumPy" in done.stderr


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_the_line_goes_on_while_something_lasts():
    terminal, file = Terminal(), io.StringIO()
    for out in (terminal, file):
        with warmup.Line("a part", out):
            time.sleep(0.35)
    shown = terminal.getvalue().split("\r")[1:]
    assert len(shown) >= 3
    assert len(set(shown)) >= 2
    assert file.getvalue().count("\n") == 1
    assert "\r" not in file.getvalue()


@pytest.mark.skipif(not can_compile(), reason="numba is not importable")
def test_a_directory_that_takes_nothing_is_a_failure(monkeypatch, capsys):
    monkeypatch.setattr(warmup, "PARTS", {})
    monkeypatch.setattr(cache, "files", list)
    assert warmup.warmup() == 1
    assert "Set NANOGRAD_CACHE_DIR" in capsys.readouterr().err


@pytest.mark.skipif(not can_compile(), reason="numba is not importable")
def test_it_draws_no_numbers_of_the_program(monkeypatch, capsys):
    monkeypatch.setattr(warmup, "PARTS", {"draw": lambda: torch.rand(5)})
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    warmup.warmup()
    assert torch.rand(4).tolist() == expected.tolist()
    assert "[1/1] draw" in capsys.readouterr().out
