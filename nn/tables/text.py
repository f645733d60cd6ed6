"""CSV and TSV: what the separator and the encoding are, and the rows, by Python's csv."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, BinaryIO

from .errors import Place, TableError, listed, quoted
from .table import CELLS, Chunk, Table
from .words import number

__all__ = ["TextTable", "opened"]

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
BEGINNING = 2**16  # bytes from which encoding, separator and header are found
STATED = re.compile(r"\ufeff?sep=([^\r\n])[\r\n]")  # a line for Excel
LONGEST = 2**24  # characters in a line
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@contextmanager
def opened(place: Place) -> Iterator[BinaryIO]:
    """Open a file, unpacked if it is packed by gzip, and say of damaged ones that they are."""
    with open(place.path, "rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if not packed:
            yield raw
            return
        try:
            with gzip.GzipFile(fileobj=raw, mode="rb") as file:
                yield io.BufferedReader(file, 2**18)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            why = "ends too early" if isinstance(error, EOFError) else f"is damaged ({error})"
            raise TableError(f"{place}: the gzip file {why}. Take another copy of the file.") from None


class TextTable(Table):
    """A file of text, a row in each line, its cells separated by one character."""

    kind = "csv"

    def __init__(
        self,
        path: str,
        missing: frozenset[str],
        separator: str | None,
        encoding: str | None,
        header: bool | None,
        decimal: str,
    ) -> None:
        super().__init__(path, (), missing)
        self.decimal = decimal
        beginning = self._beginning()
        self.encoding = encoding or next((name for mark, name in MARKS if beginning.startswith(mark)), "utf-8")
        self._check_beginning(beginning)
        with self._lines() as lines:
            sample = "".join(islice(lines, 200))[: 2 * BEGINNING]
        self.place.need(sample.strip(), "the file is empty", "Give it a header, and a row for each sample.")
        stated = STATED.match(sample)
        self.skip = 1 if stated else 0  # records before the first row
        self.separator = separator or (stated and stated[1]) or self._separator(sample)
        self._read_header(header)

    def _beginning(self) -> bytes:
        with opened(self.place) as file:
            return file.read(BEGINNING)

    def _check_beginning(self, beginning: bytes) -> None:
        self.place.need(beginning, "the file is empty", "Give it a header, and a row for each sample.")
        kinds = {b"PK\3\4": "a zip archive, perhaps an Excel workbook", b"\xd0\xcf\x11\xe0": "an old Excel workbook"}
        kinds |= {b"%PDF": "a PDF", b"SQLite": "a database", b"\x93NUMPY": "an array, .npy", b"PAR1": "Parquet"}
        kinds |= {b"{": "JSON", b"\x89HDF": "HDF5", b"<!DOCTYPE": "a web page", b"<html": "a web page"}
        kind = next((kind for mark, kind in kinds.items() if beginning.startswith(mark)), "")
        fix = "Save it as CSV, in UTF-8."
        fix = "Give its name the right ending." if kind in ("an array, .npy", "Parquet") else fix
        self.place.need(not kind, f"the file is {kind}, and no text", fix)
        if not self.encoding.startswith("utf-16"):
            at = beginning.find(b"\0")
            line = beginning.count(b"\n", 0, max(at, 0)) + 1
            self.place.need(
                at < 0,
                f"byte {at:,}, in line {line:,}, is NUL, which text does not hold",
                "Save the file as CSV in UTF-8; if it is in UTF-16, pass encoding='utf-16'.",
            )

    @contextmanager
    def _lines(self) -> Iterator[Iterator[str]]:
        """Open the file as lines of text, and say of bytes that are none where they are."""
        encoding = "utf-8-sig" if self.encoding.lower().replace("_", "-") in ("utf-8", "utf8") else self.encoding
        with opened(self.place) as file:
            try:
                text = io.TextIOWrapper(file, encoding=encoding, newline="")
            except LookupError:
                raise TableError(
                    f"{self.place}: there is no encoding {quoted(encoding)}. Pass one that Python knows, such as "
                    "'utf-8', 'cp1252' or 'utf-16'."
                ) from None
            try:
                yield iter(functools.partial(text.readline, LONGEST), "")
            except UnicodeError:
                raise self._undecodable(encoding) from None
            finally:
                text.detach()

    def _undecodable(self, encoding: str) -> TableError:
        """Say which line cannot be decoded: looked for again, since text is decoded in blocks."""
        where, before = "some bytes", 0
        if encoding == "utf-8-sig":
            with opened(self.place) as file:
                for line, content in enumerate(file, 1):
                    try:
                        content.decode("utf-8")
                    except UnicodeDecodeError as found:
                        where = f"byte {before + found.start:,}, in line {line:,},"
                        break
                    before += len(content)
        return TableError(
            f"{self.place}: {where} cannot be read as {self.encoding}. Pass the encoding that it was saved in, such as "
            "encoding='cp1252' (Windows, Western Europe), or save it as UTF-8."
        )

    def _separator(self, sample: str) -> str:
        """Return the character that makes rows of one length, and as long as possible."""
        if self.path.lower().removesuffix(".gz").endswith(".tsv"):
            return "\t"
        best, found = (0.0, 0), ","
        for mark in SEPARATORS:
            widths: list[int] = []
            try:
                for row in csv.reader(io.StringIO(sample, newline=""), delimiter=mark):
                    if row:
                        widths.append(len(row))
            except csv.Error:
                pass
            if len(sample) >= BEGINNING:
                widths = widths[:-1] or widths  # the last one may be cut off
            width = widths[0] if widths else 1
            alike = Counter(widths)[width] / max(len(widths), 1)
            if width > 1 and (round(alike, 1), width) > best:
                best, found = (round(alike, 1), width), mark
        return found

    def _reader(self, lines: Iterator[str]) -> Any:
        return csv.reader(lines, delimiter=self.separator, strict=True)

    def _read_header(self, header: bool | None) -> None:
        """Find the names of the columns."""
        records: list[list[str]] = []
        filled: list[int] = []
        with self._lines() as lines, self._csv(1, records):
            for record in self._reader(lines):
                if any(map(str.strip, record)) and len(records) >= self.skip:
                    filled.append(len(records))
                records.append(record)
                if len(filled) == 2:
                    break
        self.place.need(filled, "the file holds empty rows alone", "Give it a header, and a row for each sample.")
        place = self.place.at(filled[0] + 1)
        cells = [cell.strip() for cell in records[filled[0]]]
        below = records[filled[1]] if len(filled) == 2 else []
        numeric = [cell for cell in cells if number(cell, self.decimal) is not None]
        place.need(
            header is not None or not numeric,
            f"the first row holds the number {numeric and quoted(numeric[0])}, so it may be data, or names",
            "If the file has no names, pass header=False, and they are column_1, column_2 and so on; if these are "
            "names, pass header=True.",
        )
        self.skip = filled[0] + (header is not False)
        self.first = self.skip + 1
        self.width = len(cells)  # of a record; a spreadsheet leaves empty columns behind the last one
        while not cells[-1] and not (len(below) >= len(cells) and below[len(cells) - 1].strip()):
            cells.pop()
        names = [cell if cell and header is not False else f"column_{i + 1}" for i, cell in enumerate(cells)]
        twice = [name for name, count in Counter(names).items() if count > 1]
        place.need(not twice, f"the name {listed(twice)} stands there twice", "Give each column a name of its own.")
        place.need(not any("\0" in name for name in names), "a name holds NUL", "Save the file as CSV in UTF-8.")
        self.columns, self.shapes = tuple(names), dict.fromkeys(names, ())

    @contextmanager
    def _csv(self, at: int, rows: list[list[str]]) -> Iterator[None]:
        """Say what csv finds wrong, in the row after those that were read, of which `at` is the first."""
        try:
            yield
        except csv.Error as error:
            what = str(error)
            if "field larger" in what or "unexpected end" in what:
                what = "a quote is opened and never closed, or a cell is longer than 131,072 characters"
            elif "expected after" in what:
                what = "something else than a separator follows a closing quote"
            fix = 'In a cell in quotes, write each quote twice: "a ""quoted"" word".'
            raise TableError(f"{self.place.at(at + len(rows))}: {what}. {fix}") from None

    def chunks(self, size: int = 50_000) -> Iterator[Chunk]:
        """Yield all rows, at most `size` at a time; fewer if they are wide."""
        size = max(1, min(size, CELLS // self.width))
        start, at = 0, self.first  # rows given, and the number of the next record
        held: list[int] = []  # numbers of rows without text, which count only if one with text follows
        with self._lines() as lines:
            reader = self._reader(lines)
            for _ in islice(reader, self.skip):
                pass
            while True:
                rows: list[list[str]] = []
                with self._csv(at, rows):
                    rows.extend(islice(reader, size))
                if not rows:
                    break
                numbers: Sequence[int] = range(at, at + len(rows))
                at += len(rows)
                if not set(map(len, rows)) <= {self.width}:
                    rows, numbers = self._repaired(rows, numbers)
                kept = len(rows)
                while kept and not any(map(str.strip, rows[kept - 1])):
                    kept -= 1
                empty = numbers[kept:]
                del rows[kept:]
                if kept:
                    numbers = numbers[:kept]
                    if held:
                        rows, numbers, held = [[""] * self.width for _ in held] + rows, [*held, *numbers], []
                    columns = list(zip(*rows, strict=True))
                    del rows
                    self._check_width(columns, numbers)
                    yield Chunk(self, dict(zip(self.columns, columns, strict=False)), start, numbers)
                    start += len(numbers)
                held += empty
        self.rows = start
        self.place.need(start, "the file has a header and no rows", "Give it a row for each sample.")

    def _check_width(self, columns: list[Any], numbers: Sequence[int]) -> None:
        """Refuse cells behind the last column that has a name."""
        for column in columns[len(self.columns) :]:
            for at, cell in zip(numbers, column, strict=True):
                if cell.strip():
                    self._ragged(at, len(self.columns) + 1, cell)

    def _repaired(self, rows: list[list[str]], numbers: Sequence[int]) -> tuple[list[list[str]], list[int]]:
        """Leave out empty lines, fill or cut rows in cells without a name; refuse other rows of another length."""
        found, where, width = [], [], len(self.columns)
        for row, at in zip(rows, numbers, strict=True):
            if len(row) < width and width > 1 and not any(map(str.strip, row)):
                continue  # an empty line
            if len(row) != self.width:
                row = row or [""]
                extra = next((cell for cell in row[width:] if cell.strip()), "")
                if len(row) < width or extra:
                    self._ragged(at, len(row), extra)
                row = row[:width] + [""] * (self.width - width)
            found.append(row)
            where.append(at)
        return found, where

    def _ragged(self, at: int, cells: int, extra: str) -> None:
        mark = SEPARATORS.get(self.separator, quoted(self.separator))
        self.place.at(at).need(
            False,
            f"there {'is 1 cell' if cells == 1 else f'are {cells} cells'}, but the header has {len(self.columns)}"
            + (f" ({quoted(extra)} is too many)" if extra else ""),
            f"Repair the row: a cell that holds {mark} stands in quotes. If all rows have as many, name all columns."
            if extra
            else "Add what is missing; what is unknown may be empty, but for its separator.",
        )
