"""SciPy's convolutions and filters."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
CASES: dict[Any, list[Case]] = {}
REFUSED: list[tuple[Any, Case, str]] = []
INVALID: list[tuple[Any, Case, type[Exception]]] = []
ROUNDED: set[Any] = set()


def rows(signal):
    V, K, M, N = real(5), real(3), real(3, 4), real(2, 3)
    lines = [
        on(V, K),
        on(K, V),
        on(V, K, "same"),
        on(V, real(2), "same"),
        on(K, V, "same"),
        on(V, K, mode="valid"),
        on(K, V, "valid"),
        on(M, N),
        on(M, N, "same"),
        on(M, N, "valid"),
        on(N, M, "valid"),
        on(real(2, 1, 3), real(1, 2, 2)),
        on(real(), real()),
        on([1.0, 2.0, 0.5], K),
        on(V, real(1)),
        on(real(4, 5), real(2, 2), "same"),
        on(real.complex(4), real.complex(2)),
    ]
    methods = [
        on(V, K, "full", "direct"),
        on(M, N, "same", "fft"),
        on(V, K, method="fft"),
        on(M, N, "valid", method="direct"),
    ]
    CASES[signal.convolve] = lines + methods
    CASES[signal.correlate] = lines + methods
    axes = [
        on(M, real(1, 3), axes=1),
        on(M, real(3, 2), "same", axes=[-1]),
        on(M, N, axes=(0, 1)),
        on(real(2, 3, 4), real(1, 2, 2), "valid", (1, 2)),
    ]
    CASES[signal.fftconvolve] = lines + axes
    CASES[signal.oaconvolve] = lines[:12] + axes
    CASES[signal.convolve2d] = [
        on(M, N),
        on(M, N, "same"),
        on(M, N, "valid"),
        on(N, M, mode="valid"),
        on(M, N, boundary="fill"),
    ]
    CASES[signal.correlate2d] = [on(M, N), on(M, N, "same"), on(M, N, "valid"), on(M, N, fillvalue=0)]
    for f in (signal.convolve2d, signal.correlate2d):
        REFUSED.append((f, on(M, N, boundary="wrap"), "boundary"))
        REFUSED.append((f, on(M, N, fillvalue=1.0), "fillvalue"))
    CASES[signal.full_convolution] = [
        on(V, K), on(M, N), on(M, real(1, 3), axes=(1,), method="fftconvolve"), on(M, N, None, "direct"),
        on(M, real(3, 2), (1,), "oaconvolve"),
    ]  # fmt: skip
    INVALID.append((signal.convolve, on(V, M), ValueError))
    INVALID.append((signal.convolve, on(M, real(2, 5), "valid"), ValueError))
    INVALID.append((signal.convolve, on(V, K, "other"), ValueError))

    a = np.array([1.3, -0.4, 0.2])
    a.flags.writeable = False
    one = np.array([2.0])
    one.flags.writeable = False
    CASES[signal.lfilter] = [
        on(K, a, real(6)),
        on(real(2), a, real(2, 6)),
        on(real(4), a, real(6, 2), 0),
        on(K, one, real(6)),
        on(real(1), a, real(6)),
        on(K, a, real(6), zi=real(2)),
        on(real(4), a, real(2, 6), axis=1, zi=real(2, 3)),
        on(K, a, real(4, 2), 0, real(2, 2)),
        on(K, a, real(2, 6), zi=real(1, 2)),
        on(K, 1.0, real(6)),
        on([1.0], a, real(6)),
        on(K, a, real(1), zi=real(2)),
    ]
    CASES[signal.recursive_filter] = [on(a, real(6)), on(a, real(2, 6)), on(a, real(4, 2), axis=0), on(a, real(1))]
    CASES[signal.detrend] = [
        on(real(6)),
        on(real(2, 6)),
        on(real(6, 2), 0),
        on(real(6), type="constant"),
        on(M, 0, "c"),
        on(real(7), bp=[3]),
        on(real(7, 2), axis=0, type="l", bp=np.array([2, 4])),
        on(real(7), bp=4),
        on(M, type="linear"),
    ]
    ROUNDED.update(CASES)


try:
    import scipy  # noqa: F401
except ImportError:
    pass
else:
    from autograd_mini.scipy import signal

    rows(signal)
