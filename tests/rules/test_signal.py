"""Functions at 0 and far out; angles on the axes; what does not dispatch."""

import math

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import LostGradientError
from autograd_mini.rules.signal import bessel_i, sinc_derivative


def derivatives(f, x, order):
    leaf = y = ag.Tensor(x, requires_grad=True)
    y, found = f(leaf), []
    for _ in range(order):
        y = ag.gradients(y, leaf, create_graph=True)
        found.append(float(y.data))
    return found


def test_sinc_at_zero():
    p = math.pi
    np.testing.assert_allclose(derivatives(np.sinc, 0.0, 4), [0, -(p**2) / 3, 0, p**4 / 5], rtol=1e-14, atol=0)


def test_sinc_near_zero():
    np.testing.assert_allclose(derivatives(np.sinc, 1e-9, 2), [-(math.pi**2) / 3 * 1e-9, -(math.pi**2) / 3], rtol=1e-12)


@pytest.mark.parametrize("n", range(6))
def test_sinc_where_the_series_ends(n):
    """The series and the recurrence meet there."""
    x = (n + 1) / math.pi
    low, high = sinc_derivative(np.array([x * (1 - 1e-12), x * (1 + 1e-12)]), n)
    np.testing.assert_allclose(low, high, rtol=1e-9)


def test_i0_at_zero():
    np.testing.assert_allclose(derivatives(np.i0, 0.0, 4), [0, 1 / 2, 0, 3 / 8], rtol=1e-15)


@pytest.mark.parametrize(("x", "expected"), [(1e-8, 5e-9), (1.0, 0.5651591039924850), (50.0, 2.903078590103557e20)])
def test_bessel_1(x, expected):
    np.testing.assert_allclose(bessel_i(np.array([x, -x]), 1), [expected, -expected], rtol=1e-13)


@pytest.mark.parametrize("n", range(5))
def test_bessel_where_the_series_ends(n):
    low, high = bessel_i(np.array([12 * (1 - 1e-13), 12 * (1 + 1e-13)]), n)
    np.testing.assert_allclose(low, high, rtol=1e-11)


@pytest.mark.parametrize("x", [0.3, 11.0, 13.0, 300.0, 700.0])
def test_bessel_0_is_numpys(x):
    np.testing.assert_allclose(bessel_i(np.array(x), 0), np.i0(x), rtol=1e-13)


def test_angle_on_the_axes():
    leaf = ag.Tensor([1.0, -1.0, 0.0, 1j, 2.0 + 0j], requires_grad=True)
    (got,) = ag.gradients([np.angle(leaf)], [leaf], [np.ones(5)])
    np.testing.assert_array_equal(got, [-1j, 1j, 0, -1, -0.5j])


def test_windows_do_not_dispatch():
    """``np.kaiser`` does not ask its beta; it can be written with np.i0."""
    beta = ag.Tensor(2.0, requires_grad=True)
    with pytest.raises(LostGradientError):
        np.kaiser(5, beta)


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_modes_by_number_are_as_by_letter(mode):
    a, v = np.array([1.0, 2.0, 4.0, 3.0]), np.array([0.5, -1.0])
    try:
        expected = np.convolve(a, v, mode)
    except (TypeError, ValueError):
        pytest.skip("not in this NumPy")
    leaf = ag.Tensor(a, requires_grad=True)
    y, z = np.convolve(leaf, v, mode), np.convolve(leaf, v, ("valid", "same", "full")[mode])
    np.testing.assert_array_equal(y.data, expected)
    c = np.arange(1.0, len(y) + 1)
    np.testing.assert_array_equal(ag.gradients([y], [leaf], [c])[0], ag.gradients([z], [leaf], [c])[0])
