"""Passes that make a program short: nothing twice, nothing dead, nothing that does nothing.

Each rewrite is exact: the same floating-point numbers come out (a product of matrices that is transposed may be summed
in another order by the library). They are few and small; a program goes through them until none applies.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .program import Constant, Program, Step, Value, filled, values_in
from .rules.assign import assign
from .rules.index import scatter

__all__ = ["simplified", "uniform"]

RESHAPES: tuple[Callable[..., Any], ...] = (np.reshape, np.expand_dims, np.squeeze, np.ravel)
NUMBERS = (bool, int, float, complex)
FEW = 12  # a constant of so many numbers is written out
OWN = (assign, scatter)


def simplified(program: Program) -> Program:
    """Return the program made short; the one given is left as it is."""
    changed = True
    while changed:
        line = _Pass(_alive(program))
        program, changed = line.run(), line.changed
    return program


def _alive(program: Program) -> Program:
    """Drop the steps that nothing depends on, and the constants that nobody reads."""
    needed = set(values_in(program.outputs))
    steps = []
    for step in reversed(program.steps):
        if not step.pure or needed.intersection(step.outs):
            steps.append(step)
            needed.update(step.operands())
    constants = {value: constant for value, constant in program.constants.items() if value in needed}
    return replace(program, steps=steps[::-1], constants=constants)


class _Pass:
    """One walk along the line, in which each step is rewritten in the light of those before it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instead: dict[Value, Any] = {}  # a value -> what stands for it now
        self.made: dict[Value, Step] = {}
        self.known: dict[Any, Step] = {}
        self.uses = program.uses()
        self.steps: list[Step] = []
        self.constants = dict(program.constants)
        self.changed = False

    def run(self) -> Program:
        for step in self.program.steps:
            if self.instead and not self.instead.keys().isdisjoint(step.operands()):
                kwargs = {name: self.now(value) for name, value in step.kwargs.items()}
                step = replace(step, args=self.now(step.args), kwargs=kwargs)
            self.take(step)
        return replace(self.program, steps=self.steps, outputs=self.now(self.program.outputs), constants=self.constants)

    def now(self, tree: Any) -> Any:
        return filled(tree, lambda value: self.instead.get(value, value))

    def take(self, step: Step) -> None:
        """Rewrite a step for as long as that is possible, and add it; or let something else stand for its value."""
        result: Any = step
        while result is not None:
            step = result
            if not step.pure or step.several or not step.outs:
                break
            if self.folded(step):
                self.changed = True
                return
            result = self.rewritten(step)
            self.changed |= result is not None
            if result is not None and not isinstance(result, Step):
                self.alias(step.out, result)
                return
        key = self.key(step) if step.pure else None
        if key is not None and (before := self.known.get(key)) is not None:
            for new, old in zip(step.outs, before.outs, strict=True):
                self.alias(new, old)
            return
        if key is not None:
            self.known[key] = step
        self.steps.append(step)
        for out in step.outs:
            self.made[out] = step

    def folded(self, step: Step) -> bool:
        """What is computed of constants that nobody can change is a constant; if it is one number, or a few."""
        operands = list(step.operands())
        if not all(v in self.constants and self.constants[v].inner for v in operands) or step.errstate is not None:
            return False
        module = getattr(step.function, "__module__", None) or "numpy"
        if module.partition(".")[0] not in ("numpy", "_operator") and step.function not in OWN:
            return False
        try:
            with np.errstate(all="raise"):
                array = np.asarray(step.call(lambda v: self.constants[v].array))
        except Exception:  # the program says it when it runs
            return False
        out = step.out
        if array.shape != out.shape or array.dtype != out.dtype or (array.size > FEW and uniform(array) is None):
            return False
        self.constants[out] = Constant(array, inner=True)
        return True

    def alias(self, value: Value, other: Any) -> None:
        self.instead[value], self.changed = other, True
        if isinstance(other, Value):
            other.name = other.name or value.name
            if value.primal is not other:
                other.primal = other.primal or value.primal
            self.uses[other] = self.uses.get(other, 0) + self.uses.get(value, 0) - 1

    def key(self, step: Step) -> Any:
        """Return what two steps have in common that make the same."""
        try:
            key = step.function, _frozen(step.args), _frozen(step.kwargs), _frozen(step.errstate)
            hash(key)
            return key
        except TypeError:
            return None

    def maker(self, value: Any, *functions: Callable[..., Any]) -> Step | None:
        """Return the step that makes a value, if it is a call of one of these functions."""
        step = self.made.get(value) if isinstance(value, Value) else None
        return step if step is not None and step.function in functions else None

    def minus(self, value: Any) -> Step | None:
        """Return the step that makes ``-a``; not of whole numbers, which may wrap, each at its own width."""
        step = self.maker(value, np.negative)
        return step if step is not None and step.out.dtype.kind in "fc" else None

    def once(self, value: Value) -> bool:
        """Return whether a value is read once only."""
        return self.uses.get(value, 0) <= 1

    def new(self, like: Step, function: Any, args: tuple[Any, ...], shape: tuple[int, ...], dtype: Any) -> Value:
        """Add a step, and return its value."""
        out = Value(shape, dtype)
        self.take(replace(like, function=function, args=args, kwargs={}, outs=(out,)))
        self.uses.setdefault(out, 1)
        return self.instead.get(out, out)  # type: ignore[no-any-return]

    def number(self, arg: Any) -> Any:
        """Return the number that an argument is, or the one that stands everywhere in it; else None."""
        if type(arg) in NUMBERS:
            return arg
        if isinstance(arg, np.generic):
            return uniform(np.asarray(arg))
        constant = self.constants.get(arg) if isinstance(arg, Value) else None
        return uniform(constant.array) if constant is not None and constant.inner else None

    def rewritten(self, step: Step) -> Any:
        """Return what can stand for a step: another one, a value, a number; None if it stays."""
        function = step.function
        if isinstance(function, np.ufunc) and function.signature is None and function.nin == len(step.args):
            found = self.scalars(step) or self.unstretched(step)
            if found is not None or function not in ARITHMETIC:
                return found
            return ARITHMETIC[function](self, step)
        return SHAPES[function](self, step) if function in SHAPES else None

    def scalars(self, step: Step) -> Any:
        """A constant that is one number everywhere is written as that number."""
        for i, arg in enumerate(step.args):
            if not isinstance(arg, (Value, np.generic)) or (number := self.number(arg)) is None:
                continue
            others = [a for j, a in enumerate(step.args) if j != i]
            arrays = [a for a in others if isinstance(a, Value)]
            if arrays and np.broadcast_shapes(*[a.shape for a in arrays]) == step.out.shape:
                weak = [number if j == i else a for j, a in enumerate(step.args)]
                if _dtype(step.function, weak) == step.out.dtype:
                    return replace(step, args=tuple(weak))
        return None

    def unstretched(self, step: Step) -> Any:
        """What is broadcast by the function anyway is not broadcast before, nor given axes in front."""
        for i, arg in enumerate(step.args):
            if (inner := self.maker(arg, np.broadcast_to, np.reshape, np.expand_dims)) is not None:
                if inner.function is not np.broadcast_to and not _in_front(inner):
                    continue
                args = tuple(inner.args[0] if j == i else a for j, a in enumerate(step.args))
                shapes = [a.shape for a in args if isinstance(a, Value)]
                if isinstance(inner.args[0], Value) and np.broadcast_shapes(*shapes) == step.out.shape:
                    return replace(step, args=args)
        return None


