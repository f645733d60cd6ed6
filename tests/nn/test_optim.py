"""Optimizers against steps computed by hand; what they leave alone; what a wrong argument is told."""

import copy
import math
import pickle

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
    assert all(len(state) == bool(momentum) for state in optimizer.state)
    assert all(v.dtype == np.float32 for state in optimizer.state for v in state)


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
    assert isinstance(optimizer.state[0][0], np.ndarray)
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


# --- every optimizer -------------------------------------------------------------------------------------------------

MADE = {
    "SGD": lambda p: nn.SGD(p, lr=0.1),
    "SGD, weight decay": lambda p: nn.SGD(p, lr=0.1, weight_decay=0.1),
    "SGD, momentum": lambda p: nn.SGD(p, lr=0.1, momentum=0.9),
    "SGD, momentum, weight decay": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
    "SGD, Nesterov": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "SGD, Nesterov, weight decay": lambda p: nn.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "Adam": lambda p: nn.Adam(p, lr=0.01),
    "Adam, other betas": lambda p: nn.Adam(p, lr=0.01, betas=(0.5, 0.9), eps=1e-3),
    "Adam, no memory": lambda p: nn.Adam(p, lr=0.01, betas=(0.0, 0.0), eps=1e-3),
    "Adam, weight decay": lambda p: nn.Adam(p, lr=0.01, weight_decay=0.1),
    "AdamW": lambda p: nn.AdamW(p, lr=0.01, weight_decay=0.1),
    "AdamW, no decay": lambda p: nn.AdamW(p, lr=0.01, weight_decay=0),
}
each = pytest.mark.parametrize("make", MADE.values(), ids=MADE)
START = np.random.default_rng(2).normal(size=(3, 4))
GRADIENTS = np.random.default_rng(3).normal(size=(50, 3, 4)) * np.logspace(-4, 2, 12).reshape(3, 4)


def steps_by_hand(optimizer, lrs=None):
    """Return the values after each step, by the formulas of the papers as they print them."""
    theta, m, v, velocity = START.copy(), 0.0, 0.0, 0.0
    values = []
    for t, g in enumerate(GRADIENTS, start=1):
        lr = optimizer.lr if lrs is None else lrs[t - 1]
        if type(optimizer) is not nn.AdamW:
            g = g + optimizer.weight_decay * theta
        if isinstance(optimizer, nn.SGD):
            velocity = optimizer.momentum * velocity + g
            theta = theta - lr * (g + optimizer.momentum * velocity if "nesterov" in optimizer.terms else velocity)
        else:
            beta1, beta2 = optimizer.betas
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            decay = lr * optimizer.weight_decay * theta if type(optimizer) is nn.AdamW else 0.0
            theta = theta - decay - lr * m_hat / (np.sqrt(v_hat) + optimizer.eps)
        values.append(theta)
    return values


def run(optimizer, gradients, before=lambda t: None):
    """Take a step on each gradient, and return the values of the first parameter after each."""
    (p, *_), values = optimizer.parameters, []
    for t, g in enumerate(gradients):
        before(t)
        p.grad = g
        optimizer.step()
        values.append(p.data.copy())
    return values


@each
def test_fifty_steps_are_those_of_the_papers(make):
    optimizer = make([nn.Parameter(START)])
    np.testing.assert_allclose(run(optimizer, GRADIENTS), steps_by_hand(optimizer), rtol=1e-12)
    assert optimizer.steps == 50


@each
def test_a_schedule_of_learning_rates(make):
    optimizer = make([nn.Parameter(START)])
    lrs = [0.1 / t for t in range(1, 51)]
    values = run(optimizer, GRADIENTS, before=lambda t: setattr(optimizer, "lr", lrs[t]))
    np.testing.assert_allclose(values, steps_by_hand(optimizer, lrs), rtol=1e-12)


