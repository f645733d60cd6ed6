"""The learning rate (R11): too small, right, too large; and what momentum, RMSprop and Adam adjust."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import real, whole
from ..functional import tanh
from ..layers import MLP, Linear
from ..losses import cross_entropy, squared_error
from ..optim import SGD
from .arguments import positive_of, seeds_of
from .panels import MARKS, band, ink, legend, panel, shades
from .result import Experiment, Spread, between
from .trials import Trial, digits

__all__ = ["learning_rates"]

SCALES = (1.0, 0.7, 0.5, 0.3, 0.2)  # of the regression's inputs: valleys of which the steepest is 25 times the flattest
HALVINGS = 11  # of the interval [0, 2], within which the measured edge lies
ROUNDING = 1e-12  # of the first loss: a rise by less is none
LONG = 200  # steps after which the loss has begun to rise, if it ever does


def learning_rates(
    factors: Iterable[float] = (0.01, 0.1, 0.5, 0.95, 1.05, 2.0, 4.0, 8.0),
    *,
    steps: int = 100,
    seeds: int | Iterable[int] = 5,
    samples: int = 256,
    units: int = 16,
    reduction: float = 0.1,
) -> Experiment:
    r"""Measure what a learning rate does that is too small, right, or too large (claim R11).

    Batch gradient descent on two tasks. A linear regression, whose error is a quadratic: there
    :math:`w_{t+1} - w^* = (I - \alpha H)(w_t - w^*)`, so it converges exactly if :math:`\alpha < 2 / \lambda_{max}(H)`
    (LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998, section 5.1). And a network on digits, whose curvature
    changes on the way. Each rate is so many times :math:`2 / \lambda_{max}` of the task's Hessian at the start, which
    `autograd_mini.hessian` and `autograd_mini.hvp` give; the edge of the regression is also measured, by bisection.

    Parameters
    ----------
    factors : iterable of float
        The learning rates, in units of :math:`2 / \lambda_{max}`; taken in ascending order.
    steps : int
        Of gradient descent.
    seeds : int or iterable of int
        How many, or which: each draws the data and the first weights.
    samples, units : int
        Digits to learn, and hidden units (tanh) to learn them with.
    reduction : float
        Slow is what takes long to bring the loss down to this part of the first; of the regression, the loss above its
        minimum.

    Returns
    -------
    Experiment
        Its data: ``edge`` and ``measured_edge`` (seeds,) of the regression; ``loss`` (tasks, seeds, factors, steps +
        1), infinite from where it is no number; ``rises``, ``needed``, ``curvature`` (tasks, seeds, factors): the part
        of the steps in which the loss rose, the steps to the reduction (infinite if not reached), and the learning rate
        over :math:`2 / \lambda_{max}` at the end; ``crossings`` (seeds, factors), see the notes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind or in the range that is said above.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.learning_rates((0.5, 1.05), seeds=2, steps=50, samples=64)
    >>> [row[:2] for row in found.rows]
    [('regression', 0.5), ('regression', 1.05), ('digits', 0.5), ('digits', 1.05)]
    >>> bool(abs(found.data["measured_edge"] / found.data["edge"] - 1).max() < 0.01)
    True
    """
    where = "learning_rates"
    chosen = positive_of(where, "factors", factors, "(0.1, 0.5, 1.05)")
    steps, samples = whole(where, "steps", steps, 2), whole(where, "samples", samples, 10)
    units, taken = whole(where, "units", units, 1), seeds_of(where, seeds)
    part = real(where, "reduction", reduction, "lie between 0 and 1", above=0, below=1)
    shape = len(taken), len(chosen)
    losses, crossings = np.empty((2, *shape, steps + 1)), np.empty(shape)
    curvature = np.full((2, *shape), np.nan)
    edges, measured = np.empty(len(taken)), np.empty(len(taken))
    network = _Digits(units)
    for s, seed in enumerate(taken):
        quadratic = _Regression(seed)
        edges[s], measured[s] = quadratic.edge, quadratic.measured_edge()
        network.begin(seed, samples)
        first = network.edge()
        for k, factor in enumerate(chosen):
            losses[0, s, k], crossings[s, k] = quadratic.descend(factor * quadratic.edge, steps)
            curvature[0, s, k] = factor
            network.trial.restart(factor * first)
            losses[1, s, k] = network.trial.descend(network.x, network.y, steps)
            if np.isfinite(losses[1, s, k, -1]):
                curvature[1, s, k] = factor * first / network.edge()
    data: dict[str, Any] = {
        "factors": np.array(chosen),
        "edge": edges,
        "measured_edge": measured,
        "loss": losses,
        "rises": _rises(losses),
        "needed": _first_below(losses, part),
        "curvature": curvature,
        "crossings": crossings,
    }
    with np.errstate(over="ignore"):
        ended = losses[..., -1] / losses[..., 0]
    rows = [
        (
            name,
            factor,
            Spread(ended[t, :, k], "median"),
            Spread(100 * data["rises"][t, :, k], "median"),
            Spread(data["needed"][t, :, k], "median"),
            Spread(curvature[t, :, k], "median") if t else factor,
        )
        for t, name in enumerate(("regression", "digits"))
        for k, factor in enumerate(chosen)
    ]
    return Experiment(
        title="What does a learning rate do that is too small, right, or too large?",
        claims=("R11",),
        finding=_rate_finding(data, steps, part),
        columns=("task", "α λ/2, start", "last loss / first", "steps up, %", f"steps to {part:g}", "α λ/2, end"),
        rows=tuple(rows),
        data=data,
        notes=(
            "λ is the largest eigenvalue of the Hessian: on a quadratic, α λ/2 = 1 is the edge between converging and "
            "diverging. The loss of the regression is counted from its minimum.",
            _crossing_note(chosen, crossings),
            "On a network the edge at the start is no law. The curvature changes while it learns: see α λ/2 at the "
            "end. A rate beyond the edge can go up and down and still arrive where it is flat enough for it; the "
            "sources' 'oscillates or diverges' is not the same on the two tasks.",
            "The cross-entropy's gradient is bounded: a network that diverges ends with saturated units and a loss far "
            "above the first, not with infinite numbers. The squared error's grows with the weights.",
        ),
        draw=lambda figure: _draw_rates(figure, data),
    )


class _Regression:
    """A linear layer, its data, and what is known of its error: the minimum and the Hessian."""

    def __init__(self, seed: int, samples: int = 100) -> None:
        rng = np.random.default_rng(seed)
        self.x = rng.normal(size=(samples, len(SCALES))) * SCALES
        self.y = self.x @ rng.normal(size=(len(SCALES), 1)) + 0.1 * rng.normal(size=(samples, 1))
        self.model = Linear(len(SCALES), 1, bias=False, rng=seed)
        self.trial = Trial(self.model, squared_error, SGD(self.model.parameters(), lr=1.0))
        H = ag.hessian(lambda w: squared_error(self.x @ w, self.y))(np.zeros((len(SCALES), 1)))
        values, vectors = np.linalg.eigh(H.reshape(len(SCALES), len(SCALES)))
        self.edge, self.steepest = 2 / float(values[-1]), vectors[:, -1]
        self.best = np.linalg.lstsq(self.x, self.y, rcond=None)[0]
        self.least = float(squared_error(self.x @ self.best, self.y))

    def descend(self, lr: float, steps: int) -> tuple[Any, float]:
        """Return the losses above the minimum, and in how many of the steps the steepest valley was crossed."""
        self.trial.restart(lr)
        losses, places = np.full(steps + 1, np.inf), []
        with np.errstate(all="ignore"):
            for i in range(steps + 1):
                places.append(float((self.model.weight.data.ravel() - self.best.ravel()) @ self.steepest))
                losses[i] = self.trial.value(self.x, self.y) if i == steps else self.trial.step(self.x, self.y)
                losses[i] = max(losses[i] - self.least, 0.0)  # rounding may put it below the minimum
                if not np.isfinite(losses[i]):
                    losses[i] = np.inf
                    break
        signs = np.sign(places)
        return losses, float(np.mean(signs[1:] * signs[:-1] < 0))

    def measured_edge(self) -> float:
        """Return the learning rate, found by bisection, above which the loss rises in the end."""
        low, high = 0.0, 2 * self.edge
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            self.trial.restart(middle)
            losses = self.trial.descend(self.x, self.y, LONG)
            low, high = (middle, high) if losses[-1] <= losses[LONG // 2] else (low, middle)
        return (low + high) / 2


class _Digits:
    """A network with one hidden layer on digits, and the curvature of its error."""

    def __init__(self, units: int) -> None:
        self.units, self.model = units, MLP([64, units, 10], "tanh", rng=0)
        self.trial = Trial(self.model, cross_entropy, SGD(self.model.parameters(), lr=1.0))

    def begin(self, seed: int, samples: int) -> None:
        """Take the samples and the first weights of a seed."""
        ((self.x, self.y),) = digits("learning_rates", seed, samples)
        self.trial.restart(1.0, MLP([64, self.units, 10], "tanh", rng=seed).state_dict())
        self.seed = seed

    def edge(self, iterations: int = 30) -> float:
        """Return 2 / λ, the largest eigenvalue of the Hessian at the present weights, by the power method."""
        rng = np.random.default_rng(self.seed)
        weights = [p.data.copy() for p in self.model.parameters()]
        v = [rng.normal(size=w.shape) for w in weights]
        largest = np.nan
        with np.errstate(all="ignore"):
            for _ in range(iterations):
                length = np.sqrt(sum(np.vdot(a, a) for a in v))
                v = [a / length for a in v]
                product = _hessian_times()(weights, v, self.x, self.y)
                largest = abs(sum(np.vdot(a, b) for a, b in zip(v, product, strict=True)))
                v = product
        return float(2 / largest)


@cache
def _hessian_times() -> Callable[..., Any]:
    """Return the compiled product of the Hessian of the digits' error with a vector."""

    def error(weights: Any, x: Any, y: Any) -> Any:
        W, b, V, c = weights
        return cross_entropy(tanh(x @ W.T + b) @ V.T + c, y)

    return ag.compile(lambda weights, v, x, y: ag.hvp(lambda at: error(at, x, y), weights, v))


