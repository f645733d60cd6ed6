"""The rules of backpropagation in the symbols of three sources, each written from one description of the rule.

Y is Yehoshua's index form, M the matrix note's, R the note on Russell and Norvig's, which has the other sign and the
weights' order turned round. A `Rule` describes; ``rule.equation("M")`` writes it down, as text and as LaTeX that
MathJax, plain LaTeX and matplotlib read. `symbols` says what each calls the same thing.
"""

from .formulas import PLAIN, Formula
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
from .table import Symbols, legend, symbols
from .vocabulary import NOTATIONS, checked

__all__ = [
    "Dropped",
    "Equation",
    "Expression",
    "Formula",
    "Jacobian",
    "NOTATIONS",
    "Named",
    "Normalized",
    "Outputs",
    "PLAIN",
    "Point",
    "Rule",
    "Slope",
    "Symbols",
    "Total",
    "Weighted",
    "checked",
    "legend",
    "symbols",
]
