"""Polynomials, as arrays of coefficients, the highest power first.

A simple root moves by ``-dp(r) / p'(r)``; a multiple root has an infinite derivative. Where NumPy decides by the values
(real coefficients from conjugate roots, leading zeros of a remainder), so is decided here. Of ``np.poly1d`` objects, which
are no arrays, pass the coefficients: ``p.coeffs``.
"""

import warnings

import numpy as np

from ..errors import UnsupportedArgumentError
from ..table import composite, defvjp, name_of
from .composite import array, beside, refuse

__all__: list[str] = []


def coefficients(function, *polynomials):
    """Return polynomials as arrays with one axis; refuse np.poly1d, of which NumPy would make another."""
    for p in polynomials:
        if isinstance(p, np.poly1d):
            raise UnsupportedArgumentError(
                f"{name_of(function)} of a Tensor and an np.poly1d, which is no array: pass its coefficients, p.coeffs."
            )
    found = [array(p) for p in polynomials]
    return [np.reshape(p, 1) if p.ndim == 0 else p for p in found]


# --- coefficients and roots


@composite(np.poly)
def poly(seq_of_zeros):
    """The product of ``x - r`` over the roots, or over the eigenvalues of a matrix."""
    (roots,) = coefficients(np.poly, seq_of_zeros)
    if roots.ndim == 2 and roots.shape[0] == roots.shape[1] != 0:
        roots = np.linalg.eigvals(roots)
    elif roots.ndim != 1:
        raise ValueError("input must be 1d or non-empty square 2d array.")
    else:
        roots = roots.astype(np.mintypecode(roots.dtype.char))
    if len(roots) == 0:
        return 1.0
    one = np.ones(1, roots.dtype)
    p = one
    for i in range(len(roots)):
        p = np.convolve(p, np.concatenate([one, -roots[i : i + 1]]))
    if p.dtype.kind != "c":
        return p
    mirrored = np.conjugate(roots)
    return np.real(p) if np.all(roots[np.argsort(roots)] == mirrored[np.argsort(mirrored)]) else p


def roots_vjp(g, y, p):
    """A coefficient of ``x**k`` moves the root r by ``-r**k / p'(r)``."""
    n = np.arange(len(p) - 1, -1, -1).astype(p.dtype)
    slope = np.polyval(p[:-1] * n[:-1], y)
    return -np.sum(np.expand_dims(g / slope, -1) * np.expand_dims(y, -1) ** n, 0)


defvjp(np.roots, roots_vjp)


# --- arithmetic


def padded(function, a1, a2):
    """Return two polynomials with equally many coefficients."""
    a1, a2 = coefficients(function, a1, a2)
    n = max(len(a1), len(a2))
    return [a if len(a) == n else np.concatenate([np.zeros(n - len(a), a.dtype), a]) for a in (a1, a2)]


@composite(np.polyadd)
def polyadd(a1, a2):
    """The sum, power by power."""
    a1, a2 = padded(np.polyadd, a1, a2)
    return a1 + a2


@composite(np.polysub)
def polysub(a1, a2):
    """The difference, power by power."""
    a1, a2 = padded(np.polysub, a1, a2)
    return a1 - a2


@composite(np.polymul)
def polymul(a1, a2):
    """The convolution of the coefficients."""
    return np.convolve(*coefficients(np.polymul, a1, a2))


@composite(np.polydiv)
def polydiv(u, v):
    """The quotient and the remainder of a long division."""
    u, v = (beside(p, u, v) + 0.0 for p in coefficients(np.polydiv, u, v))
    steps = max(len(u) - len(v) + 1, 0)
    scale = 1.0 / v[0]
    dtype = np.result_type(u, v)
    u = r = u.astype(dtype)
    quotient = []
    for k in range(steps):
        d = scale * r[k]
        quotient.append(d)
        r = np.concatenate([r[:k], r[k : k + len(v)] - d * v, r[k + len(v) :]])
    while len(r) > 1 and np.allclose(r[0], 0, rtol=1e-14):
        r = r[1:]
    return np.stack(quotient).astype(dtype) if steps else np.zeros_like(u[:1]), r


# --- calculus


@composite(np.polyder)
def polyder(p, m=1):
    """The derivative of order m."""
    m = int(m)
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    (p,) = coefficients(np.polyder, p)
    if p.ndim != 1:
        raise ValueError(f"np.polyder takes one polynomial, an array of one axis; this one has {p.ndim}.")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composite(np.polyint)
def polyint(p, m=1, k=None):
    """The integral of order m, with the constants k."""
    m = int(m)
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    p, k = coefficients(np.polyint, p, np.zeros(m) if k is None else k)
    k = k * np.ones(m) if len(k) == 1 and m > 1 else k
    if len(k) < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), k[i : i + 1]])
    return p


# --- values and fits


@composite(np.polyval)
def polyval(p, x):
    """Horner's scheme."""
    (p,) = coefficients(np.polyval, p)
    if isinstance(x, np.poly1d):
        coefficients(np.polyval, x)
    y = beside(np.zeros_like(array(x)), p)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


@composite(np.polyfit)
def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    """Least squares on the powers of x, each column scaled to length 1."""
    refuse(np.polyfit, full=full or None)
    n = int(deg) + 1
    x, y = array(x) + 0.0, array(y) + 0.0
    if deg < 0:
        raise ValueError("expected deg >= 0")
    if x.ndim != 1:
        raise TypeError("expected 1D vector for x")
    if x.size == 0:
        raise TypeError("expected non-empty vector for x")
    if y.ndim < 1 or y.ndim > 2:
        raise TypeError("expected 1D or 2D array for y")
    if len(x) != len(y):
        raise TypeError("expected x and y to have same length")
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    left = np.expand_dims(x.astype(np.promote_types(x.dtype, int)), -1) ** np.arange(n - 1.0, -1, -1)
    right = y
    if w is not None:
        w = array(w) + 0.0
        if w.ndim != 1:
            raise TypeError("expected a 1-d array for weights")
        if len(w) != len(y):
            raise TypeError("expected w and y to have the same length")
        left, right = left * w[:, None], right * (w[:, None] if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(left * left, 0))
    left = left / scale
    c, residuals, rank, _ = np.linalg.lstsq(left, right, rcond)
    c = (c.T / scale).T
    if rank != n:
        warnings.warn("Polyfit may be poorly conditioned.", np.exceptions.RankWarning, stacklevel=2)
    if not cov:
        return c
    base = np.linalg.inv(left.T @ left) / (scale[:, None] * scale)
    if cov != "unscaled":
        if len(x) <= n:
            raise ValueError("the number of data points must exceed order to scale the covariance matrix")
        factor = residuals / (len(x) - n)
    else:
        factor = 1
    return c, beside((base if y.ndim == 1 else base[:, :, None]) * factor, y)
