"""emit: a Program as NumPy code scheduled for speed: buffers made once, results written into them, products by BLAS.

The listing is straight-line Python, and above each group of lines stands the line that a person would have written. What it
relies on: shapes and dtypes do not change; the memory of `fixed` arrays and of arrays made by the function itself does
not move. A function that is not known to write into `out` is called as it stands, so that every program runs.

A value lives in one of four ways: in memory known when the listing is made (a buffer, a fixed array, a view of them); as
an argument of the call; as a new array, if a result shows its memory; as a number, if it has no axes. A buffer is
given to the next value as soon as nobody reads it, or a view of it, any more.
"""

from __future__ import annotations

import builtins
import keyword
import linecache
import math
import operator
import re
import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .program import Constant, Listing, Program, Step, Value, values_in
from .rules.assign import assign
from .rules.index import scatter
from .tracing import ensure

__all__ = ["emit", "readable"]

Array = Any

OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
REDUCTIONS = {
    np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum,
    np.amin: np.minimum,
}  # fmt: skip
VIEWS = {
    np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.ravel, np.broadcast_to, np.expand_dims, np.squeeze, np.flip,
    np.rollaxis, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.flipud, np.fliplr, np.rot90, np.diagonal,
    np.matrix_transpose, np.permute_dims, np.real, np.imag, np.asarray, np.ascontiguousarray,
}  # fmt: skip
BLAS = "fdFD"
KEYWORD_OUT = {np.maximum, np.minimum}  # by position they warn
PRECISE = 1024  # so many numbers may be added up by a product with ones as exactly as by np.sum
# Functions whose result has a shape that follows from the shapes of their arguments.
STATIC = {
    *REDUCTIONS, *VIEWS, np.matmul, np.dot, np.inner, np.outer, np.tensordot, np.vdot, np.kron, np.cross, np.einsum,
    np.concatenate, np.stack, np.clip, np.sort, np.argsort, np.partition, np.argpartition, np.cumsum, np.cumprod,
    np.diff, np.argmax, np.argmin, np.take_along_axis, np.tril, np.triu, np.trace, np.any, np.all, np.mean, np.var,
    np.std, np.roll, np.zeros_like, np.ones_like, np.full_like, np.copy, np.take, scatter, assign, np.nan_to_num,
    np.count_nonzero, np.nansum, np.nanmax, np.nanmin, np.nanprod, np.sinc, np.i0, np.median, np.tile, np.pad,
}  # fmt: skip
ARRAYS_OF_THEIR_OWN = STATIC - VIEWS - {np.einsum, np.clip, np.nan_to_num, np.trace}  # never a view of an argument


# --- the readable line ----------------------------------------------------------------------------------------------


def readable(step: Step, name: Callable[[Value], str]) -> str:
    """Return a step as a line ``name = function(arguments)``; a line of a source that reads better can stand for it."""
    call = f"{path_of(step.function)}({', '.join([*(text(a, name) for a in step.args), *keywords(step.kwargs, name)])})"
    return f"{', '.join(map(name, step.outs))} = {call}" if step.outs else call


def path_of(function: Any) -> str:
    """Return how a person names a function."""
    name = getattr(function, "__name__", type(function).__name__)
    public = getattr(np, name, None) is function
    return f"np.{name}" if public else str(name)


def keywords(kwargs: dict[str, Any], name: Callable[[Value], str]) -> list[str]:
    """Return keyword arguments as text."""
    return [f"{key}={text(value, name)}" for key, value in kwargs.items()]


def text(tree: Any, name: Callable[[Value], str]) -> str:
    """Return an argument as a person would write it."""
    if isinstance(tree, Value):
        return name(tree)
    if isinstance(tree, list):
        return f"[{', '.join(text(t, name) for t in tree)}]"
    if isinstance(tree, tuple):
        return f"({', '.join(text(t, name) for t in tree)}{',' * (len(tree) == 1)})"
    if isinstance(tree, slice):
        parts = ["" if s is None else text(s, name) for s in (tree.start, tree.stop)]
        return ":".join(parts + [text(tree.step, name)] * (tree.step is not None))
    if tree is Ellipsis:
        return "..."
    if isinstance(tree, type):
        return tree.__name__
    written = getattr(tree, "__name__", None) or repr(tree)
    return " ".join(str(written).split())[:60]


