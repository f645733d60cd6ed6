"""The demo's report: a folder with one page that needs nothing else, the graph as pictures, and the numbers as JSON."""

from __future__ import annotations

import json
import os
import platform
import re
import tempfile
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

import autograd_mini as ag

from . import charts
from .demo import BATCH_SIZE, DRAWN, LEARNING_RATE, MOMENTUM, PATIENCE, PROVED, SIZES, Demo

__all__ = ["prepare", "results", "write"]

NUMBER = re.compile(r"\s*-?\d+\.\d+(e[+-]\d+)?")
MINUS = "−"
LINKS = ' (also as <a href="graph.svg">graph.svg</a> and <a href="graph.png">graph.png</a>)'
SHOWN = 24  # so many misread digits are shown


def prepare(folder: Path) -> None:
    """Make the report's folder and write a file into it, so that a path that cannot be used is known before training.

    Raises
    ------
    OSError
        If that fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write(demo: Demo, folder: Path) -> list[Path]:
    """Write ``index.html``, ``graph.svg``, ``graph.png`` and ``results.json``; return their paths, the page's first.

    Files of these names are overwritten, others left alone. Where no program is installed that renders graphs, the page
    shows them as text, and there are no pictures beside it.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    prepare(folder)
    numbers, pictures = results(demo), _pictures(demo)
    files = {
        "index.html": page(demo, numbers, links=bool(pictures)).encode(),
        "results.json": json.dumps(numbers, indent=2, ensure_ascii=False).encode() + b"\n",
        **pictures,
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def _pictures(demo: Demo) -> dict[str, bytes]:
    """Return the graph's files; none where nothing renders them."""
    graph = _whole_graph(demo)
    try:
        return {"graph.svg": graph.svg().encode() + b"\n", "graph.png": graph.png()}
    except ag.errors.AutogradError:
        return {}


def results(demo: Demo) -> dict[str, Any]:
    """Return the demo's numbers as what JSON can hold."""
    training, history, proof = demo.training, demo.training.history, demo.proof
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
        "proof": {
            "digits": PROVED,
            "passed": proof.passed,
            "tolerance": proof.tolerance,
            "finite_tolerance": proof.finite_tolerance,
            "max_error": proof.max_error,
            "max_finite_error": proof.max_finite_error,
            "notation": proof.notation,
            "rows": [
                row._asdict() | {"equation": proof.equation(row).text, "agrees": proof.agrees(row)}
                for row in proof.rows
            ],
        },
        "worked_example": {
            "passed": demo.worked.passed,
            "lines": [line._asdict() | {"agrees": line.agrees} for line in demo.worked.lines],
        },
    }


def versions() -> dict[str, str]:
    """Return what the numbers may depend on: the versions of what computed them."""
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return {
        "autograd_mini": ag.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }


# --- the page: what varies in it ------------------------------------------------------------------------------------


