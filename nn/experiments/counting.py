"""Counted: an array that counts the multiplications that NumPy carries out on it, in products of matrices too.

To NumPy it is an array of another kind (NEP 13, NEP 18), and Tensors may hold it: so whatever the engine does in a
forward pass and in a sweep is counted as it happens. What it does not know how to count, it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

__all__ = ["Counted", "Tally", "counting"]

MULTIPLY = frozenset({np.multiply, np.divide, np.square})  # each entry of the result is one
NONE = frozenset(  # ufuncs that multiply nothing
    {np.add, np.subtract, np.negative, np.absolute, np.exp, np.tanh, np.maximum, np.minimum, np.sign}
    | {np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.isfinite}
)
MOVE = frozenset(  # functions that only move numbers, or add them up
    {np.sum, np.transpose, np.shape, np.broadcast_to, np.expand_dims, np.squeeze, np.zeros_like, np.ones_like}
    | {np.where, np.reshape, np.copy, np.swapaxes, np.asarray}
)


class Tally:
    """How many multiplications of two numbers there were; a division counts as one."""

    def __init__(self) -> None:
        self.multiplications = 0


_open: list[Tally] = []


@contextmanager
def counting() -> Iterator[Tally]:
    """Count what is multiplied in `Counted` arrays inside the with-block.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.experiments.counting import Counted, counting
    >>> with counting() as tally:
    ...     product = Counted(np.ones((2, 3))) @ Counted(np.ones((3, 5)))
    >>> tally.multiplications
    30
    """
    tally = Tally()
    _open.append(tally)
    try:
        yield tally
    finally:
        _open.remove(tally)


PLAIN = (np.ndarray, np.generic, bool, int, float)


class Counted(np.lib.mixins.NDArrayOperatorsMixin):
    """A NumPy array whose multiplications are counted; `array` holds the numbers."""

    def __init__(self, array: Any) -> None:
        self.array = np.asarray(array)
        self.shape, self.dtype = self.array.shape, self.array.dtype
        self.ndim, self.size = self.array.ndim, self.array.size

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute on the arrays inside, and count."""
        if not all(isinstance(x, (Counted, *PLAIN)) for x in inputs):
            return NotImplemented  # a Tensor, which computes on what it holds: counted there
        once = method == "__call__"
        if not (ufunc in NONE or (once and (ufunc in MULTIPLY or ufunc is np.matmul))):
            return NotImplemented
        plain = _plain(inputs)
        result = getattr(ufunc, method)(*plain, **_plain(kwargs))
        if ufunc is np.matmul:
            _count(np.size(result) * plain[0].shape[-1])
        elif ufunc in MULTIPLY:
            _count(np.size(result))
        return _counted(result)

    def __array_function__(self, function: Any, _types: Any, args: Any, kwargs: Any) -> Any:
        """Compute on the arrays inside, what multiplies nothing."""
        if function not in MOVE and function is not np.mean:
            return NotImplemented
        result = function(*_plain(args), **_plain(kwargs))
        if function is np.mean:
            _count(np.size(result))  # a division at the end
        return _counted(result)

    @property
    def T(self) -> Counted:
        """The transpose."""
        return Counted(self.array.T)

    def __getitem__(self, key: Any) -> Any:
        return _counted(self.array[_plain(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.array[_plain(key)] = _plain(value)

    def __len__(self) -> int:
        return len(self.array)

    def reshape(self, *shape: Any) -> Counted:
        """Return the same numbers in another shape."""
        return Counted(self.array.reshape(*shape))

    def astype(self, dtype: Any, copy: bool = True) -> Counted:
        """Return the same numbers in another dtype."""
        return Counted(self.array.astype(dtype, copy=copy))

    def copy(self) -> Counted:
        """Return a copy."""
        return Counted(self.array.copy())

    def sum(self, *args: Any, **kwargs: Any) -> Counted:
        """Return sums."""
        return Counted(self.array.sum(*args, **kwargs))

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """Return means."""
        return np.mean(cast(Any, self), *args, **kwargs)


def _count(n: int) -> None:
    for tally in _open:
        tally.multiplications += n


def _plain(value: Any) -> Any:
    if isinstance(value, Counted):
        return value.array
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value))
    return {k: _plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def _counted(result: Any) -> Any:
    return Counted(result) if isinstance(result, (np.ndarray, np.generic)) else result
