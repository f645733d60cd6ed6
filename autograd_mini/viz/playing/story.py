"""The player's page: what each moment of the sweep shows, in words, formulas and numbers that Python has written."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from ..arrays import few, number, plain, rms
from ..boxes import Box
from ..mathematics import DIVIDED, Formula, Reader, quoted
from ..stage import Label, arrows
from ..steps import Contribution, Step
from .curves import curves
from .museum import BUGS, Exhibit
from .numerals import Numbers, array, coloured
from .typeset import typeset

__all__ = ["Moment", "inlined", "moments"]

LABEL = 24  # characters of a rule on an arrow
UNITS = 12  # rows of a table of deltas


@dataclass
class Moment:
    """What the page shows at one position of its slider.

    Attributes
    ----------
    phase : str
        ``start``, ``forward``, ``seed``, ``backward``, ``end``.
    node : str
        The id of the box whose step it is; empty at the start and at the end.
    to, edges : list of str
        The boxes that receive something, and the arrows along which it goes.
    values : list of str
        The boxes whose values are known from now on.
    gradients : list of (str, int)
        The boxes whose gradients grow, and how many of their uses are then counted.
    lines : list of int
        The lines of derived source that are lit.
    html : str
        The words, formulas and numbers.
    wrong : bool
        Whether the wrong sweep goes astray here.
    """

    phase: str
    node: str
    html: str
    to: list[str] = field(default_factory=list)
    edges: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    gradients: list[tuple[str, int]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    wrong: bool = False


@dataclass
class Story:
    """All moments, the derived source, the arrows' labels, and each box's gradient after each of its uses.

    `astray` are these gradients in the wrong sweep, None where they are right.
    """

    moments: list[Moment]
    source: list[tuple[str, str]]
    labels: list[Label]
    growing: dict[str, list[Any]]
    astray: dict[str, list[Any]]


Rules = Mapping[str, Mapping[str, Any]]


def moments(
    boxes: list[Box],
    steps: Sequence[Step],
    rules: Rules,
    notes: Mapping[str, str],
    asked: Callable[[Step, Contribution, Mapping[str, Any]], str],
    shown: Exhibit | None = None,
) -> Story:
    """Return what the page shows, one moment after the other; `asked` writes what *predict* needs to know."""
    return _Teller(boxes, steps, rules, notes, asked, shown).tell()


def inlined(formula: str) -> str:
    """Return a rule of several lines as one expression.

    >>> inlined("t1 = 1 - y; g * t1")
    'g * (1 - y)'
    """
    if "; " not in formula:
        return formula
    try:
        lines = ast.parse(formula).body
    except SyntaxError:  # a name that is none in Python
        return formula
    known: dict[str, ast.expr] = {}
    for line in lines:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                known[name] = _In(known).visit(value)
            case ast.Expr(value=value) if line is lines[-1]:
                return ast.unparse(_In(known).visit(value))
            case _:
                break
    return formula


class _In(ast.NodeTransformer):
    def __init__(self, known: Mapping[str, ast.expr]) -> None:
        self.known = known

    def visit_Name(self, name: ast.Name) -> ast.expr:
        return self.known.get(name.id, name)


class _Teller:
    def __init__(
        self,
        boxes: list[Box],
        steps: Sequence[Step],
        rules: Rules,
        notes: Mapping[str, str],
        asked: Callable[[Step, Contribution, Mapping[str, Any]], str],
        shown: Exhibit | None,
    ) -> None:
        self.boxes, self.steps, self.rules, self.notes, self.asked = boxes, steps, rules, notes, asked
        self.exhibit = shown
        self.astray: dict[str, list[Any]] = {}
        self.of = {box.id: box for box in boxes}
        self.end = boxes[-1]
        self.arrows = arrows(boxes)
        self.names = {box.name for box in boxes}
        self.values = {box.name: box.value for box in boxes if box.value is not None}
        self.values |= {f"d_{box.name}": box.gradient for box in boxes if box.gradient is not None}
        self.readers = {flag: Reader(self.end.name, self.names, flag) for flag in (False, True)}
        self.numeric = {flag: Numbers(self.values, self.end.name, self.names, flag) for flag in (False, True)}
        self.source: list[tuple[str, str]] = []
        self.swept = False  # whether the sweep has begun
        self.labels: list[Label] = []
        self.growing: dict[str, list[Any]] = {}
        self.told: list[Moment] = []

    # --- formulas

    def reader(self, *boxes: Box) -> Reader:
        return self.readers[any(math.prod(box.shape) > 1 for box in boxes)]

    def numbers(self, *boxes: Box) -> Numbers:
        return self.numeric[any(math.prod(box.shape) > 1 for box in boxes)]

    def line(self, text: str) -> int:
        self.source.append((text, "backward" if self.swept else "forward"))
        return len(self.source) - 1

    # --- the story

    def tell(self) -> Story:
        forward = [step for step in self.steps if step.phase == "forward"]
        seed = next(step for step in self.steps if step.phase == "seed")
        sweep = [step for step in self.steps if step.phase == "backward" and step.contributions]
        self.growing[seed.id] = [seed.gradient]
        self.told.append(self.start())
        self.told += [self.forward(step) for step in forward]
        self.told.append(self.seed(seed))
        for step in sweep:
            self.told.append(self.backward(step))
        self.told.append(self.finish())
        first = next((moment for moment in self.told if moment.wrong), None)
        if first is not None:
            first.html = f'<p class="first">The first wrong step</p>{first.html}'
        return Story(self.told, self.source, self.labels, self.growing, self.astray)

    def start(self) -> Moment:
        inputs = [box for box in self.boxes if not box.expression]
        wanted = [box for box in inputs if box.kind == "leaf"]
        given = [box for box in inputs if box.kind != "leaf"]
        parts = ["<h2>What enters</h2>"]
        end = self.readers[False].value(self.end.name)
        parts.append(
            f"<p>First the values are computed, from these to {_math(end)}. Then the sweep goes back along every arrow "
            f"and finds, for each value, how {_math(end)} changes with it.</p>"
        )
        for title, group in (("Leaves, whose gradients are wanted", wanted), ("Constants", given)):
            if group:
                rows = "".join(self.listed(box, box.value) for box in group)
                parts.append(f'<table class="list"><caption>{title}</caption>{rows}</table>')
        if self.exhibit is not None:
            what, then, _ = BUGS[self.exhibit.bug]
            parts.insert(0, f'<div class="bad bug"><h2>A bug: {what}</h2><p>{then}</p></div>{self.ends()}')
        return Moment("start", "", "".join(parts), values=[box.id for box in inputs])

    def listed(self, box: Box, a: Any, cotangent: bool = False) -> str:
        reader = self.reader(box)
        name = reader.cotangent(box.name) if cotangent else reader.value(box.name)
        shown = _math(array(a), "g" if cotangent else "v") if a is not None else f'<span class="m">{box.missing}</span>'
        return f"<tr><th>{_math(name)}</th><td>{shown}</td></tr>"

    def forward(self, step: Step) -> Moment:
        box = self.of[step.id]
        reader, numbers = self.reader(box, *box.inputs), self.numbers(box, *box.inputs)
        expression = box.expression
        left, right = reader.value(box.name), reader.read(expression)
        rows: list[tuple[str, Formula | None, str]] = [("", left, _eq(right))]
        with_numbers = numbers.read(expression)
        if with_numbers.mathml != right.mathml:
            rows.append(("", None, _eq(with_numbers)))
        if box.value is not None:
            rows.append(("", None, _eq(array(box.value), "v")))
        note = "" if box.value is not None else f"<p>{_sentence(box.missing)}</p>"
        html = f"<h2>Forward: {_math(left)}</h2>{_rows(rows, 'v')}{note}{self.scope_note(box)}"
        lit = [self.line(f"{step.name} = {step.expression}")]
        return Moment("forward", box.id, html, edges=self.arrows[box.id], values=[box.id], lines=lit)

    def seed(self, step: Step) -> Moment:
        box = self.of[step.id]
        reader = self.reader(box)
        self.source.append(("", "seed"))
        self.swept = True
        lit = [self.line(step.lines[0])]
        text = "The sweep begins at the end" + (
            ": a quantity changes with itself at rate 1."
            if np.array_equal(np.ravel(np.asarray(step.gradient)), [1])
            else ", with the cotangent that was given."
        )
        rows: list[tuple[str, Formula | None, str]] = [("", reader.cotangent(box.name), _eq(array(step.gradient), "g"))]
        html = f"<h2>The seed</h2><p>{text}</p>{_rows(rows)}"
        moment = Moment("seed", box.id, html, to=[box.id], gradients=[(box.id, 1)], lines=lit)
        if self.exhibit is not None:
            self.compare(moment, box, step.gradient, step.gradient, *[self.exhibit.gradients[box.id]] * 2)
        return moment

    def backward(self, step: Step) -> Moment:
        box = self.of[step.id]
        reader = self.reader(box, *box.inputs)
        at = len(self.told)
        title = reader.read(box.expression)
        parts = [f"<h2>Back through {_math(reader.value(box.name))} = {_math(title)}</h2>"]
        moment = Moment("backward", box.id, "")
        for sent in step.contributions:
            use = box.places.index(sent.where)
            edge, source = self.arrows[box.id][use], box.inputs[use]
            grown = self.growing.setdefault(source.id, [])
            before = grown[-1] if grown else None
            grown.append(sent.total)
            moment.gradients.append((source.id, len(grown)))
            moment.to.append(source.id)
            moment.edges.append(edge)
            for line in sent.line.split("; "):  # what a rule computes first stands before it
                moment.lines.append(self.line(line))
            self.labels.append(Label(at, edge, _said(box, sent)))
            parts.append(self.contribution(step, box, source, sent, before))
            if self.exhibit is not None:
                at_fault = (found.get((box.id, sent.where)) for found in (self.exhibit.values, self.exhibit.totals))
                parts.append(self.compare(moment, source, sent.value, sent.total, *at_fault))
        rules = [self.rule(name) for name in _complete(step) if name in self.rules]
        moment.html = "".join(parts) + "".join(rules) + self.scope_note(box)
        return moment

    def contribution(self, step: Step, box: Box, source: Box, sent: Contribution, before: Any) -> str:
        """Return one use's share: incoming gradient times local derivative, and how it adds up."""
        reader, numbers = self.reader(box, source), self.numbers(box, *box.inputs)
        formula = inlined(sent.formula)
        left = reader.cotangent(source.name)
        sign = "=" if sent.use == 1 else "+="
        rows: list[tuple[str, Formula | None, str]] = []
        if sent.local is not None:
            times = "<mo>⊙</mo>" if reader.arrays else "<mo>·</mo>"
            incoming = coloured(reader.cotangent(box.name), "g")
            ratio = _ratio(reader, box, source)
            rows.append(("", left, f"<mo>{sign}</mo>{incoming}{times}{coloured(ratio, 'l')}"))
            if sent.local_formula is not None:
                local = reader.read(inlined(sent.local_formula))
                shown = local if local.level > 2 else Formula("", f"<mo>(</mo>{local.mathml}<mo>)</mo>")
                rows.append(("how", None, f"<mo>=</mo>{incoming}{times}{coloured(shown, 'l')}"))
            if _can_write(step.gradient) and _can_write(sent.local) and sent.local_formula != "1":
                g, ours = array(step.gradient), array(sent.local)
                first, second = coloured(_braced(g), "g"), f"{times}{coloured(_braced(ours), 'l')}"
                if np.size(sent.value) == 1:
                    rows.append(("ans", None, f"<mo>=</mo>{first}{second}"))
                else:  # two arrays beside each other are too wide
                    rows += [("ans", None, f"<mo>=</mo>{first}"), ("ans", None, second)]
        elif "; " in formula:  # several lines of source, which are lit
            rows.append(("", left, f"<mo>{sign}</mo>{quoted(formula.rpartition('; ')[2]).mathml}"))
        else:
            rows.append(("", left, f"<mo>{sign}</mo>{reader.read(formula).mathml}"))
            numeric = numbers.read(formula)
            if numeric.mathml != reader.read(formula).mathml:
                rows.append(("ans", None, f"<mo>=</mo>{numeric.mathml}"))
        rows.append(("ans", None, f"<mo>=</mo>{coloured(array(sent.value), 'r')}"))
        html = _rows(rows)
        if sent.uses > 1:
            html += self.added(reader, source, sent, before)
        return f'<div class="c"{self.asked(step, sent, self.values)}>{html}</div>'

    def added(self, reader: Reader, source: Box, sent: Contribution, before: Any) -> str:
        """Return how the shares of several uses add up."""
        name = _math(reader.value(source.name))
        if sent.use == 1:
            return (
                f'<p class="sum">{name} is used {sent.uses} times: this is the first of {sent.uses} shares, '
                "which add up.</p>"
            )
        total = f"<mo>=</mo>{coloured(array(sent.total), 'r')}"
        pieces = ""
        if _can_write(before) and _can_write(sent.value):
            pieces = f"{_braced(array(before)).mathml}<mo>+</mo>{_braced(array(sent.value)).mathml}"
        whole = "whole" if sent.use == sent.uses else f"{sent.use} of {sent.uses}"
        count = f"share {sent.use} of {sent.uses}" if sent.use < sent.uses else f"the last of {sent.uses} shares"
        return (
            f'<p class="sum">{name}: {count}.</p><div class="ans">'
            f'<math display="block" class="{whole}"><mrow>{coloured(reader.cotangent(source.name), "g")}'
            f"{'<mo>=</mo>' + pieces if pieces else ''}{total}</mrow></math></div>"
        )

    def compare(self, moment: Moment, source: Box, value: Any, total: Any, share: Any, sofar: Any) -> str:
        """Return what the wrong sweep makes of one use; note whether it goes astray."""
        same = [b is not None and _alike(a, b) for a, b in ((value, share), (total, sofar))]
        self.astray.setdefault(source.id, []).append(None if same[1] else sofar)
        if all(same):
            return '<p class="bug">With the bug: the same.</p>'
        moment.wrong = True
        name = self.reader(source).cotangent(source.name).mathml
        wrong = f"<math><mrow>{name}<mo>=</mo>{coloured(array(sofar), 'bad')}</mrow></math>"
        if not same[0] and not _alike(share, sofar):
            wrong = f"a share of {_math(array(share), 'bad')}, so far {wrong}"
        elif same[1]:
            wrong = f"a share of {_math(array(share), 'bad')}"
        html = f'<p class="bug bad">With the bug: {wrong}</p>'
        if moment.phase == "seed":
            moment.html += html
        return html

    def ends(self) -> str:
        """Return where the mistake leads."""
        if self.exhibit is None:
            return ""
        if not self.exhibit.right:
            return "<p class=m>No loss curves: they need a result that is one number, and values kept by ag.keep().</p>"
        chart = curves(self.exhibit.right, self.exhibit.wrong, escape(plain(self.end.name)))
        rounds = f"{len(self.exhibit.right)} steps of gradient descent at rate {self.exhibit.rate:g}"
        return f"<section><h3>{rounds}</h3>{chart}</section>"

    def finish(self) -> Moment:
        leaves = [box for box in self.boxes if box.kind == "leaf"]
        rows = "".join(self.listed(box, box.gradient, True) for box in leaves if box.gradient is not None)
        end = _math(self.readers[False].value(self.end.name))
        text = (
            f"Each leaf’s gradient is whole: how {end} changes with it. A small step against them makes {end} smaller."
        )
        html = f'<h2>The gradients</h2><p>{text}</p><table class="list">{rows}</table>{self.ends()}'
        counted = [(box.id, len(self.growing.get(box.id, [])) or 1) for box in self.boxes if box.gradient is not None]
        for box in self.boxes:
            if box.gradient is not None and not self.growing.get(box.id):
                self.growing[box.id] = [box.gradient]
        return Moment("end", "", html, gradients=counted, to=[box.id for box in leaves])

    # --- beside it

    def rule(self, name: str) -> str:
        """Return the rule that was derived by hand, beside what the sweep found."""
        rule = self.rules[name]
        box = next(box for box in self.boxes if box.name == name)
        return _hand(rule, self.reader(box).cotangent(name), np.asarray(box.gradient), rule["by_hand"])

    def scope_note(self, box: Box) -> str:
        note = self.notes.get("/".join(box.scope), "")
        where = escape(plain(" / ".join(box.scope)))
        lines = "<br>".join(escape(plain(line)) for line in note.splitlines())
        return f'<aside class="note"><b>{where}</b> {lines}</aside>' if note else ""