def page(demo: Demo, numbers: dict[str, Any], links: bool = True) -> str:
    """Return the report as one HTML page, without script, that loads nothing; with links to the pictures beside it."""
    training, history, misread = demo.training, demo.training.history, demo.training.misread
    head, *rows = ((*cells[:4], *cells[5:]) for cells in demo.proof.cells(digits=9))  # each number with one sign
    return PAGE.substitute(
        style=STYLE,
        verdict="proved" if not demo.failures else "not proved",
        n_training=f"{training.sizes['training']:,}",
        n_test=training.sizes["test"],
        n_proved=PROVED,
        n_drawn=DRAWN,
        accuracy=f"{100 * training.test_accuracy:.1f}",
        max_error=_scientific(demo.proof.max_error),
        before=f"{demo.worked.value('o'):.4f}",
        after=f"{demo.worked.value('o after step'):.4f}",
        reproduced="reproduced" if demo.worked.passed else "<strong>not reproduced</strong>",
        seconds=f"{history.seconds:.1f}",
        epochs=_count(len(history.loss), "epoch"),
        best=history.best_epoch,
        reason=_reason(demo),
        loss_chart=_loss_chart(demo),
        gradient_chart=_gradient_chart(demo),
        proof_table=_table(head, rows, "proof"),
        summary=escape(demo.proof.summary()),
        tolerance=f"{demo.proof.tolerance:.0e}",
        worked_table=_worked_table(demo),
        worked_graph=_inline(ag.draw(demo.worked.loss, theme="auto", rankdir="TB"), "worked"),
        layers_graph=_inline(ag.draw(demo.loss, theme="auto", collapse=True), "layers"),
        whole_graph=_inline(_whole_graph(demo), "whole"),
        links=LINKS if links else "",
        misread=len(misread),
        misread_digits=_gallery(demo, misread[:SHOWN]),
        more=f" ({len(misread) - SHOWN} more not shown.)" if len(misread) > SHOWN else "",
        right_digits=_gallery(demo, _first_right(demo)),
        run=_definitions(_run(numbers)),
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
    return f"training ended after {_count(demo.epochs, 'epoch')}, as many as it was given"


def _loss_chart(demo: Demo) -> str:
    history = demo.training.history
    best = history.best_epoch or 1
    return charts.curves(
        {"training": history.loss, "validation": history.validation_loss},
        title="Error per epoch",
        description=f"Training: from {history.loss[0]:.3g} to {history.loss[-1]:.3g}. "
        f"Validation: lowest at epoch {best}, {history.validation_loss[best - 1]:.3g}.",
        y_label="error E (cross-entropy)",
        mark=(best, f"best epoch: {best}"),
    )


def _gradient_chart(demo: Demo) -> str:
    norms = [values for name, values in demo.training.history.gradient_norms.items() if name.endswith("weight")]
    layers = {f"layer {i}": values for i, values in enumerate(norms, 1)}
    return charts.curves(
        layers,
        title="Gradient norm per layer and epoch",
        description=" ".join(f"{name}: from {v[0]:.3g} to {v[-1]:.3g}." for name, v in layers.items()),
        y_label="length of ∂E/∂W",
    )


def _worked_table(demo: Demo) -> str:
    rows = [(line.symbol, *(f"{v:.8f}" for v in line[1:]), "✓" if line.agrees else "✗") for line in demo.worked.lines]
    return _table(("", "by hand", "engine", "published", ""), rows, "worked")


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
        text = f"<b>{read}</b> {_percent(sure)}" + (f"<br>is {label}" if read != label else "")
        items.append(f"<li>{charts.image(training.images[i].reshape(8, 8), title)}<span>{text}</span></li>")
    return f'<ul class="digits">{"".join(items)}</ul>' if items else ""


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


# --- pieces of HTML -------------------------------------------------------------------------------------------------


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], kind: str) -> str:
    """Return a table whose last column is a mark; `data-label` names a cell where the style shows no heading."""
    numeric = [bool(NUMBER.fullmatch(cell)) for cell in rows[0]]
    heading = "".join(f'<th scope="col"{_right(n)}>{escape(name)}</th>' for name, n in zip(head, numeric, strict=True))
    lines = []
    for *cells, mark in rows:
        texts = [
            f'<td data-label="{escape(name)}"{_right(n)}>{escape(cell.strip().replace("-", MINUS) if n else cell)}</td>'
            for name, cell, n in zip(head, cells, numeric, strict=False)
        ]
        good, title = ("good", "agrees") if mark == "✓" else ("bad", "differs")
        texts.append(f'<td class="{good}" title="{title}">{mark}</td>')
        lines.append(f"<tr>{''.join(texts)}</tr>")
    return f'<table class="{kind}"><thead><tr>{heading}</tr></thead><tbody>{"".join(lines)}</tbody></table>'


def _right(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def _definitions(items: dict[str, str]) -> str:
    return "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(text)}</dd></div>" for name, text in items.items())


def _inline(graph: Any, prefix: str) -> str:
    """Return a graph's SVG for use within a page, where ids must differ; as text if nothing here renders it."""
    try:
        return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", graph.svg())
    except ag.errors.AutogradError:
        return f"<pre>{escape(graph.text())}</pre>"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'' if n == 1 else 's'}"


