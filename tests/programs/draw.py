"""Random programs: genes (whole numbers) in, a program out; each gene adds the few steps of one idea.

Half of the steps have shapes of their own and take earlier values as they are: elementwise functions, reductions,
views, joins, indices, masks computed from the data, recorded assignment, products. The other half are the rows of
tests/cases, so that every function and keyword of the table takes part, a new one by itself: an operand of a row is
replaced by itself plus a small multiple of an earlier value, which keeps it in the function's domain.

What NumPy refuses, warns of, or answers with huge or infinite numbers is left out, and counted.
"""

import operator
import random
import warnings
from collections import Counter
from contextlib import suppress
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag
from autograd_mini.table import Constant

from ..cases import CASES, CONSTANTS
from ..cases.elementwise import BINARY, UNARY
from ..generated import (
    DIFFERENTIABLE,
    IN_PLACE,
    NOT_COMPLEX,
    cotangents,
    difference,
    entries,
    evaluate,
    named,
    operands,
    outputs,
    paired,
    paired_imaginary,
)
from .program import WRITES, Program, Ref, Row, Step, constant, filled, perform, refs

__all__ = ["ALL", "ANALYTIC", "Pool", "build", "draw"]

SHAPES = [(), (3,), (2, 3), (1,), (1, 3), (2, 1), (4,), (2, 3, 2), (3, 3), (2, 2), (0, 3), (2, 1, 3), (5,), (4, 2)]
F8 = np.float64
LARGEST, MOST = 1e3, 150  # values and sizes beyond that are left out
NOT_LOOKED_AT = {"initial", "constant_values", "end_values"}  # by NumPy, for a Tensor


class Unfit(Exception):
    """This step cannot be here; the reason is counted."""


class Pool(NamedTuple):
    """What programs are made of."""

    kinds: tuple[tuple[float, Any], ...]
    rows: tuple[tuple[str, Any, tuple[int, ...]], ...]  # table, function, numbers of its rows
    dtypes: tuple[tuple[Any, ...], ...] = ((F8,), (F8,), (F8,), (F8, np.float32), (F8, np.complex128))  # of its leaves
    refused: frozenset[Any] | set[Any] = frozenset()  # rows that a peer turned out not to take
    analytic: bool = False  # only what continues into the complex plane, so that complex steps tell all
    shapes: tuple[tuple[int, ...], ...] = tuple(SHAPES)
    unary: tuple[Any, ...] = tuple(UNARY)
    binary: tuple[Any, ...] = tuple(BINARY)


