"""Tables: a CSV file, or a DataFrame, as a data set."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from nanograd.dtypes import DType, int64
from nanograd.errors import DTypeError, did_you_mean
from nanograd.ops.creation import from_numpy
from nanograd.settings import get_default_dtype
from nanograd.tensors import Tensor
from nanograd.utils.data.dataset import Dataset

__all__ = ["CSVDataset"]

Columns = str | int | Sequence[str | int]
Row = tuple[int, list[Any]]
"""(the number of a row, as the error names it; its cells)"""

MISSING = frozenset(["", "?", "na", "n/a", "nan", "none", "null", "<na>", "nat"])
_WORDS = {"true": 1, "false": 0}


class CSVDataset(Dataset[Any]):
    """The rows of a table: sample i is (features (F,), target), or the features alone where ``target`` is None.

    ``source`` is the path of a CSV file, a file open for reading text, or a pandas DataFrame.  ``target`` names the
    column to predict, by its name or its number, the last by default; several columns give targets (T,).  ``features``
    names the others to use, all by default, in this order.  ``header`` says whether the first row of a file holds
    names; without one, columns are numbered.

    Features are of ``dtype``, float32 by default, true and false being 1 and 0.  A target of whole numbers is int64, of
    other numbers float32, as losses want them, or ``target_dtype``.  A target of words is the number of the word in
    ``classes``, its words in alphabetical order.  All is read once: ``data`` (N, F), ``targets`` (N,) or (N, T) or
    None, ``columns`` (the features' names), ``classes`` (or None), ``class_to_idx``.

    ``missing`` is what stands for an empty cell, NA, NaN, None or ? among the features.  Without it such a cell raises
    ValueError with its row and column, as do a cell that is no number, a row of another length, and no rows at all.
    KeyError names a column that is not there.

    >>> _ = Path("flowers.csv").write_text("length,width,kind\\n5.1,3.5,iris\\n4.9,3.0,rose\\n")
    >>> data = CSVDataset("flowers.csv", target="kind")
    >>> data[1]
    (tensor([4.9000, 3.0000]), tensor(1))
    >>> data.classes
    ['iris', 'rose']
    """

    data: Tensor
    targets: Tensor | None
    columns: list[str | int]
    classes: list[str] | None

    def __init__(
        self,
        source: Any,
        target: Columns | None = -1,
        features: Columns | None = None,
        *,
        header: bool = True,
        delimiter: str = ",",
        dtype: DType | None = None,
        target_dtype: DType | None = None,
        missing: float | None = None,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        encoding: str = "utf-8-sig",
    ) -> None:
        self.transform = transform
        self.target_transform = target_transform
        rows = _of_frame(source) if hasattr(source, "iloc") else _of_file(source, header, delimiter, encoding)
        names: list[str | int] = next(rows)[1]
        wanted = [] if target is None else _places("target", target, names)
        chosen = (
            [i for i in range(len(names)) if i not in wanted]
            if features is None
            else _places("features", features, names)
        )
        if not chosen:
            _refuse(f"there is no column for the features among {names}")
        self.columns = [names[i] for i in chosen]
        table = _Table(self.columns, [names[i] for i in wanted], dtype or get_default_dtype(), missing)
        for number, cells in rows:
            table.add(number, [cells[i] for i in chosen], [cells[i] for i in wanted])
        self.data = table.features()
        self.classes = None
        self.targets = None
        if wanted:
            self.targets, self.classes = table.targets(target_dtype)
            self.targets = self.targets.squeeze(1) if len(wanted) == 1 else self.targets

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number by the word; empty for a target of numbers."""
        return {name: i for i, name in enumerate(self.classes or [])}

    def __getitem__(self, index: Any) -> Any:
        x: Any = self.data[index]
        if self.transform is not None:
            x = self.transform(x)
        if self.targets is None:
            return x
        y: Any = self.targets[index]
        return x, y if self.target_transform is None else self.target_transform(y)

    def __len__(self) -> int:
        return len(self.data)

    def __repr__(self) -> str:
        target = "none" if self.targets is None else "classes" if self.classes else str(self.targets.dtype)
        return f"CSVDataset({len(self)} rows, {len(self.columns)} features, target: {target})"


class _Table:
    """The numbers read so far, row after row; the targets' cells wait until it is known whether they are words."""

    def __init__(self, columns: list[Any], target_columns: list[Any], dtype: DType, missing: float | None) -> None:
        if dtype.category == 0:
            raise DTypeError(f"CSVDataset: expected a dtype of numbers, got {dtype}.")
        self.columns, self.target_columns = columns, target_columns
        self.dtype = dtype
        self.read = float if dtype.is_floating_point else int
        self.values = array("d" if dtype.is_floating_point else "q")
        self.missing = missing
        self.cells: list[list[str]] = []
        self.numbers: list[int] = []

    def add(self, number: int, features: list[Any], targets: list[Any]) -> None:
        """Take in a row."""
        self.values.extend([self._number(cell, number, j) for j, cell in enumerate(features)])
        self.cells.append([str(cell).strip() for cell in targets])
        self.numbers.append(number)

    def _number(self, cell: Any, number: int, column: int) -> Any:
        text = str(cell).strip()
        try:
            value = self.read(text)
        except ValueError:
            value = _WORDS.get(text.lower(), math.nan)
        if value == value and (isinstance(value, float) or -(2**63) <= value < 2**63):
            return value
        if text.lower() not in MISSING:
            kind = "a number" if self.read is float else "a whole number"
            _refuse(f"row {number}, column {self.columns[column]!r}: expected {kind}, got {text!r}")
        if self.missing is None:
            _refuse(
                f"row {number}, column {self.columns[column]!r} is missing ({text!r}). Fill it in, leave the row "
                "out, or say what stands for it: missing=0.0"
            )
        return self.read(self.missing)

    def features(self) -> Tensor:
        """All features, (N, F)."""
        if not self.numbers:
            _refuse("there are no rows")
        values = np.frombuffer(self.values, np.float64 if self.dtype.is_floating_point else np.int64)
        return from_numpy(values.astype(self.dtype.numpy).reshape(len(self.numbers), len(self.columns)))

    def targets(self, dtype: DType | None) -> tuple[Tensor, list[str] | None]:
        """(all targets (N, T), the words they stand for or None)."""
        for number, cells in zip(self.numbers, self.cells, strict=True):
            for name, cell in zip(self.target_columns, cells, strict=True):
                if cell.lower() in MISSING:
                    _refuse(f"row {number}, column {name!r}, a target, is missing ({cell!r}). Leave the row out")
        found = _as_numbers(self.cells)
        if found is None:
            if len(self.target_columns) > 1:
                _refuse(f"the targets {self.target_columns} hold words; only one column of words can be a target")
            classes = sorted({cells[0] for cells in self.cells})
            place = {name: i for i, name in enumerate(classes)}
            found, names = np.array([[place[cells[0]]] for cells in self.cells]), classes
            return from_numpy(found.astype((dtype or int64).numpy)), names
        kind = dtype or (int64 if found.dtype.kind == "i" else get_default_dtype())
        return from_numpy(found.astype(kind.numpy)), None


def _as_numbers(cells: list[list[str]]) -> np.ndarray[Any, Any] | None:
    """The numbers that the cells are, whole if all of them are, or None if one is a word."""
    flat = [_WORDS.get(cell.lower(), cell) for row in cells for cell in row]
    for kind, dtype in ((int, np.int64), (float, np.float64)):
        try:
            return np.array([kind(cell) for cell in flat], dtype).reshape(len(cells), -1)
        except (ValueError, OverflowError):
            continue
    return None


def _of_frame(frame: Any) -> Iterator[Row]:
    """The names, then the rows, of a DataFrame, each column with its own dtype."""
    names = [name if isinstance(name, (str, int)) else str(name) for name in frame.columns]
    yield 0, names
    columns = [frame.iloc[:, i].to_numpy().tolist() for i in range(len(names))]
    yield from ((number, list(cells)) for number, cells in enumerate(zip(*columns, strict=True)))


def _of_file(source: Any, header: bool, delimiter: str, encoding: str) -> Iterator[Row]:
    """The names, then the rows, of a CSV file, with the lines they end on."""
    if hasattr(source, "read"):
        yield from _of_lines(source, header, delimiter)
        return
    if not isinstance(source, (str, Path)):
        raise DTypeError(f"CSVDataset: expected a path, an open file or a DataFrame, got {type(source).__name__}.")
    try:
        with Path(source).expanduser().open(encoding=encoding, newline="") as file:
            yield from _of_lines(file, header, delimiter)
    except FileNotFoundError:
        raise FileNotFoundError(f"CSVDataset: there is no file {str(source)!r} in {Path.cwd()}.") from None
    except UnicodeDecodeError as error:
        raise ValueError(
            f"CSVDataset: {source} is not text in {encoding} ({error}). Say encoding='latin-1', for example."
        ) from None


def _of_lines(lines: Iterable[str], header: bool, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter)
    names: list[Any] | None = None
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if names is None:
                names = [cell.strip() for cell in cells] if header else list(range(len(cells)))
                yield reader.line_num, names
                if header:
                    continue
            if len(cells) != len(names):
                _refuse(
                    f"row {reader.line_num} has {len(cells)} cells between {delimiter!r}, the first has {len(names)}"
                )
            yield reader.line_num, cells
    except csv.Error as error:
        _refuse(f"line {reader.line_num} cannot be read ({error})")
    if names is None:
        _refuse("the file is empty")


def _places(name: str, wanted: Columns, names: Sequence[str | int]) -> list[int]:
    """The numbers of columns given by name or number.  Raises KeyError for one that is not there."""
    found = []
    for column in [wanted] if isinstance(wanted, (str, int)) else wanted:
        if column in names:
            found.append(names.index(column))
        elif isinstance(column, int) and -len(names) <= column < len(names):
            found.append(column % len(names))
        else:
            hint = did_you_mean(str(column), [str(n) for n in names])
            raise KeyError(f"CSVDataset: {name}: there is no column {column!r} among {list(names)}.{hint}")
    return found


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"CSVDataset: {what}.")
