"""Linear: the fully connected layer, and its masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_mini as ag

from .. import init
from ..checks import array_of, dtype_of, flag, generator, whole
from ..module import Module, Parameter

__all__ = ["Linear"]


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
        ``initializer(rng, shape)``, from `nn.init` or one of your own; He's by default.
    bias_initializer : callable, optional
        The same for the bias, of shape (n_out,); zeros by default.
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
        bias_initializer: init.Initializer = init.zeros,
        rng: int | np.random.Generator | None = None,
        dtype: Any = np.float64,
    ) -> None:
        hint = " A layer needs at least one input and one unit."
        n_in, n_out = whole("Linear", "n_in", n_in, 1, hint), whole("Linear", "n_out", n_out, 1, hint)
        bias = flag("Linear", "bias", bias, "whether there is one. Set its values afterwards: layer.bias.data = values")
        layer, shape, dtype = f"Linear({n_in}, {n_out})", (n_out, n_in), dtype_of("Linear", dtype)
        rng = generator("Linear", rng)
        weight = init.drawn("Linear", "initializer", initializer, rng, shape, dtype, layer)
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
        self.bias = None
        if bias:
            start = init.drawn("Linear", "bias_initializer", bias_initializer, rng, (n_out,), dtype, layer)
            self.bias = Parameter(start)

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

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        n_out, n_in = self.weight.shape
        bias, dtype = self.bias is not None, self.weight.dtype.name
        mask = None if self.mask is None else self.mask.copy()
        return {"n_in": n_in, "n_out": n_out, "bias": bias, "mask": mask, "dtype": dtype}

    def __repr__(self) -> str:
        n_out, n_in = self.weight.shape
        absent = "" if self.mask is None else f", {int((self.mask == 0).sum())} absent"
        return f"Linear({n_in} -> {n_out}{'' if self.bias is not None else ', bias=False'}{absent})"
