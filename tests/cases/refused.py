"""What is refused at the call: keyword values that no rule handles, and what NumPy itself refuses."""

import operator
from typing import Any

import numpy as np

from .base import Case, Draw, mask, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)

REFUSED: list[tuple[Any, Case, str]] = [
    (np.reshape, on(M, (3, 2), order="A"), "order"), (np.ravel, on(M, order="A"), "order"),
    (np.ravel, on(M, "K"), "order"),
    (np.sum, on(M, dtype=int), "dtype"), (np.prod, on(M, dtype=np.int64), "dtype"), (np.astype, on(M, int), "dtype"),
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
