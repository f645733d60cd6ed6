"""*Predict, then reveal*: the number that a learner is asked for, and what is missing from the likely wrong ones."""

from __future__ import annotations

import ast
import json
import math
import operator
from collections.abc import Callable, Iterator, Mapping
from html import escape
from typing import Any

import numpy as np

from ..steps import Contribution, Step
from .story import inlined

__all__ = ["asked"]

OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
}
FUNCTIONS = {"exp", "log", "sin", "cos", "tanh", "sinh", "cosh", "sqrt", "square"}
SIGN, TOTAL, INCOMING, LOCAL, TRANSPOSE = range(5)  # the page has a text for each: assets/predict.js
CLOSE = 0.01  # relative: so much an answer may be off


def asked(step: Step, sent: Contribution, values: Mapping[str, Any]) -> str:
    """Return a share's attributes for the page: the answer, where in the array it stands, and what wrong answers lack.

    What to say to a wrong answer is a number, of a text that the page has, or the factor that was left out.

    >>> import autograd_mini as ag
    >>> x = ag.Tensor(3.0, requires_grad=True, name="x")
    >>> step = ag.steps(x * 2)[-2]
    >>> asked(step, step.contributions[0], {"x": x.data, "d_y": 1.0})
    " data-a=2 data-w='[[-2,0],[1,2]]'"
    """
    value = np.asarray(sent.value)
    if not value.size or np.iscomplexobj(value) or not np.isfinite(value).all():
        return ""
    where = np.unravel_index(int(np.argmax(np.abs(value))), value.shape) if value.ndim else ()
    answer = float(value[where])
    wrong: list[tuple[float, int | str]] = []
    for guess, hint in _wrong(step, sent, values):
        entry = _entry(guess, where, value.shape)
        known = [answer, *(number for number, _ in wrong)]
        if entry is not None and not any(math.isclose(entry, n, rel_tol=CLOSE) for n in known):
            wrong.append((entry, hint))
    place = f' data-at="{_place(where)}"' if value.size > 1 else ""
    listed = ",".join(f"[{number:.6g},{json.dumps(hint, ensure_ascii=False)}]" for number, hint in wrong)
    return f" data-a={answer:.6g}{place} data-w='[{escape(listed).replace('&quot;', chr(34))}]'"


def _place(where: tuple[Any, ...]) -> str:
    if len(where) == 2:
        return f"row {where[0] + 1}, column {where[1] + 1}"
    return f"entry {', '.join(str(i + 1) for i in where)}"


def _entry(guess: Any, where: tuple[Any, ...], shape: tuple[int, ...]) -> float | None:
    """Return the entry that is asked for, of a wrong answer that has such a one."""
    try:
        entry = float(guess if not shape and not np.ndim(guess) else np.broadcast_to(guess, shape)[where])
    except (ValueError, TypeError):
        return None
    return entry if math.isfinite(entry) else None


def _wrong(step: Step, sent: Contribution, values: Mapping[str, Any]) -> Iterator[tuple[Any, int | str]]:
    """Yield wrong answers, and what to say to them."""
    value = np.asarray(sent.value)
    yield -value, SIGN
    if sent.use > 1:
        yield sent.total, TOTAL
    if sent.local is not None:
        yield step.gradient, INCOMING
        yield sent.local, LOCAL
    yield from _factors(sent.formula, values)


def _factors(formula: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, int | str]]:
    """Yield the product without each of its factors, and without each transpose."""
    try:
        tree = ast.parse(inlined(formula), mode="eval").body
    except SyntaxError:  # a name that is none in Python
        return
    factors = list(_flat(tree))
    for i, factor in enumerate(factors):
        others = [_value(other, values) for j, other in enumerate(factors) if j != i]
        if others and all(other is not None for other in others):
            rest = others[0]
            for other in others[1:]:
                rest = _applied(operator.mul, rest, other)
            yield rest, ast.unparse(factor)
    if ".T" in formula and any(isinstance(part, ast.Attribute) for part in ast.walk(tree)):
        yield _value(_Untransposed().visit(tree), values), TRANSPOSE


class _Untransposed(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return node.value if node.attr == "T" else node


def _flat(tree: ast.expr) -> Iterator[ast.expr]:
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
        yield from _flat(tree.left)
        yield from _flat(tree.right)
    else:
        yield tree


def _value(tree: ast.expr, values: Mapping[str, Any]) -> Any:
    """Return what an expression of the table gives with the graph's numbers; None where it is no arithmetic."""
    match tree:
        case ast.Name(id=name):
            return values.get(name)
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _applied(operator.neg, _value(operand, values))
        case ast.Attribute(value=value, attr="T"):
            return _applied(np.transpose, _value(value, values))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return _applied(OPERATORS[type(op)], _value(left, values), _value(right, values))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np"), attr=name), args=[arg], keywords=[]):
            return _applied(getattr(np, name), _value(arg, values)) if name in FUNCTIONS else None
    return None


def _applied(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function gives; None if an argument is unknown, or the shapes do not fit."""
    if any(argument is None for argument in arguments):
        return None
    try:
        return function(*arguments)
    except ValueError:
        return None
