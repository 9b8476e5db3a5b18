"""NumPy's names of arguments, which torch takes too: ``axis=`` for ``dim=``, ``keepdims=`` for ``keepdim=``."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar

from nanograd.ops.refusing import no_tensor

__all__ = ["numpy_names"]

F = TypeVar("F", bound=Callable[..., Any])
NAMES = {"dim": "axis", "keepdim": "keepdims"}
ABSENT = object()


def numpy_names(function: F) -> F:
    """Let ``function`` take ``axis=`` for its ``dim=`` and ``keepdims=`` for its ``keepdim=``.

    The function object stays, and so does the signature that it shows; a call without NumPy's names hands its
    arguments straight on.
    """
    assert isinstance(function, FunctionType)
    itself = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    itself.__kwdefaults__, itself.__annotations__ = function.__kwdefaults__, function.__annotations__
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    have = function.__defaults__ or ()
    defaults = dict(zip(positional[len(positional) - len(have) :], have, strict=True)) | (itself.__kwdefaults__ or {})
    for name in positional[positional.index("dim") :] if "dim" in positional else ():
        defaults.setdefault(name, ABSENT)
    theirs = [NAMES[n] for n in (*positional, *named) if n in NAMES]
    itself.__dict__["defaults"] = {n: defaults[n] for n in (*positional, *named) if n in NAMES}
    function.__globals__.update(
        {f"_{code.co_name}_of_dim": itself, "_renamed": _renamed, "_ABSENT": ABSENT, "_no_tensor": no_tensor}
    )
    function.__code__ = _handing_on(code, positional, named, theirs, defaults["dim"] is ABSENT)
    function.__defaults__ = tuple(defaults[n] for n in positional if n in defaults)
    function.__kwdefaults__ = {**{n: defaults[n] for n in named}, **dict.fromkeys(theirs)}
    function.__wrapped__ = itself  # type: ignore[attr-defined]
    return function


def _handing_on(code: Any, positional: Any, named: Any, theirs: list[str], needed: bool) -> Any:
    """Code that takes NumPy's names too, and calls the function itself."""
    name = code.co_name
    plain = [f"{n} is None" for n in theirs] + ["dim is not _ABSENT"] * needed
    source = (
        f"def {name}({', '.join([*positional, '*', *named, *theirs])}):\n"
        f"    if {' and '.join(plain)}:\n"
        f"        try:\n"
        f"            return _{name}_of_dim({', '.join([*positional, *(f'{n}={n}' for n in named)])})\n"
        f"        except AttributeError as error:\n"
        f"            raise _no_tensor(error) from None\n"
        f"    theirs = {{{', '.join(f'{n!r}: {n}' for n in theirs)}}}\n"
        f"    given = {{{', '.join(f'{n!r}: {n}' for n in (*positional, *named))}}}\n"
        f"    return _renamed(_{name}_of_dim, theirs, given)"
    )
    scope: dict[str, Any] = {}
    exec(compile("\n" * (code.co_firstlineno - 1) + source, code.co_filename, "exec"), scope)
    return scope[name].__code__


def _renamed(itself: Any, theirs: dict[str, Any], given: dict[str, Any]) -> Any:
    """Call the function itself with what was given under NumPy's names."""
    for own, default in itself.defaults.items():
        value = theirs[NAMES[own]]
        if value is not None:
            if given[own] is not default:
                raise TypeError(f"{itself.__name__}: got both {own}= and {NAMES[own]}=, which mean the same.")
            given[own] = value
    return itself(**{name: value for name, value in given.items() if value is not ABSENT})
