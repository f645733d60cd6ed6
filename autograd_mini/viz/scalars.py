"""The boxes of single numbers: one for each, with the local derivative of each use; a neuron's weights in one group."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np

from ..errors import AutogradError
from ..graph import toposort
from ..tensor import Tensor, node_of
from .arrays import clip, number
from .boxes import MOST, Box, numbered
from .entries import Edge, Entries, Entry, Link
from .formulas import node_of_box

__all__ = ["scalars_of"]

SUMS: list[Any] = [np.matmul, np.dot, np.inner, np.vecdot, np.tensordot, np.einsum, np.sum]
PRODUCTS = SUMS[:4]
TERMS = 3  # of a sum that are written out
FORMULA = 24  # characters of a local derivative
WITH_FORMULAS = 80  # uses, up to which each says what its local derivative is made of


@dataclass(eq=False, repr=False)  # each holds others, and they it
class Scalar:
    """One number of the picture, and what it was computed from: each operand with its local derivative."""

    entry: Entry
    inputs: list[Use] = field(default_factory=list)
    users: list[Scalar] = field(default_factory=list)
    name: str = ""
    joined: bool = False
    expression: str = ""
    made_by: Box | None = None  # by whose rule, where that is another number's

    @property
    def rule(self) -> Box:
        """The array whose rule computed it."""
        return self.made_by or self.entry.box

    @property
    def is_sum(self) -> bool:
        """Whether it is a weighted sum, as a neuron's."""
        return _function(self) in SUMS or self.joined

    @property
    def box(self) -> Box:
        """The array that it stands in."""
        return self.entry.box

    @property
    def value(self) -> Any:
        """None where it was not kept."""
        return None if self.box.value is None else np.reshape(self.box.value, -1)[self.entry.place]


@dataclass(eq=False, repr=False)  # each holds others, and they it
class Use:
    """One use of a number; `always` says that the local derivative is 1 at any values."""

    source: Scalar
    where: int
    formula: str | None
    local: Any

    @property
    def always(self) -> bool:
        return self.formula == "1"


def scalars_of(y: Tensor, cotangent: Any, max_nodes: int | None) -> tuple[list[Box], str]:
    """Return a box for each number that leads to `y`, operands before results; and the name of `y`.

    A number that is only passed on is drawn once: an element of a view, the sum of a single number, a quotient by 1.
    A weighted sum and the bias that is added to it are one number, as in a textbook's neuron. A weight that a constant
    mask multiplies by 0 is no connection, and left out.
    """
    _check_count(y, max_nodes)
    entries = Entries(y, cotangent, "draw")
    scalars = _linked(entries)
    ends = [scalars[entry] for entry in entries.ends()]
    scalars = {scalar.entry: scalar for scalar in _ordered(ends)}  # the rest was not selected
    for scalar in scalars.values():
        for use in scalar.inputs:
            use.source.users.append(scalar)
    _without_masks(scalars)
    other = _pass_on(scalars, ends)
    for scalar in scalars.values():
        scalar.expression = _expression(scalar)
    _join_sums(scalars)
    order = _ordered(ends)
    if max_nodes is not None and len(order) > max_nodes:
        raise _too_many(len(order), max_nodes)
    return numbered(_boxes(order, other)), entries.end.name


def _check_count(y: Tensor, max_nodes: int | None) -> None:
    """Raise where there are too many numbers, before anything is computed from them."""
    if max_nodes is None:
        return
    count = 0
    for node in islice(toposort([node_of(y, "draw()")]), MOST):
        if node.rule is None or not node.rule.view:
            count += int(np.prod(node.shape, dtype=int))
    if count > 2 * max_nodes:  # some are drawn once; these are counted when that is known
        raise _too_many(count, max_nodes)


def _too_many(count: int, most: int) -> AutogradError:
    some = f"{count:,}" if count < MOST else f"more than {MOST:,}"
    more = f"; or all of them, which takes its time: max_nodes={count}" if count < 2_000 else ""
    return AutogradError(
        f"draw: this graph holds {some} single numbers, more than can be shown well (max_nodes={most}). Draw its "
        f"arrays, draw(y); or take one sample, or a smaller network{more}."
    )


def _linked(entries: Entries) -> dict[Entry, Scalar]:
    """Return the numbers with their operands, those that no cotangent reaches too: the data, the targets."""
    scalars: dict[Entry, Scalar] = {}
    for entry in entries.all(10**9, "max_nodes"):
        scalars[entry] = Scalar(entry, name=entries.label(entry))
    for entry, scalar in list(scalars.items()):
        for link in entries.links(entry):
            child = scalars.get(link.entry)
            if child is not None:
                child.inputs.append(Use(scalar, link.edge.where, entries.formula(link), link.local))
    for child_box in entries.swept:
        if not entries.is_view(child_box):
            for source, i, use in _constants(entries, child_box):
                found = scalars.setdefault(source, Scalar(source, name=entries.label(source)))
                scalars[Entry(child_box, i)].inputs.append(replace(use, source=found))
    for scalar in scalars.values():
        scalar.inputs.sort(key=lambda use: use.where)
    return scalars


