"""Every gate passes for a sound lesson and fails for one that is broken in its way."""

import json
import os

import pytest

from nanograd.course import verify as verifying
from nanograd.course.lesson import find, load
from nanograd.course.report import ExerciseReport, LessonReport, State
from nanograd.course.sandbox import Worker
from nanograd.course.verify import GATES, Verified, verify, verify_exercise, verify_lesson

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the worker needs a POSIX system")

LESSON = '''# %% [markdown]
# # Two small exercises

# %%
import numpy as np

from nanograd.course import exercise


# %%
@exercise("scale", points=3)
def scale(x: np.ndarray, by: float) -> np.ndarray:
    """x times by."""
    # BEGIN SOLUTION
    return x * by
    # END SOLUTION


@exercise("given", solved=True)
def given(x: float) -> float:
    """x + 1, given solved."""
    return x + 1
'''
TESTS = '''"""Tests of two small exercises."""
import numpy as np
import pytest
from nanograd.course import assert_close


@pytest.mark.exercise("scale")
def test_scale(submission):
    assert_close(submission.scale(np.array([1.0, 2.0]), 3.0), np.array([3.0, 6.0]))


@pytest.mark.hidden
@pytest.mark.exercise("scale")
def test_random(submission, rng):
    x = rng.normal(size=(2, 3))
    assert_close(submission.scale(x, -1.5), x * -1.5)


@pytest.mark.exercise("given")
def test_given(submission):
    assert submission.given(1) == 2
'''
WRONG = """from nanograd.course import also_right, wrong

@wrong("scale", says="you added")
def added(x, by):
    return x + by

@wrong("scale", says="you divided")
def divided(x, by):
    return x / by

@also_right("scale")
def turned(x, by):
    return by * x
"""


@pytest.fixture
def made(tmp_path):
    def made(lesson=LESSON, tests=TESTS, wrong=WRONG):
        directory = tmp_path / f"0{len(list(tmp_path.iterdir()))}_small"
        directory.mkdir()
        for name, text in (("lesson.py", lesson), ("test_lesson.py", tests), ("wrong_answers.py", wrong)):
            (directory / name).write_text(text)
        return load(directory)

    return made


@pytest.fixture(scope="module")
def worker():
    with Worker() as made:
        yield made


@pytest.fixture
def findings(worker):
    """What a gate finds."""

    def findings(lesson, gate, seeds=2):
        found = Verified(lesson.number)
        if gate == 1:
            verifying._gate_stub(lesson, worker, found)
        elif gate == 2:
            verifying._gate_solutions(lesson, worker, seeds, found)
        elif gate == 7:
            verifying._gate_canary(lesson, worker, found)
        else:
            found = verify_exercise(lesson.directory, "scale")
        assert {each.gate for each in found.findings} == {gate}, found
        return "\n".join(f"{each.where}: {each.says}" for each in found.findings)

    return findings


def test_a_sound_lesson_passes_every_gate(made):
    report = verify([made()], seeds=2, jobs=2)
    assert report.findings == []
    assert report.exit_code == 0
    data = json.loads(json.dumps(report.to_json()))
    assert data["gates"]["2"] == {"checked": 2 * 2 + 2 * 2, "wrong": 0}
    assert all(data["gates"][str(gate)]["checked"] > 0 for gate in GATES)
    (matrix,) = data["matrices"]
    assert matrix == {
        "exercise": "00.scale",
        "names": ["added", "divided"],
        "rows": [[2, 0], [0, 2]],
        "named": ["added", "divided"],
    }
    text = report.text(matrix=True)
    assert "nothing wrong" in text
    assert "00.scale: diagonal" in text
    for says in GATES.values():
        assert says in text


def test_nothing_verified_is_not_a_success():
    assert verify([], jobs=1).exit_code == 1


def test_gate_1_a_test_that_an_untouched_stub_passes(made, findings):
    tests = TESTS + "\n\n@pytest.mark.exercise('scale')\ndef test_nothing(submission):\n    assert True\n"
    found = findings(made(tests=tests), 1)
    assert "00.scale: the stub is FAIL" in found
    assert "when its tests are run" in found


def test_gate_1_a_stub_that_cannot_be_imported(made, findings):
    found = findings(made(lesson=LESSON + "\n\nEXAMPLE = scale(np.ones(2), 3.0)\n"), 1)
    assert "cannot be imported" in found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("def scale(x: np.ndarray, by: float)", "def scale(x: np.ndarray)", "another signature"),
        ("x times by.", "Something else.", "another signature or docstring"),
        ("import numpy as np", "import numpy as np, no_such_module", "cannot be imported"),
        ('raise NotImplementedError("00.scale")', "return x * by", "the stub is PASS with 3 points"),
        ("def scale", "def scale_", "another signature"),
        ("return x + 1", "return x", "00.given: the stub is FAIL"),
        ("def scale(", "def scale((", "not Python"),
    ],
)
def test_gate_1_a_stub_that_is_not_the_lessons(made, findings, monkeypatch, old, new, says):
    lesson = made()
    stub = verifying.stub_source(lesson)
    assert old in stub
    monkeypatch.setattr(verifying, "stub_source", lambda _: stub.replace(old, new))
    assert says in findings(lesson, 1)


