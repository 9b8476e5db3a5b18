"""A report reads well without color, is short, and says the same as data."""

import json

import pytest

from nanograd.course.report import ExerciseReport, LessonReport, State, TestReport


def exercise(state, name="f", **more):
    details = (("called", "f(x: float64 (2, 3))"), ("yours", "[1.0] float64 (1,)"), ("expected", "[2.0] float64 (1,)"))
    tests = () if state in (State.PASS, State.NOT_STARTED) else (TestReport("test_it", state, False, details),)
    return ExerciseReport(f"07.{name}", state, 3 if state is State.PASS else 0, 3, tests, **more)


def lesson(*states, **more):
    return LessonReport(
        "07_small", "lesson.py", tuple(exercise(state, f"f{i}") for i, state in enumerate(states)), **more
    )


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([State.PASS], 0),
        ([State.PASS, State.PASS], 0),
        ([State.PASS, State.FAIL], 1),
        ([State.NOT_STARTED, State.FAIL], 1),
        ([State.NOT_STARTED, State.PASS], 3),
        ([State.NOT_STARTED], 3),
        ([State.STOPPED, State.FAIL, State.PASS], 4),
        ([State.BROKEN, State.STOPPED], 5),
        ([State.ERROR, State.BROKEN, State.FAIL], 7),
        ([State.SKIPPED, State.PASS], 8),
        ([State.SKIPPED, State.NOT_STARTED], 3),
        ([], 7),
    ],
)
def test_exit_codes(states, code):
    report = lesson(*states)
    assert report.exit_code == code
    assert report.to_json()["exit_code"] == code


def test_exit_codes_that_no_state_has():
    assert lesson(State.PASS, problem="no such file").exit_code == 2
    untrusted = LessonReport("07", "x", (exercise(State.FAIL, untrusted=True), exercise(State.BROKEN)))
    assert untrusted.exit_code == 6


def test_the_text_of_a_failure():
    report = LessonReport(
        "07_small", "lesson.py", (exercise(State.FAIL, likely="you forgot", next_step="mend it"),), seconds=1.0
    )
    assert (
        report.text()
        == """\
07_small: 0 of 3 points  (lesson.py, 1.0 s)
  FAIL         07.f    0/3

07.f: FAIL in test_it
  called    f(x: float64 (2, 3))
  yours     [1.0] float64 (1,)
  expected  [2.0] float64 (1,)
  likely    you forgot
  next      mend it"""
    )


def test_color_adds_nothing_but_color():
    report = lesson(State.PASS, State.FAIL, State.NOT_STARTED, State.ERROR)
    colored = report.text(color=True)
    assert "\033[31mFAIL" in colored
    for code in ("31", "32", "35", "0"):
        colored = colored.replace(f"\033[{code}m", "")
    assert colored == report.text()
    for state in ("PASS", "FAIL", "NOT STARTED", "ERROR"):
        assert state in report.text()


def test_a_message_has_twelve_lines_at_most():
    long = tuple((f"label{i}", "word " * 200) for i in range(9))
    report = ExerciseReport(
        "07.f", State.FAIL, 0, 3, (TestReport("test_it", State.FAIL, False, long),), next_step="the end"
    )
    lines = report.message.splitlines()
    assert len(lines) == 12
    assert lines[-1].endswith("the end")
    assert max(map(len, lines)) <= 110


def test_the_message_is_of_a_test_that_the_learner_can_see():
    tests = tuple(
        TestReport(name, state, hidden, (("called", name),))
        for name, state, hidden in [
            ("passes", State.PASS, False),
            ("sealed", State.FAIL, True),
            ("visible", State.FAIL, False),
        ]
    )
    assert ExerciseReport("07.f", State.FAIL, 0, 3, tests).worst.name == "visible"
    stopped = (*tests, TestReport("stops", State.STOPPED, True))
    assert ExerciseReport("07.f", State.STOPPED, 0, 3, stopped).worst.name == "stops"


def test_a_message_that_exercises_share_is_said_once():
    report = lesson(State.BROKEN, State.BROKEN)
    assert report.text().count("called") == 1
    assert report.text().count("BROKEN") == 3


def test_the_trace_and_what_was_printed_are_shown_on_request():
    tests = (TestReport("test_it", State.FAIL, trace='  File "lesson.py", line 3\n'),)
    report = LessonReport("07", "lesson.py", (ExerciseReport("07.f", State.FAIL, 0, 1, tests, printed="hello\n"),))
    assert "hello" not in report.text()
    assert 'File "lesson.py", line 3' in report.text(trace=True)
    assert "printed:\n    hello" in report.text(trace=True)


def test_json_holds_what_the_text_says():
    report = lesson(State.PASS, State.FAIL)
    data = json.loads(json.dumps(report.to_json()))
    assert (data["points"], data["out_of"]) == (3, 6)
    first, second = data["exercises"]
    assert (first["id"], first["state"], first["message"]) == ("07.f0", "PASS", "")
    assert second["message"] in report.text()
    assert second["tests"][0]["details"][0] == ["called", "f(x: float64 (2, 3))"]
