"""Whole Jacobians and Hessians: all rows in one sweep, whose cotangents are a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .batching import Batched, UnbatchableError, one_for_all
from .errors import DTypeError
from .graph import Node, toposort
from .tensor import Tensor, node_of, unwrap, wrap
from .transforms import Point, called, chosen_by, function_of, gradient_of, labels, linearise, swept

__all__ = ["ENTRIES", "hessian", "jacobian"]

ENTRIES = 2**22  # rows are swept together as long as no batched cotangent has more (32 MiB in double precision)


def jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, holomorphic: bool = False
) -> Callable[..., Any]:
    r"""Return a function that computes the Jacobian, :math:`J_{ij} = \partial f_i / \partial x_j`.

    Reverse mode: one cotangent for each entry of the result. They are swept together, as a batch, in chunks of such a
    size that no batched cotangent has more than 4,194,304 entries (a single row may).

    Parameters
    ----------
    f : callable
        NumPy code. Its arguments and result may be trees: nested dicts, lists, tuples of arrays.
    argnums : int or tuple of int
        Which positional arguments to differentiate by; each may be a tree.
    holomorphic : bool
        `f` maps complex arrays to complex arrays and is holomorphic: the Jacobian holds its complex derivatives. Not
        checked.

    Returns
    -------
    callable
        Returns, for each array of the result, for each array of the argument, an array of shape ``out.shape +
        x.shape`` and of the dtype of ``x``: a tree of the result's structure, whose leaves are trees of the argument's
        (with several argnums, tuples of them). A complex result of real arguments has the complex Jacobian
        :math:`\partial\,\mathrm{Re} f + i\,\partial\,\mathrm{Im} f`.

    Raises
    ------
    DTypeError
        If an argument is complex without `holomorphic`, or with it an argument or a result is not complex, or a result
        is no number.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> ag.jacobian(lambda x: x[1:] * x[:-1])(np.array([1.0, 2.0, 3.0]))
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    called(f, "jacobian")
    return _jacobian(f, argnums, bool(holomorphic), "jacobian")


def _jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...], holomorphic: bool, what: str
) -> Callable[..., Any]:
    several = isinstance(argnums, (tuple, list))
    chosen = chosen_by(argnums, what)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        function, primals = function_of(f, chosen, args, kwargs)
        point = linearise(function, primals, chosen, what)
        _check(point, primals, chosen, holomorphic, what)
        rows = []
        for i, out in enumerate(point.outs):
            found = _rows(point, out) if i in point.tracked else _zeros(point, out)
            tree = point.rebuild(found)
            rows.append(tree if several else tree[0])
        return point.rebuild_out(rows)

    return wrapped


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    r"""Return a function that computes the Hessian of a scalar function.

    The matrix of second derivatives, :math:`H_{ij} = \partial^2 f/\partial x_i \partial x_j`: the Jacobian of the
    gradient, whose rows are computed together. For products :math:`Hv` alone, see `hvp`.

    Parameters
    ----------
    f : callable
        NumPy code that returns a real scalar.
    argnums : int or tuple of int
        Which positional arguments to differentiate by; each may be a tree.

    Returns
    -------
    callable
        Returns an array of shape ``x.shape + x.shape``; for trees, for each array a tree of such arrays, and for
        several argnums a tuple of tuples.

    Raises
    ------
    ShapeError
        If `f` does not return a scalar.
    DTypeError
        If an argument is not real.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> ag.hessian(lambda x: np.prod(x))(np.array([1.0, 2.0, 3.0]))
    array([[0., 3., 2.],
           [3., 0., 1.],
           [2., 1., 0.]])
    """
    called(f, "hessian")
    both = gradient_of(f, argnums, False, "hessian")
    return _jacobian(functools.wraps(f)(lambda *args, **kwargs: both(*args, **kwargs)[1]), argnums, False, "hessian")