def _alike(a: Any, b: Any) -> bool:
    """Return whether numbers are the same but for rounding."""
    a, b = np.asarray(a), np.asarray(b)
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-12 * rms(a), equal_nan=True))


def _can_write(a: Any) -> bool:
    return a is not None and np.size(a) > 0 and (np.size(a) == 1 or few(a))


def _complete(step: Step) -> list[str]:
    return list(dict.fromkeys(c.operand for c in step.contributions if c.use == c.uses))


def _said(box: Box, sent: Contribution) -> str:
    """Return what the arrow says: the local derivative, or the rule."""
    if sent.local is not None and np.size(sent.local) == 1:
        return f"× {number(np.asarray(sent.local).reshape(())[()])}"
    text = inlined(sent.local_formula if sent.local_formula is not None else sent.formula)
    text = text.replace("np.", "").replace(f"d_{box.name}", "∂")
    text = f"⊙ {text}" if sent.local_formula is not None else text
    return plain(text if len(text) <= LABEL else "")


def _ratio(reader: Reader, box: Box, source: Box) -> Formula:
    top, below = (f"<mrow><mi>∂</mi>{reader.value(b.name).mathml}</mrow>" for b in (box, source))
    return Formula("", f"<mfrac>{top}{below}</mfrac>", DIVIDED)


