"""What goes wrong where single numbers are followed: ag.explain, ag.paths, ag.triangular."""

import sys
from unittest import mock

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from .tensor import leaf

W = leaf([[1.0, 2.0], [3.0, 4.0]], name="W")
Y = np.sum(np.tanh(W))
OTHER = leaf(2.0, name="v")


def hooked():
    x = leaf(2.0, name="x")
    z = x * x
    z.register_hook(lambda g: g * 10)
    return z * 1.0, x


def freed():
    x = leaf(2.0, name="x")
    y = x * x
    y.backward(retain_graph=False)
    return ag.explain(y, x)


def long_chain():
    x = y = leaf(1.0, name="x")
    for _ in range(20_001):
        y = y * 1.0
    return ag.explain(y, x)


def of_a_tuple():
    a = leaf([[2.0, 0.0], [0.0, 1.0]], name="A")
    return np.sum(np.linalg.eigh(a).eigenvalues), a


def of_complex_numbers():
    z = leaf(1.0 + 2.0j, name="z")
    return ag.explain((z * z).real, z)


def without_matplotlib():
    with mock.patch.dict(sys.modules, {"matplotlib": None}):
        return ag.paths(Y, W, (0, 0)).plot()


ROWS = {
    "ag.explain(a number, w)": (
        lambda: ag.explain(3.0, W),
        errors.NothingRecordedError,
        [r"explain\(\) needs a Tensor"],
    ),
    "ag.explain(y, w) of another graph": (
        lambda: ag.explain(Y, OTHER),
        errors.NothingRecordedError,
        ["explain: y was not computed from v", "the very object"],
    ),
    "ag.explain(y, an array)": (
        lambda: ag.explain(Y, W.numpy()),
        errors.NothingRecordedError,
        [r"explain\(\) needs a Tensor, not ndarray"],
    ),
    "ag.explain(y, w) without an index": (
        lambda: ag.explain(Y, W),
        IndexError,
        [r"W has shape \(2, 2\)", r"index=\(0, 0\)"],
    ),
    "ag.explain(y, w) of an empty array": (
        lambda: ag.explain(np.sum(e := leaf(np.ones((0, 2)), name="e")), e),
        IndexError,
        [r"e has shape \(0, 2\) and holds no numbers"],
    ),
    "ag.explain(y, w, (2, 0))": (
        lambda: ag.explain(Y, W, (2, 0)),
        IndexError,
        [r"index=\(2, 0\) is no place in W, whose shape is \(2, 2\)"],
    ),
    "ag.explain(y, w, 0) of a matrix": (lambda: ag.explain(Y, W, 0), IndexError, ["index=0 is no place in W"]),
    "ag.explain(y, w, 'first')": (
        lambda: ag.explain(Y, W, "first"),
        TypeError,
        ["index is 'first'", "whole numbers, one for each axis", r"index=\(0, 0\)"],
    ),
    "ag.explain(y, w, (0, 0), limit=0)": (
        lambda: ag.explain(Y, W, (0, 0), limit=0),
        ValueError,
        ["explain: limit is 0", "1 or more"],
    ),
    "ag.explain(y, w) after a hook": (
        lambda: ag.explain(*hooked()),
        errors.AutogradError,
        [r"explain: the uses of x add up to 4", "in the sweep is 40", "hook"],
    ),
    "ag.explain(y, w) of a freed graph": (freed, errors.GraphFreedError, ["This graph was freed"]),
    "ag.explain(y of 20,001 steps, w)": (
        long_chain,
        errors.AutogradError,
        ["explain: this graph has more than 20,000 values", "smaller network"],
    ),
    "ag.explain(y, w) through eigh": (
        lambda: ag.explain(*of_a_tuple(), (0, 0)),
        errors.UnsupportedArgumentError,
        ["explain: np.linalg.eigh returns several arrays at once", r"ag\.steps\(y\)"],
    ),
    "ag.explain(y, w) of complex numbers": (
        of_complex_numbers,
        errors.DTypeError,
        [r"explain: z1 is complex \(complex128\)|explain: z is complex", r"ag\.steps"],
    ),
    "ag.explain(y of shape (2,), w)": (
        lambda: ag.explain((x := leaf([1.0, 2.0], name="x")) * x, x, 0),
        errors.ShapeError,
        ["need a scalar", r"\(2,\)"],
    ),
    "ag.paths(y, w, (0, 0), max_numbers=3)": (
        lambda: ag.paths(Y, W, (0, 0), max_numbers=3),
        errors.AutogradError,
        ["paths: this graph holds 9 numbers", "max_numbers=3", "smaller network", "max_numbers=9"],
    ),
    "ag.paths(y, w, (0, 0), max_numbers='all')": (
        lambda: ag.paths(Y, W, (0, 0), max_numbers="all"),
        TypeError,
        ["paths: max_numbers is 'all'", "max_numbers=5000"],
    ),
    "ag.paths(y, index=0)": (
        lambda: ag.paths(Y, index=0),
        TypeError,
        ["index=0 says which number of w", r"paths\(y, w, index\)"],
    ),
    "ag.paths(y).plot(y)": (
        lambda: ag.paths(Y).plot(Y),
        TypeError,
        [r"Paths\.plot: other graphs", r"ag\.paths returns, not as Tensor"],
    ),
    "ag.paths(y, w, (0, 0)).plot() without matplotlib": (
        without_matplotlib,
        ImportError,
        [r"Paths\.plot: it draws with matplotlib", r"pip install 'autograd-mini\[plot\]'"],
    ),
    "ag.triangular(y, max_numbers=2)": (
        lambda: ag.triangular(Y, max_numbers=2),
        errors.AutogradError,
        ["triangular: this graph holds 9 numbers", "max_numbers=2"],
    ),
    "ag.triangular(y, max_numbers=None)": (
        lambda: ag.triangular(Y, max_numbers=None),
        TypeError,
        ["triangular: max_numbers is None", "max_numbers=100"],
    ),
    "ag.triangular(y).save(None)": (
        lambda: ag.triangular(Y).save(None),
        TypeError,
        [r"Triangular\.save: path is None", r"system\.save\('triangular\.svg'\)"],
    ),
    "ag.triangular(y).save('no/such/folder/a.svg')": (
        lambda: ag.triangular(Y).save("no/such/folder/a.svg"),
        OSError,
        ["picture could not be saved", "a folder you may write to"],
    ),
    "ag.triangular(y).svg('pink')": (
        lambda: ag.triangular(Y).svg("pink"),
        ValueError,
        ["triangular: theme='pink'", "'light', 'dark', 'auto'"],
    ),
}