def _constants(entries: Entries, child: Box) -> Iterator[tuple[Entry, int, Use]]:
    """Yield the uses of numbers that no cotangent reaches; none of what only selects, as an index does."""
    node = node_of_box(child)
    for source, where in zip(child.inputs, child.places, strict=True):
        if source.cotangent is not None or node.rule.vjps[where] is None or np.dtype(source.dtype).kind != "f":
            continue
        edge = _edge(child, where, source)
        for place in range(int(np.prod(source.shape, dtype=int))):
            entry = Entry(source, place)
            try:
                column = edge.column(place)
            except Exception:  # the rule reads what is not known
                continue
            for i, local in column:
                link = Link(Entry(edge.child, i), entry, local, edge)
                yield entry, i, Use(Scalar(entry), where, entries.formula(link), local)


def _edge(child: Box, where: int, source: Box) -> Edge:
    """Return the use of a constant: its rule may read operands that were not kept, since none was to pass it."""
    node = copy(node_of_box(child))
    values = {i: box.value for box, i in zip(child.inputs, child.places, strict=True)}
    node.args = tuple(a if values.get(i) is None else values[i] for i, a in enumerate(node.args or ()))
    leaf = source.node or Tensor(np.zeros(source.shape, source.dtype), requires_grad=True).node
    return Edge(replace(child, node=node), where, replace(source, node=leaf))


def _expression(scalar: Scalar) -> str:
    """Return how the number was computed, in the names of the numbers."""
    box = scalar.rule
    if not box.expression:
        return ""
    function = node_of_box(box).rule.function
    called: dict[str, str] = {}
    operands = []
    for source, where in zip(box.inputs, box.places, strict=True):
        used = [use.source for use in scalar.inputs if use.where == where]
        whole = np.prod(source.shape, dtype=int) > np.prod(box.shape, dtype=int)  # of max(x), one number has a use
        name = used[0].name if len(used) == 1 and not whole else used[0].box.name if used else source.name
        called[clip(source.name, 16)] = name
        operands.append(name)
    if function is np.sum and scalar.inputs and len(node_of_box(box).args or ()) == 1:  # no where=, no initial=
        few = len(scalar.inputs) <= TERMS
        return " + ".join(use.source.name for use in scalar.inputs) if few else f"Σ {operands[0]}"
    if function in PRODUCTS and len(operands) == 2:
        return " · ".join(operands)
    return _renamed(box.expression, called)


def _without_masks(scalars: dict[Entry, Scalar]) -> None:
    """Leave out weights that a mask of zeros and ones takes away, and the ones."""
    for entry, scalar in list(scalars.items()):
        node = scalar.box.node
        if node is None or node.rule is None or node.rule.function is not np.multiply or len(scalar.inputs) != 2:
            continue
        weight, mask = sorted(scalar.inputs, key=lambda use: use.source.box.kind != "leaf")
        ones: Any = mask.source.box.value
        if weight.source.box.kind != "leaf" or mask.source.box.kind != "constant" or not np.isin(ones, (0, 1)).all():
            continue
        if not scalar.users or any(_function(user) not in PRODUCTS for user in scalar.users):
            continue
        mask.source.users.remove(scalar)
        scalar.inputs = [replace(weight, formula="1")]
        if not np.reshape(ones, -1)[mask.source.entry.place]:
            scalar.inputs = []
            weight.source.users.remove(scalar)
            for user in dict.fromkeys(scalar.users):  # nor is there a use of what the weight would be multiplied by
                for use in list(user.inputs):
                    if use.source is scalar or use.formula == scalar.name:
                        user.inputs.remove(use)
                        use.source.users.remove(user)
            del scalars[entry]


def _join_sums(scalars: dict[Entry, Scalar]) -> None:
    """Make a weighted sum one number with the sum that it alone enters: that with its bias."""
    for entry, scalar in list(scalars.items()):
        if _function(scalar) not in SUMS or len(scalar.users) != 1:
            continue
        total = scalar.users[0]
        use = next(use for use in total.inputs if use.source is scalar)
        own = scalar.box.node is not None and scalar.box.node.name
        same = scalar.box.scope == total.box.scope and _passed_back(total, scalar)
        if use.always and _function(total) is np.add and same and not own:
            at = total.inputs.index(use)
            total.inputs[at : at + 1] = scalar.inputs
            for inner in scalar.inputs:
                inner.source.users[inner.source.users.index(scalar)] = total
            total.expression = _renamed(total.expression, {scalar.name: scalar.expression})
            total.joined = True
            del scalars[entry]


