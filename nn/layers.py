"""Layers, and the models that are sequences of layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import autograd_mini as ag

from . import functional, init
from .checks import array_of, callable_of, dtype_of, generator, real, shown, whole
from .module import Module, Parameter

__all__ = ["MLP", "Activation", "Dropout", "Identity", "Linear", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh"]


class Linear(Module):
    r"""A fully connected layer, :math:`z = a W^T + b`.

    Row by row of a batch this is :math:`z_i = \sum_j w_{ij} a_j + b_i` (claims Y1, M1).

    Parameters
    ----------
    n_in, n_out : int
        Numbers of inputs and of units.
    bias : bool
        Whether there is a bias.
    mask : array_like of 0 and 1, shape (n_out, n_in), optional
        Where it is 0 there is no connection: the weight is 0, and so is its gradient.
    initializer : callable, optional
        ``initializer(rng, shape)``; He's by default.
    rng : int or numpy.random.Generator, optional
        Where the initial weights come from.
    dtype : dtype
        Of the parameters; inputs are cast to it, so that a float32 layer computes in float32 whatever it is given.

    Attributes
    ----------
    weight : Parameter, shape (n_out, n_in)
        :math:`w_{ij}` leads to unit i from input j.
    bias : Parameter, shape (n_out,), or None

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Linear(3, 2, rng=0)
    >>> layer
    Linear(3 -> 2)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        bias: bool = True,
        *,
        mask: Any = None,
        initializer: init.Initializer = init.he_normal,
        rng: int | np.random.Generator | None = None,
        dtype: Any = np.float64,
    ) -> None:
        hint = " A layer needs at least one input and one unit."
        n_in, n_out = whole("Linear", "n_in", n_in, 1, hint), whole("Linear", "n_out", n_out, 1, hint)
        if not isinstance(bias, (bool, int, np.integer, np.bool_, type(None))):
            raise TypeError(
                f"Linear: bias is {shown(bias)}, but must be True or False: whether there is one. "
                "Set its values afterwards: layer.bias.data = values."
            )
        layer, shape, dtype = f"Linear({n_in}, {n_out})", (n_out, n_in), dtype_of("Linear", dtype)
        callable_of("Linear", "initializer", initializer, "nn.init.he_normal")
        weight = initializer(generator("Linear", rng), shape)
        weight = np.asarray(array_of(layer, "the initializer's result", weight, "fiub" + dtype.kind), dtype)
        if weight.shape != shape:
            raise ag.errors.ShapeError(
                f"{layer}: the initializer returned shape {weight.shape}; the weight of {layer} is {shape}."
            )
        self.mask = None if mask is None else np.array(array_of(layer, "mask", mask), dtype)
        if self.mask is not None:
            if self.mask.shape != shape:
                fix = " Write mask.T." if self.mask.T.shape == shape else ""
                raise ag.errors.ShapeError(
                    f"{layer}: the mask has shape {self.mask.shape}; the weight of {layer} is {shape}, (out, in).{fix}"
                )
            if not np.isin(self.mask, (0, 1)).all():
                wrong = self.mask[~np.isin(self.mask, (0, 1))][0]
                raise ValueError(f"{layer}: a mask holds only 1 (connected) and 0 (absent); this one holds {wrong:g}.")
            weight = np.where(self.mask, weight, 0)
        self.weight = Parameter(weight)
        self.bias = Parameter(np.zeros(n_out, dtype)) if bias else None

    def forward(self, x: Any) -> Any:
        """Return the weighted sums of the rows of `x`, shape (..., n_in), as shape (..., n_out)."""
        weight: ag.Tensor = self.weight
        bias, n_in, dtype = self.bias, weight.shape[1], weight.dtype
        if not hasattr(x, "__array_function__") or x.dtype.kind not in "fiu":
            x = array_of(repr(self), "x", x, "fiub" + dtype.kind)
        shape, given = x.shape, x.dtype
        if not shape or shape[-1] != n_in:
            raise ag.errors.ShapeError(self._shape_message(shape, n_in))
        if given is not dtype and given != dtype:
            x = x.astype(dtype)
        if self.mask is not None:
            weight = weight * self.mask
        z = x @ weight.T
        return z if bias is None else z + bias

    def _shape_message(self, shape: tuple[int, ...], n_in: int) -> str:
        """Say which layer got which shape, and how its array may have been meant."""
        place = self.place.removeprefix("layers.")
        fix = ""
        if len(shape) == 2 and shape[0] == n_in and place in ("", "0"):
            fix = " Did you mean x.T?"
        elif len(shape) > 2 and math.prod(shape[1:]) == n_in:
            fix = " Write x.reshape(len(x), -1)."
        elif len(shape) == 1 and n_in == 1:
            fix = " Write x[:, None]."
        return (
            f"{self!r}{f' (layer {place})' if place else ''} takes {n_in} inputs in the last axis and got an array of "
            f"shape {shape}. Samples are rows: (samples, inputs).{fix}"
        )

    def __repr__(self) -> str:
        n_out, n_in = self.weight.shape
        absent = "" if self.mask is None else f", {int((self.mask == 0).sum())} absent"
        return f"Linear({n_in} -> {n_out}{'' if self.bias is not None else ', bias=False'}{absent})"


