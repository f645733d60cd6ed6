"""Trees: nested dicts, lists, tuples and namedtuples of arrays, flattened and rebuilt."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from .errors import ShapeError

__all__ = ["flatten", "leaves_like", "map_leaves", "paths"]

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
            raise ValueError(f"This tree has {len(leaves)} leaves; {len(new)} were given.")
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


def leaves_like(tree: Any, like: Any, path: str = "") -> Iterator[Any]:
    """Yield the leaves of a tree in the order of those of another, whose structure it must have.

    A list may stand for a tuple, and a dict may have its keys in another order.

    Examples
    --------
    >>> list(leaves_like({"b": 2, "w": [1]}, {"w": (10,), "b": 20}))
    [1, 2]
    """
    if isinstance(like, dict):
        if not isinstance(tree, dict) or set(tree) != set(like):
            raise _other_structure(tree, f"a dict with the keys {', '.join(map(repr, like))}", path)
        for key, value in like.items():
            yield from leaves_like(tree[key], value, f"{path}[{key!r}]")
    elif isinstance(like, (list, tuple)):
        if not isinstance(tree, (list, tuple)) or len(tree) != len(like):
            raise _other_structure(tree, f"a {type(like).__name__} of {len(like)}", path)
        fields = getattr(like, "_fields", None)
        for i, value in enumerate(like):
            yield from leaves_like(tree[i], value, path + (f".{fields[i]}" if fields else f"[{i}]"))
    elif like is None:
        if tree is not None:
            raise _other_structure(tree, "None", path)
    elif tree is None or isinstance(tree, (dict, list, tuple)):
        raise _other_structure(tree, "an array", path)
    else:
        yield tree


def _other_structure(tree: Any, wanted: str, path: str) -> ShapeError:
    got = f"a {type(tree).__name__}"
    if isinstance(tree, dict):
        got = f"a dict with the keys {', '.join(map(repr, tree)) or '(none)'}"
    elif isinstance(tree, (list, tuple)):
        got = f"a {type(tree).__name__} of {len(tree)}"
    elif tree is None:
        got = "None"
    return ShapeError(f"at {path}: {got} where {wanted} is needed." if path else f"{got} where {wanted} is needed.")


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
