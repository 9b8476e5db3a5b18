"""Bad input gives a right answer or an error that says what is wrong: never a hang, a crash or a traceback from inside.

Every public function, method, layer, optimizer, data class and transform is called with good arguments in which one at
a time is replaced by something wrong, in a process of its own.  A call may work, or raise an error of the classes below
with words of nanograd's (or Python's own, for arguments that do not fit the signature).
"""

from __future__ import annotations

import collections
import contextlib
import inspect
import io
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nanograd as torch
from nanograd import linalg, nn, optim, special
from nanograd.nn import functional
from nanograd.testing import SAMPLES
from nanograd.testing.trial import arrays, cases
from nanograd.utils import data
from nanograd.vision import transforms

SEED = 20
SECONDS = 5.0  # a call that takes longer hangs
MEMORY = 12 << 30  # bytes of addresses that the process may have
GOOD_ERRORS = (TypeError, ValueError, RuntimeError, IndexError, KeyError, NotImplementedError)
INSIDES = re.compile(
    r"ufunc|could not be broadcast|has no attribute|unhashable|not subscriptable|cannot unpack|to unpack|nonetype"
    r"|not supported between|unsupported operand|not iterable|has no len|cannot reshape array|out of bounds for a"
    r"|cannot be interpreted as|too large to convert|bad operand type|must be real number|not callable|numpy\.|np\."
    r"|ndarray|only integer scalar|inhomogeneous|could not convert|object too deep|\barray\b.*dimension"
)

# Calls that change what later calls do, wait for something, or leave the process; other tests try their bad input.
APART = {
    "set_default_dtype", "set_default_device", "set_default_tensor_type", "set_num_threads", "set_num_interop_threads",
    "set_printoptions", "set_rng_state", "set_grad_enabled", "seed", "use_deterministic_algorithms", "save", "load",
    "set_deterministic_debug_mode", "set_flush_denormal", "set_float32_matmul_precision", "compile",
    "get_worker_info", "set_warn_always",
}  # fmt: skip

Call = tuple[str, Callable[..., Any], Callable[[], tuple[list[Any], dict[str, Any]]]]


class Hang(BaseException):
    """A call took longer than SECONDS."""


# What is called, and with what


def namespaces() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """(name, short name, function) of everything public that is called with tensors."""
    for prefix, space in {"": torch, "F.": functional, "linalg.": linalg, "special.": special}.items():
        names = getattr(space, "__all__", None) or vars(space)
        for name in sorted(names):
            value = getattr(space, name)
            if not name.startswith("_") and inspect.isfunction(value) and name not in APART:
                yield prefix + name, name, value
    for name, value in sorted(inspect.getmembers(torch.Tensor)):
        if inspect.isfunction(value) and (not name.startswith("_") or name in OPERATORS):
            yield f"Tensor.{name}", name, value


OPERATORS = {f"__{n}__" for n in (
    "add radd sub rsub mul rmul truediv rtruediv floordiv mod pow rpow matmul rmatmul eq ne lt le gt ge and or xor "
    "lshift rshift getitem setitem contains iadd imul isub itruediv"
).split()}  # fmt: skip


def good_arguments(name: str, function: Callable[..., Any]) -> Callable[[], tuple[list[Any], dict[str, Any]]] | None:
    """A maker of arguments with which ``function`` works, from its sample or found by trying; None where none was."""
    found = SAMPLES.get(name) or SAMPLES.get(name.removesuffix("_"))
    if found is not None:
        case = next(iter(cases(found)))

        def of_sample() -> tuple[list[Any], dict[str, Any]]:
            return [torch.tensor(a) for a in arrays(found, case, np.float32)], dict(case.options)

        if works(function, of_sample):
            return of_sample
    needed = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
    count = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in needed)
    for kinds in itertools.islice(itertools.product(USUAL, repeat=min(count, 4)), 3000):
        made = lambda kinds=kinds: ([make() for make in kinds], {})  # noqa: E731
        if works(function, made):
            return made
    return None


