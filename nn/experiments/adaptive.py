"""Adaptive rates (R11): over how wide a range of learning rates each optimizer works, and what it adjusts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..checks import positive, whole
from ..layers import MLP
from ..losses import cross_entropy
from ..optim import SGD, Adam, Optimizer, RMSprop
from .arguments import positive_of, seeds_of
from .panels import MARKS, band, ink, legend, panel
from .result import Experiment, Spread, between
from .trials import Trial, digits

__all__ = ["adaptive_rates"]

OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "gradient descent": lambda parameters: SGD(parameters, lr=1.0),
    "momentum 0.9": lambda parameters: SGD(parameters, lr=1.0, momentum=0.9),
    "RMSprop": lambda parameters: RMSprop(parameters, lr=1.0),
    "Adam": lambda parameters: Adam(parameters, lr=1.0),
}
RATES = tuple(10 ** (k / 2) for k in range(-7, 3))
EARLY = 10  # the step that is looked at: gradients still agree from step to step


def adaptive_rates(
    rates: Iterable[float] = RATES,
    *,
    steps: int = 50,
    seeds: int | Iterable[int] = 3,
    samples: int = 100,
    units: int = 16,
    threshold: float = 0.5,
    scale: float = 100.0,
) -> Experiment:
    r"""Measure over which learning rates gradient descent, momentum, RMSprop and Adam work (claim R11).

    Each learns the same digits from the same weights, with as many steps and all samples in each, at every rate; a rate
    works if the loss is below the threshold in the end. Then all again with the loss multiplied by a constant, which
    changes no minimum. And what is adjusted: of the tenth step at the best rate, each weight's own rate,
    :math:`|\Delta w| / (\alpha |\partial E / \partial w|)`, which is 1 in gradient descent.

    Sources: Rumelhart, Hinton and Williams, 1986, eq. 9 (momentum); Tieleman and Hinton, 2012, lecture 6.5 (RMSprop);
    Kingma and Ba, 2015, section 2.1 (Adam's step does not depend on the scale of the gradients).

    Parameters
    ----------
    rates : iterable of float
        The learning rates, evenly spaced on a logarithmic scale, for the width to mean anything; each stands for an
        interval as wide as the distance of two. Taken in ascending order.
    steps : int
        The budget.
    seeds : int or iterable of int
        How many, or which: each draws the samples and the first weights.
    samples, units : int
        Digits to learn, and hidden units (tanh) to learn them with.
    threshold : float
        A rate works if the loss ends below this. Ten classes begin near :math:`\ln 10`, 2.3.
    scale : float
        What the loss is multiplied by the second time.

    Returns
    -------
    Experiment
        Its data: ``loss`` (seeds, scales, optimizers, rates) at the end, divided by the scale, infinite if it is no
        number; ``works``, whether that is below the threshold; ``decades`` (seeds, scales, optimizers), how wide the
        range of those rates is, of the ``tried`` ones, and ``best_rate``; ``own_rate`` and ``move`` (seeds, optimizers,
        3): the 10th, 50th and 90th percentile over the weights of the own rates, and of :math:`|\Delta w| / \alpha`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind or in the range that is said above.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.adaptive_rates((0.01, 0.1, 1.0), seeds=1, steps=40, samples=64)
    >>> [row[0] for row in found.rows]
    ['gradient descent', 'momentum 0.9', 'RMSprop', 'Adam']
    """
    where = "adaptive_rates"
    chosen = positive_of(where, "rates", rates, "(0.01, 0.1, 1.0)")
    steps, samples = whole(where, "steps", steps, 2), whole(where, "samples", samples, 10)
    units, taken = whole(where, "units", units, 1), seeds_of(where, seeds)
    threshold = positive(where, "threshold", threshold)
    scale = positive(where, "scale", scale)
    losses = np.empty((len(taken), 2, len(OPTIMIZERS), len(chosen)))
    own, moves = np.full((2, len(taken), len(OPTIMIZERS), 3), np.nan)
    scales = (1.0, scale)
    trials = [[_trial(make, factor, units) for make in OPTIMIZERS.values()] for factor in scales]
    for s, seed in enumerate(taken):
        ((x, y),) = digits(where, seed, samples)
        model = MLP([64, units, 10], "tanh", rng=seed)
        for c, o in np.ndindex(losses.shape[1:3]):
            trial = trials[c][o]
            trial.restart(1.0, model.state_dict())
            for k, rate in enumerate(chosen):
                trial.restart(rate)
                losses[s, c, o, k] = trial.descend(x, y, steps)[-1] / scales[c]
            if not c:
                best = chosen[int(losses[s, c, o].argmin())]
                own[s, o], moves[s, o] = _one_step(trial, x, y, best, min(EARLY, steps))
    data: dict[str, Any] = {
        "rates": np.array(chosen),
        "loss": losses,
        "works": losses < threshold,
        "own_rate": own,
        "move": moves,
        "threshold": threshold,
        "scale": scale,
    }
    decades = np.log10(chosen[-1] / chosen[0]) / max(len(chosen) - 1, 1)
    width = data["works"].sum(axis=-1) * decades
    best_rate = np.array(chosen)[losses.argmin(axis=-1)]
    data |= {"decades": width, "best_rate": best_rate, "tried": decades * len(chosen)}
    rows = [
        (
            name,
            Spread(best_rate[:, 0, o], "median"),
            Spread(losses[:, 0, o].min(axis=-1), "median"),
            Spread(width[:, 0, o], "median"),
            Spread(best_rate[:, 1, o] / best_rate[:, 0, o], "median"),
            _range(own[:, o]),
            _range(moves[:, o]),
        )
        for o, name in enumerate(OPTIMIZERS)
    ]
    return Experiment(
        title="Over how wide a range of learning rates does each optimizer work, and what does it adjust?",
        claims=("R11",),
        finding=_finding(data),
        columns=(
            "optimizer",
            "best α",
            "its loss",
            "decades that work",
            f"best α, loss × {scale:g}",
            "|Δw| / (α |g|)",
            "|Δw| / α",
        ),
        rows=tuple(rows),
        data=data,
        notes=(
            f"A rate works if the loss is below {threshold:g} after {steps} steps. The fifth column is by how much the "
            f"best rate is multiplied when the loss is multiplied by {scale:g}. The last two are ranges, from the 10th "
            "to the 90th percentile of the weights in the tenth step at the best rate, medians over the seeds.",
            "None of them changes α, though R11 calls momentum and Adam adaptive rates. Momentum adds up past "
            "gradients: 1 / (1 - μ) = 10 times the gradient along a direction that stays the same, less along one that "
            "alternates (and more where the gradient has become small since). Its α is one for all weights.",
            "RMSprop and Adam divide each weight's gradient by the root of its own mean square: a rate of its own for "
            "each weight, so that the length of a step follows α, not the gradient. That is why the loss's scale does "
            "not matter to them. Their α still has to be chosen.",
        ),
        draw=lambda figure: _draw(figure, data),
    )


def _trial(make: Callable[[Any], Optimizer], factor: float, units: int) -> Trial:
    model = MLP([64, units, 10], "tanh", rng=0)
    return Trial(model, lambda o, y: factor * cross_entropy(o, y), make(model.parameters()))


def _one_step(trial: Trial, x: Any, y: Any, rate: float, step: int) -> tuple[Any, Any]:
    """Return percentiles over the weights of |Δw| / (α |g|), and of |Δw| / α, in this step."""
    trial.restart(rate)
    trial.descend(x, y, step - 1)
    parameters = trial.model.parameters()
    before = np.concatenate([p.data.ravel() for p in parameters])
    trial.model.zero_grad()
    trial.loss(trial.model(x), y).backward()
    g = np.abs(np.concatenate([np.asarray(p.grad).ravel() for p in parameters]))
    trial.step(x, y)
    move = np.abs(np.concatenate([p.data.ravel() for p in parameters]) - before) / rate
    moved = g > 1e-12  # pixels that are always blank have no gradient
    return np.percentile(move[moved] / g[moved], (10, 50, 90)), np.percentile(move[moved], (10, 50, 90))


def _range(percentiles: Any) -> str:
    low, _, high = np.median(percentiles, axis=0)
    return between(low, high, ".2g")


def _finding(data: Mapping[str, Any]) -> str:
    names, width, best = list(OPTIMIZERS), data["decades"], data["best_rate"]
    widths = ", ".join(f"{name} {np.median(width[:, 0, o]):.2g}" for o, name in enumerate(names))
    shifts = ", ".join(f"{name} {np.median(best[:, 1, o] / best[:, 0, o]):.2g}" for o, name in enumerate(names))
    return (
        f"Decades of rates that work, of {data['tried']:.2g} tried: {widths}. With the loss multiplied by "
        f"{data['scale']:g} the best rate is multiplied by: {shifts}.{_outside(data)}"
    )


def _outside(data: Mapping[str, Any]) -> str:
    """Return for which optimizers the best rate may lie beyond those that were tried."""
    ends = np.any(np.isin(data["best_rate"], data["rates"][[0, -1]]), axis=(0, 1)).tolist()
    names = ", ".join(name for name, end in zip(OPTIMIZERS, ends, strict=True) if end)
    return f" A best rate is the least or greatest that was tried, and may lie beyond, for: {names}." if names else ""


def _draw(figure: Any, data: Mapping[str, Any]) -> None:
    figure.set_size_inches(10.5, 3.9)
    left, right = axes = figure.subplots(1, 2, sharey=True)
    titles = "loss in the end", f"the same, loss multiplied by {data['scale']:g}"
    shown = data["loss"][np.isfinite(data["loss"])]
    for c, (panel_axes, title) in enumerate(zip(axes, titles, strict=True)):
        panel(panel_axes, title, "learning rate α", "cross-entropy" if not c else "", log="xy")
        for o, name in enumerate(OPTIMIZERS):
            band(panel_axes, data["rates"], data["loss"][:, c, o], name, f"C{o}", marker=MARKS[o])
        panel_axes.axhline(
            data["threshold"],
            color=ink(panel_axes),
            linewidth=0.8,
            linestyle=":",
            label="works below",
        )
    if shown.size:
        left.set_ylim(shown.min() / 2, min(shown.max() * 2, 1e2))
    legend(right, beside=True)
