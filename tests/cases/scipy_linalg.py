"""SciPy's matrix functions."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
CASES: dict[Any, list[Case]] = {}
REFUSED: list[tuple[Any, Case, str]] = []
INVALID: list[tuple[Any, Case, type[Exception]]] = []
PYTHON_NUMBERS: set[Any] = set()
REAL_ONLY: set[Any] = set()
ROUNDED: set[Any] = set()


def frozen(a):
    a.flags.writeable = False
    return a


def regular(*shape):
    """Well-conditioned matrices, whose pivots lie on the diagonal or, upside down, are exchanged."""
    return frozen(real(*shape, between=(-1, 1)) + 3 * np.eye(*shape[-2:]))


def upside(*shape):
    return frozen((real(*shape, between=(-0.9, 1.1)) + 3 * np.eye(*shape[-2:]))[..., ::-1, :].copy())


def definite(*shape):
    a = real(*shape, between=(-1, 1))
    return frozen((a + np.swapaxes(a, -1, -2)) / 4 + np.diag(np.arange(1.0, shape[-1] + 1) + 0.5))


def rows(linalg):
    A, V, M = regular(3, 3), real(3), real(3, 2)
    B, E = regular(2, 3, 3), frozen(np.zeros((0, 0)))
    triangles = [
        on(A, V), on(A, M), on(A, V, 1), on(A, M, "T", True), on(A, M, trans=2, unit_diagonal=True), on(A, V, "C"),
        on(A, V, lower=True), on(A, M, "N", True, unit_diagonal=True), on(B, V), on(B, M, 1), on(A, real(2, 3, 2)),
        on(B, real(2, 3, 1), trans="T", lower=True, check_finite=False), on(regular(1, 1), real(1)), on(E, real(0)),
        on([[2.0, 1.0], [0.0, 3.0]], real(2)), on(regular(2, 2), [1.0, 2.0]),
    ]  # fmt: skip
    CASES[linalg.solve_triangular] = triangles
    kinds = ["gen", "sym", "her", "pos", "diagonal", "tridiagonal", "banded", "upper triangular", "lower triangular"]
    CASES[linalg.solve] = [
        on(A, V), on(A, M), on(B, V), on(B, M), on(A, real(2, 3, 1)), on(regular(2, 1, 2, 2), real(3, 2, 2)),
        on(A, M, transposed=True), on(A, V, check_finite=False), on(E, real(0, 2)), on(regular(1, 1), real(4)),
        on(real(between=(2, 2)), real(3)), on(regular(1, 1), real(1, 2)), on(upside(3, 3), M),
        *[on(definite(3, 3), M, assume_a=kind) for kind in kinds],
        *[on(definite(3, 3), V, True, assume_a=kind) for kind in kinds],
        on(definite(2, 3, 3), V, assume_a="symmetric"), on(definite(3, 3), M, assume_a="positive definite"),
        on(definite(3, 3), M, assume_a="hermitian", lower=True), on(definite(3, 3), M, assume_a="general"),
        on(definite(3, 3), M, assume_a="upper triangular", transposed=True),
    ]  # fmt: skip
    CASES[linalg.inv] = [
        on(A), on(B), on(regular(1, 1)), on(A, check_finite=False), on(upside(3, 3)), on(regular(2, 1, 2, 2)), on(E),
        *[on(definite(3, 3), assume_a=kind) for kind in ("gen", "general", "sym", "her", "pos", *kinds[-2:])],
        *[on(definite(3, 3), assume_a=kind, lower=True) for kind in ("sym", "her", "pos", *kinds[-2:])],
    ]  # fmt: skip
    REFUSED.append((linalg.inv, on(A, assume_a="diagonal"), "assume_a"))
    band = frozen(real(4, 5, between=(-0.8, 0.8)) + np.array([[0], [0], [4], [0]]))
    CASES[linalg.solve_banded] = [
        on((1, 2), band, real(5)), on((1, 2), band, real(5, 2)), on((0, 0), real(1, 3, between=(1, 2)), V),
        on((1, 1), regular(3, 3), real(3), check_finite=False), on([1, 0], real(2, 3, between=(1, 2)), M),
        on((0, 1), frozen(real(2, 3, between=(1, 2))), M), on((1, 2), band, real(2, 5, 2)),
        on((1, 2), frozen(np.stack([band, band + 0.1])), real(5)), on((2, 1), frozen(band[::-1].copy()), real(5)),
    ]  # fmt: skip
    CASES[linalg.solve_banded] = [c for c in CASES[linalg.solve_banded] if c.args[1].shape != (3, 3)] + [
        on((1, 1), frozen(real(3, 4, between=(-0.8, 0.8)) + np.array([[0], [4], [0]])), real(4), check_finite=False)
    ]
    high, low = (frozen(real(3, 4, between=(-0.8, 0.8)) + 4 * np.eye(3)[:, [k]]) for k in (2, 0))
    CASES[linalg.solveh_banded] = [
        on(high, real(4)),
        on(high, real(4, 2)),
        on(low, real(4), lower=True),
        on(low, real(4, 2), check_finite=False, lower=True),
        on(real(1, 3, between=(1, 2)), V),
        on(high, real(2, 4, 1)),
    ]

    CASES[linalg.det] = [on(A), on(B), on(upside(3, 3)), on(regular(1, 1)), on(A, check_finite=False), on(E)]
    CASES[linalg.norm] = [
        on(A),
        on(V),
        on(A, 2),
        on(A, "fro"),
        on(A, "nuc"),
        on(A, 1),
        on(A, np.inf),
        on(V, 1),
        on(V, 3),
        on(V, np.inf),
        on(B, axis=(1, 2)),
        on(B, axis=1),
        on(A, 2, keepdims=True),
        on(A, axis=0, keepdims=True),
        on(A, check_finite=False),
    ]
    CASES[linalg.svdvals] = [on(A), on(M), on(real(2, 3)), on(B), on(A, check_finite=False)]
    CASES[linalg.pinv] = [
        on(A), on(M), on(real(2, 3)), on(B), on(real(2, 3, 2)), on(M, atol=0.01, rtol=0.01), on(M, check_finite=False),
    ]  # fmt: skip
    CASES[linalg.full_pinv] = CASES[linalg.pinv]
    REFUSED.append((linalg.pinv, on(M, return_rank=True), "return_rank"))
    CASES[linalg.qr] = [
        on(A), on(M, mode="economic"), on(real(2, 3)), on(M, mode="r"), on(A, mode="r", check_finite=False), on(B),
        on(real(2, 3), mode="economic"), on(A, lwork=None),
    ]  # fmt: skip

    CASES[linalg.cholesky] = [
        on(definite(3, 3)), on(definite(3, 3), True), on(definite(2, 3, 3)), on(definite(1, 1), lower=True),
        on(definite(3, 3), lower=True, check_finite=False),
    ]  # fmt: skip
    CASES[linalg.cho_solve] = [
        on((A, True), V),
        on((A, False), M),
        on((B, False), V),
        on((B, True), real(2, 3, 2)),
        on((A, True), M, check_finite=False),
    ]
    shapes = [on(A), on(upside(3, 3)), on(real(3, 2)), on(real(2, 3)), on(real(4, 3)), on(regular(1, 1))]
    CASES[linalg.lu] = [
        *shapes,
        on(B),
        on(upside(2, 2, 2)),
        on(upside(3, 3), True),
        on(upside(3, 3), p_indices=True),
        on(real(2, 3, 2)),
        on(upside(3, 3), check_finite=False),
        on(upside(2, 2, 2), permute_l=True),
        on(upside(2, 2, 2), p_indices=True),
        on(frozen(real.complex(3, 3) + np.diag([5, 4j, 6]))),  # whose pivots do not change nearby
    ]
    REAL_ONLY.add(linalg.lu)
    CASES[linalg.lu_factor] = [*shapes, on(B), on(upside(3, 3), check_finite=False)]
    pivots = np.array([2, 1, 2])
    CASES[linalg.lu_solve] = [
        on((A, pivots), V), on((A, pivots), M), on((A, pivots), V, 1), on((A, pivots), M, trans=1, check_finite=False),
        on((A, np.arange(3)), M, 2),
    ]  # fmt: skip
    CASES[linalg.packed_lu] = [on(A), on(B), on(regular(1, 1)), on(E)]

    functions = [on(A), on(B), on(regular(1, 1)), on(definite(3, 3))]
    for f in (linalg.expm, linalg.logm, linalg.sqrtm, linalg.sinm, linalg.cosm, linalg.tanm, linalg.sinhm, linalg.coshm,
              linalg.tanhm):  # fmt: skip
        CASES[f] = list(functions)
    for f in (linalg.sinm, linalg.cosm, linalg.tanm, linalg.sinhm, linalg.coshm, linalg.tanhm):
        CASES[f] = [on(real(*shape, between=(-0.6, 0.5))) for shape in ((2, 2), (2, 2, 2), (1, 1))]
    CASES[linalg.expm] += [on(real(2, 2)), on(E), on(frozen(np.eye(3) * 2)), on(real())]
    CASES[linalg.fractional_matrix_power] = [on(A, 0.3), on(A, 2), on(A, -1), on(B, -0.5), on(regular(2, 2), t=0.6)]
    CASES[linalg.unitary] = [on(A), on(M), on(B)]
    CASES[linalg.polar] = [
        on(A),
        on(M),
        on(real(2, 3)),
        on(A, "left"),
        on(real(2, 3), side="left"),
        on(B),
        on(M, "left"),
    ]

    CASES[linalg.solve_sylvester] = [
        on(A, regular(2, 2), M),
        on(A, regular(3, 3), real(3, 3)),
        on(B, regular(2, 2), M),
        on(A, regular(2, 2), real(2, 3, 2)),
        on(a=regular(1, 1), b=regular(2, 2), q=real(1, 2)),
    ]
    CASES[linalg.solve_continuous_lyapunov] = [on(A, real(3, 3)), on(B, real(3, 3)), on(A, q=real(2, 3, 3))]
    small = real(3, 3, between=(-0.4, 0.5))
    CASES[linalg.solve_discrete_lyapunov] = [
        on(small, real(3, 3)), on(small, real(3, 3), "bilinear"), on(small, real(3, 3), method="direct"),
        on(real(2, 2, 2, between=(-0.4, 0.5)), real(2, 2)),
    ]  # fmt: skip

    CASES[linalg.toeplitz] = [
        on(V), on(V, real(2)), on(real()), on(real(2, 3)), on(real(2, 3), real(4)), on(V, r=[1.0, 2.0]), on(2.0, V),
        on(real(2, 1, 2), real(3, 3)),
    ]  # fmt: skip
    CASES[linalg.circulant] = [on(V), on(real()), on(real(2, 3)), on(real(0, 2)), on(real(1))]
    CASES[linalg.hankel] = [on(V), on(V, real(4)), on(V, r=real(2)), on([1.0, 2.0], V)]
    CASES[linalg.companion] = [on(real(4, between=(1, 2))), on(real(2, 3, between=(1, 2))), on(real(2, between=(1, 2)))]
    INVALID.append((linalg.companion, on(real(1)), ValueError))
    CASES[linalg.block_diag] = [
        on(A, M, real(1, 2)), on(V, real(), M), on(B, M), on(A), on([[1.0, 2.0]], M), on(real(0, 2), M),
    ]  # fmt: skip
    CASES[linalg.khatri_rao] = [on(M, real(2, 2)), on(real(2, 3, 2), real(4, 2))]
    INVALID.append((linalg.khatri_rao, on(M, A), ValueError))
    column = frozen(np.array([4.0, 0.3, -0.5]))
    CASES[linalg.solve_toeplitz] = [
        on(column, V), on(column, M), on((column, real(3, between=(0.1, 1))), M), on((column, [4.0, 1.0, 0.2]), V),
        on(column, M, check_finite=False), on(frozen(np.stack([column, column + 0.1])), V),
    ]  # fmt: skip
    CASES[linalg.matmul_toeplitz] = [
        on(column, V), on((V, real(2)), real(2, 3)), on(V, M, check_finite=True), on(V, M, workers=1),
    ]  # fmt: skip
    if hasattr(linalg, "kron"):
        CASES[linalg.kron] = [on(A, M)]
    PYTHON_NUMBERS.add(linalg.norm)
    ROUNDED.update(CASES)


try:
    import scipy  # noqa: F401
except ImportError:
    pass
else:
    from autograd_mini.scipy import linalg

    rows(linalg)
