"""The steps of a program taken apart into what compiled loops can do; or why they cannot be."""

from __future__ import annotations

import dataclasses
import operator
from typing import Any

import numpy as np

from .numba_files import loop_of
from .numba_loops import as_literal, expression, kind_of, resolved
from .program import Program, Step, Value, values_in
from .rules.assign import assign
from .rules.index import scatter
from .tracing import ensure

__all__ = ["Memory", "Op", "Taken", "Unfit", "is_steady"]

Array = Any
FOLDED = 100_000  # so many numbers are computed when the listing is made, if they are always the same
FEW = 4  # so many numbers go through the C library's exp, more through NumPy's
VIEWS = {
    np.reshape, np.transpose, np.swapaxes, np.moveaxis, np.ravel, np.broadcast_to, np.expand_dims, np.squeeze, np.flip,
    np.rollaxis, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.flipud, np.fliplr, np.rot90, np.diagonal,
    np.matrix_transpose, np.permute_dims, np.real,
}  # fmt: skip
COPIES = {np.copy, np.asarray, np.ascontiguousarray, np.astype, np.array}
REDUCTIONS = {
    np.sum: np.add, np.prod: np.multiply, np.max: np.maximum, np.amax: np.maximum, np.min: np.minimum,
    np.amin: np.minimum, np.any: np.logical_or, np.all: np.logical_and,
}  # fmt: skip
NUMBERS = (bool, int, float)


class Unfit(Exception):
    """A step has no fused form; the reason."""


@dataclasses.dataclass(eq=False)
class Memory:
    """Where an array of its own lies: the base (an argument of the compiled function), and from which element on."""

    kind: str
    size: int
    seen: Array  # an array that lies as it does
    base: str = ""
    start: int = 0
    birth: int = 0
    death: int = -1
    span: tuple[int, int] | None = None  # addresses, of memory that is fixed


@dataclasses.dataclass(eq=False)
class Op:
    """One thing to do: a step, or what a step was taken apart into."""

    kind: str  # each, reduce, loop, dot, take, put, fill, ensure
    out: Value | None
    args: list[Any]
    step: Step | None
    function: Any = None
    extra: Any = None
    number: int = 0


def named(function: Any) -> str:
    """Return what a message calls a function."""
    if isinstance(function, np.ufunc):
        return f"np.{function.__name__}"
    module, name = getattr(function, "__module__", None) or "", getattr(function, "__name__", repr(function))
    return f"{module.replace('numpy', 'np', 1)}.{name}" if module.startswith("numpy") else str(name)


def is_basic(index: tuple[Any, ...]) -> bool:
    """Return whether an index makes a view."""
    known = (slice, int, np.integer)
    return all(i is None or i is Ellipsis or (isinstance(i, known) and type(i) is not bool) for i in index)


