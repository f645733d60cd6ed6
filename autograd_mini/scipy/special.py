r"""Special functions: the rules of ``scipy.special``, and those of its functions that do not dispatch by themselves.

``scipy.special.erf(t)`` works on a Tensor as it stands, as every ufunc does. The functions of ``__all__`` are for the
others (``logsumexp``, ``polygamma``, ``comb``); all of SciPy's names can be had from here.

Derivatives are written in functions of ``scipy.special`` again, in forms that do not cancel: ``hyp1f1(1, 1/2, -x*x)``
for ``1 - 2 x dawsn(x)``. Derivatives by the parameters of incomplete gamma and beta functions, and of elliptic
integrals, come from integrals of our own. By the order of a Bessel function, or the parameters of a hypergeometric one,
there is no such form: an operand of that kind that has a gradient is refused at the call, by name.

Conventions at kinks and edges:

=====================  ==============================================================================================
``xlogy, rel_entr``    by y, 0 where x and y are both 0; by x, ``log 0 = -inf`` as it is
``huber``              at ``abs(r) == delta`` both sides agree
counts                 ``bdtr`` and its like round their counts down: by those the derivative is 0
``ive, jve``           ``abs'(0) = 0`` for the part that the scale is made of
``tklmbda``            0 outside of the support
=====================  ==============================================================================================
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import scipy.special as sp

from ..errors import UnsupportedArgumentError
from ..rules.special import logsumexp as plain_logsumexp
from ..table import Refused, composite, constant, in_memory, refused
from ..table import defvjp as register
from ..tensor import Tensor
from ._integrals import beta_da, beta_db, beta_pdf, carlson, gamma_da, gamma_pdf, hurwitz
from .borrow import array, borrow, constant_of, refuse, stand_in, value_of

__all__ = [
    "comb",
    "factorial",
    "log_softmax",
    "logsumexp",
    "multigammaln",
    "perm",
    "polygamma",
    "softmax",
    "spherical_in",
    "spherical_jn",
    "spherical_kn",
    "spherical_yn",
]

PI, LN2, LN10 = math.pi, math.log(2), math.log(10)
SQRT_PI, SQRT_2PI = math.sqrt(math.pi), math.sqrt(2 * math.pi)
TWO_BY_SQRT_PI = 2 / SQRT_PI
DEGREE = PI / 180

ORDER = Refused("a derivative by the order has no closed form.")
PARAMETER = Refused("a derivative by this parameter has no closed form.")


def __getattr__(name: str) -> Any:
    return getattr(sp, name)


def number(c, like):
    """Return a constant in the precision of an array: some of SciPy's functions take a Python number for a double."""
    return np.asarray(c, np.finfo(like.dtype).dtype)


def typed(vjp):
    """Give a rule its numbers in the precision of the cotangent."""

    @functools.wraps(vjp)
    def rule(g, y, *operands):
        like = next(h for h in g if h is not None) if isinstance(g, tuple) else g
        return vjp(g, y, *(number(x, like) if type(x) in (int, float) else x for x in operands))

    return rule


def defvjp(function, *vjps, **kwargs):
    """As of the table; Python numbers among the operands have become arrays."""
    register(function, *(v if v is None or isinstance(v, Refused) else typed(v) for v in vjps), **kwargs)


def nonzero(x):
    """Return x where it is not 0, else 1: a divisor that is harmless where the quotient is not used."""
    return np.where(x == 0, 1, x)


def total(*terms):
    """Add up what the outputs send back: cotangent times derivative, for each cotangent that arrived."""
    return sum(g * d() for g, d in terms if g is not None)


# --- error functions ----------------------------------------------------------------------------------------------


def erfcx_derivative(x, y):
    """``2 x erfcx(x) - 2/sqrt(pi)``, which cancels for large x: there as a confluent hypergeometric function."""
    direct = 2 * x * y - TWO_BY_SQRT_PI
    if x.dtype.kind == "c":
        return direct
    large = x > 10
    return np.where(large, sp.hyperu(1.0, 0.5, np.where(large, x, 10) ** 2) / -SQRT_PI, direct)


def dawsn_derivative(x, y):
    """``1 - 2 x dawsn(x)``; of real x, as a confluent hypergeometric function, which does not cancel."""
    return 1 - 2 * x * y if x.dtype.kind == "c" else sp.hyp1f1(1.0, 0.5, -x * x)


def mills(x):
    """The normal density divided by its distribution function, without overflow on either side."""
    if x.dtype.kind == "c":
        return np.exp(-x * x / 2 - sp.log_ndtr(x)) / SQRT_2PI
    low = math.sqrt(2 / PI) / sp.erfcx(np.where(x < 0, x, 0) / -math.sqrt(2))
    high = np.where(x < 0, 0, x)
    return np.where(x < 0, low, np.exp(-high * high / 2) / (SQRT_2PI * sp.ndtr(high)))


def normal(x):
    """The normal density."""
    return np.exp(-x * x / 2) / SQRT_2PI


# fmt: off
defvjp(sp.erf,        lambda g, _y, x: g * (TWO_BY_SQRT_PI * np.exp(-x * x)))
defvjp(sp.erfc,       lambda g, _y, x: g * (-TWO_BY_SQRT_PI * np.exp(-x * x)))
defvjp(sp.erfi,       lambda g, _y, x: g * (TWO_BY_SQRT_PI * np.exp(x * x)))
defvjp(sp.erfcx,      lambda g, y, x: g * erfcx_derivative(x, y))
defvjp(sp.dawsn,      lambda g, y, x: g * dawsn_derivative(x, y))
defvjp(sp.wofz,       lambda g, y, x: g * (2j / SQRT_PI - 2 * x * y))
defvjp(sp.erfinv,     lambda g, y, _x: g * (SQRT_PI / 2 * np.exp(y * y)))
defvjp(sp.erfcinv,    lambda g, y, _x: g * (-SQRT_PI / 2 * np.exp(y * y)))
defvjp(sp.ndtr,       lambda g, _y, x: g * normal(x))
defvjp(sp.log_ndtr,   lambda g, _y, x: g * mills(x))
defvjp(sp.ndtri,      lambda g, y, _x: g * (SQRT_2PI * np.exp(y * y / 2)))
defvjp(sp.ndtri_exp,  lambda g, y, _x: g / mills(y))

# --- logistic functions, entropies, powers
defvjp(sp.expit,      lambda g, _y, x: g * (sp.expit(x) * sp.expit(-x)))
defvjp(sp.log_expit,  lambda g, _y, x: g * sp.expit(-x))
defvjp(sp.logit,      lambda g, _y, x: g / (x * (1 - x)))
defvjp(sp.entr,       lambda g, _y, x: g * (-np.log(x) - 1))
defvjp(sp.rel_entr,   lambda g, _y, x, y: g * (np.log(x / y) + 1), lambda g, _y, x, y: -g * quotient(x, y))
defvjp(sp.kl_div,     lambda g, _y, x, y: g * np.log(x / y), lambda g, _y, x, y: g * (1 - quotient(x, y)))
defvjp(sp.xlogy,      lambda g, _y, _a, b: g * np.log(b), lambda g, _y, a, b: g * quotient(a, b))
defvjp(sp.xlog1py,    lambda g, _y, _a, b: g * np.log1p(b), lambda g, _y, a, b: g * quotient(a, b + 1))
defvjp(sp.cbrt,       lambda g, y, _x: g / (3 * y * y))
defvjp(sp.exp2,       lambda g, y, _x: g * (LN2 * y))
defvjp(sp.exp10,      lambda g, y, _x: g * (LN10 * y))
defvjp(sp.expm1,      lambda g, y, _x: g * (y + 1))
defvjp(sp.log1p,      lambda g, _y, x: g / (x + 1))
defvjp(sp.powm1,      lambda g, _y, a, b: g * (b * np.power(a, b - 1)), lambda g, y, a, _b: g * sp.xlogy(y + 1, a))
defvjp(sp.exprel,     lambda g, _y, x: g * (sp.hyp1f1(2.0, 3.0, x) / 2))
defvjp(sp.cosm1,      lambda g, _y, x: -g * np.sin(x))
defvjp(sp.sindg,      lambda g, _y, x: g * (DEGREE * sp.cosdg(x)))
defvjp(sp.cosdg,      lambda g, _y, x: g * (-DEGREE * sp.sindg(x)))
defvjp(sp.tandg,      lambda g, y, _x: g * (DEGREE * (1 + y * y)))
defvjp(sp.cotdg,      lambda g, y, _x: g * (-DEGREE * (1 + y * y)))
defvjp(sp.radian,     lambda g, _y, _d, _m, _s: g * DEGREE, lambda g, _y, _d, _m, _s: g * (DEGREE / 60),
                      lambda g, _y, _d, _m, _s: g * (DEGREE / 3600))
