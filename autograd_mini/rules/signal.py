"""Signals: convolutions, the functions that windows are made of, and the angle of a complex number.

``convolve`` is bilinear, so its pullback is one too. ``np.sinc`` and ``np.i0`` have rules in families that are closed under
differentiation, exact at 0 at every order.
"""

import math

import numpy as np

from ..table import composite, defvjp, in_memory
from .composite import array

__all__: list[str] = []


# --- convolutions


def letter(mode):
    """Return a mode of convolution by its first letter; NumPy knows them by number too."""
    return {0: "v", 1: "s", 2: "f"}.get(mode, mode if isinstance(mode, int) else mode.lower()[:1])


def convolve_vjp(g, other, shape, mode):
    """Put the cotangent where it was cut out of the full convolution; then slide the other operand along it, reversed."""
    n, m = math.prod(shape), other.size
    short = min(n, m)
    before = {"f": 0, "s": (short - 1) // 2, "v": short - 1}[letter(mode)]
    after = n + m - 1 - before - len(g)
    full = np.concatenate([np.zeros(before, g.dtype), g, np.zeros(after, g.dtype)])
    return np.reshape(np.convolve(full, np.reshape(other, -1)[::-1], "valid"), shape)


defvjp(
    np.convolve,
    lambda g, _y, _a, v, *, mode="full": convolve_vjp(g, array(v), np.shape(_a), mode),
    lambda g, _y, a, _v, *, mode="full": convolve_vjp(g, array(a), np.shape(_v), mode),
)


@composite(np.correlate)
def correlate(a, v, mode="valid"):
    """The convolution with the reversed conjugate."""
    a, v = array(a), array(v)
    if a.ndim == 0 or v.ndim == 0:
        raise ValueError("object of too small depth for desired array")
    v = np.conjugate(v) if v.dtype.kind == "c" else v
    if len(a) < len(v) and letter(mode) == "s":  # the middle, counted from the other end
        return np.convolve(a[::-1], v, mode)[::-1]
    return np.convolve(a, v[::-1], mode)


# --- sin(pi x) / (pi x)


@in_memory
def sinc_derivative(x, n):
    """Return the derivative of order n of ``np.sinc``."""
    wide = np.asarray(x, np.result_type(x, np.float64))
    s = np.pi * wide
    near = np.abs(s) < n + 1
    t = np.where(near, s, 0)
    series = np.zeros_like(s)
    for k in range((n + 1) // 2, (n + 1) // 2 + 14 + 2 * n):  # n derivatives of (-1)**k s**(2k) / (2k+1)!
        series += (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - n)) * t ** (2 * k - n)
    t = np.where(near, 1, s)
    y = np.sin(t) / t
    for k in range(1, n + 1):  # from s f = sin s, differentiated k times
        y = (np.sin(t + k * np.pi / 2) - k * y) / t
    return (np.pi**n * np.where(near, series, y)).astype(x.dtype)


defvjp(sinc_derivative, lambda g, _y, x, *, n: g * sinc_derivative(x, n + 1))
defvjp(np.sinc, lambda g, _y, x: g * sinc_derivative(x, 1))


# --- modified Bessel functions


@in_memory
def bessel_i(x, n):
    r"""Return :math:`I_n(x) = \frac{1}{\pi} \int_0^\pi e^{x \cos t} \cos(n t)\, dt`."""
    wide = np.asarray(x, np.float64)
    near = np.abs(wide) < 12
    half = np.where(near, wide / 2, 0)
    term = half**n / math.factorial(n)
    series = np.array(term)
    for k in range(1, 45):
        term = term * half * half / (k * (k + n))
        series += term
    far = np.where(near, 0, wide)
    size, total = np.abs(far), np.zeros_like(wide)
    with np.errstate(over="ignore", under="ignore"):
        for k in range(400):  # the rectangle rule converges faster than any power for a periodic function
            t = math.pi * (k + 0.5) / 400
            total += np.exp(size * (math.cos(t) - 1)) * math.cos(n * t)
        total = np.exp(size) * (total / 400) * np.sign(far) ** n
        return np.where(near, series, total).astype(x.dtype)


def bessel_i_vjp(g, _y, x, *, n):
    """``I_n' = (I_{n-1} + I_{n+1}) / 2``, and ``I_0' = I_1``."""
    return g * (bessel_i(x, 1) if n == 0 else (bessel_i(x, n - 1) + bessel_i(x, n + 1)) / 2)


defvjp(bessel_i, bessel_i_vjp)
defvjp(np.i0, lambda g, _y, x: g * bessel_i(x, 1))


# --- complex numbers


@composite(np.angle)
def angle(z, deg=False):
    """The angle from the real axis."""
    z = array(z)
    y = np.arctan2(np.imag(z), np.real(z)) if z.dtype.kind == "c" else np.arctan2(np.zeros_like(z), z)
    return y * (180 / math.pi) if deg else y
