"""The player's picture: Graphviz lays out the boxes of `draw`; what is in them can be shown piece by piece.

Every gradient stands in its box as often as it grows: once for each use of the value, and only the last is whole. So a
page shows any moment of the sweep by switching classes on and off, and the picture without a page is that of its end.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

import numpy as np

from .arrays import clip, few, levels, matrix, number, plain, rms, summary, thumbnail
from .boxes import Box
from .render import render
from .theme import STEPS

__all__ = [
    "Label",
    "Layout",
    "Sized",
    "Stage",
    "arrow",
    "arrows",
    "best_layout",
    "cluster",
    "heading",
    "heat_class",
    "staged",
    "uses",
    "wide",
]

CELL = 9  # side of a thumbnail's cell
LINE = 15  # height of a line
PAD = 8
WIDE = 1.5  # the picture's place on a page, as width by height
NARROW = frozenset("ijlftrI.,:;|!'()[]{} ·−-/")
BROAD = frozenset("mwMW@%∂—")
SQUARE = 100  # side of the squares by which boxes are found again
MANY = 150  # boxes, from which on Graphviz takes fewer rounds: its time grows with the square of their number
_Rectangle = tuple[float, float, float, float]


@dataclass
class Label:
    """What an arrow says while its step is shown."""

    step: int
    edge: str
    text: str


@dataclass
class Stage:
    """The picture: its SVG, and its size in pixels."""

    svg: str
    width: int
    height: int


@dataclass
class _Block:
    """A piece of a box: its size, and its SVG relative to its upper left corner."""

    width: float = 0
    height: float = 0
    svg: str = ""


@dataclass
class _Content:
    """What stands in a box."""

    head: str
    value: _Block
    gradients: list[_Block]
    astray: list[_Block | None]
    width: float
    height: float


def staged(
    boxes: list[Box],
    growing: Mapping[str, list[Any]],
    labels: list[Label],
    title: str,
    text: str,
    astray: Mapping[str, list[Any]] | None = None,
) -> Stage:
    """Return the picture of boxes that have their places; `growing` are the gradients so far, by the box's id.

    `astray` are the gradients of a wrong sweep, None where they are right.
    """
    contents = {box.id: _content(box, growing.get(box.id, []), (astray or {}).get(box.id, [])) for box in boxes}
    layout = best_layout(boxes, contents)
    kept = _placed(labels, layout)
    parts = [
        f'<svg id="net" xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="net-name net-text" '
        f'viewBox="0 0 {layout.width} {layout.height}" width="{layout.width}" height="{layout.height}">',
        f'<title id="net-name">{escape(plain(title))}</title><desc id="net-text">{escape(text)}</desc>',
        *(cluster(place) for _, place in layout.clusters),
        *(_edge(i, source, layout) for i, (source, _) in enumerate(uses(boxes))),
        *(heading(name, place) for name, place in layout.clusters),
        *(_box(box, contents[box.id], layout.nodes[box.id]) for box in boxes),
        *(f'<text class="lab" id="l{edge}" x="{x}" y="{y}">{escape(text)}</text>' for edge, text, x, y in kept),
        "</svg>",
    ]
    return Stage("\n".join(parts), layout.width, layout.height)


def uses(boxes: list[Box]) -> list[tuple[Box, Box]]:
    """Return both ends of every arrow, in the order of their ids."""
    return [(source, box) for box in boxes for source in box.inputs]


def arrows(boxes: list[Box]) -> dict[str, list[str]]:
    """Return, by the id of each box, the ids of the arrows that lead to it."""
    count = itertools.count()
    return {box.id: [f"e{next(count)}" for _ in box.inputs] for box in boxes}


# --- what stands in a box ---------------------------------------------------------------------------------------------


def wide(text: str, size: float, bold: bool = False) -> float:
    """Return how wide a text is at most in a common sans serif, in pixels."""
    widths = (
        1.05 if c > "ᄀ" and unicodedata.east_asian_width(c) in "WF"
        else 0.36 if c in NARROW
        else 0.92 if c in BROAD
        else 0.75 if c.isupper()
        else 0.62
        for c in text
    )  # fmt: skip
    return sum(widths) * size * (1.06 if bold else 1.0)


def _content(box: Box, growing: list[Any], astray: list[Any]) -> _Content:
    name, expression = clip(plain(box.name), 24), clip(plain(box.expression), 30)
    middle = f" = {expression}" if expression else ""
    head = f"<tspan>{escape(name)}</tspan>{escape(middle)}"
    shape = f" {box.shape}" if box.shape and not expression else ""
    head += f'<tspan class="s">{escape(shape)}</tspan>' if shape else ""
    value = _block(box.value) if box.value is not None else _words(box.missing)
    gradients = [_block(g, "∂ ") for g in growing] or [_words("∂ –" if box.dtype is not None else "")]
    wrong = [None if a is None else _block(a, "≠ ") for a in astray]
    inner = value.width + 10 + max(g.width for g in gradients)
    inner = max(inner, *(w.width for w in wrong if w), 0)
    title = wide(name, 12, True) + wide(middle, 11) + wide(shape, 9)
    height = max(value.height, *(g.height for g in gradients)) + max((w.height + 3 for w in wrong if w), default=0)
    return _Content(head, value, gradients, wrong, max(inner, title) + 2 * PAD, height + LINE + 11)


def _words(words: str) -> _Block:
    return _Block(wide(words, 10), LINE, f'<text class="m" y="11">{escape(words)}</text>' if words else "")


def _block(a: Any, sign: str = "") -> _Block:
    """Return an array: its number, its numbers in coloured cells, or a thumbnail over its size."""
    a = np.asarray(a)
    if a.size <= 1:
        text = sign + summary(a)
        return _Block(wide(text, 11), LINE, f'<text{_fault(a)} y="12">{escape(text)}</text>')
    return _numbers(a, sign) if few(a) else _heat(a, sign)


def _fault(a: Any) -> str:
    return "" if np.isfinite(a).all() else ' class="x"'


def _numbers(a: Any, sign: str) -> _Block:
    rows = matrix(a)
    left = 13 if sign else 0
    texts = [[number(x) for x in row] for row in rows]
    width = round(max(wide(text, 10) for row in texts for text in row)) + 6
    cells = [
        f'<g class="{heat_class(level)}"><rect x="{left + j * (width + 1)}" y="{i * 16}" width="{width}" height="15"/>'
        f'<text x="{left + j * (width + 1) + width / 2:g}" y="{i * 16 + 11}">{text}</text></g>'
        for i, (row, steps) in enumerate(zip(texts, levels(rows), strict=True))
        for j, (text, level) in enumerate(zip(row, steps, strict=True))
    ]
    if sign:
        cells.append(f'<text y="{rows.shape[0] * 8 + 4}">{sign.strip()}</text>')
    return _Block(left + rows.shape[1] * (width + 1), rows.shape[0] * 16, "".join(cells))


def _heat(a: Any, sign: str) -> _Block:
    """Return a thumbnail: the cells of one colour are one path."""
    steps = levels(thumbnail(a))
    paths: dict[str, str] = {}
    for i, row in enumerate(steps):
        for j, level in enumerate(row):
            name = heat_class(level)
            paths[name] = paths.get(name, "") + f"M{j * CELL} {i * CELL}h{CELL - 1}v{CELL - 1}h-{CELL - 1}z"
    text = sign + summary(a)
    width, height = len(steps[0]) * CELL, len(steps) * CELL
    svg = "".join(f'<path class="{name}" d="{d}"/>' for name, d in sorted(paths.items()))
    svg += f'<text{_fault(a)} y="{height + 12}">{escape(text)}</text>'
    return _Block(max(width, wide(text, 11)), height + LINE, svg)


def heat_class(level: int | None) -> str:
    """Return the classes of a cell, by its step of colour; None: it is not finite."""
    return "h hx" if level is None else f"h h{level + STEPS}"


def _box(box: Box, content: _Content, place: tuple[float, float]) -> str:
    x, y = (round(at - size / 2) for at, size in zip(place, (content.width, content.height), strict=True))
    width, height = round(content.width), round(content.height)
    scalar = content.value.height == LINE and all(g.height == LINE for g in content.gradients)
    inner = content.value.width + 10 + max(g.width for g in content.gradients)
    left = PAD if scalar and box.value is not None else (width - inner) / 2
    right = width - left - max(g.width for g in content.gradients)
    value = f'<g class="v" transform="translate({left:.0f} {LINE + 5})">{content.value.svg}</g>'
    last = len(content.gradients) - 1
    gradients = "".join(
        f'<g class="g{" p" if i < last else ""}" transform="translate({right:.0f} {LINE + 5})">{g.svg}</g>'
        for i, g in enumerate(content.gradients)
    )
    below = LINE + 5 + max(content.value.height, *(g.height for g in content.gradients)) + 3
    gradients += "".join(
        f'<g class="w{" p" if i < last else ""}" data-use="{i}" transform="translate({width - PAD - w.width:.0f} '
        f'{below})">{w.svg}</g>'
        for i, w in enumerate(content.astray)
        if w is not None
    )
    where = escape(plain("/".join((*box.scope, box.name)) + (f" = {box.expression}" if box.expression else "")))
    return (
        f'<g id="{box.id}" class="n {box.kind}" transform="translate({x} {y})"><title>{where}</title>'
        f'<rect class="b" width="{width}" height="{height}" rx="7"/>'
        f'<text class="t" x="{width / 2:g}" y="14">{content.head}</text>{value}{gradients}</g>'
    )


# --- where it stands --------------------------------------------------------------------------------------------------


def _estimated(boxes: list[Box], contents: Mapping[str, Sized]) -> str:
    """Return the direction in which many boxes come nearer to the shape of a page, without laying them out."""
    depth: dict[str, int] = {}
    rows: dict[int, list[Sized]] = defaultdict(list)
    for box in boxes:
        depth[box.id] = max((depth[source.id] + (not source.beside) for source in box.inputs), default=0)
        rows[depth[box.id]].append(contents[box.id])
    down = (
        max(sum(c.width + 14 for c in row) for row in rows.values()),
        sum(max(c.height for c in row) + 26 for row in rows.values()),
    )
    across = (
        sum(max(c.width for c in row) + 36 for row in rows.values()),
        max(sum(c.height + 12 for c in row) for row in rows.values()),
    )
    scales = [min(1 / width, 1 / WIDE / height) for width, height in (down, across)]
    return "TB" if scales[0] >= scales[1] else "LR"


class Sized(Protocol):
    """What takes room in the picture, in pixels."""

    width: float
    height: float


@dataclass
class Layout:
    """Where Graphviz puts boxes, arrows and scopes, in pixels."""

    width: int
    height: int
    nodes: dict[str, tuple[float, float]]
    edges: dict[str, tuple[list[tuple[float, float]], list[tuple[float, float]]]]
    clusters: list[tuple[str, tuple[float, float, float, float]]]
    sizes: dict[str, tuple[float, float]]

    @property
    def scale(self) -> float:
        """By how much it shrinks to fit a page."""
        return min(1050 / self.width, 1050 / WIDE / self.height)


def best_layout(boxes: list[Box], contents: Mapping[str, Sized]) -> Layout:
    """Return where boxes of these sizes stand: downward or to the right, whichever fits a page better."""
    directions = ("TB", "LR") if len(boxes) < MANY else (_estimated(boxes, contents),)
    layouts = [laid_out(boxes, contents, direction) for direction in directions]
    return max(layouts, key=lambda found: (min(1.0, found.scale), -found.width * found.height))


def laid_out(boxes: list[Box], contents: Mapping[str, Sized], direction: str) -> Layout:
    """Return where Graphviz puts boxes of these sizes."""
    scopes: dict[str, str] = {}
    apart = 'nodesep="0.2" ranksep="0.36"' if direction == "TB" else 'nodesep="0.16" ranksep="0.5"'
    rounds = 0.1 if len(boxes) > 1000 else 0.5
    quick = f"nslimit={rounds} nslimit1={rounds} mclimit={rounds / 5:g} " if len(boxes) >= MANY else ""
    graph = f'graph [rankdir={direction} {apart} {quick}pad="0.12"]'
    lines = [f"digraph {{ {graph}", 'node [shape=box label="" fixedsize=true]']
    lines += _scope_lines((), boxes, contents, scopes, _neurons(boxes))
    for i, (source, box) in enumerate(uses(boxes)):
        # An arrow into another layer leaves a row between for its weights: else layers stand beside each other.
        into = box.scope and source.scope != box.scope and source.kind in ("result", "output")
        length = "0" if source.beside else "2" if into else "1"
        lines.append(f"{source.id} -> {box.id} [id=e{i} arrowsize=0.6 minlen={length}]")
    svg = render("\n".join([*lines, "}"]), "svg").decode()
    width, height = (float(n) for n in re.findall(r'viewBox="0\.00 0\.00 ([\d.]+) ([\d.]+)"', svg)[0])
    dx, dy = (float(n) for n in re.findall(r"translate\(([-\d.]+) ([-\d.]+)\)", svg)[0])
    nodes, edges, clusters = {}, {}, []
    for identity, kind, body in re.findall(r'<g id="(\w+)" class="(node|edge|cluster)">(.*?)</g>', svg, re.DOTALL):
        points = [_points(d, dx, dy) for d in re.findall(r' (?:d|points)="([^"]*)"', body)]
        if kind == "edge":
            edges[identity] = points[0], points[1]
            continue
        if not points:  # what holds a neuron together has no outline
            continue
        xs, ys = zip(*points[0], strict=True)
        left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
        if kind == "node":
            nodes[identity] = ((left + right) / 2, (top + bottom) / 2)
        else:
            title = re.findall(r"<title>(\w+)</title>", body)[0]
            clusters.append((scopes[title], (left, top, right, bottom)))
    sizes = {identity: (content.width, content.height) for identity, content in contents.items()}
    return Layout(round(width), round(height), nodes, edges, clusters, sizes)


def _neurons(boxes: list[Box]) -> dict[str, str]:
    """Return, for single numbers that lead to one result alone, its id: so a neuron's weights stay beside each other.

    Only where there are several such results in a scope, each of several leaves.
    """
    uses = Counter(source for box in boxes for source in box.inputs)
    user = {source: box for box in boxes for source in box.inputs}
    root: dict[Box, Box] = {}
    for box in reversed(boxes):
        alone = uses[box] == 1 and box.shape == () and box.scope == user[box].scope
        root[box] = root[user[box]] if alone else box
    leaves = Counter(root[box] for box in boxes if box.kind == "leaf" and root[box].shape == ())
    several = Counter(box.scope for box, count in leaves.items() if count > 1)
    return {box.id: r.id for box, r in root.items() if leaves[r] > 1 and several[r.scope] > 1}


def _scope_lines(
    scope: tuple[str, ...],
    boxes: list[Box],
    contents: Mapping[str, Sized],
    scopes: dict[str, str],
    roots: Mapping[str, str],
) -> list[str]:
    depth = len(scope)
    neurons: dict[str, list[str]] = defaultdict(list)
    for box in boxes:
        if box.scope == scope:
            size = f"width={contents[box.id].width / 72:.3f} height={contents[box.id].height / 72:.3f}"
            neurons[roots.get(box.id, "")].append(f"{box.id} [id={box.id} {size}]")
    lines = neurons.pop("", [])
    for root, neuron in neurons.items():
        lines += [f'subgraph cluster_of_{root} {{ graph [label="" peripheries=0 margin=3]', *neuron, "}"]
    for name in dict.fromkeys(box.scope[depth] for box in boxes if len(box.scope) > depth):
        inner = (*scope, name)
        members = [box for box in boxes if box.scope[: depth + 1] == inner]
        title = f"cluster_{members[0].id}_{depth}"
        scopes[title] = clip(plain(name), 40)
        room = "n" * round(wide(scopes[title], 12, True) / 6.5 + 1)
        lines.append(f'subgraph {title} {{ graph [label="{room}" labeljust=l fontname=Arial fontsize=12 margin=9]')
        lines += [*_scope_lines(inner, members, contents, scopes, roots), "}"]
    return lines


def _points(d: str, dx: float, dy: float) -> list[tuple[float, float]]:
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", d)]
    return [(x + dx, y + dy) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def cluster(place: tuple[float, float, float, float]) -> str:
    """Return the ground that a scope stands on."""
    left, top, right, bottom = (round(n) for n in place)
    return f'<rect class="scope" x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" rx="9"/>'


def heading(name: str, place: tuple[float, float, float, float]) -> str:
    """Return a scope's name, which stands over the arrows that cross it."""
    left, top, _, _ = (round(n) for n in place)
    return f'<text class="scope" x="{left + 9}" y="{top + 17}">{escape(name)}</text>'