# fmt: on


def quotient(x, y):
    """``x / y``, and 0 where both are 0."""
    return x / np.where((x == 0) & (y == 0), 1, y)


def boxcox_lmbda(g, y, x, lmbda):
    """With ``u = lmbda log x``: ``(log x)**2 exprel'(u)``; at x = 0 the transform is ``-1/lmbda``."""
    log = np.log(nonzero(x))
    return g * np.where(x == 0, -y / nonzero(lmbda), log * log * sp.hyp1f1(2.0, 3.0, lmbda * log) / 2)


def boxcox1p_lmbda(g, y, x, lmbda):
    """As of ``boxcox(1 + x)``."""
    log = np.log1p(np.where(x == -1, 0, x))
    return g * np.where(x == -1, -y / nonzero(lmbda), log * log * sp.hyp1f1(2.0, 3.0, lmbda * log) / 2)


def inv_boxcox_lmbda(x, lmbda):
    """The derivative of ``log(1 + lmbda x) / lmbda`` by lmbda."""
    return -x * x * gauss(2.0, 2.0, 3.0, -lmbda * x) / 2


def gauss(a, b, c, z):
    """Return Gauss's function of z, with Python numbers for its parameters."""
    return sp.hyp2f1(number(a, z), number(b, z), number(c, z), z)


def unless_tail(x, lmbda, y):
    """Return y where the Tukey-lambda distribution has its support, else 0."""
    return np.where((lmbda > 0) & (np.abs(x) * lmbda >= 1), 0, y)


def tklmbda_x(g, y, x, lmbda):
    """One over the quantile density."""
    inside = unless_tail(x, lmbda, y) != 0
    p = np.where(inside, y, 0.5)
    return g * np.where(inside, 1 / (p ** (lmbda - 1) + (1 - p) ** (lmbda - 1)), 0)


def huber_delta(g, _y, delta, r):
    """``|r| - delta`` in the linear part."""
    return g * np.where(np.abs(r) <= delta, 0, np.abs(r) - delta)


def huber_r(g, _y, delta, r):
    """r, bounded by delta."""
    return g * np.where(np.abs(r) <= delta, r, delta * np.sign(r))


def pseudo_huber_delta(g, _y, delta, r):
    """With ``h = hypot(delta, r)``: ``(h - delta)**2 / h``."""
    h = np.hypot(delta, r)
    excess = r * r / nonzero(h + delta)
    return g * (excess * excess / nonzero(h))


# fmt: off
defvjp(sp.boxcox,     lambda g, _y, x, lmbda: g * x ** (lmbda - 1), boxcox_lmbda)
defvjp(sp.boxcox1p,   lambda g, _y, x, lmbda: g * (x + 1) ** (lmbda - 1), boxcox1p_lmbda)
defvjp(sp.inv_boxcox, lambda g, y, _x, lmbda: g * y ** (1 - lmbda),
                      lambda g, y, x, lmbda: g * (y * inv_boxcox_lmbda(x, lmbda)))
defvjp(sp.inv_boxcox1p, lambda g, y, _x, lmbda: g * (y + 1) ** (1 - lmbda),
                      lambda g, y, x, lmbda: g * ((y + 1) * inv_boxcox_lmbda(x, lmbda)))
defvjp(sp.tklmbda,    tklmbda_x, PARAMETER)
defvjp(sp.huber,      huber_delta, huber_r)
defvjp(sp.pseudo_huber, pseudo_huber_delta, lambda g, _y, delta, r: g * (delta * r / nonzero(np.hypot(delta, r))))

# --- exponential integrals and their like
defvjp(sp.exp1,       lambda g, _y, x: -g * (np.exp(-x) / x))
defvjp(sp.expi,       lambda g, _y, x: g * (np.exp(x) / x))
defvjp(sp.expn,       ORDER, lambda g, y, n, x: -g * expn_before(n, x, y))
defvjp(sp.spence,     lambda g, _y, z: -g * gauss(1.0, 1.0, 2.0, 1 - z))
defvjp(sp.sici,       lambda g, _y, x: total((g[0], lambda: sine_over(x)), (g[1], lambda: np.cos(x) / x)))
defvjp(sp.shichi,     lambda g, _y, x: total((g[0], lambda: sinh_over(x)), (g[1], lambda: np.cosh(x) / x)))
defvjp(sp.fresnel,    lambda g, _y, z: total((g[0], lambda: np.sin(PI / 2 * z * z)),
                                             (g[1], lambda: np.cos(PI / 2 * z * z))))
defvjp(sp.modfresnelp, lambda g, y, x: total((g[0], lambda: -np.exp(1j * x * x)),
                                             (g[1], lambda: -2j * x * y[1] - (0.5 - 0.5j) * math.sqrt(2 / PI))))
defvjp(sp.modfresnelm, lambda g, y, x: total((g[0], lambda: -np.exp(-1j * x * x)),
                                             (g[1], lambda: 2j * x * y[1] - (0.5 + 0.5j) * math.sqrt(2 / PI))))
defvjp(sp.wrightomega, lambda g, y, _z: g * (y / (y + 1)))
defvjp(sp.owens_t,    lambda g, _y, h, a: g * (np.exp(-h * h / 2) * sp.erf(a * h / math.sqrt(2)) / (-2 * SQRT_2PI)),
                      lambda g, _y, h, a: g * (np.exp(-h * h * (1 + a * a) / 2) / (2 * PI * (1 + a * a))))
# fmt: on


def sine_over(x):
    """``sin(x) / x``, smooth at 0."""
    return sp.hyp0f1(1.5, -x * x / 4)


def sinh_over(x):
    """``sinh(x) / x``, smooth at 0."""
    return sp.hyp0f1(1.5, x * x / 4)


def expn_before(n, x, y):
    """E of order n - 1, and of order -1 where n is 0."""
    n = np.trunc(n)
    first = n == 0
    return np.where(first, (np.exp(-x) + y) / np.where(first, x, 1), sp.expn(n - 1 + first, x))


@in_memory
def faddeeva(x, y, *, imag):
    """Return the real or the imaginary part of ``w(x + iy)``: real numbers on both sides."""
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        raise TypeError("x and y are the parts of one complex number, and real themselves.")
    w = sp.wofz(np.asarray(x) + 1j * np.asarray(y))
    return w.imag if imag else w.real


def faddeeva_slope(x, y):
    """The real and the imaginary part of ``w'(x + iy)``."""
    u, v = faddeeva(x, y, imag=False), faddeeva(x, y, imag=True)
    return 2 * (y * v - x * u), TWO_BY_SQRT_PI - 2 * (x * v + y * u)


def faddeeva_x(g, _y, x, y, *, imag):
    """W' itself."""
    return g * faddeeva_slope(x, y)[imag]


def faddeeva_y(g, _y, x, y, *, imag):
    """``i w'``."""
    re, im = faddeeva_slope(x, y)
    return g * (re if imag else -im)


register(faddeeva, faddeeva_x, faddeeva_y, broadcasts=True)


def voigt_unit(sigma):
    """Return where sigma is 0, which leaves Cauchy's density; sigma, and its unit, harmless there."""
    none, sigma = sigma == 0, nonzero(sigma)
    return none, sigma, sigma * math.sqrt(2)


