"""The hand-written delta rules against finite differences, the published worked examples, and each other."""

import ast
import itertools
import json
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import nn.delta
from nn.delta import (
    ACTIVATIONS,
    LOSSES,
    DeltaNetwork,
    augment_inputs,
    augment_weights,
    deltas_by_index,
    from_to_update,
    gradients_by_index,
)

DATA = Path(__file__).parents[1] / "data"
TEXTBOOK = ("identity", "relu", "sigmoid", "softmax", "tanh")  # the others: test_delta_parts.py
TEXTBOOK_LOSSES = ("binary_cross_entropy", "cross_entropy", "squared_error")
PROBABILITY_LOSSES = ("binary_cross_entropy", "cross_entropy")
O_MINUS_Y = [("identity", "squared_error"), ("sigmoid", "binary_cross_entropy"), ("softmax", "cross_entropy")]


def make(sizes, activations, loss, *, seed=0, bias=True, masks=None, dtype=float, **options):
    """A random network. Under a log loss its outputs stay inside (0, 1), whatever the output activation."""
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    weights = [rng.uniform(-1, 1, (n_out, n_in)) * (2 / n_in) ** 0.5 for n_in, n_out in pairs]
    biases = [rng.uniform(-0.5, 0.5, n_out) if bias else None for _, n_out in pairs]
    if loss in PROBABILITY_LOSSES and activations[-1] in ("identity", "tanh", "relu"):
        weights[-1] *= 0.1
        biases[-1] = rng.uniform(0.4, 0.6, sizes[-1])
    weights = [W.astype(dtype) for W in weights]
    biases = [None if b is None else b.astype(dtype) for b in biases]
    return DeltaNetwork(weights, biases, activations, loss, masks, **options)


def samples(sizes, loss, n=None, *, seed=1, labels=False):
    rng = np.random.default_rng(seed)
    lead, k = (() if n is None else (n,)), sizes[-1]
    x = rng.normal(size=(*lead, sizes[0]))
    if loss == "squared_error":
        return x, rng.normal(size=(*lead, k))
    if loss == "binary_cross_entropy":
        return x, rng.integers(0, 2, (*lead, k)).astype(float)
    return x, rng.integers(0, k, lead) if labels else rng.dirichlet(np.ones(k), lead or None)


def finite_differences(net, x, y, h=1e-6):
    """Central differences of net.error, one parameter at a time; an absent connection is not a parameter."""

    def slopes(parameter, present):
        out = np.zeros_like(parameter)
        for i in zip(*np.nonzero(present), strict=True):
            kept, errors = parameter[i], []
            for moved in (kept + h, kept - h):
                parameter[i] = moved
                errors.append(net.error(x, y))
            parameter[i] = kept
            out[i] = (errors[0] - errors[1]) / (2 * h)
        return out

    return (
        [slopes(W, mask) for W, mask in zip(net.weights, net.masks, strict=True)],
        [None if b is None else slopes(b, np.ones_like(b)) for b in net.biases],
    )


def assert_same(actual, expected, rtol=1e-12, atol=1e-14):
    assert len(actual) == len(expected)
    for layer, (got, want) in enumerate(zip(actual, expected, strict=True), 1):
        if want is None:
            assert got is None, f"layer {layer}"
        else:
            np.testing.assert_allclose(got, want, rtol, atol, err_msg=f"layer {layer}")


def assert_gradients(net, x, y):
    (dW, db), (fW, fb) = net.gradients(x, y), finite_differences(net, x, y)
    assert max(abs(g).max() for g in dW) > 1e-6, "the test needs gradients that differ from zero"
    assert_same(dW, fW, rtol=1e-5, atol=2e-8)
    assert_same(db, fb, rtol=1e-5, atol=2e-8)


# --------------------------------------------------------------------------------- against finite differences


@pytest.mark.parametrize("n", [None, 4], ids=["single", "batch"])
@pytest.mark.parametrize("loss", TEXTBOOK_LOSSES)
@pytest.mark.parametrize("output", TEXTBOOK)
@pytest.mark.parametrize("hidden", TEXTBOOK)
def test_Y7_Y8_Y10_Y13_gradients_equal_finite_differences(hidden, output, loss, n):
    sizes = (3, 5, 4, 3)
    net = make(sizes, [hidden, hidden, output], loss, seed=3)
    assert_gradients(net, *samples(sizes, loss, n))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("factor", [0.5, 1])