def _in_front(step: Step) -> bool:
    """Return whether a reshaping only puts axes of length 1 in front."""
    old = getattr(step.args[0], "shape", None)
    return old is not None and step.out.shape == (1,) * (step.out.ndim - len(old)) + old


def uniform(array: Any) -> Any:
    """Return the number that stands at every place of an array, as Python's; None if there is no such number."""
    if array.dtype.kind not in "fiub" or not array.size:
        return None
    if array.size > 1 and not (array.strides and not any(array.strides)) and not (array == array.flat[0]).all():
        return None
    number = array.flat[0].item()
    if number != number or (number == 0 and array.dtype.kind == "f" and np.ptp(np.signbit(array).astype(int))):
        return None
    return number


def _dtype(function: Any, args: list[Any]) -> Any:
    """Return the dtype of a ufunc's result."""
    kinds = tuple(
        type(a) if type(a) in (int, float, complex) else np.bool_ if type(a) is bool else a.dtype for a in args
    )
    try:
        return function.resolve_dtypes((*kinds, *[None] * function.nout))[-1]
    except TypeError:
        return None


def _frozen(tree: Any) -> Any:
    if isinstance(tree, (tuple, list)):
        return type(tree).__name__, tuple(map(_frozen, tree))
    if isinstance(tree, dict):
        return tuple(sorted((k, _frozen(v)) for k, v in tree.items()))
    if isinstance(tree, slice):
        return slice, _frozen((tree.start, tree.stop, tree.step))
    if isinstance(tree, float):  # 0.0 and -0.0 are equal, and so are 1 and 1.0
        return float, tree.hex()
    return (type(tree), tree)


