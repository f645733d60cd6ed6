"""Initial weights: their distributions, and what they do to signals on the way through."""

import functools

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


# --- means over 20 seeds: of 60,000 numbers each, the variance of all is then known to 0.13 %, the mean to 0.1 % of the
# deviation; the bounds are four times that, and a wrong factor is far outside

SEEDS = range(20)
NORMALS = {  # initializer: mean, variance
    "normal": (init.normal(), 0, 1e-4),
    "normal(3, 0.5)": (init.normal(3, 0.5), 3, 0.25),
    "xavier_normal": (init.xavier_normal, 0, 2 / 500),
    "xavier_normal, gain=2": (functools.partial(init.xavier_normal, gain=2), 0, 8 / 500),
    "he_normal": (init.he_normal, 0, 2 / 200),
    "he_normal, negative_slope=0.5": (functools.partial(init.he_normal, negative_slope=0.5), 0, 1.6 / 200),
    "lecun_normal": (init.lecun_normal, 0, 1 / 200),
}
UNIFORMS = {  # initializer: bound
    "xavier_uniform": (init.xavier_uniform, np.sqrt(6 / 500)),
    "xavier_uniform, gain=2": (functools.partial(init.xavier_uniform, gain=2), 2 * np.sqrt(6 / 500)),
    "he_uniform": (init.he_uniform, np.sqrt(6 / 200)),
    "he_uniform, negative_slope=0.5": (functools.partial(init.he_uniform, negative_slope=0.5), np.sqrt(4.8 / 200)),
    "lecun_uniform": (init.lecun_uniform, np.sqrt(3 / 200)),
}


@pytest.mark.parametrize(("initializer", "mean", "variance"), NORMALS.values(), ids=NORMALS)
def test_normal_ones_have_their_mean_and_variance_and_the_kurtosis_of_a_normal_distribution(
    initializer, mean, variance
):
    W = np.array([draw(initializer, seed) for seed in SEEDS])
    assert W.shape == (20, *SHAPE)
    assert W.mean() == pytest.approx(mean, abs=0.004 * np.sqrt(variance))
    assert W.var() == pytest.approx(variance, rel=0.006)
    assert np.mean((W - W.mean()) ** 4) / W.var() ** 2 == pytest.approx(3, abs=0.02)


@pytest.mark.parametrize(("initializer", "bound"), UNIFORMS.values(), ids=UNIFORMS)
def test_uniform_ones_fill_their_interval_evenly(initializer, bound):
    W = np.array([draw(initializer, seed) for seed in SEEDS])
    assert 0.9999 * bound < np.abs(W).max() <= bound
    assert W.mean() == pytest.approx(0, abs=0.004 * bound)
    assert W.var() == pytest.approx(bound**2 / 3, rel=0.004)
    shares = np.histogram(W, bins=10, range=(-bound, bound))[0] / W.size
    np.testing.assert_allclose(shares, 0.1, rtol=0.012)


@pytest.mark.parametrize("uniform", [init.xavier_uniform, init.he_uniform, init.lecun_uniform])
def test_the_uniform_one_has_the_variance_of_the_normal_one(uniform):
    normal = getattr(init, uniform.__name__.replace("uniform", "normal"))
    assert draw(uniform).var() == pytest.approx(draw(normal).var(), rel=0.03)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (1, 4), (4, 1), (60, 40)])
@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_orthogonal_rows_or_columns_are_at_right_angles_and_of_one_length(shape, gain):
    for seed in SEEDS:
        W = init.orthogonal(np.random.default_rng(seed), shape, gain=gain)
        assert W.shape == shape
        product = W.T @ W if shape[0] >= shape[1] else W @ W.T
        np.testing.assert_allclose(product, gain**2 * np.eye(min(shape)), rtol=0, atol=1e-12)


def test_all_rotations_and_reflections_are_equally_likely():
    """Without the signs of R, Q's first column would point to one side only."""
    many = np.array([init.orthogonal(np.random.default_rng(seed), (2, 2)) for seed in range(2000)])
    assert np.mean(np.linalg.det(many) > 0) == pytest.approx(0.5, abs=0.045)  # four deviations of 0.011
    angles = np.arctan2(many[:, 1, 0], many[:, 0, 0])
    shares = np.histogram(angles, bins=8, range=(-np.pi, np.pi))[0] / 2000
    np.testing.assert_allclose(shares, 1 / 8, atol=0.03)  # four deviations of 0.0074


def test_orthogonal_weights_keep_every_length_through_many_linear_layers(rng):
    model = nn.MLP([30] * 21, "identity", rng=0, initializer=init.orthogonal)
    x = rng.normal(size=(5, 30))
    np.testing.assert_allclose(np.linalg.norm(model(x).numpy(), axis=1), np.linalg.norm(x, axis=1), rtol=1e-12)


def test_a_gain_keeps_the_signal_through_leaky_rectifiers():
    s = 0.5
    x = np.random.default_rng(1).normal(size=(50, 200))
    sizes = []
    for slope in (s, 0.0):  # told of the slope, and not
        draw = functools.partial(init.he_normal, negative_slope=slope)
        layers = []
        for seed in range(20):
            layers += [nn.Linear(200, 200, initializer=draw, rng=seed), nn.LeakyReLU(s)]
        sizes.append(np.sqrt(np.mean(nn.Sequential(*layers)(x).numpy() ** 2)))
    assert 0.5 < sizes[0] < 2
    assert sizes[1] > 5


def test_lecun_keeps_the_variance_through_linear_layers():
    x = np.random.default_rng(1).normal(size=(50, 200))
    model = nn.MLP([200] * 21, "identity", rng=0, initializer=init.lecun_normal)
    assert 0.5 < np.sqrt(np.mean(model(x).numpy() ** 2)) < 2


def test_constant_zeros_and_ones():
    np.testing.assert_array_equal(draw(init.constant(-2.5)), np.full(SHAPE, -2.5))
    np.testing.assert_array_equal(draw(init.ones), np.ones(SHAPE))


def test_gains():
    assert [init.gain(name) for name in ("identity", "sigmoid", "tanh")] == [1, 1, 5 / 3]
    assert init.gain("relu") == np.sqrt(2) == init.gain("leaky_relu", 0)
    assert init.gain("leaky_relu", 1) == 1
    np.testing.assert_allclose(  # He's is LeCun's times the gain
        draw(functools.partial(init.he_normal, negative_slope=0.3)),
        init.gain("leaky_relu", 0.3) * draw(init.lecun_normal),
        rtol=1e-12,
    )


@pytest.mark.parametrize("name", init.__all__)
def test_every_initializer_serves_a_linear_layer(name):
    made = {
        "constant": init.constant(0.5),
        "gain": functools.partial(init.xavier_uniform, gain=init.gain("relu")),
        "normal": init.normal(),
        "uniform": init.uniform(),
    }
    layer = nn.Linear(4, 3, initializer=made.get(name, getattr(init, name)), rng=0, dtype=np.float32)
    assert layer.weight.shape == (3, 4) and layer.weight.dtype == np.float32
    assert np.isfinite(layer.weight.data).all()
