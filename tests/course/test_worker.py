"""Learner code runs apart: in a clean process, with limits, answering with plain data; nothing of it is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nanograd.course import sandbox
from nanograd.course.sandbox import EndedError, Limits, SandboxError, StoppedError, Worker
from nanograd.course.wire import Foreign, WireError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the worker needs a POSIX system")

QUICK = Limits(seconds=1.0, start_seconds=10.0)
LESSON = """
import contextlib, os, sys, time
import numpy as np

def double(x):
    return x * 2

def show(text):
    print(text)

def look():
    return dict(os.environ), os.getcwd(), sys.path, sorted(sys.modules)

class Restoring:
    depth = 0

    def __enter__(self):
        Restoring.depth += 1
        return self

    def __exit__(self, *error):
        Restoring.depth -= 1
"""
SCENARIOS = """
import numpy as np

def with_an_exception(s, depth):
    depths = []
    try:
        with s.Restoring():
            for _ in range(depth):
                s.Restoring().__enter__()
            depths.append(s.Restoring.depth)
            raise KeyError("inside")
    except KeyError as error:
        depths.append(type(error).__name__)
    return {"depths": [*depths, s.Restoring.depth], "array": np.arange(3)}
"""


@pytest.fixture(scope="module", params=[True, False], ids=["fork", "fresh process"])
def worker(request):
    if request.param and not sandbox.FORKS:
        pytest.skip("this system cannot fork safely")
    with Worker(QUICK, forks=request.param) as made:
        yield made


def opened(worker, source=LESSON, name="double", scenarios=SCENARIOS, **module):
    session = worker.session()
    path = session.directory / "lesson.py"
    path.write_text(source)
    rest = {"references": [], "imports": [], "before": "", **module}
    request = {"source": source, "qualname": name, "scenarios": scenarios, **rest}
    answer = session.ask({"path": str(path), "limits": worker.system_limits, "sealed": [], "module": request}, 10)
    return session, answer


def call(session, name, *args, seconds=5.0, **kwargs):
    return session.ask({"do": "call", "name": name, "args": args, "kwargs": kwargs}, seconds)


def test_a_function_is_called(worker):
    session, answer = opened(worker)
    assert answer == {"value": True}
    x = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    answer = call(session, "double", x)
    np.testing.assert_array_equal(answer["value"], 2 * x)
    assert answer["value"].dtype == np.float32
    np.testing.assert_array_equal(answer["after"][0][0], x)
    assert session.close() == -signal.SIGKILL


def test_a_scenario_with_a_context_manager_crosses_the_boundary(worker):
    session, _ = opened(worker)
    got = session.ask({"do": "run", "name": "with_an_exception", "kwargs": {"depth": 2}}, 5)["value"]
    assert got["depths"] == [3, "KeyError", 2]
    np.testing.assert_array_equal(got["array"], [0, 1, 2])
    session.close()


def test_what_is_raised_comes_back_as_data(worker):
    session, _ = opened(worker, LESSON + "\ndef fails(x):\n    return 1 / x\n")
    error = call(session, "fails", 0)["error"]
    assert (error["name"], error["message"]) == ("ZeroDivisionError", "division by zero")
    assert "ArithmeticError" in error["bases"]
    line = LESSON.count("\n") + 3
    assert error["own"] == (line, "fails", "return 1 / x")
    assert 'File "lesson.py"' in error["trace"]
    assert "worker.py" not in error["trace"]
    assert call(session, "double", 2)["value"] == 4
    session.close()


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("x = 1\ny = 1 / 0\n", "ZeroDivisionError", 2),
        ("import no_such_module\n", "ModuleNotFoundError", 1),
        ("def f(:\n", "SyntaxError", 1),
        ("x = 1\nraise SystemExit(0)\n", "SystemExit", 2),
        ("class Odd(BaseException): pass\nraise Odd\n", "Odd", 2),
    ],
)
def test_a_file_that_cannot_be_imported(worker, source, name, line):
    session, answer = opened(worker, source)
    assert answer["error"]["name"] == name
    assert answer["error"]["own"][0] == line
    session.close()


def test_a_missing_function_is_noticed(worker):
    session, answer = opened(worker, "other = 1\n")
    assert answer == {"value": False}
    assert call(session, "double", 1)["error"]["name"] == "AttributeError"
    session.close()


def test_the_process_is_clean(worker, monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    session, _ = opened(worker)
    environment, directory, path, modules = call(session, "look")["value"]
    assert "SECRET_TOKEN" not in environment
    assert "s3cret" not in str(environment)
    assert Path(directory).resolve() == session.directory.resolve()
    assert str(tmp_path) not in path
    assert "" not in path
    assert "numba" not in modules
    assert "pytest" not in modules
    session.close()
    assert not session.directory.exists()


def test_what_is_printed_goes_elsewhere(worker):
    session, _ = opened(worker)
    assert call(session, "show", "PASS\x00\xff" * 10)["value"] is None
    session.close()
    assert session.printed.startswith(b"PASS")


def test_a_flood_of_output_is_cut_and_does_not_block(worker):
    source = LESSON + "\ndef flood(n):\n    for _ in range(n): os.write(1, b'x' * 65536)\n    return n\n"
    session, _ = opened(worker, source)
    assert call(session, "flood", 200)["value"] == 200
    assert len(session.printed) == QUICK.output
    session.close()


def test_an_endless_loop_is_stopped(worker):
    session, _ = opened(worker, LESSON + "\ndef loop():\n    while True: pass\n")
    with pytest.raises(StoppedError, match=r"no end within 0\.3 seconds"):
        call(session, "loop", seconds=0.3)
    with pytest.raises(EndedError, match="already"):
        call(session, "double", 1)


def test_memory_is_limited(worker):
    session, _ = opened(worker, LESSON + "\ndef grow():\n    return len(bytearray(8 << 30))\n")
    assert call(session, "grow")["error"]["name"] == "MemoryError"
    session.close()


def test_files_are_limited(worker):
    source = LESSON + "\ndef fill():\n    open('big', 'wb').write(bytes(200 << 20))\n"
    session, _ = opened(worker, source)
    assert call(session, "fill")["error"]["name"] == "OSError"
    session.close()


@pytest.mark.parametrize(
    ("body", "error", "match"),
    [
        ("os._exit(0)", EndedError, "exit status 0"),
        ("os._exit(7)", EndedError, "exit status 7"),
        ("os.abort()", EndedError, "SIGABRT"),
        ("os.kill(os.getpid(), 11)", EndedError, "SIGSEGV"),
        ("os.closerange(3, 1000)", EndedError, r"connection|ended"),
        ("os.kill(os.getpid(), 9)", StoppedError, "system"),
    ],
)
def test_no_answer_is_no_value(worker, body, error, match):
    session, _ = opened(worker, LESSON + f"\ndef end():\n    {body}\n    return 1\n")
    with pytest.raises(error, match=match):
        call(session, "end")


def test_a_forged_frame_is_refused(worker):
    forge = """
