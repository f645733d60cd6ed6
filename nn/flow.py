"""Gradient flow through training: a model trained before the camera, and deep networks from good and poor starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

import autograd_mini as ag

from . import init
from .checks import array_of, callable_of, shown, whole
from .layers import MLP, Identity, Linear, ReLU, Sequential, Sigmoid, Tanh
from .losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    cross_entropy,
    squared_error,
)
from .module import Module, collect, restored
from .optim import SGD, Adam, Optimizer
from .training import Callback, Run
from .training.compiled import NonFiniteError
from .training.fit import evaluate
from .training.steps import CompiledSteps, EagerSteps

__all__ = ["Filming", "flow", "flows"]

STEEPEST: dict[type[Module], float] = {Sigmoid: 0.25, Tanh: 1.0, ReLU: 1.0, Identity: 1.0}  # the greatest slopes


def flow(
    model: Module,
    x: Any,
    y: Any,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    path: str | PathLike[str] | None = None,
    *,
    steps: int = 300,
    snapshots: int = 12,
    title: str | None = None,
) -> ag.Flow:
    r"""Train a model on all samples at once, and record how the gradients flow as it learns.

    The snapshots are closer to each other at the start, where most happens. Beside each layer's delta stands what it
    cannot exceed, if the model is a Sequential of Linear layers and sigmoids, tanhs or ReLUs (claims Y15, R13):

    .. math:: \frac{\|\delta^l\|}{\|\delta^L\|} \le \prod_{k=l+1}^{L} f'_{max} \|W^k\|_2

    With two inputs and two classes every snapshot has a picture of the output over the plane, in evaluation mode. A
    training that meets a loss that is not finite ends there, and its last snapshot shows it.

    Parameters
    ----------
    model : Module
        It is trained as it is, in training or in evaluation mode.
    x, y : array_like
        Samples in rows, and their targets.
    loss : callable
        ``loss(outputs, targets)``, a single number.
    optimizer : Optimizer
        Of the model's parameters.
    path : str or Path, optional
        Where to write the page, such as ``"flow.html"``; else use ``flow.save``.
    steps : int
        How many steps are taken.
    snapshots : int
        How many are kept, at most; the first before the first step, the last after the last.
    title : str, optional
        The page's heading.

    Returns
    -------
    ag.Flow
        With ``data``, ``save(path, *others)``; printed, a table.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import numpy as np, nn
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> model = nn.MLP([2, 4, 1], "tanh", rng=0)
    >>> film = nn.flow(model, X, y, nn.binary_cross_entropy_with_logits, nn.SGD(model.parameters(), lr=0.5), steps=200)
    >>> bool(film.data["losses"][-1] < film.data["losses"][0])
    True
    """
    filming = _Filmed(x, y, loss, title=title)
    _check_model("flow", model)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"flow: optimizer is {shown(optimizer)}, but must be an optimizer of the model's parameters. Write "
            "nn.SGD(model.parameters(), lr=0.1)."
        )
    steps, snapshots = whole("flow", "steps", steps, 1), whole("flow", "snapshots", snapshots, 2)
    wanted = {round(steps * (i / (snapshots - 1)) ** 2) for i in range(snapshots)}
    train = CompiledSteps(EagerSteps(model, loss, optimizer), must=False)
    try:
        with np.errstate(all="ignore"):  # the page shows what is not finite
            for step in range(steps + 1):
                if step in wanted:
                    filming.take(model, step)
                if step < steps:
                    train(filming.x, filming.y)
    except NonFiniteError:
        if step not in wanted:
            filming.take(model, step)
    finally:
        train.close()
    if path is not None:
        filming.flow.save(path)
    return filming.flow


class Filming(Callback):
    """A callback for `fit` that records how gradients flow: of the same samples, after every so many epochs.

    Parameters
    ----------
    x, y : array_like
        Samples in rows, and their targets; a few hundred will do.
    loss : callable
        ``loss(outputs, targets)``, as for `fit`.
    every : int
        Epochs between snapshots; the first is taken before training.
    title : str, optional
        The page's heading.

    Attributes
    ----------
    flow : ag.Flow
        The snapshots so far, their steps counted in epochs.

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import numpy as np, nn
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> model = nn.MLP([1, 3, 2], "tanh", rng=0)
    >>> filming = nn.Filming(X, y, nn.cross_entropy, every=5)
    >>> history = nn.fit(model, (X, y), loss=nn.cross_entropy, optimizer=nn.SGD(model.parameters(), lr=0.5), epochs=10,
    ...                  callbacks=filming)
    >>> filming.flow.data["steps"]
    array([ 0.,  5., 10.])
    """

    _where = "Filming"  # what messages call it

    def __init__(
        self,
        x: Any,
        y: Any,
        loss: Callable[[Any, Any], Any],
        *,
        every: int = 1,
        title: str | None = None,
    ) -> None:
        where = self._where
        self.x, self.y = (np.asarray(array_of(where, name, values)) for name, values in (("x", x), ("y", y)))
        if not self.x.ndim or not self.y.ndim or len(self.x) != len(self.y) or not len(self.x):
            raise ValueError(
                f"{where}: x has shape {self.x.shape} and y {self.y.shape}, but both must have a row for each sample."
            )
        callable_of(where, "loss", loss, "nn.cross_entropy")
        self.loss = loss
        self.every = whole(where, "every", every, 1)
        self.signs = _signs(self.x, self.y)
        self.flow = ag.Flow(title, points=None if self.signs is None else (self.x, self.signs))

    def on_train_begin(self, run: Run) -> None:
        """Take the first snapshot."""
        if not self.flow.snapshots:
            self.take(run.model, run.history.epochs)

    def on_epoch_end(self, run: Run) -> None:
        """Take one after so many epochs."""
        if run.epoch % self.every == 0:
            self.take(run.model, run.epoch)

    def take(self, model: Module, step: int) -> None:
        """Take a snapshot; the model's gradients, running means and random generators are left as they were."""
        with restored(model), np.errstate(all="ignore"):
            with collect(), ag.recording(), ag.keep():
                floats = self.x.dtype.kind == "f"
                outputs = model(ag.Tensor(self.x, name="x") if floats else self.x)
                error = self.loss(outputs, self.y)
            picture = None
            if self.signs is not None:  # the cells are no samples to draw noise for, or to take means of
                picture = _side(self.loss, evaluate(model, self.flow.grid), self.y)
        self.flow.add(error, step=step, picture=picture, bounds=_bounds(model))


