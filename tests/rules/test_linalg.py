"""Linear algebra where it is singular, degenerate or not determined: the conventions of rules/linalg.py."""

import math

import numpy as np
import pytest

import autograd_mini as ag
import autograd_mini.scipy.linalg
from tests.generated import difference

RNG = np.random.default_rng(3)
A, B, H = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)), RNG.normal(size=(4, 4))
C, D = A + 1j * B, (H + 1j * H.T)[:, :2]


def weights(x):
    """Some numbers to add entries up with: a functional without symmetries."""
    w = np.cos(1 + np.arange(x.size)).reshape(x.shape)
    return w + 1j * np.sin(3 * w) if x.dtype.kind == "c" else w


def total(*arrays):
    return sum(np.sum(np.real(x * weights(x))) for x in arrays)


def check(f, x, tolerance=1e-7):
    """Gradient, second derivative and tangent along two directions, against differences."""
    dx, dz = (RNG.normal(size=x.shape).astype(x.dtype) for _ in "12")
    if x.dtype.kind == "c":
        dx, dz = dx * (1 + 0.7j), dz * (0.3 - 1j)
    leaf = ag.Tensor(x, requires_grad=True)
    g = ag.gradients(f(leaf), leaf, create_graph=True)
    slope = difference(lambda h: float(f(x + h * dx)), 0.002)
    scale = max(1, np.max(np.abs(g.data)))
    assert abs(np.sum(g.data * dx).real - slope) < tolerance * scale * 10
    _, tangent = ag.jvp(f, (x,), (dx,))
    np.testing.assert_allclose(tangent, np.sum(g.data * dx).real, rtol=1e-9, atol=1e-9 * scale)

    def moved(h):
        there = ag.Tensor(x + h * dz, requires_grad=True)
        return np.sum(ag.gradients(f(there), there) * dx).real

    second = ag.gradients(np.sum(np.real(g * dx)), leaf)
    curve = difference(moved, 0.002)
    assert abs(np.sum(second * dz).real - curve) < tolerance * max(1, np.max(np.abs(second))) * 10


# --- determinants


def cofactors(a):
    n = len(a)
    keep = [[k for k in range(n) if k != i] for i in range(n)]
    return np.array(
        [[(-1) ** (i + j) * np.linalg.det(a[np.ix_(keep[i], keep[j])]) for j in range(n)] for i in range(n)]
    )


SINGULAR = {
    "rank n - 1": np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]),
    "rank n - 2": np.outer([1.0, 2, 3], [1.0, -1, 2]),
    "zero": np.zeros((3, 3)),
    "an exact zero row": np.array([[1.0, 2, 3], [0, 0, 0], [3, 1, 4]]),
    "one by one": np.zeros((1, 1)),
    "complex, rank n - 1": np.outer([1, 2j, 3], [1.0, -1, 2j]) + np.outer([1, 1, 1j], [0, 1, 2]),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_det_of_a_singular_matrix(name):
    a = SINGULAR[name]
    leaf = ag.Tensor(a, requires_grad=True)
    y = np.linalg.det(leaf)
    got = ag.gradients(y, leaf) if a.dtype.kind == "f" else ag.gradients(y, leaf, np.array(1 + 0j))
    expected = cofactors(a) if len(a) > 1 else np.ones((1, 1))
    np.testing.assert_allclose(got, expected, atol=1e-12 * max(1, np.abs(a).max() ** len(a)))


@pytest.mark.parametrize("name", ["rank n - 1", "rank n - 2", "zero", "an exact zero row"])
@pytest.mark.parametrize("order", [2, 3, 4])
def test_higher_derivatives_of_det_at_a_singular_matrix(name, order):
    """A polynomial of degree 3: its third derivative is constant, its fourth 0."""
    a, leaf = SINGULAR[name], ag.Tensor(SINGULAR[name], requires_grad=True)
    directions = RNG.normal(size=(order, 3, 3))
    y = np.linalg.det(leaf)
    for d in directions:
        y = np.sum(ag.gradients(y, leaf, create_graph=True) * d)

    def mixed(x, rest):
        if not len(rest):
            return np.linalg.det(x)
        return difference(lambda h: mixed(x + h * rest[0], rest[1:]), 0.5)

    np.testing.assert_allclose(y.data, mixed(a, directions), rtol=1e-8, atol=1e-8)


