"""The grader's side of a worker: starts it, asks for forks, and ends those that take too long or too much.

This stops accidents and casual cheating, not a hostile program: a fork has this user's rights and network.

```python
with Worker() as worker:
    session = worker.session()
    session.ask({"module": {...}}, seconds=10)      # {"value": ...} or {"error": ...}: what came back, never a verdict
```
"""

from __future__ import annotations

import os
import secrets
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from nanograd.course.wire import HEADER, Seal, TooLargeError, WireError, pack, unpack
from nanograd.course.worker import COMMAND, RUNNING, STATUS

__all__ = ["EndedError", "Limits", "MissingSystemError", "SandboxError", "Session", "StoppedError", "Worker"]

FORKS = hasattr(os, "fork") and sys.platform != "darwin"  # a fork of a process that used Accelerate may crash
_ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NUMBA_ENABLE_CUDASIM")
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_BOOT = """
import sys
root, entry, *fds = sys.argv[1:]
if root not in sys.path:
    sys.path.insert(next((i for i, p in enumerate(sys.path) if p.endswith("-packages")), len(sys.path)), root)
from nanograd.course import worker
worker.serve(int(fds[0]), fds[1:]) if entry == "serve" else worker.answer_alone(*map(int, fds))
"""


class SandboxError(RuntimeError):
    """The worker itself did not start or broke: our fault, never the learner's."""


class MissingSystemError(SandboxError):
    """This system has no way to run learner code apart."""


class StoppedError(Exception):
    """Learner code was stopped by a limit; the text says which."""


class EndedError(Exception):
    """Learner code ended its process before it answered; the text says how."""


@dataclass(frozen=True)
class Limits:
    """What learner code may take: seconds of wall clock, bytes, processes.

    ``seconds`` is for one call and ``start_seconds`` for importing the file. The time in which numba compiles does not
    count; it has ``compile_seconds`` for each call.
    """

    seconds: float = 10.0
    start_seconds: float = 15.0
    compile_seconds: float = 30.0
    cpu_seconds: int = 300
    memory: int = 4 << 30
    file: int = 64 << 20
    processes: int = 2048  # more than this user has now; the system may count those of other containers too
    answer: int = 256 << 20
    output: int = 64 << 10

    def for_system(self) -> dict[str, int]:
        """The limits that the system enforces, by their name in `resource`."""
        limits = {"RLIMIT_CPU": self.cpu_seconds, "RLIMIT_AS": self.memory, "RLIMIT_FSIZE": self.file, "RLIMIT_CORE": 0}
        there = _processes()
        return limits | ({"RLIMIT_NPROC": there + self.processes} if there else {})


