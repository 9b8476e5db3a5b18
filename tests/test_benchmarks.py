"""The benchmarks run, say what is missing, and write a page without a figure typed by hand.  No test asserts a time."""

import re
import statistics

import pytest

import nanograd
from benchmarks import measure, peers, report
from benchmarks.measure import Figures
from benchmarks.operations import OPERATIONS, STEPS
from benchmarks.peers import PEERS, by_numpy, scalar
from benchmarks.workloads import WORKLOADS


def figures(busy=0.0, **values):
    made = Figures(busy=busy)
    for number in range(3):
        made.add({"figures": {key: value + number for key, value in values.items()}, "busy": busy})
    return made


def test_every_operation_runs_both_ways():
    for name, case in OPERATIONS(nanograd).items():
        y = case.run(*case.tensors)
        y.sum().backward()
        assert all(x.grad is not None for x in case.tensors if x.requires_grad), name
    for call in STEPS(nanograd).values():
        call()


def test_every_operation_is_measured_once():
    names = [*OPERATIONS(nanograd), *STEPS(nanograd)]
    assert all(sum(name.startswith(group) for group in report.GROUPS) == 1 for name in names)


def test_the_step_of_numpy_is_the_step_of_nanograd():
    torch = nanograd
    model = torch.nn.Sequential(*(torch.nn.Linear(i, o) for i, o in [(784, 128), (128, 64), (64, 10)]))
    weights, biases = peers._weights()
    with torch.no_grad():
        for layer, w, b in zip(model, weights, biases, strict=True):
            layer.weight.copy_(torch.from_numpy(w.T.copy()))
            layer.bias.copy_(torch.from_numpy(b))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    step = by_numpy()
    batches = peers._batches()
    for x, y in batches:
        h = torch.relu(model[1](torch.relu(model[0](torch.from_numpy(x)))))
        loss = torch.nn.functional.cross_entropy(model[2](h), torch.from_numpy(y))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert loss.item() == pytest.approx(float(step()), rel=1e-4)


def test_the_scalar_demo_learns():
    step = scalar("nanograd")
    first = step().data
    assert statistics.mean(step().data for _ in range(3)) < first


def test_a_process_that_fails_says_why(monkeypatch):
    found = measure.in_a_fresh_process("step", "w3", "no_such_package")
    assert found == {"failed": "ModuleNotFoundError: No module named 'no_such_package'"}


def test_one_real_measurement():
    found = measure.beside("step", "tiny", ["nanograd"], rounds=1, seconds=0.05)["nanograd"]
    assert found["ms"] > 0
    assert not found.failed


def test_the_page(monkeypatch):
    def beside(kind, name, subjects, rounds, **options):
        one = {"ms": 2.0}
        if kind == "operations":
            one = {f"{name}, of all|forward": 5.0, f"{name}, of all|both": 1.0}
        slower = {key: value / (0.5 if "w5" in name else 2.0) for key, value in one.items()}
        return {subject: figures(**(slower if subject == "nanograd" else one), busy=99) for subject in subjects}

    monkeypatch.setattr(report, "beside", beside)
    monkeypatch.setattr(report, "in_a_fresh_process", lambda *a, **k: {"figures": {"ms": 9.0, "megabytes": 100.0}})
    monkeypatch.setattr(report, "is_there", lambda name: name != "mygrad")
    monkeypatch.setattr(report, "version", lambda name: "1.2.3")
    made = report.Report(report.Plan(1, 0.1, (1, 2)))
    text = made.page()
    assert not re.search(r"\{\w+\}", text), "a placeholder is left"
    assert all(f"| {name} |" in text for name in WORKLOADS)
    assert "| mygrad | not installed here |" in text
    assert set(PEERS) == {"numpy", "mygrad", "tinygrad"}
    assert "numpy 1.2.3" in text
    assert re.search(r"^- w5: .*oneDNN", text, re.MULTILINE)
    assert "†" in text
    assert text.count("oneMKL") <= 1


def test_the_text_around_the_tables_has_no_ratios():
    assert not re.findall(r"\d\.\d", report.TEMPLATE.read_text(encoding="utf-8"))
