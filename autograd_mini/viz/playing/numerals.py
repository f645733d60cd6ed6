"""Formulas with the numbers of a graph in the places of its names."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from ..arrays import few, matrix, summary
from ..mathematics import DIVIDED, Formula, Reader, quantity

__all__ = ["Numbers", "array", "coloured"]


def coloured(formula: Formula, kind: str) -> str:
    """Return MathML in the colour of a kind: v for values, g for gradients, l for local derivatives, r for results."""
    text = formula.mathml
    if formula.level == DIVIDED and text.startswith("<mfrac>"):
        return f"<mfrac class={kind}>{text[7:]}"
    if text[:4] in ("<mn>", "<mi>") and text.count("<") == 2:
        return f"{text[:3]} class={kind}>{text[4:]}"
    return f"<mrow class={kind}>{text}</mrow>"


def array(a: Any) -> Formula:
    """Return an array as a formula: its numbers in brackets, up to 3 by 3; of a larger one its size."""
    a = np.asarray(a)
    if a.size == 1:
        return quantity(a.reshape(())[()])
    if not a.size or not few(a):
        return Formula(summary(a), f"<mi>{summary(a)}</mi>")  # no mtext, which takes the space beside = away
    rows = "".join(
        f"<mtr>{''.join(f'<mtd>{quantity(x).mathml}</mtd>' for x in row)}</mtr>" for row in matrix(a)
    )  # fmt: skip
    return Formula(escape(summary(a)), f"<mo>[</mo><mtable>{rows}</mtable><mo>]</mo>")


class Numbers(Reader):
    """Reads lines as `Reader` does, and puts numbers in the places of those names whose numbers can be written out."""

    def __init__(self, values: Mapping[str, Any], end: str, names: Any, arrays: bool) -> None:
        super().__init__(end, names, arrays)
        self.numbers = {self.stands.get(name, name): a for name, a in values.items() if not name.startswith("d_")}
        self.gradients = {self.stands.get(name[2:], name[2:]): a for name, a in values.items() if name[:2] == "d_"}

    def name(self, name: str) -> Formula:
        """Return the number that a name stands for; the name, if that has too many."""
        if not hasattr(self, "numbers"):  # the reader's own end
            return super().name(name)
        gradient = name.startswith("d_") and name[2:] in self.gradients
        a = self.gradients[name[2:]] if gradient else self.numbers.get(name)
        if a is None or not (np.size(a) and few(a)):
            return super().name(name)
        formula = array(a)
        return Formula(formula.latex, coloured(formula, "g" if gradient else "v"), formula.level)
