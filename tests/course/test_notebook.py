"""Notebooks: valid nbformat 4.5 on every build, and read back as Python whatever stands in the file."""

import ast
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanograd.course.generate import exercises_in, stub_source
from nanograd.course.lesson import lessons, load, solutions_directory
from nanograd.course.notebook import NotebookError, notebook, source_of_notebook
from nanograd.course.workspace import Workspace


def written(tmp_path, cells, **other):
    path = tmp_path / "lesson.ipynb"
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **other}
    path.write_text(json.dumps(document))
    return path


def code(source):
    return {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": source}


def code_of(source):
    """What a module does, without its comments, its layout and the import that a cell needs to run a check."""
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if ast.unparse(node) != "import sys"]
    return ast.dump(tree)


# ---- writing -------------------------------------------------------------------------------------------------------


def every_lesson(course):
    return [load(course / "solutions" / name) for name in ("01_first", "02_second")]


def test_notebooks_are_valid(course):
    for lesson in every_lesson(course):
        nbformat.validate(nbformat.reads(notebook(lesson), as_version=4))


def test_the_notebooks_of_this_course_are_valid_and_are_their_stubs(tmp_path):
    for lesson in lessons():
        text = notebook(lesson)
        nbformat.validate(nbformat.reads(text, as_version=4))
        (tmp_path / "lesson.ipynb").write_text(text)
        assert code_of(source_of_notebook(tmp_path / "lesson.ipynb")) == code_of(stub_source(lesson))


def test_the_file_is_written_in_one_way(course):
    text = notebook(every_lesson(course)[0])
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert "\r" not in text
    assert all(cell.get("outputs", []) == [] for cell in json.loads(text)["cells"])
    assert json.loads(text)["metadata"]["kernelspec"]["name"] == "python3"


def test_cell_ids_are_unique_and_stay_when_a_cell_is_added(course):
    lesson = every_lesson(course)[0]
    before = [cell["id"] for cell in json.loads(notebook(lesson))["cells"]]
    assert len(set(before)) == len(before)
    lesson.path.write_text(lesson.source.replace("# %% [markdown] Doubling", "# %%\nx = 1\n\n# %% [markdown] Doubling"))
    after = [cell["id"] for cell in json.loads(notebook(load(lesson.directory)))["cells"]]
    assert [name for name in after if name in before] == before
    assert len(after) == len(before) + 1


def test_equal_cells_have_ids_of_their_own(course):
    lesson = every_lesson(course)[1]
    lesson.path.write_text(lesson.source + "\n\n# %%\nx = 1\n\n# %%\nx = 1\n")
    text = notebook(load(lesson.directory))
    nbformat.validate(nbformat.reads(text, as_version=4))
    ids = [cell["id"] for cell in json.loads(text)["cells"]]
    assert len(set(ids)) == len(ids)


def test_cells_of_exercises_are_nbgraders(course):
    """What nbgrader's metadata schema 3 (nbgrader/nbgraderformat/v3.json) allows; it rejects any other key."""
    lesson = every_lesson(course)[0]
    cells = json.loads(notebook(lesson))["cells"]
    answers = [cell for cell in cells if "nbgrader" in cell["metadata"]]
    assert len(answers) == sum(bool(exercises_in(lesson, cell)) for cell in lesson.cells)
    for cell in answers:
        given = cell["metadata"]["nbgrader"]
        assert set(given) == {"cell_type", "grade", "grade_id", "locked", "schema_version", "solution", "task"}
        assert (given["grade"], given["solution"], given["locked"], given["schema_version"]) == (False, True, False, 3)
        assert set(given["grade_id"]) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert len({cell["metadata"]["nbgrader"]["grade_id"] for cell in answers}) == len(answers)
    checks = [cell["source"][-1] for cell in cells if "check" in cell["metadata"].get("nanograd", {})]
    start = '!"{sys.executable}" -m nanograd check '
    assert checks == [start + "01.double", start + "01.step", start + "01.Restoring"]


# ---- reading -------------------------------------------------------------------------------------------------------


def test_a_notebook_reads_back_as_its_stub(course):
    for lesson in every_lesson(course):
        path = course / "exercises" / lesson.name / "lesson.ipynb"
        assert code_of(source_of_notebook(path)) == code_of(stub_source(lesson))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("x = 1", "x = 1"),
        ("%matplotlib inline\nx = 1", "x = 1"),
        ("!pip list\nx = 1", "x = 1"),
        ("files = !ls\nx = 1", "x = 1"),
        ("t = %timeit -o f()\nx = 1", "x = 1"),
        ("f?\nx = 1", "x = 1"),
        ("?f\nx = 1", "x = 1"),
        ("if y:\n    %time f()\nx = 1", "if y:\n    pass\nx = 1"),
        ("%%time\nx = 1", "x = 1"),
        ("%%bash\nls\nrm x", ""),
        ("%%html\n<b>", ""),
        ("!ls", ""),
        ("x = (a\n     % b)", "x = (a % b)"),
        ("x = (a\n     % b)\n%time f()", "x = (a % b)"),
        ("x = '''\n%time\n!ls\n'''\n!ls", "x = '''\n%time\n!ls\n'''"),
        ("x = a \\\n  % b\n!ls", "x = a % b"),
        ("x = 1 # what?\n!ls", "x = 1"),
        ("if (x == 1\n    !=\n    y):\n    pass\n%time x", "if x == 1 != y:\n    pass"),
    ],
)
def test_what_only_ipython_understands_is_left_out(tmp_path, cell, expected):
    assert code_of(source_of_notebook(written(tmp_path, [code(cell)]))) == code_of(expected)


