"""Layers: shapes, dtypes, masks, names and scopes, sharing; and what a wrong call is told."""

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.layers import ACTIVATIONS


def linear(weight, bias=None, **options):
    weight = np.array(weight, float)
    layer = nn.Linear(*weight.shape[::-1], bias is not None, initializer=lambda rng, shape: weight, **options)
    if bias is not None:
        layer.bias.data = bias
    return layer


# ---------------------------------------------------------------------------------------------------- Linear


def test_Y1_M1_R1_weighted_sums_of_the_rows():
    W, b = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([10.0, 20.0])
    layer, x = linear(W, b), np.array([1.0, 0.5, -1.0])
    for i in range(2):
        assert layer(x).numpy()[i] == sum(W[i, j] * x[j] for j in range(3)) + b[i]
    assert layer(x).numpy().tolist() == [9, 20.5]


@pytest.mark.parametrize("lead", [(), (5,), (1,), (0,), (2, 5), (2, 1, 5)])
def test_any_number_of_leading_axes(lead, rng):
    layer = nn.Linear(3, 2, rng=0)
    layer.bias.data = [0.5, -0.5]
    x = rng.normal(size=(*lead, 3))
    z = layer(x)
    assert z.shape == (*lead, 2)
    np.testing.assert_allclose(
        z.numpy(), np.einsum("...j,ij->...i", x, layer.weight.data) + layer.bias.data, rtol=1e-14
    )
    z.backward(np.ones(z.shape))
    assert layer.weight.grad.shape == (2, 3) and layer.bias.grad.shape == (2,)
    np.testing.assert_allclose(layer.weight.grad, np.tile(x.reshape(-1, 3).sum(axis=0), (2, 1)), atol=1e-14)
    np.testing.assert_array_equal(layer.bias.grad, np.prod(lead, dtype=int))


@pytest.mark.parametrize(
    "x", [[[1.0, 2.0]], ((1, 2),), np.array([[1, 2]]), np.array([[1, 2]], np.uint8), ag.Tensor([[1.0, 2.0]])]
)
def test_inputs_may_be_lists_integers_and_tensors(x):
    layer = linear([[3.0, 4.0]])
    z = layer(x)
    z.sum().backward()
    assert z.numpy().tolist() == [[11]] and z.dtype == np.float64
    assert layer.weight.grad.tolist() == [[1, 2]]


