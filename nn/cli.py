"""The command line: arguments in, the demo's results printed, exit codes out."""

from __future__ import annotations

import io
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

import autograd_mini as ag

from . import demo, notation, report

__all__ = ["main"]

# What to write where the terminal's encoding lacks a symbol.
PLAIN = str.maketrans(notation.PLAIN | {"–": "-", "→": "->", "·": "-", "✓": "ok", "✗": "NO"})
STYLES = {True: "green", False: "bold red"}


class CannotWrite(click.ClickException):
    """The report's folder cannot be used."""

    exit_code = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ag.__version__, prog_name="autograd-mini")
def main() -> None:
    """Train multi-layer perceptrons with gradients that prove themselves."""


@main.command("demo", epilog="Example:  autograd-mini demo --seed 3 --out report --open")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of split, weights and batches.")
@click.option("--epochs", type=click.IntRange(min=1), default=200, show_default=True, help="At most so many.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default="autograd-mini-report",
    show_default=True,
    help="The report's folder; files in it are overwritten.",
)
@click.option("--open/--no-open", "open_page", default=False, help="Open the page in the browser.  [default: no]")
@click.option("--quiet", is_flag=True, help="Print only the path of the page.")
@click.pass_context
def demo_command(ctx: click.Context, seed: int, epochs: int, out: Path, open_page: bool, quiet: bool) -> None:
    """Train on handwritten digits, prove the gradients, write a report.

    Trains a perceptron on the 1,797 digits that ship with the package, stops by the validation error and restores the
    best weights. Then computes every gradient three ways (delta rule by hand, engine, finite differences), replays a
    published worked example, and writes a page with all of it.

    Exits with 0 if every gradient is proved, 1 if not, 2 if the arguments or the report's folder cannot be used.
    """
    screen = Screen(quiet)
    with writing(out):
        report.prepare(out)
    screen.begin(seed)
    result = demo.run(seed, epochs, progress=False if quiet else None)
    screen.training(result)
    screen.proof(result)
    screen.worked(result)
    with writing(out):
        index, *beside = report.write(result, out)
    screen.end(index, beside)
    if quiet:
        click.echo(index)
    if open_page:
        webbrowser.open(index.resolve().as_uri())
    if result.failures:
        click.echo(f"Not proved: {', '.join(result.failures)}".translate(PLAIN), err=True)
        ctx.exit(1)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence and exit code 2."""
    try:
        yield
    except OSError as error:
        raise CannotWrite(f"The report cannot be written to {folder}: {error.strerror or error}.") from None


class Screen:
    """What is printed: colours in a terminal, plain text elsewhere, other letters where the encoding has no Greek."""

    def __init__(self, quiet: bool) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold anything
        width = None if sys.stdout.isatty() else 120  # in a file or a pipe no row is broken
        self.console = Console(quiet=quiet, highlight=False, markup=False, emoji=False, width=width)
        self.has_symbols = _encodable("".join(map(chr, PLAIN)), self.console.encoding)
        self.start = time.perf_counter()

    def begin(self, seed: int) -> None:
        """Say what is about to happen."""
        self.heading("Training", f"a {'-'.join(map(str, demo.SIZES))} perceptron on handwritten digits, seed {seed}")

    def training(self, result: demo.Demo) -> None:
        """Say how it went."""
        training, history = result.training, result.training.history
        misread, test = len(training.misread), training.sizes["test"]
        stopped = f"no better for {demo.PATIENCE}" if history.stopped_by == "validation" else "as many as allowed"
        self.say(
            f"  epochs               {len(history.loss)}, {stopped}; restored the weights of epoch {history.best_epoch}"
        )
        self.say(f"  validation accuracy  {100 * training.validation_accuracy:.1f} %")
        self.say(f"  test accuracy        {100 * training.test_accuracy:.1f} %, {misread} of {test} digits misread")
        self.say(f"  seconds              {history.seconds:.1f}")

    def proof(self, result: demo.Demo) -> None:
        """Print the gradients, three ways."""
        self.heading("Gradients", f"of the trained network, on the {demo.PROVED} test digits with the largest loss")
        self.table(
            ["largest entry of", "delta rule", "autodiff", "finite diff.", "max diff."],
            [
                (
                    [
                        result.proof.equation(row).text,
                        *(f"{v:.4e}" for v in (row.by_hand, row.autodiff, row.finite)),
                        f"{row.error:.1e}",
                    ],
                    result.proof.agrees(row),
                )
                for row in result.proof.rows
            ],
        )
        self.verdict(result.proof.summary(), result.proof.passed)

    def worked(self, result: demo.Demo) -> None:
        """Print the published example."""
        worked = result.worked
        self.heading("Worked example", "R. Yehoshua's network, one sample, one step at learning rate 0.5")
        self.table(
            ["", "by hand", "engine", "published"],
            [([line.symbol, *(f"{v:.8f}" for v in line[1:])], line.agrees) for line in worked.lines],
        )
        step = f"Output {worked.value('o'):.4f}, after one step {worked.value('o after step'):.4f}"
        self.verdict(f"{step}: {'every' if worked.passed else 'NOT every'} published digit reproduced.", worked.passed)

    def end(self, index: Path, beside: list[Path]) -> None:
        """Say where the report is, and how to open it."""
        self.heading("Report", f"and beside it {', '.join(path.name for path in beside)}")
        self.console.print(f"  {index}", soft_wrap=True)
        self.say(f"  to read it, open {index.resolve().as_uri()} in a browser, or run this with --open")
        self.say(f"  all done in {time.perf_counter() - self.start:.1f} s")

    def heading(self, name: str, text: str) -> None:
        """Print what a part is about."""
        self.console.print(Text(f"\n{name}", "bold").append(f"  {text}", "not bold"), soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Print one line."""
        self.console.print(self.spelled(text), style=style, soft_wrap=True)

    def verdict(self, text: str, good: bool) -> None:
        """Print one line, green or red."""
        self.say(f"  {text}", STYLES[good])

    def table(self, head: list[str], rows: list[tuple[list[str], bool]]) -> None:
        """Print a table: text in the first column, then numbers, then a mark."""
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for i, name in enumerate([*head, ""]):
            table.add_column(name, justify="right" if 0 < i < len(head) else "left")
        for cells, good in rows:
            mark = Text(self.spelled("✓" if good else "✗"), STYLES[good])
            table.add_row(*(Text(self.spelled(cell)) for cell in cells), mark)
        self.console.print(Padding(table, (0, 0, 0, 2), expand=False))

    def spelled(self, text: str) -> str:
        """Return the text as the encoding can write it."""
        return text if self.has_symbols else text.translate(PLAIN)


def _encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
