"""Files beside torch: what torch saved is read here, and what was saved here is read by torch."""

import io
import random
import string
from collections import Counter, OrderedDict, defaultdict

import numpy as np
import pytest

import nanograd as ours
from nanograd import dtypes
from nanograd import nn as our_nn
from nanograd import optim as our_optim
from nanograd.nn.parameter import Parameter
from nanograd.serialization import FileFormatError, UnsafeFileError
from nanograd.serialization.builder import STORAGE_NAMES

theirs = pytest.importorskip("torch", reason="torch, the oracle, is not installed")

DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def from_theirs(value, load=ours.load, **options):
    """What torch saved, as we load it."""
    buffer = io.BytesIO()
    theirs.save(value, buffer, **options)
    buffer.seek(0)
    return load(buffer)


def from_ours(value, **options):
    """What we saved, as torch loads it, weights only."""
    buffer = io.BytesIO()
    ours.save(value, buffer)
    buffer.seek(0)
    return theirs.load(buffer, weights_only=True, **options)


def plain(value):
    """A value of either library, as one that can be compared: bit for bit, with classes and order."""
    if isinstance(value, (theirs.Tensor, ours.Tensor)):
        elements = value.detach().numpy()
        kind = "parameter" if isinstance(value, (theirs.nn.Parameter, Parameter)) else "tensor"
        return kind, value.requires_grad, str(value.dtype), tuple(value.shape), elements.tobytes()
    if isinstance(value, (theirs.Size, ours.Size)):
        return "size", tuple(value)
    if isinstance(value, (theirs.dtype, theirs.device)) or type(value).__module__.startswith("nanograd"):
        return repr(value)
    if isinstance(value, dict):
        return type(value).__name__, [(plain(k), plain(v)) for k, v in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [plain(v) for v in value]
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(map(repr, value))
    return type(value).__name__, repr(value)


def random_value(torch, numbers, depth=0):
    """A random nested value, the same for either library given the same ``numbers``."""

    def text():
        return "".join(
            numbers.choice([*string.printable, "ä", "\u2028", "\U0001f600"]) for _ in range(numbers.randint(0, 6))
        )

    def tensor():
        dtype = numbers.choice(DTYPES)
        shape = [numbers.randint(0, 4) for _ in range(numbers.randint(0, 3))]
        raw = np.frombuffer(numbers.randbytes(8 * int(np.prod(shape))), np.uint8)
        count = int(np.prod(shape))
        if dtype == "bool":
            elements = raw[:count] > 127
        else:
            elements = raw[: count * np.dtype(dtype).itemsize].view(dtype)
        t = torch.from_numpy(elements.reshape(shape).copy())
        change = numbers.randint(0, 4)
        if change == 0 and t.ndim > 1:
            t = t.transpose(0, 1)
        elif change == 1 and t.ndim:
            t = t[::2]
        elif change == 2 and t.is_floating_point():
            t = t.requires_grad_()
        elif change == 3 and t.is_floating_point():
            t = torch.nn.Parameter(t, requires_grad=numbers.random() < 0.5)
        return t

    leaves = [
        lambda: None, lambda: numbers.random() < 0.5, lambda: numbers.randint(-300, 300),
        lambda: numbers.randint(-(2**80), 2**80), lambda: numbers.gauss(0, 1e9),
        lambda: numbers.choice([float("inf"), float("nan"), -0.0]), text, lambda: numbers.randbytes(5),
        lambda: bytearray(numbers.randbytes(3)), lambda: complex(numbers.random(), -0.0),
        lambda: {numbers.randint(0, 9), text()}, lambda: torch.Size([numbers.randint(0, 5), 2]),
        lambda: getattr(torch, numbers.choice(DTYPES)), lambda: torch.device("cuda", numbers.randint(0, 3)),
        lambda: torch.device("cpu"), lambda: Counter(text()),
    ]  # fmt: skip

    def inner():
        return random_value(torch, numbers, depth + 1)

    def pairs():
        keys = [text, lambda: numbers.randint(-5, 5), lambda: (1, text()), lambda: None]
        return [(numbers.choice(keys)(), inner()) for _ in range(numbers.randint(0, 4))]

    nests = [
        lambda: dict(pairs()), lambda: OrderedDict(pairs()), lambda: [inner() for _ in range(numbers.randint(0, 4))],
        lambda: tuple(inner() for _ in range(numbers.randint(0, 4))),
    ]  # fmt: skip
    kind = numbers.random()
    if depth > 4 or kind < 0.2:
        return numbers.choice(leaves)()
    return tensor() if kind < 0.5 else numbers.choice(nests)()


@pytest.mark.parametrize("seed", range(150))
def test_random_nested_values_move_both_ways(seed):
    mine, its = (random_value(torch, random.Random(seed)) for torch in (ours, theirs))
    assert plain(mine) == plain(its)
    assert plain(from_theirs(its)) == plain(its)
    assert plain(from_ours(mine)) == plain(mine)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("zipped", [True, False])
def test_every_protocol_and_the_legacy_format_are_read(protocol, zipped):
    for seed in range(20):
        its = random_value(theirs, random.Random(seed))
        loaded = from_theirs(its, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
        assert plain(loaded) == plain(its)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("zipped", [True, False])
def test_every_bit_of_every_dtype_arrives(dtype, zipped):
    raw = np.random.default_rng(0).integers(0, 256, 64, np.uint8)
    elements = raw % 2 == 1 if dtype == "bool" else raw.view(dtype)
    loaded = from_theirs(theirs.from_numpy(elements.copy()), _use_new_zipfile_serialization=zipped)
    assert loaded.numpy().tobytes() == elements.tobytes()
    assert from_ours(ours.from_numpy(elements.copy())).numpy().tobytes() == elements.tobytes()


def test_views_of_one_storage_share_it_after_loading():
    x = theirs.arange(12.0).reshape(3, 4)
    views = {"all": x, "row": x[1], "column": x[:, 2], "turned": x.T, "wide": x[0].expand(5, 4), "one": x[2, 3]}
    mine = ours.arange(12.0).reshape(3, 4)
    own = {"all": mine, "row": mine[1], "column": mine[:, 2], "turned": mine.T, "wide": mine[0].expand(5, 4)}
    own["one"] = mine[2, 3]
    for loaded in (from_theirs(views), from_theirs(views, _use_new_zipfile_serialization=False), from_ours(own)):
        assert {name: v.tolist() for name, v in loaded.items()} == {name: v.tolist() for name, v in views.items()}
        assert {name: v.stride() for name, v in loaded.items()} == {name: v.stride() for name, v in views.items()}
        loaded["all"].fill_(7)
        assert all((v == 7).all() for v in loaded.values())


def test_tied_parameters_stay_one():
    p = theirs.nn.Parameter(theirs.ones(2))
    q = ours.nn.Parameter(ours.ones(2))
    for loaded in (from_theirs({"a": p, "b": p}), from_ours({"a": q, "b": q})):
        assert loaded["a"] is loaded["b"]


def test_a_small_view_of_large_memory_makes_a_small_file():
    x = ours.zeros(100_000)
    buffer = io.BytesIO()
    ours.save([x[500:502], x[503]], buffer)
    assert len(buffer.getvalue()) < 4000
    buffer.seek(0)
    assert theirs.load(buffer)[0].tolist() == [0, 0]


def build(nn):
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01, "weight_decay": 0.1},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_training_goes_on_in_the_other_library(name, first):
    def train(torch, net, optimizer, steps, start):
        for step in range(start, start + steps):
            x = torch.from_numpy(np.random.default_rng(step).standard_normal((5, 3)).astype(np.float32))
            optimizer.zero_grad()
            (net(x) ** 2).mean().backward()
            optimizer.step()

    def parts(torch, optim):
        net = build(torch.nn)
        return net, getattr(optim, name)(net.parameters(), **OPTIMIZERS[name])

    libraries = {"ours": (ours, our_optim), "theirs": (theirs, theirs.optim)}
    start = libraries.pop(first)
    goal = next(iter(libraries.values()))
    net, optimizer = parts(*start)
    train(start[0], net, optimizer, 3, 0)
    buffer = io.BytesIO()
    start[0].save({"epoch": 3, "net": net.state_dict(), "optimizer": optimizer.state_dict()}, buffer)
    buffer.seek(0)
    saved = goal[0].load(buffer)
    other, resumed = parts(*goal)
    assert str(other.load_state_dict(saved["net"])) == "<All keys matched successfully>"
    resumed.load_state_dict(saved["optimizer"])
    train(start[0], net, optimizer, 3, 3)
    train(goal[0], other, resumed, 3, 3)
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-4, atol=1e-6)


