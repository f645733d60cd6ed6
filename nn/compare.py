"""compare: every gradient of a model three times, by the hand-derived rule, by the engine, by finite differences."""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag

from . import losses
from .delta import DeltaNetwork
from .functional import identity
from .layers import Activation, Linear, Sequential
from .module import Module

__all__ = ["Comparison", "Row", "compare"]

ENTRIES = 64  # at most so many entries of an array are checked by finite differences

# loss -> its name in nn.delta, and the activation that it contains when it starts from logits
HAND_RULES: dict[Callable[..., Any], tuple[str, str | None]] = {
    losses.squared_error: ("squared_error", None),
    losses.binary_cross_entropy: ("binary_cross_entropy", None),
    losses.binary_cross_entropy_with_logits: ("binary_cross_entropy", "sigmoid"),
    losses.categorical_cross_entropy: ("cross_entropy", None),
    losses.cross_entropy: ("cross_entropy", "softmax"),
}

SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


class Row(NamedTuple):
    """One array: a layer's delta, weight or bias gradient.

    `by_hand`, `autodiff` and `finite` are the values at `entry`, where the gradient is largest; the errors are over the
    whole array, relative to its largest entry: `error` of the engine against the hand-derived rule, `finite_error` of
    the finite differences against it (at most 64 entries and one random direction).
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
        What they may be: rounding, of the model's dtype; truncation, of the difference quotient.
    """

    rows: tuple[Row, ...]
    tolerance: float
    finite_tolerance: float = 1e-6

    @property
    def max_error(self) -> float:
        """Largest relative difference, hand-derived rule against autodiff."""
        return max(row.error for row in self.rows)

    @property
    def max_finite_error(self) -> float:
        """Largest relative difference, hand-derived rule against finite differences."""
        return max(row.finite_error for row in self.rows)

    def agrees(self, row: Row) -> bool:
        """Return whether a row's differences are no more than rounding."""
        return row.error <= self.tolerance and row.finite_error <= self.finite_tolerance

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
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        rows = "".join(line(cells, "td") for cells in body)
        return (
            f'<table class="comparison"><thead>{line(head, "th")}</thead><tbody>{rows}</tbody></table>'
            f"<p>{html.escape(self.summary())}</p>"
        )


def compare(model: Sequential, x: Any, y: Any, loss: Callable[..., Any], *, seed: int = 0) -> Comparison:
    """Hold the engine's gradients of a model against the textbooks' delta rules, and both against finite differences.

    For each layer: the delta, :math:`\\delta^l = \\partial E/\\partial z^l` (claims Y8, Y10, M3, M4), and the gradients of
    weight and bias (Y7, M5, M6).

    Parameters
    ----------
    model : Sequential
        Linear layers, each with an activation or none.
    x, y : array_like
        A batch, samples in rows, and its targets.
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
    by_hand = _hand_network(layers, loss)
    x, y = np.asarray(x), np.asarray(y)
    zs, engine = _engine_gradients(layers, x, y, loss)
    deltas = by_hand.deltas(x, y)
    weight_gradients, bias_gradients = by_hand.gradients(x, y)
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for i in range(len(layers) - 1, -1, -1):
        level = str(i + 1).translate(SUPERSCRIPT)
        linear = layers[i][0]
        rules: list[tuple[str, str, Any, Any, Callable[..., Any]]]
        rules = [(f"δ{level}", _delta_rule(i, by_hand), deltas[i], zs[i].numpy(), _from_z)]
        before = str(i).translate(SUPERSCRIPT)
        rules.append((f"∂E/∂W{level}", f"δ{level}ᵀ a{before}", weight_gradients[i], linear.weight.data, _from_weight))
        if linear.bias is not None:
            rules.append((f"∂E/∂b{level}", f"Σ δ{level}", bias_gradients[i], linear.bias.data, _from_bias))
        for (symbol, rule, hand, at, error_at), autodiff in zip(rules, engine[i], strict=True):
            mask = linear.mask if error_at is _from_weight else None
            function = functools.partial(error_at, layers, i, x, y, loss)
            index, finite, finite_error = _finite_differences(function, at, hand, mask, rng)
            scale = np.max(np.abs(hand), initial=0.0) or 1.0
            error = float(np.max(np.abs(autodiff - hand), initial=0.0) / scale)
            rows.append(
                Row(i + 1, symbol, rule, hand.shape, index, float(hand[index]), float(autodiff[index]), finite, error,
                    finite_error)
            )  # fmt: skip
    return Comparison(tuple(rows), tolerance=1e-12 if by_hand.dtype == np.float64 else 1e-4)


Layer = tuple[Linear, Activation | None]


def _layers(model: Module) -> list[Layer]:
    """Read a model as pairs of a Linear layer and its activation."""
    if not isinstance(model, Sequential):
        raise TypeError(f"compare reads models that are nn.Sequential or nn.MLP; this is a {type(model).__name__}")
    found: list[Layer] = []
    for name, module in model.named_modules():
        if isinstance(module, Sequential):
            continue
        if isinstance(module, Linear):
            found.append((module, None))
        elif isinstance(module, Activation) and found and found[-1][1] is None:
            found[-1] = (found[-1][0], module)
        else:
            raise TypeError(
                f"layer {name} ({module!r}) has no hand-derived rule here: compare knows Linear layers, "
                "each followed by at most one activation."
            )
    return found


def _hand_network(layers: list[Layer], loss: Callable[..., Any]) -> DeltaNetwork:
    """Build the network that nn.delta differentiates by hand."""
    keywords: dict[str, Any] = {}
    while isinstance(loss, functools.partial):
        keywords = {**loss.keywords, **keywords}
        loss = loss.func
    if loss not in HAND_RULES:
        known = ", ".join(f.__name__ for f in HAND_RULES)
        raise TypeError(f"the loss {getattr(loss, '__name__', loss)!r} has no hand-derived rule; these have: {known}")
    loss_name, contained = HAND_RULES[loss]
    names = ["identity" if act is None else act.function.__name__ for _, act in layers]
    if contained is not None:
        if names[-1] != "identity":
            raise TypeError(
                f"{loss.__name__} takes logits and contains the {contained}, but the model ends in {names[-1]}: "
                "leave that out, or take the loss of the outputs."
            )
        names[-1] = contained
    return DeltaNetwork(
        [linear.weight.data for linear, _ in layers],
        [None if linear.bias is None else linear.bias.data for linear, _ in layers],
        names,
        loss_name,
        [linear.mask for linear, _ in layers],
        **keywords,
    )


def _engine_gradients(
    layers: list[Layer], x: Any, y: Any, loss: Callable[..., Any]
) -> tuple[list[ag.Tensor], list[list[Any]]]:
    """Return every pre-activation and, per layer, the engine's cotangents of it and of the parameters."""
    zs: list[ag.Tensor] = []
    a: Any = x
    for linear, activation in layers:
        zs.append(linear(a))
        a = zs[-1] if activation is None else activation(zs[-1])
    inputs = [
        [z, linear.weight] + ([] if linear.bias is None else [linear.bias])
        for z, (linear, _) in zip(zs, layers, strict=True)
    ]
    found = iter(ag.gradients(loss(a, y), [t for group in inputs for t in group]))
    return zs, [[next(found) for _ in group] for group in inputs]


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


