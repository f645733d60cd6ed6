"""Operations put into loops, and memory given to what they make."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import keyword
import re
from typing import Any

import numpy as np

from .numba_listing import Place, size_of
from .numba_loops import as_literal
from .numba_steps import Op, Taken, Unfit, is_steady
from .program import Program, Value, values_in
from .simplify import uniform
from .source import written

__all__ = ["Group", "Plan", "offset"]

Array = Any
MOST = 1000  # steps: numba takes about 0.05 seconds for each
LINE = 64  # bytes: where each array begins


@dataclasses.dataclass(eq=False)
class Group:
    """Operations in one loop, in order."""

    ops: list[Op]
    shape: tuple[int, ...]
    fuses: bool
    number: int = 0
    after: set[Group] = dataclasses.field(default_factory=set)  # groups that read what this one makes
    before: set[Group] = dataclasses.field(default_factory=set)


class Plan:
    """Puts operations into loops, gives memory to what they make, and writes the code."""

    def __init__(self, program: Program, fixed: dict[Value, Array], into: dict[int, Value]) -> None:
        if len(program.steps) > MOST:
            raise Unfit(f"{len(program.steps)} steps would take numba a minute")
        moving = {v for v, array in fixed.items() if v in program.constants and not is_steady(array)} - set(
            into.values()
        )
        fixed = {v: array for v, array in fixed.items() if v not in moving}  # the others are read at each call
        self.program, self.fixed, self.into = program, fixed, into
        self.leaves = list(values_in(program.outputs))
        self.taken = taken = Taken(program, fixed)
        taken.take()
        self.seen, self.memory, self.origin = taken.seen, taken.memory, taken.origin
        self.readable = written(program)
        self.name = tidy_name(program.name, set())
        used = {self.name}
        self.given_names = [
            tidy_name(self.readable.names.get(v) or v.name or f"x{k}", used) for k, v in enumerate(taken.given)
        ]
        self.inside: dict[Value, tuple[Value, int]] = {}  # what is computed straight into a part of something else
        self.results()
        self.elide()
        self.links()
        self.fuse()
        self.order()
        self.settle()
        self.allocate()

    def results(self) -> None:
        """Let each result have memory of its own that no other has."""
        taken = self.taken
        made = {op.out for op in taken.ops if op.out is not None and self.origin[op.out] is op.out}
        claimed: set[Value] = set()
        self.ends: list[Value] = []
        for leaf in self.leaves:
            if leaf in taken.constant:
                taken.real(leaf)
            if leaf in made and leaf not in claimed:
                end = leaf
            else:
                end = Value(leaf.shape, leaf.dtype)
                taken.add("each", end, [leaf])
            claimed.add(end)
            self.ends.append(end)

    def elide(self) -> None:
        """Let the parts of a concatenation be computed where they will stand."""
        taken = self.taken
        makers: dict[Value, Op] = {}
        for op in taken.ops:
            if op.out is not None and op.out in self.memory and op.kind not in ("fill", "join"):
                makers[op.out] = op
        written_by_parts = self.patched()
        kept = []
        for op in taken.ops:
            if op.extra == "joined" and op.out is not None and isinstance(op.args[0], Value):
                part = op.args[0]
                root = self.origin.get(part)
                if (
                    root is not None
                    and root in makers
                    and root not in self.inside
                    and root not in self.ends
                    and root not in written_by_parts
                    and root.size == part.size
                    and self.seen[part].flags.c_contiguous
                    and self.seen[op.out].flags.c_contiguous
                    and root.dtype == op.out.dtype
                ):
                    whole = self.origin[op.out]
                    self.inside[root] = whole, offset(self.seen[op.out], self.memory[whole].seen)
                    continue
            kept.append(op)
        taken.ops = kept

    def patched(self) -> set[Value]:
        """Return the values that several operations write."""
        ops = self.taken.ops
        return {self.origin[op.out] for op in ops if op.extra in ("part", "joined") and op.out is not None}

    def whole(self, value: Value) -> Value:
        """Return the value in whose memory this one's lies."""
        value = self.origin[value]
        while value in self.inside:
            value = self.inside[value][0]
        return value

    def links(self) -> None:
        """Find which operation must follow which."""
        writers: dict[Value, list[Op]] = {}
        for op in self.taken.ops:
            if op.out is not None:
                spot = self.origin[op.out]
                writers.setdefault(spot, []).append(op)
                while spot in self.inside:
                    spot = self.inside[spot][0]
                    writers.setdefault(spot, []).append(op)
        self.reads: dict[Op, list[Value]] = {}
        self.deps: dict[Op, set[Op]] = {}
        self.users: dict[Value, list[tuple[Op, Value]]] = {}  # by origin
        for number, op in enumerate(self.taken.ops):
            op.number = number
        for op in self.taken.ops:
            values = [a for a in op.args if isinstance(a, Value) and not self.is_number(a)]
            for value in values:
                self.taken.real(value)
            self.reads[op] = values
            deps: set[Op] = set()
            for value in values:
                spot = self.origin[value]
                self.users.setdefault(spot, []).append((op, value))
                deps.update(w for w in writers.get(spot, ()) if w.number < op.number)
            if op.out is not None and op.kind != "join":
                before = [w for w in writers[self.origin[op.out]] if w.number < op.number]
                deps.update(w for w in before if w.kind in ("fill", "each"))
            self.deps[op] = deps - {op}

    def is_number(self, value: Value) -> bool:
        """Return whether a constant is one number everywhere, which is written into the code."""
        if value not in self.taken.constant or value in self.origin:
            return False
        number = uniform(self.taken.constant[value])
        return number is not None and as_literal(number, self.taken.kind(value)) is not None

    def fuses(self, op: Op) -> tuple[tuple[int, ...], bool]:
        """Return the shape over which an operation goes, and whether others may go along."""
        if op.kind == "each" and op.out is not None:
            return op.out.shape, op.extra not in ("part", "joined")
        if op.kind == "reduce":
            x, (axes, _) = op.args[0], op.extra
            assert op.out is not None
            leading = 0 < len(axes) < x.ndim and axes == tuple(range(len(axes))) and op.out.size > 1
            return x.shape, leading
        return (), False

    def fuse(self) -> None:
        """Make as few loops as possible: what makes a value and what reads it at the same place, in one loop."""
        groups: dict[Op, Group] = {}
        for op in self.taken.ops:
            if op.kind == "join":
                continue
            shape, fuses = self.fuses(op)
            groups[op] = Group([op], shape, fuses, op.number)
        for op, group in groups.items():
            for dep in self.deps[op]:
                if dep in groups:
                    groups[dep].after.add(group)
                    group.before.add(groups[dep])
        edges = []
        for op in groups:
            for value in self.reads[op]:
                for dep in self.deps[op]:
                    if dep.out is value and dep.kind == "each" and dep in groups:
                        edges.append((len(self.users[value]), dep.number, op.number, dep, op, value))
        edges.sort(key=lambda e: e[:3])
        for *_, dep, op, _value in edges:
            a, b = groups[dep], groups[op]
            if a is b or not (a.fuses and b.fuses) or a.shape != b.shape or not self.in_line(a, b):
                continue
            if self.reaches(a, b):
                continue
            if len(a.ops) < len(b.ops):
                small, large = a, b
            else:
                small, large = b, a
            for o in small.ops:
                groups[o] = large
            large.ops += small.ops
            large.number = max(a.number, b.number)
            for g in small.after:
                g.before.discard(small)
                if g is not large:
                    g.before.add(large)
                    large.after.add(g)
            for g in small.before:
                g.after.discard(small)
                if g is not large:
                    g.after.add(large)
                    large.before.add(g)
            large.after.discard(small)
            large.before.discard(small)
        self.groups = list(dict.fromkeys(groups.values()))
        for group in self.groups:
            group.ops.sort(key=lambda o: o.number)
        self.group_of = groups

    def in_line(self, a: Group, b: Group) -> bool:
        """Return whether all that b reads of what a makes is read at the place where it is made."""
        inside = set(a.ops)
        for op in b.ops:
            for dep in self.deps[op] & inside:
                assert dep.out is not None
                values = [v for v in self.reads[op] if self.origin[v] is self.origin[dep.out]]
                if dep.kind != "each" or any(v is not dep.out for v in values) or not values:
                    return False
                if op.kind == "each" and op.out is not None and dep.out.shape != op.out.shape:
                    return False
        return True

    def reaches(self, a: Group, b: Group) -> bool:
        """Return whether b follows a by way of another group."""
        stack = [g for g in a.after if g is not b]
        met = set(stack)
        while stack:
            group = stack.pop()
            for g in group.after:
                if g is b:
                    return True
                if g not in met:
                    met.add(g)
                    stack.append(g)
        return False

    def order(self) -> None:
        """Put the groups into an order: those that write into fixed memory as late as possible."""
        targets = self.targets()
        late = {self.group_of[op] for op in self.taken.ops if op in self.group_of and op.out in targets}
        waiting = {g: len(g.before) for g in self.groups}
        heap = [(g in late, g.number, id(g), g) for g in self.groups if not g.before]
        heapq.heapify(heap)
        result = []
        while heap:
            *_, group = heapq.heappop(heap)
            result.append(group)
            for g in group.after:
                waiting[g] -= 1
                if not waiting[g]:
                    heapq.heappush(heap, (g in late, g.number, id(g), g))
        assert len(result) == len(self.groups)
        self.groups = result
        self.at = {op: i for i, group in enumerate(result) for op in group.ops}

    def targets(self) -> dict[Value, Value]:
        """Return the results that are written into fixed memory, and into which."""
        return {self.ends[k]: target for k, target in self.into.items()}

    def settle(self) -> None:
        """Decide which results are written straight into fixed memory: where nobody reads later what was there."""
        self.straight: dict[Value, Value] = {}
        self.copies: list[tuple[Value, Value]] = []
        patched = self.patched()
        for end, target in self.targets().items():
            maker = next((op for op in self.taken.ops if op.out is end), None)
            whole = maker is not None and maker.kind == "each" and end not in patched
            if maker is None or not whole or not self.is_safe(maker, target):
                self.copies.append((end, target))
            else:
                self.straight[end] = target

    def is_safe(self, maker: Op, target: Value) -> bool:
        """Return whether nobody reads fixed memory after, or beside, what writes into it."""
        mine = self.at[maker]
        array = self.fixed[target]
        if target.size != maker.out.size or not array.flags.c_contiguous:  # type: ignore[union-attr]
            return False
        group = self.groups[mine]
        for op in self.taken.ops:
            if op not in self.at or self.at[op] < mine:
                continue
            if self.at[op] > mine and op.kind in ("ensure", "take", "put"):
                return False
            for value in self.reads[op]:
                memory = self.memory[self.origin[value]]
                if self.origin[value] in self.taken.given and value.dtype == target.dtype and value.ndim:
                    return False  # it may be passed memory that is written to
                if memory.span is None or not np.may_share_memory(self.seen[value], array):
                    continue
                seen = self.seen[value]
                same = (
                    self.at[op] == mine
                    and group.fuses
                    and seen.shape == array.shape
                    and seen.strides == array.strides
                    and seen.__array_interface__["data"] == array.__array_interface__["data"]
                )
                if not same:
                    return False
        return True

    # memory

    def allocate(self) -> None:
        """Give memory to what is kept, for as long as it is read."""
        self.stored: set[Value] = set()
        patched = self.patched()
        life: dict[Value, list[int]] = {}
        for i, group in enumerate(self.groups):
            for op in group.ops:
                if op.out is None:
                    continue
                out = op.out
                users = self.users.get(self.origin[out], [])
                local = (
                    op.kind == "each"
                    and self.origin[out] is out
                    and out not in self.ends
                    and out not in self.inside
                    and all(user in self.at and self.at[user] == i and v is out for user, v in users)
                    and out not in patched
                )
                if local:
                    continue
                self.stored.add(out)
                life.setdefault(self.whole(out), []).append(i)
        for spot, users in self.users.items():
            top = self.whole(spot)
            if top in life:
                life[top] += [self.at[op] for op, _ in users if op in self.at]
        self.work: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self.base: dict[Value, tuple[str, int]] = {}  # of each value with memory of its own
        self.baked: list[tuple[str, int, Array]] = []
        self.fixed_bases: dict[tuple[int, str], tuple[str, Array]] = {}
        self.scalars: list[tuple[Value, str, int]] = []
        for value, memory in self.memory.items():
            if memory.span is not None:
                key = memory.span[0], memory.kind
                name = f"fixed{len(self.fixed_bases)}"
                name, flat = self.fixed_bases.setdefault(key, (name, memory.seen.reshape(-1)))
                if flat.size < memory.seen.size:
                    self.fixed_bases[key] = name, memory.seen.reshape(-1)
                self.base[value] = name, 0
        for value in self.taken.constant:
            if value in self.memory:
                memory = self.memory[value]
                start = self.room(memory.kind, memory.seen.size)
                self.baked.append((memory.kind, start, memory.seen))
                self.base[value] = f"work_{memory.kind}", start
        for k, value in enumerate(self.taken.given):
            if value.ndim:
                self.base[value] = f"{self.given_names[k]}{'_flat' * (value.ndim > 1)}", 0
            else:
                start = self.room(self.memory[value].kind, 1)
                self.base[value] = f"work_{self.memory[value].kind}", start
        self.outs: list[tuple[Value, str]] = []
        self.numbers: list[int] = []
        ends = {self.ends[k]: k for k in range(len(self.leaves)) if k not in self.into}
        last = len(self.groups) + 1
        for end, k in ends.items():
            if end.ndim:
                self.base[end] = f"out{k}{'_flat' * (end.ndim > 1)}", 0
                self.outs.append((end, f"out{k}"))
        for end, target in self.straight.items():
            name, start = self.base[target]
            self.base[end] = name, start + offset(self.fixed[target], self.memory[target].seen)
        active: dict[str, list[tuple[int, int, int]]] = {}
        for value in sorted(life, key=lambda v: min(life[v])):
            if value in self.base:
                continue
            memory = self.memory[value]
            birth, death = min(life[value]), max(life[value])
            if value in self.ends:
                death = last
            size = -(-max(memory.size, 1) * size_of(memory.kind) // LINE) * LINE // size_of(memory.kind)
            busy = sorted((s, e) for s, e, d in active.setdefault(memory.kind, []) if d >= birth)
            active[memory.kind] = [(s, e, d) for s, e, d in active[memory.kind] if d >= birth]
            begin = self.first.setdefault(memory.kind, self.work.get(memory.kind, 0))
            for s, e in busy:
                if begin + size <= s:
                    break
                begin = max(begin, e)
            active[memory.kind].append((begin, begin + size, death))
            self.work[memory.kind] = max(self.work.get(memory.kind, 0), begin + size)
            self.base[value] = f"work_{memory.kind}", begin

    def room(self, kind: str, size: int) -> int:
        """Return where so many elements begin that stay."""
        start = self.work.get(kind, 0)
        self.work[kind] = start + -(-max(size, 1) * size_of(kind) // LINE) * LINE // size_of(kind)
        return start

    def place(self, value: Value, shape: tuple[int, ...] | None = None) -> Place:
        """Return where a value lies, broadcast to a shape."""
        seen, root = self.seen[value], self.origin[value]
        start = offset(seen, self.memory[root].seen)
        while root in self.inside:
            root, more = self.inside[root]
            start += more
        name, begin = self.base[root]
        if shape is not None and seen.shape != shape:
            seen = np.broadcast_to(seen, shape)
        steps = tuple(s // seen.itemsize if n > 1 else 0 for s, n in zip(seen.strides, seen.shape, strict=True))
        return Place(name, self.memory[root].kind, begin + start, steps)


RESERVED = re.compile(
    r"(work_|out\d|fixed\d|call$|main$|slow$|plain$|empty$|status$|acquire$|release$|constant\d|d_?\d|d_out|math$|np$|njit$"
    r"|types$|inf$|nan$|[fiub]\d$)|.*_flat$|.*_\d*$|.*_$|__"
)


def tidy_name(name: str, used: set[str]) -> str:
    """Return a name for an argument that nothing else has."""
    name = re.sub(r"\W", "_", name)
    if not name.isidentifier() or keyword.iskeyword(name) or RESERVED.match(name) or not name.isascii():
        name = f"given_{name}" if f"given_{name}".isidentifier() and name.isascii() else "given"
        name = name.rstrip("_0123456789") or "given"
    name = next(n for i in itertools.count(1) if (n := name if i == 1 else f"{name}x{i}") not in used)
    used.add(name)
    return name


def offset(part: Array, whole: Array) -> int:
    """Return at which element of an array another one begins that lies in it."""
    if not part.size:
        return 0
    distance = part.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
    return int(distance // part.itemsize)
