"""A program as a value: leaves, and steps that are data; it runs on arrays, on Tensors, on the peers, and it prints.

Values are numbered: first the leaves, then what the steps make. A step is a function with its arguments, in which
a `Ref` stands for a value. Writing is a step too: ``t[i] = v`` (`operator.setitem`) and ``t += v``
(`operator.iadd` and its like) make no new value.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag
from autograd_mini.table import name_of

from ..generated import IN_PLACE, outputs, result_of

__all__ = ["WRITES", "Program", "Ref", "Step", "filled", "given", "run", "shrunk", "source"]

INFIX = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/", operator.matmul: "@",
    operator.pow: "**", operator.gt: ">", operator.lt: "<", operator.ge: ">=", operator.le: "<=", operator.mod: "%",
    operator.and_: "&", operator.or_: "|", operator.iadd: "+=", operator.isub: "-=", operator.imul: "*=",
    operator.itruediv: "/=", operator.ipow: "**=",
}  # fmt: skip
UPDATES = {operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow}
WRITES = UPDATES | {operator.setitem}


class Ref(NamedTuple):
    """The value of this number."""

    value: int


class Row(NamedTuple):
    """Where in the rows of tests/cases a step was taken from: ``CASES[function][k]``."""

    table: str
    k: int


class Step(NamedTuple):
    """One call; `results` are the numbers of the values that it makes."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    results: tuple[int, ...] = ()
    row: Row | None = None
    several: bool = False  # it returns a list or tuple, be it of one


@dataclass(frozen=True)
class Program:
    """Leaves and steps."""

    leaves: tuple[np.ndarray, ...]
    steps: tuple[Step, ...]

    @cached_property
    def lives(self):
        """Return for each step the values that die after it, and the values that nobody reads: the outputs."""
        last: dict[int, int] = {}
        unread = dict.fromkeys(range(len(self.leaves)), False)
        for at, step in enumerate(self.steps):
            read = refs((step.args, step.kwargs))
            if step.function in WRITES:
                written, *read = read
                last[written], unread[written] = at, True
            for k in read:
                last[k], unread[k] = at, False
            unread.update(dict.fromkeys(step.results, True))
        outs = [k for k, yes in unread.items() if yes]
        dying: list[list[int]] = [[] for _ in self.steps]
        for k, at in last.items():
            if k not in outs:
                dying[at].append(k)
        return dying, outs


def refs(tree):
    """The values that an argument mentions, from left to right."""
    if type(tree) is Ref:
        return [tree.value]
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, slice):
        tree = [tree.start, tree.stop, tree.step]
    return [k for branch in tree for k in refs(branch)] if isinstance(tree, (list, tuple)) else []