class Builder:
    """A program that grows; NumPy runs along, so that each step is chosen for values that are known."""

    def __init__(self, pool):
        self.pool, self.steps, self.values = pool, [], []
        self.hidden = set()  # views that no later step may read: a write beside them would be refused
        self.left_out = Counter()

    # --- choosing

    def among(self, options):
        return options[self.rng.randrange(len(options))]

    def flip(self, p):
        return self.rng.random() < p

    def pick(self, fits=lambda x: True, kinds="fc"):
        """An earlier value, rather a late one; the same as often as chance has it."""
        known = [k for k, x in enumerate(self.values) if x.dtype.kind in kinds and k not in self.hidden and fits(x)]
        if not known:
            raise Unfit("no operand")
        return Ref(known[max(self.rng.randrange(len(known)), self.rng.randrange(len(known)))])

    def value(self, ref):
        return self.values[ref.value] if type(ref) is Ref else np.asarray(ref)

    def axis(self, ref, many=True):
        n = self.value(ref).ndim
        if n == 0 or self.flip(0.3):
            return None
        if many and n > 1 and self.flip(0.25):
            return tuple(self.rng.sample(range(n), 2))
        return self.rng.randrange(-n, n)

    # --- growing

    def do(self, function, /, *args, **kwargs):
        """Add a step; return the one value it makes, or all of them in a list."""
        return self.add(function, args, kwargs)

    def add(self, function, args, kwargs, row=None):
        """Add a step, unless NumPy would rather not."""
        known = dict(enumerate(self.values))
        inside = filled(args, known), filled(kwargs, known)
        before = None
        if function in WRITES:
            before = [x.copy() for x in self.values]
        try:
            with warnings.catch_warnings(), np.errstate(divide="warn", over="warn", invalid="warn", under="ignore"):
                warnings.simplefilter("error")
                result = perform(function, *constant(inside))
                made = [] if function in WRITES else [np.asarray(y) for y in outputs(result)]
                seen = [self.value(args[0])] if function in WRITES else made
                for y in seen:
                    if y.dtype.kind not in "fciub":
                        raise Unfit("no numbers")
                    if y.size > MOST:
                        raise Unfit("large")
                    if y.size and y.dtype.kind in "fc" and not np.max(np.abs(y)) <= LARGEST:
                        raise Unfit("huge or not finite")
        except Exception as error:
            if before is not None:
                for x, old in zip(self.values, before, strict=True):
                    if x.flags.writeable:
                        x[...] = old
            raise error if isinstance(error, Unfit) else Unfit(f"{named(function)}: {type(error).__name__}") from None
        results = tuple(range(len(self.values), len(self.values) + len(made)))
        several = isinstance(result, (list, tuple))
        self.steps.append(Step(function, args, kwargs, results, row, several))
        self.values += made
        found = [Ref(k) for k in results]
        return found if several or not found else found[0]

    def fit(self, x0, ref):
        """The array x0 of a row, moved by a multiple of an earlier value."""
        x = self.value(ref)
        if x.size == 0 and x0.size:
            raise Unfit("no operand")
        if x.dtype.kind == "c" and x0.dtype.kind != "c":
            ref = self.do(np.real, ref)
        if x.shape != x0.shape:
            ref = self.do(np.resize, ref, x0.shape)
        most = float(np.max(np.abs(self.value(ref)), initial=0.1))
        factor = float(f"{self.among(SCALES) / most:.3g}")
        if x0.dtype.kind == "c" and x.dtype.kind != "c":
            factor = complex(factor, -factor / 2)
        return self.do(operator.add, x0, self.do(operator.mul, factor, ref))

    def into(self, ref, low, high):
        """A value moved into an interval."""
        x = self.value(ref)
        if x.dtype.kind == "c":
            if (low, high) == (-1.7, 2.1):
                return ref
            ref = self.do(np.real, ref)
            x = self.value(ref)
        if x.size == 0 or (low <= np.min(x) and np.max(x) <= high):
            return ref
        middle, half = (low + high) / 2, (high - low) / 2
        return self.do(operator.add, self.do(operator.mul, self.do(np.tanh, ref), float(f"{half:.4g}")), middle)


SCALES = (0.3, 0.1, 0.03)


# --- the kinds of steps ---------------------------------------------------------------------------------------------


def unary(b):
    f = b.among(b.pool.unary)
    low, high = UNARY[f]
    return b.do(f, b.into(b.pick(), low, high))


def broadcast(x):
    def fits(y):
        try:
            np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            return False
        return True

    return fits


def beside(b, ref):
    """Another operand: a value that broadcasts, most often; else a number, an array or a list."""
    x = b.value(ref)
    if b.flip(0.75):
        return b.pick(broadcast(x))
    if b.flip(0.4):
        return b.among([2.0, 0.5, -1.5, 3, -1, 1.25])
    shape = x.shape[b.rng.randrange(x.ndim + 1) :]
    values = np.round([b.rng.uniform(0.3, 2) for _ in range(int(np.prod(shape)))], 3).reshape(shape)
    if b.flip(0.3):
        values = np.ceil(values).astype(int)
    elif b.flip(0.2) and x.dtype == np.float32:
        values = values.astype(np.float32)
    return values.tolist() if b.flip(0.4) and values.size and values.ndim else values


OPERATORS = {
    np.add: operator.add, np.subtract: operator.sub, np.multiply: operator.mul, np.true_divide: operator.truediv,
    np.power: operator.pow, np.remainder: operator.mod,
}  # fmt: skip
PLAIN_BINARY = (np.add, np.subtract, np.multiply)


def binary(b):
    f = b.among(PLAIN_BINARY if b.flip(0.5) else b.pool.binary)
    x = b.pick()
    y = x if b.flip(0.1) else beside(b, x)
    if f not in PLAIN_BINARY:
        (low, high), (low2, high2) = BINARY[f]
        x = b.into(x, low, high)
        if type(y) is Ref:
            y = b.into(y, low2, high2)
        elif f in (np.remainder, np.fmod, np.divmod):
            y = 0.97
    if b.flip(0.3) and f not in (np.divmod, np.power):
        x, y = (x, y) if f in (np.true_divide, np.remainder, np.fmod, np.float_power) else (y, x)
    if type(x) is not Ref and isinstance(x, list) and f in OPERATORS:
        return b.do(f, x, y)
    return b.do(OPERATORS[f] if f in OPERATORS and b.flip(0.6) and not isinstance(x, list) else f, x, y)


