"""buffers: whose memory each value of a program may show, until when it is read, and where it had better lie.

Nothing is computed here. A listing that writes into memory of its own asks which steps can be told where to write, when
a buffer is free again, what must be an array of its own because a caller gets it, and what can be computed straight
into a part of something larger.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from .program import Program, Step, Value, values_in
from .rules.assign import assign
from .rules.index import scatter

__all__ = [
    "BLAS", "Group", "Plan", "Pool", "Reduction", "added_at", "is_basic", "is_copying", "is_distinct", "is_elementwise",
    "is_fill", "is_moving", "is_number", "is_product", "is_view", "joined", "plain_dtype", "reduction",
]  # fmt: skip

Array = Any

REDUCTIONS = {
    np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum,
    np.amin: np.minimum,
}  # fmt: skip
VIEWS = {
    np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.ravel, np.broadcast_to, np.expand_dims, np.squeeze, np.flip,
    np.rollaxis, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.flipud, np.fliplr, np.rot90, np.diagonal,
    np.matrix_transpose, np.permute_dims, np.real, np.imag, np.asarray, np.ascontiguousarray,
}  # fmt: skip
BLAS = "fdFD"
SHORT = 64  # so long may the rows of a matrix be that is laid out by columns
# --- what a step is -------------------------------------------------------------------------------------------------


def is_number(x: Any) -> bool:
    """Return whether an argument is a Python number, which takes the dtype of the arrays beside it."""
    return type(x) in (int, float, complex, bool)


def is_basic(index: Iterable[Any]) -> bool:
    """Return whether an index makes a view."""
    return all(
        i is None or i is Ellipsis or isinstance(i, (slice, np.integer)) or (isinstance(i, int) and type(i) is not bool)
        for i in index
    )


def is_elementwise(step: Step) -> bool:
    """Return whether a step is a ufunc of values and numbers that can be told where to write."""
    f = step.function
    return (
        isinstance(f, np.ufunc)
        and f.nout == 1
        and f.signature is None
        and not step.kwargs
        and not step.several
        and len(step.args) == f.nin
        and all(isinstance(a, Value) or is_number(a) for a in step.args)
        and plain_dtype(step.out)
    )


def plain_dtype(value: Value) -> bool:
    """Return whether a buffer may hold the value."""
    return value.dtype.kind in "fciub" and value.dtype.isnative


class Reduction(NamedTuple):
    """A sum, product, maximum or minimum over axes."""

    ufunc: np.ufunc
    x: Value
    axis: Any
    dtype: Any
    keepdims: bool
    initial: Any  # or None


def reduction(step: Step) -> Reduction | None:
    """Return what a step reduces, and how; None if it does something else."""
    ufunc = REDUCTIONS.get(step.function)
    if ufunc is None or not 1 <= len(step.args) <= 2 or step.kwargs.keys() - {"axis", "keepdims", "dtype", "initial"}:
        return None
    x = step.args[0]
    axis = step.args[1] if len(step.args) == 2 else step.kwargs.get("axis")
    dtype, keepdims = step.kwargs.get("dtype"), step.kwargs.get("keepdims", False)
    if not isinstance(x, Value) or not isinstance(keepdims, bool) or list(values_in((axis, dtype))):
        return None
    initial = step.kwargs.get("initial")
    if (dtype is not None and ufunc in (np.maximum, np.minimum)) or not (initial is None or np.isscalar(initial)):
        return None
    return Reduction(ufunc, x, axis, dtype, keepdims, initial)


def is_view(step: Step) -> bool:
    """Return whether a step returns its first argument seen in another way, or perhaps a copy of it."""
    if not step.args or not isinstance(step.args[0], Value) or step.several:
        return False
    if step.function is operator.getitem:
        return is_basic(step.args[1])
    return step.function in VIEWS and not any(True for _ in values_in((step.args[1:], tuple(step.kwargs.values()))))


def is_product(step: Step) -> bool:
    """Return whether a step is a product of matrices or vectors that `np.dot` computes by BLAS."""
    if step.function not in (np.matmul, np.dot) or step.kwargs or len(step.args) != 2 or step.several:
        return False
    a, b = step.args
    return (
        isinstance(a, Value)
        and isinstance(b, Value)
        and a.ndim in (1, 2)
        and b.ndim in (1, 2)
        and a.dtype == b.dtype == step.out.dtype
        and step.out.dtype.char in BLAS
        and step.out.dtype.isnative
    )


def is_stable(function: Any) -> bool:
    """Return whether the shape of a function's result follows from the shapes of its arguments."""
    module = str(getattr(function, "__module__", ""))
    return (
        isinstance(function, np.ufunc)
        or function in STATIC
        or module.startswith(("numpy.linalg", "numpy.fft"))
        or isinstance(getattr(function, "__self__", None), np.random.Generator)
    )


