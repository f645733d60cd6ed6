"""Derivatives of functions: values, nesting, trees, what is returned as arrays and what as Tensors."""

import copy
import gc
import pickle
import weakref
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.recording import current

from .opaque import Box, objects_of

Point = namedtuple("Point", "x y")


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


# --- values -------------------------------------------------------------------------------------------------


def test_grad_of_a_scalar_function():
    g = ag.grad(lambda x: x * x + x)(3.0)
    assert type(g) is np.ndarray
    assert (g, g.shape, g.dtype) == (7, (), np.float64)


def test_value_and_grad_run_the_function_once():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x * x)

    value, g = ag.value_and_grad(f)(np.array([1.0, 2.0]))
    assert (value, len(calls)) == (5, 1)
    np.testing.assert_array_equal(g, [2, 4])


def test_gradient_does_not_touch_its_arguments():
    x = np.array([1.0, 2.0])
    g = ag.grad(np.sum)(x)
    g += 5
    np.testing.assert_array_equal(x, [1, 2])
    np.testing.assert_array_equal(ag.grad(np.sum)(x), [1, 1])


def test_gradients_of_two_arguments_do_not_share_memory():
    a, b = ag.grad(lambda a, b: np.sum(a + b), (0, 1))(np.ones(2), np.ones(2))
    a[0] = 7
    assert b[0] == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_gradient_has_its_arguments_dtype(dtype):
    x = np.ones(3, dtype)
    value, g = ag.value_and_grad(lambda x: np.mean(np.exp(x) * 2.5))(x)
    assert (value.dtype, g.dtype) == (dtype, dtype)
    a, b = ag.grad(lambda a, b: np.sum(a * b), (0, 1))(x, np.ones(3))
    assert (a.dtype, b.dtype) == (dtype, np.float64)


@pytest.mark.parametrize(
    "f", [lambda _x: 3.0, lambda _x: np.float64(2), lambda x: np.sum(np.sign(x)), lambda _x: ag.Tensor(1.0)]
)
def test_constant_function_gives_zeros(f):
    value, g = ag.value_and_grad(f)(np.float32([1, 2]))
    assert not isinstance(value, ag.Tensor)
    np.testing.assert_array_equal(g, np.zeros(2))
    assert g.dtype == np.float32


def test_numpy_functions_are_functions():
    np.testing.assert_array_equal(ag.grad(np.sum)(np.ones(2)), [1, 1])
    assert ag.grad(np.sin)(0.0) == 1


def test_wrapped_function_keeps_its_name():
    def loss(w):
        """Its doc."""
        return w

    assert (ag.grad(loss).__name__, ag.grad(loss).__doc__) == ("loss", "Its doc.")


# --- arguments ----------------------------------------------------------------------------------------------


def weighted(a, b, c=1.0, *, scale=1.0):
    return scale * (a + 10 * b + 100 * c)


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 1), (1, 10), (-1, 100), (np.int64(1), 10), ((0, 2), (1, 100)), ((-1, 0), (100, 1)), ([1], (10,))],
)
def test_argnums(argnums, expected):
    assert ag.grad(weighted, argnums)(1.0, 1.0, 1.0) == expected
    assert ag.value_and_grad(weighted, argnums)(1.0, 1.0, 1.0) == (111, expected)


@pytest.mark.parametrize("argnums", [2, -3, (0, 5)])
def test_argnums_out_of_range(argnums):
    with pytest.raises(TypeError, match=r"argnums=(2|-3|5), .* 2 positional"):
        ag.grad(weighted, argnums)(1.0, 1.0)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2)])
def test_argnums_that_name_an_argument_twice(argnums):
    with pytest.raises((TypeError, ValueError), match="twice"):
        ag.grad(weighted, argnums)(1.0, 1.0)


@pytest.mark.parametrize("argnums", ["b", 1.0, None])
def test_argnums_of_a_wrong_type(argnums):
    with pytest.raises(TypeError, match="argnums"):
        ag.grad(weighted, argnums)(1.0, 1.0)


def test_keywords_are_passed_on():
    assert ag.grad(weighted)(1.0, 1.0, scale=3.0) == 3
    assert ag.grad(weighted, 1)(1.0, 1.0, c=5.0) == 10


def test_an_argument_by_keyword_is_not_differentiated():
    with pytest.raises(TypeError, match="positional"):
        ag.grad(weighted)(a=1.0, b=2.0)


@pytest.mark.parametrize("value", [3, np.int32(3), [1, 2], np.arange(3), True, np.array([True])])
def test_integers_have_no_gradient(value):
    with pytest.raises(errors.DTypeError, match=r"3\.0 for 3|astype"):
        ag.grad(np.sum)(value)


def test_integers_elsewhere_are_fine():
    assert ag.grad(lambda x, n: x**n)(2.0, 3) == 12
    assert ag.grad(lambda x, labels: np.sum(x[labels]))(np.ones(2), np.array([0])).tolist() == [1, 0]


@pytest.mark.parametrize("bad", [3, "text"])
def test_error_says_which_leaf_of_a_tree_is_wrong(bad):
    with pytest.raises(errors.DTypeError, match="steps"):
        ag.grad(lambda p: p["w"] * 2)({"w": 2.0, "more": {"steps": bad}})


# --- results ------------------------------------------------------------------------------------------------


def test_a_scalar_is_needed():
    def f(x):
        return x * 2

    with pytest.raises(errors.ShapeError, match=r"f returned shape \(3,\).*np\.sum.*vjp"):
        ag.grad(f)(np.ones(3))
    with pytest.raises(errors.ShapeError, match=r"\(1,\)"):
        ag.grad(f)(np.ones(1))


@pytest.mark.parametrize("result", [None, "text"])
def test_a_missing_return_is_no_zero_gradient(result):
    with pytest.raises(TypeError, match=r"return"):
        ag.grad(lambda x: (x * x, result)[1])(2.0)


