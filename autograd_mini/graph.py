"""The graph: nodes with edges to their parents, one topological order, and the pullback that sweeps it.

Nothing here knows what a Tensor is. A cotangent is whatever the rules compute with: plain arrays in an
ordinary sweep; objects that record, when the caller passes `lift` and recorded cotangents.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from typing import Any, Self

import numpy as np

from .arrays import NeedsValues, asked, is_other, other_kind
from .errors import GraphFreedError, OverwrittenError, RuleError

__all__ = ["Leaf", "Node", "Spec", "Through", "View", "pullback", "toposort", "unbroadcast"]

Array = Any  # any array that speaks NEP 13 and NEP 18
BLOCK = 1024  # so many rows are added up one after the other


next_serial = itertools.count().__next__  # a node is older than all that depends on it: sweeps stop by that


# When a leaf's Tensor last got other memory, another node or other hooks: a serial number, which never comes again. So
# a compiled function, at each call, asks one question instead of one for each leaf.
moved = [0]


class Spec:
    """Shape and dtype of a value that was not kept."""

    __slots__ = ("dtype", "ndim", "shape", "size")

    def __init__(self, array: Array) -> None:
        self.shape, self.dtype = array.shape, array.dtype
        self.ndim, self.size = len(self.shape), array.size

    def __repr__(self) -> str:
        return f"Spec(shape={self.shape}, dtype={self.dtype})"


class Extra:
    """What few nodes have: a name, a Tensor that wants the cotangent as its `.grad`, hooks that look at it.

    And in a trace the node, in `body`, that a function of somebody's own computed this value by.
    And what `ag.debug` remembers: the user's line (`place`); the leaves that a node leads to; of a leaf, where values
    computed from it left the graph (`exits`); of a constant, how and where paths to it ended (`lost`: the first such
    place for each leaf; `near`: for its operands, by their serial numbers).
    """

    __slots__ = ("body", "exits", "hooks", "leaves", "lost", "name", "near", "owner", "place")

    def __init__(self) -> None:
        self.name: str | None = None
        self.owner: Callable[[], Any] | None = None
        self.body: Node | None = None
        self.hooks: dict[int, Callable[[Array], Array | None]] = {}
        self.place: Any = None
        self.leaves: frozenset[Leaf] | None = None
        self.exits: dict[Any, str] = {}
        self.lost: dict[Node, Any] = {}
        self.near: dict[int, Any] = {}


class Several:
    """The outputs of a function that returns a tuple: arrays, or a `Spec` of each that was not kept.

    Attributes
    ----------
    parts : tuple of (array or Spec)
        The outputs.
    item : Rule
        By which one of them is taken out.
    """

    __slots__ = ("item", "parts")

    shape, dtype, size = (), None, 0  # a `Parts` has the same, so the sweep finds that it fits

    def __init__(self, parts: Iterable[Array | Spec], item: Any) -> None:
        self.parts = tuple(parts)
        self.item = item

    def __iter__(self) -> Iterator[Array | Spec]:
        return iter(self.parts)

    def __getitem__(self, i: int) -> Array | Spec:
        return self.parts[i]

    def __len__(self) -> int:
        return len(self.parts)


class Parts(tuple[Any, ...]):
    """The cotangent of a tuple: one for each output; None for one that received none."""

    __slots__ = ()

    shape, dtype = Several.shape, Several.dtype

    def __add__(self, other: tuple[Any, ...]) -> Parts:
        pairs = zip(self, other, strict=True)
        return Parts(q if p is None else p if q is None else p + q for p, q in pairs)


class Node:
    """One recorded application of a rule.

    Edges point to parents only, so nothing is cyclic and a dropped graph is freed at once.

    Attributes
    ----------
    rule : Rule or None
        What was applied; None for a leaf.
    args : tuple or None
        The operands that the rule reads later (residuals). In place of one that it does not read stands its parent
        node, or a `Spec` where there is no parent: both still know shape and dtype. None once freed.
    kwargs : dict or None
        Keyword metadata of the call, such as ``axis``.
    parents : tuple of (Node or None)
        One per operand; None where the operand is a plain value.
    out : array, Spec or Several
        The result if a rule reads it or it is small; else its shape and dtype. `Several` where it is a tuple: then each
        output has a node of its own, with this one as its parent.
    seen : int
        Write counts of the leaves whose values are residuals here, added up, as they were when this was recorded.
    scope : tuple of str
        The `scope` names that were active.
    extra : Extra or None
        A name, an owner, hooks, where there are such.
    """

    __slots__ = ("args", "extra", "kwargs", "out", "parents", "rule", "scope", "seen", "serial")

    requires_grad = True  # a node is only recorded where a differentiable path leads on
    version = 0  # only leaves can be written to; theirs counts from 1

    rule: Any
    args: tuple[Any, ...] | None
    kwargs: dict[str, Any] | None
    parents: tuple[Node | None, ...]
    out: Any
    seen: int
    scope: tuple[str, ...]
    serial: int
    extra: Extra | None

    def made(
        self,
        rule: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any] | None,
        parents: tuple[Node | None, ...],
        out: Any,
        seen: int,
        scope: tuple[str, ...],
    ) -> Self:
        """Fill in a new node; without an ``__init__``, ``Node()`` takes half the time."""
        self.rule, self.args, self.kwargs, self.parents = rule, args, kwargs, parents
        self.out, self.seen, self.scope, self.extra = out, seen, scope, None
        self.serial = next_serial()
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.out.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """Number of axes of the value."""
        return len(self.out.shape)

    @property
    def size(self) -> int:
        """Number of elements of the value."""
        return self.out.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> Any:
        """Dtype of the value."""
        return self.out.dtype

    @property
    def name(self) -> str | None:
        """The name that was given to this value, if any."""
        return None if self.extra is None else self.extra.name

    @name.setter
    def name(self, name: str | None) -> None:
        if name is not None or self.extra is not None:
            self.extras().name = name

    @property
    def owner(self) -> Callable[[], Any] | None:
        """A weak reference to the Tensor that wants this node's cotangent as its `.grad`."""
        return None if self.extra is None else self.extra.owner

    @owner.setter
    def owner(self, owner: Callable[[], Any] | None) -> None:
        if owner is not None or self.extra is not None:
            self.extras().owner = owner

    def extras(self) -> Extra:
        """Return `extra`, made when it is first needed."""
        if self.extra is None:
            self.extra = Extra()
        return self.extra

    @property
    def value(self) -> Array | None:
        """The value where it is known, else None: pictures say so and never guess, nor compute a lazy one."""
        return None if isinstance(self.out, (Spec, Several)) or is_other(self.out) else self.out

    def item(self, i: int) -> Node:
        """Return a new node for one output, where there are several."""
        node = Node() if self.requires_grad and self.out[i].dtype.kind in "fc" else Fixed()
        return node.made(self.out.item, (self,), {"i": i}, (self,), self.out[i], 0, self.scope)

    def free(self) -> None:
        """Let go of residuals and edges; a later sweep that needs them says so."""
        self.args = self.kwargs = None
        self.parents = ()

    def __repr__(self) -> str:
        label = self.name or (self.rule.name if self.rule else "leaf")
        return f"<Node {label} {self.shape} {self.dtype}>"


