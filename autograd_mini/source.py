"""source: a Program as NumPy code that a person reads, and that runs by itself.

One line for each value that has a name, or is read several times; what is read once stands where it is read. A
cotangent is called ``d_<name>``.
"""

from __future__ import annotations

import functools
import inspect
import keyword
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import LostGradientError
from .program import Constant, Program, Step, Value, arguments_of, arrays_in, defined, mapped, matched, plain, values_in
from .rules.assign import assign
from .rules.index import scatter
from .simplify import uniform
from .table import name_of

__all__ = ["Line", "Written", "written"]

WIDE = 100  # characters in a line, without its comment
LONG = 44  # what is longer gets a line of its own
ELEMENTS = 12  # a constant array of at most so many is written out

EXTREMES = {float(np.finfo(dtype).max): dtype for dtype in ("float64", "float32")}
ATOM = 20
INFIX: dict[Any, tuple[str, int]] = {
    np.power: ("**", 14), np.matmul: ("@", 12), np.multiply: ("*", 12), np.true_divide: ("/", 12),
    np.floor_divide: ("//", 12), np.remainder: ("%", 12), np.add: ("+", 11), np.subtract: ("-", 11),
    np.bitwise_and: ("&", 9), np.logical_and: ("&", 9), np.bitwise_xor: ("^", 8), np.bitwise_or: ("|", 7),
    np.logical_or: ("|", 7),
    np.less: ("<", 6), np.less_equal: ("<=", 6), np.greater: (">", 6), np.greater_equal: (">=", 6),
    np.equal: ("==", 6), np.not_equal: ("!=", 6),
}  # fmt: skip
SHAPED = (np.reshape, np.broadcast_to)
PREFIX: dict[Any, tuple[str, int]] = {np.negative: ("-", 13), np.invert: ("~", 13), np.logical_not: ("~", 13)}
LOGICAL = frozenset({np.logical_and, np.logical_or, np.logical_not})  # as operators only between booleans


@dataclass(slots=True)
class Line:
    """One line of a listing: the text, the steps in it, the value that it makes (None: it makes none, or several)."""

    text: list[str]
    steps: list[Step]
    value: Value | None


@dataclass(slots=True)
class Written:
    """A program as text.

    Attributes
    ----------
    lines : list of Line
        In order; the steps of all lines are those of the program.
    names : dict of Value to str
        What each value is called that has a line, or is an argument.
    head, tail : list of str
        The imports and the ``def``; the ``return``.
    objects : dict of str to object
        What the function is given by keyword: constants, a random generator.
    arguments : list of str
        The arguments of the program that hold arrays, by their names.
    """

    lines: list[Line]
    names: dict[Value, str]
    head: list[str]
    tail: list[str]
    objects: dict[str, Any]
    arguments: list[str]

    def text(self, shapes: bool = True) -> str:
        """Return the code; with `shapes`, each line ends with the shape of what it makes."""
        body: list[tuple[str, str]] = []
        backward = None
        for line in self.lines:
            now = line.steps[-1].backward
            if now is not backward and (now or backward is not None):
                body += [("", "")] * bool(body)
                body.append(("# backward" if now else "# then", ""))
            elif backward is None:
                body.append(("# forward", ""))
            backward = now
            note = f"# {line.value.shape}" if shapes and line.value is not None else ""
            body += [(text, note if i == len(line.text) - 1 else "") for i, text in enumerate(line.text)]
        width = max([len(text) for text, note in body if note and len(text) <= 60], default=0)
        code = ["    " + (f"{text:<{width}}  {note}" if note else text) for text, note in body]
        return "\n".join(line.rstrip() for line in [*self.head, *code, *("    " + t for t in self.tail)]) + "\n"


def written(program: Program) -> Written:
    """Return a program as readable code."""
    return _Writer(program).all()


def _source(self: Program) -> str:
    return written(self).text()


def _function(self: Program) -> Callable[..., Any]:
    """Return the function that the source defines, and its keyword arguments, which are read at each call."""
    if self.compiled is None:
        text = written(self)
        code = text.text(shapes=False)
        self.compiled = defined(code, self.name, {}, optimize=0), text.objects  # its `assert` is no debugging
    function, objects = self.compiled
    return functools.partial(function, **{k: v.read() if isinstance(v, Constant) else v for k, v in objects.items()})


