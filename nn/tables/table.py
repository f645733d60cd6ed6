"""Table: a file of rows and columns, which is read in chunks, so that it need not fit into memory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .errors import Place, listed, nearest

__all__ = ["CELLS", "Chunk", "Table"]

CELLS = 2**14  # in a chunk, at most, unless a single row has more: what fits into a cache is read several times faster


class Chunk:
    """Some rows of a table, one after the other.

    Attributes
    ----------
    columns : dict of str to sequence of str, or array
        Text as it stands in the file, or an array of numbers, whose first axis is the rows.
    start : int
        Where they begin, from 0, in the table.
    numbers : sequence of int
        Which rows of the file they are, as an editor counts them.
    table : Table
        Where they are from.
    """

    def __init__(self, table: Table, columns: Mapping[str, Any], start: int, numbers: Sequence[int]) -> None:
        self.table, self.columns, self.start, self.numbers = table, dict(columns), start, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def number(self, i: int) -> int:
        """Return which row of the file row `i` of the chunk is, as an editor counts them."""
        return int(self.numbers[i])

    def cell(self, name: str, i: int) -> Any:
        """Return what stands in a cell: text, a number, or an array of numbers."""
        value = self.columns[name][i]
        return value.item() if isinstance(value, np.generic) else value


class Table(ABC):
    """A file of rows and columns; `open_table` makes the right one.

    Attributes
    ----------
    path : str
        The file.
    columns : tuple of str
        The names.
    rows : int or None
        How many rows there are; None until they have been read once.
    shapes : dict of str to tuple of int
        The shape of a column's values: () of numbers and text, (28, 28) of images.
    kind : str
        ``"csv"``, ``"npz"``, ``"npy"``, ``"idx"`` or ``"parquet"``.
    missing : frozenset of str
        The texts that say that a value is missing.
    decimal : str
        What stands before the decimals of a number.
    """

    kind: str
    missing: frozenset[str]
    decimal = "."
    first = 1  # the number of the first row
    hint = ""  # what to do if a column is not there
    note = ""  # what was chosen for the reader, who may have meant otherwise

    def __init__(self, path: str, columns: Sequence[str], missing: frozenset[str]) -> None:
        self.path, self.columns, self.missing = path, tuple(columns), missing
        self.place = Place(path)
        self.rows: int | None = None
        self.shapes: dict[str, tuple[int, ...]] = dict.fromkeys(self.columns, ())

    @abstractmethod
    def chunks(self, size: int = 50_000) -> Iterator[Chunk]:
        """Yield all rows, at most `size` at a time; fewer if they are wide.

        Raises
        ------
        TableError
            Where the file cannot be read, with the row.
        """

    def array(self, name: str) -> Any:  # noqa: ARG002
        """Return a whole column as an array that is there already, perhaps a memory map; None if it has to be read."""
        return None

    def has(self, name: str, what: str = "column") -> str:
        """Return the name of a column; raise if there is none of that name."""
        hint = " ".join(filter(None, [nearest(str(name), self.columns), self.hint]))
        self.place.need(name in self.columns, f"there is no {what} {str(name)[:60]!r}", hint)
        return name

    def __repr__(self) -> str:
        rows = "" if self.rows is None else f", {self.rows:,} rows"
        return f"<table {self.path}: {len(self.columns)} columns ({listed(self.columns, 4)}){rows}>"
