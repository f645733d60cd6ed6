"""Losses, each from the outputs and from what precedes them (logits) where that is stabler.

Samples are rows: the last axis holds the outputs of one sample. A loss adds up over the outputs; `reduction` says how
the samples combine: their mean (claim M8), their sum (claims Y4, Y6), or not at all. PyTorch's losses of several
outputs average over the outputs too: its number is ours divided by ``o.shape[-1]``, for ``reduction="mean"``; its sum
is ours. Targets and weights are cast to the outputs' dtype, so the loss of a float32 model is float32.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import FROM_ZERO, TO_ONE, array_of, real, shown
from .functional import relu
from .metrics import accuracy
from .targets import (
    adding_up_to_1,
    between_0_and_1,
    combined,
    distributions,
    is_lazy,
    outputs_and_targets,
    pair,
    picked,
    reduced,
    times_log,
    weight_of,
)

__all__ = [
    "absolute_error",
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "cross_entropy",
    "hinge",
    "huber",
    "kl_divergence",
    "squared_error",
    "takes_logits",
]


def squared_error(o: Any, y: Any, factor: float = 0.5, reduction: str = "mean") -> Any:
    r"""Return :math:`c \sum_k (o_k - y_k)^2`, for regression.

    PyTorch's ``MSELoss()`` is ``squared_error(o, y, factor=1 / o.shape[-1])``.

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
    o, y = pair("squared_error", o, y)
    if type(factor) is not float or not 0 < factor < math.inf:
        need = "be a positive, finite number; reduction= comes after it"
        if np.ndim(factor):
            need += ". Weight the outputs by hand: np.mean(np.sum(c * (o - y)**2, axis=-1))"
        factor = real("squared_error", "factor", factor, need, above=0)
    return reduced("squared_error", factor * np.square(o - y), reduction)


