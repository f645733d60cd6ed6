"""Trees of arrays: flattened in their own order and rebuilt in their own kinds."""

from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

from autograd_mini.trees import flatten, map_leaves

Point = namedtuple("Point", "x y")


class Words(list):
    pass


@pytest.mark.parametrize(
    ("tree", "leaves"),
    [
        (1, [1]),
        ("text", ["text"]),
        ((), []),
        ({}, []),
        ([1, [2, (3,)], []], [1, 2, 3]),
        ({"b": 1, "a": 2}, [1, 2]),
        (OrderedDict(b=1, a=[2]), [1, 2]),
        (Point(1, Point(2, [3])), [1, 2, 3]),
        (Words([1, 2]), [1, 2]),
        ({"a": {"b": {"c": 1}}, 3: (4, {"d": 5})}, [1, 4, 5]),
    ],
)
def test_flatten_and_rebuild(tree, leaves):
    found, rebuild = flatten(tree)
    assert found == leaves
    again = rebuild(found)
    assert again == tree
    assert type(again) is type(tree)
    assert flatten(rebuild([-i for i in range(len(leaves))]))[0] == [-i for i in range(len(leaves))]


def test_defaultdict_keeps_its_default():
    _, rebuild = flatten(defaultdict(list, a=1))
    again = rebuild([2])
    assert again == {"a": 2}
    assert again["missing"] == []


def test_arrays_are_leaves():
    a, b = np.ones((2, 3)), np.float64(2)
    found, _ = flatten([a, (b,)])
    assert found[0] is a
    assert found[1] is b


def test_rebuild_does_not_change_the_tree():
    tree = {"a": [1, 2]}
    _, rebuild = flatten(tree)
    rebuild([10, 20])["a"].append(30)
    assert tree == {"a": [1, 2]}
    assert rebuild([1, 2]) == {"a": [1, 2]}


@pytest.mark.parametrize("leaves", [[1], [1, 2, 3]])
def test_rebuild_with_a_wrong_number_of_leaves(leaves):
    _, rebuild = flatten({"a": 1, "b": 2})
    with pytest.raises(ValueError, match="2"):
        rebuild(leaves)


def test_map_leaves():
    assert map_leaves(lambda x: 10 * x, {"a": [1, Point(2, 3)]}) == {"a": [10, Point(20, 30)]}
