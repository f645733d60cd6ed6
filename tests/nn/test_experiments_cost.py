"""Experiments on cost, and on sums: R6, M7, R7, R8, R16."""

import importlib.util
import tracemalloc
import warnings

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.experiments import gradient_cost, memory, outputs, path_counts, update_sense
from nn.experiments.counting import Counted, counting
from nn.experiments.paths import expanded
from nn.experiments.storage import stored_bytes

PER_WEIGHT, DIFFERENCES, FORWARD, REVERSE = range(4)

# ------------------------------------------------------------------------------------------------- counting arrays


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (lambda a, b: a @ b, 2 * 3 * 4),
        (lambda a, b: a[0] @ b, 3 * 4),
        (lambda a, b: a[0] @ b[:, 0], 3),
        (lambda a, b: a * a, 6),
        (lambda a, b: 2.0 * a, 6),
        (lambda a, b: a / 3, 6),
        (lambda a, b: np.square(b), 12),
        (lambda a, b: np.mean(b, axis=0), 4),
        (lambda a, b: b.mean(), 1),
        (lambda a, b: np.exp(-a) + np.tanh(a).sum() - a.T[0, 0], 0),
        (lambda a, b: np.where(a > 0, a, 0), 0),
        (lambda a, b: a.reshape(3, 2).copy(), 0),
    ],
)
def test_each_multiplication_is_counted(compute, expected):
    a, b = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4)
    with counting() as tally:
        found = compute(Counted(a), Counted(b))
    assert tally.multiplications == expected
    assert isinstance(found, Counted)
    np.testing.assert_array_equal(found.array, compute(a, b))


@pytest.mark.parametrize("inside", ["left", "right", "both"])
def test_what_a_tensor_holds_is_counted_once(inside):
    a, b = Counted(np.ones((1, 2))), Counted(np.ones((2, 2)))
    tensors = {"left": (True, False), "right": (False, True), "both": (True, True)}[inside]
    a, b = (ag.Tensor(x, requires_grad=True) if held else x for x, held in zip((a, b), tensors, strict=True))
    with counting() as tally:
        _ = a @ b
    assert tally.multiplications == 4


@pytest.mark.parametrize("f", [np.sqrt, np.linalg.norm, np.cumprod, np.multiply.reduce, lambda a: a**3])
def test_what_cannot_be_counted_is_refused(f):
    with pytest.raises(TypeError):
        f(Counted(np.ones(3)))


def test_tallies_within_one_another_count_each_by_itself():
    a = Counted(np.ones(4))
    with counting() as outer:
        _ = a * a
        with counting() as inner:
            _ = a * a
    _ = a * a
    assert (outer.multiplications, inner.multiplications) == (8, 4)


def test_the_engine_s_gradient_of_counted_arrays_is_that_of_numpy_s():
    rng = np.random.default_rng(0)
    W, x, y = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))

    def loss(W, x, y):
        return nn.squared_error(nn.sigmoid(x @ W.T), y)

    counted = ag.grad(lambda W: loss(W, Counted(x), Counted(y)))(Counted(W))
    np.testing.assert_array_equal(counted.array, ag.grad(lambda W: loss(W, x, y))(W))


# -------------------------------------------------------------------------------------------------------------- R6


@pytest.fixture(scope="module")
def cost():
    return gradient_cost(seeds=1, depths=(2, 4), width=3)


def test_R6_reverse_mode_s_multiplications_are_those_of_the_formulas():
    a, b = gradient_cost(seeds=1, depths=(1, 2, 3), width=1), gradient_cost(seeds=1, depths=(1, 2), width=3)
    for found, n in ((a, 1), (b, 3)):
        # a layer more: W a; W^T delta and delta a^T; 1 - tanh^2 and its product with what comes from above
        assert set(np.diff(found.data["multiplications"][REVERSE])) == {3 * n * n + 2 * n}
        w, L = found.data["weights"], found.data["depths"]
        np.testing.assert_array_equal(w, L * (n * n + n) + n + 1)
        forward = L * n * n + n + 3  # the squared error: a square, the factor, the mean over one sample
        np.testing.assert_array_equal(found.data["multiplications"][DIFFERENCES], w * (2 * forward + 1))


