"""Sections that reports have in common: how it learned, and the proof of its gradients."""

from __future__ import annotations

from html import escape
from typing import Any

from .. import charts
from ..compare import Comparison
from ..training import History
from .pieces import figure, pair, section, table

__all__ = ["layers", "learned", "proof", "proved"]

SYMBOLS = """<p class="note">δᵢ is ∂E/∂zᵢ, the effect of a unit’s weighted sum zᵢ on the error E; aⱼ are the activations
that come
in, wⱼᵢ leads to unit j of the next layer from unit i, and raised numbers count the layers. Σⱼ adds up the units, Σₛ the
samples of the batch. Each row of the table is a whole array, shown at its largest entry. Its largest difference, delta
rule against autodiff, is over all entries and relative to that one: up to {tolerance:.0e} it is rounding.</p>"""

WAYS = """The
<em>delta rule</em> is the textbook’s equation, written in NumPy by hand; <em>autodiff</em> is the engine, which knows
no delta rule, only the derivative of each NumPy function; a <em>finite difference</em> knows no derivative at all: it
moves one number a little and looks at the error."""


def learned(history: History, *, noun: str, reason: str, y_label: str, more: str = "") -> str:
    """Return the section on how the error fell, and how strongly each layer was pulled."""
    best = history.best_epoch or 1
    text = f"""The error on the {noun} it trains on keeps falling; the error on {noun} held out for validation
tells when learning turns into learning by heart. The latter was lowest in epoch {best}; {reason}, and the weights of
epoch {best} were restored."""
    if not history.validation_loss:
        text = f"""The error on the {noun} it trains on. No {noun} were held out for validation, so nothing tells when
learning turns into learning by heart; {reason}."""
    return section(
        "How it learned",
        pair(
            figure(loss_chart(history, y_label), text),
            figure(
                gradient_chart(history),
                """How strongly each layer’s weights are pulled, averaged over the batches of an epoch. As the error
nears 0,
so do all gradients; a layer far below the others would hardly learn: that is a vanishing gradient.""",
            ),
        ),
        more,
    )


def loss_chart(history: History, y_label: str) -> str:
    """Return the chart of the training and the validation loss."""
    training = f"Training: from {history.loss[0]:.3g} to {history.loss[-1]:.3g}."
    if not history.validation_loss:
        return charts.curves({"training": history.loss}, title="Error per epoch", description=training, y_label=y_label)
    best = history.best_epoch or 1
    return charts.curves(
        {"training": history.loss, "validation": history.validation_loss},
        title="Error per epoch",
        description=f"{training} Validation: lowest at epoch {best}, {history.validation_loss[best - 1]:.3g}.",
        y_label=y_label,
        mark=(best, f"best epoch: {best}"),
    )


def gradient_chart(history: History) -> str:
    """Return the chart of the gradient norms."""
    shown = layers(history)
    return charts.curves(
        shown,
        title="Gradient norm per layer and epoch",
        description=" ".join(f"{name}: from {v[0]:.3g} to {v[-1]:.3g}." for name, v in shown.items()),
        y_label="length of ∂E/∂W",
    )


def layers(history: History) -> dict[str, list[float]]:
    """Return the norms of the gradients of each layer's weights, epoch by epoch."""
    norms = [values for name, values in history.gradient_norms.items() if name.endswith("weight")]
    return {f"layer {i}": values for i, values in enumerate(norms, 1)}


def proof(comparison: Comparison, what: str, title: str = "The proof") -> str:
    """Return the section with every gradient three ways."""
    head, *rows = ((*cells[:4], *cells[5:]) for cells in comparison.cells(digits=9))  # each number with one sign
    return section(
        title,
        f"<p>{what} {WAYS}</p>",
        table(head, rows, "proof"),
        f'<p class="verdict">{escape(comparison.summary())}</p>',
        SYMBOLS.format(tolerance=comparison.tolerance),
    )


def proved(comparison: Comparison) -> dict[str, Any]:
    """Return the same as data."""
    return {
        "passed": comparison.passed,
        "tolerance": comparison.tolerance,
        "finite_tolerance": comparison.finite_tolerance,
        "max_error": comparison.max_error,
        "max_finite_error": comparison.max_finite_error,
        "notation": comparison.notation,
        "rows": [
            row._asdict() | {"equation": comparison.equation(row).text, "agrees": comparison.agrees(row)}
            for row in comparison.rows
        ],
    }