@pytest.mark.parametrize("depth", range(1, 7))
def test_Y13_M2_R5_any_depth_factor_and_reduction(depth, factor, reduction):
    sizes = [*(3, 4, 5, 3, 4, 3)[:depth], 2]
    cycle = ["tanh", "sigmoid", "relu", "softmax", "identity"]
    net = make(
        sizes,
        [*cycle[: depth - 1], "sigmoid"],
        "squared_error",
        seed=depth,
        factor=factor,
        reduction=reduction,
    )
    assert_gradients(net, *samples(sizes, "squared_error", 3))


@pytest.mark.parametrize(("output", "loss"), [*O_MINUS_Y, ("softmax", "squared_error")])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("bias", [True, False])
def test_Y10_Y14_masked_networks_with_and_without_biases(output, loss, reduction, bias):
    sizes = (4, 5, 3)
    masks = [np.random.default_rng(5).random((5, 4)) < 0.6, None]
    net = make(sizes, ["tanh", output], loss, bias=bias, masks=masks, reduction=reduction)
    assert_gradients(net, *samples(sizes, loss, 6))


@pytest.mark.parametrize("n", [None, 5])
def test_Y10_integer_labels_equal_one_hot_rows(n):
    sizes = (3, 4, 4)
    net = make(sizes, ["tanh", "softmax"], "cross_entropy")
    x, labels = samples(sizes, "cross_entropy", n, labels=True)
    one_hot = np.eye(4)[labels]
    assert net.error(x, labels) == net.error(x, one_hot)
    assert_same(net.deltas(x, labels), net.deltas(x, one_hot), rtol=0, atol=0)
    assert_gradients(net, x, labels)


def test_error_is_the_loss_written_out():
    """Y4, M2: the three losses, from their definitions, summed over outputs and then over samples."""
    x, y = samples((3, 2), "binary_cross_entropy", 4)
    net = make((3, 2), ["sigmoid"], "binary_cross_entropy", reduction="sum")
    o = net.predict(x)
    assert net.error(x, y) == pytest.approx(-np.log(np.where(y == 1, o, 1 - o)).sum())
    net.reduction = "mean"
    assert net.error(x, y) == pytest.approx(-np.log(np.where(y == 1, o, 1 - o)).sum() / 4)
    net = make((3, 2), ["softmax"], "cross_entropy")
    labels, o = np.array([0, 1, 1, 0]), net.predict(x)
    assert o.sum(axis=1) == pytest.approx(1)
    assert net.error(x, labels) == pytest.approx(-np.log(o[np.arange(4), labels]).mean())
    for factor in (0.5, 1.0):
        net = make((3, 2), ["tanh"], "squared_error", factor=factor)
        assert net.error(x, y) == pytest.approx(factor * ((net.predict(x) - y) ** 2).sum() / 4)


# ---------------------------------------------------------------------------------------------- the equations


def test_Y1_M1_R1_forward_by_index():
    net = make((3, 4, 2), ["tanh", "sigmoid"], "squared_error")
    x, _ = samples((3, 4, 2), "squared_error")
    z, a = net.forward(x)
    assert a[0] == pytest.approx(x)
    for layer, f in enumerate([np.tanh, lambda v: 1 / (1 + np.exp(-v))]):
        W, b = net.weights[layer], net.biases[layer]
        for i in range(len(b)):
            z_i = sum(W[i, j] * a[layer][j] for j in range(W.shape[1])) + b[i]
            assert z[layer][i] == pytest.approx(z_i)
            assert a[layer + 1][i] == pytest.approx(f(z_i))  # M1: a = f(z), not z = f(a) as eq. (2) prints it


@pytest.mark.parametrize("loss", TEXTBOOK_LOSSES)
@pytest.mark.parametrize("output", TEXTBOOK)
@pytest.mark.parametrize("hidden", TEXTBOOK)
def test_Y7_Y8_Y10_M3_to_M6_index_form_equals_matrix_form(hidden, output, loss):
    sizes = (3, 5, 4, 3)
    masks = [None, np.random.default_rng(2).random((4, 5)) < 0.7, None]
    net = make(sizes, [hidden, hidden, output], loss, seed=7, masks=masks)
    x, y = samples(sizes, loss)
    assert_same(deltas_by_index(net, x, y), net.deltas(x, y), rtol=1e-9)
    for by_index, matrix in zip(gradients_by_index(net, x, y), net.gradients(x, y), strict=True):
        assert_same(by_index, matrix, rtol=1e-9)


