"""compare: it passes what is right, it catches what is wrong, and it refuses what it cannot judge."""

import copy
import functools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import functional
from nn.comparing.slopes import slope

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
        "(oᵢ − yᵢ)/n", "Σₛ δᵢ² aⱼ¹", "Σₛ δᵢ²", "tanh′(zᵢ¹) Σⱼ wⱼᵢ² δⱼ²", "Σₛ δᵢ¹ aⱼ⁰", "Σₛ δᵢ¹"
    ]  # fmt: skip
    assert [row.place for row in report.rows] == ["2"] * 3 + ["0"] * 3
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
        ("identity", nn.squared_error, Y, "(oᵢ − yᵢ)/n"),
        ("identity", functools.partial(nn.squared_error, factor=1), Y, "2 (oᵢ − yᵢ)/n"),
        ("identity", functools.partial(nn.squared_error, reduction="sum"), Y, "oᵢ − yᵢ"),
        ("sigmoid", nn.squared_error, Y, "(oᵢ − yᵢ)/n · σ′(zᵢ²)"),
        ("relu", nn.squared_error, Y, "(oᵢ − yᵢ)/n · relu′(zᵢ²)"),
        ("softmax", functools.partial(nn.squared_error, factor=0.25), Y, "Σₘ aₘ² ([m = i] − aᵢ²) 0.5 (oₘ − yₘ)/n"),
        ("sigmoid", nn.binary_cross_entropy, Y > 0, "(oᵢ − yᵢ)/n"),
        ("identity", nn.binary_cross_entropy_with_logits, Y > 0, "(oᵢ − yᵢ)/n"),
        ("softmax", nn.categorical_cross_entropy, np.arange(6) % 2, "(oᵢ − yᵢ)/n"),
        ("identity", nn.cross_entropy, np.arange(6) % 2, "(oᵢ − yᵢ)/n"),
        ("softmax", nn.binary_cross_entropy, Y > 0, "Σₘ aₘ² ([m = i] − aᵢ²) (oₘ − yₘ)/(n oₘ (1 − oₘ))"),
        ("sigmoid", nn.categorical_cross_entropy, np.arange(6) % 2, "(−yᵢ/(n oᵢ)) σ′(zᵢ²)"),
    ],
)
def test_Y10_the_rule_of_the_output_delta_is_that_of_the_pair(output, loss, y, rule):
    report = nn.compare(make("sigmoid", output), X, np.asarray(y, float if np.ndim(y) == 2 else int), loss)
    assert report.rows[0].rule == rule, report.rows[0].rule
    assert report.rows[3].rule == "σ′(zᵢ¹) Σⱼ wⱼᵢ² δⱼ²"
    assert report.passed and report.max_error < 1e-12, f"\n{report}"


def test_text_is_a_table_with_a_verdict():
    report = nn.compare(make(), X, Y, nn.squared_error)
    head, line, *rows, verdict = str(report).splitlines()
    assert head.split("  ")[0] == "layer" and "delta rule" in head and "finite diff." in head
    assert set(line) == {"─"} and len(line) >= max(map(len, rows))
    assert len(rows) == 6 and all(row.endswith("✓") for row in rows)
    assert verdict == report.summary()
    assert repr(report) == str(report)
    assert verdict.startswith("Delta rule and autodiff agree: largest relative difference ")
    assert len(list(report.cells())) == 7 and len({len(row) for row in report.cells()}) == 1


def test_html_is_well_formed_and_says_the_same():
    report = nn.compare(nn.Sequential(nn.Linear(3, 2, rng=0)), X, Y, nn.squared_error)
    page = ElementTree.fromstring(f"<div>{report._repr_html_()}</div>")
    table = [[cell.text or "" for cell in row] for row in page.iter("tr")]
    assert table == [[cell.strip() for cell in row] for row in report.cells()]
    assert page.find("p").text == report.summary()


# ----------------------------------------------------------------------------------------------- what is right


@pytest.mark.parametrize("activation", sorted(nn.layers.ACTIVATIONS))
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
    assert report.passed and report.max_finite_error < 1e-8, f"\n{report}"
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
    rows = [line for line in str(report).splitlines() if line[-1] in "✓✗"]
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
    monkeypatch.setitem(nn.delta._ACTIVATIONS, "tanh", (f, lambda z, a, u: 1.5 * through(z, a, u)))
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
    monkeypatch.setitem(nn.delta._ACTIVATIONS, "sigmoid", (f, lambda z, a, u: factor * through(z, a, u)))
    model = make("sigmoid")
    monkeypatch.setattr(nn.Sigmoid, "forward", lambda self, z: sigmoid(z))
    report = nn.compare(model, X, Y, nn.squared_error)
    assert report.max_error < 1e-12
    assert failed(report) == {"δ¹", "∂E/∂W¹", "∂E/∂b¹"}
    assert report.max_finite_error == pytest.approx(1e-3, rel=0.3)


