"""ag.why: where the path back is lost, or the gradient dies."""

import numpy as np
import pytest

import autograd_mini as ag
import nn


def leaf(data, name="x"):
    return ag.Tensor(np.array(data, float), requires_grad=True, name=name)


W = leaf([1.0, 2.0, 3.0], "w")


def off(x):
    with ag.no_grad():
        h = np.tanh(x)
    return (h * W).sum()


def taken_out(x):
    h = x * 2
    return (ag.Tensor(h.numpy()) * W).sum()


def split(x):
    _, b = np.split(np.concatenate([x, W]), 2)
    return b.sum()


@ag.primitive
def scaled(a, scale):
    return a * scale


ag.defvjp(scaled, lambda g, y, _a, scale: g * scale, None)

# function of x: what is found without debug, and with it; the line (a piece of it) and other pieces
LOST = {
    "detached result": (lambda x: (x * 2).detach().sum() * 3, "no path", "detached", ["it was detached"]),
    "detached leaf": (lambda x: (x.detach() * W).sum(), "detached", "detached", ["it was detached"]),
    "stop_gradient": (lambda x: (ag.stop_gradient(x * x) * W).sum(), "no path", "detached", ["it was detached"]),
    "recording off": (off, "no path", "recording off", ["recording was off", "h = np.tanh(x)"]),
    "floor": (lambda x: np.floor(x).sum(), "no path", "constant", ["np.floor is constant"]),
    "comparison": (lambda x: ((x > 0) * W).sum(), "no path", "constant", ["np.greater is constant"]),
    "argmax": (lambda x: W[np.argmax(x)], "no path", "constant", ["np.argmax is constant"]),
    "constant operand": (lambda x: scaled(W, x).sum(), "constant", "constant", ["scaled has no derivative", "x"]),
    "constant operand alone": (lambda x: scaled(2.0, x), "no path", "constant", ["scaled has no derivative"]),
    "numpy()": (taken_out, "no path", "no path", ["left the graph by .numpy()", "h.numpy()"]),
    "item()": (lambda x: W * (x * x).sum().item(), "no path", "no path", ["left the graph by .item()"]),
    "data": (lambda x: W * x.data, "no path", "no path", ["left the graph by .data"]),
    "never used": (lambda x: W.sum(), "no path", "no path", ["computed from w, and not from it"]),
    "two ways, both cut": (
        lambda x: (x.detach() * W + np.floor(x)).sum(),
        "detached",
        "detached",
        ["it was detached", "np.floor is constant"],
    ),
}

ZERO = {
    "dead relu": (lambda x: nn.relu(x - 100).sum(), "dead", ["nn.functional.relu", "from -99 to -97", "no unit"]),
    "dead maximum": (lambda x: np.maximum(x - 9, 0).sum(), "dead", ["np.maximum", "other side"]),
    "clipped": (lambda x: np.clip(x, 5, 6).sum(), "dead", ["np.maximum"]),
    "saturated tanh": (lambda x: np.tanh(x * 1e3).sum(), "saturated", ["np.tanh", "from 1000 to 3000", "limit"]),
    "saturated sigmoid": (lambda x: nn.sigmoid(x - 1000).sum(), "saturated", ["nn.functional.sigmoid"]),
    "masked by where": (lambda x: np.where(np.zeros(3, bool), x, 0).sum(), "masked", ["np.where", "selects"]),
    "masked by a product": (lambda x: (x * np.zeros(3)).sum(), "masked", ["np.multiply", "is 0"]),
    "masked by a matrix": (lambda x: (np.zeros((2, 3)) @ x).sum(), "masked", ["np.matmul", "is 0"]),
    "underflow": (lambda x: ((x * 1e-200) * 1e-200).sum(), "underflow", ["np.multiply", "too small"]),
    "cancelled": (lambda x: (x - x).sum(), "cancelled", ["several ways adds up to 0", "at x"]),
    "cancelled further up": (lambda x: (lambda h: (h - h).sum())(np.exp(x)), "cancelled", ["at np.exp"]),
    "not used": (split, "unused", ["np.concatenate", "the cotangent is 0"]),
    "a relu that is alive elsewhere": (lambda x: (nn.relu(x - 2) * [1.0, 1.0, 0.0]).sum(), "unused", ["relu"]),
    "at a minimum": (lambda x: ((x - x.detach()) ** 2).sum(), "zero", ["np.power", "derivative is 0"]),
    "an output without slope": (
        lambda x: np.linalg.slogdet(np.outer(x, x) + np.eye(3))[0] * leaf(1.0, "s"),
        "zero",
        ["np.linalg.slogdet"],
    ),
    "two ways, both dead": (
        lambda x: (nn.relu(x - 9) + np.minimum(x, -9)).sum(),
        "dead",
        ["by another way"],
    ),
}


@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
@pytest.mark.parametrize("name", LOST)
def test_the_place_where_a_path_is_lost(name, debug):
    function, kind, watched, pieces = LOST[name]
    x = leaf([1.0, 2.0, 3.0])
    with ag.debug() if debug else ag.scope("s"):
        y = function(x)
    reason = ag.why(y, x)
    assert repr(reason).startswith("The gradient is None")
    assert reason.kind == (watched if debug else kind)
    if debug:
        assert all(piece in repr(reason) for piece in pieces)
        assert "test_reasons.py:" in repr(reason) or name == "never used"
    assert not y.requires_grad or not ag.gradients(np.sum(y), [x])[0].any()


