"""The lesson model: what is read from a source, and that every unsound source is refused with its line."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nanograd.course import also_right, exercise, scenario, wrong
from nanograd.course.generate import stub_source
from nanograd.course.lesson import LessonError, UnknownLessonError, find, lessons, load


def lesson_of(tmp_path, source, name="07_sample"):
    directory = tmp_path / name
    directory.mkdir(exist_ok=True)
    (directory / "lesson.py").write_bytes(source if isinstance(source, bytes) else source.encode())
    return directory


HEAD = "# %% [markdown]\n# # Sample\n\n# %%\nfrom nanograd.course import exercise\n\n\n"
SOUND = HEAD + '@exercise("f")\ndef f(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n'


# ---- the decorators ------------------------------------------------------------------------------------------------


def test_decorators_give_back_what_they_were_given():
    def f():
        return 1

    for decorator in (exercise("f", points=3), scenario, wrong("f", says="you ..."), also_right("f")):
        assert decorator(f) is f


def test_exercise_without_a_name_says_how_to_write_it():
    with pytest.raises(TypeError, match=r'exercise: expected a name, got function.*@exercise\("name"'):
        exercise(lambda: None)


# ---- what a lesson holds -------------------------------------------------------------------------------------------


def test_every_kind_of_exercise(course):
    lesson = load(course / "solutions" / "01_first")
    assert (lesson.number, lesson.name, lesson.title) == ("01", "01_first", "First steps")
    assert [(each.id, each.qualname) for each in lesson.exercises] == [
        ("01.double", "double"),
        ("01.step", "Counter.step"),
        ("01.Restoring", "Restoring"),
    ]
    double = lesson.exercise("01.double")
    assert double.signature == "double(x: float) -> float"
    assert double.docstring.startswith("Twice x.")
    assert (double.points, double.lines, len(double.hints), double.needs) == (2, 2, 3, ())
    assert double.replaces == "nanograd.kernels.double"
    assert lesson.exercise("step").needs == ("double",)
    assert lesson.exercise("Restoring").signature == "class Restoring"
    assert lesson.points == 6
    assert lesson.source.splitlines()[double.line - 1].startswith("def double")


def test_cells_are_the_whole_source(course):
    for lesson in lessons():
        assert "".join(f"{cell.header}\n{cell.source}" for cell in lesson.cells) == lesson.source
    assert [cell.title for cell in lessons()[0].cells if cell.title] == ["Doubling"]
    assert lessons()[0].cells[0].markdown == "# First steps\n\nProse with $x^2$ and `code`."


@pytest.mark.parametrize(
    ("line", "expected"),
    [("import numpy as np", False), ("import numba", True), ("from numba import njit", True), ("import numbat", False)],
)
def test_whether_it_needs_numba(tmp_path, line, expected):
    assert load(lesson_of(tmp_path, SOUND + f"\n\n# %%\n{line}\n")).uses_numba is expected


def test_a_lesson_whose_functions_are_asynchronous_or_nested_in_classes(tmp_path):
    source = HEAD + (
        'class A:\n    class B:\n        @exercise("g")\n        async def g(self):\n'
        "            # BEGIN SOLUTION\n            return 1\n            # END SOLUTION\n"
    )
    assert load(lesson_of(tmp_path, source)).exercise("g").qualname == "A.B.g"


# ---- finding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ref", ["01", "1", "01_first", "first", " 01 "])
def test_names_of_a_lesson(course, ref):
    lesson, exercise = find(ref)
    assert (lesson.name, exercise) == ("01_first", None)


@pytest.mark.parametrize("ref", ["01.step", "1.step", "first.step", "step"])
def test_names_of_an_exercise(course, ref):
    lesson, exercise = find(ref)
    assert (lesson.name, exercise.id) == ("01_first", "01.step")


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("01.doubel", "lesson 01 has no exercise 'doubel'; it has double, step, Restoring. Did you mean 'double'?"),
        ("doubel", "no lesson or exercise 'doubel'; .* Did you mean 'double'?"),
        ("frist", "Did you mean 'first'?"),
        ("09", "no lesson or exercise '09'"),
        ("09.double", "no lesson '09'; there are 01_first, 02_second."),
        ("", "no lesson or exercise ''"),
        ("../../etc", "no lesson"),
    ],
)
def test_unknown_names_are_answered_with_what_there_is(course, ref, message):
    with pytest.raises(UnknownLessonError, match=message.replace("?", r"\?")):
        find(ref)


def test_a_name_that_two_lessons_have_is_ambiguous(course):
    other = course / "solutions" / "02_second" / "lesson.py"
    other.write_text(other.read_text().replace('"ready"', '"double"'))
    with pytest.raises(UnknownLessonError, match=r"'double' is ambiguous; say which: 01\.double, 02\.double"):
        find("double")


# ---- what is refused, and where ------------------------------------------------------------------------------------

BODY = "@exercise('f')\ndef f(x):\n"  # lines 8 and 9
REFUSED = {
    "nested": (
        BODY + "    # BEGIN SOLUTION\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n",
        11,
        "not nested",
    ),
    "closes nothing": (BODY + "    return x\n    # END SOLUTION\n", 11, "closes nothing"),
    "never closed": (BODY + "    # BEGIN SOLUTION\n    return x\n", 10, "never closed"),
    "misspelt": (BODY + "    #BEGIN SOLUTION\n    return x\n    # END SOLUTION\n", 10, "stray marker"),
    "lower case": (BODY + "    # begin solution\n    return x\n    # END SOLUTION\n", 10, "stray marker"),
    "behind code": (BODY + "    x = 1  # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n", 10, "stray marker"),
    "in a string": (BODY + '    """\n    # BEGIN SOLUTION\n    """\n    return x\n', 11, "stray marker"),
    "in prose": ("x = 1\n\n# %% [markdown]\n# # BEGIN SOLUTION\n", 11, "stray marker"),
    "empty": (BODY + "    # BEGIN SOLUTION\n    # END SOLUTION\n    return x\n", 10, "empty solution"),
    "only a comment": (
        BODY + "    # BEGIN SOLUTION\n    # hm\n    # END SOLUTION\n    return x\n",
        10,
        "empty solution",
    ),
    "no solution": (BODY + "    return x\n", 9, "'f' has no solution"),
    "outside": ("# BEGIN SOLUTION\nx = 1\n# END SOLUTION\n", 8, "no exercise"),
    "in another function": ("def g():\n    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION\n", 9, "no exercise"),
    "indentation": (BODY + "    # BEGIN SOLUTION\n    return x\n# END SOLUTION\n", 12, "indented by 0"),
    "indented deeper": (
        BODY + "        # BEGIN SOLUTION\n    return x\n        # END SOLUTION\n",
        10,
        "whole statements",
    ),
    "two blocks": (
        BODY + "    a = 1\n    # BEGIN SOLUTION\n    return x\n\ndef g():\n    pass\n    # END SOLUTION\n",
        11,
        "whole statements",
    ),
    "half an if": (
        BODY + "    # BEGIN SOLUTION\n    if x:\n        x = 1\n    # END SOLUTION\n    else:\n        x = 2\n",
        10,
        "whole statements",
    ),
    "if and else": (
        BODY + "    if x:\n        # BEGIN SOLUTION\n        x = 1\n    else:\n        x = 2\n        # END SOLUTION\n",
        11,
        "joins two blocks",
    ),
    "class body": (
        "@exercise('f')\nclass F:\n    # BEGIN SOLUTION\n    x = 1\n    # END SOLUTION\n",
        10,
        "put one in each method",
    ),
    "exercise in exercise": (
        "@exercise('f')\nclass F:\n    @exercise('g')\n    def g(self):\n        pass\n",
        11,
        "inside",
    ),
    "exercise in function": ("def g():\n    @exercise('f')\n    def f(x):\n        pass\n", 10, "inside a function"),
    "twice": (BODY + "    pass\n\n\n@exercise('f')\ndef g(x):\n    pass\n", 14, "a second exercise 'f'"),
    "solved and marked": (
        "@exercise('f', solved=True)\ndef f(x):\n    # BEGIN SOLUTION\n    return x\n    # END SOLUTION\n",
        10,
        "given solved",
    ),
    "bare": ("@exercise\ndef f(x):\n    pass\n", 8, "expected one name"),
    "no name": ("@exercise(points=2)\ndef f(x):\n    pass\n", 8, "expected one name"),
    "computed": ("@exercise('f', points=1 + n)\ndef f(x):\n    pass\n", 8, "points is computed"),
    "no points": ("@exercise('f', points=0)\ndef f(x):\n    pass\n", 8, "points=0: expected a whole number"),
    "true points": ("@exercise('f', points=True)\ndef f(x):\n    pass\n", 8, "expected a whole number"),
    "one hint": ("@exercise('f', hints='abc')\ndef f(x):\n    pass\n", 8, "expected a list of texts"),
    "no identifier": ("@exercise('f-g')\ndef f(x):\n    pass\n", 8, "expected a plain name"),
    "typo": ("@exercise('f', point=2)\ndef f(x):\n    pass\n", 8, "no argument 'point'. Did you mean 'points'"),
    "syntax": ("def f(:\n", 8, "not Python"),
    "null": ("x = '\0'\n", 1, "not Python"),
    "text in prose": ("x = 1\n\n# %% [markdown]\n# a\nb = 1\n", 12, "expected `# text`"),
    "gap in prose": ("x = 1\n\n# %% [markdown]\n# a\n\n# b\n", 12, "an empty line in a markdown cell"),
    "cell kind": ("x = 1\n\n# %% [raw]\n# a\n", 10, "cell header"),
    "cell without a space": ("x = 1\n\n#%%\nx = 1\n", 10, "cell header"),
    "cell in a string": ('x = """\n# %%\n"""\n', 8, "not Python on its own"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unsound_source_is_refused_with_file_and_line(tmp_path, case):
    body, line, message = REFUSED[case]
    directory = lesson_of(tmp_path, HEAD + body)
    with pytest.raises(LessonError, match=re.escape(message).replace("\\ ", " ")) as caught:
        load(directory)
    assert str(caught.value).startswith(f"{directory / 'lesson.py'}:{line}: ")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "no line feed"),
        (SOUND.encode().replace(b"\n", b"\r\n"), "carriage return"),
        (b"\xef\xbb\xbf" + SOUND.encode(), "byte order mark"),
        (SOUND.encode() + b"# \xff\n", "not UTF-8"),
        (SOUND.encode()[:-1], "no line feed at the end"),
        (b"import os\n" + SOUND.encode(), "text before the first cell"),
        (SOUND.encode().replace(b"# # Sample", b"# ## Sample"), "no title"),
        (SOUND.encode().replace(b"# %% [markdown]\n# # Sample\n\n", b""), "no title"),
    ],
)
def test_files_that_are_no_lessons(tmp_path, source, message):
    with pytest.raises(LessonError, match=message):
        load(lesson_of(tmp_path, source))


