"""compile: a function's program, written out for speed, kept for each kind of arguments, and run in its place."""

from __future__ import annotations

import builtins
import functools
import inspect
import random
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .arrays import plain_only
from .emit import choose
from .errors import AutogradError, LostGradientError, ShapeError, TraceError
from .graph import Leaf, moved
from .guards import Guard, guard
from .program import Constant, Listing, Program, Value, filled, plain, values_in
from .recording import current, is_recording
from .simplify import simplified
from .tensor import Tensor
from .tracing import is_array, recorded, set_state, state_of
from .trees import flatten

__all__ = ["Compiled", "compile"]

BACKENDS = ("numpy", "numba")
AGAIN = 4  # as often is a function recorded for one kind of arguments because what it closes over has changed
compile_text = builtins.compile  # this module has a `compile` of its own
KINDS = 64  # of arguments; the least recently used one is forgotten
BY_VALUE = frozenset({int, bool, str, bytes, type(None), type(...), range, type})  # never equal and yet different


class Entry:
    """What runs for one kind of arguments.

    Attributes
    ----------
    program : Program
        What was recorded, simplified.
    listing : Listing
        The same written out for speed.
    guard : Guard
        Sees whether something outside has changed that the program has frozen.
    ok : callable or None
        Whether all is as it was: what the guard sees, and the arrays of Tensors outside. None: nothing can change.
    run : callable
        Takes the arrays of the arguments; returns the result as the function would.
    seconds : float
        What recording and writing out took.
    """

    def __init__(self, program: Program, listing: Listing, guard: Guard, seconds: float, into: dict[int, Any]) -> None:
        self.program, self.listing, self.guard, self.seconds = program, listing, guard, seconds
        self.ok = _checks(program, guard)
        self.run = _runs(self, into)


