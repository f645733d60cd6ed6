"""Choices and shapes."""

from typing import Any

import numpy as np

import autograd_mini as ag

from .base import Case, Draw, mask, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)
CASES: dict[Any, list[Case]] = {}

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
T4, Z = real(2, 1, 3, 2), real.complex(2, 3)
CASES[np.flip] = [
    on(M), on(T, 1), on(T, axis=-1), on(T, (0, 2)), on(T, (-1, 0)), on(T, ()), on(T, axis=None), on(S), on(E, 1), on(V),
    on(Z, 1),
]  # fmt: skip
CASES[np.fliplr] = [on(M), on(T), on(E), on(m=Z)]
CASES[np.flipud] = [on(M), on(T), on(E), on(V), on(m=Z)]
CASES[np.roll] = [
    on(M, 1), on(M, -2), on(T, 7), on(T, 2, 1), on(T, shift=-1, axis=-1), on(T, (1, -1), (0, 2)), on(T, (1, 2), 1),
    on(T, 1, (0, 1)), on(T, 1, axis=(1, 1)), on(T, [1, 0, 3], [2, 0, 1]), on(S, 1), on(E, 1), on(E, 2, axis=1),
    on(V, np.array(2)), on(V, ag.Tensor(1)), on(Z, 1, 0), on(V, 0),
]  # fmt: skip
CASES[np.rot90] = [
    *[on(M, k) for k in range(-4, 6)], on(T, axes=(1, 2)), on(T, 1, (2, 0)), on(T, k=3, axes=(-1, 0)), on(E), on(Z),
]  # fmt: skip
CASES[np.rollaxis] = [
    *[on(T, axis, start) for axis in (0, 1, -1) for start in (-3, -1, 0, 2, 3)], on(a=T, axis=2), on(E, 1), on(V, 0),
    on(M, -2, start=2), on(Z, 1),
]  # fmt: skip
CASES[np.matrix_transpose] = [on(M), on(T), on(T4), on(E), on(Z)]
CASES[np.atleast_1d] = [on(S), on(M), on(S, V, M), on(E)]
CASES[np.atleast_2d] = [on(S), on(V), on(M), on(T), on(S, V, T), on(E), on(real(0))]
CASES[np.atleast_3d] = [on(S), on(V), on(M), on(T), on(T4), on(S, V, M), on(real(0)), on(Z)]
CASES[np.broadcast_arrays] = [
    on(M, V), on(S, M, real(2, 1)), on(M), on(V, real(2, 1, 1), subok=False), on(E, V), on(S, S), on(Z, V),
]  # fmt: skip
CASES[np.meshgrid] = [
    on(V, real(2)), on(V, real(2), indexing="ij"), on(V, real(2), sparse=True), on(V, real(2), copy=False), on(V),
    on(S), on(V, real(2), real(4)),
    on(V, real(2), real(4), sparse=True, indexing="ij", copy=False), on(V, real(0)), on(S, V),
    on(V, real(2), sparse=True, copy=False), on(M, V), on(V, V), on(real.complex(2), V),
]  # fmt: skip
CASES[np.ix_] = [on(V), on(V, real(2)), on(V, real(2), real(4)), on(real(0), V)]
CASES[np.copy] = [on(M), on(T, order="F"), on(S, "C"), on(E), on(M, subok=True)]
CASES[np.astype] = [
    on(M, np.float64),
    on(M, np.float32),
    on(S, "float64", copy=False),
    on(E, float),
    on(M, np.float64, device="cpu"),
]
