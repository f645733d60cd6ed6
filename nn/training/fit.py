"""fit: train a model in any of the three modes, with the three ways to stop."""

from __future__ import annotations

import functools
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

import autograd_mini as ag

from .. import metrics as known_metrics
from ..checks import FROM_ZERO, generator, real, shown, whole
from ..data import ArrayDataset, Batches, DataLoader, Dataset, as_loader, checked, train_validation_split
from ..layers import Sequential, Sigmoid, Softmax
from ..losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    cross_entropy,
    takes_logits,
)
from ..module import Module, evaluating, observe
from ..optim import Optimizer, Schedule
from .callbacks import Callback, Run, as_callbacks
from .checkpoint import Checkpoint
from .compiled import Clip, NonFiniteError, outputs_of, scalar
from .history import History
from .progress import Report, bar
from .steps import PIECE, CompiledSteps, EagerSteps, finite

__all__ = ["NonFiniteLossError", "Training", "evaluate", "fit"]

ONCE: dict[Any, tuple[Any, Any]] = {  # a loss, the layer that must not be before it, the loss that is for both
    cross_entropy: (Softmax, categorical_cross_entropy),
    binary_cross_entropy_with_logits: (Sigmoid, binary_cross_entropy),
}


class NonFiniteLossError(ag.errors.AutogradError, ArithmeticError):
    """Training met a loss or a parameter that is NaN or infinite; `history` holds the epochs before it."""

    history: History


