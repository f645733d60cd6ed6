"""What goes wrong with a Tensor: leaving the graph, writing in place, dtypes, shapes, backward()."""

import copy
import math
import pickle

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from ..opaque import Elsewhere


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def assign(a, index, value):
    a[index] = value


def add_into(a, value):
    a += value


def no_grad_then_backward():
    x = leaf(2.0)
    with ag.no_grad():
        y = x * x
    y.backward()


X = leaf([1.0, 2.0, 3.0], name="x")
S, U = leaf(1.5, name="s"), leaf(2.5, name="u")
M34, M54, M43, M45 = (leaf(np.ones(shape)) for shape in [(3, 4), (5, 4), (4, 3), (4, 5)])

ROWS = {
    # a value with a path leaves the graph
    "np.asarray(t)": (lambda: np.asarray(X), errors.LostGradientError, ["'x'", "plain array", r"\.detach\(\)"]),
    "np.asarray(result)": (lambda: np.asarray(X * 2), errors.LostGradientError, [r"shape \(3,\)", r"\.detach\(\)"]),
    "np.array([t, u])": (lambda: np.array([S, U]), errors.LostGradientError, [r"np\.stack"]),
    "np.array([x, x])": (lambda: np.array([X, X]), errors.LostGradientError, [r"np\.stack"]),
    "Tensor([t, u])": (lambda: ag.Tensor([S, U]), errors.LostGradientError, [r"np\.stack"]),
    "Tensor(t)": (lambda: ag.Tensor(X), errors.LostGradientError, [r"\.detach\(\)"]),
    "np.full(s, t)": (lambda: np.full(3, S), errors.LostGradientError, ["'s'"]),
    "A.dot(t)": (lambda: np.eye(3).dot(X), errors.LostGradientError, ["'x'"]),
    "np.arange(t)": (lambda: np.arange(S), errors.LostGradientError, ["'s'"]),
    "np.pad(A, constant_values=t)": (
        lambda: np.pad(np.eye(2), 1, constant_values=S),
        errors.LostGradientError,
        ["'s'"],
    ),
    "a[:] = t": (lambda: assign(np.zeros(3), slice(None), X), errors.LostGradientError, ["'x'", r"np\.where"]),
    "a[:2] = list of t": (lambda: assign(np.zeros(2), slice(None), [S, U]), errors.LostGradientError, [r"np\.stack"]),
    "float(t)": (lambda: float(S), errors.LostGradientError, ["'s'", "float", r"\.item\(\)"]),
    "int(t)": (lambda: int(S), errors.LostGradientError, ["'s'", "int"]),
    "complex(t)": (lambda: complex(S), errors.LostGradientError, ["'s'", "complex"]),
    "math.sin(t)": (lambda: math.sin(S), errors.LostGradientError, ["math", r"np\.sin"]),
    "masked * t": (lambda: np.ma.array([1.0, 2.0, 3.0]) * X, errors.AutogradError, []),
    # in place
    "a += t": (lambda: add_into(np.zeros(3), X), errors.UnsupportedArgumentError, [r"np\.add", r"a = a \+ t"]),
    "a @= t": (
        lambda: np.matmul(np.eye(3), M34[:, :3], out=np.eye(3)),
        errors.UnsupportedArgumentError,
        [r"np\.matmul", r"a = a @ t|result = "],
    ),
    "out=": (lambda: np.tanh(X, out=np.zeros(3)), errors.UnsupportedArgumentError, [r"np\.tanh", "out="]),
    "np.sum(out=)": (lambda: np.sum(X, out=np.zeros(())), errors.UnsupportedArgumentError, [r"np\.sum", "out="]),
    "w += 1": (lambda: X.__iadd__(1), errors.UnsupportedArgumentError, [r"t\.data", r"\.copy\(\)"]),
    "v = t.T; v += 1": (lambda: (M34 * 1).T.__iadd__(1), errors.UnsupportedArgumentError, ["view", r"\.copy\(\)"]),
    "result.data = ": (lambda: setattr(X * 2, "data", np.ones(3)), errors.LostGradientError, ["leaf", r"Tensor\("]),
    "t.data = other shape": (lambda: setattr(X, "data", np.ones(2)), errors.ShapeError, [r"\(3,\)", r"\(2,\)"]),
    # no derivative there
    "Tensor(int, requires_grad)": (lambda: leaf([1, 2]), errors.DTypeError, ["int64", r"3\.0 for 3", "astype"]),
    "Tensor(bool, requires_grad)": (lambda: leaf([True]), errors.DTypeError, ["bool"]),
    "int.requires_grad = True": (
        lambda: setattr(ag.Tensor([1]), "requires_grad", True),
        errors.DTypeError,
        ["int64", "real or complex"],
    ),
    "result.requires_grad = False": (
        lambda: setattr(X * 2, "requires_grad", False),
        errors.LostGradientError,
        [r"\.detach\(\)"],
    ),
    "t.astype(int)": (lambda: X.astype(int), errors.UnsupportedArgumentError, ["int64", r"\.detach\(\)"]),
    "np.sum(dtype=int)": (lambda: np.sum(X, dtype=int), errors.UnsupportedArgumentError, [r"np\.sum", "int64"]),
    "t * object array": (lambda: X * np.array([1, 2, 3], object), errors.AutogradError, [r"np\.multiply", "object"]),
    "object * t": (lambda: np.array([1, 2, 3], object) * X, errors.AutogradError, [r"np\.multiply", "object"]),
    # what a Tensor cannot hold
    "Tensor(objects)": (lambda: ag.Tensor(np.array([1, None])), errors.DTypeError, ["object", r"np\.stack"]),
    "Tensor(None)": (lambda: ag.Tensor(None), errors.DTypeError, ["object"]),
    "Tensor(text)": (lambda: ag.Tensor("abc"), errors.DTypeError, ["<U3", "numbers"]),
    "Tensor(dates)": (lambda: ag.Tensor(np.array(["2020-01-01"], "M8[D]")), errors.DTypeError, ["datetime64"]),
    "Tensor(records)": (lambda: ag.Tensor(np.zeros(2, [("a", float)])), errors.DTypeError, ["numbers"]),
    "Tensor(masked)": (lambda: ag.Tensor(np.ma.array([1.0])), errors.DTypeError, ["MaskedArray", "filled"]),
    "t * masked": (lambda: X * np.ma.array([1.0, 2.0, 3.0]), errors.DTypeError, ["MaskedArray"]),
    "Tensor(ragged)": (lambda: ag.Tensor([[1.0], [1.0, 2.0]]), ValueError, ["inhomogeneous"]),
    # backward
    "vector.backward()": (lambda: (X * 2).backward(), errors.ShapeError, ["scalar", r"\(3,\)", "sum", "cotangent"]),
    "backward(wrong shape)": (
        lambda: (X * 2).backward(np.ones(2)),
        errors.ShapeError,
        [r"cotangent has shape \(2,\)", r"\(3,\)"],
    ),
    "backward(1.0) of a vector": (lambda: (X * 2).backward(1.0), errors.ShapeError, [r"shape \(\)", r"\(3,\)"]),
    "backward(complex)": (
        lambda: (X * 2).backward(1j * np.ones(3)),
        errors.DTypeError,
        ["float64", "complex128", "real"],
    ),
    "backward(text)": (lambda: (S * 2).backward("abc"), errors.DTypeError, ["cotangent"]),
    "constant.backward()": (lambda: ag.Tensor(1.0).backward(), errors.NothingRecordedError, ["requires_grad=True"]),
    "detached.backward()": (lambda: (S.detach() * 2).backward(), errors.NothingRecordedError, ["detach"]),
    "comparison.backward()": (lambda: (X > 2).sum().backward(), errors.NothingRecordedError, ["comparison"]),
    "no_grad, then backward": (no_grad_then_backward, errors.NothingRecordedError, ["recording was off", "no_grad"]),
    "constant.retain_grad()": (lambda: ag.Tensor(1.0).retain_grad(), errors.NothingRecordedError, ["retain_grad"]),
    # shapes
    "(3, 4) @ (5, 4)": (
        lambda: M34 @ M54,
        errors.ShapeError,
        [r"\(3, 4\)", r"\(5, 4\)", r"last axis of a \(4\)", r"of b \(5\)", r"did you mean a @ b\.T\?"],
    ),
    "(4, 3) @ (4, 5)": (lambda: M43 @ M45, errors.ShapeError, [r"\(4, 3\)", r"Did you mean a\.T @ b\?"]),
    "(3, 4) @ (3,)": (lambda: M34 @ X, errors.ShapeError, [r"\(3, 4\)", r"\(3,\)", "only axis of b"]),
    "array (3, 4) @ (5, 4)": (lambda: np.ones((3, 4)) @ M54, errors.ShapeError, [r"did you mean a @ b\.T\?"]),
    "a @ 2.0": (lambda: M34 @ 2.0, errors.ShapeError, [r"\(3, 4\)", r"\(\)", r"\*"]),
    "(3, 4) + (5, 4)": (lambda: M34 + M54, errors.ShapeError, [r"np\.add", r"\(3, 4\)", r"\(5, 4\)"]),
    # functions and keywords
    "a ufunc of no library": (lambda: np.frompyfunc(abs, 1, 1)(X), errors.MissingRuleError, [r"ag\.defvjp", "detach"]),
    "np.busday_count(t)": (lambda: np.busday_count(X, X), errors.MissingRuleError, [r"np\.busday_count", "dates"]),
    "np.hypot.reduce(where=)": (
        lambda: np.hypot.reduce(X, where=[True, False, True]),
        errors.UnsupportedArgumentError,
        [r"np\.hypot\.reduce", "where="],
    ),
    "np.add.at(a, i, t)": (
        lambda: np.add.at(np.zeros(3), [0], X[:1]),
        errors.LostGradientError,
        [r"np\.add\.at", r"ag\.Tensor\(a\)"],
    ),
    "int t[0] = v": (lambda: ag.Tensor([1, 2]).__setitem__(0, S), errors.DTypeError, ["int64", r"np\.zeros\(n\)"]),
    "w[0] = v": (lambda: X.__setitem__(0, 1.0), errors.UnsupportedArgumentError, [r"t\.data", r"\.copy\(\)"]),
    "view[0] = v": (lambda: (M34 * 1).T.__setitem__(0, 1.0), errors.UnsupportedArgumentError, ["view", r"\.copy\(\)"]),
    "np.tanh(where=)": (
        lambda: np.tanh(X, where=np.array([True, False, True])),
        errors.UnsupportedArgumentError,
        [r"np\.tanh", "where=", r"np\.where\("],
    ),
    "np.tanh(signature=)": (
        lambda: np.tanh(X, signature="d->d"),
        errors.UnsupportedArgumentError,
        [r"np\.tanh", "signature="],
    ),
    "np.reshape(order='A')": (
        lambda: np.reshape(M34, (12,), order="A"),
        errors.UnsupportedArgumentError,
        [r"np\.reshape", "order=", "'A'"],
    ),
    "np.sum(axis=t)": (lambda: np.sum(X, axis=S), errors.UnsupportedArgumentError, [r"np\.sum", "axis="]),
    # Python
    "for _ in scalar": (lambda: list(S), TypeError, ["0-d"]),
    "len(scalar)": (lambda: len(S), TypeError, ["unsized"]),
    "if vector": (lambda: bool(X), ValueError, ["ambiguous"]),
    "t[1.0]": (lambda: X[1.0], IndexError, ["integers"]),
    "t[5]": (lambda: X[5], IndexError, ["out of bounds"]),
}


