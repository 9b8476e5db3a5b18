"""Workers of a loader: the same batches as without, and nothing left of them, however they or their parent end."""

import collections
import gc
import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import nanograd as torch
from nanograd.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    TensorDataset,
    get_worker_info,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc, and forks local classes")

Pair = collections.namedtuple("Pair", "first second")


class Squares(Dataset):
    def __init__(self, n=20):
        self.n = n

    def __getitem__(self, i):
        return i, float(i * i)

    def __len__(self):
        return self.n


class Does(Dataset):
    """A data set whose samples are what a function makes of their numbers."""

    def __init__(self, function, n=8):
        self.function = function
        self.n = n

    def __getitem__(self, i):
        return self.function(i)

    def __len__(self):
        return self.n


class Numbers(IterableDataset):
    def __init__(self, n, shared=True):
        self.n = n
        self.shared = shared

    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if self.shared and info else (0, 1)
        return iter(range(first, self.n, step))

    def __len__(self):
        return self.n


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def as_it_is(batch):
    return batch


def flat(batches):
    return [i for batch in batches for i in batch.tolist()]


# Processes


def children(pid=None):
    """The running processes that process ``pid`` started."""
    pid = pid or os.getpid()
    return {int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and stat(p)[:2] == [str(pid), True]}


def in_group(group):
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and stat(p)[1:] == [True, str(group)]]


def stat(path):
    """[parent, whether it runs, group] of a process."""
    try:
        state, parent, group = (path / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:
        return [None, False, None]
    return [parent, state not in "ZX", group]


def eventually(true, seconds=20):
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.01)
    return found


def script(tmp_path, code, *arguments):
    path = tmp_path / "script.py"
    path.write_text("import nanograd as torch, os, sys, time\nfrom nanograd.utils.data import *\n" + code)
    return [sys.executable, "-W", "error", str(path), *arguments]


def environment(**more):
    roots = [str(Path(torch.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, roots))} | more


def run(tmp_path, code, **more):
    """What a script prints, and that nothing is left of it."""
    before = shared_memory()
    process = start(tmp_path, code, **more)
    out, err = process.communicate(timeout=60)
    assert eventually(lambda: not in_group(process.pid)), "workers outlived their parent"
    assert shared_memory() <= before
    return process.returncode, out, err


def start(tmp_path, code, **more):
    return subprocess.Popen(
        script(tmp_path, code),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**more),
        start_new_session=True,
    )


@pytest.fixture(autouse=True)
def nothing_left():
    before, shared = children(), shared_memory()
    yield
    gc.collect()
    assert eventually(lambda: children() <= before | trackers()), "workers are left"
    assert shared_memory() <= shared


def shared_memory():
    """Named shared memory: ours would have such a name, and multiprocessing's has."""
    return {path.name for path in Path("/dev/shm").iterdir() if "nanograd" in path.name or "psm_" in path.name}


def trackers():
    """Helpers that multiprocessing itself keeps for the life of the process."""
    from multiprocessing import forkserver, resource_tracker

    return {resource_tracker._resource_tracker._pid, forkserver._forkserver._forkserver_pid}


# The same batches


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("prefetch", [1, 2, 5])
def test_the_order_is_the_same_for_any_number_of_workers(workers, prefetch):
    def epochs(**options):
        loader = DataLoader(Squares(23), 3, shuffle=True, generator=generator(), **options)
        return [[(x.tolist(), y.tolist()) for x, y in loader] for _ in range(3)]

    assert epochs(num_workers=workers, prefetch_factor=prefetch) == epochs()


