"""The layers, activations, losses and steps of nn.delta, each against finite differences and against the engine."""

import copy
import itertools
import math
import pickle

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import delta
from nn.delta import (
    ACTIVATIONS,
    LOSSES,
    Activation,
    BatchNorm,
    DeltaNetwork,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    Skip,
    deltas_by_index,
    gradients_by_index,
)

BOUND = 1e-12  # max|a - b| / max|b| per array, in float64
OPTIONS = {
    "elu": [{}, {"alpha": 0.5}],
    "gelu": [{}, {"approximate": "none"}, {"approximate": "tanh"}],
    "leaky_relu": [{}, {"negative_slope": 0.2}],
    "softplus": [{}, {"beta": 2.0, "threshold": 3.0}],
}
FUNCTIONS = [(name, options) for name in ACTIVATIONS for options in OPTIONS.get(name, [{}])]
CURVED = [case for case in FUNCTIONS if case[0] != "identity"]
REDUCTIONS = ("mean", "sum")


def named(case):
    """Return the id of a case: what is in it, in words."""
    name, options, *rest = case
    return "-".join([name, *(f"{k}={v}" if np.ndim(v) == 0 else k for k, v in options.items()), *map(str, rest)])


def assert_same(got, want, bound=BOUND, name=""):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape, f"{name}: {got.shape}, {want.shape}"
    distance, largest = np.abs(got - want).max(), np.abs(want).max()
    assert distance <= bound * largest, f"{name}: {distance / (largest or 1):.1e}"


def slopes(E, p, present=None, h=1e-4):
    """Return dE/dp by five-point differences, whose error is of the order of h^4; p is changed in place and back."""
    found = np.zeros(p.shape)
    for i in np.ndindex(p.shape) if present is None else zip(*np.nonzero(present), strict=True):
        kept, errors = p[i], []
        for moved in (-2, -1, 1, 2):
            p[i] = kept + moved * h
            errors.append(E())
        p[i] = kept
        found[i] = (errors[0] - 8 * errors[1] + 8 * errors[2] - errors[3]) / (12 * h)
    return found


def assert_layer(layer, x, bound=1e-7):
    """Hold a layer's backward pass against differences of ``E = sum u y``, whose dE/dy is u."""
    y = layer.forward(x)
    u = np.random.default_rng(9).normal(size=y.shape)
    below, gradients = layer.backward(x, y, u)
    parameters = {"x": x, **layer.parameters}
    assert gradients.keys() == layer.parameters.keys()
    for name, slope in {"x": below, **gradients}.items():
        assert_same(slope, slopes(lambda: (u * layer.forward(x)).sum(), parameters[name]), bound, name)


def assert_network(net, x, y, bound=1e-7):
    """Hold a network's gradients, by every parameter and by the input, against differences of its error."""
    records = net.sweep(x, y)
    first = records[0]
    below, _ = first.layer.backward(first.x, first.y, first.u)
    assert_same(below, slopes(lambda: net.error(x, y), x), bound, "x")
    for number, record in enumerate(records):
        for name, slope in record.gradients.items():
            present = record.layer.mask if name == "W" else None
            by_difference = slopes(lambda: net.error(x, y), record.layer.parameters[name], present)
            assert_same(slope, by_difference, bound, f"{number}: {name}")