def test_a_single_wrong_entry_among_thousands_is_caught_by_the_random_direction(monkeypatch):
    model = nn.MLP([100, 80, 2], "tanh", rng=0)
    x, backward = rng.normal(size=(6, 100)), nn.delta.Dense.backward

    def wrong(self, a, z, delta):
        u, found = backward(self, a, z, delta)
        if len(self.W) == 80:
            found["W"][37, 59] += 0.01 * np.abs(found["W"]).max()
        return u, found

    monkeypatch.setattr(nn.delta.Dense, "backward", wrong)
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


# ------------------------------------------------------------------------------- normalizations, dropout, shortcuts

LABELS = np.arange(6) % 2
partial = functools.partial


def chain(*layers):
    return nn.Sequential(*layers)


def linear(n_in, n_out, seed=0, **options):
    layer = nn.Linear(n_in, n_out, rng=seed, **options)
    if layer.bias is not None:
        layer.bias.data = np.random.default_rng(seed).normal(size=n_out).astype(layer.bias.dtype)
    return layer


def norm(layer, seed=0):
    """A normalization that has been trained a little."""
    rng = np.random.default_rng(seed)
    for parameter in layer.parameters():
        parameter.data = rng.normal(1, 0.5, parameter.shape)
    if isinstance(layer, nn.BatchNorm1d) and layer.running_mean is not None:
        layer.running_mean.assign(rng.normal(size=layer.num_features))
        layer.running_var.assign(rng.uniform(0.5, 2, layer.num_features))
    return layer


MODELS = {
    "batch norm": lambda: chain(linear(3, 4), norm(nn.BatchNorm1d(4)), nn.Tanh(), linear(4, 2, 1)),
    "batch norm first and last": lambda: chain(norm(nn.BatchNorm1d(3)), linear(3, 2), norm(nn.BatchNorm1d(2))),
    "batch norm without gamma": lambda: chain(linear(3, 4), nn.BatchNorm1d(4, affine=False), linear(4, 2, 1)),
    "batch norm without running means": lambda: chain(
        linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False), linear(4, 2, 1)
    ).eval(),
    "batch norm in evaluation": lambda: chain(
        linear(3, 4), norm(nn.BatchNorm1d(4)), nn.ReLU(), linear(4, 2, 1)
    ).eval(),
    "layer norm": lambda: chain(linear(3, 4), norm(nn.LayerNorm(4)), nn.SiLU(), linear(4, 2, 1)),
    "layer norm of an activation": lambda: chain(linear(3, 2), nn.SiLU(), norm(nn.LayerNorm(2, bias=False))),
    "layer norm without gamma": lambda: chain(nn.LayerNorm(3, elementwise_affine=False), linear(3, 2)),
    "dropout": lambda: chain(linear(3, 8), nn.Tanh(), nn.Dropout(0.4, rng=3), linear(8, 2, 1), nn.Dropout(0.2, rng=1)),
    "dropout of the inputs": lambda: chain(nn.Dropout(0.3, rng=2), linear(3, 2)),
    "dropout in evaluation": lambda: chain(linear(3, 4), nn.Dropout(0.4, rng=3), linear(4, 2, 1)).eval(),
    "residual": lambda: chain(linear(3, 4), nn.Tanh(), nn.Residual(chain(linear(4, 4, 1), nn.ReLU())), linear(4, 2)),
    "residual with a shortcut": lambda: chain(
        nn.Residual(chain(linear(3, 4), nn.ELU()), shortcut=linear(3, 4, 1, bias=False)), nn.Sigmoid(), linear(4, 2, 2)
    ),
    "residual in a residual": lambda: chain(
        nn.Residual(chain(norm(nn.LayerNorm(3)), linear(3, 3), nn.Residual(chain(nn.Tanh(), linear(3, 3, 1))))),
        nn.Softplus(),
        nn.Residual(nn.Identity()),
        nn.Residual(linear(3, 2, 2), shortcut=linear(3, 2, 3)),
    ),
    "flatten": lambda: chain(nn.Flatten(), linear(3, 2), nn.Flatten()),
    "activations everywhere": lambda: chain(
        nn.Sigmoid(), linear(3, 4), nn.Softmax(), nn.LeakyReLU(0.2), nn.Identity(), linear(4, 2, 1), nn.ELU(0.5)
    ),
    "mlp": lambda: nn.MLP([3, 4, 2], "tanh", dropout=0.3, batch_norm=True, rng=0),
    "nested": lambda: chain(chain(linear(3, 4), chain(norm(nn.BatchNorm1d(4)))), chain(nn.SiLU(), linear(4, 2, 1))),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_R14_models_of_all_layers_that_have_a_rule(name):
    report = nn.compare(MODELS[name](), X, Y, nn.squared_error)
    assert report.passed and report.max_error < 1e-13 and report.max_finite_error < 1e-8, f"\n{report}"
    model = MODELS[name]()
    assert sum(row.equation.of != "delta" for row in report.rows) == len(model.parameters())
    normal = (nn.Linear, nn.BatchNorm1d, nn.LayerNorm)
    layers = {path.replace("layers.", "") for path, module in model.named_modules() if isinstance(module, normal)}
    assert {row.place for row in report.rows if row.equation.of == "delta"} == layers


