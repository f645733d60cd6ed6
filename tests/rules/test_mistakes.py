"""Mistakes at which a rule once gave a result or an error of its own code: now they end as with plain arrays."""

import importlib.util

import numpy as np
import pytest

import autograd_mini as ag

V, A, T = np.array([1.0, 2.0, 4.0]), np.array([[3.0, 1.0, 0.5], [1.0, 2.0, 0.2], [0.0, 0.4, 1.0]]), np.ones((2, 3, 2))

# each is called with arrays, then with Tensors in their place
CALLS = {
    "np.interp(z, xp, fp)": lambda v, a: np.interp(v + 0j, [0.0, 1.0], [0.0, 1.0]),
    "np.full_like(t, a)": lambda v, a: np.full_like(v[0], v),
    "np.insert(t, 0, 1j)": lambda v, a: np.insert(v, 0, np.array([1j])),
    "np.matmul(t, t, keepdims=True)": lambda v, a: np.matmul(a, a, keepdims=True),
    "np.add.accumulate(t, axis=None)": lambda v, a: np.add.accumulate(a, axis=None),
    "np.add.accumulate(t), a number": lambda v, a: np.add.accumulate(v[0]),
    "np.hypot.reduce(t, axis=5)": lambda v, a: np.hypot.reduce(v, axis=5),
    "np.add.reduceat(t, a), a of floats": lambda v, a: np.add.reduceat(v, np.array([0.5])),
    "np.tile(t, 1.5)": lambda v, a: np.tile(v, 1.5),
    "np.vsplit(t, 1.5)": lambda v, a: np.vsplit(a, 1.25),
    "np.vander(t, -1)": lambda v, a: np.vander(v, -1),
    "np.vander(t, 1.5)": lambda v, a: np.vander(v, 1.5),
    "np.apply_over_axes(np.sum, t, -9)": lambda v, a: np.apply_over_axes(np.sum, a, -9),
    "np.nan_to_num(t, nan=1j)": lambda v, a: np.nan_to_num(v, nan=1j),
    "np.polyder(t), a matrix": lambda v, a: np.polyder(a),
    "np.clip(t, 0, 1, foo=1)": lambda v, a: np.clip(v, 0, 1, foo=1),
    "np.mean(t, foo=1)": lambda v, a: np.mean(v, foo=1),
    "np.std(t, axis='x')": lambda v, a: np.std(v, axis="x"),
    "np.linalg.norm(t, axis=(0, 1, 2))": lambda v, a: np.linalg.norm(np.reshape(a, (3, 3, 1)), axis=(0, 1, 2)),
    "np.cov(t, ddof=0.5)": lambda v, a: np.cov(a, ddof=0.5),
    "np.gradient(t, v, v, v)": lambda v, a: np.gradient(v, 1.0, 2.0, 3.0),
    "np.fft.fftn(t, s=(2,), axes=(0, 1))": lambda v, a: np.fft.fftn(a, s=(2,), axes=(0, 1)),
    "np.fft.fft(t, norm='x')": lambda v, a: np.fft.hfft(v, norm="x"),
    "np.trace(t), a vector": lambda v, a: np.trace(v),
    "np.take(t, 9)": lambda v, a: np.take(v, 9),
    "np.select([], [])": lambda v, a: np.select([v > 1], [v, v]),
    "np.linspace(t, 1, -1)": lambda v, a: np.linspace(v, 1, -1),
    "np.rollaxis(t, 0, 9)": lambda v, a: np.rollaxis(a, 0, 9),
}

if importlib.util.find_spec("scipy"):
    from autograd_mini.scipy import linalg, optimize, signal, special

    CALLS |= {
        "ag.scipy.signal.fftconvolve(t, t, axes=9)": lambda v, a: signal.fftconvolve(v, v, axes=9),
        "ag.scipy.signal.lfilter(b, a, t, axis=9)": lambda v, a: signal.lfilter([1.0], [1.0, 0.5], v, axis=9),
        "ag.scipy.signal.lfilter(b, a, t, zi=1)": lambda v, a: signal.lfilter([1.0], [1.0, 0.5], v, zi=1.0),
        "ag.scipy.special.factorial(t, extend='x')": lambda v, a: special.factorial(v, extend="x"),
        "ag.scipy.linalg.solve_continuous_lyapunov": lambda v, a: linalg.solve_continuous_lyapunov(a, np.eye(2)),
        "ag.scipy.linalg.lu_solve": lambda v, a: linalg.lu_solve(linalg.lu_factor(a), np.ones(7)),
        "ag.scipy.optimize.brentq(f, 2, 3)": lambda v, a: optimize.brentq(lambda x, c: x - c, 2.0, 3.0, (v[0],)),
    }

SAID_BETTER = {"np.vsplit(t, 1.5)", "np.interp(z, xp, fp)"}


@pytest.mark.parametrize("call", CALLS)
def test_a_mistake_ends_as_on_plain_arrays(call):
    with pytest.raises(Exception) as theirs:
        CALLS[call](V, A)
    with pytest.raises(theirs.type) as ours:
        CALLS[call](ag.Tensor(V, requires_grad=True), ag.Tensor(A, requires_grad=True))
    if call not in SAID_BETTER:
        assert str(ours.value) == str(theirs.value)


def test_piecewise_takes_a_condition_of_fewer_axes_for_rows():
    """It was broadcast, and so taken for columns."""
    rows = [np.array([True, False, True])]
    x = ag.Tensor(A, requires_grad=True)
    y = np.piecewise(x, rows, [lambda v: v * v, 7.0])
    np.testing.assert_array_equal(y.data, np.piecewise(A, rows, [lambda v: v * v, 7.0]))
    y.backward(np.ones((3, 3)))
    np.testing.assert_array_equal(x.grad, [2 * A[0], [0, 0, 0], 2 * A[2]])


@pytest.mark.parametrize("edge_order", [0, 1, 2])
def test_gradient_with_any_order_at_the_edges_that_numpy_takes(edge_order):
    y = np.gradient(ag.Tensor(V, requires_grad=True), edge_order=edge_order)
    np.testing.assert_allclose(y.data, np.gradient(V, edge_order=edge_order), rtol=1e-15)


@pytest.mark.parametrize("name", ["bisect", "ridder", "brentq", "brenth", "toms748"])
def test_a_tolerance_that_is_a_tensor(name):
    """It sent the call round in circles."""
    optimize = pytest.importorskip("autograd_mini.scipy.optimize")
    a = ag.Tensor(1.5, requires_grad=True)
    x = getattr(optimize, name)(lambda x, a: x - a, 0.0, 4.0, (a,), xtol=ag.Tensor(1e-10))
    x.backward()
    np.testing.assert_allclose(a.grad, 1.0)


def test_a_mistake_in_a_users_function_passes_as_it_is():
    """It is not called a second time, on plain arrays, to see what NumPy would say."""
    calls = []

    def wrong(line):
        calls.append(line)
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$"):
        np.apply_along_axis(wrong, 0, ag.Tensor(V, requires_grad=True))
    assert len(calls) == 1


def test_a_mistake_leaves_what_would_be_written_to_as_it_was():
    """NumPy is asked on copies."""
    x = ag.Tensor(V, requires_grad=True) * 1
    with pytest.raises(ValueError, match="mode"):
        np.put(x, [0], 9.0, mode="none")
    with pytest.raises(TypeError):
        np.add(x, 1j, out=x)
    np.testing.assert_array_equal(x.data, V)
