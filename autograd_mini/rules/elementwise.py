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
``sqrt, cbrt``         ``sqrt'(0) = inf``
``log``                ``log'(0) = inf``
``power``              ``d(a**0)/da = 0`` even at 0; ``d(0**b)/db = 0``
``hypot``              ``hypot'(0, 0) = (0, 0)``
``arctan2``            ``arctan2'(0, 0) = (0, 0)``
``remainder, fmod``    the jumps count as if they were not there
=====================  ==========================================================================
"""

import math

import numpy as np

from ..table import defvjp

__all__: list[str] = []

LN2, LN10 = math.log(2), math.log(10)


def positive(x):
    """Return x where it is nonzero, else 1: a divisor that is harmless where the quotient is not used."""
    return np.where(x == 0, 1, x)


def power_a(g, _y, a, b):
    """``b a**(b-1)``; the exponent 0 makes a constant, also at a = 0."""
    if isinstance(b, (int, float)):
        return g * 0 if b == 0 else g if b == 1 else g * (2 * a) if b == 2 else g * (b * a ** (b - 1))
    return g * (b * a ** np.where(b == 0, 1, b - 1))


def power_b(g, y, a, _b):
    """``a**b log a``; 0 where the base is 0."""
    return g * (y * np.log(positive(a)))


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
defvjp(np.remainder,  lambda g, _y, _a, _b: g,              lambda g, _y, a, b: -g * np.floor(a / b))
defvjp(np.fmod,       lambda g, _y, _a, _b: g,              lambda g, _y, a, b: -g * np.trunc(a / b))

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
defvjp(np.logaddexp,  lambda g, y, a, _b: g * np.exp(a - y), lambda g, y, _a, b: g * np.exp(b - y))
defvjp(np.logaddexp2, lambda g, y, a, _b: g * np.exp2(a - y), lambda g, y, _a, b: g * np.exp2(b - y))

# --- trigonometric and hyperbolic
defvjp(np.sin,        lambda g, _y, x: g * np.cos(x))
defvjp(np.cos,        lambda g, _y, x: -g * np.sin(x))
defvjp(np.tan,        lambda g, y, _x: g * (1 + y * y))
defvjp(np.arcsin,     lambda g, _y, x: g / np.sqrt(1 - x * x))
defvjp(np.arccos,     lambda g, _y, x: -g / np.sqrt(1 - x * x))
defvjp(np.arctan,     lambda g, _y, x: g / (1 + x * x))
defvjp(np.sinh,       lambda g, _y, x: g * np.cosh(x))
defvjp(np.cosh,       lambda g, _y, x: g * np.sinh(x))
defvjp(np.tanh,       lambda g, y, _x: g * (1 - y * y))
defvjp(np.arcsinh,    lambda g, _y, x: g / np.sqrt(x * x + 1))
defvjp(np.arccosh,    lambda g, _y, x: g / np.sqrt(x * x - 1))
defvjp(np.arctanh,    lambda g, _y, x: g / (1 - x * x))
defvjp(np.arctan2,    lambda g, _y, a, b: g * (b / positive(a * a + b * b)),
                      lambda g, _y, a, b: -g * (a / positive(a * a + b * b)))
defvjp(np.hypot,      lambda g, y, a, _b: g * (a / positive(y)), lambda g, y, _a, b: g * (b / positive(y)))
defvjp(np.deg2rad,    lambda g, _y, _x: g * (math.pi / 180))
defvjp(np.radians,    lambda g, _y, _x: g * (math.pi / 180))
defvjp(np.rad2deg,    lambda g, _y, _x: g * (180 / math.pi))
defvjp(np.degrees,    lambda g, _y, _x: g * (180 / math.pi))

# --- kinks and choices
defvjp(np.absolute,   lambda g, _y, x: g * np.sign(x))
defvjp(np.fabs,       lambda g, _y, x: g * np.sign(x))
defvjp(np.copysign,   lambda g, _y, a, b: g * (np.sign(a) * np.copysign(1, b)), None)
defvjp(np.maximum,    lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.minimum,    lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.fmax,       lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.fmin,       lambda g, y, a, b: g * share(a, b, y), lambda g, y, a, b: g * share(b, a, y))
defvjp(np.where,      None, lambda g, _y, c, _a, _b: np.where(c, g, 0), lambda g, _y, c, _a, _b: np.where(c, 0, g),
       broadcasts=True, signature=lambda c, a, b, /: None)
# fmt: on


def share(a, b, y):
    """Return the part of `y` that comes from `a`: 1 where it was chosen, 1/2 at a tie, 0 elsewhere."""
    return (a == y) * (1 - 0.5 * (a == b))
