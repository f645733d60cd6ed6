"""Depth: how deltas change on their way to the first layer, and what each remedy does about it."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_mini as ag

from .. import functional, init
from ..checks import shown, whole
from ..layers import MLP, BatchNorm1d, Linear, ReLU, Residual, Sequential, Sigmoid
from ..losses import cross_entropy, squared_error
from ..metrics import accuracy
from ..module import Module, observe
from ..optim import SGD
from .arguments import positive_of, seeds_of
from .panels import MARKS, band, ink, legend, panel
from .result import Experiment, Spread
from .trials import Trial, digits

__all__ = ["REMEDIES", "remedies", "vanishing"]

LARGE = 16  # times Xavier's weights
NETWORKS: dict[str, tuple[str, Any]] = {  # what is drawn: activation, initializer
    "sigmoid, Xavier": ("sigmoid", init.xavier_uniform),
    "sigmoid, ±0.01": ("sigmoid", init.uniform()),
    f"sigmoid, {LARGE} × Xavier": ("sigmoid", functools.partial(init.xavier_uniform, gain=LARGE)),
    "tanh, Xavier": ("tanh", init.xavier_uniform),
}
LOST = 1e-290  # of the last delta: what is left beyond has lost its digits, or all of it
STEEPEST = {"sigmoid": 0.25, "tanh": 1.0}  # the greatest slope, at z = 0


def norms_of_deltas(model: Module, x: Any, y: Any, loss: Any) -> tuple[Any, list[Any]]:
    """Return the norm of each Linear layer's delta = dE/dz over a batch, from the first layer on, and the z."""
    zs: list[Any] = []

    def kept(module: Module, output: Any) -> None:
        if isinstance(module, Linear):
            zs.append(output)

    with observe(kept):
        error = loss(model(x), y)
    return np.array([np.linalg.norm(d) for d in ag.gradients(error, zs)]), [z.numpy() for z in zs]


