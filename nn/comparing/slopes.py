"""Finite differences: the slope of a plain function of one array, and how certain it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Place", "Slopes", "finite_differences", "slope"]

ENTRIES = 64  # at most so many entries of an array are checked by finite differences,
STEPS = [0.125 / 8**k for k in range(8)]  # at these steps, or as many of them as rounding allows
EPS = float(np.finfo(float).eps)


class Place(NamedTuple):
    """E as a function of one array, where that stands, and a step that moves the values after it by about 1."""

    function: Callable[[Any], Any]
    at: Any
    step: float


class Slopes(NamedTuple):
    """Where a gradient is largest, the slope there, the largest deviation, and how certain the slopes are."""

    entry: tuple[int, ...]
    slope: float
    worst: float
    uncertainty: float


def finite_differences(place: Place, hand: Any, scale: float, rng: np.random.Generator) -> Slopes:
    """Hold a gradient against slopes at its largest entry, at others drawn at random, and along a random direction.

    The deviations are relative to `scale`.
    """
    function, at, step = place

    def unit(k: int) -> Any:
        e = np.zeros(at.size)
        e[k] = 1
        return e.reshape(at.shape)

    largest = int(np.argmax(np.abs(hand)))
    chosen = [largest, *rng.choice(at.size, min(ENTRIES - 1, at.size), replace=False)]
    slopes, uncertainties = np.array([slope(function, at, step * unit(k)) for k in chosen]).T / step
    direction = rng.standard_normal(at.shape)
    direction /= np.linalg.norm(direction)
    along, uncertainty = np.array(slope(function, at, step * direction)) / step
    errors = [*np.abs(slopes - hand.ravel()[chosen]), abs(along - np.sum(hand * direction))]
    entry = tuple(int(k) for k in np.unravel_index(largest, hand.shape))
    worst, doubt = np.max(errors) / scale, np.max([*uncertainties, uncertainty]) / scale  # np.max: a NaN stays NaN
    return Slopes(entry, float(slopes[0]), float(worst), float(doubt))


def slope(function: Callable[[Any], Any], at: Any, direction: Any) -> tuple[float, float]:
    """Return the derivative along a direction, and how certain it is, by Ridders' method.

    Central differences at ever smaller steps, in whose error only even powers of the step occur, are extrapolated to
    step 0. Of all extrapolations the one wins that is most certain: it differs little from its neighbours, and rounding
    of E has not been divided by too small a step. Source: Ridders, 1982, Accurate computation of F'(x) and
    F'(x) F''(x), Advances in Engineering Software 4.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.comparing.slopes import slope
    >>> found, uncertainty = slope(np.sin, 0.3, 1.0)
    >>> abs(found - np.cos(0.3)) <= uncertainty < 1e-10
    True
    """

    def f(t: float) -> float:
        try:
            return float(function(at + t * direction))
        except ValueError:  # a large step may leave the loss's domain
            return np.nan

    best, uncertainty = np.nan, np.inf
    before: list[float] = []
    with np.errstate(all="ignore"):
        for h in STEPS:
            if 16 * EPS / h > uncertainty:
                break  # rounding alone would now be worse
            right, left = f(h), f(-h)
            rounding = 16 * EPS * max(1.0, abs(right)) / h
            now = [(right - left) / (2 * h)]
            for k, old in enumerate(before, 1):
                now.append(now[-1] + (now[-1] - old) / (64.0**k - 1))  # the error of order 2k falls by 8**2k a step
                doubt = max(abs(now[-1] - now[-2]), abs(now[-1] - old)) + rounding
                if doubt < uncertainty:
                    best, uncertainty = now[-1], doubt
            before = now
    return best, uncertainty