def rows(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# ------------------------------------------------------------------------------------------------ the activations


@pytest.mark.parametrize("case", FUNCTIONS, ids=named)
def test_Y8_Y10_each_activation_and_its_rule_equal_differences_and_the_engine(case):
    name, options = case
    layer, z, u = Activation(name, **options), 3 * rows(6, 5), rows(6, 5, seed=1)
    a, pulled = ag.vjp(nn.layers.ACTIVATIONS[name](**options), z)
    assert_same(layer.forward(z), a)
    assert_same(layer.backward(z, layer.forward(z), u)[0], pulled(u)[0])
    assert_layer(layer, z)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", FUNCTIONS, ids=named)
def test_no_activation_overflows_at_1000_and_each_keeps_its_dtype(case, dtype):
    """Warnings are errors here, so that an overflow would fail."""
    name, options = case
    layer, z = Activation(name, **options), np.array([[-1000, 0, 1000], [-1000, -999, -1000]], dtype)
    a = layer.forward(z)
    slope, _ = layer.backward(z, a, np.ones_like(z))
    assert np.isfinite(a).all() and np.isfinite(slope).all()
    assert a.dtype == slope.dtype == dtype


@pytest.mark.parametrize("case", FUNCTIONS, ids=named)
def test_an_activation_of_integers_is_that_of_the_same_floats(case):
    name, options = case
    layer, z = Activation(name, **options), np.array([[1, 2, 250], [0, 3, 0]], np.uint8)
    a = layer.forward(z)
    assert_same(a, layer.forward(z.astype(float)), 0)
    assert_same(layer.backward(z, a, a)[0], layer.backward(z.astype(float), a, a)[0], 0)


PAIRS = {
    "sigmoid": (nn.sigmoid, lambda z: nn.sigmoid(z) * (1 - nn.sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "identity": (lambda z: z, lambda z: 1.0),
}


@pytest.mark.parametrize("name", PAIRS)
def test_Y13_a_pair_of_functions_is_the_activation_that_it_computes(name):
    x, y, weights = rows(4, 3), rows(4, 2, seed=1), [rows(5, 3, seed=2), rows(2, 5, seed=3)]
    by_name = DeltaNetwork(weights, None, [name, name], "squared_error")
    pair = DeltaNetwork(weights, None, [PAIRS[name], list(PAIRS[name])], "squared_error")
    assert pair.activations == ["f", "f"]
    assert pair.error(x, y) == pytest.approx(by_name.error(x, y), rel=1e-13)
    for got, want in zip(pair.deltas(x, y), by_name.deltas(x, y), strict=True):
        assert_same(got, want)
    for got, want in zip(deltas_by_index(pair, x[0], y[0]), pair.deltas(x[0], y[0]), strict=True):
        assert_same(got, want)


def test_the_functions_of_a_pair_do_not_change_the_dtype():
    f = (lambda z: np.sin(z).astype(float), lambda z: np.cos(z).astype(float))
    net = DeltaNetwork([np.ones((2, 3), np.float32)], None, [f], (lambda o, y: (o - y) ** 4, lambda o, y: o - y))
    assert net.predict([1, 2, 3]).dtype == net.deltas([1, 2, 3], [0.5, 0.5])[0].dtype == np.float32


# ----------------------------------------------------------------------------------------------------- the losses

K = 4
LABELS = np.array([0, 3, 1, 1, 2, 0, 3])
ONE_HOT, SOFT = np.eye(K)[LABELS], np.random.default_rng(1).dirichlet(np.ones(K), 7)
PROBABILITIES = np.random.default_rng(2).dirichlet(np.ones(K), 7)
Z, PARTS = rows(7, K, seed=3), np.random.default_rng(4).uniform(0.1, 0.9, (7, K))
W_CLASS, W_SAMPLE = np.random.default_rng(5).uniform(0.5, 2, K), np.random.default_rng(6).uniform(0.5, 2, (7, 1))
SIGNS = 2 * ONE_HOT - 1
CE = [
    *({}, {"weight": W_CLASS}, {"label_smoothing": 0.1}, {"weight": W_CLASS, "label_smoothing": 0.2}),
    {"label_smoothing": 1.0},
]
BCE = [{}, {"weight": W_CLASS}, {"weight": W_SAMPLE}, {"pos_weight": W_CLASS}, {"pos_weight": 3.0, "weight": W_CLASS}]

# loss, options, activation of the outputs, what goes in, targets, the same in nn
LOSS_CASES = [
    ("squared_error", {}, "identity", Z, PARTS, nn.squared_error),
    ("squared_error", {"factor": 1.0}, "identity", Z, PARTS, nn.squared_error),
    ("absolute_error", {}, "identity", Z, PARTS, nn.absolute_error),
    ("huber", {}, "identity", 2 * Z, PARTS, nn.huber),
    ("huber", {"delta": 0.3}, "identity", Z, PARTS, nn.huber),
    ("hinge", {}, "identity", Z, SIGNS, nn.hinge),
    ("hinge", {}, "identity", Z, LABELS, nn.hinge),
    *(("binary_cross_entropy", o, "identity", PARTS, ONE_HOT, nn.binary_cross_entropy) for o in BCE[:3]),
    *(("binary_cross_entropy", o, "sigmoid", Z, PARTS, nn.binary_cross_entropy_with_logits) for o in BCE),
    *(("cross_entropy", o, "softmax", Z, y, nn.cross_entropy) for o in CE for y in (LABELS, ONE_HOT, SOFT)),
    ("cross_entropy", {}, "identity", PROBABILITIES, LABELS, nn.categorical_cross_entropy),
    ("cross_entropy", {}, "identity", PROBABILITIES, SOFT, nn.categorical_cross_entropy),
    *(
        ("cross_entropy", {"ignore_index": 3, **o}, "softmax", Z, LABELS, nn.cross_entropy)
        for o in ({}, {"weight": W_CLASS}, {"label_smoothing": 0.1})
    ),
    ("cross_entropy", {"ignore_index": -100}, "softmax", Z, np.where(LABELS == 1, -100, LABELS), nn.cross_entropy),
    ("kl_divergence", {}, "identity", PROBABILITIES, SOFT, nn.kl_divergence),
    ("kl_divergence", {}, "identity", PROBABILITIES, ONE_HOT, nn.kl_divergence),
    ("kl_divergence", {"log_outputs": True}, "identity", np.log(PROBABILITIES), SOFT, nn.kl_divergence),
    ("kl_divergence", {"log_targets": True}, "identity", PROBABILITIES, np.log(SOFT), nn.kl_divergence),
    (
        *("kl_divergence", {"log_outputs": True, "log_targets": True}, "identity"),
        *(np.log(PROBABILITIES), np.log(SOFT), nn.kl_divergence),
    ),
]
LOSS_IDS = [f"{i}-{named(case[:3])}-{'labels' if case[4].ndim == 1 else 'rows'}" for i, case in enumerate(LOSS_CASES)]


def of_loss(name, options, activation="identity", k=K, **more):
    """Return a network that does nothing before its output activation and its loss."""
    return DeltaNetwork([np.eye(k)], None, [activation], name, **options, **more)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("case", LOSS_CASES, ids=LOSS_IDS)
def test_Y4_Y6_Y10_each_loss_and_its_delta_equal_differences_and_the_engine(case, reduction):
    name, options, activation, z, y, loss = case
    net, z = of_loss(name, options, activation, reduction=reduction), z.copy()
    E, pulled = ag.vjp(lambda z: loss(z, y, reduction=reduction, **options), z)
    assert net.error(z, y) == pytest.approx(float(E), rel=BOUND)
    assert_same(net.deltas(z, y)[0], pulled(1.0)[0])
    assert_same(net.deltas(z, y)[0], slopes(lambda: net.error(z, y), z), 1e-7)


@pytest.mark.parametrize("case", LOSS_CASES, ids=LOSS_IDS)
def test_Y6_a_single_sample_is_a_batch_of_one(case):
    name, options, activation, z, y, _ = case
    options = {k: v[1] if v is W_SAMPLE else v for k, v in options.items()}
    if options.get("ignore_index") == 3:
        options = {**options, "ignore_index": 1}  # sample 1 has label 3, and must count
    net = of_loss(name, options, activation)
    assert net.error(z[1], y[1]) == pytest.approx(net.error(z[1:2], y[1:2]), rel=BOUND)
    assert_same(net.deltas(z[1], y[1])[0], net.deltas(z[1:2], y[1:2])[0][0])
    if activation == "identity":  # the others go through log o by index
        assert_same(deltas_by_index(net, z[1], y[1])[0], net.deltas(z[1], y[1])[0])


@pytest.mark.parametrize("case", LOSS_CASES, ids=LOSS_IDS)
def test_each_loss_of_float32_is_float32_and_right_to_its_digits(case):
    """Weights and targets of float64 do not change the network's dtype."""
    name, options, activation, z, y, _ = case
    wide, z = of_loss(name, options, activation), z.astype(np.float32)
    net = DeltaNetwork([np.eye(K, dtype=np.float32)], None, [activation], name, **options)
    (got,), (want,) = net.deltas(z, y), wide.deltas(z, y)
    assert got.dtype == np.float32 and want.dtype == np.float64
    assert_same(got, want, 3e-6)
    assert net.error(z, y) == pytest.approx(wide.error(z, y), rel=3e-6)


def test_every_loss_and_every_option_is_in_a_case():
    assert {case[0] for case in LOSS_CASES} == set(LOSSES)
    found = {(case[0], option) for case in LOSS_CASES for option in case[1]}
    assert found == {(loss, name) for loss, names in delta._OF_LOSSES.items() for name in names} | {
        ("squared_error", "factor")
    }


def test_Y13_a_pair_of_functions_is_the_loss_that_it_computes():
    pair = (lambda o, y: np.abs(o - y) ** 3, lambda o, y: 3 * (o - y) * np.abs(o - y))
    for reduction in REDUCTIONS:
        net = DeltaNetwork([rows(3, 4)], [rows(3)], ["tanh"], pair, reduction=reduction)
        x, y = rows(5, 4, seed=1), rows(5, 3, seed=2)
        J = np.abs(net.predict(x) - y) ** 3
        assert net.error(x, y) == pytest.approx(J.sum() / (5 if reduction == "mean" else 1), rel=BOUND)
        assert_network(net, x, y)
        assert net.loss == "a loss of its own"


@pytest.mark.parametrize("loss", [("sigmoid", "binary_cross_entropy"), ("softmax", "cross_entropy")])
def test_Y10_output_deltas_are_o_minus_y_exactly_for_logits_of_1000(loss):
    z = np.array([[1000.0, -1000.0, 0.0], [-1000.0, 1000.0, 1000.0]])
    y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    net = of_loss(loss[1], {}, loss[0], 3, reduction="sum")
    assert (net.deltas(z, y)[0] == net.predict(z) - y).all()
    if loss[0] == "softmax":
        assert net.error(z, y) == pytest.approx(2000 + 2000 + math.log(2), rel=1e-15)
    else:
        assert net.error(z, y) == pytest.approx(1000 + 1000 + math.log(2) + 1000 + 1000 + 1000, rel=1e-15)


def test_Y10_an_activation_that_is_put_behind_the_softmax_is_not_passed_by():
    """The rule o - y is for the pair: it holds no longer when another layer comes last."""
    net = of_loss("cross_entropy", {}, "softmax")
    net.layers.append(Dense(0.5 * np.eye(K)))
    net.layers.append(Activation("sigmoid"))
    assert_network(net, Z.copy(), LABELS)


def test_class_weights_weigh_truth_values_as_labels():
    net = of_loss("cross_entropy", {"weight": [1.0, 3.0]}, "softmax", 2)
    x, y = rows(2, 2), np.array([1, 0])
    assert net.error(x, y.astype(bool)) == net.error(x, y)
    assert net.error(x, np.array([True, True])) == net.error(x, [1, 1])


def test_small_outputs_keep_their_digits_in_the_log_loss():
    assert of_loss("binary_cross_entropy", {}, k=1).error([1e-12], [0.0]) == pytest.approx(1e-12, rel=1e-12)


# ----------------------------------------------------------------------------------------------------- the layers

gamma, beta = np.random.default_rng(7).uniform(0.5, 2, 3), rows(3, seed=8)
gammas, betas = np.random.default_rng(7).uniform(0.5, 2, (2, 3)), rows(2, 3, seed=8)
LAYERS = {
    "Dense": (Dense(rows(4, 3), rows(4)), (5, 3)),
    "Dense, no bias": (Dense(rows(4, 3)), (5, 3)),
    "Dense of one sample": (Dense(rows(4, 3), rows(4)), (3,)),
    "Dense of (2, 5, 3)": (Dense(rows(4, 3), rows(4)), (2, 5, 3)),
    "Dense of (2, 1, 2, 3)": (Dense(rows(4, 3), rows(4)), (2, 1, 2, 3)),
    "BatchNorm": (BatchNorm(gamma, beta), (6, 3)),
    "BatchNorm of two samples": (BatchNorm(gamma, beta, eps=0.1), (2, 3)),
    "BatchNorm, gamma alone": (BatchNorm(gamma), (6, 3)),
    "BatchNorm, beta alone": (BatchNorm(None, beta), (6, 3)),
    "BatchNorm, neither": (BatchNorm(), (6, 3)),
    "BatchNorm, mean and variance given": (BatchNorm(gamma, beta, mean=beta, variance=gamma), (6, 3)),
    "BatchNorm, given, of one sample": (BatchNorm(gamma, beta, mean=beta, variance=gamma), (3,)),
    "LayerNorm": (LayerNorm(gamma, beta), (6, 3)),
    "LayerNorm of one sample": (LayerNorm(gamma, beta), (3,)),
    "LayerNorm of (2, 4, 3)": (LayerNorm(gamma, beta), (2, 4, 3)),
    "LayerNorm, beta alone": (LayerNorm(None, beta), (6, 3)),
    "LayerNorm, neither": (LayerNorm(eps=0.5), (6, 3)),
    "LayerNorm, two axes": (LayerNorm(gammas, betas), (4, 2, 3)),
    "LayerNorm, two axes, neither": (LayerNorm(axes=2), (4, 2, 3)),
    "Dropout of units": (Dropout([1, 0, 1], 0.3), (6, 3)),
    "Dropout of each sample's units": (Dropout(rows(6, 3) > 0, 0.6), (6, 3)),
    "Dropout, p = 0": (Dropout([0, 1, 1], 0.0), (6, 3)),
    "Dropout in evaluation": (Dropout(None, 0.6), (6, 3)),
    "Skip": (Skip([Dense(rows(3, 3)), Activation("tanh")]), (6, 3)),
    "Skip of a sample": (Skip([Dense(rows(3, 3)), Activation("tanh")]), (3,)),
    "Skip with a shortcut": (Skip([Activation("tanh"), Dense(rows(4, 3))], [Dense(rows(4, 3, seed=1))]), (6, 3)),
    "Skip in Skip": (Skip([Skip([Activation("tanh")]), Dense(rows(3, 3)), Skip([Activation("silu")])]), (6, 3)),
    "Skip in a shortcut": (Skip([Activation("tanh")], [Skip([BatchNorm(gamma, beta)])]), (6, 3)),
    "Flatten": (Flatten(), (4, 2, 3)),
    "Flatten of rows": (Flatten(), (4, 3)),
    "softmax of (2, 4, 3)": (Activation("softmax"), (2, 4, 3)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_R14_each_layer_s_backward_pass_equals_differences(name):
    layer, shape = LAYERS[name]
    assert_layer(layer, rows(*shape, seed=11))


def test_Y14_a_masked_layer_has_no_gradient_where_there_is_no_connection():
    mask = rows(4, 3) > 0
    layer, x, u = Dense(rows(4, 3, seed=1), rows(4), mask), rows(5, 3, seed=2), rows(5, 4, seed=3)
    assert (layer.W[~mask] == 0).all() and (layer.W[mask] != 0).all()
    below, gradients = layer.backward(x, layer.forward(x), u)
    assert_same(gradients["W"], np.where(mask, u.T @ x, 0))
    assert_same(below, slopes(lambda: (u * layer.forward(x)).sum(), x), 1e-7)


def test_R14_batch_norm_and_layer_norm_give_mean_0_and_variance_1():
    x = 5 + 3 * rows(50, 4)
    for layer, axis in ((BatchNorm(eps=0.0), 0), (LayerNorm(eps=0.0), 1)):
        y = layer.forward(x)
        np.testing.assert_allclose(y.mean(axis=axis), 0, atol=1e-14)
        np.testing.assert_allclose(y.var(axis=axis), 1, rtol=1e-14)


def test_R14_a_normalised_batch_gives_nothing_back_along_1_and_along_itself():
    """What the two terms of the derivation say: neither a shift of x nor a stretch of x changes y."""
    layer, x, u = BatchNorm(eps=0.0), rows(8, 3), rows(8, 3, seed=1)
    below, _ = layer.backward(x, layer.forward(x), u)
    np.testing.assert_allclose(below.sum(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose((below * x).sum(axis=0), 0, atol=1e-13)


def test_R14_a_shortcut_passes_what_comes_back_where_its_layers_pass_nothing():
    dead = [Dense(np.eye(3), [-100.0] * 3), Activation("relu")]
    x, u = rows(4, 3), rows(4, 3, seed=1)
    layer = Skip(dead)
    assert (layer.backward(x, layer.forward(x), u)[0] == u).all()


def test_batch_norm_with_the_batch_s_own_mean_given_is_another_function():
    """Its outputs are the same, but the paths through mean and variance are cut."""
    x, u = rows(6, 3), rows(6, 3, seed=1)
    own, given = BatchNorm(), BatchNorm(mean=x.mean(axis=0), variance=x.var(axis=0))
    assert_same(own.forward(x), given.forward(x))
    pulled = [layer.backward(x, layer.forward(x), u)[0] for layer in (own, given)]
    assert np.abs(pulled[0] - pulled[1]).max() > 0.1


@pytest.mark.parametrize("name", [name for name in LAYERS if name.startswith(("BatchNorm", "LayerNorm", "Dropout"))])
def test_layers_of_float32_stay_float32(name):
    layer, shape = copy.deepcopy(LAYERS[name])
    for p in layer.parameters:
        setattr(layer, p, getattr(layer, p).astype(np.float32))
    x = rows(*shape).astype(np.float32)
    y = layer.forward(x)
    below, gradients = layer.backward(x, y, x)
    assert {array.dtype for array in (y, below, *gradients.values())} == {np.dtype(np.float32)}


# -------------------------------------------------------------- networks of any layers, against the engine as well


class Twins:
    """A random model of nn, and the same by hand: layer by layer, with the same numbers in both."""

    def __init__(self, seed, n=6):
        self.rng, self.n = np.random.default_rng(seed), n
        self.model, self.hand = [], []

    def linear(self, n_in, n_out, bias=True, masked=False):
        mask = self.rng.random((n_out, n_in)) < 0.7 if masked else None
        layer = nn.Linear(n_in, n_out, bias, mask=mask, rng=self.rng)
        if bias:
            layer.bias.data = self.rng.normal(size=n_out)
        return [layer], [Dense(layer.weight.data, layer.bias.data if bias else None, mask)]

    def activation(self):
        name, options = CURVED[self.rng.integers(len(CURVED))]
        return [nn.layers.ACTIVATIONS[name](**options)], [Activation(name, **options)]

    def norm(self, k):
        scale, shift = self.rng.uniform(0.5, 2, k), self.rng.normal(size=k)
        kind = self.rng.integers(3)
        layer = nn.LayerNorm(k) if kind == 0 else nn.BatchNorm1d(k)
        layer.weight.data, layer.bias.data = scale, shift
        if kind < 2:
            return [layer], [(LayerNorm, BatchNorm)[kind](scale, shift)]
        mean, variance = self.rng.normal(size=k), self.rng.uniform(0.5, 2, k)
        layer.running_mean.assign(mean)
        layer.running_var.assign(variance)
        layer.eval()
        return [layer], [BatchNorm(scale, shift, mean=mean, variance=variance)]

    def dropout(self, k):
        seed = int(self.rng.integers(1000))
        kept = np.random.default_rng(seed).random((self.n, k)) >= 0.4
        return [nn.Dropout(0.4, rng=seed)], [Dropout(kept, 0.4)]

    def block(self, n_in, n_out, depth=0):
        """Linear, perhaps a normalisation, an activation; or some of these with a way around them.

        A bias with no more than sums between it and a BatchNorm would have the gradient 0, which compares badly,
        relative to its size: after each bias there is an activation.
        """
        kind = self.rng.integers(4 if depth < 2 else 2)
        if kind == 0:
            parts = [self.linear(n_in, n_out, masked=True), self.activation()]
        elif kind == 1:
            parts = [self.linear(n_in, n_out, bias=False), self.norm(n_out), self.activation()]
        elif kind == 2:
            parts = [self.linear(n_in, n_out), self.dropout(n_out), self.activation()]
        else:
            model, hand = self.block(n_in, n_out, depth + 1)
            needed = n_in != n_out or self.rng.random() < 0.5
            around, by_hand = self.linear(n_in, n_out, bias=False) if needed else ([], [])
            shortcut = nn.Sequential(*around) if around else None
            parts = [([nn.Residual(nn.Sequential(*model), shortcut=shortcut)], [Skip(hand, by_hand)])]
        return [layer for model, _ in parts for layer in model], [layer for _, hand in parts for layer in hand]


def of_twins(seed):
    """Return a model of nn with its loss, the same by hand, and data."""
    twins = Twins(seed)
    rng, k, sizes = twins.rng, 3, [4]
    parts = [twins.linear(4, sizes[-1]), twins.activation()]
    for _ in range(rng.integers(1, 5)):
        n_in, n_out = sizes[-1], int(rng.choice([sizes[-1], 3, 5]))
        parts.append(twins.block(n_in, n_out))
        sizes.append(n_out)
    parts.append(twins.linear(sizes[-1], k))
    x = rng.normal(size=(twins.n, 4))
    labels, reduction = rng.integers(0, k, twins.n), str(rng.choice(REDUCTIONS))
    # loss, output activation, loss of nn, targets
    outputs = [
        ("squared_error", "identity", nn.squared_error, rng.normal(size=(twins.n, k))),
        ("huber", "identity", nn.huber, rng.normal(size=(twins.n, k))),
        ("hinge", "identity", nn.hinge, labels),
        ("binary_cross_entropy", "sigmoid", nn.binary_cross_entropy_with_logits, np.eye(k)[labels]),
        ("cross_entropy", "softmax", nn.cross_entropy, labels),
    ]
    name, output, loss, y = outputs[rng.integers(len(outputs))]
    model = nn.Sequential(*(layer for layers, _ in parts for layer in layers))
    hand = [layer for _, layers in parts for layer in layers]
    net = DeltaNetwork.of([*hand, Activation(output)], name, reduction=reduction)
    return model, lambda o: loss(o, y, reduction=reduction), net, x, y


@pytest.mark.parametrize("seed", range(60))
def test_Y13_R14_random_networks_have_the_engine_s_gradients(seed):
    model, loss, net, x, y = of_twins(seed)
    E = loss(model(x))
    E.backward()
    assert net.error(x, y) == pytest.approx(E.item(), rel=BOUND)
    by_hand = [slope for record in net.sweep(x, y) for slope in record.gradients.values()]
    for slope, (name, parameter) in zip(by_hand, model.named_parameters(), strict=True):
        assert_same(slope, parameter.grad, BOUND, name)
        assert np.any(slope), f"{name}: zeros prove nothing"


@pytest.mark.parametrize("seed", range(0, 60, 12))
def test_Y13_R14_random_networks_have_the_gradients_that_differences_show(seed):
    _, _, net, x, y = of_twins(seed)
    assert_network(net, x, y, 1e-6)


@pytest.mark.parametrize("seed", range(0, 60, 6))
def test_random_networks_of_float32_are_float32_and_right_to_their_digits(seed):
    _, _, wide, x, _ = of_twins(seed)
    y = np.random.default_rng(seed).random((len(x), 3))
    layers = copy.deepcopy(wide.layers)
    for layer in delta._walk(layers):
        for name, p in layer.parameters.items():
            setattr(layer, name, p.astype(np.float32))
    net, wide = DeltaNetwork.of(layers, "squared_error"), DeltaNetwork.of(wide.layers, "squared_error")
    assert net.predict(x).dtype == np.float32
    for narrow, record in zip(net.sweep(x, y), wide.sweep(x, y), strict=True):
        for name, slope in record.gradients.items():
            assert narrow.gradients[name].dtype == np.float32
            assert_same(narrow.gradients[name], slope, 1e-4, name)
    assert net.error(x, y) == pytest.approx(wide.error(x, y), rel=1e-5)
    net.step(x, y, 0.1, momentum=0.5)
    assert {p.dtype for layer in delta._walk(layers) for p in layer.parameters.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("case", FUNCTIONS, ids=named)
def test_Y8_Y10_the_index_form_equals_the_matrix_form_for_each_activation(case):
    f = case[0], dict(case[1])
    net = DeltaNetwork([rows(4, 3), rows(2, 4, seed=1)], [rows(4), None], [f, f], "squared_error", reduction="sum")
    x, y = rows(3, seed=2), rows(2, seed=3)
    for got, want in zip(deltas_by_index(net, x, y), net.deltas(x, y), strict=True):
        assert_same(got, want)
    for got, want in zip(gradients_by_index(net, x, y)[0], net.gradients(x, y)[0], strict=True):
        assert_same(got, want)


def test_a_network_of_layers_is_that_of_the_same_arrays():
    weights, biases, mask = [rows(4, 3), rows(2, 4)], [rows(4), None], rows(4, 3) > 0
    f = ("leaky_relu", {"negative_slope": 0.1})
    arrays = DeltaNetwork(weights, biases, [f, "sigmoid"], "binary_cross_entropy", [mask, None], pos_weight=2.0)
    first, last = Dense(weights[0], biases[0], mask), Dense(weights[1])
    layers = [first, Activation("leaky_relu", negative_slope=0.1), last, Activation("sigmoid")]
    net = DeltaNetwork.of(layers, "binary_cross_entropy", pos_weight=2.0)
    x, y = rows(5, 3, seed=1), (rows(5, 2, seed=2) > 0).astype(float)
    for momentum in (0.0, 0.5, 0.5):
        assert net.step(x, y, 0.3, momentum) == arrays.step(x, y, 0.3, momentum)
    (z, a), (z_of, a_of) = arrays.forward(x), net.forward(x)
    for got, want in itertools.chain(*(zip(*both, strict=True) for both in ((z_of, z), (a_of, a)))):
        assert (got == want).all()
    assert (net.weights[0] == arrays.weights[0]).all() and (net.weights[1] == arrays.weights[1]).all()
    assert net.weights[0] is first.W, "the layers stay the caller's"
    assert net.biases[1] is arrays.biases[1] is None
    assert (net.masks[0] == mask).all() and net.activations == arrays.activations == ["leaky_relu", "sigmoid"]


def test_forward_of_other_layers_returns_what_the_dense_ones_read_and_return():
    inside, last = Dense(rows(3, 3), rows(3)), Dense(rows(2, 3))
    net = DeltaNetwork.of([Skip([inside, Activation("tanh")]), BatchNorm(), last], "squared_error")
    x = rows(5, 3, seed=1)
    (z1, z2), (a0, a1, o) = net.forward(x)
    assert (a0 == x).all() and (z1 == inside.forward(x)).all()
    assert (a1 == BatchNorm().forward(x + np.tanh(z1))).all()
    assert (z2 == last.forward(a1)).all() and (o == z2).all()


def test_samples_of_several_axes_go_through_flatten():
    net = DeltaNetwork.of([Flatten(), Dense(rows(3, 8)), Activation("softmax")], "cross_entropy")
    x, labels = rows(5, 2, 4, seed=1), np.array([0, 1, 2, 1, 0])
    logits = x.reshape(5, 8) @ net.weights[0].T
    assert net.error(x, labels) == pytest.approx(nn.cross_entropy(logits, labels), rel=BOUND)
    assert_same(net.gradients(x, labels)[0][0], net.gradients(x, np.eye(3)[labels])[0][0])


def test_Y6_a_layer_that_stands_in_two_places_has_the_gradients_of_both_added_up():
    shared = Dense(rows(3, 3), rows(3))
    net = DeltaNetwork.of([shared, Activation("tanh"), shared, Activation("sigmoid")], "squared_error")
    x, y = rows(5, 3, seed=1), rows(5, 3, seed=2)
    dW, db = net.gradients(x, y)
    assert_same(dW[0] + dW[1], slopes(lambda: net.error(x, y), shared.W), 1e-7)
    assert_same(db[0] + db[1], slopes(lambda: net.error(x, y), shared.b), 1e-7)
    before = shared.W.copy()
    net.step(x, y, 0.1)
    assert_same(shared.W, before - 0.1 * (dW[0] + dW[1]))


# -------------------------------------------------------------------------------------------------------- the steps


def two_layers(**options):
    weights, biases = [rows(5, 3, seed=1), rows(2, 5, seed=2)], [rows(5, seed=3), rows(2, seed=4)]
    return DeltaNetwork(weights, biases, ["tanh", "softmax"], "cross_entropy", **options)


STEPS = rows(23, 3, seed=5), np.random.default_rng(6).integers(0, 2, 23)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_Y11_Y16_20_steps_with_momentum_are_those_of_SGD(momentum):
    """With other layers as well, and other samples in each step."""
    linear = [nn.Linear(4, 5, bias=False, rng=0), nn.Linear(5, 5, rng=1), nn.Linear(5, 3, rng=2)]
    batch_norm, layer_norm = nn.BatchNorm1d(5), nn.LayerNorm(5)
    around = nn.Residual(nn.Sequential(linear[1], nn.GELU()))
    model = nn.Sequential(linear[0], batch_norm, nn.Tanh(), around, layer_norm, linear[2])
    first = Dense(linear[0].weight.data)
    second, third = (Dense(layer.weight.data, layer.bias.data) for layer in linear[1:])
    norms = [norm(np.ones(5), np.zeros(5)) for norm in (BatchNorm, LayerNorm)]
    hand = [first, norms[0], Activation("tanh"), Skip([second, Activation("gelu")]), norms[1], third]
    net, optimizer = DeltaNetwork.of(hand, "squared_error"), nn.SGD(model.parameters(), lr=0.05, momentum=momentum)
    rng = np.random.default_rng(3)
    for _ in range(20):
        x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
        optimizer.zero_grad()
        E = nn.squared_error(model(x), y)
        E.backward()
        optimizer.step()
        assert net.step(x, y, 0.05, momentum) == pytest.approx(E.item(), rel=1e-11)
    parameters = [p for layer in (first, norms[0], second, norms[1], third) for p in layer.parameters.values()]
    for by_hand, (name, parameter) in zip(parameters, model.named_parameters(), strict=True):
        assert_same(by_hand, parameter.data, 1e-11, name)


def test_Y16_the_velocity_is_what_its_recurrence_says():
    net, before, (x, y) = two_layers(), two_layers(), STEPS
    v, w = 0.0, before.weights[0]
    for _ in range(5):
        v = 0.7 * v + net.gradients(x, y)[0][0]
        w -= 0.2 * v
        net.step(x, y, 0.2, momentum=0.7)
        assert_same(net.weights[0], w)


def test_Y16_momentum_carries_a_weight_past_where_descent_stops():
    """On w -> (w^2 - 1)^2 + 0.3 w, which has a local minimum near 0.96 and a deeper one near -1.04."""
    J = (lambda o, y: (o**2 - 1) ** 2 + 0.3 * o, lambda o, y: 4 * o * (o**2 - 1) + 0.3)
    plain, carried = (DeltaNetwork([[[2.2]]], None, ["identity"], J) for _ in range(2))
    for _ in range(300):
        plain.step([1.0], [0.0], 0.01)
        carried.step([1.0], [0.0], 0.01, momentum=0.9)
    assert plain.weights[0].item() == pytest.approx(0.960, abs=0.001)
    assert carried.weights[0].item() == pytest.approx(-1.035, abs=0.001)


def test_Y14_momentum_moves_no_absent_connection():
    mask = rows(5, 3) > 0
    net, (x, y) = two_layers(masks=[mask, None]), STEPS
    net.descend(x, y, 0.5, epochs=4, batch_size=6, momentum=0.9)
    assert (net.weights[0][~mask] == 0).all() and (net.weights[0][mask] != 0).all()


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("size", [None, 1, 5, 100])
def test_Y12_each_mode_of_descent_is_its_loop_written_out(size, momentum):
    net, by_loop, (x, y) = two_layers(), two_layers(), STEPS
    errors = net.descend(x, y, 0.1, epochs=3, batch_size=size, momentum=momentum, seed=7)
    rng, written = np.random.default_rng(7), [by_loop.error(x, y)]
    for _ in range(3):
        if size in (None, 100):
            by_loop.step(x, y, 0.1, momentum)
        else:
            order = rng.permutation(23)
            for rows_ in (order[i : i + size] for i in range(0, 23, size)):
                by_loop.step(x[rows_], y[rows_], 0.1, momentum)
        written.append(by_loop.error(x, y))
    assert errors == written
    assert all((w == v).all() for w, v in zip(net.weights, by_loop.weights, strict=True))


def test_two_descents_are_one_of_as_many_epochs():
    once, twice, (x, y) = two_layers(), two_layers(), STEPS
    whole = once.descend(x, y, 0.1, epochs=4, momentum=0.8)
    assert [*twice.descend(x, y, 0.1, 2, momentum=0.8), *twice.descend(x, y, 0.1, 2, momentum=0.8)[1:]] == whole


def test_a_descent_that_diverged_leaves_nothing_behind_when_the_weights_are_written_anew():
    """R11 is shown so: without momentum the last velocity, infinite, must not count."""
    net = DeltaNetwork([[[1.0]]], None, ["identity"], "squared_error")
    with np.errstate(over="ignore", invalid="ignore"):
        net.descend([[1.0]], [[0.0]], learning_rate=1000, epochs=300)
    assert not np.isfinite(net.weights[0]).any()
    net.weights[0][...] = 1
    net.step([1.0], [0.0], 0.1)
    assert net.weights[0].item() == pytest.approx(0.9)


def test_a_layer_that_takes_another_s_place_starts_without_its_velocity():
    net, (x, y) = two_layers(), STEPS
    net.step(x, y, 0.1, momentum=0.9)
    net.layers[0] = Dense(rows(5, 3), rows(5))
    dW, before = net.gradients(x, y)[0][0], net.weights[0].copy()
    net.step(x, y, 0.1, momentum=0.9)
    assert_same(net.weights[0], before - 0.1 * dW)


@pytest.mark.parametrize("seed", [1, 14])
def test_networks_can_be_copied_and_pickled(seed):
    _, _, net, x, _ = of_twins(seed)
    y = np.zeros(6, int) if net.loss == "hinge" else np.zeros((6, 3))
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert copied.error(x, y) == net.error(x, y)
        copied.step(x, y, 0.1)
        assert copied.error(x, y) != net.error(x, y), "the copy has arrays of its own"


# ------------------------------------------------------------------------------- what must not pass without a word


def test_what_a_network_is_made_with_cannot_be_changed_to_no_effect():
    net = two_layers()
    for name, value in {"loss": "huber", "factor": 2.0, "weights": [], "biases": [], "masks": []}.items():
        with pytest.raises(AttributeError, match="no setter"):
            setattr(net, name, value)
    with pytest.raises(TypeError, match="item assignment"):
        net.weights[0] = np.ones((5, 3))
    net.reduction = "total"
    with pytest.raises(ValueError, match="reduction 'total' is unknown"):
        net.error(*STEPS)


def test_a_layer_takes_arrays_that_are_put_into_it():
    net, (x, y) = two_layers(), STEPS
    net.layers[0].W, net.layers[0].b = rows(5, 3, seed=20), None
    assert (net.forward(x).z[0] == x @ rows(5, 3, seed=20).T).all()
    assert_network(net, x.copy(), y)


class Scale(Layer):
    """A layer of a user's own: y = k x, with one number k."""

    def __init__(self, k):
        self.k = np.array(k)

    @property
    def parameters(self):
        return {"k": self.k}

    def forward(self, x):
        return self.k * x

    def backward(self, x, _y, u):
        return self.k * u, {"k": (u * x).sum()}


def test_a_layer_of_one_s_own_takes_part_and_one_that_forgets_a_gradient_is_refused(monkeypatch):
    net = DeltaNetwork.of([Dense(rows(3, 3)), Scale(1.5), Activation("tanh"), Scale(0.5)], "squared_error")
    x, y = rows(4, 3, seed=1), rows(4, 3, seed=2)
    assert_network(net, x, y)
    net.step(x, y, 0.1)
    assert net.layers[1].k != 1.5
    monkeypatch.setattr(Scale, "backward", lambda self, x, y, u: (self.k * u, {}))
    with pytest.raises(ValueError, match=r"Scale: the backward pass returned .* one for each x and each parameter"):
        net.step(x, y, 0.1)


def test_integers_are_accepted_for_inputs_and_targets():
    net = DeltaNetwork([rows(2, 3)], None, ["tanh"], "squared_error")
    x, y = np.array([[1, 2, 3], [0, -1, 0]]), np.array([[1, 0], [0, 1]], np.uint8)
    for got, want in zip(net.gradients(x, y)[0], net.gradients(x.astype(float), y.astype(float))[0], strict=True):
        assert (got == want).all()


def test_nan_in_the_inputs_is_nan_in_the_error():
    x, y = rows(4, 3), rows(4, 2)
    x[1, 1] = np.nan
    for f in ("tanh", "relu", "sigmoid", "softmax"):
        assert math.isnan(DeltaNetwork([rows(2, 3)], None, [f], "squared_error").error(x, y))


# ------------------------------------------------------------------------------- mistakes that these tests would find


def only_the_shortcut(_self, step, u):
    (_, first), (around, second) = (delta._backward(steps, u) for steps in step.inside)
    return around, first + second


PLANTED = {
    "BatchNorm without the term through s": (
        *(LayerNorm, "_back", lambda self, v, x_hat: v - v.mean(axis=self.axes, keepdims=True)),
        "BatchNorm",
    ),
    "LayerNorm without the term through s": (
        *(LayerNorm, "_back", lambda self, v, x_hat: v - v.mean(axis=self.axes, keepdims=True)),
        "LayerNorm, two axes",
    ),
    "BatchNorm without the term through mu": (
        *(LayerNorm, "_back", lambda self, v, x_hat: v - x_hat * (v * x_hat).mean(axis=self.axes, keepdims=True)),
        "BatchNorm",
    ),
    "BatchNorm with given statistics taken for the batch's": (
        *(BatchNorm, "_back", LayerNorm._back),
        "BatchNorm, mean and variance given",
    ),
    "BatchNorm that divides by n - 1 on the way back": (
        *(LayerNorm, "_back", lambda self, v, x_hat: v - v.mean(0) - x_hat * (v * x_hat).sum(0) / (len(v) - 1)),
        "BatchNorm",
    ),
    "Dropout that does not scale what comes back": (
        *(Dropout, "backward", lambda self, x, y, u: (u * self.kept, {})),
        "Dropout of units",
    ),
    "Skip that forgets one of the two ways": (Skip, "_pulled", only_the_shortcut, "Skip"),
    "Dense that averages where it should add up": (
        *(Dense, "backward"),
        lambda self, a, z, u: (u @ self.W, {"W": u.T @ a / len(a), "b": u.sum(axis=0)}),
        "Dense",
    ),
    "Dense that adds up the first axis alone": (
        *(Dense, "backward"),
        lambda self, a, z, u: (u @ self.W, {"W": (u.swapaxes(-1, -2) @ a)[0], "b": u[0].sum(axis=0)}),
        "Dense of (2, 5, 3)",
    ),
    "softmax by the diagonal of its Jacobian": (
        *(Activation, "backward", lambda self, z, a, u: (u * a * (1 - a), {})),
        "softmax of (2, 4, 3)",
    ),
}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_in_a_layer_is_found(mistake, monkeypatch):
    cls, method, wrong, name = PLANTED[mistake]
    layer, shape = LAYERS[name]
    assert_layer(layer, rows(*shape, seed=11))
    monkeypatch.setattr(cls, method, wrong)
    with pytest.raises(AssertionError):
        assert_layer(layer, rows(*shape, seed=11))


@pytest.mark.parametrize("seed", [8, 9, 16, 36, 43])
def test_a_planted_mistake_in_batch_normalisation_is_found_in_networks_that_have_it(seed, monkeypatch):
    test_Y13_R14_random_networks_have_the_engine_s_gradients(seed)
    monkeypatch.setattr(LayerNorm, "_back", lambda self, v, x_hat: v - v.mean(axis=self.axes, keepdims=True))
    with pytest.raises(AssertionError):
        test_Y13_R14_random_networks_have_the_engine_s_gradients(seed)


@pytest.mark.parametrize("case", LOSS_CASES, ids=LOSS_IDS)
def test_a_planted_mistake_in_a_loss_is_found(case, monkeypatch):
    """One slope that is off by a part in a million: of the first output of the first sample that counts."""
    name, _, activation, *_ = case
    combined = (activation, name) in delta._COMBINED
    table, key = (delta._COMBINED, (activation, name)) if combined else (delta._LOSSES, name)
    terms, slope = table[key]

    def wrong(*arguments, **options):
        found = np.array(slope(*arguments, **options))
        found[tuple(np.argwhere(found)[0])] *= 1 + 1e-6
        return found

    monkeypatch.setitem(table, key, (terms, wrong))
    with pytest.raises(AssertionError):
        test_Y4_Y6_Y10_each_loss_and_its_delta_equal_differences_and_the_engine(case, "mean")