def voigt_x(g, _y, x, sigma, gamma):
    """``Re w'(z)`` with ``z = (x + i gamma) / (sigma sqrt 2)``, scaled."""
    none, sigma, unit = voigt_unit(sigma)
    y = faddeeva_slope(x / unit, gamma / unit)[0] / (2 * SQRT_PI * sigma * sigma)
    return g * np.where(none, -2 * x * gamma / (PI * nonzero((x * x + gamma * gamma) ** 2)), y)


def voigt_sigma(g, y, x, sigma, gamma):
    """The scale, and ``z`` that is inversely proportional to it."""
    none, sigma, unit = voigt_unit(sigma)
    re, im = faddeeva_slope(x / unit, gamma / unit)
    return g * np.where(none, 0, -y / sigma - (re * x - im * gamma) / (2 * SQRT_PI * sigma * sigma * sigma))


def voigt_gamma(g, _y, x, sigma, gamma):
    """``Re i w'(z)``, scaled."""
    none, sigma, unit = voigt_unit(sigma)
    y = -faddeeva_slope(x / unit, gamma / unit)[1] / (2 * SQRT_PI * sigma * sigma)
    return g * np.where(none, (x * x - gamma * gamma) / (PI * nonzero((x * x + gamma * gamma) ** 2)), y)


defvjp(sp.voigt_profile, voigt_x, voigt_sigma, voigt_gamma)


# --- the gamma function and its like -------------------------------------------------------------------------------


def trigamma(x):
    return hurwitz(x, s=2) if x.dtype.kind == "c" else sp.zeta(2.0, x)


def rgamma_derivative(x):
    """The derivative of 1/Gamma by reflection: finite at the poles, where 1/Gamma is 0."""
    return sp.gamma(1 - x) * (np.cos(PI * x) - np.sin(PI * x) / PI * sp.psi(1 - x))


def rgamma_vjp(g, y, x):
    """``-psi(x) / Gamma(x)``; by reflection in the left half-plane."""
    left = (x.real if x.dtype.kind == "c" else x) < 0.5
    return g * np.where(left, rgamma_derivative(np.where(left, x, 0.25)), -y * sp.psi(np.where(left, 1.0, x)))


def pole(x):
    """Return whether Gamma has a pole."""
    return (x <= 0) & (x == np.floor(x))


def safe(x, where):
    """Return x, and 1 at the given places."""
    return np.where(where, 1, x)


def binom_n(g, y, n, k):
    """``y (psi(n+1) - psi(n-k+1))``; where y is 0 because of a pole, with the derivative of 1/Gamma there."""
    rest = n - k + 1
    at = pole(rest)
    there = sp.gamma(n + 1) * sp.rgamma(k + 1) * rgamma_derivative(np.where(at, rest, 0))
    return g * np.where(at, there, y * (sp.psi(n + 1) - sp.psi(safe(rest, at))))


def binom_k(g, y, n, k):
    """``y (psi(n-k+1) - psi(k+1))``, likewise."""
    rest, last = n - k + 1, k + 1
    left, right = pole(rest), pole(last)
    p, q = np.where(left, rest, 0), np.where(right, last, 0)
    there = np.where(right, rgamma_derivative(q), 0) * sp.rgamma(rest)
    there = sp.gamma(n + 1) * (there - np.where(left, rgamma_derivative(p), 0) * sp.rgamma(last))
    return g * np.where(left | right, there, y * (sp.psi(safe(rest, left)) - sp.psi(safe(last, right))))


def beta_derivative(y, a, b):
    """``y (psi(a) - psi(a+b))``, likewise."""
    at = pole(a + b) & ~pole(a) & ~pole(b)
    there = sp.gamma(safe(a, ~at)) * sp.gamma(safe(b, ~at)) * rgamma_derivative(np.where(at, a + b, 0))
    return np.where(at, there, y * (sp.psi(a) - sp.psi(safe(a + b, at))))


def poch_z(g, y, z, m):
    """``y (psi(z+m) - psi(z))``, likewise."""
    at = pole(z)
    there = sp.gamma(z + m) * rgamma_derivative(np.where(at, z, 0))
    return g * np.where(at, there, y * (sp.psi(z + m) - sp.psi(safe(z, at))))


# fmt: off
defvjp(sp.gamma,      lambda g, y, x: g * (y * sp.psi(x)))
defvjp(sp.loggamma,   lambda g, _y, x: g * sp.psi(x))
defvjp(sp.gammaln,    lambda g, _y, x: g * sp.psi(x))
defvjp(sp.rgamma,     rgamma_vjp)
defvjp(sp.psi,        lambda g, _y, x: g * trigamma(x))
defvjp(sp.beta,       lambda g, y, a, b: g * beta_derivative(y, a, b), lambda g, y, a, b: g * beta_derivative(y, b, a))
defvjp(sp.betaln,     lambda g, _y, a, b: g * (sp.psi(a) - sp.psi(a + b)),
                      lambda g, _y, a, b: g * (sp.psi(b) - sp.psi(a + b)))
defvjp(sp.binom,      binom_n, binom_k)
defvjp(sp.poch,       poch_z, lambda g, y, z, m: g * (y * sp.psi(z + m)))

# --- incomplete gamma functions, and distributions made of them
defvjp(sp.gammainc,   lambda g, _y, a, x: g * gamma_da(a, x),  lambda g, _y, a, x: g * gamma_pdf(a, x))
defvjp(sp.gammaincc,  lambda g, _y, a, x: -g * gamma_da(a, x), lambda g, _y, a, x: -g * gamma_pdf(a, x))
defvjp(sp.gammaincinv, lambda g, y, a, _p: -g * (gamma_da(a, y) / gamma_pdf(a, y)),
                      lambda g, y, a, _p: g / gamma_pdf(a, y))
defvjp(sp.gammainccinv, lambda g, y, a, _p: -g * (gamma_da(a, y) / gamma_pdf(a, y)),
                      lambda g, y, a, _p: -g / gamma_pdf(a, y))
defvjp(sp.gdtr,       lambda g, _y, a, b, x: g * (x * gamma_pdf(b, a * x)),
                      lambda g, _y, a, b, x: g * gamma_da(b, a * x),
                      lambda g, _y, a, b, x: g * (a * gamma_pdf(b, a * x)))
defvjp(sp.gdtrc,      lambda g, _y, a, b, x: -g * (x * gamma_pdf(b, a * x)),
                      lambda g, _y, a, b, x: -g * gamma_da(b, a * x),
                      lambda g, _y, a, b, x: -g * (a * gamma_pdf(b, a * x)))
defvjp(sp.gdtria,     lambda g, y, _p, b, x: g / (x * gamma_pdf(b, y * x)),
                      lambda g, y, _p, b, x: -g * (gamma_da(b, y * x) / (x * gamma_pdf(b, y * x))),
                      lambda g, y, _p, _b, x: -g * (y / x))
defvjp(sp.gdtrib,     lambda g, y, a, _p, x: -g * (x * gamma_pdf(y, a * x) / gamma_da(y, a * x)),
                      lambda g, y, a, _p, x: g / gamma_da(y, a * x),
                      lambda g, y, a, _p, x: -g * (a * gamma_pdf(y, a * x) / gamma_da(y, a * x)))
defvjp(sp.gdtrix,     lambda g, y, a, _b, _p: -g * (y / a),
                      lambda g, y, a, b, _p: -g * (gamma_da(b, a * y) / (a * gamma_pdf(b, a * y))),
                      lambda g, y, a, b, _p: g / (a * gamma_pdf(b, a * y)))
defvjp(sp.chdtr,      lambda g, _y, v, x: g * (gamma_da(v / 2, x / 2) / 2),
                      lambda g, _y, v, x: g * (gamma_pdf(v / 2, x / 2) / 2))
defvjp(sp.chdtrc,     lambda g, _y, v, x: -g * (gamma_da(v / 2, x / 2) / 2),
                      lambda g, _y, v, x: -g * (gamma_pdf(v / 2, x / 2) / 2))
defvjp(sp.chdtri,     lambda g, y, v, _p: -g * (gamma_da(v / 2, y / 2) / gamma_pdf(v / 2, y / 2)),
                      lambda g, y, v, _p: -2 * g / gamma_pdf(v / 2, y / 2))
