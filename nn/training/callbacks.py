"""Callback: what fit calls as a training goes on; and Run, what it is told."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..checks import shown
from ..module import Module
from ..optim import Optimizer
from .history import History

__all__ = ["Callback", "Run", "as_callbacks"]


@dataclass
class Run:
    """A training that is going on, as callbacks see it.

    Attributes
    ----------
    model : Module
        In training mode, except where a callback changes that for itself.
    optimizer : Optimizer
        Its numbers may be assigned.
    schedule : Schedule or None
        Of the learning rate.
    history : History
        The epochs so far; after an epoch, with it.
    epochs : int
        At most so many.
    epoch : int
        The running one, from 1; after it, the one that ended.
    batch : int
        The running one, from 1; after it, the one that ended.
    loss : float
        Of the last batch, before its step.
    stopped : bool
        Whether `stop` was called.
    """

    model: Module
    optimizer: Optimizer
    schedule: Any
    history: History
    epochs: int
    epoch: int = 0
    batch: int = 0
    loss: float = float("nan")
    stopped: bool = False

    def stop(self) -> None:
        """End the training after this epoch; the history says that a callback did."""
        self.stopped = True


class Callback:
    """Base class of what `fit` calls as it goes on; each method does nothing until it is overridden.

    A callback that remembers something from epoch to epoch says so by `state_dict` and `load_state_dict`: a training
    that is resumed then goes on as if it had not been interrupted. A plain function ``f(run)`` will do for what is to
    happen after each epoch.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class StopAtRate(nn.Callback):
    ...     def on_epoch_end(self, run):
    ...         if run.history.metrics["accuracy"][-1] == 1:
    ...             run.stop()
    >>> X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> model = nn.MLP([1, 2], rng=0)
    >>> history = nn.fit(model, (X, y), loss=nn.cross_entropy, optimizer=nn.SGD(model.parameters(), lr=0.5),
    ...                  validation=(X, y), metrics="accuracy", callbacks=[StopAtRate()])
    >>> history.stopped_by, history.metrics["accuracy"][-1]
    ('callback', 1.0)
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse methods that would never be called, since they have another library's names, or are misspelt."""
        super().__init_subclass__(**kwargs)
        hooks = [name for name in vars(Callback) if name.startswith("on_")]
        for name in [name for name in vars(cls) if name.startswith("on_")]:
            if name not in hooks:
                raise TypeError(f"{cls.__name__}: fit never calls {name}(), but only {', '.join(hooks)}. Rename it.")
            if inspect.isfunction(method := vars(cls)[name]) and len(inspect.signature(method).parameters) != 2:
                raise TypeError(
                    f"{cls.__name__}: fit calls {name}() with the run alone, but it takes "
                    f"{inspect.signature(method)}. Write def {name}(self, run): the epoch is run.epoch."
                )

    def on_train_begin(self, run: Run) -> None:
        """Before the first epoch, or the first after a resumption."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before each epoch."""

    def on_batch_end(self, run: Run) -> None:
        """After each step; a compiled one leaves no `.grad` to look at, so `compile=False` is for who needs them."""

    def on_epoch_end(self, run: Run) -> None:
        """After each epoch, validation and schedule included."""

    def on_train_end(self, run: Run) -> None:
        """After the last epoch, the best weights restored; also if it was interrupted or failed."""

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs: numbers, text, lists, dicts, arrays."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned."""


class _Function(Callback):
    """A function that is called after each epoch."""

    def __init__(self, function: Callable[[Run], Any]) -> None:
        self.function = function

    def on_epoch_end(self, run: Run) -> None:
        self.function(run)


def as_callbacks(where: str, callbacks: Any) -> list[Callback]:
    """Return what was given, a callback, a function or several of these, as a list of callbacks."""
    if isinstance(callbacks, Callback) or callable(callbacks):
        callbacks = [callbacks]
    found: list[Callback] = []
    for callback in callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]:
        if isinstance(callback, Callback):
            found.append(callback)
        elif callable(callback) and not isinstance(callback, type):
            found.append(_Function(callback))
        else:
            raise TypeError(
                f"{where}: a callback is {shown(callback)}, but must be an nn.Callback, or a function of the run that "
                "is called after each epoch. Write callbacks=[lambda run: print(run.epoch)]."
            )
    return found