@pytest.mark.parametrize("container", [tuple, list, lambda pair: {"loss": pair[0], "aux": pair[1]}])
def test_a_pair_without_has_aux_says_so(container):
    with pytest.raises(TypeError, match="has_aux"):
        ag.grad(lambda x: container([x * x, x]))(2.0)


def test_a_complex_result_is_refused():
    """Its gradient is not one number; taking the real part would be a guess."""
    with pytest.raises(errors.DTypeError, match=r"complex"):
        ag.grad(lambda x: x * 1j)(2.0)


def test_has_aux_passes_the_second_result_through():
    def f(x):
        return x * x, {"double": 2 * x, "label": "text", "n": 3}

    (value, aux), g = ag.value_and_grad(f, has_aux=True)(3.0)
    assert (value, g) == (9, 6)
    assert aux == {"double": 6, "label": "text", "n": 3}
    g, aux = ag.grad(f, has_aux=True)(3.0)
    assert (g, aux["label"]) == (6, "text")


def test_aux_holds_arrays_and_no_graph():
    (_, aux), _ = ag.value_and_grad(lambda x: (np.sum(x), [x * 2, x]), has_aux=True)(np.ones(2))
    assert [type(a) for a in aux] == [np.ndarray, np.ndarray]


def test_has_aux_without_a_pair_says_so():
    with pytest.raises(TypeError, match="has_aux"):
        ag.grad(lambda x: x * x, has_aux=True)(2.0)


# --- higher orders ------------------------------------------------------------------------------------------


def test_second_and_third_derivative():
    f = ag.grad(lambda x: x**4)
    assert ag.grad(f)(2.0) == 48
    assert ag.grad(ag.grad(f))(2.0) == 48
    assert ag.grad(ag.grad(ag.grad(f)))(2.0) == 24
    for k, expected in enumerate([np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]):
        g = np.sin
        for _ in range(k + 1):
            g = ag.grad(g)
        np.testing.assert_allclose(g(0.7), expected(0.7), rtol=1e-14)


def test_derivatives_of_a_power_end_in_zero():
    def g(x):
        return x * x * x

    for expected in (12, 12, 6, 0, 0):
        g = ag.grad(g)
        assert g(2.0) == expected


def test_second_derivative_through_broadcasting_and_matmul(rng):
    a, b = rng.normal(size=(3, 2)), rng.normal(size=2)

    def f(x):
        return np.sum(np.tanh(a @ x + b[:1]) ** 2)

    def directional(x):
        return np.sum(ag.grad(f)(x) * b)

    x, h = rng.normal(size=2), 1e-5
    expected = (ag.grad(f)(x + h * b) - ag.grad(f)(x - h * b)) / (2 * h)
    np.testing.assert_allclose(ag.grad(directional)(x), expected, rtol=1e-8)


def test_nested_derivatives_are_not_confused():
    """d/dx (x * d/dy (x + y)) is 1: the inner derivative is 1, not 2."""
    assert ag.grad(lambda x: x * ag.grad(lambda y: x + y)(1.0))(1.0) == 1


def test_nested_derivatives_of_the_same_variable():
    assert ag.grad(lambda x: x * ag.grad(lambda y: x * y)(x))(3.0) == 6
    assert ag.grad(lambda x: ag.grad(lambda y: x * x * y * y)(x))(2.0) == 6 * 4
    assert ag.grad(lambda x: ag.grad(lambda x: x * x)(x * 2) * x)(3.0) == 24


def test_nested_derivatives_by_different_arguments():
    def f(x, y):
        return x**2 * y**3

    assert ag.grad(lambda x: ag.grad(f, 1)(x, 2.0))(3.0) == 6 * 12
    assert ag.grad(lambda y: ag.grad(f, 0)(3.0, y))(2.0) == 6 * 12
    assert ag.grad(lambda x: ag.grad(lambda y: ag.grad(f, 1)(x, y))(2.0))(3.0) == 6 * 12


def test_inner_function_that_ignores_its_variable():
    assert ag.grad(lambda x: ag.grad(lambda _y: x * x)(1.0) + x)(3.0) == 1


def test_inner_gradient_at_a_constant_point():
    assert ag.grad(lambda x: ag.grad(lambda y: y * y)(5.0) * x)(3.0) == 10


def test_detached_inner_gradient_is_a_constant():
    def f(x):
        g = ag.grad(lambda y: y * y)(x)
        return x * g.detach()

    assert ag.grad(f)(3.0) == 6


# --- arrays or Tensors --------------------------------------------------------------------------------------


def test_arrays_in_arrays_out():
    value, g = ag.value_and_grad(np.sum)(np.ones(2))
    assert not isinstance(value, ag.Tensor)
    assert not isinstance(g, ag.Tensor)


def test_a_constant_tensor_as_argument_gives_arrays():
    assert type(ag.grad(lambda x: x * x)(ag.Tensor(3.0))) is np.ndarray


def test_closure_over_a_parameter_gives_tensors_that_can_be_differentiated():
    w = leaf(3.0)
    g = ag.grad(lambda x: w * x * x)(2.0)
    assert isinstance(g, ag.Tensor)
    assert g.item() == 12
    g.backward()
    assert w.grad == 4


def test_closure_over_a_parameter_under_no_grad_gives_arrays():
    w = leaf(3.0)
    with ag.no_grad():
        value, g = ag.value_and_grad(lambda x: w * x * x)(2.0)
    assert type(g) is np.ndarray
    assert (value, g) == (12, 12)
    assert w.grad is None


def test_closure_over_a_frozen_parameter_gives_arrays():
    w = ag.Tensor(3.0)
    assert type(ag.grad(lambda x: w * x * x)(2.0)) is np.ndarray


def test_closure_over_a_parameter_that_does_not_matter_gives_arrays():
    w = leaf(3.0)
    assert type(ag.grad(lambda x: x * x + 0 * w.detach())(2.0)) is np.ndarray


