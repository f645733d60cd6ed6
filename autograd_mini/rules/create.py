"""Arrays made from others: ranges between end points, filled arrays, functions along axes, what takes ``like=``.

A range is linear in its end points. What is asked for in integers has no derivative and is refused where one is wanted.
"""

import math
import operator

import numpy as np

from ..errors import UnsupportedArgumentError
from ..table import composite, no_derivative, refusal
from .composite import array, cast_to, written
from .index import normal

__all__: list[str] = []


def cast(a, dtype):
    """Return an array in a dtype."""
    return a if dtype is None or a.dtype == np.dtype(dtype) else a.astype(dtype)


def weak(a):
    """Return a Python number as it is, so that it takes the other operand's dtype; anything else as an array."""
    return a if type(a) in (int, float, complex) else array(a)


@composite(np.linspace)
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0, *, device=None):
    """``start + i step``, where ``step = (stop - start) / n``; at the end, `stop` itself."""
    num = operator.index(num)
    if num < 0:
        raise ValueError(f"np.linspace: the number of samples, {num}, is negative")
    exact = np.result_type(weak(start), weak(stop), 0.0)
    start, stop = (cast(array(a), exact) for a in (start, stop))
    n, delta = (num - 1 if endpoint else num), stop - start
    step = delta / n if n > 0 else delta * math.nan
    y = np.reshape(np.arange(num, dtype=exact), (-1, *[1] * delta.ndim)) * (step if n > 0 else delta) + start
    if endpoint and num > 1:
        y = np.concatenate([y[:-1], np.broadcast_to(stop, delta.shape)[None]])
    y = np.moveaxis(y, 0, axis) if axis != 0 else y
    if dtype is not None and np.dtype(dtype).kind in "iu":
        if getattr(y, "requires_grad", False):
            raise UnsupportedArgumentError(no_derivative("np.linspace", np.dtype(dtype)))
        y = np.floor(y)
    y = cast(y, dtype)
    return (y, step) if retstep else y


@composite(np.logspace)
def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """The base to the powers of a range."""
    if not isinstance(base, (float, int)) and np.ndim(base):
        arrays = [array(a) for a in (start, stop, base)]
        ndim = max(a.ndim for a in arrays)
        start, stop, base = (np.reshape(a, (*[1] * (ndim - a.ndim), *a.shape)) for a in arrays)
        base = np.expand_dims(base, axis)
    y = np.linspace(start, stop, num=num, endpoint=endpoint, axis=axis)
    return cast(np.power(base, y), dtype)


@composite(np.geomspace)
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Powers of 10 in a range between the logarithms; at the ends, `start` and `stop` themselves."""
    if np.any(np.equal(start, 0)) or np.any(np.equal(stop, 0)):
        raise ValueError("np.geomspace: a geometric sequence cannot include 0")
    exact = np.result_type(weak(start), weak(stop), np.zeros((), dtype))
    start, stop = (cast(array(a), exact) for a in (start, stop))
    sign = start / np.absolute(start) if exact.kind == "c" else np.sign(start)
    start, stop = start / sign, stop / sign
    y = np.logspace(np.log10(start), np.log10(stop), num=num, endpoint=endpoint, base=10.0, dtype=exact)
    shape = y.shape[1:]
    if num > 0:
        y = np.concatenate([np.broadcast_to(start, shape)[None], y[1:]])
    if num > 1 and endpoint:
        y = np.concatenate([y[:-1], np.broadcast_to(stop, shape)[None]])
    y = y * sign
    return cast(np.moveaxis(y, 0, axis) if axis != 0 else y, dtype)


@composite(np.full_like)
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, *, device=None):
    """The value everywhere, in another array's shape and dtype."""
    blank = np.zeros_like(array(a), dtype=dtype, shape=shape)
    fill = cast_to(blank.dtype, fill_value)
    return np.where(True, np.broadcast_to(fill, blank.shape) if fill.ndim else fill, blank)


@composite(np.vander)
def vander(x, N=None, increasing=False):
    """The powers of each entry, by columns."""
    x = array(x)
    if x.ndim != 1:
        raise ValueError(f"np.vander takes one axis; the array has {x.ndim}")
    n = len(x) if N is None else operator.index(N)
    if n < 0:
        raise ValueError("negative dimensions are not allowed")
    powers = np.arange(n)
    y = x[:, None] ** (powers if increasing else powers[::-1])
    return cast(y, np.promote_types(x.dtype, int))


