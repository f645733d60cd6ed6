"""Boxes to DOT: what Graphviz is told, built with the `graphviz` package."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from .boxes import Box, clip
from .numbers import few, levels, matrix, number, rms, summary, thumbnail
from .theme import DECADES, STEPS, STRONG, Theme

if TYPE_CHECKING:
    from graphviz import Digraph

__all__ = ["digraph"]

DEEP = 7  # values in a row; a longer graph goes from top to bottom, as a page does
NOT_KEPT = ("not kept: record", "under ag.keep()")
CELL = 10  # side of a thumbnail's cell
GONE = ("not kept:", "its Tensor is gone")


def digraph(
    boxes: list[Box], end: str, theme: Theme, title: str | None, rankdir: str | None, notes: Mapping[str, str]
) -> Digraph:
    """Return the picture as a Digraph whose ids are n0, n1, ... and e0, e1, ..., the same in every run."""
    from graphviz import Digraph, escape as literal

    dot = Digraph(title or f"graph of {end}", node_attr={"shape": "box", "fontname": "Arial", "margin": "0.08,0.04"})
    dot.attr(
        rankdir=rankdir or ("TB" if _depth(boxes) > DEEP else "LR"),
        bgcolor=theme.paper,
        fontname="Arial",
        nodesep="0.22",
        ranksep="0.42",
        pad="0.15",
        label=_caption(boxes, end, theme, title),
        labelloc="t",
    )
    sizes = _flows(boxes)
    _group(dot, (), boxes, theme, sizes, notes)
    count = 0
    for box in boxes:
        for source in box.inputs:
            line, width, style = _line(sizes[source.id], theme)
            flat = {"minlen": "0"} if source.beside else {}
            dot.edge(
                source.id,
                box.id,
                id=f"e{count}",
                color=line,
                penwidth=width,
                style=style,
                arrowsize="0.7",
                tooltip=literal(_plain(f"{source.name} → {box.name}: ∂ {_gradient_size(source)}")),
                **flat,
            )
            count += 1
    return dot


def _depth(boxes: list[Box]) -> int:
    """Return how many values stand one after the other."""
    depth: dict[Box, int] = {}
    for box in boxes:
        depth[box] = max((depth.get(source, 0) + (not source.beside) for source in box.inputs), default=1)
    return max(depth.values())


# --- groups and nodes ---------------------------------------------------------------------------------------------


def _group(
    dot: Digraph, scope: tuple[str, ...], boxes: list[Box], theme: Theme, sizes: dict[str, Any], notes: Mapping[str, str]
) -> None:
    """Add the boxes of one scope, and a cluster for each scope in it."""
    from graphviz import escape as literal

    depth = len(scope)
    for box in boxes:
        if len(box.scope) == depth:
            line, _, _ = _line(sizes[box.id], theme)
            dot.node(
                box.id,
                _label(box, theme),
                id=box.id,
                **{"class": box.kind},
                style="rounded,filled",
                fillcolor=getattr(theme, box.kind),
                color=line,
                penwidth="1.4",
                tooltip=literal(_plain(_sentence(box))),
            )
    for name in dict.fromkeys(box.scope[depth] for box in boxes if len(box.scope) > depth):
        inner = (*scope, name)
        with dot.subgraph(name=f"cluster_{'/'.join(inner)}") as cluster:
            heading = _text(name, 11, theme.ink, bold=True)
            for line in notes.get("/".join(inner), "").splitlines():
                heading += f"<BR/>{_text(line, 10, theme.muted)}"
            cluster.attr(
                label=f"<{heading}>",
                labelloc="t",
                style="rounded,filled",
                fillcolor=theme.group,
                color=theme.group_line,
                **{"class": "scope"},
            )
            _group(cluster, inner, [b for b in boxes if b.scope[: depth + 1] == inner], theme, sizes, notes)


def _label(box: Box, theme: Theme) -> str:
    """Return a box's label: name and shape, how it was computed, value beside gradient."""
    shape = f" {_text(str(box.shape), 8, theme.muted)}" if box.shape else ""
    rows = [_row(_cell(_text(clip(box.name, 24), 12, theme.ink, bold=True) + shape, COLSPAN=3))]
    if box.expression:
        rows.append(_row(_cell(_text(clip(box.expression, 36), 10, theme.muted), COLSPAN=3)))
    cells, value, gradient = _cells(box.value, theme), _value_line(box, theme), _gradient_line(box, theme)
    sign = _text("∂", 10, theme.gradient) if _numbers_fit(box.gradient) else ""
    for left, middle, right in ((cells, sign, _cells(box.gradient, theme)), (value, "", gradient)):
        if left or right:
            rows.append(_row(_cell(left) + _cell(middle, WIDTH=8) + _cell(right)))
    return f"<{_table(rows, CELLPADDING=1)}>"


def _value_line(box: Box, theme: Theme) -> str:
    if box.value is None:
        reason = NOT_KEPT if box.expression or box.kind == "constant" else GONE
        return "<BR/>".join(_text(line, 8, theme.muted) for line in reason)
    return "" if _numbers_fit(box.value) else _text(summary(box.value), 10, _ink(box.value, theme.value, theme))


def _gradient_line(box: Box, theme: Theme) -> str:
    if box.gradient is None:
        return _text("∂ –", 10, theme.muted)
    if _numbers_fit(box.gradient):
        return ""
    return _text(f"∂ {summary(box.gradient)}", 10, _ink(box.gradient, theme.gradient, theme))


