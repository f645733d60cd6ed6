"""Scans: running sums and products along an axis.

The pullback of a running sum is a running sum from the other end. That of a running product never divides: it is exact
where factors are 0, at every order.
"""

import numpy as np

from ..table import composite, defvjp, in_memory
from .composite import array, refuse

__all__: list[str] = []


def reverse(a, axis):
    """Return `a` read backwards along an axis."""
    return a[(*[slice(None)] * (axis % a.ndim), slice(None, None, -1))]


def cumsum_vjp(g, _y, _a, *, axis=None, dtype=None):
    """Each summand is in all the sums from its own on: add up from the end."""
    axis = 0 if axis is None or _a.ndim == 0 else axis
    return np.reshape(reverse(np.cumsum(reverse(g, axis), axis), axis), _a.shape)


def cumprod_vjp(g, _y, a, *, axis=None, dtype=None):
    """The factors before each, times the sum over the products after it, which is taken from the end."""
    a, shape = a if dtype is None else a.astype(dtype), a.shape
    if axis is None or a.ndim == 0:
        a, axis = np.reshape(a, -1), 0
    factors, g = np.moveaxis(a, axis, -1), np.moveaxis(g, axis, -1)
    one = np.ones_like(factors[..., :1])
    before = np.concatenate([one, np.cumprod(factors, -1)[..., :-1]], -1)
    after = np.concatenate([factors[..., 1:], one], -1)
    p = before * reverse(recurrence(reverse(g, -1), reverse(after, -1)), -1)
    return np.reshape(np.moveaxis(p, -1, axis), shape)


@in_memory
def recurrence(x, a):
    """Return y with ``y[i] = x[i] + a[i] * y[i-1]`` along the last axis; the first a does not count."""
    y = np.array(x, np.result_type(x, a))
    for i in range(1, y.shape[-1]):
        y[..., i] += a[..., i] * y[..., i - 1]
    return y


def recurrence_x(g, _y, _x, a):
    """The same recurrence from the other end."""
    after = np.concatenate([a[..., 1:], np.ones_like(a[..., :1])], -1)
    return reverse(recurrence(reverse(g, -1), reverse(after, -1)), -1)


def recurrence_a(g, y, _x, a):
    """Each factor multiplied what came before it."""
    previous = np.concatenate([np.zeros_like(y[..., :1]), y[..., :-1]], -1)
    return recurrence_x(g, y, _x, a) * previous


defvjp(np.cumsum, cumsum_vjp)
defvjp(np.cumprod, cumprod_vjp)
defvjp(recurrence, recurrence_x, recurrence_a)


def cumulative(scan, x, axis, dtype, first):
    """Return a scan as the array API has it: an axis is needed if there are several; `first` may lead."""
    x = np.reshape(x, 1) if x.ndim == 0 else x
    if axis is None and x.ndim > 1:
        raise ValueError("For arrays which have more than one dimension ``axis`` argument is required.")
    y = scan(x, 0 if axis is None else axis, dtype=dtype)
    if first is None:
        return y
    shape = list(y.shape)
    shape[0 if axis is None else axis] = 1
    return np.concatenate([np.full(shape, first, y.dtype), y], 0 if axis is None else axis)


@composite(np.cumulative_sum)
def cumulative_sum(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """The running sum, after a 0 if that is asked for."""
    refuse(np.cumulative_sum, out=out)
    return cumulative(np.cumsum, array(x), axis, dtype, 0 if include_initial else None)


@composite(np.cumulative_prod)
def cumulative_prod(x, /, *, axis=None, dtype=None, out=None, include_initial=False):
    """The running product, after a 1 if that is asked for."""
    refuse(np.cumulative_prod, out=out)
    return cumulative(np.cumprod, array(x), axis, dtype, 1 if include_initial else None)


@composite(np.nancumsum)
def nancumsum(a, axis=None, dtype=None, out=None):
    """The running sum of what is a number."""
    refuse(np.nancumsum, out=out)
    a = array(a)
    return np.cumsum(np.where(np.isnan(a), 0, a), axis, dtype=dtype)


@composite(np.nancumprod)
def nancumprod(a, axis=None, dtype=None, out=None):
    """The running product of what is a number."""
    refuse(np.nancumprod, out=out)
    a = array(a)
    return np.cumprod(np.where(np.isnan(a), 1, a), axis, dtype=dtype)
