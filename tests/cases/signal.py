"""Convolutions, what windows are made of, angles."""

from typing import Any

import numpy as np

from autograd_mini.rules.signal import bessel_i, sinc_derivative

from .base import Case, Draw, on

real = Draw(__name__)
V, M, S = real(5), real(2, 3), real()
C, D = real.complex(4), real.complex(3)
CASES: dict[Any, list[Case]] = {}

PAIRS = [(V, real(3)), (real(2), V), (V, real(4)), (real(3), real(3)), (V, real(1)), (real(1), real(1))]
CASES[np.correlate] = [
    *[on(*pair, mode) for pair in PAIRS for mode in ("full", "same", "valid")], on(V, real(2)), on(V, [1, 2, 3]),
    on([1, 2, 3], V, mode="full"), on(C, D), on(C, V, "full"), on(real(3), D, mode="same"),
    on(real(2), D, mode="same"), on(C, [1, 2, 3], "same"),
]  # fmt: skip
CASES[np.convolve] = [*CASES[np.correlate], on(S, V), on(V, real(), "same")]
AROUND = np.array([-30.0, -9.4, -2.3, -1.0, -0.2, 0.0, 0.31, 1.0, 3.0, 14.7])
CASES[np.sinc] = [on(M), on(S), on(AROUND), on(real(0, 2)), on(real.complex(2, 3)), on(np.array(0.0))]
CASES[sinc_derivative] = [on(AROUND, n=n) for n in (0, 1, 2, 3)] + [on(S, 2), on(real.complex(3), n=1)]
LESS = AROUND / 4
CASES[np.i0] = [on(M), on(S), on(LESS), on(real(0, 2))]
CASES[bessel_i] = [on(LESS, n=n) for n in (0, 1, 2, 3)] + [on(S, 2)]
CASES[np.angle] = [on(real.complex(2, 3)), on(real.complex()), on(C, True), on(C, deg=True), on(M), on(M, deg=True)]

INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.convolve, on(real(0), V), ValueError), (np.convolve, on(M, V), ValueError),
    (np.convolve, on(V, V, "x"), ValueError),
    (np.correlate, on(V, real(0)), ValueError), (np.correlate, on(V, S), ValueError), (np.i0, on(C), TypeError),
]  # fmt: skip
