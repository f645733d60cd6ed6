"""A file that is read without trust: what it says of itself is checked before memory is taken for it."""

from __future__ import annotations

import json
import math
import re
import zlib
from typing import Any, BinaryIO

import numpy as np

import autograd_mini as ag

__all__ = [
    "AGAIN",
    "CHUNK",
    "TEXT",
    "VALUES",
    "FileError",
    "Source",
    "checksum",
    "flaw_of",
    "memory",
    "separators",
    "wholes",
]

VERSION = 1  # of the container; what is in it has versions of its own
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

    def bytes_at(self, offset: int, size: int, what: str) -> bytes:
        """Return a piece of the file."""
        self.need(0 <= offset <= offset + size <= self.size, f"{what} lies outside of it, so it may have been cut off")
        self.file.seek(offset)
        piece = self.file.read(size)
        self.need(len(piece) == size, f"{what} is cut off")
        return piece

    def fill(self, view: memoryview) -> None:
        """Read as many bytes as there is room for."""
        while view.nbytes:
            count = self.file.readinto(view)  # type: ignore[attr-defined]
            self.need(count, "it was cut off while it was read")
            view = view[count:]

    def json(self, text: bytes, what: str) -> Any:
        """Return what JSON text holds, if it is moderate."""
        too_large = f"{what} is larger than {TEXT:,} bytes or {VALUES:,} values, which are no descriptions of arrays"
        self.need(len(text) <= TEXT and separators(text) <= VALUES, too_large)
        try:
            found = json.loads(text.decode(), parse_constant=_refuse, object_pairs_hook=_once)
        except RecursionError:
            self.need(False, f"{what} is nested too deeply")
        except ValueError as error:
            self.need(False, f"{what} is not JSON ({str(error)[:100]})")
        self.need(isinstance(found, dict), f"{what} is not a dict")
        return found

    def name(self, name: str, seen: Any) -> None:
        """Refuse names that no array should have."""
        why = flaw_of(name)
        self.need(not why, f"the name {name[:40]!r} of an array {why}", "Do not use it: it may be meant to do harm.")
        self.need(name not in seen, f"the name {name[:40]!r} stands in it twice")

    def array(
        self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...], size: int, fill: Any, fortran: bool = False
    ) -> Any:
        """Return an array that has been read, if it takes as many bytes as there are for it."""
        sizes = f"{name} would have shape {_short(shape)} of {dtype}, and there are {size:,} bytes for it"
        self.need(math.prod(shape) * dtype.itemsize == size, sizes)
        try:
            array = np.empty(shape, dtype, order="F" if fortran else "C")
        except (ValueError, OverflowError):  # more axes, or larger ones beside an empty one, than NumPy has
            self.need(False, sizes)
        except MemoryError:
            self.need(False, f"{name} takes {size:,} bytes, more memory than there is", "Read it on another machine.")
        fill(memory(array))
        if dtype.kind == "b":
            self.need(not size or memory(array).obj.max() <= 1, f"{name} holds truth values that are neither 0 nor 1")
        return array

    def checked(self, arrays: dict[str, Any], content: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return arrays and metadata, compared with their checksums."""
        if content is None:
            return arrays, {}
        version, sums = content.get("archive"), content.get("checksums")
        self.need(type(version) is int and isinstance(sums, dict), "its metadata were written by something else")
        newer = f"it has version {version} of the format, and this program knows those up to {VERSION}"
        self.need(version <= VERSION, newer, "Install a newer autograd_mini.")
        self.need(isinstance(content.get("metadata"), dict), "its metadata are not a dict")
        for name in sums.keys() ^ arrays.keys():
            self.need(False, f"the array {name[:40]} is {'missing' if name in sums else 'not in its table of arrays'}")
        for name, array in arrays.items():
            self.need(sums[name] == checksum(array), f"the array {name} is damaged: its checksum is another")
        return arrays, content["metadata"]


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


def memory(array: Any) -> Any:
    """Return the memory of a contiguous array as bytes, in the order in which it lies."""
    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return memoryview(flat.view(np.uint8))


def checksum(array: Any) -> int:
    """Return the CRC-32 of a contiguous array: of its dtype, shape, order and memory."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    kind = f"{array.dtype.str} {array.shape} {'F' if fortran else 'C'}"
    return zlib.crc32(memory(array), zlib.crc32(kind.encode()))


def separators(text: bytes) -> int:
    """Return how many values JSON text may hold, at most: each but the first follows one of these."""
    return sum(map(text.count, (b"[", b"{", b",", b":")))


def wholes(values: Any) -> bool:
    """Return whether it is a list of whole numbers from 0."""
    return isinstance(values, list) and all(type(n) is int and n >= 0 for n in values)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one dict")
    return found


def _short(shape: tuple[int, ...]) -> str:
    text = str(shape)
    return text if len(text) < 60 else f"{text[:50]}...)"
