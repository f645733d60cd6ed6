"""Encoding: how the cells of a table become a network's inputs and targets, and its outputs cells again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..checks import shown
from .errors import Place, TableError, listed, nearest, quoted
from .words import bulk, how_written, number, plain

__all__ = ["VERSION", "Encoding", "Input", "Target", "Unseen"]

VERSION = 1
CLASSES = 20  # whole numbers: so many different ones may be classes
ROWS_EACH = 5  # and so many rows of each there must be, on average
UNKNOWN = -1.0  # the place of a category that was not there in training


@dataclass(frozen=True)
class Input:
    """One column of the table as inputs of a network.

    Attributes
    ----------
    name : str
        The column.
    kind : str
        ``"number"``: standardized, (x - mean) / scale. ``"boolean"``: 0 or 1. ``"category"``: an input for each, which
        is 1 where it is the one (one-hot). ``"block"``: an array in each row, such as an image, standardized.
    categories : tuple of str
        Those of a category; of a boolean, what stands for 0 and for 1.
    mean, scale : float, or tuple of float
        Of the training rows. Of a block one for each of its numbers, or one for all.
    indicator : bool
        Whether there is one more input, which is 1 where the value is missing; a number that is missing is then the
        mean.
    shape : tuple of int
        Of a block's values: (28, 28) of images.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    mean: Any = 0.0
    scale: Any = 1.0
    indicator: bool = False
    shape: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many inputs it makes, but for the indicator."""
        if self.kind == "category":
            return len(self.categories)
        return int(np.prod(self.shape)) if self.kind == "block" else 1

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return self.size + self.indicator

    @property
    def names(self) -> list[str]:
        """What the inputs are called."""
        if self.kind == "category":
            found = [f"{self.name} = {category}" for category in self.categories]
        elif self.kind == "block":
            found = [f"{self.name}[{', '.join(map(str, at))}]" for at in np.ndindex(self.shape)]
        else:
            found = [self.name]
        return [*found, f"{self.name} is missing"] if self.indicator else found


@dataclass(frozen=True)
class Target:
    """The column that a network learns.

    Attributes
    ----------
    name : str
        The column.
    task : str
        ``"classification"`` or ``"regression"``.
    kind : str
        What stands in it: ``"number"``, ``"boolean"`` or ``"category"``.
    classes : tuple of str
        In the order of the network's outputs; none of a regression.
    mean, scale : float
        Of a regression: targets are (y - mean) / scale, of the training rows.
    rule : str
        Why it is that task.
    """

    name: str
    task: str
    kind: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    rule: str = ""

    @property
    def outputs(self) -> int:
        """How many outputs the network has: one for each class, or one."""
        return len(self.classes) or 1

    def decode(self, outputs: Any) -> Any:
        """Return what stands for a network's outputs in the table: names of classes, or numbers in its unit.

        Parameters
        ----------
        outputs : array, shape (n, outputs)
            Logits or probabilities; of a regression, standardized.

        Returns
        -------
        array, shape (n,)
            Of text, or of float.
        """
        outputs = np.asarray(outputs)
        if self.task == "classification":
            return np.array(self.classes)[outputs.argmax(axis=-1)]
        return outputs.reshape(len(outputs)).astype(float) * self.scale + self.mean


class Unseen:
    """Categories, and missing values, of columns that had none such in training, counted.

    As inputs categories are zeros, and missing numbers the mean of the training rows.

    Examples
    --------
    >>> from nn import tables
    >>> unseen = tables.Unseen()
    >>> unseen.add("colour", "mauve", 17)
    >>> unseen.lines()
    ["column 'colour': 'mauve' was not there in training (row 17): it is encoded as zeros."]
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.rows: dict[tuple[str, str], int] = {}
        self.means: set[str] = set()

    @property
    def count(self) -> int:
        """How many cells."""
        return self.counts.total()

    def add(self, column: str, text: str, row: int, count: int = 1, mean: bool = False) -> None:
        """Count cells, of which the first is in a row of that number; no text: they are missing, perhaps the mean."""
        self.means.update([column] if mean else [])
        self.rows.setdefault((column, text), row)
        self.counts[column, text] += count

    def lines(self, most: int = 10) -> list[str]:
        """Return a sentence for each category, the most frequent first."""
        found = []
        for (column, text), count in self.counts.most_common(most):
            rows = f"row {self.rows[column, text]}" + ("" if count == 1 else f" and {count - 1:,} more")
            what = f"{quoted(text)} was" if text else "a missing value was"
            instead = "the mean" if not text and column in self.means else "zeros"
            found.append(f"column {quoted(column)}: {what} not there in training ({rows}): it is encoded as {instead}.")
        left = len(self.counts) - most
        return [*found, f"{left:,} more such values."] if left > 0 else found


