"""A submission is judged by the packaged tests, each exercise for itself, and the verdict is told in a few lines."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nanograd.course.compare import MismatchError, assert_close, brief
from nanograd.course.generate import stub_source, visible_tests
from nanograd.course.judge import check
from nanograd.course.lesson import find, load
from nanograd.course.notebook import notebook
from nanograd.course.report import State
from nanograd.course.sandbox import Limits, Worker

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the worker needs a POSIX system")

LESSON = '''# %% [markdown]
# # Small things

# %%
import numpy as np
from itertools import accumulate

from nanograd.course import exercise


# %%
@exercise("double", points=5, hints=["Twice."])
def double(x: np.ndarray) -> np.ndarray:
    """Twice x."""
    # BEGIN SOLUTION
    return 2 * x
    # END SOLUTION


@exercise("running", points=2)
def running(values: list) -> list:
    """The running sums of the doubles."""
    # BEGIN SOLUTION
    return list(accumulate(double(v) for v in values))
    # END SOLUTION


# %%
class Mode:
    """A switch."""

    on = True


@exercise("off", points=3)
class off:
    """Switches Mode off, and back to what it was."""

    def __enter__(self):
        """Switch off."""
        # BEGIN SOLUTION
        self.before, Mode.on = Mode.on, False
        return self
        # END SOLUTION

    def __exit__(self, *error):
        """Switch back."""
        # BEGIN SOLUTION
        Mode.on = self.before
        # END SOLUTION


TABLE = {"double": double}
'''
TESTS = '''"""Tests of small things."""
import numpy as np
import pytest
from nanograd.course import assert_close, scenario


@pytest.mark.exercise("double")
def test_two(submission):
    assert submission.double(2.0) == 4.0


@pytest.mark.hidden
@pytest.mark.exercise("double")
@pytest.mark.parametrize("shape", [(2, 3), (5,)])
def test_arrays(submission, reference, rng, shape):
    x = rng.normal(size=shape)
    assert_close(submission.double(x), reference.double(x))
    submission.unmodified()


@pytest.mark.exercise("running")
def test_running(submission):
    assert submission.running([1, 2, 3]) == [2, 6, 12]


@pytest.mark.exercise("running")
def test_no_list(submission):
    submission.raises("running", 5, error="TypeError", match="iterable")


@scenario
def nested(s, how):
    """Modes inside, after, and after an exception."""
    seen = [s.Mode.on]
    try:
        with s.off():
            seen.append(s.Mode.on)
            with s.off():
                seen.append(s.Mode.on)
            seen.append(s.Mode.on)
            if how == "error":
                raise KeyError(how)
    except KeyError:
        seen.append("raised")
    return [*seen, s.Mode.on]


@pytest.mark.exercise("off")
def test_nested(submission):
    assert submission.run(nested, how="plain") == [True, False, False, False, True]


@pytest.mark.hidden
@pytest.mark.exercise("off")
def test_restored_after_an_exception(submission):
    assert submission.run(nested, how="error") == [True, False, False, False, "raised", True]


@scenario
def table(s, x):
    return s.TABLE["double"](x)


@pytest.mark.exercise("double")
def test_table(submission):
    assert submission.run(table, x=3) == 6


@scenario
def sums(s, values):
    return s.running(values)


@pytest.mark.hidden
@pytest.mark.exercise("double")
def test_running_sums_are_of_doubles(submission):
    assert submission.run(sums, values=[1, 2]) == [2, 6]
'''
WRONG = """from nanograd.course import wrong, also_right

@wrong("double", says="you squared it")
def squared(x):
    return x * x

@wrong("off", says="you switched on for good, whatever it was before")
class always_on:
    def __enter__(self):
        Mode.on = False
    def __exit__(self, *error):
        Mode.on = True
