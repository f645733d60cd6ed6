"""Products of vectors, matrices and stacks of them.

Where NumPy conjugates its first operand (``vdot, vecdot, vecmat``) so do these; the pullback of a complex product never
conjugates, so that the cotangent of z is the d/dx - i d/dy of the whole package.
"""

import math

import numpy as np

from ..errors import ShapeError
from ..table import composite, defvjp
from .composite import array, refuse

__all__: list[str] = []


def matmul_a(g, _y, _a, b):
    """``g b^T``; where an operand is a vector, its missing axis is put in and taken out."""
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if _a.ndim == 1:
        return np.squeeze(b @ np.expand_dims(g, -1), -1)
    return g @ turned(b)


def turned(a):
    """Return the matrix, or each in a stack, transposed."""
    return a.T if type(a) is np.ndarray and a.ndim == 2 else np.swapaxes(a, -1, -2)  # which takes longer


def matmul_b(g, _y, a, _b):
    """``a^T g``, likewise."""
    if type(g) is type(a) is np.ndarray and a.ndim == 2 == g.ndim:
        flags = getattr(getattr(_b, "out", _b), "flags", None)  # of the value, which may not have been kept
        if flags is not None and flags.f_contiguous and not flags.c_contiguous:
            return (g.T @ a).T  # lies in memory as b does: the transpose of a weight gives the weight's own order back
    if a.ndim == 1:
        return np.expand_dims(g, -2) * np.expand_dims(a, -1) if _b.ndim > 1 else g * a
    if _b.ndim == 1:
        return np.squeeze(turned(a) @ np.expand_dims(g, -1), -1)
    return turned(a) @ g


defvjp(np.matmul, matmul_a, matmul_b)


def conj(z):
    """Return the conjugate; a real array as it is, without a node for nothing."""
    return np.conjugate(z) if z.dtype.kind == "c" else z


# --- products over one axis of each operand


@composite(np.dot)
def dot(a, b, out=None):
    """A product of numbers, of matrices, or else the last axis of a against the second to last of b."""
    refuse(np.dot, out=out)
    a, b = array(a), array(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return np.matmul(a, b) if b.ndim <= 2 else np.tensordot(a, b, (-1, -2))


@composite(np.inner)
def inner(a, b, /):
    """The last axis of a against the last axis of b."""
    a, b = array(a), array(b)
    return a * b if a.ndim == 0 or b.ndim == 0 else np.tensordot(a, b, (-1, -1))


@composite(np.vdot)
def vdot(a, b, /):
    """The product of all entries of the conjugate of a with those of b."""
    return np.matmul(conj(np.ravel(array(a))), np.ravel(array(b)))


@composite(np.tensordot)
def tensordot(a, b, axes=2):
    """Bring the summed axes to the end of a and to the front of b, and multiply as matrices."""
    a, b = array(a), array(b)
    left, right = axes if np.iterable(axes) else (range(-axes, 0), range(axes))
    left, right = (list(i) if np.iterable(i) else [i] for i in (left, right))
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ShapeError(
            f"np.tensordot: axes {left} of shape {a.shape} and axes {right} of shape {b.shape} do not fit. "
            "Those that are summed over must have equal lengths."
        )
    left, right = [i % a.ndim for i in left], [i % b.ndim for i in right]
    rows, columns = ([i for i in range(x.ndim) if i not in s] for x, s in ((a, left), (b, right)))
    m, k, n = (math.prod(x.shape[i] for i in s) for x, s in ((a, rows), (a, left), (b, columns)))
    p = np.reshape(np.transpose(a, (*rows, *left)), (m, k))
    q = np.reshape(np.transpose(b, (*right, *columns)), (k, n))
    return np.reshape(p @ q, (*(a.shape[i] for i in rows), *(b.shape[i] for i in columns)))


@composite(np.linalg.tensordot)
def linalg_tensordot(x1, x2, /, *, axes=2):
    """The same under its array-API name."""
    return np.tensordot(x1, x2, axes)


@composite(np.linalg.matmul)
def linalg_matmul(x1, x2, /):
    """The same under its array-API name."""
    return np.matmul(array(x1), array(x2))


# --- products of vectors and matrices in stacks; other axes than the last are brought there by the call of a ufunc


def matvec_a(g, _y, _x1, x2):
    """``g b^T``."""
    return np.expand_dims(g, -1) * np.expand_dims(x2, -2)


def matvec_b(g, _y, x1, _x2):
    """``a^T g``."""
    return np.matvec(np.swapaxes(x1, -1, -2), g)


def vecmat_a(g, _y, _x1, x2):
    """``b g``; conjugated, as the vector was."""
    return conj(np.matvec(x2, g))


def vecmat_b(g, _y, x1, _x2):
    """``conj(a) g^T``."""
    return np.expand_dims(conj(x1), -1) * np.expand_dims(g, -2)


defvjp(np.vecdot, lambda g, _y, _x1, x2: conj(np.expand_dims(g, -1) * x2),
       lambda g, _y, x1, _x2: np.expand_dims(g, -1) * conj(x1))  # fmt: skip
if hasattr(np, "matvec"):  # NumPy 2.2
    defvjp(np.matvec, matvec_a, matvec_b)
    defvjp(np.vecmat, vecmat_a, vecmat_b)


@composite(np.linalg.vecdot)
def linalg_vecdot(x1, x2, /, *, axis=-1):
    """The product of two vectors along an axis of both."""
    return np.vecdot(np.moveaxis(array(x1), axis, -1), np.moveaxis(array(x2), axis, -1))


# --- products of all entries with all


@composite(np.outer)
def outer(a, b, out=None):
    """Every entry of a times every entry of b."""
    refuse(np.outer, out=out)
    return np.expand_dims(np.ravel(array(a)), 1) * np.ravel(array(b))


@composite(np.linalg.outer)
def linalg_outer(x1, x2, /):
    """The same of vectors only."""
    x1, x2 = array(x1), array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"Input arrays must be one-dimensional, but they are x1.ndim={x1.ndim} and x2.ndim={x2.ndim}.")
    return np.outer(x1, x2)


