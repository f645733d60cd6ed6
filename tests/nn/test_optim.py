"""SGD against steps computed by hand; what it leaves alone; what a wrong argument is told."""

import numpy as np
import pytest

import autograd_mini as ag
import nn

X = np.random.default_rng(0).normal(size=(6, 3))
Y = np.random.default_rng(1).normal(size=(6, 2))


def sweep(model):
    model.zero_grad()
    loss = nn.squared_error(model(X), Y)
    loss.backward()
    return loss


def test_Y11_a_step_moves_each_weight_against_its_gradient():
    w, b = nn.Parameter([[1.0, -2.0]]), nn.Parameter([3.0])
    w.grad, b.grad = np.array([[0.5, 1.0]]), np.array([-2.0])
    nn.SGD([w, b], lr=0.1).step()
    assert w.data.tolist() == [[1 - 0.1 * 0.5, -2 - 0.1 * 1]] and b.data.tolist() == [3 - 0.1 * -2]


def test_Y11_R4_a_step_of_a_network_is_alpha_delta_i_a_j_in_either_sign():
    model = nn.MLP([3, 4, 2], "tanh", rng=0)
    (W1, b1, W2, b2), a = (p.data.copy() for p in model.parameters()), np.tanh(X @ model[0].weight.data.T)
    sweep(model)
    nn.SGD(model.parameters(), lr=0.3).step()
    delta2 = (a @ W2.T + b2 - Y) / len(X)
    delta1 = (delta2 @ W2) * (1 - a**2)
    for p, old, delta, a_in in zip(
        model.parameters(), (W1, b1, W2, b2), (delta1, delta1, delta2, delta2), (X, None, a, None), strict=True
    ):
        slope = delta.sum(axis=0) if a_in is None else delta.T @ a_in
        np.testing.assert_allclose(p.data, old - 0.3 * slope, rtol=1e-12)  # Y11
        Delta = -delta  # R2, R4: w + alpha a_i Delta_j
        np.testing.assert_allclose(
            p.data, old + 0.3 * (Delta.sum(axis=0) if a_in is None else Delta.T @ a_in), rtol=1e-12
        )


def test_Y16_momentum_has_the_form_of_pytorch():
    """v <- mu v + g, w <- w - lr v: the first step is the plain one, and lr multiplies the whole velocity."""
    w = nn.Parameter([1.0])
    optimizer = nn.SGD([w], lr=0.1, momentum=0.9)
    v, expected = 0.0, 1.0
    for g in (2.0, -1.0, 0.5):
        w.grad = np.array([g])
        optimizer.step()
        v = 0.9 * v + g
        expected -= 0.1 * v
        assert w.data[0] == pytest.approx(expected, rel=1e-15)
    assert w.data[0] == pytest.approx(1 - 0.1 * (2 + (1.8 - 1) + (1.62 - 0.9 + 0.5)))


def test_Y16_a_learning_rate_changed_on_the_way_takes_effect_at_once():
    w = nn.Parameter([0.0])
    optimizer = nn.SGD([w], lr=0.1, momentum=0.5)
    w.grad = np.array([1.0])
    optimizer.step()
    optimizer.lr = 0.01
    optimizer.step()
    assert w.data[0] == pytest.approx(-0.1 - 0.01 * 1.5)


def test_Y16_momentum_leaves_a_local_minimum_in_which_plain_descent_stays():
    """E(w) = w^4 - 2 w^2 - 0.3 w: a shallow minimum near -0.96, the global one near 1.04."""

    def descend(momentum):
        w = nn.Parameter([-2.0])
        optimizer = nn.SGD([w], lr=0.01, momentum=momentum)
        for _ in range(1000):
            optimizer.zero_grad()
            (w**4 - 2 * w**2 - 0.3 * w).sum().backward()
            optimizer.step()
        return w.data[0]

    assert descend(0.0) == pytest.approx(-0.96, abs=0.01)
    assert descend(0.9) == pytest.approx(1.04, abs=0.01)


def test_Y3_steps_lower_the_error():
    model = nn.MLP([3, 8, 2], "tanh", rng=0)
    optimizer = nn.SGD(model.parameters(), lr=0.1, momentum=0.9)
    first = sweep(model).item()
    for _ in range(200):
        optimizer.step()
        last = sweep(model).item()
    assert last < first / 10


