"""The report of a training on a table: the page, and the numbers as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from .. import charts
from ..confusion import confusion_matrix
from ..functional import softmax
from ..tabular import Trained
from ..tabular.log import plain
from .folder import put, versions
from .parts import layers, learned, proof, proved
from .pieces import (
    MINUS,
    count,
    definitions,
    figure,
    gallery,
    pair,
    percent,
    scientific,
    section,
    table,
    whole_page,
)

__all__ = ["NAMES", "number", "page", "results", "write"]

NAMES = {
    "accuracy": "accuracy",
    "cross_entropy": "cross-entropy",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "r2": "R²",
}
CLASSES = 30  # a confusion matrix of more would be no picture
PAIRS = 20  # so many of its largest mistakes are listed then
POINTS = 1500  # in a chart
COLUMNS = 40  # of a row that is shown
INPUTS = 200  # columns that are listed
DATA = {"test": "test", "validation": "validation", "training": "training"}


def write(trained: Trained, folder: Path, command: str) -> list[Path]:
    """Write ``index.html`` and ``results.json``, each there in full or as it was; return their paths.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    numbers = results(trained, command)
    files = {
        "index.html": page(trained, numbers).encode("utf-8", "replace"),
        "results.json": json.dumps(numbers, indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n",
    }
    for name, content in files.items():
        put(folder / name, content)
    return [folder / name for name in files]


def results(trained: Trained, command: str) -> dict[str, Any]:
    """Return a training's numbers as what JSON can hold."""
    history, encoding = trained.history, trained.data.encoding
    found: dict[str, Any] = {
        "run": {
            "command": command,
            "file": trained.data.table.path,
            "seconds": round(trained.seconds, 3),
            **versions(),
        },
        "data": {
            "target": encoding.target.name,
            "task": encoding.task,
            "classes": list(encoding.target.classes),
            "rows": trained.sizes,
            "inputs": [{"name": i.name, "kind": i.kind, "width": i.width} for i in encoding.inputs],
            "notes": list(encoding.notes),
        },
        "training": {
            **asdict(trained.settings),
            "sizes": _sizes(trained),
            "epochs_at_most": trained.settings.epochs,
            "epochs": len(history.loss),
            "best_epoch": history.best_epoch,
            "stopped_by": history.stopped_by,
            "seconds": round(history.seconds, 3),
            "loss": history.loss,
            "validation_loss": history.validation_loss,
            "metrics": history.metrics,
            "gradient_norms": history.gradient_norms,
        },
        "scores": {**trained.scores, "baseline": trained.baseline, "of": trained.held},
        "worst": [
            {"row": int(n), "loss": float(loss), "is": is_, "predicted": said}
            for n, loss, is_, said in _worst(trained, len(trained.worst.numbers))
        ],
        "proof": {"rows_of_data": len(_proved(trained)), **proved(trained.proof)},
    }
    if trained.model.classifies and len(encoding.target.classes) <= CLASSES:
        found["confusion_matrix"] = np.asarray(_matrix(trained)).tolist()
    return dict(plain(found))


def number(name: str, value: float, signs: str = MINUS) -> str:
    """Return a score as one reads it."""
    if name == "accuracy":
        return f"{100 * value:.1f} %"
    text = f"{value:.3f}" if name in ("r2", "cross_entropy") else f"{value:.4g}"
    return text.replace("-", signs)


# --- the page -------------------------------------------------------------------------------------------------------


def page(trained: Trained, numbers: dict[str, Any]) -> str:
    """Return the report as one HTML page, without script, that loads nothing."""
    encoding, history = trained.data.encoding, trained.history
    target, name = escape(encoding.target.name), escape(Path(trained.data.table.path).name)
    verdict = "proved" if not trained.failures else "<strong>not proved</strong>"
    block = any(column.kind == "block" for column in encoding.inputs)
    columns = count(encoding.width, "number") if block else count(len(encoding.inputs), "column")
    sections = [
        _how_well(trained),
        _learned(trained),
        _examples(trained),
        proof(
            trained.proof,
            f"Every gradient of the trained network, on the {len(_proved(trained))} {trained.held} rows with the "
            "largest loss, three ways.",
            "The proof of its gradients",
        ),
        _columns(trained),
        section(
            "What was run",
            f'<dl class="run">{definitions(_run(trained, numbers))}</dl>',
            '<p class="note">All numbers of this page, and more of them, are in '
            '<a href="results.json">results.json</a>. '
            "The model, with the encoding of its columns, is in model.npz beside it: <code>autograd-mini predict "
            "model.npz new.csv</code>.</p>",
        ),
    ]
    learned_from = f"{target} from {columns} in each of {count(trained.sizes['training'], 'row')}"
    return whole_page(
        title=f"autograd_mini: {encoding.target.name}",
        over=f"autograd_mini · report of a training on {name}",
        heading=f"Predicting {target}",
        lede=f"A perceptron learned {learned_from}, by gradients "
        "that the engine derived with the chain rule. Here is how well it does on rows that it had not seen, how it "
        f"learned, where it is most wrong, and the evidence that its gradients are right: {verdict}."
        if trained.held != "training"
        else f"A perceptron learned {learned_from}. No rows were "
        "held out: all that this page says of its answers is about rows that it learned from, on which it does better "
        "than on new ones.",
        facts=[
            *_facts(trained),
            (scientific(trained.proof.max_error), "largest relative difference between the delta rule and the engine"),
            (f"{history.seconds:.1f} s", f"to train for {count(len(history.loss), 'epoch')}"),
        ],
        sections=sections,
    )


def _facts(trained: Trained) -> list[tuple[str, str]]:
    scores, baseline, rows = trained.scores[trained.held], trained.baseline, len(trained.targets)
    target = escape(trained.data.encoding.target.name)
    if trained.model.classifies:
        return [
            (
                number("accuracy", scores["accuracy"]),
                f"of {count(rows, f'{trained.held} row')} classified correctly; always the most frequent class: "
                f"{number('accuracy', baseline['accuracy'])}",
            )
        ]
    return [
        (
            number("r2", scores["r2"]),
            f"R² on {count(rows, f'{trained.held} row')}: the part of their variance that it explains",
        ),
        (
            f"± {number('rmse', scores['rmse'])}",
            f"root mean squared error in the unit of {target}; always the mean: {number('rmse', baseline['rmse'])}",
        ),
    ]


def _how_well(trained: Trained) -> str:
    scores = trained.scores
    names = list(next(iter(scores.values())))
    rows = [
        (f"{part}, {count(trained.sizes[part], 'row')}", *(number(n, scores[part][n], "-") for n in names))
        for part in scores
    ]
    always = "the most frequent class" if trained.model.classifies else "the mean"
    rows.append((f"{trained.held}, always {always}", *(number(n, trained.baseline[n], "-") for n in names)))
    return section(
        "How well it does",
        f'<div class="scroll" tabindex="0">{table(("", *(NAMES[n] for n in names)), rows, "scores")}</div>',
        _confusion(trained) if trained.model.classifies else _residuals(trained),
    )


def _matrix(trained: Trained) -> Any:
    said = np.argmax(trained.outputs, axis=1)
    return confusion_matrix(said, trained.targets.astype(int), trained.data.encoding.target.classes)


def _confusion(trained: Trained) -> str:
    classes = trained.data.encoding.target.classes
    matrix = _matrix(trained)
    if len(classes) <= CLASSES:
        return figure(
            f'<div class="scroll" tabindex="0">{matrix._repr_html_()}</div>',
            f"Of the {trained.held} rows of each class, how many were taken for which: a row for each class that is "
            "right, a column for each answer. On the diagonal the answer is right.",
        )
    counts = np.array(matrix)
    np.fill_diagonal(counts, 0)
    largest = np.argsort(-counts, axis=None, kind="stable")[:PAIRS]
    pairs = [divmod(int(i), len(classes)) for i in largest if counts.flat[i]]
    rows = [(classes[i], classes[j], f"{counts[i, j]:,}") for i, j in pairs]
    return f"<p>There are {len(classes):,} classes. Those most often taken for another:</p>" + (
        table(("is", "taken for", "rows"), rows, "scores") if rows else "<p>None.</p>"
    )


def _residuals(trained: Trained) -> str:
    decode, name = trained.data.encoding.target, trained.data.encoding.target.name
    said, right = np.ravel(decode.decode(trained.outputs)), np.ravel(decode.decode(trained.targets))
    off = said - right
    some = np.random.default_rng(0).permutation(len(said))[:POINTS]
    shown = f" {POINTS:,} of the {len(said):,} rows are shown." if len(said) > POINTS else ""
    return pair(
        figure(
            charts.points(
                right[some],
                said[some],
                title=f"{name}: predicted against true",
                description=f"{len(some)} points; root mean squared distance from the line "
                f"{trained.scores[trained.held]['rmse']:.4g}.",
                x_label=f"true {name}"[:60],
                y_label="predicted",
            ),
            f"Each point is one of the {trained.held} rows; on the line the prediction is exact.{shown}",
        ),
        figure(
            charts.bars(
                off,
                title="Residuals",
                description=f"From {np.min(off):.4g} to {np.max(off):.4g}, mean {np.mean(off):.4g}.",
                x_label="predicted − true",
                y_label="rows",
            ),
            f"How far off it is: mean {_signed(np.mean(off))}, half of the rows between "
            f"{_signed(np.quantile(off, 0.25))} and {_signed(np.quantile(off, 0.75))}.",
        ),
    )


def _learned(trained: Trained) -> str:
    history, settings = trained.history, trained.settings
    y_label = f"error E ({'cross-entropy' if trained.model.classifies else 'half the squared error'})"
    if history.stopped_by == "validation":
        reason = f"it had not fallen for {settings.patience} epochs, so training stopped"
    else:
        reason = f"training ended after {count(len(history.loss), 'epoch')}, as many as it was given"
    return learned(history, noun="rows", reason=reason, y_label=y_label, more=_flow(trained))


def _flow(trained: Trained) -> str:
    """Return the table of gradient norms: where along the layers a gradient vanishes."""
    best = trained.history.best_epoch or len(trained.history.loss)
    sizes = _sizes(trained)
    last = len(trained.history.loss)
    epochs = {1: "epoch 1", best: f"best, epoch {best}", last: f"last, epoch {last}"}
    rows = [
        (name, f"{n} to {m}", *(f"{values[epoch - 1]:.2e}" for epoch in epochs))
        for (name, values), n, m in zip(layers(trained.history).items(), sizes[:-1], sizes[1:], strict=True)
    ]
    head = ("gradient flow", "units", *epochs.values())
    return f'<div class="scroll" tabindex="0">{table(head, rows, "flow")}</div>'


def _worst(trained: Trained, most: int) -> list[tuple[int, float, Any, Any]]:
    """Return row number, loss, what is right and what was said, of the rows with the largest loss."""
    target, classes = trained.data.encoding.target, trained.data.encoding.target.classes
    found: list[tuple[int, float, Any, Any]] = []
    order = np.argsort(-trained.losses, kind="stable")[:most]
    said = target.decode(trained.outputs[order])
    right = trained.targets[order]
    right = [classes[int(i)] for i in right] if classes else np.ravel(target.decode(right))
    for place, is_, value in zip(order, right, said, strict=True):
        both = (is_, value) if classes else (float(is_), float(value))
        found.append((int(trained.numbers[place]), float(trained.losses[place]), *both))
    return found


def _examples(trained: Trained) -> str:
    most = min(len(trained.worst.numbers), 24)
    worst, encoding = _worst(trained, most), trained.data.encoding
    images = [i for i in encoding.inputs if len(i.shape) == 2]
    what = f"The {trained.held} rows with the largest loss, the worst first."
    if trained.model.classifies:
        wrong = int(np.sum(np.argmax(trained.outputs, axis=1) != trained.targets))
        what = f"Of {count(len(trained.targets), f'{trained.held} row')} it classified {wrong:,} wrongly. {what}"
    if len(images) == 1:
        what += " Under each picture: what it was taken for, how sure the network was, and what it is."
        return section("Where it is most wrong", f"<p>{what}</p>", _pictures(trained, images[0], worst))
    return section("Where it is most wrong", f"<p>{what}</p>", _listed(trained, worst))


def _pictures(trained: Trained, block: Any, worst: Sequence[tuple[int, float, Any, Any]]) -> str:
    pixels = np.array([np.asarray(row, float) for row in trained.worst.cells[block.name][: len(worst)]])
    low, high = float(pixels.min()), float(pixels.max())
    shades = np.round((pixels - low) / ((high - low) or 1.0) * 16) / 16  # so that equal ones are one path
    items = []
    for image, (row, _, is_, said), output in zip(shades, worst, _chances(trained), strict=False):
        title = f"Row {row}: {is_}, taken for {said}"
        text = f"<b>{escape(_short(said))}</b>"
        if output is not None:
            text += f" {percent(output)}"
        items.append((charts.image(image.reshape(block.shape), title), f"{text}<br>is {escape(_short(is_))}"))
    return gallery(items)


def _chances(trained: Trained) -> list[float | None]:
    """Return how sure the model was of its answer, for the worst rows."""
    order = np.argsort(-trained.losses, kind="stable")[: len(trained.worst.numbers)]
    if not trained.model.classifies:
        return [None] * len(order)
    return softmax(np.asarray(trained.outputs[order], float)).max(axis=1).tolist()  # type: ignore[no-any-return]


def _listed(trained: Trained, worst: Sequence[tuple[int, float, Any, Any]]) -> str:
    encoding, cells = trained.data.encoding, trained.worst.cells
    names = [i.name for i in encoding.inputs if i.kind != "block" and i.name in cells]
    more = f"<p class='note'>The first {COLUMNS} of {len(names)} columns.</p>" if len(names) > COLUMNS else ""
    rows = []
    for i, ((row, loss, is_, said), chance) in enumerate(zip(worst[:12], _chances(trained), strict=False)):
        first = [f"{row}", _short(is_), _short(said), *([] if chance is None else [percent(chance)]), f"{loss:.3g}"]
        rows.append([*first, *(_short(cells[name][i]) for name in names[:COLUMNS])])
    target = encoding.target.name
    sure = ["how sure"] if trained.model.classifies else []
    head = ("row", f"{target} is", "predicted", *sure, "loss", *names[:COLUMNS])
    return f'<div class="scroll" tabindex="0">{table(head, rows, "rows")}</div>{more}'


def _columns(trained: Trained) -> str:
    encoding = trained.data.encoding
    rows = []
    for column in encoding.inputs[:INPUTS]:
        if column.kind == "category":
            shown = ", ".join(_short(name) for name in column.categories[:8])
            text = f"{count(len(column.categories), 'category').replace('categorys', 'categories')}: {shown}"
            text += ", …" if len(column.categories) > 8 else ""
        elif column.kind == "block":
            text = " × ".join(map(str, column.shape or (column.width,))) + " numbers, standardized"
        elif column.kind == "boolean":
            text = "yes or no"
        else:
            mean, scale = float(np.ravel(column.mean)[0]), float(np.ravel(column.scale)[0])
            text = f"mean {_signed(mean)}, standard deviation {scale:.4g}; standardized"
        rows.append((column.name, column.kind, f"{column.width:,}", text))
    left = len(encoding.inputs) - INPUTS
    remarks = [note for note in [*encoding.notes, *trained.unseen] if note != encoding.target.rule]
    notes = "".join(f"<li>{escape(note)}</li>" for note in remarks)
    return section(
        "What it was given",
        f"<p>The columns as the network takes them, {count(encoding.width, 'input')} altogether; means and "
        "deviations are those of the training rows.</p>",
        f'<div class="scroll" tabindex="0">{table(("column", "is", "inputs", "as"), rows, "words")}</div>',
        f"<p class='note'>And {left:,} more.</p>" if left > 0 else "",
        f'<ul class="note">{notes}</ul>' if notes else "",
    )


def _run(trained: Trained, numbers: dict[str, Any]) -> dict[str, str]:
    run, settings, history, sizes = numbers["run"], trained.settings, trained.history, trained.sizes
    loss = "half the squared error of the standardized target"
    loss = "cross-entropy of softmax" if trained.model.classifies else loss
    dropout = f", dropout {settings.dropout:g}" if settings.dropout else ""
    decay = f", weight decay {settings.weight_decay:g}" if settings.weight_decay else ""
    rows = ", ".join(f"{n:,} for {DATA[part]}" for part, n in sizes.items() if n)
    best = f"epoch {history.best_epoch} of {len(history.loss)}" if history.best_epoch else f"epoch {len(history.loss)}"
    return {
        "Command": run["command"],
        "Network": f"{'–'.join(map(str, _sizes(trained)))}, {settings.activation}{dropout}, {loss}, {settings.dtype}",
        "Data": f"{run['file']}: rows: {rows}",
        "Task": trained.data.encoding.target.rule.partition("; pass")[0].rstrip(".") + ".",
        "Descent": f"{settings.optimizer}, learning rate {settings.lr:g}{decay}, batches of {settings.batch_size}, "
        f"seed {settings.seed}, patience {settings.patience or 'without end'}",
        "Result": f"weights of {best}",
        "Time": f"{run['seconds']:.1f} s, {history.seconds:.1f} s of them for training",
        "Versions": f"autograd_mini {run['autograd_mini']}, Python {run['python']}, NumPy {run['numpy']}, "
        f"BLAS {run['blas']}",
        "Machine": run["machine"],
    }


def _sizes(trained: Trained) -> list[int]:
    encoding = trained.data.encoding
    return [encoding.width, *trained.settings.layers, encoding.target.outputs]


def _proved(trained: Trained) -> Any:
    return trained.worst.numbers[:32]


def _short(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, (float, np.floating)) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _signed(value: Any) -> str:
    return f"{float(value):.4g}".replace("-", MINUS)
