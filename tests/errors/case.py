"""One provocation of a documented error, and what must be true of the error."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import nanograd

PACKAGE = Path(nanograd.__file__).parent
INSIDES = re.compile(
    r"ufunc|could not be broadcast|object has no attribute|unhashable|not subscriptable|to unpack|NoneType"
    r"|not supported between|unsupported operand|not iterable|has no len|cannot reshape array|out of bounds for a"
    r"|cannot be interpreted as|too large to convert|bad operand type|must be real number|not callable"
    r"|ndarray' object|inhomogeneous|could not convert|object too deep"
)
"""Words of Python's and NumPy's own errors."""


@dataclass(frozen=True)
class Case:
    """``call`` provokes what the docstring of ``name`` says of ``error``; ``words`` name the cause in its message.

    Where the docstring lists several conditions, ``when`` are words that stand in the one that this case is of.
    """

    name: str
    error: type[BaseException]
    call: Callable[[], Any]
    words: str
    when: str = ""

    def __str__(self) -> str:
        return f"{self.name}-{self.error.__name__}" + f"-{self.when}" * bool(self.when)

    def check(self, *given: Any) -> None:
        """The call, with what it is given, raises the class in nanograd's code and words, and the cause is named."""
        with pytest.raises(self.error) as caught:
            self.call(*given)
        message = str(caught.value)
        assert re.search(self.words, message, re.DOTALL), f"{message!r} does not say {self.words!r}"
        assert self.error is AttributeError or not INSIDES.search(message), f"{message!r} is not in our words"
        raised = Path(caught.traceback[-1].path)
        ours = raised.is_relative_to(PACKAGE) or getattr(caught.value, "filename", None)  # the system's, of a file
        assert ours, f"{message!r} comes from {raised}, which is not nanograd's"