class View(Node):
    """A node whose value may share memory with its first operand, and so is overwritten with it."""

    __slots__ = ("source",)

    source: Leaf | None  # whose memory it is

    @property
    def version(self) -> int:  # type: ignore[override]
        """The write count of the leaf that is looked at."""
        return 0 if self.source is None else self.source.version


class Fixed(Node):
    """A node through which no cotangent passes: a comparison, an index, what was detached; recorded by `ag.trace`."""

    __slots__ = ()

    requires_grad = False


class FixedView(View):
    """The same where the value may share memory with its first operand."""

    __slots__ = ()

    requires_grad = False


class Alias(View):
    """A constant that looks at a leaf's memory: detached, or made without recording. No edge leads on from it."""

    __slots__ = ()

    requires_grad = False

    def __init__(self, data: Array, source: Leaf, scope: tuple[str, ...]) -> None:
        self.made(None, (), None, (), Spec(data), 0, scope)
        self.source = source


class Leaf(Node):
    """A node without parents: a value made by the user. It keeps no array alive."""

    __slots__ = ("__weakref__", "requires_grad", "twins", "variable", "version")

    def __init__(
        self, data: Array | Spec, requires_grad: bool, owner: Callable[[], Any] | None, scope: tuple[str, ...]
    ) -> None:
        self.made(None, (), None, (), Spec(data), 0, scope)
        self.requires_grad = requires_grad
        self.version = 1
        self.variable = False  # True: a transform made it, to differentiate by
        self.owner = owner
        self.twins: tuple[weakref.ref[Leaf], ...] = ()  # other leaves on the same memory

    def renewed(self, requires_grad: bool) -> Leaf:
        """Return a leaf for the same value that does, or does not, require grad."""
        leaf = Leaf(self.out, requires_grad, self.owner, self.scope)
        leaf.variable = self.variable
        leaf.name, leaf.extras().hooks = self.name, self.extras().hooks
        leaf.join(self)
        return leaf

    def join(self, other: Leaf) -> None:
        """Share the write counts with another leaf on the same memory."""
        group = [leaf for ref in (*other.twins, weakref.ref(other)) if (leaf := ref()) is not None]
        for leaf in group:
            leaf.twins = (*(ref for ref in leaf.twins if ref() is not None), weakref.ref(self))
        self.twins = tuple(map(weakref.ref, group))

    def written(self) -> None:
        """Count a write to the memory."""
        self.version += 1
        for ref in self.twins:
            if (leaf := ref()) is not None:
                leaf.version += 1

    def selves(self) -> list[Leaf]:
        """Return this leaf and those that stood for the same Tensor before `requires_grad` was changed."""
        twins = [leaf for ref in self.twins if (leaf := ref()) is not None]
        return [self, *(leaf for leaf in twins if leaf.owner is self.owner)]

    def retire(self, value: Array | None) -> None:
        """Part from the owner, whose value is another one from now on; keep the old one, if it is given."""
        self.owner = None
        if value is not None:
            self.out = value

    @property
    def value(self) -> Array | None:
        """The owner's present value; None when the owner is gone."""
        owner = self.owner() if self.owner is not None else None
        return super().value if owner is None else None if is_other(owner.data) else owner.data

    def free(self) -> None:
        """Keep the leaf: there is nothing to let go of."""