def test_lines_keep_their_numbers_and_cells_their_order(tmp_path):
    path = written(
        tmp_path, [code(["%time f()\n", "x = 1"]), {"cell_type": "markdown", "source": "*"}, code("y = 2\n")]
    )
    assert source_of_notebook(path) == "# %%\n# %time f()\nx = 1\n\n\n# %%\ny = 2\n"


def test_broken_python_is_passed_on_as_it_is(tmp_path):
    source = source_of_notebook(written(tmp_path, [code("def f(:\n    return 1")]))
    with pytest.raises(SyntaxError):
        ast.parse(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"print('PASS')", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"null", "not a notebook"),
        (b"[]", "not a notebook"),
        (b"{}", "not a notebook"),
        (b'{"cells": {}, "nbformat": 4}', "not a notebook"),
        (b'{"worksheets": [], "nbformat": 3}', "not a notebook of format 4"),
        (b'{"cells": [1], "nbformat": 4}', "cell 1 has no type"),
        (b'{"cells": [{"cell_type": 1}], "nbformat": 4}', "cell 1 has no type"),
        (b'{"cells": [{"cell_type": "code"}], "nbformat": 4}', "cell 1: its source is not text"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}], "nbformat": 4}', "its source is not text"),
        (b'{"cells": [{"cell_type": "code", "source": "\\ud800"}], "nbformat": 4}', "characters that no Python"),
        (b'{"cells": [{"cell_type": "code", "source": "\\u0000"}], "nbformat": 4}', "characters that no Python"),
    ],
)
def test_files_that_are_no_notebooks(tmp_path, content, message):
    path = tmp_path / "lesson.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match=message) as caught:
        source_of_notebook(path)
    assert str(path) in str(caught.value)


def test_a_missing_and_an_enormous_notebook(tmp_path):
    with pytest.raises(NotebookError, match="cannot be read"):
        source_of_notebook(tmp_path / "lesson.ipynb")
    with pytest.raises(NotebookError, match="cannot be read"):
        source_of_notebook(tmp_path)
    with (tmp_path / "lesson.ipynb").open("wb") as file:
        file.truncate(17 * 2**20)
    with pytest.raises(NotebookError, match="larger than 16 MiB"):
        source_of_notebook(tmp_path / "lesson.ipynb")


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["code", "markdown", "%", "!"]),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["cell_type", "source", "cells"]) | st.text(), inner)
    ),
    max_leaves=10,
)


@settings(max_examples=150, deadline=None)
@given(anything)
def test_no_json_is_more_than_a_clear_error(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("nb") / "lesson.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}))
    with contextlib.suppress(NotebookError):
        assert isinstance(source_of_notebook(path), str)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet="ab =()'\"\n%!?\\#\t:"), max_size=4))
def test_valid_python_is_never_changed(tmp_path_factory, sources):
    """A cell that Python can read is taken as it is, whatever it looks like; any other is at least returned."""
    path = tmp_path_factory.mktemp("nb") / "lesson.ipynb"
    path.write_text(json.dumps({"cells": [code(source) for source in sources], "nbformat": 4}))
    text = source_of_notebook(path)
    for source in sources:
        try:
            ast.parse(source.strip("\n"))
        except (SyntaxError, ValueError):
            return
        if any(line.strip() and not line.startswith("#") for line in source.splitlines()):
            assert f"# %%\n{source.strip(chr(10))}\n" in text


def test_a_notebook_runs_in_jupyter_and_checks_itself(tmp_path):
    """The solved lesson 00, executed in a kernel: its last cells grade it and draw its graph."""
    pytest.importorskip("ipykernel", reason="no kernel: it belongs to the extra [test]")
    program = (
        "import nbformat, sys\nfrom nbclient import NotebookClient\nfrom nanograd.__main__ import main\n"
        "assert main(['start', 'mine']) == 0\npath = 'mine/00_tour/lesson.ipynb'\n"
        "notebook = nbformat.read(path, as_version=4)\n"
        "NotebookClient(notebook, timeout=120, resources={'metadata': {'path': 'mine/00_tour'}}).execute()\n"
        "nbformat.write(notebook, path)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "mine" / "00_tour" / "lesson.ipynb"
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    said = ["".join("".join(output.get("text", "")) for output in cell["outputs"]) for cell in cells]
    check = next(
        text for cell, text in zip(cells, said, strict=True) if "check" in cell["metadata"].get("nanograd", {})
    )
    assert "PASS" in check
    assert "prediction" in said[-1]
    lesson = load(solutions_directory() / "00_tour")
    assert Workspace(tmp_path / "mine").chosen(lesson).path.name == "lesson.py"  # running it is no change
