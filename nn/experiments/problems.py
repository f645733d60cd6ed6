"""Problems: m outputs as m learning problems whose gradients add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import whole
from ..functional import log_softmax, tanh
from ..layers import MLP
from ..losses import binary_cross_entropy_with_logits, cross_entropy, squared_error
from .arguments import seeds_of
from .counting import Counted, counting
from .panels import MARKS, panel
from .result import Experiment, Spread

__all__ = ["outputs"]

ALPHA = 0.5
Loss = Callable[[Any, Any], Any]

# what the outputs are: the loss of all together, from z, and that of the k-th output alone
PROBLEMS: dict[str, tuple[Loss, Callable[[Any, Any, int], Any]]] = {
    "identity, squared error": (
        squared_error,
        lambda z, y, k: squared_error(z[:, k : k + 1], y[:, k : k + 1]),
    ),
    "sigmoid, log loss": (
        binary_cross_entropy_with_logits,
        lambda z, y, k: binary_cross_entropy_with_logits(z[:, k : k + 1], y[:, k : k + 1]),
    ),
    "softmax, cross-entropy": (
        cross_entropy,
        lambda z, y, k: -np.sum(y[:, k] * log_softmax(z)[:, k]) / y.shape[0],
    ),
}


def _forward(weights: list[Any], x: Any) -> tuple[Any, Any]:
    """Return z of the hidden layer and of the outputs."""
    W1, b1, W2, b2 = weights
    hidden = x @ W1.T + b1
    return hidden, tanh(hidden) @ W2.T + b2


def _together(weights: list[Any], x: Any, y: Any, loss: Loss) -> tuple[Any, ...]:
    """Return the gradients of the whole loss by z of hidden layer and outputs and by each of the weights: one sweep."""
    hidden, z = _forward(weights, x)
    return ag.gradients(loss(z, y), [hidden, z, *weights])  # type: ignore[no-any-return]


def _apart(weights: list[Any], x: Any, y: Any, one: Callable[[Any, Any, int], Any]) -> list[tuple[Any, ...]]:
    """Return the same of each output's loss: m sweeps over one forward pass."""
    hidden, z = _forward(weights, x)
    return [ag.gradients(one(z, y, k), [hidden, z, *weights]) for k in range(y.shape[1])]


def _in_between(values: list[Any], x: Any, y: Any, one: Callable[[Any, Any, int], Any]) -> list[Any]:
    """Return the weights after a step for each output's loss, each from where the one before led."""
    for k in range(y.shape[1]):
        weights = [ag.Tensor(v, requires_grad=True) for v in values]
        _, z = _forward(weights, x)
        found = ag.gradients(one(z, y, k), weights)
        values = [v - ALPHA * g for v, g in zip(values, found, strict=True)]
    return values


