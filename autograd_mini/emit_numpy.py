"""emit: a Program as NumPy code scheduled for speed: buffers made once, results written into them, products by BLAS.

The listing is straight-line Python, and above each group of lines stands the line that a person would have written.
What it relies on: shapes and dtypes do not change; the memory of `fixed` arrays and of arrays made by the function
itself does not move. A function that is not known to write into `out` is called as it stands, so that every program
runs.

A value lives in one of four ways: in memory known when the listing is made (a buffer, a fixed array, a view of them);
as an argument of the call; as a new array, if a result shows its memory; as a number, if it has no axes. A buffer is
given to the next value as soon as nobody reads it, or a view of it, any more.
"""

from __future__ import annotations

import builtins
import dataclasses
import itertools
import keyword
import math
import operator
import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .buffers import (
    BLAS,
    Plan,
    Pool,
    Reduction,
    added_at,
    is_basic,
    is_distinct,
    is_elementwise,
    is_fill,
    is_moving,
    is_number,
    is_product,
    is_view,
    joined,
    plain_dtype,
    reduction,
)  # fmt: skip
from .program import Listing, Program, Step, Value, defined
from .rules.assign import assign
from .rules.index import scatter
from .source import written
from .tracing import ensure

__all__ = ["emit"]

Array = Any

OPERATORS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/"}
KEYWORD_OUT = {np.maximum, np.minimum}  # by position they warn
FEW = 512  # so many numbers are looked through at once
SPREAD = 8192  # up to so many numbers, a row is first written into all rows
FOLDED = 100_000  # so many numbers are computed when the listing is made, if they are always the same
PRECISE = 1024  # so many numbers may be added up by a product with ones as exactly as by np.sum


def is_condition(step: Step) -> bool:
    """Return whether a step looks at truth values."""
    return step.function is ensure and isinstance(step.args[0], Value) and step.args[0].dtype == bool


def is_careful_logarithm(step: Step) -> bool:
    """Return whether a step is a short logarithm in an `np.errstate`, which costs more, and matters at 0 alone."""
    x = step.args[0] if step.args else None
    return (
        step.function is np.log
        and is_elementwise(step)
        and isinstance(x, Value)
        and x.dtype == step.out.dtype
        and x.dtype in (np.float32, np.float64)
        and x.size <= FEW
        and {**(step.errstate or {}), "divide": "ignore"} == step.errstate
        and step.errstate.get("invalid") == "warn"
    )