def test_gate_2_a_solution_that_fails(made, findings):
    lesson = made(tests=TESTS.replace("x * -1.5)", "x * -1.5 + 1)"), wrong="")
    assert "00.scale: the solution is FAIL with 1 points on seed 1" in findings(lesson, 2)


def test_gate_2_a_solution_that_fails_on_some_seeds_only(made, findings):
    lesson = made(tests=TESTS.replace("x * -1.5)", "x * -1.5 + (x[0, 0] > 0))"), wrong="")
    assert 0 < findings(lesson, 2, seeds=5).count("the solution is FAIL") < 5


def test_gate_2_tests_that_draw_without_a_seed(made, findings):
    tests = TESTS.replace("rng.normal", "np.random.default_rng().normal")
    assert "00.scale: the tests ask something else each time" in findings(made(tests=tests), 2)


def test_gate_2_a_solution_that_depends_on_the_process(made, findings):
    lesson = LESSON.replace("return x + 1\n", "import os\n    return x + 1 + 0 * os.getpid() + (x > 5) * os.getpid()\n")
    tests = TESTS.replace("assert submission.given(1) == 2", "assert submission.given(1) == 2\n    submission.given(9)")
    assert "00.given: the solution returns something else in another process" in findings(made(lesson, tests), 2)


def test_gate_3_a_wrong_answer_that_passes(made, findings):
    wrong = WRONG + "\n@wrong('scale', says='you rounded')\ndef rounded(x, by):\n    return np.round(x * by, 12)\n"
    found = findings(made(wrong=wrong), 3)
    assert "rounded is wrong, but PASS" in found
    assert "rounded cannot be told from the solution" in found


def test_gate_3_wrong_answers_that_cannot_be_told_apart(made, findings):
    wrong = WRONG + "\n@wrong('scale', says='you took the sum')\ndef summed(x, by):\n    return by + x\n"
    lesson = made(wrong=wrong)
    verified = verify_exercise(lesson.directory, "scale")
    found = "\n".join(each.says for each in verified.findings)
    assert "added and summed cannot be told apart" in found
    assert "summed is named as added" in found
    matrix = verified.matrix
    assert not matrix.diagonal
    assert "NOT diagonal" in verifying.VerifyReport((verified,), 0.0).text(matrix=True)


def test_gate_3_a_wrong_answer_that_is_none(made, findings):
    wrong = (
        WRONG
        + "\n@wrong('scale', says='you did nothing')\ndef nothing(x, by):\n    raise NotImplementedError('00.scale')\n"
    )
    assert "nothing is wrong, but NOT STARTED" in findings(made(wrong=wrong), 3)


def test_gate_4_an_also_right_answer_that_fails(made, findings):
    wrong = WRONG.replace("return by * x", "return by * x + 1")
    assert "turned is right, but FAIL" in findings(made(wrong=wrong), 4)


def test_gate_7_a_check_that_passes_everything(made, findings, monkeypatch):
    def always(lesson, path, name=None, **how):
        reports = [ExerciseReport(each.id, State.PASS, each.points, each.points) for each in lesson.exercises]
        return LessonReport(lesson.name, str(path), tuple(reports))

    monkeypatch.setattr(verifying, "check", always)
    found = findings(made(), 7)
    assert "check of a broken file in lesson.py: PASS" in found
    assert "check of a broken file in lesson.ipynb: PASS" in found


def test_gate_7_a_check_that_fails_everything(made, findings, monkeypatch):
    never = LessonReport("x", "x", problem="no")
    monkeypatch.setattr(verifying, "check", lambda *a, **k: never)
    assert "check of the solution in lesson.py: no" in findings(made(), 7)


def test_the_shortest_lesson_of_the_course():
    """With the commands as a path of their own."""
    lesson, _ = find("00")
    found = verify_lesson(lesson.directory, seeds=1)
    assert found.findings == []
    assert found.checked[7] == 4 + 1 + 3


def test_a_command_that_passes_a_broken_file_is_found(monkeypatch):
    lesson, _ = find("00")
    monkeypatch.setattr(verifying, "_command", lambda directory, *arguments: _faked(directory, *arguments))
    found = Verified("00")
    verifying._canary_of_commands(lesson, lesson.exercises[0], {"lesson.py": "x", "lesson.ipynb": "y"}, found)
    assert [f.says[:40] for f in found.findings] == ["`nanograd check` of a broken file in les"] * 2


def _faked(directory, *arguments):
    if arguments[0] == "start":
        (directory / "course" / find("00")[0].name).mkdir(parents=True)
    return 0, "PASS"
