"""The process in which learner code runs: a server that imports NumPy once, and one fork of it for each exercise.

The grader (`nanograd.course.sandbox`) starts ``serve`` in a clean interpreter (``python -I``) and asks it for forks.
A fork is a session of its own with limits, a private directory and a channel of sealed frames; it runs the learner's
module and the scenarios of the tests, and answers with plain data. It gives no verdict and knows no expected value.
"""

from __future__ import annotations

import ctypes
import importlib
import linecache
import os
import signal
import socket
import struct
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from nanograd.course.assemble import Reference, assemble
from nanograd.course.wire import HEADER, Seal, pack, unpack

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["COMMAND", "RUNNING", "STATUS", "Module", "answer_alone", "serve"]

COMMAND = struct.Struct("<cI")  # what the server is asked: F(ork), W(ait a little) or R(eap), and which process
STATUS = struct.Struct("<i")  # what it answers: the process, or how it ended
RUNNING = 1 << 20  # the answer to W when the process has not ended
SCENARIOS = "<scenario>"  # the file name of the scenarios' code
_REQUEST_LIMIT = 1 << 30
_PR_SET_CHILD_SUBREAPER, _PR_SET_PDEATHSIG = 36, 1


# the server


def serve(control: int, preload: Iterable[str] = ()) -> None:
    """Fork a process for each command F until the grader hangs up, and leave none of them behind."""
    for name in preload:
        importlib.import_module(name)
    _system_call("prctl", _PR_SET_CHILD_SUBREAPER, 1)  # what a fork leaves behind becomes ours to end
    channel = socket.socket(fileno=control)
    try:
        while True:
            command, fds, _, _ = socket.recv_fds(channel, COMMAND.size, 2)
            if len(command) < COMMAND.size:
                return
            kind, process = COMMAND.unpack(command)
            status = _fork(channel, *fds) if kind == b"F" else _wait(process) if kind == b"W" else _end(process)
            channel.sendall(STATUS.pack(status))
    finally:
        _end_orphans()


def _fork(channel: socket.socket, answers: int, output: int) -> int:
    process = os.fork()
    if process == 0:
        channel.close()
        _system_call("prctl", _PR_SET_PDEATHSIG, int(signal.SIGKILL))
        answer_alone(answers, output)
    os.close(answers)
    os.close(output)
    return process


def _end(process: int) -> int:
    """Kill a fork and all it started; how it ended, as `os.waitstatus_to_exitcode` says it."""
    with suppress(OSError):
        os.killpg(process, signal.SIGKILL)
    with suppress(OSError):
        os.kill(process, signal.SIGKILL)
    try:
        _, status = os.waitpid(process, 0)
    except ChildProcessError:
        return 0
    _end_orphans()
    return os.waitstatus_to_exitcode(status)


def _wait(process: int) -> int:
    """How a fork ended by itself, leaving it to be reaped; ``RUNNING`` if it has not."""
    for _ in range(100):
        ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        time.sleep(0.002)
    return RUNNING


def _end_orphans() -> None:
    for _ in range(1000):
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        for process in _children():
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.001)


def _children() -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                found.append(int(stat.parent.name))
    return found


def _system_call(name: str, *arguments: int) -> None:
    with suppress(OSError, AttributeError):  # only Linux has prctl; the process group does the rest
        getattr(ctypes.CDLL(None), name)(*arguments)


# one fork


def answer_alone(answers: int, output: int) -> NoReturn:
    """Answer requests that come over ``answers`` in this process, then end it; what is printed goes to ``output``."""
    code = 70
    try:
        with suppress(OSError):
            os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        _converse(socket.socket(fileno=answers))
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _converse(channel: socket.socket) -> None:
    key = _exactly(channel, 32)
    heard, said = Seal(key, "to worker"), Seal(key, "to grader")

    def say(answer: dict[str, Any]) -> None:
        channel.sendall(said.frame(_packed(answer)))

    module: Module | None = None
    announced = False
    while header := _exactly(channel, HEADER):
        request = unpack(heard.open(header, _exactly(channel, heard.size(header, _REQUEST_LIMIT))))
        announced = announced or _announce_compiling(say)
        if module is None:
            os.chdir(Path(request["path"]).parent)
            module = Module(request["path"])
            _limit(request["limits"])
            _close(request["sealed"])
            say(module.load(**request["module"]))
        else:
            say(module.perform(request))


def _announce_compiling(say: Callable[[dict[str, Any]], None]) -> bool:
    """Tell the grader when numba starts and ends compiling, which has a budget of its own; False without numba."""
    if "numba" not in sys.modules:
        return False
    from numba.core import event

    class Announce(event.Listener):
        depth = 0

        def on_start(self, event: object) -> None:
            self.depth += 1
            if self.depth == 1:
                say({"compiling": True})

        def on_end(self, event: object) -> None:
            self.depth -= 1
            if self.depth == 0:
                say({"compiling": False})

    event.register("numba:compile", Announce())  # type: ignore[no-untyped-call]
    return True