def test_a_tensor_argument_with_a_path_gives_tensors():
    w = leaf(2.0)
    g = ag.grad(lambda x: x**3)(w * 1)
    assert isinstance(g, ag.Tensor)
    g.backward()
    assert w.grad == 12


def test_gradient_penalty():
    """The training loop of a critic: a gradient by the input, differentiated by the weights."""
    rng = np.random.default_rng(0)
    w, x = leaf(rng.normal(size=(3, 2))), rng.normal(size=2)

    def penalty():
        g = ag.grad(lambda u: np.sum(np.tanh(w @ u)))(x)
        return np.sum(g * g)

    penalty().backward()
    h, numeric = 1e-6, np.empty((3, 2))
    start = w.data.copy()
    for i in np.ndindex(3, 2):
        values = []
        for sign in (1, -1):
            w.data = start
            w.data[i] += sign * h
            with ag.no_grad():
                values.append(penalty())
        numeric[i] = (values[0] - values[1]) / (2 * h)
    np.testing.assert_allclose(w.grad, numeric, rtol=1e-7)


# --- trees --------------------------------------------------------------------------------------------------


def test_gradient_has_its_arguments_structure():
    tree = {"w": [np.ones((2, 3)), np.float32(2.0)], "p": Point(1.0, (np.zeros(2), 3.0))}

    def f(t):
        return np.sum(t["w"][0]) * t["w"][1] + t["p"].x * t["p"].y[1] + np.sum(t["p"].y[0])

    g = ag.grad(f)(tree)
    assert (type(g), type(g["w"]), type(g["p"]), type(g["p"].y)) == (dict, list, Point, tuple)
    np.testing.assert_array_equal(g["w"][0], np.full((2, 3), 2.0))
    assert (g["w"][1], g["w"][1].dtype) == (6, np.float32)
    assert (g["p"].x, g["p"].y[1]) == (3, 1)
    np.testing.assert_array_equal(g["p"].y[0], [1, 1])


@pytest.mark.parametrize("kind", [dict, OrderedDict, lambda **kw: defaultdict(float, kw)])
def test_dicts_of_any_kind(kind):
    tree = kind(b=2.0, a=3.0)
    g = ag.grad(lambda p: p["b"] * p["a"])(tree)
    assert type(g) is type(tree)
    assert list(g.items()) == [("b", 3), ("a", 2)]


def test_trees_in_several_arguments():
    ga, gb = ag.grad(lambda a, b: a[0] * b["k"], (0, 1))([2.0], {"k": 5.0})
    assert (ga, gb) == ([5], {"k": 2})


def test_a_missing_bias_may_be_none():
    g = ag.grad(lambda p: p["w"] * 2 if p["b"] is None else p["w"])({"w": 2.0, "b": None})
    assert g == {"w": 2, "b": None}


def test_empty_tree():
    assert ag.grad(lambda _p: 1.0)({}) == {}


# --- vjp ----------------------------------------------------------------------------------------------------


