"""The command line as a learner and an author meet it: what it prints, what it writes, how it ends."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nanograd.course.commands import main

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def say(capsys):
    """Run a command; (exit status, standard output, standard error)."""

    def run(*words):
        status = main([str(word) for word in words])
        return (status, *capsys.readouterr())

    return run


@pytest.fixture
def mine(course, tmp_path, monkeypatch, say):
    """A course directory of a learner, entered."""
    monkeypatch.chdir(tmp_path)
    assert say("start", "mine")[0] == 0
    monkeypatch.chdir(tmp_path / "mine")
    return tmp_path / "mine"


def solve(root, wrong=False):
    path = root / "01_first" / "lesson.py"
    text = path.read_text()
    text = text.replace(
        '    # your code here (roughly 2 lines)\n    raise NotImplementedError("01.double")',
        f"    return x {'*' if wrong else '+'} x",
    )
    text = text.replace(
        '        # your code here (roughly 1 line)\n        raise NotImplementedError("01.step")',
        "        self.count += 1",
    )
    path.write_text(text)
    return path


# ---- words that are not understood ---------------------------------------------------------------------------------


def test_help_loads_neither_numba_nor_the_grader():
    """Nor anything else that is heavy, in the code of the commands; NumPy is the library's own import."""
    heavy = ("numba", "pytest", "matplotlib", "tqdm", "nanograd.course.judge", "nanograd.course.lesson")
    program = (
        "import sys\nfrom nanograd.__main__ import main\n"
        "for words in (['--help'], ['check', '--help'], ['--version'], ['course', 'build', '-h']):\n"
        "    assert main(words) == 0, words\n"
        f"sys.exit(' '.join(name for name in {heavy} if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.returncode == 0, done.stderr
    assert "start " in done.stdout
    assert "nanograd 0." in done.stdout


def test_the_commands_themselves_do_not_even_need_numpy():
    program = (
        "import sys, types\nfrom pathlib import Path\n"
        "package = types.ModuleType('nanograd')\n"
        "package.__path__ = [str(Path('nanograd').resolve())]\npackage.__version__ = '0'\n"
        "sys.modules['nanograd'] = package\nfrom nanograd.__main__ import main\n"
        "assert main(['--help']) == 0 and main(['list']) == 0\nassert 'numpy' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["chekc"], "unknown command 'chekc'; there are tour, start, check, .* Did you mean 'check'?"),
        (["course", "biuld"], "unknown command 'biuld'; there are build, verify. Did you mean 'build'?"),
        (["check", "--josn"], "unrecognized arguments: --josn. .* Did you mean '--json'?"),
        (["check", "01", "02"], "unrecognized arguments: 02"),
        (["check", "01", "--all"], "not allowed with"),
        (["check", "--seed", "x"], "expected a whole number of 0 or more, got 'x'"),
        (["check", "--seed=-1"], "expected a whole number of 0 or more, got '-1'"),
        (["run"], "required: script"),
        (["course"], "required: COMMAND"),
        (["watch"], "unknown command 'watch'"),
    ],
)
def test_usage_errors(say, words, message):
    status, out, err = say(*words)
    assert status == 2
    assert out == ""
    assert re.search(message.replace("?", r"\?"), err), err


def test_no_words_show_the_help(say):
    status, out, _ = say()
    assert status == 2
    assert "commands:" in out


