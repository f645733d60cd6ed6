"""What each function of the table is tried on: one row per call, a file of rows per file of rules.

Every floating-point array in a row is an operand: the tests differentiate by each of them, alone and together. Whatever
else stands there (numbers, lists, masks, integer arrays) is passed on as it is. Arrays are read-only, so that a rule
that writes into its operand fails; their entries lie apart from each other and from kinks by more than a step.
"""

import importlib
import pkgutil
from typing import Any

import numpy as np

from .base import Case, on

__all__ = [
    "CASES",
    "CONSTANTS",
    "GREW",
    "INVALID",
    "PLAIN",
    "PYTHON_NUMBERS",
    "REAL_ONLY",
    "REFUSED",
    "ROUNDED",
    "Case",
    "on",
]

CASES: dict[Any, list[Case]] = {}  # functions that are differentiated
CONSTANTS: dict[Any, list[Case]] = {}  # functions through which no cotangent passes
PLAIN: dict[Any, list[Case]] = {}  # functions of metadata
REFUSED: list[tuple[Any, Case, str]] = []  # what is refused at the call, and the name that the message must have
INVALID: list[tuple[Any, Case, type[Exception]]] = []  # what NumPy itself refuses
ROUNDED: set[Any] = set()  # functions whose value may differ from NumPy's or SciPy's own in the last digits
REAL_ONLY: set[Any] = set()  # functions whose complex derivative is not determined, tested in tests/rules
PYTHON_NUMBERS: set[Any] = set()  # functions of SciPy that return a Python float, whatever the operands' dtype

# Functions whose signature or behaviour is another in older releases of NumPy; there, they are not tested.
GREW = {np.pad, np.trim_zeros, np.copyto, np.putmask, np.insert, np.take_along_axis, np.linalg.cond, np.corrcoef}
GREW = GREW | {np.unique, np.take} if np.lib.NumpyVersion(np.__version__) < "2.4.0" else set()

for module in pkgutil.iter_modules(__path__):
    rows = importlib.import_module(f".{module.name}", __name__)
    for table, name in ((CASES, "CASES"), (CONSTANTS, "CONSTANTS"), (PLAIN, "PLAIN")):
        for function, cases in getattr(rows, name, {}).items():
            table.setdefault(function, []).extend(cases)
    REFUSED += [row for row in getattr(rows, "REFUSED", []) if row[0] not in GREW]
    INVALID += [row for row in getattr(rows, "INVALID", []) if row[0] not in GREW]
    ROUNDED |= getattr(rows, "ROUNDED", set())
    REAL_ONLY |= getattr(rows, "REAL_ONLY", set())
    PYTHON_NUMBERS |= getattr(rows, "PYTHON_NUMBERS", set())