USUAL: tuple[Callable[[], Any], ...] = (
    lambda: torch.arange(6.0).reshape(2, 3) / 7, lambda: 1, lambda: (2, 2), lambda: torch.tensor([0, 1]),
    lambda: torch.eye(3), lambda: [torch.ones(2), torch.ones(2)], lambda: torch.ones(1, 2, 4, 4),
    lambda: torch.tensor([[True, False, True]] * 2),
)  # fmt: skip


def works(function: Callable[..., Any], make: Callable[[], tuple[list[Any], dict[str, Any]]]) -> bool:
    """Whether the call gives an answer."""
    try:
        args, options = make()
        function(*args, **options)
    except Exception:
        return False
    return True


# What is wrong

WRONG: dict[str, Callable[[], Any]] = {
    "None": lambda: None, "str": lambda: "wrong", "list": lambda: [1, 2], "nested": lambda: [[1.0], "a"],
    "float": lambda: 1.5, "int": lambda: 2, "negative": lambda: -7, "huge": lambda: 2**62, "huger": lambda: 2**70,
    "nan": lambda: float("nan"), "inf": lambda: float("inf"), "complex": lambda: 1j, "object": object,
    "dict": dict, "type": lambda: int, "tuple": lambda: (), "sizes": lambda: (-1, 2**62), "bytes": lambda: b"x",
    "truth": lambda: True, "function": lambda: len,
    "array": lambda: np.ones((2, 3), np.float32), "objects": lambda: np.array([None, "a"], object),
    "bool": lambda: torch.tensor([[True, False, True]] * 2), "int64": lambda: torch.tensor([[1, 2, 3]] * 2),
    "float16": lambda: torch.ones(2, 3, dtype=torch.float16), "uint8": lambda: torch.ones(2, 3, dtype=torch.uint8),
    "float64": lambda: torch.ones(2, 3, dtype=torch.float64),
    "0-d": lambda: torch.tensor(1.5), "empty": lambda: torch.ones(0), "extra": lambda: torch.ones(1, 1, 2, 1, 3, 1),
    "mismatch": lambda: torch.ones(5, 7), "far": lambda: torch.tensor([99, -99]), "of_nan": lambda: torch.full((2, 3), float("nan")),
    "list_of_None": lambda: [None, torch.ones(2)], "generator": lambda: iter([1]), "dtype": lambda: torch.float32,
}  # fmt: skip


def spoiled(name: str, function: Callable[..., Any], good: Any) -> Iterator[tuple[str, list[Any], dict[str, Any]]]:
    """Arguments of which one is wrong: each that the good ones have, each optional one, and one that is not known."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    args, options = good()
    for kind, make in WRONG.items():
        for i in range(len(args)):
            args, options = good()
            args[i] = make()
            yield f"[{i}]={kind}", args, options
        for key in plain[len(args) :]:
            args, options = good()
            yield f"{key}={kind}", args, {**options, key: make()}
    args, options = good()
    yield "unknown", args, {**options, "no_such_argument": 1}
    yield "none", [], {}


# What came of it


def fault(call: Callable[[], Any]) -> str | None:
    """What is wrong with how a call ended; None where nothing is."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            call()
    except Hang:
        return f"hangs for more than {SECONDS} s"
    except Exception as error:
        words = f"{type(error).__name__}: {str(error):.110}"
        if not isinstance(error, GOOD_ERRORS) or isinstance(error, RecursionError):
            return words
        inside = frames_of(error)
        if inside and not inside[-1][1] and INSIDES.search(str(error).lower()):
            return words
    return None


def frames_of(error: BaseException) -> list[tuple[str, bool]]:
    """(place, whether the words come from a ``raise`` there) of each frame of nanograd that the error went through."""
    found, tb = [], error.__traceback__
    while tb is not None:
        code = tb.tb_frame.f_code
        if f"{os.sep}nanograd{os.sep}" in code.co_filename:
            raised = tb.tb_next is None and code.co_code[tb.tb_lasti] == RAISE
            found.append((f"{Path(code.co_filename).name}:{tb.tb_lineno}:{code.co_name}", raised))
        tb = tb.tb_next
    return found


