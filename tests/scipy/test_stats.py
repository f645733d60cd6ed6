"""Edges of supports, invalid parameters, and the names that SciPy has."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import DTypeError

theirs = pytest.importorskip("scipy.stats")
stats = ag.scipy.stats
X = [-1.0, 0.0, 0.3, 1.0, 2.0, np.inf, -np.inf, np.nan]
SHAPES = {
    "norm": (),
    "t": (2.5,),
    "gamma": (1.7,),
    "beta": (1.5, 2.5),
    "chi2": (3.0,),
    "expon": (),
    "uniform": (),
    "laplace": (),
    "logistic": (),
    "lognorm": (0.8,),
    "cauchy": (),
    "gumbel_r": (),
    "gumbel_l": (),
    "weibull_min": (1.4,),
    "pareto": (2.0,),
    "invgamma": (1.3,),
    "rayleigh": (),
    "halfnorm": (),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("kind", ["pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"])
def test_outside_and_at_the_ends(name, kind):
    """Where SciPy's value is 0, 1 or infinite for lack of support, the derivative is 0."""
    mine, other = getattr(stats, name), getattr(theirs, name)
    if kind not in mine.__dict__:
        pytest.skip("not offered")
    x = ag.Tensor(X[:5], requires_grad=True)
    with np.errstate(all="ignore"):
        y = getattr(mine, kind)(x, *SHAPES[name])
        expected = getattr(other, kind)(X[:5], *SHAPES[name])
        np.testing.assert_allclose(y.data, expected, rtol=1e-12, atol=1e-300)
        plain = getattr(mine, kind)(ag.Tensor(X), *SHAPES[name]).data
        np.testing.assert_allclose(plain, getattr(other, kind)(X, *SHAPES[name]), rtol=1e-12, atol=1e-300)
        low, high = other.support(*SHAPES[name])
        outside = (np.array(X[:5]) < low) | (np.array(X[:5]) > high)
        np.testing.assert_array_equal(ag.gradients(y, x, np.ones(5))[outside], 0)


@pytest.mark.parametrize("keywords", [{"scale": -1.0}, {"scale": 0.0}, {"a": -2.0}])
def test_invalid_parameters_give_nan(keywords):
    a = ag.Tensor(keywords.get("a", 1.0), requires_grad=True)
    y = stats.gamma.logpdf(0.5, a, scale=keywords.get("scale", 1.0))
    assert np.isnan(y.data) and ag.gradients(y, a) == 0


def test_frozen_and_passed_on():
    x = ag.Tensor(0.4, requires_grad=True)
    y = stats.norm(0.1, 2.0).logpdf(x)
    np.testing.assert_allclose(y.data, theirs.norm(0.1, 2.0).logpdf(0.4), rtol=1e-15)
    np.testing.assert_allclose(ag.gradients(y, x), -0.3 / 4)
    assert stats.norm.ppf(0.3) == theirs.norm.ppf(0.3)


def test_t_with_infinitely_many_degrees_of_freedom():
    x = ag.Tensor(0.4, requires_grad=True)
    y = stats.t.logpdf(x, np.inf)
    np.testing.assert_allclose([y.data, ag.gradients(y, x)], [theirs.norm.logpdf(0.4), -0.4])


def test_complex_numbers_are_refused():
    with pytest.raises(DTypeError, match="real"):
        stats.norm.pdf(ag.Tensor(1j))


def test_dirichlet_with_all_entries():
    x, alpha = np.array([0.2, 0.3, 0.5]), np.array([1.5, 2.0, 0.7])
    to_x, to_alpha = ag.grad(stats.dirichlet.logpdf, argnums=(0, 1))(x, alpha)
    np.testing.assert_allclose(to_x, (alpha - 1) / x)
    shifted = [theirs.dirichlet.logpdf(x, alpha + h) for h in np.eye(3) * 1e-6]
    np.testing.assert_allclose(to_alpha, (np.array(shifted) - theirs.dirichlet.logpdf(x, alpha)) / 1e-6, rtol=1e-4)
    with pytest.raises(ValueError, match="simplex"):
        stats.dirichlet.pdf(ag.Tensor(2 * x), alpha)