def test_the_first_steps_of_adam_in_numbers():
    """w = 1, g = 2 and then -1: m = 0.2, v = 0.004, the means 2 and 4; then m = 0.08, v = 0.004996."""
    w = nn.Parameter([1.0])
    adam = nn.Adam([w], lr=0.1)
    first, second = run(adam, [np.array([2.0]), np.array([-1.0])])
    assert first[0] == pytest.approx(1 - 0.1 * 2 / (2 + 1e-8), rel=1e-15)
    m_hat, v_hat = 0.08 / 0.19, 0.004996 / 0.001999
    assert second[0] == pytest.approx(first[0] - 0.1 * m_hat / (math.sqrt(v_hat) + 1e-8), rel=1e-13)
    m, v = adam.state[0]
    assert m[0] * 0.1 == pytest.approx(0.08) and v[0] * 0.001 == pytest.approx(0.004996)  # the paper's m_t and v_t


def test_adam_s_first_step_is_as_long_whatever_the_gradient():
    w = nn.Parameter([1.0, 1.0, 1.0, 1.0])
    w.grad = np.array([1e-4, -1e4, 1.0, 0.0])
    nn.Adam([w], lr=0.1).step()
    np.testing.assert_allclose(w.data, [0.9, 1.1, 0.9, 1.0], rtol=1e-4)


def test_adamw_decays_a_weight_without_slope_and_adam_s_means_do_not_see_it():
    w, v = nn.Parameter([2.0]), nn.Parameter([2.0])
    decoupled, coupled = nn.AdamW([w], lr=0.1, weight_decay=0.5), nn.Adam([v], lr=0.1, weight_decay=0.5)
    run(decoupled, [np.zeros(1)]), run(coupled, [np.zeros(1)])
    assert w.data[0] == 2 * (1 - 0.1 * 0.5) and not np.any(decoupled.state[0])
    assert v.data[0] == pytest.approx(2 - 0.1) and coupled.state[0][0][0] == 0.5 * 2


def test_nesterov_steps_along_the_velocity_of_one_step_ahead():
    w = nn.Parameter([1.0])
    first, second = run(nn.SGD([w], lr=0.1, momentum=0.5, nesterov=True), [np.array([2.0]), np.array([1.0])])
    assert first[0] == pytest.approx(1 - 0.1 * (2 + 0.5 * 2))
    assert second[0] == pytest.approx(first[0] - 0.1 * (1 + 0.5 * (0.5 * 2 + 1)))


@each
def test_one_flat_vector_of_all_parameters_takes_the_same_step(make):
    shapes = [(3, 4), (4,), (), (2, 1, 2)]
    rng = np.random.default_rng(0)
    values, gradients = ([rng.normal(size=s) for s in shapes] for _ in range(2))
    optimizer = make([nn.Parameter(v) for v in values])
    state = [tuple(np.asarray(rng.uniform(1, 2, s)) for _ in range(optimizer.slots)) for s in shapes]
    optimizer.state, optimizer.steps = state, 6

    def flat(arrays):
        return np.concatenate([np.ravel(a) for a in arrays])

    slots = tuple(flat([s[k] for s in state]) for k in range(optimizer.slots))
    new, new_slots = optimizer.update(flat(values), flat(gradients), slots, *optimizer.numbers())
    for p, g in zip(optimizer.parameters, gradients, strict=True):
        p.grad = g
    optimizer.step()
    np.testing.assert_allclose(flat([p.data for p in optimizer.parameters]), new, rtol=1e-14)
    for k, slot in enumerate(new_slots):
        np.testing.assert_allclose(flat([s[k] for s in optimizer.state]), slot, rtol=1e-14)


