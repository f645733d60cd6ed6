"""What a picture shows: one box for each recorded value, found by one traversal and one extra sweep."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, repeat
from typing import Any

import numpy as np

from ..arrays import is_other
from ..errors import AutogradError
from ..graph import Array, Node, Several, Spec, pullback, toposort
from ..tensor import Tensor, node_of, seed_of
from .arrays import clip, summary
from .expressions import MISSING, Names, expression, letter, short

__all__ = ["Box", "boxes_of", "check_count", "check_most", "check_much", "check_notes", "check_title", "numbered"]

MOST = 20_000  # values that can be shown at all
NAMED = {"where", "initial"}  # operands that NumPy takes by name


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
    places : list of int
        Which of the node's operands each of them is.
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
    inputs: list[Box] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    beside: bool = False
    id: str = ""
    node: Node | None = None  # None: a plain array among the operands
    cotangent: Any = None  # the gradient as the sweep has it, `Parts` of a tuple's too
    members: list[Box] = field(default_factory=list)  # what it stands for, if that is a whole scope
    locals: list[str] | None = None  # of a single number: the local derivative of each use, as lines of text
    remark: str = ""  # of what it stands for
    alarm: str = ""  # what is not finite of that
    group: str = ""  # those of one group stand together
    within: Box | None = None  # the neuron in which a weight is drawn
    after: Box | None = None  # the number of the same array that it stands beside

    @cached_property
    def said(self) -> tuple[str, str]:
        """The value and the gradient in a few words."""
        value = self.missing if self.value is None else summary(self.value)
        return value, "–" if self.gradient is None else summary(self.gradient)

    @property
    def missing(self) -> str:
        """Why there is no value to show."""
        return "a tuple" if self.dtype is None else "not kept"


def boxes_of(y: Tensor, cotangent: Any, max_nodes: int | None, what: str = "draw") -> list[Box]:
    """Return the boxes of the graph of `y`, operands before results; `what` is the view that asks for them."""
    end = node_of(y, f"{what}()")
    order = list(toposort([end], constants=True))[::-1]
    if max_nodes is not None:
        check_count(len(order), max_nodes, what)
    return numbered(_boxes(order, end, cotangents(y, end, order, cotangent)))


def check_much(y: Tensor, what: str, task: str) -> None:
    """Raise where a task would take minutes, whatever the caller asks for."""
    order = toposort([node_of(y, f"{what}()")], constants=True)
    if sum(1 for _ in islice(order, MOST + 1)) > MOST:
        raise AutogradError(
            f"{what}: this graph has more than {MOST:,} values, too many to {task}. Take fewer steps, fewer samples, "
            "or a smaller network."
        )


def check_most(what: str, max_nodes: Any) -> None:
    """Raise if a number of values is none."""
    if max_nodes is not None and (not isinstance(max_nodes, (int, np.integer)) or isinstance(max_nodes, bool)):
        got = type(max_nodes).__name__
        raise TypeError(f"{what}: max_nodes is a {got}, but must be a whole number, or None: max_nodes=300.")


def check_title(what: str, title: Any) -> None:
    """Raise if a heading is none."""
    if title is not None and not isinstance(title, str):
        raise TypeError(f"{what}: title is a {type(title).__name__}, but must be text, or None: title='the loss'.")


def check_count(count: int, max_nodes: int, what: str) -> None:
    """Raise where a view would be too large to read."""
    if count > max_nodes:
        everything = f"; or all of it, which takes its time: max_nodes={count}" if count <= MOST else ""
        fewer = ", or one box for each ag.scope: draw(y, collapse=True)" if what == "draw" else " or fewer layers"
        raise AutogradError(
            f"{what}: this graph has {count:,} values, more than can be shown well (max_nodes={max_nodes}). Take a "
            f"smaller input{fewer}{everything}."
        )


def check_notes(what: str, notes: Any, boxes: list[Box]) -> None:
    """Raise unless there is a text for each scope that is named, and such a scope."""
    scopes = {"/".join(box.scope[: i + 1]) for box in boxes for i in range(len(box.scope))}
    if not isinstance(notes, Mapping) or not all(isinstance(note, str) for note in notes.values()):
        raise TypeError(
            f"{what}: notes must be a dict from the names of scopes to texts: notes={{'layer1': 'a = σ(z)'}}."
        )
    for scope in notes:
        if scope not in scopes:
            known = ", ".join(sorted(scopes)) if scopes else "it has none. Use `with ag.scope(name):`"
            raise ValueError(f"{what}: notes= has {scope!r}, which is no scope of this graph: {known}.")


def numbered(boxes: list[Box]) -> list[Box]:
    """Give the boxes their ids: by their order, so that they are the same in every run."""
    for i, box in enumerate(boxes):
        box.id = f"n{i}"
    return boxes


def cotangents(y: Tensor, end: Node, order: list[Node], cotangent: Any) -> dict[Node, Array]:
    """Return the gradients of all nodes, by a sweep that changes nothing; none if `y` has no seed."""
    if cotangent is None and y.size != 1:
        return {}
    return pullback({end: seed_of(y, cotangent, False)}, [node for node in order if node.requires_grad])


def _boxes(order: list[Node], end: Node, gradients: dict[Node, Array]) -> list[Box]:
    """Return a box for each node, and for each plain array among the operands."""
    names = Names({node.name for node in order if node.name})
    kept = _kept(order)
    made: dict[Node, Box] = {}
    boxes: list[Box] = []
    for node in order:
        kind = "output" if node is end and node.rule else _kind(node)
        box = made[node] = Box(node.name or names.new(letter(node, kind)), kind, node.shape, node.dtype, node=node)
        box.value = kept.get(node) if node.value is None else node.value
        gradient = box.cotangent = gradients.get(node)
        gradient = None if isinstance(node.out, Several) else gradient
        box.gradient = None if is_other(gradient) else gradient  # it may be lazy
        box.scope = node.scope
        operands: list[str] = []
        for place, parent, arg in _operands(node):
            source = _constant(arg, names) if parent is None else made[parent]
            word = _keyword(node, place)
            if source is None:
                operands.append(word + short(arg))
                continue
            if parent is None:
                boxes.append(source)
            box.inputs.append(source)
            box.places.append(place)
            operands.append(word + clip(source.name, 16))
        if node.rule is not None:
            box.expression = expression(node, operands)
        boxes.append(box)
    return boxes


def _operands(node: Node) -> Iterator[tuple[int, Node | None, Any]]:
    """Yield the number of each operand, its parent, what the node holds of it; not those left at their defaults."""
    if node.rule is None:
        return
    defaults = {} if node.rule.splat else node.rule.optional
    names = (*node.rule.operands, *repeat(None, len(node.parents)))
    for i, (name, parent, arg) in enumerate(zip(names, node.parents, node.args or (), strict=False)):
        if parent is not None or arg is not defaults.get(name, MISSING):
            yield i, parent, arg


def _keyword(node: Node, place: int) -> str:
    """Return what is written before an operand that is not known by its place: ``initial=``."""
    name = "" if node.rule.splat or place >= len(node.rule.operands) else node.rule.operands[place]
    return f"{name}=" if name in NAMED else ""


def _constant(arg: Any, names: Names) -> Box | None:
    """Return a box for an operand that is a plain array; None for a number, a slice."""
    if not getattr(arg, "ndim", 0):
        return None
    value = None if isinstance(arg, Spec) else arg
    return Box(names.new("c"), "constant", arg.shape, arg.dtype, value)


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