def _rises(losses: Any) -> Any:
    """Return in which part of its steps each loss rose; from infinite on, in each."""
    before, after = losses[..., :-1], losses[..., 1:]
    with np.errstate(all="ignore"):
        return np.mean((after > before + ROUNDING * losses[..., :1]) | np.isinf(before), axis=-1)


def _first_below(losses: Any, part: float) -> Any:
    """Return after how many steps each loss was first at most this part of its first; infinite if never."""
    reached = losses <= part * losses[..., :1]
    return np.where(reached.any(axis=-1), reached.argmax(axis=-1), np.inf)


def _crossing_note(factors: tuple[float, ...], crossings: Any) -> str:
    below = [k for k, factor in enumerate(factors) if 0.5 < factor < 1]
    seen = ""
    if below:
        k = below[-1]
        seen = (
            f" At {factors[k]:g} of the edge the weights crossed the steepest valley in "
            f"{100 * np.mean(crossings[:, k]):.0f} % of the steps, and the loss fell all the same."
        )
    return f"Between half the edge and the edge the weights of a quadratic oscillate, but its loss does not.{seen}"


def _rate_finding(data: Mapping[str, Any], steps: int, part: float) -> str:
    factors, losses, needed = data["factors"], data["loss"], data["needed"]
    ratio = data["measured_edge"] / data["edge"]
    text = f"The regression stops converging at {between(ratio.min(), ratio.max(), '.3f')} times 2/λ. "
    right = factors[np.median(losses[1, :, :, -1], axis=0).argmin()]
    if len(factors) > 1:
        text += f"The lowest loss in the end have the digits at {right:g} times the 2/λ of their start. "
    if len(factors) > 1 and right > factors[0] and np.isfinite(Spread(needed[1].min(axis=1), "median").center):
        slow, best = needed[1, :, 0], needed[1].min(axis=1)
        text += (
            f"Too small: at {factors[0]:g} of the edge the digits need {_steps(slow, steps)} to {part:g} of their "
            f"first loss, at the best of these rates {_steps(best, steps)}. "
        )
    beyond = np.flatnonzero(factors > 1)
    if len(beyond):
        up = [f"{100 * np.median(data['rises'][1, :, k]):.0f} % at {factors[k]:g}" for k in beyond]
        lost = losses[:, :, beyond, -1] >= losses[:, :, beyond, 0]
        text += (
            f"Beyond the edge the digits' loss rises in so many of the steps: {', '.join(up)} of the edge; of the "
            f"runs there, {lost[0].sum()} of {lost[0].size} regressions and {lost[1].sum()} of {lost[1].size} networks "
            "ended above their first loss."
        )
    return text.strip()


