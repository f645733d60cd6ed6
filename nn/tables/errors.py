"""TableError, and the place in a file that it names: the file, the row, the column."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import autograd_mini as ag

__all__ = ["Place", "TableError", "listed", "nearest", "quoted"]


class TableError(ag.errors.AutogradError, ValueError):
    """A table cannot be read, or does not fit: the message names file, row and column, and what to do.

    Rows are numbered as in the file: the header of a CSV is row 1. Of arrays the first row is row 1.
    """


class Place:
    """A file, or a row or a column of it, of which something is wrong."""

    def __init__(self, path: str, row: int | None = None, column: str | None = None) -> None:
        self.path, self.row, self.column = path, row, column

    def at(self, row: Any = None, column: str | None = None) -> Place:
        """Return the place of a row, a column or a cell."""
        return Place(self.path, None if row is None else int(row), column)

    def need(self, ok: Any, what: str, fix: str) -> None:
        """Raise unless it is so."""
        if not ok:
            raise TableError(f"{self}: {what}. {fix}")

    def __str__(self) -> str:
        row = "" if self.row is None else f"row {self.row}"
        column = "" if self.column is None else f"column {quoted(self.column)}"
        return f"{self.path}: {row}{', ' if row and column else ''}{column}".rstrip(": ")


def quoted(text: str) -> str:
    """Return a text from a file in quotes, cut off if it is long."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def listed(names: Iterable[str], most: int = 8) -> str:
    """Return names in quotes, the first few of many."""
    names = list(names)
    return ", ".join(map(quoted, names[:most])) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a question that suggests the name that was meant; without a near one, the names that there are."""
    names = list(names)
    folded = {known.casefold(): known for known in reversed(names)}
    found = get_close_matches(name.casefold(), folded, 1, 0.6)
    if found:
        return f"Did you mean {quoted(folded[found[0]])}?"
    return f"There {'is' if len(names) == 1 else 'are'} {listed(names)}."