def test_a_parameter_without_a_gradient_stays():
    used, unused = nn.Parameter([1.0]), nn.Parameter([1.0])
    optimizer = nn.SGD([used, unused], lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        (used * used).sum().backward()
        optimizer.step()
    assert used.data[0] != 1 and unused.data[0] == 1 and unused.grad is None


@pytest.mark.parametrize("momentum", [0.0, 0.9, np.float64(0.9)])
def test_float32_stays_float32_and_rates_are_not_rounded_into_another_dtype(momentum):
    model = nn.MLP([3, 4, 2], "tanh", rng=0, dtype=np.float32)
    optimizer = nn.SGD(model.parameters(), lr=np.float64(0.1), momentum=momentum)
    arrays = [p.data for p in model.parameters()]
    for _ in range(3):
        sweep(model)
        optimizer.step()
    assert all(
        p.data is array and array.dtype == np.float32 for p, array in zip(model.parameters(), arrays, strict=True)
    )
    assert all(v is None or v.dtype == np.float32 for v in optimizer._velocity)


def test_parameters_are_updated_in_place_and_a_stale_graph_notices():
    model = nn.MLP([3, 4, 2], "tanh", rng=0)
    array = model[2].weight.data
    stale = sweep(model)
    before = array.copy()
    nn.SGD(model.parameters(), lr=0.1).step()
    assert model[2].weight.data is array and not np.allclose(array, before)
    with pytest.raises(ag.errors.OverwrittenError):
        stale.backward()


def test_gradients_are_left_as_they_are_and_not_kept_as_velocity():
    w = nn.Parameter([1.0])
    w.grad = g = np.array([1.0])
    optimizer = nn.SGD([w], lr=0.1, momentum=0.9)
    optimizer.step()
    assert w.grad is g and g[0] == 1
    g[0] = 100  # accumulating into it in place must not reach the velocity
    w.grad = np.array([0.0])
    optimizer.step()
    assert w.data[0] == pytest.approx(1 - 0.1 - 0.1 * 0.9)


def test_zero_grad_forgets_all_gradients():
    model = nn.MLP([3, 4, 2], rng=0)
    sweep(model)
    nn.SGD(model.parameters(), lr=0.1).zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_a_gradient_that_was_itself_recorded_is_a_number_to_the_optimizer():
    w = nn.Parameter([2.0])
    optimizer = nn.SGD([w], lr=0.1, momentum=0.9)
    for _ in range(2):
        optimizer.zero_grad()
        (w * w * w).sum().backward(create_graph=True)
        optimizer.step()
    assert isinstance(optimizer._velocity[0], np.ndarray)
    assert w.data[0] == pytest.approx(0.8 - 0.1 * (0.9 * 12 + 3 * 0.8**2))


def test_any_iterable_of_parameters_will_do():
    model = nn.MLP([3, 2], rng=0)
    assert nn.SGD(iter(model.parameters()), lr=0.1).parameters == model.parameters()


@pytest.mark.parametrize(
    ("parameters", "options", "error", "message"),
    [
        ([], {}, ValueError, r"got no parameters\. Pass model\.parameters\(\)"),
        (nn.Parameter([1.0, 2.0]), {}, TypeError, r"parameters is a Parameter.*SGD\(\[w\], lr=0.1\)"),
        (nn.Linear(1, 1).named_parameters(), {}, TypeError, "one of these is a tuple"),
        ([np.ones(2)], {}, TypeError, "one of these is a ndarray"),
        (None, {"lr": 0}, ValueError, "lr is 0, but must be positive and finite"),
        (None, {"lr": -0.1}, ValueError, "lr is -0.1"),
        (None, {"lr": np.nan}, ValueError, "lr is nan"),
        (None, {"lr": np.inf}, ValueError, "lr is inf"),
        (None, {"momentum": 1.0}, ValueError, r"momentum is 1.0, but must lie in \[0, 1\)"),
        (None, {"momentum": -0.5}, ValueError, "momentum is -0.5"),
        (None, {"momentum": np.nan}, ValueError, "momentum is nan"),
    ],
)
def test_wrong_arguments(parameters, options, error, message):
    with pytest.raises(error, match=message):
        nn.SGD([nn.Parameter([1.0])] if parameters is None else parameters, **{"lr": 0.1, **options})


def test_R11_a_rate_above_1_is_allowed_and_diverges():
    w = nn.Parameter([1.0])
    optimizer = nn.SGD([w], lr=1.1)
    for _ in range(10):
        optimizer.zero_grad()
        (w * w).sum().backward()
        optimizer.step()
    assert w.data[0] == pytest.approx(1.2**10)  # w <- w - 1.1 * 2 w = -1.2 w


def test_a_shared_parameter_takes_one_step():
    w = nn.Parameter([1.0])
    opt = nn.SGD([w, w], lr=0.1)
    w.sum().backward()
    opt.step()
    np.testing.assert_allclose(w.data, [0.9])
