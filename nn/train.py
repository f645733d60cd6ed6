"""fit: train a model in any of the three modes, with the three ways to stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from numbers import Real
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import autograd_mini as ag

from .checks import array_of, callable_of, generator, lazy, real, shown, whole
from .compiled import NonFiniteError, TrainingStep, loss_of, outputs_of, scalar
from .data import batches
from .module import Module, observe
from .optim import Optimizer

__all__ = ["History", "NonFiniteLossError", "evaluate", "fit"]


class NonFiniteLossError(ag.errors.AutogradError, ArithmeticError):
    """Training met a loss or a parameter that is NaN or infinite; `history` holds the epochs before it."""

    history: History


@dataclass
class History:
    """What happened in each epoch.

    Attributes
    ----------
    loss, validation_loss : list of float
        Training loss of an epoch, the mean over its samples while the weights moved; loss on the validation set after
        it.
    metric : list of float
        The metric on the validation set, if one was asked for.
    gradient_norms : dict of str to list of float
        For each parameter, the mean over the epoch's batches of the gradient's Euclidean norm.
    best_epoch : int or None
        The epoch (from 1) whose weights were restored.
    stopped_by : str
        ``"epochs"``, ``"loss"`` (threshold), ``"validation"`` (patience) or ``"error"`` (`NonFiniteLossError`).
    uncompiled : str or None
        Why the step was not compiled, if it was tried.
    seconds : float
        Wall-clock time.
    """

    loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    gradient_norms: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int | None = None
    stopped_by: str = "epochs"
    uncompiled: str | None = None
    seconds: float = 0.0


def fit(
    model: Module,
    data: tuple[Any, Any],
    *,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    epochs: int = 100,
    batch_size: int | None = 32,
    validation: tuple[Any, Any] | None = None,
    patience: int | None = None,
    stop_below: float | None = None,
    metric: Callable[[Any, Any], float] | None = None,
    rng: int | np.random.Generator | None = 0,
    progress: bool | None = None,
    compile: bool | None = None,
) -> History:
    """Train a model by gradient descent.

    Parameters
    ----------
    model : Module
        Is called on batches of inputs, rows of samples; it is left in training mode.
    data : (inputs, targets)
        Arrays or lists, with as many rows. They are not cast here: a Linear layer takes inputs in its own dtype, and
        nn's losses take targets in the outputs', so a float32 model trains in float32 on any data.
    loss : callable
        ``loss(outputs, targets)``, a scalar: the mean over the samples.
    optimizer : Optimizer
        Holds the model's parameters.
    epochs : int
        At most so many passes over the data.
    batch_size : int or None
        None: all samples at once, in their order (batch); 1: one by one (stochastic); else mini-batches, of which the
        last may be smaller (claim Y12).
    validation : (inputs, targets), optional
        Held out. The weights with the lowest validation loss are restored at the end, also after Ctrl-C.
    patience : int, optional
        Stop when the validation loss has not fallen for so many epochs (claim R12).
    stop_below : float, optional
        Stop when the training loss falls below this (claim R12).
    metric : callable, optional
        ``metric(outputs, targets)`` on the validation set, such as `accuracy`.
    rng : int or numpy.random.Generator
        The order of the samples: the same seed gives the same run.
    progress : bool, optional
        Show a progress bar: by default in a terminal, or in a notebook that has ipywidgets. Asked for elsewhere, it
        writes its last state as one line of text.

    compile : bool, optional
        Run the step as a compiled program (see `compile_step`). By default, if it can be recorded; else it runs as it
        is written, and the history's `uncompiled` says why. True: raise then. False: run it as it is written.

    Returns
    -------
    History

    Raises
    ------
    NonFiniteLossError
        If a loss or a parameter is NaN or infinite; it says in which epoch and layer. The best weights so far are
        restored: those of the lowest validation loss; without validation, those that the epoch of the lowest training
        loss began with. Go on with a new optimizer, since momentum remembers what led there.
    ValueError
        If the data or the options do not fit together.

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
    _check_model("fit", model)
    inputs, targets = _checked("data", data)
    if validation is not None:
        validation = _checked("validation", validation)
    callable_of("fit", "loss", loss, "nn.cross_entropy")
    names = dict(model.named_parameters())
    _check_options(names, optimizer, epochs, batch_size, validation, patience, stop_below, metric)
    epochs, rng = int(epochs), generator("fit", rng)
    history = History(gradient_norms={name: [] for name in names})
    parameters, eager = model.parameters(), _Eager(model, loss, optimizer)
    step = eager if compile is False else _Compiled(eager, must=compile is True)
    best, best_state, start = np.inf, model.state_dict(), time.perf_counter()
    model.train()
    try:
        with _bar(epochs, progress) as report:
            for epoch in range(1, epochs + 1):
                state = model.state_dict()
                try:
                    mean_loss, norms = _train_once(step, parameters, inputs, targets, batch_size, rng)
                except NonFiniteError as error:
                    raise _non_finite(f"loss became {error.args[0]}", epoch, model, inputs, targets) from None
                if not all(_finite(p.data) for p in parameters):
                    raise _non_finite("weights left the finite numbers", epoch, model, inputs, targets)
                if validation is not None:
                    outputs = evaluate(model, validation[0])
                    validation_loss = float(scalar("fit", loss(outputs, validation[1])))
                    if not np.isfinite(validation_loss):
                        raise _non_finite(f"validation loss became {validation_loss}", epoch, model, *validation)
                    history.validation_loss.append(validation_loss)
                    if metric is not None:
                        history.metric.append(_number_of(metric, outputs, validation[1]))
                    if validation_loss < best:
                        best, best_state, history.best_epoch = validation_loss, model.state_dict(), epoch
                elif mean_loss < best:
                    best, best_state = mean_loss, state
                history.loss.append(mean_loss)
                for name, norm in zip(names, norms, strict=True):
                    history.gradient_norms[name].append(float(norm))
                report(history)
                if stop_below is not None and mean_loss < stop_below:
                    history.stopped_by = "loss"
                    break
                if patience is not None and epoch - (history.best_epoch or 0) >= patience:
                    history.stopped_by = "validation"
                    break
    except NonFiniteLossError as error:
        history.stopped_by, error.history = "error", history
        model.load_state_dict(best_state)
        raise
    finally:
        if history.best_epoch is not None:
            model.load_state_dict(best_state)
        if isinstance(step, _Compiled):
            step.leave_gradients()
            history.uncompiled = step.reason
        history.seconds = time.perf_counter() - start
    return history


