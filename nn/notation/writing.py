"""Writing a rule down in the words of one source."""

from __future__ import annotations

from .formulas import NOTHING, Formula, bracketed, filled, indexed, joined, series, spaced, transposed
from .rules import (
    Dropped,
    Equation,
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
from .vocabulary import Vocabulary

__all__ = ["Writer"]

# dJ/do of each loss: a frame, and in it the difference {d} of two terms, turned round where the sign is the other one.
_OUTPUTS = {
    "squared_error": ("{factor}({d})", "{o}", "{y}"),
    "absolute_error": ("sign({d})", "{o}", "{y}"),
    "huber": ("clip({d}, −{threshold}, {threshold})", "{o}", "{y}"),
    "hinge": ("{d}", "", "{y} * [{y} * {o} < 1]"),
    "hinge of labels": ("({d})", "{q}", "{y} * {sum} {q_m}"),
    "binary_cross_entropy": ("{w}({d})/({o} * (1 − {o}))", "{o}", "{y}"),
    "cross_entropy": ("{d}", "", "{y}/{o}"),
    "kl_divergence": ("{d}", "", "{y}/{o}"),
    "kl_divergence of logarithms": ("{d}", "", "{y}"),
}
_JOINED = {  # delta, where the last activation is part of the loss (claim Y10)
    "binary_cross_entropy": ("{w}({d})", "{o}", "{y}"),
    "cross_entropy": ("({d})", "{o}", "{y}"),
}
_POSITIVES = "(1 − {y}) * {o}", "p * {y} * (1 − {o})"  # with a weight of the positive targets
_TARGETS = "{o} * {sum} {y_m}", "{y}"  # where a sample's targets do not add up to 1


class Writer:
    """Writes one rule in one notation."""

    def __init__(self, words: Vocabulary, rule: Rule) -> None:
        self.words, self.rule = words, rule
        self.unit, self.before, self.after = words.index(rule.output)
        self.layers = words.layers or rule.branched

    def equation(self) -> Equation:
        """Return both sides."""
        words, rule, point = self.words, self.rule, self.rule.point
        if rule.of in ("z", "a", "update"):
            return self.forward() if rule.of != "update" else self.update()
        if rule.of == "delta":
            assert rule.is_ is not None and not isinstance(rule.is_, Point)
            name = words.delta if point.letter == "z" else words.u
            return Equation(
                indexed(name, above=self.layer(point, always=True)), self.cotangent(point), self.written(rule.is_)
            )
        letter = {"W": "w", "b": "B", "gamma": "g", "beta": "b"}[rule.of]
        array = words.letters[letter]
        capital = Formula("W", r"\mathbf{W}") if rule.of == "W" else array
        symbol = self.derivative(indexed(capital, above=self.layer(point, always=True)))
        left = self.weight(point) if rule.of == "W" else indexed(array, self.unit, self.layer(point))
        left = self.derivative(left)
        return Equation(symbol, left, self.gradient())

    def forward(self) -> Equation:
        """Return z = W a + b, or a = f(z)."""
        words, rule = self.words, self.rule
        left = self.at(rule.point)
        if rule.of == "a":
            assert isinstance(rule.is_, Slope)
            name, z = self.function(rule.is_.function), self.at(rule.is_.at)
            return Equation(left, left, Formula(f"{name.text}({z.text})", f"{name.latex}({z.latex})"))
        assert isinstance(rule.is_, Point)
        w, b = (indexed(words.letters[letter], above=self.layer(rule.point)) for letter in "wB")
        if words.matrix:
            return Equation(left, left, filled("{w} {a} + {b}", words.times, w=w, a=self.at(rule.is_), b=b))
        w, a = self.weight(rule.point), self.at(rule.is_, self.before)
        b = indexed(words.letters["B"], self.unit, self.layer(rule.point))
        total = "{sum} {w} {a}" if words.inwards else "{sum} {w} {a} + {b}"  # R has no biases
        return Equation(left, left, filled(total, words.times, sum=series(self.before), w=w, a=a, b=b))

    def update(self) -> Equation:
        """Return the step of gradient descent, in one equation whose sides are not equal."""
        words = self.words
        w = self.weight(self.rule.point)
        step = self.gradient()
        template = "{w} ← {w} − α {step}" if words.sign > 0 else "{w} ← {w} + α {step}"
        return Equation(w, w, filled(template, words.times, w=w, step=step))

    def weight(self, point: Point) -> Formula:
        """Return the name of a weight, with the indices of both its ends."""
        words = self.words
        ends = self.before + self.unit if words.inwards else self.unit + self.before
        return indexed(words.letters["w"], "" if words.matrix else ends, self.layer(point))

    def layer(self, point: Point, always: bool = False) -> str:
        """Return what stands as a superscript."""
        if not (self.layers or always):
            return point.extra
        number = point.layer if isinstance(point.layer, str) else str(point.layer + self.words.first)
        return number + point.extra

    def at(self, point: Point, unit: str | None = None, turned: bool = False) -> Formula:
        """Return the name of a point's value."""
        above = self.layer(point)
        name = indexed(self.words.letters[point.letter], self.unit if unit is None else unit, above)
        return transposed(name) if turned else name

    def cotangent(self, point: Point, unit: str | None = None, below: str = "") -> Formula:
        """Return delta of a z, u of a v."""
        name = self.words.delta if point.letter == "z" else self.words.u
        return indexed(name, (self.unit if unit is None else unit) + below, self.layer(point))

    def derivative(self, by: Formula) -> Formula:
        """Return the derivative of the error, with the source's sign."""
        minus = "−" if self.words.sign < 0 else ""
        return filled(minus + "∂{error}/∂{by}", self.words.times, error=self.words.error, by=by)

    def gradient(self) -> Formula:
        """Return the right side of a parameter's rule."""
        words, rule = self.words, self.rule
        total = series("s") if rule.samples else NOTHING
        if rule.of in ("W", "update"):
            assert isinstance(rule.is_, Point)
            if words.matrix:  # samples in columns: the product adds them up
                return spaced(self.cotangent(rule.point), self.at(rule.is_, turned=True))
            factors = [self.cotangent(rule.point), self.at(rule.is_, self.before)]
            return spaced(total, *(factors[::-1] if words.inwards else factors))
        sample = "s" if words.matrix and rule.samples else ""  # a column
        delta = self.cotangent(rule.point, below=sample)
        if rule.of != "gamma":
            return spaced(total, delta)
        hat = indexed(words.letters["â"], self.unit + sample, self.layer(rule.point))
        return spaced(total, filled("{u} * {h}", words.times, u=delta, h=hat))

    def written(self, e: Expression, unit: str | None = None) -> Formula:
        """Return a cotangent, with the index of the unit whose it is."""
        unit = self.unit if unit is None else unit
        if isinstance(e, Named):
            return self.cotangent(e.point, unit)
        if isinstance(e, Weighted):
            return self.weighted(e, unit)
        if isinstance(e, Slope):
            name = self.function(e.function)
            slope = Formula(f"{name.text}′({self.at(e.at, unit).text})", f"{name.latex}'({self.at(e.at, unit).latex})")
            return self.product(slope, e.then, unit)
        if isinstance(e, Dropped):
            mask = indexed(self.words.letters["m"], unit, self.layer(e.point))
            share = Formula(f"{mask.text}/{e.keep:.4g}", f"{mask.latex}/{e.keep:.4g}")
            return self.product(share, e.then, unit)
        if isinstance(e, Jacobian):
            return self.jacobian(e, unit)
        if isinstance(e, Normalized):
            return self.normalized(e, unit)
        if isinstance(e, Total):
            terms = [self.written(term, unit) for term in e.terms]
            return Formula(" + ".join(t.text for t in terms), " + ".join(t.latex for t in terms), "sum")
        return self.outputs(e, unit)

    def weighted(self, e: Weighted, unit: str) -> Formula:
        """Return a sum over the deltas of the layer after (claims Y8, M4, R3)."""
        words, above = self.words, self.layer(e.point)
        if words.matrix:
            return spaced(
                transposed(indexed(words.letters["w"], above=above)), self.cotangent(e.point), kind="matrices"
            )
        after = self.after
        weight = indexed(words.letters["w"], unit + after if words.inwards else after + unit, above)
        return spaced(series(after), weight, self.cotangent(e.point, after), kind="series")

    def product(self, factor: Formula, e: Expression, unit: str) -> Formula:
        """Multiply a cotangent by a factor, in the source's order: dJ/do f'(z) (claim Y10), f'(z) times a sum (Y8)."""
        then, first = self.written(e, unit), _begins_at_outputs(e)
        if self.words.matrix:
            return joined(self.words.times, bracketed(then, "matrices", "sum", "negative"), factor)
        if first:
            return joined(self.words.times, bracketed(then, "sum", "negative"), factor)
        return joined(
            self.words.times,
            factor,
            bracketed(then, "sum", "negative"),
            kind="series" if then.kind == "series" else "product",
        )

    def function(self, name: str) -> Formula:
        """Return what an activation is called."""
        if name == "sigmoid":
            return self.words.sigmoid
        if name == "f":
            return self.words.f
        escaped = name.replace("_", r"\_")
        return Formula(name, rf"\mathrm{{{escaped}}}")

    def jacobian(self, e: Jacobian, unit: str) -> Formula:
        """Return a cotangent through a softmax (claim Y10)."""
        if self.words.matrix:
            name, at = self.function(e.function), self.at(e.at)
            matrix = Formula(f"{name.text}′({at.text})ᵀ", f"{name.latex}'({at.latex})^{{T}}")
            then = self.written(e.then)
            simple = then.kind == "product" and self.words.times.text not in then.text
            return spaced(matrix, then if simple else bracketed(then, then.kind), kind="matrices")
        m = "m"
        template = "{sum} {a} ([m = {i}] − {ai})" if e.function == "softmax" else "{sum} ([m = {i}] − exp {ai})"
        parts = {"sum": series(m), "i": Formula(unit, unit), "a": self.at(e.out, m), "ai": self.at(e.out, unit)}
        entry = filled(template, self.words.times, **parts)
        return joined(self.words.times, entry, bracketed(self.written(e.then, m), "sum", "negative"), kind="series")

    def normalized(self, e: Normalized, unit: str) -> Formula:
        """Return a cotangent through a normalization."""
        words, above = self.words, self.layer(e.point)
        parts = {
            "u": self.cotangent(e.point, unit),
            "h": indexed(words.letters["â"], unit, above),
            "g": indexed(words.letters["g"], unit, above),
            "t": indexed(words.letters["τ"], "" if e.over == "sample" else unit, above),
        }
        scaled = {"batch": "{u}", "running": "{u}", "sample": "{g} * {u}"}[e.over] if e.scaled else "{u}"
        front = "{g}/{t}" if e.scaled and e.over != "sample" else "1/{t}"
        rest = "{u}" if e.over == "running" else f"({scaled} − ⟨{scaled}⟩ − {{h}} * ⟨{scaled} * {{h}}⟩)"
        return joined(words.times, filled(front, words.times, **parts), filled(rest, words.times, **parts))

    def output(self, point: Point, unit: str | None = None) -> Formula:
        """Return what the network answers."""
        unit = self.unit if unit is None else unit
        return indexed(self.words.letters["o"], unit, self.layer(point) if self.words.matrix else "")

    def outputs(self, e: Outputs, unit: str) -> Formula:
        """Return dJ/do, or o - y where the last activation is part of the loss (claim Y10)."""
        words = self.words
        name = e.loss + (" of labels" if "labels" in e.options else "")
        name += " of logarithms" if "log_outputs" in e.options else ""
        frame, left, right = (_JOINED if e.joined else _OUTPUTS)[name]
        if "pos_weight" in e.options:
            left, right = _POSITIVES
        elif e.joined and "partial" in e.options:
            left, right = _TARGETS
        c, target = 2 * e.factor, words.letters["t" if "targets" in e.options else "y"]
        weight = indexed(words.letters["ω"], unit)
        parts = {
            "o": self.output(e.point, unit),
            "y": indexed(target, unit),
            "y_m": indexed(target, "m"),
            "q": indexed(words.letters["q"], unit),
            "q_m": indexed(words.letters["q"], "m"),
            "sum": series("m"),
            "threshold": Formula(f"{e.threshold:g}", f"{e.threshold:g}"),
            "w": filled("{w} * ", words.times, w=weight),
            "factor": Formula(f"{c:g} ", rf"{c:g}\, "),
        }
        if words.sign < 0:
            left, right = right, left
        difference = f"{left} − {right}" if left and right else left or f"−{right}"
        for name, missing in (("{factor}", c == 1), ("{w}", "weight" not in e.options)):
            frame = frame.replace(name, "") if missing else frame
        template = frame.replace("{d}", difference)
        if template == f"({difference})" and not e.share:
            return filled(difference, words.times, **parts)._replace(kind="sum")
        if e.share and template.endswith("/{o}"):
            template = template.replace("/{o}", f"/({e.share} {{o}})")
        elif e.share and not template.endswith(")/({o} * (1 − {o}))"):
            template += f"/{e.share}"
        elif e.share:
            template = template.replace("/({o}", f"/({e.share} {{o}}")
        formula = filled(template, words.times, **parts)
        return formula._replace(kind="negative") if template[0] == "−" else formula


def _begins_at_outputs(e: Expression) -> bool:
    """Return whether a cotangent is that of the outputs, or comes from it by factors alone."""
    while isinstance(e, (Slope, Dropped, Jacobian)):
        e = e.then
    return isinstance(e, Outputs)