def test_det_of_regular_and_singular_matrices_together():
    a = np.stack([A, SINGULAR["rank n - 2"], np.eye(3)])
    got = ag.grad(lambda a: np.sum(np.linalg.det(a)))(a)
    np.testing.assert_allclose(got, [cofactors(x) for x in a], atol=1e-12)


def test_slogdet_of_a_singular_matrix_raises():
    with pytest.raises(np.linalg.LinAlgError):
        ag.grad(lambda a: np.linalg.slogdet(a)[1])(np.zeros((2, 2)))


# --- what reads one triangle


@pytest.mark.parametrize("f", [
    lambda a: total(np.linalg.cholesky(a)), lambda a: total(*np.linalg.eigh(a)),
    lambda a: total(np.linalg.eigvalsh(a)), lambda a: total(np.linalg.pinv(a, hermitian=True)),
    lambda a: total(*np.linalg.svd(a, hermitian=True)),
])  # fmt: skip
def test_the_triangle_that_is_not_read_has_derivative_0(f):
    a = A @ A.T + np.diag([1.0, 3, 5])
    g = ag.grad(f)(a)
    assert not np.triu(g, 1).any() and g[np.tril_indices(3, -1)].all()
    ag.gradcheck(f, a)


@pytest.mark.parametrize("f", [
    lambda a: total(np.linalg.cholesky(a, upper=True)), lambda a: total(*np.linalg.eigh(a, "U")),
    lambda a: total(np.linalg.eigvalsh(a, UPLO="U")),
])  # fmt: skip
def test_the_lower_triangle_is_not_read_with_upper(f):
    a = A @ A.T + np.diag([1.0, 3, 5])
    g = ag.grad(f)(a)
    assert not np.tril(g, -1).any() and g[np.triu_indices(3, 1)].all()
    ag.gradcheck(f, a)


def test_of_a_matrix_made_symmetric_the_gradient_is_symmetric():
    g = ag.grad(lambda a: total(*np.linalg.eigh((a + a.T) / 2)))(A)
    np.testing.assert_allclose(g, g.T, rtol=1e-12)


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_of_a_complex_matrix(upper):
    check(lambda a: total(np.linalg.cholesky(a, upper=upper)), C @ C.conj().T + np.eye(3))


# --- repeated eigenvalues and singular values


def test_repeated_eigenvalues():
    """Functions of the eigenvalues alone, in which equal ones count alike."""
    np.testing.assert_allclose(ag.grad(lambda a: np.sum(np.linalg.eigvalsh(a)))(np.eye(3)), np.eye(3), atol=1e-15)
    g = ag.grad(lambda a: np.sum(np.linalg.eigh(a)[0] ** 2))(2 * np.eye(3))
    np.testing.assert_allclose(g, 4 * np.eye(3), atol=1e-14)
    np.testing.assert_allclose(ag.grad(lambda a: np.sum(np.linalg.svdvals(a)))(np.eye(3)), np.eye(3), atol=1e-15)
    a = np.array([[2.0, 1], [1, 2]])
    double = np.kron(np.eye(2), a)
    g = ag.grad(lambda a: np.sum(np.linalg.eigvalsh(a) ** 3))(double)
    np.testing.assert_allclose(g, np.tril(2 * 3 * double @ double) - np.diag(3 * np.diag(double @ double)), atol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda a: np.sum(np.real(np.linalg.eigvals(a))))(np.eye(2)), np.eye(2))


@pytest.mark.parametrize("f", [
    lambda a: np.linalg.eigh(a)[1], lambda a: np.linalg.eig(a)[1], lambda a: np.linalg.svd(a)[0],
    lambda a: np.linalg.svd(a)[2], lambda a: np.linalg.svd(a, hermitian=True)[0],
])  # fmt: skip
def test_vectors_that_are_not_determined_have_no_derivative(f):
    """One matrix of the two has equal eigenvalues, up to rounding: its gradient is NaN, the other's is not."""
    a = np.stack([np.diag([1.0, 2, 2 * (1 + 1e-16)]), np.diag([1.0, 2, 3])])
    leaf = ag.Tensor(a, requires_grad=True)
    v = f(leaf)
    g = ag.gradients(np.sum(v * weights(v)), leaf)
    assert np.isnan(g[0]).any() and np.isfinite(g[1]).all()