def fit(
    model: Module,
    data: Any,
    *,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    epochs: int = 100,
    batch_size: int | None = 32,
    validation: Any = None,
    patience: int | None = None,
    stop_below: float | None = None,
    metrics: Any = None,
    schedule: Schedule | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    callbacks: Callback | Callable[[Run], Any] | Iterable[Any] = (),
    checkpoint: Any = None,
    checkpoint_every: float = 0.0,
    resume: Any = False,
    rng: int | np.random.Generator | None = 0,
    progress: bool | None = None,
    compile: bool | None = None,
) -> History:
    """Train a model by gradient descent.

    Parameters
    ----------
    model : Module
        Is called on batches of inputs, rows of samples; it is left in training mode.
    data : (X, y), DataLoader, Dataset, or iterable of (x, y)
        Inputs and targets: arrays or lists with as many rows; or batches of them, gone through once in each epoch; a
        DataLoader keeps its own batch size and order. They are not cast here: a Linear layer takes inputs in its own
        dtype, and nn's losses take targets in the outputs', so a float32 model trains in float32 on any data.
    loss : callable
        ``loss(outputs, targets)``, a scalar: the mean over the samples.
    optimizer : Optimizer
        Holds the model's parameters.
    epochs : int
        At most so many passes over the data.
    batch_size : int or None
        None: all samples at once, in their order (batch); 1: one by one (stochastic); else mini-batches, of which the
        last may be smaller (claim Y12). Data that come in batches keep theirs.
    validation : (X, y), DataLoader, iterable of (x, y), or float, optional
        Held out; a number is the fraction of `data`, or how many of its samples, to hold out at random, labels in
        proportion. The weights with the lowest validation loss are restored at the end, also after Ctrl-C.
    patience : int, optional
        Stop when the validation loss has not fallen for so many epochs (claim R12).
    stop_below : float, optional
        Stop when the training loss falls below this (claim R12).
    metrics : callable, str, or list or dict of these, optional
        ``metric(outputs, targets)`` on the validation set, such as `accuracy`; or a name, see `nn.metrics.get`.
    schedule : Schedule, optional
        Of the optimizer's learning rate: takes a step after each batch or each epoch, as it says itself.
    clip_norm, clip_value : float, optional
        Clip the gradients before each update: the norm of all together, or each entry; see `clip_grad_norm_`.
    callbacks : Callback, callable, or list of these
        Called as the training goes on; a function is called with the `Run` after each epoch.
    checkpoint : path, optional
        Where to write, after each epoch, all that the rest of the training depends on. The file is replaced as a whole:
        whatever happens, it holds the state after the last epoch or the one before.
    checkpoint_every : float
        Write it only if so many seconds have passed since it was written, and at the end: where epochs are short,
        writing takes longer than training.
    resume : bool or path
        Go on from a checkpoint; True: from `checkpoint`, or from the beginning if there is none yet. Everything else is
        passed as for the whole training, which then is, bit for bit, the one that was not interrupted.
    rng : int or numpy.random.Generator
        The order of the samples, and which are held out: the same seed gives the same run.
    progress : bool, optional
        Show a progress bar: by default in a terminal or a notebook. True: elsewhere, too, as lines of text. False:
        nowhere.
    compile : bool, optional
        Run the step as a compiled program (see `compile_step`). By default, if it can be recorded; else it runs as it
        is written, and the history's `uncompiled` says why. True: raise then. False: run it as it is written.

    Returns
    -------
    History
        After Ctrl-C, that of the epochs so far: training ends with the running batch, or, if it is pressed again, at
        once. The model has the best weights, or, without validation, those of the last step.

    Raises
    ------
    NonFiniteLossError
        If a loss or a parameter is NaN or infinite; it says in which epoch and layer. The best weights so far are
        restored: those of the lowest validation loss; without validation, those that the epoch of the lowest training
        loss began with. Go on with a new optimizer, since momentum remembers what led there.
    ValueError
        If the data or the options do not fit together, or the checkpoint is of another training.

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
    start = time.perf_counter()
    _check_model("fit", model)
    _check_optimizer(model, optimizer, schedule)
    _check_options(epochs, patience, stop_below, validation, metrics)
    clip = Clip.of("fit", clip_norm, clip_value)
    if clip is not None and getattr(optimizer, "needs_closure", False):
        raise ValueError(
            f"fit: clip_norm and clip_value are not for {type(optimizer).__name__}, whose line search relies on the "
            "gradient of the loss. Leave them out."
        )
    if not callable(loss):
        raise TypeError(f"fit: loss is {shown(loss)}, but must be a function, as in loss=nn.cross_entropy.")
    _check_logits(model, loss)
    rng = generator("fit", rng)
    pause = real("fit", "checkpoint_every", checkpoint_every, "be a number of seconds, from 0 on", above=FROM_ZERO)
    saved = Checkpoint("fit", checkpoint, resume, pause)
    if saved.path is not None and not hasattr(optimizer, "state_dict"):
        raise TypeError(
            f"fit: the checkpoint is to hold the state of {shown(optimizer)}, which has no state_dict(). Write one, "
            "and a load_state_dict(state), or leave out checkpoint."
        )
    saved.begin(rng)
    if isinstance(validation, Real) and not isinstance(validation, bool):
        data, validation = _split(data, validation, rng)
    batches = as_loader("fit", data, batch_size, rng)
    if getattr(optimizer, "needs_closure", False) and isinstance(batches, DataLoader) and len(batches) > 1:
        raise ValueError(
            f"fit: the data come in {len(batches)} batches, but must come in one with {type(optimizer).__name__}, "
            "which compares losses and gradients of one and the same data. Write batch_size=None."
        )
    held = None if validation is None else _held_out(validation)
    history = History(gradient_norms={name: [] for name, _ in model.named_parameters()})
    run = Run(model, optimizer, schedule, history, int(epochs))
    eager = EagerSteps(model, loss, optimizer, clip)
    training = Training(
        run=run,
        step=eager if compile is False else CompiledSteps(eager, must=compile is True),
        loss=loss,
        batches=batches,
        held=held,
        metrics=_metrics(metrics, loss),
        patience=patience,
        stop_below=stop_below,
        callbacks=as_callbacks("fit", callbacks),
        checkpoint=saved,
        clip=clip,
    )
    model.train()
    saved.restore(training)
    history.seconds, before = 0.0, history.seconds
    try:
        with bar(run.epochs, progress, history.epochs) as report, Interruption() as interruption:
            training.run_epochs(report, interruption)
    except KeyboardInterrupt:
        history.stopped_by = "interrupt"
    except NonFiniteLossError as error:
        history.stopped_by, error.history = "error", history
        model.load_state_dict(training.best_state)
        raise
    except BaseException:
        history.stopped_by = "error"
        raise
    finally:
        if history.best_epoch is not None:
            model.load_state_dict(training.best_state)
        if isinstance(training.step, CompiledSteps):
            training.step.close()
            history.uncompiled = training.step.reason
        history.seconds = before + time.perf_counter() - start
        for callback in training.callbacks:
            callback.on_train_end(run)
    return history


class Training:
    """A training: what goes on in `fit`, and what a checkpoint has to hold."""

    def __init__(
        self,
        *,
        run: Run,
        step: EagerSteps | CompiledSteps,
        loss: Callable[[Any, Any], Any],
        batches: DataLoader | Batches,
        held: Any,
        metrics: dict[str, Callable[[Any, Any], float]],
        patience: int | None,
        stop_below: float | None,
        callbacks: list[Callback],
        checkpoint: Checkpoint,
        clip: Clip | None,
    ) -> None:
        self.run, self.step, self.loss, self.batches, self.held = run, step, loss, batches, held
        self.metrics, self.patience, self.stop_below = metrics, patience, stop_below
        self.callbacks, self.checkpoint, self.clip = callbacks, checkpoint, clip
        for name in metrics:
            run.history.metrics[name] = []
        self.leaves = {**dict(run.model.named_parameters()), **dict(run.model.named_buffers())}  # found once
        self.best, self.best_state = np.inf, self.state()
        self.frozen = [name for name, p in run.model.named_parameters() if not p.requires_grad]  # at the beginning

    def state(self) -> dict[str, Any]:
        """Return copies of all that `load_state_dict` of the model takes back."""
        return {name: leaf.data.copy() for name, leaf in self.leaves.items()}

    def run_epochs(self, report: Report, interruption: Interruption) -> None:
        """Train until one of the reasons to stop."""
        run, history = self.run, self.run.history
        if history.stopped_by not in ("epochs", "interrupt", "error"):
            return  # a training that is resumed had come to its end
        history.stopped_by = "epochs"
        for callback in self.callbacks:
            callback.on_train_begin(run)
        for epoch in range(history.epochs + 1, run.epochs + 1):
            run.epoch = epoch
            for callback in self.callbacks:
                callback.on_epoch_begin(run)
            self._epoch(report, interruption)
            for callback in self.callbacks:
                callback.on_epoch_end(run)
            report.epoch(history)
            if self.stop_below is not None and history.loss[-1] < self.stop_below:
                history.stopped_by = "loss"
            elif self.patience is not None and epoch - (history.best_epoch or 0) >= self.patience:
                history.stopped_by = "validation"
            elif run.stopped:
                history.stopped_by = "callback"
            self.checkpoint.write(self, last=history.stopped_by != "epochs" or epoch == run.epochs)
            interruption.check()
            if history.stopped_by != "epochs":
                return

    def _epoch(self, report: Report, interruption: Interruption) -> None:
        """Take one step per batch, then look at the validation set and write everything down."""
        run, history, schedule = self.run, self.run.history, self.run.schedule
        state = self.state() if self.held is None else None
        mean_loss, norms, rate = self._steps(report, interruption)
        validation_loss = np.nan
        values: dict[str, float] = {}
        if self.held is not None:
            validation_loss, values = self._validate()
            if validation_loss < self.best:
                self.best, self.best_state, history.best_epoch = validation_loss, self.state(), run.epoch
            history.validation_loss.append(validation_loss)
        elif mean_loss < self.best:
            assert state is not None
            self.best, self.best_state = mean_loss, state
        history.loss.append(mean_loss)
        history.learning_rates.append(rate)
        for name, value in values.items():
            history.metrics[name].append(value)
        for name, norm in zip(history.gradient_norms, norms, strict=True):
            history.gradient_norms[name].append(float(norm))
        if schedule is not None and schedule.every == "epoch":
            schedule.step(mean_loss if self.held is None else validation_loss)

    def _steps(self, report: Report, interruption: Interruption) -> tuple[float, Any, float]:
        """Return an epoch's mean loss over its samples, each parameter's mean gradient norm, and the last rate."""
        run, step, schedule = self.run, self.step, self.run.schedule
        per_batch = schedule is not None and schedule.every == "batch"
        listeners = [
            c for c in self.callbacks if getattr(c.on_batch_end, "__func__", None) is not Callback.on_batch_end
        ]
        total, samples, norms, rate = 0.0, 0, [], np.nan
        number = len(self.batches) if isinstance(self.batches, DataLoader) else self.batches.batches
        for run.batch, (x, y) in enumerate(self.batches, 1):
            rate = _rate(run.optimizer)
            try:
                run.loss = step(x, y)
            except NonFiniteError as error:
                suspects = _arrays(self.batches) or (x, y)
                raise _non_finite(f"loss became {error.args[0]}", run.epoch, run.model, *suspects) from None
            total += run.loss * len(x)
            samples += len(x)
            norms.append(step.norms)
            if per_batch:
                schedule.step(run.loss)
            for callback in listeners:
                callback.on_batch_end(run)
            report.batch(run.batch, number)
            interruption.check()
        if not all(finite(leaf.data) for leaf in self.leaves.values() if leaf.requires_grad):
            raise _non_finite(
                "weights left the finite numbers", run.epoch, run.model, *(_arrays(self.batches) or (x, y))
            )
        return total / samples, np.mean(norms, axis=0), rate

    def _validate(self) -> tuple[float, dict[str, float]]:
        """Return the loss on the validation set, and the metrics."""
        outputs, targets, inputs = _outputs(self.run.model, self.held)
        value = float(scalar("fit", self.loss(outputs, targets)))
        if not np.isfinite(value):
            what = f"validation loss became {value}"
            raise _non_finite(what, self.run.epoch, self.run.model, inputs, targets)
        found: dict[str, float] = {}
        for name, metric in self.metrics.items():
            result = metric(outputs, targets)
            if np.ndim(result) or not isinstance(result, (Real, np.ndarray)):
                raise TypeError(
                    f"fit: the metric {name} returned {shown(result)}, but must return one number. Is `return` missing?"
                )
            found[name] = float(result)
        return value, found


class Interruption:
    """Inside the with-block Ctrl-C is noted, for `check` to raise where nothing is half done; a second acts at once.

    Only in the main thread, and where nobody else has taken charge of the signal; elsewhere all is as without. One
    inside another, of a training that a callback runs, ends with it.
    """

    def __enter__(self) -> Interruption:
        self.noted = False
        handler = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
        outer = getattr(handler, "__self__", None)
        self.outer = outer if isinstance(outer, Interruption) else None
        self.taken = handler is signal.default_int_handler
        if self.taken:
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.taken:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, *_: Any) -> None:
        if self.noted:
            raise KeyboardInterrupt
        self.noted = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if it was asked for."""
        if self.noted:
            raise KeyboardInterrupt
        if self.outer is not None:
            self.outer.check()


