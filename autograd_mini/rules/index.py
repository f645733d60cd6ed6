"""Indexing: what was taken out is put back where it came from, and added up where it was taken twice.

Functions that only move entries are written one way: NumPy's function is called on the entries' numbers, which says where
each of them goes, and then they are taken by index. Axes, modes, repeated indices and errors are therefore NumPy's own.
Conditions and indices have no derivative.
"""

import operator

import numpy as np

from ..arrays import NeedsValues, is_other, kind_name, scattered, taken
from ..errors import LostGradientError
from ..table import TABLE, composite, constant, defvjp, name_of, plain, primitive
from .composite import array, refuse

__all__ = ["scatter"]


_BASIC = frozenset({int, slice, type(None), type(Ellipsis)})


@primitive
def scatter(g, *index, shape):
    """Return zeros of `shape` with `g` added at `index`; the transpose of taking ``x[index]``."""
    if type(g) is not np.ndarray and is_other(g):
        return scattered(g, index, shape)
    x = np.zeros(shape, g.dtype)
    if _BASIC.issuperset(map(type, index)):
        x[index] = g
    elif all(i is None or i is Ellipsis or isinstance(i, (int, slice, np.integer)) for i in index):
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
    return taken(x, index)


defvjp(getitem, lambda g, _y, _x, *index: scatter(g, *index, shape=_x.shape), view=True)
defvjp(scatter, lambda g, _y, _g, *index, shape: taken(g, index) if is_other(g) else g[index])
TABLE[operator.getitem] = TABLE.pop(getitem)


# --- entries by their numbers


@primitive
def values(a):
    """Return the plain array: for indices, conditions, and to find out where entries are."""
    if is_other(a):
        raise NeedsValues(
            f"it looks at the values of an index or a condition, and these stand in a {kind_name(type(a))}. Pass "
            "them as a NumPy array."
        )
    return np.asarray(a)


@primitive
def constants(a, _beside):
    """Return an array as it is, as a Tensor if one stands beside it."""
    return a


plain([values])
constant([constants])


def alike(results, operands):
    """Return all results as Tensors if there is a Tensor among the operands."""
    tensor = next((x for x in operands if hasattr(x, "requires_grad")), None)
    return tuple(r if tensor is None or hasattr(r, "requires_grad") else constants(r, tensor) for r in results)


def plain_index(index):
    """Return an index as NumPy was given it, a Tensor as a plain array."""
    return values(index) if hasattr(index, "dtype") else index


def truth(condition):
    """Return a condition as a plain array of booleans."""
    return values(condition).astype(bool)


def normal(axis, ndim):
    """Return an axis counted from the front; NumPy's own error if there is none."""
    return np.lib.array_utils.normalize_axis_index(axis, ndim)


def numbers(*arrays):
    """Number the entries of several arrays through, from 0; return the numbers in the arrays' shapes."""
    start, found = 0, []
    for a in arrays:
        found.append(np.arange(start, start + a.size).reshape(a.shape))
        start += a.size
    return found


def entries(*arrays):
    """Return the entries of several arrays, in the order of `numbers`."""
    return np.ravel(arrays[0]) if len(arrays) == 1 else np.concatenate([np.ravel(a) for a in arrays])


def moved(function, *arrays):
    """Call `function`, which only moves entries, on their numbers; then take the entries."""
    operands = [array(a) for a in arrays]
    return entries(*operands)[function(*numbers(*operands))]


def moved_along(function, a, axis):
    """Call `function`, which only moves what lies along an axis (None: of the flat array), on the numbers of that."""
    a = array(a)
    if axis is None or a.ndim == 0:
        a, axis = np.ravel(a), 0 if axis is None else axis
    axis = normal(axis, a.ndim)
    return a[(*[slice(None)] * axis, function(np.arange(a.shape[axis])))]


def overwrite(function, call, a, source):
    """Do what ``call(a, source)`` does in place: on the numbers, then assign the entries to `a`."""
    if not hasattr(a, "requires_grad") and getattr(source, "requires_grad", False):
        raise LostGradientError(
            f"{name_of(function)} would write values into a plain array, and their gradient would be lost. "
            "Make the array a Tensor first, a = ag.Tensor(a), or build the result with np.where."
        )
    source = array(source)
    if not hasattr(a, "requires_grad"):
        call(a, values(source))
        return
    places, sources = numbers(a, source)
    call(places, sources)
    a[...] = entries(a, source if source.dtype == a.dtype else source.astype(a.dtype))[places]


