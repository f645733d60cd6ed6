"""Differences, integrals and interpolation along an axis, as NumPy has them for sampled functions.

``interp`` has at a data point the slope to the right, at the last one that to the left. ``unwrap`` adds multiples of the
period, which are constant. ``gradient`` with an array of positions is differentiated as for unequal spacing, though NumPy
takes a shorter way where the spacing happens to be equal.
"""

import math

import numpy as np

from ..errors import DTypeError
from ..table import composite, defvjp
from .composite import array, beside, written

__all__: list[str] = []


def cut(a, axis, *stops):
    """Return a part of `a` along an axis, as ``a[slice(*stops)]``."""
    return a[(*[slice(None)] * (axis % a.ndim), slice(*stops))]


# --- differences


@composite(np.diff)
def diff(a, n=1, axis=-1, prepend=np._NoValue, append=np._NoValue):
    """Each entry less the one before it, n times."""
    if n == 0:
        return a
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    a = array(a)
    if a.ndim == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
    ends = [x if x is np._NoValue else array(x) for x in (prepend, append)]
    ends = [np.broadcast_to(x, (*a.shape[:axis], 1, *a.shape[axis + 1 :])) if np.ndim(x) == 0 and x is not np._NoValue
            else x for x in ends]  # fmt: skip
    parts = [x for x in (ends[0], a, ends[1]) if x is not np._NoValue]
    a = np.concatenate(parts, axis) if len(parts) > 1 else a
    for _ in range(n):
        less = np.not_equal if a.dtype == np.bool_ else np.subtract
        a = less(cut(a, axis, 1, None), cut(a, axis, None, -1))
    return a


@composite(np.ediff1d)
def ediff1d(ary, to_end=None, to_begin=None):
    """The differences of the flat array, between two other arrays."""
    a = np.ravel(array(ary))
    ends = [None if x is None else np.ravel(array(x)) for x in (to_begin, to_end)]
    for x, name in zip(ends, ("to_begin", "to_end"), strict=True):
        if x is not None and not np.can_cast(x.dtype, a.dtype, "same_kind"):
            raise TypeError(f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule.")
    first, last = (None if x is None else x.astype(a.dtype) for x in ends)
    parts = [x for x in (first, a[1:] - a[:-1], last) if x is not None]
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


defvjp(np.unwrap, lambda g, _y, _p, *, discont=None, axis=-1, period=2 * math.pi: g)


@composite(np.gradient)
def gradient(f, *varargs, axis=None, edge_order=1):
    """Central differences inside, one-sided ones at the ends."""
    f = array(f)
    axes = tuple(range(f.ndim)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, f.ndim)
    if len(varargs) == 0:
        spacings = [1.0] * len(axes)
    elif len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        spacings = [varargs[0]] * len(axes)
    elif len(varargs) == len(axes):
        spacings = list(varargs)
    else:
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    f = f if f.dtype.kind in "fc" else f.astype(np.float64)
    f = beside(f, *spacings)
    found = [slope(f, i, positions, edge_order) for i, positions in zip(axes, spacings, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def slope(f, axis, positions, edge_order):
    """Return the derivative of `f` along one axis, given the distance of its samples or their positions."""
    n = f.shape[axis]
    if n < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, at least (edge_order + 1) elements are required."
        )
    if np.ndim(positions) == 0:
        h = positions
        inside = (cut(f, axis, 2, None) - cut(f, axis, None, -2)) / (2.0 * h)
        near, far, far_end = (-1.5 / h, 2.0 / h, -0.5 / h), (0.5 / h, -2.0 / h, 1.5 / h), (h, h)
    else:
        positions = array(positions)
        if positions.ndim != 1:
            raise ValueError("distances must be either scalars or 1d")
        if len(positions) != n:
            raise ValueError("when 1d, distances must match the length of the corresponding dimension")
        d = np.diff(positions if positions.dtype.kind in "fc" else positions.astype(np.float64))
        p, q = (np.reshape(x, (-1, *[1] * (f.ndim - axis - 1))) for x in (d[:-1], d[1:]))
        inside = -q / (p * (p + q)) * cut(f, axis, None, -2) + (q - p) / (p * q) * cut(f, axis, 1, -1)
        inside = inside + p / (q * (p + q)) * cut(f, axis, 2, None)
        far_end = d[0], d[-1]
        if edge_order != 1:
            p, q = d[0], d[1]
            near = -(2.0 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q))
            p, q = d[-2], d[-1]
            far = q / (p * (p + q)), -(q + p) / (p * q), (2.0 * q + p) / (q * (p + q))
    if edge_order == 1:
        first = (cut(f, axis, 1, 2) - cut(f, axis, 0, 1)) / far_end[0]
        last = (cut(f, axis, -1, None) - cut(f, axis, -2, -1)) / far_end[1]
    else:
        first = near[0] * cut(f, axis, 0, 1) + near[1] * cut(f, axis, 1, 2) + near[2] * cut(f, axis, 2, 3)
        last = far[0] * cut(f, axis, n - 3, n - 2) + far[1] * cut(f, axis, n - 2, n - 1)
        last = last + far[2] * cut(f, axis, n - 1, n)
    return np.concatenate([x.astype(f.dtype) for x in (first, inside, last)], axis)


# --- integrals


@composite(np.trapezoid)
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The means of neighbours times their distances."""
    y = array(y)
    if x is None:
        d = dx
    else:
        x = array(x)
        d = np.diff(x) if x.ndim == 1 else np.diff(x, axis=axis)
        d = np.reshape(d, (-1, *[1] * (y.ndim - axis % y.ndim - 1))) if x.ndim == 1 else d
    return np.sum(d * (cut(y, axis, 1, None) + cut(y, axis, None, -1)) / 2.0, axis)


# --- interpolation


@composite(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    """The line between the two data points around x; beyond them, `left` and `right`."""
    x, xp, fp = array(x), array(xp), array(fp)
    exact = np.complex128 if fp.dtype.kind == "c" else np.float64
    for name, a, dtype in (("x", x, np.float64), ("xp", xp, np.float64), ("fp", fp, exact)):
        if not np.can_cast(a.dtype, dtype, "safe"):
            raise DTypeError(
                f"np.interp computes in {np.dtype(dtype)}, and {name} is {a.dtype}. Write {name}.astype(float), or "
                f"np.real({name}), if digits or the imaginary part may be lost."
            )
    x, xp, fp = x.astype(np.float64), xp.astype(np.float64), fp.astype(exact)
    if xp.ndim != 1 or fp.ndim != 1:
        raise ValueError("Data points must be 1-D sequences")
    if len(xp) != len(fp):
        raise ValueError("fp and xp are not of the same length.")
    if len(xp) == 0:
        raise ValueError("array of sample points is empty")
    if period is not None:
        if period == 0:
            raise ValueError("period must be a non-zero value")
        period, left, right = np.abs(written(period)), None, None
        x, xp = x % period, xp % period
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    left, right = fp[0] if left is None else written(left), fp[-1] if right is None else written(right)
    n = len(xp)
    y = fp[-1]
    if n > 1:
        i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, n - 2)
        rise = (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i])
        y = rise * (x - xp[i]) + fp[i]
        hit = (x == xp[i]) & ~np.isfinite(rise)  # NumPy gives the data point's own value there
        y = np.where(hit, fp[i], y)
        last = x == xp[-1]
        y = np.where(last & ~np.isfinite(y), fp[-1], y)
    y = np.where(x < xp[0], left, np.where(x > xp[-1], right, y))
    return np.where(np.isnan(x), x, y)
