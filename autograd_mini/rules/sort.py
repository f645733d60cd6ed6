"""Sorting and sets: entries are taken from where they were before, equal ones in the order in which they stood.

Of entries that are equal a set has the first, which alone receives the cotangent; an intersection has that of the first
array. Indices and counts are constant. ``sort``, ``partition`` and ``unique`` of complex numbers order them as NumPy does.
"""

import numpy as np

from ..table import composite, constant, in_memory
from .composite import array, refuse
from .index import alike, constants, values

__all__: list[str] = []


@in_memory
def order(a, axis=-1, kind=None, stable=None):
    """Return the indices that sort along an axis, equal entries in the order in which they stand."""
    return np.argsort(a, axis, kind=kind, stable=True if kind is None else stable)


@in_memory
def order_of_parts(a, kth, axis=-1, kind="introselect"):
    """Return the indices by which ``np.partition`` rearranges along an axis."""
    parts = np.partition(a, kth, axis, kind)
    axis = -1 if axis is None else axis
    a = np.reshape(a, parts.shape)
    found = np.empty(a.shape, np.intp)
    np.put_along_axis(found, np.argsort(parts, axis, stable=True), np.argsort(a, axis, stable=True), axis)
    return found


constant([order, order_of_parts])


@composite(np.sort)
def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    """Ascending along an axis."""
    refuse(np.sort, order=order)
    a = array(a)
    a, axis = (np.ravel(a), -1) if axis is None else (a, axis)
    return np.take_along_axis(a, order_(a, axis, kind, stable), axis)


order_ = order  # where a parameter has that name


@composite(np.partition)
def partition(a, kth, axis=-1, kind="introselect", order=None):
    """Smaller entries before the k-th, larger ones after it."""
    refuse(np.partition, order=order)
    a = array(a)
    a, axis = (np.ravel(a), -1) if axis is None else (a, axis)
    return np.take_along_axis(a, order_of_parts(a, values(kth), axis, kind), axis)


@composite(np.sort_complex)
def sort_complex(a):
    """Ascending along the last axis, as complex numbers."""
    a = np.sort(array(a))
    if a.dtype.kind == "c":
        return a
    return a.astype("F" if a.dtype.char in "bhBH" else "G" if a.dtype.char == "g" else "D")


# --- sets


def first_places(a, found):
    """Return where in a flat array the values `found` stand first."""
    plain = values(a)
    ascending = np.argsort(plain, stable=True)
    return ascending[np.searchsorted(plain, found, sorter=ascending)]


def distinct(a, axis=None, **keywords):
    """Return the distinct values, and what else ``np.unique`` was asked for."""
    result = np.unique(values(a), axis=axis, **keywords)
    found, *rest = result if isinstance(result, tuple) else (result,)
    if axis is None:
        a = np.ravel(a)
        found = a[first_places(a, found)]
    else:
        plain = {name: value for name, value in keywords.items() if name == "equal_nan"}
        found = np.take(a, np.unique(values(a), axis=axis, return_index=True, **plain)[1], axis)
    return found, *(constants(r, a) for r in rest)


@composite(np.unique)
def unique(
    ar, return_index=False, return_inverse=False, return_counts=False, axis=None, *, equal_nan=True, sorted=True
):
    """The distinct values in ascending order; where they stand, and how often, is constant."""
    newer = {} if sorted else {"sorted": sorted}
    found = distinct(
        array(ar), axis, return_index=return_index, return_inverse=return_inverse, return_counts=return_counts,
        equal_nan=equal_nan, **newer
    )  # fmt: skip
    return found if len(found) > 1 else found[0]


def named(function):
    """Return what `function` of NumPy does; of its named result, the values are differentiable."""

    def implementation(x):
        x = array(x)
        flat = np.ravel(x)
        result = function(values(x))
        if not hasattr(result, "_fields"):
            return flat[first_places(flat, result)]
        parts = {name: constants(part, x) for name, part in zip(result._fields, result, strict=True)}
        return result._replace(**parts | {"values": flat[first_places(flat, result.values)]})

    return implementation


for function in (np.unique_all, np.unique_counts, np.unique_inverse, np.unique_values):
    composite(function)(named(function))


@composite(np.union1d)
def union1d(ar1, ar2):
    """The distinct values of both arrays."""
    return np.unique(np.concatenate((array(ar1), array(ar2)), None))


@composite(np.intersect1d)
def intersect1d(ar1, ar2, assume_unique=False, return_indices=False):
    """The values that both arrays have, those of the first."""
    ar1, ar2 = np.ravel(array(ar1)), np.ravel(array(ar2))
    _, one, two = np.intersect1d(values(ar1), values(ar2), assume_unique, return_indices=True)
    common = np.concatenate((ar1, ar2))[one]
    return (common, constants(one, common), constants(two, common)) if return_indices else common


@composite(np.setdiff1d)
def setdiff1d(ar1, ar2, assume_unique=False):
    """The values of the first array that the second has not."""
    ar1, ar2 = array(ar1), array(ar2)
    rest = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return alike([rest[np.isin(values(rest), values(ar2), invert=True)]], (ar1, ar2))[0]


@composite(np.setxor1d)
def setxor1d(ar1, ar2, assume_unique=False):
    """The values that one of the arrays has, and not both."""
    ar1, ar2 = array(ar1), array(ar2)
    if not assume_unique:
        ar1, ar2 = np.unique(ar1), np.unique(ar2)
    both = np.concatenate((ar1, ar2), None)
    return both[first_places(both, np.setxor1d(values(ar1), values(ar2), assume_unique))]
