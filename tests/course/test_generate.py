"""What is made from a lesson: nothing given is lost, nothing sealed is shown, and the result is well-formed."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanograd.course.build import build, outputs
from nanograd.course.generate import check_leaks, lesson_page, readme, stub_source, visible_tests
from nanograd.course.lesson import LessonError, lessons, load
from nanograd.course.workspace import WorkspaceError

CONFIGURATION = Path(__file__).parents[2] / "pyproject.toml"


@pytest.fixture
def first(course):
    return load(course / "solutions" / "01_first")


# ---- the stub ------------------------------------------------------------------------------------------------------

STUB = '''# %% [markdown]
# # First steps
#
# Prose with $x^2$ and `code`.

# %%
from math import fsum

# %% [markdown] Doubling
# ## Doubling
#
# <!-- draw: nanograd.Scalar(2) * 3 -->


# %%
def given(x: float) -> float:
    """A helper that is given."""
    return fsum([x, 1.0])


def double(x: float) -> float:
    """Twice x.

    >>> double(4.0)
    8.0
    """
    # your code here (roughly 2 lines)
    raise NotImplementedError("01.double")


# %%
class Counter:
    """Counts."""

    def __init__(self) -> None:
        self.count = 0

    def step(self) -> None:
        """One more."""
        # your code here (roughly 1 line)
        raise NotImplementedError("01.step")


class Restoring:
    """Puts a value back."""

    def __enter__(self) -> str:
        # your code here (roughly 2 lines)
        raise NotImplementedError("01.Restoring")

    def __exit__(self, *error: object) -> None:
        # your code here (roughly 1 line)
        raise NotImplementedError("01.Restoring")


# %%
if __name__ == "__main__":
    print(double(given(20.0)))
'''


def test_the_stub_is_the_source_without_what_is_sealed(first):
    assert stub_source(first) == STUB


def test_an_exercise_that_is_given_solved_keeps_its_body(course):
    stub = stub_source(load(course / "solutions" / "02_second"))
    assert "return x + 1" in stub
    assert "exercise" not in stub


def test_imports_that_a_learner_needs_stay(first, tmp_path):
    source = first.source.replace(
        "import itertools\n",
        "from __future__ import annotations\n\nimport itertools\nimport os.path as never_used\nimport fractions\n",
    )
    source = source.replace("-> str:", '-> "fractions.Fraction":').replace(">>> double(4.0)", ">>> double(prod([4.0]))")
    directory = tmp_path / "01_first"
    directory.mkdir()
    (directory / "lesson.py").write_text(source)
    stub = stub_source(load(directory))
    assert "from __future__ import annotations" in stub
    assert "import os.path as never_used" in stub  # nobody's: not ours to judge
    assert "import fractions" in stub  # in an annotation in quotes
    assert "from math import fsum, prod" in stub  # in an example of a docstring
    assert "import itertools" not in stub


def test_no_gap_is_left_where_an_import_was(tmp_path):
    directory = tmp_path / "01_gap"
    directory.mkdir()
    source = (
        "# %% [markdown]\n# # Gap\n\n# %%\nimport math\n\nimport numpy\n\nfrom nanograd.course import exercise\n\n\n"
    )
    source += '@exercise("f")\ndef f():\n    # BEGIN SOLUTION\n    return math.pi\n    # END SOLUTION\n'
    (directory / "lesson.py").write_text(source)
    assert "\n\n# %%\nimport numpy\n\n\ndef f():\n" in stub_source(load(directory))


def test_a_long_import_is_wrapped(tmp_path):
    names = [f"name_number_{i:03}" for i in range(12)]
    directory = tmp_path / "01_long"
    directory.mkdir()
    used = " + ".join(names[1:])
    source = (
        "# %% [markdown]\n# # Long\n\n# %%\nfrom here import (  # noqa\n"
        + "".join(f"    {name},\n" for name in names)
        + ")\nfrom nanograd.course import exercise\n\n\n"
        + f'@exercise("f")\ndef f():\n    # BEGIN SOLUTION\n    return {names[0]}\n    # END SOLUTION\n\n\n'
        + f"def g():\n    return (\n        {used}\n    )\n"
    )
    (directory / "lesson.py").write_text(source)
    stub = stub_source(load(directory))
    imported = next(node for node in ast.parse(stub).body if isinstance(node, ast.ImportFrom))
    assert [alias.name for alias in imported.names] == names[1:]
    assert max(map(len, stub.split("def g")[0].splitlines())) <= 120


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), unique=True, min_size=1),
    st.sets(st.sampled_from(["alpha", "beta", "gamma", "delta"])),
    st.sets(st.sampled_from(["alpha", "beta", "gamma", "delta"])),
    st.booleans(),
)
def test_an_import_goes_exactly_if_only_solutions_used_it(tmp_path_factory, imported, in_solution, in_given, together):
    """For any use of any imports: gone = used in a solution and nowhere else."""
    lines = [f"from m import {', '.join(imported)}"] if together else [f"import {name}" for name in imported]
    text = "# %% [markdown]\n# # T\n\n# %%\n" + "\n".join(lines) + "\nfrom nanograd.course import exercise\n\n\n"
    text += f"def given():\n    return {[*in_given]!r}, {', '.join(sorted(in_given)) or None}\n\n\n".replace("'", "")
    text += '@exercise("f")\ndef f():\n    # BEGIN SOLUTION\n'
    text += f"    secret = 1, {', '.join(sorted(in_solution)) or None}\n    return secret\n    # END SOLUTION\n"
    directory = tmp_path_factory.mktemp("imports") / "01_t"
    directory.mkdir()
    (directory / "lesson.py").write_text(text)
    tree = ast.parse(stub_source(load(directory)))
    left = {a.name for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom) for a in node.names}
    assert left == set(imported) - (in_solution - in_given)


# ---- the visible tests ---------------------------------------------------------------------------------------------


def test_hidden_tests_go_with_everything_only_they_used(first):
    text = visible_tests(first)
    names = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
    assert names == {"shared", "stepping", "test_double", "test_step"}
    for word in ("hidden", "math", "random", "LARGE", "only_hidden", "deeper", "Nobody may read this", "What follows"):
        assert word not in text, word
    assert "from nanograd.course import scenario" in text
    assert "import pytest" in text
    assert "\n\n\n\n" not in text


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_helper_goes_exactly_if_only_hidden_tests_lead_to_it(tmp_path_factory, data):
    """For any helpers that call one another, in circles too: the visible tests keep all they need and nothing more."""
    helpers = [f"h{i}" for i in range(data.draw(st.integers(1, 5)))]
    some = st.sets(st.sampled_from(helpers))
    calls = {name: data.draw(some) for name in helpers}
    tests = {f"test_{i}": (data.draw(some), data.draw(st.booleans())) for i in range(data.draw(st.integers(1, 4)))}
    text = "import pytest\n"
    for name, called in calls.items():
        text += f"\n\ndef {name}():\n    return {', '.join(f'{each}()' for each in sorted(called)) or None}\n"
    for name, (called, hidden) in tests.items():
        mark = "@pytest.mark.hidden\n" if hidden else ""
        text += f"\n\n{mark}def {name}():\n    assert {' or '.join(f'{each}()' for each in sorted(called)) or None}\n"

    def reached(names):
        while (more := names.union(*(calls[name] for name in names))) != names:
            names = more
        return names

    sealed = reached(set().union(*(called for called, hidden in tests.values() if hidden)))
    shown = reached(set().union(*(called for called, hidden in tests.values() if not hidden)))
    unused = reached(set(helpers) - sealed)
    directory = tmp_path_factory.mktemp("tests") / "01_t"
    directory.mkdir()
    (directory / "lesson.py").write_text(
        '# %% [markdown]\n# # T\n\n# %%\n@exercise("f")\ndef f():\n    # BEGIN SOLUTION\n    x\n    # END SOLUTION\n'
    )
    (directory / "test_lesson.py").write_text(text)
    tree = ast.parse(visible_tests(load(directory)))
    left = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert left == {name for name, (_, hidden) in tests.items() if not hidden} | shown | unused


@pytest.mark.parametrize(
    "line",
    [
        "pytestmark = pytest.mark.hidden",
        '@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.hidden)])\ndef test_x(submission, x): ...',
        "class TestAll:\n    @pytest.mark.hidden\n    def test_x(self, submission): ...",
    ],
)
def test_a_hidden_mark_that_cannot_be_taken_out_is_refused(first, line):
    path = first.directory / "test_lesson.py"
    path.write_text("import pytest\n\n\n" + line + "\n")
    if line.startswith("@"):
        assert "test_x" not in visible_tests(first)  # hidden as a whole: more than was asked, never less
        return
    with pytest.raises(LessonError, match=r"test_lesson\.py:[45]: a hidden mark here"):
        visible_tests(first)


def test_a_lesson_without_tests_is_refused(first):
    (first.directory / "test_lesson.py").unlink()
    with pytest.raises(LessonError, match=r"test_lesson\.py:1: no such file"):
        visible_tests(first)


def test_tests_that_are_not_python_are_refused(first):
    (first.directory / "test_lesson.py").write_text("def test(:\n")
    with pytest.raises(LessonError, match=r"test_lesson\.py:1: not Python"):
        visible_tests(first)


# ---- prose ---------------------------------------------------------------------------------------------------------


def test_the_page_has_prose_stub_hints_and_the_command(first):
    page = lesson_page(first)
    assert page.startswith("# First steps\n\n> 3 exercises, 6 points.")
    assert "Prose with $x^2$ and `code`." in page
    assert "<!-- draw: nanograd.Scalar(2) * 3 -->" in page
    assert '    raise NotImplementedError("01.double")' in page
    assert "**Check it:** `nanograd check 01.double` (2 points, roughly 2 lines)." in page
    assert '??? tip "Hint 2"\n\n    A product with \\*two\\*.\n' in page
    assert page.count("??? tip") == 4
    assert page.count("```") % 2 == 0


def test_the_readme_has_no_hints(first):
    text = readme(first)
    assert "??? tip" not in text
    assert "What is x + x?" not in text
    assert "## Doubling" in text


def test_code_that_holds_a_fence_is_fenced_by_a_longer_one(course):
    path = course / "solutions" / "02_second" / "lesson.py"
    path.write_text(path.read_text().replace("Is given.", "Is ```given```."))
    assert "````python\n" in readme(load(path.parent))


# ---- nothing leaks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fine\n    # BEGIN SOLUTION\n", r"lesson\.py:2: stray marker"),
        ("### END SOLUTION", "stray marker"),
        ('@exercise("double")', "stray marker"),
        ("@pytest.mark.hidden", "stray marker"),
        ("a\nb\n        factor = prod([1, 2])\n", r"lesson\.py:3: solution line"),
        ("def test_double_large(submission):", "'test_double_large' is sealed"),
        ("you squared x instead of doubling it", "is sealed"),
    ],
)
def test_leaks_are_found(first, text, message):
    with pytest.raises(LessonError, match=message):
        check_leaks(first, {"lesson.py": text})


def test_a_leak_in_a_notebook_is_found(first):
    files = outputs(first)
    leaking = files["lesson.ipynb"].replace("# your code here (roughly 2 lines)", "factor = prod([1, 2])", 1)
    assert leaking != files["lesson.ipynb"]
    with pytest.raises(LessonError, match="solution line"):
        check_leaks(first, {"lesson.ipynb": leaking})


def test_a_solution_line_in_the_visible_tests_fails_the_build(first):
    path = first.directory / "test_lesson.py"
    path.write_text(path.read_text().replace("return x\n", "factor = prod([1, 2])\n    return x\n", 1))
    with pytest.raises(LessonError, match=r"exercises/01_first/test_lesson\.py:\d+: solution line"):
        outputs(first)


# ---- exercises/ ----------------------------------------------------------------------------------------------------


def contents(directory):
    return {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_second_build_changes_nothing(course):
    before = contents(course / "exercises")
    assert len(before) == 8
    times = {path: path.stat().st_mtime_ns for path in (course / "exercises").rglob("*")}
    assert build().differing == ()
    assert contents(course / "exercises") == before
    assert {path: path.stat().st_mtime_ns for path in (course / "exercises").rglob("*")} == times


def test_check_finds_what_differs_and_writes_nothing(course):
    changed = course / "exercises" / "01_first" / "lesson.py"
    changed.write_text("broken\n")
    missing = course / "exercises" / "02_second" / "README.md"
    missing.unlink()
    stale = course / "exercises" / "09_gone" / "lesson.py"
    stale.parent.mkdir()
    stale.write_text("old\n")
    before = contents(course / "exercises")
    found = build(check=True)
    assert set(found.differing) == {changed, missing}
    assert found.stale == (stale,)
    assert contents(course / "exercises") == before
    build()
    assert changed.read_text() == STUB
    assert missing.is_file()
    assert not stale.parent.exists()


def test_an_installed_package_is_not_built_into(course, monkeypatch):
    installed = course / "solutions"
    installed.rename(course / "_solutions")
    monkeypatch.setattr("nanograd.course.build.solutions_directory", lambda: course / "_solutions")
    with pytest.raises(WorkspaceError, match=r"is part of an installed package\. Build in a checkout"):
        build()
    assert sorted(path.name for path in course.iterdir()) == ["_solutions", "exercises"]


def test_an_unsound_lesson_writes_nothing(course):
    source = course / "solutions" / "02_second" / "lesson.py"
    source.write_text(source.read_text() + "# BEGIN SOLUTION\n")
    other = course / "solutions" / "01_first" / "lesson.py"
    other.write_text(other.read_text().replace("First steps", "Other"))
    before = contents(course / "exercises")
    with pytest.raises(LessonError, match=r"02_second/lesson\.py:\d+: "):
        build()
    assert contents(course / "exercises") == before


# ---- the lessons of this course ------------------------------------------------------------------------------------


def test_every_lesson_of_the_course_is_sound():
    for lesson in lessons():
        outputs(lesson)
        lesson_page(lesson)
        for exercise in lesson.exercises:
            assert exercise.solved or len(exercise.hints) == 3, exercise.id
            assert exercise.docstring, exercise.id


def test_stubs_have_the_signatures_and_docstrings_of_the_solutions():
    for lesson in lessons():
        stub, source = ast.parse(stub_source(lesson)), ast.parse(lesson.source)
        assert definitions(stub) == definitions(source)


def definitions(tree):
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)]
    return [
        (node.name, ast.unparse(node.args), ast.unparse(node.returns), ast.get_docstring(node)) for node in functions
    ]


@pytest.mark.parametrize("which", ["this course", "a small course"])
def test_generated_python_is_formatted(which, request, tmp_path):
    if which == "a small course":
        request.getfixturevalue("course")
    ruff = shutil.which("ruff") or shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff is None:
        pytest.skip("ruff is not installed: it belongs to the extra [dev]")
    for lesson in lessons():
        for name, text in outputs(lesson).items():
            if name.endswith(".py"):
                (tmp_path / f"{lesson.name}_{name}").write_text(text)
    command = [ruff, "format", "--diff", "--no-cache", "--config", str(CONFIGURATION), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