# --- arithmetic -----------------------------------------------------------------------------------------------------


def _exact(a: Any, b: Any) -> Any:
    """Return the product of two numbers if multiplying by it is the same as by one after the other; else None."""
    if any(type(n) not in (int, float) or not math.isfinite(n) or n == 0 for n in (a, b)):
        return None
    if abs(math.frexp(a)[0]) != 0.5 and abs(math.frexp(b)[0]) != 0.5:  # neither is a power of two
        return None
    product = a * b
    return product if 1e-30 < abs(product) < 1e30 else None


def _multiply(line: _Pass, step: Step) -> Any:
    """1 a = a;  -1 a = -a;  c (d a) = (c d) a for powers of two;  a[:, None] b = outer(a, b)."""
    if (outer := _outer(line, step)) is not None:
        return outer
    for i in (0, 1):
        number, other = line.number(step.args[i]), step.args[1 - i]
        if number is None or not isinstance(other, Value) or other.shape != step.out.shape:
            continue
        if type(step.args[i]) in NUMBERS or step.args[i].shape != step.out.shape:
            if other.dtype != step.out.dtype:
                continue
            if number == 1 and other.dtype.kind != "c":  # of which (1 + 0j)(inf + 1j) is (inf + nan j)
                return other
            if number == -1 and other.dtype.kind in "f":
                return replace(step, function=np.negative, args=(other,))
            inner = line.maker(other, np.multiply)
            if inner is None or not line.once(other) or type(step.args[i]) not in NUMBERS:
                continue
            for j in (0, 1):
                factor, value = inner.args[j], inner.args[1 - j]
                fits = isinstance(value, Value) and value.shape == step.out.shape and value.dtype == step.out.dtype
                if fits and value.dtype.kind == "f" and (product := _exact(number, factor)) is not None:
                    args = (value, product) if i == 1 else (product, value)
                    return replace(step, args=args)
    return None


def _divide(line: _Pass, step: Step) -> Any:
    """A / 1 = a."""
    a, b = step.args
    if (
        line.number(b) == 1
        and isinstance(a, Value)
        and a.dtype.kind != "c"
        and (a.shape, a.dtype) == (step.out.shape, step.out.dtype)
    ):
        return a
    return None


def _add(line: _Pass, step: Step) -> Any:
    """A + -b = a - b."""
    a, b = step.args
    if (minus := line.minus(b)) is not None:
        return replace(step, function=np.subtract, args=(a, minus.args[0]))
    if (minus := line.minus(a)) is not None:
        return replace(step, function=np.subtract, args=(b, minus.args[0]))
    return None


def _subtract(line: _Pass, step: Step) -> Any:
    """A - -b = a + b."""
    a, b = step.args
    if (minus := line.minus(b)) is not None:
        return replace(step, function=np.add, args=(a, minus.args[0]))
    return None


def _negative(line: _Pass, step: Step) -> Any:
    """- -a = a;  -(c a) = (-c) a."""
    (a,) = step.args
    if (minus := line.maker(a, np.negative)) is not None:
        return minus.args[0]
    scaled = line.maker(a, np.multiply)
    if scaled is not None and line.once(a) and isinstance(a, Value) and a.dtype.kind == "f":
        for i in (0, 1):
            if type(scaled.args[i]) in (int, float) and scaled.args[i] != 0:
                args = tuple(-f if j == i else f for j, f in enumerate(scaled.args))
                return replace(step, function=np.multiply, args=args)
    return None


def _and(line: _Pass, step: Step) -> Any:
    """A & True = a."""
    for i in (0, 1):
        a = step.args[1 - i]
        if line.number(step.args[i]) is True and isinstance(a, Value) and a.dtype == np.bool_:
            return a if a.shape == step.out.shape else None
    return None


