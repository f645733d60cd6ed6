"""A model as a list of steps, each with its name in a rule; and one run of it that leaves no trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import autograd_mini as ag

from .. import delta
from ..checks import shown
from ..layers import (
    ACTIVATIONS,
    BatchNorm1d,
    Dropout,
    Flatten,
    Identity,
    LayerNorm,
    Linear,
    Residual,
    Sequential,
)
from ..module import Module, collect, observe, restored
from ..notation import Point

__all__ = ["Forward", "Network", "Node", "read", "run", "trainable"]

HAND_ACTIVATIONS = {cls: name for name, cls in ACTIVATIONS.items() if name in delta.ACTIVATIONS}
PARTS = ("Linear", "BatchNorm1d", "LayerNorm", "Dropout", "Residual", "Flatten", "Sequential")


@dataclass(frozen=True)
class Node:
    """One step of the forward pass: a module, or without one the sum where a shortcut ends.

    `sources` are the steps whose values it takes, counted from 1; 0 is the input. `entry` is where a sum's ways part.
    """

    module: Module | None
    place: str
    point: Point
    sources: tuple[int, ...]
    entry: int = 0


@dataclass
class Network:
    """A model's steps in the order of the forward pass; step i is ``nodes[i - 1]``."""

    nodes: list[Node] = field(default_factory=list)
    layers: int = 0
    used: dict[tuple[str, int], int] = field(default_factory=dict)
    seen: dict[int, str] = field(default_factory=dict)

    def point(self, step: int) -> Point:
        """Return what the value of a step is called."""
        return self.nodes[step - 1].point if step else Point("a", 0)

    def users(self, step: int) -> list[int]:
        """Return the steps that take the value of this one."""
        return [i for i, node in enumerate(self.nodes, 1) for source in node.sources if source == step]

    @property
    def branched(self) -> bool:
        """Whether there is a shortcut."""
        return any(node.module is None for node in self.nodes)

    def _append(self, module: Module | None, place: str, letter: str, *sources: int, entry: int = 0) -> int:
        if isinstance(module, Flatten):  # the same values
            point = self.point(sources[0])
        else:
            layer = max(self.layers, 1) if letter == "v" else self.layers
            count = self.used[letter, layer] = self.used.get((letter, layer), int((letter, layer) == ("a", 0))) + 1
            point = Point(letter, layer, "" if count == 1 else chr(ord("a") + count - 1))
        self.nodes.append(Node(module, place, point, sources, entry))
        return len(self.nodes)

    def add(self, module: Module, place: str, source: int) -> int:
        """Append a module's steps and return the last."""
        if is_sequence(module):
            for i, layer in enumerate(module.layers):
                source = self.add(layer, f"{place}.{i}" if place else str(i), source)
            return source
        kind = type(module)
        if kind is Residual:
            assert isinstance(module, Residual)
            inside = self.add(module.module, f"{place}.module", source)
            around = source if module.shortcut is None else self.add(module.shortcut, f"{place}.shortcut", source)
            return self._append(None, place, "s", inside, around, entry=source)
        if isinstance(module, (Linear, BatchNorm1d, LayerNorm)) and kind in (Linear, BatchNorm1d, LayerNorm):
            parts = [part for part in (module, module.weight, module.bias) if part is not None]
            shared = [self.seen[id(part)] for part in parts if id(part) in self.seen]
            if shared:
                raise TypeError(
                    f"compare: layer {place} ({module!r}) has no hand-derived rule here, as it shares parameters with "
                    f"layer {shared[0]}, whose gradients add up: there are rules of {_known()}, each with parameters "
                    "in one place."
                )
            self.seen.update({id(part): place for part in parts})
            self.layers += kind is Linear
            return self._append(module, place, "z" if kind is Linear else "v", source)
        if kind is Dropout:
            assert isinstance(module, Dropout)
            return self._append(module, place, "ã", source) if module.training and module.p else source
        if kind is Identity:
            return source
        if kind in HAND_ACTIVATIONS:
            return self._append(module, place, "a", source)
        if isinstance(module, Flatten) and kind is Flatten and (module.start_dim, module.end_dim) == (1, -1):
            return self._append(module, place, "", source)
        raise TypeError(
            f"compare: layer {place} ({module!r}) has no hand-derived rule here: there are rules of {_known()}."
        )


def _known() -> str:
    return f"{', '.join(PARTS)} and the activations {', '.join(cls.__name__ for cls in HAND_ACTIVATIONS)}"


def is_sequence(module: Any) -> TypeGuard[Sequential]:
    """Return whether a module passes its input through its layers, and does nothing else."""
    return isinstance(module, Sequential) and type(module).forward is Sequential.forward


def read(model: Any) -> Network:
    """Read a model; raise if some layer has no hand-derived rule."""
    if not is_sequence(model):
        raise TypeError(
            "compare reads models that are nn.Sequential or nn.MLP, with their forward(); "
            f"this is {shown(model)}. Build it of layers: nn.Sequential(nn.Linear(3, 2), nn.Tanh())."
        )
    network = Network()
    if not len(model):
        raise TypeError("compare: the model has no layers. It needs at least one: nn.Sequential(nn.Linear(2, 1)).")
    network.add(model, "", 0)
    if not any(node.point.letter in ("z", "v") for node in network.nodes):
        raise TypeError(
            "compare: the model has no layer with weights, and so no deltas. Give it one: nn.Sequential(nn.Linear(2, "
            "1), nn.Tanh())."
        )
    return network


# --- the engine's forward pass, which leaves no trace -----------------------------------------------------------------


@dataclass(frozen=True)
class Forward:
    """What one forward pass of the model gave: outputs; what Linear layers and normalizations returned; the masks."""

    outputs: Any
    values: dict[int, Any]  # by the step, as the masks are
    kept: dict[int, Any]


def run(model: Module, network: Network, x: Any) -> Forward:
    """Run the model once; its running means and its random generators are then as they were."""
    values: dict[int, Any] = {}
    dropped: list[Any] = []

    def note(module: Module, out: Any) -> None:
        if type(module) in (Linear, BatchNorm1d, LayerNorm):
            values[id(module)] = out
        elif type(module) is Dropout and module.training and module.p:
            dropped.append(out)

    steps = [(i, node.module) for i, node in enumerate(network.nodes, 1) if type(node.module) is Dropout]
    with restored(model), collect(), observe(note):
        x = x if x.dtype.kind == "f" else x.astype(float)
        outputs = model(ag.Tensor(x, requires_grad=True))  # so that all of it is recorded
    with restored(model):  # the same draws once more
        kept = {
            i: module.rng.random(out.shape) >= module.p
            for (i, module), out in zip(steps, dropped, strict=True)
            if isinstance(module, Dropout)
        }
    found = {i: values[id(node.module)] for i, node in enumerate(network.nodes, 1) if id(node.module) in values}
    return Forward(outputs, found, kept)


@contextmanager
def trainable(model: Module) -> Iterator[None]:
    """Let the parameters that are frozen have gradients, too."""
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad = True
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad = False
