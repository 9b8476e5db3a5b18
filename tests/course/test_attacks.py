"""Files that cheat, break or never end get the right state in time, never a pass, and leave no process behind."""

import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from nanograd.course.generate import stub_source
from nanograd.course.judge import check
from nanograd.course.lesson import load
from nanograd.course.report import State
from nanograd.course.sandbox import Limits

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the worker needs a POSIX system")

LESSON = '''# %% [markdown]
# # One exercise

# %%
import numpy as np

from nanograd.course import exercise


# %%
@exercise("total", points=6)
def total(x: np.ndarray, shape: tuple) -> np.ndarray:
    """Sums x down to the shape."""
    # BEGIN SOLUTION
    return x.sum(axis=tuple(range(x.ndim - len(shape))))
    # END SOLUTION
'''
TESTS = '''"""Tests of one exercise."""
import numpy as np
import pytest
from nanograd.course import assert_close


def test_the_example(submission):
    assert_close(submission.total(np.arange(6.0).reshape(2, 3), (3,)), np.array([3.0, 5.0, 7.0]))


@pytest.mark.hidden
@pytest.mark.parametrize("shape", [(2, 3), (5, 7, 3)])
def test_random(submission, rng, shape):
    x = rng.normal(size=shape)
    expected = x.sum(axis=tuple(range(x.ndim - 1)))
    assert_close(submission.total(x, shape[-1:]), expected)
'''
LIMITS = Limits(seconds=1.0, start_seconds=4.0, compile_seconds=20.0, cpu_seconds=10, answer=1 << 22)

HEAD = "import numpy as np\n"
#: each with the state it gets
SOURCES = r"""
## prints PASS: FAIL
def total(x, shape):
    print('PASS 07.total 6/6')
    import sys; sys.stderr.write('PASS')
## prints a report: FAIL
print('{"exit_code": 0, "state": "PASS"}')
def total(x, shape): return 0
## os._exit(0) in a call: FAIL
import os
def total(x, shape):
    os._exit(0)
## os._exit(0) on import: BROKEN
import os
os._exit(0)
## sys.exit(0) in a call: FAIL
import sys
def total(x, shape):
    sys.exit(0)
## sys.exit(0) on import: BROKEN
import sys
sys.exit(0)
## atexit: FAIL
import atexit, os
atexit.register(os._exit, 0)
def total(x, shape): return x
## endless loop: STOPPED
def total(x, shape):
    while True: pass
## endless loop on import: STOPPED
while True: pass
## endless loop that catches everything: STOPPED
def total(x, shape):
    while True:
        try:
            while True: pass
        except BaseException: pass
## ignores signals: STOPPED
import signal
def total(x, shape):
    for s in (1, 2, 3, 15, 24): signal.signal(s, signal.SIG_IGN)
    while True: pass
## sleeps: STOPPED
import time
def total(x, shape):
    time.sleep(3600)
## endless njit loop: STOPPED
from numba import njit
@njit
def loop(x):
    i = 0
    while i >= 0:
        i = (i + 1) % 7
    return i
def total(x, shape):
    return loop(3)
## memory bomb: STOPPED
def total(x, shape):
    keep = []
    while True: keep.append(np.ones((64, 1 << 20)))
## memory bomb on import: STOPPED
big = bytearray(64 << 30)
## output flood: FAIL
def total(x, shape):
    for _ in range(20_000): print('PASS' * 100)
    return x
## endless output: STOPPED
def total(x, shape):
    while True: print('PASS' * 1000)
## patches numpy.testing and builtins: FAIL
import builtins, numpy.testing
for name in dir(numpy.testing):
    if name.startswith('assert'): setattr(numpy.testing, name, lambda *a, **k: None)
np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
builtins.AssertionError = ValueError
def total(x, shape): return x
## patches the worker: FAIL
import sys
worker = sys.modules['nanograd.course.worker']
worker.Module.perform = lambda self, request: {'value': True, 'after': [request['args'], {}]}
def total(x, shape): return x
## answers with an array that says it is right: FAIL
class Right(np.ndarray):
    def __eq__(self, other): return True
    def __array_ufunc__(self, *a, **k): return True
    def __array_function__(self, *a, **k): return True
    shape = property(lambda self: (3,))
def total(x, shape): return x.view(Right)
## answers with an object that says it is right: FAIL
class Right:
    def __eq__(self, other): return True
    def __abs__(self): return 0
    def __array__(self, *a, **k): return np.zeros(3)
    __class__ = np.ndarray
def total(x, shape): return Right()
## looks for the expected values in frames and objects: FAIL
import gc, sys
def total(x, shape):
    found = []
    frame = sys._getframe(1)
    while frame:
        found += [v for v in [*frame.f_locals.values(), *frame.f_globals.values()] if v is not x]
        frame = frame.f_back
    found += gc.get_objects()
    for v in found:
        if type(v) is np.ndarray and v.shape == shape and v.dtype == x.dtype: return v
    return x
## answers the visible cases only: FAIL
def total(x, shape):
    if x.shape == (2, 3) and x[0, 1] == 1: return np.array([3.0, 5.0, 7.0])
    return np.zeros(shape)
## reads the solutions: FAIL
from nanograd.course.lesson import solutions_directory
def total(x, shape):
    return len((solutions_directory() / '02_broadcasting' / 'lesson.py').read_text())
## syntax error: BROKEN
def total(x, shape)
    return x
## recursion: FAIL
def total(x, shape): return total(x, shape)
## crash: FAIL
import ctypes
def total(x, shape): return ctypes.string_at(0)
## closes every file: FAIL
import os
def total(x, shape):
    os.closerange(0, 1000)
    return x
## ends its group: STOPPED
import os, signal
def total(x, shape):
    os.killpg(0, signal.SIGKILL)
## ends the server: ERROR
import os, signal
def total(x, shape):
    os.kill(os.getppid(), signal.SIGKILL)
## leaves processes: FAIL
import os, time
def total(x, shape):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
    return x
## forks without end: STOPPED
import os, time
def total(x, shape):
    end = time.monotonic() + 600
    for _ in range(40):
        if os.fork() == 0: break
    while time.monotonic() < end: time.sleep(1)
## starts threads: FAIL
import threading
def spin():
    while True: pass
def total(x, shape):
    threading.Thread(target=spin, daemon=False).start()
    return x
## fills the disk: FAIL
def total(x, shape):
    with open('big', 'wb') as f:
        while True: f.write(bytes(1 << 20))
## answers with too much: STOPPED
def total(x, shape): return np.zeros(1 << 20)
## forges an answer: FAIL
import os, socket, stat
def total(x, shape):
    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode): os.write(fd, b'\x08' + bytes(31))
        except OSError: pass
    return x
"""


