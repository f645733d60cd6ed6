"""What losses and metrics ask of outputs and targets: shapes that fit, values in range, one dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of, shown

__all__ = [
    "adding_up_to_1",
    "are_distributions",
    "between_0_and_1",
    "cast",
    "classes_of",
    "columns",
    "combined",
    "distributions",
    "in_range",
    "is_lazy",
    "outputs_and_labels",
    "outputs_and_targets",
    "pair",
    "picked",
    "plain",
    "reduced",
    "right",
    "sides",
    "some",
    "times_log",
    "weight_of",
]


def pair(name: str, o: Any, y: Any) -> tuple[Any, Any]:
    """Return outputs and targets of one shape, in the outputs' dtype."""
    o, y = array_of(name, "z" if name.endswith("logits") or name == "hinge" else "o", o), array_of(name, "y", y)
    if o.shape != y.shape:
        hint = " They must have one shape."
        if o.ndim and o.size == y.size > 0:
            hint = f" Write y.reshape({(-1, *o.shape[1:])})."
        elif y.dtype.kind in "iu" and y.shape == o.shape[:-1]:
            hint = " For labels of classes, take cross_entropy; or write np.eye(k)[y], with k classes."
        raise ag.errors.ShapeError(f"{name}: the outputs have shape {o.shape}, the targets {y.shape}.{hint}")
    return cast(o, y)


def some(name: str, samples: tuple[int, ...]) -> None:
    """Raise if there is no sample to take the mean of."""
    if not math.prod(samples):
        raise ag.errors.ShapeError(
            f"{name}: there are no samples (their shape is {samples}), and there is no mean of none. "
            "Pass at least one, in rows."
        )


def cast(o: Any, y: Any) -> tuple[Any, Any]:
    """Return both in the outputs' dtype; integers become float64."""
    o = o if o.dtype.kind == "f" else o.astype(float)
    return o, y if y.dtype == o.dtype else y.astype(o.dtype)


def is_lazy(array: Any) -> bool:
    """Return whether an array, or that of a Tensor, may not have been computed yet: any but NumPy's own."""
    if isinstance(array, ag.Tensor):
        return bool(array.device != "cpu")
    return not isinstance(array, (np.ndarray, np.generic))


def between_0_and_1(name: str, what: str, value: Any, fix: str) -> Any:
    """Return the values; raise if some lie outside. NaN may pass, to be found by whoever looks at the loss.

    Of an array that may be lazy, values that lie outside become NaN: to look at them would compute it.
    """
    outside = (value < 0) | (value > 1)
    if is_lazy(value):
        return np.where(outside, np.nan, value)
    ag.ensure(
        ~outside,
        lambda a: ValueError(f"{name}: its {what} run from {a.min():.4g} to {a.max():.4g}, not 0 to 1. {fix}"),
        value,
    )
    return value


def outputs_and_targets(name: str, o: Any, y: Any, ignore: int | None = None) -> tuple[Any, Any, Any]:
    """Return outputs and targets, checked: integer labels, or distributions in the outputs' dtype.

    The third says which samples count, where a label means that one does not; its label is then 0. None: all count.
    """
    o = array_of(name, "z" if name in ("cross_entropy", "hinge") else "o", o)
    several = array_of(name, "y", y, "fiubUO")
    y = several if several.ndim else array_of(name, "y", y)  # of several, text gets a hint of its own below
    if o.ndim == 0 or o.shape[-1] == 0:
        found = f"shape {o.shape}" if o.ndim else "a single number"
        raise ag.errors.ShapeError(
            f"{name} takes the outputs of all classes in the last axis, and got {found}. "
            "Give it shape (samples, classes)."
        )
    if y.dtype.kind in "iub" and y.shape == o.shape[:-1]:
        counts = None
        if ignore is not None:
            counts = y != ignore
            y = np.where(counts, y, 0)
        if not is_lazy(y):
            in_range(name, y, o.shape[-1])
        return o, y, counts
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
    if ignore is not None:
        raise ValueError(
            f"{name}: ignore_index is {ignore}, but the targets are distributions, shape {y.shape}, and no label marks "
            "a sample. Leave out its row: o[keep], y[keep]."
        )
    o, y = cast(o, y)
    y = between_0_and_1(name, "targets", y, "Each sample's targets are a distribution.")
    return o, adding_up_to_1(name, y), None