@pytest.mark.parametrize(
    "options",
    [
        dict(batch_size=4, drop_last=True),
        dict(batch_size=None),
        dict(sampler=[5, 3, 1], batch_size=2),
        dict(batch_sampler=[[0], [1, 2], [3]]),
        dict(batch_sampler=BatchSampler(RandomSampler(range(20), True, 9, generator(3)), 2, False)),
        dict(batch_size=5, collate_fn=lambda batch: [i for i, _ in batch]),
    ],
)
@pytest.mark.parametrize("in_order", [True, False])
def test_every_way_to_batch_works_with_workers(options, in_order):
    def batches(workers):
        sampler = options.get("batch_sampler")
        if isinstance(sampler, BatchSampler):
            sampler.sampler.generator = generator(3)
        return [repr(b) for b in DataLoader(Squares(), num_workers=workers, in_order=in_order, **options)]

    expected, found = batches(0), batches(2)
    assert found == expected if in_order else sorted(found) == sorted(expected)


def test_tensors_are_gathered_in_workers():
    data = TensorDataset(torch.arange(60).view(20, 3), torch.arange(20) > 9)
    for a, b in zip(DataLoader(data, 7), DataLoader(data, 7, num_workers=2), strict=True):
        assert type(a) is type(b) is list
        assert [t.dtype for t in a] == [t.dtype for t in b]
        assert all(torch.equal(s, t) for s, t in zip(a, b, strict=True))


def everything(i):
    """A nested sample with small and large, dense and odd arrays."""
    big = np.arange(3000, dtype=np.float32).reshape(50, 60) + i
    return {
        "tensor": torch.from_numpy(big),
        "pair": Pair(i, [str(i), bytes([i])]),
        "column": big.T,
        "strided": big[::2, ::3],
        "empty": torch.zeros(0, 3),
        "zero_d": torch.tensor(i),
        "flag": bool(i % 2),
        "none": None,
        "small": np.full(3, i, np.int16),
        "leaf": torch.ones(1000).requires_grad_(),
    }


def test_nested_samples_arrive_as_they_are():
    data = Does(everything, 6)
    for a, b in zip(DataLoader(data, None), DataLoader(data, None, num_workers=2), strict=True):
        assert a.keys() == b.keys()
        assert type(b["pair"]) is Pair
        assert a["pair"] == b["pair"]
        assert b["none"] is None
        assert b["leaf"].requires_grad
        for name in a:
            if isinstance(a[name], torch.Tensor):
                assert (a[name].dtype, a[name].shape) == (b[name].dtype, b[name].shape)
                assert torch.equal(a[name], b[name])


@pytest.mark.parametrize("shared", [True, False])
def test_a_batch_is_memory_of_its_own(shared, monkeypatch):
    if not shared:
        monkeypatch.delattr(os, "memfd_create")
    sizes = [10, 5000, 700, 90_000, 3, 200_000, 5000, 400_000]
    data = Does(lambda i: torch.full((sizes[i],), i), 8)
    loader = iter(DataLoader(data, None, num_workers=2, prefetch_factor=2))
    assert all((worker.memory is not None) == shared for worker in loader._workers)
    batches = list(loader)
    for i, batch in enumerate(batches):
        assert batch.shape == (sizes[i],)
        assert bool((batch == i).all())
        batch.fill_(-1)
        assert all(bool((later == j).all()) for j, later in enumerate(batches[i + 1 :], i + 1))
        assert batch.data_ptr() % 8 == 0


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_ways_to_start_workers(method, tmp_path):
    code = f"""
import multiprocessing
class Rows(Dataset):
    def __getitem__(self, i):
        if i == 6:
            raise Odd("six")
        return torch.full((3000,), i), get_worker_info().id
    def __len__(self):
        return 7
class Odd(Exception):
    pass
if __name__ == "__main__":
    for context in ("{method}", multiprocessing.get_context("{method}")):
        loader = iter(DataLoader(Rows(), 2, num_workers=2, multiprocessing_context=context))
        for _ in range(3):
            x, worker = next(loader)
            print(x.shape, x[:, -1].tolist(), worker.tolist())
        try:
            next(loader)
        except Odd as error:
            print("in DataLoader worker process 1" in str(error))
        del loader
"""
    status, out, err = run(tmp_path, code)
    assert err == ""
    expected = [f"torch.Size([2, 3000]) [{i}, {i + 1}] [{i // 2 % 2}, {i // 2 % 2}]" for i in (0, 2, 4)] + ["True"]
    assert out.splitlines() == expected * 2
    assert status == 0


