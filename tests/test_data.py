"""Data sets, samplers, collating and the loader; the fast path gives what the slow one gives."""

import collections
import doctest
import importlib
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
from nanograd.utils.data import (
    BatchSampler,
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    DistributedSampler,
    IterableDataset,
    RandomSampler,
    Sampler,
    SequentialSampler,
    StackDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
    default_collate,
    default_convert,
    random_split,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


class Squares(Dataset):
    def __init__(self, n):
        self.n = n

    def __getitem__(self, i):
        if not 0 <= i < self.n:
            raise IndexError(i)
        return i, float(i * i)

    def __len__(self):
        return self.n


class Stream(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return iter(range(self.n))

    def __len__(self):
        return self.n


# Data sets


def test_tensor_dataset_pairs_rows():
    data = TensorDataset(torch.arange(6).view(3, 2), torch.tensor([7, 8, 9]))
    x, y = data[1]
    assert (x.tolist(), y.item(), len(data)) == ([2, 3], 8, 3)
    assert data[-1][1].item() == 9
    with pytest.raises(IndexError):
        data[3]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: TensorDataset(), ValueError, "at least one tensor"),
        (lambda: TensorDataset(torch.zeros(3), torch.zeros(2)), ValueError, r"Size mismatch .*\(3,\), \(2,\)"),
        (lambda: TensorDataset([1, 2]), TypeError, "got a list"),
        (lambda: TensorDataset(torch.tensor(1)), ValueError, "0-d"),
        (lambda: ConcatDataset([]), ValueError, "empty iterable"),
        (lambda: ConcatDataset([Stream(2)]), TypeError, "ChainDataset"),
        (lambda: ConcatDataset([Squares(2)])[2], IndexError, "out of range"),
        (lambda: StackDataset(), ValueError, "by position or by name"),
        (lambda: StackDataset(Squares(2), Squares(3)), ValueError, "Size mismatch"),
        (lambda: Dataset()[0], NotImplementedError, "define __getitem__"),
        (lambda: iter(IterableDataset()), NotImplementedError, "define __iter__"),
        (lambda: iter(Sampler()), NotImplementedError, "define __iter__"),
        (lambda: random_split(Squares(5), [2, 2]), ValueError, "does not equal the length"),
        (lambda: random_split(Squares(5), [6, -1]), ValueError, "does not equal the length"),
        (lambda: random_split(Squares(5), [1.5, -0.5]), ValueError, "not between 0 and 1"),
    ],
)
def test_data_sets_refuse_what_does_not_fit(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_data_sets_are_combined():
    both = Squares(2) + Squares(3)
    assert isinstance(both, ConcatDataset)
    assert [both[i][0] for i in range(len(both))] == [0, 1, 0, 1, 2]
    assert both[-1] == (2, 4.0)
    chain = Stream(2) + Stream(1)
    assert isinstance(chain, ChainDataset)
    assert list(chain) == [0, 1, 0]
    assert len(chain) == 3
    assert StackDataset(Squares(2), Squares(2))[1] == ((1, 1.0), (1, 1.0))
    assert StackDataset(a=Squares(2))[1] == {"a": (1, 1.0)}
    part = Subset(Squares(5), [4, 2])
    assert (part[0], part[1], len(part)) == ((4, 16.0), (2, 4.0), 2)


@given(st.integers(1, 50), st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 9))
@settings(deadline=None, max_examples=50)
def test_a_random_split_covers_everything_once(n, weights, seed):
    fractions = [w / sum(weights) for w in weights]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = random_split(Squares(n), fractions, generator(seed))
        again = random_split(Squares(n), fractions, generator(seed))
    assert sorted(i for part in parts for i in part.indices) == list(range(n))
    assert [p.indices for p in parts] == [p.indices for p in again]
    for part, fraction in zip(parts, fractions, strict=True):
        assert abs(len(part) - n * fraction) <= 1 + 1e-9


