"""Activations: values, slopes at and around kinks, no overflow, any dtype."""

import functools
import math

import numpy as np
import pytest

import autograd_mini as ag
import nn

erfc = np.vectorize(math.erfc, otypes=[float])
Z = np.array([[-3.0, -0.5, 0.25], [2.0, 0.75, -1.25]])
FUNCTIONS = {
    "identity": (nn.identity, lambda z: z),
    "sigmoid": (nn.sigmoid, lambda z: 1 / (1 + np.exp(-z))),
    "tanh": (nn.tanh, lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))),
    "relu": (nn.relu, lambda z: np.where(z > 0, z, 0)),
    "softmax": (nn.softmax, lambda z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)),
    "log_softmax": (nn.log_softmax, lambda z: np.log(np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True))),
    "leaky_relu": (nn.leaky_relu, lambda z: np.where(z > 0, z, 0.01 * z)),
    "leaky_relu 0.3": (functools.partial(nn.leaky_relu, negative_slope=0.3), lambda z: np.where(z > 0, z, 0.3 * z)),
    "elu": (nn.elu, lambda z: np.where(z > 0, z, np.exp(z) - 1)),
    "elu 2": (functools.partial(nn.elu, alpha=2), lambda z: np.where(z > 0, z, 2 * (np.exp(z) - 1))),
    "gelu": (nn.gelu, lambda z: z * erfc(-z / math.sqrt(2)) / 2),
    "gelu tanh": (
        functools.partial(nn.gelu, approximate="tanh"),
        lambda z: z / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    ),
    "silu": (nn.silu, lambda z: z / (1 + np.exp(-z))),
    "softplus": (nn.softplus, lambda z: np.log1p(np.exp(z))),
    "softplus 3": (functools.partial(nn.softplus, beta=3.0, threshold=50), lambda z: np.log1p(np.exp(3 * z)) / 3),
}
NEW = [nn.leaky_relu, nn.elu, nn.gelu, nn.silu, nn.softplus]
each = pytest.mark.parametrize("function", [function for function, _ in FUNCTIONS.values()], ids=FUNCTIONS)
with_formula = pytest.mark.parametrize(("function", "formula"), FUNCTIONS.values(), ids=FUNCTIONS)


@with_formula
@pytest.mark.parametrize("z", [Z, Z[0], Z[None], Z[:, :1], np.zeros((0, 3))], ids=lambda z: str(z.shape))
def test_values_are_the_formula_on_arrays_and_tensors(function, formula, z):
    np.testing.assert_allclose(function(z), formula(z), rtol=1e-14, atol=1e-15)
    y = function(ag.Tensor(z, requires_grad=True))
    assert y.requires_grad and isinstance(y, ag.Tensor)
    np.testing.assert_array_equal(y.numpy(), function(z))


@each
def test_gradients_of_first_and_second_order(function):
    assert ag.gradcheck(function, Z, order=2)


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(function, dtype):
    z = ag.Tensor(Z.astype(dtype), requires_grad=True)
    y = function(z)
    y.sum().backward()
    assert function(Z.astype(dtype)).dtype == y.dtype == z.grad.dtype == dtype


@each
def test_inputs_are_left_alone(function):
    z = Z.copy()
    function(z)
    x = ag.Tensor(z, requires_grad=True)
    function(x).sum().backward()
    np.testing.assert_array_equal(z, Z)


