"""SciPy's convolutions, linear filters and removal of trends.

A convolution is cut out of the full one, whose cotangent is the full convolution with the other operand turned round.
"""

import itertools

import numpy as np
import scipy.linalg
import scipy.signal as theirs

from ..table import composite, defvjp, in_memory
from .borrow import array, borrow, constant_of, refuse, value_of

# --- convolution


@in_memory
def full_convolution(in1, in2, axes=None, method="auto"):
    """Return the whole convolution along `axes`; the other axes broadcast.

    Parameters
    ----------
    in1, in2 : array
        Of as many axes.
    axes : tuple of int, optional
        All by default.
    method : str
        SciPy's ``"auto"``, ``"direct"``, ``"fft"`` (all axes only), or ``"fftconvolve"``, ``"oaconvolve"``.

    Returns
    -------
    array
        Of length ``n1 + n2 - 1`` along each axis.
    """
    if method.endswith("convolve"):
        return getattr(theirs, method)(in1, in2, "full", axes)
    dtype = np.result_type(in1, in2)  # else SciPy casts memory that it has not written yet
    return theirs.convolve(np.asarray(in1, dtype), np.asarray(in2, dtype), "full", method)


def convolution_back(g, other, n, axes, method):
    """Return the convolution of `g` with `other` turned round, cut to the lengths `n` of the operand."""
    axes = tuple(range(g.ndim)) if axes is None else axes
    full = full_convolution(g, np.flip(other, axes), axes, method if method != "auto" or other.ndim else "direct")
    for axis in axes:
        full = cut(full, axis, other.shape[axis] - 1, n[axis])
    return full


def cut(a, axis, start, length):
    """Return the part of an array along an axis."""
    return a[(slice(None),) * (axis % a.ndim) + (slice(start, start + length),)]


def convolution_1(g, _y, _in1, in2, *, axes=None, method="auto"):
    """``g`` correlated with the other operand."""
    return convolution_back(g, in2, _in1.shape, axes, method)


def convolution_2(g, _y, in1, _in2, *, axes=None, method="auto"):
    """``g`` correlated with the other operand."""
    return convolution_back(g, in1, _in2.shape, axes, method)


defvjp(full_convolution, convolution_1, convolution_2, broadcasts=True)

convolve, correlate = borrow(theirs.convolve), borrow(theirs.correlate)
fftconvolve, oaconvolve = borrow(theirs.fftconvolve), borrow(theirs.oaconvolve)
convolve2d, correlate2d = borrow(theirs.convolve2d), borrow(theirs.correlate2d)


