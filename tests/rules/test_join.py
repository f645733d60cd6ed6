"""Padding and repeating: what the rows cannot say."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import LostGradientError


def test_values_around_are_differentiable():
    """Each border is counted once, the corners to the last axis."""
    fill = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    a = ag.Tensor(np.zeros((2, 3)))
    y = np.pad(a, ((1, 2), (0, 1)), constant_values=fill)
    np.testing.assert_array_equal(y.data, np.pad(a.data, ((1, 2), (0, 1)), constant_values=fill.data))
    assert ag.gradients(np.sum(y), fill).tolist() == [[3, 6], [0, 5]]


def test_end_values_are_differentiable():
    end = ag.Tensor([2.0, -1.0], requires_grad=True)
    y = np.pad(ag.Tensor([1.0, 1.0]), 2, "linear_ramp", end_values=end)
    assert ag.gradients([y], [end], [np.arange(6.0)])[0].tolist() == [0 + 0.5, 5 + 2.0]


def test_values_around_a_plain_array_are_not_lost():
    with pytest.raises(LostGradientError):
        np.pad(np.zeros(2), 1, constant_values=ag.Tensor(1.0, requires_grad=True))


def test_ties_in_padding_share_evenly():
    a = ag.Tensor([1.0, 3.0, 3.0], requires_grad=True)
    assert ag.gradients(np.sum(np.pad(a, (2, 0), "maximum")), a).tolist() == [1, 2, 2]


def test_odd_reflection_of_an_infinite_entry_stays_local():
    """The derivative is a matter of places: 2 of the edge, -1 of the mirrored entry."""
    a = ag.Tensor([1.0, 2.0, np.inf], requires_grad=True)
    y = np.pad(a, (1, 0), "reflect", reflect_type="odd")
    assert y.data.tolist() == [0, 1, 2, np.inf]
    assert ag.gradients(y[0], a).tolist() == [2, -1, 0]


def test_what_is_repeated_adds_up():
    a = ag.Tensor([1.0, 2.0, 3.0], requires_grad=True)
    assert ag.gradients([np.repeat(a, [2, 0, 1])], [a], [np.array([1.0, 2, 4])])[0].tolist() == [3, 0, 4]
    assert ag.gradients(np.sum(np.tile(a, 4)), a).tolist() == [4] * 3
    assert ag.gradients(np.sum(np.resize(a, 7)), a).tolist() == [3, 2, 2]
    assert ag.gradients(np.sum(np.lib.stride_tricks.sliding_window_view(a, 2)), a).tolist() == [1, 2, 1]


def test_zeros_are_trimmed():
    a = ag.Tensor([0.0, 1.0, 0.0, 2.0, 0.0, 0.0], requires_grad=True)
    for trim in ("fb", "f", "b"):
        y = np.trim_zeros(a, trim)
        np.testing.assert_array_equal(y.data, np.trim_zeros(a.data, trim))
        assert ag.gradients(np.sum(y), a).sum() == y.size
    assert np.trim_zeros(ag.Tensor([0.0, 0.0])).shape == (0,)


@pytest.mark.parametrize("maker", [np.r_, np.c_], ids=["r_", "c_"])
def test_index_tricks_do_not_lose_a_gradient(maker):
    t = ag.Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(LostGradientError, match=r"np\.stack"):
        maker[t, t]


def test_vectorize_does_not_lose_a_gradient():
    with pytest.raises(LostGradientError):
        np.vectorize(lambda x: x * 2)(ag.Tensor([1.0, 2.0], requires_grad=True))


def test_as_strided_does_not_lose_a_gradient():
    with pytest.raises(LostGradientError):
        np.lib.stride_tricks.as_strided(ag.Tensor([1.0, 2.0], requires_grad=True), (2, 2), (0, 8))
