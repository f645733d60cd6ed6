"""A formula in Unicode, such as δᵢ¹ = σ′(zᵢ¹) Σⱼ wⱼᵢ² δⱼ², as MathML."""

from __future__ import annotations

import re
from html import escape

__all__ = ["typeset"]

ABOVE = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ˡᴸᵀᵇᶜᵈᵉ", "0123456789+−lL⊤bcde", strict=True))
BELOW = dict(zip("₀₁₂₃₄₅₆₇₈₉ᵢⱼₖₘₙₛ", "0123456789ijkmns", strict=True))
SIGNS = "=+−⊙·/∂<>,"
TOKEN = re.compile(
    rf"(?P<base>\d+(?:\.\d+)?|[^\W\d_{''.join(ABOVE)}{''.join(BELOW)}]+|\S)(?P<prime>′?)"
    rf"(?P<low>[{''.join(BELOW)}]*)(?P<high>[{''.join(ABOVE)}]*)"
)


def typeset(text: str) -> str:
    """Return what stands inside ``<math>``.

    >>> typeset("δᵢ² = y")
    '<msubsup><mi>δ</mi><mi>i</mi><mn>2</mn></msubsup><mo>=</mo><mi>y</mi>'
    """
    parts: list[str] = []
    end = 0
    for found in TOKEN.finditer(text):
        if found.start() > end and text[end - 1] not in SIGNS and found["base"] not in SIGNS:
            parts.append('<mspace width=".2em"/>')
        parts.append(_token(found))
        end = found.end()
    return "".join(parts)


def _token(found: re.Match[str]) -> str:
    base = found["base"]
    low, high = _script(found["low"], BELOW), _script(found["high"], ABOVE)
    tag = "mn" if base[0].isdigit() else "mi" if base[0].isalpha() and base != "Σ" else "mo"
    inner = "∑" if base == "Σ" else escape(base, quote=False)
    fence = ' stretchy="false"' if base in "()[]" else ""
    shown = f"<{tag}{fence}>{inner}</{tag}>"
    if found["prime"]:
        shown = f"<msup>{shown}<mi>′</mi></msup>"  # an operator would stand apart
    if base == "Σ" and low:
        return f"<munder>{shown}{low}</munder>"
    if low and high:
        return f"<msubsup>{shown}{low}{high}</msubsup>"
    if low or high:
        return f"<msub>{shown}{low}</msub>" if low else f"<msup>{shown}{high}</msup>"
    return shown


def _script(letters: str, of: dict[str, str]) -> str:
    parts = [of[c] for c in letters]
    shown = [f"<mn>{c}</mn>" if c.isdigit() else f"<mo>{c}</mo>" if c in "+−⊤" else f"<mi>{c}</mi>" for c in parts]
    return shown[0] if len(shown) == 1 else f"<mrow>{''.join(shown)}</mrow>" if shown else ""
