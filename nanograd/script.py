"""Scripts written for torch, run unmodified: the names ``torch`` and ``torchvision`` mean nanograd."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from multiprocessing import spawn
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from nanograd.absent import explained

__all__ = ["run_script", "stand_in"]

STANDS_FOR = {
    "torch": "nanograd",
    "torchvision": "nanograd.vision",
    "torchtext": "nanograd.torchtext",  # absent: the message says what to use
    "torchaudio": "nanograd.torchaudio",
    "tensorboard_logger": "nanograd.utils.tensorboard_logger",
    "torch.multiprocessing": "multiprocessing",
    # modules of torch's that only say where a name is defined
    "torch.functional": "nanograd",
    "torch.nn.modules": "nanograd.nn",
}
IN_ONE = "torch.nn.modules"  # whose parts, torch.nn.modules.conv and so on, are one module here
TOPS = {name.partition(".")[0] for name in STANDS_FOR}
PACKAGE = str(Path(__file__).parent)
LIBRARY = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


def own_name(name: str) -> str:
    """nanograd's name of a module of torch's: that of the longest beginning which stands in ``STANDS_FOR``.

    >>> own_name("torch.utils.data")
    'nanograd.utils.data'
    >>> own_name("torch.nn.modules.conv")
    'nanograd.nn'
    """
    top, rest = name, ""
    while top not in STANDS_FOR:
        top, _, last = top.rpartition(".")
        rest = f".{last}{rest}"
    return STANDS_FOR[top] + ("" if top == IN_ONE else rest)


class TorchNames(MetaPathFinder, Loader):
    """Answers ``import torch.nn`` with ``nanograd.nn``: the module itself, under a second name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Take the imports of ``torch`` and ``torchvision``, and of everything in them."""
        return ModuleSpec(fullname, self) if fullname.partition(".")[0] in TOPS else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave the module to ``exec_module``; an empty one stands in until then."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put nanograd's own module under the name that was asked for."""
        sys.modules[module.__name__] = _found(module.__name__)


class _Names(ModuleType):
    """A module of torch's that only says where names are defined: it has those of a module of nanograd's.

    It is none of nanograd's itself, since Python makes what is imported from it its attributes.
    """

    def __init__(self, name: str, own: ModuleType) -> None:
        super().__init__(name)
        self.__dict__["own"] = own
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["own"], name)


def _found(name: str) -> ModuleType:
    """nanograd's module for a name of torch's, or what stands under that name: ``torch.backends.cudnn``."""
    own = own_name(name)
    if name == "torch.functional" or name == IN_ONE or name.startswith(IN_ONE + "."):
        return _Names(name, importlib.import_module(own))
    try:
        return importlib.import_module(own)
    except ModuleNotFoundError as error:
        if error.name is None or not own.startswith(error.name):
            raise
    parent, _, last = own.rpartition(".")
    try:
        return getattr(importlib.import_module(parent), last)  # type: ignore[no-any-return]
    except (AttributeError, ModuleNotFoundError):
        path = own.removeprefix("nanograd.").removeprefix("vision.")
        why = explained(path) or "nanograd does not have this module"
        raise ModuleNotFoundError(f"{name}: {why}.", name=name) from None


# The names, for one script and the processes it starts


@contextmanager
def stand_in() -> Iterator[None]:
    """Until the end of the block ``torch`` means nanograd, in this process and in those that it forks or spawns."""
    theirs = _take()
    finder, preparation = TorchNames(), spawn.get_preparation_data
    sys.meta_path.insert(0, finder)
    spawn.get_preparation_data = lambda name: {"torch": _Arrival(), **preparation(name)}
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        spawn.get_preparation_data = preparation
        _take()
        sys.modules.update(theirs)


def _take() -> dict[str, ModuleType]:
    """Forget who has the names: the real torch may be loaded in this process."""
    names = [name for name in sys.modules if name.partition(".")[0] in TOPS]
    return {name: sys.modules.pop(name) for name in names}


class _Arrival:
    """Unpickled in a spawned process, before that one imports the script: torch means nanograd there too."""

    def __reduce__(self) -> tuple[Any, ...]:
        # a process that was just spawned does not yet know where to find nanograd
        code = f"import sys; sys.path[:] = {sys.path!r}; from nanograd.script import arrive; arrive()"
        return exec, (code,)


def arrive() -> None:
    """In a process that a script spawned: ``torch`` means nanograd for as long as it lives."""
    sys.meta_path.insert(0, TorchNames())
    preparation = spawn.get_preparation_data
    spawn.get_preparation_data = lambda name: {"torch": _Arrival(), **preparation(name)}


@contextmanager
def _as_started(script: Path, arguments: Sequence[str]) -> Iterator[None]:
    """``sys.argv`` and ``sys.path`` as Python sets them for a script; its own modules are forgotten in the end."""
    directory = script.resolve().parent
    former = sys.argv, sys.path[:], set(sys.modules)
    sys.argv, sys.path[:] = [str(script), *arguments], [str(directory), *sys.path]
    try:
        yield
    finally:
        sys.argv, sys.path[:], before = former
        for name in sys.modules.keys() - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and not file.startswith(PACKAGE) and Path(file).is_relative_to(directory):
                del sys.modules[name]


def run_script(script: Path, arguments: Sequence[str]) -> int:
    """Run an unmodified script to which ``torch`` and ``torchvision`` are nanograd; its exit status.

    An error is printed as Python would, without nanograd's own lines.  NANOGRAD_TRACE=1 in the environment shows them.
    """
    path = script.absolute()  # as Python's own __file__
    with stand_in(), _as_started(script, arguments):
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as end:
            return _status(end)
        except Exception as error:
            _explain(error)
            if isinstance(error, AttributeError) and str(error).endswith((".", "?")):
                error.name = None  # the message says what to do: Python need not guess what was meant
            _print(error, path)
            return 1
    return 0


def _status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


# Errors


def _explain(error: Exception) -> None:
    """Add to ``from torch import x``, of which Python says only that there is no x, why there is none."""
    asked = re.match(r"cannot import name '(\w+)' from '(nanograd[\w.]*)'", str(error))
    if isinstance(error, ImportError) and asked:
        name, module = asked.groups()
        try:
            getattr(importlib.import_module(module), name)
        except AttributeError as why:
            error.add_note(str(why))


def _print(error: Exception, script: Path) -> None:
    """Print an error of a script as Python would, from the script's own line on."""
    if not os.environ.get("NANOGRAD_TRACE"):
        _leave_out_own(error, str(script), set())
    sys.stdout.flush()
    sys.excepthook(type(error), error, error.__traceback__)


def _leave_out_own(error: BaseException | None, script: str, seen: set[int]) -> None:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = _users(error.__traceback__, script)
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        _leave_out_own(other, script, seen)


def _users(trace: TracebackType | None, script: str) -> TracebackType | None:
    """The lines of a traceback that are the script's, or of what it calls, and not nanograd's or of what that calls."""
    lines, inside = [], False
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        own = file != script and file.startswith((PACKAGE, "<frozen ", "<string>"))
        inside = own or (inside and file.startswith(LIBRARY))
        if not inside:
            lines.append(trace)
        trace = trace.tb_next
    rest: TracebackType | None = None
    for line in reversed(lines):
        rest = TracebackType(rest, line.tb_frame, line.tb_lasti, line.tb_lineno)
    return rest
