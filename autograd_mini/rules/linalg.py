"""Linear algebra: determinants, inverses, decompositions, norms; all of them of stacks of matrices too.

The rules are those of complex matrices in the convention of the package (no pullback conjugates on its own account); of
real ones the conjugates disappear.

* A function that reads one triangle of its matrix (``cholesky, eigh, eigvalsh``, ``hermitian=True``) has derivative 0 in
  the other one, as difference quotients of it have: the entry that is read counts for both places.
* ``det`` is a polynomial, and has its derivatives of every order at singular matrices too.
* ``norm``: 0 where the norm is 0, and no slope at an entry 0 (``abs'(0) = 0``); likewise a singular value that is 0 to
  rounding has derivative 0 (of ``svd``: NaN where cotangents of the vectors arrive too, since they turn with its sign).
* ``pinv`` and ``lstsq``: the derivative among the matrices of the same rank; where singular values are cut off that are
  not 0, that of the function of singular values that is meant, NaN where two of those agree.
* ``qr``: NaN where a column depends on those before it to rounding, since Q is not determined there; of a real matrix of
  m rows, among the first m - 1 columns, since these determine Q. The signs of R's diagonal are LAPACK's, and constant.
* Vectors (``eigh, eig, svd``) that are not determined have no derivative. Where two eigenvalues or singular values agree
  to rounding, a cotangent of the vectors makes the gradient NaN; so does one that asks for the phase of complex vectors
  (``eigh, svd``), or for more than the span of the columns that complete a basis (``full_matrices=True``,
  ``mode="complete"``). What depends on the values only is right; their second derivatives are NaN where values agree.
* ``eig`` normalises as LAPACK does: length 1, and the largest component is real. Where there are too few eigenvectors (a
  defective matrix), or they are parallel to rounding, every gradient is NaN, that of ``eigvals`` too.
"""

import itertools
import math
import operator

import numpy as np

from ..errors import UnsupportedArgumentError
from ..table import composite, constant, defvjp, in_memory
from .composite import array
from .index import values
from .linear import conj
from .reduce import leave_one_out

__all__: list[str] = []


def mT(x):
    """Return the transposed matrices."""
    return np.swapaxes(x, -1, -2)


def mH(x):
    """Return the conjugate transposed matrices."""
    return conj(mT(x))


def column(x):
    """Return vectors as matrices of one column."""
    return np.expand_dims(x, -1)


def row(x):
    """Return vectors as matrices of one row."""
    return np.expand_dims(x, -2)


def matrix(x):
    """Return numbers as matrices of one entry, to multiply matrices by."""
    return np.expand_dims(x, (-2, -1))


def diagonal(d):
    """Return diagonal matrices."""
    return row(d) * np.eye(d.shape[-1], dtype=d.dtype)


def imaginary(z):
    """Return i times the imaginary part."""
    return (z - np.conjugate(z)) / 2


def tolerance(x):
    """Return what counts as rounding among the values of matrices like x, relative to the largest."""
    return float(max(x.shape[-2:]) * np.finfo(x.dtype).eps)


# --- what is read of a Hermitian matrix, and what is determined


def half(x, UPLO="L"):
    """Return weights of a triangle: 1, and 1/2 on the diagonal."""
    n = x.shape[-1]
    weights = (np.tri(n, dtype=x.dtype) + np.tri(n, k=-1, dtype=x.dtype)) / 2
    return weights if UPLO in "Ll" else weights.T


def whole(a, UPLO="L"):
    """Return the Hermitian matrix of which one triangle is given."""
    a = a * half(a, UPLO)
    return a + mH(a)


def read(p, UPLO="L"):
    """Pull a cotangent back through `whole`."""
    return (p + mH(p)) * half(p, UPLO)


@in_memory
def determined(p, asked, size):
    """Return `p`; NaN for the matrices where `asked`, which should be 0, is not small beside `size`."""
    axes = tuple(range(p.ndim - 2, asked.ndim)), tuple(range(p.ndim - 2, size.ndim))
    most = math.sqrt(np.finfo(p.dtype).eps) * np.max(np.abs(size), axis=axes[1], initial=0)
    lost = np.max(np.abs(asked), axis=axes[0], initial=0) > most
    return np.where(lost[..., None, None], np.asarray(np.nan, p.dtype), p)


