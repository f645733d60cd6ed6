"""Reductions: sums, products, extremes along axes, with every keyword that NumPy has for them."""

import numpy as np

from ..table import defvjp

__all__: list[str] = []


def along(g, shape, axis, keepdims):
    """Return `g`, the cotangent of a reduction, with the reduced axes back as axes of length 1."""
    if keepdims or axis is None and len(shape) == 0:
        return g
    if axis is None:
        return np.reshape(g, (1,) * len(shape))
    return np.expand_dims(g, tuple(i % len(shape) for i in (axis if isinstance(axis, tuple) else (axis,))))


def sum_vjp(g, _y, _a, where=True, _initial=0, *, axis=None, dtype=None, keepdims=False):
    """Every summand gets the whole cotangent."""
    g = np.broadcast_to(along(g, _a.shape, axis, keepdims), _a.shape)
    return g if where is True else np.where(where, g, 0)


def initial_vjp(g, _y, _a, where=True, _initial=0, *, axis=None, dtype=None, keepdims=False):
    """The initial value is one more summand of each sum."""
    return np.sum(g)


def prod_vjp(g, _y, a, where=True, initial=1, *, axis=None, dtype=None, keepdims=False):
    """Each factor gets the product of all the others: never y / a, which fails at 0."""
    factors = a if where is True else np.where(where, a, 1)
    g = along(g, a.shape, axis, keepdims) * initial
    axes = tuple(range(a.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(i % a.ndim for i in axes)
    last = tuple(range(a.ndim - len(axes), a.ndim))
    lines = np.moveaxis(factors, axes, last)
    others = leave_one_out(np.reshape(lines, (*lines.shape[: a.ndim - len(axes)], -1)))
    p = g * np.moveaxis(np.reshape(others, lines.shape), last, axes)
    return p if where is True else np.where(where, p, 0)


def prod_initial_vjp(g, _y, a, where=True, _initial=1, *, axis=None, dtype=None, keepdims=False):
    """The initial value is one more factor of each product."""
    return np.sum(g * np.prod(a, axis=axis, keepdims=keepdims, where=where))


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
    """The extreme entries share the cotangent evenly, a tie with `initial` included."""
    chosen, ties = _chosen(y, a, where, initial, axis, keepdims)
    return along(g, a.shape, axis, keepdims) * (chosen / ties)


def extreme_initial_vjp(g, y, a, where=True, initial=None, *, axis=None, keepdims=False):
    """The initial value's part, where it is the extreme."""
    _, ties = _chosen(y, a, where, initial, axis, keepdims)
    return np.sum(along(g, a.shape, axis, keepdims) * ((along(y, a.shape, axis, keepdims) == initial) / ties))


def _chosen(y, a, where, initial, axis, keepdims):
    """Return which entries are the extreme, and how many (at least 1) in each line."""
    y = along(y, a.shape, axis, keepdims)
    chosen = ((a == y) & where) * np.ones((), a.dtype)
    ties = np.sum(chosen, axis=axis, keepdims=True)
    if initial is not None:
        ties = ties + (y == initial)
    return chosen, np.maximum(ties, 1)


def std_vjp(
    g, y, a, where=True, *, axis=None, dtype=None, ddof=0, keepdims=False, mean=None, correction=None
):
    r"""``(a - mean) / (n y)``; 0 where the spread is 0, as for every norm."""
    y = along(y, a.shape, axis, keepdims)
    g = along(g, a.shape, axis, keepdims)
    centre = np.mean(a, axis=axis, keepdims=True, where=where) if mean is None else mean
    n = count(a, axis, where) - (ddof if correction is None else correction)
    p = np.where(y == 0, 0, g / (np.maximum(n, 0) * np.where(y == 0, 1, y))) * (a - centre)
    return p if where is True else np.where(where, p, 0)


def count(a, axis, where):
    """Return how many entries each line of a reduction has."""
    if where is True:
        axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        n = 1
        for i in axes:
            n *= a.shape[i]
        return n
    return np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=True)


defvjp(np.sum, sum_vjp, None, initial_vjp)
defvjp(np.prod, prod_vjp, None, prod_initial_vjp)
for extreme in (np.max, np.amax, np.min, np.amin):
    defvjp(extreme, extreme_vjp, None, extreme_initial_vjp)