"""


@pytest.fixture(scope="module")
def worker():
    with Worker(Limits(seconds=2)) as made:
        yield made


@pytest.fixture
def lesson(tmp_path):
    return write(tmp_path / "solutions" / "07_small")


def write(directory, lesson=LESSON, tests=TESTS, wrong=WRONG):
    directory.mkdir(parents=True)
    for name, text in (("lesson.py", lesson), ("test_lesson.py", tests), ("wrong_answers.py", wrong)):
        (directory / name).write_text(text)
    return load(directory)


@pytest.fixture
def submit(lesson, tmp_path, worker):
    """Check an answer: the stub with some exercises answered, or a whole source."""

    def submit(source=None, exercise=None, name="lesson.py", **answers):
        text = stub_source(lesson) if source is None else source
        for qualname, answer in answers.items():
            text = answered(text, qualname, answer)
        path = tmp_path / "mine" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return check(lesson, path, exercise, worker=worker)

    return submit


def answered(text, qualname, answer):
    node = next(n for n in ast.parse(text).body if getattr(n, "name", None) == qualname)
    lines = text.split("\n")
    return "\n".join([*lines[: node.lineno - 1], answer, *lines[node.end_lineno :]])


def states(report):
    return {each.id.partition(".")[2]: each.state for each in report.exercises}


def test_the_stub_is_not_started(submit):
    report = submit()
    assert set(states(report).values()) == {State.NOT_STARTED}
    assert (report.points, report.out_of, report.exit_code) == (0, 10, 3)


def test_the_solution_passes(lesson, submit):
    report = submit(lesson.source)
    assert set(states(report).values()) == {State.PASS}, report.text()
    assert (report.points, report.exit_code) == (10, 0)


def test_a_wrong_answer_fails_and_is_named(submit):
    report = submit(double="def double(x):\n    return x * x")
    assert states(report) == {"double": State.FAIL, "running": State.NOT_STARTED, "off": State.NOT_STARTED}
    (double, *_) = report.exercises
    assert report.exit_code == 1
    assert double.likely == "you squared it"
    assert (double.points, len(double.tests)) == (1, 5)  # twice two is its square: one test of five
    text = double.message.splitlines()
    assert len(text) <= 12
    assert text[0] == "07.double: FAIL in test_table"
    assert "ran       table(x=3)" in text[1]
    assert text[2:4] == ["  yours     9", "  expected  6"]


def test_an_exercise_is_graded_with_the_others_answered(submit):
    """`running` uses `double`: its grade does not depend on the learner's own."""
    for double in ("def double(x):\n    raise RuntimeError", "def double(x):\n    return None", "pass"):
        report = submit(
            running="def running(values):\n    return list(np.cumsum([double(v) for v in values]))", double=double
        )
        assert states(report)["running"] is State.PASS, report.text()
        assert states(report)["double"] is not State.PASS


def test_references_bring_the_imports_that_the_stub_lacks(lesson, submit):
    assert "accumulate" not in stub_source(lesson)
    report = submit(double="def double(x):\n    return x + x")
    assert states(report)["double"] is State.PASS, report.text()


def test_a_context_manager_is_judged_across_the_process_boundary(submit):
    right = "class off:\n    def __enter__(self):\n        self.was = Mode.on\n        Mode.on = False\n"
    right += "    def __exit__(self, *error):\n        Mode.on = self.was"
    report = submit(off=right)
    assert states(report)["off"] is State.PASS, report.text()
    report = submit(off=right.replace("Mode.on = self.was", "Mode.on = True"))
    assert report.exercises[2].likely == "you switched on for good, whatever it was before"
    swallows = submit(off=right + "\n        return True")
    assert states(swallows)["off"] is State.FAIL
    assert swallows.exercises[2].likely is None


