"""What each function of the table is tried on: one row per call.

Every floating-point array in a row is an operand: the tests differentiate by each of them, alone and together. Whatever
else stands there (numbers, lists, masks, integer arrays) is passed on as it is. Arrays are read-only, so that a rule
that writes into its operand fails; their entries lie apart from each other and from kinks by more than a step.
"""

import operator
from itertools import count
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag
from autograd_mini.rules.index import scatter

seeds = count()


class Case(NamedTuple):
    """One call: ``function(*args, **kwargs)``."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self):
        named = (f"{name}={show(value)}" for name, value in self.kwargs.items())
        return ", ".join([*map(show, self.args), *named])


def show(value):
    if isinstance(value, np.ndarray):
        shape = "x".join(map(str, value.shape)) or "()"
        return shape if value.dtype.kind == "f" else f"{value.dtype}{shape}"
    if isinstance(value, ag.Tensor):
        return f"T{show(value.data)}"
    if isinstance(value, slice):
        return ":".join("" if v is None else str(v) for v in (value.start, value.stop, value.step))
    if isinstance(value, (list, tuple)):
        inside = " ".join(map(show, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return "..." if value is Ellipsis else getattr(value, "__name__", str(value))


def on(*args, **kwargs):
    return Case(args, kwargs)


def real(*shape, between=(-1.7, 2.1)):
    """Distinct values, evenly spread and shuffled."""
    size = int(np.prod(shape))
    values = np.random.default_rng(next(seeds)).permutation(np.linspace(*between, size)).reshape(shape)
    values.flags.writeable = False
    return values


def mask(*shape):
    """At least one True and one False, by turns along the flat array."""
    return (np.arange(int(np.prod(shape))) % 3 != 1).reshape(shape)


# --- ufuncs: where each operand may lie; the shapes follow below --------------------------------------------------

ANY, ONE, POSITIVE = (-1.7, 2.1), (-0.7, 0.65), (0.7, 1.9)
UNARY = {
    np.negative: ANY, np.positive: ANY, np.square: ANY, np.reciprocal: POSITIVE,
    np.sqrt: POSITIVE, np.cbrt: POSITIVE, np.exp: ANY, np.exp2: ANY, np.expm1: ANY,
    np.log: POSITIVE, np.log2: POSITIVE, np.log10: POSITIVE, np.log1p: (-0.5, 2),
    np.sin: ANY, np.cos: ANY, np.tan: ONE, np.arcsin: ONE, np.arccos: ONE, np.arctan: ANY,
    np.sinh: ANY, np.cosh: ANY, np.tanh: ANY, np.arcsinh: ANY, np.arccosh: (1.5, 3), np.arctanh: ONE,
    np.deg2rad: ANY, np.radians: ANY, np.rad2deg: ANY, np.degrees: ANY,
    np.absolute: ANY, np.fabs: ANY, np.conjugate: ANY, np.real: ANY, np.imag: ANY,
}  # fmt: skip
SHIFTED = (-1.5, 2.4)  # no entry ties with one of ANY
BINARY = {
    np.add: (ANY, ANY), np.subtract: (ANY, ANY), np.multiply: (ANY, ANY), np.true_divide: (ANY, POSITIVE),
    np.power: (POSITIVE, ANY), np.float_power: (POSITIVE, ANY),
    np.remainder: ((2.3, 2.7), (0.97, 1.03)), np.fmod: ((-2.7, -2.3), (0.97, 1.03)),
    np.divmod: ((-2.7, -2.3), (0.97, 1.03)),
    np.logaddexp: (ANY, ANY), np.logaddexp2: (ANY, ANY),
    np.arctan2: (ANY, ANY), np.hypot: (ANY, POSITIVE), np.copysign: (ANY, ANY),
    np.maximum: (ANY, SHIFTED), np.minimum: (ANY, SHIFTED), np.fmax: (ANY, SHIFTED), np.fmin: (ANY, SHIFTED),
}  # fmt: skip
SHAPES = [
    ((2, 3), (2, 3)), ((3, 1), (4,)), ((), (2, 3)), ((1,), (3,)), ((2, 1, 2), (3, 1)), ((), ()), ((0, 3), (3,)),
    ((1, 2), (0, 1)),
]  # fmt: skip

CASES: dict[Any, list[Case]] = {
    ufunc: [on(real(*shape, between=where)) for shape in ((2, 3), (), (0, 2))] for ufunc, where in UNARY.items()
} | {ufunc: [on(real(*s, between=a), real(*t, between=b)) for s, t in SHAPES] for ufunc, (a, b) in BINARY.items()}
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)

CASES[np.power] += [on(M, n) for n in (0, 1, 2, 3, 3.0, np.float64(2), np.float32(3), np.array([2, 0, 3]))]
CASES[np.power] += [on(real(4, between=POSITIVE), n) for n in (-1, 0.5, -2.5, np.array([-2.0, 0.0, 0.5, 1.0]))]
CASES[np.power] += [
    on(2, M),
    on(0.5, S),
    on(np.array([1, 2, 3]), V),
    on(real(3, between=(0.5, 2)), real(3, between=(0, 2))),
]
CASES[np.remainder] += [on(real(2, 2, between=(-2.8, -2.2)), -1.0), on(7.5, real(2, 2, between=(1.9, 2.4)))]

# --- reductions: the same axes for all of them ---------------------------------------------------------------------

AXES = [
    {}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": (-1, 1)}, {"axis": ()}, {"axis": (0, 1, 2)},
    {"keepdims": True}, {"axis": 1, "keepdims": True}, {"axis": (2, 0), "keepdims": True},
    {"axis": None, "keepdims": False},
]  # fmt: skip
REDUCTION = [on(T, **keywords) for keywords in AXES] + [on(S)]
FULL, COLUMN, LINES = mask(2, 3, 2), mask(3, 1), np.array([[True, True, False], [False] * 3])
MASKED = [
    on(T, where=FULL), on(T, axis=1, where=FULL), on(T, axis=(0, 2), where=COLUMN), on(T, axis=(1, 0), where=COLUMN),
    on(T, axis=(0, 1), where=FULL, keepdims=True), on(T, axis=-1, where=LINES[:, :, None]), on(M, where=True),
    on(M, axis=0, where=[True, False, True]), on(M, axis=(), where=np.array(True)), on(M, where=ag.Tensor(mask(2, 3))),
]  # fmt: skip
EMPTY = [on(E, axis=1), on(real(2, 0), axis=0, keepdims=True)]
ADDED = [  # sums and products
    on(E), on(E, axis=0), on(real(2, 0, 3), axis=(1, 2)), on(M, axis=1, where=LINES), on(S, axis=0), on(S, axis=()),
    on(M, initial=2.5), on(M, axis=1, initial=S, keepdims=True), on(M, axis=0, initial=real(), where=mask(2, 3)),
    on(M, initial=real(), axis=()), on(M, axis=1, where=LINES, initial=real()), on(E, axis=0, initial=real()),
    on(M, dtype=np.float32), on(M, axis=0, dtype=np.float64, keepdims=True),
]  # fmt: skip
LOW, HIGH = real(between=(-9, -9)), real(between=(9, 9))
BOUNDED = [  # maxima and minima, which need an entry or an initial value in each line
    *[on(M, axis=1, initial=bound, keepdims=True) for bound in (LOW, HIGH, -9.0, 9.0)],
    on(M, initial=real(between=(0.1, 0.1))), on(M, axis=0, initial=real(between=(0.1, 0.1))),
    on(M, axis=1, where=LINES, initial=real(between=(0.1, 0.1))), on(M, axis=(0, 1), where=mask(2, 3), initial=0.1),
    on(E, axis=0, initial=LOW), on(S, axis=0), on(S, axis=()), on(M, axis=(), initial=real(between=(0.1, 0.1))),
]  # fmt: skip
BOUNDED_WHERE = [on(*c.args, **c.kwargs, initial=bound) for c in MASKED for bound in (LOW, HIGH)]
for function in (np.sum, np.prod):
    CASES[function] = REDUCTION + MASKED + EMPTY + ADDED
CASES[np.prod] += [on(real(5)), on(real(2, 7), axis=1)]
CASES[np.max] = CASES[np.min] = REDUCTION + BOUNDED_WHERE + EMPTY + BOUNDED
CASES[np.amax] = CASES[np.amin] = REDUCTION[:2] + BOUNDED

SPREAD = [  # of var and std
    on(T, ddof=1), on(T, axis=1, ddof=1, keepdims=True), on(T, axis=(0, 2), correction=1), on(T, axis=0, ddof=0.5),
    on(T, axis=(0, 2), where=COLUMN | FULL, ddof=1), on(T, axis=1, where=FULL, correction=0.5, keepdims=True),
    on(M, axis=1, mean=real(2, 1)), on(M, axis=0, mean=real(1, 3), ddof=1, where=[True, True, True]), on(M, mean=0.3),
    on(M, axis=(0, 1), mean=real(1, 1), keepdims=True), on(M, axis=1, correction=0, mean=None),
    on([1.0, 2.0, 4.0], mean=real(1)), on([1.0, 2.0, 4.0], mean=real(), where=mask(3)),
]  # fmt: skip
MEAN = [on(M, dtype=np.float32), on(M, axis=0, dtype=np.float64, keepdims=True)]
NONE_OUT = [  # a line of which nothing is selected has no mean
    on(T, where=FULL), on(T, axis=1, where=FULL), on(T, axis=(0, 2), where=FULL), on(T, axis=(1, 0), where=COLUMN),
    on(T, axis=(0, 1), where=FULL, keepdims=True), on(M, where=True), on(M, axis=1, where=[True, False, True]),
    on(M, axis=(), where=np.array(True)), on(M, where=ag.Tensor(mask(2, 3))),
]  # fmt: skip
CASES[np.mean] = REDUCTION + NONE_OUT + EMPTY + MEAN
SPREADING = [c for c in REDUCTION + NONE_OUT if c.args[0].ndim and c.kwargs.get("axis") != ()]
CASES[np.var] = REDUCTION + NONE_OUT + EMPTY + MEAN + SPREAD
CASES[np.std] = SPREADING + EMPTY + MEAN + SPREAD
CASES[ag.logsumexp] = REDUCTION + EMPTY + [on(M, 1, True)]

# --- choices -------------------------------------------------------------------------------------------------------

CASES[np.where] = [
    on(mask(2, 3), M, real(2, 3)), on(mask(3, 1), real(4), real(3, 4)), on(mask(2, 3), M, 0.0), on(mask(2, 3), 1, S),
    on(mask(3), S, real(2, 1)), on([True, False, True], V, real(1)), on(True, M, real(3)),
    on(ag.Tensor(mask(3)), V, 2.0),
    on(np.array([0.0, 1.0, 2.0]).astype(int), V, M), on(mask(0, 3), E, V),
]  # fmt: skip
LOWS, HIGHS = real(3, between=(-0.9, -0.5)), real(2, 1, between=(0.8, 1.2))
CASES[np.clip] = [
    on(M, -0.5, 0.9), on(M, -0.5, None), on(M, None, 0.9), on(M, a_min=-0.5, a_max=1), on(M, min=-0.5), on(M, max=0.9),
    on(M, min=-0.5, max=0.9), on(M, LOWS, HIGHS), on(M, min=LOWS), on(M, max=HIGHS), on(M, [-1, -0.4, 0.2], HIGHS),
    on(S, -0.5, 0.9), on(E, -1, V), on(V, LOWS, HIGHS), on(0.3, LOWS, 2.0),
]  # fmt: skip

# --- shapes --------------------------------------------------------------------------------------------------------

CASES[np.reshape] = [
    on(M, (3, 2)), on(M, -1), on(M, (2, -1)), on(M, (3, 2), order="F"), on(T, (-1, 4), order="F"), on(M, shape=(1, 6)),
    on(S, (1, 1)), on(real(1), ()), on(E, (0, 7)), on(M, (6,), copy=True), on(M, (6,), copy=None, order="C"),
    on(M, (6, 1), copy=False),
]  # fmt: skip
CASES[np.ravel] = [on(M), on(T, order="F"), on(S), on(E), on(M, "C")]
CASES[np.transpose] = [
    on(M), on(T), on(T, (1, 2, 0)), on(T, axes=(-1, 0, -2)), on(T, [2, 0, 1]), on(S), on(V), on(E), on(T, None),
    on(real(2, 1, 3, 2), (3, 1, 0, 2)),
]  # fmt: skip
CASES[np.moveaxis] = [on(T, 0, -1), on(T, -1, 1), on(T, (0, 1), (-1, 0)), on(T, source=[2], destination=[0])]
CASES[np.swapaxes] = [on(T, 0, 2), on(T, -1, 1), on(M, axis1=0, axis2=1), on(E, 0, -1)]
CASES[np.squeeze] = [
    on(real(1, 2, 1)),
    on(real(1, 2, 1), 0),
    on(real(1, 2, 1), axis=(0, -1)),
    on(M),
    on(real(1, 1)),
    on(S, axis=()),
]
CASES[np.expand_dims] = [on(M, 0), on(M, axis=-1), on(M, (0, 2)), on(M, axis=(-1, 0, 1)), on(S, 0), on(E, 1)]
CASES[np.broadcast_to] = [
    on(M, (2, 3)), on(V, (2, 3)), on(V, shape=(2, 2, 3)), on(real(2, 1), (2, 3)), on(S, (2, 2)), on(real(1), 4),
    on(real(1), (0, 2)), on(V, (0, 3)),
]  # fmt: skip
CASES[np.copy] = [on(M), on(T, order="F"), on(S, "C"), on(E), on(M, subok=True)]
CASES[np.astype] = [
    on(M, np.float64),
    on(M, np.float32),
    on(S, "float64", copy=False),
    on(E, float),
    on(M, np.float64, device="cpu"),
]
CASES[np.concatenate] = [
    on((M, real(1, 3))), on([M, real(2, 2), real(2, 1)], axis=1), on([M, real(2, 2)], -1), on([M, V, S], axis=None),
    on([E, M]),
    on([M, [[1.0, 2.0, 3.0]], np.ones((1, 3), int), real(2, 3)]), on([V, real(2)], dtype=np.float32),
    on([3.0, M, [1, 2], S], None),
    on([V, real(2)], axis=0, dtype="float32", casting="unsafe"), on([V]), on((V, V)), on(T),
    on((ag.Tensor(np.ones(2)), V)),
]  # fmt: skip
CASES[np.stack] = [
    on([M, real(2, 3)]), on((M, real(2, 3), real(2, 3)), axis=1), on([M, real(2, 3)], -1), on([S, real(), 2.0]),
    on([V, [1, 2, 3]], axis=-2),
    on([V, real(3)], dtype=np.float32), on([V, real(3)], axis=1, dtype="float32", casting="unsafe"), on(M, axis=1),
    on([E, E]), on([V]),
]  # fmt: skip
CASES[np.split] = [
    on(real(6), 3), on(real(6), [2, 3]), on(M, 3, axis=1), on(M, [1], -1), on(M, indices_or_sections=(1, 2), axis=1),
    on(real(6), [2, 9, 11]),
    on(real(6), [4, 2]), on(real(6), [-2]), on(real(6), []), on(real(6), np.array([1, 4])), on(real(6), np.int64(2)),
    on(E, [0, 1], axis=1), on(real(4, 2), 2.0),
]  # fmt: skip

# --- products ------------------------------------------------------------------------------------------------------

MATRICES = [
    on(V, real(3)), on(M, real(3)), on(real(2), M), on(M, real(3, 2)), on(T, real(2, 2)), on(T, real(2)),
    on(real(3), T),
    on(real(4, 2, 3), real(4, 3, 1)), on(real(2, 1, 2, 3), real(3, 3, 2)), on(real(1, 2, 3), real(2, 2, 3, 1)),
    on(real(2, 2, 1, 2), real(2, 2, 2, 1)), on(real(2, 3), real(2, 2, 3, 2)), on(real(2, 2, 2, 2), real(2)),
    on(real(2), real(2, 2, 2, 2)),
    on(E, real(3, 2)), on(real(2, 0), real(0, 3)), on(real(0), real(0)), on(real(0, 2, 3), real(3, 2)),
]  # fmt: skip
CASES[np.matmul] = MATRICES
CASES[np.dot] = [
    *MATRICES[:6], on(S, real()), on(S, M), on(V, S), on(2.0, M), on(M, 3), on(V, [1.0, 2.0, 3.0]), on(M, b=real(3)),
    on(real(3), T), on(M, T),
    on(T, real(3, 2, 2)), on(real(2, 2, 1, 2), real(2, 2, 3)), on(T, real(2, 2, 2, 1)), on(E, V),
    on(real(2, 0), real(0, 3)), on(real(2, 0), real(2, 0, 2)),
]  # fmt: skip
CASES[np.tensordot] = [
    on(M, M), on(M, real(3, 2), 1), on(V, real(2), 0), on(T, real(3, 2, 2), axes=([1, 2], [0, 1])),
    on(T, M, ((0, 1), (0, 1))), on(T, M, (-2, -1)),
    on(T, T, 3), on(T, real(2, 2, 3), axes=[(0, 1), (0, 2)]), on(S, M, 0), on(E, E, (1, 1)),
    on(V, [1.0, 2.0, 3.0], 1), on(T, real(2, 3), ([1], [-1])),
]  # fmt: skip

# --- indexing ------------------------------------------------------------------------------------------------------

s_ = np.s_
INDICES = [
    # basic
    0, -1, s_[1:], s_[::-1], s_[:, -1], s_[::2, ::-2], s_[..., 0], s_[1, ..., :1], None, s_[:, None, 1:], Ellipsis,
    s_[()], s_[0, 1, 1], s_[1:1], np.int64(1), s_[np.intp(1), 0], s_[5:], s_[-1:0:-1],
    # advanced
    [0, 0, 1], np.array([1, -1, 1, 0]), np.array([[0, 1], [1, 1]]), s_[[0, 1, 1], [2, 0, 0]], s_[:, [2, 0, 2]],
    s_[[1, 0], :, [0, 1]], s_[np.array([[0], [1]]), np.array([2, 0])],
    s_[..., [0, 0], None], s_[0, :, [1, 1]], s_[[1, 1], 0], s_[None, [1], 1:], s_[:, np.array(1)], np.array(-1), [],
    s_[:, []], (np.array([0, 1]),), [[0, 1], [1, 0]], s_[1:, [0, 0], ::-1],
    ag.Tensor(np.array([1, 1, 0])), s_[ag.Tensor(1), :, ag.Tensor([0, 0])], s_[:, range(2)],
    # boolean
    mask(2, 3, 2), mask(2), mask(2, 3), s_[:, mask(3)], s_[0, mask(3, 2)], s_[mask(2, 3), 0], s_[[False, True]],
    np.zeros(2, bool), np.True_, True, False,
    s_[:, mask(3), [1, 1]], s_[mask(2), mask(3)[:1].repeat(3)], ag.Tensor(mask(2, 3, 2)), np.zeros((2, 3, 2), bool),
    s_[..., mask(2)], s_[None, mask(2)],
]  # fmt: skip
CASES[operator.getitem] = [on(T, index) for index in INDICES] + [
    on(S, ()),
    on(S, None),
    on(S, True),
    on(S, ...),
    on(E, []),
    on(E, s_[:, 1]),
    on(V, V > 0),
]
CASES[scatter] = [
    on(V, [0, 0, 1], shape=(2,)),
    on(M, s_[:2], shape=(4, 3)),
    on(M, s_[:], 1, shape=(2, 2, 3)),
    on(S, 0, 0, shape=(1, 2)),
]

# --- functions through which no cotangent passes, and those that tell metadata -------------------------------------

X, Y, N = real(2, 3), real(2, 3, between=SHIFTED), np.array([[3, 1, 2], [2, 0, 1]])
COMPARED = [
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.logical_and, np.logical_or,
    np.logical_xor,
    np.isclose, np.isin, np.heaviside,
]  # fmt: skip
TESTED = [
    np.logical_not, np.isnan, np.isinf, np.isfinite, np.isneginf, np.isposinf, np.signbit, np.isreal, np.iscomplex,
    np.all, np.any,
    np.sign, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix,
    np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero, np.zeros_like,
    np.ones_like, np.empty_like,
]  # fmt: skip
CONSTANTS: dict[Any, list[Case]] = {function: [on(X, Y), on(X, 0.25)] for function in COMPARED}
CONSTANTS |= {function: [on(X), on(V)] for function in TESTED}
CONSTANTS |= {
    np.floor_divide: [*CASES[np.divmod], on(X, 0.6)],
    np.bitwise_and: [on(N, 6)], np.bitwise_or: [on(N, N[:1])], np.bitwise_xor: [on(N, N)], np.invert: [on(N)],
    np.argpartition: [on(V, 1)], np.searchsorted: [on(np.sort(V), X)], np.digitize: [on(X, np.sort(V))],
}  # fmt: skip
for function in (np.argmax, np.argmin, np.all, np.any, np.count_nonzero):
    CONSTANTS[function] += [on(X, axis=1, keepdims=True), on(X, axis=-1)]
CONSTANTS[np.round] += [on(X, 1), on(X, decimals=1)]
CONSTANTS[np.zeros_like] += [on(X, dtype=int), on(X, shape=(4,))]

OF_ONE = [
    np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.min_scalar_type, np.common_type,
    np.array_repr, np.array_str, np.array2string,
]  # fmt: skip
OF_TWO = [np.result_type, np.shares_memory, np.may_share_memory, np.allclose, np.array_equal, np.array_equiv]
PLAIN: dict[Any, list[Case]] = {function: [on(X)] for function in OF_ONE}
PLAIN |= {function: [on(X, Y), on(X, X)] for function in OF_TWO} | {np.can_cast: [on(X.dtype, np.float32)]}

# --- what is refused at the call: keyword values that no rule handles ----------------------------------------------

REFUSED: list[tuple[Any, Case, str]] = [
    (np.reshape, on(M, (3, 2), order="A"), "order"), (np.ravel, on(M, order="A"), "order"),
    (np.ravel, on(M, "K"), "order"),
    (np.sum, on(M, dtype=int), "dtype"), (np.prod, on(M, dtype=np.int64), "dtype"), (np.astype, on(M, int), "dtype"),
    (np.where, on(M), "x"),
    (np.concatenate, on([V, V], dtype=int, casting="unsafe"), "dtype"),
]  # fmt: skip

# What NumPy itself refuses.
INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.var, on(M, ddof=1, correction=1), ValueError), (np.std, on(M, ddof=1, correction=0), ValueError),
    (np.clip, on(M, 0, 1, min=0), ValueError), (np.clip, on(M, None, 1, max=0), ValueError),
    (np.split, on(V, 2), ValueError),
    (np.split, on(V, 0), ZeroDivisionError), (np.concatenate, on([S, V]), ValueError),
    (np.concatenate, on([V, M]), ValueError),
    (np.stack, on([V, real(2)]), ValueError), (np.stack, on([V, V], axis=3), IndexError),
    (np.tensordot, on(M, M, 1), ValueError),
    (np.dot, on(M, M), ValueError), (np.matmul, on(M, M), ValueError), (np.matmul, on(M, S), ValueError),
    (np.add, on(M, real(2)), ValueError),
    (np.sum, on(M, axis=2), IndexError), (np.max, on(E), ValueError), (np.max, on(M, where=mask(2, 3)), ValueError),
    (np.mean, on(M, 3), IndexError),
    (np.reshape, on(M, 5), ValueError), (np.squeeze, on(M, 0), ValueError), (operator.getitem, on(V, 3), IndexError),
    (operator.getitem, on(V, [5]), IndexError),
    (np.transpose, on(T, (0, 1)), ValueError), (np.broadcast_to, on(V, 4), ValueError),
]  # fmt: skip
