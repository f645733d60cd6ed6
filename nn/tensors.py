"""The .safetensors format: a JSON header, and the bytes of the arrays one after the other.

https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import json
import struct
import zlib
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from .checks import shown
from .untrusted import TEXT, Source, memory, wholes

__all__ = ["NAMED", "read_tensors", "tensor_header", "write_tensors"]

OURS = ("autograd_mini", "autograd_mini_crc32")  # the metadata, and their checksum
TENSORS = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
NAMED = {code: name for name, code in TENSORS.items()}


def tensor_header(arrays: dict[str, Any], text: bytes) -> bytes:
    """Return the JSON header; the arrays with the largest elements come first, which aligns all."""
    ends, end = {}, 0
    for name, array in _by_alignment(arrays):
        ends[name] = end = end + array.nbytes
    header: dict[str, Any] = {"__metadata__": dict(zip(OURS, (text.decode(), f"{zlib.crc32(text):08x}"), strict=True))}
    for name, array in arrays.items():
        offsets = [ends[name] - array.nbytes, ends[name]]
        header[name] = {"dtype": NAMED[array.dtype.str], "shape": list(array.shape), "data_offsets": offsets}
    written = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return written + b" " * (-len(written) % 8)


def _by_alignment(arrays: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)


def write_tensors(file: BinaryIO, arrays: dict[str, Any], header: bytes) -> None:
    """Write contiguous arrays behind their header."""
    file.write(struct.pack("<Q", len(header)) + header)
    for _, array in _by_alignment(arrays):
        file.write(memory(array))


def read_tensors(source: Source) -> tuple[dict[str, Any], Any]:
    """Return the arrays, and our metadata or None."""
    start = source.bytes_at(0, min(8, source.size), "the beginning")
    what = "it is a zip archive" if start[:2] == b"PK" else "it does not begin with the length of a header"
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else source.size
    source.need(length <= source.size - 8, f"{what} that fits into it, and so is no .safetensors file")
    source.need(length <= TEXT, f"its header of {length:,} bytes is larger than the {TEXT:,} that are read")
    header = source.json(source.bytes_at(8, length, "the header"), "its header")
    content = _metadata_of(source, header.pop("__metadata__", {}))
    base, total = 8 + length, source.size - 8 - length
    places = []
    for name, entry in header.items():
        source.name(name, ())
        source.need(isinstance(entry, dict), f"the entry of {name} is not a dict")
        shape, offsets, code = entry.get("shape"), entry.get("data_offsets"), entry.get("dtype")
        known = len(entry) == 3 and wholes(shape) and wholes(offsets) and len(offsets) == 2
        source.need(known, f"the entry of {name} is not a dtype, a shape and two offsets")
        source.need(
            isinstance(code, str) and (code in TENSORS or code == "BF16"), f"{name} has an unknown dtype, {shown(code)}"
        )
        source.need(offsets[0] <= offsets[1] <= total, f"{name} lies outside of it, so it may have been cut off")
        places.append((*offsets, name, code, tuple(shape)))
    end, arrays = 0, {}
    for first, last, name, code, shape in sorted(places):
        source.need(
            first == end, f"{name} begins at byte {first:,} where {end:,} is next: arrays overlap, or leave a hole"
        )
        source.file.seek(base + first)
        dtype = np.dtype("<u2" if code == "BF16" else TENSORS[code])
        array = source.array(name, dtype, shape, last - first, source.fill)
        if code == "BF16":  # the upper half of a float32
            array = np.left_shift(array, 16, dtype=np.uint32).view(np.float32)
        arrays[name], end = array.astype(array.dtype.newbyteorder("="), copy=False), last
    source.need(end == total, f"{total - end:,} bytes at its end belong to no array")
    return {name: arrays[name] for name in header}, content


def _metadata_of(source: Source, metadata: Any) -> Any:
    """Return our part of a header's metadata; None if there is none."""
    source.need(isinstance(metadata, dict), "its metadata are not a dict")
    source.need(all(isinstance(v, str) for v in metadata.values()), "its metadata hold something else than text")
    if not metadata.keys() & set(OURS):
        return None
    text, checksum = (metadata.get(key, "") for key in OURS)
    with suppress(UnicodeEncodeError):
        found = text.encode()
        source.need(f"{zlib.crc32(found):08x}" == checksum, "its metadata are damaged: their checksum is another")
        return source.json(found, "its metadata")
    source.need(False, "its metadata hold half a character")
