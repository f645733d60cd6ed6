"""Fewer boxes: a scope as one box, and blocks that repeat folded into the first of them and a box for the others."""

from __future__ import annotations

import difflib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..graph import Node
from .arrays import clip, number, rms
from .boxes import Box, check_count, numbered

__all__ = ["chosen", "collapsed", "folded"]

REPEATS = 3  # blocks in a row, at least
NAMED = 8  # scopes that a message names

Path = tuple[str, ...]


def chosen(collapse: Any, boxes: list[Box]) -> set[Path] | None:
    """Return the scopes that are to be closed, None for all; raise unless they exist."""
    if isinstance(collapse, (bool, np.bool_)):
        return None if collapse else set()
    names: list[Any] = [collapse] if isinstance(collapse, str) else [None]
    if isinstance(collapse, Iterable) and not isinstance(collapse, str):
        names = list(collapse)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(
            f"draw: collapse is {clip(repr(collapse), 40)}, but must be True, the name of a scope, or a list of names: "
            "collapse=['layer1', 'encoder/layer2']."
        )
    scopes = {"/".join(box.scope[: i + 1]): box.scope[: i + 1] for box in boxes for i in range(len(box.scope))}
    for name in names:
        if name not in scopes:
            raise ValueError(f"draw: collapse={name!r} is no scope of this graph. {_nearest(name, scopes)}")
    return {scopes[name] for name in names}


def _nearest(name: str, scopes: Mapping[str, Path]) -> str:
    if not scopes:
        return "It has none: name them with `with ag.scope(name):`."
    inner = [path for path in scopes if path.rpartition("/")[2] == name]  # its own name, without those around it
    close = inner or difflib.get_close_matches(name, scopes, 1)
    more = ", …" if len(scopes) > NAMED else ""
    return f"{f'Did you mean {close[0]!r}? ' if close else ''}It has: {', '.join(list(scopes)[:NAMED])}{more}."


def collapsed(
    boxes: list[Box], max_nodes: int | None, what: str = "draw", closed: set[Path] | None = None
) -> list[Box]:
    """Return one box for each scope that is to be closed: it shows the scope's last value.

    Without `closed` that is every scope with values of its own, and what is in it; one that holds only scopes stays
    open. A scope that is left and entered again, as a shared layer is, becomes one box for each time.
    """
    if closed is None:
        direct = {box.scope for box in boxes if box.scope}
        closed = {next(path[:i] for i in range(1, len(path) + 1) if path[:i] in direct) for path in direct}
    outermost = {path for path in closed if not any(path[:i] in closed for i in range(1, len(path)))}
    for path in sorted(outermost):
        for group in _times(boxes, path):
            last = _last(group)
            shown = _last(last.members or [last]).name
            one = replace(last, name=f"{path[-1]}: {shown}", scope=path[:-1], expression=_census(group))
            boxes = merged(boxes, group, one)
    if max_nodes is not None:
        check_count(len(boxes), max_nodes, what)
    return numbered(boxes)


def merged(boxes: list[Box], group: list[Box], one: Box) -> list[Box]:
    """Return the boxes with one in the place of a group, which says of the group what must not be hidden."""
    inside = set(group)
    one.inputs = [source for box in group for source in box.inputs if source not in inside]
    one.places, one.node, one.beside = [], None, False
    one.members = [member for box in group for member in box.members or [box]]
    one.remark = one.remark or "; ".join(dict.fromkeys(box.remark for box in group if box.remark))
    one.alarm = one.alarm or _alarm([box for box in one.members if box is not _last(group)])
    kept: list[Box] = []
    for box in boxes:
        if box not in inside:
            box.inputs = [one if source in inside else source for source in box.inputs]
            kept.append(box)
        elif box is _last(group):
            kept.append(one)
    return _ordered(kept)


def _ordered(boxes: list[Box]) -> list[Box]:
    """Return operands before results, else in the order that there was: a group is used before its last value is."""
    order: dict[Box, None] = {}
    begun: set[Box] = set()
    for end in boxes:
        stack = [end]
        while stack:
            box = stack[-1]
            if box in begun:
                order[stack.pop()] = None
                continue
            begun.add(box)
            stack += [source for source in reversed(box.inputs) if source not in begun]
    return list(order)


def _times(boxes: list[Box], path: Path) -> list[list[Box]]:
    """Return what is in a scope, apart for each time that the values enter it from outside: else a cycle is drawn."""
    time: dict[Box, int] = {}  # -1: the scope does not lead here
    left: dict[Box, bool] = {}  # the way here has left the scope
    groups: dict[int, list[Box]] = defaultdict(list)
    for box in boxes:
        inside = box.scope[: len(path)] == path
        times = [time[source] + (inside and left[source]) for source in box.inputs]
        time[box] = max([*times, 0 if inside else -1])
        left[box] = not inside and time[box] >= 0
        if inside:
            groups[time[box]].append(box)
    return _with_leaves(list(groups.values()))


def _with_leaves(groups: list[list[Box]]) -> list[list[Box]]:
    """Move leaves, which have no operands that would say when, to the first values that use them."""
    if len(groups) < 2:
        return groups
    for leaf in [box for box in groups[0] if not box.inputs]:
        first = next((group for group in groups if any(leaf in box.inputs for box in group)), groups[0])
        if first is not groups[0]:
            groups[0].remove(leaf)
            first.insert(0, leaf)
    return groups


def _last(group: list[Box]) -> Box:
    return next((box for box in reversed(group) if box.inputs), group[-1])


def _census(group: list[Box]) -> str:
    """Return how many values a scope holds, and how many of them are leaves."""
    members = [member for box in group for member in box.members or [box]]
    leaves = sum(box.kind == "leaf" for box in members)
    return f"{len(members)} values" + (f", {leaves} of them leaves" if leaves else "")


