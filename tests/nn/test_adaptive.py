"""RMSprop and Adagrad against steps computed by hand; the whole runs are in test_optim_figures.py."""

import math

import numpy as np
import pytest

import autograd_mini as ag
import nn

GRADIENTS = np.random.default_rng(0).normal(size=(30, 2, 3)) * np.logspace(-3, 2, 6).reshape(2, 3)
START = np.random.default_rng(1).normal(size=(2, 3))


def run(optimizer, gradients):
    (p,), values = optimizer.parameters, []
    for g in gradients:
        p.grad = np.asarray(g, float)
        optimizer.step()
        values.append(p.data.copy())
    return values


def test_the_first_steps_of_rmsprop_in_numbers():
    """w = 1, g = 2 and then -1: v = 0.01 * 4 = 0.04, then 0.99 * 0.04 + 0.01 = 0.0496."""
    first, second = run(nn.RMSprop([nn.Parameter([1.0])], lr=0.1), [[2.0], [-1.0]])
    assert first[0] == pytest.approx(1 - 0.1 * 2 / (0.2 + 1e-8), rel=1e-14)
    assert second[0] == pytest.approx(first[0] + 0.1 / (math.sqrt(0.0496) + 1e-8), rel=1e-14)


def test_the_first_steps_of_adagrad_in_numbers():
    """w = 1, g = 3 and then -4: s = 9, then 25; the second learning rate is half the first."""
    first, second = run(nn.Adagrad([nn.Parameter([1.0])], lr=0.1, lr_decay=1.0), [[3.0], [-4.0]])
    assert first[0] == pytest.approx(1 - 0.1 * 3 / 3, rel=1e-10)
    assert second[0] == pytest.approx(0.9 + 0.05 * 4 / 5, rel=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.7])
@pytest.mark.parametrize("centered", [False, True])
def test_rmsprop_by_the_formulas_of_graves_with_eps_outside_the_root(centered, momentum):
    optimizer = nn.RMSprop([nn.Parameter(START)], 0.01, 0.9, 1e-4, momentum=momentum, centered=centered)
    w, v, m, b = START.copy(), 0.0, 0.0, 0.0
    for value, g in zip(run(optimizer, GRADIENTS), GRADIENTS, strict=True):
        v, m = 0.9 * v + 0.1 * g**2, 0.9 * m + 0.1 * g
        b = momentum * b + g / (np.sqrt(v - m**2 if centered else v) + 1e-4)
        w = w - 0.01 * b
        np.testing.assert_allclose(value, w, rtol=1e-12)


def test_centered_rmsprop_stays_finite_when_the_gradient_no_longer_varies():
    """Its variance is then 0, and comes out below 0 by a rounding error, of which there is no root."""
    w = nn.Parameter([1.0, -2.0, 0.3])
    values = run(nn.RMSprop([w], lr=1e-12, centered=True), [[0.1, 1 / 3, -7.7]] * 6000)
    assert np.all(np.isfinite(values))


def test_adagrad_begins_with_the_accumulator_that_it_is_given():
    optimizer = nn.Adagrad([nn.Parameter(START), nn.Parameter([1.0])], initial_accumulator_value=0.25)
    assert all(
        np.all(s == 0.25) and s.shape == p.shape for p, (s,) in zip(optimizer.parameters, optimizer.state, strict=True)
    )
    first, second = optimizer.state
    assert first[0] is not second[0]


def test_adagrad_s_learning_rate_decays_with_the_updates_of_a_parameter_not_with_those_of_others():
    seldom, often = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = nn.Adagrad([seldom, often], lr=0.1, lr_decay=1.0)
    for t in range(3):
        seldom.grad, often.grad = (np.array([2.0]) if t == 2 else None), np.array([2.0])
        optimizer.step()
    assert seldom.data[0] == pytest.approx(0.9)
    assert often.data[0] == pytest.approx(1 - 0.1 - 0.05 / math.sqrt(2) - 0.1 / 3 / math.sqrt(3))


def test_adagrad_never_lengthens_a_step():
    values = run(nn.Adagrad([nn.Parameter([0.0])], lr=0.1), [[1.0]] * 20)
    np.testing.assert_allclose(np.diff([0.0, *np.ravel(values)]), -0.1 / np.sqrt(np.arange(1, 21)), rtol=1e-9)


@pytest.mark.parametrize("kind", [nn.RMSprop, nn.Adagrad])
def test_a_gradient_of_zero_moves_nothing(kind):
    w = nn.Parameter([1.0, 2.0])
    run(kind([w]), [[0.0, 0.0]] * 3)
    assert w.data.tolist() == [1.0, 2.0]


def test_numbers_that_are_assigned_take_effect_at_once():
    w = nn.Parameter([0.0])
    optimizer = nn.RMSprop([w], lr=0.1, alpha=0.5, momentum=0.5)
    run(optimizer, [[1.0]])
    optimizer.alpha, optimizer.lr, optimizer.momentum, optimizer.eps = 0.0, 1.0, 0.25, 1.0
    before = w.data.copy()
    run(optimizer, [[3.0]])
    assert w.data[0] == pytest.approx(before[0] - (0.25 * math.sqrt(2) + 3 / (3 + 1)), rel=1e-7)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda p: nn.RMSprop(p), "momentum"),
        (lambda p: nn.RMSprop(p), "weight_decay"),
        (lambda p: nn.Adagrad(p), "lr_decay"),
        (lambda p: nn.Adagrad(p), "weight_decay"),
    ],
)
def test_a_term_that_was_left_out_stays_out(make, name):
    optimizer = make([nn.Parameter([1.0])])
    with pytest.raises(ValueError, match=f"{name} is 0.5, but this optimizer was made without it"):
        setattr(optimizer, name, 0.5)


@pytest.mark.parametrize("kind", [nn.RMSprop, nn.Adagrad])
def test_complex_parameters_are_refused(kind):
    with pytest.raises(ag.errors.DTypeError, match=f"{kind.__name__}: .* is complex128, but must be real"):
        kind([nn.Parameter([1j])])


@pytest.mark.parametrize(
    "make",
    [
        lambda p: nn.RMSprop(p, lr=0.01, momentum=0.5, centered=True, weight_decay=1e-3),
        lambda p: nn.Adagrad(p, lr=0.1, lr_decay=0.01, initial_accumulator_value=0.1),
    ],
    ids=["RMSprop", "Adagrad"],
)
def test_fit_compiled_takes_the_steps_of_fit_as_written(make):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    weights = []
    for compiled in (True, False):
        model = nn.MLP([3, 4, 2], "tanh", rng=0)
        optimizer = make(model.parameters())
        history = nn.fit(
            model, (x, y), loss=nn.squared_error, optimizer=optimizer, epochs=5, batch_size=6, compile=compiled
        )
        assert history.loss[-1] < history.loss[0]
        weights.append(np.concatenate([np.ravel(p.data) for p in model.parameters()]))
    np.testing.assert_allclose(*weights, rtol=1e-11)