class Compiled:
    """A function that runs its program; made by `compile`.

    Attributes
    ----------
    function : callable
        The one that was given.
    entries : list of Entry
        What was compiled, for each kind of arguments; the latest used last.
    """

    def __init__(self, f: Callable[..., Any], backend: str, into: Mapping[int, Any]) -> None:
        functools.update_wrapper(self, f)
        self.function, self.backend, self.into = f, backend, dict(into)
        self._entries: dict[Any, list[Entry]] = {}
        self._door: Callable[..., Any] | None = None  # the way in for the kind that came last
        self._lock = threading.RLock()
        self._again: dict[Any, int] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program for such arguments; record and write it out the first time."""
        door = self._door
        if door is not None and not kwargs and (found := door(args)) is not door:
            return found
        return self._slow(args, kwargs)

    def _slow(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        leaves, rebuild = flatten((args, kwargs))
        state = current.get()  # `watch`: of `trace`, or of `debug`, which looks at each operation
        if state.watch is not None or any(isinstance(x, Tensor) and x.requires_grad for x in leaves):
            if self.into and state.watch is not None and state.trace is None:
                raise TraceError(
                    f"compile: {self._name} writes into arrays (into=), so only its program can run, and ag.debug() "
                    "has no operations of it to look at. Call the function itself; take training steps by a loop."
                )
            if self.into:
                raise TraceError(
                    f"compile: {self._name} writes into arrays (into=) and cannot be differentiated. Differentiate "
                    "inside the function."
                )
            if state.trace is not None:  # else NumPy alone would compute with arrays, and what it gives be kept
                args, kwargs = rebuild([Tensor(x) if isinstance(x, (np.ndarray, np.generic)) else x for x in leaves])
            return self.function(*args, **kwargs)  # it is a part of something that is differentiated
        entry = self.entry(args, kwargs)
        if entry.program.outside and is_recording():
            raise LostGradientError(
                f"compile: {self._name} depends on {entry.program.outside}, which requires grad and is no argument, "
                "and a program returns arrays: that gradient would be lost. Call it inside `with ag.no_grad():`; or "
                "return ag.stop_gradient(result); or pass the array as an argument and differentiate by that."
            )
        return entry.run(*[plain(x) for x in leaves if is_array(x)])

    def entry(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Entry:
        """Return what runs for such arguments, compiled if need be."""
        key = _key(args, kwargs)
        with self._lock:
            entries = self._entries.get(key, [])
            for entry in reversed(entries):
                if entry.ok is None or entry.ok():
                    break
            else:
                entry = self._compile(key, entries, args, kwargs)
            if entry is not entries[-1]:
                entries.remove(entry)
                entries.append(entry)
            self._entries.pop(key, None)
            self._entries[key] = entries  # the last one is the one that was used last
            if len(self._entries) > KINDS:
                del self._entries[next(iter(self._entries))]
            self._door = None if kwargs else _door(entry, args)
            return entry

    def _compile(self, key: Any, entries: list[Entry], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Entry:
        if len(entries) >= AGAIN:
            why = entries[-1].guard.why() or _moved(entries[-1].program)
            if self._again.get(key, 0) >= AGAIN:
                raise TraceError(
                    f"compile: {self._name} was recorded {len(entries) + self._again[key]} times for the same kind of "
                    f"arguments, since something that it closes over changes again and again: {why}. Pass it as an "
                    "argument (a number as an array: np.asarray(lr)); or do not compile this function."
                )
            self._again[key] = self._again.get(key, 0) + 1
            del entries[0]
        start = time.perf_counter()
        program = self._record(args, kwargs)
        objects = [(name, leaf) for name, tree in program.parameters for leaf in flatten(tree)[0]]
        watch = guard(self.function, program, [(name, x) for name, x in objects if not isinstance(x, Value)])
        if watch.refused or not watch.complete:
            why = watch.refused or "it closes over too many things to look at at each call. Pass them as arguments."
            raise TraceError(f"compile: {self._name}: {why}")
        listing = self._write(program)
        entry = Entry(program, listing, watch, time.perf_counter() - start, self.into)
        entries.append(entry)
        return entry

    def _record(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Program:
        """Return the program; refuse a function that changes what is outside, which a program would not do."""
        change = ""
        given = [("an argument", leaf) for leaf in flatten((args, kwargs))[0] if not is_array(leaf)]
        first = before = guard(self.function, None, given)
        everyone = [*first.generators, random.random.__self__, np.random.random.__self__]  # type: ignore[attr-defined]
        states = [(generator, state_of(generator)) for generator in everyone]
        try:
            for again in range(2):  # what is made once, when it is first needed, may be made
                if again:
                    before = guard(self.function, None, given)
                program = simplified(recorded(self.function, args, kwargs))
                if before.check is None or before.check():
                    return program
                change = before.why()
            raise TraceError(
                f"compile: {self._name} changes what is outside of it while it runs, and its program would not: "
                f"{change}. Return what it finds instead, or count outside."
            )
        except BaseException:  # recording is no run: who now calls the function itself shall find all as it was
            first.undo()
            for generator, state in states:
                set_state(generator, state)
            raise

    def _write(self, program: Program) -> Listing:
        """Write a program out with the chosen backend."""
        outs = list(values_in(program.outputs))
        fixed = {value: constant.read() for value, constant in program.constants.items() if not constant.inner}
        into: dict[int, Value] = {}
        for number, array in self.into.items():
            if number >= len(outs):
                raise TraceError(
                    f"compile: into= names result {number}, but {self._name} returns {len(outs)} arrays, numbered from "
                    "0. Count them in the order in which they are returned."
                )
            target = next((v for v, a in fixed.items() if a is array), None)
            if target is None:
                target = Value(array.shape, array.dtype)
                program.constants[target] = Constant(array)
                fixed[target] = array
            if outs[number].shape != array.shape or outs[number].dtype != array.dtype:
                raise ShapeError(
                    f"compile: result {number} of {self._name} has shape {outs[number].shape}, {outs[number].dtype}; "
                    f"the array of into= that it is written into has {array.shape}, {array.dtype}. They must be alike."
                )
            into[number] = target
        if self.backend == "numba":
            from .emit_numba import emit
        else:
            emit = choose(program)
        return emit(program, fixed, into)

    @property
    def _name(self) -> str:
        return str(getattr(self.function, "__name__", "the function"))

    @property
    def entries(self) -> list[Entry]:
        """What was compiled, the latest used last."""
        return [entry for entries in self._entries.values() for entry in entries]

    def source(self, *args: Any, **kwargs: Any) -> str:
        """Return what runs, for arguments like these; without arguments, for the kind that was used last.

        Each group of lines stands below the line of the readable source that it carries out.
        """
        if args or kwargs:
            return self.entry(args, kwargs).listing.text
        if not self.entries:
            raise TraceError(
                f"compile: {self._name} has not been called yet, so nothing was compiled. Call it, or say for which "
                "arguments: source(*args)."
            )
        return self.entries[-1].listing.text

    def __reduce__(self) -> Any:
        """Travel as the function, to be compiled anew there; a decorated one by its name."""
        if self.into:
            raise TypeError(
                f"compile: {self._name} writes into arrays (into=), which a copy or pickle of it would not share with "
                "its function. Compile the function anew, with the arrays that it is to write into."
            )
        name = getattr(self, "__qualname__", "")
        if getattr(sys.modules.get(self.__module__), name, None) is self:
            return name
        return functools.partial(compile, backend=self.backend), (self.function,)

    def __repr__(self) -> str:
        return f"<compiled {self._name}: {len(self.entries)} programs>"


def compile(f: Callable[..., Any], *, backend: str = "numpy", into: Mapping[int, Any] | None = None) -> Compiled:
    """Return a function that does what `f` does, by running its program: straight-line code, written for speed.

    For each kind of arguments (structure, shapes, dtypes, and the value of what is no array) `f` is recorded, as by
    `trace`, at the first call. Arrays that `f` closes over are read anew at each call; numbers, flags and objects that
    it closes over, or is given, are looked at, and where one has changed `f` is recorded again. An object among the
    arguments must be the same object each time; a new one is another kind.

    Parameters
    ----------
    f : callable
        NumPy code; most often a gradient: ``compile(value_and_grad(loss))``.
    backend : {"numpy", "numba"}
        What the code is written for. ``"numpy"``: NumPy calls on buffers that are used again; or, for a small program,
        plain Python on floats. ``"numba"`` (extra ``jit``): fused loops, compiled; the first call takes seconds.
    into : dict of int to array, optional
        Results, by their numbers, that are written into these arrays instead of being returned: a parameter vector that
        `f` closes over and returns updated.

    Returns
    -------
    Compiled
        Called as `f` is, it returns arrays of its own. ``source()`` shows what runs. On Tensors that require grad, and
        under `debug`, it calls `f` itself.

    Raises
    ------
    TraceError
        At the first call, if `f` cannot be recorded; see `trace`.
    LostGradientError
        If the result depends on a Tensor that `f` closes over and that requires grad: inside ``with ag.no_grad():``
        that is no loss.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> fast = ag.compile(ag.grad(lambda w, x: np.sum(np.tanh(x @ w))))
    >>> fast(np.zeros(2), np.array([[1.0, 2.0]]))
    array([1., 2.])
    """
    if not callable(f):
        raise TypeError(f"ag.compile takes a function, as in ag.compile(f)(x), not a {type(f).__name__}.")
    if backend not in BACKENDS:
        raise ValueError(f"compile: backend is {backend!r:.40}, but must be one of {', '.join(map(repr, BACKENDS))}.")
    for number, array in (into or {}).items():
        usable = isinstance(array, np.ndarray) and array.flags.writeable and array.flags.c_contiguous
        if type(number) is not int or number < 0 or not usable:
            raise TypeError(
                "compile: into= is a dict from numbers of results, from 0, to arrays that can be written to, "
                f"contiguous; this is {number!r:.20}: a {type(array).__name__}. Make it with np.zeros or .copy()."
            )
        other = next((k for k, a in (into or {}).items() if k != number and np.shares_memory(a, array)), None)
        if other is not None:
            raise ValueError(
                f"compile: into= gives the results {number} and {other} the same memory, where one would overwrite "
                "the other. Give each an array of its own."
            )
    return Compiled(f, backend, into or {})


# --- what makes a kind ----------------------------------------------------------------------------------------------


def _key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what calls have in common that one program serves."""
    return _kind(args), _kind(kwargs)


