"""A report's folder: known to be usable before the work begins; its files, each there in full or as it was."""

from __future__ import annotations

import os
import platform
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

import autograd_mini as ag

__all__ = ["prepare", "put", "versions", "write"]


def prepare(folder: Path) -> None:
    """Make the report's folder and write a file into it, so that a path that cannot be used is known before training.

    Raises
    ------
    OSError
        If that fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder):
        pass


def write(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files into a folder, over what has their names; return their paths.

    Raises
    ------
    OSError
        If a file cannot be written: it is then as it was.
    """
    prepare(folder)
    for name, content in files.items():
        put(folder / name, content)
    return [folder / name for name in files]


def put(path: Path, content: bytes) -> None:
    """Write a file under another name, and give it its own when all of it is written.

    Raises
    ------
    OSError
        If that fails: the file is then as it was.
    """
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def versions() -> dict[str, str]:
    """Return what the numbers may depend on: the versions of what computed them."""
    blas = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return {
        "autograd_mini": ag.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    }
