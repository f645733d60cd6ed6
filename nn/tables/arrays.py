"""Tables of arrays that are there: those of .npz, .npy and IDX files; a matrix is one column of rows of numbers."""

from __future__ import annotations

import io
import math
import os
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..saving.npz import read_npz
from ..saving.untrusted import FileError, Source
from .errors import Place, TableError, listed, quoted
from .table import Chunk, Table
from .text import opened
from .words import MISSING

__all__ = ["ArrayTable", "is_idx", "read_idx_table", "read_npy_table", "read_npz_table"]

INFLATED = 2**32  # bytes to which compressed members of an archive may grow
IDX = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}  # http://yann.lecun.com/exdb/mnist
BLOCK = 2**24  # bytes of an array that a chunk holds, about
PART = re.compile(r"(.+?)_?(train|test)")
AGAIN = "Take another copy of the file."


class ArrayTable(Table):
    """Columns that are arrays with as many rows.

    Parameters
    ----------
    path : str
        What messages call it.
    arrays : dict of str to array
        An array of one axis is a column; of more, a column whose values are arrays.
    kind : str
        The format.
    """

    def __init__(self, path: str, arrays: Mapping[str, Any], kind: str, missing: frozenset[str] = MISSING) -> None:
        super().__init__(path, list(arrays), missing)
        self.kind = kind
        self.rows = len(next(iter(arrays.values())))
        self.place.need(self.rows, "its arrays have no rows", "Give them a row for each sample.")
        self.shapes = {name: array.shape[1:] for name, array in arrays.items()}
        self.arrays = {name: self._column(name, array) for name, array in arrays.items()}

    def _column(self, name: str, array: Any) -> Any:
        if array.ndim == 1:
            return array
        size = math.prod(array.shape[1:])
        place = self.place.at(column=name)
        place.need(size, f"its values have shape {array.shape[1:]}, and hold nothing", "Leave it out of the file.")
        return array.reshape(len(array), size)

    def array(self, name: str) -> Any:
        """Return a column as an array."""
        return self.arrays[name] if self.arrays[name].dtype.kind in "biuf" else None

    def chunks(self, size: int = 50_000) -> Iterator[Chunk]:
        """Yield all rows, at most `size` at a time; fewer if they are wide."""
        assert self.rows is not None
        widest = sum(a.dtype.itemsize * (a.shape[1] if a.ndim == 2 else 1) for a in self.arrays.values())
        size = max(1, min(size, BLOCK // widest))
        for start in range(0, self.rows, size):
            stop = min(start + size, self.rows)
            columns = {name: _cells(array[start:stop]) for name, array in self.arrays.items()}
            yield Chunk(self, columns, start, range(start + 1, stop + 1))


def _cells(array: Any) -> Any:
    """Return text as a list, and an array of numbers as it is."""
    if array.dtype.kind == "S":
        return [text.decode("utf-8", "replace") for text in array.tolist()]
    return array.tolist() if array.dtype.kind == "U" else array


def read_npz_table(path: str, part: str | None, labels: Any, missing: frozenset[str]) -> Table:
    """Return the arrays of an archive that have as many rows: those of one part, if it has two."""
    place = Place(path)
    size = os.path.getsize(path)
    place.need(size, "the file is empty", AGAIN)
    try:
        with open(path, "rb") as file:
            arrays, _ = read_npz(Source(path, file, size), INFLATED)
    except FileError as error:
        what = str(error).removeprefix(f"The file {path} cannot be read: ").split(". If it can be trusted")[0]
        raise TableError(f"{place}: {what if what.endswith(('.', '?')) else what + '.'}") from None
    note = ""
    parts: dict[str, dict[str, str]] = {}
    for name in arrays:
        if found := PART.fullmatch(name):
            parts.setdefault(found[2], {})[name] = found[1]
    if part is not None or {"train", "test"} <= parts.keys():
        there = listed(parts) if parts else "no names that end in _train or _test"
        place.need(
            part in parts or (part is None and parts), f"it has no part {part!r}, but {there}", "Pass part='train'."
        )
        if part is None:
            part, note = "train", f"{quoted(path)} has parts, {listed(parts)}: this is train. Choose with part='test'."
        arrays = {short: arrays[name] for name, short in parts[part].items()}
    if labels is not None:
        label_file, found = read_labels(os.fsdecode(labels))
        place.need("label" not in arrays, f"it has a column 'label' besides {label_file}", "Leave out labels.")
        arrays["label"] = found
    table = _of_arrays(path, arrays, "npz", missing)
    table.note = note
    return table


def _of_arrays(path: str, arrays: dict[str, Any], kind: str, missing: frozenset[str]) -> Table:
    place = Place(path)
    place.need(
        arrays, "it holds no arrays", "Give it a column for the inputs and one for the target, with as many rows."
    )
    single = [name for name, array in arrays.items() if not array.ndim]
    place.need(not single, f"{listed(single)} is a single number, and no column", "Leave it out of the file.")
    lengths = Counter(len(array) for array in arrays.values())
    shapes = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:8])
    place.need(len(lengths) == 1, f"its arrays have not as many rows: {shapes}", "Give each a row for each sample.")
    return ArrayTable(path, arrays, kind, missing)


