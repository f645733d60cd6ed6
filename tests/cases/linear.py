"""Products."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)
Z = real.complex(2, 3)
CASES: dict[Any, list[Case]] = {}

MATRICES = [
    on(V, real(3)), on(M, real(3)), on(real(2), M), on(M, real(3, 2)), on(T, real(2, 2)), on(T, real(2)),
    on(real(3), T),
    on(real(4, 2, 3), real(4, 3, 1)), on(real(2, 1, 2, 3), real(3, 3, 2)), on(real(1, 2, 3), real(2, 2, 3, 1)),
    on(real(2, 2, 1, 2), real(2, 2, 2, 1)), on(real(2, 3), real(2, 2, 3, 2)), on(real(2, 2, 2, 2), real(2)),
    on(real(2), real(2, 2, 2, 2)),
    on(E, real(3, 2)), on(real(2, 0), real(0, 3)), on(real(0), real(0)), on(real(0, 2, 3), real(3, 2)),
]  # fmt: skip
CASES[np.matmul] = [
    *MATRICES, on(M, real(2, 3), axes=[(0, 1), (1, 0), (1, 0)]), on(T, real(2, 2), axes=[(0, 2), (0, 1), (-1, 0)]),
]  # fmt: skip
CASES[np.linalg.matmul] = [*MATRICES[:9], on(M, [[1.0], [2.0], [3.0]]), on(Z, V)]
CASES[np.dot] = [
    *MATRICES[:6], on(S, real()), on(S, M), on(V, S), on(2.0, M), on(M, 3), on(V, [1.0, 2.0, 3.0]), on(M, b=real(3)),
    on(real(3), T), on(M, T),
    on(T, real(3, 2, 2)), on(real(2, 2, 1, 2), real(2, 2, 3)), on(T, real(2, 2, 2, 1)), on(E, V),
    on(real(2, 0), real(0, 3)), on(real(2, 0), real(2, 0, 2)),
]  # fmt: skip
CASES[np.tensordot] = [
    on(M, M), on(M, real(3, 2), 1), on(V, real(2), 0), on(T, real(3, 2, 2), axes=([1, 2], [0, 1])),
    on(T, M, ((0, 1), (0, 1))), on(T, M, (-2, -1)),
    on(T, T, 3), on(T, real(2, 2, 3), axes=[(0, 1), (0, 2)]), on(S, M, 0), on(E, E, (1, 1)),
    on(V, [1.0, 2.0, 3.0], 1), on(T, real(2, 3), ([1], [-1])),
]  # fmt: skip
CASES[np.linalg.tensordot] = [
    on(M, M), on(V, real(2), axes=0), on(T, real(3, 2, 2), axes=([1, 2], [0, 1])), on(T, M, axes=(-2, -1)), on(Z, M),
]  # fmt: skip
CASES[np.inner] = [
    on(V, real(3)), on(M, V), on(V, M), on(M, real(4, 3)), on(T, real(3, 2)), on(T, real(2, 2, 2)), on(S, real()),
    on(S, M), on(M, 2.0), on(V, [1.0, 2.0, 3.0]), on([[1, 2, 3]], M), on(E, M), on(real(2, 0), real(3, 0)), on(Z, V),
    on(Z, real.complex(3)),
]  # fmt: skip
CASES[np.vdot] = [
    on(V, real(3)), on(M, real(2, 3)), on(M, real(3, 2)), on(S, real()), on(S, 2.0), on([1.0, 2.0, 3.0], V), on(E, E),
    on(Z, M), on(M, Z), on(Z, real.complex(6)),
]  # fmt: skip
CASES[np.outer] = [
    on(V, real(2)), on(M, real(2, 2)), on(S, V), on(V, 2.0), on([1.0, 2.0], b=V), on(E, V), on(Z, real.complex(2)),
    on(S, real()),
]  # fmt: skip
CASES[np.linalg.outer] = [on(V, real(2)), on([1.0, 2.0], V), on(real(0), V), on(real.complex(2), V)]
CASES[np.kron] = [
    on(V, real(2)), on(M, real(3, 2)), on(V, M), on(M, V), on(T, M), on(real(2), T), on(S, M), on(M, S), on(S, real()),
    on(real(2, 1, 2), real(1, 3, 2)), on([1.0, 2.0], M), on(M, b=[[1], [2]]), on(2, V), on(E, M), on(Z, V),
    on(Z, real.complex(2)),
]  # fmt: skip
CASES[np.cross] = [
    on(V, real(3)), on(M, V), on(V, M), on(M, real(2, 3)), on(real(3, 2), real(3, 2), axis=0),
    on(real(2, 3, 2), real(2, 2, 3), 1, 2, 0), on(real(3, 2), real(2, 3), axisa=0, axisc=0),
    on(real(2, 1, 3), real(4, 3), axisc=1), on(real(2, 3), real(3, 2), axisb=-2), on(M, [1.0, 2.0, 3.0]),
    on([1, 0, 0], V), on(E, V), on(real(3, 2), real(2, 3), 0, -1, -1, None), on(Z, V), on(Z, real.complex(2, 3)),
]  # fmt: skip
CASES[np.linalg.cross] = [
    on(V, real(3)), on(M, V), on(T, real(2, 3, 2), axis=1), on(real(3, 2), real(3, 2), axis=0), on(V, [1, 2, 3]),
    on(Z, V),
]  # fmt: skip
CASES[np.linalg.vecdot] = [
    on(V, real(3)), on(M, V), on(T, real(2, 3, 2)), on(T, real(2, 3, 2), axis=1), on(M, real(2, 3), axis=0),
    on(M, [1.0, 2.0, 3.0]), on(Z, V), on(V, Z), on(Z, real.complex(2, 3), axis=-1), on(E, V),
]  # fmt: skip

STACKS = [on(V, real(3)), on(M, V), on(T, real(2)), on(real(2, 1, 3), real(4, 3)), on(E, V), on(Z, V), on(V, Z)]
CASES[np.vecdot] = [
    *STACKS, on(real(2, 0), real(0)), on(Z, real.complex(3)), on(M, [1.0, 2.0, 3.0]),
    on(T, real(2, 3, 2), axis=1), on(M, real(2, 3), axis=0, keepdims=True), on(M, V, keepdims=True),
    on(T, real(3, 2), axes=[1, 0]), on(T, real(3, 2), axes=[(-2,), (0,), ()]),
    on(T, real(3, 2), axes=[(-2,), (0,), (0,)], keepdims=True),
]  # fmt: skip
if hasattr(np, "matvec"):
    CASES[np.matvec] = [
        on(M, V), on(T, real(2)), on(real(2, 1, 2, 3), real(4, 3)), on(real(2, 0, 3), V), on(real(2, 0), real(0)),
        on(Z, V), on(M, real.complex(4, 3)), on(M, [1.0, 2.0, 3.0]),
        on(real(3, 2, 4), real(2, 3), axes=[(2, 0), (-1,), (0,)]), on(T, real(2, 2), axes=[(-2, -1), 0, -1]),
    ]  # fmt: skip
    CASES[np.vecmat] = [
        on(real(2), M), on(real(3), T), on(real(4, 2), real(3, 1, 2, 3)), on(real(2), Z), on(real.complex(2), M),
        on(real.complex(4, 2), Z), on([1.0, 2.0], M), on(real(0), real(0, 2)),
        on(real(4, 3), real(3, 2, 4), axes=[(-1,), (0, 1), (0,)]), on(real(3, 2), T, axes=[0, (-2, -1), -1]),
    ]  # fmt: skip

INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.inner, on(M, real(2)), ValueError), (np.vdot, on(M, V), ValueError), (np.cross, on(V, real(4)), ValueError),
    (np.cross, on(S, V), ValueError), (np.linalg.cross, on(V, real(2)), ValueError),
    (np.linalg.outer, on(M, V), ValueError), (np.linalg.vecdot, on(M, real(2)), ValueError),
]  # fmt: skip
