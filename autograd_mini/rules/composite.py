"""Functions that a few NumPy lines over primitives express: their derivatives follow by themselves.

Each has NumPy's own signature; a test holds them against it.
"""

import numbers

import numpy as np

from ..errors import DTypeError, UnsupportedArgumentError
from ..table import composite, name_of, refusal

__all__: list[str] = []


def refuse(function, **unhandled):
    """Refuse by name the arguments that were given and are not handled."""
    for name, value in unhandled.items():
        if value is not None:
            raise UnsupportedArgumentError(refusal(name_of(function), name))


def array(a):
    """Return what NumPy makes of an argument first: a number or a list becomes an array, with a dtype of its own."""
    if isinstance(a, (list, tuple)) and any(
        hasattr(x, "__call_primitive__") or isinstance(x, (list, tuple)) for x in a
    ):
        return np.stack([array(x) for x in a])  # some of them may be recorded
    a = a if hasattr(a, "__array_function__") and not isinstance(a, type) else np.asarray(a)
    if a.dtype.kind not in "fciub":
        raise DTypeError(
            f"A Tensor is combined with values of dtype {a.dtype}: only numbers have gradients. "
            "Convert them first: np.asarray(values, float)."
        )
    return a


def written(a):
    """Return `array` of a value that NumPy writes into an array of floats: any number of Python's can be."""
    if isinstance(a, numbers.Number) and np.asarray(a).dtype.kind == "O":  # beyond 64 bits, a Fraction, a Decimal
        return np.asarray(a, float)
    return array(a)


def cast_to(dtype, a):
    """Return what NumPy makes of a value that it writes into an array of this dtype."""
    if type(a) is int and not -(2**63) <= a < 2**64:
        return np.asarray(a, dtype)  # which raises where the dtype is an integer's
    a = written(a)
    return a if a.dtype == dtype else a.astype(dtype)


def default(value, meaning):
    """Return a keyword's value, or its meaning where it was left out: NumPy's own code passes on its np._NoValue."""
    return meaning if value is np._NoValue else value


def beside(x, *others):
    """Return `x`, as a Tensor if one of the others is one: the results of one call are of one kind."""
    for other in others:
        if hasattr(other, "dtype"):
            x = x - np.zeros_like(other, dtype=x.dtype, shape=())
    return x


# --- bounds

UFUNC_KEYWORDS = ("where", "dtype", "casting", "order", "subok", "signature", "sig")


@composite(np.clip)
def clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None, **kwargs):
    """The maximum with the lower bound, then the minimum with the upper one."""
    refuse(np.clip, out=out)
    if kwargs:
        refuse(np.clip, **{name: kwargs.pop(name, None) for name in UFUNC_KEYWORDS})
    if kwargs:
        raise TypeError(f"np.clip() got an unexpected keyword argument {next(iter(kwargs))!r}.")
    a_min, a_max, min, max = (default(bound, None) for bound in (a_min, a_max, min, max))
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("np.clip: give the bounds as a_min and a_max or as min= and max=, not as both")
    a = array(a)
    low, high = (a_min, a_max) if min is None and max is None else (min, max)
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


@composite(np.divmod)
def divmod_(a, b, /):
    """The quotient rounded down, and what remains."""
    return np.floor_divide(a, b), np.remainder(a, b)