def _steps(needed: Any, steps: int) -> str:
    middle = Spread(needed, "median").center
    return f"{middle:.0f} steps" if np.isfinite(middle) else f"more than {steps} steps"


def _draw_rates(figure: Any, data: Mapping[str, Any]) -> None:
    figure.set_size_inches(11.5, 3.9)
    left, middle, right = figure.subplots(1, 3)
    colors = shades(data["factors"])
    for t, (axes, title) in enumerate(((left, "regression, above the minimum"), (middle, "digits"))):
        panel(axes, title, "step", "loss / first loss", log="y")
        with np.errstate(over="ignore"):
            losses = data["loss"][t] / data["loss"][t][..., :1]
        for k, factor in enumerate(data["factors"]):
            band(axes, np.arange(losses.shape[-1]), losses[:, k], f"{factor:g}", colors[k])
        axes.axhline(1, color=ink(axes), linewidth=0.8, linestyle=":")
    left.set_ylim(1e-6, 1e3)
    middle.set_ylim(1e-3, 1e2)
    legend(middle, beside=True)
    middle.get_legend().set_title("α λ/2", prop={"size": "small"})
    panel(right, "steps in which the loss rises", "α λ/2 at the start", "%", log="x")
    for t, name in enumerate(("regression", "digits")):
        band(right, data["factors"], 100 * data["rises"][t], name, f"C{t}", marker=MARKS[t])
    right.axvline(1, color=ink(right), linewidth=0.8, linestyle=":", label="edge of a quadratic")
    right.set_ylim(-4, 104)
    legend(right)
