"""Scripts written for torch, run unmodified: the names ``torch`` and ``torchvision`` mean nanograd."""

from __future__ import annotations

import importlib
import re
import runpy
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, TracebackType

from nanograd.absent import explained

__all__ = ["run_script"]

STANDS_FOR = {
    "torch": "nanograd",
    "torchvision": "nanograd.vision",
    "tensorboard_logger": "nanograd.utils.tensorboard_logger",
    # modules of torch's that only say where a name is defined
    "torch.nn.modules": "nanograd.nn",
    "torch.functional": "nanograd",
    "torch.types": "nanograd",
}
TOPS = {name.partition(".")[0] for name in STANDS_FOR}


def own_name(name: str) -> str:
    """nanograd's name of a module of torch's: that of the longest beginning which stands in ``STANDS_FOR``.

    >>> own_name("torch.nn.modules.linear")
    'nanograd.nn.linear'
    """
    top, rest = name, ""
    while top not in STANDS_FOR:
        top, _, last = top.rpartition(".")
        rest = f".{last}{rest}"
    return STANDS_FOR[top] + rest


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


def _found(name: str) -> ModuleType:
    """nanograd's module for a name of torch's, or what stands under that name: ``torch.backends.cudnn``."""
    own = own_name(name)
    try:
        return importlib.import_module(own)
    except ModuleNotFoundError as error:
        if error.name is None or not own.startswith(error.name):
            raise
    parent, _, last = own.rpartition(".")
    try:
        return getattr(importlib.import_module(parent), last)  # type: ignore[no-any-return]
    except (AttributeError, ModuleNotFoundError):
        path = own.removeprefix("nanograd.").replace("vision.", "")
        why = explained(path) or "nanograd does not have this module"
        raise ModuleNotFoundError(f"{name}: {why}.", name=name) from None


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
        _explain(error)
        _print_from(script, error)
        return 1
    finally:
        sys.meta_path.remove(finder)
        sys.argv, sys.path[:] = former
        for name in [name for name in sys.modules if name.partition(".")[0] in TOPS]:
            del sys.modules[name]
    return 0


def _status(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _explain(error: Exception) -> None:
    """Add to ``from torch import x``, of which Python says only that there is no x, why there is none."""
    asked = re.match(r"cannot import name '(\w+)' from '(nanograd[\w.]*)'", str(error))
    if isinstance(error, ImportError) and asked:
        name, module = asked.groups()
        try:
            getattr(importlib.import_module(module), name)
        except AttributeError as why:
            error.add_note(str(why))


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
