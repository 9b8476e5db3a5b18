"""Bad input gives a right answer or an error that says what is wrong: never a hang, a crash or a traceback from inside.

Every public function, method, layer, optimizer, data class and transform is called with good arguments in which one at
a time is replaced by something wrong, in a process of its own.  A call may work, or raise an error of the classes below
with words of nanograd's (or Python's own, for arguments that do not fit the signature).
"""

from __future__ import annotations

import contextlib
import dis
import inspect
import io
import itertools
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nanograd as torch
from nanograd import linalg, nn, optim, special
from nanograd.kernels import elementwise
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
    *(f"Tensor.{name}" for name in ("accumulate", "add_in_place", "fit", "owned", "root_gradient")),  # the tape's own
    *(f"data.DataLoader({n}={k})" for n in ("num_workers", "timeout")
    for k in ("int", "huge", "huger", "truth", "float", "nan", "inf")),
}  # fmt: skip


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
        offered = not name.startswith("_") or name in OPERATORS
        if inspect.isfunction(value) and offered and f"Tensor.{name}" not in APART:
            yield f"Tensor.{name}", name, value


OPERATORS = {
    f"__{name}__"
    for name in (
        "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "mod", "pow", "rpow", "matmul",
        "rmatmul", "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor", "lshift", "rshift", "getitem", "setitem",
        "contains", "iadd", "imul", "isub", "itruediv",
    )
}  # fmt: skip


def good_arguments(name: str, function: Callable[..., Any]) -> Callable[[], tuple[list[Any], dict[str, Any]]] | None:
    """A maker of arguments with which ``function`` works, from its sample or found by trying; None where none was."""
    own = GOOD.get(name) or GOOD.get(name.removesuffix("_"))
    if own is not None and works(function, lambda: (own(), {})):
        return lambda: (own(), {})
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


def whole(*rows: list[int]) -> Any:
    """Indices."""
    return torch.tensor(rows)


def ones(*size: int) -> Any:
    """A tensor of ones."""
    return torch.ones(*size)


GOOD: dict[str, Callable[[], list[Any]]] = {
    "bilinear": lambda: [ones(4, 2), ones(4, 3), ones(5, 2, 3)], "can_cast": lambda: [torch.int64, torch.float32],
    "clip": lambda: [ones(2, 3), 0.0, 0.5], "einsum": lambda: ["ij,jk->ik", ones(2, 3), ones(3, 2)],
    "from_numpy": lambda: [np.ones((2, 3))],
    "gather": lambda: [ones(2, 3), 1, whole([0, 1], [1, 2])], "is_nonzero": lambda: [ones(1)],
    "index_add": lambda: [ones(2, 3), 0, torch.tensor([0, 1]), ones(2, 3)],
    "index_copy": lambda: [ones(2, 3), 0, torch.tensor([0, 1]), ones(2, 3)],
    "index_put": lambda: [ones(2, 3), (torch.tensor([0, 1]),), ones(2, 3)],
    "index_reduce": lambda: [ones(2, 3), 0, torch.tensor([0, 1]), ones(2, 3), "prod"],
    "layer_norm": lambda: [ones(2, 3), [3]], "rms_norm": lambda: [ones(2, 3), [3]],
    "lstm_cell": lambda: [ones(2, 3), (ones(2, 4), ones(2, 4)), ones(16, 3), ones(16, 4), ones(16), ones(16)],
    "randint": lambda: [0, 5, (2, 3)], "randint_like": lambda: [ones(2, 3), 0, 5],
    "result_type": lambda: [ones(2), 1.5], "scatter": lambda: [ones(2, 3), 1, whole([0, 1], [1, 2]), ones(2, 2)],
    "scatter_add": lambda: [ones(2, 3), 1, whole([0, 1], [1, 2]), ones(2, 2)],
    "scatter_reduce": lambda: [ones(2, 3), 1, whole([0, 1], [1, 2]), ones(2, 2), "sum"],
    "embedding_bag": lambda: [whole([0, 1], [1, 2]), ones(3, 4)],
    "max_unpool1d": lambda: [ones(1, 1, 2), torch.tensor([[[0, 3]]]), 2],
    "max_unpool3d": lambda: [ones(1, 1, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1).long(), 2],
    "multi_head_attention_forward": lambda: [
        *[ones(3, 2, 4)] * 3, 4, 2, ones(12, 4), ones(12), None, None, False, 0.0, ones(4, 4), ones(4)
    ],
    "upsample": lambda: [ones(1, 2, 4, 4), None, 2], "upsample_nearest": lambda: [ones(1, 2, 4, 4), None, 2],
    "upsample_bilinear": lambda: [ones(1, 2, 4, 4), None, 2], "tensorinv": lambda: [torch.eye(4).reshape(4, 2, 2), 1],
    "backward": lambda: [ones(1).requires_grad_() * 2], "fit": lambda: [ones(2, 3), (2, 3), np.dtype(np.float32)],
    "geometric_": lambda: [ones(2, 3), 0.5], "item": lambda: [ones(1)], "view": lambda: [ones(2, 3), (3, 2)],
    "register_hook": lambda: [ones(2).requires_grad_(), abs], "retain_grad": lambda: [ones(2).requires_grad_() * 2],
    "register_post_accumulate_grad_hook": lambda: [ones(2).requires_grad_(), abs],
}  # fmt: skip


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
    "mismatch": lambda: torch.ones(5, 7), "far": lambda: torch.tensor([99, -99]),
    "of_nan": lambda: torch.full((2, 3), float("nan")),
    "list_of_None": lambda: [None, torch.ones(2)], "generator": lambda: iter([1]), "dtype": lambda: torch.float32,
}  # fmt: skip