RAISE = __import__("dis").opmap["RAISE_VARARGS"]


def classes(space: Any, base: type) -> list[tuple[str, type]]:
    """The public classes of a namespace."""
    return sorted((n, c) for n, c in vars(space).items() if inspect.isclass(c) and issubclass(c, base) and n[0] != "_")


SIZES = ((), (3,), (3, 3), (2, 3), (2, 2, 3), (2, 3, 2), (1,), (2, 2), (0.5,), (3, 3, 1), (6, 2), ([1.0, 1.0],), (2, 2, 2))
INPUTS: tuple[Callable[[], list[Any]], ...] = (
    lambda: [torch.ones(2, 3)], lambda: [torch.ones(1, 2, 4, 4)], lambda: [torch.ones(1, 2, 4)],
    lambda: [torch.ones(2, 3), torch.ones(2, 3)], lambda: [torch.ones(1, 2, 4, 4, 4)], lambda: [torch.ones(2, 2, 6)],
    lambda: [torch.ones(2, 3) / 2, torch.tensor([0, 1])], lambda: [torch.tensor([[0, 1]])],
    lambda: [torch.ones(2, 2), torch.ones(2, 2)], lambda: [torch.ones(1, 3, 4, 4)], lambda: [torch.ones(2, 3)] * 3,
    lambda: [torch.ones(2, 3), torch.ones(2, 3), torch.ones(2)], lambda: [torch.ones(2, 2, 6)] * 2,
    lambda: [torch.ones(2, 2, 3)] * 3, lambda: [torch.ones(2, 3), torch.ones(2)],
    lambda: [torch.ones(2, 3), torch.ones(2, 3).long()], lambda: [torch.ones(1, 4, 2, 2)],
)  # fmt: skip


def layers() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """The layers of nn, each with a good input."""
    for name, kind in classes(nn, nn.Module):
        for sizes, make in itertools.product(SIZES, INPUTS):
            with warnings.catch_warnings(), contextlib.suppress(Exception):
                warnings.simplefilter("ignore")
                layer = kind(*sizes)
                layer(*make())
                yield f"nn.{name}.forward", layer.forward, lambda make=make: (make(), {})
                yield f"nn.{name}", kind, lambda sizes=sizes: (list(sizes), {})
                break


def image() -> Any:
    """A small picture."""
    return torch.rand(3, 8, 8)


def transforms_() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """The transforms, each with a picture, and the functions behind them."""
    for name, kind in sorted(vars(transforms).items()):
        if not inspect.isclass(kind) or not kind.__module__.startswith("nanograd.vision.transforms"):
            continue
        for sizes in (*SIZES, (4,), ((4, 4),), ([nn.Identity()],), ([0.5] * 3, [0.5] * 3), (len,), (torch.float64,)):
            with contextlib.suppress(Exception):
                kind(*sizes)(image())
                yield f"transforms.{name}", kind, lambda sizes=sizes: (list(sizes), {})
                yield f"transforms.{name}()", kind(*sizes), lambda: ([image()], {})
                break
    for name, function in sorted(vars(transforms.functional).items()):
        if inspect.isfunction(function) and name[0] != "_" and function.__module__.startswith("nanograd.vision"):
            for rest in ((), (4,), (0.5,), ([4, 4],), (1, 1, 4, 4), ([0.5] * 3, [0.5] * 3), (torch.float64,), (3,)):
                if works(function, lambda rest=rest: ([image(), *rest], {})):
                    yield f"transforms.functional.{name}", function, lambda rest=rest: ([image(), *rest], {})
                    break