def test_vjp_pulls_a_cotangent_back():
    out, pullback = ag.vjp(lambda a, b: a @ b, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0]))
    np.testing.assert_array_equal(out, [17, 39])
    da, db = pullback(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(da, [[5, 6], [50, 60]])
    np.testing.assert_array_equal(db, [31, 42])


def test_pullback_can_be_called_again():
    _, pullback = ag.vjp(lambda x: x * x, np.array([1.0, 2.0]))
    for scale in (1.0, 2.0, 3.0):
        np.testing.assert_array_equal(pullback(scale * np.ones(2))[0], [2 * scale, 4 * scale])


def test_vjp_of_trees():
    def f(p, s):
        return {"sum": p["a"] + p["b"], "parts": (p["a"] * s, np.sum(p["b"]))}

    out, pullback = ag.vjp(f, {"a": np.ones(2), "b": np.zeros(2)}, 3.0)
    assert type(out["parts"]) is tuple
    p, s = pullback({"sum": np.array([1.0, 2.0]), "parts": (np.array([10.0, 20.0]), 100.0)})
    np.testing.assert_array_equal(p["a"], [31, 62])
    np.testing.assert_array_equal(p["b"], [101, 102])
    assert s == 30


def test_vjp_with_an_output_that_does_not_depend():
    out, pullback = ag.vjp(lambda x: (x * 2, np.ones(3), np.argmax(x)), np.array([1.0, 2.0]))
    assert out[2] == 1
    np.testing.assert_array_equal(pullback((np.ones(2), np.ones(3), 0))[0], [2, 2])


def test_vjp_when_nothing_depends():
    _, pullback = ag.vjp(lambda _x: np.ones(3), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(pullback(np.ones(3))[0], [0, 0])


def test_vjp_of_the_identity():
    x = np.array([1.0, 2.0])
    out, pullback = ag.vjp(lambda x: x, x)
    np.testing.assert_array_equal(out, x)
    g = np.array([3.0, 4.0])
    (d,) = pullback(g)
    np.testing.assert_array_equal(d, g)
    assert not np.shares_memory(d, g)


def test_cotangent_of_a_wrong_shape():
    _, pullback = ag.vjp(lambda x: x * 2, np.ones(3))
    with pytest.raises(errors.ShapeError, match=r"\(2,\).*\(3,\)"):
        pullback(np.ones(2))


def test_a_wrong_number_of_cotangents():
    _, pullback = ag.vjp(lambda x: (x, x * 2), np.ones(3))
    with pytest.raises(errors.ShapeError, match=r"2 arrays.* 1 cotangent"):
        pullback(np.ones(3))


def test_vjp_keeps_its_residuals_no_longer_than_the_pullback():
    x = np.ones(3000)
    arrays = []

    def f(x):
        y = np.exp(x)
        arrays.append(weakref.ref(y.data))
        return np.sum(y * 2)

    out, pullback = ag.vjp(f, x)
    assert arrays[0]() is not None
    del pullback, out
    assert arrays[0]() is None


def test_pullback_is_linear_and_differentiable_in_its_cotangent():
    """A cotangent with a path must not be cut off: forward mode is the transpose of this."""
    x = np.array([0.5, 1.0])
    _, pullback = ag.vjp(np.sin, x)
    np.testing.assert_allclose(ag.grad(lambda g: np.sum(pullback(g)[0] * [1.0, 10.0]))(np.ones(2)), np.cos(x) * [1, 10])


def test_forward_mode_as_the_transpose_of_the_pullback(rng):
    a, x, v = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=2)

    def f(x):
        return np.tanh(a @ x)

    _, pullback = ag.vjp(f, x)
    _, transpose = ag.vjp(lambda g: pullback(g)[0], np.zeros(3))
    np.testing.assert_allclose(transpose(v)[0], (1 - f(x) ** 2) * (a @ v))


# --- gradients ----------------------------------------------------------------------------------------------


def test_gradients_accumulate_nothing():
    x = leaf(3.0)
    y = x * x
    assert ag.gradients(y, x) == 6
    assert ag.gradients(y, x) == 6
    assert x.grad is None


def test_gradients_by_results_in_between():
    x = leaf(3.0)
    y = x * x
    z = y * y + y
    dz_dy, dz_dx = ag.gradients(z, [y, x])
    assert (dz_dy, dz_dx) == (19, 19 * 6)
    assert ag.gradients(z, z) == 1


def test_gradients_of_several_outputs_with_cotangents():
    x, w = leaf([1.0, 2.0]), leaf(3.0)
    outs = [x * w, np.sum(x), w]
    dx, dw = ag.gradients(outs, (x, w), [np.array([1.0, 10.0]), 100.0, 1000.0])
    np.testing.assert_array_equal(dx, [103, 130])
    assert dw == 1 + 20 + 1000


def test_gradients_of_one_output_given_twice():
    x = leaf(3.0)
    y = x * x
    assert ag.gradients([y, y], x, [1.0, 10.0]) == 66


def test_gradients_cotangents_may_be_one_array():
    x = leaf([1.0, 2.0])
    np.testing.assert_array_equal(ag.gradients([x[0], x[1]], x, np.array([1.0, 10.0])), [1, 10])


def test_gradients_gives_zeros_where_no_path_leads():
    x, w = leaf(np.ones((2, 3), np.float32)), leaf(2.0)
    dx, dw = ag.gradients(w * 2, [x, w])
    assert (dx.shape, dx.dtype) == ((2, 3), np.float32)
    assert not dx.any()
    assert dw == 2
    assert ag.gradients(ag.Tensor(1.0), w) == 0
    assert isinstance(ag.gradients(w * 2, x, create_graph=True), ag.Tensor)


def test_gradients_are_owned_and_writable():
    x = leaf(np.ones(3))
    seed = np.ones(3)
    for g in (ag.gradients(x.sum(), x), ag.gradients(x + 0, x, seed), ag.gradients(x, x, seed)):
        g += 1
    assert seed[0] == 1


def test_gradients_with_create_graph():
    x = leaf(2.0)
    y = x**4
    first = ag.gradients(y, x, create_graph=True)
    second = ag.gradients(first, x, create_graph=True)
    third = ag.gradients(second, x)
    assert (first.item(), second.item(), third.item()) == (32, 48, 48)
    assert not isinstance(third, ag.Tensor)


def test_gradients_by_a_constant_raise():
    with pytest.raises(errors.NothingRecordedError, match="requires_grad"):
        ag.gradients(leaf(1.0) * 2, ag.Tensor(1.0))


def test_gradients_of_something_that_is_no_tensor():
    for output in (2.0, np.float64(2.0), np.ones(3), None):
        with pytest.raises((TypeError, errors.AutogradError), match="Tensor"):
            ag.gradients(output, leaf(1.0))


def test_gradients_of_a_vector_need_a_cotangent():
    x = leaf([1.0, 2.0])
    with pytest.raises(errors.ShapeError, match=r"cotangent.*gradients\(\)"):
        ag.gradients(x * 2, x)


def test_a_wrong_number_of_cotangents_for_gradients():
    x = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match="cotangent"):
        ag.gradients([x[0], x[1]], x, [1.0])


def test_a_cotangent_in_another_order_finds_its_place():
    _, pullback = ag.vjp(lambda x: {"a": x, "b": 10 * x}, np.ones(2))
    np.testing.assert_array_equal(pullback({"b": np.array([0.0, 1.0]), "a": np.array([1.0, 0.0])})[0], [1, 10])
    with pytest.raises(errors.ShapeError, match=r"structure.*keys 'a', 'c'.*keys 'a', 'b'"):
        pullback({"a": np.ones(2), "c": np.ones(2)})


# --- jvp ----------------------------------------------------------------------------------------------------


def test_jvp_is_the_derivative_along_a_direction(rng):
    a, x, v = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=2)
    out, tangent = ag.jvp(lambda x: np.tanh(a @ x), (x,), (v,))
    np.testing.assert_allclose(out, np.tanh(a @ x), rtol=1e-15)
    np.testing.assert_allclose(tangent, (1 - np.tanh(a @ x) ** 2) * (a @ v), rtol=1e-14)
    assert type(out) is type(tangent) is np.ndarray


def test_jvp_of_several_arguments_and_trees():
    def f(p, s):
        return {"sum": p["a"] + p["b"].x, "parts": [p["a"] * s, Point(np.sum(p["b"].y), 3)]}

    primals = ({"a": np.ones(2), "b": Point(np.zeros(2), np.ones(3))}, 2.0)
    tangents = ({"b": Point(np.array([1.0, 2.0]), np.full(3, 5.0)), "a": np.array([10.0, 20.0])}, 7.0)
    out, tangent = ag.jvp(f, primals, tangents)
    assert type(tangent["parts"][1]) is Point
    np.testing.assert_array_equal(tangent["sum"], [11, 22])
    np.testing.assert_array_equal(tangent["parts"][0], [2 * 10 + 7, 2 * 20 + 7])
    assert (tangent["parts"][1].x, tangent["parts"][1].y, out["parts"][1].y) == (15, 0, 3)


