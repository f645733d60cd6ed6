"""Losses, each from the outputs and from what precedes them (logits) where that is stabler.

Samples are rows: the last axis holds the outputs of one sample. A loss adds up over the outputs; `reduction` says how
the samples combine: their mean (claim M8), their sum (claims Y4, Y6), or not at all. PyTorch's ``MSELoss`` averages
over the outputs too: it is ``squared_error(o, y, factor=1 / outputs)``. Targets are cast to the outputs' dtype, so the
loss of a float32 model is float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of, real, shown

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
    if type(factor) is not float or not 0 < factor < math.inf:
        need = "be a positive, finite number; reduction= comes after it"
        if np.ndim(factor):
            need += ". Weight the outputs by hand: np.mean(np.sum(c * (o - y)**2, axis=-1))"
        factor = real("squared_error", "factor", factor, need, above=0)
    return _reduced("squared_error", factor * np.square(o - y), reduction)


def binary_cross_entropy(o: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the log loss :math:`-y \log o - (1 - y) \log(1 - o)` of probabilities `o`.

    After a sigmoid the output delta is o - y (claim Y10). Where an output has rounded to the wrong one of 0 and 1 the
    loss is infinite: `binary_cross_entropy_with_logits` does not saturate.

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
    fix = "Put a sigmoid before it, or take binary_cross_entropy_with_logits."
    o = _between_0_and_1("binary_cross_entropy", "outputs", o, fix)
    y = _between_0_and_1("binary_cross_entropy", "targets", y, "Labels are 0 and 1.")
    return _reduced("binary_cross_entropy", -_times_log(y, o) - _times_log(1 - y, 1 - o), reduction)


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
    y = _between_0_and_1("binary_cross_entropy_with_logits", "targets", y, "Labels are 0 and 1.")
    return _reduced("binary_cross_entropy_with_logits", np.logaddexp(0, z) - y * z, reduction)


def categorical_cross_entropy(o: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the cross-entropy :math:`-\sum_k y_k \log o_k` of probabilities `o`.

    After a softmax the output delta is o - y (claim Y10). Where the output of the right class has rounded to 0 the loss
    is infinite: `cross_entropy`, from logits, does not saturate.

    Parameters
    ----------
    o : array_like, shape (..., k)
        Probabilities.
    y : array_like
        Integer labels, shape (...), or one distribution per sample, shape (..., k).
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Raises
    ------
    ValueError
        If outputs lie outside [0, 1], a label is not one of 0 to k - 1, or a distribution does not add up to 1.

    Examples
    --------
    >>> import nn
    >>> print(round(nn.categorical_cross_entropy([[0.25, 0.75]], [0]), 4))
    1.3863
    """
    o, y = _distributions(*_outputs_and_targets("categorical_cross_entropy", o, y))
    o = _between_0_and_1("categorical_cross_entropy", "outputs", o, "Put a softmax before it, or take cross_entropy.")
    return _reduced("categorical_cross_entropy", -_times_log(y, o), reduction)


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
    z, y = _outputs_and_targets("cross_entropy", z, y)
    if y.ndim < z.ndim and not _lazy(y) and not _lazy(z):
        # Taken out, not multiplied: the sweep then needs one array of the size of z, not two.
        z = z if z.dtype.kind == "f" else z.astype(float)
        rows = (np.arange(len(y)),) if y.ndim == 1 else np.indices(y.shape, sparse=True)
        chosen = z[(*rows, y.astype(int))]
    else:
        z, y = _distributions(z, y)
        chosen = np.sum(y * np.where(y == 0, 0, z), axis=-1)  # a logit of -inf may rule a class out
    return _combined("cross_entropy", ag.logsumexp(z, axis=-1) - chosen, reduction)


