"""A learner's directory: nothing in it is lost, whatever is interrupted, damaged or done twice."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanograd.course import workspace
from nanograd.course.lesson import lessons, load
from nanograd.course.workspace import Result, State, Workspace, WorkspaceError, start, write_atomically

FILES = ("lesson.py", "lesson.ipynb", "test_lesson.py", "README.md")


@pytest.fixture
def place(course, tmp_path):
    return start(tmp_path / "mine", "1.0").workspace


def contents(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def whole(root, course):
    """Whether ``root`` has every file of the course."""
    return all(
        (root / name / file).read_bytes() == (course / "exercises" / name / file).read_bytes()
        for name in ("01_first", "02_second")
        for file in FILES
    )


# ---- starting ------------------------------------------------------------------------------------------------------


def test_start_copies_the_exercises_and_no_solution(course, place):
    assert whole(place.root, course)
    assert place.state().complete
    assert place.state().course == "1.0"
    names = set(contents(place.root))
    assert {name for name in names if not name.startswith(".nanograd")} == {
        f"{name}/{file}" for name in ("01_first", "02_second") for file in FILES
    }
    assert not any("unfinished" in name or "wrong_answers" in name for name in names)
    assert not any("SOLUTION" in data.decode() for data in contents(place.root).values())


def test_a_second_start_keeps_what_the_learner_wrote(course, place):
    mine = place.root / "01_first" / "lesson.py"
    mine.write_text("# my work\n")
    own = place.root / "01_first" / "notes.txt"
    own.write_text("notes")
    (place.root / "02_second" / "README.md").unlink()
    again = start(place.root, "2.0")
    assert mine.read_text() == "# my work\n"
    assert own.read_text() == "notes"
    assert again.kept == (mine,)
    assert again.written == (place.root / "02_second" / "README.md",)
    assert again.before == "1.0"


def test_a_lost_file_comes_back_as_it_was_given_then(course, place):
    given = (course / "exercises" / "01_first" / "lesson.py").read_text()
    (course / "exercises" / "01_first" / "lesson.py").write_text("a newer stub\n")
    (place.root / "01_first" / "lesson.py").unlink()
    start(place.root, "2.0")
    assert (place.root / "01_first" / "lesson.py").read_text() == given


def test_what_is_not_ours_is_refused_and_left_alone(course, tmp_path):
    taken = tmp_path / "taken"
    (taken / "01_first").mkdir(parents=True)
    (taken / "01_first" / "lesson.py").write_text("precious\n")
    before = contents(tmp_path)
    with pytest.raises(WorkspaceError, match=r"already has 01_first, .* Nothing was changed\. Choose another"):
        start(taken, "1.0")
    (tmp_path / "file").write_text("a file")
    with pytest.raises(WorkspaceError, match="is a file; expected a directory"):
        start(tmp_path / "file", "1.0")
    assert contents(tmp_path) == before | {"file": b"a file"}


def test_other_things_in_the_directory_do_not_matter(course, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "todo.txt").write_text("learn")
    assert whole(start(tmp_path / "mine", "1.0").workspace.root, course)
    assert (tmp_path / "mine" / "todo.txt").read_text() == "learn"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_directory_that_cannot_be_written(course, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(WorkspaceError, match=r"start: cannot write .*run the same command again"):
        start(tmp_path / "locked" / "mine", "1.0")


def test_a_disk_that_is_full(course, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match=r"cannot write somewhere: No space left on device"):
        start(tmp_path / "mine", "1.0")
    monkeypatch.undo()
    assert not [name for name in contents(tmp_path / "mine") if not name.startswith(".nanograd")]


def test_a_start_interrupted_anywhere_is_completed_by_the_next(course, tmp_path, monkeypatch):
    """Interrupt before every single write and every rename: nothing half written is ever in place."""
    replace, step, mine = Path.replace, 0, "# mine\n"
    while True:
        root, left = tmp_path / f"mine{step}", [step]

        def interrupted(self, target, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", interrupted)
        try:
            start(root, "1.0")
            break
        except KeyboardInterrupt:
            monkeypatch.setattr(Path, "replace", replace)
        for path in root.glob("[0-9]*/*"):
            assert path.read_bytes() == (course / "exercises" / path.relative_to(root)).read_bytes()
        written = root / "01_first" / "lesson.py"
        if written.exists():
            written.write_text(mine)
        start(root, "1.0")
        assert whole(root, course) or written.read_text() == mine
        assert Workspace.find(root / "02_second").state().complete
        assert not list(root.rglob("*unfinished*"))
        step += 1
    assert step > 16


def test_a_killed_start_is_completed_by_the_next(course, tmp_path):
    """The same with SIGKILL, which no handler sees."""
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("this system has no SIGKILL")
    program = textwrap.dedent(f"""
        import os, sys
        from pathlib import Path
        from nanograd.course import workspace
        workspace.exercises_directory = lambda: Path({str(course / "exercises")!r})
        writes, write = [0], workspace.write_atomically
        def killed(path, data, temporary=None):
            writes[0] += 1
            if writes[0] == int(sys.argv[2]):
                Path(temporary or path.parent, ".unfinished-xyz").write_bytes(data[:10])
                os.kill(os.getpid(), 9)
            write(path, data, temporary)
        workspace.write_atomically = killed
        workspace.start(Path(sys.argv[1]), "1.0")
    """)
    for number in (1, 2, 7):
        root = tmp_path / f"killed{number}"
        done = subprocess.run([sys.executable, "-c", program, str(root), str(number)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert whole(start(root, "1.0").workspace.root, course)
        assert not [path for path in (root / "01_first").iterdir() if path.name not in FILES]


def test_an_interrupted_write_leaves_the_former_file(tmp_path, monkeypatch):
    path = tmp_path / "state.json"
    path.write_bytes(b"former")
    for function in ("fsync", "fdopen"):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                write_atomically(path, b"new")
        assert path.read_bytes() == b"former"
        assert list(tmp_path.iterdir()) == [path]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


# ---- finding -------------------------------------------------------------------------------------------------------


def test_the_workspace_is_found_from_inside(place, tmp_path):
    deep = place.root / "01_first" / "pictures"
    deep.mkdir()
    assert Workspace.find(deep).root == place.root
    assert place.current(lessons(), deep).name == "01_first"
    assert place.current(lessons(), place.root) is None
    with pytest.raises(WorkspaceError, match=r"is not inside a course directory\. Make one with `nanograd start`"):
        Workspace.find(tmp_path)


# ---- which file is graded ------------------------------------------------------------------------------------------


def edit(place, lesson, name, after):
    """Change a file as a learner does; ``after`` orders the changes in time."""
    path = place.root / lesson.name / name
    text = path.read_text()
    assert "roughly 2 lines" in text
    path.write_text(text.replace("# your code here (roughly 2 lines)", f"# {after}\\n", 1).replace("\\n", " ", 1))
    if name.endswith(".ipynb"):
        document = json.loads(text)
        next(cell for cell in document["cells"] if "double(" in "".join(cell["source"]))["source"] = f"x = {after}"
        path.write_text(json.dumps(document))
    os.utime(path, ns=(after * 10**9, after * 10**9))
    return path


@pytest.mark.parametrize(
    ("python", "notebook", "expected", "note"),
    [
        (0, 0, "lesson.py", ""),
        (10, 0, "lesson.py", ""),
        (0, 10, "lesson.ipynb", "grading lesson.ipynb: lesson.py is as it was given"),
        (20, 10, "lesson.py", "both lesson.py and lesson.ipynb were changed: grading lesson.py"),
        (10, 20, "lesson.ipynb", "both lesson.py and lesson.ipynb were changed: grading lesson.ipynb"),
        (10, 10, "lesson.py", "both"),
    ],
)
def test_the_file_that_was_changed_last_is_graded(place, python, notebook, expected, note):
    lesson = lessons()[0]
    if python:
        edit(place, lesson, "lesson.py", python)
    if notebook:
        edit(place, lesson, "lesson.ipynb", notebook)
    chosen = place.chosen(lesson)
    assert chosen.path.name == expected
    assert chosen.note.startswith(note)
    assert bool(chosen.note) == bool(note)


def test_running_a_notebook_does_not_change_it(place):
    lesson = lessons()[0]
    path = place.root / lesson.name / "lesson.ipynb"
    document = json.loads(path.read_text())
    for number, cell in enumerate(document["cells"]):
        cell["metadata"]["collapsed"] = False
        if cell["cell_type"] == "code":
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["1\n"]}]
    path.write_text(json.dumps(document))
    assert place.chosen(lesson).path.name == "lesson.py"


def test_a_notebook_that_cannot_be_read_is_not_passed_over(place):
    lesson = lessons()[0]
    (place.root / lesson.name / "lesson.ipynb").write_text("{")
    assert place.chosen(lesson).path.name == "lesson.ipynb"


def test_a_missing_notebook_or_lesson(place):
    lesson = lessons()[0]
    (place.root / lesson.name / "lesson.ipynb").unlink()
    assert place.chosen(lesson).path.name == "lesson.py"
    (place.root / lesson.name / "lesson.py").unlink()
    assert place.chosen(lesson).path.name == "lesson.py"
    assert place.chosen(lesson).digest == ""


def test_lost_pristine_files_are_taken_from_the_package(place):
    lesson = lessons()[0]
    for path in (place.hidden / "pristine" / lesson.name).iterdir():
        path.unlink()
    assert place.chosen(lesson).path.name == "lesson.py"
    edit(place, lesson, "lesson.ipynb", 5)
    assert place.chosen(lesson).note == "grading lesson.ipynb: lesson.py is as it was given"


# ---- state ---------------------------------------------------------------------------------------------------------

names = st.text(max_size=8)
states = st.builds(
    State,
    course=names,
    complete=st.booleans(),
    hints=st.dictionaries(names, st.integers(0, 9)),
    results=st.dictionaries(names, st.builds(Result, names, st.integers(0, 9), st.integers(1, 9), names)),
)


@given(states)
def test_the_state_reads_back(state):
    assert State.from_json(state.to_json()) == state


@settings(max_examples=100, deadline=None)
@given(states, st.integers(0, 2**32))
def test_a_damaged_state_is_recognized_or_read(state, seed):
    """Cut or overwrite any byte: either it still is a state, or a ValueError says so; nothing else."""
    chance = random.Random(seed)
    text = state.to_json()
    at = chance.randrange(len(text))
    damaged = text[:at] if chance.random() < 0.5 else text[:at] + chance.choice('x"{}[]0,') + text[at + 1 :]
    with contextlib.suppress(ValueError):
        assert isinstance(State.from_json(damaged), State)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format": 99}', "[" * 100_000, "\x00", '{"format": 1, "hints": 3}', "\xff"]
)
def test_a_damaged_state_is_set_aside_and_kept(place, text):
    place.state_path.write_text(text)
    with pytest.raises(WorkspaceError, match=r"was damaged .* kept as state\.damaged-.* Run the command again"):
        place.state()
    assert place.state() == State(complete=True)
    assert [path.read_text() for path in place.hidden.glob("state.damaged-*")] == [text]
    start(place.root, "1.0")
    assert place.state().course == "1.0"


def test_lessons_of_this_course_can_be_started(tmp_path):
    assert [path.name for path in sorted(workspace.exercises_directory().iterdir()) if path.is_dir()] == [
        load(lesson.directory).name for lesson in lessons()
    ]
    root = start(tmp_path / "mine", "1.0").workspace.root
    for lesson in lessons():
        assert Workspace(root).chosen(lesson).path == root / lesson.name / "lesson.py"
