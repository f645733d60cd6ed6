"""The contenders, one library a file, each with `make(workload)`: the step, or `NotOffered` and why."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks.workloads import Workload


class NotOffered(Exception):
    """What a contender raises for a workload that it cannot run, with the reason."""


class Made(NamedTuple):
    """A step, and how a NumPy array is handed to it."""

    step: Callable[..., Any]
    convert: Callable[[Any], Any] = lambda a: a


# name: (module of this folder or package, what it imports besides NumPy, options of its make)
CONTENDERS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "numpy": (".by_hand", (), {}),
    "tuned": ("benchmarks.tuned", (), {}),
    "gemm": (".products", (), {}),
    "eager": (".eager", (), {}),
    "compiled": (".compiled", (), {}),
    "compiled-numba": (".compiled", ("numba",), {"backend": "numba"}),
    "torch": (".pytorch", ("torch",), {}),
    "torch-fused": (".pytorch", ("torch",), {"fused": True}),
    "torch.compile": (".pytorch", ("torch",), {"compiled": True}),
    "jax": (".jax_jit", ("jax",), {}),
    "autograd": (".hips", ("autograd",), {}),
    "mygrad": (".mygrad_", ("mygrad",), {}),
    "micrograd": (".micrograd_", ("micrograd",), {}),
}
OURS = ("numpy", "tuned", "gemm", "eager", "compiled", "compiled-numba")


def load(name: str) -> Any:
    """Import a contender's module and its library.

    Raises
    ------
    NotOffered
        If the library is not installed.
    """
    module, needs, _ = CONTENDERS[name]
    for package in needs:
        if importlib.util.find_spec(package) is None:
            raise NotOffered(f"{package} is not installed")
    return importlib.import_module(module, __name__)


def make(name: str, workload: Workload) -> Made:
    """Return a contender's step for a workload.

    Raises
    ------
    NotOffered
        If its library is not installed, or cannot do this.
    """
    made: Made = load(name).make(workload, **CONTENDERS[name][2])
    return made
