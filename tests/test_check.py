"""gradcheck finds planted mistakes and says where they are; right rules and right functions pass."""

from collections import namedtuple

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.check import gradcheck
from autograd_mini.table import TABLE

from .makers import rule

A = np.array([[0.3, -1.2, 0.8], [1.5, 0.4, -0.6], [-0.9, 1.1, 0.2]])
B = np.array([[0.7, -0.3, 1.9, 0.5], [-1.4, 0.6, 0.1, 1.2], [0.9, -0.8, 0.4, -1.1]])
Point = namedtuple("Point", "x y")


pytestmark = pytest.mark.usefixtures("table_is_left_as_found")


def message(f, *inputs, **kwargs):
    with pytest.raises(errors.GradcheckError) as caught:
        gradcheck(f, *inputs, **kwargs)
    return str(caught.value)


def square(x):
    return x * x


def product(a, b):
    return a @ b


def detached(x):
    return x.detach() if isinstance(x, ag.Tensor) else x


# --- what is right passes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (np.tanh, [A]),
        (np.sin, [0.7]),
        (product, [A, B]),
        (lambda a, b: np.sum(a * b, axis=0), [A, A[0]]),
        (lambda x: np.exp(x - ag.logsumexp(x, axis=1, keepdims=True)), [A]),
        (lambda x: x[[0, 0, 2], 1:], [A]),
        (lambda x: 3.0, [A]),
        (lambda x: np.sum(x) * 1e9 + 1e12, [A]),
        (lambda x: x * x * 1e-9, [A * 1e-6]),
    ],
)
def test_right_gradients_pass(f, inputs, order):
    assert gradcheck(f, *inputs, order=order) is True


def test_right_rule_passes():
    cube = rule(lambda x: x**3, lambda g, _y, x: g * 3 * x**2)
    dot = rule(product, lambda g, _y, _a, b: g @ b.T, lambda g, _y, a, _b: a.T @ g)
    assert gradcheck(lambda a, b: cube(dot(a, b)), A, B, order=2)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.log, [1e-9, 1e-5, 1.0, 1e9]),
        (np.sqrt, [1e-9, 1e-5, 1.0, 1e9]),
        (lambda x: np.sin(1000 * x), [0.1, 5.0]),
        (lambda x: np.exp(-1 / x), [0.02, 0.5]),
        (np.arccos, [1 - 1e-6, 0.0]),
        (np.abs, [1e-5, -1e-5]),
    ],
)
def test_step_adapts_to_edges_and_scales(f, x, order):
    assert gradcheck(f, np.array(x), order=order)


def test_trees_in_and_out():
    def f(p, scale):
        return {"a": p["w"][0] * scale, "b": (np.sum(p["w"][1]), p["p"].x), "n": 3, "label": "text"}

    assert gradcheck(f, {"w": [A, B], "p": Point(2.0, 3.0)}, 1.5, order=2)


def test_many_entries_are_sampled():
    x = np.linspace(-1, 1, 3000).reshape(60, 50)
    calls = []

    def f(x):
        calls.append(1)
        return np.tanh(x @ x.T)

    assert gradcheck(f, x)
    assert len(calls) < 500


def test_a_report_calls_f_some_dozens_of_times_per_entry():
    calls = []

    def f(x):
        calls.append(1)
        return np.sin(x)

    message(rule(lambda x: f(x), lambda g, _y, x: g * 2 * np.cos(x)), np.linspace(0.5, 1.5, 40))
    assert len(calls) < 2000  # 72 for each entry were too many


def test_works_inside_no_grad_and_with_parameters():
    w = ag.Tensor(A, requires_grad=True)
    with ag.no_grad():
        assert gradcheck(lambda x: np.tanh(w @ x), B, order=2)
    assert gradcheck(lambda x: np.tanh(w @ x), B, order=2)
    assert w.grad is None


