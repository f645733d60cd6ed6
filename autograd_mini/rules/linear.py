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


defvjp(np.matmul, matmul_a, matmul_b)
