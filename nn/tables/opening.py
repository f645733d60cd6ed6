"""open_table: a file by its ending and its content."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from ..checks import shown
from .arrays import is_idx, read_idx_table, read_npy_table, read_npz_table
from .errors import Place
from .parquet import ParquetTable
from .table import Table
from .text import TextTable, opened
from .words import MISSING

__all__ = ["open_table"]

OTHERS = {".xlsx": "an Excel workbook", ".xls": "an Excel workbook", ".ods": "a spreadsheet", ".json": "JSON"}


def open_table(
    path: Any,
    *,
    labels: Any = None,
    part: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    decimal: str = ".",
    missing_words: Iterable[str] | None = None,
) -> Table:
    r"""Open a table in a file: CSV, TSV, .npz, .npy, IDX or Parquet; text and IDX may be packed by gzip.

    Parameters
    ----------
    path : str or os.PathLike
        The file.
    labels : path or False, optional
        The labels of an IDX, .npy or .npz file, an IDX or .npy file: a column ``label``. Beside a file of images that
        is called as MNIST's are, they are found; False: do not look.
    part : str, optional
        Of an archive with ``x_train, y_train, x_test, y_test``, ``"train"`` (the default) or ``"test"``; its columns
        are ``x`` and ``y``.
    separator : str, optional
        One character; by default the comma, semicolon, tab or bar that makes rows of one length.
    encoding : str, optional
        Of the text; by default UTF-8, or what a mark at its beginning says.
    header : bool, optional
        Whether the first row holds names; by default it does, unless it holds a number, which has to be decided.
    decimal : str
        What stands before the decimals, ``"."`` or ``","``.
    missing_words : iterable of str, optional
        The texts that say that a value is missing, besides none at all; by default NA, N/A, NaN, null, None, -, ? and
        the like.

    Returns
    -------
    Table

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    TableError
        If it is empty, damaged, of another kind, or has no header that can be understood.
    ImportError
        If it is Parquet, and pyarrow is not installed.

    Examples
    --------
    >>> import os, tempfile
    >>> from nn import tables
    >>> path = os.path.join(tempfile.mkdtemp(), "a.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write('name;size\n"Ann; the first";1,5\nBob;2\n')
    >>> table = tables.open_table(path, decimal=",")
    >>> table.columns
    ('name', 'size')
    >>> next(table.chunks()).columns
    {'name': ('Ann; the first', 'Bob'), 'size': ('1,5', '2')}
    """
    try:
        name = os.fsdecode(path)
    except TypeError:
        raise TypeError(f"open_table: path is {shown(path)}, but must be the name of a file: 'data.csv'.") from None
    _check_options(separator, decimal)
    words = MISSING if missing_words is None else frozenset(["", *missing_words])
    if not os.path.exists(name):
        raise FileNotFoundError(f"There is no file {name}. Look from {os.getcwd()}, or pass the whole path.")
    place = Place(name)
    place.need(os.path.isfile(name), "it is a directory, or no ordinary file", "Pass the name of a file.")
    stem = name.lower().removesuffix(".gz")
    ending = os.path.splitext(os.path.basename(stem))[1]
    if ending == ".npz":
        return read_npz_table(name, part, labels, words)
    if ending == ".npy":
        return read_npy_table(name, labels, words)
    if ending in (".parquet", ".pq"):
        return ParquetTable(name, words)
    place.need(ending not in OTHERS, f"it is {OTHERS.get(ending)}, which is not read", "Save it as CSV.")
    with opened(place) as file:
        beginning = file.read(4)
    if is_idx(beginning) or "ubyte" in name or ending.startswith(".idx"):
        return read_idx_table(name, labels, words)
    return TextTable(name, words, separator, encoding, header, decimal)


def _check_options(separator: Any, decimal: Any) -> None:
    if separator is not None and (not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n'):
        raise ValueError(
            f"open_table: separator is {shown(separator)}, but must be one character, such as ';' or '\\t'."
        )
    if decimal not in (".", ","):
        raise ValueError(f"open_table: decimal is {shown(decimal)}, but must be '.' or ','.")
    if separator == decimal:
        raise ValueError(f"open_table: separator and decimal are both {separator!r}. One of them is another character.")
