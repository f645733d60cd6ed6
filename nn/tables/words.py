"""What a cell of text says: a number, nothing, a boolean, a date."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

__all__ = ["MISSING", "PAIRS", "bulk", "how_written", "is_code", "number", "plain"]

MISSING = frozenset(
    "NA N/A n/a na #N/A #NA NaN nan NAN null NULL Null None none - -- ? . #DIV/0! #VALUE! #NUM! #REF! #NAME?".split()
) | {""}
PAIRS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))  # what is 0, what is 1, in any case

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
CODE = re.compile(r"[+-]?0\d+")  # a whole number with a leading zero
CODES = re.compile(r"\n\s*[+-]?0\d+\s*(?=\n)")
TIME = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?"
WRITTEN = (  # what numbers and dates look like that are not read as such: what they are, what to do
    (
        re.compile(
            rf"(\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.](\d{{4}}|\d{{2}}))([T ]{TIME}\S*)?"
            rf"|{TIME}|\d{{1,2}}[ .-]+[A-Za-z]{{3,9}}[ .,-]+\d{{2,4}}|[A-Za-z]{{3,9}} \d{{1,2}},? \d{{4}}"
        ),
        "a date or a time, which is no number and no category",
        "Leave the column out (ignore), or write year, month and day as columns of numbers.",
    ),
    (
        re.compile(r"[+-]?\d+,(\d{1,2}|\d{4,}|\d{3})([eE][+-]?\d+)?|[+-]?\d{1,3}(\.\d{3})+,\d+"),
        "a number with a comma",
        "If it is the decimal comma, read the file with decimal=','; if it separates thousands, take it out.",
    ),
    (
        re.compile(r"[+-]?\d{1,3}([,.' \u00a0\u202f]\d{3})+([.,]\d+)?"),
        "a number whose thousands are separated",
        "Write it without separators.",
    ),
    (
        re.compile(r"[+-]?[$€£¥]\s?[+-]?[\d.,]*\d|[+-]?\d[\d.,]*\s?[$€£¥%]"),
        "a number with a unit",
        "Write the number alone, and the unit in the column's name.",
    ),
    (
        re.compile(r"[+-]?\d+(_\d+)+|[+-]?0[xX][0-9a-fA-F]+|\u2212\s?\d[\d.]*", re.ASCII),
        "written as a program would write a number",
        "Write it with the digits 0 to 9, a point and a minus sign alone.",
    ),
    (
        re.compile(r"[+-]?inf(inity)?|[+-]?\u221e", re.IGNORECASE),
        "infinite",
        "Repair the row, or leave the cell empty.",
    ),
)


def number(text: str, decimal: str = ".") -> float | None:
    """Return the number that a text is, which may be infinite (1e400); None if it is none: inf, 1_000, 0x10."""
    text = text.strip()
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    return float(text) if text.isascii() and NUMBER.fullmatch(text) else None


def bulk(cells: Sequence[str], missing: Collection[str], decimal: str = ".") -> Any:
    """Return the numbers of a column, NaN where one is missing; None if some cell is something else."""
    values = _floats(cells, decimal)
    if values is None:
        values = _floats(["nan" if cell.strip() in missing else cell for cell in cells], decimal)
    return values


def _floats(cells: Sequence[str], decimal: str) -> Any:
    text = "\n".join(cells)
    if "_" in text or not text.isascii() or (decimal != "." and "." in text):  # which float() would take
        return None
    if decimal != ".":
        cells = [cell.replace(decimal, ".") for cell in cells]
    try:
        values = np.fromiter(map(float, cells), float, len(cells))
    except ValueError:
        return None
    words = (not NUMBER.fullmatch(cells[i].strip()) for i in np.flatnonzero(np.isinf(values)).tolist())  # inf, infinity
    return None if any(words) else values


def plain(value: float) -> str:
    """Return how a number is written as a class or a category: 3, not 3.0."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def is_code(cells: Iterable[str]) -> str | None:
    """Return the first whole number with a leading zero, such as a zip code; None if there is none."""
    text = "\n" + "\n".join(cells) + "\n"
    found = CODES.search(text) if "\n0" in text or " 0" in text or "-0" in text or "+0" in text else None
    return found.group().strip() if found else None


def how_written(texts: Collection[str]) -> tuple[Any, str, str] | None:
    """Return a pattern that nearly all of some texts have, what it is, and what to do; None if they have none."""
    sample = [text.strip() for text in list(texts)[:1000]]
    for pattern, what, fix in WRITTEN:
        if sum(bool(pattern.fullmatch(text)) for text in sample) >= 0.9 * len(sample) > 0:
            return pattern, what, fix
    return None
