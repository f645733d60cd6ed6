"""Shapes: the same numbers elsewhere, so the pullback puts them back.

The orders "A" and "K" of reshape and ravel are refused: they depend on where an array lies in memory, not on its value.
"""

import numpy as np

from ..table import composite, defvjp
from .composite import array
from .index import alike

__all__: list[str] = []


def transpose_vjp(g, _y, _a, *, axes=None):
    """The inverse permutation."""
    if axes is None:
        return g.T if type(g) is np.ndarray else np.transpose(g)  # which takes longer
    return np.transpose(g, tuple(int(i) for i in np.argsort([axis % _a.ndim for axis in axes])))


def concatenate_vjp(i, g, _y, *_arrays, axis=0, dtype=None, casting="same_kind"):
    """Cut the operand's piece out again."""
    if axis is None:
        start = sum(np.size(a) for a in _arrays[:i])
        return np.reshape(g[start : start + _arrays[i].size], _arrays[i].shape)
    start = sum(a.shape[axis] for a in _arrays[:i])
    cut = [slice(None)] * g.ndim
    cut[axis] = slice(start, start + _arrays[i].shape[axis])
    return g[tuple(cut)]


def stack_vjp(i, g, _y, *_arrays, axis=0, dtype=None, casting="same_kind"):
    """Take the operand's layer out again."""
    return g[(*[slice(None)] * (axis % g.ndim), i)]


def back(g, _y, _a, *, axis=None):
    """The operand's own shape again."""
    return g.reshape(_a.shape) if type(g) is np.ndarray else np.reshape(g, _a.shape)  # which takes longer


def reshape_vjp(g, _y, _a, *, shape=None, order="C", copy=None):
    """The operand's own shape again, read in the same order."""
    return back(g, _y, _a) if order == "C" else np.reshape(g, _a.shape, order=order)


def moveaxis_vjp(g, _y, _a, *, source, destination):
    """Move them back."""
    return np.moveaxis(g, destination, source)


def swapaxes_vjp(g, _y, _a, *, axis1, axis2):
    """Swap them back."""
    return np.swapaxes(g, axis1, axis2)


defvjp(np.reshape, reshape_vjp, view=True, only={"order": ("C", "F")})
defvjp(np.ravel, lambda g, _y, _a, *, order="C": reshape_vjp(g, _y, _a, order=order), view=True,
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
defvjp(np.flip, lambda g, _y, _m, *, axis=None: np.flip(g, axis), view=True)
defvjp(np.roll, lambda g, _y, _a, *, shift, axis=None: np.roll(g, np.negative(shift), axis))
defvjp(np.rot90, lambda g, _y, _m, *, k=1, axes=(0, 1): np.rot90(g, -k, axes), view=True)
defvjp(np.copy, lambda g, _y, _a, *, order="K", subok=False: g)
defvjp(np.astype, lambda g, _y, _x, *, dtype=None, copy=True, device=None: g, view=True)


# --- a few lines over these


@composite(np.fliplr)
def fliplr(m):
    """Backwards along the second axis."""
    return np.flip(array(m), 1)


@composite(np.flipud)
def flipud(m):
    """Backwards along the first axis."""
    return np.flip(array(m), 0)


@composite(np.rollaxis)
def rollaxis(a, axis, start=0):
    """Move an axis to stand before another."""
    a = array(a)
    axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
    stop = start + a.ndim if start < 0 else start
    if not 0 <= stop <= a.ndim:
        raise np.exceptions.AxisError(f"np.rollaxis: start is {start}, and the array has {a.ndim} axes")
    return np.moveaxis(a, axis, stop - (axis < stop))


@composite(np.matrix_transpose)
def matrix_transpose(x, /):
    """The last two axes, swapped."""
    x = array(x)
    if x.ndim < 2:
        raise ValueError(f"np.matrix_transpose needs at least 2 axes; the array has {x.ndim}")
    return np.swapaxes(x, -1, -2)


def atleast(function):
    """Return what does to each of several arrays what `function` does to one: a tuple, if there is not just one."""

    def each(*arys):
        results = tuple(function(array(a)) for a in arys)
        return results[0] if len(results) == 1 else alike(results, arys)

    return each


composite(np.atleast_1d)(atleast(lambda a: a if a.ndim else np.reshape(a, 1)))
composite(np.atleast_2d)(atleast(lambda a: a if a.ndim > 1 else np.reshape(a, (1, -1) if a.ndim else (1, 1))))


@composite(np.atleast_3d)
@atleast
def atleast_3d(a):
    """A vector lies along the second axis of three, a matrix in the first two."""
    return a if a.ndim > 2 else np.reshape(a, [(1, 1, 1), (1, *a.shape, 1), (*a.shape, 1)][a.ndim])


@composite(np.broadcast_arrays)
def broadcast_arrays(*args, subok=False):
    """Each in the shape that all have together."""
    arrays = [array(a) for a in args]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return alike([np.broadcast_to(a, shape) for a in arrays], args)


@composite(np.meshgrid)
def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """The coordinates of all points of a grid; sparse, as arrays that broadcast to that."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"np.meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    n = len(xi)
    grid = [np.reshape(array(x), [-1 if i == j else 1 for j in range(n)]) for i, x in enumerate(xi)]
    if indexing == "xy" and n > 1:
        grid = [np.swapaxes(x, 0, 1) for x in grid]
    full = grid if sparse else np.broadcast_arrays(*grid)
    found = alike([np.copy(x) for x in full] if copy else full, xi)
    return type(np.meshgrid(0, copy=copy, sparse=sparse))(found)  # a tuple, or, before NumPy 2.5, perhaps a list


@composite(np.ix_)
def ix_(*args):
    """Each along an axis of its own; of a mask, the places where it holds."""
    grid = []
    for i, a in enumerate(args):
        a = array(a) if len(a) or hasattr(a, "dtype") else np.zeros(0, np.intp)
        if a.ndim != 1:
            raise ValueError(f"np.ix_: each index has one axis; one has {a.ndim}")
        a = np.nonzero(a)[0] if a.dtype == bool else a
        grid.append(np.reshape(a, [-1 if i == j else 1 for j in range(len(args))]))
    return alike(grid, args)
