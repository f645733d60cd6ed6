"""What is passed where it does not belong: objects for numbers, values for functions, numbers that do not fit in."""

import operator

import numpy as np

import autograd_mini as ag
import nn
from autograd_mini import errors

from .tensor import assign, leaf

X = leaf([1.0, 2.0], name="x")


class Sparse:
    """Looks like SciPy's sparse arrays."""

    def toarray(self):
        return np.eye(2)


class Frame:
    """Looks like pandas's data frames: a ufunc of it gives one of its kind."""

    def __array__(self, dtype=None, copy=None):
        return np.ones(2)

    def __array_ufunc__(self, *_args, **_kwargs):
        return self


def detached_data():
    leaf([1.0, 2.0]).detach().data = [3.0, 4.0]


ROWS = {
    "t * sparse": (lambda: X * Sparse(), errors.DTypeError, ["np.multiply", "Sparse", r"\.toarray\(\)"]),
    "t * frame": (lambda: X * Frame(), errors.DTypeError, ["np.multiply", "Frame", "plain array"]),
    "t * None": (lambda: X * None, errors.DTypeError, ["np.multiply", "number or an array"]),
    "t * set": (lambda: X * {1.0, 2.0}, errors.DTypeError, ["set", r"np\.array\(list"]),
    "t * timedelta64": (lambda: X * np.array([1, 2], "m8[s]"), errors.DTypeError, ["timedelta64", "numbers"]),
    "np.interp(t, text)": (lambda: np.interp(X, [0, 1], ["a", "b"]), errors.DTypeError, ["<U1", "np.asarray"]),
    "np.interp(long double)": (
        lambda: np.interp(leaf(np.ones(2, "c16")), [0, 1], [0, 1]),
        errors.DTypeError,
        ["np.interp", "float64", "x is complex128"],
    ),
    "integer ** -1": (lambda: ag.Tensor([1, 2]) ** -1, errors.DTypeError, ["negative powers", r"t \*\* -1\.0"]),
    "t.fill(list)": (lambda: ag.Tensor([1.0, 2.0]).fill([1, 2]), errors.ShapeError, [r"t\[\.\.\.\] = v"]),
    "t[0] = complex array": (
        lambda: assign(ag.Tensor([1.0, 2.0]), slice(None), np.array([1j, 2])),
        errors.DTypeError,
        ["float64", "complex128", r"np\.real"],
    ),
    "detached.data = v": (detached_data, errors.LostGradientError, ["detached", "leaf", "copy"]),
    "np.linalg.norm(ord=t)": (
        lambda: np.linalg.norm(X, ord=leaf(3.0)),
        errors.UnsupportedArgumentError,
        ["np.linalg.norm", "ord=", r"ord\.detach\(\)"],
    ),
    "np.mean(where=0.5)": (lambda: np.mean(X, where=0.5), errors.DTypeError, ["where=", "np.mean"]),
    "np.histogram(range=t)": (
        lambda: np.histogram(np.ones(3), range=(leaf(0.0), 3.0)),
        errors.UnsupportedArgumentError,
        ["np.histogram", r"\.detach\(\)"],
    ),
    "ag.logsumexp(complex)": (lambda: ag.logsumexp([1j]), errors.DTypeError, ["complex128", r"ag\.scipy"]),
    "gradients() by a frozen leaf": (
        lambda: ag.gradients(X * 2, ag.Tensor(1.0, name="w"), np.ones(2)),
        errors.NothingRecordedError,
        ["w", "requires_grad=False"],
    ),
    "gradients([y], x, number)": (lambda: ag.gradients([X * 2], X, 1.0), TypeError, ["list of cotangents", "float"]),
    "grad of a value": (lambda: ag.grad(np.sin(1.0)), TypeError, ["function itself", r"ag\.grad\(f\)\(x\)"]),
    "scope(number)": (lambda: ag.scope(1), TypeError, ["name", "layer1"]),
    "no_grad of a number": (lambda: ag.no_grad()(1), TypeError, ["no_grad", "int"]),
    "checkpoint of a number": (lambda: ag.checkpoint(1), TypeError, ["checkpoint", "int"]),
    "primitive of a number": (lambda: ag.primitive(1), TypeError, ["primitive", "int"]),
    "defvjp of a number": (lambda: ag.defvjp(1, operator.add), TypeError, ["defvjp", "int"]),
    "defvjp with a number": (
        lambda: ag.defvjp(ag.primitive(lambda x: x), 3),
        errors.RuleError,
        ["a rule is a function"],
    ),
    "a masked array in a loss": (
        lambda: nn.squared_error(np.ma.masked_array([1.0], [True]), [1.0]),
        errors.DTypeError,
        ["squared_error", "mask", "filled"],
    ),
}
