"""A picture for the terminal: a tree from the result down to its operands, with the same numbers."""

from __future__ import annotations

from .arrays import clip, plain
from .boxes import Box

__all__ = ["tree"]

WIDEST = 64  # of the first column


def tree(boxes: list[Box], end: str, heading: str) -> str:
    """Return the boxes as a tree; what was shown before is not repeated."""
    scalars = any(box.locals is not None for box in boxes)
    rows = [("", "local" if scalars else "shape", "value", f"gradient of {plain(clip(end, 16))}")]
    seen: set[str] = set()
    used = {source for box in boxes for source in box.inputs}
    stack = [(box, "", "", "") for box in reversed(boxes) if box not in used]
    while stack:
        box, first, rest, local = stack.pop()
        if box.id in seen:
            rows.append((f"{first}{plain(box.name)} (above)", local, "", ""))
            continue
        seen.add(box.id)
        rows.append((first + _label(box), local if scalars else str(box.shape or ""), *box.said))
        stack.extend(reversed(_branches(box, rest)))
    width = min(max(len(row[0]) for row in rows), WIDEST)
    shape = max(len(row[1]) for row in rows)
    value = max(len(row[2]) for row in rows)
    lines = [f"{a:{width}}  {b:{shape}}  {c:{value}}  {d}".rstrip() for a, b, c, d in rows]
    return "\n".join([heading, *lines])


def _branches(box: Box, prefix: str) -> list[tuple[Box, str, str, str]]:
    """Return the operands with their lines' beginnings, and the local derivatives of these uses.

    A single operand stands right below, so chains stay narrow.
    """
    locals_ = [words.split("\n")[-1] for words in box.locals] if box.locals is not None else [""] * len(box.inputs)
    if len(box.inputs) == 1:
        return [(box.inputs[0], prefix, prefix, locals_[0])]
    last = len(box.inputs) - 1
    return [
        (source, prefix + ("└─ " if i == last else "├─ "), prefix + ("   " if i == last else "│  "), locals_[i])
        for i, source in enumerate(box.inputs)
    ]


def _label(box: Box) -> str:
    name = plain("/".join((*box.scope, box.name)))
    said = "".join(f" [{plain(words)}]" for words in (box.remark, box.alarm) if words)
    return f"{name} = {plain(box.expression)}{said}" if box.expression else name