def test_a_random_split_takes_lengths_and_warns_of_empty_parts():
    assert [len(p) for p in random_split(Squares(5), [3, 2])] == [3, 2]
    with pytest.warns(UserWarning, match="split at index 1 is 0"):
        random_split(Squares(5), [5, 0])
    assert random_split(Squares(100), [0.5, 0.5])[0].indices != sorted(
        random_split(Squares(100), [0.5, 0.5])[0].indices
    )


# Samplers


def test_samplers_give_each_number_once():
    assert list(SequentialSampler(range(4))) == [0, 1, 2, 3]
    order = list(RandomSampler(range(100), generator=generator()))
    assert sorted(order) == list(range(100))
    assert order != sorted(order)
    assert order == list(RandomSampler(range(100), generator=generator()))
    sampler = RandomSampler(range(100))
    assert list(sampler) != list(sampler)
    assert sorted(SubsetRandomSampler([3, 5, 9])) == [3, 5, 9]
    assert len(SubsetRandomSampler([3, 5, 9])) == len(SequentialSampler(range(3))) == 3


def test_random_sampler_draws_as_many_as_asked():
    more = list(RandomSampler(range(40), num_samples=100, generator=generator()))
    assert len(more) == 100
    assert sorted(more[:40]) == sorted(more[40:80]) == list(range(40))
    assert more[:40] != more[40:80]
    fewer = list(RandomSampler(range(10), num_samples=4))
    assert len(set(fewer)) == 4
    drawn = list(RandomSampler(range(3), replacement=True, num_samples=3000, generator=generator()))
    counts = collections.Counter(drawn)
    assert all(abs(counts[i] - 1000) < 5 * math.sqrt(3000 * 2 / 9) for i in range(3))


def test_weighted_sampler_follows_its_weights():
    drawn = list(WeightedRandomSampler([1.0, 0.0, 3.0], 4000, generator=generator()))
    counts = collections.Counter(drawn)
    assert counts[1] == 0
    assert abs(counts[2] - 3000) < 5 * math.sqrt(4000 * 3 / 16)
    assert sorted(WeightedRandomSampler([1.0, 2.0, 3.0], 3, replacement=False)) == [0, 1, 2]
    assert len(WeightedRandomSampler([1.0], 7)) == 7


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RandomSampler([]), "num_samples=0"),
        (lambda: RandomSampler([1], num_samples=-1), "num_samples=-1"),
        (lambda: RandomSampler([], num_samples=3), "empty data set"),
        (lambda: WeightedRandomSampler([1.0], 0), "num_samples=0"),
        (lambda: WeightedRandomSampler([[1.0]], 1), "1d sequence"),
        (lambda: WeightedRandomSampler([1.0], 1, replacement=3), "should be a boolean"),
        (lambda: BatchSampler(range(3), 0, False), "batch_size=0"),
        (lambda: BatchSampler(range(3), 2, 1), "drop_last should be a boolean"),
    ],
)
def test_samplers_refuse_wrong_numbers(make, words):
    with pytest.raises(ValueError, match=words):
        make()
    with pytest.raises(TypeError):
        RandomSampler([1], replacement="yes")


@given(st.integers(1, 40), st.integers(1, 12), st.booleans())
@settings(deadline=None)
def test_batches_are_consecutive_and_counted(n, size, drop_last):
    sampler = BatchSampler(SequentialSampler(range(n)), size, drop_last)
    batches = list(sampler)
    assert len(batches) == len(sampler)
    flat = [i for b in batches for i in b]
    assert flat == list(range(n - n % size if drop_last else n))
    assert all(len(b) == size for b in batches[:-1])


