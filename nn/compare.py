"""compare: every gradient of a model three times, by the hand-derived rule, by the engine, by finite differences."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag

from . import delta, losses
from .checks import array_of, generator, shown
from .delta import DeltaNetwork
from .layers import ACTIVATIONS, Activation, Identity, Linear, ReLU, Sequential
from .module import Module

__all__ = ["Comparison", "Row", "compare"]

ENTRIES = 64  # at most so many entries of an array are checked by finite differences,
STEPS = [0.125 / 8**k for k in range(5)]  # at these steps
EPS = float(np.finfo(float).eps)

# loss -> its name in nn.delta, and the activation that it contains when it starts from logits
HAND_RULES: dict[Callable[..., Any], tuple[str, str | None]] = {
    losses.squared_error: ("squared_error", None),
    losses.binary_cross_entropy: ("binary_cross_entropy", None),
    losses.binary_cross_entropy_with_logits: ("binary_cross_entropy", "sigmoid"),
    losses.categorical_cross_entropy: ("cross_entropy", None),
    losses.cross_entropy: ("cross_entropy", "softmax"),
}

HAND_ACTIVATIONS = tuple(ACTIVATIONS[name] for name in delta.ACTIVATIONS)

SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Row(NamedTuple):
    """One array: a layer's delta, weight or bias gradient.

    `by_hand`, `autodiff` and `finite` are the values at `entry`, where the gradient is largest; the errors are over the
    whole array, relative to its largest entry: `error` of the engine against the hand-derived rule, `finite_error` of
    the finite differences against it (at most 64 entries and one random direction).

    Two more say what the errors may be. `cancellation` is by how much the terms that make up the gradient exceed it, 1
    at least: in a model that has learned its samples by heart, o - y is the small rest of large numbers, and both sides
    have lost as many digits. `uncertainty` is that of the finite differences, by their own estimate.
    """

    layer: int
    symbol: str
    rule: str
    shape: tuple[int, ...]
    entry: tuple[int, ...]
    by_hand: float
    autodiff: float
    finite: float
    error: float
    finite_error: float
    cancellation: float
    uncertainty: float


@dataclass(frozen=True)
class Comparison:
    """The table that `compare` makes; shows itself as text and, in a notebook, as HTML.

    Attributes
    ----------
    rows : tuple of Row
        From the output back to the input, as the sweep goes.
    max_error, max_finite_error : float
        The largest of the rows' errors.
    tolerance, finite_tolerance : float
        What they may be where nothing cancels: rounding, of the model's dtype; truncation, of the difference quotient.
    """

    rows: tuple[Row, ...]
    tolerance: float
    finite_tolerance: float = 1e-6

    @property
    def max_error(self) -> float:
        """Largest relative difference, hand-derived rule against autodiff."""
        return float(np.max([row.error for row in self.rows]))  # not Python's max, which may lose a NaN

    @property
    def max_finite_error(self) -> float:
        """Largest relative difference, hand-derived rule against finite differences."""
        return float(np.max([row.finite_error for row in self.rows]))

    def agrees(self, row: Row) -> bool:
        """Return whether a row's differences are no more than rounding."""
        rounding = min(self.tolerance * row.cancellation, 0.1)  # never so much that a wrong rule would pass
        return row.error <= rounding and row.finite_error <= self.finite_tolerance + row.uncertainty + rounding

    @property
    def passed(self) -> bool:
        """Whether all rows agree."""
        return all(map(self.agrees, self.rows))

    def cells(self) -> Iterator[tuple[str, ...]]:
        """Yield the rows as text, cell by cell; the first is the heading."""
        yield ("layer", "rule", "entry", "delta rule", "autodiff", "finite diff.", "max diff.", "")
        for row in self.rows:
            place = f"[{','.join(map(str, row.entry))}]" if row.entry else ""
            numbers = (f"{value: .9e}" for value in (row.by_hand, row.autodiff, row.finite))
            mark = "✓" if self.agrees(row) else "✗"
            yield (str(row.layer), f"{row.symbol} = {row.rule}", place, *numbers, f"{row.error:.1e}", mark)

    def __str__(self) -> str:
        table = list(self.cells())
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
        return "\n".join([lines[0], "─" * max(map(len, lines)), *lines[1:], self.summary()])

    def summary(self) -> str:
        """Return the verdict in one line."""
        verdict = "agree" if self.passed else "DISAGREE"
        return (
            f"Delta rule and autodiff {verdict}: largest relative difference {self.max_error:.1e} "
            f"(finite differences {self.max_finite_error:.1e})."
        )

    def _repr_html_(self) -> str:
        head, *body = self.cells()

        def line(cells: tuple[str, ...], tag: str) -> str:
            sides = ("left",) * 3 + ("right",) * 3 + ("left",) * 2
            return "".join(
                f'<{tag} style="text-align:{side};padding:.2em .6em;white-space:nowrap">'
                f"{html.escape(cell.strip())}</{tag}>"
                for side, cell in zip(sides, cells, strict=True)
            )

        rows = "".join(f"<tr>{line(cells, 'td')}</tr>" for cells in body)
        return (
            f'<table class="comparison"><thead><tr>{line(head, "th")}</tr></thead><tbody>{rows}</tbody></table>'
            f"<p>{html.escape(self.summary())}</p>"
        )


