"""Integrals that SciPy has no name for, and that derivatives of its functions lead to; each is closed under derivation.

======================  ===========================================================================================
``carlson``             ``int_0^inf t**k prod (t + x_i)**-p_i dt``: derivatives of the symmetric elliptic integrals
``hurwitz``             ``sum_k (z + k)**-s`` for complex z: the polygamma functions
``gamma_moment``        moments of ``log t - psi(a)`` over one tail of the gamma density: derivatives by a
``beta_moment``         the same for the beta density
======================  ===========================================================================================
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sp

from ..table import defvjp, in_memory

__all__ = ["beta_da", "beta_db", "beta_pdf", "carlson", "gamma_da", "gamma_pdf", "hurwitz"]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)
NODES, WEIGHTS = (NODES + 1) / 2, WEIGHTS / 2
NEGLIGIBLE = 60.0  # exp(-60) adds nothing


def widest(*operands: Any) -> Any:
    """Return the dtype in which to answer."""
    return np.result_type(*operands, 0.0)


# --- symmetric elliptic integrals ---------------------------------------------------------------------------------

STEP = 1 / 32
GRID = np.arange(-4.9375, 4.9375 + STEP, STEP)
PLACES = np.exp(
    np.pi / 2 * np.sinh(GRID)
)  # double-exponential: the integrand dies out at both ends, whatever its powers
LENGTHS = STEP * np.pi / 2 * np.cosh(GRID) * PLACES


@in_memory
def carlson(*xs: Any, powers: tuple[float, ...], k: int = 0) -> Any:
    """Return ``int_0^inf t**k prod (t + x_i)**-p_i dt``, each element in units of its largest operand.

    Of complex operands the path is turned to the middle of their directions: only where these are too far apart for
    that, about the negative real axis from both sides, is the answer NaN.
    """
    dtype = widest(*xs)
    columns = np.broadcast_arrays(*(np.asarray(x)[..., None] for x in xs))
    unit, apart = np.max(np.abs(columns), axis=0), np.False_
    if dtype.kind == "c":
        turns = np.angle(columns)
        zero = np.equal(columns, 0)
        high = np.max(turns, axis=0, where=~zero, initial=-np.pi)
        low = np.min(turns, axis=0, where=~zero, initial=np.pi)
        apart = (high - low)[..., 0] > 4.4
        unit = unit * np.exp(0.5j * (high + low))
    with np.errstate(all="ignore"):
        y = PLACES**k * LENGTHS
        for x, p in zip(columns, powers, strict=True):
            y = y * (PLACES + x / unit) ** -p
        total = np.sum(y, -1) * unit[..., 0] ** (k + 1 - sum(powers))
    at_zero = sum(p * (x[..., 0] == 0) for x, p in zip(columns, powers, strict=True))
    total = np.where(at_zero >= k + 1, np.inf, total)
    total = np.where(apart, np.nan, total)
    if dtype.kind != "c":  # a pole on the way
        total = np.where(np.min(columns, axis=0)[..., 0] < 0, np.nan, total)
    return total.astype(dtype)


def carlson_vjp(i, g, _y, *xs, powers, k=0):
    """One power more of the operand: the family is closed."""
    more = (*powers[:i], powers[i] + 1, *powers[i + 1 :])
    return g * (-powers[i] * carlson(*xs, powers=more, k=k))


defvjp(carlson, each=carlson_vjp, broadcasts=True)


# --- sums of powers ------------------------------------------------------------------------------------------------

BERNOULLI = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]


@in_memory
def hurwitz(z: Any, *, s: int) -> Any:
    """Return ``sum_k (z + k)**-s``, also for complex z: some terms one by one, the others by Euler and Maclaurin."""
    dtype = widest(z)
    z = np.asarray(z, complex if dtype.kind == "c" else float)
    left = -np.min(z.real, initial=0)
    total = 0
    for _ in range(16 + s + int(left)):
        total, z = total + z**-s, z + 1
    total = total + z ** (1 - s) / (s - 1) + z**-s / 2
    factor = 1.0
    for j, b in enumerate(BERNOULLI):  # B_2j / (2j)! s (s+1) ... (s+2j-2) z**-(s+2j-1)
        n = 2 * j + 2
        factor = s / 2 if j == 0 else factor * (s + n - 3) * (s + n - 2) / ((n - 1) * n)
        total = total + b * factor * z ** -(s + n - 1)
    return np.asarray(total).astype(dtype)


defvjp(hurwitz, lambda g, _y, z, *, s: g * (-s * hurwitz(z, s=s + 1)))


def trigamma(x: Any) -> Any:
    return sp.zeta(2.0, x)


# --- the gamma density ---------------------------------------------------------------------------------------------


def gamma_pdf(a: Any, x: Any) -> Any:
    """``x**(a-1) exp(-x) / Gamma(a)``."""
    return np.exp(sp.xlogy(a - 1, x) - x - sp.gammaln(a))


def newton(f: Any, slope: Any, d: Any) -> Any:
    """Return where the convex increasing `f` reaches NEGLIGIBLE, from the right."""
    for _ in range(40):
        d = d - (f(d) - NEGLIGIBLE) / slope(d)
    return d[..., None]


def panels(width: Any) -> tuple[Any, Any]:
    """Return places and weights from 0 to `width`: far out, where ``exp(-d)`` is nothing, a panel of its own."""
    near = np.minimum(width, 40)
    places = np.concatenate([near * NODES, near + (width - near) * NODES], -1)
    return places, np.concatenate([near * WEIGHTS, (width - near) * WEIGHTS], -1)


@in_memory
def gamma_moment(a: Any, x: Any, *, n: int, upper: bool) -> Any:
    """Return the integral of ``(log t - psi(a))**n`` over the density, from 0 to x or from x on.

    Used for the lower tail where x < a, for the upper where x >= a; elsewhere the answer is that at x = a.
    """
    dtype = widest(a, x)
    a, x = np.broadcast_arrays(np.asarray(a, float), np.asarray(x, float))
    none = x <= 0
    x = np.maximum(x, a) if upper else np.where(none, a, np.minimum(x, a))
    with np.errstate(all="ignore"):
        if upper:
            start = np.minimum(np.sqrt(2 * NEGLIGIBLE / x), 2 + np.log1p(2 * NEGLIGIBLE / x))
            width = newton(lambda d: x * np.expm1(d) - a * d, lambda d: x * np.exp(d) - a, start)
        else:
            start = (NEGLIGIBLE + x) / a
            width = newton(lambda d: a * d + x * np.expm1(-d), lambda d: a - x * np.exp(-d), start)
        d, weights = panels(width)
        d = d if upper else -d
        a, x, c = a[..., None], x[..., None], sp.psi(a)[..., None]
        v = np.log(x) + d
        y = np.exp(a * np.log(x) - x - sp.gammaln(a) + a * d - x * np.expm1(d)) * (v - c) ** n
        total = np.sum(y * weights, -1)
    return (total if upper else np.where(none, 0, total)).astype(dtype)


def gamma_moment_a(g, y, a, x, *, n, upper):
    """The next moment, less the change of the centre times the one before."""
    before = (sp.gammaincc if upper else sp.gammainc)(a, x) if n == 1 else gamma_moment(a, x, n=n - 1, upper=upper)
    return g * (gamma_moment(a, x, n=n + 1, upper=upper) - n * trigamma(a) * before)


def gamma_moment_x(g, _y, a, x, *, n, upper):
    """The integrand at the bound."""
    return g * ((-1 if upper else 1) * (np.log(x) - sp.psi(a)) ** n * gamma_pdf(a, x))


defvjp(gamma_moment, gamma_moment_a, gamma_moment_x, broadcasts=True)


def gamma_da(a: Any, x: Any) -> Any:
    """The derivative of ``gammainc(a, x)`` by a, from the tail in which it is small."""
    return np.where(x < a, gamma_moment(a, x, n=1, upper=False), -gamma_moment(a, x, n=1, upper=True))


# --- the beta density ----------------------------------------------------------------------------------------------


def beta_pdf(a: Any, b: Any, x: Any, rest: Any = None) -> Any:
    """``x**(a-1) (1-x)**(b-1) / B(a, b)``; `rest` is ``1 - x``, where that is known better."""
    right = sp.xlog1py(b - 1, -x) if rest is None else sp.xlogy(b - 1, rest)
    return np.exp(sp.xlogy(a - 1, x) + right - sp.betaln(a, b))


@in_memory
def beta_moment(a: Any, b: Any, x: Any, *, m: int, n: int) -> Any:
    """Return the integral from 0 to x of the density times powers of ``log t`` and ``log(1-t)`` less their means.

    Used where x is below the mean; elsewhere the answer is that at the mean.
    """
    dtype = widest(a, b, x)
    a, b, x = np.broadcast_arrays(*(np.asarray(v, float) for v in (a, b, x)))
    none = x <= 0
    s = a + b
    x = np.where(none, a / s, np.minimum(x, a / s))
    with np.errstate(all="ignore"):
        start = (NEGLIGIBLE - s * np.log1p(-x)) / a
        width = newton(
            lambda d: a * d + s * np.log1p(x * np.expm1(-d)),
            lambda d: a - s * x * np.exp(-d) / (1 + x * np.expm1(-d)),
            start,
        )
        p, q = sp.psi(a) - sp.psi(s), sp.psi(b) - sp.psi(s)
        a, b, x, s, p, q, lnb = (v[..., None] for v in (a, b, x, s, p, q, sp.betaln(a, b)))
        d, weights = panels(width)
        d = -d  # along log(t / (1 - t))
        shift = np.log1p(x * np.expm1(d))
        log_t, log_u = np.log(x) + d - shift, np.log1p(-x) - shift
        y = np.exp(a * log_t + b * log_u - lnb) * (log_t - p) ** m * (log_u - q) ** n
        total = np.sum(y * weights, -1)
    return np.where(none, 0, total).astype(dtype)


def beta_lower(a, b, x, m, n):
    return sp.betainc(a, b, x) if m == n == 0 else beta_moment(a, b, x, m=m, n=n)


def beta_moment_a(g, _y, a, b, x, *, m, n):
    """One power of ``log t`` more, less the changes of the means."""
    y, c = beta_lower(a, b, x, m + 1, n), trigamma(a + b)
    if m:
        y = y - m * (trigamma(a) - c) * beta_lower(a, b, x, m - 1, n)
    if n:
        y = y + n * c * beta_lower(a, b, x, m, n - 1)
    return g * y


def beta_moment_b(g, _y, a, b, x, *, m, n):
    """One power of ``log(1-t)`` more, less the changes of the means."""
    y, c = beta_lower(a, b, x, m, n + 1), trigamma(a + b)
    if n:
        y = y - n * (trigamma(b) - c) * beta_lower(a, b, x, m, n - 1)
    if m:
        y = y + m * c * beta_lower(a, b, x, m - 1, n)
    return g * y


def beta_moment_x(g, _y, a, b, x, *, m, n):
    """The integrand at the bound."""
    c = sp.psi(a + b)
    y = beta_pdf(a, b, x) * (np.log(x) - (sp.psi(a) - c)) ** m
    return g * (y * (np.log1p(-x) - (sp.psi(b) - c)) ** n)


defvjp(beta_moment, beta_moment_a, beta_moment_b, beta_moment_x, broadcasts=True)


def beta_da(a: Any, b: Any, x: Any, rest: Any = None) -> Any:
    """The derivative of ``betainc(a, b, x)`` by a, from the tail in which it is small; `rest` is ``1 - x``."""
    rest = 1 - x if rest is None else rest
    return np.where(x < a / (a + b), beta_moment(a, b, x, m=1, n=0), -beta_moment(b, a, rest, m=0, n=1))


def beta_db(a: Any, b: Any, x: Any) -> Any:
    """The derivative by b: that of the other tail by its first parameter."""
    return -beta_da(b, a, 1 - x)
