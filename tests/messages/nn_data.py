"""What goes wrong with data: pairs, datasets, loaders, batches of one's own, splits; and with histories."""

import sys
from unittest import mock

import numpy as np

import nn
from autograd_mini import errors
from nn.data import as_loader

X, LABELS = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 1, 0])
BATCH = (X[:3], LABELS[:3])


class Fixed(nn.Dataset):
    """Answers everything with the same."""

    def __init__(self, answer):
        self.answer = answer

    def __len__(self):
        return 4

    def __getitem__(self, rows):
        return self.answer


class Sparse:
    """What all matrices of scipy.sparse have."""

    def toarray(self):
        return X


def loaded(data, epochs=1):
    """Go through data as fit does."""
    loader = as_loader("fit", data)
    for _ in range(epochs):
        list(loader)


def without_matplotlib():
    with mock.patch.dict(sys.modules, {"matplotlib": None}):
        nn.History().plot()


LOADERS = {
    "nn.ArrayDataset(X, y[:4])": (
        lambda: nn.ArrayDataset(X, LABELS[:4]),
        ValueError,
        [r"ArrayDataset: data: the inputs have shape \(6, 2\), the targets \(4,\)", "as many of both"],
    ),
    "nn.DataLoader(X)": (
        lambda: nn.DataLoader(X),
        ValueError,
        ["DataLoader: data must be a pair", r"an array of shape \(6, 2\)", r"data=\(X, y\)"],
    ),
    "nn.DataLoader(batch_size=0)": (
        lambda: nn.DataLoader((X, LABELS), 0),
        ValueError,
        ["DataLoader: batch_size is 0", "None takes all"],
    ),
    "nn.DataLoader(drop_last=True) of few samples": (
        lambda: nn.DataLoader((X, LABELS), drop_last=True),
        ValueError,
        ["batch_size is 32", "leaves no batch of 6 samples", "smaller batches"],
    ),
    "loader.load_state_dict({})": (
        lambda: nn.DataLoader((X, LABELS)).load_state_dict({}),
        ValueError,
        [r"state is \{\}", r"state_dict\(\) of a DataLoader", "PCG64"],
    ),
    "Dataset whose __getitem__ returns x": (
        lambda: list(nn.DataLoader(Fixed(X))),
        ValueError,
        [r"dataset\[array of 4 row numbers\] is an array of shape \(6, 2\)", "return x, y"],
    ),
    "Dataset whose __getitem__ returns other rows": (
        lambda: list(nn.DataLoader(Fixed((X, LABELS)))),
        errors.ShapeError,
        [r"inputs of shape \(6, 2\)", "4 rows of each", "an array of row numbers"],
    ),
}

BATCHES = {
    "nn.fit(model, nn.DataLoader)": (lambda: loaded(nn.DataLoader), ValueError, ["the class DataLoader", "be a pair"]),
    "nn.fit(model, 3)": (lambda: loaded(3), ValueError, ["data must be a pair", "is 3", r"data=\(X, y\)"]),
    "nn.fit(model, [x1, x2, x3])": (lambda: loaded([X, X, X]), ValueError, ["batches of such pairs", r"data=\(X, y\)"]),
    "nn.fit(model, two batches or two samples)": (
        lambda: loaded([(X, X), (X, X)]),
        ValueError,
        ["may be two batches", r"data=lambda: batches", r"np\.stack\(X\)"],
    ),
    "nn.fit(model, [])": (lambda: loaded([]), ValueError, [r"data is \[\] and holds no batch", r"\(x, y\)"]),
    "nn.fit(model, generator)": (
        lambda: loaded((batch for batch in [BATCH]), epochs=2),
        ValueError,
        ["data is a generator", "no batches for epoch 2", "DataLoader", "data=function without a call"],
    ),
    "nn.fit(model, function that returns None)": (
        lambda: loaded(lambda: None),
        TypeError,
        ["returned None", "iterable of batches", "yield x, y"],
    ),
    "nn.fit(model, [(x, y), x])": (
        lambda: loaded([BATCH, BATCH, X]),
        ValueError,
        [r"batch 3 of data is an array of shape \(6, 2\)", r"pair \(x, y\)"],
    ),
    "nn.fit(model, [(x, y), (x, y[:1])])": (
        lambda: loaded([BATCH, BATCH, (X[:3], LABELS[:1])]),
        errors.ShapeError,
        ["batch 3 of data", r"inputs of shape \(3, 2\) and targets of shape \(1,\)", "as many rows of both"],
    ),
    "nn.fit(model, batches of other shapes)": (
        lambda: loaded([BATCH, BATCH, (X[:3, :1], LABELS[:3])]),
        errors.ShapeError,
        ["batch 3 of data has inputs of shape", r"\(3, 1\), the first batch of shape \(3, 2\)", "rows of one shape"],
    ),
}