@with_formula
def test_lists_and_integers(function, formula):
    np.testing.assert_allclose(function(np.array([1, -2])), formula(np.array([1.0, -2.0])), rtol=1e-14)
    np.testing.assert_allclose(function([1, -2]), formula(np.array([1.0, -2.0])), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes_neither_overflow_nor_lose_the_gradient(dtype):
    z = np.array([-1000, -100, 0, 100, 1000], dtype)
    x = ag.Tensor(z, requires_grad=True)
    assert nn.sigmoid(z)[[0, 2, 4]].tolist() == [0, 0.5, 1]
    assert nn.softmax(z).tolist() == [0, 0, 0, 0, 1]
    assert nn.log_softmax(z).tolist() == [-2000, -1100, -1000, -900, 0]
    for function in (nn.sigmoid, nn.softmax, nn.log_softmax, nn.tanh):
        x.zero_grad()
        function(x).sum().backward()
        assert np.isfinite(x.grad).all(), function
    slope = ag.grad(lambda z: nn.log_softmax(z)[0])(z)  # 1 - o_0, -o_j
    assert slope.tolist() == [1, 0, 0, 0, -1]


def test_Y9_R10_R13_the_slope_of_the_sigmoid_is_a_times_1_minus_a_at_most_a_quarter():
    z = np.linspace(-10, 10, 201)
    a = nn.sigmoid(z)
    slope = ag.grad(lambda z: nn.sigmoid(z).sum())(z)
    np.testing.assert_allclose(slope, a * (1 - a), rtol=1e-15)
    np.testing.assert_allclose(slope, np.exp(-z) / (1 + np.exp(-z)) ** 2, rtol=1e-10)
    assert slope.max() == 0.25 == slope[100]
    assert (slope == slope.max()).sum() == 1


def test_R10_relu_has_slope_1_above_0_and_0_at_0_and_below():
    z = np.array([-1.0, -0.0, 0.0, 5e-324, 1.0])
    assert ag.grad(lambda z: nn.relu(z).sum())(z).tolist() == [0, 0, 0, 1, 1]
    assert nn.relu(z).tolist() == [0, 0, 0, 5e-324, 1]


def test_relu_and_maximum_differ_at_the_kink_and_only_there():
    z = np.array([-1.0, 0.0, 1.0])
    assert ag.grad(lambda z: np.maximum(z, 0).sum())(z).tolist() == [0, 0.5, 1]


def test_Y10_softmax_rows_add_up_to_1_and_have_the_jacobian_diag_o_minus_o_o():
    z = Z[0]
    o, pullback = ag.vjp(nn.softmax, z)
    assert nn.softmax(Z).sum(axis=-1) == pytest.approx(1)
    rows = np.array([pullback(e)[0] for e in np.eye(3)])
    np.testing.assert_allclose(rows, np.diag(o) - np.outer(o, o), rtol=1e-14)


def test_softmax_does_not_change_when_all_logits_shift():
    np.testing.assert_allclose(nn.softmax(Z + 500), nn.softmax(Z), rtol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda z: (nn.softmax(z) * Z).sum())(Z).sum(axis=-1), 0, atol=1e-16)


@each
def test_nan_stays_nan(function):
    assert np.isnan(function(np.array([np.nan, 1.0]))[0])


@pytest.mark.parametrize("function", [nn.sigmoid, nn.relu, nn.softmax, nn.log_softmax, *NEW], ids=lambda f: f.__name__)
def test_complex_values_are_refused_and_not_computed_as_something_else(function):
    """The sigmoid is written with abs, the others with a maximum: of complex numbers that is another function."""
    with pytest.raises(ag.errors.DTypeError, match=f"{function.__name__}: z holds complex128, but must be real"):
        function(ag.Tensor([1j, 1.0], requires_grad=True))


@pytest.mark.parametrize("function", [nn.sigmoid, nn.relu, nn.softmax, nn.log_softmax, *NEW], ids=lambda f: f.__name__)
def test_truth_values_count_as_0_and_1(function):
    np.testing.assert_array_equal(function(np.array([True, False])), function(np.array([1.0, 0.0])))


ROWS = [nn.sigmoid, nn.relu, nn.softmax, nn.log_softmax, *NEW]


@pytest.mark.parametrize("function", ROWS, ids=lambda f: f.__name__)
def test_a_list_of_tensors_is_recorded(function):
    x = ag.Tensor(Z, requires_grad=True)
    y = function([x[0], x[1]])
    np.testing.assert_array_equal(y.numpy(), function(Z))
    expected = ag.gradients(function(x), x, Z)
    np.testing.assert_array_equal(ag.gradients(y, x, Z), expected)


@pytest.mark.parametrize("function", ROWS, ids=lambda f: f.__name__)
def test_a_mask_is_refused_and_a_matrix_is_an_array(function):
    with pytest.raises(ag.errors.DTypeError, match=f"{function.__name__}: z is a masked array"):
        function(np.ma.array(Z, mask=Z > 1))
    y = function(Z.view(np.matrix))
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, function(Z))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint8, np.int64])
@pytest.mark.parametrize("function", [f for f in (*ROWS, nn.tanh) if f is not nn.relu], ids=lambda f: f.__name__)
def test_small_integers_do_not_wrap_around_and_count_as_float64(function, dtype):
    """100 - (-100) is -56 in int8: so softmax was NaN; and exp of int8 is a float16."""
    z = np.array([100, -100 if np.dtype(dtype).kind == "i" else 3, 1], dtype)
    y = function(z)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, function(z.astype(float)))


def test_tanh_takes_numbers_only_and_no_mask():
    np.testing.assert_array_equal(nn.tanh(np.array([True, False])), np.tanh([1.0, 0.0]))
    np.testing.assert_array_equal(nn.tanh(np.array([1j])), np.tanh([1j]))
    with pytest.raises(ag.errors.DTypeError, match="tanh: z is a masked array"):
        nn.tanh(np.ma.array(Z, mask=Z > 1))
    with pytest.raises(ag.errors.DTypeError, match="tanh: z is 'a'"):
        nn.tanh("a")


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_relu_of_integers_keeps_their_dtype(dtype):
    y = nn.relu(np.array([0, 2], dtype))
    assert y.dtype == dtype and y.tolist() == [0, 2]


# --- at the kinks, as PyTorch has them (tests/peers holds them against it) -----------------------------------------


