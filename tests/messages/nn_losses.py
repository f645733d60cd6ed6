"""What goes wrong with losses and their weights, metrics and their names, and summaries."""

import sys
from unittest import mock

import numpy as np

import nn
from autograd_mini import errors

Z = np.random.default_rng(0).normal(size=(6, 3))
LABELS = np.array([0, 1, 2, 1, 1, 0])
ONE_HOT = np.eye(3)[LABELS]
HALF = np.full((6, 3), 0.5)
COLUMN = np.array([[0.2], [0.7], [0.4]])


def without_scikit_learn(function):
    """Return a function that runs as if scikit-learn were not installed."""

    def run():
        hidden = {name: None for name in list(sys.modules) if name.split(".")[0] == "sklearn"}
        with mock.patch.dict(sys.modules, hidden | {"sklearn": None, "sklearn.metrics": None}):
            return function()

    return run


ROWS = {
    "nn.huber(o, y, 'mean')": (
        lambda: nn.huber(Z, Z, "mean"),
        TypeError,
        ["huber: delta is 'mean'", "positive, finite number; reduction= comes after it"],
    ),
    "nn.huber(o, y, delta=0)": (
        lambda: nn.huber(Z, Z, delta=0),
        ValueError,
        ["huber: delta is 0", "positive, finite"],
    ),
    "nn.absolute_error((n, 1), (n,))": (
        lambda: nn.absolute_error(Z[:, :1], Z[:, 0]),
        errors.ShapeError,
        [r"absolute_error: the outputs have shape \(6, 1\), the targets \(6,\)", r"y\.reshape\(\(-1, 1\)\)"],
    ),
    "nn.hinge(z, bits)": (
        lambda: nn.hinge(Z, ONE_HOT),
        ValueError,
        ["hinge: its targets must be -1 or 1, and there is a 0", r"2 \* y - 1"],
    ),
    "nn.hinge(z, labels from 1)": (
        lambda: nn.hinge(Z, LABELS + 1),
        ValueError,
        ["hinge: label 3 is out of range", "np.unique"],
    ),
    "nn.hinge(z, too few labels)": (
        lambda: nn.hinge(Z, LABELS[:5]),
        errors.ShapeError,
        [r"hinge: the outputs have shape \(6, 3\), the targets \(5,\)"],
    ),
    "nn.kl_divergence(logits, y, log_outputs=True)": (
        lambda: nn.kl_divergence(HALF, ONE_HOT, log_outputs=True),
        ValueError,
        ["kl_divergence: its outputs go up to 0.5", "at most 0", "log_softmax"],
    ),
    "nn.kl_divergence(log o, y)": (
        lambda: nn.kl_divergence(-HALF, ONE_HOT),
        ValueError,
        ["kl_divergence: its outputs run from -0.5 to -0.5", "log_outputs=True"],
    ),
    "nn.kl_divergence(o, log y)": (
        lambda: nn.kl_divergence(HALF, -HALF),
        ValueError,
        ["kl_divergence: its targets run from -0.5 to -0.5", "log_targets=True"],
    ),
    "nn.kl_divergence(o, no distribution, log_targets=True)": (
        lambda: nn.kl_divergence(HALF, -HALF, log_targets=True),
        ValueError,
        ["kl_divergence: the targets of each sample must add up to 1", r"nn\.log_softmax\(y\)"],
    ),
    "nn.kl_divergence(0.5, 1.0)": (
        lambda: nn.kl_divergence(0.5, 1.0),
        errors.ShapeError,
        ["kl_divergence compares distributions, and got single numbers", r"\(samples, classes\)"],
    ),
    "nn.cross_entropy(z, y, weight=two of three)": (
        lambda: nn.cross_entropy(Z, LABELS, weight=[1.0, 2.0]),
        errors.ShapeError,
        [r"cross_entropy: weight has shape \(2,\)", "each of the 3 classes", "reduction='none'"],
    ),
    "nn.cross_entropy(z, y, weight=-1)": (
        lambda: nn.cross_entropy(Z, LABELS, weight=[1.0, 2.0, -1.0]),
        ValueError,
        ["cross_entropy: weight goes down to -1", "must not be negative"],
    ),
    "nn.cross_entropy(z, y, label_smoothing=2)": (
        lambda: nn.cross_entropy(Z, LABELS, label_smoothing=2),
        ValueError,
        ["cross_entropy: label_smoothing is 2", r"\[0, 1\]"],
    ),
    "nn.cross_entropy(z, y, ignore_index=[0, 1])": (
        lambda: nn.cross_entropy(Z, LABELS, ignore_index=[0, 1]),
        TypeError,
        [r"cross_entropy: ignore_index is \[0, 1\]", "whole number", r"np\.isin"],
    ),
    "nn.cross_entropy(z, distributions, ignore_index=0)": (
        lambda: nn.cross_entropy(Z, ONE_HOT, ignore_index=0),
        ValueError,
        ["cross_entropy: ignore_index is 0, but the targets are distributions", r"o\[keep\], y\[keep\]"],
    ),
    "nn.cross_entropy(z, all ignored)": (
        lambda: nn.cross_entropy(Z, np.full(6, -100), ignore_index=-100),
        ValueError,
        ["cross_entropy: no sample counts", "reduction='sum'"],
    ),
    "nn.binary_cross_entropy_with_logits(z, y, pos_weight=two of three)": (
        lambda: nn.binary_cross_entropy_with_logits(Z, HALF, pos_weight=[1.0, 2.0]),
        errors.ShapeError,
        [r"pos_weight has shape \(2,\), which does not broadcast against outputs of shape \(6, 3\)"],
    ),
    "nn.binary_cross_entropy(o, y, weight=one for each sample)": (
        lambda: nn.binary_cross_entropy(HALF, HALF, weight=np.ones(6)),
        errors.ShapeError,
        [r"binary_cross_entropy: weight has shape \(6,\)", r"weight\[:, None\]"],
    ),
    "nn.metrics.binary_accuracy(k outputs, labels)": (
        lambda: nn.metrics.binary_accuracy(Z, LABELS),
        errors.ShapeError,
        [r"binary_accuracy: .* the outputs have shape \(6, 3\), the labels \(6,\)", "take accuracy"],
    ),
    "nn.metrics.binary_accuracy(o, labels of three)": (
        lambda: nn.metrics.binary_accuracy(COLUMN, [0, 1, 2]),
        ValueError,
        ["binary_accuracy: there is a label 2", "0 and 1, or -1 and 1", "y == c"],
    ),
    "nn.metrics.binary_accuracy(logits, labels, logits=False)": (
        lambda: nn.metrics.binary_accuracy(3 * COLUMN, [0, 1, 1], logits=False),
        ValueError,
        ["binary_accuracy: the outputs run from 0.6 to 2.1", "logits=True"],
    ),
    "nn.metrics.confusion_matrix(o, y, two names for three)": (
        lambda: nn.metrics.confusion_matrix(Z, LABELS, ["a", "b"]),
        ValueError,
        ["confusion_matrix: classes holds 2 names, but there are 3 classes"],
    ),
    "nn.metrics.top_k_accuracy(o, y, k=0)": (
        lambda: nn.metrics.top_k_accuracy(Z, LABELS, k=0),
        ValueError,
        ["top_k_accuracy: k is 0", "whole number of at least 1"],
    ),
    "nn.metrics.r2_score((n, 1), (n,))": (
        lambda: nn.metrics.r2_score(COLUMN, COLUMN[:, 0]),
        errors.ShapeError,
        [r"r2_score: the outputs have shape \(3, 1\), the targets \(3,\)", r"targets\.reshape\(\(-1, 1\)\)"],
    ),
    "nn.metrics.r2_score(one sample)": (
        lambda: nn.metrics.r2_score(COLUMN[:1], COLUMN[:1]),
        ValueError,
        ["r2_score: .* there is one sample", "at least two"],
    ),
    "nn.accuracy(z, labels with a fraction)": (
        lambda: nn.accuracy(Z, LABELS + 0.5),
        ValueError,
        [r"accuracy: there is a label 0\.5", "classes' numbers, 0 to 2", "r2_score"],
    ),
    "nn.metrics.confusion_matrix(NaN)": (
        lambda: nn.metrics.confusion_matrix(Z * np.nan, LABELS),
        ValueError,
        ["confusion_matrix: some outputs are NaN", "Drop these rows"],
    ),
    "nn.metrics.confusion_matrix(several outputs, each 0 or 1)": (
        lambda: nn.metrics.confusion_matrix(HALF, np.ones((6, 3), int)),
        errors.ShapeError,
        [r"confusion_matrix: the labels have the outputs' shape, \(6, 3\)", r"outputs\[:, j\]"],
    ),
    "nn.metrics.confusion_matrix(classes=3)": (
        lambda: nn.metrics.confusion_matrix(Z, LABELS, 3),
        TypeError,
        ["confusion_matrix: classes is 3", "a list of names"],
    ),
    "nn.metrics.get(0.5)": (
        lambda: nn.metrics.get(0.5),
        TypeError,
        [r"metrics\.get: metric is 0\.5", r"metric\(outputs, targets\)"],
    ),
    "nn.metrics.get('acuracy')": (
        lambda: nn.metrics.get("acuracy"),
        ValueError,
        [
            r"metrics\.get: there is no metric 'acuracy'",
            "Is 'accuracy' meant",
            "top_k_accuracy, r2",
            "get_scorer_names",
        ],
    ),
    "nn.metrics.get('f1_macro') without scikit-learn": (
        without_scikit_learn(lambda: nn.metrics.get("f1_macro")),
        ImportError,
        [r"metrics\.get: 'f1_macro' is one of scikit-learn's scorers", "pip install scikit-learn"],
    ),
    "nn.summary(a list of layers)": (
        lambda: nn.summary([nn.ReLU()]),
        TypeError,
        [r"summary: model is \[ReLU\(\)\], but must be a Module"],
    ),
    "nn.summary(model, (0, 3))": (
        lambda: nn.summary(nn.Linear(3, 2, rng=0), (0, 3)),
        ValueError,
        [r"summary: x is \(0, 3\), a shape", r"\(1, inputs\)"],
    ),
}
