"""compare: it passes what is right, it catches what is wrong, and it refuses what it cannot judge."""

import copy
import functools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import functional
from nn.compare import _slope

rng = np.random.default_rng(0)
X = rng.normal(size=(6, 3))
Y = rng.normal(size=(6, 2))
SQUARES = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([[0.0], [1.0], [1.0], [0.0]])


def make(activation="tanh", output="identity", seed=0, **options):
    return nn.MLP([3, 4, 2], activation, output, rng=seed, **options)


# ------------------------------------------------------------------------------------------------ what it shows


def test_rows_go_from_the_output_back_as_the_sweep_does():
    model = make()
    report = nn.compare(model, X, Y, nn.squared_error)
    assert [row.symbol for row in report.rows] == ["δ²", "∂E/∂W²", "∂E/∂b²", "δ¹", "∂E/∂W¹", "∂E/∂b¹"]
    assert [row.layer for row in report.rows] == [2, 2, 2, 1, 1, 1]
    assert [row.shape for row in report.rows] == [(6, 2), (2, 4), (2,), (6, 4), (4, 3), (4,)]
    assert [row.rule for row in report.rows] == [
        "(o − y)/n", "δ²ᵀ a¹", "Σ δ²", "(δ² W²) ⊙ tanh′(z¹)", "δ¹ᵀ a⁰", "Σ δ¹"
    ]  # fmt: skip
    nn.squared_error(model(X), Y).backward()
    for row, gradient in zip((report.rows[i] for i in (4, 5, 1, 2)), (p.grad for p in model.parameters()), strict=True):
        assert np.abs(gradient).max() == abs(gradient[row.entry]) == pytest.approx(abs(row.by_hand), rel=1e-12)
        assert row.autodiff == pytest.approx(gradient[row.entry], rel=1e-14)
        assert row.finite == pytest.approx(gradient[row.entry], rel=1e-9)
    assert report.passed and all(report.agrees(row) for row in report.rows)
    assert report.max_error == max(row.error for row in report.rows) < 1e-14
    assert 0 < report.max_finite_error == max(row.finite_error for row in report.rows) < 1e-9


@pytest.mark.parametrize(
    ("output", "loss", "y", "rule"),
    [
        ("identity", nn.squared_error, Y, "(o − y)/n"),
        ("identity", functools.partial(nn.squared_error, factor=1), Y, "2 (o − y)/n"),
        ("identity", functools.partial(nn.squared_error, reduction="sum"), Y, "(o − y)"),
        ("sigmoid", nn.squared_error, Y, "(o − y)/n ⊙ σ′(z²)"),
        ("relu", nn.squared_error, Y, "(o − y)/n ⊙ relu′(z²)"),
        ("softmax", functools.partial(nn.squared_error, factor=0.25), Y, "0.5 (o − y)/n softmax′(z²)"),
        ("sigmoid", nn.binary_cross_entropy, Y > 0, "(o − y)/n"),
        ("identity", nn.binary_cross_entropy_with_logits, Y > 0, "(o − y)/n"),
        ("softmax", nn.categorical_cross_entropy, np.arange(6) % 2, "(o − y)/n"),
        ("identity", nn.cross_entropy, np.arange(6) % 2, "(o − y)/n"),
        ("softmax", nn.binary_cross_entropy, Y > 0, "∂J/∂o/n softmax′(z²)"),
        ("sigmoid", nn.categorical_cross_entropy, np.arange(6) % 2, "∂J/∂o/n ⊙ σ′(z²)"),
    ],
)
def test_Y10_the_rule_of_the_output_delta_is_that_of_the_pair(output, loss, y, rule):
    report = nn.compare(make("sigmoid", output), X, np.asarray(y, float if np.ndim(y) == 2 else int), loss)
    assert report.rows[0].rule == rule
    assert report.rows[3].rule == "(δ² W²) ⊙ σ′(z¹)"
    assert report.passed and report.max_error < 1e-12, f"\n{report}"


