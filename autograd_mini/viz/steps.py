"""`steps`: the forward pass and the reverse sweep as a list of plain records, which the other views write down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Array, Node, Parts
from ..tensor import Tensor, node_of, seed_of
from .arrays import summary
from .boxes import Box, boxes_of, check_most, check_notes
from .formulas import edges, formulas, local_of, node_of_box, pulled

__all__ = ["Contribution", "Step", "steps"]


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one use of a value sends back to it, in one step of the sweep.

    Attributes
    ----------
    operand : str
        The value's name.
    where : int
        Which operand it was: 0 for the first. ``x * x`` uses x twice.
    formula : str
        The rule, as the table has it, in the names of this graph: ``d_z * w``.
    value : array
        What it gives: the vector-Jacobian product, in the operand's shape and dtype.
    local_formula, local : str and array, or None
        The local derivative, of which `value` is the product with the incoming cotangent, element by element; None
        where the rule is no such product (a matrix product, a sum over an axis).
    total : array
        The operand's cotangent so far, this contribution included.
    use, uses : int
        This is the `use`-th of `uses` contributions: where there are several, they are added up (claim Y8).
    """

    operand: str
    where: int
    formula: str
    value: Array
    local_formula: str | None
    local: Array | None
    total: Array
    use: int
    uses: int

    @property
    def line(self) -> str:
        """The line of derived source: ``d_x = ...``, and ``d_x += ...`` from the second use on."""
        *before, result = self.formula.split("; ")
        return "; ".join([*before, f"d_{self.operand} {'=' if self.use == 1 else '+='} {result}"])


