"""Clipping: PyTorch's figures, the bounds that hold after it, what is left alone, and the same when compiled."""

import json
from pathlib import Path

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.optim.clip import clipped_norm, clipped_value, norm_of

from . import optim_cases as cases

FIGURES = json.loads((Path(__file__).parents[1] / "data" / "nn_optim.json").read_text("utf-8"))["clips"]
each = pytest.mark.parametrize("name", cases.CLIPS)


def parameters_with(gradients):
    parameters = [nn.Parameter(np.zeros_like(g)) for g in gradients]
    for parameter, g in zip(parameters, gradients, strict=True):
        parameter.grad = g
    return parameters


def test_there_is_a_figure_for_each_case():
    assert FIGURES.keys() == cases.CLIPS.keys()


@each
def test_gradients_and_norms_are_pytorch_s(name):
    """Its 2.13's, with gradients that are 0, infinite and NaN too: see test_optim_figures.py."""
    gradients, norm = cases.clipped(name)
    np.testing.assert_allclose(gradients.view(float), FIGURES[name]["gradients"], rtol=1e-12)
    assert (norm is None) == (FIGURES[name]["norm"] is None)
    if norm is not None:
        assert type(norm) is float
        np.testing.assert_allclose(norm, FIGURES[name]["norm"], rtol=1e-12)


@pytest.mark.parametrize("backend", ["arrays", "Tensors", "compiled"])
@each
def test_the_pure_functions_make_the_same_of_arrays_and_tensors_and_compiled(name, backend):
    gradients, limit, *p = cases.CLIPS[name]

    def clip(*gradients):
        return tuple(clipped_norm(gradients, limit, *p) if p else clipped_value(gradients, limit))

    if backend == "Tensors":
        gradients = [ag.Tensor(g, requires_grad=True) for g in gradients]
    with np.errstate(over="ignore", invalid="ignore"):
        found = ag.compile(clip)(*gradients) if backend == "compiled" else clip(*gradients)
        if backend == "compiled":
            for g, again in zip(found, ag.compile(clip)(*gradients), strict=True):
                np.testing.assert_array_equal(g, again)
    if backend == "Tensors":
        assert all(isinstance(g, ag.Tensor) for g in found)
        found = [g.numpy() for g in found]
    np.testing.assert_allclose(cases.flat(found), cases.clipped(name)[0], rtol=1e-14)


def test_one_program_clips_and_leaves_as_the_values_ask():
    """Nothing in it depends on the values with which it was recorded."""
    program = ag.compile(lambda g: clipped_norm([g], 1.0)[0])
    for scale in (0.01, 100.0, 0.0, 0.01):
        g = scale * np.ones(4)
        np.testing.assert_allclose(program(g), min(0.5, scale) * np.ones(4), rtol=1e-6)


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 3.0, np.inf])
def test_after_it_the_norm_is_at_most_the_bound_and_the_direction_as_it_was(p):
    rng = np.random.default_rng(0)
    for _ in range(20):
        gradients = [rng.normal(size=(3, 4)) * 10 ** rng.uniform(-4, 4), rng.normal(size=5)]
        parameters = parameters_with(gradients)
        before = nn.clip_grad_norm_(parameters, 1.0, p)
        after = cases.flat(q.grad for q in parameters)
        assert before == pytest.approx(np.linalg.norm(cases.flat(gradients), p), rel=1e-12)
        assert np.linalg.norm(after, p) <= 1
        np.testing.assert_allclose(after * before, cases.flat(gradients) * np.linalg.norm(after, p), rtol=1e-9)


def test_a_short_gradient_is_left_as_it_is_itself():
    g = np.array([0.3, 0.4])
    (w,) = parameters_with([g])
    assert nn.clip_grad_norm_([w], 1.0) == 0.5 and w.grad is g


def test_a_gradient_that_was_taken_before_stays_as_it_was():
    g = np.array([3.0, 4.0])
    (w,) = parameters_with([g])
    nn.clip_grad_norm_(w, 1.0)
    assert g.tolist() == [3, 4] and w.grad.tolist() != [3, 4]
    nn.clip_grad_value_(w, 0.1)
    assert w.grad.tolist() == [0.1, 0.1]


