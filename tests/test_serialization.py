"""Saving and loading: what comes back, what is refused, and what an interruption leaves."""

import errno
import io
import math
import os
import stat
import zipfile
from collections import Counter, OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nanograd as torch
from nanograd import nn, optim
from nanograd.serialization import EmptyFileError

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
        return (
            a.requires_grad == b.requires_grad
            and a.stride() == b.stride()
            and same(a.detach().numpy(), b.detach().numpy())
        )
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(map(repr, a)) == list(map(repr, b)) and all(map(same, a.values(), b.values()))
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return repr(a) == repr(b) if isinstance(a, complex) else a == b or (a != a and math.isnan(b))


shapes = arrays.array_shapes(min_dims=0, min_side=0, max_side=4)
tensors = st.builds(
    lambda a, t: torch.from_numpy(a.T if t else a),
    st.sampled_from(DTYPES).flatmap(lambda d: arrays.arrays(d, shapes)),
    st.booleans(),
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(), max_size=5), tensors,
    st.binary(max_size=5), st.complex_numbers(), st.frozensets(st.integers(0, 2**64 - 1), max_size=3),
    st.sampled_from([torch.float32, torch.bool, torch.device("cpu"), torch.Size([2, 3])]),
)  # fmt: skip
small = st.integers(-(2**63), 2**63 - 1)
pairs = st.tuples(small, st.text(max_size=2))
keys = st.one_of(st.text(max_size=5), small, st.booleans(), st.none(), pairs)
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
    path = tmp_path / "checkpoint.pt"
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


def test_tensors_of_one_memory_are_written_once_and_share_it_again():
    weight = torch.ones(1000)
    buffer = io.BytesIO()
    torch.save({"a": weight, "b": weight.detach(), "c": weight.clone(), "d": weight[10:20]}, buffer)
    assert 8000 < len(buffer.getvalue()) < 10_000
    buffer.seek(0)
    loaded = torch.load(buffer)
    loaded["a"].fill_(5)
    assert loaded["b"][0].item() == 5
    assert loaded["c"][0].item() == 1
    assert loaded["d"].tolist() == [5] * 10


def test_the_tape_knows_that_loaded_tensors_share_memory():
    x = torch.ones(4)
    a, b = round_trip([x, x[:2]])
    w = torch.ones(2, requires_grad=True)
    y = (b * w).sum()
    a.fill_(3)
    with pytest.raises(RuntimeError, match="written"):
        y.backward()


def test_memory_is_stored_as_far_as_tensors_see_it():
    x = torch.arange(100_000)
    buffer = io.BytesIO()
    torch.save([x[70:76].reshape(2, 3).t(), x[80]], buffer)
    assert len(buffer.getvalue()) < 4000
    buffer.seek(0)
    turned, one = torch.load(buffer)
    assert turned.tolist() == [[70, 73], [71, 74], [72, 75]]
    assert one.item() == 80


def test_memory_is_stored_from_the_first_element_that_is_seen():
    x = torch.arange(100)
    assert [t.tolist() for t in round_trip([x[80], x[70:72], x[90]])] == [80, [70, 71], 90]


def test_elements_between_other_bytes_come_back():
    records = np.zeros(3, [("flag", "u1"), ("value", "f4")])
    records["value"] = [1, 2, 3]
    assert round_trip(torch.from_numpy(records["value"])).tolist() == [1, 2, 3]
    shifted = np.frombuffer(bytearray(b"x" + np.arange(3.0).tobytes()), np.float64, offset=1)
    assert round_trip(torch.from_numpy(shifted)).tolist() == [0, 1, 2]


def test_one_object_in_two_places_comes_back_as_one():
    p = nn.Parameter(torch.ones(2))
    inner = [1]
    loaded = round_trip({"a": p, "b": p, "x": inner, "y": inner, "z": [1]})
    assert loaded["a"] is loaded["b"]
    assert loaded["x"] is loaded["y"]
    assert loaded["z"] is not loaded["x"]


def test_a_list_in_itself_comes_back_in_itself():
    loop = [1]
    loop.append({"loop": loop})
    loaded = round_trip(loop)
    assert loaded[1]["loop"] is loaded


def test_requires_grad_and_parameters_are_kept():
    x = torch.ones(2, requires_grad=True)
    leaf, parameter, frozen, plain = round_trip(
        [x, nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1), requires_grad=False), torch.ones(1)]
    )
    assert [t.requires_grad for t in (leaf, parameter, frozen, plain)] == [True, True, False, False]
    assert [type(t) for t in (leaf, parameter, frozen, plain)] == [
        torch.Tensor,
        nn.Parameter,
        nn.Parameter,
        torch.Tensor,
    ]
    assert leaf.is_leaf