def _close(directories: list[str]) -> None:
    """Refuse to open the files in these directories: the solutions stand there. A hurdle, not a wall."""
    roots = tuple(os.path.realpath(each) + os.sep for each in directories)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        path = arguments[0] if event == "open" else None
        if isinstance(path, str | bytes) and os.fsdecode(os.path.realpath(path)).startswith(roots):
            raise PermissionError("the solutions are sealed while an exercise is graded")

    sys.addaudithook(refuse)


def _packed(answer: dict[str, Any]) -> bytes:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    try:
        return pack(answer)
    except Exception as error:
        return pack(
            {
                "error": {
                    "name": type(error).__name__,
                    "bases": [],
                    "message": f"your code returned what cannot be sent: {error}",
                }
            }
        )


def _exactly(channel: socket.socket, size: int) -> bytes:
    """The next ``size`` bytes, or none when the grader has hung up."""
    data = bytearray()
    while len(data) < size:
        part = channel.recv(min(size - len(data), 1 << 20))
        if not part:
            return b""
        data += part
    return bytes(data)


def _limit(limits: dict[str, int]) -> None:
    """Set each limit that the system has; one that is already lower stays."""
    if resource is None:
        return
    for name, value in limits.items():
        if (kind := getattr(resource, name, None)) is None:
            continue
        with suppress(ValueError, OSError):
            _, hard = resource.getrlimit(kind)
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (value, value))


class Module:
    """A learner's module, or one that stands in its place, and the scenarios that are run with it.

    ``load`` and ``perform`` answer with plain data: {"value": ...} or {"error": what was raised, and where}.
    """

    def __init__(self, path: str, name: str = "lesson", catch: type[BaseException] = BaseException) -> None:
        self.path, self.catch = path, catch
        self.module = types.ModuleType(name)
        self.module.__file__ = path
        self.scenarios: dict[str, Any] = {"__name__": SCENARIOS}
        sys.modules[name] = self.module

    def load(
        self,
        source: str,
        qualname: str,
        references: list[tuple[str, str]],
        imports: list[str],
        before: str,
        scenarios: str,
    ) -> dict[str, Any]:
        """Run the module's source, with the references in place; answer whether the exercise is there."""
        try:
            tree = assemble(source, [Reference(*each) for each in references], imports, before, self.path)
            exec(compile(tree, self.path, "exec", dont_inherit=True), self.module.__dict__)
        except self.catch as error:
            return {"error": self.describe(error)}
        linecache.cache[SCENARIOS] = (len(scenarios), None, scenarios.splitlines(keepends=True), SCENARIOS)
        exec(compile(scenarios, SCENARIOS, "exec", dont_inherit=True), self.scenarios)
        return {"value": self._find(qualname) is not None}

    def perform(self, request: dict[str, Any]) -> dict[str, Any]:
        """Call a function of the module, or run a scenario with it."""
        args, kwargs = request.get("args", ()), request["kwargs"]
        try:
            if request["do"] == "run":
                return {"value": self.scenarios[request["name"]](self.module, **kwargs)}
            value = self._find(request["name"], missing=f"lesson.py has no {request['name']}")(*args, **kwargs)
            return {"value": value, "after": [args, kwargs]}
        except self.catch as error:
            return {"error": self.describe(error)}

    def _find(self, qualname: str, missing: str | None = None) -> Any:
        found: Any = self.module
        for name in qualname.split("."):
            found = getattr(found, name, None)
        if found is None and missing:
            raise AttributeError(missing)
        return found

    def describe(self, error: BaseException) -> dict[str, Any]:
        """What was raised, as plain data: names, message, and the lines of the learner's file and of the scenario."""
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in (self.path, SCENARIOS)]
        own = [(f.lineno, f.name, f.line) for f in frames if f.filename == self.path]
        if isinstance(error, SyntaxError) and error.filename == self.path:
            own.append((error.lineno, "", error.text))
        return {
            "name": type(error).__name__,
            "bases": [each.__name__ for each in type(error).__mro__],
            "message": _text(error),
            "own": own[-1] if own else None,
            "scenario": next(((f.lineno, f.name, f.line) for f in frames[::-1] if f.filename == SCENARIOS), None),
            "trace": "".join(traceback.format_list(frames[-20:])).replace(self.path, Path(self.path).name),
        }


def _text(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return str(error.msg)
    try:
        return str(error)[:2000]
    except Exception:
        return ""  # a learner's own __str__ may raise
