"""The matrix products of a training step alone: what no program on NumPy can do without."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.workloads import Training, Workload

from . import Made, NotOffered


def make(workload: Workload) -> Made:
    """Return the step; its loss is NaN, since it computes none."""
    if not isinstance(workload, Training):
        raise NotOffered("no matrix products")
    weights, _ = workload.weights()
    hs = [np.empty((workload.batch, w.shape[0]), w.dtype) for w in weights]
    ds = [np.ones_like(h) for h in hs]  # He's weights keep what passes through them in range
    d_weights = [np.empty_like(w) for w in weights]
    middle = range(len(weights) - 1, 0, -1)

    def step(x: Any, _: Any) -> float:
        h = x
        for w, out in zip(weights, hs, strict=True):
            h = np.dot(h, w.T, out)
        for i in middle:
            np.dot(ds[i].T, hs[i - 1], d_weights[i])
            np.dot(ds[i], weights[i], ds[i - 1])
        np.dot(ds[0].T, x, d_weights[0])
        return float("nan")

    return Made(step)
