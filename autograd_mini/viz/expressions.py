"""What a value is called in a picture, and how it was computed, as a person writes it."""

from __future__ import annotations

import operator
import re
from collections import Counter
from typing import Any

import numpy as np

from ..graph import Node
from ..table import TABLE
from ..tensor import ITEM
from .arrays import clip, number

__all__ = ["MISSING", "Names", "expression", "letter", "short"]

MISSING = object()  # equal to no default
ITEMS: Any = TABLE[operator.getitem]
FORMATS: dict[Any, str] = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.true_divide: "{} / {}",
    np.power: "{} ** {}",
    np.matmul: "{} @ {}",
    np.remainder: "{} % {}",
    np.negative: "-{}",
    np.transpose: "{}.T",
}


class Names:
    """Short names for values that have none: z1, z2, ...; p1, p2, ... where the user has a z1 of their own."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.counts: Counter[str] = Counter()
        self.has_z = any(
            re.fullmatch(r"z\d+", name) for name in taken
        )  # a layer's weighted sum; others are parts of it

    def new(self, letter: str) -> str:
        """Return the next name with this letter that nobody has."""
        if letter == "y" and "y" not in self.taken:
            return "y"
        if letter == "z" and self.has_z:
            letter = "p"
        while True:
            self.counts[letter] += 1
            name = f"{letter}{self.counts[letter]}"
            if name not in self.taken:
                return name


def letter(node: Node, kind: str) -> str:
    """Return the first letter of a new name: w, c, y; h for an activation, z for any other result."""
    if kind != "result":
        return {"leaf": "w", "constant": "c", "output": "y"}[kind]
    same = [p for p in node.parents if p is not None and p.shape == node.shape]
    activation = len(node.parents) == 1 and same and not node.rule.view and node.rule.function is not np.negative
    return "h" if activation else "z"


def expression(node: Node, operands: list[str]) -> str:
    """Return how the value was computed, as a person writes it."""
    function, usual = node.rule.function, node.rule.keywords
    keywords = {key: value for key, value in (node.kwargs or {}).items() if value is not usual.get(key, MISSING)}
    if function in FORMATS and not keywords and FORMATS[function].count("{}") == len(operands):
        return FORMATS[function].format(*operands)
    if node.rule.function is ITEMS.function:
        return f"{operands[0]}[{', '.join(operands[1:])}]"
    if node.rule.function is ITEM.function:
        return f"{operands[0]}[{keywords['i']}]"
    name = node.rule.name
    name = name.removeprefix("np.") if name.startswith("np.") else name.rpartition(".")[2]
    return f"{name}({', '.join([*operands, *(f'{key}={short(value)}' for key, value in keywords.items())])})"


def short(value: Any) -> str:
    """Return an operand that is no array, or a keyword's value, in a few characters."""
    if isinstance(value, slice):
        parts = ["" if part is None else short(part) for part in (value.start, value.stop, value.step)]
        return ":".join(parts if parts[2] else parts[:2])
    if value is Ellipsis:
        return "..."
    if isinstance(value, type):  # a dtype, which has the attributes of its numbers
        return value.__name__
    if hasattr(value, "item"):
        value = value.item() if value.ndim == 0 else value.tolist()
    exact = repr(value)
    return number(value) if isinstance(value, (float, complex)) and len(exact) > 6 else clip(exact, 16)