def part(in1, in2, mode, axes, method, centre=1):
    """Return the convolution, cut as `mode` says: all of it, centred as long as in1, or where the two overlap wholly."""
    in1, in2 = array(in1), array(in2)
    if in1.ndim != in2.ndim:
        raise ValueError("in1 and in2 should have the same dimensionality")
    if mode not in ("full", "same", "valid"):
        raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")
    if in1.ndim == 0:
        return in1 * in2
    if not (in1.size and in2.size):
        return constant_of(getattr(theirs, method if method.endswith("convolve") else "convolve")(
            value_of(in1), value_of(in2), mode))  # fmt: skip
    over = range(in1.ndim) if axes is None else np.lib.array_utils.normalize_axis_tuple(axes, in1.ndim)
    longer = [in1.shape[i] >= in2.shape[i] for i in over], [in2.shape[i] >= in1.shape[i] for i in over]
    if mode == "valid" and not (all(longer[0]) or all(longer[1])):
        raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
    over = tuple(int(i) for i in over)
    y = full_convolution(in1, in2, over if method.endswith("convolve") else None, method)
    for axis in over if mode != "full" else ():
        m, n = in1.shape[axis], in2.shape[axis]
        y = cut(y, axis, (n - centre) // 2, m) if mode == "same" else cut(y, axis, min(m, n) - 1, abs(m - n) + 1)
    return y


def turned(a):
    """Return an array turned round along every axis, and conjugated."""
    a = array(a)
    return np.flip(np.conjugate(a) if a.dtype.kind == "c" else a)


@composite(convolve)
def convolve_(in1, in2, mode="full", method="auto"):
    """A part of the full convolution."""
    return part(in1, in2, mode, None, method)


@composite(correlate)
def correlate_(in1, in2, mode="full", method="auto"):
    """The convolution with the second operand turned round and conjugated."""
    return part(in1, turned(in2), mode, None, method)


@composite(fftconvolve)
def fftconvolve_(in1, in2, mode="full", axes=None):
    """A part of the full convolution."""
    return part(in1, in2, mode, axes, "fftconvolve")


@composite(oaconvolve)
def oaconvolve_(in1, in2, mode="full", axes=None):
    """A part of the full convolution."""
    return part(in1, in2, mode, axes, "oaconvolve")


@composite(convolve2d)
def convolve2d_(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """A part of the full convolution, with zeros beyond the border."""
    refuse(convolve2d, boundary=None if boundary == "fill" else boundary, fillvalue=fillvalue or None)
    return part(in1, in2, mode, None, "direct")


@composite(correlate2d)
def correlate2d_(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """The convolution with the second operand turned round and conjugated."""
    refuse(correlate2d, boundary=None if boundary == "fill" else boundary, fillvalue=fillvalue or None)
    in1, in2 = array(in1), array(in2)
    y = part(in1, turned(in2), mode, None, "direct", centre=0)
    swapped = mode == "valid" and any(m < n for m, n in zip(in1.shape, in2.shape, strict=True))
    return np.conjugate(y) if swapped and y.dtype.kind == "c" else y  # SciPy then conjugates the other one


# --- filters


@in_memory
def recursive_filter(a, u, axis=-1):
    """Return the y for which ``a[0] y[n] + a[1] y[n-1] + ... = u[n]``, with zeros before the first.

    Parameters
    ----------
    a : array
        Coefficients.
    u : array
        Right-hand side.
    axis : int
        Along which n counts.

    Returns
    -------
    array
        Of the shape of `u`.
    """
    return theirs.lfilter(np.ones(1, np.result_type(a, u)), a, u, axis)


def recursive_u(g, _y, a, _u, *, axis=-1):
    """The same filter from the end to the beginning."""
    return np.flip(recursive_filter(a, np.flip(g, axis), axis), axis)


def recursive_a(g, y, a, _u, *, axis=-1):
    """``-sum_n w[n] y[n-k]``, where w is the cotangent of u."""
    w, n = recursive_u(g, None, a, _u, axis=axis), y.shape[axis]
    lags = [max(n - k, 0) for k in range(len(a))]
    return np.stack([-np.sum(cut(w, axis, k, m) * cut(y, axis, 0, m)) for k, m in enumerate(lags)])


defvjp(recursive_filter, recursive_a, recursive_u)

lfilter, detrend = borrow(theirs.lfilter), borrow(theirs.detrend)


@composite(lfilter)
def lfilter_(b, a, x, axis=-1, zi=None):
    """Convolve with b; the recursion with a is an equation for the output."""
    b, a, x = (np.reshape(c, (1,)) if c.ndim == 0 else c for c in map(array, (b, a, x)))
    if b.ndim != 1 or a.ndim != 1 or not (b.size and a.size):
        raise ValueError("Parameters b and a must be non-empty 1d arrays")
    dtype = np.result_type(b.dtype, a.dtype, x.dtype, *[] if zi is None else [array(zi).dtype])
    dtype = np.dtype(np.float32) if dtype == np.float16 else dtype if dtype.kind in "fc" else np.dtype(float)
    b, a, x = (c if c.dtype == dtype else c.astype(dtype) for c in (b, a, x))
    axis = np.lib.array_utils.normalize_axis_index(axis, x.ndim)
    if zi is not None and array(zi).ndim != x.ndim:
        raise ValueError(f"zi has {array(zi).ndim} axes, and x has {x.ndim}.")
    n, order = x.shape[axis], max(b.shape[0], a.shape[0]) - 1

    def lengthened(u):
        shape = list(u.shape)
        shape[axis] = n + order - u.shape[axis]
        return np.concatenate([u, np.zeros(shape, dtype)], axis)

    def convolved(c, u):
        c = np.reshape(c, [-1 if i == axis else 1 for i in range(u.ndim)])
        return lengthened(full_convolution(u, c, (axis,), "oaconvolve"))

    right = convolved(b, x)
    if zi is not None:
        zi = np.broadcast_to(array(zi).astype(dtype), [order if i == axis else m for i, m in enumerate(x.shape)])
        right = right + a[0] * lengthened(zi)
    y = recursive_filter(a, cut(right, axis, 0, n), axis)
    if zi is None:
        return y
    return y, cut(right - convolved(a, y), axis, n, order) / a[0]


@composite(detrend)
def detrend_(data, axis=-1, type="linear", bp=0, overwrite_data=False):
    """Less the mean, or less the straight line of least squares in each piece."""
    refuse(detrend, overwrite_data=overwrite_data)
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError("Trend type must be 'linear' or 'constant'.")
    data = array(data)
    if type in ("constant", "c"):
        return data - np.mean(data, axis, keepdims=True)
    if data.dtype.kind not in "fc" or data.dtype == np.float16:
        data = data.astype(np.float64)
    n = data.shape[axis]
    ends = np.unique(np.concatenate([[0], np.atleast_1d(value_of(bp)), [n]]))
    if np.any(ends > n):
        raise ValueError("Breakpoints must be less than length of data along given axis.")
    lines = np.zeros((n, n))
    for start, end in itertools.pairwise(ends):
        columns = np.stack([np.arange(1, end - start + 1) / (end - start), np.ones(end - start)], -1)
        lines[start:end, start:end] = columns @ scipy.linalg.pinv(columns)
    lines = lines.astype(np.finfo(data.dtype).dtype)
    return data - np.moveaxis(np.moveaxis(data, axis, -1) @ lines.T, -1, axis)
