"""Paths: how many lead from the loss to the weights, against the edges that a sweep passes over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import whole
from ..functional import sigmoid
from ..layers import MLP, Linear
from .arguments import seeds_of, wholes_of
from .panels import LARGEST, MARKS, ink, legend, panel
from .result import Experiment, Spread, number

__all__ = ["expanded", "path_counts"]

LONGEST = 20_000  # paths: of more, each by itself takes too long


def expanded(result: ag.Tensor) -> tuple[dict[Any, float], int]:
    r"""Return the gradient as the sum over all paths, each the product of the derivatives along its edges.

    .. math:: \frac{\partial E}{\partial w} = \sum_{\text{paths}} \prod_{\text{edges}} \frac{\partial y}{\partial x}

    Nothing that two paths share is reused.

    Parameters
    ----------
    result : Tensor
        A scalar computed from scalars.

    Returns
    -------
    gradient : dict of Node to float
        For each leaf's node.
    multiplications : int
        One for each edge of each path.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> from nn.experiments.paths import expanded
    >>> x = ag.Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> gradient, multiplications = expanded(y * y)  # 4 paths, each 9 * 3
    >>> print(gradient[x.node], multiplications)
    108.0 8
    """
    edges = {n: [(p, _local(n, i)) for i, p in _parents(n)] for n in _newest_first(result.node)}
    found: dict[Any, float] = {}
    multiplications = 0
    waiting: list[tuple[Any, tuple[float, ...]]] = [(result.node, ())]
    while waiting:
        node, path = waiting.pop()
        if edges[node]:
            waiting += [(parent, (*path, derivative)) for parent, derivative in edges[node]]
        else:
            found[node] = found.get(node, 0.0) + math.prod(path)
            multiplications += len(path)  # the first is 1 times the first derivative
    return found, multiplications


def _parents(node: Any) -> list[tuple[int, Any]]:
    """Return the nodes that a cotangent passes on to, with the number of the operand each is."""
    return [(i, p) for i, p in enumerate(node.parents) if p is not None and p.requires_grad]


def _newest_first(end: Any) -> list[Any]:
    """Return the nodes that lead to `end`: what is newer is never an operand of what is older."""
    seen, waiting = {end}, [end]
    while waiting:
        for _, parent in _parents(waiting.pop()):
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return sorted(seen, key=lambda node: -node.serial)


def _local(node: Any, i: int) -> float:
    """Return the derivative of a scalar by its operand number i, as the engine's rule for it has it."""
    return float(node.rule.vjps[i](np.ones(()), node.out, *node.args, **(node.kwargs or {})))


def _unrolled(weights: Sequence[Any], x: Sequence[float], y: float) -> tuple[ag.Tensor, list[ag.Tensor]]:
    """Return the squared error of a sigmoid network, neuron by neuron, and its weights, in scalars."""
    leaves: list[ag.Tensor] = []
    a: list[Any] = list(x)
    for W in weights:
        outputs = []
        for row in W:
            w = [ag.Tensor(float(v), requires_grad=True) for v in row]
            leaves += w
            z = w[0] * a[0]
            for w_j, a_j in zip(w[1:], a[1:], strict=True):
                z = z + w_j * a_j
            outputs.append(sigmoid(z))
        a = outputs
    error = a[0] - y
    return 0.5 * error**2, leaves


