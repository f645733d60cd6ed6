r"""Formulas for reading: the lines of Python that `steps` carries, as LaTeX and as MathML.

>>> latex("d_z1 = d_h1 * (1 - h1 * h1)", end="E")
'\\frac{\\partial E}{\\partial z_{1}} = \\frac{\\partial E}{\\partial h_{1}} \\cdot (1 - h_{1} \\cdot h_{1})'

Nothing here knows a derivative: what a line of the table says, Python's own parser reads, and it is set as it stands.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable
from html import escape
from typing import Any, NamedTuple, TypeGuard

from .arrays import number, plain

__all__ = [
    "Formula",
    "Reader",
    "bracketed",
    "chain",
    "cotangent",
    "divided",
    "latex",
    "mathml",
    "quoted",
    "quantity",
    "read",
    "symbol",
    "under",
]

# How tightly a formula binds, which says where it needs brackets.
COMPARED, ADDED, NEGATED, MULTIPLIED, DIVIDED, RAISED, ATOM = range(7)

GREEK = (
    {name: chr(0x3B1 + i) for i, name in enumerate("alpha beta gamma delta epsilon zeta eta theta iota kappa".split())}
    | {name: chr(0x3BB + i) for i, name in enumerate("lambda mu nu xi omicron pi rho".split())}
    | {name: chr(0x3C3 + i) for i, name in enumerate("sigma tau upsilon phi chi psi omega".split())}
    | {"eps": "ε", "Delta": "Δ", "Sigma": "Σ", "Omega": "Ω", "Gamma": "Γ", "Theta": "Θ", "Phi": "Φ", "Psi": "Ψ"}
)  # fmt: skip
SPECIAL = {"\\": r"\backslash ", "^": r"\hat{}", "~": r"\sim ", " ": r"\ ", "<": "{<}", ">": "{>}", "−": "-"}
# A brace that spans what stands above it in every font, few of which have one that stretches: a line, its ends bent up.
BRACE = (
    "border:1.5px solid transparent;border-top:0;border-bottom-color:currentcolor;border-radius:0 0 .7em .7em;"
    "padding:0 .15em .3em;margin-bottom:.2em"
)
NAMED = frozenset("log exp sin cos tan sinh cosh tanh arctan arcsin arccos max min det".split())
OPERATORS: dict[type, tuple[str, str]] = {
    ast.Add: ("+", "+"), ast.Sub: ("-", "−"), ast.Eq: ("=", "="), ast.NotEq: (r"\ne", "≠"), ast.Lt: ("<", "&lt;"),
    ast.LtE: (r"\le", "≤"), ast.Gt: (">", "&gt;"), ast.GtE: (r"\ge", "≥"), ast.Mod: (r"\bmod", "mod"),
    ast.BitAnd: (r"\wedge", "∧"), ast.BitOr: (r"\vee", "∨"),
}  # fmt: skip


class Formula(NamedTuple):
    """A formula, both ways; `level` says how tightly it binds.

    Attributes
    ----------
    latex : str
        For MathJax, KaTeX and LaTeX's math mode; without dollar signs.
    mathml : str
        What stands inside ``<math>``.
    """

    latex: str
    mathml: str
    level: int = ATOM

    def html(self, block: bool = False) -> str:
        """Return the whole ``<math>`` element, with the LaTeX as its annotation: a copy of it gives that."""
        note = f'<annotation encoding="application/x-tex">{escape(self.latex, quote=False)}</annotation>'
        display = ' display="block"' if block else ""
        return f"<math{display}><semantics><mrow>{self.mathml}</mrow>{note}</semantics></math>"


def latex(source: str, *, end: str = "y", arrays: bool = False, names: Collection[str] = ()) -> str:
    r"""Return a line of Python as LaTeX, without dollar signs.

    Parameters
    ----------
    source : str
        An expression or an assignment, several of them with semicolons between. What Python cannot read is set as it
        stands, in the letters of a typewriter.
    end : str
        The result that is differentiated: a cotangent ``d_z3`` is ∂y/∂z₃.
    arrays : bool
        Whether ``*`` multiplies arrays, entry by entry: then it is ⊙, else a dot.
    names : collection of str
        What values are called, where that is no name in Python: ``layer.weight``, ``a b``.

    Examples
    --------
    >>> latex("W1 * x")
    'W_{1} \\cdot x'
    >>> latex("d_z1.T @ x", arrays=True)
    '\\left(\\frac{\\partial y}{\\partial z_{1}}\\right)^{\\top} \\, x'
    """
    return read(source, end=end, arrays=arrays, names=names).latex


def mathml(source: str, *, end: str = "y", arrays: bool = False, names: Collection[str] = ()) -> str:
    """Return a line of Python as a ``<math>`` element; see `latex`, which is its annotation.

    Examples
    --------
    >>> mathml("a + 1")[:60]
    '<math><semantics><mrow><mi>a</mi><mo>+</mo><mn>1</mn></mrow>'
    """
    return read(source, end=end, arrays=arrays, names=names).html()


def read(source: str, *, end: str = "y", arrays: bool = False, names: Collection[str] = ()) -> Formula:
    """Return a line of Python as a `Formula`; see `latex`."""
    return Reader(end, names, arrays).read(source)


# --- pieces ----------------------------------------------------------------------------------------------------------


def quoted(words: str) -> Formula:
    """Return words as they stand, upright."""
    words = plain(words)
    text = "".join(SPECIAL.get(c, f"\\{c}" if c in "#$%&_{}" else c) for c in words)
    return Formula(rf"\mathrm{{{text}}}", f"<mtext>{escape(words, quote=False)}</mtext>")


def symbol(name: str) -> Formula:
    r"""Return a name: the letter, and what follows it as an index.

    >>> symbol("W12").latex, symbol("sigma").latex, symbol("loss_1").latex
    ('W_{12}', '\\sigma', '\\mathrm{loss}_{1}')
    """
    found = re.fullmatch(r"([^\W\d_]+)_?(\w*)", name)
    if found is None or found[2].endswith("_"):
        return quoted(name)
    base, index = found[1], found[2].replace("_", ",")
    if base in GREEK:
        tex, letter = rf"\{base if base != 'eps' else 'varepsilon'}", GREEK[base]
    else:
        tex, letter = base if len(base) == 1 else rf"\mathrm{{{base}}}", base
    mi = f"<mi>{letter}</mi>"
    if not index:
        return Formula(tex, mi)
    shown = index if len(index) == 1 or not index.isalpha() else rf"\mathrm{{{index}}}"
    tag = "mn" if index.isdigit() else "mi"
    return Formula(f"{tex}_{{{shown}}}", f"<msub>{mi}<{tag}>{index}</{tag}></msub>")


def quantity(x: Any) -> Formula:
    r"""Return a number of four significant digits.

    >>> quantity(-0.5).latex, quantity(1.5e-8).latex, quantity(float("inf")).latex
    ('-0.5', '1.5 \\times 10^{-8}', '\\infty')
    """
    text = number(x)
    if text.endswith("j") or text == "NaN":
        return quoted(text)
    sign, text = text[: text.startswith("−")], text.removeprefix("−")
    digits, _, exponent = text.partition("e")
    tex, ml, level = digits, f"<mn>{digits}</mn>", ATOM
    if text == "inf":
        tex, ml = r"\infty", "<mi>∞</mi>"
    if exponent:
        power = exponent.replace("−", "-").replace("+", "")
        power = str(int(power))
        tex = rf"{digits} \times 10^{{{power}}}"
        top = f"<mn>{power}</mn>".replace("<mn>-", "<mo>−</mo><mn>")
        ml = f"<mn>{digits}</mn><mo>×</mo><msup><mn>10</mn><mrow>{top}</mrow></msup>"
        level = MULTIPLIED
    return Formula(f"-{tex}", f"<mo>−</mo>{ml}", NEGATED) if sign else Formula(tex, ml, level)


def cotangent(of: Formula, end: Formula) -> Formula:
    """Return the derivative of the result by a value."""
    top, below = (Formula(rf"\partial {x.latex}", f"<mi>∂</mi>{x.mathml}") for x in (end, of))
    return divided(top, below)


def divided(a: Formula, b: Formula) -> Formula:
    """Return a fraction."""
    ml = f"<mfrac><mrow>{a.mathml}</mrow><mrow>{b.mathml}</mrow></mfrac>"
    return Formula(rf"\frac{{{a.latex}}}{{{b.latex}}}", ml, DIVIDED)


def chain(operator: tuple[str, str], parts: Iterable[Formula], level: int) -> Formula:
    """Return formulas with an operator between them, each in brackets where it needs them."""
    parts = list(parts)
    if len(parts) == 1:
        return parts[0]
    inner = [bracketed(part, level if i == 0 else level + 1) for i, part in enumerate(parts)]
    sign = f"<mo>{operator[1]}</mo>"
    return Formula(f" {operator[0]} ".join(p.latex for p in inner), sign.join(p.mathml for p in inner), level)


def under(above: Formula, below: Formula) -> Formula:
    """Return a formula with a brace under it, and another under the brace."""
    return Formula(
        rf"\underbrace{{{above.latex}}}_{{{below.latex}}}",
        f'<munder><mrow style="{BRACE}">{above.mathml}</mrow><mrow>{below.mathml}</mrow></munder>',
    )


def bracketed(formula: Formula, level: int) -> Formula:
    """Return a formula in brackets, if it binds less tightly than it must."""
    if formula.level >= level:
        return formula
    high = r"\frac" in formula.latex
    left, right = (r"\left(", r"\right)") if high else ("(", ")")
    still = "" if high else ' stretchy="false"'
    inner = f"<mo{still}>(</mo>{formula.mathml}<mo{still}>)</mo>"
    return Formula(f"{left}{formula.latex}{right}", f"<mrow>{inner}</mrow>")


def _row(*parts: Formula | str, level: int = ATOM) -> Formula:
    """Return pieces side by side; a text is a sign."""
    both = [p if isinstance(p, Formula) else Formula(p, f'<mo stretchy="false">{p}</mo>') for p in parts]
    return Formula("".join(p.latex for p in both), f"<mrow>{''.join(p.mathml for p in both)}</mrow>", level)


def _raised(base: Formula, exponent: Formula) -> Formula:
    base = bracketed(base, ATOM)
    inner = base.latex if base.latex[-1] != "}" else f"{{{base.latex}}}"
    ml = f"<msup><mrow>{base.mathml}</mrow><mrow>{exponent.mathml}</mrow></msup>"
    return Formula(f"{inner}^{{{exponent.latex}}}", ml, RAISED)


# --- Python's syntax -------------------------------------------------------------------------------------------------


class Reader:
    """Reads lines that speak of the same values; see `latex` for the arguments."""

    def __init__(self, end: str = "y", names: Collection[str] = (), arrays: bool = False) -> None:
        odd = sorted((name for name in names if not name.isidentifier()), key=lambda name: (-len(name), name))
        self.stands = {name: f"quoted_{i}_" for i, name in enumerate(odd)}
        self.odd = {stand: quoted(name) for name, stand in self.stands.items()}
        choice = "|".join(map(re.escape, odd))
        self.pattern = re.compile(rf"(?<!\w)(d_)?({choice})(?!\w)") if odd else None
        self.arrays = arrays
        self.known: dict[str, Formula] = {}
        self.end = self.name(self.stands.get(end, end))

    def read(self, source: str) -> Formula:
        """Return a line as a formula."""
        text = source
        if self.pattern is not None:
            text = self.pattern.sub(lambda found: (found[1] or "") + self.stands[found[2]], source)
        try:
            lines = [self.statement(line) for line in ast.parse(text.strip()).body]
        except (SyntaxError, ValueError, RecursionError):
            lines = []
        if not lines:
            return quoted(source)
        if len(lines) == 1:
            return lines[0]
        inner = "<mo>;</mo>".join(line.mathml for line in lines)
        return Formula(r";\quad ".join(line.latex for line in lines), inner, COMPARED)

    def value(self, name: str) -> Formula:
        """Return the name of a value of the graph, whatever it is."""
        return self.name(self.stands.get(name, name))

    def cotangent(self, name: str) -> Formula:
        """Return the cotangent of a value of the graph."""
        return cotangent(self.value(name), self.end)

    def name(self, name: str) -> Formula:
        """Return a name of a line: of a value, or of a cotangent."""
        if name in self.odd:
            return self.odd[name]
        if name not in self.known:
            is_cotangent = name.startswith("d_") and len(name) > 2
            self.known[name] = cotangent(self.name(name[2:]), self.end) if is_cotangent else symbol(name)
        return self.known[name]

    def statement(self, line: ast.stmt) -> Formula:
        """Return one statement."""
        match line:
            case ast.Assign(targets=[target], value=value):
                return chain(("=", "="), [self.expression(target), self.expression(value)], COMPARED)
            case ast.AugAssign(target=target, value=value, op=ast.Add()):
                return chain((r"\mathrel{+}=", "+="), [self.expression(target), self.expression(value)], COMPARED)
            case ast.Expr(value=value):
                return self.expression(value)
        return quoted(ast.unparse(line))

    def expression(self, node: ast.expr) -> Formula:
        """Return one expression; what has no sign of its own as it stands in Python."""
        match node:
            case ast.Name(id=name):
                return self.name(name)
            case ast.Constant(value=bool() | str() | None | bytes()):
                return quoted(repr(node.value))
            case ast.Constant(value=value) if value is not Ellipsis:
                return quantity(value) if len(repr(value)) > 6 or "e" in repr(value) else _literal(value)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inner = bracketed(self.expression(operand), MULTIPLIED)
                return Formula(f"-{inner.latex}", f"<mo>−</mo>{inner.mathml}", NEGATED)
            case ast.BinOp():
                return self.binary(node)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
                inner = chain(OPERATORS[type(op)], [self.expression(left), self.expression(right)], COMPARED)
                return _row("[", inner, "]")  # 1 where it holds, else 0
            case ast.Attribute(value=value, attr="T"):
                return _raised(self.expression(value), Formula(r"\top", "<mo>⊤</mo>"))
            case ast.Attribute(value=ast.Name(id="np"), attr=attr):
                return quantity(float(attr)) if attr in ("inf", "nan") else quoted(attr)
            case ast.Subscript(value=value, slice=index):
                items = index.elts if isinstance(index, ast.Tuple) else [index]
                if _is_cotangent(value) and all(isinstance(item, ast.Constant) for item in items):  # of one number
                    primal = ast.Subscript(ast.Name(value.id[2:], value.ctx), index, node.ctx)
                    return cotangent(self.expression(primal), self.end)
                return _row(bracketed(self.expression(value), ATOM), "[", self.listed(items), "]")
            case ast.Slice(lower=lower, upper=upper, step=None):
                return _row(
                    *([self.expression(lower)] if lower else []), ":", *([self.expression(upper)] if upper else [])
                )
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return _row("(", self.listed(items), ")")
            case ast.Call(func=func, args=args, keywords=keywords):
                return self.call(func, args, keywords)
        return quoted(ast.unparse(node))

    def binary(self, node: ast.BinOp) -> Formula:
        """Return what stands on both sides of an operator."""
        a, b = self.expression(node.left), self.expression(node.right)
        match node.op:
            case ast.Mult():
                return chain(self.times(node), [_leading(a), b], MULTIPLIED)
            case ast.MatMult():
                return chain((r"\,", "&#x2062;"), [_leading(a), b], MULTIPLIED)
            case ast.Div():
                if a.level == DIVIDED:  # a fraction of a fraction is hard to read
                    return chain((r"\cdot", "·"), [a, divided(_literal(1), b)], MULTIPLIED)
                return divided(a, b)
            case ast.Pow():
                return _raised(a, b)
        if type(node.op) in OPERATORS:
            return chain(OPERATORS[type(node.op)], [a, b], ADDED)
        return quoted(ast.unparse(node))

    def times(self, node: ast.BinOp) -> tuple[str, str]:
        """Return the sign of a product: none after a number."""
        if isinstance(node.left, ast.Constant) and not isinstance(node.right, (ast.Constant, ast.UnaryOp)):
            return r"\,", "&#x2062;"
        scalar = isinstance(node.right, ast.Constant) or isinstance(node.left, ast.Constant)
        return (r"\odot", "⊙") if self.arrays and not scalar else (r"\cdot", "·")

    def listed(self, items: Iterable[ast.expr]) -> Formula:
        """Return expressions with commas between."""
        return _commas([self.expression(item) for item in items])

    def call(self, func: ast.expr, args: list[ast.expr], keywords: list[ast.keyword]) -> Formula:
        """Return a call: with the sign that mathematics has for it, or by name."""
        name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
        given = [self.expression(arg) for arg in args]
        if len(given) == 1 and not keywords and name in SIGNS:
            return SIGNS[name](given[0])
        if len(given) == 1 and name == "sum":
            return self.summed(given[0], keywords)
        more = [_row(quoted(k.arg or "**"), "=", self.expression(k.value)) for k in keywords]
        head = _function(name) if name else self.expression(func)
        return _row(head, "(", _commas([*given, *more]), ")")

    def summed(self, what: Formula, keywords: list[ast.keyword]) -> Formula:
        """Return a sum: under the sign the axis that is summed over."""
        axes = [self.expression(k.value) for k in keywords if k.arg == "axis"]
        inner = bracketed(what, MULTIPLIED)
        if not axes:
            return Formula(rf"\sum {inner.latex}", f"<mo>∑</mo>{inner.mathml}", NEGATED)
        over = _row(quoted("axis"), "=", axes[0])  # of −1, "axis −1" would read as a difference
        ml = f"<munder><mo>∑</mo>{over.mathml}</munder>{inner.mathml}"
        return Formula(rf"\sum_{{{over.latex}}} {inner.latex}", ml, NEGATED)


def _is_cotangent(node: ast.expr) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and node.id.startswith("d_") and len(node.id) > 2


def _literal(value: Any) -> Formula:
    return Formula(str(value), f"<mn>{value}</mn>")


def _leading(a: Formula) -> Formula:
    """Return the first factor of a product: a minus before it needs no brackets."""
    return a._replace(level=MULTIPLIED) if a.level == NEGATED and a.latex.startswith("-") else a


def _commas(parts: list[Formula]) -> Formula:
    return Formula(", ".join(p.latex for p in parts), "<mo>,</mo>".join(p.mathml for p in parts), COMPARED)


def _function(name: str) -> Formula:
    if name in ("sigmoid", "expit"):
        return Formula(r"\sigma", "<mi>σ</mi>")
    if name in NAMED:
        return Formula(rf"\{name}", f"<mi>{name}</mi>")
    inner = quoted(name).latex.removeprefix(r"\mathrm")
    return Formula(rf"\operatorname{inner}", f"<mi>{escape(name)}</mi>")


def _fenced(tex: str, sign: str) -> Callable[[Formula], Formula]:
    return lambda a: Formula(f"{tex}{a.latex}{tex}", f"<mrow><mo>{sign}</mo>{a.mathml}<mo>{sign}</mo></mrow>")


def _root(a: Formula) -> Formula:
    return Formula(rf"\sqrt{{{a.latex}}}", f"<msqrt>{a.mathml}</msqrt>", RAISED)


SIGNS: dict[str, Callable[[Formula], Formula]] = {
    "exp": lambda a: _raised(Formula("e", "<mi>e</mi>"), a),
    "square": lambda a: _raised(a, _literal(2)),
    "reciprocal": lambda a: divided(_literal(1), a),
    "sqrt": _root,
    "abs": _fenced("|", "|"),
    "absolute": _fenced("|", "|"),
    "transpose": lambda a: _raised(a, Formula(r"\top", "<mo>⊤</mo>")),
    "float64": lambda a: a,
    "float32": lambda a: a,
    "array": lambda a: a,
}
