"""The .npz format by `zipfile` and `numpy.lib.format`, with the checks that these leave to their caller.

They believe what a file says of itself: how large its arrays and members are, and where in it they lie.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from operator import attrgetter
from typing import IO, Any, BinaryIO

import numpy as np

from .plain import is_plain, memory
from .untrusted import CHUNK, TEXT, Source

__all__ = ["read_npz", "write_npz"]

METADATA = "metadata.json"  # the member that is no array
HEADER = 10_000  # bytes that an array's header may take, as NumPy has it
ENCRYPTED = 0x41  # flags of a member
LOCAL, END = 30, 22  # bytes before a member, less its name, and at the end of an archive, less its comment
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)  # of zipfile


def write_npz(file: BinaryIO, arrays: dict[str, Any], text: bytes) -> None:
    """Write contiguous arrays, and the metadata as JSON text."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(METADATA), text)
        for name, array in arrays.items():
            member = zipfile.ZipInfo(name + ".npy")  # of no date: the same content makes the same file
            member.file_size = array.nbytes + HEADER  # so that it can tell whether 32 bits are enough
            with archive.open(member, "w") as stream:
                np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
                stream.write(memory(array))


def read_npz(source: Source, limit: int) -> tuple[dict[str, Any], Any]:
    """Return the arrays and the metadata, or None; `limit` bounds what compressed members grow to."""
    start = source.bytes_at(0, min(8, source.size), "the beginning")
    kinds = {b"\x93NUMPY": "a single array, .npy", b"\x80": "a pickle, which is never opened", b"\x89HDF": "HDF5"}
    kind = next((kind for mark, kind in kinds.items() if start.startswith(mark)), "no zip archive")
    source.need(start[:4] in (b"PK\3\4", b"PK\5\6"), f"it is {kind}, or damaged at its beginning")
    content, arrays = None, {}
    with source.refusing("its zip archive was cut off or is damaged", *BROKEN), zipfile.ZipFile(source.file) as archive:
        for info in _members(source, archive, limit):
            name = info.filename.removesuffix(".npy")
            with source.refusing(f"its member {info.filename} is damaged", *BROKEN), archive.open(info) as stream:
                if info.filename == METADATA:
                    source.need(info.file_size <= TEXT, f"its metadata are larger than {TEXT:,} bytes")
                    content = source.json(stream.read(info.file_size), "its metadata")
                else:
                    arrays[name] = _read_npy(source, name, stream, info.file_size)
    return arrays, content


def _members(source: Source, archive: zipfile.ZipFile, limit: int) -> list[zipfile.ZipInfo]:
    """Return the members of an archive, if reading them takes no more memory than the file is long, and `limit`."""
    members = archive.infolist()
    seen = set()
    for info in members:
        name, method = info.filename, info.compress_type
        known = name == METADATA or name.endswith(".npy")
        source.need(known, f"its member {name[:40]!r} is no array: it is no .npz file")
        source.name(name.removesuffix(".npy"))
        source.need(name not in seen, f"the name {name[:40]!r} stands in it twice")
        seen.add(name)
        source.need(not info.flag_bits & ENCRYPTED, f"its member {name} is encrypted", "Decrypt it first.")
        if method == zipfile.ZIP_STORED:
            source.need(info.compress_size == info.file_size, f"its member {name} has two sizes")
            continue
        packed = f"its member {name} is packed by method {method}, and only deflate (8) is known"
        source.need(method == zipfile.ZIP_DEFLATED, packed)
        source.need(
            info.file_size <= limit,
            f"its compressed members would grow to more than the {limit:,} bytes that are left for them",
            "If it can be trusted, load it with numpy and save it again; nn.load(path, model=model) allows for the "
            "size of the model.",
        )
        limit -= info.file_size
    end = source.bytes_at(source.size - END - len(archive.comment), END, "the end of its table of contents")
    count = int.from_bytes(end[10:12], "little")  # which zipfile does not compare; all ones if it is elsewhere
    counted = end[:4] == b"PK\5\6" and count in (len(members), 2**16 - 1)
    source.need(counted, "its table of contents is not at its end, or not complete")
    _check_places(source, members)
    return members


def _check_places(source: Source, members: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive that is not the whole file, or whose members are in each other."""
    end = 0
    for info in sorted(members, key=attrgetter("header_offset")):
        # zipfile takes the last archive in a file, which may be one that an array holds
        source.need(end or info.header_offset == 0, "its first member is not at its beginning")
        overlap = f"its member {info.filename} overlaps another"
        source.need(info.header_offset >= end, overlap, "Do not use it: it may be meant to fill the memory.")
        end = info.header_offset + LOCAL + info.compress_size
        source.need(end <= source.size, f"its member {info.filename} lies outside of it")


def _read_npy(source: Source, name: str, stream: IO[bytes], size: int) -> Any:
    """Return the array of a member, whose memory is taken when its header agrees with the member's size."""
    start = io.BytesIO(stream.read(HEADER))  # the header, and perhaps some of the numbers
    with source.refusing(f"{name} is no array, or its header is damaged", Exception):  # parsers raise many kinds
        version = np.lib.format.read_magic(start)
        source.need(version in HEADERS, f"{name} has version {version} of .npy, which no plain array needs")
        shape, fortran, dtype = HEADERS[version](start, max_header_size=HEADER)
    source.need(
        not dtype.hasobject,
        f"{name} holds pickled Python objects, which could run any code",
        "Ask for a file of plain numbers.",
    )
    source.need(is_plain(dtype), f"{name} has an unknown dtype, {str(dtype)[:40]!r}")
    source.need(all(type(n) is int and n >= 0 for n in shape), f"the shape of {name} is {str(shape)[:40]}")
    left = size - start.tell()
    sizes = f"{name} would have shape {_short(shape)} of {dtype}, and there are {left:,} bytes for it"
    source.need(math.prod(shape) * dtype.itemsize == left, sizes)
    no_room = f"{name} takes {left:,} bytes, more memory than there is"
    with source.refusing(no_room, MemoryError), source.refusing(sizes, ValueError, OverflowError):
        array = np.empty(shape, dtype, order="F" if fortran else "C")  # may have more axes than NumPy has
    view, rest = memory(array), start.read()
    view[: len(rest)] = rest
    for at in range(len(rest), left, CHUNK):
        piece = stream.read(min(CHUNK, left - at))
        source.need(len(piece) == min(CHUNK, left - at), f"its member {name}.npy is shorter than it says")
        view[at : at + len(piece)] = piece
    return source.truths(name, array)


def _short(shape: tuple[int, ...]) -> str:
    text = str(shape)
    return text if len(text) < 60 else f"{text[:50]}...)"
