"""Einstein's sums: the rule in its own words, and all spellings against each other."""

import itertools

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.errors import UnsupportedArgumentError

RNG = np.random.default_rng(4)
A, B, Q = RNG.normal(size=(2, 3)), RNG.normal(size=(3, 4)), RNG.normal(size=(3, 3))


def pulled(f, *arrays, seed=9):
    leaves = [ag.Tensor(x, requires_grad=True) for x in arrays]
    y = f(*leaves)
    g = np.random.default_rng(seed).normal(size=y.shape)
    return g, ag.gradients([y], leaves, [g])


def test_cotangent_is_the_einsum_of_the_others():
    g, (a, b) = pulled(lambda a, b: np.einsum("ij,jk->ik", a, b), A, B)
    np.testing.assert_allclose(a, np.einsum("ik,jk->ij", g, B), rtol=1e-14)
    np.testing.assert_allclose(b, np.einsum("ij,ik->jk", A, g), rtol=1e-14)


def test_trace_and_diagonal():
    g, (q,) = pulled(lambda q: np.einsum("ii->", q), Q)
    np.testing.assert_array_equal(q, g * np.eye(3))
    g, (q,) = pulled(lambda q: np.einsum("ii->i", q), Q)
    np.testing.assert_array_equal(q, np.diag(g))


def test_an_index_that_only_one_operand_has():
    g, (a, b) = pulled(lambda a, b: np.einsum("ij,kl->i", a, b), A, B)
    np.testing.assert_allclose(a, np.repeat(g[:, None] * B.sum(), 3, 1), rtol=1e-14)
    np.testing.assert_allclose(b, np.full(B.shape, g @ A.sum(1)), rtol=1e-14)


def test_the_same_tensor_twice():
    _, (q,) = pulled(lambda q: np.einsum("ij,jk,ki->", q, q, q), Q, seed=0)
    g = np.random.default_rng(0).normal(size=())
    np.testing.assert_allclose(q, 3 * g * (Q @ Q).T, rtol=1e-12)


SPELLINGS = [
    lambda a, b: np.einsum("ij,jk->ik", a, b), lambda a, b: np.einsum("ij,jk", a, b),
    lambda a, b: np.einsum(" i j , j k -> i k ", a, b), lambda a, b: np.einsum(a, [0, 1], b, [1, 2]),
    lambda a, b: np.einsum(a, [7, 3], b, [3, 8], [7, 8]), 
    lambda a, b: np.einsum("ij,jk", a, b, optimize=True),
    lambda a, b: np.einsum("ij,jk", a, b, optimize=["einsum_path", (0, 1)]), lambda a, b: np.einsum("Zb,ba", a, b),
    lambda a, b: np.einsum("ij,jk", a, b, order="F", dtype=float, casting="no"),
]  # fmt: skip


@pytest.mark.parametrize("f", SPELLINGS)
def test_spellings(f):
    _, expected = pulled(np.matmul, A, B)
    for got, e in zip(pulled(f, A, B)[1], expected, strict=True):
        np.testing.assert_allclose(got, e, rtol=1e-13)


def test_random_subscripts():
    """Two operands, every two letters of three for each, some outputs: against NumPy's own value at units."""
    sizes = {"a": 2, "b": 3, "c": 1}
    for left, right in itertools.product(itertools.product("abc", repeat=2), repeat=2):
        used = "".join(sorted({*left, *right}))
        for output in ("", used, used[:1], used[::-1]):
            subscripts = f"{''.join(left)},{''.join(right)}->{output}"
            arrays = [RNG.normal(size=[sizes[i] for i in name]) for name in (left, right)]
            g, got = pulled(lambda *x, s=subscripts: np.einsum(s, *x), *arrays)
            for k, x in enumerate(arrays):
                for place in np.ndindex(x.shape):
                    unit = np.zeros(x.shape)
                    unit[place] = 1  # linear in each operand: its slope is its value at the unit
                    there = [*arrays[:k], unit, *arrays[k + 1 :]]
                    expected = np.sum(g * np.einsum(subscripts, *there))
                    np.testing.assert_allclose(got[k][place], expected, rtol=1e-12, atol=1e-12, err_msg=subscripts)


def test_complex_and_real_operands():
    z = A + 1j * A[::-1]
    leaf = ag.Tensor(B, requires_grad=True)
    y = np.einsum("ij,jk->ik", z, leaf)
    got = ag.gradients([y], [leaf], [np.full((2, 4), 1 - 2j)])[0]
    assert got.dtype == np.float64
    np.testing.assert_allclose(got, (z.T @ np.full((2, 4), 1 - 2j)).real)


def test_dtype_that_drops_imaginary_parts():
    z = ag.Tensor(A + 1j * A, requires_grad=True)
    with pytest.warns(np.exceptions.ComplexWarning):
        y = np.einsum("ij,ij->", z, A, dtype=float, casting="unsafe")
    np.testing.assert_allclose(ag.gradients(y, z), A)


@pytest.mark.parametrize(
    ("keywords", "name"), [({"dtype": int, "casting": "unsafe"}, "dtype"), ({"where": True}, "where")]
)
def test_keywords_that_are_refused(keywords, name):
    with pytest.raises(UnsupportedArgumentError, match=name):
        np.einsum("ij->i", ag.Tensor(A, requires_grad=True), **keywords)


def test_more_axes_than_letters():
    with pytest.raises(UnsupportedArgumentError, match=r"1 of 52 letters for the 2 axes.*reshape"):
        np.einsum("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy,...",
                  ag.Tensor(np.ones((1,) * 51)), np.ones((1, 1)))  # fmt: skip