@dataclass(frozen=True, eq=False)
class Step:
    """One step: a value enters or is computed, or its whole cotangent is passed on to its operands.

    Attributes
    ----------
    phase : {"input", "forward", "seed", "backward"}
        ``"seed"``: the cotangent with which the sweep begins. The backward step of a leaf passes nothing on.
    name : str
        Of the value.
    id : str
        Of its node in the picture that `draw` makes of the same graph.
    kind : {"leaf", "constant", "result", "output"}
    expression : str
        How it was computed: ``x * w``; empty for what was not.
    shape : tuple of int
    value : array or None
        None where it was not kept.
    operands : tuple of str
        The names of what it was computed from, in order, one for each use.
    gradient : array or None
        Its whole cotangent, in seed and backward steps; None in the others.
    contributions : tuple of Contribution
        What a backward step sends to each operand.
    scope : tuple of str
        The `scope` names, the outermost first.
    rule : str
        The note for its scope, such as a layer's delta rule; else empty.
    """

    phase: str
    name: str
    id: str
    kind: str
    expression: str
    shape: tuple[int, ...]
    value: Array | None
    operands: tuple[str, ...] = ()
    gradient: Array | None = None
    contributions: tuple[Contribution, ...] = ()
    scope: tuple[str, ...] = ()
    rule: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of derived source."""
        if self.phase == "seed":
            return (f"d_{self.name} = {_shown(self.gradient)}",)
        if self.phase == "backward":
            return tuple(c.line for c in self.contributions)
        return (f"{self.name} = {self.expression or _shown(self.value)}",)

    def __str__(self) -> str:
        return f"{self.phase:8}  " + ("\n" + " " * 10).join(_sentences(self))


def steps(
    y: Tensor, *, cotangent: Any = None, notes: Mapping[str, str] | None = None, max_nodes: int | None = 300
) -> list[Step]:
    """Return what happened and what the reverse sweep does, one record after the other.

    First the forward pass, in the order in which the values were made; then the seed; then the sweep, the newest value
    first: each has then received all contributions of its uses, and passes on to each operand the vector-Jacobian
    product that the table's rule gives (claims M7, R7). No ``.grad`` is set.

    Parameters
    ----------
    y : Tensor
        A recorded result.
    cotangent : array_like, optional
        The seed, of the shape of `y`; 1 if `y` has one element.
    notes : dict of str to str, optional
        Text for a scope, as in `draw`.
    max_nodes : int or None
        Raise rather than list a graph of more values than this.

    Raises
    ------
    NothingRecordedError, GraphFreedError, ShapeError
        As `draw`; ShapeError also if `y` has several elements and there is no cotangent.
    AutogradError
        If there are more than `max_nodes` values.

    Examples
    --------
    >>> import autograd_mini as ag
    >>> x = ag.Tensor(3.0, requires_grad=True, name="x")
    >>> for step in ag.steps(x * x + x):
    ...     print(step)
    input     x = 3
    forward   z1 = x * x = 9
    forward   y = z1 + x = 12
    seed      d_y = 1
    backward  d_z1 = d_y = 1
              d_x = d_y = 1 (1 of 3; so far 1)
    backward  d_x += d_z1 * x = 1 * 3 = 3 (2 of 3; so far 4)
              d_x += d_z1 * x = 1 * 3 = 3 (3 of 3; so far 7)
    backward  d_x is complete: 7
    """
    check_most("steps", max_nodes)
    node_of(y, "steps()")
    seed_of(y, cotangent, False)  # which says what is missing
    with np.errstate(all="ignore"):  # who reads the steps sees NaN and inf
        boxes = boxes_of(y, cotangent, max_nodes, "steps")
        check_notes("steps", notes or {}, boxes)
        return [*_forward(boxes, notes or {}), *_sweep(boxes, notes or {})]


def _forward(boxes: list[Box], notes: Mapping[str, str]) -> Iterator[Step]:
    for box in boxes:
        yield _step("forward" if box.expression else "input", box, notes)


def _sweep(boxes: list[Box], notes: Mapping[str, str]) -> Iterator[Step]:
    """Yield the seed, then each value that has a cotangent, the newest first, as `pullback` visits them."""
    end = boxes[-1]
    yield _step("seed", end, notes, end.gradient)
    of = {box.node: box for box in boxes if box.node is not None}
    swept = sorted((box for box in of.values() if box.cotangent is not None), key=lambda box: -node_of_box(box).serial)
    uses = Counter(parent for box in swept for _, parent in edges(node_of_box(box)))
    count: Counter[Node] = Counter()
    sofar: dict[Node, Array] = {}
    known: dict[Any, Any] = {}
    for box in swept:
        sent = []
        node = node_of_box(box)
        for where, parent in edges(node):
            p = pulled(node, where, parent, box.cotangent)
            count[parent] += 1
            sofar[parent] = p if parent not in sofar else sofar[parent] + p
            if parent in of and not isinstance(p, Parts):
                formula, local_formula = formulas(box, where, parent, known)
                if (local := local_of(node, where, parent)) is None:
                    local_formula = None
                order = count[parent], uses[parent]
                sent.append(
                    Contribution(of[parent].name, where, formula, p, local_formula, local, sofar[parent], *order)
                )
        yield _step("backward", box, notes, box.gradient, tuple(sent))


def _step(phase: str, box: Box, notes: Mapping[str, str], gradient: Any = None, sent: Any = ()) -> Step:
    return Step(
        phase, box.name, box.id, box.kind, box.expression, box.shape, box.value, tuple(b.name for b in box.inputs),
        gradient, sent, box.scope, notes.get("/".join(box.scope), ""),
    )  # fmt: skip


def _shown(a: Any) -> str:
    return "?" if a is None else summary(a)


def _sentences(step: Step) -> list[str]:
    """Return a step in words: what its lines compute, with the numbers."""
    if step.phase == "seed":
        return list(step.lines)
    if step.phase != "backward":
        return [f"{step.lines[0]} = {_shown(step.value)}" if step.expression else step.lines[0]]
    if not step.contributions:
        return [f"d_{step.name} is complete: {_shown(step.gradient)}"]
    return [_sentence(step, c) for c in step.contributions]


def _sentence(step: Step, sent: Contribution) -> str:
    product = ""
    if sent.local is not None and not np.all(sent.local == 1):
        product = f" = {_shown(step.gradient)} * {_shown(sent.local)}"
    so_far = f" ({sent.use} of {sent.uses}; so far {_shown(sent.total)})" if sent.uses > 1 else ""
    return f"{sent.line}{product} = {_shown(sent.value)}{so_far}"