class Emitter:
    """Writes the code of one program, step by step; buffers are made while the code is written."""

    def __init__(self, program: Program, fixed: dict[Value, Array], into: dict[int, Value]) -> None:
        self.program, self.fixed, self.into = program, fixed, into
        self.source = written(program)
        self.groups = [(line.text, line.steps) for line in self.source.lines]
        if sorted(id(step) for _, steps in self.groups for step in steps) != sorted(map(id, program.steps)):
            said = {id(step): line.text for line in self.source.lines for step in line.steps}
            self.groups = [(said.get(id(step), []), [step]) for step in program.steps]
        self.groups = joined(program, self.groups)
        self.steps = [step for _, steps in self.groups for step in steps]
        self.plan = Plan(program, self.steps, fixed, into)
        self.names: dict[Value, str] = {}
        self.taken: set[str] = {*dir(builtins), *keyword.kwlist}
        self.space: dict[str, Any] = {}
        self.objects: dict[Any, str] = {}
        self.home: dict[Value, Array] = {}
        self.buffer: dict[Value, Array] = {}
        self.pool = Pool()
        self.lines: list[tuple[str, Step | None]] = []
        self.head: list[str] = []
        self.step: Step | None = None
        self.errstate: dict[str, Any] | None = None
        self.buffered = False
        self.constant: dict[Value, Array] = {}  # what is the same at each call
        self.makers, self.uses = program.makers(), program.uses()
        self.done: set[Value] = set()  # what was written with another step
        self.within_limits = self.ranges()
        self.looked_at = {s.args[0] for s in self.steps if is_condition(s) or is_careful_logarithm(s)}
        self.bytes: dict[Value, str] = {}  # the memory of these, as bytes: one look at it is cheaper than NumPy's
        self.limit: dict[Value, int] = {}  # what is known to be at least 0 and less

    # names

    def unique(self, name: str) -> str:
        """Return a name that nothing else has."""
        name = re.sub(r"\W", "_", name) or "_"
        name = f"_{name}" if name[0].isdigit() else name
        if name in self.taken:
            name = next(n for i in itertools.count(2) if (n := f"{name}_{i}") not in self.taken)
        self.taken.add(name)
        return name

    def name(self, value: Value) -> str:
        """Return what a value is called in the code."""
        if value not in self.names:
            self.names[value] = self.unique(self.source.names.get(value) or value.name or "t1")
        return self.names[value]

    def bind(self, thing: Any, name: str) -> str:
        """Return the name by which the code finds an object."""
        key = id(thing)
        if key not in self.objects:
            self.objects[key] = self.unique(name)
            self.space[self.objects[key]] = thing
        return self.objects[key]

    def function(self, function: Any) -> str:
        """Return the name of a function."""
        return self.bind(function, str(getattr(function, "__name__", type(function).__name__)))

    def method(self, ufunc: np.ufunc) -> str:
        """Return the name of a ufunc's reduce."""
        key = ("reduce", ufunc)
        if key not in self.objects:
            self.objects[key] = self.unique(f"{ufunc.__name__}_reduce")
            self.space[self.objects[key]] = ufunc.reduce
        return self.objects[key]

    def number(self, number: Any, dtype: Any) -> str:
        """Return the name of a number as an array without axes: a Python number is converted at each call."""
        array = np.array(number, dtype)
        key = ("number", array.dtype, array.tobytes())
        if key not in self.objects:
            self.objects[key] = self.unique("c_" + re.sub(r"\W", "_", f"{number:.4g}".replace("-", "minus_")))
            self.space[self.objects[key]] = array
        return self.objects[key]

    def full(self, number: Any, value: Value) -> str:
        """Return the name of an array that is a number everywhere."""
        order: Any = "F" if value in self.plan.turned else "C"
        key = ("full", value.shape, value.dtype, np.array(number, value.dtype).tobytes(), order)
        if key not in self.objects:
            self.objects[key] = self.unique("zeros" if number == 0 else "ones" if number == 1 else "filled")
            self.space[self.objects[key]] = np.full(value.shape, number, value.dtype, order)
        return self.objects[key]

    def live(self, value: Value, array: Array) -> None:
        """Note the memory in which a value lives from now on."""
        self.home[value] = array
        self.space[self.name(value)] = array

    # lines

    def line(self, text: str, sensitive: bool = True) -> None:
        """Write a line; a sensitive one sees the errstate of its step."""
        wanted = self.step.errstate if self.step is not None else None
        if sensitive and wanted != self.errstate:
            if wanted is not None:
                options = ", ".join(f"{k}={self.literal(v)}" for k, v in wanted.items())
                self.lines.append((f"with {self.function(np.errstate)}({options}):", self.step))
            self.errstate = wanted
        indent = "    " if self.errstate is not None else ""
        self.lines.append((indent + text, self.step))

    def literal(self, tree: Any, kind: str = "object") -> str:
        """Return an argument as code."""
        if isinstance(tree, Value):
            return self.name(tree)
        if tree is None or tree is Ellipsis or type(tree) in (int, bool, str):
            return "..." if tree is Ellipsis else repr(tree)
        if type(tree) is float and np.isfinite(tree):
            return repr(tree)
        if type(tree) is list:
            return f"[{', '.join(map(self.literal, tree))}]"
        if type(tree) is tuple:
            return f"({', '.join(map(self.literal, tree))}{',' * (len(tree) == 1)})"
        if type(tree) is dict:
            return f"{{{', '.join(f'{k!r}: {self.literal(v)}' for k, v in tree.items())}}}"
        if isinstance(tree, slice):
            return f"slice({self.literal(tree.start)}, {self.literal(tree.stop)}, {self.literal(tree.step)})"
        if isinstance(tree, tuple) and hasattr(tree, "_fields"):
            return f"{self.function(type(tree))}({', '.join(map(self.literal, tree))})"
        if isinstance(tree, type) or callable(tree):
            return self.function(tree)
        return self.bind(tree, kind)

    def subscript(self, index: tuple[Any, ...]) -> str:
        """Return what stands between the brackets."""
        if not index:
            return "()"
        return ", ".join(self.slice(i) if isinstance(i, slice) else self.literal(i) for i in index) + "," * (
            len(index) == 1 and not isinstance(index[0], slice)
        )

    def slice(self, s: slice) -> str:
        """Return a slice as between brackets."""
        text = ":".join("" if v is None else self.literal(v) for v in (s.start, s.stop))
        return text if s.step is None else f"{text}:{self.literal(s.step)}"

    # memory

    def room(self, value: Value, at: int, reuse: tuple[Value, ...] = ()) -> str:
        """Give a value memory to be computed into, and return its name."""
        if value in self.home:
            return self.name(value)
        if value in self.plan.direct:
            self.live(value, self.fixed[self.plan.direct[value]])
        elif value in self.plan.parts:
            owner, where, path = self.plan.parts[value]
            self.room(owner, at)
            self.live(value, placed(self.home[owner][where], path))
        elif value in self.looked_at and value.size:
            memory = bytearray(value.size * value.dtype.itemsize)
            self.bytes[value] = self.bind(memory, f"{self.name(value)}_bytes")
            self.live(value, np.frombuffer(memory, value.dtype).reshape(value.shape))
        else:
            raw = next((r for v in reuse if (r := self.dying(v, value, at)) is not None), None)
            if raw is None:
                raw = self.pool.take(value.size * value.dtype.itemsize)
            self.buffer[value] = raw
            self.live(value, self.shaped(raw, value))
        self.buffered = True
        return self.name(value)

    def shaped(self, raw: Array, value: Value) -> Array:
        """Return memory as an array of a value's shape, in the order that it had better have."""
        if value in self.plan.turned:
            return raw.view(value.dtype).reshape(value.shape[::-1]).T
        return raw.view(value.dtype).reshape(value.shape)

    def dying(self, operand: Value, value: Value, at: int) -> Array | None:
        """Return the memory of an operand that nobody reads after this step, if the result fits exactly."""
        array = self.home.get(operand)
        if array is None or value.size == 1:  # NumPy is slow in place with one element
            return None
        roots = self.plan.roots[operand]
        owner = next(iter(roots))
        raw = self.buffer.get(owner)
        if (
            raw is None
            or len(roots) > 1
            or self.plan.death[owner] != at
            or (array.shape, array.dtype) != (value.shape, value.dtype)
            or not (array.T if value in self.plan.turned else array).flags.c_contiguous
            or array.nbytes != raw.nbytes
        ):
            return None
        del self.buffer[owner]
        return raw

    def release(self, at: int) -> None:
        """Take back the buffers of which nothing is read after this step."""
        for owner in [v for v in self.buffer if self.plan.death.get(v, -1) <= at]:
            self.pool.give(self.buffer.pop(owner))

    def is_new(self, value: Value) -> bool:
        """Return whether a value must be made anew at each call."""
        return value in self.plan.fresh or value in self.plan.unstable or value.ndim == 0 or not plain_dtype(value)

    # steps

    def write(self) -> Listing:
        """Write everything."""
        program = self.program
        arguments = [v for v in program.inputs if v not in self.fixed]
        for value, array in self.fixed.items():
            self.live(value, array)
        for value in arguments:
            self.name(value)
        for value, constant in program.constants.items():
            if value in self.fixed:
                continue
            if constant.inner:
                self.constant[value] = constant.array
            if constant.owner is None and constant.places is None:
                self.live(value, constant.array)
            else:
                self.lines.append(
                    (f"{self.name(value)} = {self.bind(constant.read, f'read_{self.name(value)}')}()", None)
                )
        at = 0
        for comment, steps in self.groups:
            before = len(self.lines)
            for step in steps:
                self.step = step
                self.one(at, step)
                self.release(at)
                at += 1
            if len(self.lines) == before:
                self.head += [f"# once: {' '.join(t.split())}" for t in comment]
            else:
                indent = "    " if self.lines[before][0].startswith("    ") else ""
                self.lines[before:before] = [(f"{indent}# {' '.join(t.split())}", None) for t in comment]
        self.step = None
        self.line_end()
        return self.listing(arguments)

    def line_end(self) -> None:
        """Copy what is to be copied, write what is written in place, return."""
        self.errstate = None
        plan = self.plan
        results = []
        for k, value in plan.returned:
            name = self.name(value)
            if k in plan.whole or (value in plan.own and value.ndim == 0 and plan.roots[value] == {value}):
                results.append(name)
                continue
            results.append(self.unique(f"{name}_returned"))
            self.line(f"{results[-1]} = {self.function(copied)}({name})")
        targets = {target for _, target in plan.copied} | set(plan.direct.values())
        later = []
        for value, target in plan.copied:
            name = self.name(value)
            if not plan.roots[value].isdisjoint(targets - {target}):
                name = self.unique(f"{name}_kept")
                self.line(f"{name} = {self.function(copied)}({self.name(value)})")
            later.append(f"{self.name(target)}[...] = {name}")
        for text in later:
            self.line(text)
        self.line(f"return {', '.join(results)}{',' * (len(results) == 1)}" if results else "return ()")

    def one(self, at: int, step: Step) -> None:
        """Write one step."""
        if len(step.outs) == 1 and step.outs[0] in self.within_limits:
            self.within(at, step.outs[0], *self.within_limits[step.outs[0]])
            return
        if self.folded(step) or (len(step.outs) == 1 and step.outs[0] in self.done):
            return
        if step.function is ensure:
            self.ensure(step)
        elif is_view(step):
            self.view(at, step)
        elif step.several or not step.outs or step.out in self.plan.unstable:
            self.generic(step)
        elif is_elementwise(step):
            self.elementwise(at, step)
        elif is_product(step):
            self.product(at, step)
        elif (found := reduction(step)) is not None and plain_dtype(step.out) and found.x not in self.plan.unstable:
            self.reduction(at, step, found)
        elif step.function is np.concatenate and not self.is_new(step.out):
            self.concatenate(at, step)
        elif step.function is scatter and not self.is_new(step.out):
            self.scatter(at, step)
        elif step.function is added_at and not self.is_new(step.out):
            self.added_at(at, step)
        elif step.function is operator.getitem and self.gathered(at, step):
            pass
        elif step.function is assign and not self.is_new(step.out):
            self.assign(at, step)
        else:
            self.generic(step)

    def folded(self, step: Step) -> bool:
        """Compute now what is the same at each call; return whether it is."""
        if (
            not step.pure
            or len(step.outs) != 1
            or step.several
            or step.out in self.plan.fresh
            or step.out in self.plan.parts
            or step.out in self.plan.direct
            or not all(v in self.constant for v in step.operands())
            or not (is_elementwise(step) or is_view(step) or reduction(step) is not None)
            or step.out.size > FOLDED
        ):
            return False
        try:
            with np.errstate(all="raise"):
                result = step.call(lambda v: self.constant[v])
        except FloatingPointError:
            return False  # NumPy warns at each call
        self.constant[step.out] = result
        if step.out.ndim:
            self.live(step.out, result)
        else:
            self.space[self.name(step.out)] = result
        return True

    def generic(self, step: Step) -> None:
        """Call the function as it stands."""
        args = [self.literal(a) for a in step.args]
        named = [f"{k}={self.literal(v)}" for k, v in step.kwargs.items()]
        names = ", ".join(map(self.name, step.outs)) + "," * (step.several and len(step.outs) == 1)
        if step.function is operator.getitem:
            call = f"{args[0]}[{self.subscript(step.args[1])}]"
        else:
            call = f"{self.function(step.function)}({', '.join([*args, *named])})"
        self.line(f"{names} = {call}" if names else call)

    def ensure(self, step: Step) -> None:
        """Raise the step's error unless its condition holds."""
        condition, error, *values = step.args
        given = ", ".join(f"{self.function(copied)}({self.literal(v)})" for v in values)
        if condition in self.bytes:
            self.line(f"if 0 in {self.bytes[condition]}:", sensitive=False)
        elif isinstance(condition, Value) and condition.ndim == 0:
            self.line(f"if not {self.name(condition)}:", sensitive=False)
        else:
            self.line(f"if not {self.function(np.all)}({self.literal(condition)}):", sensitive=False)
        self.line(f"    raise {self.function(error)}({given})", sensitive=False)
        if isinstance(condition, Value):
            self.learn(condition)

    def learn(self, condition: Value) -> None:
        """Remember that numbers lie between 0 and a limit, if that is what was ensured."""
        found = self.range_of(condition)
        if found is not None:
            self.limit[found[0]] = found[1]

    def range_of(self, condition: Value) -> tuple[Value, int, list[Value]] | None:
        """Return x, k and the two comparisons of ``(x >= 0) & (x < k)``; None of anything else."""
        both = self.makers.get(condition)
        if both is None or both.function not in (np.bitwise_and, np.logical_and):
            return None
        sides = [self.makers[a] for a in both.args if isinstance(a, Value) and a in self.makers]
        for low, high in (sides, sides[::-1]) if len(sides) == 2 else ():
            if (
                low.function is np.greater_equal
                and high.function in (np.less, np.less_equal)
                and low.args[0] is high.args[0]
                and isinstance(low.args[0], Value)
                and low.args[0].shape == condition.shape
                and low.args[1] == 0
                and type(high.args[1]) is int
            ):
                return low.args[0], high.args[1] + (high.function is np.less_equal), [low.out, high.out]
        return None

    def ranges(self) -> dict[Value, tuple[Value, int]]:
        """Return the conditions that are one comparison without signs: a negative number is a very large one then."""
        found: dict[Value, tuple[Value, int]] = {}
        for step in self.steps:
            if not is_condition(step) or (range_ := self.range_of(step.args[0])) is None:
                continue
            x, limit, sides = range_
            given = x in self.program.inputs or x in self.program.constants  # so it stays where it is
            if given and x.dtype.kind == "i" and x.ndim and x.dtype.isnative and 0 <= limit <= np.iinfo(x.dtype).max:
                if all(self.uses[v] == 1 for v in (*sides, step.args[0])):
                    found[step.args[0]] = x, limit
                    self.done.update(sides)
        return found

    def within(self, at: int, condition: Value, x: Value, limit: int) -> None:
        """Write whether numbers lie between 0 and a limit."""
        name = self.room(condition, at)
        unsigned = np.dtype(f"u{x.dtype.itemsize}")
        labels = np.empty(x.shape, x.dtype)
        copy = self.bind(labels, f"{self.name(x)}_copy")
        self.line(f"{copy}[...] = {self.name(x)}", sensitive=False)
        numbers = self.bind(labels.view(unsigned), f"{copy}_unsigned")
        self.line(f"{self.function(np.less)}({numbers}, {self.number(limit, unsigned)}, {name})", sensitive=False)

    def view(self, at: int, step: Step) -> None:
        """See memory in another way: at once, if it is known now; else at each call."""
        base, out = step.args[0], step.out
        if is_fill(step) and base not in self.plan.unstable:
            if self.is_new(out):
                options = f"{self.literal(out.shape)}, {self.name(base)}, {self.literal(out.dtype)}"
                self.line(f"{self.name(out)} = {self.function(np.full)}({options})", sensitive=False)
            else:
                self.line(f"{self.room(out, at)}.fill({self.name(base)})", sensitive=False)
            return
        array = self.home.get(base)
        if array is not None:
            seen = step.call(self.home.__getitem__)
            if isinstance(seen, np.ndarray) and seen.size and np.may_share_memory(seen, array):
                self.live(out, seen)
                return
            if step.function in (np.reshape, np.ravel) and is_moving(step) and not self.is_new(out):
                self.room(out, at)
                inside = self.home[out].reshape(base.shape)
                if np.may_share_memory(inside, self.home[out]):
                    name = self.bind(inside, f"{self.name(out)}_as_{self.name(base)}")
                    self.line(f"{name}[...] = {self.name(base)}", sensitive=False)
                    return
        name, new = self.name(base), self.name(out)
        plain = isinstance(step.kwargs.get("shape", out.shape), (tuple, int)) and base.ndim and self.is_exact(base)
        if step.function is operator.getitem:
            self.line(f"{new} = {name}[{self.subscript(step.args[1])}]", sensitive=False)
        elif step.function is np.reshape and is_moving(step) and plain:
            self.line(f"{new} = {name}.reshape({self.literal(out.shape)})", sensitive=False)
        elif step.function is np.ravel and is_moving(step) and plain:
            self.line(f"{new} = {name}.reshape(-1)", sensitive=False)
        elif step.function in (np.expand_dims, np.squeeze) and base.ndim and out.ndim and self.is_exact(base):
            self.line(f"{new} = {name}.reshape({self.literal(out.shape)})", sensitive=False)
        elif step.function in (np.transpose, np.swapaxes, np.moveaxis) and base.ndim:
            axes = order_of(step)
            how = "T" if axes == (*range(base.ndim),)[::-1] else f"transpose({self.literal(axes)})"
            self.line(f"{new} = {name}.{how}", sensitive=False)
        else:
            self.generic(step)

    def is_exact(self, value: Value) -> bool:
        """Return whether the shape of a value is surely as it was."""
        return value not in self.plan.unstable

    def operand(self, step: Step, i: int) -> str:
        """Return an argument of a ufunc as code; a number as an array of the dtype that NumPy would give it."""
        arg = step.args[i]
        if isinstance(arg, Value):
            return (
                self.number(self.constant[arg], arg.dtype) if arg in self.constant and not arg.ndim else self.name(arg)
            )
        dtype = loop_dtype(step, i)
        return self.literal(arg) if dtype is None else self.number(arg, dtype)

    def elementwise(self, at: int, step: Step) -> None:
        """Write a ufunc: on numbers as an operator; into memory of its own, or that of an operand that is dead."""
        out, f = step.out, step.function
        assert isinstance(f, np.ufunc)
        operands = [a for a in step.args if isinstance(a, Value)]
        if out.ndim == 0:
            if all(v.dtype == out.dtype for v in operands) and out.dtype.kind == "f" and step.errstate is None:
                a = [self.literal(arg) for arg in step.args]
                if f in OPERATORS:
                    self.line(f"{self.name(out)} = {a[0]} {OPERATORS[f]} {a[1]}")
                    return
                if f is np.negative:
                    self.line(f"{self.name(out)} = -{a[0]}")
                    return
            self.generic(step)
            return
        if f is np.divide and type(step.args[1]) in (int, float) and is_power_of_two(step.args[1]):
            f = np.multiply
            step = dataclasses.replace(step, function=f, args=(step.args[0], 1 / step.args[1]))
        given = [self.operand(step, i) for i in range(f.nin)]
        if self.is_new(out):
            self.line(f"{self.name(out)} = {self.function(f)}({', '.join(given)})")
            return
        temporary = None
        if out.dtype.kind == "f" and (f in OPERATORS or f in KEYWORD_OUT):
            temporary = self.widened(at, step, given)
        name = self.room(out, at, tuple(operands))
        how = f"out={name}" if f in KEYWORD_OUT else name
        call = f"{self.function(f)}({', '.join([*given, how])})"
        if is_careful_logarithm(step) and step.args[0] in self.bytes and self.errstate is None:
            zero = b"\0" * (out.dtype.itemsize - 1)  # found at other numbers too, but at both zeros surely
            self.line(f"if {zero!r} not in {self.bytes[step.args[0]]}:", sensitive=False)
            self.line(f"    {call}", sensitive=False)
            self.line("else:", sensitive=False)
            options = ", ".join(f"{k}={self.literal(v)}" for k, v in (step.errstate or {}).items())
            self.line(f"    with {self.function(np.errstate)}({options}):", sensitive=False)
            self.line(f"        {call}", sensitive=False)
        else:
            self.line(call)
        if temporary is not None:
            self.pool.give(temporary)

    def widened(self, at: int, step: Step, given: list[str]) -> Array | None:
        """Write one operand out as an array of the result's shape and dtype where NumPy is faster so; its memory."""
        out = step.out
        for i, arg in enumerate(step.args):
            other = step.args[1 - i]
            if not (isinstance(other, Value) and (other.shape, other.dtype) == (out.shape, out.dtype)):
                continue
            if is_number(arg):
                if step.function in KEYWORD_OUT:  # no SIMD with a number
                    given[i] = self.full(arg, out)
                return None
            if arg.shape == out.shape and arg.dtype == bool and out.size > 8:  # converted a piece at a time
                temporary = self.pool.take(out.size * out.dtype.itemsize)
                name = self.bind(self.shaped(temporary, out), f"{given[i]}_as_numbers")
                self.line(f"{name}[...] = {given[i]}", sensitive=False)
                given[i] = name
                return temporary
            if (
                arg.dtype == out.dtype
                and arg.ndim
                and arg.size < out.size <= SPREAD
                and not (out in self.plan.direct or out in self.plan.parts)
            ):  # rows are added one by one
                name = self.room(out, at)
                self.line(f"{name}[...] = {given[i]}", sensitive=False)
                given[i] = name
                return None
        return None

    def product(self, at: int, step: Step) -> None:
        """Write a product: BLAS, without what `np.matmul` does before."""
        a, b = step.args
        if self.is_new(step.out):
            self.line(f"{self.name(step.out)} = {self.dot(a)}({self.name(b)})", sensitive=False)
            return
        name = self.room(step.out, at)
        out = self.home[step.out]
        if out.flags.c_contiguous:
            self.line(f"{self.dot(a)}({self.name(b)}, {name})", sensitive=False)
        elif out.T.flags.c_contiguous and a.ndim == b.ndim == 2:
            turned = self.bind(out.T, f"{name}_T")
            self.line(f"{self.dot(b, turned=True)}({self.turned(a)}, {turned})", sensitive=False)
        else:
            self.line(f"{self.function(np.matmul)}({self.name(a)}, {self.name(b)}, {name})")

    def dot(self, value: Value, turned: bool = False) -> str:
        """Return the product with a matrix as code: the method, looked up once if the matrix stays where it is."""
        name = self.turned(value) if turned else self.name(value)
        if value not in self.home:
            return f"{name}.dot"
        key = ("dot", name)
        if key not in self.objects:
            self.objects[key] = self.unique(f"{name}_dot")
            self.space[self.objects[key]] = self.space[name].dot
        return self.objects[key]

    def ones(self, length: int, dtype: Any) -> str:
        """Return the product with a vector of ones as code."""
        name = self.full(1, Value((length,), dtype))
        key = ("dot", name)
        if key not in self.objects:
            self.objects[key] = self.unique(f"{name}_dot")
            self.space[self.objects[key]] = self.space[name].dot
        return self.objects[key]

    def turned(self, value: Value) -> str:
        """Return the transpose of a matrix as code."""
        if value not in self.home:
            return f"{self.name(value)}.T"
        key = ("turned", value)
        if key not in self.objects:
            self.objects[key] = self.unique(f"{self.name(value)}_T")
            self.space[self.objects[key]] = self.home[value].T
        return self.objects[key]

    def reduction(self, at: int, step: Step, found: Reduction) -> None:
        """Write a sum or the like: sums over one axis of a matrix, and short sums, as products with ones."""
        out, x = step.out, found.x
        reduce, name = self.method(found.ufunc), self.name(x)
        if found.ufunc is np.add and found.dtype is None and found.initial is None and x.dtype == out.dtype:
            if x.dtype.char in BLAS and x.dtype.isnative and self.summed(at, step, x, found.axis):
                return
        new = self.is_new(out)
        to, keepdims = "None" if new else self.room(out, at), found.keepdims
        if keepdims and not new and out.size > 1 and self.home[out].flags.c_contiguous:  # costs more with than without
            axes = np.atleast_1d(np.arange(x.ndim) if found.axis is None else found.axis) % x.ndim
            shape = [n for i, n in enumerate(out.shape) if i not in axes]
            to, keepdims = self.bind(self.home[out].reshape(shape), f"{to}_flat"), False
        options = [self.literal(found.axis), self.literal(found.dtype), to, repr(keepdims)]
        if found.initial is not None:
            options.append(self.literal(found.initial))
        else:
            while options[-1] in ("None", "False") and len(options) > 1:
                options.pop()
        call = f"{reduce}({name}, {', '.join(options)})"
        self.line(f"{self.name(out)} = {call}" if new else call)

    def summed(self, at: int, step: Step, x: Value, axis: Any) -> bool:
        """Write a sum as a product with ones; return whether that is as good."""
        out = step.out
        axes = axis if isinstance(axis, tuple) else (axis,)
        if not x.size or len(axes) != 1:
            return False
        if out.ndim == 0 and x.size <= PRECISE and (x.ndim == 1 or axis is None):
            array = self.home.get(x)
            if x.ndim == 1:
                name = self.name(x)
            elif array is not None and (array.flags.c_contiguous or array.T.flags.c_contiguous):
                name = self.flat(x)
            else:
                return False
            self.line(f"{self.name(out)} = {self.ones(x.size, x.dtype)}({name})", sensitive=False)
            return True
        if x.ndim != 2 or axes[0] is None or self.is_new(out):
            return False
        along = axes[0] % 2
        if x.shape[along] > PRECISE:
            return False
        name = self.room(out, at)
        array = self.home[out]
        if not array.flags.c_contiguous:
            return False
        if array.ndim == 2:
            name = self.flat(out)
        matrix = self.turned(x) if along else self.name(x)
        self.line(f"{self.ones(x.shape[along], x.dtype)}({matrix}, {name})", sensitive=False)
        return True

    def concatenate(self, at: int, step: Step) -> None:
        """Write a concatenation: nothing for the parts that were computed where they stand."""
        out = step.out
        parts = list(step.args[0]) if isinstance(step.args[0], (list, tuple)) else []
        if not any(owner is out for owner, _, _ in self.plan.parts.values()):
            if not all(isinstance(p, Value) for p in parts):
                self.generic(step)
                return
            options = [f"{k}={self.literal(v)}" for k, v in step.kwargs.items() if k in ("axis",)]
            if step.kwargs.keys() - {"axis"} or len(step.args) > 1:
                self.generic(step)
                return
            options.append(f"out={self.room(out, at)}")
            self.line(f"{self.function(np.concatenate)}({self.literal(parts)}, {', '.join(options)})", sensitive=False)
            return
        self.room(out, at)
        start = 0
        for part in parts:
            where = self.home[out][start : start + part.size]
            start += part.size
            seen = self.home.get(part)
            if seen is not None and part.size and np.may_share_memory(seen, where):
                continue
            name = self.bind(where, f"{self.name(out)}_{self.name(part)}")
            self.line(f"{name}[...] = {self.name(part)}", sensitive=False)

    def flat_index(self, value: Value, index: tuple[Any, ...]) -> str | None:
        """Return the places that an index takes in a matrix, counted through, as code; None where that is not known.

        Taking from a vector costs a fifth of taking from a matrix. NumPy's check of the index is lost: so it must be
        known that all numbers lie in the matrix.
        """
        array = self.home.get(value)
        if array is None or value.ndim != 2 or len(index) != 2 or not all(isinstance(i, Value) for i in index):
            return None
        rows, columns = index
        constant = self.program.constants.get(rows)
        if (
            constant is None
            or not constant.inner
            or rows.dtype.kind not in "iu"
            or columns.dtype.kind not in "iu"
            or not np.can_cast(columns.dtype, np.intp)
            or rows.shape != columns.shape
            or not rows.size
            or constant.array.min() < 0
            or constant.array.max() >= value.shape[0]
            or self.limit.get(columns, value.shape[1] + 1) > value.shape[1]
            or not (array.flags.c_contiguous or array.T.flags.c_contiguous)
        ):
            return None
        by_rows = array.flags.c_contiguous
        key = ("index", rows, columns, value.shape, by_rows)
        if key not in self.objects:
            self.objects[key] = name = self.unique("places")
            self.space[name] = np.empty(rows.shape, np.intp)
            start = constant.array.astype(np.intp) * (value.shape[1] if by_rows else 1)
            numbers, starts = self.name(columns), self.bind(start, "starts")
            if not by_rows:
                length = self.bind(np.array(value.shape[0], np.intp), "length")
                self.line(f"{self.function(np.multiply)}({numbers}, {length}, {name})")
                numbers = name
            self.line(f"{self.function(np.add)}({numbers}, {starts}, {name})")
            self.buffered = True
        return self.objects[key]

    def flat(self, value: Value) -> str:
        """Return a matrix as a vector."""
        array = self.home[value]
        key = ("flat", value)
        if key not in self.objects:
            self.objects[key] = self.unique(f"{self.name(value)}_flat")
            self.space[self.objects[key]] = (array if array.flags.c_contiguous else array.T).reshape(-1)
        return self.objects[key]

    def gathered(self, at: int, step: Step) -> bool:
        """Write the taking of entries of a matrix; return whether it was possible in a better way than NumPy's."""
        places = self.flat_index(step.args[0], step.args[1])
        if places is None:
            return False
        out = step.out
        after = self.steps[at + 1] if at + 1 < len(self.steps) else None
        if after is not None and after.function in (np.expand_dims, np.reshape) and self.uses[out] == 1:
            if is_view(after) and after.args[0] is out and after.out.ndim and after.errstate == step.errstate:
                out = after.out
                places = self.bind(self.space[places].reshape(out.shape), f"{places}_as_{self.name(out)}")
                self.done.add(out)
        self.line(f"{self.name(out)} = {self.flat(step.args[0])}[{places}]", sensitive=False)
        return True

    def part(self, value: Value, index: tuple[Any, ...]) -> str:
        """Return the places of a buffer that an index takes, as code."""
        places = self.flat_index(value, index)
        if places is not None:
            return f"{self.flat(value)}[{places}]"
        return f"{self.name(value)}[{self.subscript(index)}]"

    def scatter(self, at: int, step: Step) -> None:
        """Write zeros with something added at an index."""
        g, *rest = step.args
        index, out = tuple(rest), step.out
        distinct = is_distinct(self.program, index)
        if not isinstance(g, Value) or not (distinct or is_basic(index)):
            self.generic(step)
            return
        name = self.room(out, at)
        self.line(f"{name}.fill(0)", sensitive=False)
        if distinct:
            self.line(f"{self.part(out, index)} += {self.name(g)}")
            return
        where = self.home[out][index]
        if isinstance(where, np.ndarray):
            there = self.bind(where, f"{name}_part")
            self.line(f"{there}[...] = {self.name(g)}", sensitive=False)
        else:
            self.line(f"{name}[{self.subscript(index)}] = {self.name(g)}", sensitive=False)

    def added_at(self, at: int, step: Step) -> None:
        """Write a sum of an array and a scatter: into the array, if nobody reads it any more."""
        x, g, *index = step.args
        name = self.room(step.out, at, (x,))
        if x not in self.home or not np.may_share_memory(self.home[x], self.home[step.out]):
            self.line(f"{name}[...] = {self.name(x)}", sensitive=False)
        self.line(f"{self.part(step.out, tuple(index))} += {self.name(g)}")

    def assign(self, at: int, step: Step) -> None:
        """Write an array in which something else stands at an index: into the old one, if nobody reads it any more."""
        x, v, *index = step.args
        if not isinstance(x, Value) or not is_basic(index):
            self.generic(step)
            return
        apart = not isinstance(v, Value) or self.plan.roots[v].isdisjoint(self.plan.roots[x])
        name = self.room(step.out, at, (x,) * apart)
        if x not in self.home or not np.may_share_memory(self.home[x], self.home[step.out]):
            self.line(f"{name}[...] = {self.name(x)}", sensitive=False)
        self.line(f"{name}[{self.subscript(tuple(index))}] = {self.literal(v)}")

    # all of it

    def listing(self, arguments: list[Value]) -> Listing:
        """Put the code together and compile it."""
        name = self.unique(self.program.name)
        run: list[tuple[str, Step | None]] = []
        names = [self.name(v) for v in arguments]
        run.append((f"def {name}({', '.join(names)}):", None))
        indent = "    "
        if self.buffered:
            lock = threading.Lock()
            acquire, release = self.bind(lock.acquire, "acquire"), self.bind(lock.release, "release")
            slow = self.bind(self.slow(arguments), "without_buffers")
            run += [(f"    if not {acquire}(False):", None), (f"        return {slow}({', '.join(names)})", None)]
            run.append(("    try:", None))
            indent = "        "
        run += [(indent + text, step) for text, step in self.lines]
        if self.buffered:
            run += [("    finally:", None), (f"        {release}()", None)]
        lines = [*self.head, *(text for text, _ in run)]
        code = "\n".join(lines) + "\n"
        function = defined(code, name, self.space)
        by_line = {i + 1 + len(self.head): step for i, (_, step) in enumerate(run) if step is not None}
        return Listing(code, function, by_line)

    def slow(self, arguments: list[Value]) -> Callable[..., tuple[Array, ...]]:
        """Return the program without buffers: for a call while another one runs."""
        plain = dataclasses.replace(self.program, outputs=tuple(self.plan.leaves))
        fixed, into = self.fixed, self.into

        def without_buffers(*arrays: Array) -> tuple[Array, ...]:
            results = plain.run({**dict(zip(arguments, arrays, strict=True)), **fixed})
            results = [copied(result) for result in results]  # apart from what is written now, and from one another
            for k, target in into.items():
                fixed[target][...] = results[k]
            return tuple(result for k, result in enumerate(results) if k not in into)

        return without_buffers


