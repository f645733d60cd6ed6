"""Arrays of other kinds than NumPy's: a Tensor may hold any that speaks NEP 13 and NEP 18, and must give it back.

A kind that lacks a function may answer with a NumPy array: it has then fetched all its data into memory, from a cluster
or from a GPU, without a word. So what is computed of arrays of one kind has to be of that kind, or is refused by name.
No derivative is written for any particular kind; what is said here of Dask is the words of its warning, and advice.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .errors import DTypeError, ShapeError, UnsupportedArgumentError

__all__ = [
    "ORDINARY",
    "NeedsValues",
    "asked",
    "assigned",
    "in_kind",
    "is_other",
    "kind_name",
    "other_kind",
    "plain_only",
    "refuse_shape",
    "scattered",
    "subclass_refused",
    "taken",
]

ORDINARY = frozenset({np.ndarray, float, int, bool, complex, str, type(None), slice, type(Ellipsis), np.float64, type})
FETCHING = "by computing, so that it is fetched into memory whole"
WAY_OUT = (
    "Rewrite it with functions that it has (docs/dask.md lists Dask's); or compute first, if it fits into memory "
    "(t.data.compute(), .get() or np.asarray(t.data), and a new Tensor)."
)

_lock = threading.RLock()  # catch_warnings changes what all threads share


class NeedsValues(UnsupportedArgumentError):
    """A composite has to look at the values of an array that may be lazy."""

    def named(self, name: str) -> UnsupportedArgumentError:
        """Return the error with the name of the function that was called."""
        return UnsupportedArgumentError(f"{name}: {self}")


def _reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    if order != "C" or copy is not None:
        raise NotImplementedError(f"reshape() takes order='C' only, not {order!r}, and no copy=")
    return a.reshape(shape) if 0 not in a.shape else np.zeros_like(a, shape=np.empty(a.shape).reshape(shape).shape)


def _size(a: Any, axis: Any = None) -> Any:
    lengths = np.asarray(a.shape, int)
    return math.prod(a.shape if axis is None else np.atleast_1d(lengths[np.asarray(axis)]).tolist())


# What arrays of every kind have as methods, though not always under NumPy's name.
METHODS: dict[Any, Callable[..., Any]] = {
    np.astype: lambda x, dtype, /, *, copy=True: x.astype(dtype, copy=copy),
    np.copy: lambda a, order="K": a.copy(),
    np.size: _size,
    np.reshape: _reshape,
    np.ravel: lambda a, order="C": _reshape(a, -1, order),
}


SIGNS = "its factors are not NumPy's, in signs or in shape"
ORDER = "its derivative looks at where values stand"

# What other kinds may have under NumPy's name, and do otherwise.
OTHERWISE: dict[Any, str] = {
    np.linalg.qr: SIGNS,
    np.linalg.svd: SIGNS,
    np.linalg.lstsq: SIGNS,
    **dict.fromkeys((np.median, np.quantile, np.percentile), ORDER),
    **dict.fromkeys((np.nanmedian, np.nanquantile, np.nanpercentile), ORDER),
}


def is_other(value: Any) -> bool:
    """Return whether a value is an array of another kind than NumPy's; a Tensor is not one."""
    kind = type(value)
    return (
        kind not in ORDINARY
        and hasattr(kind, "__array_function__")
        and not issubclass(kind, (np.ndarray, np.generic))
        and not hasattr(kind, "__call_primitive__")
    )


def other_kind(values: Iterable[Any], name: str = "") -> type | None:
    """Return the kind of the first array that is not NumPy's among some arguments; look into lists and tuples.

    Raises
    ------
    DTypeError
        If a subclass of NumPy's array is among them, such as a masked array or a matrix.
    """
    found = None
    for value in values:
        kind = type(value)
        if kind in ORDINARY:
            continue
        if kind is list or kind is tuple:
            inner = other_kind(value, name)
            found = found or inner
            continue
        if name:
            plain_only(value, f"{name} of a Tensor and a {{}}")
        if found is None and is_other(value):
            found = kind
    return found


def plain_only(value: Any, what: str) -> None:
    """Refuse a subclass of NumPy's array, such as a masked one, and an array in chunks of such; `what` has a {}."""
    inner = value if isinstance(value, np.ndarray) else getattr(value, "_meta", None)  # of which the chunks are like
    if isinstance(inner, np.ndarray) and type(inner) not in (np.ndarray, np.memmap):
        kind = type(inner).__name__
        raise subclass_refused(what.format(kind if inner is value else f"{kind_name(type(value))} of {kind} chunks"))


def subclass_refused(what: str) -> DTypeError:
    """Return the error of a subclass of NumPy's array."""
    return DTypeError(
        f"{what}: such arrays behave in ways of their own, which no rule knows. "
        "Pass a plain array: np.asarray(a), or a.filled(value) for a masked one (da.ma.filled(a, value) in Dask)."
    )


def kind_name(kind: type) -> str:
    """Return how a message calls a kind of arrays: ``dask.array.Array``."""
    module = kind.__module__.removesuffix(".core")
    return f"{module.lstrip('_')}.{kind.__qualname__}"


