"""Compiled kernels on disk: several processes at once, damaged files, no place to write, what names a file."""

import functools
import importlib
import io
import os
import pkgutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import nanograd
from nanograd.kernels import cache, tile, vector
from nanograd.kernels.compile import Jit, Patience, can_compile, exact, jit

pytestmark = pytest.mark.skipif(not can_compile(), reason="numba is not importable")

PROGRAM = """
import sys
import nanograd as torch
from nanograd.kernels.compile import COMPILED
x = torch.linspace(-1, 1, 8192, dtype=getattr(torch, sys.argv[1])).requires_grad_()
(torch.relu(x).sum() + torch.max_pool2d(x.reshape(2, 1, 64, 64), 2).sum()).backward()
print(float(x.grad.sum().item()), len(COMPILED))
"""
# 4096 ones from relu, 2048 from the pools
SUM = "6144.0"


def start(directory, dtype="float32", before=""):
    environment = os.environ | {"NANOGRAD_CACHE_DIR": str(directory), "PYTHONHASHSEED": "random"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", before + PROGRAM, dtype],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process):
    """(what it computed, how many functions it compiled)"""
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    total, compiled = out.split()
    return total, int(compiled)


def kernels(directory):
    return sorted(Path(directory).rglob("*.kernel"))


def test_a_second_process_compiles_nothing(tmp_path):
    total, compiled = outcome(start(tmp_path))
    assert total == SUM
    assert compiled >= 2
    assert outcome(start(tmp_path)) == (SUM, 0)
    assert len(kernels(tmp_path)) == compiled


def test_several_processes_may_compile_for_the_first_time_at_once(tmp_path):
    dtypes = ["float32", "float64", "float32", "float64"]  # one kernel for two dtypes: they must not take each other's
    running = [start(tmp_path, dtype) for dtype in dtypes]
    assert {outcome(process)[0] for process in running} == {SUM}
    assert [outcome(start(tmp_path, dtype)) for dtype in dtypes[:2]] == [(SUM, 0)] * 2
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped"])
def test_damaged_files_cost_a_compilation_and_are_mended(tmp_path, damage):
    outcome(start(tmp_path))
    for file in kernels(tmp_path):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes({"empty": b"", "cut": bytes(data[:1000]), "flipped": bytes(data)}[damage])
    total, compiled = outcome(start(tmp_path))
    assert total == SUM
    assert compiled >= 2
    assert outcome(start(tmp_path)) == (SUM, 0)


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where a directory is expected")
    assert outcome(start(blocked))[0] == SUM


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit the size of files")
def test_a_full_disk_costs_the_cache_and_never_the_run(tmp_path):
    assert outcome(start(tmp_path, before=FULL))[0] == SUM
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == []
    outcome(start(tmp_path))
    assert outcome(start(tmp_path, before=FULL)) == (SUM, 0)  # what is there already is used


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is read-only to the superuser")
def test_a_cache_that_cannot_be_written_is_read(tmp_path):
    outcome(start(tmp_path))
    directory = kernels(tmp_path)[0].parent
    directory.chmod(0o555)
    try:
        assert outcome(start(tmp_path)) == (SUM, 0)
        assert outcome(start(tmp_path, "float64"))[0] == SUM
    finally:
        directory.chmod(0o755)


# What names a file


def compiled_function(source, **scope):
    scope["__name__"] = "example"
    exec("\n" * scope.pop("line", 0) + source, scope)
    return scope["f"]


def test_a_file_is_named_by_what_the_code_does():
    source = "def f(x):\n    return inner(x) * SCALE"
    inner = jit(compiled_function("def f(x):\n    return x + 1"))
    other = jit(compiled_function("def f(x):\n    return x + 2"))
    table = np.arange(3000.0)
    base = cache.meaning(compiled_function(source, inner=inner, SCALE=2.0))
    assert base == cache.meaning(compiled_function(source, inner=inner, SCALE=2.0, line=7))
    assert base == cache.meaning(compiled_function(source, inner=inner, SCALE=2.0, UNUSED=1))
    variants = [
        compiled_function(source.replace("*", "+"), inner=inner, SCALE=2.0),
        compiled_function(source, inner=inner, SCALE=3.0),
        compiled_function(source, inner=inner, SCALE=np.float32(2.0)),
        compiled_function(source, inner=other, SCALE=2.0),
        compiled_function(source, inner=inner, SCALE=table),
        compiled_function(source, inner=inner, SCALE=np.where(table == 1500, 0, table)),
        compiled_function(source, inner=inner, SCALE=abs),
    ]
    same = compiled_function(source, inner=inner, SCALE=2.0)
    names = [base, *map(cache.meaning, [*variants, jit(same), exact(same)])]
    assert None not in names
    assert len(set(names)) == len(names)


def test_once_compiled_inner_functions_count_as_before():
    inner = jit(compiled_function("def f(x):\n    return x + 1"))
    outer = compiled_function("def f(x):\n    return inner(x)", inner=inner)
    before = cache.meaning(outer)
    outer.__globals__["inner"] = inner.dispatcher
    assert cache.meaning(outer) == before


def test_what_makes_instructions_counts():
    class Instructions(Jit):
        __slots__ = ()

    def made(rows, table):
        @functools.cache
        def width():
            return table

        def write():
            return rows * width()

        return Instructions(write)

    names = [
        cache.meaning(compiled_function("def f(x):\n    return word(x)", word=made(*given)))
        for given in [(4, 16), (8, 16), (4, 32), (4, 16)]
    ]
    assert None not in names
    assert names[0] == names[3]
    assert len(set(names)) == 3


def test_how_a_word_is_written_counts(monkeypatch):
    before = cache.meaning(tile.add_product)
    assert before is not None
    monkeypatch.setattr(vector.Writer, "fma", lambda writer, x, y, z: x)
    assert cache.meaning(tile.add_product) != before


def test_settings_of_numba_count(monkeypatch):
    function = compiled_function("def f(x):\n    return x")
    before = cache.meaning(function)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert cache.meaning(function) == before
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert cache.meaning(function) != before


def test_what_cannot_be_described_is_not_kept():
    assert cache.meaning(compiled_function("def f(x):\n    return x + THING", THING=object())) is None


def jitted():
    for info in pkgutil.walk_packages(nanograd.__path__, "nanograd."):
        if info.name.startswith(("nanograd.kernels.", "nanograd.vision.png")):
            for name, value in vars(importlib.import_module(info.name)).items():
                if isinstance(getattr(value, "jit", value), Jit):  # numba's object, from the first call on
                    yield f"{info.name}.{name}", value


def test_every_compiled_function_of_the_library_can_be_kept():
    found = dict(jitted())
    assert len(found) > 20
    assert [name for name, function in found.items() if cache.meaning(function) is None] == []


# Where, and for how long


def test_the_directory_is_what_is_asked_for_or_ones_own(tmp_path, monkeypatch):
    ask = cache.directories.__wrapped__
    monkeypatch.setenv("NANOGRAD_CACHE_DIR", str(tmp_path / "chosen"))
    assert [d.parent for d in ask()] == [tmp_path / "chosen"]
    monkeypatch.delenv("NANOGRAD_CACHE_DIR")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert len(ask()) == 2
    assert not list(tmp_path.rglob("*.kernel"))


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="this system has no owners of files")
def test_a_temporary_directory_that_others_can_write_is_not_trusted(tmp_path, monkeypatch):
    monkeypatch.delenv("NANOGRAD_CACHE_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    ask = cache.directories.__wrapped__
    mine = tmp_path / f"nanograd-{os.getuid()}"
    assert mine in [d.parent for d in ask()]
    mine.chmod(0o777)  # others can put files there, and what is read is run
    assert mine not in [d.parent for d in ask()]
    mine.rmdir()
    (tmp_path / "elsewhere").mkdir()
    mine.symlink_to(tmp_path / "elsewhere")
    assert mine not in [d.parent for d in ask()]


def test_what_nobody_uses_goes_and_what_is_used_stays(tmp_path, monkeypatch):
    now = tmp_path / "python3.11-numpy2-numba1"
    before = tmp_path / "python3.10-numpy1-numba0"
    monkeypatch.setattr(cache, "directories", lambda: (now,))
    assert cache.write("used", b"code")
    assert cache.write("unused", b"code")
    before.mkdir()
    (before / "old.kernel").write_bytes(b"")
    (now / "interrupted.partial").write_bytes(b"")
    foreign = [tmp_path / "mine.kernel", now / "notes.txt"]
    long_ago = time.time() - 100 * cache.DAY
    for file in foreign:
        file.write_text("not ours")
    for file in [*tmp_path.rglob("*.*")]:
        if file.is_file():
            os.utime(file, (long_ago, long_ago))
    assert cache.read("used") == b"code"
    assert cache.tidy() == 3
    assert [file.name for file in cache.files()] == ["used.kernel"]
    assert all(file.exists() for file in foreign)
    assert not before.exists()


# Several threads, forks, and a watcher


def test_threads_may_call_for_the_first_time_at_once():
    double = jit(compiled_function("def f(x, out):\n    for i in range(x.size):\n        out[i] = x[i] + x[i]"))
    x = np.arange(100, dtype=np.float32)
    outs = [np.empty_like(x) for _ in range(6)]
    threads = [threading.Thread(target=double, args=(x, out)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all((out == 2 * x).all() for out in outs)


FORK = """
import os, sys, threading, time
import numpy as np
from nanograd.kernels.compile import jit

def f(x):
    return x[0] + 1

def g(x):
    s = 0.0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            s += np.sqrt(x[i, j]) + np.exp(x[i, j])
    return s

first, second = jit(f), jit(g)
first(np.ones(1))
thread = threading.Thread(target=second, args=(np.ones((2, 2)),))
thread.start()
time.sleep(0.05)  # it compiles
child = os.fork()
if child == 0:
    os._exit(7 if jit(f)(np.ones(1, np.int64)) == 2 else 1)
deadline = time.time() + 60
while time.time() < deadline:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        print(os.waitstatus_to_exitcode(status))
        break
    time.sleep(0.05)
else:
    os.kill(child, 9)
    print("hangs")
thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_child_forked_while_a_thread_compiles_can_compile(tmp_path):
    environment = os.environ | {"NANOGRAD_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", FORK], env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("7\n", "")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "said"), [(Terminal, 1), (io.StringIO, 0)])
def test_a_long_wait_is_explained_once_and_only_to_who_watches(monkeypatch, stream, said):
    written = stream()
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr("nanograd.kernels.compile.COMPILED", [])
    patience = Patience(seconds=0.05)
    for _ in range(4):  # none is long, together they are
        patience.begin()
        patience.begin()  # a function inside
        time.sleep(0.01)
        patience.end("inner")
        time.sleep(0.02)
        patience.end("outer")
    assert written.getvalue().count("compiling kernels") == said
    assert threading.active_count() == 1 or not any(t.name.startswith("Thread-") for t in threading.enumerate())


def test_a_short_wait_is_not_mentioned(monkeypatch):
    written = Terminal()
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr("nanograd.kernels.compile.COMPILED", [])
    patience = Patience(seconds=60)
    patience.begin()
    patience.end("quick")
    assert written.getvalue() == ""