def test_a_constant_tensor_is_an_input_like_an_array():
    assert gradcheck(np.sin, ag.Tensor(A))


def test_empty_arrays_pass():
    assert gradcheck(np.sin, np.zeros((0, 3)))


def test_inputs_are_left_alone():
    x = A.copy()
    gradcheck(np.tanh, x, order=2)
    np.testing.assert_array_equal(x, A)


# --- planted mistakes ---------------------------------------------------------------------------------------


def test_factor_two():
    text = message(rule(square, lambda g, _y, x: g * x), A)
    assert "9 of 9 compared entries" in text
    assert "argument 0, index (" in text
    assert "ratio 0.5" in text
    assert "relative error 0.5" in text
    assert "same factor, 0.5" in text
    assert "test_check.square" in text


def test_numbers_in_the_message_are_the_derivatives():
    text = message(lambda x: np.sum(rule(square, lambda g, _y, x: g * x * [[1, 1, 1], [1, 3, 1], [1, 2, 2]])(x)), A)
    numbers = dict(part.split(" ")[:2] for part in text.splitlines()[1].split(": ")[-1].split(", "))
    assert "index (1, 1)" in text or "index (0, 0)" in text
    assert abs(float(numbers["analytic"]) / float(numbers["numeric"]) - float(numbers["ratio"])) < 1e-5


def test_sign():
    text = message(rule(np.cos, lambda g, _y, x: g * np.sin(x)), A)
    assert "ratio -1" in text
    assert "sign is wrong" in text


@pytest.mark.parametrize("wrong", [0, 1])
def test_transposed_operand(wrong):
    right = [lambda g, _y, _a, b: g @ b.T, lambda g, _y, a, _b: a.T @ g]
    missing = [lambda g, _y, _a, b: g @ b, lambda g, _y, a, _b: a @ g]
    vjps = [missing[i] if i == wrong else right[i] for i in range(2)]
    text = message(rule(product, *vjps), A, A.T + 1)
    assert f"wrong: argument {wrong}; right: argument {1 - wrong}" in text
    assert f"worst: argument {wrong}, index (" in text
    assert "test_check.product" in text


def test_transposed_result():
    text = message(rule(lambda x: x.T * 1, lambda g, _y, _x: g), A)
    assert "right numbers stand in the wrong places" in text


def test_missing_broadcast_sum():
    f = rule(lambda a, b: a + b, lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g)
    text = message(f, B, B[0])
    assert "RuleError" in text
    assert "(3, 4)" in text
    assert "(4,)" in text


def test_broadcast_sum_over_the_wrong_axis():
    f = rule(lambda a, b: a + b, lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: np.sum(g, axis=1))
    text = message(f, A, A[0])
    assert "wrong: argument 1; right: argument 0" in text


def test_mean_for_sum():
    f = rule(lambda a, b: a + b, lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: np.mean(g, axis=0))
    text = message(f, B, B[0])
    assert "same factor, 0.333333" in text
    assert "mean that should be a sum" in text


def test_dropped_cotangent():
    text = message(rule(np.exp, lambda g, y, _x: y), B)
    assert "drops its g" in text


def test_dropped_cotangent_is_found_below_a_sum():
    message(lambda x: np.sum(rule(np.exp, lambda g, y, _x: y)(x)), B)


def test_wrong_axis():
    f = rule(lambda x: np.cumsum(x, 0), lambda g, _y, _x: np.flip(np.cumsum(np.flip(g, 1), 1), 1))
    assert "argument 0, index (" in message(f, A)


def test_missing_vjp():
    text = message(rule(lambda a, b: a * b, lambda g, _y, _a, b: g * b, None), A, A + 1)
    assert "wrong: argument 1" in text
    assert "gives 0 where f varies" in text


def test_detached_value_in_the_function():
    text = message(lambda x: np.sum(x.detach() * 2 if isinstance(x, ag.Tensor) else x * 2), A)
    assert "gives 0 where f varies" in text
    assert "nothing was recorded" in text


