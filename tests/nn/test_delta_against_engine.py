"""The engine against the hand-derived delta rules: two independent derivations of every gradient, on one grid.

Initial weights are Xavier's: larger ones saturate deep sigmoids and smaller ones let every signal die, and then the
comparison would be one of zeros. The deltas of a deep sigmoid network still shrink to 1e-7 and less (claim Y15), and
the bound is relative, per array.
"""

import functools
import itertools
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

import nn

DATA = Path(__file__).parents[1] / "data"
BOUND = 1e-12  # max|a - b| / max|b| per array, in float64
HIDDEN = ("identity", "sigmoid", "tanh", "relu")
# output layer of the model, its loss, and what nn.delta calls the two
CASES = {
    **{f"{f}-squared_error": (f, nn.squared_error, f, "squared_error") for f in (*HIDDEN, "softmax")},
    "sigmoid-log_loss": ("sigmoid", nn.binary_cross_entropy, "sigmoid", "binary_cross_entropy"),
    "logits-log_loss": ("identity", nn.binary_cross_entropy_with_logits, "sigmoid", "binary_cross_entropy"),
    "softmax-cross_entropy": ("softmax", nn.categorical_cross_entropy, "softmax", "cross_entropy"),
    "logits-cross_entropy": ("identity", nn.cross_entropy, "softmax", "cross_entropy"),
}


def make(sizes, hidden, case, *, seed=0, bias=True, masks=None, **options):
    """Return the same network twice, for the engine with its loss and for the delta rules."""
    output, loss, hand_output, hand_loss = CASES[case]
    rng = np.random.default_rng(seed)
    masks = masks or [None] * (len(sizes) - 1)
    layers = []
    for (n_in, n_out), mask in zip(itertools.pairwise(sizes), masks, strict=True):
        linear = nn.Linear(n_in, n_out, bias, mask=mask, initializer=nn.init.xavier_uniform, rng=rng)
        if bias:
            linear.bias.data = rng.uniform(0.1, 0.9, n_out)
        layers += [linear, nn.layers.ACTIVATIONS[hidden]()]
    layers[-1] = nn.layers.ACTIVATIONS[output]()
    linears = layers[::2]
    net = nn.delta.DeltaNetwork(
        [linear.weight.data for linear in linears],
        [linear.bias.data if bias else None for linear in linears],
        [hidden] * (len(linears) - 1) + [hand_output],
        hand_loss,
        masks,
        **options,
    )
    return nn.Sequential(*layers), functools.partial(loss, **options), net


def samples(sizes, case, n=None, *, labels=False, seed=1):
    """Return a batch of n samples, or one sample; positive inputs, so that not every ReLU is dead."""
    rng = np.random.default_rng(seed)
    lead, k = (() if n is None else (n,)), sizes[-1]
    x = rng.uniform(-0.5, 1.5, (*lead, sizes[0]))
    if case.endswith("squared_error"):
        return x, rng.normal(size=(*lead, k))
    if case.endswith("log_loss"):
        return x, rng.integers(0, 2, (*lead, k)).astype(float)
    return x, rng.integers(0, k, lead) if labels else rng.dirichlet(np.ones(k), lead or None)


def gradients(model, loss, x, y):
    """Return by name every delta and every parameter's gradient, from one forward and one reverse pass."""
    model.zero_grad()
    a, zs = x, []
    for layer in model.layers:
        a = layer(a)
        if isinstance(layer, nn.Linear):
            a.retain_grad()
            zs.append(a)
    loss(a, y).backward()
    found = {f"delta{i}": z.grad for i, z in enumerate(zs, 1)}
    return found | {parameter.name: parameter.grad for parameter in model.parameters()}


def by_hand(net, x, y):
    """Return the same by the delta rules."""
    found = {f"delta{i}": delta for i, delta in enumerate(net.deltas(x, y), 1)}
    for name, arrays in zip("Wb", net.gradients(x, y), strict=True):
        found |= {f"{name}{i}": array for i, array in enumerate(arrays, 1) if array is not None}
    return found


def assert_same(got, want):
    assert got.keys() == want.keys()
    for name, b in want.items():
        a, largest = got[name], np.abs(b).max()
        assert a.shape == b.shape and a.dtype == b.dtype, name
        assert np.abs(a - b).max() <= BOUND * largest, f"{name}: {np.abs(a - b).max() / (largest or 1):.1e}"