# --- taking


@composite(np.take)
def take(a, indices, axis=None, out=None, mode="raise"):
    """Whole slices along an axis, or entries of the flat array."""
    refuse(np.take, out=out)
    if hasattr(indices, "requires_grad") and mode == "raise":  # computed, it may be: then no number is looked at
        a = np.ravel(array(a)) if axis is None else array(a)
        return a[(*[slice(None)] * normal(axis or 0, a.ndim), indices)]
    return moved_along(lambda n: np.take(n, plain_index(indices), mode=mode), a, axis)


@composite(np.take_along_axis)
def take_along_axis(arr, indices, axis=-1):
    """Along an axis, in each line its own entries."""
    if hasattr(indices, "requires_grad") and indices.dtype.kind in "iu" and arr.ndim == indices.ndim > 0:
        axis = None if axis is None else normal(axis, arr.ndim)
        if axis is not None:
            each = np.ix_(*[np.arange(n) for n in arr.shape])
            return arr[tuple(indices if i == axis else grid for i, grid in enumerate(each))]
    return moved(lambda n: np.take_along_axis(n, values(indices), axis), arr)


@composite(np.compress)
def compress(condition, a, axis=None, out=None):
    """What lies along an axis where the condition holds."""
    refuse(np.compress, out=out)
    return moved_along(lambda n: np.compress(truth(condition), n), a, axis)


@composite(np.extract)
def extract(condition, arr):
    """The entries where the condition holds."""
    return moved(lambda n: np.extract(truth(condition), n), arr)


def common(choices):
    """Return several arrays in the dtype that they have together; a Python number takes that of the others."""
    choices = [c if type(c) in (int, float, complex) else array(c) for c in choices]
    dtype = np.result_type(*choices)
    return [c if getattr(c, "dtype", None) == dtype else array(c).astype(dtype) for c in choices]


@composite(np.choose)
def choose(a, choices, out=None, mode="raise"):
    """From each place, the entry of the array that has the number given there."""
    refuse(np.choose, out=out)
    choices = common(choices)
    return moved(lambda *n: np.choose(values(a), n, mode=mode), *choices)


@composite(np.select)
def select(condlist, choicelist, default=0):
    """The first choice whose condition holds."""
    if len(condlist) != len(choicelist) or len(condlist) == 0:
        raise ValueError("np.select: give as many conditions as choices, and at least one")
    if any(array(c).dtype != bool for c in condlist):
        raise TypeError("np.select: conditions are arrays of booleans")
    *choices, y = common((*choicelist, default))
    for condition, choice in zip(reversed(condlist), reversed(choices), strict=True):
        y = np.where(condition, choice, y)
    return y


def chosen(condition, x):
    """Return which entries of x a condition takes: one of fewer axes takes whole rows, as ``x[condition]`` does."""
    found = np.zeros(x.shape, bool)
    found[condition] = True
    return found


@composite(np.piecewise)
def piecewise(x, condlist, funclist, *args, **kw):
    """On each part of the domain its own function or number; the last condition that holds decides."""
    x = array(x)
    if np.ndim(condlist) == 0 or (
        not isinstance(condlist[0], (list, np.ndarray)) and np.ndim(condlist[0]) == 0 < x.ndim
    ):
        condlist = [condlist]
    conditions = [chosen(truth(c), x) for c in condlist]
    if len(funclist) == len(conditions) + 1:  # one more: it holds elsewhere
        conditions.append(~np.any(conditions, axis=0))
    elif len(funclist) != len(conditions):
        raise ValueError(f"np.piecewise: {len(conditions)} conditions and {len(funclist)} functions do not fit")
    y = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        if not callable(function):
            value = function.astype(x.dtype) if hasattr(function, "dtype") else np.asarray(function, x.dtype)
            y = np.where(condition, value, y)
        elif condition.any():
            part = array(function(x[condition], *args, **kw)).astype(x.dtype)
            n = int(np.sum(condition))
            number = np.where(condition, np.reshape(np.cumsum(condition) - 1, x.shape), 0)
            y = np.where(condition, np.broadcast_to(part, n)[number], y)
    return y