# --- what a step is -------------------------------------------------------------------------------------------------


def is_number(x: Any) -> bool:
    """Return whether an argument is a Python number, which takes the dtype of the arrays beside it."""
    return type(x) in (int, float, complex, bool)


def is_basic(index: Iterable[Any]) -> bool:
    """Return whether an index makes a view."""
    return all(
        i is None or i is Ellipsis or isinstance(i, (slice, np.integer)) or (isinstance(i, int) and type(i) is not bool)
        for i in index
    )


def is_elementwise(step: Step) -> bool:
    """Return whether a step is a ufunc of values and numbers that can be told where to write."""
    f = step.function
    return (
        isinstance(f, np.ufunc)
        and f.nout == 1
        and f.signature is None
        and not step.kwargs
        and not step.several
        and len(step.args) == f.nin
        and all(isinstance(a, Value) or is_number(a) for a in step.args)
        and plain_dtype(step.out)
    )


def plain_dtype(value: Value) -> bool:
    """Return whether a buffer may hold the value."""
    return value.dtype.kind in "fciub" and value.dtype.isnative


def reduction(step: Step) -> tuple[np.ufunc, Value, Any, Any, bool] | None:
    """Return ufunc, operand, axis, dtype and keepdims of a sum, product, maximum or minimum over axes."""
    ufunc = REDUCTIONS.get(step.function)
    if ufunc is None or not 1 <= len(step.args) <= 2 or step.kwargs.keys() - {"axis", "keepdims", "dtype"}:
        return None
    x = step.args[0]
    axis = step.args[1] if len(step.args) == 2 else step.kwargs.get("axis")
    dtype, keepdims = step.kwargs.get("dtype"), step.kwargs.get("keepdims", False)
    if not isinstance(x, Value) or not isinstance(keepdims, bool) or list(values_in((axis, dtype))):
        return None
    if dtype is not None and ufunc in (np.maximum, np.minimum):
        return None
    return ufunc, x, axis, dtype, keepdims


def is_view(step: Step) -> bool:
    """Return whether a step returns its first argument seen in another way, or perhaps a copy of it."""
    if not step.args or not isinstance(step.args[0], Value) or step.several:
        return False
    if step.function is operator.getitem:
        return is_basic(step.args[1])
    return step.function in VIEWS and not any(True for _ in values_in((step.args[1:], tuple(step.kwargs.values()))))


def is_product(step: Step) -> bool:
    """Return whether a step is a product of matrices or vectors that `np.dot` computes by BLAS."""
    if step.function not in (np.matmul, np.dot) or step.kwargs or len(step.args) != 2 or step.several:
        return False
    a, b = step.args
    return (
        isinstance(a, Value)
        and isinstance(b, Value)
        and a.ndim in (1, 2)
        and b.ndim in (1, 2)
        and a.dtype == b.dtype == step.out.dtype
        and step.out.dtype.char in BLAS
        and step.out.dtype.isnative
    )


def is_stable(function: Any) -> bool:
    """Return whether the shape of a function's result follows from the shapes of its arguments."""
    module = str(getattr(function, "__module__", ""))
    return (
        isinstance(function, np.ufunc)
        or function in STATIC
        or module.startswith(("numpy.linalg", "numpy.fft"))
        or isinstance(getattr(function, "__self__", None), np.random.Generator)
    )


def unstable(program: Program) -> set[Value]:
    """Return the values whose shape may be another one in the next call, as that of ``x[x > 0]``."""
    found: set[Value] = set()
    for step in program.steps:
        f, operands = step.function, list(step.operands())
        if f is operator.getitem:
            stable = all(not isinstance(i, Value) or i.dtype.kind != "b" for i in step.args[1]) and all(
                not isinstance(i, (list, np.ndarray)) or np.asarray(i).dtype.kind in "iu" for i in step.args[1]
            )
        elif f is np.where:
            stable = len(step.args) == 3
        else:
            stable = is_stable(f)
        whole = reduction(step)
        if whole is not None and whole[2] is None and not whole[4]:
            continue  # a number, whatever the shape is
        if f is np.broadcast_to or f is np.reshape:
            continue  # it says its shape, or raises
        if not stable or not found.isdisjoint(operands):
            found.update(step.outs)
    return found
