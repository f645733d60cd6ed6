"""Selecting and writing: repeated places, what is not selected, where a gradient would be lost."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import DTypeError, LostGradientError, MissingRuleError, UnsupportedArgumentError


def gradients(f, *primals):
    """Of the weighted sum of the result, with weights 1, 2, 3, ..."""
    leaves = [ag.Tensor(np.array(x, float), requires_grad=True) for x in primals]
    y = f(*leaves)
    return [g.tolist() for g in ag.gradients([y], leaves, [np.arange(1.0, y.size + 1).reshape(y.shape)])]


def left(function, *args, **kwargs):
    """Return what a function in place makes of a copy."""

    def f(a, v):
        a = a.copy()
        assert function(a, *[v if x is ... else x for x in args], **kwargs) is None
        return a

    return f


YES = np.array([True, False, True])
SELECTED = {
    "take adds up": (lambda a: np.take(a, [0, 0, 1]), [[5, 6]], [[3, 3]]),
    "take clips": (lambda a: np.take(a, [-7, 9], mode="clip"), [[5, 6]], [[1, 2]]),
    "take wraps": (lambda a: np.take(a, [2, -1], mode="wrap"), [[5, 6]], [[1, 2]]),
    "take reads a list of floats as NumPy does": (lambda a: np.take(a, [1.9]), [[5, 6]], [[0, 1]]),
    "take_along_axis adds up": (lambda a: np.take_along_axis(a, np.array([1, 1]), 0), [[5, 6]], [[0, 3]]),
    "choose": (lambda a, b: np.choose([0, 1, 0], [a, b]), [[1, 2, 3], 9], [[1, 0, 3], 2]),
    "select takes the first": (lambda a, b: np.select([YES, ~YES | YES], [a, b]), [[1, 2, 3], 9], [[1, 0, 3], 2]),
    "select passes nothing to a dead nan": (lambda a: np.select([YES], [a]), [[1, np.nan, 3]], [[1, 0, 3]]),
    "select's default": (lambda a, d: np.select([YES], [a], d), [[1, 2, 3], 9], [[1, 0, 3], 2]),
    "piecewise: the last one decides": (
        lambda a: np.piecewise(a, [a > 0, a > 2], [np.square, lambda x: 5 * x]), [[-1, 1, 3]], [[0, 4, 15]],
    ),
    "piecewise: a Tensor as value": (lambda a, v: np.piecewise(a, [a > 0], [v, 0]), [[-1, 1, 3], 2], [[0, 0, 0], 5]),
    "piecewise never calls outside": (lambda a: np.piecewise(a, [a > 0], [np.log, 0]), [[0, 2]], [[0, 1]]),
    "put: the last stays": (left(np.put, [1, 1], ...), [[1, 2, 3], [8, 9]], [[1, 0, 3], [0, 2]]),
    "put: values again": (left(np.put, [0, 1, 2], ...), [[1, 2, 3], [8, 9]], [[0, 0, 0], [4, 2]]),
    "put_along_axis: the last stays": (
        left(np.put_along_axis, np.array([1, 1]), ..., 0), [[1, 2, 3], [8, 9]], [[1, 0, 3], [0, 2]],
    ),
    "place goes through the values": (left(np.place, YES, ...), [[1, 2, 3], [8, 9]], [[0, 2, 0], [1, 3]]),
    "putmask goes by the place": (left(np.putmask, YES, ...), [[1, 2, 3], [7, 8, 9]], [[0, 2, 0], [1, 0, 3]]),
    "copyto broadcasts": (left(np.copyto, ..., where=YES), [[1, 2, 3], 9], [[0, 2, 0], 4]),
    "fill_diagonal": (left(np.fill_diagonal, ...), [[[1, 2], [3, 4]], 9], [[[0, 2], [3, 0]], 5]),
}  # fmt: skip


@pytest.mark.parametrize("name", SELECTED)
def test_selection(name):
    f, primals, expected = SELECTED[name]
    assert gradients(f, *primals) == expected


IN_PLACE = {
    np.put: ([0], ...), np.place: ([True, False], ...), np.putmask: ([True, False], ...), np.copyto: (...,),
}  # fmt: skip


@pytest.mark.parametrize("function", IN_PLACE)
def test_a_gradient_is_not_written_into_a_plain_array(function):
    v = ag.Tensor([1.0], requires_grad=True)
    a = np.zeros(2)
    with pytest.raises(LostGradientError, match=f"{function.__name__}.*ag.Tensor"):
        function(a, *[v if x is ... else x for x in IN_PLACE[function]])
    assert not a.any()
    function(a, *[v.detach() if x is ... else x for x in IN_PLACE[function]])
    assert a[0] == 1


def test_a_gradient_is_not_written_into_integers():
    t = ag.Tensor([1, 2])
    with pytest.raises((UnsupportedArgumentError, DTypeError)):
        np.put(t, [0], ag.Tensor(1.5, requires_grad=True))


def test_indices_are_no_floats():
    t = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError):
        np.take(t, t)
    with pytest.raises(IndexError):
        np.take_along_axis(t, t, 0)


def test_default_of_select_alone_is_not_lost():
    d = ag.Tensor(1.0, requires_grad=True)
    with pytest.raises(LostGradientError):
        np.select([np.array([True, False])], [np.zeros(2)], d)


@pytest.mark.parametrize("function", [np.strings.isalpha, np.is_busday, np.isnat])
def test_text_and_dates_are_refused_by_name(function):
    with pytest.raises(MissingRuleError, match=f"{function.__name__}.*numbers"):
        function(ag.Tensor([1.0]))
