"""A file that is read without trust: what it says of itself is checked before memory is taken for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

import autograd_mini as ag

__all__ = ["AGAIN", "CHUNK", "TEXT", "VALUES", "FileError", "Source", "flaw_of", "separators"]

TEXT = 2**24  # bytes of JSON that are read
VALUES = 2**20  # separators in it; a value takes up to 100 bytes of memory, and may take two in the file
CHUNK = 2**16
AGAIN = "Take another copy of the file, or save it again."


class FileError(ag.errors.AutogradError, ValueError):
    """A file does not hold what it should: it is damaged, of another kind or version, or made for another model.

    Nothing was executed, and nothing was changed.
    """


class Source:
    """A file that is being read, and is not trusted."""

    def __init__(self, path: str, file: BinaryIO, size: int) -> None:
        self.path, self.file, self.size = path, file, size

    def need(self, ok: Any, what: str, fix: str = AGAIN) -> None:
        """Raise unless it is so."""
        if not ok:
            raise FileError(f"The file {self.path} cannot be read: {what}. {fix}")

    @contextmanager
    def refusing(self, what: str, *errors: type[Exception]) -> Iterator[None]:
        """Say of a library's errors which file they are about."""
        try:
            yield
        except FileError:
            raise
        except errors as error:
            why = " ".join(str(error).split())[:200].rstrip(".")
            raise FileError(f"The file {self.path} cannot be read: {what}{why and f' ({why})'}. {AGAIN}") from error

    def bytes_at(self, offset: int, size: int, what: str) -> bytes:
        """Return a piece of the file."""
        self.need(0 <= offset <= offset + size <= self.size, f"{what} lies outside of it, so it may have been cut off")
        self.file.seek(offset)
        piece = self.file.read(size)
        self.need(len(piece) == size, f"{what} is cut off")
        return piece

    def json(self, text: bytes, what: str) -> Any:
        """Return the dict that JSON text holds, if it is moderate."""
        too_large = f"{what} is larger than {TEXT:,} bytes or {VALUES:,} values, which are no descriptions of arrays"
        self.need(len(text) <= TEXT and separators(text) <= VALUES, too_large)
        with (
            self.refusing(f"{what} is nested too deeply", RecursionError),
            self.refusing(f"{what} is not JSON", ValueError),
        ):
            found = json.loads(text.decode(), parse_constant=_refuse, object_pairs_hook=_once)
        self.need(isinstance(found, dict), f"{what} is not a dict")
        return found

    def name(self, name: str) -> None:
        """Refuse names that no array should have."""
        why = flaw_of(name)
        self.need(not why, f"the name {name[:40]!r} of an array {why}", "Do not use it: it may be meant to do harm.")

    def truths(self, name: str, array: Any) -> Any:
        """Return an array, whose bytes are 0 and 1 if it holds truth values: NumPy believes so."""
        if array.dtype == bool and array.size:
            self.need(array.view(np.uint8).max() <= 1, f"{name} holds truth values that are neither 0 nor 1")
        return array


def flaw_of(name: str) -> str:
    """Return why an array must not have this name; empty if it may."""
    if not name or "\0" in name or "\\" in name:
        return "is empty" if not name else "holds a backslash or NUL"
    if name.startswith("/") or ".." in name.split("/") or re.match("[A-Za-z]:/", name):
        return "is a path"
    try:
        return "is too long" if len(name.encode()) > 2**15 else ""
    except UnicodeEncodeError:
        return "holds half a character"


def separators(text: bytes) -> int:
    """Return how many values JSON text may hold, at most: each but the first follows one of these."""
    return sum(map(text.count, (b"[", b"{", b",", b":")))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one dict")
    return found
