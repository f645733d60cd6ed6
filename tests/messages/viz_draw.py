"""What goes wrong with pictures that show single numbers, or fewer boxes."""

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from .tensor import leaf

Y = np.sum(leaf([1.0, 2.0], name="x") * 2)
with ag.scope("encoder"), ag.scope("layer1"):
    SCOPED = Y * 1.0


def long_chain(**options):
    y = leaf(1.0, name="x")
    for _ in range(20_001):
        y = y * 1.0
    return ag.draw(y, **options)


ROWS = {
    "ag.draw(y, scalars=True, max_nodes=1)": (
        lambda: ag.draw(Y, scalars=True, max_nodes=1),
        errors.AutogradError,
        ["draw: this graph holds 5 single numbers", "max_nodes=1", r"draw\(y\)", "max_nodes=5"],
    ),
    "ag.draw(y, scalars=True, max_nodes=one less than there are)": (
        lambda: ag.draw(Y, scalars=True, max_nodes=4),
        errors.AutogradError,
        ["draw: this graph holds 5 single numbers", "max_nodes=4", "max_nodes=5"],
    ),
    "ag.draw(y of many numbers, scalars=True)": (
        lambda: long_chain(scalars=True),
        errors.AutogradError,
        ["draw: this graph holds more than 20,000 single numbers", "max_nodes=300", r"Draw its arrays, draw\(y\)"],
    ),
    "ag.draw(y, scalars=True, fold=True)": (
        lambda: ag.draw(Y, scalars=True, fold=True),
        ValueError,
        ["draw: scalars=True draws single numbers", "Leave out scalars="],
    ),
    "ag.draw(y of many values, collapse=True)": (
        lambda: long_chain(collapse=True),
        errors.AutogradError,
        ["draw: this graph has more than 20,000 values", "Take fewer steps"],
    ),
    "ag.draw(y, collapse=3)": (
        lambda: ag.draw(SCOPED, collapse=3),
        TypeError,
        ["draw: collapse is 3", "must be True, the name of a scope", r"'encoder/layer2'\]"],
    ),
    "ag.draw(y, collapse='layer1')": (
        lambda: ag.draw(SCOPED, collapse="layer1"),
        ValueError,
        ["collapse='layer1' is no scope", "Did you mean 'encoder/layer1'", "It has: encoder, encoder/layer1"],
    ),
    "ag.draw(y without scopes, collapse='layer1')": (
        lambda: ag.draw(Y, collapse="layer1"),
        ValueError,
        ["collapse='layer1' is no scope", "It has none", r"with ag\.scope\(name\)"],
    ),
}