@pytest.mark.parametrize("debug", [False, True], ids=["plain", "debug"])
@pytest.mark.parametrize("name", ZERO)
def test_the_place_where_a_gradient_dies(name, debug):
    function, kind, pieces = ZERO[name]
    x = leaf([1.0, 2.0, 3.0])
    with ag.debug() if debug else ag.scope("s"):
        y = function(x)
    reason = ag.why(y, x)
    assert reason.kind == kind
    assert repr(reason).startswith("The gradient is zero")
    assert all(piece in repr(reason) for piece in pieces)
    assert (reason.place is not None) == (debug and name != "cancelled")
    np.testing.assert_array_equal(ag.gradients(y, [x])[0], np.zeros(3))


def test_a_gradient_that_is_not_zero_is_not_accused():
    x = leaf([1.0, 2.0, 3.0])
    y = (x**2).sum()
    assert ag.why(y, x).kind == "not zero"
    assert "x.grad is None because no backward() has reached it" in repr(ag.why(y, x))
    y.backward()
    assert "grad is None" not in repr(ag.why(y, x))
    assert ag.why(x, x).kind == "not zero"


def test_entries_that_are_zero_are_counted_with_what_stops_them():
    x = leaf([1.0, 2.0, 3.0])
    reason = ag.why(nn.relu(x - 1.5).sum(), x)
    assert reason.kind == "partly zero"
    assert "zero in 1 of 3 entries" in repr(reason) and "relu stops it in 1 of 3 entries" in repr(reason)


@pytest.mark.parametrize("move", [np.transpose, np.flipud, lambda t: t @ np.array([[0.0, 1.0], [1.0, 0.0]])])
def test_what_moves_entries_stops_none(move):
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    reason = repr(ag.why((nn.relu(move(x) - 1.5) * [[1.0, 2.0], [3.0, 4.0]]).sum(), x))
    assert reason.count("stops it") == 1 and "relu stops it in 1 of 4 entries" in reason


def test_an_intermediate_value_keeps_no_gradient_unless_asked():
    x = leaf([1.0, 2.0])
    h = x * 2
    y = (h * h).sum()
    assert ".retain_grad()" in repr(ag.why(y, h))
    h.retain_grad()
    assert ".retain_grad()" not in repr(ag.why(y, h))


def test_a_tensor_that_requires_no_gradient():
    x = ag.Tensor([1.0, 2.0], name="data")
    y = (x * leaf([1.0, 2.0])).sum()
    assert ag.why(y, x).kind == "not asked" and "requires_grad=True" in repr(ag.why(y, x))
    x.requires_grad = True
    assert "switched on after y had been computed" in repr(ag.why(y, x))
    assert "int64" in repr(ag.why(y, ag.Tensor([1, 2])))
    assert ag.why(y, leaf([1.0]).detach()).kind == "detached"
    with ag.debug():
        floor = np.floor(leaf([1.0]))
    assert ag.why(y, floor).kind == "constant"


def test_a_result_that_was_not_recorded():
    x = leaf([1.0, 2.0])
    assert "inside `with ag.debug():`" in repr(ag.why(np.floor(x), x))
    assert "inside `with ag.debug():`" in repr(ag.why(ag.Tensor(3.0), x))


def test_a_dead_layer_of_a_model_is_named():
    model = nn.MLP([2, 3, 1], activation="relu", rng=0)
    weight, bias = model.parameters()[:2]
    bias.data = [-100.0, -100.0, -100.0]
    y = nn.squared_error(model(np.ones((4, 2))), np.ones((4, 1)))
    reason = ag.why(y, weight)
    assert reason.kind == "dead" and "on the way to W1" in repr(reason) and "in scope layer1" in repr(reason)


def test_asking_changes_nothing():
    x = leaf([1.0, 2.0])
    y = nn.relu(x - 9).sum()
    ag.why(y, x)
    assert x.grad is None
    y.backward(retain_graph=False)
    with pytest.raises(ag.errors.GraphFreedError):
        ag.why(y, x)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match=r"why\(y, x\): x is ndarray, but must be a Tensor"):
        ag.why(leaf(1.0), np.ones(2))


def test_a_leaf_that_was_frozen_in_between_still_has_its_gradient():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    x.requires_grad = False
    assert ag.why(y, x).kind == "not zero"
    x.requires_grad = True
    assert ag.why(y, x).kind == "not zero"
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_a_hook_that_returns_zero_is_named():
    x = leaf([1.0, 2.0])
    h = x * 2
    h.register_hook(lambda g: g * 0)
    assert ag.why(h.sum(), x).kind == "hook"


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda x: np.logaddexp(x * 1e3, 1e9).sum(), "zero"),  # not masked: it is no product
        (lambda x: (x**0).sum(), "zero"),
        (lambda x: np.outer(x, [1.0, -1.0]).sum(), "cancelled"),
        (lambda x: x[:0], "zero"),
        (lambda x: np.modf(x)[1].sum() * W.sum(), "zero"),
    ],
)
def test_a_cause_is_not_guessed(function, kind):
    x = leaf([1.0, 2.0, 3.0])
    assert ag.why(function(x), x).kind == kind


def test_values_that_were_assigned_over_are_named():
    x = leaf([1.0, 2.0])
    t = x * 1
    t[...] = 5.0
    assert ag.why(t.sum(), x).kind == "overwritten"


def test_a_detached_value_that_leaves_the_graph_is_named():
    x = leaf([1.0, 2.0])
    with ag.debug():
        v = x.detach().numpy()
        y = (ag.Tensor(v) * leaf([1.0, 2.0], "w")).sum()
    assert "left the graph by .numpy()" in repr(ag.why(y, x))


def test_integer_outputs_of_a_tuple_are_cut():
    x = leaf([1.0, 2.0, 3.0])
    with ag.debug():
        y = (np.frexp(x)[1] * W).sum()
    assert ag.why(y, x).kind == "constant"
