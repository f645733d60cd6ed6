"""why: the place where the path from a result back to a Tensor is lost, or where its gradient dies."""

from __future__ import annotations

from typing import Any

import numpy as np

from .debugging import Break, leaves_of_node, ranges
from .graph import Alias, Leaf, Node, Parts, Spec, on_path, pullback, source_of, toposort
from .places import Place
from .tensor import Tensor, unwrap

__all__ = ["Reason", "why"]

Array = Any


class Reason:
    """What `why` found; it prints itself.

    Attributes
    ----------
    kind : str
        ``"detached"``, ``"constant"``, ``"recording off"``, ``"no path"``, ``"not asked"`` for a gradient that is None;
        ``"dead"``, ``"saturated"``, ``"masked"``, ``"unused"``, ``"overwritten"``, ``"cancelled"``, ``"hook"``,
        ``"underflow"``, ``"zero"`` for one that is zero;
        ``"partly zero"`` and ``"not zero"``.
    text : str
        The answer.
    place : Place or None
        The user's line, if it was recorded under `debug`.
    """

    def __init__(self, kind: str, text: str, place: Place | None = None) -> None:
        self.kind, self.text, self.place = kind, text, place

    def __repr__(self) -> str:
        return self.text


def why(y: Tensor, x: Tensor) -> Reason:
    """Say why the gradient of `y` by `x` is None, or zero; or that it is neither.

    The graph is walked from `x` to `y`. If no cotangent can pass, the answer is the first place where the path is lost:
    a detached value, a constant, recording switched off. If it can, a sweep, which changes nothing but calls the hooks
    that it meets, shows where the cotangent becomes zero: a dead ReLU, a saturated sigmoid, a mask. Of a path that was
    cut, a graph remembers nothing, unless it was recorded inside ``with ag.debug():``, which also gives the lines.

    Parameters
    ----------
    y : Tensor
        The result. Of one with several elements, the sum is differentiated.
    x : Tensor
        By what.

    Returns
    -------
    Reason
        It prints as a text; its ``kind`` is one word.

    Raises
    ------
    TypeError
        If one of them is not a Tensor.
    GraphFreedError, OverwrittenError, NonFiniteError
        As `Tensor.backward` does, where the graph cannot be swept.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> with ag.debug():
    ...     y = np.sum(x.detach() * 3)
    >>> ag.why(y, x)
    The gradient is None: no cotangent passes from y to x.
      it was detached
      at ...: y = np.sum(x.detach() * 3)
    >>> ag.why(np.sum(np.maximum(x, 5.0)), x)
    The gradient is zero: it dies at np.maximum, on the way to x.
      the cotangent arrives there: shape (2,), from 1 to 1
      ...
    """
    for name, value in (("y", y), ("x", x)):
        if not isinstance(value, Tensor):
            raise TypeError(f"why(y, x): {name} is {type(value).__name__}, but must be a Tensor.")
    if y.node is None:
        return _not_recorded(x) if x.requires_grad else _not_tracked(x)
    order = list(toposort([y.node], constants=True))
    selves = [] if x.node is None else _selves(x.node)
    target = next((node for node in order if node in selves and node.requires_grad), x.node)
    if target is None or not target.requires_grad:
        return _not_tracked(x)
    live, broken = _walk(target, order)
    if y.node in live:
        return _swept(y, x, target)
    if not broken and any(node in selves for node in order):
        return Reason(
            "not asked",
            f"The gradient is None: requires_grad of {_name(x)} was switched on after y had been computed from it. The "
            "graph knows it as it was. Compute y again.",
        )
    return _lost(x, order, broken)


def _walk(target: Node, order: list[Node]) -> tuple[set[Node], list[Break]]:
    """Return the nodes to which a differentiable path leads from `target`; and where such paths end."""
    live, broken, selves = {target}, [], _selves(target)
    for node in reversed(order):
        if node.extra is not None and node.extra.lost:
            ends = [node.extra.near.get(target.serial), *map(node.extra.lost.get, selves)]
            broken += [end for end in ends if end is not None][:1]
        elif isinstance(node, Alias) and node.source in selves and node is not target:
            how = "it was detached, or looked at with recording off"
            broken.append(Break("detached", how, _place(node), node.scope))
        for i, parent in enumerate(node.parents):
            if parent in live:
                if node.rule.vjps[i] is None:
                    how = f"{node.rule.name} has no derivative by its operand {_operand(node, i)}"
                    broken.append(Break("constant", how, _place(node), node.scope))
                else:
                    live.add(node)
    return live, broken


