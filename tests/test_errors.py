"""The errors: each mistake that users make ends in a message that says what, where, and how to fix it."""

import math
import warnings

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors


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

# what is called: (function, error, pieces that the message must have)
MISTAKES = {
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


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(mistake):
    function, error, pieces = MISTAKES[mistake]
    with pytest.raises(error) as caught:
        function()
    for piece in pieces:
        assert caught.match(piece)
    assert X.grad is None
    assert S.grad is None


@pytest.mark.parametrize("index", [0, -1, (0,)])
@pytest.mark.parametrize("value", [S, X[0], X, leaf([1.0])], ids=["leaf", "element", "vector", "one"])
def test_assigning_a_tensor_to_an_element_of_a_plain_array(index, value):
    """NumPy says 'setting an array element with a sequence', the oldest complaint of this field; ours is the cause."""
    with pytest.raises((ValueError, errors.LostGradientError)) as caught:
        assign(np.zeros(3), index, value)
    error = caught.value if isinstance(caught.value, errors.LostGradientError) else caught.value.__cause__
    assert isinstance(error, errors.LostGradientError)
    assert "np.where" in str(error)


def test_matrix_is_refused_by_name():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix([[1.0, 2.0, 3.0]])
        with pytest.raises(errors.DTypeError, match="matrix"):
            ag.Tensor(matrix)
        for product in (lambda: X * matrix, lambda: X.reshape(3, 1) @ matrix, lambda: matrix * X.reshape(3, 1)):
            with pytest.raises(errors.DTypeError, match="matrix"):
                product()


def test_missing_rule_names_ones_own_function():
    @ag.primitive
    def my_function(x):
        return x * 2

    with pytest.raises(errors.MissingRuleError, match=r"my_function has no derivative rule.*defvjp"):
        my_function(X)
    assert my_function(X.detach().numpy()).tolist() == [2, 4, 6]


@pytest.mark.parametrize("result", [1.0, None, "text"])
def test_a_primitive_that_returns_no_array(result):
    """A Python number is as good as an array; anything else is refused by name."""

    @ag.primitive
    def my_function(_x):
        return result

    ag.defvjp(my_function, lambda g, _y, x: g * x)
    if result == 1.0:
        assert ag.grad(my_function)(3.0) == 3
    else:
        with pytest.raises((TypeError, errors.AutogradError), match=rf"my_function.*{type(result).__name__}"):
            my_function(S)


def test_rule_error_names_the_operand():
    """HIPS autograd reports 'argnum 0' for argument 2: the message is made from the real function and argument."""

    @ag.primitive
    def scaled(matrix, factor):
        return matrix * factor

    ag.defvjp(scaled, lambda g, _y, _matrix, factor: g * factor, lambda g, _y, matrix, _factor: g * matrix)
    with pytest.raises(errors.RuleError, match=r"scaled returned .*\(2, 2\).* (operand 1|factor)\b.*\(\)"):
        scaled(leaf(np.ones((2, 2))), leaf(3.0)).backward(np.ones((2, 2)))


def test_unsupported_keyword_names_the_keyword_that_was_passed():
    with pytest.raises(errors.UnsupportedArgumentError, match="where=") as caught:
        np.exp(X, where=np.array([True, True, False]), out=None)
    assert "dtype" not in str(caught.value)


def test_every_error_is_caught_by_its_base_and_by_python_s_own():
    for name in errors.__all__:
        error = getattr(errors, name)
        assert issubclass(error, errors.AutogradError)
        assert error.__doc__
    for ours, pythons in [
        (errors.DTypeError, TypeError),
        (errors.ShapeError, ValueError),
        (errors.MissingRuleError, TypeError),
        (errors.UnsupportedArgumentError, TypeError),
        (errors.LostGradientError, TypeError),
        (errors.NothingRecordedError, RuntimeError),
        (errors.GraphFreedError, RuntimeError),
        (errors.OverwrittenError, RuntimeError),
        (errors.GradcheckError, AssertionError),
    ]:
        assert issubclass(ours, pythons)


def test_messages_are_sentences():
    """Each says what and how to fix it, in whole sentences, without the object's address."""
    for name, (function, error, _) in MISTAKES.items():
        if not issubclass(error, errors.AutogradError):
            continue
        try:
            function()
        except errors.AutogradError as caught:
            text = str(caught)
            assert text[-1] in ".?)", name
            assert " at 0x" not in text, name
            assert len(text) < 700, name
        except Exception:  # test_mistake reports it
            pass