@pytest.mark.parametrize("clip", [nn.clip_grad_norm_, nn.clip_grad_value_])
def test_parameters_without_a_gradient_are_left_out_and_shared_ones_clipped_once(clip):
    w, v = nn.Parameter([0.0]), nn.Parameter([0.0])
    w.grad = np.array([2.0])
    clip(iter([w, v, w]), 1.0)
    assert v.grad is None and w.grad[0] == pytest.approx(1, rel=1e-6)
    assert clip([v], 1.0) in (0.0, None)
    assert clip([], 1.0) in (0.0, None)


@pytest.mark.parametrize("clip", [nn.clip_grad_norm_, nn.clip_grad_value_])
def test_float32_stays_float32_beside_float64(clip):
    gradients = [np.full(3, 5.0, np.float32), np.full(2, 5.0)]
    parameters = parameters_with(gradients)
    clip(parameters, 0.5)
    assert [p.grad.dtype for p in parameters] == [np.float32, np.float64]
    single = parameters_with(gradients[:1])
    clip(single, 0.5)
    assert single[0].grad.dtype == np.float32


@pytest.mark.parametrize("clip", [clipped_norm, clipped_value])
def test_pure_functions_keep_each_dtype(clip):
    gradients = [np.full(3, 5.0, np.float32), np.full(2, 5.0)]
    assert [g.dtype for g in clip(gradients, 0.5)] == [np.float32, np.float64]
    assert [g.dtype for g in clip(gradients[:1], 0.5)] == [np.float32]


def test_a_gradient_that_was_itself_recorded_becomes_an_array():
    for clip in (nn.clip_grad_norm_, nn.clip_grad_value_):
        w = nn.Parameter([2.0, -2.0])
        (w**3).sum().backward(create_graph=True)
        clip([w], 1.0)
        assert type(w.grad) is np.ndarray and np.max(np.abs(w.grad)) <= 1


def test_a_norm_that_cannot_be_computed_is_returned_as_it_is_and_raises_no_warning():
    for value, expected in ((np.inf, np.inf), (np.nan, np.nan), (1e200, np.inf)):
        (w,) = parameters_with([np.array([value, 1.0])])
        assert np.array_equal(nn.clip_grad_norm_([w], 1.0), expected, equal_nan=True)


def test_one_norm_is_that_of_all_gradients_however_they_are_divided():
    whole = np.random.default_rng(0).normal(size=24)
    for p in (0.5, 1.0, 2.0, 3.0, np.inf):
        for parts in ([whole], np.split(whole, 3), [whole[:1], whole[1:].reshape(1, 23), np.zeros((0, 3))]):
            assert norm_of(parts, p) == pytest.approx(np.linalg.norm(whole, p), rel=1e-12)


@pytest.mark.parametrize("option", [{"clip_norm": 0.3}, {"clip_value": 0.05}], ids=str)
@pytest.mark.parametrize("name", ["SGD, momentum", "RMSprop, all"])
def test_a_compiled_step_clips_as_the_loop_does(name, option):
    net, same = cases.Net(), cases.Net()
    optimizer, by_hand = cases.make(name, net.weights), cases.make(name, same.weights)
    step = nn.compile_step(net, nn.squared_error, optimizer, **option)
    bitten = 0
    for t in range(30):
        x, y = cases.X[cases.rows(t)], cases.Y[cases.rows(t)]
        step(x, y)
        by_hand.zero_grad()
        nn.squared_error(same(x), y).backward()
        before = cases.flat(p.grad for p in same.weights)
        if "clip_norm" in option:
            nn.clip_grad_norm_(same.weights, option["clip_norm"])
        else:
            nn.clip_grad_value_(same.weights, option["clip_value"])
        bitten += not np.array_equal(before, cases.flat(p.grad for p in same.weights))
        by_hand.step()
        np.testing.assert_allclose(
            cases.flat(p.data for p in net.weights), cases.flat(p.data for p in same.weights), rtol=1e-11, atol=1e-14
        )
    assert 0 < bitten <= 30