def unstable(program: Program) -> set[Value]:
    """Return the values whose shape may be another one in the next call, as that of ``x[x > 0]``."""
    found: set[Value] = set()
    for step in program.steps:
        f, operands = step.function, list(step.operands())
        if f is operator.getitem:
            stable = all(not isinstance(i, Value) or i.dtype.kind != "b" for i in step.args[1]) and all(
                not isinstance(i, (list, np.ndarray)) or np.asarray(i).dtype.kind in "iu" for i in step.args[1]
            )
        elif f is np.where:
            stable = len(step.args) == 3
        else:
            stable = is_stable(f)
        whole = reduction(step)
        if whole is not None and whole.axis is None and not whole.keepdims:
            continue  # a number, whatever the shape is
        if f is np.broadcast_to:
            continue  # it says its shape, or raises
        if not stable or not found.isdisjoint(operands):
            found.update(step.outs)
    return found


# --- a scatter that is added to something ---------------------------------------------------------------------------


def added_at(x: Array, g: Array, *index: Any) -> Array:
    """Return x with g added at an index that takes no place twice; written in place where nobody reads x any more."""
    x = x.copy()
    x[index] += g
    return x


def is_distinct(program: Program, index: tuple[Any, ...]) -> bool:
    """Return whether an index of integer arrays takes no place twice: one of them has no entry twice."""
    arrays = [i for i in index if isinstance(i, Value)]
    if len(arrays) != len(index) or not arrays or any(a.dtype.kind not in "iu" for a in arrays):
        return False
    if any(a.shape != arrays[0].shape for a in arrays):
        return False
    for array in arrays:
        constant = program.constants.get(array)
        if constant is not None and constant.inner and constant.array.size == len(np.unique(constant.array)):
            return bool((constant.array >= 0).all())
    return False


# Functions whose result has a shape that follows from the shapes of their arguments.
STATIC = {
    *REDUCTIONS, *VIEWS, added_at, np.matmul, np.dot, np.inner, np.outer, np.tensordot, np.vdot, np.kron, np.cross,
    np.einsum,
    np.concatenate, np.stack, np.clip, np.sort, np.argsort, np.partition, np.argpartition, np.cumsum, np.cumprod,
    np.argmax, np.argmin, np.take_along_axis, np.tril, np.triu, np.trace, np.any, np.all, np.mean, np.var,
    np.std, np.roll, np.zeros_like, np.ones_like, np.full_like, np.copy, np.take, scatter, assign, np.nan_to_num,
    np.count_nonzero, np.nansum, np.nanmax, np.nanmin, np.nanprod, np.sinc, np.i0, np.median, np.tile, np.pad,
}  # fmt: skip
ARRAYS_OF_THEIR_OWN = STATIC - VIEWS - {np.einsum, np.clip, np.nan_to_num, np.trace}  # never a view of an argument
Group = tuple[list[str], list[Step]]


def joined(program: Program, groups: list[Group]) -> list[Group]:
    """Return the groups of steps with ``x + scatter(g, *index)`` as one step where nothing else reads the scatter."""
    uses, makers = program.uses(), program.makers()
    gone: set[int] = set()
    result: list[Group] = []
    instead: dict[int, Step] = {}
    for step in program.steps:
        if step.function is not np.add or not is_elementwise(step) or step.out.ndim != 2:
            continue
        for x, put in (step.args, step.args[::-1]):
            maker = makers.get(put) if isinstance(put, Value) else None
            if (
                maker is None
                or maker.function is not scatter
                or uses[put] != 1
                or not isinstance(x, Value)
                or x is put
                or x.shape != put.shape != ()
                or not x.dtype == put.dtype == step.out.dtype
                or id(maker) in gone
                or not isinstance(maker.args[0], Value)
                or not is_distinct(program, maker.args[1:])
            ):
                continue
            gone.add(id(maker))
            instead[id(step)] = dataclasses.replace(step, function=added_at, args=(x, *maker.args))
            break
    waiting: list[str] = []
    for comment, steps in groups:
        kept = [instead.get(id(step), step) for step in steps if id(step) not in gone]
        if len(kept) < len(steps) and not kept:
            waiting += comment
            continue
        if any(id(step) in instead for step in steps):
            comment, waiting = [*waiting, *comment], []
        result.append((comment, kept))
    return result


# --- where values live ----------------------------------------------------------------------------------------------


