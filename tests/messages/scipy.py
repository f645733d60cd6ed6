"""What SciPy's functions refuse on Tensors."""

import importlib.util
import re

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from ..cases import INVALID, REFUSED
from ..generated import call, named, operands
from .rules import Elsewhere, quietly

UNSUPPORTED, MISSING, LOST = errors.UnsupportedArgumentError, errors.MissingRuleError, errors.LostGradientError
FIX = r"Leave it out|[Ww]rite|[Pp]ass|[Kk]eep|Solve|Take|Use|takes \w+="  # every refusal says what to do instead


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def calling(function, case):
    """Return a call of a row on Tensors."""
    return lambda: call(function, case, [leaf(x) for x in operands(case)])


def scipys(function):
    return named(function).startswith(("scipy.", "autograd_mini.scipy."))


ROWS = {
    f"{named(function)}({case})": (calling(function, case), UNSUPPORTED, [re.escape(name), FIX])
    for function, case, name in REFUSED
    if scipys(function)
}
ROWS |= {  # what SciPy refuses
    f"{named(function)}({case}), which SciPy refuses": (calling(function, case), error, [r"\w"])
    for function, case, error in INVALID
    if scipys(function)
}

S, V, W = leaf(1.5), leaf([1.0, 2.0, 4.0]), leaf([2.0, 1.0])
A, B, Z = leaf([[3.0, 1.0], [1.0, 2.0]]), leaf(np.ones((2, 2, 2)) + 2 * np.eye(2)), leaf(np.array([1j, 2.0]))
X = np.arange(3.0)


def tiring(calls):
    """A right-hand side that is no number after so many calls."""
    left = [calls]

    def fun(_t, y, k):
        left[0] -= 1
        return -k * y if left[0] > 0 else y * np.nan

    return fun


def backward_of(y):
    np.sum(y).backward()


def refused():
    """Every function that is refused, called on Tensors."""
    from autograd_mini.table import TABLE, Refused

    for function, entry in list(TABLE.items()):
        if isinstance(entry, Refused) and scipys(function):
            yield function, entry.reason


