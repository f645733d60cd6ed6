"""Indexing."""

import operator
from typing import Any

import numpy as np

import autograd_mini as ag
from autograd_mini.rules.index import constants, scatter, values

from .base import Case, Draw, mask, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)
CASES: dict[Any, list[Case]] = {}

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
CONSTANTS: dict[Any, list[Case]] = {constants: [on(np.arange(3), V)]}
PLAIN: dict[Any, list[Case]] = {values: [on(real(1))]}

# --- taking
Z = real.complex(2, 3)
CASES[np.take] = [
    on(V, 1), on(V, [0, 0, 2]), on(M, [5, 0, 0]), on(M, [[2, 0], [0, 1]], 1), on(T, 0, axis=-1), on(T, [1, 1, -1], 1),
    on(V, [-1, 0, -3]), on(V, [7, -5], mode="clip"), on(M, [4, -2, 3], 1, mode="wrap"), on(M, [], 0),
    on(M, np.array(1), 0),
    on(V, ag.Tensor([2, 0])), on(S, 0), on(S, [0, 0], axis=0), on(E, [2, 0], 1), on(V, np.array([True, False])),
    on(a=M, indices=(0, 2), axis=1, mode="raise"), on(Z, [2, 2], 1), on(V, np.uint8([1, 1])),
]  # fmt: skip
ORDER = np.argsort(T, 1)
CASES[np.take_along_axis] = [
    on(M, np.array([[0, 0], [2, 1]]), 1), on(M, np.array([[1, 0, 1]]), axis=0), on(T, ORDER, axis=1),
    on(T, ORDER[:1], 1),
    on(T, ORDER[:, :, :1], -2), on(M, np.array([3, 3, -1]), None), on(M, np.array([[1], [-1]]), -1),
    on(Z, ORDER[:, :, 0], 1),
    on(V, ag.Tensor([2, 2])), on(M, np.array([[1], [1]])), on(E, np.zeros((0, 2), int), 1),
    on(M[:1], ORDER[:, :, 0], 1),
]  # fmt: skip
CASES[np.compress] = [
    on([True, False, True], V), on([0, 1], M), on([False, True], M, 0), on([1, 0, 1], T, axis=1),
    on(mask(2), T, axis=-1),
    on(ag.Tensor(mask(3)), V), on(np.array([0.5, 0.0]).tolist(), M, 1), on([], V), on([True], S), on([1, 0, 1], Z, 1),
    on(condition=[True], a=M, axis=1), on([True], E, 1),
]  # fmt: skip
CASES[np.extract] = [
    on(mask(2, 3), M), on([[True, False, True]] * 2, M), on(mask(3), V), on(mask(2, 3, 2), T), on([1, 0, 1], arr=V),
    on(True, S), on(mask(0, 3), E), on(mask(2, 3), Z), on(ag.Tensor(mask(3)), V), on(mask(2), V),
]  # fmt: skip
WHICH = np.array([[0, 1, 1], [1, 0, 0]])
CASES[np.choose] = [
    on(WHICH, [M, real(2, 3)]), on(WHICH, (M, S)), on(WHICH[0], [M, V]), on(WHICH, [M, 2.0]), on(1, [V, real(3)]),
    on(WHICH * 3, [M, V], mode="clip"), on(WHICH - 1, [M, V, S], None, "wrap"), on(ag.Tensor(WHICH), [V, V]),
    on([0, 1, 0], choices=T[:, :, 0]), on(WHICH[:, :1], [V, M], mode="raise"), on(WHICH, [Z, M]),
    on(WHICH[:, :0], [V[:0], S]),
]  # fmt: skip
CASES[np.select] = [
    on([M < 0, M > 1], [M, real(2, 3)]), on([M < 0], [M * 2], 7.0), on([mask(3), mask(2, 1)], [V, M], default=2),
    on([mask(2, 3)], [S], 1.5), on((True, mask(3)), (V, M)), on([mask(3), mask(3)], [1, V]), on([mask(3)], [V], 2.0),
    on([mask(0, 3)], [E], 1), on([np.False_], [S], 1), on([ag.Tensor(mask(3))], [V]), on([mask(3)], [Z], 2),
    on(condlist=[mask(3)], choicelist=[V], default=0), on([mask(3), mask(3)], [[1, 2, 3], V]),
]  # fmt: skip


def shifted(part, by=1.0, *, power=2):
    """Of a part of the domain."""
    return (part + by) ** power


CASES[np.piecewise] = [
    on(M, [M < 0, M >= 0], [np.square, np.sin]), on(M, [M < 0], [np.square, np.sin]),
    on(M, [M < 0, M > 1], [-1, 1, np.exp]),
    on(V, [V < 0], [1.5, 2]), on(V, V < 0, [np.square, 0]), on(S, S < 9, [np.square, np.sin]),
    on(S, [S > 9], [2.0, shifted]),
    on(V, [mask(3), ~mask(3)[::-1]], [shifted, shifted], 3.0), on(V, [mask(3)], [shifted], 0.5, power=3),
    on(E, [E < 0], [shifted]),
    on(T, [T > 0, T > 1], [np.sin, np.cos, np.sum]), on(V, [V > 9], [np.sum]),
    on(Z, [np.real(Z) > 0], [np.square, shifted]),
    on(V, [[True, False, True]], [shifted, 2]), on(V, [True, False, True], [shifted, 2]),
]  # fmt: skip

