"""Symbol: a number that remembers what it was made of, so that a rule fed symbols says its formula for one number."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import numpy as np

from .arrays import number

__all__ = ["COMPARED", "Symbol", "text_of"]

ADDED, NEGATED, MULTIPLIED, RAISED, ATOM = range(5)  # how tightly a text binds


# Whether a symbol was compared since this was last set to False: then a formula holds for the present values only.
COMPARED: ContextVar[bool] = ContextVar("compared", default=False)


class Symbol:
    """A number, and a text that says what it was made of.

    What is multiplied by the number 0 is gone, as the zeros of a unit cotangent are to have it; with 1 it stays.

    Examples
    --------
    >>> h = Symbol("h1", 0.25)
    >>> text_of(1 * (h * (1 - h)) + 0), (h * (1 - h)).value
    ('h1 * (1 - h1)', 0.1875)
    """

    __slots__ = ("level", "text", "value")

    def __init__(self, text: str, value: float, level: int = ATOM) -> None:
        self.text, self.value, self.level = text, value, level

    def __add__(self, other: Any) -> Any:
        return self if _is(other, 0) else _both(self, "+", other, ADDED)

    def __radd__(self, other: Any) -> Any:
        return self if _is(other, 0) else _both(other, "+", self, ADDED)

    def __sub__(self, other: Any) -> Any:
        return self if _is(other, 0) else _both(self, "-", other, ADDED)

    def __rsub__(self, other: Any) -> Any:
        return -self if _is(other, 0) else _both(other, "-", self, ADDED)

    def __mul__(self, other: Any) -> Any:
        if _is(other, 0):
            return 0
        return self if _is(other, 1) else -self if _is(other, -1) else _both(self, "*", other, MULTIPLIED)

    def __rmul__(self, other: Any) -> Any:
        if _is(other, 0):
            return 0
        return self if _is(other, 1) else -self if _is(other, -1) else _both(other, "*", self, MULTIPLIED)

    def __truediv__(self, other: Any) -> Any:
        return self if _is(other, 1) else _both(self, "/", other, MULTIPLIED)

    def __rtruediv__(self, other: Any) -> Any:
        return 0 if _is(other, 0) else _both(other, "/", self, MULTIPLIED)

    def __pow__(self, other: Any) -> Any:
        if _is(other, 0):
            return 1
        return self if _is(other, 1) else _both(self, "**", other, RAISED)

    def __rpow__(self, other: Any) -> Any:
        return _both(other, "**", self, RAISED)

    def __neg__(self) -> Symbol:
        if self.level == NEGATED:
            return Symbol(self.text[1:], -self.value, MULTIPLIED)
        return Symbol(f"-{_bracketed(self, MULTIPLIED)}", -self.value, NEGATED)

    def __pos__(self) -> Symbol:
        return self

    def conjugate(self) -> Symbol:
        """Return itself: it is real."""
        return self

    def square(self) -> Any:
        """Return its square."""
        return self**2

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, np.less)

    def __le__(self, other: Any) -> bool:
        return self._compare(other, np.less_equal)

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, np.greater)

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, np.greater_equal)

    def __eq__(self, other: object) -> bool:
        return self._compare(other, np.equal)

    def __ne__(self, other: object) -> bool:
        return self._compare(other, np.not_equal)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        return self._compare(0, np.not_equal)

    def _compare(self, other: Any, function: Any) -> bool:
        COMPARED.set(True)
        return bool(function(self.value, _value(other)))

    def __getattr__(self, name: str) -> Callable[[], Symbol]:
        """Return what NumPy calls on the numbers of an array of objects: ``exp`` of each."""
        function = None if name.startswith("_") else getattr(np, name, None)
        if not isinstance(function, np.ufunc) or function.nin != 1 or function.nout != 1:
            raise AttributeError(name)
        return lambda: Symbol(f"{name}({self.text})", float(function(self.value)))


def text_of(x: Any) -> str:
    """Return a symbol's text, or a number's."""
    return x.text if isinstance(x, Symbol) else number(x).replace("−", "-")


def _both(a: Any, sign: str, b: Any, level: int) -> Symbol:
    """Return two joined by an operator."""
    with np.errstate(all="ignore"):
        x, y = np.float64(_value(a)), np.float64(_value(b))
        value = {"+": x + y, "-": x - y, "*": x * y}.get(sign)
        if value is None:
            value = x / y if sign == "/" else x**y
    left = _bracketed(a, ATOM if sign == "**" else min(level, NEGATED))  # -a / b needs no brackets
    right = _bracketed(b, level if sign in "+*" else level + 1)
    return Symbol(f"{left} {sign} {right}", float(value), level)


def _bracketed(x: Any, level: int) -> str:
    if isinstance(x, Symbol):
        return x.text if x.level >= level else f"({x.text})"
    text = text_of(x)
    return f"({text})" if text.startswith("-") and level > ADDED else text


def _value(x: Any) -> Any:
    return x.value if isinstance(x, Symbol) else x


def _is(x: Any, constant: int) -> bool:
    return not isinstance(x, Symbol) and bool(x == constant)
