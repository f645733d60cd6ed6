"""Losses, each from the outputs and from what precedes them (logits) where that is stabler.

Samples are rows: the last axis holds the outputs of one sample. A loss adds up over the outputs; `reduction` says how
the samples combine: their mean (claim M8), their sum (claims Y4, Y6), or not at all. PyTorch's ``MSELoss`` averages over
the outputs too: it is ``squared_error(o, y, factor=1 / outputs)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_mini as ag

__all__ = [
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "cross_entropy",
    "squared_error",
]


def squared_error(o: Any, y: Any, factor: float = 0.5, reduction: str = "mean") -> Any:
    r"""Return :math:`c \sum_k (o_k - y_k)^2`, for regression.

    Parameters
    ----------
    o, y : array_like, the same shape
        Outputs and targets.
    factor : float
        The c: 1/2 in claim M2, so that the output delta is o - y; 1 in claim R5.
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Raises
    ------
    ShapeError
        If the shapes differ: broadcasting (n, 1) against (n,) would compare every output with every target.

    Examples
    --------
    >>> import nn
    >>> print(nn.squared_error([[3.0, 1.0]], [[1.0, 1.0]]))
    2.0
    """
    o, y = _pair("squared_error", o, y)
    return _reduced(factor * np.square(o - y), reduction)


def binary_cross_entropy(o: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the log loss :math:`-y \log o - (1 - y) \log(1 - o)` of probabilities `o`.

    After a sigmoid the output delta is o - y (claim Y10). `binary_cross_entropy_with_logits` does not saturate.

    Parameters
    ----------
    o, y : array_like, the same shape
        Probabilities and targets, both between 0 and 1.
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Raises
    ------
    ValueError
        If outputs or targets lie outside [0, 1].

    Examples
    --------
    >>> import nn
    >>> print(round(nn.binary_cross_entropy([[0.5]], [[1.0]]), 4))
    0.6931
    """
    o, y = _pair("binary_cross_entropy", o, y)
    _between_0_and_1("binary_cross_entropy", "outputs", o, "put a sigmoid before it, or use the form with logits")
    _between_0_and_1("binary_cross_entropy", "targets", y, "labels are 0 and 1")
    return _reduced(-_times_log(y, o) - _times_log(1 - y, 1 - o), reduction)


def binary_cross_entropy_with_logits(z: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the log loss of :math:`\sigma(z)`: :math:`\log(1 + e^z) - y z`, which cannot overflow.

    Parameters
    ----------
    z, y : array_like, the same shape
        Logits, and targets between 0 and 1.
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Examples
    --------
    >>> import nn
    >>> print(nn.binary_cross_entropy_with_logits([[1000.0]], [[0.0]]))
    1000.0
    """
    z, y = _pair("binary_cross_entropy_with_logits", z, y)
    _between_0_and_1("binary_cross_entropy_with_logits", "targets", y, "labels are 0 and 1")
    return _reduced(np.logaddexp(0, z) - y * z, reduction)


def categorical_cross_entropy(o: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the cross-entropy :math:`-\sum_k y_k \log o_k` of probabilities `o`.

    After a softmax the output delta is o - y (claim Y10). `cross_entropy`, from logits, does not saturate.

    Parameters
    ----------
    o : array_like, shape (..., k)
        Probabilities.
    y : array_like
        Integer labels, shape (...), or one distribution per sample, shape (..., k).
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Examples
    --------
    >>> import nn
    >>> print(round(nn.categorical_cross_entropy([[0.25, 0.75]], [0]), 4))
    1.3863
    """
    o = _array(o)
    _between_0_and_1("categorical_cross_entropy", "outputs", o, "put a softmax before it, or use cross_entropy")
    return _reduced(-_times_log(_distributions("categorical_cross_entropy", o, y), o), reduction)


def cross_entropy(z: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the cross-entropy of softmax(z): :math:`\log \sum_j e^{z_j} - z_y`, which cannot overflow.

    Parameters
    ----------
    z : array_like, shape (..., k)
        Logits.
    y : array_like
        Integer labels, shape (...), or one distribution per sample, shape (..., k).
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Raises
    ------
    ValueError
        If a label is not one of 0 to k - 1, or a distribution does not add up to 1.

    Examples
    --------
    >>> import nn
    >>> print(round(nn.cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]), 4))
    0.6931
    """
    z = _array(z)
    y = _distributions("cross_entropy", z, y)
    return _reduced(ag.logsumexp(z, axis=-1, keepdims=True) - np.sum(y * z, axis=-1, keepdims=True), reduction)


def accuracy(outputs: Any, labels: Any) -> float:
    """Return the part of the samples whose largest output is at the label.

    Examples
    --------
    >>> import nn
    >>> nn.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    values = outputs.numpy() if isinstance(outputs, ag.Tensor) else np.asarray(outputs)
    return float(np.mean(np.argmax(values, axis=-1) == np.asarray(labels)))


