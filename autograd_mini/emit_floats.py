"""emit_floats: a small program as straight-line Python on numbers, each element of each array a local variable.

A call of NumPy takes longer than twenty multiplications of Python's, so a network of a few neurons runs an order of
magnitude faster without arrays. Arrays are read at the beginning and made at the end; whatever is not finite, or
raises, is computed again by NumPy, step by step, so that nan, inf, and warnings are its own.

Results are NumPy's to 1e-12: its exp, log, tanh round otherwise than Python's, in the last bit, its products of
matrices sum in an order of their own, and a zero may have the other sign. A float32 program is computed in double
precision and rounded at the end, so it comes closer to the exact result than NumPy does. Where it matters, it rounds in
between: numbers that are compared, or passed to a function of arrays, or whose difference is divided by or goes into a
logarithm; everything if there are float64 numbers too. And where single precision would overflow, it is left to NumPy.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from .program import Constant, Listing, Program, Step, Value, defined, values_in
from .source import written
from .tracing import ensure
from .unrolled import CALL, CAST, INPUT, ITEM, NUMBER, WHERE, Cells, stepwise

__all__ = ["emit", "known"]

F8, F4 = np.dtype(np.float64), np.dtype(np.float32)
REAL = F8, F4
BOOL, INT = np.dtype(bool), np.dtype(np.int64)

WIDE = 100  # characters of a line
ATOM, PRODUCT, SUM, COMPARISON, NOT, AND, CHOICE = 20, 12, 11, 6, 5, 4, 1  # how tightly Python's operators bind

INFIX = {
    np.multiply: ("*", PRODUCT), np.true_divide: ("/", PRODUCT), np.add: ("+", SUM), np.subtract: ("-", SUM),
}  # fmt: skip
COMPARED = {
    np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=",
}  # fmt: skip
CALLED = {
    np.exp: math.exp, np.exp2: math.exp2, np.expm1: math.expm1, np.log: math.log, np.log2: math.log2,
    np.log10: math.log10, np.log1p: math.log1p, np.sqrt: math.sqrt, np.cbrt: math.cbrt, np.tanh: math.tanh,
    np.sinh: math.sinh, np.cosh: math.cosh, np.sin: math.sin, np.cos: math.cos, np.tan: math.tan,
    np.arctan: math.atan, np.arcsin: math.asin, np.arccos: math.acos, np.arctan2: math.atan2,
    np.arcsinh: math.asinh, np.arccosh: math.acosh, np.arctanh: math.atanh, np.absolute: abs, np.fabs: abs,
    np.power: math.pow, np.float_power: math.pow, np.hypot: math.hypot, np.copysign: math.copysign,
}  # fmt: skip
ASKED = {np.isfinite: math.isfinite, np.isinf: math.isinf, np.isnan: math.isnan}
LOGICAL = {
    np.logical_and: "and", np.logical_or: "or", np.bitwise_and: "and", np.bitwise_or: "or", np.logical_xor: "!=",
    np.bitwise_xor: "!=",
}  # fmt: skip
# {a} and {b} are read several times, so they are names or numbers. NumPy takes the second of two equal ones.
SELECTED = {
    np.maximum: ("{a} if {a} > {b} or {a} != {a} else {b}", CHOICE),
    np.minimum: ("{a} if {a} < {b} or {a} != {a} else {b}", CHOICE),
    np.logaddexp: ("{a} + log1p(exp({b} - {a})) if {a} > {b} else {b} + log1p(exp({a} - {b}))", CHOICE),
    np.sign: ("1.0 if {a} > 0.0 else -1.0 if {a} < 0.0 else 0.0 if {a} == 0.0 else {a}", CHOICE),
}
GROWS = {np.exp, np.exp2, np.expm1, np.sinh, np.cosh, np.power, np.float_power}  # soon beyond single precision
POSITIVE = {np.exp, np.exp2, np.cosh, np.absolute, np.fabs, np.sqrt}  # or 0
DECIDES = COMPARED.keys() | {np.maximum, np.minimum}  # rounding may make two numbers equal
EDGES = {np.log1p, np.arcsin, np.arccos, np.arctanh, np.arccosh}  # infinite, or undefined, beyond -1 or 1
LOGS = {np.log, np.log2, np.log10}
FLOATS = INFIX.keys() | CALLED.keys() | SELECTED.keys() | {np.negative, np.positive, np.square, np.reciprocal}


def known(function: Any, dtypes: tuple[Any, ...]) -> bool:
    """Return whether a function on numbers of Python's does what NumPy's does."""
    if function is CAST:
        source, target = dtypes
        return (source.kind in "biu" and target in REAL) or (source in REAL and target in (F8, BOOL))
    if function is WHERE:
        return True
    if function in COMPARED:
        return all(d == dtypes[0] for d in dtypes) and dtypes[0] in (*REAL, BOOL, INT)
    if function in LOGICAL or function in (np.logical_not, np.invert):
        return all(d == BOOL for d in dtypes)
    return (function in FLOATS or function in ASKED) and all(d in REAL for d in dtypes)


def emit(
    program: Program,
    fixed: dict[Value, Any] | None = None,
    into: dict[int, Value] | None = None,
    cells: Cells | None = None,
) -> Listing:
    """Return a program as a listing of Python on numbers.

    Parameters
    ----------
    program : Program
        Meant for small ones: each element gets a variable.
    fixed : dict of Value to array
        Inputs whose memory never moves while the listing lives; their content may change.
    into : dict of int to Value
        Results, by their numbers, that are written into fixed inputs instead of being returned.
    cells : Cells, optional
        The program unrolled, where that was done already.

    Returns
    -------
    Listing

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_mini.tracing import trace
    >>> from autograd_mini.emit_floats import emit
    >>> program = trace(lambda x: (x * x).sum())(np.ones(2))
    >>> emit(program).run(np.array([3.0, 4.0]))
    (np.float64(25.0),)
    """
    return _Writer(program, fixed or {}, into or {}, cells or Cells(program, known)).listing()


class _Writer:
    """Writes the lines."""

    def __init__(self, program: Program, fixed: dict[Value, Any], into: dict[int, Value], cells: Cells) -> None:
        self.program, self.fixed, self.into = program, fixed, into
        self.cells = cells
        self.uses = self.cells.uses()
        self.namespace: dict[str, Any] = {}
        self.names: dict[int, str] = {}  # of cells
        self.text: dict[int, tuple[str, int]] = {}  # of what stands where it is read
        self.taken = {"stepwise", "program", "fixed", "into", "drawn", "inf", "nan", "_", "float", "wide", "Exception"}
        self.taken.add("ArithmeticError")
        self.objects: dict[int, str] = {}
        self.methods: dict[tuple[str, int, str], str] = {}
        self.lines: list[str] = []
        self.look()
        self.steps_by_line: dict[int, Step] = {}

    def listing(self) -> Listing:
        program = self.program
        readable = written(program)
        name = self.unique(program.name)
        arguments = [self.unique(readable.names.get(v, "x")) for v in program.inputs if v not in self.fixed]
        given = f"({', '.join(arguments)}{',' if len(arguments) == 1 else ''})"
        self.lines += [f"def {name}({', '.join(arguments)}):"]
        again = ""
        if any(not step.pure and step.outs for step in program.steps):
            self.lines.append("    drawn = {}")
            again = ", drawn"
        self.lines.append("    try:")
        self.start = len(self.lines)
        names = dict(zip((v for v in program.inputs if v not in self.fixed), arguments, strict=True))
        where = self.labels(readable)
        self.read_memory(readable.names)
        for value in (*program.inputs, *program.constants):
            self.read(value, names.get(value), readable.names.get(value))
        self.body(readable, where)
        self.check()
        if len(self.lines) == self.start:
            self.lines.append("        pass")
        self.results(given, again)
        code = "\n".join(self.lines) + "\n"
        self.namespace |= {
            "stepwise": stepwise, "program": program, "fixed": self.fixed, "into": self.into, "inf": math.inf,
            "nan": math.nan,
        }  # fmt: skip
        return Listing(code, defined(code, name, self.namespace), self.steps_by_line)

    # --- names

    def unique(self, name: str) -> str:
        while name in self.taken or name in self.namespace:
            name += "_"
        self.taken.add(name)
        return name

    def object(self, name: str, thing: Any) -> str:
        """Return the name by which the listing knows an object."""
        if id(thing) not in self.objects:
            self.objects[id(thing)] = name = self.unique(name)
            self.namespace[name] = thing
        return self.objects[id(thing)]

    def method(self, name: str, n: int, dtype: Any) -> str:
        """Return the name of what reads, or writes, so many numbers in memory."""
        letter = "d" if dtype == F8 else "f"
        key = name, n, letter
        if key not in self.methods:
            numbers = struct.Struct(f"{n}{letter}")
            method = {"unpack": numbers.unpack_from, "pack_into": numbers.pack_into, "pack": numbers.pack}[name]
            self.methods[key] = self.unique(f"{name}{n}" + letter.replace("d", ""))
            self.namespace[self.methods[key]] = method
        return self.methods[key]

    def labels(self, readable: Any) -> dict[int, str]:
        """Return what the elements of named values are called."""
        found: dict[int, str] = {}
        for value, name in readable.names.items():
            if value in self.cells.ids:
                ids = self.cells.ids[value].ravel().tolist()
                for k, i in enumerate(ids):
                    if self.cells.functions[i] is not NUMBER:
                        found.setdefault(i, name if len(ids) == 1 else f"{name}_{k}")
        return found

    # --- what is read

    def read_memory(self, names: dict[Value, str]) -> None:
        """Take the numbers out of fixed memory, each once: the weights may be views of one vector that is read too."""
        given = [v for v in (*self.program.inputs, *self.program.constants) if v in self.fixed]
        given = sorted((v for v in given if _flat(self.fixed[v])), key=lambda v: v.size)
        labels: dict[int, str] = {}  # of an address
        for value in given:
            base = names.get(value) or "c"
            for k, i in enumerate(self.cells.ids[value].ravel().tolist()):
                if self.uses[i]:
                    place = _address(self.fixed[value], k)
                    if place not in labels:
                        labels[place] = self.unique(base if value.size == 1 else f"{base}_{k}")
                    self.names[i] = labels[place]
        waiting = dict(labels)
        for value in reversed(given):
            found = [waiting.pop(_address(self.fixed[value], k), "_") for k in range(value.size)]
            if any(label != "_" for label in found):
                memory = self.object(
                    "memory_of_" + (names.get(value) or "c"), memoryview(self.fixed[value].reshape(-1))
                )
                unpack = self.method("unpack", value.size, value.dtype)
                self.lines.append(f"        {', '.join(found)}{',' * (value.size == 1)} = {unpack}({memory})")

    def read(self, value: Value, argument: str | None, name: str | None) -> None:
        """Take the numbers out of an array."""
        constant = self.program.constants.get(value)
        if constant is not None and constant.inner:
            return
        ids = self.cells.ids[value].ravel().tolist()
        if not any(self.uses[i] and i not in self.names for i in ids):
            return
        base = name or "c"
        labels = []
        for k, i in enumerate(ids):
            label = self.unique(base if len(ids) == 1 and argument is None else f"{base}_{k}") if self.uses[i] else "_"
            labels.append(label)
            self.names[i] = label
        array = argument or self.source(value, constant, base)
        if len(ids) == 1:
            self.lines.append(f"        {labels[0]} = {array}.item()")
        else:
            pattern = _pattern(labels, value.shape)
            self.lines.append(f"        {pattern} = {array}.tolist()")

    def source(self, value: Value, constant: Constant | None, base: str) -> str:
        """Return the text of what is no argument."""
        if value in self.fixed:
            return self.object("array_of_" + base, self.fixed[value])
        assert constant is not None
        if constant.owner is not None:
            return self.object("tensor_" + base, constant.owner) + "._value"
        return self.object("array_of_" + base, np.asarray(constant.array))

    # --- what is computed

    def body(self, readable: Any, labels: dict[int, str]) -> None:
        """Write the operations, those of each readable line below it."""
        cells = self.cells
        line_of = {step: n for n, line in enumerate(readable.lines) for step in line.steps}
        done = -1
        for i, function in enumerate(cells.functions):
            step = cells.steps[i]
            if step is not None and (now := line_of.get(step, done)) > done:
                for line in readable.lines[done + 1 : now + 1]:
                    self.lines += [f"        # {text}" for text in line.text]
                done = now
            if not self.uses[i] or function in (INPUT, NUMBER, ITEM):
                continue
            if function is CALL:
                self.call(i, labels)
                continue
            text, level = self.expression(i)
            short = self.uses[i] == 1 and i not in labels and len(text) < WIDE // 2
            if short and i not in self.named and i not in self.rounded and i not in self.guarded:
                self.text[i] = text, level
                continue
            self.names[i] = name = self.unique(labels.get(i, f"t{i}"))
            self.add(f"{name} = {text}", step)
            if i in self.rounded:  # to 24 bits, by Veltkamp's way of splitting
                self.add(f"wide = {name} * 536870913.0", step)
                self.add(f"{name} = wide - (wide - {name})", step)
        for line in readable.lines[done + 1 :]:
            self.lines += [f"        # {text}" for text in line.text]

    def look(self) -> None:
        """Find the cells that need a name, and in single precision those to be rounded and those to be watched."""
        cells = self.cells
        self.named: set[int] = set()  # mentioned more than once in one text
        self.rounded: set[int] = set()  # their rounding error is what decides, in a difference that is divided by
        self.guarded: dict[int, str] = {}  # a cell -> what must not be larger than a number in single precision
        mixed = any(self.uses[i] and cells.functions[i] is not CALL and d == F8 for i, d in enumerate(cells.dtypes))
        for i, function in enumerate(cells.functions):
            args = cells.args[i]
            if not self.uses[i]:
                continue
            if function in SELECTED:
                self.named.update(args)
            if function is CALL or (function in DECIDES and not any(map(self.is_exact, args))):
                for j in args:
                    self.round(j)
            if cells.dtypes[i] != F4:
                continue
            if mixed:
                self.round(i)
            if function in (np.sqrt, np.power, np.float_power):
                self.difference(args[0])
            if function in GROWS and not self.at_most_0(args[-1]):
                self.guarded[i] = "{}" if function in POSITIVE else "abs({})"
            elif function in LOGS:
                self.guarded[i] = "abs({}) * 4e36"  # a logarithm beyond 88 is that of 0, or of infinity
                self.difference(args[0])
            elif function in EDGES:
                self.round(args[0])
            elif function is np.true_divide and not self.at_least_1(args[1]):
                self.guarded[i] = "abs({})"
                self.difference(args[1])

    def difference(self, i: int) -> None:
        """Round the operands of a sum or difference in which digits may cancel."""
        if self.cells.functions[i] in (np.add, np.subtract) and not self.at_least_1(i):
            for j in self.cells.args[i]:
                self.round(j)

    def round(self, i: int) -> None:
        """Let a cell be rounded if it is computed; what is read is rounded already."""
        function, args = self.cells.functions[i], self.cells.args[i]
        if function in (INPUT, NUMBER, ITEM, CALL) or self.cells.dtypes[i] != F4:
            return
        if function is not CAST or self.cells.dtypes[args[0]] == INT:
            self.rounded.add(i)

    def is_exact(self, i: int) -> bool:
        """Return whether a cell is a number with which a rounded one compares as the one not rounded does."""
        return self.cells.functions[i] is NUMBER and (
            self.cells.details[i] == 0 or bool(np.isinf(self.cells.details[i]))
        )

    def at_least_1(self, i: int) -> bool:
        """Return whether a cell is surely a number not below 1, or such a number and something not negative."""
        cells = self.cells
        if cells.functions[i] is NUMBER:
            return bool(cells.details[i] >= 1)
        if cells.functions[i] is not np.add:
            return False
        one, other = cells.args[i]
        return any(self.at_least_1(j) and cells.functions[k] in POSITIVE for j, k in ((one, other), (other, one)))

    def at_most_0(self, i: int) -> bool:
        """Return whether a cell is surely not positive."""
        cells = self.cells
        return cells.functions[i] is np.negative and cells.functions[cells.args[i][0]] in POSITIVE

    def add(self, text: str, step: Step | None) -> None:
        self.lines.append("        " + text)
        if step is not None:
            self.steps_by_line[len(self.lines)] = step

    def at(self, i: int, level: int = 0) -> str:
        """Return the text of a cell, in parentheses where its operators bind less tightly than `level`."""
        if self.cells.functions[i] is NUMBER:
            text = _literal(self.cells.details[i])
            return f"({text})" if text.startswith("-") and level > SUM else text
        if i in self.names:
            return self.names[i]
        text, own = self.text[i]
        return text if own >= level else f"({text})"

    def expression(self, i: int) -> tuple[str, int]:
        """Return the text of an operation, and how tightly its operator binds."""
        function, args = self.cells.functions[i], self.cells.args[i]
        if function in INFIX:
            sign, level = INFIX[function]
            return f"{self.at(args[0], level)} {sign} {self.at(args[1], level + 1)}", level
        if function is np.negative:
            return f"-{self.at(args[0], ATOM)}", PRODUCT
        if function is np.positive:
            return self.at(args[0], ATOM), ATOM
        if function in COMPARED:
            return f"{self.at(args[0], SUM)} {COMPARED[function]} {self.at(args[1], SUM)}", COMPARISON
        if function in LOGICAL:
            return f"{self.at(args[0], SUM)} {LOGICAL[function]} {self.at(args[1], SUM)}", AND
        if function in (np.logical_not, np.invert):
            return f"not {self.at(args[0], COMPARISON)}", NOT
        if function is WHERE:
            return f"{self.at(args[1], AND)} if {self.at(args[0], AND)} else {self.at(args[2], AND)}", CHOICE
        if function is CAST:
            return self.converted(args[0], self.cells.dtypes[i])
        if function in SELECTED:
            text, level = SELECTED[function]
            if function is np.logaddexp:
                self.object("exp", math.exp), self.object("log1p", math.log1p)
                if self.cells.is_number(args[0], 0):
                    text = "{b} + log1p(exp(-{b})) if {b} > 0.0 else log1p(exp({b}))"
            named = dict(zip("ab", (self.at(j, ATOM) for j in args), strict=False))
            return text.format(**named), level
        plain = CALLED.get(function) or ASKED[function]
        name = self.object(plain.__name__, plain)
        return f"{name}({', '.join(self.at(j) for j in args)})", ATOM

    def converted(self, i: int, dtype: Any) -> tuple[str, int]:
        """Return the text of a number in another dtype."""
        if dtype == BOOL:
            return f"{self.at(i, SUM)} != 0.0", COMPARISON
        if self.cells.dtypes[i] in REAL:
            return self.at(i, ATOM), ATOM
        if self.cells.dtypes[i] == BOOL:
            return f"1.0 if {self.at(i, AND)} else 0.0", CHOICE
        return f"float({self.at(i)})", ATOM

    def call(self, i: int, labels: dict[int, str]) -> None:
        """Write a call on arrays."""
        step = self.cells.details[i]
        if step.function is ensure:
            condition = self.cells.ids[step.args[0]].ravel().tolist() if isinstance(step.args[0], Value) else []
            if all(self.cells.dtypes[j] == BOOL for j in condition):
                self.add(f"if not ({' and '.join(self.at(j, AND) for j in condition) or True}):", step)
                self.lines.append("            raise ArithmeticError")
                return
        operands = [j for value in dict.fromkeys(step.operands()) for j in self.cells.ids[value].ravel().tolist()]
        outs = [j for out in step.outs for j in self.cells.ids[out].ravel().tolist()]
        called = self.object(f"call{i}", _Call(step))
        drawn = "drawn, " if not step.pure and step.outs else ""
        text = f"{called}({drawn}{', '.join(self.at(j) for j in operands)})"
        for j in outs:
            if self.uses[j]:
                self.names[j] = self.unique(labels.get(j, f"t{j}"))
        if step.outs:
            text = f"{''.join(self.names.get(j, '_') + ', ' for j in outs) or '()'} = ".replace(",  =", ", =") + text
        self.add(text, step)

    # --- what is returned

    def check(self) -> None:
        """Let NumPy compute again what is not finite: the warnings are NumPy's."""
        cells = [i for ids in self.cells.outputs for i in ids.ravel().tolist()]
        floats = [self.at(i, SUM) for i in dict.fromkeys(cells) if self.cells.dtypes[i] in REAL]
        if not floats:
            return
        finite = self.object("isfinite", math.isfinite)
        name = self.total(floats)
        if self.guarded:
            large = self.total([text.format(self.at(i)) for i, text in self.guarded.items()])
            name = f"{name} + {large} * 5.2e269"  # infinite where single precision would be
        self.lines += [f"        if not {finite}({name}):", "            raise ArithmeticError"]

    def total(self, parts: list[str]) -> str:
        """Write a sum on lines that are not too long; return what stands for it."""
        lines, now = [], ""
        for part in parts:
            if len(now) + len(part) > WIDE and now:
                lines.append(now)
                now = ""
            now = f"{now} + {part}" if now else part
        if not lines:
            return f"({now})" if self.guarded else now
        name = self.unique("total")
        self.lines.append(f"        {name} = {lines[0]}")
        self.lines += [f"        {name} += {line}" for line in [*lines[1:], now]]
        return name

    def results(self, given: str, again: str) -> None:
        """Write into fixed memory, make arrays, return."""
        made, writes, returned = [], [], []
        values = list(values_in(self.program.outputs))
        for k, (value, ids) in enumerate(zip(values, self.cells.outputs, strict=True)):
            texts = [self.at(i) for i in ids.ravel().tolist()]
            if k in self.into:
                if texts:
                    making, write = self.write(self.fixed[self.into[k]], texts)
                    made += making
                    writes.append(write)
                continue
            if not value.shape:
                returned.append(f"{self.object(value.dtype.type.__name__, value.dtype.type)}({texts[0]})")
                continue
            name = self.unique(f"result{k}")
            if value.dtype in REAL and texts:
                pack = self.method("pack_into", len(texts), value.dtype)
                dtype = "" if value.dtype == F8 else ", " + self.object("float32", np.float32)
                made.append(f"{name} = {self.object('empty', np.empty)}({value.shape}{dtype})")
                made.append(f"{pack}({name}, 0, {', '.join(texts)})")
            else:
                dtype = self.object(f"dtype_{value.dtype.name}", value.dtype)
                array = f"{self.object('array', np.array)}([{', '.join(texts)}], {dtype})"
                made.append(f"{name} = {array}.reshape({value.shape})")
            returned.append(name)
        self.lines += ["        " + line for line in made]
        self.lines.append("    except Exception:  # or not finite: as NumPy has it")
        self.lines.append(f"        return stepwise(program, {given}, fixed, into{again})")
        self.lines += ["    " + line for line in writes]
        self.lines.append(f"    return ({', '.join(returned)}{',' if len(returned) == 1 else ''})")

    def write(self, array: Any, texts: list[str]) -> tuple[list[str], str]:
        """Return lines that make ready, and the line that writes numbers into an array that is there."""
        if not _flat(array):
            return [], f"{self.object('written_array', array)}[...] = {self.nested(texts, array.shape)}"
        memory = memoryview(array.reshape(-1))
        if array.dtype == F8:
            pack = self.method("pack_into", len(texts), F8)
            return [], f"{pack}({self.object('written_memory', memory)}, 0, {', '.join(texts)})"
        name = self.unique("bytes")  # packing fails for what is too large, and so must come before anything is written
        pack = self.method("pack", len(texts), F4)
        return [f"{name} = {pack}({', '.join(texts)})"], (
            f"{self.object('written_memory', memory.cast('B'))}[:] = {name}"
        )

    def nested(self, texts: list[str], shape: tuple[int, ...]) -> str:
        """Return the text of numbers in nested lists."""
        if not shape:
            return texts[0]
        n = len(texts) // shape[0]
        return f"[{', '.join(self.nested(texts[k * n : (k + 1) * n], shape[1:]) for k in range(shape[0]))}]"