@each
def test_update_leaves_its_arguments_and_the_optimizer_as_they_are(make):
    optimizer = make([nn.Parameter(START)])
    arrays = [START.copy(), GRADIENTS[0].copy(), *np.abs(GRADIENTS[1 : 1 + optimizer.slots])]
    before = copy.deepcopy(arrays), copy.deepcopy(optimizer.state)
    p, state = optimizer.update(arrays[0], arrays[1], tuple(arrays[2:]), *optimizer.numbers())
    np.testing.assert_array_equal(arrays, before[0])
    np.testing.assert_array_equal(optimizer.state, before[1])
    assert optimizer.steps == 0 and len(state) == optimizer.slots
    assert not any(np.shares_memory(new, old) for new in (p, *state) for old in arrays)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_update_of_tensors_is_recorded_and_equal(make, dtype):
    optimizer = make([nn.Parameter(START.astype(dtype))])
    arrays = [START.astype(dtype), *GRADIENTS[: 1 + optimizer.slots].astype(dtype)]
    arrays[2:] = np.abs(arrays[2:])
    numbers = [np.asarray(n, dtype) for n in optimizer.numbers()]
    p, state = optimizer.update(arrays[0], arrays[1], tuple(arrays[2:]), *numbers)
    tensors = [ag.Tensor(a, requires_grad=True) for a in arrays]
    recorded, slots = optimizer.update(
        tensors[0], tensors[1], tuple(tensors[2:]), *[ag.Tensor(n, requires_grad=True) for n in numbers]
    )
    for new, expected in zip((recorded, *slots), (p, *state), strict=True):
        assert isinstance(new, ag.Tensor) and new.dtype == expected.dtype == dtype
        np.testing.assert_array_equal(new.numpy(), expected)


@each
def test_update_is_differentiable(make):
    """So that the gradient of a loss after some steps, with respect to a learning rate, can be asked for."""
    optimizer = make([nn.Parameter(START)])
    slots = [np.abs(START) + k for k in range(1, 1 + optimizer.slots)]

    def new(p, g, rate, *slots):
        values, state = optimizer.update(p, g, slots, rate, *optimizer.numbers()[1:])
        return [values, *state]

    assert ag.gradcheck(new, START, np.cos(START), np.asarray(optimizer.numbers()[0]), *slots)


@each
def test_numbers_are_python_floats_and_float32_stays_float32(make):
    optimizer = make([nn.Parameter(START.astype(np.float32))])
    run(optimizer, GRADIENTS[:3].astype(np.float32))
    numbers = optimizer.numbers()
    assert all(type(n) is float for n in numbers) and len(numbers) == len(optimizer.number_names)
    p, state = optimizer.update(optimizer.parameters[0].data, GRADIENTS[0].astype("f4"), optimizer.state[0], *numbers)
    assert {a.dtype for a in (p, *state, *optimizer.state[0], optimizer.parameters[0].data)} == {np.dtype(np.float32)}
    run(optimizer, [GRADIENTS[0].astype("f4")])  # computed in float32 too, not only stored
    for a, b in zip((p, *state), (optimizer.parameters[0].data, *optimizer.state[0]), strict=True):
        np.testing.assert_array_equal(a, b)


@each
def test_float32_steps_are_those_of_float64_rounded(make):
    optimizer = make([nn.Parameter(START.astype(np.float32))])
    expected = steps_by_hand(optimizer)
    np.testing.assert_allclose(run(optimizer, GRADIENTS.astype(np.float32)), expected, rtol=2e-4, atol=2e-5)


@each
def test_parameters_of_several_dtypes_keep_each_its_own(make):
    alone, together = make([nn.Parameter(START)]), make([nn.Parameter(START.astype("f4")), nn.Parameter(START)])
    for g in GRADIENTS[:5]:
        alone.parameters[0].grad = together.parameters[1].grad = g
        together.parameters[0].grad = g.astype("f4")
        alone.step(), together.step()
    np.testing.assert_array_equal(alone.parameters[0].data, together.parameters[1].data)
    assert [p.dtype for p in together.parameters] == ["f4", "f8"]
    assert all(a.dtype == p.dtype for p, s in zip(together.parameters, together.state, strict=True) for a in s)


