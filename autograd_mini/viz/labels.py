"""The label of a box, in Graphviz's HTML-like tables: name, how it was computed, value beside gradient."""

from __future__ import annotations

from functools import cache
from html import escape
from itertools import repeat
from typing import Any

import numpy as np

from .arrays import CELLS, clip, faults, few, levels, matrix, number, plain, rms, thumbnail
from .boxes import Box
from .theme import STEPS, Theme

__all__ = ["FEWEST", "font", "label"]

CELL = 10  # side of a thumbnail's cell
REMARK = 60  # characters
FEWEST = 2  # cells on a side, in graphs of many arrays
NOT_KEPT = ("not kept: record", "under ag.keep()")
TUPLE = ("a tuple: see", "what is taken out")
GONE = ("not kept:", "its Tensor is gone")


def label(box: Box, theme: Theme, cells: int = CELLS) -> str:
    """Return a box's label; an array as at most `cells` by `cells`, and without numbers if that is 2."""
    shape = f" {font(str(box.shape), 8, theme.muted)}" if box.shape else ""
    rows = [_row(_cell(font(clip(box.name, 24), 12, theme.ink, bold=True) + shape, COLSPAN=3))]
    if box.expression:
        rows.append(_row(_cell(font(clip(box.expression, 36), 10, theme.muted), COLSPAN=3)))
    sign = font("∂", 10, theme.gradient) if _written_out(box.gradient, cells) else ""
    pictures = _cells(box.value, theme, cells) or _missing(box, theme), sign, _cells(box.gradient, theme, cells)
    lines = _value_line(box, theme, cells), "", _gradient_line(box, theme, cells)
    for left, middle, right in (pictures, lines):
        if left or right:
            rows.append(_row(_cell(left) + _cell(middle, WIDTH=8) + _cell(right)))
    weights = [
        (source, words) for source, words in zip(box.inputs, box.locals or (), strict=False) if source.within is box
    ]
    rows += [_row(_cell(font(words, 9, ink), COLSPAN=3)) for words, ink in _remarks(box, theme)]
    table = _table(rows, CELLPADDING=1)
    if weights:
        table = _table([_row(_cell(_weights(weights, theme)) + _cell("", WIDTH=6) + _cell(table))])
    return f"<{table}>"


def _remarks(box: Box, theme: Theme) -> list[tuple[str, str]]:
    """Return what is said of values that a box stands for, and in which ink: it must not hide what is not finite."""
    return [
        (clip(words, REMARK), theme.fault if "not finite" in words else theme.gradient)
        for words in (*box.remark.split("; "), *box.alarm.split("; "))
        if words
    ]


def _weights(weights: list[tuple[Box, str]], theme: Theme) -> str:
    """Return the weights that enter a neuron, a line for each: its value, its gradient, and the local derivative."""
    rows = []
    for box, words in weights:
        *formula, local = words.split("\n")
        product = font(f"× {' '.join(formula)} ", 8, theme.muted) if formula else font("× ", 8, theme.muted)
        cells = [
            font(clip(box.name, 24), 10, theme.ink, bold=True),
            font(box.missing if box.value is None else number(box.value), 10, _ink(box.value, theme.value, theme)),
            font(
                "∂ " + ("–" if box.gradient is None else number(box.gradient)),
                10,
                _ink(box.gradient, theme.gradient, theme),
            ),
            product + font(local, 9, theme.local),
        ]
        tip = escape(f"{box.name}; value {number(box.value)}; ∂ {number(box.gradient)}")
        name, *others = (
            _cell(
                words,
                ALIGN="LEFT",
                BGCOLOR=theme.leaf,
                CELLPADDING=2,
                **({"PORT": box.id, "ID": box.id, "TITLE": tip} if i == 0 else {}),
            )
            for i, words in enumerate(cells)
        )
        rows.append(_row(name + "".join(others)))
    return _table(rows, CELLSPACING=1)


