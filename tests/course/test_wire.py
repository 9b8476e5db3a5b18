"""Plain data crosses unchanged, everything else as a name, and nothing that is malformed becomes a value."""

import json
import math
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nanograd.course.wire import DTYPES, HEADER, MAX_DEPTH, Foreign, Seal, WireError, pack, unpack

dtypes = st.sampled_from(sorted(DTYPES)).map(np.dtype)
arrays = dtypes.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
)
scalars = arrays.filter(lambda a: a.size > 0).map(lambda a: a.ravel()[0])
keys = st.none() | st.booleans() | st.integers() | st.text() | st.tuples(st.integers(), st.text())
atoms = keys | st.floats() | st.complex_numbers() | st.binary() | st.just(...) | dtypes | scalars | arrays
atoms |= st.slices(9) | st.frozensets(st.integers()) | st.sets(st.text())
values = st.recursive(
    atoms, lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner), max_leaves=12
)


def same(x, y):
    """Equal with the same types; NaN is NaN, and -0.0 is not 0.0."""
    if type(x) is not type(y):
        return False
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
    if isinstance(x, list | tuple):
        return len(x) == len(y) and all(map(same, x, y))
    if isinstance(x, dict):
        return list(x) == list(y) and all(same(x[key], y[key]) for key in x)
    if isinstance(x, float):
        return (math.isnan(x) and math.isnan(y)) or (x == y and math.copysign(1, x) == math.copysign(1, y))
    if isinstance(x, complex):
        return same(x.real, y.real) and same(x.imag, y.imag)
    return x == y


@given(values)
def test_plain_data_makes_the_round_trip(value):
    assert same(unpack(pack(value)), value)


@pytest.mark.parametrize("name", sorted(DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3, 5)])
def test_every_dtype_and_shape(name, shape):
    array = np.arange(math.prod(shape)).reshape(shape).astype(name)
    got = unpack(pack(array))
    assert same(got, array)
    assert got.flags.writeable
    assert got.flags.owndata or got.base is not None


@given(arrays.filter(lambda a: a.ndim > 1), st.integers(0, 1), st.integers(-2, 2).filter(bool))
def test_views_cross_by_value(array, turn, step):
    view = (array.T if turn else array)[::step]
    assert same(unpack(pack([view, view])), [np.ascontiguousarray(view)] * 2 if view.ndim else [view, view])


def test_integers_of_any_size():
    for value in (2**63, -(2**63), -(2**63) - 1, 10**5000):
        assert unpack(pack(value)) == value


class Liar(np.ndarray):
    """Says of itself whatever one likes to hear."""

    shape = property(lambda self: (1, 1))
    dtype = property(lambda self: np.dtype("f8"))

    def __eq__(self, other):
        return True

    def __array__(self, *args, **kwargs):
        return np.ones(3)

    def tobytes(self, order="C"):
        return np.ones(3).tobytes()


def test_a_subclass_crosses_as_the_array_it_holds():
    plain = np.arange(6, dtype="i2").reshape(2, 3)
    assert same(unpack(pack(plain.view(Liar))), plain)


class Five(int):
    def __eq__(self, other):
        return True

    __hash__ = int.__hash__

    def __index__(self):
        return 7

    __int__ = __index__


class Text(str):
    __slots__ = ()

    def __str__(self):
        return "right"


class Float(float):
    def __float__(self):
        return 1.0


class Items(list):
    def __iter__(self):
        return iter([1, 2, 3])


class Table(dict):
    def items(self):
        return [("a", "right")]


@pytest.mark.parametrize(
    ("value", "plain"), [(Five(5), 5), (Text("x"), "x"), (Float(2.5), 2.5), (Items([7]), [7]), (Table(a=1), {"a": 1})]
)
def test_subclasses_of_builtins_cross_as_what_they_are(value, plain):
    assert same(unpack(pack(value)), plain)


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ((n for n in ()), "generator"),
        (object(), "object"),
        (Unprintable(), "Unprintable"),
        (np.array([object()]), "array of object"),
        (np.array(["text"]), "array of <U4"),
        (np.longdouble(1), "longdouble"),
        (len, "builtin_function_or_method"),
    ],
)
def test_what_is_no_plain_data_crosses_as_a_name(value, kind):
    got = unpack(pack({"x": [value]}))["x"][0]
    assert isinstance(got, Foreign)
    assert got.type == kind
    assert same(unpack(pack(got)).text, got.text)
    assert got != unpack(pack(got))