def accuracy(outputs: Any, labels: Any) -> float:
    """Return the part of the samples whose largest output is at the label.

    Parameters
    ----------
    outputs : array_like, shape (..., k)
        Logits or probabilities of k >= 2 classes.
    labels : array_like of int, shape (...)
        0 to k - 1.

    Raises
    ------
    ShapeError
        If the labels do not stand one for each sample, or there is a single output, which has no rival.

    Examples
    --------
    >>> import nn
    >>> nn.accuracy([[0.1, 0.9], [0.8, 0.2]], [1, 1])
    0.5
    """
    values, labels = _plain(array_of("accuracy", "outputs", outputs)), _plain(array_of("accuracy", "labels", labels))
    values, labels = np.asarray(values), np.asarray(labels)  # the answer is a number: what is lazy is computed here
    if values.ndim == 0 or values.shape[-1] < 2:
        raise ag.errors.ShapeError(
            f"accuracy: outputs of shape {values.shape} hold one number per sample, and there is no largest of one. "
            "Write np.mean((outputs > 0.5) == labels); for logits, 0 in place of 0.5."
        )
    if labels.shape != values.shape[:-1]:
        hint = " Write labels.argmax(-1)." if labels.shape == values.shape else ""
        raise ag.errors.ShapeError(
            f"accuracy: outputs of shape {values.shape} take labels of shape {values.shape[:-1]}, "
            f"not {labels.shape}.{hint}"
        )
    _in_range("accuracy", labels, values.shape[-1])
    _some("accuracy", labels.shape)
    return float(np.mean(np.argmax(values, axis=-1) == labels))


def _plain(value: Any) -> Any:
    return value.numpy() if isinstance(value, ag.Tensor) else value


def _pair(name: str, o: Any, y: Any) -> tuple[Any, Any]:
    o, y = array_of(name, "z" if name.endswith("logits") else "o", o), array_of(name, "y", y)
    if o.shape != y.shape:
        hint = " They must have one shape."
        if o.ndim and o.size == y.size > 0:
            hint = f" Write y.reshape({(-1, *o.shape[1:])})."
        elif y.dtype.kind in "iu" and y.shape == o.shape[:-1]:
            hint = " For labels of classes, take cross_entropy; or write np.eye(k)[y], with k classes."
        raise ag.errors.ShapeError(f"{name}: the outputs have shape {o.shape}, the targets {y.shape}.{hint}")
    return _cast(o, y)


def _some(name: str, samples: tuple[int, ...]) -> None:
    """Raise if there is no sample to take the mean of."""
    if not math.prod(samples):
        raise ag.errors.ShapeError(
            f"{name}: there are no samples (their shape is {samples}), and there is no mean of none. "
            "Pass at least one, in rows."
        )


def _cast(o: Any, y: Any) -> tuple[Any, Any]:
    """Return both in the outputs' dtype; integers become float64."""
    o = o if o.dtype.kind == "f" else o.astype(float)
    return o, y if y.dtype == o.dtype else y.astype(o.dtype)


def _lazy(array: Any) -> bool:
    """Return whether an array, or that of a Tensor, may not have been computed yet: any but NumPy's own."""
    if isinstance(array, ag.Tensor):
        return bool(array.device != "cpu")
    return not isinstance(array, (np.ndarray, np.generic))


def _between_0_and_1(name: str, what: str, value: Any, fix: str) -> Any:
    """Return the values; raise if some lie outside. NaN may pass, to be found by whoever looks at the loss.

    Of an array that may be lazy, values that lie outside become NaN: to look at them would compute it.
    """
    outside = (value < 0) | (value > 1)
    if _lazy(value):
        return np.where(outside, np.nan, value)
    ag.ensure(
        ~outside,
        lambda a: ValueError(f"{name}: its {what} run from {a.min():.4g} to {a.max():.4g}, not 0 to 1. {fix}"),
        value,
    )
    return value


