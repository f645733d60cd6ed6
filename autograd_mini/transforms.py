"""Derivatives asked for as values of functions: gradients, vjp, value_and_grad, grad."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .errors import DTypeError, ShapeError
from .graph import Leaf, Node, pullback, toposort
from .recording import is_recording, recording
from .table import Rule
from .tensor import Tensor, node_of, owned, record, seed_of, unwrap, wrap
from .trees import flatten, map_leaves, paths

__all__ = ["grad", "gradients", "value_and_grad", "vjp"]

Lift = Callable[[Any, Node], Tensor]  # see `pullback`


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    cotangents: Any = None,
    *,
    create_graph: bool = False,
) -> Any:
    """Return the cotangents of `inputs`; nothing is accumulated anywhere.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What is differentiated.
    inputs : Tensor or sequence of Tensor
        By what; leaves or results in between.
    cotangents : array or sequence of arrays, optional
        One seed per output, each of its shape; 1 for a scalar.
    create_graph : bool
        Record the sweep: the cotangents are then Tensors that can be differentiated again.

    Returns
    -------
    array or tuple of arrays
        One per input, of its shape and dtype; zeros where no path leads to it.

    Raises
    ------
    NothingRecordedError
        If an input does not require grad.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> x = ag.Tensor(3.0, requires_grad=True)
    >>> y = x * x
    >>> print(ag.gradients(y * y, y), ag.gradients(y * y, x))
    18.0 108.0
    """
    several = isinstance(outputs, (list, tuple))
    outs: list[Any] = list(outputs) if several else [outputs]
    ins: list[Any] = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    seeds = [None] * len(outs) if cotangents is None else cotangents if several else [cotangents]
    if len(seeds) != len(outs):
        raise ShapeError(f"gradients() of {len(outs)} outputs needs as many cotangents, not {len(seeds)}.")
    for out in outs:
        if not isinstance(out, Tensor):
            node_of(out, "gradients()")
    result = _gradients(outs, ins, seeds, wrap if create_graph else None)
    return tuple(result) if isinstance(inputs, (list, tuple)) else result[0]


def _gradients(outs: list[Tensor], ins: list[Tensor], seeds: Sequence[Any], lift: Lift | None) -> list[Any]:
    targets = [node_of(x, "gradients() with respect to it") for x in ins]
    pending: dict[Node, Any] = {}
    for out, cotangent in zip(outs, seeds, strict=True):
        if out.requires_grad:
            node = node_of(out, "gradients()")
            seed = seed_of(out, cotangent, lift is not None)
            pending[node] = pending[node] + seed if node in pending else seed
    selves = [node.selves() if isinstance(node, Leaf) else [node] for node in targets]
    found = pullback(pending, [node for nodes in selves for node in nodes], lift=lift)
    result = []
    for x, nodes in zip(ins, selves, strict=True):
        parts = [found[node] for node in nodes if node in found]
        g = sum(parts[1:], parts[0]) if parts else None
        if g is None:
            g = np.zeros_like(x._value)
            g = wrap(g, None) if lift is not None else g
        result.append(g if isinstance(g, Tensor) else owned(g))
    return result


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    r"""Return ``f(*primals)`` and the pullback that carries a cotangent of it back to the primals.

    The pullback maps :math:`g \mapsto g\,J`, with :math:`J = \partial f / \partial \text{primals}`, without building
    :math:`J`.

    Parameters
    ----------
    f : callable
        NumPy code. Its arguments and result may be trees: nested dicts, lists, tuples of arrays.
    *primals
        Where to evaluate; real or complex arrays, or trees of them.

    Returns
    -------
    out
        The value, as arrays.
    pullback : callable
        Takes a cotangent shaped like `out`; returns a tuple with one cotangent per primal.

    Raises
    ------
    DTypeError
        If a primal is not real or complex.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> out, pullback = ag.vjp(np.sin, np.array([0.0, np.pi]))
    >>> pullback(np.ones(2))
    (array([ 1., -1.]),)
    """
    own = map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, primals)
    return _vjp(f, own, range(len(primals)))  # copies, for the pullback may be called when the caller's have changed


def _vjp(f: Callable[..., Any], primals: tuple[Any, ...], numbers: Sequence[int]) -> tuple[Any, Callable[..., Any]]:
    outer = is_recording()
    _, rebuild = flatten(primals)
    inputs = []
    for i, primal in zip(numbers, primals, strict=True):
        inputs += [
            _variable(leaf, outer, f"{i}{path[1:]}")
            for leaf, path in zip(flatten(primal)[0], paths((primal,)), strict=True)
        ]
    with recording():
        result = f(*rebuild(inputs))
    outs, rebuild_out = flatten(result)
    tracked = [o for o in outs if isinstance(o, Tensor) and o.requires_grad]
    nested = outer and _leads_elsewhere(tracked, inputs)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        cotangents, _ = flatten(cotangent)
        if len(cotangents) != len(outs):
            raise ShapeError(f"The function returned {len(outs)} arrays and got {len(cotangents)} cotangents.")
        seeds = [c for o, c in zip(outs, cotangents, strict=True) if isinstance(o, Tensor) and o.requires_grad]
        lift: Lift | None = wrap if nested else None
        if not nested and is_recording() and any(isinstance(c, Tensor) and c.requires_grad for c in seeds):
            lift = _constant  # record what depends on the cotangents: forward mode is made of this
        return rebuild(_gradients(tracked, inputs, seeds, lift))  # type: ignore[no-any-return]

    return rebuild_out([o if nested else unwrap(o) for o in outs]), pullback


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes ``f`` and its gradient in one forward and one reverse pass.

    Parameters
    ----------
    f : callable
        NumPy code that returns a real scalar; with `has_aux`, a pair ``(scalar, anything)``.
    argnums : int or tuple of int
        Which positional arguments to differentiate by; each may be a tree.
    has_aux : bool
        The second result of `f` is passed through.

    Returns
    -------
    callable
        ``(value, gradient)``, or ``((value, aux), gradient)``. Each gradient has its argument's structure, shapes and
        dtypes.

    Raises
    ------
    ShapeError
        If `f` does not return a scalar.
    DTypeError
        If an argument is not real or complex.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> value, gradient = ag.value_and_grad(lambda w: np.sum(w * w))(np.array([1.0, 2.0]))
    >>> print(value, gradient)
    5.0 [2. 4.]
    """
    name = getattr(f, "__name__", "the function")
    several = isinstance(argnums, (tuple, list))
    try:
        chosen = tuple(map(operator.index, argnums if several else (argnums,)))  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"argnums must be an integer or a tuple of integers, not {argnums!r}") from None

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        for i in chosen:
            if not -len(args) <= i < len(args):
                raise TypeError(f"argnums={i}, but the function was called with {len(args)} positional arguments")
        if len({i % len(args) for i in chosen}) < len(chosen):
            raise TypeError(f"argnums={argnums} names an argument twice")
        aux: list[Any] = []

        def scalar(*primals: Any) -> Any:
            full = list(args)
            for i, primal in zip(chosen, primals, strict=True):
                full[i] = primal
            result = f(*full, **kwargs)
            if has_aux:
                if not (isinstance(result, (tuple, list)) and len(result) == 2):
                    raise TypeError(
                        f"has_aux=True: {name} must return a pair (scalar, aux), not {type(result).__name__}"
                    )
                result, extra = result
                aux.append(_plain(extra, flatten(primals)[0]))
            return _scalar(result, name)

        value, pullback = _vjp(scalar, tuple(args[i] for i in chosen), chosen)
        found = pullback(np.ones((), value.dtype if hasattr(value, "dtype") else float))
        answer = found if several else found[0]
        return ((value, aux[0]), answer) if has_aux else (value, answer)

    return wrapped


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of a scalar function.

    Nest it at will: ``grad(grad(f))`` is the second derivative.

    Parameters
    ----------
    f, argnums, has_aux
        As for `value_and_grad`.

    Returns
    -------
    callable
        The gradient; with `has_aux`, ``(gradient, aux)``. Arrays; recorded Tensors exactly when the result also
        depends on something that is being differentiated outside (nesting, Parameters that `f` closes over).

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> print(ag.grad(np.sin)(0.0), ag.grad(ag.grad(np.sin))(np.pi / 2))
    1.0 -1.0
    """
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, answer = both(*args, **kwargs)
        return (answer, value[1]) if has_aux else answer

    return wrapped


def _variable(leaf: Any, outer: bool, path: str) -> Tensor:
    leaf = leaf if hasattr(leaf, "__array_function__") else np.asarray(leaf)
    if leaf.dtype.kind not in "fc":
        raise DTypeError(
            f"grad needs real or complex arguments; argument {path} has dtype {leaf.dtype}. "
            "Write 3.0 for 3, or pass x.astype(float)."
        )
    return variable(leaf if outer else unwrap(leaf))


def _constant(data: Any, _node: Node) -> Tensor:
    return wrap(data, None)


def _leads_elsewhere(outs: list[Tensor], inputs: list[Tensor]) -> bool:
    """Return whether a differentiable path leads from `outs` to a leaf that is none of the inputs."""
    own = {x.node for x in inputs}
    since = min((x.node.serial for x in inputs if x.node is not None), default=0)
    for node in toposort((o.node for o in outs if o.node is not None), since=since):
        if node not in own and node.rule is None:
            return True
        if any(p is not None and p.requires_grad and p.serial < since for p in node.parents):
            return True
    return False


def _scalar(result: Any, name: str) -> Any:
    if isinstance(result, (tuple, list, dict)):
        raise DTypeError(
            f"grad needs a function that returns one scalar; {name} returned a {type(result).__name__}. To pass more "
            "through, return (scalar, more) and say has_aux=True; to differentiate several outputs, use vjp."
        )
    kind = (result if isinstance(result, Tensor) else np.asarray(result)).dtype.kind
    if kind not in "fiub":
        what = "a complex number" if kind == "c" else type(result).__name__
        hint = "Take np.real, or np.abs." if kind == "c" else "Is a `return` missing?"
        raise DTypeError(f"grad needs a function that returns a real scalar; {name} returned {what}. {hint}")
    if np.shape(result) != ():
        raise ShapeError(
            f"grad needs a function that returns a scalar; {name} returned shape {np.shape(result)}. "
            "Reduce it (np.sum, np.mean), or use vjp for a cotangent of your own."
        )
    return result


def _plain(aux: Any, inputs: list[Tensor]) -> Any:
    leaves, rebuild = flatten(aux)
    recorded = [isinstance(a, Tensor) and a.requires_grad and _leads_elsewhere([a], inputs) for a in leaves]
    return rebuild([a if keep else unwrap(a) for a, keep in zip(leaves, recorded, strict=True)])


def variable(value: Any, name: str | None = None) -> Tensor:
    """Return a Tensor to differentiate by: a new leaf, or, for a Tensor with a history, a node linked to it."""
    if isinstance(value, Tensor) and value.requires_grad:
        return record(_IDENTITY, value._value, (value,))
    return Tensor(unwrap(value), requires_grad=True, name=name)


def _identity(a: Any) -> Any:
    return a


_IDENTITY = Rule(
    _identity, (lambda g, _y, _a: g,), None, broadcasts=False, view=True, signature=None, only={}
)  # not in the table: nobody calls it