def test_every_bit_is_kept():
    """The many NaNs, infinities and subnormals among random bits."""
    raw = np.random.default_rng(0).integers(0, 256, 8 * 4096, np.uint8)
    for dtype in (np.float16, np.float32, np.float64):
        array = raw.view(dtype).copy()
        assert round_trip(torch.from_numpy(array)).numpy().tobytes() == array.tobytes()
    nan = np.frombuffer(np.uint64(0x7FF4DEADBEEF1234).tobytes(), np.float64)[0]
    assert np.float64(round_trip([float(nan)])[0]).tobytes() == nan.tobytes()


def test_pythons_collections_come_back():
    value = {
        "set": {1, "a", (2, None)}, "frozen": frozenset({1.5}), "counter": Counter("aab"), "bytes": b"\x00\xff",
        "bytearray": bytearray(b"ab"), "complex": 1 - 2j, "default": defaultdict(list, {"a": [1]}),
    }  # fmt: skip
    loaded = round_trip(value)
    assert loaded == value
    assert [type(v) for v in loaded.values()] == [type(v) for v in value.values()]
    assert loaded["default"]["new"] == []


def test_state_of_generators_optimizers_and_schedules_comes_back():
    generator = torch.Generator().manual_seed(7)
    torch.rand(3, generator=generator)
    p = nn.Parameter(torch.ones(2))
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 3)
    (p * p).sum().backward()
    optimizer.step()
    scheduler.step()
    state = round_trip([generator.get_state(), optimizer.state_dict(), scheduler.state_dict()])
    other = torch.Generator()
    other.set_state(state[0])
    assert torch.rand(3, generator=other).tolist() == torch.rand(3, generator=generator).tolist()
    assert repr(state[1]) == repr(optimizer.state_dict())
    assert state[2] == scheduler.state_dict()


def test_numpy_numbers_become_pythons_and_arrays_stay():
    loaded = round_trip(
        [np.float64(0.5), np.int32(3), np.bool_(True), np.arange(3)[::-1], np.arange(6.0).reshape(2, 3).T]
    )
    assert [type(v) for v in loaded] == [float, int, bool, np.ndarray, np.ndarray]
    assert loaded[3].tolist() == [2, 1, 0]
    assert loaded[4].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_large_integers_and_strings():
    assert round_trip([2**2038, -(2**2038), "a" * 70_000, "\ud800", ""]) == [
        2**2038,
        -(2**2038),
        "a" * 70_000,
        "\ud800",
        "",
    ]
    with pytest.raises(TypeError, match=r"an integer of 16610 bits cannot be stored \(at 'n'\)"):
        torch.save({"n": 10**5000}, io.BytesIO())


def test_many_values_and_many_tensors():
    value = {str(i): [torch.full((1,), i), i, str(i)] for i in range(2000)}
    loaded = round_trip(value)
    assert [v[0].item() for v in loaded.values()] == list(range(2000))


def test_the_same_content_gives_the_same_bytes():
    def content():
        buffer = io.BytesIO()
        torch.save({"w": torch.arange(5), "s": "x"}, buffer)
        return buffer.getvalue()

    assert content() == content()


def test_a_file_is_a_zip_of_a_program_and_aligned_memory():
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(3), "b": torch.arange(4)}, buffer)
    with zipfile.ZipFile(buffer) as archive:
        assert archive.testzip() is None
        assert archive.read("archive/data/0") == np.ones(3, np.float32).tobytes()
        assert archive.read("archive/data/1") == np.arange(4).tobytes()
        for key in "01":
            info = archive.getinfo(f"archive/data/{key}")
            header = buffer.getvalue()[info.header_offset :][:30]
            lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
            assert (info.header_offset + 30 + lengths) % 64 == 0


# What is refused when saving


class Custom:
    pass