def test_no_pickle_runs():
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("it was unpickled",))

    assert isinstance(unpack(pack(Trap())), Foreign)
    assert isinstance(unpack(pack(np.array([Trap()], dtype=object))), Foreign)


def test_values_that_contain_themselves_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(WireError, match="contains itself"):
        pack(endless)
    deep = None
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert unpack(pack(deep)) == deep
    with pytest.raises(WireError, match="nested"):
        pack([deep])
    with pytest.raises(WireError, match="parts"):
        pack([0] * 1_000_001)


# ---- hostile messages ----------------------------------------------------------------------------------------------


def message(tree, buffers=b""):
    text = tree if isinstance(tree, bytes) else json.dumps(tree).encode()
    head = struct.pack("<I", len(text)) + text
    return head + bytes(-len(head) % 64) + buffers


HOSTILE = [
    ["array", "|O", [1], 0],
    ["array", "<f16", [1], 0],
    ["array", "<f8", [2], 0],
    ["array", "<f8", [-1], 0],
    ["array", "<f8", [1.0], 0],
    ["array", "<f8", [True], 0],
    ["array", "<f8", [1], -8],
    ["array", "<f8", [1], 1],
    ["array", "<f8", [2**62, 2**62], 0],
    ["array", "<f8", [2**62, 4], 0],
    ["array", "<f8", [0, 2**70], 0],
    ["array", "<f8", [1] * 65, 0],
    ["array", "<f8", "1", 0],
    ["array", ["<f8"], [1], 0],
    ["array", "<f8", [1]],
    ["array"],
    ["scalar", "<f8", 8],
    ["scalar", "|V8", 0],
    ["bytes", 0, 9],
    ["bytes", 0, -1],
    ["bytes", -1, 1],
    ["dtype", "O"],
    ["int", "seven"],
    ["int", 7],
    ["float", "1e5"],
    ["complex", 1.0],
    ["complex", "1", 2.0],
    ["complex", ["list"], 2.0],
    ["dict", [["list"], 1]],
    ["dict", [1]],
    ["dict", 5],
    ["set", ["list"]],
    ["slice", 1],
    ["foreign", 1, 2],
    ["foreign", "x"],
    ["pickle", "gASV"],
    ["__class__", []],
    [],
    [[]],
    {"a": 1},
    [None],
]


@pytest.mark.parametrize("tree", HOSTILE, ids=str)
def test_hostile_messages_are_refused(tree):
    for each in (tree, ["list", tree], ["dict", ["a", tree]]):
        with pytest.raises(WireError):
            unpack(message(each, bytes(8)))


@pytest.mark.parametrize(
    "data",
    [b"", b"\1", b"\1\0\0\0", struct.pack("<I", 2**32 - 1), message(b"{"), message(b"\xff"), message(b"[" * 50_000)],
)
def test_bytes_that_are_no_message_are_refused(data):
    with pytest.raises(WireError):
        unpack(data)


@settings(max_examples=200)
@given(st.binary(max_size=200) | values.map(pack), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255))))
def test_damaged_messages_give_a_value_or_a_wire_error(data, changes):
    damaged = bytearray(data)
    for place, byte in changes:
        if damaged:
            damaged[place % len(damaged)] = byte
    with suppress(WireError):
        unpack(bytes(damaged))


# ---- frames --------------------------------------------------------------------------------------------------------


def opened(seal, frame, limit=1000):
    header = frame[:HEADER]
    return seal.open(header, frame[HEADER : HEADER + seal.size(header, limit)])


def test_frames_make_the_round_trip_in_order():
    writer, reader = Seal(b"k" * 32, "there"), Seal(b"k" * 32, "there")
    for text in (b"one", b"", b"three"):
        assert opened(reader, writer.frame(text)) == text


@pytest.mark.parametrize("forge", ["key", "direction", "replay", "content", "tag"])
def test_forged_frames_are_refused(forge):
    writer = Seal(b"j" * 32 if forge == "key" else b"k" * 32, "back" if forge == "direction" else "there")
    reader = Seal(b"k" * 32, "there")
    frame = bytearray(writer.frame(b"message"))
    if forge == "replay":
        assert opened(reader, bytes(frame)) == b"message"
    if forge in ("content", "tag"):
        frame[-1 if forge == "content" else 10] ^= 1
    with pytest.raises(WireError, match="seal"):
        opened(reader, bytes(frame))


def test_a_frame_that_announces_too_much_is_refused():
    frame = Seal(b"k" * 32, "there").frame(bytes(1001))
    with pytest.raises(WireError, match="1001 bytes"):
        opened(Seal(b"k" * 32, "there"), frame)