def test_a_distributed_sampler_takes_every_nth_of_an_order_all_share():
    parts = [list(DistributedSampler(range(10), num_replicas=3, rank=r, seed=5)) for r in range(3)]
    assert {len(p) for p in parts} == {4}
    assert {i for p in parts for i in p} == set(range(10))
    order = [i for row in zip(*parts, strict=True) for i in row]
    assert order[:2] == order[10:]
    fewer = [list(DistributedSampler(range(7), 3, r, False, drop_last=True)) for r in range(3)]
    assert fewer == [[0, 3], [1, 4], [2, 5]]
    assert list(DistributedSampler(range(2), 5, 4, shuffle=False)) == [0]
    sampler = DistributedSampler(range(50), 2, 0)
    first = list(sampler)
    assert first == list(sampler)
    sampler.set_epoch(1)
    assert first != list(sampler)
    assert len(sampler) == 25
    with pytest.raises(ValueError, match=r"Invalid rank 2, rank should be in the interval \[0, 1\]"):
        DistributedSampler(range(3), 2, 2)
    with pytest.raises(NotImplementedError, match="Give num_replicas and rank"):
        DistributedSampler(range(3))


# Collating


def test_collating_keeps_structure_and_dtypes():
    Point = collections.namedtuple("Point", "x y")
    samples = [
        {"image": torch.full((2,), i), "array": np.float32([i]), "label": i, "score": i / 2, "ok": bool(i),
         "name": str(i), "pair": (i, [np.float32(i)]), "point": Point(i, torch.tensor(i)), "np": np.int32(i)}
        for i in range(3)
    ]  # fmt: skip
    batch = default_collate(samples)
    assert batch["image"].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert batch["array"].dtype is torch.float32
    assert batch["array"].shape == (3, 1)
    assert (batch["label"].dtype, batch["label"].tolist()) == (torch.int64, [0, 1, 2])
    assert (batch["score"].dtype, batch["score"].tolist()) == (torch.float64, [0, 0.5, 1])
    assert batch["ok"].dtype is torch.bool
    assert batch["name"] == ["0", "1", "2"]
    assert type(batch["pair"]) is list
    assert batch["pair"][1][0].dtype is torch.float32
    assert type(batch["point"]) is Point
    assert batch["point"].y.tolist() == [0, 1, 2]
    assert batch["np"].dtype is torch.int32


def test_collating_keeps_the_classes_of_containers():
    class Sample(dict):
        pass

    made = Sample(a=1)
    made.source = "file"
    batch = default_collate([made, Sample(a=2)])
    assert (type(batch), batch.source, batch["a"].tolist()) == (Sample, "file", [1, 2])
    assert type(default_collate([collections.OrderedDict(a=1)])) is collections.OrderedDict
    assert default_collate([collections.defaultdict(int, a=1)])["b"] == 0
    assert type(default_collate([collections.UserList([1, 2])])) is collections.UserList
    assert default_collate([("a", 1), ("b", 2)])[0] == ("a", "b")
    assert default_collate([b"x", b"y"]) == [b"x", b"y"]
    assert default_collate([1, 2.5]).dtype is torch.float32
    assert default_collate([np.float64(1), np.float64(2)]).dtype is torch.float64
    assert default_collate([range(2), range(2)])[1].tolist() == [1, 1]


@pytest.mark.parametrize(
    ("batch", "error", "words"),
    [
        (
            [torch.zeros(2), torch.zeros(2), torch.zeros(1, 3)],
            RuntimeError,
            r"stack expects each tensor to be equal size, but got \[2\] at entry 0 and \[1, 3\] at entry 2",
        ),
        ([np.zeros(2), np.zeros(3)], RuntimeError, r"equal size, but got \[2\] at entry 0 and \[3\] at entry 1"),
        ([(1, 2), (1,)], RuntimeError, "each element in list of batch should be of equal size, got lengths"),
        ([[1], [1, 2]], RuntimeError, "each element in list of batch should be of equal size, got lengths"),
        ([{"a": 1}, {"b": 1}], KeyError, r"^default_collate: a sample has no 'a', .* it has \['b'\]"),
        ([np.array(["a"])], TypeError, "found <U1"),
        ([None, None], TypeError, "found <class 'NoneType'>"),
        ([object()], TypeError, "collate_fn"),
    ],
)
def test_samples_that_do_not_fit_are_refused(batch, error, words):
    with pytest.raises(error, match=words):
        default_collate(batch)


