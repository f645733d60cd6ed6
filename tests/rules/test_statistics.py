"""Statistics at ties, at the ends, with NaN; what is constant, and what is refused."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import UnsupportedArgumentError

NAN = np.nan


def gradient(f, x):
    leaf = ag.Tensor(x, requires_grad=True)
    return ag.gradients(f(leaf), leaf)


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        (np.median, [3.0, 1.0, 2.0], [0, 0, 1]),
        (np.median, [3.0, 1.0, 2.0, 7.0], [0.5, 0, 0.5, 0]),
        (np.median, [1.0, 1.0, 1.0], [0, 1, 0]),  # as a stable sort has them
        (np.median, [1.0, NAN, 2.0], [0, 0, 0]),
        (np.nanmedian, [1.0, NAN, 2.0], [0.5, 0, 0.5]),
        (np.median, [np.inf, 1.0, np.inf], [1, 0, 0]),
        (np.median, [np.inf, np.inf], [0.5, 0.5]),
        (lambda t: np.quantile(t, 0.0), [3.0, 1.0, 2.0], [0, 1, 0]),
        (lambda t: np.quantile(t, 1.0), [3.0, 1.0, 2.0], [1, 0, 0]),
        (lambda t: np.quantile(t, 0.25), [0.0, 1.0, 3.0], [0.5, 0.5, 0]),
        (lambda t: np.quantile(t, 0.5, method="lower"), [1.0, 1.0, 3.0, 4.0], [0.5, 0.5, 0, 0]),
        (lambda t: np.percentile(t, 50, method="midpoint"), [1.0, 2.0, 3.0, 4.0], [0, 0.5, 0.5, 0]),
        (lambda t: np.percentile(t, 50, method="averaged_inverted_cdf"), [1.0, 2.0, 4.0, 3.0], [0, 0.5, 0, 0.5]),
        (lambda t: np.nanquantile(t, 0.75), [NAN, 0.0, 1.0, 3.0], [0, 0, 0.5, 0.5]),
        (lambda t: np.nanpercentile(t, 50, method="higher"), [NAN, 0.0, 1.0], [0, 0, 1]),
        (lambda t: np.nanmean(t, where=[True, True, False]), [1.0, NAN, 5.0], [1, 0, 0]),
        (np.nanmean, [1.0, NAN, 5.0], [0.5, 0, 0.5]),
        (np.nanvar, [1.0, NAN, 5.0], [-2, 0, 2]),
        (np.nanstd, [1.0, NAN, 5.0], [-0.5, 0, 0.5]),
        (np.nanstd, [3.0, NAN, 3.0], [0, 0, 0]),
        (lambda t: np.corrcoef(t, [1.0, 2.0, 4.0])[0, 1], [2.0, 4.0, 8.0], [0, 0, 0]),
    ],
)
def test_at_a_kink(f, x, expected):
    np.testing.assert_allclose(gradient(f, x), expected, rtol=1e-14, atol=1e-15)


def test_a_line_of_nan_alone():
    leaf = ag.Tensor([[NAN, NAN], [1.0, 2.0]], requires_grad=True)
    with pytest.warns(RuntimeWarning):
        y = np.nanmedian(leaf, axis=1)
    np.testing.assert_array_equal(ag.gradients([y], [leaf], [np.ones(2)])[0], [[0, 0], [0.5, 0.5]])


def test_nanvar_without_degrees_of_freedom_is_nan():
    leaf = ag.Tensor([[1.0, 2.0], [NAN, 2.0]], requires_grad=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        y = np.nanvar(leaf, axis=1, ddof=1)
        (got,) = ag.gradients([y], [leaf], [np.ones(2)])
    np.testing.assert_array_equal(y.data, [0.5, NAN])
    np.testing.assert_array_equal(got[0], [-1, 1])


def test_slope_in_q_at_an_entry_is_that_to_the_right():
    q = ag.Tensor([0.0, 0.5, 1.0], requires_grad=True)
    y = np.quantile(ag.Tensor([0.0, 1.0, 3.0]), q)
    np.testing.assert_array_equal(ag.gradients([y], [q], [np.ones(3)])[0], [2, 4, 4])


def test_std_of_equal_numbers_whose_mean_is_rounded():
    """The mean of three times 0.1 is not 0.1, so NumPy's spread is not quite 0; the derivative is, to rounding."""
    assert np.std([0.1] * 3) != 0
    np.testing.assert_allclose(gradient(np.std, [0.1] * 3), 0, atol=1e-15)


def test_mean_of_nanvar_has_a_gradient():
    x, m = np.array([1.0, NAN, 5.0]), ag.Tensor([2.0], requires_grad=True)
    np.testing.assert_allclose(ag.gradients(np.nanvar(ag.Tensor(x), mean=m), m), [-2])


@pytest.mark.parametrize("function", [np.quantile, np.percentile, np.nanquantile])
def test_weights_of_a_quantile_have_no_derivative(function):
    w = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(UnsupportedArgumentError, match="weights"):
        function(ag.Tensor([1.0, 2.0], requires_grad=True), 0.5, method="inverted_cdf", weights=w)


def test_overwriting_the_input_is_refused():
    with pytest.raises(UnsupportedArgumentError, match="overwrite_input"):
        np.median(ag.Tensor([1.0, 2.0]), overwrite_input=True)


def test_histogram_counts_as_numpy_does_at_edges_and_with_nan():
    x = np.array([0.0, 1.0, 2.0, 2.0, 3.0, NAN, -1.0])
    w = ag.Tensor(np.arange(7.0), requires_grad=True)
    for bins in ([0, 1, 2], np.array([0.0, 0.5, 2.0])):
        h, edges = np.histogram(ag.Tensor(x), bins, weights=w)
        np.testing.assert_array_equal(h.data, np.histogram(x[:5], bins, weights=np.arange(5.0))[0])
        np.testing.assert_array_equal(edges.data, bins)
    np.testing.assert_array_equal(ag.gradients([h], [w], [np.array([1.0, 2.0])])[0], [1, 2, 2, 2, 0, 0, 0])


def test_histogram_of_integers_without_weights_is_constant():
    h, edges = np.histogram(ag.Tensor([1, 2, 1, 4]), 3)
    assert (h.dtype, h.requires_grad, edges.requires_grad) == (np.intp, False, False)
    np.testing.assert_array_equal(h.data, [2, 1, 1])


def test_bin_edges_of_equal_entries():
    """NumPy puts the edges half a unit around them; the entries share what reaches both."""
    np.testing.assert_array_equal(gradient(lambda t: np.sum(np.histogram_bin_edges(t, 2)), [3.0, 3.0]), [1.5, 1.5])


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_low_precision_quantile(dtype):
    leaf = ag.Tensor(np.array([3, 1, 2], dtype), requires_grad=True)
    y = np.quantile(leaf, np.array([0.25, 0.5]))
    assert y.dtype == np.quantile(leaf.data, np.array([0.25, 0.5])).dtype
    (got,) = ag.gradients([y], [leaf], [np.ones(2, y.dtype)])
    assert got.dtype == dtype
    np.testing.assert_allclose(got, [0, 0.5, 1.5], rtol=1e-3)
