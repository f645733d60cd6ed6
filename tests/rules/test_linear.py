"""Products: what is conjugated, vectors in the plane, and matmul's keywords."""

import numpy as np
import pytest

import autograd_mini as ag

RNG = np.random.default_rng(5)
Z, W = (RNG.normal(size=(2, 3)) + 1j * RNG.normal(size=(2, 3)) for _ in "zw")


@pytest.mark.parametrize("function", [np.vdot, lambda z, w: np.sum(np.vecdot(z, w))])
def test_first_operand_is_conjugated(function):
    """``y = sum(conj(z) w)``: the cotangent of z is ``conj(w)`` (times conj(g)), that of w is ``conj(z)``."""
    z, w = (ag.Tensor(x, requires_grad=True) for x in (Z, W))
    got = ag.gradients([function(z, w)], [z, w], [np.array(1j)])
    np.testing.assert_allclose(got[0], np.conj(1j * W))
    np.testing.assert_allclose(got[1], 1j * np.conj(Z))


def test_dot_and_inner_do_not_conjugate():
    z, w = (ag.Tensor(x, requires_grad=True) for x in (Z[0], W[0]))
    for function in (np.dot, np.inner, np.matmul):
        got = ag.gradients([function(z, w)], [z, w], [np.array(1j)])
        np.testing.assert_allclose(got, [1j * W[0], 1j * Z[0]])


@pytest.mark.parametrize("shapes", [((2,), (2,)), ((4, 2), (3,)), ((3,), (4, 2)), ((4, 2), (4, 2))])
def test_cross_of_vectors_in_the_plane(shapes):
    """NumPy warns, and since 2.5 refuses, of Tensors as of arrays."""
    arrays = [RNG.normal(size=shape) for shape in shapes]
    if np.lib.NumpyVersion(np.__version__) >= "2.5.0":
        with pytest.raises(ValueError, match="3-dimensional"):
            np.cross(*arrays)
        with pytest.raises(ValueError, match="3-dimensional"):
            np.cross(*map(ag.Tensor, arrays))
        return
    with pytest.warns(DeprecationWarning, match="2-dimensional"):
        expected = np.cross(*arrays)
    with pytest.warns(DeprecationWarning, match="2-dimensional"):
        y = np.cross(*map(ag.Tensor, arrays))
    np.testing.assert_allclose(y.data, expected)
    with pytest.warns(DeprecationWarning, match="2-dimensional"):
        ag.gradcheck(lambda a, b: np.sum(np.cross(a, b)), *arrays)


def test_gradient_of_kron_is_a_block_sum():
    a, b = RNG.normal(size=(2, 3)), RNG.normal(size=(4, 5))
    got = ag.grad(lambda a: np.sum(np.kron(a, b)))(a)
    np.testing.assert_allclose(got, np.full((2, 3), b.sum()))