class _Eager:
    """A training step that records its graph, sweeps it and forgets it."""

    def __init__(self, model: Module, loss: Callable[[Any, Any], Any], optimizer: Optimizer) -> None:
        self.model, self.loss, self.optimizer, self.parameters = model, loss, optimizer, model.parameters()

    def __call__(self, x: Any, y: Any) -> float:
        """Take a step; return the loss before it."""
        self.optimizer.zero_grad()
        value = loss_of("fit", self.model, self.loss, x, y)
        if not value.requires_grad and any((p + 0).requires_grad for p in self.parameters):  # else backward() says why
            raise ag.errors.NothingRecordedError(
                "fit: the loss does not depend on any parameter: .detach(), a comparison or a rounding cut the path. "
                "Compute it from the outputs with NumPy functions, without these."
            )
        if not _finite(value.numpy()):
            raise NonFiniteError(value.numpy())
        value.backward(retain_graph=False)
        self.optimizer.step()
        return float(value.item())

    def gradient(self, parameter: Any) -> Any:
        """Return the gradient of the last step."""
        return parameter.grad


class _Tried(TrainingStep):
    """A step that may not come about, whatever the reason: the eager one works, or says better what is wrong."""

    def prepare(self, x: Any, y: Any) -> None:
        """Compile for such a batch, or raise a TraceError."""
        with _as_trace_error():
            super().prepare(x, y)

    def _build(self) -> None:
        with _as_trace_error():
            super()._build()


@contextmanager
def _as_trace_error() -> Iterator[None]:
    try:
        yield
    except ag.errors.TraceError:
        raise
    except Exception as error:
        raise ag.errors.TraceError(str(error)) from error