def compare(model: Sequential, x: Any, y: Any, loss: Callable[..., Any], *, seed: int = 0) -> Comparison:
    r"""Hold the engine's gradients of a model against the textbooks' delta rules, and both against finite differences.

    For each layer: the delta, :math:`\delta^l = \partial E/\partial z^l` (claims Y8, Y10, M3, M4), and the gradients of
    weight and bias (Y7, M5, M6).

    The finite differences are central ones in float64, extrapolated to step 0 (Ridders, 1982), of E as a plain function
    of one array. In it each ReLU keeps to the side of its kink on which it stands, 0 counting as below (claim R10): a
    step across the kink would say nothing, and at the kink itself E has no derivative.

    Parameters
    ----------
    model : Sequential
        Linear layers, each with an activation or none.
    x, y : array_like
        A batch, samples in rows, or one sample; and its targets.
    loss : callable
        One of nn's losses, or a `functools.partial` of one with its keywords.
    seed : int
        Which entries and which direction the finite differences take.

    Returns
    -------
    Comparison

    Raises
    ------
    TypeError
        If a layer or the loss has no hand-derived rule; it says which.
    ValueError
        If the data or the parameters are not finite, or do not fit.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.MLP([2, 3, 1], "tanh", "sigmoid", rng=0)
    >>> report = nn.compare(model, np.eye(2), [[0.0], [1.0]], nn.binary_cross_entropy)
    >>> report.max_error < 1e-12, report.passed
    (True, True)
    >>> [row.symbol for row in report.rows]
    ['δ²', '∂E/∂W²', '∂E/∂b²', 'δ¹', '∂E/∂W¹', '∂E/∂b¹']
    """
    layers = _layers(model)
    x, y = (np.asarray(array_of("compare", name, values)) for name, values in (("x", x), ("y", y)))
    rng = generator("compare", seed, "seed")
    for name, array in [("x", x), ("y", y), *((name, p.data) for name, p in model.named_parameters())]:
        if not np.isfinite(array).all():
            raise ValueError(
                f"compare: {name} holds NaN or infinite values, of which there is no gradient. Find them with "
                "np.isfinite."
            )
    by_hand = _hand_network(layers, loss)
    engine = _engine_gradients(layers, x, y, loss)
    activations, deltas = by_hand.forward(x).a, by_hand.deltas(x, y)
    weight_gradients, bias_gradients = by_hand.gradients(x, y)
    errors = _errors(layers, x, y, loss)
    cancelled = _cancellation(activations[-1], y)
    rows: list[Row] = []
    for i in range(len(layers) - 1, -1, -1):
        level, before = (str(k).translate(SUPERSCRIPT) for k in (i + 1, i))
        delta, a = np.atleast_2d(np.abs(deltas[i])), np.atleast_2d(np.abs(activations[i]))
        arrays: list[tuple[str, str, Any, Any]] = [  # symbol, rule, gradient by hand, size of the terms that make it up
            (f"δ{level}", _delta_rule(i, by_hand), deltas[i], delta),
            (f"∂E/∂W{level}", f"δ{level}ᵀ a{before}", weight_gradients[i], delta.T @ a),
        ]
        if layers[i][0].bias is not None:
            arrays.append((f"∂E/∂b{level}", f"Σ δ{level}", bias_gradients[i], delta.sum(axis=0)))
        for (symbol, rule, hand, terms), autodiff, function in zip(arrays, engine[i], errors[i], strict=True):
            scale = float(np.max(np.abs(hand))) or 1.0
            entry, finite, finite_error, uncertainty = _finite_differences(*function, hand, scale, rng)
            row = Row(
                layer=i + 1,
                symbol=symbol,
                rule=rule,
                shape=hand.shape,
                entry=entry,
                by_hand=float(hand[entry]),
                autodiff=float(autodiff[entry]),
                finite=finite,
                error=float(np.max(np.abs(autodiff - hand)) / scale),
                finite_error=finite_error,
                cancellation=max(1.0, cancelled * float(np.max(terms)) / scale),
                uncertainty=uncertainty,
            )
            rows.append(row)
    return Comparison(tuple(rows), tolerance=1e-12 if by_hand.dtype == np.float64 else 1e-4)