def test_jvp_gives_zeros_where_nothing_depends():
    out, (a, b, c, d) = ag.jvp(
        lambda x: (np.ones(3, np.float32), np.argmax(x), "text", ag.stop_gradient(x)), (np.ones(2),), (np.ones(2),)
    )
    assert (a.tolist(), a.dtype, b, c, d.tolist()) == ([0, 0, 0], np.float32, 0, None, [0, 0])
    assert out[2] == "text"
    assert ag.jvp(lambda: 3.0, (), ()) == (3.0, 0)


def test_jvp_casts_the_tangent_and_keeps_the_dtype():
    out, tangent = ag.jvp(lambda x: x * 2, (np.ones(2, np.float32),), (np.array([1, 2]),))
    assert (out.dtype, tangent.dtype, tangent.tolist()) == (np.float32, np.float32, [2, 4])


@pytest.mark.parametrize(
    ("f", "df"),
    [
        (lambda z: z * z, lambda z, v: 2 * z * v),
        (np.exp, lambda z, v: np.exp(z) * v),
        (np.conjugate, lambda _z, v: np.conjugate(v)),
        (np.real, lambda _z, v: v.real),
        (np.imag, lambda _z, v: v.imag),
        (np.abs, lambda z, v: (np.conjugate(z) * v).real / np.abs(z)),
        (lambda z: z * np.conjugate(z), lambda z, v: 2 * (np.conjugate(z) * v).real),
    ],
)
def test_jvp_of_complex_functions(f, df):
    z, v = np.array([1 + 2j, -0.5j]), np.array([0.3 - 1j, 2 + 0j])
    _, tangent = ag.jvp(f, (z,), (v,))
    np.testing.assert_allclose(tangent, df(z, v), rtol=1e-14)


def test_jvp_of_a_complex_result_of_a_real_argument():
    _, tangent = ag.jvp(lambda x: np.exp(1j * x), (np.array([0.3]),), (np.array([2.0]),))
    np.testing.assert_allclose(tangent, 2j * np.exp(0.3j), rtol=1e-14)


def test_forward_over_reverse_and_reverse_over_forward(rng):
    a, x, v, u = rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=3), rng.normal(size=3)

    def f(x):
        return np.sum(np.sin(a @ x) * x**2)

    hv = ag.hessian(f)(x) @ v
    np.testing.assert_allclose(ag.jvp(ag.grad(f), (x,), (v,))[1], hv, rtol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda x: ag.jvp(f, (x,), (v,))[1])(x), hv, rtol=1e-12)
    forward_twice = ag.jvp(lambda x: ag.jvp(f, (x,), (v,))[1], (x,), (u,))[1]
    np.testing.assert_allclose(forward_twice, u @ hv, rtol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda v: ag.jvp(f, (x,), (v,))[1])(v), ag.grad(f)(x), rtol=1e-12)
    third = ag.jvp(lambda x: ag.grad(lambda x: ag.jvp(f, (x,), (v,))[1])(x), (x,), (u,))[1]
    np.testing.assert_allclose(third, np.einsum("ijk,j,k", ag.jacobian(ag.hessian(f))(x), v, u), rtol=1e-10)
    assert type(third) is np.ndarray


def test_perturbations_are_not_confused():
    """d/dx (x d/dy (x + y)) is 1 in every mix of modes."""

    def forward(f):
        return lambda x: ag.jvp(f, (x,), (1.0,))[1]

    for outer in (ag.grad, forward):
        for inner in (ag.grad, forward):
            assert outer(lambda x, inner=inner: x * inner(lambda y: x + y)(1.0))(1.0) == 1
            assert outer(lambda x, inner=inner: x * inner(lambda y: x * y * y)(x))(3.0) == 6 * 9


def test_jvp_does_not_warn_of_what_it_does_not_use():
    """The record is made of zero cotangents; 0 * inf among them is nobody's number."""
    with np.errstate(divide="ignore"):
        _, tangent = ag.jvp(np.sqrt, (np.array([0.0, 4.0]),), (np.array([1.0, 1.0]),))
    np.testing.assert_array_equal(tangent, [np.inf, 0.25])


def test_jvp_with_recording_off():
    w = leaf(3.0)
    with ag.no_grad():
        assert ag.jvp(lambda x: w * x * x, (2.0,), (1.0,)) == (12, 12)
    out, tangent = ag.jvp(lambda x: w * x * x, (2.0,), (1.0,))
    tangent.backward()
    assert (out.item(), w.grad) == (12, 4)


@pytest.mark.parametrize(
    ("primals", "tangents", "error", "words"),
    [
        (np.ones(2), (np.ones(2),), TypeError, r"primals must be a tuple.*jvp\(f, \(x,\), \(v,\)\)"),
        ((np.ones(2),), np.ones(2), TypeError, r"tangents must be a tuple"),
        ((np.ones(2),), (), errors.ShapeError, r"tangent.*structure.*tuple of 0.*tuple of 1"),
        ((np.ones(2),), ({"a": 1.0},), errors.ShapeError, r"at \[0\]: a dict.*an array"),
        (({"a": 1.0},), ({"b": 1.0},), errors.ShapeError, r"at \[0\]: .*'b'.*'a'"),
        ((np.ones(2),), (np.ones(3),), errors.ShapeError, r"tangent 0 has shape \(3,\).*\(2,\)"),
        ((np.ones(2),), (1.0,), errors.ShapeError, r"broadcast_to"),
        ((np.ones(2),), (np.ones(2) * 1j,), errors.DTypeError, r"tangent 0 is complex128.*real"),
        ((np.ones(2),), (np.array(["a", "b"]),), errors.DTypeError, r"tangent 0"),
        ((np.ones(2, int),), (np.ones(2),), errors.DTypeError, r"jvp needs real or complex arguments; argument 0"),
    ],
)
def test_jvp_says_what_is_wrong(primals, tangents, error, words):
    with pytest.raises(error, match=words):
        ag.jvp(lambda x: x, primals, tangents)


