"""What the symbols mean: a legend for some rules, and a table of what each source calls the same thing."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .formulas import Formula, filled, in_latex, indexed
from .rules import (
    Dropped,
    Expression,
    Jacobian,
    Named,
    Normalized,
    Outputs,
    Point,
    Rule,
    Slope,
    Total,
    Weighted,
)
from .vocabulary import NOTATIONS, VOCABULARIES, checked
from .writing import Writer

__all__ = ["Symbols", "legend", "symbols"]


def legend(rules: Iterable[Rule], notation: str) -> list[tuple[Formula, str]]:
    """Return those symbols in rules that none of the sources has, each with its meaning.

    Examples
    --------
    >>> from nn.notation import Dropped, Point, Rule, Weighted, legend
    >>> rule = Rule("delta", Point("z", 1), Dropped(Point("ã", 1), 0.5, Weighted(Point("z", 2))))
    >>> print(rule.equation("Y").text)
    δᵢ¹ = mᵢ¹/0.5 · Σⱼ wⱼᵢ² δⱼ²
    >>> for symbol, meaning in legend([rule], "Y"):
    ...     print(f"{symbol}: {meaning}")
    m: 1 where dropout keeps a unit, 0 where it puts one out
    """
    words = VOCABULARIES[checked("legend", notation)]
    rules = list(rules)
    parts = [part for rule in rules for part in _parts(rule)]
    values = [part.at for part in parts if isinstance(part, (Slope, Jacobian))]
    values += [rule.is_ for rule in rules if isinstance(rule.is_, Point)]
    letters = {point.letter for point in (*values, *(rule.point for rule in rules))}
    norms = {part.over for part in parts if isinstance(part, Normalized)}
    outputs = [part for part in parts if isinstance(part, Outputs)]
    options = {option for part in outputs for option in part.options}
    found: list[tuple[Formula, str]] = []

    def add(symbol: Formula, meaning: str) -> None:
        found.append((symbol, meaning))

    if "v" in letters:
        minus = "minus " if words.sign < 0 else ""
        add(words.letters["v"], "what a normalization returns: the normalized values, times γ, plus β")
        derivative = filled("∂{e}/∂{v}", words.times, e=words.error, v=words.letters["v"])
        add(words.u, f"{minus}{derivative.text}")
        add(words.letters["â"], "the normalized values, with mean 0 and variance 1")
    if norms:
        kinds = {
            "batch": "of a unit over the batch",
            "running": "of a unit, from training",
            "sample": "of a sample over its units",
        }
        which = " or ".join(kinds[kind] for kind in kinds if kind in norms)
        add(words.letters["τ"], f"the standard deviation {which}: the root of variance + ε")
    if norms - {"running"}:
        over = " or ".join({"batch": "the batch", "sample": "a sample's units"}[k] for k in sorted(norms - {"running"}))
        add(Formula("⟨ ⟩", r"\langle\,\rangle"), f"the mean over {over}")
    if any(isinstance(part, Dropped) for part in parts):
        add(words.letters["m"], "1 where dropout keeps a unit, 0 where it puts one out")
    if "ã" in letters:
        add(words.letters["ã"], "what dropout lets through")
    if "s" in letters:
        add(words.letters["s"], "the sum where a shortcut ends")
    named = [part.point for part in parts if isinstance(part, (Rule, Named, Weighted, Dropped, Normalized))]
    if any(point.extra for point in (*values, *named)):
        add(Formula("ᵇ", "{}^{b}"), "the second of its kind in a layer, ᶜ the third")
    if "weight" in options:
        add(words.letters["ω"], "the loss's weight")
    if "pos_weight" in options:
        add(Formula("p", "p"), "the loss's pos_weight")
    if "targets" in options:
        add(words.letters["t"], "the target as the loss takes it: smoothed, times the weight of its class, or 0")
    if "labels" in options:
        add(words.letters["q"], "1 where an output comes within 1 of the right class's, else 0")
    if any(part.share == "N" for part in outputs):
        add(Formula("N", "N"), "the sum of the weights of the labels that count")
    return found


def _parts(part: Rule | Expression) -> Iterator[Rule | Expression]:
    """Yield a rule or an expression, and the expressions within it."""
    yield part
    for value in vars(part).values():
        for inner in value if isinstance(part, Total) else (value,):
            if isinstance(inner, EXPRESSIONS):
                yield from _parts(inner)


EXPRESSIONS = (Named, Weighted, Slope, Jacobian, Dropped, Normalized, Total, Outputs)

Cell = Formula | str


@dataclass(frozen=True)
class Symbols:
    """A table of what each source calls the same thing; shows itself as text and, in a notebook, as HTML."""

    names: tuple[tuple[Cell, ...], ...]
    rules: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...]

    head = ("", "Yehoshua (Y)", "matrix note (M)", "Russell and Norvig (R)", "in nn")

    def __str__(self) -> str:
        table = [self.head, *(tuple(map(_text, row)) for row in self.names)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in table]
        lines.insert(1, "─" * max(map(len, lines)))
        for name, *cells in self.rules:
            lines += ["", _text(name)]
            lines += [f"  {key:2} {_text(cell)}" for key, cell in zip((*NOTATIONS, "nn"), cells, strict=True)]
        return "\n".join([*lines, "", *(textwrap.fill(note, 110) for note in self.notes)])

    def _repr_html_(self) -> str:
        def line(cells: Iterable[Cell], tag: str) -> str:
            style = 'style="text-align:left;padding:.2em .8em .2em 0"'
            return "<tr>" + "".join(f"<{tag} {style}>{html.escape(_text(c))}</{tag}>" for c in cells) + "</tr>"

        body = "".join(line(row, "td") for row in (*self.names, *self.rules))
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self.notes)
        return (
            f'<div style="overflow-x:auto"><table class="symbols"><thead>{line(self.head, "th")}</thead>'
            f"<tbody>{body}</tbody></table></div>{notes}"
        )

    def latex(self) -> str:
        """Return the table as a LaTeX array, without dollar signs, for MathJax and for plain LaTeX alike."""
        lines = [_latex_line(row) for row in (self.head, *self.names, *self.rules)]
        lines[0] += r" \hline"
        return "\n".join([r"\begin{array}{lllll}", *lines, r"\end{array}"])

    def _repr_latex_(self) -> str:
        return f"$$\n{self.latex()}\n$$"


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _latex_line(row: Iterable[Cell]) -> str:
    return " & ".join(in_latex(cell) if isinstance(cell, str) else cell.latex for cell in row) + r" \\"


def symbols() -> Symbols:
    """Return a table of what the three sources, and nn, call the same thing, and how each writes the rules.

    Examples
    --------
    >>> from nn import notation
    >>> table = notation.symbols()
    >>> print(str(table).splitlines()[0].strip())
    Yehoshua (Y)  matrix note (M)  Russell and Norvig (R)  in nn
    >>> print([str(cell) for cell in table.rules[4]][:3])
    ['delta rule', 'δᵢˡ = f′(zᵢˡ) Σⱼ wⱼᵢˡ⁺¹ δⱼˡ⁺¹', 'Δˡ = (Wˡ⁺¹ᵀ Δˡ⁺¹) ⊙ σ′(Zˡ)']
    """
    z, after, last = Point("z", "l"), Point("z", "l+1"), Point("z", "L")
    a, before, o = Point("a", "l"), Point("a", "l-1"), Point("a", "L")
    hidden = Slope("f", z, Weighted(after))
    error = Outputs("squared_error", o, share="")
    joined = Outputs("cross_entropy", o, True, share="")
    alpha = Formula("α", r"\alpha")
    skipped = Total((Weighted(after), Weighted(Point("z", "l+2"))))
    dropped = Slope("f", z, Dropped(Point("ã", "l"), 0.5, Weighted(after)))
    rules = [
        ("forward pass: weighted sum", Rule("z", z, before), "z = a @ W.T + b"),
        ("forward pass: activation", Rule("a", a, Slope("f", z, Named(z))), "a = f(z)"),
        ("output delta, squared error", Rule("delta", last, Slope("f", last, error), output=True), "(o - y) * f'(z)"),
        ("sigmoid or softmax and log loss", Rule("delta", last, joined, output=True), "o - y"),
        ("delta rule", Rule("delta", z, hidden), "delta @ W * f'(z)"),
        ("gradient of a weight", Rule("W", z, before, samples=False), "delta.T @ a"),
        ("gradient of a bias", Rule("b", z, samples=False), "delta.sum(axis=0)"),
        ("update", Rule("update", z, before, samples=False), "W -= alpha * dW"),
        ("dropout, keeping 1/2", Rule("delta", z, dropped), "u * kept / (1 - p)"),
        ("batch normalization", Rule("delta", z, Normalized("batch", Point("v", "l"), True)), "delta.BatchNorm"),
        ("layer normalization", Rule("delta", z, Normalized("sample", Point("v", "l"), True)), "delta.LayerNorm"),
        ("skip connection", Rule("delta", z, Slope("f", z, skipped), branched=True), "through + around"),
    ]
    rows: list[tuple[Cell, ...]] = [
        _row("weighted sum", lambda w: w.at(z), "z"),
        _row("activation", lambda w: w.at(a), "a"),
        _row("weight", lambda w: w.weight(z), "W[i, j]"),
        ("its ends", "to i, from j", "to i, from j", "from i, to j", "to i, from j"),
        _row("bias", lambda w: indexed(w.words.letters["B"], w.unit, w.layer(z)), "b", R="none"),
        _row("activation function", lambda w: w.words.f, "f"),
        _row("output", lambda w: w.output(o), "o"),
        _row("target", lambda w: indexed(w.words.letters["y"], w.unit), "y"),
        ("number of the input's layer", "0", "1", "none", "0"),
        _row("error", lambda w: w.words.error, "E"),
        ("factor of the squared error", "not stated", "1/2", "1, its 2 left out", "factor=0.5"),
        ("samples", "not stated", "averaged", "not stated", 'reduction="mean"'),
        _row("delta", lambda w: w.cotangent(z), "delta"),
        _row("what it is", lambda w: w.derivative(w.at(z)), "dE/dz"),
        ("learning rate", alpha, "none", alpha, "learning_rate"),
    ]
    written: list[tuple[Cell, ...]] = [
        (name, *(_whole(rule, notation) for notation in NOTATIONS), own) for name, rule, own in rules
    ]
    return Symbols(tuple(rows), tuple(written), NOTES)


NOTES = (
    "The matrix note's eq. (2) has Z and A in each other's place, as if A were what the activation function is given; "
    "it is given Z (claim M1), and so it is written here.",
    "R's Delta is minus Y's delta and M's Delta, up to the loss's factor: with the half they are equal but for the "
    "sign, and the updates are the same (claims R2, R4, R5). In nn, delta is dE/dz and Delta is -dE/dz.",
    "What a source does not state is written in its symbols: the update in M, which has no learning rate; the "
    "gradient of a bias in R, which has none; sigmoid or softmax and log loss in M and R; the last four rules in all.",
    "u (in R, U = -u) is the derivative by what a normalization returns, ẑ its normalized values, τ the standard "
    "deviation, ⟨ ⟩ a mean over what is "
    "normalized together; m is 1 where dropout keeps a unit, else 0. In nn, samples lie in rows.",
)


def _whole(rule: Rule, notation: str) -> Formula:
    equation = rule.equation(notation)
    return equation.right if rule.of == "update" else Formula(equation.text, equation.latex)


def _row(name: str, cell: Callable[[Writer], Cell], own: str, **instead: str) -> tuple[Cell, ...]:
    """Return a row that each vocabulary fills in."""
    rule = Rule("delta", Point("z", "l"), output=name in ("output", "target"))
    cells = {key: instead.get(key) or cell(Writer(words, rule)) for key, words in VOCABULARIES.items()}
    return name, *cells.values(), own
