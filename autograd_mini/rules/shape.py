"""Shapes: the same numbers elsewhere, so the pullback puts them back."""

import numpy as np

from ..table import defvjp

__all__: list[str] = []


def transpose_vjp(g, _y, _a, *, axes=None):
    """The inverse permutation."""
    if axes is None:
        return np.transpose(g)
    return np.transpose(g, tuple(int(i) for i in np.argsort([axis % _a.ndim for axis in axes])))


def concatenate_vjp(i, g, _y, *_arrays, axis=0, dtype=None, casting="same_kind"):
    """Cut the operand's piece out again."""
    if axis is None:
        start = sum(np.size(a) for a in _arrays[:i])
        return np.reshape(g[start : start + _arrays[i].size], _arrays[i].shape)
    start = sum(np.shape(a)[axis] for a in _arrays[:i])
    cut = [slice(None)] * g.ndim
    cut[axis] = slice(start, start + _arrays[i].shape[axis])
    return g[tuple(cut)]


def stack_vjp(i, g, _y, *_arrays, axis=0, dtype=None, casting="same_kind"):
    """Take the operand's layer out again."""
    return g[(*[slice(None)] * (axis % g.ndim), i)]


def back(g, _y, _a, *, axis=None):
    """The operand's own shape again."""
    return np.reshape(g, _a.shape)


def reshape_vjp(g, _y, _a, *, shape=None, order="C", copy=None):
    """The operand's own shape again, read in the same order."""
    return np.reshape(g, _a.shape, order=order)


def moveaxis_vjp(g, _y, _a, *, source, destination):
    """Move them back."""
    return np.moveaxis(g, destination, source)


def swapaxes_vjp(g, _y, _a, *, axis1, axis2):
    """Swap them back."""
    return np.swapaxes(g, axis1, axis2)


defvjp(np.reshape, reshape_vjp, view=True, only={"order": ("C", "F")})
defvjp(np.ravel, lambda g, _y, _a, *, order="C": np.reshape(g, _a.shape, order=order), view=True,
       only={"order": ("C", "F")})  # fmt: skip
defvjp(np.transpose, transpose_vjp, view=True)
defvjp(np.moveaxis, moveaxis_vjp, view=True)
defvjp(np.swapaxes, swapaxes_vjp, view=True)
defvjp(np.squeeze, back, view=True)
defvjp(np.expand_dims, back, view=True)
defvjp(np.broadcast_to, lambda g, _y, _array, *, shape=None: g, view=True, broadcasts=True)
defvjp(np.concatenate, each=concatenate_vjp,
       signature=lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None)  # fmt: skip
defvjp(np.stack, each=stack_vjp)
defvjp(np.copy, lambda g, _y, _a, *, order="K", subok=False: g)
defvjp(np.astype, lambda g, _y, _x, *, dtype=None, copy=True, device=None: g, view=True)
