"""Checkpoints: a part of the computation is recorded as one node and computed again when its pullback is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .arrays import is_other
from .batching import Batched, UnbatchableError, one_for_all
from .errors import LostGradientError, UnsupportedArgumentError
from .graph import Leaf, Node, next_serial, pullback, toposort
from .recording import current, is_recording, no_grad, recording
from .table import Rule
from .tensor import IDENTITY, Tensor, node_of, record, unwrap, wrap
from .transforms import constant
from .trees import flatten

__all__ = ["checkpoint"]

SAMPLE = 64  # so many entries of each result are kept, to notice a function that returns something else the second time


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes what `f` does, keeps only its arguments, and runs it again in the sweep.

    Memory for time: none of the values inside `f` stays alive between the forward pass and the sweep. A Tensor that
    leaves `f` otherwise than in its result, appended to a list outside, say, or inside an object that is no tree, has
    its right gradient too, but it keeps alive what it was computed from.

    Parameters
    ----------
    f : callable
        NumPy code that returns the same values each time it is called. Its arguments and result may be trees: nested
        dicts, lists, tuples. Tensors that it closes over (Parameters of a layer, say) get their gradients too.

    Returns
    -------
    callable
        Of the same signature. It can be nested and differentiated to any order, forward and reverse.

    Raises
    ------
    LostGradientError
        If `f` makes a leaf of its own; or in the sweep, if it now returns other values or uses other Tensors than the
        first time: random numbers that are drawn inside, a variable that has been assigned again.
    UnsupportedArgumentError
        If an argument is an iterator: the second run would find it used up.
    OverwrittenError
        In the sweep, if an argument or a closed-over leaf was written to (``t.data = ...``) since.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> layer = ag.checkpoint(lambda x: np.exp(np.sin(x)))
    >>> print(ag.grad(lambda x: layer(layer(x)))(0.0))
    1.253...
    """
    if not callable(f):
        raise TypeError(f"checkpoint takes a function, as in ag.checkpoint(f)(x), not a {type(f).__name__}.")
    name = getattr(f, "__name__", "the function")

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not is_recording() or current.get().trace is not None:  # a program decides itself what to keep
            return f(*args, **kwargs)
        leaves, rebuild = flatten((args, kwargs))
        for leaf in leaves:
            if isinstance(leaf, Iterator):
                raise UnsupportedArgumentError(
                    f"checkpoint: {name} got a {type(leaf).__name__} as an argument. The forward pass would use it up, "
                    "and nothing would be left of it when the function is run again in the sweep. Pass a list of it."
                )
        where = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) and leaf.requires_grad]
        operands = [leaves[i] for i in where]
        for i in where:
            leaves[i] = None  # they are the node's to keep

        def call(inputs: Sequence[Any]) -> Any:
            full = list(leaves)
            for i, x in zip(where, inputs, strict=True):
                full[i] = x
            args, kwargs = rebuild(full)
            return f(*args, **kwargs)

        return _Segment(call, name, [node_of(x, "checkpoint()") for x in operands]).forward(operands)

    return wrapped


