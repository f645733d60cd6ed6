"""pack and unpack: nested dicts, lists and tuples as arrays by name, and JSON that refers to them."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from ..checks import shown
from .untrusted import FileError, flaw_of

__all__ = ["pack", "unpack"]

DEPTH = 100  # of nesting
FLOATS = 16  # as many floats in a list are held as an array


def pack(
    tree: Any, prefix: str = "", *, taken: Collection[str] = (), special: Callable[[Any], Any] | None = None
) -> tuple[dict[str, Any], Any]:
    """Return a tree as arrays by name and JSON that refers to them; `unpack` makes it again, exactly.

    Integers of any size, NaN with their bits, infinities, -0.0, tuples and keys that are no text survive. A list of
    16 floats or more, such as a history, is held as an array.

    Parameters
    ----------
    tree : dict, list, tuple, array, number, str, bool or None
        Nested as it likes, up to a depth of 100.
    prefix : str
        How the names of the arrays begin.
    taken : collection of str
        Names that they must not have.
    special : callable, optional
        Is asked first for each part: returns JSON that `unpack` will hand to its own `special`, or None.

    Raises
    ------
    TypeError
        If it holds something else.
    ValueError
        If it is nested too deeply, or in itself.

    Examples
    --------
    >>> from nn import archive
    >>> arrays, text = archive.pack({"losses": (0.5, float("inf")), "state": 2**127})
    >>> archive.unpack(arrays, text)
    {'losses': (0.5, inf), 'state': 170141183460469231731687303715884105728}
    """
    arrays: dict[str, Any] = {}

    def hold(array: Any, path: str) -> str:
        name, number = path, len(arrays)
        while not name or flaw_of(name) or name in arrays or name in taken:
            name, number = f"{prefix}#{number}", number + 1
        arrays[name] = array
        return name

    def packed(value: Any, path: str, depth: int) -> Any:
        if depth > DEPTH:
            raise ValueError(f"pack: the tree is nested more than {DEPTH} deep, or in itself. Make it flatter.")
        if special is not None and (found := special(value)) is not None:
            return {"$special": found}
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"$float": struct.pack(">d", value).hex()}
        if isinstance(value, np.generic):
            return {"$scalar": hold(np.asarray(value), path)}
        if isinstance(value, np.ndarray):
            return {"$array": hold(value, path)}
        if type(value) is list and len(value) >= FLOATS and all(type(v) is float for v in value):
            return {"$floats": hold(np.array(value), path)}
        if type(value) in (list, tuple):
            items = [packed(v, f"{path}.{i}".lstrip("."), depth + 1) for i, v in enumerate(value)]
            return items if type(value) is list else {"$tuple": items}
        if not isinstance(value, dict):
            raise TypeError(
                f"pack: the tree holds {shown(value)}, but must be made of dicts, lists, tuples, arrays, numbers, "
                "text, True, False and None. Write what describes it, such as numbers or its name."
            )
        pairs = [(k, packed(v, f"{path}.{k}".lstrip("."), depth + 1)) for k, v in value.items()]
        if all(type(k) is str for k, _ in pairs) and not (len(pairs) == 1 and pairs[0][0].startswith("$")):
            return dict(pairs)
        return {"$dict": [[packed(k, "", depth + 1), v] for k, v in pairs]}

    result = packed(tree, prefix, 0)
    return arrays, result


def unpack(arrays: Mapping[str, Any], packed: Any, *, special: Callable[[Any], Any] | None = None) -> Any:
    """Return the tree that `pack` took apart.

    Raises
    ------
    FileError
        If it is no result of `pack`, or an array is missing.
    """

    def need(ok: Any, what: str) -> None:
        if not ok:
            raise FileError(f"The packed tree cannot be unpacked: {what}. Unpack what archive.pack returned.")

    def held(name: Any) -> Any:
        need(isinstance(name, str) and name in arrays, f"there is no array {shown(name)}")
        return arrays[name]

    def key(value: Any) -> Any:
        found = made(value, 0)
        try:
            hash(found)
        except TypeError:
            need(False, "a key is a list, a dict or an array")
        return found

    def made(value: Any, depth: int) -> Any:
        need(depth <= 2 * DEPTH, "it is nested too deeply")
        if type(value) is list:
            return [made(v, depth + 1) for v in value]
        if type(value) is not dict:
            need(value is None or type(value) in (bool, int, float, str), f"it holds {shown(value)}")
            return value
        tag = next(iter(value)) if len(value) == 1 else ""
        if not tag.startswith("$"):
            return {k: made(v, depth + 1) for k, v in value.items()}
        inner = value[tag]
        if tag == "$special":
            need(special is not None, "it holds something special")
            assert special is not None
            return special(inner)
        if tag == "$float":
            need(isinstance(inner, str) and re.fullmatch("[0-9a-f]{16}", inner), "a number is damaged")
            return struct.unpack(">d", bytes.fromhex(inner))[0]
        if tag == "$array":
            return held(inner)
        if tag == "$scalar":
            need(np.ndim(held(inner)) == 0, "a number is an array")
            return held(inner)[()]
        if tag == "$floats":
            need(held(inner).dtype == float and held(inner).ndim == 1, "a list of numbers is something else")
            return held(inner).tolist()
        need(type(inner) is list, f"{shown(tag)} holds no list")
        if tag == "$tuple":
            return tuple(made(v, depth + 1) for v in inner)
        pairs = tag == "$dict" and all(type(v) is list and len(v) == 2 for v in inner)
        need(pairs, f"{shown(tag)} is unknown")
        return {key(k): made(v, depth + 1) for k, v in inner}

    return made(packed, 0)
