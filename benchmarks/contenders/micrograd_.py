"""micrograd: its own demo, with its own MLP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from micrograd.engine import Value
from micrograd.nn import MLP

from benchmarks.workloads import Chain, Scalars, Workload

from . import Made, NotOffered


def make(workload: Workload) -> Made:
    """Return the step."""
    if isinstance(workload, Scalars):
        return Made(demo(workload))
    if isinstance(workload, Chain) and workload.size == 1:
        return Made(chain(workload))
    raise NotOffered("it computes with single numbers only")


def demo(workload: Scalars) -> Callable[[], float]:
    """Return the step of micrograd's demo.ipynb, but for the rate, which is constant here."""
    model = MLP(workload.sizes[0], list(workload.sizes[1:]))
    weights, biases = workload.weights()
    for layer, m, offsets in zip(model.layers, weights, biases, strict=True):
        for neuron, row, offset in zip(layer.neurons, m, offsets, strict=True):
            for w, value in zip(neuron.w, row, strict=True):
                w.data = float(value)
            neuron.b.data = float(offset)
    points, labels = workload.data()

    def step() -> float:
        inputs = [list(map(Value, row)) for row in points]
        scores = list(map(model, inputs))
        losses = [(1 + -y * score).relu() for y, score in zip(labels, scores, strict=True)]
        data_loss = sum(losses) * (1.0 / len(losses))
        total = data_loss + workload.alpha * sum(p * p for p in model.parameters())
        model.zero_grad()
        total.backward()
        for p in model.parameters():
            p.data -= workload.lr * p.grad
        return float(total.data)

    return step


def chain(workload: Chain) -> Callable[..., tuple[float, Any]]:
    """Return the chain's last number and its derivative."""

    def step(c: Any, b: Any, a: Any) -> tuple[float, Any]:
        start = value = Value(c.item())
        b, a = b.item(), a.item()
        for _ in range(workload.times):
            value = value * b + a
        value.backward()
        return float(value.data), [start.grad]

    return step