defvjp(sp.chdtriv,    lambda g, y, _p, x: 2 * g / gamma_da(y / 2, x / 2),
                      lambda g, y, _p, x: -g * (gamma_pdf(y / 2, x / 2) / gamma_da(y / 2, x / 2)))
defvjp(sp.pdtr,       None, lambda g, _y, k, m: -g * gamma_pdf(np.floor(k) + 1, m))
defvjp(sp.pdtrc,      None, lambda g, _y, k, m: g * gamma_pdf(np.floor(k) + 1, m))
defvjp(sp.pdtri,      None, lambda g, y, k, _p: -g / gamma_pdf(np.floor(k) + 1, y))
# fmt: on


def noncentral_pdf(x, df, nc):
    """The density of the noncentral chi-square distribution, smooth at ``nc = 0``."""
    return np.exp(sp.xlogy(df / 2 - 1, x / 2) - (x + nc) / 2 - sp.gammaln(df / 2)) * sp.hyp0f1(df / 2, nc * x / 4) / 2


def noncentral_dnc(x, df, nc):
    """The derivative of its distribution function by `nc`: half the step to two degrees of freedom more."""
    return (sp.chndtr(x, df + 2, nc) - sp.chndtr(x, df, nc)) / 2


# fmt: off
defvjp(sp.chndtr,     lambda g, _y, x, df, nc: g * noncentral_pdf(x, df, nc), PARAMETER,
                      lambda g, _y, x, df, nc: g * noncentral_dnc(x, df, nc))
defvjp(sp.chndtrix,   lambda g, y, _p, df, nc: g / noncentral_pdf(y, df, nc), PARAMETER,
                      lambda g, y, _p, df, nc: -g * (noncentral_dnc(y, df, nc) / noncentral_pdf(y, df, nc)))
defvjp(sp.chndtrinc,  lambda g, y, x, df, _p: -g * (noncentral_pdf(x, df, y) / noncentral_dnc(x, df, y)), PARAMETER,
                      lambda g, y, x, df, _p: g / noncentral_dnc(x, df, y))
# fmt: on


# --- incomplete beta functions, and distributions made of them -----------------------------------------------------


def beta_rules(function, sign):
    """Rules of the distribution function, or with ``sign=-1`` of the other tail."""
    defvjp(
        function,
        lambda g, _y, a, b, x: sign * g * beta_da(a, b, x),
        lambda g, _y, a, b, x: sign * g * beta_db(a, b, x),
        lambda g, _y, a, b, x: sign * g * beta_pdf(a, b, x),
    )


def beta_inverse_rules(function, sign):
    """Rules of the quantile."""
    defvjp(
        function,
        lambda g, y, a, b, _p: -g * (beta_da(a, b, y) / beta_pdf(a, b, y)),
        lambda g, y, a, b, _p: -g * (beta_db(a, b, y) / beta_pdf(a, b, y)),
        lambda g, y, a, b, _p: sign * g / beta_pdf(a, b, y),
    )


beta_rules(sp.betainc, 1)
beta_rules(sp.betaincc, -1)
beta_inverse_rules(sp.betaincinv, 1)
beta_inverse_rules(sp.betainccinv, -1)


def t_pdf(df, t):
    """The density of Student's t."""
    return np.exp(-(df + 1) / 2 * np.log1p(t * t / df) - sp.betaln(number(0.5, df), df / 2)) / np.sqrt(df)


def t_ddf(df, t):
    """The derivative of its distribution function by the degrees of freedom; of many, by Fisher's expansion."""
    many = (df > 1000) & (t * t * t * t < df / 100)
    n, u, series = np.where(many, 10.0, df), np.where(many, 0.5, t), np.where(many, t, 0)
    d = n + u * u
    direct = -np.sign(u) / 4 * beta_da(n / 2, number(0.5, n), n / d, u * u / d) - u / (2 * n) * t_pdf(n, u)
    return np.where(many, t_series(np.where(many, df, 1000), series), direct)


def t_series(n, t):
    """The derivative of Fisher's expansion in ``1/n``."""
    q = t * t
    first, second = (q + 1) / 4, (3 * q**3 - 7 * q**2 - 5 * q - 3) / 48
    third = (q**5 - 11 * q**4 + 14 * q**3 + 6 * q**2 - 3 * q - 15) / 128
    return normal(t) * (t / n / n * (first + (second + third / n) / n))


@in_memory
def cancelled(a, b, size):
    """Return NaN where so little is left of ``a - b`` that it may be rounding of densities of parameters of a size."""
    lost = (np.abs(a - b) < 1e-10 * (100 + size) * np.abs(a)) & np.isfinite(a)
    return np.where(lost, np.nan, 0).astype(np.result_type(a, b))


constant([cancelled])


def difference(a, b, size):
    """Return ``a - b``; NaN where that is lost to rounding."""
    return a - b + cancelled(a, b, size)


class F:
    """The F distribution as a beta distribution: its density by x, and its derivatives by the degrees of freedom."""

    def __init__(self, m, n, x):
        self.m, self.n, self.x = m, n, x
        self.d = m * x + n
        self.w, self.rest = m * x / self.d, n / self.d

    @property
    def pdf(self):
        """The density in the variable of the beta distribution, over the square of the denominator."""
        return beta_pdf(self.m / 2, self.n / 2, self.w, self.rest) / (self.d * self.d)

    @property
    def dx(self):
        return self.pdf * (self.m * self.n)

    @property
    def dm(self):
        return difference(
            beta_da(self.m / 2, self.n / 2, self.w, self.rest) / 2, -self.pdf * (self.x * self.n), self.m + self.n
        )

    @property
    def dn(self):
        return difference(
            -beta_da(self.n / 2, self.m / 2, self.rest, self.w) / 2, self.pdf * (self.m * self.x), self.m + self.n
        )


# fmt: off
defvjp(sp.btdtria,    lambda g, y, _p, b, x: g / beta_da(y, b, x),
                      lambda g, y, _p, b, x: -g * (beta_db(y, b, x) / beta_da(y, b, x)),
                      lambda g, y, _p, b, x: -g * (beta_pdf(y, b, x) / beta_da(y, b, x)))
defvjp(sp.btdtrib,    lambda g, y, a, _p, x: -g * (beta_da(a, y, x) / beta_db(a, y, x)),
                      lambda g, y, a, _p, x: g / beta_db(a, y, x),
                      lambda g, y, a, _p, x: -g * (beta_pdf(a, y, x) / beta_db(a, y, x)))
defvjp(sp.stdtr,      lambda g, _y, df, t: g * t_ddf(df, t), lambda g, _y, df, t: g * t_pdf(df, t))
defvjp(sp.stdtrit,    lambda g, y, df, _p: -g * (t_ddf(df, y) / t_pdf(df, y)),
                      lambda g, y, df, _p: g / t_pdf(df, y))
defvjp(sp.fdtr,       lambda g, _y, m, n, x: g * F(m, n, x).dm, lambda g, _y, m, n, x: g * F(m, n, x).dn,
                      lambda g, _y, m, n, x: g * F(m, n, x).dx)
defvjp(sp.fdtrc,      lambda g, _y, m, n, x: -g * F(m, n, x).dm, lambda g, _y, m, n, x: -g * F(m, n, x).dn,
                      lambda g, _y, m, n, x: -g * F(m, n, x).dx)
defvjp(sp.fdtri,      lambda g, y, m, n, _p: -g * (F(m, n, y).dm / F(m, n, y).dx),
                      lambda g, y, m, n, _p: -g * (F(m, n, y).dn / F(m, n, y).dx),
                      lambda g, y, m, n, _p: g / F(m, n, y).dx)
defvjp(sp.fdtridfd,   lambda g, y, m, _p, x: -g * (F(m, y, x).dm / F(m, y, x).dn),
                      lambda g, y, m, _p, x: g / F(m, y, x).dn,
                      lambda g, y, m, _p, x: -g * (F(m, y, x).dx / F(m, y, x).dn))
