"""The .safetensors format by its own library, kept from headers that are too large and names that stand twice.

https://huggingface.co/docs/safetensors
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from ..checks import shown
from .untrusted import TEXT, Source

__all__ = ["is_tensor", "read_tensors", "tensor_file", "tensor_header"]

OURS = "autograd_mini"  # the name of our metadata, how they begin, and how they end: one survives most damage
KINDS = frozenset("BOOL U8 I8 U16 I16 U32 I32 U64 I64 F16 F32 F64 C64".split())  # of NumPy's among the library's


def is_tensor(dtype: np.dtype[Any]) -> bool:
    """Return whether all versions of the library have a type for it."""
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def tensor_file(arrays: dict[str, Any], text: bytes) -> bytes:
    """Return the content of a file, of arrays that lie in C order, and of the metadata as JSON text."""
    content: bytes = _library().numpy.save(arrays, metadata={OURS: _sealed(text)})
    return content


def _sealed(text: bytes) -> str:
    """Return the metadata with their checksum: in one piece, since the library would shuffle several."""
    return f"{OURS} {zlib.crc32(text):08x} {text.decode()} {OURS}"


def tensor_header(content: bytes) -> bytes:
    """Return the JSON text that a file begins with, behind its length."""
    return content[8 : 8 + int.from_bytes(content[:8], "little")]


def read_tensors(source: Source) -> tuple[dict[str, Any], Any]:
    """Return the arrays, and our metadata or None."""
    library = _library()
    start = source.bytes_at(0, min(8, source.size), "the beginning")
    what = "it is a zip archive" if start[:2] == b"PK" else "it does not begin with the length of a header"
    length = int.from_bytes(start, "little") if len(start) == 8 else source.size
    source.need(length <= source.size - 8, f"{what} that fits into it, and so is no .safetensors file")
    source.need(length <= TEXT, f"its header of {length:,} bytes is larger than the {TEXT:,} that are read")
    # read here too, since the library knows no bound but 100 MB, and lets a name stand twice
    header = source.json(source.bytes_at(8, length, "the header"), "its header")
    arrays = {}
    damaged = source.refusing("it was cut off or is damaged", library.SafetensorError)
    with damaged, library.safe_open(source.path, framework="numpy") as file:
        content = _metadata_of(source, header.pop("__metadata__", {}))
        for name, entry in header.items():  # whose types and offsets the library has checked
            source.name(name)
            kind, (first, last) = entry["dtype"], entry["data_offsets"]
            source.need(
                kind in KINDS or kind == "BF16",
                f"{name} has the dtype {shown(kind)}, which NumPy does not have",
                "Convert it to float32 with what wrote the file.",
            )
            no_room = f"{name} takes {last - first:,} bytes, more memory than there is"
            with source.refusing(no_room, MemoryError), source.refusing(f"{name} is no array of NumPy's", ValueError):
                if kind == "BF16":  # the upper half of a float32
                    half = np.frombuffer(source.bytes_at(8 + length + first, last - first, name), "<u2")
                    array = np.left_shift(half, 16, dtype=np.uint32).view(np.float32).reshape(entry["shape"])
                else:
                    array = file.get_tensor(name)
            arrays[name] = source.truths(name, array)
    return arrays, content


def _metadata_of(source: Source, metadata: dict[str, str]) -> Any:
    """Return our part of a header's metadata; None if there is none."""
    for name, sealed in metadata.items():
        if name == OURS or sealed.startswith(OURS) or sealed.endswith(OURS):
            text = sealed[len(OURS) + 10 : -len(OURS) - 1].encode()
            source.need(sealed == _sealed(text), "its metadata are damaged: their checksum is another")
            return source.json(text, "its metadata")
    return None


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "A file whose name ends in .safetensors needs the package safetensors, which could not be loaded "
            f"({error}). Run pip install 'autograd-mini[safetensors]', or choose a name that ends in .npz."
        ) from error
    return safetensors
