"""Derivatives asked for as values of functions: of scalars (grad), along a direction (vjp, jvp), of both (hvp).

Forward mode has no rules of its own. The pullback is linear in the cotangent, so it is its own graph: recorded in the
cotangent and swept once more, it is transposed, and ``v -> J v`` is the transpose of ``g -> g J``.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

from .arrays import is_other
from .errors import DTypeError, NothingRecordedError, ShapeError
from .graph import Leaf, Node, pullback, toposort
from .recording import current, is_recording, recording
from .tensor import IDENTITY, Tensor, node_of, owned, record, seed_of, unwrap, wrap
from .trees import flatten, leaves_like, map_leaves, paths

__all__ = [
    "Point",
    "called",
    "chosen_by",
    "constant",
    "elementwise_grad",
    "function_of",
    "gradient_of",
    "ggnvp",
    "grad",
    "gradients",
    "hvp",
    "jvp",
    "labels",
    "linearise",
    "stop_gradient",
    "swept",
    "value_and_grad",
    "variable",
    "vjp",
]

Lift = Callable[[Any, Node], Tensor]  # see `pullback`


def gradients(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    cotangents: Any = None,
    *,
    create_graph: bool = False,
    unused: str = "zeros",
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
    unused : {"zeros", "none"}
        What to return for an input to which no path leads: zeros, or None.

    Returns
    -------
    array or tuple of arrays
        One per input, of its shape and dtype.

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
    if not hasattr(seeds, "__len__"):
        raise TypeError(
            f"gradients() of several outputs needs a list of cotangents, not a {type(seeds).__name__}. "
            f"Write cotangents=[g, ...], one for each of the {len(outs)}."
        )
    if len(seeds) != len(outs):
        raise ShapeError(
            f"gradients() of {len(outs)} outputs needs as many cotangents, not {len(seeds)}. Pass one for each, of its "
            "shape."
        )
    for out in outs:
        if not isinstance(out, Tensor):
            node_of(out, "gradients()")
    if unused not in ("zeros", "none"):
        raise ValueError(
            f"gradients(): unused is {unused!r:.40}, but must be 'zeros' or 'none': what an input gets to which no "
            "path leads."
        )
    result = _gradients(outs, ins, seeds, wrap if create_graph else None, unused == "zeros")
    return tuple(result) if isinstance(inputs, (list, tuple)) else result[0]


def _gradients(
    outs: list[Tensor], ins: list[Tensor], seeds: Sequence[Any], lift: Lift | None, zeros: bool = True
) -> list[Any]:
    if current.get().trace is not None:
        lift = lift or wrap  # the sweep is a part of the program
    pending: dict[Node, Any] = {}
    for out, cotangent in zip(outs, seeds, strict=True):
        if out.requires_grad:
            node = node_of(out, "gradients()")
            seed = seed_of(out, cotangent, lift is not None)
            pending[node] = pending[node] + seed if node in pending else seed
    result: list[Any] = []
    for x, g in zip(ins, swept(pending, ins, lift), strict=True):
        if g is None and not zeros:
            result.append(None)
        elif lift is None:  # a rule of the user's may have made a Tensor
            result.append(np.zeros_like(x._value) if g is None else owned(unwrap(g)))
        else:
            g = wrap(np.zeros_like(x._value), None) if g is None else g
            result.append(g if isinstance(g, Tensor) else owned(g))
    return result


def swept(pending: dict[Node, Any], ins: list[Tensor], lift: Callable[[Any, Node], Any] | None) -> list[Any]:
    """Return the cotangents of `ins` given those of some nodes; None where no path leads."""
    for i, x in enumerate(ins):
        if isinstance(x, Tensor) and not x.requires_grad and isinstance(x.node, Leaf):
            raise NothingRecordedError(
                f"gradients(): input {x.name or i} is a leaf with requires_grad=False. Set its requires_grad to True, "
                "and compute the output again if that was recorded without it."
            )
    targets = [node_of(x, f"gradients(), input {i}") for i, x in enumerate(ins)]
    selves = [node.selves() if isinstance(node, Leaf) else [node] for node in targets]
    wanted = [node for nodes in selves for node in nodes]
    trace = current.get().trace
    with nullcontext() if trace is None else trace.sweep():
        found = pullback(pending, wanted, lift=lift, trace=trace)
    result = []
    for x, nodes in zip(ins, selves, strict=True):
        parts = [found[node] for node in nodes if node in found]
        g = sum(parts[1:], parts[0]) if parts else None
        result.append(g if g is None or g.dtype == x.dtype else g.astype(x.dtype))  # of its byte order, too
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
        If a primal is not real or complex, or the result holds an object that is no array or number.
    ShapeError
        In the pullback, if the cotangent does not have the structure or the shapes of the result.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> out, pullback = ag.vjp(np.sin, np.array([0.0, np.pi]))
    >>> pullback(np.ones(2))
    (array([ 1., -1.]),)
    """
    called(f, "vjp", "(f, x)")
    own = map_leaves(copied, primals)  # for the pullback may be called when the caller has changed what it was given
    point, pullback = _vjp(f, own, range(len(primals)))
    return map_leaves(copied, point.value()), pullback