COUNT = Refused("it is a count, which SciPy rounds.")
defvjp(sp.bdtr,       None, COUNT, lambda g, _y, k, n, p: -g * beta_pdf(np.floor(k) + 1, np.trunc(n) - np.floor(k), p))
defvjp(sp.bdtrc,      None, COUNT, lambda g, _y, k, n, p: g * beta_pdf(np.floor(k) + 1, np.trunc(n) - np.floor(k), p))
defvjp(sp.bdtri,      None, COUNT, lambda g, y, k, n, _p: -g / beta_pdf(np.floor(k) + 1, np.trunc(n) - np.floor(k), y))
defvjp(sp.nbdtr,      COUNT, COUNT, lambda g, _y, k, n, p: g * beta_pdf(np.trunc(n), np.trunc(k) + 1, p))
defvjp(sp.nbdtrc,     COUNT, COUNT, lambda g, _y, k, n, p: -g * beta_pdf(np.trunc(n), np.trunc(k) + 1, p))
defvjp(sp.nbdtri,     COUNT, COUNT, lambda g, y, k, n, _p: g / beta_pdf(np.trunc(n), np.trunc(k) + 1, y))
defvjp(sp.nrdtrimn,   lambda g, y, _p, sd, x: -g * (sd * SQRT_2PI * np.exp(((x - y) / sd) ** 2 / 2)),
                      lambda g, y, _p, sd, x: g * ((y - x) / sd), lambda g, _y, _p, _sd, _x: g)
defvjp(sp.nrdtrisd,   lambda g, y, mn, _p, x: -g * (y / (x - mn)),
                      lambda g, y, mn, _p, x: -g * (y * y / (x - mn) * SQRT_2PI * np.exp(((x - mn) / y) ** 2 / 2)),
                      lambda g, y, mn, _p, x: g * (y / (x - mn)))
# fmt: on


# --- Bessel functions ----------------------------------------------------------------------------------------------


def over(y, x, at_0):
    """Return ``y / x``; at x = 0 its Taylor polynomial `at_0`."""
    return np.where(x == 0, at_0, y / nonzero(x))


def scaled_by_real(g, y, z, derivative):
    """Of ``f(z) exp(-|Re z|)``: that of f, less what the scale takes off; the scale has no part along Im z."""
    return g * derivative - np.real(g * y) * np.sign(np.real(z))


def scaled_by_imag(g, y, z, derivative):
    """Of ``f(z) exp(-|Im z|)``, likewise."""
    if z.dtype.kind != "c":
        return g * derivative
    return g * derivative + np.real(g * y) * (np.sign(np.imag(z)) * 1j)


def by_argument(f, derivative, defvjp=defvjp):
    """Register the rule ``derivative(y, v, z)``; the order is refused."""
    defvjp(f, ORDER, lambda g, y, v, z: g * derivative(y, v, z))


by_argument_of_integer = functools.partial(by_argument, defvjp=register)  # the order stays the integer that it is


def cylinder(f, v, z):
    """``(f_{v-1} - f_{v+1}) / 2``: the derivative of J, Y and the Hankel functions."""
    return (f(v - 1, z) - f(v + 1, z)) / 2


def modified(f, v, z):
    """``(f_{v-1} + f_{v+1}) / 2``: that of I, and with the sign turned that of K."""
    return (f(v - 1, z) + f(v + 1, z)) / 2


def struve_inhomogeneity(v, x):
    """What the recurrences of the Struve functions have besides."""
    return (x / 2) ** v * sp.rgamma(v + 1.5) / (2 * SQRT_PI)


by_argument(sp.jv, lambda _y, v, z: cylinder(sp.jv, v, z))
by_argument(sp.yv, lambda _y, v, z: cylinder(sp.yv, v, z))
by_argument(sp.hankel1, lambda _y, v, z: cylinder(sp.hankel1, v, z))
by_argument(sp.hankel2, lambda _y, v, z: cylinder(sp.hankel2, v, z))
by_argument(sp.hankel1e, lambda y, v, z: cylinder(sp.hankel1e, v, z) - 1j * y)
by_argument(sp.hankel2e, lambda y, v, z: cylinder(sp.hankel2e, v, z) + 1j * y)
by_argument(sp.iv, lambda _y, v, z: modified(sp.iv, v, z))
by_argument(sp.kv, lambda _y, v, z: -modified(sp.kv, v, z))
by_argument(sp.kve, lambda y, v, z: y - modified(sp.kve, v, z))
by_argument(sp.yn, lambda _y, n, x: cylinder(sp.yv, np.trunc(n), x))
by_argument(sp.kn, lambda _y, n, x: -modified(sp.kv, np.trunc(n), x))
by_argument(sp.struve, lambda _y, v, x: cylinder(sp.struve, v, x) + struve_inhomogeneity(v, x))
by_argument(sp.modstruve, lambda _y, v, x: modified(sp.modstruve, v, x) + struve_inhomogeneity(v, x))

# fmt: off
defvjp(sp.jve,        ORDER, lambda g, y, v, z: scaled_by_imag(g, y, z, cylinder(sp.jve, v, z)))
defvjp(sp.yve,        ORDER, lambda g, y, v, z: scaled_by_imag(g, y, z, cylinder(sp.yve, v, z)))
defvjp(sp.ive,        ORDER, lambda g, y, v, z: scaled_by_real(g, y, z, modified(sp.ive, v, z)))
defvjp(sp.j0,         lambda g, _y, x: -g * sp.j1(x))
defvjp(sp.j1,         lambda g, _y, x: g * ((sp.j0(x) - sp.jv(2.0, x)) / 2))
defvjp(sp.y0,         lambda g, _y, x: -g * sp.y1(x))
defvjp(sp.y1,         lambda g, _y, x: g * ((sp.y0(x) - sp.yv(2.0, x)) / 2))
defvjp(sp.i0,         lambda g, _y, x: g * sp.i1(x))
defvjp(sp.i1,         lambda g, _y, x: g * ((sp.i0(x) + sp.iv(2.0, x)) / 2))
defvjp(sp.i0e,        lambda g, y, x: g * (sp.i1e(x) - y * np.sign(x)))
defvjp(sp.i1e,        lambda g, y, x: g * ((sp.i0e(x) + sp.ive(2.0, x)) / 2 - y * np.sign(x)))
defvjp(sp.k0,         lambda g, _y, x: -g * sp.k1(x))
defvjp(sp.k1,         lambda g, _y, x: g * ((sp.k0(x) + sp.kv(2.0, x)) / -2))
defvjp(sp.k0e,        lambda g, y, x: g * (y - sp.k1e(x)))
defvjp(sp.k1e,        lambda g, y, x: g * (y - (sp.k0e(x) + sp.kve(2.0, x)) / 2))
defvjp(sp.iti0k0,     lambda g, _y, x: total((g[0], lambda: sp.i0(x)), (g[1], lambda: sp.k0(x))))
defvjp(sp.itj0y0,     lambda g, _y, x: total((g[0], lambda: sp.j0(x)), (g[1], lambda: sp.y0(x))))
defvjp(sp.it2i0k0,    lambda g, _y, x: total((g[0], lambda: over(sp.i0(x) - 1, x, x / 4)), (g[1], lambda: -sp.k0(x) / x)))
defvjp(sp.it2j0y0,    lambda g, _y, x: total((g[0], lambda: over(1 - sp.j0(x), x, x / 4)), (g[1], lambda: -sp.y0(x) / x)))
defvjp(sp.itstruve0,  lambda g, _y, x: g * sp.struve(number(0, x), x))
defvjp(sp.it2struve0, lambda g, _y, x: -g * over(sp.struve(number(0, x), x), x, (2 - x * x / 4.5) / PI))
defvjp(sp.itmodstruve0, lambda g, _y, x: g * sp.modstruve(number(0, x), x))