@pytest.mark.parametrize("name", ["batch norm", "layer norm", "dropout", "residual", "mlp"])
def test_R14_the_gradients_are_those_of_an_ordinary_backward(name):
    """Of the very forward pass that the model would have run: the same batch, the same units put out."""
    model, twin = MODELS[name](), MODELS[name]()
    report = nn.compare(model, X, Y, nn.squared_error)
    nn.squared_error(twin(X), Y).backward()
    found = {(row.place, row.equation.of): row for row in report.rows}
    for place, module in twin.named_modules():
        if not isinstance(module, (nn.Linear, nn.BatchNorm1d, nn.LayerNorm)):
            continue
        names = ("W", "b") if isinstance(module, nn.Linear) else ("gamma", "beta")
        for parameter, of in zip(module.parameters(), names, strict=False):
            row = found[place.replace("layers.", ""), of]
            assert row.shape == parameter.shape
            assert row.autodiff == pytest.approx(parameter.grad[row.entry], rel=1e-12)


@pytest.mark.parametrize("name", ["mlp", "batch norm", "dropout", "dropout in evaluation", "residual in a residual"])
def test_running_means_and_random_generators_are_left_as_they_were(name):
    model, twin = MODELS[name](), MODELS[name]()
    for _ in range(2):
        nn.compare(model, X, Y, nn.squared_error)
    state, untouched = model.state_dict(), twin.state_dict()
    assert all(np.array_equal(state[key], untouched[key]) for key in untouched)
    assert np.array_equal(model(X).numpy(), twin(X).numpy())  # the same units are put out


def test_frozen_parameters_have_gradients_here_and_stay_frozen():
    model = MODELS["batch norm"]()
    for parameter in model.parameters()[:3]:
        parameter.requires_grad = False
    assert nn.compare(model, X, Y, nn.squared_error) == report_of("batch norm")
    assert [p.requires_grad for p in model.parameters()] == [False] * 3 + [True] * 3


def test_generators_are_put_back_where_the_forward_pass_fails():
    model = chain(nn.Dropout(0.5, rng=0), linear(4, 2))
    before = model[0].rng.bit_generator.state
    with pytest.raises(ag.errors.ShapeError):
        nn.compare(model, X, Y, nn.squared_error)
    assert model[0].rng.bit_generator.state == before


def test_two_dropouts_that_share_a_generator_and_one_in_two_places():
    rng = np.random.default_rng(0)
    twice = nn.Dropout(0.4, rng=rng)
    block = chain(linear(4, 4, 1), nn.Dropout(0.3, rng=rng))
    model = chain(linear(3, 4), twice, nn.Residual(block, shortcut=chain(linear(4, 4, 3), twice)), linear(4, 2, 2))
    report = nn.compare(model, X, Y, nn.squared_error)
    assert report.passed and report.max_error < 1e-13, f"\n{report}"


def test_a_bias_before_batch_normalization_has_no_gradient_but_rounding():
    """The mean of the batch takes it away: what is left of terms that cancel is compared with these."""
    report = nn.compare(MODELS["batch norm"](), X, Y, nn.squared_error)
    row = report.rows[-1]
    assert row.symbol == "∂E/∂b¹" and abs(row.by_hand) < 1e-15 and row.error < 1e-14 and report.agrees(row)


def test_a_batch_of_two_leaves_nothing_but_epsilon_of_the_deltas_before_batch_normalization():
    report = nn.compare(MODELS["batch norm"](), X[:2], Y[:2], nn.squared_error)
    assert report.passed, f"\n{report}"