def copied(leaf: Any) -> Any:
    """Return a copy of an array; anything else as it is."""
    return leaf.copy() if isinstance(leaf, np.ndarray) or is_other(leaf) else leaf


def _vjp(
    f: Callable[..., Any], primals: tuple[Any, ...], numbers: Sequence[int], what: str = "vjp"
) -> tuple[Point, Callable[..., Any]]:
    point = linearise(f, primals, numbers, what)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        given = len(flatten(cotangent)[0])
        if given != len(point.outs):
            raise ShapeError(
                f"vjp: the function returned {len(point.outs)} arrays and its pullback got {given} cotangents. Pass "
                "one argument of the result's structure; for one array np.array([...]), not a list of numbers."
            )
        try:
            cotangents = list(leaves_like(cotangent, point.rebuild_out(point.outs)))
        except ShapeError as error:
            raise ShapeError(f"vjp: a cotangent must have the structure of the function's result: {error}") from None
        for path, out, g in zip(paths((point.rebuild_out(point.outs),)), point.outs, cotangents, strict=True):
            if np.shape(g) != np.shape(out):
                where = f" at {path[1:]}" if path[1:] else ""
                raise ShapeError(
                    f"vjp: the cotangent{where} has shape {np.shape(g)}; it must have its result's own, "
                    f"{np.shape(out)}."
                )
        return point.rebuild(point.pull([cotangents[i] for i in point.tracked]))  # type: ignore[no-any-return]

    return point, pullback


@dataclass(slots=True)
class Point:
    """A function recorded at one point, to be swept from there.

    Attributes
    ----------
    inputs : list of Tensor
        What is differentiated by: the leaves of the primals.
    outs : list
        The leaves of the result, as the function returned them.
    tracked : list of int
        Which of them are Tensors with a path.
    nested : bool
        A path also leads to something outside, which may be differentiated too: then sweeps are recorded.
    rebuild, rebuild_out : callable
        Build the trees of the primals and of the result again.
    """

    inputs: list[Tensor]
    outs: list[Any]
    tracked: list[int]
    nested: bool
    rebuild: Callable[[list[Any]], Any]
    rebuild_out: Callable[[list[Any]], Any]

    def value(self) -> Any:
        """Return the result: arrays; or, nested, what is recorded."""
        outs = [_seen_outside(o) if self.nested else unwrap(o) for o in self.outs]
        return self.rebuild_out(outs)

    def pull(self, cotangents: Sequence[Any], record: bool = False) -> list[Any]:
        """Carry cotangents of the tracked outputs back to the inputs; recorded in them, if `record` or if they are."""
        lift: Lift | None = wrap if self.nested else None
        if not self.nested and (
            record or (is_recording() and any(isinstance(c, Tensor) and c.requires_grad for c in cotangents))
        ):
            lift = constant  # record what depends on the cotangents: forward mode is made of this
        return _gradients([self.outs[i] for i in self.tracked], self.inputs, cotangents, lift)

    def push(self, tangents: Sequence[Any]) -> list[Any]:
        """Carry tangents of the inputs forward to the tracked outputs: the transpose of `pull`."""
        zeros = [np.zeros_like(unwrap(self.outs[i])) for i in self.tracked]
        with np.errstate(all="ignore"):  # only the record counts: a pullback is linear, so nothing reads these zeros
            transpose = linearise(lambda *g: self.pull(g, record=True), tuple(zeros), range(len(zeros)), "jvp")
        return transpose.pull([tangents[i] for i in transpose.tracked])


