"""``np.lib.scimath``: where a real function has no real value, its complex extension is taken for the whole array."""

import numpy as np

from ..table import composite
from .composite import array

__all__: list[str] = []

scimath = np.lib.scimath


def extended(x, outside):
    """Return x as complex numbers if the condition holds anywhere; x itself if not."""
    x = array(x)
    if x.dtype.kind == "c" or not np.any(np.asarray(outside(x))):
        return x
    return x.astype(np.complex64 if x.dtype in (np.float32, np.int16, np.int8, np.uint8, np.uint16) else complex)


def negative(x):
    """Where roots and logarithms leave the real line."""
    return x < 0


def large(x):
    """Where arcsin, arccos and arctanh leave it."""
    return np.abs(x) > 1


@composite(scimath.sqrt)
def sqrt(x):
    """The root; imaginary of a negative number."""
    return np.sqrt(extended(x, negative))


@composite(scimath.log)
def log(x):
    """The principal value of the logarithm."""
    return np.log(extended(x, negative))


@composite(scimath.log2)
def log2(x):
    """The principal value to base 2."""
    return np.log2(extended(x, negative))


@composite(scimath.log10)
def log10(x):
    """The principal value to base 10."""
    return np.log10(extended(x, negative))


@composite(scimath.logn)
def logn(n, x):
    """The principal value to base n."""
    return log(x) / log(n)


@composite(scimath.power)
def power(x, p):
    """Powers of negative bases; of integers to negative exponents too."""
    p = array(p)
    p = p.astype(float) if p.dtype.kind in "iu" and np.any(np.asarray(p < 0)) else p
    return np.power(extended(x, negative), p)


@composite(scimath.arccos)
def arccos(x):
    """The principal value outside of [-1, 1] too."""
    return np.arccos(extended(x, large))


@composite(scimath.arcsin)
def arcsin(x):
    """The principal value outside of [-1, 1] too."""
    return np.arcsin(extended(x, large))


@composite(scimath.arctanh)
def arctanh(x):
    """The principal value outside of [-1, 1] too."""
    return np.arctanh(extended(x, large))