@pytest.mark.parametrize("depth", range(1, 11))
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_Y7_Y8_Y10_Y13_M3_to_M6_on_the_whole_grid(hidden, case, depth):
    """A batch, averaged and added up, and a single sample; the squared error with both its factors (M2, R5)."""
    sizes = [*(4, 8, 7, 8, 7, 8, 7, 8, 7, 8)[:depth], 3]
    for reduction, factor, n in (("mean", 0.5, 7), ("sum", 1.0, 7), ("mean", 1.0, None)):
        factors = {"factor": factor} if case.endswith("squared_error") else {}
        model, loss, net = make(sizes, hidden, case, seed=depth, reduction=reduction, **factors)
        x, y = samples(sizes, case, n)
        want = by_hand(net, x, y)
        assert n is None or all(np.any(array) for array in want.values()), "zeros prove nothing: the network is dead"
        assert_same(gradients(model, loss, x, y), want)
        assert loss(model(x), y).item() == pytest.approx(net.error(x, y), rel=1e-12)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_Y14_with_absent_connections_and_without_biases(hidden, case, depth, bias):
    sizes = [8] * depth + [3]
    rng = np.random.default_rng(100 + depth)
    masks = [rng.random((n_out, n_in)) < 0.7 for n_in, n_out in itertools.pairwise(sizes)]
    model, loss, net = make(sizes, hidden, case, seed=depth, bias=bias, masks=masks)
    x, y = samples(sizes, case, 7)
    found = gradients(model, loss, x, y)
    assert_same(found, by_hand(net, x, y))
    for i, mask in enumerate(masks, 1):
        assert not found[f"W{i}"][~mask].any() and np.any(found[f"W{i}"])


@pytest.mark.parametrize("n", [None, 7])
@pytest.mark.parametrize("case", ["softmax-cross_entropy", "logits-cross_entropy"])
def test_Y10_integer_labels(case, n):
    sizes = [4, 5, 3]
    model, loss, net = make(sizes, "tanh", case)
    x, y = samples(sizes, case, n, labels=True)
    assert y.dtype.kind == "i"
    assert_same(gradients(model, loss, x, y), by_hand(net, x, y))


def test_Y15_the_bound_holds_where_gradients_vanish():
    sizes = [4] * 10 + [1]
    model, loss, net = make(sizes, "sigmoid", "sigmoid-log_loss")
    x, y = samples(sizes, "sigmoid-log_loss", 7)
    want = by_hand(net, x, y)
    assert np.abs(want["delta1"]).max() < 1e-6 * np.abs(want["delta10"]).max()
    assert_same(gradients(model, loss, x, y), want)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_finite_differences_agree_with_both(hidden, case, depth):
    sizes = [3] * depth + [2]
    model, loss, _ = make(sizes, hidden, case, seed=depth, reduction="sum")
    x, y = samples(sizes, case, 3)
    report = nn.compare(model, x, y, loss)
    assert len(report.rows) == 3 * depth
    assert report.max_error <= BOUND
    assert report.max_finite_error <= 1e-8
    assert report.passed, f"\n{report}"


@pytest.mark.parametrize("hidden", HIDDEN)
def test_finite_differences_agree_with_both_at_depth_10(hidden):
    """Where deltas vanish (Y15), E's last digit is as large as its change: compare knows, and allows for it."""
    sizes = [3] * 10 + [2]
    model, loss, _ = make(sizes, hidden, "logits-log_loss", reduction="sum")
    x, y = samples(sizes, "logits-log_loss", 2)
    report = nn.compare(model, x, y, loss)
    assert report.max_error <= BOUND
    assert report.max_finite_error <= (1e-4 if hidden == "sigmoid" else 1e-6)
    assert report.passed, f"\n{report}"


# ------------------------------------------------------------------------------ the published worked examples


def published(name):
    """The example with every figure as a Decimal, so that the number of printed digits is known."""
    return json.loads((DATA / name).read_text(), parse_float=Decimal)


def assert_published(actual, figure):
    """Agreement to the last printed digit: within half a unit of it."""
    figures = np.ravel(np.array(figure, dtype=object))
    assert np.size(actual) == len(figures)
    for value, printed in zip(np.ravel(actual), figures, strict=True):
        unit = Decimal(1).scaleb(printed.as_tuple().exponent)
        assert abs(Decimal(float(value)) - printed) <= unit / 2, f"{value} is not {printed}"


