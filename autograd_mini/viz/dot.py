"""Boxes to DOT: what Graphviz is told, built with the `graphviz` package."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .arrays import CELLS, clip, plain, rms
from .boxes import Box
from .formulas import formulas
from .labels import FEWEST, font, label
from .theme import DECADES, Theme

if TYPE_CHECKING:
    from graphviz import Digraph

__all__ = ["digraph"]

MOST_CELLS = 6_000  # in a picture
RULE = 32  # characters of a rule on an arrow
SPACE = "\u00a0\u00a0"  # between it and the arrow
DEEP = 7  # values in a row; a longer graph goes from top to bottom, as a page does


def digraph(
    boxes: list[Box],
    end: str,
    theme: Theme,
    title: str | None,
    rankdir: str | None,
    notes: Mapping[str, str],
    rules: bool,
) -> Digraph:
    """Return the picture as a Digraph whose ids are n0, n1, ... and e0, e1, ..., the same in every run."""
    from graphviz import Digraph  # here, for it takes as long to import as the whole engine

    dot = Digraph("graph", node_attr={"shape": "box", "fontname": "Arial", "margin": ".08,.04"})
    dot.attr("edge", fontname="Arial")
    neurons = any(box.within for box in boxes)
    rankdir = rankdir or ("TB" if neurons or _depth(boxes) > DEEP else "LR")
    level = rankdir in ("LR", "RL")  # most arrows are
    dot.attr(
        rankdir=rankdir,
        bgcolor=theme.paper,
        fontname="Arial",
        nodesep="0.22",
        ranksep="0.42",
        pad="0.15",
        label=_caption(boxes, end, theme, title),
        labelloc="t",
    )
    styles = _styles(boxes, theme)
    _add_scope(dot, (), boxes, theme, styles, notes, _cells(boxes))
    uses = [(source, box, i) for box in boxes for i, source in enumerate(box.inputs)]
    for box in boxes:
        if box.after is not None and not box.within:
            dot.edge(box.after.id, box.id, style="invis", minlen="0", weight="0")
    for i, (source, box, where) in enumerate(uses):
        if source.within is box:
            continue
        flat = {"minlen": "0"} if source.beside else {}
        if rules and box.locals is not None:
            flat["label"] = f"<{_lines(box.locals[where], theme)}>"
        elif rules and (rule := _rule(source, box, where)):
            flat["label"] = f"<{_beside(clip(rule, RULE), level, source.beside, theme)}>"
        tip = f"{source.name} → {box.name}: ∂ {source.said[1]}"
        head = f"{box.id}:{port}:w" if (port := _port(source, box)) and rankdir == "LR" else box.id
        dot.edge(source.id, head, id=f"e{i}", arrowsize="0.7", tooltip=_literal(tip), **styles[source], **flat)
    return dot


def _add_scope(
    dot: Digraph,
    scope: tuple[str, ...],
    boxes: list[Box],
    theme: Theme,
    styles: dict[Box, dict[str, str]],
    notes: Mapping[str, str],
    cells: int,
) -> None:
    """Add the boxes of one scope, and a cluster for each scope in it."""
    depth = len(scope)
    for box in boxes:
        if box.scope == scope and not box.group and not box.within:
            _add_box(dot, box, theme, styles, cells)
    for group in dict.fromkeys(box.group for box in boxes if box.scope == scope and box.group):
        with dot.subgraph(name=f"cluster_group_{group}") as cluster:
            cluster.attr(label="", style="rounded,dashed", color=theme.group_line, **{"class": "group"})
            for box in boxes:
                if box.group == group and box.scope == scope:
                    _add_box(cluster, box, theme, styles, cells)
    inside: dict[str, list[Box]] = defaultdict(list)
    for box in boxes:
        if len(box.scope) > depth:
            inside[box.scope[depth]].append(box)
    for name, members in inside.items():
        inner = (*scope, name)
        lines = [
            font(line, 10, theme.fault if "∂ not finite" in line else theme.muted)
            for line in notes.get("/".join(inner), "").splitlines()
        ]
        left = '<BR ALIGN="LEFT"/>'
        heading = left.join([font(name, 11, theme.ink, bold=True), *lines]) + left * bool(lines)
        with dot.subgraph(name=f"cluster_{members[0].id}_{depth}") as cluster:
            cluster.attr(label=f"<{heading}>", labelloc="t", labeljust="l", **{"class": "scope"})
            cluster.attr(style="rounded,filled", fillcolor=theme.group, color=theme.group_line)
            _add_scope(cluster, inner, members, theme, styles, notes, cells)


def _cells(boxes: list[Box]) -> int:
    """Return how many cells an array may have on a side: the renderer takes its time for each."""
    arrays = sum(a is not None and np.size(a) > 1 for box in boxes for a in (box.value, box.gradient))
    return next((side for side in range(CELLS, FEWEST, -1) if arrays * side * side <= MOST_CELLS), FEWEST)


def _add_box(dot: Digraph, box: Box, theme: Theme, styles: dict[Box, dict[str, str]], cells: int) -> None:
    fill = {"style": "rounded,filled", "fillcolor": getattr(theme, box.kind), "class": box.kind}
    line = {"color": theme.fault if "not finite" in box.remark + box.alarm else styles[box]["color"], "penwidth": "1.4"}
    dot.node(box.id, label(box, theme, cells), id=box.id, tooltip=_literal(_sentence(box)), **fill, **line)


def _port(source: Box, box: Box) -> str:
    """Return which weight of a neuron a number is multiplied by: its arrow ends there."""
    for weight, words in zip(box.inputs, box.locals or (), strict=False):
        if weight.within is box and words.split("\n")[0] == source.name:
            return weight.id
    return ""


def _lines(words: str, theme: Theme) -> str:
    """Return what a single number's use says: what the local derivative is made of, and its value."""
    *formula, value = words.split("\n")
    ink = theme.fault if "NaN" in value or "inf" in value else theme.local
    return "<BR/>".join([*(font(f" {line} ", 8, theme.muted) for line in formula), font(f" {value} ", 9, ink)])