def test_float32_with_normalizations():
    model = nn.MLP([3, 4, 2], "tanh", batch_norm=True, rng=0, dtype=np.float32)
    report = nn.compare(model, X.astype(np.float32), Y, nn.squared_error)
    assert report.passed and 1e-9 < report.max_error < 1e-4, f"\n{report}"


def test_images_are_flattened_on_the_way():
    images = rng.normal(size=(6, 2, 3))
    report = nn.compare(chain(nn.Flatten(), linear(6, 2)), images, Y, nn.squared_error)
    assert report.passed and report.rows[0].rule == "(oᵢ − yᵢ)/n"


WEIGHTS = np.array([0.5, 2.0])
LOSSES = {
    "absolute_error": (nn.absolute_error, Y),
    "huber": (partial(nn.huber, delta=0.4, reduction="sum"), Y),
    "hinge of signs": (nn.hinge, np.where(Y > 0, 1, -1)),
    "hinge of labels": (nn.hinge, LABELS),
    "log loss with weights": (partial(nn.binary_cross_entropy_with_logits, weight=WEIGHTS, pos_weight=3.0), Y > 0),
    "smoothed labels": (partial(nn.cross_entropy, label_smoothing=0.2), LABELS),
    "weighted labels": (partial(nn.cross_entropy, weight=WEIGHTS), LABELS),
    "all of it": (partial(nn.cross_entropy, weight=WEIGHTS, label_smoothing=0.1, ignore_index=-1, reduction="sum"),
                  np.array([0, 1, -1, 1, 0, -1])),
    "labels that do not count": (partial(nn.cross_entropy, ignore_index=7), np.array([0, 1, 7, 1, 0, 7])),
    "weighted distributions": (partial(nn.cross_entropy, weight=WEIGHTS), np.full((6, 2), 0.5)),
    "weights of None": (partial(nn.cross_entropy, weight=None, ignore_index=None), LABELS),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_Y4_all_losses_with_their_keywords(name):
    loss, y = LOSSES[name]
    report = nn.compare(make("tanh"), X, y.astype(float) if y.dtype == bool else y, loss)
    assert report.passed and report.max_error < 1e-12, f"\n{report}"


@pytest.mark.parametrize(
    ("output", "loss", "y"),
    [
        ("sigmoid", partial(nn.binary_cross_entropy, weight=WEIGHTS), (Y > 0).astype(float)),
        ("softmax", nn.kl_divergence, np.full((6, 2), 0.5)),
        ("log_softmax", partial(nn.kl_divergence, log_outputs=True), np.full((6, 2), 0.5)),
        ("log_softmax", partial(nn.kl_divergence, log_outputs=True, log_targets=True), np.log(np.full((6, 2), 0.5))),
        ("tanh", nn.cross_entropy, LABELS),
        ("relu", partial(nn.absolute_error, reduction="sum"), Y),
    ],
)
def test_Y10_losses_of_other_outputs(output, loss, y):
    report = nn.compare(make("silu", output), X, y, loss)
    assert report.passed and report.max_error < 1e-12, f"\n{report}"


@pytest.mark.parametrize("name", ["absolute_error", "hinge of signs", "hinge of labels"])
def test_losses_exactly_at_their_kinks(name):
    """Where an output is its target, or right by exactly 1, the term has slope 0 by convention (claim R10)."""
    layer = nn.Linear(2, 2, initializer=lambda rng, shape: np.eye(2))
    x = np.array([[0.5, 1.5], [1.0, 1.0], [2.0, -1.0], [0.0, 0.25]])
    y = {"absolute_error": x.copy(), "hinge of signs": np.ones((4, 2)), "hinge of labels": np.array([1, 0, 0, 1])}[name]
    if name == "absolute_error":
        y[0] += 1
    report = nn.compare(chain(layer), x, y, LOSSES[name][0])
    assert report.passed and report.max_finite_error < 1e-8, f"\n{report}"


@pytest.mark.parametrize("activation", ["leaky_relu", "elu", "softplus"])
def test_R10_activations_exactly_at_their_kinks(activation):
    layer = nn.layers.ACTIVATIONS[activation](**({"alpha": 0.5} if activation == "elu" else {}))
    model = chain(nn.Linear(2, 8, rng=0), layer, linear(8, 1, 1))  # (0, 0) and zero biases put every unit at 0
    report = nn.compare(model, SQUARES, XOR, nn.binary_cross_entropy_with_logits)
    assert report.passed and report.max_finite_error < 1e-8, f"\n{report}"


# -------------------------------------------------------------------------------------- what is wrong in these


def stopped(*what):
    """Return a normalization whose values are right, and whose gradient does not pass through its statistics."""

    def standardized(x, axes, eps):
        mean = np.mean(x, axis=axes, keepdims=True)
        mean = ag.stop_gradient(mean) if "mean" in what else mean
        var = np.mean((x - mean) ** 2, axis=axes, keepdims=True)
        var = ag.stop_gradient(var) if "var" in what else var
        return (x - mean) / np.sqrt(var + eps), mean, var

    return standardized


@pytest.mark.parametrize("what", ["mean", "var"])
@pytest.mark.parametrize("name", ["batch norm", "layer norm"])
def test_a_wrong_normalization_of_the_engine_is_caught(monkeypatch, name, what):
    monkeypatch.setattr(nn.layers.normalization, "standardized", stopped(what))
    report = nn.compare(MODELS[name](), X, Y, nn.squared_error)
    assert {"δ¹", "∂E/∂W¹"} <= failed(report) <= {"δ¹", "∂E/∂W¹", "∂E/∂b¹"}
    assert report.max_finite_error < 1e-8  # the finite differences side with the hand-derived rule


@pytest.mark.parametrize(
    ("name", "back"),
    [
        ("batch norm", lambda self, v, x_hat: v - v.mean(axis=self.axes, keepdims=True)),
        ("layer norm", lambda self, v, x_hat: v - x_hat * (v * x_hat).mean(axis=self.axes, keepdims=True)),
        ("batch norm", lambda self, v, x_hat: 0 * v),
        ("layer norm", lambda self, v, x_hat: v),
    ],
)
def test_a_wrong_normalization_by_hand_is_caught_and_both_others_stand_against_it(monkeypatch, name, back):
    owner = nn.delta.BatchNorm if name == "batch norm" else nn.delta.LayerNorm
    monkeypatch.setattr(owner, "_back", back)
    report = nn.compare(MODELS[name](), X, Y, nn.squared_error)
    assert {"δ¹", "∂E/∂W¹"} <= failed(report) <= {"δ¹", "∂E/∂W¹", "∂E/∂b¹"}
    assert not any(row.finite_error < 1e-6 for row in report.rows if row.symbol == "δ¹")


@pytest.mark.parametrize("name", ["batch norm", "layer norm"])
def test_a_normalization_that_engine_and_hand_take_for_a_constant_is_caught_by_finite_differences(monkeypatch, name):
    monkeypatch.setattr(nn.layers.normalization, "standardized", stopped("mean", "var"))
    for owner in (nn.delta.BatchNorm, nn.delta.LayerNorm):
        monkeypatch.setattr(owner, "_back", lambda self, v, x_hat: v)
    report = nn.compare(MODELS[name](), X, Y, nn.squared_error)
    assert report.max_error < 1e-12
    assert {"δ¹", "∂E/∂W¹"} <= failed(report)


@pytest.mark.parametrize("parameter", ["gamma", "beta"])
def test_a_wrong_gradient_of_gamma_or_beta_is_caught(monkeypatch, parameter):
    backward = nn.delta.LayerNorm.backward

    def wrong(self, x, y, u):
        below, found = backward(self, x, y, u)
        return below, {**found, parameter: found[parameter] / len(x)}  # a mean that should be a sum

    monkeypatch.setattr(nn.delta.LayerNorm, "backward", wrong)
    letter = {"gamma": "γ", "beta": "β"}[parameter]
    for name in ("batch norm", "layer norm", "batch norm in evaluation"):
        assert failed(nn.compare(MODELS[name](), X, Y, nn.squared_error)) == {f"∂E/∂{letter}¹"}


def test_a_wrong_dropout_by_hand_is_caught(monkeypatch):
    monkeypatch.setattr(nn.delta.Dropout, "backward", lambda self, x, y, u: (u * self.kept, {}))  # without 1 / (1 - p)
    report = nn.compare(MODELS["dropout"](), X, Y, nn.squared_error)
    assert {"δ²", "δ¹"} <= failed(report)


def test_a_dropout_that_draws_anew_on_the_way_back_is_caught(monkeypatch):
    other = np.random.default_rng(9)

    @ag.primitive
    def drop(x, keep, p):
        return x * keep / (1 - p)

    ag.defvjp(drop, lambda g, _y, x, keep, p: g * (other.random(x.shape) >= p) / (1 - p), None, None)
    monkeypatch.setattr(
        nn.Dropout, "forward", lambda self, x: drop(x, ag.fresh(self.rng.random, x.shape) >= self.p, self.p)
    )
    report = nn.compare(MODELS["dropout"](), X, Y, nn.squared_error)
    assert "δ¹" in failed(report) and report.max_finite_error < 1e-8


@pytest.mark.parametrize("side", [0, 1])
def test_a_shortcut_of_which_one_way_is_forgotten_is_caught(monkeypatch, side):
    pulled = nn.delta.Skip._pulled

    def wrong(self, step, u):
        both, records = pulled(self, step, u)
        around = u if not self.shortcut else 0
        return (both - around, around)[side], records

    monkeypatch.setattr(nn.delta.Skip, "_pulled", wrong)
    assert failed(nn.compare(MODELS["residual"](), X, Y, nn.squared_error)) == {"δ¹", "∂E/∂W¹", "∂E/∂b¹"}


@pytest.mark.parametrize("name", ["huber", "hinge of labels", "hinge of signs", "absolute_error"])
def test_a_wrong_slope_of_a_loss_is_caught(monkeypatch, name):
    key = name.split()[0]
    terms, slope_of = nn.delta._LOSSES[key]
    wrong = lambda o, y, **options: slope_of(o, y, **options) * (1 + 1e-6)  # noqa: E731
    monkeypatch.setitem(nn.delta._LOSSES, key, (terms, wrong))
    loss, y = LOSSES[name]
    assert {"δ²", "∂E/∂W²", "δ¹", "∂E/∂W¹", "∂E/∂b¹"} <= failed(nn.compare(make(), X, y, loss))


def test_a_kinked_loss_that_is_not_what_its_rule_is_of_is_caught(monkeypatch):
    """Engine and hand agree on a slope that belongs to another value: the finite differences are of the value."""

    @ag.primitive
    def doubled(o, y):
        return 2 * np.sum(np.abs(o - y), axis=-1).mean()

    ag.defvjp(doubled, lambda g, _y, o, y: g * np.sign(o - y) / len(o), None)
    monkeypatch.setattr(nn.losses, "absolute_error", doubled)
    from nn.comparing import loss as reading

    monkeypatch.setitem(reading.HAND_RULES, doubled, ("absolute_error", None))
    report = nn.compare(make(), X, Y, doubled)
    assert report.max_error < 1e-12 and len(failed(report)) == 6


# -------------------------------------------------------------------------------------------- the three notations


@functools.cache
def report_of(name):
    return nn.compare(MODELS[name](), X, Y, nn.squared_error)


def test_R2_the_other_sign_turns_round_values_and_weights():
    report = nn.compare(make(), X, Y, nn.squared_error)
    other = report.in_notation("R")
    for row, turned in zip(report.rows, other.rows, strict=True):
        assert (turned.by_hand, turned.autodiff, turned.finite) == (-row.by_hand, -row.autodiff, -row.finite)
        assert (turned.error, turned.finite_error) == (row.error, row.finite_error)
        assert turned.entry == (row.entry[::-1] if row.equation.of == "W" else row.entry)
        assert turned.shape == (row.shape[::-1] if row.equation.of == "W" else row.shape)
    assert [row.rule for row in other.rows] == [
        "(yₖ − aₖ)/n", "Σₛ aⱼ Δₖ", "Σₛ Δₖ", "tanh′(inⱼ) Σₖ wⱼₖ Δₖ", "Σₛ aᵢ Δⱼ", "Σₛ Δⱼ"
    ]  # fmt: skip
    assert [row.symbol for row in other.rows[3:]] == ["Δ¹", "−∂Loss/∂W¹", "−∂Loss/∂b¹"]
    assert "−∂Loss/∂wᵢⱼ = Σₛ aᵢ Δⱼ" in str(other) and other.passed


def test_M3_M4_M5_M6_the_matrix_form_counts_the_input_as_layer_1():
    report = nn.compare(make("sigmoid"), X, Y, nn.squared_error, notation="M")
    assert [row.rule for row in report.rows] == [
        "(A³ − Y)/n", "Δ³ A²ᵀ", "Σₛ Δₛ³", "(W³ᵀ Δ³) ⊙ σ′(Z²)", "Δ² A¹ᵀ", "Σₛ Δₛ²"
    ]  # fmt: skip
    assert [row.symbol for row in report.rows] == ["Δ³", "∂C/∂W³", "∂C/∂B³", "Δ²", "∂C/∂W²", "∂C/∂B²"]
    assert [cells[0] for cells in report.cells()] == ["layer", "3", "3", "3", "2", "2", "2"]


def test_switching_back_gives_the_same_report_and_computes_nothing(monkeypatch):
    report = report_of("batch norm")
    monkeypatch.setattr(nn.Linear, "forward", None)
    monkeypatch.setattr(nn.delta.DeltaNetwork, "sweep", None)
    for first in "YMR":
        for second in "YMR":
            assert report.in_notation(first).in_notation(second).in_notation("Y") == report
    assert {report.in_notation(n).max_error for n in "YMR"} == {report.max_error}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["batch norm", "residual in a residual"])