@each
def test_a_large_parameter_takes_the_step_of_its_parts(make):
    """It is updated some rows at a time; the layout of the gradient does not matter."""
    rng = np.random.default_rng(4)
    value, gradients = rng.normal(size=(331, 313)), rng.normal(size=(3, 331, 313))
    whole = make([nn.Parameter(value)])
    parts = make([nn.Parameter(v) for v in np.array_split(value, 7)])
    for g in gradients:
        whole.parameters[0].grad = np.asfortranarray(g)
        for p, part in zip(parts.parameters, np.array_split(g, 7), strict=True):
            p.grad = part
        whole.step(), parts.step()
    np.testing.assert_array_equal(whole.parameters[0].data, np.concatenate([p.data for p in parts.parameters]))
    for k in range(whole.slots):
        np.testing.assert_array_equal(whole.state[0][k], np.concatenate([s[k] for s in parts.state]))


@pytest.mark.parametrize("shape", [(1, 70_000), (70_000,), (3, 40_000), (2, 3, 20_000)])
def test_a_large_parameter_of_any_shape(shape):
    w, vector = nn.Parameter(np.ones(shape)), nn.Parameter(np.ones(shape).ravel())
    a, b = nn.Adam([w]), nn.Adam([vector])
    w.grad = np.arange(1.0, 1 + w.size).reshape(shape)
    vector.grad = w.grad.ravel()
    a.step(), b.step()
    np.testing.assert_array_equal(w.data.ravel(), vector.data)
    np.testing.assert_array_equal(a.state[0][1].ravel(), b.state[0][1])


@each
def test_state_is_zeros_at_first_and_the_same_arrays_for_ever(make):
    optimizer = make([nn.Parameter(START), nn.Parameter([1.0])])
    assert [[a.shape for a in s] for s in optimizer.state] == [[(3, 4)] * optimizer.slots, [(1,)] * optimizer.slots]
    assert len(optimizer.slot_names) == optimizer.slots and not any(np.any(a) for s in optimizer.state for a in s)
    arrays = list(optimizer.state[0])
    run(optimizer, GRADIENTS[:2])
    assert all(a is b and np.any(a) for a, b in zip(arrays, optimizer.state[0], strict=True))


@each
def test_a_step_without_a_gradient_is_none_for_that_parameter(make):
    """As in PyTorch: neither value nor state changes, and t, by which Adam corrects its means, stands still."""
    alone, both = make([nn.Parameter(START)]), make([nn.Parameter(START), nn.Parameter(START)])
    for t, g in enumerate(GRADIENTS[:8]):
        both.zero_grad()
        both.parameters[0].grad = g
        if t in (2, 3, 6):
            both.parameters[1].grad = alone.parameters[0].grad = g
            alone.step()
        before = both.parameters[1].data.copy(), copy.deepcopy(both.state[1])
        both.step()
        if t not in (2, 3, 6):
            np.testing.assert_array_equal(both.parameters[1].data, before[0])
            np.testing.assert_array_equal(both.state[1], before[1])
    np.testing.assert_array_equal(both.parameters[1].data, alone.parameters[0].data)
    np.testing.assert_array_equal(both.state[1], alone.state[0])
    assert (both.steps, both.missed, alone.steps) == (8, [0, 5], 3)
    np.testing.assert_allclose(both.parameters[0].data, steps_by_hand(both)[7], rtol=1e-12)