def test_M3_M4_matrix_equations_spelled_out_for_tanh():
    net = make((3, 4, 2), ["tanh", "tanh"], "squared_error")
    x, y = samples((3, 4, 2), "squared_error")
    (z1, z2), (_, _, a2) = net.forward(x)
    delta2 = (a2 - y) / np.cosh(z2) ** 2  # M3, with tanh' = 1 / cosh^2
    delta1 = (net.weights[1].T @ delta2) / np.cosh(z1) ** 2  # M4
    assert_same(net.deltas(x, y), [delta1, delta2])


@pytest.mark.parametrize(("output", "loss"), O_MINUS_Y)
def test_Y10_output_delta_is_output_minus_target(output, loss):
    net = make((3, 4, 3), ["tanh", output], loss)
    x, y = samples((3, 4, 3), loss, 5)
    np.testing.assert_allclose(net.deltas(x, y)[-1], (net.predict(x) - y) / 5, rtol=1e-14)


@pytest.mark.parametrize(
    ("output", "loss", "y"),
    [("sigmoid", "binary_cross_entropy", [0.0, 1.0]), ("softmax", "cross_entropy", 1)],
)
def test_Y10_combined_deltas_are_exact_at_saturation(output, loss, y):
    net = DeltaNetwork([[[800.0], [-800.0]]], None, [output], loss)
    assert net.predict([1.0]).tolist() == [1, 0]  # saturated, and wrong
    assert net.deltas([1.0], y)[0].tolist() == [1, -1]  # o - y: the general rule would be 0 / 0 here
    assert net.error([1.0], y) == 1600  # -log o, though o itself has rounded to 0
    with pytest.raises(ValueError, match="run from 0 to 1"):
        deltas_by_index(net, [1.0], y)


def test_Y9_R10_R13_sigmoid_slope_is_a_times_one_minus_a():
    net = DeltaNetwork([[[1.0]]], None, ["sigmoid"], "squared_error")
    for z in (-3.0, -0.5, 0.0, 2.0):
        slope = np.exp(-z) / (1 + np.exp(-z)) ** 2
        a = net.predict([z])[0]
        assert net.deltas([z], [a - 1])[0] == pytest.approx(slope)  # (o - y) is 1 here
        assert a * (1 - a) == pytest.approx(slope)
        assert slope <= 0.25
    assert net.deltas([0.0], [-0.5])[0] == 0.25  # the bound is reached at z = 0


def test_R10_relu_slope_is_0_at_0_and_below():
    net = DeltaNetwork([[[1.0]], [[1.0]]], None, ["relu", "identity"], "squared_error")
    assert [net.deltas([z], [-1.0])[0][0] for z in (-1.0, 0.0, 1.0)] == [0, 0, 2]


# ------------------------------------------------------------------------------------ samples and their steps


@pytest.mark.parametrize("loss", TEXTBOOK_LOSSES)
def test_Y6_M8_batch_gradient_is_the_sum_or_mean_of_the_samples(loss):
    sizes = (3, 4, 3)
    x, y = samples(sizes, loss, 6)
    for reduction, n in (("sum", 1), ("mean", 6)):
        net = make(sizes, ["tanh", "softmax"], loss, reduction=reduction)
        single = [net.gradients(x_i, y_i) for x_i, y_i in zip(x, y, strict=True)]
        dW, db = net.gradients(x, y)
        assert_same(dW, [sum(layer) / n for layer in zip(*(s[0] for s in single), strict=True)])
        assert_same(db, [sum(layer) / n for layer in zip(*(s[1] for s in single), strict=True)])
        assert net.error(x, y) == pytest.approx(sum(map(net.error, x, y)) / n)


def test_Y11_step_moves_each_weight_against_its_gradient():
    net, before = (make((3, 4, 2), ["tanh", "sigmoid"], "squared_error") for _ in range(2))
    x, y = samples((3, 4, 2), "squared_error")
    a, delta = before.forward(x).a, before.deltas(x, y)
    held = net.weights[0]
    assert net.step(x, y, 0.3) == before.error(x, y)
    assert net.weights[0] is held  # in place
    for layer in range(2):
        for i, j in np.ndindex(net.weights[layer].shape):
            expected = before.weights[layer][i, j] - 0.3 * delta[layer][i] * a[layer][j]
            assert net.weights[layer][i, j] == pytest.approx(expected, rel=1e-14)
        np.testing.assert_allclose(net.biases[layer], before.biases[layer] - 0.3 * delta[layer], rtol=1e-14)


