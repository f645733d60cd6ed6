"""Stopping (R12): after fixed epochs, at a training loss, or when the validation loss rises, best weights back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..checks import FROM_ZERO, positive, real, whole
from ..layers import MLP
from ..losses import cross_entropy
from ..metrics import accuracy
from ..module import Module
from ..optim import Adam
from ..training import Callback, Run, evaluate, fit
from .arguments import positive_of, seeds_of, wholes_of
from .panels import band, ink, legend, panel
from .result import Experiment, Spread
from .trials import digits

__all__ = ["stopping"]

TEST = 400  # digits that losses and errors are measured on


def stopping(
    epochs: Iterable[int] = (3, 10, 50),
    *,
    thresholds: Iterable[float] = (1.0, 0.3),
    patience: int = 5,
    seeds: int | Iterable[int] = 4,
    samples: int = 160,
    validation: int = 80,
    noise: float = 0.25,
    units: int = 32,
    learning_rate: float = 0.01,
) -> Experiment:
    r"""Measure what each way to stop training costs in errors on new data (claim R12).

    A network learns a few digits of which some have a random label, which can be learned only by heart: with `nn.fit`
    for fixed numbers of epochs, until the training loss is below a threshold (``stop_below``), and until the loss on
    held-out digits, as noisy, has not fallen for so many epochs (``patience``), when the best weights come back. All
    begin with the same weights and see the same mini-batches. Errors are counted on other digits.

    Sources: Prechelt, Early Stopping - But When?, 1998; Zhang et al., 2017, for networks that learn random labels.

    Parameters
    ----------
    epochs : iterable of int
        Fixed numbers of epochs; the largest is the limit of the other ways, too.
    thresholds : iterable of float
        Of the training loss.
    patience : int
        In epochs.
    seeds : int or iterable of int
        How many, or which: each draws the samples, the noise, the first weights and the order.
    samples, validation : int
        Digits to learn, and held out to stop by. The other ways do not use the latter.
    noise : float
        The part of the labels, of both, that are replaced by one of the ten at random.
    units, learning_rate : int, float
        Of the network's hidden layer (relu), and of Adam.

    Returns
    -------
    Experiment
        Its data: ``names`` (ways,); of shape (seeds, ways), on 400 other digits ``loss``, ``error``, the part
        that are not classified as they are labelled, and ``right_error``, those by their right labels;
        ``training_loss``, and ``used``, the epochs trained; ``kept`` (seeds, ways), the epoch
        whose weights were kept; ``curves`` (seeds, 3, epochs): the losses on training, validation and other digits.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind or in the range that is said above.

    Examples
    --------
    >>> import nn
    >>> found = nn.experiments.stopping((2, 8), thresholds=(1.0,), patience=2, seeds=1, samples=60, validation=30)
    >>> for row in found.rows:
    ...     print(row[0])
    2 epochs
    8 epochs
    training loss below 1
    validation, patience 2, best weights
    validation, patience 2, last weights
    """
    where = "stopping"
    lengths = wholes_of(where, "epochs", epochs, "(3, 60)")
    bounds = positive_of(where, "thresholds", thresholds, "(1.0, 0.1)")
    patience, taken = whole(where, "patience", patience, 1), seeds_of(where, seeds)
    sizes = [whole(where, n, v, 10) for n, v in (("samples", samples), ("validation", validation))]
    noise = real(where, "noise", noise, "lie in [0, 1)", above=FROM_ZERO, below=1)
    units = whole(where, "units", units, 1)
    rate = positive(where, "learning_rate", learning_rate)
    longest = max(lengths)
    ways: list[tuple[str, dict[str, Any]]] = [(f"{e} epoch{'s' * (e > 1)}", {"epochs": e}) for e in lengths]
    ways += [(f"training loss below {b:g}", {"stop_below": b}) for b in bounds]
    ways += [(f"validation, patience {patience}, best weights", {"patience": patience})]
    names = (*(name for name, _ in ways), f"validation, patience {patience}, last weights")
    table, curves = np.empty((6, len(taken), len(names))), np.empty((len(taken), 3, longest))
    for s, seed in enumerate(taken):
        train, held, test = digits(where, seed, *sizes, TEST)
        rng = np.random.default_rng(seed)
        right = test[1]
        train, held, test = (_with_noise(part, noise, rng) for part in (train, held, test))
        for w, (_, options) in enumerate(ways):
            watch = _Watch(held, test, right)
            watched = "patience" in options or options == {"epochs": longest}
            if "patience" in options:
                options = {**options, "validation": held}
            model = MLP([64, units, 10], rng=seed)
            with np.errstate(all="ignore"):  # a rate that is too large is no error here
                history = fit(
                    model,
                    train,
                    loss=cross_entropy,
                    optimizer=Adam(model.parameters(), lr=rate),
                    rng=seed,
                    callbacks=[watch] if watched else [],
                    progress=False,
                    **{"epochs": longest, **options},
                )
                kept = history.best_epoch or history.epochs
                table[:, s, w] = *_judged(model, test, right), history.loss[kept - 1], history.epochs, kept
            if options == {"epochs": longest}:
                curves[s] = history.loss, watch.held, watch.test
        table[:, s, -1] = *watch.last, history.loss[-1], history.epochs, history.epochs  # of the run with patience
    data: dict[str, Any] = {
        "names": names,
        **dict(zip(("error", "right_error", "loss", "training_loss", "used", "kept"), table, strict=True)),
        "curves": curves,
    }
    return Experiment(
        title="When to stop training, and what does it cost?",
        claims=("R12",),
        finding=_finding(data),
        columns=(
            "stopped by",
            "epochs",
            "weights of epoch",
            "training loss",
            "loss on others",
            "errors, %",
            "by right labels, %",
        ),
        rows=tuple(
            (
                name,
                Spread(data["used"][:, w], "median"),
                Spread(data["kept"][:, w], "median"),
                Spread(data["training_loss"][:, w]),
                Spread(data["loss"][:, w]),
                Spread(100 * data["error"][:, w]),
                Spread(100 * data["right_error"][:, w]),
            )
            for w, name in enumerate(names)
        ),
        data=data,
        notes=(
            f"Others: {TEST} digits, as noisy as the rest: {100 * noise:g} % of all labels are random, so that even "
            f"who knows every digit errs on {90 * noise:.3g} %. Once a network begins to learn such labels by heart, "
            "the loss on others rises while that on the training set falls.",
            "A fixed number of epochs, or a training loss, is as good as the guess: which one is right depends on the "
            "data, and nothing in the training loss says so. The validation loss says so, at the price of "
            f"{sizes[1]} samples that are not learned from.",
            "The last two rows are one run: without the best weights, patience itself costs what is unlearned in it.",
            "The best weights are those of the lowest validation loss, not of the fewest errors, and of few samples: "
            "the loss rises as wrong answers become more certain, mostly before the errors do. By the right labels, "
            "which the validation set does not have, the last weights can be better than the best.",
        ),
        draw=lambda figure: _draw(figure, data),
    )


class _Watch(Callback):
    """Notes after each epoch the losses on held-out and on other samples, and the errors on the latter."""

    def __init__(self, held: tuple[Any, Any], test: tuple[Any, Any], right: Any) -> None:
        self._held, self._test, self._right = held, test, right
        self.held: list[float] = []
        self.test: list[float] = []
        self.last = (np.nan, np.nan, np.nan)

    def on_epoch_end(self, run: Run) -> None:
        """Note the losses; of the last epoch all else."""
        self.held.append(float(cross_entropy(evaluate(run.model, self._held[0]), self._held[1])))
        self.last = _judged(run.model, self._test, self._right)
        self.test.append(self.last[-1])


def _judged(model: Module, data: tuple[Any, Any], right: Any) -> tuple[float, float, float]:
    """Return the part of the samples that are not classified as they are labelled, and not rightly; and the loss."""
    outputs = evaluate(model, data[0])
    errors = 1 - float(accuracy(outputs, data[1])), 1 - float(accuracy(outputs, right))
    return *errors, float(cross_entropy(outputs, data[1]))


def _with_noise(data: tuple[Any, Any], part: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return the samples, a part of whose labels are drawn anew from all ten."""
    x, y = data
    return x, np.where(rng.random(len(y)) < part, rng.integers(10, size=len(y)), y)