class _Compiled:
    """A training step that runs a compiled program, for as long as that is possible; else the eager one.

    Attributes
    ----------
    reason : str or None
        Why the eager one runs.
    """

    def __init__(self, eager: _Eager, must: bool) -> None:
        self.eager, self.must = eager, must
        self.reason: str | None = None
        self.step: TrainingStep | None = None
        self.known: set[Any] = set()
        if isinstance(eager.optimizer, Optimizer) and type(eager.optimizer).step is Optimizer.step:
            kind = TrainingStep if must else _Tried
            self.step = kind(
                eager.model, eager.loss, eager.optimizer, keep_gradients=True, only_finite=True, where="fit"
            )
        elif must:
            raise TypeError(
                f"fit: optimizer is {shown(eager.optimizer)}, but must leave step() to nn.Optimizer to be compiled. "
                "Write its numbers() and update(), or leave out compile=True."
            )
        else:
            self.reason = f"{type(eager.optimizer).__name__} has a step() of its own"

    def __call__(self, x: Any, y: Any) -> float:
        """Take a step; return the loss before it."""
        if self.step is not None:
            try:
                if (kind := (x.shape, y.shape)) not in self.known:
                    self.step.prepare(x, y)
                    self.known.add(kind)
                return self.step(x, y)
            except ag.errors.TraceError as error:  # nothing was changed yet
                if self.must:
                    raise
                self.step, self.reason = None, str(error)
        return self.eager(x, y)

    def gradient(self, parameter: Any) -> Any:
        """Return the gradient of the last step."""
        return self.eager.gradient(parameter) if self.step is None else self.step.gradients.get(parameter)

    def leave_gradients(self) -> None:
        """Set `.grad` as the eager step leaves it."""
        if self.step is not None:
            for parameter, gradient in self.step.gradients.items():
                parameter.grad = gradient.copy()


def _train_once(
    step: _Eager | _Compiled,
    parameters: list[Any],
    inputs: Any,
    targets: Any,
    batch_size: int | None,
    rng: np.random.Generator,
) -> tuple[float, Any]:
    """Take one step per batch; return the mean loss over the samples, and each parameter's mean gradient norm."""
    total, norms = 0.0, []
    for rows in batches(len(inputs), batch_size, rng):
        total += step(inputs[rows], targets[rows]) * len(rows)
        norms.append([_norm(step.gradient(p)) for p in parameters])
    return total / len(inputs), np.mean(norms, axis=0)


def _norm(g: Any) -> float:
    """Return the Euclidean norm, as `np.linalg.norm` computes it, in a fifth of its time on small arrays."""
    if g is None:
        return 0.0
    if type(g) is not np.ndarray or g.dtype.kind != "f":
        return float(np.linalg.norm(g))
    flat = g.ravel()
    return math.sqrt(flat.dot(flat))


def evaluate(model: Module, inputs: Any) -> Any:
    """Return the model's outputs as an array, computed in evaluation mode and not recorded."""
    _check_model("evaluate", model)
    modes = [(module, module.training) for _, module in model.named_modules()]
    model.eval()
    try:
        with ag.no_grad():
            outputs = outputs_of("evaluate", model, inputs)
    finally:
        for module, training in modes:
            module.training = training
    return outputs.numpy() if isinstance(outputs, ag.Tensor) else outputs


def _checked(name: str, data: Any) -> tuple[Any, Any]:
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        fix = f"Write {name}=(X, y); of a list of samples, {name}=tuple(zip(*samples))."
        raise ValueError(f"fit: {name} must be a pair (inputs, targets), and is {shown(data)}. {fix}")
    if any(lazy(part.data if isinstance(part, ag.Tensor) else part) for part in data):
        raise ag.errors.UnsupportedArgumentError(
            f"fit: {name} holds arrays that may be lazy, and fit would fetch them into memory whole. If they fit, pass "
            f"{name}=tuple(map(np.asarray, (X, y))); else write the loop: loss.backward(), all gradients computed at "
            "once, optimizer.step() (docs/dask.md)."
        )
    inputs, targets = (
        np.asarray(array_of("fit", f"the {part} of {name}", values, "fiubcUO"))
        for part, values in zip(("inputs", "targets"), data, strict=True)
    )
    if not (inputs.ndim and targets.ndim and 0 < len(inputs) == len(targets)):
        flipped = targets.ndim and inputs.ndim == 2 and inputs.shape[1] == len(targets) > 0
        raise ValueError(
            f"fit: {name}: the inputs have shape {inputs.shape}, the targets {targets.shape}: give as many of both, in "
            f"rows, and at least one.{' Did you mean X.T?' if flipped else ''}"
        )
    return inputs, targets


