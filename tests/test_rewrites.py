"""What a message says to write instead works: it can be run as it stands there, and is differentiable.

Each row names a row of tests/messages, a piece of its message, and statements on the leaves ``t`` (a vector), ``s`` (a
number), ``M`` (a matrix), ``B`` (a stack of them), ``z`` (complex) and the arrays ``a``, ``mask``, ``X``, that leave
the result in ``y``: the piece, with the user's own arguments.
"""

import importlib.util

import numpy as np
import pytest

import autograd_mini as ag

from . import test_messages
from .messages import ROWS, made

REWRITES = {
    "np.nan_to_num(t, copy=False)": ("t = np.nan_to_num(t)", "t = np.nan_to_num(t); y = t"),
    "np.pad(t, 1, mode='empty')": ("np.concatenate([before, t, after])", "y = np.concatenate([a[:1], t, a[:1]])"),
    "np.put(a, [0], t)": ("a = ag.Tensor(a)", "a = ag.Tensor(a); np.put(a, [0], s); y = a"),
    "np.copyto(a, t)": ("np.where", "y = np.where(mask, t, a)"),
    "np.polymul(t, np.poly1d(a))": ("p.coeffs", "p = np.poly1d(a); y = np.polymul(t, p.coeffs)"),
    "np.mean(t, where=0.5)": ("where=mask != 0", "y = np.mean(t, where=mask != 0)"),
    "np.linalg.norm(t, ord=p), p a Tensor": (
        "np.sum(np.abs(x) ** p) ** (1 / p)",
        "x, p = t, s; y = np.sum(np.abs(x) ** p) ** (1 / p)",
    ),
    "np.tanh(where=)": ("np.where(mask, np.tanh(...), other)", "y = np.where(mask, np.tanh(t), a)"),
    "np.add.at(a, i, t)": ("a = ag.Tensor(a)", "a = ag.Tensor(a); np.add.at(a, [0], t[:1]); y = a"),
    "a += t": ("a = a + t", "a = a + t; y = a"),
    "np.argmax(t, out=a)": ("Write `result = np.argmax(...)`", "y = t[np.argmax(t)]"),
    "np.sign(z), complex": ("z / np.abs(z)", "y = z / np.abs(z)"),
    "np.arange(t, like=t)": ("np.arange(n) * step + start", "y = np.arange(3) * s + s"),
    "np.sum(t, out=u), another shape": ("result = np.sum(...)", "y = np.sum(t)"),
    "t[0] = 1 with t[0:2].T in use": ("t[0].copy()", "u = t * 1; v = u[0].copy(); u[0] = 1.0; y = u * v"),
    "w **= 2": ("t = t.copy()", "t = t.copy(); t **= 2; y = t"),
    "t *= a, which has more axes": ("t = t * ...", "t = t * np.ones((2, 3)); y = t"),
    "copy.deepcopy(result)": ("t.copy()", "y = (t * 2).copy()"),
    "t.fill(a)": ("t[...] = v", "u = s * np.ones(3); u[...] = t; y = u"),
    "t + {1, 2}": ("np.array(list(b))", "b = {1, 2, 3}; y = t + np.array(list(b))"),
    "(3, 4) @ (5, 4)": ("a @ b.T", "y = M @ np.ones((5, 2)).T"),
    "(4, 3) @ (4, 5)": ("a.T @ b", "y = M.T @ np.ones((2, 5))"),
    "np.array([t, u])": ("np.stack([t, u])", "u = t; y = np.stack([t, u])"),
    "math.sin(t)": ("np.sin(t)", "y = np.sin(t)"),
}
if importlib.util.find_spec("scipy"):
    ALL = "from autograd_mini.scipy import integrate, interpolate, linalg, optimize, signal, special, stats; "
    REWRITES |= {
        name: (piece, ALL + code)
        for name, (piece, code) in {
            "autograd_mini.scipy.linalg.signm(t), refused": (
                "a @ inv(sqrtm(a @ a))",
                "from autograd_mini.scipy.linalg import inv, sqrtm; a = M; y = a @ inv(sqrtm(a @ a))",
            ),
            "autograd_mini.scipy.linalg.funm(t), refused": (
                "w, v = eigh(a), then (v * f(w)) @ v.T",
                "w, v = linalg.eigh(M); f = np.tanh; y = (v * f(w)) @ v.T",
            ),
            "autograd_mini.scipy.linalg.subspace_angles(t), refused": (
                "np.arccos(np.clip(svdvals(qr(A, mode='economic')[0].T @ qr(B, mode='economic')[0]), -1, 1))[::-1]",
                "from autograd_mini.scipy.linalg import qr, svdvals; A, B = B[0, :, :1], np.eye(3, 1); "
                "q, r = qr(A, mode='economic')[0], qr(B, mode='economic')[0]; "
                "y = np.arccos(np.clip(svdvals(q.T @ r), -1, 1))[::-1]; "
                "import scipy.linalg; "
                "np.testing.assert_allclose(y.data, scipy.linalg.subspace_angles(A.numpy(), B), rtol=1e-6)",
            ),
            "scipy.special.stdtridf(t), refused": (
                "Solve stdtr(df, t) = p for df: ag.scipy.optimize.brentq",
                "import scipy.special as sp; "
                "y = optimize.brentq(lambda df, t: sp.stdtr(df, t) - 0.8, 0.5, 50.0, args=(np.abs(s),))",
            ),
            "ag.scipy.linalg.fractional_matrix_power(A, t)": (
                "expm(t * logm(A))",
                "from autograd_mini.scipy.linalg import expm, logm; A = M; y = expm(s * logm(A))",
            ),
            "scipy's root of a function that closes over t": (
                "root(lambda x, t: ..., args=(t,))",
                "y = optimize.root(lambda x, t: x - t, X, args=(t,)).x",
            ),
            "ag.scipy.integrate.quad(lambda x: t * x, 0, 1)": (
                "quad(lambda x, t: ..., args=(t,))",
                "y = integrate.quad(lambda x, t: t * x, 0.0, 1.0, args=(s,))[0]",
            ),
            "ag.scipy.integrate.odeint(f, t, s, rtol=a)": (
                "np.min(rtol)",
                "rtol = [1e-6, 1e-5]; y = integrate.odeint(lambda y, _: -y, t, X, rtol=np.min(rtol))",
            ),
            "ag.scipy.interpolate.interp1d(x, y)(t)": (
                "ag.scipy.interpolate.CubicSpline(x, y)",
                "y = ag.scipy.interpolate.CubicSpline(X, a)(t)",
            ),
            "ag.scipy.interpolate.interp1d(x, t, fill_value=0)": (
                "y = f(x); np.where(np.isnan(y), value, y)",
                "f = interpolate.interp1d(X, t, bounds_error=False); y = f([0.5, 9.0]); "
                "y = np.where(np.isnan(y), 0.0, y)",
            ),
            "ag.scipy.interpolate.CubicSpline(x, t, bc_type=((1, 0), (1, 0)))": (
                "'natural'",
                "y = interpolate.CubicSpline(X, t, bc_type='natural')(0.5)",
            ),
            "ag.scipy.interpolate.RegularGridInterpolator(p, t, method='pchip')": (
                "method='cubic'",
                "t = np.concatenate([t, t[:1]]); "
                "y = interpolate.RegularGridInterpolator((np.arange(4.0),), t, method='cubic')([0.5])",
            ),
            "ag.scipy.linalg.lstsq(t, b), a batch": (
                "np.stack([lstsq(m, v)[0] for m, v in zip(a, b)])",
                "from autograd_mini.scipy.linalg import lstsq; a, b = B, np.ones((2, 3)); "
                "y = np.stack([lstsq(m, v)[0] for m, v in zip(a, b)])",
            ),
            "ag.scipy.linalg.lu_solve((t, p), b), a batch": (
                "np.linalg.solve(a, b)",
                "a, b = M, np.ones(2); y = np.linalg.solve(a, b)",
            ),
            "ag.scipy.special.spherical_kn(1, t), t < 0": ("z + 0j", "y = special.spherical_kn(1, -t + 0j)"),
            "ag.logsumexp(z), complex": ("ag.scipy.special.logsumexp", "y = ag.scipy.special.logsumexp(z)"),
            "ag.scipy.stats.norm.logpdf(z), complex": ("np.real(t)", "y = stats.norm.logpdf(np.real(z))"),
            "ag.scipy.stats.multivariate_normal.logpdf(t, cov=scipy.stats.Covariance)": (
                "cov.covariance",
                "import scipy.stats; cov = scipy.stats.Covariance.from_diagonal([1.0, 2.0, 1.0]); "
                "y = stats.multivariate_normal.logpdf(t, cov=cov.covariance)",
            ),
        }.items()
    }


@pytest.mark.parametrize("name", REWRITES)
def test_a_rewrite_works(name):
    piece, code = REWRITES[name]
    assert name in ROWS
    text = test_messages.text_of(made(name))
    assert piece in text, text

    stack = np.eye(3) + np.ones((2, 3, 3)) / 4
    values = ([0.3, 0.7, 0.5], 1.3, [[2.0, 0.3], [0.3, 1.0]], stack, [1j, 2.0, 3.0])
    leaves = [ag.Tensor(np.array(value), requires_grad=True) for value in values]
    names = dict(zip(("t", "s", "M", "B", "z"), leaves, strict=True))
    names |= {"a": np.ones(3), "mask": np.array([True, False, True]), "X": np.arange(3.0), "np": np, "ag": ag}
    exec(code, names)
    y = names["y"]
    found = ag.gradients([y], leaves, [np.ones(y.shape, y.dtype)])
    assert any(g is not None and g.any() for g in found)
