"""Roots that vanish or coincide, coefficients that turn real, remainders that shrink."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import LostGradientError, UnsupportedArgumentError


def jacobian(f, x):
    leaf = ag.Tensor(x, requires_grad=True)
    y = f(leaf)
    return np.stack([ag.gradients([y], [leaf], [unit])[0] for unit in np.eye(len(y), dtype=y.dtype)])


def test_a_root_at_zero():
    """``x (2 x - 6)``: the roots are 3 and 0."""
    np.testing.assert_allclose(jacobian(np.roots, [2.0, -6.0, 0.0]), [[-1.5, -0.5, -1 / 6], [0, 0, 1 / 6]], atol=1e-15)


def test_a_leading_zero():
    """A new term ``e x**2`` of ``x - 2`` moves the root by ``-4 e``; the other comes from infinity."""
    np.testing.assert_allclose(jacobian(np.roots, [0.0, 1.0, -2.0]), [[-4, -2, -1]])


def test_a_double_root_has_an_infinite_derivative():
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not np.isfinite(jacobian(np.roots, [1.0, 0.0, 0.0])).all()


def test_conjugate_roots_give_real_coefficients():
    leaf = ag.Tensor([1 + 2j, 1 - 2j], requires_grad=True)
    p = np.poly(leaf)
    assert p.dtype == np.float64
    np.testing.assert_allclose(p.data, [1, -2, 5])
    np.testing.assert_allclose(ag.gradients(p[2], leaf), [1 - 2j, 1 + 2j])


def test_remainder_loses_its_leading_zeros():
    u = ag.Tensor([1.0, -3.0, 2.0], requires_grad=True)
    q, r = np.polydiv(u, [1.0, -1.0])
    np.testing.assert_array_equal(q.data, [1, -2])
    np.testing.assert_array_equal(r.data, np.polydiv(u.data, [1.0, -1.0])[1])
    np.testing.assert_allclose(ag.gradients(r[-1], u), [1, 1, 1])


def test_constants_of_an_integral():
    k = ag.Tensor([2.0, 3.0], requires_grad=True)
    y = np.polyint(ag.Tensor([6.0]), 2, k)
    np.testing.assert_array_equal(y.data, [3, 2, 3])
    np.testing.assert_array_equal(ag.gradients([y], [k], [np.array([1.0, 10.0, 100.0])])[0], [10, 100])
    with pytest.raises(LostGradientError):
        np.polyint([6.0], 2, k)  # of which NumPy asks the polynomial only


def test_full_output_of_a_fit_is_refused():
    with pytest.raises(UnsupportedArgumentError, match="full"):
        np.polyfit(ag.Tensor([1.0, 2.0, 3.0]), [1.0, 2.0, 2.0], 1, full=True)


def test_rank_of_a_fit():
    with pytest.warns(np.exceptions.RankWarning):
        np.polyfit(ag.Tensor([1.0, 1.0, 1.0]), [1.0, 2.0, 2.0], 1)
