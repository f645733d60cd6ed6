"""The graph of single numbers within a graph of arrays: its numbers, and the local derivatives between them.

Between two arrays a rule gives the product of a cotangent with the local derivatives, not these themselves. Fed the
cotangent that is 1 for one number and 0 for all others it gives a row of them; recorded, and swept in its turn, a
column. Fed symbols it says what they are made of.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import AutogradError, DTypeError, NothingRecordedError, UnsupportedArgumentError
from ..graph import Array, Node, Several, pullback, unbroadcast
from ..recording import recording
from ..tensor import Tensor, node_of, seed_of
from .boxes import Box, boxes_of, check_much
from .formulas import edges, formulas, local_of, node_of_box, pulled
from .symbols import COMPARED, Symbol, text_of

__all__ = ["Entries", "Entry", "Link", "close"]

WORK = 40_000  # multiplications of symbols in one product
PROBES = 0.25, 0.75  # where local derivatives are looked at to see which are 0 at any values


@dataclass(frozen=True)
class Entry:
    """One number of the graph: where it stands in an array, counted along its rows."""

    box: Box
    place: int

    @property
    def age(self) -> tuple[int, int]:
        """By which numbers are in the order in which they were computed."""
        return node_of_box(self.box).serial, self.place

    @property
    def cotangent(self) -> Any:
        """Its cotangent, from the sweep."""
        return np.asarray(self.box.gradient).reshape(-1)[self.place]


@dataclass(frozen=True)
class Link:
    """One use of a number: what it went into, and the local derivative of that by it.

    `source` is the number itself, or the one of which a view of its array consists: the operand.
    """

    entry: Entry
    source: Entry
    local: Any
    edge: Edge


class Entries:
    """The numbers that a result was computed from, and the links between them.

    Parameters
    ----------
    y : Tensor
        The result.
    cotangent : array or None
        Its seed.
    what : str
        The function that asks, for messages.
    """

    def __init__(self, y: Tensor, cotangent: Any, what: str) -> None:
        check_much(y, what, "follow single numbers through")
        seed_of(y, cotangent, False)  # which says what is missing
        self.what = what
        self.boxes = boxes_of(y, cotangent, None, what)
        self.end = self.boxes[-1]
        self.of = {box.node: box for box in self.boxes if box.node is not None}
        self.names = [box.name for box in self.boxes]
        self.swept = [box for box in self.boxes if box.cotangent is not None]
        self._check()
        self.precision = min(np.dtype(box.dtype).itemsize for box in self.swept)
        self.edges: dict[Box, list[Edge]] = defaultdict(list)
        for box in self.swept:
            for where, parent in edges(node_of_box(box)):
                if parent in self.of:
                    self.edges[self.of[parent]].append(Edge(box, where, self.of[parent]))
        self._views: dict[Box, bool] = {}
        self._rows: dict[tuple[Edge, int], Any] = {}

    def _check(self) -> None:
        for box in self.swept:
            node = node_of_box(box)
            if isinstance(node.out, Several):
                raise UnsupportedArgumentError(
                    f"{self.what}: {node.rule.name} returns several arrays at once, and single numbers are not "
                    "followed through that. Look at ag.steps(y), which shows its arrays."
                )
            if np.dtype(box.dtype).kind == "c":
                raise DTypeError(
                    f"{self.what}: {box.name} is complex ({box.dtype}); single numbers are followed through real "
                    "arrays only. Look at ag.steps(y)."
                )

    def find(self, w: Any, index: Any) -> Entry:
        """Return the number that an array and an index mean."""
        box = self.of.get(node_of(w, f"{self.what}()"))
        if box is None or box.gradient is None:
            name = "w" if not isinstance(w, Tensor) or not w.name else w.name
            raise NothingRecordedError(
                f"{self.what}: {self.end.name} was not computed from {name}. Pass a Tensor that it was computed from: "
                "the very object, recorded in the same run."
            )
        return Entry(box, self._place(box, index))

    def _place(self, box: Box, index: Any) -> int:
        shape = box.shape
        example = f"index={tuple(0 for _ in shape) if len(shape) != 1 else 0}"
        if index is None:
            if np.prod(shape, dtype=int) != 1:
                raise IndexError(
                    f"{self.what}: {box.name} has shape {shape}, so say which of its numbers is meant: {example}."
                    if 0 not in shape
                    else f"{self.what}: {box.name} has shape {shape} and holds no numbers."
                )
            return 0
        places = tuple(index) if isinstance(index, (tuple, list)) else (index,)
        if not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in places):
            raise TypeError(
                f"{self.what}: index is {index!r}, but must be whole numbers, one for each axis: {example}."
            )
        if len(places) != len(shape) or not all(-n <= i < n for i, n in zip(places, shape, strict=False)):
            raise IndexError(f"{self.what}: index={index!r} is no place in {box.name}, whose shape is {shape}.")
        return (
            int(np.ravel_multi_index([int(i) % n for i, n in zip(places, shape, strict=True)], shape)) if shape else 0
        )

    def ends(self) -> list[Entry]:
        """Return the numbers of the result, at which the sweep begins."""
        return [Entry(self.end, i) for i in range(_size(self.end))]

    def all(self, most: int, name: str) -> list[Entry]:
        """Return every number that has a cotangent, in the order in which they were computed; raise if too many.

        A view of an array holds no numbers of its own.
        """
        boxes = [box for box in self.swept if not self.is_view(box)]
        count = sum(map(_size, boxes))
        if count > most:
            raise AutogradError(
                f"{self.what}: this graph holds {count:,} numbers that a cotangent reaches, more than {name}={most:,}. "
                f"Take a smaller network, or fewer samples; or {name}={count}, which takes its time."
            )
        boxes.sort(key=lambda box: node_of_box(box).serial)
        return [Entry(box, place) for box in boxes for place in range(_size(box))]

    def is_view(self, box: Box) -> bool:
        """Return whether an array only shows numbers of another: the transpose of a weight."""
        if box not in self._views:
            node = node_of_box(box)
            self._views[box] = False
            if node.rule is not None and node.rule.view and box is not self.end:
                uses = [(where, parent) for where, parent in edges(node) if parent in self.of]
                ones = np.ones(box.shape, box.dtype)  # each number of a view passes a 1 on; np.imag's of a real pass 0
                self._views[box] = len(uses) == 1 and np.sum(pulled(node, *uses[0], ones)) == ones.size
        return self._views[box]

    def links(self, entry: Entry) -> list[Link]:
        """Return the uses of a number, and those of the views of it in place of these."""
        found: list[Link] = []
        for edge in self.edges[entry.box]:
            for i, local in edge.column(entry.place):
                child = Entry(edge.child, i)
                if self.is_view(edge.child) and local == 1:
                    found += self.links(child)
                else:
                    found.append(Link(child, entry, local if np.isfinite(local) else self._exact(edge, i, entry), edge))
        return found

    def _exact(self, edge: Edge, place: int, entry: Entry) -> float:
        """Return a local derivative that is not finite; or that only looks so, for NumPy also multiplies inf by 0."""
        found = self._symbol(edge, place, entry)
        return np.nan if found is None else float(getattr(found, "value", found))

    def compare(self, entry: Entry, found: float, size: float) -> None:
        """Raise if what was put together from local derivatives is not what the sweep gave.

        `size` is that of what was added up.
        """
        swept = float(entry.cotangent)
        if not close(found, swept, self.precision, float(size)):
            raise AutogradError(
                f"{self.what}: the uses of {self.label(entry)} add up to {found:.6g}, but its cotangent in the sweep "
                f"is {swept:.6g}. A hook changed a cotangent on the way, or a rule given to defvjp is not linear in "
                "the cotangent: ag.gradcheck finds such a rule."
            )

    # what numbers and local derivatives are called

    def label(self, entry: Entry) -> str:
        """Return what a number is called: ``W1[0, 1]``."""
        return _label(entry.box.name, entry.box.shape, entry.place)

    def origin(self, entry: Entry) -> Entry:
        """Return the number of which this one is a view: of the transpose of a weight, the weight's."""
        while entry.box.node is not None and self.is_view(entry.box):
            source = next((edge for edge in edges(entry.box.node) if edge[1] in self.of), None)
            if source is None:
                break
            where, parent = source
            row = np.ravel(pulled(entry.box.node, where, parent, _unit(entry.box, entry.place)))
            found = np.flatnonzero(row)
            if len(found) != 1 or row[found[0]] != 1:
                break
            entry = Entry(self.of[parent], int(found[0]))
        return entry

    def formula(self, link: Link) -> str | None:
        """Return what a local derivative is made of, as Python writes it; None where the rule cannot say it."""
        found = self._symbol(link.edge, link.entry.place, link.source)
        if found is not None and close(getattr(found, "value", found), link.local, self.precision):
            return text_of(found)
        return self._local_formula(link) or self._operand(link)

    def _symbol(self, edge: Edge, place: int, entry: Entry) -> Any:
        """Return a local derivative as a symbol, or as the real number that it always is; None where that fails."""
        with np.errstate(all="ignore"):
            row = self._row(edge, place)
        found = None if row is None else row.reshape(-1)[entry.place]
        return None if isinstance(found, complex) else found

    def _row(self, edge: Edge, place: int) -> Any:
        """Return the local derivatives of one number by all of an operand, in symbols; None where that fails."""
        key = edge, place
        if key not in self._rows:
            try:
                self._rows[key] = self._symbols(edge, place)
            except Exception:  # a rule may do with its arrays what symbols cannot
                self._rows[key] = None
        return self._rows[key]

    def _symbols(self, edge: Edge, place: int) -> Any:
        child, parent = edge.child, edge.parent
        node = node_of_box(child)
        assert node.args is not None
        if _size(child) * _size(parent) > WORK:
            return None
        args = list(node.args)
        given = {}
        for source, i in zip(child.inputs, child.places, strict=True):
            if _is_real(args[i]):
                given[source.name] = args[i] = self._named(source, args[i])
        out = given[child.name] = self._named(child, node.out) if _is_real(node.out) else node.out
        g = given[f"d_{child.name}"] = _unit(child, place).astype(int).astype(object)
        COMPARED.set(False)
        try:
            p = node.rule.vjps[edge.where](g, out, *args, **(node.kwargs or {}))
        except Exception:  # it asks for its arrays' dtype, say; then the line that it was recorded as
            *lines, result = formulas(child, edge.where, node_of_box(parent))[0].split("; ")
            if not all(name.isidentifier() for name in given):  # a name is text; it must not run
                raise
            given["np"] = np
            exec("\n".join(lines), given)
            p = eval(result, given)
        p = _unbroadcast(np.asarray(p, dtype=object), parent.shape)
        if COMPARED.get():  # a bare number holds for the present values only
            p = np.array([x if isinstance(x, Symbol) or x == 0 else None for x in p.flat], object).reshape(p.shape)
        return p

    def _named(self, box: Box, values: Any) -> Any:
        """Return an array of symbols: each a number and what it is called."""
        named = np.empty(box.shape, dtype=object)
        flat = np.asarray(values, float).reshape(-1)
        for place in range(flat.size):
            named.reshape(-1)[place] = Symbol(self.label(self.origin(Entry(box, place))), float(flat[place]))
        return named

    def _local_formula(self, link: Link) -> str | None:
        """Return the local derivative of a rule that works number by number, with the number's place put in."""
        edge = link.edge
        parent = node_of_box(edge.parent)
        text = formulas(edge.child, edge.where, parent)[1]
        if (
            text is None
            or ";" in text
            or re.search(r"\d+j\b", text)
            or local_of(node_of_box(edge.child), edge.where, parent) is None
        ):
            return None
        boxes = {source.name: source for source in [edge.child, *edge.child.inputs]}
        used = [name for name in boxes if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
        if any(boxes[name].shape != edge.child.shape for name in used) or re.search(r"\bt\d+\b", text):
            return None
        for name in used:
            label = _label(name, edge.child.shape, link.entry.place)
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", lambda _, label=label: label, text)  # type: ignore[misc]
        return text

    def _operand(self, link: Link) -> str | None:
        """Return which number of an operand a local derivative is, as a weight is in a product of matrices.

        Or which number at all, if it is always the same. At other values of all operands it is then that again.
        """
        edge = link.edge
        try:
            column, (out, args) = edge.tagged(link.source.place)
        except Exception:  # as in `column`
            return None
        local = column[link.entry.place]
        operands = [(box, args[i]) for box, i in zip(edge.child.inputs, edge.child.places, strict=True)]
        for box, value in [*operands, (edge.child, out)]:
            found = np.flatnonzero(np.ravel(value) == local) if _is_real(value) else np.empty(0)
            if len(found) == 1:
                return self.label(self.origin(Entry(box, int(found[0]))))
        return text_of(float(local)) if local == link.local else None


class Edge:
    """A use of one array by another, and the local derivatives between their numbers."""

    def __init__(self, child: Box, where: int, parent: Box) -> None:
        self.child, self.where, self.parent = child, where, parent
        self.node, self.source = node_of_box(child), node_of_box(parent)
        self._recorded: list[tuple[Node, Node] | None] = []
        self._drawn: Any = None

    def column(self, place: int) -> list[tuple[int, Any]]:
        """Return which numbers of the result one of the operand's goes into, and their derivatives by it."""
        with np.errstate(all="ignore"):
            if self.child.shape == () == self.parent.shape:
                return [(0, pulled(self.node, self.where, self.source, np.ones((), self.child.dtype)).item())]
            try:
                now, elsewhere = (self._swept(pair, place) for pair in self._pairs())
            except Exception:  # a rule of somebody's own may compute with plain arrays only
                now = elsewhere = self._gathered(place)
        known = np.isfinite(elsewhere)
        used = (known & (elsewhere != 0)) | (np.isfinite(now) & (now != 0)) | (~known & ~np.isfinite(now))
        return [(int(i), now[i]) for i in np.flatnonzero(used)]

    def tagged(self, place: int) -> tuple[Any, Any]:
        """Return a column where every operand and the result hold numbers drawn at random, and these."""
        self._pairs()
        return self._swept(self._recorded[1], place), self._drawn

    def _pairs(self) -> list[tuple[Node, Node] | None]:
        """Return the rule recorded, at the values that there were and at others, of which none is 0 by chance."""
        if not self._recorded:
            assert self.node.args is not None
            rng = np.random.default_rng(0)
            out, *args = (_drawn(rng, value) for value in (self.node.out, *self.node.args))
            self._drawn = out, args
            self._recorded = [self._record(self.node.out, self.node.args), self._record(out, args)]
        return self._recorded

    def _record(self, out: Any, args: Sequence[Any]) -> tuple[Node, Node] | None:
        """Record what the rule does with a cotangent: its node and that of the product; None if it is not used."""
        with recording():
            g = Tensor(np.ones(self.child.shape, self.child.dtype), requires_grad=True)
            p = self.node.rule.vjps[self.where](g, out, *args, **(self.node.kwargs or {}))
            if p.shape != self.parent.shape:
                p = unbroadcast(p, self.parent.shape)
        node = getattr(p, "node", None)
        assert g.node is not None
        return None if node is None or not node.requires_grad else (g.node, node)

    def _swept(self, pair: tuple[Node, Node] | None, place: int) -> Any:
        """Return a column: the product of rows with a cotangent is linear in it, and this is its derivative."""
        size = _size(self.child)
        if pair is None:
            return np.zeros(size)
        g, product = pair
        unit = _unit(self.parent, place).astype(product.dtype)
        return np.ravel(pullback({product: unit}, [g])[g])

    def _gathered(self, place: int) -> Any:
        """Return a column, row by row."""
        size = _size(self.child)
        return np.array(
            [np.ravel(pulled(self.node, self.where, self.source, _unit(self.child, i)))[place] for i in range(size)]
        )


def close(a: Any, b: Any, precision: int, size: float = 0.0) -> bool:
    """Return whether two sums are equal to rounding; `size` is that of what was added up. NaN is equal to NaN.

    `precision` is the least number of bytes that a number on the way has. A rule that solves an equation by steps keeps
    to fewer digits than rounding does.
    """
    rtol = 1e-6 if precision >= 8 else 1e-3 if precision >= 4 else 3e-2
    atol = rtol * size if np.isfinite(size) else 0.0
    return bool(np.isclose(float(a), float(b), rtol=rtol, atol=atol, equal_nan=True))


def _unit(box: Box, place: int) -> Array:
    unit = np.zeros(box.shape, box.dtype)
    unit.reshape(-1)[place] = 1
    return unit


def _unbroadcast(p: Any, shape: tuple[int, ...]) -> Any:
    """Sum symbols over what was broadcast; a sum of them is no array if it is not kept one."""
    extra = p.ndim - len(shape)
    stretched = [extra + i for i, n in enumerate(shape) if n == 1 and p.shape[extra + i] != 1]
    axes = (*range(extra), *stretched)
    return np.add.reduce(p, axis=axes, keepdims=True).reshape(shape) if axes else p


def _drawn(rng: np.random.Generator, value: Any) -> Any:
    return rng.uniform(*PROBES, value.shape).astype(value.dtype) if _is_real(value) else value


def _is_real(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind == "f"


def _size(box: Box) -> int:
    return int(np.prod(box.shape, dtype=int))


def _label(name: str, shape: Sequence[int], place: int) -> str:
    if np.prod(shape, dtype=int) == 1:
        return name
    return f"{name}[{', '.join(str(int(i)) for i in np.unravel_index(place, tuple(shape)))}]"