def test_the_gradient_of_the_input():
    layer, x = linear([[3.0, 4.0]]), ag.Tensor([[1.0, 2.0]], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad.tolist() == [[3, 4]]


@pytest.mark.parametrize("shape", [(), (2,), (3, 4), (3, 1), (4, 0)])
def test_inputs_of_another_width_are_an_error_that_says_what_rows_are(shape):
    with pytest.raises(ag.errors.ShapeError, match=r"Linear\(3 -> 2\) takes 3 inputs in the last axis") as error:
        nn.Linear(3, 2)(np.ones(shape))
    assert str(shape) in str(error.value) and "Samples are rows" in str(error.value)


@pytest.mark.parametrize("sizes", [(0, 1), (1, 0), (-1, 2)])
def test_a_layer_needs_inputs_and_units(sizes):
    with pytest.raises(ValueError, match="at least one input and one unit"):
        nn.Linear(*sizes)


def test_without_a_bias():
    layer = nn.Linear(3, 2, bias=False, rng=0)
    assert layer.bias is None and len(layer.parameters()) == 1
    np.testing.assert_array_equal(layer(np.zeros(3)).numpy(), 0)


def test_the_bias_starts_at_0():
    np.testing.assert_array_equal(nn.Linear(3, 2, rng=0).bias.data, np.zeros(2))


def test_the_same_rng_gives_the_same_weights():
    first, again, other = (nn.Linear(3, 2, rng=seed).weight.data for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(nn.Linear(3, 2, rng=rng).weight.data, first)
    assert not np.allclose(nn.Linear(3, 2, rng=rng).weight.data, first)  # it goes on from there
    assert not np.allclose(nn.Linear(3, 2).weight.data, nn.Linear(3, 2).weight.data)


def test_an_initializer_gets_the_generator_and_the_shape_out_in():
    layer = nn.Linear(3, 2, rng=5, initializer=lambda rng, shape: rng.uniform(0, 1, shape))
    np.testing.assert_array_equal(layer.weight.data, np.random.default_rng(5).uniform(0, 1, (2, 3)))


@pytest.mark.parametrize("shape", [(3, 2), (2,), ()])
def test_an_initializer_that_returns_another_shape_is_an_error(shape):
    with pytest.raises(ag.errors.ShapeError, match=r"weight of Linear\(3, 2\) is \(2, 3\)"):
        nn.Linear(3, 2, initializer=lambda rng, _: np.ones(shape))


def test_a_layer_owns_its_weights():
    W = np.ones((1, 2))
    layer = nn.Linear(2, 1, initializer=lambda rng, shape: W)
    layer.weight.data -= 1
    assert W.tolist() == [[1, 1]]


def test_repr():
    assert repr(nn.Linear(3, 2)) == "Linear(3 -> 2)"
    assert repr(nn.Linear(2, 1, bias=False, mask=[[1, 0]])) == "Linear(2 -> 1, bias=False, 1 absent)"
    assert [repr(f()) for f in ACTIVATIONS.values()] == [
        "Identity()",
        "ReLU()",
        "Sigmoid()",
        "Softmax()",
        "Tanh()",
        "ELU(alpha=1)",
        "GELU(approximate='none')",
        "LeakyReLU(negative_slope=0.01)",
        "LogSoftmax()",
        "SiLU()",
        "Softplus(beta=1, threshold=20)",
    ]


# ------------------------------------------------------------------------------------------------------ masks

MASK = np.array([[1, 0, 1], [0, 1, 1]])


def masked(**options):
    return nn.Linear(3, 2, mask=MASK, rng=0, **options)


def test_Y14_a_masked_weight_is_0_and_so_is_its_gradient(rng):
    layer = masked()
    assert (layer.weight.data[MASK == 0] == 0).all() and (layer.weight.data[MASK == 1] != 0).all()
    assert not np.signbit(layer.weight.data[MASK == 0]).any()
    x = rng.normal(size=(5, 3))
    np.testing.assert_array_equal(layer(x).numpy(), x @ (layer.weight.data * MASK).T)
    nn.squared_error(layer(x), np.ones((5, 2))).backward()
    assert (layer.weight.grad[MASK == 0] == 0).all() and (layer.weight.grad[MASK == 1] != 0).all()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_Y14_an_absent_connection_stays_absent(momentum, rng):
    layer, x = masked(), rng.normal(size=(5, 3))
    optimizer, before = nn.SGD(layer.parameters(), lr=0.1, momentum=momentum), layer.weight.data.copy()
    for _ in range(5):
        optimizer.zero_grad()
        nn.squared_error(layer(x), np.ones((5, 2))).backward()
        optimizer.step()
    assert (layer.weight.data[MASK == 0] == 0).all() and (layer.weight.data != before)[MASK == 1].all()


def test_Y14_a_weight_written_where_there_is_no_connection_has_no_effect():
    layer = masked()
    layer.weight.data = np.ones((2, 3))
    z = layer(np.ones(3))
    assert z.numpy().tolist() == [2, 2]
    z.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad, MASK)


def test_a_mask_may_be_booleans_or_lists_and_is_copied():
    mask = MASK.astype(bool)
    layer = nn.Linear(3, 2, mask=mask, rng=0)
    np.testing.assert_array_equal(layer.weight.data, masked().weight.data)
    np.testing.assert_array_equal(nn.Linear(3, 2, mask=MASK.tolist(), rng=0).weight.data, masked().weight.data)
    own = np.array(MASK, float)
    layer = nn.Linear(3, 2, mask=own, rng=0)
    own[...] = 0
    np.testing.assert_array_equal(layer.mask, MASK)


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (np.ones((3, 2)), ag.errors.ShapeError, r"mask has shape \(3, 2\); the weight of Linear\(3, 2\) is \(2, 3\)"),
        (np.full((2, 3), 0.5), ValueError, "only 1 .connected. and 0 .absent."),
        (np.full((2, 3), np.nan), ValueError, "only 1 .connected. and 0 .absent."),
    ],
)
def test_masks_that_are_none(mask, error, message):
    with pytest.raises(error, match=message):
        nn.Linear(3, 2, mask=mask)


