"""Batch, stochastic and mini-batch descent (Y12): how fast, by samples, updates and time, and how steadily."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from ..checks import positive, whole
from ..data import DataLoader
from ..layers import MLP
from ..losses import cross_entropy
from ..optim import SGD
from .arguments import positive_of, seeds_of, wholes_of
from .panels import MARKS, band, ink, legend, panel, shades
from .result import Experiment, Spread
from .trials import Trial, digits

__all__ = ["batch_modes"]

MOST = 300  # updates, after which a loss that has not come below the threshold never will
LOOKS = 10  # in an epoch the loss of all samples is computed so often
BATCHES = 15  # whose gradients are compared with the full one
TINY = 1e-9  # noise of the batch of all samples is rounding
UPDATES = 30  # after each of which the loss of all samples is computed


def batch_modes(
    batch_sizes: Iterable[int] = (1, 10, 100, 300),
    *,
    samples: int = 300,
    epochs: int = 4,
    seeds: int | Iterable[int] = 3,
    units: int = 16,
    rates: Iterable[float] = (0.03, 0.1, 0.3, 1.0),
    threshold: float = 0.5,
) -> Experiment:
    r"""Measure how fast and how steadily gradient descent learns in batches of several sizes (claim Y12).

    A batch of all samples is batch gradient descent, one of 1 stochastic, others are mini-batches. Every size sees the
    same number of samples, in random order, starting from the same weights. Each has the learning rate of those given
    that served it best in trials on other data (seed + 1000), so that no mode is judged at a rate that suits another.

    Noise is measured in two ways at the end of the training. By the gradients of batches around the gradient of all:
    :math:`\sqrt{\mathrm{mean}\, |g_B - g|^2} / |g|`; for samples drawn without replacement it falls as
    :math:`\sqrt{(1/B) (n - B)/(n - 1)}` with the batch size B (Cochran, Sampling Techniques, 1977, theorem 2.2). And by
    the part of the updates after which the loss of all samples is higher than before.

    Parameters
    ----------
    batch_sizes : iterable of int
        At most as large as there are samples.
    samples, epochs, units : int
        Digits to learn, how often, and hidden units (tanh) to learn them with.
    seeds : int or iterable of int
        How many, or which: each draws the samples, the first weights and the order.
    rates : iterable of float
        The learning rates that are tried.
    threshold : float
        The loss whose time of arrival is measured.

    Returns
    -------
    Experiment
        Its data: ``seen`` (looks,), samples seen, and ``loss`` (seeds, sizes, looks), of all samples;
        ``samples_needed``, ``updates_needed`` and ``seconds_needed`` (seeds, sizes), of the updates alone, until the
        loss, looked at ten times an epoch, is below the threshold, infinite if it is not after all epochs and 300
        updates; ``rate`` (sizes,), those chosen, and
        ``tried`` (sizes, rates), the losses they were chosen by; ``noise`` and ``first_noise`` (seeds, sizes), of the
        gradients at the end and the beginning; ``rises`` (seeds, sizes), the part of the updates that raised the loss;
        ``change`` (seeds, sizes), the standard deviation of the loss's changes from update to update, as a part of the
        loss.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind or in the range that is said above.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.batch_modes((5, 50), samples=50, epochs=2, seeds=1, rates=(0.1, 1.0))
    >>> [row[:2] for row in found.rows]
    [('mini-batch', 5), ('batch', 50)]
    """
    where = "batch_modes"
    samples, epochs = whole(where, "samples", samples, 10), whole(where, "epochs", epochs, 1)
    units, taken = whole(where, "units", units, 1), seeds_of(where, seeds)
    threshold = positive(where, "threshold", threshold)
    sizes = wholes_of(where, "batch_sizes", batch_sizes, "(1, 10)", samples)
    tried = positive_of(where, "rates", rates, "(0.1, 1.0)")
    looks = epochs * LOOKS + 1
    losses, reached = np.empty((len(taken), len(sizes), looks)), np.empty((3, len(taken), len(sizes)))
    choice, noise = np.empty((len(sizes), len(tried))), np.empty((4, len(taken), len(sizes)))
    rate = np.empty(len(sizes))
    model = MLP([64, units, 10], "tanh", rng=0)
    trial = Trial(model, cross_entropy, SGD(model.parameters(), lr=1.0))
    for b, size in enumerate(sizes):
        other = taken[0] + 1000
        for k, lr in enumerate(tried):
            course = _Course(trial, _begin(trial, other, samples, units, lr), epochs, np.inf)
            course.run(size, other, 0)
            choice[b, k] = course.losses[looks - 1]
        rate[b] = tried[int(choice[b].argmin())]
        for s, seed in enumerate(taken):
            course = _Course(trial, _begin(trial, seed, samples, units, rate[b]), epochs, threshold)
            course.run(size, seed, MOST)
            losses[s, b], reached[:, s, b] = course.losses[:looks], course.reached
            noise[:, s, b] = _noise(trial, seed, samples, units, size)
    data: dict[str, Any] = {
        "batch_sizes": np.array(sizes),
        "seen": np.linspace(0, epochs * samples, looks),
        "loss": losses,
        "samples_needed": reached[0],
        "updates_needed": reached[1],
        "seconds_needed": reached[2],
        "rates": np.array(tried),
        "tried": choice,
        "rate": rate,
        "first_noise": noise[0],
        "noise": noise[1],
        "rises": noise[2],
        "change": noise[3],
    }
    return Experiment(
        title="How fast, and how steadily, does descent learn in batches of several sizes?",
        claims=("Y12",),
        finding=_finding(data, threshold),
        columns=(
            "mode",
            "batch",
            "α",
            "loss, equal samples",
            "gradient noise",
            "updates up, %",
            f"samples to {threshold:g}",
            "updates",
            "seconds",
        ),
        rows=tuple(_row(data, b, samples) for b in range(len(sizes))),
        data=data,
        notes=(
            f"Loss at equal samples: of all samples, after {epochs} epochs; each size at the learning rate that served "
            "it best there, on other data. Gradient noise: at the start, where all sizes stand at the same weights. "
            "Updates up: which raise the loss of all samples, after the training. The last three columns are what the "
            f"loss took to come below {threshold:g}: one course, measured three ways.",
            "'Faster' is true per sample seen: an update from a few samples costs little and points about as well. Per "
            "update it is false: more samples give a better direction. Per second it depends on the machine: NumPy "
            "computes a hundred samples in little more time than one, which is what mini-batches are for.",
            "'Less stable' shows in the gradients, and at one learning rate: at "
            f"{max(tried):g}, the largest tried, the losses end at {_list(choice[:, int(np.argmax(tried))])} in the "
            "order of the table. Smaller batches want smaller rates, which takes much of the noise back: at the best "
            "rate of each, the stochastic mode need not be the one whose loss rises most often.",
        ),
        draw=lambda figure: _draw(figure, data, threshold),
    )


def _list(values: Any) -> str:
    return ", ".join(f"{value:.2g}" for value in values)


def _law(sizes: Any, samples: int) -> Any:
    """Return by how much less noisy a gradient is than that of one sample."""
    return np.sqrt((samples - sizes) / (sizes * (samples - 1)))


def _finding(data: Mapping[str, Any], threshold: float) -> str:
    sizes, parts = data["batch_sizes"], []
    for unit in ("samples", "updates"):  # seconds are the machine's
        middle = np.median(data[f"{unit}_needed"], axis=0)
        if np.isfinite(middle).any():
            parts.append(f"{sizes[middle.argmin()]:g} in {unit}")
    parts = parts if len(sizes) > 1 else []
    text = f"The batch size that comes first to a loss of {threshold:g} is {' and '.join(parts)}. " if parts else ""
    ends = ", ".join(f"{Spread(data['loss'][:, b, -1])} with batches of {size}" for b, size in enumerate(sizes))
    noise = [Spread(column) for column in data["first_noise"].T]
    noisy = ", ".join(f"{v} with batches of {b}" for v, b in zip(noise, sizes, strict=True) if v.center > TINY)
    text += f"After equal samples the loss is {ends}."
    return f"{text} The noise of the gradients, as a part of their length, is {noisy}." if noisy else text


def _draw(figure: Any, data: Mapping[str, Any], threshold: float) -> None:
    figure.set_size_inches(12, 3.9)
    left, middle, right = figure.subplots(1, 3)
    sizes, colors = data["batch_sizes"], shades(data["batch_sizes"])
    panel(left, "loss of all samples", "samples seen", "cross-entropy", log="y")
    for b, size in enumerate(sizes):
        band(left, data["seen"], data["loss"][:, b], f"batches of {size}", colors[b])
    left.axhline(threshold, color=ink(left), linewidth=0.8, linestyle=":")
    legend(left)
    panel(middle, f"needed to a loss of {threshold:g}", "batch size", "relative to the least", log="xy")
    for i, unit in enumerate(("samples", "updates", "seconds")):
        needed = data[f"{unit}_needed"]
        if np.isfinite(np.median(needed, axis=0)).any():
            band(middle, sizes, needed / np.median(needed, axis=0).min(), unit, f"C{i}", marker=MARKS[i])
    if middle.lines:
        legend(middle)
    panel(right, "noise of the gradients, at the start", "batch size", "part of the gradient's length", log="xy")
    samples, noise = int(data["seen"][LOOKS]), data["first_noise"]
    some = sizes < samples  # the batch of all has no noise
    if some.any():
        band(right, sizes[some], noise[:, some], "measured", "C0", marker="o")
        line = np.geomspace(sizes[some].min(), samples - 1, 60)
        start = np.median(noise[:, some] / _law(sizes[some], samples))
        law = {"color": ink(right), "linewidth": 0.8, "linestyle": ":"}
        right.plot(line, start * _law(line, samples), label="1/√B, without replacement", **law)
        legend(right)


def _mode(size: int, samples: int) -> str:
    return "batch" if size == samples else "stochastic" if size == 1 else "mini-batch"


def _begin(trial: Trial, seed: int, samples: int, units: int, lr: float) -> tuple[Any, Any]:
    """Set the trial to the weights of a seed; return its samples."""
    trial.restart(lr, MLP([64, units, 10], "tanh", rng=seed).state_dict())
    return digits("batch_modes", seed, samples)[0]


class _Course:
    """The losses on the way, at equal numbers of samples seen, and what it took to come below the threshold."""

    def __init__(self, trial: Trial, data: tuple[Any, Any], epochs: int, threshold: float) -> None:
        self.trial, self.x, self.y, self.threshold = trial, *data, threshold
        self.every, self.looks = len(self.x) / LOOKS, epochs * LOOKS + 1
        self.losses, self.reached = [trial.value(*data)], (np.inf, np.inf, np.inf)
        self.seen, self.updates, self.seconds = 0, 0, 0.0

    def update(self, batch: tuple[Any, Any]) -> None:
        """Take a step, and look at the loss if it is time."""
        before, self.seen = self.seen, self.seen + len(batch[0])
        due = int(self.seen / self.every + 1e-9) - int(before / self.every + 1e-9)
        start = time.perf_counter()
        self.trial.step(*batch)
        self.seconds += time.perf_counter() - start
        self.updates += 1
        if due:  # a large batch passes several marks at once: at those before its end it has learned nothing yet
            self.losses += [self.losses[-1]] * (due - 1) + [self.trial.value(self.x, self.y)]
            if self.losses[-1] < self.threshold and np.isinf(self.reached[0]):
                self.reached = self.seen, self.updates, self.seconds

    def run(self, size: int, seed: int, most: int) -> None:
        """Go on until the looks are taken and the threshold is reached, or for so many updates if it is not."""
        with np.errstate(all="ignore"):
            while len(self.losses) < self.looks or (np.isinf(self.reached[0]) and self.updates < most):
                for batch in DataLoader((self.x, self.y), size, rng=np.random.default_rng([seed, self.updates])):
                    self.update(batch)


def _noise(trial: Trial, seed: int, samples: int, units: int, size: int) -> tuple[float, float, float, float]:
    """Return the noise of gradients at the start and now; then that of further updates: how many raise the loss..."""
    x, y = digits("batch_modes", seed, samples)[0]
    now, (rises, change) = _gradient_noise(trial, x, y, size, seed), _update_noise(trial, x, y, size, seed)
    _begin(trial, seed, samples, units, trial.optimizer.lr)
    return _gradient_noise(trial, x, y, size, seed), now, rises, change


def _gradient_noise(trial: Trial, x: Any, y: Any, size: int, seed: int) -> float:
    """Return the root mean square distance of batches' gradients from that of all samples, over its length."""
    full = _gradient(trial, x, y)
    batches = islice(DataLoader((x, y), size, rng=seed), BATCHES)
    with np.errstate(all="ignore"):
        squares = [np.sum((_gradient(trial, *batch) - full) ** 2) for batch in batches if len(batch[0]) == size]
        return float(np.sqrt(np.mean(squares)) / np.linalg.norm(full))


