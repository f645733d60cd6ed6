"""Arrays for a reader: numbers where they fit, a size where they do not, and a thumbnail of at most 8 by 8 cells."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from .theme import STEPS

__all__ = ["CELLS", "clip", "faults", "few", "levels", "matrix", "number", "plain", "rms", "summary", "thumbnail"]

FEW = 3  # rows or columns of numbers that are written out
CELLS = 8  # rows or columns of a thumbnail


def number(x: Any) -> str:
    """Return four significant digits, with a real minus sign.

    >>> number(-0.5), number(float("nan")), number(True)
    ('−0.5', 'NaN', '1')
    """
    x = (x.item() if hasattr(x, "item") else x) + 0  # not −0, which a reader takes for something small
    text = format(x, ".3g") if isinstance(x, complex) else f"{x:.4g}"
    return text.replace("nan", "NaN").replace("-", "−")


def rms(a: Any) -> float:
    """Return the root of the mean of the squares, without overflow on the way; 0 for no elements."""
    size = np.abs(_real(a))
    top = float(size.max(initial=0.0))
    if top == 0 or not math.isfinite(top):
        return top
    size = (size / top).reshape(-1)
    return top * math.sqrt(np.dot(size, size) / size.size)


def faults(a: Any) -> str:
    """Say how many elements are NaN or infinite; nothing if none is.

    >>> faults(np.array([1.0, np.nan, np.inf, np.nan]))
    '2 NaN, 1 inf'
    """
    if np.isfinite(a).all():
        return ""
    counts = {"NaN": np.isnan(a).sum(), "inf": np.isinf(a).sum()}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def summary(a: Any) -> str:
    """Return the numbers of a small array, the size (rms) of a larger one.

    >>> summary(np.array([[1.0, -2.0], [0.0, 4.0]])), summary(np.full(100, 3.0))
    ('[[1, −2], [0, 4]]', 'rms 3')
    """
    a = np.asarray(a)
    if not a.size:
        return "empty"
    if few(a):
        return number(a) if a.size == 1 else _nested(a)
    return faults(a) or f"rms {number(rms(a))}"


def _nested(a: Any) -> str:
    return number(a) if not a.ndim else "[" + ", ".join(map(_nested, a)) + "]"


def few(a: Any) -> bool:
    """Return whether all its numbers can be written out."""
    return bool(max(matrix(a).shape) <= FEW)


def matrix(a: Any) -> Any:
    """Return the array with two axes: a vector as a row, further axes stacked as rows."""
    a = np.asarray(a)
    return a.reshape(1, -1) if a.ndim < 2 else a.reshape(-1, a.shape[-1]) if a.size else np.empty((0, 0))


def thumbnail(a: Any, cells: int = CELLS) -> Any:
    """Return at most 8 by 8 elements: of each block the one furthest from zero, so that no explosion is hidden."""
    a = matrix(_real(a))
    for axis in (0, 1):
        if a.shape[axis] > cells:
            starts = _starts(a.shape[axis], cells)
            high, low = np.maximum.reduceat(a, starts, axis), np.minimum.reduceat(a, starts, axis)
            a = np.where(high >= -low, high, low)
    return a


@cache
def _starts(length: int, blocks: int) -> Any:
    return np.linspace(0, length, blocks, endpoint=False).astype(int)


def levels(a: Any) -> list[list[int | None]]:
    """Return for each element its step of colour, -8 to 8, symmetric around zero; None for NaN and inf."""
    a = _real(a)
    finite = np.isfinite(a)
    top = np.abs(a[finite]).max(initial=0.0) or 1.0
    steps = np.rint(np.where(finite, a, 0.0) / top * STEPS).astype(int)
    return [
        [int(step) if ok else None for step, ok in zip(*pair, strict=True)] for pair in zip(steps, finite, strict=True)
    ]


def plain(text: str) -> str:
    """Replace line breaks, and what XML may not hold, by spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def clip(text: str, length: int) -> str:
    """Shorten a text, saying so."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _real(a: Any) -> Any:
    """Return floats: the moduli of complex numbers."""
    return np.abs(a) if np.iscomplexobj(a) else np.asarray(a, float)
