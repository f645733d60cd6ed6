"""unrolled: a program number by number, for listings that compute with single numbers.

Each element of each array is a cell of its own. What only moves elements (a transpose, an index, a join) costs nothing
here: NumPy's function is called once, on the cells' numbers, and says where each of them goes. What is not known by the
number stays one call on arrays, made of cells and taken apart again.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from .program import Program, Step, Value, filled, values_in
from .rules.assign import assign
from .rules.index import scatter

__all__ = ["CALL", "CAST", "INPUT", "ITEM", "NUMBER", "WHERE", "Cells", "stepwise"]

Ids = Any  # an array of cells' numbers

# What makes a cell, where it is no ufunc. Its detail:
INPUT = "input"  # (value, which element): an input, or a constant that is read at each call
NUMBER = "number"  # the number, a NumPy scalar
CALL = "call"  # the step; the cell stands for the call itself
ITEM = "item"  # (which output, which element) of the call
CAST = "cast"
WHERE = "where"

LARGE = 20_000  # a step of more operations on single numbers stays a call on arrays

# Functions whose results are elements of their first argument, or of the arrays in that, somewhere else.
MOVES = {
    np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.matrix_transpose, np.reshape, np.ravel, np.expand_dims,
    np.squeeze, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_to, np.flip, np.roll, np.rot90, np.repeat,
    np.tile, np.diagonal, np.copy, np.concatenate, np.stack, np.take, np.resize, operator.getitem,
}  # fmt: skip
FOLDED = {
    np.sum: np.add, np.max: np.maximum, np.min: np.minimum, np.amax: np.maximum, np.amin: np.minimum,
    np.any: np.logical_or, np.all: np.logical_and, np.prod: np.multiply,
}  # fmt: skip
FILLED = {np.zeros_like: 0, np.ones_like: 1}
NEVER_MINUS_0 = {np.exp, np.exp2, np.absolute, np.fabs, np.cosh}  # their result is never -0.0

LOOKS_AT_THE_SIGN = {
    np.reciprocal, np.power, np.float_power, np.arctan2, np.copysign, np.signbit, np.nextafter,
    np.floor_divide, np.spacing, CALL,
}  # fmt: skip
FORGETS_THE_SIGN = NEVER_MINUS_0 | {
    np.cos, np.log, np.log2, np.log10, np.isfinite, np.isnan, np.isinf, np.less, np.less_equal, np.greater,
    np.greater_equal, np.equal, np.not_equal,
}  # fmt: skip


class Unknown(Exception):
    """A step that is not done number by number."""


class Operand(NamedTuple):
    """An argument of a ufunc: cells and their dtype; of a Python number, no cells yet, and its type."""

    ids: Ids
    dtype: Any
    number: Any = None


class Cells:
    """The cells of a program, in an order in which they can be computed.

    Parameters
    ----------
    program : Program
    known : callable
        ``known(function, dtypes of the operands)``: whether a listing can compute this on single numbers.

    Attributes
    ----------
    functions, args, dtypes, details, steps : list
        Of each cell: what makes it, of which cells, its dtype, what belongs to it else, the step that it is part of.
    outputs : list of arrays of cells
        The program's results.
    ids : dict of Value to array of cells
        Where the elements of a value are.
    """

    def __init__(self, program: Program, known: Callable[[Any, tuple[Any, ...]], bool]) -> None:
        self.program, self.known = program, known
        self.functions: list[Any] = []
        self.args: list[tuple[int, ...]] = []
        self.dtypes: list[np.dtype[Any]] = []
        self.details: list[Any] = []
        self.steps: list[Step | None] = []
        self.table: dict[Any, int] = {}
        self.plans: dict[Any, tuple[Any, ...]] = {}
        self.not_minus_0: set[int] = set()
        self.ids: dict[Value, Ids] = {}
        self.step: Step | None = None
        self.state: Any = None
        self.last: tuple[int, ...] = ()  # the call before that must not be overtaken
        self.of: Callable[[Value], Ids] = self.ids.__getitem__
        for value in program.inputs:
            self.ids[value] = self.read(value)
        for value, constant in program.constants.items():
            if constant.inner:
                array = np.asarray(constant.array)
                found = [self.number(x, array.dtype) for x in array.ravel()]
                self.ids[value] = np.array(found, int).reshape(array.shape)
            else:
                self.ids[value] = self.read(value)
        for step in program.steps:
            self.lay(step)
        self.outputs = [self.ids[value] for value in values_in(program.outputs)]
        self.drop_zeros()

    # --- cells

    def cell(self, function: Any, args: tuple[int, ...], dtype: Any, detail: Any = None) -> int:
        """Add a cell."""
        self.functions.append(function)
        self.args.append(args)
        self.dtypes.append(dtype)
        self.details.append(detail)
        self.steps.append(self.step)
        return len(self.functions) - 1

    def read(self, value: Value) -> Ids:
        """Return the cells of what is given."""
        found = [self.cell(INPUT, (), value.dtype, (value, k)) for k in range(value.size)]
        return np.array(found, int).reshape(value.shape)

    def number(self, number: Any, dtype: Any) -> int:
        """Return the cell of a number that is always the same."""
        plain = type(number) is float and number  # not 0.0, which a dictionary takes for -0.0
        if plain and (known := self.table.get((NUMBER, dtype, number))) is not None:
            return known
        with np.errstate(over="ignore"):
            scalar = np.asarray(number, dtype)[()]
        key = NUMBER, dtype, scalar.tobytes()
        if key not in self.table:
            self.table[key] = i = self.cell(NUMBER, (), dtype, scalar)
            if not (scalar == 0 and dtype.kind in "fc" and np.signbit(scalar.real)):
                self.not_minus_0.add(i)
        if plain:
            self.table[NUMBER, dtype, number] = self.table[key]
        return self.table[key]

    def is_number(self, i: int, number: float) -> bool:
        """Return whether a cell always holds this."""
        if self.functions[i] is not NUMBER:
            return False
        detail = self.details[i]
        return bool(detail == number and (number or detail.dtype.kind not in "fc" or i in self.not_minus_0))

    def op(self, function: Any, args: tuple[int, ...], dtype: Any) -> int:
        """Return the cell of an operation on cells, which has the dtypes that the operation needs.

        What is not changed by the operation is not computed; nor is the same twice.
        """
        key = function, args, dtype, self.state
        found = self.table.get(key)
        if found is None:
            found = self.simpler(function, args, dtype)
            if found is None:
                found = self.cell(function, args, dtype)
                if function in NEVER_MINUS_0 or self.is_not_minus_0(function, args, dtype):
                    self.not_minus_0.add(found)
            self.table[key] = found
        return found

    def is_not_minus_0(self, function: Any, args: tuple[int, ...], dtype: Any) -> bool:
        """Return whether -0.0 cannot come out."""
        if function is np.add:
            return args[0] in self.not_minus_0 or args[1] in self.not_minus_0
        if function is np.subtract:
            return args[0] in self.not_minus_0
        if function is np.multiply:
            return args[0] == args[1] and dtype.kind == "f"
        return function is CAST and self.dtypes[args[0]].kind not in "fc"

    def simpler(self, function: Any, args: tuple[int, ...], dtype: Any) -> int | None:
        """Return the cell that holds the same anyway, to the bit."""
        last = args[-1]
        real = dtype.kind == "f"
        if function is np.add:
            for one, other in (args, args[::-1]):
                if self.is_number(other, 0) and (one in self.not_minus_0 or dtype.kind in "iu"):
                    return one
        elif function is np.subtract:
            if self.is_number(last, 0):
                return args[0]
        elif function is np.multiply:
            for one, other in (args, args[::-1]):
                if real and self.is_number(other, 1):
                    return one
        elif function is np.true_divide:
            if real and self.is_number(last, 1):
                return args[0]
        elif function is np.square:
            if real:
                return self.op(np.multiply, (args[0], args[0]), dtype)
        elif function is np.reciprocal:
            if real:
                return self.op(np.true_divide, (self.number(1, dtype), args[0]), dtype)
        elif function is np.power:
            if real and self.is_number(last, 2):
                return self.op(np.multiply, (args[0], args[0]), dtype)
            if real and self.is_number(last, 1):
                return args[0]
            if real and self.is_number(last, -1):
                return self.op(np.true_divide, (self.number(1, dtype), args[0]), dtype)
        elif function is WHERE:
            if self.functions[args[0]] is NUMBER:
                return args[1] if self.details[args[0]] else args[2]
            if args[1] == last:
                return last
        if all(self.functions[i] is NUMBER for i in args):
            return self.computed(function, args, dtype)
        return None

    def computed(self, function: Any, args: tuple[int, ...], dtype: Any) -> int | None:
        """Return the cell of what is computed from numbers; None where NumPy would warn, as it shall at each call."""
        numbers = [self.details[i] for i in args]
        if function is CAST:
            return self.number(numbers[0].astype(dtype), dtype)
        try:
            with np.errstate(all="raise"):
                return self.number(function(*numbers), dtype)
        except FloatingPointError:
            return None

    def cast(self, ids: Ids, source: Any, dtype: Any) -> Ids:
        """Return cells of another dtype."""
        if source == dtype:
            return ids
        if source.kind == "c" and dtype.kind != "c":  # NumPy warns
            raise Unknown
        if not self.known(CAST, (source, dtype)):
            raise Unknown
        found = [self.op(CAST, (i,), dtype) for i in ids.ravel().tolist()]
        return np.array(found, int).reshape(ids.shape)

    # --- steps

    def lay(self, step: Step) -> None:
        """Add the cells of a step."""
        self.step = step
        self.state = tuple(sorted(step.errstate.items())) if step.errstate else None
        if step.pure and not step.several and step.outs:
            single = self.single(step) if isinstance(step.function, np.ufunc) else None
            if single is not None:
                self.ids[step.out] = np.array(single)
                return
            try:
                self.ids[step.out] = self.found(step)
                return
            except Unknown:
                pass
        self.call(step)

    def single(self, step: Step) -> int | None:
        """Return the cell of a ufunc of single numbers in no need of a cast; graphs of scalars have nothing else."""
        function, out = step.function, step.out
        kinds = tuple([a.dtype if isinstance(a, Value) and not a.shape else type(a) for a in step.args])
        dtypes = self.plans.get((function, kinds))
        if dtypes is None:
            dtypes = self.plans[function, kinds] = self.plan(function, kinds)
        if not dtypes or step.kwargs or dtypes[-1] != out.dtype:
            return None
        args = []
        for a, dtype in zip(step.args, dtypes, strict=False):
            if isinstance(a, Value):
                args.append(int(self.ids[a]))
            else:
                try:
                    args.append(self.number(a, dtype))
                except OverflowError:
                    return None
        return self.op(function, tuple(args), out.dtype)

    def plan(self, function: Any, kinds: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the dtypes that a ufunc computes in if they are those of its operands, and floats; else nothing."""
        if function.nout != 1 or len(kinds) != function.nin or function.signature is not None:
            return ()
        if not all(isinstance(kind, np.dtype) or kind is float or kind is int for kind in kinds):
            return ()
        try:
            dtypes = _loop(function, kinds)
        except Unknown:
            return ()
        for kind, dtype in zip(kinds, dtypes, strict=False):
            if (kind != dtype) if isinstance(kind, np.dtype) else dtype.kind != "f":
                return ()
        return dtypes if self.known(function, dtypes[:-1]) else ()

    def call(self, step: Step) -> None:
        """Add one call on arrays."""
        operands = [i for value in dict.fromkeys(step.operands()) for i in self.ids[value].ravel().tolist()]
        call = self.cell(CALL, (*operands, *(() if step.pure else self.last)), None, step)
        if not step.pure:
            self.last = (call,)
        for j, out in enumerate(step.outs):
            found = [self.cell(ITEM, (call,), out.dtype, (j, k)) for k in range(out.size)]
            self.ids[out] = np.array(found, int).reshape(out.shape)

    def found(self, step: Step) -> Ids:
        """Return the cells of a step's value."""
        function, args, kwargs = step.function, step.args, step.kwargs
        if isinstance(function, np.ufunc) and function.signature is None:
            if kwargs or function.nout != 1 or len(args) != function.nin:
                raise Unknown
            return self.elementwise(function, [self.operand(a) for a in args], step.out)
        if function is np.where and len(args) == 3 and not kwargs:
            return self.elementwise(WHERE, [self.operand(a) for a in args], step.out)
        if function in MOVES:
            return self.moved(step)
        if function is scatter:
            return self.scattered(step)
        if function is assign:
            return self.assigned(step)
        if function in FOLDED:
            return self.folded(step)
        if function in (np.matmul, np.dot) and len(args) == 2 and not kwargs:
            return self.product(step)
        if function is np.astype and isinstance(args[0], Value):
            return self.cast(self.ids[args[0]], args[0].dtype, step.out.dtype)
        if function in FILLED:
            return np.full(step.out.shape, self.number(FILLED[function], step.out.dtype))
        raise Unknown

    def operand(self, arg: Any) -> Operand:
        """Return the cells of an argument."""
        if isinstance(arg, Value):
            return Operand(self.ids[arg], arg.dtype)
        if type(arg) in (int, float, complex):
            return Operand(None, type(arg), arg)
        if isinstance(arg, (bool, np.generic)):
            dtype = np.asarray(arg).dtype
            return Operand(np.array(self.number(arg, dtype)), dtype)
        raise Unknown

    def elementwise(self, function: Any, operands: list[Operand], out: Value) -> Ids:
        """Return the cells of a ufunc's result."""
        if function is WHERE:
            dtypes: tuple[Any, ...] = (np.dtype(bool), out.dtype, out.dtype)
        else:
            *dtypes_list, dtype = _loop(function, tuple(operand.dtype for operand in operands))
            dtypes = tuple(dtypes_list)
            if dtype != out.dtype:
                raise Unknown
        if not self.known(function, dtypes) or out.size > LARGE:
            raise Unknown
        arrays = []
        for operand, dtype in zip(operands, dtypes, strict=True):
            if operand.ids is None:
                try:
                    arrays.append(np.array(self.number(operand.number, dtype)))
                except (OverflowError, ValueError):  # an integer that does not fit: NumPy's own way
                    raise Unknown from None
            else:
                arrays.append(self.cast(operand.ids, operand.dtype, dtype))
        if not out.shape:
            return np.array(self.op(function, tuple(map(int, arrays)), out.dtype))
        full = [np.broadcast_to(array, out.shape).ravel() for array in arrays]
        if function is np.add and out.dtype.kind == "f":
            return self.added(full[0], full[1], out)
        found = [self.op(function, args, out.dtype) for args in zip(*(a.tolist() for a in full), strict=True)]
        return np.array(found, int).reshape(out.shape)

    def added(self, a: Ids, b: Ids, out: Value) -> Ids:
        """Return sums; where zeros are added, as to most of many scattered cotangents, without a walk."""
        zero = self.number(0, out.dtype)
        found = np.full(out.size, zero)
        both = np.flatnonzero((a != zero) | (b != zero))
        for k, i, j in zip(both.tolist(), a[both].tolist(), b[both].tolist(), strict=True):
            found[k] = self.op(np.add, (i, j), out.dtype)
        return found.reshape(out.shape)

    def static(self, tree: Any) -> Any:
        """Return an index that is always the same."""
        constants = self.program.constants

        def of(value: Value) -> Any:
            if value not in constants or not constants[value].inner:
                raise Unknown
            return constants[value].array

        return filled(tree, of)

    def moved(self, step: Step) -> Ids:
        """Return cells that stand somewhere else."""
        first, *others = step.args
        dtype = step.out.dtype
        if {"out", "dtype", "casting"} & step.kwargs.keys() or step.out.size > LARGE:
            raise Unknown
        if isinstance(first, Value):
            ids: Any = self.cast(self.ids[first], first.dtype, dtype)
        elif isinstance(first, (list, tuple)) and all(isinstance(x, Value) for x in first):
            ids = [self.cast(self.ids[x], x.dtype, dtype) for x in first]
        else:
            raise Unknown
        others, kwargs = self.static(others), self.static(step.kwargs)
        return np.array(step.function(ids, *others, **kwargs))

    def scattered(self, step: Step) -> Ids:
        """Return zeros with cells added at an index."""
        g, *index = step.args
        if not isinstance(g, Value):
            raise Unknown
        shape, dtype = step.out.shape, step.out.dtype
        zero = self.number(0, dtype)
        found = np.full(shape, zero)
        places = np.arange(found.size).reshape(shape)[tuple(self.static(index))]
        flat, cells = found.reshape(-1), np.broadcast_to(self.ids[g], places.shape).ravel()
        places = places.ravel()
        if len(np.unique(places)) == len(places):
            flat[places] = cells
            return found
        if not self.known(np.add, (dtype, dtype)):
            raise Unknown
        for place, i in zip(places.tolist(), cells.tolist(), strict=True):
            flat[place] = self.op(np.add, (int(flat[place]), i), dtype)
        return found

    def assigned(self, step: Step) -> Ids:
        """Return cells of which some are replaced."""
        x, v, *index = step.args
        if not isinstance(x, Value):
            raise Unknown
        operand = self.operand(v)
        if operand.ids is None:
            try:
                ids = np.array(self.number(v, x.dtype))
            except (OverflowError, ValueError, TypeError):
                raise Unknown from None
        elif operand.dtype.kind in "fc" and x.dtype.kind not in "fc":
            raise Unknown
        else:
            ids = self.cast(operand.ids, operand.dtype, x.dtype)
        found = np.array(self.ids[x], order="C")
        found[tuple(self.static(index))] = ids
        return found

    def folded(self, step: Step) -> Ids:
        """Return the cells of a sum, a maximum: from the first to the last, or in pairs, as NumPy does."""
        x, *others = step.args
        keywords = dict(zip(("axis",), others, strict=False)) | step.kwargs
        if not isinstance(x, Value) or len(others) > 1 or keywords.keys() - {"axis", "keepdims"}:
            raise Unknown
        function, dtype = FOLDED[step.function], step.out.dtype
        given = dtype if function in (np.add, np.multiply, np.maximum, np.minimum) else np.dtype(bool)
        if not self.known(function, (given, given)) or x.size > LARGE or dtype.kind == "c":
            raise Unknown
        ids = self.cast(self.ids[x], x.dtype, given)
        axis = keywords.get("axis")
        axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = tuple(sorted(a % x.ndim for a in axes)) if x.ndim else ()
        rest = [n for a, n in enumerate(x.shape) if a not in axes]
        moved = np.moveaxis(ids, axes, range(x.ndim - len(axes), x.ndim))
        rows = moved.reshape(math.prod(rest), math.prod(x.shape[a] for a in axes))
        if rows.shape[1] == 0 and function is not np.add:
            raise Unknown
        in_pairs = function is np.add and x.ndim - 1 in axes
        found = []
        for row in rows.tolist():
            total = self.total(row, dtype) if in_pairs else self.chain(function, row, dtype)
            found.append(self.op(np.add, (total, self.number(0, dtype)), dtype) if function is np.add else total)
        return np.array(found, int).reshape(step.out.shape)

    def chain(self, function: Any, cells: list[int], dtype: Any) -> int:
        """Return the cell of what is folded from the first to the last."""
        if not cells:
            return self.number(0, dtype)
        return functools.reduce(lambda i, j: self.op(function, (i, j), dtype), cells)

    def total(self, cells: list[int], dtype: Any) -> int:
        """Return the cell of a sum in NumPy's order along memory: eight partial sums, halves of what is long."""
        n = len(cells)
        if n < 8:
            return self.chain(np.add, cells, dtype)
        if n > 128:
            half = n // 2 - n // 2 % 8
            return self.op(np.add, (self.total(cells[:half], dtype), self.total(cells[half:], dtype)), dtype)
        even = n - n % 8
        sums = [self.chain(np.add, cells[k:even:8], dtype) for k in range(8)]
        while len(sums) > 1:
            sums = [self.op(np.add, pair, dtype) for pair in zip(sums[::2], sums[1::2], strict=True)]
        return self.chain(np.add, [sums[0], *cells[even:]], dtype)

    def product(self, step: Step) -> Ids:
        """Return the cells of a product of matrices."""
        a, b = (self.operand(arg) for arg in step.args)
        dtype = step.out.dtype
        if a.ids is None or b.ids is None or not a.ids.ndim or not b.ids.ndim or dtype.kind not in "f":
            raise Unknown
        if step.function is np.dot and b.ids.ndim > 2:
            raise Unknown
        if step.out.size * a.ids.shape[-1] > LARGE or not self.known(np.multiply, (dtype, dtype)):
            raise Unknown
        rows, columns = self.cast(a.ids, a.dtype, dtype), self.cast(b.ids, b.dtype, dtype)
        rows = rows[None, :] if rows.ndim == 1 else rows
        columns = columns[:, None] if columns.ndim == 1 else columns
        batch = np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2])
        many = math.prod(batch)
        rows = np.broadcast_to(rows, batch + rows.shape[-2:]).reshape(many, *rows.shape[-2:])
        columns = np.broadcast_to(columns, batch + columns.shape[-2:]).swapaxes(-1, -2)
        columns = columns.reshape(many, *columns.shape[-2:])
        found = [
            self.chain(np.add, [self.op(np.multiply, pair, dtype) for pair in zip(row, column, strict=True)], dtype)
            for m, n in zip(rows.tolist(), columns.tolist(), strict=True)
            for row in m
            for column in n
        ]
        return np.array(found, int).reshape(step.out.shape)

    def drop_zeros(self) -> None:
        """Read ``x`` instead of ``x + 0``, which only makes 0.0 of -0.0, unless something looks at the sign of a zero.

        NumPy's sums and scattered cotangents are full of that. In a result a zero may so have the other sign.
        """
        looked_at: set[int] = set()
        for i in range(len(self.functions) - 1, -1, -1):
            function, args = self.functions[i], self.args[i]
            if function is np.true_divide:
                looked_at.update(args if i in looked_at else args[1:])
            elif function in LOOKS_AT_THE_SIGN:
                looked_at.update(args)
            elif i in looked_at and function not in FORGETS_THE_SIGN:
                looked_at.update(args)
        instead = list(range(len(self.functions)))
        for i, function in enumerate(self.functions):
            args = self.args[i]
            if args:
                self.args[i] = args = tuple([instead[j] for j in args])
            if function is np.add and i not in looked_at and self.dtypes[i].kind == "f":
                for one, other in (args, args[::-1]):
                    if self.is_number(other, 0):
                        instead[i] = one
        table = np.array(instead, int)
        self.outputs = [table[ids] for ids in self.outputs]
        self.ids.update({value: table[ids] for value, ids in self.ids.items()})

    # --- what a listing asks

    def uses(self) -> list[int]:
        """Return how often each cell is read; 0 where no result depends on it."""
        count = [0] * len(self.functions)
        for ids in self.outputs:
            for i in ids.ravel().tolist():
                count[i] += 1
        for i in range(len(count) - 1, -1, -1):
            if self.functions[i] is CALL and not self.details[i].pure:
                count[i] += 1
            if count[i]:
                for j in self.args[i]:
                    count[j] += 1
        return count


