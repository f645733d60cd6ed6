"""Linear algebra: matrices whose eigenvalues and singular values lie apart; the others have tests of their own."""

from typing import Any

import numpy as np

from autograd_mini.rules.linalg import determined, full_lstsq, full_pinv, minors

from .base import POSITIVE, Case, Draw, on

real = Draw(__name__)
V, M, T, S, Q, E = real(3), real(2, 3), real(2, 3, 2), real(), real(3, 3), real(0, 3)
Z = real.complex(2, 3)
INF = np.inf


def apart(*shape):
    """Matrices with 2, 4, 6, ... added on the diagonal: eigenvalues and singular values that lie apart."""
    x = real(*shape, between=(-0.6, 0.6)) + np.eye(*shape[-2:]) * np.arange(2, 2 * shape[-1] + 2, 2)
    x.flags.writeable = False
    return x


def apart_complex(*shape):
    x = apart(*shape) + 1j * real(*shape, between=(-0.5, 0.5))
    x.flags.writeable = False
    return x


A, B, C = apart(3, 3), apart(2, 2, 2), apart_complex(2, 2)
SQUARE = [on(A), on(B), on(apart(1, 1)), on(apart(2, 1, 2, 2)), on(real(0, 2, 2))]
EMPTY = [on(real(0, 0)), on(real(2, 0, 0))]


def tall(*shape):
    """The first columns of such matrices."""
    return apart(*shape[:-1], shape[-2])[..., : shape[-1]]