Layer = tuple[Linear, Activation | None]


def _layers(model: Module) -> list[Layer]:
    """Read a model as pairs of a Linear layer and its activation."""
    if not _is_sequence(model):
        raise TypeError(
            "compare reads models that are nn.Sequential or nn.MLP, with their forward(); "
            f"this is {shown(model)}. Build it of layers: nn.Sequential(nn.Linear(3, 2), nn.Tanh())."
        )
    found: list[Layer] = []
    for name, module in _flat(model):
        if type(module) is Linear and all(module is not linear for linear, _ in found):
            found.append((module, None))
        elif type(module) in HAND_ACTIVATIONS and found and found[-1][1] is None:
            found[-1] = (found[-1][0], module)
        else:
            raise TypeError(
                f"compare: layer {name} ({module!r}) has no hand-derived rule here: it knows Linear layers, each "
                f"in one place and followed by at most one of {', '.join(c.__name__ for c in HAND_ACTIVATIONS)}."
            )
    if not found:
        raise TypeError("compare: the model has no layers. It needs at least one: nn.Sequential(nn.Linear(2, 1)).")
    return found


def _is_sequence(module: Module) -> bool:
    return isinstance(module, Sequential) and type(module).forward is Sequential.forward


def _flat(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for i, layer in enumerate(model.layers):
        if _is_sequence(layer):
            yield from _flat(layer, f"{prefix}{i}.")
        else:
            yield f"{prefix}{i}", layer


def _hand_network(layers: list[Layer], loss: Callable[..., Any]) -> DeltaNetwork:
    """Build the network that nn.delta differentiates by hand."""
    keywords: dict[str, Any] = {}
    if isinstance(loss, functools.partial):
        if loss.args:
            raise TypeError(
                f"compare: the loss is a functools.partial with {len(loss.args)} positional arguments, which would "
                "take the places of outputs and targets. Name them: functools.partial(nn.squared_error, factor=1)."
            )
        keywords, loss = loss.keywords, loss.func
    if not callable(loss) or loss not in HAND_RULES:
        known = ", ".join(f.__name__ for f in HAND_RULES)
        raise TypeError(
            f"compare: the loss {getattr(loss, '__name__', loss)!r} has no hand-derived rule; these have: {known} "
            "(with other keywords: functools.partial)."
        )
    loss_name, contained = HAND_RULES[loss]
    names = ["identity" if act is None else act.function.__name__ for _, act in layers]
    if contained is not None:
        if names[-1] != "identity":
            raise TypeError(
                f"compare: {loss.__name__} takes logits and contains the {contained}, but the model ends in "
                f"{names[-1]}. Leave that layer out, or take the loss of the outputs."
            )
        names[-1] = contained
    unknown = keywords.keys() - {"factor", "reduction"}
    if unknown or ("factor" in keywords and loss is not losses.squared_error):
        raise TypeError(
            f"compare: {loss.__name__} has no keyword {', '.join(sorted(unknown)) or 'factor'} that a hand-derived "
            "rule knows. Leave it out of the functools.partial."
        )
    if keywords.get("reduction") == "none":
        raise ValueError(
            "compare: reduction is 'none', but must be 'mean' or 'sum': a gradient is of one number. "
            "Write functools.partial(loss, reduction='sum')."
        )
    return DeltaNetwork(
        [linear.weight.data for linear, _ in layers],
        [None if linear.bias is None else linear.bias.data for linear, _ in layers],
        names,
        loss_name,
        [linear.mask for linear, _ in layers],
        **keywords,
    )


def _engine_gradients(layers: list[Layer], x: Any, y: Any, loss: Callable[..., Any]) -> list[list[Any]]:
    """Return, per layer, the engine's cotangents of the pre-activation and of the parameters."""
    inputs: list[list[Any]] = []
    a: Any = x
    with ag.recording():
        for linear, activation in layers:
            z = linear(a)
            a = z if activation is None else activation(z)
            inputs.append([z, linear.weight, *([] if linear.bias is None else [linear.bias])])
        found = iter(ag.gradients(loss(a, y), [t for group in inputs for t in group]))
    return [[next(found) for _ in group] for group in inputs]


def _cancellation(o: Any, y: Any) -> float:
    """Return how much larger the outputs are than o - y, which is what the deltas start from."""
    y = y if y.shape == o.shape else np.eye(o.shape[-1])[y.astype(int)]
    return float(np.max(np.abs(o)) / (np.max(np.abs(o - y)) or 1.0))


def _delta_rule(i: int, network: DeltaNetwork) -> str:
    """Return the delta rule of layer i (from 0) in symbols."""
    name, level = network.activations[i], str(i + 1).translate(SUPERSCRIPT)
    slope = {"sigmoid": f" ⊙ σ′(z{level})", "identity": "", "softmax": f" softmax′(z{level})"}.get(
        name, f" ⊙ {name}′(z{level})"
    )
    if i + 1 < len(network.weights):
        above = str(i + 2).translate(SUPERSCRIPT)
        return f"(δ{above} W{above}){slope}"
    share = "/n" if network.reduction == "mean" else ""
    if (name, network.loss) in {("sigmoid", "binary_cross_entropy"), ("softmax", "cross_entropy")}:
        return f"(o − y){share}"
    if network.loss == "squared_error":
        factor = "" if network.factor == 0.5 else f"{2 * network.factor:g} "
        return f"{factor}(o − y){share}{slope}"
    return f"∂J/∂o{share}{slope}"


# E as a plain function of one array, on float64 copies: what the finite differences perturb

Error = Callable[[Any], Any]


def _errors(layers: list[Layer], x: Any, y: Any, loss: Callable[..., Any]) -> list[list[tuple[Error, Any, float]]]:
    """Return, per layer, E as a function of its pre-activation, its weight and its bias.

    With each function come the place where it stands and a step that moves the pre-activation by about 1.
    """
    Ws = [linear.weight.data.astype(float) * (1.0 if linear.mask is None else linear.mask) for linear, _ in layers]
    bs = [0.0 if linear.bias is None else linear.bias.data.astype(float) for linear, _ in layers]
    functions, zs, inputs = [], [], [x.astype(float)]
    for W, b, (_, activation) in zip(Ws, bs, layers, strict=True):
        zs.append(inputs[-1] @ W.T + b)
        functions.append(_piece(activation or Identity(), zs[-1]))
        inputs.append(functions[-1](zs[-1]))

    def of_z(i: int, z: Any) -> Any:
        for W, b, f in zip(Ws[i + 1 :], bs[i + 1 :], functions[i:], strict=False):
            z = f(z) @ W.T + b
        return loss(functions[-1](z), y)

    def of_weight(i: int, W: Any) -> Any:
        mask = layers[i][0].mask
        return of_z(i, inputs[i] @ (W if mask is None else W * mask).T + bs[i])

    def of_bias(i: int, b: Any) -> Any:
        return of_z(i, inputs[i] @ Ws[i].T + b)

    return [
        [
            (functools.partial(of_z, i), zs[i], 1.0),
            (functools.partial(of_weight, i), Ws[i], 1 / (float(np.max(np.abs(inputs[i]))) or 1.0)),
            *([] if linear.bias is None else [(functools.partial(of_bias, i), bs[i], 1.0)]),
        ]
        for i, (linear, _) in enumerate(layers)
    ]


def _piece(activation: Activation, at: Any) -> Callable[[Any], Any]:
    """Return an activation as a smooth function: of a ReLU, the piece on which each unit stands."""
    if isinstance(activation, ReLU):
        return lambda z: np.where(at > 0, z, 0)
    return activation.function


def _finite_differences(
    function: Error, at: Any, step: float, hand: Any, scale: float, rng: np.random.Generator
) -> tuple[tuple[int, ...], float, float, float]:
    """Return where the gradient is largest, the slope there, the largest deviation, and how certain the slopes are."""

    def unit(k: int) -> Any:
        e = np.zeros(at.size)
        e[k] = 1
        return e.reshape(at.shape)

    largest = int(np.argmax(np.abs(hand)))
    chosen = [largest, *rng.choice(at.size, min(ENTRIES - 1, at.size), replace=False)]
    slopes, uncertainties = np.array([_slope(function, at, step * unit(k)) for k in chosen]).T / step
    direction = rng.standard_normal(at.shape)
    direction /= np.linalg.norm(direction)
    slope, uncertainty = np.array(_slope(function, at, step * direction)) / step
    errors = [*np.abs(slopes - hand.ravel()[chosen]), abs(slope - np.sum(hand * direction))]
    entry = tuple(int(k) for k in np.unravel_index(largest, hand.shape))
    worst, doubt = np.max(errors) / scale, np.max([*uncertainties, uncertainty]) / scale  # np.max: a NaN stays NaN
    return entry, float(slopes[0]), float(worst), float(doubt)


def _slope(function: Error, at: Any, direction: Any) -> tuple[float, float]:
    """Return the derivative along a direction, and how certain it is, by Ridders' method.

    Central differences at ever smaller steps, in whose error only even powers of the step occur, are extrapolated to
    step 0. Of all extrapolations the one wins that is most certain: it differs little from its neighbours, and rounding
    of E has not been divided by too small a step.
    """

    def f(t: float) -> float:
        try:
            return float(function(at + t * direction))
        except ValueError:  # a large step may leave the loss's domain
            return np.nan

    best, uncertainty = np.nan, np.inf
    before: list[float] = []
    with np.errstate(all="ignore"):
        for h in STEPS:
            if 16 * EPS / h > uncertainty:
                break  # rounding alone would now be worse
            right, left = f(h), f(-h)
            rounding = 16 * EPS * max(1.0, abs(right)) / h
            now = [(right - left) / (2 * h)]
            for k, old in enumerate(before, 1):
                now.append(now[-1] + (now[-1] - old) / (64.0**k - 1))  # the error of order 2k falls by 8**2k a step
                doubt = max(abs(now[-1] - now[-2]), abs(now[-1] - old)) + rounding
                if doubt < uncertainty:
                    best, uncertainty = now[-1], doubt
            before = now
    return best, uncertainty