def optimizers() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """The optimizers and schedules: making one, and a step of it."""
    for name, kind in classes(optim, optim.Optimizer):
        if kind is not optim.Optimizer:
            yield f"optim.{name}", stepped(kind), lambda: ([parameters()], {})
    for name, kind in classes(optim.lr_scheduler, object):
        for rest in ((), (2,), ([2, 3],), (len,), (lambda e: 0.5,), (0.5,), (0.1, 3)):
            good = lambda rest=rest: ([optim.SGD(parameters(), lr=0.1, momentum=0.9), *rest], {})  # noqa: E731
            if kind.__module__.startswith("nanograd") and works(kind, good):
                yield f"lr_scheduler.{name}", kind, good
                break


def parameters() -> list[Any]:
    """A parameter with a gradient."""
    p = nn.Parameter(torch.ones(2))
    p.grad = torch.ones(2)
    return [p]


def stepped(kind: type) -> Callable[..., Any]:
    """Make an optimizer, and let it take a step."""

    def make(*args: Any, **options: Any) -> None:
        made = kind(*args, **options)
        made.step(lambda: torch.tensor(1.0))

    make.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
    return make


def data_classes() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """The classes and functions of utils.data: making one, and going through a little of it."""
    points = lambda: data.TensorDataset(torch.ones(4, 2), torch.arange(4))  # noqa: E731
    good: dict[str, Callable[[], list[Any]]] = {
        "TensorDataset": lambda: [torch.ones(4, 2)], "Subset": lambda: [points(), [0, 1]],
        "ConcatDataset": lambda: [[points()]], "StackDataset": lambda: [points()], "DataLoader": lambda: [points()],
        "SequentialSampler": lambda: [points()], "RandomSampler": lambda: [points()], "random_split": lambda: [points(), [1, 3]],
        "SubsetRandomSampler": lambda: [[0, 1]], "WeightedRandomSampler": lambda: [[0.5, 0.5], 3],
        "BatchSampler": lambda: [data.SequentialSampler(points()), 2, False], "default_collate": lambda: [[1, 2]],
        "default_convert": lambda: [[1, 2]], "DistributedSampler": lambda: [points(), 2, 0],
    }  # fmt: skip
    for name, make in good.items():
        kind = getattr(data, name)

        def used(*args: Any, kind: Any = kind, **options: Any) -> None:
            made = kind(*args, **options)
            if isinstance(made, (data.Dataset, data.DataLoader, data.Sampler)):
                list(itertools.islice(made, 3))

        used.__signature__ = inspect.signature(kind)  # type: ignore[attr-defined]
        yield f"data.{name}", used, lambda make=make: (make(), {})


def functions() -> Iterator[tuple[str, Callable[..., Any], Any]]:
    """The functions and methods, each with good arguments."""
    for name, short, function in namespaces():
        good = good_arguments(short, function)
        if good is None:
            UNTRIED.append(name)
        else:
            yield name, function, good


UNTRIED: list[str] = []
PARTS: dict[str, Callable[[], Iterator[tuple[str, Callable[..., Any], Any]]]] = {
    "functions": functions, "layers": layers, "transforms": transforms_, "optimizers": optimizers, "data": data_classes,
}  # fmt: skip


def restore() -> None:
    """Undo what a call may have switched."""
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    np.seterr(all="warn")


def run(part: str, share: float) -> dict[str, Any]:
    """Try the calls of a part, or a random share of them, and tell what is wrong with which."""
    chosen, count, faults = random.Random(SEED), 0, {}
    torch.manual_seed(SEED)
    for name, function, good in PARTS[part]():
        for what, args, options in spoiled(name, function, good):
            if chosen.random() >= share:
                continue
            count += 1
            print(f"{name}({what})", file=sys.stderr, flush=True)
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                found = fault(lambda: function(*args, **options))
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            if found:
                faults[f"{name}({what})"] = found
        restore()
    return {"calls": count, "faults": faults, "untried": UNTRIED}


def _ring(*_: Any) -> None:
    raise Hang


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _ring)
    result = run(sys.argv[1], float(sys.argv[2]))
    print(json.dumps(result))