def test_a_part_that_is_not_written_is_not_started_or_a_failure(submit):
    exits = "\n    def __exit__(self, *error):\n        Mode.on = True"
    report = submit(off="class off:\n    def __enter__(self):\n        raise NotImplementedError('07.off')" + exits)
    assert states(report)["off"] is State.NOT_STARTED
    report = submit(
        double="def double(x):\n    if np.ndim(x): raise NotImplementedError('07.double')\n    return x + x"
    )
    assert states(report)["double"] is State.FAIL
    assert "not written yet" in report.exercises[0].message


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("def double(x):\n    return None", "None"),
        ("def double(x):\n    return (n for n in [x])", "generator"),
        ("def double(x):\n    return str(2 * x)", "4.0"),
        ("def double(x):\n    return np.array([[2 * x]], dtype=object)", "array of object"),
        ("def double(x, y):\n    return x", "missing 1 required positional argument"),
        ("def double(x):\n    return 2 * x / 0", "ZeroDivisionError"),
        ("def double(x):\n    x = x * 1\n    return undefined", "NameError"),
        ("def double(x):\n    class E(Exception):\n        def __str__(self): return 1 / 0\n    raise E", "E"),
        ("def double(x):\n    import sys; sys.exit(0)", "SystemExit"),
        ("def double(x):\n    raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_odd_results_fail(submit, answer, says):
    double = submit(double=answer, exercise="double").exercises[0]
    assert double.state is State.FAIL
    assert double.points == 0
    assert says in double.message
    assert len(double.message.splitlines()) <= 12
    assert "site-packages" not in double.message


def test_where_it_was_raised_is_said(submit):
    source = "def double(x):\n    y = x\n    return y / 0"
    report = submit(double=source)
    line = next(n for n, text in enumerate(Path(report.submission).read_text().splitlines(), 1) if "y / 0" in text)
    assert f"lesson.py line {line}, in double:  return y / 0" in report.exercises[0].message
    assert "Traceback" not in report.text()
    assert 'File "lesson.py"' in report.text(trace=True)


@pytest.mark.parametrize(
    ("body", "line", "says"),
    [
        ("return np.einsum('i->', x)", 11, "numba has no numpy.einsum in this form: write the loop yourself"),
        ("return x.foo", 11, "compiled code has no .foo of float64"),
        ("return x + 'a'", 11, "numba has no add(float64, Literal[str](a))"),
        ("with x as y: pass", None, "move this out of the compiled function"),
        ("return undefined + x", None, "NameError: name 'undefined' is not defined"),
    ],
)
def test_what_numba_cannot_compile_is_translated(submit, body, line, says):
    source = f"# %%\nimport numpy as np\nfrom numba import njit\n\n\n\n\n\n@njit\ndef twice(x):\n    {body}\n"
    double = submit(source + "\ndef double(x):\n    return twice(x)\n", "double").exercises[0]
    assert double.state is State.FAIL
    assert says in double.message.replace("\n            ", " ")
    assert "numba cannot compile this" in double.message
    assert "\033" not in double.message
    assert line is None or f"lesson.py line {line}" in double.message
    assert len(double.message.splitlines()) <= 12


def test_an_argument_that_is_modified(submit):
    report = submit(double="def double(x):\n    y = 2 * x\n    if np.ndim(x): x += 1\n    return y")
    assert states(report)["double"] is State.FAIL
    assert "modifies its argument 'x'" in report.exercises[0].likely


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def double(:\n    pass", "line 1"),
        ("import nothing_like_it", "ModuleNotFoundError"),
        ("x = 1\nprint(undefined)", "line 2"),
        ("double = 3 +", "not Python"),
        ("x = 1", "defines no double"),
        ("\0", "not Python"),
        ("(" * 5000, "not Python"),
        ("raise SystemExit(0)", "SystemExit"),
        ("import os; os._exit(0)", "exit status 0"),
    ],
    ids=["syntax", "import", "name", "expression", "missing", "null", "nested", "exit", "_exit"],
)
def test_broken_files(submit, source, says):
    report = submit(source, exercise="double")
    assert states(report) == {"double": State.BROKEN}
    assert report.exit_code == 5
    assert says in report.text()


def test_a_file_that_does_not_exist(lesson, tmp_path, worker):
    for path in (tmp_path / "nothing.py", tmp_path):
        report = check(lesson, path, worker=worker)
        assert report.exit_code == 2
        assert str(path) in report.text()
        assert "nanograd start" in report.text()
    (tmp_path / "latin.py").write_bytes(b"x = '\xe9'")
    assert "UTF-8" in check(lesson, tmp_path / "latin.py", worker=worker).text()
    (tmp_path / "bad.ipynb").write_text("{}")
    assert check(lesson, tmp_path / "bad.ipynb", worker=worker).exit_code == 2


