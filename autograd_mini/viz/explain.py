"""`explain`: the gradient of one number, as the products and sums of local derivatives that it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from html import escape
from typing import Any

import numpy as np

from ..tensor import Tensor
from .arrays import number, plain
from .entries import Entries, Entry, Link
from .mathematics import MULTIPLIED, NEGATED, Formula, Reader, bracketed, cotangent, quantity, read, under

__all__ = ["Explanation", "Factor", "Line", "explain"]

NUMBERS = 400  # of the graph that are looked at
TERMS = 6  # of one sum that are written out
WIDE = 110  # characters in a line of text


@dataclass(frozen=True)
class Factor:
    """What stands over one brace, and its number under it.

    Attributes
    ----------
    kind : {"cotangent", "local", "number"}
    formula : str
        Of a cotangent the name of the number that it belongs to; of a local derivative what it is made of, as Python
        writes it; empty where the rule cannot say it.
    value : float
    of, by : str
        Of a local derivative: the names of both numbers.
    """

    kind: str
    formula: str
    value: float
    of: str = ""
    by: str = ""


@dataclass(frozen=True)
class Line:
    """One equation: the cotangent of a number as a sum over its uses, times what follows from there.

    Attributes
    ----------
    name : str
        Of the number.
    terms : tuple of tuple of Factor
        The sum, each term a product; one term alone where there was nothing to add.
    more, rest : int, float
        How many terms of the sum are not written out, and what they add.
    factors : tuple of Factor
        By which the sum is multiplied.
    value : float
        What the sweep gives, which is equal to this to rounding.
    """

    name: str
    terms: tuple[tuple[Factor, ...], ...]
    more: int
    rest: float
    factors: tuple[Factor, ...]
    value: float

    @property
    def product(self) -> float:
        """What the numbers under the braces give."""
        return float((sum(map(_product, self.terms)) + self.rest) * _product(self.factors))

    def tokens(self) -> Iterator[Factor | str]:
        """Yield the factors, and the signs between them."""
        if not self.terms:
            yield Factor("number", "", 0.0)
        several = len(self.terms) + bool(self.more) > 1
        brackets = several and bool(self.factors)
        if brackets:
            yield "("
        for i, term in enumerate(self.terms):
            yield from ["+"] * bool(i)
            yield from _joined(term)
        if self.more:
            yield "+"
            yield Factor("number", f"{self.more} more", self.rest)
        if brackets:
            yield ")"
        for factor in self.factors:
            yield "·"
            yield factor


class Explanation:
    """The chain rule of one number, with the numbers; it shows itself in a notebook.

    Attributes
    ----------
    end, name : str
        What is differentiated, and by what: ``"E"``, ``"W1[0, 1]"``.
    value : float
        The gradient.
    lines : list of Line
        The first for the number itself, then one for each cotangent that a line before it names.
    left : list of str
        The numbers whose cotangents are named but not written out.
    """

    def __init__(self, entries: Entries, lines: list[Line], left: list[str]) -> None:
        self.end = entries.end.name
        self.name, self.value = lines[0].name, lines[0].value
        self.lines, self.left = lines, left
        self._reader = Reader(self.end, entries.names)

    def __str__(self) -> str:
        blocks = ["\n".join(_block(line, self.end)) for line in self.lines]
        return plain_lines("\n".join([*blocks, *self._remarks()]))

    __repr__ = __str__

    def latex(self) -> str:
        r"""Return the equations in LaTeX, in an ``aligned`` environment, without dollar signs."""
        rows = [
            " &= ".join([left.latex, " = ".join(side.latex for side in sides)]) for left, *sides in self._equations()
        ]
        return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def html(self) -> str:
        """Return the equations for a page, in MathML, which needs no library.

        It has no part in what a notebook shows: of MathML in a notebook from somebody else there remains no formula.
        """
        rows = []
        for sides in self._equations():
            whole = Formula(" = ".join(side.latex for side in sides), "<mo>=</mo>".join(side.mathml for side in sides))
            math = whole.html().replace("<math>", '<math displaystyle="true">', 1)
            rows.append(f'<p style="overflow-x:auto">{math}</p>')
        rows += [f"<p>{escape(plain(remark))}</p>" for remark in self._remarks()]
        title = escape(plain(f"∂{self.end}/∂{self.name} by the chain rule"))
        return f'<div class="explain" role="group" aria-label="{title}">\n' + "\n".join(rows) + "\n</div>"

    def _equations(self) -> Iterator[list[Formula]]:
        for line in self.lines:
            bare = all(isinstance(t, Factor) and t.kind == "number" and not t.formula for t in line.tokens())
            yield [self._cotangent(line.name), *([] if bare else [self._side(line)]), quantity(line.value)]

    def _cotangent(self, name: str) -> Formula:
        return cotangent(self._reader.read(name), self._reader.end)

    def _side(self, line: Line) -> Formula:
        """Return the right side of a line, the numbers under braces."""
        tex, ml = [], []
        for token in line.tokens():
            if isinstance(token, str):
                tex.append({"(": r"\bigl(", ")": r"\bigr)", "·": r" \cdot ", "+": " + "}[token])
                ml.append(f'<mo stretchy="false">{token}</mo>')
            else:
                both = under(bracketed(self._above(token), MULTIPLIED), quantity(token.value))
                if token.kind == "number" and not token.formula:
                    both = bracketed(quantity(token.value), MULTIPLIED if tex else NEGATED)
                tex.append(both.latex)
                ml.append(both.mathml)
        return Formula("".join(tex), "".join(ml))

    def _above(self, factor: Factor) -> Formula:
        if factor.kind == "cotangent":
            return self._cotangent(factor.formula)
        if factor.kind == "number":
            return Formula(rf"\mathrm{{{factor.formula.replace(' ', '~')}}}", f"<mtext>{factor.formula}</mtext>")
        if factor.formula:
            return self._reader.read(factor.formula)
        return cotangent(self._reader.read(factor.by), self._reader.read(factor.of))

    def _remarks(self) -> list[str]:
        remarks = []
        if self.left:
            names = ", ".join(f"∂{self.end}/∂{name}" for name in self.left[:4])
            more = f" and {len(self.left) - 4} more" if len(self.left) > 4 else ""
            remarks.append(f"Not written out: {names}{more}. explain(..., limit={len(self.lines) * 2}) goes further.")
        odd = [line for line in self.lines if not np.isfinite(line.value) and _differ(line.product, line.value)]
        remarks += [
            f"∂{self.end}/∂{line.name} is {number(line.value)} in the sweep, since NumPy's products of whole arrays "
            f"also multiply what is not finite by 0; the uses of this number alone give {number(line.product)}."
            for line in odd
        ]
        return remarks


def explain(y: Tensor, w: Tensor, index: Any = None, *, cotangent: Any = None, limit: int = 12) -> Explanation:
    r"""Explain one number's gradient: the chain rule, factored, with the numbers.

    .. math:: \frac{\partial E}{\partial w} = \Bigl[\sum_k \frac{\partial E}{\partial z_k} w_k\Bigr] \sigma'(z) \, x

    Each line starts from one number and follows it to the place where its uses are added up (claims Y7, Y8); the
    cotangents of that sum have lines of their own, so that nothing is multiplied twice. Local derivatives come from
    the rules of the table, fed unit cotangents. Cotangents come from the sweep, and what a line gives is compared with
    what the sweep gives.

    Parameters
    ----------
    y : Tensor
        The result.
    w : Tensor
        A leaf, or any value in between that `y` was computed from.
    index : int or tuple of int, optional
        Which number of `w`; not needed if it has one.
    cotangent : array_like, optional
        The seed, of the shape of `y`; 1 if `y` has one element.
    limit : int
        Lines to write; what is left out is named at the end.

    Returns
    -------
    Explanation
        ``print`` it; ``.latex()``, ``.html()``, ``.value``, ``.lines``.

    Raises
    ------
    NothingRecordedError
        If `y` was not computed from `w`.
    IndexError, TypeError
        If there is no such place in `w`.
    GraphFreedError, ShapeError
        As `steps`.
    AutogradError
        If a line and the sweep differ: a hook changed a cotangent, or a rule is not linear.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> x = ag.Tensor(3.0, requires_grad=True, name="x")
    >>> ag.explain(x * x + x, x)
    ∂y/∂x = x + x + 1
            ╵   ╵
            3   3
          = 7
    """
    if not isinstance(limit, (int, np.integer)) or isinstance(limit, bool) or limit < 1:
        raise ValueError(f"explain: limit is {limit!r}, but must be a whole number of lines, 1 or more: limit=12.")
    with np.errstate(all="ignore"):
        return _Writer(Entries(y, cotangent, "explain")).explanation(w, index, int(limit))


class _Writer:
    """Follows a number towards the result, and writes a line wherever its ways part."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.links: dict[Entry, list[Link]] = {}
        self.uses: Counter[Entry] = Counter()

    def explanation(self, w: Any, index: Any, limit: int) -> Explanation:
        """Return the lines, nearest to `w` first."""
        start = self.entries.find(w, index)
        self.look(start)
        lines: list[Line] = []
        asked: dict[Entry, None] = {}
        waiting = [(start.age, start)]
        while waiting and len(lines) < limit:
            _, entry = heappop(waiting)
            line, named = self.line(entry)
            self.compare(line, entry)
            lines.append(line)
            for other in named:
                if other not in asked:
                    asked[other] = None
                    heappush(waiting, (other.age, other))
        left = [self.entries.label(entry) for _, entry in sorted(waiting)]
        return Explanation(self.entries, lines, left)

    def look(self, start: Entry) -> None:
        """Find the numbers that `start` leads to, the oldest first, and how often each is met."""
        waiting = [(start.age, start)]
        while waiting and len(self.links) < NUMBERS:
            _, entry = heappop(waiting)
            links = self.links[entry] = self.entries.links(entry)
            for link in links[:TERMS]:
                if link.entry not in self.uses and link.entry not in self.links:
                    heappush(waiting, (link.entry.age, link.entry))
                self.uses[link.entry] += 1

    def line(self, start: Entry) -> tuple[Line, list[Entry]]:
        """Return the line of one number, and the numbers whose cotangents it names."""
        end = self.entries.end
        name, value = self.entries.label(start), float(start.cotangent)
        factors: tuple[Factor, ...] = ()
        entry, links = start, self.links.get(start)
        while entry.box is not end and links is not None and len(links) == 1:
            factors = self.factor(entry, links[0]) + factors
            entry = self.passed(links[0].entry)
            links = None if self.uses[entry] > 1 else self.links.get(entry)
        if entry.box is end or links is None:
            term = self.cotangent(entry) + factors
            return Line(name, (term,), 0, 0.0, (), value), [entry] * (entry.box is not end and entry is not start)
        terms = tuple(self.term(entry, link) for link in links[:TERMS])
        rest = float(sum(link.local * link.entry.cotangent for link in links[TERMS:]))
        named = [self.passed(link.entry) for link in links[:TERMS]]
        line = Line(name, terms, max(0, len(links) - TERMS), rest, factors, value)
        return line, [other for other in named if other.box is not end]

    def term(self, entry: Entry, link: Link) -> tuple[Factor, ...]:
        """Return one use's part of a sum."""
        return (*self.cotangent(self.passed(link.entry)), *self.factor(entry, link)) or (Factor("number", "", 1.0),)

    def passed(self, entry: Entry) -> Entry:
        """Return the number whose cotangent is passed on to this one as it is: both are the same."""
        while entry.box is not self.entries.end:
            links = self.links.get(entry)
            if links is None or len(links) != 1 or self.factor(entry, links[0]):
                break
            entry = links[0].entry
        return entry

    def cotangent(self, entry: Entry) -> tuple[Factor, ...]:
        """Return the cotangent of a number; nothing for the seed 1."""
        value = float(entry.cotangent)
        if entry.box is not self.entries.end:
            return (Factor("cotangent", self.entries.label(entry), value),)
        return () if value == 1 else (Factor("number", "", value),)

    def factor(self, entry: Entry, link: Link) -> tuple[Factor, ...]:
        """Return the local derivative of one use; nothing where that is always 1."""
        formula = self.entries.formula(link) or ""
        if formula == "1":
            return ()
        of, by = self.entries.label(entry), self.entries.label(link.entry)
        bare = formula.lstrip("-").replace(".", "").replace("e-", "").isdigit()
        return (Factor("number" if bare else "local", "" if bare else formula, float(link.local), of, by),)

    def compare(self, line: Line, entry: Entry) -> None:
        """Raise if a line does not give what the sweep gave."""
        size = (sum(abs(_product(term)) for term in line.terms) + abs(line.rest)) * abs(_product(line.factors))
        if np.isfinite(line.value):
            self.entries.compare(entry, line.product, size)


