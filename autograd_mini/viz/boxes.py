"""What a picture shows: one box for each recorded value, found by one traversal and one extra sweep."""

from __future__ import annotations

import operator
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import AutogradError
from ..graph import Array, Node, Spec, pullback, toposort
from ..table import TABLE
from ..tensor import Tensor, node_of, seed_of
from .numbers import number

__all__ = ["Box", "boxes_of", "clip", "collapsed"]

FORMATS: dict[Any, str] = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.true_divide: "{} / {}",
    np.power: "{} ** {}",
    np.matmul: "{} @ {}",
    np.remainder: "{} % {}",
    np.negative: "-{}",
    np.transpose: "{}.T",
}


LONG_ROW = 4  # from this many boxes on, what leads to an operand does not stand beside its use


@dataclass(eq=False)
class Box:
    """One value in a picture.

    Attributes
    ----------
    name, expression : str
        What it is called; how it was computed, empty for a leaf.
    kind : str
        ``leaf``, ``constant``, ``result`` or ``output``.
    value, gradient : array or None
        None where the value was not kept, and where there is no gradient.
    scope : tuple of str
        The groups it is drawn in, the outermost first.
    inputs : list of Box
        Its operands, in order, one entry per use.
    beside : bool
        It stands beside its only use, as a weight does, and not in the row of values that lead to the result.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: Any
    value: Array | None = None
    gradient: Array | None = None
    expression: str = ""
    scope: tuple[str, ...] = ()
    beside: bool = False
    id: str = ""


def boxes_of(y: Tensor, cotangent: Any, max_nodes: int, collapse: bool) -> list[Box]:
    """Return the boxes of the graph of `y`, operands before results, with ids n0, n1, ... in this order."""
    end = node_of(y, "draw()")
    order = list(toposort([end], constants=True))[::-1]
    if not collapse:
        _check_count(len(order), max_nodes)
    boxes = _boxes(order, end, cotangents(y, end, order, cotangent))
    _place(boxes)
    if collapse:
        boxes = collapsed(boxes)
    _check_count(len(boxes), max_nodes)
    for i, box in enumerate(boxes):
        box.id = f"n{i}"
    return boxes


def _check_count(count: int, max_nodes: int) -> None:
    if count > max_nodes:
        raise AutogradError(
            f"This graph has {count:,} values, more than a picture can show well (max_nodes={max_nodes}). "
            "Draw a smaller input, or one box for each ag.scope: draw(y, collapse=True), "
            f"or all of it, which takes its time: draw(y, max_nodes={count})."
        )


def cotangents(y: Tensor, end: Node, order: list[Node], cotangent: Any) -> dict[Node, Array]:
    """Return the gradients of all nodes, by a sweep that changes nothing; none if `y` has no seed."""
    if cotangent is None and y.size != 1:
        return {}
    with np.errstate(all="ignore"):  # the picture marks NaN and inf
        return pullback({end: seed_of(y, cotangent, False)}, [node for node in order if node.requires_grad])


def _boxes(order: list[Node], end: Node, gradients: dict[Node, Array]) -> list[Box]:
    """Return a box for each node, and for each plain array among the operands."""
    names = _Names({node.name for node in order if node.name})
    kept = _kept(order)
    made: dict[Node, Box] = {}
    boxes: list[Box] = []
    for node in order:
        kind = "output" if node is end and node.rule else _kind(node)
        box = made[node] = Box(node.name or names.new(_letter(node, kind)), kind, node.shape, node.dtype)
        box.value = kept.get(node) if node.value is None else node.value
        box.gradient = gradients.get(node)
        box.scope = node.scope
        operands: list[str] = []
        for parent, arg in _operands(node):
            if parent is None and not getattr(arg, "ndim", 0):  # a number, an axis, a slice
                operands.append(_short(arg))
                continue
            if parent is None:
                source = Box(names.new("c"), "constant", arg.shape, arg.dtype, scope=node.scope)
                source.value = None if isinstance(arg, Spec) else arg
                boxes.append(source)
            else:
                source = made[parent]
            box.inputs.append(source)
            operands.append(clip(source.name, 16))
        if node.rule is not None:
            box.expression = _expression(node, operands)
        boxes.append(box)
    return boxes


def _operands(node: Node) -> Iterator[tuple[Node | None, Any]]:
    """Yield the parent of each operand and what the node holds of it; not those left at their defaults."""
    if node.rule is None:
        return
    defaults = [node.rule.optional.get(name, _operands) for name in node.rule.operands]
    for i, (parent, arg) in enumerate(zip(node.parents, node.args or (), strict=False)):
        if parent is not None or node.rule.splat or i >= len(defaults) or arg is not defaults[i]:
            yield parent, arg


def _kept(order: Iterable[Node]) -> dict[Node, Array]:
    """Return values that are still known as somebody's residual, though their own node has let go of them."""
    return {
        parent: arg
        for node in order
        for arg, parent in zip(node.args or (), node.parents, strict=False)
        if parent is not None and arg is not parent and not isinstance(arg, Spec)
    }


