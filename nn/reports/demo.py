"""The demo's report: the page, the graph as pictures, and the numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import autograd_mini as ag

from .. import charts
from ..demo import BATCH_SIZE, DRAWN, LEARNING_RATE, MOMENTUM, PATIENCE, PROVED, SIZES, Demo
from . import folder as files
from .folder import prepare, versions
from .parts import learned, proof, proved
from .pieces import count, definitions, figure, gallery, inline, percent, scientific, section, table, whole_page

__all__ = ["page", "prepare", "results", "write"]

LINKS = ' (also as <a href="graph.svg">graph.svg</a> and <a href="graph.png">graph.png</a>)'
SHOWN = 24  # so many misread digits are shown


def write(demo: Demo, folder: Path) -> list[Path]:
    """Write ``index.html``, ``graph.svg``, ``graph.png`` and ``results.json``; return their paths, the page's first.

    Files of these names are overwritten, others left alone. Where no program is installed that renders graphs, the page
    shows them as text, and there are no pictures beside it.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    numbers, pictures = results(demo), _pictures(demo)
    content = {
        "index.html": page(demo, numbers, links=bool(pictures)).encode(),
        "results.json": json.dumps(numbers, indent=2, ensure_ascii=False).encode() + b"\n",
        **pictures,
    }
    return files.write(folder, content)


def _pictures(demo: Demo) -> dict[str, bytes]:
    """Return the graph's files; none where nothing renders them."""
    graph = _whole_graph(demo)
    try:
        return {"graph.svg": graph.svg().encode() + b"\n", "graph.png": graph.png()}
    except ag.errors.AutogradError:
        return {}


def results(demo: Demo) -> dict[str, Any]:
    """Return the demo's numbers as what JSON can hold."""
    training, history = demo.training, demo.training.history
    return {
        "run": {"seed": demo.seed, "epochs_at_most": demo.epochs, "seconds": round(demo.seconds, 3), **versions()},
        "training": {
            "sizes": list(SIZES),
            "digits": training.sizes,
            "learning_rate": LEARNING_RATE,
            "momentum": MOMENTUM,
            "batch_size": BATCH_SIZE,
            "patience": PATIENCE,
            "epochs": len(history.loss),
            "best_epoch": history.best_epoch,
            "stopped_by": history.stopped_by,
            "seconds": round(history.seconds, 3),
            "validation_accuracy": training.validation_accuracy,
            "test_accuracy": training.test_accuracy,
            "loss": history.loss,
            "validation_loss": history.validation_loss,
            "gradient_norms": history.gradient_norms,
            "misread": [
                {"is": int(training.labels[i]), "read_as": int(training.predictions[i])} for i in training.misread
            ],
        },
        "proof": {"digits": PROVED, **proved(demo.proof)},
        "worked_example": {
            "passed": demo.worked.passed,
            "lines": [line._asdict() | {"agrees": line.agrees} for line in demo.worked.lines],
        },
    }


def page(demo: Demo, numbers: dict[str, Any], links: bool = True) -> str:
    """Return the report as one HTML page, without script, that loads nothing; with links to the pictures beside it."""
    training = demo.training
    verdict = "proved" if not demo.failures else "not proved"
    before, after = (f"{demo.worked.value(symbol):.4f}" for symbol in ("o", "o after step"))
    reproduced = "reproduced" if demo.worked.passed else "<strong>not reproduced</strong>"
    return whole_page(
        title=f"autograd_mini: gradients, {verdict}",
        over="autograd_mini · report of the demo",
        heading=f"Gradients, {verdict}",
        lede=f"""A perceptron learned to read from {training.sizes["training"]:,} handwritten digits, by gradients that
the engine derived
with the chain rule. Here is how it learned, and the evidence that its gradients are right: each was computed again by
the textbooks’ delta rule, written out by hand, and once more by finite differences.""",
        facts=[
            (
                f"{100 * training.test_accuracy:.1f} %",
                f"of {training.sizes['test']} digits it had never seen were read correctly",
            ),
            (scientific(demo.proof.max_error), "largest relative difference between the delta rule and the engine"),
            (f"{before} → {after}", f"a published example’s output before and after one step, {reproduced}"),
            (f"{training.history.seconds:.1f} s", f"to train for {count(len(training.history.loss), 'epoch')}"),
        ],
        sections=[
            learned(training.history, noun="digits", reason=_reason(demo), y_label="error E (cross-entropy)"),
            proof(
                demo.proof,
                f"Every gradient of the trained network, on the {PROVED} test digits with the largest loss, three "
                "ways.",
            ),
            _worked(demo),
            _graphs(demo, links),
            _mistakes(demo),
            section(
                "What was run",
                f'<dl class="run">{definitions(_run(numbers))}</dl>',
                """<p class="note">All numbers of this page, and more of them, are in
<a href="results.json">results.json</a>. The
digits: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
CC BY 4.0.</p>""",
            ),
        ],
    )