# --- None ----------------------------------------------------------------------------------------------------------


def _not_tracked(x: Tensor) -> Reason:
    node = x.node
    if node is not None and node.extra is not None and node.extra.lost:
        end = next(iter((node.extra.near or node.extra.lost).values()))
        text = f"The gradient is None: {_name(x)} requires none, for it is where a path ends."
        return Reason(end.kind, f"{text}\n  {end.how}\n  at {end.place}", end.place)
    if isinstance(node, Alias):
        source = source_of(node)
        leaf = "a leaf" if source is None or source.name is None else f"the leaf {source.name}"
        return Reason(
            "detached",
            f"The gradient is None: {_name(x)} shows the memory of {leaf}, but was detached from it or made with "
            "recording off. Differentiate by that leaf.",
        )
    kind = "" if x.dtype.kind in "fc" else f" It holds {x.dtype}: convert it first, x.astype(float)."
    return Reason(
        "not asked",
        f"The gradient is None: {_name(x)} does not require one. Make it with "
        f"ag.Tensor(..., requires_grad=True), before y is computed.{kind}",
    )


def _not_recorded(x: Tensor) -> Reason:
    return Reason(
        "no path",
        "The gradient is None: nothing was recorded for y. No operand of it required grad, recording was off "
        "(ag.no_grad), or the path was cut (.detach(), .numpy(), a comparison)."
        + (_exits(x) or "\n  Compute y again inside `with ag.debug():`; then ag.why(y, x) names the line."),
    )


def _lost(x: Tensor, order: list[Node], broken: list[Break]) -> Reason:
    """Name the first places where the path from x ends, among the nodes that y was computed from."""
    start = f"The gradient is None: no cotangent passes from y to {_name(x)}."
    if not broken:
        leaves = [node for node in order if isinstance(node, Leaf) and node.requires_grad]
        to = ", ".join(sorted({leaf.name or f"a leaf of shape {leaf.shape}" for leaf in leaves}))
        text = f"{start}\n  y was computed from {to or 'constants'}, and not from it."
        hint = "\n  If it should have been: compute y again inside `with ag.debug():`, and ask again."
        return Reason("no path", text + (_exits(x) or ("" if _was_watched(order) else hint)))
    found = list(dict.fromkeys(broken))
    lines = [f"{one.how}{_where(one.place, one.scope)}" for one in found[:3]]
    more = f"\n  and {len(found) - 3} more places" if len(found) > 3 else ""
    return Reason(found[0].kind, "\n  ".join([start, *lines]) + more, found[0].place)


def _exits(x: Tensor) -> str:
    """Say how values computed from x left the graph, if that was seen."""
    leaves = () if x.node is None else leaves_of_node(x.node)
    found = {place: how for leaf in leaves if leaf.extra is not None for place, how in leaf.extra.exits.items()}
    lines = [f"\n  a value computed from it left the graph by {how}\n  at {place}" for place, how in found.items()]
    return "".join(lines[:3])


# --- zero ----------------------------------------------------------------------------------------------------------