def evaluate(model: Module, inputs: Any) -> Any:
    """Return the model's outputs as an array, computed in evaluation mode and not recorded: what predicts.

    Afterwards each module is in the mode in which it was. All inputs are computed at once.

    Parameters
    ----------
    model : Module
        Is called on the inputs.
    inputs : array_like
        Rows of samples.

    Examples
    --------
    >>> import nn
    >>> X, labels = nn.load_digits()
    >>> model = nn.MLP([64, 16, 10], dropout=0.2, rng=0)
    >>> probabilities = nn.softmax(nn.evaluate(model, X))
    >>> probabilities.shape, probabilities.argmax(axis=1).shape
    ((1797, 10), (1797,))
    """
    _check_model("evaluate", model)
    with evaluating(model), ag.no_grad():
        outputs = outputs_of("evaluate", model, inputs)
    return outputs.numpy() if isinstance(outputs, ag.Tensor) else outputs


def _split(data: Any, size: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return data to train on, and data to validate with."""
    if not isinstance(data, Dataset):
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise ValueError(
                f"fit: validation is {shown(size)}, a part of the data, but they are {shown(data)}, which is not "
                "split. Pass data=(X, y), or validation=(inputs, targets)."
            )
        data = checked("fit", "data", data)
    samples = len(data) if isinstance(data, Dataset) else len(data[0])
    if not 0 < size < (samples if isinstance(size, (int, np.integer)) else 1):
        raise ValueError(
            f"fit: validation is {shown(size)}, but must be a fraction between 0 and 1, a whole number of samples, "
            f"below {samples}, or a pair (inputs, targets). Write validation=0.2."
        )
    return train_validation_split(data, size, rng=rng)


def _held_out(validation: Any) -> Any:
    """Return a pair of arrays, or what gives batches in their order."""
    if isinstance(validation, DataLoader):
        return DataLoader(validation.dataset, validation.batch_size, shuffle=False)
    if isinstance(validation, Dataset) and not isinstance(validation, ArrayDataset):
        return DataLoader(validation, PIECE, shuffle=False)  # which may be larger than memory
    found = as_loader("fit", validation, None, 0, "validation")
    return _arrays(found) or found


def _arrays(batches: DataLoader | Batches) -> tuple[Any, Any] | None:
    """Return the arrays that batches are taken from, if they are."""
    if isinstance(batches, DataLoader) and isinstance(batches.dataset, ArrayDataset):
        return batches.dataset.X, batches.dataset.y
    return None


def _outputs(model: Module, held: Any) -> tuple[Any, Any, Any]:
    """Return a model's outputs for held-out data, the targets, and inputs to look for what went wrong in."""
    if isinstance(held, tuple):
        return evaluate(model, held[0]), held[1], held[0]
    outputs, targets, suspect = [], [], None
    for x, y in held:
        outputs.append(evaluate(model, x))
        targets.append(y)
        if suspect is None or (finite(suspect) and not finite(x)):
            suspect = x
    return np.concatenate(outputs), np.concatenate(targets), suspect


def _metrics(metrics: Any, loss: Callable[..., Any]) -> dict[str, Callable[[Any, Any], float]]:
    """Return the metrics that were asked for, by name; the loss knows whether the outputs are logits."""
    if metrics is None:
        return {}
    logits = takes_logits(loss)
    if isinstance(metrics, Mapping):
        return {str(name): known_metrics.get(metric, logits) for name, metric in metrics.items()}
    found: dict[str, Any] = {}
    for metric in metrics if isinstance(metrics, (list, tuple)) else [metrics]:
        function = known_metrics.get(metric, logits)
        name = metric if isinstance(metric, str) else getattr(function, "__name__", type(function).__name__)
        if name in found:
            raise ValueError(
                f"fit: two metrics are called {name}, but each must have a name of its own. Write metrics="
                '{"one": function, "other": function}.'
            )
        found[name] = function
    return found


def _rate(optimizer: Any) -> float:
    """Return the learning rate of the first group; NaN if there is none."""
    groups = getattr(optimizer, "groups", (optimizer,))
    return float(getattr(groups[0], "lr", np.nan))


def _check_model(where: str, model: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(
            f"{where}: model is {shown(model)}, but must be a Module, such as nn.MLP([64, 32, 10]); of your own "
            "function, make one: class Net(nn.Module), with forward()."
        )


def _check_logits(model: Module, loss: Any) -> None:
    """Refuse a model that ends in what the loss does itself: it would learn slowly and badly, and nothing say so."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    once = next((once for twice, once in ONCE.items() if loss is twice), None)
    layers = model.layers if isinstance(model, Sequential) and type(model).forward is Sequential.forward else ()
    if once is not None and layers and isinstance(layers[-1], once[0]):
        raise ValueError(
            f"fit: the model ends in {layers[-1]!r}, but {loss.__name__} takes logits, what is before it, and would do "
            f"it again. Leave it out, as in nn.MLP(sizes), or take loss=nn.{once[1].__name__}."
        )


def _check_optimizer(model: Module, optimizer: Any, schedule: Any) -> None:
    if not all(hasattr(optimizer, name) for name in ("parameters", "step", "zero_grad")):
        raise TypeError(
            f"fit: optimizer is {shown(optimizer)}, but must be an optimizer of the model's parameters. "
            "Write optimizer=nn.SGD(model.parameters(), lr=0.1)."
        )
    if not {id(p) for p in optimizer.parameters} & {id(p) for p in model.parameters()}:
        raise ValueError(
            "fit: the optimizer holds no parameter of this model, so nothing would be learned. Make it from "
            "model.parameters(), after the model."
        )
    if schedule is not None and not isinstance(schedule, Schedule):
        raise TypeError(
            f"fit: schedule is {shown(schedule)}, but must be a schedule of the optimizer's learning rate. Write "
            "schedule=nn.CosineAnnealingLR(optimizer, T_max=epochs)."
        )
    if schedule is not None and schedule.optimizer is not optimizer:
        raise ValueError(
            "fit: the schedule is of another optimizer, so nothing would follow it. Make it of the one that is passed."
        )


def _check_options(epochs: int, patience: int | None, stop_below: float | None, validation: Any, metrics: Any) -> None:
    whole("fit", "epochs", epochs, 0)
    if patience is not None:
        whole("fit", "patience", patience, 1, " None does not stop early.")
    if stop_below is not None:
        real("fit", "stop_below", stop_below, "be a finite number, or None")
    if patience is not None and validation is None:
        raise ValueError(
            "fit: patience counts epochs without a better validation loss, and there is no validation set. "
            "Pass validation=(inputs, targets)."
        )
    if metrics is not None and validation is None:
        raise ValueError("fit: metrics are taken on the validation set. Pass validation=(inputs, targets).")


def _non_finite(what: str, epoch: int, model: Module, inputs: Any, targets: Any) -> NonFiniteLossError:
    """Build the error that says where it began: in the data, a parameter, a layer's output, or the loss itself."""
    advice = "Most often the learning rate is too large: try a tenth of it, or scale the inputs."
    wrong = [name for name, p in model.named_parameters() if not finite(p.data)]
    if not finite(inputs) or not finite(targets):
        place = f"the {'targets' if finite(inputs) else 'inputs'} hold NaN or infinite values"
        advice = "Find their rows with np.isfinite, and repair or drop them."
    elif wrong:
        place = f"the parameter {wrong[0]} holds NaN or infinite values"
    else:
        place = _where(model, inputs)
    return NonFiniteLossError(f"In epoch {epoch} the {what}: {place}. The best weights so far were restored. {advice}")


def _where(model: Module, inputs: Any) -> str:
    """Say which module's output is the first that is not finite; if all are, whose is the largest."""
    names = {id(module): name for name, module in model.named_modules()}
    sizes: dict[str, Any] = {}

    def look(module: Module, output: Any) -> None:
        array = output.numpy() if isinstance(output, ag.Tensor) else np.asarray(output)
        label = f"layer {names[id(module)]}, {module!r}" if names.get(id(module)) else f"the model, {module!r}"
        sizes[label] = np.maximum(sizes.get(label, 0.0), np.max(np.abs(array), initial=0.0))

    with np.errstate(all="ignore"), ag.no_grad(), observe(look):
        for i in range(0, len(inputs), PIECE):
            model(inputs[i : i + PIECE])
    for layer, size in sizes.items():
        if not np.isfinite(size):
            return f"the output of {layer}, is the first that is not finite"
    layer, size = max(sizes.items(), key=lambda pair: pair[1])
    return f"the outputs are finite, the largest, {size:.1e}, that of {layer}, and only the loss itself is not"
