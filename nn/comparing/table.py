"""Comparison: the table that `nn.compare` makes, in any of three notations, as text, HTML and LaTeX."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..checks import whole
from ..notation import Equation, Formula, Rule, legend
from ..notation import vocabulary as words
from ..notation.formulas import in_latex

__all__ = ["Comparison", "Row"]

HEAD = ("layer", "rule", "entry", "", "", "autodiff", "finite diff.", "max diff.", "")
BLIND = 0.1  # a relative uncertainty of finite differences from which on they say nothing
LEFT = (0, 1, 2, 7, 8)  # the columns that are no numbers in a row


class Row(NamedTuple):
    """One array: the delta of a layer, or the gradient of a parameter.

    `by_hand`, `autodiff` and `finite` are the values at `entry`, where the gradient is largest; the errors are over the
    whole array, relative to its largest entry: `error` of the engine against the hand-derived rule, `finite_error` of
    the finite differences against it (at most 64 entries and one random direction). Where all of the gradient is no
    more than the rounding of the terms that cancel in it, they are relative to these.

    Two more say what the errors may be. `cancellation` is by how much the terms that make up the gradient exceed it, 1
    at least: in a model that has learned its samples by heart, o - y is the small rest of large numbers, and both sides
    have lost as many digits; so it is where a normalization takes away most of what comes back. `uncertainty` is that
    of the finite differences, by their own estimate, and of the rules' own rounding. The finite differences are held
    against the rules in float64, also of a model in float32.

    `symbol`, `rule` and the three values are as the report's notation has them: with R's sign they are -dE/dz, and a
    weight's entry is (from, to). `layer` counts from 1; `place` is the layer's place in the model; `equation` is the
    rule in no notation.
    """

    layer: int
    symbol: str
    rule: str
    shape: tuple[int, ...]
    entry: tuple[int, ...]
    by_hand: float
    autodiff: float
    finite: float
    error: float
    finite_error: float
    cancellation: float
    uncertainty: float
    place: str
    equation: Rule


@dataclass(frozen=True)
class Comparison:
    """The table that `compare` makes; shows itself as text and, in a notebook, as HTML.

    Attributes
    ----------
    rows : tuple of Row
        From the output back to the input, as the sweep goes.
    max_error, max_finite_error : float
        The largest of the rows' errors.
    tolerance, finite_tolerance : float
        What they may be where nothing cancels: rounding, of the model's dtype; truncation, of the difference quotient.
    notation : {"Y", "M", "R"}
        What it is written in; see `in_notation`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.Sequential(nn.Linear(2, 1, rng=0), nn.Sigmoid())
    >>> report = nn.compare(model, np.eye(2), [[0.0], [1.0]], nn.binary_cross_entropy)
    >>> [row.rule for row in report.rows]
    ['(oᵢ − yᵢ)/n', 'Σₛ δᵢ¹ aⱼ⁰', 'Σₛ δᵢ¹']
    >>> [row.rule for row in report.in_notation("R").rows]
    ['(yₖ − aₖ)/n', 'Σₛ aⱼ Δₖ', 'Σₛ Δₖ']
    """

    rows: tuple[Row, ...]
    tolerance: float
    finite_tolerance: float = 1e-6
    notation: str = "Y"

    @property
    def max_error(self) -> float:
        """Largest relative difference, hand-derived rule against autodiff."""
        return float(np.max([row.error for row in self.rows]))  # not Python's max, which may lose a NaN

    @property
    def max_finite_error(self) -> float:
        """Largest relative difference, hand-derived rule against finite differences."""
        return float(np.max([row.finite_error for row in self.rows]))

    def agrees(self, row: Row) -> bool:
        """Return whether a row's differences are no more than rounding."""
        rounding = min(self.tolerance * row.cancellation, 0.1)  # never so much that a wrong rule would pass
        return row.error <= rounding and row.finite_error <= self.finite_tolerance + row.uncertainty

    @property
    def passed(self) -> bool:
        """Whether all rows agree."""
        return all(map(self.agrees, self.rows))

    def in_notation(self, notation: str) -> Comparison:
        """Return the same report in another notation: "Y", "M" or "R"; nothing is computed again.

        Y is Yehoshua's index form, M the matrix note's, in which the input is layer 1, and R the note on Russell and
        Norvig's, which has the other sign and weights w_ij from i to j. See `nn.notation.symbols`.

        Raises
        ------
        ValueError
            If there is no such notation.

        Examples
        --------
        >>> import numpy as np, nn
        >>> report = nn.compare(nn.MLP([2, 1], rng=0), np.eye(2), [[0.0], [1.0]], nn.squared_error)
        >>> print(report.rows[1].symbol, report.in_notation("M").rows[1].symbol, report.in_notation("R").rows[1].symbol)
        ∂E/∂W¹ ∂C/∂W² −∂Loss/∂W¹
        """
        words.checked("Comparison.in_notation", notation)
        sign = words.sign(notation) * words.sign(self.notation)
        turned = words.inwards(notation) != words.inwards(self.notation)
        rows = []
        for row in self.rows:
            equation = row.equation.equation(notation)
            new = row._replace(
                symbol=equation.symbol.text,
                rule=equation.right.text,
                by_hand=sign * row.by_hand,
                autodiff=sign * row.autodiff,
                finite=sign * row.finite,
            )
            if turned and row.equation.of == "W":
                new = new._replace(shape=row.shape[::-1], entry=row.entry[::-1])
            rows.append(new)
        return replace(self, rows=tuple(rows), notation=notation)

    def legend(self) -> list[str]:
        """Return what those symbols mean that none of the sources has, one line for each."""
        return [f"{symbol}: {meaning}" for symbol, meaning in self._legend()]

    def _legend(self) -> list[tuple[Formula, str]]:
        return legend([row.equation for row in self.rows], self.notation)

    def _head(self) -> tuple[str, ...]:
        """Return the columns' names: the derivative as the notation means it, then with the other sign."""
        error = words.error(self.notation).text
        plus, minus = f"∂{error}", f"−∂{error}"
        both = (plus, minus) if words.sign(self.notation) > 0 else (minus, plus)
        other = {"Y": "Δ: ", "R": "δ: "}.get(
            self.notation, ""
        )  # M's letter Δ is its dC/dZ: it has none for the negative
        return (*HEAD[:3], "delta rule", other + both[1], *HEAD[5:])

    def cells(self, digits: int = 6) -> Iterator[tuple[str, ...]]:
        """Yield the rows as text, cell by cell; the first is the heading."""
        yield self._head()
        for row in self.rows:
            place = f"[{','.join(map(str, row.entry))}]" if row.entry else ""
            values = (row.by_hand, -row.by_hand, row.autodiff, row.finite)
            numbers = (f"{value + 0.0: .{digits}e}" for value in values)
            mark = "✓" if self.agrees(row) else "✗"
            layer = str(row.layer + words.first_layer(self.notation))
            yield (layer, self.equation(row).text, place, *numbers, f"{row.error:.1e}", mark)

    def equation(self, row: Row) -> Equation:
        """Return both sides of a row's rule, as text and as LaTeX."""
        return row.equation.equation(self.notation)

    def text(self, width: int = 120) -> str:
        """Return the table in lines of at most `width` characters; a rule that is too long stands above its row.

        Raises
        ------
        ValueError
            If the width is less than 80.
        """
        width = whole("Comparison.text", "width", width, 80, " The numbers need so much.")
        digits = 6 if width >= 100 else 3
        table = list(self.cells(digits))
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        room = width - sum(widths) - 2 * (len(widths) - 1) + widths[1]
        above = [len(cells[1]) > room for cells in table]
        above[0] = all(above[1:])
        widths[1] = max((len(cells[1]) for cells, long in zip(table, above, strict=True) if not long), default=0)
        lines: list[str] = []
        for i, (cells, long) in enumerate(zip(table, above, strict=True)):
            if long:
                lines.append(f"{cells[0].ljust(widths[0])}  {cells[1]}")
                cells = ("", "", *cells[2:])
            lines.append("  ".join(cell.ljust(w) for cell, w in zip(cells, widths, strict=True)).rstrip())
            if i == 0:
                lines.append("")
        lines[lines.index("")] = "─" * min(width, max(map(len, lines)))
        below = [*(f"{symbol}: {meaning}" for symbol, meaning in self._legend()), self.summary()]
        return "\n".join([*lines, *(textwrap.fill(line, width, subsequent_indent="  ") for line in below)])

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def summary(self) -> str:
        """Return the verdict in one line."""
        verdict = "agree" if self.passed else "DISAGREE"
        blind = [row.symbol for row in self.rows if row.uncertainty > BLIND]
        doubt = f" Finite differences are too uncertain to vouch for {', '.join(blind)}." if blind else ""
        return (
            f"Delta rule and autodiff {verdict}: largest relative difference {self.max_error:.1e} "
            f"(finite differences {self.max_finite_error:.1e}).{doubt}"
        )

    def _repr_html_(self) -> str:
        head, *body = self.cells()

        def line(cells: tuple[str, ...], tag: str) -> str:
            return "".join(
                f'<{tag} style="text-align:{"left" if i in LEFT else "right"};padding:.2em .6em;'
                f'{"min-width:18em" if i == 1 else "white-space:nowrap"}">{html.escape(cell.strip())}</{tag}>'
                for i, cell in enumerate(cells)
            )

        rows = "".join(f"<tr>{line(cells, 'td')}</tr>" for cells in body)
        legend = "".join(f"<br/>{html.escape(text)}" for text in self.legend())
        return (
            f'<div style="overflow-x:auto"><table class="comparison"><thead><tr>{line(head, "th")}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div><p>{html.escape(self.summary())}{legend}</p>"
        )

    def latex(self) -> str:
        r"""Return the table as a LaTeX array, without dollar signs; MathJax reads it, and LaTeX without any package.

        In a document it stands in ``\[ ... \]``. Rows that agree are marked with a root, the others with a cross.

        Examples
        --------
        >>> import numpy as np, nn
        >>> report = nn.compare(nn.MLP([2, 1], rng=0), np.eye(2), [[0.0], [1.0]], nn.squared_error)
        >>> print(report.latex().splitlines()[2][:47])
        1 & \delta_{i}^{1} = (o_{i} - y_{i})/n & [1,0]
        """
        head, *table = self.cells()
        lines = [" & ".join(in_latex(name) for name in head[:-1]) + r" & \\ \hline"]
        for row, cells in zip(self.rows, table, strict=True):
            numbers = " & ".join(_number(cell) for cell in cells[3:8])
            mark = r"\surd" if self.agrees(row) else r"\times"
            lines.append(f"{cells[0]} & {self.equation(row).latex} & {cells[2]} & {numbers} & {mark} " r"\\")
        array = "\n".join([r"\begin{array}{rllrrrrrl}", *lines, r"\end{array}"])
        legend = [rf"{symbol.latex} {in_latex(f': {meaning}')} \\" for symbol, meaning in self._legend()]
        return "\n".join([r"\begin{array}{l}", rf"{array} \\", *legend, r"\end{array}"]) if legend else array

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"


def _number(cell: str) -> str:
    """Return a number's text as LaTeX."""
    mantissa, mark, exponent = cell.strip().partition("e")
    if not mark or not math.isfinite(float(cell)):
        return in_latex(cell.strip())
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if float(cell) else "0"