class Encoding:
    r"""How columns become inputs, and which is the target; `load` finds it, and a model keeps it.

    Numbers are standardized with the mean and the standard deviation of the training rows, booleans are 0 and 1, of
    categories each is an input of its own, and blocks of bytes, images, are divided by 255.

    Parameters
    ----------
    inputs : sequence of Input
        In the order of the network's inputs.
    target : Target
        What is learned.
    missing : str
        ``"refuse"`` or ``"impute"``: what happens to values that are missing.
    words : collection of str
        The texts that say so.
    notes : sequence of str
        What was decided, in sentences.

    Attributes
    ----------
    width : int
        How many inputs the network has.
    names : list of str
        What they are called.
    task : str
        ``"classification"`` or ``"regression"``.

    Examples
    --------
    >>> import os, tempfile
    >>> from nn import tables
    >>> path = os.path.join(tempfile.mkdtemp(), "flats.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("area,heating,price\n50,gas,100.5\n70,wood,130.0\n90,gas,180.5\n")
    >>> encoding = tables.Encoding.of(tables.open_table(path), "price")
    >>> encoding.task, encoding.names
    ('regression', ['area', 'heating = gas', 'heating = wood'])
    >>> X, y = encoding.transform(next(tables.open_table(path).chunks()))
    >>> X.round(2)
    array([[-1.22,  1.  ,  0.  ],
           [ 0.  ,  0.  ,  1.  ],
           [ 1.22,  1.  ,  0.  ]])
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        target: Target,
        missing: str = "refuse",
        words: Iterable[str] = (),
        notes: Sequence[str] = (),
    ) -> None:
        self.inputs, self.target, self.missing = tuple(inputs), target, missing
        self.words, self.notes = frozenset(words), tuple(notes)
        starts = np.cumsum([0, *(i.width for i in self.inputs)])
        self.width = int(starts[-1])
        cells = [(i, int(start)) for i, start in zip(self.inputs, starts, strict=False) if i.kind != "block"]
        self.cells = [i for i, _ in cells]  # those of one value in each row, in the order in which encode takes them
        self.blocks = [i for i in self.inputs if i.kind == "block"]
        self._blocks_to = [int(start) for i, start in zip(self.inputs, starts, strict=False) if i.kind == "block"]
        self._scales = [(np.asarray(i.mean, float), 1 / np.asarray(i.scale, float)) for i in self.blocks]
        numeric = [(at, i, start) for at, (i, start) in enumerate(cells) if i.kind != "category"]
        self._numeric = np.array([at for at, _, _ in numeric], np.intp)
        self._numeric_to = np.array([start for _, _, start in numeric], np.intp)
        self._mean = np.array([i.mean for _, i, _ in numeric], float)
        boolean = np.array([i.kind == "boolean" for _, i, _ in numeric], bool)
        self._shift = np.where(boolean, 0.0, self._mean)
        self._rate = 1 / np.array([i.scale for _, i, _ in numeric], float)
        self._flags = np.array([k for k, (_, i, _) in enumerate(numeric) if i.indicator], np.intp)
        self._flags_to = np.array([start + 1 for _, i, start in numeric if i.indicator], np.intp)
        category = [(at, i, start) for at, (i, start) in enumerate(cells) if i.kind == "category"]
        self.category = np.array([at for at, _, _ in category], np.intp)  # which of the cells are categories
        self._category_to = np.array([start for _, _, start in category], np.intp)
        self._none_to = np.array([start + i.size if i.indicator else -1 for _, i, start in category], np.intp)

    @classmethod
    def of(
        cls,
        table: Any,
        target: str,
        *,
        rows: Any = None,
        task: str | None = None,
        missing: str = "refuse",
        max_categories: int = 1000,
        ignore: Iterable[str] = (),
        kinds: Mapping[str, str] | None = None,
    ) -> Encoding:
        """Return the encoding of a table, which is read through once; see `load`, which keeps what was read.

        Parameters
        ----------
        rows : array of bool or int, optional
            The training rows, from which means, scales and categories are taken; all by default.
        """
        from .dataset import load

        options: dict[str, Any] = {"task": task, "missing": missing, "max_categories": max_categories}
        dataset = load(table, target, ignore=ignore, kinds=kinds, **options)
        return dataset.encoding if rows is None else dataset.part(rows).encoding

    @property
    def task(self) -> str:
        """``"classification"`` or ``"regression"``."""
        return self.target.task

    @property
    def names(self) -> list[str]:
        """What the network's inputs are called."""
        return [name for i in self.inputs for name in i.names]

    # ------------------------------------------------------------------------------------------------------- encoding

    def encode(self, values: Any, blocks: Mapping[str, Any], dtype: Any = float) -> Any:
        """Return a network's inputs.

        Parameters
        ----------
        values : array, shape (n, len(self.cells))
            A number; 0 or 1; the place of a category, or -1 of an unknown one; NaN where a value is missing.
        blocks : dict of str to array
            Those of `blocks`.
        dtype : dtype
            Of the inputs.
        """
        inputs = np.zeros((len(values), self.width), dtype)
        gone = np.isnan(values)
        some = gone.any()
        if len(self._numeric):
            numbers = values.take(self._numeric, axis=1)
            if some:
                empty = gone[:, self._numeric]
                inputs[:, self._flags_to] = empty[:, self._flags]
                numbers = np.where(empty, self._mean, numbers)
            numbers -= self._shift
            numbers *= self._rate
            inputs[:, self._numeric_to] = numbers
        if len(self.category):
            places = values.take(self.category, axis=1)
            empty = gone[:, self.category] if some else np.zeros(places.shape, bool)
            columns = np.where(empty, 0, places).astype(np.intp) + self._category_to
            if some or places.min(initial=0) < 0:
                columns = np.where(empty, self._none_to, np.where(places < 0, -1, columns))
                at, which = np.nonzero(columns >= 0)
                inputs[at, columns[at, which]] = 1
            else:
                columns += np.arange(len(values))[:, None] * self.width
                inputs.reshape(-1)[columns.reshape(-1)] = 1
        for block, start, (mean, rate) in zip(self.blocks, self._blocks_to, self._scales, strict=True):
            piece, numbers = inputs[:, start : start + block.size], blocks[block.name]
            if mean.any():
                np.multiply(numbers - mean, rate, out=piece, casting="same_kind")
            else:
                np.multiply(numbers, rate.astype(dtype), out=piece, casting="same_kind")
        return inputs

    def transform(
        self, chunk: Any, *, target: bool | None = None, unseen: Unseen | None = None, dtype: Any = float
    ) -> tuple[Any, Any]:
        """Return some rows of a table as a network's inputs, and as targets.

        Parameters
        ----------
        chunk : Chunk
            Has the columns of the inputs, in any order; others are not looked at.
        target : bool, optional
            Whether the target is read: by default if it is there.
        unseen : Unseen, optional
            Counts categories that were not there in training, which become zeros; without it they are refused.
        dtype : dtype
            Of inputs, and of the targets of a regression.

        Returns
        -------
        X : array, shape (n, width)
        y : array or None
            Classes, integers of shape (n,); or standardized numbers, of shape (n, 1).

        Raises
        ------
        TableError
            With row and column: a cell is not what it should be, or missing where that is refused.
        """
        self._check(chunk.table.place, chunk.columns, bool(target))
        values = np.empty((len(chunk), len(self.cells)))
        for at, column in enumerate(self.cells):
            values[:, at] = self._values(column, chunk, unseen)
        blocks = {block.name: self._block(block, chunk) for block in self.blocks}
        y = None
        if target or (target is None and self.target.name in chunk.columns):
            y = self.targets(chunk, dtype)
        return self.encode(values, blocks, dtype), y

    def check(self, table: Any, target: bool = False) -> None:
        """Raise if a table lacks a column; more columns, and another order, are fine.

        Raises
        ------
        TableError
            With the name that was perhaps meant.
        """
        self._check(table.place, table.columns, target)

    def _check(self, place: Place, columns: Iterable[str], target: bool) -> None:
        needed = [i.name for i in self.inputs] + [self.target.name] * target
        columns = list(columns)
        there = set(columns)
        lost = [name for name in needed if name not in there]
        if lost:
            others = [name for name in columns if name not in needed] or columns
            several = f"the columns {listed(lost)} are" if len(lost) > 1 else f"the column {quoted(lost[0])} is"
            place.need(
                False,
                f"{several} not there, but the model was trained with {'them' if len(lost) > 1 else 'it'}",
                nearest(lost[0], others),
            )

    def _values(self, column: Input, chunk: Any, unseen: Unseen | None) -> Any:
        """Return a column as encode takes it."""
        place = chunk.table.place.at(column=column.name)
        words = chunk.table.missing | self.words
        cells = chunk.columns[column.name]
        if column.kind == "number":
            values = _numbers(cells, words, place, chunk)
        else:
            found = _places(cells, column.kind, column.categories, words, chunk.table.decimal)
            values, texts = found
            if (values == UNKNOWN).any():
                self._unknown(column, values, texts, place, chunk, unseen)
        gone = np.flatnonzero(np.isnan(values))
        if self.missing == "refuse":
            place.at(chunk.number(gone[0]) if len(gone) else None, column.name).need(
                not len(gone),
                f"the value is missing{_said(cells, gone)}",
                "Fill it in; a model that is to take missing values is trained with missing='impute'.",
            )
        elif len(gone) and not column.indicator and unseen is not None:
            unseen.add(column.name, "", chunk.number(gone[0]), len(gone), column.kind != "category")
        return values

    def _unknown(
        self, column: Input, values: Any, texts: Sequence[str], place: Place, chunk: Any, unseen: Unseen | None
    ) -> None:
        first: dict[str, int] = {}
        count: Counter[str] = Counter()
        for at in np.flatnonzero(values == UNKNOWN).tolist():
            text = texts[at].strip()
            first.setdefault(text, at)
            count[text] += 1
        for text, at in first.items():
            place.at(chunk.number(at), column.name).need(
                unseen is not None and column.kind == "category",
                f"{quoted(text)} was not there in training",
                f"The column holds {listed(column.categories)}.",
            )
            assert unseen is not None
            unseen.add(column.name, text, chunk.number(at), count[text])

    def _block(self, block: Input, chunk: Any) -> Any:
        cells, place = chunk.columns[block.name], chunk.table.place.at(column=block.name)
        there = chunk.table.shapes[block.name]
        arrays = isinstance(cells, np.ndarray) and cells.ndim == 2 and cells.shape[1] == block.size
        place.need(
            arrays and cells.dtype.kind in "biuf",
            f"its values have shape {there}, but the model was trained with {block.shape}",
            "Give it arrays of the same size.",
        )
        check_finite(cells, place, chunk)
        return cells

    def targets(self, chunk: Any, dtype: Any = float) -> Any:
        """Return the targets of some rows of a table: classes (n,), or standardized numbers (n, 1).

        Raises
        ------
        TableError
            With row and column: a target is missing, or of a class that was not there in training.
        """
        target, place = self.target, chunk.table.place.at(column=self.target.name)
        cells, words = chunk.columns[target.name], chunk.table.missing | self.words
        if target.task == "regression":
            values = _numbers(cells, words, place, chunk)
        else:
            values, texts = _places(cells, target.kind, target.classes, words, chunk.table.decimal)
            other = np.flatnonzero(values == UNKNOWN)
            place.at(chunk.number(other[0]) if len(other) else None, target.name).need(
                not len(other),
                f"the class {quoted(texts[other[0]].strip()) if len(other) else ''} was not there in training",
                f"The classes are {listed(target.classes)}.",
            )
        gone = np.flatnonzero(np.isnan(values))
        place.at(chunk.number(gone[0]) if len(gone) else None, target.name).need(
            not len(gone), f"the target is missing{_said(cells, gone)}", "Fill it in, or leave the row out."
        )
        if target.task == "classification":
            return values.astype(np.int64)
        return ((values - target.mean) / target.scale).astype(dtype)[:, None]

    # -------------------------------------------------------------------------------------------------------- storing

    def to_dict(self) -> dict[str, Any]:
        """Return it as what JSON can hold; `from_dict` makes it again."""
        return {
            "version": VERSION,
            "inputs": [_listed(asdict(i)) for i in self.inputs],
            "target": _listed(asdict(self.target)),
            "missing": self.missing,
            "words": sorted(self.words),
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, content: Any, path: str = "Encoding.from_dict") -> Encoding:
        """Return the encoding that `to_dict` described.

        Raises
        ------
        TableError
            If it is no such description, or one by a newer version.
        """
        place = Place(path)
        place.need(
            isinstance(content, dict) and type(content.get("version")) is int,
            f"{shown(content)} describes no encoding of a table",
            "Pass what to_dict() returned.",
        )
        place.need(
            content["version"] <= VERSION,
            f"the encoding has version {content['version']}, and this program knows those up to {VERSION}",
            "Install a newer autograd_mini.",
        )
        try:
            inputs = [_input(item) for item in content["inputs"]]
            target = _target(content["target"])
            texts = [content["missing"], *content["words"], *content["notes"]]
            _is(inputs and all(type(text) is str for text in texts) and content["missing"] in ("refuse", "impute"))
            _is(len({i.name for i in inputs} | {target.name}) == len(inputs) + 1)
            return cls(inputs, target, content["missing"], content["words"], content["notes"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = f"{type(error).__name__}: {error}" if str(error) else "a value is not what it should be"
            raise TableError(
                f"{place}: the description of the encoding is damaged ({what[:80]}). Save it again."
            ) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Encoding) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment] # it is compared by its content

    def __repr__(self) -> str:
        return f"<encoding: {len(self.inputs)} columns, {self.width} inputs, {self.task} of {quoted(self.target.name)}>"