def _kind(tree: Any) -> Any:
    """Return what stands for a tree in a key. 1, 1.0 and True are equal, and lead a function in different ways."""
    kind = type(tree)
    if isinstance(tree, dict):
        return kind, tuple((_kind(key), _kind(value)) for key, value in tree.items())
    if isinstance(tree, (list, tuple)):
        return kind, tuple(map(_kind, tree))
    if is_array(tree):
        array = plain(tree)
        plain_only(array, "compile: an argument is a {}")
        return np.shape(array), array.dtype
    if kind in BY_VALUE:
        return kind, tree
    if kind is float:
        return kind, tree.hex()
    if kind is complex:
        return kind, tree.real.hex(), tree.imag.hex()
    if kind is slice:
        return kind, _kind((tree.start, tree.stop, tree.step))
    if kind is frozenset:
        return kind, frozenset(map(_kind, tree))
    return _Same(tree)


class _Same:
    """An object as a part of a key: equal to itself only, whatever it says of others; what is in it the guard sees."""

    def __init__(self, thing: Any) -> None:
        self.thing = thing

    def __hash__(self) -> int:
        return id(self.thing)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.thing is self.thing


def _door(entry: Entry, args: tuple[Any, ...]) -> Callable[[tuple[Any, ...]], Any] | None:
    """Return a fast way in for positional arguments that are arrays as these are: it returns itself for others."""
    if not args or not all(type(a) is np.ndarray for a in args) or entry.program.outside:
        return None
    names = {f"d{i}": a.dtype for i, a in enumerate(args)}
    names |= {"ndarray": np.ndarray, "run": entry.run, "ok": entry.ok, "state": current.get}
    arrays = [f"a{i}" for i in range(len(args))]
    tests = [
        f"type(a{i}) is ndarray and a{i}.shape == {a.shape} and a{i}.dtype is d{i}" for i, a in enumerate(args)
    ] + ["state().watch is None", *["ok()"] * (entry.ok is not None)]
    return _made(  # type: ignore[no-any-return]
        "door",
        "args",
        [
            f"if len(args) != {len(args)}:",
            "    return door",
            f"{', '.join(arrays)}, = args",
            f"if {' and '.join(tests)}:",
            f"    return run({', '.join(arrays)})",
            "return door",
        ],
        names,
    )