# --- products with second derivatives -----------------------------------------------------------------------


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_hvp_is_the_hessian_times_a_vector(rng):
    x, v = rng.normal(size=5), rng.normal(size=5)
    hv = ag.hvp(rosenbrock, x, v)
    np.testing.assert_allclose(hv, ag.hessian(rosenbrock)(x) @ v, rtol=1e-12)
    assert type(hv) is np.ndarray
    np.testing.assert_array_equal(ag.hvp(np.sum, x, v), np.zeros(5))
    assert ag.hvp(lambda x: x**3, 2.0, 1.0) == 12


def test_hvp_of_trees():
    def f(p):
        return p["w"] ** 2 * np.sum(p["b"][0] ** 3)

    hv = ag.hvp(f, {"w": 3.0, "b": [np.array([1.0, 2.0])]}, {"b": [np.array([0.0, 1.0])], "w": 10.0})
    assert hv["w"] == 2 * 9 * 10 + 2 * 3 * 3 * 4
    np.testing.assert_allclose(hv["b"][0], [2 * 3 * 3 * 1 * 10, 2 * 3 * 3 * 4 * 10 + 9 * 6 * 2])


def test_hvp_can_be_differentiated(rng):
    x, v = rng.normal(size=3), rng.normal(size=3)
    third = ag.jacobian(ag.hessian(rosenbrock))(x)
    np.testing.assert_allclose(ag.jacobian(lambda x: ag.hvp(rosenbrock, x, v))(x), third @ v, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(ag.jacobian(lambda v: ag.hvp(rosenbrock, x, v))(v), ag.hessian(rosenbrock)(x))


def test_hvp_says_what_is_wrong():
    with pytest.raises(errors.ShapeError, match=r"hvp: the vector has shape \(2,\).*\(3,\)"):
        ag.hvp(np.sum, np.ones(3), np.ones(2))
    with pytest.raises(errors.DTypeError, match="hvp needs real arguments; argument 0 is complex128"):
        ag.hvp(lambda z: np.real(np.sum(z * z)), np.ones(2) * 1j, np.ones(2))
    with pytest.raises(errors.ShapeError, match="returns a scalar"):
        ag.hvp(np.sin, np.ones(2), np.ones(2))


def test_ggnvp_is_the_gauss_newton_matrix_times_a_vector(rng):
    a, x, v = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3)

    def f(x):
        return np.tanh(a @ x)

    def g(y):
        return np.sum(np.exp(y) * y)

    j = ag.jacobian(f)(x)
    np.testing.assert_allclose(ag.ggnvp(f)(x, v), j.T @ j @ v, rtol=1e-12)
    np.testing.assert_allclose(ag.ggnvp(f, g)(x, v), j.T @ ag.hessian(g)(f(x)) @ j @ v, rtol=1e-12)
    np.testing.assert_allclose(
        ag.ggnvp(lambda s, x: s * f(x), g, 1)(2.0, x, v), 2 * j.T @ ag.hessian(g)(2 * f(x)) @ (2 * j) @ v, rtol=1e-12
    )
    assert type(ag.ggnvp(f)(x, v)) is np.ndarray
    dv = ag.jacobian(lambda v: ag.ggnvp(f, g)(x, v))(v)
    np.testing.assert_allclose(dv, j.T @ ag.hessian(g)(f(x)) @ j, rtol=1e-12)


def test_ggnvp_of_trees():
    def f(p):
        return {"y": p["a"] * p["b"], "c": 3.0}

    product = ag.ggnvp(f, lambda out: np.sum(out["y"] ** 2) + out["c"])
    got = product({"a": np.array([2.0]), "b": np.array([5.0])}, {"a": np.array([1.0]), "b": np.array([0.0])})
    assert (got["a"], got["b"]) == (50, 20)


def test_ggnvp_says_what_is_wrong():
    with pytest.raises(TypeError, match=r"call it \(x, v\)"):
        ag.ggnvp(np.sin)(np.ones(2))
    with pytest.raises(TypeError, match="one integer"):
        ag.ggnvp(np.sin, argnums=(0, 1))
    with pytest.raises(errors.ShapeError, match=r"ggnvp: the vector has shape \(3,\)"):
        ag.ggnvp(np.sin)(np.ones(2), np.ones(3))
    with pytest.raises(errors.DTypeError, match="ggnvp needs real"):
        ag.ggnvp(np.sin)(np.ones(2) * 1j, np.ones(2))


# --- elementwise_grad, stop_gradient ------------------------------------------------------------------------


def test_elementwise_grad():
    x = np.array([[0.1, 0.2], [0.3, 0.4]])
    np.testing.assert_allclose(ag.elementwise_grad(np.tanh)(x), 1 - np.tanh(x) ** 2, rtol=1e-14)
    second = ag.elementwise_grad(ag.elementwise_grad(np.sin))
    np.testing.assert_allclose(second(x), -np.sin(x), rtol=1e-14)
    assert ag.elementwise_grad(np.sin)(0.0) == 1
    a, b = ag.elementwise_grad(lambda a, b, k=1: k * a * b["x"], (0, 1))(x, {"x": 2 * x}, k=3)
    np.testing.assert_allclose(a, 6 * x)
    np.testing.assert_allclose(b["x"], 3 * x)


@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: x * 1j, "complex array.*holomorphic"),
        (lambda x: (x, x), "a tuple"),
        (lambda _x: None, "`return`"),
    ],
)
def test_elementwise_grad_says_what_is_wrong(f, words):
    with pytest.raises(errors.DTypeError, match=words):
        ag.elementwise_grad(f)(np.ones(2))


