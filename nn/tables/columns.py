"""What each column is: found while a table is read once, and settled when all of it has been seen.

Until it has more different texts than there may be categories, a column is kept as numbers of its texts (a dictionary);
from then on its cells must be numbers. So it need not be known beforehand what a column is, nor the file be read twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import Place, listed, quoted
from .words import PAIRS, bulk, how_written, is_code, number, plain

__all__ = ["EXACT", "Column", "Kind"]

EXACT = 2.0**53  # from here on float64 does not hold all whole numbers: 2**53 + 1 is read as this
SPARE = 64  # spellings of missing values and spaces, which are no categories of their own
FEW = 10  # rows: in as few, texts that are all different may yet be categories
COUNTING = "its numbers rise by 1; if they only count the rows, leave it out (ignore)."
WORDS = 0.9  # the part of a column that has to be numbers for its words to be taken for mistakes


class Kind(NamedTuple):
    """What a column is, and what its stored values mean.

    Attributes
    ----------
    kind : str
        ``"number"``, ``"boolean"``, ``"category"``, ``"constant"`` or ``"empty"``.
    categories : tuple of str
        Of a category, its texts in order; of a boolean, what stands for 0 and for 1.
    lookup : array or None
        The value of each dictionary number: a number, 0 or 1, the place of a category; NaN where it is missing.
    note : str
        What should be said about it.
    """

    kind: str
    categories: tuple[str, ...]
    lookup: Any
    note: str = ""


class Column:
    """One column, as far as it has been read.

    Parameters
    ----------
    place : Place
        The column, for messages.
    table : Table
        Its words for missing values, and its decimal mark.
    most : int
        How many categories there may be.
    stated : str or None
        What the user says that it is: ``"number"`` or ``"category"``.
    find : callable
        ``find(numbers)`` returns the position of the first row that is stored with one of these dictionary numbers.
    row_number : callable
        ``row_number(position)`` returns its number in the file.
    target : bool
        Whether it is the target.
    """

    def __init__(
        self,
        place: Place,
        table: Any,
        most: int,
        stated: str | None,
        find: Callable[[Sequence[int]], int],
        row_number: Callable[[int], int],
        target: bool = False,
    ) -> None:
        self.place, self.missing, self.decimal = place, table.missing, table.decimal
        self.most, self.stated, self.find, self.row_number = most, stated, find, row_number
        self.target = target
        self.otherwise = "classes, pass task='classification'" if target else "categories, say so (kinds)"
        self.texts: dict[str, int] | None = {}
        self.counts = np.zeros(0, np.int64)
        self.before: Any = None  # numbers of the dictionary, for the rows before `switch`
        self.switch = 0
        self.empty = 0  # how many are missing, of those that are no longer in the dictionary
        self.word = ""  # the first that says so
        self.rising, self.last = True, -np.inf

    def add(self, cells: Any, chunk: Any) -> Any:
        """Return the next cells as they are to be stored: numbers of the dictionary, or numbers."""
        if isinstance(cells, np.ndarray):
            return self._add_array(cells, chunk)
        if self.texts is not None:
            new = set(cells).difference(self.texts)
            if len(self.texts) + len(new) <= self.most + SPARE:
                self._learn(sorted(new))
                return self._counted(np.fromiter(map(self.texts.__getitem__, cells), np.intp, len(cells)))
            self._give_up(sorted(new), lambda: cells, chunk)
        values = bulk(cells, self.missing, self.decimal)
        if values is None:
            self._refuse_cell(cells, chunk)
        code = is_code(cells) if self.stated != "number" and _whole(values) else None
        if code is not None:
            self._refuse_codes(code, chunk, cells)
        return self._checked(values, cells, chunk)

    def _add_array(self, cells: Any, chunk: Any) -> Any:
        if cells.dtype.kind not in "biuf":
            example = next((v for v in cells.ravel()[:1000].tolist() if v is not None), None)
            what = type(example).__name__ if cells.dtype == object else str(cells.dtype)
            dates = cells.dtype.kind in "Mm" or what in ("date", "datetime", "time", "timedelta", "Timestamp")
            self.place.need(
                False,
                f"its values are {'dates or times' if dates else 'neither numbers nor text'} ({what})",
                "Leave the column out (ignore)" + (", or store year, month and day as numbers." if dates else "."),
            )
        if self.texts is not None:
            values, codes = np.unique(cells, return_inverse=True)
            texts = [_spelled(value) for value in values.tolist()]
            new = [text for text in texts if text not in self.texts]
            if len(self.texts) + len(new) <= self.most + SPARE:
                self._learn(new)
                return self._counted(np.array([self.texts[text] for text in texts], np.intp)[codes])
            self._give_up(new, lambda: list(map(_spelled, cells.tolist())), chunk)
        if cells.dtype.kind in "iu" and cells.dtype.itemsize == 8 and len(cells):
            large = np.flatnonzero((cells >= EXACT) | (cells <= -EXACT))
            self._need_exact(not len(large), chunk, large, cells)
        return self._checked(cells.astype(float), cells, chunk)

    def _learn(self, new: Sequence[str]) -> None:
        assert self.texts is not None
        for text in new:
            self.texts[text] = len(self.texts)

    def _counted(self, codes: Any) -> Any:
        counts = np.bincount(codes, minlength=len(self.texts or ()))
        counts[: len(self.counts)] += self.counts
        self.counts = counts
        return codes

    def _checked(self, values: Any, cells: Any, chunk: Any) -> Any:
        """Return numbers, of which none is infinite or inexact."""
        size = np.abs(values)
        if np.fmax.reduce(size, initial=0.0) >= EXACT:
            infinite = np.flatnonzero(np.isinf(values))
            if len(infinite):
                self._refuse_infinite(str(cells[infinite[0]]), chunk.number(infinite[0]))
            if not isinstance(cells, np.ndarray):
                large = np.flatnonzero(size >= EXACT).tolist()
                exact = [i for i in large if cells[i].strip().lstrip("+-").isdigit()]
                self._need_exact(not exact, chunk, exact, cells)
        nan = np.isnan(values)
        if nan.any():
            self.empty += int(nan.sum())
            self.word = self.word or ("" if isinstance(cells, np.ndarray) else cells[int(nan.argmax())].strip())
        elif self.rising and len(values):
            first = self.last + 1 if np.isfinite(self.last) else values[0]
            self.rising = bool((values == first + np.arange(len(values))).all())
            self.last = values[-1]
        return values

    def _need_exact(self, ok: bool, chunk: Any, large: Any, cells: Any) -> None:
        at = None if ok else int(large[0])
        self.place.at(None if at is None else chunk.number(at), self.place.column).need(
            ok,
            f"{'' if at is None else cells[at]} is a whole number beyond 2^53, which numbers here do not hold exactly",
            "If it is an identifier, leave the column out (ignore).",
        )

    def _give_up(self, new: Sequence[str], cells: Callable[[], Any], chunk: Any) -> None:
        """Make a column of numbers of one that has too many different texts for categories."""
        assert self.texts is not None
        known = [*self.texts, *new]
        values = bulk(known, self.missing, self.decimal)
        words = self._words(known) if values is None else []
        if words or self.stated == "category":
            self._refuse_text(known, words, lambda text: self._row_of(text, cells(), chunk))
        if self.stated != "number" and (code := is_code(known)):
            self._refuse_codes(code, chunk, cells())
        texts = list(self.texts)
        self.before, self.switch = self._numbers(texts), chunk.start
        self._check_numbers(texts, self.before)
        self.texts = None
        self.empty = int(self.counts[np.isnan(self.before)].sum()) if len(self.counts) else 0

    def _words(self, texts: Sequence[str]) -> list[str]:
        """Return the texts that are neither numbers nor missing."""
        return [t for t in texts if number(t, self.decimal) is None and t.strip() not in self.missing]

    def _numbers(self, texts: Sequence[str]) -> Any:
        values = bulk(texts, self.missing, self.decimal)
        if values is None:
            found = [number(text, self.decimal) for text in texts]
            values = np.array([np.nan if value is None else value for value in found])
        return values

    def _check_numbers(self, texts: list[str], values: Any) -> None:
        """Refuse numbers of the dictionary that are infinite or inexact."""
        for at in np.flatnonzero(np.abs(values) >= EXACT).tolist():
            text = texts[at]
            if np.isinf(values[at]):
                self._refuse_infinite(text, self._row_of(text))
            if text.strip().lstrip("+-").isdigit():
                self.place.at(self._row_of(text), self.place.column).need(
                    False,
                    f"{text.strip()} is a whole number beyond 2^53, which numbers here do not hold exactly",
                    "If it is an identifier, leave the column out (ignore), or say that it is a category (kinds).",
                )

    def _row_of(self, text: str, cells: Any = (), chunk: Any = None) -> int:
        """Return the number of the first row with a text: in what is stored, else in the cells at hand."""
        if self.texts is not None and text in self.texts:
            found = self.find([self.texts[text]])
            if found >= 0:
                return self.row_number(found)
        return int(chunk.number(list(cells).index(text)))

    # ------------------------------------------------------------------------------------------------------ refusals

    def _refuse_infinite(self, text: str, row: int) -> None:
        self.place.at(row, self.place.column).need(
            False,
            f"{quoted(text.strip())} is infinite, and no model learns from it",
            "Repair the cell, or leave it empty.",
        )

    def _refuse_cell(self, cells: Any, chunk: Any) -> None:
        """Name the cell of a column of numbers that is none."""
        at = next(i for i, cell in enumerate(cells) if self._words([cell]))
        self._refuse_word(cells[at], chunk.number(at), "the column is one of numbers so far")

    def _refuse_word(self, text: str, row: int, why: str) -> None:
        written = how_written([text])
        fix = (
            f"It is {written[1]}. {written[2]}"
            if written
            else "Repair the cell; if the word says that a value is missing, leave the cell empty or name the word "
            f"(missing_words); if the column holds {self.otherwise}."
        )
        zero = "\0" in text
        what = f"{quoted(text.strip())} is no number, but {why}"
        self.place.at(row, self.place.column).need(False, what, "It holds NUL: save the file anew." if zero else fix)

    def _refuse_codes(self, code: str, chunk: Any, cells: Any) -> None:
        at = next((i for i, cell in enumerate(cells) if cell.strip() == code), None)
        row = self._row_of(code) if at is None else chunk.number(at)
        self.place.at(row, self.place.column).need(
            False,
            f"{quoted(code)} has a leading zero, so the column holds codes and no numbers, more than {self.most:,} of "
            "them, too many for categories",
            "Leave it out (ignore), or say that it holds numbers (kinds).",
        )

    def _refuse_text(self, known: Sequence[str], words: list[str], row_of: Callable[[str], int]) -> None:
        """Say why a column with many different texts is of no use as it is."""
        present = [text for text in known if text.strip() not in self.missing]
        if words and (self.stated == "number" or len(words) <= (1 - WORDS) * len(present)):
            first = min(words, key=row_of) if len(words) <= 20 else words[0]
            why = "said to be one of numbers" if self.stated == "number" else "nearly all others are"
            self._refuse_word(first, row_of(first), f"the column is {why}" if self.stated == "number" else why)
        self._refuse_written(words, row_of)
        self.place.need(
            False,
            f"more than {self.most:,} different texts, such as {listed(present, 3)}",
            self._fix(
                "Leave the column out (ignore) if it holds names or sentences; join what is rare; or allow "
                "more (max_categories)."
            ),
        )

    def _refuse_written(self, words: Sequence[str], row_of: Callable[[str], int]) -> None:
        """Refuse dates, and numbers that are written in another way."""
        written = how_written(words)
        if written:
            pattern, what, fix = written
            matching = [text for text in list(words)[:1000] if pattern.fullmatch(text.strip())]
            first = min(matching[:20], key=row_of)
            self.place.at(row_of(first), self.place.column).need(False, f"{quoted(first.strip())} is {what}", fix)

    # ------------------------------------------------------------------------------------------------------- settling

    def settle(self, rows: int) -> Kind:
        """Return what the column is, now that all rows have been seen; raise if it is of no use."""
        if self.texts is None:
            values = np.unique(self.before)
            counted = self.rising and not self.empty and (not len(values) or np.ptp(values) == len(values) - 1)
            return Kind("number", (), self.before, COUNTING if counted else "")
        texts = list(self.texts)
        clean = [text.strip() for text in texts]
        gone = np.array([text in self.missing for text in clean], bool)
        self.empty = int(self.counts[gone].sum())
        self.word = next((text for text, no in zip(clean, gone, strict=True) if no and text), "")
        present = [text for text, no in zip(texts, gone, strict=True) if not no]
        if not present:
            return Kind("empty", (), np.full(len(texts), np.nan))
        words = self._words(present)
        bad = [text for text in present if "\0" in text]
        if bad:
            self._refuse_word(bad[0], self._row_of(bad[0]), "holds a byte that no text holds")
        values = self._numbers(texts)
        if self.stated == "number" and words:
            first = min(words, key=self._row_of) if len(words) <= 20 else words[0]
            self._refuse_word(first, self._row_of(first), "the column is said to be one of numbers")
        if not words and self.stated != "category":
            return self._settle_numbers(texts, values, gone)
        return self._settle_text(clean, gone, words, values, rows)

    def _settle_numbers(self, texts: list[str], values: Any, gone: Any) -> Kind:
        self._check_numbers(texts, values)
        different = np.unique(values[~gone])
        if len(different) == 1:
            return Kind("constant", (plain(different[0]),), values)
        code = is_code(texts) if self.stated is None else None
        if code is not None:
            clean = [text.strip() for text in texts]
            names = sorted({text for text, no in zip(clean, gone, strict=True) if not no})
            place = {name: float(i) for i, name in enumerate(names)}
            self._need_few(len(names))
            lookup = np.array([place.get(text, np.nan) for text in clean])
            return Kind(
                "category", tuple(names), lookup, f"{quoted(code)} has a leading zero, so its numbers are codes."
            )
        if set(different.tolist()) == {0.0, 1.0} and self.stated is None:
            return Kind("boolean", ("0", "1"), values)
        counted = (self.counts == 1).all() and len(different) == len(texts) > FEW
        counted = counted and np.ptp(different) == len(different) - 1
        return Kind("number", (), values, COUNTING if counted else "")

    def _settle_text(
        self,
        clean: list[str],
        gone: Any,
        words: list[str],
        values: Any,
        rows: int,
    ) -> Kind:
        if self.stated is None:
            numeric = ~np.isnan(values)
            share = self.counts[numeric].sum() / self.counts[~gone].sum()
            if share >= WORDS and len(np.unique(values[numeric])) >= FEW:
                first = min(words, key=self._row_of) if len(words) <= 20 else words[0]
                self._refuse_word(first, self._row_of(first), f"{100 * share:.4g} % of the column are numbers")
            self._refuse_written(words, self._row_of)
        names = list(dict.fromkeys(text for text, no in zip(clean, gone, strict=True) if not no))
        if len(names) == 1:
            lookup = np.where(gone, np.nan, 0.0)
            return Kind("constant", (names[0],), lookup)
        folded = {name.casefold() for name in names}
        pair = next((pair for pair in PAIRS if folded == set(pair)), None) if self.stated is None else None
        if pair is not None:
            spelled = tuple(next(name for name in names if name.casefold() == word) for word in pair)
            place = {name: float(pair.index(name.casefold())) for name in names}
            return Kind("boolean", spelled, np.array([place.get(text, np.nan) for text in clean]))
        known = int(self.counts[~gone].sum())
        alone = len(names) == known > FEW
        self.place.need(
            not alone or self.stated is not None,
            f"all its {known:,} texts are different, such as {listed(names, 3)}, so nothing can be learned from them",
            self._fix("Leave the column out (ignore), as names and identifiers are."),
        )
        self._need_few(len(names))
        values_of = {name: number(name, self.decimal) for name in names}
        inf = np.inf
        names.sort(key=lambda name: (inf if (v := values_of[name]) is None else v, name))
        place = {name: float(i) for i, name in enumerate(names)}
        note = ""
        if len(names) > 0.5 * known > FEW:
            note = f"{len(names):,} different texts in {rows:,} rows: most are too rare to learn from; think of ignore."
        return Kind("category", tuple(names), np.array([place.get(text, np.nan) for text in clean]), note)

    def _need_few(self, count: int) -> None:
        self.place.need(
            count <= self.most,
            f"{count:,} different texts, more than the {self.most:,} categories that there may be",
            self._fix("Leave the column out (ignore), join what is rare, or allow more (max_categories)."),
        )

    def _fix(self, fix: str) -> str:
        """Return what to do with a column; with the target, something else."""
        return "Name another target, or join classes: each needs several rows." if self.target else fix


def _whole(values: Any) -> bool:
    known = values[~np.isnan(values)]
    return bool((np.floor(known) == known).all())


def _spelled(value: Any) -> str:
    """Return the text of a number in an array, as a CSV would have it; NaN is missing."""
    if isinstance(value, float):
        return "" if value != value else plain(value) if abs(value) != np.inf else "1e400"
    return str(value)