def _call(self: Program, *args: Any, **kwargs: Any) -> Any:
    given = arguments_of(self.signature, args, kwargs)
    self.check(given)
    arrays = [tree for (_, tree), (_, standing) in zip(given, self.parameters, strict=True) if any(values_in(standing))]
    for leaf in arrays_in(arrays):
        if getattr(leaf, "requires_grad", False) and leaf.node.parents:
            raise LostGradientError(
                f"{self.name}: a program gives arrays, so the gradient of a Tensor that was computed would be lost. "
                "Call the function that was recorded, or pass t.detach()."
            )
        if hasattr(leaf, "_leaves"):
            leaf._leaves("calling a program, which gives arrays,")
    taken = [mapped(tree, plain) for tree in arrays]
    try:
        result = _function(self)(*taken)
    except AssertionError:  # the function would say more
        standing = [tree for _, tree in self.parameters if any(values_in(tree))]
        self.run(dict(matched(standing, taken)))
        raise
    constants = [constant.read() for constant in self.constants.values() if not constant.inner]
    return self.given_back(result, [*taken, *constants])


Program.source = _source  # type: ignore[method-assign]
Program.__call__ = _call  # type: ignore[method-assign]


class _Writer:
    """Decides which values get a line and a name, and writes the expressions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.uses = program.uses()
        self.makers = program.makers()
        self.names: dict[Value, str] = {}
        self.taken = {"np"}
        self.reserved = {v.name for v in self.makers if v.name is not None}
        self.reader = {v: step for step in program.steps for v in step.operands()}
        self.inlined: dict[Value, tuple[str, int, list[Step]]] = {}
        self.imports: dict[str, None] = {"import numpy as np": None}
        self.objects: dict[str, Any] = {}
        self.object_names: dict[int, str] = {}
        self.lines: list[Line] = []
        self.block = ""
        self.counts: dict[str, int] = {}
        self.repeats: dict[str, int] = {}
        self.shown = self.to_show()

    def all(self) -> Written:
        program = self.program
        arguments, unpacking = self.arguments()
        for step in program.steps:
            self.write(step)
        result = self.tree(program.outputs)
        if type(program.outputs) is tuple and len(program.outputs) > 1:
            result = result[1:-1]
        keywords = [*self.objects]
        signature = ", ".join([*arguments, *(["*", *keywords] if keywords else [])])
        head = [*self.imports, "", "", f"def {program.name}({signature}):", *("    " + u for u in unpacking)]
        return Written(self.lines, self.names, head, [f"return {result}"], self.objects, arguments)

    # which values are shown, and under which names

    def to_show(self) -> set[Value]:
        """Return the values that get a line: named, read several times, or a result."""
        outs = set(values_in(self.program.outputs))
        scalars = [v for v in values_in(self.program.outputs) if v in self.makers and v.shape == ()]
        if scalars and scalars[0].name is None and scalars[0].primal is None:
            scalars[0].name = self.program.name
        shown = {v for v in self.makers if v.name is not None or v in outs or self.uses.get(v, 0) > 1}
        shown |= {v for v in self.makers if self.is_weighted_sum(v) and self.bends(v)}
        for v in list(shown):
            if v.name is None and v.primal is not None and v.primal in self.makers:
                shown.add(v.primal)  # d_z1 without a z1 would be a riddle
        shown |= {v for v in self.makers if v.primal is not None and (v.primal in shown or v.primal not in self.makers)}
        return {v for v in shown if not self.is_turned(v) or v in outs}

    def is_weighted_sum(self, value: Value) -> bool:
        """Return whether a value of the forward pass is a product of matrices, and a bias maybe."""
        step = self.makers[value]
        inside = [step, *(self.makers[v] for v in step.operands() if v in self.makers and step.function is np.add)]
        return not step.backward and any(s.function is np.matmul for s in inside)

    def bends(self, value: Value) -> bool:
        """Return whether a value goes into an activation: then it is the z of the textbooks."""
        step = self.reader.get(value)
        return step is not None and isinstance(step.function, np.ufunc) and step.function not in INFIX

    def is_turned(self, value: Value) -> bool:
        """Return whether a value is the transpose of what has a name: ``W1.T`` is short, and free."""
        step = self.makers[value]
        if step.function is not np.transpose or len(step.args) > 1 or step.kwargs or value.name is not None:
            return False
        inner = step.args[0]
        return inner not in self.makers or self.uses.get(inner, 0) > 0

    def name(self, value: Value) -> str:
        """Return what a value is called."""
        if value not in self.names:
            base = value.name
            if base is None and value.primal is not None:
                base = "d_" + self.names.get(value.primal, value.primal.name or "")
                base = base if base != "d_" else None
            self.names[value] = self.unique(base) if base else self.numbered(value)
        return self.names[value]

    def numbered(self, value: Value) -> str:
        """Name what has no name: z of what is linear, h of the rest, as in the textbooks; g in a sweep."""
        step = self.makers.get(value)
        letter = "c" if step is None else "g" if step.backward else "h"
        if step is not None and letter == "h":
            letter = "z" if self.is_weighted_sum(value) else "h" if value.shape else "s"
        while True:
            n = self.counts.get(letter, 0) + 1
            if letter == "h":  # the layer's own number, once
                n = max(n, self.counts.get("z", 0))
            self.counts[letter] = n
            if f"{letter}{n}" not in self.taken | self.reserved:
                self.taken.add(f"{letter}{n}")
                return f"{letter}{n}"

    def unique(self, name: str) -> str:
        """Return an identifier that is not taken yet."""
        name = re.sub(r"\W+", "_", name).strip("_") or "x"
        name = f"_{name}" if name[0].isdigit() else name
        name = f"{name}_" if keyword.iskeyword(name) else name
        found, n = name, self.repeats.get(name, 2)
        while found in self.taken:
            found, n = f"{name}_{n}", n + 1
        self.repeats[name] = n
        self.taken.add(found)
        return found

    def arguments(self) -> tuple[list[str], list[str]]:
        """Return the names of the arguments that hold arrays, and the lines that take trees apart."""
        names, lines = [], []
        for argument, tree in self.program.parameters:
            if isinstance(tree, Value):
                tree.name = tree.name or argument
                names.append(self.name(tree))
            elif any(values_in(tree)):
                names.append(whole := self.unique(argument))
                for path, value in _paths(tree, whole):
                    value.name = value.name or _last(path)
                    lines.append(f"{self.name(value)} = {path}")
        return names, lines

    # lines

    def write(self, step: Step) -> None:
        """Add the line of a step, or keep its text for where it is read."""
        if step.function in (assign, scatter):
            return self.add(self.assigned(step), [*self.inside(step), step], step.out)
        text, level = self.call(step)
        steps = [*self.inside(step), step]
        if not step.outs:
            return self.add([text], steps, None)
        if step.several:
            names = ", ".join([self.name(out) for out in step.outs])
            return self.add([f"{names}{',' if len(step.outs) == 1 else ''} = {text}"], steps, None)
        out = step.out
        alone = step.errstate is None or (out in self.reader and self.reader[out].errstate == step.errstate)
        inline = out not in self.shown and step.pure and alone
        if inline and (len(text) <= LONG or self.is_turned(out)):
            self.inlined[out] = text, level, steps
            return None
        return self.add([f"{self.name(out)} = {text}"], steps, out)

    def add(self, text: list[str], steps: list[Step], value: Value | None) -> None:
        errstate = steps[-1].errstate
        if errstate is not None:
            usual = np.geterr()
            given = ", ".join(f'{k}="{v}"' for k, v in errstate.items() if v != usual.get(k)) or 'all="warn"'
            block = f"with np.errstate({given}):"
            before = self.lines[-1].text if self.lines else [""]
            joins = before[0] == block and self.lines[-1].steps[-1].backward is steps[-1].backward
            if joins or (before[0].startswith("    ") and self.block == block):
                text = ["    " + t for t in text]
            else:
                text = [block, *("    " + t for t in text)]
            self.block = block
        unique = list(dict.fromkeys(steps))
        self.lines.append(Line(text, unique, value))

    def assigned(self, step: Step) -> list[str]:
        """Write the two forms that NumPy has no function for: a copy with some places changed, zeros added to."""
        name = self.name(step.out)
        if step.function is assign:
            x, v, *index = step.args
            place = self.index(tuple(index)) or "()"
            return [f"{name} = np.array({self.text(x)})", f"{name}[{place}] = {self.text(v)}"]
        g, *index = step.args
        constant = self.program.constants.get(g)
        if constant is not None and constant.inner and (number := uniform(constant.array)) is not None:
            g = number
        first = f"{name} = np.zeros({_shape(step.out.shape)}{_dtype_argument(step.out.dtype)})"
        several = any(isinstance(i, (Value, list)) and not _is_mask(i) for i in index)
        if several:
            items = ", ".join(self.text(i) for i in index) + ("," if len(index) == 1 else "")
            return [first, f"np.add.at({name}, ({items}), {self.text(g)})"]
        return [first, f"{name}[{self.index(tuple(index)) or '()'}] = {self.text(g)}"]

    # expressions

    def inside(self, step: Step) -> list[Step]:
        """Return the steps that are written into this one."""
        return [s for value in step.operands() if value in self.inlined for s in self.inlined[value][2]]

    def call(self, step: Step) -> tuple[str, int]:
        """Return the text of a call, and how tightly it binds."""
        function, args, kwargs = step.function, step.args, step.kwargs
        if not step.outs:
            return f"assert np.all({self.text(args[0])})", 0
        logical = function in LOGICAL
        if not kwargs and not (logical and any(getattr(a, "dtype", None) != np.bool_ for a in args)):
            if function in INFIX and len(args) == 2:
                return self.infix(function, *args)
            if function in PREFIX and len(args) == 1:
                sign, level = PREFIX[function]
                return sign + self.text(args[0], level), level
        if function is np.transpose and len(args) == 1 and not kwargs:
            return self.text(args[0], ATOM) + ".T", ATOM
        if function is operator.getitem:
            return f"{self.text(args[0], ATOM)}[{self.index(args[1]) or '()'}]", ATOM
        if function is np.astype:
            dtype = args[1] if len(args) > 1 else kwargs["dtype"]
            return f"{self.text(args[0], ATOM)}.astype({self.text(dtype)})", ATOM
        if function in SHAPED and list(kwargs) == ["shape"]:
            args, kwargs = (args[0], kwargs["shape"]), {}
        if (
            function is np.expand_dims
            and isinstance(args[0], Value)
            and args[0].ndim == 1
            and kwargs.get("axis") in (0, -1, 1)
        ):
            return f"{self.text(args[0], ATOM)}[{'None' if kwargs['axis'] == 0 else ':, None'}]", ATOM
        if function is np.sum and kwargs.get("axis") == 0 and isinstance(args[0], Value) and args[0].ndim == 1:
            if not kwargs.get("keepdims"):
                kwargs = {name: v for name, v in kwargs.items() if name != "axis"}
        kwargs = {name: v for name, v in kwargs.items() if v is not None or not _is_default(function, name)}
        shown = [self.tree(a) for a in args]
        shown += [f"{name}={self.tree(v)}" for name, v in kwargs.items() if (name, v) != ("keepdims", False)]
        return f"{self.function(function)}({', '.join(shown)})", ATOM

    def infix(self, function: Any, a: Any, b: Any) -> tuple[str, int]:
        """Write an operator; a factor 1/n as a division, where that is the same."""
        sign, level = INFIX[function]
        if function is np.multiply:
            for number, other in ((a, b), (b, a)):
                if type(number) is float and isinstance(other, Value) and (n := _parts(number)):
                    if math.frexp(n)[0] == 0.5 and n > 4:
                        return f"{self.text(other, level)} / {n}", level
                    if math.frexp(n)[0] != 0.5:
                        return f"{self.text(other, level)} * (1 / {n})", level
        right = level if function is np.power else level + 1
        left = level + 1 if function is np.power or level == 6 else level
        if function is np.matmul or function is np.power:  # a @ (b * c): the eye groups by spaces
            left = max(left, level + (function is np.matmul and self.is_other_product(a)))
        return f"{self.text(a, left)} {sign} {self.text(b, right)}", level

    def is_other_product(self, arg: Any) -> bool:
        step = self.makers.get(arg) if isinstance(arg, Value) and arg in self.inlined else None
        return step is not None and step.function is not np.matmul

    def text(self, arg: Any, level: int = 0) -> str:
        """Return the text of an argument, in brackets if it binds less tightly than it must."""
        if isinstance(arg, Value):
            if arg in self.inlined:
                text, own, _ = self.inlined[arg]
                return f"({text})" if own < level else text
            if arg in self.program.constants and arg not in self.names:
                return self.constant(arg)
            return self.name(arg)
        text = self.literal(arg)
        return f"({text})" if level and text.startswith("-") and level > 13 else text

    def literal(self, arg: Any) -> str:
        if isinstance(arg, float) and not isinstance(arg, np.generic):
            if abs(arg) in EXTREMES:
                return f"np.finfo(np.{EXTREMES[abs(arg)]}).{'max' if arg > 0 else 'min'}"
            return "np.nan" if arg != arg else repr(arg) if math.isfinite(arg) else "np.inf" if arg > 0 else "-np.inf"
        if arg is None or arg is Ellipsis or isinstance(arg, (bool, int, str, complex, np.generic)):
            return "..." if arg is Ellipsis else repr(arg)
        if isinstance(arg, np.dtype) or (isinstance(arg, type) and issubclass(arg, np.generic)):
            name = np.dtype(arg).name
            return f"np.{name}" if hasattr(np, name) and np.dtype(name) == arg else repr(np.dtype(arg).str)
        if isinstance(arg, type) and arg.__module__ == "builtins":
            return arg.__name__
        if isinstance(arg, slice):
            return f"slice({self.text(arg.start)}, {self.text(arg.stop)}, {self.text(arg.step)})"
        if callable(arg):
            return self.function(arg)
        return self.object(arg, type(arg).__name__.lower())

    def tree(self, tree: Any) -> str:
        """Return the text of a tree of arguments, or of results."""
        if isinstance(tree, dict):
            return "{" + ", ".join(f"{k!r}: {self.tree(v)}" for k, v in tree.items()) + "}"
        if isinstance(tree, (tuple, list)):
            items = ", ".join(map(self.tree, tree))
            if isinstance(tree, list):
                return f"[{items}]"
            return f"({items}{',' if len(tree) == 1 else ''})"
        return self.text(tree)

    def index(self, index: Any) -> str:
        """Return the text between brackets."""
        if isinstance(index, tuple):
            return ", ".join(map(self.index, index))
        if isinstance(index, slice):
            start = None if index.start == 0 and index.step is None else index.start
            parts = ["" if p is None else self.text(p) for p in (start, index.stop, index.step)]
            return ":".join(parts[: 3 if parts[2] else 2])
        return self.tree(index)

    def constant(self, value: Value) -> str:
        """Return the text of a constant: written out if it is small and nobody else's, else a keyword argument."""
        constant = self.program.constants[value]
        if constant.inner and (text := _spelled(constant.array)) is not None:
            return text
        name = self.names[value] = self.unique(value.name or f"c{len(self.objects) + 1}")
        self.objects[name] = constant
        return name

    def function(self, function: Callable[..., Any]) -> str:
        """Return how a function is called, and import it where that is needed."""
        bound = getattr(function, "__self__", None)
        if bound is not None and not isinstance(bound, type) and type(function).__name__ != "ufunc":
            name = getattr(function, "__name__", "")
            if isinstance(bound, np.ufunc):
                return f"np.{bound.__name__}.{name}"
            return f"{self.object(bound, 'rng' if isinstance(bound, np.random.Generator) else 'owner')}.{name}"
        name = "np.abs" if function is np.absolute else name_of(function)
        if name.startswith("np.") and _found(np, name[3:]) is function:
            return name
        module, _, own = name.rpartition(".")
        module = getattr(function, "__module__", None) or module
        if (theirs := _scipys(function, name)) is not None:
            self.imports[f"import {theirs.rpartition('.')[0]}"] = None
            return theirs
        own = getattr(function, "__name__", own)
        known = getattr(sys.modules.get(module), own, None) is function
        if known and module != "__main__" and all(map(str.isidentifier, module.split("."))):
            self.imports[f"from {module} import {own}"] = None
            self.taken.add(own)
            return own
        return self.object(function, own if own.isidentifier() else "function")

    def object(self, thing: Any, name: str) -> str:
        """Return the keyword argument by which the function is given what cannot be written."""
        if id(thing) not in self.object_names:
            self.object_names[id(thing)] = found = self.unique(name)
            self.objects[found] = thing
        return self.object_names[id(thing)]


