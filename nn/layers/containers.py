"""Modules that are made of modules: one after the other, or around a shortcut."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import autograd_mini as ag

from ..checks import array_of, shown
from ..module import Module
from .activations import ACTIVATIONS
from .linear import Linear
from .normalization import Normalization

__all__ = ["Residual", "Sequential"]


class Sequential(Module):
    """Layers one after the other.

    A layer with weights and the normalizations and activations that follow it form one group, ``layer1``, ``layer2``,
    ..., in pictures; a Linear layer's weight is called ``W1``, its bias ``b1``, as in the textbooks, and those of a
    normalization ``gamma1`` and ``beta1``.

    Examples
    --------
    >>> import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    >>> [name for name, _ in model.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Module) -> None:
        for i, layer in enumerate(layers):
            if not isinstance(layer, Module):
                fix = "one argument per layer, not a list: nn.Sequential(*layers)"
                if not isinstance(layer, (list, tuple)):
                    name = layer if isinstance(layer, str) else getattr(layer, "__name__", "")
                    known = {key.lower(): cls.__name__ for key, cls in ACTIVATIONS.items()}
                    fix = f"nn.{known.get(str(name).lower(), 'Tanh')}(), say"
                raise TypeError(f"Layer {i} of Sequential must be a Module; this is {shown(layer)}. Write {fix}.")
        self.layers = layers
        places: list[str] = []
        number = 0
        for layer in layers:
            normalizes = isinstance(layer, Normalization)
            number += bool(layer.parameters()) and not normalizes
            places.append(f"layer{max(number, 1)}")
            if isinstance(layer, (Linear, Normalization)):
                weight, bias = ("gamma", "beta") if normalizes else ("W", "b")
                if layer.weight is not None:
                    layer.weight.name = f"{weight}{max(number, 1)}"
                if layer.bias is not None:
                    layer.bias.name = f"{bias}{max(number, 1)}"
        self.places = tuple(places)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the layers, named by their position, and what else a subclass holds."""
        yield from ((name.removeprefix("layers."), child) for name, child in super().children())

    def forward(self, x: Any) -> Any:
        """Pass `x` through every layer."""
        for place, layer in zip(self.places, self.layers, strict=True):
            x = layer.at(place, x)
        return x

    def config(self) -> dict[str, Any]:
        """Return the layers; of a class that makes them itself, define its own `config` and `from_config`."""
        if type(self).__init__ is not Sequential.__init__:
            return super().config()
        return {"layers": list(self.layers)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Sequential:
        """Return a sequence of the layers that `config` returned."""
        return cls(*config["layers"])

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, i: int | slice) -> Module:
        """Return a layer; of a slice, a Sequential of these very layers."""
        if isinstance(i, slice):
            part = Sequential()  # a call with the layers would give their parameters other names
            part.layers, part.places, part.training = self.layers[i], self.places[i], self.training
            return part
        try:
            return self.layers[i]
        except IndexError:
            raise IndexError(f"Sequential: there is no layer {i}; this model has {len(self)}, from 0.") from None


class Residual(Module):
    r"""A module with a shortcut around it, :math:`y = x + f(x)`.

    The module learns what is to be added to its inputs, and the shortcut passes gradients on undiminished. Source: He,
    Zhang, Ren and Sun, 2016, eq. 1; with `shortcut`, eq. 2.

    Parameters
    ----------
    module : Module
        The f. Its outputs have the shape of the shortcut's: nothing is broadcast.
    shortcut : Module, optional
        What the inputs pass through where f changes their width: a Linear layer. By default, nothing.

    Raises
    ------
    ShapeError
        At the call, if the two shapes differ.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Residual(nn.Sequential(nn.Linear(3, 3, rng=0), nn.ReLU()))
    Residual(
      (module): Sequential(
        (0): Linear(3 -> 3)
        (1): ReLU()
      )
    )
    >>> block = nn.Residual(nn.Linear(3, 2, rng=0), shortcut=nn.Linear(3, 2, bias=False, rng=1))
    >>> block(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(self, module: Module, shortcut: Module | None = None) -> None:
        for name, part in (("module", module), ("shortcut", shortcut)):
            if not isinstance(part, Module) and not (name == "shortcut" and part is None):
                raise TypeError(
                    f"Residual: {name} is {shown(part)}, but must be a Module. Of several, make one: "
                    "nn.Sequential(nn.Linear(3, 3), nn.ReLU())."
                )
        self.module, self.shortcut = module, shortcut

    def forward(self, x: Any) -> Any:
        """Return the sum of the module's outputs and the shortcut's, which have one shape."""
        x = array_of("Residual", "x", x, "fiubc")
        out, around = array_of("Residual", "the module's output", self.module(x), "fiubc"), x
        if self.shortcut is not None:
            around = array_of("Residual", "the shortcut's output", self.shortcut(x), "fiubc")
        if out.shape != around.shape:
            n_in, n_out = (shape[-1] if shape else 1 for shape in (x.shape, out.shape))
            which, fix = "shortcut passes", "Give both the same number of outputs"
            if self.shortcut is None:
                which, fix = (
                    "inputs have",
                    f"Project the inputs: nn.Residual(module, shortcut=nn.Linear({n_in}, {n_out}))",
                )
            raise ag.errors.ShapeError(
                f"Residual: the module returned shape {out.shape}, and the {which} shape {around.shape}, but they are "
                f"added and must agree. {fix}."
            )
        if around.dtype != out.dtype and out.dtype.kind in "fc":  # a float32 module stays one
            around = around.astype(out.dtype)
        return around + out

    def config(self) -> dict[str, Any]:
        """Return the parts that make such a module."""
        return {"module": self.module, "shortcut": self.shortcut}
