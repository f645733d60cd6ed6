"""Arrays made from others."""

from typing import Any

import numpy as np

import autograd_mini as ag

from .base import POSITIVE, Case, Draw, on

real = Draw(__name__)
V, M, T, S, E, Z = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3), real.complex(2, 3)
LIKE, P = ag.Tensor(0.0), real(3, between=POSITIVE)
CASES: dict[Any, list[Case]] = {}
CONSTANTS: dict[Any, list[Case]] = {
    np.zeros: [on((2, 3), like=LIKE), on(3, int, like=LIKE)], np.ones: [on((2, 3), like=LIKE)],
    np.empty: [on((0, 3), like=LIKE)], np.eye: [on(2, like=LIKE), on(2, 3, k=1, dtype=int, like=LIKE)],
    np.identity: [on(2, like=LIKE)], np.tri: [on(2, 3, -1, like=LIKE)], np.arange: [on(3, like=LIKE)],
    np.frombuffer: [on(b"abc", np.uint8, like=LIKE)], np.fromfile: [on("/dev/null", like=LIKE)],
    np.fromiter: [on([1, 2], int, like=LIKE)], np.fromstring: [on("1 2", sep=" ", like=LIKE)],
    np.loadtxt: [on(["1 2", "3 4"], like=LIKE)], np.genfromtxt: [on(["1 2", "3 4"], like=LIKE)],
}  # fmt: skip

CASES[np.linspace] = [
    on(S, real()), on(S, 3.0), on(-2, S), on(V, real(3), 4), on(M, V, 3), on(V, S, num=5, axis=-1),
    on(M, 2.5, 3, axis=1),     on(S, real(), 5, False), on(V, real(3), 4, endpoint=False), on(S, real(), 1),
    on(S, real(), 0), on(V, S, 1, False),
    on(S, real(), 2), on(V, real(3), 4, retstep=True), on(S, real(), 4, False, True), on(S, S), on(E, V, 2),
    on(V, real(3), 4, dtype=np.float32), on(S, real(), 3, dtype=complex), on(V, [1, 2, 3], 3),
    on(V, 1, 3, device="cpu"),     on(real.complex(3), V, 3), on(start=S, stop=real(2), num=3, axis=1),
    on(S, 2, np.int64(3)),
]  # fmt: skip
CASES[np.logspace] = [
    on(S, real()), on(S, 1.5, 4), on(-1, S, 4), on(V, real(3), 4), on(V, S, num=5, axis=-1), on(S, real(), 5, False),
    on(V, real(3), 4, endpoint=False, base=2.0),
    on(real(between=POSITIVE), real(), 3, base=real(between=POSITIVE)), on(S, real(), 1),
    on(P, real(3), 4, base=real(3, between=POSITIVE)), on(P, real(3), 4, True, real(3, between=POSITIVE), axis=-1),
    on(S, real(), 3, base=real(3, between=POSITIVE)), on(V, real(3), 4, dtype=np.float32), on(S, real(), 0),
    on(real.complex(3), V, 3), on(start=S, stop=real(), num=3, base=3),
]  # fmt: skip
N = real(3, between=(-2.2, -1.3))
CASES[np.geomspace] = [
    on(P, real(3, between=(3, 9))), on(P, 5.0, 4), on(2, P, 4), on(N, real(3, between=(-9, -4)), 4),
    on(P, 5, 3, axis=-1),     on(P, 5.0, 4, False), on(P, real(3, between=(3, 9)), num=4, endpoint=False),
    on(P, 5.0, 1), on(P, 5.0, 0),
    on(P, 7.0, 4, dtype=np.float32), on(real.complex(3, between=POSITIVE), real.complex(3, between=(2, 3)), 4),
    on(real.complex(3, between=POSITIVE), P, 4), on(start=P, stop=real(2, 3, between=(3, 9)), num=3), on(P, 7.0, 2),
]  # fmt: skip

A = ag.Tensor(M)  # where NumPy looks for a Tensor
CASES[np.full_like] = [
    on(A, S), on(A, V), on(A, real(2, 1)), on(A, S, shape=(4,)), on(A, S, np.float32), on(A, S, order="C"),
    on(A, V, subok=False), on(ag.Tensor(E), S), on(A, fill_value=V, device="cpu"), on(M, 2.0),
    on(ag.Tensor([[1, 2, 3]]), V, dtype=float, order="F", shape=None), on(ag.Tensor(Z), real.complex()),
]  # fmt: skip
CASES[np.vander] = [on(V), on(V, 2), on(V, N=4, increasing=True), on(V, 0), on(real(0)), on(real.complex(3)), on(V, 1)]
CASES[np.nan_to_num] = [
    on(M), on(S), on(E), on(Z), on(M, nan=1.5), on(M, posinf=2.0, neginf=-2.0), on(M, True, 0.0, 1, 2),
    on(x=V, copy=True),
]  # fmt: skip
CASES[np.real_if_close] = [on(M), on(Z), on(Z, 10), on(a=V, tol=0.5)]


