"""What goes wrong with the player: its arguments, its file, bugs that a graph cannot show."""

import numpy as np

import autograd_mini as ag
import nn
from autograd_mini import errors

from .tensor import leaf

Y = np.sum(leaf([1.0, 2.0], name="x") * 2)
with ag.scope("layer1"):
    SCOPED = Y * 1.0


def net():
    return nn.MLP([2, 2], "tanh", rng=0)


def freed():
    y = np.sum(leaf([1.0, 2.0]) * 2)
    y.backward(retain_graph=False)
    ag.player(y, "a.html")


ROWS = {
    "ag.player(y, None)": (lambda: ag.player(Y, None), TypeError, ["path is None", r"ag.player\(y, 'sweep.html'\)"]),
    "ag.player(y, path, title=3)": (lambda: ag.player(Y, "a.html", title=3), TypeError, ["title is a int", "or None"]),
    "ag.player(y, path, notation='Q')": (
        lambda: ag.player(Y, "a.html", notation="Q"),
        ValueError,
        ["notation is 'Q'", "'Y', 'M', 'R'"],
    ),
    "ag.player(y, path, bug='typo')": (
        lambda: ag.player(Y, "a.html", bug="typo"),
        ValueError,
        ["bug is 'typo'", "'overwrite', 'no_zero_grad', 'dfs_order'"],
    ),
    "ag.player(y, path, bug='overwrite')": (
        lambda: ag.player(Y, "a.html", bug="overwrite"),
        ValueError,
        ["changes nothing in this graph", "no value is used more than once", "or one of 'overwrite'"],
    ),
    "ag.player(y, path, max_nodes='all')": (
        lambda: ag.player(Y, "a.html", max_nodes="all"),
        TypeError,
        ["max_nodes is a str", "max_nodes=300"],
    ),
    "ag.player(y, path, max_nodes=1)": (
        lambda: ag.player(Y, "a.html", max_nodes=1),
        errors.AutogradError,
        ["player: this graph has 3 values", "max_nodes=1", "max_nodes=3"],
    ),
    "ag.player(y, path, matrix='yes')": (
        lambda: ag.player(Y, "a.html", matrix="yes"),
        TypeError,
        ["matrix is a str", "True, False or None", "matrix=True"],
    ),
    "ag.player(y, path, matrix=True) of many numbers": (
        lambda: ag.player(np.sum(leaf(np.ones(200)) * 2), "a.html", matrix=True),
        errors.AutogradError,
        ["matrix=True shows up to 100 numbers", "reaches 401 in this graph", "matrix=False"],
    ),
    "ag.player(a Tensor that was not computed, path)": (
        lambda: ag.player(ag.Tensor(1.0), "a.html"),
        errors.NothingRecordedError,
        [r"player\(\)"],
    ),
    "ag.player(y, path) of a graph already freed": (freed, errors.GraphFreedError, ["retain_graph=False"]),
    "ag.player(y, path, notes='text')": (
        lambda: ag.player(Y, "a.html", notes="text"),
        TypeError,
        ["player: notes must be a dict", "'layer1'"],
    ),
    "ag.player(y, path, notes={'layer2': ...})": (
        lambda: ag.player(SCOPED, "a.html", notes={"layer2": "?"}),
        ValueError,
        ["player: notes= has 'layer2'", "no scope of this graph: layer1"],
    ),
    "ag.player(y, path, rules={'q': ...})": (
        lambda: ag.player(Y, "a.html", rules={"q": {"by_hand": 1.0}}),
        ValueError,
        ["rules has 'q'", "no value of this graph that has a gradient", "x"],
    ),
    "ag.player(y, path, rules={'x': ...})": (
        lambda: ag.player(Y, "a.html", rules={"x": {"by_hand": 1.0}}),
        ValueError,
        [r"rules\['x'\]\['by_hand'\] is an array of shape \(\)", r"shape \(2,\) of the value"],
    ),
    "ag.player(y, 'missing folder/a.html')": (
        lambda: ag.player(Y, "missing folder/a.html"),
        OSError,
        [r"page could not be saved \(No such file or directory\)", "a folder you may write to"],
    ),
    "nn.player(a function, x, y, loss, path)": (
        lambda: nn.player(np.tanh, [[0.0, 1.0]], [[0.0, 1.0]], nn.squared_error, "a.html"),
        TypeError,
        ["player reads models", "nn.Sequential or nn.MLP"],
    ),
    "nn.player(model, x, y, np.sum, path)": (
        lambda: nn.player(net(), [[0.0, 1.0]], [[0.0, 1.0]], np.sum, "a.html"),
        TypeError,
        ["player: the loss 'sum' has no hand-derived rule", "squared_error"],
    ),
    "nn.player(model, x, y, loss, path, notation='Q')": (
        lambda: nn.player(net(), [[0.0, 1.0]], [[0.0, 1.0]], nn.squared_error, "a.html", notation="Q"),
        ValueError,
        ["player: notation is 'Q'", "'Y'"],
    ),
}
