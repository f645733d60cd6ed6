"""Program: a graph laid out as a straight line, the one form that source, compilation and pictures read.

A program is data: values, and steps that make values of values. A step is a NumPy function with its arguments, in which
a `Value` stands for an array; there is nothing of Tensors or of the table in it.
"""

from __future__ import annotations

import inspect
import itertools
import linecache
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import TraceError

__all__ = [
    "Constant",
    "Listing",
    "Program",
    "Step",
    "Value",
    "arguments_of",
    "arrays_in",
    "defined",
    "filled",
    "mapped",
    "matched",
    "plain",
    "values_in",
]

Array = Any


class Value:
    """An array of a program: an input, a constant, or what a step makes.

    Attributes
    ----------
    shape, dtype
        Of the array.
    name : str or None
        What the user calls it: a Tensor's name, an argument, a local variable.
    primal : Value or None
        Of a cotangent: whose it is.
    """

    __slots__ = ("dtype", "name", "primal", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any, name: str | None = None) -> None:
        self.shape, self.dtype, self.name = tuple(shape), np.dtype(dtype), name
        self.primal: Value | None = None

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for n in self.shape:
            size *= n
        return size

    def __repr__(self) -> str:
        return f"<Value {self.name or '_'} {self.shape} {self.dtype}>"


@dataclass(slots=True)
class Constant:
    """Where the array of a value comes from that is neither an argument nor made by a step.

    Attributes
    ----------
    array : array
        As it was when the program was recorded.
    owner : object or None
        A Tensor that holds the array: its present one is read at each call. None: the array itself is meant.
    inner : bool
        The function makes it anew at each call and always the same, as ``np.arange(3)``: nobody outside can change it.
    places : int or None
        Of a mask that is used as an index: at how many places it must be true.
    """

    array: Array
    owner: Any = None
    inner: bool = False
    places: int | None = None

    def read(self) -> Array:
        """Return the array as it is now; raise if the program is not for it."""
        array = self.array if self.owner is None else self.owner._value
        if self.places is not None and np.count_nonzero(array) != self.places:
            raise TraceError(
                f"A mask {array.shape} that is used as an index holds at {np.count_nonzero(array)} places now, but did "
                f"at {self.places} when the program was recorded, and shapes follow from that. Record it anew, or "
                "write np.where(mask, a, b)."
            )
        return array