class Plan:
    """Who owns the memory of each value, until when it is read, and what is computed straight into other memory.

    Attributes
    ----------
    roots : dict of Value to frozenset of Value
        Whose memory a value may show: its own, or that of the values which it is a view of.
    death : dict of Value to int
        The last step that reads the memory of an owner.
    own : set of Value
        What steps make as arrays that are nobody else's.
    fresh : set of Value
        What is returned without a copy, and so made anew at each call.
    parts : dict of Value to (Value, slice, list of Step)
        What is computed into a slice of a concatenation: through these views, from the concatenation to the value.
    """

    def __init__(self, program: Program, steps: list[Step], fixed: dict[Value, Array], into: dict[int, Value]) -> None:
        self.program, self.steps, self.fixed = program, steps, fixed
        self.leaves = list(values_in(program.outputs))
        self.unstable = unstable(program)
        self.maker = {out: i for i, step in enumerate(steps) for out in step.outs}
        self.roots: dict[Value, frozenset[Value]] = {}
        self.own: set[Value] = set()
        self.stretched: set[Value] = set()
        for value in (*program.inputs, *program.constants):
            self.roots[value] = frozenset([value])
        for step in steps:
            self.root(step)
        self.returned = [(k, v) for k, v in enumerate(self.leaves) if k not in into]
        self.fresh: set[Value] = set()
        self.whole: set[int] = set()  # numbers of leaves that need no copy
        for k, value in self.returned:
            roots = self.roots[value]
            if roots <= self.own and value not in self.stretched and self.fresh.isdisjoint(roots):
                self.fresh |= roots
                self.whole.add(k)
        self.death = self.deaths()
        self.direct: dict[Value, Value] = {}  # what is computed straight into fixed memory
        self.copied: list[tuple[Value, Value]] = []
        for k, target in into.items():
            self.place(self.leaves[k], target)
        self.parts: dict[Value, tuple[Value, slice, list[Step]]] = {}
        for step in steps:
            if step.function is np.concatenate:
                self.gather(step)
        self.death = self.deaths()
        self.turned = self.layouts()

    def layouts(self) -> set[Value]:
        """Return the matrices that had better lie column by column: long ones with short rows that are reduced."""
        group: dict[Value, Value] = {}

        def top(value: Value) -> Value:
            while group.setdefault(value, value) is not value:
                value = group[value]
            return value

        wanted, made = set(), set()
        for step in self.steps:
            if (found := reduction(step)) is not None and found.x.ndim == 2:
                x, axis = found.x, found.axis
                if axis in (1, -1, (1,), (-1,)) and x.shape[1] <= SHORT and x.shape[0] > x.shape[1] > 1:
                    wanted.add(x)
            if len(step.outs) != 1 or step.out.ndim != 2:
                continue
            if is_elementwise(step) or step.function is added_at:
                for operand in step.operands():
                    if operand.shape == step.out.shape:
                        group[top(operand)] = top(step.out)
                made.add(step.out)
            elif is_product(step) or step.function is scatter:
                made.add(step.out)
        chosen = {top(value) for value in wanted}
        return {v for v in made - self.parts.keys() - self.direct.keys() if top(v) in chosen}

    def root(self, step: Step) -> None:
        """Find whose memory the results of a step may show."""
        operands = [self.roots[v] for v in step.operands()]
        if is_view(step):
            base = step.args[0]
            if is_fill(step) and base not in self.unstable:
                self.own.add(step.out)
                self.roots[step.out] = frozenset([step.out])
                return
            if step.function is np.broadcast_to or base in self.stretched:
                self.stretched.add(step.out)
            self.roots[step.out] = self.roots[base] | ({step.out} if is_copying(step) else frozenset())
            if is_copying(step):
                self.own.add(step.out)
            return
        f = step.function
        own = (isinstance(f, np.ufunc) and "out" not in step.kwargs) or f in ARRAYS_OF_THEIR_OWN
        if f is operator.getitem:
            own = True  # not a view: so there is an array among the indices, and NumPy takes copies
        if f is np.where:
            own = len(step.args) == 3
        for out in step.outs:
            self.roots[out] = frozenset([out]) if own else frozenset([out]).union(*operands)
            if own and not step.several:
                self.own.add(out)

    def deaths(self) -> dict[Value, int]:
        """Return the last step that reads the memory of each owner; the number of steps: it is returned."""
        death: dict[Value, int] = {}
        for i, step in enumerate(self.steps):
            for value in (*step.outs, *step.operands()):
                for root in self.roots[value]:
                    death[root] = i
        for value in self.leaves:
            for root in self.roots[value]:
                death[root] = len(self.steps)
        return death

    def merge(self, value: Value, owner: Value) -> None:
        """Note that the memory of a value lies in that of another one."""
        for v, roots in self.roots.items():
            if value in roots:
                self.roots[v] = roots - {value} | self.roots[owner]
        self.own.discard(value)

    def place(self, value: Value, target: Value) -> None:
        """Have an output written into fixed memory: by its own step, if nobody reads the old content afterwards."""
        last = self.read_last(target)
        if not self.fits(value, target, last):
            self.copied.append((value, target))
            return
        following: Value | None = value
        while following is not None:  # then what it is made of may lie there too, from where the old content is dead
            at = self.maker[following]
            self.direct[following] = target
            self.merge(following, target)
            before = [v for v in self.steps[at].operands() if self.fits(v, target, last) and self.death[v] == at]
            following = before[0] if before and is_elementwise(self.steps[at]) else None

    def fits(self, value: Value, target: Value, last: int) -> bool:
        """Return whether a value may be computed in fixed memory whose old content is read until a step."""
        i = self.maker.get(value)
        array = self.fixed[target]
        return (
            i is not None
            and (last <= i if is_elementwise(self.steps[i]) else last < 0 and is_joining(self.steps[i]))
            and value in self.own
            and value not in self.unstable
            and value not in self.fresh
            and value not in self.direct
            and array.ndim > 0
            and (array.shape, array.dtype) == (value.shape, value.dtype)
        )

    def read_last(self, target: Value) -> int:
        """Return the last step that reads fixed memory, under whichever name."""
        memory = self.fixed[target]
        last = -1
        for value, array in (
            *self.fixed.items(),
            *((v, c.read()) for v, c in self.program.constants.items() if not c.inner),
        ):
            if value is target or np.may_share_memory(array, memory):
                last = max(last, self.death.get(value, -1))
        return last

    def gather(self, step: Step) -> None:
        """Have the parts of a concatenation computed where they are to stand."""
        if not is_joining(step) or step.out in self.fresh or step.out in self.unstable:
            return
        out, parts = step.out, step.args[0]
        start = 0
        for part in parts:
            where = slice(start, start + part.size)
            start += part.size
            value, path = part, []
            while (i := self.maker.get(value)) is not None and is_moving(self.steps[i]):
                path.append(self.steps[i])
                value = self.steps[i].args[0]
            if (
                value in self.own
                and value not in self.fresh
                and value not in self.unstable
                and value not in self.parts
                and value is not out
                and value.ndim
                and value.size == part.size
                and value.dtype == part.dtype
                and can_be_placed(self.steps[self.maker[value]])
            ):
                self.parts[value] = (out, where, path)
        for value, (owner, _, path) in self.parts.items():
            if owner is out:
                for between in path:  # views now, even where they could have been copies
                    self.own.discard(between.out)
                    self.roots[between.out] -= {between.out}
                self.merge(value, out)


