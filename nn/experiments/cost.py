"""Cost: what a whole gradient costs, weight by weight and all at once, as the network grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import shown, whole
from ..functional import tanh
from ..layers import MLP
from ..losses import squared_error
from .arguments import seeds_of, wholes_of
from .counting import Counted, counting
from .panels import MARKS, band, legend, panel
from .result import Experiment, Spread

__all__ = ["gradient_cost"]

STEP = 1e-5  # of the finite differences: their error is about its square, that of rounding 1e-16 divided by it
Weights = list[tuple[Any, Any]]


def _layer(a: Any, W: Any, b: Any) -> Any:
    return tanh(a @ W.T + b)


def _loss(weights: Weights, x: Any, y: Any) -> Any:
    for W, b in weights:
        x = _layer(x, W, b)
    return squared_error(x, y)


def _entries(weights: Weights) -> Iterator[tuple[int, int, tuple[int, ...]]]:
    """Yield layer, part (0 for W, 1 for b) and index of each weight."""
    for k, parts in enumerate(weights):
        for part, array in enumerate(parts):
            for index in np.ndindex(array.shape):
                yield k, part, index


def _shifted(weights: Weights, entry: tuple[int, int, tuple[int, ...]], by: float, zero: bool = False) -> Weights:
    """Return a copy of all weights, one of them changed; with `zero`, all others 0."""
    k, part, index = entry
    copies = [[(np.zeros_like(array) if zero else array) for array in parts] for parts in weights]
    changed = copies[k][part].copy()
    inside = changed.array if isinstance(changed, Counted) else changed
    inside[index] += by
    copies[k][part] = changed
    return [(W, b) for W, b in copies]


def _differences(weights: Weights, x: Any, y: Any) -> list[Any]:
    """Two forward passes for each weight: (E(w + h) - E(w - h)) / 2h."""
    return [
        (_loss(_shifted(weights, at, STEP), x, y) - _loss(_shifted(weights, at, -STEP), x, y)) / (2 * STEP)
        for at in _entries(weights)
    ]


def _forward(weights: Weights, x: Any, y: Any) -> list[Any]:
    """Forward mode: one direction for each weight."""
    return [
        ag.jvp(lambda w: _loss(w, x, y), (weights,), (_shifted(weights, at, 1.0, zero=True),))[1]
        for at in _entries(weights)
    ]


def _separate(weights: Weights, x: Any, y: Any) -> list[Any]:
    """The chain rule for each weight by itself: dE/dw = dE/dz dz/dw, with dE/dz found anew from the loss on.

    The forward pass up to the weight's layer is not repeated.
    """
    inputs = [x]
    for W, b in weights:
        inputs.append(_layer(inputs[-1], W, b))
    found = []
    for k, part, index in _entries(weights):
        a, (W, b) = inputs[k], weights[k]
        z, above = a @ W.T + b, weights[k + 1 :]
        unit = np.zeros_like(z)
        inside = unit.array if isinstance(unit, Counted) else unit
        inside[0, index[0]] = 1.0  # the weight leads to this neuron only
        moved = unit * (1.0 if part else a[0, index[1]])  # dz/dw

        def error(t: Any, z: Any = z, moved: Any = moved, above: Weights = above) -> Any:
            return _loss(above, tanh(z + t * moved), y)

        found.append(ag.grad(error)(type(z)(0.0) if isinstance(z, Counted) else 0.0))
    return found


def _reverse(weights: Weights, x: Any, y: Any) -> list[Any]:
    """One sweep."""
    gradients = ag.grad(lambda w: _loss(w, x, y))(weights)
    return [gradients[k][part][index] for k, part, index in _entries(weights)]


METHODS: dict[str, Callable[[Weights, Any, Any], list[Any]]] = {
    "a pass per weight": _separate,
    "finite differences": _differences,
    "forward mode": _forward,
    "reverse mode": _reverse,
}


def gradient_cost(seeds: Any = 3, *, depths: Sequence[int] = (2, 4, 8), width: int = 2) -> Experiment:
    r"""Measure what a gradient costs as the network grows, by four ways to find it (claim R6).

    A pass per weight: :math:`\partial E / \partial w_{ij}^l = \delta_i^l a_j^{l-1}` with :math:`\delta_i^l` found anew
    for each weight, by a sweep from the loss to its neuron; finite differences: two forward passes per weight; forward
    mode: one direction per weight (`autograd_mini.jvp`); reverse mode: one sweep. With w weights the first three cost
    about :math:`w^2`, the last about w. The multiplications are counted while they happen, on arrays that count; a
    division is one of them, and what ``exp`` and ``tanh`` do inside is none.

    Parameters
    ----------
    seeds : int or iterable of int
        How many networks are drawn and timed, or from which seeds. The counts are the same for all.
    depths : sequence of int
        Hidden layers of each size of network, at least two different numbers.
    width : int
        Units of each layer, and inputs.

    Returns
    -------
    Experiment
        Its data: ``weights``, how many there are, (sizes,); ``multiplications``, (methods, sizes); ``seconds`` and
        ``differences``, the largest from reverse mode's gradient over its largest entry, (seeds, methods, sizes);
        ``exponents`` of the multiplications, (methods,), the slopes of lines through the logarithms.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.gradient_cost(seeds=1, depths=(1, 2), width=2)
    >>> print(*found.data["methods"], sep=", ")
    a pass per weight, finite differences, forward mode, reverse mode
    >>> found.data["weights"], found.data["multiplications"][-1]
    (array([ 9, 15]), array([27, 43]))
    """
    chosen = seeds_of("gradient_cost", seeds)
    width = whole("gradient_cost", "width", width, 1)
    sizes = wholes_of("gradient_cost", "depths", depths, "(2, 4, 8)")
    if len(sizes) < 2:
        raise ValueError(
            f"gradient_cost: depths is {shown(depths)}, but must hold two different numbers at least, for a slope. "
            "Write depths=(2, 4, 8)."
        )
    counts = np.empty((len(METHODS), len(sizes)), int)
    seconds, differences = np.empty((2, len(chosen), len(METHODS), len(sizes)))
    w = np.empty(len(sizes), int)
    for n, depth in enumerate(sizes):
        for s, seed in enumerate(chosen):
            rng = np.random.default_rng(seed)
            model = MLP([width] * (depth + 1) + [1], "tanh", rng=rng)
            values = [p.numpy() for p in model.parameters()]
            weights = list(zip(values[::2], values[1::2], strict=True))
            x, y = rng.normal(size=(1, width)), rng.normal(size=(1, 1))
            w[n] = sum(W.size + b.size for W, b in weights)
            right = np.array(_reverse(weights, x, y), float)
            for m, method in enumerate(METHODS.values()):
                start = time.perf_counter()
                found = method(weights, x, y)
                seconds[s, m, n] = time.perf_counter() - start
                differences[s, m, n] = np.abs(np.array(found, float) - right).max() / np.abs(right).max()
        counted = [(Counted(W), Counted(b)) for W, b in weights]
        for m, method in enumerate(METHODS.values()):
            with counting() as tally:
                method(counted, Counted(x), Counted(y))
            counts[m, n] = tally.multiplications
    exponents = _slopes(w, counts)
    timed = _slopes(w, seconds)
    rows = tuple(
        (
            name,
            *counts[m, [0, -1]].tolist(),
            float(exponents[m]),
            Spread(1000 * seconds[:, m, -1], "median"),
            Spread(timed[:, m]),
            float(differences[:, m].max()),
        )
        for m, name in enumerate(METHODS)
    )
    saved = counts[:-1] / counts[-1]
    finding = (
        f"From {w[0]} to {w[-1]} weights the multiplications grow like w^{exponents[0]:.2f} with a pass per weight, "
        f"w^{exponents[1]:.2f} with finite differences, w^{exponents[2]:.2f} in forward mode and w^{exponents[3]:.2f} "
        f"in reverse mode. Against a pass per weight reverse mode saves a factor of {saved[0, 0]:.3g} at {w[0]} "
        f"weights and of {saved[0, -1]:.3g} at {w[-1]}, {saved[0, 0] / w[0]:.2f} w and {saved[0, -1] / w[-1]:.2f} w: "
        f"it grows like w^{exponents[0] - exponents[-1]:.2f}, where the note says exponentially."
    )
    notes = (
        "What is exponential is to expand the gradient path by path: see path_counts.",
        "All four ways find the same gradient: the last column is the largest difference from reverse mode's, over "
        "its largest entry; that of finite differences is their own error.",
        "Seconds depend on the machine, and for small networks on the calls rather than on the numbers.",
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        panel(left, "multiplications", "weights", "", log="xy")
        panel(right, "seconds", "weights", "", log="xy")
        for m, (name, mark) in enumerate(zip(METHODS, MARKS, strict=False)):
            label = f"{name}: w^{exponents[m]:.2f}"
            band(left, w, counts[None, m], label, f"C{m}", marker=mark)
            band(right, w, seconds[:, m], None, f"C{m}", marker=mark)
        for axes in (left, right):
            axes.set_xticks(w, [f"{n:,}" for n in w])
            axes.minorticks_off()
        left.set_ylim(top=counts.max() * (counts.max() / counts.min()) ** 0.6)  # room for the legend
        legend(left)

    return Experiment(
        "What does a whole gradient cost as the network grows?",
        ("R6",),
        finding,
        (
            "method",
            f"multiplications, w = {w[0]:,}",
            f"w = {w[-1]:,}",
            "exponent",
            f"milliseconds, w = {w[-1]:,}",
            "exponent",
            "largest difference",
        ),
        rows,
        {
            "methods": tuple(METHODS),
            "seeds": chosen,
            "depths": np.array(sizes),
            "weights": w,
            "multiplications": counts,
            "seconds": seconds,
            "differences": differences,
            "exponents": exponents,
        },
        notes,
        draw=draw,
    )


def _slopes(w: Any, values: Any) -> Any:
    """Return the slopes of the lines through (log w, log value), fitted along the last axis."""
    x = np.log(w) - np.log(w).mean()
    return np.log(values) @ x / (x @ x)
