"""The profiler: it counts what a program calls, changes no number, and leaves nothing behind."""

import os
import subprocess
import sys
import threading

import pytest

import nanograd as torch
from nanograd import lab, nn, stopwatch
from nanograd.errors import MissingError
from nanograd.kernels.compile import can_compile
from nanograd.nn import functional as F
from nanograd.profiler import ProfilerActivity, profile, record_function, schedule
from nanograd.utils.data import DataLoader, TensorDataset


def counts(p):
    return {row.name: row.calls for row in p.rows()}


def row(p, name):
    return next(row for row in p.rows() if row.name == name)


def training():
    """(model, a step)"""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    x, y = torch.randn(5, 4), torch.randn(5, 2)

    def step():
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return model, step


def codes():
    return [function.__code__ for function, _ in stopwatch._handlers()]


def test_a_training_step():
    _, step = training()
    with torch.profile() as p:
        step(), step()
    assert counts(p) == {"linear": 4, "relu": 2, "mse_loss": 2, "SGD.step": 2}
    assert row(p, "linear").bytes == 2 * 4 * (5 * 8 + 5 * 2)
    assert row(p, "mse_loss").bytes == 2 * 4
    for name in ("linear", "relu", "mse_loss"):
        assert row(p, name).forward > 0
        assert row(p, name).backward > 0
    assert row(p, "SGD.step").backward == 0
    assert 0 < sum(r.time for r in p.rows()) <= p.seconds


def test_no_number_changes():
    plain, step = training()
    losses = [step().item() for _ in range(3)]
    profiled, step = training()
    with profile():
        assert [step().item() for _ in range(3)] == losses
    for a, b in zip(plain.parameters(), profiled.parameters(), strict=True):
        assert a.tolist() == b.tolist()


def test_everything_is_put_back():
    before = codes()

    def failing():
        with profile():
            assert codes() != before
            with profile():
                torch.ones(2) + 1
            assert codes() != before
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert codes() == before
    one, two = profile(), profile()
    one.start(), two.start(), one.stop()
    torch.ones(2) + 1
    two.stop()
    assert codes() == before
    assert (counts(one), counts(two)) == ({}, {"ones": 1, "add": 1})


def test_an_operation_that_fails_fails_as_ever_and_is_counted_no_more():
    x = torch.ones(2, 3)
    with profile() as p:
        with pytest.raises(RuntimeError, match="matmul: cannot multiply"):
            x @ x
        x * 2
    assert counts(p) == {"mul": 1}


def test_profiles_may_stand_inside_each_other():
    with profile() as outer:
        torch.ones(2).exp()
        with profile() as inner:
            torch.ones(2).log()
    assert counts(outer) == {"ones": 2, "exp": 1, "log": 1}
    assert counts(inner) == {"ones": 1, "log": 1}


def test_what_operations_are_made_of_is_theirs():
    x = torch.randn(6, 3, requires_grad=True)
    with profile() as p:
        F.smooth_l1_loss(x, torch.zeros(6, 3)).backward()
        x[1:3].sum()
        x.detach().clone().add_(1)
    assert {"smooth_l1_loss", "zeros", "getitem", "sum", "clone", "add_"} == set(counts(p))
    assert row(p, "smooth_l1_loss").backward > 0
    assert row(p, "getitem").bytes == 0  # a view


def test_the_way_back_of_what_ran_before_goes_by_the_name_of_the_node():
    y = (torch.ones(3, requires_grad=True) * 2).sum()
    with profile() as p:
        y.backward()
    assert {r.name: (r.calls, r.backward > 0) for r in p.rows()} == {"Sum": (0, True), "Mul": (0, True)}


def test_second_derivatives():
    x = torch.tensor([2.0], requires_grad=True)
    with profile() as p:
        (g,) = torch.autograd.grad(x**3, x, create_graph=True)
        g.backward()
    assert x.grad.tolist() == [12.0]
    assert set(counts(p)) == {"pow"}  # what the way back recorded belongs to what it is the way back of


def test_all_threads_are_measured():
    def work():
        for _ in range(20):
            torch.ones(10).exp()

    with profile() as p:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts(p) == {"ones": 80, "exp": 80}


@pytest.mark.parametrize("workers", [0, 1])
def test_loading_is_one_row_and_the_order_stays(workers):
    def order():
        torch.manual_seed(5)
        loader = DataLoader(TensorDataset(torch.arange(12)), batch_size=4, shuffle=True, num_workers=workers)
        batches = iter(loader)
        torch.rand(1)
        return [batch.tolist() for (batch,) in batches]

    expected = order()
    with profile() as p:
        assert order() == expected
    assert counts(p) == {"DataLoader": 3, "arange": 1, "rand": 1}


