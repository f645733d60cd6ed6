"""The vocabulary of each source: its letters, its indices, where it starts to count layers, its sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..checks import shown
from .formulas import BESIDE, Formula

__all__ = ["NOTATIONS", "VOCABULARIES", "Vocabulary", "checked", "error", "first_layer", "inwards", "sign"]


@dataclass(frozen=True)
class Vocabulary:
    """What one source writes: its letters, its indices, where it starts to count layers, its sign."""

    source: str
    error: Formula
    letters: dict[str, Formula]  # of z, v, a, ...: what a point of the network is called
    delta: Formula
    u: Formula  # the cotangent of what a normalization returns
    f: Formula  # any activation
    sigmoid: Formula
    matrix: bool = False
    sign: int = 1  # -1: minus the derivative is meant
    first: int = 0  # the number of the input's layer
    layers: bool = True  # whether the layer stands as a superscript
    inwards: bool = False  # weights are w_ij from i to j
    times: Formula = BESIDE

    def index(self, output: bool) -> tuple[str, str, str]:
        """Return the indices of a unit, of those before it and of those after it."""
        if self.matrix:
            return "", "", ""
        return (("k", "j", "") if output else ("j", "i", "k")) if self.inwards else ("i", "j", "j")


def _letters(**letters: str) -> dict[str, Formula]:
    found = {}
    for name, pair in letters.items():
        text, _, latex = pair.partition("|")
        found[name] = Formula(text, latex or text)
    return found


def _greek(text: str, name: str) -> Formula:
    return Formula(text, f"\\{name}")


_INDEXED = {"v": "v", "s": "s", "â": r"ẑ|\hat{z}", "ã": r"ã|\tilde{a}", "τ": r"τ|\tau", "g": r"γ|\gamma", "m": "m",
            "b": r"β|\beta", "y": "y", "ω": r"ω|\omega", "t": "t", "q": "q"}  # fmt: skip
VOCABULARIES = {
    "Y": Vocabulary(
        source="Yehoshua, index form",
        error=Formula("E", "E"),
        letters=_letters(z="z", a="a", o="o", w="w", B="b", **_INDEXED),
        delta=_greek("δ", "delta"),
        u=Formula("u", "u"),
        f=Formula("f", "f"),
        sigmoid=_greek("σ", "sigma"),
    ),
    "M": Vocabulary(
        source="matrix note",
        error=Formula("C", "C"),
        letters=_letters(
            z=r"Z|\mathbf{Z}", a=r"A|\mathbf{A}", o=r"A|\mathbf{A}", w=r"W|\mathbf{W}", B=r"B|\mathbf{B}",
            v=r"V|\mathbf{V}", s=r"S|\mathbf{S}", â=r"Ẑ|\hat{\mathbf{Z}}", ã=r"Ã|\tilde{\mathbf{A}}", τ=r"τ|\tau",
            g=r"γ|\gamma", m=r"M|\mathbf{M}", b=r"β|\beta", y=r"Y|\mathbf{Y}", ω=r"ω|\omega",
            t=r"T|\mathbf{T}", q=r"Q|\mathbf{Q}",
        ),
        delta=_greek("Δ", "Delta"),
        u=Formula("U", r"\mathbf{U}"),
        f=_greek("σ", "sigma"),
        sigmoid=_greek("σ", "sigma"),
        matrix=True,
        first=1,
        times=Formula(" ⊙ ", r" \odot "),
    ),
    "R": Vocabulary(
        source="note on Russell and Norvig",
        error=Formula("Loss", r"\mathrm{Loss}"),
        letters=_letters(z=r"in|\mathrm{in}", a="a", o="a", w="w", B="b", **_INDEXED),
        delta=_greek("Δ", "Delta"),
        u=Formula("U", "U"),
        f=Formula("g", "g"),
        sigmoid=Formula("g", "g"),
        sign=-1,
        layers=False,
        inwards=True,
    ),
}  # fmt: skip

NOTATIONS = tuple(VOCABULARIES)


def checked(where: str, notation: Any) -> str:
    """Return the name of a notation; raise if it is none."""
    if not isinstance(notation, str) or notation not in VOCABULARIES:
        known = ", ".join(f"{name!r} ({words.source})" for name, words in VOCABULARIES.items())
        raise ValueError(f"{where}: notation is {shown(notation)}, but must be one of {known}.")
    return notation


def sign(notation: str) -> int:
    """Return -1 if a notation writes minus the derivative, else 1."""
    return VOCABULARIES[notation].sign


def inwards(notation: str) -> bool:
    """Return whether w_ij leads from i to j in a notation."""
    return VOCABULARIES[notation].inwards


def error(notation: str) -> Formula:
    """Return what a notation calls the error."""
    return VOCABULARIES[notation].error


def first_layer(notation: str) -> int:
    """Return the number that a notation gives the input's layer."""
    return VOCABULARIES[notation].first
