"""Options that several commands have: how a file is to be read, and which model."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ..tables import Table, open_table
from ..tables.words import MISSING
from ..tabular import TabularModel
from .program import spoken

__all__ = ["FILE", "HOW", "MODEL", "Comma", "apart", "model_of", "reading", "table_of"]

FILE = click.Path(path_type=Path)  # whether it is there says open_table, in words of its own
MODEL = click.Path(path_type=Path)

READING = (
    click.option("--separator", metavar="CHAR", help="Between the cells of a CSV file.  [default: found out]"),
    click.option("--encoding", metavar="NAME", help="Of a CSV file, such as latin-1.  [default: utf-8]"),
    click.option("--decimal", type=click.Choice([".", ","]), default=".", help="Before decimals.  [default: .]"),
    click.option(
        "--header/--no-header", default=None, help="Whether row 1 holds the columns' names.  [default: found out]"
    ),
    click.option(
        "--missing-word",
        "missing_words",
        metavar="WORD",
        multiple=True,
        help="A cell that says: no value; besides NA, NaN, null, ?, ...",
    ),
    click.option(
        "--value-word",
        "value_words",
        metavar="WORD",
        multiple=True,
        help="A cell that is a value though it looks like none: NA of Namibia.",
    ),
    click.option("--labels", type=FILE, help="Labels of an IDX file.  [default: the file beside it]"),
    click.option("--part", metavar="NAME", help="Of an .npz with x_train, y_train, x_test, ...: train or test."),
)

HOW = (
    "separator",
    "encoding",
    "decimal",
    "header",
    "missing_words",
    "value_words",
    "labels",
    "part",
)  # what these are called


def reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `table_of`."""
    for option in reversed(READING):
        command = option(command)
    return command


def table_of(path: Path, options: dict[str, Any]) -> Table:
    """Return the table of a file, read as the options say, and take these out of them; say what was chosen unasked."""
    found = {name: options.pop(name) for name in HOW}
    words = MISSING.union(found["missing_words"]).difference(found.pop("value_words"))
    table = open_table(path, **found | {"missing_words": words})
    if table.note and not options.get("quiet"):
        click.echo(f"Note: {spoken(table.note)}", err=True)
    return table


def apart(option: str, out: Path | None, file: Path) -> None:
    """Refuse to write over the file that is read."""
    if out is not None and out.exists() and file.exists() and out.samefile(file):
        raise click.UsageError(f"{option} is {out}, which is read: it would be lost. Choose another name.")


def model_of(path: Path) -> TabularModel:
    """Return the model of a file, or of the folder that `train` made."""
    file = path / "model.npz" if path.is_dir() else path
    if not file.exists():
        raise click.UsageError(f"There is no model {file}. Pass the folder that autograd-mini train made.")
    return TabularModel.load(file)


class Comma(click.ParamType):  # type: ignore[type-arg]  # not generic in click 8.2
    """Values between commas.

    Parameters
    ----------
    name : str
        What click calls them.
    of : callable
        Makes one of a text, or raises ValueError.
    what : str
        For the message: "64,32: ...".
    """

    def __init__(self, name: str, of: Callable[[str], Any], what: str) -> None:
        self.name, self.of, self.what = name, of, what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a tuple."""
        if not isinstance(value, str):
            return value
        try:
            parts = next(csv.reader([value], skipinitialspace=True), [])  # '"a, b",c' is two
            return tuple(self.of(part.strip()) for part in parts if part.strip())
        except (ValueError, csv.Error):
            self.fail(f"{value!r} must be {self.what}.", param, ctx)