def _seen_outside(out: Any) -> Any:
    """Return a recorded result; in a trace, inside no_grad, it is a constant for what is outside."""
    return out.detach() if isinstance(out, Tensor) and not is_recording() else out


TRANSPARENT = (Tensor, np.ndarray, np.generic, Number, str, bytes)  # in these, a Tensor would not go unnoticed


def linearise(f: Callable[..., Any], primals: tuple[Any, ...], numbers: Sequence[int], what: str) -> Point:
    """Call `f` on variables that stand for the leaves of `primals`, and keep what it recorded.

    Parameters
    ----------
    f, primals
        The function and its positional arguments, trees.
    numbers : sequence of int
        What messages call each argument.
    what : str
        What messages call the transform.

    Raises
    ------
    DTypeError
        If an argument is not real or complex, or the result holds an object that is no array or number.
    """
    tracing = current.get().trace is not None  # then nothing may be cut off from the arguments of the program
    outer = is_recording() or tracing
    leaves, rebuild = flatten(primals)
    with nullcontext() if is_recording() else recording():
        inputs = [_variable(leaf, outer, k, numbers, primals, what) for k, leaf in enumerate(leaves)]
        result = f(*rebuild(inputs))
    if result is None:
        raise DTypeError(
            f"{what} needs a function that returns arrays or numbers; this one returned None. Is a `return` missing?"
        )
    outs, rebuild_out = flatten(result)
    for out in outs:
        objects = isinstance(out, np.ndarray) and out.dtype.kind == "O"
        if objects or not isinstance(out, TRANSPARENT):
            found = "an array of objects" if objects else f"a {type(out).__name__}"
            raise DTypeError(
                f"{what} needs a function that returns arrays or numbers, or dicts, lists, tuples of them; among its "
                f"results is {found}. Tensors inside it would not be found: return these themselves."
            )
    tracked = [i for i, o in enumerate(outs) if isinstance(o, Tensor) and o.requires_grad]
    nested = tracing or (outer and _leads_elsewhere([outs[i] for i in tracked], inputs))
    return Point(inputs, outs, tracked, nested, rebuild, rebuild_out)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    r"""Return ``f(*primals)`` and its derivative along a direction: forward mode.

    The tangent of the result is :math:`\dot y = J \dot x` with :math:`J = \partial f / \partial \text{primals}`. It is
    computed as the transpose of the pullback :math:`g \mapsto g\,J`, from the same rules, in two sweeps: no Jacobian is
    built, but the graph of `f` is kept as for `grad`.

    Parameters
    ----------
    f : callable
        NumPy code. Its arguments and result may be trees: nested dicts, lists, tuples of arrays.
    primals : tuple or list
        Where to evaluate: the positional arguments of `f`, real or complex arrays, or trees of them.
    tangents : tuple or list
        The direction: for each primal a tree of the same structure, with arrays of the same shapes. Numbers of another
        precision are cast to the primal's.

    Returns
    -------
    out
        The value, as arrays.
    tangent
        Of the structure, shapes and dtypes of `out`; zeros where a result does not depend on the primals. With complex
        :math:`x = a + ib`, :math:`\dot y = \partial_a f\,\dot a + \partial_b f\,\dot b`, holomorphic or not.

    Raises
    ------
    TypeError
        If primals or tangents are no tuple or list.
    ShapeError
        If tangents do not have the structure or the shapes of the primals.
    DTypeError
        If a primal is not real or complex, a tangent is complex where its primal is real, or the result holds an object
        that is no array or number.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> out, tangent = ag.jvp(lambda x: x**2, (np.array([1.0, 3.0]),), (np.array([1.0, 10.0]),))
    >>> print(out, tangent)
    [1. 9.] [ 2. 60.]
    """
    called(f, "jvp", "(f, (x,), (v,))")
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(
                f"jvp: {name} must be a tuple with one entry per argument of the function, not "
                f"{type(given).__name__}. For one argument write jvp(f, (x,), (v,))."
            )
    point = linearise(f, tuple(primals), range(len(primals)), "jvp")
    directions = _alike(tuple(primals), tuple(tangents), point.inputs, "jvp", "tangent {}")
    return point.value(), _pushed(point, directions)