if importlib.util.find_spec("scipy"):
    import scipy.special as sp
    import scipy.stats

    from autograd_mini.scipy import integrate, interpolate, linalg, optimize, signal, special, stats

    ROWS |= {
        f"{named(function)}(t), refused": (
            lambda f=function: f(*[A] * (getattr(f, "nin", 1))),
            MISSING,
            [re.escape(named(function)), re.escape(reason[:40]), FIX],
        )
        for function, reason in refused()
    }
    ROWS |= {
        "ag.scipy.sparse": (
            lambda: ag.scipy.sparse,
            AttributeError,
            [r"ag\.scipy has no module 'sparse'", "it has integrate"],
        ),
        # an operand that has no derivative
        "scipy.special.jv(t, x)": (
            lambda: sp.jv(S, 1.0),
            UNSUPPORTED,
            [r"scipy\.special\.jv", "with respect to v", "order", r"detach\(\)"],
        ),
        "scipy.special.hyp2f1(t, b, c, z)": (
            lambda: sp.hyp2f1(S, 1.0, 2.0, 0.5),
            UNSUPPORTED,
            ["hyp2f1", "with respect to a", "closed form"],
        ),
        "scipy.special.bdtr(k, t, p)": (
            lambda: quietly(sp.bdtr, 1, leaf(3.0), 0.5),
            UNSUPPORTED,
            ["bdtr", "with respect to n", "count", r"detach\(\)"],
        ),
        "scipy.special.zeta(t, q)": (lambda: sp.zeta(S, 2.0), UNSUPPORTED, [r"scipy\.special\.zeta", "closed form"]),
        "scipy.special.zeta(t)": (lambda: sp.zeta(S), MISSING, [r"scipy\.special\.zeta", "closed form"]),
        "ag.scipy.linalg.fractional_matrix_power(A, t)": (
            lambda: linalg.fractional_matrix_power(A.detach(), S),
            UNSUPPORTED,
            ["fractional_matrix_power", "with respect to t", r"expm\(t \* logm\(A\)\)"],
        ),
        "y = scipy.special.elliprj(x, y, z, t), t < 0; y.backward()": (
            lambda: backward_of(sp.elliprj(1.0, 2.0, 3.0, leaf(-0.5))),
            UNSUPPORTED,
            ["elliprj", "p < 0", r"\.detach\(\)"],
        ),
        "ag.scipy.special.spherical_kn(1, t), t < 0": (
            lambda: special.spherical_kn(1, leaf([-1.0])),
            UNSUPPORTED,
            ["spherical_kn", "negative", r"z \+ 0j"],
        ),
        "ag.scipy.special.polygamma(t, x)": (lambda: special.polygamma(S, 2.0), UNSUPPORTED, ["polygamma", "n="]),
        "ag.scipy.special.comb(t, k, exact=True)": (
            lambda: special.comb(S, 1, exact=True),
            UNSUPPORTED,
            ["comb", "exact=", "Leave it out"],
        ),
        "ag.scipy.special.multigammaln(t, 9)": (lambda: special.multigammaln(S, 9), ValueError, [r"a .*4\.0"]),
        "ag.scipy.special.logsumexp(t, out=a)": (
            lambda: special.logsumexp(V, out=np.zeros(())),
            TypeError,
            ["'?out"],
        ),
        "scipy.special.wofz(z)'s parts, complex": (
            lambda: special.faddeeva(Z, Z, imag=False),
            TypeError,
            ["real themselves"],
        ),
        # solvers
        "scipy's root of a function that closes over t": (
            lambda: optimize.root(lambda x: x - V, X),
            LOST,
            ["root closes over a Tensor", r"args=\(t,\)"],
        ),
        "ag.scipy.optimize.brentq(lambda x: x - t, 0, 3)": (
            lambda: optimize.brentq(lambda x: x - S, 0.0, 3.0),
            LOST,
            ["brentq closes over a Tensor", "args="],
        ),
        "ag.scipy.optimize.newton(lambda x, u: x - t * u, 1.0, args=(u,))": (
            lambda: optimize.newton(lambda x, u: x - V[0] * u, 1.0, args=(S,)),
            LOST,
            ["newton closes over", "args="],
        ),
        "ag.scipy.optimize.root(f, x0, args=(t,), method='lm') of more equations than unknowns": (
            lambda: backward_of(
                optimize.root(lambda x, t: np.concatenate([x - t, x - t]), np.zeros(2), args=(W,), method="lm").x
            ),
            UNSUPPORTED,
            ["4 values for 2 unknowns", "one equation for each"],
        ),
        "ag.scipy.integrate.odeint(f, t, s, rtol=a)": (
            lambda: integrate.odeint(lambda y, _t: -y, W, X, rtol=[1e-6, 1e-6]),
            UNSUPPORTED,
            ["odeint", "rtol= as one number", r"np\.min\(rtol\)"],
        ),
        "ag.scipy.integrate.solve_ivp(f, s, t, atol=a)": (
            lambda: integrate.solve_ivp(lambda _t, y: -y, (0, 1), W, atol=[1e-6, 1e-6]),
            UNSUPPORTED,
            ["solve_ivp", "atol= as one number", r"np\.min\(atol\)"],
        ),
        "ag.scipy.integrate.solve_ivp(lambda s, y: -t * y, s, y0)": (
            lambda: integrate.solve_ivp(lambda _s, y: -S * y, (0, 1), W),
            LOST,
            ["solve_ivp closes over a Tensor", r"args=\(t,\)"],
        ),
        "ag.scipy.integrate.odeint(f, t, s, foo=1)": (
            lambda: integrate.odeint(lambda y, _s: -y, W, X, foo=1),
            TypeError,
            [r"integrate\.odeint\(\) got an unexpected keyword argument 'foo'"],
        ),
        "ag.scipy.integrate.odeint(f, A, s)": (
            lambda: integrate.odeint(lambda y, _s: -y, A, X),
            ValueError,
            ["y0 must be one-dimensional"],
        ),
        "ag.scipy.integrate.odeint(f, t, 1.0)": (
            lambda: integrate.odeint(lambda y, _s: -y, W, 1.0),
            ValueError,
            ["t must be one-dimensional"],
        ),
        "ag.scipy.integrate.solve_ivp(f, s, t, events=g)": (
            lambda: integrate.solve_ivp(lambda _t, y: -y, (0, 1), W, events=lambda _t, y: y[0]),
            UNSUPPORTED,
            ["solve_ivp", "events=", "Leave it out"],
        ),
        "ag.scipy.integrate.solve_ivp of what breaks off": (
            lambda: integrate.solve_ivp(tiring(40), (0, 1), W, args=(S,)),
            RuntimeError,
            ["solve_ivp failed between t = 0 and 1", "step", "method="],
        ),
        "ag.scipy.integrate.quad(lambda x: t * x, 0, 1)": (
            lambda: integrate.quad(lambda x: S * x, 0.0, S),
            LOST,
            ["quad closes over a Tensor", r"args=\(t,\)"],
        ),
        "ag.scipy.integrate.cumulative_trapezoid([])": (
            lambda: integrate.cumulative_trapezoid(leaf(np.zeros(0))),
            ValueError,
            ["At least one point"],
        ),
        "ag.scipy.integrate.cumulative_trapezoid(t, x), x shorter": (
            lambda: integrate.cumulative_trapezoid(V, X[:2]),
            ValueError,
            ["x along axis|shape of x"],
        ),
        "ag.scipy.integrate.cumulative_trapezoid(t, initial=1)": (
            lambda: integrate.cumulative_trapezoid(V, initial=1),
            ValueError,
            ["`initial` must be `None` or `0`"],
        ),
        "ag.scipy.integrate.simpson(t, x), x shorter": (
            lambda: integrate.simpson(V, x=X[:2]),
            ValueError,
            ["x along axis|shape of x"],
        ),
        # interpolants
        "ag.scipy.interpolate.CubicSpline(t, y)": (
            lambda: interpolate.CubicSpline(V, X),
            UNSUPPORTED,
            ["by x", r"x\.detach\(\)\.numpy\(\)"],
        ),
        "ag.scipy.interpolate.CubicSpline(x, t, bc_type=((1, 0), (1, 0)))": (
            lambda: interpolate.CubicSpline(X, V, bc_type=((1, 0.0), (1, 0.0))),
            UNSUPPORTED,
            ["bc_type=", "'natural'"],
        ),
        "ag.scipy.interpolate.CubicSpline(x, t).c": (
            lambda: interpolate.CubicSpline(X, V).c,
            AttributeError,
            ["no attribute 'c'", r"detach\(\)\.numpy\(\)"],
        ),
        "ag.scipy.interpolate.CubicSpline(x, t)(0.5, order=1)": (
            lambda: interpolate.CubicSpline(X, V)(0.5, order=1),
            UNSUPPORTED,
            ["no rule for order", "nu"],
        ),
        "ag.scipy.interpolate.interp1d(x, t)(0.5, nu=1)": (
            lambda: interpolate.interp1d(X, V)(0.5, nu=1),
            UNSUPPORTED,
            ["no rule for nu", "CubicSpline"],
        ),
        "ag.scipy.interpolate.interp1d(x, y)(t)": (
            lambda: interpolate.interp1d(X, X)(S),
            UNSUPPORTED,
            ["by the place x", r"CubicSpline\(x, y\)"],
        ),
        "ag.scipy.interpolate.interp1d(x, t, fill_value=0)": (
            lambda: interpolate.interp1d(X, V, fill_value=0.0, bounds_error=False),
            UNSUPPORTED,
            ["fill_value=", r"np\.where\(np\.isnan\(y\), value, y\)"],
        ),
        "ag.scipy.interpolate.RegularGridInterpolator(p, t, method='pchip')": (
            lambda: interpolate.RegularGridInterpolator((np.arange(4.0),), leaf(np.arange(4.0)), "pchip"),
            UNSUPPORTED,
            ["method='pchip'", "Write method='cubic'"],
        ),
        "ag.scipy.interpolate.RegularGridInterpolator(p, t)(x, 'pchip')": (
            lambda: interpolate.RegularGridInterpolator((np.arange(4.0),), leaf(np.arange(4.0)))([0.5], "pchip"),
            UNSUPPORTED,
            ["method='pchip'", "Write method='cubic'"],
        ),
        "ag.scipy.interpolate.RegularGridInterpolator(p, t, fill_value=0)": (
            lambda: interpolate.RegularGridInterpolator((X,), V, fill_value=0.0),
            UNSUPPORTED,
            ["fill_value=", r"np\.where\(np\.isnan\(y\), value, y\)"],
        ),
        "ag.scipy.interpolate.RegularGridInterpolator(p, t).grid": (
            lambda: interpolate.RegularGridInterpolator((X,), V).grid,
            AttributeError,
            ["no attribute 'grid'", "Make"],
        ),
        # linear algebra
        "ag.scipy.linalg.lstsq(t, b), a batch": (
            lambda: linalg.lstsq(B, np.ones((2, 2))),
            UNSUPPORTED,
            [r"lstsq.*not a batch of shape \(2, 2, 2\)", r"np\.stack"],
        ),
        "ag.scipy.linalg.lu_solve((t, p), b), a batch": (
            lambda: linalg.lu_solve((B, np.zeros((2, 2), int)), np.ones(2)),
            UNSUPPORTED,
            [r"lu_solve.*not a batch of shape \(2, 2, 2\)", r"np\.linalg\.solve\(a, b\)"],
        ),
        "ag.scipy.linalg.expm(a), a on a cluster": (
            lambda: linalg.expm(Elsewhere(np.eye(2))),
            UNSUPPORTED,
            ["expm works on NumPy arrays", "Elsewhere", "np.asarray"],
        ),
        "ag.scipy.linalg.lu_solve((t, p), b), b too long": (
            lambda: linalg.lu_solve(linalg.lu_factor(A), np.ones(7)),
            ValueError,
            [r"lu \(2, 2\) and b \(7,\) are incompatible"],
        ),
        "ag.scipy.linalg.solve_continuous_lyapunov(t, q), q larger": (
            lambda: linalg.solve_continuous_lyapunov(A, np.eye(3)),
            ValueError,
            ["a and q should have the same shape"],
        ),
        "ag.scipy.linalg.det(t, overwrite_a=True)": (
            lambda: linalg.det(A, overwrite_a=True),
            UNSUPPORTED,
            ["det", "overwrite_a=", "Leave it out"],
        ),
        "ag.scipy.linalg.qr(t, mode='other')": (lambda: linalg.qr(A, mode="other"), ValueError, ["'economic'"]),
        "ag.scipy.linalg.polar(t, side='up')": (lambda: linalg.polar(A, side="up"), ValueError, ["'left'"]),
        "ag.scipy.linalg.solve_discrete_lyapunov(t, t, 'other')": (
            lambda: linalg.solve_discrete_lyapunov(A, A, "other"),
            ValueError,
            ["other"],
        ),
        "ag.scipy.linalg.companion([t])": (lambda: linalg.companion(leaf([1.0])), ValueError, ["at least 2"]),
        "ag.scipy.linalg.companion([0, t])": (lambda: linalg.companion(leaf([0.0, 1.0])), ValueError, ["first coeff"]),
        "ag.scipy.linalg.khatri_rao(t, u)": (
            lambda: linalg.khatri_rao(A, leaf(np.ones((2, 3)))),
            ValueError,
            ["columns"],
        ),
        # signals
        "ag.scipy.signal.convolve(t, u), other axes": (lambda: signal.convolve(V, A), ValueError, ["dimensionality"]),
        "ag.scipy.signal.convolve(t, u, 'other')": (lambda: signal.convolve(V, V, "other"), ValueError, ["'valid'"]),
        "ag.scipy.signal.convolve(t, u, 'valid'), neither larger": (
            lambda: signal.convolve(leaf(np.ones((2, 3))), leaf(np.ones((3, 2))), "valid"),
            ValueError,
            ["'valid' mode"],
        ),
        "ag.scipy.signal.lfilter([], a, t)": (
            lambda: signal.lfilter(np.zeros(0), [1.0], V),
            ValueError,
            ["b and a|1d"],
        ),
        "ag.scipy.signal.lfilter(b, a, t, zi=1.0)": (
            lambda: signal.lfilter([1.0], [1.0, 0.5], V, zi=1.0),
            ValueError,
            ["too small depth|zi"],
        ),
        "ag.scipy.special.factorial(t, extend='other')": (
            lambda: special.factorial(S, extend="other"),
            ValueError,
            ["'zero' or 'complex', received: other"],
        ),
        "ag.scipy.signal.detrend(t, type='other')": (lambda: signal.detrend(V, type="other"), ValueError, ["'linear'"]),
        "ag.scipy.signal.detrend(t, bp=9)": (lambda: signal.detrend(V, bp=9), ValueError, ["Breakpoints"]),
        # distributions
        "ag.scipy.stats.norm.logpdf(z), complex": (
            lambda: stats.norm.logpdf(Z),
            errors.DTypeError,
            ["complex128", r"np\.real\(t\)"],
        ),
        "ag.scipy.stats.norm(t).rvs()": (
            lambda: stats.norm(S).rvs(),
            UNSUPPORTED,
            [r"norm with Tensors", "no .rvs", "logpdf", r"t\.detach\(\)\.numpy"],
        ),
        "ag.scipy.stats.norm(t).__name__": (
            lambda: stats.norm(S).__name__,
            AttributeError,
            ["distribution of Tensors has no attribute '__name__'"],
        ),
        "ag.scipy.stats.poisson.pmf(t, mu)": (
            lambda: stats.poisson.pmf(leaf([1.0]), 2.0),
            UNSUPPORTED,
            [r"poisson\.pmf", "by k, which counts", "detach"],
        ),
        "ag.scipy.stats.multivariate_normal.logpdf(t, cov=scipy.stats.Covariance)": (
            lambda: stats.multivariate_normal.logpdf(W, cov=scipy.stats.Covariance.from_diagonal([1.0, 2.0])),
            UNSUPPORTED,
            ["multivariate_normal", r"cov\.covariance"],
        ),
        "ag.scipy.stats.multivariate_normal.logpdf(t, mean, cov), cov too large": (
            lambda: stats.multivariate_normal.logpdf(W, W, np.eye(3)),
            ValueError,
            ["array 'cov' is of shape", "2", r"\(3, 3\)"],
        ),
    }
