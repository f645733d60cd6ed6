"""Ranges, filled arrays, numbers in place of NaN, what takes like=."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import LostGradientError

NAN, INF = np.nan, np.inf


def leaf(x):
    return ag.Tensor(x, requires_grad=True)


def test_nan_and_infinities_receive_nothing():
    x = leaf([NAN, INF, -INF, 2.0])
    assert ag.gradients(np.sum(np.nan_to_num(x)), x).tolist() == [0, 0, 0, 1]
    assert np.nan_to_num(x).data.tolist() == np.nan_to_num(x.data).tolist()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64])
def test_nan_to_num_keeps_the_dtype(dtype):
    x = np.array([NAN, INF, -INF, 2.0]).astype(dtype)
    y = np.nan_to_num(leaf(x))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.data, np.nan_to_num(x))


def test_the_numbers_in_place_of_nan_are_differentiable():
    x, nan, most = leaf([NAN, INF, 1.0]), leaf(5.0), leaf(7.0)
    y = np.nan_to_num(x, nan=nan, posinf=most)
    assert [g.tolist() for g in ag.gradients([y], [x, nan, most], [np.array([1.0, 2.0, 3.0])])] == [[0, 0, 3], 1, 2]


def test_real_if_close():
    z = leaf(np.array([1 + 1e-20j, 2.0]))
    y = np.real_if_close(z)
    assert y.dtype == float
    assert ag.gradients(np.sum(y), z).tolist() == [1, 1]


def test_ends_of_a_range():
    a, b = leaf(1.0), leaf(2.0)
    y, step = np.linspace(a, b, 5, retstep=True)
    assert [g.tolist() for g in ag.gradients([y, step], [a, b], [np.eye(5)[4], np.array(8.0)])] == [-2, 3]
    g = np.geomspace(a, b, 3)
    np.testing.assert_allclose(ag.gradients([g], [a, b], [np.eye(3)[1]]), [2**0.5 / 2, 2**-0.5 / 2])


def test_a_negative_geometric_range():
    a, b = leaf(-1.0), leaf(-4.0)
    np.testing.assert_allclose(ag.gradients([np.geomspace(a, b, 3)], [a, b], [np.eye(3)[1]]), [1, 0.25])


def test_vander_at_zero():
    x = leaf([0.0])
    assert [ag.gradients(np.vander(x, 3)[0, i], x).tolist() for i in range(3)] == [[0], [1], [0]]


def test_lists_of_tensors_become_tensors_with_like():
    a, b = leaf(1.0), leaf(2.0)
    y = np.array([[a, 5.0], [b, a]], like=a)
    assert y.data.tolist() == [[1, 5], [2, 1]]
    assert [float(g) for g in ag.gradients([y], [a, b], [np.array([[1.0, 2.0], [3.0, 4.0]])])] == [5, 3]
    with pytest.raises(LostGradientError):
        np.full(3, a)


def test_constants_like_a_tensor():
    t = leaf(1.0)
    for y in (np.zeros(2, like=t), np.eye(2, like=t), np.arange(3, like=t)):
        assert isinstance(y, ag.Tensor) and not y.requires_grad


NUMBERS = [10**30, -(10**30), Fraction(1, 2), Decimal("0.5")]


@pytest.mark.parametrize("number", NUMBERS, ids=str)
@pytest.mark.parametrize(
    "function",
    [
        lambda a, v: np.full_like(a, v),
        lambda a, v: np.nan_to_num(a, posinf=int(v)),
        lambda a, v: np.pad(a, 1, constant_values=v),
        lambda a, v: np.insert(a, 1, v),
        lambda a, v: np.interp(a, [1.1, 1.5], [1.0, 2.0], left=v, right=v),
    ],
    ids=["full_like", "nan_to_num", "pad", "insert", "interp"],
)
def test_any_number_of_pythons_is_a_number(function, number):
    """NumPy makes objects of them, and then floats where it writes them into an array of floats."""
    a = np.array([1.0, 1.2, np.inf])
    y = function(ag.Tensor(a, requires_grad=True), number)
    np.testing.assert_array_equal(y.numpy(), function(a, number))
    assert y.dtype == np.float64


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.full_like(a, 10**30),
        lambda a: np.pad(a, 1, constant_values=10**30),
        lambda a: np.insert(a, 0, 10**30),
    ],
    ids=["full_like", "pad", "insert"],
)
def test_what_does_not_fit_into_integers_is_refused_as_numpy_does(function):
    for a in (np.arange(3), ag.Tensor(np.arange(3))):
        with pytest.raises(OverflowError):
            function(a)
