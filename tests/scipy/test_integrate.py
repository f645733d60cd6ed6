"""Integrals and differential equations whose derivatives are known."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import LostGradientError, UnsupportedArgumentError

pytest.importorskip("scipy")
integrate = ag.scipy.integrate
FINE = {"rtol": 1e-10, "atol": 1e-10}


def spring(y, _t, k):
    return [y[1], -k * y[0]]


def at(t, k, y0):
    w = np.sqrt(k)
    return y0[0] * np.cos(w * t) + y0[1] / w * np.sin(w * t)


@pytest.mark.parametrize("solver", ["odeint", "RK45", "DOP853", "Radau", "LSODA"])
def test_spring(solver):
    """By the initial value, the end and the parameter."""

    def numerical(y0, t, k):
        times = np.stack([np.zeros_like(t), t / 2, t])
        if solver == "odeint":
            return integrate.odeint(spring, y0, times, args=(k,), **FINE)[2, 0]
        out = integrate.solve_ivp(
            lambda t, y, k: np.stack(spring(y, t, k)), (0.0, t), y0, solver, times, args=(k,), **FINE
        )
        return out.y[0, 2]

    primals = np.array([0.6, -0.4]), np.array(1.7), np.array(2.3)
    got = ag.grad(numerical, argnums=(0, 1, 2))(*primals)
    expected = ag.grad(lambda y0, t, k: at(t, k, y0), argnums=(0, 1, 2))(*primals)
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-6)


def test_steps_of_the_solver():
    y0 = np.array([0.5])
    got = ag.grad(lambda y0: integrate.solve_ivp(lambda t, y: -y * y, (0.0, 2.0), y0, **FINE).y[0, -1])(y0)
    np.testing.assert_allclose(got, 1 / (1 + 2 * y0) ** 2, rtol=1e-7)


def test_second_derivative_of_a_solution():
    end = lambda a: integrate.odeint(lambda y, t, a: -a * y, np.ones(1), np.array([0.0, 1.5]), args=(a,), **FINE)[1, 0]  # noqa: E731
    np.testing.assert_allclose(ag.grad(ag.grad(end))(0.7), 1.5**2 * np.exp(-0.7 * 1.5), rtol=1e-6)


def test_what_a_solver_refuses():
    y0 = ag.Tensor([1.0], requires_grad=True)
    for keywords in ({"events": lambda t, y: y[0]}, {"dense_output": True}, {"vectorized": True}, {"jac": None}):
        if keywords == {"jac": None}:
            keywords = {"jac": np.eye(1), "method": "BDF"}
        with pytest.raises(UnsupportedArgumentError, match=next(iter(keywords))):
            integrate.solve_ivp(lambda t, y: -y, (0.0, 1.0), y0, **keywords)
    with pytest.raises(LostGradientError):
        integrate.odeint(lambda y, t: -y0 * y, np.ones(1), np.array([0.0, 1.0]))


def test_quad():
    """By the limits and by the parameters, twice."""
    q = lambda a, b, c: integrate.quad(lambda x, c: np.exp(-c * x), a, b, args=(c,))[0]  # noqa: E731
    closed = lambda a, b, c: (np.exp(-c * a) - np.exp(-c * b)) / c  # noqa: E731
    primals = 0.2, 1.4, 0.9
    for k in range(3):
        np.testing.assert_allclose(ag.grad(q, k)(*primals), ag.grad(closed, k)(*primals), rtol=1e-9)
        for j in range(3):
            got, expected = ag.grad(ag.grad(q, k), j)(*primals), ag.grad(ag.grad(closed, k), j)(*primals)
            np.testing.assert_allclose(got, expected, rtol=1e-8)


def test_quad_to_infinity():
    got = ag.grad(lambda c: integrate.quad(lambda x, c: np.exp(-c * x * x), 0, np.inf, args=(c,))[0])(0.7)
    np.testing.assert_allclose(got, -np.sqrt(np.pi) / 4 * 0.7**-1.5, rtol=1e-7)


def test_the_first_of_the_times_is_a_time_too():
    """At ``t[0] == t0`` the solution moves with the time: ``f(y0)``, and ``-f(y0)`` by the beginning."""
    y0 = np.array([0.5])

    def first(start, t):
        return integrate.solve_ivp(lambda t, y: -y * y, (start, 2.0), y0, t_eval=t, **FINE).y[0, 0]

    t = np.array([0.0, 1.0, 2.0])
    assert first(0.0, ag.Tensor(t)).data == 0.5
    to_start, to_t = ag.grad(first, argnums=(0, 1))(0.0, t)
    np.testing.assert_allclose(to_start, 0.25, rtol=1e-12)
    np.testing.assert_allclose(to_t, [-0.25, 0, 0], atol=1e-12)
    second = ag.grad(lambda t: ag.grad(first, argnums=1)(0.0, t)[0])(t)
    np.testing.assert_allclose(second, [2 * 0.5**3, 0, 0], atol=1e-9)
    last = lambda t: integrate.solve_ivp(lambda t, y: -y * y, (0.0, 2.0), y0, t_eval=t, **FINE).y[0, -1]  # noqa: E731
    np.testing.assert_allclose(ag.grad(last)(t), [0, 0, -0.0625], atol=1e-8)
    only = ag.grad(lambda t: integrate.solve_ivp(lambda t, y: -y * y, (0.0, 2.0), y0, t_eval=t, **FINE).y[0, 0])
    np.testing.assert_allclose(only(np.zeros(1)), [-0.25], rtol=1e-12)


def test_a_tensor_that_an_integrand_closes_over_is_refused():
    a = ag.Tensor(2.0, requires_grad=True)
    with pytest.raises(LostGradientError, match="quad closes over"):
        integrate.quad(lambda x: a * x, 0, 1)
    with pytest.raises(LostGradientError, match="quad closes over"):
        integrate.quad(lambda x, b: a * x * b, 0, 1, args=(ag.Tensor(1.0, requires_grad=True),))
