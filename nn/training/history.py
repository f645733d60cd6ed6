"""History: what happened in each epoch of a training, as numbers, as text and as pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from html import escape
from numbers import Integral
from typing import Any

from ..checks import shown

__all__ = ["History"]

STOPPED = {
    "epochs": "",
    "loss": "stopped by the training loss",
    "validation": "stopped by the validation loss",
    "callback": "stopped by a callback",
    "interrupt": "interrupted",
    "error": "stopped by an error",
}


@dataclass(repr=False)
class History:
    """What happened in each epoch.

    Attributes
    ----------
    loss, validation_loss : list of float
        Training loss of an epoch, the mean over its samples while the weights moved; loss on the validation set after
        it.
    metrics : dict of str to list of float
        Each metric that was asked for, on the validation set.
    learning_rates : list of float
        The learning rate of an epoch's last step, of the optimizer's first group.
    gradient_norms : dict of str to list of float
        For each parameter, the mean over the epoch's batches of the gradient's Euclidean norm; 0 for one that the
        optimizer does not hold.
    best_epoch : int or None
        The epoch (from 1) whose weights were restored.
    stopped_by : str
        ``"epochs"``, ``"loss"`` (threshold), ``"validation"`` (patience), ``"callback"``, ``"interrupt"`` (Ctrl-C) or
        ``"error"`` (`NonFiniteLossError`, or what a callback raised).
    uncompiled : str or None
        Why the step was not compiled, if it was tried.
    seconds : float
        Wall-clock time.

    Examples
    --------
    >>> import nn
    >>> nn.History(loss=[0.9, 0.5, 0.4], validation_loss=[0.8, 0.6, 0.7], best_epoch=2, stopped_by="validation")
    History(3 epochs; loss 0.9 to 0.4; validation loss 0.7, best 0.6 in epoch 2; stopped by the validation loss)
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metrics: dict[str, list[float]] = field(default_factory=dict)
    learning_rates: list[float] = field(default_factory=list)
    gradient_norms: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    stopped_by: str = "epochs"
    uncompiled: str | None = None
    seconds: float = 0.0

    @property
    def epochs(self) -> int:
        """How many epochs were completed."""
        return len(self.loss)

    def __repr__(self) -> str:
        parts = [f"{self.epochs} epoch{'' if self.epochs == 1 else 's'}"]
        if self.loss:
            first = f"loss {self.loss[0]:.4g} to" if self.epochs > 1 else "loss"
            parts.append(f"{first} {self.loss[-1]:.4g}")
        if self.validation_loss:
            best = self._best(self.validation_loss)
            found = "" if best is None else f", best {best:.4g} in epoch {self.best_epoch}"
            parts.append(_last("validation loss", self.validation_loss) + found)
        parts += [_last(name, values) for name, values in self.metrics.items() if values]
        if why := STOPPED.get(self.stopped_by, self.stopped_by):
            parts.append(why)
        return f"History({'; '.join(parts)})"

    def _repr_html_(self) -> str:
        """Show a notebook the first, the best and the last epoch."""
        chosen = {"first": 1, "best": self.best_epoch, "last": self.epochs}
        columns = {name: epoch for name, epoch in chosen.items() if epoch and epoch <= self.epochs}
        rows = {"loss": self.loss, "validation loss": self.validation_loss, **self.metrics}
        head = "".join(f"<th>{name}: epoch {epoch}</th>" for name, epoch in columns.items())
        body = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{_at(values, e)}</td>' for e in columns.values())}</tr>"
            for name, values in rows.items()
            if values
        )
        caption = f"<p>{escape(repr(self))}</p>"
        return f"{caption}<table><tr><th></th>{head}</tr>{body}</table>" if body else caption

    def _best(self, values: Sequence[float]) -> float | None:
        """Return the value of the best epoch, if there is one."""
        epoch = self.best_epoch
        return values[epoch - 1] if epoch is not None and 0 < epoch <= len(values) else None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as lists, numbers and strings for `json.dumps`; NaN and infinities as strings.

        Examples
        --------
        >>> import json, nn
        >>> history = nn.History(loss=[0.1, float("inf")])
        >>> text = json.dumps(history.as_dict(), allow_nan=False)
        >>> nn.History.from_dict(json.loads(text)) == history
        True
        """
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self)}

    def rows(self) -> list[dict[str, float]]:
        """Return a table with a row for each epoch: ``pandas.DataFrame(history.rows())``.

        Examples
        --------
        >>> import nn
        >>> nn.History(loss=[0.9, 0.5], metrics={"accuracy": [0.6, 0.8]}).rows()
        [{'epoch': 1, 'loss': 0.9, 'accuracy': 0.6}, {'epoch': 2, 'loss': 0.5, 'accuracy': 0.8}]
        """
        columns = {"loss": self.loss, "validation_loss": self.validation_loss}
        columns |= {"learning_rate": self.learning_rates, **self.metrics}
        return [
            {"epoch": e + 1} | {name: values[e] for name, values in columns.items() if e < len(values)}
            for e in range(self.epochs)
        ]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> History:
        """Return the history that `as_dict` described, to the last bit.

        Raises
        ------
        ValueError
            If it is none.
        """
        kinds = {f.name: f.type for f in fields(cls)}
        try:
            if unknown := sorted(data.keys() - kinds.keys()):
                raise ValueError(f"its {unknown[0]} is unknown")
            return cls(**{name: _read(name, str(kinds[name]), value) for name, value in data.items()})
        except (AttributeError, TypeError, ValueError) as error:
            why = f": {error}" if isinstance(error, ValueError) else ""
            raise ValueError(
                f"History.from_dict: data is {shown(data)}, but must be what as_dict() of a History returned{why}."
            ) from None

    def plot(self) -> Any:
        """Draw the curves over the epochs: losses, metrics, gradient norms by layer, and a rate that varies.

        A panel spans a logarithmic scale where its values do so by more than a decade; the best epoch is marked. The
        norm of a layer is that of its parameters' norms together: on its way from the last layer to the first one sees
        gradients vanish (claims Y15, R13). Colours are those of the matplotlib style in use.

        Returns
        -------
        matplotlib.figure.Figure
            Which a notebook shows, ``plt.show()`` in a window, and ``.savefig("history.png")`` saves.

        Raises
        ------
        ImportError
            Without matplotlib (extra ``plot``).

        Examples
        --------
        >>> import nn
        >>> figure = nn.History(loss=[0.9, 0.5, 0.4]).plot()  # doctest: +SKIP
        """
        try:
            from matplotlib import pyplot
        except ImportError:
            raise ImportError(
                "History.plot: it draws with matplotlib, which is not installed. Run pip install 'autograd-mini[plot]'."
            ) from None
        from .plots import figure_of

        return figure_of(self, pyplot)


def _last(name: str, values: Sequence[float]) -> str:
    return f"{name} {values[-1]:.4g}"


def _at(values: Sequence[float], epoch: int) -> str:
    return f"{values[epoch - 1]:.4g}" if epoch <= len(values) else ""


def _plain(value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _read(name: str, kind: str, value: Any) -> Any:
    """Return the value of an attribute of this kind from JSON."""
    if kind.startswith("dict") and isinstance(value, Mapping):
        return {str(key): _read(name, "list", values) for key, values in value.items()}
    if kind.startswith("list") and isinstance(value, list):
        return [float(v) for v in value]
    if kind == "float":
        return float(value)
    kinds: dict[str, Any] = {"str": str, "str | None": (str, type(None)), "int | None": (int, type(None))}
    expected = kinds.get(kind, ())
    if not isinstance(value, expected):
        raise ValueError(f"its {name} is {shown(value)}")
    return value
