"""SciPy's matrix functions: solvers, factorisations, functions of matrices, structured matrices.

A matrix of which SciPy reads one triangle has its gradient in that triangle. Transposes are plain, never conjugated:
the cotangent p of z satisfies ``Re(sum(p dz)) = Re(sum(g dy))``. Batches are SciPy's: leading axes, broadcast.
Pivots and ranks are constant near a point where they are well determined; elsewhere there is no derivative.
"""

import math

import numpy as np
import scipy.linalg as theirs

from ..errors import UnsupportedArgumentError
from ..recording import current
from ..rules.linalg import spectrum, tolerance, truncated_pinv
from ..table import Refused, composite, defvjp, in_memory, refused
from ..tensor import Tensor
from .borrow import SINCE_1_18, array, borrow, constant_of, refuse, stand_in, value_of

# --- shapes and triangles


def transposed(a):
    """Return the transpose of each matrix."""
    return np.swapaxes(a, -1, -2)


def adjoint(a):
    """Return the conjugate transpose of each matrix."""
    return np.conjugate(transposed(a)) if a.dtype.kind == "c" else transposed(a)


def conjugate(a):
    """Return the complex conjugate; a real array as it is."""
    return np.conjugate(a) if a.dtype.kind == "c" else a


def columns(x, b):
    """Return `x` as columns: a right-hand side `b` with one axis stands for one column."""
    return np.expand_dims(x, -1) if np.ndim(b) == 1 else x


def shaped(x, b):
    """Return columns in the form that `b` has."""
    return np.squeeze(x, -1) if np.ndim(b) == 1 else x


def lower_part(a, k=0):
    """Return `a` with zeros above its k-th diagonal."""
    return np.where(np.tri(*a.shape[-2:], k, dtype=bool), a, 0)


def upper_part(a, k=0):
    """Return `a` with zeros below its k-th diagonal."""
    return np.where(np.tri(*a.shape[-2:], k - 1, dtype=bool), 0, a)


def results(a, *outputs):
    """Return several results as SciPy does: a tuple, but of a batch, a list."""
    return list(outputs) if a.ndim > 2 else outputs


def finite(a, check_finite):
    """Return an array; raise where there is an infinity or a NaN in it, if that is to be checked."""
    if check_finite and isinstance(a, Tensor) and (trace := current.get().trace) is not None:
        trace.demands(np.isfinite(a), lambda: ValueError("array must not contain infs or NaNs"))
    elif check_finite:
        np.asarray_chkfinite(value_of(a))
    return array(a)


def double(a, check_finite=False):
    """Return an array in a dtype that LAPACK has: integers and halves are widened as SciPy does it."""
    a = finite(a, check_finite)
    if a.dtype.kind in "iub":
        return a.astype(np.float64)
    if not a.dtype.isnative:  # some of SciPy's functions do not look at the byte order
        a = a.astype(a.dtype.newbyteorder("="))
    return a.astype(np.float32) if a.dtype == np.float16 else a


# --- solving with structure: solve, inv, triangles, bands

SYMMETRIC, HERMITIAN = ("sym", "symmetric"), ("her", "hermitian", "pos", "positive definite")
LOWER, UPPER, DIAGONAL = "lower triangular", "upper triangular", "diagonal"


def read_part(p, assume_a, lower):
    """Return the cotangent of a matrix, of which SciPy reads a part, from that of the matrix it stands for."""
    if assume_a in SYMMETRIC or assume_a in HERMITIAN:
        other = transposed(p) if assume_a in SYMMETRIC else adjoint(p)
        both = lower_part(p + other, -1) if lower else upper_part(p + other, 1)
        n = p.shape[-1]
        return np.where(np.eye(n, dtype=bool), p if assume_a in SYMMETRIC else np.real(p), both)
    if assume_a in (LOWER, UPPER):
        return lower_part(p) if assume_a == LOWER else upper_part(p)
    if assume_a in (DIAGONAL, "tridiagonal"):
        k = int(assume_a != DIAGONAL)
        return lower_part(upper_part(p, -k), k)
    return p


def solve_back(g, a, _b, lower, check_finite, assume_a, transposed_):
    """Return the cotangent of the right-hand side, as columns: the solution with the transposed matrix."""
    g, a = columns(g, _b), array(a)
    if a.size == 1:
        return g / np.reshape(a, (1,) * g.ndim)
    keywords = {"check_finite": check_finite, "assume_a": assume_a, "lower": lower}
    if assume_a in SYMMETRIC:
        return solve(a, g, **keywords)
    if assume_a in HERMITIAN:
        return conjugate(solve(a, conjugate(g), **keywords))
    if assume_a in (LOWER, UPPER) and not transposed_:
        keywords["assume_a"] = LOWER if assume_a == UPPER else UPPER
    return solve(a if transposed_ else transposed(a), g, **keywords)