def test_a_notebook_is_graded(lesson, submit):
    assert set(states(submit(notebook(lesson), name="lesson.ipynb")).values()) == {State.NOT_STARTED}
    solved = json.loads(notebook(lesson))
    for cell in solved["cells"]:
        if "def double" in "".join(cell["source"]):
            text = answered("".join(cell["source"]), "double", "def double(x):\n    return x + x")
            cell["source"] = text.splitlines(keepends=True)
    report = submit(json.dumps(solved), name="lesson.ipynb")
    assert states(report)["double"] is State.PASS, report.text()
    report = submit(json.dumps(solved).replace("return x + x", "return x / 0"), name="lesson.ipynb")
    assert "line 2 of the cell `def double(x):`, in double:  return x / 0" in report.text()
    report = submit(json.dumps(solved).replace("return x + x", "return x +"), name="lesson.ipynb")
    assert "line 2 of the cell `def double(x):`:  return x +" in report.text()


def test_only_the_visible_tests(lesson, tmp_path, worker):
    path = tmp_path / "lesson.py"
    path.write_text(answered(stub_source(lesson), "double", "def double(x):\n    return {2.0: 4.0, 3: 6}.get(x)"))
    assert check(lesson, path, "double", hidden=False, worker=worker).exit_code == 0
    assert check(lesson, path, "double", worker=worker).exit_code == 1


def test_the_seed_decides_the_random_inputs(lesson, tmp_path, worker):
    path = tmp_path / "lesson.py"
    path.write_text(answered(stub_source(lesson), "double", "def double(x):\n    return 0 * x"))
    texts = [
        check(lesson, path, "double", seed=seed, worker=worker).to_json()["exercises"][0]["tests"] for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_what_stands_beside_the_file_changes_nothing(lesson, submit, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("conftest.py", "sitecustomize.py", "numpy.py", "usercustomize.py", "itertools.py", "pytest.py"):
        (mine / name).write_text("raise RuntimeError('this must not be imported')\n")
    (mine / "pytest.ini").write_text("[pytest]\naddopts = --collect-only\n")
    (mine / "test_lesson.py").write_text("def test_two(): pass\n")
    wrong = submit(double="def double(x):\n    return 3 * x")
    assert states(wrong)["double"] is State.FAIL
    assert states(submit(lesson.source)) == {"double": State.PASS, "running": State.PASS, "off": State.PASS}


def test_the_environment_changes_nothing(lesson, submit, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "nothing_of_that_name")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numpy.py").write_text("raise RuntimeError\n")
    assert states(submit(double="def double(x):\n    return 3 * x"))["double"] is State.FAIL
    assert os.environ["PYTEST_ADDOPTS"] == "--collect-only"
    assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ


def test_the_judge_leaves_this_process_as_it_was(lesson, submit, capfd):
    modules = {name for name in sys.modules if "lesson" in name}
    submit(lesson.source)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert "test_lesson" not in sys.modules
    assert {name for name in sys.modules if "lesson" in name} - modules <= {"nanograd_solution_07"}
    assert not (lesson.directory / "__pycache__").exists()


# ---- faults of ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tests", "says"),
    [
        ("import nothing_like_it", "nothing_like_it"),
        ("def test_x(submission):\n    submission.double(1)", "grades no exercise"),
        ("import pytest\n@pytest.mark.exercise('other')\ndef test_x(submission):\n    pass", "no exercise 'other'"),
        ("x = 1", "no test grades"),
        ("import pytest\n@pytest.mark.exercise('double')\ndef test_x(nothing):\n    pass", "nothing"),
        ("import pytest\n@pytest.mark.exercise('double')\ndef test_x(submission):\n    1 / 0", "division by zero"),
        (
            "import pytest\n@pytest.mark.exercise('double')\ndef test_x(reference):\n    reference.double('a', 1)",
            "TypeError",
        ),
    ],
)
def test_faults_of_the_tests_are_errors_of_ours(tmp_path, worker, tests, says):
    lesson = write(tmp_path / "08_faulty", tests=tests)
    report = check(lesson, lesson.path, "double", worker=worker)
    assert states(report) == {"double": State.ERROR}
    assert report.exit_code == 7
    assert says in report.text(trace=True)


def test_a_test_that_needs_what_is_missing_is_skipped(tmp_path, worker):
    skip = "import pytest\n@pytest.mark.exercise('double')\ndef test_x(submission):\n    pytest.skip('no GPU')\n"
    lesson = write(tmp_path / "08_skips", tests=skip)
    report = check(lesson, lesson.path, "double", worker=worker)
    assert (states(report), report.exit_code) == ({"double": State.SKIPPED}, 8)


# ---- lesson 03 -----------------------------------------------------------------------------------------------------


def test_backward_of_lesson_03_is_judged_across_the_process_boundary(tmp_path, worker):
    lesson, exercise = find("03.backward")
    path = tmp_path / "lesson.py"
    path.write_text(lesson.source)
    report = check(lesson, path, exercise.name, worker=worker)
    assert report.exit_code == 0, report.text()
    assert report.exercises[0].points == exercise.points
    path.write_text(lesson.source.replace(".grad += ", ".grad = "))
    assert path.read_text() != lesson.source
    report = check(lesson, path, exercise.name, worker=worker)
    assert states(report) == {"backward": State.FAIL}
    assert report.exercises[0].likely is not None


# ---- plain pytest --------------------------------------------------------------------------------------------------


def plain_pytest(directory):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--strict-markers",
        str(directory),
    ]
    root = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=directory, check=False)


