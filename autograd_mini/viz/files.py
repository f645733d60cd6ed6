"""What a view is written to: the file, checked before the work, and the words if it cannot be written."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

__all__ = ["file_of", "written_to"]


def file_of(what: str, path: Any, example: str) -> Path:
    """Return the path of a file to write; raise if it is none."""
    if not isinstance(path, (str, PathLike)):
        got = "None" if path is None else f"a {type(path).__name__}"
        raise TypeError(f"{what}: path is {got}, but must be the file to write, a text: {example}.")
    return Path(path)


def written_to(path: Path, content: bytes, thing: str) -> Path:
    """Write a file, and return its path."""
    try:
        path.write_bytes(content)
    except OSError as error:
        reason = f"The {thing} could not be saved ({error.strerror}): is this a folder you may write to?"
        raise OSError(error.errno, reason, str(path)) from None
    return path
