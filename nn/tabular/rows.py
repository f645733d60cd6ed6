"""Rows: some rows of a table, encoded and as they stand in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tables import Encoding, Table, TableError

__all__ = ["Rows", "rows_of"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a table.

    Attributes
    ----------
    X : array, shape (n, width)
        Encoded.
    y : array, shape (n,) or (n, 1), or None
        Targets as the loss takes them.
    numbers : array of int, shape (n,)
        Row numbers in the file.
    cells : dict of str to sequence
        Of each column what stands there: text, or an array for each row of a block such as pixels.
    """

    X: Any
    y: Any
    numbers: Any
    cells: dict[str, Any]


def rows_of(
    table: Table,
    encoding: Encoding,
    numbers: Sequence[int],
    *,
    target: bool | None = True,
    unseen: Any = None,
    dtype: Any = float,
) -> Rows:
    """Return the rows of a table that have these numbers in the file, in this order.

    The table is read from the beginning, a chunk at a time, as far as that takes.

    Raises
    ------
    TableError
        If there is no such row.
    """
    wanted = {int(number): i for i, number in enumerate(numbers)}
    found: dict[int, tuple[Any, Any, dict[str, Any]]] = {}
    last = table.first - 1
    for chunk in table.chunks():
        numbers_here = np.asarray(chunk.numbers)
        last = int(numbers_here[-1]) if len(chunk) else last
        here = {int(numbers_here[i]): int(i) for i in np.flatnonzero(np.isin(numbers_here, list(wanted)))}
        if here:
            X, y = encoding.transform(chunk, target=target, unseen=unseen, dtype=dtype)
            for number, i in here.items():
                cells = {name: chunk.cell(name, i) for name in table.columns}
                found[number] = X[i], None if y is None else y[i], cells
        if len(found) == len(wanted):
            break
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        empty = table.first <= missing[0] <= last
        what = f"row {missing[0]} is empty" if empty else f"there is no row {missing[0]}"
        raise TableError(
            f"{table.path}: {what}. Its rows of data are {table.first} to {last}"
            f"{', the header being row 1' if table.first == 2 else ''}."
        )
    parts = [found[int(number)] for number in numbers]
    targets = None if any(y is None for _, y, _ in parts) else np.array([y for _, y, _ in parts])
    cells = {name: [cells[name] for _, _, cells in parts] for name in table.columns}
    return Rows(np.array([X for X, _, _ in parts]), targets, np.array(numbers), cells)
