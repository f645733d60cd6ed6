"""The confusion matrix, as an array and as a table: which classes are taken for which."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import shown
from .targets import are_distributions, in_range, outputs_and_labels, plain, sides, some

__all__ = ["ConfusionMatrix", "confusion_matrix"]


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """What `confusion_matrix` returns: an array that shows itself as a table, as HTML in a notebook.

    Attributes
    ----------
    counts : array of int, shape (k, k)
        Samples of class i that were taken for class j; also ``np.asarray(matrix)`` and ``matrix[i, j]``.
    classes : tuple of str
        What the table calls the classes.
    """

    counts: Any
    classes: tuple[str, ...]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.counts, dtype) if copy or copy is None else np.asarray(self.counts, dtype)

    def __getitem__(self, index: Any) -> Any:
        return self.counts[index]

    def __str__(self) -> str:
        counts = [[str(count) for count in row] for row in self.counts]
        width = max(len(text) for row in [self.classes, *counts] for text in row)
        corner = "label, taken for →"
        left = max(len(corner), *map(len, self.classes))
        head = f"{corner:<{left}}  " + "  ".join(name.rjust(width) for name in self.classes)
        rows = [
            f"{name:<{left}}  " + "  ".join(("·" if text == "0" else text).rjust(width) for text in row)
            for name, row in zip(self.classes, counts, strict=True)
        ]
        return "\n".join([head, "─" * len(head), *rows])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        names = [html.escape(name) for name in self.classes]
        cell = 'style="text-align:right;padding:.2em .6em;{}"'
        head = "".join(f"<th {cell.format('')}>{name}</th>" for name in names)
        most = max(int(np.max(self.counts)), 1)
        rows = ""
        for i, (name, row) in enumerate(zip(names, self.counts, strict=True)):
            cells = ""
            for j, count in enumerate(row):
                colour = "46,160,67" if i == j else "218,54,51"  # over a light page or a dark one
                shade = f"background:rgba({colour},{0.45 * count / most:.2f})"
                cells += f"<td {cell.format(shade)}>{count}</td>"
            rows += f'<tr><th style="text-align:left">{name}</th>{cells}</tr>'
        return (
            '<table class="confusion" style="background:none;color:inherit"><thead>'
            f'<tr><th></th><th colspan="{len(names)}" style="text-align:center">taken for</th></tr>'
            f'<tr><th style="text-align:left">label</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
        )


def confusion_matrix(outputs: Any, labels: Any, classes: Any = None, *, logits: bool | None = None) -> ConfusionMatrix:
    """Return how many samples of each class were taken for which: a row for each label, a column for each answer.

    Parameters
    ----------
    outputs : array_like
        Logits or probabilities, shape (n, k); one column of them for two classes, shape (n, 1) or (n,); or the answers,
        integers of shape (n,) or (n, 1).
    labels : array_like of int, shape (n,) or (n, 1)
        0 to k - 1; or one-hot rows, shape (n, k).
    classes : sequence, optional
        What the table calls the classes, from 0 on; by default by their numbers.
    logits : bool, optional
        Of one column: as for `binary_accuracy`.

    Raises
    ------
    ShapeError
        If the labels do not stand one for each sample.
    ValueError
        If a label is out of range, an output is NaN, or there is not one name for each class.

    Examples
    --------
    >>> import nn
    >>> matrix = nn.metrics.confusion_matrix([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]], [0, 0, 1], ["cat", "dog"])
    >>> print(matrix)
    label, taken for →  cat  dog
    ────────────────────────────
    cat                   1    1
    dog                   ·    1
    >>> matrix[0, 1]
    np.int64(1)
    """
    name = "confusion_matrix"
    values, right = plain(name, "outputs", outputs), plain(name, "labels", labels)
    names = None if classes is None else _names(name, classes)
    if np.isnan(values).any():
        raise ValueError(f"{name}: some outputs are NaN, which is no answer. Drop these rows, or look why: ag.debug().")
    if values.dtype.kind in "iub" and values.shape[1:] == (1,):
        values = values[:, 0]
    if right.shape in ((*values.shape, 1), (*values.shape[:-1], 1)) and right.ndim > 1 and values.shape[1:] != (1,):
        right = right[..., 0]
    if right.ndim > 1 and right.shape == values.shape and right.shape[-1] > 1:
        if not are_distributions(right):
            raise ag.errors.ShapeError(
                f"{name}: the labels have the outputs' shape, {right.shape}, and are no one-hot rows: each output has "
                "classes of its own. Make a matrix of each: outputs[:, j], labels[:, j]."
            )
        right = np.argmax(right, axis=-1)
    if values.dtype.kind in "iub" and values.shape == right.shape and right.dtype.kind in "iub":
        some(name, values.shape)
        k = max(int(values.max()), int(right.max()), 0) + 1 if names is None else len(names)
        in_range(name, values, k)
        in_range(name, right, k)
    elif values.ndim and values.shape[-1] > 1 and (values.ndim > 1 or not right.ndim):
        values, right = outputs_and_labels(name, values, right)
        k = values.shape[-1]
        values = np.argmax(values, axis=-1)
    else:
        values, right, logits = sides(name, values, right, logits)
        values, k = values > (0 if logits else 0.5), 2
    names = [str(i) for i in range(k)] if names is None else names
    if len(names) != k:
        raise ValueError(f"{name}: classes holds {len(names)} names, but there are {k} classes. Name each, from 0 on.")
    pairs = np.ravel(right).astype(int) * k + np.ravel(values).astype(int)
    return ConfusionMatrix(np.bincount(pairs, minlength=k * k).reshape(k, k), tuple(names))


def _names(where: str, classes: Any) -> list[str]:
    if isinstance(classes, str) or not hasattr(classes, "__iter__"):
        raise TypeError(f"{where}: classes is {shown(classes)}, but must be a list of names, one for each class.")
    return [str(c) for c in classes]
