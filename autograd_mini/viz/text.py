"""A picture for the terminal: a tree from the result down to its operands, with the same numbers."""

from __future__ import annotations

from .arrays import clip, plain, summary
from .boxes import Box

__all__ = ["tree"]

WIDEST = 64  # of the first column


def tree(boxes: list[Box], end: str, heading: str) -> str:
    """Return the boxes as a tree; what was shown before is not repeated."""
    rows = [("", "shape", "value", f"gradient of {plain(clip(end, 16))}")]
    seen: set[str] = set()
    stack = [(boxes[-1], "", "")]
    while stack:
        box, first, rest = stack.pop()
        if box.id in seen:
            rows.append((f"{first}{plain(box.name)} (above)", "", "", ""))
            continue
        seen.add(box.id)
        rows.append((first + _label(box), str(box.shape or ""), *_numbers(box)))
        stack.extend(reversed(_branches(box, rest)))
    width = min(max(len(row[0]) for row in rows), WIDEST)
    shape = max(len(row[1]) for row in rows)
    value = max(len(row[2]) for row in rows)
    lines = [f"{a:{width}}  {b:{shape}}  {c:{value}}  {d}".rstrip() for a, b, c, d in rows]
    return "\n".join([heading, *lines])


def _branches(box: Box, prefix: str) -> list[tuple[Box, str, str]]:
    """Return the operands with their lines' beginnings; a single operand stands right below, so chains stay narrow."""
    if len(box.inputs) == 1:
        return [(box.inputs[0], prefix, prefix)]
    last = len(box.inputs) - 1
    return [
        (source, prefix + ("└─ " if i == last else "├─ "), prefix + ("   " if i == last else "│  "))
        for i, source in enumerate(box.inputs)
    ]


def _label(box: Box) -> str:
    name = plain("/".join((*box.scope, box.name)))
    return f"{name} = {plain(box.expression)}" if box.expression else name


def _numbers(box: Box) -> tuple[str, str]:
    value = box.missing if box.value is None else summary(box.value)
    return value, "–" if box.gradient is None else summary(box.gradient)
