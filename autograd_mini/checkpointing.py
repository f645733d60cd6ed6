"""Checkpoints: a part of the computation is recorded as one node and computed again when its pullback is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .batching import Batched, one_for_all
from .errors import LostGradientError
from .graph import Leaf, Node, next_serial
from .recording import is_recording, no_grad, recording
from .table import Rule
from .tensor import Tensor, record, unwrap, wrap
from .transforms import IDENTITY, constant, swept, variable
from .trees import flatten

__all__ = ["checkpoint"]

SAMPLE = 64  # so many entries of each result are kept, to notice a function that returns something else the second time


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that computes what `f` does, keeps only its arguments, and runs it again in the sweep.

    Memory for time: none of the values inside `f` stays alive between the forward pass and the sweep.

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
    OverwrittenError
        In the sweep, if an argument or a closed-over leaf was written to (``t.data = ...``) since.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> layer = ag.checkpoint(lambda x: np.exp(np.sin(x)))
    >>> print(ag.grad(lambda x: layer(layer(x)))(0.0))
    1.253...
    """

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if not is_recording():
            return f(*args, **kwargs)
        leaves, rebuild = flatten((args, kwargs))
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

        return _Segment(call, getattr(f, "__name__", "the function")).forward(operands)

    return wrapped


class _Segment:
    """One call of a checkpointed function, from its forward pass to the last sweep.

    Attributes
    ----------
    call : callable
        The function of those arguments that are differentiated.
    name : str
        What messages call it.
    outside : list of Node
        What else it uses that a cotangent may pass to: Tensors that it closes over.
    tracked : list of int
        Which of its results are recorded.
    samples : list of array
        Some entries of each of these.
    last : tuple or None
        The cotangents found for one cotangent, until each has been fetched.
    """

    def __init__(self, call: Callable[[Sequence[Any]], Any], name: str) -> None:
        self.call = call
        self.name = name
        self.outside: list[Node] = []
        self.tracked: list[int] = []
        self.samples: list[Any] = []
        self.last: tuple[Any, dict[int, Any]] | None = None

    def forward(self, operands: list[Tensor]) -> Any:
        """Compute the results and record them as those of one node."""
        _, outs, rebuild, cut = self.run(operands, lambda x: Tensor(x.data, requires_grad=True))
        self.tracked = [i for i, o in enumerate(outs) if isinstance(o, Tensor) and o.requires_grad]
        self.samples = [sample(outs[i]) for i in self.tracked]
        self.outside = list(cut)
        result = [wrap(o.data, None) if isinstance(o, Tensor) else o for o in outs]
        if self.tracked:
            data = tuple(outs[i].data for i in self.tracked)
            closed = [wrap(node.out, node) for node in self.outside]
            recorded = record(_RULE, data, (*operands, *closed), {"segment": self})
            for i, tensor in zip(self.tracked, recorded, strict=True):
                result[i] = tensor
        return rebuild(result)

    def run(
        self, operands: Sequence[Any], variable: Callable[[Any], Tensor]
    ) -> tuple[list[Tensor], list[Any], Callable[[list[Any]], Any], dict[Node, Node]]:
        """Call the function on variables, and record it apart from everything outside."""
        start, *older = [next_serial() for _ in range(1 + len(self.outside))]
        with recording():
            inputs = [variable(x) for x in operands]
            outs, rebuild = flatten(self.call(inputs))
        return inputs, outs, rebuild, self.cut(outs, {x.node for x in inputs}, start, older)

    def cut(self, outs: list[Any], inputs: set[Any], start: int, serials: list[int]) -> dict[Node, Node]:
        """Put a stand-in between what was recorded and each node from before, to stop a sweep there and to ask for."""
        stand_ins: dict[Node, Node] = {}

        def inside(node: Node) -> Node:
            if node in inputs or not node.requires_grad:
                return node
            if node.serial < start:
                if node not in stand_ins:
                    stand_ins[node] = _StandIn().made(IDENTITY, (node,), None, (node,), node.out, 0, ())
                    if serials:  # older than what uses them; in the forward pass, they are only counted
                        stand_ins[node].serial = serials.pop()
                return stand_ins[node]
            if node.rule is None:
                raise LostGradientError(
                    f"checkpoint: {self.name} makes a leaf of its own (requires_grad=True), whose gradient would be "
                    "lost. Make it outside, or pass it as an argument."
                )
            return node

        seen: set[Node] = set(inputs)
        stack: list[Node] = []
        for i, o in enumerate(outs):
            if isinstance(o, Tensor) and o.node is not None and o.requires_grad:
                node = inside(o.node)
                if node is not o.node:
                    outs[i] = wrap(o.data, node)
                stack.append(node)
        while stack:
            node = stack.pop()
            if node in seen or isinstance(node, (Leaf, _StandIn)):
                continue
            seen.add(node)
            parents = tuple(None if p is None else inside(p) for p in node.parents)
            if parents != node.parents:
                swap = {id(old): new for old, new in zip(node.parents, parents, strict=True)}
                node.args = tuple(swap.get(id(arg), arg) for arg in node.args or ())
                node.parents = parents
            stack += [p for p in parents if p is not None and p.requires_grad]
        return stand_ins

    def pull(self, i: int, g: Any, operands: Sequence[Any]) -> Any:
        """Return the cotangent of the i-th operand; all are found at once, the first time that one is asked for."""
        if self.last is None or self.last[0] is not g or i not in self.last[1]:
            self.last = g, self.backward(g, operands)
        found = self.last[1]
        p = found.pop(i)
        if not found:
            self.last = None
        return p

    def backward(self, g: Any, operands: Sequence[Any]) -> dict[int, Any]:
        """Run the function again, and sweep it."""
        batched = any(type(x) is Batched for x in operands)
        operands = [x.data if type(x) is Batched else x for x in operands]
        own = operands[: len(operands) - len(self.outside)]
        inputs, outs, _, cut = self.run(own, variable)
        self.check(outs, cut)
        lift: Callable[[Any, Node], Any] | None = None
        if batched:
            lift = one_for_all
        elif any(isinstance(x, Tensor) and x.node is not None for x in operands):
            lift = wrap
        elif any(isinstance(p, Tensor) for p in g):
            lift = constant
        pending: dict[Node, Any] = {}
        for k, p in zip(self.tracked, g, strict=True):
            node = outs[k].node
            if p is not None:
                pending[node] = pending[node] + p if node in pending else p
        targets = [*inputs, *(wrap(cut[node].out, cut[node]) for node in self.outside)]
        with recording():
            found = swept(pending, targets, lift)
        return dict(enumerate(found))

    def check(self, outs: list[Any], cut: dict[Node, Node]) -> None:
        """Raise if the function does not do now what it did in the forward pass."""
        if set(cut) != set(self.outside):
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


def sample(tensor: Tensor) -> Any:
    """Return some entries, evenly spread."""
    flat = np.reshape(tensor.data, -1)
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