def test_text_fits_its_width(name, width):
    report = report_of(name)
    for notation in "YMR":
        shown = report.in_notation(notation)
        lines = shown.text(width).splitlines()
        equations = [row.equation.equation(notation).text for row in shown.rows]
        alone = [f"{cells[0]:5}  {cells[1]}" for cells in shown.cells()]
        assert all(len(line) <= width or line in alone for line in lines)  # an equation is never broken
        assert all(any(equation in line for line in lines) for equation in equations)
        assert sum(line.endswith("✓") for line in lines) == len(shown.rows)
        assert " ".join(shown.text(width).split()).endswith(shown.summary())


def test_both_signs_stand_in_the_table():
    report = nn.compare(make(), X, Y, nn.squared_error)
    for notation, negative in (("Y", "Δ: −∂E"), ("M", "−∂C"), ("R", "δ: ∂Loss")):
        head, *rows = report.in_notation(notation).cells()
        assert head[3:5] == ("delta rule", negative)
        assert all(float(cells[3]) == -float(cells[4]) for cells in rows)


def test_symbols_that_no_source_has_are_explained_and_others_are_not():
    assert nn.compare(make(), X, Y, nn.squared_error).legend() == []
    text = "\n".join(report_of("mlp").legend())
    for beginning in ("v: ", "u: ∂E/∂v", "ẑ: ", "τ: ", "⟨ ⟩: ", "m: ", "ã: "):
        assert beginning in text