def _product(factors: Iterable[Factor]) -> float:
    product = 1.0
    for factor in factors:
        product *= factor.value
    return product


def _differ(a: float, b: float) -> bool:
    return not (a == b or (np.isnan(a) and np.isnan(b)))


def _joined(term: tuple[Factor, ...]) -> Iterator[Factor | str]:
    for i, factor in enumerate(term):
        yield from ["·"] * bool(i)
        yield factor


# --- for the terminal ------------------------------------------------------------------------------------------------


def plain_lines(text: str) -> str:
    """Return lines without anything that is not printable."""
    return "\n".join(plain(line).rstrip() for line in text.split("\n"))


def _block(line: Line, end: str) -> list[str]:
    """Return a line of the explanation as text: formulas, braces, numbers, one below the other."""
    head = f"∂{end}/∂{line.name} = "
    columns = _glued([_column(token, end) for token in line.tokens()] or [("1", "", "")])
    rows: list[list[tuple[str, ...]]] = [[]]
    width = len(head)
    for column in columns:
        if width + len(column[0]) > WIDE and rows[-1]:
            rows.append([])
            width = len(head)
        rows[-1].append(column)
        width += len(column[0])
    lines = []
    for i, row in enumerate(rows):
        texts = ["".join(parts) for parts in zip(*row, strict=True)]
        lines.append((head if i == 0 else " " * len(head)) + texts[0])
        lines += [" " * len(head) + text for text in texts[1:] if text.strip()]
    last = f"= {number(line.value)}"
    return lines if lines == [head.removesuffix("= ") + last] else [*lines, " " * (len(head) - 2) + last]