def test_Y3_steps_lower_the_error_and_leave_absent_connections_alone():
    masks = [np.array([[1, 0], [0, 1], [1, 1]]), None]
    net = make((2, 3, 1), ["tanh", "sigmoid"], "binary_cross_entropy", masks=masks)
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [1.0]])
    first = net.step(x, y, 0.5)
    for _ in range(200):
        net.step(x, y, 0.5)
    assert net.error(x, y) < first / 5
    assert net.weights[0][0, 1] == net.weights[0][1, 0] == 0
    assert np.count_nonzero(net.weights[0]) == 4


def test_R16_a_weight_grows_exactly_when_input_and_Delta_agree_in_sign():
    net, before = (make((3, 4, 2), ["tanh", "tanh"], "squared_error") for _ in range(2))
    x, y = samples((3, 4, 2), "squared_error")
    net.step(x, y, 0.1)
    a, Delta = before.forward(x).a, before.negative_deltas(x, y)
    for k in range(2):
        growth = net.weights[k] - before.weights[k]
        assert (np.sign(growth) == np.sign(np.outer(Delta[k], a[k]))).all()


@pytest.mark.parametrize("hidden", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("factor", "alpha_per_rate"), [(0.5, 1), (1.0, 2), (0.25, 0.5)])
def test_R1_to_R5_the_other_sign_takes_the_same_step_as_Y11(hidden, factor, alpha_per_rate):
    """R4 = Y11 at factor 1/2. At factor 1 the note's missing 2 (R5) has to come from alpha."""
    sizes, masks = (3, 5, 4, 2), [None, np.random.default_rng(4).random((4, 5)) < 0.7, None]
    net = make(sizes, [hidden, hidden, "sigmoid"], "squared_error", masks=masks, factor=factor, seed=2)
    net.layers[2].b = None
    x, y = samples(sizes, "squared_error")
    old = [W.copy() for W in net.weights]
    Delta, weights, biases = from_to_update(net, x, y, alpha=0.2 * alpha_per_rate)
    assert_same(net.weights, old, rtol=0, atol=0)  # the network is left as it is
    assert_same([alpha_per_rate * D for D in Delta], net.negative_deltas(x, y))
    assert_same([-alpha_per_rate * D for D in Delta], net.deltas(x, y))
    net.step(x, y, learning_rate=0.2)
    assert_same([w.T for w in weights], net.weights)
    assert_same(biases, net.biases)
    assert not np.allclose(weights[0].T, old[0])


@pytest.mark.parametrize("n", [None, 4])
def test_Y2_bias_trick_has_the_same_outputs_and_gradients(n):
    """The augmented weights as parameters of their own: forward, loss and differences without a bias."""
    net = make((3, 4, 2), ["tanh", "sigmoid"], "squared_error", reduction="sum")
    x, y = samples((3, 4, 2), "squared_error", n)
    augmented = augment_weights(net.weights, net.biases)
    assert [W.shape for W in augmented] == [(4, 4), (2, 5)]

    def output():
        hidden = np.tanh(augment_inputs(x) @ augmented[0].T)
        return 1 / (1 + np.exp(-augment_inputs(hidden) @ augmented[1].T))

    np.testing.assert_allclose(output(), net.predict(x), rtol=1e-13)
    for W, dW, db in zip(augmented, *net.gradients(x, y), strict=True):
        for i, j in np.ndindex(W.shape):
            kept, errors = W[i, j], []
            for moved in (kept + 1e-6, kept - 1e-6):
                W[i, j] = moved
                errors.append(0.5 * ((output() - y) ** 2).sum())
            W[i, j] = kept
            by_rule = db[i] if j == 0 else dW[i, j - 1]
            assert (errors[0] - errors[1]) / 2e-6 == pytest.approx(by_rule, rel=1e-5, abs=1e-8)


def test_Y2_a_missing_bias_is_a_zero_weight():
    assert augment_weights([[[2.0, 3.0]]], None)[0].tolist() == [[0, 2, 3]]
    assert augment_weights([[[2.0, 3.0]], [[4.0]]], [[1.0], None])[1].tolist() == [[0, 4]]


# ------------------------------------------------------------------------------ the published worked examples


def published(name):
    """The example with every figure as a Decimal, so that the number of printed digits is known."""
    return json.loads((DATA / name).read_text(), parse_float=Decimal)


def assert_published(actual, figure, rounding=Decimal("0.5")):
    """Agreement to the last printed digit: within half a unit of it."""
    figures = np.ravel(np.array(figure, dtype=object))
    assert np.size(actual) == len(figures)
    for value, printed in zip(np.ravel(actual), figures, strict=True):
        unit = Decimal(1).scaleb(printed.as_tuple().exponent)
        assert abs(Decimal(float(value)) - printed) <= rounding * unit, f"{value} is not {printed}"


