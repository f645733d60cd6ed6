"""MyGrad: tensors and backward(); its own softmax_crossentropy and sigmoid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu, sigmoid
from mygrad.nnet.losses import softmax_crossentropy

from benchmarks.workloads import BETA1, BETA2, EPSILON, Chain, Training, Workload

from . import Made, NotOffered


def make(workload: Workload) -> Made:
    """Return the step."""
    if isinstance(workload, Training):
        return Made(training(workload))
    if isinstance(workload, Chain):
        return Made(chain(workload))
    raise NotOffered("it has no second derivatives, and nothing for single numbers")


def training(workload: Training) -> Callable[..., float]:
    """Return a training step."""
    weights, biases = ([mg.tensor(p) for p in group] for group in workload.weights())
    parameters = [*weights, *biases]
    moments = [(np.zeros_like(p.data), np.zeros_like(p.data)) for p in parameters]
    activate, count = relu if workload.activation == "relu" else sigmoid, 0

    def step(x: Any, y: Any) -> float:
        nonlocal count
        count += 1
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            x = activate(mg.matmul(x, w.T) + b)
        z = mg.matmul(x, weights[-1].T) + biases[-1]
        error = mg.mean(mg.logaddexp(0, z) - y * z) if workload.binary else softmax_crossentropy(z, y)
        error.backward()
        for p, (m, v) in zip(parameters, moments, strict=True):
            g = p.grad
            if workload.optimizer == "SGD":
                p.data -= workload.lr * g
            else:
                m[...] = BETA1 * m + (1 - BETA1) * g
                v[...] = BETA2 * v + (1 - BETA2) * g**2
                p.data -= workload.lr * (m / (1 - BETA1**count)) / (np.sqrt(v / (1 - BETA2**count)) + EPSILON)
        return float(error.item())

    return step


def chain(workload: Chain) -> Callable[..., tuple[float, Any]]:
    """Return the sum of the chain and its gradient."""

    def step(c: Any, b: Any, a: Any) -> tuple[float, Any]:
        start = value = mg.tensor(c)
        for _ in range(workload.times):
            value = value * b + a
        total = value.sum()
        total.backward()
        return float(total.item()), start.grad

    return step
