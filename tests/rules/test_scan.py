"""Running products with zeros, NaN passed by, half precision."""

import numpy as np
import pytest

import autograd_mini as ag


def jacobian(f, x):
    leaf = ag.Tensor(x, requires_grad=True)
    return np.stack([ag.gradients([f(leaf)], [leaf], [unit])[0] for unit in np.eye(len(x))])


def test_cumprod_with_zeros():
    np.testing.assert_array_equal(
        jacobian(np.cumprod, [2.0, 0.0, 3.0, 0.0]), [[1, 0, 0, 0], [0, 2, 0, 0], [0, 6, 0, 0], [0, 0, 0, 0]]
    )


def test_second_derivative_of_cumprod_with_zeros():
    leaf = ag.Tensor([0.0, 0.0, 3.0], requires_grad=True)
    first = ag.gradients(np.cumprod(leaf)[2], leaf, create_graph=True)
    rows = [ag.gradients([first], [leaf], [unit])[0] for unit in np.eye(3)]
    np.testing.assert_array_equal(rows, [[0, 3, 0], [3, 0, 0], [0, 0, 0]])


def test_nan_is_passed_by():
    x = [2.0, np.nan, 3.0]
    np.testing.assert_array_equal(jacobian(np.nancumsum, x), [[1, 0, 0], [1, 0, 0], [1, 0, 1]])
    np.testing.assert_array_equal(jacobian(np.nancumprod, x), [[1, 0, 0], [1, 0, 0], [3, 0, 2]])


def test_a_wider_dtype_does_not_overflow_in_the_gradient():
    leaf = ag.Tensor(np.float16([300, 300, 0.01, 0.5]), requires_grad=True)
    got = ag.gradients(np.cumprod(leaf, dtype=np.float32)[3], leaf)
    assert got.dtype == np.float16
    np.testing.assert_allclose(got, [1.5, 1.5, 45000, 900], rtol=2e-3)


@pytest.mark.parametrize("function", [np.cumsum, np.cumprod, np.cumulative_sum, np.cumulative_prod, np.nancumsum])
def test_integers_have_numpys_values(function):
    t = ag.Tensor(np.int8([1, 2, 3]))
    y = function(t)
    assert (y.dtype, y.requires_grad) == (function(t.data).dtype, False)
    np.testing.assert_array_equal(y.data, function(t.data))