# --- Kelvin functions: y'' + y'/x = iy
defvjp(sp.ber,        lambda g, _y, x: g * sp.berp(x))
defvjp(sp.bei,        lambda g, _y, x: g * sp.beip(x))
defvjp(sp.ker,        lambda g, _y, x: g * sp.kerp(x))
defvjp(sp.kei,        lambda g, _y, x: g * sp.keip(x))
defvjp(sp.berp,       lambda g, y, x: -g * (sp.bei(x) + over(y, x, -x * x / 16)))
defvjp(sp.beip,       lambda g, y, x: g * (sp.ber(x) - over(y, x, 0.5 - x * x * x * x / 384)))
defvjp(sp.kerp,       lambda g, y, x: -g * (sp.kei(x) + y / x))
defvjp(sp.keip,       lambda g, y, x: g * (sp.ker(x) - y / x))
defvjp(sp.kelvin,     lambda g, y, x: total((g[0], lambda: y[2]), (g[1], lambda: y[3]),
                          (g[2], lambda: 1j * y[0] - over(y[2], x, 0.5j - x * x / 16)), (g[3], lambda: 1j * y[1] - y[3] / x)))
# fmt: on


def airy_vjp(g, y, z):
    """``f'' = z f``."""
    a, da, b, db = y
    return total((g[0], lambda: da), (g[1], lambda: z * a), (g[2], lambda: db), (g[3], lambda: z * b))


def airye_vjp(g, y, z):
    """Ai and its derivative times ``exp(2/3 z**1.5)``, Bi and its own times ``exp(-|Re 2/3 z**1.5|)``."""
    a, da, b, db = y
    if z.dtype.kind == "c":
        root = np.sqrt(z)
        sign = np.sign(np.real(z * root))
    else:
        sign = z > 0
        root = np.where(sign, np.sqrt(np.where(sign, z, 1)), 0)
    p = total(
        (g[0], lambda: da + root * a), (g[1], lambda: z * a + root * da), (g[2], lambda: db), (g[3], lambda: z * b)
    )
    return p - total(*((np.real(g[i] * y[i]), lambda: sign * root) for i in (2, 3) if g[i] is not None))


def itairy_vjp(g, _y, x):
    """The integrands: Ai and Bi, of x and of -x."""
    right, left = sp.airy(x), sp.airy(-x)
    return total((g[0], lambda: right[0]), (g[1], lambda: right[2]), (g[2], lambda: left[0]), (g[3], lambda: left[2]))


defvjp(sp.airy, airy_vjp)
defvjp(sp.airye, airye_vjp)
defvjp(sp.itairy, itairy_vjp)


# --- functions that come with their derivative: the second one is what their equation says ---------------------------


def with_derivative(f, factor):
    """Register the rule of ``f(v, x) = (y, y')`` where ``y'' = factor(v, x) y``."""
    defvjp(f, ORDER, lambda g, y, v, x: total((g[0], lambda: y[1]), (g[1], lambda: factor(v, x) * y[0])))


with_derivative(sp.pbdv, lambda v, x: x * x / 4 - v - 0.5)
with_derivative(sp.pbvv, lambda v, x: x * x / 4 - v - 0.5)
with_derivative(sp.pbwa, lambda a, x: a - x * x / 4)


def mathieu(f, characteristic, unit, factor):
    """Register the rule of ``f(m, q, x) = (y, y')``, where ``y'' = factor(a, q, x) y`` in units of x."""

    def vjp(g, y, m, q, x):
        return total(
            (g[0], lambda: y[1] * unit),
            (g[1], lambda: factor(characteristic(m, q), q, x * unit) * unit * y[0]),
        )

    defvjp(f, ORDER, PARAMETER, vjp)


def turning(a, q, x):
    return 2 * q * np.cos(2 * x) - a


def growing(a, q, x):
    return a - 2 * q * np.cosh(2 * x)


mathieu(sp.mathieu_cem, sp.mathieu_a, DEGREE, turning)
mathieu(sp.mathieu_sem, sp.mathieu_b, DEGREE, turning)
mathieu(sp.mathieu_modcem1, sp.mathieu_a, 1, growing)
mathieu(sp.mathieu_modcem2, sp.mathieu_a, 1, growing)
mathieu(sp.mathieu_modsem1, sp.mathieu_b, 1, growing)
mathieu(sp.mathieu_modsem2, sp.mathieu_b, 1, growing)


# --- elliptic integrals --------------------------------------------------------------------------------------------


def ellipk_dm(m):
    """The derivative of the complete integral of the first kind."""
    return carlson(0.0, 1.0, 1 - m, powers=(0.5, 0.5, 1.5)) / 4


def ellipe_dm(m):
    """The derivative of the complete integral of the second kind."""
    return carlson(0.0, 1 - m, 1.0, powers=(0.5, 0.5, 1.5)) / -4


def periods(phi, m):
    """Return twice the number of half periods, what remains of `phi`, and `m` where there is any (else 0)."""
    k = np.rint(phi / PI)
    return 2 * k, phi - PI * k, np.where(k == 0, 0, m)


def ellipkinc_dm(phi, m):
    """The derivative of the incomplete integral of the first kind by m."""
    k, phi, full = periods(phi, m)
    s, c = np.sin(phi), np.cos(phi)
    return s**3 * carlson(c * c, 1.0, 1 - m * s * s, powers=(0.5, 0.5, 1.5)) / 4 + k * ellipk_dm(full)


def ellipeinc_dm(phi, m):
    """The derivative of the incomplete integral of the second kind by m."""
    k, phi, full = periods(phi, m)
    s, c = np.sin(phi), np.cos(phi)
    return s**3 * carlson(c * c, 1 - m * s * s, 1.0, powers=(0.5, 0.5, 1.5)) / -4 + k * ellipe_dm(full)


def ellipj_u(g, y, _u, m):
    """``cn dn``, ``-sn dn``, ``-m sn cn``, ``dn``."""
    sn, cn, dn, _ = y
    return total((g[0], lambda: cn * dn), (g[1], lambda: -sn * dn), (g[2], lambda: -m * sn * cn), (g[3], lambda: dn))


def ellipj_m(g, y, _u, m):
    """Through the amplitude: ``F(phi, m) = u`` stays as it is."""
    sn, cn, dn, phi = y
    dphi = -dn * ellipkinc_dm(phi, m)
    return total(
        (g[0], lambda: cn * dphi), (g[1], lambda: -sn * dphi),
        (g[2], lambda: -(sn * sn / 2 + m * sn * cn * dphi) / dn), (g[3], lambda: dphi),
    )  # fmt: skip


def symmetric(function, scale, powers):
    """Register the rule of ``scale * carlson(..., powers)``, with one power more for each operand in turn."""

    def vjp(i, g, _y, *xs):
        return g * (-powers[i] * scale * carlson(*xs, powers=(*powers[:i], powers[i] + 1, *powers[i + 1 :])))

    defvjp(function, each=vjp)


def elliprg_vjp(i, g, _y, *xs):
    """``int t / prod sqrt(t + x) dt / (t + x_i) / 8``."""
    return g * (carlson(*xs, powers=tuple(1.5 if i == j else 0.5 for j in range(3)), k=1) / 8)


def elliprj_vjp(i, g, _y, *xs):
    """As in `symmetric`; with p < 0 the integral is a principal value, and another formula would be needed."""
    if np.any(value_of(xs[3]) < 0):
        raise UnsupportedArgumentError(
            "scipy.special.elliprj is differentiated for p > 0 only: for p < 0 it is a Cauchy principal value. "
            "Pass .detach()ed values there, or transform p to a positive one (DLMF 19.20.14)."
        )
    powers = [0.5, 0.5, 0.5, 1.0]
    scale = -1.5 * powers[i]
    powers[i] += 1
    return g * (scale * carlson(*xs, powers=tuple(powers)))


def elliprc_x(y, x, b):
    """As an integral; where b is negative (a principal value), by elimination."""
    if (x.dtype if hasattr(x, "dtype") else b.dtype).kind == "c":
        return carlson(x, b, powers=(1.5, 1.0)) / -4
    low = b < 0
    closed = (y - 1 / np.sqrt(nonzero(x))) / (2 * np.where(low, b - x, -1))
    return np.where(low, closed, carlson(x, np.where(low, 1, b), powers=(1.5, 1.0)) / -4)


