"""The .npz format: a zip archive of .npy members, written and read so that nothing in it is executed or believed.

The zip format: PKWARE, APPNOTE.TXT 6.3.10. The .npy format: `numpy.lib.format`.
"""

from __future__ import annotations

import ast
import re
import struct
import zipfile
import zlib
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from .untrusted import CHUNK, TEXT, Source, memory, wholes

__all__ = ["SIMPLE", "read_npz", "write_npz"]

METADATA = "metadata.json"  # the member that is no array
NPY_HEADER = 10_000  # bytes, as NumPy has it
ODD = re.compile(rb"\\|0[xXoObB]|\d[.jJ]?(and|else|for|if|in|is|not|or)")  # of these Python would warn
SIMPLE = re.compile(r"[<>|=](b1|[iu][1248]|f(2|4|8|12|16)|c(8|16|24|32)|[SU][1-9]\d{0,8}|[mM]8(\[[\w/]{0,20}\])?)")


def write_npz(file: BinaryIO, arrays: dict[str, Any], text: bytes) -> None:
    """Write contiguous arrays, and the metadata as JSON text."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(METADATA), text)
        for name, array in arrays.items():
            member = zipfile.ZipInfo(name + ".npy")  # of no date: the same content makes the same file
            member.file_size = array.nbytes + NPY_HEADER  # so that it can tell whether 32 bits are enough
            with archive.open(member, "w") as stream:
                np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
                stream.write(memory(array))


def read_npz(source: Source, limit: int) -> tuple[dict[str, Any], Any]:
    """Return the arrays and the metadata, or None; `limit` bounds what compressed members grow to."""
    members = _directory(source)
    for member in members.values():
        limit -= member.size if member.packed else 0
        source.need(
            limit >= 0,
            f"its compressed members would grow to more than the {limit + member.size:,} bytes that are left for them",
            "If it can be trusted, load it with numpy and save it again; nn.load(path, model=model) allows for the "
            "size of the model.",
        )
    content, arrays = None, {}
    for name, member in members.items():
        if name == METADATA:
            source.need(member.size <= TEXT, f"its metadata are larger than {TEXT:,} bytes")
            content = source.json(member.take(member.size), "its metadata")
        else:
            arrays[name.removesuffix(".npy")] = _read_npy(source, name.removesuffix(".npy"), member)
        member.finish()
    return arrays, content


class _Member:
    """A member of an archive, that is read from its beginning to its end."""

    def __init__(self, source: Source, name: str, start: int, stored: int, size: int, crc: int, packed: bool) -> None:
        self.source, self.name, self.start = source, name, start
        self.stored, self.size, self.crc, self.packed = stored, size, crc, packed
        self.left, self.sum, self.rest = size, 0, b""
        self.inflate = zlib.decompressobj(-zlib.MAX_WBITS) if packed else None

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        self.source.need(size <= self.left, f"its member {self.name} is too short")
        piece = bytearray(size)
        self.fill(memoryview(piece))
        return bytes(piece)

    def fill(self, view: memoryview) -> None:
        """Read as many bytes as there is room for."""
        self.source.need(view.nbytes <= self.left, f"its member {self.name} is too short")
        self.source.file.seek(self.start)
        self.left -= view.nbytes
        if self.inflate is None:
            self.source.fill(view)
            self.start += view.nbytes
        else:
            self.unpack(view)
        self.sum = zlib.crc32(view, self.sum)

    def unpack(self, view: memoryview) -> None:
        """Inflate as many bytes as there is room for, and never more."""
        assert self.inflate is not None
        broken = f"its member {self.name} cannot be inflated to the {self.size:,} bytes that it should have"
        while view.nbytes:
            if not self.rest:
                self.rest = self.source.file.read(min(CHUNK, self.stored))
                self.start += len(self.rest)
                self.stored -= len(self.rest)
            at_end = not self.rest
            try:
                piece = self.inflate.decompress(self.rest, min(view.nbytes, CHUNK))
            except zlib.error:
                piece, at_end = b"", True
            self.rest = self.inflate.unconsumed_tail
            self.source.need(piece or not (at_end or self.inflate.eof), broken)
            view[: len(piece)] = piece
            view = view[len(piece) :]

    def finish(self) -> None:
        """Compare what was read with the checksum, and see that nothing follows."""
        self.source.need(not self.left, f"its member {self.name} is longer than it says")
        self.source.need(self.sum == self.crc, f"its member {self.name} is damaged: its checksum is another")


def _read_npy(source: Source, name: str, member: _Member) -> Any:
    """Return the array of a ``.npy`` member: the format of `numpy.lib.format`, of simple dtypes."""
    start = member.take(8)
    source.need(start[:6] == b"\x93NUMPY" and start[6:] in (b"\1\0", b"\2\0", b"\3\0"), f"{name} is no array")
    wide = start[6] > 1
    length = struct.unpack("<I" if wide else "<H", member.take(4 if wide else 2))[0]
    source.need(length <= NPY_HEADER, f"the header of {name} is longer than {NPY_HEADER:,} bytes")
    text = member.take(length)
    header: Any = None
    if not ODD.search(text):
        with suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            header = ast.literal_eval(text.decode("latin1").strip())
    known = isinstance(header, dict) and header.keys() == {"descr", "fortran_order", "shape"}
    source.need(known, f"the header of {name} is not a dict of descr, fortran_order and shape")
    code, fortran, shape = header["descr"], header["fortran_order"], header["shape"]
    source.need(
        code not in ("|O", "O"),
        f"{name} holds pickled Python objects, which could run any code",
        "Ask for a file of plain numbers.",
    )
    source.need(isinstance(code, str) and SIMPLE.fullmatch(code), f"{name} has an unknown dtype, {str(code)[:40]!r}")
    source.need(isinstance(shape, tuple) and wholes(list(shape)), f"the shape of {name} is {str(shape)[:40]}")
    source.need(isinstance(fortran, bool), f"fortran_order of {name} is neither True nor False")
    dtype: np.dtype[Any] | None = None
    with suppress(TypeError, ValueError):  # this machine may have no such long floats, NumPy no such dates
        dtype = np.dtype(code)
    source.need(dtype is not None and dtype.itemsize, f"{name} has an unknown dtype, {code!r}")
    assert dtype is not None
    return source.array(name, dtype, shape, member.left, member.fill, fortran)


END, FAR, WHERE = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
ENTRY, LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
FULL = 2**32 - 1  # stands for a number that is held in 64 bits elsewhere
CRYPTIC = 0x2061  # flags of what is encrypted or patched


def _directory(source: Source) -> dict[str, _Member]:
    """Return the members of a zip archive, by name: each whole, and none in the place of another.

    Read here, since what zip files may say of themselves is more than an archive of arrays needs: see APPNOTE.TXT.
    """
    start = source.bytes_at(0, min(8, source.size), "the beginning")
    kinds = {b"\x93NUMPY": "a single array, .npy", b"\x80": "a pickle, which is never opened", b"\x89HDF": "HDF5"}
    what = next((kind for mark, kind in kinds.items() if start.startswith(mark)), "no zip archive")
    source.need(start[:4] in (b"PK\3\4", b"PK\5\6"), f"it is {what}, or damaged at its beginning")
    tail = source.bytes_at(max(0, source.size - 2**16 - END.size), min(source.size, 2**16 + END.size), "its end")
    at = tail.rfind(b"PK\5\6")
    source.need(at >= 0 and len(tail) - at >= END.size, "it has no table of contents at its end: it was cut off")
    _, disk, first, here, count, size, offset, comment = END.unpack_from(tail, at)
    end = source.size - len(tail) + at
    lies = "its table of contents contradicts itself"
    source.need(end + END.size + comment == source.size, lies)
    if end >= WHERE.size and (locator := source.bytes_at(end - WHERE.size, WHERE.size, lies)).startswith(b"PK\6\7"):
        _, disk, place, _ = WHERE.unpack(locator)
        far = FAR.unpack(source.bytes_at(place, FAR.size, "its table of contents"))
        source.need(far[0] == b"PK\6\6" and place + FAR.size == end - WHERE.size, lies)
        first, (here, count, size, offset), end = far[4] | far[5], far[6:], place
    source.need((disk, first, here) == (0, 0, count) and offset + size == end, lies)
    source.need(count * ENTRY.size <= size, lies)
    table = source.bytes_at(offset, size, "its table of contents")
    members: dict[str, _Member] = {}
    places = []
    at = 0
    for _ in range(count):
        source.need(at + ENTRY.size <= size and table[at : at + 4] == b"PK\1\2", lies)
        entry = ENTRY.unpack_from(table, at)
        flags, method, crc, stored, full = entry[3], entry[4], *entry[7:10]
        lengths, place = entry[10:13], entry[16]
        at += ENTRY.size
        source.need(at + sum(lengths) <= size, lies)
        raw, extra = table[at : at + lengths[0]], table[at + lengths[0] : at + lengths[0] + lengths[1]]
        at += sum(lengths)
        name: str = raw.decode("utf-8" if flags & 0x800 else "cp437", "replace")
        source.need(
            name == METADATA or name.endswith(".npy"), f"its member {name[:40]!r} is no array: it is no .npz file"
        )
        source.name(name.removesuffix(".npy"), ())
        source.need(name not in members, f"the name {name[:40]!r} stands in it twice")
        source.need(not flags & CRYPTIC, f"its member {name} is encrypted", "Decrypt it first.")
        source.need(method in (0, 8), f"its member {name} is packed by method {method}, and only deflate (8) is known")
        full, stored, place = _in_64_bits([full, stored, place], extra)
        local = source.bytes_at(place, LOCAL.size, f"its member {name}")
        head = LOCAL.unpack(local)
        same = head[0] == b"PK\3\4" and (head[2], head[3]) == (flags, method)
        sizes = flags & 8 or (head[6] == crc and head[7] in (stored, FULL) and head[8] in (full, FULL))
        same = same and source.bytes_at(place + LOCAL.size, head[9], f"its member {name}") == raw
        source.need(same and sizes, f"its member {name} is not as its table of contents has it")
        begin = place + LOCAL.size + head[9] + head[10]
        source.need(begin + stored <= offset, f"its member {name} lies outside of it")
        source.need(method or stored == full, f"its member {name} has two sizes")
        places.append((place, begin + stored))
        members[name] = _Member(source, name, begin, stored, full, crc, bool(method))
    source.need(at == size, lies)
    last = 0
    for begin, stop in sorted(places):
        source.need(begin >= last, "its members overlap", "Do not use it: it may be meant to fill the memory.")
        last = stop
    return members


def _in_64_bits(numbers: list[int], extra: bytes) -> list[int]:
    """Return size, packed size and offset: those too large for 32 bits stand in an extra field."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == 1:
            large = [number for (number,) in struct.iter_unpack("<Q", extra[4 : 4 + length // 8 * 8])]
            numbers = [large.pop(0) if n == FULL and large else n for n in numbers]
        extra = extra[4 + length :]
    return numbers
