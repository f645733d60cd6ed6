"""trace: record a whole function, its gradients included, as a Program.

The function is called on Tensors while everything is recorded, constants too; then the graph is laid out as a line. It
is called twice: what is not the same both times, such as random numbers, is not frozen but refused.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import operator
import random
import sys
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import BuiltinMethodType, CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .arrays import is_other, kind_name
from .errors import TraceError
from .graph import Fixed, Leaf, Node, Several, Spec, next_serial, toposort
from .places import Place, frame_of_user, here
from .program import Constant, Program, Step, Value, arguments_of, values_in
from .recording import Setting, current, no_grad
from .rules.assign import assign
from .rules.einsum import einsum
from .rules.index import constants as beside
from .rules.index import scatter
from .rules.sort import order
from .simplify import simplified
from .table import TABLE, Rule, name_of
from .tensor import IDENTITY, ITEM, Tensor, record, unwrap, wrap
from .trees import flatten

__all__ = ["ensure", "fresh", "recorded", "set_state", "state_of", "trace"]


# The ufuncs that may say "divide by zero encountered".
DIVIDE = frozenset({
    np.log, np.log2, np.log10, np.log1p, np.true_divide, np.floor_divide, np.remainder, np.fmod, np.divmod,
    np.reciprocal, np.power, np.float_power, np.arctanh,
})  # fmt: skip


NEVER = frozenset(
    {np.sum, np.max, np.min, np.where, np.reshape, np.squeeze, np.expand_dims, np.transpose, np.broadcast_to}
)


# What has as many entries as the values make it have.
DYNAMIC = frozenset({np.nonzero, np.argwhere, np.flatnonzero})
COMPLEX = "Pass a complex matrix, a.astype(complex): then the result is complex always."
VARYING = {  # functions that have a rule, of real or whole numbers
    "np.linalg.eig": f"{COMPLEX} A symmetric one has np.linalg.eigh.",
    "autograd_mini.scipy.linalg.sqrtm": COMPLEX,
    "autograd_mini.scipy.linalg.logm": COMPLEX,
    "autograd_mini.scipy.linalg.fractional_matrix_power": COMPLEX,
    "np.bincount": "Write np.sum(n[:, None] == np.arange(k), axis=0): then there are k counts always.",
}
MASKED = frozenset({operator.getitem, scatter, assign})


class Called:
    """In a node, the place of the rule where no cotangent passes: a function and the arguments as they were given."""

    vjps: tuple[Any, ...] = ()
    operands: tuple[str, ...] = ()
    view = broadcasts = False

    def __init__(self, function: Callable[..., Any], pure: bool = True) -> None:
        self.function, self.name, self.pure = function, name_of(function), pure


class Recorder:
    """Looks on while a function is recorded; knows the names, the lines, and what must not leave.

    Attributes
    ----------
    start : int
        Serial numbers from here on belong to the recording.
    inputs : dict of Node to int
        The nodes of the arguments' arrays, numbered.
    held : dict of Node to array
        The nodes of Tensors that the function makes by hand, with what they hold: a write later makes other nodes.
    names : dict of Node to str
        By which local variable or argument the user knows a value.
    places, backward, errstates
        Of a node: the user's line; whether a sweep made it; what np.errstate was in force.
    cotangents : list of (Node, Node)
        A primal, and its whole cotangent.
    ends : list of Node
        What must happen though no result depends on it: `ensure`.
    """

    def __init__(self) -> None:
        self.start = next_serial()
        self.inputs: dict[Node, int] = {}
        self.held: dict[Node, Any] = {}
        self.names: dict[Node, str] = {}
        self.array_names: dict[int, str] = {}
        self.places: dict[Node, Place] = {}
        self.backward: set[Node] = set()
        self.errstates: dict[Node, dict[str, Any]] = {}
        self.outside_errstate: Any = np.geterr()
        self.cotangents: list[tuple[Node, Node]] = []
        self.ends: list[Node] = []
        self.frames: dict[int, Any] = {}
        self.seen: dict[int, tuple[Any, int]] = {}
        self.composites: list[str] = []
        self.adopted: dict[Node, Tensor] = {}
        self.sweeps = self.bodies = 0

    # what `recording.Tracer` asks for

    def noted(self, node: Node) -> None:
        """Remember the line, the names that the user's variables have, and whether this is a sweep."""
        frame = frame_of_user()
        self.places[node] = Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, current.get().scope)
        if self.sweeps:
            self.backward.add(node)
        errstate: Any = np.geterr()
        if errstate != self.outside_errstate:
            changed = {kind for kind, how in errstate.items() if how != self.outside_errstate[kind]}
            function = node.rule.function
            if changed != {"divide"} or function in DIVIDE or not (isinstance(function, np.ufunc) or function in NEVER):
                self.errstates[node] = errstate
        for arg, parent in itertools.zip_longest(node.args or (), node.parents):
            if parent is None or isinstance(parent, Leaf):
                self.sees(arg)
        self.sees(list((node.kwargs or {}).values()))
        if not self.sweeps and not self.bodies:  # in a rule or a primitive, names are those of its own parameters
            self.frames[id(frame)] = frame
            self.look(frame)
        if node.rule is TABLE[operator.getitem] or node.rule is TABLE[assign]:
            self.check_mask(node)
        elif (fix := VARYING.get(node.rule.name)) is not None and self.varies(node):
            what = f"{node.rule.name}, whose result has a shape or dtype that depends on values,"
            raise self.refused(what, fix)

    def varies(self, node: Node) -> bool:
        """Return whether it depends on computed values what a function's result looks like."""
        x, parent = (node.args or (None,))[0], node.parents[0]
        return parent is not None and self.is_computed(parent) and getattr(x, "dtype", np.dtype("c16")).kind != "c"

    def check_mask(self, node: Node) -> None:
        """Refuse an index by a computed mask, which takes as many entries as it happens to be true."""
        writes = node.rule is not TABLE[operator.getitem]
        x, *rest = node.args or ()
        index = rest[1:] if writes else rest
        for i, parent in zip(index, node.parents[2 if writes else 1 :], strict=True):
            if getattr(i, "dtype", None) == np.bool_ and parent is not None and self.is_computed(parent):
                if writes and len(index) == 1 and (np.size(rest[0]) == 1 or np.ndim(rest[0]) <= x.ndim - i.ndim):
                    continue  # one value for all these places
                what = "t[mask] = values" if writes else "t[mask]"
                raise self.refused(
                    f"`{what}` with a mask that is computed or an argument, so that it takes now more entries, now "
                    "fewer,",
                    "Write np.where(mask, a, b), or np.sum(a, where=mask): these keep the shape.",
                )

    def is_computed(self, node: Node) -> bool:
        """Return whether a value is an argument, or computed; not if it is outside, or made by hand."""
        return node.serial >= self.start and node not in self.held and node not in self.adopted

    def sees(self, arg: Any) -> None:
        """Hold a plain array to what it was when it was used first: a program has one value for it."""
        if isinstance(arg, Tensor):
            arg = arg._value if arg.node is None or isinstance(arg.node, Leaf) else None
        if isinstance(arg, (list, tuple)):
            for part in arg:
                self.sees(part)
        elif isinstance(arg, np.ndarray) and arg.dtype.kind in "fciub":
            now = zlib.crc32(np.ascontiguousarray(arg))  # type: ignore[arg-type]
            if self.seen.setdefault(id(arg), (arg, now))[1] != now:
                raise self.refused(
                    f"writing into an array {arg.shape} between two uses of it",
                    "Make a new one each time, or make it a Tensor, t = ag.Tensor(a), and write to that.",
                )

    def let_go(self) -> None:
        """Leave no trace: Tensors from outside are as they were; one that was kept outside keeps nothing else."""
        for node, tensor in self.adopted.items():
            if tensor.node is node:
                tensor.node = None
        for node in self.places:
            node.free()

    def look_back(self) -> None:
        """Take the names that were given last, and let go of the frames."""
        try:
            for frame in self.frames.values():
                self.look(frame)
        finally:
            for frame in self.frames.values():
                if sys.version_info < (3, 13) and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
                    frame.f_locals.clear()  # a copy, which the frame keeps, and all that is in it, until it returns
            self.frames.clear()

    def look(self, frame: Any) -> None:
        """Take the names of the Tensors and arrays in a frame's variables."""
        if frame.f_code.co_name == "<module>":
            return
        known = frame.f_globals
        outside = [(name, known[name]) for name in frame.f_code.co_names if name in known]
        for name, value in [*frame.f_locals.items(), *outside]:
            if isinstance(value, Tensor):
                if value.node is not None:
                    self.names.setdefault(value.node, name)
            elif isinstance(value, np.ndarray):
                self.array_names.setdefault(id(value), name)

    def holds(self, tensor: Tensor) -> None:
        """Keep what the function makes by hand."""
        assert tensor.node is not None
        self.held[tensor.node] = tensor._value

    @contextmanager
    def sweep(self) -> Iterator[None]:
        """Know that a reverse sweep goes on."""
        self.sweeps += 1
        try:
            yield
        finally:
            self.sweeps -= 1

    def cotangent(self, node: Node, g: Any) -> None:
        """Remember whose cotangent a value is."""
        if isinstance(g, Tensor) and g.node is not None:
            self.cotangents.append((node, g.node))

    def recorded(self, rule: Any, operands: Any, result: Any) -> None:
        """Nothing: `noted` is told."""

    def composed(self, function: Any, implementation: Any, args: Any, kwargs: Any, name: str) -> Any:  # noqa: ARG002
        """Call what a function is rewritten as; remember its name, for messages."""
        self.composites.append(name)
        try:
            return implementation(*args, **kwargs)
        finally:
            self.composites.pop()

    def cut(self, result: Any, operands: Any, kind: str, how: str) -> None:
        """Nothing: what is constant is recorded too."""

    def left(self, tensor: Tensor, how: str) -> None:
        """Refuse: the program would hold the value of one call."""
        if tensor.node in self.held:  # made here by hand, of what was known before
            return
        self.look(frame_of_user())
        name = tensor.name or self.names.get(tensor.node)  # type: ignore[arg-type]
        how = f"{self.composites[-1]}, which looks at values," if self.composites else how
        raise self.refused(
            f"{how} needs the value of {name or 'a Tensor'} {tensor.shape}, which",
            "Choose with np.where(condition, a, b); take numbers out of the results; pass what decides the course as "
            "an argument that is no array.",
        )

    def demands(self, condition: Any, error: Callable[[], Exception]) -> None:
        """Have the program check a condition at each call."""
        ensure(condition, error)

    def outside(self, values: Any, what: str) -> None:
        """Refuse Tensors of the program where something needs their values."""
        for leaf in flatten(values)[0]:
            if isinstance(leaf, Tensor):
                self.left(leaf, what)

    def writes(self, tensor: Tensor, what: str) -> None:
        """Refuse to change a Tensor from outside: it would hold a value of the recording afterwards."""
        node = tensor.node
        if node is None or node in self.inputs or node in self.adopted or node.serial < self.start:
            whose = "an argument" if node in self.inputs else "a Tensor from outside"
            raise self.refused(f"`{what}` on {whose}", "Change a copy, t.copy(), and return it.")

    def adopt(self, tensor: Tensor) -> None:
        """Give a constant from outside a node: it may hold another array when the program is called."""
        tensor.node = Leaf(tensor._value, False, weakref.ref(tensor), current.get().scope)
        self.adopted[tensor.node] = tensor

    def refused(self, what: str, fix: str) -> TraceError:
        """Return the error of something that a program cannot hold, with the user's line."""
        return TraceError(f"While a program is recorded, {what} is not possible ({here()}). {fix}")

    def constant(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """Record a call through which no cotangent passes."""
        if function is beside:  # the first argument as it is
            return args[0] if isinstance(args[0], Tensor) else Tensor(np.asarray(args[0]))
        if function in DYNAMIC:
            what = f"{name_of(function)}, whose result has now more entries, now fewer,"
            self.outside((args, kwargs), what)
        if function is order:
            return order.__wrapped__(*args, **kwargs)
        return self.call(Called(function), args, kwargs, result)

    def call(self, rule: Called, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """Record any call; its result is a Tensor, or several."""
        tensors = [t for t in flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        for tensor in tensors:
            if tensor.node is None:
                self.adopt(tensor)
        parents = tuple(t.node for t in tensors)
        several = isinstance(result, (tuple, list))
        if rule.pure and not any(parents):
            parts = [Tensor(np.asarray(r)) for r in (result if several else [result])]
        else:
            arrays = [np.asarray(r) for r in (result if several else [result])]
            out = Several(arrays, ITEM) if several else arrays[0]
            args, kwargs = as_now((args, kwargs))
            node = Fixed().made(rule, args, kwargs or None, parents, out, 0, current.get().scope)
            self.noted(node)
            parts = [wrap(a, node.item(i) if several else node) for i, a in enumerate(arrays)]
        if not several:
            return parts[0]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)

    def body(self, rule: Rule, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a function of somebody's own computes, recorded step by step, with its own rule for cotangents.

        None if it is one step of the program: a function of NumPy's or SciPy's, one that computes with something else,
        or that needs values.
        """
        inside = getattr(function, "__wrapped__", None)
        module = str(getattr(function, "__module__", ""))
        if inside is None or (module.startswith("autograd_mini.") and rule.name != "logsumexp"):
            return None
        if module.partition(".")[0] in ("numpy", "scipy"):
            return None
        mark = len(self.ends)
        self.bodies += 1
        try:
            with no_grad():
                result = inside(*args, **kwargs)
        except Exception:  # called as one step, it says itself what is wrong
            result = None
        finally:
            self.bodies -= 1
        if not isinstance(result, Tensor) or result.node is None or result.node.serial < self.start:
            del self.ends[mark:]
            return None
        operands, keywords = rule.bind(args, kwargs)
        self.outside(keywords, f"{rule.name}: a keyword")
        tensor = record(rule, result._value, operands, keywords)
        tensor.node.extras().body = result.node
        return tensor


def as_now(tree: Any) -> Any:
    """Return arguments with other Tensors, which stay as these are now: a write gives a Tensor another history."""
    leaves, rebuild = flatten(tree)
    return rebuild([wrap(leaf._value, leaf.node) if isinstance(leaf, Tensor) else leaf for leaf in leaves])


class tracing(Setting):
    """Record everything inside."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(mode="differentiable", keep=True, scope=(), watch=recorder, trace=recorder)


# --- from a graph to a line -----------------------------------------------------------------------------------------


class Line:
    """Lays the nodes of one recording out as steps."""

    def __init__(self, recorder: Recorder, inputs: Sequence[Value]) -> None:
        self.recorder = recorder
        self.table: dict[Node, Any] = {node: inputs[i] for node, i in recorder.inputs.items()}
        self.parts: dict[Node, tuple[Value, ...]] = {}
        self.constants: dict[Value, Constant] = {}
        self.known: dict[Any, Value] = {}
        self.steps: list[Step] = []

    def lay(self, ends: list[Node]) -> None:
        """Make a step of each node that leads to the ends, oldest first."""
        inside = [node for node in ends if node.serial >= self.recorder.start]
        order = list(toposort(inside, constants=True, since=self.recorder.start))
        for node in reversed(order):
            if node not in self.table:
                self.table[node] = self.value(node)
        for node, g in self.recorder.cotangents:
            primal, value = self.primal(node), self.table.get(g)
            if isinstance(primal, Value) and isinstance(value, Value) and value is not primal:
                value.primal = value.primal or primal
        for node, name in self.recorder.names.items():
            value = self.table.get(node)
            if isinstance(value, Value) and value.name is None:
                value.name = name

    def primal(self, node: Node) -> Any:
        """Return the value of a node; if no step needs it, one that has its name."""
        while node not in self.table and node.rule is IDENTITY and node.parents[0] is not None:
            node = node.parents[0]
        name = self.recorder.names.get(node) or node.name
        if node not in self.table and name is not None and not isinstance(node.out, Several):
            self.table[node] = Value(node.shape, node.dtype, name)
        return self.table.get(node)

    def value(self, node: Node) -> Any:
        """Return what stands for a node: a value, which a step makes; or that of another node."""
        rule = node.rule
        if isinstance(node, Leaf):
            return self.leaf(node)
        if node.extra is not None and node.extra.body is not None:
            value = self.at(None, node.extra.body)
            if value.name is None:
                value.name = node.name
            return value
        if rule is IDENTITY:
            (arg,) = node.args or (None,)
            return self.at(arg, node.parents[0])
        if rule is ITEM:
            assert node.kwargs is not None
            parent = node.parents[0]
            assert parent is not None
            return self.parts[parent][node.kwargs["i"]]
        if isinstance(rule, Called):
            args, kwargs = self.tree(node.args), self.tree(node.kwargs or {})
            return self.step(node, rule.function, args, kwargs, rule.pure)
        operands = [self.at(a, p) for a, p in zip(node.args or (), node.parents, strict=True)]
        if rule is TABLE[operator.getitem]:
            return self.step(node, operator.getitem, (operands[0], tuple(operands[1:])), {}, True)
        function, args, kwargs = rule.called(operands, node.kwargs or {})
        if function is einsum:
            function, args = np.einsum, (kwargs.pop("subscripts"), *args)
        return self.step(node, function, args, kwargs, True)

    def step(self, node: Node, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], pure: bool) -> Any:
        """Add a step, and return its value."""
        out, recorder = node.out, self.recorder
        if function in MASKED:
            for i in values_in(args[1:]):
                if i.dtype == np.bool_ and i in self.constants:
                    self.constants[i].places = int(np.count_nonzero(self.constants[i].array))
        outs = tuple(Value(o.shape, o.dtype) for o in (out.parts if isinstance(out, Several) else [out]))
        if not isinstance(out, Several):
            outs[0].name = node.name
        if function is ensure:
            outs = ()
        self.steps.append(
            Step(
                function, args, kwargs, outs, isinstance(out, Several), node in recorder.backward,
                recorder.places.get(node), node.scope, recorder.errstates.get(node), pure,
            )
        )  # fmt: skip
        if isinstance(out, Several):
            self.parts[node] = outs
            return None
        return outs[0] if outs else None

    def at(self, arg: Any, parent: Node | None) -> Any:
        """Return what stands for an operand: a value, or a plain argument."""
        if parent is not None and parent in self.table:
            return self.table[parent]
        if parent is not None and parent.serial >= self.recorder.start and not isinstance(parent, Leaf):
            raise self.recorder.refused("using a value before it is computed", "This is a defect: tell us of it.")
        if isinstance(parent, Leaf):
            return self.leaf(parent, arg)
        if isinstance(arg, np.ndarray):
            return self.held(id(arg), Constant(arg), self.recorder.array_names.get(id(arg)))
        if is_other(arg):
            raise self.recorder.refused(f"computing with a {kind_name(type(arg))}", "Programs are for NumPy's arrays.")
        if isinstance(arg, (Node, Spec)):
            raise self.recorder.refused("using what was recorded before, without its value,", "Pass it as an argument.")
        return arg

    def leaf(self, node: Leaf, arg: Any = None) -> Value:
        """Return the constant that a Tensor from outside is, or one made by hand."""
        held = self.recorder.held.get(node)
        owner = self.recorder.adopted.get(node)
        if owner is None and node.owner is not None:
            owner = node.owner()
        if owner is None or held is not None:
            array = held if held is not None else arg
            if array is None:
                raise self.recorder.refused("using a Tensor from outside that is gone", "Keep it, or make it inside.")
            return self.held(id(array), Constant(array), self.recorder.array_names.get(id(array)) or node.name)
        return self.held(node, Constant(owner._value, owner), node.name or self.recorder.names.get(node))

    def held(self, key: Any, constant: Constant, name: str | None) -> Value:
        """Return the value of a constant, one for each array."""
        if key not in self.known:
            value = self.known[key] = Value(constant.array.shape, constant.array.dtype, name)
            self.constants[value] = constant
        return self.known[key]

    def tree(self, tree: Any) -> Any:
        """Return arguments as a step has them."""
        if isinstance(tree, Tensor):
            return self.at(tree._value, tree.node)
        if isinstance(tree, (tuple, list)):
            items = [self.tree(item) for item in tree]
            return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
        if isinstance(tree, dict):
            return {key: self.tree(item) for key, item in tree.items()}
        return self.at(tree, None)


# --- recording ------------------------------------------------------------------------------------------------------


def recorded(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], twice: bool = True) -> Program:
    """Return the program of a function for such arguments, not yet simplified."""
    first = _record(f, args, kwargs)
    if twice:
        _compare(first, _record(f, args, kwargs))
    return first


def is_array(leaf: Any) -> bool:
    """Return whether an argument is an array, and so an input of the program."""
    return isinstance(leaf, (np.ndarray, np.generic, Tensor))


def _record(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
    recorder = Recorder()
    try:
        return _laid_out(recorder, f, args, kwargs)
    finally:
        recorder.let_go()


def _laid_out(recorder: Recorder, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
    leaves, rebuild = flatten((args, kwargs))
    inputs: list[Value] = []
    tensors, standing = list(leaves), list(leaves)
    for i, leaf in enumerate(leaves):
        if not is_array(leaf):
            continue
        array = np.asarray(unwrap(leaf))
        if array.dtype.kind not in "fciub":
            raise TraceError(
                f"trace: an argument is an array of {array.dtype}, but must hold numbers. Pass what is no array of "
                "numbers as something else, or close over it."
            )
        tensors[i] = t = Tensor(array, requires_grad=array.dtype.kind in "fc")
        assert t.node is not None
        recorder.inputs[t.node] = len(inputs)
        standing[i] = value = Value(array.shape, array.dtype, leaf.name if isinstance(leaf, Tensor) else None)
        inputs.append(value)
    own_args, own_kwargs = rebuild(tensors)
    try:
        with tracing(recorder):
            result = f(*own_args, **own_kwargs)
    finally:
        recorder.look_back()
    for array, _ in [*recorder.seen.values()]:
        recorder.sees(array)
    signature = _signature(f)
    parameters = arguments_of(signature, *rebuild(standing))
    for name, tree in parameters:
        if isinstance(tree, Value) and tree.name is None:
            tree.name = name
    line = Line(recorder, inputs)
    outs, rebuild_out = flatten(result)
    nodes = [o.node for o in outs if isinstance(o, Tensor) and o.node is not None]
    line.lay([*nodes, *recorder.ends])
    outputs = rebuild_out([line.tree(o) if isinstance(o, (Tensor, np.ndarray)) else o for o in outs])
    name = getattr(f, "__name__", "program")
    name = name if str(name).isidentifier() else "program"
    program = Program(name, tuple(inputs), line.constants, line.steps, outputs, parameters, signature)
    program.outside = _leads_outside(recorder, outs)
    return program


def _leads_outside(recorder: Recorder, outs: list[Any]) -> str:
    """Return the name of a Tensor outside to which a differentiable path leads from the results; nothing if none."""
    ends = [o.node for o in outs if isinstance(o, Tensor) and o.node is not None and o.node.requires_grad]
    for node in toposort((n for n in ends if n.serial >= recorder.start), since=recorder.start):
        for parent in node.parents:
            if parent is not None and parent.requires_grad and parent.serial < recorder.start:
                return parent.name or f"a Tensor of shape {parent.shape}"
    return next((n.name or f"a Tensor of shape {n.shape}" for n in ends if n.serial < recorder.start), "")


def _signature(f: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(f)
    except (TypeError, ValueError):
        return None


def _compare(first: Program, second: Program) -> None:
    """Hold two recordings against each other; learn which constants the function makes itself, always the same."""
    pairs = dict(zip(first.inputs, second.inputs, strict=True))

    def same(a: Any, b: Any, step: Step | None) -> None:
        if isinstance(a, Value) and isinstance(b, Value):
            if a in first.constants and b in second.constants:
                _same_constant(first.constants[a], second.constants[b], a.name, step)
                pairs.setdefault(a, b)
            if pairs.get(a) is not b:
                raise _differs(step, "uses other values")
        elif isinstance(a, (tuple, list)) and type(a) is type(b) and len(a) == len(b):
            for x, y in zip(a, b, strict=True):
                same(x, y, step)
        elif isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
            for key in a:
                same(a[key], b[key], step)
        elif isinstance(a, slice) and isinstance(b, slice):
            same((a.start, a.stop, a.step), (b.start, b.stop, b.step), step)
        elif a is not b and not _equal(a, b):
            raise _differs(step, f"has {a!r:.40} the first time and {b!r:.40} the second")

    for one, two in zip(first.steps, second.steps, strict=False):
        if one.function is not two.function and name_of(one.function) != name_of(two.function):
            raise _differs(one, f"is {name_of(two.function)} the second time")
        same(one.args, two.args, one)
        same(one.kwargs, two.kwargs, one)
        for a, b in zip(one.outs, two.outs, strict=True):
            if a.shape != b.shape or a.dtype != b.dtype:
                raise _differs(one, f"gives shape {a.shape} the first time and {b.shape} the second")
            pairs[a] = b
    if len(first.steps) != len(second.steps):
        raise _differs(None, f"takes {len(first.steps)} steps, then {len(second.steps)}")
    same(first.outputs, second.outputs, None)


def _same_constant(a: Constant, b: Constant, name: str | None, step: Step | None) -> None:
    if a.owner is not None and a.owner is b.owner:
        return
    a.owner = None  # two Tensors, each made for its recording
    if a.array is b.array or _same_memory(a.array, b.array):
        return
    if a.array.shape != b.array.shape or a.array.dtype != b.array.dtype or a.array.tobytes() != b.array.tobytes():
        raise _differs(step, f"computes with an array {name + ' ' if name else ''}{a.array.shape} that is another one")
    a.inner = True


def _same_memory(a: Any, b: Any) -> bool:
    """Return whether two arrays, both alive, show the same memory in the same way."""
    return bool(
        a.__array_interface__["data"] == b.__array_interface__["data"]
        and (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)
        and a.size
    )


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, FunctionType) and isinstance(b, FunctionType):  # made anew at each call: the same if all in it is
        cells = [[cell.cell_contents for cell in f.__closure__ or ()] for f in (a, b)]
        if a.__code__ is not b.__code__ or len(cells[0]) != len(cells[1]):
            return False
        return all(x is y or _equal(x, y) for x, y in zip(*cells, strict=True))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return (a.shape, a.dtype) == (b.shape, b.dtype) and a.tobytes() == b.tobytes()
    try:
        return type(a) is type(b) and (bool(a == b) or (a != a and b != b))
    except (TypeError, ValueError):
        return False


def _differs(step: Step | None, how: str) -> TraceError:
    where = "it" if step is None else f"{name_of(step.function)} ({step.place})"
    return TraceError(
        f"Recorded twice, the function does not do the same: {where} {how}. Draw random numbers with "
        "ag.fresh(rng.random, shape), or pass them as arguments; let nothing depend on a counter or the time."
    )


def trace(f: Callable[..., Any]) -> Callable[..., Program]:
    """Return a function that, called as `f` is, returns the `Program` that `f` runs through for such arguments.

    Whatever `f` computes with NumPy is recorded, gradients included: trace ``value_and_grad(loss)`` and the program is
    the forward and the backward pass. Arrays among the arguments are its inputs; what is no array is fixed. `f` is
    called twice, and what is not the same both times is refused.

    Tensors and arrays outside that take part are read anew at each call. What NumPy alone computes of arrays outside,
    without a Tensor, is a constant: hold them in a Tensor, ``t = ag.Tensor(a)``, and compute with that.

    Parameters
    ----------
    f : callable
        NumPy code; its arguments and result may be trees.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> Program``. ``print(program.source())`` shows it as NumPy code; ``program(*args)`` runs.

    Raises
    ------
    TraceError
        If `f` needs the value of something that is computed (``if t > 0:``, ``float(t)``, ``t[t > 0]``), does not do
        the same twice, or writes to what is outside.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> def loss(W, x, t):
    ...     h = np.tanh(x @ W.T)
    ...     return 0.5 * np.sum((h - t) ** 2)
    >>> program = ag.trace(ag.value_and_grad(loss))(np.eye(2), np.ones((3, 2)), np.zeros((3, 2)))
    >>> print(program.source())
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def loss(W, x, t):
        # forward
        z1 = x @ W.T                  # (3, 2)
        h = np.tanh(z1)               # (3, 2)
        h1 = h - t                    # (3, 2)
        loss = 0.5 * np.sum(h1 ** 2)  # ()
    <BLANKLINE>
        # backward
        d_z1 = h1 * (1 - h * h)       # (3, 2)
        d_W = d_z1.T @ x              # (2, 2)
        return loss, d_W
    <BLANKLINE>
    >>> value, gradient = program(np.ones((2, 2)), np.ones((3, 2)), np.zeros((3, 2)))
    """
    if not callable(f):
        raise TypeError(f"ag.trace takes a function, as in ag.trace(f)(x), not a {type(f).__name__}.")

    @functools.wraps(f)
    def wrapped(*args: Any, **kwargs: Any) -> Program:
        return simplified(recorded(f, args, kwargs))

    return wrapped


# --- what only a program needs --------------------------------------------------------------------------------------


def fresh(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function whose result is another one each time, such as a generator's; a program calls it anew each time.

    Parameters
    ----------
    function : callable
        Returns one array: ``rng.random``, ``rng.normal``. It is a constant for derivatives.
    *args, **kwargs
        Its arguments: not computed ones.

    Returns
    -------
    array
        Inside `trace`, a Tensor that stands for it.

    Raises
    ------
    TraceError
        If an argument is computed by the program.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> rng = np.random.default_rng(0)
    >>> ag.fresh(rng.random, 3).shape
    (3,)
    """
    if not callable(function):
        raise TypeError(
            f"ag.fresh takes a function and its arguments, as in ag.fresh(rng.random, shape), not a "
            f"{type(function).__name__}."
        )
    recorder = current.get().trace
    if recorder is None:
        return function(*args, **kwargs)
    recorder.outside((args, kwargs), "an argument of ag.fresh")
    states = [(g, state_of(g)) for g in _generators((function, args, kwargs))]
    try:  # recording is no run: what is drawn then is drawn again later
        result = function(*args, **kwargs)
    finally:
        for generator, state in states:
            set_state(generator, state)
    drawn = recorder.call(Called(function, pure=False), args, kwargs, np.asarray(result))  # type: ignore[attr-defined]
    recorder.ends.append(drawn.node)  # type: ignore[attr-defined]  # though nothing needs it: the next ones follow it
    return drawn


def _generators(tree: Any) -> list[Any]:
    """Return the random generators that a function can draw from: its own, those in its cells, globals, arguments."""
    found: dict[int, Any] = {}
    waiting, seen = [tree], set()
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (np.random.Generator, np.random.RandomState, random.Random)):
            found[id(thing)] = thing
        elif isinstance(thing, (tuple, list)):
            waiting += thing
        elif isinstance(thing, dict):
            waiting += thing.values()
        elif isinstance(thing, functools.partial):
            waiting += [thing.func, thing.args, thing.keywords]
        elif isinstance(thing, FunctionType):
            code, space = thing.__code__, thing.__globals__
            waiting += [space[name] for name in code.co_names if name in space]
            waiting += [cell.cell_contents for cell in thing.__closure__ or () if cell != CellType()]
            waiting += [thing.__defaults__, thing.__kwdefaults__]
        elif isinstance(thing, (MethodType, BuiltinMethodType)):
            waiting += [thing.__self__, getattr(thing, "__func__", None)]
        elif not isinstance(thing, (type, ModuleType, np.ndarray, Tensor)):
            waiting.append(getattr(thing, "__dict__", None))
    return list(found.values())


def state_of(generator: Any) -> Any:
    """Return the state of a random generator, of NumPy's or Python's."""
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.getstate() if isinstance(generator, random.Random) else generator.get_state(legacy=False)


def set_state(generator: Any, state: Any) -> None:
    """Put a random generator back to a state that it had."""
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, random.Random):
        generator.setstate(state)
    else:
        generator.set_state(state)


def ensure(condition: Any, error: Callable[..., Exception], *values: Any) -> None:
    """Raise an error unless a condition holds everywhere; a program checks it at each call.

    Parameters
    ----------
    condition : array_like of bool
        What must hold.
    error : callable
        Makes the exception, of `values`.
    *values
        What the message tells of: it gets them as arrays.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> ag.ensure(np.array([1, 2]) > 0, lambda: ValueError("not positive"))
    """
    recorder = current.get().trace
    if recorder is not None and any(isinstance(v, Tensor) and v.node is not None for v in (condition, *values)):
        rule = Called(ensure, pure=False)
        parents = tuple(v.node for v in (condition, *values) if isinstance(v, Tensor))
        args = as_now((condition, error, *values))
        node = Fixed().made(rule, args, None, parents, np.asarray(True), 0, current.get().scope)
        recorder.noted(node)
        recorder.ends.append(node)  # type: ignore[attr-defined]
    if not np.all(unwrap(condition)):
        raise error(*map(unwrap, values))
