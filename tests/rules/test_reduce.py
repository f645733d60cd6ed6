"""Reductions: kinks, NaN, infinite cotangents, keywords as NumPy's own wrappers pass them."""

import numpy as np
import pytest

import autograd_mini as ag

NAN, INF = np.nan, np.inf


def gradient(f, x):
    leaf = ag.Tensor(x, requires_grad=True)
    return ag.gradients(f(leaf), leaf)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (np.nansum, [1.0, NAN], [1, 0]),
        (np.nanprod, [3.0, NAN, 0.0], [0, 0, 3]),
        (np.nanmax, [NAN, 2.0, 2.0], [0, 0.5, 0.5]),
        (np.nanmin, [NAN, -INF, 2.0], [0, 1, 0]),
        (np.nanmax, [NAN, -INF], [0, 1]),
        (lambda t: np.nanmax(t, initial=2.0), [NAN, 2.0, 1.0], [0, 0.5, 0]),
        (lambda t: np.nanmax(t, where=[True, True, False], initial=0.0), [NAN, 2.0, 3.0], [0, 1, 0]),
        (np.ptp, [1.0, 4.0, 4.0, 1.0, 2.0], [-0.5, 0.5, 0.5, -0.5, 0]),
        (np.ptp, [2.0, 2.0], [0, 0]),
        (np.max, [1 + 2j, 1 + 3j, 0.5 + 9j], [0, 1, 0]),
    ],
)
def test_value_at_a_kink(f, x, expected):
    np.testing.assert_array_equal(gradient(lambda t: np.real(f(t)), x), expected)


def test_nothing_but_nan():
    leaf = ag.Tensor([[NAN, NAN], [1.0, NAN]], requires_grad=True)
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        y = np.nanmax(leaf, axis=1)
    np.testing.assert_array_equal(y.data, [NAN, 1])
    np.testing.assert_array_equal(ag.gradients([y], [leaf], [np.ones(2)])[0], [[0, 0], [1, 0]])


@pytest.mark.parametrize("function", [np.max, np.min, np.nanmax])
def test_what_is_not_chosen_gets_an_exact_zero(function):
    """Also where the cotangent is infinite: 0 * inf would be NaN."""
    leaf = ag.Tensor([0.0, -1.0] if function is not np.min else [0.0, 1.0], requires_grad=True)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(ag.gradients(np.sqrt(function(leaf)), leaf), [INF, 0])


def test_initial_that_is_not_chosen_gets_an_exact_zero():
    i = ag.Tensor(-1.0, requires_grad=True)
    with np.errstate(divide="ignore"):
        assert ag.gradients(np.sqrt(np.max(ag.Tensor([0.0]), initial=i)), i) == 0


WITH_NO_VALUE = [
    np.sum, np.prod, np.max, np.min, np.mean, np.var, np.std, np.ptp, np.average, np.nansum, np.nanprod, np.nanmean,
    np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian,
]  # fmt: skip


@pytest.mark.parametrize("function", WITH_NO_VALUE)
def test_no_value_means_left_out(function):
    """NumPy's wrappers, and users' own, pass on the default that they were given."""
    x = np.array([[1.0, 2.0, 4.0], [0.5, 3.0, 2.5]])
    no = {"keepdims": np._NoValue}
    if function not in (np.ptp, np.average, np.nanmedian):
        no["where"] = np._NoValue
    if function in (np.var, np.nanvar, np.std, np.nanstd):
        no |= {"mean": np._NoValue, "correction": np._NoValue}
    leaf = ag.Tensor(x, requires_grad=True)
    y = function(leaf, 1, **no)
    np.testing.assert_allclose(y.data, function(x, 1), rtol=1e-15)
    ones = [np.ones(2)]
    np.testing.assert_array_equal(ag.gradients([y], [leaf], ones), ag.gradients([function(leaf, 1)], [leaf], ones))


def test_no_value_as_a_bound():
    leaf = ag.Tensor([-1.0, 0.5, 2.0], requires_grad=True)
    y = np.clip(leaf, np._NoValue, 1.0, min=np._NoValue)
    np.testing.assert_array_equal(ag.gradients([y], [leaf], [np.ones(3)])[0], [1, 1, 0])