def test_stop_gradient_of_trees():
    x = leaf(3.0)
    tree = ag.stop_gradient({"a": [x * 2, None], "p": Point(x, 4), "n": np.ones(2)})
    assert not tree["a"][0].requires_grad and not tree["p"].x.requires_grad
    assert (tree["a"][1], tree["p"].y, type(tree["n"])) == (None, 4, np.ndarray)
    assert ag.grad(lambda x: x * ag.stop_gradient(x * x))(3.0) == 9
    assert ag.jvp(lambda x: x * ag.stop_gradient(x), (3.0,), (1.0,))[1] == 3
    assert ag.grad(ag.grad(lambda x: x**2 * ag.stop_gradient(x)))(3.0) == 6


# --- what holds for all of them -----------------------------------------------------------------------------

TRANSFORMED = {
    "grad": lambda f: ag.grad(f)(np.ones(2)),
    "vjp": lambda f: ag.vjp(f, np.ones(2)),
    "jvp": lambda f: ag.jvp(f, (np.ones(2),), (np.ones(2),)),
    "jacobian": lambda f: ag.jacobian(f)(np.ones(2)),
    "hessian": lambda f: ag.hessian(f)(np.ones(2)),
    "hvp": lambda f: ag.hvp(f, np.ones(2), np.ones(2)),
    "ggnvp": lambda f: ag.ggnvp(f)(np.ones(2), np.ones(2)),
    "elementwise_grad": lambda f: ag.elementwise_grad(f)(np.ones(2)),
    "checkpoint": lambda f: ag.grad(ag.checkpoint(f))(np.ones(2)),
}


@pytest.mark.parametrize("transform", TRANSFORMED.values(), ids=TRANSFORMED)
@pytest.mark.parametrize("outside", [ag.recording, ag.no_grad])
def test_an_exception_inside_leaves_the_state_clean(transform, outside):
    def fails(x):
        np.sum(x * x)
        raise KeyError("mine")

    with outside():
        before = current.get()
        with pytest.raises(KeyError, match="mine"):
            transform(fails)
        assert current.get() is before
        transform(np.sum)
        assert current.get() is before


@pytest.mark.parametrize("transform", TRANSFORMED.values(), ids=TRANSFORMED)
def test_nothing_is_left_alive(transform):
    kept = []

    def f(x):
        y = np.exp(x) * 2
        kept.append(weakref.ref(y))
        return np.sum(y)

    gc.disable()
    try:
        del_me = transform(f)
        del del_me
        assert all(ref() is None for ref in kept), "reference counting frees it all"
    finally:
        gc.enable()


def test_scipy_takes_the_derivatives_as_they_are():
    optimize = pytest.importorskip("scipy.optimize")
    x0 = np.array([-1.2, 1.0, 0.5])
    found = optimize.minimize(ag.value_and_grad(rosenbrock), x0, jac=True)
    np.testing.assert_allclose(found.x, np.ones(3), atol=1e-4)
    newton = optimize.minimize(
        rosenbrock, x0, jac=ag.grad(rosenbrock), hess=ag.hessian(rosenbrock), method="trust-exact"
    )
    np.testing.assert_allclose(newton.x, np.ones(3), atol=1e-6)
    products = optimize.minimize(
        rosenbrock, x0, jac=ag.grad(rosenbrock), hessp=lambda x, v: ag.hvp(rosenbrock, x, v), method="trust-ncg"
    )
    np.testing.assert_allclose(products.x, np.ones(3), atol=1e-4)

    def residuals(x):
        return np.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])

    for method in ("lm", "trf", "dogbox"):
        fitted = optimize.least_squares(residuals, x0, jac=ag.jacobian(residuals), method=method)
        np.testing.assert_allclose(fitted.x, np.ones(3), atol=1e-6)
    root = optimize.root(lambda x: np.stack([x[0] + x[1] - 3, x[0] * x[1] - 2]), [5.0, 0.1], jac=None)
    f = lambda x: np.stack([x[0] + x[1] - 3, x[0] * x[1] - 2])  # noqa: E731
    np.testing.assert_allclose(optimize.root(f, [5.0, 0.1], jac=ag.jacobian(f)).x, root.x, atol=1e-8)


@pytest.mark.parametrize(
    "inner",
    [
        lambda f: ag.grad(f)(2.0),
        lambda f: ag.vjp(f, 2.0)[1](1.0)[0],
        lambda f: ag.jvp(f, (2.0,), (1.0,))[1],
        lambda f: ag.jacobian(f)(2.0),
        lambda f: np.sum(ag.jacobian(lambda x: f(x) * np.array([0.25, 0.75]))(2.0)),
        lambda f: ag.grad(ag.checkpoint(f))(2.0),
    ],
)
def test_a_derivative_at_a_constant_point_inside_another(inner):
    """The variable of the inner derivative is nobody else's: the outer result is an array."""
    for outer in (lambda f: ag.grad(f)(3.0), lambda f: ag.jvp(f, (3.0,), (1.0,))[1], lambda f: ag.jacobian(f)(3.0)):
        g = outer(lambda w: inner(lambda x: np.sin(w * x)))
        assert type(g) is np.ndarray
        np.testing.assert_allclose(g, np.cos(6.0) - 6 * np.sin(6.0), rtol=1e-13)


# --- no gradient is lost without a word ---------------------------------------------------------------------


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("nested", [False, True])
def test_the_variable_cannot_be_copied_behind_the_record(duplicate, nested):
    f = lambda x: np.sum(duplicate(x) ** 2)  # noqa: E731
    if nested:
        f = lambda x, f=f: ag.grad(f)(x * 1)  # noqa: E731
    x = np.array([1.0, 2.0])
    for transform in (ag.grad, ag.elementwise_grad, ag.jacobian, ag.hessian):
        with pytest.raises(errors.LostGradientError):
            transform(f)(x)
    with pytest.raises(errors.LostGradientError):
        ag.vjp(f, x)
    with pytest.raises(errors.LostGradientError):
        ag.jvp(f, (x,), (x,))