# ------------------------------------------------------------------------------------------------------ dtypes


@pytest.mark.parametrize("data", [np.float32, np.float64, np.int64, np.uint8])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_float32_model_computes_in_float32_whatever_it_is_given(activation, data, rng):
    model = nn.Sequential(
        *nn.MLP([3, 4, 2], activation, activation, rng=0, dtype=np.float32).layers,
        nn.Linear(2, 2, mask=np.eye(2), rng=0, dtype=np.float32),
    )
    x = rng.integers(0, 5, (6, 3)).astype(data)
    a = x
    for layer in model.layers:
        a = layer(a)
        assert a.dtype == np.float32, layer
    a.sum().backward()
    assert all(p.dtype == p.grad.dtype == np.float32 for p in model.parameters())


def test_the_gradient_of_a_float64_input_of_a_float32_layer_is_float64():
    x = ag.Tensor([[1.0, 2.0]], requires_grad=True)
    nn.Linear(2, 1, rng=0, dtype=np.float32)(x).sum().backward()
    assert x.grad.dtype == np.float64


def test_a_layer_of_integers_is_an_error():
    with pytest.raises(ag.errors.DTypeError):
        nn.Linear(2, 1, dtype=int)


# ------------------------------------------------------------------------------------------- Sequential, MLP


def test_sequential_applies_its_layers_in_order():
    model = nn.Sequential(linear([[2.0]]), nn.ReLU(), linear([[-3.0]], [1.0]))
    assert model([[1.0], [-1.0]]).numpy().tolist() == [[-5], [1]]
    assert len(model) == 3 and isinstance(model[1], nn.ReLU) and model[-1].bias is not None
    assert nn.Sequential()(5) == 5


@pytest.mark.parametrize("layer", [np.tanh, lambda x: x, "tanh", nn.Tanh, None])
def test_a_layer_that_is_no_module_is_an_error(layer):
    with pytest.raises(TypeError, match="Layer 1 of Sequential must be a Module"):
        nn.Sequential(nn.Tanh(), layer)


def test_weights_and_biases_are_named_as_in_the_textbooks():
    model = nn.Sequential(
        nn.Tanh(), nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3, bias=False), nn.Sigmoid(), nn.Linear(3, 1)
    )
    assert [p.name for p in model.parameters()] == ["W1", "b1", "W2", "W3", "b3"]
    assert [name for name, _ in model.named_parameters()] == ["1.weight", "1.bias", "3.weight", "5.weight", "5.bias"]


def scopes(model, x):
    """Return the scope in which each layer's output was made."""
    found, a = [], x
    for place, layer in zip(model.places, model.layers, strict=True):
        a = layer.at(place, a)
        found.append(a.node.scope)
    return found


def test_layers_form_a_scope_each_with_their_activations():
    model = nn.MLP([2, 3, 3, 1], "tanh", "sigmoid", rng=0)
    assert scopes(model, np.ones((1, 2))) == [(f"layer{i}",) for i in (1, 1, 2, 2, 3, 3)]
    assert model(np.ones((1, 2))).node.scope == ("layer3",)


def test_a_layer_with_weights_of_its_own_kind_is_a_scope_too():
    class Scale(nn.Module):
        def __init__(self):
            self.factor = nn.Parameter([2.0])

        def forward(self, x):
            return x * self.factor

    model = nn.Sequential(Scale(), nn.Tanh(), nn.MLP([1, 2, 1], rng=0), nn.Tanh())
    assert model.places == ("layer1", "layer1", "layer2", "layer2")
    assert [p.name for p in model.parameters()] == ["factor", "W1", "b1", "W2", "b2"]
    assert model[2](np.ones((1, 1))).node.scope[-1] == "layer2"
    inner = []
    with nn.module.observe(lambda module, out: inner.append(out.node.scope)):
        model(np.ones((1, 1)))
    assert inner == [
        ("layer1",), ("layer1",),
        ("layer2", "layer1"), ("layer2", "layer1"), ("layer2", "layer2"), ("layer2", "layer2"),
        ("layer2",), ("layer2",),
    ]  # fmt: skip