def slopes(function, z):
    return ag.grad(lambda z: np.sum(function(z)))(np.array(z)).tolist()


@pytest.mark.parametrize("slope", [0.01, 0.5, 0.0, -1.0])
def test_leaky_relu_has_the_small_slope_at_0_itself(slope):
    leaky = functools.partial(nn.leaky_relu, negative_slope=slope)
    assert slopes(leaky, [-1.0, -0.0, 0.0, 5e-324, 1.0]) == [slope, slope, slope, 1, 1]


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_elu_has_slope_alpha_at_0_itself(alpha):
    elu = functools.partial(nn.elu, alpha=alpha)
    assert slopes(elu, [-0.0, 0.0, 5e-324, 1.0]) == [alpha, alpha, 1, 1]
    second = ag.grad(lambda z: np.sum(ag.grad(lambda z: np.sum(elu(z)))(z)))(np.array([-0.0, 0.0, 5e-324]))
    assert second.tolist() == [alpha, alpha, 0]


def test_softplus_has_the_slope_of_its_curve_up_to_the_threshold_and_1_above():
    softplus = functools.partial(nn.softplus, beta=2.0, threshold=1.0)
    below, at, above = slopes(softplus, [0.25, 0.5, np.nextafter(0.5, 1)])
    assert (below, at, above) == (float(nn.sigmoid(0.5)), float(nn.sigmoid(1.0)), 1.0)
    assert softplus(np.array([0.5, 0.75])) == pytest.approx([math.log(1 + math.e) / 2, 0.75], rel=3e-16)


def test_the_smooth_ones_have_slope_one_half_at_0():
    for function in (nn.gelu, functools.partial(nn.gelu, approximate="tanh"), nn.silu, nn.softplus):
        assert slopes(function, [-0.0, 0.0]) == [0.5, 0.5]


@pytest.mark.parametrize("function", [nn.relu, nn.leaky_relu, nn.elu, nn.softplus], ids=lambda f: f.__name__)
def test_a_list_of_tensors_has_the_slope_of_the_function_at_the_kink_too(function):
    x = ag.Tensor(np.zeros(2), requires_grad=True)
    np.testing.assert_array_equal(ag.gradients(function([x[0], x[1]]), x, np.ones(2)), slopes(function, [0.0, 0.0]))


# --- far out ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [30.0, 1e3, 1e12, 1e30])
def test_far_out_each_is_a_line_without_a_warning(far, dtype):
    z = np.array([-far, far], dtype)
    lines = {
        "leaky_relu": (nn.leaky_relu, 0.01 * z[0], 0.01),
        "elu": (nn.elu, -1, 0),
        "gelu": (nn.gelu, 0, 0),
        "gelu tanh": (functools.partial(nn.gelu, approximate="tanh"), 0, 0),
        "silu": (nn.silu, 0, 0),
        "softplus": (nn.softplus, 0, 0),
    }
    for name, (function, left, slope) in lines.items():
        y, pullback = ag.vjp(function, z)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, [left, z[1]], rtol=1e-6, atol=1e-10, err_msg=name)
        np.testing.assert_allclose(pullback(np.ones(2, dtype))[0], [slope, 1], rtol=1e-6, atol=1e-10, err_msg=name)
        second = ag.grad(lambda z, f=function: np.sum(ag.grad(lambda z: np.sum(f(z)))(z)))(z)
        np.testing.assert_allclose(second, 0, atol=1e-10, err_msg=name)


def test_softplus_above_a_high_threshold_is_exact():
    z = np.linspace(-30, 45, 76)
    exact = [math.log1p(math.exp(t)) for t in z]
    np.testing.assert_allclose(nn.softplus(z, threshold=40), exact, rtol=3e-16)
    worst = np.max(np.abs(nn.softplus(z) - exact))
    assert 1e-10 < worst < math.exp(-20)  # by default it is z from 20 on, as in PyTorch


@pytest.mark.parametrize(
    ("name", "backend"), [*((name, "numpy") for name in FUNCTIONS), ("gelu", "numba"), ("softplus 3", "numba")]
)
def test_compiled_it_is_the_same(name, backend):
    if backend == "numba":
        pytest.importorskip("numba")
    function, formula = FUNCTIONS[name]
    rng = np.random.default_rng(0)

    def swept(z, g):
        y, pullback = ag.vjp(function, z)
        return y, pullback(g)[0]

    compiled = ag.compile(swept, backend=backend)
    for _ in range(3):
        z, g = rng.normal(size=(2, 6, 5)) * 3
        for found, expected in zip(compiled(z, g), swept(z, g), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(compiled(z, g)[0], formula(z), rtol=1e-12, atol=1e-15)


def test_gelu_tanh_is_off_by_less_than_a_two_thousandth():
    z = np.linspace(-8, 8, 4001)
    assert 2e-4 < np.max(np.abs(nn.gelu(z) - nn.gelu(z, approximate="tanh"))) < 5e-4