def _made(name: str, arguments: str, lines: list[str], names: dict[str, Any]) -> Any:
    """Return a function of these lines, in which these names stand for these things."""
    code = [f"def make({', '.join(names)}):", f"    def {name}({arguments}):", *("        " + line for line in lines)]
    space: dict[str, Any] = {}
    exec(compile_text("\n".join([*code, f"    return {name}"]), "<autograd_mini.compiling>", "exec"), space)
    return space["make"](**names)


def _checks(program: Program, watch: Guard) -> Callable[[], bool] | None:
    """Return a test that all is as it was: what the function closes over, its arrays' shapes, its Tensors' arrays."""
    tests: list[str] = []
    of_leaves: list[str] = []
    names: dict[str, Any] = {}
    for i, constant in enumerate(c for c in program.constants.values() if not c.inner):
        array, owner = constant.read(), constant.owner
        names[f"a{i}"] = array
        if owner is None:  # its shape can be assigned
            tests.append(f"a{i}.shape == {array.shape}")
            continue
        names[f"t{i}"], names[f"n{i}"] = owner, owner.node
        own = f"t{i}._value is a{i} and t{i}.node is n{i}"  # another node: requires_grad was changed
        if not isinstance(owner.node, Leaf):
            tests.append(own)
            continue
        names[f"h{i}"] = dict(owner.node.extras().hooks)
        of_leaves.append(f"{own} and n{i}.extra.hooks == h{i}")
    if watch.check is not None:
        names["check"] = watch.check
        tests.append("check()")
    lines = [f"if not ({test}): return False" for test in tests]
    if of_leaves:
        names |= {"moved": moved, "seen": [moved[0]]}
        lines += [
            "if moved[0] != seen[0]:",
            "    now = moved[0]",
            *(f"    if not ({test}): return False" for test in of_leaves),
            "    seen[0] = now",
        ]
    return _made("ok", "", [*lines, "return True"], names) if lines else None