def _braced(a: Formula) -> Formula:
    negative = a.mathml.startswith("<mo>−")
    return (
        Formula("", f'<mo stretchy="false">(</mo><mrow>{a.mathml}</mrow><mo stretchy="false">)</mo>') if negative else a
    )


def _eq(a: Formula, kind: str = "") -> str:
    return f"<mo>=</mo>{coloured(a, kind) if kind else a.mathml}"


def _math(a: Formula, kind: str = "") -> str:
    return f"<math>{coloured(a, kind) if kind else a.mathml}</math>"


def _rows(rows: list[tuple[str, Formula | None, str]], what: str = "g") -> str:
    """Return equations one under the other, their signs in line."""
    lines = "".join(
        f"<mtr{f' class={kind}' if kind else ''}>{f'<mtd>{coloured(left, what)}</mtd>' if left else '<mtd/>'}"
        f"<mtd>{right}</mtd></mtr>"
        for kind, left, right in rows
    )
    return f'<math display="block"><mtable class="eq">{lines}</mtable></math>'


def _sentence(reason: str) -> str:
    return "Its value was not kept: record under <code>ag.keep()</code>." if reason == "not kept" else "It is a tuple."


# --- the rule by hand -------------------------------------------------------------------------------------------------


def _hand(rule: Mapping[str, Any], name: Formula, autodiff: Any, by_hand: Any) -> str:
    """Return a table: delta, Delta, autodiff, difference; a row for each unit; of a weight a row for each entry."""
    by_hand = np.asarray(by_hand)
    difference = np.abs(by_hand - autodiff)
    names = rule.get("labels")
    formulas = "".join(
        f'<p class="rule n{key}"><math>{typeset(plain(rule[key]))}</math></p>'
        for key in ("Y", "M", "R")
        if isinstance(rule.get(key), str)
    )
    order = np.argsort(-np.abs(by_hand).ravel(), kind="stable")[:UNITS] if by_hand.size > UNITS else range(by_hand.size)
    rows = []
    for flat in sorted(int(i) for i in order):
        where = np.unravel_index(flat, by_hand.shape) if by_hand.ndim else ()
        label = escape(plain(names[flat])) if names else ", ".join(str(i + 1) for i in where)
        cells = (by_hand.flat[flat], -by_hand.flat[flat], autodiff.flat[flat], difference.flat[flat])
        numbers = "".join(f"<td>{number(x)}</td>" for x in cells)
        rows.append(f"<tr><th>{label}</th>{numbers}</tr>")
    mine, other = ("δ", "Δ = −δ") if rule.get("delta") else ("by hand", "times −1")
    head = f"<th>{'unit' if rule.get('delta') else 'entry'}</th><th>{mine}</th><th>{other}</th>"
    more = by_hand.size - len(rows)
    rest = f"<p class=m>The {len(rows)} largest of {by_hand.size}.</p>" if more else ""
    worst = number(difference.max(initial=0.0))
    return (
        f'<section class="hand"><h3>By hand: {_math(name)}</h3>{formulas}<table><thead><tr>{head}'
        f"<th>autodiff</th><th>difference</th></tr></thead><tbody>{''.join(rows)}</tbody></table>{rest}"
        f'<p class="m">Largest difference {worst}, of numbers of size {number(rms(by_hand))}.</p></section>'
    )
