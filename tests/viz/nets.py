"""Small graphs that the views of single numbers are tried on: each gives its result and its leaves."""

import numpy as np

import autograd_mini as ag
import nn
from nn import examples


def leaf(data, name=None):
    return ag.Tensor(data, requires_grad=True, name=name)


def square():
    x = leaf(3.0, "x")
    return x * x + x, [x]


def two_two_two():
    model = nn.MLP([2, 2, 2], "sigmoid", rng=0)
    loss = nn.squared_error(model(ag.Tensor([[0.05, 0.1]], name="x")), np.array([[0.01, 0.99]]))
    loss.name = "E"
    return loss, list(model.parameters())


def worked_example():
    model = examples.network()
    loss = nn.binary_cross_entropy(model(ag.Tensor([examples.X], name="x")), [[examples.Y]])
    loss.name = "E"
    return loss, list(model.parameters())


def residual_block():
    rng = np.random.default_rng(1)
    model = nn.Residual(nn.Sequential(nn.Linear(2, 2, rng=0), nn.BatchNorm1d(2), nn.ReLU()))
    return nn.cross_entropy(model(rng.normal(size=(4, 2))), [0, 1, 1, 0]), list(model.parameters())


def softmax_cross_entropy():
    W, b = leaf([[0.1, -0.2], [0.3, 0.4], [-0.5, 0.6]], "W"), leaf([0.1, 0.2, 0.0], "b")
    z = np.array([[1.0, 2.0], [0.0, -1.0]]) @ W.T + b
    p = np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(2), [2, 0]])), [W, b]


def mixed():
    a, b = leaf([[0.5, -1.0], [2.0, 0.25]], "a"), leaf([1.5, -0.5], "b")
    part = np.maximum(np.concatenate([a * b, np.exp(a)]), -0.2)
    return np.sum(part.max(axis=0)) + np.var(a, ddof=1) + a[0, 1] * a[1, 0] + np.abs(b).sum() / b[0] ** 2, [a, b]


def half_precision():
    w = leaf(np.array([0.5, -0.25], np.float32), "w")
    return np.sum(np.tanh(w * np.float32(3)) * w), [w]


def through_a_solution():
    a, b = leaf([[3.0, 1.0], [0.5, 2.0]], "A"), leaf([1.0, -1.0], "b")
    return np.sum(np.linalg.solve(a, b) ** 2), [a, b]


GRAPHS = {
    f.__name__: f
    for f in (
        square, two_two_two, worked_example, residual_block, softmax_cross_entropy, mixed, half_precision,
        through_a_solution,
    )
}  # fmt: skip


def places(w):
    """Up to three places in an array: the first, the last, and one between."""
    found = sorted({0, w.size // 2, w.size - 1})
    return [tuple(int(i) for i in np.unravel_index(k, w.shape)) for k in found]
