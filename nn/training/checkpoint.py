"""Checkpoint: all that the rest of a training depends on, in one file that is replaced as a whole after each epoch."""

from __future__ import annotations

import math
import os
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import shown
from ..data import ArrayDataset, DataLoader, Dataset
from ..module import generators_of
from ..saving import archive
from .callbacks import Callback
from .history import History

if TYPE_CHECKING:
    from .fit import Training

__all__ = ["Checkpoint"]

KIND, VERSION = "training", 1


class Checkpoint:
    """Where the state of a training is written to and read from, if anywhere.

    What is written: parameters and buffers, now and of the best epoch; which parameters are frozen and which parts in
    training mode; the optimizer's state, the schedule's, the callbacks'; the history; where each random generator
    stands, those of the model and of the data. A training that starts from it takes the same steps.

    Parameters
    ----------
    where : str
        The function that messages name.
    path : path or None
        Where to write.
    resume : bool or path
        What to read: True: `path`, if it is there.
    pause : float
        Seconds between two times that it is written.
    """

    def __init__(self, where: str, path: Any, resume: Any, pause: float = 0.0) -> None:
        self.where, self.pause, self.written = where, pause, -math.inf
        self.saved: Any = None
        self.start: Any = None
        self.rng: Any = None
        self.checksums: list[str | None] | None = None
        if path is not None and not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"{where}: checkpoint is {shown(path)}, but must be a path, as in checkpoint='run.npz'.")
        self.path = None if path is None else Path(os.path.abspath(path))
        if self.path is not None and self.path.suffix != ".npz":
            raise ValueError(
                f"{where}: checkpoint is {shown(str(path))}, but must be a file whose name ends in .npz. "
                "Write checkpoint='run.npz'."
            )
        if self.path is not None and not self.path.parent.is_dir():
            raise FileNotFoundError(
                f"{where}: checkpoint is {shown(str(path))}, and there is no directory {self.path.parent}. Make it "
                "first."
            )
        if resume is True:
            if path is None:
                raise ValueError(
                    f"{where}: resume is True, and there is no checkpoint to go on from. Pass checkpoint='run.npz' too."
                )
            self.source = self.path if self.path is not None and self.path.exists() else None
        elif resume is False or resume is None:
            self.source = None
        elif isinstance(resume, (str, os.PathLike)):
            self.source = Path(resume)
        else:
            raise TypeError(
                f"{where}: resume is {shown(resume)}, but must be True, False, or a checkpoint's path. Write "
                "resume=True."
            )

    def begin(self, rng: np.random.Generator) -> None:
        """Read the file, if a training is to be resumed; put the generator where it stood when that training began."""
        if self.source is not None:
            arrays, packed = archive.read(self.source)
            if packed.get("kind") != KIND:
                raise archive.FileError(
                    f"{self.where}: {self.source} holds no training. Pass a file that fit wrote as its checkpoint; a "
                    "saved model is read with nn.load."
                )
            if packed.get("version") != VERSION:
                raise archive.FileError(
                    f"{self.where}: {self.source} is a checkpoint of version {packed.get('version')}, and this package "
                    f"reads version {VERSION}. Use the release that wrote it."
                )
            self.saved = archive.unpack(arrays, packed)
            _set_generator(self, "the rng", rng, self.saved["start"])
        self.rng, self.start = rng, rng.bit_generator.state

    def restore(self, training: Training) -> None:
        """Put the state that was read into a training that was made as that one was."""
        if self.saved is None:
            return
        saved, run = self.saved, training.run
        setting = self._setting(training)
        for name, value in saved["setting"].items():
            if name not in setting or setting[name] != value:
                raise ValueError(
                    f"{self.where}: the checkpoint {self.source} is of a training with {name} {value}, and this one "
                    f"has {setting.get(name)}. Pass what was passed then, or start anew, without resume."
                )
        generators = self._generators(training)
        if generators.keys() != saved["generators"].keys() or (run.schedule is None) != (saved["schedule"] is None):
            raise ValueError(
                f"{self.where}: the checkpoint {self.source} is of a training with another model or without this "
                "schedule, or on other data. Build all as they were, or start anew, without resume."
            )
        # The optimizer comes after the schedule: its numbers are those that a callback may have assigned.
        parts: dict[str, Any] = {"model": run.model, "schedule": run.schedule, "optimizer": run.optimizer}
        parts = {name: part for name, part in parts.items() if part is not None}
        undo = {name: part.state_dict() for name, part in parts.items()}
        try:
            for name, part in parts.items():
                part.load_state_dict(saved[name])
        except (KeyError, TypeError, ValueError):
            for name, part in parts.items():
                part.load_state_dict(undo[name])
            raise
        for name, p in run.model.named_parameters():
            p.requires_grad = name not in saved["frozen"]
        for name, module in run.model.named_modules():
            module.training = saved["modes"].get(name, module.training)
        for name, generator in generators.items():
            _set_generator(self, name, generator, saved["generators"][name])
        if isinstance(training.batches, DataLoader) and saved["loader"] is not None:
            training.batches.load_state_dict(saved["loader"])
        for callback, state in zip(_with_state(training), saved["callbacks"], strict=True):
            callback.load_state_dict(state)
        history = History.from_dict(saved["history"])
        for field in fields(history):
            setattr(run.history, field.name, getattr(history, field.name))
        training.best, training.best_state = saved["best"], saved["best_state"]
        run.epoch = history.epochs

    def write(self, training: Training, last: bool = True) -> None:
        """Write the state after an epoch; if it is not the last, perhaps not yet."""
        if self.path is None or not (last or time.monotonic() - self.written >= self.pause):
            return
        run, loader = training.run, training.batches
        state = {
            "kind": KIND,
            "version": VERSION,
            "setting": self._setting(training),
            "start": self.start,
            "model": run.model.state_dict(),
            "frozen": [name for name, p in run.model.named_parameters() if not p.requires_grad],
            "modes": {name: module.training for name, module in run.model.named_modules()},
            "best": float(training.best),
            "best_state": training.best_state,
            "optimizer": run.optimizer.state_dict(),
            "schedule": None if run.schedule is None else run.schedule.state_dict(),
            "generators": {name: g.bit_generator.state for name, g in self._generators(training).items()},
            "loader": loader.state_dict() if isinstance(loader, DataLoader) else None,
            "callbacks": [callback.state_dict() for callback in _with_state(training)],
            "history": run.history.as_dict(),
        }
        archive.write(self.path, *archive.pack(state))
        self.written = time.monotonic()

    def _generators(self, training: Training) -> dict[str, np.random.Generator]:
        """Return the random generators of the model and of the data, and the one that was passed, by name."""
        found = {f"model {name}": generator for name, generator in training.run.model.named_generators()}
        for what, data in (("data", training.batches), ("validation", training.held)):
            found |= {f"{what} {name}": generator for name, generator in _generators_of_data(data)}
        return found | {"rng": self.rng}

    def _setting(self, training: Training) -> dict[str, Any]:
        """Return what must be the same in a training that is resumed, beside what loading its state finds out."""
        run, loader = training.run, training.batches
        if self.checksums is None:
            held = training.held if isinstance(training.held, tuple) else ()
            dataset = loader.dataset if isinstance(loader, DataLoader) else None
            arrays = (dataset.X, dataset.y) if isinstance(dataset, ArrayDataset) else ()
            self.checksums = [_checksum(array) for array in (*arrays, *held)]
        return {
            "loss": _name(training.loss),
            "batch_size": loader.batch_size if isinstance(loader, DataLoader) else None,
            "samples": loader.samples if isinstance(loader, DataLoader) else None,
            "shuffle": loader.shuffle if isinstance(loader, DataLoader) else None,
            "drop_last": loader.drop_last if isinstance(loader, DataLoader) else None,
            "validation samples": len(training.held[0]) if isinstance(training.held, tuple) else None,
            "metrics": list(training.metrics),
            "callbacks with a state": [type(callback).__name__ for callback in _with_state(training)],
            "parameters": [[name, list(p.shape), str(p.dtype)] for name, p in run.model.named_parameters()],
            "frozen": training.frozen,
            "clipping": None if training.clip is None else [training.clip.by_norm, training.clip.limit],
            "data of checksums": self.checksums,
        }