def _percent(p: float) -> str:
    return "> 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def _scientific(value: float) -> str:
    """Return 1.3e-15 as 1.3 × 10⁻¹⁵."""
    mantissa, _, exponent = f"{value:.1e}".partition("e")  # nan has none
    return f"{mantissa} × 10<sup>{int(exponent)}</sup>".replace("-", MINUS) if exponent else mantissa


# --- the page: what stays -------------------------------------------------------------------------------------------

# The policy forbids the page to load anything: it stays as it is where there is no network.
PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>autograd_mini: gradients, $verdict</title>
<style>$style</style>
</head>
<body>
<main>

<header>
<p class="over">autograd_mini · report of the demo</p>
<h1>Gradients, $verdict</h1>
<p class="lede">A perceptron learned to read from $n_training handwritten digits, by gradients that the engine derived
with the chain rule. Here is how it learned, and the evidence that its gradients are right: each was computed again by
the textbooks’ delta rule, written out by hand, and once more by finite differences.</p>
<dl class="facts">
<div><dt>$accuracy %</dt><dd>of $n_test digits it had never seen were read correctly</dd></div>
<div><dt>$max_error</dt><dd>largest relative difference between the delta rule and the engine</dd></div>
<div><dt>$before → $after</dt><dd>a published example’s output before and after one step, $reproduced</dd></div>
<div><dt>$seconds s</dt><dd>to train for $epochs</dd></div>
</dl>
</header>

<section>
<h2>How it learned</h2>
<div class="pair">
<figure>
$loss_chart
<figcaption>The error on the digits it trains on keeps falling; the error on digits held out for validation tells when
learning turns into learning by heart. The latter was lowest in epoch $best; $reason, and the weights of epoch $best
were restored.</figcaption>
</figure>
<figure>
$gradient_chart
<figcaption>How strongly each layer’s weights are pulled, averaged over the batches of an epoch. As the error nears 0,
so do all gradients; a layer far below the others would hardly learn: that is a vanishing gradient.</figcaption>
</figure>
</div>
</section>

<section>
<h2>The proof</h2>
<p>Every gradient of the trained network, on the $n_proved test digits with the largest loss, three ways. The
<em>delta rule</em> is the textbook’s equation, written in NumPy by hand; <em>autodiff</em> is the engine, which knows
no delta rule, only the derivative of each NumPy function; a <em>finite difference</em> knows no derivative at all: it
moves one number a little and looks at the error.</p>
$proof_table
<p class="verdict">$summary</p>
<p class="note">δᵢ is ∂E/∂zᵢ, the effect of a unit’s weighted sum zᵢ on the error E; aⱼ are the activations that come
in, wⱼᵢ leads to unit j of the next layer from unit i, and raised numbers count the layers. Σⱼ adds up the units, Σₛ the
samples of the batch. Each row of the table is a whole array, shown at its largest entry. Its largest difference, delta
rule against autodiff, is over all entries and relative to that one: up to $tolerance it is rounding.</p>
</section>

<section>
<h2>A published example, replayed</h2>
<p>The network of sigmoids in Roi Yehoshua’s article on backpropagation: 2 inputs, 3 and 2 hidden units, 1 output;
some connections are absent. One sample, one step at learning rate 0.5. The delta rule runs by hand; the engine runs
an ordinary training step, with <code>nn.Linear(mask=…)</code>, <code>backward()</code> and <code>nn.SGD</code>.</p>
$worked_table
<figure class="wide">
<div tabindex="0">$worked_graph</div>
<figcaption>The same sample as the engine recorded it: in each box a value and, as ∂, the gradient of E with respect to
it. E is −log o, since the target is 1; constants of 0 and 1 say which connections exist. Each δ of the table is the
gradient in the box before a sigmoid: they shrink from layer to layer on the way back to the input.</figcaption>
</figure>
</section>

