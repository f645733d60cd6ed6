"""predict: what a model makes of the rows of a file, as CSV."""

from __future__ import annotations

import csv
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

import click
import numpy as np

from ..functional import softmax
from ..reports.table import NAMES, number
from ..tables import Table, TableError, Unseen
from ..tabular import TabularModel
from ..tabular.model import check_outputs
from .options import FILE, MODEL, Comma, apart, model_of, reading, table_of
from .program import CODES, CannotWrite, writing
from .screen import Screen

__all__ = ["predict_command"]

EXAMPLES = f"""\b
Examples:
  autograd-mini predict iris-model new.csv
  autograd-mini predict iris-model new.csv --probabilities --out predictions.csv
  autograd-mini predict houses-model new.csv --keep id | head

{CODES}"""


@click.command("predict", epilog=EXAMPLES, short_help="Apply a trained model to a file.")
@click.argument("model", type=MODEL)
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="A CSV file.  [default: the standard output]")
@click.option("--probabilities", is_flag=True, help="Write the probability of each class, too.")
@click.option("--keep", type=Comma("columns", str, "names of columns"), default="", help="Columns of FILE to copy.")
@click.option(
    "--unseen",
    type=click.Choice(["accept", "refuse"]),
    default="accept",
    show_default=True,
    help="What to do with categories that the model was not trained on: take them as none of the known ones, or stop.",
)
@reading
@click.option("--quiet", is_flag=True, help="Print no messages.")
def predict_command(model: Path, file: Path, **options: Any) -> None:
    """Apply MODEL, a folder or file that train wrote, to the rows of FILE.

    FILE has the columns that the model was trained on, in any order; others are left alone. It is read chunk by chunk.
    Where it has the target's column, too, messages say how well the model does.
    """
    screen = Screen(options["quiet"], aside=True)
    predictor = model_of(model)
    target = predictor.encoding.target
    if options["probabilities"] and not predictor.classifies:
        raise click.UsageError(f"--probabilities is for classes, and {target.name} is a number. Leave it out.")
    apart("--out", options["out"], file)
    table = table_of(file, options)
    predictor.encoding.check(table, target=False)
    for name in options["keep"]:
        table.has(name)
    unseen = Unseen() if options["unseen"] == "accept" else None
    kept: list[list[Any]] = [[], []]  # outputs and targets, where they are known
    notes: list[str] = []
    with _output(options["out"]) as stream:
        count = _write(stream, predictor, table, options, unseen, kept, notes)
    for line in [*notes, *(unseen.lines() if unseen is not None else ())]:
        screen.say(f"Note: {line}")
    if options["out"] is not None:
        screen.say(f"{count:,} predictions of {target.name} in {options['out']}")
    if kept[0]:
        scores = predictor.scores(*map(np.concatenate, kept))
        screen.say(", ".join(f"{NAMES[name]} {number(name, value, '-')}" for name, value in scores.items()))


def _write(
    stream: TextIO,
    predictor: TabularModel,
    table: Table,
    options: dict[str, Any],
    unseen: Any,
    kept: list[list[Any]],
    notes: list[str],
) -> int:
    """Write a row for each of the table's; return how many."""
    target, keep = predictor.encoding.target, options["keep"]
    known = target.name in table.columns
    rows = csv.writer(stream, lineterminator="\n")
    chances = [f"p({name})" for name in target.classes] if options["probabilities"] else []
    count = 0
    for chunk in table.chunks():
        if not len(chunk):
            continue
        X, _ = predictor.encoding.transform(chunk, target=False, unseen=unseen, dtype=predictor.dtype)
        if not count:
            rows.writerow(["row", *keep, f"predicted {target.name}", *chances])
        outputs = predictor.outputs(X)
        check_outputs(outputs, chunk)
        values = target.decode(outputs)
        texts = [str(v) if predictor.classifies else repr(float(v)) for v in values]
        copied = [[chunk.cell(name, i) for i in range(len(chunk))] for name in keep]
        columns: list[Any] = [chunk.numbers, *copied, texts]
        if options["probabilities"]:
            columns += [[f"{p:.6g}" for p in column] for column in softmax(np.asarray(outputs, float)).T]
        rows.writerows(zip(*columns, strict=True))
        count += len(chunk)
        if known:
            try:
                kept[1].append(predictor.encoding.targets(chunk, predictor.dtype))
                kept[0].append(outputs)
            except TableError as error:  # what is to be predicted need not be there
                notes.append(f"{str(error).partition('. ')[0]}; so nothing is said of how good the predictions are.")
                known = False
                kept[0].clear()
                kept[1].clear()
    return count


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Open a file that is there in full at the end, or as it was; or the standard output."""
    if path is None:
        if sys.stdout is None:
            raise CannotWrite("The predictions cannot be written: the standard output is closed. Name a file: --out.")
        yield sys.stdout
        sys.stdout.flush()
        return
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe, /dev/stdout: nothing to put in its place
        with writing("The predictions", path), path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    real = Path(os.path.realpath(path))  # a link stays one
    temporary = real.with_name(f".{real.name[:40]}.{secrets.token_hex(8)}.tmp")
    with writing("The predictions", path):
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        stream = temporary.open("x", encoding="utf-8", newline="")
    try:
        with writing("The predictions", path):
            with stream:
                yield stream
            os.replace(temporary, real)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
