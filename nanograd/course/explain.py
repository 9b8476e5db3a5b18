"""Turns what happened in a test into the lines of a message: the call, yours beside expected, where it went wrong."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from nanograd.course.assemble import definition
from nanograd.course.compare import Difference, MismatchError, brief, compare
from nanograd.course.lesson import Lesson
from nanograd.course.submission import BrokenError, Call, LearnerError, solution

__all__ = ["call_text", "details_of", "parameters", "unusable"]

Details = list[tuple[str, str]]
SMALL = 6  # elements of an array that is shown rather than described
WIDE = 180  # characters of a value: two lines


def call_text(lesson: Lesson, request: dict[str, Any]) -> str:
    """Write a call with the names of its parameters and the shapes of its arrays."""
    names = parameters(lesson, request["name"]) if request["do"] == "call" else []
    args = [_argument(names[i] if i < len(names) else "", value) for i, value in enumerate(request.get("args", ()))]
    args += [_argument(name, value) for name, value in request["kwargs"].items()]
    return f"{request['name']}({', '.join(args)})"


def details_of(
    lesson: Lesson, error: BaseException, calls: list[Call], compared: tuple[str, Any, Any] | None = None
) -> Details:
    """Explain a test that did not pass.

    Args:
        lesson: the lesson that the test belongs to.
        error: what ended the test.
        calls: the calls of the submission that it made; the last one is shown.
        compared: operator, left and right of the comparison that failed, where there was one.

    """
    if isinstance(error, BrokenError):
        return [("problem", str(error)), *_place(error.error)]
    found = _called(lesson, calls)
    if (
        isinstance(error, LearnerError)
        and error.name == "NotImplementedError"
        and error.message.startswith(lesson.number)
    ):
        return [*found, ("because", "a part is not written yet"), *_place(error)]
    if isinstance(error, LearnerError) and (error.is_a("NumbaError") or error.is_a("UnsupportedBytecodeError")):
        return found + _compiling(error)
    if isinstance(error, LearnerError):
        return [*found, ("raised", str(error)), *_place(error), *_expected(lesson, calls)]
    if isinstance(error, MismatchError):
        return found + _mismatch(error.difference)
    if isinstance(error, AssertionError) and compared is not None:
        return found + _comparison(*compared)
    if isinstance(error, AssertionError):
        return [*found, ("because", (str(error) or "the test's assertion failed").splitlines()[0])]
    return [*found, ("because", str(error) or type(error).__name__)]


def unusable(lesson: Lesson, error: BaseException, calls: list[Call], compared: object = None) -> Details:
    """Explain a judgement that could not work with what came back."""
    value = calls[-1].response.get("value") if calls else None
    what = f"the test could not use this: {type(error).__name__}: {error}"
    return [*_called(lesson, calls), ("yours", brief(value, WIDE)), *_expected(lesson, calls), ("because", what)]


def _called(lesson: Lesson, calls: list[Call]) -> Details:
    if not calls:
        return []
    request = calls[-1].request
    return [("called" if request["do"] == "call" else "ran", call_text(lesson, request))]


def parameters(lesson: Lesson, name: str) -> list[str]:
    """The names of the positional parameters of a function of the lesson."""
    node = definition(ast.parse(lesson.source), name)
    return [each.arg for each in node.args.posonlyargs + node.args.args] if isinstance(node, ast.FunctionDef) else []


def _argument(name: str, value: Any) -> str:
    text = brief(value, 64)
    if isinstance(value, np.ndarray) and (value.size > SMALL or "..." in text):
        return f"{name}: {value.dtype} {value.shape}" if name else f"{value.dtype} {value.shape}"
    return f"{name}={text}" if name else text


def _mismatch(found: Difference) -> Details:
    at = f"{found.at} = " if found.at else ""
    differs = (
        [("differs", found.says.removeprefix("first difference "))]
        if isinstance(found.actual, np.ndarray | list | tuple | dict)
        else []
    )
    return [("yours", at + brief(found.actual, WIDE)), ("expected", at + brief(found.expected, WIDE)), *differs]


def _comparison(operator: str, left: Any, right: Any) -> Details:
    expected = getattr(right, "expected", right)  # of pytest.approx
    if operator != "==":
        return [("yours", brief(left, WIDE)), ("expected", f"{operator} {brief(expected, WIDE)}")]
    found = compare(left, expected, *((1e-6, 1e-12) if expected is not right else (0.0, 0.0)))
    if found and found.at:
        return _mismatch(found)
    return [("yours", brief(left, WIDE)), ("expected", brief(expected, WIDE))]


def _place(error: LearnerError | None) -> Details:
    """Where learner code raised, or else the line of the scenario that did."""
    if error is not None and error.own:
        line, function, text = error.own
        inside = f", in {function}" if function and function != "<module>" else ""
        return [("at", f"lesson.py line {line}{inside}:  {(text or '').strip()}".rstrip(": "))]
    if error is not None and error.scenario:
        line, function, text = error.scenario
        return [("at", f"the test's scenario {function}:  {(text or '').strip()}")]
    return []


#: what numba says when it cannot compile -> what to do about it
ADVICE = {
    r"unsupported NumPy function '(?P<what>[^']*)'": "numba has no {what} in this form: write the loop yourself",
    r"Unknown attribute '(?P<what>[^']*)' of type (?P<kind>.*)": "compiled code has no .{what} of {kind}",
    r">>> (?P<what>.*)": "numba has no {what}: look at the types in this line",
    r"Cannot determine Numba type of (?P<what>.*)": "give compiled code arrays and numbers only, no {what}",
    r"(context manager|IMPORT_NAME|Exception object)": "move this out of the compiled function",
}


def _compiling(error: LearnerError) -> Details:
    """Translate what numba says of code that it cannot compile: the line, what is unsupported, what to use."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", error.message)
    said = [line.strip() for line in text.splitlines() if line.strip() and "Failed in nopython mode" not in line]
    at = re.search(r'lesson\.py", line (?P<line>\d+):\n(?P<code>(?:.*\n)*?)\s*\^', text)
    line = at["line"] if at else next(iter(re.findall(r"lesson\.py \((\d+)\)", text)), None)
    code = at["code"].strip().splitlines()[-1].strip() if at and at["code"].strip() else ""
    where = [("at", f"lesson.py line {line}:  {code}".rstrip(": "))] if line else []
    advice = ((re.search(pattern, text), use) for pattern, use in ADVICE.items())
    use = [("use", use.format(**found.groupdict())) for found, use in advice if found][:1]
    return [("raised", f"{error.name}: numba cannot compile this: {said[0] if said else ''}"), *where, *use]


def _expected(lesson: Lesson, calls: list[Call]) -> Details:
    """What the solution answers to the same call."""
    if not calls:
        return []
    answer = solution(lesson).transport.answer(calls[-1].request)
    if "error" in answer:
        return [("expected", f"{answer['error']['name']}")] if calls[-1].wanted else []
    return [("expected", brief(answer["value"], WIDE))]