def linear(weights, bias=None, mask=None):
    """Return a Linear layer that starts from these weights."""
    weights = np.array(weights, float)
    layer = nn.Linear(*weights.shape[::-1], bias is not None, mask=mask, initializer=lambda rng, shape: weights)
    if bias is not None:
        layer.bias.data = np.full(len(weights), float(bias))
    return layer


def worked_example():
    example = published("worked_example.json")
    layers = []
    for name in ("W1", "W2", "W3"):
        weights = np.array(example[name], float)  # null, no connection: nan
        layers += [linear(weights, mask=~np.isnan(weights)), nn.Sigmoid()]
    x = np.array([1, *example["input"]], float)  # W1's first column holds the biases, weights of x0 = 1 (claim Y2)
    return example, nn.Sequential(*layers), x, [float(example["target"])]


@pytest.mark.parametrize("batch", [False, True])
def test_Y14_worked_example_to_every_published_digit(batch):
    example, model, x, y = worked_example()
    if batch:  # the same sample as a batch of one
        x, y = x[None], [y]
    activations = list(itertools.accumulate(model.layers, lambda a, layer: layer(a), initial=x))
    _, a1, a2, o = activations[::2]
    assert_published(a1.numpy(), example["forward"]["a1"])
    assert_published(a2.numpy(), example["forward"]["a2"])
    assert_published(o.numpy(), example["forward"]["o"])
    found = gradients(model, nn.binary_cross_entropy, x, y)
    deltas = [found["delta3"], found["delta2"], found["delta1"]]
    for delta, name in zip(deltas, ("output", "layer2", "layer1"), strict=True):
        assert_published(delta, example["deltas"][name])
    rounded = example["published_roundings"]
    assert_published(o.numpy(), rounded["o"])
    assert_published(np.concatenate([np.ravel(delta) for delta in deltas]), rounded["deltas"])

    rate = float(example["learning_rate"])
    before = [p.data.copy() for p in model.parameters()]
    nn.SGD(model.parameters(), lr=rate).step()
    assert_published(model(x).numpy(), example["output_after_one_step"])
    assert_published(model(x).numpy(), rounded["o_after_one_step"])
    for old, layer, delta, a in zip(before, model.layers[::2], deltas[::-1], activations[::2], strict=False):
        step = rate * np.outer(delta, a if isinstance(a, np.ndarray) else a.numpy())  # Y11: w - alpha delta_i a_j
        np.testing.assert_allclose(layer.weight.data, (old - step) * layer.mask, rtol=1e-14)
        assert not layer.weight.data[layer.mask == 0].any()  # what was absent stays absent


def test_Y14_the_mask_matters():
    """Without it the absent connections would grow, and the published 0.69807631 would be missed."""
    _, model, x, y = worked_example()
    for layer in model.layers[::2]:
        layer.mask = None
    assert model(x).item() == pytest.approx(0.67184586, abs=5e-9)
    nn.binary_cross_entropy(model(x), y).backward()
    nn.SGD(model.parameters(), lr=0.5).step()
    assert abs(model(x).item() - 0.69807631) > 1e-5


def test_Mazur_example_to_every_published_digit():
    """M2 to M6 on the best-known worked example. It leaves its biases alone: the optimizer does not get them."""
    example = published("mazur_example.json")
    figures = example["published"]
    first, second = linear(example["W1"], example["b1"]), linear(example["W2"], example["b2"])
    model = nn.Sequential(first, nn.Sigmoid(), second, nn.Sigmoid())
    x, y = np.array(example["input"], float), np.array(example["target"], float)
    hidden = nn.Sequential(*model.layers[:2])(x)
    assert_published(hidden.numpy(), [figures["h1"], figures["h2"]])
    assert_published(model(x).numpy(), [figures["o1"], figures["o2"]])
    error = nn.squared_error(model(x), y)
    assert_published(error.item(), figures["E"])
    error.backward()
    assert_published(second.weight.grad[0, 0], figures["dE_dw5"])
    assert_published(first.weight.grad[0, 0], figures["dE_dw1"])
    nn.SGD([first.weight, second.weight], lr=float(example["learning_rate"])).step()
    for layer, names in ((first, ("w1", "w2", "w3", "w4")), (second, ("w5", "w6", "w7", "w8"))):
        assert_published(layer.weight.data, [figures[f"{name}_after"] for name in names])
        assert np.ptp(layer.bias.data) == 0
    assert nn.squared_error(model(x), y).item() < error.item()
