"""TabularModel: a model, and how the columns of a table become its inputs, in one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag

from ..checks import shown
from ..functional import softmax
from ..losses import cross_entropy, squared_error
from ..module import Module
from ..saving import FileError, load, load_metadata, save
from ..tables import Chunk, Encoding, Table, TableError, Unseen, open_table
from ..training import evaluate

__all__ = ["Prediction", "TabularModel", "check_outputs"]

VERSION = 1  # of what stands beside the model in its file
KEY = "tabular"
ROWS = 8192  # at once: their hidden units need not all fit into memory


class Prediction(NamedTuple):
    """What a model makes of some rows of a table.

    Attributes
    ----------
    numbers : array of int, shape (n,)
        The rows' numbers in the file.
    values : array, shape (n,)
        Names of classes; or numbers, in the target's unit.
    probabilities : array, shape (n, k), or None
        Of each class; None for a regression.
    outputs : array, shape (n, k) or (n, 1)
        Logits; or standardized numbers.
    targets : array, shape (n,) or (n, 1), or None
        As the loss takes them, where the table has them.
    """

    numbers: Any
    values: Any
    probabilities: Any
    outputs: Any
    targets: Any


class TabularModel:
    r"""A model of a table's rows that knows the table's columns.

    Parameters
    ----------
    model : Module
        From encoded rows, shape (n, encoding.width), to outputs: k logits; or 1 standardized number.
    encoding : Encoding
        See `nn.tables.Encoding`.
    about : dict, optional
        How it was trained, to be kept with it: what JSON can hold.

    Raises
    ------
    TypeError
        If the model is no Module, or the encoding no Encoding.

    Examples
    --------
    >>> import nn, os, tempfile
    >>> from nn import tables, tabular
    >>> path = os.path.join(tempfile.mkdtemp(), "heights.csv")
    >>> with open(path, "w") as file:
    ...     _ = file.write("age,height\n" + "".join(f"{a},{80 + 6 * a}\n" for a in range(40)))
    >>> data = tabular.prepare(tables.open_table(path), "height")
    >>> trained = tabular.train(data, tabular.Settings(layers=(8,), epochs=2), progress=False)
    >>> trained.model.predict(path).shape
    (40,)
    """

    def __init__(self, model: Module, encoding: Encoding, about: Mapping[str, Any] | None = None) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"TabularModel: model is {shown(model)}, but must be a Module, such as nn.MLP([4, 8, 3]).")
        if not isinstance(encoding, Encoding):
            raise TypeError(
                f"TabularModel: encoding is {shown(encoding)}, but must be an Encoding. Write nn.tables.Encoding.of("
                "table, target)."
            )
        self.model: Any = model  # what compare and player need more than a Module for, they say themselves
        self.encoding, self.about = encoding, dict(about or {})

    @property
    def classifies(self) -> bool:
        """Whether it tells classes; else it estimates a number."""
        return bool(self.encoding.target.task == "classification")

    @property
    def loss(self) -> Callable[..., Any]:
        """The loss that it is trained by."""
        return cross_entropy if self.classifies else squared_error

    @property
    def dtype(self) -> Any:
        """That of its parameters."""
        return next((p.dtype for p in self.model.parameters()), np.dtype(float))

    def save(self, path: Any) -> None:
        """Write model, encoding and what is told about them into one file, which is there in full or as it was.

        Parameters
        ----------
        path : str or os.PathLike
            Ends in ``.npz`` or ``.safetensors``; see `nn.save`.
        """
        content = {"version": VERSION, "package": ag.__version__, "encoding": self.encoding.to_dict()}
        save(self.model, path, {KEY: {**content, "about": self.about}})

    @classmethod
    def load(cls, path: Any) -> TabularModel:
        """Return the model that `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileError
            If the file is damaged, holds no model, one without an encoding, or is of a newer version.
        """
        name = os.fsdecode(path)
        content = load_metadata(path).get(KEY)
        if not isinstance(content, dict):
            raise FileError(
                f"The file {name} holds no model of a table: it does not say how columns become inputs. Pass one that "
                "autograd-mini train wrote; others are read with nn.load."
            )
        version = content.get("version")
        if version != VERSION:
            raise FileError(
                f"The file {name} cannot be used: autograd_mini {content.get('package')} wrote it, with version "
                f"{version} of the description of a table, and this one knows version {VERSION}. Install the newer "
                "autograd_mini."
            )
        try:
            encoding = Encoding.from_dict(content["encoding"], name)
            about = dict(content["about"])
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, TableError):
                raise
            raise FileError(
                f"The file {name} cannot be used: what it says about the table's columns is incomplete. Train the "
                "model again, or take a copy of the file."
            ) from None
        return cls(load(path), encoding, about)

    def outputs(self, X: Any) -> Any:
        """Return the outputs for encoded rows, computed in evaluation mode and not recorded, a part at a time."""
        parts = [evaluate(self.model, X[i : i + ROWS]) for i in range(0, len(X), ROWS)]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def predictions(self, data: Any, *, targets: bool | None = False, unseen: Any = None) -> Iterator[Prediction]:
        """Yield what the model makes of a table, chunk by chunk, so that it need not fit into memory.

        Parameters
        ----------
        data : path or Table
            The columns that it was trained on, in any order; others are left alone.
        targets : bool or None
            Whether to read the target's column, too; None: if it is there.
        unseen : nn.tables.Unseen, optional
            Takes note of categories that the training rows did not have, which become zeros; without one they are
            refused.

        Raises
        ------
        TableError
            If a column is missing, or a cell does not fit; it says the row and the column.
        """
        table = data if isinstance(data, Table) else open_table(data)
        self.encoding.check(table, target=bool(targets))
        for chunk in table.chunks():
            X, y = self.encoding.transform(chunk, target=targets, unseen=unseen, dtype=self.dtype)
            if len(X):
                outputs = self.outputs(X)
                check_outputs(outputs, chunk)
                chances = softmax(outputs) if self.classifies else None
                yield Prediction(np.asarray(chunk.numbers), self.encoding.target.decode(outputs), chances, outputs, y)

    def predict(self, data: Any, *, unseen: Any = None) -> Any:
        """Return the classes' names or the numbers that the model predicts for all rows of a table, shape (n,).

        Parameters
        ----------
        data : path or Table
            As for `predictions`.
        unseen : nn.tables.Unseen, optional
            As for `predictions`; by default unknown categories become zeros.
        """
        unseen = Unseen() if unseen is None else unseen
        values = [part.values for part in self.predictions(data, unseen=unseen)]
        return np.concatenate(values) if values else np.empty(0, object if self.classifies else float)

    def predict_proba(self, data: Any, *, unseen: Any = None) -> Any:
        """Return the probability of each class, in the order of `encoding.target.classes`, shape (n, k).

        Raises
        ------
        ValueError
            If the model estimates a number.
        """
        if not self.classifies:
            raise ValueError(
                f"predict_proba: {self.encoding.target.name} is a number, which has no probability. Use predict()."
            )
        unseen = Unseen() if unseen is None else unseen
        values = [part.probabilities for part in self.predictions(data, unseen=unseen)]
        return np.concatenate(values) if values else np.empty((0, len(self.encoding.target.classes)))

    def losses(self, outputs: Any, targets: Any) -> Any:
        """Return the loss of each row, shape (n,)."""
        with ag.no_grad():
            values = np.asarray(self.loss(outputs, np.asarray(targets), reduction="none"))
        return values.reshape(len(values), -1).sum(axis=1)

    def scores(self, outputs: Any, targets: Any) -> dict[str, float]:
        """Return how well outputs meet targets: accuracy and cross-entropy; or in the target's unit RMSE, MAE, and R².

        R² is 1 - (sum of squared errors) / (sum of squared distances from the mean); NaN if all targets are equal.
        """
        if self.classifies:
            right = np.argmax(outputs, axis=1) == targets
            return {"accuracy": float(np.mean(right)), "cross_entropy": float(np.mean(self.losses(outputs, targets)))}
        scale = self.encoding.target.scale
        errors = (np.asarray(outputs, float) - np.asarray(targets, float)) * scale
        spread = (np.asarray(targets, float) - np.mean(targets, dtype=float)) * scale
        total = float(np.sum(spread**2))
        return {
            "rmse": float(np.sqrt(np.mean(errors**2))),
            "mae": float(np.mean(np.abs(errors))),
            "r2": 1 - float(np.sum(errors**2)) / total if total else float("nan"),
        }


def check_outputs(outputs: Any, chunk: Chunk) -> None:
    """Refuse outputs that are not finite, from which a class would be told all the same.

    Raises
    ------
    TableError
        With the row.
    """
    bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
    values = ", ".join(f"{output:g}" for output in outputs[bad[0]][:3]) if len(bad) else ""
    chunk.table.place.at(chunk.number(bad[0]) if len(bad) else None).need(
        not len(bad),
        f"the model has no answer: its outputs are {values}",
        "Look for numbers that are far larger than those that it was trained on.",
    )
