"""demo: the main job, its results printed."""

from __future__ import annotations

import time
import webbrowser
from pathlib import Path

import click

from .. import demo
from ..compare import Comparison
from ..reports import demo as report
from .program import writing
from .screen import Screen, spelled

__all__ = ["demo_command", "print_proof"]


@click.command("demo", epilog="Example:  autograd-mini demo --seed 3 --out report --open")
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
    screen, start = Screen(quiet), time.perf_counter()
    with writing("The report", out):
        report.prepare(out)
    screen.heading("Training", f"a {'-'.join(map(str, demo.SIZES))} perceptron on handwritten digits, seed {seed}")
    result = demo.run(seed, epochs, progress=False if quiet else None)
    _training(screen, result)
    screen.heading("Gradients", f"of the trained network, on the {demo.PROVED} test digits with the largest loss")
    print_proof(screen, result.proof)
    _worked(screen, result)
    with writing("The report", out):
        index, *beside = report.write(result, out)
    screen.heading("Report", f"and beside it {', '.join(path.name for path in beside)}")
    screen.path(str(index))
    screen.say(f"  to read it, open {index.resolve().as_uri()} in a browser, or run this with --open")
    screen.say(f"  all done in {time.perf_counter() - start:.1f} s")
    if quiet:
        click.echo(index)
    if open_page:
        webbrowser.open(index.resolve().as_uri())
    if result.failures:
        click.echo(spelled(f"Not proved: {', '.join(result.failures)}"), err=True)
        ctx.exit(1)


def _training(screen: Screen, result: demo.Demo) -> None:
    """Say how it went."""
    training, history = result.training, result.training.history
    misread, test = len(training.misread), training.sizes["test"]
    stopped = f"no better for {demo.PATIENCE}" if history.stopped_by == "validation" else "as many as allowed"
    screen.fact("epochs", f"{len(history.loss)}, {stopped}; restored the weights of epoch {history.best_epoch}")
    screen.fact("validation accuracy", f"{100 * training.validation_accuracy:.1f} %")
    screen.fact("test accuracy", f"{100 * training.test_accuracy:.1f} %, {misread} of {test} digits misread")
    screen.fact("seconds", f"{history.seconds:.1f}")


def print_proof(screen: Screen, proof: Comparison) -> None:
    """Print the gradients, three ways."""
    rows = [
        (
            [
                proof.equation(row).text,
                *(f"{v:.4e}" for v in (row.by_hand, row.autodiff, row.finite)),
                f"{row.error:.1e}",
            ],
            proof.agrees(row),
        )
        for row in proof.rows
    ]
    screen.table(["largest entry of", "delta rule", "autodiff", "finite diff.", "max diff."], rows)
    screen.verdict(proof.summary(), proof.passed)


def _worked(screen: Screen, result: demo.Demo) -> None:
    """Print the published example."""
    worked = result.worked
    screen.heading("Worked example", "R. Yehoshua's network, one sample, one step at learning rate 0.5")
    screen.table(
        ["", "by hand", "engine", "published"],
        [([line.symbol, *(f"{v:.8f}" for v in line[1:])], line.agrees) for line in worked.lines],
    )
    step = f"Output {worked.value('o'):.4f}, after one step {worked.value('o after step'):.4f}"
    screen.verdict(f"{step}: {'every' if worked.passed else 'NOT every'} published digit reproduced.", worked.passed)
