"""Products of vectors, matrices and stacks of matrices."""

import numpy as np

from ..table import defvjp

__all__: list[str] = []


def matmul_a(g, _y, _a, b):
    """``g b^T``; where an operand is a vector, its missing axis is put in and taken out."""
    if b.ndim == 1:
        return np.expand_dims(g, -1) * b
    if _a.ndim == 1:
        return np.squeeze(b @ np.expand_dims(g, -1), -1)
    return g @ np.swapaxes(b, -1, -2)


def matmul_b(g, _y, a, _b):
    """``a^T g``, likewise."""
    if a.ndim == 1:
        return np.expand_dims(g, -2) * np.expand_dims(a, -1) if _b.ndim > 1 else g * a
    if _b.ndim == 1:
        return np.squeeze(np.swapaxes(a, -1, -2) @ np.expand_dims(g, -1), -1)
    return np.swapaxes(a, -1, -2) @ g


def dot_a(g, _y, _a, b):
    """``np.dot`` is matmul up to two axes; beyond, the last axis of a against the second to last of b."""
    if b.ndim == 0 or _a.ndim == 0:
        return g * b if _a.ndim else np.sum(g * b)
    axes = tuple(range(_a.ndim - 1, g.ndim)), tuple(i for i in range(b.ndim) if i != max(b.ndim - 2, 0))
    return np.tensordot(g, b, axes)


def dot_b(g, _y, a, _b):
    """The other operand of ``np.dot``."""
    if a.ndim == 0 or _b.ndim == 0:
        return g * a if _b.ndim else np.sum(g * a)
    axes = tuple(range(a.ndim - 1)), tuple(range(a.ndim - 1))
    return np.moveaxis(np.tensordot(a, g, axes), 0, max(_b.ndim - 2, 0))


defvjp(np.matmul, matmul_a, matmul_b)
defvjp(np.dot, dot_a, dot_b, signature=lambda a, b, out=None: None)
