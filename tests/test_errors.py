"""The errors: their classes, and what is tested of messages beyond the rows of tests/messages."""

import warnings

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors

from .messages.tensor import S, X, assign, leaf


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
