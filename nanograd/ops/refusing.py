"""What is said where an argument is wrong: torch's words, in place of Python's or NumPy's from inside.

A good call pays nothing for it, or next to nothing.  Public functions and classes are *guarded*: where one ends in an
error of Python's or NumPy's, its arguments are held against its annotations, and the first that does not fit is named.
The operators, which a guard would cost five percent, read their operands in a ``try`` of their own instead
(``no_tensor``); only after a failure are the frames searched for what was called, and with what.
"""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import operator
import reprlib
import sys
import types
import typing
from collections import abc
from collections.abc import Callable, Iterable
from typing import Any

from nanograd.errors import DTypeError, ShapeError
from nanograd.ops.delivering import deliver

__all__ = ["PYTHONS", "explain", "guard", "guard_class", "guarded", "no_tensor", "refuse"]

PUBLIC = ("nanograd.ops.", "nanograd.nn.functional.")
PYTHONS = (
    AttributeError, TypeError, ValueError, ArithmeticError, IndexError, KeyError, MemoryError, NameError, RecursionError
)  # fmt: skip
"""The classes of errors that Python and NumPy raise where an argument is wrong."""


def no_tensor(error: AttributeError) -> Exception:
    """The error to raise for ``error``, of an attribute that only tensors have; itself where it is another's.

    >>> torch.exp(3.0)
    Traceback (most recent call last):
    ...
    nanograd.errors.DTypeError: exp(): argument 'input' (position 1) must be Tensor, not float. Make one: ...
    """
    value = error.obj
    found = None if hasattr(value, "array") else _asked(value)
    if found is None:
        return error
    name, argument, position = found
    return DTypeError(
        f"{name}(): argument '{argument}' (position {position}) must be Tensor, not {_kind(value)}. {_remedy(value)}"
    )


def _asked(value: object) -> tuple[str, str, int] | None:
    """The outermost operation that took ``value``: its name, the argument's, and its position."""
    found = None
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("nanograd."):
        code = frame.f_code
        if frame.f_globals["__name__"].startswith(PUBLIC) and not code.co_name.startswith(("_", "<")):
            for i, argument in enumerate(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]):
                if frame.f_locals.get(argument) is value:
                    found = code.co_name.removesuffix("_of"), argument, i + 1
                    break
        frame = frame.f_back  # type: ignore[assignment]
    return found


def guard(
    namespace: dict[str, Any],
    names: Iterable[str],
    methods: Iterable[str] = ("__init__",),
    strict: bool = False,
) -> None:
    """Guard the functions of nanograd that stand under ``names`` in a public namespace, and the classes' methods.

    ``strict``: hold the arguments of those methods against their annotations although they returned, for objects
    that would meet a wrong one only when they are used.
    """
    for name in names:
        value = namespace[name]
        if isinstance(value, types.FunctionType) and not inspect.isgeneratorfunction(value):
            namespace[name] = guarded(value, namespace["__name__"])
        elif inspect.isclass(value):
            for owner in value.__mro__:
                if owner.__module__.startswith(namespace["__package__"]):
                    for method in set(methods) & set(vars(owner)):
                        setattr(owner, method, guarded(vars(owner)[method], strict=strict))


def guard_class(kind: type, apart: Iterable[str] = ()) -> None:
    """Guard the public methods of a class, save those named in ``apart``."""
    for name, value in list(vars(kind).items()):
        if isinstance(value, types.FunctionType) and not name.startswith("_") and name not in apart:
            setattr(kind, name, guarded(value))


@functools.cache
def guarded(function: Any, module: str | None = None, strict: bool = False) -> Any:
    """``function``, saying which argument was wrong where it ends in an error of Python's or NumPy's."""
    if hasattr(function, "guards"):
        return function

    delivers = module is not None and module != "nanograd.nn.functional" and "out" not in function.__code__.co_varnames

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            if kwargs and delivers and "out" in kwargs:
                return deliver(kwargs.pop("out"), function, args, kwargs)
            answer = function(*args, **kwargs)
        except PYTHONS as error:
            explain(error, function, args, kwargs, method=module is None)
            raise
        if strict:
            refuse(function, args, kwargs, method=True, whole=True)
        return answer

    call.guards = function  # type: ignore[attr-defined]
    if module is not None:
        call.__module__, call.__qualname__ = module, call.__name__  # where pickle finds it
    return call


