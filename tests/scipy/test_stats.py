"""Edges of supports, invalid parameters, and the names that SciPy has."""

import copy
import pickle

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import DTypeError, UnsupportedArgumentError

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


def test_a_frozen_distribution_of_plain_values_is_scipys_own():
    frozen, other = stats.norm(50, 1), theirs.norm(50, 1)
    assert isinstance(frozen, type(other))
    np.testing.assert_array_equal(frozen.rvs(3, random_state=1), other.rvs(3, random_state=1))
    np.testing.assert_array_equal(frozen.rvs(size=(2, 3), random_state=1), other.rvs(size=(2, 3), random_state=1))
    assert frozen.pdf(x=49.5) == other.pdf(x=49.5)
    assert frozen.interval(confidence=0.9) == other.interval(confidence=0.9)
    assert frozen.expect(np.square) == other.expect(np.square)
    assert frozen.stats("mvsk") == other.stats("mvsk")
    assert (frozen.mean(), frozen.a, frozen.support()) == (50, -np.inf, other.support())
    normal = stats.multivariate_normal([1.0, 2.0], [[2.0, 0.3], [0.3, 1.0]], seed=3)
    expected = theirs.multivariate_normal([1.0, 2.0], [[2.0, 0.3], [0.3, 1.0]], seed=3)
    np.testing.assert_array_equal(normal.rvs(3), expected.rvs(3))
    np.testing.assert_array_equal(normal.mean, [1, 2])
    np.testing.assert_allclose(normal.logpdf(ag.Tensor([0.1, 0.2])).data, expected.logpdf([0.1, 0.2]))


def test_a_frozen_distribution_on_tensors():
    x = ag.Tensor(0.4, requires_grad=True)
    for frozen, other in (
        (stats.gamma(2.5, scale=3), theirs.gamma(2.5, scale=3)),
        (stats.beta(2, b=3), theirs.beta(2, 3)),
    ):
        for kind in ("pdf", "logpdf", "cdf", "sf"):
            y = getattr(frozen, kind)(x=x)
            np.testing.assert_allclose(y.data, getattr(other, kind)(0.4), rtol=1e-13)
            assert y.requires_grad
    copied = pickle.loads(pickle.dumps(copy.deepcopy(stats.norm(0.1, 2.0))))
    np.testing.assert_allclose(ag.gradients(copied.logpdf(x), x), -0.3 / 4)


def test_a_frozen_distribution_of_tensors():
    loc = ag.Tensor(0.1, requires_grad=True)
    frozen = stats.norm(loc, scale=2.0)
    np.testing.assert_allclose(ag.gradients(frozen.logpdf(x=0.4), loc), 0.3 / 4)
    mu = ag.Tensor(2.0, requires_grad=True)
    np.testing.assert_allclose(ag.gradients(stats.poisson(mu).logpmf(k=3), mu), 0.5)
    for name in ("rvs", "mean", "ppf", "expect", "a"):
        with pytest.raises(UnsupportedArgumentError, match=rf"norm .*\.{name}:"):
            getattr(frozen, name)


@pytest.mark.parametrize("kind", ["pmf", "logpmf", "cdf", "sf"])
def test_binom_by_its_count_is_refused(kind):
    with pytest.raises(UnsupportedArgumentError, match="by n, which counts"):
        getattr(stats.binom, kind)(2, ag.Tensor(5.0, requires_grad=True), 0.3)


@pytest.mark.parametrize(("f", "x", "expected"), [
    (lambda x: stats.gamma.pdf(x, 3.0), 0.0, 0.0), (lambda x: stats.gamma.pdf(x, 2.0), 0.0, 1.0),
    (lambda x: stats.gamma.pdf(x, 1.0), 0.0, -1.0), (lambda a: stats.gamma.pdf(0.0, a), 3.0, 0.0),
    (lambda a: stats.gamma.pdf(0.0, a), 1.0, -np.inf), (lambda s: stats.gamma.pdf(0.0, 1.0, scale=s), 2.0, -0.25),
    (lambda x: stats.beta.pdf(x, 3, 2), 0.0, 0.0), (lambda x: stats.beta.pdf(x, 3, 2), 1.0, -12.0),
    (lambda x: stats.beta.pdf(x, 1, 2), 0.0, -2.0), (lambda a: stats.beta.pdf(0.0, a, 2), 3.0, 0.0),
    (lambda x: stats.chi2.pdf(x, 4), 0.0, 0.25), (lambda x: stats.weibull_min.pdf(x, 2), 0.0, 2.0),
    (stats.rayleigh.pdf, 0.0, 1.0),
    (lambda p: stats.bernoulli.pmf(1, p), 0.0, 1.0), (lambda p: stats.bernoulli.pmf(0, p), 1.0, -1.0),
    (lambda p: stats.bernoulli.pmf(0, p), 0.0, -1.0), (lambda p: stats.bernoulli.pmf(1, p), 1.0, 1.0),
    (lambda p: stats.binom.pmf(1, 3, p), 0.0, 3.0), (lambda p: stats.binom.pmf(0, 3, p), 0.0, -3.0),
    (lambda p: stats.binom.pmf(2, 3, p), 1.0, -3.0), (lambda p: stats.binom.cdf(0, 3, p), 0.0, -3.0),
    (lambda p: stats.poisson.pmf(1, p), 0.0, 1.0), (lambda p: stats.poisson.pmf(0, p), 0.0, -1.0),
    (lambda p: stats.geom.pmf(1, p), 1.0, 1.0), (lambda p: stats.geom.pmf(2, p), 1.0, -1.0),
    (lambda p: stats.geom.cdf(1, p), 1.0, 1.0), (lambda p: stats.geom.sf(2, p), 1.0, 0.0),
    (lambda p: stats.nbinom.pmf(1, 2.5, p), 1.0, -2.5), (lambda p: stats.nbinom.pmf(0, 2.5, p), 1.0, 2.5),
])  # fmt: skip
def test_a_finite_derivative_at_an_end(f, x, expected):
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(ag.grad(f)(x), expected, rtol=1e-13)


@pytest.mark.parametrize("far", [-1e6, 1e6])
def test_t_in_the_far_tail_by_its_degrees_of_freedom(far):
    got = ag.grad(lambda df: stats.t.sf(far, df))(3.0)
    expected = (theirs.t.cdf(-1e6, 3 + 1e-5) - theirs.t.cdf(-1e6, 3 - 1e-5)) / 2e-5
    np.testing.assert_allclose(got, expected * np.sign(far), rtol=1e-8)