def test_text_is_a_table_with_a_verdict():
    report = nn.compare(make(), X, Y, nn.squared_error)
    head, line, *rows, verdict = str(report).splitlines()
    assert head.split("  ")[0] == "layer" and "delta rule" in head and "finite diff." in head
    assert set(line) == {"─"} and len(line) >= max(map(len, rows))
    assert len(rows) == 6 and all(row.endswith("✓") for row in rows)
    assert verdict == report.summary()
    assert verdict.startswith("Delta rule and autodiff agree: largest relative difference ")
    assert len(list(report.cells())) == 7 and len({len(row) for row in report.cells()}) == 1


def test_html_is_well_formed_and_says_the_same():
    report = nn.compare(nn.Sequential(nn.Linear(3, 2, rng=0)), X, Y, nn.squared_error)
    page = ElementTree.fromstring(f"<div>{report._repr_html_()}</div>")
    table = [[cell.text or "" for cell in row] for row in page.iter("tr")]
    assert table == [list(row) for row in report.cells()]
    assert page.find("p").text == report.summary()


# ----------------------------------------------------------------------------------------------- what is right


@pytest.mark.parametrize("activation", ["identity", "relu", "sigmoid", "softmax", "tanh"])
def test_any_hidden_activation(activation):
    report = nn.compare(make(activation), X, Y, nn.squared_error)
    assert report.passed and report.max_error < 1e-14 and report.max_finite_error < 1e-8, f"\n{report}"


def test_a_single_layer_a_single_sample_and_a_layer_without_bias():
    layer = nn.Linear(3, 2, bias=False, rng=0)
    for x, y in ((X, Y), (X[0], Y[0])):
        report = nn.compare(nn.Sequential(layer), x, y, nn.squared_error)
        assert [row.symbol for row in report.rows] == ["δ¹", "∂E/∂W¹"] and report.passed
        assert report.rows[0].shape == y.shape


def test_Y14_masked_connections():
    mask = np.array([[1, 0, 1], [0, 1, 1]])
    report = nn.compare(nn.Sequential(nn.Linear(3, 2, mask=mask, rng=0), nn.Sigmoid()), X, Y, nn.squared_error)
    assert report.passed and mask[report.rows[1].entry]
    nothing = nn.Sequential(nn.Linear(3, 2, mask=np.zeros((2, 3)), rng=0), nn.Sigmoid())
    assert nn.compare(nothing, X, Y, nn.squared_error).passed


def test_nested_models_shared_activations_and_lists():
    tanh = nn.Tanh()
    model = nn.Sequential(nn.Sequential(nn.Linear(3, 4, rng=0), tanh), nn.Sequential(nn.Linear(4, 2, rng=1), tanh))
    report = nn.compare(model, X.tolist(), Y.tolist(), nn.squared_error)
    assert len(report.rows) == 6 and report.passed


def test_integer_inputs():
    assert nn.compare(make(), np.round(X).astype(int), Y, nn.squared_error).passed


@pytest.mark.parametrize(
    ("activation", "output", "loss", "y"),
    [("relu", "sigmoid", nn.binary_cross_entropy, Y > 0), ("tanh", "identity", nn.cross_entropy, np.arange(6) % 2)],
)
def test_float32_models_agree_to_the_digits_they_have(activation, output, loss, y):
    report = nn.compare(make(activation, output, dtype=np.float32), X, y.astype(int), loss)
    assert report.passed and 1e-9 < report.max_finite_error < 1e-5, f"\n{report}"
    assert report.max_error < 1e-5


def test_nothing_is_left_behind():
    model = make("relu")
    before = model.state_dict()
    nn.compare(model, X, Y, nn.squared_error)
    assert all(p.grad is None and np.array_equal(p.data, before[name]) for name, p in model.named_parameters())
    with ag.no_grad():
        assert nn.compare(model, X, Y, nn.squared_error).passed
    first, again, other = (nn.compare(model, X, Y, nn.squared_error, seed=seed) for seed in (0, 0, 1))
    assert first == again != other and other.passed