def explain(error: Exception, function: Any, args: Any, kwargs: Any, method: bool) -> None:
    """Raise what says more than ``error``, with which ``function(*args, **kwargs)`` of nanograd's ended.

    Returns where the error speaks for itself: it is nanograd's, or from code of the user's, or it is Python's about
    arguments that are missing or unknown.  ``method``: the first argument is not counted.
    """
    if not _is_ours(function.__module__) or not _is_of_the_insides(error):
        return
    bound = refuse(function, args, kwargs, method)
    if bound is None:
        return
    name = _title(function, args)
    given = ", ".join(f"{n}={_described(v)}" for n, v in bound.items() if n != "self")
    if isinstance(error, MemoryError):
        raise RuntimeError(f"{name}(): not enough memory for ({given}). Ask for smaller sizes.") from None
    classes = {ValueError: ShapeError, IndexError: IndexError, ArithmeticError: ValueError}
    better = next((c for base, c in classes.items() if isinstance(error, base)), DTypeError)
    raise better(f"{name}(): cannot work with ({given}): {error}.") from error


def refuse(function: Any, args: Any, kwargs: Any, method: bool, whole: bool = False) -> dict[str, Any] | None:
    """Raise DTypeError for the first argument that does not fit its annotation; else tell what each parameter got.

    None where arguments are missing or unknown.  ``whole``: 1.0 is taken for 1, as in StepLR(optimizer, 1.0).
    """
    signature = inspect.signature(function)
    try:
        bound: dict[str, Any] = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return None
    for i, (argument, value) in enumerate(bound.items()):
        parameter = signature.parameters[argument]
        kind = _type_of(parameter.annotation, function)
        values = value if parameter.kind is parameter.VAR_POSITIONAL else (value,)
        for k, one in enumerate(() if parameter.kind is parameter.VAR_KEYWORD else values, i + 1 - method):
            if not _fits(kind, int(one) if whole and isinstance(one, float) and one.is_integer() else one):
                place = f" (position {k})" if 0 < k <= len(args) - method else ""
                name = _title(function, args)
                raise DTypeError(f"{name}(): argument '{argument}'{place} must be {_misfit(kind, one)}") from None
    return bound


def _is_of_the_insides(error: Exception) -> bool:
    """Whether Python or NumPy raised it below a function of nanograd's, with no code of the user's between."""
    if _is_ours(type(error).__module__) or isinstance(error, Warning):
        return False
    place = error.__traceback__
    assert place is not None
    if place.tb_next is None or (place.tb_next.tb_next is None and not _is_nanograds(place.tb_next)):
        return False  # the arguments did not fit the signature
    while place.tb_next is not None:
        place = place.tb_next
        if not _is_library(place):
            return False
    code = place.tb_frame.f_code
    raised = code.co_code[place.tb_lasti] == RAISE
    own = raised and _is_nanograds(place) and code.co_name != "__getattr__"  # which asks for a name that was not given
    return not own


RAISE = dis.opmap["RAISE_VARARGS"]


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "nanograd"


def _is_nanograds(place: types.TracebackType) -> bool:
    return _is_ours(str(place.tb_frame.f_globals.get("__name__", "")))


def _is_library(place: types.TracebackType) -> bool:
    """Whether a frame is nanograd's, or of what it stands on."""
    root = str(place.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
    return root in ("nanograd", "numpy", "numba") or (root in sys.stdlib_module_names and root != "__main__")


def _title(function: Any, args: Any) -> str:
    """The name that the user called: for a constructor or the call of an object, its class."""
    if function.__name__ in ("__init__", "__call__", "forward") and args:
        return type(args[0]).__name__
    return str(function.__name__)


# What an annotation asks for


@functools.cache
def _type_of(annotation: Any, function: Any) -> Any:
    """What an annotation means; Any where it cannot be told."""
    if annotation is inspect.Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, {}, _Names(vars(builtins) | {"Tensor": Tensor} | inspect.unwrap(function).__globals__))
    except TypeError:  # a name of another package, which stands for Any here, with a | or brackets after it
        return Any


class Tensor:
    """What the annotation ``Tensor`` means here: whatever has an array."""


class _Names(dict[str, Any]):
    """The names that annotations use; what is imported for type checking alone means Any."""

    def __missing__(self, name: str) -> Any:
        return Any


def _fits(kind: Any, value: Any) -> bool:
    """Whether a value is what an annotation asks for."""
    origin, parts = typing.get_origin(kind), _parts(kind)
    if kind is Any or isinstance(kind, typing.TypeVar):
        return True
    if kind in (None, type(None)):
        return value is None
    if origin in (typing.Union, types.UnionType):
        return any(_fits(part, value) for part in parts)
    if origin is typing.Literal:
        return value in parts
    if origin is abc.Callable or kind is Callable:
        return callable(value)
    if origin in (tuple, list, abc.Sequence):
        part = parts[0] if parts else Any
        return _is_sequence(value) and all(_fits(part, item) for item in _items(value))
    if not isinstance(origin or kind, type):
        return True
    if _is_tensor_class(kind):
        return hasattr(value, "array")
    if hasattr(value, "array"):  # a tensor of one number is taken for it
        value = value.array.item() if value.array.size == 1 else value
    if kind in (int, float):
        return not isinstance(value, (str, bytes)) and _converts(operator.index if kind is int else float, value)
    if kind is bool:
        return type(value).__name__ == "bool" or value in (0, 1)
    if kind.__name__ == "Dataset":  # a list does as well
        return hasattr(value, "__getitem__") and not isinstance(value, type)
    return isinstance(value, origin or kind)


