"""JAX: the whole step under jit, its parameters donated, so that it may update them in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.workloads import BETA1, BETA2, EPSILON, Chain, Scalars, Training, Workload, rosenbrock

from . import Made, NotOffered


def make(workload: Workload) -> Made:
    """Return the step. Sets jax_enable_x64 to what the workload needs."""
    if isinstance(workload, Scalars):
        raise NotOffered("not run, since jit of 4 of its 100 points already takes more than a minute")
    double = getattr(workload, "dtype", "float32" if isinstance(workload, Chain) else "float64") == "float64"
    jax.config.update("jax_enable_x64", double)
    if isinstance(workload, Training):
        return Made(training(workload), jnp.asarray)
    return Made(function(workload), jnp.asarray)


def training(workload: Training) -> Callable[..., float]:
    """Return a training step."""
    activate = jax.nn.relu if workload.activation == "relu" else jax.nn.sigmoid
    parameters = [(jnp.asarray(w), jnp.asarray(b)) for w, b in zip(*workload.weights(), strict=True)]
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    state: Any = (parameters, zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.zeros((), workload.dtype))
    if workload.optimizer == "SGD":
        state = (parameters,)

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        for w, b in parameters[:-1]:
            x = activate(x @ w.T + b)
        w, b = parameters[-1]
        z = x @ w.T + b
        if workload.binary:
            return jnp.mean(jnp.logaddexp(0, z) - y * z)
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], axis=1)[:, 0])

    def sgd(state: Any, x: Any, y: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(state[0], x, y)
        return value, (jax.tree.map(lambda p, g: p - workload.lr * g, state[0], gradients),)

    def adam(state: Any, x: Any, y: Any) -> Any:
        parameters, mean, square, t = state
        value, gradients = jax.value_and_grad(loss)(parameters, x, y)
        t = t + 1
        mean = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, gradients)
        square = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, square, gradients)
        c1, c2 = 1 - BETA1**t, 1 - BETA2**t
        parameters = jax.tree.map(
            lambda p, m, v: p - workload.lr * (m / c1) / (jnp.sqrt(v / c2) + EPSILON), parameters, mean, square
        )
        return value, (parameters, mean, square, t)

    train = jax.jit(sgd if workload.optimizer == "SGD" else adam, donate_argnums=0)

    def step(x: Any, y: Any) -> float:
        nonlocal state
        value, state = train(state, x, y)
        return float(value)

    return step


def function(workload: Workload) -> Callable[..., tuple[float, Any]]:
    """Return a value and a derivative."""

    def total(c: Any, b: Any, a: Any) -> Any:
        for _ in range(workload.times):
            c = c * b + a
        return c.sum()

    def hvp(x: Any, v: Any) -> Any:
        return rosenbrock(x), jax.jvp(jax.grad(rosenbrock), (x,), (v,))[1]

    if isinstance(workload, Chain):
        both = jax.jit(jax.value_and_grad(total))
    elif workload.name == "hvp":
        both = jax.jit(hvp)
    else:
        both = jax.jit(lambda x: (rosenbrock(x), jax.hessian(rosenbrock)(x)))

    def step(*arguments: Any) -> tuple[float, Any]:
        value, derivative = both(*arguments)
        return float(value), derivative

    return step
