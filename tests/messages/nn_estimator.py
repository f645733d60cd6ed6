"""What goes wrong with MLPClassifier and MLPRegressor."""

import importlib.util
import sys
from unittest import mock

import numpy as np

import nn

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.arange(12) % 3
KNOWN = importlib.util.find_spec("sklearn") is not None
CONVERGENCE: type[Warning] = Warning
if KNOWN:
    from sklearn.exceptions import ConvergenceWarning as CONVERGENCE


def make(kind="MLPClassifier", **options):
    return getattr(nn, kind)(**{"hidden_layer_sizes": (4,), "max_iter": 2, "n_iter_no_change": np.inf, **options})


def fit(y=Y, sample_weight=None, x=X, **options):
    return make(**options).fit(x, y, sample_weight)


def again(y, first=Y, **options):
    """Fit twice, the second time going on with the model."""
    return fit(first, warm_start=True, **options).fit(X, y)


def without_scikit_learn():
    """Ask for an estimator where scikit-learn is not installed."""
    own, loaded = vars(nn).get("estimator"), sys.modules.get("nn.estimator")
    vars(nn).pop("estimator", None)
    sys.modules.pop("nn.estimator", None)
    try:
        with mock.patch.dict(sys.modules, {"sklearn": None, "sklearn.base": None}):
            return nn.MLPClassifier
    finally:
        if own is not None:
            nn.estimator, sys.modules["nn.estimator"] = own, loaded


ROWS = {
    "nn.MLPTransformer": (lambda: nn.MLPTransformer, AttributeError, ["Module 'nn' has no attribute 'MLPTransformer'"]),
    "nn.Dense": (lambda: nn.Dense, AttributeError, ["Module 'nn' has no attribute 'Dense'", r"See nn\.Linear\."]),
    "nn.fiit": (lambda: nn.fiit, AttributeError, ["Module 'nn' has no attribute 'fiit'", r"See nn\.fit\."]),
    "nn.MLPClassifier without scikit-learn": (
        without_scikit_learn,
        ImportError,
        [r"nn\.MLPClassifier needs scikit-learn 1\.6", r"pip install 'autograd-mini\[sklearn\]'"],
    ),
}