REDUCTIONS = [
    (np.sum, True, {}), (np.mean, True, {}), (np.max, True, {}), (np.min, True, {}), (np.prod, True, {}),
    (np.var, True, {"ddof": (0, 1)}), (np.std, True, {"ddof": (0, 1)}), (np.ptp, True, {}), (np.median, True, {}),
    (np.nansum, True, {}), (np.nanmean, True, {}), (np.nanmax, True, {}), (np.nanmin, True, {}), (np.nanvar, True, {}),
    (np.nanstd, True, {}), (np.nanprod, True, {}), (np.nanmedian, True, {}), (np.average, True, {}),
    (np.linalg.norm, False, {"ord": (None, 1, 2, 3, np.inf)}), (ag.logsumexp, True, {}),
]  # fmt: skip


def reduction(b):
    f, many, extra = b.among(REDUCTIONS[:-2] if b.pool.analytic else REDUCTIONS)
    x = b.pick(lambda x: x.size > 0)
    kwargs = {name: b.among(values) for name, values in extra.items() if b.flip(0.6)}
    axis = b.axis(x, many)
    if axis is not None:
        kwargs["axis"] = axis
    if b.flip(0.4):
        kwargs["keepdims"] = True
    if f is np.linalg.norm and b.value(x).ndim > 1 and axis is None:
        kwargs.pop("ord", None)
    return b.do(f, x, **kwargs)


SCANS = [
    (np.cumsum, {}), (np.cumprod, {}), (np.sort, {}), (np.flip, {}), (np.diff, {"n": (1, 2)}), (np.gradient, {}),
    (np.nancumsum, {}), (np.roll, {"shift": (1, -2)}), (np.fft.ifft, {}), (np.trapezoid, {"dx": (0.5,)}),
    (np.fft.fft, {"norm": ("ortho", "forward")}), (np.fft.rfft, {"n": (3, 4)}), (np.fft.irfft, {"n": (4, 5)}),
    (np.partition, {"kth": (0,)}), (np.repeat, {"repeats": (2,)}), (np.delete, {"obj": (0, -1)}),
    (np.insert, {"obj": (0, 1), "values": (0.5,)}), (np.append, {}), (np.cumulative_sum, {"include_initial": (True,)}),
    (np.unstack, {}), (np.array_split, {"indices_or_sections": (2,)}), (np.take, {"indices": ([0, 0, -1], 1)}),
    (np.quantile, {"q": (0.3, [0.2, 0.7]), "keepdims": (True,)}), (np.percentile, {"q": (40, 75.5)}),
    (np.compress, {"condition": ([True], [False, True])}), (np.tile, {"reps": (2, (2, 1))}),
]  # fmt: skip
NEEDED = {"shift", "kth", "repeats", "obj", "values", "indices_or_sections", "indices", "q", "condition", "reps"}


def along(b):
    """Functions along one axis, with keywords."""
    f, extra = b.among([s for s in SCANS if "fft" not in named(s[0])] if b.pool.analytic else SCANS)
    x = b.pick(lambda x: x.ndim > 0 and x.size > 0)
    if f is np.fft.rfft and b.value(x).dtype.kind == "c":
        x = b.do(np.real, x)
    kwargs = {n: b.among(values) for n, values in extra.items() if n in NEEDED or b.flip(0.6)}
    if f is not np.tile and (b.flip(0.7) or f is np.trapezoid):
        kwargs["axis"] = b.rng.randrange(-b.value(x).ndim, b.value(x).ndim)
    if f is np.compress:
        return b.do(f, kwargs.pop("condition"), x, **kwargs)
    if f is np.append:
        return b.do(f, x, x, **kwargs)
    return b.do(f, x, **kwargs)