# The loader


def test_a_loader_gives_batches_in_order():
    loader = DataLoader(Squares(5), batch_size=2)
    batches = list(loader)
    assert [b[0].tolist() for b in batches] == [[0, 1], [2, 3], [4]]
    assert batches[0][1].dtype is torch.float64
    assert len(loader) == 3
    assert len(DataLoader(Squares(5), batch_size=2, drop_last=True)) == 2
    assert [b[0].tolist() for b in DataLoader(Squares(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert next(iter(DataLoader([3, 4], batch_size=2))).tolist() == [3, 4]


def test_shuffling_changes_each_epoch_and_follows_its_generator():
    data = TensorDataset(torch.arange(50))

    def epochs(seed):
        loader = DataLoader(data, batch_size=7, shuffle=True, generator=generator(seed))
        return [[i for (x,) in loader for i in x.tolist()] for _ in range(2)]

    first, second = epochs(0)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert epochs(0) == [first, second]
    assert epochs(1)[0] != first
    torch.manual_seed(3)
    a = [x.tolist() for (x,) in DataLoader(data, 7, shuffle=True)]
    torch.manual_seed(3)
    assert a == [x.tolist() for (x,) in DataLoader(data, 7, shuffle=True)]


@given(st.integers(1, 30), st.integers(1, 8), st.booleans(), st.integers(0, 2))
@settings(deadline=None, max_examples=50)
def test_the_fast_path_gives_what_the_slow_path_gives(n, size, shuffle, depth):
    rng = np.random.default_rng(n)
    data = TensorDataset(
        torch.from_numpy(rng.integers(0, 256, (n, 2, 3)).astype(np.uint8)),
        torch.from_numpy(rng.standard_normal((3, n)).astype(np.float32)).T,
        torch.arange(n),
        torch.from_numpy(rng.standard_normal(n) > 0),
    )
    for _ in range(depth):
        data = Subset(data, [int(i) for i in rng.permutation(n)])
    fast = DataLoader(data, size, shuffle=shuffle, generator=generator())
    slow = DataLoader(data, size, shuffle=shuffle, generator=generator(), collate_fn=lambda b: default_collate(b))
    for a, b in zip(fast, slow, strict=True):
        assert type(a) is type(b) is list
        for s, t in zip(a, b, strict=True):
            assert s.dtype is t.dtype
            assert torch.equal(s, t)


def test_a_batch_shares_no_memory_with_the_data():
    x = torch.zeros(4)
    for loader in (DataLoader(TensorDataset(x), 2), DataLoader(TensorDataset(x), 4)):
        for (batch,) in loader:
            batch.fill_(1)
    assert x.sum().item() == 0


def test_a_subclass_of_tensor_dataset_keeps_its_own_items():
    class Doubled(TensorDataset):
        def __getitem__(self, i):
            return self.tensors[0][i] * 2

    assert next(iter(DataLoader(Doubled(torch.arange(3)), 3))).tolist() == [0, 2, 4]
    assert next(iter(DataLoader(Subset(Doubled(torch.arange(3)), [2]), 1))).tolist() == [4]


def test_samplers_batches_and_collating_may_be_yours():
    data = Squares(6)
    assert [b[0].tolist() for b in DataLoader(data, 2, sampler=[5, 3, 1])] == [[5, 3], [1]]
    assert [b[0].tolist() for b in DataLoader(data, batch_sampler=[[0], [1, 2]])] == [[0], [1, 2]]
    assert len(DataLoader(data, batch_sampler=[[0], [1, 2]])) == 2
    assert list(DataLoader(data, 3, collate_fn=lambda batch: [i for i, _ in batch])) == [[0, 1, 2], [3, 4, 5]]
    assert list(DataLoader(data, batch_size=None))[2] == [2, 4.0]
    assert len(DataLoader(data, batch_size=None)) == 6


def test_streams_are_batched():
    assert [b.tolist() for b in DataLoader(Stream(5), 2)] == [[0, 1], [2, 3], [4]]
    assert [b.tolist() for b in DataLoader(Stream(5), 2, drop_last=True)] == [[0, 1], [2, 3]]
    assert list(DataLoader(Stream(3), None)) == [0, 1, 2]
    assert (len(DataLoader(Stream(5), 2)), len(DataLoader(Stream(5), 2, drop_last=True))) == (3, 2)
    assert len(DataLoader(Stream(5), None)) == 5


def test_a_sample_without_a_batch_is_converted():
    (x, word, pair) = next(iter(DataLoader([(np.ones(2), "a", (np.int64(3), 4))], batch_size=None)))
    assert isinstance(x, torch.Tensor)
    assert word == "a"
    assert pair[0].item() == 3
    assert default_convert({"a": np.zeros(1)})["a"].shape == (1,)


def test_getitems_is_used_where_a_data_set_has_it():
    class Bulk(Squares):
        def __getitems__(self, indices):
            return [(i, -1.0) for i in indices]

    assert next(iter(DataLoader(Bulk(2), 2)))[1].tolist() == [-1, -1]
    assert next(iter(DataLoader(Subset(Bulk(9), [4, 2]), 2)))[0].tolist() == [4, 2]
    stacked = StackDataset(Bulk(4), Squares(4))
    assert stacked.__getitems__([3, 1]) == [((3, -1.0), (3, 9.0)), ((1, -1.0), (1, 1.0))]
    named = StackDataset(a=Bulk(4), b=Squares(4))
    assert named.__getitems__([3]) == [{"a": (3, -1.0), "b": (3, 9.0)}]

    class Short(Bulk):
        def __getitems__(self, indices):
            return []

    with pytest.raises(ValueError, match=r"output size mismatch. Expected 2, got 0"):
        list(DataLoader(Subset(Short(4), [0, 1]), 2))


def test_an_item_redefined_counts_also_where_several_are_asked_for():
    class Negative(Subset):
        def __getitem__(self, i):
            return -self.dataset[self.indices[i]]

    class Sums(StackDataset):
        def __getitem__(self, i):
            return sum(d[i] for d in self.datasets)

    assert next(iter(DataLoader(Negative([1, 2, 3], [2, 1]), 2))).tolist() == [-3, -2]
    assert next(iter(DataLoader(Sums([1, 2], [3, 4]), 2))).tolist() == [4, 6]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: DataLoader(Squares(3), 0), ValueError, "batch_size=0"),
        (lambda: DataLoader(Squares(3), 2.0), ValueError, "batch_size=2.0"),
        (lambda: DataLoader(Squares(3), shuffle=True, sampler=[1]), ValueError, "exclusive with shuffle"),
        (
            lambda: DataLoader(Squares(3), 2, batch_sampler=[[1]]),
            ValueError,
            "batch_sampler option is mutually exclusive",
        ),
        (lambda: DataLoader(Squares(3), None, drop_last=True), ValueError, "disables auto-batching"),
        (lambda: DataLoader(Squares(3), shuffle="yes"), ValueError, "expected shuffle True or False"),
        (lambda: DataLoader(Squares(0), shuffle=True), ValueError, "num_samples=0"),
        (lambda: DataLoader(Squares(3), num_workers=-1), ValueError, "non-negative"),
        (lambda: DataLoader(Squares(3), timeout=-1), ValueError, "timeout"),
        (lambda: DataLoader(Squares(3), prefetch_factor=2), ValueError, "prefetch_factor"),
        (lambda: DataLoader(Squares(3), num_workers=1, prefetch_factor=0), ValueError, "prefetch_factor .* got 0"),
        (lambda: DataLoader(Squares(3), persistent_workers=True), ValueError, "persistent_workers"),
        (lambda: DataLoader(Squares(3), multiprocessing_context="fork"), ValueError, "num_workers > 0"),
        (lambda: DataLoader(Squares(3), num_workers=1, multiprocessing_context="frok"), ValueError, "but got .*'frok'"),
        (lambda: DataLoader(Squares(3), num_workers=1, multiprocessing_context=3), TypeError, "valid context object"),
        (lambda: DataLoader(Stream(3), shuffle=True), ValueError, "expected unspecified shuffle option"),
        (lambda: DataLoader(Stream(3), sampler=[1]), ValueError, "expected unspecified sampler option"),
        (lambda: DataLoader(Squares), TypeError, "got the class Squares"),
        (lambda: DataLoader(3), TypeError, r"TensorDataset\(x, y\)"),
        (lambda: DataLoader(DataLoader(Squares(3))), TypeError, "pass its .dataset"),
        (lambda: DataLoader(iter([1])), TypeError, r"has no len\(\)"),
    ],
)
def test_a_loader_refuses_wrong_arguments_at_once(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("name", ["batch_size", "batch_sampler", "sampler", "drop_last", "dataset"])
def test_what_decides_the_order_is_decided_once(name):
    loader = DataLoader(Squares(3))
    with pytest.raises(ValueError, match=f"{name} attribute should not be set after"):
        setattr(loader, name, 1)
    loader.collate_fn = len
    assert list(loader) == [1, 1, 1]


def test_a_length_that_was_too_short_is_told():
    class Longer(Stream):
        def __len__(self):
            return self.n - 1

    loader = DataLoader(Longer(3), batch_size=None)
    assert [x for x in loader] == [0, 1, 2]  # noqa: C416 (list() asks for the length)
    with pytest.warns(UserWarning, match="was reported to be 2 .* but 3 samples have been fetched"):
        assert list(loader) == [0, 1, 2]


def test_an_error_in_a_data_set_arrives_unchanged():
    class Broken(Squares):
        def __getitem__(self, i):
            raise KeyError("no such file")

    with pytest.raises(KeyError, match="no such file"):
        list(DataLoader(Broken(3)))


def test_pinned_memory_is_accepted():
    assert len(list(DataLoader(Squares(2), pin_memory=True))) == 2


@pytest.mark.parametrize("name", ["dataset", "sampler", "collate", "dataloader", "distributed", "info"])
def test_examples_of_the_documentation(name):
    module = importlib.import_module(f"nanograd.utils.data.{name}")
    scope = dict(vars(torch.utils.data), torch=torch, np=np)
    assert not doctest.testmod(module, extraglobs=scope).failed


def test_a_pass_with_more_samples_than_fit_into_memory_begins_at_once():
    data = TensorDataset(torch.arange(5))
    sampler = RandomSampler(data, replacement=True, num_samples=10**12)
    (first,) = next(iter(DataLoader(data, batch_size=7, sampler=sampler)))
    assert first.shape == (7,)
    assert next(iter(sampler)) in range(5)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("count", [10, 13, 25])
def test_batches_go_on_from_one_round_of_a_sampler_into_the_next(count, drop_last):
    data = TensorDataset(torch.arange(10))
    sampler = RandomSampler(data, num_samples=count)
    batches = [x.tolist() for (x,) in DataLoader(data, batch_size=4, sampler=sampler, drop_last=drop_last)]
    full, rest = divmod(count, 4)
    assert [len(b) for b in batches] == [4] * full + ([rest] if rest and not drop_last else [])
    numbers = [n for b in batches for n in b]
    assert sorted(numbers[:10]) == list(range(10))[: len(numbers[:10])] or drop_last
