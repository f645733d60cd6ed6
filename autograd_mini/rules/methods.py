"""What NumPy makes of every ufunc: reduce, accumulate, reduceat, outer, at; and the keywords of a call.

Written over the ufunc itself and functions that have rules, so each holds for every ufunc with a rule. The entries of
the table are the methods themselves: ``np.add.reduce(a)`` is ``np.ufunc.reduce(np.add, a)``.
"""

import math
import operator
import re

import numpy as np

from ..errors import DTypeError, LostGradientError, UnsupportedArgumentError
from ..table import composite, name_of, refusal
from .assign import assign
from .composite import array
from .special import logsumexp

__all__: list[str] = []

NO_VALUE = np._NoValue
REDUCTIONS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
SCANS = {np.add: np.cumsum, np.multiply: np.cumprod}
ANY_ORDER = {np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot}


def plain_mask(mask, ufunc):
    """Return a mask as an array: nobody differentiates by it."""
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise DTypeError(f"{name_of(ufunc)}: where= takes booleans, not {mask.dtype}. Write where=mask != 0.")
    return mask


def cast(ufunc, x, dtype, casting="same_kind"):
    """Return an operand in the dtype that was asked for; what NumPy would not cast is refused."""
    x, dtype = array(x), np.dtype(dtype)
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(f"{name_of(ufunc)}: cannot cast from {x.dtype} to {dtype} with casting={casting!r}")
    return x if x.dtype == dtype else x.astype(dtype)


def into(ufunc, out, result, casting="same_kind"):
    """Assign a result to the Tensor that was passed as ``out=``, if one was, and return that."""
    out = out[0] if isinstance(out, tuple) else out
    if out is None:
        return result
    if isinstance(out, np.ndarray):
        raise UnsupportedArgumentError(
            f"{name_of(ufunc)} cannot write into a plain array, out=, when a Tensor takes part (`a += t` on an array does "
            f"that too): the gradient would be lost. Write `result = {name_of(ufunc)}(...)`, or `a = a + t`."
        )
    out[...] = cast(ufunc, result, out.dtype, casting)
    return out


# --- a call with keywords


@composite(np.ufunc.__call__)
def call(
    ufunc, /, *inputs, out=None, where=True, casting="same_kind", order="K", dtype=None, subok=True, signature=None,
    sig=None, axes=None, axis=None, keepdims=False,
):  # fmt: skip
    """Cast, select, bring axes to their place; call; assign to ``out``. The orders and subok tell of memory only."""
    if signature is not None or sig is not None:
        raise UnsupportedArgumentError(refusal(name_of(ufunc), "signature"))
    outs = out if isinstance(out, tuple) else (out,)
    if ufunc.nout > 1 and (dtype is not None or where is not True or any(o is not None for o in outs)):
        given = "dtype" if dtype is not None else "where" if where is not True else "out"
        raise UnsupportedArgumentError(refusal(name_of(ufunc), given))
    if dtype is not None:
        inputs = [cast(ufunc, x, dtype, casting) for x in inputs]
    elif casting not in ("same_kind", "unsafe") and outs[0] is None:
        raise UnsupportedArgumentError(refusal(name_of(ufunc), "casting"))
    if axes is not None or axis is not None or keepdims:
        return moved(ufunc, inputs, outs[0], axes, axis, keepdims, casting)
    if where is True:
        result = ufunc(*inputs)
        return into(ufunc, outs[0], result, casting)
    if outs[0] is None:
        raise UnsupportedArgumentError(
            f"{name_of(ufunc)} with where= but without out= leaves the other entries to chance. "
            f"Write np.where(mask, {name_of(ufunc)}(...), other), or pass out=, a Tensor."
        )
    out = outs[0]
    mask = np.broadcast_to(plain_mask(where, ufunc), out.shape)
    result = ufunc(*[np.broadcast_to(x, out.shape)[mask] for x in inputs])  # so no slope is taken of what is left out
    return into(ufunc, out, assign(out, cast(ufunc, result, out.dtype, casting), mask), casting)


def moved(ufunc, inputs, out, axes, axis, keepdims, casting):
    """Call a generalised ufunc on other axes than the last ones."""
    core = [[n for n in names.split(",") if n] for names in re.findall(r"\(([^()]*)\)", ufunc.signature)]
    if keepdims and (any(core[ufunc.nin :]) or len(set(map(len, core[: ufunc.nin]))) > 1):
        raise TypeError(f"{name_of(ufunc)} does not support keepdims: its signature is {ufunc.signature}.")
    if axis is not None:
        axes = [(axis,) if names else () for names in core]
    if axes is not None:
        axes = [a if isinstance(a, tuple) else (a,) for a in axes] + [()] * (len(core) - len(axes))
        if any(len(a) != len(names) for a, names in zip(axes[: ufunc.nin], core, strict=False)) or (
            not keepdims and any(len(a) != len(n) for a, n in zip(axes[ufunc.nin :], core[ufunc.nin :], strict=True))
        ):
            raise ValueError(
                f"{name_of(ufunc)}: axes= needs one entry for each operand and result of {ufunc.signature}"
            )
        inputs = [np.moveaxis(x, a, range(-len(a), 0)) for x, a in zip(inputs, axes[: ufunc.nin], strict=True)]
    result = ufunc(*inputs)
    if keepdims:
        result = np.expand_dims(result, tuple(range(-len(core[0]), 0)))
        axes = axes and [*axes[: ufunc.nin], axes[ufunc.nin] or axes[0]]
    if axes is not None and axes[ufunc.nin]:
        result = np.moveaxis(result, range(-len(axes[ufunc.nin]), 0), axes[ufunc.nin])
    return into(ufunc, out, result, casting)


# --- along an axis