def elliprc_y(y, x, b):
    """Likewise."""
    if (x.dtype if hasattr(x, "dtype") else b.dtype).kind == "c":
        return carlson(x, b, powers=(0.5, 2.0)) / -2
    low = b < 0
    safe_x = np.where(low, x, 1)
    closed = -(y / 2 + x * (y - 1 / np.sqrt(nonzero(safe_x))) / (2 * np.where(low, b - x, -1))) / nonzero(b)
    return np.where(low, closed, carlson(x, np.where(low, 1, b), powers=(0.5, 2.0)) / -2)


def agm_a(a, b, y):
    """By ``pi / 2 / agm = RF(0, a*a, b*b)``."""
    return y * y * np.abs(a) / PI * carlson(0.0, b * b, a * a, powers=(0.5, 0.5, 1.5))


# fmt: off
defvjp(sp.ellipk,     lambda g, _y, m: g * ellipk_dm(m))
defvjp(sp.ellipkm1,   lambda g, _y, p: g * (carlson(0.0, 1.0, p, powers=(0.5, 0.5, 1.5)) / -4))
defvjp(sp.ellipe,     lambda g, _y, m: g * ellipe_dm(m))
defvjp(sp.ellipkinc,  lambda g, _y, phi, m: g / np.sqrt(1 - m * np.sin(phi) ** 2),
                      lambda g, _y, phi, m: g * ellipkinc_dm(phi, m))
defvjp(sp.ellipeinc,  lambda g, _y, phi, m: g * np.sqrt(1 - m * np.sin(phi) ** 2),
                      lambda g, _y, phi, m: g * ellipeinc_dm(phi, m))
defvjp(sp.ellipj,     ellipj_u, ellipj_m)
defvjp(sp.elliprc,    lambda g, y, x, b: g * elliprc_x(y, x, b), lambda g, y, x, b: g * elliprc_y(y, x, b))
symmetric(sp.elliprf, 0.5, (0.5, 0.5, 0.5))
symmetric(sp.elliprd, 1.5, (0.5, 0.5, 1.5))
defvjp(sp.elliprj,    each=elliprj_vjp)
defvjp(sp.elliprg,    each=elliprg_vjp)
defvjp(sp.agm,        lambda g, y, a, b: g * agm_a(a, b, y), lambda g, y, a, b: g * agm_a(b, a, y))

# --- hypergeometric functions
defvjp(sp.hyp0f1,     PARAMETER, lambda g, _y, v, z: g * (sp.hyp0f1(v + 1, z) / v))
defvjp(sp.hyp1f1,     PARAMETER, PARAMETER, lambda g, _y, a, b, x: g * (a / b * sp.hyp1f1(a + 1, b + 1, x)))
defvjp(sp.hyp2f1,     PARAMETER, PARAMETER, PARAMETER,
                      lambda g, _y, a, b, c, z: g * (a * b / c * sp.hyp2f1(a + 1, b + 1, c + 1, z)))
defvjp(sp.hyperu,     PARAMETER, PARAMETER, lambda g, _y, a, b, x: -g * (a * sp.hyperu(a + 1, b + 1, x)))
defvjp(sp.wright_bessel, PARAMETER, PARAMETER, lambda g, _y, a, b, x: g * sp.wright_bessel(a, a + b, x))
defvjp(sp.log_wright_bessel, PARAMETER, PARAMETER,
                      lambda g, y, a, b, x: g * np.exp(sp.log_wright_bessel(a, a + b, x) - y))
# fmt: on


# --- orthogonal polynomials: the derivative is one of degree n - 1, of the next family -------------------------------


def below(n):
    """Return n - 1, and 0 where n is 0: the factor ``n != 0`` stands before it."""
    return n - 1 + (n == 0)


def gegenbauer_dx(n, a, x):
    return (n != 0) * (2 * a * sp.eval_gegenbauer(below(n), a + 1, x))


def lpmv_x(g, y, m, v, x):
    """``(v x P_v - (v+m) P_{v-1}) / (x*x - 1)``; at v = -m the second term is none, though that P is NaN."""
    none = v + m == 0
    return g * ((v * x * y - (v + m) * sp.lpmv(m, np.where(none, v, v - 1), x)) / (x * x - 1))


# fmt: off
by_argument_of_integer(sp.eval_legendre,    lambda _y, n, x: gegenbauer_dx(n, 0.5, x))
by_argument_of_integer(sp.eval_sh_legendre, lambda _y, n, x: 2 * gegenbauer_dx(n, 0.5, 2 * x - 1))
by_argument_of_integer(sp.eval_chebyt,      lambda _y, n, x: (n != 0) * (n * sp.eval_chebyu(below(n), x)))
by_argument_of_integer(sp.eval_chebyu,      lambda _y, n, x: gegenbauer_dx(n, 1.0, x))
by_argument_of_integer(sp.eval_chebyc,      lambda _y, n, x: (n != 0) * (n * sp.eval_chebys(below(n), x)))
by_argument_of_integer(sp.eval_chebys,      lambda _y, n, x: gegenbauer_dx(n, 1.0, x / 2) / 2)
by_argument_of_integer(sp.eval_sh_chebyt,   lambda _y, n, x: (n != 0) * (2 * n * sp.eval_sh_chebyu(below(n), x)))
by_argument_of_integer(sp.eval_sh_chebyu,   lambda _y, n, x: 2 * gegenbauer_dx(n, 1.0, 2 * x - 1))
by_argument_of_integer(sp.eval_hermite,     lambda _y, n, x: 2 * n * sp.eval_hermite(below(n), x))
by_argument_of_integer(sp.eval_hermitenorm, lambda _y, n, x: n * sp.eval_hermitenorm(below(n), x))
by_argument_of_integer(sp.eval_laguerre,    lambda _y, n, x: (n != 0) * -sp.eval_genlaguerre(below(n), 1.0, x))
register(sp.eval_genlaguerre, ORDER, PARAMETER,
       lambda g, _y, n, a, x: -g * ((n != 0) * sp.eval_genlaguerre(below(n), a + 1, x)))
register(sp.eval_gegenbauer, ORDER, PARAMETER, lambda g, _y, n, a, x: g * gegenbauer_dx(n, a, x))
register(sp.eval_jacobi, ORDER, PARAMETER, PARAMETER, lambda g, _y, n, a, b, x:
       g * ((n != 0) * ((n + a + b + 1) / 2 * sp.eval_jacobi(below(n), a + 1, b + 1, x))))
register(sp.eval_sh_jacobi, ORDER, PARAMETER, PARAMETER, lambda g, _y, n, p, q, x:
       g * (n * sp.eval_sh_jacobi(below(n), p + 2, q + 1, x)))
defvjp(sp.lpmv, ORDER, ORDER, lpmv_x)
# fmt: on


# --- what stands behind SciPy's plain functions ----------------------------------------------------------------------


def spherical(name, before, after):
    """Register the rules of a spherical Bessel function and of its derivative, which SciPy has as another function.

    ``f_n' = (before n f_{n-1} + after (n+1) f_{n+1}) / (2n+1)``, and so on for the derivative.
    """
    for f in (getattr(sp._ufuncs, f"_spherical_{name}"), getattr(sp._ufuncs, f"_spherical_{name}_d")):
        by_argument_of_integer(f, spherical_derivative(f, before, after))


def spherical_derivative(f, before, after):
    return lambda _y, n, z: (before * n * f(below(n), z) + after * (n + 1) * f(n + 1, z)) / (2 * n + 1)


spherical("jn", 1, -1)
spherical("yn", 1, -1)
spherical("in", 1, 1)
spherical("kn", -1, -1)