def _converts(to: Callable[[Any], Any], value: Any) -> bool:
    try:
        to(value)
    except (TypeError, ValueError):
        return False
    except OverflowError:
        return True  # of the right kind, and too large
    return True


def _parts(kind: Any) -> tuple[Any, ...]:
    """What an annotation consists of."""
    return tuple(Tensor if part == "Tensor" else part for part in typing.get_args(kind))


def _is_sequence(value: Any) -> bool:
    """Whether it has items in an order: a list, a tuple, a range, an array, but no text and no dict."""
    if isinstance(value, (str, bytes, dict, type)) or getattr(value, "ndim", 1) == 0:
        return False
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")


def _items(value: Any) -> Any:
    """What is looked at one by one: the items of a list or a tuple."""
    return value if isinstance(value, (list, tuple)) else ()


def _is_tensor_class(kind: Any) -> bool:
    return isinstance(kind, type) and any(base.__qualname__ == "Tensor" for base in kind.__mro__)


def _misfit(kind: Any, value: Any) -> str:
    """``int, not str. Got 'wrong'.``"""
    for part in (kind, *_parts(kind)):
        items = _parts(part)
        if typing.get_origin(part) in (tuple, list, abc.Sequence) and items and _is_sequence(value):
            for i, item in enumerate(_items(value)):
                if not _fits(items[0], item):
                    return (
                        f"{_words(kind)}, but found element of type {_kind(item)} at pos {i}. "
                        f"{_remedy(item) if _is_tensor_class(items[0]) else f'Got {_described(value)}.'}"
                    )
    wants_tensor = any(_is_tensor_class(k) for k in (kind, *_parts(kind)))
    remedy = _remedy(value) if wants_tensor else f"Got {_described(value)}."
    return f"{_words(kind)}, not {_kind(value)}. {remedy}"


def _words(kind: Any) -> str:
    """What an annotation asks for, as torch names it: ``int``, ``tuple of ints``, ``Tensor or Number``."""
    origin, parts = typing.get_origin(kind), _parts(kind)
    if origin in (typing.Union, types.UnionType):
        names = [_words(part) for part in parts]
        if {"bool", "int", "float"} <= set(names):
            names = ["Number" if n == "float" else n for n in names if n not in ("bool", "int")]
        return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    if origin in (tuple, list, abc.Sequence, abc.Iterable, abc.Collection):
        item = _words(parts[0]) if parts and parts[0] is not Any else ""
        return f"tuple of ({item})" if " " in item else f"tuple of {item}s" if item else "tuple"
    if origin is typing.Literal:
        return " or ".join(map(repr, parts))
    if origin is abc.Callable:
        return "a function"
    if kind is None or kind is type(None):
        return "None"
    return {"DType": "torch.dtype", "Device": "torch.device"}.get(kind.__name__, str(kind.__name__))


def _kind(value: object) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _described(value: Any) -> str:
    """A value in a few words: the size and dtype of a tensor, else the beginning of what it prints as."""
    if hasattr(value, "array"):
        return f"{type(value).__name__}{list(value.array.shape)} of {value.dtype}"
    if type(value).__name__ == "ndarray":
        return f"ndarray{list(value.shape)} of {value.dtype}"
    try:
        return reprlib.repr(value)
    except Exception:
        return f"a {_kind(value)}"


def _remedy(value: object) -> str:
    """How to make a tensor of it."""
    if isinstance(value, tuple) and len(value) == 2 and hasattr(value[0], "array"):
        return "An RNN, GRU or LSTM gives (output, hidden): take its output, output, hidden = rnn(x)"
    if type(value).__module__.startswith("PIL."):
        return "Make one: torchvision.transforms.ToTensor()(image)"
    if isinstance(value, (list, tuple)) and any(hasattr(item, "array") for item in value):
        return "A batch of a DataLoader is [inputs, labels]: for inputs, labels in loader: model(inputs)"
    if type(value).__name__ == "ndarray":
        return "Make one: torch.from_numpy(x), with .float() if it holds float64"
    if hasattr(value, "__getitem__") and hasattr(value, "__len__") and not isinstance(value, (list, tuple, str, dict)):
        return "Go through torch.utils.data.DataLoader(dataset, batch_size=...), and give the model its batches"
    return "Make one: torch.tensor(...)"