def test_a_closure_is_not_part_of_the_step():
    x = torch.tensor([3.0], requires_grad=True)
    optimizer = torch.optim.LBFGS([x], max_iter=3)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with profile() as p:
        optimizer.step(closure)
    assert row(p, "LBFGS.step").calls == 1
    assert row(p, "mul").backward > 0


def test_names_for_parts_of_a_program():
    @record_function("decorated")
    def double(x):
        return x * 2

    with profile() as p:
        with record_function("part"), record_function("inside"):
            torch.ones(2).exp()
        double(torch.ones(2))
    with record_function("nobody listens"):
        pass
    assert {r.name: r.calls for r in p.ranges()} == {"part": 1, "inside": 1, "decorated": 1}
    assert "exp" in counts(p)
    assert "part: 1 time, " in str(p)


def test_beside_a_replacement_of_the_lab():
    before = codes()
    mine = lab.replace("ops.arithmetic.mul", lambda a, b: a + b)
    p = profile()
    p.start()
    later = lab.replace("ops.elementary.exp", lambda x: x)
    assert (torch.ones(2).exp() * 5).tolist() == [6.0, 6.0]
    mine.undo()
    assert (torch.ones(2) * 5).tolist() == [5.0, 5.0]
    p.stop()
    later.undo()
    assert codes() == before
    assert mine.calls == later.calls == 1


# What is printed


def test_the_table():
    _, step = training()
    with profile() as p:
        step()
    lines = str(p).splitlines()
    assert lines[0].split() == ["operation", "calls", "forward", "backward", "bytes", "compiled"]
    assert {line.split()[0] for line in lines[2:6]} == {"linear", "relu", "mse_loss", "SGD.step"}
    assert "ms altogether" in lines[7]
    times = [r.time for r in p.rows()]
    assert times == sorted(times, reverse=True)
    assert [r.name for r in p.rows("name")] == ["SGD.step", "linear", "mse_loss", "relu"]
    assert p.rows("bytes")[0].name == "linear"
    assert len(p.table(row_limit=2).splitlines()) == 6
    assert p.table("calls").splitlines()[2].startswith("linear")


def test_names_of_torch():
    with torch.profiler.profile(activities=[ProfilerActivity.CPU], record_shapes=True) as p:
        with torch.profiler.record_function("inference"):
            torch.ones(3) + 1
        p.step()
    averages = p.key_averages(group_by_input_shape=True)
    text = averages.table(sort_by="cpu_time_total", row_limit=10)
    assert "add" in text
    assert "ones" in text
    assert {r.key: r.count for r in averages} == {"ones": 1, "add": 1}
    assert averages[0].cpu_time_total >= averages[1].cpu_time_total > 0
    assert p.self_cpu_time_total == pytest.approx(sum(r.self_cpu_time_total for r in averages))
    ready = []
    with torch.profiler.profile(on_trace_ready=ready.append) as p:
        pass
    assert ready == [p]
    with torch.autograd.profiler.profile(use_cuda=False) as p:
        torch.ones(3)
    assert counts(p) == {"ones": 1}
    with torch.autograd.profiler.profile(enabled=False) as p:
        torch.ones(3)
    assert counts(p) == {}


def test_what_is_refused():
    with pytest.raises(MissingError, match="no schedule"):
        profile(schedule=object())
    with pytest.raises(MissingError, match="Enter the profile"):
        schedule(wait=1, warmup=1, active=3)
    with profile() as p, pytest.raises(RuntimeError, match="runs already"):
        p.start()
    with pytest.raises(ValueError, match=r"cannot sort by 'call'.*Did you mean 'calls'"):
        p.table(sort_by="call")


# What it costs, and what else it tells


def test_nobody_who_does_not_ask_loads_it():
    program = "import sys, nanograd; print([m for m in sys.modules if 'profiler' in m or 'stopwatch' in m])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n"


COMPILING = """
import nanograd
x = nanograd.rand(100, 100, requires_grad=True)
for _ in range(2):
    with nanograd.profile() as p:
        x.relu().sum().backward()
    print([(row.compiled > 0) for row in p.rows("name") if row.name == "relu"], len(p.compiled) > 0)
    print("elementary.relu" in str(p))
"""


@pytest.mark.skipif(not can_compile(), reason="numba is not importable")
def test_kernels_that_were_compiled_meanwhile_are_said(tmp_path):
    environment = os.environ | {"NANOGRAD_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", COMPILING], env=environment, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[True] True", "True", "[False] False", "False"]
