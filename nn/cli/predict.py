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

from ..reports.table import NAMES, number
from ..tables import Table, Unseen
from ..tabular import TabularModel
from .options import FILE, MODEL, Comma, model_of, reading, table_of
from .program import CODES, writing
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
    table = table_of(file, options)
    predictor.encoding.check(table, target=False)
    for name in options["keep"]:
        table.has(name)
    unseen = Unseen() if options["unseen"] == "accept" else None
    kept: list[list[Any]] = [[], []]  # outputs and targets, where they are known
    with _output(options["out"]) as stream:
        count = _write(stream, predictor, table, options, unseen, kept)
    for line in unseen.lines() if unseen is not None else ():
        screen.say(f"Note: {line}")
    if options["out"] is not None:
        screen.say(f"{count:,} predictions of {target.name} in {options['out']}")
    if kept[0]:
        scores = predictor.scores(*map(np.concatenate, kept))
        screen.say(", ".join(f"{NAMES[name]} {number(name, value, '-')}" for name, value in scores.items()))


def _write(
    stream: TextIO, predictor: TabularModel, table: Table, options: dict[str, Any], unseen: Any, kept: list[list[Any]]
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
        X, y = predictor.encoding.transform(
            chunk, target=None if known else False, unseen=unseen, dtype=predictor.dtype
        )
        if not count:
            rows.writerow(["row", *keep, f"predicted {target.name}", *chances])
        outputs = predictor.outputs(X)
        values = target.decode(outputs)
        texts = [str(v) if predictor.classifies else f"{float(v):.10g}" for v in values]
        copied = [[chunk.cell(name, i) for i in range(len(chunk))] for name in keep]
        columns: list[Any] = [chunk.numbers, *copied, texts]
        if options["probabilities"]:
            columns += [[f"{p:.6g}" for p in column] for column in _chances(outputs).T]
        rows.writerows(zip(*columns, strict=True))
        count += len(chunk)
        if y is not None:
            kept[0].append(outputs)
            kept[1].append(y)
    return count


def _chances(logits: Any) -> Any:
    powers = np.exp(np.asarray(logits, float) - np.max(logits, axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@contextmanager
def _output(path: Path | None) -> Iterator[TextIO]:
    """Open a file that is there in full at the end, or as it was; or the standard output."""
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.tmp")
    with writing("The predictions", path):
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        stream = temporary.open("x", encoding="utf-8", newline="")
    try:
        with writing("The predictions", path):
            with stream:
                yield stream
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