# ------------------------------------------------------------------------------------ kinks, zeros, lost digits


def test_R10_a_relu_exactly_at_its_kink_takes_the_side_of_the_convention():
    """The first user program: XOR. The input (0, 0) and zero biases put every hidden unit at z = 0."""
    model = nn.MLP([2, 8, 1], "relu", rng=0)
    assert not model[0](SQUARES[0]).numpy().any()
    report = nn.compare(model, SQUARES, XOR, nn.binary_cross_entropy_with_logits)
    assert report.passed and report.max_finite_error < 1e-8, f"\n{report}"


def test_R10_a_relu_near_its_kink():
    model = nn.MLP([3, 50, 50, 2], "relu", rng=0)
    model[0].bias.data = 1e-9 - model[0](X).numpy()[0]  # the first sample stands just above 50 kinks
    report = nn.compare(model, X, Y, nn.squared_error)
    assert report.passed and report.max_finite_error < 1e-8, f"\n{report}"


def test_dead_relus_have_zero_gradients_and_agree():
    model = make("relu")
    model[0].bias.data = np.full(4, -100.0)
    report = nn.compare(model, X, Y, nn.squared_error)
    assert report.passed
    for row in report.rows[3:]:
        assert row.by_hand == row.autodiff == row.finite == row.error == row.finite_error == 0


def test_zero_weights_and_perfect_outputs():
    zero = make(initializer=nn.init.zeros)
    assert nn.compare(zero, X, Y, nn.squared_error).passed
    perfect = nn.compare(zero, X, np.zeros((6, 2)), nn.squared_error)  # every gradient is 0
    assert perfect.passed and perfect.max_error == 0


def test_Y10_a_model_that_has_learned_by_heart_has_lost_digits_on_both_sides_and_agrees():
    model = nn.MLP([2, 2, 1], "tanh", rng=0)
    weights = [[6.1, 5.9], [6.2, 5.8]], [-3.0, -9.0], [[14.0, -14.1]], [-14.0]  # logits of -14 and 14
    model.load_state_dict(dict(zip(model.state_dict(), weights, strict=True)))
    report = nn.compare(model, SQUARES, XOR, nn.binary_cross_entropy_with_logits)
    assert max(abs(row.by_hand) for row in report.rows) < 1e-5
    assert report.max_error > 1e-13 and report.passed, f"\n{report}"


def test_a_regression_at_its_minimum_where_the_sum_over_the_samples_is_0():
    x = np.hstack([X, np.ones((6, 1))])
    layer = nn.Linear(4, 2, bias=False, initializer=lambda rng, shape: np.linalg.lstsq(x, Y)[0].T)
    report = nn.compare(nn.Sequential(layer), x, Y, nn.squared_error)
    assert np.abs(report.rows[1].by_hand) < 1e-14 < 1e-2 < np.abs(report.rows[0].by_hand)
    assert report.passed, f"\n{report}"


@pytest.mark.parametrize(("activation", "scale"), [("relu", 1e-4), ("relu", 1e4), ("tanh", 1e-4), ("tanh", 255)])
def test_inputs_of_any_scale(activation, scale):
    model = make(activation)
    model[0].weight.data /= scale
    report = nn.compare(model, scale * X, np.arange(6) % 2, nn.cross_entropy)
    assert report.passed and max(row.uncertainty for row in report.rows) < 1e-8, f"\n{report}"


def test_Y15_vanishing_deltas():
    model = nn.MLP([3] + [4] * 9 + [1], "sigmoid", rng=0)
    report = nn.compare(model, X, Y[:, :1], nn.squared_error)
    assert abs(report.rows[-3].by_hand) < 1e-6 and report.max_error < 1e-12
    assert report.passed, f"\n{report}"


# --------------------------------------------------------------------------------------------- what is wrong