# Iterable data sets


def test_iterable_data_sets_are_shared_out():
    assert sorted(flat(DataLoader(Numbers(11), 2, num_workers=3))) == list(range(11))
    assert [b.tolist() for b in DataLoader(Numbers(7), 2, num_workers=2)] == [[0, 2], [1, 3], [4, 6], [5]]
    assert [b.tolist() for b in DataLoader(Numbers(7), 2, num_workers=2, drop_last=True)] == [[0, 2], [1, 3], [4, 6]]
    assert list(DataLoader(Numbers(3), None, num_workers=4)) == [0, 1, 2]
    assert sorted(flat(DataLoader(Numbers(9), 2, num_workers=2, in_order=False))) == list(range(9))


def test_each_worker_has_a_copy_of_an_iterable_data_set():
    loader = DataLoader(Numbers(3, shared=False), num_workers=2)
    assert flat(batch for batch in loader) == [0, 0, 1, 1, 2, 2]
    assert len(loader) == 3
    with pytest.warns(UserWarning, match="but 4 samples have been fetched. Each worker has a copy"):
        assert flat(loader) == [0, 0, 1, 1, 2, 2]


def test_workers_that_stay_begin_an_iterable_data_set_anew():
    loader = DataLoader(Numbers(7), 2, num_workers=2, persistent_workers=True)
    assert [flat(loader) for _ in range(3)] == [[0, 2, 1, 3, 4, 6, 5]] * 3
    next(iter(loader))
    assert flat(loader) == [0, 2, 1, 3, 4, 6, 5]


# Workers know who they are


def who(_):
    return get_worker_info(), torch.initial_seed(), os.getpid()


def test_a_worker_knows_who_it_is():
    assert get_worker_info() is None
    samples = list(DataLoader(Does(who, 4), None, num_workers=2))
    infos = [info for info, _, _ in samples]
    assert [(i.id, i.num_workers) for i in infos] == [(0, 2), (1, 2), (0, 2), (1, 2)]
    assert infos[1].seed == infos[0].seed + 1
    assert [seed for _, seed, _ in samples] == [i.seed for i in infos]
    assert len({pid for _, _, pid in samples} | {os.getpid()}) == 3
    assert isinstance(infos[0].dataset, Does)
    with pytest.raises(AttributeError):
        infos[0].id = 3


def draws(_):
    return random.random(), np.random.rand(), torch.rand(()).item()  # noqa: NPY002 (what users draw from)


def test_workers_draw_different_numbers_that_follow_the_generator():
    def epochs(seed):
        loader = DataLoader(Does(draws, 4), None, num_workers=2, generator=generator(seed))
        return [list(loader) for _ in range(2)]

    first, second = epochs(1)
    assert len({number for sample in first + second for number in sample}) == 24
    assert epochs(1) == [first, second]
    assert epochs(2)[0] != first


def test_workers_may_be_prepared():
    chosen = {}
    data = Does(lambda i: chosen["number"], 4)
    loader = DataLoader(data, None, num_workers=2, worker_init_fn=lambda i: chosen.update(number=i * 7))
    assert list(loader) == [0, 7, 0, 7]
    assert chosen == {}

    def fails(number):
        raise LookupError(f"no file for {number}")

    with pytest.raises(LookupError, match=r"Caught LookupError in DataLoader worker process 0.\n.*") as caught:
        list(DataLoader(Squares(), num_workers=2, worker_init_fn=fails))
    assert "no file for 0" in str(caught.value)