def test_plain_pytest_in_a_learners_directory(tmp_path):
    lesson, _ = find("02")
    mine = tmp_path / lesson.name
    mine.mkdir()
    (mine / "test_lesson.py").write_text(visible_tests(lesson))
    (mine / "lesson.py").write_text(lesson.source)
    ended = plain_pytest(mine)
    assert ended.returncode == 0, ended.stdout
    (mine / "lesson.py").write_text(stub_source(lesson))
    ended = plain_pytest(mine)
    assert ended.returncode == 1
    assert "NotImplementedError: 02.unbroadcast" in ended.stdout
    assert " passed" not in ended.stdout


def test_the_judge_loads_pytest_late_and_numba_never(lesson):
    program = (
        "import pathlib, sys\nimport nanograd.course.judge as judge\nassert 'pytest' not in sys.modules\n"
        "from nanograd.course.lesson import load\nlesson = load(pathlib.Path(sys.argv[1]))\n"
        "assert judge.check(lesson, lesson.path).exit_code == 0\n"
        "assert 'pytest' in sys.modules and 'numba' not in sys.modules"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run([sys.executable, "-c", program, str(lesson.directory)], check=True, env=env)


# ---- comparing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (1.0, 1.1),
        (np.ones(3), np.ones((3, 1))),
        (np.ones(3), np.ones(1)),
        (1.0, np.ones(1)),
        (np.float32(1.001), np.float32(1)),
        (1 + 1e-6, 1.0),
        (2, 3),
        ([1, 2], [1, 2, 3]),
        ([np.ones(2), np.zeros(2)], [np.ones(2), np.ones(2)]),
        ({"a": 1}, {"b": 1}),
        (float("nan"), 0.0),
        (float("inf"), float("-inf")),
        ("a", "b"),
        (None, 0.0),
        (None, np.zeros(0)),
        ([], np.zeros(0)),
        (np.zeros((0, 2)), np.zeros((0, 3))),
    ],
    ids=str,
)
def test_assert_close_refuses(actual, expected):
    with pytest.raises(MismatchError):
        assert_close(actual, expected)
    assert_close(expected, expected)


def test_assert_close_says_where():
    with pytest.raises(
        MismatchError, match=r"first difference at \[1, 0\]: yours 7, expected 3; 1 of 4 differ, by 4 at most"
    ):
        assert_close(np.array([[1, 2], [7, 4]]), np.array([[1, 2], [3, 4]]))
    with pytest.raises(MismatchError, match=r"expected shape \(2,\), got \(3,\) \(at \[1\]\['x'\]\)"):
        assert_close([0, {"x": np.ones(3)}], [0, {"x": np.ones(2)}])
    assert_close(np.float32(1 + 1e-6), 1.0)
    assert_close(float("nan"), np.nan)
    assert_close(1.05, 1.0, rtol=0.1)


def test_values_are_told_in_one_line():
    assert brief(np.zeros((2, 3, 5), np.float32)).endswith("float32 (2, 3, 5)")
    assert len(brief(np.random.default_rng(0).normal(size=(50, 50)))) <= 72
    assert brief([1] * 1000, 20) == "[1, 1, 1, 1, 1, 1..."
    assert "\n" not in brief("a\nb\n" * 3)
