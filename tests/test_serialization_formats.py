"""Other formats: safetensors beside its published description, .npy and .npz beside NumPy, and what is refused."""

import io
import json

import numpy as np
import pytest

import nanograd as torch
from nanograd import nn
from nanograd.serialization import FileFormatError, UnsafeFileError, safetensors
from nanograd.serialization.safetensors import load_file, read_metadata, save_file

# safetensors


def read_plainly(data):
    """The published format, read in four lines: header and body."""
    size = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + size]), data[8 + size :]


def write_plainly(header, body, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def test_a_state_dict_is_a_file_that_others_can_read(tmp_path):
    net = nn.Conv2d(1, 2, 3)
    torch.save(net.state_dict(), tmp_path / "net.safetensors")
    header, body = read_plainly((tmp_path / "net.safetensors").read_bytes())
    assert set(header) == {"weight", "bias"}
    entry = header["weight"]
    assert (entry["dtype"], entry["shape"]) == ("F32", [2, 1, 3, 3])
    start, end = entry["data_offsets"]
    weight = np.frombuffer(body[start:end], "<f4").reshape(2, 1, 3, 3)
    np.testing.assert_array_equal(weight, net.weight.detach().numpy())


def test_tensors_lie_at_multiples_of_their_size():
    data = safetensors.save({"b": torch.ones(3, dtype=torch.bool), "d": torch.ones(2).double(), "f": torch.ones(3)})
    header, body = read_plainly(data)
    assert (len(data) - len(body)) % 8 == 0
    for name, size in (("d", 8), ("f", 4)):
        assert header[name]["data_offsets"][0] % size == 0


def test_a_file_of_others_is_a_dict_of_tensors_in_their_order(tmp_path):
    body = np.arange(4, dtype="<i2").tobytes() + b"\x00\x01\x02"
    header = {
        "z": {"dtype": "I16", "shape": [2, 2], "data_offsets": [0, 8]},
        "a": {"dtype": "BOOL", "shape": [3], "data_offsets": [8, 11]},
        "__metadata__": {"format": "pt"},
    }
    (tmp_path / "f.safetensors").write_bytes(write_plainly(header, body))
    for loaded in (torch.load(tmp_path / "f.safetensors"), load_file(tmp_path / "f.safetensors", device="cpu")):
        assert list(loaded) == ["z", "a"]
        assert loaded["z"].tolist() == [[0, 1], [2, 3]]
        assert loaded["a"].tolist() == [False, True, True]
    assert read_metadata(tmp_path / "f.safetensors") == {"format": "pt"}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (5,), (2, 3, 4)])
def test_every_dtype_and_shape_comes_back_bit_for_bit(dtype, shape):
    raw = np.random.default_rng(0).integers(0, 256, 8 * 24, np.uint8)
    size = int(np.prod(shape))
    elements = (raw[:size] > 127) if dtype == "bool" else raw[: size * np.dtype(dtype).itemsize].view(dtype)
    x = torch.from_numpy(elements.reshape(shape).copy())
    turned = x.t() if x.ndim == 2 else x.clone()
    loaded = safetensors.load(safetensors.save({"x": x, "turned": turned}, {"k": "v"}))
    assert loaded["x"].numpy().tobytes() == elements.tobytes()
    assert loaded["turned"].tolist() == turned.tolist() or dtype.startswith("float")
    assert (loaded["x"].dtype, loaded["x"].shape) == (x.dtype, x.shape)


def test_bfloat16_is_widened_without_loss():
    values = np.array([1.0, -2.5, np.inf, np.nan, 1e-40], np.float32)
    upper = (values.view(np.uint32) >> 16).astype("<u2")
    loaded = safetensors.load(
        write_plainly({"x": {"dtype": "BF16", "shape": [5], "data_offsets": [0, 10]}}, upper.tobytes())
    )
    assert loaded["x"].dtype is torch.float32
    assert loaded["x"].numpy().view(np.uint32).tolist() == (upper.astype(np.uint32) << 16).tolist()


@pytest.mark.parametrize("code", ["F8_E4M3", "F8_E5M2", "U16", "U64", "C64", "F4"])
def test_dtypes_that_nanograd_does_not_have_are_refused_by_name(code):
    with pytest.raises(NotImplementedError, match=rf"tensor 'x' has dtype {code}, which nanograd does not have"):
        safetensors.load(write_plainly({"x": {"dtype": code, "shape": [1], "data_offsets": [0, 1]}}, b"1"))