def vanishing(seeds: Any = 5, *, depth: int = 10, width: int = 32, samples: int = 64) -> Experiment:
    r"""Measure how deltas change through a deep network, against the slope of its activation (claims Y15, R13).

    By the delta rule :math:`\delta^l = f'(z^l) * (W^{l+1})^T \delta^{l+1}`, so that

    .. math:: \frac{\|\delta^l\|}{\|\delta^L\|} \le \prod_{k=l+1}^{L} f'_{max} \|W^k\|_2

    with the largest singular values :math:`\|W^k\|_2`. For a sigmoid :math:`f'_{max} = 1/4`, and the note's
    :math:`0.25^{L-l}` is what is left if each of these norms is 1. Weights and data are random; nothing is trained.

    Parameters
    ----------
    seeds : int or iterable of int
        How many networks and data sets are drawn, or from which seeds.
    depth : int
        The number L of hidden layers, at least 2. Beyond some 140, deltas under weights within ±0.01 become 0: smaller
        than the least float.
    width : int
        Units of each, and inputs.
    samples : int
        Rows of the batch.

    Returns
    -------
    Experiment
        Its data: ``deltas``, the norms over the batch, and ``bounds``, the product above, (seeds, networks, depth),
        the first layer first; ``slopes``, the mean of f'(z) per layer, and ``weights``, the norms of the weights that
        lead to each layer, in the same shape.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.vanishing(seeds=2, depth=6, width=8)
    >>> deltas = found.data["deltas"]  # seeds, networks, layers
    >>> bool((deltas[:, 0, 0] < 0.01 * deltas[:, 0, -1]).all())  # Xavier's: of the first layer and of the last
    True
    """
    chosen = seeds_of("vanishing", seeds)
    depth, width = whole("vanishing", "depth", depth, 2), whole("vanishing", "width", width, 1)
    samples = whole("vanishing", "samples", samples, 1)
    shape = len(chosen), len(NETWORKS), depth
    deltas, bounds, slopes, weights = (np.empty(shape) for _ in range(4))
    for s, seed in enumerate(chosen):
        for k, (activation, initializer) in enumerate(NETWORKS.values()):
            rng = np.random.default_rng(seed)
            x, y = rng.normal(size=(samples, width)), rng.normal(size=(samples, 1))
            model = MLP([width] * (depth + 1) + [1], activation, initializer=initializer, rng=rng)
            norms, zs = norms_of_deltas(model, x, y, squared_error)
            deltas[s, k] = norms[:-1]  # the last is the output layer's, which has no activation
            f = getattr(functional, activation)
            slopes[s, k] = [ag.elementwise_grad(f)(z).mean() for z in zs[:-1]]
            layers = [layer for layer in model.layers if isinstance(layer, Linear)]
            weights[s, k] = [np.linalg.norm(layer.weight.numpy(), 2) for layer in layers[:-1]]
            steps = STEEPEST[activation] * weights[s, k, 1:]
            bounds[s, k] = [np.prod(steps[i:]) for i in range(depth)]
    ratios = deltas / deltas[..., -1:]
    factors = _per_layer(ratios)
    alone = 0.25 ** (depth - 1)
    above = (ratios[..., 0] > alone).sum(axis=0)
    rows = tuple(
        (
            name,
            Spread(ratios[:, k, 0], "median"),
            Spread(factors[:, k]),
            Spread(bounds[:, k, 0] ** (1 / (depth - 1))),
            Spread(slopes[:, k].mean(axis=1)),
            f"{above[k]} of {len(chosen)}",
        )
        for k, name in enumerate(NETWORKS)
    )
    middle = np.median(ratios[..., 0], axis=0)
    kept = bool((ratios <= bounds * (1 + 1e-9) + LOST).all())
    finding = (
        f"Through {depth} sigmoid layers with Xavier's weights each layer multiplies the deltas by "
        f"{Spread(factors[:, 0])}, and the first layer has {middle[0]:.2g} of the last one's ({alone:.2g} by "
        f"0.25^{depth - 1}). Weights within ±0.01 multiply them by {Spread(factors[:, 1])}; {LARGE} times Xavier's by "
        f"{Spread(factors[:, 2])}, which is more than 0.25 allows in {_times(above[2], len(chosen))}; tanh with "
        f"Xavier's by {Spread(factors[:, 3])}. The bound with the norms of the weights was "
        f"{'exceeded nowhere' if kept else 'exceeded'}."
    )
    notes = (
        "0.25^L is no bound: it leaves out the weights. What holds is the product of 0.25 and the largest singular "
        "value of each layer's weights; large weights can make deltas grow although most units are saturated.",
        "Xavier's weights keep the length of what they multiply about as it is, so that what is left of a layer is the "
        "slope of its sigmoid, at most 0.25: there 0.25^L is a good estimate.",
        "Weights within ±0.01, which the same note advises, are small in a layer of few units, and make deltas vanish "
        "far faster than 0.25^L.",
        "Through very many layers the first deltas are smaller than the least float. The factor per layer is that down "
        "to the lowest layer whose deltas are not.",
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        panel(left, "deltas through the layers", "layer", "|δ|, where that of the last is 1", log="y")
        panel(right, "factor per layer", "measured (marks), bound (bars)", "", log="x")
        layers = np.arange(1, depth + 1)
        for k, name in enumerate(NETWORKS):
            band(left, layers, ratios[:, k], name, f"C{k}", marker=MARKS[k])
            right.plot(factors[:, k], np.full(len(chosen), k), MARKS[k], color=f"C{k}", alpha=0.7)
            right.plot(bounds[:, k, 0] ** (1 / (depth - 1)), np.full(len(chosen), k), "|", color=f"C{k}", markersize=12)
        left.plot(layers, 0.25 ** (depth - layers), ":", color=ink(left), label="0.25 for each layer")
        left.xaxis.get_major_locator().set_params(integer=True)
        legend(left)
        right.axvline(0.25, color=ink(right), linestyle=":")
        right.set(yticks=[], ylim=(len(NETWORKS) - 0.5, -0.5))

    return Experiment(
        "How much of the deltas reaches the first layer?",
        ("Y15", "R13"),
        finding,
        ("network", "|δ| of the first / last layer", "per layer", "bound per layer", "mean f'(z)", "above 0.25^(L-1)"),
        rows,
        {
            "networks": tuple(NETWORKS),
            "seeds": chosen,
            "deltas": deltas,
            "bounds": bounds,
            "slopes": slopes,
            "weights": weights,
        },
        notes,
        draw=draw,
    )


@dataclass(frozen=True)
class Remedy:
    """How a deep network is built."""

    initializer: init.Initializer
    activation: type[Module] = Sigmoid
    normalized: bool = False
    skips: bool = False

    def model(self, depth: int, width: int, rng: np.random.Generator) -> Sequential:
        """Return a network for the digits; its first layer changes the width, so no skip leads around it."""
        layers: list[Module] = []
        for i in range(depth):
            block: list[Module] = [Linear(width if i else 64, width, initializer=self.initializer, rng=rng)]
            if self.normalized:
                block.append(BatchNorm1d(width))
            block.append(self.activation())
            layers += [Residual(Sequential(*block))] if self.skips and i else block
        return Sequential(*layers, Linear(width, 10, initializer=self.initializer, rng=rng))


SMALL = init.uniform()  # R9
REMEDIES: dict[str, Remedy] = {
    "sigmoid, ±0.01": Remedy(SMALL),
    "sigmoid, Xavier": Remedy(init.xavier_uniform),
    "sigmoid, He": Remedy(init.he_normal),
    "ReLU, ±0.01": Remedy(SMALL, ReLU),
    "ReLU, He": Remedy(init.he_normal, ReLU),
    "sigmoid, Xavier, batch norm": Remedy(init.xavier_uniform, normalized=True),
    "sigmoid, Xavier, skips": Remedy(init.xavier_uniform, skips=True),
    "sigmoid, ±0.01, batch norm": Remedy(SMALL, normalized=True),
    "sigmoid, ±0.01, skips": Remedy(SMALL, skips=True),
}
USUAL = tuple(REMEDIES)[:7]
TRAIN, TEST, BATCH = 400, 500, 100  # digits
KEPT, LEARNED = 0.1, 0.2  # what is called so: at least this part of the last delta; of the digits, twice that by chance


def remedies(
    seeds: Any = 3,
    *,
    networks: Sequence[str] = USUAL,
    depth: int = 10,
    width: int = 16,
    steps: int = 60,
    rates: Sequence[float] = (0.03, 0.1),
) -> Experiment:
    """Measure what each remedy against vanishing gradients does for a deep sigmoid network (claim R14).

    All networks see the same digits in the same order and take the same number of steps of gradient descent with
    momentum 0.9, at each of some learning rates; of these, the one with the lowest training loss at the end counts.

    Parameters
    ----------
    seeds : int or iterable of int
        How often all is repeated, with other weights and other digits, or from which seeds.
    networks : sequence of str
        Names from ``REMEDIES`` of this module. By default all but two: batch normalisation and skip connections on
        weights within ±0.01.
    depth : int
        Hidden layers, at least 2.
    width : int
        Units of each.
    steps : int
        Steps of the training, on 100 of 400 digits each.
    rates : sequence of float
        Learning rates, each of which is tried.

    Returns
    -------
    Experiment
        Its data: ``ratios``, the norm of the first hidden layer's delta over that of the last one, before and after,
        (seeds, networks, 2); ``losses`` of the training digits and ``accuracies`` on 500 others, both after, and
        ``rates``, the learning rate that counts, (seeds, networks).

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> few = ["sigmoid, Xavier", "ReLU, He"]
    >>> found = nn.experiments.remedies(seeds=1, networks=few, steps=2, rates=[0.1])
    >>> sigmoid, relu = found.data["ratios"][0, :, 0]
    >>> bool(sigmoid < 1e-4 < 0.1 < relu)
    True
    """
    chosen = seeds_of("remedies", seeds)
    names = () if isinstance(networks, str) or not isinstance(networks, Iterable) else tuple(networks)
    if not names or not all(isinstance(name, str) and name in REMEDIES for name in names):
        raise ValueError(
            f"remedies: networks is {shown(networks)}, but must list some of these names: {'; '.join(REMEDIES)}. "
            "Write networks=['sigmoid, Xavier', 'ReLU, He']."
        )
    depth, width = whole("remedies", "depth", depth, 2), whole("remedies", "width", width, 1)
    steps = whole("remedies", "steps", steps, 1)
    tried = positive_of("remedies", "rates", rates, "(0.03, 0.1)")
    ratios = np.empty((len(chosen), len(names), 2))
    losses, accuracies, best = (np.empty((len(chosen), len(names))) for _ in range(3))
    for k, name in enumerate(names):
        for s, run in enumerate(_trained(REMEDIES[name], chosen, depth, width, steps, tried)):
            ratios[s, k], losses[s, k], accuracies[s, k], best[s, k] = run
    rows = tuple(
        (
            name,
            *(Spread(ratios[:, k, i], "median") for i in (0, -1)),
            Spread(losses[:, k], "median"),
            Spread(100 * accuracies[:, k], "median"),
        )
        for k, name in enumerate(names)
    )
    start, reached = np.median(ratios[..., 0], axis=0), np.median(accuracies, axis=0)

    def listed(wanted: Any) -> str:
        return "; ".join(n for n, w in zip(names, wanted, strict=True) if w) or "none"

    passes, learns = start >= KEPT, reached >= LEARNED
    alone = ""
    if {"sigmoid, ±0.01", "sigmoid, Xavier"} <= set(names):
        i, j = names.index("sigmoid, ±0.01"), names.index("sigmoid, Xavier")
        alone = (
            f"Xavier's weights alone change the ratio in a sigmoid network from {start[i]:.1g} to {start[j]:.1g}; of "
            f"the digits are right {100 * reached[i]:.3g} % without and {100 * reached[j]:.3g} % with them, by chance "
            "10 %. "
        )
    finding = alone + (
        f"At the start the first of {depth} layers has at least {KEPT:.0%} of the last one's delta in: "
        f"{listed(passes)}. After {steps} steps at least {LEARNED:.0%} of unseen digits are right in: "
        f"{listed(learns)}. Deltas that pass are not enough in: {listed(passes & ~learns)}. Best of all does "
        f"{names[int(np.argmax(reached))]}, with {100 * reached.max():.3g} % (median)."
    )
    notes = (
        "Xavier's and He's weights help a sigmoid network by orders of magnitude, and do not cure it: the slope of at "
        "most 0.25 is still in every layer. They keep deltas up where the slope is about 1, in tanh and ReLU.",
        "ReLU alone is no remedy either: with weights within ±0.01 its deltas vanish as a sigmoid's do, for its slope "
        "of 1 stands beside the weights. It needs weights that are large enough, such as He's.",
        "A skip connection keeps deltas up whatever the weights. That alone does not train a network: with weights "
        "within ±0.01 (networks=['sigmoid, ±0.01, skips']) all inputs look nearly alike in its layers.",
        "Test digits are predicted in evaluation mode: a batch normalisation's running means lag behind after few "
        "steps.",
    )

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        panel(left, "deltas", "|δ| of the first hidden layer / of the last", "", log="x")
        panel(right, f"digits after {steps} steps", "% right of the test digits (dotted: by chance)", "")
        places = np.arange(len(names))
        for axes, values, label in ((left, ratios[..., 0], "before"), (left, ratios[..., -1], "after")):
            shift = -0.15 if label == "before" else 0.15
            color = "C0" if label == "before" else "C1"
            for s in range(len(chosen)):
                axes.plot(
                    values[s],
                    places + shift,
                    "os"[label == "after"],
                    color=color,
                    alpha=0.7,
                    label=None if s else label,
                )
        for k in places:
            right.plot(100 * accuracies[:, k], np.full(len(chosen), k), "o", color="C2", alpha=0.7)
        left.set(yticks=places, yticklabels=names, ylim=(len(names) - 0.5, -0.5))
        left.axvline(1, color=ink(left), linestyle=":", linewidth=1)
        right.axvline(10, color=ink(right), linestyle=":", linewidth=1)
        right.set(xlim=(0, 100), yticks=places, ylim=(len(names) - 0.5, -0.5))
        right.set_yticklabels([])
        legend(left)

    return Experiment(
        "Which remedies let a deep network train?",
        ("R14",),
        finding,
        ("network", "|δ| first / last, before", "after", "training loss", "test digits right, %"),
        rows,
        {
            "networks": names,
            "seeds": chosen,
            "ratios": ratios,
            "losses": losses,
            "accuracies": accuracies,
            "rates": best,
        },
        notes,
        draw=draw,
    )


def _trained(remedy: Remedy, seeds: Sequence[int], depth: int, width: int, steps: int, rates: Sequence[float]) -> Any:
    """Yield (ratios, loss, accuracy, rate) of each seed's best training; the step is compiled once for all."""
    model = remedy.model(depth, width, np.random.default_rng(0))
    model.train()  # so that the first .eval().train() below changes nothing, and the step is not compiled again
    trial = Trial(model, cross_entropy, SGD(model.parameters(), lr=rates[0], momentum=0.9))
    for seed in seeds:
        (x, y), (x_test, y_test) = digits("remedies", seed, TRAIN, TEST)
        start = remedy.model(depth, width, np.random.default_rng(seed)).state_dict()
        trial.restart(rates[0], start)
        before = _first_to_last(model, x, y)
        runs = []
        for rate in rates:
            trial.restart(rate, start)
            with np.errstate(all="ignore"):  # a rate that is too large is no error here: another one counts
                for i in range(steps):
                    batch = np.arange(i * BATCH, (i + 1) * BATCH) % TRAIN
                    trial.step(x[batch], y[batch])
                after = _first_to_last(model, x, y)
                right = float(accuracy(model.eval()(x_test), y_test))
                model.train()
            runs.append((trial.value(x, y), right, rate, (before, after)))
        loss, right, rate, ratios = min(runs, key=lambda run: run[0])
        yield ratios, loss, right, rate


def _first_to_last(model: Module, x: Any, y: Any) -> float:
    """Return the norm of the first hidden layer's delta over that of the last one, 0 if neither has any.

    No running mean is moved.
    """
    before = model.state_dict()
    norms, _ = norms_of_deltas(model, x, y, cross_entropy)
    model.load_state_dict(before)
    return float(norms[0] / norms[-2]) if norms[-2] else 0.0  # all units of a ReLU layer may be off for good


def _per_layer(ratios: Any) -> Any:
    """Return the mean factor per layer, (seeds, networks), from the lowest layer whose deltas are not lost."""
    first = (ratios > LOST).argmax(axis=-1)
    steps = np.maximum(ratios.shape[-1] - 1 - first, 1)
    return np.take_along_axis(ratios, first[..., None], axis=-1)[..., 0] ** (1 / steps)


def _times(count: int, n: int) -> str:
    return f"{count} of {n} networks"
