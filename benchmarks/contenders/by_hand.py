"""Hand-written NumPy: the delta rules as a good NumPy user writes them, with no tricks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads import BETA1, BETA2, EPSILON, Chain, Scalars, Training, Workload

from . import Made


def make(workload: Workload) -> Made:
    """Return the step."""
    if isinstance(workload, Training):
        return Made(training(workload))
    if isinstance(workload, Chain):
        return Made(chain(workload.times))
    if isinstance(workload, Scalars):
        return Made(moons(workload))
    return Made(hessian if workload.name == "hessian" else hvp)


def training(workload: Training) -> Callable[..., float]:
    """Return a training step."""
    weights, biases = workload.weights()
    last, n, lr, rows = len(weights) - 1, workload.batch, workload.lr, np.arange(workload.batch)
    means = [(np.zeros_like(p), np.zeros_like(p)) for p in (*weights, *biases)]
    count = 0

    def activate(z: Any) -> Any:
        return np.maximum(z, 0) if workload.activation == "relu" else 1 / (1 + np.exp(-z))

    def slope(h: Any) -> Any:
        return h > 0 if workload.activation == "relu" else h * (1 - h)

    def update(i: int, p: Any, g: Any) -> None:
        if workload.optimizer == "SGD":
            p -= lr * g
            return
        m, v = means[i]
        m[...] = BETA1 * m + (1 - BETA1) * g
        v[...] = BETA2 * v + (1 - BETA2) * g**2
        p -= lr * (m / (1 - BETA1**count)) / (np.sqrt(v / (1 - BETA2**count)) + EPSILON)

    def step(x: Any, y: Any) -> float:
        nonlocal count
        count += 1
        hs = [x]
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            hs.append(activate(hs[-1] @ w.T + b))
        z = hs[-1] @ weights[-1].T + biases[-1]
        if workload.binary:
            o = 1 / (1 + np.exp(-z))
            loss = -(y * np.log(o) + (1 - y) * np.log(1 - o)).mean()
            d = (o - y) / n
        else:
            z = z - z.max(axis=1, keepdims=True)
            e = np.exp(z)
            total = e.sum(axis=1, keepdims=True)
            loss = (np.log(total[:, 0]) - z[rows, y]).mean()
            d = e / total
            d[rows, y] -= 1
            d /= n
        for i in range(last, -1, -1):
            d_w, d_b = d.T @ hs[i], d.sum(axis=0)
            if i:
                d = (d @ weights[i]) * slope(hs[i])
            update(i, weights[i], d_w)
            update(last + 1 + i, biases[i], d_b)
        return float(loss)

    return step


def chain(times: int) -> Callable[..., tuple[float, Any]]:
    """Return the sum of the chain and its gradient."""

    def step(c: Any, b: Any, a: Any) -> tuple[float, Any]:
        for _ in range(times):
            c = c * b + a
        g = np.ones_like(c)
        for _ in range(times):
            g = g * b
        return float(c.sum()), g

    return step


def moons(workload: Scalars) -> Callable[[], float]:
    """Return a step of micrograd's demo on whole arrays: what each scalar engine's losses are held against."""
    (w1, w2, w3), (b1, b2, b3) = workload.weights()
    x, y = map(np.array, workload.data())
    alpha, lr = workload.alpha, workload.lr

    def step() -> float:
        h1 = np.maximum(x @ w1.T + b1, 0)
        h2 = np.maximum(h1 @ w2.T + b2, 0)
        margin = np.maximum(1 - y * (h2 @ w3.T + b3)[:, 0], 0)
        loss = margin.mean() + alpha * sum((p * p).sum() for p in (w1, b1, w2, b2, w3, b3))
        d3 = (-y * (margin > 0) / len(y))[:, None]
        d2 = (d3 @ w3) * (h2 > 0)
        d1 = (d2 @ w2) * (h1 > 0)
        gradients = (d1.T @ x, d1.sum(0), d2.T @ h1, d2.sum(0), d3.T @ h2, d3.sum(0))
        for p, g in zip((w1, b1, w2, b2, w3, b3), gradients, strict=True):
            p -= lr * (g + 2 * alpha * p)
        return float(loss)

    return step


def _value(x: Any) -> float:
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def _bands(x: Any) -> tuple[Any, Any]:
    """Return the diagonal of the Hessian and what stands beside it."""
    diagonal = np.zeros_like(x)
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    return diagonal, -400 * x[:-1]


def hvp(x: Any, v: Any) -> tuple[float, Any]:
    """Return the value and the Hessian times v."""
    diagonal, beside = _bands(x)
    product = diagonal * v
    product[:-1] += beside * v[1:]
    product[1:] += beside * v[:-1]
    return _value(x), product


def hessian(x: Any) -> tuple[float, Any]:
    """Return the value and the Hessian."""
    diagonal, beside = _bands(x)
    return _value(x), np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
