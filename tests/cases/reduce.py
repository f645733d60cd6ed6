"""Reductions: the same axes for all of them."""

from typing import Any

import numpy as np

import autograd_mini as ag

from .base import Case, Draw, mask, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)
CASES: dict[Any, list[Case]] = {}

AXES = [
    {}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": (-1, 1)}, {"axis": ()}, {"axis": (0, 1, 2)},
    {"keepdims": True}, {"axis": 1, "keepdims": True}, {"axis": (2, 0), "keepdims": True},
    {"axis": None, "keepdims": False},
]  # fmt: skip
REDUCTION = [on(T, **keywords) for keywords in AXES] + [on(S)]
FULL, COLUMN, LINES = mask(2, 3, 2), mask(3, 1), np.array([[True, True, False], [False] * 3])
MASKED = [
    on(T, where=FULL), on(T, axis=1, where=FULL), on(T, axis=(0, 2), where=COLUMN), on(T, axis=(1, 0), where=COLUMN),
    on(T, axis=(0, 1), where=FULL, keepdims=True), on(T, axis=-1, where=LINES[:, :, None]), on(M, where=True),
    on(M, axis=0, where=[True, False, True]), on(M, axis=(), where=np.array(True)), on(M, where=ag.Tensor(mask(2, 3))),
]  # fmt: skip
EMPTY = [on(E, axis=1), on(real(2, 0), axis=0, keepdims=True)]
ADDED = [  # sums and products
    on(E), on(E, axis=0), on(real(2, 0, 3), axis=(1, 2)), on(M, axis=1, where=LINES), on(S, axis=0), on(S, axis=()),
    on(M, initial=2.5), on(M, axis=1, initial=S, keepdims=True), on(M, axis=0, initial=real(), where=mask(2, 3)),
    on(M, initial=real(), axis=()), on(M, axis=1, where=LINES, initial=real()), on(E, axis=0, initial=real()),
    on(M, dtype=np.float32), on(M, axis=0, dtype=np.float64, keepdims=True),
]  # fmt: skip
LOW, HIGH = real(between=(-9, -9)), real(between=(9, 9))
BOUNDED = [  # maxima and minima, which need an entry or an initial value in each line
    *[on(M, axis=1, initial=bound, keepdims=True) for bound in (LOW, HIGH, -9.0, 9.0)],
    on(M, initial=real(between=(0.1, 0.1))), on(M, axis=0, initial=real(between=(0.1, 0.1))),
    on(M, axis=1, where=LINES, initial=real(between=(0.1, 0.1))), on(M, axis=(0, 1), where=mask(2, 3), initial=0.1),
    on(E, axis=0, initial=LOW), on(S, axis=0), on(S, axis=()), on(M, axis=(), initial=real(between=(0.1, 0.1))),
]  # fmt: skip
BOUNDED_WHERE = [on(*c.args, **c.kwargs, initial=bound) for c in MASKED for bound in (LOW, HIGH)]
for function in (np.sum, np.prod):
    CASES[function] = REDUCTION + MASKED + EMPTY + ADDED
CASES[np.prod] += [on(real(5)), on(real(2, 7), axis=1)]
CASES[np.max] = CASES[np.min] = REDUCTION + BOUNDED_WHERE + EMPTY + BOUNDED
CASES[np.amax] = CASES[np.amin] = REDUCTION[:2] + BOUNDED

C = real.complex(2, 3)
COMPLEX = [on(C), on(C, axis=0), on(C, axis=-1, keepdims=True)]
for function in (np.sum, np.prod, np.max, np.min):
    CASES[function] += COMPLEX
CASES[np.sum] += [on(C, axis=1, initial=real.complex(), where=mask(2, 3))]
CASES[np.prod] += [on(C, axis=1, initial=real.complex(), where=mask(2, 3))]
CASES[np.nansum] = CASES[np.sum]
CASES[np.nanprod] = CASES[np.prod]
CASES[np.nanmax] = CASES[np.nanmin] = CASES[np.max]
CASES[np.ptp] = REDUCTION + EMPTY + COMPLEX
CASES[ag.logsumexp] = REDUCTION + EMPTY + [on(M, 1, True)]