def _check(point: Point, primals: tuple[Any, ...], numbers: tuple[int, ...], holomorphic: bool, what: str) -> None:
    for k, x in enumerate(point.inputs):
        if (x.dtype.kind == "c") == holomorphic:
            continue
        name = labels(primals, numbers)[k]
        if x.dtype.kind == "c":
            hint = "Write f of the real and the imaginary part."
            if what == "jacobian":
                hint = (
                    "A derivative by it is one number only if f is holomorphic: then say jacobian(f, holomorphic=True)."
                    " Else use jvp and vjp, or write f of the real and the imaginary part."
                )
            raise DTypeError(f"{what} needs real arguments; argument {name} is {x.dtype}. {hint}")
        raise DTypeError(
            f"jacobian: holomorphic=True needs complex arguments; argument {name} is {x.dtype}. "
            "Pass x.astype(complex), or leave holomorphic out."
        )
    for out in point.outs:
        kind = (out if isinstance(out, Tensor) else np.asarray(out)).dtype.kind
        if kind not in "fciub":
            raise DTypeError(
                f"{what} needs a function that returns arrays of numbers; among its results is a "
                f"{type(out).__name__}. Is a `return` missing?"
            )
        if holomorphic and kind != "c":
            raise DTypeError(
                f"jacobian: holomorphic=True needs complex results, not {np.asarray(unwrap(out)).dtype}: a real "
                "function of complex numbers is not holomorphic unless it is constant. Use vjp, or write it of the "
                "real and the imaginary part."
            )


def _zeros(point: Point, out: Any) -> list[Any]:
    """Return the Jacobian of a result that does not depend on anything."""
    return [np.zeros(np.shape(out) + x.shape, x.dtype) for x in point.inputs]


def _rows(point: Point, out: Tensor) -> list[Any]:
    """Return the derivatives of one result by every input."""
    if out.dtype.kind == "c" and all(x.dtype.kind != "c" for x in point.inputs):
        return [
            re + 1j * im for re, im in zip(_swept_rows(point, out, 1), _swept_rows(point, out, -1j), strict=True)
        ]  # g dy is real for g = 1 where its real part is, and for g = -i its imaginary part
    return _swept_rows(point, out, 1)


def _swept_rows(point: Point, out: Tensor, unit: complex) -> list[Any]:
    node, n = node_of(out, "jacobian"), out.size
    if not n:
        return _zeros(point, out)
    passed = list(toposort([node], since=min((x.node.serial for x in point.inputs if x.node is not None), default=0)))
    if n == 1 or any(each.extra is not None and each.extra.hooks for each in passed):  # hooks see one cotangent
        return _one_by_one(point, node, unit)
    chunk = max(1, ENTRIES // max(each.size for each in passed))
    parts = None
    try:
        parts = [_batch(point, node, range(i, min(i + chunk, n)), unit) for i in range(0, n, chunk)]
    except Exception:  # a rule that computes with something else than NumPy's functions cannot take a batch
        pass
    if parts is None:  # not in the handler: what is raised now has nothing to do with batches
        return _one_by_one(point, node, unit)
    return [
        _joined(pieces, np.concatenate, node, x)
        for pieces, x in zip(zip(*parts, strict=True), point.inputs, strict=True)
    ]


def _batch(point: Point, node: Node, rows: range, unit: complex) -> list[Any]:
    """Return some rows of the derivatives by each input, found in one sweep."""
    count = len(rows)
    seed = np.zeros((count, node.size), node.dtype)
    seed[range(count), rows] = unit
    found = swept(
        {node: Batched(seed.reshape(count, *node.shape))}, point.inputs, one_for_all if point.nested else None
    )
    result = []
    for g, x in zip(found, point.inputs, strict=True):
        data = g.data if isinstance(g, Batched) else np.zeros(x.shape, x.dtype) if g is None else g
        if not isinstance(data if not point.nested or g is None else unwrap(data), (np.ndarray, np.generic)):
            raise UnbatchableError("a rule that makes something else of a batch")  # a Tensor of it, say
        many = isinstance(g, Batched) and g.many  # else the same for every cotangent: zeros
        result.append(data if many else np.broadcast_to(data, (count, *x.shape)))
    return result


def _one_by_one(point: Point, node: Node, unit: complex) -> list[Any]:
    """Return the rows found in one sweep each."""
    rows = [_one_row(point, node, i, unit) for i in range(node.size)]
    return [_joined(pieces, np.stack, node, x) for pieces, x in zip(zip(*rows, strict=True), point.inputs, strict=True)]


def _one_row(point: Point, node: Node, i: int, unit: complex) -> list[Any]:
    seed = np.zeros(node.size, node.dtype)
    seed[i] = unit
    seed = seed.reshape(node.shape)
    found = swept({node: wrap(seed, None) if point.nested else seed}, point.inputs, wrap if point.nested else None)
    rows = [np.zeros(x.shape, x.dtype) if g is None else g for g, x in zip(found, point.inputs, strict=True)]
    return rows if point.nested else [unwrap(row) for row in rows]


def _joined(pieces: tuple[Any, ...], join: Callable[..., Any], node: Node, x: Tensor) -> Any:
    return np.reshape(join(pieces), (*node.shape, *x.shape))