def solve_a(g, y, a, _b, *, lower=False, check_finite=True, assume_a=None, transposed=False):
    """``-w x^T``, where w is the cotangent of b."""
    w, x = solve_back(g, a, _b, lower, check_finite, assume_a, transposed), columns(y, _b)
    if np.size(a) == 1:
        return np.reshape(-np.sum(w * x), np.shape(a))
    return read_part(-(x @ np.swapaxes(w, -1, -2) if transposed else w @ np.swapaxes(x, -1, -2)), assume_a, lower)


def solve_b(g, _y, a, _b, *, lower=False, check_finite=True, assume_a=None, transposed=False):
    """``a^-T g``."""
    return shaped(solve_back(g, a, _b, lower, check_finite, assume_a, transposed), _b)


def inv_vjp(g, y, _a, *, check_finite=True, assume_a=None, lower=False):
    """``-y^T g y^T``."""
    return read_part(-(transposed(y) @ g @ transposed(y)), assume_a, lower)


solve, inv = borrow(theirs.solve), borrow(theirs.inv)
defvjp(solve, solve_a, solve_b, broadcasts=True)
defvjp(inv, inv_vjp, only={"assume_a": (None, "general", "gen", LOWER, UPPER, "pos", "sym", "her")})


def triangle(p, lower, unit_diagonal):
    """Return what SciPy reads of a triangular matrix."""
    k = int(unit_diagonal)
    return lower_part(p, -k) if lower else upper_part(p, k)


def triangular_back(g, a, _b, trans, lower, unit_diagonal, check_finite):
    """Return the cotangent of the right-hand side, as columns."""
    keywords = {"lower": lower, "unit_diagonal": unit_diagonal, "check_finite": check_finite}
    g = columns(g, _b)
    if trans in (2, "C"):
        return conjugate(solve_triangular(a, conjugate(g), 0, **keywords))
    return solve_triangular(a, g, int(trans in (0, "N")), **keywords)


def triangular_a(g, y, a, _b, *, trans=0, lower=False, unit_diagonal=False, check_finite=True):
    """``-w x^T`` in the triangle, where w is the cotangent of b."""
    w, x = triangular_back(g, a, _b, trans, lower, unit_diagonal, check_finite), columns(y, _b)
    p = w @ transposed(x) if trans in (0, "N") else x @ transposed(w)
    return triangle(-conjugate(p) if trans in (2, "C") else -p, lower, unit_diagonal)


def triangular_b(g, _y, a, _b, *, trans=0, lower=False, unit_diagonal=False, check_finite=True):
    """``a^-T g``."""
    return shaped(triangular_back(g, a, _b, trans, lower, unit_diagonal, check_finite), _b)


solve_triangular = borrow(theirs.solve_triangular)
defvjp(solve_triangular, triangular_a, triangular_b, broadcasts=True)


def band_places(rows, n, upper):
    """Return, for each place ``ab[k, j]`` of a band, the row of the matrix it stands for, and if there is one."""
    row = np.arange(rows)[:, None] + np.arange(n) - upper
    return np.clip(row, 0, max(n - 1, 0)), (row >= 0) & (row < n)


def band_transposed(ab, lower):
    """Return the band of the transposed matrix."""
    rows, n = ab.shape[-2:]
    column, there = band_places(rows, n, lower)
    return np.where(there, ab[..., rows - 1 - np.arange(rows)[:, None], column], 0)


def banded_back(g, l_and_u, ab, _b, check_finite):
    """Return the cotangent of the right-hand side, as columns."""
    lower, upper = l_and_u
    return solve_banded((upper, lower), band_transposed(array(ab), lower), columns(g, _b), check_finite=check_finite)


def banded_ab(g, y, l_and_u, ab, _b, *, check_finite=True):
    """``-w x^T`` within the band, where w is the cotangent of b."""
    w, x = banded_back(g, l_and_u, ab, _b, check_finite), columns(y, _b)
    row, there = band_places(*ab.shape[-2:], l_and_u[1])
    return np.where(there, -np.sum(w[..., row, :] * np.expand_dims(x, -3), -1), 0)


def banded_b(g, _y, l_and_u, ab, _b, *, check_finite=True):
    """``a^-T g``."""
    return shaped(banded_back(g, l_and_u, ab, _b, check_finite), _b)


solve_banded = borrow(theirs.solve_banded)
defvjp(solve_banded, None, banded_ab, banded_b, broadcasts=True)

solveh_banded = borrow(theirs.solveh_banded)


@composite(solveh_banded)
def solveh_banded_(ab, b, overwrite_ab=False, overwrite_b=False, lower=False, check_finite=True):
    """Write out the other half of the band."""
    refuse(solveh_banded, overwrite_ab=overwrite_ab, overwrite_b=overwrite_b)
    ab, b = double(ab), double(b)
    u = ab.shape[-2] - 1
    half = conjugate(band_transposed(ab, u)) if lower else ab  # the diagonal is the last row
    diagonal = half[..., u:, :]
    band = np.concatenate([half[..., :u, :], np.real(diagonal), conjugate(band_transposed(half, 0)[..., 1:, :])], -2)
    return solve_banded((u, u), band, b, check_finite=check_finite)