@pytest.mark.parametrize("command", ["check", "hint"])
def test_outside_of_a_course_directory(course, say, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    status, _, err = say(command, "01")
    assert status == 2
    assert "is not inside a course directory. Make one with `nanograd start`" in err


@pytest.mark.parametrize("ref", ["x" * 5000, "\0", "..", "/", "-1", "é", "01.", ".double", " "])
def test_names_that_are_nothing_are_no_fault_of_ours(mine, say, ref):
    status, out, err = say("check", ref)
    assert (status, out) == (2, "")
    assert "nanograd" in err


def test_unknown_exercises(mine, say):
    for command in ("check", "hint"):
        status, _, err = say(command, "doubel")
        assert status == 2
        assert "Did you mean 'double'?" in err


# ---- start, list, hint ---------------------------------------------------------------------------------------------


def test_start_says_what_it_did_and_what_is_next(course, say, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = say("start", "my course")
    assert status == 0
    assert f"8 files written to {tmp_path / 'my course'}" in out
    assert "cd 'my course'" in out
    monkeypatch.chdir(tmp_path / "my course" / "01_first")
    solve(tmp_path / "my course")
    status, out, _ = say("start")
    assert status == 0
    assert "is complete" in out
    assert "kept as you left them: 01_first" in out
    assert not (tmp_path / "my course" / "01_first" / "nanograd-course").exists()


def test_start_refuses_what_is_not_ours(course, say, tmp_path):
    (tmp_path / "taken" / "01_first").mkdir(parents=True)
    status, _, err = say("start", tmp_path / "taken")
    assert status == 2
    assert "Nothing was changed" in err


def test_list_shows_everything_that_is_known(mine, say):
    status, out, _ = say("list")
    assert status == 0
    for name in ("First steps", "01.double", "01.step", "01.Restoring", "02.ready"):
        assert name in out
    assert "next: nanograd check 01.double" in out
    say("hint", "double")
    solve(mine)
    say("check", "01")
    line = next(line for line in say("list")[1].splitlines() if "01.double" in line)
    assert line.split() == ["01.double", "PASS", "2", "/", "2", "1", "hint"]
    solve(mine).write_text((mine / "01_first" / "lesson.py").read_text() + "\n# later\n")
    assert "changed since" in next(line for line in say("list")[1].splitlines() if "01.double" in line)


def test_list_outside_of_a_course_directory(course, say, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = say("list")
    assert status == 0
    assert "01.double" in out
    assert "No progress to show" in out


def test_one_more_hint_each_time(mine, say):
    texts = ["What is x + x?", "A product with *two*.", "return x * 2 or so"]
    for number, text in enumerate(texts, 1):
        status, out, _ = say("hint", "double")
        assert status == 0
        assert f"hint {number} of 3" in out
        assert [each for each in texts if each in out] == [text]
    out = say("hint", "01.double")[1]
    assert all(text in out for text in texts)
    assert "That is all there are" in out


def test_the_next_hint_without_a_name_is_for_the_next_unsolved_exercise(mine, say, monkeypatch):
    assert "01.double, hint 1" in say("hint")[1]
    solve(mine)
    say("check", "01")
    assert "01.Restoring has no hints" in say("hint")[1]
    assert "02.ready has no hints: it is given solved" in say("hint", "02")[1]
    monkeypatch.chdir(mine / "02_second")
    say("check")
    status, _, err = say("hint")
    assert status == 2
    assert "lesson 02 is solved" in err


def test_a_damaged_state_is_said_once(mine, say):
    (mine / ".nanograd" / "state.json").write_text("{")
    status, _, err = say("hint", "double")
    assert status == 2
    assert "your lessons are untouched. Run the command again" in err
    assert say("hint", "double")[0] == 0


# ---- check ---------------------------------------------------------------------------------------------------------


def test_check_of_what_is_not_started(mine, say):
    status, out, _ = say("check", "01")
    assert status == 3
    assert out.count("NOT STARTED") == 3
    assert f"next: write double in {Path('01_first', 'lesson.py')}" in out


def test_check_of_right_and_wrong(mine, say):
    solve(mine)
    status, out, _ = say("check", "double")
    assert status == 0
    assert "PASS" in out
    assert "next: write Counter.step" in out
    (mine / "01_first" / "lesson.py").write_bytes((mine / ".nanograd/pristine/01_first/lesson.py").read_bytes())
    solve(mine, wrong=True)
    status, out, _ = say("check", "01.double")
    assert status == 1
    assert "FAIL" in out
    assert "you squared x instead of doubling it" in out
    assert "\033" not in out


def test_check_without_a_name_takes_the_lesson_one_is_in(mine, say, monkeypatch):
    monkeypatch.chdir(mine / "02_second")
    status, out, _ = say("check")
    assert status == 0
    assert out.startswith("02_second: 1 of 1 points  (lesson.py")
    monkeypatch.chdir(mine)
    assert say("check")[1].startswith("01_first: 0 of 6 points")


@pytest.mark.parametrize("ref", ["02_second/", "02_second/lesson.py", "./02_second", "02", "02.ready", "ready"])
def test_a_path_that_a_shell_completed_is_a_lesson(mine, say, ref):
    status, out, _ = say("check", ref)
    assert status == 0
    assert out.startswith("02_second: 1 of 1")


def test_check_all_ends_with_the_worst(mine, say):
    assert say("check", "--all")[0] == 3
    solve(mine, wrong=True)
    status, out, _ = say("check", "--all")
    assert status == 1
    assert "02_second: 1 of 1" in out


def test_check_of_broken_and_missing_files(mine, say):
    path = mine / "01_first" / "lesson.py"
    path.write_text("def double(:\n")
    assert say("check", "01")[0] == 5
    path.unlink()
    status, out, _ = say("check", "01")
    assert status == 2
    assert "does not exist" in out
    (mine / "01_first" / "lesson.ipynb").write_text("{")
    assert "not JSON" in say("check", "01")[1]


@pytest.mark.parametrize(
    ("code", "status"),
    [("import os; os._exit(0)", 5), ("print('PASS')\nraise SystemExit(0)", 5), ("print('PASS')", 1)],
)
def test_no_trick_is_a_pass(mine, say, code, status):
    path = solve(mine, wrong=True)
    path.write_text(path.read_text() + code + "\n")
    found, out, _ = say("check", "01.double")
    assert found == status
    assert "PASS  " not in out


def test_json_is_one_document(mine, say):
    solve(mine, wrong=True)
    status, out, _ = say("check", "--all", "--json")
    document = json.loads(out)
    assert document["exit_code"] == status == 1
    assert [lesson["lesson"] for lesson in document["lessons"]] == ["01_first", "02_second"]
    double = document["lessons"][0]["exercises"][0]
    assert (double["id"], double["state"]) == ("01.double", "FAIL")


def test_the_notebook_is_graded_when_it_was_changed(mine, say):
    path = mine / "01_first" / "lesson.ipynb"
    document = json.loads(path.read_text())
    for cell in document["cells"]:
        source = "".join(cell["source"])
        if "def double" in source:
            cell["source"] = source.replace('raise NotImplementedError("01.double")', "return x + x")
    path.write_text(json.dumps(document))
    status, out, _ = say("check", "double")
    assert status == 0
    assert "grading lesson.ipynb: lesson.py is as it was given" in out
    assert "note" not in json.loads(say("check", "double", "--json")[1])


def test_a_fault_of_ours_is_said_to_be_ours(mine, say, monkeypatch):
    from nanograd.course import judge

    monkeypatch.setattr(judge, "check", lambda *_, **__: 1 / 0)
    status, _, err = say("check", "double")
    assert status == 7
    assert "ZeroDivisionError" in err
    assert "This is a fault of nanograd" in err
    assert "Traceback" not in err
    assert "Traceback" in say("check", "double", "--trace")[2]


def test_an_interrupt_is_no_traceback(mine, say, monkeypatch):
    from nanograd.course import judge

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(judge, "check", interrupt)
    status, _, err = say("check", "double")
    assert status == 130
    assert "interrupted" in err


def test_color_needs_a_terminal(mine, say, monkeypatch):
    solve(mine)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert "\033[32m" in say("check", "double")[1]
    assert "\033" not in say("check", "double", "--no-color")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in say("check", "double")[1]


# ---- for authors ---------------------------------------------------------------------------------------------------


def test_build_and_its_check(course, say):
    status, out, _ = say("course", "build", "--check")
    assert status == 0
    assert "8 files" in out
    changed = course / "exercises" / "01_first" / "README.md"
    changed.write_text("old")
    status, out, _ = say("course", "build", "--check")
    assert status == 1
    assert f"differs: {changed}" in out
    assert changed.read_text() == "old"
    assert say("course", "build")[0] == 0
    assert say("course", "build", "--check")[0] == 0


def test_build_of_an_unsound_lesson_names_file_and_line(course, say):
    path = course / "solutions" / "01_first" / "lesson.py"
    path.write_text(path.read_text() + "\n# BEGIN SOLUTION\n")
    line = path.read_text().count("\n")
    status, _, err = say("course", "build")
    assert status == 1
    assert err.startswith(f"{path}:{line}: ")


def test_exercises_are_what_the_lessons_say():
    command = [sys.executable, "-m", "nanograd", "course", "build", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- programs ------------------------------------------------------------------------------------------------------

SCRIPT = """
import sys
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader
import nanograd
assert torch is nanograd and torch.nn is nanograd.nn and nn is nanograd.nn
assert F is nanograd.nn.functional and DataLoader is nanograd.utils.data.DataLoader
x = torch.tensor([1.0, 2.0], requires_grad=True)
(x * x).sum().backward()
print(x.grad, __name__, sys.argv[1:], __file__)
"""


def outside(tmp_path, script, *words, entry=("run",)):
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, "-m", "nanograd", *entry, "script.py", *words]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)


@pytest.mark.parametrize("entry", [("run",), ()])
def test_an_unmodified_script_of_torch_runs(tmp_path, entry):
    done = outside(tmp_path, SCRIPT, "--lr", "1", entry=entry)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"tensor([2., 4.]) __main__ ['--lr', '1'] {tmp_path / 'script.py'}\n"


def test_a_script_finds_what_is_beside_it(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "beside.py").write_text("x = 3\n")
    (tmp_path / "there" / "own.py").write_text("import beside\nprint(beside.x)\n")
    script = "import runpy, sys\nfrom nanograd.__main__ import main\nsys.exit(main(['there/own.py']))"
    assert outside(tmp_path, script).stdout == "3\n"


@pytest.mark.parametrize(
    ("script", "status", "error"),
    [
        ("raise SystemExit(5)", 5, ""),
        ("import sys; sys.exit('no data')", 1, "no data\n"),
        ("import sys; sys.exit()", 0, ""),
        ("import torch.jit", 1, "ModuleNotFoundError: torch.jit: nanograd runs Python as it is"),
        ("import torch\ntorch.nosuchname", 1, "AttributeError: module 'nanograd' has no attribute 'nosuchname'"),
        ("x = (", 1, "SyntaxError"),
    ],
)
def test_how_a_script_ends(tmp_path, script, status, error):
    done = outside(tmp_path, script)
    assert done.returncode == status
    assert error in done.stderr
    assert "nanograd/script.py" not in done.stderr
    assert "nanograd/__main__.py" not in done.stderr
    assert "runpy" not in done.stderr


def test_a_traceback_starts_in_the_script(tmp_path):
    done = outside(tmp_path, "def f():\n    return 1 / 0\n\nf()\n")
    assert done.returncode == 1
    assert done.stderr.splitlines()[:2] == [
        "Traceback (most recent call last):",
        f'  File "{tmp_path / "script.py"}", line 4, in <module>',
    ]


def test_torch_is_given_back_after_a_script(tmp_path, say, capsys):
    before = {name for name in sys.modules if name.partition(".")[0] in ("torch", "torchvision")}
    (tmp_path / "script.py").write_text("import torch\nassert torch.__name__ == 'nanograd'\n")
    argv, path = sys.argv[:], sys.path[:]
    assert say("run", tmp_path / "script.py")[0] == 0
    assert {name for name in sys.modules if name.partition(".")[0] in ("torch", "torchvision")} == before
    assert (sys.argv, sys.path) == (argv, path)


def test_a_script_that_does_not_exist(say):
    status, _, err = say("run", "nosuch.py")
    assert status == 2
    assert "no file 'nosuch.py'" in err


def test_an_example_that_does_not_exist(say):
    status, _, err = say("train", "nosuch")
    assert status == 2
    assert "no example 'nosuch'" in err
    assert say("train")[0] == 2