def copied(x: Any) -> Any:
    """Return an array's copy; a number as it is."""
    return x.copy() if isinstance(x, np.ndarray) else x


def order_of(step: Step) -> tuple[int, ...]:
    """Return which axis of its operand each axis of a transposed array is."""
    sizes = np.broadcast_to(0, range(1, step.args[0].ndim + 1))  # axis k has length k + 1
    return tuple(n - 1 for n in step.call(lambda _: sizes).shape)


def placed(array: Array, path: list[Step]) -> Array:
    """Return memory as the operand of these views, the last one first, has to lie."""
    for step in path:
        shape = step.args[0].shape
        if step.function in (np.reshape, np.ravel):
            array = array.reshape(shape)
        else:
            array = array.transpose(np.argsort(order_of(step)))
    return array


def is_power_of_two(number: float) -> bool:
    """Return whether multiplying by 1 / number is the same as dividing by the number."""
    return abs(math.frexp(number)[0]) == 0.5 and 2.0**-10 <= abs(number) <= 2.0**10


def loop_dtype(step: Step, i: int) -> Any:
    """Return the dtype in which NumPy computes with a number among a ufunc's operands; None in special cases."""
    f: Any = step.function
    kinds = [np.dtype(bool) if type(a) is bool else type(a) if is_number(a) else a.dtype for a in step.args]
    try:
        loop = f.resolve_dtypes((*kinds, None))
        kinds[i] = loop[i]
        if loop[i].kind not in "fciub" or f.resolve_dtypes((*kinds, None)) != loop:
            return None
        np.array(step.args[i], loop[i])
    except (TypeError, ValueError, OverflowError):
        return None
    return loop[i]


def emit(program: Program, fixed: dict[Value, Array] | None = None, into: dict[int, Value] | None = None) -> Listing:
    """Return a program as code that runs fast in NumPy.

    Parameters
    ----------
    program : Program
        What to write out.
    fixed : dict of Value to array
        Inputs or constants whose memory never moves, so that views of it are made once; what stands there may change.
    into : dict of int to Value
        The number of an output, and the value of `fixed` into whose memory it is written in place of being returned.

    Returns
    -------
    Listing
        Its `run` takes the other inputs' arrays. What it returns is never written to again. While it runs in one
        thread, a second call computes step by step, without buffers.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_mini.tracing import trace
    >>> from autograd_mini.emit_numpy import emit
    >>> program = trace(lambda p, x: (np.sum(np.exp(p * x)), p - 0.5 * x))(np.zeros(3), np.ones(3))
    >>> p = np.zeros(3)
    >>> listing = emit(program, {program.inputs[0]: p}, {1: program.inputs[0]})
    >>> listing.run(np.ones(3)), p
    ((np.float64(3.0),), array([-0.5, -0.5, -0.5]))
    """
    return Emitter(program, fixed or {}, into or {}).write()