@pytest.mark.parametrize("notation", ["Y", "M", "R"])
@pytest.mark.parametrize("name", ["mlp", "flatten"])
def test_latex_is_one_array_with_a_cell_for_each_column(name, notation):
    report = report_of(name).in_notation(notation)
    lines = report.latex().splitlines()
    if report.legend():  # stands under the table, in an array of one column
        assert (lines[0], lines[-1]) == (r"\begin{array}{l}", r"\end{array}")
        assert len([line for line in lines if r"\mbox{: " in line]) == len(report.legend())
        lines = [*lines[1 : lines.index(r"\end{array} \\")], r"\end{array}"]
    begin, head, *lines, end = lines
    assert (begin, end) == (r"\begin{array}{rllrrrrrl}", r"\end{array}")
    assert head.endswith(r"\\ \hline") and head.count("&") == 8
    for line, row in zip(lines, report.rows, strict=True):
        assert line.count("&") == 8 and line.endswith(r"\surd \\")
        assert row.equation.equation(notation).latex in line
    text = report.latex()
    assert text.isascii()
    assert text.count("{") == text.count("}") and report._repr_latex_() == f"$$\n{text}\n$$"


def test_latex_marks_what_disagrees(monkeypatch):
    f, through = nn.delta._ACTIVATIONS["tanh"]
    monkeypatch.setitem(nn.delta._ACTIVATIONS, "tanh", (f, lambda z, a, u: 1.5 * through(z, a, u)))
    text = nn.compare(make("tanh"), X, Y, nn.squared_error).latex()
    assert text.count(r"\surd") == text.count(r"\times") == 3


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