def test_tensors_that_share_memory_are_refused_and_neighbors_are_not(tmp_path):
    x = torch.ones(4, 4)
    for shared in ({"a": x, "b": x.detach()}, {"a": x[0], "b": x}, {"a": x[1:3], "b": x[:, 0], "c": torch.ones(1)}):
        with pytest.raises(RuntimeError, match=r"Some tensors share memory: .*Save as \.pt"):
            save_file(shared, tmp_path / "f.safetensors")
    save_file({"a": x[:2], "b": x[2:], "c": torch.ones(1)}, tmp_path / "f.safetensors")
    columns = {"a": x[:, 0], "b": x[:, 1]}
    assert safetensors.load(safetensors.save(columns))["b"].tolist() == [1] * 4


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([torch.ones(1)], "dict of tensors by name, got list"),
        ({"epoch": 3}, r"'epoch' is a int. Save it as \.pt"),
        ({"a": {"b": torch.ones(1)}}, "'a' is a dict"),
        ({1: torch.ones(1)}, "1 is a Tensor"),
        ({"__metadata__": torch.ones(1)}, "__metadata__"),
    ],
)
def test_what_safetensors_cannot_hold_is_refused(value, words, tmp_path):
    with pytest.raises(TypeError, match=words):
        torch.save(value, tmp_path / "f.safetensors")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(TypeError, match="metadata"):
        safetensors.save({}, {"a": 1})


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
    "entry twice": write_plainly(b"{%s, %s}" % ((json.dumps({"a": entry()})[1:-1].encode(),) * 2), bytes(8)),
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
    "a shape no array can have": write_plainly({"a": entry(shape=[0, 10**30], data_offsets=[0, 0])}, b""),
    "an empty tensor of huge sides": write_plainly({"a": entry(shape=[0, 2**61, 2**61], data_offsets=[0, 0])}, b""),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_or_hostile_file_is_refused(name, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(DAMAGED[name])
    with pytest.raises(
        FileFormatError, match=r"load: (the file is damaged or not a safetensors file: |nothing to read)"
    ):
        load_file(path)
    with pytest.raises(FileFormatError, match="load: "):
        torch.load(path)


# NumPy's files


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def test_npz_files_go_both_ways(tmp_path):
    values = {
        "w": torch.arange(6).reshape(2, 3).t(),
        "s": torch.tensor(2.5),
        "e": torch.zeros(0, 3),
        "layer.b": torch.ones(2),
    }
    torch.save({**values, "n": 3, "a": np.arange(2)}, tmp_path / "f.npz")
    with np.load(tmp_path / "f.npz", allow_pickle=False) as file:
        assert {name: file[name].tolist() for name in file} == {
            "w": [[0, 3], [1, 4], [2, 5]], "s": 2.5, "e": [], "layer.b": [1, 1], "n": 3, "a": [0, 1],
        }  # fmt: skip
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "g.npz", **{name: t.numpy() for name, t in values.items()})
        loaded = torch.load(tmp_path / "g.npz")
        assert list(loaded) == list(values)
        for name, t in values.items():
            assert loaded[name].dtype is t.dtype
            assert loaded[name].tolist() == t.tolist()
        loaded["w"].fill_(1)


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u1", "?", ">f4", ">i8"])
def test_npy_files_of_numpy_are_read(dtype, tmp_path):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for form in (array, np.asfortranarray(array), array[:, 1], array[0, 0:0], np.array(array[1, 1])):
        np.save(tmp_path / "f.npy", form)
        loaded = torch.load(tmp_path / "f.npy")
        assert loaded.numpy().dtype == form.dtype.newbyteorder("=")
        assert loaded.tolist() == form.tolist()


def test_npy_files_are_written(tmp_path):
    torch.save(torch.ones(2, 3), tmp_path / "f.npy")
    assert np.load(tmp_path / "f.npy").tolist() == [[1] * 3] * 2
    with pytest.raises(TypeError, match="the value is a dict"):
        torch.save({"a": 1}, tmp_path / "f.npy")
    with pytest.raises(TypeError, match="'a' is a str"):
        torch.save({"a": "text"}, tmp_path / "f.npz")
    with pytest.raises(TypeError, match=r"an .npz holds a dict of tensors by name, got Tensor"):
        torch.save(torch.ones(1), tmp_path / "f.npz")


def zipped(**entries):
    buffer = io.BytesIO()
    import zipfile

    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


HEADER = b"\x93NUMPY\x01\x00"


def with_header(text, body=b""):
    return HEADER + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (npy(np.array([None, 1], object), allow_pickle=True), UnsafeFileError, "Python objects"),
        (npy(np.arange(3))[:-1], FileFormatError, "needs 24 bytes, there are 23"),
        (npy(np.arange(3)) + b"x", FileFormatError, "needs 24 bytes, there are 25"),
        (npy(np.arange(3))[:20], FileFormatError, "header"),
        (with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (10**12,)}"), FileFormatError, "header"),
        (
            with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}"),
            FileFormatError,
            "needs 4",
        ),
        (with_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), FileFormatError, "shape"),
        (with_header(b"__import__('os').system('true')"), FileFormatError, "header"),
        (with_header(b"(" * 5000), FileFormatError, "header"),
        (HEADER.replace(b"\x01", b"\x09") + b"12345678", FileFormatError, "version"),
        (zipped(**{"a.npy": npy(np.array([{}], object), allow_pickle=True)}), UnsafeFileError, "Python objects"),
        (zipped(**{"a.npy": b""}), FileFormatError, "header"),
        (npy(np.array(["text"])), TypeError, "<U4 are not supported"),
        (npy(np.array([1j])), TypeError, "complex128 are not supported"),
        (npy(np.zeros(2, np.uint16)), TypeError, "uint16 are not supported"),
        (npy(np.zeros(2, [("a", "f4")])), TypeError, "not supported"),
    ],
)
def test_hostile_and_foreign_arrays_are_refused(content, kind, words):
    with pytest.raises(kind, match=words):
        torch.load(io.BytesIO(content))
