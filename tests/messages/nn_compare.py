"""What `nn.compare` and the notations refuse."""

import functools

import numpy as np

import nn
from autograd_mini import errors

X = np.random.default_rng(0).normal(size=(6, 3))
IMAGES = np.random.default_rng(0).normal(size=(6, 2, 3))
LABELS = np.array([0, 1, 0, 1, 1, 0])
ONE_HOT = np.eye(2)[LABELS]
compare = nn.compare


def model():
    return nn.MLP([3, 4, 2], "tanh", rng=0)


class Own(nn.Module):
    def forward(self, x):
        return abs(x)


ROWS = {
    "nn.compare(layer, ...)": (
        lambda: compare(nn.Linear(3, 2), X, ONE_HOT, nn.squared_error),
        TypeError,
        [r"this is Linear\(3 -> 2\)", r"nn\.Sequential\("],
    ),
    "nn.compare(nn.Sequential(), ...)": (
        lambda: compare(nn.Sequential(), X, ONE_HOT, nn.squared_error),
        TypeError,
        ["no layers", r"nn\.Sequential\(nn\.Linear"],
    ),
    "nn.compare(own layer, ...)": (
        lambda: compare(nn.Sequential(nn.Linear(3, 2), Own()), X, ONE_HOT, nn.squared_error),
        TypeError,
        ["layer 1", "no hand-derived rule", "Identity, ReLU, Sigmoid, Softmax, Tanh"],
    ),
    "nn.compare(x with NaN, ...)": (
        lambda: compare(model(), X * np.nan, LABELS, nn.cross_entropy),
        ValueError,
        ["compare: x holds NaN", r"np\.isfinite"],
    ),
    "nn.compare(y=None)": (
        lambda: compare(model(), X, None, nn.cross_entropy),
        errors.DTypeError,
        ["compare: y is None", "array of numbers"],
    ),
    "nn.compare(loss='mse')": (
        lambda: compare(model(), X, LABELS, "mse"),
        TypeError,
        ["the loss 'mse'", "squared_error, binary_cross_entropy"],
    ),
    "nn.compare(softmax, cross_entropy)": (
        lambda: compare(nn.MLP([3, 2], output="softmax"), X, LABELS, nn.cross_entropy),
        TypeError,
        ["contains the softmax", "ends in softmax", "Leave that layer out"],
    ),
    "nn.compare(partial(loss, positional))": (
        lambda: compare(model(), X, ONE_HOT, functools.partial(nn.squared_error, ONE_HOT)),
        TypeError,
        ["1 positional argument", "Name them", r"factor=1"],
    ),
    "nn.compare(partial(loss, foo=1))": (
        lambda: compare(model(), X, ONE_HOT, functools.partial(nn.squared_error, foo=1)),
        TypeError,
        ["squared_error has no keyword foo", "Leave it out"],
    ),
    "nn.compare(reduction='none')": (
        lambda: compare(model(), X, ONE_HOT, functools.partial(nn.squared_error, reduction="none")),
        ValueError,
        ["reduction is 'none'", "reduction='sum'"],
    ),
    "nn.compare(seed='a')": (
        lambda: compare(model(), X, LABELS, nn.cross_entropy, seed="a"),
        ValueError,
        ["compare: seed is 'a'", "whole number"],
    ),
    "nn.compare(model with nn.Embedding)": (
        lambda: compare(nn.Sequential(nn.Embedding(3, 2), nn.Linear(2, 2)), LABELS, ONE_HOT, nn.squared_error),
        TypeError,
        [r"layer 0 \(Embedding\(", "no hand-derived rule", "BatchNorm1d, LayerNorm, Dropout, Residual", "Softplus"],
    ),
    "nn.compare(one layer twice)": (
        lambda: compare(nn.Sequential(*[nn.Linear(3, 3, rng=0)] * 2), X, ONE_HOT, nn.squared_error),
        TypeError,
        [r"layer 1 \(Linear\(3 -> 3\)\)", "shares parameters with layer 0", "parameters in one place"],
    ),
    "nn.compare(only activations)": (
        lambda: compare(nn.Sequential(nn.Tanh()), X, X, nn.squared_error),
        TypeError,
        ["no layer with weights", r"nn\.Sequential\(nn\.Linear"],
    ),
    "nn.compare(BatchNorm1d of three axes)": (
        lambda: compare(
            nn.Sequential(nn.BatchNorm1d(2), nn.Flatten(), nn.Linear(6, 2)), IMAGES, ONE_HOT, nn.squared_error
        ),
        ValueError,
        [r"layer 0 \(BatchNorm1d\(2\)\) got an array of shape \(6, 2, 3\)", r"nn\.Flatten\(\) before it"],
    ),
    "nn.compare(notation='P')": (
        lambda: compare(model(), X, LABELS, nn.cross_entropy, notation="P"),
        ValueError,
        ["compare: notation is 'P'", r"'Y' \(Yehoshua, index form\), 'M' \(matrix note\), 'R'"],
    ),
    "report.in_notation(1)": (
        lambda: compare(model(), X, LABELS, nn.cross_entropy).in_notation(1),
        ValueError,
        [r"Comparison\.in_notation: notation is 1", "must be one of"],
    ),
    "report.text(40)": (
        lambda: compare(model(), X, LABELS, nn.cross_entropy).text(40),
        ValueError,
        [r"Comparison\.text: width is 40", "at least 80"],
    ),
}