def _pushed(point: Point, directions: Sequence[Any]) -> Any:
    found: list[Any] = [_no_tangent(o) for o in point.outs]
    for i, tangent in zip(point.tracked, point.push(directions), strict=True):
        found[i] = tangent
    return point.rebuild_out(found)


def _no_tangent(out: Any) -> Any:
    """Return zeros for a result that is constant; None for what is no number."""
    out = unwrap(out)
    out = out if hasattr(out, "__array_function__") else np.asarray(out)
    if out.dtype.kind not in "fciub":
        return None
    return np.zeros_like(out, dtype=out.dtype if out.dtype.kind in "fc" else float)


def _alike(primals: Any, others: Any, inputs: list[Tensor], what: str, name: str) -> list[Any]:
    """Return the leaves of `others`, checked to fit those of `primals` and cast to their dtypes."""
    single = "{}" not in name  # then messages do not count
    try:
        found = list(leaves_like(others[0], primals[0]) if single else leaves_like(others, primals))
    except ShapeError as error:
        each = f"the {name}" if single else f"each {name.split()[0]}"
        raise ShapeError(f"{what}: {each} must have the structure of its argument; {error}") from None
    result = []
    for path, x, v in zip(paths(primals), inputs, found, strict=True):
        label = f"the {name}{f' at {path[1:]}' if path[1:] else ''}" if single else name.format(path)
        v = v if hasattr(v, "__array_function__") else np.asarray(v)
        if v.dtype.kind not in "fciub":
            raise DTypeError(f"{what}: {label} has dtype {v.dtype}; it must hold numbers, as its argument does.")
        if v.shape != x.shape:
            raise ShapeError(
                f"{what}: {label} has shape {v.shape}; it must have its argument's own, {x.shape}. "
                f"Broadcast it first: np.broadcast_to(v, {x.shape})."
            )
        if v.dtype.kind == "c" and x.dtype.kind != "c":
            raise DTypeError(
                f"{what}: {label} is {v.dtype} and its argument is real ({x.dtype}). "
                "Pass a complex argument, or np.real of the direction."
            )
        result.append(v if v.dtype == x.dtype else v.astype(x.dtype))
    return result


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
    return gradient_of(f, argnums, has_aux, "value_and_grad")


def gradient_of(
    f: Callable[..., Any], argnums: int | tuple[int, ...], has_aux: bool, what: str, name: str | None = None
) -> Callable[..., Any]:
    """Return what `value_and_grad` returns, with the names that messages say: the transform's and the function's."""
    called(f, what)
    label = str(name or getattr(f, "__name__", "the function"))
    several = isinstance(argnums, (tuple, list))
    chosen = chosen_by(argnums, what)

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        aux: list[Any] = []
        function, primals = function_of(f, chosen, args, kwargs)

        def scalar(*primals: Any) -> Any:
            result = function(*primals)
            if has_aux:
                if not (isinstance(result, (tuple, list)) and len(result) == 2):
                    raise TypeError(
                        f"{what}: with has_aux=True {label} must return a pair (scalar, aux), not a "
                        f"{type(result).__name__}. Write `return loss, aux`, or leave has_aux out."
                    )
                result, extra = result
                aux.append(_plain(extra, flatten(primals)[0]))
            return _scalar(result, label, what)

        point, pullback = _vjp(scalar, primals, chosen, what)
        value = point.value()
        found = pullback(np.ones((), value.dtype if hasattr(value, "dtype") else float))
        answer = found if several else found[0]
        return ((value, aux[0]), answer) if has_aux else (value, answer)

    return wrapped


def called(f: Any, what: str, example: str = "(f)(x)") -> None:
    """Raise if what is to be differentiated is no function: its value, most often."""
    if not callable(f):
        got = "None" if f is None else f"a {type(f).__name__}"
        raise TypeError(f"{what} takes the function itself, ag.{what}{example}, not its value; it got {got}.")