# --- diagonals and triangles


@composite(np.diagonal, view=True)
def diagonal(a, offset=0, axis1=0, axis2=1):
    """Entries whose two indices differ by the offset."""
    return moved(lambda n: np.diagonal(n, offset, axis1, axis2), a)


@composite(np.trace)
def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    """The sum of the diagonal."""
    refuse(np.trace, out=out)
    return np.sum(np.diagonal(array(a), offset, axis1, axis2), -1, dtype=dtype)


@composite(np.diag)
def diag(v, k=0):
    """A matrix with this diagonal, or the diagonal of a matrix."""
    v = array(v)
    return np.diagonal(v, k) if v.ndim == 2 else moved(lambda _, n: np.diag(n, k), np.zeros(1, v.dtype), v)


@composite(np.diagflat)
def diagflat(v, k=0):
    """A matrix with all the entries on its diagonal."""
    return np.diag(np.ravel(array(v)), k)


def lower(m, k):
    """Return which entries of a matrix lie on the k-th diagonal or below it."""
    rows, *columns = m.shape[-2:]
    return np.tri(rows, columns[0] if columns else None, k, bool)


@composite(np.tril)
def tril(m, k=0):
    """Zeros above the diagonal."""
    m = array(m)
    return np.where(lower(m, k), m, np.zeros(1, m.dtype))


@composite(np.triu)
def triu(m, k=0):
    """Zeros below the diagonal."""
    m = array(m)
    return np.where(lower(m, k - 1), np.zeros(1, m.dtype), m)


# --- writing in place


@composite(np.put)
def put(a, ind, v, mode="raise"):
    """Write at places of the flat array; of several writes to one place the last stays."""
    overwrite(np.put, lambda n, s: np.put(n, plain_index(ind), s, mode), a, v)


@composite(np.put_along_axis)
def put_along_axis(arr, indices, values, axis=-1):
    """Write along an axis, in each line at its own places."""
    places = plain_values(indices)
    overwrite(np.put_along_axis, lambda n, s: np.put_along_axis(n, places, s, axis), arr, values)


def safely(function, a, source):
    """Refuse, as NumPy does, to write an array of a wider dtype."""
    if hasattr(source, "dtype") and not np.can_cast(source.dtype, a.dtype, "safe"):
        raise TypeError(f"{name_of(function)}: cannot cast safely from {source.dtype} to {a.dtype}")


@composite(np.place)
def place(arr, mask, vals):
    """Write one value after the other where the mask holds."""
    safely(np.place, arr, vals)
    overwrite(np.place, lambda n, s: np.place(n, truth(mask), s), arr, vals)


@composite(np.putmask)
def putmask(a, /, mask, values):
    """Write where the mask holds, in each place the value that has the place's number."""
    safely(np.putmask, a, values)
    overwrite(np.putmask, lambda n, s: np.putmask(n, truth(mask), s), a, values)


@composite(np.copyto)
def copyto(dst, src, casting="same_kind", where=True):
    """Write all of the source, broadcast, where the mask holds."""
    kinds = {bool: "biufc", int: "iufc", float: "fc", complex: "c"}.get(type(src))  # a Python number has no width
    fits = dst.dtype.kind in kinds if kinds else np.can_cast(array(src).dtype, dst.dtype, casting)
    if casting != "unsafe" and not fits:
        raise TypeError(f"np.copyto: cannot cast {type(src).__name__} to {dst.dtype} by the rule {casting!r}")
    overwrite(np.copyto, lambda n, s: np.copyto(n, s, casting="unsafe", where=truth(where)), dst, src)


@composite(np.fill_diagonal)
def fill_diagonal(a, val, wrap=False):
    """Write on the diagonal."""
    overwrite(np.fill_diagonal, lambda n, s: np.fill_diagonal(n, s, wrap), a, val)


plain_values = values  # where a parameter has that name