class Worker:
    """A clean interpreter that has imported NumPy and waits to be forked; use it in a ``with`` block."""

    def __init__(self, limits: Limits | None = None, preload: Iterable[str] = (), forks: bool = FORKS) -> None:
        if os.name != "posix":
            raise MissingSystemError("check: this needs Linux, macOS or WSL; elsewhere, run pytest on the lesson.")
        self.limits = limits or Limits()
        self.system_limits = self.limits.for_system()
        self.forks = forks
        self.directory = Path(tempfile.mkdtemp(prefix="nanograd-"))
        self._count = 0
        self._sessions: set[Session] = set()
        self._control, theirs = socket.socketpair()
        if forks:
            self._server = self._start("serve", theirs.fileno(), *preload)
        theirs.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def session(self) -> Session:
        """Make a new process that waits for requests."""
        self._count += 1
        directory = self.directory / f"s{self._count}"
        directory.mkdir()
        ours, theirs = socket.socketpair()
        output, printed = os.pipe()
        try:
            process = self._process(theirs.fileno(), printed)
        except BaseException:
            ours.close()
            os.close(output)
            raise
        finally:
            theirs.close()
            os.close(printed)
        session = Session(self, process, ours, output, directory)
        self._sessions.add(session)
        return session

    def end(self, session: Session, process: int | subprocess.Popen[bytes]) -> int:
        """Kill a session's process and all it started; its exit status, negative for a signal."""
        self._sessions.discard(session)
        with suppress(OSError):
            os.killpg(process if isinstance(process, int) else process.pid, signal.SIGKILL)
        if isinstance(process, int):
            return self._ask(b"R", process)
        return process.wait()

    def wait(self, process: int | subprocess.Popen[bytes]) -> int:
        """Give a process that went silent a moment to end by itself; its exit status, or ``RUNNING``."""
        if isinstance(process, int):
            return self._ask(b"W", process)
        try:
            return process.wait(0.2)
        except subprocess.TimeoutExpired:
            return RUNNING

    def close(self) -> None:
        """End what runs, and hang up."""
        for session in list(self._sessions):
            with suppress(SandboxError):
                session.close()
        self._control.close()
        if self.forks:
            if not self._count:
                self._server.kill()  # it may still be importing NumPy
            try:
                self._server.wait(5)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _process(self, answers: int, output: int) -> int | subprocess.Popen[bytes]:
        if self.forks:
            return self._ask(b"F", 0, [answers, output])
        return self._start("alone", answers, output)

    def _ask(self, kind: bytes, process: int, fds: Iterable[int] = ()) -> int:
        self._control.settimeout(60)
        try:
            socket.send_fds(self._control, [COMMAND.pack(kind, process)], list(fds))
            reply = self._control.recv(STATUS.size)
        except OSError as error:
            raise SandboxError(f"check: the worker does not answer: {error}.{self._said()}") from None
        if len(reply) < STATUS.size:
            raise SandboxError(f"check: the worker ended.{self._said()}")
        return int(STATUS.unpack(reply)[0])

    def _said(self) -> str:
        with suppress(OSError):
            text = (self.directory / "worker.log").read_text(errors="replace").strip()
            return f" It said:\n{text[-2000:]}" if text else ""
        return ""

    def _start(self, entry: str, *arguments: int | str) -> subprocess.Popen[bytes]:
        fds = [each for each in arguments if isinstance(each, int)]
        command = [sys.executable, "-I", "-B", "-c", _BOOT, str(_ROOT), entry, *map(str, arguments)]
        with (self.directory / "worker.log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=fds,
                env=self._environment(),
                cwd=self.directory,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        homes = {name: str(self.directory) for name in ("HOME", "TMPDIR", "NUMBA_CACHE_DIR")}
        return kept | homes | dict.fromkeys(_ONE_THREAD, "1") | {"MPLBACKEND": "agg"}


class _Clock:
    """Counts down for running, and apart from that for compiling."""

    def __init__(self, seconds: float, compile_seconds: float) -> None:
        self.budgets = {False: seconds, True: compile_seconds}
        self.seconds = dict(self.budgets)
        self.compiling = False
        self.since = time.monotonic()

    def left(self) -> float:
        """How many seconds are left; a StoppedError when none are."""
        left = self.seconds[self.compiling] - (time.monotonic() - self.since)
        if left <= 0 and self.compiling:
            raise StoppedError(f"numba did not end compiling within {self.budgets[True]:g} seconds.")
        if left <= 0:
            raise StoppedError(f"no end within {self.budgets[False]:g} seconds. Is there a loop that never ends?")
        return left

    def turn(self, message: object) -> None:
        """Note that compiling starts or ends."""
        if message not in ({"compiling": True}, {"compiling": False}):
            raise WireError("answer: neither a value nor an error.")
        self.seconds[self.compiling] = self.left()
        self.compiling, self.since = message == {"compiling": True}, time.monotonic()


class Session:
    """A conversation with one process that runs learner code; after the first trouble it is over."""

    def __init__(
        self,
        worker: Worker,
        process: int | subprocess.Popen[bytes],
        channel: socket.socket,
        output: int,
        directory: Path,
    ) -> None:
        self.directory = directory
        self.printed = b""
        self.limits = worker.limits
        self._worker, self._process, self._channel, self._output = worker, process, channel, output
        self._status: int | None = None
        key = secrets.token_bytes(32)
        self._said, self._heard = Seal(key, "to worker"), Seal(key, "to grader")
        self._channel.setblocking(False)
        os.set_blocking(output, False)
        self._unsent, self._received = bytearray(key), bytearray()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and wait for its answer.

        Raises:
            StoppedError: no answer in time, or the process was killed by a limit.
            EndedError: the process ended, or had ended before.
            WireError: what came is no answer.
        """
        if self._status is not None:
            raise EndedError("your code had already ended its process")
        self._unsent += self._said.frame(pack(request))
        clock = _Clock(seconds, self.limits.compile_seconds)
        try:
            while True:
                answer = unpack(self._exchange(clock))
                if isinstance(answer, dict) and {"value", "error"} & set(answer):
                    return answer
                clock.turn(answer)
        except TooLargeError as error:
            self.close()
            raise StoppedError(f"the answer is too large: {error}") from None
        except BaseException:
            self.close()
            raise

    def close(self) -> int:
        """End the process and all it started; its exit status, negative for a signal."""
        if self._status is None:
            self._drain()
            self._status = -signal.SIGKILL
            try:
                self._status = self._worker.end(self, self._process)
            finally:
                self._channel.close()
                os.close(self._output)
                shutil.rmtree(self.directory, ignore_errors=True)
        return self._status

    def _exchange(self, clock: _Clock) -> bytes:
        """Send what is to be sent; the next message, once it is whole."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ | selectors.EVENT_WRITE)
            selector.register(self._output, selectors.EVENT_READ)
            while (message := self._message()) is None:
                for key, events in selector.select(clock.left()):
                    if key.fileobj is self._channel:
                        self._converse(selector, events)
                    elif not self._drain(1):
                        selector.unregister(self._output)
            return message

    def _converse(self, selector: selectors.BaseSelector, events: int) -> None:
        """Send and receive what can be without waiting."""
        try:
            if events & selectors.EVENT_WRITE:
                del self._unsent[: self._channel.send(self._unsent)]
                if not self._unsent:
                    selector.modify(self._channel, selectors.EVENT_READ)
            if events & selectors.EVENT_READ:
                part = self._channel.recv(1 << 20)
                if not part:
                    raise self._ended()
                self._received += part
        except BlockingIOError:
            return
        except ConnectionError:
            raise self._ended() from None

    def _message(self) -> bytes | None:
        """Take the first whole message from what was received."""
        if len(self._received) < HEADER:
            return None
        size = HEADER + self._heard.size(self._received, self.limits.answer)
        if len(self._received) < size:
            return None
        header, message = self._received[:HEADER], bytes(self._received[HEADER:size])
        del self._received[:size]
        return self._heard.open(header, message)

    def _drain(self, rounds: int = 16) -> bool:
        """Read what was printed, and keep the beginning of it; False when no more can come."""
        for _ in range(rounds):
            try:
                part = os.read(self._output, 1 << 16)
            except OSError:
                return True
            if not part:
                return False
            self.printed += part[: max(self.limits.output - len(self.printed), 0)]
        return True

    def _ended(self) -> Exception:
        status = self._worker.wait(self._process)
        if status == RUNNING:
            return EndedError("your code closed the connection over which it answers.")
        if status in (-signal.SIGXCPU, -signal.SIGKILL):
            return StoppedError("the system stopped it: too much processor time or memory.")
        if status < 0:
            return EndedError(f"your code crashed the interpreter ({signal.Signals(-status).name}).")
        return EndedError(f"your code ended its process (exit status {status}) before it returned.")


def _processes() -> int:
    """How many processes and threads this user has, for RLIMIT_NPROC counts them all; 0 where that is not known."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid == os.getuid():
                total += (process / "task").stat().st_nlink - 2
    return total