# --- determinants, norms, eigenvalues, singular values: NumPy has them

det, norm = borrow(theirs.det), borrow(theirs.norm)
svdvals, pinv = borrow(theirs.svdvals), borrow(theirs.pinv)
qr = borrow(theirs.qr)


@composite(det)
def det_(a, overwrite_a=False, check_finite=True):
    """NumPy's, in double precision as SciPy has it."""
    refuse(det, overwrite_a=overwrite_a)
    a = double(a, check_finite)
    return np.linalg.det(a if a.dtype.kind == "c" else a.astype(np.float64))


@composite(norm)
def norm_(a, ord=None, axis=None, keepdims=False, check_finite=True):
    """NumPy's."""
    return np.linalg.norm(finite(a, check_finite), ord, axis, keepdims)


@stand_in(theirs.svd)
def svd(a, full_matrices=True, compute_uv=True, overwrite_a=False, check_finite=True, lapack_driver="gesdd"):
    """NumPy's, which calls the same routine."""
    refuse(svd, overwrite_a=overwrite_a, lapack_driver=None if lapack_driver == "gesdd" else lapack_driver)
    a = double(a, check_finite)
    if not compute_uv:
        return np.linalg.svd(a, compute_uv=False)
    return results(a, *np.linalg.svd(a, full_matrices))


@composite(svdvals)
def svdvals_(a, overwrite_a=False, check_finite=True):
    """The singular values alone."""
    refuse(svdvals, overwrite_a=overwrite_a)
    return np.linalg.svd(double(a, check_finite), compute_uv=False)


def pinv_vjp(g, y, a, *, atol=None, rtol=None, check_finite=True):
    """Golub and Pereyra's formula, for a rank that is constant nearby."""
    left, right = adjoint(g) @ conjugate(y @ adjoint(y)), conjugate(adjoint(y) @ y) @ adjoint(g)
    outside = left - conjugate(a @ y) @ left + right - right @ conjugate(y @ a)  # what leaves the row or column space
    return outside - transposed(y) @ g @ transposed(y)


@in_memory
def full_pinv(a, atol=None, rtol=None, check_finite=True):
    """Return the pseudoinverse where the singular values that count as 0 are 0 but for rounding."""
    return theirs.pinv(a, atol=atol, rtol=rtol, check_finite=check_finite)


defvjp(full_pinv, pinv_vjp)


@composite(pinv)
def pinv_(a, *, atol=None, rtol=None, return_rank=False, check_finite=True):
    """By its formula where nothing but zeros is left out, else through the singular value decomposition."""
    refuse(pinv, return_rank=return_rank)
    a = double(a, check_finite)
    if not a.size:
        return full_pinv(a, atol, rtol, check_finite)
    s, rounding = spectrum(a)
    part = tolerance(a) if rtol is None else float(value_of(rtol))
    cutoff = (0.0 if atol is None else float(value_of(atol))) + part * np.max(s, -1, keepdims=True, initial=0)
    if np.any((s <= cutoff) & (s > rounding)):
        return truncated_pinv(a, cutoff)
    return full_pinv(a, atol, rtol, check_finite)


@stand_in(theirs.lstsq)
def lstsq(a, b, cond=None, overwrite_a=False, overwrite_b=False, check_finite=True, lapack_driver=None):
    """The solution of least norm, through the pseudo-inverse; the rank is a constant."""
    driver = lapack_driver if lapack_driver == "gelsy" else None
    refuse(lstsq, overwrite_a=overwrite_a, overwrite_b=overwrite_b, lapack_driver=driver)
    a, b = double(a, check_finite), double(b, check_finite)
    if a.ndim > 2 or b.ndim > 2:
        raise UnsupportedArgumentError(
            f"scipy.linalg.lstsq on Tensors takes one matrix, not a batch of shape {a.shape}. Call it for each: "
            "np.stack([lstsq(m, v)[0] for m, v in zip(a, b)])."
        )
    rank = theirs.lstsq(value_of(a), value_of(b), cond, check_finite=check_finite)[2]
    eps = np.finfo(np.result_type(a.dtype, b.dtype)).eps
    x = pinv(a, rtol=eps if cond is None else cond, check_finite=check_finite) @ b
    rest = np.zeros((0,), x.dtype)
    if a.shape[0] > a.shape[1] == rank:
        rest = np.sum(np.square(np.absolute(b - a @ x)), 0)
    return x, rest if hasattr(rest, "node") else constant_of(rest), rank, svdvals(a)


def aligned(v, like):
    """Return eigenvectors with the signs, or complex phases, that SciPy gave them."""
    turn = np.sum(np.conjugate(value_of(v)) * like, -2, keepdims=True)
    return v * (turn / np.absolute(turn)).astype(like.dtype)