def source_of(node: Node | None) -> Leaf | None:
    """Return the leaf whose memory a node's value is, or looks at."""
    return node if isinstance(node, Leaf) else node.source if isinstance(node, View) else None


def toposort(ends: Iterable[Node], constants: bool = False, since: int = 0) -> Iterator[Node]:
    """Yield every node that leads to `ends`, children before parents: the newest first.

    A value is newer than all that it was computed from. So the order in which values were made, read backwards, is a
    topological order: of the nodes that wait, the newest is next. The loop keeps no stack, and a chain of a million
    nodes is as good as one of ten.

    Why not simply recurse, depth first? Take ``y = x*x; z = y + x``. A sweep that visits x when it first meets it
    passes on what z adds to x and forgets what y will add later. A node may be visited only when all its children have
    been, and they are all newer.

    Parameters
    ----------
    ends : iterable of Node
        Where to start.
    constants : bool
        Also follow edges on which no cotangent passes; and of a function of somebody's own, those that it computed by.
    since : int
        Leave out nodes with an earlier serial number: they cannot depend on the node that has this one.
    """
    waiting = {-node.serial: node for node in ends}
    heap = list(waiting)  # of numbers alone: pairs of number and node take longer to compare, and wake the collector
    heapify(heap)
    while heap:
        node = waiting.pop(heappop(heap))  # nothing here keeps a node alive that the consumer frees
        if node.args is None:
            raise freed(node)
        parents = node.parents
        if constants and node.extra is not None and node.extra.body is not None:
            parents = (node.extra.body,)
        for parent in parents:
            if parent is None or not (constants or parent.requires_grad):
                continue
            key = -parent.serial
            if key not in waiting and key <= -since:
                waiting[key] = parent
                heappush(heap, key)
        yield node


def freed(node: Node) -> GraphFreedError:
    """Return the error of a graph that an earlier sweep freed."""
    return GraphFreedError(
        f"This graph was freed: an earlier backward(retain_graph=False) went through {node.name or node.rule.name} of "
        f"shape {node.shape}. Call backward(retain_graph=True) (the default) there, or compute the value again."
    )


def on_path(order: list[Node], wanted: Iterable[Node]) -> set[Node]:
    """Return the nodes of `order` (children first) through which a differentiable path reaches `wanted`."""
    useful = set(wanted)
    for node in reversed(order):
        if node not in useful and not useful.isdisjoint(node.parents):
            useful.add(node)
    return useful


