"""compare: every gradient of a model three times, by the hand-derived rule, by the engine, by finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of, generator
from .comparing.error import Evaluation
from .comparing.hand import sweep
from .comparing.loss import Loss, read_loss
from .comparing.reading import HAND_ACTIVATIONS, Network, read, run, trainable
from .comparing.rounding import lost_terms
from .comparing.rules import Rules
from .comparing.slopes import finite_differences
from .comparing.table import Comparison, Row
from .delta import Record
from .layers import Sequential
from .notation.vocabulary import checked

__all__ = ["Comparison", "Row", "compare"]


def compare(
    model: Sequential, x: Any, y: Any, loss: Callable[..., Any], *, seed: int = 0, notation: str = "Y"
) -> Comparison:
    r"""Hold the engine's gradients of a model against hand-derived rules, and both against finite differences.

    For each layer: the delta, :math:`\delta^l = \partial E/\partial z^l` (claims Y8, Y10, M3, M4), and the gradients of
    weight and bias (Y7, M5, M6); for each normalization the derivative by what it returns, and those by its gamma and
    beta. The rules are those of `nn.delta`.

    The finite differences are central ones in float64, extrapolated to step 0 (Ridders, 1982), of E as a plain function
    of one array, in which the statistics of a batch follow, and what dropout has put out stays out. Each activation or
    loss with a kink keeps to the side on which it stands, a ReLU at 0 below (claim R10): a step across the kink would
    say nothing, and at the kink itself E has no derivative.

    The model runs once, as it is, in training or in evaluation; its running means and random generators are then as
    they were.

    Parameters
    ----------
    model : Sequential
        Of Linear layers, activations, BatchNorm1d, LayerNorm, Dropout, Residual, Flatten and Sequential, in any order.
    x, y : array_like
        A batch, samples in rows, or one sample; and its targets.
    loss : callable
        One of nn's losses, or a `functools.partial` of one with its keywords.
    seed : int
        Which entries and which direction the finite differences take.
    notation : {"Y", "M", "R"}
        In whose symbols the rules stand: Yehoshua's index form, the matrix note's, or those of the note on Russell and
        Norvig, with the other sign; ``report.in_notation("M")`` shows them in another.

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
    >>> print(report.rows[3].rule, "|", report.in_notation("M").rows[3].rule, "|", report.in_notation("R").rows[3].rule)
    tanh′(zᵢ¹) Σⱼ wⱼᵢ² δⱼ² | (W³ᵀ Δ³) ⊙ tanh′(Z²) | tanh′(inⱼ) Σₖ wⱼₖ Δₖ
    """
    checked("compare", notation)
    network = read(model)
    x, y = (np.asarray(array_of("compare", name, values)) for name, values in (("x", x), ("y", y)))
    rng = generator("compare", seed, "seed")
    tensors = [*model.named_parameters(), *model.named_buffers()]
    for name, array in [("x", x), ("y", y), *((name, tensor.data) for name, tensor in tensors)]:
        if not np.isfinite(array).all():
            raise ValueError(
                f"compare: {name} holds NaN or infinite values, of which there is no gradient. Find them with "
                "np.isfinite."
            )
    last = network.nodes[-1].module
    known = read_loss(loss, HAND_ACTIVATIONS.get(type(last)))  # type: ignore[arg-type]
    with trainable(model), ag.recording():
        forward = run(model, network, x)
        arrays = [(i, name, tensor) for i in forward.values for name, tensor in _arrays(network, i, forward.values[i])]
        found = ag.gradients(loss(forward.outputs, y), [tensor for _, _, tensor in arrays])
    engine = {(i, name): gradient for (i, name, _), gradient in zip(arrays, found, strict=True)}
    dtype = np.result_type(*(tensor.dtype for _, _, tensor in arrays))
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    o, records = sweep(network, forward, x, y, known, float)  # what the finite differences are held against
    rounded = records if dtype == np.float64 else sweep(network, forward, x, y, known)[1]  # what the engine is
    rules, evaluation = Rules(network, known, o, y), Evaluation(network, forward, x, y, known)
    lost, cancelled = lost_terms(network, records), _cancellation(o, y, known)
    rows = []
    for step in sorted(forward.values, reverse=True):
        equations, places = rules.of(step), evaluation.places(step)
        by_hand = _gradients(rounded[step])
        for name, (exact, terms, gone) in _with_terms(records[step], lost[step]).items():
            size = max(cancelled * float(np.max(terms)), float(np.max(gone)))
            scale, finite_scale = _scale(exact, size, dtype), _scale(exact, size, float)
            slopes = finite_differences(places[name], exact, finite_scale, rng)
            hand, autodiff = by_hand[name], np.asarray(engine[step, name])
            written = equations[name].equation("Y")
            row = Row(
                layer=max(int(network.nodes[step - 1].point.layer), 1),
                symbol=written.symbol.text,
                rule=written.right.text,
                shape=hand.shape,
                entry=slopes.entry,
                by_hand=float(hand[slopes.entry]),
                autodiff=float(autodiff[slopes.entry]),
                finite=slopes.slope,
                error=float(np.max(np.abs(autodiff - hand)) / scale),
                finite_error=slopes.worst,
                cancellation=max(1.0, size / scale),
                uncertainty=slopes.uncertainty + min(1e-12 * size / finite_scale, 0.1),
                place=network.nodes[step - 1].place,
                equation=equations[name],
            )
            rows.append(row)
    return Comparison(tuple(rows), tolerance).in_notation(notation)


def _arrays(network: Network, step: int, value: Any) -> list[tuple[str, Any]]:
    """Return the Tensors of a step by which E is differentiated."""
    module: Any = network.nodes[step - 1].module
    parameters = [("weight", module.weight), ("bias", module.bias)]
    return [("delta", value), *((name, p) for name, p in parameters if p is not None)]


def _scale(gradient: Any, size: float, dtype: Any) -> float:
    """Return what errors are relative to: the largest entry, or if all of it is rounding, its terms' size."""
    largest = float(np.max(np.abs(gradient)))
    return largest if largest > 64 * float(np.finfo(dtype).eps) * size else size or 1.0