@stand_in(theirs.eigh)
def eigh(
    a, b=None, *, lower=True, eigvals_only=False, overwrite_a=False, overwrite_b=False, type=1, check_finite=True,
    subset_by_index=None, subset_by_value=None, driver=None,
):  # fmt: skip
    """NumPy's; ``a v = w b v`` becomes an ordinary problem through the Cholesky factor of b."""
    refuse(eigh, overwrite_a=overwrite_a, overwrite_b=overwrite_b, subset_by_value=subset_by_value)
    if b is not None:
        refuse(eigh, type=None if type == 1 else type)
    a = double(a, check_finite)
    cut = slice(None) if subset_by_index is None else slice(subset_by_index[0], subset_by_index[1] + 1)
    if b is None:
        w, v = np.linalg.eigh(a, "L" if lower else "U")
    else:
        b = double(b)
        half = cholesky(b, lower=True) if lower else adjoint(cholesky(b))
        inner = solve_triangular(half, adjoint(solve_triangular(half, hermitian(a, lower), lower=True)), lower=True)
        w, v = np.linalg.eigh(inner)
        v = solve_triangular(half, v, trans="C", lower=True)
    if eigvals_only:
        return w[..., cut]
    plain = theirs.eigh(
        value_of(a), None if b is None else value_of(b), lower=lower, type=type, check_finite=check_finite,
        driver=driver, subset_by_index=subset_by_index,
    )  # fmt: skip
    return results(a, w[..., cut], aligned(v[..., :, cut], plain[1]))


def hermitian(a, lower):
    """Return the whole matrix of which one triangle is given."""
    strict = lower_part(a, -1) if lower else upper_part(a, 1)
    return np.where(np.eye(a.shape[-1], dtype=bool), np.real(a), strict + adjoint(strict))


@stand_in(theirs.eigvalsh)
def eigvalsh(
    a, b=None, *, lower=True, overwrite_a=False, overwrite_b=False, type=1, check_finite=True,
    subset_by_index=None, subset_by_value=None, driver=None,
):  # fmt: skip
    """The eigenvalues alone."""
    refuse(eigvalsh, overwrite_a=overwrite_a, overwrite_b=overwrite_b, subset_by_value=subset_by_value)
    if b is not None:
        refuse(eigvalsh, type=None if type == 1 else type)
    return eigh(a, b, lower=lower, eigvals_only=True, check_finite=check_finite, subset_by_index=subset_by_index)


@stand_in(theirs.eig)
def eig(a, b=None, left=False, right=True, overwrite_a=False, overwrite_b=False, check_finite=True,
         homogeneous_eigvals=False):  # fmt: skip
    """NumPy's, which calls the same routine."""
    refuse(eig, b=b, left=left, overwrite_a=overwrite_a, overwrite_b=overwrite_b,
           homogeneous_eigvals=homogeneous_eigvals)  # fmt: skip
    w, v = np.linalg.eig(double(a, check_finite))
    w = w if w.dtype.kind == "c" else w + 0j
    return results(a, w, v) if right else w


@stand_in(theirs.eigvals)
def eigvals(a, b=None, overwrite_a=False, check_finite=True, homogeneous_eigvals=False):
    """The eigenvalues alone."""
    refuse(eigvals, b=b, overwrite_a=overwrite_a, homogeneous_eigvals=homogeneous_eigvals)
    w = np.linalg.eigvals(double(a, check_finite))
    return w if w.dtype.kind == "c" else w + 0j


@composite(qr)
def qr_(a, overwrite_a=False, lwork=None, mode="full", pivoting=False, check_finite=True):
    """NumPy's, which calls the same routine."""
    refuse(qr, overwrite_a=overwrite_a, pivoting=pivoting, mode=mode if mode == "raw" else None)
    if mode not in ("full", "economic", "r"):
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
    a = double(a, check_finite)
    m, n = a.shape[-2:]
    if mode != "r":
        factors = np.linalg.qr(a, "reduced" if mode == "economic" or m <= n else "complete")
        return tuple(factors) if SINCE_1_18 else results(a, *factors)
    r = np.linalg.qr(a, "r")
    return (r if m <= n else np.concatenate([r, np.zeros((*a.shape[:-2], m - n, n), r.dtype)], -2),)


# --- Cholesky and LU

cholesky, cho_solve = borrow(theirs.cholesky), borrow(theirs.cho_solve)
lu, lu_factor, lu_solve = borrow(theirs.lu), borrow(theirs.lu_factor), borrow(theirs.lu_solve)


@composite(cholesky)
def cholesky_(a, lower=False, overwrite_a=False, check_finite=True):
    """NumPy's; the upper factor is the adjoint of the lower one of the other triangle."""
    refuse(cholesky, overwrite_a=overwrite_a)
    a = double(a, check_finite)
    return np.linalg.cholesky(a) if lower else adjoint(np.linalg.cholesky(adjoint(a)))