def _kind(node: Node) -> str:
    return "result" if node.rule else "leaf" if node.requires_grad else "constant"


class _Names:
    """Short names for values that have none: z1, z2, ..."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.counts: Counter[str] = Counter()

    def new(self, letter: str) -> str:
        if letter == "y" and "y" not in self.taken:
            return "y"
        while True:
            self.counts[letter] += 1
            name = f"{letter}{self.counts[letter]}"
            if name not in self.taken:
                return name


def _letter(node: Node, kind: str) -> str:
    """Return the first letter of a new name: w, c, y; h for an activation, z for any other result."""
    if kind != "result":
        return {"leaf": "w", "constant": "c", "output": "y"}[kind]
    same = [p for p in node.parents if p is not None and p.shape == node.shape]
    activation = len(node.parents) == 1 and same and not node.rule.view and node.rule.function is not np.negative
    return "h" if activation else "z"


def _expression(node: Node, operands: list[str]) -> str:
    """Return how the value was computed, as a person writes it."""
    function, defaults = node.rule.function, node.rule.keywords
    keywords = {key: value for key, value in (node.kwargs or {}).items() if value is not defaults.get(key, defaults)}
    if function in FORMATS and not keywords and FORMATS[function].count("{}") == len(operands):
        return FORMATS[function].format(*operands)
    if node.rule is TABLE[operator.getitem]:
        return f"{operands[0]}[{', '.join(operands[1:])}]"
    name = node.rule.name
    name = name.removeprefix("np.") if name.startswith("np.") else name.rpartition(".")[2]
    return f"{name}({', '.join([*operands, *(f'{key}={_short(value)}' for key, value in keywords.items())])})"


def _short(value: Any) -> str:
    """Return an operand that is no array, or a keyword's value, in a few characters."""
    if isinstance(value, slice):
        parts = ["" if part is None else _short(part) for part in (value.start, value.stop, value.step)]
        return ":".join(parts if parts[2] else parts[:2])
    if value is Ellipsis:
        return "..."
    if hasattr(value, "item") and not getattr(value, "ndim", 0):
        value = value.item()
    exact = repr(value)
    return number(value) if isinstance(value, (float, complex)) and len(exact) > 6 else clip(exact, 16)


def clip(text: str, length: int) -> str:
    """Shorten a text, saying so."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _place(boxes: list[Box]) -> None:
    """Put a weight, or what little is made of weights, beside its only use and into that one's scope."""
    uses = Counter(source for box in boxes for source in box.inputs)
    weight: dict[Box, int] = {}  # how many boxes would stand in a row, for those that are used once
    for box in boxes:
        count = 1 + sum(weight.get(source, LONG_ROW) for source in box.inputs)
        if uses[box] == 1 and count < LONG_ROW:
            weight[box] = count
    for box in reversed(boxes):
        main = None if box.beside else _main(box.inputs, weight)
        for source in box.inputs:
            fits = not source.scope or source.scope == box.scope
            if source in weight and source is not main and fits:
                source.beside, source.scope = True, box.scope


def _main(inputs: list[Box], weight: dict[Box, int]) -> Box | None:
    """Return the operand that leads on: none if one is too long to stand beside; else the data, or the first."""
    if not inputs or any(source not in weight for source in inputs):
        return None
    return next((source for source in inputs if source.kind == "constant"), inputs[0])


def collapsed(boxes: list[Box]) -> list[Box]:
    """Return one box for each scope: it shows the scope's last value."""
    members: dict[tuple[str, ...], list[Box]] = defaultdict(list)
    for box in boxes:
        if box.scope:
            members[box.scope].append(box)
    lasts = {scope: next((box for box in reversed(group) if box.inputs), group[-1]) for scope, group in members.items()}
    stands = {box: box for box in boxes}
    for scope, group in members.items():
        last = lasts[scope]
        inputs = [source for box in group for source in box.inputs if source.scope != scope]
        name = f"{scope[-1]}: {last.name}"
        one = replace(last, name=name, scope=scope[:-1], inputs=inputs, expression=_census(group))
        stands.update(dict.fromkeys(group, one))
    kept = [stands[box] for box in boxes if not box.scope or box is lasts[box.scope]]
    for box in kept:
        box.inputs = [stands[source] for source in box.inputs]
    return kept


def _census(group: list[Box]) -> str:
    """Return how many values a scope holds, and how many of them are leaves."""
    leaves = sum(box.kind == "leaf" for box in group)
    return f"{len(group)} values" + (f", {leaves} of them leaves" if leaves else "")
