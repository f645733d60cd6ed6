"""Means and spreads, quantiles, covariances, histograms."""

from typing import Any

import numpy as np

import autograd_mini as ag

from .base import Case, Draw, mask, on
from .reduce import COLUMN, COMPLEX, EMPTY, FULL, REDUCTION, C, E, M, S, T

real = Draw(__name__)
V = real(5)
CASES: dict[Any, list[Case]] = {}
CONSTANTS: dict[Any, list[Case]] = {}

# --- means and spreads

SPREAD = [  # of var and std
    on(T, ddof=1), on(T, axis=1, ddof=1, keepdims=True), on(T, axis=(0, 2), correction=1), on(T, axis=0, ddof=0.5),
    on(T, axis=(0, 2), where=COLUMN | FULL, ddof=1), on(T, axis=1, where=FULL, correction=0.5, keepdims=True),
    on(M, axis=1, mean=real(2, 1)), on(M, axis=0, mean=real(1, 3), ddof=1, where=[True, True, True]), on(M, mean=0.3),
    on(M, axis=(0, 1), mean=real(1, 1), keepdims=True), on(M, axis=1, correction=0, mean=None),
    on([1.0, 2.0, 4.0], mean=real(1)), on([1.0, 2.0, 4.0], mean=real(), where=mask(3)),
]  # fmt: skip
MEAN = [on(M, dtype=np.float32), on(M, axis=0, dtype=np.float64, keepdims=True)]
NONE_OUT = [  # a line of which nothing is selected has no mean
    on(T, where=FULL), on(T, axis=1, where=FULL), on(T, axis=(0, 2), where=FULL), on(T, axis=(1, 0), where=COLUMN),
    on(T, axis=(0, 1), where=FULL, keepdims=True), on(M, where=True), on(M, axis=1, where=[True, False, True]),
    on(M, axis=(), where=np.array(True)), on(M, where=ag.Tensor(mask(2, 3))),
]  # fmt: skip
CASES[np.mean] = CASES[np.nanmean] = REDUCTION + NONE_OUT + EMPTY + MEAN + COMPLEX
SPREADING = [c for c in REDUCTION + NONE_OUT if c.args[0].ndim and c.kwargs.get("axis") != ()]
CASES[np.var] = REDUCTION + NONE_OUT + EMPTY + MEAN + SPREAD + COMPLEX
CASES[np.std] = SPREADING + EMPTY + MEAN + SPREAD + COMPLEX
ABOUT = [on(M, 1, mean=ag.Tensor([[0.2], [-0.1]])), on(M, axis=0, mean=ag.Tensor(0.3), ddof=1)]  # NumPy asks `a` only
CASES[np.nanvar] = REDUCTION + NONE_OUT + EMPTY + MEAN + [c for c in SPREAD if "mean" not in c.kwargs] + COMPLEX + ABOUT
CASES[np.nanstd] = [c for c in CASES[np.nanvar] if c.args[0].ndim and c.kwargs.get("axis") != ()]

POSITIVE, LINE = real(2, 3, between=(0.5, 2)), real(3, between=(0.5, 2))
CASES[np.average] = [
    on(T), on(T, axis=0), on(T, axis=(0, 2)), on(S), on(M, -1, keepdims=True), on(M, weights=POSITIVE),
    on(M, axis=1, weights=POSITIVE), on(M, axis=-1, weights=LINE), on(M, 0, [1, 2], True), on(M, axis=1, returned=True),
    on(M, 1, LINE, True, keepdims=True), on(M, axis=0, weights=POSITIVE, returned=True),
    on(M, weights=POSITIVE, returned=True),
    on(T, axis=(0, 2), weights=real(2, 2, between=(0.5, 2))), on(T, axis=(2, 1), weights=real(2, 3, between=(0.5, 2))),
    on(C, axis=1, weights=LINE), on(M, axis=1, weights=real.complex(2, 3)), on(M, axis=1, weights=ag.Tensor([1, 2, 2])),
    on([[1, 2, 4], [0, 1, 5]], 1, POSITIVE),
]  # fmt: skip
for function in (np.nanargmax, np.nanargmin):
    CONSTANTS[function] = [on(M), on(V), on(M, axis=1, keepdims=True), on(M, axis=-1)]

# --- quantiles

