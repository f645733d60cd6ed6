"""The main job, computed: train on the digits, prove the gradients, replay the worked example. Nothing is printed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag

from . import examples
from .compare import Comparison, compare
from .data import load_digits, stratified_split
from .delta import DeltaNetwork
from .functional import softmax
from .layers import MLP, Sequential
from .losses import binary_cross_entropy, cross_entropy
from .metrics import accuracy
from .optim import SGD
from .training import History, evaluate, fit

__all__ = ["Demo", "Line", "Replay", "Training", "replay", "run", "train"]

SIZES = (64, 64, 32, 10)
LEARNING_RATE, MOMENTUM, BATCH_SIZE, PATIENCE = 0.05, 0.9, 32, 30
TEST, VALIDATION = 360, 144  # of the 1,797 digits; of the 1,437 that remain
PROVED, DRAWN = 32, 8  # so many digits in the proof's batch and in the picture's


@dataclass(frozen=True)
class Training:
    """A model trained on the digits, and how it does on digits that it has not seen.

    Attributes
    ----------
    model : MLP
        With the weights of the best epoch.
    history : History
        Loss, validation loss and gradient norms, epoch by epoch.
    sizes : dict of str to int
        How many digits are for training, validation, test.
    validation_accuracy, test_accuracy : float
        Between 0 and 1.
    images, labels : array, shapes (360, 64) and (360,)
        The test set.
    probabilities : array, shape (360, 10)
        What the model makes of it.
    """

    model: MLP
    history: History
    sizes: dict[str, int]
    validation_accuracy: float
    test_accuracy: float
    images: Any
    labels: Any
    probabilities: Any

    @property
    def predictions(self) -> Any:
        """The most probable digit of each test image."""
        return np.argmax(self.probabilities, axis=1)

    @property
    def misread(self) -> Any:
        """Where the predictions are wrong: indices into the test set."""
        return np.flatnonzero(self.predictions != self.labels)

    def hardest(self, n: int) -> Any:
        """Return the indices of the `n` test images with the largest loss, the hardest first."""
        right = self.probabilities[np.arange(len(self.labels)), self.labels]
        return np.argsort(right, kind="stable")[:n]


class Line(NamedTuple):
    """One number of the worked example: computed by hand-written rules, by the engine, and as it was published."""

    symbol: str
    by_hand: float
    autodiff: float
    published: float

    @property
    def agrees(self) -> bool:
        """Whether both round to the eight published decimals."""
        return f"{self.by_hand:.8f}" == f"{self.autodiff:.8f}" == f"{self.published:.8f}"


@dataclass(frozen=True)
class Replay:
    """The worked example, computed again, and its network before the step with the graph of its loss."""

    lines: tuple[Line, ...]
    model: Sequential
    loss: ag.Tensor

    @property
    def passed(self) -> bool:
        """Whether every published digit is reproduced."""
        return all(line.agrees for line in self.lines)

    def value(self, symbol: str) -> float:
        """Return the engine's value of one line."""
        return next(line.autodiff for line in self.lines if line.symbol == symbol)


@dataclass(frozen=True)
class Demo:
    """Everything that `run` found out; `loss` holds the graph of the trained model on a few digits."""

    seed: int
    epochs: int
    training: Training
    proof: Comparison
    worked: Replay
    loss: ag.Tensor
    seconds: float

    @property
    def failures(self) -> list[str]:
        """What was not proved: the symbols of the rows that disagree."""
        rows = [row.symbol for row in self.proof.rows if not self.proof.agrees(row)]
        return rows + [f"{line.symbol} of the worked example" for line in self.worked.lines if not line.agrees]


def run(seed: int = 0, epochs: int = 200, progress: bool | None = None) -> Demo:
    """Do the main job.

    The proof is on the trained model, and on the test digits with the largest loss: where a model that has learned is
    sure and right, its loss is nearly 0, and ``o - y`` leaves of the gradient little more than rounding.

    Parameters
    ----------
    seed : int
        Of the split, the initial weights and the order of the samples.
    epochs : int
        At most so many.
    progress : bool, optional
        Show a progress bar; by default in a terminal or a notebook only.

    Examples
    --------
    >>> from nn import demo
    >>> result = demo.run(seed=0, epochs=2)
    >>> result.failures
    []
    >>> len(result.training.history.loss)
    2
    """
    start = time.perf_counter()
    training = train(seed, epochs, progress)
    batch = training.hardest(PROVED)
    proof = compare(training.model, training.images[batch], training.labels[batch], cross_entropy, seed=seed)
    drawn = batch[:DRAWN]
    loss = _recorded(training.model, training.images[drawn], lambda z: cross_entropy(z, training.labels[drawn]))
    return Demo(seed, epochs, training, proof, replay(), loss, time.perf_counter() - start)


