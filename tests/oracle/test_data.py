"""Data beside torch: orders, batches, collating, and the words of errors."""

import collections
import itertools
import re

import numpy as np
import pytest

import nanograd as ours
import nanograd.utils.data as our_data

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")
their_data = pytest.importorskip("torch.utils.data", reason="torch, the oracle, is not installed")

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create 3 worker processes")  # torch's

BOTH = ((ours, our_data), (theirs, their_data))
Pair = collections.namedtuple("Pair", "first second")


class Sample(dict):
    pass


def plain(value):
    """A batch of either library as Python values, with its classes and dtypes."""
    if hasattr(value, "numpy"):
        return ["tensor", str(value.dtype), list(value.shape), value.tolist()]
    if isinstance(value, collections.abc.Mapping):
        return [type(value).__name__, {key: plain(v) for key, v in value.items()}]
    if isinstance(value, (list, tuple, collections.UserList)):
        return [type(value).__name__, [plain(v) for v in value]]
    return [type(value).__name__, value]


def outcome(call):
    try:
        return "value", plain(call())
    except Exception as error:
        return "error", error


def agree(call, words=True):
    """Both libraries give the same value, or errors of one class of which ours holds theirs' words."""
    (kind, mine), (their_kind, other) = (outcome(lambda lib=lib: call(*lib)) for lib in BOTH)
    assert kind == their_kind, (mine, other)
    if kind == "value":
        assert mine == other
        return
    assert isinstance(mine, type(other)), (mine, other)
    if words:
        assert squeezed(other) in squeezed(mine)


def squeezed(error):
    return re.sub(r"\s+", "", str(error)).replace("torch.", "").strip().rstrip(".")


SAMPLES = {
    "ints": lambda t: [1, 2, 3],
    "bools": lambda t: [True, False],
    "floats": lambda t: [1.0, 2.5],
    "ints then floats": lambda t: [1, 2.5],
    "floats then ints": lambda t: [2.5, 1],
    "large ints": lambda t: [2**40, -(2**40)],
    "texts": lambda t: ["a", "b"],
    "bytes": lambda t: [b"a", b"b"],
    "tensors": lambda t: [t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])],
    "0-d tensors": lambda t: [t.tensor(1), t.tensor(2)],
    "empty tensors": lambda t: [t.zeros(0, 2), t.zeros(0, 2)],
    "mixed dtypes": lambda t: [t.tensor([1]), t.tensor([1.5])],
    "arrays": lambda t: [np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)],
    "0-d arrays": lambda t: [np.array(1.5), np.array(2.5)],
    "small ints": lambda t: [np.ones(2, np.uint8), np.ones(2, np.uint8)],
    "scalars": lambda t: [np.float32(1), np.float32(2)],
    "double scalars": lambda t: [np.float64(1), np.float64(2)],
    "int scalars": lambda t: [np.int16(1), np.int16(2)],
    "bool scalars": lambda t: [np.bool_(True), np.bool_(False)],
    "array texts": lambda t: [np.str_("a"), np.str_("b")],
    "pairs": lambda t: [(1, "a"), (2, "b")],
    "lists": lambda t: [[1, 2.0], [3, 4.0]],
    "tuples of one": lambda t: [(t.ones(2),), (t.zeros(2),)],
    "empty tuples": lambda t: [(), ()],
    "named": lambda t: [Pair(1, t.ones(1)), Pair(2, t.zeros(1))],
    "dicts": lambda t: [{"a": 1, "b": [t.ones(1)]}, {"a": 2, "b": [t.zeros(1)]}],
    "dicts with more": lambda t: [{"a": 1}, {"a": 2, "b": 3}],
    "kinds of dict": lambda t: [Sample(a=1), Sample(a=2)],
    "ordered dicts": lambda t: [collections.OrderedDict(z=1, a=2)] * 2,
    "default dicts": lambda t: [collections.defaultdict(int, a=1)] * 2,
    "user lists": lambda t: [collections.UserList([1, 2])] * 2,
    "ranges": lambda t: [range(2), range(2)],
    "nested": lambda t: [{"x": (t.ones(2), [np.ones(1), {"y": Pair("a", b"b")}])} for _ in range(3)],
    "one": lambda t: [(1, 2.0)],
    "ragged tensors": lambda t: [t.zeros(2), t.zeros(3)],
    "ragged later": lambda t: [t.zeros(2, 1), t.zeros(2, 1), t.zeros(1, 2)],
    "ragged arrays": lambda t: [np.zeros(2), np.zeros((2, 1))],
    "ragged nested": lambda t: [{"a": (t.zeros(2),)}, {"a": (t.zeros(3),)}],
    "unequal lists": lambda t: [[1, 2], [1]],
    "unequal tuples": lambda t: [(1,), (1, 2)],
    "None": lambda t: [None, None],
    "objects": lambda t: [object, object],
    "sets": lambda t: [{1}, {2}],
    "object arrays": lambda t: [np.array([None])] * 2,
    "text arrays": lambda t: [np.array(["a"])] * 2,
    "None inside": lambda t: [(1, None), (2, None)],
}