def check_finite(block: Any, place: Place, chunk: Any) -> None:
    """Refuse a block in which a number is missing or infinite."""
    if block.dtype.kind != "f":
        return
    bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
    place.at(chunk.number(bad[0]) if len(bad) else None, place.column).need(
        not len(bad),
        "a number is missing or infinite",
        "Repair the row; where single values may be missing, give each a column of its own.",
    )


def _said(cells: Any, gone: Any) -> str:
    """Return how a cell says that its value is missing, if it says so in a word."""
    word = cells[gone[0]] if len(gone) and not isinstance(cells, np.ndarray) else ""
    return f" ({quoted(word.strip())})" if word.strip() else ""


def _numbers(cells: Any, words: frozenset[str], place: Place, chunk: Any) -> Any:
    if isinstance(cells, np.ndarray):
        ok = cells.dtype.kind in "biuf" and cells.ndim == 1
        place.need(ok, f"its values are {cells.dtype} of shape {cells.shape[1:]}", "Give it a column of numbers.")
        values = cells.astype(float)
    else:
        found = bulk(cells, words, chunk.table.decimal)
        if found is None:
            decimal = chunk.table.decimal
            at = next(i for i, c in enumerate(cells) if number(c, decimal) is None and c.strip() not in words)
            written = how_written([cells[at]])
            fix = (
                f"It is {written[1]}. {written[2]}"
                if written
                else "The model was trained with numbers there: repair it."
            )
            place.at(chunk.number(at), place.column).need(False, f"{quoted(cells[at].strip())} is no number", fix)
        values = found
    infinite = np.flatnonzero(np.isinf(values))
    place.at(chunk.number(infinite[0]) if len(infinite) else None, place.column).need(
        not len(infinite), f"{cells[infinite[0]] if len(infinite) else ''} is infinite", "Repair the cell."
    )
    return values


