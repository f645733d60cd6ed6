"""Polynomials."""

from typing import Any

import numpy as np

import autograd_mini as ag

from .base import Case, Draw, on

real = Draw(__name__)
V, W, S, M = real(4), real(3), real(), real(2, 3)
C, D = real.complex(4), real.complex(2)
CASES: dict[Any, list[Case]] = {}

for function in (np.polyadd, np.polysub, np.polymul):
    CASES[function] = [
        on(V, W), on(W, V), on(V, real(4)), on(V, S), on(V, [1, 2]), on([1.0, 2.0], V), on(C, D), on(C, V), on(D, V),
        on(V, 2.0),
    ]  # fmt: skip
# their first coefficients divide exactly: NumPy drops a remainder's leading zeros after their rounding
HALF, LONG, CO = np.array([2.0, 0.7]), np.array([-0.5, 0.3, 1.1]), np.array([2.0, 0.7 + 0.3j])
CASES[np.polydiv] = [
    on(V, HALF), on(V, LONG), on(real(5), HALF), on(V, np.array([0.5, 1.2, 0.3, -1.0])), on(real(2), V),
    on(V, np.array(0.5)), on(V, [2, 1]), on([1.0, 2.0, 3.0], HALF), on(C, CO), on(C, HALF), on(V, CO),
]  # fmt: skip
CASES[np.polyder] = [on(V), on(V, 2), on(V, m=0), on(V, 4), on(C), on(real(1))]
CASES[np.polyint] = [
    on(V), on(V, 2), on(V, m=0), on(V, 1, ag.Tensor(0.5)), on(V, 3, [1, 2, 0.5]), on(V, 2, k=ag.Tensor([1.5])),
    on(V, k=[1.5]), on(C, 2), on(C, 1, 0.3),
]  # fmt: skip
CASES[np.polyval] = [
    on(V, S), on(V, M), on(V, 2.0), on(V, [1.0, 2.0]), on([1, 2, 3], M), on(C, D), on(V, D), on(C, M), on(real(1), M),
    on(real(0), M), on(V, real(0)),
]  # fmt: skip
CASES[np.poly] = [on(V), on(real(1)), on(C), on(np.array([[2.0, 1.0], [0.3, -1.0]])), on(D)]
APART = np.poly([3.0, -1.4, 0.5, 0.1]) * 1.5  # else a step may change the order in which they are found
CASES[np.roots] = [
    on(APART), on(real(2)), on(np.array([1.0, 0.4, 2.0])), on(np.poly([2 + 2j, -1 + 0.5j, 0.2 - 0.3j])),
    on(np.array([2.0, 1.0, -3.0, 0.0])),
    on(np.poly([3j, -1.5, 0.7 - 0.2j, 0.1]) * (1 - 0.5j)),
    on(np.array([1.0, 0.0, 1.5, 0.2])), on(real(1)),
]  # fmt: skip
X, Y = np.linspace(-1, 1.5, 6) ** 3 + np.linspace(0, 1, 6), real(6)
CASES[np.polyfit] = [
    on(X, Y, 2), on(X, real(6, 2), 1), on(X, Y, 0), on(X, Y, deg=3, w=real(6, between=(0.5, 2))),
    on(X, real(6, 2), 1, w=[1, 2, 1, 2, 1, 1]),
    on([0, 1, 2, 3, 4, 6], Y, 1), on(X, [0.0, 1, 2, 1, 4, 3], 2), on(X, Y, 3), on(X, Y, 2, 1e-12),
    on(X, real.complex(6), 1),
    on(X, Y, 1, cov=True), on(X, real(6, 2), 1, cov=True), on(X, Y, 2, w=real(6, between=(0.5, 2)), cov="unscaled"),
    on(X, Y, 1, w=ag.Tensor([1.0, 2, 1, 1, 1, 1])),
]  # fmt: skip

INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.poly, on(M), ValueError), (np.polyder, on(V, -1), ValueError), (np.polyint, on(V, -1), ValueError),
    (np.polyint, on(V, 3, [1, 2]), ValueError), (np.polyfit, on(X, Y, -1), ValueError),
    (np.polyfit, on(M, Y, 1), TypeError),
    (np.polyfit, on(real(0), real(0), 1), TypeError), (np.polyfit, on(X, S, 1), TypeError),
    (np.polyfit, on(X, V, 1), TypeError),
    (np.polyfit, on(X, Y, 1, w=M), TypeError), (np.polyfit, on(X, Y, 1, w=V), TypeError), (np.roots, on(M), ValueError),
]  # fmt: skip
REFUSED: list[tuple[Any, Case, str]] = [
    (np.polyadd, on(V, np.poly1d([1.0, 2.0])), "coeffs"), (np.polymul, on(np.poly1d([1.0, 2.0]), V), "coeffs"),
    (np.polyval, on(V, np.poly1d([1.0, 2.0])), "coeffs"),
]  # fmt: skip
