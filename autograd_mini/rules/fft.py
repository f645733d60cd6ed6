"""Fourier transforms: a matrix that is its own transpose, so the pullback is a transform again.

``fft`` crops the operand or fills it with zeros to n entries first, and its pullback does so on the way back. ``rfft``
and ``irfft`` keep half of a spectrum whose other half is the mirror image: the entries that have one count twice in
``irfft``. The transforms along several axes go one axis at a time, in NumPy's order.
"""

import numpy as np

from ..table import composite, defvjp
from .composite import array, refuse

__all__: list[str] = []

OPPOSITE = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def opposite(norm):
    """Return the norm of the inverse transform."""
    if norm not in OPPOSITE:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return OPPOSITE[norm]


def resized(g, like, axis):
    """Cut `g` along an axis to the length of the operand, or fill it with zeros; its real part for a real operand."""
    n, m = g.shape[axis], like.shape[axis]
    edge = (slice(None),) * (axis % g.ndim)
    if n > m:
        g = g[(*edge, slice(m))]
    elif n < m:
        shape = list(g.shape)
        shape[axis] = m - n
        g = np.concatenate([g, np.zeros(shape, g.dtype)], axis=axis)
    return g if like.dtype.kind == "c" else np.real(g)


def fft_vjp(g, _y, _a, *, n=None, axis=-1, norm=None):
    """The same transform."""
    return resized(np.fft.fft(g, None, axis, norm), _a, axis)


def ifft_vjp(g, _y, _a, *, n=None, axis=-1, norm=None):
    """The same transform."""
    return resized(np.fft.ifft(g, None, axis, norm), _a, axis)


def rfft_vjp(g, _y, _a, *, n=None, axis=-1, norm=None):
    """The real part of the transform of half a spectrum, with zeros for the other half."""
    return resized(np.fft.fft(g, _a.shape[axis] if n is None else n, axis, norm), _a, axis)


def irfft_vjp(g, _y, _a, *, n=None, axis=-1, norm=None):
    """The conjugate half spectrum; entries that stand for their mirror images too count twice."""
    n = g.shape[axis]
    twice = np.full(n // 2 + 1, 2, g.dtype)
    twice[0] = 1
    if n % 2 == 0:
        twice[-1] = 1
    half = np.conjugate(np.fft.rfft(g, None, axis, opposite(norm)))
    return resized(half * twice.reshape(-1, *[1] * (g.ndim - 1 - axis % g.ndim)), _a, axis)


defvjp(np.fft.fft, fft_vjp)
defvjp(np.fft.ifft, ifft_vjp)
defvjp(np.fft.rfft, rfft_vjp)
defvjp(np.fft.irfft, irfft_vjp)
defvjp(np.fft.fftshift, lambda g, _y, _x, *, axes=None: np.fft.ifftshift(g, axes))
defvjp(np.fft.ifftshift, lambda g, _y, _x, *, axes=None: np.fft.fftshift(g, axes))


@composite(np.fft.hfft)
def hfft(a, n=None, axis=-1, norm=None, out=None):
    """The real transform of half a signal whose other half is its mirror image."""
    refuse(np.fft.hfft, out=out)
    a = array(a)
    return np.fft.irfft(np.conjugate(a), n, axis, opposite(norm))


@composite(np.fft.ihfft)
def ihfft(a, n=None, axis=-1, norm=None, out=None):
    """The half signal of a real spectrum."""
    refuse(np.fft.ihfft, out=out)
    return np.conjugate(np.fft.rfft(a, n, axis, opposite(norm)))


# --- along several axes


def lengths(a, s, axes, inverse=False):
    """Return ``(n, axis)`` for each axis, as NumPy reads `s` and `axes`; `inverse`: the last gives a real result."""
    if s is None:
        axes = list(range(-a.ndim, 0) if axes is None else axes)
        s = [a.shape[i] for i in axes]
        if inverse:
            s[-1] = None
    else:
        axes = list(range(-len(s), 0) if axes is None else axes)
        if len(s) != len(axes):
            raise ValueError("Shape and axes have different lengths.")
        s = [a.shape[i] if n == -1 else n for n, i in zip(s, axes, strict=True)]
    return list(zip(s, axes, strict=True))


def each_axis(function, a, pairs, norm):
    """Transform along one axis after the other."""
    for n, axis in pairs:
        a = function(a, n, axis, norm)
    return a


@composite(np.fft.fftn)
def fftn(a, s=None, axes=None, norm=None, out=None):
    """``fft`` along each of the axes."""
    refuse(np.fft.fftn, out=out)
    a = array(a)
    return each_axis(np.fft.fft, a, reversed(lengths(a, s, axes)), norm)


@composite(np.fft.ifftn)
def ifftn(a, s=None, axes=None, norm=None, out=None):
    """``ifft`` along each of the axes."""
    refuse(np.fft.ifftn, out=out)
    a = array(a)
    return each_axis(np.fft.ifft, a, reversed(lengths(a, s, axes)), norm)


@composite(np.fft.rfftn)
def rfftn(a, s=None, axes=None, norm=None, out=None):
    """``rfft`` along the last of the axes, then ``fft`` along the others."""
    refuse(np.fft.rfftn, out=out)
    a = array(a)
    pairs = lengths(a, s, axes)
    n, axis = pairs[-1]
    return each_axis(np.fft.fft, np.fft.rfft(a, n, axis, norm), pairs[-2::-1], norm)


@composite(np.fft.irfftn)
def irfftn(a, s=None, axes=None, norm=None, out=None):
    """``ifft`` along all the axes but the last, then ``irfft`` along that."""
    refuse(np.fft.irfftn, out=out)
    a = array(a)
    pairs = lengths(a, s, axes, inverse=True)
    n, axis = pairs[-1]
    return np.fft.irfft(each_axis(np.fft.ifft, a, pairs[:-1], norm), n, axis, norm)


@composite(np.fft.fft2)
def fft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """``fft`` along two axes."""
    refuse(np.fft.fft2, out=out)
    return np.fft.fftn(a, s, axes, norm)


@composite(np.fft.ifft2)
def ifft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """``ifft`` along two axes."""
    refuse(np.fft.ifft2, out=out)
    return np.fft.ifftn(a, s, axes, norm)


@composite(np.fft.rfft2)
def rfft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """``rfft`` along the second of two axes, ``fft`` along the first."""
    refuse(np.fft.rfft2, out=out)
    return np.fft.rfftn(a, s, axes, norm)


@composite(np.fft.irfft2)
def irfft2(a, s=None, axes=(-2, -1), norm=None, out=None):
    """``ifft`` along the first of two axes, ``irfft`` along the second."""
    refuse(np.fft.irfft2, out=out)
    return np.fft.irfftn(a, s, axes, norm)
