"""autograd_mini compiled: the derived program recorded once and called again, in NumPy or as loops by numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_mini as ag
import nn
from benchmarks.workloads import Scalars, Training, Workload

from . import Made, NotOffered
from .eager import hinge, parts, plain


def make(workload: Workload, **backend: str) -> Made:
    """Return the step."""
    if isinstance(workload, Training):
        if not hasattr(nn, "compile_step"):
            raise NotOffered("nn has no compile_step")
        return Made(nn.compile_step(*parts(workload), **backend))
    if not hasattr(ag, "compile"):
        raise NotOffered("autograd_mini has no compile")
    if isinstance(workload, Scalars):
        return Made(scalars(workload, **backend))
    return Made(function(workload, **backend))


def scalars(workload: Scalars, **backend: str) -> Callable[[], float]:
    """Return a step of micrograd's demo: a function of all weights in one vector, of which it takes single numbers."""
    weights, biases = workload.weights()
    p = np.concatenate([w.ravel() for w in weights] + biases)
    loss = hinge(workload)

    def of_vector(p: Any) -> Any:
        numbers = iter([p[i] for i in range(p.size)])
        w = [[[next(numbers) for _ in range(n_in)] for _ in range(n_out)] for n_out, n_in in (v.shape for v in weights)]
        return loss(w, [[next(numbers) for _ in v] for v in biases])

    both = ag.compile(ag.value_and_grad(of_vector), **backend)

    def step() -> float:
        value, g = both(p)
        np.subtract(p, workload.lr * g, out=p)
        return float(value)

    return step


def function(workload: Workload, **backend: str) -> Callable[..., tuple[float, Any]]:
    """Return a value and a derivative."""
    both = ag.compile(plain(workload), **backend)

    def step(*arguments: Any) -> tuple[float, Any]:
        value, derivative = both(*arguments)
        return float(value), derivative

    return step