def mean_square(line):
    """Both of several numbers a line."""
    return np.stack([np.mean(line), np.sum(line * line)])


def scaled(line, by=1, *, power=1):
    """A line for a line."""
    return by * line**power


def rows(line):
    """Two axes for one."""
    return line[:, None] * line


CASES[np.apply_along_axis] = [
    on(np.sum, 0, M), on(np.sum, axis=-1, arr=T), on(mean_square, 1, T), on(mean_square, 0, T), on(rows, 1, T),
    on(scaled, 0, M, 2, power=3), on(scaled, -1, T, 3.0), on(np.sum, 0, V), on(np.sort, 1, M), on(rows, 0, V),
    on(np.sum, 1, Z),
]  # fmt: skip
CASES[np.apply_over_axes] = [
    on(np.sum, M, 0), on(np.sum, T, (0, 2)), on(np.sum, T, [0, -1]), on(np.cumsum, M, 1),
    on(func=np.sum, a=T, axes=(1,)),     on(np.mean, M, ()), on(np.sum, Z, 1), on(np.max, T, (1, 2)),
]  # fmt: skip

# what takes like=
MADE = [
    on(M, like=LIKE),
    on(S, like=LIKE),
    on([V, V], like=LIKE),
    on([[S, 1.0], [2.0, S]], like=LIKE),
    on(Z, like=LIKE),
]
DTYPE = [on(M, dtype=np.float32, like=LIKE), on(M, dtype=float, like=LIKE)]
CASES[np.array] = [
    *MADE, *DTYPE, on(M, copy=True, like=LIKE), on(M, order="F", like=LIKE), on(M, copy=None, like=LIKE),
    on(V, ndmin=3, like=LIKE), on(V, subok=True, like=LIKE),
]  # fmt: skip
CASES[np.asarray] = CASES[np.asanyarray] = [
    *MADE, *DTYPE, on(M, order="C", like=LIKE), on(M, copy=True, like=LIKE), on(M, device="cpu", like=LIKE),
]  # fmt: skip
CASES[np.ascontiguousarray] = CASES[np.asfortranarray] = [*MADE, *DTYPE]
CASES[np.require] = [*MADE, *DTYPE]
CASES[np.full] = [
    on((2, 3), S, like=LIKE), on(3, V, like=LIKE), on((2, 3), V, dtype=np.float32, like=LIKE),
    on((), S, order="F", like=LIKE),     on(shape=2, fill_value=S, dtype=float, device="cpu", like=LIKE),
    on((0, 3), V, like=LIKE),
]  # fmt: skip


def powers(i, j, base=2.0):
    """Of the coordinates, times a Tensor."""
    return base ** (i + j)


CASES[np.fromfunction] = [on(powers, (2, 3), base=real(between=POSITIVE), like=LIKE)]
CASES[np.fromfunction] += [on(function=powers, shape=(2, 2), dtype=np.float32, base=P[:2], like=LIKE)]

REFUSED: list[tuple[Any, Case, str]] = [
    (np.nan_to_num, on(M, copy=False), "copy"), (np.linspace, on(S, 3.0, dtype=int), "dtype"),
    (np.array, on(M, copy=False, like=LIKE), "copy"),
    (np.require, on(M, requirements="C", like=LIKE), "requirements"),
]  # fmt: skip
INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.linspace, on(S, 3.0, -1), ValueError), (np.geomspace, on(S, 0.0), ValueError), (np.vander, on(M), ValueError),
    (np.linspace, on(S, 3.0, 2.5), TypeError), (np.apply_along_axis, on(np.sum, 2, M), IndexError),
    (np.apply_along_axis, on(np.sum, 1, E), ValueError), (np.full_like, on(M, real(2)), ValueError),
    (np.apply_over_axes, on(np.argmax, T, (0, 5)), IndexError),
]  # fmt: skip
if "ndmax" in (np.array.__text_signature__ or ""):  # from NumPy 2.4 on
    REFUSED.append((np.array, on(M, ndmax=1, like=LIKE), "ndmax"))
