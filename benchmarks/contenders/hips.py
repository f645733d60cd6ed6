"""HIPS autograd: value_and_grad of a function of lists of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.scipy.special import logsumexp

from benchmarks.workloads import BETA1, BETA2, EPSILON, Chain, Scalars, Training, Workload, rosenbrock

from . import Made, NotOffered


def make(workload: Workload) -> Made:
    """Return the step."""
    if isinstance(workload, Training):
        return Made(training(workload))
    if isinstance(workload, Scalars):
        raise NotOffered("not run, since a step takes seconds")
    return Made(function(workload))


def training(workload: Training) -> Callable[..., float]:
    """Return a training step."""
    weights, biases = workload.weights()
    parameters = [*weights, *biases]
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
    layers, rows, count = len(weights), np.arange(workload.batch), 0

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        for i in range(layers):
            z = anp.dot(x, parameters[i].T) + parameters[layers + i]
            x = anp.maximum(z, 0) if workload.activation == "relu" else 1 / (1 + anp.exp(-z))
        if workload.binary:
            return anp.mean(anp.logaddexp(0, z) - y * z)
        return anp.mean(logsumexp(z, axis=1) - z[rows, y])

    both = autograd.value_and_grad(loss)

    def step(x: Any, y: Any) -> float:
        nonlocal count
        count += 1
        value, gradients = both(parameters, x, y)
        for p, g, (m, v) in zip(parameters, gradients, moments, strict=True):
            if workload.optimizer == "SGD":
                p -= workload.lr * g
            else:
                m[...] = BETA1 * m + (1 - BETA1) * g
                v[...] = BETA2 * v + (1 - BETA2) * g**2
                p -= workload.lr * (m / (1 - BETA1**count)) / (np.sqrt(v / (1 - BETA2**count)) + EPSILON)
        return float(value)

    return step


def function(workload: Workload) -> Callable[..., tuple[float, Any]]:
    """Return a value and a derivative."""

    def total(c: Any, b: Any, a: Any) -> Any:
        for _ in range(workload.times):
            c = c * b + a
        return anp.sum(c)

    def valley(x: Any) -> Any:  # its boxes have no .sum of a sum of slices that it can sweep twice
        return anp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    if isinstance(workload, Chain):
        both = autograd.value_and_grad(total)
    elif workload.name == "hvp":
        product = autograd.hessian_vector_product(valley)
        both = lambda x, v: (rosenbrock(x), product(x, v))  # noqa: E731
    else:
        matrix = autograd.hessian(valley)
        both = lambda x: (rosenbrock(x), matrix(x))  # noqa: E731

    def step(*arguments: Any) -> tuple[float, Any]:
        value, derivative = both(*arguments)
        return float(value), derivative

    return step