def test_bfloat16_is_widened_without_loss():
    x = theirs.tensor([1.0, -2.5, 3.14159, float("inf"), float("nan"), 1e-40]).bfloat16()
    loaded = from_theirs({"a": x, "b": x[1:]})
    assert loaded["a"].dtype is ours.float32
    assert loaded["a"].numpy().tobytes() == x.float().numpy().tobytes()
    loaded["a"][1] = 0
    assert loaded["b"][0].item() == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: theirs.ones(2, dtype=theirs.complex64), "ComplexFloatStorage.*Convert the tensor"),
        (lambda: theirs.bfloat16, "torch.bfloat16.*use torch.float32"),
        (lambda: theirs.ones(2, dtype=theirs.uint16), "uint16"),
        (lambda: theirs.eye(2).to_sparse(), "_rebuild_sparse_tensor.*to_dense"),
        (lambda: theirs.ones(2).to(theirs.float8_e4m3fn), "float8_e4m3fn"),
        (lambda: theirs.ones(2, device="meta"), "_rebuild_meta_tensor_no_storage"),
    ],
)
def test_tensors_that_nanograd_does_not_have_are_refused_by_name(make, words):
    with pytest.raises(NotImplementedError, match=words):
        from_theirs([make()])


def test_numpy_values_of_torch_files_arrive():
    value = {
        "f": np.float64(2.5), "b": np.bool_(True), "a": np.arange(6).reshape(2, 3).T, "e": np.empty((0, 2), np.float32),
        "big": np.arange(3, dtype=">i4"), "0": np.array(7, np.int8),
    }  # fmt: skip
    for protocol in (2, 4, 5):
        loaded = from_theirs(value, pickle_protocol=protocol)
        for name, array in value.items():
            assert np.array_equal(loaded[name], array)
            assert np.asarray(loaded[name]).dtype == np.asarray(array).dtype.newbyteorder("=")
    buffer = io.BytesIO()
    ours.save(value, buffer)
    buffer.seek(0)
    loaded = theirs.load(buffer, weights_only=False)
    for name, array in value.items():
        assert np.array_equal(loaded[name], array)


