"""autograd_mini as it is called by default: each operation recorded, one sweep, an optimizer's step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_mini as ag
import nn
from benchmarks.workloads import Chain, Scalars, Training, Workload, rosenbrock

from . import Made, NotOffered


def make(workload: Workload) -> Made:
    """Return the step."""
    if isinstance(workload, Training):
        return Made(training(workload))
    if isinstance(workload, Scalars):
        return Made(scalars(workload))
    return Made(function(workload))


def parts(workload: Training) -> tuple[Any, Callable[[Any, Any], Any], Any]:
    """Return model, loss and optimizer, with the workload's weights."""
    model = nn.MLP(workload.sizes, workload.activation, dtype=workload.dtype)
    initial = [array for pair in zip(*workload.weights(), strict=True) for array in pair]
    for parameter, array in zip(model.parameters(), initial, strict=True):
        parameter.data = array
    loss = nn.binary_cross_entropy_with_logits if workload.binary else nn.cross_entropy
    kind = getattr(nn, workload.optimizer, None)
    if kind is None:
        raise NotOffered(f"nn has no {workload.optimizer}")
    return model, loss, kind(model.parameters(), lr=workload.lr)


def training(workload: Training) -> Callable[..., float]:
    """Return a training step."""
    model, loss, optimizer = parts(workload)

    def step(x: Any, y: Any) -> float:
        error = loss(model(x), y)
        optimizer.zero_grad()
        error.backward(retain_graph=False)
        optimizer.step()
        return float(error.item())

    return step


def network(weights: list[Any], biases: list[Any], x: list[float]) -> Any:
    """Return the output of the demo's network, one product of two numbers at a time."""
    for layer, (rows, offsets) in enumerate(zip(weights, biases, strict=True)):
        sums = [sum((w * v for w, v in zip(row, x, strict=True)), b) for row, b in zip(rows, offsets, strict=True)]
        x = [nn.relu(z) for z in sums] if layer < len(weights) - 1 else sums
    return x[0]


def hinge(workload: Scalars) -> Callable[[list[Any], list[Any]], Any]:
    """Return the demo's loss, a function of the nested lists of weights and biases."""
    points, labels = workload.data()

    def loss(weights: list[Any], biases: list[Any]) -> Any:
        margins = [nn.relu(1 - y * network(weights, biases, x)) for x, y in zip(points, labels, strict=True)]
        numbers = [p for rows in weights for row in rows for p in row] + [p for offsets in biases for p in offsets]
        return sum(margins) * (1 / len(margins)) + workload.alpha * sum(p * p for p in numbers)

    return loss


def scalars(workload: Scalars) -> Callable[[], float]:
    """Return a step of micrograd's demo, each weight a Tensor of no axes."""
    weights, biases = workload.weights()
    w = [[[ag.Tensor(v, requires_grad=True) for v in row] for row in rows.tolist()] for rows in weights]
    b = [[ag.Tensor(v, requires_grad=True) for v in row.tolist()] for row in biases]
    numbers = [p for rows in w for row in rows for p in row] + [p for row in b for p in row]
    loss = hinge(workload)

    def step() -> float:
        for p in numbers:
            p.zero_grad()
        error = loss(w, b)
        error.backward(retain_graph=False)
        for p in numbers:
            p.data -= workload.lr * p.grad
        return float(error.item())

    return step


def plain(workload: Workload) -> Callable[..., Any]:
    """Return what a function workload differentiates, and gives beside its value, as one function of arrays."""
    if isinstance(workload, Chain):

        def total(c: Any, b: Any, a: Any) -> Any:
            for _ in range(workload.times):
                c = c * b + a
            return c.sum()

        return ag.value_and_grad(total)
    if workload.name == "hessian":
        return lambda x: (rosenbrock(x), ag.hessian(rosenbrock)(x))
    return lambda x, v: (rosenbrock(x), ag.hvp(rosenbrock, x, v))


def function(workload: Workload) -> Callable[..., tuple[float, Any]]:
    """Return a value and a derivative."""
    both = plain(workload)

    def step(*arguments: Any) -> tuple[float, Any]:
        value, derivative = both(*arguments)
        return float(value), derivative

    return step