@each
@pytest.mark.parametrize("travel", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_a_copy_goes_on_where_it_was(make, travel):
    optimizer = make([nn.Parameter(START), nn.Parameter([1.0])])
    run(optimizer, GRADIENTS[:5])
    other = travel(optimizer)
    assert (other.steps, other.missed, other.terms, other.lr) == (5, [0, 5], optimizer.terms, optimizer.lr)
    expected = run(optimizer, GRADIENTS[5:])
    np.testing.assert_array_equal(run(other, GRADIENTS[5:]), expected)
    assert not any(np.shares_memory(a, b) for a, b in zip(optimizer.state[0], other.state[0], strict=True))
    with pytest.raises(ValueError, match="lr is -1"):
        other.lr = -1


@each
def test_a_gradient_of_a_wrong_shape_changes_nothing_at_all(make):
    optimizer = make([nn.Parameter(START), nn.Parameter([1.0])])
    run(optimizer, GRADIENTS[:2])
    before = copy.deepcopy((optimizer.parameters, optimizer.state))
    optimizer.parameters[0].grad, optimizer.parameters[1].grad = GRADIENTS[2], np.ones(2)
    with pytest.raises(ag.errors.ShapeError, match=rf"{type(optimizer).__name__}: the gradient of .* has shape \(2,\)"):
        optimizer.step()
    for p, old in zip(optimizer.parameters, before[0], strict=True):
        np.testing.assert_array_equal(p.data, old.data)
    np.testing.assert_array_equal(optimizer.state[0], before[1][0])
    assert (optimizer.steps, optimizer.missed) == (2, [0, 2])


@each
def test_a_gradient_may_be_a_list_or_of_another_dtype(make):
    expected = run(make([nn.Parameter([1.0, 2.0])]), [np.array([1.0, 3.0])] * 2)
    for given in ([1.0, 3.0], np.array([1, 3]), np.array([1, 3], np.float32)):
        np.testing.assert_allclose(run(make([nn.Parameter([1.0, 2.0])]), [given] * 2), expected, rtol=1e-15)


@each
def test_training_lowers_the_error_and_a_recorded_gradient_keeps_no_graph(make):
    model = nn.MLP([3, 8, 2], "tanh", rng=0)
    optimizer = make(model.parameters())
    first = sweep(model).item()
    for _ in range(20):
        optimizer.step()
        model.zero_grad()
        nn.squared_error(model(X), Y).backward(create_graph=True)
    assert nn.squared_error(model(X), Y).item() < first
    assert all(type(a) is np.ndarray for state in optimizer.state for a in state)
    optimizer.zero_grad()
    assert all(p.grad is None for p in model.parameters())


def test_fit_takes_every_optimizer():
    for make in MADE.values():
        model = nn.MLP([3, 4, 2], "tanh", rng=0)
        history = nn.fit(model, (X, Y), loss=nn.squared_error, optimizer=make(model.parameters()), epochs=5)
        assert history.loss[-1] < history.loss[0]


def test_numbers_may_be_assigned_between_steps():
    w = nn.Parameter([1.0])
    sgd = nn.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.1)
    sgd.momentum, sgd.weight_decay, sgd.lr = 0, np.float64(0.5), 0.2
    assert sgd.numbers() == (0.2, 0.0, 0.5)
    assert all(type(n) is float for n in sgd.numbers())
    sgd.momentum = 0.5  # it was made with momentum
    assert sgd.numbers() == (0.2, 0.5, 0.5)
    adam = nn.AdamW([w], lr=0.1)
    adam.eps, adam.weight_decay = 1e-3, 0.5
    assert adam.numbers() == (0.1, 1e-3, 0.9, 0.999, 0.95)
    with pytest.raises(AttributeError):
        adam.betas = (0.5, 0.5)


@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay"])
@pytest.mark.parametrize("value", [-1, np.nan, np.inf, "0.1", None, 1j, [0.1, 0.2]])
def test_a_wrong_number_is_told_so_at_assignment_and_not_taken(name, value):
    sgd = nn.SGD([nn.Parameter([1.0])], lr=0.1, momentum=0.9, weight_decay=0.1)
    with pytest.raises((TypeError, ValueError), match=f"SGD: {name} is "):
        setattr(sgd, name, value)
    assert sgd.numbers() == (0.1, 0.9, 0.1)


