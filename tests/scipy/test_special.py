"""Special functions: parameters, refusals, edges; every ufunc of ``scipy.special`` is in the table."""

import subprocess
import sys

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import MissingRuleError, UnsupportedArgumentError
from autograd_mini.table import TABLE

sp = pytest.importorskip("scipy.special")
special = pytest.importorskip("autograd_mini.scipy.special")


def slope(f, x, dtype=float):
    leaf = ag.Tensor(np.array(x, dtype), requires_grad=True)
    return ag.gradients(np.sum(f(leaf)), leaf)


@pytest.mark.parametrize("name", [k for k, f in vars(sp).items() if isinstance(f, np.ufunc)])
def test_every_ufunc_is_in_the_table(name):
    assert getattr(sp, name) in TABLE


def test_scipy_is_loaded_on_first_use_only():
    code = "import sys, autograd_mini.scipy; assert not [m for m in sys.modules if m.startswith('scipy')]"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("call", [
    lambda t: sp.jv(t, 1.0), lambda t: sp.hyp1f1(t, 2.0, 1.0), lambda t: sp.hyp1f1(1.0, t, 1.0),
    lambda t: sp.kv(t, 1.0),
    lambda t: sp.expn(t, 1.0), lambda t: sp.eval_jacobi(2, t, 1.0, 0.5), lambda t: sp.tklmbda(0.5, t),
    lambda t: sp.zeta(t, 1.5), lambda t: special.polygamma(t, 1.5),
])  # fmt: skip
def test_derivative_by_an_order_is_refused(call):
    with pytest.raises(UnsupportedArgumentError):
        call(ag.Tensor(1.0, requires_grad=True))
    assert not call(ag.Tensor(1.0)).requires_grad


@pytest.mark.parametrize("call", [lambda t: sp.zetac(t), lambda t: sp.zeta(t), lambda t: sp.smirnov(2, t)])
def test_refused_function(call):
    with pytest.raises(MissingRuleError, match="not differentiable"):
        call(ag.Tensor(1.5, requires_grad=True))


@pytest.mark.parametrize(("f", "x", "expected"), [
    (sp.erfcx, 1e8, -1 / (np.sqrt(np.pi) * 1e16)), (sp.dawsn, 1e8, -0.5e-16), (sp.log_ndtr, -1e8, 1e8),
    (sp.log_ndtr, 50.0, 0.0), (sp.expit, 40.0, np.exp(-40)), (sp.rgamma, 0.0, 1.0), (sp.rgamma, -1.0, -1.0),
    (sp.ellipk, 0.0, np.pi / 8), (sp.ellipe, 0.0, -np.pi / 8), (sp.ellipe, 1.0, -np.inf), (sp.exprel, 0.0, 0.5),
    (sp.spence, 1.0, -1.0), (lambda x: sp.sici(x)[0], 0.0, 1.0), (sp.j1, 0.0, 0.5),
    (lambda x: sp.binom(x, 3.0), 1.0, -1 / 6), (lambda x: sp.boxcox(2.0, x), 0.0, np.log(2) ** 2 / 2),
    (lambda x: sp.boxcox(0.0, x), 2.0, 0.25), (lambda x: sp.inv_boxcox(0.5, x), 0.0, -np.exp(0.5) / 8),
    (lambda x: sp.xlogy(0.0, x), 0.0, 0.0), (lambda x: sp.rel_entr(0.0, x), 0.0, 0.0),
    (lambda x: sp.kl_div(0.0, x), 0.0, 1.0), (lambda x: sp.tklmbda(x, 1.0), 2.0, 0.0), (sp.kolmogorov, 0.0, 0.0),
    (lambda x: sp.huber(1.0, x), -1.0, -1.0), (lambda x: sp.pseudo_huber(x, 0.0), 0.0, 0.0),
    (lambda x: sp.lambertw(x).real, 0.0, 1.0),
])  # fmt: skip
def test_at_an_edge(f, x, expected):
    np.testing.assert_allclose(slope(f, x), expected, rtol=2e-14)


@pytest.mark.parametrize("a", [0.01, 1.0, 30.0, 1000.0])
@pytest.mark.parametrize("ratio", [0.3, 0.99, 1.01, 3.0])
def test_the_gamma_distribution_by_its_shape(a, ratio):
    x, h = a * ratio, 1e-3 * a
    f = sp.gammainc if ratio < 1 else sp.gammaincc
    d = [(f(a + h / n, x) - f(a - h / n, x)) / (2 * h / n) for n in (1, 2)]
    got = slope(lambda a: f(a, x), a)
    np.testing.assert_allclose(got, (4 * d[1] - d[0]) / 3, rtol=1e-6, atol=1e-12)


def test_logsumexp_counts_what_has_no_weight():
    a, b = np.array([1000.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0])
    leaf = ag.Tensor(a, requires_grad=True)
    y = special.logsumexp(leaf, b=b)
    np.testing.assert_allclose(y.data, sp.logsumexp(a, b=b), rtol=1e-14)
    np.testing.assert_allclose(ag.gradients(y, leaf), [0, *sp.softmax(a[1:])], rtol=1e-14)