def _gradients(record: Record) -> dict[str, Any]:
    """Return the gradients that the rules give."""
    named = {"W": "weight", "gamma": "weight", "b": "bias", "beta": "bias"}
    return {"delta": record.u, **{named[letter]: gradient for letter, gradient in record.gradients.items()}}


def _with_terms(record: Record, lost: Any) -> dict[str, tuple[Any, Any, Any]]:
    """Return the gradients that the rules give, each with the size of its terms, and of those lost on the way."""
    u = record.u
    assert u is not None
    sizes = np.abs(u), np.broadcast_to(lost, u.shape)
    terms = [sizes, *([_terms(record, letter, size) for size in sizes] for letter in record.gradients)]
    return {name: (g, *both) for (name, g), both in zip(_gradients(record).items(), terms, strict=True)}


def _terms(record: Record, letter: str, size: Any) -> Any:
    """Return the size of the terms of a parameter's gradient, from that of the cotangent's."""
    rows = size.reshape(-1, size.shape[-1])
    if letter == "W":
        return rows.T @ np.abs(record.x.reshape(-1, record.x.shape[-1]))
    if letter == "b":
        return rows.sum(axis=0)
    if letter == "gamma":  # times x^ = (x - mean) / s, in which x and mean cancel
        layer: Any = record.layer
        mean, s = layer._mean_and_s(record.x)
        size = size * (np.abs(record.x) + np.abs(mean)) / s
    return size.reshape(-1, *record.gradients[letter].shape).sum(axis=0)


def _cancellation(o: Any, y: Any, loss: Loss) -> float:
    """Return by how much larger the outputs are than o - y, which is what the deltas start from."""
    if loss.name in ("absolute_error", "hinge"):
        return 1.0
    if y.shape != o.shape:
        y = np.asarray(y[..., None] == np.arange(o.shape[-1]), float)
    elif loss.keywords.get("log_targets"):
        y = np.exp(y)
    return float(np.max(np.abs(o)) / (np.max(np.abs(o - y)) or 1.0))
