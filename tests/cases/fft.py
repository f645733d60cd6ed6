"""Fourier transforms: lengths cropped and filled up, odd and even; norms; axes, repeated ones too; half spectra."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
V, W, M, T = real(5), real(4), real(3, 4), real(2, 3, 4)
CASES: dict[Any, list[Case]] = {}

ONE_AXIS = [
    on(V), on(W), on(V, 3), on(V, n=8), on(W, 7), on(W, n=2), on(M, axis=0), on(M, 5, 0), on(T, n=2, axis=-2),
    on(T, 5, 1, "ortho"), on(M, norm="forward"), on(V, 4, norm="backward"), on(V, None, -1, None),
    on(V, 6, norm="ortho"), on(V, 1), on(real(1), 3), on(real(2, 0, 3)),
]  # fmt: skip
COMPLEX = [
    on(real.complex(5)), on(real.complex(2, 3), 4, 0, "ortho"), on(real.complex(4), n=3, norm="forward"),
    on(real.complex(3), n=6),
]  # fmt: skip
CASES |= {
    np.fft.fft: ONE_AXIS + COMPLEX,
    np.fft.ifft: ONE_AXIS + COMPLEX,
    np.fft.rfft: ONE_AXIS,
    np.fft.ihfft: ONE_AXIS,
}
HALF = [
    case for case in ONE_AXIS if case.args[0].shape != (1,)
] + [on(real(1), 1), on(real(1), 2), on(real(3), 9), on(M, 2, 0), on(real(2), n=5, norm="ortho")]  # fmt: skip
CASES[np.fft.irfft] = HALF + COMPLEX
CASES[np.fft.hfft] = HALF + COMPLEX

AXES = [
    on(M), on(T), on(T, (2, 5), (0, 2)), on(T, s=(3, -1), axes=(-1, 1)), on(T, axes=(1, 0), norm="ortho"),
    on(T, axes=(2, 2)), on(T, (5, 2), (-1, 2), "forward"), on(M, None, (-2, -1), None), on(M, [4, 3], axes=[1, 0]),
    on(M, norm="backward"), on(real(0, 2, 3), (2, 2), (1, 2)),
]  # fmt: skip
MANY = [on(V), on(T, axes=None), on(T, (2, 5, 3), (0, 1, 2)), on(T, axes=(1,)), on(T, s=[6], axes=[0])]
PAIRS = [on(real.complex(2, 3)), on(real.complex(3, 2), (2, 4), (1, 0), "ortho")]
CASES |= {
    np.fft.fft2: AXES + PAIRS,
    np.fft.ifft2: AXES + PAIRS,
    np.fft.fftn: [*AXES, *MANY, *PAIRS, on(M, axes=()), on(real())],
    np.fft.ifftn: [*AXES, *MANY, *PAIRS, on(M, axes=()), on(real())],
    np.fft.rfft2: AXES,
    np.fft.rfftn: AXES + MANY,
    np.fft.irfft2: AXES + PAIRS,
    np.fft.irfftn: AXES + MANY + PAIRS,
}
CASES[np.fft.fftshift] = [
    on(V), on(W), on(M), on(T, 1), on(T, axes=(0, -1)), on(T, [1, 1]), on(real(0, 3)), on(real.complex(3)),
    on(V, None),
]  # fmt: skip
CASES[np.fft.ifftshift] = CASES[np.fft.fftshift]

INVALID = [
    (np.fft.fft, on(V, 0), ValueError),
    (np.fft.fft, on(V, norm="other"), ValueError),
    (np.fft.hfft, on(V, norm="other"), ValueError),
    (np.fft.irfft, on(real(1)), ValueError),
    (np.fft.fft, on(real()), IndexError),
    (np.fft.fftn, on(M, (2, 3), (0,)), ValueError),
    (np.fft.rfftn, on(real()), IndexError),
    (np.fft.rfft, on(real.complex(3)), TypeError),
]
