"""Sorting and sets: ties, NaN, signed zeros."""

import numpy as np
import pytest

import autograd_mini as ag

NAN = np.nan


def gradients(f, *primals):
    """Of the weighted sum of the result, with weights 1, 2, 3, ..."""
    leaves = [ag.Tensor(np.array(x, float), requires_grad=True) for x in primals]
    y = f(*leaves)
    np.testing.assert_array_equal(y.data, f(*(leaf.data for leaf in leaves)))
    return [g.tolist() for g in ag.gradients([y], leaves, [np.arange(1.0, y.size + 1)])]


TIES = {
    "sort is stable": (np.sort, [[2, 1, 2, 1]], [[3, 1, 4, 2]]),
    "sort is stable, whatever was asked": (lambda a: np.sort(a, stable=False), [[2, 1, 2, 1]], [[3, 1, 4, 2]]),
    "sort puts nan last": (np.sort, [[NAN, 1, NAN, 0]], [[3, 2, 4, 1]]),
    "partition at a tie": (lambda a: np.partition(a, 1), [[1, 1, 0]], [[2, 3, 1]]),
    "unique has the first": (np.unique, [[2, 1, 2, 1]], [[2, 1, 0, 0]]),
    "unique along an axis has the first": (
        lambda a: np.ravel(np.unique(a, axis=0)), [[[2, 1], [2, 1]]], [[[1, 2], [0, 0]]],
    ),
    "unique has one nan": (np.unique, [[NAN, 1, NAN]], [[2, 1, 0]]),
    "union has the first array's": (np.union1d, [[1, 2], [2, 3]], [[1, 2], [0, 3]]),
    "intersection has the first array's": (np.intersect1d, [[3, 2, 1, 2], [2, 3]], [[2, 1, 0, 0], [0, 0]]),
    "intersection of unique arrays": (
        lambda a, b: np.intersect1d(a, b, assume_unique=True), [[3, 2, 1], [2, 3]], [[2, 1, 0], [0, 0]],
    ),
    "difference": (np.setdiff1d, [[3, 2, 1, 1], [2]], [[2, 0, 1, 0], [0]]),
    "difference in the given order": (
        lambda a, b: np.setdiff1d(a, b, assume_unique=True), [[3, 2, 1, 1], [2]], [[1, 0, 2, 3], [0]],
    ),
    "exclusive or": (np.setxor1d, [[3, 2], [2, 1]], [[2, 0], [0, 1]]),
}  # fmt: skip


@pytest.mark.parametrize("name", TIES)
def test_ties(name):
    f, primals, expected = TIES[name]
    assert gradients(f, *primals) == expected


@pytest.mark.parametrize("function", [np.unique_all, np.unique_counts, np.unique_inverse])
def test_named_results(function):
    x = np.array([[2.0, 1.0], [2.0, 3.0]])
    leaf, expected = ag.Tensor(x, requires_grad=True), function(x)
    got = function(leaf)
    assert type(got) is type(expected)
    for part, right in zip(got, expected, strict=True):
        np.testing.assert_array_equal(part.data, right)
    assert [part.requires_grad for part in got] == [name == "values" for name in expected._fields]
    assert ag.gradients([got.values], [leaf], [np.arange(1.0, 4)])[0].tolist() == [[2, 1], [0, 3]]


def test_unsorted_values_have_their_gradients():
    x = np.array([5.0, 1.0, 5.0, 3.0, 1.0])
    options = {"sorted": False} if np.lib.NumpyVersion(np.__version__) >= "2.3.0" else {}
    leaf = ag.Tensor(x, requires_grad=True)
    y = np.unique(leaf, **options)
    np.testing.assert_array_equal(y.data, np.unique(x, **options))
    np.testing.assert_array_equal(ag.gradients([y], [leaf], [y.data])[0], [5, 1, 0, 3, 0])


def test_indices_of_an_intersection():
    a, b = ag.Tensor([3.0, 2.0, 1.0], requires_grad=True), np.array([2.0, 3.0])
    values, one, two = np.intersect1d(a, b, return_indices=True)
    assert (one.data.tolist(), two.data.tolist()) == ([1, 0], [0, 1])
    assert ag.gradients(np.sum(values), a).tolist() == [1, 1, 0]
