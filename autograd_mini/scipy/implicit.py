"""Functions that are given by an equation, and arguments packed into one vector to differentiate them together."""

from __future__ import annotations

import functools
import inspect
from typing import Any

import numpy as np

from ..errors import LostGradientError, UnsupportedArgumentError
from ..table import defvjp, in_memory
from ..tensor import Tensor, unwrap
from ..transforms import vjp
from ..trees import flatten
from . import linalg

__all__ = ["Packed", "array_of", "closed", "solution", "watched"]


class Packed:
    """A tree of arguments, with those that are differentiated as one vector.

    Parameters
    ----------
    tree
        Arguments; Tensors that require grad may lie anywhere in it.

    Attributes
    ----------
    vector : Tensor or None
        All of them in a line; None if there is none.
    plain
        The tree of plain values.
    """

    def __init__(self, tree: Any) -> None:
        leaves, rebuild = flatten(tree)
        self._places = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.requires_grad]
        self.plain = rebuild([unwrap(leaf) for leaf in leaves])
        self._leaves, self._rebuild = flatten(self.plain)  # it must not keep the Tensors: a graph keeps it
        chosen = [np.reshape(leaves[i], -1) for i in self._places]
        self.vector: Any = np.concatenate(chosen) if chosen else None

    def unpack(self, vector: Any) -> Any:
        """Return the tree with the differentiated arguments taken from a vector."""
        leaves, start = list(self._leaves), 0
        for i in self._places:
            shape, size = self._leaves[i].shape, self._leaves[i].size
            leaves[i] = np.reshape(vector[start : start + size], shape)
            start += size
        return self._rebuild(leaves)


def watched(function: Any, caller: Any) -> Any:
    """Return a user's function for SciPy to call: a Tensor that it closes over is refused by name."""

    def watching(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        leaves, rebuild = flatten(result)
        if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves):
            raise LostGradientError(
                f"The function given to {caller.__name__} closes over a Tensor, and its gradient would be lost. "
                f"Pass it as an argument: {caller.__name__}(lambda x, t: ..., args=(t,))."
            )
        return rebuild([unwrap(leaf) for leaf in leaves])

    return watching


def closed(theirs: Any) -> Any:
    """Return a solver of SciPy's whose first argument, a user's function, is watched."""
    name = next(iter(inspect.signature(theirs).parameters))

    @functools.wraps(theirs)
    def solver(*args: Any, **kwargs: Any) -> Any:
        if args:
            return theirs(watched(args[0], theirs), *args[1:], **kwargs)
        if name in kwargs:
            kwargs[name] = watched(kwargs[name], theirs)
        return theirs(**kwargs)

    return solver


def array_of(result: Any) -> Any:
    """Return what a user's function gave as one array: it may be a list of numbers and Tensors."""
    if isinstance(result, (list, tuple)):
        return np.stack([array_of(r) for r in result])
    return result if hasattr(result, "dtype") else np.asarray(result)


@in_memory
def solution(vector, *, residual, find):
    """Return the y for which ``residual(y, vector) = 0``.

    Parameters
    ----------
    vector : array
        What it depends on.
    residual : callable
        As many equations as unknowns.
    find : callable
        ``find(vector)``: the solution.

    Returns
    -------
    array
        The solution.
    """
    return find(vector)


def solution_vjp(g, y, vector, *, residual, find):
    """The implicit function theorem: ``-w dF/dvector``, where ``w dF/dy = g``."""
    out, pull = vjp(residual, y, vector)
    if np.size(out) != y.size:
        raise UnsupportedArgumentError(
            f"The function to be solved returns {np.size(out)} values for {y.size} unknowns, so its solution has no "
            "derivative. Return one equation for each unknown."
        )
    units = np.reshape(np.eye(y.size, dtype=y.dtype), (y.size, *np.shape(out)))
    jacobian = np.stack([np.reshape(pull(unit)[0], (-1,)) for unit in units])
    w = linalg.solve(jacobian.T, np.reshape(g, (-1, 1)))
    return -pull(np.reshape(w, np.shape(out)))[1]


defvjp(solution, solution_vjp)