def test_workers_stay_if_asked_to():
    data = Does(lambda i: (i, os.getpid()), 6)
    loader = DataLoader(data, None, num_workers=2, persistent_workers=True)
    first, second = list(loader), list(loader)
    assert first == second
    begun = iter(loader)
    assert next(begun) == first[0]
    assert list(loader) == first
    assert children() >= {pid for _, pid in first}
    del loader, begun
    gc.collect()
    assert not children() & {pid for _, pid in first}
    loader = DataLoader(data, None, num_workers=2)
    assert not {pid for _, pid in loader} & {pid for _, pid in loader}


def test_no_more_batches_are_made_than_asked_for():
    asked = []

    def order():
        for i in range(100):
            asked.append(i)
            yield i

    loader = iter(DataLoader(Squares(100), 1, sampler=order(), num_workers=2, prefetch_factor=3))
    assert len(asked) == 6
    next(loader)
    assert len(asked) == 7


def test_batches_come_in_order_or_as_they_are_ready():
    gate = multiprocessing.get_context("fork").Event()

    def sample(i):
        return i if i or gate.wait(30) else -1

    loader = iter(DataLoader(Does(sample, 6), None, num_workers=2, in_order=False))
    assert next(loader) == 1
    gate.set()
    assert sorted(loader) == [0, 2, 3, 4, 5]
    assert list(DataLoader(Does(sample, 6), None, num_workers=2)) == [0, 1, 2, 3, 4, 5]


def test_a_worker_runs_one_thread_after_the_parent_ran_many(tmp_path):
    code = """
import threading
a = torch.randn(600, 600)
a @ a                                  # the parent's BLAS has its threads now
torch.nn.functional.cross_entropy(torch.randn(64, 10), torch.zeros(64).long())   # and compiled kernels
from numba.core.compiler_lock import global_compiler_lock
taken = threading.Event()
def compile_for_a_while():
    with global_compiler_lock:
        taken.set()
        time.sleep(0.3)
threading.Thread(target=compile_for_a_while).start()
taken.wait()
class Products(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        import numba
        b = torch.randn(600, 600)
        y = float((b @ b).sum()) - float((b.sum(0) * b.sum(1)).sum())
        assert numba.njit(lambda x: x + i)(1) == 1 + i
        torch.nn.functional.cross_entropy(torch.randn(64, 10), torch.zeros(64).long())
        busy = [t for t in os.listdir("/proc/self/task")]
        return abs(y) < 5, len(busy)
print(list(DataLoader(Products(), None, num_workers=2)))
print(bool((a @ a).isfinite().all()))
"""
    status, out, err = run(tmp_path, code)
    assert err == ""
    assert out == f"{[[True, 2]] * 4}\nTrue\n"  # the second thread listens for tasks
    assert status == 0


# What goes wrong in a worker


class TwoPart(Exception):
    def __init__(self, code, where):
        super().__init__(f"{code} at {where}")


class Deaf(ValueError):
    def __init__(self, message):
        super().__init__("something")