def test_a_dict_of_variables_cannot_be_copied_deeply():
    params = {"w": np.ones(2), "layers": [{"b": np.zeros(2)}]}
    f = lambda p: np.sum(p["w"] * 3 + p["layers"][0]["b"])  # noqa: E731
    with pytest.raises(errors.LostGradientError, match=r"copy.*t\.copy\(\)"):
        ag.grad(lambda p: f(copy.deepcopy(p)))(params)
    np.testing.assert_array_equal(ag.grad(lambda p: f(copy.copy(p)))(params)["w"], [3, 3])
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x.copy() ** 2))(np.ones(2)), [2, 2])


def test_assigning_to_the_variable_does_not_overwrite_the_argument():
    def f(p):
        p.data = p.data * 0
        return np.sum(p**2)

    for nested in (False, True):
        x = np.array([1.0, 2.0])
        with pytest.raises(errors.AutogradError, match=r"t\.data|leaf"):
            ag.grad(lambda x, nested=nested: ag.grad(f)(x)[0] if nested else f(x))(x)
        np.testing.assert_array_equal(x, [1, 2])


@pytest.mark.parametrize(
    ("pack", "kind"),
    [
        (Box, "a Box"),
        (lambda y: {"a": [Box(y)]}, "a Box"),
        (lambda y: {y}, "a set"),
        (lambda y: lambda: y, "a function"),
        (lambda y: (v for v in y), "a generator"),
        (objects_of, "an array of objects"),
    ],
)
def test_a_result_in_which_tensors_would_not_be_found_is_refused(pack, kind):
    f, x = lambda x: (pack(np.sin(x)), np.sum(x)), np.ones(2)
    calls = {
        "vjp": lambda: ag.vjp(f, x),
        "jvp": lambda: ag.jvp(f, (x,), (x,)),
        "jacobian": lambda: ag.jacobian(f)(x),
        "ggnvp": lambda: ag.ggnvp(f, lambda r: r[1] ** 2)(x, x),
    }
    for name, call in calls.items():
        with pytest.raises(errors.DTypeError, match=f"{name} needs.*results is {kind}"):
            call()


def test_text_and_truth_values_may_be_among_the_results():
    f = lambda x: {"y": x * 2, "note": "text", "done": True, "rest": None}  # noqa: E731
    x = np.array([1.0, 2.0])
    out, tangent = ag.jvp(f, (x,), (x,))
    assert (out["note"], out["done"], out["rest"], tangent["note"]) == ("text", True, None, None)
    assert ag.vjp(f, x)[0]["note"] == "text"


# --- what a pullback keeps, and what it takes ---------------------------------------------------------------


def test_a_pullback_does_not_share_what_it_keeps_with_its_result():
    x = np.array([0.0, 1.0])
    out, pullback = ag.vjp(np.exp, x)
    out[:] = 99
    np.testing.assert_array_equal(pullback(np.ones(2))[0], np.exp(x))
    out, pullback = ag.vjp(lambda p: [np.exp(p["x"]), p["x"]], {"x": x})
    out[0][:] = out[1][:] = 99
    np.testing.assert_array_equal(pullback([np.ones(2), np.zeros(2)])[0]["x"], np.exp(x))
    np.testing.assert_array_equal(x, [0, 1])


def test_cotangents_of_constant_results_must_fit_too():
    _, pullback = ag.vjp(lambda x: {"y": x * 2, "c": np.ones(3)}, np.ones(2))
    np.testing.assert_array_equal(pullback({"y": np.ones(2), "c": np.ones(3)})[0], [2, 2])
    with pytest.raises(errors.ShapeError, match=r"'c'.*\(7, 7\).*\(3,\)"):
        pullback({"y": np.ones(2), "c": np.ones((7, 7))})
    with pytest.raises(errors.ShapeError, match=r"shape \(4,\).*\(\)"):
        ag.vjp(lambda _x: 3.0, np.ones(2))[1](np.ones(4))


@pytest.mark.parametrize("constant", [3.0, 3, np.float32(2), np.ones(4), np.arange(2)])
def test_elementwise_grad_of_a_constant_function_is_zero(constant):
    x = np.ones(2, np.float32)
    g = ag.elementwise_grad(lambda _x: constant)(x)
    np.testing.assert_array_equal(g, [0, 0])
    assert g.dtype == np.float32
    a, b = ag.elementwise_grad(lambda _a, _b: constant, (0, 1))(x, 2.0)
    assert (a.shape, b.shape) == ((2,), ())


def test_ggnvp_passes_over_integer_results():
    x, v = np.array([1.0, 2.0]), np.array([1.0, -1.0])
    f = lambda x: {"y": x**2, "n": 3, "m": np.arange(2), "c": np.ones(1), "none": None}  # noqa: E731
    loss = lambda r: r["n"] * np.sum(r["y"] ** 2) * r["c"][0]  # noqa: E731
    np.testing.assert_allclose(ag.ggnvp(f, loss)(x, v), 2 * x * 6 * 2 * x * v)
    np.testing.assert_array_equal(ag.ggnvp(lambda _x: 3, lambda n: n * 1.0)(x, v), [0, 0])


def test_a_rule_that_makes_tensors_gives_arrays():
    @ag.primitive
    def scaled(x):
        return x * np.array([1.0, 2.0, 3.0])

    ag.defvjp(scaled, lambda g, _y, _x: ag.Tensor([1.0, 2.0, 3.0]) * g)
    x = np.ones(3)
    g = ag.grad(lambda x: np.sum(scaled(x)))(x)
    assert type(g) is np.ndarray
    np.testing.assert_array_equal(g, [1, 2, 3])
    (p,) = ag.vjp(scaled, x)[1](x)
    assert type(p) is np.ndarray