def test_a_term_that_was_left_out_stays_out():
    """A step that was compiled has no line for it."""
    sgd, adamw = nn.SGD([nn.Parameter([1.0])], lr=0.1), nn.AdamW([nn.Parameter([1.0])], weight_decay=0)
    assert (sgd.terms, adamw.terms, sgd.slots, adamw.slots) == (set(), set(), 0, 2)
    sgd.momentum = 0
    with pytest.raises(ValueError, match=r"SGD: momentum is 0\.9, but this optimizer was made without it"):
        sgd.momentum = 0.9
    with pytest.raises(ValueError, match=r"AdamW: weight_decay is 0\.9, but this optimizer was made without it"):
        adamw.weight_decay = 0.9
    assert sgd.momentum == adamw.weight_decay == 0


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"momentum": 0.5, "nesterov": True}])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_complex_parameter_descends_as_its_two_parts_do(options, decay):
    """The engine's gradient of a real function is d/dx - i d/dy: a step against that climbs in the imaginary part."""
    w, x, y = nn.Parameter([3 - 4j, 1 + 2j]), nn.Parameter([3.0, 1.0]), nn.Parameter([-4.0, 2.0])
    one, two = (nn.SGD(p, lr=0.1, weight_decay=decay, **options) for p in ([w], [x, y]))
    first = np.sum(np.abs(w.data - (1 + 1j)))
    for _ in range(100):
        one.zero_grad(), two.zero_grad()
        np.sum(np.abs(w - (1 + 1j)) ** 2).backward()
        np.sum((x - 1) ** 2 + (y - 1) ** 2).backward()
        one.step(), two.step()
        np.testing.assert_allclose(w.data, x.data + 1j * y.data, rtol=1e-12)
    assert np.sum(np.abs(w.data - (1 + 1j))) < first / 5


def test_a_large_parameter_s_stale_graph_notices():
    w = nn.Parameter(np.ones((300, 300)))
    stale = np.sum(w * w)
    array, w.grad = w.data, np.ones((300, 300))
    nn.SGD([w], lr=0.5).step()
    assert w.data is array and np.all(array == 0.5)
    with pytest.raises(ag.errors.OverwrittenError):
        stale.backward()


@pytest.mark.parametrize("size", [3, 90_000])
def test_a_complex_gradient_of_a_real_parameter_is_refused(size):
    w = nn.Parameter(np.ones(size))
    w.grad = np.full(size, 1 + 1j)
    with pytest.raises(ag.errors.DTypeError, match="complex128 values do not fit"):
        nn.SGD([w], lr=0.1, momentum=0.9).step()
    assert np.all(w.data == 1)


def test_an_optimizer_of_one_s_own():
    class Normed(nn.Optimizer):
        """Momentum on the sign, the rate falling as 1 / t."""

        slot_names, number_names = ("mean",), ("rate",)

        def numbers(self, t=None):
            return (self.lr / (self.steps + 1 if t is None else t),)

        def update(self, p, g, state, rate):
            mean = 0.5 * state[0] + np.sign(g)
            return p - rate * mean, (mean,)

    optimizer = Normed([nn.Parameter([1.0])], lr=0.5)
    values = run(optimizer, [np.array([3.0]), np.array([7.0])])
    assert [v[0] for v in values] == [1 - 0.5, 1 - 0.5 - 0.25 * 1.5]
    with pytest.raises(ValueError, match="Normed: lr is -1"):
        optimizer.lr = -1
    bare = nn.Optimizer([nn.Parameter([1.0])], lr=0.1)
    with pytest.raises(NotImplementedError, match=r"Optimizer has no update\(\)"):
        run(bare, [np.array([3.0])])


# -------------------------------------------------------------------------------------------- parameter groups


def two_groups(cls=nn.SGD, **options):
    a, b = nn.Parameter([1.0, 2.0], name="a"), nn.Parameter([[3.0]], name="b")
    return (a, b), cls([{"params": [a], "lr": 0.5}, {"params": [b]}], lr=0.1, **options)