<section>
<h2>The graph of the loss</h2>
<p>What the engine recorded when the trained network read $n_drawn of the hardest test digits, one box for each layer:
its outputs, and beside them, as ∂, the gradient of the loss with respect to them. Lines are coloured by the
gradient’s size.</p>
<figure class="wide">
<div tabindex="0">$layers_graph</div>
<figcaption>Follow the arrows to compute the loss; follow them backward to see where the gradient flows. In layer 3’s
gradient each row is one digit: orange where the network gave a class too much, blue where it gave too little. That is
o − y.</figcaption>
</figure>
<details>
<summary>Every step of it$links</summary>
<figure class="whole">
<div tabindex="0">$whole_graph</div>
<figcaption>Inside each layer: the weights are transposed, multiplied and the biases added, then the activation is
taken. Under each layer’s name stands its delta rule; the engine never saw it.</figcaption>
</figure>
</details>
</section>

<section>
<h2>Where it is wrong</h2>
<p>Of $n_test test digits it misread $misread. Under each picture: what the network read, how sure it was, and what
was meant.$more</p>
$misread_digits
<figure>
$right_digits
<figcaption>For comparison, the first test digit of each kind that it read correctly.</figcaption>
</figure>
</section>

<section>
<h2>What was run</h2>
<dl class="run">$run</dl>
<p class="note">All numbers of this page, and more of them, are in <a href="results.json">results.json</a>. The
digits: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
CC BY 4.0.</p>
</section>

</main>
</body>
</html>
""")

# Paper, ink, blue and orange are those of the graphs (autograd_mini/viz/theme.py), which stand on this page.
STYLE = """
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #1b2430; --soft: #5a6472; --line: #dde1e6;
  --s1: #0b57a4; --s2: #a33e08; --s3: #00695c; --good: #1a7f37; --bad: #c62828 }
@media (prefers-color-scheme: dark) { :root { --paper: #10151c; --ink: #e8edf3; --soft: #9ca9b8; --line: #2f3a46;
  --s1: #7cb8ff; --s2: #ffa566; --s3: #5ed6b8; --good: #6fd08a; --bad: #ff8a80 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 Charter, "Bitstream Charter", "Iowan Old Style", Georgia, "DejaVu Serif", serif }
main { max-width: 72rem; margin: 0 auto; padding: clamp(2rem, 7vw, 6rem) clamp(1.25rem, 5vw, 4rem) }
h1, h2 { font-weight: 600; letter-spacing: -0.015em; line-height: 1.15 }
h1 { font-size: clamp(2.2rem, 6vw, 3.4rem); margin: 0 0 1.5rem }
h2 { font-size: 1.5rem; margin: 0 0 1.25rem }
section { margin-top: 4.5rem; padding-top: 1.75rem; border-top: 1px solid var(--line) }
p { max-width: 42rem; margin: 0 0 1rem }
a { color: var(--s1); text-underline-offset: 0.15em }
.over, .facts, .run, .digits, table, figcaption, .note, .chart text { font-variant-numeric: tabular-nums lining-nums;
  font-family: system-ui, "Segoe UI", Roboto, Helvetica, Arial, "DejaVu Sans", sans-serif }
.over { color: var(--soft); font-size: 0.875rem; margin-bottom: 0.75rem }
.lede { font-size: 1.2rem; line-height: 1.55 }
.facts { margin: 3rem 0 0; display: grid; gap: 1.75rem 2.5rem;
  grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)) }