def fails(error):
    def sample(i):
        if i == 3:
            raise error
        return i

    return Does(sample, 6)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("bad row"), ValueError),
        (KeyError("column"), KeyError),
        (FileNotFoundError(2, "No such file", "x.png"), FileNotFoundError),
        (type("Local", (IndexError,), {})("too far"), IndexError),
        (TwoPart(3, "there"), RuntimeError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd byte"), RuntimeError),
        (StopIteration("early"), RuntimeError),
    ],
)
def test_an_error_arrives_with_its_class_and_traceback(error, kind):
    loader = iter(DataLoader(fails(error), None, num_workers=2))
    assert [next(loader) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(kind) as caught:
        next(loader)
    assert type(caught.value) is kind
    text = str(caught.value)
    assert text.startswith(f"Caught {type(error).__name__} in DataLoader worker process 1.\nOriginal Traceback")
    assert 'test_workers.py", line' in text
    assert "raise error" in text
    assert str(error) in text
    assert "dataloader.py" not in text
    assert list(loader) == [4, 5]  # the others are not lost


def test_an_error_that_keeps_no_message_is_told_beside_it():
    with pytest.raises(Deaf, match="something") as caught:
        list(DataLoader(fails(Deaf("x")), None, num_workers=1))
    assert "Caught Deaf in DataLoader worker process 0" in caught.value.__notes__[0]


def test_an_error_of_an_iterable_data_set_arrives():
    class Broken(IterableDataset):
        def __iter__(self):
            yield 1
            raise OSError("disk gone")

    loader = iter(DataLoader(Broken(), None, num_workers=1))
    assert next(loader) == 1
    with pytest.raises(OSError, match="Caught OSError in DataLoader worker process 0"):
        next(loader)
    assert list(loader) == []


def test_a_batch_that_pickle_does_not_take_is_an_error_and_no_hang():
    loader = iter(DataLoader(Does(lambda i: (lambda: i) if i == 1 else i, 3), None, num_workers=1))
    assert next(loader) == 0
    with pytest.raises((pickle.PicklingError, AttributeError), match="top level of a module, or return tensors"):
        next(loader)
    assert list(loader) == [2]


def test_an_error_of_a_sampler_is_the_parents():
    def order():
        yield 0
        raise ZeroDivisionError("sampler")

    with pytest.raises(ZeroDivisionError, match=r"^sampler$"):
        list(DataLoader(Squares(), sampler=order(), num_workers=2))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), r"worker 1 was killed by SIGKILL \(out of memory\?\)"),
        (lambda: os.kill(os.getpid(), signal.SIGUSR1), "worker 1 was killed by SIGUSR1"),
        (lambda: sys.exit(3), "worker 1 ended with exit code 3"),
        (lambda: os._exit(0), "worker 1 ended with exit code 0"),
    ],
)
def test_a_worker_that_dies_is_noticed_at_once_and_named(end, words):
    def sample(i):
        return (i, end()) if i == 1 else time.sleep(300)  # worker 0 is asleep: nothing else would wake the parent

    loader = iter(DataLoader(Does(sample), None, num_workers=2))
    pids = {worker.process.pid for worker in loader._workers}
    words = rf"^DataLoader worker \(pid\(s\) \d+\) exited unexpectedly: {words}"
    with pytest.raises(RuntimeError, match=words) as caught:
        next(loader)
    assert any(f"pid(s) {pid})" in str(caught.value) for pid in pids)
    assert "num_workers=0" in str(caught.value)
    with pytest.raises(StopIteration):
        next(loader)


def test_workers_that_stay_are_replaced_after_one_died():
    died = multiprocessing.get_context("fork").Value("b", 0)

    def sample(i):
        if i == 2 and not died.value:
            died.value = 1
            os.kill(os.getpid(), signal.SIGKILL)
        return i

    loader = DataLoader(Does(sample, 4), None, num_workers=2, persistent_workers=True)
    with pytest.raises(RuntimeError, match="exited unexpectedly"):
        list(loader)
    assert list(loader) == [0, 1, 2, 3]


def test_waiting_may_be_limited():
    loader = DataLoader(Does(lambda i: i or time.sleep(300), 3), None, num_workers=1, timeout=0.2)
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0.2 seconds"):
        list(loader)
    assert list(DataLoader(Squares(3), None, num_workers=1, timeout=30))


def test_a_worker_that_does_not_stop_is_stopped():
    def stubborn(i):
        while i:
            try:
                time.sleep(300)
            except BaseException:
                continue
        return i

    from nanograd.utils.data import prefetch

    patience, prefetch.PATIENCE = prefetch.PATIENCE, 0.2
    try:
        assert next(iter(DataLoader(Does(stubborn), None, num_workers=2))) == 0
        assert not children() - trackers()
    finally:
        prefetch.PATIENCE = patience


def test_a_worker_cannot_have_workers():
    data = Does(lambda i: list(DataLoader(Squares(2), num_workers=1)), 1)
    with pytest.raises(RuntimeError, match=r"cannot have workers of its own. Use num_workers=0"):
        list(DataLoader(data, None, num_workers=1))