CASES: dict[Any, list[Case]] = {
    np.linalg.det: [*SQUARE, *EMPTY, on(Q), on(apart(4, 4)), on(C)],
    minors: [on(A), on(A, Q), on(B, real(2, 2, 2), real(2, 2, 2)), on(C, real.complex(2, 2))],
    np.linalg.slogdet: [*SQUARE, *EMPTY, on(Q), on(C), on(apart_complex(2, 3, 3))],
    np.linalg.inv: [*SQUARE, *EMPTY, on(C)],
    np.linalg.solve: [
        on(A, V), on(A, real(3, 2)), on(B, real(2)), on(B, real(2, 2, 1)), on(B, real(2, 3)), on(A, real(4, 3, 1)),
        on(apart(2, 1, 2, 2), real(3, 2, 2)), on(A, [1.0, 2.0, 3.0]), on([[2.0, 1.0], [0.0, 1.0]], M), on(A, E.T),
        on(real(0, 0), real(0)), on(real(0, 2, 2), real(2)), on(C, real(2)), on(C, real.complex(2, 2)),
        on(apart(2, 2), b=real.complex(2)),
    ],
    np.linalg.tensorsolve: [
        on(apart(4, 4).reshape(2, 2, 4), real(2, 2)), on(apart(6, 6).reshape(2, 3, 6), M),
        on(apart(6, 6).reshape(6, 3, 2), real(6)), on(apart(4, 4).reshape(2, 2, 2, 2), real(2, 2)),
        on(apart(4, 4).reshape(2, 2, 2, 2).transpose(1, 0, 2, 3), real(2, 2), axes=(1,)),
        on(apart(4, 4).reshape(2, 2, 2, 2).transpose(2, 0, 3, 1), real(2, 2), (0, 2)), on(C.reshape(2, 2, 1), real(2)),
    ],
    np.linalg.tensorinv: [
        on(apart(4, 4).reshape(2, 2, 2, 2)), on(apart(6, 6).reshape(6, 2, 3), ind=1), on(apart(4, 4).reshape(2, 2, 4)),
        on(C, 1),
    ],
    np.linalg.pinv: [
        on(A), on(M), on(M.T), on(tall(2, 3, 2)), on(tall(2, 3, 2).swapaxes(1, 2)), on(E), on(real(1, 3)),
        on(M, rcond=1e-9), on(M, 1e-9), on(M, rtol=1e-9), on(M, rtol=None), on(tall(2, 3, 2), rcond=[1e-9, 1e-8]),
        on(A, hermitian=True), on(A, None, True), on(B, hermitian=True, rtol=1e-9), on(Z), on(Z.T),
        on(C, hermitian=True),
    ],
    np.linalg.lstsq: [
        on(tall(4, 2), real(4)), on(tall(4, 2), real(4, 3)), on(tall(3, 2).T, real(2)), on(tall(3, 2).T, real(2, 2)),
        on(A, V), on(tall(4, 2), real(4), rcond=1e-9), on(tall(4, 2), real(4, 1), -1), on(tall(3, 2).T, [1.0, 2.0]),
        on(Z.T, real(3)), on(Z, real.complex(2, 2)),
    ],
    np.linalg.cholesky: [
        *SQUARE, on(A, upper=True), on(B, upper=True), on(A, upper=False), on(real(0, 0)),
    ],
    np.linalg.qr: [
        on(A), on(tall(4, 2)), on(M), on(tall(2, 3, 2)), on(tall(2, 3, 2).swapaxes(1, 2)), on(A, mode="complete"),
        on(M, mode="complete"), on(tall(3, 2), mode="complete"), on(tall(2, 3, 2), "complete"), on(A, "r"),
        on(M, mode="r"), on(tall(4, 2), mode="r"), on(tall(2, 3, 2), mode="r"), on(apart(1, 1)), on(C), on(Z),
        on(Z.T), on(Z.T, mode="r"), on(real(0, 2, 2)),
    ],
    np.linalg.eigh: [*SQUARE, on(A, "U"), on(B, UPLO="U"), on(A, UPLO="L"), on(A, UPLO="u")],
    np.linalg.eigvalsh: [*SQUARE, on(A, "U"), on(B, UPLO="U"), on(A, UPLO="L"), on(C), on(C, "U")],
    np.linalg.eig: [*SQUARE, on(C), on(Q), on(np.array([[1.0, 2.0], [-1.5, 0.5]]))],
    np.linalg.eigvals: [*SQUARE, on(C), on(Q), on(np.array([[1.0, 2.0], [-1.5, 0.5]]))],
    np.linalg.svd: [
        on(A), on(M), on(M.T), on(tall(2, 3, 2)), on(tall(2, 3, 2).swapaxes(1, 2)), on(apart(1, 1)),
        on(A, False), on(tall(4, 2), False), on(tall(4, 2).T, full_matrices=False),
        on(tall(2, 4, 2), full_matrices=False), on(A, compute_uv=False), on(tall(2, 3, 2), True, False),
        on(A, hermitian=True), on(B, hermitian=True),
        on(A, True, False, True), on(real(0, 2, 2)), on(np.array([[-3.0, 0.2], [0.3, 1.0]]), hermitian=True),
    ],
    np.linalg.svdvals: [on(A), on(M), on(M.T), on(T), on(Z), on(C), on(E), on(real(0, 2, 2))],
    np.linalg.matrix_norm: [
        on(M), on(T), on(M, ord="nuc"), on(T, ord=2, keepdims=True), on(M, ord=-1), on(Z), on(Z, ord=2), on(T, ord=INF),
    ],
    np.linalg.vector_norm: [
        on(V), on(M), on(T), on(S), on(M, axis=0), on(T, axis=(0, 2)), on(T, axis=(-1, 1), keepdims=True), on(M, ord=1),
        on(T, ord=3, axis=1), on(M, ord=INF, axis=1), on(M, ord=-INF), on(M, keepdims=True), on(M, ord=-1.5), on(Z),
        on(Z, ord=2.5, axis=-1), on(E, axis=0),
    ],
    np.linalg.cond: [
        on(A), on(B), on(M), on(T, -2), *[on(B, p) for p in (2, 1, -1, INF, -INF, "fro", "nuc")], on(A, p="fro"),
        on(A, p=-2), on(C), on(C, "fro"), on(apart_complex(2, 2, 2), 1),
    ],
    np.linalg.matrix_power: [
        *[on(A, n) for n in (0, 1, 2, 3, 4, -1, -2, -3)], *[on(Q[:2, :2], n) for n in (5, 7)],
        on(B, 3), on(B, n=-2), on(B, 0), on(C, 3), on(C, -2),
        on(real(0, 0), 3), on(A, np.int64(2)),
    ],
    np.linalg.multi_dot: [
        on([M, Q]), on([M, V]), on([real(2), M]), on([V, real(3)]), on([M, Q, real(3, 2)]), on((real(2), M, Q)),
        on([M, Q, V]), on([real(2), M, V]), on([real(2), M, Q, real(3, 1), real(1, 2)]),
        on([M, Q, real(3, 4), real(4)]), on([M, [[1.0], [2.0], [3.0]]]), on([Z, Q, V]), on([E.T, E]), on([M, Q, Q]),
    ],
    np.linalg.matrix_transpose: [on(M), on(T), on(Z)],
    np.linalg.trace: [on(M), on(T), on(T, offset=1), on(M, offset=-1), on(M, dtype=np.float32), on(Z), on(A)],
    np.linalg.diagonal: [on(M), on(T), on(T, offset=-1), on(M, offset=2), on(Z)],
}  # fmt: skip
OFF = real(2, 3, 2, between=POSITIVE) * np.array([-1, 1])  # away from 0
APART = T / 4 + np.arange(1.0, 13.0).reshape(2, 3, 2) * np.array([[[1, 1]], [[1, -1]]])
VECTORS = [{"ord": p} for p in (1, 2, 3, 0.5, -1, -2.5, INF, -INF)]
CASES[np.linalg.norm] = [
    on(V), on(M), on(T), on(S), on(E), on(M, keepdims=True), on(T, None, None, True),
    *[on(OFF[0, :, 0], **p) for p in VECTORS], *[on(OFF, **p, axis=1) for p in VECTORS],
    *[on(OFF, **p, axis=-1, keepdims=True) for p in VECTORS[:6]], on(M, axis=0), on(M, axis=(1,)), on(V, 3),
    *[on(M, p) for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)],
    *[on(APART, p, axis=(0, 2)) for p in ("fro", "f", None, "nuc", 1, -1, 2, -2, INF, -INF)],
    *[on(APART, p, axis=(-1, 0), keepdims=True) for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)],
    *[on(Z, p) for p in ("fro", "nuc", 1, 2, INF)], *[on(Z, p, axis=1) for p in (None, 1, 3, INF, 0.5)],
    on(E, axis=0), on(real(2, 0), 1, 1), on(E, "fro"), on(E, 1),
]  # fmt: skip

