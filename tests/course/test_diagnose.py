"""Mistakes are named by what the code returns; what matches nothing is not named, and what is right is never wrong."""

import os
from pathlib import Path

import numpy as np
import pytest

from nanograd.course.assemble import answers_of, in_place
from nanograd.course.diagnose import Evidence, agreement, calls_of, diagnose, known_answers, relation
from nanograd.course.generate import stub_source
from nanograd.course.judge import Grading
from nanograd.course.lesson import find, lessons, load
from nanograd.course.report import State
from nanograd.course.sandbox import Limits, Worker
from nanograd.course.submission import Call, module_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the worker needs a POSIX system")

HELD_BACK = answers_of((Path(__file__).parent / "wrong_heldback.py").read_text(), "wrong_heldback.py")
ENOUGH = 0.8  # of the held-back answers are named


@pytest.fixture(scope="module")
def worker():
    with Worker(Limits(seconds=5)) as made:
        yield made


@pytest.fixture(scope="module")
def calls():
    return {lesson.number: calls_of(lesson) for lesson in lessons()}


def evidence_for(ref, worker, calls):
    lesson, exercise = find(ref)
    return Evidence(lesson, exercise, worker, calls[lesson.number][exercise.name])


def test_answers_held_back_are_named(worker, calls):
    """At least four of five mistakes, written anew, are named; and none is named as another."""
    right, wrongly = [], []
    for answer in HELD_BACK:
        evidence = evidence_for(answer.exercise, worker, calls)
        names = {each.says: each.name for each in evidence.wrong}
        assert answer.says in names.values(), f"{answer.name}: no known mistake {answer.says}"
        said = diagnose(evidence, in_place(evidence.lesson, answer))
        if names.get(said) == answer.says:
            right.append(answer.name)
        elif said in names:
            wrongly.append((answer.name, names[said]))
    assert wrongly == []
    print(f"{len(right)} of {len(HELD_BACK)} named")
    missed = {answer.name for answer in HELD_BACK} - set(right)
    assert len(right) >= ENOUGH * len(HELD_BACK), f"not named: {missed}"


def test_every_exercise_of_two_lessons_has_answers_held_back():
    exercises = {exercise.name for ref in ("02", "03") for exercise in find(ref)[0].exercises}
    assert {answer.exercise for answer in HELD_BACK} == exercises


def test_answers_held_back_are_wrong(worker):
    for answer in HELD_BACK[::4]:
        lesson, exercise = find(answer.exercise)
        (report,) = Grading(lesson, in_place(lesson, answer), worker, diagnose=False).reports([exercise])
        assert report.state is State.FAIL, answer.name


@pytest.mark.parametrize("ref", ["00", "02", "03"])
def test_no_right_answer_is_called_wrong(ref, worker, calls):
    lesson, _ = find(ref)
    for exercise in lesson.exercises:
        evidence = evidence_for(exercise.id, worker, calls)
        sources = [in_place(lesson, each) for each in known_answers(lesson, exercise) if each.says is None]
        for source in [lesson.source, *sources]:
            seen = list(evidence.replay(module_of(lesson, source, exercise.qualname)))
            assert evidence.named(seen) is None, exercise.id


def test_a_known_answer_is_named_in_a_check(worker):
    lesson, exercise = find("02.unbroadcast")
    answer = next(each for each in HELD_BACK if each.says == "leading_only")
    (report,) = Grading(lesson, in_place(lesson, answer), worker).reports([exercise])
    assert report.likely == "you summed the added axes but not the size-1 axes"
    assert f"likely    {report.likely}" in report.message


def test_what_matches_nothing_is_not_named(worker, calls):
    lesson, exercise = find("02.unbroadcast")
    evidence = evidence_for(exercise.id, worker, calls)
    for body in (
        "np.cos(np.resize(grad, shape))",
        "np.full(shape, 0.5)",
        "np.zeros(shape) + len(shape)",
        "(_ for _ in ())",
    ):
        source = lesson.source.replace("    added = grad.ndim - len(shape)\n", f"    return {body}\n")
        assert source != lesson.source
        assert diagnose(evidence, source) is None
    stub = stub_source(lesson)
    assert diagnose(evidence, stub) is None


def test_a_mistake_in_another_exercise_is_not_blamed(worker, calls):
    """`sum_backward` uses `reduced_shape`; the learner's wrong one is not used when the former is diagnosed."""
    lesson, exercise = find("02.sum_backward")
    answer = next(each for each in HELD_BACK if each.exercise == "reduced_shape")
    (report,) = Grading(lesson, in_place(lesson, answer), worker).reports([exercise])
    assert report.state is State.PASS


# ---- relations -----------------------------------------------------------------------------------------------------

LESSON = '''# %% [markdown]
# # Relations

# %%
import numpy as np

from nanograd.course import exercise


# %%
@exercise("f")
def f(x: np.ndarray, upstream: np.ndarray) -> np.ndarray:
    """Nothing of importance."""
    # BEGIN SOLUTION
    return x
    # END SOLUTION
'''
RNG = np.random.default_rng(5)