@stand_in(theirs.cho_factor)
def cho_factor(a, lower=False, overwrite_a=False, check_finite=True):
    """The factor in one triangle; in the other SciPy leaves what was there, and since 1.18 zeros."""
    refuse(cho_factor, overwrite_a=overwrite_a)
    a = double(a, check_finite)
    factor = cholesky(a, lower, check_finite=False)
    mask = np.tri(*a.shape[-2:], dtype=bool)
    return factor if SINCE_1_18 else np.where(mask if lower else mask.T, factor, a), lower


@composite(cho_solve)
def cho_solve_(c_and_lower, b, overwrite_b=False, check_finite=True):
    """One triangle, then its adjoint."""
    refuse(cho_solve, overwrite_b=overwrite_b)
    c, lower = c_and_lower
    c, b = double(c), double(b)
    half = solve_triangular(c, columns(b, b), trans=0 if lower else "C", lower=lower, check_finite=check_finite)
    return shaped(solve_triangular(c, half, trans="C" if lower else 0, lower=lower, check_finite=check_finite), b)


@in_memory
def packed_lu(a):
    """Return L and U of square matrices whose rows stand in the order of the pivots, in one array: its diagonal is U's.

    Parameters
    ----------
    a : array
        Square matrices.

    Returns
    -------
    array
        Of the same shape; the diagonal of L, ones, is left out.
    """
    return theirs.lu_factor(a)[0] if a.size else a


def packed_lu_vjp(g, y, _a):
    """``L^-T (strict lower part of L^T gL + upper part of gU U^T) U^-T``."""
    lower, upper = lower_part(y, -1) + np.eye(y.shape[-1], dtype=y.dtype), upper_part(y)
    middle = lower_part(transposed(lower) @ lower_part(g, -1), -1) + upper_part(upper_part(g) @ transposed(upper))
    half = solve_triangular(y, middle, trans=1, lower=True, unit_diagonal=True)
    return transposed(solve_triangular(y, transposed(half)))


defvjp(packed_lu, packed_lu_vjp)


def pivoted(a):
    """Return L, U and the order of the rows: the square part has a rule, the rest is solved for."""
    m, n = a.shape[-2:]
    k = min(m, n)
    order = theirs.lu(value_of(a), p_indices=True)[0]  # a = (L U)[order]
    rows = np.argsort(order, -1)
    a = a[rows] if a.ndim == 2 else a[(*np.ix_(*map(np.arange, a.shape[:-2]), [0])[:-1], rows)]
    both = packed_lu(a[..., :k, :k])
    lower, upper = lower_part(both, -1) + np.eye(k, dtype=a.dtype), upper_part(both)
    if m > n:
        rest = transposed(solve_triangular(both, transposed(a[..., k:, :]), trans=1))
        lower = np.concatenate([lower, rest], -2)
    if n > m:
        rest = solve_triangular(both, a[..., k:], lower=True, unit_diagonal=True)
        upper = np.concatenate([upper, rest], -1)
    return lower, upper, order


@composite(lu)
def lu_(a, permute_l=False, overwrite_a=False, check_finite=True, p_indices=False):
    """The pivots are constant; with the rows in their order, there is nothing to choose."""
    refuse(lu, overwrite_a=overwrite_a)
    a = double(a, check_finite)
    lower, upper, order = pivoted(a)
    if permute_l:
        if a.ndim == 2:
            return lower[order], upper
        return lower[(*np.ix_(*map(np.arange, a.shape[:-2]), [0])[:-1], order)], upper
    if p_indices:
        return constant_of(order), lower, upper
    eye = np.eye(a.shape[-2], dtype=np.finfo(a.dtype).dtype)
    return constant_of(eye[order]), lower, upper


@composite(lu_factor)
def lu_factor_(a, overwrite_a=False, check_finite=True):
    """L and U in one array; the pivots are constant."""
    refuse(lu_factor, overwrite_a=overwrite_a)
    a = double(a)
    lower, upper, _ = pivoted(a)
    m, n = a.shape[-2:]
    pivots = theirs.lu_factor(value_of(a), check_finite=check_finite)[1]
    if m >= n:
        zeros = np.zeros((*a.shape[:-2], m - n, n), a.dtype)
        return results(a, lower_part(lower, -1) + np.concatenate([upper, zeros], -2), constant_of(pivots))
    zeros = np.zeros((*a.shape[:-2], m, n - m), a.dtype)
    return results(a, np.concatenate([lower_part(lower, -1), zeros], -1) + upper, constant_of(pivots))


