"""Trees: nested dicts, lists, tuples and namedtuples of arrays, flattened and rebuilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["flatten", "map_leaves"]


def flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Return the leaves of a tree and a function that builds such a tree from other leaves.

    A dict is read in its own order; None is a leaf like any other.

    Examples
    --------
    >>> leaves, rebuild = flatten({"w": 1, "b": (2, [3])})
    >>> leaves, rebuild([10, 20, 30])
    ([1, 2, 3], {'w': 10, 'b': (20, [30])})
    """
    leaves: list[Any] = []
    shape = _shape(tree, leaves)
    return leaves, lambda new: _build(shape, iter(new))


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to every leaf."""
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])


def _shape(tree: Any, leaves: list[Any]) -> Any:
    if isinstance(tree, dict):
        return type(tree), list(tree), [_shape(value, leaves) for value in tree.values()]
    if isinstance(tree, (list, tuple)):
        return type(tree), None, [_shape(value, leaves) for value in tree]
    leaves.append(tree)
    return None


def _build(shape: Any, leaves: Any) -> Any:
    if shape is None:
        return next(leaves)
    kind, keys, children = shape
    values = [_build(child, leaves) for child in children]
    if keys is not None:
        return kind(zip(keys, values, strict=True))
    return kind(*values) if hasattr(kind, "_fields") else kind(values)