def failed(report):
    """Return the symbols of the rows that disagree; the verdict must say that there are some."""
    assert not report.passed and "DISAGREE" in report.summary()
    rows = str(report).splitlines()[2:-1]
    assert [row.endswith("✗") for row in rows] == [not report.agrees(row) for row in report.rows]
    return {row.symbol for row in report.rows if not report.agrees(row)}


@pytest.mark.parametrize("factor", [2.0, 1 + 1e-10])
def test_a_wrong_rule_of_the_engine_is_caught(monkeypatch, factor):
    """Tanh whose slope is off by a factor: everything above the planted error is right, everything below is wrong."""

    @ag.primitive
    def tanh(z):
        return np.tanh(z)

    ag.defvjp(tanh, lambda g, y, _z: g * (factor * (1 - y * y)))
    model = make("tanh")
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, z: tanh(z))
    report = nn.compare(model, X, Y, nn.squared_error)
    assert failed(report) == {"δ¹", "∂E/∂W¹", "∂E/∂b¹"}
    assert report.max_error == pytest.approx(factor - 1, rel=1e-4)
    assert report.max_finite_error < 1e-9  # the finite differences side with the hand-derived rule


def test_a_relu_with_the_wrong_side_at_its_kink_is_caught(monkeypatch):
    @ag.primitive
    def relu(z):
        return np.maximum(z, 0)

    ag.defvjp(relu, lambda g, _y, z: g * (z >= 0))
    model = nn.MLP([2, 8, 1], "relu", rng=0)
    monkeypatch.setattr(nn.ReLU, "forward", lambda self, z: relu(z))
    assert "δ¹" in failed(nn.compare(model, SQUARES, XOR, nn.binary_cross_entropy_with_logits))


def test_a_wrong_forward_pass_of_the_engine_is_caught(monkeypatch):
    model, forward = make("relu"), nn.Linear.forward
    monkeypatch.setattr(nn.Linear, "forward", lambda self, x: forward(self, x) * (1 + 1e-9))
    assert "∂E/∂W¹" in failed(nn.compare(model, X, Y, nn.squared_error))


def test_a_wrong_delta_rule_is_caught_and_both_others_stand_against_it(monkeypatch):
    f, through = nn.delta._ACTIVATIONS["tanh"]
    monkeypatch.setitem(nn.delta._ACTIVATIONS, "tanh", (f, lambda a, u: 1.5 * through(a, u)))
    report = nn.compare(make("tanh"), X, Y, nn.squared_error)
    assert failed(report) == {"δ¹", "∂E/∂W¹", "∂E/∂b¹"}
    assert report.max_error == pytest.approx(report.max_finite_error, rel=0.2) == pytest.approx(1 / 3, rel=0.2)
    assert report.rows[-1].autodiff == pytest.approx(report.rows[-1].finite, rel=1e-8)


def test_an_error_that_engine_and_delta_rule_share_is_caught_by_finite_differences(monkeypatch):
    factor = 1.001

    @ag.primitive
    def sigmoid(z):
        return functional.sigmoid(z)

    ag.defvjp(sigmoid, lambda g, y, _z: factor * g * (y * (1 - y)))
    f, through = nn.delta._ACTIVATIONS["sigmoid"]
    monkeypatch.setitem(nn.delta._ACTIVATIONS, "sigmoid", (f, lambda a, u: factor * through(a, u)))
    model = make("sigmoid")
    monkeypatch.setattr(nn.Sigmoid, "forward", lambda self, z: sigmoid(z))
    report = nn.compare(model, X, Y, nn.squared_error)
    assert report.max_error < 1e-12
    assert failed(report) == {"δ¹", "∂E/∂W¹", "∂E/∂b¹"}
    assert report.max_finite_error == pytest.approx(1e-3, rel=0.3)


