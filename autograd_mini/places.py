"""The user's line: where, outside of this package, a value was made."""

from __future__ import annotations

import functools
import linecache
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .recording import current

__all__ = ["Place", "frame_of_user", "here", "of_a_library"]

ENGINE = Path(__file__).parent
OURS = tuple(str(folder) + "/" for folder in (ENGINE, ENGINE.with_name("nn"), Path(np.__file__).parent))


class Place(NamedTuple):
    """A line of the user's."""

    file: str
    line: int
    function: str
    scope: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The line itself, where its file can be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        inside = "" if self.function == "<module>" else f", in {self.function}"
        scope = f", scope {'/'.join(self.scope)}" if self.scope else ""
        return f"{Path(self.file).name}:{self.line}{inside}{scope}" + (f": {self.code}" if self.code else "")


def frame_of_user() -> Any:
    """Return the innermost frame outside of this package, of NumPy and SciPy."""
    frame = sys._getframe(1)
    while frame.f_back is not None and of_a_library(frame):
        frame = frame.f_back
    return frame


def here() -> Place:
    """Return the line, outside of this package, of NumPy and SciPy, from which we were called."""
    frame = frame_of_user()
    return Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, current.get().scope)


def of_a_library(frame: Any) -> bool:
    """Return whether a frame runs code that the user did not write."""
    return _of_a_library(frame.f_globals.get("__name__"), frame.f_code.co_filename)


@functools.lru_cache(maxsize=1000)
def _of_a_library(module: Any, file: str) -> bool:
    return str(module).partition(".")[0] in ("numpy", "scipy", "contextlib") or file.startswith(OURS)