def _pass_on(scalars: dict[Entry, Scalar], ends: list[Scalar]) -> dict[str, str]:
    """Make a number one with its only use, where that is the same number; return what is called otherwise then."""
    other: dict[str, str] = {}
    for entry, scalar in list(scalars.items()):
        if len(scalar.inputs) != 1 or not scalar.inputs[0].always:
            continue
        source = scalar.inputs[0].source
        if len(source.users) != 1 or source in ends or not _same(source, scalar):
            continue
        if scalar in ends and not source.inputs:
            continue
        named = scalar.box.node is not None and scalar.box.node.name
        if scalar in ends or (named and source.inputs):
            for use in source.inputs:
                use.source.users[use.source.users.index(source)] = scalar
            scalar.inputs, scalar.made_by = source.inputs, source.rule
            other[source.name] = scalar.name
            del scalars[source.entry]
        else:
            for user in scalar.users:
                user.inputs = [replace(use, source=source) if use.source is scalar else use for use in user.inputs]
            source.users = scalar.users
            other[scalar.name] = source.name
            del scalars[entry]
    return other


def _same(source: Scalar, scalar: Scalar) -> bool:
    """Return whether two numbers, of which one is the only use of the other, have the same value and gradient."""
    if source.value is None or scalar.value is None:
        return False
    return np.array_equal(source.value, scalar.value, equal_nan=True) and _passed_back(scalar, source)


def _passed_back(scalar: Scalar, source: Scalar) -> bool:
    """Return whether the gradient reaches an operand as it is; a hook may have changed it on the way."""
    return source.box.gradient is None or np.array_equal(source.entry.cotangent, scalar.entry.cotangent, equal_nan=True)


def _ordered(ends: list[Scalar]) -> list[Scalar]:
    """Return the numbers, operands before results; what enters a neuron stands right before it."""
    order: dict[Scalar, None] = {}
    stack = [(end, False) for end in reversed(ends)]
    while stack:
        scalar, done = stack.pop()
        if done:
            order[scalar] = None
        elif scalar not in order:
            stack.append((scalar, True))
            stack += [(use.source, False) for use in reversed(scalar.inputs) if use.source not in order]
    return list(order)


def _boxes(order: list[Scalar], other: dict[str, str]) -> list[Box]:
    groups = _groups(order)
    made: dict[Scalar, Box] = {}
    last: dict[Box, Scalar] = {}
    labelled = sum(len(scalar.inputs) for scalar in order)
    for scalar in order:
        box = scalar.box
        one = made[scalar] = replace(box, name=scalar.name, shape=(), value=scalar.value, node=None, cotangent=None)
        one.gradient = None if box.gradient is None else scalar.entry.cotangent
        one.expression = _renamed(scalar.expression, other)
        one.inputs = [made[use.source] for use in scalar.inputs]
        one.places = [use.where for use in scalar.inputs]
        one.locals = [_local(use, other, labelled <= WITH_FORMULAS) for use in scalar.inputs]
        one.group = groups.get(scalar, "")
        if (before := last.get(box)) is not None and not one.group:
            one.after = made[before]
        last[box] = scalar
        for use, source in zip(scalar.inputs, one.inputs, strict=True):
            if scalar.is_sum and source.kind == "leaf" and len(use.source.users) == 1:
                source.within = one
        scopes = {user.box.scope for user in scalar.users}
        if box.kind == "leaf" and not box.scope and len(scopes) == 1:
            one.scope = scopes.pop()
    return list(made.values())


def _groups(order: list[Scalar]) -> dict[Scalar, str]:
    """Return which weights stand together: those that enter the same neuron, once for each of several samples."""
    groups: dict[Scalar, str] = {}
    at = {scalar: i for i, scalar in enumerate(order)}
    for scalar in order:
        users = tuple(dict.fromkeys(at[user] for user in scalar.users))
        if scalar.box.kind == "leaf" and len(users) > 1 and all(order[i].is_sum for i in users):
            groups[scalar] = "_".join(map(str, users))
    return groups


def _local(use: Use, other: dict[str, str], formula: bool) -> str:
    """Return a local derivative: what it is made of, and its value."""
    value = number(use.local)
    text = _renamed(use.formula or "", other).replace(" * ", "·").replace("-", "−")
    return f"{clip(text, FORMULA)}\n{value}" if formula and text and text != value else value


def _renamed(text: str, other: dict[str, str]) -> str:
    if not other:
        return text
    names = "|".join(re.escape(name) for name in sorted(other, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])(?:{names})(?![\w\[(])", lambda found: other[found[0]], text)


def _function(scalar: Scalar) -> Any:
    node = scalar.rule.node
    return None if node is None or node.rule is None else node.rule.function
