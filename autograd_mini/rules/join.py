"""Joining, cutting, repeating and padding.

What is repeated gets back the sum of its copies. ``np.pad`` with mode "empty" is refused (its values are undefined), and
so is a function as mode, which works in place.
"""

import operator

import numpy as np

from ..errors import ShapeError, UnsupportedArgumentError
from ..table import composite
from .composite import array, cast_to, written
from .index import moved, moved_along, normal, plain_index, values

__all__: list[str] = []


# --- cutting


@composite(np.split)
def split(ary, indices_or_sections, axis=0):
    """Cut along an axis, into equal parts or at the given places."""
    n = ary.shape[axis]
    try:
        len(indices_or_sections)
    except TypeError:  # a number of parts
        parts = indices_or_sections
        if n % parts:
            raise ShapeError(
                f"np.split: {n} entries along axis {axis} cannot be split into {parts} equal parts. "
                "Use np.array_split for parts that differ by 1."
            ) from None
    return np.array_split(ary, indices_or_sections, axis)


@composite(np.array_split)
def array_split(ary, indices_or_sections, axis=0):
    """Cut along an axis, at the given places or into a number of parts of which the first may be longer by 1."""
    ary = array(ary)
    n = ary.shape[axis]
    try:
        stops = list(indices_or_sections)
    except TypeError:  # a number of parts
        parts = int(indices_or_sections)
        if parts <= 0:
            raise ValueError("np.array_split: the number of parts must be larger than 0") from None
        size, longer = divmod(n, parts)
        stops = [size * i + min(i, longer) for i in range(1, parts)]
    edge = (slice(None),) * (axis % ary.ndim)
    return [ary[(*edge, slice(a, b))] for a, b in zip([0, *stops], [*stops, n], strict=True)]


def at_least(name, a, ndim):
    """Return the number of axes; refuse an array that has too few."""
    n = np.ndim(a)
    if n < ndim:
        raise ValueError(f"{name} needs an array of at least {ndim} axes; it has {n}")
    return n


@composite(np.hsplit)
def hsplit(ary, indices_or_sections):
    """Cut along the second axis, or the only one."""
    return np.split(ary, indices_or_sections, 1 if at_least("np.hsplit", ary, 1) > 1 else 0)


@composite(np.vsplit)
def vsplit(ary, indices_or_sections):
    """Cut along the first axis."""
    at_least("np.vsplit", ary, 2)
    return np.split(ary, indices_or_sections, 0)


@composite(np.dsplit)
def dsplit(ary, indices_or_sections):
    """Cut along the third axis."""
    at_least("np.dsplit", ary, 3)
    return np.split(ary, indices_or_sections, 2)


if hasattr(np, "unstack"):

    @composite(np.unstack)
    def unstack(x, /, *, axis=0):
        """The layers along an axis."""
        at_least("np.unstack", x, 1)
        return tuple(np.moveaxis(x, axis, 0))


# --- joining


def several(tup):
    """Return the arrays to be joined."""
    return [array(a) for a in tup]


@composite(np.hstack)
def hstack(tup, *, dtype=None, casting="same_kind"):
    """Join along the second axis, vectors along their only one."""
    arrays = [np.atleast_1d(a) for a in several(tup)]
    return np.concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@composite(np.vstack)
def vstack(tup, *, dtype=None, casting="same_kind"):
    """Join along the first axis; a vector is a row."""
    return np.concatenate([np.atleast_2d(a) for a in several(tup)], 0, dtype=dtype, casting=casting)


@composite(np.dstack)
def dstack(tup):
    """Join along the third axis."""
    return np.concatenate([np.atleast_3d(a) for a in several(tup)], 2)


@composite(np.column_stack)
def column_stack(tup):
    """Join along the second axis; a vector is a column."""
    return np.concatenate([a if a.ndim > 1 else np.reshape(a, (-1, 1)) for a in several(tup)], 1)


@composite(np.append)
def append(arr, values, axis=None):
    """Join two arrays, by default flat."""
    return np.concatenate((array(arr), array(values)), axis)


@composite(np.block)
def block(arrays):
    """Join the innermost lists along the last axis, those around them along the one before, and so on."""
    depth, ndim = nesting(arrays)
    ndim = max(depth, ndim)

    def join(part, axis):
        if isinstance(part, list):
            return np.concatenate([join(p, axis + 1) for p in part], axis)
        part = array(part)
        return np.reshape(part, (*[1] * (ndim - part.ndim), *part.shape))

    return join(arrays, -depth) if depth else np.copy(array(arrays))


