"""The table: how rules are read and bound, the five sets, and the public door to them."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.check import gradcheck
from autograd_mini.table import (
    TABLE,
    Composite,
    Constant,
    Plain,
    Refused,
    Rule,
    composite,
    constant,
    name_of,
    plain,
    refused,
)

from .makers import rule


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


pytestmark = pytest.mark.usefixtures("table_is_left_as_found")


# --- primitives of one's own --------------------------------------------------------------------------------


def test_primitive_is_one_node_whatever_it_does_inside():
    def softmax(x):
        x = np.array(x)
        x -= x.max()  # in place, and a constant: nothing of this is recorded
        np.exp(x, out=x)
        x /= x.sum()
        return x

    f = rule(softmax, lambda g, y, _x: y * (g - np.sum(g * y)))
    assert gradcheck(f, np.array([0.5, -1.0, 2.0]), order=2)
    x = leaf([0.5, -1.0, 2.0])
    y = f(x)
    assert y.node.parents == (x.node,)
    assert f.__name__ == "softmax"


def test_primitive_on_arrays_is_the_function_itself():
    f = rule(lambda x: x + 1, lambda g, _y, _x: g)
    assert type(f(np.ones(2))) is np.ndarray
    assert f(1.0) == 2.0


def test_primitive_takes_operands_in_any_position():
    def scaled(a, b, scale=1.0):
        return a * b * scale

    f = rule(
        scaled,
        lambda g, _y, _a, b, *, scale=1.0: g * b * scale,
        lambda g, _y, a, _b, *, scale=1.0: g * a * scale,
    )
    x = np.array([1.0, 2.0])
    for call in (
        lambda t: f(t, x),
        lambda t: f(t, b=x),
        lambda t: f(b=x, a=t),
        lambda t: f(x, t),
        lambda t: f(x, b=t),
        lambda t: f(t, x, 3.0),
        lambda t: f(t, x, scale=3.0),
        lambda t: f(scale=3.0, b=x, a=t),
        lambda t: f(t, t),
    ):
        assert gradcheck(call, np.array([0.5, 1.5]), order=2)


def test_primitive_with_an_optional_operand():
    def shifted(x, shift=None):
        return x * 2 if shift is None else x * 2 + shift

    f = rule(shifted, lambda g, _y, _x, _shift=None: 2 * g, lambda g, _y, _x, _shift=None: g)
    assert gradcheck(f, np.ones(2))
    assert gradcheck(f, np.ones(2), np.ones(2))
    assert gradcheck(lambda s: f(np.ones(2), shift=s), np.ones(2))


def test_primitive_with_an_operand_that_has_no_derivative():
    f = rule(
        lambda x, labels: x[labels] * 1, lambda g, _y, _x, labels: np.bincount(labels, g, len(_x.shape) and _x.size)
    )
    assert ag.grad(lambda x: np.sum(f(x, np.array([0, 0, 2]))))(np.ones(3)).tolist() == [2, 0, 1]


def test_primitive_of_any_number_of_operands():
    def weighted(*arrays):
        return sum((i + 1) * a for i, a in enumerate(arrays))

    f = ag.primitive(weighted)
    ag.defvjp(f, each=lambda i, g, _y, *_arrays: (i + 1) * g)
    assert gradcheck(f, np.ones(2), np.zeros(2), np.ones(2), order=2)
    a, c = leaf(np.ones(2000)), leaf(np.ones(2000))
    y = f(a, np.ones(2000), c)
    assert not any(isinstance(arg, np.ndarray) for arg in y.node.args)
    y.sum().backward()
    assert (a.grad[0], c.grad[0]) == (1, 3)


def test_rules_record_when_fed_tensors():
    f = rule(lambda x: x**4, lambda g, _y, x: g * 4 * x**3)
    assert ag.grad(ag.grad(ag.grad(f)))(2.0) == 48


# --- what a rule keeps --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "mask", "args", "out"),
    [
        (lambda g, y, a, b: g, lambda g, y, a, b: g, 3, (True, True), True),
        (lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g, 3, (False, False), False),
        (lambda g, _y, _a, b: g, lambda g, y, a, _b: g, 3, (True, True), True),
        (lambda g, _y, _a, b: g, lambda g, y, a, _b: g, 1, (False, True), False),
        (lambda g, _y, _a, b: g, lambda g, y, a, _b: g, 2, (True, False), True),
        (lambda g, _y, a, _b: g, None, 1, (True, False), False),
    ],
)
def test_plan_follows_the_parameter_names(first, second, mask, args, out):
    f = rule(lambda a, b: a * b, first, second)
    plan = TABLE[f].plan(mask, 2)
    assert (plan.args, plan.out) == (args, out)


def test_plan_of_a_sequence_keeps_all_or_none():
    assert TABLE[np.concatenate].plan(1, 3).args == (False, False, False)


# --- binding ------------------------------------------------------------------------------------------------


def test_arguments_are_bound_however_they_are_passed():
    a = np.arange(6.0).reshape(2, 3)
    for call in (
        lambda t: np.sum(t, 0),
        lambda t: np.sum(t, axis=0),
        lambda t: np.sum(a=t, axis=0),
        lambda t: np.sum(axis=0, a=t),
        lambda t: np.sum(t, 0, None, None, False),
        lambda t: np.sum(t, 0, keepdims=False, dtype=None, out=None),
        lambda t: t.sum(0),
    ):
        x = leaf(a)
        y = call(x)
        np.testing.assert_array_equal(y.data, a.sum(0))
        y.backward([1.0, 10.0, 100.0])
        np.testing.assert_array_equal(x.grad, [[1, 10, 100], [1, 10, 100]])


def test_keywords_change_the_gradient():
    """The best-known peer ignores where=, keepdims=, correction= in places: its tests never vary keywords."""
    a = np.array([[1.0, 4.0], [2.0, 3.0]])
    x = leaf(a)
    np.sum(x, where=a > 2).backward()
    np.testing.assert_array_equal(x.grad, a > 2)
    assert gradcheck(lambda x: np.var(x, axis=0, correction=1, keepdims=True), a)
    assert gradcheck(lambda x: np.mean(x, where=a > 1), a)


def test_a_tensor_in_place_of_metadata_raises_by_name():
    x = leaf(np.ones((2, 2)))
    for call, name in [
        (lambda: np.sum(x, axis=leaf(0.0)), "axis"),
        (lambda: np.reshape(x, (leaf(2.0), 2)), "shape"),
        (lambda: np.transpose(x, leaf([1.0, 0.0])), "axes"),
    ]:
        with pytest.raises(errors.UnsupportedArgumentError, match=rf"{name}=.*{name}\.detach\(\)"):
            call()


def test_constant_tensors_may_be_metadata():
    x = leaf(np.ones((2, 3)))
    assert np.sum(x, axis=ag.Tensor(0).item()).shape == (3,)
    assert np.reshape(x, ag.Tensor([3, 2])).shape == (3, 2)


def test_too_many_arguments_raise_like_numpy():
    with pytest.raises(TypeError):
        np.sum(leaf(np.ones(2)), 0, None, None, False, 0, True, 1, 2)
    f = rule(lambda a, b: a * b, lambda g, _y, _a, b: g * b)
    with pytest.raises(TypeError, match="3"):
        f(leaf(1.0), 2.0, 3.0)


def test_a_keyword_without_a_rule_raises_by_name():
    def padded(x, mode="zero"):
        return x * 1 if mode == "zero" else x * 2

    f = rule(padded, lambda g, _y, _x: g)
    assert gradcheck(f, np.ones(2))
    assert gradcheck(lambda x: f(x, mode="zero"), np.ones(2))  # the default, written out
    with pytest.raises(errors.UnsupportedArgumentError, match=r"padded .*mode="):
        f(leaf(np.ones(2)), mode="double")
    assert f(np.ones(2), mode="double").tolist() == [2, 2]


def test_only_some_values_of_a_keyword():
    def padded(x, mode="zero"):
        return x * 1 if mode else x

    f = rule(padded, lambda g, _y, _x, *, mode="zero": g, only={"mode": ("zero", "one")})
    assert f(leaf(1.0), mode="one").item() == 1
    with pytest.raises(errors.UnsupportedArgumentError, match=r"padded.*mode= only.*'zero', 'one'.*'two'"):
        f(leaf(1.0), mode="two")


# --- mistakes in defvjp -------------------------------------------------------------------------------------


def test_registering_twice_raises():
    with pytest.raises(errors.RuleError, match=r"np\.tanh is in the table already \(rule\)"):
        ag.defvjp(np.tanh, lambda g, y, _x: g)
    for register in (
        lambda: constant([np.tanh]),
        lambda: plain([np.tanh]),
        lambda: refused({np.tanh: "why not"}),
        lambda: composite(np.tanh)(lambda x: x),
        lambda: ag.defvjp(np.sign, lambda g, _y, _x: g),
    ):
        with pytest.raises(errors.RuleError, match="already"):
            register()
    assert isinstance(TABLE[np.tanh], Rule)


def test_a_rule_without_vjps():
    f = ag.primitive(lambda x: x)
    for vjps in ((), (None,), (None, None)):
        with pytest.raises(errors.RuleError, match="no rule was given"):
            ag.defvjp(f, *vjps)


def test_vjps_that_do_not_fit_each_other():
    f = ag.primitive(lambda a, b: a)
    with pytest.raises(errors.RuleError, match="same parameters"):
        ag.defvjp(f, lambda g, _y, _a, _b: g, lambda g, _y, _a: g)
    with pytest.raises(errors.RuleError, match="3 vjps for 2 operands"):
        ag.defvjp(f, *[lambda g, _y, _a, _b: g] * 3)


def test_a_rule_with_a_keyword_that_the_function_lacks():
    def f(x):
        return x

    with pytest.raises(errors.RuleError, match="no keyword scale"):
        rule(f, lambda g, _y, _x, *, scale=1: g)(leaf(1.0), scale=2)


def test_a_rule_that_forgets_y_says_so():
    """`lambda g, x:` is the commonest slip; its x would be the output."""
    with pytest.raises(errors.RuleError, match=r"\(g, y"):
        rule(lambda x: x * x, lambda g, x: g * 2 * x)(leaf(3.0)).backward()


# --- the five sets ------------------------------------------------------------------------------------------


def test_sets_are_disjoint_and_known():
    assert all(isinstance(entry, (Rule, Composite, Constant, Plain, Refused)) for entry in TABLE.values())


def test_composite_follows_from_its_parts():
    def half_square(x, scale=1.0):
        return x * x * 0.5 * scale

    f = ag.primitive(lambda x, scale=1.0: half_square(x, scale))
    composite(f)(half_square)
    assert gradcheck(f, np.array([1.0, 2.0]), order=2)
    assert f(leaf(2.0), scale=3.0).item() == 6


def test_constant_passes_no_cotangent():
    f = ag.primitive(lambda x: np.floor(x * 10))
    constant([f])
    x = leaf([0.25])
    assert not f(x).requires_grad
    (f(x) * x).sum().backward()
    assert x.grad == 2


def test_constant_of_several_outputs():
    rows, columns = np.nonzero(leaf([[0.0, 1.0], [2.0, 0.0]]))
    assert isinstance(rows, ag.Tensor)
    assert (rows.tolist(), columns.tolist()) == ([0, 1], [1, 0])


def test_plain_returns_ordinary_values():
    x = leaf(np.ones((2, 3)))
    assert np.shape(x) == (2, 3)
    assert np.ndim(x) == 2
    assert np.size(x) == 6
    assert type(np.shape(x)) is tuple
    assert np.allclose(x, 1)
    assert np.result_type(x, np.float32) == np.float64


def test_refused_gives_its_reason():
    f = ag.primitive(lambda x: x)
    refused({f: "it has no derivative anywhere; use g instead."})
    with pytest.raises(errors.MissingRuleError, match="use g instead"):
        f(leaf(1.0))


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (np.tanh, "np.tanh"),
        (np.sum, "np.sum"),
        (np.linalg.norm, "np.linalg.norm"),
        (np.matmul, "np.matmul"),
        (ag.logsumexp, "logsumexp"),
    ],
)
def test_functions_are_named_as_people_call_them(function, name):
    assert name_of(function).removeprefix("ag.") == name


def test_a_rule_that_forgets_to_return_is_found():
    @ag.primitive
    def forgetful(x):
        return x * x

    def vjp(g, _y, x):
        g * 2 * x

    ag.defvjp(forgetful, vjp)
    with pytest.raises(errors.RuleError, match=r"forgetful.*returned nothing.*operand x.*return"):
        ag.grad(forgetful)(3.0)


def test_an_operand_that_was_given_no_rule_is_refused():
    @ag.primitive
    def product(a, b):
        return a * b

    ag.defvjp(product, lambda g, _y, _a, b: g * b)
    assert ag.grad(product)(2.0, 3.0) == 3
    with pytest.raises(errors.UnsupportedArgumentError, match=r"product is not differentiable.* b:.*no rule"):
        ag.grad(product, 1)(2.0, 3.0)
