"""Interpolants: the value is SciPy's, the gradient by the values is linear, and by the place the slope."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import UnsupportedArgumentError

pytest.importorskip("scipy")
theirs = pytest.importorskip("scipy.interpolate")
X, Y = np.array([0.0, 0.7, 1.5, 2.0, 3.1]), np.array([[1.0, -0.3, 0.8, 0.2, 0.5], [0.1, 0.9, -1.0, 0.4, 0.3]])
AT = np.array([[0.3, 1.1], [2.9, 1.5]])
SPLINES = {
    "cubic": ("CubicSpline", {"axis": 1, "bc_type": "natural"}), "periodic": ("CubicSpline", {"axis": 1}),
    "B-spline": ("make_interp_spline", {"axis": 1, "k": 4}), "linear": ("interp1d", {"axis": 1}),
    "quadratic": ("interp1d", {"axis": -1, "kind": "quadratic", "fill_value": "extrapolate"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SPLINES)
def test_by_the_values(name):
    make, keywords = SPLINES[name]
    mine, other = getattr(ag.scipy.interpolate, make), getattr(theirs, make)
    expected = other(X, Y, **keywords)(AT)
    np.testing.assert_array_equal(mine(X, Y, **keywords)(AT), expected)
    y = ag.Tensor(Y, requires_grad=True)
    got = mine(X, y, **keywords)(AT)
    np.testing.assert_allclose(got.data, expected, rtol=1e-12, atol=1e-14)
    c = np.cos(np.arange(got.size)).reshape(got.shape)
    direction = np.sin(np.arange(Y.size)).reshape(Y.shape)
    gradient = ag.gradients(got, y, c)
    np.testing.assert_allclose(
        np.sum(gradient * direction), np.sum(c * other(X, direction, **keywords)(AT)), rtol=1e-10
    )


@pytest.mark.parametrize("name", ["cubic", "B-spline"])
def test_by_the_place(name):
    make = SPLINES[name][0]
    mine, other = getattr(ag.scipy.interpolate, make), getattr(theirs, make)
    f = lambda x: np.sum(mine(X, Y[0])(x))  # noqa: E731
    np.testing.assert_allclose(ag.grad(f)(AT), other(X, Y[0])(AT, 1), rtol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(ag.grad(f)(x)))(AT), other(X, Y[0])(AT, 2), rtol=1e-12)


def test_grid():
    points, values = (np.arange(3.0), np.arange(4.0)), np.sin(np.arange(12.0)).reshape(3, 4)
    at = np.array([[0.5, 1.2], [1.7, 2.9]])
    v = ag.Tensor(values, requires_grad=True)
    got = ag.scipy.interpolate.RegularGridInterpolator(points, v)(at)
    np.testing.assert_allclose(got.data, theirs.RegularGridInterpolator(points, values)(at), rtol=1e-13)
    weights = ag.gradients(np.sum(got), v)
    np.testing.assert_allclose(np.sum(weights), 2, rtol=1e-13)
    np.testing.assert_allclose(np.sum(weights * values), np.sum(got.data), rtol=1e-13)


def test_what_is_refused():
    t = ag.Tensor(X, requires_grad=True)
    with pytest.raises(UnsupportedArgumentError, match="by x"):
        ag.scipy.interpolate.CubicSpline(t, Y[0])
    with pytest.raises(UnsupportedArgumentError, match="bc_type"):
        ag.scipy.interpolate.CubicSpline(X, ag.Tensor(Y[0]), bc_type=((1, 0.0), (1, 0.0)))
    with pytest.raises(UnsupportedArgumentError, match="place"):
        ag.scipy.interpolate.interp1d(X, Y[0])(ag.Tensor(0.3, requires_grad=True))


def test_a_grid_refuses_pchip_at_the_call_too():
    grid = ag.scipy.interpolate.RegularGridInterpolator((X,), ag.Tensor(Y[0], requires_grad=True))
    with pytest.raises(UnsupportedArgumentError, match="pchip"):
        grid([[0.3]], method="pchip")


@pytest.mark.parametrize(("make", "keywords"), [
    ("interp1d", {"bounds_error": False}), ("CubicSpline", {"extrapolate": False}),
])  # fmt: skip
def test_places_out_of_range_leave_the_others_alone(make, keywords):
    at, y = np.array([0.3, 9.0, 2.9]), ag.Tensor(Y[0], requires_grad=True)
    got = getattr(ag.scipy.interpolate, make)(X, y, **keywords)(at)
    np.testing.assert_allclose(got.data, getattr(theirs, make)(X, Y[0], **keywords)(at), rtol=1e-13)
    gradient = ag.gradients(np.sum(got[::2]), y)
    np.testing.assert_allclose(np.sum(gradient * Y[0]), np.sum(got.data[::2]), rtol=1e-13)


def test_points_out_of_range_of_a_grid():
    at, y = np.array([[0.3], [9.0], [2.9]]), ag.Tensor(Y.T, requires_grad=True)
    got = ag.scipy.interpolate.RegularGridInterpolator((X,), y, bounds_error=False)(at)
    np.testing.assert_allclose(got.data, theirs.RegularGridInterpolator((X,), Y.T, bounds_error=False)(at), rtol=1e-13)
    np.testing.assert_allclose(np.sum(ag.gradients(np.sum(got[::2]), y) * Y.T), np.sum(got.data[::2]), rtol=1e-13)


@pytest.mark.parametrize("make", ["CubicSpline", "make_interp_spline"])
def test_periodic_splines(make):
    """The ends are one value: each has half of its weight."""
    values = np.concatenate([Y[0][:-1], Y[0][:1]])
    y = ag.Tensor(values, requires_grad=True)
    got = getattr(ag.scipy.interpolate, make)(X, y, bc_type="periodic")(AT)
    other = lambda v: getattr(theirs, make)(X, v, bc_type="periodic")(AT)  # noqa: E731
    np.testing.assert_allclose(got.data, other(values), rtol=1e-12)
    gradient = ag.gradients(np.sum(got), y)
    direction = np.array([1.0, 0.3, -2.0, 0.4, 1.0])
    np.testing.assert_allclose(np.sum(gradient * direction), np.sum(other(direction)), rtol=1e-12)