@functools.lru_cache(1024)
def _loop(function: np.ufunc, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the dtypes that a ufunc computes in."""
    try:
        return function.resolve_dtypes((*given, None))
    except TypeError:
        raise Unknown from None


# --- without a listing


def stepwise(
    program: Program,
    arrays: Iterable[Any],
    fixed: dict[Value, Any],
    into: dict[int, Value],
    known: dict[Step, Any] | None = None,
) -> tuple[Any, ...]:
    """Run a program step by step, where a listing cannot: a number is not finite, or another thread is in it.

    Parameters
    ----------
    program, fixed, into
        As the listing was made of.
    arrays : iterable of arrays
        For the inputs that are not fixed.
    known : dict of Step to result
        What was drawn already, and shall not be drawn again.

    Returns
    -------
    tuple of arrays
        As the listing returns them.
    """
    given = iter(arrays)
    held = {value: fixed[value] if value in fixed else next(given) for value in program.inputs}
    held |= {value: constant.read() for value, constant in program.constants.items()}
    for step in program.steps:
        if known and step in known:
            result = known[step]
        else:
            try:
                with np.errstate(**(step.errstate or {})):
                    result = step.call(held.__getitem__)
            except Exception as error:
                if step.place is not None:
                    error.add_note(f"This happened in the compiled program of {program.name}, for {step.place}")
                raise
        if step.several:
            held.update(zip(step.outs, result, strict=True))
        elif step.outs:
            held[step.out] = result
    results = [held[value] for value in values_in(program.outputs)]
    results = [np.array(r) if isinstance(r, np.ndarray) else r for r in results]
    for k, value in into.items():
        fixed[value][...] = results[k]
    return tuple(r for k, r in enumerate(results) if k not in into)
