"""Indexing: what was taken out is put back where it came from, and added up where it was taken twice."""

import operator

import numpy as np

from ..table import TABLE, defvjp, primitive

__all__ = ["scatter"]


@primitive
def scatter(g, *index, shape):
    """Return zeros of `shape` with `g` added at `index`; the transpose of taking ``x[index]``."""
    x = np.zeros(shape, g.dtype)
    if all(i is None or i is Ellipsis or isinstance(i, (int, slice, np.integer)) for i in index):
        x[index] = g
    elif all(i is None or i is Ellipsis or isinstance(i, slice) or _is_mask(i) for i in index):
        x[index] = g
    else:
        np.add.at(x, index, g)  # the same place may be taken several times
    return x


def _is_mask(i):
    return getattr(i, "dtype", None) == np.bool_


@primitive
def getitem(x, *index):
    """Return ``x[index]``."""
    return x[index]


defvjp(getitem, lambda g, _y, _x, *index: scatter(g, *index, shape=_x.shape), view=True)
defvjp(scatter, lambda g, _y, _g, *index, shape: g[index])
TABLE[operator.getitem] = TABLE.pop(getitem)