def _rest(layers: list[Layer], i: int, z: Any, y: Any, loss: Callable[..., Any]) -> Any:
    """Return E from the pre-activation of layer i on."""
    for k, (_, activation) in enumerate(layers[i:], i):
        a = (identity if activation is None else activation.function)(z)
        if k + 1 < len(layers):
            z = _weighted(layers[k + 1][0], a)
    return loss(a, y)


def _weighted(linear: Linear, a: Any, weight: Any = None, bias: Any = None) -> Any:
    weight = linear.weight.data.astype(float) if weight is None else weight
    if linear.mask is not None:
        weight = weight * linear.mask
    z = a @ weight.T
    if linear.bias is not None:
        z = z + (linear.bias.data.astype(float) if bias is None else bias)
    return z


def _input_of(layers: list[Layer], i: int, x: Any) -> Any:
    """Return the input of layer i."""
    a = x
    for linear, activation in layers[:i]:
        a = (identity if activation is None else activation.function)(_weighted(linear, a))
    return a


def _from_z(layers: list[Layer], i: int, x: Any, y: Any, loss: Callable[..., Any], z: Any) -> Any:
    return _rest(layers, i, z, y, loss)


def _from_weight(layers: list[Layer], i: int, x: Any, y: Any, loss: Callable[..., Any], weight: Any) -> Any:
    return _rest(layers, i, _weighted(layers[i][0], _input_of(layers, i, x), weight=weight), y, loss)


def _from_bias(layers: list[Layer], i: int, x: Any, y: Any, loss: Callable[..., Any], bias: Any) -> Any:
    return _rest(layers, i, _weighted(layers[i][0], _input_of(layers, i, x), bias=bias), y, loss)


def _finite_differences(
    function: Callable[[Any], Any], at: Any, hand: Any, mask: Any, rng: np.random.Generator
) -> tuple[tuple[int, ...], float, float]:
    """Return where the gradient is largest, the difference quotient there, and the largest relative deviation."""
    at, h = np.asarray(at, float), 1e-5

    def slope(direction: Any) -> float:
        return float((function(at + h * direction) - function(at - h * direction)) / (2 * h))

    def unit(flat: int) -> Any:
        e = np.zeros(at.size)
        e[flat] = 1
        return e.reshape(at.shape)

    largest = int(np.argmax(np.abs(hand)))
    others = rng.choice(at.size, min(ENTRIES, at.size), replace=False)
    quotients = {int(k): slope(unit(int(k))) for k in (largest, *others)}
    flat = hand.ravel()
    scale = float(np.max(np.abs(hand), initial=0.0)) or 1.0
    worst = max(abs(quotient - flat[k]) for k, quotient in quotients.items()) / scale
    direction = rng.standard_normal(at.shape) * (1 if mask is None else mask)
    direction /= np.linalg.norm(direction) or 1.0
    size = float(np.linalg.norm(hand)) or 1.0
    worst = max(worst, abs(slope(direction) - float(np.sum(hand * direction))) / size)
    index = tuple(int(k) for k in np.unravel_index(largest, hand.shape))
    return index, quotients[largest], float(worst)