def without_ends(index: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return an index without what takes all of the last axes."""
    full = (slice(None), slice(None, None, 1))
    while index and (index[-1] is Ellipsis or any(type(index[-1]) is slice and index[-1] == s for s in full)):
        index = index[:-1]
    return index


def whole_of(array: Array) -> Array:
    """Return the array that an array is a part of; itself, if there is none of its dtype in one piece."""
    while isinstance(array.base, np.ndarray) and array.base.dtype == array.dtype and array.base.flags.c_contiguous:
        array = array.base
    return array


def is_steady(array: Array) -> bool:
    """Return whether compiled code can be told once where an array lies."""
    if type(array) is not np.ndarray:
        return False
    whole = whole_of(array)
    flags = whole.flags
    return type(whole) is np.ndarray and bool(flags.c_contiguous and flags.aligned and flags.writeable)


class Taken:
    """A program taken apart into operations, and where each of its values is seen.

    Attributes
    ----------
    ops : list of Op
        In order.
    seen : dict of Value to array
        An array that lies in memory as the value does.
    memory : dict of Value to Memory
        Of values that have memory of their own.
    origin : dict of Value to Value
        Whose memory a value shows.
    constant : dict of Value to array
        What is the same at each call.
    """

    def __init__(self, program: Program, fixed: dict[Value, Array]) -> None:
        self.program, self.fixed = program, fixed
        self.ops: list[Op] = []
        self.seen: dict[Value, Array] = {}
        self.memory: dict[Value, Memory] = {}
        self.origin: dict[Value, Value] = {}
        self.constant: dict[Value, Array] = {}
        self.step: Step | None = None
        self.given = [v for v in program.inputs if v not in fixed]
        self.given += [v for v, c in program.constants.items() if not c.inner and v not in fixed]
        for value, constant in program.constants.items():
            if constant.inner:
                self.constant[value] = constant.array
        for value in self.given:
            self.own(value)
        for value in fixed:
            self.place(value)

    def kind(self, value: Value) -> str:
        """Return what compiled code calls the dtype of a value."""
        kind = kind_of(value.dtype)
        if kind is None:
            raise Unfit(f"{value.dtype} has no fused form")
        return kind

    def own(self, value: Value) -> None:
        """Give a value memory of its own."""
        seen = np.empty(value.shape, value.dtype)
        self.seen[value], self.origin[value] = seen, value
        self.memory[value] = Memory(self.kind(value), value.size, seen)

    def place(self, value: Value) -> None:
        """Find the memory of a fixed array: that of the array of which it is a part."""
        array = self.fixed[value]
        self.kind(value)
        if not is_steady(array):
            raise Unfit("an array that is read-only or not contiguous has no fused form")
        whole = whole_of(array)
        start = whole.__array_interface__["data"][0]
        self.seen[value], self.origin[value] = array, value
        self.memory[value] = Memory(self.kind(value), value.size, whole, span=(start, start + whole.nbytes))

    def new(self, shape: tuple[int, ...], dtype: Any) -> Value:
        """Return a value of its own for something between."""
        value = Value(shape, dtype)
        self.own(value)
        return value

    def baked(self, array: Array) -> Value:
        """Return a value for an array that is always the same."""
        value = Value(array.shape, array.dtype)
        self.constant[value] = array
        return value

    def real(self, value: Value) -> Value:
        """Return a value that has memory: a constant gets some."""
        if value not in self.origin:
            array = self.constant[value]
            kind = self.kind(value)
            if array.size > 1 and not any(array.strides):
                one = array[(slice(0, 1),) * array.ndim].reshape(1).copy()
                memory = Memory(kind, 1, one)
                self.seen[value] = np.broadcast_to(one.reshape((1,) * array.ndim), array.shape)
            else:
                whole = np.array(array, order="C")
                memory = Memory(kind, array.size, whole)
                self.seen[value] = whole
            self.origin[value], self.memory[value] = value, memory
        return value

    def add(self, kind: str, out: Value | None, args: list[Any], function: Any = None, extra: Any = None) -> None:
        """Add an operation; what it makes gets memory, unless it is a part of something."""
        if out is not None and out not in self.seen:
            self.own(out)
        self.ops.append(Op(kind, out, args, self.step, function, extra, len(self.ops)))

    # steps

    def take(self) -> None:
        """Take all steps apart."""
        for step in self.program.steps:
            self.step = step
            if step.several or not (step.pure or step.function is ensure):
                raise Unfit(f"{named(step.function)} has no fused form")
            if self.folded(step):
                continue
            for value in step.outs:
                self.kind(value)
            if not self.one(step):
                raise Unfit(f"{named(step.function)} has no fused form")
        self.step = None

    def folded(self, step: Step) -> bool:
        """Compute a step now if its operands are always the same."""
        if not step.outs or not step.pure or step.out.size > FOLDED:
            return False
        if any(v not in self.constant for v in step.operands()):
            return False
        try:
            with np.errstate(all="raise", under="ignore"):
                found = np.asarray(step.call(self.constant.__getitem__))
        except Exception:  # it raises at each call, then: in NumPy
            return False
        if found.shape != step.out.shape or found.dtype != step.out.dtype:
            return False
        self.constant[step.out] = found
        return True

    def one(self, step: Step) -> bool:
        """Take one step apart; return whether that was possible."""
        f = step.function
        if f is ensure:
            condition = step.args[0]
            if not isinstance(condition, Value) or condition.dtype != np.bool_:
                return False
            self.add("ensure", None, [self.real(condition)])
            return True
        if isinstance(f, np.ufunc) and f.nout == 1 and f.signature is None:
            return self.ufunc(step)
        if f in VIEWS or (f is operator.getitem and is_basic(step.args[1])):
            return self.view(step)
        if f in COPIES:
            if not isinstance(step.args[0], Value) or step.kwargs.keys() - {"dtype", "copy", "order"}:
                return False
            self.add("each", step.out, [step.args[0]])
            return True
        if f is np.where and len(step.args) == 3 and not step.kwargs:
            self.add("each", step.out, list(step.args), np.where)
            kind = self.kind(step.out)
            return all(
                isinstance(a, Value) or (type(a) in NUMBERS and as_literal(a, kind) is not None) for a in step.args
            )
        if f in REDUCTIONS:
            return self.reduction(step)
        if f in (np.matmul, np.dot):
            return self.product(step)
        if f is np.outer:
            return self.outer(step)
        if f is operator.getitem:
            return self.gathered(step)
        if f is scatter:
            return self.scattered(step)
        if f is assign:
            return self.assigned(step)
        if f in (np.concatenate, np.stack):
            return self.joined(step)
        return False

    def ufunc(self, step: Step) -> bool:
        """Take a ufunc: as code for one number, or as a loop of NumPy's over arrays."""
        f: Any = step.function
        args = list(step.args)
        if step.kwargs or len(args) != f.nin or not all(isinstance(a, Value) or type(a) in NUMBERS for a in args):
            return False
        found = resolved(step, args)
        if found is None:
            return False
        kinds, result = found
        if any(not isinstance(a, Value) and as_literal(a, k) is None for a, k in zip(args, kinds, strict=True)):
            return False
        library = step.out.size <= FEW
        if expression(f, kinds, result, ["a", "b"][: f.nin], library) is not None:
            self.add("each", step.out, args, f, (kinds, result, library))
            return True
        dtypes = tuple(np.dtype("?" if k == "b1" else k) for k in (*kinds, result))
        loop = loop_of(f, dtypes) if f.nargs <= 4 else None
        if loop is None:
            if expression(f, kinds, result, ["a", "b"][: f.nin], True) is None:
                return False
            self.add("each", step.out, args, f, (kinds, result, True))
            return True
        for i, (arg, dtype) in enumerate(zip(args, dtypes, strict=False)):
            if not isinstance(arg, Value):
                args[i] = self.real(self.baked(np.array(arg, dtype)))
            elif arg.dtype != dtype:
                args[i] = self.new(arg.shape, dtype)
                self.add("each", args[i], [arg])
            else:
                args[i] = self.real(arg)
        self.add("loop", step.out, args, f, loop)
        return bool(step.out.dtype == dtypes[-1])

    def view(self, step: Step) -> bool:
        """Find where the elements of a view lie."""
        base = step.args[0]
        if not isinstance(base, Value) or step.several or any(True for _ in values_in((step.args[1:], step.kwargs))):
            return False
        base = self.real(base)
        try:
            seen = step.call(self.seen.__getitem__)
        except Exception:
            return False
        if not isinstance(seen, np.ndarray):
            seen = self.seen[base][(*step.args[1], ...)] if step.function is operator.getitem else np.asarray(seen)
        if seen.shape != step.out.shape or seen.dtype != step.out.dtype:
            return False
        if seen.size and not np.may_share_memory(seen, self.seen[base]):  # a copy, in the order of the elements
            if step.function not in (np.reshape, np.ravel) or step.kwargs.get("order", "C") != "C":
                return False
            whole = self.new(base.shape, base.dtype)
            self.add("each", whole, [base])
            base, seen = whole, self.seen[whole].reshape(step.out.shape)
        self.seen[step.out], self.origin[step.out] = seen, self.origin[base]
        return True

    def reduction(self, step: Step) -> bool:
        """Take a sum, or another reduction over axes."""
        x = step.args[0] if step.args else None
        known = {"axis", "keepdims", "dtype", "initial", "where"}
        if not isinstance(x, Value) or len(step.args) > 2 or step.kwargs.keys() - known:
            return False
        axis = step.args[1] if len(step.args) == 2 else step.kwargs.get("axis")
        initial = step.kwargs.get("initial")
        if list(values_in((axis, initial))) or (initial is not None and type(initial) not in NUMBERS):
            return False
        axes = tuple(range(x.ndim)) if axis is None else tuple(axis) if isinstance(axis, tuple) else (axis,)
        axes = tuple(sorted({int(k) % x.ndim for k in axes})) if x.ndim else ()
        ufunc = REDUCTIONS[step.function]
        if ufunc in (np.logical_and, np.logical_or):
            if x.dtype != np.bool_ or initial is not None:
                return False
        elif step.out.dtype == np.bool_:
            return False
        if ufunc in (np.maximum, np.minimum) and (not x.size or step.out.dtype != x.dtype):
            return False
        if initial is not None and as_literal(initial, self.kind(step.out)) is None:
            return False
        if (where := step.kwargs.get("where", True)) is not True:
            if ufunc not in (np.add, np.multiply) or not isinstance(where, Value) or where.dtype != np.bool_:
                return False
            if np.broadcast_shapes(where.shape, x.shape) != x.shape:
                return False
            chosen = self.new(x.shape, x.dtype)
            self.add("each", chosen, [where, x, int(ufunc is np.multiply)], np.where)
            x = chosen
        self.add("reduce", step.out, [self.real(x)], ufunc, (axes, initial))
        return True

    def product(self, step: Step) -> bool:
        """Take a product of matrices, of the result's dtype."""
        a, b = step.args if len(step.args) == 2 and not step.kwargs else (None, None)
        if not isinstance(a, Value) or not isinstance(b, Value) or not a.ndim or not b.ndim:
            return False
        if step.function is np.dot and max(a.ndim, b.ndim) > 2:
            return False
        dtype = step.out.dtype
        loop = loop_of(np.matmul, (dtype, dtype, dtype))
        if loop is None and dtype.kind != "f":
            return False
        args = []
        for x in (a, b):
            if x.dtype != dtype:
                new = self.new(x.shape, dtype)
                self.add("each", new, [x])
                x = new
            args.append(self.real(x))
        self.add("dot", step.out, args, np.matmul, loop)
        return True

    def outer(self, step: Step) -> bool:
        """Write a column times a row."""
        if len(step.args) != 2 or step.kwargs or not all(isinstance(a, Value) and a.ndim == 1 for a in step.args):
            return False
        args = []
        for a, index in zip(step.args, ((slice(None), None), (None, slice(None))), strict=True):
            seen = self.seen[self.real(a)][index]
            turned = Value(seen.shape, a.dtype)
            self.seen[turned], self.origin[turned] = seen, self.origin[a]
            args.append(turned)
        return self.ufunc(dataclasses.replace(step, function=np.multiply, args=tuple(args)))

    def index(self, x_shape: tuple[int, ...], index: tuple[Any, ...]) -> list[Value] | None:
        """Return the arrays of an index that consists of whole numbers for the first axes, cast and broadcast alike."""
        if not index or len(index) > len(x_shape):
            return None
        shapes, found = [], []
        for i in index:
            if isinstance(i, (list, np.ndarray)) or (isinstance(i, (int, np.integer)) and type(i) is not bool):
                if any(True for _ in values_in(i)):
                    return None
                i = self.baked(np.asarray(i))
            if not isinstance(i, Value) or i.dtype.kind not in "iu":
                return None
            shapes.append(i.shape)
            found.append(i)
        shape = np.broadcast_shapes(*shapes)
        result = []
        for i in found:
            i = self.real(i)
            if i.dtype != np.int64:
                new = self.new(i.shape, np.int64)
                self.add("each", new, [i])
                i = new
            if i.shape != shape:
                wide = Value(shape, np.int64)
                self.seen[wide] = np.broadcast_to(self.seen[i], shape)
                self.origin[wide] = self.origin[i]
                i = wide
            result.append(i)
        return result

    def gathered(self, step: Step) -> bool:
        """Take entries by numbers."""
        x, index = step.args
        if not isinstance(x, Value) or not isinstance(index, tuple):
            return False
        index = without_ends(index)
        numbers = self.index(x.shape, index)
        if numbers is None or step.out.shape != numbers[0].shape + x.shape[len(index) :]:
            return False
        self.add("take", step.out, [self.real(x), *numbers])
        return True

    def scattered(self, step: Step) -> bool:
        """Take zeros with something added at an index."""
        g, *index = step.args
        if not isinstance(g, Value):
            return False
        if is_basic(tuple(index)):
            self.own(step.out)
            self.add("fill", step.out, [])
            return self.written(step.out, g, tuple(index))
        index = list(without_ends(tuple(index)))
        numbers = self.index(step.out.shape, tuple(index))
        if numbers is None or g.shape != numbers[0].shape + step.out.shape[len(index) :] or g.dtype != step.out.dtype:
            return False
        self.own(step.out)
        self.add("fill", step.out, [])
        self.add("put", step.out, [self.real(g), *numbers])
        return True

    def assigned(self, step: Step) -> bool:
        """Take a copy with something else at an index."""
        x, v, *index = step.args
        if not isinstance(x, Value) or not (isinstance(v, Value) or type(v) in NUMBERS) or not is_basic(tuple(index)):
            return False
        if isinstance(v, Value) and v.dtype != x.dtype:
            return False
        if not isinstance(v, Value) and as_literal(v, self.kind(x)) is None:
            return False
        self.own(step.out)
        self.add("each", step.out, [x])
        return self.written(step.out, v, tuple(index))

    def written(self, whole: Value, v: Any, index: tuple[Any, ...]) -> bool:
        """Copy something into a part of an array."""
        seen = self.seen[whole][(*index, *(() if Ellipsis in index else (...,)))]
        part = Value(seen.shape, seen.dtype)
        self.seen[part], self.origin[part] = seen, whole
        if isinstance(v, Value) and len(v.shape) > len(seen.shape):
            return False
        self.add("each", part, [v])
        self.ops[-1].extra = "part"
        return True

    def joined(self, step: Step) -> bool:
        """Take arrays joined along an axis: each is copied to its place."""
        parts = step.args[0] if len(step.args) == 1 and not step.kwargs.keys() - {"axis"} else None
        axis = step.kwargs.get("axis", 0)
        if type(axis) is not int or not isinstance(parts, (list, tuple)):
            return False
        if not all(isinstance(p, Value) for p in parts):
            return False
        stacked = step.function is np.stack
        self.own(step.out)
        self.add("join", step.out, [])
        start = 0
        for part in parts:
            length = 1 if stacked else part.shape[axis]
            index: list[Any] = [slice(None)] * step.out.ndim
            index[axis] = start if stacked else slice(start, start + length)
            start += length
            if part.size:
                self.written(step.out, part, tuple(index))
                self.ops[-1].extra = "joined"
        return True