def filled(tree, values):
    """The same arguments with the values in place of the `Ref`s."""
    if type(tree) is Ref:
        return values[tree.value]
    if isinstance(tree, dict):
        return {name: filled(branch, values) for name, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [filled(branch, values) for branch in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return tree


def given(x):
    """A constant: an array among arrays, a Tensor without a gradient among Tensors."""
    return x.copy()


def perform(function, args, kwargs):
    """Call a function as the rows mean it: those that work in place leave their result in a copy."""
    return result_of(function, args, kwargs) if function in IN_PLACE or function is np.ufunc.at else function(
        *args, **kwargs
    )  # fmt: skip


def constant(tree):
    """Replace the Tensors among a row's constants by their arrays."""
    if isinstance(tree, ag.Tensor):
        return tree.data
    if isinstance(tree, dict):
        return {name: constant(branch) for name, branch in tree.items()}
    if isinstance(tree, (list, tuple)) and not hasattr(tree, "_fields"):
        return type(tree)(constant(branch) for branch in tree)
    return tree


def run(program, leaves, peer=None, watch=None):
    """Run on the leaves given, arrays or Tensors; return the values that nobody reads, by number.

    A value that is read for the last time is dropped, as a person's local variable would be. `watch(step, results)` is
    shown what each step made. Another library's arrays come with a `peer(function, args, kwargs)` that calls it.
    """
    values = dict(enumerate(leaves))
    tensors = any(isinstance(x, ag.Tensor) for x in leaves)
    dying, _ = program.lives
    for step, dead in zip(program.steps, dying, strict=True):
        args, kwargs = filled(step.args, values), filled(step.kwargs, values)
        if not tensors:
            args, kwargs = constant(args), constant(kwargs)
        result = (peer or perform)(step.function, args, kwargs)
        if tensors and step.function is given:
            result = ag.Tensor(result)
        if step.function in UPDATES or (step.function is operator.setitem and result is not None):
            values[step.args[0].value] = result  # JAX's arrays are never written into
        results = outputs(result) if step.results else []
        if not tensors and peer is None:
            results = [np.asarray(y) for y in results]
        values.update(zip(step.results, results, strict=True))
        if watch is not None:
            watch(step, [*results, values[step.args[0].value]] if step.function in WRITES else results)
        for k in dead:
            del values[k]
    return values


# --- as Python source -----------------------------------------------------------------------------------------------

HEADER = """\
import numpy as np, operator
import autograd_mini as ag, autograd_mini.scipy.implicit, autograd_mini.scipy.special, autograd_mini.scipy.stats
from numpy import inf, nan
from tests.cases import CASES, CONSTANTS
from tests.generated import outputs, result_of
"""


def source(program, requires_grad=True, header=True):
    """Print a program as Python that a person can read and paste."""
    lines = [HEADER] if header else []
    for k, leaf in enumerate(program.leaves):
        lines.append(
            f"v{k} = ag.Tensor({literal(leaf)}, requires_grad=True)" if requires_grad else f"v{k} = {literal(leaf)}"
        )
    dying, outs = program.lives
    views = {k for step in program.steps if step.function is operator.getitem for k in step.results}
    for step, dead in zip(program.steps, dying, strict=True):
        lines.append(line(step))
        if gone := views & set(dead):  # a write may follow, which a view that is alive would forbid
            lines.append(f"del {', '.join(f'v{k}' for k in sorted(gone))}")
    return "\n".join([*lines, f"# the outputs: {', '.join(f'v{k}' for k in outs)}"])


def line(step):
    """Print one step."""
    at = row_of(step)
    args = [expression(a, f"{at}.args[{i}]") for i, a in enumerate(step.args)]
    if step.function is operator.setitem:
        return f"{args[0]}[{subscript(step.args[1])}] = {args[2]}"
    if step.function in UPDATES:
        return f"{args[0]} {INFIX[step.function]} {args[1]}"
    if step.function is operator.getitem:
        text = f"{args[0]}[{subscript(step.args[1])}]"
    elif step.function is given:
        text = f"ag.Tensor({args[0]})"
    elif step.function in INFIX:
        text = f"{args[0]} {INFIX[step.function]} {args[1]}"
    else:
        named = [f"{name}={expression(v, f'{at}.kwargs[{name!r}]')}" for name, v in step.kwargs.items()]
        if step.function in IN_PLACE or step.function is np.ufunc.at:
            listed = "".join(f"{a}, " for a in args)
            text = f"result_of({path_of(step.function)}, ({listed}), dict({', '.join(named)}))"
        else:
            text = f"{path_of(step.function)}({', '.join([*args, *named])})"
    names = ", ".join(f"v{k}" for k in step.results)
    return f"{names} = {text}" if not step.several else f"[{names}] = outputs({text})"


def row_of(step):
    return "" if step.row is None else f"{step.row.table}[{path_of(step.function)}][{step.row.k}]"


def path_of(function):
    """Print how Python reaches a function."""
    name = name_of(function)
    if "." not in name:
        return f"__import__({function.__module__!r}, fromlist=['*']).{function.__name__}"
    if name.startswith("_operator."):
        return name[1:]
    if name.startswith("scipy.special."):
        return f"__import__('scipy.special._ufuncs', fromlist=['*']).{function.__name__}"
    if name.startswith("autograd_mini.") and "._" not in name:
        return name.replace("autograd_mini", "ag", 1)
    if name.startswith("autograd_mini."):
        return f"__import__({function.__module__!r}, fromlist=['*']).{function.__qualname__}"
    return name


def subscript(index):
    """Print what stands between the brackets."""
    if isinstance(index, tuple) and index and type(index) is not Ref:
        return ", ".join(map(one_subscript, index)) + ("," if len(index) == 1 else "")
    return one_subscript(index)


def one_subscript(index):
    if isinstance(index, slice):
        text = ":".join("" if v is None else str(v) for v in (index.start, index.stop, index.step))
        return text.removesuffix(":") if index.step is None else text
    return "..." if index is Ellipsis else expression(index, "")


def expression(tree, path):
    """Print an argument; what has no literal is named by its place in the rows."""
    if type(tree) is Ref:
        return f"v{tree.value}"
    if isinstance(tree, ag.Tensor):
        return f"ag.Tensor({literal(tree.data)})"
    if isinstance(tree, (np.ndarray, np.generic)):
        return literal(tree)
    if isinstance(tree, list):
        return "[" + ", ".join(expression(v, f"{path}[{i}]") for i, v in enumerate(tree)) + "]"
    if isinstance(tree, tuple):
        items = [expression(v, f"{path}[{i}]") for i, v in enumerate(tree)]
        return "(" + ", ".join(items) + ("," if len(items) == 1 else "") + ")"
    if isinstance(tree, dict):
        items = [f"{k!r}: {expression(v, f'{path}[{k!r}]')}" for k, v in tree.items()]
        return "{" + ", ".join(items) + "}"
    if isinstance(tree, type) and issubclass(tree, np.generic):
        return f"np.{tree.__name__}"
    if isinstance(tree, type):
        return tree.__name__
    if isinstance(tree, np.dtype):
        return f"np.dtype({tree.str!r})"
    if tree is Ellipsis:
        return "..."
    if callable(tree):
        return (
            path_of(tree)
            if isinstance(tree, np.ufunc) or getattr(np, getattr(tree, "__name__", ""), 0) is tree
            else path
        )
    return repr(tree)


def literal(x):
    """Print an array such that reading it gives the same bits."""
    x = np.asarray(x)
    if x.size == 0:
        return f"np.zeros({x.shape}, np.{x.dtype.name})"
    if x.dtype in (np.float64, np.bool_, np.complex128, np.int64):
        return f"np.array({x.tolist()!r})"
    return f"np.array({x.tolist()!r}, np.{x.dtype.name})"


# --- shrinking ------------------------------------------------------------------------------------------------------


def shrunk(program, fails):
    """Make a failing program smaller while it fails: steps replaced by their values, unread steps left out."""
    changed = True
    while changed:
        changed = False
        for at in reversed(range(len(program.steps))):
            for smaller in (without(program, at), frozen(program, at)):
                if smaller is not None and fails(smaller):
                    program, changed = smaller, True
                    break
    return program


def without(program, at):
    """The program without a step that nobody reads."""
    step = program.steps[at]
    rest = program.steps[:at] + program.steps[at + 1 :]
    mentioned = {k for s in rest for k in refs((s.args, s.kwargs))}
    return None if mentioned & set(step.results) else replace(program, steps=rest)


def frozen(program, at):
    """The program in which a step's results are constants: of a write, all that then stands there."""
    step = program.steps[at]
    if step.function is given or (
        step.function is operator.setitem and step.args[1] is Ellipsis and not refs(step.args[2:])
    ):
        return None
    made = []

    def watch(s, results):
        if s is step:
            made.extend(np.array(y) for y in results)

    try:
        run(program, program.leaves, watch=watch)
    except Exception:
        return None
    if step.function in WRITES:
        constants = [Step(operator.setitem, (step.args[0], Ellipsis, made[-1]), {})]
    else:
        constants = [Step(given, (y,), {}, (k,)) for k, y in zip(step.results, made, strict=True)]
    return replace(program, steps=(*program.steps[:at], *constants, *program.steps[at + 1 :]))