@composite(lu_solve)
def lu_solve_(lu_and_piv, b, trans=0, overwrite_b=False, check_finite=True):
    """Exchange rows as the pivots say, then solve with one triangle and with the other."""
    refuse(lu_solve, overwrite_b=overwrite_b)
    both, b = double(lu_and_piv[0]), double(b)
    pivots, n = value_of(lu_and_piv[1]), both.shape[-1]
    if both.ndim > 2 or b.ndim > 2:
        raise UnsupportedArgumentError(
            f"scipy.linalg.lu_solve on Tensors takes one matrix, not a batch of shape {both.shape}. Call it for each, or "
            "write np.linalg.solve(a, b)."
        )
    if b.ndim == 0 or b.shape[0] != n:
        raise ValueError(f"Shapes of lu {both.shape} and b {b.shape} are incompatible")
    rows = np.arange(n)
    for i, j in enumerate(pivots):
        rows[[i, j]] = rows[[j, i]]
    if trans == 0:
        half = solve_triangular(both, b[rows], lower=True, unit_diagonal=True, check_finite=check_finite)
        return solve_triangular(both, half, check_finite=check_finite)
    half = solve_triangular(both, b, trans, check_finite=check_finite)
    return solve_triangular(both, half, trans, True, True, check_finite=check_finite)[np.argsort(rows)]


# --- functions of matrices

expm, logm, sqrtm = borrow(theirs.expm), borrow(theirs.logm), borrow(theirs.sqrtm)
sinm, cosm, tanm = borrow(theirs.sinm), borrow(theirs.cosm), borrow(theirs.tanm)
sinhm, coshm, tanhm = borrow(theirs.sinhm), borrow(theirs.coshm), borrow(theirs.tanhm)
fractional_matrix_power, polar = borrow(theirs.fractional_matrix_power), borrow(theirs.polar)


def block(a, b, c, d):
    """Return the matrices with these four blocks."""
    return np.concatenate([np.concatenate([a, b], -1), np.concatenate([c, d], -1)], -2)


def frechet(function, a, g):
    """Return the derivative of ``function`` at ``a^T`` along g: the upper right block of ``f([[a^T, g], [0, a^T]])``.

    That holds for every analytic function; g is first brought to size 1, by a power of two, which changes no digit.
    """
    n = a.shape[-1]
    size = np.exp2(np.floor(np.log2(np.max(np.absolute(g), initial=1e-30))))
    a, g = transposed(a), g / size
    return function(block(a, g, np.zeros_like(a), a))[..., :n, n:] * size


def matrix_vjp(function):
    """Return the rule of an analytic function of a matrix."""

    def vjp(g, _y, a):
        """The Fréchet derivative at ``a^T`` along g."""
        if not a.size:
            return g
        p = np.reshape(frechet(function, np.reshape(a, (1, 1)) if a.ndim < 2 else a, g), a.shape)
        return p if a.dtype.kind == "c" or _y.dtype.kind == "c" else np.real(p)

    return vjp


def sqrtm_vjp(g, y, _a):
    """The solution p of ``y^T p + p y^T = g``."""
    return np.reshape(solve_sylvester(transposed(y), transposed(y), g), _a.shape) if _a.size else g


defvjp(expm, matrix_vjp(expm))
defvjp(logm, matrix_vjp(logm))
defvjp(sqrtm, sqrtm_vjp)


def power_a(g, _y, a, t):
    """The Fréchet derivative at ``a^T`` along g."""
    return frechet(lambda matrix: fractional_matrix_power(matrix, t), a, g)


defvjp(fractional_matrix_power, power_a, Refused("no rule is written for it. Write expm(t * logm(A))."))


def turning(a):
    """Return ``exp([[0, -a], [a, 0]]) = [[cos a, -sin a], [sin a, cos a]]``: without complex numbers."""
    zeros = np.zeros_like(a)
    return expm(block(zeros, -a, a, zeros))


@composite(cosm)
def cosm_(A):
    """The upper left block of ``exp([[0, -A], [A, 0]])``."""
    A = double(A)
    return turning(A)[..., : A.shape[-1], : A.shape[-1]]


@composite(sinm)
def sinm_(A):
    """The lower left block of ``exp([[0, -A], [A, 0]])``."""
    A = double(A)
    return turning(A)[..., A.shape[-1] :, : A.shape[-1]]


@composite(tanm)
def tanm_(A):
    """``cos(A)^-1 sin(A)``."""
    return solve(cosm(A), sinm(A))


@composite(coshm)
def coshm_(A):
    """``(exp(A) + exp(-A)) / 2``."""
    A = array(A)
    return 0.5 * (expm(A) + expm(-A))


@composite(sinhm)
def sinhm_(A):
    """``(exp(A) - exp(-A)) / 2``."""
    A = array(A)
    return 0.5 * (expm(A) - expm(-A))


@composite(tanhm)
def tanhm_(A):
    """``cosh(A)^-1 sinh(A)``."""
    return solve(coshm(A), sinhm(A))


@in_memory
def unitary(a):
    """Return the factor of a polar decomposition with orthonormal columns, of matrices that have full column rank.

    Parameters
    ----------
    a : array
        Square or tall matrices.

    Returns
    -------
    array
        Of the same shape.
    """
    return theirs.polar(a)[0]


