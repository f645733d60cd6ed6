"""Sorting and sets."""

from typing import Any

import numpy as np

import autograd_mini as ag
from autograd_mini.rules.sort import order, order_of_parts

from .base import SHIFTED, Case, Draw, on

real = Draw(__name__)
V, M, T, S, E, Z = real(5), real(2, 3), real(2, 3, 2), real(), real(0, 3), real.complex(2, 3)
CASES: dict[Any, list[Case]] = {}
CONSTANTS: dict[Any, list[Case]] = {
    order: [on(M), on(M, axis=0, kind="heapsort")], order_of_parts: [on(V, 2), on(M, 1, axis=0)],
}  # fmt: skip

CASES[np.sort] = [
    on(V), on(M), on(M, 0), on(T, axis=1), on(T, axis=None), on(T, axis=-2), on(E), on(E, 0), on(real(0)), on(V[:1]),
    *[on(T, 1, kind) for kind in ("quicksort", "mergesort", "heapsort", "stable")], on(V, stable=True),
    on(V, kind=None),     on(V, stable=False), on(Z), on(Z, axis=None),
]  # fmt: skip
CASES[np.partition] = [
    on(V, 2), on(V, -1), on(M, 1, 0), on(T, 3, None), on(T, kth=1, axis=-2), on(real(9), (2, 5)),
    on(real(40, between=(-20, 20)), [7, 20, 3]),     on(V, 2, kind="introselect"), on(Z, 1),
    on(real(3, 40, between=(-60, 60)), 11, axis=1),
    on(V, ag.Tensor(2)),
]  # fmt: skip
CASES[np.sort_complex] = [on(Z), on(V), on(M), on(E)]

A, B, C = real(2, 3), real(4, between=SHIFTED), real.complex(2, 3, between=(3, 9))
CASES[np.unique] = [
    on(V), on(M), on(S), on(E), on(M, axis=0), on(T, axis=1), on(T, axis=-1), on(M, False, False, False, 1), on(Z),
    on(V, equal_nan=False), on(V, equal_nan=True),
    on(M, True, True, True), on(M, return_index=True, axis=1), on(M, return_inverse=True, return_counts=True, axis=0),
]  # fmt: skip
if np.lib.NumpyVersion(np.__version__) >= "2.3.0":
    CASES[np.unique] += [on(V, sorted=True)]
CASES[np.unique_values] = [on(V), on(T), on(E)]  # of complex numbers the order jumps
for function in (np.unique_all, np.unique_counts, np.unique_inverse):
    CASES[function] = [on(V), on(T), on(E), on(real.complex(3))]
CASES[np.union1d] = [on(V, B), on(A, B), on(A, [9.0, 8.0]), on(ar1=E, ar2=V), on(C, B), on([9.0, 8.0], V), on(V, E)]
CASES[np.setdiff1d] = [
    on(A, B), on(A, [9.0, 8.0]), on(V, B, True), on(A, B, assume_unique=True), on(E, V), on(C, B), on(V, E),
]  # fmt: skip
CASES[np.setxor1d] = [
    on(A, B), on(A, [9.0, 8.0]), on(V, B, True), on(V, B, assume_unique=True), on(E, V), on(C, B), on(E, real(0)),
]  # fmt: skip
CASES[np.intersect1d] = [
    on(A, B), on(V, [9.0]), on(V, B, True), on(V, B, assume_unique=False, return_indices=False),
    on(V, B, return_indices=True), on(E, V), on(C, B),
]  # fmt: skip

REFUSED: list[tuple[Any, Case, str]] = [
    (np.sort, on(V, order="f"), "order"), (np.partition, on(V, 1, order="f"), "order"),
]  # fmt: skip
INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.sort, on(V, 1), IndexError), (np.sort, on(V, kind="xyz"), ValueError),
    (np.sort, on(V, kind="stable", stable=True), ValueError), (np.partition, on(V, 5), ValueError),
    (np.sort, on(S), IndexError), (np.partition, on(V, 1, 1), IndexError), (np.unique, on(M, axis=2), IndexError),
]  # fmt: skip
