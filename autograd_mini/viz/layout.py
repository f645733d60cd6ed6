"""Where boxes stand: weights beside their use."""

from __future__ import annotations

from collections import Counter, defaultdict

from .boxes import Box

__all__ = ["place"]

ROW = 2  # boxes that may stand in a row beside a use: a weight and its transpose
ROW_IN_SCOPE = 4  # a mask and its product too


def place(boxes: list[Box]) -> None:
    """Put weights into the scope that uses them, and an array that is used once beside its use.

    So a layer's weights enter from the side, and the values that lead from the data to the result stand in one row.
    """
    uses = Counter(source for box in boxes for source in box.inputs)
    rows = _rows(boxes, uses)
    used_in: dict[Box, set[tuple[str, ...] | None]] = defaultdict(set)  # the scopes of its uses; None: it leads on
    for box in reversed(boxes):
        scope = used_in[box].pop() if len(used_in[box]) == 1 else None
        if scope is not None and box.scope in ((), scope):
            box.scope = scope
            box.beside = uses[box] == 1 and box.shape != ()
        main = None if box.beside else _main(box.inputs, rows)
        for source in box.inputs:
            used_in[source].add(box.scope if source in rows and source is not main else None)


def _rows(boxes: list[Box], uses: Counter[Box]) -> set[Box]:
    """Return the leaves, and the results that only take a short row of boxes: weight, transpose."""
    rows: set[Box] = set()
    length: dict[Box, int] = {}
    for box in boxes:
        limit = ROW_IN_SCOPE if box.scope else ROW
        length[box] = 1 + sum(length[source] if uses[source] == 1 else limit for source in box.inputs)
        if not box.inputs or (uses[box] == 1 and length[box] <= limit):
            rows.add(box)
    return rows


def _main(inputs: list[Box], rows: set[Box]) -> Box | None:
    """Return the operand that leads on: the data, else the first; none if one that is no leaf leads on anyway."""
    if not inputs or any(source not in rows for source in inputs):
        return None
    return next((source for source in inputs if source.kind == "constant"), inputs[0])
