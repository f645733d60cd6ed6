"""fit: train a model in any of the three modes, with the three ways to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import autograd_mini as ag

from .data import batches
from .module import Module, observe
from .optim import SGD

__all__ = ["History", "NonFiniteLossError", "fit"]


class NonFiniteLossError(ag.errors.AutogradError, ArithmeticError):
    """Training met a loss that is NaN or infinite; `history` holds the epochs before it."""

    history: History


@dataclass
class History:
    """What happened in each epoch.

    Attributes
    ----------
    loss, validation_loss : list of float
        Mean training loss over an epoch's batches; loss on the validation set after it.
    metric : list of float
        The metric on the validation set, if one was asked for.
    gradient_norms : dict of str to list of float
        For each parameter, the mean over the epoch's batches of the gradient's Euclidean norm.
    best_epoch : int or None
        The epoch (from 1) whose weights were restored.
    stopped_by : str
        ``"epochs"``, ``"loss"`` (threshold) or ``"validation"`` (patience).
    seconds : float
        Wall-clock time.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    gradient_norms: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    stopped_by: str = "epochs"
    seconds: float = 0.0


def fit(
    model: Module,
    data: tuple[Any, Any],
    *,
    loss: Callable[[Any, Any], Any],
    optimizer: SGD,
    epochs: int = 100,
    batch_size: int | None = 32,
    validation: tuple[Any, Any] | None = None,
    patience: int | None = None,
    stop_below: float | None = None,
    metric: Callable[[Any, Any], float] | None = None,
    rng: int | np.random.Generator | None = 0,
    progress: bool | None = None,
) -> History:
    """Train a model by gradient descent.

    Parameters
    ----------
    model : Module
        Is called on batches of inputs, rows of samples.
    data : (inputs, targets)
        Arrays with as many rows.
    loss : callable
        ``loss(outputs, targets)``, a scalar.
    optimizer : SGD
        Holds the model's parameters.
    epochs : int
        At most so many passes over the data.
    batch_size : int or None
        None: all samples at once (batch); 1: one by one (stochastic); else mini-batches (claim Y12).
    validation : (inputs, targets), optional
        Held out. The weights with the lowest validation loss are restored at the end.
    patience : int, optional
        Stop when the validation loss has not fallen for so many epochs (claim R12).
    stop_below : float, optional
        Stop when the training loss falls below this (claim R12).
    metric : callable, optional
        ``metric(outputs, targets)`` on the validation set, such as `accuracy`.
    rng : int or numpy.random.Generator
        The order of the samples: the same seed gives the same run.
    progress : bool, optional
        Show a progress bar: by default in a terminal or a notebook only.

    Returns
    -------
    History

    Raises
    ------
    NonFiniteLossError
        If a loss is NaN or infinite; it says in which epoch and layer. The best weights so far are restored.
    ValueError
        If the data do not fit together.

    Examples
    --------
    >>> import numpy as np, nn
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> y = np.array([[0.0], [1.0], [1.0], [0.0]])
    >>> model = nn.MLP([2, 8, 1], "tanh", rng=0)
    >>> history = nn.fit(model, (X, y), loss=nn.binary_cross_entropy_with_logits,
    ...                  optimizer=nn.SGD(model.parameters(), lr=0.5, momentum=0.9), epochs=100, batch_size=None)
    >>> (model(X).numpy() > 0).astype(int).ravel()
    array([0, 1, 1, 0])
    """
    inputs, targets = _checked("data", data)
    if validation is not None:
        validation = _checked("validation", validation)
    if patience is not None and validation is None:
        raise ValueError("patience counts epochs without a better validation loss: pass validation=(inputs, targets)")
    rng = np.random.default_rng(rng)
    names = dict(model.named_parameters())
    history = History(gradient_norms={name: [] for name in names})
    best, best_state, start = np.inf, model.state_dict(), time.perf_counter()
    model.train()
    with _bar(epochs, progress) as report:
        for epoch in range(1, epochs + 1):
            losses, norms = [], []
            for rows in batches(len(inputs), batch_size, rng):
                optimizer.zero_grad()
                value = loss(model(inputs[rows]), targets[rows])
                if not np.isfinite(value.item()):
                    error = _non_finite(model, inputs[rows], epoch, value.item(), history)
                    model.load_state_dict(best_state)
                    raise error
                value.backward(retain_graph=False)
                optimizer.step()
                losses.append(value.item() * len(rows))
                norms.append([0.0 if p.grad is None else float(np.linalg.norm(p.grad)) for p in names.values()])
            history.loss.append(sum(losses) / len(inputs))
            for name, mean in zip(names, np.mean(norms, axis=0), strict=True):
                history.gradient_norms[name].append(float(mean))
            if validation is not None:
                outputs = evaluate(model, validation[0])
                history.validation_loss.append(float(loss(outputs, validation[1])))
                if metric is not None:
                    history.metric.append(metric(outputs, validation[1]))
                if history.validation_loss[-1] < best:
                    best, best_state, history.best_epoch = history.validation_loss[-1], model.state_dict(), epoch
            report(history)
            if stop_below is not None and history.loss[-1] < stop_below:
                history.stopped_by = "loss"
                break
            if patience is not None and epoch - (history.best_epoch or 0) >= patience:
                history.stopped_by = "validation"
                break
    if history.best_epoch is not None:
        model.load_state_dict(best_state)
    history.seconds = time.perf_counter() - start
    return history