class _Filmed(Filming):
    """What `flow` films with."""

    _where = "flow"


def _check_model(where: str, model: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(f"{where}: model is {shown(model)}, but must be a Module, such as nn.MLP([2, 8, 8, 1]).")


def _bounds(model: Module) -> list[float] | None:
    """Return what each layer's delta cannot exceed, as a part of the last one's; None for other models."""
    if not isinstance(model, Sequential) or type(model).forward is not Sequential.forward:
        return None
    layers = list(model.layers)
    if not all(type(layer) in (*STEEPEST, Linear) for layer in layers) or len(set(map(id, layers))) < len(layers):
        return None
    product, found = 1.0, []
    for layer in layers[::-1]:
        if isinstance(layer, Linear):
            if any(parameter.requires_grad for parameter in layer.parameters()):  # else it is no layer of the film
                found.append(product)
            weight = layer.weight.numpy() if layer.mask is None else layer.weight.numpy() * layer.mask
            if found:
                product *= float(np.linalg.norm(weight, 2)) if np.isfinite(weight).all() else np.nan
        elif found:  # what follows the last weighted sums leads to the loss
            product *= STEEPEST[type(layer)]
    return found[::-1]


def _signs(x: Any, y: Any) -> Any:
    """Return -1 or 1 for each sample, if it lies in a plane and there are two classes; else None."""
    if x.ndim != 2 or x.shape[1] != 2 or not np.isfinite(x).all() or y.size != len(y):
        return None
    classes = np.unique(y)
    return np.where(y.ravel() == classes[1], 1, -1) if len(classes) == 2 else None


def _side(loss: Any, outputs: Any, y: Any) -> Any:
    """Return twice the probability of the second class, less 1, at each place; None if the loss does not say it."""
    z = np.asarray(outputs.numpy() if isinstance(outputs, ag.Tensor) else outputs, float)
    z = z.reshape(len(z), -1)
    if z.shape[1] == 2 and loss is cross_entropy:
        return np.tanh((z[:, 1] - z[:, 0]) / 2)  # 2 σ(t) − 1 = tanh(t / 2)
    if z.shape[1] == 2 and loss is categorical_cross_entropy:
        return z[:, 1] - z[:, 0]
    if z.shape[1] == 1 and loss is binary_cross_entropy_with_logits:
        return np.tanh(z[:, 0] / 2)
    if z.shape[1] == 1 and loss in (binary_cross_entropy, squared_error):
        low, high = np.unique(y)
        return 2 * (z[:, 0] - low) / (high - low) - 1
    return None


# --- from good and poor starts ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """How a deep network is built and trained."""

    activation: str
    initializer: init.Initializer
    rate: float = 0.1
    optimizer: Callable[..., Optimizer] = SGD
    told: str = ""

    def optimizer_of(self, model: Module) -> Optimizer:
        """Return the optimizer: momentum 0.9 where it is plain descent."""
        keywords = {"momentum": 0.9} if self.optimizer is SGD else {}
        return self.optimizer(model.parameters(), lr=self.rate, **keywords)


STARTS: dict[str, Start] = {
    "sigmoid": Start("sigmoid", init.xavier_uniform, told="sigmoid, Xavier’s weights"),
    "tanh": Start("tanh", init.xavier_uniform, told="tanh, Xavier’s weights"),
    "relu": Start("relu", init.he_normal, told="ReLU, He’s weights"),
    "poor initialization": Start("tanh", init.uniform(), told="tanh, weights within ±0.01"),
    "dying relu": Start("relu", init.he_normal, 0.5, told="ReLU, He’s weights, five times the rate"),
    "recovery": Start("sigmoid", init.xavier_uniform, 0.03, Adam, told="sigmoid, Xavier’s weights, Adam"),
}
USUAL = tuple(STARTS)[:4]


def flows(
    path: str | PathLike[str] | None = None,
    presets: Iterable[str] = USUAL,
    *,
    depth: int = 6,
    width: int = 8,
    samples: int = 120,
    steps: int = 600,
    snapshots: int = 12,
    seed: int = 0,
) -> dict[str, ag.Flow]:
    """Train deep networks that differ in activation, first weights or optimizer, side by side on one slider.

    All learn the same two rings in a plane, an inner and an outer class, by the same number of steps on all samples, of
    gradient descent at the rate 0.1 with momentum 0.9; where a preset differs, it says so. ``"sigmoid"``: deltas vanish
    by about 0.25 for each layer (claims Y15, R13); ``"tanh"``, with Xavier's weights, and ``"relu"``, with He's, pass
    them on (claim R14), but some units of the latter are dead from the start; ``"poor initialization"``: tanh with
    weights within ±0.01 (claim R9), whose deltas vanish far faster than a sigmoid's; ``"dying relu"``: a rate of 0.5
    puts units out; ``"recovery"``: a sigmoid network under Adam, whose steps do not shrink with the gradient.

    Parameters
    ----------
    path : str or Path, optional
        Where to write the page, such as ``"flow.html"``.
    presets : iterable of str, or str
        Some of these names.
    depth, width : int
        Hidden layers, and units of each.
    samples : int
        Of both classes together.
    steps, snapshots : int
        As for `flow`.
    seed : int
        Of samples and weights.

    Returns
    -------
    dict of str to ag.Flow

    Raises
    ------
    TypeError, ValueError
        If an argument is none of these.

    Examples
    --------
    >>> import nn
    >>> films = nn.flows(presets=["sigmoid", "tanh"], steps=20, snapshots=3)
    >>> ratios = {name: film.data["deltas"][0, 0] / film.data["deltas"][0, -1] for name, film in films.items()}
    >>> bool(ratios["sigmoid"] < 0.001 < 0.1 < ratios["tanh"])
    True
    """
    names = (presets,) if isinstance(presets, str) else tuple(presets) if isinstance(presets, Iterable) else ()
    if not names or not all(isinstance(name, str) and name in STARTS for name in names):
        raise ValueError(
            f"flows: presets is {shown(presets)}, but must list some of these names: {', '.join(STARTS)}. Write "
            "presets=['sigmoid', 'tanh']."
        )
    names = tuple(dict.fromkeys(names))
    depth, width = whole("flows", "depth", depth, 1), whole("flows", "width", width, 1)
    samples, seed = whole("flows", "samples", samples, 4), whole("flows", "seed", seed, 0)
    x, y = rings(samples, seed)
    films = {}
    for name in names:
        start = STARTS[name]
        model = MLP([2, *[width] * depth, 1], start.activation, initializer=start.initializer, rng=seed)
        loss = binary_cross_entropy_with_logits
        films[name] = flow(
            model, x, y, loss, start.optimizer_of(model), steps=steps, snapshots=snapshots, title=start.told
        )
    if path is not None:
        first, *others = films.values()
        heading = f"Gradient flow through {depth} hidden layers" if others else None
        first.save(path, *others, title=heading)
    return films


def rings(samples: int, seed: int) -> tuple[Any, Any]:
    """Return points on two rings, (samples, 2), and for each a 1 if it is on the inner one, (samples, 1)."""
    rng = np.random.default_rng(seed)
    inner = np.arange(samples) % 2
    radius = np.where(inner, 0.5, 1.1) + 0.08 * rng.normal(size=samples)
    angle = rng.uniform(0, 2 * np.pi, samples)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), inner[:, None].astype(float)