@composite(np.nan_to_num)
def nan_to_num(x, copy=True, nan=0.0, posinf=None, neginf=None):
    """Numbers in place of NaN and infinities, to which no cotangent passes from there."""
    if not copy:
        raise UnsupportedArgumentError(
            "np.nan_to_num has no derivative rule for copy=False, which writes in place. Write t = np.nan_to_num(t)."
        )
    x = array(x)
    if x.dtype.kind not in "fc":
        return x
    if x.dtype.kind == "c":
        parts = (np.nan_to_num(part, True, nan, posinf, neginf) for part in (np.real(x), np.imag(x)))
        real, imaginary = (cast(part, x.dtype) for part in parts)
        return np.where(np.isfinite(x), x, real + imaginary * 1j)
    most = np.finfo(x.dtype)
    for where, number in (
        (np.isnan(x), nan),
        (np.isposinf(x), most.max if posinf is None else posinf),
        (np.isneginf(x), most.min if neginf is None else neginf),
    ):
        value = written(number)
        if not np.can_cast(value.dtype, x.dtype, "same_kind"):
            raise TypeError(f"np.nan_to_num: {number!r} cannot stand in an array of {x.dtype}.")
        x = np.where(where, cast(value, x.dtype), x)
    return x


@composite(np.real_if_close)
def real_if_close(a, tol=100):
    """The real part, if every imaginary part is very small."""
    a = array(a)
    if a.dtype.kind != "c":
        return a
    bound = np.finfo(a.dtype).eps * tol if tol > 1 else tol
    return np.real(a) if np.all(np.absolute(np.imag(a)) < bound) else a


# --- a function along axes


@composite(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """The function of each line along an axis; its results take the place of that axis."""
    arr = array(arr)
    axis = normal(axis, arr.ndim)
    lines = np.moveaxis(arr, axis, -1)
    shape = lines.shape[:-1]
    if 0 in shape:
        raise ValueError("np.apply_along_axis: there is no line to apply the function to.")
    results = [array(func1d(lines[(*i, ...)], *args, **kwargs)) for i in np.ndindex(shape)]
    first = results[0]
    y = np.stack([np.broadcast_to(cast(r, first.dtype), first.shape) for r in results])
    y = np.reshape(y, (*shape, *first.shape))
    return np.moveaxis(y, range(len(shape), y.ndim), range(axis, axis + first.ndim))


@composite(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    """The function along one axis after the other, each kept with length 1."""
    y = array(a)
    for axis in [axes] if np.ndim(axes) == 0 else axes:
        axis = y.ndim + axis if axis < 0 else axis
        result = func(y, axis)
        result = result if result.ndim == y.ndim else np.expand_dims(result, axis)
        if result.ndim != y.ndim:
            raise ValueError("np.apply_over_axes: the function returned an array of the wrong number of axes.")
        y = result
    return y


# --- like=: NumPy calls these only if a Tensor was given there


def joined(a):
    """Return an array or Tensor of what may be a nest of lists with Tensors in it."""
    if isinstance(a, (list, tuple)) and any(map(holds, a)):
        return np.stack([joined(x) for x in a])
    return array(a)


def holds(a):
    """Return whether a nest of lists has a Tensor in it."""
    return any(map(holds, a)) if isinstance(a, (list, tuple)) else hasattr(a, "requires_grad")


def uncopied(function, copy):
    """Refuse what only shared memory would do."""
    if copy is False:
        raise UnsupportedArgumentError(refusal(f"np.{function}", "copy"))


@composite(np.array)
def array_(object, dtype=None, *, copy=True, order="K", subok=False, ndmin=0, ndmax=0, like=None):
    """The same values, recorded; Tensors in lists are stacked."""
    uncopied("array", copy)
    if ndmax:
        raise UnsupportedArgumentError(refusal("np.array", "ndmax"))
    y = cast(np.copy(joined(object)), dtype)
    return y if y.ndim >= ndmin else np.reshape(y, (*[1] * (ndmin - y.ndim), *y.shape))


def as_array(a, dtype=None, order=None, *, device=None, copy=None, like=None):
    """The same values; Tensors in lists are stacked."""
    y = cast(joined(a), dtype)
    return np.copy(y) if copy else y


def laid_out(a, dtype=None, *, like=None):
    """The same values, with at least one axis."""
    return np.atleast_1d(cast(joined(a), dtype))


composite(np.asarray, np.asanyarray)(as_array)
composite(np.ascontiguousarray, np.asfortranarray)(laid_out)


@composite(np.require)
def require(a, dtype=None, requirements=None, *, like=None):
    """The same values: how a Tensor lies in memory is not asked."""
    if requirements:
        raise UnsupportedArgumentError(refusal("np.require", "requirements"))
    return cast(joined(a), dtype)


@composite(np.full)
def full(shape, fill_value, dtype=None, order="C", *, device=None, like=None):
    """The value everywhere."""
    value = cast(array(fill_value), dtype)
    return np.copy(np.broadcast_to(value, shape))


@composite(np.fromfunction)
def fromfunction(function, shape, *, dtype=float, like=None, **kwargs):
    """The function of the coordinates."""
    return function(*np.indices(shape, dtype=dtype), **kwargs)