def path_counts(seeds: Any = 3, *, depths: Sequence[int] = (1, 2, 3, 4, 5, 6, 7, 8), width: int = 3) -> Experiment:
    r"""Count the paths through a network against the edges that the reverse sweep visits (claim M7).

    The network is written out in scalars, neuron by neuron, as a textbook draws it, and what the engine records of it
    is gone through. A weight of layer l is reached by one path for each choice of a neuron in each layer above: a
    product of widths, which grows exponentially with the depth. The sweep adds up at each node what its uses send back
    and passes the sum on, so that it visits each edge once: that is dynamic programming. Where there are not more than
    20,000 paths, the gradient is found path by path, too, and compared.

    Parameters
    ----------
    seeds : int or iterable of int
        How many networks are drawn, or from which seeds. The counts are the same for all.
    depths : sequence of int
        Hidden layers of each network.
    width : int
        Units of each layer, and inputs; with one there is but one path to each weight.

    Returns
    -------
    Experiment
        Its data: ``paths``, ``factors`` (the edges of all paths together), ``edges``, ``weights``, (depths,);
        ``multiplications``, those of the expansion, -1 where it was left out, (depths,); ``differences``, the largest
        relative one between the two gradients, NaN where it was left out, (seeds, depths).

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.path_counts(seeds=1, depths=[1, 2, 3], width=2)
    >>> print(found.data["paths"], found.data["edges"])
    [6 14 30] [20 34 48]
    """
    chosen = seeds_of("path_counts", seeds)
    width = whole("path_counts", "width", width, 1)
    sizes = np.array(wholes_of("path_counts", "depths", depths, "(1, 2, 3)"))
    counts, multiplications = [], np.full(len(sizes), -1)
    weights = np.empty(len(sizes), int)
    differences = np.full((len(chosen), len(sizes)), np.nan)
    for n, depth in enumerate(sizes):
        for s, seed in enumerate(chosen):
            rng = np.random.default_rng(seed)
            model = MLP([width] * (depth + 1) + [1], "sigmoid", rng=rng)
            matrices = [layer.weight.numpy() for layer in model.layers if isinstance(layer, Linear)]
            error, leaves = _unrolled(matrices, rng.normal(size=width).tolist(), 1.0)
            counted = ag.paths(error, max_numbers=10**9)  # all that there are
            weights[n] = len(leaves)
            if counted.count <= LONGEST:
                swept = np.array(ag.gradients(error, leaves))
                by_path, multiplications[n] = expanded(error)
                walked = np.array([by_path[leaf.node] for leaf in leaves])
                least = np.finfo(float).tiny  # below, digits are lost
                differences[s, n] = (np.abs(walked - swept) / np.maximum(np.abs(swept), least)).max()
        counts.append((counted.count, counted.factors, counted.edges))
    paths, factors, edges = (np.array(column, object) for column in zip(*counts, strict=True))
    rows = tuple(
        (
            int(depth),
            int(weights[n]),
            int(paths[n]),
            int(factors[n]),
            int(edges[n]),
            Spread(differences[:, n], "median") if multiplications[n] >= 0 else "not expanded",
        )
        for n, depth in enumerate(sizes)
    )
    done = multiplications >= 0
    many, far, visits = (number(column[-1]) for column in (paths, factors, edges))
    finding = (
        f"At depth {sizes[-1]} and width {width}, {many} paths lead from the loss to {weights[-1]:,} weights, {far} "
        f"factors in all, and the sweep visits {visits} edges. "
    )
    if len(sizes) > 1:
        finding += (
            f"From depth {sizes[-2]} to {sizes[-1]} the paths become {Decimal(paths[-1]) / paths[-2]:.3g} times as "
            f"many, the edges {edges[-1] / edges[-2]:.3g} times. "
        )
    if done.any():
        finding += (
            f"Up to depth {sizes[done][-1]} each path was worked out: no entry of the gradient differs by more than "
            f"{differences[:, done].max():.1g} of itself."
        )
    notes = (
        "A pass per weight is no expansion: a sweep to one weight adds up at each node, too, and costs in proportion "
        "to the edges. It is the expansion that is exponential (see gradient_cost).",
        "The counting itself adds up at each node: so many paths can be counted, though not walked.",
    )

    def draw(figure: Any) -> None:
        axes = panel(figure.subplots(), f"from the loss to the weights, width {width}", "hidden layers", "", log="y")
        for k, (values, label) in enumerate(
            ((factors, "derivatives multiplied, path by path"), (paths, "paths"), (edges, "edges that a sweep visits"))
        ):
            drawn = np.minimum(values, int(LARGEST)).astype(float)
            axes.plot(sizes, drawn, f"{MARKS[k]}-", color=f"C{k}", markersize=4, label=label)
        if done.any():
            style = {"facecolors": "none", "edgecolors": ink(axes), "s": 60, "zorder": 3}
            axes.scatter(sizes[done], multiplications[done], label="derivatives multiplied: carried out", **style)
        axes.xaxis.get_major_locator().set_params(integer=True)
        legend(axes)

    return Experiment(
        "How many paths does a sweep save?",
        ("M7",),
        finding.strip(),
        ("hidden layers", "weights", "paths", "derivatives along them", "edges visited", "largest difference"),
        rows,
        {
            "seeds": chosen,
            "depths": sizes,
            "weights": weights,
            "paths": paths,
            "factors": factors,
            "edges": edges,
            "multiplications": multiplications,
            "differences": differences,
        },
        notes,
        draw=draw,
    )