def worked_example():
    example = published("worked_example.json")
    weights = [np.array(example[name], dtype=float) for name in ("W1", "W2", "W3")]  # null (absent): nan
    masks = [~np.isnan(W) for W in weights]
    net = DeltaNetwork(weights, None, ["sigmoid"] * 3, "binary_cross_entropy", masks)
    x = augment_inputs(np.array(example["input"], dtype=float))  # W1's first column is the bias, x0 = 1
    return example, net, x, [float(example["target"])]


def test_Y14_worked_example_to_every_published_digit():
    example, net, x, y = worked_example()
    absent = [~mask for mask in net.masks]
    assert [a.sum() for a in absent] == [4, 1, 0]
    _, a1, a2, o = net.forward(x).a
    assert_published(a1, example["forward"]["a1"])
    assert_published(a2, example["forward"]["a2"])
    assert_published(o, example["forward"]["o"])
    for by_rule in (net.deltas(x, y), deltas_by_index(net, x, y)):
        for delta, name in zip(by_rule, ("layer1", "layer2", "output"), strict=True):
            assert_published(delta, example["deltas"][name])
    rounded = example["published_roundings"]
    assert_published(o, rounded["o"])
    assert_published(np.concatenate(net.deltas(x, y)[::-1]), rounded["deltas"])

    old, a, delta = [W.copy() for W in net.weights], [x, a1, a2], net.deltas(x, y)
    net.step(x, y, float(example["learning_rate"]))
    assert_published(net.predict(x), example["output_after_one_step"])
    assert_published(net.predict(x), rounded["o_after_one_step"])
    for k in range(3):  # the updated weights follow from Y11; what was absent stays absent
        expected = np.where(absent[k], 0, old[k] - 0.5 * np.outer(delta[k], a[k]))
        np.testing.assert_allclose(net.weights[k], expected, rtol=1e-14)
        assert (net.weights[k][absent[k]] == 0).all()


def test_Y14_the_mask_matters():
    """Without the mask the absent connections would grow, and the published 0.69807631 would be missed."""
    example, masked, x, y = worked_example()
    free = DeltaNetwork(masked.weights, None, masked.activations, masked.loss)
    assert_published(free.predict(x), example["forward"]["o"])
    free.step(x, y, 0.5)
    assert abs(free.predict(x)[0] - 0.69807631) > 1e-5


def test_Y15_worked_example_deltas_shrink_towards_the_input():
    _, net, x, y = worked_example()
    sizes = [np.abs(delta).max() for delta in net.deltas(x, y)]
    assert sizes[0] < sizes[1] / 3 < sizes[2] / 15


def test_Mazur_example_to_every_published_digit():
    """M2 to M6 on the best-known worked example. It leaves its biases alone, so the test steps by itself."""
    example = published("mazur_example.json")
    figures = example["published"]
    W1, W2, x, y = (np.array(example[name], dtype=float) for name in ("W1", "W2", "input", "target"))
    biases = [np.full(2, float(example[name])) for name in ("b1", "b2")]
    net = DeltaNetwork([W1, W2], biases, ["sigmoid", "sigmoid"], "squared_error")
    _, hidden, output = net.forward(x).a
    assert_published(hidden, [figures["h1"], figures["h2"]])
    assert_published(output, [figures["o1"], figures["o2"]])
    assert_published(net.error(x, y), figures["E"])
    dW, _ = net.gradients(x, y)
    assert_published(dW[1][0, 0], figures["dE_dw5"])
    assert_published(dW[0][0, 0], figures["dE_dw1"])
    for W, slope in zip(net.weights, dW, strict=True):
        W -= float(example["learning_rate"]) * slope
    for k, names in enumerate((("w1", "w2", "w3", "w4"), ("w5", "w6", "w7", "w8"))):
        assert_published(net.weights[k], [figures[f"{name}_after"] for name in names])


# ---------------------------------------------------------------------------- what deep and symmetric nets do


def test_Y15_R13_sigmoid_deltas_vanish_within_their_bound():
    """R13: each layer back multiplies delta by at most 0.25 times the norm of the weights between."""
    depth = 10
    net = make((5,) * (depth + 1), ["sigmoid"] * depth, "squared_error")
    x, y = samples((5,) * (depth + 1), "squared_error")
    norms = [np.linalg.norm(delta) for delta in net.deltas(x, y)]
    spectral = [np.linalg.norm(W, 2) for W in net.weights]
    for k in range(depth - 1):
        assert 0 < norms[k] <= 0.25 * spectral[k + 1] * norms[k + 1]
    assert norms[0] <= 0.25 ** (depth - 1) * np.prod(spectral[1:]) * norms[-1]
    assert norms[0] < 1e-3 * norms[-1]
    linear = DeltaNetwork(net.weights, None, ["identity"] * depth, "squared_error")
    linear_norms = [np.linalg.norm(delta) for delta in linear.deltas(x, y)]
    assert any(
        linear_norms[k] > 0.25 * spectral[k + 1] * linear_norms[k + 1] for k in range(depth - 1)
    )  # the bound is the sigmoid's own: without it, it does not hold