defvjp(determined, lambda g, _y, _p, asked, size: determined(g, asked, size), None, None)


def inverse_gaps(w, tolerance):
    """Return ``1 / (w_j - w_i)``: 0 on the diagonal, NaN where the difference is rounding."""
    same = np.eye(w.shape[-1], dtype=bool)
    gaps = row(w) - column(w)
    close = np.abs(gaps) <= tolerance * matrix(np.max(np.abs(w), -1, initial=0))
    return np.where(same, 0, np.where(close, math.nan, 1 / np.where(close, 1, gaps)))


# --- determinants, inverses, equations


@in_memory
def minors(a, *directions):
    r"""Return the matrix of the linear form :math:`b \mapsto D^{k+1} \det(a)[b_1, \dots, b_k, b]`.

    Without directions these are the cofactors. For a diagonal matrix of s they are sums of products of all but a few of
    the s with a few entries of the directions; the singular value decomposition makes any matrix diagonal. Nothing is
    divided by, so singular matrices are matrices like others.
    """
    u, s, vh = np.linalg.svd(a)
    directions = [mH(u) @ b @ mH(vh) for b in directions]
    k, n = len(directions), s.shape[-1]
    same = np.eye(n, dtype=bool)
    rest, distinct = s, np.ones((n,) * (k + 1), bool)
    for _ in directions:
        rest = np.where(same, 1, rest[..., None, :])  # the products leave out one more of the s
    rest = leave_one_out(rest)
    letters = "abcdefghijklmnopqrst"[: k + 1]
    for i, j in itertools.combinations(range(k + 1), 2):
        distinct = distinct & ~np.einsum(f"{letters},{letters[i]}{letters[j]}->{letters}", np.ones_like(distinct), same)
    rest = rest * distinct
    total = np.zeros_like(a)
    for order in itertools.permutations(range(k + 1)):
        sign = (-1) ** sum(p > q for p, q in itertools.combinations(order, 2))
        pairs = [letters[i] + letters[j] for i, j in enumerate(order)]
        terms = ",".join(f"...{name}" for name in (letters, *pairs[:-1]))
        if order[-1] == k:
            term = diagonal(np.einsum(f"{terms}->...{letters[k]}", rest, *directions))
        else:
            term = np.einsum(f"{terms}->...{pairs[-1]}", rest, *directions)
        total = total + sign * term
    return matrix(np.linalg.det(u) * np.linalg.det(vh)) * (conj(u) @ total @ conj(vh))


def minors_vjp(i, g, _y, a, *directions):
    """The form is symmetric: one more direction, or the cotangent in place of one."""
    return minors(a, *directions, g) if i == 0 else minors(a, *directions[: i - 1], *directions[i:], g)


def slogdet_vjp(g, y, a):
    """The inverse, transposed; a complex sign turns by the imaginary part of the trace."""
    (turn, growth), (sign, _) = g, y
    if turn is None or sign.dtype.kind != "c":
        return np.zeros_like(a) if growth is None else matrix(growth) * mT(np.linalg.inv(a))
    turn = imaginary(turn * sign)
    return matrix(turn if growth is None else turn + growth) * mT(np.linalg.inv(a))


def solve_a(g, y, a, _b):
    """``-(a^-T g) y^T``."""
    p = solve_b(g, y, a, _b)
    return -column(p) * row(y) if np.ndim(_b) == 1 else -p @ mT(y)


def solve_b(g, _y, a, _b):
    """``a^-T g``."""
    a = array(a)
    return np.squeeze(np.linalg.solve(mT(a), column(g)), -1) if np.ndim(_b) == 1 else np.linalg.solve(mT(a), g)


def pinv_vjp(g, y, a, *, rcond=None, hermitian=False, rtol=np._NoValue):
    """That of the inverse, and how the two null spaces turn."""
    a = whole(a) if hermitian else a
    m, n = a.shape[-2:]
    left, right = np.eye(m, dtype=a.dtype) - a @ y, np.eye(n, dtype=a.dtype) - y @ a
    p = conj(left @ mT(g) @ y @ mH(y) + mH(y) @ y @ mT(g) @ right) - mT(y) @ g @ mT(y)
    return read(p) if hermitian else p