def _swept(y: Tensor, x: Tensor, target: Node) -> Reason:
    """Sweep from y to x; find where what arrives is not zero and what goes on is."""
    assert y.node is not None
    if not y.size:
        return Reason("zero", "The gradient is zero: y has no elements.")
    nodes = list(toposort([y.node]))
    useful = on_path(nodes, {target})
    with np.errstate(all="ignore"):
        found = pullback({y.node: np.ones_like(y._value)}, useful)
    g = np.zeros_like(x._value) if target not in found else unwrap(found[target])
    zeros = int(np.sum(g == 0))
    if zeros < g.size or g.size == 0:
        return _not_zero(x, g, zeros, [node for node in nodes if node in useful], found, y.size)
    start = "The gradient is zero"
    deaths: list[tuple[Node, int]] = []
    arrived: dict[Node, int] = dict.fromkeys(useful, 0)  # how many contributions other than zero each node received
    arrived[y.node] = 1
    for node in nodes:  # the nearest to y first
        if node not in useful or not arrived[node]:
            continue
        if not _some(found.get(node)):
            hooked = node.extra is not None and node.extra.hooks
            ways = "a hook on it returns 0" if hooked else "what arrives there by several ways adds up to 0"
            what = f"{start}: at {_name(x) if node is target else _describe(node)}, {ways}."
            return Reason("hook" if hooked else "cancelled", what + _at(node), _place(node))
        if node.rule is None:
            continue
        sent = [(i, p) for i, p in _contributions(node, found[node]) if node.parents[i] in useful]
        for i, p in sent:
            parent = node.parents[i]
            if parent is not None and _some(p):
                arrived[parent] += 1
        if sent and not any(_some(p) for _, p in sent):
            deaths.append((node, sent[0][0]))
    if not deaths:
        return Reason("zero", f"{start}: no cotangent arrives at {_name(x)}, for its part of a result is not used.")
    node, i = deaths[0]
    kind, lines = _cause(node, i, found[node])
    first = f"{start}: it dies at {node.rule.name}, on the way to {_name(x)}."
    more = [f"by another way, at {other.rule.name}{_at(other)}" for other, _ in deaths[1:3]]
    text = "\n  ".join([first, *lines]) + _at(node) + "".join(f"\n  {line}" for line in more)
    return Reason(kind, text, _place(node))


def _not_zero(x: Tensor, g: Array, zeros: int, nodes: list[Node], found: dict[Node, Array], size: int) -> Reason:
    of = "y" if size == 1 else f"the sum of y's {size} elements"
    what = f"The gradient of {of} by {_name(x)} is not zero: {ranges(np.asarray(g))}"
    if not np.isfinite(g).all():
        what += ". The first nan or inf is found by running it again inside `with ag.debug():`"
    lines = [what + "."]
    if zeros:
        lines.append(f"It is zero in {zeros} of {g.size} entries.")
        for node in nodes:
            if node.rule is None or node not in found:
                continue
            for i, p in _contributions(node, found[node]):
                arrived = unwrap(found[node])
                arriving = np.shape(arrived) == np.shape(p) and np.sum((p == 0) & (arrived != 0))
                if arriving and node.parents[i] in found and _keeps_places(node, arrived, i, p):
                    lines.append(f"{_describe(node)} stops it in {int(arriving)} of {p.size} entries" + _at(node))
    if x.grad is None:
        if isinstance(x.node, Leaf):
            lines.append(f"{_name(x)}.grad is None because no backward() has reached it since it was made or cleared.")
        elif x.node is not None and x.node.owner is None:
            lines.append(
                f"{_name(x)}.grad is None because only leaves keep their gradient: call .retain_grad() on it before "
                "backward(), or ask for it: ag.gradients(y, [x])."
            )
    return Reason("partly zero" if zeros else "not zero", "\n  ".join(lines[:6]))


def _keeps_places(node: Node, g: Array, i: int, p: Array) -> bool:
    """Return whether each entry that a node sends to operand i is a multiple of the one that arrived at its place."""
    powers = 2.0 ** np.random.default_rng(0).integers(-9, 9, np.shape(g), endpoint=True)  # exact: no digit is lost
    with np.errstate(all="ignore"):
        other = dict(_contributions(node, g * powers.astype(node.dtype))).get(i)
        return other is not None and np.array_equal(other, p * powers, equal_nan=True)


def _contributions(node: Node, g: Array) -> list[tuple[int, Array]]:
    """Return what a node sends to each of its operands, by their numbers, for a cotangent."""
    ends = [None if p is None or not p.requires_grad else Leaf(p.out, True, None, ()) for p in node.parents]
    alone = Node().made(node.rule, node.args or (), node.kwargs, tuple(ends), node.out, 0, node.scope)
    with np.errstate(all="ignore"):
        sent = pullback({alone: g}, [end for end in ends if end is not None])
    return [(i, sent[end]) for i, end in enumerate(ends) if end is not None and end in sent]


def _some(g: Any) -> bool:
    """Return whether there is a number other than zero (nan is one)."""
    if isinstance(g, Parts):
        return any(_some(part) for part in g)
    return g is not None and bool(np.any(unwrap(g) != 0))


