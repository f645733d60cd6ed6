"""`Flow`: what becomes of the gradients while a network is trained, snapshot by snapshot, on one layout."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import AutogradError, ShapeError
from ...tensor import Tensor
from ..arrays import faults, number, plain, rms, thumbnail
from ..boxes import Box, boxes_of, check_count, check_most, check_much, check_title
from ..files import file_of, written_to
from ..folding import collapsed
from ..layout import place

__all__ = ["Flow", "Layer", "Points", "Snapshot"]

CELLS = 28  # on a side of the plane beside the graph
MARGIN = 0.15  # of the points' extent, around them


@dataclass
class Layer:
    """The values of a graph whose gradients are one layer's delta.

    Attributes
    ----------
    name : str
        The scope's; without scopes the names of the leaves that enter.
    points : list of int
        Numbers of these values, in the order of the graph.
    leaves : list of int
        Of the leaves that enter.
    """

    name: str
    points: list[int]
    leaves: list[int]


@dataclass
class Snapshot:
    """What was kept of the graph at one step: a size for each value and gradient, and thumbnails.

    `dead` counts, for each layer, the units whose delta is 0 on every sample.
    """

    step: float
    loss: float
    values: list[float]
    gradients: list[float]
    thumbnails: list[Any]
    deltas: list[float]
    dead: list[int]
    bounds: list[float] | None
    picture: Any


@dataclass
class Points:
    """Samples in a plane, with the sign of what they are to become, and the places where a picture of it is taken."""

    places: Any
    signs: Any
    extent: tuple[float, float, float, float] = field(init=False)

    def __post_init__(self) -> None:
        low, high = self.places.min(axis=0), self.places.max(axis=0)
        room = MARGIN * np.where(high > low, high - low, 1.0)
        (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
        self.extent = left, right, bottom, top

    @property
    def grid(self) -> Any:
        """The places, row by row, the uppermost first: the middles of the picture's cells."""
        left, right, bottom, top = self.extent
        shares = (np.arange(CELLS) + 0.5) / CELLS
        x, y = np.meshgrid(left + (right - left) * shares, top - (top - bottom) * shares)
        return np.stack([x.ravel(), y.ravel()], axis=1)


