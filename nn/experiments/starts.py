"""The first weights (R9): equal ones keep units equal, large ones saturate them, small ones need a flat network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import autograd_mini as ag

from .. import init
from ..checks import whole
from ..delta import Activation
from ..layers import MLP, Linear
from ..losses import cross_entropy
from ..metrics import accuracy
from ..optim import SGD
from .arguments import positive_of, seeds_of, wholes_of
from .panels import MARKS, drawable, legend, panel
from .result import Experiment, Spread
from .trials import Trial, digits

__all__ = ["initializations"]

INITIALIZERS: dict[str, init.Initializer] = {
    "zeros": init.zeros,
    "constant 0.1": init.constant(0.1),
    "uniform ±0.01": init.uniform(-0.01, 0.01),
    "Xavier": init.xavier_uniform,
    "He": init.he_normal,
    "uniform ±5": init.uniform(-5, 5),
}
FLAT = 0.01  # a sigmoid is saturated where its derivative, at most 0.25, is below this
ACTIVATIONS = ("sigmoid", "tanh", "relu")


def initializations(
    depths: Iterable[int] = (1, 3),
    *,
    seeds: int | Iterable[int] = 3,
    samples: int = 150,
    units: int = 12,
    epochs: int = 15,
    batch_size: int = 10,
    rates: Iterable[float] = (0.5, 2.0),
) -> Experiment:
    r"""Measure what the first weights do to symmetry, saturation and what is learned (claim R9).

    Networks of sigmoids on digits, of several depths, are started with weights that are zero, all equal, uniform in
    [-0.01, 0.01], Xavier's, He's, or uniform in [-5, 5]; biases are zero. Units of a layer are equal if the rows of its
    weight matrix are; how unequal, is the largest difference of two rows in a column, of the weights before and after
    training, and of their gradients before. Saturated is a unit, on a sample, where :math:`f'(z) = a (1 - a) < 0.01`.

    Why equal units stay equal: if the rows of :math:`W^l` are equal and so are the columns of :math:`W^{l+1}`, then the
    rows of :math:`\partial E / \partial W^l = \delta^l (a^{l-1})^T` are equal, since :math:`\delta^l = f'(z^l) *
    (W^{l+1})^T \delta^{l+1}` has equal entries (claims Y7, Y8).

    Parameters
    ----------
    depths : iterable of int
        Numbers of hidden layers.
    seeds : int or iterable of int
        How many, or which: each draws the samples, the first weights and the order of the mini-batches.
    samples, units, epochs, batch_size : int
        Digits to learn (as many others are held out), units of each hidden layer, and how long is learned.
    rates : iterable of float
        Learning rates of plain gradient descent; each network shows the one with its lowest training loss, so that no
        start is judged by a rate that suits another.

    Returns
    -------
    Experiment
        Its data, of shape (seeds, depths, initializers): ``weight_difference``, ``gradient_difference`` and
        ``trained_difference`` of the first layer's rows; ``saturated``, the part of the hidden units and samples;
        ``first_gradient``, the norm of the first layer's gradient before training; ``loss``, ``accuracy`` (held-out)
        and the ``rate`` that gave them. And ``zero_gradients`` (activations, depths): in how many parameter arrays, of
        a network that starts with zeros, some gradient is not zero.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind or in the range that is said above.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.initializations((1,), seeds=1, samples=50, epochs=2)
    >>> found.data["initializers"][0], float(found.data["weight_difference"][0, 0, 0])
    ('zeros', 0.0)
    """
    where = "initializations"
    layers, taken = wholes_of(where, "depths", depths, "(1, 3)"), seeds_of(where, seeds)
    samples, units = whole(where, "samples", samples, 10), whole(where, "units", units, 2)
    epochs, batch_size = whole(where, "epochs", epochs, 1), whole(where, "batch_size", batch_size, 1)
    tried = positive_of(where, "rates", rates, "(0.5, 2.0)")
    shape = len(taken), len(layers), len(INITIALIZERS)
    names = "weight_difference gradient_difference trained_difference saturated first_gradient loss accuracy rate"
    data: dict[str, Any] = {name: np.full(shape, np.nan) for name in names.split()}
    trials = [_trial(depth, units) for depth in layers]
    for s, seed in enumerate(taken):
        train, test = digits(where, seed, samples, samples)
        for d, depth in enumerate(layers):
            trial = trials[d]
            for i, start in enumerate(INITIALIZERS.values()):
                model = MLP([64, *[units] * depth, 10], "sigmoid", rng=seed, initializer=start)
                at = s, d, i
                data["weight_difference"][at] = _difference(model.parameters()[0].data)
                data["saturated"][at] = _saturated(model, train[0])
                gradient = _gradients(model, *train)[0]
                data["gradient_difference"][at] = _difference(gradient)
                data["first_gradient"][at] = np.linalg.norm(gradient)
                trial.restart(1.0, model.state_dict())
                data["loss"][at] = np.inf
                for rate in tried:
                    trial.restart(rate)
                    loss = trial.epochs(*train, epochs, batch_size, seed)
                    if loss < data["loss"][at]:
                        data["loss"][at], data["rate"][at] = loss, rate
                        data["accuracy"][at] = accuracy(trial.model(test[0]), test[1])
                        data["trained_difference"][at] = _difference(trial.model.parameters()[0].data)
    data["zero_gradients"] = np.array(
        [[_moved(a, depth, units, *digits(where, 0, samples)[0]) for depth in layers] for a in ACTIVATIONS]
    )
    data |= {"depths": np.array(layers), "initializers": tuple(INITIALIZERS)}
    rows = [
        (
            name,
            depth,
            f"{data['weight_difference'][:, d, i].max():.2g}",
            f"{data['gradient_difference'][:, d, i].max():.2g}",
            f"{data['trained_difference'][:, d, i].max():.2g}",
            Spread(100 * data["saturated"][:, d, i]),
            Spread(data["first_gradient"][:, d, i]),
            Spread(data["loss"][:, d, i]),
            Spread(100 * data["accuracy"][:, d, i]),
        )
        for d, depth in enumerate(layers)
        for i, name in enumerate(INITIALIZERS)
    ]
    return Experiment(
        title="What do the first weights do to symmetry, saturation and what is learned?",
        claims=("R9",),
        finding=_finding(data),
        columns=(
            "first weights",
            "hidden layers",
            "rows differ by",
            "their gradients",
            "rows, trained",
            "saturated, %",
            "first gradient",
            "loss",
            "accuracy, %",
        ),
        rows=tuple(rows),
        data=data,
        notes=_notes(data),
        draw=lambda figure: _draw(figure, data),
    )


def _finding(data: Mapping[str, Any]) -> str:
    names, depths = data["initializers"], data["depths"]
    equal = [i for i, name in enumerate(names) if name.startswith(("zeros", "constant"))]
    others = [i for i in range(len(names)) if i not in equal]
    small, large = names.index("uniform ±0.01"), len(names) - 1
    losses = "; ".join(
        f"with {n} hidden {'layer' if n == 1 else 'layers'} {Spread(data['loss'][:, d, small])} "
        f"(Xavier {Spread(data['loss'][:, d, names.index('Xavier')])}, ±5 {Spread(data['loss'][:, d, large])})"
        for d, n in enumerate(depths)
    )
    return (
        f"Started equal, with zeros or another constant, the units of a layer stay equal: after training their weights "
        f"differ by at most {data['trained_difference'][..., equal].max():.1g}, with random weights by at least "
        f"{data['trained_difference'][..., others].min():.1g}. Uniform ±5 saturates "
        f"{100 * data['saturated'][..., large].mean():.0f} % of the units, the others at most "
        f"{100 * data['saturated'][..., :large].max():.0f} %. Uniform ±0.01 ends at loss {losses}."
    )


def _notes(data: Mapping[str, Any]) -> tuple[str, ...]:
    counts = "; ".join(
        f"{name} {', '.join(f'{count} of {2 * depth + 2}' for count, depth in zip(row, data['depths'], strict=True))}"
        for name, row in zip(ACTIVATIONS, data["zero_gradients"], strict=True)
    )
    small = data["first_gradient"][..., data["initializers"].index("uniform ±0.01")].mean(axis=0)
    return (
        "Differences are the largest over the seeds. Loss and accuracy (on held-out digits) are at the best of the "
        "learning rates. Ten classes at random: loss 2.30, accuracy 10 %.",
        "It is equality that keeps units equal, not zero: a constant does the same. Here its first gradient is even 0 "
        "but for rounding, since the deltas of softmax with cross-entropy add up to 0 and all weights above are equal.",
        "With zeros, which of the parameter arrays have a gradient at all, by the number of hidden layers: "
        f"{counts}. tanh(0) = relu(0) = 0, so that only the last bias ever moves; sigmoid(0) = 1/2 lets the last "
        "weights move, too, and then the others, all units alike.",
        "[-0.01, 0.01] is a rule for flat networks. Each layer multiplies the deltas by its weights, so the first "
        f"gradient, {', '.join(f'{g:.1g} at depth {n}' for g, n in zip(small, data['depths'], strict=True))}, all but "
        "vanishes as layers are added; Xavier's and He's weights grow as layers get narrower.",
    )


def _draw(figure: Any, data: Mapping[str, Any]) -> None:
    figure.set_size_inches(12, 3.6)
    panels = figure.subplots(1, 4, sharey=True)
    names, depths = data["initializers"], data["depths"]
    contents = (
        ("loss in the end", "loss", 1, "cross-entropy"),
        ("saturated", "saturated", 100, "% of units and samples"),
        ("first gradient", "first_gradient", 1, "norm"),
        ("rows differ, trained", "trained_difference", 1, "largest difference"),
    )
    for axes, (title, key, factor, label) in zip(panels, contents, strict=True):
        log = key in ("first_gradient", "trained_difference")
        panel(axes, title, label, "")
        values = drawable(factor * data[key])
        if log:
            axes.set_xscale("symlog", linthresh=1e-9)  # so that 0 has a place
            axes.set_xticks([0, 1e-8, 1e-4, 1])
            axes.set_xlim(-2e-10, 10 * max(1, np.nanmax(values, initial=1)))
        for d, depth in enumerate(depths):
            y = np.arange(len(names)) + 0.22 * (d - (len(depths) - 1) / 2)
            low, middle, high = values[:, d].min(axis=0), np.median(values[:, d], axis=0), values[:, d].max(axis=0)
            label = f"{depth} hidden {'layer' if depth == 1 else 'layers'}"
            axes.errorbar(
                middle,
                y,
                xerr=(middle - low, high - middle),
                fmt=MARKS[d % 8],
                markersize=5,
                color=f"C{d}",
                label=label,
            )
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    legend(panels[-1], beside=True)


def _trial(depth: int, units: int) -> Trial:
    """Return a network that can be trained from any weights."""
    model = MLP([64, *[units] * depth, 10], "sigmoid", rng=0)
    return Trial(model, cross_entropy, SGD(model.parameters(), lr=1.0))


def _difference(rows: Any) -> float:
    """Return the largest difference between the rows of a matrix, in any column."""
    return float(np.max(rows.max(axis=0) - rows.min(axis=0)))


def _saturated(model: MLP, x: Any) -> float:
    """Return for which part of hidden units and samples the sigmoid's derivative is small."""
    parts, a = [], x
    with ag.no_grad():
        for layer in list(model.layers)[:-1]:
            a = layer(a)
            if not isinstance(layer, Linear):
                parts.append(np.asarray(a.numpy()))
    sigmoid = Activation("sigmoid")  # its slope is read off the output (claim R10)
    return float(np.mean([sigmoid.backward(a, a, np.ones_like(a))[0] < FLAT for a in parts]))


def _gradients(model: MLP, x: Any, y: Any) -> list[Any]:
    """Return the gradients of the mean loss, in the order of the parameters, and forget them."""
    cross_entropy(model(x), y).backward()
    found = [np.asarray(p.grad).copy() for p in model.parameters()]
    model.zero_grad()
    return found


def _moved(activation: str, depth: int, units: int, x: Any, y: Any) -> int:
    """Return in how many parameter arrays of a network that is all zeros some gradient is not zero."""
    model = MLP([64, *[units] * depth, 10], activation, initializer=init.zeros)
    return sum(bool(np.any(g)) for g in _gradients(model, x, y))
