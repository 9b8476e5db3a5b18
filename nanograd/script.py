"""Scripts written for torch, run unmodified: the names ``torch`` and ``torchvision`` mean nanograd."""

from __future__ import annotations

import importlib
import runpy
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, TracebackType

__all__ = ["run_script"]

STANDS_FOR = {"torch": "nanograd", "torchvision": "nanograd.vision"}


class TorchNames(MetaPathFinder, Loader):
    """Answers ``import torch.nn`` with ``nanograd.nn``: the module itself, under a second name."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Take the imports of ``torch`` and ``torchvision``, and of everything in them."""
        return ModuleSpec(fullname, self) if fullname.partition(".")[0] in STANDS_FOR else None

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave the module to ``exec_module``; an empty one stands in until then."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put nanograd's own module under the name that was asked for."""
        name = module.__name__
        top, dot, rest = name.partition(".")
        own = STANDS_FOR[top] + dot + rest
        try:
            found = importlib.import_module(own)
        except ModuleNotFoundError as error:
            if error.name is not None and own.startswith(error.name):
                raise ModuleNotFoundError(f"{name}: nanograd has no {own} yet.", name=name) from None
            raise
        sys.modules[name] = found


def run_script(script: Path, arguments: Sequence[str]) -> int:
    """Run an unmodified script to which ``torch`` and ``torchvision`` are nanograd; its exit status."""
    finder = TorchNames()
    former = sys.argv, sys.path[:]
    sys.meta_path.insert(0, finder)
    sys.argv, sys.path[:] = [str(script), *arguments], [str(script.resolve().parent), *sys.path]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        return _status(end)
    except Exception as error:
        _print_from(script, error)
        return 1
    finally:
        sys.meta_path.remove(finder)
        sys.argv, sys.path[:] = former
        for name in [name for name in sys.modules if name.partition(".")[0] in STANDS_FOR]:
            del sys.modules[name]
    return 0


def _status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _print_from(script: Path, error: Exception) -> None:
    """Print a script's own error as Python would, without the frames that started it or looked a module up."""
    start: TracebackType | None = error.__traceback__
    while start is not None and start.tb_frame.f_code.co_filename != str(script):
        start = start.tb_next
    frame = start
    while frame is not None and frame.tb_next is not None:
        if frame.tb_next.tb_frame.f_code.co_filename.startswith(("<frozen importlib", __file__)):
            frame.tb_next = None
        frame = frame.tb_next
    traceback.print_exception(error.with_traceback(start))
