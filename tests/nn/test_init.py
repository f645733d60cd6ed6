"""Initial weights: their distributions, and what they do to signals on the way through."""

import numpy as np
import pytest

import nn
from nn import init

SHAPE = (300, 200)


def draw(initializer, seed=0):
    return initializer(np.random.default_rng(seed), SHAPE)


def test_R9_uniform_fills_its_interval_by_default_the_small_one():
    W = draw(init.uniform())
    assert W.shape == SHAPE and -0.01 <= W.min() < -0.0099 and 0.0099 < W.max() <= 0.01
    W = draw(init.uniform(2, 3))
    assert 2 <= W.min() < 2.001 and 2.999 < W.max() <= 3
    assert W.mean() == pytest.approx(2.5, abs=0.01)


def test_R9_zeros():
    np.testing.assert_array_equal(draw(init.zeros), np.zeros(SHAPE))


def test_R14_xavier_is_uniform_with_variance_2_over_in_plus_out():
    W, bound = draw(init.xavier_uniform), np.sqrt(6 / 500)
    assert np.abs(W).max() <= bound and np.abs(W).max() > 0.999 * bound
    assert W.var() == pytest.approx(2 / 500, rel=0.02)
    assert W.mean() == pytest.approx(0, abs=1e-3)
    assert np.mean(W**4) / W.var() ** 2 == pytest.approx(9 / 5, rel=0.02)  # flat: a normal one has 3


def test_R14_he_is_normal_with_variance_2_over_in():
    W = draw(init.he_normal)
    assert W.var() == pytest.approx(2 / 200, rel=0.02)  # the 200 inputs, not the 300 outputs
    assert W.mean() == pytest.approx(0, abs=1e-3)
    assert np.mean(W**4) / W.var() ** 2 == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("initializer", [init.uniform(), init.xavier_uniform, init.he_normal])
def test_the_same_seed_gives_the_same_weights(initializer):
    np.testing.assert_array_equal(draw(initializer, 3), draw(initializer, 3))
    assert not np.allclose(draw(initializer, 3), draw(initializer, 4))


def signal(activation, initializer, depth=20, width=200):
    """Return the size of the last layer's activations relative to the inputs'."""
    x = np.random.default_rng(1).normal(size=(50, width))
    model = nn.MLP([width] * (depth + 1), activation, activation, rng=0, initializer=initializer)
    return np.sqrt(np.mean(model(x).numpy() ** 2))


def test_R14_he_keeps_the_signal_through_relus_where_xavier_loses_half_of_it_a_layer():
    assert 0.5 < signal("relu", init.he_normal) < 2
    assert signal("relu", init.xavier_uniform) < 2**-8


def test_R9_R14_xavier_keeps_the_signal_through_tanh_where_small_weights_lose_it_and_large_ones_saturate():
    assert 0.1 < signal("tanh", init.xavier_uniform) < 0.9
    assert signal("tanh", init.uniform()) < 1e-10
    assert signal("tanh", init.uniform(-1, 1)) > 0.9
