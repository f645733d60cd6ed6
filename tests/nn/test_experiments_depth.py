"""Experiments on depth: deltas that vanish, and the remedies (claims Y15, R13, R14)."""

import warnings

import numpy as np
import pytest

import nn
from nn.experiments import remedies, vanishing
from nn.experiments.depth import NETWORKS, REMEDIES, _first_to_last, norms_of_deltas

XAVIER, SMALL, LARGE, TANH = range(4)
CHANCE = 0.1  # ten digits


@pytest.fixture(scope="module")
def through_depth():
    return vanishing(seeds=3, depth=8, width=12, samples=16)


@pytest.fixture(scope="module")
def remedied():
    names = ["sigmoid, ±0.01", "sigmoid, Xavier", "ReLU, ±0.01", "ReLU, He", "sigmoid, Xavier, batch norm"]
    names += ["sigmoid, Xavier, skips", "sigmoid, ±0.01, skips"]
    return remedies(seeds=1, networks=names, depth=8, steps=40, rates=[0.05, 0.2])


def of(experiment, name):
    """Return ratios, loss and accuracy of one network of the only seed."""
    k = experiment.data["networks"].index(name)
    return tuple(experiment.data[part][0, k] for part in ("ratios", "losses", "accuracies"))


# ------------------------------------------------------------------------------------------------------- vanishing


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_the_deltas_are_those_of_the_delta_rule_by_hand(activation):
    rng = np.random.default_rng(0)
    model = nn.MLP([3, 4, 5, 2], activation, rng=rng, bias_initializer=nn.init.uniform(-1, 1))
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    norms, zs = norms_of_deltas(model, x, y, nn.squared_error)
    values = [p.numpy() for p in model.parameters()]
    by_hand = nn.delta.DeltaNetwork(values[::2], values[1::2], [activation] * 2 + ["identity"], "squared_error")
    assert norms == pytest.approx([np.linalg.norm(d) for d in by_hand.deltas(x, y)], rel=1e-12)
    for z, expected in zip(zs, by_hand.forward(x).z, strict=True):
        np.testing.assert_allclose(z, expected, rtol=1e-12)


def test_Y15_deltas_shrink_from_layer_to_layer_towards_the_input(through_depth):
    for k in (XAVIER, SMALL):
        deltas = through_depth.data["deltas"][:, k]
        assert (deltas[:, :-1] < deltas[:, 1:]).all()
        assert (deltas[:, 0] < 1e-3 * deltas[:, -1]).all()


def test_R13_the_bound_with_the_weights_holds_and_a_sigmoid_s_slope_is_at_most_a_quarter(through_depth):
    data = through_depth.data
    ratios = data["deltas"] / data["deltas"][..., -1:]
    assert (ratios <= data["bounds"] * (1 + 1e-9)).all()
    assert (data["slopes"][:, [XAVIER, SMALL, LARGE]] <= 0.25).all()
    steps = 0.25 * data["weights"][:, XAVIER, 1:]
    np.testing.assert_allclose(data["bounds"][:, XAVIER, 0], steps.prod(axis=1), rtol=1e-12)
    assert (data["bounds"][..., -1] == 1).all()


def test_R13_without_the_weights_0_25_to_the_L_is_no_bound(through_depth):
    data = through_depth.data
    ratios, alone = data["deltas"][..., 0] / data["deltas"][..., -1], 0.25**7
    assert (ratios[:, LARGE] > 100 * alone).all()
    assert (ratios[:, SMALL] < 1e-6 * alone).all()  # and with R9's weights they vanish much faster
    assert (0.01 * alone < ratios[:, XAVIER]).all() and (ratios[:, XAVIER] < 10 * alone).all()
    assert (ratios[:, TANH] > 1000 * ratios[:, XAVIER]).all()


def test_Y15_a_delta_smaller_than_the_least_float_is_no_factor_of_0():
    found = vanishing(seeds=1, depth=300, width=3, samples=2)
    assert found.data["deltas"][0, SMALL, 0] == 0
    assert 0.1 < found.rows[XAVIER][2].center < 0.25 and 0 < found.rows[SMALL][2].center < 0.01
    assert "exceeded nowhere" in found.finding


def test_the_finding_names_the_numbers_that_were_measured(through_depth):
    ratios = through_depth.data["deltas"][..., 0] / through_depth.data["deltas"][..., -1]
    assert f"{np.median(ratios[:, XAVIER]):.2g}" in through_depth.finding
    assert "exceeded nowhere" in through_depth.finding
    assert "in 3 of 3 networks" in through_depth.finding
    assert [row[0] for row in through_depth.rows] == list(NETWORKS)
    assert through_depth.claims == ("Y15", "R13")


# -------------------------------------------------------------------------------------------------------- remedies