def test_what_cannot_be_sent_to_a_spawned_worker_is_told():
    loader = DataLoader(Does(lambda i: i), num_workers=1, multiprocessing_context="spawn")
    with pytest.raises((pickle.PicklingError, AttributeError)) as caught:
        iter(loader)
    assert "top level of a module, and no lambdas" in caught.value.__notes__[0]


def test_spawning_from_an_unguarded_script_is_told(tmp_path):
    code = """
class Rows(Dataset):
    def __getitem__(self, i):
        return i
    def __len__(self):
        return 3
list(DataLoader(Rows(), num_workers=1, multiprocessing_context="spawn"))
"""
    status, _, err = run(tmp_path, code)
    assert status == 1
    assert "its own code must stand under if __name__ == '__main__'" in err


# Nothing is left


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_stays_open():
    loader = DataLoader(Squares(), 4, num_workers=2)
    list(loader)
    before = open_files()
    for _ in range(3):
        list(loader)
        next(iter(loader))
    gc.collect()
    assert open_files() == before


@pytest.mark.parametrize("seconds", [0, 300])
def test_leaving_a_loop_early_stops_the_workers(seconds):
    before = children()
    for i in DataLoader(Does(lambda i: (i and time.sleep(seconds)) or i), None, num_workers=2):
        assert i == 0
        break
    assert children() == before


def test_leaving_early_with_much_on_the_way_does_not_hang():
    wide = [list(range(200_000))] * 10
    for batch in DataLoader(range(200_000), batch_sampler=wide, num_workers=1, collate_fn=len):
        assert batch == 200_000
        break
    for batch in DataLoader(Does(lambda i: "x" * 10_000_000), None, num_workers=2):
        assert len(batch) == 10_000_000
        break


@pytest.mark.parametrize("end", ["break", "sys.exit()"])
def test_a_sample_that_is_interrupted_may_still_clean_up(end, tmp_path):
    code = f"""
from pathlib import Path
begun, cleaned = Path({str(tmp_path / "begun")!r}), Path({str(tmp_path / "cleaned")!r})
class Rows(Dataset):
    def __getitem__(self, i):
        try:
            while i:
                begun.touch()
                time.sleep(300)
        finally:
            if i:
                cleaned.touch()
        return i
    def __len__(self):
        return 8
loader = DataLoader(Rows(), None, num_workers=1, persistent_workers=True)
for i in loader:
    while not begun.exists():
        time.sleep(0.01)
    {end}
"""
    status, _, err = run(tmp_path, code)
    assert (status, err) == (0, "")
    assert (tmp_path / "cleaned").exists()


def test_ctrl_c_at_the_very_start_of_a_worker_is_the_parents_alone(tmp_path):
    code = """
import signal
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGINT))
print(list(DataLoader(range(4), None, num_workers=2)))
"""
    assert run(tmp_path, code) == (0, "[0, 1, 2, 3]\n", "")


def test_what_is_left_of_an_epoch_is_not_made():
    context = multiprocessing.get_context("fork")
    gate, made = context.Event(), context.Value("i", 0)

    def sample(i):
        made.value += 1
        if made.value == 2:
            gate.wait(30)
        return i

    order = RandomSampler(range(9), generator=generator(1))
    loader = DataLoader(Does(sample, 9), None, sampler=order, num_workers=1, persistent_workers=True, prefetch_factor=4)
    begun = iter(loader)
    next(begun)
    assert eventually(lambda: made.value == 2)
    threading.Timer(0.5, gate.set).start()  # by then the worker has heard that another epoch begins
    assert sorted(loader) == list(range(9))
    assert made.value == 2 + 9


def test_two_loaders_at_once_do_not_disturb_each_other():
    outer = DataLoader(Squares(6), None, num_workers=2, persistent_workers=True)
    for _ in range(2):
        for i, _ in outer:
            assert [j for j, _ in DataLoader(Squares(3), None, num_workers=1)] == [0, 1, 2]
            assert i in range(6)