def _worked(demo: Demo) -> str:
    rows = [(line.symbol, *(f"{v:.8f}" for v in line[1:]), "✓" if line.agrees else "✗") for line in demo.worked.lines]
    return section(
        "A published example, replayed",
        """<p>The network of sigmoids in Roi Yehoshua’s article on backpropagation: 2 inputs, 3 and 2 hidden units, 1
output;
some connections are absent. One sample, one step at learning rate 0.5. The delta rule runs by hand; the engine runs
an ordinary training step, with <code>nn.Linear(mask=…)</code>, <code>backward()</code> and <code>nn.SGD</code>.</p>""",
        table(("", "by hand", "engine", "published", ""), rows, "worked"),
        figure(
            inline(ag.draw(demo.worked.loss, theme="auto", rankdir="TB"), "worked"),
            """The same sample as the engine recorded it: in each box a value and, as ∂, the gradient of E with respect
to
it. E is −log o, since the target is 1; constants of 0 and 1 say which connections exist. Each δ of the table is the
gradient in the box before a sigmoid: they shrink from layer to layer on the way back to the input.""",
            "wide",
        ),
    )


def _graphs(demo: Demo, links: bool) -> str:
    whole = figure(
        inline(_whole_graph(demo), "whole"),
        """Inside each layer: the weights are transposed, multiplied and the biases added, then the activation is
taken. Under each layer’s name stands its delta rule; the engine never saw it.""",
        "whole",
    )
    return section(
        "The graph of the loss",
        f"""<p>What the engine recorded when the trained network read {DRAWN} of the hardest test digits, one box for
each layer:
its outputs, and beside them, as ∂, the gradient of the loss with respect to them. Lines are coloured by the
gradient’s size.</p>""",
        figure(
            inline(ag.draw(demo.loss, theme="auto", collapse=True), "layers"),
            """Follow the arrows to compute the loss; follow them backward to see where the gradient flows. In layer 3’s
gradient each row is one digit: orange where the network gave a class too much, blue where it gave too little. That is
o − y.""",
            "wide",
        ),
        f"<details>\n<summary>Every step of it{LINKS if links else ''}</summary>\n{whole}\n</details>",
    )


def _mistakes(demo: Demo) -> str:
    misread = demo.training.misread
    more = f" ({len(misread) - SHOWN} more not shown.)" if len(misread) > SHOWN else ""
    return section(
        "Where it is wrong",
        f"""<p>Of {demo.training.sizes["test"]} test digits it misread {len(misread)}. Under each picture: what the
network read, how sure it was, and what
was meant.{more}</p>""",
        _gallery(demo, misread[:SHOWN]),
        figure(
            _gallery(demo, _first_right(demo)),
            "For comparison, the first test digit of each kind that it read correctly.",
        ),
    )


def _whole_graph(demo: Demo) -> Any:
    """Return every step of the trained model's loss, with the delta rule of each layer under its name."""
    notes = {}
    for row in demo.proof.rows:
        if row.equation.of == "delta":
            notes[f"layer{row.layer}"] = demo.proof.equation(row).text
    return ag.draw(demo.loss, theme="auto", rankdir="TB", notes=notes)


def _reason(demo: Demo) -> str:
    if demo.training.history.stopped_by == "validation":
        return f"it had not fallen for {PATIENCE} epochs, so training stopped"
    return f"training ended after {count(demo.epochs, 'epoch')}, as many as it was given"


def _first_right(demo: Demo) -> list[int]:
    """Return the first test digit of each kind that was read correctly."""
    labels, predictions = demo.training.labels, demo.training.predictions
    right = [np.flatnonzero((labels == digit) & (predictions == digit)) for digit in range(SIZES[-1])]
    return [int(found[0]) for found in right if len(found)]


def _gallery(demo: Demo, indices: Iterable[int]) -> str:
    training, items = demo.training, []
    for i in indices:
        label, read, sure = training.labels[i], training.predictions[i], training.probabilities[i].max()
        title = f"A handwritten {label}, read as {read}"
        text = f"<b>{read}</b> {percent(sure)}" + (f"<br>is {label}" if read != label else "")
        items.append((charts.image(training.images[i].reshape(8, 8), title), text))
    return gallery(items)


def _run(numbers: dict[str, Any]) -> dict[str, str]:
    run, training = numbers["run"], numbers["training"]
    digits = training["digits"]
    return {
        "Command": f"autograd-mini demo --seed {run['seed']} --epochs {run['epochs_at_most']}",
        "Network": f"{'–'.join(map(str, training['sizes']))}, ReLU, cross-entropy of softmax",
        "Data": f"{digits['training']:,} digits to train on, {digits['validation']:,} for validation, "
        f"{digits['test']:,} for the test, stratified",
        "Descent": f"batches of {training['batch_size']}, learning rate {training['learning_rate']}, "
        f"momentum {training['momentum']}, patience {training['patience']}",
        "Result": f"epoch {training['best_epoch']} of {training['epochs']}; validation accuracy "
        f"{100 * training['validation_accuracy']:.1f} %, test accuracy {100 * training['test_accuracy']:.1f} %",
        "Time": f"{run['seconds']:.1f} s, {training['seconds']:.1f} s of them for training",
        "Versions": f"autograd_mini {run['autograd_mini']}, Python {run['python']}, NumPy {run['numpy']}, "
        f"BLAS {run['blas']}",
        "Machine": run["machine"],
    }
