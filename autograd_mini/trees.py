"""Trees: nested dicts, lists, tuples and namedtuples of arrays, flattened and rebuilt."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["flatten", "map_leaves", "paths"]

_LEAF = object()


def flatten(tree: Any) -> tuple[list[Any], Callable[[list[Any]], Any]]:
    """Return the leaves of a tree and a function that builds such a tree from other leaves.

    A dict is read in its own order. None, such as a missing bias, holds no leaf and stays None.

    Examples
    --------
    >>> leaves, rebuild = flatten({"w": 1, "b": (2, [3])})
    >>> leaves, rebuild([10, 20, 30])
    ([1, 2, 3], {'w': 10, 'b': (20, [30])})
    """
    leaves: list[Any] = []
    shape = _shape(tree, leaves)

    def rebuild(new: list[Any]) -> Any:
        if len(new) != len(leaves):
            raise ValueError(f"This tree has {len(leaves)} leaves; {len(new)} were given")
        return _build(shape, iter(new))

    return leaves, rebuild


def paths(tree: Any, start: str = "") -> Iterator[str]:
    """Name the leaves of a tuple of trees: ``0``, ``1['w'][0]``, ``2.bias``.

    Examples
    --------
    >>> list(paths((1, {"w": [2, 3]})))
    ['0', "1['w'][0]", "1['w'][1]"]
    """
    if isinstance(tree, dict):
        pairs = [(f"[{key!r}]", value) for key, value in tree.items()]
    elif isinstance(tree, (list, tuple)):
        fields = getattr(tree, "_fields", None)
        pairs = [(f".{fields[i]}" if fields else f"[{i}]", value) for i, value in enumerate(tree)]
    else:
        if tree is not None:
            yield start
        return
    for key, value in pairs:
        yield from paths(value, start + key if start else key.strip("[]"))


def map_leaves(function: Callable[[Any], Any], tree: Any) -> Any:
    """Apply a function to every leaf."""
    leaves, rebuild = flatten(tree)
    return rebuild([function(leaf) for leaf in leaves])


def _shape(tree: Any, leaves: list[Any]) -> Any:
    if isinstance(tree, dict):
        kind: Any = functools.partial(defaultdict, tree.default_factory) if type(tree) is defaultdict else type(tree)
        return kind, list(tree), [_shape(value, leaves) for value in tree.values()]
    if isinstance(tree, (list, tuple)):
        return type(tree), None, [_shape(value, leaves) for value in tree]
    if tree is None:
        return None
    leaves.append(tree)
    return _LEAF


def _build(shape: Any, leaves: Any) -> Any:
    if shape is None:
        return None
    if shape is _LEAF:
        return next(leaves)
    kind, keys, children = shape
    values = [_build(child, leaves) for child in children]
    if keys is not None:
        return kind(zip(keys, values, strict=True))
    return kind(*values) if hasattr(kind, "_fields") else kind(values)