def _gradient(trial: Trial, x: Any, y: Any) -> Any:
    trial.model.zero_grad()
    with np.errstate(all="ignore"):
        trial.loss(trial.model(x), y).backward()
    return np.concatenate([np.ravel(p.grad) for p in trial.model.parameters()])


def _update_noise(trial: Trial, x: Any, y: Any, size: int, seed: int) -> tuple[float, float]:
    """Go on; return the part of the updates that raise the loss of all, and its changes' deviation over its mean."""
    losses = [trial.value(x, y)]
    with np.errstate(all="ignore"):
        while len(losses) <= UPDATES:
            for batch in islice(
                DataLoader((x, y), size, rng=np.random.default_rng([seed, len(losses)])), UPDATES + 1 - len(losses)
            ):
                trial.step(*batch)
                losses.append(trial.value(x, y))
        changes = np.diff(losses)  # NaN between infinite ones
        return float(np.mean(changes > 0)), float(np.std(changes) / np.mean(losses))


def _row(data: Mapping[str, Any], b: int, samples: int) -> tuple[Any, ...]:
    size = int(data["batch_sizes"][b])
    return (
        _mode(size, samples),
        size,
        float(data["rate"][b]),
        Spread(data["loss"][:, b, -1]),
        Spread(data["first_noise"][:, b]) if size < samples else 0.0,
        Spread(100 * data["rises"][:, b]),
        *(Spread(data[f"{unit}_needed"][:, b], "median") for unit in ("samples", "updates", "seconds")),
    )