ESTIMATORS = {
    "MLPClassifier(activation='swish').fit(X, y)": (
        lambda: fit(activation="swish"),
        ValueError,
        ["MLPClassifier: activation is 'swish'", "relu", "logistic"],
    ),
    "MLPRegressor(solver='rmsprop').fit(X, y)": (
        lambda: fit(kind="MLPRegressor", solver="rmsprop"),
        ValueError,
        ["MLPRegressor: solver is 'rmsprop'", "adam, sgd, lbfgs"],
    ),
    "MLPClassifier(shuffle='no').fit(X, y)": (
        lambda: fit(shuffle="no"),
        TypeError,
        ["MLPClassifier: shuffle is 'no'", "True or False"],
    ),
    "MLPClassifier(hidden_layer_sizes=0).fit(X, y)": (
        lambda: fit(hidden_layer_sizes=0),
        ValueError,
        [r"hidden_layer_sizes\[0\] is 0", "at least 1", r"\(64, 32\)"],
    ),
    "MLPClassifier(hidden_layer_sizes='8').fit(X, y)": (
        lambda: fit(hidden_layer_sizes="8"),
        TypeError,
        [r"hidden_layer_sizes\[0\] is '8'", r"\(64, 32\)"],
    ),
    "MLPClassifier(batch_size='all').fit(X, y)": (
        lambda: fit(batch_size="all"),
        TypeError,
        ["batch_size is 'all'", "at least 1", "'auto'"],
    ),
    "MLPClassifier(n_iter_no_change=0).fit(X, y)": (
        lambda: fit(n_iter_no_change=0),
        ValueError,
        ["n_iter_no_change is 0", r"np\.inf"],
    ),
    "MLPClassifier(max_iter=0).fit(X, y)": (lambda: fit(max_iter=0), ValueError, ["max_iter is 0", "at least 1"]),
    "MLPClassifier(alpha=-1).fit(X, y)": (lambda: fit(alpha=-1), ValueError, ["MLPClassifier: alpha is -1", "0"]),
    "MLPClassifier(tol=nan).fit(X, y)": (lambda: fit(tol=np.nan), ValueError, ["tol is nan", "finite"]),
    "MLPClassifier(momentum=1).fit(X, y)": (lambda: fit(momentum=1), ValueError, ["momentum is 1", r"\[0, 1\)"]),
    "MLPClassifier(dropout=1).fit(X, y)": (lambda: fit(dropout=1), ValueError, ["dropout is 1", r"\[0, 1\)"]),
    "MLPClassifier(learning_rate_init=0).fit(X, y)": (
        lambda: fit(learning_rate_init=0),
        ValueError,
        ["learning_rate_init is 0", "positive"],
    ),
    "MLPClassifier(validation_fraction=1).fit(X, y)": (
        lambda: fit(validation_fraction=1),
        ValueError,
        ["validation_fraction is 1", "between 0 and 1"],
    ),
    "MLPClassifier(clip_norm=0).fit(X, y)": (lambda: fit(clip_norm=0), ValueError, ["clip_norm is 0", "None"]),
    "MLPClassifier(solver='lbfgs', dropout=0.5).fit(X, y)": (
        lambda: fit(solver="lbfgs", dropout=0.5),
        ValueError,
        ["dropout is 0.5", "solver='lbfgs'", "Set dropout=0"],
    ),
    "MLPClassifier(solver='lbfgs', clip_norm=1).fit(X, y)": (
        lambda: fit(solver="lbfgs", clip_norm=1),
        ValueError,
        ["clip_norm", "line search", "Leave them out"],
    ),
    "MLPClassifier(solver='lbfgs').partial_fit(X, y)": (
        lambda: make(solver="lbfgs").partial_fit(X, Y, classes=[0, 1, 2]),
        AttributeError,
        ["partial_fit"],
    ),
    "MLPClassifier(early_stopping=True).partial_fit(X, y)": (
        lambda: make(early_stopping=True).partial_fit(X, Y, classes=[0, 1, 2]),
        ValueError,
        ["early_stopping is True", "partial_fit", "early_stopping=False"],
    ),
    "MLPClassifier(early_stopping=True).fit(X, y) of 12 samples": (
        lambda: fit(early_stopping=True, validation_fraction=0.01),
        ValueError,
        [r"validation_fraction=0\.01 of 12 samples leaves 1", "11 to train on", "early_stopping=False"],
    ),
    "MLPClassifier().fit(X, y, weights of another length)": (
        lambda: fit(sample_weight=np.ones(5)),
        ValueError,
        [r"sample_weight has shape \(5,\)", "each of the 12 samples"],
    ),
    "MLPClassifier().fit(X, y, a negative weight)": (
        lambda: fit(sample_weight=np.arange(12.0) - 1),
        ValueError,
        ["sample_weight runs from -1 to 10", "not negative"],
    ),
    "MLPClassifier().fit(X, columns of labels)": (
        lambda: fit(np.column_stack([Y, Y])),
        ValueError,
        [r"y has shape \(12, 2\)", "one label for each sample", "MultiOutputClassifier"],
    ),
    "MLPClassifier(warm_start=True): other columns": (
        lambda: again(np.eye(2, dtype=int)[Y % 2], np.eye(3, dtype=int)[Y]),
        ValueError,
        ["y has 2 columns", "must have 3"],
    ),
    "MLPRegressor(warm_start=True): other outputs": (
        lambda: again(np.ones((12, 2)), kind="MLPRegressor"),
        ValueError,
        ["MLPRegressor: y has 2 columns", "must have 1", "goes on"],
    ),
    "MLPClassifier(warm_start=True): other layers": (
        lambda: fit(warm_start=True).set_params(hidden_layer_sizes=(5,), dropout=0.5).fit(X, Y),
        ValueError,
        [r"layers \(3, 4, 3\), 'relu', dropout 0", r"\(3, 5, 3\), 'relu', 0\.5", "warm_start=False"],
    ),
    "MLPClassifier(warm_start=True): a new label": (
        lambda: again(Y + 1),
        ValueError,
        ["y holds the label 3", r"\[0, 1, 2\]", "warm_start=False"],
    ),
    "MLPClassifier().partial_fit(X, y) without classes": (
        lambda: make().partial_fit(X, Y),
        ValueError,
        ["classes must be passed at the first call", r"classes=np\.unique"],
    ),
    "MLPClassifier().partial_fit(X, y, other classes)": (
        lambda: make().partial_fit(X, Y, classes=[0, 1, 2]).partial_fit(X, Y, classes=[0, 1]),
        ValueError,
        [r"classes is \[0, 1\]", r"\[0, 1, 2\]", "Leave it out"],
    ),
    "MLPClassifier().fit(X, one class)": (
        lambda: fit(np.full(12, "a")),
        ValueError,
        ["y holds only 1 class, 'a'", "at least two"],
    ),
    "MLPClassifier(max_iter=2).fit(X, y)": (
        lambda: fit(n_iter_no_change=10),
        CONVERGENCE,
        ["MLPClassifier: training stopped after max_iter=2 epochs", "Raise max_iter", r"n_iter_no_change=np\.inf"],
    ),
}

if KNOWN:
    ROWS |= ESTIMATORS
