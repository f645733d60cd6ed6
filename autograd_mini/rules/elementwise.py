"""Elementwise functions: one line each, the derivative as a formula sheet has it.

``g`` is the cotangent of the output ``y``; ``x`` (or ``a, b``) are the operands. A parameter that starts with ``_`` is
not kept in memory. Broadcasting is undone in the sweep, not here. Numbers come from `math`: a NumPy scalar would turn
float32 into float64.

Kinks and edges, tested at the kink itself:

=====================  ==========================================================================
``abs``                ``abs'(0) = 0``
``maximum, minimum``   a tie splits evenly: ``maximum(x, 0)`` has 1/2 at 0 (nn.relu, a rule of its own, has 0)
``fmax, fmin``         the same; a NaN operand gets nothing
``clip``               1/2 at a bound, as the maximum and minimum that it is made of
``where``              selects: the branch not taken receives an exact 0
``logaddexp``          ``logaddexp'(-inf, -inf) = (0, 0)``, as of ``logsumexp`` where every entry is -inf
``sqrt, cbrt``         ``sqrt'(0) = inf``
``log``                ``log'(0) = inf``
``power``              ``d(a**0)/da = 0`` even at 0; ``d(0**b)/db = 0``
``hypot``              ``hypot'(0, 0) = (0, 0)``
``arctan2``            ``arctan2'(0, 0) = (0, 0)``
``remainder, fmod``    the jumps count as if they were not there, as in ``modf`` and ``frexp``
=====================  ==========================================================================
"""

import math

import numpy as np

from ..table import defvjp

__all__: list[str] = []

LN2, LN10 = math.log(2), math.log(10)
HALF = np.float32(0.5)  # times a mask: a Python number would make it float64


def nonzero(x):
    """Return x where it is not 0, else 1: a divisor that is harmless where the quotient is not used."""
    return np.where(x == 0, 1, x)


def finite(y):
    """Return y, and 0 for -inf: where all the terms of a sum of exponentials are 0, ``-inf - -inf`` is no number."""
    return np.where(y == -np.inf, 0, y)


def below(a, y):
    """Return ``a - y`` for a term of a sum of exponentials; at infinity, 0 for the term that is infinite."""
    infinite = a == np.inf
    return np.where(infinite, 0, np.where(infinite, 0, a) - finite(y))


def power_a(g, _y, a, b):
    """``b a**(b-1)``; the exponent 0 makes a constant, also at a = 0."""
    if isinstance(b, (int, float)):
        return g * 0 if b == 0 else g if b == 1 else g * (2 * a) if b == 2 else g * (b * a ** (b - 1))
    return g * (b * np.where(b == 0, nonzero(a), a) ** (b - 1))


def power_b(g, y, a, _b):
    """``a**b log a``; 0 where the base is 0."""
    if y.dtype.kind == "c":  # the logarithm of a negative number is complex
        a = np.asarray(a, complex) if isinstance(a, (int, float)) else a if a.dtype.kind == "c" else a.astype(y.dtype)
    return g * (y * (float(np.log(a or 1)) if isinstance(a, (int, float)) else np.log(nonzero(a))))


def absolute_vjp(g, _y, x):
    """``sign x``; of a complex number, the conjugate of its direction."""
    return g * np.sign(x) if x.dtype.kind != "c" else g * (np.conjugate(x) / nonzero(np.absolute(x)))


def over_square(c, a, b):
    """Return ``c / (a a + b b)`` without over- or underflow; 0 at the origin."""
    r = nonzero(np.hypot(a, b))
    return c / r / r


def real(x):
    """Return whether x is real. The root that a slope is of a real number is, of a complex one, on the wrong branch."""
    return x.dtype.kind != "c"


def share(a, b, y):
    """Return the part of `y` that comes from `a`: 1 where it was chosen, less 1/2 at a tie; else 0."""
    return (a == y) - HALF * (a == b)


# fmt: off
# --- arithmetic
defvjp(np.negative,   lambda g, _y, _x: -g)
defvjp(np.positive,   lambda g, _y, _x: g)
defvjp(np.add,        lambda g, _y, _a, _b: g,              lambda g, _y, _a, _b: g)
defvjp(np.subtract,   lambda g, _y, _a, _b: g,              lambda g, _y, _a, _b: -g)
defvjp(np.multiply,   lambda g, _y, _a, b: g * b,           lambda g, _y, a, _b: g * a)
defvjp(np.true_divide, lambda g, _y, _a, b: g / b,          lambda g, y, _a, b: -g * y / b)
defvjp(np.reciprocal, lambda g, y, _x: -g * y * y)
defvjp(np.square,     lambda g, _y, x: g * (2 * x))
defvjp(np.power,      power_a,                              power_b)
defvjp(np.float_power, power_a,                             power_b)
defvjp(np.remainder,  lambda g, _y, _a, _b: g,              lambda g, _y, a, b: -g * np.floor_divide(a, b))
defvjp(np.fmod,       lambda g, _y, _a, _b: g,              lambda g, y, a, b: -g * np.rint((a - y) / b))

