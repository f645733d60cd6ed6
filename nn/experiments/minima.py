"""Local minima (Y5): the error of a network with two weights, drawn; where descent from a grid of starts ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import array_of, positive, whole
from ..functional import tanh
from ..module import Module, Parameter
from ..optim import SGD
from ..training import compile_step
from .panels import ink, legend, panel
from .result import Experiment

__all__ = ["REACH", "TwoWeights", "errors_of", "local_minima", "sum_of_errors"]

# Four samples that two units cannot fit, found by drawing some hundred such sets and looking at their error
INPUTS = np.array([-4.0, -0.6, 0.6, 2.6])
TARGETS = np.array([1.1, 0.8, 1.1, -0.5])
HUGE = 1e100  # beyond, the square of an error or a curvature may overflow
REACH = 4.0  # starts, and the picture, are within [-4, 4] x [-4, 4]
SAME = 0.05  # ends that are so close are one point
STILL = 1e-5  # the gradient of a descent that has come to rest
FLAT = STILL / SAME  # with a smaller curvature, so small a gradient does not say that a minimum is near


class TwoWeights(Module):
    r"""Networks :math:`o = \tanh(w_1 x + 1) + \tanh(w_2 x + 1)`, many at once: two hidden units, two weights.

    The hidden biases and the output weights are fixed at 1, so that the error is a function of two numbers; the two
    units may be exchanged, so that :math:`E(w_1, w_2) = E(w_2, w_1)`.

    Parameters
    ----------
    weights : array_like, shape (2, ...)
        The weights of each network: NumPy is fastest where the longest axis is the last.
    """

    def __init__(self, weights: Any) -> None:
        self.w = Parameter(weights)

    def forward(self, x: Any) -> Any:
        """Return the outputs of each network, of shape (n, ...), for inputs of shape (n, ...) or (n, 1, ...)."""
        return outputs_of(self.w, x)


def outputs_of(w: Any, x: Any) -> Any:
    """Return the outputs for weights of shape (2, ...) and inputs of shape (n, ...) or (n, 1, ...)."""
    return tanh(w[0] * x + 1) + tanh(w[1] * x + 1)


def errors_of(w: Any, x: Any, y: Any) -> Any:
    """Return E of each network, the mean over the samples of (o - y)^2 / 2."""
    return np.mean((outputs_of(w, x) - y) ** 2, axis=0) / 2


def local_minima(
    inputs: Any = INPUTS, targets: Any = TARGETS, *, starts: int = 12, learning_rate: float = 0.3, steps: int = 3000
) -> Experiment:
    r"""Find the minima of an error that can be drawn, by gradient descent from a grid of starts (claim Y5).

    The network is :math:`o = \tanh(w_1 x + 1) + \tanh(w_2 x + 1)`, its error the mean of :math:`(o - y)^2 / 2`. Each
    end of a descent is held against the conditions for a minimum: the gradient is zero, and both eigenvalues of the
    Hessian (`autograd_mini.hessian`) are positive.

    Parameters
    ----------
    inputs, targets : array_like, shape (n,)
        The samples; the default ones give two minima of different depth, and the mirror image of each.
    starts : int
        In each direction of the grid, over [-4, 4].
    learning_rate, steps : float, int
        Of the descent.

    Returns
    -------
    Experiment
        A row for each point at which a descent came to rest. Its data: ``starts`` and ``ends`` (starts², 2); ``point``
        (starts²,), the number of the row in which the end is, or -1; ``points`` (k, 2), ``errors`` (k,), ``gradients``
        (k,), the norms, ``eigenvalues`` (k, 2), ``minimum`` (k,) and ``kinds`` of the points; ``surface`` (61, 61)
        over ``grid`` (61,); ``curvature`` (starts²,), the lower eigenvalue of the Hessian at the starts.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind or in the range that is said above.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.local_minima(starts=6)
    >>> bool(found.data["errors"][0] < found.data["errors"][-1])
    True
    """
    where = "local_minima"
    x, y = samples_of(where, inputs, targets)
    starts, steps = whole(where, "starts", starts, 2), whole(where, "steps", steps, 1)
    rate = positive(where, "learning_rate", learning_rate)
    line = np.linspace(-REACH, REACH, starts)
    begins = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    model = TwoWeights(begins.T)
    step = compile_step(model, sum_of_errors, SGD(model.parameters(), lr=rate))
    slope, hessian = ag.grad(lambda w: errors_of(w, x, y)), ag.hessian(lambda w: errors_of(w, x, y))
    with np.errstate(all="ignore"):
        for _ in range(steps):
            step(x[:, None], y[:, None])
        ends = model.w.data.T.copy()
        lengths = np.linalg.norm([slope(w) for w in ends], axis=-1)
        depths = np.round(errors_of(ends.T, x[:, None], y[:, None]), 6)
    points: list[Any] = []  # the deepest first
    member = np.full(len(ends), -1)
    for i in np.argsort(depths, kind="stable"):
        if lengths[i] < STILL and np.abs(np.linalg.eigvalsh(hessian(ends[i]))).min() > FLAT:
            near = [k for k, w in enumerate(points) if np.linalg.norm(w - ends[i]) < SAME]
            member[i] = near[0] if near else len(points)
            points += [] if near else [ends[i]]
    found = np.reshape(points, (-1, 2))
    values = np.reshape([np.linalg.eigvalsh(hessian(w)) for w in found], (-1, 2))
    grid = np.linspace(-REACH, REACH, 61)
    data: dict[str, Any] = {
        "starts": begins,
        "ends": ends,
        "point": member,
        "points": found,
        "errors": errors_of(found.T, x[:, None], y[:, None]),
        "gradients": np.array([np.linalg.norm(slope(w)) for w in found]),
        "eigenvalues": values,
        "minimum": (values > 0).all(axis=-1),
        "grid": grid,
        "surface": errors_of(np.stack(np.meshgrid(grid, grid, indexing="ij")), x[:, None, None], y[:, None, None]),
        "curvature": np.array([np.linalg.eigvalsh(hessian(w))[0] for w in begins]),
    }
    data["kinds"] = _kinds(data)
    rows = [
        (
            data["kinds"][k],
            *(float(v) for v in found[k]),
            float(data["errors"][k]),
            f"{data['gradients'][k]:.0e}",
            *(float(v) for v in values[k]),
            100 * float(np.mean(member == k)),
        )
        for k in range(len(found))
    ]
    moving = int(np.sum(member < 0))
    rows += [("not at rest, or flat", "", "", "", "", "", "", 100 * moving / len(ends))] if moving else []
    return Experiment(
        title="Has the error of a network several local minima, and where does descent end?",
        claims=("Y5",),
        finding=_finding(data),
        columns=("end", "w1", "w2", "E", "|gradient|", "curvature, least", "greatest", "starts, %"),
        rows=tuple(rows),
        data=data,
        notes=(
            "A minimum is where the gradient is 0 and both eigenvalues of the Hessian, the curvatures, are positive; "
            "with one negative it is a saddle. Where one is next to 0, as along a valley, or on a plateau that a "
            "descent creeps down for ever, the gradient is next to 0 without any such point: flat.",
            "Minima come in pairs: exchanging the two units exchanges w1 and w2 and changes no output. A layer of n "
            "alike units has up to n! such images of each minimum, all as good. Several minima are therefore no harm "
            "in themselves; what can be lost is the difference between those of different E.",
            "Who starts with equal weights stays on the diagonal, as both units get the same gradient (claim R9), and "
            "ends in its lowest point, a minimum for that line alone: mostly a saddle.",
            "Non-linear hidden units make several minima possible, as Y5 says, not certain. Whether a given error has "
            "minima of different E depends on the data: see nn.experiments.momentum, which counts. And with linear "
            "units E is not convex either, but has no minimum beside the best (Baldi and Hornik, 1989).",
        ),
        draw=lambda figure: _draw(figure, data),
    )


def sum_of_errors(outputs: Any, y: Any) -> Any:
    """Return the sum over the networks, whose gradient by each one's weights is that of its own error (claim Y6)."""
    return np.sum(np.mean((outputs - y) ** 2, axis=0)) / 2