def _rule(source: Box, box: Box, where: int) -> str:
    """Return what a use sends back, with ∂ for the cotangent that comes in; nothing where that is passed on as is."""
    if source.gradient is None or box.gradient is None or box.node is None or source.node is None:
        return ""
    formula, _ = formulas(box, box.places[where], source.node)
    for other in box.inputs:
        if other.members:  # "layer1: h1" is h1 in a formula
            formula = formula.replace(other.name, other.name.rpartition(": ")[2])
    *lines, result = formula.replace(f"d_{box.name}", "∂").replace("np.", "").split("; ")
    return "" if result == "∂" or (lines and result.isidentifier()) else result.replace(" - ", " − ")


def _beside(rule: str, level: bool, flat: bool, theme: Theme) -> str:
    """Return a label that stands clear of its arrow, which it is else set upon: above it, or to its right."""
    if level and flat:  # the arrow goes down, and Graphviz sets the middle of the label on it
        text = font(rule, 9, theme.gradient)
        cells = f'<TD WIDTH="{5 * len(rule) + 28}"></TD><TD ALIGN="LEFT">{text}</TD>'
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cells}</TR></TABLE>'
    if not level and not flat:
        return font(f"{SPACE}{rule}{SPACE}", 9, theme.gradient)
    return f"{font(f'{SPACE}{rule}{SPACE}', 9, theme.gradient)}<BR/>{font(' ', 4, theme.gradient)}"


def _depth(boxes: list[Box]) -> int:
    """Return how many values stand one after the other."""
    depth: dict[Box, int] = {}
    for box in boxes:
        depth[box] = max((depth.get(source, 0) + (not source.beside) for source in box.inputs), default=1)
    return max(depth.values())


def _styles(boxes: list[Box], theme: Theme) -> dict[Box, dict[str, str]]:
    """Return how lines from each box are drawn: thicker and stronger with each factor of ten of its gradient's size."""
    sizes = {box: None if box.gradient is None else rms(box.gradient) for box in boxes}
    largest = max((size for size in sizes.values() if size and math.isfinite(size)), default=1.0)
    return {box: _style(size, largest, theme) for box, size in sizes.items()}


def _style(size: float | None, largest: float, theme: Theme) -> dict[str, str]:
    if not size:
        return {"color": theme.no_flow, "penwidth": "0.8"} | (
            {"style": "dotted", "penwidth": "1.6"} if size == 0 else {"style": "solid"}
        )
    if not math.isfinite(size):
        return {"color": theme.fault, "penwidth": "3"}
    step = max(0, DECADES + math.floor(math.log10(size) - math.log10(largest)))
    return {"color": theme.flow[step], "penwidth": f"{0.8 + 0.4 * step:.1f}"}


def _sentence(box: Box) -> str:
    """Return what a pointer that rests on the box is told."""
    name = "/".join((*box.scope, box.name))
    expression = f" = {box.expression}" if box.expression else ""
    return f"{name}{expression}; {box.shape} {box.dtype}; value {box.said[0]}; ∂ {box.said[1]}"


def _caption(boxes: list[Box], end: str, theme: Theme, title: str | None) -> str:
    """Return the title and the legend."""
    end = clip(end, 16)
    lines = [font(title, 14, theme.ink, bold=True)] if title else []
    if boxes[-1].gradient is None:
        lines.append(font(f"no gradients: {end} is not a scalar, and no cotangent= was given", 9, theme.muted))
    else:
        lines.append(font("value  ", 9, theme.value) + font(f"  ∂ gradient of {end}", 9, theme.gradient))
        if any(box.locals for box in boxes):
            lines[-1] += font("  local derivative", 9, theme.local)
        lines.append(font("thick lines: large gradient (log scale)", 9, theme.muted))
    if any(a is not None and np.size(a) > 1 for box in boxes for a in (box.value, box.gradient)):
        lines.append(font("cells: blue below 0, orange above", 9, theme.muted))
    return f"<{'<BR/>'.join(lines)}>"


def _literal(words: str) -> str:
    """Return words as an attribute that Graphviz takes as they are."""
    from graphviz import escape

    return escape(plain(words))  # type: ignore[no-any-return]
