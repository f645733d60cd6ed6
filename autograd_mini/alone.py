"""alone: which arrays from outside a piece of code computes with by NumPy alone, as far as its bytecode shows it.

While a function is recorded, an operation in which nothing is recorded, such as ``np.mean(X)`` of an array from
outside, leaves no trace but its result. The code is followed as Python's stack machine would, with what is known of
each thing on the stack: the object itself, or only that it was made of such arrays and numbers; or nothing. What comes
together from different ways, at the target of a jump, is not known.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["alone"]

MISSING = object()
NUMBERS = (int, float, complex, str, bytes, type(None), type(...), slice, range, np.generic, np.dtype, type)

# What they return shows the same memory, or says nothing of what is in it.
VIEWS = {
    "reshape", "transpose", "asarray", "asanyarray", "swapaxes", "moveaxis", "squeeze", "expand_dims", "broadcast_to",
    "ravel", "atleast_1d", "atleast_2d", "real", "imag", "flip", "T", "mT", "view", "diagonal",
}  # fmt: skip
ABOUT_SHAPE = {
    "shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags", "len", "isinstance", "type", "id",
    "zeros_like", "ones_like", "empty_like", "shares_memory", "may_share_memory", "result_type", "issubclass",
}  # fmt: skip


class Plain:
    """Something on the stack in which nothing is recorded.

    Attributes
    ----------
    value : object
        Itself, if it is known.
    arrays : dict of int to (array, str)
        The arrays from outside that it shows, by id, and what they are called.
    path : str
        What it is called.
    """

    __slots__ = ("arrays", "path", "value")

    def __init__(self, value: Any = MISSING, arrays: dict[int, Any] | None = None, path: str = "") -> None:
        self.value, self.path = value, path
        self.arrays = {id(value): (value, path)} if isinstance(value, np.ndarray) else (arrays or {})

    @property
    def computable(self) -> bool:
        """Whether it is a number or an array: not an object in which anything may be."""
        if isinstance(self.value, (list, tuple)):
            return len(self.value) <= 100 and all(isinstance(item, NUMBERS) for item in self.value)
        return self.value is MISSING or isinstance(self.value, (*NUMBERS, np.ndarray))


Thing = Plain | None


class Stack:
    """Follows one code object; `found` are the arrays that NumPy computes with alone, by id."""

    def __init__(self, named: Callable[[Any], Any], attribute: Callable[[Any, str], Any], ours: Callable[[Any], bool]):
        self.named, self.attribute, self.ours = named, attribute, ours
        self.things: list[Thing] = []
        self.variables: dict[str, Thing] = {}
        self.found: dict[int, Any] = {}

    def pop(self, n: int) -> list[Thing]:
        """Take n things, the lowest first; those below what is known are not known."""
        n = max(n, 0)
        if n == 0:
            return []
        things = [None] * (n - len(self.things)) + self.things[-n:]
        del self.things[-n:]
        return things

    def joined(self, things: Sequence[Thing], used: bool) -> Thing:
        """Return what is made of several things; with `used`, NumPy computes with what they show."""
        arrays: dict[int, Any] = {}
        for thing in things:
            if thing is None or not thing.computable:
                return None
            arrays |= thing.arrays
        if used:
            self.found |= arrays
            arrays = {}
        return Plain(arrays=arrays)

    def do(self, step: Any) -> None:
        """Do what one instruction does."""
        name, push = step.opname, self.things.append
        if step.is_jump_target:
            self.things = [None] * len(self.things)
            self.variables.clear()
        if name in ("LOAD_CONST", "LOAD_SMALL_INT"):
            push(Plain(step.argval))
        elif name == "PUSH_NULL":
            push(Plain(None))
        elif name.startswith(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_CLASSDEREF")):
            null = dis.stack_effect(step.opcode, step.arg) == 2
            value = self.named(step)
            thing = None if value is None else Plain(value[0], path=step.argval)
            for one in self.with_null(thing, null):
                push(one)
        elif name.startswith(("LOAD_FAST", "STORE_FAST")):
            self.variable(step)
        elif name in ("LOAD_ATTR", "LOAD_METHOD"):
            self.attribute_of(step, self.pop(1)[0])
        elif name in ("BINARY_OP", "COMPARE_OP", "CONTAINS_OP") and step.argrepr != "[]":
            push(self.joined(self.pop(2), used=True))
        elif name.startswith("UNARY_") or name in ("TO_BOOL", "GET_ITER"):
            push(self.joined(self.pop(1), used=name != "GET_ITER"))
        elif name == "BINARY_SUBSCR" or name == "BINARY_OP":
            push(self.item(*self.pop(2)))
        elif name == "BINARY_SLICE":
            push(self.joined(self.pop(3), used=False))
        elif name in ("BUILD_TUPLE", "BUILD_LIST", "BUILD_SLICE"):
            push(self.built(name, self.pop(step.arg)))
        elif name == "LIST_EXTEND" and step.arg == 1:  # of a list of constants
            first, more = self.pop(2)
            known = first is not None and more is not None and first.value == [] and type(more.value) is tuple
            push(Plain(list(more.value)) if known and more is not None else None)
        elif name in ("CALL", "CALL_KW"):
            push(self.called(self.pop(step.arg + 2 + (name == "CALL_KW")), name == "CALL_KW"))
        elif name == "POP_TOP":
            self.pop(1)
        elif name == "COPY":
            push(self.things[-step.arg] if step.arg <= len(self.things) else None)
        elif name == "SWAP" and step.arg <= len(self.things):
            self.things[-1], self.things[-step.arg] = self.things[-step.arg], self.things[-1]
        elif name.startswith("POP_JUMP"):
            self.joined(self.pop(1), used="NONE" not in name)
        elif name != "KW_NAMES":
            depth = len(self.things) + dis.stack_effect(step.opcode, step.arg, jump=False)
            self.things = [None] * max(depth, 0)

    def with_null(self, thing: Thing, null: bool) -> tuple[Thing, ...]:
        """Return what is pushed for something that is to be called: a place for `self` too, above it since 3.13."""
        if not null:
            return (thing,)
        return (thing, Plain(None)) if sys.version_info >= (3, 13) else (Plain(None), thing)

    def variable(self, step: Any) -> None:
        """Do what an instruction with one or two local variables does."""
        names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
        kinds = step.opname.replace("_BORROW", "").replace("_CHECK", "").replace("_AND_CLEAR", "")
        for name, kind in zip(names, kinds.replace("FAST_", "FAST ").split(), strict=False):
            if kind.startswith("LOAD"):
                value = self.variables.get(name) if name in self.variables else self.known_variable(step, name)
                self.things.append(value)
            elif kind.startswith("STORE"):
                self.variables[name] = self.pop(1)[0]

    def known_variable(self, step: Any, name: str) -> Thing:
        """Return an argument that is known, such as self."""
        value = self.named(step._replace(opname="LOAD_FAST", argval=name))
        return None if value is None else Plain(value[0], path=name)

    def attribute_of(self, step: Any, thing: Thing) -> None:
        """Read an attribute; for a method, push what it is called on as well."""
        made: Thing = None
        if thing is not None:
            path = f"{thing.path}.{step.argval}"
            if thing.arrays:
                made = Plain() if step.argval in ABOUT_SHAPE else Plain(arrays=thing.arrays, path=path)
            elif thing.value is not MISSING:
                value = self.attribute(thing.value, step.argval)
                made = None if value is None else Plain(value[0], path=path)
        effect = dis.stack_effect(step.opcode, step.arg)
        self.things.extend(self.with_null(made, effect == 1))

    def item(self, thing: Thing, index: Thing) -> Thing:
        """Return what ``thing[index]`` is: a view of an array shows it; a number, or a copy, was computed of it."""
        if thing is None or index is None:
            return None
        if thing.value is MISSING or index.value is MISSING:
            return self.joined((thing, index), used=bool(index.arrays))
        if not isinstance(thing.value, (np.ndarray, list, tuple, dict)):
            return None
        try:
            value = thing.value[index.value]
        except Exception:  # the code will say so itself
            return None
        path = f"{thing.path}[{index.value!r:.40}]"
        if not isinstance(thing.value, np.ndarray):
            return Plain(value, path=path)
        view = isinstance(value, np.ndarray) and np.may_share_memory(value, thing.value)
        return self.joined((thing, index), used=not view)

    def built(self, name: str, parts: list[Thing]) -> Thing:
        """Return a tuple, list or slice."""
        if any(p is not None and p.value is MISSING for p in parts) or None in parts:
            return self.joined(parts, used=False)
        values = [p.value for p in parts if p is not None]
        if any(p is not None and (p.arrays or not p.computable) for p in parts):
            return self.joined(parts, used=False)
        return Plain({"BUILD_TUPLE": tuple, "BUILD_LIST": list}.get(name, lambda v: slice(*v))(values))

    def called(self, things: list[Thing], keywords: bool) -> Thing:
        """Return what a call gives: of a library's function and nothing but numbers and arrays, it is computed."""
        args = things[2:-1] if keywords else things[2:]
        first = [t for t in things[:2] if not (t is not None and t.value is None)]
        if not first or None in first or (len(first) == 2 and first[0] is None):
            return None
        function = first[0]
        assert function is not None
        name = getattr(function.value, "__name__", function.path.rpartition(".")[2])
        if function.arrays:  # a method of an array
            return self.joined([Plain(arrays=function.arrays), *args], used=name not in VIEWS | ABOUT_SHAPE)
        if function.value is MISSING or not callable(function.value) or self.ours(function.value):
            return None
        if name in ABOUT_SHAPE:
            return Plain()
        return self.joined(args, used=name not in VIEWS)


def alone(
    steps: Sequence[Any],
    named: Callable[[Any], Any],
    attribute: Callable[[Any, str], Any],
    ours: Callable[[Any], bool],
) -> list[tuple[Any, str]]:
    """Return the arrays that instructions compute with by NumPy alone, each with what it is called.

    Parameters
    ----------
    steps : sequence of dis.Instruction
        Without caches.
    named : callable
        ``named(step)``: ``(value,)`` of a name that an instruction loads, or None if it is not known.
    attribute : callable
        ``attribute(value, name)``: the same of an attribute.
    ours : callable
        ``ours(function)``: whether it is no function of NumPy's or Python's: it may do anything.
    """
    stack = Stack(named, attribute, ours)
    for step in steps:
        stack.do(step)
    return list(stack.found.values())
