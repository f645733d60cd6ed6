"""The formula of a rule: the table's own line, fed symbols; and what it gives on one edge of a recorded graph."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import TraceError
from ..graph import Array, Node, Parts, Several, Spec, fit, unbroadcast
from ..simplify import simplified
from ..source import written
from ..tracing import recorded
from .boxes import Box

__all__ = ["edges", "formulas", "local_of", "node_of_box", "pulled"]


def node_of_box(box: Box) -> Node:
    """Return the node of a box that has one."""
    assert box.node is not None
    return box.node


def edges(node: Node) -> Iterator[tuple[int, Node]]:
    """Yield the operands to which a cotangent passes: as often as they are used."""
    for where, parent in enumerate(node.parents):
        if parent is not None and parent.requires_grad and node.rule.vjps[where] is not None:
            yield where, parent


def pulled(node: Node, where: int, parent: Node, g: Any) -> Any:
    """Return what the rule sends to one operand."""
    assert node.args is not None
    p = node.rule.vjps[where](g, node.out, *node.args, **(node.kwargs or {}))
    return p if p is None or isinstance(p, Parts) else fit(np.asarray(p), parent.out, node.rule, where)


def formulas(
    box: Box, where: int, parent: Node, known: dict[Any, tuple[str, tuple[str, ...]]] | None = None
) -> tuple[str, str | None]:
    """Return a rule as text, and for a cotangent of 1.

    There is only its name where it cannot be laid out: it looks at values, or pulls back a tuple. `known` keeps what
    was found for those nodes that the same rule speaks of in the same words.
    """
    node = node_of_box(box)
    key = None if known is None else _key(box, where, parent)
    try:
        found = known.get(key) if known is not None and key is not None else None
        text, inner = found or _written(box, where, parent)
    except (TraceError, TypeError):
        return f"vjp_{where}({node.rule.name})", None
    if known is not None and key is not None:
        known[key] = text, inner
    names = {"g": f"d_{box.name}", "y": box.name}
    names |= {f"x{i}": source.name for source, i in zip(box.inputs, box.places, strict=True)}
    names |= {name: f"t{i}" for i, name in enumerate(inner, 1)}
    return _renamed(text, names), _renamed(_of_one(text), names)


def _key(box: Box, where: int, parent: Node) -> Any:
    """Return what a rule's text depends on besides the names; None where that is not known to be all."""
    node = node_of_box(box)
    if node.kwargs:
        return None
    known = isinstance(node.out, (np.ndarray, np.generic))
    key: list[Any] = [node.rule, where, parent.shape, box.shape, box.dtype, known]
    for i, arg in enumerate(node.args or ()):
        if isinstance(arg, (Node, Spec)) or (isinstance(arg, np.ndarray) and i in box.places):
            key.append((arg.shape, arg.dtype, isinstance(arg, np.ndarray)))
        elif arg is None or isinstance(arg, (bool, int, float, str)):
            key.append((type(arg), repr(arg)))
        else:
            return None
    return tuple(key)


def local_of(node: Node, where: int, parent: Node) -> Array | None:
    """Return the local derivative, where the rule multiplies by it element by element.

    A linear map J is diagonal if, and but for a chance of 0 only if, ``J g = g * (J 1)`` for a g drawn at random.
    """
    if isinstance(node.out, Several) or node.shape != parent.shape:
        return None
    local = pulled(node, where, parent, np.ones(node.shape, node.dtype))
    if local.size <= 1:
        return local
    g = np.random.default_rng(0).uniform(0.5, 1.5, node.shape).astype(node.dtype)
    product = pulled(node, where, parent, g)
    return local if np.allclose(product, g * local, rtol=1e-4, atol=0, equal_nan=True) else None


def _written(box: Box, where: int, parent: Node) -> tuple[str, tuple[str, ...]]:
    """Return a rule as text in g, y, x0, x1, ..., and the names that it gives to what it computes on the way."""
    node = node_of_box(box)
    if isinstance(node.out, Several):
        raise TypeError("the rule pulls back a tuple")
    args = list(node.args or ())
    arrays = {"g": np.ones(box.shape, box.dtype)}
    if isinstance(node.out, (np.ndarray, np.generic)):
        arrays["y"] = np.asarray(node.out)
    arrays |= {f"x{i}": args[i] for i in box.places if isinstance(args[i], np.ndarray)}

    def rule(g: Any, **symbols: Any) -> Any:
        operands = [symbols.get(f"x{i}", arg) for i, arg in enumerate(args)]
        p = node.rule.vjps[where](g, symbols.get("y", node.out), *operands, **(node.kwargs or {}))
        return p if p.shape == parent.shape else unbroadcast(p, parent.shape)

    code = written(simplified(recorded(rule, (), arrays, twice=False)))
    *lines, last = [*(text.strip() for line in code.lines for text in line.text), code.tail[-1]]
    result = last.removeprefix("return ")
    if lines and lines[-1].startswith(f"{result} = "):
        result = lines.pop().removeprefix(f"{result} = ")
    return "; ".join([*lines, result]), tuple(name for name in code.names.values() if name not in arrays)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"\b[a-z]\w*\b(?!\()", lambda found: names.get(found[0], found[0]), text)


class _OfOne(ast.NodeTransformer):
    """Puts 1 in the place of g, and leaves out the products with it."""

    def visit_Name(self, name: ast.Name) -> ast.expr:
        return ast.Constant(1) if name.id == "g" else name

    def visit_BinOp(self, product: ast.BinOp) -> ast.expr:
        self.generic_visit(product)
        if isinstance(product.op, ast.Mult):
            if _is_one(product.left):
                return product.right
            if _is_one(product.right):
                return product.left
        return product


def _is_one(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Constant) and expression.value == 1


def _of_one(text: str) -> str:
    return "; ".join(ast.unparse(_OfOne().visit(statement)) for statement in ast.parse(text).body)
