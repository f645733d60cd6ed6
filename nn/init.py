"""Initial weights: functions of a generator and a shape (out, in)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .checks import real, shown

__all__ = ["he_normal", "uniform", "xavier_uniform", "zeros"]

Initializer = Callable[[np.random.Generator, tuple[int, ...]], Any]


def uniform(low: float = -0.01, high: float = 0.01) -> Initializer:
    """Return an initializer that draws uniformly from [low, high]; by default the small values of claim R9."""
    if isinstance(low, np.random.Generator):
        raise TypeError("init.uniform makes an initializer. Call it: nn.Linear(3, 2, initializer=nn.init.uniform()).")
    low, high = (real("init.uniform", name, x, "be a finite number") for name, x in (("low", low), ("high", high)))
    if low > high:
        raise ValueError(f"init.uniform: low is {low:g} and high {high:g}, but low must not exceed high.")
    return lambda rng, shape: rng.uniform(low, high, shape)


def zeros(_rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return zeros: for biases. As weights they keep all units of a layer equal (claim R9)."""
    return np.zeros(shape)


def xavier_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    r"""Draw from :math:`U(-r, r)`, :math:`r = \sqrt{6 / (n_{in} + n_{out})}`.

    It keeps the variance through sigmoids and tanh. Source: Glorot and Bengio, 2010, eq. 16 (claim R14).
    """
    _check("init.xavier_uniform", rng, shape)
    bound = np.sqrt(6 / (shape[0] + shape[1]))
    return rng.uniform(-bound, bound, shape)


def he_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    r"""Draw from :math:`N(0, 2 / n_{in})`: keeps the variance through ReLUs.

    Source: He et al., 2015, eq. 10 (claim R14).
    """
    _check("init.he_normal", rng, shape)
    return rng.normal(0, np.sqrt(2 / shape[1]), shape)


def _check(where: str, rng: Any, shape: Any) -> None:
    if not isinstance(rng, np.random.Generator) or not isinstance(shape, tuple) or len(shape) != 2:
        raise TypeError(
            f"{where}: rng is {shown(rng)} and shape {shown(shape)}, but must be a np.random.Generator and a shape "
            f"(out, in). A layer passes both: nn.Linear(3, 2, initializer=nn.{where})."
        )