def test_R6_a_pass_per_weight_costs_about_w_squared_and_backpropagation_about_w(cost):
    exponents = cost.data["exponents"]
    assert 0.75 < exponents[REVERSE] < 1.05
    assert (exponents[[DIFFERENCES, FORWARD]] > 1.6).all() and (exponents < 2.1).all()
    assert 1.4 < exponents[PER_WEIGHT]
    counts = cost.data["multiplications"]
    assert (counts[:REVERSE] > 4 * counts[REVERSE]).all()


def test_R6_the_saving_grows_like_the_number_of_weights_and_not_exponentially(cost):
    w, counts = cost.data["weights"], cost.data["multiplications"]
    saving = counts[DIFFERENCES] / counts[REVERSE]
    assert (np.diff(saving) > 0).all()
    assert (saving <= 2 * w).all()
    growth = np.diff(np.log(saving)) / np.diff(np.log(w))
    assert (growth < 1.2).all()  # in log-log: a power, at most about w


def test_R6_all_ways_find_the_same_gradient(cost):
    differences = cost.data["differences"].max(axis=(0, 2))
    assert (differences[[PER_WEIGHT, FORWARD, REVERSE]] < 1e-12).all()
    assert differences[DIFFERENCES] < 1e-6
    assert (cost.data["seconds"] > 0).all()


def test_the_finding_of_gradient_cost_names_what_was_measured(cost):
    for exponent in cost.data["exponents"]:
        assert f"w^{exponent:.2f}" in cost.finding


# -------------------------------------------------------------------------------------------------------------- M7


def test_the_expansion_uses_the_derivative_of_each_edge():
    a, b = (ag.Tensor(v, requires_grad=True) for v in (2.0, 3.0))
    s = np.sin(a * b) - a / b
    found, multiplications = expanded(s)
    np.testing.assert_allclose([found[a.node], found[b.node]], ag.gradients(s, [a, b]), rtol=1e-14)
    assert multiplications == ag.paths(s).factors == 2 * 3 + 2 * 2


def test_M7_paths_are_products_of_widths_and_edges_grow_in_proportion_to_the_depth():
    for n in (2, 3):
        data = path_counts(seeds=1, depths=range(1, 6), width=n).data
        by_product = [n + sum(n * n * n**k for k in range(L)) for L in data["depths"]]
        assert data["paths"].tolist() == by_product
        assert len(set(np.diff(data["edges"]))) == 1  # a straight line
        np.testing.assert_array_equal(data["weights"], data["depths"] * n * n + n)


def test_M7_the_sum_over_the_paths_is_the_sweep_s_gradient():
    data = path_counts(seeds=3, depths=(1, 2, 3), width=3).data
    assert (data["differences"] < 1e-9).all()
    np.testing.assert_array_equal(data["multiplications"], data["factors"].astype(int))
    assert (data["factors"] > data["edges"]).all()


def test_many_paths_are_counted_without_being_walked():
    found = path_counts(seeds=1, depths=[40], width=3)
    assert found.data["paths"][0] > 10**19 and found.data["edges"][0] < 2000
    assert found.data["multiplications"][0] == -1 and np.isnan(found.data["differences"]).all()
    assert "not expanded" in str(found)


def test_deltas_below_the_least_float_and_counts_beyond_the_largest_are_no_obstacle():
    thin = path_counts(seeds=1, depths=[600], width=1)
    assert (thin.data["differences"] < 1e-9).all()
    wide = path_counts(seeds=1, depths=[1, 700], width=3)
    assert "e+334 paths" in wide.finding
    if importlib.util.find_spec("matplotlib"):
        wide.plot().draw_without_rendering()


# -------------------------------------------------------------------------------------------------------------- R7


@pytest.fixture(scope="module")
def kept():
    return memory(seeds=1, depths=(4, 9, 16), width=8, samples=200)