def asked(
    function: Callable[..., Any],
    args: Iterable[Any],
    kwargs: dict[str, Any],
    kind: type,
    name: str,
    anything: bool = False,
) -> Any:
    """Call a function on arguments among which an array of another kind is; refuse what is not of that kind.

    With `anything`, only a fall-back that is announced is refused: the answer is metadata.

    Raises
    ------
    UnsupportedArgumentError
        If the kind lacks the function or one of its arguments, or answers in NumPy arrays.
    """
    function, name = METHODS.get(function, function), {"assign": "t[i] = v"}.get(name, name)
    if function in OTHERWISE:
        raise UnsupportedArgumentError(f"{name} of a {kind_name(kind)}: {OTHERWISE[function]}. {WAY_OUT}")
    # What means "left out" to NumPy itself is unknown to others, and so is a mask that leaves nothing out.
    kwargs = {k: v for k, v in kwargs.items() if v is not np._NoValue and not (k == "where" and v is True)}
    with _lock, warnings.catch_warnings():
        # What announces a fall-back is stopped here, before anything is fetched.
        warnings.filterwarnings("error", "The `.*` function is not implemented", FutureWarning)
        try:
            result = function(*args, **kwargs)
        except FutureWarning as warning:
            raise _fall_back(name, kind) from warning
        except UnsupportedArgumentError:
            raise
        except (TypeError, NotImplementedError, AttributeError) as error:
            raise UnsupportedArgumentError(f"{name} of a {kind_name(kind)}: {_first_line(error)}. {WAY_OUT}") from error
    return result if anything else in_kind(result, kind, name)


def in_kind(result: Any, kind: type, name: str) -> Any:
    """Return a result; refuse it if an array in it is NumPy's, where one of another kind was asked for."""
    if isinstance(result, (list, tuple)):
        for part in result:
            in_kind(part, kind, name)
    elif isinstance(result, (np.ndarray, np.generic)):
        raise _fall_back(name, kind)
    return result


def _fall_back(name: str, kind: type) -> UnsupportedArgumentError:
    return UnsupportedArgumentError(
        f"{name} is not implemented for a {kind_name(kind)}: the answer would be a NumPy array, got {FETCHING}. "
        f"{WAY_OUT}"
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".: ")


def refuse_shape(data: Any, name: str) -> None:
    """Refuse an array of unknown lengths, such as a lazy one behind a mask: no rule can tell where entries go."""
    if any(n != n for n in data.shape):
        raise ShapeError(
            f"{name}: the shape {data.shape} is unknown until it is computed, and rules need shapes. Select with "
            "np.where(mask, t, 0) instead of t[mask]; or find out the lengths first (a.compute_chunk_sizes() in Dask)."
        )


# --- indexing, where a kind may know less of it than NumPy does, or something else ----------------------------------


def _items(index: tuple[Any, ...], ndim: int) -> list[Any]:
    """Return an index with one entry per axis (and its new axes), or raise where kinds differ from NumPy."""
    items = list(index)
    for i in items:
        if isinstance(i, (bool, np.bool_)) or (_is_mask(i) and i.ndim == 0):
            raise NotImplementedError("True or False as an index")
    used = sum(_axes(i) for i in items)
    if used > ndim:
        raise IndexError(f"Too many indices: {ndim} axes, and {used} were indexed.")
    at = next((k for k, i in enumerate(items) if i is Ellipsis), len(items))
    items[at : at + 1] = [slice(None)] * (ndim - used)
    return items


def _axes(i: Any) -> int:
    if i is None or i is Ellipsis:
        return 0
    return i.ndim if _is_mask(i) else 1


def _is_mask(i: Any) -> bool:
    return getattr(i, "dtype", None) == np.bool_


def _integers(items: list[Any]) -> list[Any]:
    """Return an index with its masks of NumPy's as integers; lists as arrays."""
    found: list[Any] = []
    for i in items:
        i = np.asarray(i, None if i else int) if isinstance(i, list) else i
        if isinstance(i, np.ndarray) and _is_mask(i):
            found += np.nonzero(i)
        else:
            found.append(int(i) if isinstance(i, np.ndarray) and i.ndim == 0 else i)
    return found


def _flat(items: list[Any], shape: tuple[int, ...]) -> Any:
    """Return the place in the flat array of each entry that arrays of integers pick, one array or number per axis."""
    for i, n in zip(items, shape, strict=True):
        if np.any(np.asarray(i) < -n) or np.any(np.asarray(i) >= n):
            raise IndexError(f"An index is out of bounds for an axis of length {n}.")
    places = np.broadcast_arrays(*[np.asarray(i) % n for i, n in zip(items, shape, strict=True)])
    return np.ravel_multi_index(places, shape)