def chosen_by(argnums: int | tuple[int, ...], what: str) -> tuple[int, ...]:
    """Return `argnums` as a tuple of integers."""
    try:
        return tuple(map(operator.index, argnums if isinstance(argnums, (tuple, list)) else (argnums,)))
    except TypeError:
        got = f"a {type(argnums).__name__}" if len(repr(argnums)) > 40 or "<" in repr(argnums) else repr(argnums)
        raise TypeError(
            f"{what}: argnums must be an integer or a tuple of integers, not {got}: the positions of the arguments to "
            f"differentiate by. The arguments themselves go into the second call, {what}(f)(x)."
        ) from None


def function_of(
    f: Callable[..., Any], chosen: tuple[int, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Return `f` as a function of the chosen arguments alone, and these."""
    for i in chosen:
        if not -len(args) <= i < len(args):
            raise TypeError(
                f"argnums={i}, but the function was called with {len(args)} positional arguments. Pass what is "
                "differentiated by position: grad(f)(x), not grad(f)(x=x)."
            )
    if len({i % len(args) for i in chosen}) < len(chosen):
        raise TypeError(
            f"argnums={chosen} names an argument twice, of {len(args)} in the call. Name each once: argnums=(0, 1)."
        )

    def function(*primals: Any) -> Any:
        full = list(args)
        for i, primal in zip(chosen, primals, strict=True):
            full[i] = primal
        return f(*full, **kwargs)

    return function, tuple(args[i] for i in chosen)


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
    both = gradient_of(f, argnums, has_aux, "grad")

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        value, answer = both(*args, **kwargs)
        return (answer, value[1]) if has_aux else answer

    return wrapped


def elementwise_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    r"""Return a function that computes the derivative of an elementwise function at every entry at once.

    It is the gradient of the sum of the results, :math:`\partial \sum_j f(x)_j / \partial x_i`, which is
    :math:`f'(x_i)` where each result depends on one entry only. Where results depend on several, their derivatives are
    added up: for those, see `jacobian`.

    Parameters
    ----------
    f : callable
        NumPy code that returns one real array.
    argnums : int or tuple of int
        Which positional arguments to differentiate by; each may be a tree.

    Returns
    -------
    callable
        The derivatives, each of its argument's structure, shape and dtype.

    Raises
    ------
    DTypeError
        If `f` returns anything but one real array.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> ag.elementwise_grad(np.square)(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    called(f, "elementwise_grad")
    name = getattr(f, "__name__", "the function")
    several = isinstance(argnums, (tuple, list))
    chosen = chosen_by(argnums, "elementwise_grad")

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        point = linearise(*function_of(f, chosen, args, kwargs), chosen, "elementwise_grad")
        out = point.value()
        plain = unwrap(out)
        plain = plain if isinstance(out, (tuple, list, dict)) or hasattr(plain, "dtype") else np.asarray(plain)
        kind = None if isinstance(out, (tuple, list, dict)) else plain.dtype.kind
        if kind not in ("f", "i", "u", "b"):
            got = "a complex array" if kind == "c" else f"a {type(out).__name__}"
            hint = "Use jacobian(f, holomorphic=True), or take np.real." if kind == "c" else "Is a `return` missing?"
            if isinstance(out, (tuple, list, dict)):
                hint = "Differentiate each of its entries: elementwise_grad(lambda x: f(x)[0])."
            raise DTypeError(
                f"elementwise_grad needs a function that returns one real array; {name} returned {got}. {hint}"
            )
        found = point.rebuild(point.pull([np.ones_like(unwrap(out)) for _ in point.tracked]))
        return found if several else found[0]

    return wrapped


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    r"""Return the Hessian of a scalar function times a vector, :math:`H v` with :math:`H = \partial^2 f/\partial x^2`.

    The Hessian is symmetric, so :math:`H v` is the pullback of :math:`v` through the gradient: one more sweep, at a
    small multiple of the cost of `f`, and no :math:`n \times n` array.

    Parameters
    ----------
    f : callable
        NumPy code of one argument that returns a real scalar.
    x
        Where: a real array, or a tree of them.
    v
        The vector, with the structure and the shapes of `x`.

    Returns
    -------
    array or tree
        Of the structure, shapes and dtypes of `x`.

    Raises
    ------
    ShapeError
        If `f` does not return a scalar, or `v` does not fit `x`.
    DTypeError
        If `x` is not real.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> ag.hvp(lambda x: np.sum(x**3), np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([  6., 120.])
    """
    called(f, "hvp", "(f, x, v)")
    return _hvp(f, x, v, "hvp")


def _hvp(f: Callable[..., Any], x: Any, v: Any, what: str, name: str | None = None) -> Any:
    both = gradient_of(f, 0, False, what, name)
    point = linearise(lambda x: both(x)[1], (x,), (0,), what)
    real_only(point.inputs, (x,), (0,), what)
    directions = _alike((x,), (v,), point.inputs, what, "vector")
    return point.rebuild(point.pull([directions[i] for i in point.tracked]))[0]


def half_square(y: Any) -> Any:
    """Return half the sum of squares: with it, ggnvp is :math:`J^T J v`."""
    return np.sum(np.square(y)) / 2


def ggnvp(f: Callable[..., Any], g: Callable[..., Any] = half_square, argnums: int = 0) -> Callable[..., Any]:
    r"""Return a function that multiplies the generalised Gauss-Newton matrix with a vector.

    For the composition :math:`g(f(x))` of a model and a loss it computes :math:`J^T H J v`, with the Jacobian
    :math:`J = \partial f/\partial x` and :math:`H = \partial^2 g/\partial y^2` at :math:`y = f(x)`: the Hessian without
    the curvature of `f`, positive semidefinite if `g` is convex. Three products, no matrix is built.

    Parameters
    ----------
    f : callable
        The inner function, NumPy code; its result may be a tree.
    g : callable
        The outer function: of a result of `f`, a real scalar. By default half the sum of squares of an array.
    argnums : int
        Which positional argument of `f` to differentiate by.

    Returns
    -------
    callable
        ``(*args, v)``: the arguments of `f`, then the vector, which has the structure and shapes of the chosen
        argument; so does the result.

    Raises
    ------
    ShapeError
        If `v` does not fit the chosen argument, or `g` returns no scalar.
    DTypeError
        If the chosen argument or a result of `f` is not real.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> a = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> product = ag.ggnvp(lambda x: a @ x)
    >>> print(product(np.zeros(2), np.array([1.0, 0.0])), a.T @ a[:, 0])
    [10. 14.] [10. 14.]
    """
    if isinstance(argnums, (tuple, list)):
        raise TypeError(
            f"ggnvp: argnums is one integer here, not {argnums}. To differentiate by several arguments, pass them as a "
            "tree: f((x, y))."
        )
    chosen = chosen_by(argnums, "ggnvp")
    called(f, "ggnvp")
    called(g, "ggnvp", "(f, g)")

    def product(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            raise TypeError(
                f"ggnvp(f, g) returns a function of the arguments of f and then the vector: call it (x, v), not with "
                f"{len(args)} arguments."
            )
        *rest, v = args
        function, primals = function_of(f, chosen, tuple(rest), kwargs)
        point = linearise(function, primals, chosen, "ggnvp")
        real_only(point.inputs, primals, chosen, "ggnvp")
        directions = _alike(primals, (v,), point.inputs, "ggnvp", "vector")
        outer_name = getattr(g, "__name__", "g")
        values = flatten(point.value())[0]

        def outer(tracked: list[Any]) -> Any:  # the other results, integers perhaps, are constants
            full = list(values)
            for i, value in zip(point.tracked, tracked, strict=True):
                full[i] = value
            return g(point.rebuild_out(full))

        at = [values[i] for i in point.tracked]
        return point.rebuild(point.pull(_hvp(outer, at, point.push(directions), "ggnvp", outer_name)))[0]

    return product


def real_only(inputs: list[Tensor], primals: tuple[Any, ...], numbers: Sequence[int], what: str) -> None:
    """Raise if one of the inputs is complex."""
    for k, x in enumerate(inputs):
        if x.dtype.kind == "c":
            path = labels(primals, numbers)[k]
            raise DTypeError(
                f"{what} needs real arguments; argument {path} is {x.dtype}. Write the function of the real and the "
                "imaginary part, or use vjp and jvp, which take complex arguments."
            )


def stop_gradient(x: Any) -> Any:
    """Return the same values as constants: no cotangent and no tangent passes.

    Parameters
    ----------
    x
        An array, a Tensor, or a tree of them. Values are shared, not copied.

    Returns
    -------
    The same structure; Tensors are detached, everything else is passed through.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> print(ag.grad(lambda x: x * ag.stop_gradient(x))(3.0))
    3.0
    """
    return map_leaves(lambda leaf: leaf.detach() if isinstance(leaf, Tensor) else leaf, x)


def _variable(leaf: Any, outer: bool, k: int, numbers: Sequence[int], primals: tuple[Any, ...], what: str) -> Tensor:
    leaf = leaf if hasattr(leaf, "__array_function__") else np.asarray(leaf)
    if leaf.dtype.kind not in "fc":
        fix = "Write 3.0 for 3, or pass x.astype(float)."
        if leaf.dtype.kind not in "iub":
            fix = "What is no number belongs into another argument, or into the function: grad(lambda x: f(x, option))."
        raise DTypeError(
            f"{what} needs real or complex arguments; argument {labels(primals, numbers)[k]} has dtype {leaf.dtype}. "
            + fix
        )
    return variable(leaf if outer else unwrap(leaf))


def labels(primals: tuple[Any, ...], numbers: Sequence[int]) -> list[str]:
    """Name the leaves of some arguments, which have these numbers in the call."""
    return [f"{i}{path[1:]}" for i, primal in zip(numbers, primals, strict=True) for path in paths((primal,))]


def constant(data: Any, _node: Node) -> Tensor:
    """Make of a residual a constant: what is recorded then depends on cotangents alone."""
    return wrap(data, None)


def _leads_elsewhere(outs: list[Tensor], inputs: list[Tensor]) -> bool:
    """Return whether a differentiable path leads from `outs` to a leaf that is none of the inputs."""
    own = {x.node for x in inputs}
    since = min((x.node.serial for x in inputs if x.node is not None), default=0)
    for node in toposort(o.node for o in outs if o.node is not None):
        if node.serial < since:  # from outside; no step is taken there
            return True
        if node.rule is None and node not in own and node.owner is not None and node.owner() is not None:
            return True  # were its owner gone, it could be the variable of a transform inside, which is over
    return False


def _scalar(result: Any, name: str, what: str) -> Any:
    if isinstance(result, (tuple, list, dict)):
        raise DTypeError(
            f"{what} needs a function that returns one scalar; {name} returned a {type(result).__name__}. To pass more "
            "through, return (scalar, more) and say has_aux=True; to differentiate several outputs, use vjp."
        )
    kind = (result if isinstance(result, Tensor) else np.asarray(result)).dtype.kind
    if kind not in "fiub":
        got = "a complex number" if kind == "c" else "None" if result is None else f"a {type(result).__name__}"
        hint = "Take np.real, or np.abs." if kind == "c" else "Is a `return` missing?"
        raise DTypeError(f"{what} needs a function that returns a real scalar; {name} returned {got}. {hint}")
    if np.shape(result) != ():
        raise ShapeError(
            f"{what} needs a function that returns a scalar; {name} returned shape {np.shape(result)}. "
            "Reduce it (np.sum, np.mean), or use vjp for a cotangent of your own."
        )
    return result


def _plain(aux: Any, inputs: list[Tensor]) -> Any:
    leaves, rebuild = flatten(aux)
    if current.get().trace is not None:
        return rebuild(list(map(_seen_outside, leaves)))
    recorded = [isinstance(a, Tensor) and a.requires_grad and _leads_elsewhere([a], inputs) for a in leaves]
    return rebuild([a if keep else unwrap(a) for a, keep in zip(leaves, recorded, strict=True)])


def variable(value: Any, name: str | None = None) -> Tensor:
    """Return a Tensor to differentiate by: a new leaf, or, for a Tensor with a history, a node linked to it."""
    if isinstance(value, Tensor) and value.requires_grad:
        return record(IDENTITY, value._value, (value,))  # type: ignore[no-any-return]
    if isinstance(value, Tensor) and (trace := current.get().trace) is not None and value.node is not None:
        node = Node().made(IDENTITY, (value._value,), None, (value.node,), value._value, 0, current.get().scope)
        trace.noted(node)
        return wrap(value._value, node)
    tensor = Tensor(unwrap(value), requires_grad=True, name=name)
    assert isinstance(tensor.node, Leaf)
    tensor.node.variable = True  # then it can be neither copied behind the record's back nor assigned to
    return tensor