def _positive(_line: _Pass, step: Step) -> Any:
    """+ a = a."""
    (a,) = step.args
    return a if isinstance(a, Value) and a.dtype == step.out.dtype else None


ARITHMETIC: dict[Any, Callable[[_Pass, Step], Any]] = {
    np.multiply: _multiply,
    np.true_divide: _divide,
    np.add: _add,
    np.subtract: _subtract,
    np.negative: _negative,
    np.positive: _positive,
    np.bitwise_and: _and,
}


# --- shapes ---------------------------------------------------------------------------------------------------------


def _argument(step: Step, i: int, name: str) -> Any:
    return step.args[i] if len(step.args) > i else step.kwargs.get(name)


def _reshape(line: _Pass, step: Step) -> Any:
    """Of shapes one after the other the last counts; one that is there already is none."""
    if step.kwargs.get("order", "C") not in ("C", None) or not isinstance(step.args[0], Value):
        return None
    origin = step.args[0]
    while (inner := line.maker(origin, *RESHAPES)) is not None and inner.kwargs.get("order", "C") == "C":
        if not isinstance(inner.args[0], Value):
            break
        origin = inner.args[0]
    for start in (origin, step.args[0]):
        if start.shape == step.out.shape:
            return start
    if (total := _summed(line, step)) is not None:
        return total
    if origin is not step.args[0]:
        return replace(step, function=np.reshape, args=(origin, step.out.shape), kwargs={})
    return None


def _summed(line: _Pass, step: Step) -> Any:
    """A sum whose axes are put back keeps them."""
    inner = line.maker(step.args[0], np.sum, np.max, np.min)
    if inner is None or not line.once(step.args[0]) or inner.kwargs.get("keepdims") or len(inner.args) > 1:
        return None
    (a,), axis = inner.args, inner.kwargs.get("axis")
    if not isinstance(a, Value) or a.ndim != step.out.ndim:
        return None
    axes = range(a.ndim) if axis is None else [k % a.ndim for k in (axis if isinstance(axis, tuple) else (axis,))]
    if step.out.shape != tuple(1 if k in axes else n for k, n in enumerate(a.shape)):
        return None
    return replace(step, function=inner.function, args=inner.args, kwargs={**inner.kwargs, "keepdims": True})


def _transpose(line: _Pass, step: Step) -> Any:
    """(a.T).T = a;  (a.T b).T = b.T a."""
    a = step.args[0]
    if not isinstance(a, Value):
        return None
    if step.function is np.swapaxes:
        i, j = (_argument(step, k, f"axis{k}") for k in (1, 2))
        if a.ndim == 2 and i % 2 != j % 2:
            return replace(step, function=np.transpose, args=(a,), kwargs={})
        return a if i % a.ndim == j % a.ndim else None
    axes = _argument(step, 1, "axes")
    if axes is not None:
        order = tuple(k % a.ndim for k in axes)
        if order == tuple(range(a.ndim)):
            return a
        if a.ndim == 2:
            return replace(step, args=(a,), kwargs={})
        inner = line.maker(a, np.transpose)
        before = _argument(inner, 1, "axes") if inner is not None else None
        if inner is not None and before is not None:
            both = tuple(before[k] % a.ndim for k in order)
            return replace(step, args=(inner.args[0],), kwargs={"axes": both})
        return None
    if a.ndim < 2:
        return a
    if (inner := line.maker(a, np.transpose)) is not None and _argument(inner, 1, "axes") is None:
        return inner.args[0]
    product = line.maker(a, np.matmul)
    if product is None or a.ndim != 2 or not line.once(a):
        return None
    p, q = product.args
    if not (isinstance(p, Value) and isinstance(q, Value) and p.ndim == q.ndim == 2):
        return None
    if line.maker(p, np.transpose) is None and line.maker(q, np.transpose) is None:
        return None
    turned = [line.new(product, np.transpose, (x,), x.shape[::-1], x.dtype) for x in (q, p)]
    return replace(step, function=np.matmul, args=tuple(turned), kwargs={})


def _stretch(_line: _Pass, step: Step) -> Any:
    """A broadcast to the same shape is none."""
    a = step.args[0]
    return a if isinstance(a, Value) and a.shape == step.out.shape else None