@pytest.mark.parametrize("name", SAMPLES)
def test_collating_agrees(name):
    agree(lambda t, data: data.default_collate(SAMPLES[name](t)))


def test_a_missing_key_is_a_key_error_in_both():
    agree(lambda t, data: data.default_collate([{"a": 1}, {"b": 1}]), words=False)


@pytest.mark.parametrize("name", SAMPLES)
def test_converting_agrees(name):
    agree(lambda t, data: [data.default_convert(sample) for sample in SAMPLES[name](t)])


def squares(data, n=11):
    class Squares(data.Dataset):
        def __getitem__(self, i):
            return i, float(i * i)

        def __len__(self):
            return n

    return Squares()


def numbers(data, n=11):
    class Numbers(data.IterableDataset):
        def __iter__(self):
            info = data.get_worker_info()
            first, step = (info.id, info.num_workers) if info else (0, 1)
            return iter(range(first, n, step))

        def __len__(self):
            return n

    return Numbers()


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [1, 2, 4, 11, 20])
def test_batches_agree(size, drop_last, workers):
    options = dict(batch_size=size, drop_last=drop_last, num_workers=workers)
    agree(lambda t, data: list(data.DataLoader(squares(data), **options)))
    agree(lambda t, data: len(data.DataLoader(squares(data), **options)))
    agree(lambda t, data: [b for b in data.DataLoader(numbers(data), **options)])  # noqa: C416 (list asks for a length)
    agree(lambda t, data: len(data.DataLoader(numbers(data), **options)))


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_without_batches_agree(workers):
    agree(lambda t, data: list(data.DataLoader(squares(data), None, num_workers=workers)))
    agree(lambda t, data: [b for b in data.DataLoader(numbers(data), None, num_workers=workers)])  # noqa: C416
    agree(lambda t, data: list(data.DataLoader(squares(data), batch_sampler=[[3], [1, 2]], num_workers=workers)))
    agree(lambda t, data: list(data.DataLoader(squares(data), 2, sampler=[4, 2, 9], num_workers=workers)))


@pytest.mark.parametrize("error", [ValueError("bad row"), KeyError("key"), OSError(2, "gone"), StopIteration("early")])
def test_errors_of_workers_are_told_in_the_same_words(error):
    def fails(data):
        class Fails(data.Dataset):
            def __getitem__(self, i):
                raise error

            def __len__(self):
                return 2

        return list(data.DataLoader(Fails(), None, num_workers=1))

    (_, mine), (kind, other) = (outcome(lambda data=data: fails(data)) for _, data in BOTH)
    if kind == "value":  # torch ends the loop in silence where a sample raises StopIteration
        assert isinstance(error, StopIteration)
        assert isinstance(mine, RuntimeError)
        return
    assert type(mine) is type(other)
    first, last = str(other).splitlines()[0], [line for line in str(other).splitlines() if line.strip()][-1]
    assert str(mine).splitlines()[0] == first
    assert [line for line in str(mine).splitlines() if line.strip()][-1] == last


ARGUMENTS = [
    dict(num_workers=-1),
    dict(timeout=-1),
    dict(prefetch_factor=2),
    dict(num_workers=1, prefetch_factor=-1),
    dict(persistent_workers=True),
    dict(batch_size=0),
    dict(batch_size=None, drop_last=True),
    dict(shuffle=True, sampler=[1]),
    dict(batch_sampler=[[1]], batch_size=2),
    dict(batch_sampler=[[1]], shuffle=True),
    dict(multiprocessing_context="fork"),
    dict(num_workers=1, multiprocessing_context="frok"),
    dict(num_workers=1, multiprocessing_context=3),
]