def absolute_error(o: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return :math:`\sum_k |o_k - y_k|`, for regression: its best constant is the median, not the mean.

    The derivative is the sign of o - y, and 0 at 0, where there is none; so in PyTorch. PyTorch's ``L1Loss()`` is
    ``absolute_error(o, y) / o.shape[-1]``.

    Parameters
    ----------
    o, y : array_like, the same shape
        Outputs and targets.
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Raises
    ------
    ShapeError
        If the shapes differ.

    Examples
    --------
    >>> import nn
    >>> print(nn.absolute_error([[3.0, 1.0]], [[1.0, 2.0]]))
    3.0
    """
    o, y = pair("absolute_error", o, y)
    return reduced("absolute_error", np.abs(o - y), reduction)


def huber(o: Any, y: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    r"""Return :math:`\sum_k h(o_k - y_k)`, for regression: a parabola near the target, and a line far from it.

    :math:`h(d) = d^2 / 2` for :math:`|d| \le \delta`, else :math:`\delta (|d| - \delta / 2)`. The derivative is d, cut
    off at :math:`\pm\delta`, so there is no kink where the two meet; the second derivative jumps there from 1 to 0, and
    is given as 1/2. Source: Huber, 1964, Robust estimation of a location parameter, Ann. Math. Statist. 35, section 4.

    PyTorch's ``HuberLoss(delta=d)`` is ``huber(o, y, d) / o.shape[-1]``, and its ``SmoothL1Loss(beta=d)`` that by d.

    Parameters
    ----------
    o, y : array_like, the same shape
        Outputs and targets.
    delta : float
        How far an output may be off for the loss to count its square.
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If `delta` is not a positive, finite number.

    Examples
    --------
    >>> import nn
    >>> print(nn.huber([[3.0, 1.0]], [[0.0, 0.5]]))
    2.625
    """
    o, y = pair("huber", o, y)
    need = "be a positive, finite number; reduction= comes after it"
    return reduced("huber", _huber(o - y, real("huber", "delta", delta, need, above=0)), reduction)


@ag.primitive
def _huber(d: Any, delta: float) -> Any:
    cut = np.clip(d, -delta, delta)
    return cut * (d - cut / 2)


ag.defvjp(_huber, lambda g, _y, d, delta: g * np.clip(d, -delta, delta), None)  # of an infinite d, too


def hinge(z: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the hinge loss: 0 for an answer that is right by a margin of 1 or more, then linear.

    With targets of -1 and 1, as many as outputs, each output is a class of its own against the rest:
    :math:`\sum_k \max(0, 1 - y_k z_k)`. With integer labels, the output of the right class is held against each other
    one: :math:`\sum_{j \ne y} \max(0, 1 - z_y + z_j)`, the form of Weston and Watkins, 1999 (Crammer and Singer's keeps
    the largest of these terms alone, and so does scikit-learn's ``hinge_loss``).

    A term whose answer is right by exactly 1 has no derivative, and gets 0, as from `relu` (claim R10).

    PyTorch: of labels, ``MultiMarginLoss()`` is ``hinge(z, y) / z.shape[-1]``, with the same derivative at the margin.
    Of -1 and 1, ``relu(1 - y * z).mean()`` is ``hinge(z, y) / z.shape[-1]``; ``HingeEmbeddingLoss()(y * z, -1)`` has
    the same value, but at the margin the derivative of the line.

    Parameters
    ----------
    z : array_like, shape (..., k)
        Outputs of any size, without an activation.
    y : array_like
        -1 and 1, shape (..., k); or integer labels, shape (...), of k >= 2 classes.
    reduction : {"mean", "sum", "none"}
        Over the samples.

    Raises
    ------
    ShapeError
        If the targets are neither.
    ValueError
        If a target is neither -1 nor 1, or a label is not one of 0 to k - 1.

    Examples
    --------
    >>> import nn
    >>> print(nn.hinge([[0.25], [3.0]], [[-1], [1]], reduction="none"))
    [1.25 0.  ]
    >>> print(nn.hinge([[0.0, 0.5, 2.0]], [2]), nn.hinge([[0.0, 0.5, 2.0]], [1]))
    0.0 3.0
    """
    z, y = array_of("hinge", "z", z), array_of("hinge", "y", y)
    if z.ndim and z.shape[-1] > 1 and y.shape == z.shape[:-1] and y.dtype.kind in "iub":
        z, y, _ = outputs_and_targets("hinge", z, y)
        z, rows = distributions(z, y)
        if is_lazy(z) or is_lazy(y):
            right = np.sum(np.where(rows == 0, 0, rows * z), axis=-1)  # a label out of range makes it NaN
        else:
            right = picked(z, y)
        terms = np.where(rows == 1, 0, relu(1 - right[..., None] + z))
        return reduced("hinge", terms, reduction)
    z, y = pair("hinge", z, y)
    return reduced("hinge", relu(1 - _signs(y) * z), reduction)


def _signs(y: Any) -> Any:
    """Return targets that are -1 or 1; raise if one is neither. NaN may pass, to be found by whoever looks."""
    wrong = (np.abs(y) != 1) & (y == y)
    if is_lazy(y):
        return np.where(wrong, np.nan, y)
    ag.ensure(
        ~wrong,
        lambda y, wrong: ValueError(
            f"hinge: its targets must be -1 or 1, and there is a {y[wrong][0]:.4g}. Write 2 * y - 1 for targets "
            "of 0 and 1; labels of classes are integers, one for each sample."
        ),
        y,
        wrong,
    )
    return y


def binary_cross_entropy(o: Any, y: Any, reduction: str = "mean", *, weight: Any = None) -> Any:
    r"""Return the log loss :math:`-y \log o - (1 - y) \log(1 - o)` of probabilities `o`.

    After a sigmoid the output delta is o - y (claim Y10). Where an output has rounded to the wrong one of 0 and 1 the
    loss is infinite: `binary_cross_entropy_with_logits` does not saturate.

    PyTorch's ``BCELoss(weight)`` is ``binary_cross_entropy(o, y, weight=weight) / o.shape[-1]``, except that it
    counts a logarithm below -100 as -100, and bounds the derivative at 0 and 1.

    Parameters
    ----------
    o, y : array_like, the same shape
        Probabilities and targets, both between 0 and 1.
    reduction : {"mean", "sum", "none"}
        Over the samples.
    weight : array_like, optional
        Multiplies the terms, and broadcasts against them: (k,) for each output, (n, 1) for each sample. The mean is
        over the number of samples all the same.

    Raises
    ------
    ShapeError
        If the shapes differ, or `weight` does not broadcast against them.
    ValueError
        If outputs or targets lie outside [0, 1], or a weight is negative.

    Examples
    --------
    >>> import nn
    >>> print(round(nn.binary_cross_entropy([[0.5]], [[1.0]]), 4))
    0.6931
    """
    name = "binary_cross_entropy"
    o, y = pair(name, o, y)
    fix = "Put a sigmoid before it, or take binary_cross_entropy_with_logits."
    o = between_0_and_1(name, "outputs", o, fix)
    y = between_0_and_1(name, "targets", y, "Labels are 0 and 1.")
    sure = (y == 1) & (o == 1)
    terms = -times_log(y, o) - np.where(sure, 0, (1 - y) * np.log1p(-np.where(sure, 0, o)))
    return reduced(name, terms if weight is None else weight_of(name, "weight", weight, o) * terms, reduction)


def binary_cross_entropy_with_logits(
    z: Any, y: Any, reduction: str = "mean", *, weight: Any = None, pos_weight: Any = None
) -> Any:
    r"""Return the log loss of :math:`\sigma(z)`: :math:`\log(1 + e^z) - y z`, which cannot overflow.

    With a weight p of the positive part it is :math:`p\,y \log(1 + e^{-z}) + (1 - y) \log(1 + e^z)`. PyTorch's
    ``BCEWithLogitsLoss(weight, pos_weight=p)`` is
    ``binary_cross_entropy_with_logits(z, y, weight=weight, pos_weight=p) / z.shape[-1]``.

    Parameters
    ----------
    z, y : array_like, the same shape
        Logits, and targets between 0 and 1.
    reduction : {"mean", "sum", "none"}
        Over the samples.
    weight : array_like, optional
        Multiplies the terms, and broadcasts against them: (k,) for each output, (n, 1) for each sample. The mean is
        over the number of samples all the same.
    pos_weight : array_like, optional
        What a positive sample weighs, a negative one being 1; broadcasts likewise. Above 1, fewer positives are missed.

    Raises
    ------
    ShapeError
        If the shapes differ, or a weight does not broadcast against them.
    ValueError
        If targets lie outside [0, 1], or a weight is negative.

    Examples
    --------
    >>> import nn
    >>> print(nn.binary_cross_entropy_with_logits([[1000.0]], [[0.0]]))
    1000.0
    """
    name = "binary_cross_entropy_with_logits"
    z, y = pair(name, z, y)
    y = between_0_and_1(name, "targets", y, "Labels are 0 and 1.")
    if pos_weight is None:
        terms = np.logaddexp(0, z) - y * z
    else:
        p = weight_of(name, "pos_weight", pos_weight, z)
        terms = p * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)
    return reduced(name, terms if weight is None else weight_of(name, "weight", weight, z) * terms, reduction)