def spherical_by_name(name, parity):
    """Return what stands for SciPy's function of the order and the argument, which reflects negative ones.

    ``f_n(-z) = (-1)**(n + parity) f_n(z)``; its ufuncs take positive reals, or complex numbers. No parity: no reflection.
    """
    ufuncs = [getattr(sp._ufuncs, f"_spherical_{name}{suffix}") for suffix in ("", "_d")]

    @stand_in(getattr(sp, f"spherical_{name}"))
    def function(n, z, derivative=False):
        """Not differentiable by the order."""
        z, f = array(z), ufuncs[bool(derivative)]
        z = z if z.dtype.kind in "fc" else z.astype(float)
        n = n if isinstance(n, Tensor) else np.asarray(n, np.dtype("long"))
        negative = value_of(z) < 0 if z.dtype.kind == "f" else np.zeros((), bool)
        if not negative.any():
            return f(n, z)
        if parity is None:
            raise UnsupportedArgumentError(
                f"ag.scipy.special.spherical_{name}: z is negative at some places, and must be positive, or complex. Write "
                "z + 0j."
            )
        odd = (value_of(n) + parity + bool(derivative)) % 2 == 1
        return f(n, z * np.where(negative, -1, 1).astype(z.dtype)) * np.where(negative & odd, -1, 1).astype(z.dtype)

    return function


spherical_jn, spherical_yn = spherical_by_name("jn", 0), spherical_by_name("yn", 1)
spherical_in, spherical_kn = spherical_by_name("in", 0), spherical_by_name("kn", None)
defvjp(sp._ufuncs._zeta, PARAMETER, lambda g, _y, x, q: -g * (x * sp.zeta(x + 1, q)))
defvjp(sp._ufuncs._lambertw, lambda g, y, _z, _k, _tol: g * (np.exp(-y) / (y + 1)), None, None)


# --- statistics without parameters -----------------------------------------------------------------------------------


def kolmogorov_slope(x):
    """Minus the density of Kolmogorov's distribution: for small x as the other of the two theta series."""
    x = x.astype(np.result_type(x, np.float32))
    far = x > 0.8
    u, v = np.where(far, x, 1), np.where(far, 0.5, x)
    tail = sum((-1) ** k * 8 * k * k * u * np.exp(-2 * k * k * u * u) for k in range(1, 9))
    w = 1 / np.where(v == 0, 1, v * v)
    rates = [(2 * k - 1) ** 2 * PI * PI / 8 for k in range(1, 7)]
    head = sum(SQRT_2PI * w * (1 - 2 * c * w) * np.exp(-c * w) for c in rates)
    return np.where(far, tail, np.where(v <= 0, 0, head))


defvjp(sp.kolmogorov, lambda g, _y, x: g * kolmogorov_slope(x))
defvjp(sp.kolmogi, lambda g, y, _p: g / kolmogorov_slope(y))


# --- plain functions -------------------------------------------------------------------------------------------------

comb = borrow(sp.comb)
factorial = borrow(sp.factorial)
log_softmax = borrow(sp.log_softmax)
logsumexp = borrow(sp.logsumexp)
multigammaln = borrow(sp.multigammaln)
perm = borrow(sp.perm)
polygamma = borrow(sp.polygamma)
softmax = borrow(sp.softmax)


@composite(comb)
def comb_rule(N, k, *, exact=False, repetition=False):
    """``binom``, and 0 where there is nothing to choose."""
    refuse(comb, exact=exact)
    N, k = array(N), array(k)
    if repetition:
        N = N + k - 1
        return np.where((k == 0) & (N >= -1), 1, sp.binom(N, k))
    return np.where((k <= N) & (N >= 0) & (k >= 0), sp.binom(N, k), 0)


@composite(perm)
def perm_rule(N, k, exact=False):
    """``poch``, and 0 where there is nothing to arrange."""
    refuse(perm, exact=exact)
    N, k = array(N), array(k)
    there = (k <= N) & (N >= 0) & (k >= 0)
    return np.where(there, sp.poch(np.where(there, N - k, 0) + 1, np.where(there, k, 1)), 0)


@composite(factorial)
def factorial_rule(n, exact=False, extend="zero"):
    """``Gamma(n + 1)``, and 0 for negative n."""
    refuse(factorial, exact=exact)
    if extend not in ("zero", "complex"):
        raise ValueError(f"argument `extend` must be either 'zero' or 'complex', received: {extend}")
    n = array(n)
    if extend == "complex":
        return sp.gamma(n + 1)
    n = n.astype(np.result_type(n, np.float64))
    return np.where(n < 0, 0, sp.gamma(np.where(n < 0, 0, n) + 1))


@composite(multigammaln)
def multigammaln_rule(a, d):
    """A sum of ``gammaln``."""
    if np.any(value_of(a) <= 0.5 * (d - 1)):
        raise ValueError(f"condition a > {0.5 * (d - 1)} (half of d - 1) is not met")
    return sum(sp.gammaln(a - j / 2) for j in range(d)) + d * (d - 1) * 0.25 * np.log(PI)


@composite(polygamma)
def polygamma_rule(n, x):
    """``(-1)**(n+1) n! zeta(n+1, x)``; of order 0, ``psi``."""
    if getattr(n, "requires_grad", False):
        refuse(polygamma, n=n)
    n = value_of(n)
    x = x if isinstance(x, Tensor) else constant_of(x)
    return np.where(n == 0, sp.psi(x), (-1.0) ** (n + 1) * sp.gamma(n + 1.0) * sp.zeta(n + 1, x))


def top(a, axis):
    """The greatest entry of each line, as a number; 0 where it is not finite."""
    x = np.real(value_of(a))
    y = np.max(x, axis=axis, keepdims=True, **({} if x.size else {"initial": -np.inf}))
    return np.where(np.isfinite(y), y, 0).astype(y.dtype)


@composite(softmax)
def softmax_rule(x, axis=None):
    """Exponentials over their sum."""
    e = np.exp(x - top(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


@composite(log_softmax)
def log_softmax_rule(x, axis=None):
    """The entries less the logarithm of the sum of their exponentials."""
    shifted = x - top(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


@composite(logsumexp)
def logsumexp_rule(a, axis=None, b=None, keepdims=False, return_sign=False):
    """``log(sum(b exp(a)))``; with its sign apart, if that is asked for."""
    a = array(a)
    if b is None and not return_sign and a.dtype.kind != "c":
        return plain_logsumexp(a, axis, keepdims)
    if b is None:
        shift = top(a, axis)
        total = np.sum(np.exp(a - shift), axis, keepdims=True)
    else:
        b = array(b)
        used = value_of(b) != 0  # the others do not count, however great they are
        shift = top(np.where(used, value_of(a), -np.inf), axis)
        excess = np.where(used, 0, np.maximum(np.real(value_of(a)) - shift - 80, 0))
        total = np.sum(b * np.exp(a - (shift + excess.astype(shift.dtype))), axis, keepdims=True)
    if return_sign:
        size = np.abs(total)
        y = np.log(size) + shift, total / nonzero(size)
    else:
        y = (np.log(total) + shift,)
    if not keepdims:
        y = tuple(np.squeeze(v, axis) for v in y)
    return y if return_sign else y[0]


# --- no cotangent passes, or nothing is known ------------------------------------------------------------------------

constant([sp.gammasgn, sp.round])

REASONS = {
    "no closed form of its derivatives is known. Take differences of it on plain values, (f(x + h) - f(x - h)) / (2 * h).": (
        "besselpoly mathieu_a mathieu_b chndtridf ncfdtr ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtr nctdtridf "
        "nctdtrinc nctdtrit zetac"
    ),
    "so steep an inverse cannot be checked. Solve stdtr(df, t) = p for df: ag.scipy.optimize.brentq.": "stdtridf",
    "it gives a count for a probability, and no rule is written for it. Pass .detach()ed values.": (
        "bdtrik bdtrin nbdtrik nbdtrin pdtrik"
    ),
    "its derivative is a sum whose terms come and go with d, and SciPy does not offer it. Pass .detach()ed values.": (
        "smirnov smirnovi"
    ),
    "no rule is written for spheroidal functions. Pass .detach()ed values; where the result has a derivative in it, "
    "ag.defvjp makes a rule of that.": (
        "obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv "
        "pro_ang1 pro_ang1_cv pro_cv pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv"
    ),
}
refused({getattr(sp, name): reason for reason, names in REASONS.items() for name in names.split()})
refused({sp._ufuncs._riemann_zeta: "a derivative by the exponent has no closed form. Pass .detach()ed values."})