def _edge(i: int, source: Box, layout: Layout) -> str:
    return f'<g id="e{i}" class="e f{_flow(source)}">{arrow(i, layout)}</g>'


def arrow(i: int, layout: Layout) -> str:
    """Return the line and the head of an arrow."""
    line, head = layout.edges[f"e{i}"]
    start, *curve = (f"{x:.0f} {y:.0f}" for x, y in line)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in head[:3])
    return f'<path d="M{start}C{" ".join(curve)}"/><polygon points="{points}"/>'


def _flow(source: Box) -> str:
    """Return whether a gradient flows, as `draw` does by colour; its size is told by the numbers."""
    return "0" if source.gradient is None or rms(source.gradient) == 0 else "1"


class _Taken:
    """Rectangles, found by where they are: left, top, right, bottom."""

    def __init__(self, rectangles: Iterable[_Rectangle]) -> None:
        self.of: dict[tuple[int, int], list[_Rectangle]] = defaultdict(list)
        for rectangle in rectangles:
            for square in _squares(rectangle):
                self.of[square].append(rectangle)

    def __contains__(self, rectangle: _Rectangle) -> bool:
        """Return whether a rectangle lies on any of them."""
        return any(_meet(rectangle, other) for square in _squares(rectangle) for other in self.of.get(square, ()))