def test_python_values_of_torch_files_arrive():
    value = {"d": defaultdict(list, {"a": [1]}), "f": frozenset([1, (2, 3)]), "n": 10**600, "c": Counter("aab")}
    assert from_theirs(value) == value
    assert from_theirs(value)["d"]["new"] == []


def test_what_torch_notes_beside_a_state_dict_stays():
    state = from_theirs(theirs.nn.BatchNorm1d(3).state_dict())
    assert state._metadata == {"": {"version": 2}}
    buffer = io.BytesIO()
    ours.save(state, buffer)
    buffer.seek(0)
    its = theirs.load(buffer)
    assert its._metadata == {"": {"version": 2}}
    theirs.nn.BatchNorm1d(3).load_state_dict(its)


def test_attributes_of_tensors_move_both_ways():
    for torch, move in ((theirs, from_theirs), (ours, from_ours)):
        t, p = torch.ones(2), torch.nn.Parameter(torch.ones(2))
        t.label, p.label = "first", {"k": 1}
        loaded = move([t, p])
        assert (loaded[0].label, loaded[1].label) == ("first", {"k": 1})


def test_buffers_move_both_ways():
    for torch, move in ((theirs, from_theirs), (ours, from_ours)):
        kept, passing = move([torch.nn.Buffer(torch.ones(2)), torch.nn.Buffer(torch.ones(2), persistent=False)])
        assert (kept.persistent, passing.persistent) == (True, False)
        assert isinstance(kept, theirs.nn.Buffer if torch is ours else our_nn.Buffer)
    assert type(from_theirs(theirs.nn.Buffer(theirs.ones(1)))) is our_nn.Buffer


def test_every_dtype_has_a_storage():
    assert set(STORAGE_NAMES) == set(dtypes.ALL)


