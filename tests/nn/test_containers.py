"""Residual and Flatten: shapes, gradients around the module, and what does not fit; Sequential's names of its parts."""

import numpy as np
import pytest

import autograd_mini as ag
import nn


def test_a_residual_adds_what_goes_around_to_what_goes_through(rng):
    x = rng.normal(size=(5, 3))
    inner = nn.Linear(3, 3, rng=0)
    np.testing.assert_array_equal(nn.Residual(inner)(x).numpy(), x + inner(x).numpy())
    inner, shortcut = nn.Linear(3, 2, rng=0), nn.Linear(3, 2, rng=1)
    np.testing.assert_array_equal(
        nn.Residual(inner, shortcut=shortcut)(x).numpy(), shortcut(x).numpy() + inner(x).numpy()
    )


def test_the_gradient_goes_around_a_module_that_lets_none_through():
    x = ag.Tensor(np.full((2, 3), -1.0), requires_grad=True)
    nn.Residual(nn.ReLU())(x).sum().backward()
    np.testing.assert_array_equal(x.grad, 1)


def test_a_deep_stack_of_residuals_keeps_the_gradient_where_a_plain_one_loses_it(rng):
    sizes = []
    for wrap in (nn.Residual, lambda module: module):
        layers = [wrap(nn.Linear(4, 4, initializer=nn.init.uniform(), rng=i)) for i in range(30)]
        x = ag.Tensor(rng.normal(size=(5, 4)), requires_grad=True)
        nn.Sequential(*layers)(x).sum().backward()
        sizes.append(np.abs(x.grad).mean())
    assert 0.5 < sizes[0] < 2
    assert sizes[1] < 1e-30


def test_parts_of_a_residual_have_their_names_in_the_state():
    block = nn.Residual(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), nn.Linear(3, 2, bias=False))
    assert list(block.state_dict()) == ["module.0.weight", "module.0.bias", "shortcut.weight"]
    block.eval()
    assert not block.module[1].training


def test_shapes_that_would_broadcast_are_refused():
    x = np.ones((5, 3))
    with pytest.raises(
        ag.errors.ShapeError, match=r"returned shape \(5, 1\), and the inputs have shape \(5, 3\)"
    ) as error:
        nn.Residual(nn.Linear(3, 1))(x)
    assert "shortcut=nn.Linear(3, 1)" in str(error.value)
    with pytest.raises(ag.errors.ShapeError, match=r"the shortcut passes shape \(5, 3\)"):
        nn.Residual(nn.Linear(3, 1), nn.Linear(3, 3))(x)


@pytest.mark.parametrize("parts", [(np.tanh,), ("relu",), (nn.ReLU,), (nn.ReLU(), "relu"), (None,)])
def test_a_residual_is_made_of_modules(parts):
    with pytest.raises(TypeError, match=r"Residual: (module|shortcut) is .*, but must be a Module"):
        nn.Residual(*parts)


class Gives(nn.Module):
    """Gives the same, whatever it is asked."""

    def __init__(self, answer):
        self.answer = answer

    def forward(self, _x):
        return self.answer


def test_a_residual_says_what_its_module_returned_that_is_no_array():
    x = np.ones((5, 3))
    with pytest.raises(ag.errors.DTypeError, match="Residual: the module's output is None"):
        nn.Residual(Gives(None))(x)
    with pytest.raises(ag.errors.DTypeError, match="Residual: the shortcut's output is None"):
        nn.Residual(nn.ReLU(), Gives(None))(x)
    with pytest.raises(ag.errors.ShapeError, match=r"returned shape \(2, 5, 3\)"):
        nn.Residual(Gives((x, x)))(x)


def test_a_residual_of_a_list_is_that_of_its_array():
    np.testing.assert_array_equal(nn.Residual(nn.ReLU())([[1, -2]]), [[2, -2]])


# ------------------------------------------------------------------------------------------------------- Flatten


@pytest.mark.parametrize(
    ("dims", "expected"),
    [((), (2, 60)), ((0,), (120,)), ((0, 1), (6, 4, 5)), ((-2, -1), (2, 3, 20)), ((2, 2), (2, 3, 4, 5))],
)
def test_flatten_makes_one_axis_of_several(dims, expected, rng):
    x = rng.normal(size=(2, 3, 4, 5))
    np.testing.assert_array_equal(nn.Flatten(*dims)(x), x.reshape(expected))


def test_flatten_of_no_samples_keeps_the_number_of_features():
    assert nn.Flatten()(np.zeros((0, 8, 8))).shape == (0, 64)


def test_flatten_keeps_dtype_and_gradient():
    x = ag.Tensor(np.ones((2, 3, 4), np.float32), requires_grad=True)
    y = nn.Flatten()(x)
    y.backward(np.arange(24, dtype=np.float32).reshape(2, 12))
    assert y.dtype == x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, np.arange(24).reshape(2, 3, 4))
    assert nn.Flatten()(np.ones((1, 2, 2), np.uint8)).dtype == np.uint8


@pytest.mark.parametrize(
    ("dims", "shape"), [((), (5,)), ((), ()), ((2, 1), (2, 3, 4)), ((0, 3), (2, 3)), ((-4,), (2, 3))]
)
def test_flatten_refuses_axes_that_are_not_there(dims, shape):
    with pytest.raises(ag.errors.ShapeError, match="Flatten: x has shape"):
        nn.Flatten(*dims)(np.ones(shape))


@pytest.mark.parametrize("dim", [1.5, "1", None])
def test_flatten_takes_whole_numbers(dim):
    with pytest.raises(TypeError, match=r"Flatten: start_dim is .*whole number"):
        nn.Flatten(dim)


# ---------------------------------------------------------------------------------------------------- Sequential


def test_a_normalization_belongs_to_the_layer_before_it_and_is_gamma_and_beta():
    model = nn.Sequential(
        nn.LayerNorm(2), nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3), nn.Tanh(), nn.Dropout(0.1), nn.Linear(3, 1)
    )
    assert model.places == ("layer1", "layer1", "layer1", "layer1", "layer1", "layer2")
    names = [p.name for p in model.parameters()]
    assert names == ["gamma1", "beta1", "W1", "gamma1", "beta1", "W2", "b2"]


def test_one_layer_in_two_places_is_described_twice():
    layer = nn.Linear(2, 2, rng=0)
    assert nn.Sequential(layer, nn.Tanh(), layer).config()["layers"][2] is layer


def test_a_class_that_makes_its_layers_itself_has_to_describe_itself():
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(2, 2))

    class Deep(nn.MLP):
        def __init__(self, depth):
            super().__init__([2] * depth)

    for model in (Net(), Deep(3)):
        with pytest.raises(TypeError, match=r"cannot be described: it has no config\(\)"):
            model.config()


def test_a_slice_of_a_sequence_is_a_sequence_of_the_same_layers_which_keep_their_names():
    model = nn.MLP([3, 4, 4, 2], dropout=0.5, rng=0).eval()
    first, last = model[:3], model[3:]
    x = np.linspace(-1, 1, 6).reshape(2, 3)
    assert np.array_equal(last(first(x)).numpy(), model(x).numpy())
    assert last[0] is model[3] and not last.training and [p.name for p in last.parameters()] == ["W2", "b2", "W3", "b3"]