@composite(np.ufunc.reduce)
def reduce(ufunc, a, /, axis=0, dtype=None, out=None, keepdims=False, initial=NO_VALUE, where=True):
    """Sums, products and extremes by their own names; any other ufunc entry by entry, from the left."""
    if ufunc in REDUCTIONS:
        given = {"dtype": dtype} if dtype is not None and ufunc in (np.add, np.multiply) else {}
        given |= {"initial": initial} if initial is not NO_VALUE and initial is not None else {}
        a = cast(ufunc, a, dtype) if dtype is not None and "dtype" not in given else a
        result = REDUCTIONS[ufunc](a, axis=axis, keepdims=keepdims, where=where, **given)
    else:
        result = fold(ufunc, a, axis, dtype, keepdims, initial, where)
    return into(ufunc, out, result)


def fold(ufunc, a, axis, dtype, keepdims, initial, where):
    """Take in one entry after the other: ``f(f(f(a0, a1), a2), ...)``."""
    if where is not True:
        raise UnsupportedArgumentError(refusal(f"{name_of(ufunc)}.reduce", "where"))
    a = array(a) if dtype is None else cast(ufunc, a, dtype)
    axes = tuple(range(a.ndim)) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, a.ndim)
    if len(axes) > 1 and ufunc not in ANY_ORDER:
        raise ValueError(f"{name_of(ufunc)}.reduce: the order matters, so it goes along one axis at a time")
    if initial is NO_VALUE or initial is None:
        initial = ufunc.identity if not math.prod(a.shape[i] for i in axes) else None
        if initial is None and not math.prod(a.shape[i] for i in axes):
            raise ValueError(f"{name_of(ufunc)}.reduce of no entries: it has no identity; give it an initial value")
    if ufunc is np.logaddexp and a.size and initial is None:
        return logsumexp(a, axis=axes, keepdims=keepdims)
    rest = [n for i, n in enumerate(a.shape) if i not in axes]
    lines = np.reshape(np.moveaxis(a, axes, range(len(axes))), (math.prod(a.shape[i] for i in axes), *rest))
    y = None if initial is None else np.asarray(initial, a.dtype) if type(initial) in (int, float) else initial
    if not len(lines):
        y = y + np.sum(lines, axis=0)
    for line in lines:
        y = line if y is None else ufunc(y, line)
    return np.expand_dims(y, axes) if keepdims else y


@composite(np.ufunc.accumulate)
def accumulate(ufunc, a, /, axis=0, dtype=None, out=None):
    """The reductions of all beginnings: running sums and products, or step by step."""
    if axis is None or a.ndim == 0:
        raise ValueError(f"{name_of(ufunc)}.accumulate goes along one axis.")
    if ufunc in SCANS:
        result = SCANS[ufunc](a, axis=axis, dtype=dtype)
    else:
        a = a if dtype is None else cast(ufunc, a, dtype)
        steps = []
        for line in np.moveaxis(a, axis, 0):
            steps.append(ufunc(steps[-1], line) if steps else line)
        result = np.stack(steps, axis) if steps else a
    return into(ufunc, out, result)


@composite(np.ufunc.reduceat)
def reduceat(ufunc, a, indices, /, axis=0, dtype=None, out=None):
    """The reductions of pieces, each from one index to the next; where the next is no larger, the entry alone."""
    a, starts = np.moveaxis(a, axis, 0), np.asarray(indices)
    whole = int if isinstance(indices, (list, tuple)) else operator.index  # NumPy casts a list, not an array
    starts = [whole(i) for i in starts]
    if any(not 0 <= i < len(a) for i in starts):
        raise IndexError(f"{name_of(ufunc)}.reduceat: an index is out of bounds for {len(a)} entries")
    pieces = [a[i:j] if i < j else a[i : i + 1] for i, j in zip(starts, [*starts[1:], len(a)], strict=True)]
    result = np.stack([reduce(ufunc, piece, 0, dtype) for piece in pieces], axis)
    return into(ufunc, out, result)


# --- pairs, and writing in place


@composite(np.ufunc.outer)
def outer(ufunc, A, B, /, **kwargs):
    """Every entry of one with every entry of the other: broadcasting."""
    A, B = array(A), array(B)
    return ufunc(np.reshape(A, (*A.shape, *[1] * B.ndim)), B, **kwargs)


@composite(np.ufunc.at)
def at(ufunc, a, indices, /, *b):
    """``a[i] = f(a[i], b)``, entry after entry: a place that is named twice is changed twice."""
    if isinstance(a, np.ndarray):
        raise LostGradientError(
            f"{name_of(ufunc)}.at changes a plain array in place, and the gradient of the Tensor beside it would be lost. "
            "Make the array a Tensor first: a = ag.Tensor(a)."
        )
    places = np.arange(a.size).reshape(a.shape)[np.asarray(indices, int) if isinstance(indices, list) else indices]
    b = [np.asarray(x, a.dtype) if type(x) in (int, float) else array(x) for x in b]  # a number has no dtype of its own
    operands = [np.ravel(np.broadcast_to(x, places.shape)) for x in b]
    flat, places = np.reshape(np.copy(a), -1), places.ravel()
    order = np.argsort(places, kind="stable")
    starts = np.r_[True, places[order][1:] != places[order][:-1]]
    turn = np.empty(places.size, int)  # the how many-eth change of its place each one is
    turn[order] = np.arange(places.size) - np.maximum.accumulate(np.where(starts, np.arange(places.size), 0))
    for n in range(turn.max(initial=-1) + 1):
        now = np.flatnonzero(turn == n)
        changed = ufunc(flat[places[now]], *[x[now] for x in operands])
        flat = assign(flat, cast(ufunc, changed, a.dtype), places[now])
    a[...] = np.reshape(flat, a.shape)
