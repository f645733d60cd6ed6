"""trace: record a whole function, its gradients included, as a Program.

The function is called on Tensors while everything is recorded, constants too; then the graph is laid out as a line. It
is called twice: what is not the same both times, such as random numbers, is not frozen but refused.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .arrays import is_other, kind_name
from .errors import TraceError
from .graph import Fixed, Leaf, Node, Several, Spec, next_serial, toposort
from .places import Place, frame_of_user, here
from .program import Constant, Program, Step, Value, arguments_of
from .recording import Setting, current, no_grad
from .rules.einsum import einsum
from .rules.index import constants as beside
from .simplify import simplified
from .table import TABLE, Rule, name_of
from .tensor import IDENTITY, ITEM, Tensor, record, unwrap, wrap
from .trees import flatten

__all__ = ["ensure", "fresh", "recorded", "trace"]


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
    held : dict of Node to Tensor
        Tensors that the function makes by hand.
    names : dict of Node to str
        By which local variable or argument the user knows a value.
    places, backward, errstates
        Of a node: the user's line; whether a sweep made it; what np.errstate was in force.
    cotangents : list of (Node, Node)
        A primal, and its whole cotangent.
    ends : list of Node
        What must happen though no result depends on it: `ensure`.
    """

    def __init__(self, code: Any) -> None:
        self.start = next_serial()
        self.code = code
        self.inputs: dict[Node, int] = {}
        self.held: dict[Node, Tensor] = {}
        self.names: dict[Node, str] = {}
        self.array_names: dict[int, str] = {}
        self.places: dict[Node, Place] = {}
        self.backward: set[Node] = set()
        self.errstates: dict[Node, dict[str, Any]] = {}
        self.outside_errstate = np.geterr()
        self.cotangents: list[tuple[Node, Node]] = []
        self.ends: list[Node] = []
        self.frames: dict[int, Any] = {}
        self.sweeps = 0

    # what `recording.Tracer` asks for

    def noted(self, node: Node) -> None:
        """Remember the line, the names that the user's variables have, and whether this is a sweep."""
        frame = frame_of_user()
        self.frames[id(frame)] = frame
        self.places[node] = Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, current.get().scope)
        if self.sweeps:
            self.backward.add(node)
        errstate: Any = np.geterr()
        if errstate != self.outside_errstate:
            self.errstates[node] = errstate
        self.look(frame)

    def look(self, frame: Any) -> None:
        """Take the names of the Tensors and arrays in a frame's variables."""
        if frame.f_code.co_name == "<module>":
            return
        for name, value in frame.f_locals.items():
            if isinstance(value, Tensor):
                if value.node is not None and value.node.serial >= self.start:
                    self.names.setdefault(value.node, name)
            elif isinstance(value, np.ndarray):
                self.array_names.setdefault(id(value), name)

    def holds(self, tensor: Tensor) -> None:
        """Keep what the function makes by hand."""
        assert tensor.node is not None
        self.held[tensor.node] = tensor

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
        """Call what a function is rewritten as."""
        return implementation(*args, **kwargs)

    def cut(self, result: Any, operands: Any, kind: str, how: str) -> None:
        """Nothing: what is constant is recorded too."""

    def left(self, tensor: Tensor, how: str) -> None:
        """Refuse: the program would hold the value of one call."""
        if tensor.node is not None and (tensor.node.serial >= self.start or tensor.node in self.inputs):
            if tensor.node in self.held:  # made here by hand, of what was known before
                return
            name = tensor.name or self.names.get(tensor.node)
            what = f"{how} needs the value of {name or 'a Tensor'} {tensor.shape}"
            raise self.refused(
                what,
                "Choose with np.where(condition, a, b), compute with Tensors, and take numbers out of the results "
                "afterwards. What decides the course of a program is an argument that is no array, or fixed outside.",
            )

    def outside(self, values: Any, what: str) -> None:
        """Refuse Tensors of the program where something needs their values."""
        for leaf in flatten(values)[0]:
            if isinstance(leaf, Tensor):
                self.left(leaf, what)

    def writes(self, tensor: Tensor, what: str) -> None:
        """Refuse to write into a Tensor from outside: it would hold a value of the recording afterwards."""
        if isinstance(tensor.node, Leaf) and tensor.node not in self.held:
            raise self.refused(f"`{what}` into a Tensor from outside", "Write into a copy, and return that: t.copy().")

    def refused(self, what: str, fix: str) -> TraceError:
        """Return the error of something that a program cannot hold, with the user's line."""
        return TraceError(f"While a program is recorded, {what} is not possible ({here()}). {fix}")

    def constant(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """Record a call through which no cotangent passes."""
        if function is beside:  # the first argument as it is
            return args[0] if isinstance(args[0], Tensor) else wrap(np.asarray(args[0]), None)
        return self.call(Called(function), args, kwargs, result)

    def call(self, rule: Called, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        """Record any call; its result is a Tensor, or several."""
        parents = tuple(t.node for t in flatten((args, kwargs))[0] if isinstance(t, Tensor))
        several = isinstance(result, (tuple, list))
        if rule.pure and not any(parents):
            parts = [wrap(np.asarray(r), None) for r in (result if several else [result])]
        else:
            arrays = [np.asarray(r) for r in (result if several else [result])]
            out = Several(arrays, ITEM) if several else arrays[0]
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
        try:
            with no_grad():
                result = inside(*args, **kwargs)
        except Exception:  # called as one step, it says itself what is wrong
            result = None
        if not isinstance(result, Tensor) or result.node is None or result.node.serial < self.start:
            del self.ends[mark:]
            return None
        operands, keywords = rule.bind(args, kwargs)
        self.outside(keywords, f"{rule.name}: a keyword")
        tensor = record(rule, result._value, operands, keywords)
        tensor.node.extras().body = result.node
        return tensor


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
        owner = node.owner() if node.owner is not None else held
        if owner is None or held is not None:
            array = held._value if held is not None else arg
            return self.held(id(array), Constant(array), self.recorder.array_names.get(id(array)) or node.name)
        return self.held(node, Constant(owner._value, owner), node.name)

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
    leaves, rebuild = flatten((args, kwargs))
    code = getattr(inspect.unwrap(f), "__code__", None) if callable(f) else None
    recorder = Recorder(code)
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
    with tracing(recorder):
        result = f(*own_args, **own_kwargs)
    for frame in recorder.frames.values():
        recorder.look(frame)
    recorder.frames.clear()
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
    return Program(name, tuple(inputs), line.constants, line.steps, outputs, parameters, signature)


def _signature(f: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(f)
    except (TypeError, ValueError):
        return None


def _compare(first: Program, second: Program) -> None:
    """Hold two recordings against each other; learn which constants the function makes itself, always the same."""
    pairs = dict(zip(first.inputs, second.inputs, strict=True))

    def same(a: Any, b: Any, where: str) -> None:
        if isinstance(a, Value) and isinstance(b, Value):
            if a in first.constants and b in second.constants:
                _same_constant(first.constants[a], second.constants[b], a.name, where)
                pairs.setdefault(a, b)
            if pairs.get(a) is not b:
                raise _differs(where, "uses other values")
        elif isinstance(a, (tuple, list)) and type(a) is type(b) and len(a) == len(b):
            for x, y in zip(a, b, strict=True):
                same(x, y, where)
        elif isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
            for key in a:
                same(a[key], b[key], where)
        elif isinstance(a, slice) and isinstance(b, slice):
            same((a.start, a.stop, a.step), (b.start, b.stop, b.step), where)
        elif a is not b and not _equal(a, b):
            raise _differs(where, f"has {a!r:.40} the first time and {b!r:.40} the second")

    for one, two in zip(first.steps, second.steps, strict=False):
        where = f"{name_of(one.function)} ({one.place})"
        if one.function is not two.function and name_of(one.function) != name_of(two.function):
            raise _differs(where, f"is {name_of(two.function)} the second time")
        same(one.args, two.args, where)
        same(one.kwargs, two.kwargs, where)
        for a, b in zip(one.outs, two.outs, strict=True):
            if a.shape != b.shape or a.dtype != b.dtype:
                raise _differs(where, f"gives shape {a.shape} the first time and {b.shape} the second")
            pairs[a] = b
    if len(first.steps) != len(second.steps):
        raise _differs("the function", f"takes {len(first.steps)} steps, then {len(second.steps)}")
    same(first.outputs, second.outputs, "the result")


def _same_constant(a: Constant, b: Constant, name: str | None, where: str) -> None:
    if a.owner is not None or b.owner is not None:
        if a.owner is not b.owner:
            raise _differs(where, "uses two Tensors")
        return
    if a.array is b.array or _same_memory(a.array, b.array):
        return
    if a.array.shape != b.array.shape or a.array.dtype != b.array.dtype or a.array.tobytes() != b.array.tobytes():
        raise _differs(where, f"computes with an array {name + ' ' if name else ''}{a.array.shape} that is another one")
    a.inner = True


def _same_memory(a: Any, b: Any) -> bool:
    """Return whether two arrays, both alive, show the same memory in the same way."""
    return bool(
        a.__array_interface__["data"] == b.__array_interface__["data"]
        and (a.shape, a.strides, a.dtype) == (b.shape, b.strides, b.dtype)
        and a.size
    )


def _equal(a: Any, b: Any) -> bool:
    try:
        return type(a) is type(b) and (bool(a == b) or (a != a and b != b))
    except (TypeError, ValueError):
        return False


def _differs(where: str, how: str) -> TraceError:
    return TraceError(
        f"Recorded twice, the function does not do the same: {where} {how}. A program would repeat the first time for "
        "ever. Draw random numbers with ag.fresh(rng.random, shape), or pass them as arguments; let nothing depend on "
        "a counter or the time."
    )


def trace(f: Callable[..., Any]) -> Callable[..., Program]:
    """Return a function that, called as `f` is, returns the `Program` that `f` runs through for such arguments.

    Whatever `f` computes with NumPy is recorded, gradients included: trace ``value_and_grad(loss)`` and the program is
    the forward and the backward pass. Arrays among the arguments are its inputs; what is no array is fixed. `f` is
    called twice.

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
        If `f` needs the value of something that is computed (``if t > 0:``, ``float(t)``), does not do the same twice,
        or writes to what is outside.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> def loss(w, x):
    ...     h = np.tanh(x @ w)
    ...     return np.sum(h * h)
    >>> program = ag.trace(ag.value_and_grad(loss))(np.ones(3), np.ones((2, 3)))
    >>> print(program.source())  # doctest: +SKIP
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
    bound = getattr(function, "__self__", None)
    if isinstance(bound, np.random.Generator):  # recording is no run: what is drawn then is drawn again later
        state = bound.bit_generator.state
        try:
            result = function(*args, **kwargs)
        finally:
            bound.bit_generator.state = state
    else:
        result = function(*args, **kwargs)
    return recorder.call(Called(function, pure=False), args, kwargs, np.asarray(result))  # type: ignore[attr-defined]


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
        node = Fixed().made(rule, (condition, error, *values), None, parents, np.asarray(True), 0, current.get().scope)
        recorder.noted(node)
        recorder.ends.append(node)  # type: ignore[attr-defined]
    if not np.all(unwrap(condition)):
        raise error(*map(unwrap, values))