def unitary_vjp(g, y, a):
    """``u (m - m^H) + (1 - u u^H) g p^-1``, where ``p m + m p = u^H g``; all of the conjugate cotangents.

    NaN where columns of `a` depend on each other to rounding: u is not determined there.
    """
    g = conjugate(g)
    s = np.linalg.svdvals(double(a))
    lost = (np.min(s, -1, initial=1) <= 10 * tolerance(a) * np.max(s, -1, initial=0))[..., None, None]
    p = np.where(lost, np.eye(a.shape[-1], dtype=a.dtype), adjoint(y) @ a)
    m = solve_sylvester(p, p, adjoint(y) @ g)
    outside = (g - y @ (adjoint(y) @ g)) @ inv(p)
    return np.where(lost, math.nan, conjugate(y @ (m - adjoint(m)) + outside))


defvjp(unitary, unitary_vjp)


@composite(polar)
def polar_(a, side="right"):
    """The unitary factor has a rule; the other one is what remains."""
    if side not in ("right", "left"):
        raise ValueError("`side` must be either 'right' or 'left'")
    a = double(a)
    u = unitary(a) if a.shape[-2] >= a.shape[-1] else adjoint(unitary(adjoint(a)))
    p = adjoint(u) @ a if side == "right" else a @ adjoint(u)
    return results(a, u, (p + adjoint(p)) / 2)


# --- equations for matrices

solve_sylvester = borrow(theirs.solve_sylvester)
solve_continuous_lyapunov = borrow(theirs.solve_continuous_lyapunov)
solve_lyapunov = solve_continuous_lyapunov
solve_discrete_lyapunov = borrow(theirs.solve_discrete_lyapunov)


def sylvester_back(g, a, b):
    """Return the cotangent of q: the solution w of ``a^T w + w b^T = g``."""
    return solve_sylvester(transposed(a), transposed(b), g)


defvjp(
    solve_sylvester,
    lambda g, y, a, b, _q: -(sylvester_back(g, a, b) @ transposed(y)),
    lambda g, y, a, b, _q: -(transposed(y) @ sylvester_back(g, a, b)),
    lambda g, _y, a, b, _q: sylvester_back(g, a, b),
    broadcasts=True,
)


@composite(solve_continuous_lyapunov)
def solve_continuous_lyapunov_(a, q):
    """Sylvester's equation with the adjoint on the right."""
    a, q = double(a), double(q)
    if a.shape[-2:] != q.shape[-2:]:
        raise ValueError("Matrix a and q should have the same shape.")
    return solve_sylvester(a, adjoint(a), q)


@composite(solve_discrete_lyapunov)
def solve_discrete_lyapunov_(a, q, method=None):
    """Written out as one linear system, or brought to the continuous form: ``x - a x a^H = q``."""
    a, q = double(a), double(q)
    n = a.shape[-1]
    method = (method or ("direct" if a.shape[0] < 10 else "bilinear")).lower()
    if method == "direct":
        shape = (*a.shape[:-2], n * n, n * n)
        pairs = a[..., :, None, :, None] * conjugate(a)[..., None, :, None, :]
        right = np.reshape(q, (*q.shape[:-2], n * n, 1))
        x = solve(np.eye(n * n) - np.reshape(pairs, shape), right)
        return np.reshape(x, (*x.shape[:-2], n, n))
    if method != "bilinear":
        raise ValueError(f"Unknown solver {method}")
    eye, a = np.eye(n), adjoint(a)
    inverse = inv(a + eye)
    b = (a - eye) @ inverse
    return solve_continuous_lyapunov(adjoint(b), -(2 * (adjoint(inverse) @ q @ inverse)))


# --- matrices made of vectors, of other matrices

toeplitz, circulant, hankel = borrow(theirs.toeplitz), borrow(theirs.circulant), borrow(theirs.hankel)
block_diag, khatri_rao = borrow(theirs.block_diag), borrow(theirs.khatri_rao)
solve_toeplitz, matmul_toeplitz = borrow(theirs.solve_toeplitz), borrow(theirs.matmul_toeplitz)
companion = borrow(theirs.companion)


def line(a):
    """Return an array of at least one axis."""
    a = array(a)
    return np.reshape(a, (1,)) if a.ndim == 0 else a


def stretched(a, shape):
    """Return a batch of lines broadcast to a batch shape."""
    return np.broadcast_to(a, (*shape, a.shape[-1]))


@composite(toeplitz)
def toeplitz_(c, r=None):
    """The entry (i, j) is that of the column, or of the row, at the distance i - j."""
    c = line(c)
    r = conjugate(c) if r is None else line(r)
    m, n, batch = c.shape[-1], r.shape[-1], np.broadcast_shapes(c.shape[:-1], r.shape[:-1])
    values = np.concatenate([stretched(c, batch)[..., ::-1], stretched(r, batch)[..., 1:]], -1)
    return values[..., m - 1 - np.arange(m)[:, None] + np.arange(n)]


@composite(circulant)
def circulant_(c):
    """The entry (i, j) is the one at the distance i - j, counted round."""
    c = line(c)
    n = c.shape[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % n]


