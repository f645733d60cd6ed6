"""Data: the digits that ship with the package, splits, batches, and what fit takes as data."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of, generator, lazy, real, shown, whole

__all__ = [
    "ArrayDataset",
    "Batches",
    "DataLoader",
    "Dataset",
    "as_loader",
    "batches",
    "checked",
    "load_digits",
    "stratified_split",
    "train_validation_split",
]

BATCHED = ", or batches of such pairs"


def load_digits() -> tuple[Any, Any]:
    """Return 1,797 handwritten digits: images (1797, 64), each 8 x 8 pixels from 0 to 1; labels (1797,), 0 to 9.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    the test part; CC BY 4.0.

    Examples
    --------
    >>> import nn
    >>> X, y = nn.load_digits()
    >>> X.shape, y[:5]
    ((1797, 64), array([0, 1, 2, 3, 4]))
    """
    with (files("nn") / "assets" / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["images"].reshape(-1, 64) / 16.0, arrays["labels"].astype(np.int64)


def stratified_split(labels: Any, size: int, rng: int | np.random.Generator | None = None) -> tuple[Any, Any]:
    """Return two index arrays: all but `size` samples, and `size` samples, each class in proportion; shuffled.

    Parameters
    ----------
    labels : array_like, shape (n,)
        The class of each sample.
    size : int
        How many samples the part holds; in each class it is off its proportion by less than one sample.
    rng : int or numpy.random.Generator, optional
        Which ones: the same seed gives the same split.

    Raises
    ------
    ValueError
        If `size` leaves either part empty, or is no integer.
    ShapeError
        If the labels are not one per sample.

    Examples
    --------
    >>> import numpy as np, nn
    >>> rest, part = nn.stratified_split(np.repeat([0, 1], 50), 20, rng=0)
    >>> len(rest), np.bincount(np.repeat([0, 1], 50)[part])
    (80, array([10, 10]))
    """
    labels = array_of("stratified_split", "labels", labels, "fiubUSM")
    labels, rng = np.asarray(labels), generator("stratified_split", rng)
    n = labels.size
    if labels.ndim != 1:
        fix = " Write labels.argmax(-1) for one-hot rows." if labels.ndim == 2 else ""
        raise ag.errors.ShapeError(
            f"stratified_split: labels must be one per sample, of shape (n,), not {labels.shape}.{fix}"
        )
    if n < 2:
        raise ValueError(f"stratified_split: there are {n} labels, but two parts need at least 2 samples.")
    if whole("stratified_split", "size", size, 1, f" It counts samples: of {n} samples, between 1 and {n - 1}.") >= n:
        raise ValueError(
            f"stratified_split: size is {size}, but of {n} samples the part must hold between 1 and {n - 1}."
        )
    order = rng.permutation(n)
    order = order[np.argsort(labels[order], kind="stable")]  # classes one after the other, shuffled within
    picked = np.zeros(n, bool)
    picked[order[((np.arange(size) + rng.random()) * n / size).astype(int) % n]] = True  # evenly spaced
    shuffled = rng.permutation(n)
    return shuffled[~picked[shuffled]], shuffled[picked[shuffled]]


def batches(n: int, size: int | None, rng: np.random.Generator) -> Iterator[Any]:
    """Yield index arrays that cover ``range(n)`` once, `size` at a time, shuffled; None: all at once (claim Y12)."""
    if size is None:
        yield np.arange(n)
        return
    order = rng.permutation(n)
    for start in range(0, n, size):
        yield order[start : start + size]


def _check_one(where: str, name: str, values: Any) -> None:
    """Refuse what is no array, but several: one for each of a model's inputs."""
    if hasattr(values, "toarray"):
        raise ag.errors.DTypeError(
            f"{where}: for {name} there is a sparse matrix, but there must be an array. Write X.toarray()."
        )
    several = isinstance(values, Mapping)
    if isinstance(values, (tuple, list)) and len(values) < 10:  # a longer one holds samples
        shapes: list[tuple[int, ...]] = [getattr(value, "shape", ()) for value in values]
        several = all(shapes) and len(set(shapes)) > 1 and len({shape[0] for shape in shapes}) == 1
    if several:
        raise ag.errors.ShapeError(
            f"{where}: for {name} there are several arrays, but there must be one. Put them side by side, "
            "np.column_stack(arrays), and take them apart in forward() or the loss: x[:, :3], x[:, 3:]; numbers for an "
            "Embedding by ag.stop_gradient(x[:, 0]).astype(int)."
        )


