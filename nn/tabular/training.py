"""A training on a table, computed: split, fit, held-out rows looked at, gradients proved. Nothing is printed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compare import Comparison, compare
from ..data import ArrayDataset, DataLoader, Dataset
from ..layers import MLP
from ..metrics import accuracy, r2_score
from ..optim import SGD, Adagrad, Adam, AdamW, Optimizer, RMSprop
from ..tables import Encoding, Table, TableDataset, Unseen, load
from ..training import History, fit
from .model import TabularModel
from .rows import Rows, rows_of

__all__ = ["OPTIMIZERS", "Data", "Settings", "Trained", "prepare", "train"]

# What makes each, and its usual learning rate; momentum is what SGD is without only in textbooks.
OPTIMIZERS: dict[str, tuple[type[Optimizer], float, dict[str, float]]] = {
    "adam": (Adam, 1e-3, {}),
    "adamw": (AdamW, 1e-3, {}),
    "sgd": (SGD, 0.05, {"momentum": 0.9}),
    "rmsprop": (RMSprop, 1e-3, {}),
    "adagrad": (Adagrad, 1e-2, {}),
}
PROVED = 32  # so many rows are in the batch of the proof
WORST = 24  # so many of the worst rows are shown
MEMORY = 2**30  # bytes: encoded rows that take more are encoded anew for each batch
EVERY = 1.0  # seconds between two checkpoints
HELD = 8192  # rows of validation at once


@dataclass(frozen=True)
class Settings:
    """How a model is built and trained; everything that changes the numbers.

    Attributes
    ----------
    layers : tuple of int
        Units of the hidden layers.
    activation : str
        Of the hidden layers; see `nn.MLP`.
    dropout : float
        See `nn.MLP`.
    optimizer : {"adam", "adamw", "sgd", "rmsprop", "adagrad"}
        SGD has momentum 0.9.
    lr : float, optional
        Learning rate; by default 0.001, of SGD 0.05, of Adagrad 0.01.
    weight_decay : float
        Of the optimizer.
    batch_size : int, optional
        By default 32, of more than 10,000 rows 128.
    epochs : int
        At most so many.
    patience : int or None
        Stop when the validation loss has not fallen for so many epochs.
    seed : int
        Of weights, dropout and the order of the rows.
    dtype : {"float64", "float32"}
        Of the parameters.
    """

    layers: tuple[int, ...] = (64, 32)
    activation: str = "relu"
    dropout: float = 0.0
    optimizer: str = "adam"
    lr: float | None = None
    weight_decay: float = 0.0
    batch_size: int | None = None
    epochs: int = 300
    patience: int | None = 20
    seed: int = 0
    dtype: str = "float64"


@dataclass(frozen=True, eq=False)
class Data:
    """A table, divided and encoded.

    Attributes
    ----------
    table : Table
        What is trained on.
    train, validation, test : TableDataset
        Parts of it; the last two may be None.
    test_table : Table or None
        What is tested on instead of a part.
    """

    table: Table
    train: TableDataset
    validation: TableDataset | None
    test: TableDataset | None
    test_table: Table | None = None

    @property
    def encoding(self) -> Encoding:
        """How columns become inputs: fitted on the training rows alone."""
        return self.train.encoding


@dataclass(frozen=True, eq=False)
class Trained:
    """A model trained on a table, and how it does on rows that it has not seen.

    Attributes
    ----------
    model : TabularModel
        With the weights of the best epoch.
    history : History
        Loss, validation loss and gradient norms, epoch by epoch.
    settings : Settings
        With nothing left open.
    data : Data
    sizes : dict of str to int
        Rows for training, validation, test.
    held : str
        Which rows are looked at below: those of the test; without any, of the validation; without any, of the training.
    outputs, targets, losses, numbers : array
        Of these rows, what the model puts out, what is right, the loss, and the row number in the file.
    scores : dict of str to dict of str to float
        For the parts, see `TabularModel.scores`.
    baseline : dict of str to float
        Of these rows: what one gets who always says the most frequent class, or the mean, of the training rows.
    worst : Rows
        Those with the largest loss, the largest first; the proof is on them.
    proof : Comparison
    unseen : list of str
        Sentences on categories that the training rows did not have.
    seconds : float
        Altogether.
    """

    model: TabularModel
    history: History
    settings: Settings
    data: Data
    sizes: dict[str, int]
    held: str
    outputs: Any
    targets: Any
    losses: Any
    numbers: Any
    scores: dict[str, dict[str, float]]
    baseline: dict[str, float]
    worst: Rows
    proof: Comparison
    unseen: list[str]
    seconds: float

    @property
    def failures(self) -> list[str]:
        """What was not proved: the symbols of the rows that disagree."""
        return [row.symbol for row in self.proof.rows if not self.proof.agrees(row)]


def prepare(
    table: Table,
    target: str,
    *,
    task: str | None = None,
    missing: str = "refuse",
    ignore: Iterable[str] = (),
    kinds: dict[str, str] | None = None,
    max_categories: int = 1000,
    test: float | Table = 0.2,
    validation: float = 0.1,
    seed: int = 0,
    dtype: Any = "float64",
    folder: Any = None,
) -> Data:
    """Read a table, divide it, and fit the encoding to the training rows.

    Parameters
    ----------
    table : Table
        See `nn.tables.open_table`.
    target : str
        The column to predict.
    task, missing, ignore, kinds, max_categories
        See `nn.tables.load`.
    test : float or Table
        Which fraction of the rows to test on; or another table, which is then looked at only after the training.
    validation : float
        Which fraction of the rows tells when to stop.
    seed : int
        Which rows.
    dtype : dtype
        Of the inputs.
    folder : path, optional
        Where tables that do not fit into memory are kept as arrays.

    Raises
    ------
    TableError
        If the table cannot be used, or one of the parts has no rows.
    """
    dataset = load(
        table,
        target,
        task=task,
        missing=missing,
        ignore=tuple(ignore),
        kinds=dict(kinds or {}),
        max_categories=max_categories,
        folder=folder,
        dtype=np.dtype(dtype),
    )
    part = test if isinstance(test, float) else 0.0
    parts = dataset.split(test=part, validation=validation, seed=seed)
    other = test if isinstance(test, Table) else None
    for chunk in () if other is None else other.chunks():  # what is wrong with it is better known before the training
        parts.train.encoding.transform(chunk, target=True, unseen=Unseen())
    return Data(table, parts.train, parts.validation, parts.test, other)


def train(
    data: Data,
    settings: Settings | None = None,
    *,
    callbacks: Sequence[Any] = (),
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: bool | None = None,
) -> Trained:
    """Train a perceptron on a table, look at held-out rows, prove the gradients on the worst of them.

    Parameters
    ----------
    data : Data
        See `prepare`.
    settings : Settings, optional
        See there.
    callbacks, checkpoint, resume, progress
        See `nn.fit`. If it is interrupted by Ctrl-C, KeyboardInterrupt is raised after the running batch.

    Raises
    ------
    NonFiniteLossError
        If the loss becomes infinite.
    OSError
        If the checkpoint cannot be written.
    """
    start = time.perf_counter()
    settings = settled(settings or Settings(), data)
    model = build(data.encoding, settings)
    kind, _, options = OPTIMIZERS[settings.optimizer]
    optimizer = kind(
        model.model.parameters(),
        lr=settings.lr or 0.0,
        weight_decay=settings.weight_decay,  # type: ignore[call-arg]
        **options,
    )
    held = data.validation
    score: dict[str, Any] = {"accuracy": accuracy} if model.classifies else {"r2": r2_score}
    if held is not None and not model.classifies and (len(held) < 2 or len(np.unique(_all(held)[1])) < 2):
        score = {}
    history = fit(
        model.model,
        fast(data.train),
        loss=model.loss,
        optimizer=optimizer,
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        validation=None if held is None else DataLoader(fast(held), HELD, shuffle=False),
        patience=None if held is None else settings.patience,
        metrics=score if held is not None and score else None,
        callbacks=list(callbacks),
        checkpoint=checkpoint,
        checkpoint_every=EVERY,
        resume=resume,
        rng=settings.seed,
        progress=progress,
    )
    if history.stopped_by == "interrupt":
        raise KeyboardInterrupt
    sizes = {"training": len(data.train), "validation": 0 if held is None else len(held)}
    scores = {}
    for name, part in (("training", data.train), ("validation", held)):
        if part is not None:
            scores[name] = model.scores(*_all(part, model))
    unseen = Unseen()
    where, numbers, outputs, targets = _held_out(model, data, unseen)
    if where == "test":
        sizes["test"], scores["test"] = len(targets), model.scores(outputs, targets)
    losses = model.losses(outputs, targets)
    order = np.argsort(-losses, kind="stable")[: max(PROVED, WORST)]
    worst = _rows(model, data, order, numbers)
    proof = compare(model.model, worst.X[:PROVED], worst.y[:PROVED], model.loss, seed=settings.seed)
    return Trained(
        model=TabularModel(model.model, model.encoding, {"settings": asdict(settings), "scores": scores}),
        history=history,
        settings=settings,
        data=data,
        sizes=sizes,
        held=where,
        outputs=outputs,
        targets=targets,
        losses=losses,
        numbers=numbers,
        scores=scores,
        baseline=_baseline(model, data, targets),
        worst=worst,
        proof=proof,
        unseen=unseen.lines(),
        seconds=time.perf_counter() - start,
    )


def settled(settings: Settings, data: Data) -> Settings:
    """Return settings with the numbers that were left open."""
    size = settings.batch_size or (32 if len(data.train) <= 10_000 else 128)
    rate = OPTIMIZERS[settings.optimizer][1] if settings.lr is None else settings.lr
    return Settings(**asdict(settings) | {"batch_size": size, "lr": rate, "layers": tuple(settings.layers)})


def build(encoding: Encoding, settings: Settings) -> TabularModel:
    """Return the model before its training."""
    sizes = [encoding.width, *settings.layers, encoding.target.outputs]
    network = MLP(sizes, settings.activation, dropout=settings.dropout, rng=settings.seed, dtype=settings.dtype)
    return TabularModel(network, encoding)


def fast(dataset: TableDataset) -> Dataset:
    """Return the same samples, encoded once, if they fit into memory so."""
    width = dataset.encoding.width * np.dtype(np.float64).itemsize
    return ArrayDataset(*dataset.arrays()) if dataset.in_memory and len(dataset) * width <= MEMORY else dataset


def _all(dataset: TableDataset, model: TabularModel | None = None) -> tuple[Any, Any]:
    """Return a dataset's outputs and targets, or without a model its targets twice, a part at a time."""
    outputs, targets = [], []
    for x, y in DataLoader(dataset, HELD, shuffle=False):
        outputs.append(y if model is None else model.outputs(x))
        targets.append(y)
    return np.concatenate(outputs), np.concatenate(targets)