def test_vectors_of_a_rank_deficient_matrix():
    a = np.outer([1.0, 2, 3, 4], [1.0, 2, 3])
    leaf = ag.Tensor(a, requires_grad=True)
    u, s, _ = np.linalg.svd(leaf, full_matrices=False)
    assert np.isnan(ag.gradients(np.sum(u[:, 0]), leaf)).any()
    u0, _, v0 = np.linalg.svd(a, full_matrices=False)
    np.testing.assert_allclose(ag.gradients(s[0], leaf), np.outer(u0[:, 0], v0[0]), atol=1e-14)


def test_a_singular_value_of_0_has_derivative_0():
    a = np.diag([3.0, 0.0])
    np.testing.assert_array_equal(ag.grad(lambda a: np.linalg.norm(a, "nuc"))(a), np.diag([1.0, 0.0]))
    np.testing.assert_array_equal(ag.grad(lambda a: np.linalg.norm(a, -2))(a), np.zeros((2, 2)))
    np.testing.assert_array_equal(ag.grad(lambda a: np.sum(np.linalg.svdvals(a)))(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("a", [np.array([[1.0, 1], [0, 1]]), np.eye(3, k=1), np.eye(2, k=1) + 1j * np.eye(2)])
def test_a_defective_matrix_has_no_derivative(a):
    both = np.stack([a, np.diag(np.arange(1.0, len(a) + 1)).astype(a.dtype)])
    for f in (np.linalg.eigvals, lambda a: np.linalg.eig(a)[1]):
        g = ag.grad(lambda a, f=f: np.sum(np.real(f(a)) ** 2))(both)
        assert np.isnan(g[0]).any() and np.isfinite(g[1]).all()


def test_second_derivative_where_eigenvalues_agree():
    """It may exist, but cannot be had from the eigenvectors: NaN, not a wrong number."""
    assert np.isnan(ag.hessian(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2))(np.eye(2))).any()


# --- complex vectors: what does not depend on their phases


def function_of(w, v):
    """A function of a Hermitian matrix."""
    return (v * np.sin(w)[..., None, :]) @ np.conjugate(np.swapaxes(v, -1, -2))


def singular(a, **keywords):
    u, s, vh = np.linalg.svd(a, **keywords)
    k = s.shape[-1]
    u, vh = u[..., :k], vh[..., :k, :]
    first = u[..., :1] @ np.conjugate(np.swapaxes(u[..., :1], -1, -2))
    last = np.conjugate(np.swapaxes(vh[..., -1:, :], -1, -2)) @ vh[..., -1:, :]
    return total((u * np.sin(s)[..., None, :]) @ vh, first, last, s)


def complement(a, f, **keywords):
    """The projection on what the columns that complete the basis span."""
    u = f(a, **keywords)[0][..., a.shape[-1] :]
    return total(u @ np.conjugate(np.swapaxes(u, -1, -2)))


@pytest.mark.parametrize("a", [A, C, np.stack([C, C.T + 2])], ids=["real", "complex", "stack"])
@pytest.mark.parametrize("UPLO", ["L", "U"])
def test_eigh_without_phases(a, UPLO):
    check(lambda a: total(function_of(*np.linalg.eigh(a, UPLO))), a)


@pytest.mark.parametrize("a", [A, C, D, D.T, D.real, D.real.T], ids=["A", "C", "D", "DT", "real D", "real DT"])
@pytest.mark.parametrize("keywords", [{}, {"full_matrices": False}], ids=["full", "reduced"])
def test_svd_without_phases(a, keywords):
    check(lambda a: singular(a, **keywords), a)


@pytest.mark.parametrize("a", [A, C], ids=["real", "complex"])
def test_svd_of_a_hermitian_matrix_without_phases(a):
    check(lambda a: singular(a, hermitian=True), a)
    check(lambda a: total(np.linalg.svd(a, compute_uv=False, hermitian=True)), a)


@pytest.mark.parametrize("a", [D, D.real], ids=["complex", "real"])
def test_columns_that_complete_a_basis(a):
    check(lambda a: complement(a, np.linalg.svd), a)
    check(lambda a: complement(a, np.linalg.qr, mode="complete"), a)


@pytest.mark.parametrize("a", [C, D, D.T], ids=["C", "D", "DT"])
def test_qr_of_a_complex_matrix(a):
    """The diagonal of R is real."""
    check(lambda a: total(*np.linalg.qr(a)), a)
    check(lambda a: total(np.linalg.qr(a, mode="r")), a)


def dependent(m, n, j, dtype=float):
    """A matrix whose column j depends on those before it."""
    a = RNG.normal(size=(m, n)) * np.array([1, 1e3, 1e-3, 1])[:n] + (
        1j * RNG.normal(size=(m, n)) if dtype is complex else 0
    )
    a[:, j] = a[:, :j] @ np.array([0.5, -0.3, 2.0])[:j]
    return a


@pytest.mark.parametrize("f", [
    np.linalg.qr, lambda a: np.linalg.qr(a, "complete"), lambda a: [np.linalg.qr(a, "r")],
    autograd_mini.scipy.linalg.qr, lambda a: autograd_mini.scipy.linalg.qr(a, mode="economic"),
    lambda a: autograd_mini.scipy.linalg.qr(a, mode="r"),
])  # fmt: skip
@pytest.mark.parametrize("a", [
    dependent(4, 3, 2), dependent(4, 3, 1), dependent(4, 2, 0), dependent(3, 3, 2, complex), dependent(3, 3, 1),
    np.zeros((3, 2)), np.ones((5, 2)),
])  # fmt: skip
def test_qr_of_a_matrix_whose_columns_depend_on_each_other_has_no_derivative(f, a):
    """It was finite, 1e16 or so, or a LinAlgError, as the 0 in R was one to rounding or an exact one."""
    assert np.isnan(ag.grad(lambda a: total(f(a)[-1]))(a)[:, :2]).all()


def test_qr_of_a_stack_has_derivatives_where_the_columns_are_independent():
    a = np.stack([H[:, :2], dependent(H.shape[0], 2, 1)])
    g = ag.grad(lambda a: total(*np.linalg.qr(a)))(a)
    np.testing.assert_allclose(g[0], ag.grad(lambda a: total(*np.linalg.qr(np.stack([a, H[:, :2]]))))(a[0]), rtol=1e-10)
    assert np.isnan(g[1]).all()


@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("a", [
    dependent(3, 3, 2), dependent(2, 4, 1), dependent(3, 4, 2), np.zeros((1, 1)), np.zeros((1, 3)),
    np.array([[1.0, 0.5, 0], [2, 0.3, 0], [1, 1, 0]]),
])  # fmt: skip
def test_qr_where_the_last_column_that_ends_at_the_diagonal_depends_on_the_others(a, mode):
    """Q is determined without it. The second derivatives were wrong, and an exact 0 raised LinAlgError."""
    check(lambda a: total(*np.linalg.qr(a, mode)), a)
    check(lambda a: total(np.linalg.qr(a, "r")), a)


def test_qr_of_columns_of_very_different_sizes_has_derivatives():
    a, sizes = H[:, :2], np.array([1e-20, 1e3])
    g = ag.grad(lambda a: total(np.linalg.qr(a)[0]))(a * sizes)
    np.testing.assert_allclose(g * sizes, ag.grad(lambda a: total(np.linalg.qr(a)[0]))(a), rtol=1e-9)


@pytest.mark.parametrize("a", [A, C, np.stack([A, A.T + 1])], ids=["real", "complex", "stack"])
def test_eig_is_normalised_as_lapack_does(a):
    check(lambda a: total(*np.linalg.eig(a)), a)
    check(lambda a: total(np.linalg.eigvals(a)), a)


@pytest.mark.parametrize("f", [
    lambda a: np.linalg.eigh(a)[1], lambda a: np.linalg.svd(a)[0], lambda a: np.linalg.svd(a)[2],
    lambda a: np.linalg.svd(a, hermitian=True)[0],
])  # fmt: skip
def test_a_phase_has_no_derivative(f):
    assert np.isnan(ag.grad(lambda a: total(f(a)))(C)).all()


@pytest.mark.parametrize("f", [np.linalg.svd, lambda a: np.linalg.qr(a, mode="complete")])
def test_single_columns_that_complete_a_basis_have_no_derivative(f):
    assert np.isnan(ag.grad(lambda a: total(f(a)[0]))(D.real)).all()
    assert np.isfinite(ag.grad(lambda a: total(f(a)[0]))(A[:, :2])).all()  # there is only one


# --- pseudoinverses


def low_rank(x):
    """Matrices of rank 2."""
    return x[:4] @ x[4:6].T


@pytest.mark.parametrize("dtype", [float, complex])
def test_pinv_among_matrices_of_the_same_rank(dtype):
    x = RNG.normal(size=(6, 2)).astype(dtype)
    x = x + 1j * RNG.normal(size=x.shape) if dtype is complex else x
    check(lambda x: total(np.linalg.pinv(low_rank(x), rcond=1e-9)), x)
    b = RNG.normal(size=4).astype(dtype)
    check(lambda x: total(np.linalg.lstsq(low_rank(x[:, :2]), b, rcond=1e-9)[0]), np.vstack([x, x[:0]]))


def test_lstsq_of_every_output():
    a, b = H[:, :2], H[:, 2:]
    check(lambda a: total(*np.linalg.lstsq(a, b)[:2], np.linalg.lstsq(a, b)[3]), a)
    check(lambda b: total(*np.linalg.lstsq(a, b)[:2]), b)
    x, resid, rank, s = np.linalg.lstsq(ag.Tensor(a, requires_grad=True), b)
    assert (x.shape, resid.shape, int(rank), s.shape) == ((2, 2), (2,), 2, (2,))


# --- norms


@pytest.mark.parametrize("p", [None, 1, 2, 3, 0.5, -1, -0.5, math.inf, -math.inf])
def test_norm_of_zeros_has_derivative_0(p):
    for f in (lambda x: np.linalg.norm(x, p, axis=0), lambda x: np.linalg.vector_norm(x, ord=p or 2)):
        np.testing.assert_array_equal(ag.grad(f)(np.zeros(3)), np.zeros(3))
        np.testing.assert_array_equal(ag.grad(f)(np.zeros(3, complex)), np.zeros(3))


@pytest.mark.parametrize("p", [None, "fro", "nuc", 1, 2, -1, -2, math.inf, -math.inf])
def test_norm_of_a_zero_matrix_has_derivative_0(p):
    np.testing.assert_array_equal(ag.grad(lambda x: np.linalg.norm(x, p))(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize(("p", "expected"), [
    (1, [0, 1, -1]), (2, [0, 0.6, -0.8]), (0.5, [0, 1 + (4 / 3) ** 0.5, -1 - (3 / 4) ** 0.5]), (-1, [0, 0, 0]),
    (3, [0, 9 / 91 ** (2 / 3), -16 / 91 ** (2 / 3)]), (math.inf, [0, 0, -1]), (-math.inf, [0, 0, 0]),
])  # fmt: skip
def test_norm_has_no_slope_at_an_entry_0(p, expected):
    np.testing.assert_allclose(ag.grad(lambda x: np.linalg.norm(x, p))(np.array([0.0, 3, -4])), expected, atol=1e-15)


def test_norm_of_some_zero_lines():
    x = np.array([[0.0, 0], [3, 4]])
    g = ag.grad(lambda x: np.sum(np.linalg.norm(x, axis=1)))(x)
    np.testing.assert_allclose(g, [[0, 0], [0.6, 0.8]])
    second = ag.hessian(lambda x: np.sum(np.linalg.norm(x, axis=1)))(x)
    assert np.isfinite(second).all()


def test_norm_0_counts():
    y = np.linalg.norm(ag.Tensor([1.0, 0, 2], requires_grad=True), 0)
    assert (y.data, y.dtype, y.requires_grad) == (2, np.float64, False)


def test_norm_of_equal_maxima_shares():
    np.testing.assert_array_equal(ag.grad(lambda x: np.linalg.norm(x, math.inf))(np.array([2.0, -2])), [0.5, -0.5])
    np.testing.assert_allclose(ag.grad(lambda x: np.linalg.norm(x, 2))(np.eye(2)), np.eye(2) / 2)


# --- condition numbers, powers, ranks


@pytest.mark.parametrize("p", [None, 2, -2, 1, "fro"])
def test_cond_of_a_singular_matrix(p):
    """The values are NumPy's, infinite but for -2; the regular matrix beside it has its gradient."""
    a = np.stack([np.array([[1.0, 2], [0, 0]]), np.array([[3.0, 1], [1, 2]])])
    leaf = ag.Tensor(a, requires_grad=True)
    y = np.linalg.cond(leaf, p)
    np.testing.assert_allclose(y.data, np.linalg.cond(a, p), rtol=1e-14)
    alone = ag.grad(lambda a: np.linalg.cond(a, p))(a[1])
    np.testing.assert_allclose(ag.gradients(y[1], leaf)[1], alone, rtol=1e-12)


def test_matrix_power_0_has_derivative_0():
    np.testing.assert_array_equal(ag.grad(lambda a: np.sum(np.linalg.matrix_power(a, 0)))(np.full((2, 2), np.nan)), 0)


def test_matrix_rank_is_constant():
    assert np.linalg.matrix_rank(ag.Tensor(A, requires_grad=True)).data == 3


@pytest.mark.parametrize("f", [
    lambda a: total(np.linalg.pinv(a)), lambda a: total(*np.linalg.qr(a)), lambda a: total(np.linalg.det(a @ a.T)),
    lambda a: singular(a), lambda a: total(*np.linalg.slogdet(a.T @ a)), lambda a: np.linalg.cond(a),
    lambda a: total(function_of(*np.linalg.eigh(a.T @ a))), lambda a: total(np.linalg.cholesky(a.T @ a)),
    lambda a: np.linalg.norm(a, "nuc"),
])  # fmt: skip
def test_float32(f):
    a = H[:, :2]
    low = ag.grad(f)(a.astype(np.float32))
    assert low.dtype == np.float32
    np.testing.assert_allclose(low, ag.grad(f)(a), rtol=2e-3, atol=2e-3)


# --- singular values that are cut off though they are not 0

CUT = np.array([[3.0, 1.0], [0.0, 1.0]])


@pytest.mark.filterwarnings("ignore::numpy.exceptions.RankWarning")
@pytest.mark.parametrize(("f", "a"), [
    (lambda a: total(np.linalg.pinv(a, rcond=0.5)), CUT),
    (lambda a: total(np.linalg.pinv(a, rtol=0.5)), CUT),
    (lambda a: total(np.linalg.pinv(a, rcond=0.3)), np.vstack([CUT, [[0.2, 0.4]]])),
    (lambda a: total(np.linalg.pinv(a, rcond=0.3)), np.vstack([CUT, [[0.2, 0.4]]]).T * (1 + 0.3j)),
    (lambda a: total(np.linalg.pinv(a, rcond=np.array([0.5, 0.01]))), np.stack([CUT, CUT.T])),
    (lambda a: total(np.linalg.pinv(a, rcond=0.5, hermitian=True)), np.array([[3.0, 0.4], [0.4, -1.0]])),
    (lambda a: total(np.linalg.lstsq(a, np.array([1.0, 2.0]), rcond=0.5)[0]), CUT),
    (lambda b: total(np.linalg.lstsq(CUT, b, rcond=0.5)[0]), np.array([[1.0, 0.3], [2.0, -1.0]])),
    (lambda a: total(*np.linalg.lstsq(a, np.ones(3), rcond=0.4)[:4:3]), np.vstack([CUT, [[0.2, 0.4]]])),
    (lambda y: total(np.polyfit(np.arange(5.0), y, 2, rcond=0.2)), np.array([1.0, 0.2, 3.0, 2.0, 0.5])),
])  # fmt: skip
def test_singular_values_that_are_cut_off(f, a):
    check(f, a)


# --- one singular value 0


def test_one_singular_value_0():
    """Put together again, the factors give the matrix: its gradient must not lack what the vectors' signs hide."""
    again = lambda a: (lambda u, s, v: (u * s) @ v)(*np.linalg.svd(a))  # noqa: E731
    g = ag.grad(lambda a: np.sum(again(a)))(np.diag([2.0, 1.0, 0.0]))
    assert np.isnan(g).all()
    np.testing.assert_allclose(ag.grad(lambda a: np.sum(again(a)))(np.diag([2.0, 1.0, 0.5])), 1, rtol=1e-12)
    hermitian = lambda a: (lambda u, s, v: (u * s) @ v)(*np.linalg.svd(a, hermitian=True))  # noqa: E731
    if not np.linalg.svd(np.zeros((1, 1)), hermitian=True)[2].any():
        return  # an older NumPy gives no vector there
    assert np.isnan(ag.grad(lambda a: np.sum(hermitian(a)))(np.diag([2.0, 1.0, 0.0]))).all()


def test_one_singular_value_0_of_which_nothing_is_asked():
    leading = lambda a: (lambda u, s, v: (u[:, :2] * s[:2]) @ v[:2])(*np.linalg.svd(a))  # noqa: E731
    a = np.diag([2.0, 1.0, 0.0])
    g = ag.grad(lambda a: np.sum(leading(a)))(a)
    expected = np.ones((3, 3))
    expected[2, 2] = 0
    np.testing.assert_allclose(g, expected, atol=1e-12)
    np.testing.assert_array_equal(ag.grad(lambda a: np.sum(np.linalg.svd(a)[1]))(a), np.diag([1.0, 1, 0]))
