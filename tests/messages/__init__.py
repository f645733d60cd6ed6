"""Each mistake that users make, and the message that they read: one file of rows per area of the package.

A row is named by the user's own code, and holds a function of no arguments that makes the mistake, the class of the
error (or of the warning), and pieces of the message, as regular expressions: what happened, where (the function as the
user writes it, the argument, the shapes or values passed), and what to write instead. tests/messages/test_messages.py
fails for every `raise` of the package that no row reaches.
"""

import functools
import importlib
import pkgutil
import traceback
import warnings
from pathlib import Path

import autograd_mini as ag

__all__ = ["AREAS", "CODE", "PACKAGES", "ROWS", "chain", "made", "raised_at"]

CODE = Path(ag.__file__).parents[1]
PACKAGES = ("autograd_mini", "nn")

AREAS = {}  # area -> its rows
for module in pkgutil.iter_modules(__path__):
    AREAS[module.name] = importlib.import_module(f".{module.name}", __name__).ROWS

ROWS = {name: row for rows in AREAS.values() for name, row in rows.items()}


@functools.cache
def made(name):
    """Make the mistake of a row, and return the exception that it ends in; None if it passes."""
    function, error, _ = ROWS[name]
    try:
        with warnings.catch_warnings():
            if issubclass(error, Warning):
                warnings.simplefilter("error", error)
            function()
    except Exception as caught:
        return caught
    return None


def chain(error):
    """Return an exception and those that it was made of."""
    found, waiting = [], [error]
    while waiting:
        error = waiting.pop()
        if error is not None and error not in found:
            found.append(error)
            waiting += [error.__cause__, error.__context__]
    return found


def raised_at(error):
    """Return the file of the package and the line where an exception was raised, or (None, 0)."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.is_relative_to(CODE) and path.relative_to(CODE).parts[0] in PACKAGES:
            return path.relative_to(CODE).as_posix(), frame.lineno
    return None, 0