def taken(x: Any, index: tuple[Any, ...]) -> Any:
    """Return ``x[index]`` as NumPy gives it, of an array of any kind; raise where its kind might differ."""
    if not is_other(x):
        if any(map(is_other, index)):
            raise NotImplementedError("an index that may be lazy, into a NumPy array. Pass a NumPy array as index")
        return x[index]
    items = _integers(_items(index, x.ndim))
    arrays = [i for i in items if hasattr(i, "dtype") and not isinstance(i, np.generic)]
    if not arrays:
        return x[tuple(items)]
    if any(is_other(i) for i in arrays):
        if len(arrays) > 1 or any(isinstance(i, (int, np.integer)) for i in items):
            raise NotImplementedError("a lazy index beside another one; say np.where(np.arange(n) == i[:, None], t, 0)")
        return x[tuple(items)]
    if all(isinstance(i, (np.ndarray, int, np.integer)) for i in items):
        places = _flat(items, x.shape)
        return _reshape(_reshape(x, -1)[places.ravel()], places.shape)
    if len(arrays) > 1 or any(isinstance(i, (int, np.integer)) for i in items):
        raise NotImplementedError("arrays of indices, or one beside a number, with a slice")
    at = next(k for k, i in enumerate(items) if isinstance(i, np.ndarray))
    i = items[at]
    y = x[(*items[:at], i.ravel(), *items[at + 1 :])]
    return y if i.ndim == 1 else _reshape(y, (*y.shape[:at], *i.shape, *y.shape[at + 1 :]))


MOST = 64  # rounds in which entries that were taken several times are added up


def scattered(g: Any, index: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape` with `g` added at `index`: the transpose of `taken`."""
    items = _integers(_items(index, len(shape)))
    arrays = [i for i in items if hasattr(i, "dtype") and not isinstance(i, np.generic)]
    if any(is_other(i) for i in arrays):
        raise NeedsValues("an index that may be lazy does not say where cotangents go. Pass a NumPy array.")
    if not arrays:
        return assigned(np.zeros_like(g, shape=shape), g, tuple(items))
    if all(isinstance(i, (np.ndarray, int, np.integer)) for i in items):
        places = _flat(items, shape)
        flat = scattered(_reshape(g, -1), (places.ravel(),), (math.prod(shape),)) if len(shape) > 1 else None
        if flat is not None:
            return _reshape(flat, shape)
        g, items = _reshape(g, -1), [places.ravel()]
    at = next(k for k, i in enumerate(items) if isinstance(i, np.ndarray))
    i = items[at]
    if i.ndim != 1:
        g = _reshape(g, (*g.shape[:at], i.size, *g.shape[at + i.ndim :]))
        i = i.ravel()
    axis = at - sum(item is None for item in items[:at])
    i = np.where(i < 0, i + shape[axis], i)
    order = np.argsort(i, kind="stable")
    rank = np.empty(i.size, int)  # how often the same place came before
    rank[order] = np.arange(i.size) - np.searchsorted(i[order], i[order], side="left")
    if i.size and rank.max() >= MOST:
        raise NotImplementedError(f"an index that takes the same place more than {MOST} times")
    x = np.zeros_like(g, shape=shape)
    for r in range(rank.max() + 1 if i.size else 0):
        places = np.flatnonzero(rank == r)
        places = places[np.argsort(i[places])]
        part = g[(*[slice(None)] * at, places)]
        x = x + assigned(np.zeros_like(g, shape=shape), part, (*items[:at], i[places], *items[at + 1 :]))
    return x


def assigned(x: Any, v: Any, index: tuple[Any, ...]) -> Any:
    """Return a copy of x, of another kind than NumPy's, in which ``x[index]`` is v."""
    if not is_other(x) and is_other(v):
        x = np.asarray(x, like=v)
    if any(map(is_other, index)):
        raise NeedsValues("t[i] = v with an index that may be lazy. Write np.where(mask, v, t).")
    items = _integers(_items(index, x.ndim))
    arrays = [i for i in items if isinstance(i, np.ndarray)]
    if len(arrays) > 1 or (arrays and any(isinstance(i, (int, np.integer)) for i in items)):
        raise NotImplementedError("several arrays of indices, or one beside a number")
    for i, n in zip([i for i in items if i is not None], x.shape, strict=True):
        if isinstance(i, np.ndarray) and (i.ndim != 1 or np.unique(i % max(1, n)).size < i.size):
            raise NotImplementedError("an index in which a place stands twice, or of several axes")
        if (isinstance(i, np.ndarray) and not i.size) or (isinstance(i, slice) and not len(range(*i.indices(n)))):
            return x.copy()
    if hasattr(v, "ndim") and any(i is None for i in items):  # assignment knows no new axes
        result = len(items) - sum(isinstance(i, (int, np.integer)) for i in items)
        axes, k = [], result - v.ndim
        place = 0
        for i in items:
            if isinstance(i, (int, np.integer)):
                continue
            if i is None and place >= k:
                axes.append(place - k)
            place += 1
        v = v[tuple(0 if axis in axes else slice(None) for axis in range(v.ndim))]
        items = [i for i in items if i is not None]
    x = x.copy()
    x[tuple(items)] = v
    return x
