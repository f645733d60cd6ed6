"""player: the page that plays the sweep of a model, each layer's delta rule by hand beside what the engine finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of
from .comparing.hand import sweep
from .comparing.loss import read_loss
from .comparing.reading import HAND_ACTIVATIONS, Network, read, run
from .comparing.rules import Rules
from .delta import Record
from .layers import Flatten, Linear, Sequential
from .module import Module, collect, observe, restored
from .notation import NOTATIONS, checked

__all__ = ["player"]

PARTS = {"W": "weight", "b": "bias", "gamma": "weight", "beta": "bias"}  # of nn.delta: what they are called here


def player(
    model: Sequential,
    x: Any,
    y: Any,
    loss: Callable[..., Any],
    path: str | PathLike[str],
    *,
    notation: str = "Y",
    title: str | None = None,
    bug: str | None = None,
    matrix: bool | None = None,
) -> Path:
    r"""Write a page that plays a model's forward pass and sweep, with the delta rule of each layer beside it.

    The page of `ag.player`. Where a layer's delta, :math:`\delta^l = \partial E/\partial z^l`, or the gradient of a
    weight or bias is whole, it stands beside what `nn.delta` finds by the hand-derived rule (claims Y7, Y8, Y10, M3 to
    M6): delta, Delta = -delta, the engine's, and their difference, entry by entry; the rule in three notations, with a
    switch. Values have the textbook's names: z1 of the first Linear layer, a1 of its activation, v1 of a normalization;
    p1, p2, ... are parts of them.

    The model runs as it is, in training or in evaluation; its running means and random generators are then as they
    were.

    Parameters
    ----------
    model : Sequential
        Of the layers that `compare` knows.
    x, y : array_like
        A batch, samples in rows, or one sample; and its targets. One to three samples and few units show best.
    loss : callable
        One of nn's losses, or a `functools.partial` of one with its keywords.
    path : str or Path
        The file, such as ``"sweep.html"``.
    notation : {"Y", "M", "R"}
        The notation that is shown first: Yehoshua's, the matrix note's, or that on Russell and Norvig.
    title : str, optional
        The page's heading.
    bug : str, optional
        A mistake to make, as in `ag.player`.
    matrix : bool, optional
        Whether the page has the matrix of local derivatives too, as in `ag.player`.

    Returns
    -------
    Path

    Raises
    ------
    TypeError
        If a layer or the loss has no hand-derived rule.
    ValueError
        If there is no such notation or bug.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.MLP([2, 2, 2], "sigmoid", "sigmoid", rng=0)
    >>> nn.player(model, [[0.05, 0.1]], [[0.01, 0.99]], nn.squared_error, "sweep.html").name
    'sweep.html'
    """
    checked("player", notation)
    with _renamed():
        network = read(model)
    x, y = (np.asarray(array_of("player", name, values)) for name, values in (("x", x), ("y", y)))
    with _renamed():
        known = read_loss(loss, HAND_ACTIVATIONS.get(type(network.nodes[-1].module)))  # type: ignore[arg-type]
        with ag.recording():
            forward = run(model, network, x)
        o, records = sweep(network, forward, x, y, known)
    rules = Rules(network, known, o, y)
    with _named(network), ag.recording(), ag.keep():
        outputs = _recorded(model, network, x)
        target = ag.Tensor(y, name="y") if y.dtype.kind == "f" else y  # held, so that its value can be shown
        error = loss(outputs, target)
        error.name = "E"
        found = {step.name for step in ag.steps(error) if step.gradient is not None}
        given: dict[str, dict[str, Any]] = {}
        for step in sorted(records):
            if step in forward.values:
                given |= _rules(network, step, records[step], rules)
        given = {name: rule for name, rule in given.items() if name in found}
        title = title or "A network learns, step by step"
        return ag.player(error, path, title=title, rules=given, notation=notation, bug=bug, matrix=matrix)


@contextmanager
def _renamed() -> Iterator[None]:
    """What `compare` refuses, `player` refuses, under its own name."""
    try:
        yield
    except (TypeError, ValueError) as error:
        if not str(error).startswith("compare"):
            raise
        raise type(error)(str(error).replace("compare", "player", 1)) from None


def _recorded(model: Module, network: Network, x: Any) -> Any:
    """Run the model once more, with names for what its layers return; it is left as it was."""
    names = {id(node.module): _name(node.point) for node in network.nodes if not isinstance(node.module, Flatten)}
    names.pop(id(None), None)

    def name(module: Module, out: Any) -> None:
        if id(module) in names:
            out.name = names[id(module)]

    with restored(model), collect(), observe(name):
        return model(ag.Tensor(x if x.dtype.kind == "f" else x.astype(float), name="x"))


@contextmanager
def _named(network: Network) -> Iterator[None]:
    """Give the parameters the names of their layers: W1, b1, gamma1, beta1; afterwards they have their own again."""
    given: list[tuple[Any, str | None]] = []
    for part, new in _parameters(network):
        given.append((part, part.name))
        part.name = new
    try:
        yield
    finally:
        for part, name in given:
            part.name = name


def _parameters(network: Network) -> Iterator[tuple[Any, str]]:
    for node in network.nodes:
        names = ("W", "b") if isinstance(node.module, Linear) else ("gamma", "beta")
        for attribute, letter in zip(("weight", "bias"), names, strict=True):
            part = getattr(node.module, attribute, None)
            if part is not None:
                yield part, _name(node.point, letter)


def _name(point: Any, letter: str = "") -> str:
    """Return what a value is called, or a parameter that leads to it."""
    return f"{letter or point.letter}{point.layer}{point.extra}"


def _rules(network: Network, step: int, record: Record, rules: Rules) -> dict[str, dict[str, Any]]:
    """Return, for the names of a step's values, what was derived by hand, as plain data."""
    node = network.nodes[step - 1]
    written = rules.of(step)
    assert record.u is not None
    found = {_name(node.point): _rule(record.u, written["delta"], _units)}
    found[_name(node.point)]["delta"] = isinstance(node.module, Linear)
    for letter, gradient in record.gradients.items():
        if letter in PARTS:
            labels = _weights if letter == "W" else _units
            found[_name(node.point, letter)] = _rule(gradient, written[PARTS[letter]], labels)
    return found


def _rule(by_hand: Any, rule: Any, labels: Callable[[tuple[int, ...]], list[str]]) -> dict[str, Any]:
    equations = {notation: rule.equation(notation).text for notation in NOTATIONS}
    return {"by_hand": np.asarray(by_hand), "labels": labels(np.shape(by_hand)), **equations}


def _units(shape: tuple[int, ...]) -> list[str]:
    """Return what the entries of a layer's values are: units, and of several samples which."""
    if len(shape) == 1 or shape[0] == 1:
        return [str(i + 1) for i in range(int(np.prod(shape)))]
    return [f"{', '.join(str(i + 1) for i in where[1:])} of sample {where[0] + 1}" for where in np.ndindex(*shape)]


def _weights(shape: tuple[int, ...]) -> list[str]:
    """Return what the entries of a weight matrix are: connections."""
    return [f"{i + 1} ← {j + 1}" for i in range(shape[0]) for j in range(shape[1])]
