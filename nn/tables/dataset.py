"""load: a table that is read once, and TableDataset: its rows as a network's inputs and targets, batch by batch."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..checks import FROM_ZERO, dtype_of, real, shown, whole
from ..data import Dataset, stratified_split
from .columns import Column, Kind
from .encoding import CLASSES, ROWS_EACH, UNKNOWN, Encoding, Input, Target, check_finite
from .errors import Place, listed, quoted
from .storage import Storage, room
from .table import Chunk, Table
from .words import plain

__all__ = ["Split", "TableDataset", "load"]

TASKS = ("classification", "regression")
SMALL = 1e-140  # of numbers below this the squares are not exact
BLOCK = 2**22  # numbers of a block that are looked at together


class Loaded(NamedTuple):
    """What was read of a table: the values, and what they mean."""

    table: Table
    storage: Storage  # a column for each name; NaN where a value is missing
    names: list[str]  # of its columns
    kinds: dict[str, Kind]
    blocks: dict[str, Any]
    target: Target
    numbers: Any  # of the rows in the file, if they do not simply follow each other
    missing: str
    memory: int
    notes: list[str]


class Split(NamedTuple):
    """The parts of a table; None is a part that was not asked for."""

    train: TableDataset
    validation: TableDataset | None
    test: TableDataset | None


class TableDataset(Dataset):
    """Rows of a table, as inputs and targets; `load` makes it.

    The encoding's means, scales and categories are those of its own rows; the parts that `split` returns share those
    of the training rows.

    Attributes
    ----------
    encoding : Encoding
        How cells become numbers.
    rows : array of int, shape (n,)
        Which rows of the table they are, from 0.
    numbers : array of int, shape (n,)
        Which rows of the file, as an editor counts them.
    notes : list of str
        What was decided about columns, in sentences.
    in_memory : bool
        Whether what was read fits into memory; else it is a memory map.
    """

    def __init__(self, loaded: Loaded, rows: Any, encoding: Encoding | None, dtype: Any) -> None:
        self.loaded, self.dtype = loaded, np.dtype(dtype)
        self.rows = np.arange(loaded.storage.rows) if rows is None else rows
        self.encoding = _fitted(loaded, self.rows) if encoding is None else encoding
        self.table, self.notes = loaded.table, list(self.encoding.notes)
        self._matrix = np.asarray(loaded.storage.matrix)  # a memory map's own class makes it slower
        self._at = {name: at for at, name in enumerate(loaded.names)}
        self._cells = np.array([self._at[i.name] for i in self.encoding.cells], np.intp)
        self._target = self._at[loaded.target.name]
        self._places = self._renumbered()
        size = len(self.rows) * self.encoding.width * self.dtype.itemsize
        self.in_memory = loaded.storage.path is None
        self._fits = self.in_memory and size <= loaded.memory
        self._encoded: tuple[Any, Any] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> tuple[Any, Any]:
        """Return the inputs (k, width) and the targets of some rows: classes (k,), or standardized numbers (k, 1)."""
        if self._fits:
            X, y = self.arrays()
            return X[rows], y[rows]
        return self._batch(self.rows[rows])

    def arrays(self) -> tuple[Any, Any]:
        """Return the inputs and the targets of all rows, in memory."""
        if self._encoded is None:
            self._encoded = self._batch(self.rows)
        return self._encoded

    def _batch(self, rows: Any) -> tuple[Any, Any]:
        stored = self._matrix.take(rows, axis=0)
        values = stored.take(self._cells, axis=1)
        if len(self._places):
            category = self.encoding.category
            known = values[:, category]
            gone = np.isnan(known)
            places = self._places[np.where(gone, 0, known).astype(np.intp) + self._starts]
            places[gone] = np.nan
            values[:, category] = places
        blocks = {block.name: self.loaded.blocks[block.name][rows] for block in self.encoding.blocks}
        inputs = self.encoding.encode(values, blocks, self.dtype)
        targets, target = stored[:, self._target], self.encoding.target
        if target.task == "classification":
            return inputs, targets.astype(np.int64)
        return inputs, ((targets - target.mean) / target.scale).astype(self.dtype)[:, None]

    def _renumbered(self) -> Any:
        """Return the place in the encoding of each category of the table; nothing if they are the same."""
        pieces, same, starts = [], True, [0]
        for at in self.encoding.category:
            column = self.encoding.cells[at]
            place = {name: float(i) for i, name in enumerate(column.categories)}
            there = self.loaded.kinds[column.name].categories
            pieces.append(np.array([place.get(name, UNKNOWN) for name in there]))
            starts.append(starts[-1] + len(there))
            same = same and there == column.categories
        self._starts = np.array(starts[:-1], np.intp)
        return np.concatenate(pieces) if pieces and not same else np.empty(0)

    @property
    def numbers(self) -> Any:
        """Which rows of the file they are, as an editor counts them."""
        known = self.loaded.numbers
        return self.rows + self.table.first if known is None else known[self.rows]

    def targets(self) -> Any:
        """Return the target of each row as it is in the table: places of classes (n,), or numbers in their unit."""
        found = np.array(self.loaded.storage.matrix[:, self._target])[self.rows]
        return found.astype(np.int64) if self.encoding.task == "classification" else found

    def raw(self, rows: Any) -> dict[str, Any]:
        """Return some rows as they are in the table, for showing: the names of classes and categories, numbers, arrays.

        Parameters
        ----------
        rows : array of int
            Which, from 0, of this dataset.

        Returns
        -------
        dict of str to list, or to array
            Of each column that was read; a value that is missing is None.
        """
        at = self.rows[np.asarray(rows)]
        stored = self.loaded.storage.matrix[at]
        found: dict[str, Any] = {}
        for name in self.table.columns:
            if name in self.loaded.blocks:
                found[name] = self.loaded.blocks[name][at].reshape(-1, *self.table.shapes[name])
            elif name in self._at:
                kind = self.loaded.kinds[name]
                texts = self.encoding.target.classes if name == self.encoding.target.name else kind.categories
                found[name] = [_shown(value, texts) for value in stored[:, self._at[name]].tolist()]
        return found

    def part(self, rows: Any) -> TableDataset:
        """Return some of the rows, with an encoding of their own.

        Parameters
        ----------
        rows : array of int, or of bool
            Which, of this dataset.
        """
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        return TableDataset(self.loaded, self.rows[rows], None, self.dtype)

    def split(self, test: float = 0.2, validation: float = 0.1, seed: int | np.random.Generator | None = 0) -> Split:
        r"""Return parts to train with, to validate with and to test with, whose encoding is that of the training rows.

        Classes are held out in proportion, and each keeps a row for training.

        Parameters
        ----------
        test, validation : float
            Which part of all rows they are; 0: there is none.
        seed : int or numpy.random.Generator
            Which rows: the same seed gives the same parts.

        Raises
        ------
        ValueError
            If the parts leave no rows to train with.

        Examples
        --------
        >>> import os, tempfile
        >>> from nn import tables
        >>> path = os.path.join(tempfile.mkdtemp(), "a.csv")
        >>> with open(path, "w") as file:
        ...     _ = file.write("x,kind\n" + "".join(f"{i},{'even odd'.split()[i % 2]}\n" for i in range(40)))
        >>> train, validation, test = tables.load(path, "kind").split(test=0.2, validation=0.1, seed=0)
        >>> len(train), len(validation), len(test), test.encoding is train.encoding
        (28, 4, 8, True)
        """
        n, rng = len(self), np.random.default_rng(seed)
        need = "be the part of the rows to hold out, from 0 to below 1"
        for name, size in (("test", test), ("validation", validation)):
            real("split", name, size, need, above=FROM_ZERO, below=1)
        counts = [max(1, round(size * n)) if size else 0 for size in (test, validation)]
        if sum(counts) >= n:
            raise ValueError(
                f"split: test is {test} and validation is {validation}, which leave none of {n} rows to train with. "
                "Hold out less."
            )
        labels = self.targets() if self.encoding.task == "classification" else np.zeros(n, np.int64)
        rest, parts = np.arange(n), []
        for count in counts:
            part = np.empty(0, np.int64)
            if count:
                kept, held = stratified_split(labels[rest], count, rng)
                rest, part = rest[kept], rest[held]
            parts.append(part)
        rest, parts = _with_every_class(labels, rest, parts)
        train = TableDataset(self.loaded, self.rows[rest], None, self.dtype)
        others = [
            TableDataset(self.loaded, self.rows[part], train.encoding, self.dtype) if len(part) else None
            for part in parts
        ]
        return Split(train, others[1], others[0])

    def __repr__(self) -> str:
        where = "in memory" if self.in_memory else "in a memory map"
        return f"<{len(self):,} rows of {self.table.path}, {where}: {self.encoding!r}>"


def _with_every_class(labels: Any, rest: Any, parts: list[Any]) -> tuple[Any, list[Any]]:
    """Move a row of each class that none was left of back to those to train with."""
    for label in np.setdiff1d(labels, labels[rest]).tolist():
        k = next(k for k, part in enumerate(parts) if (labels[part] == label).any())
        at = np.flatnonzero(labels[parts[k]] == label)[:1]
        rest = np.append(rest, parts[k][at])
        parts[k] = np.delete(parts[k], at)
    return rest, parts


def _shown(value: float, texts: Sequence[str]) -> Any:
    if value != value:
        return None
    return texts[int(value)] if texts else value


def load(
    table: Any,
    target: str,
    *,
    task: str | None = None,
    missing: str = "refuse",
    max_categories: int = 1000,
    ignore: Iterable[str] = (),
    kinds: Mapping[str, str] | None = None,
    memory: int | None = None,
    folder: Any = None,
    dtype: Any = float,
) -> TableDataset:
    r"""Read a table once, find out what its columns are, and keep its values: in memory, or in a memory-mapped file.

    A column of numbers alone is a number; one of 0 and 1, or of two words such as yes and no, a boolean; whole numbers
    of which one has a leading zero, such as zip codes, and any other text are categories. Dates, numbers written with
    commas or units, text that is different in each row, words among numbers and infinite numbers are refused, with row
    and column; a column with a single value is left out, with a note.

    The target makes it a classification if it is text or a boolean, or whole numbers of which there are at most 20,
    with five rows of each or more on average; else a regression.

    Parameters
    ----------
    table : Table or path
        See `open_table`.
    target : str
        The column to learn.
    task : str, optional
        ``"classification"`` or ``"regression"``; by default as above.
    missing : str
        ``"refuse"``, or ``"impute"``: a missing number becomes the mean of the training rows, and an input says that it
        was missing; a missing category is one of its own. A target is never missing.
    max_categories : int
        As many different texts a column may hold.
    ignore : iterable of str
        Columns to leave out.
    kinds : dict of str to str, optional
        What columns are, ``"number"`` or ``"category"``, where it should be otherwise.
    memory : int, optional
        Bytes that the values may take; if they take more, they go to a file. The encoded inputs are kept, too, if they
        take no more. By default 1 GiB, or a quarter of what this process may have, if that is less.
    folder : path, optional
        Where that file goes, and stays; by default a temporary folder.
    dtype : dtype
        Of inputs and targets.

    Returns
    -------
    TableDataset

    Raises
    ------
    TableError
        If the table cannot be read or learned from.
    ValueError, TypeError
        If an option is not as above.
    OSError
        If the file cannot be read, or the values not written; what was written is removed.

    Examples
    --------
    >>> import os, tempfile
    >>> import nn
    >>> from nn import tables
    >>> path = os.path.join(tempfile.mkdtemp(), "a.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("size;colour;ripe\n" + "1.5;red;yes\n2.5;green;no\n3.0;red;no\n" * 4)
    >>> data = tables.load(path, "ripe")
    >>> data.encoding.names, data.encoding.target.classes
    (['size', 'colour = green', 'colour = red'], ('no', 'yes'))
    >>> model = nn.MLP([data.encoding.width, 8, data.encoding.target.outputs], rng=0)
    >>> history = nn.fit(model, data, loss=nn.cross_entropy, optimizer=nn.Adam(model.parameters(), lr=0.1), epochs=20)
    >>> nn.accuracy(nn.evaluate(model, data.arrays()[0]), data.targets())
    1.0
    """
    from .opening import open_table

    source = table if isinstance(table, Table) else open_table(table)
    ignored, stated = _checked_options(source, target, task, missing, ignore, kinds)
    most = whole("load", "max_categories", max_categories, 1)
    memory = room() if memory is None else whole("load", "memory", memory, 0, " It counts bytes.")
    dtype = dtype_of("load", dtype)
    used = [name for name in source.columns if name not in ignored]
    source.place.need(len(used) > 1, "there is no column but the target", "Learning needs inputs: leave out fewer.")
    blocks = _blocks(source, used, target)
    names = [name for name in used if name not in blocks]
    storage = Storage(len(names), memory, None if folder is None else os.fsdecode(folder))
    try:
        columns, numbers = _read(source, names, storage, most, stated, target)
        kinds_found = _settled(source, columns, storage)
        _check_missing(source, columns, storage, names, target, missing)
        found = _target_of(columns[target], kinds_found[target], storage, names.index(target), task)
        notes = [f"column {quoted(name)}: {kind.note}" for name, kind in kinds_found.items() if kind.note]
        single = [name for name, kind in kinds_found.items() if kind.kind in ("constant", "empty")]
        if single:
            notes.append(f"left out, since all rows have the same value there: {listed(single)}.")
        loaded = Loaded(
            source, storage, names, kinds_found, blocks, found, numbers, missing, memory, [found.rule, *notes]
        )
        return TableDataset(loaded, None, None, dtype)
    except BaseException:
        storage.discard()
        raise


def _checked_options(
    table: Table, target: Any, task: Any, missing: Any, ignore: Any, kinds: Any
) -> tuple[set[str], dict[str, str]]:
    """Return the columns to leave out, and what columns are said to be."""
    if task not in (None, *TASKS):
        raise ValueError(f"load: task is {shown(task)}, but must be 'classification', 'regression', or None: as found.")
    if missing not in ("refuse", "impute"):
        raise ValueError(f"load: missing is {shown(missing)}, but must be 'refuse' or 'impute'.")
    if isinstance(ignore, str):
        ignore = [ignore]
    ignored = {table.has(name, "column to leave out,") for name in ignore}
    stated = dict(kinds or {})
    for name, kind in stated.items():
        table.has(name)
        if kind not in ("number", "category"):
            raise ValueError(f"load: kinds[{name!r}] is {shown(kind)}, but must be 'number' or 'category'.")
    table.has(target, "target")
    table.place.need(target not in ignored, f"the target {quoted(target)} is to be left out", "Take it out of ignore.")
    table.place.at(column=target).need(
        not table.shapes[target],
        f"its values have shape {table.shapes[target]}, and are no target",
        "Name a column of single values.",
    )
    if task is not None:
        stated[target] = "category" if task == "classification" else "number"
    return ignored, stated


def _blocks(table: Table, used: Iterable[str], target: str) -> dict[str, Any]:
    """Return the columns whose values are arrays."""
    found = {}
    for name in used:
        if table.shapes[name] and name != target:
            place = table.place.at(column=name)
            found[name] = array = table.array(name)
            place.need(array is not None, "its values are arrays of text", "Leave the column out (ignore).")
            size = max(1, BLOCK // array.shape[1])
            for start in range(0, len(array), size):
                piece = array[start : start + size]
                check_finite(piece, place, Chunk(table, {}, start, range(start + 1, start + len(piece) + 1)))
    return found


def _read(
    table: Table, names: list[str], storage: Storage, most: int, stated: Mapping[str, str], target: str
) -> tuple[dict[str, Column], Any]:
    """Read all chunks into the storage; return the columns, and the rows' numbers if they have gaps."""
    numbers: list[Any] = []
    gaps = False

    def row_number(position: int) -> int:
        for start, piece in numbers:
            if start <= position < start + len(piece):
                return int(piece[position - start])
        return position + table.first

    columns = {
        name: Column(
            table.place.at(column=name),
            table,
            most,
            stated.get(name),
            functools.partial(storage.find, at),
            row_number,
            name == target,
        )
        for at, name in enumerate(names)
    }
    for chunk in table.chunks():
        block = np.empty((len(chunk), len(names)))
        for at, (name, column) in enumerate(columns.items()):
            block[:, at] = column.add(chunk.columns[name], chunk)
        gaps = gaps or not isinstance(chunk.numbers, range) or chunk.numbers[0] != chunk.start + table.first
        numbers.append((chunk.start, chunk.numbers))
        storage.append(block)
    return columns, np.concatenate([np.asarray(piece, np.int64) for _, piece in numbers]) if gaps else None


def _settled(table: Table, columns: Mapping[str, Column], storage: Storage) -> dict[str, Kind]:
    """Return what each column is, and replace the numbers of its texts by values."""
    assert table.rows is not None
    kinds = {name: column.settle(table.rows) for name, column in columns.items()}
    storage.finish()
    changes = []
    for at, (name, column) in enumerate(columns.items()):
        lookup = kinds[name].lookup
        until = column.switch if column.texts is None else storage.rows
        if lookup is not None and until and not np.array_equal(lookup, np.arange(len(lookup))):
            changes.append((at, lookup, until))
    if changes:
        for start, block in storage.blocks():
            for at, lookup, until in changes:
                if start < until:
                    codes = block[: until - start, at].astype(np.intp)
                    block[: until - start, at] = lookup[codes]
    return kinds


def _check_missing(
    table: Table, columns: Mapping[str, Column], storage: Storage, names: list[str], target: str, missing: str
) -> None:
    """Refuse missing values of the target, and others unless they are to be imputed."""
    wanted = [name for name, column in columns.items() if column.empty and (missing == "refuse" or name == target)]
    if not wanted:
        return
    first = dict.fromkeys(wanted, -1)
    for start, block in storage.blocks():
        for name in wanted:
            if first[name] < 0 and (gone := np.isnan(block[:, names.index(name)])).any():
                first[name] = columns[name].row_number(start + int(gone.argmax()))
    name = target if target in wanted else wanted[0]
    count = columns[name].empty
    others = [other for other in wanted if other != name]
    word = f" ({quoted(columns[name].word)})" if columns[name].word else ""
    more = word if count == 1 else f"{word}, here and in {count - 1:,} more row{'s' if count > 2 else ''}"
    also = f"; values are missing in {listed(others)}, too" if others else ""
    fix = (
        "Leave such rows out, or fill them in."
        if name == target
        else (
            "Fill it in, leave the column out (ignore), or pass missing='impute', with an input that says where values "
            "were missing."
        )
    )
    if word:
        fix += " If the word is a value, leave it out of missing_words."
    what = "the target" if name == target else "the value"
    table.place.at(first[name], name).need(False, f"{what} is missing{more}{also}", fix)


def _target_of(column: Column, kind: Kind, storage: Storage, at: int, task: str | None) -> Target:
    """Return what is learned; replaces numbers by places of classes."""
    name, place, n = column.place.column, column.place, storage.rows
    assert name is not None
    place.need(
        kind.kind not in ("constant", "empty"),
        f"the target has one value, {quoted(kind.categories[0]) if kind.categories else 'none'}, in all rows",
        "There is nothing to learn: name another column.",
    )
    classes, rule = kind.categories, f"{quoted(name)} is text, so each text is a class (classification)."
    if kind.kind == "boolean":
        rule = f"{quoted(name)} is {quoted(classes[0])} or {quoted(classes[1])} (classification)."
    if kind.kind == "number":
        values = _different(storage, at)
        whole_numbers = values is not None and (values == np.floor(values)).all()
        few = values is not None and len(values) <= CLASSES and n >= ROWS_EACH * len(values)
        if task == "regression" or not (whole_numbers and few):
            many = f"more than {CLASSES}" if values is None else len(values)
            rule = f"{quoted(name)} holds {many} different numbers, "
            rule += "whose size counts (regression); pass task='classification' if they are classes."
            if task is not None:
                rule = f"{quoted(name)}: {task}, as was said."
            return Target(name, "regression", "number", rule=rule)
        assert values is not None
        classes = tuple(map(plain, values.tolist()))
        for _, block in storage.blocks():
            block[:, at] = np.searchsorted(values, block[:, at])
        rule = (
            f"{quoted(name)} holds {len(classes)} whole numbers, {n // len(classes):,} rows of each on average, "
            "so they are classes (classification); pass task='regression' if their size counts."
        )
    if task is not None:
        rule = f"{quoted(name)}: {task}, as was said."
    counts = np.zeros(len(classes), np.int64)
    for _, block in storage.blocks():
        counts += np.bincount(block[:, at].astype(np.intp), minlength=len(classes))
    once = np.flatnonzero(counts == 1)
    if len(once):
        row = column.row_number(storage.find(at, once[:1]))
        more = f" (of {len(once):,} such classes)" if len(once) > 1 else ""
        numeric = kind.kind == "number"
        place.at(row, name).need(
            False,
            f"the class {quoted(classes[once[0]])} is there only once{more}, and cannot be both learned and tested",
            "Leave the row out, or join the class with another" + ("; or pass task='regression'." if numeric else "."),
        )
    return Target(name, "classification", kind.kind, classes, rule=rule)


def _different(storage: Storage, at: int) -> Any:
    """Return the different numbers of a column, in order; None if they are more than there may be classes."""
    found = np.empty(0)
    for _, block in storage.blocks():
        found = np.union1d(found, block[:, at])
        if len(found) > CLASSES:
            return None
    return found


def _fitted(loaded: Loaded, rows: Any) -> Encoding:
    """Return the encoding whose means, scales and categories are those of some rows."""
    storage, names, table = loaded.storage, loaded.names, loaded.table
    mask = np.zeros(storage.rows, bool)
    mask[rows] = True
    cells = {
        name: at
        for at, name in enumerate(names)
        if name != loaded.target.name and loaded.kinds[name].kind not in ("constant", "empty")
    }
    numeric = np.array(
        [at for at, name in enumerate(names) if loaded.kinds[name].kind in ("number", "boolean")], np.intp
    )
    category = [at for at, name in enumerate(names) if loaded.kinds[name].kind == "category"]
    moments = Moments(len(numeric))
    counts = {at: np.zeros(len(loaded.kinds[names[at]].categories) + 1, np.int64) for at in category}
    for start, block in storage.blocks():
        picked = block[mask[start : start + len(block)]]
        moments.add(picked[:, numeric])
        for at in category:
            places = picked[:, at]
            counts[at] += np.bincount(
                np.where(np.isnan(places), len(counts[at]) - 1, places).astype(np.intp), minlength=len(counts[at])
            )
    n = int(mask.sum())
    means, scales = (
        dict(zip(numeric.tolist(), moments.mean.tolist(), strict=True)),
        dict(zip(numeric.tolist(), moments.scale().tolist(), strict=True)),
    )
    known = dict(zip(numeric.tolist(), moments.count.tolist(), strict=True))
    for at, largest in zip(numeric.tolist(), moments.largest.tolist(), strict=True):
        _check_size(table.place.at(column=names[at]), np.isfinite([means[at], scales[at]]).all(), largest)
    notes, inputs = list(loaded.notes), []
    for name in table.columns:
        if name in loaded.blocks:
            inputs.append(_block_input(loaded, name, mask))
        if name not in cells:
            continue
        at, kind = cells[name], loaded.kinds[name]
        if kind.kind == "category":
            texts = tuple(text for text, count in zip(kind.categories, counts[at].tolist(), strict=False) if count)
            if len(texts) < len(kind.categories) and texts:
                notes.append(
                    f"column {quoted(name)}: {len(kind.categories) - len(texts)} categories are in no training row."
                )
            if texts:
                inputs.append(Input(name, "category", texts, indicator=bool(counts[at][-1])))
            continue
        if not known[at]:
            continue  # missing in all of these rows
        scale = 1.0 if kind.kind == "boolean" else scales[at]
        inputs.append(Input(name, kind.kind, kind.categories, means[at], scale, known[at] < n))
    table.place.need(
        inputs, "no column is left to learn from: all have a single value", "Leave out fewer columns (ignore)."
    )
    target = loaded.target
    if target.task == "regression":
        at = names.index(target.name)
        target = replace(target, mean=means[at], scale=scales[at])
    return Encoding(inputs, target, loaded.missing, table.missing, notes)


def _check_size(place: Place, finite: Any, largest: float) -> None:
    """Refuse numbers whose squares are infinite, or all 0, as if they were all the same."""
    fix = "Write them in another unit, or their logarithms."
    place.need(finite, "its numbers are too large: the sum of their squares is no number any more", fix)
    place.need(not 0 < largest < SMALL, "its numbers are too small: their squares are 0, or no longer exact", fix)


def _block_input(loaded: Loaded, name: str, mask: Any) -> Input:
    """Return an array of each row as inputs: bytes divided by 255, others standardized one by one."""
    array, shape = loaded.blocks[name], loaded.table.shapes[name]
    if array.dtype == np.uint8:
        return Input(name, "block", scale=255.0, shape=shape)
    moments, size = Moments(array.shape[1]), max(1, BLOCK // array.shape[1])
    for start in range(0, len(array), size):
        moments.add(array[start : start + size][mask[start : start + size]].astype(float))
    place = loaded.table.place.at(column=name)
    _check_size(place, np.isfinite([moments.mean, moments.scale()]).all(), float(moments.largest.max()))
    return Input(name, "block", (), tuple(moments.mean.tolist()), tuple(moments.scale().tolist()), shape=shape)


class Moments:
    """Means and standard deviations of columns that come in pieces; NaN does not count.

    Each piece's mean and sum of squares around it are joined with those so far: T. F. Chan, G. H. Golub and R. J.
    LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979.
    """

    def __init__(self, width: int) -> None:
        self.count, self.mean, self.squares = np.zeros(width), np.zeros(width), np.zeros(width)
        self.largest = np.zeros(width)  # but for the sign

    def add(self, block: Any) -> None:
        """Take in some rows."""
        there = ~np.isnan(block)
        count = there.sum(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            block = np.where(there, block, 0.0)
            self.largest = np.maximum(self.largest, np.maximum(block.max(0, initial=0.0), -block.min(0, initial=0.0)))
            mean = block.sum(axis=0) / np.maximum(count, 1)
            block -= mean
            block[~there] = 0.0
            squares = np.einsum("ij,ij->j", block, block)
            total = self.count + count
            step, share = mean - self.mean, count / np.maximum(total, 1)
            self.squares += squares + step**2 * self.count * share
            self.mean += np.where(count > 0, step * share, 0.0)
            self.count = total

    def scale(self) -> Any:
        """Return the standard deviations; 1 where all values are the same."""
        with np.errstate(over="ignore", invalid="ignore"):
            scale = np.sqrt(self.squares / np.maximum(self.count, 1))
            return np.where(scale > 1e-12 * np.abs(self.mean), scale, np.where(scale == scale, 1.0, scale))