def _found(root: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        root = getattr(root, part, None)
    return root


def _scipys(function: Callable[..., Any], name: str) -> str | None:
    """Return SciPy's own name of a function, or of the one that it is around; None if it has none."""
    inside = inspect.unwrap(function)
    dotted = name.removeprefix("autograd_mini.")
    if not dotted.startswith("scipy."):
        return None
    module, _, own = dotted.rpartition(".")
    return dotted if getattr(sys.modules.get(module), own, None) is inside else None


def _is_default(function: Any, name: str) -> bool:
    """Return whether None is what an argument is anyway."""
    try:
        return inspect.signature(function).parameters[name].default is None
    except (TypeError, ValueError, KeyError):
        return False


def _shape(shape: tuple[int, ...]) -> str:
    """Return a shape as NumPy's functions take it: that of a vector is a number."""
    return str(shape[0]) if len(shape) == 1 else str(shape)


def _parts(number: float) -> int:
    """Return n if a number is 1/n, else 0."""
    if not 0 < number < 1 or not math.isfinite(1 / number):
        return 0
    n = round(1 / number)
    return n if n <= 10**9 and 1 / n == number else 0


def _is_mask(value: Any) -> bool:
    return getattr(value, "dtype", None) == np.bool_


def _dtype_argument(dtype: Any) -> str:
    return "" if dtype == np.float64 else f", np.{dtype.name}"


def _spelled(array: Any) -> str | None:
    """Return a short text that makes an array, or None."""
    dtype = _dtype_argument(array.dtype)
    if array.ndim == 0:
        item = array.item()
        if array.dtype == np.bool_:
            return repr(item)
        return f"np.{array.dtype.name}({item!r})" if item == item and abs(item) != math.inf else None
    if array.size and (number := uniform(array)) is not None:
        if number in (0, 1) and array.dtype.kind in "fc":
            return f"np.{'ones' if number else 'zeros'}({_shape(array.shape)}{dtype})"
        if not isinstance(number, float) or math.isfinite(number):
            plain = {float: np.float64, int: np.int64, bool: np.bool_}[type(number)]
            return f"np.full({_shape(array.shape)}, {number!r}{'' if array.dtype == plain else dtype})"
    if array.ndim == 1 and array.dtype == np.int64 and array.size > 3 and (array == np.arange(array.size)).all():
        return f"np.arange({array.size})"
    if array.ndim == 2 and array.dtype == np.int64 and array.shape[1] == 1 and array.size > 3:
        if (array[:, 0] == np.arange(array.size)).all():
            return f"np.arange({array.size})[:, None]"
    if array.ndim == 2 and array.shape[0] == array.shape[1] > 1 and (array == np.eye(len(array))).all():
        return f"np.eye({len(array)}{f', dtype=np.{array.dtype.name}' if dtype else ''})"
    if 0 < array.size <= ELEMENTS and array.dtype.kind in "fiub" and np.isfinite(array).all():
        plain = np.asarray(array.tolist()).dtype == array.dtype
        return f"np.array({array.tolist()!r}{'' if plain else f', np.{array.dtype.name}'})"
    return None


def _paths(tree: Any, path: str) -> Iterable[tuple[str, Value]]:
    if isinstance(tree, Value):
        yield path, tree
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from _paths(item, f"{path}[{key!r}]")
    elif isinstance(tree, (list, tuple)):
        fields = getattr(tree, "_fields", None)
        for i, item in enumerate(tree):
            yield from _paths(item, f"{path}.{fields[i]}" if fields else f"{path}[{i}]")


def _last(path: str) -> str:
    """Return a name for what stands at a path: ``params['W1']`` is W1, ``layers[0][1]`` layers_0_1."""
    end = re.search(r"\['([A-Za-z_]\w*)'\]$|\.(\w+)$", path)
    return (end.group(1) or end.group(2)) if end else re.sub(r"\W+", "_", path).strip("_")
