"""The number of threads: what is set is what is used, and nonsense is refused; loops that are divided among them."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import nanograd as torch
from nanograd import threads
from nanograd.threads import split
from nanograd.utils.data import DataLoader


def test_set_and_get():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert torch.get_num_threads() == 1
        x = torch.randn(300, 300)
        one = x @ x
        torch.set_num_threads(2)
        assert torch.get_num_threads() in (1, 2)  # no more than there are cores, or another BLAS
        assert torch.allclose(x @ x, one, atol=1e-4)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("number", [0, -1, 1.5, "2"])
def test_nonsense(number):
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        torch.set_num_threads(number)
    with pytest.raises(RuntimeError, match="expects a positive integer"):
        torch.set_num_interop_threads(number)
    assert torch.get_num_interop_threads() == 1


# Loops


@pytest.fixture(params=[1, 2, 3])
def count(request, monkeypatch):
    """So many threads, whatever BLAS there is and however many cores."""
    monkeypatch.setattr(threads, "get_num_threads", lambda: request.param)
    return request.param


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10, 1001])
@pytest.mark.parametrize("least", [1, 4])
def test_every_number_is_run_once(count, n, least):
    seen, parts = [0] * n, []

    def run(start, stop):
        parts.append((start, stop, threading.get_ident()))
        for i in range(start, stop):
            seen[i] += 1

    split(n, run, least)
    assert seen == [1] * n
    assert len(parts) == (0 if n == 0 else max(1, min(count, n // least)))
    assert all(stop - start >= min(least, n) for start, stop, _ in parts)
    assert (0, threading.get_ident()) in {(start, who) for start, _, who in parts} or n == 0


def test_parts_run_at_the_same_time(count):
    meeting = threading.Barrier(count)
    split(count, lambda start, stop: meeting.wait(20))


@pytest.mark.parametrize("failing", [0, 5, 9])
def test_what_fails_is_raised_when_all_have_ended(count, failing):
    ended = []

    def run(start, stop):
        ended.append(start)
        if start <= failing < stop:
            raise KeyError(failing)

    for _ in range(3):  # the threads live on
        ended.clear()
        with pytest.raises(KeyError, match=str(failing)):
            split(10, run)
        assert len(ended) == count
    split(10, lambda start, stop: None)


def test_inside_another_and_from_several_threads_at_once(count):
    total = np.zeros((8, 40))

    def row(i):
        split(40, lambda start, stop: total[i, start:stop].__iadd__(1))

    split(8, lambda start, stop: [row(i) for i in range(start, stop)])
    workers = [threading.Thread(target=row, args=(i % 8,)) for i in range(24)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert (total == 4).all()


def test_products_inside_use_one_thread_and_the_setting_comes_back():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        many = torch.get_num_threads()  # 1 where there is one core, or another BLAS
        inside = []
        with pytest.raises(KeyError):
            split(2, lambda start, stop: inside.append(torch.get_num_threads()) or {}[0])
        assert set(inside) == {1}
        assert torch.get_num_threads() == many
    finally:
        torch.set_num_threads(before)


FORKED = """
import os, threading
from nanograd import threads
threads.get_num_threads = lambda: 2
meeting = threading.Barrier(2)
threads.split(2, lambda start, stop: meeting.wait(20))  # the threads are there
held = threads._team.free
held.acquire()  # as if another thread were at work
child = os.fork()
if child == 0:
    seen = []
    threads.split(10, lambda start, stop: seen.append((start, stop)))
    os._exit(7 if seen == [(0, 10)] else 1)
held.release()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
threads.split(2, lambda start, stop: meeting.wait(20))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_runs_one_thread():
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("7\n", "")


class Parts:
    """A data set whose items are into how many parts a loop is divided where they are made."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        parts = []
        split(10, lambda start, stop: parts.append(start))
        return len(parts)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_workers_of_a_loader_run_one_thread(count):
    made = [batch.tolist() for batch in DataLoader(Parts(), batch_size=2, num_workers=1)]
    assert made == [[1, 1], [1, 1]]
    assert [batch.tolist() for batch in DataLoader(Parts(), batch_size=2)] == [[count] * 2] * 2
