"""The training steps that fit takes: as they are written, compiled, or several evaluations in one (L-BFGS)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import shown
from ..module import Module
from ..optim import Optimizer
from .compiled import Clip, NonFiniteError, TrainingStep, loss_of

__all__ = ["CompiledSteps", "EagerSteps", "PIECE", "finite"]

PIECE = 10_000  # so many rows are looked at at once


class EagerSteps:
    """Training steps that record their graph, sweep it and forget it.

    Attributes
    ----------
    norms : list of float
        For each parameter of the model, the Euclidean norm of its gradient in the last step, before clipping; where
        the optimizer evaluates several times, of the first; 0 for one that the optimizer does not hold.
    """

    def __init__(
        self, model: Module, loss: Callable[[Any, Any], Any], optimizer: Optimizer, clip: Clip | None = None
    ) -> None:
        self.model, self.loss, self.optimizer, self.clip = model, loss, optimizer, clip
        self.parameters = model.parameters()
        self.norms: list[float] = []

    def __call__(self, x: Any, y: Any) -> float:
        """Take a step; return the loss before it."""
        if getattr(self.optimizer, "needs_closure", False):
            return minimize(self, lambda: self._sweep(x, y))
        value = self._sweep(x, y, must_be_finite=True)
        self.take_norms()
        if self.clip is not None:
            self.clip.write(self.optimizer.parameters)
        self.optimizer.step()
        return value

    def _sweep(self, x: Any, y: Any, must_be_finite: bool = False) -> float:
        """Set the gradients; return the loss."""
        self.optimizer.zero_grad()
        for p in self.parameters:  # those of others would add up
            p.zero_grad()
        value = loss_of("fit", self.model, self.loss, x, y)
        if not value.requires_grad and self.parameters and not any(p.requires_grad for p in self.parameters):
            raise ag.errors.NothingRecordedError(
                "fit: all parameters of the model are frozen, so nothing would be learned. Write model.unfreeze(), or "
                "that of a part."
            )
        if not value.requires_grad and any((p + 0).requires_grad for p in self.parameters):  # else backward() says why
            raise ag.errors.NothingRecordedError(
                "fit: the loss does not depend on any parameter: .detach(), a comparison or a rounding cut the path. "
                "Compute it from the outputs with NumPy functions, without these."
            )
        if must_be_finite and not finite(value.numpy()):
            raise NonFiniteError(value.numpy())
        value.backward(retain_graph=False)
        return float(value.item())

    def take_norms(self) -> None:
        """Note the norms of the gradients as they are."""
        self.norms = _norms(self.parameters, self.optimizer)


class CompiledSteps:
    """Training steps that run a compiled program, for as long as that is possible; else the eager ones.

    Attributes
    ----------
    norms : list of float
        As those of `EagerSteps`.
    reason : str or None
        Why the eager ones run.
    """

    def __init__(self, eager: EagerSteps, must: bool) -> None:
        self.eager, self.must, self.optimizer = eager, must, eager.optimizer
        self.parameters, self.norms = eager.parameters, eager.norms
        self.reason: str | None = None
        self.step: TrainingStep | None = None
        self.known: set[Any] = set()
        optimizer, kind = eager.optimizer, TrainingStep if must else _Tried
        if getattr(optimizer, "needs_closure", False):  # what it repeats is compiled
            still = Still(optimizer.parameters, lr=1.0)  # which it does not read
            self.step = kind(eager.model, eager.loss, still, keep_gradients=True, where="fit")
        elif isinstance(optimizer, Optimizer) and all(type(o).step is Optimizer.step for o in optimizer.groups):
            self.step = kind(
                eager.model,
                eager.loss,
                optimizer,
                keep_gradients=True,
                only_finite=True,
                clip=eager.clip,
                where="fit",
            )
        elif must:
            raise TypeError(
                f"fit: optimizer is {shown(optimizer)}, but must leave step() to nn.Optimizer to be compiled. "
                "Write its numbers() and update(), or leave out compile=True."
            )
        else:
            self.reason = f"{type(optimizer).__name__} has a step() of its own"

    def __call__(self, x: Any, y: Any) -> float:
        """Take a step; return the loss before it."""
        if self.step is not None:
            try:
                if (kind := (x.shape, y.shape)) not in self.known:
                    self.step.prepare(x, y)
                    self.known.add(kind)
                if self.step.optimizer is not self.optimizer:
                    return minimize(self, lambda: self._sweep(x, y))
                value = self.step(x, y)
                self._take_norms()
                return value
            except ag.errors.TraceError as error:  # nothing was changed yet
                if self.must:
                    raise
                self.step, self.reason = None, str(error)
        value = self.eager(x, y)
        self.norms = self.eager.norms
        return value

    def _sweep(self, x: Any, y: Any) -> float:
        assert self.step is not None
        value = self.step(x, y)
        self._leave_gradients()
        return value

    def _take_norms(self) -> None:
        assert self.step is not None
        gradients = self.step.gradients
        self.norms = [norm(gradients.get(p)) for p in self.parameters]

    def take_norms(self) -> None:
        """Note the norms of the gradients as they are."""
        self.norms = _norms(self.parameters, self.optimizer)

    def _leave_gradients(self) -> None:
        assert self.step is not None
        if self.step.gradients:
            self.optimizer.zero_grad()  # one that was frozen meanwhile has none
        for parameter, gradient in self.step.gradients.items():
            parameter.grad = None if gradient is None else gradient.copy()

    def close(self) -> None:
        """Set `.grad` as the eager step leaves it."""
        if self.step is not None and self.step.optimizer is self.optimizer:
            self._leave_gradients()
            if self.eager.clip is not None:
                self.eager.clip.write(self.optimizer.parameters)


def minimize(steps: EagerSteps | CompiledSteps, sweep: Callable[[], float]) -> float:
    """Take a step of an optimizer that evaluates loss and gradients as often as it likes; return the first loss."""
    first: list[float] = []

    def closure() -> float:
        value = sweep()
        if not first:
            if not math.isfinite(value):
                raise NonFiniteError(value)
            first.append(value)
            steps.take_norms()
        return value

    steps.optimizer.step(closure)  # type: ignore[call-arg]
    return first[0]


class Still(Optimizer):
    """Leaves the parameters where they are: of a training step, all but the update remains."""

    timeless = True

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:  # noqa: ARG002
        """Return the parameter."""
        return p, ()


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


def finite(array: Any) -> bool:
    """Return whether no number is NaN or infinite; a file that is mapped may be larger than memory."""
    if array.dtype.kind not in "fc":
        return True
    if array.ndim == 0:
        return bool(np.isfinite(array))
    return all(bool(np.all(np.isfinite(array[i : i + PIECE]))) for i in range(0, len(array), PIECE))


def _norms(parameters: list[Any], optimizer: Any) -> list[float]:
    """Return the norm of each parameter's gradient, 0 where it has none or another optimizer's it is."""
    held = set(map(id, optimizer.parameters))
    return [norm(p.grad) if id(p) in held else 0.0 for p in parameters]


def norm(g: Any) -> float:
    """Return the Euclidean norm, as `np.linalg.norm` computes it, in a fifth of its time on small arrays."""
    if g is None:
        return 0.0
    if type(g) is not np.ndarray or g.dtype.kind != "f":
        return float(np.linalg.norm(g))
    flat = g.ravel()
    return math.sqrt(flat.dot(flat))
