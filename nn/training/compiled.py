"""compile_step: forward pass, loss, backward pass and update as one compiled program."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import callable_of, real, shown
from ..module import Buffer, Module, Parameter, collect
from ..optim import Number, Optimizer, clip_grad_norm_, clip_grad_value_, clipped_norm, clipped_value
from ..optim.optimizer import OWN

__all__ = ["Clip", "NonFiniteError", "TrainingStep", "compile_step", "loss_of", "outputs_of", "scalar"]

REBUILDS = 3  # as often may the parameters that receive a gradient be other ones than was thought


def compile_step(
    model: Module,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    *,
    backend: str = "numpy",
    keep_gradients: bool = False,
    clip_norm: float | None = None,
    clip_value: float | None = None,
) -> TrainingStep:
    """Return a function that takes one training step, compiled.

    What a loop does with ``loss(model(x), y)``, ``backward()`` and ``optimizer.step()`` becomes one program, recorded
    at the first call for each kind of batch. The parameters of each group move into one flat vector, and so does the
    optimizer's state: the update is a few operations on vectors, whatever the number of layers. An array ``p.data``
    that was taken before the first step stays as it was then. No `.grad` is read or written.

    Parameters
    ----------
    model : Module
        Is called on `x`, in the mode (training or evaluation) that it is in at each call.
    loss : callable
        ``loss(outputs, y)``, a scalar.
    optimizer : Optimizer
        Holds the parameters to update. Its numbers may change between steps.
    backend : {"numpy", "numba"}
        See `autograd_mini.compile`.
    keep_gradients : bool
        Make the gradients of the last step available as ``step.gradients``, as they were before clipping.
    clip_norm, clip_value : float, optional
        Clip the gradients before the update: the norm of all together, as `clip_grad_norm_`, or each entry, as
        `clip_grad_value_`.

    Returns
    -------
    TrainingStep
        ``step(x, y)`` takes a step and returns the loss before it, a float.

    Raises
    ------
    TraceError
        At the first call, if model or loss cannot be recorded: see `autograd_mini.trace`.
    NothingRecordedError
        At the first call, if the loss depends on no parameter of the optimizer.

    Examples
    --------
    >>> import numpy as np, nn
    >>> model = nn.MLP([2, 1], output="sigmoid", rng=0)
    >>> step = nn.compile_step(model, nn.squared_error, nn.SGD(model.parameters(), lr=0.5))
    >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[1.0], [0.0]])
    >>> first = step(x, y)
    >>> for _ in range(50):
    ...     last = step(x, y)
    >>> last < 0.3 * first
    True
    """
    if not isinstance(model, Module):
        raise TypeError(f"compile_step: model is {shown(model)}, but must be a Module, such as nn.MLP([64, 32, 10]).")
    callable_of("compile_step", "loss", loss, "nn.cross_entropy")
    if not isinstance(optimizer, Optimizer) or optimizer.needs_closure:
        raise TypeError(
            f"compile_step: optimizer is {shown(optimizer)}, but must be one of nn's that steps from one gradient. "
            "Write nn.SGD(model.parameters(), lr=0.1)."
        )
    if own := next((o for o in optimizer.groups if type(o).step is not Optimizer.step), None):
        raise TypeError(
            f"compile_step: {type(own).__name__} has a step() of its own, which would be left out, but must leave "
            "step() to nn.Optimizer. Write its numbers() and update(), or write the loop."
        )
    clip = Clip.of("compile_step", clip_norm, clip_value)
    return TrainingStep(model, loss, optimizer, backend, keep_gradients=keep_gradients, clip=clip)


class TrainingStep:
    """One training step as a program; made by `compile_step`.

    Attributes
    ----------
    gradients : dict of Parameter to array
        Of the last step, if they are kept.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
        backend: str = "numpy",
        *,
        keep_gradients: bool = False,
        only_finite: bool = False,
        clip: Clip | None = None,
        where: str = "compile_step",
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self._backend, self._keep, self._only_finite, self._where = backend, keep_gradients, only_finite, where
        self._clip = clip
        self._unused: set[Parameter] = set()
        self._buffers: list[Buffer] = []
        self._parts: list[_Part] = []
        self._compiled: ag.Compiled | None = None
        self._preparing = [False]  # a list, which the step's guard does not look into
        self._watched = True  # whether the next step has to look at the optimizer
        self.gradients: dict[Parameter, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Travel without what is compiled: that is made anew, for the model and the optimizer that come along."""
        return vars(self) | {"_compiled": None, "_parts": [], "_preparing": [False], "gradients": {}}

    def __call__(self, x: Any, y: Any) -> float:
        """Take a step on a batch; return the loss before it."""
        x = x if type(x) is np.ndarray else _array(x)
        y = y if type(y) is np.ndarray else _array(y)
        compiled = self._compiled
        if compiled is None or self._watched or not all([part.is_still() for part in self._parts]):
            self._ready()
            compiled = self._compiled
            assert compiled is not None
        try:
            value = compiled(x, y)
        except _Changed:
            self.prepare(x, y)
            assert self._compiled is not None
            value = self._compiled(x, y)
        for part in self._parts:
            part.optimizer.steps += 1
            for i in part.missing:
                part.optimizer.missed[i] += 1
        return float(value)

    def prepare(self, x: Any, y: Any) -> None:
        """Compile for such a batch, without taking a step.

        Raises
        ------
        AutogradError
            If the step cannot be recorded.
        """
        self._ready()
        vectors = [vector for part in self._parts for vector in part.vectors]
        if not all(p.data is piece for v in vectors for p, piece in zip(v.parameters, v.pieces, strict=True)):
            self._build()  # some parameters live elsewhere now, such as in the vector of another optimizer's step
        for _ in range(REBUILDS):
            assert self._compiled is not None
            try:
                self._preparing[0] = True
                self._compiled.entry((x, y), {})
                return
            except _Changed as change:
                self._unused = change.unused
                self._buffers += change.buffers
                self._build()
            finally:
                self._preparing[0] = False
        raise ag.errors.TraceError(
            f"{self._where}: which parameters the loss depends on, or which buffers are written, changes from one "
            "recording to the next, so the optimizer's state has no lasting place. Let each step use all parameters of "
            "the optimizer."
        )

    def _ready(self) -> None:
        """Lay everything out, unless that is as it was; write the numbers of the next step to where they are read."""
        if not all(part.is_as_it_was() for part in self._parts):
            self._compiled = None
        if self._compiled is None:
            self._build()
        for part in self._parts:
            part.count()
        self._watched = any(part.watched for part in self._parts)

    def source(self) -> str:
        """Return the code that runs, of the kind of batch that came last."""
        if self._compiled is None:
            raise ag.errors.TraceError("compile_step: nothing was compiled yet. Take a step first: step(x, y).")
        return self._compiled.source()

    def _build(self) -> None:
        """Lay parameters and state out as vectors, and write the function that is compiled."""
        unused, buffers, preparing = self._unused, tuple(self._buffers), self._preparing
        parts = self._parts = [_Part(optimizer, unused, self._keep) for optimizer in self.optimizer.groups]
        blocks = [vector for part in parts for vector in part.vectors]
        self.gradients = {p: g for block in blocks for p, g in zip(block.parameters, block.gradients, strict=True)}
        written = [array for block in blocks for array in block.written] + [buffer.data for buffer in buffers]
        into = {1 + k: array for k, array in enumerate(written)}
        model, loss, where, only_finite, clip = self.model, self.loss, self._where, self._only_finite, self._clip
        everyone = [p for part in parts for p in part.everyone]
        candidates = [p for p in everyone if p.requires_grad]
        vectors = [
            (block.vector, block.state, block.cells, block.parameters, block.kept is not None) for block in blocks
        ]
        update: Any = _nothing
        for part in parts:
            for _ in part.vectors:
                update = _then(update, part.update)

        def step(x: Any, y: Any) -> Any:
            if not preparing[0]:  # something is not as it was: first see whether all still lies where it did
                raise _Changed(unused)
            with collect() as assigned:
                value = loss_of(where, model, loss, x, y)
            if only_finite:
                ag.ensure(np.isfinite(value), NonFiniteError, value)
            if [id(p) for p in everyone if p.requires_grad] != list(map(id, candidates)):  # == compares values
                raise _Changed(unused)
            found = dict(zip(candidates, ag.gradients(value, candidates, unused="none"), strict=True))
            missing = {p for p, g in found.items() if g is None}
            if len(missing) == len(found):
                raise ag.errors.NothingRecordedError(
                    f"{where}: the loss does not depend on any parameter of the optimizer: .detach(), a comparison or "
                    "a rounding cut the path. Compute it from the outputs with NumPy functions, without these."
                )
            more = [buffer for buffer in assigned if all(buffer is not known for known in buffers)]
            if missing != unused or more:
                raise _Changed(missing, more)
            gradients = [np.concatenate([np.ravel(found[p]) for p in parameters]) for *_, parameters, _ in vectors]
            calls = [
                (ag.Tensor(vector), gradient, tuple(map(ag.Tensor, state)), *map(ag.Tensor, cells))
                for (vector, state, cells, *_), gradient in zip(
                    vectors, gradients if clip is None else clip(gradients), strict=True
                )
            ]
            results = []
            for (new, slots), gradient, (*_, kept) in zip(update(calls), gradients, vectors, strict=True):
                results += [new, *slots, *([gradient] if kept else [])]
            results += [assigned.get(buffer, buffer) for buffer in buffers]
            return ag.stop_gradient((value, *results))  # the parameters are written to, not differentiated by

        self._compiled = ag.compile(step, backend=self._backend, into=into)


@dataclass(frozen=True)
class Clip:
    """What is done to the gradients before the update."""

    by_norm: bool
    limit: float

    @classmethod
    def of(cls, where: str, clip_norm: float | None, clip_value: float | None) -> Clip | None:
        """Return what two keywords ask for, of which at most one is given."""
        if clip_norm is not None and clip_value is not None:
            raise ValueError(
                f"{where}: clip_norm and clip_value are both given, but must be one or the other. Take clip_norm, "
                "which keeps the direction."
            )
        if clip_norm is not None:
            return cls(
                True, real(where, "clip_norm", clip_norm, "be positive and finite, or None", above=0, below=np.inf)
            )
        if clip_value is not None:
            need = "be positive and finite, or None"
            return cls(False, real(where, "clip_value", clip_value, need, above=0, below=np.inf))
        return None

    def __call__(self, gradients: list[Any]) -> list[Any]:
        """Return the clipped gradients; arrays or Tensors."""
        return (clipped_norm if self.by_norm else clipped_value)(gradients, self.limit)

    def write(self, parameters: list[Parameter]) -> None:
        """Clip `.grad`."""
        (clip_grad_norm_ if self.by_norm else clip_grad_value_)(parameters, self.limit)


class NonFiniteError(Exception):
    """The loss became NaN or infinite; no step was taken."""


class _Changed(Exception):
    """Other parameters than were thought receive a gradient, or more buffers a value; the rest is left alone."""

    def __init__(self, unused: set[Parameter], buffers: Iterable[Buffer] = ()) -> None:
        super().__init__(unused)
        self.unused, self.buffers = unused, list(buffers)


def _nothing(_: list[Any]) -> list[Any]:
    return []


def _then(before: Callable[[list[Any]], list[Any]], update: Any) -> Callable[[list[Any]], list[Any]]:
    """Return the function that updates the last vector, too; in a list, an update would be hidden from the guards."""

    def run(calls: list[Any]) -> list[Any]:
        function = update["update"] if isinstance(update, dict) else update
        return [*before(calls[:-1]), function(*calls[-1])]

    return run


class _Part:
    """The parameters of one group, laid out as vectors: one for each dtype and number of updates so far."""

    def __init__(self, optimizer: Optimizer, unused: set[Parameter], keep: bool) -> None:
        if not optimizer.is_elementwise():
            raise ag.errors.TraceError(
                f"compile_step: update() of {type(optimizer).__name__} is not elementwise, and would be another on one "
                "vector of all parameters. Write the loop, or let fit do without compile=True."
            )
        self.optimizer, self.parameters, self.everyone = optimizer, optimizer.parameters, list(optimizer.parameters)
        used = [i for i, p in enumerate(self.everyone) if p.requires_grad and p not in unused]
        self.missing = [i for i in range(len(self.everyone)) if i not in used]
        kinds: dict[Any, list[int]] = {}
        for i in used:
            kinds.setdefault((self.everyone[i].dtype, optimizer.missed[i]), []).append(i)
        self.vectors = [_Vector(optimizer, members, keep) for members in kinds.values()]
        self.extras = {k: v for k, v in vars(optimizer).items() if k not in OWN and not _is_number(optimizer, k)}
        self.timeless, self.changes = optimizer.timeless, -1
        self.watched = bool(self.extras) or any(any(v.own) for v in self.vectors) or not self.timeless
        frozen = copy.copy(optimizer)  # nothing changes it: its numbers come as arrays
        frozen.parameters, frozen.state, frozen.missed = [], [], []
        # A function of the user's is looked at before each step, for what it closes over; those of nn need not be.
        own = type(frozen).update.__module__.partition(".")[0] == __name__.partition(".")[0]
        self.update: Any = {"update": frozen.update} if own else frozen.update

    def is_still(self) -> bool:
        """Return whether the parameters are the same objects, and no number was assigned."""
        optimizer = self.optimizer
        held = optimizer.parameters
        return held is self.parameters and len(held) == len(self.everyone) and self.changes == optimizer.changes

    def is_as_it_was(self) -> bool:
        """Return whether the optimizer still has the parameters and the state that were laid out, and what else."""
        optimizer = self.optimizer
        if optimizer.parameters is not self.parameters or len(optimizer.parameters) != len(self.everyone):
            return False
        if not self.watched:
            return True
        state, missed = optimizer.state, optimizer.missed
        for vector in self.vectors:
            late = 1 - vector.ahead
            for i, own in zip(vector.members, vector.own, strict=True):
                if state[i] is not own or (missed[i] != late and not self.timeless):
                    return False
        return all(getattr(optimizer, name) is value for name, value in self.extras.items())

    def count(self) -> None:
        """Write the numbers of the next step to where the program reads them, if they may be others."""
        optimizer = self.optimizer
        if self.changes != optimizer.changes or not self.timeless:
            self.changes = optimizer.changes
            for vector in self.vectors:
                vector.count(optimizer)


class _Vector:
    """Parameters of one dtype, as one vector, with the optimizer's state and numbers for them."""

    def __init__(self, optimizer: Optimizer, members: list[int], keep: bool) -> None:
        self.members, self.parameters = members, [optimizer.parameters[i] for i in members]
        self.vector = flat(self.parameters)
        self.pieces = [p.data for p in self.parameters]
        self.state: list[Any] = []
        old = [optimizer.state[i] for i in members]
        for k in range(optimizer.slots):
            arrays = [state[k] for state in old]
            self.state.append(_whole(arrays) if _whole(arrays) is not None else _joined(arrays))
        shapes = [p.shape for p in self.parameters]
        pieces = [_pieces(vector, shapes) for vector in self.state]
        self.own = [tuple(piece[j] for piece in pieces) for j in range(len(members))]
        for i, own in zip(members, self.own, strict=True):
            optimizer.state[i] = own
        dtype = self.vector.dtype
        self.ahead = 1 - optimizer.missed[members[0]]
        self.numbers = optimizer.numbers(optimizer.steps + self.ahead)
        self.cells = [np.asarray(number, dtype) for number in self.numbers]
        self.kept = np.zeros_like(self.vector) if keep else None
        self.gradients = [None] * len(members) if self.kept is None else _pieces(self.kept, shapes)
        self.written = [self.vector, *self.state, *([] if self.kept is None else [self.kept])]

    def count(self, optimizer: Optimizer) -> None:
        """Write the numbers of the next step to where the program reads them."""
        numbers = optimizer.numbers(optimizer.steps + self.ahead)
        for cell, old, new in zip(self.cells, self.numbers, numbers, strict=True):
            if new != old:
                cell[()] = new
        self.numbers = numbers


def flat(parameters: list[Parameter]) -> Any:
    """Return one vector of which the parameters' arrays are parts, in their order; made if there is none."""
    whole = _whole([p.data for p in parameters])
    if whole is None:
        whole = np.empty(sum(p.size for p in parameters), parameters[0].dtype)
        for p, part in zip(parameters, _pieces(whole, [p.shape for p in parameters]), strict=True):
            p.move_to(part)
    return whole


def _pieces(vector: Any, shapes: Iterable[tuple[int, ...]]) -> list[Any]:
    """Return views of a vector, one after the other, in these shapes."""
    pieces, start = [], 0
    for shape in shapes:
        stop = start + int(np.prod(shape))
        pieces.append(vector[start:stop].reshape(shape))
        start = stop
    return pieces


def _joined(arrays: list[Any]) -> Any:
    return np.concatenate([np.ravel(array) for array in arrays])


def _whole(arrays: list[Any]) -> Any:
    """Return the vector that arrays are the parts of, one after the other and nothing else; None if there is none."""
    base = arrays[0].base
    if not isinstance(base, np.ndarray) or base.ndim != 1 or base.size != sum(a.size for a in arrays):
        return None
    place = base.__array_interface__["data"][0]
    for array in arrays:
        own = array.__array_interface__["data"][0]
        if array.base is not base or not array.flags.c_contiguous or array.dtype != base.dtype or own != place:
            return None
        place += array.nbytes
    return base


def _is_number(optimizer: Optimizer, name: str) -> bool:
    """Return whether an attribute is one of the numbers, which the program is told at each step."""
    return any(isinstance(vars(cls).get(name), Number) for cls in type(optimizer).__mro__)


def _array(value: Any) -> Any:
    if isinstance(value, np.ndarray) and type(value) is not np.memmap:
        return value  # of a subclass, which `ag.compile` refuses
    return value.numpy() if isinstance(value, ag.Tensor) else np.asarray(value)


def outputs_of(where: str, model: Module, inputs: Any) -> Any:
    """Return what the model returns, which must be one array."""
    outputs = model(inputs)
    if not isinstance(outputs, (ag.Tensor, np.ndarray, np.generic)):
        fix = "Is `return` missing in its forward()?" if outputs is None else "Return the outputs alone."
        raise TypeError(f"{where}: the model returned {shown(outputs)}, but must return one array. {fix}")
    return outputs


def loss_of(where: str, model: Module, loss: Callable[[Any, Any], Any], inputs: Any, targets: Any) -> Any:
    """Return the loss of a batch, if it is one real number and recorded."""
    outputs = outputs_of(where, model, inputs)
    if np.ndim(outputs) == 1 and len(inputs) > 1:
        raise ag.errors.ShapeError(
            f"{where}: the model returned shape {np.shape(outputs)} for {len(inputs)} samples, which a loss takes for "
            "one sample: outputs have shape (samples, outputs). Return o[:, None], and give such targets."
        )
    value = scalar(where, loss(outputs, targets))
    if not isinstance(value, ag.Tensor):
        raise TypeError(
            f"{where}: the loss returned {'None' if value is None else f'a {type(value).__name__}'}, which has no "
            "gradient. Compute it from the outputs with NumPy functions, and in forward() too, without .numpy(), "
            ".item() or .detach()."
        )
    return value


def scalar(where: str, value: Any) -> Any:
    """Return what a loss returned, if it is one real number."""
    if not isinstance(value, (ag.Tensor, np.ndarray, np.generic)):
        return value
    if value.size != 1:
        raise ag.errors.ShapeError(
            f"{where}: the loss returned shape {value.shape}, but must return one number, a scalar. "
            "Reduce it: np.mean(...), or reduction='mean'."
        )
    if value.dtype.kind not in "fiub":
        raise ag.errors.DTypeError(
            f"{where}: the loss returned {value.dtype}, but must return a real number. Take np.real or np.abs of it."
        )
    return value