def test_one_activation_in_two_places_belongs_to_the_scope_of_each():
    tanh = nn.Tanh()
    model = nn.Sequential(nn.Linear(2, 2, rng=0), tanh, nn.Linear(2, 2, rng=1), tanh)
    assert scopes(model, np.ones(2)) == [("layer1",), ("layer1",), ("layer2",), ("layer2",)]
    assert repr(model).count("Tanh()") == 2


def test_Y6_one_layer_in_two_places_gets_the_gradients_of_both(rng):
    layer, x = nn.Linear(2, 2, rng=0), rng.normal(size=(5, 2))
    model = nn.Sequential(layer, nn.Tanh(), layer)
    assert len(model.parameters()) == 2
    twins = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh(), nn.Linear(2, 2, rng=0))
    for m in (model, twins):
        nn.squared_error(m(x), np.ones((5, 2))).backward()
    np.testing.assert_array_equal(model(x).numpy(), twins(x).numpy())
    np.testing.assert_allclose(layer.weight.grad, twins[0].weight.grad + twins[2].weight.grad, rtol=1e-14)
    np.testing.assert_allclose(layer.bias.grad, twins[0].bias.grad + twins[2].bias.grad, rtol=1e-14)


def test_what_a_subclass_adds_is_part_of_the_model():
    class Residual(nn.MLP):
        def __init__(self):
            super().__init__([2, 3, 2], rng=0)
            self.skip = nn.Linear(2, 2, rng=1)

        def forward(self, x):
            return super().forward(x) + self.skip(x)

    names = [name for name, _ in Residual().named_parameters()]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias", "skip.weight", "skip.bias"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("output", ACTIVATIONS)
def test_mlp_is_linear_layers_with_an_activation_after_each(activation, output):
    model = nn.MLP([4, 3, 3, 2], activation, output, rng=0)
    kinds = [type(layer).__name__ for layer in model.layers if not isinstance(layer, nn.Linear)]
    expected = [ACTIVATIONS[name].__name__ for name in (activation, activation, output) if name != "identity"]
    assert kinds == expected
    assert [p.shape for p in model.parameters()] == [(3, 4), (3,), (3, 3), (3,), (2, 3), (2,)]


def test_R14_mlp_chooses_he_before_relu_and_xavier_elsewhere():
    model = nn.MLP([4, 3, 2], "relu", "sigmoid", rng=0)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(model[0].weight.data, nn.init.he_normal(rng, (3, 4)))
    np.testing.assert_array_equal(model[2].weight.data, nn.init.xavier_uniform(rng, (2, 3)))
    other = nn.MLP([4, 3, 2], "relu", rng=0, initializer=nn.init.uniform())
    assert all(np.abs(layer.weight.data).max() <= 0.01 for layer in other.layers[::2])