def test_a_single_wrong_entry_among_thousands_is_caught_by_the_random_direction(monkeypatch):
    model = nn.MLP([100, 80, 2], "tanh", rng=0)
    x, gradients = rng.normal(size=(6, 100)), nn.delta.DeltaNetwork.gradients

    def wrong(self, x, y):
        dW, db = gradients(self, x, y)
        dW[0][37, 59] += 0.01 * np.abs(dW[0]).max()
        return dW, db

    monkeypatch.setattr(nn.delta.DeltaNetwork, "gradients", wrong)
    report = nn.compare(model, x, Y, nn.squared_error)
    assert failed(report) == {"∂E/∂W¹"}
    assert report.rows[4].finite_error > 1e-5


def test_nan_never_passes():
    """A NaN that arises on the way, from finite numbers."""
    model = make("identity")
    model[0].weight.data = np.full((4, 3), 1e308)
    model[-1].weight.data = np.array([[1.0, -1.0, 1.0, -1.0]] * 2)
    with np.errstate(all="ignore"):
        report = nn.compare(model, np.abs(X) + 1, Y, nn.squared_error)
    assert np.isnan(report.max_error) and failed(report)
    assert "nan" in str(report)


def test_one_nan_among_many_rows_is_not_lost():
    row = nn.compare(make(), X, Y, nn.squared_error).rows[0]
    for wrong in (row._replace(error=np.nan), row._replace(finite_error=np.nan)):
        report = nn.Comparison((row, wrong, row), tolerance=1e-12)
        assert np.isnan(report.max_error) or np.isnan(report.max_finite_error)
        assert not report.passed and [report.agrees(r) for r in report.rows] == [True, False, True]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", ["x", "y", "0.weight", "2.bias"])
def test_what_is_not_finite_is_refused_by_name(where, value):
    model, x, y = make(), X.copy(), Y.copy()
    array = {"x": x, "y": y, "0.weight": model[0].weight.data, "2.bias": model[2].bias.data}[where]
    array[-1] = value
    with pytest.raises(ValueError, match=f"compare: {where} holds NaN or infinite values"):
        nn.compare(model, x, y, nn.squared_error)


# ------------------------------------------------------------------------------------------ what is refused


class Swish(nn.layers.Activation):
    function = staticmethod(lambda z: z * functional.sigmoid(z))


class Leaky(nn.ReLU):
    def forward(self, z):
        return np.where(z > 0, z, 0.1 * z)


class Scaled(nn.Linear):
    pass


class Residual(nn.Sequential):
    """A model whose forward pass is not that of its layers alone."""

    def forward(self, x):
        return super().forward(x) + x


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([nn.Linear(3, 2), Swish()], r"layer 1 \(Swish\(\)\)"),
        ([nn.Linear(3, 2), Leaky()], r"layer 1 \(Leaky\(\)\)"),
        ([Scaled(3, 2)], r"layer 0 \(Linear\(3 -> 2\)\)"),
        ([nn.Module()], r"layer 0 \(Module\(\)\)"),
        ([nn.Tanh(), nn.Linear(3, 2)], r"layer 0 \(Tanh\(\)\)"),
        ([nn.Linear(3, 2), nn.Tanh(), nn.ReLU()], r"layer 2 \(ReLU\(\)\)"),
        ([nn.Sequential(nn.Linear(3, 2), Swish())], r"layer 0.1 \(Swish\(\)\)"),
        ([Residual(nn.Linear(3, 3)), nn.Linear(3, 2)], r"layer 0 \(Residual\("),
        ([nn.Linear(3, 3, rng=0)] * 2, r"layer 1 \(Linear\(3 -> 3\)\)"),
    ],
)
def test_a_layer_without_a_hand_derived_rule_is_refused_by_name(layers, name):
    with pytest.raises(
        TypeError, match=f"(?s){name}.*has no hand-derived rule here.*Identity, ReLU, Sigmoid, Softmax, Tanh"
    ):
        nn.compare(nn.Sequential(*layers), X, Y, nn.squared_error)