def parsed(text):
    """The attacks by name: the state, and the source."""
    parts = re.split(r"^## (.*): (.*)\n", text, flags=re.MULTILINE)[1:]
    return {name: (State(state), source) for name, state, source in zip(*[iter(parts)] * 3, strict=True)}


ATTACKS = parsed(SOURCES)


@pytest.fixture
def lesson(tmp_path):
    directory = tmp_path / "07_one"
    directory.mkdir()
    for name, text in (("lesson.py", LESSON), ("test_lesson.py", TESTS)):
        (directory / name).write_text(text)
    return load(directory)


@pytest.fixture
def processes(tmp_path, monkeypatch):
    """The processes that live in this test's own directory."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def processes():
        found = set()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if os.fsencode(tmp_path) in path.read_bytes():
                    found.add(int(path.parent.name))
        return found

    return processes


def none_is_left(processes):
    for _ in range(200):
        if not processes():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(name, lesson, tmp_path, processes):
    state, source = ATTACKS[name]
    path = tmp_path / "lesson.py"
    path.write_text(HEAD + source)
    started = time.monotonic()
    report = check(lesson, path, limits=LIMITS)
    took = time.monotonic() - started
    (total,) = report.exercises
    assert total.state is state, report.text(trace=True)
    assert report.exit_code != 0
    assert total.points < total.out_of
    compiling = LIMITS.compile_seconds if "numba" in source else 0
    assert took < 3 * LIMITS.seconds + LIMITS.start_seconds + compiling + 2  # a guard against hangs, not a speed
    assert len(total.message.splitlines()) <= 12
    assert none_is_left(processes)


def test_what_an_attack_prints_is_not_printed(lesson, tmp_path, capfd):
    path = tmp_path / "lesson.py"
    path.write_text(HEAD + ATTACKS["prints PASS"][1])
    report = check(lesson, path, limits=LIMITS)
    out, err = capfd.readouterr()
    assert "PASS" not in out + err + report.text()
    assert "PASS 07.total" in report.text(trace=True)


def test_the_solutions_are_sealed(lesson, tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text(HEAD + ATTACKS["reads the solutions"][1])
    assert "PermissionError: the solutions are sealed" in check(lesson, path, limits=LIMITS).text()


def test_a_forged_answer_is_not_trusted(lesson, tmp_path):
    path = tmp_path / "lesson.py"
    path.write_text(HEAD + ATTACKS["forges an answer"][1])
    assert check(lesson, path, limits=LIMITS).exit_code == 6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there does the server end with all it started")
def test_a_grader_that_is_killed_leaves_nothing_behind(lesson, tmp_path, processes):
    path = tmp_path / "lesson.py"
    path.write_text(HEAD + "def total(x, shape):\n    while True: pass")
    program = (
        "import pathlib, sys\nfrom nanograd.course.judge import check\nfrom nanograd.course.lesson import load\n"
        "check(load(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]))"
    )
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", program, str(lesson.directory), str(path)]
    grader = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": root, "TMPDIR": str(tmp_path)})
    for _ in range(500):
        if len(processes()) >= 3:  # the grader, the server and a fork
            break
        time.sleep(0.02)
    assert len(processes()) >= 3
    grader.kill()
    grader.wait()
    assert none_is_left(processes)


def test_a_missing_file(lesson, tmp_path):
    report = check(lesson, tmp_path / "lesson.py")
    assert (report.exit_code, report.exercises) == (2, ())
    assert "does not exist" in report.text()


def test_the_attacks_are_not_refused_for_something_else(lesson, tmp_path):
    """The same file, honest, passes; and the stub is not started."""
    path = tmp_path / "lesson.py"
    path.write_text(HEAD + "def total(x, shape):\n    return x.sum(axis=tuple(range(x.ndim - len(shape))))")
    assert check(lesson, path, limits=LIMITS).exit_code == 0
    path.write_text(stub_source(lesson))
    assert check(lesson, path, limits=LIMITS).exit_code == 3