def _outputs_and_targets(name: str, o: Any, y: Any) -> tuple[Any, Any]:
    """Return outputs and targets, checked: integer labels, or distributions in the outputs' dtype."""
    o = array_of(name, "z" if name == "cross_entropy" else "o", o)
    several = array_of(name, "y", y, "fiubUO")
    y = several if several.ndim else array_of(name, "y", y)  # of several, text gets a hint of its own below
    if o.ndim == 0 or o.shape[-1] == 0:
        found = f"shape {o.shape}" if o.ndim else "a single number"
        raise ag.errors.ShapeError(
            f"{name} takes the outputs of all classes in the last axis, and got {found}. "
            "Give it shape (samples, classes)."
        )
    if y.dtype.kind in "iub" and y.shape == o.shape[:-1]:
        if not _lazy(y):
            _in_range(name, y, o.shape[-1])
        return o, y
    if y.shape != o.shape:
        hint = ""
        if y.shape == o.shape[:-1]:
            fix = "y.astype(int)" if y.dtype.kind == "f" else "np.unique(y, return_inverse=True)[1]"
            hint = f" Number the labels, with integers from 0: {fix}."
        elif y.dtype.kind in "iu" and y.shape == (*o.shape[:-1], 1):
            hint = " Write y[..., 0]."
        raise ag.errors.ShapeError(
            f"{name}: {o.shape} outputs take integer labels of shape {o.shape[:-1]} or distributions of shape {o.shape}"
            f", not {y.dtype} of shape {y.shape}.{hint}"
        )
    o, y = _cast(o, y)
    y = _between_0_and_1(name, "targets", y, "Each sample's targets are a distribution.")
    sums = np.sum(y, axis=-1, keepdims=True)
    wrong = np.abs(sums - 1) > 1e-4
    if _lazy(sums):
        return o, np.where(wrong, np.nan, y)
    ag.ensure(
        ~wrong,
        lambda sums, wrong: ValueError(
            f"{name}: the targets of each sample must add up to 1, and some add up to {sums[wrong][0]:.4g}. Divide "
            "them by y.sum(axis=-1, keepdims=True)."
        ),
        sums,
        wrong,
    )
    return o, y


def _distributions(o: Any, y: Any) -> tuple[Any, Any]:
    """Return outputs, and targets as distributions over the last axis: labels become one-hot rows."""
    if y.ndim == o.ndim:
        return o, y
    k = o.shape[-1]
    rows = y[..., None] == np.arange(k)
    if _lazy(y):
        rows = np.where(((y < 0) | (y >= k))[..., None], np.nan, rows.astype(float))
    return _cast(o, rows)


_UNSIGNED = {np.dtype(f"{kind}{n}"): np.dtype(f"u{n}") for kind in "iu" for n in (1, 2, 4, 8)}


def _in_range(name: str, labels: Any, k: int) -> None:
    """Raise if a label is none of 0 to k - 1."""
    if type(labels) is np.ndarray and labels.size and (unsigned := _UNSIGNED.get(labels.dtype)) is not None:
        if np.maximum.reduce(labels.view(unsigned), axis=None) < k:  # read so, a negative number is a great one
            return
    ag.ensure(
        (labels >= 0) & (labels < k),
        lambda labels: ValueError(
            f"{name}: label {labels[(labels < 0) | (labels >= k)][0]} is out of range: with {k} outputs labels run "
            f"from 0 to {k - 1}. Number the classes from 0: np.unique(y, return_inverse=True)[1]; or give the model "
            "more outputs."
        ),
        labels,
    )


def _times_log(a: Any, b: Any) -> Any:
    """Return ``a log b``, and 0 where both are 0."""
    both = (a == 0) & (b == 0)
    return np.where(both, 0, a * np.log(np.where(both, 1, b)))


def _reduced(name: str, terms: Any, reduction: str) -> Any:
    """Add up over the outputs, then combine the samples."""
    return _combined(name, np.sum(terms, axis=-1) if terms.ndim else terms, reduction)


def _combined(name: str, per_sample: Any, reduction: str) -> Any:
    """Combine the samples."""
    if reduction == "mean":
        _some(name, per_sample.shape)
        return per_sample.mean()
    if reduction == "sum":
        return np.sum(per_sample)
    if reduction == "none":
        return per_sample
    raise ValueError(f"{name}: reduction is {shown(reduction)}, but must be 'mean', 'sum' or 'none'.")