def pullback(
    cotangents: dict[Node, Array],
    wanted: Iterable[Node] | None = None,
    *,
    lift: Callable[[Array, Node], Any] | None = None,
    free: bool = False,
    trace: Any = None,
) -> dict[Node, Array]:
    """Carry cotangents back along the graph: the reverse sweep.

    For a node that computed ``y = f(a, b)`` and has received its whole cotangent ``g``, each operand gets the
    vector-Jacobian product ``g @ dy/da`` that the rule of ``f`` writes down; where a value was used several
    times, what its uses send back is added up (claims Y7, Y8, M7, R7).

    Parameters
    ----------
    cotangents : dict of Node to array
        The seeds: cotangents of the outputs, each of its node's shape and dtype.
    wanted : iterable of Node, optional
        Only go where a differentiable path leads to one of these. By default every leaf and every node with an owner.
    lift : callable, optional
        Puts a residual back in its place in the graph, so that the rules record (higher order).
    free : bool
        Free each node's residuals as soon as it has been swept.
    trace : Tracer, optional
        Is told the whole cotangent of each node, for the names.

    Returns
    -------
    dict of Node to array
        Cotangents of what was wanted; a node that received none is absent. Nothing is written to any node.
    """
    useful: set[Node] | None = None
    if wanted is not None:
        wanted = set(wanted)
        useful = on_path(list(toposort(cotangents, since=min((node.serial for node in wanted), default=0))), wanted)
    pending = dict(cotangents)
    found: dict[Node, Array] = {}
    kind = None if lift is not None else other_kind(pending.values())
    unusual = lift is not None or kind is not None
    waiting = {-node.serial: node for node in pending}
    heap = list(waiting)  # the newest first, as in `toposort`
    heapify(heap)
    while heap:
        node = waiting.pop(heappop(heap))
        g = pending.pop(node)
        extra, rule, args = node.extra, node.rule, node.args
        if extra is not None:
            if extra.hooks:
                g = hooked(node, g)
            if wanted is None and extra.owner is not None:
                found[node] = g
        if trace is not None:
            trace.cotangent(node, g)
        if wanted is not None and node in wanted:
            found[node] = g
        if rule is None:
            continue
        if args is None:
            raise freed(node)
        if node.seen:
            check_unwritten(node)
        out, kwargs, vjps = node.out, node.kwargs, rule.vjps
        if unusual:
            if lift is not None:
                args, out = lifted(node, lift, trace is not None)
            else:
                vjps = InKind(rule, kind)
        where = -1
        for parent in node.parents:
            where += 1
            if parent is None or not parent.requires_grad or (useful is not None and parent not in useful):
                continue
            vjp = vjps[where]
            if vjp is None:
                continue
            try:
                if kwargs is not None:
                    p = vjp(g, out, *args, **kwargs)
                elif len(args) == 2:  # faster than *args
                    p = vjp(g, out, args[0], args[1])
                else:
                    p = vjp(g, out, *args)
            except Exception as error:
                operand = rule.operands[min(where, len(rule.operands) - 1)] if rule.operands else where
                error.add_note(f"This happened in the sweep, in the rule of {rule.name} for its operand {operand}.")
                raise
            like = parent.out
            try:
                if p.shape != like.shape or p.dtype is not like.dtype:
                    p = fit(p, like, rule, where)
            except AttributeError:  # a Python number; or None, where the output that leads here received no cotangent
                if p is None and type(g) is Parts:
                    continue
                if p is None:
                    name = rule.operands[min(where, len(rule.operands) - 1)]
                    raise RuleError(
                        f"The rule of {rule.name} returned nothing for its operand {name}. Is `return` missing? "
                        "Where no cotangent passes, give defvjp None in place of the rule."
                    ) from None
                p = fit(np.asarray(p), like, rule, where)
            sofar = pending.get(parent)
            if sofar is None:
                pending[parent] = p
                key = -parent.serial
                waiting[key] = parent
                heappush(heap, key)
            else:
                pending[parent] = sofar + p
        if free:
            node.free()
    return found


class Through:
    """A rule whose vjps are called through `call`; for all else, the rule itself."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def __getattr__(self, name: str) -> Any:
        return getattr(vars(self).get("rule"), name)  # while it is copied, there is none yet

    @property
    def vjps(self) -> Through:
        """By number, the vjps of the operands."""
        return self

    def __getitem__(self, i: int) -> Callable[..., Any] | None:
        vjp = self.rule.vjps[i]
        return None if vjp is None else lambda g, y, *args, **kwargs: self.call(vjp, i, g, y, args, kwargs)

    def call(
        self, vjp: Callable[..., Any], i: int, g: Any, y: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Pull a cotangent back to operand `i`."""
        raise NotImplementedError