def test_R9_zero_initialisation_keeps_units_equal():
    x, y = samples((3, 4, 2), "squared_error", 8)
    shapes = [(4, 3), (2, 4)]
    rng = np.random.default_rng(0)
    zero, small = (
        DeltaNetwork(weights, [np.zeros(4), np.zeros(2)], ["sigmoid", "identity"], "squared_error")
        for weights in ([np.zeros(s) for s in shapes], [rng.uniform(-0.01, 0.01, s) for s in shapes])
    )
    for _ in range(50):
        zero.step(x, y, 0.5)
        small.step(x, y, 0.5)
    W1, W2 = zero.weights
    assert np.abs(W1).max() > 1e-3  # it has learned something,
    np.testing.assert_allclose(W1, np.broadcast_to(W1[0], W1.shape), rtol=1e-9)  # the same in every unit
    np.testing.assert_allclose(W2, np.broadcast_to(W2[:, :1], W2.shape), rtol=1e-9)
    assert np.ptp(small.weights[0], axis=0).max() > 1e-3  # R9's remedy: the units have come apart


# ---------------------------------------------------------------------------------------- dtype and ownership


@pytest.mark.parametrize(("output", "loss"), [*O_MINUS_Y, ("sigmoid", "cross_entropy")])
@pytest.mark.parametrize("hidden", TEXTBOOK)
def test_float32_stays_float32(hidden, output, loss):
    net = make((3, 4, 3), [hidden, output], loss, dtype=np.float32, factor=np.float64(1))
    x, y = samples((3, 4, 3), loss, 5)
    z, a = net.forward(x)
    net.step(x, y, np.float64(0.1))
    dW, db = net.gradients(x, y)
    deltas = net.deltas(x, y) + deltas_by_index(net, x[0], y[0])
    for array in (*z, *a, *dW, *db, *deltas, *net.weights, *net.biases):
        assert array.dtype == np.float32


def test_integer_weights_become_float64_and_can_learn():
    net = DeltaNetwork([[[1, 2]]], [[0]], ["identity"], "squared_error")
    net.step([1, 1], [0], 0.1)
    assert net.weights[0].tolist() == [[0.7, 1.7]]
    assert net.biases[0] == pytest.approx(-0.3)


def test_network_owns_copies_of_its_arrays():
    W, b, mask, x = np.ones((1, 2)), np.ones(1), np.ones((1, 2), bool), np.ones(2)
    net = DeltaNetwork([W], [b], ["identity"], "squared_error", [mask])
    net.step(x, [0.0], 0.1)
    forward = net.forward(x)
    for array in (W, b, mask, x):
        assert (array == 1).all()
        array[...] = 0
    assert net.masks[0].all()
    assert forward.a[0].tolist() == [1, 1]
    assert net.weights[0].tolist() == [[0.7, 0.7]]


def test_delta_imports_numpy_and_the_standard_library_only():
    tree = ast.parse(Path(nn.delta.__file__).read_text())
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules.add(node.module)
    assert {m.split(".")[0] for m in modules} - set(sys.stdlib_module_names) == {"numpy"}


def test_public_names():
    assert set(nn.delta.__all__) == {
        "ACTIVATIONS",
        "Activation",
        "BatchNorm",
        "DeltaNetwork",
        "Dense",
        "Dropout",
        "Flatten",
        "ForwardPass",
        "LOSSES",
        "Layer",
        "LayerNorm",
        "Record",
        "Skip",
        "augment_inputs",
        "augment_weights",
        "deltas_by_index",
        "from_to_update",
        "gradients_by_index",
    }
    assert set(TEXTBOOK) < set(ACTIVATIONS) == set(nn.layers.ACTIVATIONS)
    assert set(TEXTBOOK_LOSSES) < set(LOSSES)


def test_a_layer_without_inputs_still_has_its_bias():
    assert augment_inputs([]).tolist() == [1]
    assert augment_inputs(np.zeros((3, 0))).tolist() == [[1], [1], [1]]


# --------------------------------------------------------------------------------------------- error messages

