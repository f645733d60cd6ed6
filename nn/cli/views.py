"""compare, draw and explain: a trained model's gradients on rows of a file, proved, drawn, and written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click
import numpy as np

import autograd_mini as ag

from ..compare import compare
from ..player import player
from ..tables import Table, Unseen
from ..tabular import Rows, TabularModel, rows_of
from ..tabular.training import PROVED
from .demo import print_proof
from .options import FILE, MODEL, Comma, model_of, reading, table_of
from .program import CODES, writing
from .screen import Screen, spelled

__all__ = ["compare_command", "draw_command", "explain_command"]

LOOKED_AT = 10_000  # rows, of which the hardest are taken
ROW = click.IntRange(min=1)

COMPARE = f"""\b
Examples:
  autograd-mini compare iris-model iris.csv
  autograd-mini compare iris-model iris.csv --rows 8 --notation M

{CODES}"""

DRAW = f"""\b
Examples:
  autograd-mini draw iris-model iris.csv --row 5 --out graph.svg
  autograd-mini draw iris-model iris.csv --row 5 --out sweep.html
  autograd-mini draw iris-model iris.csv --collapse --out layers.png

{CODES}"""

EXPLAIN = f"""\b
Examples:
  autograd-mini explain iris-model iris.csv --weight W2 --index 0,3
  autograd-mini explain iris-model iris.csv --row 5 --weight b1 --index 2