class Flow:
    r"""A record of how gradients flow through one graph while it is trained; written as a page with a slider.

    Each `add` takes a snapshot of a recorded loss, in any training loop: one extra sweep, which sets no ``.grad``. Of a
    layer it keeps the size of its delta,

    .. math:: \|\delta^l\| = \|\partial E / \partial z^l\|,

    over all samples and units, where :math:`z^l` is the last value in the layer's `scope` that a leaf enters, as a bias
    does, before the activation. By the delta rule

    .. math:: \delta^l = \sigma'(z^l) * (W^{l+1})^T \delta^{l+1}

    a sigmoid's slope, at most 1/4, makes :math:`0.25^{L-l}` a bound for :math:`\|\delta^l\| / \|\delta^L\|` where no
    weight matrix has a norm above 1 (claims Y15, R13); larger weights exceed it.

    Parameters
    ----------
    title : str, optional
        The page's heading.
    points : tuple of (array_like (n, 2), array_like (n,)), optional
        Samples in a plane, and numbers whose sign says what each is to become: then every snapshot may have a
        picture of the network's output over that plane, at the places `grid`.

    Attributes
    ----------
    snapshots : list of Snapshot
    layers : list of Layer
        From the first on.
    grid : array (784, 2)
        Places in the plane of `points`.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> w = ag.Tensor([[0.5, -1.0]], requires_grad=True, name="w")
    >>> film = ag.Flow("one unit learns")
    >>> for step in range(3):
    ...     loss = np.mean(np.square(np.tanh(np.array([[1.0, 2.0], [0.0, 1.0]]) @ w.T) - 0.5))
    ...     film.add(loss, step=step)
    ...     w.data -= 1.0 * ag.gradients(loss, [w])[0]
    >>> print(film)
    one unit learns
    step     loss   |δ| w  dead
       0    1.783  0.5875     0
       1   0.1231  0.4717     0
       2  0.08315  0.2089     0
    >>> film.save("flow.html").name
    'flow.html'
    """

    def __init__(self, title: str | None = None, *, points: Any = None) -> None:
        check_title("Flow", title)
        self.title = title
        self.points = None if points is None else _points(points)
        self.snapshots: list[Snapshot] = []
        self.layers: list[Layer] = []
        self.boxes: list[Box] = []  # of the first snapshot, without its arrays
        self._signature: list[tuple[Any, ...]] = []

    @property
    def grid(self) -> Any:
        """Places in the plane of the points, (784, 2), the rows of cells from above."""
        if self.points is None:
            raise ValueError("Flow.grid: there is no plane, for no points were given: ag.Flow(points=(X, signs)).")
        return self.points.grid

    def add(self, loss: Tensor, *, step: float | None = None, picture: Any = None, bounds: Any = None) -> None:
        """Take a snapshot of a recorded loss, before its graph is freed.

        Parameters
        ----------
        loss : Tensor
            A single number, of a graph that is the same in every snapshot: the same samples, the same operations.
        step : float, optional
            Where in the training this is; by default the number of the snapshot, from 0.
        picture : array_like, optional
            A number from -1 to 1 for each row of `grid`: what the network makes of that place.
        bounds : array_like, optional
            A number for each of `layers`: what its delta's size cannot exceed, by some rule, as a part of the last
            layer's; drawn beside it.

        Raises
        ------
        NothingRecordedError
            If no differentiable path leads to the loss.
        GraphFreedError
            If its graph was swept with ``retain_graph=False``.
        ShapeError
            If the loss is not a single number, or `picture` or `bounds` does not fit.
        AutogradError
            If the graph differs from that of the snapshots before; the message says where. If it is too large.
        """
        if isinstance(loss, Tensor) and loss.size != 1:
            raise ShapeError(
                f"Flow.add: loss has shape {loss.shape}, but must be a single number, such as np.mean(losses)."
            )
        check_much(loss, "Flow.add", "keep the sizes of")
        step = len(self.snapshots) if step is None else step
        if not isinstance(step, (Real, np.number)) or not math.isfinite(step):
            raise ValueError(f"Flow.add: step is {step!r}, but must be a finite number: film.add(loss, step=i).")
        if self.snapshots and step <= self.snapshots[-1].step:
            raise ValueError(
                f"Flow.add: step is {number(step)}, but must be above that of the snapshot before, "
                f"{number(self.snapshots[-1].step)}. For another training make another Flow."
            )
        with np.errstate(all="ignore"):  # the page marks NaN and inf
            boxes = boxes_of(loss, None, None, "Flow.add")
            place(boxes)
            signature = _signature(boxes)
            layers = self.layers
            if not self.snapshots:
                layers = _layers(boxes)
            elif signature != self._signature:
                raise AutogradError(_difference(self._signature, signature))
            snapshot = _snapshot(boxes, layers, float(step), float(np.real(loss.data).item()))
        snapshot.picture = self._picture(picture)
        snapshot.bounds = _bounds(bounds, layers)
        if not self.snapshots:
            self.layers, self._signature = layers, signature
            self.boxes = _without_arrays(boxes)
        self.snapshots.append(snapshot)

    def _picture(self, picture: Any) -> Any:
        if picture is None:
            return None
        cells = np.asarray(picture.numpy() if isinstance(picture, Tensor) else picture, float)
        if self.points is None or cells.size != CELLS * CELLS:
            want = "ag.Flow(points=(X, signs))" if self.points is None else f"the shape ({CELLS * CELLS},)"
            raise ShapeError(
                f"Flow.add: picture has shape {cells.shape}, but must be a number for each row of film.grid. It needs "
                f"{want}."
            )
        return np.clip(cells.reshape(CELLS, CELLS), -1.0, 1.0)

    @property
    def data(self) -> dict[str, Any]:
        """The numbers as arrays, a row for each snapshot.

        ``steps`` and ``losses``, (snapshots,); ``names`` of all values, and the norms of these and of their gradients,
        ``values`` and ``gradients``, (snapshots, values), NaN where there is none; ``layers``, the names;
        ``deltas``, the norms of their deltas, and ``dead``, how many of their units have delta 0 on every sample,
        (snapshots, layers); ``units``, (layers,).
        """
        shape = len(self.snapshots), -1
        rows = self.snapshots
        return {
            "steps": np.array([s.step for s in rows]),
            "losses": np.array([s.loss for s in rows]),
            "names": tuple("/".join((*box.scope, box.name)) for box in self.boxes),
            "values": np.array([s.values for s in rows]).reshape(shape),
            "gradients": np.array([s.gradients for s in rows]).reshape(shape),
            "layers": tuple(layer.name for layer in self.layers),
            "deltas": np.array([s.deltas for s in rows]).reshape(shape),
            "dead": np.array([s.dead for s in rows], int).reshape(shape),
            "units": np.array([self.units(layer) for layer in self.layers], int),
        }

    def units(self, layer: Layer) -> int:
        """Return how many units a layer has: the columns of its values."""
        return sum(_columns(self.boxes[i].shape) for i in layer.points)

    def save(
        self,
        path: str | PathLike[str],
        *others: Flow,
        title: str | None = None,
        collapse: bool = True,
        max_nodes: int = 300,
    ) -> Path:
        """Write one page, which needs no network, with a slider over the snapshots.

        The graph stands in one layout; an arrow's width and colour show the size of the gradient that flows back along
        it, in decades that are the same in all snapshots, and so are the cells' of the deltas' and weights' gradients.
        Beside it: each layer's delta now, against 0.25 for each layer and the bounds that were given; the same over the
        training; the loss; and the picture of the plane.

        Parameters
        ----------
        path : str or Path
            The file, such as ``"flow.html"``; ``flow.html#3`` opens at the snapshot 3.
        *others : Flow
            Shown beside it on the same slider, with the same number of snapshots.
        title : str, optional
            The page's heading.
        collapse : bool
            Draw one box for each `scope`; False: for each value.
        max_nodes : int
            Raise rather than draw more boxes than this.

        Raises
        ------
        ValueError
            If there is no snapshot, or if the films differ in number.
        AutogradError
            If there are more than `max_nodes` boxes.
        RenderError
            If no program is there that lays out the picture; it names the command that installs one.
        OSError
            If the file cannot be written.
        """
        path = file_of("Flow.save", path, "film.save('flow.html')")
        check_most("Flow.save", max_nodes)
        check_title("Flow.save", title)
        films = (self, *others)
        for film in films:
            if not isinstance(film, Flow):
                raise TypeError(
                    f"Flow.save: what stands beside it is a {type(film).__name__}, but must be another Flow: "
                    "film.save('flow.html', other)."
                )
            if not film.snapshots:
                raise ValueError("Flow.save: there is no snapshot to show. Call film.add(loss) while training.")
        counts = [len(film.snapshots) for film in films]
        if len(set(counts)) > 1:
            raise ValueError(
                f"Flow.save: the films have {', '.join(map(str, counts))} snapshots, but must have as many each, for "
                "one slider moves them all."
            )
        from .page import flow_page

        heading = plain(title or self.title or "Gradient flow through training")
        page = flow_page(films, heading, collapse, max_nodes)
        return written_to(path, page.encode(), "page")

    def shown_boxes(self, collapse: bool, max_nodes: int) -> tuple[list[Box], dict[Box, int]]:
        """Return the boxes of the picture, and the number of each value that one is or stands for."""
        boxes = _copied(self.boxes)
        numbers = {box: i for i, box in enumerate(boxes)}
        if not collapse:
            check_count(len(boxes), max_nodes, "Flow.save")
            return boxes, numbers
        _gather_the_loss(boxes)
        return collapsed(boxes, max_nodes, "Flow.save"), numbers

    def __str__(self) -> str:
        """Return a table: step, loss, the size of each layer's delta, units that are dead."""
        head = ["step", "loss", *(f"|δ| {plain(layer.name)}" for layer in self.layers), "dead"]
        rows = [
            [number(s.step), number(s.loss), *map(number, s.deltas), str(sum(s.dead))] for s in self.snapshots
        ]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
        return "\n".join([plain(self.title or "gradient flow"), *(lines if rows else ["no snapshot yet"])])

    def __repr__(self) -> str:
        count = len(self.snapshots)
        title = "" if self.title is None else f"{self.title!r}, "
        return f"Flow({title}{count} snapshot{'s' * (count != 1)} of {len(self.layers)} layers)"