@pytest.mark.parametrize("options", ARGUMENTS)
def test_arguments_are_refused_alike(options):
    agree(lambda t, data: data.DataLoader(squares(data), **options))


@pytest.mark.parametrize("options", [dict(shuffle=True), dict(sampler=[1]), dict(batch_sampler=[[1]])])
def test_arguments_for_iterable_data_sets_are_refused_alike(options):
    agree(lambda t, data: data.DataLoader(numbers(data), **options))


@pytest.mark.parametrize("name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset"])
def test_what_is_fixed_is_refused_alike(name):
    agree(lambda t, data: setattr(data.DataLoader(squares(data)), name, None))


def test_a_loader_has_the_same_attributes():
    names = ["batch_size", "num_workers", "prefetch_factor", "persistent_workers", "timeout", "drop_last", "in_order"]
    for options in ({}, dict(num_workers=2, batch_size=3), dict(batch_sampler=[[1]])):
        agree(lambda t, data, options=options: [getattr(data.DataLoader(squares(data), **options), n) for n in names])


@pytest.mark.parametrize("n", [1, 5, 6, 7])
@pytest.mark.parametrize("replicas", [1, 2, 3, 8])
@pytest.mark.parametrize("drop_last", [False, True])
def test_parts_of_several_processes_agree(n, replicas, drop_last):
    for rank in range(replicas):
        options = dict(num_replicas=replicas, rank=rank, shuffle=False, drop_last=drop_last)
        agree(lambda t, data, options=options: list(data.DistributedSampler(range(n), **options)))
        agree(lambda t, data, options=options: len(data.DistributedSampler(range(n), **options)))


def test_samplers_refuse_alike():
    for rank, replicas in ((2, 2), (-1, 2)):
        agree(lambda t, data, r=rank, n=replicas: data.DistributedSampler(range(3), n, r))
    agree(lambda t, data: data.RandomSampler(range(3), num_samples=0))
    agree(lambda t, data: data.RandomSampler(range(3), replacement=1))
    agree(lambda t, data: data.BatchSampler(range(3), 0, False))
    agree(lambda t, data: data.BatchSampler(range(3), 2, None))
    agree(lambda t, data: data.WeightedRandomSampler([1.0], -1))
    agree(lambda t, data: data.WeightedRandomSampler([[1.0]], 1), words=False)


def test_samplers_count_alike():
    for size, drop in itertools.product((1, 3, 4), (True, False)):
        agree(lambda t, data, s=size, d=drop: list(data.BatchSampler(range(10), s, d)))
    agree(lambda t, data: len(data.RandomSampler(range(3), num_samples=7)))
    agree(lambda t, data: sorted(data.RandomSampler(range(3), num_samples=6)))
    agree(lambda t, data: sorted(data.SubsetRandomSampler([4, 2])))
    agree(lambda t, data: len(list(data.WeightedRandomSampler([1.0, 2.0], 5))))


def test_combined_data_sets_agree():
    agree(lambda t, data: [(squares(data, 2) + squares(data, 3))[i] for i in (0, 1, 2, 4, -1)])
    agree(lambda t, data: data.StackDataset(squares(data, 3), [1, 2, 3]).__getitems__([0, 2]))
    agree(lambda t, data: data.StackDataset(a=squares(data, 3), b=[1, 2, 3]).__getitems__([0, 2]))
    agree(lambda t, data: data.Subset(squares(data), [3, 4]).__getitems__([1, 0]))
    agree(lambda t, data: list(data.ChainDataset([numbers(data, 2), numbers(data, 3)])))
    agree(lambda t, data: [len(p) for p in data.random_split(range(10), [0.33, 0.33, 0.34])])
    agree(lambda t, data: [len(p) for p in data.random_split(range(11), [0.5, 0.5])])
    agree(lambda t, data: data.random_split(range(10), [3, 3]))
    agree(lambda t, data: data.random_split(range(10), [1.5, -0.5]))
    agree(lambda t, data: data.StackDataset(squares(data, 2), squares(data, 3)))
