"""Formulas: text and LaTeX, put together side by side."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

__all__ = [
    "BESIDE",
    "DOT",
    "NOTHING",
    "PLAIN",
    "Formula",
    "bracketed",
    "filled",
    "in_latex",
    "joined",
    "series",
    "spaced",
    "indexed",
    "is_quotient",
    "transposed",
]

SUPERSCRIPTS: dict[int, int] = str.maketrans("0123456789+-lLTbcde", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ˡᴸᵀᵇᶜᵈᵉ")
SUBSCRIPTS: dict[int, int] = str.maketrans("0123456789ijkmns", "₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₘₙₛ")

# How the symbols may be spelled where an encoding lacks them.
PLAIN = (
    {"δ": "delta", "Δ": "Delta", "∂": "d", "Σ": "sum", "σ": "sigma", "τ": "tau", "γ": "gamma", "Γ": "Gamma",
     "β": "beta", "ω": "omega", "Ω": "Omega", "α": "alpha", "⊙": "*", "′": "'", "−": "-", "·": "*", "←": "<-",
     "⟨": "<", "⟩": ">", "ẑ": "zhat", "Ẑ": "Zhat", "ã": "a~", "Ã": "A~", "½": "1/2", "‖": "||", "ᵀ": ".T", "≤": "<="}
    | {chr(SUPERSCRIPTS[ord(c)]): f"^{c}" for c in "0123456789+-lLbcde"}
    | {chr(SUBSCRIPTS[ord(c)]): f"_{c}" for c in "0123456789ijkmns"}
)  # fmt: skip


class Formula(NamedTuple):
    r"""A formula as text and as LaTeX; `kind` says whether it needs brackets inside another one.

    Examples
    --------
    >>> from nn import notation
    >>> delta = notation.Named(notation.Point("z", 2))
    >>> formula = notation.Rule("delta", delta.point, delta).equation("Y").left
    >>> print(formula, formula.latex)
    δᵢ² \delta_{i}^{2}
    """

    text: str
    latex: str
    kind: str = "atom"  # or "product", "sum", "negative", "matrices" (a product of them), "series" (begins with a Σ)

    def __str__(self) -> str:
        return self.text


NOTHING = Formula("", "")
BESIDE = Formula(" ", r"\, ")
DOT = Formula(" · ", r" \cdot ")


def indexed(name: Formula, below: str = "", above: str = "") -> Formula:
    """Return a letter with its indices and its layer."""
    latex = name.latex + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    return Formula(name.text + below.translate(SUBSCRIPTS) + above.translate(SUPERSCRIPTS), latex)


def bracketed(formula: Formula, *kinds: str) -> Formula:
    """Return a formula in brackets if it is of one of these kinds."""
    return Formula(f"({formula.text})", f"({formula.latex})") if formula.kind in kinds else formula


_TO_LATEX = {"−": "-", "⟨": r"\langle ", "⟩": r"\rangle ", "∂": r"\partial ", "←": r"\leftarrow ", "α": r"\alpha "}


def filled(template: str, pointwise: Formula, /, **parts: Formula) -> Formula:
    """Return a template with its names in braces replaced; * multiplies entry by entry."""
    text = re.sub(r"\{(\w+)\}", lambda m: parts[m[1]].text, template.replace(" * ", pointwise.text))
    latex = re.sub("[−⟨⟩∂←α]", lambda m: _TO_LATEX[m[0]], template)
    latex = (
        re.sub(r"\b(sign|clip|exp)\b", r"\\mathrm{\1}", latex)
        .replace("{exp} ", r"{exp}\, ")
        .replace(" * ", pointwise.latex)
    )
    latex = re.sub(r"(?<!mathrm)\{(\w+)\}", lambda m: parts[m[1]].latex, latex)
    return Formula(text, latex, "product")


def transposed(symbol: Formula) -> Formula:
    """Return a matrix, transposed."""
    return Formula(symbol.text + "ᵀ", f"({symbol.latex})^{{T}}")


def series(index: str) -> Formula:
    """Return a sum sign with its index."""
    return Formula("Σ" + index.translate(SUBSCRIPTS), rf"\sum_{{{index}}}")


def spaced(*formulas: Formula, kind: str = "product") -> Formula:
    """Return formulas side by side; empty ones are left out."""
    return joined(BESIDE, *(f for f in formulas if f.text), kind=kind)


def joined(by: Formula, *formulas: Formula, kind: str = "product") -> Formula:
    r"""Return formulas with a sign between them; a dot after a quotient: beside it the next factor seems to be below.

    >>> joined(BESIDE, Formula("(o − y)/n", "(o - y)/n"), Formula("σ′(z)", r"\sigma'(z)")).text
    '(o − y)/n · σ′(z)'
    """
    text, latex = formulas[0][:2] if formulas else ("", "")
    for before, after in pairwise(formulas):
        sign = DOT if by == BESIDE and is_quotient(before.text) else by
        text, latex = text + sign.text + after.text, latex + sign.latex + after.latex
    return Formula(text, latex, kind)


def is_quotient(text: str) -> bool:
    """Return whether a formula's division sign stands outside all brackets."""
    depth = 0
    for c in text:
        depth += (c in "([⟨") - (c in ")]⟩")
        if c == "/" and depth == 0:
            return True
    return False


_IN_WORDS = {"−∂": r"-\partial", "∂": r"\partial", "δ": r"\delta", "Δ": r"\Delta", "γ": r"\gamma", "β": r"\beta",
             "ε": r"\varepsilon", "ᶜ": "{}^{c}"}  # fmt: skip


def in_latex(text: str) -> str:
    """Return words as LaTeX within a formula: in an mbox, with their symbols in dollar signs."""
    escaped = re.sub(r"([_&%#])", r"\\\1", text)
    for found, latex in _IN_WORDS.items():
        escaped = escaped.replace(found, f"${latex}$")
    return rf"\mbox{{{escaped}}}" if text else ""
