"""Tables as data sets."""

import contextlib
import doctest
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nanograd as torch
from nanograd.utils.data import DataLoader
from nanograd.utils.data import csv as module
from nanograd.utils.data.csv import CSVDataset

FLOWERS = "length,width,on sale,kind\n5.1,3.5,True,rose\n4.9,3,false,iris\n\n 6.0 , 2 ,TRUE, rose \n"


def table(text, **settings):
    return CSVDataset(io.StringIO(text), **settings)


def test_a_file_gives_features_and_classes(tmp_path):
    (tmp_path / "flowers.csv").write_text(FLOWERS)
    for path in (tmp_path / "flowers.csv", str(tmp_path / "flowers.csv")):
        data = CSVDataset(path)
        assert len(data) == 3
        assert data.columns == ["length", "width", "on sale"]
        np.testing.assert_array_equal(data.data.numpy(), np.float32([[5.1, 3.5, 1], [4.9, 3, 0], [6, 2, 1]]))
        assert data.classes == ["iris", "rose"]
        assert data.class_to_idx == {"iris": 0, "rose": 1}
        assert data.targets.tolist() == [1, 0, 1]
        x, y = data[2]
        assert (x.dtype, x.shape, y.dtype, y.shape) == (torch.float32, (3,), torch.int64, ())
        assert repr(data) == "CSVDataset(3 rows, 3 features, target: classes)"
    xs, ys = next(iter(DataLoader(data, batch_size=3)))
    assert (xs.shape, ys.tolist()) == ((3, 3), [1, 0, 1])


@pytest.mark.parametrize(
    ("target", "kind", "values"),
    [("a", torch.int64, [1, 3]), ("b", torch.float32, [1.5, 2.0]), (-1, torch.int64, [0, 1]), (0, torch.int64, [1, 3])],
)
def test_targets_have_the_dtype_that_losses_want(target, kind, values):
    data = table("a,b,c\n1,1.5,no\n3,2,yes\n", target=target, features=["a", "b"], missing=0)
    assert data.targets.dtype is kind
    assert data.targets.tolist() == values


def test_columns_are_chosen_by_name_and_number():
    text = "1;2;3;4\n5;6;7;8\n"
    data = table(text, header=False, delimiter=";", target=[0, 2], dtype=torch.int64, target_dtype=torch.float64)
    assert data.columns == [1, 3]
    assert data.data.tolist() == [[2, 4], [6, 8]]
    assert data.data.dtype is torch.int64
    assert data.targets.tolist() == [[1.0, 3.0], [5.0, 7.0]]
    assert data.targets.dtype is torch.float64
    data = table(text, header=False, delimiter=";", target=None, features=[3, 0])
    assert data.targets is None
    assert data[1].tolist() == [8, 5]
    assert repr(data) == "CSVDataset(2 rows, 2 features, target: none)"


def test_what_is_quoted_is_one_cell():
    data = table('"a, b",c\n"1","x, y"\n2,"z\nw"\n')
    assert data.columns == ["a, b"]
    assert data.classes == ["x, y", "z\nw"]


def test_transforms_are_applied():
    data = table(FLOWERS, transform=lambda x: x * 2, target_transform=lambda y: int(y) + 10)
    x, y = data[1]
    assert (x.tolist(), y) == (pytest.approx([9.8, 6, 0]), 10)