def nesting(part):
    """Return how deep the lists are, which must be the same everywhere, and how many axes the arrays have."""
    if isinstance(part, tuple):
        raise TypeError("np.block takes lists of lists of arrays, not tuples")
    if not isinstance(part, list):
        return 0, np.ndim(part)
    if not part:
        raise ValueError("np.block: a list is empty")
    depths, ndims = zip(*map(nesting, part), strict=True)
    if len(set(depths)) > 1:
        raise ValueError(f"np.block: lists are nested {depths} deep, and must all be equally so")
    return depths[0] + 1, max(ndims)


# --- leaving out, putting between, repeating


@composite(np.delete)
def delete(arr, obj, axis=None):
    """All but what lies at some places along an axis."""
    return moved_along(lambda n: np.delete(n, plain_index(obj)), arr, axis)


@composite(np.insert)
def insert(arr, obj, values, axis=None):
    """What is given, before some places along an axis."""
    arr, given = array(arr), values
    values = written(given)
    if values.dtype.kind == "c" and arr.dtype.kind != "c":
        raise TypeError(f"np.insert: complex values do not fit into an array of {arr.dtype}.")
    values = cast_to(arr.dtype, given)
    return moved(lambda n, m: np.insert(n, plain_index(obj), m, axis), arr, values)


@composite(np.resize)
def resize(a, new_shape):
    """The entries again and again until the shape is full; of nothing, zeros."""
    a = array(a)
    return moved(lambda n: np.resize(n, new_shape), a if a.size else np.zeros_like(a, shape=1))


@composite(np.trim_zeros)
def trim_zeros(filt, trim="fb", axis=None):
    """What is left without the zeros before and after."""
    a = array(filt)
    places, trim = np.argwhere(values(a)), trim.lower()
    if trim not in ("fb", "bf", "f", "b"):
        raise ValueError(f"np.trim_zeros: trim is 'f', 'b' or 'fb', not {trim!r}")
    axes = range(a.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, a.ndim)
    cut = [slice(None)] * a.ndim
    for i in axes:
        if not len(places):
            cut[i] = slice(0, 0)
        else:
            first, last = int(places[:, i].min()), int(places[:, i].max()) + 1
            cut[i] = slice(first if "f" in trim else None, last if "b" in trim else None)
    return a[tuple(cut)]


@composite(np.repeat)
def repeat(a, repeats, axis=None):
    """Each slice along an axis several times, one after the other."""
    a = array(a)
    if np.ndim(repeats) > 0:
        return moved_along(lambda n: np.repeat(n, values(repeats)), a, axis)
    a, axis = (np.ravel(a), 0) if axis is None or a.ndim == 0 else (a, normal(axis, a.ndim))
    n = len(np.repeat(np.zeros(1), values(repeats)))
    before, after = a.shape[: axis + 1], a.shape[axis + 1 :]
    copies = np.broadcast_to(np.expand_dims(a, axis + 1), (*before, n, *after))
    return np.reshape(copies, (*before[:-1], before[-1] * n, *after))


@composite(np.tile)
def tile(A, reps):
    """The whole array several times along each axis."""
    a = array(A)
    reps = tuple(operator.index(n) for n in (values(reps).ravel() if np.ndim(reps) else [reps]))
    reps = (*[1] * (a.ndim - len(reps)), *reps)
    shape = (*[1] * (len(reps) - a.ndim), *a.shape)
    apart = np.reshape(a, [n for size in shape for n in (1, size)])
    copies = np.broadcast_to(apart, [n for pair in zip(reps, shape, strict=True) for n in pair])
    return np.copy(np.reshape(copies, [n * size for n, size in zip(reps, shape, strict=True)]))


@composite(np.lib.stride_tricks.sliding_window_view, view=True)
def sliding_window_view(x, window_shape, axis=None, *, subok=False, writeable=False):
    """Every window onto the array; a copy, not a view."""
    if writeable:
        raise UnsupportedArgumentError(
            "np.lib.stride_tricks.sliding_window_view has no derivative rule for writeable=True: the windows of a "
            "Tensor do not share its memory. Leave it out, and write to the Tensor itself: t[i] = v."
        )
    return moved(lambda n: np.lib.stride_tricks.sliding_window_view(n, window_shape, axis), x)


# --- padding


MOVES = ("edge", "reflect", "symmetric", "wrap")
STATISTICS = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}
OPTIONS = {
    "constant": "constant_values",
    "linear_ramp": "end_values",
    "reflect": "reflect_type",
    "symmetric": "reflect_type",
}
OPTIONS |= dict.fromkeys(STATISTICS, "stat_length")