def test_cotangent_where_nothing_depends():
    text = message(rule(lambda x: x[:1] * 1, lambda g, _y, _x: np.concatenate([g, g, g])), A)
    assert "6 of 9" in text
    assert "f does not vary there" in text


def test_nan_in_a_rule():
    text = message(rule(square, lambda g, y, x: g * y / x * 2), np.array([0.0, 1.0]))
    assert "analytic nan" in text
    assert "index (0,)" in text
    assert "0/0" in text


def test_place_in_a_tree():
    wrong = rule(square, lambda g, _y, x: g * x)
    text = message(
        lambda p, s: wrong(p["layers"][1].x) @ p["layers"][0].y * s, {"layers": [Point(A, B), Point(A, B)]}, 2.0
    )
    assert "worst: argument 0['layers'][1].x, index (" in text
    assert "right: argument 0['layers'][0].x, argument 0['layers'][0].y" in text
    assert "argument 1" in text.split("right: ")[1]


def test_way_from_there_names_the_functions():
    wrong = rule(square, lambda g, _y, x: g * x)
    text = message(lambda x, y: np.sum(np.tanh(wrong(x))) + np.sum(np.exp(y)), A, B)
    assert "square, np.tanh, np.sum" in text
    assert "np.exp" not in text


@pytest.mark.parametrize("at", [(0, 0), (17, 33), (59, 49)])
def test_one_wrong_entry_among_thousands_is_found(at):
    x = np.linspace(0.5, 1.5, 3000).reshape(60, 50)
    mask = np.ones(x.shape)
    mask[at] = 1.01
    wrong = rule(square, lambda g, _y, x: g * 2 * x * mask)
    for f in (wrong, lambda x: np.sum(wrong(x))):
        assert f"index {at}" in message(f, x)


def test_wrong_argument_among_several_large_ones():
    x = np.linspace(0.5, 1.5, 200)
    f = rule(lambda a, b, c: a * b * c, *[
        lambda g, _y, _a, b, c: g * b * c,
        lambda g, _y, a, _b, c: g * a,
        lambda g, _y, a, b, _c: g * a * b,
    ])  # fmt: skip
    text = message(f, x, x + 1, x + 2)
    assert "wrong: argument 1; right: argument 0, argument 2" in text


def test_error_of_one_in_a_hundred_thousand_is_found():
    message(rule(square, lambda g, _y, x: g * 2.00002 * x), A)


def test_small_errors_pass_only_if_tolerances_allow():
    wrong = rule(square, lambda g, _y, x: g * 2.001 * x)
    message(wrong, A)
    assert gradcheck(wrong, A, rtol=1e-2)


def test_same_seed_same_message():
    wrong = rule(square, lambda g, _y, x: g * x)
    assert message(wrong, A) == message(wrong, A)
    assert message(wrong, A) != message(wrong, A, seed=1)


