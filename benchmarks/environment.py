"""What a time depends on besides the code: threads, cores, the BLAS kernel, releases. Imports no NumPy."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS")
LIBRARIES = ("numpy", "numba", "torch", "jax", "jaxlib", "autograd", "mygrad", "micrograd")


def fix(threads: int, cores: int | None = None) -> None:
    """Set the pools to a number of threads, stay on as many cores, and let OpenBLAS choose its kernel.

    It has to run before NumPy is imported: the libraries look once. Processes that are started inherit all of this: for
    several, say on how many cores they may be.
    """
    if "numpy" in sys.modules:
        sys.exit("environment.fix: NumPy is imported already, and its threads can no longer be set")
    for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(variable, None)
    for variable in POOLS:
        os.environ[variable] = str(threads)
    if threads == 1:  # with more, XLA takes the cores that it may run on
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, idlest(sorted(os.sched_getaffinity(0)))[: cores or threads])


def idlest(cores: list[int]) -> list[int]:
    """Return the cores with those first that were idle most during a fifth of a second: another may be at work."""

    def idle() -> dict[str, int]:
        lines = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
        return {line[0]: int(line[4]) for line in lines}

    if not Path("/proc/stat").exists():
        return cores
    before = idle()
    time.sleep(0.2)
    after = idle()
    return sorted(cores, key=lambda core: before[f"cpu{core}"] - after[f"cpu{core}"])


def kernel() -> str:
    """Return the name of NumPy's BLAS and of the kernel that it chose for this processor."""
    import numpy as np

    if importlib.util.find_spec("threadpoolctl") is not None:
        import threadpoolctl

        for pool in threadpoolctl.threadpool_info():
            if pool["user_api"] == "blas" and "numpy" in pool["filepath"]:
                return f"{pool['internal_api']} {pool['version']}, {pool.get('architecture', 'kernel unknown')}"
    return _corename(Path(np.__file__).parent) or _configured(np)


def _corename(package: Path) -> str | None:
    """Ask the OpenBLAS of NumPy's wheel for the name of its kernel."""
    import ctypes

    folders = (package.with_name("numpy.libs"), package / ".dylibs")
    for library in (path for folder in folders if folder.is_dir() for path in folder.glob("*openblas*")):
        loaded = ctypes.CDLL(str(library))
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename"):
            if hasattr(loaded, name):
                function = getattr(loaded, name)
                function.restype = ctypes.c_char_p
                return f"openblas, {function().decode()}"
    return None


def _configured(np: Any) -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas.get('name')} {blas.get('version')}, kernel unknown"


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions(libraries: tuple[str, ...] = LIBRARIES) -> dict[str, str]:
    """Return the releases of what is installed."""
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def described(threads: int, libraries: tuple[str, ...] = LIBRARIES) -> dict[str, Any]:
    """Return all of it, for the record of a run."""
    return {"processor": processor(), "kernel": kernel(), "threads": threads, "versions": versions(libraries)}