def adding_up_to_1(name: str, y: Any, logs: bool = False) -> Any:
    """Return targets, probabilities or their logarithms; raise if the probabilities of a sample do not add up to 1."""
    sums = np.sum(np.exp(y) if logs else y, axis=-1, keepdims=True)
    wrong = np.abs(sums - 1) > 1e-4
    if is_lazy(sums):
        return np.where(wrong, np.nan, y)
    fix = "Write nn.log_softmax(y)" if logs else "Divide them by y.sum(axis=-1, keepdims=True)"
    ag.ensure(
        ~wrong,
        lambda sums, wrong: ValueError(
            f"{name}: the targets of each sample must add up to 1, and some add up to {sums[wrong][0]:.4g}. {fix}."
        ),
        sums,
        wrong,
    )
    return y


def distributions(o: Any, y: Any) -> tuple[Any, Any]:
    """Return outputs, and targets as distributions over the last axis: labels become one-hot rows."""
    if y.ndim == o.ndim:
        return o, y
    k = o.shape[-1]
    rows = y[..., None] == np.arange(k)
    if is_lazy(y):
        rows = np.where(((y < 0) | (y >= k))[..., None], np.nan, rows.astype(float))
    return cast(o, rows)


_UNSIGNED = {np.dtype(f"{kind}{n}"): np.dtype(f"u{n}") for kind in "iu" for n in (1, 2, 4, 8)}


def in_range(name: str, labels: Any, k: int) -> None:
    """Raise if a label is none of 0 to k - 1."""
    if type(labels) is np.ndarray and labels.size and (unsigned := _UNSIGNED.get(labels.dtype)) is not None:
        if np.maximum.reduce(labels.view(unsigned), axis=None) < k:  # read so, a negative number is a great one
            return

    def error(labels: Any) -> ValueError:
        wrong = labels[(labels < 0) | (labels >= k)][0]
        fix = "or give the model more outputs"
        if wrong < 0:
            fix = "if it marks samples without a label, drop them"
            if name == "cross_entropy":
                fix = f"if it marks samples without a label, functools.partial(nn.cross_entropy, ignore_index={wrong})"
        return ValueError(
            f"{name}: label {wrong} is out of range: with {k} outputs labels run from 0 to {k - 1}. Number the classes "
            f"from 0: np.unique(y, return_inverse=True)[1]; {fix}."
        )

    ag.ensure((labels >= 0) & (labels < k), error, labels)


def picked(values: Any, labels: Any) -> Any:
    """Return, of each row of values, the one at its label; of a single row, one for each label.

    Taken out, not multiplied by one-hot rows: the sweep then needs one array of the size of the values, not two.
    """
    if isinstance(labels, ag.Tensor) and not isinstance(values, ag.Tensor):
        values = ag.Tensor(values)  # so that a program reads the labels of each call
    labels = labels.astype(int)
    if values.ndim == 1:
        return values[labels]
    rows = (np.arange(len(labels)),) if labels.ndim == 1 else np.indices(labels.shape, sparse=True)
    return values[(*rows, labels)]