def forge():
    import socket, stat
    for fd in range(3, 100):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                socket.socket(fileno=fd).sendall(bytes([8] + [0] * 31))
        except OSError:
            pass
    time.sleep(5)
"""
    session, _ = opened(worker, LESSON + forge)
    with pytest.raises(WireError, match=r"seal|format"):
        call(session, "forge")


def test_results_that_cannot_be_sent(worker):
    source = (
        LESSON
        + "\ndef endless():\n    x = []\n    x.append(x)\n    return x\ndef many():\n    return (n for n in ())\n"
    )
    session, _ = opened(worker, source)
    assert call(session, "endless")["error"]["name"] == "WireError"
    assert isinstance(call(session, "many")["value"], Foreign)
    session.close()


def test_an_answer_that_is_too_large_is_refused(worker):
    small = Worker(Limits(answer=1000), forks=worker.forks)
    with small:
        session, _ = opened(small)
        with pytest.raises(StoppedError, match="too large"):
            call(session, "double", np.zeros(1000))


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return b" Z " not in Path(f"/proc/{process}/stat").read_bytes() if Path("/proc").exists() else True


def gone(process):
    for _ in range(200):
        if not alive(process):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("how", ["child", "new session", "daemon"])
def test_nothing_is_left_behind(worker, how):
    if how != "child" and (not sys.platform.startswith("linux") or not worker.forks):
        pytest.skip("only Linux gives the server the processes that left their group")
    source = (
        LESSON
        + f"""
def start():
    read, write = os.pipe()
    if os.fork() == 0:
        if {how != "child"}:
            os.setsid()
        if {how == "daemon"} and os.fork():
            os._exit(0)
        os.write(write, str(os.getpid()).encode())
        time.sleep(600)
    return int(os.read(read, 100))
"""
    )
    session, _ = opened(worker, source)
    process = call(session, "start")["value"]
    assert alive(process)
    session.close()
    assert gone(process)


def test_the_server_ends_with_the_grader():
    worker = Worker(QUICK)
    session, _ = opened(worker, LESSON + "\ndef me():\n    return os.getpid()\n")
    process = call(session, "me")["value"]
    worker.close()
    assert gone(process)
    assert not worker.directory.exists()


def test_a_worker_that_does_not_start_is_our_fault(monkeypatch):
    monkeypatch.setattr(sandbox, "_BOOT", "raise RuntimeError('no NumPy here')")
    with Worker(QUICK) as worker, pytest.raises((SandboxError, EndedError), match=r"no NumPy here|ended"):
        opened(worker)


def test_numba_compiles_on_a_clock_of_its_own():
    source = """
from numba import njit

@njit
def add(x, n):
    for i in range(n):
        x += i
    return x

@njit
def loop(x):
    while x < 5:
        x = x * x
    return x

def double(x):
    return add(x, 3)
"""
    with Worker(Limits(compile_seconds=60)) as worker:
        session, _ = opened(worker, source)
        for seconds in (0.2, 0.2):  # compiling takes longer than that
            assert call(session, "double", 4.0, seconds=seconds)["value"] == 7.0
        with pytest.raises(StoppedError, match=r"no end within 0\.2 seconds"):
            call(session, "loop", 0.5, seconds=0.2)
    with Worker(Limits(compile_seconds=0.01)) as worker:
        session, _ = opened(worker, source)
        with pytest.raises(StoppedError, match="compiling"):
            call(session, "double", 4.0)


def test_a_system_without_fork_and_limits_can_import_the_course():
    program = (
        "import os, signal, subprocess, sys, tempfile, types\n"
        "sys.modules['resource'] = None\n"
        "for name in ('fork', 'killpg', 'setsid', 'waitid', 'getuid', 'P_PID', 'WNOHANG'): delattr(os, name)\n"
        "for name in ('SIGKILL', 'SIGXCPU'): delattr(signal, name)\n"
        "import nanograd.course.judge, nanograd.course.verify, nanograd.course.fixtures\n"
        "from nanograd.course.lesson import find\n"
        "lesson, _ = find('00')\n"
        "nanograd.course.sandbox.os = types.SimpleNamespace(name='nt')\n"
        "report = nanograd.course.judge.check(lesson, lesson.path)\n"
        "print(report.exit_code, report.text())\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    env = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=False)
    assert done.stdout.startswith("8 00_tour: check: this needs Linux, macOS or WSL"), done.stderr
