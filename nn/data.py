"""Data: the digits that ship with the package, splits, batches."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of, generator, whole

__all__ = ["batches", "load_digits", "stratified_split"]


def load_digits() -> tuple[Any, Any]:
    """Return 1,797 handwritten digits: images (1797, 64), each 8 x 8 pixels from 0 to 1; labels (1797,), 0 to 9.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    the test part; CC BY 4.0.

    Examples
    --------
    >>> import nn
    >>> X, y = nn.load_digits()
    >>> X.shape, y[:5]
    ((1797, 64), array([0, 1, 2, 3, 4]))
    """
    with (files("nn") / "assets" / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["images"].reshape(-1, 64) / 16.0, arrays["labels"].astype(np.int64)


def stratified_split(labels: Any, size: int, rng: int | np.random.Generator | None = None) -> tuple[Any, Any]:
    """Return two index arrays: all but `size` samples, and `size` samples, each class in proportion; shuffled.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The class of each sample.
    size : int
        How many samples the part holds; in each class it is off its proportion by less than one sample.
    rng : int or numpy.random.Generator, optional
        Which ones: the same seed gives the same split.

    Raises
    ------
    ValueError
        If `size` leaves either part empty, or is no integer.
    ShapeError
        If the labels are not one per sample.

    Examples
    --------
    >>> import numpy as np, nn
    >>> rest, part = nn.stratified_split(np.repeat([0, 1], 50), 20, rng=0)
    >>> len(rest), np.bincount(np.repeat([0, 1], 50)[part])
    (80, array([10, 10]))
    """
    labels = array_of("stratified_split", "labels", labels, "fiubUSM")
    labels, rng = np.asarray(labels), generator("stratified_split", rng)
    n = labels.size
    if labels.ndim != 1:
        fix = " Write labels.argmax(-1) for one-hot rows." if labels.ndim == 2 else ""
        raise ag.errors.ShapeError(
            f"stratified_split: labels must be one per sample, of shape (n,), not {labels.shape}.{fix}"
        )
    if n < 2:
        raise ValueError(f"stratified_split: there are {n} labels, but two parts need at least 2 samples.")
    if whole("stratified_split", "size", size, 1, f" It counts samples: of {n} samples, between 1 and {n - 1}.") >= n:
        raise ValueError(
            f"stratified_split: size is {size}, but of {n} samples the part must hold between 1 and {n - 1}."
        )
    order = rng.permutation(n)
    order = order[np.argsort(labels[order], kind="stable")]  # classes one after the other, shuffled within
    picked = np.zeros(n, bool)
    picked[order[((np.arange(size) + rng.random()) * n / size).astype(int) % n]] = True  # evenly spaced
    shuffled = rng.permutation(n)
    return shuffled[~picked[shuffled]], shuffled[picked[shuffled]]


def batches(n: int, size: int | None, rng: np.random.Generator) -> Iterator[Any]:
    """Yield index arrays that cover ``range(n)`` once, `size` at a time, shuffled; None: all at once (claim Y12)."""
    if size is None:
        yield np.arange(n)
        return
    order = rng.permutation(n)
    for start in range(0, n, size):
        yield order[start : start + size]