def _check_model(where: str, model: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(
            f"{where}: model is {shown(model)}, but must be a Module, such as nn.MLP([64, 32, 10]); of your own "
            "function, make one: class Net(nn.Module), with forward()."
        )


def _number_of(metric: Callable[[Any, Any], float], outputs: Any, targets: Any) -> Any:
    value = metric(outputs, targets)
    if np.ndim(value) or not isinstance(value, (Real, np.ndarray)):
        raise TypeError(f"fit: the metric returned {shown(value)}, but must return one number. Is `return` missing?")
    return value


def _check_options(
    names: dict[str, Any],
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None,
    validation: Any,
    patience: int | None,
    stop_below: float | None,
    metric: Any,
) -> None:
    if not all(hasattr(optimizer, name) for name in ("parameters", "step", "zero_grad")):
        raise TypeError(
            f"fit: optimizer is {shown(optimizer)}, but must be an optimizer of the model's parameters. "
            "Write optimizer=nn.SGD(model.parameters(), lr=0.1)."
        )
    if not {id(p) for p in optimizer.parameters} & {id(p) for p in names.values()}:
        raise ValueError(
            "fit: the optimizer holds no parameter of this model, so nothing would be learned. Make it from "
            "model.parameters(), after the model."
        )
    whole("fit", "epochs", epochs, 0)
    if batch_size is not None:
        whole("fit", "batch_size", batch_size, 1, " None takes all samples at once.")
    if patience is not None:
        whole("fit", "patience", patience, 1, " None does not stop early.")
    if stop_below is not None:
        real("fit", "stop_below", stop_below, "be a finite number, or None")
    if patience is not None and validation is None:
        raise ValueError(
            "fit: patience counts epochs without a better validation loss, and there is no validation set. "
            "Pass validation=(inputs, targets)."
        )
    if metric is not None and validation is None:
        raise ValueError("fit: metric is taken on the validation set. Pass validation=(inputs, targets).")
    if metric is not None:
        callable_of("fit", "metric", metric, "nn.accuracy")


def _finite(array: Any) -> bool:
    return array.dtype.kind not in "fc" or bool(np.all(np.isfinite(array)))


def _non_finite(what: str, epoch: int, model: Module, inputs: Any, targets: Any) -> NonFiniteLossError:
    """Build the error that says where it began: in the data, a parameter, a layer's output, or the loss itself."""
    advice = "Most often the learning rate is too large: try a tenth of it, or scale the inputs."
    wrong = [name for name, p in model.named_parameters() if not _finite(p.data)]
    if not _finite(inputs) or not _finite(targets):
        place = f"the {'targets' if _finite(inputs) else 'inputs'} hold NaN or infinite values"
        advice = "Find their rows with np.isfinite, and repair or drop them."
    elif wrong:
        place = f"the parameter {wrong[0]} holds NaN or infinite values"
    else:
        place = _where(model, inputs)
    return NonFiniteLossError(f"In epoch {epoch} the {what}: {place}. The best weights so far were restored. {advice}")


def _where(model: Module, inputs: Any) -> str:
    """Say which module's output is the first that is not finite; if all are, whose is the largest."""
    names = {id(module): name for name, module in model.named_modules()}
    sizes: list[tuple[float, str]] = []

    def look(module: Module, output: Any) -> None:
        array = output.numpy() if isinstance(output, ag.Tensor) else np.asarray(output)
        label = f"layer {names[id(module)]}, {module!r}" if names.get(id(module)) else f"the model, {module!r}"
        sizes.append((np.max(np.abs(array), initial=0.0), label))

    with np.errstate(all="ignore"), ag.no_grad(), observe(look):
        model(inputs)
    for size, layer in sizes:
        if not np.isfinite(size):
            return f"the output of {layer}, is the first that is not finite"
    size, layer = max(sizes, key=lambda pair: pair[0])
    return f"the outputs are finite, the largest, {size:.1e}, that of {layer}, and only the loss itself is not"


@contextmanager
def _bar(epochs: int, show: bool | None) -> Iterator[Callable[[History], None]]:
    """A progress bar in a terminal, or a notebook that has ipywidgets; silence elsewhere, unless it was asked for."""
    console = Console()
    if show is None:
        show = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)
    if not show:
        yield lambda history: None
        return
    columns = (
        TextColumn("epoch"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=epochs)

        def report(history: History) -> None:
            text = f"loss {history.loss[-1]:.4f}"
            if history.validation_loss:
                text += f"  validation {history.validation_loss[-1]:.4f}"
            if history.metric:
                text += f"  metric {history.metric[-1]:.4f}"
            bar.update(task, advance=1, description=text)

        yield report
