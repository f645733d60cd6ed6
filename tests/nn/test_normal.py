"""The normal distribution function: accurate everywhere, differentiable, in any float dtype."""

import math

import numpy as np
import pytest

import autograd_mini as ag
from nn.normal import normal_cdf


def exact(z):
    return np.array([math.erfc(-t / math.sqrt(2)) / 2 for t in z])


def test_its_error_is_rounding():
    z = np.linspace(-9, 9, 20001)
    assert np.max(np.abs(normal_cdf(z) - exact(z))) < 4e-16  # of which 1e-16 is that of the standard library


def test_far_below_0_it_keeps_its_digits():
    z = np.linspace(-37, -1, 5001)
    relative = np.abs(normal_cdf(z) / exact(z) - 1)
    assert (
        np.max(relative / np.maximum(z * z, 2)) < 4e-16
    )  # half of it the standard library's, whose argument is rounded too


def test_erf_is_accurate_to_1e_15():
    x = np.concatenate([np.linspace(-7, 7, 10001), 10.0 ** np.arange(-300, 3)])
    erf = 2 * normal_cdf(math.sqrt(2) * x) - 1
    assert np.max(np.abs(erf - [math.erf(t) for t in x])) < 1e-15


@pytest.mark.parametrize("z", [40.0, 1e30, 1e308, np.inf])
def test_far_out_it_is_0_or_1(z):
    assert normal_cdf(np.array([-z, z])).tolist() == [0, 1]
    assert ag.grad(lambda z: np.sum(normal_cdf(z)))(np.array([-z, z])).tolist() == [0, 0]


def test_at_0_it_is_one_half_with_the_density_as_slope():
    assert normal_cdf(np.array([0.0, -0.0])).tolist() == [0.5, 0.5]
    assert float(ag.grad(normal_cdf)(0.0)) == 1 / math.sqrt(2 * math.pi)


def test_derivatives_up_to_the_third_order():
    assert ag.gradcheck(normal_cdf, np.array([-5.0, -1.5, -0.25, 0.0, 0.5, 2.0]), order=3)


@pytest.mark.parametrize(("dtype", "error"), [(np.float16, 1e-3), (np.float32, 3e-7), (np.float64, 1e-15)])
def test_its_dtype_stays(dtype, error):
    z = np.linspace(-30, 30, 101).astype(dtype)
    y = normal_cdf(z)
    assert y.dtype == dtype
    assert np.max(np.abs(y - exact(z.astype(float)))) < error


def test_nan_stays_nan():
    assert np.isnan(normal_cdf(np.array([np.nan, 1.0]))).tolist() == [True, False]
