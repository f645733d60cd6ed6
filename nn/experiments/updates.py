"""Updates: in which sense and by how much a weight moves, against the signals at its two ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import positive, whole
from ..layers import MLP, Linear
from ..losses import squared_error
from ..module import observe
from ..optim import SGD, Adam, Optimizer
from .arguments import seeds_of
from .panels import MARKS, ink, legend, panel
from .result import Experiment, Spread

__all__ = ["update_sense"]

WARM = 5  # steps before the one that is looked at, so that momentum and Adam have something to remember
RULES: dict[str, Callable[[Any, float], Optimizer]] = {
    "gradient descent": lambda p, alpha: SGD(p, lr=alpha),
    "momentum 0.9": lambda p, alpha: SGD(p, lr=alpha, momentum=0.9),
    "weight decay 0.1": lambda p, alpha: SGD(p, lr=alpha, weight_decay=0.1),
    "Adam": lambda p, alpha: Adam(p, lr=alpha / 10),
}


def _products(model: Any, x: Any, y: Any) -> Any:
    """Return a_i Delta_j, averaged over the samples, for each weight of each layer, as one vector.

    Delta = -dE/dz, of the loss of all samples.
    """
    inputs, zs = [x], []

    def kept(module: Any, output: Any) -> None:
        if module is model:
            return
        if isinstance(module, Linear):
            zs.append(output)
        else:
            inputs.append(output.numpy())

    with observe(kept):
        error = squared_error(model(x), y)
    Deltas = [-delta for delta in ag.gradients(error, zs)]
    return np.concatenate([(Delta.T @ a).ravel() for Delta, a in zip(Deltas, inputs, strict=False)])


def _weights(model: Any) -> Any:
    return np.concatenate([layer.weight.data.ravel() for layer in model.layers if isinstance(layer, Linear)])


def update_sense(seeds: Any = 20, *, width: int = 5, depth: int = 2, batch: int = 16, alpha: float = 0.1) -> Experiment:
    r"""Hold the change of each weight against the signals at its ends, :math:`a_i` and :math:`\Delta_j` (claim R16).

    By :math:`w_{ij} \leftarrow w_{ij} + \alpha a_i \Delta_j`, :math:`\Delta = -\partial E / \partial z`, a weight
    grows exactly where both have one sign, and by :math:`\alpha` times their product. Each network is trained for five
    steps, and the sixth is looked at: on one sample, and on a mini-batch, where the mean of the products decides.

    Parameters
    ----------
    seeds : int or iterable of int
        How many networks and data sets are drawn, or from which seeds.
    width : int
        Units of each layer of tanh, and inputs.
    depth : int
        Hidden layers.
    batch : int
        Samples of a mini-batch, at least 2.
    alpha : float
        The learning rate, positive; Adam's is a tenth of it.

    Returns
    -------
    Experiment
        Its data: ``agree``, for which part of the weights that moved the change has the sign of the product, and
        ``slopes``, that of the line through the origin from products to changes over the learning rate, and
        ``correlations``, (seeds, rules, 2), for one sample and for a mini-batch; ``opposed``, for which part of the
        samples and weights of a mini-batch the sample's product has another sign than the mean, (seeds,);
        ``products`` and ``changes`` of the first seed's weights on one sample, (rules, weights).

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.update_sense(seeds=3)
    >>> bool((found.data["agree"][:, 0] == 1).all())  # gradient descent
    True
    """
    chosen = seeds_of("update_sense", seeds)
    width, depth = whole("update_sense", "width", width, 1), whole("update_sense", "depth", depth, 1)
    batch = whole("update_sense", "batch", batch, 2)
    alpha = positive("update_sense", "alpha", alpha)
    agree, slopes, correlations = np.empty((3, len(chosen), len(RULES), 2))
    opposed = np.empty(len(chosen))
    shown_products, shown_changes = [], []
    with np.errstate(all="ignore"):  # what is not finite is refused below
        for s, seed in enumerate(chosen):
            for r, rule in enumerate(RULES.values()):
                for k, n in enumerate((1, batch)):
                    rng = np.random.default_rng(seed)
                    model = MLP([width] * (depth + 1) + [2], "tanh", rng=rng)
                    optimizer = rule(model.parameters(), alpha)
                    for _ in range(WARM):
                        x, y = rng.normal(size=(n, width)), rng.normal(size=(n, 2))
                        _step(model, optimizer, x, y)
                    x, y = rng.normal(size=(n, width)), rng.normal(size=(n, 2))
                    products, before = _products(model, x, y), _weights(model)
                    if r == 0 and k == 1:
                        each = np.array([_products(model, x[i : i + 1], y[i : i + 1]) for i in range(n)])
                        opposed[s] = np.mean(each * products < 0)
                    _step(model, optimizer, x, y)
                    changes = _weights(model) - before
                    moved = (products != 0) & (changes != 0)  # a change too small for the weight's digits is 0
                    if not moved.any() or not np.isfinite(changes).all():
                        raise ValueError(
                            f"update_sense: alpha is {alpha:g}, with which {_outcome(moved)}, but it must move "
                            "weights by a finite amount. Write alpha=0.1."
                        )
                    agree[s, r, k] = np.mean(changes[moved] * products[moved] > 0)
                    slopes[s, r, k] = changes @ products / (products @ products) / optimizer.lr
                    correlations[s, r, k] = np.corrcoef(changes, products)[0, 1]
                    if s == 0 and k == 0:
                        shown_products.append(products)
                        shown_changes.append(changes)
    rows = tuple(
        (
            name,
            "a mini-batch" if k else "one sample",
            Spread(100 * agree[:, r, k]),
            Spread(slopes[:, r, k]),
            Spread(correlations[:, r, k]),
        )
        for r, name in enumerate(RULES)
        for k in (0, 1)
    )
    others = "; ".join(f"{name} {Spread(100 * agree[:, r, 0])} %" for r, name in enumerate(RULES) if r)
    finding = (
        f"In gradient descent {100 * agree[:, 0].mean():.4g} % of the weights move in the sense of the product of "
        f"their two signals, by {slopes[:, 0].mean():.4g} α times it. In a mini-batch of {batch} the mean decides: "
        f"{Spread(100 * opposed)} % of the single samples' products have another sign than the step. With a memory "
        f"or another force so many weights follow the sample: {others}."
    )
    notes = (
        "The claim is exact for plain gradient descent on the samples whose products are averaged. Momentum adds the "
        "steps before, weight decay a pull to 0, and Adam divides by a size of its own for each weight: with each, a "
        "weight may move against its product.",
        "A product of 0, as behind a ReLU that is off, moves nothing in gradient descent; with the others it may.",
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        panel(left, "one sample, first network", "a Δ", "change of the weight / α")
        panel(right, "in the sense of their product", "% of the weights", "")
        largest = np.abs(shown_products).max()
        for r, name in enumerate(RULES):
            scale = alpha / 10 if name == "Adam" else alpha
            look = {"markersize": 4, "linestyle": "", "marker": MARKS[r]}
            left.plot(shown_products[r], shown_changes[r] / scale, color=f"C{r}", label=name, alpha=0.8, **look)
            for k in (0, 1):
                place = np.full(len(chosen), r + 0.2 * (k - 0.5) * 2)
                right.plot(
                    100 * agree[:, r, k], place, "os"[k], color=f"C{r}", alpha=0.5, markersize=5, fillstyle="none"
                )
        left.axline((0, 0), slope=1, color=ink(left), linewidth=1, linestyle=":")
        left.set_xlim(-1.1 * largest, 1.1 * largest)
        right.set_yticks(range(len(RULES)), list(RULES))
        right.set_ylim(len(RULES) - 0.5, -0.5)
        right.set_xlabel("% of the weights (squares: mini-batches)")
        legend(left)

    return Experiment(
        "Does a weight grow exactly where the signals at its ends agree in sign?",
        ("R16",),
        finding,
        ("rule", "step on", "in the sense of a Δ, %", "slope / its α", "correlation"),
        rows,
        {
            "rules": tuple(RULES),
            "seeds": chosen,
            "agree": agree,
            "slopes": slopes,
            "correlations": correlations,
            "opposed": opposed,
            "products": np.array(shown_products),
            "changes": np.array(shown_changes),
        },
        notes,
        draw=draw,
    )


def _step(model: Any, optimizer: Optimizer, x: Any, y: Any) -> None:
    optimizer.zero_grad()
    squared_error(model(x), y).backward()
    optimizer.step()


def _outcome(moved: Any) -> str:
    return "the weights become infinite" if moved.any() else "no weight moves"