def _finding(data: Mapping[str, Any]) -> str:
    error, loss, used = (data[name].mean(axis=0) for name in ("error", "loss", "used"))
    best, last = len(used) - 2, len(used) - 1
    longest, others = int(used[:best].argmax()), range(best)
    spread = [Spread(column) for column in data["loss"].T]
    low, high = (pick(others, key=lambda w: loss[w]) for pick in (min, max))
    return (
        f"After {used[longest]:.0f} epochs the loss on other digits is {spread[longest]}, with "
        f"{100 * error[longest]:.1f} % errors. Stopped by the validation loss after {used[best]:.3g} epochs, it is "
        f"{spread[best]} with the best weights ({100 * error[best]:.1f} %), {spread[last]} with the last ones "
        f"({100 * error[last]:.1f} %). Of the ways that need a guess, the best one is {data['names'][low]} with "
        f"{spread[low]}, the worst {data['names'][high]} with {spread[high]}."
    )


def _draw(figure: Any, data: Mapping[str, Any]) -> None:
    figure.set_size_inches(11, 3.9)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.1))
    panel(left, "losses without stopping", "epoch", "cross-entropy")
    epochs = np.arange(1, data["curves"].shape[-1] + 1)
    for i, name in enumerate(("training", "validation", "others")):
        band(left, epochs, data["curves"][:, i], name, f"C{i}", style=("-", "--", ":")[i])
    kept = data["kept"][:, -2]
    left.axvspan(kept.min(), kept.max(), color=ink(left), alpha=0.12, linewidth=0, label="weights kept")
    left.set_ylim(0, None)
    legend(left)
    panel(right, "loss on others", "cross-entropy", "")
    losses = data["loss"]
    for w in range(losses.shape[1]):
        color = f"C{int(w >= losses.shape[1] - 2)}"
        right.plot(losses[:, w], np.full(len(losses), w), "|", color=color, markersize=10)
        right.plot(losses[:, w].mean(), w, "o", color=color)
    right.set_yticks(range(losses.shape[1]), data["names"])
    right.invert_yaxis()