def test_R14_initial_weights_alone_raise_a_sigmoid_network_s_deltas_and_do_not_cure_it(remedied):
    small, xavier = of(remedied, "sigmoid, ±0.01"), of(remedied, "sigmoid, Xavier")
    assert small[0][0] < 1e-12 and small[0][0] < 1e-6 * xavier[0][0]
    assert xavier[0][0] < 1e-3
    assert xavier[2] < 2 * CHANCE


def test_R14_relu_needs_weights_that_are_large_enough(remedied):
    alone, he = of(remedied, "ReLU, ±0.01"), of(remedied, "ReLU, He")
    assert alone[0][0] < 1e-6 and he[0][0] > 0.01
    assert he[1] < 0.9 * alone[1]  # the training losses


def test_R14_batch_normalisation_keeps_deltas_up_and_the_network_learns(remedied):
    ratios, loss, accuracy = of(remedied, "sigmoid, Xavier, batch norm")
    assert (ratios > 0.05).all()
    assert loss < 1 < of(remedied, "sigmoid, Xavier")[1]
    assert accuracy > 3 * CHANCE


def test_R14_skip_connections_keep_deltas_up_whatever_the_weights(remedied):
    xavier, small = of(remedied, "sigmoid, Xavier, skips"), of(remedied, "sigmoid, ±0.01, skips")
    assert xavier[0][0] > 0.1 and small[0][0] > 0.5
    assert xavier[1] < of(remedied, "sigmoid, Xavier")[1]
    assert small[1] > xavier[1]  # deltas that pass are not all that training needs


def test_the_learning_rate_that_counts_is_the_one_with_the_lowest_training_loss():
    few = {"seeds": 2, "networks": ["ReLU, He"], "depth": 4, "steps": 10}
    both = remedies(**few, rates=[1e-6, 0.1])
    apart = [remedies(**few, rates=[rate]).data["losses"][:, 0] for rate in (1e-6, 0.1)]
    np.testing.assert_array_equal(both.data["losses"][:, 0], np.min(apart, axis=0))
    assert set(both.data["rates"].ravel()) <= {1e-6, 0.1}


def test_to_look_at_the_deltas_changes_nothing_in_the_model():
    rng = np.random.default_rng(0)
    model = REMEDIES["sigmoid, Xavier, batch norm"].model(3, 5, rng)
    before = model.state_dict()
    assert _first_to_last(model, rng.uniform(size=(7, 64)), rng.integers(10, size=7)) > 0
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])


def test_a_diverged_training_is_reported_as_infinite():
    found = remedies(seeds=1, networks=["ReLU, He"], depth=3, steps=12, rates=[1e200])
    assert found.data["losses"][0, 0] == np.inf
    assert "inf" in str(found)


# ------------------------------------------------------------------------------------------------------------ both

QUICK = {
    "vanishing": lambda: vanishing(seeds=[3, 5], depth=3, width=4, samples=5),
    "remedies": lambda: remedies(seeds=[3], networks=["sigmoid, He", "ReLU, He"], depth=2, width=4, steps=2, rates=[1]),
}


@pytest.mark.parametrize("name", QUICK)
def test_the_same_arguments_give_the_same_numbers(name):
    first, second = QUICK[name](), QUICK[name]()
    assert first == second and str(first) == str(second)
    for part, values in first.data.items():
        np.testing.assert_array_equal(values, second.data[part])


@pytest.mark.parametrize("name", QUICK)
def test_text_and_html_show_title_table_and_finding(name):
    found = QUICK[name]()
    for text in (str(found), found._repr_html_()):
        assert found.title.split()[0] in text
        for row in found.rows:
            assert row[0] in text
    assert "<table" in found._repr_html_() and found.notes


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", QUICK)
def test_it_draws_without_warnings(name, style):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    found = QUICK[name]()
    with pyplot.style.context(style), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = found.plot()
        figure.draw_without_rendering()
    assert len(figure.axes) == 2
    assert all(axes.get_title(loc="left") for axes in figure.axes)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: vanishing(depth=1), "vanishing: depth is 1"),
        (lambda: vanishing(width=0), "vanishing: width is 0"),
        (lambda: vanishing(samples=0), "vanishing: samples is 0"),
        (lambda: vanishing(seeds=[1, 1]), "vanishing: seeds"),
        (lambda: remedies(seeds=0), "remedies: seeds is 0"),
        (lambda: remedies(networks=[]), "remedies: networks is"),
        (lambda: remedies(networks=["ReLU"]), "remedies: networks is"),
        (lambda: remedies(networks=5), "remedies: networks is 5"),
        (lambda: remedies(networks=[["ReLU, He"]]), "remedies: networks is"),
        (lambda: remedies(depth=1), "remedies: depth is 1"),
        (lambda: remedies(steps=0), "remedies: steps is 0"),
        (lambda: remedies(rates=[0.1, -1]), "remedies: rates"),
    ],
)
def test_what_is_wrong_with_an_argument_is_said(call, text):
    with pytest.raises(ValueError, match=text):
        call()
