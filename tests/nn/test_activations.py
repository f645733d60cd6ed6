"""Activations as layers: names, options, what they hand on to the function; and where there is no hand-derived rule."""

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn.layers import ACTIVATIONS

Z = np.array([[-3.0, -0.5, 0.0], [2.0, 0.75, -1.25]])
OPTIONS = {
    "leaky_relu": {"negative_slope": 0.3},
    "elu": {"alpha": 0.5},
    "gelu": {"approximate": "tanh"},
    "softplus": {"beta": 2.0, "threshold": 1.0},
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_name_a_function_and_a_layer_are_one(name):
    layer = ACTIVATIONS[name]()
    np.testing.assert_array_equal(layer(Z), getattr(nn, name)(Z))
    assert getattr(nn, type(layer).__name__) is type(layer)
    model = nn.MLP([3, 2], output=name, initializer=nn.init.ones)
    np.testing.assert_array_equal(nn.evaluate(model, Z), layer(Z @ np.ones((3, 2))))


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_handed_on_and_described(name):
    layer = ACTIVATIONS[name](**OPTIONS[name])
    assert layer.config() == OPTIONS[name]
    expected = getattr(nn, name)(Z, **OPTIONS[name])
    np.testing.assert_array_equal(layer(Z), expected)
    assert np.max(np.abs(expected - getattr(nn, name)(Z))) > 1e-5
    assert ag.gradcheck(layer, Z[:, :2])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.LeakyReLU("a"), "LeakyReLU: negative_slope is 'a'"),
        (lambda: nn.ELU(np.inf), "ELU: alpha is inf, but must be a finite number"),
        (lambda: nn.Softplus(0), "Softplus: beta is 0, but must be a positive, finite number"),
        (lambda: nn.Softplus(1, None), "Softplus: threshold is None"),
        (lambda: nn.GELU("exact"), "GELU: approximate is 'exact', but must be 'none' or 'tanh'"),
        (lambda: nn.gelu(Z, "exact"), "gelu: approximate is 'exact'"),
        (lambda: nn.leaky_relu(Z, None), "leaky_relu: negative_slope is None"),
        (lambda: nn.elu(Z, np.nan), "elu: alpha is nan"),
        (lambda: nn.softplus(Z, -1), "softplus: beta is -1"),
    ],
)
def test_options_are_checked(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


class Cubed(nn.Tanh):
    """An activation of one's own."""

    function = staticmethod(lambda z: z**3)


def test_compare_says_which_activation_has_no_hand_derived_rule():
    assert sorted(ACTIVATIONS) == list(nn.delta.ACTIVATIONS)  # all that nn has do
    model = nn.Sequential(nn.Linear(3, 2, rng=0), Cubed())
    with pytest.raises(TypeError, match=r"layer 1 \(Cubed\(\)\) has no hand-derived rule here") as error:
        nn.compare(model, Z, np.ones((2, 2)), nn.squared_error)
    assert str(error.value).endswith(f"and the activations {', '.join(c.__name__ for c in ACTIVATIONS.values())}.")


@pytest.mark.parametrize("part", [nn.Embedding(2, 2), nn.Residual(Cubed()), nn.Flatten(0, 1), nn.Module()])
def test_compare_says_so_of_other_parts_too(part):
    model = nn.Sequential(nn.Linear(3, 2, rng=0), part)
    with pytest.raises(TypeError, match=r"(?s)layer 1.* has no hand-derived rule here"):
        nn.compare(model, Z, np.ones((2, 2)), nn.squared_error)


def test_every_activation_that_has_a_rule_is_compared():
    for name in nn.delta.ACTIVATIONS:
        model = nn.MLP([3, 4, 2], name, rng=0)
        assert nn.compare(model, Z, np.ones((2, 2)), nn.squared_error).passed
