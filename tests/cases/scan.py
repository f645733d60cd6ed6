"""Running sums and products."""

from typing import Any

import numpy as np

from autograd_mini.rules.scan import recurrence

from .base import Case, Draw, on

real = Draw(__name__)
V, M, T, S, E = real(5), real(2, 3), real(2, 3, 2), real(), real(0, 3)
CASES: dict[Any, list[Case]] = {}

SCANS = [
    on(V), on(M), on(T), on(S), on(S, axis=0), on(E), on(E, axis=0), on(real(2, 0), axis=1), on(M, axis=0), on(M, -1),
    on(T, axis=1), on(T, axis=-2), on(T, axis=None), on(real(1, 3), axis=0), on(M, axis=1, dtype=np.float32),
    on(M, 0, dtype=np.float64), on(real.complex(4)), on(real.complex(2, 3), axis=-1),
]  # fmt: skip
for function in (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod):
    CASES[function] = SCANS

ALONG = [
    on(V), on(S), on(M, axis=0), on(T, axis=-2), on(E, axis=0), on(M, axis=1, dtype=np.float32), on(V, axis=None),
    on(real.complex(2, 3), axis=-1),
]  # fmt: skip
LED = [on(*c.args, **c.kwargs, include_initial=True) for c in ALONG]
CASES[np.cumulative_sum] = CASES[np.cumulative_prod] = ALONG + LED

CASES[recurrence] = [on(V, real(5)), on(T, real(2, 3, 2)), on(E, real(0, 3)), on(real.complex(4), real.complex(4))]

INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.cumulative_sum, on(M), ValueError), (np.cumulative_prod, on(M), ValueError), (np.cumsum, on(V, 1), ValueError),
    (np.nancumsum, on(V, 1), ValueError),
]  # fmt: skip