def tied():
    first, second = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)
    second.weight = first.weight
    return [first, nn.Tanh(), second]


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([nn.Linear(3, 2), Swish()], r"layer 1 \(Swish\(\)\)"),
        ([nn.Linear(3, 2), Leaky()], r"layer 1 \(Leaky\(\)\)"),
        ([Scaled(3, 2)], r"layer 0 \(Linear\(3 -> 2\)\)"),
        ([nn.Module()], r"layer 0 \(Module\(\)\)"),
        ([nn.Embedding(3, 2), nn.Linear(2, 2)], r"layer 0 \(Embedding\("),
        ([nn.Linear(3, 2), nn.Residual(nn.Sequential(nn.Tanh(), Swish()))], r"layer 1\.module\.1 \(Swish\(\)\)"),
        ([nn.Residual(nn.Linear(3, 2), shortcut=Scaled(3, 2))], r"layer 0\.shortcut \(Linear\(3 -> 2\)\)"),
        ([nn.Flatten(0, 1), nn.Linear(3, 2)], r"layer 0 \(Flatten\(0, 1\)\)"),
        (tied(), r"layer 2 \(Linear\(3 -> 3\)\)"),
        ([nn.BatchNorm1d(3)] * 2, r"layer 1 \(BatchNorm1d\(3\)\)"),
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