def outputs(seeds: Any = 5, *, m: int = 4, width: int = 8, samples: int = 20) -> Experiment:
    r"""Show m outputs as m learning problems: their losses' gradients add up (claim R8).

    .. math:: \frac{\partial E}{\partial w} = \sum_{k=1}^{m} \frac{\partial E_k}{\partial w}

    The gradient of the whole loss, one sweep, is held against the sum of those of each output's own loss
    :math:`E_k`, a sweep each; the same for the deltas of the hidden layer; and the step that follows against m
    steps, one after each problem, with the learning rate 0.5. The network has one hidden layer of tanh.

    Parameters
    ----------
    seeds : int or iterable of int
        How many networks and data sets are drawn, or from which seeds.
    m : int
        The number of outputs, at least 2.
    width : int
        Hidden units, and inputs.
    samples : int
        Rows of the batch.

    Returns
    -------
    Experiment
        Its data, (seeds, problems) each: ``differences`` and ``hidden``, the largest difference between the sum and
        the whole over the largest entry of the whole, for the weights and for the hidden layer's deltas; ``elsewhere``,
        which part of the outputs' deltas of all :math:`E_k`, in absolute values, lies at other outputs than k;
        ``against``, for which part of the first layer's weights some :math:`E_k` wants the other direction than E;
        ``between``, the distance of the weights after m steps from those after one, over the length of that step. And
        ``multiplications`` of the one sweep and of the m sweeps, losses included, (2,), for the first problem.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.outputs(seeds=2, m=3)
    >>> bool((found.data["differences"] < 1e-12).all())
    True
    """
    chosen = seeds_of("outputs", seeds)
    m, width = whole("outputs", "m", m, 2), whole("outputs", "width", width, 1)
    samples = whole("outputs", "samples", samples, 1)
    differences, hidden, elsewhere, against, between = np.empty((5, len(chosen), len(PROBLEMS)))
    for s, seed in enumerate(chosen):
        for p, (loss, one) in enumerate(PROBLEMS.values()):
            rng = np.random.default_rng(seed)
            values, x, y = _drawn(rng, m, width, samples)
            weights = [ag.Tensor(v, requires_grad=True) for v in values]
            together, apart = _together(weights, x, y, loss), _apart(weights, x, y, one)
            sums = [np.sum(parts, axis=0) for parts in zip(*apart, strict=True)]
            hidden[s, p] = _apart_by(sums[:1], together[:1])
            differences[s, p] = _apart_by(sums[2:], together[2:])
            deltas = np.abs([parts[1] for parts in apart])  # of E_k, by sample and output
            elsewhere[s, p] = sum(np.delete(deltas[k], k, axis=1).sum() for k in range(m)) / deltas.sum()
            against[s, p] = np.mean(np.any([parts[2] * together[2] < 0 for parts in apart], axis=0))
            after = [v - ALPHA * g for v, g in zip(values, together[2:], strict=True)]
            steps = [b - a for b, a in zip(_in_between(values, x, y, one), after, strict=True)]
            between[s, p] = _length(steps) / (ALPHA * _length(together[2:]))
    loss, one = PROBLEMS["identity, squared error"]
    values, x, y = _drawn(np.random.default_rng(chosen[0]), m, width, samples)
    weights = [ag.Tensor(Counted(v), requires_grad=True) for v in values]
    with counting() as forward:
        _forward(weights, Counted(x))
    with counting() as once:
        _together(weights, Counted(x), Counted(y), loss)
    with counting() as often:
        _apart(weights, Counted(x), Counted(y), one)
    multiplications = np.array([t.multiplications - forward.multiplications for t in (once, often)])
    rows = tuple(
        (
            name,
            float(differences[:, p].max()),
            float(hidden[:, p].max()),
            Spread(100 * elsewhere[:, p]),
            Spread(100 * against[:, p]),
            Spread(100 * between[:, p]),
        )
        for p, name in enumerate(PROBLEMS)
    )
    finding = (
        f"The gradients of {m} outputs' losses add up to that of the whole, with a largest difference of "
        f"{max(differences.max(), hidden.max()):.1g} of the largest entry, in the weights and in the hidden layer's "
        f"deltas. One sweep takes {multiplications[0]:,} multiplications, {m} sweeps {multiplications[1]:,}, "
        f"{multiplications[1] / multiplications[0]:.2f} times as many. In softmax "
        f"{100 * elsewhere[:, -1].mean():.0f} % of the outputs' deltas lie at other outputs than the loss's own, "
        f"elsewhere {100 * elsewhere[:, :-1].max():.0f} %."
    )
    notes = (
        "The problems add up, and are not independent: they share the first layer, where some output's loss would "
        "have many weights moved the other way than the sum does (fifth column).",
        "Under a softmax the losses add up too, but the loss of one output changes with all z. The deltas of a sample "
        "add up to 0 over the outputs, so that half of them, in absolute values, lie elsewhere, whatever the weights.",
        "Gradients add up at the same weights only. A step after each problem, in place of one after the sum, leads "
        "elsewhere (last column).",
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        panel(left, "what m problems share", "%", "")
        panel(right, "cost", "multiplications", "")
        names = [name.replace(", ", ",\n") for name in PROBLEMS]
        measures = (
            (elsewhere, "deltas at other outputs"),
            (against, "weights some output wants moved otherwise"),
            (between, "error of a step after each"),
        )
        for i, (values, label) in enumerate(measures):
            for p in range(len(PROBLEMS)):
                left.plot(
                    100 * values[:, p],
                    np.full(len(chosen), p + 0.2 * (i - 1)),
                    MARKS[i],
                    color=f"C{i}",
                    alpha=0.7,
                    label=None if p else label,
                )
        left.set_yticks(range(len(PROBLEMS)), names)
        left.set_ylim(len(PROBLEMS) - 0.5, -0.5)
        left.legend(fontsize="small", frameon=False, loc="upper center", bbox_to_anchor=(0.4, -0.2))
        bars = right.barh(["one sweep", f"{m} sweeps"], multiplications, color=["C3", "C4"], height=0.5)
        right.bar_label(bars, [f"{n:,}" for n in multiplications], padding=3)
        right.set(xlim=(0, 1.25 * multiplications.max()), xticks=[])
        right.invert_yaxis()

    return Experiment(
        "Are m outputs m problems added up?",
        ("R8",),
        finding,
        (
            "outputs, loss",
            "difference of the gradients",
            "of the hidden deltas",
            "deltas elsewhere, %",
            "wanted otherwise, %",
            "stepping in between, %",
        ),
        rows,
        {
            "problems": tuple(PROBLEMS),
            "seeds": chosen,
            "differences": differences,
            "hidden": hidden,
            "elsewhere": elsewhere,
            "against": against,
            "between": between,
            "multiplications": multiplications,
        },
        notes,
        draw=draw,
    )


def _drawn(rng: np.random.Generator, m: int, width: int, samples: int) -> tuple[list[Any], Any, Any]:
    """Return weights, inputs, and one-hot targets, which fit each of the losses."""
    model = MLP([width, width, m], "tanh", rng=rng)
    values = [p.numpy() for p in model.parameters()]
    return values, rng.normal(size=(samples, width)), np.eye(m)[rng.integers(m, size=samples)]


def _apart_by(found: Any, right: Any) -> float:
    """Return the largest difference over the largest entry, over several arrays."""
    largest = max(np.abs(r).max() for r in right)
    return float(max(np.abs(f - r).max() for f, r in zip(found, right, strict=True)) / largest)


def _length(arrays: Any) -> float:
    return float(np.sqrt(sum(np.sum(a * a) for a in arrays)))
