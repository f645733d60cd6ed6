"""PyTorch: eager, with a fused optimizer, or the model and its loss through torch.compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.workloads import Chain, Scalars, Training, Workload, rosenbrock

from . import Made, NotOffered


def make(workload: Workload, fused: bool = False, compiled: bool = False) -> Made:
    """Return the step."""
    if isinstance(workload, Training):
        return Made(training(workload, fused, compiled), torch.tensor)
    if fused:
        raise NotOffered("there is no optimizer to fuse")
    if isinstance(workload, Scalars):
        if compiled:
            raise NotOffered("its compiler is not meant for graphs of single numbers")
        return Made(scalars(workload))
    if isinstance(workload, Chain):
        return Made(chain(workload, compiled), torch.tensor)
    if compiled:
        raise NotOffered("torch.compile takes no double backward")
    return Made(hessian if workload.name == "hessian" else hvp, torch.tensor)


def training(workload: Training, fused: bool, compiled: bool) -> Callable[..., float]:
    """Return a training step."""
    layers: list[Any] = []
    for w, b in zip(*workload.weights(), strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0], dtype=getattr(torch, workload.dtype))
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w))
            linear.bias.copy_(torch.tensor(b))
        layers += [linear, torch.nn.ReLU() if workload.activation == "relu" else torch.nn.Sigmoid()]
    model = torch.nn.Sequential(*layers[:-1])
    functional = torch.nn.functional
    loss = functional.binary_cross_entropy_with_logits if workload.binary else functional.cross_entropy
    kind = getattr(torch.optim, workload.optimizer)
    optimizer = kind(model.parameters(), lr=workload.lr, **({"fused": True} if fused else {}))

    def forward(x: Any, y: Any) -> Any:
        return loss(model(x), y)

    if compiled:
        forward = torch.compile(forward)

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        error = forward(x, y)
        error.backward()
        optimizer.step()
        return float(error.item())

    return step


def chain(workload: Chain, compiled: bool) -> Callable[..., tuple[float, Any]]:
    """Return the sum of the chain and its gradient."""

    def forward(c: Any, b: Any, a: Any) -> Any:
        for _ in range(workload.times):
            c = c * b + a
        return c.sum()

    if compiled:
        forward = torch.compile(forward)

    def step(c: Any, b: Any, a: Any) -> tuple[float, Any]:
        c.requires_grad_()
        total = forward(c, b, a)
        (g,) = torch.autograd.grad(total, c)
        return float(total.item()), g

    return step


def scalars(workload: Scalars) -> Callable[[], float]:
    """Return a step of micrograd's demo, each weight a tensor of no axes."""
    weights, biases = workload.weights()
    w = [[[torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in row] for row in m] for m in weights]
    b = [[torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in row] for row in biases]
    numbers = [p for m in w for row in m for p in row] + [p for row in b for p in row]
    points, labels = workload.data()

    def network(x: Any) -> Any:
        for layer, (m, offsets) in enumerate(zip(w, b, strict=True)):
            sums = [sum((p * v for p, v in zip(row, x, strict=True)), o) for row, o in zip(m, offsets, strict=True)]
            x = [z.relu() for z in sums] if layer < 2 else sums
        return x[0]

    def step() -> float:
        margins = [(1 - y * network(x)).relu() for x, y in zip(points, labels, strict=True)]
        error = sum(margins) * (1 / len(margins)) + workload.alpha * sum(p * p for p in numbers)
        for p in numbers:
            p.grad = None
        error.backward()
        with torch.no_grad():
            for p in numbers:
                p -= workload.lr * p.grad
        return float(error.item())

    return step


def hvp(x: Any, v: Any) -> tuple[float, Any]:
    """Return the value and the Hessian times v, by two sweeps."""
    x = x.detach().requires_grad_()
    value = rosenbrock(x)
    (g,) = torch.autograd.grad(value, x, create_graph=True)
    (product,) = torch.autograd.grad(g, x, v)
    return float(value.item()), product


def hessian(x: Any) -> tuple[float, Any]:
    """Return the value and the Hessian."""
    return float(rosenbrock(x).item()), torch.func.hessian(rosenbrock)(x)
