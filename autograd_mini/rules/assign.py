"""Assignment ``x[i] = v`` as a function: a new array, in which some places hold something else.

Of several values that are written to one place, the last stays, and it alone receives a cotangent.
"""

import operator

import numpy as np

from ..arrays import assigned, is_other
from ..table import TABLE, Composite, defvjp, primitive

__all__ = ["assign"]


@primitive
def assign(x, v, *index):
    """Return a copy of x in which ``x[index]`` is v."""
    if is_other(x) or is_other(v) or any(map(is_other, index)):
        return assigned(x, v, index)
    x = np.array(x, order="C")
    number = type(v) in (float, int, complex)  # as such NumPy says what does not fit: a NaN into integers, say
    x[index] = v if number else np.asarray(v, order="C")  # laid out alike: so `lasting` writes in the same order
    return x


def lasting(shape, index):
    """Return where a value that is written at the index stays: True unless a later one is written to its place."""
    if not any(isinstance(i, (list, np.ndarray)) and np.asarray(i).dtype.kind in "iu" for i in index):
        return True
    last = np.empty(shape, int)
    numbers = np.arange(last[index].size).reshape(last[index].shape)
    last[index] = numbers
    return last[index] == numbers


def assign_v(g, _y, _x, _v, *index):
    """What stands where v was written; leading axes of length 1 that v has beyond the place are put back."""
    if len(index) == 1 and getattr(index[0], "dtype", None) == np.bool_:
        mask = index[0]
        if 0 < mask.ndim <= g.ndim and (_v.size == 1 or _v.ndim <= g.ndim - mask.ndim):  # one value for many places
            return _beyond(np.where(np.reshape(mask, (*mask.shape, *[1] * (g.ndim - mask.ndim))), g, 0), _v)
    p, stays = g[index], lasting(_x.shape, index)
    p = p if stays is True else np.where(stays, p, 0)
    return _beyond(p, _v)


def _beyond(p, _v):
    return np.reshape(p, (*[1] * (_v.ndim - p.ndim), *p.shape)) if _v.ndim > p.ndim else p


defvjp(assign, lambda g, _y, _x, _v, *index: assign(g, 0, *index), assign_v, broadcasts=True)
TABLE[operator.setitem] = Composite(assign)  # by which Tensors find it