def test_nothing_is_computed_before_all_layers_are_known():
    with pytest.raises(TypeError, match=r"layer 1 \(Embedding\(.*has no hand-derived rule here"):
        nn.compare(nn.Sequential(nn.Linear(3, 3), nn.Embedding(3, 2)), "no array", None, None)


def test_models_that_cannot_be_read_are_refused():
    with pytest.raises(TypeError, match=r"this is Linear\(3 -> 2\)"):
        nn.compare(nn.Linear(3, 2), X, Y, nn.squared_error)
    with pytest.raises(TypeError, match=r"with their forward\(\); this is a Residual"):
        nn.compare(Residual(nn.Linear(3, 3)), X, X, nn.squared_error)
    with pytest.raises(TypeError, match="the model has no layers"):
        nn.compare(nn.Sequential(), X, Y, nn.squared_error)
    with pytest.raises(TypeError, match="no layer with weights"):
        nn.compare(nn.Sequential(nn.Tanh()), X, X, nn.squared_error)


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
    assert report.rows[0].rule == "2 (oᵢ − yᵢ)" and report.passed


# ---------------------------------------------------------------------------------------- the difference quotient


@pytest.mark.parametrize(
    ("function", "at", "true"),
    [
        (np.sin, 0.3, np.cos(0.3)),
        (np.exp, 2.0, np.exp(2.0)),
        (lambda t: t**3, 10.0, 300.0),
        (lambda t: np.tanh(100 * t), 0.001, 100 / np.cosh(0.1) ** 2),
        (lambda t: 1e-9 * np.sin(t), 0.3, 1e-9 * np.cos(0.3)),
        (lambda t: 7.0, 0.0, 0.0),
    ],
)
def test_the_slope_is_as_good_as_it_says(function, at, true):
    found, uncertainty = slope(function, at, 1.0)
    assert abs(found - true) <= uncertainty <= 1e-3 * abs(true) + 1e-11
    assert slope(function, at, -2.0)[0] == pytest.approx(-2 * true, rel=1e-4, abs=1e-12)


def test_rounding_of_a_function_that_hardly_changes_is_part_of_the_uncertainty():
    for at in np.linspace(-3, 3, 61):
        found, uncertainty = slope(lambda t: 3 + 1e-9 * np.sin(t), at, 1.0)
        assert abs(found - 1e-9 * np.cos(at)) <= uncertainty < 1e-11


def test_a_step_out_of_the_domain_is_left_out():
    def log(t):
        if t <= 0:
            raise ValueError("outside")
        return np.log(t)

    found, uncertainty = slope(log, 0.05, 1.0)
    assert abs(found - 20) <= uncertainty < 1e-2
    assert np.isnan(slope(lambda t: np.nan, 0.0, 1.0)[0])


def test_outputs_near_0_and_1_under_a_loss_of_probabilities():
    model = nn.Sequential(nn.Linear(3, 2, rng=0))
    model[0].weight.data *= 0.01
    model[0].bias.data = [0.05, 0.95]  # a large step leaves (0, 1), where the log loss is not defined
    report = nn.compare(model, X, (Y > 0).astype(float), nn.binary_cross_entropy)
    assert report.passed and report.max_error < 1e-12, f"\n{report}"


def test_a_copy_gives_the_same_report():
    model = make("relu")
    assert nn.compare(copy.deepcopy(model), X, Y, nn.squared_error) == nn.compare(model, X, Y, nn.squared_error)


def test_finite_differences_of_a_nearly_constant_batch_take_steps_that_fit_its_deviation():
    """Normalized by a standard deviation near sqrt(eps), a step of the others' size would leave the curve's bend."""
    rng = np.random.default_rng(0)
    x, y = np.ones((6, 3)) + 1e-7 * rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2, rng=1))
    report = nn.compare(model, x, y, nn.squared_error)
    assert report.passed and report.max_finite_error < 1e-3, f"\n{report}"


def test_finite_differences_of_a_float32_model_are_held_against_the_rules_in_float64():
    model = nn.MLP([3, 4, 2], "gelu", batch_norm=True, rng=0, dtype=np.float32)
    report = nn.compare(model, X, Y, nn.squared_error)
    assert report.max_error > 1e-9 > report.max_finite_error


def test_where_finite_differences_say_nothing_the_summary_says_so():
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2, rng=1))
    constant = nn.compare(model, np.ones((6, 3)), np.ones((6, 2)), nn.squared_error)
    assert "too uncertain to vouch for" in constant.summary() and "∂E/∂γ¹" in constant.summary()
    assert "vouch" not in nn.compare(make("tanh"), X, Y, nn.squared_error).summary()