def categorical_cross_entropy(o: Any, y: Any, reduction: str = "mean") -> Any:
    r"""Return the cross-entropy :math:`-\sum_k y_k \log o_k` of probabilities `o`.

    After a softmax the output delta is o - y (claim Y10). Where the output of the right class has rounded to 0 the loss
    is infinite: `cross_entropy`, from logits, does not saturate. Of labels, PyTorch's is ``NLLLoss()(log(o), y)``.

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
    o, y = distributions(*outputs_and_targets("categorical_cross_entropy", o, y)[:2])
    o = between_0_and_1("categorical_cross_entropy", "outputs", o, "Put a softmax before it, or take cross_entropy.")
    return reduced("categorical_cross_entropy", -times_log(y, o), reduction)


def cross_entropy(
    z: Any,
    y: Any,
    reduction: str = "mean",
    *,
    weight: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Any:
    r"""Return the cross-entropy of softmax(z): :math:`\log \sum_j e^{z_j} - z_y`, which cannot overflow.

    With a distribution y as the target it is :math:`\sum_k w_k y_k (\log \sum_j e^{z_j} - z_k)`, with a weight w for
    each class, 1 by default. Label smoothing replaces y by :math:`(1 - \varepsilon) y + \varepsilon / k`, a label
    counting as a one-hot row (Szegedy et al., 2016, Rethinking the Inception architecture, section 7).

    All is as in PyTorch's ``CrossEntropyLoss(weight, label_smoothing=, ignore_index=)``, and so is the mean: of labels,
    the sum divided by that of :math:`w_y` over the samples that count; of distributions, by the number of samples. But
    PyTorch has the classes in axis 1, ours are in the last, which differs from three axes on; it ignores label -100
    unless told otherwise; and where no sample counts it returns NaN.

    Parameters
    ----------
    z : array_like, shape (..., k)
        Logits: what a model gives without a softmax at its end. With one it would learn slowly and badly.
    y : array_like
        Integer labels, shape (...), or one distribution per sample, shape (..., k).
    reduction : {"mean", "sum", "none"}
        Over the samples.
    weight : array_like, shape (k,), optional
        What a sample of each class weighs; in `fit`, ``loss=functools.partial(nn.cross_entropy, weight=w)``.
    label_smoothing : float
        The :math:`\varepsilon`, from 0 to 1.
    ignore_index : int, optional
        A label that says that a sample does not count, such as -100 or a padding's: its loss and gradient are 0.

    Raises
    ------
    ShapeError
        If the targets are neither labels nor distributions, or there is not one weight for each class.
    ValueError
        If a label is not one of 0 to k - 1, a distribution does not add up to 1, a weight is negative, there is an
        `ignore_index` for distributions, or a mean is asked for and no sample counts.

    Examples
    --------
    >>> import nn
    >>> print(round(nn.cross_entropy([[0.0, 0.0], [0.0, 0.0]], [0, 1]), 4))
    0.6931
    >>> print(round(nn.cross_entropy([[0.0, 0.0], [3.0, 0.0]], [0, -1], ignore_index=-1), 4))
    0.6931
    """
    name = "cross_entropy"
    _check_ignored(ignore_index)
    if type(label_smoothing) is not float or not 0 <= label_smoothing <= 1:
        label_smoothing = real(name, "label_smoothing", label_smoothing, "lie in [0, 1]", above=FROM_ZERO, below=TO_ONE)
    z, y, counts = outputs_and_targets(name, z, y, ignore_index)
    labels = y.ndim < z.ndim
    z = z if z.dtype.kind == "f" else z.astype(float)
    w = None if weight is None else weight_of(name, "weight", weight, z, classes=True)
    total = ag.logsumexp(z, axis=-1)
    share = None  # of each sample, in the mean
    if labels and not is_lazy(y) and not is_lazy(z):
        terms = total - picked(z, y)
        if w is not None:
            share = picked(w, y)
            terms = share * terms
    else:
        z, rows = distributions(z, y)
        ruled_out = (rows == 0) & (z == -np.inf)  # a logit of -inf may rule a class out
        each = rows * (total[..., None] - np.where(ruled_out, 0, z))
        terms = np.sum(each if w is None else w * each, axis=-1)
        share = np.sum(w * rows, axis=-1) if labels and w is not None else None
    if label_smoothing:
        each = total[..., None] - z
        smooth = np.sum(each if w is None else w * each, axis=-1)
        terms = (1 - label_smoothing) * terms + label_smoothing / z.shape[-1] * smooth
    if counts is not None:
        terms = np.where(counts, terms, 0)
        share = counts.astype(z.dtype) if share is None else np.where(counts, share, 0)
    return combined(name, terms, reduction, share)


def _check_ignored(index: Any) -> None:
    if index is not None and (not isinstance(index, (int, np.integer)) or isinstance(index, bool)):
        raise TypeError(
            f"cross_entropy: ignore_index is {shown(index)}, but must be a whole number: the label that does not "
            "count. Of several such labels, make one: np.where(np.isin(y, labels), -100, y)."
        )


def kl_divergence(
    o: Any, y: Any, reduction: str = "mean", *, log_outputs: bool = False, log_targets: bool = False
) -> Any:
    r"""Return :math:`\sum_k y_k \log (y_k / o_k)`: what is lost by taking o for the distribution y.

    A class of probability 0 in y adds nothing; the derivative with respect to y leaves out that of y log y there, which
    is infinite. Source: Kullback and Leibler, 1951, On information and sufficiency, Ann. Math. Statist. 22, section 2.

    PyTorch's ``kl_div(o, y, log_target=t)`` takes logarithms for outputs: with ``reduction="batchmean"`` and rows of
    outputs it is ``kl_divergence(o, y, log_outputs=True, log_targets=t)``; its ``"mean"`` is that by ``o.shape[-1]``.

    Parameters
    ----------
    o : array_like, shape (..., k)
        Probabilities; with `log_outputs` their logarithms, as `log_softmax` gives them, which do not saturate.
    y : array_like, shape (..., k)
        One distribution per sample; with `log_targets` the logarithms of one.
    reduction : {"mean", "sum", "none"}
        Over the samples.
    log_outputs, log_targets : bool
        Which of the two are logarithms.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If probabilities lie outside [0, 1], their logarithms above 0, or those of a sample's targets do not add up to
        1.

    Examples
    --------
    >>> import numpy as np, nn
    >>> o, y = np.array([[0.5, 0.5]]), np.array([[0.75, 0.25]])
    >>> print(round(nn.kl_divergence(o, y), 4), round(nn.kl_divergence(np.log(o), y, log_outputs=True), 4))
    0.1308 0.1308
    """
    name = "kl_divergence"
    o, y = pair(name, o, y)
    if not o.ndim:
        raise ag.errors.ShapeError(
            f"{name} compares distributions, and got single numbers. Give it shape (samples, classes)."
        )
    if log_targets:
        y = adding_up_to_1(name, _at_most_0("targets", y), logs=True)
        p, log_p = np.exp(y), np.where(y == -np.inf, 0, y)
    else:
        p = adding_up_to_1(name, between_0_and_1(name, "targets", y, "Logarithms need log_targets=True."))
        log_p = np.log(np.where(p == 0, 1, p))
    if log_outputs:
        o = _at_most_0("outputs", o)
        log_o = np.where((p == 0) & (o == -np.inf), 0, o)
    else:
        o = between_0_and_1(name, "outputs", o, "Put a softmax before it, or log_softmax and log_outputs=True.")
        log_o = np.log(np.where((p == 0) & (o == 0), 1, o))
    return reduced(name, p * (log_p - log_o), reduction)


def takes_logits(loss: Any) -> bool | None:
    """Return True for a loss of logits, False for one of probabilities, None for any other; also through a partial."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    if loss in (cross_entropy, binary_cross_entropy_with_logits, hinge):
        return True
    return False if loss in (categorical_cross_entropy, binary_cross_entropy) else None


def _at_most_0(what: str, value: Any) -> Any:
    """Return logarithms of probabilities; raise if one is above 0 by more than rounding. NaN may pass."""
    above = value > 1e-4
    if is_lazy(value):
        return np.where(above, np.nan, value)
    ag.ensure(
        ~above,
        lambda a: ValueError(
            f"kl_divergence: its {what} go up to {a.max():.4g}, but logarithms of probabilities are at most 0. Put "
            "log_softmax before it."
        ),
        value,
    )
    return value