{CODES}"""


@click.command("compare", epilog=COMPARE, short_help="Prove a model's gradients on rows of a file.")
@click.argument("model", type=MODEL)
@click.argument("file", type=FILE)
@click.option(
    "--rows",
    type=click.IntRange(min=1),
    default=PROVED,
    show_default=True,
    help=f"So many rows, those with the largest loss of the first {LOOKED_AT:,}.",
)
@click.option("--row", type=ROW, help="This row alone, as numbered in the file.")
@click.option(
    "--notation", type=click.Choice(["Y", "M", "R"]), default="Y", show_default=True, help="Of the delta rules."
)
@reading
@click.pass_context
def compare_command(ctx: click.Context, /, model: Path, file: Path, **options: Any) -> None:
    """Compute every gradient of MODEL on rows of FILE three ways: delta rule, engine, finite differences.

    Exits with 1 if they do not agree.
    """
    screen = Screen()
    predictor, table = model_of(model), table_of(file, options)
    predictor.encoding.check(table, target=True)
    rows = _one(predictor, table, options["row"]) if options["row"] else _hardest(predictor, table, options["rows"])
    report = compare(predictor.model, rows.X, rows.y, predictor.loss, notation=options["notation"])
    which = f"row {rows.numbers[0]}" if len(rows.numbers) == 1 else f"{len(rows.numbers)} rows with the largest loss"
    screen.heading("Gradients", f"of {model}, on {which} of {table.path}")
    print_proof(screen, report)
    for line in report.legend():
        screen.say(f"  {line}")
    if not report.passed:
        ctx.exit(1)


@click.command("draw", epilog=DRAW, short_help="Draw the graph of a model's loss on a row of a file.")
@click.argument("model", type=MODEL)
@click.argument("file", type=FILE)
@click.option("--row", type=ROW, help="As numbered in the file.  [default: the first]")
@click.option(
    "--out",
    type=FILE,
    default="graph.svg",
    show_default=True,
    help=".svg or .png: a picture; .html: a page that plays the sweep, step by step.",
)
@click.option("--collapse", is_flag=True, help="Draw one box for each layer.")
@click.option("--theme", type=click.Choice(["light", "dark", "auto"]), default="light", show_default=True)
@reading
def draw_command(
    model: Path, file: Path, row: int | None, out: Path, collapse: bool, theme: str, **options: Any
) -> None:
    """Draw the loss of MODEL on one row of FILE: every value, and its gradient."""
    if out.suffix.lower() not in (".svg", ".png", ".html"):
        raise click.UsageError(f"--out is {out}, but must end in .svg, .png or .html, which says what is drawn.")
    predictor, table = model_of(model), table_of(file, options)
    rows = _one(predictor, table, row)
    target = predictor.encoding.target.name
    with writing("The picture", out):
        if out.suffix.lower() == ".html":
            title = f"{target}, row {rows.numbers[0]} of {Path(table.path).name}"
            player(predictor.model, rows.X, rows.y, predictor.loss, out, title=title)
        else:
            ag.draw(_recorded(predictor, rows), theme=theme, collapse=collapse).save(out)
    click.echo(out)


@click.command("explain", epilog=EXPLAIN, short_help="Write out the chain rule of one weight's gradient.")
@click.argument("model", type=MODEL)
@click.argument("file", type=FILE)
@click.option("--row", type=ROW, help="As numbered in the file.  [default: the first]")
@click.option("--weight", required=True, metavar="NAME", help="W1, b1, W2, ...: weights and biases layer by layer.")
@click.option(
    "--index", type=Comma("place", int, "whole numbers, such as 0,3"), default="", help="I,J: to unit I from unit J."
)
@click.option("--lines", type=click.IntRange(min=1), default=12, show_default=True, help="At most so many equations.")
@reading
def explain_command(
    model: Path, file: Path, row: int | None, weight: str, index: tuple[int, ...], lines: int, **options: Any
) -> None:
    """Write one number of a gradient of MODEL, on one row of FILE, as the products and sums that it is."""
    predictor, table = model_of(model), table_of(file, options)
    named = _parameters(predictor)
    if weight not in named:
        shapes = ", ".join(f"{name} {list(parameter.shape)}" for name, parameter in named.items())
        raise click.UsageError(f"There is no weight {weight}. The model has {shapes}.")
    parameter = named[weight]
    place = index or tuple(0 for _ in parameter.shape)
    inside = len(place) == parameter.ndim and all(0 <= i < n for i, n in zip(place, parameter.shape, strict=False))
    if not inside:
        last = ",".join(str(n - 1) for n in parameter.shape)
        raise click.UsageError(
            f"--index is {','.join(map(str, place))}, but the places of {weight} are "
            f"{','.join('0' for _ in parameter.shape)} to {last}."
        )
    rows = _one(predictor, table, row)
    screen = Screen()
    text = str(ag.explain(_recorded(predictor, rows), parameter, place, limit=lines))
    screen.heading(f"{weight}[{', '.join(map(str, place))}]", f"row {rows.numbers[0]} of {table.path}")
    click.echo(text if screen.has_symbols else spelled(text))


def _one(predictor: TabularModel, table: Table, number: int | None) -> Rows:
    """Return one row of a table."""
    predictor.encoding.check(table, target=True)
    number = next(table.chunks(1)).number(0) if number is None else number  # the first may be an empty line
    return rows_of(table, predictor.encoding, [number], unseen=Unseen(), dtype=predictor.dtype)


def _hardest(predictor: TabularModel, table: Table, most: int) -> Rows:
    """Return the rows with the largest loss of the first ones."""
    losses: list[Any] = []
    numbers: list[Any] = []
    for part in predictor.predictions(table, targets=True, unseen=Unseen()):
        losses.append(predictor.losses(part.outputs, part.targets))
        numbers.append(part.numbers)
        if sum(map(len, numbers)) >= LOOKED_AT:
            break
    order = np.argsort(-np.concatenate(losses)[:LOOKED_AT], kind="stable")[:most]
    return rows_of(
        table, predictor.encoding, np.concatenate(numbers)[order].tolist(), unseen=Unseen(), dtype=predictor.dtype
    )


def _parameters(predictor: TabularModel) -> dict[str, Any]:
    """Return the parameters by the textbook's names, W1, b1, W2, ..., and give them these."""
    found: dict[str, Any] = {}
    layer = 0
    for name, parameter in predictor.model.named_parameters():
        layer += name.endswith("weight")
        parameter.name = f"{'W' if name.endswith('weight') else 'b'}{layer}"
        found[parameter.name] = parameter
    return found


def _recorded(predictor: TabularModel, rows: Rows) -> ag.Tensor:
    """Return the loss E of a row with its graph, every value kept."""
    _parameters(predictor)
    with ag.recording(), ag.keep():
        outputs = predictor.model(ag.Tensor(rows.X, name="x"))
        with ag.scope("loss"):
            value = predictor.loss(outputs, rows.y)
    value.name = "E"
    return cast(ag.Tensor, value)