SE, BCE, CE = "squared_error", "binary_cross_entropy", "cross_entropy"
W23, W12 = np.ones((2, 3)), np.ones((1, 2))
BUILD_ERRORS = {
    "activation": (
        ([W23], None, ["swish"], SE),
        r"layer 1: activation 'swish' is unknown.*identity, leaky_relu, log_softmax, relu, .*, softplus, tanh",
    ),
    "loss": (
        ([W23], None, ["tanh"], "mse"),
        r"loss 'mse' is unknown.*binary_cross_entropy, cross_entropy, hinge, huber, kl_divergence, squared_error",
    ),
    "counts": (([W23, W12], None, ["tanh"], SE), r"got 2 weights, 2 biases, 1 activations, 2 masks"),
    "biases": (([W23], [], ["tanh"], SE), r"got 1 weights, 0 biases"),
    "masks": (([W23], None, ["tanh"], SE, [None, None]), r"1 activations, 2 masks: give one of each"),
    "no layers": (([], None, [], SE), r"got 0 weights"),
    "1-D weights": (
        ([W12, np.ones(1)], None, ["tanh"] * 2, SE),
        r"layer 2: weights have shape \(1,\), but need \(out, in\)",
    ),
    "empty weights": (([np.ones((0, 3))], None, ["tanh"], SE), r"layer 1: .*\(0, 3\).*positive"),
    "chain": (
        ([W23, np.ones((1, 4))], None, ["tanh"] * 2, SE),
        r"layer 2: weights of shape \(1, 4\).* take 4 inputs, but layer 1 has 2 outputs: make",
    ),
    "transposed": (
        ([W23, np.ones((2, 4))], None, ["tanh"] * 2, SE),
        r"layer 2: weights of shape \(2, 4\).*looks transposed, use W\.T",
    ),
    "bias shape": (
        ([W23], [np.ones((2, 1))], ["tanh"], SE),
        r"layer 1: bias has shape \(2, 1\), but the layer needs shape \(2,\)",
    ),
    "mask shape": (
        ([W23], None, ["tanh"], SE, [np.ones(3)]),
        r"layer 1: mask has shape \(3,\), but the layer needs shape \(2, 3\)",
    ),
    "mask values": (([W12], None, ["tanh"], SE, [[[1, 0.5]]]), r"layer 1: mask must hold only 1"),
    "complex": (([W23 * 1j], None, ["tanh"], SE), r"layer 1: weights .* real numbers, not complex"),
    "null": (([[[1.0, None]]], None, ["tanh"], SE), r"layer 1: weights .* real numbers, not object"),
}


@pytest.mark.parametrize(("arguments", "message"), BUILD_ERRORS.values(), ids=BUILD_ERRORS)
def test_errors_when_building(arguments, message):
    with pytest.raises(ValueError, match=message):
        DeltaNetwork(*arguments)


@pytest.mark.parametrize("factor", [0, -1, np.nan, np.inf])
def test_error_factor(factor):
    with pytest.raises(ValueError, match=rf"factor is {factor}, .*positive, finite"):
        DeltaNetwork([W23], None, ["tanh"], SE, factor=factor)


def test_error_reduction():
    with pytest.raises(ValueError, match=r"reduction 'none' is unknown; the known ones are mean, sum"):
        DeltaNetwork([W23], None, ["tanh"], SE, reduction="none")


@pytest.mark.parametrize("rate", [0, -0.1, np.nan])
def test_error_learning_rate(rate):
    with pytest.raises(ValueError, match=rf"learning_rate is {rate}, but must be positive"):
        DeltaNetwork([W12], None, ["tanh"], SE).step([1, 1], [1], rate)