def test_each_group_steps_with_its_own_numbers():
    (a, b), opt = two_groups(weight_decay=0.5)
    a.grad, b.grad = np.array([1.0, 1.0]), np.array([[1.0]])
    opt.step()
    assert a.data.tolist() == [1 - 0.5 * 1.5, 2 - 0.5 * 2] and b.data.tolist() == [[3 - 0.1 * 2.5]]
    assert [g.lr for g in opt.groups] == [0.5, 0.1] and isinstance(opt, nn.Optimizer)
    assert opt.parameters == [a, b] and all(isinstance(g, nn.SGD) for g in opt.groups)


def test_a_group_may_have_a_term_that_the_others_lack():
    a, b = nn.Parameter([1.0]), nn.Parameter([1.0])
    opt = nn.SGD([{"params": [a], "weight_decay": 0.5, "momentum": 0.9}, {"params": b and [b]}], 0.1)
    for _ in range(2):
        a.grad, b.grad = np.zeros(1), np.zeros(1)
        opt.step()
    assert b.data[0] == 1 and a.data[0] < 1 and [len(g.state[0]) for g in opt.groups] == [1, 0]


def test_groups_of_several_kinds_equal_the_optimizers_one_after_the_other():
    models = [nn.MLP([3, 4, 2], "tanh", rng=0) for _ in range(2)]
    (first, second), separate = models, []
    groups = nn.Groups([nn.SGD(first[0].parameters(), 0.1, 0.9), nn.Adam(first[2].parameters(), 0.01)])
    separate = [nn.SGD(second[0].parameters(), 0.1, 0.9), nn.Adam(second[2].parameters(), 0.01)]
    for _ in range(5):
        sweep(first)
        groups.step()
        sweep(second)
        for optimizer in separate:
            optimizer.step()
    for p, q in zip(first.parameters(), second.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    groups.zero_grad()
    assert all(p.grad is None for p in first.parameters())


def test_one_optimizer_is_its_own_only_group():
    opt = nn.SGD([nn.Parameter([1.0])], lr=0.1)
    assert opt.groups == (opt,)


def test_no_group_steps_if_one_gradient_is_of_a_wrong_shape():
    (a, b), opt = two_groups()
    a.grad = np.ones(2)
    b.grad = np.ones(3)
    with pytest.raises(ag.errors.ShapeError, match="gradient of b has shape"):
        opt.step()
    assert a.data.tolist() == [1, 2]


def test_numbers_of_groups_are_read_and_assigned_in_the_groups():
    _, opt = two_groups()
    with pytest.raises(AttributeError, match=r"each group has its own lr\. Read opt\.groups\[0\]\.lr"):
        _ = opt.lr
    with pytest.raises(AttributeError, match=r"for group in opt\.groups: group\.lr = 0\.3"):
        opt.lr = 0.3
    with pytest.raises(AttributeError, match="Groups has no attribute 'rate'"):
        _ = opt.rate
    opt.groups[1].lr = 0.3
    assert [g.lr for g in opt.groups] == [0.5, 0.3]


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))], ids=["deepcopy", "pickle"])
def test_groups_can_be_copied(travel):
    (_, _), opt = two_groups(nn.Adam)
    other = travel(opt)
    assert [g.lr for g in other.groups] == [0.5, 0.1] and other.parameters[0] is other.groups[0].parameters[0]
    assert other.parameters[0] is not opt.parameters[0]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda a, b: nn.SGD([{"params": [a]}, {"params": [a, b]}], 0.1), ValueError, "a is in two groups"),
        (lambda a, b: nn.SGD([{"parameters": [a]}], 0.1), TypeError, "must be a dict with params"),
        (lambda a, b: nn.SGD([{"params": [a]}, b], 0.1), TypeError, "one of the groups is a Parameter"),
        (lambda a, b: nn.SGD([{"params": [a], "rate": 1}], 0.1), TypeError, "gives 'rate', which SGD does not know"),
        (lambda a, b: nn.SGD([{"params": []}], 0.1), ValueError, "SGD got no parameters"),
        (lambda a, b: nn.SGD([{"params": [a], "lr": 0}], 0.1), ValueError, "lr is 0"),
        (lambda a, b: nn.Groups([]), ValueError, "Groups got no optimizers"),
        (lambda a, b: nn.Groups([a, b]), TypeError, "one of the optimizers is a Parameter"),
        (lambda a, b: nn.Groups([nn.LBFGS([a])]), TypeError, "must be an optimizer that steps from gradients"),
    ],
)
def test_groups_that_make_no_sense(make, error, message):
    with pytest.raises(error, match=message):
        make(nn.Parameter([1.0], name="a"), nn.Parameter([1.0], name="b"))


