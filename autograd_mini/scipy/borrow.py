"""SciPy's plain functions do not dispatch: each gets a wrapper of the same name and signature that does.

On plain arrays the wrapper is SciPy's function; on Tensors it goes through the table as NumPy's functions do.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from ..errors import UnsupportedArgumentError
from ..recording import current
from ..rules.composite import array
from ..table import in_memory, name_of, refusal
from ..tensor import Tensor, wrap

__all__ = ["SINCE_1_18", "array", "borrow", "constant_of", "holds_tensor", "refuse", "stand_in", "value_of"]

SINCE_1_18 = np.lib.NumpyVersion(scipy.__version__) >= "1.18.0"  # where some functions answer otherwise


def borrow(theirs: Callable[..., Any], signature: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return a function that is `theirs` on plain arrays and looks itself up in the table on Tensors.

    Parameters
    ----------
    theirs : callable
        SciPy's function.
    signature : callable, optional
        A function with the signature, where that of `theirs` is only ``*args, **kwds``.
    """
    borrowed: Any = in_memory(_native(theirs) if theirs.__module__.startswith("scipy.linalg") else theirs)
    if signature is not None:
        borrowed.__wrapped__ = signature
    borrowed.__module__ = sys._getframe(1).f_globals["__name__"]
    borrowed.__qualname__ = theirs.__name__
    borrowed.__doc__ = f"As SciPy's ``{theirs.__name__}``, and on Tensors recorded."
    return borrowed  # type: ignore[no-any-return]


def _native(theirs: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gets arrays in the machine's byte order: some of SciPy's read others wrong, and go on."""

    @functools.wraps(theirs, updated=())
    def called(*args: Any, **kwargs: Any) -> Any:
        for a in args:
            if type(a) is not np.ndarray or not a.dtype.isnative:
                args = tuple(map(_in_native_order, args))
                break
        if kwargs:
            kwargs = {name: _in_native_order(a) for name, a in kwargs.items()}
        return theirs(*args, **kwargs)

    return called


def _in_native_order(a: Any) -> Any:
    if type(a) is tuple:
        return tuple(map(_in_native_order, a))
    return a.astype(a.dtype.newbyteorder("=")) if isinstance(a, np.ndarray) and not a.dtype.isnative else a


def stand_in(theirs: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a decorator for what stands for `theirs` on Tensors, where the result is no array and no tuple of arrays.

    Such a function is not in the table: the table is about arrays.
    """

    def register(implementation: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(theirs, updated=())
        def borrowed(*args: Any, **kwargs: Any) -> Any:
            if holds_tensor(args) or holds_tensor(kwargs):
                return implementation(*args, **kwargs)
            return theirs(*args, **kwargs)

        borrowed.__module__ = implementation.__module__
        borrowed.__doc__ = f"As SciPy's ``{theirs.__name__}``, and on Tensors recorded. {implementation.__doc__}"
        return borrowed

    return register


def holds_tensor(value: Any) -> bool:
    """Return whether there is a Tensor in a value, or in the lists, tuples and dicts that it consists of."""
    if isinstance(value, dict):
        return any(map(holds_tensor, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(holds_tensor, value))
    return isinstance(value, Tensor)


def value_of(a: Any) -> Any:
    """Return the plain array of a Tensor, for what is constant in a neighbourhood: pivots, signs, ranks.

    In a trace it stays a Tensor, without its history: what is computed of it belongs to the program.
    """
    if isinstance(a, Tensor):
        return a.data if current.get().trace is None else a.detach()
    return np.asarray(a)


def constant_of(a: Any) -> Tensor:
    """Return a Tensor without a history."""
    if current.get().trace is not None:
        return a.detach() if isinstance(a, Tensor) else Tensor(np.asarray(a))
    return wrap(np.asarray(a), None)


def refuse(function: Callable[..., Any], **unhandled: Any) -> None:
    """Refuse by name the arguments that were given and are not handled."""
    for name, value in unhandled.items():
        if value is not None and value is not False:
            raise UnsupportedArgumentError(refusal(name_of(function), name))
