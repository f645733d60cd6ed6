"""What numba is given: the listing as a file that it can cache, and NumPy's own inner loops by their addresses."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import itertools
import os
import platform
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["LOOP", "addresses", "cache_folder", "loaded", "loop_of"]

_numbers = itertools.count()


# --- NumPy's inner loops --------------------------------------------------------------------------------------------


class _UFunc(ctypes.Structure):
    """The head of a PyUFuncObject, as NumPy's C interface documents it (numpy/ufuncobject.h)."""

    _fields_ = (
        ("references", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved1", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


LOOP = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_found: dict[Any, tuple[str, int] | None] = {}
addresses: dict[str, int] = {}  # of the loops that compiled code may call, by their names


def loop_of(ufunc: np.ufunc, dtypes: tuple[np.dtype[Any], ...]) -> tuple[str, int] | None:
    """Return the name under which compiled code may call a ufunc's loop for these dtypes, and the loop's data.

    None where there is no such loop, or where it does not do what the ufunc does: then nothing is known of it.
    """
    key = ufunc, dtypes
    if key not in _found:
        try:
            _found[key] = _registered(ufunc, dtypes)
        except (AttributeError, ValueError, OSError, TypeError):
            _found[key] = None
    return _found[key]


def _registered(ufunc: np.ufunc, dtypes: tuple[np.dtype[Any], ...]) -> tuple[str, int] | None:
    if platform.python_implementation() != "CPython" or not hasattr(sys, "getrefcount"):
        return None
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return None
    chars = "".join(d.char for d in dtypes)
    same = [t for t in ufunc.types if [np.dtype(c) for c in t.replace("->", "")] == list(dtypes)]
    if not same:
        return None
    k = ufunc.types.index(same[0])
    head = _UFunc.from_address(id(ufunc))
    if (head.nin, head.nout, head.nargs, head.ntypes) != (ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes):
        return None
    if head.name != ufunc.__name__.encode():
        return None
    numbers = bytes(np.dtype(c).num for c in same[0].replace("->", ""))
    if head.types[k * ufunc.nargs : (k + 1) * ufunc.nargs] != numbers:
        return None
    address, data = head.functions[k], head.data[k] or 0 if head.data else 0
    if not address or not _does_the_same(ufunc, dtypes, address, data):
        return None
    import llvmlite.binding as llvm

    name = f"autograd_mini_{ufunc.__name__}_{chars.replace('?', 'b')}"
    llvm.add_symbol(name, address)
    addresses[name] = address
    return name, data


def _does_the_same(ufunc: np.ufunc, dtypes: tuple[np.dtype[Any], ...], address: int, data: int) -> bool:
    """Return whether the loop gives what the ufunc gives, on a few numbers."""
    rng = np.random.default_rng(0)
    product = ufunc is np.matmul
    shapes = [(3, 5), (5, 4), (3, 4)] if product else [(37,)] * len(dtypes)
    arrays = [(rng.random(s) * 3 + (d.kind in "iu")).astype(d) for s, d in zip(shapes, dtypes, strict=True)]
    expected = ufunc(*arrays[: ufunc.nin])
    out = arrays[-1]
    out[...] = 0
    if expected.dtype != out.dtype:
        return False
    pointers = (ctypes.c_void_p * len(arrays))(*[a.ctypes.data for a in arrays])
    if product:
        sizes = [1, 3, 5, 4]
        steps = [0, 0, 0, *(s for a in arrays for s in a.strides)]
    else:
        sizes, steps = [37], [a.itemsize for a in arrays]
    LOOP(address)(pointers, (ctypes.c_ssize_t * len(sizes))(*sizes), (ctypes.c_ssize_t * len(steps))(*steps), data)
    return bool(np.array_equal(out, expected, equal_nan=out.dtype.kind == "f"))


# --- the file -------------------------------------------------------------------------------------------------------


def cache_folder() -> Path:
    """Return where compiled code is kept: ``AUTOGRAD_MINI_CACHE``, else a folder in the user's cache."""
    if given := os.environ.get("AUTOGRAD_MINI_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "autograd_mini"


def loaded(code: str, name: str, function: str) -> Callable[..., Any]:
    """Return a function of the module with this code: from a file, so that numba can cache it.

    Where the folder cannot be written to or is open to others, the code is compiled in memory; where what numba kept is
    not what it wrote, it is compiled anew.
    """
    file = _kept(code)
    if file is not None:
        known = sys.modules.get(f"autograd_mini_{file.stem}")
        if known is not None and getattr(known, "code", None) == code:
            again: Callable[..., Any] = known.__dict__[function]
            return again
        seal = file.with_suffix(".sum")
        try:
            if not seal.is_file() or seal.read_text() != _sum(file):
                _forget(file)
            found = _imported(code, str(file), name, function)
            if not seal.is_file():
                _written(seal, _sum(file).encode())
            return found
        except Exception:  # it is compiled once more, in memory: if the code is to blame, it says so there
            _forget(file)
    code = code.replace("cache=True", "cache=False")
    return _imported(code, f"<autograd_mini.numba {next(_numbers)}>", name, function)


def _sum(file: Path) -> str:
    """Return a checksum of what numba keeps for a file."""
    found = hashlib.sha256()
    for kept in _machine_code(file):
        found.update(f"{kept.name} {kept.stat().st_size} ".encode() + kept.read_bytes())
    return found.hexdigest()


def _machine_code(file: Path) -> list[Path]:
    return sorted((file.parent / "__pycache__").glob(f"{file.stem}.*.nb?"))


def _forget(file: Path) -> None:
    """Delete what numba kept for a file."""
    with contextlib.suppress(OSError):
        for kept in (*_machine_code(file), file.with_suffix(".sum")):
            kept.unlink(missing_ok=True)


def _written(file: Path, content: bytes) -> None:
    """Write a file in one piece, for whoever reads it meanwhile."""
    handle, draft = tempfile.mkstemp(dir=file.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
    Path(draft).replace(file)


def _kept(code: str) -> Path | None:
    """Write the code to a file of its own, named by what it is; return the file, None where that is not possible."""
    import llvmlite.binding as llvm
    import numba

    versions = (numba.__version__, np.__version__, sys.version, llvm.get_host_cpu_name(), _features(llvm))
    key = hashlib.sha256("\n".join((code, *versions)).encode()).hexdigest()[:32]
    try:
        folder = cache_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid"):
            state = folder.stat()
            if state.st_uid != os.getuid() or state.st_mode & 0o022:
                return None  # others could write what would be run here
        file = folder / f"program_{key}.py"
        if not file.exists() or file.read_bytes() != code.encode():
            _written(file, code.encode())
        return file
    except (OSError, RuntimeError):
        return None


def _features(llvm: Any) -> str:
    try:
        return str(llvm.get_host_cpu_features().flatten())
    except RuntimeError:
        return ""


def _imported(code: str, file: str, name: str, function: str) -> Callable[..., Any]:
    """Run the code as a module; numba takes the file's name as the place to keep what it compiles."""
    import linecache

    kept = file.endswith(".py")
    module = types.ModuleType(f"autograd_mini_{Path(file).stem if kept else f'{name}_{next(_numbers)}'}")
    module.__file__ = file
    linecache.cache[file] = len(code), None, code.splitlines(True), file
    sys.modules[module.__name__] = module  # numba looks it up
    try:
        exec(compile(code, file, "exec"), module.__dict__)
        module.__dict__["code"] = code
    finally:
        if not kept or "code" not in module.__dict__:
            del sys.modules[module.__name__]
    found: Callable[..., Any] = module.__dict__[function]
    return found
