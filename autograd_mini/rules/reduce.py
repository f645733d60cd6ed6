"""Reductions: sums, products, extremes along axes, with every keyword that NumPy has for them.

Ties in ``max`` and ``min`` share the cotangent evenly, over all the axes that are reduced together; ``initial`` counts
as one more entry. A NaN result has no derivative: every entry gets 0. Entries that are not chosen get an exact 0, whatever
the cotangent is. The functions that pass by NaN (``nansum``, ``nanmax``, ...) give it an exact 0 too.
"""

import math

import numpy as np

from ..table import composite, defvjp
from .composite import array, refuse

__all__: list[str] = []


def along(g, a, axis, keepdims):
    """Return `g`, which belongs to a reduction of `a`, with the axes back (of length 1) that it needs to broadcast."""
    if keepdims or axis is None or a.ndim == 0:
        return g
    if type(g) is np.ndarray and type(axis) is int:  # np.expand_dims takes several times as long
        shape = list(a.shape)
        shape[axis] = 1
        return g.reshape(shape)
    return np.expand_dims(g, axis)


def spread(g, shape):
    """Return `g` broadcast to `shape`, read-only."""
    if isinstance(g, (np.ndarray, np.generic)) and not g.shape:  # np.broadcast_to takes ten times as long
        g = np.ndarray(shape, g.dtype, np.asarray(g), 0, (0,) * len(shape))
        g.flags.writeable = False
        return g
    return np.broadcast_to(g, shape)


def axes_of(a, axis):
    """Return the axes that are reduced, as a tuple."""
    if axis is None or a.ndim == 0:
        return tuple(range(a.ndim))
    return axis if isinstance(axis, tuple) else (axis,)


def sum_vjp(g, _y, _a, where=True, _initial=0, *, axis=None, dtype=None, keepdims=False):
    """Every summand gets the whole cotangent."""
    g = spread(along(g, _a, axis, keepdims), _a.shape)
    return g if where is True else np.where(where, g, 0)


def sum_initial_vjp(g, _y, _a, where=True, _initial=0, *, axis=None, dtype=None, keepdims=False):
    """The initial value is one more summand of each sum."""
    return np.sum(g)


def prod_vjp(g, _y, a, where=True, initial=1, *, axis=None, dtype=None, keepdims=False):
    """Each factor gets the product of all the others: never y / a, which fails at 0."""
    axes = axes_of(a, axis)
    last = tuple(range(-len(axes), 0))
    factors = np.moveaxis(a if where is True else np.where(where, a, 1), axes, last)
    shape = factors.shape[: a.ndim - len(axes)]
    lines = np.reshape(factors, (*shape, math.prod(factors.shape[len(shape) :])))
    others = np.reshape(leave_one_out(lines if dtype is None else lines.astype(dtype)), factors.shape)
    p = along(g, a, axis, keepdims) * initial * np.moveaxis(others, last, axes)
    return p if where is True else np.where(where, p, 0)


def prod_initial_vjp(g, _y, a, where=True, _initial=1, *, axis=None, dtype=None, keepdims=False):
    """The initial value is one more factor of each product."""
    return np.sum(g * np.prod(a, axis=axis, dtype=dtype, keepdims=keepdims, where=where))


def leave_one_out(a):
    """Return, for each entry along the last axis, the product of all the other entries.

    Up a tree of pairwise products and down again: exact with zeros, and differentiable at any order.
    """
    n = a.shape[-1]
    if n < 2:
        return np.ones_like(a)
    half = n // 2
    left, right, rest = a[..., :half], a[..., half : 2 * half], a[..., 2 * half :]
    above = leave_one_out(np.concatenate([left * right, rest], -1))
    pairs = above[..., :half]
    return np.concatenate([pairs * right, pairs * left, above[..., half:]], -1)


def extreme_vjp(g, y, a, where=True, initial=None, *, axis=None, keepdims=False):
    """The extreme entries share the cotangent evenly."""
    chosen = chosen_of(y, a, where, axis, keepdims)
    return np.where(chosen, along(g, a, axis, keepdims) / ties(chosen, y, a, initial, axis, keepdims), 0)


def extreme_initial_vjp(g, y, a, where=True, initial=None, *, axis=None, keepdims=False):
    """The initial value's part, in each line where it is the extreme."""
    count = ties(chosen_of(y, a, where, axis, keepdims), y, a, initial, axis, keepdims)
    return np.sum(np.where(along(y, a, axis, keepdims) == initial, along(g, a, axis, keepdims) / count, 0))


def chosen_of(y, a, where, axis, keepdims):
    """Return which entries are the extreme."""
    return (a == along(y, a, axis, keepdims)) & where


def ties(chosen, y, a, initial, axis, keepdims):
    """Return how many there are in each line, with the initial value; at least 1."""
    count = np.sum(chosen, axis=axis, dtype=a.dtype.type, keepdims=True)  # in the machine's byte order
    return np.maximum(count if initial is None else count + (along(y, a, axis, keepdims) == initial), 1)


defvjp(np.sum, sum_vjp, None, sum_initial_vjp)
defvjp(np.prod, prod_vjp, None, prod_initial_vjp)
for extreme in (np.max, np.amax, np.min, np.amin, np.nanmax, np.nanmin):  # a NaN entry equals no extreme
    defvjp(extreme, extreme_vjp, None, extreme_initial_vjp)


@composite(np.ptp)
def ptp(a, axis=None, out=None, keepdims=np._NoValue):
    """From the least entry to the greatest."""
    refuse(np.ptp, out=out)
    a = array(a)
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


@composite(np.nansum)
def nansum(a, axis=None, dtype=None, out=None, keepdims=np._NoValue, initial=np._NoValue, where=np._NoValue):
    """The sum of what is a number."""
    refuse(np.nansum, out=out)
    a = array(a)
    return np.sum(np.where(np.isnan(a), 0, a), axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


@composite(np.nanprod)
def nanprod(a, axis=None, dtype=None, out=None, keepdims=np._NoValue, initial=np._NoValue, where=np._NoValue):
    """The product of what is a number."""
    refuse(np.nanprod, out=out)
    a = array(a)
    return np.prod(np.where(np.isnan(a), 1, a), axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)
