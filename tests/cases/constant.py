"""Functions through which no cotangent passes, and those that tell metadata."""

import io
from typing import Any

import numpy as np

from . import elementwise
from .base import SHIFTED, Case, Draw, on

real = Draw(__name__)
V = real(3)

X, Y, N = real(2, 3), real(2, 3, between=SHIFTED), np.array([[3, 1, 2], [2, 0, 1]])
COMPARED = [
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.logical_and, np.logical_or,
    np.logical_xor,
    np.isclose, np.isin,
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
    np.floor_divide: [*elementwise.CASES[np.divmod], on(X, 0.6)],
    np.bitwise_and: [on(N, 6)], np.gcd: [on(N, 6)], np.lcm: [on(N, 6)], np.left_shift: [on(N, 1)],
    np.right_shift: [on(N, 1)], np.bitwise_count: [on(N)], np.spacing: [on(X), on(V)],
    np.bitwise_or: [on(N, N[:1])], np.bitwise_xor: [on(N, N)], np.invert: [on(N)],
    np.argpartition: [on(V, 1)], np.searchsorted: [on(np.sort(V), X)], np.digitize: [on(X, np.sort(V))],
}  # fmt: skip
for function in (np.argmax, np.argmin, np.all, np.any, np.count_nonzero):
    CONSTANTS[function] += [on(X, axis=1, keepdims=True), on(X, axis=-1)]
CONSTANTS[np.round] += [on(X, 1), on(X, decimals=1)]
CONSTANTS[np.zeros_like] += [on(X, dtype=int), on(X, shape=(4,))]

SQUARE = real(3, 3)
CONSTANTS |= {
    np.diag_indices_from: [on(SQUARE)], np.tril_indices_from: [on(SQUARE),
    on(X, k=-1)], np.triu_indices_from: [on(X, 1)],
    np.lexsort: [on(X), on(X, axis=0)], np.unravel_index: [on(N, (2, 3))],
    np.ravel_multi_index: [on(N[:, :2], (4, 4))], np.packbits: [on(N), on(N > 1, 1)],
    np.unpackbits: [on(N.astype(np.uint8), axis=0)], 
}  # fmt: skip

OF_ONE = [
    np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, np.min_scalar_type, np.common_type,
    np.array_repr, np.array_str, np.array2string,
]  # fmt: skip
OF_TWO = [np.result_type, np.shares_memory, np.may_share_memory, np.allclose, np.array_equal, np.array_equiv]
PLAIN: dict[Any, list[Case]] = {function: [on(X)] for function in OF_ONE}
PLAIN |= {function: [on(X, Y), on(X, X)] for function in OF_TWO} | {np.can_cast: [on(X.dtype, np.float32)]}
PLAIN |= {function: [on(io.BytesIO(), X)] for function in (np.save, np.savetxt, np.savez, np.savez_compressed)}
