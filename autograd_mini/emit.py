"""emit: which of the listings of a program is the fastest in NumPy and Python alone, by an estimate."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable

import numpy as np

from . import emit_floats, emit_levels, emit_numpy
from .program import Listing, Program, Value, values_in
from .rules.index import scatter
from .unrolled import CALL, INPUT, NUMBER, Cells

__all__ = ["choose"]

# Microseconds, on a processor of 2025; only their ratios matter.
CALL_OF_NUMPY = 0.5  # one call on a small array
ELEMENT = 0.001  # each further element
OPERATION = 0.012  # one operation on Python's numbers
NUMBER_READ = 0.015  # a number taken out of an array, or put into one
LEVEL = 2.0  # one call of emit_levels: it gathers two operands
GATHERED = 0.004  # each operation in that
SLOW_CALL = 6.0  # a call on arrays that are made of numbers, and taken apart

MOST_FLOATS = 40_000  # operations: Python takes a second to compile as many lines
MANY = 500  # steps: levels are for programs that are not short
SINGLE = 0.8  # and of which at least so many make a single number

FREE = {
    np.transpose, np.swapaxes, np.moveaxis, np.reshape, np.expand_dims, np.squeeze, np.ravel, np.broadcast_to,
    np.diagonal, operator.getitem,
}  # fmt: skip


def choose(program: Program) -> Callable[..., Listing]:
    """Return the `emit` function that suits a program: on floats, level by level, or on arrays.

    Each is given a time: for arrays, 0.5 microseconds a call and 1 nanosecond an element; for floats, 12 nanoseconds an
    operation, of which a product of n x n matrices has 2 n^3; for levels, 2 microseconds a level and function, and 4
    nanoseconds an operation.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_mini.tracing import trace
    >>> from autograd_mini.emit import choose
    >>> choose(trace(lambda x: np.tanh(x @ x))(np.ones(3))).__module__
    'autograd_mini.emit_floats'
    >>> choose(trace(lambda x: np.tanh(x @ x))(np.ones((50, 50)))).__module__
    'autograd_mini.emit_numpy'
    """
    best, emit = arrays_take(program), emit_numpy.emit
    count = operations(program)
    if count * OPERATION < 2 * best and count <= MOST_FLOATS:
        cells = Cells(program, emit_floats.known)
        time = floats_take(program, cells)
        if time < best:
            best, emit = time, _with(emit_floats.emit, cells)
    single = sum(not out.size > 1 for step in program.steps for out in step.outs)
    if len(program.steps) >= MANY and LEVEL * depth(program) < best and single >= SINGLE * len(program.steps):
        cells = Cells(program, emit_levels.known)
        time = levels_take(program, cells)
        if time < best:
            best, emit = time, _with(emit_levels.emit, cells)
    return emit


def _with(emit: Callable[..., Listing], cells: Cells) -> Callable[..., Listing]:
    """Return an `emit` that does not unroll the program once more."""
    return functools.update_wrapper(functools.partial(emit, cells=cells), emit)


def operations(program: Program) -> int:
    """Return about how many operations on single numbers a program has."""
    total = 0
    for step in program.steps:
        if step.function in (np.matmul, np.dot):
            first = next(step.operands(), None)
            total += 2 * step.out.size * (first.shape[-1] if first is not None and first.ndim else 1)
        elif step.function not in FREE and step.function is not scatter:
            total += max(sum(value.size for value in (*step.outs, *step.operands())) // 2, 1)
    return total


def depth(program: Program) -> int:
    """Return how many levels there are at least: operations one after the other, additions not counted."""
    found: dict[Value, int] = {}
    deepest = 0
    for step in program.steps:
        level = max([found.get(value, 0) for value in step.operands()], default=0)
        level += step.function not in FREE and step.function is not np.add
        deepest = max(deepest, level)
        found.update(dict.fromkeys(step.outs, level))
    return deepest


def arrays_take(program: Program) -> float:
    """Return the microseconds of a listing on arrays."""
    steps = [step for step in program.steps if step.function not in FREE]
    return CALL_OF_NUMPY * len(steps) + ELEMENT * sum(out.size for step in steps for out in step.outs)


def floats_take(program: Program, cells: Cells) -> float:
    """Return the microseconds of a listing on floats."""
    uses = cells.uses()
    time = sum(out.size for out in values_in(program.outputs)) * 2 * NUMBER_READ
    for i, function in enumerate(cells.functions):
        if uses[i] and function is CALL:
            time += SLOW_CALL if cells.details[i].outs else OPERATION * len(cells.args[i])
        elif uses[i] and function is INPUT:
            time += NUMBER_READ
        elif uses[i] and function is not NUMBER:
            time += OPERATION
    return time


def levels_take(program: Program, cells: Cells) -> float:
    """Return the microseconds of a listing by levels."""
    found = emit_levels.groups(program, cells)
    calls = sum(CALL_OF_NUMPY + SLOW_CALL for group in found if group.function is CALL)
    return calls + LEVEL * len(found) + GATHERED * sum(map(len, found.values()))