# --- what is kept -----------------------------------------------------------------------------------------------------


def _snapshot(boxes: list[Box], layers: list[Layer], step: float, loss: float) -> Snapshot:
    none = math.nan
    gradients = [box.gradient for box in boxes]
    return Snapshot(
        step=step,
        loss=loss,
        values=[none if box.value is None else _norm([box.value]) for box in boxes],
        gradients=[none if g is None else _norm([g]) for g in gradients],
        thumbnails=[None if g is None else thumbnail(g) if np.size(g) else np.empty((0, 0)) for g in gradients],
        deltas=[_norm([gradients[i] for i in layer.points]) for layer in layers],
        dead=[sum(_dead(gradients[i]) for i in layer.points) for layer in layers],
        bounds=None,
        picture=None,
    )


def _norm(parts: list[Any]) -> float:
    """Return the length of several arrays as one vector, without overflow on the way."""
    sizes = [rms(g) * math.sqrt(np.size(g)) for g in parts]
    return math.hypot(*sizes) if not any(map(math.isnan, sizes)) else math.nan


def _dead(g: Any) -> int:
    """Return how many units, columns of a delta, are 0 on every sample."""
    return int(np.sum(~np.any(g, axis=0))) if np.ndim(g) > 1 else int(np.size(g) - np.count_nonzero(g))


