"""What goes wrong with pictures that move."""

from pathlib import Path

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from .tensor import leaf

Y = np.sum(leaf([1.0, 2.0], name="x") * 2)


ROWS = {
    "ag.animate(y, None)": (
        lambda: ag.animate(Y, None),
        TypeError,
        ["animate: path is None", r"ag\.animate\(y, 'sweep\.svg'\)"],
    ),
    "ag.animate(y, path, seconds=0)": (
        lambda: ag.animate(Y, "x.svg", seconds=0),
        ValueError,
        ["animate: seconds is 0", "positive number"],
    ),
    "ag.animate(y, path, frames=1)": (
        lambda: ag.animate(Y, "x.svg", frames=1),
        ValueError,
        ["animate: frames is 1", "2 or more"],
    ),
    "ag.animate(y, path, theme='pink')": (
        lambda: ag.animate(Y, "x.svg", theme="pink"),
        ValueError,
        ["animate: theme='pink'", "'light', 'dark', 'auto'"],
    ),
    "ag.animate(y, path, title=3)": (
        lambda: ag.animate(Y, "x.svg", title=3),
        TypeError,
        ["animate: title is a int", "must be text"],
    ),
    "ag.animate(y, path, notes='text')": (
        lambda: ag.animate(Y, "x.svg", notes="text"),
        TypeError,
        ["animate: notes must be a dict", "'layer1'"],
    ),
    "ag.animate(y, path, max_nodes=1)": (
        lambda: ag.animate(Y, "x.svg", max_nodes=1),
        errors.AutogradError,
        ["animate: this graph has 3 values", "max_nodes=1", "max_nodes=3"],
    ),
    "ag.animate(y, path, max_nodes='all')": (
        lambda: ag.animate(Y, "x.svg", max_nodes="all"),
        TypeError,
        ["animate: max_nodes is a str", "max_nodes=300"],
    ),
    "ag.animate(y, no such folder)": (
        lambda: ag.animate(Y, Path(__file__) / "sweep.svg"),
        OSError,
        ["could not be saved", "folder you may write to"],
    ),
}
