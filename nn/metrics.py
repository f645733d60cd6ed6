"""Metrics: numbers that say how good outputs are, of which nothing is differentiated."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import scorers
from .checks import shown, whole
from .confusion import ConfusionMatrix, confusion_matrix
from .targets import classes_of, columns, outputs_and_labels, right, sides

__all__ = [
    "ConfusionMatrix",
    "Metric",
    "accuracy",
    "binary_accuracy",
    "confusion_matrix",
    "get",
    "mean_absolute_error",
    "r2_score",
    "root_mean_squared_error",
    "top_k_accuracy",
]

Metric = Callable[[Any, Any], float]


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
    values, labels = outputs_and_labels("accuracy", outputs, labels)
    return float(np.mean(right(values, labels)))


def binary_accuracy(outputs: Any, labels: Any, logits: bool | None = None) -> float:
    """Return the part of the outputs that are on their label's side: of 1/2 as probabilities, of 0 as logits.

    Parameters
    ----------
    outputs : array_like
        One number for each label; an output on the border counts as 0.
    labels : array_like, the same shape, or that without a last axis of length 1
        0 and 1, or -1 and 1.
    logits : bool, optional
        Whether the outputs are logits. By default, they are if one lies outside [0, 1], or a label is -1. All logits
        of a model may lie between 0 and 1: say so then.

    Raises
    ------
    ShapeError
        If there is not one output for each label.
    ValueError
        If labels are other numbers, or probabilities lie outside [0, 1].

    Examples
    --------
    >>> import nn
    >>> nn.metrics.binary_accuracy([[0.2], [0.9], [0.6]], [0, 1, 0])
    0.6666666666666666
    >>> nn.metrics.binary_accuracy([[-3.0], [0.2], [0.6]], [0, 1, 0], logits=True)
    0.6666666666666666
    """
    return float(np.mean(right(*sides("binary_accuracy", outputs, labels, logits))))


def top_k_accuracy(outputs: Any, labels: Any, k: int = 2) -> float:
    """Return the part of the samples whose label is among the `k` largest outputs.

    Of equal outputs the first class counts as the largest, so that k=1 gives `accuracy`; scikit-learn takes the last.

    Parameters
    ----------
    outputs : array_like, shape (..., classes)
        Logits or probabilities of two classes or more.
    labels : array_like of int, shape (...)
        0 to classes - 1.
    k : int
        2 by default, as scikit-learn has it. ``functools.partial(nn.metrics.top_k_accuracy, k=5)`` is a metric.

    Raises
    ------
    ShapeError
        If the labels do not stand one for each sample, or there is a single output, which has no rival.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.top_k_accuracy([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], [1, 2])
    0.5
    """
    values, labels = outputs_and_labels("top_k_accuracy", outputs, labels)
    k = whole("top_k_accuracy", "k", k, 1)
    own = np.take_along_axis(values, labels[..., None].astype(int), -1)
    before = (values == own) & (np.arange(values.shape[-1]) < labels[..., None])
    return float(np.mean(np.sum(~(values <= own) | before, axis=-1) < k))  # NaN counts as larger: never right


def r2_score(outputs: Any, targets: Any) -> float:
    r"""Return :math:`R^2 = 1 - \sum_i (y_i - o_i)^2 / \sum_i (y_i - \bar y)^2`, the mean over the outputs.

    1 is perfect; 0 is as good as the constant mean, and worse is negative. Where an output's targets are all equal the
    quotient is not defined: as in scikit-learn, it counts as 1 if the output is right everywhere, else as 0; also where
    scikit-learn divides by what rounding leaves of it, as of targets that are all 0.1.

    Parameters
    ----------
    outputs, targets : array_like, shape (n,) or (n, ...), the same
        Two samples or more.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If there are fewer than two samples.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.r2_score([[1.0], [2.0], [4.0]], [[1.0], [2.0], [3.0]])
    0.5
    """
    values, targets = columns("r2_score", outputs, targets)
    if len(values) < 2:
        raise ValueError(
            "r2_score: R² compares with the mean of the targets, and there is one sample. Pass at least two."
        )
    left = np.sum((targets - values) ** 2, axis=0)
    spread = np.sum((targets - np.mean(targets, axis=0)) ** 2, axis=0)
    constant = np.all(targets == targets[0], axis=0) | (spread == 0)  # their mean may be off them by rounding
    ratio = np.where(constant, left != 0, left / np.where(constant, 1, spread))
    return float(np.mean(1 - ratio))


def mean_absolute_error(outputs: Any, targets: Any) -> float:
    """Return the mean of ``|o - y|`` over samples and outputs.

    Parameters
    ----------
    outputs, targets : array_like, shape (n,) or (n, ...), the same

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.mean_absolute_error([[1.0, 2.0]], [[2.0, 5.0]])
    2.0
    """
    values, targets = columns("mean_absolute_error", outputs, targets)
    return float(np.mean(np.abs(values - targets)))


def root_mean_squared_error(outputs: Any, targets: Any) -> float:
    """Return the root of the mean of ``(o - y)**2`` over the samples; of several outputs, the mean of their roots.

    Parameters
    ----------
    outputs, targets : array_like, shape (n,) or (n, ...), the same

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.root_mean_squared_error([[1.0], [2.0]], [[2.0], [9.0]])
    5.0
    """
    values, targets = columns("root_mean_squared_error", outputs, targets)
    return float(np.mean(np.sqrt(np.mean((values - targets) ** 2, axis=0))))


def get(metric: str | Metric, logits: bool | None = None) -> Metric:
    """Return the metric of a name, a function ``metric(outputs, targets)`` that returns a float; a function as it is.

    The names are ``accuracy``, ``binary_accuracy``, ``top_k_accuracy``, ``r2`` (``r2_score``), ``mae``
    (``mean_absolute_error``) and ``rmse`` (``root_mean_squared_error``); and, where scikit-learn is installed, those of
    its scorers, such as ``f1_macro``, ``balanced_accuracy`` and ``roc_auc``: ``sklearn.metrics.get_scorer_names()``.
    A scorer gets what it wants, classes, decisions or probabilities, made of the outputs. Its value is scikit-learn's,
    so that of ``neg_log_loss`` is negative; ``log_loss``, without the prefix, is positive.

    Here ``accuracy`` takes the outputs of several classes or a single column of them, and targets that are labels or
    one-hot rows.

    Parameters
    ----------
    metric : str or callable
        The name.
    logits : bool, optional
        Whether the outputs are logits, for the names that ask whether an output is above 1/2, or want probabilities.
        By default: rows of several classes, unless they add up to 1; a single column, if a number lies outside [0, 1].

    Raises
    ------
    ValueError
        If the name is unknown.
    ImportError
        If it is that of one of scikit-learn's scorers, and scikit-learn is not installed.

    Examples
    --------
    >>> import nn
    >>> nn.metrics.get("r2")([[1.0], [2.0], [4.0]], [[1.0], [2.0], [3.0]])
    0.5
    """
    if callable(metric):
        return metric
    if not isinstance(metric, str):
        raise TypeError(
            f"metrics.get: metric is {shown(metric)}, but must be a name such as 'accuracy', or a function "
            "metric(outputs, targets) that returns a number."
        )
    if metric in _WITH_LOGITS:
        return _named(metric, functools.partial(_WITH_LOGITS[metric], logits=logits))
    if metric in _OWN:
        return _OWN[metric]
    known = scorers.names()
    if metric in known:
        return _named(metric, scorers.metric(metric, logits))
    near = difflib.get_close_matches(metric, [*_WITH_LOGITS, *_OWN, *known], 1, 0.7)
    raise ValueError(
        f"metrics.get: there is no metric {shown(metric)}.{f' Is {near[0]!r} meant?' if near else ''} nn's are "
        f"{', '.join([*_WITH_LOGITS, *_OWN])}; with scikit-learn, sklearn.metrics.get_scorer_names() lists more. Or "
        "pass a function metric(outputs, targets)."
    )


def _accuracy(outputs: Any, targets: Any, logits: bool | None = None) -> float:
    return float(np.mean(right(*classes_of("accuracy", outputs, targets, logits))))


_WITH_LOGITS: dict[str, Callable[..., float]] = {"accuracy": _accuracy, "binary_accuracy": binary_accuracy}
_OWN: dict[str, Metric] = {
    "top_k_accuracy": top_k_accuracy,
    "r2": r2_score,
    "r2_score": r2_score,
    "mae": mean_absolute_error,
    "mean_absolute_error": mean_absolute_error,
    "rmse": root_mean_squared_error,
    "root_mean_squared_error": root_mean_squared_error,
}


def _named(name: str, function: Callable[..., float]) -> Metric:
    """Return a function that is called by the name by which it was asked for."""

    def metric(outputs: Any, targets: Any) -> float:
        return function(outputs, targets)

    metric.__name__ = metric.__qualname__ = name
    return metric