RECTIFIERS = ["relu", "leaky_relu", "elu", "gelu", "silu", "softplus"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_R14_mlp_chooses_he_before_every_rectifier(activation):
    model, rng = nn.MLP([4, 3, 2], activation, rng=0), np.random.default_rng(0)
    draw = nn.init.he_normal if activation in RECTIFIERS else nn.init.xavier_uniform
    np.testing.assert_array_equal(model[0].weight.data, draw(rng, (3, 4)))
    np.testing.assert_array_equal(model[-1].weight.data, nn.init.xavier_uniform(rng, (2, 3)))


def test_mlp_normalizes_before_and_drops_out_after_the_activation_of_hidden_layers_only():
    model = nn.MLP([4, 3, 5, 2], "gelu", "sigmoid", dropout=0.25, batch_norm=True, rng=0)
    hidden = [nn.Linear, nn.BatchNorm1d, nn.GELU, nn.Dropout]
    assert [type(layer) for layer in model.layers] == [*hidden, *hidden, nn.Linear, nn.Sigmoid]
    assert [layer.p for layer in model.layers if isinstance(layer, nn.Dropout)] == [0.25, 0.25]
    assert [layer.num_features for layer in model.layers if isinstance(layer, nn.BatchNorm1d)] == [3, 5]
    assert [p.name for p in model.parameters()] == ["W1", "gamma1", "beta1", "W2", "gamma2", "beta2", "W3", "b3"]
    assert model.places == ("layer1",) * 4 + ("layer2",) * 4 + ("layer3",) * 2
    assert [type(layer) for layer in nn.MLP([4, 3, 2], "identity", dropout=0.5).layers] == [
        nn.Linear,
        nn.Dropout,
        nn.Linear,
    ]


def test_mlp_with_dropout_has_the_weights_of_one_without_and_its_draws_depend_on_the_seed_alone():
    plain, first, again, other = (
        nn.MLP([4, 64, 64, 2], rng=seed, **options)
        for seed, options in ((0, {}), (0, {"dropout": 0.5}), (0, {"dropout": 0.5}), (1, {"dropout": 0.5}))
    )
    for ours, theirs in zip(plain.parameters(), first.parameters(), strict=True):
        np.testing.assert_array_equal(ours.data, theirs.data)
    x = np.ones((3, 4))
    np.testing.assert_array_equal(first(x).numpy(), again(x).numpy())
    one, two, elsewhere = (model.layers[i].rng.random(8) for model, i in ((first, 2), (first, 5), (other, 2)))
    assert not np.allclose(one, two)
    assert not np.allclose(one, elsewhere)


def test_mlp_in_float32_with_everything():
    model = nn.MLP([4, 3, 2], dropout=0.5, batch_norm=True, rng=0, dtype=np.float32)
    y = model(np.ones((5, 4)))
    y.sum().backward()
    assert y.dtype == np.float32
    assert all(p.dtype == p.grad.dtype == np.float32 for p in model.parameters())
    assert all(b.dtype == np.float32 for name, b in model.named_buffers() if not name.endswith("tracked"))


@pytest.mark.parametrize("dropout", [-0.1, 1.0, "half"])
def test_mlp_takes_a_probability_for_dropout(dropout):
    with pytest.raises((ValueError, TypeError), match=r"MLP: dropout is .*lie in \[0, 1\)"):
        nn.MLP([2, 3, 1], dropout=dropout)


@pytest.mark.parametrize(
    "options",
    [{}, {"activation": "tanh", "output": "softmax", "dtype": "float32"}, {"dropout": 0.3, "batch_norm": True}],
    ids=str,
)
def test_an_mlp_is_made_again_from_its_description(options, rng):
    model = nn.MLP([4, 3, 3, 2], rng=0, **options)
    config = model.config()
    assert config == {
        "sizes": [4, 3, 3, 2],
        "activation": "relu",
        "output": "identity",
        "dropout": 0.0,
        "batch_norm": False,
        "dtype": "float64",
        **options,
    }
    twin = nn.MLP.from_config(config)
    twin.load_state_dict(model.state_dict())
    x = rng.normal(size=(6, 4))
    assert repr(twin) == repr(model)
    np.testing.assert_array_equal(nn.evaluate(twin, x), nn.evaluate(model, x))


def test_a_linear_layer_with_a_mask_is_made_again_with_it(rng):
    layer = masked()
    twin = nn.Linear.from_config(layer.config())
    twin.load_state_dict(layer.state_dict())
    x = rng.normal(size=(5, 3))
    np.testing.assert_array_equal(twin.mask, layer.mask)
    np.testing.assert_array_equal(twin(x).numpy(), layer(x).numpy())


def test_a_dropout_is_made_again_with_its_probability():
    assert nn.Dropout.from_config(nn.Dropout(0.3).config()).p == 0.3


def test_biases_start_as_their_initializer_says():
    layer = nn.Linear(3, 2, bias_initializer=nn.init.constant(0.1), rng=0)
    np.testing.assert_array_equal(layer.bias.data, [0.1, 0.1])
    np.testing.assert_array_equal(layer.weight.data, nn.Linear(3, 2, rng=0).weight.data)
    model = nn.MLP([3, 4, 2], bias_initializer=nn.init.uniform(1, 2), rng=0)
    assert all(((1 <= b) & (b <= 2)).all() for b in (model[0].bias.data, model[2].bias.data))


def test_a_bias_initializer_of_another_shape_is_an_error():
    with pytest.raises(ag.errors.ShapeError, match=r"bias_initializer returned shape \(3,\); the bias of .* is \(2,\)"):
        nn.Linear(3, 2, bias_initializer=lambda rng, shape: np.ones(3))


def test_mlp_the_same_seed_gives_the_same_model():
    first, again, other = (nn.MLP([4, 3, 2], rng=seed).state_dict() for seed in (0, 0, 1))
    for name, value in first.items():
        np.testing.assert_array_equal(value, again[name])
    assert not np.allclose(first["0.weight"], other["0.weight"])


def test_mlp_float32():
    assert all(p.dtype == np.float32 for p in nn.MLP([4, 3, 2], rng=0, dtype=np.float32).parameters())


@pytest.mark.parametrize("names", [("swish",), ("relu", "logits"), (None,)])
def test_an_unknown_activation_is_an_error_that_lists_the_known(names):
    with pytest.raises(ValueError, match=r"unknown activation.*identity, relu, sigmoid, softmax, tanh"):
        nn.MLP([2, 2], *names)


@pytest.mark.parametrize("sizes", [[], [64]])
def test_an_mlp_needs_inputs_and_outputs(sizes):
    with pytest.raises(ValueError, match=r"as in MLP\(\[64, 32, 10\]\)"):
        nn.MLP(sizes)


def test_R9_zero_weights_keep_units_equal_and_small_random_ones_part_them(rng):
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    for initializer, apart in ((nn.init.zeros, False), (nn.init.uniform(), True)):
        model = nn.MLP([3, 4, 2], "sigmoid", rng=0, initializer=initializer)
        optimizer = nn.SGD(model.parameters(), lr=0.5)
        for _ in range(50):
            optimizer.zero_grad()
            nn.squared_error(model(x), y).backward()
            optimizer.step()
        W = model[0].weight.data
        assert np.abs(W).max() > 1e-3  # it has learned something
        assert bool(np.ptp(W, axis=0).max() > 1e-3) is apart


# --------------------------------------------------------------------------------------------------------- Dropout


def test_dropout_puts_out_or_scales_each_unit_in_training():
    out = nn.Dropout(0.25, rng=0)(np.ones((100, 100)))
    assert set(np.unique(out)) == {0.0, 1 / 0.75}
    assert abs(np.mean(out == 0) - 0.25) < 0.02  # the seed is fixed


def test_dropout_keeps_what_its_draw_says_and_draws_anew():
    layer, draws = nn.Dropout(0.5, rng=3), np.random.default_rng(3)
    x = np.arange(1.0, 13.0).reshape(3, 4)
    for _ in range(3):
        assert np.array_equal(layer(x), np.where(draws.random((3, 4)) >= 0.5, 2 * x, 0))


def test_dropout_does_nothing_and_draws_nothing_in_evaluation_or_where_p_is_0():
    x = np.ones(5)
    for layer in (nn.Dropout(0.5, rng=0).eval(), nn.Dropout(0, rng=0)):
        before = layer.rng.bit_generator.state
        assert np.array_equal(layer(x), x)
        assert layer.rng.bit_generator.state == before


def test_dropout_passes_the_gradient_of_what_stays():
    layer = nn.Dropout(0.5, rng=0)
    x = ag.Tensor(np.ones(50), requires_grad=True)
    y = layer(x)
    np.sum(y).backward()
    assert np.array_equal(x.grad, y.numpy())
    assert set(x.grad) == {0.0, 2.0}


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8"])
def test_dropout_keeps_the_dtype(dtype):
    assert nn.Dropout(0.5, rng=0)(np.ones(3, dtype)).dtype == dtype
    assert nn.Dropout(0.5, rng=0)(ag.Tensor(np.ones(3, dtype), requires_grad=True)).dtype == dtype


def test_dropout_shares_a_generator_that_it_is_given_and_is_evaluated_within_a_model():
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Dropout(0.5, rng=rng), nn.Dropout(0.5, rng=rng))
    assert model.layers[0].rng is model.layers[1].rng is rng
    assert np.array_equal(nn.evaluate(model, np.ones((2, 2))), np.ones((2, 2)))
    assert model.layers[0].training
    assert (model.parameters(), repr(model.layers[0])) == ([], "Dropout(0.5)")


@pytest.mark.parametrize("p", [-0.1, 1, 1.5, np.nan])
def test_dropout_takes_a_probability_below_1(p):
    with pytest.raises(ValueError, match=r"Dropout: p is .*lie in \[0, 1\)"):
        nn.Dropout(p)
