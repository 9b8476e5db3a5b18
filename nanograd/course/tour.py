"""``nanograd tour``: a tape, a graded exercise and a trained network, in less than a minute.

Everything is real: the picture is of the tape that was just recorded, the exercise is graded as ``nanograd check``
grades, and the network learns handwritten digits that ship with the package. The test digits are read once, at the end.
"""

from __future__ import annotations

import ast
import tempfile
import textwrap
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nanograd as torch
from nanograd.course.assemble import answers_of, in_place
from nanograd.course.lesson import Lesson, find
from nanograd.course.report import LessonReport, State
from nanograd.examples import digits
from nanograd.utils.data import random_split

if TYPE_CHECKING:
    from nanograd.drawing import Drawing

__all__ = ["tour"]

EPOCHS, OURS = 12, 7

EXPRESSION = """\
x = torch.tensor([1.0, 2.0])
w = torch.tensor([3.0, -1.0], requires_grad=True)
b = torch.tensor(0.5, requires_grad=True)
y = torch.relu((w * x).sum() + b)
"""


def tour() -> int:
    """Show what there is; 0 if everything came out as it must, 7 if something of ours did not."""
    print("1. A tape. nanograd records what you compute, and then walks it backward.\n")
    show_tape()
    print("\n2. An exercise. The course grades what you write, and tells you what went wrong.\n")
    sound = show_grading()
    print("\n3. A network. It learns to read handwritten digits, 8 by 8 pixels each.\n")
    started = time.perf_counter()
    accuracy = train()
    print(f"\ntest accuracy: {100 * accuracy:.1f} % in {time.perf_counter() - started:.1f} s")
    print("next: `nanograd start` makes a directory of your own with the lessons in it")
    return 0 if sound else OURS


# the tape


def show_tape() -> None:
    """Record a small expression, draw its tape, and walk it."""
    names: dict[str, Any] = {"torch": torch}
    exec(EXPRESSION, names)
    y, w, b = names["y"], names["w"], names["b"]
    drawing = torch.draw(y, {"x": names["x"], "w": w, "b": b})
    print(_indented(EXPRESSION), end="\n\n")
    print(_indented(drawing.text), end="\n\n")
    y.backward()
    print(f"    y.backward() gives w.grad = {w.grad!r} and b.grad = {b.grad!r}")
    print(f"    the picture: {save_picture(drawing)}")


def save_picture(drawing: Drawing) -> Path:
    """Save the tape as SVG in the current directory, or in a temporary one where that cannot be written."""
    path = Path("nanograd-tour.svg")
    with suppress(OSError):
        return drawing.save(path).resolve()
    return drawing.save(Path(tempfile.mkdtemp(prefix="nanograd-")) / path)


# the exercise


def show_grading() -> bool:
    """Grade the exercise of lesson 00 solved, then with a known mistake; whether it came out as PASS and FAIL."""
    lesson, _ = find("00")
    known = answers_of((lesson.directory / "wrong_answers.py").read_text(encoding="utf-8"))
    mistake = next(answer for answer in known if answer.says)
    exercise = lesson.exercise(mistake.exercise)
    print(f"    def {exercise.signature}:")
    print(f"        {_last_line(lesson.source, exercise.qualname)}\n")
    right = grade(lesson, exercise.name, lesson.source)
    print(_indented(right.text()), end="\n\n")
    print(f"    The same with a mistake:  {_last_line(mistake.source, mistake.name)}\n")
    wrong = grade(lesson, exercise.name, in_place(lesson, mistake))
    print(_indented(wrong.text()))
    return [each.state for each in (*right.exercises, *wrong.exercises)] == [State.PASS, State.FAIL]


def grade(lesson: Lesson, exercise: str, source: str) -> LessonReport:
    """Grade a source as if a learner had written it."""
    from nanograd.course.judge import check

    with tempfile.TemporaryDirectory(prefix="nanograd-") as directory:
        path = Path(directory) / "lesson.py"
        path.write_text(source, encoding="utf-8")
        return replace(check(lesson, path, exercise), submission=path.name)


def _last_line(source: str, qualname: str) -> str:
    name = qualname.rpartition(".")[2]
    found = next(node for node in ast.walk(ast.parse(source)) if getattr(node, "name", None) == name)
    return ast.unparse(found).splitlines()[-1].strip()


# the network


def train() -> float:
    """Train on nine tenths of the training digits, watch the rest, and return the accuracy on the test digits."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    torch.manual_seed(0)
    known = digits.digits("train")
    held_out = len(known) // 10
    learning, watching = random_split(known, [len(known) - held_out, held_out])
    model = digits.LeNet()
    print(f"    {len(learning)} digits to learn from, {len(watching)} to watch, the test digits kept apart")
    with tqdm(total=EPOCHS, desc="    training", unit="epoch", disable=None, leave=False) as bar:
        for epoch, loss in digits.learn(model, learning, range(1, EPOCHS + 1)):
            right = 100 * digits.accuracy(model, watching)
            bar.write(f"    epoch {epoch:>2} of {EPOCHS}   loss {loss:.3f}   validation accuracy {right:.1f} %")
            bar.update()
    return digits.accuracy(model, digits.digits("test"))


def _indented(text: str) -> str:
    return textwrap.indent(text.rstrip("\n"), "    ")
