"""Differences, integrals and interpolation."""

from typing import Any

import numpy as np

import autograd_mini as ag

from .base import Case, Draw, on

real = Draw(__name__)
V, M, T, S, E = real(5), real(3, 4), real(3, 4, 3), real(), real(0, 3)
C = real.complex(4)
CASES: dict[Any, list[Case]] = {}

CASES[np.diff] = [
    on(V), on(M), on(T, axis=0), on(T, 2, 1), on(V, n=3), on(V, 0), on(V, 7), on(E), on(E, axis=0), on(C, 2),
    on(M, axis=0, prepend=0.5), on(M, 1, -1, S, real()), on(M, prepend=real(3, 2), append=real(3, 1)),
    on(V, append=[1, 2]),
    on(M, 2, axis=0, append=real(2, 4)), on([1.0, 4.0, 2.0], prepend=S), on(C, prepend=1.0),
    on(C, append=real.complex(2)),
]  # fmt: skip
CASES[np.ediff1d] = [
    on(V), on(M), on(S), on(E), on(V, 1.5), on(V, [1, 2], real(3)), on(M, to_end=real(2, 2), to_begin=S),
    on(C, real(1)),
    on([1.0, 4.0, 2.0], to_end=real(2)),
]  # fmt: skip
CASES[np.unwrap] = [
    on(V), on(M, axis=0), on(T, 1.0, 1), on(V, period=1.1), on(M, discont=0.9, axis=-1, period=1.7), on(real(0)),
]  # fmt: skip
H, X, Y = real(between=(0.7, 0.7)), np.sort(real(4)), np.sort(real(3))
CASES[np.gradient] = [
    on(np.array([1, 4, 2, 0]), X), on(V), on(M), on(T), on(M, axis=0), on(M, axis=(1, 0)), on(M, 2.0), on(M, H),
    on(M, 0.5, H), on(V, H, edge_order=2),
    on(M, 0.5, 2, edge_order=2), on(M, Y, X), on(M, Y, X, edge_order=2), on(M, X, axis=1),
    on(M, X, axis=-1, edge_order=2),
    on(M, H, X, axis=(0, 1)), on(C), on(C, X, edge_order=2), on(C, real(between=(0.7, 0.7))),
    on([1.0, 4.0, 2.0], H), on(real(2), real(2)), on(V, edge_order=2),
]  # fmt: skip
CASES[np.trapezoid] = [
    on(V), on(M), on(T, axis=1), on(M, dx=0.5), on(M, X), on(M, x=Y, axis=0), on(M, np.sort(real(3, 4), 1)),
    on(M, None, H, 0),
    on(M, dx=H), on(T, Y, axis=0), on(C, X), on(C, real.complex(4)), on([1.0, 2.0, 4.0, 3.0], X),
    on(V, dx=[1, 2, 1, 0.5]),
    on(real(1)), on(M, dx=real(3)),
]  # fmt: skip

XP, FP, AT = np.sort(real(5)), real(5), real(4, between=(-1.5, 1.9))
BEYOND = np.array([[-3.0, 0.11], [2.9, 0.7]])
CASES[np.interp] = [
    on(AT, XP, FP), on(BEYOND, XP, FP), on(BEYOND, XP, FP, ag.Tensor(0.3), ag.Tensor(-2.0)),
    on(BEYOND, XP, FP, left=-1.0, right=2.5),
    on(np.array(0.3), XP, FP), on(0.3, XP, FP), on([0.3, -9.0], XP, FP), on(AT, [-2.0, 0.01, 2.2], FP[:3]),
    on(BEYOND, XP, FP, period=5.3), on(BEYOND, real(5), FP, period=2.75), on(BEYOND, real(5), FP, None, None, -3.1),
    on(AT, XP, real.complex(5)), on(BEYOND, XP, real.complex(5), period=2.9),
    on(BEYOND, XP, real.complex(5), 2.0 - 1j, 1.0),
    on(real(0), XP, FP), on(BEYOND, real(1), real(1)), on(AT, XP, [0, 3, 1, 2, 5]),
    on(BEYOND, real(2), real(2), period=ag.Tensor(9.3)),
]  # fmt: skip

INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.diff, on(V, -1), ValueError), (np.diff, on(S), ValueError), (np.ediff1d, on(V, real.complex(1)), TypeError),
    (np.gradient, on(M, 1.0, 1.0, 1.0), TypeError), (np.gradient, on(V, edge_order=3), ValueError),
    (np.gradient, on(real(1)), ValueError), (np.gradient, on(M, X, X), ValueError),
    (np.gradient, on(M, M, M), ValueError),
    (np.interp, on(AT, XP, real(3)), ValueError), (np.interp, on(AT, real(0), real(0)), ValueError),
    (np.interp, on(AT, XP, FP, period=0), ValueError),
]  # fmt: skip