# --- roots, exponentials, logarithms
defvjp(np.sqrt,       lambda g, y, _x: g / (2 * y))
defvjp(np.cbrt,       lambda g, y, _x: g / (3 * y * y))
defvjp(np.exp,        lambda g, y, _x: g * y)
defvjp(np.exp2,       lambda g, y, _x: g * (LN2 * y))
defvjp(np.expm1,      lambda g, y, _x: g * (y + 1))
defvjp(np.log,        lambda g, _y, x: g / x)
defvjp(np.log2,       lambda g, _y, x: g / (LN2 * x))
defvjp(np.log10,      lambda g, _y, x: g / (LN10 * x))
defvjp(np.log1p,      lambda g, _y, x: g / (x + 1))
defvjp(np.logaddexp,  lambda g, y, a, _b: g * np.exp(below(a, y)), lambda g, y, _a, b: g * np.exp(below(b, y)))
defvjp(np.logaddexp2, lambda g, y, a, _b: g * np.exp2(below(a, y)), lambda g, y, _a, b: g * np.exp2(below(b, y)))

# --- trigonometric and hyperbolic
defvjp(np.sin,        lambda g, _y, x: g * np.cos(x))
defvjp(np.cos,        lambda g, _y, x: -g * np.sin(x))
defvjp(np.tan,        lambda g, y, _x: g * (1 + y * y))
defvjp(np.arcsin,     lambda g, _y, x: g / (np.sqrt(1 - x * x) if real(x) else np.cos(np.arcsin(x))))
defvjp(np.arccos,     lambda g, _y, x: -g / (np.sqrt(1 - x * x) if real(x) else np.sin(np.arccos(x))))
defvjp(np.arctan,     lambda g, _y, x: g / (1 + x * x))
defvjp(np.sinh,       lambda g, _y, x: g * np.cosh(x))
defvjp(np.cosh,       lambda g, _y, x: g * np.sinh(x))
defvjp(np.tanh,       lambda g, y, _x: g * (1 - y * y))
defvjp(np.arcsinh,    lambda g, _y, x: g / (np.sqrt(x * x + 1) if real(x) else np.cosh(np.arcsinh(x))))
defvjp(np.arccosh,    lambda g, _y, x: g / (np.sqrt(x * x - 1) if real(x) else np.sinh(np.arccosh(x))))
defvjp(np.arctanh,    lambda g, _y, x: g / (1 - x * x))
defvjp(np.arctan2,    lambda g, _y, a, b: g * over_square(b, a, b), lambda g, _y, a, b: -g * over_square(a, a, b))
defvjp(np.hypot,      lambda g, y, a, _b: g * (a / nonzero(y)), lambda g, y, _a, b: g * (b / nonzero(y)))
defvjp(np.deg2rad,    lambda g, _y, _x: g * (math.pi / 180))
defvjp(np.radians,    lambda g, _y, _x: g * (math.pi / 180))
defvjp(np.rad2deg,    lambda g, _y, _x: g * (180 / math.pi))
defvjp(np.degrees,    lambda g, _y, _x: g * (180 / math.pi))

# --- parts of a number; what is whole is constant
defvjp(np.modf,       lambda g, _y, _x: g[0])
defvjp(np.frexp,      lambda g, y, _x: None if g[0] is None else np.ldexp(g[0], -y[1]))
defvjp(np.ldexp,      lambda g, _y, _a, b: np.ldexp(g, b), None)
defvjp(np.nextafter,  lambda g, _y, _a, _b: g,              None)

# --- complex numbers: for a real result, the cotangent of x + iy is d/dx - i d/dy
defvjp(np.conjugate,  lambda g, _y, _x: np.conjugate(g))
defvjp(np.real,       lambda g, _y, _val: g, view=True)
defvjp(np.imag,       lambda g, _y, _val: g * -1j, view=True)

# --- kinks and choices
defvjp(np.absolute,   absolute_vjp)
defvjp(np.heaviside,  None,                                 lambda g, _y, a, _b: g * (a == 0))
defvjp(np.fabs,       lambda g, _y, x: g * np.sign(x))
defvjp(np.copysign,   lambda g, y, a, _b: g * (np.sign(a) * np.sign(y)), None)
defvjp(np.maximum,    lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.minimum,    lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.fmax,       lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.fmin,       lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.where,      None, lambda g, _y, c, _a, _b: np.where(c, g, 0), lambda g, _y, c, _a, _b: np.where(c, 0, g),
       broadcasts=True, signature=lambda condition, x, y, /: None)
# fmt: on
