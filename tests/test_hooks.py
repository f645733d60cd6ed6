"""Hooks: functions that see a cotangent, or put another in its place."""

import copy

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors

X = np.array([1.0, -2.0, 3.0])


def leaf(a):
    return ag.Tensor(a, requires_grad=True)


def test_a_hook_sees_the_whole_cotangent_once():
    x, seen = leaf(X), []
    y = x * x
    y.register_hook(seen.append)
    (y * 2 + y * 3).sum().backward()
    np.testing.assert_array_equal(seen, [[5, 5, 5]])
    np.testing.assert_array_equal(x.grad, 10 * X)


def test_a_hook_on_a_leaf_changes_its_gradient():
    x = leaf(X)
    x.register_hook(lambda g: g / 2)
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, X)
    np.testing.assert_array_equal(ag.gradients((x * x).sum(), x), X)


def test_hooks_run_in_order_and_can_be_removed():
    x, seen = leaf(X), []
    y = x * 1
    first = y.register_hook(lambda g: g + 1)
    y.register_hook(lambda g: seen.append(g.copy()))
    y.sum().backward()
    first.remove()
    first.remove()
    y.sum().backward()
    np.testing.assert_array_equal(seen, [[2, 2, 2], [1, 1, 1]])


def test_a_cotangent_cannot_be_changed_in_place():
    x = leaf(X)

    def hook(g):
        g *= 2

    (y := x * 1).register_hook(hook)
    with pytest.raises(ValueError, match="read-only"):
        y.sum().backward()
    assert x.grad is None


def test_a_recorded_sweep_shows_tensors_and_stays_differentiable():
    x = leaf(X)
    y = x * x
    y.register_hook(lambda g: g * x)
    (g,) = ag.gradients([y.sum()], [x], create_graph=True)
    assert isinstance(g, ag.Tensor)
    np.testing.assert_array_equal(g.data, 2 * X * X)
    np.testing.assert_array_equal(ag.gradients(g.sum(), x), 4 * X)


def test_a_hook_outlives_requires_grad():
    x = leaf(X)
    x.register_hook(lambda g: 0 * g)
    x.requires_grad = False
    x.requires_grad = True
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, 0)
    y = copy.deepcopy(x)
    y.zero_grad()
    (y * y).sum().backward()
    np.testing.assert_array_equal(y.grad, 2 * X)


def test_a_jacobian_goes_through_hooks_one_cotangent_at_a_time():
    shapes = []

    def f(x):
        y = x * x
        y.register_hook(lambda g: shapes.append(g.shape))
        y.register_hook(lambda g: np.where(g > 0, 3.0, 0.0))
        return y * 1

    np.testing.assert_array_equal(ag.jacobian(f)(X), np.diag(6 * X))
    assert set(shapes) == {(3,)}


def test_the_dtype_is_kept():
    x = leaf(np.float32([1, 2]))
    x.register_hook(lambda g: g.astype(float) * 2)
    (x * x).sum().backward()
    assert x.grad.dtype == np.float32


class TestRefusals:
    def test_nothing_recorded(self):
        with pytest.raises(errors.NothingRecordedError, match=r"register_hook\(\)"):
            ag.Tensor(X).register_hook(print)

    def test_another_shape(self):
        def summed(g):
            return g.sum()

        (x := leaf(X)).register_hook(summed)
        with pytest.raises(errors.ShapeError, match=r"summed returned shape \(\).*\(3,\)"):
            (x * x).sum().backward()

    def test_another_kind(self):
        (x := leaf(X)).register_hook(lambda g: g * 1j)
        with pytest.raises(errors.DTypeError, match=r"complex128.*float64"):
            (x * x).sum().backward()