Point = namedtuple("Point", "x y")


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": [Custom()]}, r"cannot store a Custom \(at 'a.0'\).*add_safe_globals\(\[Custom\]\)"),
        (Point(1, 2), "plain tuple or dict"),
        (optim.SGD([torch.ones(1, requires_grad=True)]), r"torch.save\(sgd.state_dict\(\), path\)"),
        (np.array(["a"]), "arrays of <U1"),
        (np.array([None]), "arrays of object"),
        (deep(250), "nested deeper than 200"),
        (lambda: 1, "the function .*lambda"),
        ({"f": math.sqrt}, r"builtin_function_or_method \(at 'f'\)"),
        (Custom, "the class Custom"),
        ({torch.ones(1): 1}, "a dict key or set item cannot be a Tensor"),
        ({2**70: 1}, "a dict key or set item cannot be a int"),
        (defaultdict(lambda: 1), r"function .*lambda.* \(at 'default_factory'\)"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_leaves_no_file(value, words, tmp_path):
    path = tmp_path / "f"
    with pytest.raises(TypeError, match=words):
        torch.save(value, path)
    assert names(tmp_path) == []


def test_one_memory_as_two_dtypes_is_refused():
    array = np.zeros(4, np.float32)
    with pytest.raises(RuntimeError, match="view the same data as different types: float32 and int32"):
        torch.save([torch.from_numpy(array), torch.from_numpy(array.view(np.int32))], io.BytesIO())


def test_arguments_in_the_wrong_place_are_named(tmp_path):
    with pytest.raises(TypeError, match=r"got dict. The order is torch.save\(value, path\)"):
        torch.save(tmp_path / "f", {"a": 1})
    with pytest.raises(TypeError, match="load: expected a path or a file open for reading bytes, got dict"):
        torch.load({})
    with pytest.raises(TypeError, match="open for writing bytes"), (tmp_path / "t").open("w") as file:
        torch.save([1], file)
    with pytest.raises(NotImplementedError, match="pickle_module"):
        torch.save([1], tmp_path / "f", pickle_module=io)
    with pytest.raises(NotImplementedError, match=r"before 1.6"):
        torch.save([1], tmp_path / "f", _use_new_zipfile_serialization=False)
    with pytest.raises(LookupError, match="unknown encoding"):
        torch.load(tmp_path / "f", encoding="klingon")


# Files


def test_an_interrupted_save_leaves_the_former_file_whole(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
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
        assert names(tmp_path) == ["model.pt"]
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
    for where in (lambda storage, location: None, {}, {"cpu": "cpu"}):
        assert load(where).device == torch.device("cpu")
    with pytest.raises(RuntimeError, match=r"deserialize object on a CUDA device.*map_location=torch.device\('cpu'\)"):
        load("cuda")
    with pytest.raises(RuntimeError, match="MPS device"):
        load({"cpu": "mps"})
    with pytest.raises(RuntimeError, match=r"map_location must return the storage it was given.*got str"):
        load(lambda storage, location: location)
    with pytest.raises(RuntimeError, match="map_location: expected a device"):
        load(3)


def test_a_function_of_storage_and_location_sees_each_storage():
    seen = []
    buffer = io.BytesIO()
    torch.save([torch.ones(3), torch.ones(2).double()], buffer)
    buffer.seek(0)

    def choose(storage, location):
        seen.append((storage.nbytes(), len(storage), location))
        return storage.cpu()

    torch.load(buffer, map_location=choose)
    assert seen == [(12, 3, "cpu"), (16, 2, "cpu")]


def test_a_read_only_file_is_kept_and_a_full_disk_is_named(tmp_path, monkeypatch):
    path = tmp_path / "m"
    torch.save([1], path)
    monkeypatch.setattr(os, "access", lambda *args: False)
    with pytest.raises(PermissionError, match="may not be written"):
        torch.save([2], path)
    monkeypatch.undo()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"nothing was saved; the former file is as it was.*m'"):
        torch.save([2], path)
    monkeypatch.undo()
    assert torch.load(path) == [1]
    assert names(tmp_path) == ["m"]


def test_open_files_are_read_from_where_they_stand(tmp_path):
    buffer = io.BytesIO(b"before")
    buffer.seek(6)
    torch.save({"a": torch.ones(2)}, buffer)
    buffer.seek(6)
    assert torch.load(buffer)["a"].tolist() == [1, 1]
    with pytest.raises(EmptyFileError, match=r"f.seek\(0\)"):
        torch.load(buffer)

    class Stream(io.RawIOBase):
        """A file that cannot go back, as of a network."""

        def __init__(self, content):
            self.content = io.BytesIO(content)

        def readable(self):
            return True

        def readinto(self, into):
            return self.content.readinto(into)

    assert torch.load(Stream(buffer.getvalue()[6:]))["a"].tolist() == [1, 1]


def test_a_stream_that_cannot_go_back_is_written():
    class Stream:
        def __init__(self):
            self.parts = []

        def write(self, data):
            self.parts.append(bytes(data))
            return len(data)

        def flush(self):
            pass

    stream = Stream()
    torch.save({"a": torch.arange(3)}, stream)
    assert torch.load(io.BytesIO(b"".join(stream.parts)))["a"].tolist() == [0, 1, 2]


def test_a_mapped_file_is_read_when_used_and_not_written(tmp_path):
    path = tmp_path / "m.pt"
    value = {"a": torch.arange(5000.0), "b": torch.ones(2, 3, dtype=torch.int16).t(), "e": torch.zeros(0)}
    torch.save(value, path)
    before = path.read_bytes()
    loaded = torch.load(path, mmap=True)
    assert same(loaded, value)
    loaded["a"].fill_(0)
    assert loaded["a"].sum().item() == 0
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="f must be a file path"):
        torch.load(io.BytesIO(before), mmap=True)
    torch.save({"a": torch.ones(1)}, tmp_path / "m.safetensors")
    with pytest.raises(RuntimeError, match="mmap can only be used"):
        torch.load(tmp_path / "m.safetensors", mmap=True)