def font(words: str, size: int, colour: str, bold: bool = False) -> str:
    """Return words, whatever characters they hold, as a piece of a label."""
    words = escape(plain(words)) or " "
    return f'<FONT POINT-SIZE="{size}" COLOR="{colour}">{f"<B>{words}</B>" if bold else words}</FONT>'


def _missing(box: Box, theme: Theme) -> str:
    made = box.kind in ("leaf", "constant")  # by the user: what holds the value is the Tensor
    reason = () if box.value is not None else TUPLE if box.dtype is None else GONE if made else NOT_KEPT
    return "<BR/>".join(font(line, 8, theme.muted) for line in reason)


def _value_line(box: Box, theme: Theme, cells: int) -> str:
    if box.value is None or _written_out(box.value, cells):
        return ""
    return font(_size(box.value, box.said[0]), 10, _ink(box.value, theme.value, theme))


def _gradient_line(box: Box, theme: Theme, cells: int) -> str:
    if box.dtype is None:  # a tuple
        return ""
    if box.gradient is None:
        return font("∂ –", 10, theme.muted)
    if _written_out(box.gradient, cells):
        return ""
    return font(f"∂ {_size(box.gradient, box.said[1])}", 10, _ink(box.gradient, theme.gradient, theme))


def _ink(a: Any, usual: str, theme: Theme) -> str:
    return usual if np.isfinite(a).all() else theme.fault


def _size(a: Any, said: str) -> str:
    """Return what is said of an array; of a few numbers their size, since they are cells."""
    return said if np.size(a) <= 1 or not few(a) else faults(a) or f"rms {number(rms(a))}"


def _written_out(a: Any, cells: int) -> bool:
    return a is not None and np.size(a) > 1 and cells > FEWEST and few(a)


def _cells(a: Any, theme: Theme, cells: int) -> str:
    """Return an array as coloured cells, with their numbers where they fit; nothing for a single number."""
    if a is None or np.size(a) <= 1:
        return ""
    if _written_out(a, cells):
        lines = zip(matrix(a), levels(matrix(a)), strict=True)
        return _table([_row("".join(map(_number_cell, *line, repeat(theme)))) for line in lines], CELLSPACING=1)
    steps = levels(thumbnail(a, cells))
    height, width = ((CELL + 1) * n + 1 for n in (len(steps), len(steps[0])))  # else Graphviz pulls the cells apart
    rows = [_row("".join(_heat_cell(step, theme) for step in line)) for line in steps]
    return _table(rows, CELLSPACING=1, FIXEDSIZE="TRUE", WIDTH=width, HEIGHT=height)


def _number_cell(x: Any, step: int | None, theme: Theme) -> str:
    """Return a cell with its number, coloured by its step; violet for NaN and inf."""
    fill = theme.fault if step is None else theme.heat[step + STEPS]
    ink = theme.on_fault if step is None else theme.on(step)
    return _cell(font(number(x), 9, ink), BGCOLOR=fill, CELLPADDING=2, WIDTH=18)


@cache  # the same few cells make up every thumbnail
def _heat_cell(step: int | None, theme: Theme) -> str:
    """Return a small cell, coloured by its step; for NaN and inf a violet one with a cross."""
    side = {"FIXEDSIZE": "TRUE", "WIDTH": CELL, "HEIGHT": CELL}
    if step is None:
        return _cell(font("×", 7, theme.on_fault, bold=True), BGCOLOR=theme.fault, **side)
    return _cell("", BGCOLOR=theme.heat[step + STEPS], **side)


def _table(rows: list[str], **attributes: Any) -> str:
    usual = {"BORDER": 0, "CELLBORDER": 0, "CELLSPACING": 0, "CELLPADDING": 0}
    return f"<TABLE{_attributes(usual | attributes)}>{''.join(rows)}</TABLE>"


def _row(cells: str) -> str:
    return f"<TR>{cells}</TR>"


def _cell(content: str, **attributes: Any) -> str:
    return f"<TD{_attributes(attributes)}>{content}</TD>"


def _attributes(attributes: dict[str, Any]) -> str:
    return "".join(f' {key}="{value}"' for key, value in attributes.items())