CONSTANTS: dict[Any, list[Case]] = {
    np.linalg.matrix_rank: [
        on(A), on(M), on(T), on(V), on(A, tol=1e-3), on(A, hermitian=True), on(A, rtol=1e-3), on(B, 1e-3, True),
    ],
}  # fmt: skip
INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.linalg.norm, on(V, "fro"), ValueError), (np.linalg.norm, on(T, 2), ValueError),
    (np.linalg.norm, on(M, 3), ValueError), (np.linalg.norm, on(T, axis=(0, 1, 2)), ValueError),
    (np.linalg.matrix_power, on(M, 2), np.linalg.LinAlgError), (np.linalg.matrix_power, on(A, 1.5), TypeError),
    (np.linalg.inv, on(np.zeros((2, 2))), np.linalg.LinAlgError), (np.linalg.inv, on(M), np.linalg.LinAlgError),
    (np.linalg.cond, on(E), np.linalg.LinAlgError), (np.linalg.multi_dot, on([M]), ValueError),
    (np.linalg.tensorinv, on(A, 0), ValueError), (np.linalg.tensorsolve, on(M, real(2)), np.linalg.LinAlgError),
    (np.linalg.cholesky, on(-A), np.linalg.LinAlgError),
]  # fmt: skip
REFUSED: list[tuple[Any, Case, str]] = [
    (np.linalg.qr, on(A, mode="raw"), "mode"),
]  # fmt: skip
CASES[full_pinv], CASES[full_lstsq] = CASES[np.linalg.pinv], CASES[np.linalg.lstsq]
CASES[determined] = [on(A, np.zeros(3, int), np.ones(3, int))]
# Complex vectors have a phase that is not determined: what does not depend on it is in tests/rules/test_linalg.py.
REAL_ONLY = {np.linalg.eigh, np.linalg.svd, np.linalg.qr}