@pytest.fixture
def related(tmp_path):
    directory = tmp_path / "08_relations"
    directory.mkdir()
    (directory / "lesson.py").write_text(LESSON)
    lesson = load(directory)

    def related(right, wrong, *inputs):
        """The relation between two functions on a few inputs."""
        calls, seen = [], []
        for x, upstream in inputs or INPUTS:
            request = {"do": "call", "name": "f", "args": (x, upstream), "kwargs": {}}
            calls.append(Call(request, {"value": right(x, upstream), "after": [(x, upstream), {}]}))
            mine = x.copy()
            seen.append(Call(request, {"value": wrong(mine, upstream), "after": [(mine, upstream), {}]}).outcome)
        return relation(lesson, calls, seen)

    return related


INPUTS = [(RNG.normal(size=shape), RNG.normal(size=shape)) for shape in ((2, 3), (5, 7), (3, 2, 5))]


def add_in_place(x, upstream):
    x += upstream
    return x


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (lambda x, u: x * u, lambda x, u: -x * u, "sign"),
        (lambda x, u: x * u, lambda x, u: 2 * x * u, "2 times"),
        (lambda x, u: x * u, lambda x, u: x * u / 3, "1/3 times"),
        (lambda x, u: x * u, lambda x, u: 0 * x, "zero"),
        (lambda x, u: x * u, lambda x, u: x * u - 1, "1 less than expected"),
        (lambda x, u: x.shape, lambda x, u: tuple(n + 2 for n in x.shape), "2 more than expected"),
        (lambda x, u: x.sum(), lambda x, u: x.mean(), "mean where a sum"),
        (lambda x, u: x.sum(0), lambda x, u: x.mean(0), "mean where a sum"),
        (lambda x, u: x.mean(-1), lambda x, u: x.sum(-1), "sum where a mean"),
        (lambda x, u: x / np.sqrt(x.shape[-1]), lambda x, u: x, "square root"),
        (lambda x, u: x.T, lambda x, u: x, "transpose"),
        (lambda x, u: x.sum(0), lambda x, u: x, "a sum is missing"),
        (lambda x, u: x.sum(0, keepdims=True), lambda x, u: x, "a sum is missing"),
        (lambda x, u: x * u, lambda x, u: x, "upstream"),
        (lambda x, u: x, lambda x, u: np.concatenate([x[:1], np.zeros_like(x[1:])]), "first row"),
        (lambda x, u: x, lambda x, u: x.astype(np.float32), "dtype float32 where float64"),
        (lambda x, u: x, lambda x, u: x.reshape(1, *x.shape), "in shape (1, 2, 3) where (2, 3)"),
        (lambda x, u: x.ravel().tolist(), lambda x, u: tuple(x.ravel().tolist()), "in a tuple where a list"),
        (lambda x, u: x + u, add_in_place, "modifies its argument 'x'"),
        (lambda x, u: x, lambda x, u: None, "return"),
        (lambda x, u: {"a": x, "b": [u]}, lambda x, u: {"a": -x, "b": [-u]}, "sign"),
    ],
)
def test_relations(related, right, wrong, says):
    said = related(right, wrong)
    assert said is not None
    assert says in said
    assert related(right, right) is None


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (lambda x, u: x, lambda x, u: x + RNG.normal(size=x.shape)),
        (lambda x, u: x, lambda x, u: x * np.where(x > 0, 1, 2)),
        (lambda x, u: x, lambda x, u: x if x.shape == (2, 3) else -x),
        (lambda x, u: x, lambda x, u: x * x.ndim),
        (lambda x, u: x, lambda x, u: np.zeros(0)),
        (lambda x, u: x.sum(), lambda x, u: "text"),
        (lambda x, u: {"a": x}, lambda x, u: {"a": -x, "b": 1}),
        (lambda x, u: x, lambda x, u: np.full_like(x, np.nan)),
        (lambda x, u: x, lambda x, u: x * 1j),
        (lambda x, u: x, lambda x, u: x[::-1] * 3),
    ],
)
def test_no_relation_is_guessed(related, right, wrong):
    assert related(right, wrong) is None


def test_no_relation_is_named_on_thin_evidence(related):
    x, u = np.array([2.0]), np.array([3.0])
    assert related(lambda x, u: x * u, lambda x, u: -x * u, (x, u)) is None
    assert related(lambda x, u: x * u, lambda x, u: -x * u, (x, u), (x, u), (x, u)) is None


def test_agreement():
    x, y = ("value", np.ones(2), []), ("value", np.ones(2, np.float32), [])
    assert agreement([x], [x]) == 2
    assert agreement([x], [y]) == 1
    assert agreement([x], [("value", np.zeros(2), [])]) == 0
    assert agreement([("raised", "ValueError")], [("raised", "TypeError")]) == 0
    assert agreement([("raised", "ValueError", True)], [("raised", "ValueError", False)]) == 0