Arguments = tuple[list[Any], dict[str, Any]]


def spoiled(
    name: str, function: Callable[..., Any], good: Callable[[], Arguments]
) -> Iterator[tuple[str, Callable[[], Arguments]]]:
    """Makers of arguments of which one is wrong: each good one, each optional one, and one that is not known."""
    taken = inspect.signature(function).parameters.values()
    names = [p.name for p in taken if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if ".__" in name:  # an operator is given its operands alone
        names = []
    count, first = len(good()[0]), int(name.startswith("Tensor."))  # a method is a tensor's
    for kind, make in WRONG.items():
        for i in range(first, count):
            yield f"[{i}]={kind}", partial(_with_position, good, i, make)
        for option in names[count:]:
            yield f"{option}={kind}", partial(_with_option, good, option, make)
    yield "unknown", partial(_with_option, good, "no_such_argument", object)
    yield "none", lambda: ([], {})


def _with_position(good: Callable[[], Arguments], i: int, make: Callable[[], Any]) -> Arguments:
    args, options = good()
    args[i] = make()
    return args, options


def _with_option(good: Callable[[], Arguments], name: str, make: Callable[[], Any]) -> Arguments:
    args, options = good()
    return args, {**options, name: make()}


# What came of it


def fault(call: Callable[[], Any]) -> str | None:
    """What is wrong with how a call ended; None where nothing is."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                call()
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    except Hang:
        return f"hangs for more than {SECONDS} s"
    except Exception as error:
        words = f"{type(error).__name__}: {error!s:.110}"
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


RAISE = dis.opmap["RAISE_VARARGS"]


def classes(space: Any, base: type) -> list[tuple[str, type]]:
    """The public classes of a namespace."""
    return sorted((n, c) for n, c in vars(space).items() if inspect.isclass(c) and issubclass(c, base) and n[0] != "_")


SIZES = (
    (),
    (3,),
    (3, 3),
    (2, 3),
    (2, 2, 3),
    (2, 3, 2),
    (1,),
    (2, 2),
    (0.5,),
    (3, 3, 1),
    (6, 2),
    ([1.0, 1.0],),
    (2, 2, 2),
)
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
                yield f"nn.{name}.forward", called(layer), lambda make=make: (make(), {})
                yield f"nn.{name}", kind, lambda sizes=sizes: (list(sizes), {})
                break


def called(layer: Any) -> Callable[..., Any]:
    """The call of a layer, with the signature of its ``forward``."""

    def call(*args: Any, **options: Any) -> Any:
        return layer(*args, **options)

    call.__signature__ = inspect.signature(layer.forward)  # type: ignore[attr-defined]
    return call


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
        "SequentialSampler": lambda: [points()], "RandomSampler": lambda: [points()],
        "random_split": lambda: [points(), [1, 3]],
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
SHARES = {"functions": 0.15, "layers": 0.2, "transforms": 0.4, "optimizers": 0.3, "data": 1.0}
"""The share of the calls of a part that the tests try."""


def restore() -> None:
    """Undo what a call may have switched."""
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    np.seterr(all="warn", under="ignore")


def in_share(call: str, share: float) -> bool:
    """Whether a call belongs to the random share that is tried: the same one every time, whatever else is there."""
    return zlib.crc32(f"{SEED} {call}".encode()) < share * 2**32


def run(part: str, share: float) -> dict[str, Any]:
    """Try a share of the calls of a part, and tell what is wrong with which."""
    count, faults = 0, {}
    torch.manual_seed(SEED)
    for name, function, good in PARTS[part]():
        for what, make in spoiled(name, function, good):
            call = f"{name}({what})"
            if not in_share(call, share) or call in APART:
                continue
            count += 1
            print(call, file=sys.stderr, flush=True)
            args, options = make()
            if found := fault(partial(function, *args, **options)):
                faults[call] = found
        restore()
    return {"calls": count, "faults": faults, "untried": UNTRIED}


def ring(*_: Any) -> None:
    """Stop a call that hangs."""
    raise Hang


def tried(part: str, share: float, folder: Path) -> dict[str, Any]:
    """What ``run`` tells, in a process of its own; of one that crashes, the call that did it."""
    command = [sys.executable, __file__, part, str(share)]
    path = os.pathsep.join([str(Path(torch.__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    with (folder / "calls").open("w") as calls:
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=calls, text=True, env=environment)
    last = (folder / "calls").read_text().splitlines()[-1:]
    assert done.returncode == 0, f"{part}: the process ended with {done.returncode} after {last}"
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


@pytest.mark.parametrize("part", list(SHARES))
def test_bad_input_gives_an_answer_or_a_plain_error(part: str, tmp_path: Path) -> None:
    result = tried(part, SHARES[part], tmp_path)
    assert result["calls"] > 500, f"{part}: only {result['calls']} calls were tried"
    words = [f"{call}: {fault}" for call, fault in result["faults"].items()]
    assert not words, "\n".join(words[:40])


def test_good_arguments_are_known_for_everything() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = [name for name, _, _ in functions()]
    assert len(names) > 900
    absent = {"F.fractional_max_pool2d", "F.fractional_max_pool3d"}
    absent |= {f"Tensor.{name}" for name in ("bfloat16", "cuda", "to_sparse")}
    assert set(UNTRIED) == absent | {
        "frombuffer"
    }  # which takes nothing without dtype=; its errors have tests of their own


def test_what_is_wrong_is_found() -> None:
    def inside(x: Any) -> Any:
        return torch.ones(2).array.no_such

    def plain(x: Any) -> Any:
        raise ZeroDivisionError("division by zero")

    def numpys(x: Any) -> Any:
        return elementwise.add.reference(np.ones(2), np.ones(3))

    assert "no_such" in (fault(partial(inside, 1)) or "")
    assert "ZeroDivisionError" in (fault(partial(plain, 1)) or "")
    assert fault(partial(torch.exp, torch.ones(2))) is None
    assert fault(partial(torch.exp, 1.0)) is None
    assert fault(partial(torch.exp)) is None
    assert "broadcast" in (fault(partial(numpys, 1)) or "")


@pytest.mark.parametrize("value", [3.0, [1.0], None, "x", np.ones(2), object()])
@pytest.mark.parametrize("function", [torch.exp, torch.abs, torch.relu, torch.sin, torch.cumsum, torch.mean])
def test_what_is_no_tensor_is_named(function: Callable[..., Any], value: Any) -> None:
    more = (0,) if function is torch.cumsum else ()
    kind, name = type(value).__name__, function.__name__
    with pytest.raises(TypeError, match=rf"{name}\(\): argument 'input' \(position 1\) must be Tensor, not {kind}"):
        function(value, *more)


WORDS: list[tuple[Callable[[], Any], str]] = [
    (lambda: torch.roll([1.0], 1), r"^roll\(\): argument 'input' \(position 1\) must be Tensor, not list\. Make one"),
    (lambda: ones(2).lerp(ones(2), "half"), r"^lerp\(\): argument 'weight' \(position 2\) must be Tensor or Number"),
    (lambda: functional.cross_entropy([1.0], 2), r"^cross_entropy\(\): argument 'input' \(position 1\) must be Tensor"),
    (lambda: nn.CrossEntropyLoss()(ones(2, 3), [0, 1]), r"argument 'target' \(position 2\) must be Tensor, not list"),
    (lambda: torch.meshgrid(ones(2), 1), r"^meshgrid\(\): argument 'tensors' \(position 2\) must be"),
    (lambda: optim.Adam(parameters(), betas=0.9), r"^Adam\(\): argument 'betas' must be tuple of \(float or Tensor\)"),
    (lambda: ones(2, 3).sum(True), r"argument 'dim' must be int, or a tuple of ints, not bool.*keepdim=True"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "words"), WORDS)
def test_the_argument_that_is_wrong_is_named(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        call()


def test_an_error_of_the_users_own_code_is_left_alone() -> None:
    class Mine(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.no_such_thing

    def key(batch: list[Any]) -> Any:
        return {}[batch[0]]

    mine = ValueError("mine")

    def closure() -> Any:
        raise mine

    with pytest.raises(AttributeError, match="no_such_thing"):
        nn.Sequential(nn.Identity(), Mine())(ones(2))
    with pytest.raises(KeyError, match=r"^7$"):
        next(iter(data.DataLoader([7], collate_fn=key)))
    with pytest.raises(ValueError, match=r"^mine$") as caught:
        optim.LBFGS(parameters()).step(closure)
    assert caught.value is mine
    with pytest.raises(TypeError, match=r"roll\(\) missing 1 required positional argument: 'shifts'"):
        torch.roll(ones(2))
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'by'"):
        torch.roll(ones(2), by=1)


def test_guards_leave_functions_as_they_are() -> None:
    assert torch.roll.__name__ == "roll"
    assert torch.roll.__doc__ == torch.roll.guards.__doc__
    assert list(inspect.signature(torch.roll).parameters) == ["input", "shifts", "dims"]
    assert pickle.loads(pickle.dumps(torch.roll)) is torch.roll
    assert pickle.loads(pickle.dumps(functional.relu)) is functional.relu


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, ring)
    print(json.dumps(run(sys.argv[1], float(sys.argv[2]))))