@dataclass(slots=True, eq=False)
class Step:
    """One call.

    Attributes
    ----------
    function : callable
        A function of NumPy's (operators as their ufuncs), `operator.getitem`, one of the forms of `source`, or a
        function of somebody's own.
    args, kwargs
        Its arguments: trees in which a `Value` stands for an array.
    outs : tuple of Value
        What it makes: one value, or several where the function returns a tuple; none of an `ensure`.
    backward : bool
        It belongs to a reverse sweep.
    place : Place or None
        The user's line.
    scope : tuple of str
        The `scope` names.
    errstate : dict or None
        What `np.errstate` was in force, where it was not that of the whole function.
    pure : bool
        Called again with the same arguments, it makes the same.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outs: tuple[Value, ...]
    several: bool = False
    backward: bool = False
    place: Any = None
    scope: tuple[str, ...] = ()
    errstate: dict[str, Any] | None = None
    pure: bool = True

    @property
    def out(self) -> Value:
        """The only value that it makes."""
        (out,) = self.outs
        return out

    def operands(self) -> Iterator[Value]:
        """Yield the values that it reads; one that it reads twice, twice."""
        yield from values_in(self.args)
        yield from values_in(tuple(self.kwargs.values()))

    def call(self, of: Callable[[Value], Array]) -> Array:
        """Call the function on arrays."""
        return self.function(*filled(self.args, of), **{k: filled(v, of) for k, v in self.kwargs.items()})


@dataclass(eq=False)
class Program:
    """A function recorded as a straight line of NumPy calls; made by `autograd_mini.trace`.

    Attributes
    ----------
    name : str
        The function's.
    inputs : tuple of Value
        The arrays among its arguments, in their order.
    constants : dict of Value to Constant
        The arrays that it uses otherwise.
    steps : list of Step
        In order.
    outputs : tree
        Of the result's structure, with a `Value` for each array.
    parameters : tuple
        ``(name, tree)`` for each argument of the function, its arrays replaced by `Value`.
    outside : str
        The name of a Tensor that the function closes over and that its results could be differentiated by, if any.
    """

    name: str
    inputs: tuple[Value, ...]
    constants: dict[Value, Constant]
    steps: list[Step]
    outputs: Any
    parameters: tuple[tuple[str, Any], ...] = ()
    signature: inspect.Signature | None = None
    compiled: Any = None
    outside: str = ""

    if TYPE_CHECKING:  # source.py gives it these two

        def source(self) -> str:
            """Return the program as NumPy code, which runs by itself: ``name(*arrays)``."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Run that code: on arguments as the function takes them, of the same shapes and dtypes."""

    def check(self, given: tuple[tuple[str, Any], ...]) -> None:
        """Raise unless arguments are such as the program was recorded for."""
        for name, tree in given:
            standing = dict(self.parameters).get(name, _MISSING)
            if (problem := _unlike(tree, standing)) is not None:
                raise TraceError(
                    f"{self.name}: the argument {name} {problem}. A program is for the shapes, dtypes and options that "
                    "it was recorded with: record another one, or use ag.compile, which does."
                )
        if len(given) != len(self.parameters):
            missing = [name for name, _ in self.parameters if name not in dict(given)]
            raise TypeError(f"{self.name}() needs the arguments it was recorded with; missing: {', '.join(missing)}.")

    def given_back(self, result: Any, taken: Any) -> Any:
        """Return a result in arrays of its own, none of which shares memory with what was taken or with another.

        Raise if one has not the shape and dtype that it had when the program was recorded.
        """
        seen = {id(array) for array in arrays_in(taken)}

        def own(value: Value, array: Array) -> Array:
            if not isinstance(array, (np.ndarray, np.generic)):
                array = np.asarray(array, value.dtype)
            if array.shape != value.shape or array.dtype != value.dtype:
                raise TraceError(
                    f"{self.name}: a result has shape {array.shape}, {array.dtype} this time, and had {value.shape}, "
                    f"{value.dtype} when the program was recorded: that depends on values. Use the function itself."
                )
            if isinstance(array, np.ndarray):
                if array.base is not None or id(array) in seen or not array.flags.writeable:
                    array = array.copy()
                seen.add(id(array))
            return array

        def walk(standing: Any, given: Any) -> Any:
            if isinstance(standing, Value):
                return own(standing, given)
            if isinstance(standing, (tuple, list)):
                items = [walk(s, g) for s, g in zip(standing, given, strict=True)]
                return type(standing)(*items) if hasattr(standing, "_fields") else type(standing)(items)
            if isinstance(standing, dict):
                return {key: walk(s, given[key]) for key, s in standing.items()}
            return standing

        return walk(self.outputs, result)

    def uses(self) -> dict[Value, int]:
        """Return how often each value is read, by steps and as a result."""
        count: dict[Value, int] = {}
        for step in self.steps:
            for value in step.operands():
                count[value] = count.get(value, 0) + 1
        for value in values_in(self.outputs):
            count[value] = count.get(value, 0) + 1
        return count

    def makers(self) -> dict[Value, Step]:
        """Return the step that makes each value."""
        return {out: step for step in self.steps for out in step.outs}

    def run(self, arrays: dict[Value, Array]) -> Any:
        """Compute the result from arrays for the inputs, step by step; constants as they are now."""
        arrays = dict(arrays) | {value: constant.read() for value, constant in self.constants.items()}
        for step in self.steps:
            with np.errstate(**(step.errstate or {})):
                result = step.call(arrays.__getitem__)
            if step.several:
                arrays.update(zip(step.outs, result, strict=True))
            elif step.outs:
                arrays[step.out] = result
        return filled(self.outputs, arrays.__getitem__)


_MISSING = object()


def plain(leaf: Any) -> Any:
    """Return the array of a Tensor; anything else as it is."""
    return getattr(leaf, "_value", leaf)


def arguments_of(
    signature: inspect.Signature | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[str, Any], ...]:
    """Return the name of each argument of a call beside what was passed."""
    if signature is None:
        return (*((f"x{i}", a) for i, a in enumerate(args)), *kwargs.items())
    found: list[tuple[str, Any]] = []
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found += [(f"{name}{i}", v) for i, v in enumerate(value)]
        elif kind is inspect.Parameter.VAR_KEYWORD:
            found += value.items()
        else:
            found.append((name, value))
    return tuple(found)