def _generators_of_data(data: Any) -> Iterator[tuple[str, np.random.Generator]]:
    """Yield the random generators of a loader's Dataset, or of what gives the batches; and of Datasets below it."""
    pending = [("", data.dataset if isinstance(data, DataLoader) else getattr(data, "source", None))]
    seen: set[int] = set()
    while pending:
        prefix, holder = pending.pop()
        if id(holder) not in seen:
            seen.add(id(holder))
            yield from ((prefix + name, generator) for name, generator in generators_of(holder))
            attributes = getattr(holder, "__dict__", {}).items()
            pending += [(f"{prefix}{name}.", value) for name, value in attributes if isinstance(value, Dataset)]


def _checksum(array: Any) -> str | None:
    """Return the checksum of an array in memory; of a memory map, which may be long, None."""
    holder = array
    while isinstance(holder, np.ndarray) and not isinstance(holder, np.memmap):
        holder = holder.base
    if isinstance(holder, np.memmap) or array.dtype.hasobject:
        return None
    return f"{zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data):08x}"


def _with_state(training: Training) -> list[Callback]:
    return [c for c in training.callbacks if type(c).state_dict is not Callback.state_dict]


def _name(function: Callable[..., Any]) -> str:
    function = getattr(function, "func", function)  # of a functools.partial
    return getattr(function, "__qualname__", type(function).__name__)


def _set_generator(checkpoint: Checkpoint, name: str, generator: np.random.Generator, state: Any) -> None:
    own = generator.bit_generator
    if not isinstance(state, dict) or state.get("bit_generator") != type(own).__name__:
        raise ValueError(
            f"{checkpoint.where}: the checkpoint {checkpoint.source} was written with a random generator of another "
            f"kind than {type(own).__name__}, {name}. Pass one of that kind."
        )
    own.state = state