@composite(np.kron)
def kron(a, b):
    """Every entry of a times the whole of b, in blocks."""
    a, b = array(a), array(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    n = max(a.ndim, b.ndim)
    left, right = ((1,) * (n - x.ndim) + x.shape for x in (a, b))
    blocks = np.reshape(a, [m for i in left for m in (i, 1)]) * np.reshape(b, [m for i in right for m in (1, i)])
    return np.reshape(blocks, [i * j for i, j in zip(left, right, strict=True)])


# --- the product of vectors in space


@composite(np.cross)
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The vector product; a vector in the plane has a third component 0, and of two only the third is returned."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = array(a), array(b)
    if a.ndim < 1 or b.ndim < 1:
        raise ValueError("At least one array has zero dimension")
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    lengths = a.shape[-1], b.shape[-1]
    if not set(lengths) <= {2, 3}:
        raise ValueError("incompatible dimensions for cross product\n(dimension must be 2 or 3)")
    if 2 in lengths:
        np.cross(*map(np.zeros, lengths))  # NumPy warns of vectors in the plane, or refuses them: as it does itself
    a0, a1 = a[..., 0], a[..., 1]
    b0, b1 = b[..., 0], b[..., 1]
    third = a0 * b1 - a1 * b0
    if lengths == (2, 2):
        return third
    if lengths == (2, 3):
        first, second = a1 * b[..., 2], -(a0 * b[..., 2])
    elif lengths == (3, 2):
        first, second = -(a[..., 2] * b1), a[..., 2] * b0
    else:
        a2, b2 = a[..., 2], b[..., 2]
        first, second = a1 * b2 - a2 * b1, a2 * b0 - a0 * b2
    return np.stack([first, second, third], axisc)


@composite(np.linalg.cross)
def linalg_cross(x1, x2, /, *, axis=-1):
    """The vector product in space only."""
    x1, x2 = array(x1), array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            "Both input arrays must be (arrays of) 3-dimensional vectors, "
            f"but they are {x1.shape[axis]} and {x2.shape[axis]} dimensional instead."
        )
    return np.cross(x1, x2, axis=axis)
