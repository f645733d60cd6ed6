"""Spacing that happens to be equal, interpolation at and beyond the data, operands that NumPy asks or does not ask."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import LostGradientError, UnsupportedArgumentError


def gradient(f, x):
    leaf = ag.Tensor(x, requires_grad=True)
    return ag.gradients(f(leaf), leaf)


@pytest.mark.parametrize("edge_order", [1, 2])
def test_positions_that_are_equally_spaced(edge_order):
    """NumPy takes a shorter way there; a derivative that took it too would miss how each position counts."""
    f, x, c = np.array([1.0, 3.0, 2.0, 5.0]), np.arange(4.0), np.array([0.3, -1.0, 0.7, 2.0])

    def total(x):
        return np.sum(c * np.gradient(f, x, edge_order=edge_order))

    h = 1e-6
    expected = [(total(x + h * unit) - total(x - h * unit)) / (2 * h) for unit in np.eye(4)]
    np.testing.assert_allclose(gradient(total, x), expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(
        np.gradient(f, ag.Tensor(x), edge_order=edge_order).data, np.gradient(f, x, edge_order=edge_order)
    )


def test_positions_of_integers():
    leaf = ag.Tensor(np.float32([1, 2, 4]), requires_grad=True)
    y = np.gradient(leaf, [0, 1, 3])
    assert y.dtype == np.float32
    np.testing.assert_allclose(y.data, np.gradient(leaf.data, [0, 1, 3]))
    assert ag.gradients(y[0], leaf).dtype == np.float32


XP, FP = [0.0, 1.0, 3.0], [2.0, 5.0, 1.0]


def test_interp_at_a_data_point_has_the_slope_to_the_right():
    leaf = ag.Tensor([0.0, 1.0, 3.0, -1.0, 4.0], requires_grad=True)
    y = np.interp(leaf, XP, FP)
    np.testing.assert_array_equal(y.data, [2, 5, 1, 2, 1])
    np.testing.assert_array_equal(ag.gradients([y], [leaf], [np.ones(5)])[0], [3, -2, -2, 0, 0])


def test_interp_beyond_the_data():
    left, right = (ag.Tensor(v, requires_grad=True) for v in (7.0, 8.0))
    y = np.interp(ag.Tensor([-1.0, -2.0, 0.5, 9.0]), XP, FP, left, right)
    np.testing.assert_array_equal(y.data, [7, 7, 3.5, 8])
    np.testing.assert_array_equal(ag.gradients([y], [left, right], [np.ones(4)]), [2, 1])
    assert np.array_equal(gradient(lambda fp: np.sum(np.interp([-1.0, 9.0], XP, fp)), FP), [1, 0, 1])


def test_interp_of_nan_and_of_infinite_data():
    x = ag.Tensor([np.nan, 0.0, 1.0])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(np.interp(x, XP, [2.0, np.inf, 1.0]).data, [np.nan, 2, np.inf])


def test_interp_in_the_period():
    period, x = 2.5, 3.1

    def f(period):
        return np.interp(ag.Tensor([x]), XP[:2], FP[:2], period=period)[0]

    h = 1e-6
    expected = (np.interp(x, XP[:2], FP[:2], period=period + h) - np.interp(x, XP[:2], FP[:2], period=period - h)) / (
        2 * h
    )
    np.testing.assert_allclose(gradient(f, period), expected, rtol=1e-6)


def test_what_numpy_does_not_ask_raises():
    t = ag.Tensor(0.5, requires_grad=True)
    with pytest.raises(LostGradientError):
        np.interp([-1.0], XP, FP, left=t)


def test_period_of_unwrap_has_no_derivative():
    with pytest.raises(UnsupportedArgumentError, match="period"):
        np.unwrap(ag.Tensor([0.0, 4.0]), period=ag.Tensor(3.0, requires_grad=True))


def test_diff_of_booleans():
    np.testing.assert_array_equal(np.diff(ag.Tensor([True, False, False])).data, [True, False])
