"""Functions that a few NumPy lines over primitives express: their derivatives follow by themselves.

Each has NumPy's own signature; a test holds them against it.
"""

import numpy as np

from ..errors import UnsupportedArgumentError
from ..table import composite, name_of
from .reduce import count

__all__: list[str] = []


def refuse_out(function, out):
    """Refuse ``out=``: Tensors are values."""
    if out is not None:
        name = name_of(function)
        raise UnsupportedArgumentError(f"{name} on a Tensor cannot take out=: write `result = {name}(...)`.")


@composite(np.mean)
def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The sum divided by the number of entries; half precision adds up in single, as NumPy does."""
    refuse_out(np.mean, out)
    half = dtype is None and a.dtype == np.float16
    total = np.sum(a, axis, dtype=np.float32 if half else dtype, keepdims=keepdims, where=where)
    n = count(a, axis, where)
    if where is not True and not keepdims:
        n = np.squeeze(n, axis) if axis is not None else np.reshape(n, ())
    y = total / n
    return y.astype(np.float16) if half else y.astype(total.dtype)


@composite(np.var)
def var(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None
):
    """The mean square of the deviations from the mean."""
    refuse_out(np.var, out)
    half = dtype is None and a.dtype == np.float16
    dtype = np.float32 if half else dtype
    centre = np.mean(a, axis=axis, dtype=dtype, keepdims=True, where=where) if mean is None else mean
    square = np.square(a - centre)
    total = np.sum(square, axis, dtype=dtype, keepdims=keepdims, where=where)
    n = count(a, axis, where)
    if where is not True and not keepdims:
        n = np.squeeze(n, axis) if axis is not None else np.reshape(n, ())
    n = np.maximum(n - (ddof if correction is None else correction), 0)
    y = total / n
    return y.astype(np.float16) if half else y.astype(total.dtype)


@composite(np.std)
def std(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None
):
    """The root of the variance; where the spread is 0, so is its derivative."""
    refuse_out(np.std, out)
    v = np.var(
        a, axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction
    )
    return np.where(v == 0, 0, np.sqrt(np.where(v == 0, 1, v)))


@composite(np.clip)
def clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None):
    """The maximum with the lower bound, then the minimum with the upper one."""
    refuse_out(np.clip, out)
    low, high = a_min if min is None else min, a_max if max is None else max
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@composite(np.stack)
def stack(arrays, axis=0, out=None, *, dtype=None, casting="same_kind"):
    """Concatenate along a new axis."""
    refuse_out(np.stack, out)
    arrays = list(arrays)
    axis = axis % (np.ndim(arrays[0]) + 1)
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis, dtype=dtype, casting=casting)


@composite(np.split)
def split(ary, indices_or_sections, axis=0):
    """Cut along an axis, into equal parts or at the given places."""
    n = ary.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if n % indices_or_sections:
            raise ValueError(
                f"np.split: {n} entries along axis {axis} cannot be split into {indices_or_sections} equal parts"
            )
        step = n // int(indices_or_sections)
        stops = [step * i for i in range(1, int(indices_or_sections))]
    else:
        stops = list(indices_or_sections)
    edge = [slice(None)] * (axis % ary.ndim)
    return [ary[(*edge, slice(a, b))] for a, b in zip([0, *stops], [*stops, n], strict=True)]


@composite(np.divmod)
def divmod_(a, b):
    """The quotient rounded down, and what remains."""
    return np.floor_divide(a, b), np.remainder(a, b)


@composite(np.conjugate, np.real)
def itself(val):
    """A real number is its own conjugate and its own real part."""
    return val