# ------------------------------------------------------------------------------------------------- state_dict


@each
def test_from_its_state_another_optimizer_goes_on_bit_for_bit(make):
    first = make([nn.Parameter(START), nn.Parameter([1.0])])
    run(first, GRADIENTS[:5])
    state = first.state_dict()
    second = make([nn.Parameter(first.parameters[0].data), nn.Parameter([1.0])])
    second.load_state_dict(state)
    np.testing.assert_array_equal(run(second, GRADIENTS[5:]), run(first, GRADIENTS[5:]))
    assert (second.steps, second.missed) == (first.steps, first.missed)


def test_a_state_holds_copies_and_the_numbers_as_they_were_assigned():
    (a, _), opt = two_groups(nn.Adam)
    opt.groups[0].lr = 0.25
    a.grad = np.ones(2)
    opt.step()
    state = opt.state_dict()
    kept = [array.copy() for array in state["groups"][0]["state"][0]]
    opt.step()
    np.testing.assert_array_equal(state["groups"][0]["state"][0], kept)
    _, other = two_groups(nn.Adam)
    other.load_state_dict(state)
    assert other.groups[0].lr == 0.25 and other.groups[0].steps == 1 and other.groups[1].missed == [1]
    np.testing.assert_array_equal(other.groups[0].state[0], kept)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (
            lambda a: nn.Adam([a], betas=(0.5, 0.9)),
            r"with \{'betas': \[0.9, 0.999\], 'terms': \[\]\}, and this is Adam",
        ),
        (lambda a: nn.AdamW([a]), "the state is of Adam .* Make the optimizer as it was"),
        (lambda a: nn.Adam([a, nn.Parameter([1.0])]), "does not fit the 2 here"),
        (lambda a: nn.Adam([nn.Parameter([[1.0]])]), "does not fit the 1 here in number or shapes"),
    ],
)
def test_a_state_of_another_optimizer_is_refused_and_changes_nothing(other, message):
    a = nn.Parameter([1.0, 2.0])
    state = nn.Adam([a]).state_dict()
    opt = other(a)
    before = repr(opt.state_dict())
    with pytest.raises(ValueError, match=message):
        opt.load_state_dict(state)
    with pytest.raises(ValueError, match=r"must be what .*state_dict\(\) returns"):
        opt.load_state_dict({"lr": 1})
    assert repr(opt.state_dict()) == before


def test_groups_take_a_state_whole_or_not_at_all():
    (a, _), opt = two_groups(nn.Adam)
    state = opt.state_dict()
    a.grad = np.ones(2)
    opt.step()
    before = repr(opt.state_dict())
    state["groups"][1]["kind"] = "SGD"
    with pytest.raises(ValueError, match="the state is of SGD"):
        opt.load_state_dict(state)
    with pytest.raises(ValueError, match="of as many groups, 2"):
        opt.load_state_dict({"kind": "Groups", "groups": []})
    assert repr(opt.state_dict()) == before


def test_an_optimizer_shows_its_numbers():
    (_, _), opt = two_groups()
    assert repr(opt.groups[1]) == "SGD(1 parameters of 1 numbers, lr=0.1, momentum=0, weight_decay=0)"
    assert repr(opt).startswith("Groups(\n  SGD(")