def test_names_are_scipys():
    assert special.erf is sp.erf
    assert special.softmax(np.zeros(2)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", [name for name in dir(sp) if not name.startswith("_")])
def test_no_name_of_ours_hides_one_of_scipys(name):
    got = getattr(special, name)
    assert got is getattr(sp, name) or name in special.__all__


def test_names_that_were_hidden():
    np.testing.assert_array_equal(special.sinc(0.3), sp.sinc(0.3))
    np.testing.assert_array_equal(special.hyp2f1(1.0, 2.0, 3.0, 0.5), sp.hyp2f1(1.0, 2.0, 3.0, 0.5))


@pytest.mark.parametrize(("f", "x", "expected"), [  # the expected numbers are those of 60 digits
    (lambda n: sp.stdtr(n, -1e10), 3.0, -2.4387185677195808e-29),
    (lambda n: sp.stdtr(n, 1e10), 3.0, 2.4387185677195808e-29),
    (lambda n: sp.stdtr(n, 1e-9), 2.5, 1.3554437862656151e-11),
    (lambda n: sp.stdtr(n, -2.0), 1100.0, -1.1164744830159784e-07),
    (lambda n: sp.stdtr(n, 1.0), 1e12, 1.209853622595112e-25),
    (lambda n: sp.stdtr(n, -12.0), 1e6, -9.384169835833644e-42),
    (lambda n: sp.stdtr(n, -30.0), 1e8, -9.978274552403376e-209),
    (lambda n: sp.stdtrit(n, 0.9), 1e8, -8.465847785e-17),
    (lambda n: sp.fdtrc(1.0, n, 1e20), 3.0, -4.8774371354391615e-29),
    (lambda m: sp.fdtrc(m, 3.0, 1e20), 1.0, -6.767073039957918e-31),
])  # fmt: skip
def test_by_degrees_of_freedom_in_the_tail_and_of_many(f, x, expected):
    np.testing.assert_allclose(slope(f, x), expected, rtol=1e-6)


def test_by_degrees_of_freedom_that_are_lost_to_rounding():
    assert np.isnan(slope(lambda n: sp.fdtrc(2.0, n, 1.3), 1e12))


def test_complex_dawsn():
    z, h = np.array(30 + 2j), 1e-4
    leaf = ag.Tensor(z, requires_grad=True)
    got = ag.gradients(sp.dawsn(leaf), leaf, np.array(1 + 0j))
    np.testing.assert_allclose(got, (sp.dawsn(z + h) - sp.dawsn(z - h)) / (2 * h), rtol=1e-7)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("name", ["elliprf", "elliprd", "elliprg", "elliprc"])
def test_symmetric_integrals_near_the_negative_axis(name, sign):
    """The path of integration is turned; where operands lie on both sides of the axis, NaN."""
    f, xs = getattr(sp, name), [1.3 * np.exp(3.1j * sign), 0.4 * np.exp(2.7j * sign), 2.1 * np.exp(2.9j * sign)]
    xs = xs[: 2 if name == "elliprc" else 3]
    for k in range(len(xs)):
        g = lambda z, xs=xs, k=k: f(*xs[:k], z, *xs[k + 1 :])  # noqa: E731
        leaf = ag.Tensor(np.array(xs[k]), requires_grad=True)
        expected = (g(xs[k] + 1e-5) - g(xs[k] - 1e-5)) / 2e-5
        np.testing.assert_allclose(ag.gradients(g(leaf), leaf, np.array(1 + 0j)), expected, rtol=1e-7)
    leaf = ag.Tensor(np.array(xs[0]), requires_grad=True)
    assert np.isnan(ag.gradients(f(leaf, *map(np.conjugate, xs[1:])), leaf, np.array(1 + 0j)))


@pytest.mark.parametrize(("f", "x"), [
    (lambda p: sp.nbdtr(2.7, 3.6, p), 0.4), (lambda p: sp.nbdtrc(2.7, 3.6, p), 0.4),
    (lambda p: sp.nbdtri(2.7, 3.6, p), 0.4),
    (lambda p: sp.bdtr(1.7, 4.6, p), 0.4), (lambda p: sp.bdtrc(1.7, 4.6, p), 0.4),
    (lambda p: sp.bdtri(1.7, 4.6, p), 0.4),
    (lambda x: sp.kn(2.7, x), 1.3), (lambda x: sp.yn(2.7, x), 1.3), (lambda x: sp.expn(0.7, x), 1.3),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:floating point number truncated")
@pytest.mark.filterwarnings("ignore:non-integer arg n is deprecated")
def test_counts_that_scipy_truncates(f, x):
    np.testing.assert_allclose(slope(f, x), (f(x + 1e-6) - f(x - 1e-6)) / 2e-6, rtol=1e-8)


@pytest.mark.parametrize(("f", "x", "expected"), [
    (sp.beip, 0.0, 0.5), (sp.berp, 0.0, 0.0), (lambda x: sp.kelvin(x)[2].real, 0.0, 0.0),
    (lambda x: sp.kelvin(x)[2].imag, 0.0, 0.5), (sp.it2struve0, 0.0, -2 / np.pi),
    (lambda x: sp.it2i0k0(x)[0], 0.0, 0.0), (lambda x: sp.it2j0y0(x)[0], 0.0, 0.0),
    (lambda a: sp.beta(a, -0.5), -0.5, -4 * np.pi), (lambda b: sp.beta(-0.5, b), -0.5, -4 * np.pi),
    (lambda x: sp.voigt_profile(x, 0.0, 1.0), 0.7, -1.4 / np.pi / 1.49**2),
    (lambda x: sp.voigt_profile(0.7, 0.0, x), 1.0, -0.51 / np.pi / 1.49**2),
    (lambda x: sp.voigt_profile(0.7, x, 1.0), 0.0, 0.0),
])  # fmt: skip
def test_a_finite_derivative_at_an_edge(f, x, expected):
    np.testing.assert_allclose(slope(f, x), expected, rtol=1e-12, atol=1e-15)


def test_a_list_of_tensors():
    t, u = ag.Tensor(2.0, requires_grad=True), ag.Tensor(3.0, requires_grad=True)
    y = special.factorial([t, u])
    np.testing.assert_allclose(y.data, [2, 6])
    np.testing.assert_allclose(ag.gradients(np.sum(y), (t, u)), [2 * sp.psi(3), 6 * sp.psi(4)])