def samples_of(where: str, inputs: Any, targets: Any) -> tuple[Any, Any]:
    """Return inputs and targets as two arrays of equal length."""
    x, y = (np.asarray(array_of(where, n, a), float) for n, a in (("inputs", inputs), ("targets", targets)))
    for name, values in (("inputs", x), ("targets", y)):
        if not (np.abs(values) < HUGE).all():
            wrong = values[~(np.abs(values) < HUGE)].flat[0]
            raise ValueError(
                f"{where}: {name} holds {wrong:g}, but its numbers must lie between -{HUGE:g} and {HUGE:g}, so that "
                "no square overflows. Divide them by a constant."
            )
    if x.ndim != 1 or x.shape != y.shape or not x.size:
        raise ag.errors.ShapeError(
            f"{where}: inputs has shape {x.shape} and targets {y.shape}, but both must be (n,): a number for each "
            "sample. Write inputs=[-1.0, 1.0], targets=[0.0, 1.0]."
        )
    return x, y


def _kinds(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what each point is: the global minimum is the lowest that was found."""
    least = data["errors"][data["minimum"]].min(initial=np.inf)
    return tuple(
        ("global minimum" if error < least + 1e-6 else "local minimum") if minimum else "saddle"
        for error, minimum in zip(data["errors"], data["minimum"], strict=True)
    )


def _finding(data: Mapping[str, Any]) -> str:
    kinds, errors = data["kinds"], data["errors"]
    levels = sorted({round(float(e), 4) for e, minimum in zip(errors, data["minimum"], strict=True) if minimum})
    share = {kind: np.mean([p >= 0 and kinds[p] == kind for p in data["point"]]) for kind in set(kinds)}
    share["not at rest, or where E is flat"] = np.mean(data["point"] < 0)
    counted = ", ".join(
        f"{100 * part:.0f} % end {'in a ' * (kind in kinds)}{kind}" for kind, part in sorted(share.items()) if part
    )
    down = np.mean(data["curvature"] < -FLAT)
    where = f", at E = {', '.join(f'{e:.4g}' for e in levels)}" if levels else ""
    return (
        f"{_counted(int(data['minimum'].sum()))} found{where}. Of {len(data['starts'])} starts {counted}. At "
        f"{100 * down:.0f} % of them E curves downwards in some direction{': it is not convex' if down else ''}."
    )


def _counted(n: int) -> str:
    return "1 minimum was" if n == 1 else f"{n or 'No'} minima were"


def _draw(figure: Any, data: Mapping[str, Any]) -> None:
    figure.set_size_inches(10.4, 4.4)
    left, right = figure.subplots(1, 2)
    panel(left, "error E, and its minima", "w1", "w2")
    levels = np.quantile(data["surface"], np.linspace(0, 0.98, 15))
    uneven = len(np.unique(levels)) > 1  # else there is nothing to draw: the error is one number everywhere
    if uneven:
        filled = left.contourf(
            data["grid"], data["grid"], data["surface"].T, levels=np.unique(levels), cmap="viridis", extend="max"
        )
        figure.colorbar(filled, ax=left, shrink=0.85, format="%.2f")
    panel(right, "where descent from each start ends", "w1", "w2")
    if uneven:
        lines = {"colors": [ink(right)], "linewidths": 0.4, "alpha": 0.4}
        right.contour(data["grid"], data["grid"], data["surface"].T, levels=np.unique(levels), **lines)
    colors = {"global minimum": "C0", "local minimum": "C1", "saddle": "C2"}
    marks = {"global minimum": "*", "local minimum": "v", "saddle": "X"}
    ends = np.array([data["kinds"][p] if p >= 0 else "not at rest, or flat" for p in data["point"]])
    for kind in [*colors, "not at rest, or flat"]:
        here = data["starts"][ends == kind]
        if len(here):
            right.plot(
                *here.T,
                marks.get(kind, "."),
                markersize=4,
                color=colors.get(kind, ink(right)),
                alpha=0.8,
                label=f"to a {kind}" if kind in colors else kind,
            )
    for axes in (left, right):
        for kind, mark in marks.items():
            points = data["points"][[k == kind for k in data["kinds"]]]
            if len(points):
                axes.plot(
                    *points.T,
                    mark,
                    markersize=11,
                    color=colors[kind] if axes is right else "white",
                    markeredgecolor="black",
                    label=kind,
                )
        axes.set_aspect("equal")
        axes.set_xlim(-REACH - 0.2, REACH + 0.2)
        axes.set_ylim(-REACH - 0.2, REACH + 0.2)
    legend(right, beside=True)
