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
