"""What is printed: colours in a terminal, plain text elsewhere, other letters where the encoding has no Greek."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .. import notation

__all__ = ["Screen", "spelled"]

# What to write where the terminal's encoding lacks a symbol.
PLAIN = str.maketrans(
    notation.PLAIN | {"–": "-", "→": "->", "·": "-", "✓": "ok", "✗": "NO", "…": "...", "²": "2", "×": "x", "±": "+-"}
)
STYLES = {True: "green", False: "bold red"}


class Screen:
    """Prints headings, lines and tables to the standard output, or to the one for messages.

    Parameters
    ----------
    quiet : bool
        Print nothing.
    aside : bool
        Print to the standard error: what goes to the standard output is then for another program.
    """

    def __init__(self, quiet: bool = False, aside: bool = False) -> None:
        stream = sys.stderr if aside else sys.stdout
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a path may hold anything
        width = None if stream is not None and stream.isatty() else 120  # in a file or a pipe no row is broken
        self.console = Console(quiet=quiet, highlight=False, markup=False, emoji=False, width=width, stderr=aside)
        self.has_symbols = _encodable("".join(map(chr, PLAIN)), self.console.encoding)

    def heading(self, name: str, text: str) -> None:
        """Print what a part is about."""
        self.console.print(Text(f"\n{name}", "bold").append(f"  {self.spelled(text)}", "not bold"), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Print one line."""
        self.console.print(self.spelled(text), style=style, soft_wrap=True)

    def fact(self, name: str, text: str) -> None:
        """Print a name and what it stands for."""
        self.say(f"  {name:<20} {text}")

    def path(self, text: str) -> None:
        """Print a path as it is, letter by letter."""
        self.console.print(f"  {text}", soft_wrap=True)

    def verdict(self, text: str, good: bool) -> None:
        """Print one line, green or red."""
        self.say(f"  {text}", STYLES[good])

    def table(self, head: Sequence[str], rows: Sequence[tuple[Sequence[str], bool | None]]) -> None:
        """Print a table: text in the first column, then numbers, then a mark, but for those that have none.

        Where the terminal is too narrow, each row is a list.
        """
        marked = any(good is not None for _, good in rows)
        columns = zip(map(self.spelled, head), *(map(self.spelled, cells) for cells, _ in rows), strict=True)
        width = 2 + sum(max(map(cell_len, column)) + 2 for column in columns) + 2 * marked
        if width > self.console.width:
            self._lists(head, rows)
            return
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for i, name in enumerate([*map(self.spelled, head), *[""] * marked]):
            right = 0 < i < len(head)
            options: dict[str, Any] = {"justify": "right", "no_wrap": True} if right else {"overflow": "fold"}
            table.add_column(name, **options)
        for cells, good in rows:
            mark = [Text(self.spelled("✓" if good else "✗"), STYLES[bool(good)])] if marked else []
            table.add_row(*(Text(self.spelled(cell)) for cell in cells), *mark)
        self.console.print(Padding(table, (0, 0, 0, 2), expand=False))

    def _lists(self, head: Sequence[str], rows: Sequence[tuple[Sequence[str], bool | None]]) -> None:
        room = max(map(len, head[1:]))
        for (first, *cells), good in rows:
            line = Text(f"  {self.spelled(first)}")
            if good is not None:
                line.append("  ").append(self.spelled("✓" if good else "✗"), STYLES[good])
            self.console.print(line, soft_wrap=True)
            for name, cell in zip(head[1:], cells, strict=True):
                self.console.print(Text(f"    {self.spelled(name):<{room}}  ", "dim").append(cell.strip(), "not dim"))

    def spelled(self, text: str) -> str:
        """Return the text as the encoding can write it."""
        return text if self.has_symbols else spelled(text)


def spelled(text: str) -> str:
    """Return the text in letters that every encoding has."""
    return text.translate(PLAIN)


def _encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