def _cast(_line: _Pass, step: Step) -> Any:
    """A cast to the same dtype is none; values do not change in a program, so a copy is none either."""
    a = step.args[0]
    return a if isinstance(a, Value) and a.dtype == step.out.dtype else None


def _sum(line: _Pass, step: Step) -> Any:
    """One axis is written as a number; a sum over axes of length 1 is another shape."""
    axis, a = step.kwargs.get("axis"), step.args[0]
    if isinstance(a, Value) and len(step.args) == 1 and set(step.kwargs) <= {"axis", "keepdims"}:
        alike = a.size == step.out.size and a.dtype == step.out.dtype and a.size
        if alike and (step.backward or axis is not None):
            return replace(step, function=np.reshape, args=(a, step.out.shape), kwargs={})
        inner = line.maker(a, *RESHAPES)
        if axis is None and inner is not None and not step.kwargs and inner.kwargs.get("order", "C") == "C":
            return replace(step, args=(inner.args[0],))
    if isinstance(axis, tuple) and len(axis) == 1:
        return replace(step, kwargs={**step.kwargs, "axis": axis[0]})
    if step.kwargs.get("keepdims") is False:
        return replace(step, kwargs={k: v for k, v in step.kwargs.items() if k != "keepdims"})
    return None


def _squeezed(line: _Pass, step: Step) -> Any:
    """(A v[:, None])[:, 0] = A v."""
    product = line.maker(step.args[0], np.matmul)
    if product is not None and line.once(step.args[0]):
        a, v = product.args
        column = line.maker(v, *RESHAPES)
        if isinstance(a, Value) and column is not None and isinstance(column.args[0], Value):
            (x,) = column.args[:1]
            if a.ndim == 2 and x.ndim == 1 and v.shape == (*x.shape, 1) and step.out.shape == a.shape[:1]:
                return replace(step, function=np.matmul, args=(a, x), kwargs={})
    return _reshape(line, step)


def _outer(line: _Pass, step: Step) -> Any:
    """The product of a column and a row is the outer product."""
    for i in (0, 1):
        column, row = step.args[i], step.args[1 - i]
        made = [line.maker(x, *RESHAPES) for x in (column, row)]
        if made[0] is None or not isinstance(made[0].args[0], Value) or not isinstance(row, Value):
            continue
        x = made[0].args[0]
        y = row if row.ndim == 1 else None
        if made[1] is not None and row.ndim == 2 and row.shape[0] == 1:
            y = made[1].args[0]
        if not isinstance(y, Value) or not x.ndim == y.ndim == 1:
            continue
        if column.shape == (x.size, 1) and (x.size > 1 or row.ndim == 1):
            if step.out.shape == (x.size, y.size) and x.dtype == y.dtype:
                return replace(step, function=np.outer, args=(x, y), kwargs={})
    return None


def _joined(_line: _Pass, step: Step) -> Any:
    """One array joined with nothing is itself."""
    arrays = step.args[0]
    if isinstance(arrays, (list, tuple)) and len(arrays) == 1 and isinstance(arrays[0], Value):
        return arrays[0] if (arrays[0].shape, arrays[0].dtype) == (step.out.shape, step.out.dtype) else None
    return None


def _where(line: _Pass, step: Step) -> Any:
    """A constant that is one number everywhere is written as that number."""
    if len(step.args) != 3 or step.kwargs:
        return None
    for i in (1, 2):
        if isinstance(step.args[i], Value) and (number := line.number(step.args[i])) is not None:
            others = [a for j, a in enumerate(step.args) if j != i and isinstance(a, Value)]
            values = [a for a in step.args[1:] if isinstance(a, Value) and a is not step.args[i]]
            if values and np.broadcast_shapes(*[a.shape for a in others]) == step.out.shape:
                if np.result_type(values[0].dtype, number) == step.out.dtype:
                    return replace(step, args=tuple(number if j == i else a for j, a in enumerate(step.args)))
    return None


SHAPES: dict[Any, Callable[[_Pass, Step], Any]] = {
    **dict.fromkeys(RESHAPES, _reshape),
    np.squeeze: _squeezed,
    np.transpose: _transpose,
    np.swapaxes: _transpose,
    np.broadcast_to: _stretch,
    np.astype: _cast,
    np.copy: _cast,
    np.concatenate: _joined,
    np.sum: _sum,
    np.where: _where,
}