def test_an_iterator_is_of_one_process():
    loader = iter(DataLoader(Squares(), None, num_workers=1))
    next(loader)
    pid = os.fork()
    if not pid:
        status = 1
        try:
            list(loader)
        except RuntimeError as error:
            status = 0 if "belongs to the process that began it" in str(error) else 2
        del loader
        gc.collect()
        os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert len(list(loader)) == 19


UNGUARDED = """
def main():
    class Rows(Dataset):
        def __init__(self, transform):
            self.transform = transform
        def __getitem__(self, i):
            return self.transform(i)
        def __len__(self):
            return 8
    return Rows(lambda i: torch.full((2,), i * 2))
loader = DataLoader(main(), batch_size=4, num_workers=2, shuffle=False, persistent_workers=bool({persistent}))
for epoch in range(2):
    for batch in loader:
        print(batch.tolist())
kept = iter(loader)
print(next(kept)[0, 0].item())
{end}
"""


@pytest.mark.parametrize("persistent", [0, 1])
@pytest.mark.parametrize(
    ("end", "status", "last"),
    [("", 0, ""), ("sys.exit(4)", 4, ""), ("1 / 0", 1, "ZeroDivisionError: division by zero")],
)
def test_an_unguarded_script_with_local_classes_and_lambdas(persistent, end, status, last, tmp_path):
    found, out, err = run(tmp_path, UNGUARDED.format(persistent=persistent, end=end))
    epoch = "[[0, 0], [2, 2], [4, 4], [6, 6]]\n[[8, 8], [10, 10], [12, 12], [14, 14]]\n"
    assert out == epoch * 2 + "0\n"
    assert err.rpartition("\n")[0].rpartition("\n")[2] == last
    assert err.count("Traceback") == bool(last)
    assert found == status


ENDLESS = """
import multiprocessing, signal
class Slow(Dataset):
    def __getitem__(self, i):
        if i >= 2:
            time.sleep({seconds})
        return torch.zeros(20000)
    def __len__(self):
        return 10**6
if __name__ == "__main__":
    loader = iter(DataLoader(Slow(), 1, num_workers=2, multiprocessing_context="{method}"))
    next(loader), next(loader)  # one of each worker: both have started
    if {fork} and not os.fork():
        os.setpgid(0, 0)
        time.sleep(300)
    print(*(p.pid for p in multiprocessing.active_children()), flush=True)
    time.sleep({parent})
    for batch in loader:
        pass
"""


def begun(tmp_path, seconds, method="fork", fork=False, parent=0):
    process = start(tmp_path, ENDLESS.format(seconds=seconds, method=method, fork=fork, parent=parent))
    workers = [int(word) for word in process.stdout.readline().split()]
    assert len(workers) == 2
    return process, workers


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize(("seconds", "parent"), [(0, 0), (300, 0), (0, 300)])
def test_ctrl_c_ends_all_and_shows_the_parents_traceback_only(seconds, parent, method, tmp_path):
    process, _ = begun(tmp_path, seconds, method, parent=parent)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert err.count("Traceback") == 1
    assert err.endswith("KeyboardInterrupt\n")
    assert eventually(lambda: not in_group(process.pid))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize(("seconds", "method"), [(0, "fork"), (300, "fork"), (300, "spawn")])
def test_workers_notice_that_their_parent_is_gone(seconds, method, end, tmp_path):
    process, _ = begun(tmp_path, seconds, method)
    os.kill(process.pid, end)
    assert eventually(lambda: not in_group(process.pid))
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err


def test_a_child_that_the_parent_forked_does_not_keep_workers_alive(tmp_path):
    process, workers = begun(tmp_path, 300, fork=True)
    others = children(process.pid) - set(workers)
    assert len(others) == 1
    try:
        os.kill(process.pid, signal.SIGKILL)
        assert eventually(lambda: not any(stat(Path("/proc") / str(pid))[1] for pid in workers))
        assert all(stat(Path("/proc") / str(pid))[1] for pid in others)
    finally:
        for pid in others:
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=30)