@composite(np.pad)
def pad(array, pad_width, mode="constant", **kwargs):
    """Add to both ends of each axis, one axis after the other."""
    if callable(mode) or mode == "empty":
        raise UnsupportedArgumentError(
            f"np.pad has no derivative rule for mode={getattr(mode, '__name__', mode)!r}: a function works in place, and "
            "what 'empty' adds is undefined. Join the parts: np.concatenate([before, t, after])."
        )
    if mode not in (*OPTIONS, *MOVES):
        raise ValueError(f"np.pad: there is no mode {mode!r}")
    if set(kwargs) - {OPTIONS.get(mode)}:
        raise ValueError(f"np.pad: mode {mode!r} does not take {', '.join(kwargs)}")
    a = as_array(array)
    option = next(iter(kwargs.values()), None)
    if mode == "constant":
        fill = cast_to(a.dtype, 0 if option is None else option)
        return moved(lambda n, m: np.pad(n, pad_width, constant_values=m), a, fill)
    if a.size == 0 or (mode in MOVES and option in (None, "even")):
        return moved(lambda n: np.pad(n, pad_width, "edge" if a.size == 0 else mode), a)
    widths = pairs(widths_of(pad_width, a.ndim), a.ndim)
    options = [None] * a.ndim if mode in MOVES else pairs(0 if option is None else option, a.ndim)
    if mode in STATISTICS and option is None:
        options = [(None, None)] * a.ndim
    for axis, (before, after) in enumerate(widths):
        before, after = int(before), int(after)
        if mode in MOVES:
            a = odd_reflection(a, axis, before, after, mode == "symmetric")
        elif mode == "linear_ramp":
            a = ramps(a, axis, before, after, options[axis])
        else:
            a = levels(a, axis, before, after, STATISTICS[mode], options[axis])
    return a


as_array = array  # where a parameter has that name


def widths_of(pad_width, ndim):
    """Return the widths as an array of integers; a dict names axes."""
    if isinstance(pad_width, dict):
        widths = np.zeros((ndim, 2), int)
        for axis, width in pad_width.items():
            widths[axis] = width
        return widths
    widths = values(pad_width)
    if widths.dtype.kind not in "iu":
        raise TypeError("np.pad: widths are integers")
    if widths.size and widths.min() < 0:
        raise ValueError("np.pad: a width is negative")
    return widths


def pairs(x, ndim):
    """Return a pair for each axis, from one number, one pair, or what broadcasts to that."""
    x = array(x)
    if x.size == 1 or (x.size == 2 and x.shape != (2, 1)):
        x = np.ravel(x)
    return np.broadcast_to(x, (ndim, 2))


def piece(a, axis, *cut):
    """Return a slice along an axis."""
    return a[(*[slice(None)] * axis, slice(*cut))]


def ramps(a, axis, before, after, ends):
    """Go in equal steps from the end values to the edges."""
    n = a.shape[axis]
    first, last = np.take(a, 0, axis), np.take(a, n - 1, axis)
    left = np.linspace(ends[0], first, before, endpoint=False, dtype=a.dtype, axis=axis)
    right = np.linspace(ends[1], last, after, endpoint=False, dtype=a.dtype, axis=axis)
    return np.concatenate([left, a, np.flip(right, axis)], axis)


def levels(a, axis, before, after, statistic, lengths):
    """Continue with a statistic of so many entries at the edge."""
    n = a.shape[axis]
    left, right = (n if m is None else min(int(m), n) for m in lengths)
    if (left == 0 or right == 0) and statistic in (np.max, np.min):
        raise ValueError("np.pad: a stat_length of 0 yields no value")
    parts = [piece(a, axis, 0, left), piece(a, axis, n - right, n)]
    parts = [statistic(part, axis=axis, keepdims=True) for part in parts]
    if a.dtype.kind in "iu":
        parts = [np.round(part) for part in parts]
    parts = [part if part.dtype == a.dtype else part.astype(a.dtype) for part in parts]
    return np.concatenate([np.repeat(parts[0], before, axis), a, np.repeat(parts[1], after, axis)], axis)


def odd_reflection(a, axis, before, after, symmetric):
    """Continue point-symmetrically about the edges, again and again if the array is short."""
    n = a.shape[axis]
    if n == 1:
        return np.concatenate([np.repeat(a, before, axis), a, np.repeat(a, after, axis)], axis)
    period, skip = (n, 0) if symmetric else (n - 1, 1)  # whether the edge itself is reflected too
    while before or after:
        size = a.shape[axis]
        longest = (size - skip) // period * period
        left, right = min(before, longest), min(after, longest)
        start = 2 * piece(a, axis, 0, 1) - np.flip(piece(a, axis, skip, skip + left), axis)
        end = 2 * piece(a, axis, size - 1, size) - np.flip(piece(a, axis, size - skip - right, size - skip), axis)
        start, end = (x if x.dtype == a.dtype else x.astype(a.dtype) for x in (start, end))  # of booleans, integers
        a = np.concatenate([start, a, end], axis)
        before, after = before - left, after - right
    return a