@pytest.mark.parametrize(
    "used",
    [
        np.abs,
        lambda g: np.clip(g, 0, 1.2),
        lambda g: np.clip(g, -10, 10),
        lambda g: np.where(np.abs(g) < 0.01, 0, g),
        lambda g: np.where(g > 0, g, 3 * g),
    ],
)
@pytest.mark.parametrize("around", [lambda y: y, lambda y: np.tanh(y / 9)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_rule_that_is_not_linear_in_g_is_found_behind_a_scalar(used, around, seed):
    f = rule(lambda x: np.sum(x * x), lambda g, _y, x: used(g) * 2 * x)
    text = message(lambda x: around(f(x)), np.ones(3), seed=seed)
    assert "wrong rule: " in text
    assert "<lambda>, operand x, shape (3,)" in text
    assert "linear in g" in text


@pytest.mark.parametrize("size", [(2, 3), (40, 40)])
def test_a_rule_that_clips_g_is_found_behind_an_array(size):
    f = rule(lambda x: np.tanh(x), lambda g, y, _x: np.clip(g, -2, 2) * (1 - y * y))
    text = message(f, np.linspace(-1, 1, np.prod(size)).reshape(size))
    assert text.startswith("gradient: it is not linear in the cotangent: for -1024 times the cotangent")
    assert "The rule is not linear in g: for -1024 * g" in text


def test_a_rule_that_is_not_linear_in_g_is_found_at_second_order():
    def vjp(g, _y, x):
        return g * np.cos(x) if isinstance(g, np.ndarray) else np.abs(g) * np.cos(x)

    message(rule(lambda x: np.sin(x), vjp), A, order=2)


def test_a_hook_that_clips_is_no_mistake():
    def f(x):
        y = np.sin(x)
        if isinstance(y, ag.Tensor) and y.requires_grad:
            y.register_hook(lambda g: np.clip(g, -10, 10))
        return y

    assert gradcheck(f, A)


def test_a_rule_that_is_random():
    rng = np.random.default_rng(0)
    text = message(rule(square, lambda g, _y, x: g * 2 * x * rng.uniform(0.9, 1.1)), A)
    assert "for the same g it does not give the same again" in text


def times_equals(g, _y, x):
    g *= np.cos(x)
    return g


def assigns(g, _y, x):
    g[...] = g * np.cos(x)
    return g


def through_a_view(g, _y, x):
    flat = g.reshape(-1)
    flat *= np.cos(x).ravel()
    return g


@pytest.mark.parametrize("vjp", [times_equals, assigns, through_a_view])
@pytest.mark.parametrize("around", [lambda y: y, np.sum, lambda y: np.tanh(y) + 1])
def test_a_rule_that_writes_into_its_cotangent_is_named(vjp, around):
    f = rule(lambda x: np.sin(x), vjp)
    with ag.debug():  # which hands read-only cotangents out by itself
        assert "<lambda> for its operand x writes into its cotangent" in message(lambda x: around(f(x)), A)
    text = message(lambda x: around(f(x)), A)
    assert "test_check.<lambda> for its operand x writes into its cotangent, which others share. Write g = g * " in text


def test_a_rule_that_writes_into_one_of_several_cotangents_is_named():
    def vjp(g, _y, x):
        g[0][...] *= np.cos(x)
        return g[0] - g[1] * np.sin(x)

    f = rule(lambda x: (np.sin(x), np.cos(x)), vjp)
    assert "writes into its cotangent" in message(f, A)


def test_a_rule_that_writes_into_what_it_reads_is_named():
    def operand(g, _y, x):
        p = g * np.cos(x)
        x += 1
        return p

    def result(g, y, _x):
        y *= y
        return g * 0.5 / np.sqrt(y)

    assert "writes into the operand x" in message(rule(lambda x: np.sin(x), operand), A)
    assert "writes into the result y" in message(rule(lambda x: np.sqrt(x), result), np.abs(A))


def test_rules_are_left_as_they_were():
    w = np.tanh(ag.Tensor(A, requires_grad=True))
    before = w.node.rule
    assert gradcheck(lambda x: w @ x, B)
    message(lambda x: rule(square, lambda g, _y, x: g * x)(w @ x), B)
    assert w.node.rule is before


def test_tensors_that_f_keeps_have_their_own_rules_afterwards():
    kept = []

    def f(x):
        y = np.tanh(x)
        kept.append(y)
        return y * 2

    assert gradcheck(f, A)
    rules = [y.node.rule for y in kept if isinstance(y, ag.Tensor) and y.requires_grad]
    assert rules
    assert all(rule is TABLE[np.tanh] for rule in rules)


@pytest.mark.parametrize("size", [1e-2, 1e-3, 1e-4, 1e-5, 3e-6, 2e-6])
def test_a_small_error_is_not_explained_by_what_fits_anyway(size):
    x = np.linspace(0.5, 1.5, 400).reshape(20, 20)
    noise = size * np.random.default_rng(0).uniform(0.5, 1, x.shape)
    for f in (
        rule(square, lambda g, _y, x: g * 2 * x * (1 + noise)),
        rule(np.trace, lambda g, _y, x: g * np.eye(20) * (1 + noise)),
        lambda x: square(x) + 0 * detached(x) if isinstance(x, np.ndarray) else square(x) * (1 + noise * 0.999),
    ):
        with pytest.raises(errors.GradcheckError) as caught:
            gradcheck(f, x)
        text = str(caught.value)
        assert "wrong places" not in text
        assert "same factor" not in text
        assert "do not settle" not in text


@pytest.mark.parametrize("size", [1e-3, 1e-5, 3e-6, 2e-6])
def test_a_small_factor_is_written_out(size):
    text = message(rule(square, lambda g, _y, x: g * 2 * x * (1 + size)), A)
    assert f"same factor, {1 + size:.10g}" in text
    assert f"ratio {1 + size:.10g}" in text


def test_the_count_of_entries_with_a_cotangent_too_many():
    clip = rule(lambda x: np.clip(x, -0.5, 0.5), lambda g, _y, x: g * (x < 0.5))
    text = message(clip, np.linspace(-2, 2, 8))
    assert "f does not vary there, yet a cotangent arrives: at 3 of 8 entries" in text


def test_two_wrong_rules_of_one_name_are_both_told():
    f = rule(lambda x: np.sin(x), lambda g, _y, x: 2 * g * np.cos(x))
    h = rule(lambda x: np.exp(x), lambda g, y, _x: -g * y)
    text = message(lambda x: f(h(x)), A)
    assert "The sign is wrong" in text
    assert "Wrong by themselves too: " in text
    assert "Wrong by themselves" not in message(lambda x: f(f(x)), A)


# --- second order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vjp",
    [
        lambda g, _y, x: g * 3 * detached(x) ** 2,
        lambda g, _y, x: g * 3 * x * detached(x),
        lambda g, y, x: g * 3 * detached(y) / x,
        lambda g, _y, x: g * 3 * x.data**2 if isinstance(x, ag.Tensor) else g * 3 * x**2,
    ],
)
def test_right_at_first_order_and_wrong_at_second(vjp):
    f = rule(lambda x: x**3, vjp)
    assert gradcheck(f, A)
    text = message(f, A, order=2)
    assert text.startswith("gradient of the gradient: 9 of 18")
    assert "wrong: argument 0; right: the cotangent of output 0" in text
    assert "The order below is right" in text


def test_residual_turned_into_an_array_is_reported():
    f = rule(lambda x: x**3, lambda g, _y, x: g * 3 * np.asarray(x) ** 2)
    assert gradcheck(f, A)
    text = message(f, A, order=2)
    assert "gradient of the gradient" in text
    assert "LostGradientError" in text


def test_detached_cotangent_is_found_at_second_order():
    f = rule(np.exp, lambda g, y, _x: detached(g) * y)
    assert gradcheck(f, A)
    assert "worst: the cotangent of output 0" in message(f, A, order=2)


def test_first_order_mistake_is_reported_as_such():
    assert message(rule(square, lambda g, _y, x: g * x), A, order=2).startswith("gradient: ")


# --- kinks and edges ----------------------------------------------------------------------------------------

relu_vjp = (lambda g, y, _x: g * (y > 0),)


@pytest.mark.parametrize("distance", [0.0, 1e-12, 1e-9, 1e-8])
def test_kink_is_not_called_a_wrong_rule(distance):
    relu = rule(lambda x: np.maximum(x, 0), *relu_vjp)
    text = message(lambda x: relu(x - 1), np.array([2.0, 1 + distance, -1.0]))
    assert "1 of 3" in text
    assert "index (1,)" in text
    assert "a kink may be near" in text
    assert "on the left" in text


@pytest.mark.parametrize("distance", [1e-7, 1e-5, 1e-4, 1e-2])
def test_kink_at_a_distance_does_no_harm(distance):
    relu = rule(lambda x: np.maximum(x, 0), *relu_vjp)
    assert gradcheck(lambda x: relu(x - 1), np.array([1 + distance, 1 - distance]))


def test_jump():
    assert "a kink may be near" in message(np.floor, np.array([1.0, 2.5]))


def test_wrong_rule_far_from_its_kink_is_called_wrong():
    text = message(rule(lambda x: np.maximum(x, 0), lambda g, y, _x: g * (y > 0) * 2), np.array([1.0, 2.0, -1.0]))
    assert "kink" not in text
    assert "same factor, 2" in text


def test_strong_curvature_is_no_kink():
    text = message(rule(lambda x: np.sin(1000 * x), lambda g, _y, x: g * 1001 * np.cos(1000 * x)), np.array([0.3]))
    assert "kink" not in text


def test_edge_of_the_domain():
    with np.errstate(all="ignore"):
        assert "edge of the domain" in message(np.sqrt, np.array([0.0, 1.0]))
        assert "nan or inf at this point" in message(np.log, np.array([-1.0]))


def test_nan_on_one_side_gives_a_report():
    assert "edge of the domain" in message(lambda x: x**1.5, np.array([0.0, 1.0]))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_an_argument_that_is_not_finite_is_refused_with_its_index(value):
    with pytest.raises(errors.GradcheckError, match=rf"argument 0 is {value} at index \(1,\): no difference"):
        gradcheck(np.tanh, np.array([1.0, value]))


def near_singular(distance):
    return np.array([[1, 1 - distance], [1 - distance, 1]])


def test_a_function_that_raises_a_step_away_is_checked_at_smaller_steps():
    calls = []

    def f(x):
        calls.append("called")
        y = np.linalg.cholesky((x + x.T) / 2)
        calls.append("returned")
        return y

    assert gradcheck(f, near_singular(1e-6))
    assert calls.count("called") > calls.count("returned")


def test_a_function_that_raises_at_every_step_lies_at_an_edge():
    text = message(lambda x: np.linalg.cholesky((x + x.T) / 2), near_singular(1e-10))
    assert "f raises a step away: the point lies at an edge" in text
    assert "LinAlgError: " in text
    assert "wrong rule" not in text


def test_quotients_that_nearly_agree_do_not_end_the_search_before_a_kink(distance=1e-7):
    assert gradcheck(lambda x: np.abs(x - 1) * np.exp(x), np.array([1 + distance, 1 - distance]))


# --- not a function of its arguments ------------------------------------------------------------------------


def test_random_function():
    rng = np.random.default_rng(0)
    assert "random" in message(lambda x: x * rng.normal(), A)


def test_function_that_writes_to_its_argument():
    def f(a, b):
        b += 1
        return a * b

    assert "f writes to argument 1" in message(f, A, A)


def test_function_that_depends_on_the_type():
    assert "another value on Tensors" in message(lambda x: x * 3 if isinstance(x, ag.Tensor) else x * 2, A)


def test_function_that_returns_nothing():
    assert "return" in message(lambda x: None, A)
    assert "no real array" in message(lambda x: np.argmax(x), A)


def test_function_that_loses_the_gradient():
    assert "LostGradientError" in message(lambda x: np.sum(np.asarray(x)), A)


def test_function_without_a_rule():
    double = ag.primitive(lambda x: 2 * x)
    assert "has no derivative rule" in message(double, A)


def test_errors_of_the_function_itself_pass_through():
    with pytest.raises(ValueError, match="mismatch"):
        gradcheck(lambda x: x @ np.ones(7), A)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_low_precision_is_refused_with_the_reason(dtype):
    with pytest.raises(errors.DTypeError, match=rf"argument 1 is {np.dtype(dtype)}.*few digits.*float64"):
        gradcheck(lambda a, b: a * b, A, A.astype(dtype))


def test_low_precision_output_is_refused():
    with pytest.raises(errors.DTypeError, match="output 0 of f is float32"):
        gradcheck(lambda x: x.astype(np.float32), A)


@pytest.mark.parametrize(("dtype", "word"), [(np.float32, "single"), (np.float16, "half")])
def test_low_precision_within_f_is_told(dtype, word):
    wrong = rule(lambda x: np.sin(x), lambda g, _y, x: 2 * g * np.cos(x))
    for f in (np.sin, wrong):
        text = message(lambda x, f=f: f(x.astype(dtype)).astype(float), A)
        assert f"There are {np.dtype(dtype)} values between (np.astype): in {word} precision" in text
        assert "kink" not in text
    text = message(lambda x: np.sin(wrong(x).astype(dtype)).astype(float), A)
    assert "same factor, 2" in text


def test_low_precision_beside_a_wrong_rule_is_not_blamed():
    relu = rule(lambda x: np.maximum(x, 0), lambda g, y, _x: g * (y > 0))
    text = message(lambda a, b: (relu(a), b.astype(np.float32).astype(float) * 0), np.array([0.0, 1.0]), A)
    assert "kink" in text
    assert "float32" not in text


@pytest.mark.parametrize("dtype", [">f8", ">c16"])
def test_the_other_byte_order_is_double_too(dtype):
    assert gradcheck(np.sin, A.astype(dtype), order=2)


@pytest.mark.parametrize("order", [0, -1, 1.5, True, "2", None])
def test_an_order_that_is_none_is_refused(order):
    wrong = rule(square, lambda g, _y, x: g * x)
    text = message(wrong, A, order=order)
    assert text == f"gradcheck: order is {order!r}, but must be a whole number of at least 1."


def test_subclasses_of_arrays_are_refused():
    class Own(np.ndarray):
        pass

    for value in (np.ma.array(A, mask=A > 1), A.view(Own)):
        with pytest.raises(errors.DTypeError, match=rf"gradcheck: argument 0 is a {type(value).__name__}.*np.asarray"):
            gradcheck(np.sin, value)


def test_arrays_of_other_kinds_are_refused_before_anything_is_computed():
    class Lazy:
        dtype, shape = np.dtype(float), (3,)

        def __array_function__(self, *_):
            raise AssertionError("computed")

        def __array__(self, *_args, **_kwargs):
            raise AssertionError("computed")

    with pytest.raises(errors.DTypeError, match=r"gradcheck wants NumPy arrays: argument 0 is a .*Lazy"):
        gradcheck(np.sin, Lazy())


@pytest.mark.parametrize(("value", "word"), [(np.complex64(1j), "complex128"), (3, r"3\.0 for 3"), ([True], "bool")])
def test_other_dtypes_are_refused(value, word):
    with pytest.raises(errors.DTypeError, match=word):
        gradcheck(np.sin, value)


@pytest.mark.parametrize(
    "f",
    [
        lambda z: z * z,
        np.exp,
        np.abs,
        np.conjugate,
        lambda z: np.sum(z) ** 2,
        lambda z: np.real(z) * np.imag(z) + 1j * z,
    ],
)
def test_complex_functions(f):
    assert ag.gradcheck(f, np.array([1 + 2j, -0.5 + 0.3j]), order=2)
    assert ag.gradcheck(lambda a, b: f(a + 1j * b), np.array([0.3, 2.0]), np.array(0.7))


def test_a_conjugate_too_many_is_found():
    @ag.primitive
    def square(z):
        return z * z

    ag.defvjp(square, lambda g, _y, z: g * 2 * np.conjugate(z))
    assert ag.gradcheck(square, np.array([1.5]))
    with pytest.raises(errors.GradcheckError, match="the imaginary part of argument 0"):
        ag.gradcheck(square, np.array([1 + 2j]))
