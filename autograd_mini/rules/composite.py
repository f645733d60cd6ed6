"""Functions that a few NumPy lines over primitives express: their derivatives follow by themselves.

Each has NumPy's own signature; a test holds them against it.
"""

import math

import numpy as np

from ..errors import UnsupportedArgumentError
from ..table import composite, name_of, refusal
from .reduce import axes_of

__all__: list[str] = []


def refuse(function, **unhandled):
    """Refuse by name the arguments that were given and are not handled."""
    for name, value in unhandled.items():
        if value is not None:
            raise UnsupportedArgumentError(refusal(name_of(function), name))


def array(a):
    """Return what NumPy makes of an argument first: a number or a list becomes an array, with a dtype of its own."""
    return a if hasattr(a, "dtype") else np.asarray(a)


# --- means and spreads


def precision(a, dtype):
    """Return the dtypes in which NumPy adds up and answers: integers in double, halves in single."""
    if dtype is None and a.dtype.kind in "iub":
        return np.float64, np.dtype(np.float64)
    if dtype is None and a.dtype == np.float16:
        return np.float32, a.dtype
    return dtype, None


def divide(total, n, dtype):
    """Return ``total / n`` in `dtype`, which by default is that of the total."""
    y, dtype = total / (n.astype(total.dtype) if hasattr(n, "astype") else n), dtype or total.dtype
    return y if y.dtype == dtype else y.astype(dtype)


def count(a, axis, keepdims, where, ddof=0):
    """Return how many entries each line has, less `ddof`: a number, or with `where` an array like the sums."""
    if where is True:
        return max(math.prod(a.shape[i] for i in axes_of(a, axis)) - ddof, 0)
    return np.maximum(np.sum(np.broadcast_to(where, a.shape), axis, keepdims=keepdims) - ddof, 0)


@composite(np.mean)
def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The sum divided by the number of entries."""
    refuse(np.mean, out=out)
    a = array(a)
    wide, narrow = precision(a, dtype)
    total = np.sum(a, axis, dtype=wide, keepdims=keepdims, where=where)
    return divide(total, count(a, axis, keepdims, where), narrow)


@composite(np.var)
def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The mean square of the deviations from the mean."""
    refuse(np.var, out=out)
    a = array(a)
    if correction is not None and ddof != 0:
        raise ValueError("np.var: ddof and correction are two names of one number; give one of them")
    wide, narrow = precision(a, dtype)
    centre = np.mean(a, axis=axis, dtype=wide, keepdims=True, where=where) if mean is None else mean
    deviation = a - centre if where is True else np.where(where, a - centre, 0)
    square = np.real(deviation * np.conjugate(deviation)) if a.dtype.kind == "c" else np.square(deviation)
    total = np.sum(square, axis, dtype=wide, keepdims=keepdims, where=where)
    return divide(total, count(a, axis, keepdims, where, ddof if correction is None else correction), narrow)


@composite(np.std)
def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The root of the variance; where the spread is 0, so is its derivative."""
    refuse(np.std, out=out)
    v = np.var(a, axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction)
    return np.where(v == 0, 0, np.sqrt(np.where(v == 0, 1, v)))


# --- bounds


@composite(np.clip)
def clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None, **kwargs):
    """The maximum with the lower bound, then the minimum with the upper one."""
    refuse(np.clip, out=out, **kwargs)
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("np.clip: give the bounds as a_min and a_max or as min= and max=, not as both")
    a = array(a)
    low, high = (a_min, a_max) if min is None and max is None else (min, max)
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@composite(np.divmod)
def divmod_(a, b, /):
    """The quotient rounded down, and what remains."""
    return np.floor_divide(a, b), np.remainder(a, b)


# --- pieces


@composite(np.split)
def split(ary, indices_or_sections, axis=0):
    """Cut along an axis, into equal parts or at the given places."""
    n = ary.shape[axis]
    try:
        stops = list(indices_or_sections)
    except TypeError:  # a number of parts
        parts = int(indices_or_sections)
        if n % parts:
            raise ValueError(
                f"np.split: {n} entries along axis {axis} cannot be split into {parts} equal parts"
            ) from None
        stops = [n // parts * i for i in range(1, parts)]
    edge = (slice(None),) * (axis % ary.ndim)
    return [ary[(*edge, slice(a, b))] for a, b in zip([0, *stops], [*stops, n], strict=True)]


# --- products


@composite(np.dot)
def dot(a, b, out=None):
    """A product of numbers, of matrices, or else the last axis of a against the second to last of b."""
    refuse(np.dot, out=out)
    a, b = array(a), array(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return np.matmul(a, b) if b.ndim <= 2 else np.tensordot(a, b, (-1, -2))


@composite(np.tensordot)
def tensordot(a, b, axes=2):
    """Bring the summed axes to the end of a and to the front of b, and multiply as matrices."""
    a, b = array(a), array(b)
    left, right = axes if np.iterable(axes) else (range(-axes, 0), range(axes))
    left, right = (list(i) if np.iterable(i) else [i] for i in (left, right))
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError(f"np.tensordot: axes {left} of {a.shape} do not fit axes {right} of {b.shape}")
    left, right = [i % a.ndim for i in left], [i % b.ndim for i in right]
    rows, columns = ([i for i in range(x.ndim) if i not in s] for x, s in ((a, left), (b, right)))
    m, k, n = (math.prod(x.shape[i] for i in s) for x, s in ((a, rows), (a, left), (b, columns)))
    p = np.reshape(np.transpose(a, (*rows, *left)), (m, k))
    q = np.reshape(np.transpose(b, (*right, *columns)), (k, n))
    return np.reshape(p @ q, (*(a.shape[i] for i in rows), *(b.shape[i] for i in columns)))