def _cause(node: Node, i: int, g: Array) -> tuple[str, list[str]]:
    """Say of which kind it is that a node passes nothing on to its i-th operand, and show its numbers."""
    out = node.value
    values = [None if isinstance(a, Spec) else a.value if isinstance(a, Node) else unwrap(a) for a in node.args or ()]
    names = [_operand(node, k) for k in range(len(values))]
    lines = [] if isinstance(g, Parts) else [f"the cotangent arrives there: {ranges(np.asarray(unwrap(g)))}"]
    lines += [f"{name}: {ranges(np.asarray(v))}" for name, v in zip(names, values, strict=True) if _is_numbers(v)]
    if isinstance(out, np.ndarray):
        lines.append(f"result: {ranges(out)}")
    called, top = node.rule.function.__name__, 0.0 if isinstance(g, Parts) else float(np.abs(unwrap(g)).max())
    if top and _passes(node, i, g / top):
        return "underflow", [*lines, "underflow: the product is too small for this dtype."]
    if top:
        rng = np.random.default_rng(0)
        other = rng.uniform(0.5, 1.5, np.shape(unwrap(g))).astype(node.dtype)
        if _passes(node, i, g * other):
            return "cancelled", [*lines, "cancelled: the sum over what goes to one place is 0."]
        if _passes(node, i, other):
            return "unused", [*lines, "unused: where this operand counts, the cotangent is 0."]
    if "relu" in called.lower():
        why = "dead: no unit of it is above 0. Smaller steps, or another initialisation, keep units alive."
        return "dead", [*lines, why]
    if called in ("maximum", "minimum", "fmax", "fmin"):
        return "dead", [*lines, "dead: the other side is taken everywhere, so this operand does not count."]
    if node.rule.function is np.where:
        return "masked", [*lines, "masked: the condition selects this operand nowhere."]
    if called == "assign" and i == 0:
        return "overwritten", [*lines, "overwritten: other values were assigned to all of its places."]
    others = [v for k, v in enumerate(values) if k != i and _is_numbers(v)]
    if called in PRODUCTS and any(not np.any(v) for v in others):
        return "masked", [*lines, "masked: what it is multiplied by is 0."]
    if isinstance(out, np.ndarray) and called in SATURATING and np.isin(out, SATURATING[called]).all():
        return "saturated", [*lines, "saturated: the result is at its limit, where the slope is 0 to all digits."]
    return "zero", [*lines, "its derivative is 0 at these values."]


def _passes(node: Node, i: int, g: Array) -> bool:
    return any(k == i and _some(p) for k, p in _contributions(node, g))


PRODUCTS = {"multiply", "matmul", "divide", "true_divide", "einsum", "dot", "vecdot", "convolve", "correlate"}
SATURATING = {
    "tanh": (-1.0, 1.0),
    "sigmoid": (0.0, 1.0),
    "expit": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "erf": (-1.0, 1.0),
    "erfc": (0.0, 2.0),
    "ndtr": (0.0, 1.0),
    "exp": (0.0,),
    "arctan": (-np.pi / 2, np.pi / 2),
}


# --- words ---------------------------------------------------------------------------------------------------------


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (np.ndarray, int, float)) and np.asarray(value).dtype.kind in "fciub"


def _selves(node: Node) -> list[Node]:
    """Return the node, and those that stood for the same Tensor before its requires_grad was switched."""
    return [*node.selves()] if isinstance(node, Leaf) else [node]


def _name(x: Tensor) -> str:
    return x.name or "x"


def _operand(node: Node, i: int) -> str:
    known: tuple[str, ...] = getattr(node.rule, "labels", ()) or node.rule.operands
    parent = node.parents[i] if i < len(node.parents) else None
    return parent.name if parent is not None and parent.name else known[min(i, len(known) - 1)]


def _describe(node: Node) -> str:
    return node.name or (node.rule.name if node.rule is not None else "a leaf")


def _place(node: Node) -> Place | None:
    return None if node.extra is None else node.extra.place


def _at(node: Node) -> str:
    return _where(_place(node), node.scope)


def _where(place: Place | None, scope: tuple[str, ...]) -> str:
    inside = f"\n  in scope {'/'.join(scope)}" if place is None and scope else ""
    return inside if place is None else f"\n  at {place}"


def _was_watched(order: list[Node]) -> bool:
    return any(_place(node) is not None for node in order)