def test_R7_what_the_forward_pass_stores_grows_in_proportion_to_the_depth(kept):
    plain = kept.data["stored"][0, 0]
    layer = 200 * 8 * 8  # samples, units, bytes
    np.testing.assert_array_equal(np.diff(plain), np.diff(kept.data["depths"]) * layer)


def test_R7_checkpoints_store_the_inputs_of_segments_and_call_each_layer_twice(kept):
    plain, checkpoints = kept.data["stored"][0]
    layer = 200 * 8 * 8
    np.testing.assert_array_equal(np.diff(checkpoints), np.diff([2, 3, 4]) * layer)
    assert (checkpoints < plain).all()
    np.testing.assert_array_equal(kept.data["calls"][0], [[4, 9, 16], [8, 18, 32]])
    assert (kept.data["differences"] < 1e-12).all()


def test_R7_the_peak_is_least_in_about_as_many_segments_as_the_square_root_of_the_depth(kept):
    segments, peaks = kept.data["segments"], kept.data["by_segments"][:, 1]
    assert 2 <= segments[peaks.argmin()] <= 8
    assert peaks.min() < 0.8 * kept.data["peaks"][0, 0, -1]
    assert peaks[0] > 0.8 * kept.data["peaks"][0, 0, -1]  # one segment is computed again whole
    assert (np.diff(kept.data["by_segments"][:, 0]) > 0).all()
    assert (kept.data["by_segments"][:, 2] == 32).all()


def test_arrays_that_share_memory_are_counted_once():
    x = ag.Tensor(np.ones((50, 40)), requires_grad=True)
    y = np.exp(x)
    assert stored_bytes(np.sum(y * y.T.T)) - stored_bytes(np.sum(y)) <= 16
    assert stored_bytes(np.sum(y * y), [y.data]) < 100


@pytest.mark.parametrize("running", [False, True])
def test_memory_leaves_tracemalloc_as_it_found_it(running):
    was = tracemalloc.is_tracing()
    if running:
        tracemalloc.start()
    try:
        memory(seeds=1, depths=[2], width=2, samples=5)
        assert tracemalloc.is_tracing() == (running or was)
    finally:
        if not was:
            tracemalloc.stop()


# -------------------------------------------------------------------------------------------------------------- R8


@pytest.fixture(scope="module")
def added():
    return outputs(seeds=3, m=3, width=4, samples=6)


def test_R8_the_gradients_of_the_outputs_losses_add_up(added):
    assert (added.data["differences"] < 1e-12).all()
    assert (added.data["hidden"] < 1e-12).all()


def test_R8_one_sweep_takes_the_place_of_m(added):
    once, often = added.data["multiplications"]
    assert 2 * once < often <= 4 * once


def test_R8_only_a_softmax_couples_the_outputs_deltas(added):
    identity, sigmoid, softmax = added.data["elsewhere"].T
    assert (identity == 0).all() and (sigmoid == 0).all()
    np.testing.assert_allclose(softmax, 0.5, rtol=1e-12)  # they add up to 0 in each sample


def test_R8_the_problems_share_the_first_layer_and_steps_in_between_lead_elsewhere(added):
    assert (added.data["between"] > 1e-3).all()
    assert (added.data["against"] > 0.1).all()


# ------------------------------------------------------------------------------------------------------------- R16


@pytest.fixture(scope="module")
def sense():
    return update_sense(seeds=4)


def test_R16_a_weight_moves_in_the_sense_of_the_product_and_in_proportion_to_it(sense):
    assert (sense.data["agree"][:, 0] == 1).all()
    np.testing.assert_allclose(sense.data["slopes"][:, 0], 1, rtol=1e-9)
    np.testing.assert_allclose(sense.data["correlations"][:, 0], 1, rtol=1e-9)
    np.testing.assert_allclose(sense.data["changes"][0], 0.1 * sense.data["products"][0], atol=1e-14)


def test_R16_in_a_mini_batch_the_mean_decides_and_single_samples_may_be_opposed(sense):
    assert (0.1 < sense.data["opposed"]).all() and (sense.data["opposed"] < 0.6).all()