def is_joining(step: Step) -> bool:
    """Return whether a step puts vectors of one dtype one after the other, so that each can be computed there."""
    parts = step.args[0] if step.function is np.concatenate and step.args else ()
    return (
        isinstance(parts, (list, tuple))
        and bool(parts)
        and not step.kwargs.keys() - {"axis"}
        and (step.args[1] if len(step.args) > 1 else step.kwargs.get("axis", 0)) == 0
        and plain_dtype(step.out)
        and all(isinstance(p, Value) and p.ndim == 1 and p.dtype == step.out.dtype for p in parts)
    )


def is_fill(step: Step) -> bool:
    """Return whether a step makes an array with axes of one number."""
    return (
        step.args[0].ndim == 0
        and step.function in (np.reshape, np.ravel, np.broadcast_to, np.expand_dims, np.atleast_1d, np.atleast_2d)
        and step.out.ndim > 0
        and plain_dtype(step.out)
        and step.out.dtype == step.args[0].dtype
    )


def is_copying(step: Step) -> bool:
    """Return whether a view may turn out to be a copy."""
    return step.function in (np.reshape, np.ravel, np.real, np.imag, np.asarray, np.ascontiguousarray)


def is_moving(step: Step) -> bool:
    """Return whether a step only reshapes or transposes: where its result is to stand tells where its operand is."""
    if step.function in (np.reshape, np.ravel):
        return not step.kwargs.keys() - {"shape"} and (len(step.args) < 3)
    return step.function in (np.transpose, np.swapaxes)


def can_be_placed(step: Step) -> bool:
    """Return whether a step writes its result where it is told."""
    return is_elementwise(step) or is_product(step) or (reduction(step) is not None and plain_dtype(step.out))


class Pool:
    """Memory for buffers: what is free again is given to the next one of the same size."""

    def __init__(self) -> None:
        self.free: dict[int, list[Array]] = {}
        self.size = 0

    def take(self, nbytes: int) -> Array:
        """Return memory, aligned as SIMD likes it."""
        if self.free.get(nbytes):
            return self.free[nbytes].pop()
        self.size += nbytes
        raw = np.empty(nbytes + 64, np.uint8)
        start = -raw.ctypes.data % 64
        return raw[start : start + nbytes]

    def give(self, raw: Array) -> None:
        """Take memory back."""
        self.free.setdefault(raw.nbytes, []).append(raw)