def test_models_that_cannot_be_read_are_refused():
    with pytest.raises(TypeError, match=r"this is Linear\(3 -> 2\)"):
        nn.compare(nn.Linear(3, 2), X, Y, nn.squared_error)
    with pytest.raises(TypeError, match=r"with their forward\(\); this is a Residual"):
        nn.compare(Residual(nn.Linear(3, 3)), X, X, nn.squared_error)
    with pytest.raises(TypeError, match="the model has no layers"):
        nn.compare(nn.Sequential(), X, Y, nn.squared_error)


@pytest.mark.parametrize("loss", [lambda o, y: nn.squared_error(o, y), functools.partial(np.mean, axis=0)])
def test_a_loss_without_a_hand_derived_rule_is_refused(loss):
    name = "<lambda>" if not isinstance(loss, functools.partial) else "mean"
    with pytest.raises(TypeError, match=f"the loss '{name}' has no .* squared_error, .*functools.partial"):
        nn.compare(make(), X, Y, loss)


@pytest.mark.parametrize(
    ("loss", "output"), [(nn.cross_entropy, "softmax"), (nn.binary_cross_entropy_with_logits, "sigmoid")]
)
def test_an_activation_twice_is_refused(loss, output):
    with pytest.raises(TypeError, match=f"takes logits and contains the {output}, but the model ends in {output}"):
        nn.compare(make(output=output), X, np.arange(6) % 2, loss)


def test_keywords_of_a_partial_of_a_partial():
    inner = functools.partial(nn.squared_error, factor=3.0, reduction="sum")
    report = nn.compare(make(), X, Y, functools.partial(inner, factor=1.0))
    assert report.rows[0].rule == "2 (o − y)" and report.passed


# ---------------------------------------------------------------------------------------- the difference quotient


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (np.sin, 0.3, np.cos(0.3)),
        (np.exp, 2.0, np.exp(2.0)),
        (lambda t: t**3, 10.0, 300.0),
        (lambda t: np.tanh(100 * t), 0.001, 100 / np.cosh(0.1) ** 2),
        (lambda t: 1e-9 * np.sin(t), 0.3, 1e-9 * np.cos(0.3)),
        (lambda t: 7.0, 0.0, 0.0),
    ],
)
def test_the_slope_is_as_good_as_it_says(function, at, slope):
    found, uncertainty = _slope(function, at, 1.0)
    assert abs(found - slope) <= uncertainty <= 1e-3 * abs(slope) + 1e-11
    assert _slope(function, at, -2.0)[0] == pytest.approx(-2 * slope, rel=1e-4, abs=1e-12)


def test_rounding_of_a_function_that_hardly_changes_is_part_of_the_uncertainty():
    for at in np.linspace(-3, 3, 61):
        found, uncertainty = _slope(lambda t: 3 + 1e-9 * np.sin(t), at, 1.0)
        assert abs(found - 1e-9 * np.cos(at)) <= uncertainty < 1e-11


def test_a_step_out_of_the_domain_is_left_out():
    def log(t):
        if t <= 0:
            raise ValueError("outside")
        return np.log(t)

    found, uncertainty = _slope(log, 0.05, 1.0)
    assert abs(found - 20) <= uncertainty < 1e-2
    assert np.isnan(_slope(lambda t: np.nan, 0.0, 1.0)[0])


def test_outputs_near_0_and_1_under_a_loss_of_probabilities():
    model = nn.Sequential(nn.Linear(3, 2, rng=0))
    model[0].weight.data *= 0.01
    model[0].bias.data = [0.05, 0.95]  # a large step leaves (0, 1), where the log loss is not defined
    report = nn.compare(model, X, (Y > 0).astype(float), nn.binary_cross_entropy)
    assert report.passed and report.max_error < 1e-12, f"\n{report}"


def test_a_copy_gives_the_same_report():
    model = make("relu")
    assert nn.compare(copy.deepcopy(model), X, Y, nn.squared_error) == nn.compare(model, X, Y, nn.squared_error)