def _squares(rectangle: _Rectangle) -> list[tuple[int, int]]:
    left, top, right, bottom = (int(side // SQUARE) for side in rectangle)
    return [(i, j) for i in range(left, right + 1) for j in range(top, bottom + 1)]


def _meet(a: _Rectangle, b: _Rectangle) -> bool:
    return not (a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1])


def _placed(labels: list[Label], layout: Layout) -> list[tuple[str, str, int, int]]:
    """Return those labels that find room on their arrows, off the boxes and off each other."""
    nodes = ((layout.nodes[key], layout.sizes[key]) for key in layout.nodes)
    boxes = [(x - w / 2 - 1, y - h / 2 - 1, x + w / 2 + 1, y + h / 2 + 1) for (x, y), (w, h) in nodes]
    headings = [(left, top, left + wide(name, 12, True) + 9, top + 20) for name, (left, top, _, _) in layout.clusters]
    taken = _Taken([*boxes, *headings])
    kept: list[tuple[str, str, int, int]] = []
    said: list[_Rectangle] = []
    step = -1
    for label in labels:
        if label.step != step:  # labels of other steps are not shown
            step, said = label.step, []
        half = wide(label.text, 11, True) / 2 + 2
        for share in (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8):
            x, y = _along(layout.edges[label.edge][0], share)
            box = (x - half, y - 7, x + half, y + 7)
            inside = box[0] >= 0 and box[2] <= layout.width
            if inside and box not in taken and not any(_meet(box, other) for other in said):
                said.append(box)
                kept.append((label.edge, label.text, round(x), round(y + 4)))
                break
    return kept


def _along(line: list[tuple[float, float]], share: float) -> tuple[float, float]:
    """Return a point of a chain of Bezier curves."""
    pieces = (len(line) - 1) // 3
    i = min(int(share * pieces), pieces - 1)
    t = share * pieces - i
    ends = line[3 * i : 3 * i + 4]
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x, y = (sum(w * p[axis] for w, p in zip(weights, ends, strict=True)) for axis in (0, 1))
    return x, y