def weight_of(name: str, argument: str, value: Any, like: Any, classes: bool = False) -> Any:
    """Return weights that fit the outputs, in their dtype: one for each class, or what broadcasts against them."""
    weight = array_of(name, argument, value)
    if classes and weight.shape != like.shape[-1:]:
        raise ag.errors.ShapeError(
            f"{name}: {argument} has shape {weight.shape}, but must hold one weight for each of the {like.shape[-1]} "
            f"classes, shape {like.shape[-1:]}. To weight samples, multiply them: reduction='none'."
        )
    if not classes and not _broadcasts(weight.shape, like.shape):
        raise ag.errors.ShapeError(
            f"{name}: {argument} has shape {weight.shape}, which does not broadcast against outputs of shape "
            f"{like.shape}. Weights of samples stand in a column, weight[:, None]."
        )
    weight = weight if weight.dtype == like.dtype else weight.astype(like.dtype)
    if is_lazy(weight):
        return np.where(weight < 0, np.nan, weight)
    ag.ensure(
        ~(weight < 0),
        lambda w: ValueError(
            f"{name}: {argument} goes down to {w.min():.4g}, but weights must not be negative. Take 0."
        ),
        weight,
    )
    return weight


def _broadcasts(shape: tuple[int, ...], onto: tuple[int, ...]) -> bool:
    if len(shape) > len(onto):
        return False
    return all(a in (1, b) for a, b in zip(shape[::-1], onto[::-1], strict=False))


def times_log(a: Any, b: Any) -> Any:
    """Return ``a log b``, and 0 where both are 0."""
    both = (a == 0) & (b == 0)
    return np.where(both, 0, a * np.log(np.where(both, 1, b)))


def reduced(name: str, terms: Any, reduction: str) -> Any:
    """Add up over the outputs, then combine the samples."""
    return combined(name, np.sum(terms, axis=-1) if terms.ndim else terms, reduction)


def combined(name: str, per_sample: Any, reduction: str, share: Any = None) -> Any:
    """Combine the samples; their mean is over the sum of their shares, by default 1 each."""
    if reduction == "mean":
        some(name, per_sample.shape)
        return per_sample.mean() if share is None else np.sum(per_sample) / _total(name, share)
    if reduction == "sum":
        return np.sum(per_sample)
    if reduction == "none":
        return per_sample
    raise ValueError(f"{name}: reduction is {shown(reduction)}, but must be 'mean', 'sum' or 'none'.")


def _total(name: str, share: Any) -> Any:
    """Return the sum of shares, which must not be 0; of lazy ones, NaN then."""
    total = np.sum(share)
    if is_lazy(total):
        return np.where(total == 0, np.nan, total)
    ag.ensure(
        total != 0,
        lambda: ValueError(
            f"{name}: no sample counts: every label is ignore_index, or of a class whose weight is 0, and there is no "
            "mean of none. Leave out this batch, or take reduction='sum'."
        ),
    )
    return total


def plain(name: str, what: str, value: Any) -> Any:
    """Return a NumPy array of numbers, for a metric, whose answer is a number: what is lazy is computed here."""
    value = array_of(name, what, value)
    return np.asarray(value.numpy() if isinstance(value, ag.Tensor) else value)


def outputs_and_labels(name: str, outputs: Any, labels: Any) -> tuple[Any, Any]:
    """Return arrays: outputs of k >= 2 classes, and one label for each row of them."""
    values, labels = plain(name, "outputs", outputs), plain(name, "labels", labels)
    if values.ndim == 0 or values.shape[-1] < 2:
        raise ag.errors.ShapeError(
            f"{name}: outputs of shape {values.shape} hold one number per sample, and there is no largest of one. "
            "Take nn.metrics.binary_accuracy; or write np.mean((outputs > 0.5) == labels), for logits with 0 in place "
            "of 0.5."
        )
    if labels.shape != values.shape[:-1]:
        hint = " Write labels.argmax(-1)." if labels.shape == values.shape else ""
        raise ag.errors.ShapeError(
            f"{name}: outputs of shape {values.shape} take labels of shape {values.shape[:-1]}, "
            f"not {labels.shape}.{hint}"
        )
    if labels.dtype.kind == "f" and not np.all(whole := labels == np.floor(labels)):
        raise ValueError(
            f"{name}: there is a label {labels[~whole][0]:g}, but labels must be the classes' numbers, 0 to "
            f"{values.shape[-1] - 1}. Where numbers are predicted, take nn.metrics.r2_score."
        )
    in_range(name, labels, values.shape[-1])
    some(name, labels.shape)
    return values, labels


