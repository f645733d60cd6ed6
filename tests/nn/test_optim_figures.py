"""Each optimizer, with each of its options, against what PyTorch computed: tests/data/nn_optim.json.

The figures are PyTorch 2.13's, in float64: the loss before each of 50 steps of a network of two layers, on other
samples at each step, and the weights after the last (tests/nn/optim_cases.py, written by
``python -m tests.peers.test_nn_optim``).
"""

import json
from pathlib import Path

import numpy as np
import pytest

import nn

from . import optim_cases as cases

FIGURES = json.loads((Path(__file__).parents[1] / "data" / "nn_optim.json").read_text("utf-8"))["optimizers"]
each = pytest.mark.parametrize("name", cases.OPTIMIZERS)


def test_there_is_a_figure_for_each_case():
    assert FIGURES.keys() == cases.OPTIMIZERS.keys()


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@each
def test_fifty_steps_are_pytorch_s(name, compiled):
    net = cases.Net()
    losses, weights = zip(*cases.steps(net, cases.make(name, net.weights), compiled), strict=True)
    np.testing.assert_allclose(losses, FIGURES[name]["losses"], rtol=1e-12)
    np.testing.assert_allclose(weights[-1], FIGURES[name]["weights"], rtol=1e-12, atol=1e-14)


@each
def test_each_of_fifty_compiled_steps_is_that_of_the_loop(name):
    nets = [cases.Net() for _ in range(2)]
    runs = [
        cases.steps(net, cases.make(name, net.weights), compiled)
        for net, compiled in zip(nets, (False, True), strict=True)
    ]
    for (loss, weights), (same_loss, same_weights) in zip(*runs, strict=True):
        assert same_loss == pytest.approx(loss, rel=1e-12)
        np.testing.assert_allclose(same_weights, weights, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@each
def test_float32_stays_float32(name, compiled):
    net = cases.Net(np.float32)
    optimizer = cases.make(name, net.weights)
    (*_, (_, weights)) = cases.steps(net, optimizer, compiled)
    assert {p.dtype for p in net.weights} | {a.dtype for s in optimizer.state for a in s} == {np.dtype(np.float32)}
    np.testing.assert_allclose(weights, FIGURES[name]["weights"], rtol=1e-3, atol=1e-4)


@each
def test_a_run_goes_on_from_its_state_bit_for_bit(name):
    net, other = cases.Net(), cases.Net()
    optimizer, later = cases.make(name, net.weights), cases.make(name, other.weights)
    for _ in cases.steps(net, optimizer, count=7):
        pass
    for p, q in zip(net.weights, other.weights, strict=True):
        q.data = p.data.copy()
    later.load_state_dict(optimizer.state_dict())
    runs = [cases.steps(net, optimizer, count=9), cases.steps(other, later, count=9)]
    for (_, weights), (_, same) in zip(*runs, strict=True):
        assert np.array_equal(weights, same)


@each
def test_a_large_parameter_takes_the_step_of_its_parts(name):
    rng = np.random.default_rng(0)
    value, gradients = rng.normal(size=(300, 400)), rng.normal(size=(3, 300, 400))
    large, small = nn.Parameter(value), [nn.Parameter(part) for part in np.array_split(value, 10)]
    optimizers = cases.make(name, [large]), cases.make(name, small)
    for g in gradients:
        large.grad = g
        for p, part in zip(small, np.array_split(g, 10), strict=True):
            p.grad = part
        for optimizer in optimizers:
            optimizer.step()
    assert np.array_equal(large.data, np.concatenate([p.data for p in small]))