class Activation(Module):
    """Base class of the layers that apply a function to every unit, or to every row."""

    function = staticmethod(functional.identity)

    def forward(self, z: Any) -> Any:
        """Return the activations."""
        return self.function(z)


class Identity(Activation):
    """The identity."""


class Sigmoid(Activation):
    """The sigmoid; see `sigmoid`."""

    function = staticmethod(functional.sigmoid)


class Tanh(Activation):
    """The hyperbolic tangent."""

    function = staticmethod(functional.tanh)


class ReLU(Activation):
    """The rectifier; see `relu`."""

    function = staticmethod(functional.relu)


class Softmax(Activation):
    """The softmax of each row; see `softmax`."""

    function = staticmethod(functional.softmax)


class Dropout(Module):
    r"""In training, put out each unit with probability :math:`p`, anew at each call; in evaluation, do nothing.

    :math:`a_i m_i / (1 - p)` with :math:`m_i = 0` or 1: divided by what stays on average, the outputs keep their mean.
    Source: Srivastava et al., 2014, section 10 (the inverted form).

    Parameters
    ----------
    p : float
        From 0 to below 1.
    rng : int or numpy.random.Generator, optional
        Where the draws come from: the same seed gives the same run, compiled or not.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.Dropout(0.5, rng=0)
    >>> layer(np.ones(6))
    array([2., 0., 0., 0., 2., 2.])
    >>> layer.eval()(np.ones(6))
    array([1., 1., 1., 1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, rng: int | np.random.Generator | None = None) -> None:
        self.p = real(
            "Dropout", "p", p, "lie in [0, 1): the part that is put out", above=float(np.nextafter(0, -1)), below=1
        )
        self.rng = generator("Dropout", rng)

    def forward(self, x: Any) -> Any:
        """Return `x` with some units put out."""
        x = array_of("Dropout", "x", x, "fiubc")
        if not self.training or not self.p:
            return x
        keep = ag.fresh(self.rng.random, x.shape) >= self.p
        return x * keep / (1 - self.p)

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "softmax": Softmax,
    "tanh": Tanh,
}


class Sequential(Module):
    """Layers one after the other.

    A layer with weights and the activations that follow it form one group, ``layer1``, ``layer2``, ..., in pictures; a
    Linear layer's weight is called ``W1``, its bias ``b1``, as in the textbooks.

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
            number += bool(layer.parameters())
            places.append(f"layer{max(number, 1)}")
            if isinstance(layer, Linear):
                layer.weight.name = f"W{number}"
                if layer.bias is not None:
                    layer.bias.name = f"b{number}"
        self.places = tuple(places)

    def children(self) -> Iterator[tuple[str, Module]]:
        """Yield the layers, named by their position, and what else a subclass holds."""
        yield from ((name.removeprefix("layers."), child) for name, child in super().children())

    def forward(self, x: Any) -> Any:
        """Pass `x` through every layer."""
        for place, layer in zip(self.places, self.layers, strict=True):
            x = layer.at(place, x)
        return x

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, i: int) -> Module:
        try:
            return self.layers[i]
        except IndexError:
            raise IndexError(f"Sequential: there is no layer {i}; this model has {len(self)}, from 0.") from None


class MLP(Sequential):
    """A multi-layer perceptron: Linear layers with an activation after each.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, units of each hidden layer, outputs.
    activation : str
        Of the hidden layers: identity, relu, sigmoid, softmax or tanh.
    output : str
        Of the output layer; ``"identity"`` leaves the logits, as the losses from logits want them.
    rng : int or numpy.random.Generator, optional
        Where the initial weights come from.
    dtype : dtype
        Of the parameters.
    initializer : callable, optional
        By default He's before a ReLU and Xavier's elsewhere.

    Examples
    --------
    >>> import nn
    >>> model = nn.MLP([64, 32, 10], rng=0)
    >>> [p.shape for p in model.parameters()]
    [(32, 64), (32,), (10, 32), (10,)]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        output: str = "identity",
        *,
        rng: int | np.random.Generator | None = None,
        dtype: Any = np.float64,
        initializer: init.Initializer | None = None,
    ) -> None:
        if np.ndim(sizes) != 1 or len(sizes) < 2 or isinstance(sizes, str):
            raise ValueError(
                f"MLP: sizes is {shown(sizes)}, but must list at least inputs and outputs, as in MLP([64, 32, 10])."
            )
        for argument, name in (("activation", activation), ("output", output)):
            if not isinstance(name, str) or name not in ACTIVATIONS:
                raise ValueError(
                    f"MLP: unknown activation: {argument} is {shown(name)}, but must be one of the names "
                    f"{', '.join(ACTIVATIONS)}, as text."
                )
        sizes = [whole("MLP", f"sizes[{i}]", size, 1) for i, size in enumerate(sizes)]
        rng = generator("MLP", rng)
        layers: list[Module] = []
        for i, (n_in, n_out) in enumerate(pairwise(sizes)):
            name = output if i == len(sizes) - 2 else activation
            draw = initializer or (init.he_normal if name == "relu" else init.xavier_uniform)
            layers.append(Linear(n_in, n_out, initializer=draw, rng=rng, dtype=dtype))
            if name != "identity":
                layers.append(ACTIVATIONS[name]())
        super().__init__(*layers)