def _unlike(given: Any, standing: Any) -> str | None:
    """Say how an argument differs from the one that was recorded."""
    if standing is _MISSING:
        return "was not there when the program was recorded"
    if isinstance(standing, Value):
        if not hasattr(plain(given), "shape"):
            return f"is a {type(given).__name__}, but must be an array of shape {standing.shape}"
        given = plain(given)
        if given.shape != standing.shape or given.dtype != standing.dtype:
            return f"has shape {given.shape}, {given.dtype}, but must have {standing.shape}, {standing.dtype}"
        return None
    if isinstance(standing, dict):
        if not isinstance(given, dict) or list(given) != list(standing):
            return f"must be a dict with the keys {', '.join(map(repr, standing))}"
        return next((p for k, s in standing.items() if (p := _unlike(given[k], s)) is not None), None)
    if isinstance(standing, (list, tuple)):
        if type(given) is not type(standing) or len(given) != len(standing):
            return f"must be a {type(standing).__name__} of {len(standing)}"
        return next((p for g, s in zip(given, standing, strict=True) if (p := _unlike(g, s)) is not None), None)
    same = given is standing or (type(given) is type(standing) and repr(given) == repr(standing))  # nan; 0.0, -0.0
    if not same and type(given) is type(standing) and not isinstance(given, (float, complex)):
        same = bool(np.all(given == standing))
    return None if same else f"is {given!r:.60}, but must be {standing!r:.60}"


@dataclass(eq=False)
class Listing:
    """A program written out as code by one of the emitters, and the function that the code makes.

    Attributes
    ----------
    text : str
        The code: each group of lines stands below a comment, the line that a person would have written.
    run : callable
        Takes the arrays of the inputs that are not fixed, in their order; returns a tuple of the outputs' arrays, in
        the order of the leaves of `Program.outputs`, without those that are written in place.
    steps_by_line : dict of int to Step
        Which step a line of the code belongs to, counted from 1: so that an error can name the user's line.
    """

    text: str
    run: Callable[..., tuple[Array, ...]]
    steps_by_line: dict[int, Step]


_numbers = itertools.count(1)


def defined(code: str, name: str, namespace: dict[str, Any], optimize: int = -1) -> Callable[..., Any]:
    """Run code that defines a function, and return that; tracebacks show its lines for as long as it lives."""
    file = f"<autograd_mini.compile:{name} {next(_numbers)}>"
    linecache.cache[file] = len(code), None, code.splitlines(True), file
    exec(compile(code, file, "exec", optimize=optimize), namespace)
    function: Callable[..., Any] = namespace[name]
    weakref.finalize(function, linecache.cache.pop, file, None)
    return function


def values_in(tree: Any) -> Iterator[Value]:
    """Yield the values in a tree of arguments."""
    if isinstance(tree, Value):
        yield tree
    elif isinstance(tree, (tuple, list)):
        for item in tree:
            yield from values_in(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from values_in(item)
    elif isinstance(tree, slice):
        yield from values_in((tree.start, tree.stop, tree.step))


def arrays_in(tree: Any) -> Iterator[Array]:
    """Yield the arrays in a tree of arguments."""
    if isinstance(tree, (tuple, list)):
        for item in tree:
            yield from arrays_in(item)
    elif isinstance(tree, dict):
        for item in tree.values():
            yield from arrays_in(item)
    else:
        yield tree


def matched(standing: Any, given: Any) -> Iterator[tuple[Value, Array]]:
    """Yield each value in a tree beside what stands in its place in another."""
    if isinstance(standing, Value):
        yield standing, given
    elif isinstance(standing, (tuple, list)):
        for s, g in zip(standing, given, strict=True):
            yield from matched(s, g)
    elif isinstance(standing, dict):
        for key, s in standing.items():
            yield from matched(s, given[key])


def mapped(tree: Any, of: Callable[[Any], Any]) -> Any:
    """Return a tree of arguments with each leaf replaced."""
    if isinstance(tree, (tuple, list)):
        items = [mapped(item, of) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if isinstance(tree, dict):
        return {key: mapped(item, of) for key, item in tree.items()}
    return of(tree)


def filled(tree: Any, of: Callable[[Value], Any]) -> Any:
    """Return a tree of arguments with each value replaced."""
    return mapped(tree, lambda leaf: of(leaf) if isinstance(leaf, Value) else leaf)