def read_npy_table(path: str, labels: Any, missing: frozenset[str]) -> Table:
    """Return the columns of a matrix, which stays on the disk; an image in each row is one column, pixels."""
    place = Place(path)
    array = _npy(path)
    arrays: dict[str, Any]
    if array.dtype.names:
        arrays = {name: np.ascontiguousarray(array[name]) for name in array.dtype.names}
    elif array.ndim == 2 and array.shape[1]:
        if labels is None:
            arrays = {f"column_{i + 1}": array[:, i] for i in range(array.shape[1])}
        else:
            arrays = {"values": array}
    else:
        place.need(array.ndim, "it holds a single number", "Give it a row for each sample.")
        arrays = {"values" if array.ndim == 1 else "pixels": array}
    if labels is not None:
        arrays["label"] = read_labels(os.fsdecode(labels))[1]
    return _of_arrays(path, arrays, "npy", missing)


def _npy(path: str) -> Any:
    place = Place(path)
    place.need(os.path.getsize(path), "the file is empty", AGAIN)
    with open(path, "rb") as file:
        place.need(file.read(6) == b"\x93NUMPY", "it does not begin as an .npy file does", AGAIN)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, TypeError, SyntaxError, OverflowError) as error:
        objects = "bject" in str(error)
        what = "it holds pickled Python objects, which could run any code" if objects else "it is damaged"
        fix = "Save an array of plain numbers." if objects else AGAIN
        raise TableError(f"{place}: {what}. {fix}") from None


# ---------------------------------------------------------------------------------------------------------------- IDX


def is_idx(beginning: bytes) -> bool:
    """Return whether a file begins as IDX files do: two zeros, a type, a number of axes."""
    return len(beginning) >= 4 and beginning[:2] == b"\0\0" and beginning[2] in IDX and 0 < beginning[3] < 9


def read_idx(path: str) -> Any:
    """Return the array of an IDX file; one that is not packed stays on the disk."""
    place = Place(path)
    with opened(place) as file:
        start = file.read(4)
        place.need(start, "the file is empty", AGAIN)
        known = "the type (8, 9, 11, 12, 13 or 14) and the number of axes"
        place.need(is_idx(start), f"it begins with {start.hex()}, and no IDX file does: two zero bytes, {known}", AGAIN)
        header = file.read(4 * start[3])
        place.need(len(header) == 4 * start[3], "it ends within its header", AGAIN)
        shape, dtype = struct.unpack(f">{start[3]}I", header), np.dtype(IDX[start[2]])
        size = math.prod(shape) * dtype.itemsize
        text = " x ".join(map(str, shape))
        if isinstance(getattr(file, "raw", None), io.FileIO):  # not packed
            there = os.path.getsize(path) - 4 - len(header)
            place.need(there == size, f"it should hold {text} values, {size:,} bytes, and holds {there:,}", AGAIN)
            place.need(size, f"it holds {text} values, which is none", "Give it a row for each sample.")
            return np.memmap(path, dtype, "r", 4 + len(header), shape)
        pieces, left = bytearray(), size
        while left and (piece := file.read(min(left, 2**20))):  # takes memory as the bytes come, whatever it declares
            pieces += piece
            left -= len(piece)
        place.need(
            not left and not file.read(1),
            f"it should hold {text} values, {size:,} bytes, and holds {'fewer' if left else 'more'}",
            AGAIN,
        )
    return np.frombuffer(pieces, dtype).reshape(shape)


def read_labels(path: str) -> tuple[str, Any]:
    """Return the labels in another file: IDX or .npy."""
    place = Place(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: there is no such file of labels. Pass labels with the path of one.")
    array = _npy(path) if path.lower().endswith(".npy") else read_idx(path)
    place.need(array.ndim == 1, f"it has shape {array.shape}, but labels are one per row", "Pass the file of labels.")
    return path, array


def _beside(path: str) -> str | None:
    """Return the file of labels beside one of images, as those of MNIST are called."""
    folder, name = os.path.split(path)
    for images, labels in (("images", "labels"), ("-idx3-", "-idx1-"), (".idx3", ".idx1")):
        name = name.replace(images, labels)
    stem = name.removesuffix(".gz")
    for other in (name, stem, stem + ".gz"):
        if other != os.path.basename(path) and os.path.isfile(os.path.join(folder, other)):
            return os.path.join(folder, other)
    return None


def read_idx_table(path: str, labels: Any, missing: frozenset[str]) -> Table:
    """Return images and their labels, which are in a file beside it, if it is called as MNIST's is."""
    array = read_idx(path)
    arrays = {"label" if array.ndim == 1 else "pixels": array}
    beside = os.fsdecode(labels) if labels else (None if labels is False or array.ndim == 1 else _beside(path))
    if beside is not None and array.ndim > 1:
        arrays["label"] = found = read_labels(beside)[1]
        Place(path).need(
            len(found) == len(array),
            f"it holds {len(array):,} images, and {quoted(beside)} {len(found):,} labels",
            "Pass labels with the file that belongs to it.",
        )
    table = _of_arrays(path, arrays, "idx", missing)
    if "label" not in arrays:
        table.hint = "Its labels are in another file: pass labels with the path of it."
    return table