METHODS = [
    "linear", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased", "normal_unbiased", "inverted_cdf",
    "averaged_inverted_cdf", "closest_observation", "lower", "higher", "midpoint", "nearest",
]  # fmt: skip
Q, QS, QM = np.array(1.5 / 11), np.array([2.5, 8.5, 9.5]) / 11, np.array([0.28, 0.55, 0.72])  # off the entries
MIDDLE = [c for c in REDUCTION if c.kwargs != {"axis": ()}]
CASES[np.median] = CASES[np.nanmedian] = [*MIDDLE, on(V), on(real(4)), on(real(2, 4), 1), *COMPLEX]
QUANTILES = [
    *[on(T, Q, **c.kwargs) for c in MIDDLE[:-1]], *[on(T, QS, **c.kwargs) for c in MIDDLE[:-1]],
    on(real(between=(0.4, 0.4)), Q), on(V, 0.37),
    on(V, 0), on(V, 1), on(V, 0.5), on(V, [0.0, 0.25, 1.0]), on(M, QS.reshape(3, 1), axis=1), on(M, 0.2, 0),
    on(M, [[0.1, 0.7]], axis=(1, 0), keepdims=True), on(M, ag.Tensor(0.3), axis=1), on([1.0, 4.0, 2.0], QS),
    on(real(1), Q),
    *[on(M, QM, axis=1, method=method) for method in METHODS], *[on(M, 0.6, method=method) for method in METHODS],
    *[on(real(2, 4), [0.0, 0.06, 0.9, 0.5, 0.97, 1.0], axis=1, method=method) for method in METHODS],
    on(M, 0.3, axis=1, method="inverted_cdf", weights=[1, 2, 1]),
    on(V, [0.2, 0.55], method="inverted_cdf", weights=[3, 1, 2, 2, 1]),
    on(M, [0.2, 0.55], axis=0, method="inverted_cdf", weights=np.array([[1, 2, 2], [1, 1, 3]]), keepdims=True),
]  # fmt: skip
CASES[np.quantile] = QUANTILES
CASES[np.nanquantile] = [c for c in QUANTILES if np.shape(c.kwargs.get("weights")) != (3,)]  # NumPy fails there


def percent(q):
    q = q.data if isinstance(q, ag.Tensor) else q
    return 100 * q if isinstance(q, (np.ndarray, int, float)) else (100 * np.array(q)).tolist()


for function, other in ((np.percentile, np.quantile), (np.nanpercentile, np.nanquantile)):
    CASES[function] = [on(c.args[0], percent(c.args[1]), *c.args[2:], **c.kwargs) for c in CASES[other]]

# --- covariances

OBSERVED, OTHER, CO = real(3, 5), real(2, 5), real.complex(2, 4)
CASES[np.cov] = [
    on(OBSERVED, aweights=real(5, between=(0.5, 2))), on(OBSERVED), on(V), on(V, real(5)), on(OBSERVED, OTHER),
    on(OBSERVED, V), on(OBSERVED.T.copy(), None, False),
    on(OBSERVED, OTHER, bias=True), on(OBSERVED, ddof=0), on(OBSERVED, ddof=2),
    on(OBSERVED.T.copy(), OTHER.T.copy(), rowvar=False), on(OBSERVED, fweights=[1, 2, 1, 3, 1]),
    on(real(5, 1), rowvar=False),
    on(real(5, between=(0.5, 2)), aweights=real(5, between=(0.5, 2)), ddof=0),
    on(OBSERVED, fweights=np.array([1, 2, 1, 3, 1]), aweights=real(5, between=(0.5, 2))),
    on(OBSERVED, OTHER, aweights=[1.0, 2.0, 0.5, 1.0, 1.0], ddof=1), on(CO), on(CO, real.complex(4)), on(CO, real(4)),
    on(CO, aweights=real(4, between=(0.5, 2))), on(OBSERVED, dtype=np.float32), on(E),
    on([1.0, 2.0, 4.0, 3.0, 1.0], V),
]  # fmt: skip
CASES[np.corrcoef] = [
    on(OBSERVED), on(V), on(V, real(5)), on(OBSERVED, OTHER), on(OBSERVED.T.copy(), None, False), on(OBSERVED, y=V),
    on(OBSERVED.T.copy(), OTHER.T.copy(), rowvar=False), on(OBSERVED, dtype=np.float32), on(CO),
    on(CO, real.complex(4)),
]  # fmt: skip

# --- histograms