# --- diagonals and triangles
Q = real(2, 3, 4, 3)
CASES[np.diagonal] = [
    on(M), on(M, 1), on(M, offset=-1), on(T, 0, 1, 2), on(T, 1, axis1=-1, axis2=0), on(Q, -1, 3, 1), on(M, 5),
    on(real(0, 3)),
    on(real(3, 3)), on(Z, 1),
]  # fmt: skip
CASES[np.trace] = [
    on(M), on(M, 1), on(M, offset=-1), on(T, 0, 1, 2), on(T, 1, axis1=-1, axis2=0), on(Q, -1, 3, 1), on(M, 5),
    on(M, dtype=np.float32), on(E), on(Z),
]  # fmt: skip
CASES[np.diag] = [
    on(V),
    on(V, 1),
    on(V, k=-2),
    on(M),
    on(M, -1),
    on(M, k=2),
    on(real(0)),
    on(E),
    on(Z, 1),
    on(real(1), 0),
]
CASES[np.diagflat] = [on(V), on(M, 1), on(S), on(T, k=-1), on(real(0)), on(Z)]
for function in (np.tril, np.triu):
    CASES[function] = [
        on(M), on(M, 1), on(M, k=-1), on(T), on(T, -1), on(V), on(real(3, 3), 0), on(E), on(M, 9), on(M, -9), on(Z, 1),
    ]  # fmt: skip

# --- writing in place
PICK = np.array([[2, 0], [1, 1]])
CASES[np.put] = [
    on(V, 1, S), on(M, [0, -1], real(2)), on(M, [1, 1, 3], real(3)), on(M, [0, 1, 2], real(2)), on(V, [0, 2], 3.0),
    on(M, [7, -9], real(2), mode="clip"), on(M, [7, -9], real(2), "wrap"), on(V, ag.Tensor([0, 1]), real(1, 2)),
    on(a=V, ind=[[0, 1]], v=real(4)), on(V, [], S), on(Z, [0, 3], real(2)), on(E, [], V),
]  # fmt: skip
CASES[np.put_along_axis] = [
    on(M, PICK, real(2, 2), 1), on(M, np.array([[1, 0, 1]]), S, axis=0), on(M, np.array([3, 3, 0]), real(3), None),
    on(T, np.argsort(T, 1)[:, :2], real(2, 2, 1), -2), on(arr=M, indices=PICK, values=real(2, 1), axis=-1),
    on(M, ag.Tensor(PICK), 2.0, 1), on(Z, PICK, real(2), 1),
]  # fmt: skip
for function in (np.place, np.putmask):
    CASES[function] = [
        on(M, mask(2, 3), real(4)), on(M, mask(2, 3), real(2)), on(M, mask(2, 3), S),
        on(V, [True, False, True], real(3)),
        on(M, mask(2, 3), 2.0), on(V, ag.Tensor(mask(3)), real(2)), on(M, mask(2, 3), real(2, 3)), on(E, mask(0, 3), V),
        on(Z, mask(2, 3), real(4)), on(T, T > 0, real(30)),
    ]  # fmt: skip
CASES[np.place] += [on(arr=M, mask=mask(2, 3), vals=real(2))]
CASES[np.putmask] += [on(M, mask=mask(2, 3), values=real(2))]
CASES[np.copyto] = [
    on(M, real(2, 3)), on(M, V), on(M, S), on(M, 2), on(M, real(2, 1), where=mask(3)), on(V, S, "unsafe", mask(3)),
    on(dst=M, src=V, casting="same_kind", where=[[True], [False]]), on(E, V), on(Z, M), on(V, real(1, 3)),
    on(M, V, where=True), on(V, S, where=ag.Tensor(mask(3))),
]  # fmt: skip
CASES[np.fill_diagonal] = [
    on(M, S), on(real(3, 3), V), on(real(5, 2), V, True), on(real(7, 2), V, wrap=True), on(real(5, 2), S), on(M, 2.0),
    on(real(2, 2, 2), real(2)), on(a=real(3, 4), val=real(2)), on(Z, S), on(real(3, 3), real(2, 2)),
]  # fmt: skip

INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.take, on(V, 3), IndexError), (np.take, on(V, 0, 1), IndexError), (np.take, on(V, np.array([0.5])), TypeError),
    (np.take, on(real(0), 0, mode="clip"), IndexError), (np.take, on(V, 0, mode="worry"), ValueError),
    (np.take_along_axis, on(M, np.array([0]), 1), ValueError),
    (np.take_along_axis, on(M, np.array([[0.5]]), 1), IndexError),
    (np.choose, on([0, 2, 1], [V, S]), ValueError), (np.select, on([mask(3)], [V, V]), ValueError),
    (np.select, on([[1, 0, 1]], [V]), TypeError), (np.select, on([], []), ValueError),
    (np.piecewise, on(V, [V < 0], [1, 2, 3]), ValueError), (np.compress, on([0, 0, 0, 1], V), IndexError),
    (np.diagonal, on(V), ValueError), (np.diagonal, on(T, 0, 1, 1), ValueError), (np.diag, on(T), ValueError),
    (np.diag, on(S), ValueError), (np.put, on(V, 5, 1.0), IndexError), (np.copyto, on(M, real(2)), ValueError),
    (np.copyto, on(V, real.complex(3)), TypeError), (np.fill_diagonal, on(V, 1.0), ValueError),
    (np.fill_diagonal, on(T, 1.0), ValueError), (np.place, on(V, mask(3), []), ValueError),
    (np.place, on(V.astype(np.float32), mask(3), V), TypeError),
    (np.putmask, on(V.astype(np.float32), mask(3), V), TypeError),
    (np.put_along_axis, on(M, np.array([0]), V, 1), ValueError), (np.putmask, on(V, mask(2), S), ValueError),
]  # fmt: skip
