"""One container for named arrays and JSON metadata: written atomically, read without trust, exact bit for bit.

A file whose name ends in ``.npz`` is a zip archive of ``.npy`` members, as `numpy.savez` makes it, and one member
``metadata.json``. One that ends in ``.safetensors`` is read and written by the library of that name, the extra
``safetensors``; it is a JSON header and the arrays' bytes, one after the other
(https://huggingface.co/docs/safetensors). Nothing is pickled, and no name in a file is ever a path, a module or a
class.

What a file declares is checked against the file's size before memory is taken for it; what it declares, its table of
contents, takes a small multiple of its bytes. Every array and the metadata have a checksum (CRC-32 over dtype, shape
and bytes), which is checked: damage is found but for one chance in four thousand million. A file by somebody else has
no such checksums: in a zip archive its own cover the arrays, in a .safetensors file nothing does, so changed bytes
among the numbers are then numbers like others. A checksum finds accidents; whoever changes a file on purpose can
compute it anew.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import numpy as np

import autograd_mini as ag

from ..checks import shown
from .npz import read_npz, write_npz
from .packing import pack, unpack
from .plain import checksum, is_plain
from .tensors import is_tensor, read_tensors, tensor_file, tensor_header
from .untrusted import TEXT, VALUES, FileError, Source, flaw_of, separators

__all__ = ["INFLATED", "FileError", "pack", "read", "unpack", "write"]

VERSION = 1  # of the container; what is in it has versions of its own
INFLATED = 2**26  # bytes to which compressed members may grow, unless the caller expects more


def write(path: Any, arrays: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Write arrays and metadata into one file, which is there in full or as it was before.

    They go to a temporary file in the same directory, which takes the place of `path` once it is on the disk. A power
    cut or a kill in between leaves the old file, and perhaps a hidden ``.<name>.<digits>.tmp`` beside it. Where `path`
    is a symbolic link, the file that it leads to is replaced.

    Parameters
    ----------
    path : str or os.PathLike
        Ends in ``.npz`` or ``.safetensors``. The first keeps all that an array is, byte order and Fortran order
        included. The second keeps values, dtype and shape, of booleans, integers and float16, 32 and 64, and is
        made in memory first.
    arrays : dict of str to array
        Of numbers, booleans, dates or text. Names must not look like paths that leave a directory.
    meta : dict
        What JSON can hold: dicts with text as keys, lists, numbers that are finite, text, True, False, None. Other
        things, such as arrays, tuples and NaN, go through `pack` first.

    Raises
    ------
    ValueError, TypeError
        If the name of the file, of an array, or the metadata are not as above.
    DTypeError
        If an array holds objects, records, or what the format has no type for.
    ImportError
        If the name ends in ``.safetensors``, and that library is not installed.
    OSError
        If the system cannot write the file.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> from nn import archive
    >>> path = os.path.join(tempfile.mkdtemp(), "a.npz")
    >>> archive.write(path, {"x": np.arange(3)}, {"epoch": 2})
    >>> archive.read(path)
    ({'x': array([0, 1, 2])}, {'epoch': 2})
    """
    kind = _kind("write", path)
    if not isinstance(arrays, Mapping):
        raise TypeError(f"write: arrays is {shown(arrays)}, but must be a dict from names to arrays.")
    ready = {}
    for name, value in arrays.items():
        if not isinstance(name, str) or flaw_of(name):
            why = flaw_of(name) if isinstance(name, str) else "is no text"
            raise ValueError(
                f"write: the name {name!r} of an array {why}, and readers would refuse it. Name arrays like attributes."
            )
        ready[name] = _ready(name, value, kind)
    text = _text({"archive": VERSION, "checksums": {n: checksum(a) for n, a in ready.items()}, "metadata": meta})
    _limited(text)
    if kind == ".npz":
        _replace(os.fsdecode(path), lambda file: write_npz(file, ready, text))
    else:
        content = tensor_file(ready, text)
        _limited(tensor_header(content))
        _replace(os.fsdecode(path), lambda file: file.write(content))


def _kind(where: str, path: Any) -> str:
    """Return the suffix of a path that may be used."""
    try:
        name = os.fsdecode(path)
    except TypeError:
        raise TypeError(f"{where}: path is {shown(path)}, but must be the name of a file: 'model.npz'.") from None
    suffix = os.path.splitext(name)[1].lower()
    if suffix not in (".npz", ".safetensors"):
        fix = f"Write {os.path.splitext(name)[0] + '.npz'!r}."
        if where == "read":
            fix = "Files of other kinds (.pt, .pkl, .h5) have to be converted by what wrote them."
        raise ValueError(
            f"{where}: path is {name!r}, but must end in .npz or .safetensors, which says how the file is written. "
            + fix
        )
    return suffix


