"""The learner's code as a test sees it, wherever it runs: what is asked of it, and what came back, as plain data."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from nanograd.course.assemble import KnownAnswer, as_reference, imports_of, references_of, scenarios_of
from nanograd.course.compare import Difference, MismatchError, brief, identical
from nanograd.course.lesson import Lesson
from nanograd.course.wire import pack, unpack
from nanograd.course.worker import Module

__all__ = [
    "BrokenError",
    "Call",
    "LearnerError",
    "Submission",
    "Transport",
    "in_process",
    "module_of",
    "module_with",
    "solution",
]


class LearnerError(Exception):
    """What learner code raised, as data: it crossed a process boundary and is no exception of that class."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.name = str(error.get("name", "Exception"))
        self.message = str(error.get("message", ""))
        self.bases = list(error.get("bases") or [])
        self.own, self.scenario = error.get("own"), error.get("scenario")
        self.trace = str(error.get("trace", ""))
        super().__init__(f"{self.name}: {self.message}" if self.message else self.name)

    def is_a(self, name: str) -> bool:
        """Whether the class, or one that it derives from, has that name."""
        return name == self.name or name in self.bases


class BrokenError(Exception):
    """The learner's file could not be imported, or the exercise is not in it."""

    def __init__(self, text: str, error: LearnerError | None = None) -> None:
        super().__init__(text)
        self.error = error


class Transport(Protocol):
    """Where requests are answered: a worker process, or this one."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request with {"value": ...} or {"error": ...}."""
        ...


@dataclass
class Call:
    """One request and what came back; ``wanted`` is the exception that the test asked for, with its pattern."""

    request: dict[str, Any]
    response: dict[str, Any]
    wanted: tuple[str, str | None] | None = None

    @property
    def error(self) -> LearnerError | None:
        """What was raised, if anything."""
        return LearnerError(self.response["error"]) if "error" in self.response else None

    @property
    def outcome(self) -> tuple[Any, ...]:
        """What a test could see of the answer, for comparing answers."""
        if (error := self.error) is None:
            return ("value", self.response["value"], self.changed)
        if self.wanted:
            name, match = self.wanted
            return ("raised", name if error.is_a(name) else error.name, bool(re.search(match or "", error.message)))
        return ("raised", error.name)

    @property
    def changed(self) -> list[str]:
        """The names or places of the arguments that the call modified."""
        if "after" not in self.response:
            return []
        args, kwargs = self.response["after"]
        before = [*enumerate(self.request["args"]), *self.request["kwargs"].items()]
        after = {**dict(enumerate(args)), **kwargs}
        return [str(key) for key, value in before if not identical(value, after[key])]


@dataclass
class Submission:
    """The learner's code as a test sees it: ``submission.f(x)`` calls it, ``submission.run(scenario, ...)`` uses it.

    Arguments and results cross by value. What the code raises comes back as a `LearnerError`.
    """

    transport: Transport
    calls: list[Call] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self._value({"do": "call", "name": name, "args": args, "kwargs": kwargs})

    def run(self, scenario: Callable[..., Any], **kwargs: Any) -> Any:
        """Run a scenario of the test file where the learner's code runs; what it returned."""
        return self._value({"do": "run", "name": scenario.__name__, "kwargs": kwargs})

    def raises(self, name: str, /, *args: Any, error: str, match: str | None = None, **kwargs: Any) -> None:
        """Assert that calling ``name`` raises an exception of that name, with a message in which ``match`` is found."""
        call = self._ask({"do": "call", "name": name, "args": args, "kwargs": kwargs}, (error, match))
        if call.error is None:
            raise AssertionError(f"expected {error}, got {brief(call.response['value'])}")
        if not call.error.is_a(error):
            raise call.error
        if match is not None and not re.search(match, call.error.message):
            raise AssertionError(f"the message of your {error} says too little: {call.error.message!r}")

    def unmodified(self) -> None:
        """Assert that the last call left its arguments as they were."""
        call = self.calls[-1]
        if call.changed:
            args, kwargs = call.response["after"]
            after = {**{str(i): value for i, value in enumerate(args)}, **kwargs}
            before = {**{str(i): value for i, value in enumerate(call.request["args"])}, **call.request["kwargs"]}
            name = call.changed[0]
            says = "your function modified its argument"
            raise MismatchError(after[name], before[name], Difference("", after[name], before[name], says))

    def _ask(self, request: dict[str, Any], wanted: tuple[str, str | None] | None = None) -> Call:
        call = Call(request, {"value": None}, wanted)
        self.calls.append(call)
        call.response = self.transport.answer(request)
        return call

    def _value(self, request: dict[str, Any]) -> Any:
        call = self._ask(request)
        if call.error is not None:
            raise call.error
        return call.response["value"]


# in this process


def module_of(lesson: Lesson, source: str, qualname: str, tests: Path | None = None) -> dict[str, Any]:
    """What a worker is told to load: a learner's source with the other exercises answered, and the tests' scenarios."""
    references = [(each.qualname, each.source) for each in references_of(lesson) if each.qualname != qualname]
    return _module(lesson, source, qualname, references, imports_of(lesson.source), tests=tests)


def module_with(lesson: Lesson, answer: KnownAnswer | None = None) -> dict[str, Any]:
    """What a worker is told to load: the solutions, with ``answer`` in the place of one."""
    if answer is None:
        return _module(lesson, lesson.source, lesson.exercises[0].qualname, [])
    it = as_reference(lesson, answer)
    return _module(lesson, lesson.source, it.qualname, [(it.qualname, it.source)], before=answer.before)


def _module(
    lesson: Lesson,
    source: str,
    qualname: str,
    references: list[tuple[str, str]],
    imports: Sequence[str] = (),
    before: str = "",
    tests: Path | None = None,
) -> dict[str, Any]:
    scenarios = scenarios_of((tests or lesson.directory / "test_lesson.py").read_text(encoding="utf-8"))
    return {
        "source": source,
        "qualname": qualname,
        "references": references,
        "imports": list(imports),
        "before": before,
        "scenarios": scenarios,
    }


class InProcess:
    """Answers requests in this process; values cross by value all the same."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer as a worker does."""
        answer: dict[str, Any] = unpack(pack(self.module.perform(unpack(pack(request)))))
        return answer


def in_process(lesson: Lesson, path: Path, name: str, module: dict[str, Any]) -> Submission:
    """Load a module into this process. Only for code that is trusted: a lesson's own, or a learner's on their machine.

    Raises:
        BrokenError: it cannot be imported.

    """
    loaded = Module(str(path), f"nanograd_{name}_{lesson.number}", Exception)
    answer = loaded.load(**module)
    if "error" in answer:
        error = LearnerError(answer["error"])
        raise BrokenError(f"{path}: {error}", error)
    return Submission(InProcess(loaded))


_solutions: dict[Lesson, Submission] = {}


def solution(lesson: Lesson) -> Submission:
    """The solutions in this process, loaded once."""
    if lesson not in _solutions:
        _solutions[lesson] = in_process(lesson, lesson.path, "solution", module_with(lesson))
    return Submission(_solutions[lesson].transport)
