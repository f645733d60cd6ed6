"""Checkpoint: all that the rest of a training depends on, in one file that is replaced as a whole after each epoch."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..saving import archive
from ..checks import shown
from ..data import DataLoader
from .history import History

if TYPE_CHECKING:
    from .fit import Training

__all__ = ["Checkpoint"]

KIND, VERSION = "training", 1


class Checkpoint:
    """Where the state of a training is written to and read from, if anywhere.

    What is written: parameters and buffers, now and of the best epoch; the optimizer's state, the schedule's, the
    callbacks'; the history; where each random generator stands. A training that starts from it takes the same steps.

    Parameters
    ----------
    where : str
        The function that messages name.
    path : path or None
        Where to write.
    resume : bool or path
        What to read: True: `path`, if it is there.
    """

    def __init__(self, where: str, path: Any, resume: Any) -> None:
        self.where = where
        self.saved: Any = None
        self.start: Any = None
        if path is not None and not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"{where}: checkpoint is {shown(path)}, but must be a path, as in checkpoint='run.npz'.")
        self.path = None if path is None else Path(os.path.abspath(path))
        if self.path is not None and self.path.suffix not in (".npz", ".safetensors"):
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
        self.start = rng.bit_generator.state

    def restore(self, training: Training) -> None:
        """Put the state that was read into a training that was made as that one was."""
        if self.saved is None:
            return
        saved, run = self.saved, training.run
        setting = _setting(training)
        for name, value in saved["setting"].items():
            if name not in setting or setting[name] != value:
                raise ValueError(
                    f"{self.where}: the checkpoint {self.source} is of a training with {name} {value}, and this one "
                    f"has {setting.get(name)}. Pass what was passed then, or start anew, without resume."
                )
        generators = dict(run.model.named_generators())
        if generators.keys() != saved["generators"].keys() or (run.schedule is None) != (saved["schedule"] is None):
            raise ValueError(
                f"{self.where}: the checkpoint {self.source} is of a training with another model or without this "
                "schedule. Build both as they were, or start anew, without resume."
            )
        undo = run.model.state_dict()
        run.model.load_state_dict(saved["model"])
        try:
            run.optimizer.load_state_dict(saved["optimizer"])
            if run.schedule is not None:
                run.schedule.load_state_dict(saved["schedule"])
        except ValueError:
            run.model.load_state_dict(undo)
            raise
        for name, generator in generators.items():
            _set_generator(self, name, generator, saved["generators"][name])
        if isinstance(training.batches, DataLoader) and saved["loader"] is not None:
            training.batches.load_state_dict(saved["loader"])
        for callback, state in zip(training.callbacks, saved["callbacks"], strict=True):
            callback.load_state_dict(state)
        history = History.from_dict(saved["history"])
        for field in fields(history):
            setattr(run.history, field.name, getattr(history, field.name))
        training.best, training.best_state = saved["best"], saved["best_state"]
        run.epoch = history.epochs

    def write(self, training: Training) -> None:
        """Write the state after an epoch."""
        if self.path is None:
            return
        run, loader = training.run, training.batches
        state = {
            "kind": KIND,
            "version": VERSION,
            "setting": _setting(training),
            "start": self.start,
            "model": run.model.state_dict(),
            "best": float(training.best),
            "best_state": training.best_state,
            "optimizer": run.optimizer.state_dict(),
            "schedule": None if run.schedule is None else run.schedule.state_dict(),
            "generators": {name: g.bit_generator.state for name, g in run.model.named_generators()},
            "loader": loader.state_dict() if isinstance(loader, DataLoader) else None,
            "callbacks": [callback.state_dict() for callback in training.callbacks],
            "history": run.history.as_dict(),
        }
        archive.write(self.path, *archive.pack(state))


def _setting(training: Training) -> dict[str, Any]:
    """Return what must be the same in a training that is resumed, beside what loading its state finds out."""
    run, loader = training.run, training.batches
    return {
        "loss": _name(training.loss),
        "batch_size": loader.batch_size if isinstance(loader, DataLoader) else None,
        "samples": loader.samples if isinstance(loader, DataLoader) else None,
        "validation samples": len(training.held[0]) if isinstance(training.held, tuple) else None,
        "metrics": list(training.metrics),
        "callbacks": len(training.callbacks),
        "parameters": [[name, list(p.shape), str(p.dtype)] for name, p in run.model.named_parameters()],
        "frozen": [name for name, p in run.model.named_parameters() if not p.requires_grad],
        "clipping": None if training.clip is None else [training.clip.by_norm, training.clip.limit],
    }


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