def test_mapping_of_devices():
    x = theirs.arange(4.0)
    buffer = io.BytesIO()
    theirs.save({"x": x}, buffer)
    there = buffer.getvalue().replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
    import zipfile

    moved = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(buffer.getvalue())) as source, zipfile.ZipFile(moved, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data.pkl"):
                data = data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")
            target.writestr(name, data)
    assert there
    for where in ("cpu", ours.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage.cpu()):
        assert ours.load(io.BytesIO(moved.getvalue()), map_location=where)["x"].tolist() == [0, 1, 2, 3]
    with pytest.raises(RuntimeError) as mine:
        ours.load(io.BytesIO(moved.getvalue()))
    with pytest.raises(RuntimeError) as its:
        theirs.load(io.BytesIO(moved.getvalue()))
    assert str(its.value) in str(mine.value)
    with pytest.raises(RuntimeError, match="is_available"):
        ours.load(io.BytesIO(buffer.getvalue()), map_location="cuda")


def test_big_endian_files_are_read():
    x = theirs.arange(4, dtype=theirs.int32)
    buffer = io.BytesIO()
    theirs.save({"x": x, "h": theirs.ones(2).half()}, buffer)
    import zipfile

    moved = io.BytesIO()
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(moved, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("byteorder"):
                data = b"big"
            elif name.endswith("data/0"):
                data = x.numpy().byteswap().tobytes()
            elif name.endswith("data/1"):
                data = np.ones(2, ">f2").tobytes()
            target.writestr(name, data)
    moved.seek(0)
    loaded = ours.load(moved)
    assert loaded["x"].tolist() == [0, 1, 2, 3]
    assert loaded["h"].tolist() == [1, 1]


def test_whole_modules_and_programs_of_torch_are_refused(tmp_path):
    for options in ({}, {"weights_only": False}):
        with pytest.raises(
            UnsafeFileError, match=r"whole module of torch's own .torch\.nn\.modules\.linear\.Linear.*state_dict"
        ):
            from_theirs(theirs.nn.Linear(1, 1), load=lambda f, options=options: ours.load(f, **options))
    path = tmp_path / "script.pt"
    with pytest.warns(DeprecationWarning, match="jit"):
        theirs.jit.save(theirs.jit.script(theirs.nn.Linear(1, 1)), str(path))
    with pytest.raises(NotImplementedError, match="TorchScript"):
        ours.load(path)


def test_a_whole_module_of_ours_is_refused_by_torch():
    buffer = io.BytesIO()
    ours.save(our_nn.Linear(1, 1), buffer)
    buffer.seek(0)
    import pickle

    with pytest.raises(pickle.UnpicklingError, match=r"nanograd\.nn\.linear\.Linear"):
        theirs.load(buffer, weights_only=True)


def test_mapped_files_of_torch(tmp_path):
    path = tmp_path / "model.pt"
    value = {"a": theirs.arange(1000.0), "b": theirs.ones(3, 3).T, "e": theirs.empty(0), "h": theirs.ones(1).half()}
    theirs.save(value, path)
    before = path.read_bytes()
    loaded = ours.load(path, mmap=True)
    assert plain(loaded) == plain(value)
    loaded["a"].fill_(0)
    assert path.read_bytes() == before


def test_messages_of_load_state_dict_are_torchs():
    for torch in (ours, theirs):
        net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
        state = net.state_dict()
        state["extra"] = torch.ones(1)
        state["0.weight"] = torch.ones(5, 2)
        state["1.bias"] = 3
        del state["0.bias"]
        with pytest.raises(RuntimeError) as caught:
            net.load_state_dict(state)
        message = str(caught.value)
        if torch is ours:
            mine = message
    assert mine.replace("nanograd.tensors.Tensor", "torch.Tensor") == message


def test_messages_about_keys_are_torchs():
    found = []
    for torch in (ours, theirs):
        net = torch.nn.Linear(2, 3)
        found.append(repr(net.load_state_dict({"weight": torch.ones(3, 2), "w": torch.ones(1)}, strict=False)))
        found.append(repr(net.load_state_dict(net.state_dict())))
    assert found[:2] == found[2:]


def test_assigned_parameters_require_grad_as_torchs():
    for torch in (ours, theirs):
        net = torch.nn.Linear(2, 3)
        net.bias.requires_grad_(False)
        given = {"weight": torch.nn.Parameter(torch.ones(3, 2), requires_grad=False), "bias": torch.ones(3)}
        net.load_state_dict(given, assign=True)
        assert net.weight is given["weight"]
        assert (net.weight.requires_grad, net.bias.requires_grad) == (True, False)
        assert isinstance(net.bias, torch.nn.Parameter)


def test_damage_that_torch_notices_is_noticed_here(tmp_path):
    buffer = io.BytesIO()
    theirs.save({"w": theirs.arange(6.0)}, buffer)
    data = buffer.getvalue()
    for cut in range(0, len(data), 37):
        with pytest.raises((FileFormatError, EOFError)):
            ours.load(io.BytesIO(data[:cut]))