class _Segment:
    """One call of a checkpointed function, from its forward pass to the last sweep.

    Both times the function gets stand-ins for its operands, linked to them. What leaves it by a side door, in an object
    or a list outside, so keeps its way to them and has its gradient; only its memory is not saved.

    Attributes
    ----------
    call : callable
        The function of those arguments that are differentiated.
    name : str
        What messages call it.
    nodes : list of Node
        The nodes of these arguments.
    outside : list of Node
        What else it uses that a cotangent may pass to: Tensors that it closes over.
    tracked : list of int
        Which of its results are recorded.
    samples : list of array
        Some entries of each of these.
    last : tuple or None
        The cotangents found for one cotangent, until each has been fetched.
    """

    def __init__(self, call: Callable[[Sequence[Any]], Any], name: str, nodes: list[Node]) -> None:
        self.call = call
        self.name = name
        self.nodes = nodes
        self.outside: list[Node] = []
        self.tracked: list[int] = []
        self.samples: list[Any] = []
        self.last: tuple[Any, dict[int, Any]] | None = None

    def forward(self, operands: list[Tensor]) -> Any:
        """Compute the results and record them as those of one node."""
        outs, rebuild, _, self.outside = self.run([x.data for x in operands], list(map(stand_in, self.nodes)))
        self.tracked = [i for i, o in enumerate(outs) if isinstance(o, Tensor) and o.requires_grad]
        self.samples = [sample(outs[i]) for i in self.tracked]
        result = [wrap(o.data, None) if isinstance(o, Tensor) else o for o in outs]
        if self.tracked:
            data = tuple(outs[i].data for i in self.tracked)
            closed = [wrap(node.out, node) for node in self.outside]
            recorded = record(_RULE, data, (*operands, *closed), {"segment": self})
            for i, tensor in zip(self.tracked, recorded, strict=True):
                result[i] = tensor
        return rebuild(result)

    def run(
        self, values: Sequence[Any], stand_ins: Sequence[Node]
    ) -> tuple[list[Any], Callable[[list[Any]], Any], list[Node], list[Node]]:
        """Call the function; return its results, the nodes inside, and those outside that these lead to."""
        start = next_serial()
        with recording():
            outs, rebuild = flatten(self.call([wrap(*pair) for pair in zip(values, stand_ins, strict=True)]))
        ends = [o.node for o in outs if isinstance(o, Tensor) and o.node is not None and o.requires_grad]
        inside = list(toposort((node for node in ends if node.serial >= start), since=start))
        for node in inside:
            if isinstance(node, Leaf) and not node.variable:
                raise LostGradientError(
                    f"checkpoint: {self.name} makes a leaf of its own (requires_grad=True), whose gradient would be "
                    "lost. Make it outside, or pass it as an argument."
                )
        met = dict.fromkeys((*ends, *(p for node in inside for p in node.parents if p is not None and p.requires_grad)))
        return outs, rebuild, inside, [node for node in met if node.serial < start and node not in stand_ins]

    def pull(self, i: int, g: Any, operands: Sequence[Any]) -> Any:
        """Return the cotangent of the i-th operand; all are found at once, the first time that one is asked for."""
        last = self.last  # other threads may sweep this graph too, with other cotangents
        if last is None or last[0] is not g or i not in last[1]:
            last = self.last = g, self.backward(g, operands)
        found = last[1]
        p = found.pop(i)
        if not found:
            self.last = None
        return p

    def backward(self, g: Any, operands: Sequence[Any]) -> dict[int, Any]:
        """Run the function again, and sweep it as far as the stand-ins."""
        batched = any(type(x) is Batched for x in operands)
        operands = [x.data if type(x) is Batched else x for x in operands]
        lift: Callable[[Any, Node], Any] | None = None
        if batched:
            lift = one_for_all
        elif any(isinstance(x, Tensor) and x.node is not None for x in operands):
            lift = wrap
        elif any(isinstance(p, Tensor) for p in g):
            lift = constant
        stand_ins = list(map(stand_in, (*self.nodes, *self.outside)))  # before the run: older than what uses them
        n = len(self.nodes)
        outs, _, inside, outside = self.run([unwrap(x) for x in operands[:n]], stand_ins[:n])
        self.check(outs, outside)
        swap: dict[Any, _StandIn] = dict(zip(self.outside, stand_ins[n:], strict=True))
        for node in inside:
            put_in(node, swap)
        if any(type(p) is Batched for p in g) and any(node.extra is not None and node.extra.hooks for node in inside):
            raise UnbatchableError("a hook")
        pending: dict[Node, Any] = {}
        for k, p in zip(self.tracked, g, strict=True):
            node = swap.get(outs[k].node, outs[k].node)
            if p is not None:
                pending[node] = pending[node] + p if node in pending else p
        with recording():
            found = pullback(pending, stand_ins, lift=lift)
        return {i: found.get(node) for i, node in enumerate(stand_ins)}

    def check(self, outs: list[Any], outside: list[Node]) -> None:
        """Raise if the function does not do now what it did in the forward pass."""
        if set(outside) != set(self.outside):
            raise LostGradientError(
                f"checkpoint: run again, {self.name} uses other Tensors than in the forward pass: one that it closes "
                "over was assigned again since, or had its requires_grad changed. Pass it as an argument."
            )
        now = [i for i, o in enumerate(outs) if isinstance(o, Tensor) and o.requires_grad]
        if now == self.tracked:
            pairs = [(sample(outs[i]), old) for i, old in zip(now, self.samples, strict=True)]
            if all(new.shape == old.shape and same(new, old) for new, old in pairs):
                return
        raise LostGradientError(
            f"checkpoint: run again, {self.name} does not return what it returned in the forward pass, so its gradient "
            "would be that of something else. Does it draw random numbers, or read an array that was changed since? "
            "Draw them outside and pass them as arguments."
        )


class _StandIn(Node):
    """An identity between a node and what uses it."""

    __slots__ = ()

    @property
    def version(self) -> int:  # type: ignore[override]
        """The write count of what it stands for."""
        return sum(parent.version for parent in self.parents if parent is not None)


def stand_in(node: Node) -> _StandIn:
    """Return a new stand-in: where a sweep of the segment ends."""
    return _StandIn().made(IDENTITY, (node,), None, (node,), node.out, 0, ())


def put_in(node: Node, swap: dict[Any, _StandIn]) -> None:
    """Put stand-ins in the place of a node's parents."""
    changed = {id(p): swap[p] for p in node.parents if p in swap}
    if changed:  # a parent also stands among the residuals, where the value was not kept
        node.args = tuple(changed.get(id(arg), arg) for arg in node.args or ())
        node.parents = tuple(changed.get(id(p), p) for p in node.parents)


def sample(tensor: Tensor) -> Any:
    """Return some entries, evenly spread; none of an array that may be lazy, for they would be computed."""
    if is_other(tensor.data):
        return np.empty(0, tensor.dtype)
    flat = tensor.data.reshape(-1)
    return np.array(flat[:: -(-flat.size // SAMPLE) or 1])


def same(a: Any, b: Any) -> bool:
    """Return whether samples agree but for rounding: another order of summation is no other function."""
    tolerance = float(np.sqrt(np.finfo(a.dtype).eps))
    with np.errstate(all="ignore"):
        scale = float(np.max(np.abs(b[np.isfinite(b)]), initial=0))
        return bool(np.allclose(a, b, rtol=tolerance, atol=tolerance * scale, equal_nan=True))


def checkpointed(*operands: Any, segment: _Segment) -> tuple[Any, ...]:
    """Compute the recorded results from plain values."""
    with no_grad():
        outs, _ = flatten(segment.call(operands[: len(operands) - len(segment.outside)]))
    return tuple(unwrap(outs[i]) for i in segment.tracked)


def _checkpointed_vjp(i: int, g: Any, _y: Any, *operands: Any, segment: _Segment) -> Any:
    """Run the function again, and sweep it."""
    return segment.pull(i, g, operands)


_RULE = Rule(
    checkpointed, (), _checkpointed_vjp, broadcasts=False, view=False, signature=None, only={}
)  # not in the table: each call is another function
_RULE.name = "ag.checkpoint"  # what messages call it
