"""Data: the digits that ship with the package, splits, batches."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import numpy as np

__all__ = ["batches", "load_digits", "stratified_split"]


def load_digits() -> tuple[Any, Any]:
    """Return 1,797 handwritten digits: images (1797, 64), each 8 x 8 pixels from 0 to 1; labels (1797,), 0 to 9.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    the test part; CC BY 4.0.

    Examples
    --------
    >>> import nn
    >>> X, y = nn.load_digits()
    >>> X.shape, X.min(), X.max(), y[:5]
    ((1797, 64), 0.0, 1.0, array([0, 1, 2, 3, 4]))
    """
    with (files("nn") / "assets" / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["images"].reshape(-1, 64) / 16.0, arrays["labels"].astype(np.int64)


def stratified_split(labels: Any, size: int, rng: int | np.random.Generator | None = None) -> tuple[Any, Any]:
    """Return two index arrays: all but `size` samples, and `size` samples, each class in proportion; shuffled.

    Raises
    ------
    ValueError
        If `size` leaves either part empty.

    Examples
    --------
    >>> import numpy as np, nn
    >>> rest, part = nn.stratified_split(np.repeat([0, 1], 50), 20, rng=0)
    >>> len(rest), np.bincount(np.repeat([0, 1], 50)[part])
    (80, array([10, 10]))
    """
    labels, rng = np.asarray(labels), np.random.default_rng(rng)
    n = len(labels)
    if not 0 < size < n:
        raise ValueError(f"size is {size}, but of {n} samples the part must hold between 1 and {n - 1}")
    order = rng.permutation(n)
    order = order[np.argsort(labels[order], kind="stable")]  # classes one after the other, shuffled within
    picked = np.zeros(n, bool)
    picked[order[((np.arange(size) + rng.random()) * n / size).astype(int) % n]] = True
    shuffled = rng.permutation(n)
    return shuffled[~picked[shuffled]], shuffled[picked[shuffled]]


def batches(n: int, size: int | None, rng: np.random.Generator) -> Iterator[Any]:
    """Yield index arrays that cover ``range(n)`` once in random order, `size` at a time; None: all at once (claim Y12)."""
    order = rng.permutation(n)
    for start in range(0, n, size or n):
        yield order[start : start + (size or n)]