def test_missing_values_are_named_or_stood_for():
    text = "a,b,c\n1,2,0\n3,{},1\n"
    for cell in ("", "NA", "nan", "?", "None", " "):
        with pytest.raises(ValueError, match=r"row 3, column 'b' is missing"):
            table(text.format(cell))
        assert table(text.format(cell), missing=-1.0).data.tolist() == [[1, 2], [3, -1]]
        assert table(text.format(cell), missing=-1, dtype=torch.int64).data.tolist() == [[1, 2], [3, -1]]
    with pytest.raises(ValueError, match=r"row 3, column 'c', a target, is missing \(''\)"):
        table("a,b,c\n1,2,0\n3,4,\n", missing=0.0)


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: table(""), ValueError, "the file is empty"),
        (lambda: table("a,b\n"), ValueError, "there are no rows"),
        (lambda: table("a,b\n1,2\nx,2\n"), ValueError, "row 3, column 'a': expected a number, got 'x'"),
        (lambda: table("a,b\n1.5,2\n", dtype=torch.int64), ValueError, "expected a whole number, got '1.5'"),
        (lambda: table(f"a,b\n{10**30},2\n", dtype=torch.int64), ValueError, "whole number, got '1000"),
        (lambda: table("a,b\n1,2\n1,2,3\n"), ValueError, "row 3 has 3 cells between ',', the first has 2"),
        (lambda: table("a;b\n1;2\n"), ValueError, "no column for the features among"),
        (lambda: table("a,b\n1,2\n", target="B"), KeyError, "no column 'B' among"),
        (lambda: table("alpha,b\n1,2\n", target="alhpa"), KeyError, "Did you mean 'alpha'"),
        (lambda: table("a,b\n1,2\n", target=5), KeyError, "no column 5"),
        (lambda: table("a,b,c\n1,x,y\n", target=["b", "c"]), ValueError, "only one column of words"),
        (lambda: table("a,b\n1,2\n", dtype=torch.bool), TypeError, "dtype of numbers"),
        (lambda: CSVDataset(3), TypeError, "path, an open file or a DataFrame, got int"),
        (lambda: CSVDataset("none.csv"), FileNotFoundError, "no file 'none.csv' in "),
        (lambda: table("a,b\n" + "1" * 200_000 + ",2\n"), ValueError, "line 2 cannot be read"),
    ],
)
def test_wrong_tables_are_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()


def test_text_of_another_encoding_says_so(tmp_path):
    (tmp_path / "a.csv").write_bytes("größe,b\n1,2\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"not text in utf-8-sig.*encoding='latin-1'"):
        CSVDataset(tmp_path / "a.csv")
    assert CSVDataset(tmp_path / "a.csv", encoding="latin-1").columns == ["größe"]
    (tmp_path / "b.csv").write_text("\ufeffa,b\n1,2\n", encoding="utf-8")
    assert CSVDataset(tmp_path / "b.csv").columns == ["a"]  # no byte order mark in the name


class Column:
    def __init__(self, values):
        self.values = values

    def to_numpy(self):
        return np.array(self.values)


class Frame:
    """As much of a DataFrame as is used."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self.held = columns

    @property
    def iloc(self):
        frame = self

        class Located:
            def __getitem__(self, key):
                rows, place = key
                assert rows == slice(None)
                return Column(frame.held[frame.columns[place]])

        return Located()


def test_a_data_frame_is_a_table():
    data = CSVDataset(Frame(a=[1, 2], b=[0.5, 1.5], c=[True, False], d=[7, 8]))
    assert data.data.tolist() == [[1, 0.5, 1], [2, 1.5, 0]]
    assert (data.targets.dtype, data.targets.tolist()) == (torch.int64, [7, 8])
    data = CSVDataset(Frame(a=[1.0, 2.0], kind=["x", "y"]), target="kind")
    assert data.classes == ["x", "y"]
    with pytest.raises(ValueError, match=r"row 1, column 'a' is missing \('nan'\)"):
        CSVDataset(Frame(a=[1.0, float("nan")], b=[1, 2]))


def test_a_real_data_frame_is_a_table():
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(io.StringIO(FLOWERS.replace(" ", "")))
    ours, theirs = table(FLOWERS.replace(" ", "")), CSVDataset(frame)
    assert torch.equal(ours.data, theirs.data)
    assert torch.equal(ours.targets, theirs.targets)
    assert theirs.columns == ["length", "width", "onsale"]
    frame.loc[1, "width"] = None
    with pytest.raises(ValueError, match="row 1, column 'width' is missing"):
        CSVDataset(frame)
    mixed = pandas.DataFrame({"a": pandas.array([1, None], "Int64"), 5: [1.0, 2.0]})
    with pytest.raises(ValueError, match="row 1, column 'a' is missing"):
        CSVDataset(mixed)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e6, width=32), st.integers(-9, 9)), min_size=1, max_size=8))
def test_numbers_written_are_read_back(rows):
    data = table("a,b\n" + "".join(f"{a!r},{b}\n" for a, b in rows))
    assert data.data.reshape(-1).tolist() == [a for a, _ in rows]
    assert data.targets.tolist() == [b for _, b in rows]


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='a1.,"\n\r\0;-e ', max_size=40))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(ValueError):
        assert len(table(text)) > 0


def test_examples_of_the_documentation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = doctest.testmod(module, extraglobs={"torch": torch, "Path": Path})
    assert done.attempted
    assert not done.failed