def evaluate(model: Module, inputs: Any) -> Any:
    """Return the model's outputs as an array, computed in evaluation mode and not recorded."""
    training = model.training
    model.eval()
    try:
        with ag.no_grad():
            outputs = model(inputs)
    finally:
        model.train(training)
    return outputs.numpy() if isinstance(outputs, ag.Tensor) else outputs


def _checked(name: str, data: Any) -> tuple[Any, Any]:
    try:
        inputs, targets = data
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a pair (inputs, targets)") from None
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    if len(inputs) != len(targets) or not len(inputs):
        raise ValueError(f"{name}: {len(inputs)} inputs and {len(targets)} targets: there must be as many, and some")
    return inputs, targets


def _non_finite(model: Module, inputs: Any, epoch: int, value: float, history: History) -> NonFiniteLossError:
    """Build the error that says where it began: in the weights, in a layer's output, or in the loss itself."""
    names = {id(module): name for name, module in model.named_modules()}
    place = "every layer's output is finite: the loss itself overflows, or the targets are not finite"
    if not np.all(np.isfinite(inputs)):
        place = "the inputs hold NaN or infinite values"
    else:
        seen: list[str] = []

        def look(module: Module, output: Any) -> None:
            if not np.all(np.isfinite(output.numpy() if isinstance(output, ag.Tensor) else output)):
                seen.append(f"the output of {module.place or 'the model'} ({names.get(id(module), '')}: {module!r})")

        with np.errstate(all="ignore"), ag.no_grad(), observe(look):
            model(inputs)
        wrong = [name for name, p in model.named_parameters() if not np.all(np.isfinite(p.data))]
        if seen:
            place = f"first non-finite: {seen[0]}"
        if wrong:
            place += f"; not finite already: the parameter {wrong[0]}"
    error = NonFiniteLossError(
        f"The loss became {value} in epoch {epoch}; {place}. The best weights so far were restored. "
        "Most often the learning rate is too large: try a tenth of it, or scale the inputs."
    )
    error.history = history
    return error


@contextmanager
def _bar(epochs: int, show: bool | None) -> Iterator[Callable[[History], None]]:
    """A progress bar in a terminal or a notebook; silence elsewhere, unless it was asked for."""
    console = Console()
    if show is None:
        show = console.is_terminal or console.is_jupyter
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not show) as bar:
        task = bar.add_task("", total=epochs)

        def report(history: History) -> None:
            text = f"loss {history.loss[-1]:.4f}"
            if history.validation_loss:
                text += f"  validation {history.validation_loss[-1]:.4f}"
            if history.metric:
                text += f"  metric {history.metric[-1]:.4f}"
            bar.update(task, advance=1, description=text)

        yield report