@in_memory
def full_pinv(a, rcond=None, hermitian=False, *, rtol=np._NoValue):
    """Return the pseudoinverse where the singular values that count as 0 are 0 but for rounding."""
    return np.linalg.pinv(a, rcond, hermitian, rtol=rtol)


def spectrum(a, hermitian=False):
    """Return the singular values of the array in a Tensor, and what of them is rounding."""
    a = values(a)
    s = np.linalg.svd(a, compute_uv=False, hermitian=hermitian)
    return s, 10 * tolerance(a) * np.max(s, -1, keepdims=True, initial=0)


def truncated_pinv(a, cutoff, hermitian=False):
    """Return the pseudoinverse through the singular values above `cutoff`, whatever the others are."""
    u, s, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    keep = s > cutoff
    return (mH(vh) * row(np.where(keep, 1 / np.where(keep, s, 1), 0))) @ mH(u)


@composite(np.linalg.pinv)
def pinv(a, rcond=None, hermitian=False, *, rtol=np._NoValue):
    """By its formula where nothing but zeros is left out, else through the singular value decomposition."""
    a = array(a)
    if rcond is not None and rtol is not np._NoValue:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    if a.dtype.kind not in "fc" or not a.size:
        return full_pinv(a, rcond, hermitian, rtol=rtol)
    part = rcond if rcond is not None else 1e-15 if rtol is np._NoValue else rtol
    part = tolerance(a) if part is None else np.asarray(getattr(part, "data", part))
    s, rounding = spectrum(a, hermitian)
    cutoff = part[..., None] * np.max(s, -1, keepdims=True, initial=0) if np.ndim(part) else part * np.max(
        s, -1, keepdims=True, initial=0)  # fmt: skip
    if np.any((s <= cutoff) & (s > rounding)):
        return truncated_pinv(a, cutoff, hermitian)
    return full_pinv(a, rcond, hermitian, rtol=rtol)


defvjp(minors, each=minors_vjp)
defvjp(np.linalg.det, lambda g, _y, a: matrix(g) * minors(a))
defvjp(np.linalg.slogdet, slogdet_vjp)
defvjp(np.linalg.inv, lambda g, y, _a: -mT(y) @ g @ mT(y))
defvjp(np.linalg.solve, solve_a, solve_b, broadcasts=True)
defvjp(full_pinv, pinv_vjp)


@composite(np.linalg.tensorsolve)
def tensorsolve(a, b, axes=None):
    """The equations of matrices, with the axes of a in two groups."""
    a, b = array(a), array(b)
    order = list(range(a.ndim))
    for k in axes or ():
        order.remove(k)
        order.insert(a.ndim, k)
    a = np.transpose(a, order) if axes is not None else a
    shape = a.shape[-(a.ndim - b.ndim) :]
    n = math.prod(shape)
    if a.size != n**2:
        raise np.linalg.LinAlgError(
            "Input arrays must satisfy the requirement prod(a.shape[b.ndim:]) == prod(a.shape[:b.ndim])"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.ravel(b)), shape)