DATA_ERRORS = {  # output activation, loss, weights, x, y, message
    "inputs": (
        "tanh",
        SE,
        W23,
        np.ones(4),
        np.ones(2),
        r"layer 1: x has shape \(4,\), but the layer has 3 inputs: give one sample of shape \(3,\)",
    ),
    "0-D x": ("tanh", SE, W23, 1.0, np.ones(2), r"x has shape \(\)"),
    "3-D x": ("tanh", SE, W23, np.ones((2, 2, 3)), np.ones((2, 2, 2)), r"x has shape \(2, 2, 3\)"),
    "no samples": ("tanh", SE, W23, np.ones((0, 3)), np.ones((0, 2)), r"\(0, 3\).*n >= 1 in rows"),
    "x as vector": (
        "tanh",
        SE,
        np.ones((1, 1)),
        np.ones(4),
        np.ones((4, 1)),
        r"for one input per sample use x\.reshape\(-1, 1\)",
    ),
    "complex x": ("tanh", SE, W23, np.ones(3) * 1j, np.ones(2), r"x must hold real numbers"),
    "object y": ("tanh", SE, W23, np.ones(3), [1, None], r"y must hold real numbers, not object"),
    "(n,) for (n, 1)": (
        "tanh",
        SE,
        W12,
        np.ones((4, 2)),
        np.ones(4),
        r"y has shape \(4,\), but the outputs have shape \(4, 1\): use y\.reshape\(4, 1\)",
    ),
    "scalar for (1,)": ("tanh", SE, W12, np.ones(2), 1.0, r"use y\.reshape\(1,\)"),
    "y transposed": ("tanh", SE, W23, np.ones((4, 3)), np.ones((2, 4)), r"\(4, 2\): use y\.T"),
    "too few targets": ("tanh", SE, W23, np.ones((4, 3)), np.ones((4, 1)), r"one target per output"),
    "labels' shape": ("softmax", CE, W23, np.ones((4, 3)), [0, 1], r"or integer labels of shape \(4,\)"),
    "labels too large": (
        "softmax",
        CE,
        W23,
        np.ones((2, 3)),
        [0, 2],
        r"labels run from 0 to 2.*labels 0 to 1",
    ),
    "labels negative": ("softmax", CE, W23, np.ones(3), -1, r"labels run from -1 to -1"),
    "labels float": ("softmax", CE, W23, np.ones((2, 3)), [0.0, 1.0], r"integers, not float64: use y\.ast"),
    "no distribution": ("softmax", CE, W23, np.ones(3), [0.5, 0.4], r"targets must sum to 1"),
    "negative target": ("softmax", CE, W23, np.ones(3), [1.5, -0.5], r"in \[0, 1\]; y runs from -0.5 to 1.5"),
    "target above 1": ("sigmoid", BCE, W12, np.ones(2), [2], r"binary_cross_entropy: targets must lie in"),
    "nan target": ("sigmoid", BCE, W12, np.ones(2), [np.nan], r"targets must lie in \[0, 1\]"),
    "output above 1": (
        "identity",
        BCE,
        W12,
        np.ones(2),
        [1],
        r"identity outputs run from 2 to 2; they must lie in \(0, 1\): make .* a sigmoid",
    ),
    "output at 1": ("identity", BCE, W12, [0.5, 0.5], [1], r"run from 1 to 1; they must lie in \(0, 1\)"),
    "output at 0": ("relu", CE, -W23, np.ones(3), [1, 0], r"from 0 to 0; .*\(0, 1\]: make .* a softmax"),
    "output negative": ("tanh", CE, -W23, np.ones(3), 1, r"tanh outputs run from -0.9951 to -0.9951"),
    "output nan": ("tanh", BCE, W12, [np.nan, 1], [1], r"tanh outputs run from nan to nan"),
}


@pytest.mark.parametrize("method", ["error", "deltas", "gradients", "negative_deltas"])
@pytest.mark.parametrize(("output", "loss", "W", "x", "y", "message"), DATA_ERRORS.values(), ids=DATA_ERRORS)
def test_errors_on_data(output, loss, W, x, y, message, method):
    with pytest.raises(ValueError, match=message):
        getattr(DeltaNetwork([W], None, [output], loss), method)(x, y)


def test_a_refused_step_changes_nothing():
    net = DeltaNetwork([W12], [[1.0]], ["identity"], BCE)
    with pytest.raises(ValueError, match="make the last layer a sigmoid"):
        net.step([1.0, 1.0], [1.0], 0.1)
    assert (net.weights[0] == W12).all()
    assert (net.biases[0] == 1).all()


@pytest.mark.parametrize("form", [deltas_by_index, gradients_by_index, lambda *a: from_to_update(*a, 0.1)])
def test_errors_forms_for_one_sample(form):
    net = DeltaNetwork([W12], None, ["tanh"], SE)
    with pytest.raises(ValueError, match=r"x has shape \(4, 2\), but this form takes one sample"):
        form(net, np.ones((4, 2)), np.ones((4, 1)))


@pytest.mark.parametrize(("activation", "loss"), [("sigmoid", BCE), ("softmax", SE)])
def test_errors_R2_is_stated_for_squared_error_without_softmax(activation, loss):
    net = DeltaNetwork([W12], None, [activation], loss)
    with pytest.raises(ValueError, match=rf"this network has {loss} and {activation}"):
        from_to_update(net, np.ones(2), [1.0], 0.1)
