"""Plain arrays, which a file may hold: of numbers, booleans, dates or text. Their memory as bytes, and its checksum."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np

__all__ = ["checksum", "is_plain", "memory"]

PLAIN = re.compile(r"[<>|=](b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)|[SU][1-9]\d{0,8}|[mM]8(\[[\w/]{0,20}\])?)")


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype is all in its short name: no objects, no records, no dtype of another package."""
    return PLAIN.fullmatch(dtype.str) is not None and np.dtype(dtype.str) == dtype


def memory(array: Any) -> Any:
    """Return the memory of a contiguous array as bytes, in the order in which it lies."""
    flat = (array if array.flags.c_contiguous else array.T).reshape(-1)
    return memoryview(flat.view(np.uint8))


def checksum(array: Any) -> int:
    """Return the CRC-32 of a contiguous array: of its dtype, shape, order and memory."""
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    kind = f"{array.dtype.str} {array.shape} {'F' if fortran else 'C'}"
    return zlib.crc32(memory(array), zlib.crc32(kind.encode()))
