"""emit_levels: a program of very many operations on single numbers as a few operations on arrays, level by level.

Users of micrograd write networks number by number. Each number's level is one more than that of the numbers it is made
of; the operations of one level do not depend on each other, so all additions of a level are one call of NumPy, all
products another. The numbers lie in one vector for each dtype. Operands are gathered from it, and each operation's
numbers are laid out in the order in which they are read, so that many gathers are slices.

Long sums are added up at once, in another order than the program's: results agree to 1e-12 in float64, and a zero may
have the other sign. Everything else is NumPy's, to the bit.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .program import Listing, Program, Step, Value, defined, values_in
from .table import name_of
from .unrolled import CALL, CAST, INPUT, ITEM, NUMBER, WHERE, Cells, stepwise

__all__ = ["emit", "groups", "known"]

Ids = Any
ADD_UP = np.add.reduce
NARY = "sum"  # of three numbers or more
FEW = 8  # sums: below, each is added up along memory; from there on, all of them side by side


def known(function: Any, dtypes: tuple[Any, ...]) -> bool:  # noqa: ARG001
    """Return that every elementwise function is called as it is."""
    return True


class OtherShape(Exception):
    """A result has not the shape that it had when the program was recorded, as that of ``x[mask]``."""


def fill(room: Any, array: Any) -> None:
    """Copy a result into memory of its shape."""
    if np.shape(array) != room.shape:
        raise OtherShape
    room[...] = array


def emit(
    program: Program,
    fixed: dict[Value, Any] | None = None,
    into: dict[int, Value] | None = None,
    cells: Cells | None = None,
) -> Listing:
    """Return a program as a listing that computes level by level.

    Parameters
    ----------
    program : Program
        Meant for those of thousands of single numbers.
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
    >>> from autograd_mini.emit_levels import emit
    >>> def f(x):
    ...     return sum(x[i] * x[i] for i in range(4))
    >>> emit(trace(f)(np.ones(4))).run(np.arange(4.0))
    (np.float64(14.0),)
    """
    return _Writer(program, fixed or {}, into or {}, cells or Cells(program, known)).listing()


def groups(program: Program, cells: Cells) -> dict[Group, list[int]]:
    """Return the operations that are one call each."""
    return _Writer(program, {}, {}, cells).groups


class Group(NamedTuple):
    """Operations that are one call."""

    level: int
    function: Any
    dtypes: tuple[Any, ...]  # of the operands, then of the result
    width: int  # of a sum: how many numbers
    state: Any  # what np.errstate is in force
    call: int  # of a call on arrays: which


class _Writer:
    """Finds the levels, lays the numbers out, writes the lines."""

    def __init__(self, program: Program, fixed: dict[Value, Any], into: dict[int, Value], cells: Cells) -> None:
        self.program, self.fixed, self.into = program, fixed, into
        self.cells = cells
        self.uses = cells.uses()
        self.args: list[tuple[int, ...]] = list(cells.args)
        self.functions = list(cells.functions)
        self.join_sums()
        self.groups = self.levels()
        self.arrange()
        self.namespace: dict[str, Any] = {
            "stepwise": stepwise, "program": program, "fixed": fixed, "into": into, "lock": threading.Lock(), "np": np,
            "fill": fill, "OtherShape": OtherShape, "arrays": None, "made": None, "drawn": None, "take": np.take,
            "x": None, "t": None, "k": None, "dict": dict,
        }  # fmt: skip
        self.lines: list[str] = []
        self.steps_by_line: dict[int, Step] = {}
        self.count = 0

    # --- the structure

    def join_sums(self) -> None:
        """Make one sum of additions whose results are read by another addition only."""
        cells, uses = self.cells, self.uses
        inner: set[int] = set()  # additions that are part of another
        for i in range(len(self.functions) - 1, -1, -1):
            if self.functions[i] is not np.add or not uses[i] or i in inner:
                continue
            terms: list[int] = []
            ahead = [*cells.args[i][::-1]]
            while ahead:
                j = ahead.pop()
                same = cells.functions[j] is np.add and cells.dtypes[j] == cells.dtypes[i]
                if same and uses[j] == 1 and self.state(j) == self.state(i):
                    inner.add(j)
                    ahead += cells.args[j][::-1]
                else:
                    terms.append(j)
            if len(terms) > 2:
                self.functions[i], self.args[i] = NARY, tuple(terms)
        for j in inner:
            uses[j] = 0

    def state(self, i: int) -> Any:
        """Return what np.errstate is in force, where it is not that of the whole function."""
        step = self.cells.steps[i]
        return tuple(sorted(step.errstate.items())) if step is not None and step.errstate else None

    def levels(self) -> dict[Group, list[int]]:
        """Return the operations that are one call, in an order in which they can be computed."""
        cells, dtypes = self.cells, self.cells.dtypes
        level = [0] * len(self.functions)
        found: dict[Group, list[int]] = {}
        for i, function in enumerate(self.functions):
            if not self.uses[i] or function in (INPUT, NUMBER):
                continue
            args = self.args[i]
            if function is ITEM:
                level[i] = level[args[0]]
                continue
            level[i] = 1 + max([level[j] for j in args], default=0)
            kinds = (*(() if function in (CALL, NARY) else [dtypes[j] for j in args]), dtypes[i])
            width = len(args) if function is NARY else 0
            group = Group(level[i], function, kinds, width, self.state(i), i if function is CALL else 0)
            found.setdefault(group, []).append(i)
        self.items: dict[int, list[int]] = defaultdict(list)
        for i, function in enumerate(cells.functions):
            if function is ITEM:
                self.items[cells.args[i][0]].append(i)
        return dict(sorted(found.items(), key=lambda item: item[0].level))

    def arrange(self) -> None:
        """Give each number its place: what is computed together lies together, in the order in which it is read."""
        cells = self.cells
        rank: dict[int, tuple[int, int, int]] = {}  # by the reader that comes last: which, which operand, which place
        order: dict[Group, list[int]] = {}
        for g, (group, members) in reversed(list(enumerate(self.groups.items()))):
            if len(members) > 1:
                members.sort(key=lambda i: rank.get(i, (-1, 0, 0)))
            order[group] = members
            if group.function is CALL:
                continue
            for slot in range(group.width or len(group.dtypes) - 1):
                for k, i in enumerate(members):
                    j = self.args[i][slot]
                    now = rank.get(j)
                    if now is None or (now[0] == g and now[1] > slot) or group.function is NARY:
                        rank[j] = (g, slot, k)
        self.groups = {group: order[group] for group in self.groups}
        self.place = np.zeros(len(self.functions), int)
        self.sizes: dict[Any, int] = defaultdict(int)
        self.numbers: dict[Any, list[int]] = defaultdict(list)

        def put(ids: list[int]) -> None:
            for i in ids:
                dtype = cells.dtypes[i]
                self.place[i] = self.sizes[dtype]
                self.sizes[dtype] += 1

        for value in (*self.program.inputs, *self.program.constants):
            ids = cells.ids[value].ravel().tolist()
            if all(cells.functions[i] is INPUT for i in ids):
                put(ids)
        used = [i for i, function in enumerate(cells.functions) if function is NUMBER and self.uses[i]]
        put(used)
        for i in used:
            self.numbers[cells.dtypes[i]].append(i)
        for group, members in self.groups.items():
            if group.function is CALL:
                for out in self.split(members[0]):
                    put(out)
            else:
                put(members)

    def split(self, call: int) -> list[list[int]]:
        """Return the cells of each result of a call on arrays."""
        found: list[list[int]] = [[] for _ in self.cells.details[call].outs]
        for i in self.items[call]:
            found[self.cells.details[i][0]].append(i)
        return found

    # --- the lines

    def listing(self) -> Listing:
        program = self.program
        self.memory = {dtype: np.zeros(max(size, 1), dtype) for dtype, size in self.sizes.items()}
        for dtype, ids in self.numbers.items():
            for i in ids:
                self.memory[dtype][self.place[i]] = self.cells.details[i]
        self.vector = {dtype: self.object(f"v_{dtype.name}", memory) for dtype, memory in self.memory.items()}
        self.scratch = self.make_scratch()
        name = self.object(program.name, None)
        self.lines = [
            f"def {name}(*arrays):",
            "    if not lock.acquire(False):  # in another thread, or in a function that is called from here",
            "        return stepwise(program, arrays, fixed, into)",
            "    try:",
        ]
        self.read()
        for group, members in self.groups.items():
            self.write(group, members)
        self.results()
        if any(function is CALL for function in self.functions):
            self.lines[4:4] = ["        drawn = {}"]
            self.lines += ["    except OtherShape:", "        return stepwise(program, arrays, fixed, into, drawn)"]
            self.steps_by_line = {line + 1: step for line, step in self.steps_by_line.items()}
        self.lines += ["    finally:", "        lock.release()"]
        code = "\n".join(self.lines) + "\n"
        return Listing(code, defined(code, name, self.namespace), self.steps_by_line)

    def make_scratch(self) -> dict[tuple[Any, int], Any]:
        """Return room for what is gathered, for each dtype and operand."""
        sizes: dict[tuple[Any, int], int] = defaultdict(int)
        for group, members in self.groups.items():
            if group.function is CALL:
                continue
            if group.function is NARY:
                sizes[group.dtypes[-1], 0] = max(sizes[group.dtypes[-1], 0], group.width * len(members))
            for slot, dtype in enumerate(group.dtypes[:-1]):
                sizes[dtype, slot] = max(sizes[dtype, slot], len(members))
        return {key: np.empty(size, key[0]) for key, size in sizes.items()}

    def object(self, name: str, thing: Any) -> str:
        """Return the name by which the listing knows an object."""
        while name in self.namespace:
            name += "_"
        self.namespace[name] = thing
        return name

    def new(self, name: str, thing: Any) -> str:
        """Return a numbered name for a view, or an index."""
        self.count += 1
        return self.object(f"{name}{self.count}", thing)

    def add(self, text: str, step: Step | None = None) -> None:
        self.lines.append("        " + text)
        if step is not None:
            self.steps_by_line[len(self.lines)] = step

    def read(self) -> None:
        """Copy what is given into the vectors."""
        arguments = [value for value in self.program.inputs if value not in self.fixed]
        singles: dict[tuple[str, Any], list[tuple[int, Any]]] = defaultdict(list)
        for value in (*self.program.inputs, *self.program.constants):
            ids = self.cells.ids[value].ravel()
            constant = self.program.constants.get(value)
            if not ids.size or not any(self.uses[i] for i in ids.tolist()) or (constant and constant.inner):
                continue
            if value in self.fixed:
                text: str = self.new("fixed", self.fixed[value])
            elif constant is None:
                if not value.shape:
                    singles["arguments", value.dtype].append((int(ids[0]), arguments.index(value)))
                    continue
                text = f"arrays[{arguments.index(value)}]"
            elif constant.owner is not None:
                if not value.shape:
                    singles["tensors", value.dtype].append((int(ids[0]), constant.owner))
                    continue
                text = self.new("tensor", constant.owner) + "._value"
            else:
                text = self.new("constant", constant.array)
            start = int(self.place[ids[0]])
            view = self.new("x", self.memory[value.dtype][start : start + len(ids)].reshape(value.shape))
            name = f"  # {value.name}" if value.name else ""
            self.add(f"{view}[...] = {text}{name}")
        for (kind, dtype), found in singles.items():
            where = self.index(np.array([i for i, _ in found]))
            if kind == "arguments":
                numbers = [k for _, k in found]
                start, stop = numbers[0], numbers[-1] + 1
                if numbers == list(range(start, stop)):
                    text = f"[x.item() for x in arrays[{start}:{stop}]]"
                else:
                    text = f"[arrays[k].item() for k in {self.new('numbers', numbers)}]"
            else:
                text = f"[t._value.item() for t in {self.new('tensors', [t for _, t in found])}]"
            self.add(f"{self.vector[dtype]}[{self.new('i', where)}] = {text}  # {len(found)} single numbers")

    def index(self, ids: Ids) -> Any:
        """Return where cells are in their vector: a slice, or an array of indices."""
        places = self.place[ids].ravel()
        if len(places) > 1:
            steps = np.diff(places)
            if (steps == steps[0]).all() and steps[0] > 0:
                return slice(int(places[0]), int(places[-1]) + 1, int(steps[0]))
            return np.ascontiguousarray(self.place[ids])
        return slice(int(places[0]), int(places[0]) + 1)

    def operand(self, ids: Ids, dtype: Any, slot: int, stretches: bool = False) -> str:
        """Return the name of the array of an operand; write a gather if it is no slice.

        If all its numbers are one and the same, that one will do for a function that stretches it.
        """
        vector = self.memory[dtype]
        if (ids == ids.flat[0]).all() and (stretches or ids.size == 1):
            return self.new("one", vector[self.place[ids[0]] : self.place[ids[0]] + 1])
        index = self.index(ids)
        if isinstance(index, slice):
            view = vector[index]
            return self.new("x", view.reshape(ids.shape) if ids.ndim > 1 else view)
        room = self.new("room", self.scratch[dtype, slot][: ids.size].reshape(ids.shape))
        self.add(f"take({self.vector[dtype]}, {self.new('i', index)}, None, {room}, 'clip')")
        return room

    def write(self, group: Group, members: list[int]) -> None:
        """Write the lines of one call."""
        step = self.cells.steps[members[0]]
        function = group.function
        self.comment(group, members)
        if group.state and function is not CALL:
            self.add(f"with np.errstate(**{dict(group.state)!r}):")
            self.lines, outer = [], self.lines
        if function is CALL:
            self.call(members[0], group)
            return
        dtype = group.dtypes[-1]
        start = int(self.place[members[0]])
        out = self.memory[dtype][start : start + len(members)]
        ids = np.array([self.args[i] for i in members])
        if function is NARY:
            adding = self.function(ADD_UP, "add_up")
            if len(members) == 1:
                text = f"{self.operand(ids[0], dtype, 0)}, 0, None, {self.new('y', out.reshape(()))}"
            elif len(members) < FEW:
                text = f"{self.operand(ids, dtype, 0)}, 1, None, {self.new('y', out)}"
            else:
                text = f"{self.operand(ids.T, dtype, 0)}, 0, None, {self.new('y', out)}"
            text = f"{adding}({text})"
        else:
            operands: list[str] = []
            for slot in range(ids.shape[1]):
                same = next((k for k in range(slot) if (ids[:, k] == ids[:, slot]).all()), None)
                if same is not None and group.dtypes[same] == group.dtypes[slot]:
                    operands.append(operands[same])
                else:
                    operands.append(self.operand(ids[:, slot], group.dtypes[slot], slot, stretches=True))
            result = self.new("y", out)
            copy = self.function(np.copyto, "copyto")
            if function is WHERE:
                self.add(f"{copy}({result}, {operands[2]})", step)
                text = f"{copy}({result}, {operands[1]}, 'same_kind', {operands[0]})"
            elif function is CAST:
                text = f"{copy}({result}, {operands[0]}, 'unsafe')"
            else:
                text = f"{self.function(function, function.__name__)}({', '.join(operands)}, out={result})"
        self.add(text, step)
        if group.state:
            outer += ["    " + line for line in self.lines]
            self.lines = outer
            if step is not None:
                self.steps_by_line[len(self.lines)] = step

    def function(self, function: Callable[..., Any], name: str) -> str:
        """Return the name of a function."""
        if self.namespace.get(name) is not function and name in self.namespace:
            name = next((n for n, thing in self.namespace.items() if thing is function), None) or self.object(
                name, function
            )
        self.namespace[name] = function
        return name

    def comment(self, group: Group, members: list[int]) -> None:
        """Say what a call does, and on which of the user's lines it is written."""
        steps = {self.cells.steps[i] for i in members[:200]}
        places = {s.place for s in steps if s is not None and s.place is not None}
        lines = sorted({f"{Path(place.file).name}:{place.line}" for place in places})
        name = group.function
        if name is NARY:
            name = f"sum of {group.width}"
        elif name is CALL:
            name = name_of(self.cells.details[members[0]].function)
        elif not isinstance(name, str):
            name = name_of(name)
        where = f"  {', '.join(lines[:3])}{', ...' if len(lines) > 3 else ''}" if lines else ""
        self.lines.append(f"        # level {group.level}: {len(members)} x {name}{where}")

    def call(self, i: int, group: Group) -> None:
        """Write a call on arrays."""
        step = self.cells.details[i]
        gathered = []
        for value in dict.fromkeys(step.operands()):
            gathered.append(f"{self.new('value', value)}: {self.taken(self.cells.ids[value], value.dtype)}")
        called = self.new("call", step.call)
        text = f"{called}({{{', '.join(gathered)}}}.__getitem__)"
        if not step.outs:
            self.state_around(text, group, step)
            return
        self.state_around(f"made = {text}", group, step)
        if not step.pure:
            self.add(f"drawn[{self.new('step', step)}] = made")
        for k, (out, ids) in enumerate(zip(step.outs, self.split(i), strict=True)):
            if out.size:
                start = int(self.place[ids[0]])
                view = self.new("y", self.memory[out.dtype][start : start + len(ids)].reshape(out.shape))
                self.add(f"fill({view}, made{f'[{k}]' if step.several else ''})", step)

    def state_around(self, text: str, group: Group, step: Step) -> None:
        """Write a line, with the np.errstate that it needs."""
        if group.state:
            self.add(f"with np.errstate(**{dict(group.state)!r}):")
            text = "    " + text
        self.add(text, step)

    def taken(self, ids: Ids, dtype: Any) -> str:
        """Return the text of a new array with the numbers of cells."""
        if not ids.size:
            return f"np.zeros({ids.shape}, {dtype.str!r})"
        if not ids.shape:
            return f"{self.vector[dtype]}[{int(self.place[ids])}]"
        index = self.index(ids)
        if isinstance(index, slice):
            view = self.new("x", self.memory[dtype][index].reshape(ids.shape))
            return f"{view}.copy()"
        return f"take({self.vector[dtype]}, {self.new('i', index)})"

    # --- what is returned

    def results(self) -> None:
        """Write the results: arrays of their own."""
        values = list(values_in(self.program.outputs))
        parts: list[str] = []
        run: list[int] = []

        def several() -> None:
            if len(run) > 3:
                dtype = self.cells.dtypes[run[0]]
                parts.append(f"*{self.taken(np.array(run), dtype)}")
            else:
                parts.extend(self.taken(np.array(i), self.cells.dtypes[i]) for i in run)
            run.clear()

        writes = []
        for k, (value, ids) in enumerate(zip(values, self.cells.outputs, strict=True)):
            if k in self.into:
                if ids.size:
                    target = self.new("target", self.fixed[self.into[k]])
                    writes.append(f"{target}[...] = {self.taken(ids, value.dtype).removesuffix('.copy()')}")
                continue
            if not value.shape:
                if run and self.cells.dtypes[run[0]] != value.dtype:
                    several()
                run.append(int(ids))
                continue
            several()
            parts.append(self.taken(ids, value.dtype))
        several()
        for line in writes:
            self.add(line)
        self.add(f"return ({', '.join(parts)}{',' if len(parts) == 1 else ''})")