def test_a_directory_without_a_lesson_or_with_another_name(tmp_path):
    (tmp_path / "08_empty").mkdir()
    with pytest.raises(LessonError, match="no such file"):
        load(tmp_path / "08_empty")
    with pytest.raises(LessonError, match="expected a name such as 02_broadcasting"):
        load(lesson_of(tmp_path, SOUND, "sample"))


# ---- any arrangement of markers ------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["begin", "end", "code", "def"]), min_size=1, max_size=12), st.integers(0, 2**32))
def test_markers_balance_or_are_refused(tmp_path_factory, lines, seed):
    """A source is accepted exactly if every exercise is one after the other `begin code+ end`; then nothing leaks."""
    names = random.Random(seed)
    text, depth, blocks, sound = HEAD, 0, [0], True
    text += '@exercise("f0")\ndef f0():\n    """d"""\n'
    secrets = []
    for kind in lines:
        if kind == "def":
            sound &= depth == 0
            text += f'\n\n@exercise("f{len(blocks)}")\ndef f{len(blocks)}():\n    """d"""\n'
            blocks.append(0)
        elif kind == "code":
            line = f"secret_{names.getrandbits(64):x} = {names.random()}"
            text += f"    {line}\n"
            if depth:
                secrets.append(line)
        else:
            sound &= (kind == "begin") == (depth == 0)
            sound &= kind == "begin" or text.splitlines()[-1].strip() != "# BEGIN SOLUTION"
            depth += 1 if kind == "begin" else -1
            blocks[-1] += kind == "begin"
            text += f"    # {kind.upper()} SOLUTION\n"
    sound &= depth == 0 and all(blocks)
    directory = lesson_of(tmp_path_factory.mktemp("any"), text)
    if not sound:
        with pytest.raises(LessonError, match=r"lesson\.py:\d+: "):
            load(directory)
        return
    stub = stub_source(load(directory))
    assert "SOLUTION" not in stub
    assert "@exercise" not in stub
    assert not [line for line in secrets if line in stub]
    compile(stub, "stub", "exec")