def test_R16_with_momentum_weight_decay_or_adam_it_no_longer_holds_for_all_weights(sense):
    for rule in range(1, 4):
        assert (sense.data["agree"][:, rule].mean(axis=0) < 0.98).all()
        assert (sense.data["correlations"][:, rule].mean(axis=0) < 0.999).all()


def test_the_products_are_the_gradient_s_of_the_engine():
    from nn.experiments.updates import _products

    rng = np.random.default_rng(1)
    model, x, y = nn.MLP([3, 4, 2], "tanh", rng=rng), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    nn.squared_error(model(x), y).backward()
    gradient = np.concatenate([p.grad.ravel() for p in model.parameters() if p.ndim == 2])
    np.testing.assert_allclose(_products(model, x, y), -gradient, rtol=1e-12, atol=1e-16)


# ------------------------------------------------------------------------------------------------------------- all

QUICK = {
    "gradient_cost": lambda: gradient_cost(seeds=[4], depths=(1, 2), width=1),
    "path_counts": lambda: path_counts(seeds=[4, 7], depths=(1, 3), width=2),
    "memory": lambda: memory(seeds=[4], depths=(1, 4), width=2, samples=5),
    "outputs": lambda: outputs(seeds=[4, 7], m=2, width=2, samples=3),
    "update_sense": lambda: update_sense(seeds=[4, 7], width=2, depth=1, batch=2),
}
MACHINE = {"seconds", "peaks", "by_segments"}  # measured, and not the same each time


@pytest.mark.parametrize("name", QUICK)
def test_the_same_arguments_give_the_same_numbers(name):
    first, second = QUICK[name](), QUICK[name]()
    assert first.data.keys() == second.data.keys()
    for part in first.data.keys() - MACHINE:
        np.testing.assert_array_equal(first.data[part], second.data[part])


@pytest.mark.parametrize("name", QUICK)
def test_text_and_html_show_title_table_and_finding(name):
    found = QUICK[name]()
    assert found.claims and found.notes
    for text in (str(found), found._repr_html_()):
        assert found.title.split()[0] in text
        for row in found.rows:
            assert str(row[0]) in text
    assert "<table" in found._repr_html_()


@pytest.mark.parametrize("style", ["default", "dark_background"])
@pytest.mark.parametrize("name", QUICK)
def test_it_draws_without_warnings(name, style):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    found = QUICK[name]()
    with pyplot.style.context(style), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = found.plot()
        figure.draw_without_rendering()
    assert figure.axes and all(axes.get_title(loc="left") for axes in figure.axes)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: gradient_cost(seeds=0), "gradient_cost: seeds is 0"),
        (lambda: gradient_cost(depths=(3,)), "gradient_cost: depths is"),
        (lambda: gradient_cost(depths=(0, 3)), "gradient_cost: depths"),
        (lambda: gradient_cost(depths=(1.5, 3)), "gradient_cost: depths"),
        (lambda: gradient_cost(width=0), "gradient_cost: width is 0"),
        (lambda: path_counts(depths=[]), "path_counts: depths"),
        (lambda: path_counts(width=0), "path_counts: width is 0"),
        (lambda: memory(depths=[0]), "memory: depths"),
        (lambda: memory(width=0), "memory: width is 0"),
        (lambda: memory(samples=0), "memory: samples is 0"),
        (lambda: outputs(m=1), "outputs: m is 1"),
        (lambda: outputs(width=0), "outputs: width is 0"),
        (lambda: outputs(samples=0), "outputs: samples is 0"),
        (lambda: update_sense(width=0), "update_sense: width is 0"),
        (lambda: update_sense(depth=0), "update_sense: depth is 0"),
        (lambda: update_sense(batch=1), "update_sense: batch is 1"),
        (lambda: update_sense(alpha=0), "update_sense: alpha is 0"),
    ],
)
def test_what_is_wrong_with_an_argument_is_said(call, text):
    with pytest.raises(ValueError, match=text):
        call()
