"""Flatten: several axes become one."""

from __future__ import annotations

import math
from typing import Any

import autograd_mini as ag

from ..checks import array_of, shown
from ..module import Module

__all__ = ["Flatten"]


class Flatten(Module):
    """Make one axis of the axes from `start_dim` to `end_dim`: images (n, 8, 8) become rows (n, 64).

    Parameters
    ----------
    start_dim, end_dim : int
        The first and the last of them; negative ones count from the end.

    Raises
    ------
    ShapeError
        At the call, if the array has no such axes, or the last comes before the first.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.Flatten()(np.ones((5, 8, 8))).shape
    (5, 64)
    >>> nn.Flatten(0, 1)(np.ones((5, 8, 8)))  # doctest: +ELLIPSIS
    array([[1., 1., ...
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = _axis("start_dim", start_dim), _axis("end_dim", end_dim)

    def forward(self, x: Any) -> Any:
        """Return `x` with these axes as one."""
        x = array_of("Flatten", "x", x, "fiubc")
        n = x.ndim
        start, end = (axis + n if axis < 0 else axis for axis in (self.start_dim, self.end_dim))
        if not 0 <= start <= end < n:
            raise ag.errors.ShapeError(
                f"Flatten: x has shape {x.shape}, of which the axes from {self.start_dim} to {self.end_dim} are to "
                "become one, but there are none in that order. Samples are rows: (samples, ...)."
            )
        return x.reshape((*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :]))

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {"start_dim": self.start_dim, "end_dim": self.end_dim}

    def __repr__(self) -> str:
        default = (self.start_dim, self.end_dim) == (1, -1)
        return "Flatten()" if default else f"Flatten({self.start_dim}, {self.end_dim})"


def _axis(name: str, value: Any) -> int:
    try:
        return int(value.__index__())
    except (AttributeError, TypeError):
        raise TypeError(f"Flatten: {name} is {shown(value)}, but must be a whole number: an axis.") from None
