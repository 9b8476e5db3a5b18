"""Saving and loading: what comes back, who else can read it, what is refused, and what an interruption leaves."""

import contextlib
import io
import json
import math
import os
import stat
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nanograd as torch
from nanograd import nn, optim
from nanograd.serialization import FileFormatError

DTYPES = [np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8, np.uint8, np.bool_]


def names(directory):
    return [path.name for path in directory.iterdir()]


def round_trip(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return torch.load(buffer)


def same(a, b):
    """Equal in value, class and dtype; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return a.requires_grad == b.requires_grad and same(a.detach().numpy(), b.detach().numpy())
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(), b.values()))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


shapes = arrays.array_shapes(min_dims=0, min_side=0, max_side=4)
tensors = st.builds(
    lambda a, t: torch.from_numpy(a.T if t else a),
    st.sampled_from(DTYPES).flatmap(lambda d: arrays.arrays(d, shapes)),
    st.booleans(),
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), tensors,
    st.sampled_from([torch.float32, torch.bool, torch.device("cpu"), torch.Size([2, 3])]),
)  # fmt: skip
pairs = st.tuples(st.integers(), st.text(max_size=2))
keys = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.none(), pairs)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=12,
)


@given(values)
@settings(deadline=None, max_examples=200)
def test_whatever_is_saved_comes_back(value):
    assert same(round_trip(value), value)


def test_a_checkpoint_goes_through_a_file_and_training_continues(tmp_path):
    def parts():
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        return net, optim.Adam(net.parameters(), lr=0.1)

    def train(net, optimizer, steps):
        for i in range(steps):
            optimizer.zero_grad()
            (net(torch.full((2, 3), i / 4)) ** 2).sum().backward()
            optimizer.step()

    torch.manual_seed(0)
    net, optimizer = parts()
    train(net, optimizer, 3)
    path = tmp_path / "checkpoint.safetensors"
    torch.save({"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict()}, path)
    train(net, optimizer, 2)
    other, resumed = parts()
    saved = torch.load(str(path), map_location="cpu", weights_only=True)
    assert saved["epoch"] == 3
    other.load_state_dict(saved["model"])
    resumed.load_state_dict(saved["optimizer"])
    assert list(saved["model"]) == list(net.state_dict())
    train(other, resumed, 2)
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_what_is_loaded_owns_its_memory_and_can_be_written():
    x = torch.zeros(3)
    y = round_trip({"x": x})["x"]
    y.fill_(1)
    assert x.sum().item() == 0


def test_tied_tensors_are_written_once_and_loaded_as_one():
    weight = torch.ones(1000)
    buffer = io.BytesIO()
    torch.save({"a": weight, "b": weight.detach(), "c": weight.clone()}, buffer)
    assert 8000 < len(buffer.getvalue()) < 9000
    buffer.seek(0)
    loaded = torch.load(buffer)
    loaded["a"].fill_(5)
    assert loaded["b"][0].item() == 5
    assert loaded["c"][0].item() == 1
    halves = round_trip([weight[:500], weight[500:]])
    assert [h.shape for h in halves] == [(500,), (500,)]


def test_tensors_whose_names_would_be_the_same_are_kept_apart():
    loaded = round_trip({"a.b": torch.zeros(1), "a": {"b": torch.ones(1)}, "__metadata__": torch.full((1,), 2.0)})
    assert loaded["a.b"].item() == 0
    assert loaded["a"]["b"].item() == 1
    assert loaded["__metadata__"].item() == 2


def test_a_leaf_keeps_its_requires_grad_and_a_result_does_not():
    x = torch.ones(2, requires_grad=True)
    leaf, result, parameter = round_trip([x, x * 2, nn.Parameter(torch.ones(1))])
    assert leaf.requires_grad
    assert not result.requires_grad
    assert parameter.requires_grad
    assert type(parameter) is torch.Tensor


def test_numpy_numbers_become_pythons_and_arrays_stay():
    loaded = round_trip([np.float64(0.5), np.int32(3), np.bool_(True), np.arange(3)[::-1]])
    assert [type(v) for v in loaded] == [float, int, bool, np.ndarray]
    assert loaded[3].tolist() == [2, 1, 0]


# The format


def read_plainly(data):
    """The published format, read in four lines: header and body."""
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def write_plainly(header, body, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def test_a_state_dict_is_a_safetensors_file_others_can_read():
    net = nn.Conv2d(1, 2, 3)
    buffer = io.BytesIO()
    torch.save(net.state_dict(), buffer)
    header, body = read_plainly(buffer.getvalue())
    assert set(header) == {"__metadata__", "weight", "bias"}
    entry = header["weight"]
    assert (entry["dtype"], entry["shape"]) == ("F32", [2, 1, 3, 3])
    start, end = entry["data_offsets"]
    weight = np.frombuffer(body[start:end], "<f4").reshape(2, 1, 3, 3)
    np.testing.assert_array_equal(weight, net.weight.detach().numpy())
    assert all(isinstance(v, str) for v in header["__metadata__"].values())


def test_tensors_lie_at_multiples_of_their_size():
    buffer = io.BytesIO()
    torch.save({"b": torch.ones(3, dtype=torch.bool), "d": torch.ones(2).double(), "f": torch.ones(3)}, buffer)
    header, body = read_plainly(buffer.getvalue())
    assert (len(buffer.getvalue()) - len(body)) % 8 == 0
    for name, size in (("d", 8), ("f", 4)):
        assert header[name]["data_offsets"][0] % size == 0


def test_a_file_of_others_is_a_dict_of_tensors_in_their_order():
    body = np.arange(4, dtype="<i2").tobytes() + b"\x00\x01\x02"
    header = {
        "z": {"dtype": "I16", "shape": [2, 2], "data_offsets": [0, 8]},
        "a": {"dtype": "BOOL", "shape": [3], "data_offsets": [8, 11]},
        "__metadata__": {"format": "pt"},
    }
    loaded = torch.load(io.BytesIO(write_plainly(header, body)))
    assert list(loaded) == ["z", "a"]
    assert loaded["z"].tolist() == [[0, 1], [2, 3]]
    assert loaded["a"].tolist() == [False, True, True]


def entry(**changes):
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


def tree(value, version=1):
    return {"__metadata__": {"nanograd": json.dumps({"version": version, "tree": value})}}


DAMAGED = {
    "empty": b"",
    "cut in the length": b"\x10\x00",
    "a text": b"hello, this is no such file",
    "huge header": write_plainly({}, b"", 2**63),
    "header beyond the end": write_plainly({}, b"", 3),
    "header of no JSON": write_plainly(b"{nope}", b""),
    "header of no UTF-8": write_plainly(b'{"\xff": 1}', b""),
    "header nested without end": write_plainly(b"[" * 100_000, b""),
    "header is a list": write_plainly([], b""),
    "entry twice": write_plainly(b'{"a": 1, "a": 2}', b""),
    "metadata of numbers": write_plainly({"__metadata__": {"a": 1}}, b""),
    "metadata is a list": write_plainly({"__metadata__": []}, b""),
    "entry without shape": write_plainly({"a": {"dtype": "F32", "data_offsets": [0, 8]}}, bytes(8)),
    "entry is a number": write_plainly({"a": 3}, b""),
    "unknown dtype": write_plainly({"a": entry(dtype="F33")}, bytes(8)),
    "dtype is a list": write_plainly({"a": entry(dtype=["F32"])}, bytes(8)),
    "negative size": write_plainly({"a": entry(shape=[-2])}, bytes(8)),
    "size is a truth value": write_plainly({"a": entry(shape=[True, 2])}, bytes(8)),
    "size is a fraction": write_plainly({"a": entry(shape=[2.0])}, bytes(8)),
    "shape does not fit the bytes": write_plainly({"a": entry(shape=[3])}, bytes(8)),
    "shape overflows": write_plainly({"a": entry(shape=[2**62, 2**62])}, bytes(8)),
    "dimensions beyond all bounds": write_plainly({"a": entry(shape=[1] * 100 + [2])}, bytes(8)),
    "offsets backwards": write_plainly({"a": entry(data_offsets=[8, 0])}, bytes(8)),
    "three offsets": write_plainly({"a": entry(data_offsets=[0, 8, 8])}, bytes(8)),
    "offsets beyond the end": write_plainly({"a": entry()}, bytes(4)),
    "bytes left over": write_plainly({"a": entry()}, bytes(12)),
    "a gap": write_plainly({"a": entry(), "b": entry(data_offsets=[12, 20])}, bytes(20)),
    "an overlap": write_plainly({"a": entry(), "b": entry(data_offsets=[4, 12])}, bytes(12)),
    "a later version": write_plainly(tree(1, version=2), b""),
    "structure of no JSON": write_plainly({"__metadata__": {"nanograd": "{"}}, b""),
    "structure without a tree": write_plainly({"__metadata__": {"nanograd": '{"version": 1}'}}, b""),
    "a tensor that is not there": write_plainly(tree({"tensor": "gone"}), b""),
    "an unknown kind": write_plainly(tree({"eval": "1"}), b""),
    "two kinds": write_plainly(tree({"float": "1", "dict": []}), b""),
    "pairs of three": write_plainly(tree({"dict": [[1, 2, 3]]}), b""),
    "a key that is a list": write_plainly(tree({"dict": [[[1], 2]]}), b""),
    "a number that is none": write_plainly(tree({"float": "one"}), b""),
    "a dtype that is none": write_plainly(tree({"dtype": "float33"}), b""),
    "structure nested without end": write_plainly(tree(json.loads("[" * 500 + "]" * 500)), b""),
    "integers that require grad": write_plainly(
        {"i": {"dtype": "I8", "shape": [1], "data_offsets": [0, 1]}, **tree({"tensor": "i", "requires_grad": True})},
        b"\x01",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_or_hostile_file_is_refused(name, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DAMAGED[name])
    with pytest.raises(FileFormatError, match="load: the file is damaged or not a safetensors file: "):
        torch.load(path)


@given(st.data())
@settings(deadline=None, max_examples=200)
def test_a_changed_or_cut_file_loads_or_is_refused_but_does_nothing_else(data):
    buffer = io.BytesIO()
    torch.save({"w": torch.arange(4.0), "n": [1, 2.5, "x", None, (True,)]}, buffer)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(content))))
    with contextlib.suppress(FileFormatError, NotImplementedError):
        torch.load(io.BytesIO(bytes(content[:cut])))


def test_files_of_torch_and_pickles_are_refused_by_name():
    for start in (b"PK\x03\x04rest", b"\x80\x02rest of a pickle"):
        with pytest.raises(NotImplementedError, match=r"safetensors\.torch\.save_file"):
            torch.load(io.BytesIO(start))


def test_nothing_in_a_file_is_run(tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "pwned"),))

    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(NotImplementedError):
        torch.load(path, weights_only=False)
    assert not (tmp_path / "pwned").exists()


# What is refused when saving


class Custom:
    pass


Point = namedtuple("Point", "x y")
LOOP = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (nn.Linear(1, 1), r"cannot store a Linear. Save its state: torch.save\(linear.state_dict\(\), path\)"),
        ({"a": [Custom()]}, "cannot store a Custom at 'a.0'"),
        (Point(1, 2), "plain tuple or dict"),
        ({1, 2}, "cannot store a set"),
        (1j, "cannot store a complex"),
        (np.array(["a"]), "arrays of <U1"),
        (LOOP, "contained in itself"),
        (lambda: 1, "cannot store a function"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_leaves_no_file(value, words, tmp_path):
    path = tmp_path / "f"
    with pytest.raises(TypeError, match=words):
        torch.save(value, path)
    assert names(tmp_path) == []


# Files


def test_an_interrupted_save_leaves_the_former_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    torch.save({"x": torch.ones(3)}, path)
    before = path.read_bytes()

    class Halfway:
        """A file whose third write fails, half done: a full disk, a power cut, Ctrl-C."""

        def __init__(self, file, error):
            self.file, self.error, self.writes = file, error, 0

        def write(self, data):
            self.writes += 1
            if self.writes == 3:
                self.file.write(bytes(data)[: len(bytes(data)) // 2])
                raise self.error
            self.file.write(data)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            self.file.close()

    plain_open = io.open
    for error in (OSError("No space left on device"), KeyboardInterrupt()):
        monkeypatch.setattr(io, "open", lambda *a, error=error, **k: Halfway(plain_open(*a, **k), error))
        with pytest.raises(type(error)):
            torch.save({"x": torch.zeros(3)}, path)
        monkeypatch.undo()
        assert path.read_bytes() == before
        assert names(tmp_path) == ["model.safetensors"]
    assert torch.load(path)["x"].tolist() == [1, 1, 1]


def test_a_failing_replace_leaves_the_former_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "m"
    torch.save([1], path)

    def refuse(*args, **kwargs):
        raise PermissionError("replace")

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(type(path), "replace", refuse)
    with pytest.raises(PermissionError):
        torch.save([2], path)
    assert torch.load(path) == [1]
    assert names(tmp_path) == ["m"]


def test_the_new_file_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    events = []
    fsync, replace = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda fd: events.append("sync") or fsync(fd))
    monkeypatch.setattr(type(tmp_path), "replace", lambda *a: events.append("replace") or replace(*a))
    torch.save([1], tmp_path / "m")
    assert events[:2] == ["sync", "replace"]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_and_links_are_kept(tmp_path):
    path, link = tmp_path / "m", tmp_path / "link"
    torch.save([1], path)
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask
    path.chmod(0o600)
    link.symlink_to(path)
    torch.save([2], link)
    assert link.is_symlink()
    assert torch.load(path) == [2]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    torch.save([3], os.devnull)


def test_places_that_do_not_exist_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no directory .*missing"):
        torch.save([1], tmp_path / "missing" / "m")
    with pytest.raises(FileNotFoundError, match="absent"):
        torch.load(tmp_path / "absent")
    with pytest.raises(IsADirectoryError):
        torch.save([1], tmp_path)
    with pytest.raises(TypeError, match="open for reading bytes"):
        torch.load(io.StringIO("text"))


def test_a_device_may_be_named_when_loading():
    def load(where):
        buffer = io.BytesIO()
        torch.save(torch.ones(1), buffer)
        buffer.seek(0)
        return torch.load(buffer, map_location=where)

    for where in (None, "cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda storage, location: storage):
        assert load(where).device == torch.device("cpu")
    with pytest.raises(RuntimeError, match="no CUDA device"):
        load("cuda")


def test_a_tensor_saved_with_and_without_requires_grad_comes_back_as_two_in_one_memory(tmp_path):
    p = torch.ones(2, requires_grad=True)
    for saved in ({"a": p.detach(), "b": p}, {"b": p, "a": p.detach()}):
        torch.save(saved, tmp_path / "f")
        loaded = torch.load(tmp_path / "f")
        assert (loaded["a"].requires_grad, loaded["b"].requires_grad) == (False, True)
        loaded["a"].fill_(7.0)
        assert loaded["b"].tolist() == [7.0, 7.0]


def test_integers_that_could_not_be_read_back_are_refused(tmp_path):
    torch.save({"n": 2**8000}, tmp_path / "f")
    assert torch.load(tmp_path / "f") == {"n": 2**8000}
    with pytest.raises(TypeError, match=r"an integer of 16610 bits cannot be stored"):
        torch.save({"n": 10**5000}, tmp_path / "f")


def test_a_shape_too_large_for_any_array_is_damage(tmp_path):
    header = json.dumps({"t": {"dtype": "F32", "shape": [0, 10**30], "data_offsets": [0, 0]}}).encode()
    (tmp_path / "f").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(FileFormatError, match=r"tensor 't' has shape"):
        torch.load(tmp_path / "f")