def _runs(entry: Entry, into: dict[int, Any]) -> Callable[..., Any]:
    """Return a function of the arguments' arrays that runs the listing and puts what it returns together.

    It counts the writes to leaves, so that graphs that kept their values notice.
    """
    program = entry.program
    outs = list(values_in(program.outputs))
    left = [i for i in range(len(outs)) if i not in into]
    count = len(program.inputs)
    arrays = ", ".join(f"a{i}" for i in range(count))
    owners = [constant.owner for constant in program.constants.values() if constant.owner is not None]
    hit = [t for t in owners if any(np.shares_memory(t._value, array) for array in into.values())]
    leaves = {f"n{i}": t.node for i, t in enumerate(hit) if isinstance(t.node, Leaf)}
    names: dict[str, Any] = {"listing": entry.listing.run, "entry": entry, "say_where": _say_where, **leaves}
    tree = _result(program.outputs, {number: k for k, number in enumerate(left)}, bool(into))
    if isinstance(tree, _Place):
        result = "None" if tree.at is None else f"found[{tree.at}]"
    elif type(tree) is tuple and [t.at for t in tree if isinstance(t, _Place)] == list(range(len(tree))):
        result = "found"
    else:
        names |= {"built": _built, "tree": tree}
        result = "built(tree, found)"
    lines = [
        "try:",
        f"    found = listing({arrays})",
        "except Exception as error:",
        "    say_where(error, entry)",
        "    raise",
    ]
    if into:  # what an argument holds may not change while the results are written
        names |= {"into": list(into.values()), "apart": _apart}
        roots = {id(_root(array)): _root(array) for array in into.values()}
        names |= {f"r{k}": root for k, root in enumerate(roots.values())}
        also = "".join(f" or {{0}} is r{k}" for k in range(len(roots)))
        test = f"if {{0}}.base is not None{also}: {{0}} = apart({{0}}, into)"
        lines = [*(test.format(f"a{i}") for i in range(count)), *lines]
    for name in leaves:
        lines += [f"{name}.version += 1", f"if {name}.twins: {name}.written()"]
    return _made("run", arrays, [*lines, f"return {result}"], names)  # type: ignore[no-any-return]


def _root(array: Any) -> Any:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def _apart(array: Any, into: list[Any]) -> Any:
    """Return an array, or a copy of it if some of the others share its memory."""
    return array.copy() if any(np.may_share_memory(array, other) for other in into) else array


def _moved(program: Program) -> str:
    """Say which Tensor that a program reads is not as it was when it was recorded."""
    for value, constant in program.constants.items():
        if constant.owner is not None and constant.owner._value is not constant.array:
            return f"the Tensor {constant.owner.name or value.name or value.shape} holds another array"
    return "requires_grad or a hook of a Tensor, or the shape of an array"


def _result(outputs: Any, places: dict[int, int], written: bool) -> Any:
    """Return the structure of the result with a `_Place` for each array; without those that are written elsewhere."""
    numbers = iter(range(sum(1 for _ in values_in(outputs))))
    tree = filled(outputs, lambda _: _Place(places.get(next(numbers))))
    if type(tree) is tuple and written:
        tree = tuple(t for t in tree if not (isinstance(t, _Place) and t.at is None))
        tree = tree[0] if len(tree) == 1 else tree
    return tree


class _Place:
    """Where in a result an array stands."""

    __slots__ = ("at",)

    def __init__(self, at: int | None) -> None:
        self.at = at


def _built(tree: Any, found: tuple[Any, ...]) -> Any:
    if isinstance(tree, _Place):
        return None if tree.at is None else found[tree.at]
    if isinstance(tree, dict):
        return {key: _built(value, found) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [_built(value, found) for value in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return tree


def _say_where(error: Exception, entry: Entry) -> None:
    """Add to an error the user's line that the failing line of the listing carries out."""
    if isinstance(error, AutogradError):  # says itself where
        return
    file = entry.listing.run.__code__.co_filename if inspect.isfunction(entry.listing.run) else None
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == file:
            step = entry.listing.steps_by_line.get(line)
            if step is not None and step.place is not None:
                error.add_note(f"This happened in the compiled program of {entry.program.name}, for {step.place}")
                return