SPLITS = {
    "nn.train_validation_split(data, 1.5)": (
        lambda: nn.train_validation_split((X, LABELS), 1.5),
        ValueError,
        ["train_validation_split: size is 1.5", "fraction between 0 and 1", "between 1 and 5"],
    ),
    "nn.train_validation_split(one sample)": (
        lambda: nn.train_validation_split((X[:1], LABELS[:1]), 0.5),
        ValueError,
        ["holds 1 sample", "at least 2"],
    ),
    "nn.train_validation_split(Dataset, stratify=True)": (
        lambda: nn.train_validation_split(Fixed(None), 2, stratify=True),
        ValueError,
        ["labels of a Fixed are not at hand", "stratify=labels"],
    ),
    "nn.train_validation_split(stratify=y[:3])": (
        lambda: nn.train_validation_split((X, LABELS), 2, stratify=LABELS[:3]),
        errors.ShapeError,
        [r"stratify has shape \(3,\)", "one label for each of the 6 samples"],
    ),
}

PARTS = {
    "nn.fit(m, ((ids, X), y))": (
        lambda: nn.DataLoader(((LABELS, X), LABELS)),
        errors.ShapeError,
        [r"DataLoader: for the inputs of data there are several arrays", r"np\.column_stack", r"ag\.stop_gradient"],
    ),
    "nn.fit(m, (X, (y, X)))": (
        lambda: nn.DataLoader((X, [LABELS, X])),
        errors.ShapeError,
        ["for the targets of data there are several arrays"],
    ),
    "nn.fit(m, ({'x': X}, y))": (
        lambda: nn.DataLoader(({"x": X}, LABELS)),
        errors.ShapeError,
        ["for the inputs of data there are several arrays"],
    ),
    "nn.fit(m, [((ids, X), y), ...])": (
        lambda: loaded([((LABELS, X), LABELS)]),
        errors.ShapeError,
        ["for the inputs of batch 1 of data there are several arrays"],
    ),
    "nn.fit(m, (sparse, y))": (
        lambda: nn.DataLoader((Sparse(), LABELS)),
        errors.DTypeError,
        ["for the inputs of data there is a sparse matrix", r"X\.toarray\(\)"],
    ),
    "nn.fit(m, (X, y, weights))": (
        lambda: nn.DataLoader((X, LABELS, LABELS)),
        ValueError,
        [r"must be a pair \(inputs, targets\)", "Weights of samples can be a column of the targets"],
    ),
}

HISTORIES = {
    "nn.History.from_dict([])": (
        lambda: nn.History.from_dict([]),
        ValueError,
        [r"History\.from_dict: data is \[\]", r"as_dict\(\) of a History"],
    ),
    "nn.History.from_dict({'losses': ...})": (
        lambda: nn.History.from_dict({"losses": [1.0]}),
        ValueError,
        ["its losses is unknown"],
    ),
    "nn.History.from_dict({'best_epoch': 'a'})": (
        lambda: nn.History.from_dict({"best_epoch": "a"}),
        ValueError,
        ["its best_epoch is 'a'"],
    ),
    "history.plot() without matplotlib": (
        without_matplotlib,
        ImportError,
        [r"History\.plot", r"pip install 'autograd-mini\[plot\]'"],
    ),
}

ROWS = LOADERS | PARTS | BATCHES | SPLITS | HISTORIES
