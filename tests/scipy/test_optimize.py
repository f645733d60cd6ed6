"""Solvers of equations differentiate implicitly; SciPy's optimisers take gradients and Jacobians as they are."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import LostGradientError

scipy = pytest.importorskip("scipy")
optimize = pytest.importorskip("scipy.optimize")


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def residuals(x):
    return np.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


@pytest.mark.parametrize("method", ["BFGS", "L-BFGS-B", "CG", "SLSQP"])
def test_minimize_takes_value_and_grad(method):
    found = optimize.minimize(ag.value_and_grad(rosenbrock), np.array([-1.2, 1.0, 0.8]), jac=True, method=method)
    np.testing.assert_allclose(found.x, np.ones(3), atol=2e-3)


def test_least_squares_and_root_take_a_jacobian():
    jacobian = ag.jacobian(residuals)
    found = optimize.least_squares(residuals, np.array([-1.2, 1.0]), jac=jacobian)
    np.testing.assert_allclose(found.x, np.ones(2), atol=1e-8)
    found = optimize.root(residuals, np.array([-1.2, 1.0]), jac=jacobian)
    np.testing.assert_allclose(found.x, np.ones(2), atol=1e-8)


def test_newton_takes_derivatives():
    f = lambda x: np.tanh(x) - 0.5  # noqa: E731
    assert np.isclose(optimize.newton(f, 0.3, fprime=ag.grad(f), fprime2=ag.grad(ag.grad(f))), np.arctanh(0.5))


def test_fixed_point():
    """The square root by Heron's rule."""
    heron = lambda x, a: (x + a / x) / 2  # noqa: E731
    root = lambda a: ag.scipy.optimize.fixed_point(heron, np.array([1.0, 1.5]), args=(a,), xtol=1e-13)  # noqa: E731
    a = np.array([2.0, 3.0])
    np.testing.assert_array_equal(root(a), optimize.fixed_point(heron, np.array([1.0, 1.5]), args=(a,), xtol=1e-13))
    first = ag.grad(lambda a: np.sum(root(a)))
    np.testing.assert_allclose(first(a), 0.5 / np.sqrt(a), rtol=1e-10)
    np.testing.assert_allclose(ag.grad(lambda a: np.sum(first(a)))(a), -0.25 / a**1.5, rtol=1e-10)


def test_root_of_a_system_by_several_arguments():
    f = lambda x, a, b: [x[0] ** 2 + x[1] - a[0], x[0] * x[1] - b["b"]]  # noqa: E731

    def solve(a, b):
        return ag.scipy.optimize.root(f, np.array([1.0, 1.0]), args=(a, {"b": b}), tol=1e-13).x

    a, b = np.array([2.0]), 0.7
    x = solve(a, b)
    inverse = np.linalg.inv([[2 * x[0], 1], [x[1], x[0]]])
    for i in range(2):
        to_a, to_b = ag.grad(lambda a, b, i=i: solve(a, b)[i], argnums=(0, 1))(a, b)
        np.testing.assert_allclose([to_a[0], to_b], inverse[i], rtol=1e-9)


@pytest.mark.parametrize("bracket", [(0.0, 5.0), None])
def test_root_scalar(bracket):
    start = {"bracket": bracket} if bracket else {"x0": 1.0}
    solve = lambda a: ag.scipy.optimize.root_scalar(lambda x, a: x**3 - a, args=(a,), **start).root  # noqa: E731
    np.testing.assert_allclose(ag.grad(solve)(2.0), 2 ** (-2 / 3) / 3, rtol=1e-8)


def test_starting_points_get_nothing():
    solve = lambda x0, a: ag.scipy.optimize.newton(lambda x, a: x * x - a, x0, args=(a,))  # noqa: E731
    assert ag.grad(solve, argnums=(0, 1))(1.2, 2.0)[0] == 0


def test_a_tensor_that_is_closed_over_is_refused():
    a = ag.Tensor(2.0, requires_grad=True)
    with pytest.raises(LostGradientError):
        ag.scipy.optimize.brentq(lambda x: x * x - a, 0.0, 2.0)


@pytest.mark.parametrize("args", [(), (ag.Tensor(1.0, requires_grad=True),)])
@pytest.mark.parametrize(("name", "f", "start"), [
    ("fixed_point", lambda a: lambda x, *b: (x + a / x) / 2, {"x0": np.ones(1)}),
    ("root", lambda a: lambda x, *b: x * x - a, {"x0": np.ones(1)}),
    ("root_scalar", lambda a: lambda x, *b: x * x - a, {"bracket": (0.0, 2.0)}),
])  # fmt: skip
def test_solvers_name_what_is_closed_over(name, f, start, args):
    solver = getattr(ag.scipy.optimize, name)
    with pytest.raises(LostGradientError, match=f"{name} closes over a Tensor"):
        solver(f(ag.Tensor(2.0, requires_grad=True)), args=args, **start)
    solver(f(2.0), **start)
