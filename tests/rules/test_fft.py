"""Fourier transforms: what the rows cannot say."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import UnsupportedArgumentError

NAMES = "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn".split()


@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_parseval(n):
    """The energy of a spectrum is n times that of its signal, and so is its gradient."""
    x = np.random.default_rng(0).normal(size=n)
    g = ag.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(x)
    np.testing.assert_allclose(g, 2 * n * x, rtol=1e-13)


@pytest.mark.parametrize("n", [2, 5, 6])
def test_the_imaginary_part_that_irfft_ignores_gets_nothing(n):
    z = ag.Tensor(np.ones(n // 2 + 1) + 0j, requires_grad=True)
    g = ag.gradients(np.fft.irfft(z, n), z, np.arange(1.0, n + 1))
    assert g[0].imag == 0
    assert (g[-1].imag == 0) == (n % 2 == 0)


def test_what_is_cropped_gets_nothing():
    for function in (np.fft.fft, np.fft.rfft, np.fft.irfft):
        x = ag.Tensor(np.arange(1.0, 8), requires_grad=True)
        g = ag.gradients(function(x, 4), x, np.ones(np.shape(function(np.ones(7), 4))))
        assert np.all(g[4:] == 0)
        assert g[0] != 0


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_is_kept(name):
    function = getattr(np.fft, name)
    x = ag.Tensor(np.ones((3, 4), np.float32), requires_grad=True)
    y = function(x)
    assert y.dtype == function(x.data).dtype
    assert y.dtype in (np.float32, np.complex64)
    assert ag.gradients(np.sum(np.abs(y)), x).dtype == np.float32


@pytest.mark.parametrize("name", NAMES)
def test_out_is_refused(name):
    function = getattr(np.fft, name)
    x = np.ones((3, 4))
    out = np.empty_like(function(x))
    with pytest.raises(UnsupportedArgumentError, match=f"np.fft.{name}"):
        function(ag.Tensor(x), out=out)


def test_convolution_theorem():
    a, b = np.arange(1.0, 6), np.array([0.5, -1.0, 2.0])
    g = np.arange(7.0)
    fast = ag.vjp(lambda a, b: np.fft.irfft(np.fft.rfft(a, 7) * np.fft.rfft(b, 7), 7), a, b)[1](g)
    np.testing.assert_allclose(fast[0], np.correlate(g, b, "valid"), atol=1e-13)
    np.testing.assert_allclose(fast[1], np.correlate(g, a, "valid"), atol=1e-13)