def checked(where: str, name: str, data: Any) -> tuple[Any, Any]:
    """Return a pair (inputs, targets) as two arrays with as many rows; a memory map stays one, and is not read."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise _no_data(where, name, data)
    if any(lazy(part.data if isinstance(part, ag.Tensor) else part) for part in data):
        raise ag.errors.UnsupportedArgumentError(
            f"{where}: {name} holds arrays that may be lazy, and {where} would fetch them into memory whole. If they "
            f"fit, pass {name}=tuple(map(np.asarray, (X, y))); else write the loop: loss.backward(), all gradients "
            "computed at once, optimizer.step() (docs/dask.md)."
        )
    for part, values in zip(("inputs", "targets"), data, strict=True):
        _check_one(where, f"the {part} of {name}", values)
    inputs, targets = (
        np.asarray(array_of(where, f"the {part} of {name}", values, "fiubcUO"))
        for part, values in zip(("inputs", "targets"), data, strict=True)
    )
    if not (inputs.ndim and targets.ndim and 0 < len(inputs) == len(targets)):
        flipped = targets.ndim and inputs.ndim == 2 and inputs.shape[1] == len(targets) > 0
        raise ValueError(
            f"{where}: {name}: the inputs have shape {inputs.shape}, the targets {targets.shape}: give as many of "
            f"both, in rows, and at least one.{' Did you mean X.T?' if flipped else ''}"
        )
    return inputs, targets


def _no_data(where: str, name: str, data: Any, other: str = "") -> ValueError:
    fix = f"Write {name}=(X, y); of a list of samples, {name}=tuple(zip(*samples))."
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, (np.ndarray, Iterable)):
        fix = "Derive its class from nn.Dataset, whose __getitem__ takes an array of row numbers."
    elif isinstance(data, (tuple, list)) and len(data) == 3:
        fix += " Weights of samples can be a column of the targets, which the loss takes apart."
    return ValueError(f"{where}: {name} must be a pair (inputs, targets){other}, and is {shown(data)}. {fix}")


class Dataset(ABC):
    """Samples that need not all be in memory: write ``__len__`` and ``__getitem__``, and `DataLoader` makes batches.

    Examples
    --------
    >>> import numpy as np, nn
    >>> class Squares(nn.Dataset):
    ...     def __len__(self):
    ...         return 1000
    ...     def __getitem__(self, rows):
    ...         x = rows[:, None] / 1000
    ...         return x, x**2
    >>> x, y = next(iter(nn.DataLoader(Squares(), batch_size=4)))
    >>> x.shape, np.array_equal(y, x**2)
    ((4, 1), True)
    """

    @abstractmethod
    def __len__(self) -> int:
        """Return how many samples there are."""

    @abstractmethod
    def __getitem__(self, rows: Any) -> tuple[Any, Any]:
        """Return the inputs and the targets of some samples, a row for each.

        Parameters
        ----------
        rows : array of int, shape (k,)
            Which samples, from 0; in any order.
        """


class ArrayDataset(Dataset):
    """The rows of two arrays.

    Parameters
    ----------
    X, y : array_like
        Inputs and targets, with as many rows. A memory map is not read before its rows are asked for.

    Raises
    ------
    ValueError
        If they have not as many rows, or none.
    ShapeError, DTypeError
        If one is no array.
    UnsupportedArgumentError
        If one may be lazy, such as an array of Dask.

    Examples
    --------
    >>> import numpy as np, nn
    >>> data = nn.ArrayDataset([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], [0, 1, 0])
    >>> len(data)
    3
    >>> data[np.array([2, 0])]
    (array([[4., 5.],
           [0., 1.]]), array([0, 0]))
    """

    def __init__(self, X: Any, y: Any) -> None:
        self.X, self.y = checked("ArrayDataset", "data", (X, y))

    def __len__(self) -> int:
        return len(self.X)

    def __getitem__(self, rows: Any) -> tuple[Any, Any]:
        return self.X[rows], self.y[rows]


class Subset(Dataset):
    """Some samples of another Dataset."""

    def __init__(self, dataset: Dataset, rows: Any) -> None:
        self.dataset, self.rows = dataset, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: Any) -> tuple[Any, Any]:
        return self.dataset[self.rows[rows]]


class DataLoader:
    """Batches of samples: each ``for x, y in loader`` is one epoch.

    The three modes of gradient descent (claim Y12) are three sizes: None is batch mode, 1 stochastic, and any other
    number makes mini-batches.

    Parameters
    ----------
    data : (X, y) or Dataset
        Inputs and targets, arrays with as many rows; or what gives them by row number.
    batch_size : int or None
        None: all samples at once.
    shuffle : bool, optional
        A new order in each epoch. By default, unless `batch_size` is None.
    rng : int or numpy.random.Generator, optional
        Where the order comes from: one generator, which goes on from epoch to epoch. The same seed gives the same
        batches; None another order in each run.
    drop_last : bool
        Leave out the last batch of an epoch if it is smaller than the others.

    Attributes
    ----------
    samples : int
        How many there are.
    batches : int
        How many an epoch has, as ``len(loader)``.
    rng : numpy.random.Generator
        Where the order comes from.

    Raises
    ------
    ValueError
        If the data do not fit together, or make no batch.
    ShapeError
        In an epoch, if a Dataset returns other than a row for each row number.

    Examples
    --------
    >>> import numpy as np, nn
    >>> loader = nn.DataLoader((np.arange(10.0)[:, None], np.arange(10)), batch_size=4)
    >>> [len(x) for x, y in loader], len(loader), loader.samples
    ([4, 4, 2], 3, 10)
    """

    def __init__(
        self,
        data: tuple[Any, Any] | Dataset,
        batch_size: int | None = 32,
        *,
        shuffle: bool | None = None,
        rng: int | np.random.Generator | None = 0,
        drop_last: bool = False,
    ) -> None:
        if batch_size is not None:
            batch_size = whole("DataLoader", "batch_size", batch_size, 1, " None takes all samples at once.")
        self.dataset = data if isinstance(data, Dataset) else ArrayDataset(*checked("DataLoader", "data", data))
        self.samples = whole("DataLoader", "len(data)", len(self.dataset), 1, " Give it a sample.")
        self.batch_size, self.drop_last = batch_size, bool(drop_last)
        self.shuffle = batch_size is not None if shuffle is None else bool(shuffle)
        self.rng = generator("DataLoader", rng)
        full, rest = divmod(self.samples, batch_size or self.samples)
        self.batches = full + bool(rest and not drop_last)
        if not self.batches:
            raise ValueError(
                f"DataLoader: batch_size is {batch_size}, and drop_last leaves no batch of {self.samples} samples. "
                "Leave out drop_last, or take smaller batches."
            )

    def __len__(self) -> int:
        """Return how many batches an epoch has."""
        return self.batches

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield the batches of one epoch."""
        dataset, known = self.dataset, type(self.dataset) is ArrayDataset
        for rows in itertools.islice(self._rows(), self.batches):
            batch = dataset[rows]
            yield batch if known else _of_dataset(batch, rows)

    def _rows(self) -> Iterator[Any]:
        n, size = self.samples, self.batch_size or self.samples
        if self.shuffle:
            return batches(n, size, self.rng)
        return (np.arange(i, min(i + size, n)) for i in range(0, n, size))

    def state_dict(self) -> dict[str, Any]:
        """Return where the generator stands, from which the order of the next epoch follows."""
        return {"rng": self.rng.bit_generator.state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where a generator stood: the next epochs are those that were the next ones then.

        Raises
        ------
        ValueError
            If it is no state of a generator of the same kind; nothing is changed.
        """
        own = self.rng.bit_generator
        try:
            own.state = dict(state["rng"])
        except (KeyError, TypeError, ValueError):
            raise ValueError(
                f"load_state_dict: state is {shown(state)}, but must be the state_dict() of a DataLoader whose rng is "
                f"of the same kind, {type(own).__name__}."
            ) from None


def _of_dataset(batch: Any, rows: Any) -> tuple[Any, Any]:
    """Return what a Dataset returned for some rows as two arrays."""
    what = f"dataset[array of {len(rows)} row numbers]"
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        raise ValueError(f"DataLoader: {what} is {shown(batch)}, but must be a pair. Let __getitem__ return x, y.")
    x, y = _arrays("DataLoader", what, batch)
    if not (x.ndim and y.ndim and len(x) == len(y) == len(rows)):
        raise ag.errors.ShapeError(
            f"DataLoader: {what} has inputs of shape {x.shape} and targets of shape {y.shape}, but must have "
            f"{len(rows)} rows of each. Let __getitem__ take an array of row numbers."
        )
    return x, y


def _arrays(where: str, what: str, batch: Any) -> Any:
    """Return the two parts of a batch as arrays."""
    for name, part in zip(("inputs", "targets"), batch, strict=True):
        if type(part) is not np.ndarray:
            _check_one(where, f"the {name} of {what}", part)
    return [
        part
        if type(part) is np.ndarray and part.dtype.kind in "fiub"
        else np.asarray(array_of(where, f"the {name} of {what}", part, "fiubcUO"))
        for name, part in zip(("inputs", "targets"), batch, strict=True)
    ]


class Batches:
    """Batches that come from elsewhere: an iterable of (x, y), or a function that returns one for each epoch.

    Attributes
    ----------
    samples, batches : int or None
        How many an epoch has; None until one is over, except of a list.
    """

    def __init__(self, where: str, name: str, source: Any) -> None:
        self.where, self.name, self.source = where, name, source
        self.samples: int | None = None
        self.batches: int | None = None
        self.epoch = 0  # how many were begun
        self._first: tuple[Any, ...] = ()  # shapes and kinds of the first batch
        # A mistake in a list is better found now than in the middle of an epoch.
        self._kept = list(self._epoch()) if isinstance(source, (list, tuple)) else None

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield the batches of one epoch."""
        return self._epoch() if self._kept is None else iter(self._kept)

    def _epoch(self) -> Iterator[tuple[Any, Any]]:
        self.epoch += 1
        count = samples = 0
        for count, batch in enumerate(self._source(), 1):
            x, y = self._checked(count, batch)
            samples += len(x)
            yield x, y
        if not count:
            raise self._nothing()
        self.samples, self.batches = samples, count

    def _source(self) -> Iterator[Any]:
        source = self.source
        if not isinstance(source, Iterable):
            source = source()
            if not isinstance(source, Iterable):
                raise TypeError(
                    f"{self.where}: {self.name} is {shown(self.source)}, which returned {shown(source)}, but must "
                    "return an iterable of batches. Let it `yield x, y`, or return a list of such pairs."
                )
        return iter(source)

    def _nothing(self) -> ValueError:
        what = f"{self.where}: {self.name} is {shown(self.source)}"
        if self.epoch == 1:
            return ValueError(f"{what} and holds no batch. Give at least one pair (x, y).")
        return ValueError(
            f"{what} that has no batches for epoch {self.epoch}: those of the epoch before used it up. Pass what can "
            f"be gone through again: a list, an nn.DataLoader, or the function that makes the batches, as in "
            f"{self.name}=function without a call."
        )

    def _checked(self, count: int, batch: Any) -> tuple[Any, Any]:
        """Return a batch as two arrays, whose rows have the shapes of those of the first batch."""
        what = f"batch {count} of {self.name}"
        paired = isinstance(batch, (tuple, list)) and len(batch) == 2
        x, y = _arrays(self.where, what, batch) if paired else [np.empty(())] * 2
        if not x.ndim or not y.ndim:
            if not self._first:
                raise _no_data(self.where, self.name, self.source, BATCHED)
            raise ValueError(f"{self.where}: {what} is {shown(batch)}, but must be a pair (x, y), as the first one is.")
        if not 0 < len(x) == len(y):
            raise ag.errors.ShapeError(
                f"{self.where}: {what} has inputs of shape {x.shape} and targets of shape {y.shape}, but must have as "
                f"many rows of both, and at least one. Of a list of samples, write {self.name}=tuple(zip(*samples))."
            )
        self._first = self._first or ((x.shape, x.dtype.kind), (y.shape, y.dtype.kind))
        for part, array, (shape, kind) in zip(("inputs", "targets"), (x, y), self._first, strict=True):
            sequences = array.dtype.kind in "iu" and kind in "iu"  # as long in each batch as the longest there
            if array.ndim != len(shape) or (array.shape[1:] != shape[1:] and not sequences):
                raise ag.errors.ShapeError(
                    f"{self.where}: {what} has {part} of shape {array.shape}, the first batch of shape {shape}. Give "
                    "all batches rows of one shape."
                )
        return x, y

    def state_dict(self) -> dict[str, Any]:
        """Return nothing: how such a source goes on, it alone knows."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Do nothing."""


def as_loader(
    where: str,
    data: Any,
    batch_size: int | None = 32,
    rng: int | np.random.Generator | None = 0,
    name: str = "data",
) -> DataLoader | Batches:
    """Return what gives an epoch of batches each time that it is gone through.

    Parameters
    ----------
    where, name : str
        What a message calls the function that was called, and its argument.
    data
        A DataLoader, whose own options count. A pair (X, y), or a Dataset, which are loaded in batches. Any other
        iterable of batches (x, y), such as a list or PyTorch's DataLoader, or a function that returns an iterator of
        them: an epoch is once through it. Two members are (X, y), unless both are pairs of arrays that can only be
        batches, since the two of a pair differ in shape; where they could be either, that is an error.
    batch_size, rng
        As for `DataLoader`.
    """
    if isinstance(data, (DataLoader, Batches)):
        return data
    if batch_size is not None:
        batch_size = whole(where, "batch_size", batch_size, 1, " None takes all samples at once.")
    rng = generator(where, rng)
    if isinstance(data, Dataset):
        return DataLoader(data, batch_size, rng=rng)
    if isinstance(data, (tuple, list)):
        if len(data) == 2 and not _two_batches(where, name, data):
            return DataLoader(checked(where, name, data), batch_size, rng=rng)
    elif isinstance(data, (np.ndarray, ag.Tensor, str, bytes, Mapping, type)):
        raise _no_data(where, name, data, BATCHED)
    elif not isinstance(data, Iterable) and not callable(data):
        raise _no_data(where, name, data, BATCHED)
    return Batches(where, name, data)


def _two_batches(where: str, name: str, data: Any) -> bool:
    """Return whether two members are two batches (x, y), rather than inputs and targets."""
    if not all(isinstance(part, (tuple, list)) and len(part) == 2 for part in data):
        return False
    if not all(len(getattr(a, "shape", ())) for part in data for a in part):
        return False
    if all(a.shape == b.shape for a, b in data):
        raise ValueError(
            f"{where}: {name} is two pairs of arrays, which may be two batches, or (X, y) of two samples. Of batches, "
            f"write {name}=lambda: batches; of samples, {name}=(np.stack(X), np.stack(y))."
        )
    return True


def train_validation_split(
    data: tuple[Any, Any] | Dataset,
    size: float,
    *,
    rng: int | np.random.Generator | None = 0,
    stratify: Any = None,
) -> tuple[Any, Any]:
    """Return two pairs: data to train on, and data held out for validation.

    Parameters
    ----------
    data : (X, y) or Dataset
        Inputs and targets, with as many rows; or what gives them by row number.
    size : float or int
        How many samples are held out, or which fraction of them, between 0 and 1, which is rounded.
    rng : int or numpy.random.Generator, optional
        Which ones: the same seed gives the same split.
    stratify : bool or array_like, shape (n,), optional
        Whether each class is held out in proportion (see `stratified_split`): by default, if `y` holds an integer label
        or name per sample. An array gives the classes, such as ``y.argmax(-1)`` of one-hot rows.

    Returns
    -------
    (X_train, y_train), (X_held_out, y_held_out)
        Copies, shuffled. Of a Dataset, two Datasets, of which nothing is read yet: so a memory map is split where it
        is, as ``nn.ArrayDataset(X, y)``.

    Raises
    ------
    ValueError
        If the data do not fit together, or `size` leaves either part empty.
    ShapeError
        If what they are stratified by is not one label per sample.

    Examples
    --------
    >>> import nn
    >>> train, held_out = nn.train_validation_split(nn.load_digits(), 0.2, rng=0)
    >>> train[0].shape, held_out[0].shape
    ((1438, 64), (359, 64))
    """
    where = "train_validation_split"
    dataset = data if isinstance(data, Dataset) else ArrayDataset(*checked(where, "data", data))
    rng, n = generator(where, rng), len(dataset)
    if n < 2:
        raise ValueError(f"{where}: data holds {n} sample{'' if n == 1 else 's'}, but two parts need at least 2.")
    need = f"be a fraction between 0 and 1, or a whole number of samples, between 1 and {n - 1}"
    if isinstance(size, (int, np.integer)):
        count = int(real(where, "size", size, need, above=0, below=n))
    else:
        count = min(max(round(real(where, "size", size, need, above=0, below=1) * n), 1), n - 1)
    labels = _classes(where, dataset, stratify)
    if labels is None:
        order = rng.permutation(n)
        rest, part = order[count:], order[:count]
    else:
        rest, part = stratified_split(labels, count, rng)
    if dataset is data:
        return Subset(dataset, rest), Subset(dataset, part)
    return dataset[rest], dataset[part]


def _classes(where: str, dataset: Dataset, stratify: Any) -> Any:
    """Return the class of each sample, or None."""
    y = dataset.y if type(dataset) is ArrayDataset else None
    if stratify is None:
        return y if y is not None and y.ndim == 1 and y.dtype.kind in "iubU" else None
    if isinstance(stratify, (bool, np.bool_)):
        if stratify and y is None:
            raise ValueError(
                f"{where}: stratify is True, and the labels of {shown(dataset)} are not at hand. Pass them: "
                "stratify=labels."
            )
        return y if stratify else None
    labels = np.asarray(array_of(where, "stratify", stratify, "fiubUSM"))
    if labels.ndim and len(labels) != len(dataset):
        raise ag.errors.ShapeError(
            f"{where}: stratify has shape {labels.shape}, but must be one label for each of the {len(dataset)} samples."
        )
    return labels
