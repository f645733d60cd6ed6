"""What goes wrong with nn.flow, nn.Filming and nn.flows."""

import numpy as np

import nn

X, Y = np.zeros((4, 2)), np.array([[0.0], [1.0], [0.0], [1.0]])


def net():
    return nn.MLP([2, 2, 1], "tanh", rng=0)


def flow(model=None, x=X, y=Y, loss=nn.squared_error, optimizer=None, **keywords):
    model = net() if model is None else model
    optimizer = nn.SGD(net().parameters(), lr=0.1) if optimizer is None else optimizer
    return nn.flow(model, x, y, loss, optimizer, **keywords)


ROWS = {
    "nn.flow(a function, ...)": (lambda: flow(np.tanh), TypeError, ["flow: model is", "must be a Module", "nn.MLP"]),
    "nn.flow(..., optimizer=0.1)": (
        lambda: flow(optimizer=0.1),
        TypeError,
        ["flow: optimizer is 0.1", r"nn.SGD\(model.parameters\(\), lr=0.1\)"],
    ),
    "nn.flow(..., loss=3)": (lambda: flow(loss=3), TypeError, ["flow: loss is 3", "must be a function"]),
    "nn.flow(..., y of other samples)": (
        lambda: flow(y=Y[:3]),
        ValueError,
        [r"flow: x has shape \(4, 2\) and y \(3, 1\)", "a row for each sample"],
    ),
    "nn.flow(..., steps=0)": (lambda: flow(steps=0), ValueError, ["flow: steps is 0", "at least 1"]),
    "nn.flow(..., snapshots=1)": (lambda: flow(snapshots=1), ValueError, ["flow: snapshots is 1", "at least 2"]),
    "nn.Filming(x, y, loss, every=0)": (
        lambda: nn.Filming(X, Y, nn.squared_error, every=0),
        ValueError,
        ["Filming: every is 0", "at least 1"],
    ),
    "nn.flows(presets=['swish'])": (
        lambda: nn.flows(presets=["swish"]),
        ValueError,
        [r"flows: presets is \['swish'\]", "sigmoid, tanh, relu, poor initialization", r"presets=\['sigmoid'"],
    ),
    "nn.flows(depth=0)": (lambda: nn.flows(depth=0), ValueError, ["flows: depth is 0", "at least 1"]),
}