def _glued(columns: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Join each sign and opening bracket to what follows it, a closing bracket to what precedes it."""
    glued: list[tuple[str, ...]] = []
    waiting: tuple[str, ...] = ("", "", "")
    for column in columns:
        if column[0] == ")":
            glued[-1] = tuple(a + b for a, b in zip(glued[-1], column, strict=True))
        elif column[0] in ("(", " · ", " + "):
            waiting = tuple(a + b for a, b in zip(waiting, column, strict=True))
        else:
            glued.append(tuple(a + b for a, b in zip(waiting, column, strict=True)))
            waiting = ("", "", "")
    return glued


def _column(token: Factor | str, end: str) -> tuple[str, str, str]:
    """Return a factor, its brace and its number, in the same width; a sign."""
    if isinstance(token, str):
        sign = token if token in "()" else f" {token} "
        return sign, " " * len(sign), " " * len(sign)
    value = number(token.value)
    above = _text(token, end)
    if not above:
        bare = f"({value})" if value.startswith("−") else value
        return bare, " " * len(bare), " " * len(bare)
    width = max(len(above), len(value))
    brace = "╰" + "─" * (width - 2) + "╯" if width > 1 else "╵"
    return above.center(width), brace, value.center(width)


def _text(factor: Factor, end: str) -> str:
    if factor.kind == "cotangent":
        return f"∂{end}/∂{factor.formula}"
    if factor.kind == "local" and not factor.formula:
        return f"∂{factor.by}/∂{factor.of}"
    text = factor.formula
    for written, shown in ((" * ", "·"), (" / ", "/"), ("-", "−")):
        text = text.replace(written, shown)
    formula = read(factor.formula)
    if formula.latex.startswith("["):  # a comparison counts as 1 or 0
        return f"[{text}]"
    return f"({text})" if factor.kind == "local" and formula.level < MULTIPLIED else text