def _places(
    cells: Any, kind: str, categories: Sequence[str], words: frozenset[str], decimal: str
) -> tuple[Any, Sequence[str]]:
    """Return the places of texts among categories, NaN where one is missing, -1 where it is unknown; and the texts."""
    texts = [_spelled(value) for value in cells.tolist()] if isinstance(cells, np.ndarray) else cells
    places = {name: float(i) for i, name in enumerate(categories)}
    folded = {name.casefold(): float(i) for i, name in enumerate(categories)}

    def place(text: str) -> float:
        clean = text.strip()
        if clean in places:
            return places[clean]
        if clean in words:
            return np.nan
        if kind == "boolean" and clean.casefold() in folded:
            return folded[clean.casefold()]
        value = number(clean, decimal) if kind != "category" else None
        return places.get(plain(value), UNKNOWN) if value is not None and np.isfinite(value) else UNKNOWN

    known = {text: place(text) for text in set(texts)}
    return np.fromiter(map(known.__getitem__, texts), float, len(texts)), texts


def _spelled(value: Any) -> str:
    if isinstance(value, float):
        return "" if value != value else plain(value)
    return str(value)


def _listed(content: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in content.items()}


def _is(ok: Any) -> None:
    if not ok:
        raise ValueError


def _input(item: Any) -> Input:
    """Return an input from its description, which may be damaged."""
    content: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in item.items()}
    found = Input(**content)
    _is(type(found.name) is str and found.kind in ("number", "boolean", "category", "block"))
    _is(type(found.categories) is tuple and all(type(c) is str for c in found.categories))
    _is(type(found.indicator) is bool and len(set(found.categories)) == len(found.categories))
    _is(type(found.shape) is tuple and all(type(n) is int and n > 0 for n in found.shape))
    _is(
        (found.kind == "block") == bool(found.shape)
        and (found.kind in ("boolean", "category")) == bool(found.categories)
    )
    _is(found.kind != "boolean" or len(found.categories) == 2)
    for value in (found.mean, found.scale):
        ok = np.asarray(value)
        _is(ok.dtype.kind in "fi" and np.isfinite(ok).all() and ok.shape in ((), (found.size,)))
        _is(found.kind == "block" or not ok.ndim)
    _is(np.all(np.asarray(found.scale) > 0))
    return found


def _target(item: Any) -> Target:
    content: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in item.items()}
    found = Target(**content)
    _is(type(found.name) is str and found.task in ("classification", "regression") and type(found.rule) is str)
    _is(found.kind in ("number", "boolean", "category"))
    _is(type(found.classes) is tuple and all(type(c) is str for c in found.classes))
    _is(len(set(found.classes)) == len(found.classes))
    _is((len(found.classes) > 1) == (found.task == "classification"))
    for value in (found.mean, found.scale):
        _is(type(value) in (int, float) and np.isfinite(value))
    _is(found.scale > 0)
    return found