def _ink(a: Any, usual: str, theme: Theme) -> str:
    return usual if np.isfinite(a).all() else theme.fault


def _numbers_fit(a: Any) -> bool:
    return a is not None and np.size(a) > 1 and few(a)


# --- arrays as cells ----------------------------------------------------------------------------------------------


def _cells(a: Any, theme: Theme) -> str:
    """Return an array as coloured cells, with their numbers where they fit; nothing for a single number."""
    if a is None or np.size(a) <= 1:
        return ""
    if _numbers_fit(a):
        rows = zip(matrix(a), levels(matrix(a)), strict=True)
        return _table([_row("".join(map(_heat_number, *row, repeat(theme)))) for row in rows], CELLSPACING=1)
    steps = levels(thumbnail(a))
    height, width = ((CELL + 1) * n + 1 for n in (len(steps), len(steps[0])))  # else Graphviz pulls the cells apart
    rows_ = [_row("".join(_heat(step, theme) for step in row)) for row in steps]
    return _table(rows_, CELLSPACING=1, FIXEDSIZE="TRUE", WIDTH=width, HEIGHT=height)


def _heat_number(x: Any, step: int | None, theme: Theme) -> str:
    """Return a cell with its number, coloured by its step; violet for NaN and inf."""
    fill = theme.fault if step is None else theme.heat[step + STEPS]
    ink = theme.on_fault if step is None else theme.on_heat[abs(step) >= STRONG]
    return _cell(_text(number(x), 9, ink), BGCOLOR=fill, CELLPADDING=2)


def _heat(step: int | None, theme: Theme) -> str:
    """Return a small cell, coloured by its step; for NaN and inf a violet one with a cross."""
    size = {"FIXEDSIZE": "TRUE", "WIDTH": CELL, "HEIGHT": CELL}
    if step is None:
        return _cell(_text("×", 7, theme.on_fault, bold=True), BGCOLOR=theme.fault, **size)
    return _cell("", BGCOLOR=theme.heat[step + STEPS], **size)


def _table(rows: list[str], **attributes: Any) -> str:
    fixed = {"BORDER": 0, "CELLBORDER": 0, "CELLSPACING": 0, "CELLPADDING": 0} | attributes
    return f"<TABLE{_attributes(fixed)}>{''.join(rows)}</TABLE>"


def _row(cells: str) -> str:
    return f"<TR>{cells}</TR>"


def _cell(content: str, **attributes: Any) -> str:
    return f"<TD{_attributes(attributes)}>{content}</TD>"


def _attributes(attributes: dict[str, Any]) -> str:
    return "".join(f' {key}="{value}"' for key, value in attributes.items())


def _text(text: str, size: int, colour: str, bold: bool = False) -> str:
    words = escape(_plain(text)) or " "
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{f"<B>{words}</B>" if bold else words}</FONT>'


def _plain(text: str) -> str:
    """Replace what XML may not hold, and line breaks, by spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


# --- the size of gradients ----------------------------------------------------------------------------------------


def _flows(boxes: list[Box]) -> dict[str, int | str]:
    """Return for each box a step from 0 to 5, one per factor of ten below the largest; or "none", "zero", "fault"."""
    sizes = {box.id: None if box.gradient is None else rms(box.gradient) for box in boxes}
    largest = max((s for s in sizes.values() if s and math.isfinite(s)), default=1.0)

    def step(size: float | None) -> int | str:
        if size is None:
            return "none"
        if size == 0:
            return "zero"
        return max(0, DECADES + math.floor(math.log10(size / largest))) if math.isfinite(size) else "fault"

    return {key: step(size) for key, size in sizes.items()}


def _line(flow: int | str, theme: Theme) -> tuple[str, str, str]:
    """Return colour, width and style of the lines of a box and of the edges that leave it."""
    if isinstance(flow, int):
        return theme.flow[flow], f"{0.8 + 0.45 * flow:.2f}", "solid"
    return {
        "none": (theme.no_flow, "0.80", "solid"),
        "zero": (theme.no_flow, "0.80", "dotted"),
        "fault": (theme.fault, "3.05", "solid"),
    }[flow]


def _gradient_size(box: Box) -> str:
    return "–" if box.gradient is None else summary(box.gradient)


def _sentence(box: Box) -> str:
    """Return what a pointer resting on the box is told."""
    name = "/".join((*box.scope, box.name))
    value = "not kept" if box.value is None else summary(box.value)
    expression = f" = {box.expression}" if box.expression else ""
    return f"{name}{expression}; {box.shape} {box.dtype}; value {value}; ∂ {_gradient_size(box)}"


def _caption(boxes: list[Box], end: str, theme: Theme, title: str | None) -> str:
    """Return the title and the legend."""
    legend = [_text("value", 9, theme.value)]
    if boxes[-1].gradient is None:
        legend.append(_text(f"no gradients: {end} is not a scalar and no cotangent= was given", 9, theme.muted))
    else:
        legend.append(_text(f"∂ gradient of {clip(end, 16)}", 9, theme.gradient))
        legend.append(_text("thick lines: large gradient (log scale)", 9, theme.muted))
    if any(np.size(a) > 1 for box in boxes for a in (box.value, box.gradient)):
        legend.append(_text("blue below 0, orange above", 9, theme.muted))
    heading = _text(title, 14, theme.ink, bold=True) + "<BR/>" if title else ""
    return f"<{heading}{_text('   ·   ', 9, theme.muted).join(legend)}>"
