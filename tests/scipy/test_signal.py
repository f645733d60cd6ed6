"""Convolutions of nothing, and what is refused."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import UnsupportedArgumentError

theirs = pytest.importorskip("scipy.signal")
signal = ag.scipy.signal


def test_a_filter_is_its_own_convolution():
    """An impulse through the filter gives its response; the gradient by the response's first entry is that of b0/a0."""
    b, a = np.array([0.5, 0.2]), np.array([2.0, -0.3])
    impulse = np.eye(1, 5)[0]
    first = lambda b, a: signal.lfilter(b, a, impulse)[0]  # noqa: E731
    to_b, to_a = ag.grad(first, argnums=(0, 1))(b, a)
    np.testing.assert_allclose(to_b, [0.5, 0], atol=1e-15)
    np.testing.assert_allclose(to_a, [-0.5 / 4, 0], atol=1e-15)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("shapes", [((5,), (3,)), ((3,), (5,)), ((4, 5), (2, 2))])
@pytest.mark.parametrize("name", ["convolve", "correlate", "fftconvolve", "oaconvolve"])
def test_complex_value(name, mode, shapes):
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=s) + 1j * rng.normal(size=s) for s in shapes)
    got = getattr(signal, name)(ag.Tensor(x), y, mode)
    np.testing.assert_allclose(got.data, getattr(theirs, name)(x, y, mode), rtol=1e-12, atol=1e-13)


def test_an_array_that_is_overwritten_is_refused():
    with pytest.raises(UnsupportedArgumentError, match="overwrite_data"):
        signal.detrend(ag.Tensor([1.0, 2.0]), overwrite_data=True)


@pytest.mark.parametrize("shapes", [((1, 2), (2, 3)), ((2, 3), (1, 2)), ((2, 3), (2, 4)), ((2, 3), (2, 3))])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_complex_correlate2d(mode, shapes):
    """SciPy conjugates the other one where it swaps the two."""
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=s) + 1j * rng.normal(size=s) for s in shapes)
    np.testing.assert_allclose(
        signal.correlate2d(ag.Tensor(x), y, mode).data, theirs.correlate2d(x, y, mode), rtol=1e-12, atol=1e-13
    )
