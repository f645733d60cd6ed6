"""What nn asks of the arguments that it is given, in one phrasing: who was called, what was passed, what is needed."""

from __future__ import annotations

import math
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np

import autograd_mini as ag

__all__ = [
    "FROM_ZERO",
    "TO_ONE",
    "array_of",
    "callable_of",
    "dtype_of",
    "finite",
    "flag",
    "generator",
    "lazy",
    "positive",
    "real",
    "real_array",
    "shown",
    "whole",
]


FROM_ZERO, TO_ONE = math.nextafter(0, -1), math.nextafter(1, 2)  # open bounds of `real` that let in 0, and 1


def shown(value: Any) -> str:
    """Return how a message names what was passed: its repr if that is short, else what it is."""
    kind = type(value).__name__
    article = "an" if kind[0] in "aeiouAEIO" or (kind[:2].isupper() and kind[0] in "FHLMNRSX") else "a"
    if isinstance(value, (np.ndarray, ag.Tensor)) and value.ndim:
        return f"{'an array' if isinstance(value, np.ndarray) else f'{article} {kind}'} of shape {value.shape}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (list, tuple, dict)) and len(value) > 4:
        return f"a {kind} of {len(value)} items"
    text = repr(value)
    if len(text) <= 40 and not any(mark in text for mark in ("<", "\n", " at 0x")):
        return text
    name = getattr(value, "__name__", None)
    return f"the function {name}" if callable(value) and isinstance(name, str) else f"{article} {kind}"


def generator(where: str, rng: Any, name: str = "rng") -> np.random.Generator:
    """Return a random generator, given one or a seed."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: {name} is {shown(rng)}, but must be a seed, a whole number from 0, or a np.random.Generator."
        ) from None


def whole(where: str, name: str, value: Any, least: int, hint: str = "") -> int:
    """Return a whole number of at least `least`."""
    number = isinstance(value, Real) or (np.ndim(value) == 0 and isinstance(value, np.ndarray))
    if not number or not least <= value < np.inf or value != int(value):
        error = ValueError if number else TypeError
        raise error(f"{where}: {name} is {shown(value)}, but must be a whole number of at least {least}.{hint}")
    return int(value)


def real(where: str, name: str, value: Any, need: str, *, above: float = -np.inf, below: float = np.inf) -> float:
    """Return a finite number that lies between two others; `need` says so in words."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{where}: {name} is {shown(value)}, but must {need}.") from None
    if isinstance(value, str) or not above < number < below:
        raise ValueError(f"{where}: {name} is {shown(value)}, but must {need}.")
    return number


def finite(where: str, name: str, value: Any) -> float:
    """Return a finite number."""
    return real(where, name, value, "be a finite number")


def positive(where: str, name: str, value: Any) -> float:
    """Return a finite number above 0."""
    return real(where, name, value, "be a positive, finite number", above=0)


def dtype_of(where: str, dtype: Any) -> np.dtype[Any]:
    """Return a dtype in which parameters can be differentiated."""
    found: np.dtype[Any] | None = None
    with suppress(TypeError):
        found = np.dtype(dtype)
    if found is None or found.kind not in "fc":
        raise ag.errors.DTypeError(
            f"{where}: dtype is {shown(dtype) if found is None else found}, but parameters are trained, which needs "
            "real (or complex) values. Write dtype=np.float64 or np.float32."
        )
    return found


def flag(where: str, name: str, value: Any, meaning: str) -> bool:
    """Return True or False; `meaning` says what is asked."""
    if not isinstance(value, (bool, int, np.integer, np.bool_, type(None))):
        raise TypeError(f"{where}: {name} is {shown(value)}, but must be True or False: {meaning}.")
    return bool(value)


def callable_of(where: str, name: str, value: Any, example: str) -> None:
    """Raise if what must be a function is none."""
    if not callable(value):
        raise TypeError(f"{where}: {name} is {shown(value)}, but must be a function, as in {name}={example}.")


def _holds_tensor(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_tensor, value))
    return isinstance(value, ag.Tensor)


def _stacked(value: Any) -> Any:
    """Return a list in which there are Tensors as one Tensor, recorded."""
    return np.stack([_stacked(v) for v in value]) if isinstance(value, (list, tuple)) else value


def lazy(array: Any) -> bool:
    """Return whether it is an array that may not have been computed yet: any but NumPy's own."""
    return hasattr(array, "__array_function__") and not isinstance(array, (np.ndarray, np.generic, ag.Tensor, type))


def array_of(where: str, name: str, value: Any, kinds: str = "fiub") -> Any:
    """Return an array or Tensor that holds numbers of the given kinds."""
    if (type(value) is np.ndarray or isinstance(value, ag.Tensor)) and value.dtype.kind in kinds:
        return value
    given = value
    if not hasattr(value, "__array_function__") or isinstance(value, type):
        try:
            value = _stacked(value) if _holds_tensor(value) else np.asarray(value)
        except ValueError:
            raise ag.errors.ShapeError(
                f"{where}: the rows of {name} differ in length, and make no array. Cut or pad them to one length."
            ) from None
    if type(value) is not np.ndarray and isinstance(value, np.ndarray):
        if isinstance(value, np.ma.MaskedArray):
            raise ag.errors.DTypeError(
                f"{where}: {name} is a masked array, whose mask would be ignored. Fill it, with a.filled(value), or "
                "drop the rows."
            )
        value = np.asarray(value)
    if value.dtype.kind in kinds:
        return value
    if value.dtype.kind == "c":
        raise ag.errors.DTypeError(
            f"{where}: {name} holds {value.dtype}, but must be real. Take np.real or np.abs of it first."
        )
    if callable(given):
        raise ag.errors.DTypeError(
            f"{where}: {name} is {shown(given)}, but must be an array of numbers. Call it first: its outputs are meant."
        )
    if not value.ndim:
        raise ag.errors.DTypeError(f"{where}: {name} is {shown(given)}, but must be an array of numbers.")
    raise ag.errors.DTypeError(
        f"{where}: {name} holds {value.dtype}, but must hold numbers. Convert it first, with np.asarray(values, float)."
    )


def real_array(where: str, z: Any, classes: bool = False, whole: bool = False) -> Any:
    """Return an array of real numbers; of complex ones, the formulas here would be another function.

    Integers become float64, unless with `whole`: then they keep their dtype.
    """
    if type(z) is not np.ndarray or z.dtype.kind != "f":
        z = array_of(where, "z", z)
        if z.dtype.kind in "biu" and not whole:  # z - max(z) of small integers wraps around, and their exp is a half
            z = z.astype(float)
    if classes and z.ndim and not z.shape[-1]:
        raise ag.errors.ShapeError(
            f"{where}: z has shape {z.shape}, and no classes in the last axis. Give it shape (samples, classes)."
        )
    return z
