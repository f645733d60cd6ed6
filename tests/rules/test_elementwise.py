"""Elementwise rules at the ends of the number line, and on the right branch of the complex plane."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors


@pytest.mark.parametrize("r", [1e-200, 1e-25, 1.0, 1e20, 1e200])
def test_arctan2_neither_underflows_nor_overflows(r):
    np.testing.assert_allclose(ag.grad(np.arctan2, (0, 1))(r, r), [0.5 / r, -0.5 / r], rtol=1e-14)
    if 1e-30 < r < 1e30:
        got = ag.grad(np.arctan2)(np.float32(r), np.float32(r))
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, 0.5 / r, rtol=1e-5)


@pytest.mark.parametrize("base", [-2.0, np.array([-2.0]), np.array([-2.0 + 0j])])
def test_a_negative_base_with_a_complex_exponent(base):
    z = np.array([0.5 + 0.3j])
    got = ag.grad(lambda z: np.sum(np.real(base**z)))(z)
    np.testing.assert_allclose(got, (-2.0 + 0j) ** z * np.log(-2.0 + 0j), rtol=1e-14)


def test_logaddexp_at_infinity():
    assert ag.grad(np.logaddexp, (0, 1))(np.inf, 1.0) == (1, 0)
    assert ag.grad(np.logaddexp2, (0, 1))(1.0, np.inf) == (0, 1)


def test_heaviside_by_its_value_at_zero():
    np.testing.assert_array_equal(ag.grad(lambda h: np.heaviside([0.0, 1.0, 0.0], h).sum())(0.5), 2)
    assert ag.grad(lambda x: np.heaviside(x, 0.5))(3.0) == 0


@pytest.mark.parametrize("z", [2.0 + 0j, -2.0 + 0j, -2 + 1j, -2 - 1j, 2j, -0.5 + 0j])
@pytest.mark.parametrize("f", [np.arcsin, np.arccos, np.arccosh, np.arcsinh, np.arctan, np.arctanh])
def test_inverse_functions_on_and_off_their_cuts(f, z):
    """The derivative along the real axis, where the value does not jump."""
    h = 1e-5
    around = [f(z + h), f(z - h)]
    if abs(around[0] - around[1]) > 1e-3:
        pytest.skip("the cut lies across")
    np.testing.assert_allclose(ag.grad(lambda z: np.real(f(z)))(z), (around[0] - around[1]) / (2 * h), rtol=1e-8)


def test_lists_in_which_there_are_tensors():
    t, s = ag.Tensor([1.0, 2.0], requires_grad=True), ag.Tensor(3.0, requires_grad=True)
    for result, by_s in [
        (t + [s, 1.0], 1), (np.dot(t, [s, 1.0]), 1), (np.where([True, False], t, [s, s]), 1),  # noqa: RUF005
        (np.average(t, weights=[s, 1.0]), -1 / 16), (np.clip(t, [0.0, s], 9.0), 1),
    ]:  # fmt: skip
        (got,) = ag.gradients([result], [s], [np.ones(result.shape)])
        np.testing.assert_allclose(got, by_s, rtol=1e-14)


def test_arrays_made_of_plain_numbers_refuse_a_gradient():
    t = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(errors.AutogradError, match=r"np\.arange"):
        np.arange(t[0], 5.0, 0.5, like=t)
    with pytest.raises(errors.AutogradError):
        np.fromiter(t, float, like=t)


def test_the_library_function_is_named_in_which_a_gradient_would_be_lost():
    t = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(errors.LostGradientError, match=r"in np\.pad"):
        np.pad(np.ones(3), 1, constant_values=t[0])
    with pytest.raises(errors.LostGradientError, match=r"in np\.average"):
        np.average(np.ones((2, 2)), 0, [t[0], 1.0])