class InKind(Through):
    """A rule in a sweep of cotangents of another kind than NumPy's: its vjps must give that kind."""

    def __init__(self, rule: Any, kind: Any) -> None:
        super().__init__(rule)
        self.kind = kind

    def call(
        self, vjp: Callable[..., Any], _i: int, g: Any, y: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Refuse by name what would fetch a lazy array into memory."""
        name = f"The derivative of {self.rule.name}"
        try:
            return asked(vjp, (g, y, *args), kwargs, self.kind, name)
        except NeedsValues as error:
            raise error.named(name) from None


def hooked(node: Node, g: Array) -> Array:
    """Show a cotangent to the node's hooks, each of which may replace it."""
    assert node.extra is not None
    for hook in tuple(node.extra.hooks.values()):
        replaced = hook(g)
        if replaced is not None:
            g = replaced
    return g


def lifted(node: Node, lift: Callable[[Array, Node], Any], everything: bool = False) -> tuple[tuple[Any, ...], Any]:
    """Return a node's residuals and output with each array put back in its place in the graph.

    Integers have no place there, unless `everything` has been recorded.
    """
    args = tuple(
        [
            lift(arg, parent) if parent is not None and arg is not parent else arg
            for arg, parent in zip(node.args or (), node.parents, strict=True)
        ]
    )
    return args, lifted_out(node.out, node, lift, everything)


def lifted_out(out: Any, node: Node, lift: Callable[[Array, Node], Any], everything: bool) -> Any:
    """Return the output of `node` in its place in the graph; of several, each in its own."""
    if isinstance(out, Several):
        return tuple(lifted_out(part, node.item(i), lift, everything) for i, part in enumerate(out))
    return out if isinstance(out, Spec) or (out.dtype.kind not in "fc" and not everything) else lift(out, node)


def fit(p: Array, like: Array | Spec, rule: Any, where: int) -> Array:
    """Fit a cotangent to its primal: sum what was broadcast, take the real part, cast; in this one place only."""
    if p.shape != like.shape and type(p) is np.ndarray and rule.broadcasts:
        extra = p.ndim - len(like.shape)
        if extra > 0 and p.shape[extra:] == like.shape:  # a bias, say: the same sum, found faster
            p = np.asarray(over_rows(p) if extra == 1 else np.add.reduce(p, axis=tuple(range(extra))))
    if p.shape != like.shape:
        fits = rule.broadcasts and p.ndim >= len(like.shape)
        if not fits or any(m != n != 1 for m, n in zip(p.shape[::-1], like.shape[::-1], strict=False)):
            names = rule.operands
            raise RuleError(
                f"The rule of {rule.name} returned a cotangent of shape {p.shape} for its operand "
                f"{names[min(where, len(names) - 1)]} (number {where}), whose shape is {like.shape}. "
                "A cotangent has its primal's shape: mend the rule given to defvjp."
            )
        p = unbroadcast(p, like.shape)
    if p.dtype != like.dtype:
        if p.dtype.kind == "c" and like.dtype.kind != "c":
            p = p.real
        p = p.astype(like.dtype)
    return p


def over_rows(p: Array) -> Array:
    """Sum over the first axis: of many rows in blocks, for NumPy adds one row after the other, and each time rounds."""
    count = len(p) // BLOCK
    if count < 2 or p.ndim < 2 or p.dtype.kind not in "fc" or not p.flags.c_contiguous:
        return np.add.reduce(p, axis=0)
    blocks = p[: count * BLOCK].reshape(count, BLOCK, *p.shape[1:])
    return np.add.reduce(np.add.reduce(blocks, axis=1), axis=0) + np.add.reduce(p[count * BLOCK :], axis=0)


def unbroadcast(p: Array, shape: tuple[int, ...]) -> Array:
    """Sum `p` over the axes along which a value of `shape` was broadcast: copying forward is summing backward."""
    extra = p.ndim - len(shape)
    stretched = [extra + i for i, n in enumerate(shape) if n == 1 and p.shape[extra + i] != 1]
    return p.sum(axis=(*range(extra), *stretched)).reshape(shape)


def check_unwritten(node: Node) -> None:
    """Raise if a residual of `node` was overwritten through `t.data = ...` since the node was recorded."""
    now = 0
    for arg, parent in zip(node.args or (), node.parents):  # noqa: B905 (strict= takes longer)
        if parent is not None and arg is not parent:
            now += parent.version
    if now != node.seen:
        kept = [p for a, p in zip(node.args or (), node.parents, strict=False) if p is not None and a is not p]
        names = list(dict.fromkeys(described(p) for p in kept if p.version))
        which = names[0] if len(names) == 1 else "one of " + ", ".join(names)
        raise OverwrittenError(
            f"A value that {node.rule.name} had used was written to afterwards (t.data = ...), and its derivative "
            f"needs the old one: {which}. Run backward() before the update, or compute the result again after it."
        )


def described(node: Node) -> str:
    """Return how a message calls a value that can be overwritten: a leaf, or what shows its memory."""
    source = source_of(node)
    if node.name is None and source is not None and source is not node:
        return f"a view {node.shape} of {source.name or 'a leaf'} {source.shape}"
    return f"{node.name or 'a leaf'} {node.shape}"