def _held_out(model: TabularModel, data: Data, unseen: Unseen) -> tuple[str, Any, Any, Any]:
    """Return which rows are looked at, their numbers, outputs and targets."""
    if data.test_table is not None:
        parts = list(model.predictions(data.test_table, targets=True, unseen=unseen))
        numbers, outputs, targets = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("numbers", "outputs", "targets")
        )
        return "test", numbers, outputs, targets
    where, dataset = _kept(data)
    return where, np.asarray(dataset.numbers), *_all(dataset, model)


def _kept(data: Data) -> tuple[str, TableDataset]:
    parts = (("test", data.test), ("validation", data.validation), ("training", data.train))
    return next((name, part) for name, part in parts if part is not None)


def _rows(model: TabularModel, data: Data, order: Any, numbers: Any) -> Rows:
    """Return some of the rows that are looked at."""
    if data.test_table is not None:
        return rows_of(data.test_table, data.encoding, numbers[order], unseen=Unseen(), dtype=model.dtype)
    _, dataset = _kept(data)
    X, y = dataset[order]
    return Rows(X, y, numbers[order], dict(dataset.raw(order)))


def _baseline(model: TabularModel, data: Data, targets: Any) -> dict[str, float]:
    """Return the scores of who knows nothing but how the training rows' targets are distributed."""
    _, known = _all(data.train)
    if model.classifies:
        counts = np.bincount(known, minlength=model.encoding.target.outputs)
        outputs = np.broadcast_to(np.log(np.maximum(counts, 0.5) / len(known)), (len(targets), len(counts)))
    else:
        outputs = np.full(np.shape(targets), np.mean(known))
    return model.scores(outputs, targets)