def right(values: Any, labels: Any, logits: bool | None = None) -> Any:
    """Return for each label whether the outputs say it: NaN says nothing, and is never right.

    The outputs are rows of several classes, or single numbers: logits or, with False, probabilities of True.
    """
    if values.shape != labels.shape:
        return (np.argmax(values, axis=-1) == labels) & ~np.isnan(np.max(values, axis=-1))
    return ((values > (0 if logits else 0.5)) == labels) & ~np.isnan(values)


def sides(name: str, outputs: Any, labels: Any, logits: bool | None = None) -> tuple[Any, Any, bool]:
    """Return, of one number for each label: the numbers and the labels, as True and False; whether they are logits."""
    values, labels = plain(name, "outputs", outputs), plain(name, "labels", labels)
    if values.shape == (*labels.shape, 1):
        values = values[..., 0]
    elif labels.shape == (*values.shape, 1):
        labels = labels[..., 0]
    if values.shape != labels.shape:
        raise ag.errors.ShapeError(
            f"{name}: there must be one output for each label, of 0 and 1; the outputs have shape {values.shape}, the "
            f"labels {labels.shape}. For the outputs of several classes, take accuracy."
        )
    some(name, labels.shape)
    signs = bool(np.any(labels == -1))
    known = (labels == 1) | (labels == (-1 if signs else 0))
    if not np.all(known):
        raise ValueError(
            f"{name}: there is a label {labels[~known][0]:g}, but labels must be 0 and 1, or -1 and 1. Write "
            "y == c for those of the class c."
        )
    outside = (values < 0) | (values > 1)
    if logits is None:
        logits = signs or bool(np.any(outside))
    elif not logits and np.any(outside):
        raise ValueError(
            f"{name}: the outputs run from {values.min():.4g} to {values.max():.4g}, and probabilities from 0 to 1. "
            "Write logits=True; or put a sigmoid before it."
        )
    return values, labels == 1, bool(logits)


def columns(name: str, outputs: Any, targets: Any) -> tuple[Any, Any]:
    """Return float arrays of shape (n, k): samples, and all that there is of one sample."""
    values, targets = plain(name, "outputs", outputs), plain(name, "targets", targets)
    if values.shape != targets.shape or not values.ndim:
        fix = f" Write targets.reshape({(-1, *values.shape[1:])})." if values.size == targets.size > 1 else ""
        raise ag.errors.ShapeError(
            f"{name}: the outputs have shape {values.shape}, the targets {targets.shape}, but both must have one "
            f"shape, samples first.{fix}"
        )
    some(name, values.shape)
    return values.reshape(len(values), -1).astype(float), targets.reshape(len(values), -1).astype(float)


def classes_of(name: str, outputs: Any, targets: Any, logits: bool | None = None) -> tuple[Any, Any, bool]:
    """Return outputs, rows of k >= 2 classes or single ones; a label for each; whether the outputs are logits.

    Targets may be labels, alone or in a column; one-hot rows or other distributions, whose largest counts; or 0 and 1
    (-1 and 1) for each output, which then has classes of its own.
    """
    values, labels = plain(name, "outputs", outputs), plain(name, "targets", targets)
    alike = values.shape == labels.shape
    single = values.shape[-1:] in ((), (1,)) or labels.shape == (*values.shape, 1)
    if single or (alike and (values.ndim == 1 or not are_distributions(labels))):
        return sides(name, values, labels, logits)
    if alike:
        labels = np.argmax(labels, axis=-1)
    elif labels.shape == (*values.shape[:-1], 1):
        labels = labels[..., 0]
    values, labels = outputs_and_labels(name, values, labels)
    return values, labels, not are_distributions(values) if logits is None else bool(logits)


def are_distributions(rows: Any) -> bool:
    """Return whether each row adds up to 1, of numbers from 0 on."""
    return bool(np.all(rows >= 0) and np.all(np.abs(np.sum(rows, axis=-1) - 1) <= 1e-4))