def train(seed: int = 0, epochs: int = 200, progress: bool | None = None) -> Training:
    """Train the demo's network on the digits, stopping by the validation error; same arguments as `run`."""
    images, labels = load_digits()
    rest, test = stratified_split(labels, TEST, seed)
    training, validation = (rest[part] for part in stratified_split(labels[rest], VALIDATION, seed))
    model = MLP(SIZES, rng=seed)
    history = fit(
        model,
        (images[training], labels[training]),
        loss=cross_entropy,
        optimizer=SGD(model.parameters(), LEARNING_RATE, MOMENTUM),
        epochs=epochs,
        batch_size=BATCH_SIZE,
        validation=(images[validation], labels[validation]),
        patience=PATIENCE,
        rng=seed,
        progress=progress,
    )
    outputs = evaluate(model, images[test])
    return Training(
        model=model,
        history=history,
        sizes={"training": len(training), "validation": len(validation), "test": len(test)},
        validation_accuracy=accuracy(evaluate(model, images[validation]), labels[validation]),
        test_accuracy=accuracy(outputs, labels[test]),
        images=images[test],
        labels=labels[test],
        probabilities=softmax(outputs),
    )


def replay() -> Replay:
    """Compute the worked example twice, by the hand-written delta rules and by the engine, beside what was published.

    Examples
    --------
    >>> from nn import demo
    >>> example = demo.replay()
    >>> example.passed, round(example.value("o"), 4), round(example.value("o after step"), 4)
    (True, 0.6718, 0.6981)
    """
    columns = zip(examples.PUBLISHED.items(), _by_hand(), _by_engine(), strict=True)
    lines = tuple(Line(symbol, hand, engine, published) for (symbol, published), hand, engine in columns)
    model = examples.network()
    # The target is 1, which leaves this of the log loss; a picture of all of it would show mostly zeros.
    return Replay(lines, model, _recorded(model, [examples.X], lambda o: -np.sum(np.log(o))))


def _by_hand() -> list[float]:
    """Return the worked example's numbers in the order of `examples.PUBLISHED`, by the hand-written rules."""
    weights = [np.array(rows, float) for rows in examples.WEIGHTS]
    masks = [~np.isnan(weight) for weight in weights]
    network = DeltaNetwork(weights, None, ["sigmoid"] * len(weights), "binary_cross_entropy", masks)
    _, *activations = network.forward(examples.X).a
    deltas = network.deltas(examples.X, [examples.Y])
    network.step(examples.X, [examples.Y], examples.LEARNING_RATE)
    return _flat([*activations, *reversed(deltas), network.predict(examples.X)])


def _by_engine() -> list[float]:
    """Return the same numbers by an ordinary training step: forward, `backward`, SGD."""
    model, outputs = examples.network(), []
    a: Any = np.array([examples.X])
    for layer in model.layers:
        a = layer(a)
        a.retain_grad()  # dE/dz, the delta, where the layer is Linear
        outputs.append(a)
    binary_cross_entropy(a, [[examples.Y]]).backward()
    SGD(model.parameters(), examples.LEARNING_RATE).step()
    z, activations = outputs[0::2], outputs[1::2]
    after = evaluate(model, np.array([examples.X]))
    return _flat([*(a.numpy() for a in activations), *(z.grad for z in reversed(z)), after])


def _flat(arrays: list[Any]) -> list[float]:
    return [float(value) for array in arrays for value in np.ravel(array)]


def _recorded(model: Sequential, x: Any, loss: Callable[[ag.Tensor], ag.Tensor]) -> ag.Tensor:
    """Return the loss E of a model's outputs with its graph, every value kept, for a picture."""
    with ag.keep():
        outputs = model(ag.Tensor(np.asarray(x), name="x"))
        with ag.scope("loss"):
            value = loss(outputs)
    value.name = "E"
    return value