def set_data(t, value):
    t.data = value


def fixed():
    a = np.ones(3)
    a.flags.writeable = False
    return leaf(a)


def update(t, symbol, value):
    exec(f"t {symbol}= value", {"t": t, "value": value})


def hooked(returned):
    y = X * 2
    y.register_hook(lambda g: returned)
    np.sum(y).backward()


def within_grad(f):
    ag.grad(lambda x: f(x) or np.sum(x))(np.ones(3))


def grad_of_another_shape():
    w = leaf([1.0, 2.0])
    w.grad = np.ones(3)
    np.sum(w * w).backward()


def view_in_use():
    t = X * 1
    v = t[0:2].T  # noqa: F841
    t[0] = 1.0


@ag.primitive
def text_of(_x):
    return "text"


text_of.__module__ = "mine"
ag.defvjp(text_of, lambda g, _y, x: g * x)
UNSUPPORTED, LOST = errors.UnsupportedArgumentError, errors.LostGradientError

ROWS |= {
    "t.detach().data = a": (lambda: set_data(X.detach(), np.ones(3)), LOST, [r"t\.data = ", "detached", "copy"]),
    "t.data = z, complex": (
        lambda: set_data(X, 1j * np.ones(3)),
        errors.DTypeError,
        ["float64", "complex128", "Convert"],
    ),
    "t.data = a masked array": (lambda: set_data(X, np.ma.ones(3)), errors.DTypeError, ["MaskedArray", r"np\.asarray"]),
    "t.data = a, on a cluster": (
        lambda: set_data(X, Elsewhere(np.ones(3))),
        errors.DTypeError,
        ["Elsewhere", "NumPy"],
    ),
    "t.data = a, of a read-only array": (lambda: set_data(fixed(), np.zeros(3)), LOST, ["read-only", r"a\.copy\(\)"]),
    "t.data = a, in ag.grad": (
        lambda: within_grad(lambda x: set_data(x, np.zeros(3))),
        UNSUPPORTED,
        ["ag.grad", "t = "],
    ),
    "copy.copy(t), in ag.grad": (lambda: within_grad(copy.copy), LOST, [r"ag\.grad", r"t\.copy\(\)", "detach"]),
    "copy.deepcopy(result)": (lambda: copy.deepcopy(X * 2), LOST, ["Only leaves", r"t\.detach\(\)", r"t\.copy\(\)"]),
    "pickle.dumps(result)": (lambda: pickle.dumps(X * 2), LOST, ["Only leaves", r"t\.detach\(\)"]),
    "t.resize(2)": (lambda: X.resize(2), AttributeError, [r"a Tensor has no \.resize", r"reshape", r"np\.pad"]),
    "t.strides": (lambda: X.strides, AttributeError, [r"no \.strides", r"t\.numpy\(\)\.strides"]),
    "t.byteswap()": (lambda: X.byteswap, AttributeError, [r"no \.byteswap", r"t\.numpy\(\)"]),
    "t.foo": (lambda: X.foo, AttributeError, ["'Tensor' object has no attribute 'foo'"]),
    "t *= a, which has more axes": (
        lambda: update(X * 1, "*", np.ones((2, 3))),
        errors.ShapeError,
        [r"t \*= ", r"\(2, 3\)", r"t = t \* \.\.\."],
    ),
    "t /= z, complex": (
        lambda: update(X * 1, "/", 1j),
        errors.DTypeError,
        ["t /= ", "float64", "complex128", r"t = t / \.\.\."],
    ),
    "w **= 2": (lambda: update(X, "**", 2), UNSUPPORTED, [r"t \*\*= ", r"t\.data \*\*= ", r"t\.copy\(\)"]),
    "t[0] = 1 with t[0:2].T in use": (view_in_use, UNSUPPORTED, ["another view of t", r"t\[0\]\.copy\(\)"]),
    "t[0] = z, complex": (lambda: (X * 1).__setitem__(0, 1j * S), errors.DTypeError, ["float64", "complex128"]),
    "t.fill(a)": (lambda: (X * 1).fill(np.ones(3)), errors.ShapeError, [r"t\.fill", r"\(3,\)", r"t\[\.\.\.\] = v"]),
    "a hook that returns another shape": (
        lambda: hooked(np.ones(2)),
        errors.ShapeError,
        ["hook <lambda>", r"\(2,\)", r"\(3,\)", "or None"],
    ),
    "a hook that returns complex numbers": (
        lambda: hooked(1j * np.ones(3)),
        errors.DTypeError,
        ["hook <lambda>", "complex128", "float64", "or None"],
    ),
    "t.grad = a of another shape; backward()": (
        grad_of_another_shape,
        errors.ShapeError,
        [r"\(2,\)", r"\(3,\)", r"zero_grad\(\)"],
    ),
    "float(t), t on a cluster": (
        lambda: float(ag.Tensor(Elsewhere(1.0)).sum()),
        (UNSUPPORTED),
        ["Elsewhere"],
    ),
    "bool(t), t on a cluster": (
        lambda: bool(ag.Tensor(Elsewhere(1.0))),
        UNSUPPORTED,
        ["would compute", "Elsewhere", r"t\.item\(\)"],
    ),
    "a primitive that returns text": (
        lambda: text_of(S),
        errors.AutogradError,
        [r"mine\.text_of returned a str", "one array"],
    ),
    "a.dot(t) through a ufunc": (
        lambda: ag.Tensor.__array_ufunc__(S, np.add, "__call__", S, {1, 2}),
        errors.DTypeError,
        ["np.add", "set", "list"],
    ),
    "t + {1, 2}": (lambda: X + {1, 2}, errors.DTypeError, [r"np\.add", "set", r"np\.array\(list\(b\)\)"]),
    "a.clip(0, t)": (lambda: np.ones(3).clip(0, X), errors.AutogradError, [r"np\.clip|plain array"]),
    "np.arange(t, like=t)": (lambda: np.arange(S, like=S), UNSUPPORTED, [r"np\.arange", r"np\.arange\(n\) \* step"]),
    "np.argmax(t, out=a)": (
        lambda: np.argmax(X, out=np.zeros((), int)),
        UNSUPPORTED,
        [r"np\.argmax", "out=", "Write `result"],
    ),
    "np.sign(z), complex": (lambda: np.sign(leaf([1j])), UNSUPPORTED, [r"np\.sign", r"z / np\.abs\(z\)"]),
    "np.sum(t, out=u), another shape": (
        lambda: np.sum(X, out=X * 1),
        errors.ShapeError,
        [r"np\.sum: out= has shape \(3,\)", r"\(\)", "result = "],
    ),
    "np.sum(z, out=t), complex": (
        lambda: np.sum(leaf([1j, 2]), out=S * 1),
        errors.DTypeError,
        [r"np\.sum: out= holds float64", "complex128"],
    ),
    "ag.gradients([2.0], [t])": (
        lambda: ag.gradients([2.0], [X]),
        errors.NothingRecordedError,
        ["needs a Tensor, not float", r"ag\.Tensor"],
    ),
    "backward(masked)": (
        lambda: (X * 2).backward(np.ma.ones(3)),
        errors.DTypeError,
        ["cotangent", "MaskedArray", r"np\.asarray"],
    ),
    # a composite names itself, and NumPy's own error comes first
    "np.std(t, dtype=int)": (
        lambda: np.std(X, dtype=int),
        UNSUPPORTED,
        [r"np\.\w+ was asked for a result of dtype int64", r"\(In np\.std\.\)"],
    ),
    "np.clip(t, a, 1), a of another shape": (
        lambda: np.clip(X, np.zeros(2), 1),
        errors.ShapeError,
        [r"\(3,\) and \(2,\) do not broadcast", r"\(In np\.clip\.\)"],
    ),
    "np.average(t, axis='x')": (lambda: np.average(X, axis="x"), TypeError, ["'str' object cannot be"]),
    "t.mean(axis=3)": (lambda: X.mean(axis=3), np.exceptions.AxisError, ["axis 3 is out of bounds"]),
    "t.mean(foo=1)": (lambda: X.mean(foo=1), TypeError, [r"mean\(\) got an unexpected keyword argument 'foo'"]),
    "np.subtract.accumulate(t, axis=3)": (
        lambda: np.subtract.accumulate(X, axis=3),
        np.exceptions.AxisError,
        ["axis 3 is out of bounds"],
    ),
    "np.add.reduceat(t, [])": (
        lambda: np.add.reduceat(X, []),
        UNSUPPORTED,
        [r"np\.add\.reduceat has no derivative rule for these arguments", "Rewrite"],
    ),
    "np.polymul(t, [])": (
        lambda: np.polymul(X, []),
        UNSUPPORTED,
        [r"np\.polymul has no derivative rule for these arguments", "Rewrite"],
    ),
    "np.nansum(t, axis=u)": (
        lambda: np.nansum(X, axis=S),
        UNSUPPORTED,
        [r"np\.sum .* axis=", r"axis\.detach\(\)", "name the argument"],
    ),
}