.facts dt { font-size: 1.6rem; line-height: 1.2; letter-spacing: -0.01em; white-space: nowrap }
.facts dd { margin: 0.5rem 0 0; color: var(--soft); font-size: 0.9375rem; line-height: 1.45 }
sup { font-size: 0.65em; line-height: 0 }
figure { margin: 2rem 0 0 }
figcaption, .note { max-width: 42rem; margin-top: 0.75rem; color: var(--soft); font-size: 0.9375rem; line-height: 1.5 }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(27rem, 100%), 1fr)); gap: 1rem 3.5rem }
.chart { display: block; width: 100%; max-width: 40rem; height: auto; overflow: visible }
.chart text { font-size: 15px; fill: var(--soft) }
.chart .grid { stroke: var(--line) } .chart .axis { stroke: var(--soft) }
.chart .mark { stroke: var(--soft); stroke-dasharray: 3 4 }
.chart polyline { fill: none; stroke-width: 2.25; stroke-linejoin: round }
.chart .s1 { stroke: var(--s1) } .chart .s2 { stroke: var(--s2); stroke-dasharray: 7 3 }
.chart .s3 { stroke: var(--s3); stroke-dasharray: 2 3 }
.chart .name { stroke: none; font-weight: 600 }
.chart .name.s1, circle.s1 { fill: var(--s1) } .chart .name.s2, circle.s2 { fill: var(--s2) }
.chart .name.s3, circle.s3 { fill: var(--s3) }
table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; margin: 1.5rem 0 }
.worked { width: auto }
th { font-weight: 400; color: var(--soft); text-align: left; font-size: 0.875rem }
th, td { padding: 0.45rem 1.5rem 0.45rem 0; border-bottom: 1px solid var(--line); white-space: nowrap }
td:last-child, th:last-child { padding-right: 0 }
.number { text-align: right }
.good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
.verdict { font-weight: 600; max-width: none }
.wide > div { overflow-x: auto } .whole > div { overflow: auto; max-height: 90vh; border: 1px solid var(--line) }
.wide svg, .whole svg { display: block } .whole svg { max-width: none !important }
details { margin-top: 2rem } summary { cursor: pointer }
pre { overflow-x: auto; font-size: 0.8125rem; line-height: 1.4 }
.digits { list-style: none; margin: 0; padding: 0; display: grid; gap: 1.25rem 0.75rem;
  grid-template-columns: repeat(auto-fill, minmax(5rem, 1fr)) }
.digits .image { display: block; width: 4.5rem; height: 4.5rem; fill: var(--ink); border: 1px solid var(--line) }
.digits span { display: block; margin-top: 0.4rem; font-size: 0.875rem; line-height: 1.4; color: var(--soft) }
.digits b { color: var(--ink) }
.run { margin: 0 0 1.5rem; font-size: 0.9375rem }
.run div { padding: 0.45rem 0; border-bottom: 1px solid var(--line);
  display: grid; grid-template-columns: 7rem 1fr; gap: 1rem }
.run dt { color: var(--soft) } .run dd { margin: 0; overflow-wrap: anywhere }
@media (max-width: 70rem) {
  .proof { font-size: 0.8125rem } .proof th, .proof td { padding-right: 0.75rem }
  .proof :is(th, td):is(:nth-child(1), :nth-child(3)) { display: none }
}
@media (max-width: 45rem) {
  .chart text { font-size: 18.5px }
  .facts { grid-template-columns: 1fr 1fr } .facts dt { font-size: 1.3rem }
  .proof, .proof tbody, .proof tr, .proof td { display: block; border: 0 }
  .proof { font-size: 0.875rem } .proof thead { display: none }
  .proof tr { position: relative; padding: 0.75rem 0; border-bottom: 1px solid var(--line) }
  .proof td { padding: 0.1rem 0; text-align: left }
  .proof .number::before { content: attr(data-label); color: var(--soft); display: inline-block; width: 7.5rem }
  .proof td:last-child { position: absolute; top: 0.75rem; right: 0 }
  .worked { font-size: 0.8125rem } .worked th, .worked td { padding-right: 0.75rem; white-space: normal }
  .wide svg { max-width: none !important; min-width: 44rem }
  .run div { grid-template-columns: 1fr; gap: 0 }
}
@media (max-width: 26rem) {
  .facts { grid-template-columns: 1fr }
  .worked { font-size: 0.75rem } .worked th, .worked td { padding-right: 0.4rem }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #ccc; --s1: #0b57a4; --s2: #a33e08; --s3: #00695c;
    --good: #1a7f37; --bad: #c62828; color-scheme: light }
  main { padding: 0; max-width: none } section { margin-top: 2rem }
  figure, tr, .facts div { break-inside: avoid } h2 { break-after: avoid }
}
"""
