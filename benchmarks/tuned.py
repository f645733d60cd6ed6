"""The best hand-tuned NumPy that we know: the bar for compiled programs. One step, nothing general, every trick said.

Compare with contenders/by_hand.py, which computes the same plainly. What makes this faster, with the tricks numbered as
they are marked below:

 1. No allocation: every result goes into a buffer made beforehand (`out`). Ufuncs take it by position, which is parsed
    faster; `np.maximum` by keyword, since by position it warns.
 2. Parameters and gradients are two flat vectors, and the layers' matrices are views of them: an update is a few calls
    on one vector, not on each array.
 3. The batch lies on the last axis: sums over classes then run over axis 0, where NumPy uses SIMD.
 4. A bias is the last column of its weights, against a row of ones in the layer's input. Product, bias, and the
    bias's gradient are one product each. Not for inputs wider than 256: there the odd row length costs more than a
    broadcast addition.
 5. `np.dot`, not `@`: half the cost of a call on small matrices. As a method bound beforehand, it is looked up once.
 6. Sums are products with ones, a mean is one with 1/n: `dot` costs a third of `np.sum`.
 7. ReLU against a cached array of zeros: with the number 0 `np.maximum` does not use SIMD. For wide layers one row of
    zeros, broadcast, which takes less room in the cache.
 8. ReLU's gradient on the bits: for h >= 0, -h is negative as an integer exactly where h > 0, so that a shift by all
    but the sign makes a mask, and `&` applies it; h is no longer needed, so it is made in place. A boolean mask would
    be cast to float by each product.
 9. Constants are 0-d arrays: a Python number is converted at each call.
10. The learning rate of SGD and the 1/n of the mean enter once, where the sweep starts: the update is one subtraction.
11. The label's logit is read, and its delta written, at one flat index: a[i] costs a fifth of a[y, columns].
12. Sigmoid as (1 + tanh(z/2)) / 2: no overflow to guard against.
13. One number is a Python float: its arithmetic costs a twentieth of a call of NumPy's.
14. Adam on scaled moments, m/(1-beta1) and v/(1-beta2): two products fewer; the corrections of bias are two numbers.
15. Adam's ten passes go block by block, so that what they share stays in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from benchmarks.contenders import Made, NotOffered
from benchmarks.workloads import BETA1, BETA2, EPSILON, Chain, Training, Workload

BLOCK = 32_768  # numbers that Adam updates at a time
WIDE = 256  # of layers, where tricks 4 and 7 change


def make(workload: Workload) -> Made:
    """Return the step."""
    if isinstance(workload, Training):
        return Made(training(workload))
    if isinstance(workload, Chain):
        return Made(chain(workload))
    raise NotOffered("not hand-tuned")


class Layer(NamedTuple):
    """The views and buffers of a layer; a layer whose bias is folded into its weights (4) has no bias of its own."""

    matrix: Any  # weights, with the biases as the last column if they are folded
    weight: Any  # the weights alone
    bias: Any  # a column, or None
    d_matrix: Any  # the gradients; in SGD times the learning rate (10)
    d_bias: Any
    h: Any  # its input, a column per sample, with a row of ones below if the bias is folded
    z: Any  # its output, activated in place: the upper rows of the next layer's h
    d: Any  # the delta: the derivative by the output before the activation
    zeros: Any


def laid_out(workload: Training) -> tuple[Any, Any, list[Layer], Any]:
    """Return the flat vectors of parameters and gradients (2), the layers, and where to copy a batch, or None."""
    sizes, n, dtype = workload.sizes, workload.batch, workload.dtype
    folded = [n_in <= WIDE for n_in in sizes[:-1]]
    count = sum(n_out * (n_in + 1) for n_in, n_out in pairwise(sizes))
    parameters, gradients = np.empty(count, dtype), np.empty(count, dtype)
    rows = np.ones((n, sizes[0] + 1), dtype) if folded[0] else None
    inputs = [None if rows is None else rows.T]
    inputs += [np.ones((n_in + fold, n), dtype) for n_in, fold in zip(sizes[1:-1], folded[1:], strict=True)]
    layers = []
    start = 0
    for i, (w, b) in enumerate(zip(*workload.weights(), strict=True)):
        n_out, n_in = w.shape
        middle, end = start + w.size, start + w.size + b.size
        if folded[i]:
            matrix, d_matrix = (v[start:end].reshape(n_out, n_in + 1) for v in (parameters, gradients))
            weight, bias, d_bias = matrix[:, :n_in], None, None
            matrix[:, n_in] = b
        else:
            matrix, d_matrix = (v[start:middle].reshape(n_out, n_in) for v in (parameters, gradients))
            weight, bias, d_bias = matrix, parameters[middle:end].reshape(n_out, 1), gradients[middle:end]
            bias[:, 0] = b
        weight[...] = w
        start = end
        z = inputs[i + 1][:n_out] if i + 1 < len(inputs) else np.empty((n_out, n), dtype)
        zeros = np.zeros_like(z) if n_out <= WIDE else np.zeros(n, dtype)
        layers.append(Layer(matrix, weight, bias, d_matrix, d_bias, inputs[i], z, np.empty_like(z), zeros))
    return parameters, gradients, layers, rows


def training(workload: Training) -> Callable[..., float]:
    """Return a training step."""
    n, k, dtype = workload.batch, workload.sizes[-1], np.dtype(workload.dtype)
    relu, binary = workload.activation == "relu", workload.binary
    parameters, gradients, layers, rows = laid_out(workload)
    update = adam(workload, parameters, gradients) if workload.optimizer == "Adam" else None

    one, half = np.array(1, dtype), np.array(0.5, dtype)  # 9
    seed = np.array((workload.lr if update is None else 1.0) / n, dtype)  # 10
    average, ones, classes = np.full(n, 1 / n, dtype), np.ones(n, dtype), np.ones(k, dtype)  # 6
    columns, width, index = np.arange(n), np.array(n), np.empty(n, np.intp)
    top, total, part, exps = np.empty(n, dtype), np.empty(n, dtype), np.empty(n, dtype), np.empty((k, n), dtype)
    integer = np.dtype(f"i{dtype.itemsize}")
    sign = np.array(8 * dtype.itemsize - 1, integer)

    # What each layer runs, looked up once (5). Forward: the product, its input, bias, where the result goes.
    forward = [(layer.matrix.dot, layer.h, layer.bias, layer.z, layer.zeros) for layer in layers[:-1]]
    first, last = layers[0], layers[-1]
    logits, delta = last.z, last.d
    flat_logits, flat_delta, flat_exps = logits.reshape(-1), delta.reshape(-1), exps.reshape(-1)
    logits_of = last.matrix.dot
    # Backward, down to the second layer: gradients of the weights, then the delta below, and the slope there.
    backward = []
    for below, layer in zip(layers[-2::-1], layers[:0:-1], strict=True):
        slope = (
            (below.z.view(integer), below.d.view(integer), None) if relu else (below.z, below.d, np.empty_like(below.z))
        )
        backward.append(
            (layer.d.dot, layer.h.T, layer.d_matrix, layer.d_bias, layer.weight.T.dot, layer.d, below.d, *slope)
        )
    first_gradient = first.d.dot
    filled = None if rows is None else rows[:, :-1]

    add, subtract, multiply, divide = np.add, np.subtract, np.multiply, np.divide
    maximum, exp, log, tanh, negative = np.maximum, np.exp, np.log, np.tanh, np.negative
    largest, shift, bits = np.maximum.reduce, np.right_shift, np.bitwise_and

    def step(x: Any, y: Any) -> float:
        if filled is not None:
            filled[...] = x  # 4: one copy of the batch, beside its column of ones
            x = rows
        for product, h, bias, z, zeros in forward:
            product(x.T if h is None else h, z)
            if bias is not None:
                add(z, bias, z)
            if relu:
                maximum(z, zeros, out=z)  # 7
            else:
                multiply(z, half, z)  # 12
                tanh(z, z)
                multiply(z, half, z)
                add(z, half, z)
        logits_of(x.T if last.h is None else last.h, logits)
        if last.bias is not None:
            add(logits, last.bias, logits)

        if binary:  # log(1 + e^z) - y z, and sigmoid(z) - y
            multiply(y.T, logits, delta)
            np.logaddexp(last.zeros, logits, exps)
            subtract(exps, delta, exps)
            loss = flat_exps.dot(average)
            multiply(logits, half, delta)
            tanh(delta, delta)
            multiply(delta, half, delta)
            add(delta, half, delta)
            subtract(delta, y.T, delta)
            multiply(delta, seed, delta)
        else:  # log sum e^z - z_y, and softmax(z) less one at y
            largest(logits, 0, None, top)  # 3
            subtract(logits, top, logits)
            exp(logits, exps)
            classes.dot(exps, total)  # 6
            log(total, part)
            multiply(y, width, index)
            add(index, columns, index)
            subtract(part, flat_logits[index], part)  # 11
            loss = average.dot(part)
            divide(seed, total, total)
            multiply(exps, total, delta)
            chosen = flat_delta[index]
            subtract(chosen, seed, chosen)
            flat_delta[index] = chosen

        for weights_gradient, h_rows, d_matrix, d_bias, pull, d, d_below, z_view, d_view, work in backward:
            weights_gradient(h_rows, d_matrix)
            if d_bias is not None:
                d.dot(ones, d_bias)  # 6
            pull(d, d_below)
            if relu:
                negative(z_view, z_view)  # 8
                shift(z_view, sign, z_view)
                bits(d_view, z_view, d_view)
            else:
                subtract(one, z_view, work)
                multiply(work, z_view, work)
                multiply(d_below, work, d_below)
        first_gradient(x, first.d_matrix)
        if first.d_bias is not None:
            first.d.dot(ones, first.d_bias)
        if update is None:
            subtract(parameters, gradients, parameters)  # 2, 10
        else:
            update()
        return float(loss)

    return step


def adam(workload: Training, parameters: Any, gradients: Any) -> Callable[[], None]:
    """Return Adam's update of one flat vector by another, which it overwrites."""
    dtype = parameters.dtype
    vectors = parameters, gradients, np.zeros_like(parameters), np.zeros_like(parameters)
    blocks = [tuple(v[i : i + BLOCK] for v in vectors) for i in range(0, parameters.size, BLOCK)]  # 15
    keep1, keep2, rate, epsilon = (np.array(v, dtype) for v in (BETA1, BETA2, 0, 0))
    add, subtract, multiply, divide, sqrt = np.add, np.subtract, np.multiply, np.divide, np.sqrt
    power1 = power2 = 1.0

    def update() -> None:
        nonlocal power1, power2
        power1, power2 = power1 * BETA1, power2 * BETA2
        # 14: lr m / (1 - beta1^t) / (s sqrt(v') + epsilon), m = (1 - beta1) m', s^2 = (1 - beta2) / (1 - beta2^t)
        s = math.sqrt((1 - BETA2) / (1 - power2))
        rate[()] = workload.lr * (1 - BETA1) / (1 - power1) / s
        epsilon[()] = EPSILON / s
        for p, g, m, v in blocks:
            multiply(m, keep1, m)
            add(m, g, m)
            multiply(g, g, g)
            multiply(v, keep2, v)
            add(v, g, v)
            sqrt(v, g)
            add(g, epsilon, g)
            divide(m, g, g)
            multiply(g, rate, g)
            subtract(p, g, p)

    return update


def chain(workload: Chain) -> Callable[..., tuple[float, Any]]:
    """Return the sum of the chain and its gradient."""
    if workload.size == 1:

        def single(c: Any, b: Any, a: Any) -> tuple[float, Any]:
            value, b, a, g = c.item(), b.item(), a.item(), 1.0  # 13
            for _ in range(workload.times):
                value = value * b + a
                g = g * b
            return value, np.array([g], "f4")

        return single
    value, g, ones = np.empty(workload.size, "f4"), np.empty(workload.size, "f4"), np.ones(workload.size, "f4")
    multiply, add, times = np.multiply, np.add, range(workload.times - 1)

    def step(c: Any, b: Any, a: Any) -> tuple[float, Any]:
        multiply(c, b, value)
        add(value, a, value)
        for _ in times:
            multiply(value, b, value)  # 1
            add(value, a, value)
        g[:] = b
        for _ in times:
            multiply(g, b, g)
        return float(value.dot(ones)), g

    return step
