"""The methods of ufuncs, the keywords of their calls, and assignment."""

from typing import Any

import numpy as np

import autograd_mini as ag
from autograd_mini.rules.assign import assign

from .base import POSITIVE, Case, Draw, mask, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)
P, Q = real(2, 3, between=POSITIVE), real(3, 4, between=POSITIVE)
CASES: dict[Any, list[Case]] = {}

CASES[np.ufunc.__call__] = [
    on(np.add, M, V, dtype=np.float32), on(np.multiply, M, 2.0, dtype="float64", casting="unsafe"),
    on(np.tanh, M, dtype=np.float32), on(np.tanh, M, order="F"), on(np.add, M, V, subok=False),
    on(np.add, M, V, where=True), on(np.tanh, M, out=None), on(np.add, np.arange(3), V, casting="same_kind"),
    on(np.matmul, M, real(3, 2), axes=[(0, 1), (0, 1), (1, 0)]), on(np.matmul, T, M, axes=[(0, 1), (1, 0), (-1, 0)]),
    on(np.matmul, M, M, axes=[(1, 0), (0, 1), (0, 1)]),
]  # fmt: skip
CASES[np.ufunc.reduce] = [
    *(on(f, M) for f in (np.add, np.multiply, np.maximum, np.minimum, np.subtract, np.fmax, np.fmin, np.logaddexp)),
    *(on(f, P) for f in (np.true_divide, np.power, np.hypot, np.arctan2, np.logaddexp2)),
    *(on(f, T, axis=axis) for f in (np.add, np.multiply, np.maximum, np.hypot, np.logaddexp) for axis in (1, (0, -1))),
    *(on(f, T, axis=axis) for f in (np.add, np.minimum, np.logaddexp2) for axis in (None, (1,), -2)),
    on(np.add, M, axis=1, keepdims=True), on(np.subtract, T, axis=-1, keepdims=True),
    on(np.hypot, T, axis=(0, 2), keepdims=True), on(np.logaddexp, M, axis=1, keepdims=True),
    on(np.add, M, dtype=np.float32), on(np.maximum, M, dtype=np.float32), on(np.subtract, M, dtype=np.float32),
    on(np.add, M, initial=S), on(np.multiply, M, axis=1, initial=2.0, where=mask(2, 3)),
    on(np.add, M, where=mask(2, 3)),
    on(np.maximum, M, axis=1, initial=-9.0, where=mask(2, 3)), on(np.subtract, M, initial=1.5),
    on(np.hypot, M, axis=1, initial=0.5), on(np.add, E), on(np.hypot, E), on(np.add, V), on(np.subtract, real(1)),
    on(np.logaddexp, M, axis=1, initial=0.5), on(np.add, real.complex(2, 3)), on(np.subtract, real.complex(3)),
    on(np.add, M, out=None), on(np.subtract, M, axis=1, initial=None),
]  # fmt: skip
CASES[np.ufunc.accumulate] = [
    *(on(f, M) for f in (np.add, np.multiply, np.maximum, np.minimum, np.subtract, np.logaddexp)),
    *(on(f, T, axis=axis) for f in (np.add, np.multiply, np.subtract) for axis in (1, -1)),
    on(np.true_divide, P, axis=1), on(np.power, P), on(np.subtract, E), on(np.subtract, M, dtype=np.float32),
    on(np.add, M, 1, dtype=np.float32), on(np.multiply, real.complex(3)), on(np.subtract, M, 0, out=None),
]  # fmt: skip
CASES[np.ufunc.reduceat] = [
    on(np.add, real(6), [0, 2, 4]), on(np.multiply, real(6), [4, 1, 1, 0]), on(np.maximum, M, np.array([0, 1]), axis=1),
    on(np.subtract, T, [0, 2], axis=1), on(np.add, real(6), [0, 3], dtype=np.float32), on(np.add, M, [1, 0], axis=-1),
    on(np.hypot, real(4, between=POSITIVE), [0, 2], 0, out=None),
]  # fmt: skip
CASES[np.ufunc.outer] = [
    on(np.add, V, real(2)), on(np.multiply, M, V), on(np.power, real(2, between=POSITIVE), M), on(np.subtract, S, M),
    on(np.multiply, V, [1.0, 2.0]), on(np.add, V, S), on(np.multiply, V, real(2), dtype=np.float32),
    on(np.hypot, P, Q), on(np.multiply, real.complex(2), real.complex(3)), on(np.add, E, V),
]  # fmt: skip


CASES[np.ufunc.at] = [  # what it leaves in its operand
    on(np.add, V, [0, 0, 2], real(3)), on(np.subtract, M, 1, S), on(np.multiply, V, [1, 1], real(2)),
    on(np.add, M, [1, 1], V),
    on(np.multiply, M, (np.array([0, 0, 1]), np.array([2, 2, 0])), real(3)), on(np.power, P, ([0, 0], [1, 1]), real(2)),
    on(np.negative, V, [0, 0, 1]), on(np.square, M, mask(2, 3)), on(np.add, V, [], real(0)),
    on(np.maximum, V, [1, 0], 9.0),
    on(np.add, M, slice(None), V), on(np.multiply, real.complex(3), [2, 2], real.complex(2)), on(np.add, V, 0, 2.0),
]  # fmt: skip
CASES[assign] = [
    on(V, S, 1), on(V, 2.0, 0), on(V, real(2), slice(0, 2)), on(M, V, 0), on(M, S, slice(None), 1), on(M, V),
    on(M, M, ...),
    on(T, real(3, 1), ..., slice(None), slice(1, 2)), on(V, real(2), [0, 2]), on(V, real(3), np.array([0, 1, 0])),
    on(M, real(2, 2), np.array([0, 1, ]), slice(None, 2)), on(M, real(3), np.array([0, 1, 0]), np.array([1, 1, 1])),
    on(M, S, mask(2, 3)), on(M, real(4), mask(2, 3)), on(V, real(2), mask(3)), on(S, real()), on(S, real(1), ...),
    on(M, real(1, 1, 3), 1), on(M, real(1, 3), 1), on(V, [1.0, 2.0, 3.0], slice(None)), on(V, S, slice(2, 0)),
    on(T, real(2, 2), slice(None), np.array([1, 1])[0]), on(M, real(2, 3), np.array([[0, 1], [1, 0]])[0]),
    on(real.complex(3), real(2), slice(1, 3)), on(real.complex(3), real.complex(3), np.array([2, 2, 0])),
    on(V, S, ag.Tensor(1)), on(E, V), on(V, V, slice(None, None, -1)), on(M, real(3, 2).T, np.array([1, 1])),
]  # fmt: skip

REAL_ONLY = {f for f in CASES if f is not assign}  # complex operands have rows of their own