@composite(hankel)
def hankel_(c, r=None):
    """The entry (i, j) is the one at i + j, of the column and then of the last row."""
    c = array(c)
    r = np.zeros_like(c) if r is None else array(r)
    c, r = (np.ravel(a) if a.ndim > 1 else a for a in (c, r))
    return np.concatenate([c, r[1:]])[np.arange(c.shape[0])[:, None] + np.arange(r.shape[0])]


@composite(companion)
def companion_(a):
    """The first row is ``-a[1:] / a[0]``; below it, ones on the diagonal."""
    a = line(a)
    n = a.shape[-1]
    if n < 2:
        raise ValueError("The length of `a` along the last axis must be at least 2.")
    if np.any(value_of(a)[..., 0] == 0):
        raise ValueError("The first coefficient(s) of `a` (i.e. elements of `a[..., 0]`) must not be zero.")
    first = -a[..., None, 1:] / a[..., None, 0:1]
    return np.concatenate(
        [first, np.broadcast_to(np.eye(n - 2, n - 1, dtype=a.dtype), (*a.shape[:-1], n - 2, n - 1))], -2
    )


@composite(block_diag)
def block_diag_(*arrs):
    """Each block between zeros."""
    arrs = [array(a) for a in arrs]
    arrs = [np.reshape(a, (1,) * (2 - a.ndim) + a.shape) if a.ndim < 2 else a for a in arrs]
    batch = np.broadcast_shapes(*[a.shape[:-2] for a in arrs])
    width, before, rows = sum(a.shape[-1] for a in arrs), 0, []
    dtype = np.result_type(*[a.dtype for a in arrs])
    for a in arrs:
        m, n = a.shape[-2:]
        sides = [np.zeros((*batch, m, k), dtype) for k in (before, width - before - n)]
        rows.append(np.concatenate([sides[0], np.broadcast_to(a, (*batch, m, n)), sides[1]], -1))
        before += n
    return np.concatenate(rows, -2)


@composite(khatri_rao)
def khatri_rao_(a, b):
    """Kronecker's product column by column."""
    a, b = array(a), array(b)
    if a.shape[-1] != b.shape[-1]:
        raise ValueError("The number of columns for both arrays should be equal.")
    c = a[..., :, None, :] * b[..., None, :, :]
    return np.reshape(c, (*c.shape[:-3], a.shape[-2] * b.shape[-2], a.shape[-1]))


def longer(a):
    """Return an array in double precision, as the functions have it that SciPy writes itself."""
    a = array(a)
    return a.astype(np.complex128 if a.dtype.kind == "c" else np.float64)


def column_and_row(c_or_cr):
    """Return the first column and the first row of a Toeplitz matrix."""
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return longer(c), None if r is None else longer(r)


@composite(solve_toeplitz)
def solve_toeplitz_(c_or_cr, b, check_finite=True):
    """Solve with the matrix written out."""
    b = longer(b)
    return solve(toeplitz(*column_and_row(c_or_cr)), b, check_finite=check_finite)


@composite(matmul_toeplitz)
def matmul_toeplitz_(c_or_cr, x, check_finite=False, workers=None):
    """Multiply by the matrix written out."""
    return toeplitz(*column_and_row(c_or_cr)) @ longer(double(x, check_finite))


if hasattr(theirs, "kron"):  # until SciPy 1.16
    kron = borrow(theirs.kron)

    @composite(kron)
    def kron_(a, b):
        """NumPy's."""
        return np.kron(a, b)


# --- refused

BASIS = "the basis that it chooses has no derivative. Write what is wanted with svd, eigh or qr, which have rules."
ARE = "no rule is written for it. Pass .detach()ed matrices, or iterate the equation with solve for a fixed number of steps."
funm, signm, schur = borrow(theirs.funm), borrow(theirs.signm), borrow(theirs.schur)
null_space, orth, hessenberg = borrow(theirs.null_space), borrow(theirs.orth), borrow(theirs.hessenberg)
ldl, subspace_angles = borrow(theirs.ldl), borrow(theirs.subspace_angles)
solve_continuous_are, solve_discrete_are = borrow(theirs.solve_continuous_are), borrow(theirs.solve_discrete_are)
refused({
    funm: "the derivative of an arbitrary function is not known to it. Use expm, logm, sqrtm, sinm, cosm, "
    "fractional_matrix_power; of a symmetric matrix, w, v = eigh(a), then (v * f(w)) @ v.T.",
    signm: "no rule is written for it. Write a @ inv(sqrtm(a @ a)).",
    schur: BASIS, null_space: BASIS, orth: BASIS, hessenberg: BASIS,
    ldl: "its blocks change with the pivots. Use cholesky, or lu.",
    subspace_angles: "write np.arccos(np.clip(svdvals(qr(A, mode='economic')[0].T @ qr(B, mode='economic')[0]), -1, 1))[::-1].",
    solve_continuous_are: ARE, solve_discrete_are: ARE,
})  # fmt: skip