def _columns(shape: tuple[int, ...]) -> int:
    return math.prod(shape[1:]) if len(shape) > 1 else math.prod(shape)


def _without_arrays(boxes: list[Box]) -> list[Box]:
    """Return the boxes without what they hold of the training: arrays, and the graph."""
    for box in boxes:
        box.value = box.gradient = box.cotangent = box.node = None
    return boxes


def _copied(boxes: list[Box]) -> list[Box]:
    """Return boxes that may be moved into other scopes; each stands for the first of its members."""
    made: dict[Box, Box] = {}
    for box in boxes:
        made[box] = replace(box, inputs=[made[source] for source in box.inputs], places=list(box.places), members=[])
    return list(made.values())


SIGNED = ("kind", "operation", "shape", "dtype", "scope", "operands", "name")


def _signature(boxes: list[Box]) -> list[tuple[Any, ...]]:
    """Return what must be the same in every snapshot."""
    rules = [box.node.rule.name if box.node is not None and box.node.rule is not None else "" for box in boxes]
    return [
        (box.kind, rule, box.shape, str(box.dtype), box.scope, tuple(source.id for source in box.inputs), box.name)
        for box, rule in zip(boxes, rules, strict=True)
    ]


def _difference(before: list[tuple[Any, ...]], now: list[tuple[Any, ...]]) -> str:
    """Say what is not as it was."""
    fix = "Take every snapshot of the same samples, in the same mode; for another graph make another Flow."
    if len(before) != len(now):
        return f"Flow.add: this graph has {len(now)} values, but must have {len(before)}, as those before. {fix}"
    one, other = next((a, b) for a, b in zip(before, now, strict=True) if a != b)
    name, a, b = next(found for found in zip(SIGNED, one, other, strict=True) if found[1] != found[2])
    where = "/".join((*other[4], other[6]))
    return f"Flow.add: {where} has the {name} {b!r}, but must have {a!r}, as in the snapshots before. {fix}"


# --- layers -----------------------------------------------------------------------------------------------------------


