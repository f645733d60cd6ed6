"""Dropout: in training, units are put out at random."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import FROM_ZERO, array_of, generator, real
from ..module import Module

__all__ = ["Dropout"]


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
        self.p = real("Dropout", "p", p, "lie in [0, 1): the part that is put out", above=FROM_ZERO, below=1)
        self.rng = generator("Dropout", rng)

    def forward(self, x: Any) -> Any:
        """Return `x` with some units put out."""
        x = array_of("Dropout", "x", x, "fiubc")
        if not self.training or not self.p:
            return x
        keep = ag.fresh(self.rng.random, x.shape) >= self.p
        return x * keep / (1 - self.p)

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {"p": self.p}

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"