WEIGHTS = real(7, between=(0.5, 2))
EDGES = np.array([-2.2, -0.9, 0.33, 2.3])
PLACED, OUTSIDE = [-1.6, 0.4, 0.1, -0.5, 2.0, 1.1, 0.2], np.array([-5, 0, 1, 1, 9, 0, 2])
SAMPLE, SAMPLE2 = np.array(PLACED), np.array([0.95, 1.47, 0.21, 2.1, -0.6, -1.07, -1.7])  # off the edges below
CASES[np.histogram_bin_edges] = [
    on(SAMPLE, "sturges"), on(SAMPLE), on(SAMPLE, 4), on(T, bins=3), on(SAMPLE, EDGES), on(SAMPLE, 3, (-1.0, 2.5)),
    on(SAMPLE, 3, range=(-1, 2), weights=[1] * 7), on(E, 3), on(real(1), 3), on([1.0, 2.0], EDGES),
]  # fmt: skip
CASES[np.bincount] = [
    on([0, 2, 1, 2], real(4)), on(np.array([0, 2, 1, 2]), weights=real(4), minlength=5), on(ag.Tensor([1, 1]), real(2)),
]  # fmt: skip
CASES[np.histogram] = [
    on(SAMPLE, 3), on(PLACED, 3, weights=WEIGHTS), on(PLACED, EDGES, density=True, weights=WEIGHTS),
    on(PLACED, bins=EDGES, weights=WEIGHTS),
    on(SAMPLE, 5, density=True, weights=WEIGHTS), on(SAMPLE, 5, None, True), on(SAMPLE, EDGES, density=True),
    on(PLACED, 4, (-1.0, 1.5), weights=WEIGHTS), on(OUTSIDE, [0, 1, 2], weights=WEIGHTS), on(PLACED, weights=WEIGHTS),
    on(np.array(PLACED).astype(np.int64).reshape(7, 1), 3, weights=real(7, 1)), on(PLACED, 4, weights=real.complex(7)),
    on(SAMPLE, [-9.0, 0.01, 9.0], weights=WEIGHTS),
]  # fmt: skip
SQUARE = [[-2.2, -0.9, 0.33, 2.3], [-3.0, 0.43, 3.0]]
CASES[np.histogram2d] = [
    on(PLACED, SAMPLE2.tolist(), 2, weights=WEIGHTS), on(SAMPLE, SAMPLE2, 5, density=True, weights=WEIGHTS),
    on(SAMPLE, SAMPLE2, [3, 5]), on(SAMPLE, SAMPLE2, EDGES, None, True, WEIGHTS),
    on(SAMPLE, SAMPLE2, SQUARE, weights=WEIGHTS),
    on(SAMPLE, SAMPLE2, [EDGES, 5], [None, [-1, 2.2]], weights=WEIGHTS),
    on(SAMPLE, SAMPLE2, 2, range=[[-1, 2.1], [-1, 1.2]]),
]  # fmt: skip
CASES[np.histogramdd] = [
    on(real(6, 3), [[-9.0, 0.01, 9.0]] * 3, weights=real(6, between=(0.5, 2))),
    on([SAMPLE, SAMPLE2], 5, density=True, weights=WEIGHTS),
    on([SAMPLE, SAMPLE2], SQUARE, weights=WEIGHTS), on(np.stack([SAMPLE, SAMPLE2], 1), [2, 5], ((-1, 1), None), True),
    on((SAMPLE,), 3),
    on(SAMPLE, 5, weights=WEIGHTS), on([SAMPLE, SAMPLE2], [EDGES, EDGES], density=True),
]  # fmt: skip

INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.average, on(M, weights=LINE), TypeError), (np.average, on(M, 0, LINE), ValueError),
    (np.average, on(M, weights=np.zeros((2, 3))), ZeroDivisionError),
    (np.quantile, on(V, 1.5), ValueError), (np.quantile, on(V, 0.5, method="no"), ValueError),
    (np.quantile, on(V, 0.5, weights=[1] * 5), ValueError), (np.quantile, on(C, 0.5), TypeError),
    (np.cov, on(T), ValueError), (np.cov, on(V, ddof=0.5), ValueError), (np.cov, on(V, fweights=[1.5] * 5), TypeError),
    (np.cov, on(V, aweights=[-1] * 5), ValueError), (np.cov, on(V, aweights=[1]), RuntimeError),
    (np.histogram, on(V, 3, weights=[1.0]), ValueError), (np.histogram, on(V, 0), ValueError),
    (np.histogram, on(V, [2, 1]), ValueError), (np.histogramdd, on(real(3, 2), [1, 2, 3]), ValueError),
]  # fmt: skip