def _ready(name: str, value: Any, kind: str) -> Any:
    """Return an array as it goes into the file: contiguous, and of a dtype that the file has a name for."""
    array = value.numpy() if isinstance(value, ag.Tensor) else value
    if isinstance(array, np.ma.MaskedArray):
        raise ag.errors.DTypeError(f"write: {name} is a masked array, whose mask would be lost. Write a.filled(value).")
    array = np.asarray(array)
    if not is_plain(array.dtype):
        raise ag.errors.DTypeError(
            f"write: {name} holds {array.dtype}, but only numbers, booleans, dates and text are written, and no Python "
            "objects or records. Convert it, as in a.astype(float)."
        )
    if kind == ".npz":
        return np.asarray(array, order=None if array.flags.f_contiguous else "C")
    if not is_tensor(array.dtype):
        raise ag.errors.DTypeError(
            f"write: {name} holds {array.dtype}, for which .safetensors has no type. Save it as .npz, or store the "
            "real and the imaginary part."
        )
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")  # the library writes other layouts wrongly


def _text(content: dict[str, Any]) -> bytes:
    """Return JSON text that comes back as what it was made from."""
    try:
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
        same = json.loads(text) == content
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"write: the metadata cannot be written as JSON: {error}. Arrays, NaN and tuples go through "
            "archive.pack(metadata) first."
        ) from None
    if not same:
        raise TypeError(
            "write: the metadata would come back changed: JSON has lists, no tuples, and only text as keys. Pass them "
            "through archive.pack(metadata) first."
        )
    return text.encode()


def _limited(text: bytes) -> None:
    if len(text) > TEXT or separators(text) > VALUES:
        raise ValueError(
            f"write: the metadata are {len(text):,} bytes of JSON with {separators(text):,} separators; at most "
            f"{TEXT:,} and {VALUES:,} would be read. Keep what is large in arrays."
        )


def _replace(path: str, body: Callable[[BinaryIO], object]) -> None:
    """Write a file under another name, and give it its own when all of it is on the disk."""
    target = os.path.realpath(path)  # of a link, what it leads to: the link stays
    folder, name = os.path.split(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"write: there is no directory {folder}. Make it first, with os.makedirs.")
    mode = None
    if os.path.lexists(target):
        mode = os.stat(target).st_mode
        if not stat.S_ISREG(mode):  # a device would be gone for all programs
            raise FileExistsError(f"write: {path} is there, and is no file that may be replaced. Choose another name.")
        os.close(os.open(target, os.O_WRONLY))  # a file that may not be written to is not replaced either
    temporary = os.path.join(folder, f".{name[:40]}.{secrets.token_hex(8)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(temporary, flags, 0o666)  # less the umask, as open() has it
    try:
        with os.fdopen(descriptor, "wb") as file:
            body(file)
            file.flush()
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    if hasattr(os, "O_DIRECTORY"):  # the new name is on the disk when its directory is
        with suppress(OSError):  # some network file systems have no such call, and the file is whole in any case
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def read(path: Any, limit: int | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arrays and the metadata of a file; of one that `write` did not make, the metadata are empty.

    Parameters
    ----------
    path : str or os.PathLike
        Ends in ``.npz`` or ``.safetensors``.
    limit : int, optional
        Bytes to which the compressed members of an archive may grow, together; 64 MB by default. `write` does not
        compress, so its files need no more memory than they are long, and at most 100 MB for the metadata.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, or holds anything but arrays; it names the file and what is wrong.
    ImportError
        If the name ends in ``.safetensors``, and that library is not installed.
    """
    kind = _kind("read", path)
    with _opened(path) as source:
        found = read_npz(source, INFLATED if limit is None else limit) if kind == ".npz" else read_tensors(source)
        return _checked(source, *found)


def _checked(source: Source, arrays: dict[str, Any], content: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return arrays and metadata, compared with their checksums, in the order in which they were written."""
    if content is None:
        return arrays, {}
    version, sums = content.get("archive"), content.get("checksums")
    source.need(type(version) is int and isinstance(sums, dict), "its metadata were written by something else")
    newer = f"it has version {version} of the format, and this program knows those up to {VERSION}"
    source.need(version <= VERSION, newer, "Install a newer autograd_mini.")
    source.need(isinstance(content.get("metadata"), dict), "its metadata are not a dict")
    for name in sums.keys() ^ arrays.keys():
        source.need(False, f"the array {name[:40]} is {'missing' if name in sums else 'not in its table of arrays'}")
    for name, array in arrays.items():
        source.need(sums[name] == checksum(array), f"the array {name} is damaged: its checksum is another")
    return {name: arrays[name] for name in sums}, content["metadata"]


@contextmanager
def _opened(path: Any) -> Iterator[Source]:
    shown_path = os.fsdecode(path)
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(
            f"read: there is no file {shown_path}. Look from os.getcwd(), or pass the whole path."
        ) from None
    except ValueError:
        mode = 0  # a NUL in the name
    if not stat.S_ISREG(mode):  # asked before it is opened, which would wait for the other end of a pipe
        what = "it is a directory" if stat.S_ISDIR(mode) else "it is no ordinary file"
        raise FileError(f"The file {shown_path} cannot be read: {what}. Pass the name of a .npz or .safetensors file.")
    with open(path, "rb") as file:
        source = Source(shown_path, file, os.fstat(file.fileno()).st_size)
        source.need(source.size, "it is empty")
        yield source