def factors(b, n):
    """A shape of so many elements."""
    options = [(n,), (n, 1), (1, n), (-1,), *[(k, n // k) for k in (2, 3) if n and n % k == 0]]
    return b.among([*options, ()] if n == 1 else options if n else [(0,), (0, 2), (3, 0)])


def view(b):
    x = b.pick()
    v = b.value(x)
    n = v.ndim
    some = lambda: b.rng.randrange(-n, n)  # noqa: E731
    options = ["reshape", "ravel", "expand", "squeeze", "copy", "broadcast", "atleast"]
    options += ["transpose", "moveaxis", "flip"] if n else []
    options += ["swapaxes", "T", "diagonal", "rot90", "tril", "trace"] if n > 1 else []
    match b.among(options):
        case "reshape":
            return b.do(np.reshape, x, factors(b, v.size), **({"order": "F"} if b.flip(0.3) else {}))
        case "ravel":
            return b.do(np.ravel, x, **({"order": b.among("CF")} if b.flip(0.4) else {}))
        case "expand":
            return b.do(np.expand_dims, x, b.rng.randrange(-n - 1, n + 1))
        case "squeeze":
            return b.do(np.squeeze, x)
        case "copy":
            return b.do(np.copy, x)
        case "broadcast":
            return b.do(np.broadcast_to, x, (2, *v.shape))
        case "atleast":
            return b.do(b.among([np.atleast_1d, np.atleast_2d, np.atleast_3d]), x)
        case "transpose":
            return b.do(np.transpose, x, tuple(b.rng.sample(range(n), n)))
        case "moveaxis":
            return b.do(np.moveaxis, x, some(), some())
        case "flip":
            return b.do(np.flip, x, **({"axis": some()} if b.flip(0.7) else {}))
        case "swapaxes":
            return b.do(np.swapaxes, x, some(), some())
        case "T":
            return b.do(np.matrix_transpose, x)
        case "diagonal":
            return b.do(np.diagonal, x, b.among([0, 0, 1, -1]), *b.among([(), (-1, -2), (-2, -1)]))
        case "rot90":
            return b.do(np.rot90, x, b.among([1, 2, 3, -1]))
        case "tril":
            return b.do(b.among([np.tril, np.triu]), x, b.among([0, 1, -1]))
        case "trace":
            return b.do(np.trace, x, b.among([0, 1]))


def join(b):
    x = b.pick(lambda x: x.ndim < 4)
    shape = b.value(x).shape
    parts = [x, *[b.pick(lambda y: y.shape == shape) for _ in range(b.rng.randrange(1, 3))]]
    if b.flip(0.25):
        parts.append(np.full(shape, 0.75))
    f = b.among([np.stack, np.concatenate, np.hstack, np.vstack, np.dstack, np.column_stack])
    if f is np.stack:
        return b.do(f, parts, axis=b.rng.randrange(-len(shape) - 1, len(shape) + 1))
    if f is np.concatenate:
        if not shape:
            raise Unfit("no operand")
        return b.do(f, tuple(parts), axis=b.among([None, *range(-len(shape), len(shape))]))
    return b.do(f, parts)


def index_of(b, shape):
    """An index into this shape: slices, numbers, None, Ellipsis, lists and arrays with repetitions."""
    items: list[Any] = []
    for n in shape[: b.rng.randrange(1, len(shape) + 1)]:
        way = b.rng.randrange(8)
        if way < 3 or n == 0:
            items.append(slice(b.among([None, None, 0, 1]), b.among([None, None, n, -1]), b.among([None, 1, 2, -1])))
            if items[-1].step == -1:
                items[-1] = slice(None, None, -1)
        elif way == 3:
            items.append(b.rng.randrange(-n, n))
        elif way == 4:
            items.append([b.rng.randrange(-n, n) for _ in range(2)])
        elif way == 5:
            items.append(np.array([b.rng.randrange(-n, n) for _ in range(2)]))
        else:
            items.append(slice(None))
    if b.flip(0.2):
        items.insert(b.rng.randrange(len(items) + 1), None)
    if len(items) < len(shape) and b.flip(0.2):
        items.append(Ellipsis)
    return items[0] if len(items) == 1 and b.flip(0.5) else tuple(items)


def indexed(b):
    x = b.pick(lambda x: x.ndim > 0)
    return b.do(operator.getitem, x, index_of(b, b.value(x).shape))


def between(b, ref):
    """A threshold well apart from all of a value's entries."""
    x = np.sort(np.ravel(b.value(ref)))
    gaps = [(low + high) / 2 for low, high in pairwise(x) if high - low > 0.02]
    return float(f"{b.among(gaps):.4g}") if gaps else float(np.floor(x[0]) - 1 if x.size else 0)


def mask_of(b, ref):
    """A mask computed from the data."""
    return b.do(b.among([operator.gt, operator.lt, np.greater_equal]), ref, between(b, ref))


def real(x):
    return x.dtype.kind == "f"


def masked(b):
    x = b.pick(real)
    m = mask_of(b, x)
    shape = b.value(x).shape
    match b.rng.randrange(8):
        case 0:
            return b.do(operator.getitem, x, m)
        case 1 | 2:
            return b.do(np.where, m, x, beside(b, x))
        case 3:
            return b.do(np.where, m, beside(b, x), x)
        case 4:
            return b.do(np.select, [m, np.full(shape, True)], [x, b.pick(lambda y: y.shape == shape)], 0.25)
        case 5:
            return b.do(operator.mul, b.pick(broadcast(b.value(x))), m)
        case 6:
            return b.do(b.among([np.sum, np.mean]), x, where=m)
        case 7:
            return b.do(np.clip, x, between(b, x), b.among([None, 2.5]))


def ordered(b):
    """Indices computed from the data: argsort, argmax."""
    x = b.pick(lambda x: x.dtype.kind == "f" and x.ndim > 0 and len(np.unique(x)) == x.size > 0)
    axis = b.rng.randrange(-b.value(x).ndim, b.value(x).ndim)
    y = b.pick(lambda y: y.shape == b.value(x).shape)
    if b.flip(0.5):
        return b.do(np.take_along_axis, y, b.do(np.argsort, x, axis=axis), axis)
    if b.flip(0.5):
        return b.do(np.take_along_axis, y, b.do(np.argmax, x, axis=axis, keepdims=True), axis)
    return b.do(operator.getitem, b.do(np.ravel, y), b.do(np.argsort, x, axis=None))


def casts(x, y):
    return np.can_cast(y.dtype, x.dtype, "same_kind")


def assigned(b):
    """A copy, and one or two writes into it."""
    t = b.do(np.copy, b.pick(lambda x: x.ndim > 0))
    for _ in range(b.rng.randrange(1, 3)):
        write(b, t)
    return b.do(operator.mul, t, b.among([1.0, 0.5])) if b.flip(0.5) else t


def write(b, t):
    x = b.value(t)
    update = b.among([operator.iadd, operator.imul, operator.isub])
    if b.flip(0.25):
        return b.do(update, t, b.pick(lambda y: casts(x, y) and covers(x.shape, y.shape)))
    if b.flip(0.25) and x.dtype.kind == "f":
        m = mask_of(b, t)
        return b.do(operator.setitem, t, m, b.among([0.5, -1.0, b.pick(lambda y: y.ndim == 0 and casts(x, y))]))
    index = index_of(b, x.shape)
    part = x[index]
    if b.flip(0.3):  # t[i] = t[i] * v
        v = b.pick(lambda y: casts(x, y) and covers(part.shape, y.shape))
        old = b.do(operator.getitem, t, index)
        b.hidden.add(old.value)
        return b.do(operator.setitem, t, index, b.do(operator.mul, old, v))
    if unordered(index):
        raise Unfit("repeated places")
    return b.do(operator.setitem, t, index, b.pick(lambda y: casts(x, y) and covers(part.shape, y.shape)))


def unordered(index):
    """Whether an index may name a place twice: which value then stays is not laid down."""
    for item in index if isinstance(index, tuple) else (index,):
        if isinstance(item, (list, np.ndarray)):
            return True
    return False


def covers(shape, other):
    try:
        return np.broadcast_shapes(shape, other) == shape
    except ValueError:
        return False


def through_a_view(b):
    """A write into ``t[i]``, which t sees."""
    t = b.do(np.copy, b.pick(lambda x: x.ndim > 0 and x.size > 0))
    n = len(b.value(t))
    index = b.among([slice(1, None), slice(None, None, -1), slice(0, n), *([0] if b.value(t).ndim > 1 else [])])
    part = b.do(operator.getitem, t, index)
    b.hidden.add(part.value)
    x = b.value(part)
    v = b.pick(lambda y: casts(x, y) and covers(x.shape, y.shape))
    if x.ndim and b.flip(0.5):
        b.do(b.among([operator.iadd, operator.imul]), part, v)
    else:
        b.do(operator.setitem, part, Ellipsis, v)
    return b.do(b.among([np.tanh, np.negative]), t)


def product(b):
    x = b.pick(lambda x: 0 < x.ndim < 4)
    v = b.value(x)
    match b.rng.randrange(7):
        case 0 | 1:
            y = b.pick(lambda y: y.ndim and y.shape[max(y.ndim - 2, 0)] == v.shape[-1])
            return b.do(b.among([operator.matmul, np.matmul, np.dot]), x, y)
        case 2:
            return b.do(b.among([np.outer, np.kron]), x, b.pick(lambda y: y.size < 8))
        case 3:
            y = b.pick(lambda y: y.ndim and y.shape[-1] == v.shape[-1])
            return b.do(b.among([np.inner, np.vecdot]), x, y)
        case 4:
            y = b.pick(lambda y: y.shape == v.shape)
            letters = "ijkl"[: v.ndim]
            out = "".join(c for c in letters if b.flip(0.5))
            return b.do(np.einsum, f"{letters},{letters}->{out}", x, y)
        case 5:
            y = b.pick(lambda y: y.ndim and y.shape[0] == v.shape[-1])
            return b.do(np.einsum, "...i,i...->...", x, y) if y == x else b.do(np.tensordot, x, y, axes=1)
        case 6:
            y = b.pick(lambda y: y.ndim and y.shape[-1] == v.shape[-1])
            return b.do(np.einsum, "...i,...i->...", x, y, optimize=b.flip(0.3))


def complexes(b):
    """Between the real and the complex."""
    x = b.pick()
    if b.value(x).dtype.kind == "c":
        return b.do(b.among([np.real, np.imag, np.abs, np.conj, np.angle, np.square, np.exp]), x)
    return b.do(operator.add, x, b.do(operator.mul, b.among([1j, 0.5 - 1j]), b.pick(broadcast(b.value(x)))))


def cast(b):
    x = b.pick()
    if b.value(x).dtype.kind == "c":
        raise Unfit("no operand")
    return b.do(np.astype, x, b.among([np.float32, np.float64]))


def whole(b):
    """Whole numbers and masks that earlier steps made, beside a value."""
    n = b.pick(kinds="iub")
    x = b.pick(broadcast(b.value(n)))
    v = b.value(n)
    if v.dtype.kind == "b":
        return b.do(np.where, n, x, beside(b, x)) if b.flip(0.6) else b.do(operator.add, x, n)
    if np.max(np.abs(v.astype(float)), initial=0) > 10:
        raise Unfit("huge or not finite")
    return b.do(b.among([operator.add, operator.mul]), x, n)


def inside(x, tree):
    """Whether a value lies where a row's operand does: that may be all that the function takes."""
    return x.dtype.kind == "c" or (np.min(tree) <= np.min(x) and np.max(x) <= np.max(tree))


def from_row(b):
    """A row of tests/cases, its operands moved by earlier values."""
    table, function, numbers = b.among(b.pool.rows)
    k = b.among(numbers)
    case = (CASES if table == "CASES" else CONSTANTS)[function][k]
    if (table, function, k) in b.pool.refused:
        raise Unfit("not the peer's")
    if b.pool.analytic and not is_analytic(table, function, k):
        raise Unfit("not analytic")
    first = True
    as_they_are = "linalg" not in named(function) and all(x.size for x in operands(case))  # a matrix may be singular

    def moved(tree):
        nonlocal first
        if isinstance(tree, np.ndarray) and tree.dtype.kind in "fc":
            keep = not first and function not in IN_PLACE and function is not np.ufunc.at
            first = False
            if keep and not NOT_LOOKED_AT & {*case.kwargs} and b.flip(0.1):
                return tree
            if as_they_are and b.flip(0.15):
                with suppress(Unfit):
                    return b.pick(lambda x: x.shape == tree.shape and inside(x, tree), tree.dtype.kind)
            return b.fit(tree, b.pick(lambda x: x.size or not tree.size))
        if isinstance(tree, dict):
            return {name: moved(branch) for name, branch in tree.items()}
        if isinstance(tree, (list, tuple)) and not hasattr(tree, "_fields"):
            return type(tree)(moved(branch) for branch in tree)
        return tree

    args, kwargs = moved(case.args), moved(case.kwargs)
    if not refs((args, kwargs)):
        raise Unfit("a row without operands")
    return b.add(function, args, kwargs, Row(table, k))


@cache
def is_analytic(table, function, k):
    """Whether the complex step of this row is its derivative."""
    case = (CASES if table == "CASES" else CONSTANTS)[function][k]
    xs = operands(case)
    vs = cotangents(xs, 9)

    def at(h):
        return evaluate(function, case, [x + h * v for x, v in zip(xs, vs, strict=True)])

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            cs = cotangents(at(0.0))
            slope, stepped = difference(lambda h: paired(cs, at(h))), paired_imaginary(cs, at(1e-20j))
        except (*NOT_COMPLEX, *NUMPYS):
            return False
    return not any(map(np.iscomplexobj, (*xs, *cs))) and abs(slope - stepped) <= 1e-7 * max(1, abs(slope))


NUMPYS = (RuntimeWarning, IndexError, np.linalg.LinAlgError)


def with_rows(functions, table="CASES"):
    rows = CASES if table == "CASES" else CONSTANTS
    return tuple((table, f, tuple(range(len(rows[f])))) for f in functions if rows.get(f))


KINDS = (
    (1.6, unary), (2, binary), (1.2, reduction), (1, along), (1.2, view), (0.7, join), (0.8, indexed), (0.9, masked),
    (0.4, ordered), (0.8, assigned), (0.3, through_a_view), (0.9, product), (0.3, complexes), (0.2, cast),
    (0.3, whole), (6, from_row),
)  # fmt: skip


def group(function):
    return named(function).split(".")[0] in ("scipy", "autograd_mini")


# Helpers that are called below the mean of their density only (above, they answer for the mean).
NARROW = {"autograd_mini.scipy._integrals.beta_moment", "autograd_mini.scipy._integrals.gamma_moment"}
INSIDE = with_rows([f for f in DIFFERENTIABLE if not group(f)])
SCIPY = with_rows([f for f in DIFFERENTIABLE if group(f) and named(f) not in NARROW])
JUMPS = with_rows([f for f in entries(Constant) if not group(f) and f is not np.empty_like], "CONSTANTS")
ALL = Pool(KINDS, INSIDE * 2 + SCIPY + JUMPS)
NOT_ANALYTIC = {
    np.absolute, np.fabs, np.real, np.imag, np.conjugate, np.arctan2, np.hypot, np.copysign, np.logaddexp, np.cbrt,
    np.logaddexp2, np.remainder, np.fmod, np.divmod, np.deg2rad, np.radians, np.rad2deg, np.degrees,
}  # fmt: skip
ANALYTIC = Pool(
    tuple((weight, kind) for weight, kind in KINDS if kind not in (complexes, cast)),
    tuple(row for row in INSIDE if not group(row[1])),
    ((F8,),),
    analytic=True,
    unary=tuple(f for f in UNARY if f not in NOT_ANALYTIC),
    binary=tuple(f for f in BINARY if f not in NOT_ANALYTIC),
)


def leaves_of(b, gene):
    """One to four leaves; the gene tells shapes, dtypes and values."""
    b.rng = random.Random(gene)
    dtypes = b.among(b.pool.dtypes)
    for _ in range(1 + b.rng.randrange(4)):
        shape, dtype = b.among(b.pool.shapes), b.among(dtypes)
        n = int(np.prod(shape))
        numbers = np.round([b.rng.uniform(-1.7, 2.1) for _ in range(n)], 3).reshape(shape)
        if np.dtype(dtype).kind == "c":
            numbers = numbers + 1j * np.round([b.rng.uniform(-1.7, 2.1) for _ in range(n)], 3).reshape(shape)
        b.values.append(np.asarray(numbers, dtype))
        b.values[-1].flags.writeable = False
    return tuple(b.values)


def build(genes, pool):
    """Make the program of these genes; return it and what was left out, counted by reason."""
    b = Builder(pool)
    leaves = leaves_of(b, genes[0])
    weights, kinds = zip(*pool.kinds, strict=True)
    for gene in genes[1:]:
        b.rng = random.Random(gene)
        (kind,) = b.rng.choices(kinds, weights)
        steps, values = len(b.steps), len(b.values)
        try:
            kind(b)
        except Unfit as reason:
            b.left_out[str(reason)] += 1
            if not any(s.function in WRITES for s in b.steps[steps:]):
                del b.steps[steps:], b.values[values:]
    return Program(leaves, tuple(b.steps)), b.left_out


def draw(seed, pool, longest=25):
    """A program of 3 steps or more, by chance."""
    rng = random.Random(seed)
    return build([rng.randrange(2**24) for _ in range(rng.randint(4, longest))], pool)