class _Call:
    """A step, on numbers."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.values = list(dict.fromkeys(step.operands()))

    def __call__(self, *numbers: Any) -> list[Any]:
        step = self.step
        drawn = None
        if not step.pure and step.outs:
            drawn, *numbers = numbers  # type: ignore[assignment]
        arrays, start = {}, 0
        for value in self.values:
            flat = np.array(numbers[start : start + value.size], value.dtype)
            arrays[value] = flat.reshape(value.shape)
            start += value.size
        with np.errstate(**(step.errstate or {})):
            result = step.call(arrays.__getitem__)
        if drawn is not None:
            drawn[step] = result
        outs = list(result) if step.several else [result] if step.outs else []
        if any(np.shape(array) != out.shape for array, out in zip(outs, step.outs, strict=True)):
            raise ValueError  # as x[mask], which may take fewer elements another time
        return [number for array in outs for number in np.ravel(array).tolist()]


def _flat(array: Any) -> bool:
    """Return whether the numbers of an array lie in memory one beside the other, as `struct` reads and writes them."""
    return bool(array.dtype in REAL and array.size and array.flags.c_contiguous and array.flags.aligned)


def _address(array: Any, k: int) -> int:
    """Return where in memory an element of a `_flat` array is."""
    return int(array.__array_interface__["data"][0] + k * array.itemsize)


def _literal(number: Any) -> str:
    return repr(number.item())


def _pattern(labels: list[str], shape: tuple[int, ...]) -> str:
    """Return the left side of an assignment that takes a nested list apart."""
    if len(shape) <= 1:
        return ", ".join(labels) + ("," if len(labels) == 1 else "")
    n = len(labels) // shape[0]
    parts = [_pattern(labels[k * n : (k + 1) * n], shape[1:]) for k in range(shape[0])]
    return ", ".join(f"({part})" for part in parts) + ("," if len(parts) == 1 else "")
