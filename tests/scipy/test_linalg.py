"""Factorisations whose signs, phases or pivots are a matter of choice: what does not depend on the choice is tested."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import MissingRuleError, UnsupportedArgumentError

theirs = pytest.importorskip("scipy.linalg")
linalg = ag.scipy.linalg
RNG = np.random.default_rng(5)
A = RNG.normal(size=(4, 4))
S = (A + A.T) / 2 + np.diag([0.0, 3.0, 6.0, 9.0])
B = A @ A.T / 4 + 2 * np.eye(4)
W = RNG.normal(size=(4, 4))


def differences(f, a, h=1e-5):
    g = np.zeros(a.shape)
    for k in np.ndindex(a.shape):
        e = np.zeros(a.shape)
        e[k] = h
        g[k] = (f(a + e) - f(a - e)) / (2 * h)
    return g


FREE = {
    "eigh": (lambda a: np.sum(W * np.square(linalg.eigh(a)[1])) + np.sum(linalg.eigh(a)[0] ** 2), S),
    "eigh upper": (lambda a: np.sum(W * np.square(linalg.eigh(a, lower=False)[1])), S),
    "eigh part": (lambda a: np.sum(W[:, :2] * np.square(linalg.eigh(a, subset_by_index=[1, 2])[1])), S),
    "eigh general, a": (lambda a: np.sum(W * np.square(linalg.eigh(a, B)[1])), S),
    "eigh general, b": (lambda b: np.sum(W * np.square(linalg.eigh(S, b)[1])), B),
    "eigh general, upper": (lambda b: np.sum(W * np.square(linalg.eigh(S, b, lower=False)[1])), B),
    "eigvalsh": (lambda a: np.sum(W[0] * linalg.eigvalsh(a)), S),
    "eigvalsh general": (lambda b: np.sum(W[0] * linalg.eigvalsh(S, b)), B),
    "eig": (lambda a: np.real(np.sum(W[0] * linalg.eig(a)[0] ** 3)), S),
    "eigvals": (lambda a: np.real(np.sum(linalg.eigvals(a) ** 3)), A),
    "svd": (lambda a: np.sum(W * linalg.svd(a)[0] * linalg.svd(a)[2].T), A),
    "svd, values": (lambda a: np.sum(W[0] * linalg.svd(a, compute_uv=False)), A),
    "svd, thin": (lambda a: np.sum(W[:, :3] * np.square(linalg.svd(a, full_matrices=False)[0])), A[:, :3]),
    "lstsq, a": (lambda a: np.sum(linalg.lstsq(a, A[:, 3])[0] ** 2) + linalg.lstsq(a, A[:, 3])[1], A[:, :3]),
    "lstsq, b": (lambda b: np.sum(linalg.lstsq(A[:, :3], b)[0] ** 3), A),
    "cho_factor": (lambda a: np.sum(W * linalg.cho_factor(a)[0]), B),
    "cho_solve": (lambda a: np.sum(W * linalg.cho_solve(linalg.cho_factor(a, lower=True), A)), B),
    "lu_solve": (lambda a: np.sum(W * linalg.lu_solve(linalg.lu_factor(a), A)), A),
}


@pytest.mark.parametrize("name", FREE)
def test_gradient(name):
    f, a = FREE[name]
    np.testing.assert_allclose(ag.grad(f)(a), differences(f, a), rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("lower", [True, False])
def test_eigenvectors_have_scipys_signs(lower):
    for args in ((S,), (S, B)):
        w, v = linalg.eigh(ag.Tensor(S), *args[1:], lower=lower)
        expected = theirs.eigh(*args, lower=lower)
        np.testing.assert_allclose(w.data, expected[0], rtol=1e-12)
        np.testing.assert_allclose(v.data, expected[1], rtol=1e-10, atol=1e-12)


def test_cho_factor_and_lstsq_return_what_scipy_does():
    c, lower = linalg.cho_factor(ag.Tensor(B), True)
    expected = theirs.cho_factor(B, True)
    assert bool(lower) is bool(expected[1])
    np.testing.assert_allclose(c.data, expected[0], rtol=1e-13)
    for a, b in ((A[:, :3], A), (A[:2], A[:2, 0]), (A[:, :2], A[:, 3])):
        for got, e in zip(linalg.lstsq(ag.Tensor(a), b), theirs.lstsq(a, b), strict=True):
            np.testing.assert_allclose(got.data if isinstance(got, ag.Tensor) else got, e, rtol=1e-11, atol=1e-13)


def test_pivots_are_exchanged():
    a = np.array([[0.0, 1.0], [2.0, 3.0]])
    f = lambda a: np.sum(W[:2, :2] * linalg.lu(a)[2])  # noqa: E731
    np.testing.assert_allclose(ag.grad(f)(a), differences(f, a), rtol=1e-8, atol=1e-8)


def test_large_and_small_cotangents_of_a_function_of_a_matrix():
    a = ag.Tensor(A, requires_grad=True)
    y = linalg.expm(a)
    one = ag.gradients(y, a, W)
    for size in (1e-12, 1e12):
        np.testing.assert_allclose(ag.gradients(y, a, W * size), one * size, rtol=1e-12)
    np.testing.assert_array_equal(ag.gradients(y, a, W * 0), 0)


def test_plain_arrays_go_to_scipy():
    np.testing.assert_array_equal(linalg.expm(A), theirs.expm(A))
    assert type(linalg.solve_triangular(A, A)) is np.ndarray


@pytest.mark.parametrize("name", ["funm", "signm", "schur", "null_space", "orth", "hessenberg", "ldl"])
def test_refused(name):
    a = ag.Tensor(S, requires_grad=True)
    args = (a, np.exp) if name == "funm" else (a,)
    with pytest.raises(MissingRuleError, match=name):
        getattr(linalg, name)(*args)


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("eigh", {"subset_by_value": [0, 1]}),
        ("eigh", {"b": B, "type": 2}),
        ("eig", {"left": True}),
        ("eig", {"b": B}),
        ("svd", {"lapack_driver": "gesvd"}),
        ("lstsq", {"b": A, "lapack_driver": "gelsy"}),
        ("cho_factor", {"overwrite_a": True}),
        ("qr", {"pivoting": True}),
        ("qr", {"mode": "raw"}),
    ],
)
def test_refused_keyword(name, keywords):
    with pytest.raises(UnsupportedArgumentError, match=list(keywords)[-1]):
        getattr(linalg, name)(ag.Tensor(S, requires_grad=True), **keywords)


@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (2, 3)])
@pytest.mark.parametrize("name", ["rtol", "atol", "cond"])
def test_singular_values_that_are_cut_off(name, shape):
    """What is left out is not 0: the derivative is that of the truncated inverse."""
    a = np.array([[3.0, 1.0, 0.2], [0.0, 1.0, 0.4], [0.3, 0.1, 0.2]])[: shape[0], : shape[1]]
    b, w, h = np.arange(1.0, shape[0] + 1), np.cos(np.arange(6.0)), 1e-5
    linalg, other = ag.scipy.linalg, pytest.importorskip("scipy.linalg")
    keywords = {name: 0.5 if name != "atol" else 1.5}

    def f(a, module=linalg):
        y = module.lstsq(a, b, **keywords)[0] if name == "cond" else module.pinv(a, **keywords)
        return np.sum(np.reshape(y, -1) * w[: y.size])

    expected = [(f(a + d, other) - f(a - d, other)) / (2 * h) for d in (np.eye(a.size) * h).reshape(-1, *shape)]
    np.testing.assert_allclose(ag.grad(f)(a).reshape(-1), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 4)])
def test_polar_of_a_matrix_without_full_rank_has_no_derivative(shape, dtype):
    """Its orthonormal factor is not determined. The gradient was finite, or the sweep raised, as rounding had it."""
    a = (RNG.normal(size=(shape[0], 2)) @ RNG.normal(size=(2, shape[1]))).astype(dtype)
    for other in (a, np.zeros(shape, dtype)):
        g = ag.grad(lambda a: np.sum(np.real(ag.scipy.linalg.polar(a)[0] * np.cos(np.arange(a.size)).reshape(shape))))(
            other
        )
        assert g.dtype == dtype and np.isnan(g).all()


@pytest.mark.parametrize("name", ["lu", "lu_factor", "inv", "sqrtm", "det", "expm", "cholesky"])
def test_the_byte_order_is_no_matter(name):
    """SciPy reads arrays of the other byte order wrong in `lu`, `inv`, `sqrtm`, and prints an error that it ignores."""
    function = getattr(ag.scipy.linalg, name)
    a = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 2.0]])
    swapped = a.astype(a.dtype.newbyteorder("S"))
    expected = function(a)
    for argument in (swapped, ag.Tensor(swapped, requires_grad=True)):
        found = function(argument)
        pairs = zip(found, expected, strict=True) if isinstance(expected, tuple) else [(found, expected)]
        for p, q in pairs:
            np.testing.assert_allclose(p.numpy() if isinstance(p, ag.Tensor) else p, q, rtol=1e-12, atol=1e-13)
