"""Storage: a matrix that grows row by row, in memory as long as it fits, then in a file that is memory-mapped."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

__all__ = ["Storage", "room"]

ROWS = 2**14  # that are looked at together, at least
VALUES = 2**22


def room() -> int:
    """Return how many bytes a table may take in memory: 1 GiB, or less where this process may have less than four."""
    limits = [2**32]
    with suppress(AttributeError, ValueError, OSError):  # Windows; what this system does not say
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with suppress(OSError, ValueError):  # no container; "max"
        limits.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    with suppress(ImportError):
        import resource

        soft = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
        limits += [limit for limit in soft if limit != resource.RLIM_INFINITY]
    return min(limits) // 4


class Storage:
    """Rows of `width` float64 numbers.

    Parameters
    ----------
    width : int
        How many in a row.
    memory : int
        Bytes that they may take in memory.
    folder : str or None
        Where the file goes if there are more; None: a temporary folder, which goes with the storage.
    """

    def __init__(self, width: int, memory: int, folder: str | None) -> None:
        self.width, self.memory, self.folder = width, memory, folder
        self.rows = 0
        self._buffer = np.empty((0, width))
        self._file: BinaryIO | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self.path: str | None = None
        self.matrix: Any = None

    def append(self, block: Any) -> None:
        """Add rows."""
        rows = self.rows + len(block)
        if self._file is None and 8 * rows * self.width > self.memory:
            self._spill()
        if self._file is None:
            if rows > len(self._buffer):
                room = min(max(rows, len(self._buffer) * 3 // 2), max(rows, self.memory // (8 * max(self.width, 1))))
                self._buffer.resize((room, self.width), refcheck=False)
            self._buffer[self.rows : rows] = block
        else:
            self._file.write(np.ascontiguousarray(block).data)
        self.rows = rows

    def _spill(self) -> None:
        """Go on in a file, with what is there already."""
        if self.folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="table-")
            folder = self._temporary.name
        else:
            folder = self.folder
            os.makedirs(folder, exist_ok=True)
        descriptor, self.path = tempfile.mkstemp(".npy", "rows-", folder)
        self._file = os.fdopen(descriptor, "w+b")
        self._header(0)
        self._file.write(self._buffer[: self.rows].data)
        self._buffer = np.empty((0, self.width))

    def _header(self, rows: int) -> None:
        """Write the header, which has room for any number of rows."""
        assert self._file is not None
        content = {"descr": "<f8", "fortran_order": False, "shape": (rows, self.width)}
        np.lib.format.write_array_header_1_0(self._file, content)

    def blocks(self) -> Iterator[tuple[int, Any]]:
        """Yield pairs of a position and the rows from there on, which may be written to."""
        size = max(1, VALUES // max(self.width, 1))
        if self.matrix is None and self._file is not None:
            self._file.flush()
            assert self.path is not None
            with open(self.path, "rb") as file:
                np.lib.format.read_magic(file)
                np.lib.format.read_array_header_1_0(file)
                for start in range(0, self.rows, size):
                    n = min(size, self.rows - start)
                    yield start, np.frombuffer(file.read(8 * n * self.width)).reshape(n, self.width)
            return
        whole = self._buffer[: self.rows] if self.matrix is None else self.matrix
        for start in range(0, self.rows, size):
            yield start, whole[start : start + size]

    def find(self, column: int, codes: Any) -> int:
        """Return the position of the first row that holds one of some numbers in a column; -1 if none does."""
        for start, block in self.blocks():
            found = np.flatnonzero(np.isin(block[:, column], codes))
            if len(found):
                return start + int(found[0])
        return -1

    def finish(self) -> None:
        """End the growth: `matrix` is then there to be read and written."""
        if self._file is None:
            self._buffer.resize((self.rows, self.width), refcheck=False)
            self.matrix = self._buffer
            return
        self._file.flush()
        self._file.seek(0)
        self._header(self.rows)
        self._file.close()
        assert self.path is not None
        self.matrix = np.load(self.path, mmap_mode="r+")
        if self._temporary is not None:  # which warns if it is not asked to go
            weakref.finalize(self, self._temporary.cleanup)

    def discard(self) -> None:
        """Remove what was written, after an error."""
        self.matrix = None
        self._buffer = np.empty((0, self.width))
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if self._temporary is not None:
            self._temporary.cleanup()
        elif self.path is not None:
            with suppress(OSError):
                os.unlink(self.path)