def _layers(boxes: list[Box]) -> list[Layer]:
    """Return the layers of a graph: the values, one or more in a scope, at which the last of their leaves enters."""
    uses: dict[Box, list[Box]] = defaultdict(list)
    for box in boxes:
        for source in box.inputs:
            uses[source].append(box)
    weights: dict[Box, bool] = {}  # leaves, and what stands beside a use, such as a transpose of one
    for box in boxes:
        weights[box] = box.kind == "leaf" or (box.beside and any(weights[source] for source in box.inputs))
    entered = [
        box for box in boxes
        if box.gradient is not None and not box.beside and box.inputs
        and any(weights[s] for s in box.inputs)
    ]  # fmt: skip
    leading = [box for box in entered if any(not weights[source] for source in box.inputs)]
    found: dict[Box, list[Box]] = {}
    for box in leading or entered:
        end = box
        while len(uses[end]) == 1 and uses[end][0].scope == end.scope and _adds(uses[end][0]):
            end = uses[end][0]
        found.setdefault(end, []).append(box)
    below = _reached(boxes, set(found))
    groups: dict[Any, list[Box]] = defaultdict(list)
    for end in found:
        groups["/".join(end.scope) or end].append(end)
    layers = []
    number_of = {box: i for i, box in enumerate(boxes)}
    for key, ends in groups.items():
        last = [end for end in ends if not any(end in below[other] for other in ends)]
        entering = [source for end in ends for box in found[end] for source in box.inputs if weights[source]]
        leaves = _leaves(entering)
        name = key if isinstance(key, str) else ", ".join(leaf.name for leaf in leaves) or ends[0].name
        layers.append(Layer(name, [number_of[end] for end in last], [number_of[leaf] for leaf in leaves]))
    return sorted(layers, key=lambda layer: max(layer.points))


def _adds(box: Box) -> bool:
    return box.node is not None and box.node.rule is not None and box.node.rule.name.rpartition(".")[2] == "add"


def _reached(boxes: list[Box], among: set[Box]) -> dict[Box, set[Box]]:
    """Return, for each of some boxes, which others of them lead to it."""
    above: dict[Box, set[Box]] = {}
    for box in boxes:
        above[box] = {found for source in box.inputs for found in above[source] | ({source} & among)}
    return {box: above[box] for box in among}


def _leaves(boxes: list[Box]) -> list[Box]:
    """Return the leaves that boxes were made of, in order, each once."""
    found: dict[Box, None] = {}
    stack = boxes[::-1]
    while stack:
        box = stack.pop()
        if box.kind == "leaf":
            found[box] = None
        stack += box.inputs[::-1]
    return list(found)


def _gather_the_loss(boxes: list[Box]) -> None:
    """Put what follows the last scope, and what only enters there, into a scope of its own."""
    if not any(box.scope for box in boxes):
        return
    leads: set[Box] = set()  # to a value in a scope
    for box in reversed(boxes):
        if box.scope or box in leads:
            leads.update(box.inputs)
    name = "loss"
    for box in boxes:
        if not box.scope and box not in leads:
            box.scope = (name,)
            box.beside = False


# --- what is passed ---------------------------------------------------------------------------------------------------


def _points(points: Any) -> Points:
    parts = points if isinstance(points, (tuple, list)) and len(points) == 2 else (None, None)
    try:
        places, signs = (np.asarray(part, float) for part in parts)
    except (TypeError, ValueError):
        places, signs = np.empty(0), np.empty(0)
    signs = signs.ravel()
    if places.ndim != 2 or places.shape[1] != 2 or len(places) != len(signs) or not len(places) or faults(places):
        raise ShapeError(
            "Flow: points must be two arrays of finite numbers, places of shape (n, 2) and n signs: "
            "ag.Flow(points=(X, 2 * y - 1))."
        )
    return Points(places, np.sign(signs))


def _bounds(bounds: Any, layers: list[Layer]) -> list[float] | None:
    if bounds is None:
        return None
    bounds = np.asarray(bounds, float)
    if bounds.shape != (len(layers),):
        raise ShapeError(
            f"Flow.add: bounds has shape {bounds.shape}, but must hold a number for each layer: "
            f"{', '.join(layer.name for layer in layers) or 'there is none'}."
        )
    return bounds.tolist()  # type: ignore[no-any-return]