def _alarm(boxes: list[Box]) -> str:
    """Name what is not finite among boxes that are not drawn."""
    found = []
    for sign, arrays in (("∂ ", [box.gradient for box in boxes]), ("", [box.value for box in boxes])):
        bad = [box.name for box, a in zip(boxes, arrays, strict=True) if a is not None and not np.isfinite(a).all()]
        if bad:
            more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
            found.append(f"{sign}not finite: {clip(bad[0], 16)}{more}")
    return "; ".join(found)


# --- blocks that repeat ---------------------------------------------------------------------------------------------


def folded(boxes: list[Box], notes: Mapping[str, str], path: Path = ()) -> tuple[list[Box], dict[str, str]]:
    """Return boxes in which blocks that repeat are drawn once, and the notes under the names that scopes have then.

    A block is a scope; blocks repeat that follow each other and have the same operations, shapes and scopes in them.
    The first stays open; one box stands for the others, and says how large their gradients are.
    """
    notes = dict(notes)
    for run in _runs(boxes, path):
        first, *others = run
        group = [box for other in others for box in other]
        if _returns(boxes, group):
            continue
        names = [group[0].scope[len(path)] for group in run]
        whole = f"{names[0]} … {names[-1]}: × {len(run)}"
        for box in first:
            old = box.scope
            box.scope = (*path, whole, *old[len(path) :])
            for i in range(len(path) + 1, len(old) + 1):
                if "/".join(old[:i]) in notes:
                    notes["/".join((*path, whole, *old[len(path) : i]))] = notes.pop("/".join(old[:i]))
        notes["/".join((*path, whole))] = _range(run, names)
        last = _last(others[-1])
        one = replace(last, name=f"{names[1]} … {names[-1]}: {last.name}", scope=(*path, whole))
        one.expression = f"{len(others)} more like {names[0]}"
        one.remark = _range(others, names[1:])
        boxes = merged(boxes, group, one)
    for inner in dict.fromkeys(box.scope[: len(path) + 1] for box in boxes if len(box.scope) > len(path)):
        if inner[:-1] == path:
            boxes, notes = folded(boxes, notes, inner)
    return numbered(boxes), notes


def _returns(boxes: list[Box], group: list[Box]) -> bool:
    """Return whether values leave a group and enter it again, as in a loop over scopes: one box would make a cycle."""
    inside = set(group)
    left: set[Box] = set()
    for box in boxes:
        if box in inside:
            if any(source in left for source in box.inputs):
                return True
        elif any(source in inside or source in left for source in box.inputs):
            left.add(box)
    return False


def _runs(boxes: list[Box], path: Path) -> list[list[list[Box]]]:
    """Return the rows of blocks right within a scope that repeat."""
    blocks: dict[str, list[Box]] = defaultdict(list)
    for box in boxes:
        if len(box.scope) > len(path) and box.scope[: len(path)] == path:
            blocks[box.scope[len(path)]].append(box)
    at = {box: i for i, box in enumerate(boxes)}
    row = sorted(blocks.values(), key=lambda block: at[_last(block)])
    runs: list[list[list[Box]]] = []
    before: Any = None
    for block in row:
        structure = _structure(block, len(path))
        if runs and structure == before and _follows(block, runs[-1][-1]):
            runs[-1].append(block)
        else:
            runs.append([block])
        before = structure
    return [run for run in runs if len(run) >= REPEATS]


def _follows(block: list[Box], before: list[Box]) -> bool:
    return any(source in before for box in block for source in box.inputs)


def _structure(block: list[Box], depth: int) -> Any:
    """Return what two blocks have in common that differ in names and numbers alone."""
    at = {box: i for i, box in enumerate(block)}
    return [
        (
            box.scope[depth + 1 :],
            box.kind,
            box.shape,
            str(box.dtype),
            box.expression if box.node is None else _operation(box.node),
            [(place, at.get(source, source.shape)) for place, source in zip(box.places, box.inputs, strict=False)],
        )
        for box in block
    ]


def _operation(node: Node) -> Any:
    if node.rule is None:
        return None
    literals = [repr(arg) for arg in node.args or () if not hasattr(arg, "shape")]
    return node.rule.name, literals, repr(node.kwargs or {})


def _range(blocks: list[list[Box]], names: list[str]) -> str:
    """Return how large the gradients of blocks are, from the smallest to the largest."""
    sizes = [(size, name) for block, name in zip(blocks, names, strict=True) if (size := _size(block)) is not None]
    bad = [name for size, name in sizes if not math.isfinite(size)]
    good = [pair for pair in sizes if math.isfinite(pair[0])]
    words = []
    if good:
        (low, least), (high, most) = min(good), max(good)
        words.append(f"∂ rms {number(low)} ({clip(least, 12)}) … {number(high)} ({clip(most, 12)})")
    if bad:
        more = f" and {len(bad) - 1} more" if len(bad) > 1 else ""
        words.append(f"∂ not finite: {clip(bad[0], 16)}{more}")
    return "; ".join(words)


def _size(block: list[Box]) -> float | None:
    """Return the size of the gradients of a block's weights, of its last value's if there are none."""
    members = [member for box in block for member in box.members or [box]]
    gradients = [box.gradient for box in members if box.kind == "leaf" and box.gradient is not None]
    gradients = gradients or [box.gradient for box in members[-1:] if box.gradient is not None]
    if not gradients:
        return None
    return (
        rms([rms(a) * math.sqrt(np.size(a)) for a in gradients])
        * math.sqrt(len(gradients))
        / math.sqrt(sum(np.size(a) for a in gradients) or 1)
    )
