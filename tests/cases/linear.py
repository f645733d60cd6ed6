"""Products."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)
CASES: dict[Any, list[Case]] = {}

MATRICES = [
    on(V, real(3)), on(M, real(3)), on(real(2), M), on(M, real(3, 2)), on(T, real(2, 2)), on(T, real(2)),
    on(real(3), T),
    on(real(4, 2, 3), real(4, 3, 1)), on(real(2, 1, 2, 3), real(3, 3, 2)), on(real(1, 2, 3), real(2, 2, 3, 1)),
    on(real(2, 2, 1, 2), real(2, 2, 2, 1)), on(real(2, 3), real(2, 2, 3, 2)), on(real(2, 2, 2, 2), real(2)),
    on(real(2), real(2, 2, 2, 2)),
    on(E, real(3, 2)), on(real(2, 0), real(0, 3)), on(real(0), real(0)), on(real(0, 2, 3), real(3, 2)),
]  # fmt: skip
CASES[np.matmul] = MATRICES
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