@composite(np.linalg.tensorinv)
def tensorinv(a, ind=2):
    """The inverse of a matrix, with the axes of a in two groups."""
    a = array(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    n = math.prod(a.shape[ind:])
    return np.reshape(np.linalg.inv(np.reshape(a, (n, -1))), a.shape[ind:] + a.shape[:ind])


def lstsq_a(g, y, a, b, *, rcond=None):
    """Through the pseudoinverse; the residuals at their minimum, ``-2 conj(r) x^T``; the singular values."""
    (gx, gr, _, gs), x, b = g, y[0], array(b)
    b, x = (column(b), column(x)) if b.ndim == 1 else (b, x)
    p = np.zeros_like(a)
    if gx is not None:
        p = p + pinv_vjp(np.reshape(gx, x.shape) @ mT(b), full_pinv(a, cutoff(a, rcond)), a)
    if gr is not None and gr.size:
        p = p - 2 * conj(b - a @ x) * gr @ mT(x)
    return p if gs is None else p + svdvals_vjp(gs, y[3], a)


def lstsq_b(g, y, a, b, *, rcond=None):
    """``a^+T g``, and ``2 conj(r)`` for the residuals."""
    (gx, gr, _, _), x, a = g, y[0], array(a)
    b2, x = (column(b), column(x)) if b.ndim == 1 else (b, x)
    p = np.zeros_like(b2)
    if gx is not None:
        p = p + mT(full_pinv(a, cutoff(a, rcond))) @ np.reshape(gx, x.shape)
    if gr is not None and gr.size:
        p = p + 2 * conj(b2 - a @ x) * gr
    return np.reshape(p, b.shape)


def cutoff(a, rcond):
    """Return below which part of the largest a singular value counts as 0."""
    return tolerance(a) if rcond is None else float(np.finfo(a.dtype).eps) if rcond < 0 else rcond


@in_memory
def full_lstsq(a, b, rcond=None):
    """Return the least-squares solution where the singular values that count as 0 are 0 but for rounding."""
    return np.linalg.lstsq(a, b, rcond)


@composite(np.linalg.lstsq)
def lstsq(a, b, rcond=None):
    """Directly where nothing but zeros is left out, else through the pseudoinverse; then there are no residuals."""
    a, b = array(a), array(b)
    if a.ndim != 2 or not a.size or a.dtype.kind not in "fc":
        return full_lstsq(a, b, rcond)
    s, rounding = spectrum(a)
    limit = cutoff(a, rcond) * np.max(s, -1, keepdims=True, initial=0)
    if not np.any((s <= limit) & (s > rounding)):
        return full_lstsq(a, b, rcond)
    _, rest, rank, _ = np.linalg.lstsq(*(np.asarray(getattr(x, "data", x)) for x in (a, b)), rcond)
    return truncated_pinv(a, limit) @ b, rest, rank, np.linalg.svdvals(a)


defvjp(full_lstsq, lstsq_a, lstsq_b)


# --- decompositions


def cholesky_vjp(g, y, _a, *, upper=False):
    """``L^-T (L^T g, its lower half) conj(L)^-1``."""
    factor, g = (mH(y), mH(g)) if upper else (y, g)
    p = np.linalg.solve(mT(factor), half(g) * (mT(factor) @ g))
    return read(mT(np.linalg.solve(mH(factor), mT(p))), "U" if upper else "L")


def outside(u, g, k):
    """Return the part of the cotangent of k orthonormal columns that leads out of their span."""
    first, g_first = u[..., :k], g[..., :k]
    if u.shape[-1] == k:
        return g_first - conj(first) @ (mT(first) @ g_first)
    others = u[..., k:]
    return conj(others) @ (mT(others) @ g_first - mH(mT(first) @ g[..., k:]))


def basis_free(p, u, g, k):
    """Return `p`; NaN where the cotangent of the columns beyond k asks for more than their span."""
    if u.shape[-1] == k:
        return p
    turn = mT(u[..., k:]) @ g[..., k:]
    return determined(p, turn - mH(turn), np.sum(np.abs(u) * np.abs(g), -2))


def full_rank(r, a):
    """Return the square part of R; NaN where a column of `a` depends on those before it, so that R has a 0."""
    sizes = np.max(np.abs(r), -2, initial=0)
    zero = np.abs(np.diagonal(r, 0, -2, -1)) <= 10 * tolerance(a) * sizes
    return np.where(matrix(np.any(zero, -1)), math.nan, r)


def qr_vjp(g, y, a, *, mode="reduced"):
    """The lower part of ``Q^T g_Q - g_R R^T`` turns Q, and what leads out of its span; the diagonal of R stays real."""
    (q, r), (gq, gr) = (np.linalg.qr(a), (None, g)) if mode == "r" else (y, g)
    m, k = a.shape[-2], min(a.shape[-2:])
    if k == m > 0 and a.dtype.kind != "c":
        k = m - 1  # the last column of Q completes a basis, whatever the column of `a` is
    first, square = q[..., :k], full_rank(r[..., :k, :k], a)
    gq = np.zeros_like(q) if gq is None else gq
    gr = np.zeros_like(r) if gr is None else gr
    rest, g_rest = a[..., k:], gr[..., k:]  # of a wide matrix: R there is Q^H a
    turning = gq + conj(rest) @ mH(g_rest) if rest.shape[-1] else gq
    scaling = gr[..., :k, :k] @ mT(square)
    x = mT(first) @ turning[..., :k] - scaling
    p = conj(first) @ (scaling + (x - mH(x)) * half(x))
    if m > k:
        p = p + outside(q, turning, k)
    p = basis_free(mT(np.linalg.solve(square, mT(p))), q, turning, k)
    return np.concatenate([p, conj(q) @ g_rest], -1) if rest.shape[-1] else p


def spectral(gw, gv, w, v):
    """Return the cotangent of a Hermitian matrix from those of its eigenvalues and eigenvectors."""
    c = 0 if gw is None else diagonal(gw)
    if gv is not None:
        c = c + inverse_gaps(w, tolerance(v)) * (mT(v) @ gv)
    p = conj(v) @ c @ mT(v)
    if gv is None or v.dtype.kind != "c":
        return p
    return determined(p, np.imag(np.sum(v * gv, -2)), np.sum(np.abs(v) * np.abs(gv), -2))


def eigh_vjp(g, y, _a, *, UPLO="L"):
    """``conj(V) (g_w + V^T g_V / (w_j - w_i)) V^T``."""
    return read(spectral(*g, *y), UPLO)


def eigvalsh_vjp(g, _y, a, *, UPLO="L"):
    """``conj(V) g V^T``."""
    _, v = np.linalg.eigh(a, UPLO)
    return read(conj(v) * row(g) @ mT(v), UPLO)


def eig_vjp(g, y, _a):
    """``V^-T (g_w + V^T g_V / (w_j - w_i)) V^T``, where g_V is rid of what would change the normalisation."""
    (gw, gv), (w, v) = g, y
    c = 0 if gw is None else diagonal(gw)
    if gv is not None:
        along = np.sum(gv * v, -2)
        gv = gv - row(along + conj(along)) / 2 * conj(v)
        if v.dtype.kind == "c":
            largest = np.argmax(np.where(np.imag(v) == 0, np.abs(v), -1), -2)
            largest = column(np.arange(v.shape[-2])) == row(largest)
            gv = gv - np.where(largest, row(imaginary(along)) / np.where(largest, v, 1), 0)
        c = c + inverse_gaps(w, tolerance(v)) * (mT(v) @ gv)
    s = np.linalg.svdvals(v)
    parallel = np.min(s, -1, initial=1) <= float(np.finfo(v.dtype).eps) ** 0.75
    return np.linalg.solve(mT(np.where(matrix(parallel), math.nan, v)), c @ mT(v))


@composite(np.linalg.eigvals)
def eigvals(a):
    """Those that come with the eigenvectors, which the derivative needs."""
    return np.linalg.eig(array(a))[0]


def svdvals_vjp(g, _y, x):
    """``conj(U) g V^T``."""
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return conj(u) * row(positive(s, x) * g) @ conj(vh)


def positive(s, x):
    """Return which singular values of x are not 0 to rounding."""
    return s > tolerance(x) * np.max(s, -1, keepdims=True, initial=0)


def svd_vjp(g, y, a, *, full_matrices=True, compute_uv=True, hermitian=False):
    """``conj(U) (g_s + how U and V turn) V^T``, and what leads out of the spans of their columns."""
    if not compute_uv:
        if not hermitian:
            return svdvals_vjp(g, y, a)
        y, g = np.linalg.svd(a, hermitian=True), (None, g, None)
    (gu, gs, gv), (u, s, vh) = g, y
    v, gv = mH(vh), gv if gv is None else mH(gv)
    sure = positive(s, a)
    if gs is not None and not (gu is None and gv is None):  # at a singular value 0 the vectors turn with its sign
        asked = np.expand_dims(np.where(sure, 0, gs), -1)
        gs = np.squeeze(determined(np.expand_dims(gs, -1), asked, np.expand_dims(gs, -1)), -1)
    gs = gs if gs is None else gs * sure
    if hermitian:  # V is U times the signs of the eigenvalues
        sign = np.sign(np.real(np.sum(u * conj(v), -2)))
        gu = gu if gv is None else gv * row(sign) if gu is None else gu + gv * row(sign)
        return read(spectral(gs if gs is None else gs * sign, gu, s * sign, u))
    k = s.shape[-1]
    u1, v1 = u[..., :k], v[..., :k]
    if gu is None and gv is None:
        return conj(u1) * row(gs) @ mT(v1)
    gu, gv = np.zeros_like(u) if gu is None else gu, np.zeros_like(v) if gv is None else gv
    turn_u, turn_v = mT(u1) @ gu[..., :k], mT(v1) @ gv[..., :k]
    sums = np.where(np.eye(k, dtype=bool), 1, row(s) + column(s))
    turns = (turn_u - mH(turn_u)) * row(s) + column(s) * (turn_v - mH(turn_v))
    c = inverse_gaps(s, tolerance(a)) / sums * turns
    c = c if gs is None else c + diagonal(gs)
    inverse = 1 / np.where(sure, s, math.nan)
    if a.dtype.kind == "c":
        phase_u, phase_v = (np.imag(np.sum(x[..., :k] * gx[..., :k], -2)) for x, gx in ((u, gu), (v, gv)))
        c = c + diagonal(1j * ((phase_u - phase_v) / 2 * inverse))
    p = conj(u1) @ c @ mT(v1)
    if a.shape[-2] > k:
        p = basis_free(p + outside(u, gu, k) * row(inverse) @ mT(v1), u, gu, k)
    if a.shape[-1] > k:
        p = basis_free(p + conj(u1) * row(inverse) @ mH(outside(v, gv, k)), v, gv, k)
    if a.dtype.kind == "c":
        size = np.sum(np.abs(u1) * np.abs(gu[..., :k]), -2) + np.sum(np.abs(v1) * np.abs(gv[..., :k]), -2)
        p = determined(p, phase_u + phase_v, size)
    return p


defvjp(np.linalg.cholesky, cholesky_vjp)
defvjp(np.linalg.qr, qr_vjp, only={"mode": ("reduced", "complete", "r")})
defvjp(np.linalg.eigh, eigh_vjp)
defvjp(np.linalg.eigvalsh, eigvalsh_vjp)
defvjp(np.linalg.eig, eig_vjp)
defvjp(np.linalg.svd, svd_vjp)
defvjp(np.linalg.svdvals, svdvals_vjp)
constant([np.linalg.matrix_rank])


# --- norms


def root(s):
    """Return the square root, with derivative 0 where it is 0."""
    return np.where(s == 0, 0, np.sqrt(np.where(s == 0, 1, s)))


def squares(x):
    """Return the squares of the absolute values."""
    return np.real(x * conj(x))


def power_norm(x, p, axis, keepdims):
    """The p-th root of the sum of the p-th powers; an entry 0, or a norm 0, has derivative 0."""
    p, zero = float(p), x == 0
    least = 0.0 if p > 0 else math.inf  # what a power of 0 is
    total = np.sum(np.where(zero, least, np.abs(np.where(zero, 1, x)) ** p), axis=axis, keepdims=keepdims)
    none = total == least
    return np.where(none, 0, np.where(none, 1, total) ** (1 / p))


def constant_order(ord):
    """Return the order of a norm as a number: it chooses between formulas, of which no derivative is taken."""
    if getattr(ord, "requires_grad", False):
        raise UnsupportedArgumentError(
            "np.linalg.norm is not differentiated with respect to ord=. Pass ord.detach() if no gradient is wanted, or "
            "write np.sum(np.abs(x) ** p) ** (1 / p)."
        )
    return ord.item() if hasattr(ord, "item") and not np.ndim(ord) else ord


def vector(x, ord, axis, keepdims):
    """Return the norms of vectors."""
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order '{ord}' for vectors")
    if ord is None or ord == 2:
        return root(np.sum(squares(x), axis=axis, keepdims=keepdims))
    if ord == math.inf:
        return np.max(np.abs(x), axis=axis, keepdims=keepdims, initial=0)
    if ord == -math.inf:
        return np.min(np.abs(x), axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(x != 0, axis=axis, keepdims=keepdims, dtype=np.finfo(x.dtype).dtype)
    return np.sum(np.abs(x), axis, keepdims=keepdims) if ord == 1 else power_norm(x, ord, axis, keepdims)


def matrices(x, ord):
    """Return the norms of the matrices in the last two axes."""
    if ord in (None, "fro", "f"):
        return root(np.sum(squares(x), axis=(-2, -1)))
    if ord in (2, -2, "nuc"):
        s = np.linalg.svdvals(x)
        return np.sum(s, -1) if ord == "nuc" else np.max(s, -1, initial=0) if ord == 2 else np.min(s, -1)
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError("Invalid norm order for matrices.")
    sums = np.sum(np.abs(x), axis=-2 if abs(ord) == 1 else -1)
    return np.max(sums, -1, initial=0) if ord > 0 else np.min(sums, -1)


@composite(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    """Vectors along one axis, matrices along two; of everything, without an axis and an order."""
    x, ord = array(x), constant_order(ord)
    x = x if x.dtype.kind in "fc" else x.astype(float)
    if axis is None:
        plain = ord is None or (x.ndim == 2 and ord in ("f", "fro")) or (x.ndim == 1 and ord == 2)
        if plain:
            y = root(np.sum(squares(x)))
            return np.reshape(y, (1,) * x.ndim) if keepdims else y
        axis = tuple(range(x.ndim))
    axis = axis if isinstance(axis, tuple) else (operator.index(axis),)
    if len(axis) == 1:
        return vector(x, ord, axis, keepdims)
    if len(axis) != 2:
        raise ValueError("Improper number of dimensions to norm.")
    y = matrices(np.moveaxis(x, axis, (-2, -1)), ord)
    return np.expand_dims(y, axis) if keepdims else y


@composite(np.linalg.matrix_norm)
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    """The norm of the matrices in the last two axes."""
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


@composite(np.linalg.vector_norm)
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    """The norm of all entries, or of those along some axes, as of one vector."""
    x, ord = array(x), constant_order(ord)
    x = x if x.dtype.kind in "fc" else x.astype(float)
    axis = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return vector(x, ord, axis, keepdims)


@composite(np.linalg.cond)
def cond(x, p=None):
    """The norm times the norm of the inverse, or a quotient of singular values; infinite at a singular matrix."""
    x = array(x)
    if 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        s = np.linalg.svdvals(x)
        over, under = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        y = over / np.where(under == 0, 1, under)
        return np.where(under == 0, np.inf, y)
    sign, _ = np.linalg.slogdet(x)
    singular = matrix(sign == 0)
    inverse = np.linalg.inv(np.where(singular, np.eye(x.shape[-1], dtype=x.dtype), x))
    y = np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(inverse, p, (-2, -1))
    return np.where(sign == 0, np.inf, y)


# --- products


@composite(np.linalg.matrix_power)
def matrix_power(a, n):
    """Squares, and products of those that the binary digits of n name."""
    a, n = array(a), operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    if n == 0:
        return np.where(False, a, np.eye(a.shape[-1], dtype=a.dtype))  # recorded, with the derivative 0
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:
        return a @ a @ a
    result = None
    while n:
        n, bit = divmod(n, 2)
        if bit:
            result = a if result is None else result @ a
        a = a @ a if n else a
    return result


def multi_dot_vjp(i, g, _y, *arrays):
    """The factors before it, transposed, times g, times those behind it, transposed."""
    arrays = [array(a) for a in arrays]
    first = row(arrays[0]) if arrays[0].ndim == 1 else arrays[0]
    last = column(arrays[-1]) if arrays[-1].ndim == 1 else arrays[-1]
    factors = [first, *arrays[1:-1], last]
    g = np.reshape(g, (first.shape[0], last.shape[1]))
    before, behind = ([mT(a) for a in reversed(part)] for part in (factors[:i], factors[i + 1 :]))
    return np.reshape(np.linalg.multi_dot([*before, g, *behind]), arrays[i].shape)


defvjp(np.linalg.multi_dot, each=multi_dot_vjp)


# --- NumPy's own functions of other names


@composite(np.linalg.matrix_transpose)
def matrix_transpose(x, /):
    """The last two axes swapped."""
    return mT(array(x))


@composite(np.linalg.trace)
def trace(x, /, *, offset=0, dtype=None):
    """The sums of diagonals, in the last two axes."""
    return np.trace(x, offset, -2, -1, dtype)


@composite(np.linalg.diagonal)
def linalg_diagonal(x, /, *, offset=0):
    """The diagonals, in the last two axes."""
    return np.diagonal(x, offset, -2, -1)