def _array(value: Any) -> Any:
    return value if isinstance(value, ag.Tensor) else np.asarray(value)


def _pair(name: str, o: Any, y: Any) -> tuple[Any, Any]:
    o, y = _array(o), _array(y)
    if o.shape != y.shape:
        hint = f" Write y.reshape({o.shape})." if o.size == y.size else ""
        raise ag.errors.ShapeError(f"{name}: the outputs have shape {o.shape}, the targets {y.shape}.{hint}")
    return o, y


def _between_0_and_1(name: str, what: str, value: Any, fix: str) -> None:
    array = value.numpy() if isinstance(value, ag.Tensor) else value
    if array.size and not (np.all(array >= 0) and np.all(array <= 1)) and not np.isnan(array).any():
        raise ValueError(f"{name}: its {what} run from {array.min():.4g} to {array.max():.4g}, not 0 to 1: {fix}")


def _distributions(name: str, z: Any, y: Any) -> Any:
    """Return the targets as distributions over the last axis; labels become one-hot rows."""
    y, k = _array(y), z.shape[-1]
    if y.dtype.kind in "iub":
        if y.shape != z.shape[:-1]:
            if y.shape == z.shape:
                return y.astype(z.dtype)
            raise ag.errors.ShapeError(
                f"{name}: {z.shape} outputs take labels of shape {z.shape[:-1]} or distributions of shape {z.shape}; "
                f"these have shape {y.shape}."
            )
        if y.size and (y.min() < 0 or y.max() >= k):
            wrong = y[(y < 0) | (y >= k)].flat[0] if y.ndim else y
            raise ValueError(f"{name}: label {wrong} is out of range: with {k} outputs labels run from 0 to {k - 1}")
        return (y[..., None] == np.arange(k)).astype(z.dtype)
    if y.shape != z.shape:
        hint = " If these are labels, make them integers: y.astype(int)." if y.shape == z.shape[:-1] else ""
        raise ag.errors.ShapeError(f"{name}: the outputs have shape {z.shape}, the distributions {y.shape}.{hint}")
    values = y.numpy() if isinstance(y, ag.Tensor) else y
    if not np.allclose(values.sum(axis=-1), 1, atol=1e-4):
        raise ValueError(f"{name}: the targets of each sample must add up to 1")
    return y


def _times_log(a: Any, b: Any) -> Any:
    """Return ``a log b``, and 0 where a is 0, whatever b is."""
    return np.where(a == 0, 0, a * np.log(np.where(a == 0, 1, b)))


def _reduced(terms: Any, reduction: str) -> Any:
    """Add up over the outputs, then combine the samples."""
    per_sample = np.sum(terms, axis=-1) if terms.ndim else terms
    if reduction == "mean":
        return np.mean(per_sample)
    if reduction == "sum":
        return np.sum(per_sample)
    if reduction == "none":
        return per_sample
    raise ValueError(f"reduction is {reduction!r}, but must be 'mean', 'sum' or 'none'")
