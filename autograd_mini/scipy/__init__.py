"""SciPy's functions on Tensors, for whoever has SciPy installed; each module is loaded when it is first used.

The ufuncs of ``scipy.special`` can be called as they are. SciPy's plain functions do not look for Tensors: call them
from here, ``ag.scipy.special.logsumexp(t)``, with SciPy's signatures.
"""

import importlib
from typing import Any

MODULES = ("integrate", "interpolate", "linalg", "optimize", "signal", "special", "stats")

__all__ = [*MODULES]


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"ag.scipy has no module {name!r}; it has {', '.join(MODULES)}.")
    return importlib.import_module(f".{name}", __name__)


def __dir__() -> list[str]:
    return sorted(__all__)
