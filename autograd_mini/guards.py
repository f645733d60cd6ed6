"""guards: what a compiled function looks at before each call, so that nothing it closes over is frozen silently.

A program is recorded once, and everything of Python's that the function read meanwhile stays in it: numbers, strings,
flags, which array and which object a name stood for. `guard` finds these things without running anything: it reads the
bytecode of the function and of the user's functions that it reaches, follows the names in it to cells, globals,
modules, classes and objects, and writes a function that compares them with what they were.

What is looked at
    Cells, globals that the code reads, the attributes behind them (``config.SCALE``, ``self.scale``), default
    arguments; the user's functions, methods and properties that are reached. Of an object of a library's class, such as
    a model, every attribute, and so on below; of an object of the user's class, the attributes whose names the code
    reads. Numbers, strings and tuples of them by value; arrays, Tensors, functions and objects by identity; lists and
    dicts by length and item, sets by content.
Content of arrays
    An array that the program reads at each call may change in place. One that is reached and is no constant of the
    program was used by NumPy alone while recording (``X.mean(0)``): its result is part of the program, so its content
    is compared too. So is that of a constant that NumPy alone computes with as well, as far as the code shows it (see
    `alone`), and of constants that decide a shape (a mask as an index). An array of more than `LARGEST` elements is not
    copied for that: `Guard.refused` then says what to do instead. A Tensor may always change: to take its value while
    a program is recorded is an error.
What is not seen
    - More than `MOST` things: the search stops, and `Guard.complete` is False.
    - Names of library modules (``np``), their attributes, and builtins; code of NumPy, SciPy, the standard library,
      this package, nn, and of installed packages other than the function's own.
    - What only running shows: ``globals()``, ``exec``, names put together at run time and the user's methods found by
      them; `ContextVar`, environment, time, files, databases, warning filters, `np.seterr`.
    - The state of generators, iterators, locks, and of objects of the standard library or of an extension, such as a
      pandas DataFrame; the order of a dict; attributes that a metaclass or ``__getattr__`` makes up.
    - ``f.__code__`` that is replaced; an attribute of a class that is replaced where only a library reads it; the
      content of an array that the program reads by reference and that NumPy alone computes with too, where the code
      does not show it: behind a loop, a branch, a container or a call of the user's.
"""

from __future__ import annotations

import array as arrays_of_python
import builtins
import collections
import dis
import enum
import fractions
import functools
import io
import keyword
import math
import os
import random
import sys
import types
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np

from .alone import alone
from .program import Program, values_in
from .tensor import Tensor

__all__ = ["LARGEST", "MOST", "Guard", "guard"]

MOST = 10_000  # things that are looked at
LARGEST = 10_000_000  # elements of an array whose content is compared at each call

MISSING = type("Missing", (), {"__repr__": lambda _: "nothing"})()

VALUES = (
    int, float, complex, str, bytes, type(None), type(...), type(NotImplemented), range, slice, frozenset,
    np.generic, np.dtype, fractions.Fraction, Decimal, enum.Enum,
)  # fmt: skip

GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
BY_IDENTITY = (
    np.random.Generator,
    np.random.RandomState,
    np.random.BitGenerator,
    np.ufunc,
    io.IOBase,
    types.GenericAlias,
)
FUNCTIONS = (types.FunctionType, types.MethodType, functools.partial, staticmethod, classmethod)
FROM_STDLIB = {"types", "argparse", "collections"}  # their objects hold what the user put there
DYNAMIC = {"getattr", "hasattr", "vars", "__dict__", "__getattribute__", "asdict", "astuple", "attrgetter", "fields"}

ABOUT_SHAPE = {
    "shape", "dtype", "ndim", "size", "nbytes", "itemsize", "strides", "flags", "__len__", "name", "requires_grad",
}  # fmt: skip
VIEWS = {
    "T", "mT", "real", "imag", "reshape", "ravel", "transpose", "swapaxes", "squeeze", "view", "diagonal", "base",
}  # fmt: skip
# Functions that take an index, and behind how many arguments: a mask in it decides the shape of the result.
INDEXED = {"getitem": 1, "scatter": 1, "assign": 2}
# Functions whose result has a shape that depends on what a mask or a count among the arguments holds.
COUNTED = {
    "compress", "extract", "repeat", "delete", "insert", "split", "array_split", "nonzero", "flatnonzero", "argwhere",
    "unique", "bincount", "arange", "linspace",
}  # fmt: skip

# Methods that no expression calls.
LIFECYCLE = {
    "__init__", "__new__", "__post_init__", "__del__", "__repr__", "__str__", "__format__", "__reduce__",
    "__reduce_ex__", "__getstate__", "__setstate__", "__init_subclass__", "__set_name__", "__dir__", "__sizeof__",
    "__copy__", "__deepcopy__", "__class__",
}  # fmt: skip


# --- comparing ------------------------------------------------------------------------------------------------------


def same(a: Any, b: Any) -> bool:
    """Return whether two plain values lead a function the same way; 1, 1.0 and True do not, nor do 0.0 and -0.0."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        if a == b:
            return bool(a) or math.copysign(1.0, a) == math.copysign(1.0, b)
        return bool(a != a and b != b)
    if isinstance(a, np.generic):
        return bool(a.dtype == b.dtype and a.tobytes() == b.tobytes())
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    if isinstance(a, enum.Enum):
        return False
    return isinstance(a, VALUES) and bool(a == b)


class Copy:
    """The content of an array as it was.

    Attributes
    ----------
    shape, dtype
        Of the array.
    data : bytes or array
        Bytes if there are few, which is the fastest to compare; else words of eight, in one row, if it can be had so.
    mask : Copy or None
        Of a masked array.
    """

    __slots__ = ("data", "dtype", "mask", "shape")

    def __init__(self, a: np.ndarray[Any, Any]) -> None:
        self.shape, self.dtype, self.mask = a.shape, a.dtype, None
        if isinstance(a, np.ma.MaskedArray):
            self.mask, a = Copy(np.ma.getmaskarray(a)), np.ma.getdata(a)
        self.data: Any = np.array(a, subok=False, order="C")
        if a.nbytes <= FEW and not a.dtype.hasobject:
            self.data = self.data.tobytes()
        elif a.nbytes % 8 == 0 and not a.dtype.hasobject:
            self.data = self.data.reshape(-1).view(np.uint64)


FEW = 2**16  # bytes
BLOCK = 2**15  # elements compared at a time: both blocks stay in the cache, and a difference ends it early


def unchanged(a: np.ndarray[Any, Any], copy: Copy) -> bool:
    """Return whether an array has the same bytes as when it was copied: a NaN is like itself."""
    if a.shape != copy.shape or a.dtype != copy.dtype:
        return False
    if isinstance(a, np.ma.MaskedArray):
        if copy.mask is None or not unchanged(np.ma.getmaskarray(a), copy.mask):
            return False
        a = np.ma.getdata(a)
    if isinstance(copy.data, bytes):
        return bool(a.tobytes() == copy.data)
    if copy.data.dtype != np.uint64 or not a.flags.c_contiguous:
        return bool(a.tobytes() == copy.data.tobytes())
    old, new = copy.data, a.reshape(-1).view(np.uint64)
    return all(bool((new[i : i + BLOCK] == old[i : i + BLOCK]).all()) for i in range(0, new.size, BLOCK))


# --- one thing ------------------------------------------------------------------------------------------------------


class Slot:
    """One thing that is looked at.

    Attributes
    ----------
    kind : str
        How it is read from its holder: "cell", "item", "attribute", "length", "set", "bytes", "content".
    holder : object
        The cell, dict, list, object or array.
    key : object
        The key, index or name; of "length", the keys of a dict at the time.
    value : object
        What was there when the program was recorded; MISSING if nothing.
    path : str
        What the user calls it.
    counter : list of int, optional
        Its number changes whenever this may have: see `Search.whole`.
    """

    __slots__ = ("counter", "holder", "key", "kind", "path", "value")

    def __init__(self, kind: str, holder: Any, key: Any, value: Any, path: str) -> None:
        self.kind, self.holder, self.key, self.value, self.path = kind, holder, key, value, path
        self.counter: list[int] | None = None

    def read(self) -> Any:
        """Return what is there now."""
        try:
            match self.kind:
                case "cell":
                    return self.holder.cell_contents
                case "item" if isinstance(self.holder, dict):
                    return dict.get(self.holder, self.key, MISSING)
                case "item":
                    return self.holder[self.key]
                case "attribute":
                    return getattr(self.holder, self.key)
                case "length":
                    return len(self.holder)
                case "set":
                    return frozenset(self.holder)
                case "bytes":
                    return bytes(self.holder)
        except (AttributeError, KeyError, IndexError, ValueError):
            pass
        return MISSING

    def write(self) -> None:
        """Put back what was there."""
        match self.kind:
            case "cell":
                self.holder.cell_contents = self.value
            case "item" if self.value is MISSING:
                del self.holder[self.key]
            case "item":
                self.holder[self.key] = self.value
            case "attribute" if self.value is MISSING:
                delattr(self.holder, self.key)
            case "attribute":
                self.assign()
            case "length" if isinstance(self.holder, dict):
                for key in [key for key in self.holder if key not in self.key[1]]:
                    del self.holder[key]
            case "length":  # the items come later
                missing = self.value - len(self.holder)
                self.holder.extend([MISSING] * missing)
                for _ in range(-missing):
                    self.holder.pop()
            case "set":
                self.holder.clear()
                self.holder.update(self.value)
            case "bytes":
                if isinstance(self.holder, bytearray):
                    self.holder[:] = self.value
            case "content":
                array = self.holder._value if isinstance(self.holder, Tensor) else self.holder
                data = self.value.data
                array[...] = np.frombuffer(data, array.dtype).reshape(array.shape) if isinstance(data, bytes) else data

    def assign(self) -> None:
        """Put an attribute back to where it was: an object may have it from its class."""
        holder, name = self.holder, self.key
        if not isinstance(holder, (type, types.ModuleType)):
            cls = next((c for c in type(holder).__mro__ if name in vars(c)), None)
            of_class = MISSING if cls is None else vars(cls)[name]
            if of_class is self.value and name in vars_of(holder):
                delattr(holder, name)
                return
            if cls is not None and name not in vars_of(holder) and not hasattr(type(of_class), "__set__"):
                holder = cls
        setattr(holder, name, self.value)

    def code(self, bind: Callable[[Any], str], space: Any = None) -> str:
        """Return the line that returns False if it is different.

        `bind` gives a name to an object; the globals of `space` can be read by their names.
        """
        holder, key = bind(self.holder) if self.holder is not space else "", self.key
        match self.kind:
            case "content":
                array = f"{holder}._value" if isinstance(self.holder, Tensor) else holder
                if isinstance(self.value.data, bytes) and self.value.mask is None:
                    shape, dtype = bind(self.value.shape), bind(self.value.dtype)
                    like = f"{array}.shape != {shape} or {array}.dtype is not {dtype}"
                    return f"if {array}.tobytes() != {bind(self.value.data)} or {like}: return False"
                return f"if not _unchanged({array}, {bind(self.value)}): return False"
            case "length":
                return f"if _len({holder}) != {self.value}: return False"
            case "set":
                return f"if {holder} != {bind(self.value)}: return False"
            case "bytes":
                return f"if _bytes({holder}) != {bind(self.value)}: return False"
            case "cell":
                now = f"{holder}.cell_contents"
            case "attribute" if self.value is MISSING or not plain(key):
                now = f"_getattr({holder}, {key!r}, _missing)"
            case "attribute":
                now = f"{holder}.{key}"
            case _ if not holder and self.value is not MISSING and plain(key) and not key.startswith("_"):
                now = key
            case _:
                holder, written = bind(self.holder), repr(key) if type(key) in (str, int) else bind(key)
                get = isinstance(self.holder, dict)  # d[key] fails where it is gone, but a defaultdict would make it
                get = get and (self.value is MISSING or type(self.holder) not in (dict, collections.OrderedDict))
                now = f"_get({holder}, {written}, _missing)" if get else f"{holder}[{written}]"
        value = bind(self.value)
        if isinstance(self.value, (*VALUES, tuple)) and not isinstance(self.value, (bool, type(None), enum.Enum)):
            return f"if {now} is not {value} and not _same({now}, {value}): return False"
        return f"if {now} is not {value}: return False"

    def change(self) -> str:
        """Say how it is different from what it was; nothing if it is not."""
        if self.kind == "content":
            array = self.holder._value if isinstance(self.holder, Tensor) else self.holder
            if unchanged(array, self.value):
                return ""
            return f"the content of {self.path} changed"
        now = self.read()
        if now is self.value or same(now, self.value):
            return ""
        if self.kind == "length":
            return self.grown(now)
        if now is MISSING:
            return f"{self.path} is gone; it was {shown(self.value)}"
        if self.value is MISSING:
            return f"{self.path} is new: {shown(now)}"
        if self.kind == "bytes":
            return f"the content of {self.path} changed"
        old, new = shown(self.value), shown(now)
        if old == new:
            return f"{self.path} is another object now: {new}"
        return f"{self.path} changed from {old} to {new}"

    def grown(self, now: int) -> str:
        """Say what came or went."""
        if isinstance(self.holder, dict):
            form = "{}.{}" if self.key[0] else "{}[{!r}]"
            new = [k for k in self.holder if k not in self.key[1]]
            gone = [k for k in self.key[1] if k not in self.holder]
            if new:
                return f"{form.format(self.path, new[0])} is new: {shown(self.holder[new[0]])}"
            if gone:
                return f"{form.format(self.path, gone[0])} is gone"
        return f"the length of {self.path} changed from {self.value} to {now}"


def plain(name: Any) -> bool:
    """Return whether a name can be written in code."""
    return isinstance(name, str) and name.isidentifier() and not keyword.iskeyword(name)


def shown(value: Any) -> str:
    """Return a short text for a value."""
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} {value.dtype}"
    if isinstance(value, Tensor):
        return f"a Tensor {value.shape} {value.dtype}"
    if isinstance(value, (*VALUES, tuple, list, dict, set)):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)  # a ufunc has but the latter
    return str(name) if isinstance(name, str) else f"a {type(value).__name__}"


# --- the guard ------------------------------------------------------------------------------------------------------


class Guard:
    """What a function reads beside its arguments, and a function that tells whether it is still the same.

    Attributes
    ----------
    check : callable or None
        ``check()`` is True while everything is as it was. None: there is nothing to look at.
    refused : str
        Why no program may stand for the function: an array too large to compare at each call; empty if one may.
    complete : bool
        False if there was more to look at than `MOST` things.
    slots : list of Slot
        The things.
    generators : list of random generators
        Those that were met; their states are not looked at.
    """

    generators: list[Any]

    def __init__(self, slots: list[Slot], refused: str, complete: bool) -> None:
        self.slots, self.refused, self.complete = slots, refused, complete
        self.check: Callable[[], bool] | None = _written(slots) if slots else None

    def undo(self) -> None:
        """Put everything back as it was, as far as that can be done: after a recording that came to nothing."""
        for slot in [*(s for s in self.slots if s.kind == "length"), *(s for s in self.slots if s.kind != "length")]:
            if slot.kind == "length" or slot.change():  # of a dict, one key may be gone and another new
                try:
                    slot.write()
                except (AttributeError, TypeError, ValueError, LookupError):  # what cannot be assigned
                    pass

    def why(self) -> str:
        """Say what is different from what it was when the program was recorded, at most three things; or nothing."""
        changes: list[str] = []
        for slot in self.slots:
            change = slot.change()
            if change and change not in changes:
                changes.append(change)
            if len(changes) == 3:
                break
        return "; ".join(changes)


def _written(slots: list[Slot]) -> Callable[[], bool]:
    """Write out the comparisons as one function."""
    names: dict[int, str] = {}
    bound: dict[str, Any] = {
        "_same": same, "_unchanged": unchanged, "_get": dict.get, "_len": len, "_bytes": bytes, "_getattr": getattr,
        "_missing": MISSING, "_exception": Exception,
    }  # fmt: skip

    def bind(value: Any) -> str:
        if value is MISSING:
            return "_missing"
        if id(value) not in names:
            names[id(value)] = name = f"_{len(names)}"
            bound[name] = value
        return names[id(value)]

    # A function reads its own globals twice as fast as a dict: check gets those that most of the things are in.
    spaces = collections.Counter(id(slot.holder) for slot in slots if slot.kind == "item" and type(slot.holder) is dict)
    most = spaces.most_common(1)[0][0] if spaces else None
    space = next((slot.holder for slot in slots if id(slot.holder) == most and "__builtins__" in slot.holder), None)
    lines = [f"            {slot.code(bind, space)}" for slot in slots if slot.counter is None]
    for counter in {id(slot.counter): slot.counter for slot in slots if slot.counter is not None}.values():
        counted, seen = bind(counter), bind([counter[0]])
        lines += [
            f"            if {counted}[0] != {seen}[0]:",
            f"                _now = {counted}[0]",
            *(f"                {slot.code(bind, space)}" for slot in slots if slot.counter is counter),
            f"                {seen}[0] = _now",
        ]
    text = "\n".join(
        [
            f"def make({', '.join(bound)}):",
            "    def _check():",
            "        try:",
            *lines,
            "        except _exception:",  # something is gone
            "            return False",
            "        return True",
            "    return _check",
        ]
    )
    own: dict[str, Any] = {}
    exec(compile(text, "<autograd_mini.guards>", "exec"), own)
    check = own["make"](**bound)
    if space is None:
        return check  # type: ignore[no-any-return]
    return types.FunctionType(check.__code__, space, "check", None, check.__closure__)


def guard(f: Callable[..., Any], program: Program | None = None, arguments: Iterable[tuple[str, Any]] = ()) -> Guard:
    """Return what to look at before each run of a program that was recorded of a function.

    Parameters
    ----------
    f : callable
        The function.
    program : Program, optional
        What was recorded of it: arrays that it reads may change in place. Without it, the content of all arrays is
        compared: made before the function is recorded, the guard then tells what recording itself changed.
    arguments : iterable of (str, object)
        Objects that the function was given, with their names: what it reads of them is looked at too.

    Returns
    -------
    Guard
        ``guard.check()`` is True while everything is the same; ``guard.why()`` says what is not.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_mini.guards import guard
    >>> def make():
    ...     scale = 2.0
    ...     def f(x):
    ...         return scale * np.sum(x)
    ...     def change(to):
    ...         nonlocal scale
    ...         scale = to
    ...     return f, change
    >>> f, change = make()
    >>> g = guard(f)
    >>> g.check()
    True
    >>> change(3.0)
    >>> g.check(), g.why()
    (False, 'the closed-over scale changed from 2.0 to 3.0')
    """
    search = Search(program)
    search.reach(f, getattr(f, "__name__", None) or type(f).__name__)
    for name, value in arguments:
        search.reach(value, name)
    search.run()
    search.shaped()
    found = Guard(search.slots, search.refused, search.complete)
    found.generators = [x for x in search.known.values() if isinstance(x, GENERATORS)]
    return found


# --- where code comes from ------------------------------------------------------------------------------------------


def _folders() -> tuple[str, ...]:
    """Return the folders of the libraries whose code is not read."""
    here = os.path.dirname(__file__)
    found = [here, os.path.join(os.path.dirname(here), "nn")]
    for name in ("numpy", "scipy", "nn"):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file:
            found.append(os.path.dirname(file))
    return tuple(folder + os.sep for folder in found)


STDLIB = os.path.dirname(os.__file__) + os.sep


def _package(file: str) -> str:
    """Return the folder of the installed package that a file is of, or an empty text."""
    for folder in ("site-packages" + os.sep, "dist-packages" + os.sep):
        before, found, after = file.partition(folder)
        if found:
            return before + found + after.partition(os.sep)[0]
    return ""


class Search:
    """Finds the things: a list of what is still to be done, so that nothing nests as deep as the user's objects."""

    def __init__(self, program: Program | None) -> None:
        self.program = program
        self.slots: list[Slot] = []
        self.refused = ""
        self.complete = True
        self.folders = _folders()
        self.known: dict[Any, Any] = {}  # what was reached, by id; kept, so that the ids stay theirs
        self.placed: set[Any] = set()
        self.todo: collections.deque[tuple[Callable[..., None], tuple[Any, ...]]] = collections.deque()
        self.names: set[str] = set()  # attributes that the code reads
        self.named_by: dict[type, set[str]] = {}
        self.dynamic = False
        self.partly: list[tuple[Any, str, set[str]]] = []
        self.globals: Any = None
        self.home: str | None = None  # the folder of the installed package that the function is of; "" if of none
        constants = [] if program is None else [c for c in program.constants.values() if not c.inner]
        self.owners = {id(c.owner) for c in constants if c.owner is not None}
        self.read = [c.array for c in constants if c.owner is None]
        self.roots = {id(_root(a)) for a in self.read}

    def run(self) -> None:
        """Do all that there is to do; whatever code adds to the names is looked up in the objects known by then."""
        while self.todo and self.complete:
            while self.todo and self.complete:
                do, args = self.todo.popleft()
                do(*args)
            for value, path, done in self.partly:
                for name in sorted((self.names - done) & self.names_of(value)):
                    self.named(value, name, path)
                done |= self.names
                if self.dynamic and "" not in done:
                    done.add("")
                    self.whole(value, path)

    def names_of(self, value: Any) -> set[str]:
        """Return the names of the attributes of an object, its class included."""
        if isinstance(value, types.ModuleType):
            return set(vars(value))
        if isinstance(value, Tensor):
            return {"grad"}
        cls = value if isinstance(value, type) else type(value)
        if cls not in self.named_by:
            self.named_by[cls] = {name for c in cls.__mro__ for name in vars(c)}
        return self.named_by[cls] if isinstance(value, type) else self.named_by[cls] | set(vars_of(value))

    def add(self, kind: str, holder: Any, key: Any, value: Any, path: str) -> None:
        """Note a thing, once."""
        mark = (kind, id(holder), key if kind in ("item", "attribute") else None)
        if mark in self.placed:
            return
        if len(self.slots) >= MOST:
            self.complete = False
            return
        self.placed.add(mark)
        slot = Slot(kind, holder, key, value, path)
        if kind != "attribute" or not slot.change():  # else it is made anew each time that it is read
            self.slots.append(slot)

    # libraries

    def foreign(self, code: types.CodeType) -> bool:
        """Return whether a function is of a library that is not read."""
        return self.foreign_file(code.co_filename)

    def foreign_file(self, file: str) -> bool:
        """Return whether a file is of such a library: of an installed one, unless the function itself is from there."""
        if file.startswith(self.folders) or file.startswith("<frozen "):
            return True
        if "site-packages" in file or "dist-packages" in file:
            return self.home is not None and not (self.home and file.startswith(self.home))
        return file.startswith(STDLIB)

    def foreign_module(self, module: types.ModuleType | None) -> bool:
        """Return whether a module is of such a library."""
        if module is None or module.__name__ == "__main__":
            return False
        file = getattr(module, "__file__", None)
        if file is None:
            return module.__name__ in sys.builtin_module_names
        return self.foreign_file(file)

    def foreign_class(self, cls: type) -> bool:
        """Return whether a class is of such a library."""
        return self.foreign_module(sys.modules.get(cls.__module__))

    def unclear(self, function: Any) -> bool:
        """Return whether a function may do anything: it is neither Python's nor NumPy's or SciPy's."""
        if isinstance(function, types.FunctionType):
            file = function.__code__.co_filename
            return not self.foreign_file(file) or file.startswith(self.folders[:2])
        if isinstance(function, type):
            return not self.foreign_class(function) or issubclass(function, Tensor)
        return not isinstance(function, (np.ufunc, types.BuiltinFunctionType)) and type(function).__module__ != "numpy"

    # values

    def reach(self, value: Any, path: str) -> None:
        """Look at what a value holds, some time."""
        if isinstance(value, VALUES) or value is MISSING or id(value) in self.known:
            return
        self.known[id(value)] = value
        self.todo.append((self.open, (value, path)))

    def open(self, value: Any, path: str) -> None:
        """Look at what a value holds."""
        if isinstance(value, np.ndarray):
            self.array(value, path, used=False)
        elif isinstance(value, Tensor):
            self.tensor(value, path)
        elif isinstance(value, (tuple, list, collections.deque)):
            self.sequence(value, path)
        elif isinstance(value, dict):
            self.mapping(value, path)
        elif isinstance(value, (set,)):
            self.add("set", value, None, frozenset(value), path)
        elif isinstance(value, (bytearray, arrays_of_python.array)):
            self.add("bytes", value, None, bytes(value), path)
        elif isinstance(value, types.FunctionType):
            self.enter(value, None, path)
        elif isinstance(value, types.MethodType):
            self.method(value.__func__, value.__self__, path)
        elif isinstance(value, functools.partial):
            self.reach(value.func, path)
            for i, item in enumerate(value.args):
                self.reach(item, f"{path}.args[{i}]")
            self.reach(value.keywords, f"{path}.keywords")
        elif isinstance(value, (staticmethod, classmethod)):
            self.reach(value.__func__, path)
        elif isinstance(value, type):
            self.partly.append((value, path, set()))
            if not self.foreign_class(value):
                self.methods(value, None, path, made=True)
        elif isinstance(value, (types.BuiltinFunctionType, types.MethodWrapperType)):
            if not isinstance(value.__self__, (types.ModuleType, type)):
                self.reach(value.__self__, path.rpartition(".")[0] or path)
        elif isinstance(value, types.ModuleType):
            if not self.foreign_module(value):
                self.partly.append((value, path, set()))
        elif callable(wrapped := vars_of(value).get("__wrapped__")) and self.foreign_class(type(value)):
            self.reach(wrapped, path)  # by functools.lru_cache, or compiled itself
        elif not isinstance(value, BY_IDENTITY):
            self.instance(value, path)

    def sequence(self, value: Any, path: str) -> None:
        """Look at the items; those of a tuple cannot be exchanged."""
        if not isinstance(value, tuple):
            self.add("length", value, None, len(value), path)
        for i, item in enumerate(list(value)):
            if not self.complete:
                return
            if not isinstance(value, tuple):
                self.add("item", value, i, item, f"{path}[{i}]")
            self.reach(item, f"{path}[{i}]")

    def mapping(self, value: dict[Any, Any], path: str) -> None:
        """Look at the items."""
        items = list(value.items())
        self.add("length", value, (False, [k for k, _ in items]), len(items), path)
        for key, item in items:
            if not self.complete:
                return
            self.add("item", value, key, item, f"{path}[{key!r:.40}]")
            self.reach(item, f"{path}[{key!r:.40}]")

    def array(self, value: np.ndarray[Any, Any], path: str, used: bool) -> None:
        """Look at the content, unless the program reads it anyway; `used`: it is clear that NumPy alone uses it too."""
        if not used and self.program is not None:
            if id(value) in self.roots or id(_root(value)) in self.roots:
                return
            if len(self.read) <= 200 and any(np.may_share_memory(value, a) for a in self.read):
                return
        self.content(value, value, path)

    def tensor(self, value: Tensor, path: str) -> None:
        """Look at which array a Tensor holds, where the program reads that; nothing else takes its value meanwhile."""
        array = value._value
        self.partly.append((value, path, set()))
        hooks: dict[int, Any] = {} if value.node is None else value.node.extras().hooks
        for look in list(hooks.values()):
            self.reach(look.function, f"a hook of {path}")
        if self.program is not None and id(value) not in self.owners:  # else the program itself looks at these
            self.add("attribute", value, "requires_grad", value.requires_grad, f"{path}.requires_grad")
            self.add("length", hooks, (False, list(hooks)), len(hooks), f"the hooks of {path}")
            for number, look in list(hooks.items()):
                self.add("item", hooks, number, look, f"a hook of {path}")
        if not isinstance(array, np.ndarray):
            return
        if self.program is None:
            self.content(value, array, path)
        elif id(value) not in self.owners and id(_root(array)) in self.roots:
            self.add("attribute", value, "_value", array, f"{path}.data")

    def content(self, holder: Any, array: np.ndarray[Any, Any], path: str) -> None:
        """Compare the content of an array at each call."""
        if array.size > LARGEST:
            if self.program is not None and not self.refused:
                self.refused = (
                    f"{path} {array.shape} is read outside of what is recorded, so the program would keep a result of "
                    f"its content, and it is too large (above {LARGEST} elements) to be compared at each call. Pass it "
                    "as an argument, or compute what is needed of it outside the function."
                )
            return
        self.add("content", holder, None, Copy(array), path)

    def shaped(self) -> None:
        """Look at the content of constants that decide a shape: masks as indices, counts."""
        if self.program is None:
            return
        constants = {v: c for v, c in self.program.constants.items() if not c.inner}
        sources: dict[Any, set[Any]] = {value: {value} for value in constants}  # of which constants a value is made
        for step in self.program.steps:
            made: set[Any] = set().union(*(sources.get(v, set()) for v in step.operands()))
            sources.update((out, made) for out in step.outs)
            name = getattr(step.function, "__name__", "")
            if name in INDEXED:
                deciding = [v for v in values_in(step.args[INDEXED[name] :]) if v.dtype == bool]
            elif name in COUNTED:
                deciding = [v for v in step.operands() if v.dtype.kind in "bui"]
            else:
                continue
            for value in set().union(*(sources.get(v, set()) for v in deciding)):
                constant = constants[value]
                holder = constant.array if constant.owner is None else constant.owner
                self.content(holder, constant.read(), value.name or f"an array {value.shape} {value.dtype}")

    # objects

    def instance(self, value: Any, path: str) -> None:
        """Look at the attributes of an object: all if a library may read them, else those that the code names."""
        cls = type(value)
        if cls.__module__.partition(".")[0] in sys.stdlib_module_names and self.foreign_class(cls):
            if cls.__module__.partition(".")[0] not in FROM_STDLIB:
                return
        lines = [c for c in cls.__mro__ if c is not object and c.__module__ not in ("abc", "typing")]
        if any(map(self.foreign_class, lines)):
            self.whole(value, path)
        self.partly.append((value, path, set()))
        self.methods(cls, value, path)

    def whole(self, value: Any, path: str) -> None:
        """Look at all attributes of an object."""
        if isinstance(value, (type, types.ModuleType, Tensor)):
            return  # only by name
        space, start = vars_of(value), len(self.slots)
        if isinstance(space, dict):
            self.add("length", space, (True, list(space)), len(space), path)
        for name in [*space, *slots_of(type(value))]:
            if not self.complete:
                return
            self.attribute(value, name, path)
        counter = getattr(type(value), "__changes__", None)  # a class that counts the changes of attributes
        for slot in self.slots[start:] if type(counter) is list else ():
            if slot.holder is space or (slot.holder is value and slot.key in space):
                slot.counter = counter

    def methods(self, cls: type, value: Any, path: str, made: bool = False) -> None:
        """Read the methods that expressions call, or a library's class, such as ``forward``; the others by name."""
        bases = [c for c in cls.__mro__ if self.foreign_class(c)]
        for c in cls.__mro__:
            if c in bases:
                continue
            for name, raw in list(vars(c).items()):
                dunder = name.startswith("__") and name.endswith("__")
                called = dunder and (made or name not in LIFECYCLE)
                if called or any(name in vars(b) for b in bases if b is not object):
                    self.descriptor(raw, value, f"{path}.{name}")

    def descriptor(self, raw: Any, value: Any, path: str) -> bool:
        """Read the code behind an attribute of a class; return whether there is any."""
        if isinstance(raw, types.FunctionType):
            self.enter(raw, value, path)
        elif isinstance(raw, (staticmethod, classmethod)):
            self.reach(raw.__func__, path)
        elif isinstance(raw, property):
            for function in (raw.fget, raw.fset):
                if isinstance(function, types.FunctionType):
                    self.enter(function, value, path)
                elif function is not None:
                    self.reach(function, path)
        elif isinstance(raw, functools.cached_property):
            self.method(raw.func, value, path)
        else:
            return False
        return True

    def named(self, value: Any, name: str, path: str) -> None:
        """Look at an attribute that the code reads from something, which may be this object."""
        if name.startswith("__") and name.endswith("__"):  # what Python itself keeps there
            return
        if isinstance(value, (types.ModuleType, Tensor)):
            now = getattr(value, name)
            self.add("attribute", value, name, now, f"{path}.{name}")
            self.reach(now, f"{path}.{name}")
            return
        if isinstance(value, type):
            for c in value.__mro__:
                if name in vars(c) and not self.foreign_class(c):
                    self.attribute(value, name, path)
                    return
            return
        self.attribute(value, name, path)

    def attribute(self, value: Any, name: str, path: str) -> Any:
        """Look at an attribute; return its value, or MISSING if there is code behind it or nothing."""
        cls = value if isinstance(value, type) else type(value)
        space = {} if isinstance(value, type) else vars_of(value)
        path = f"{path}.{name}"
        found = [c for c in cls.__mro__ if name in vars(c)]
        raw = vars(found[0])[name] if found else MISSING
        if name in space:
            now = space[name]
            data = hasattr(type(raw), "__set__") or not isinstance(cls.__getattribute__, types.WrapperDescriptorType)
            if data:
                self.add("item", space, name, now, path)
            else:
                self.add("attribute", value, name, now, path)
            self.reach(now, path)
            if isinstance(raw, property):
                self.descriptor(raw, value, path)
            return now
        if raw is MISSING:
            return MISSING
        if isinstance(raw, types.MemberDescriptorType):
            if isinstance(value, type):
                return MISSING
            now = getattr(value, name, MISSING)
            self.add("attribute", value, name, now, path)
            self.reach(now, path)
            return now
        for c in found:  # a method of a base may be called by super()
            if not self.foreign_class(c):
                self.descriptor(vars(c)[name], None if isinstance(value, type) else value, path)
        if isinstance(raw, (*FUNCTIONS, property, functools.cached_property)):
            return MISSING
        if hasattr(type(raw), "__get__"):
            if not self.foreign_class(type(raw)):
                self.reach(raw, path)
            return MISSING
        if self.foreign_class(found[0]) and isinstance(value, type):
            return MISSING
        self.add("attribute", value, name, raw, path)
        self.reach(raw, path)
        return raw

    # code

    def method(self, function: Any, owner: Any, path: str) -> None:
        """Read a bound method."""
        if not isinstance(function, types.FunctionType):
            self.reach(function, path)
            self.reach(owner, path)
        elif self.foreign(function.__code__):
            self.reach(owner, path)
            self.enter(function, None, path)
        else:
            self.enter(function, owner, path)

    def enter(self, function: types.FunctionType, owner: Any, path: str) -> None:
        """Read the code of a function; of a library's, only which functions of the user's are in its cells."""
        code, cells = function.__code__, function.__closure__ or ()
        mark = ("entered", id(function), id(owner))
        if mark in self.known:
            return
        self.known[mark] = (function, owner)
        if self.foreign(code):
            if code.co_filename.startswith(self.folders[:2]) or not code.co_filename.startswith(self.folders):
                for name, cell in zip(code.co_freevars, cells, strict=True):
                    for held in _items(contents(cell)):
                        if callable(held) and not isinstance(held, type):
                            self.reach(held, getattr(held, "__name__", name))
            return
        if self.globals is None:
            self.globals, self.home = function.__globals__, _package(code.co_filename)
        space = dict(zip(code.co_freevars, cells, strict=True))
        for name, cell in space.items():
            if name != "__class__":
                self.add("cell", cell, None, contents(cell), f"the closed-over {name}")
        if function.__defaults__:
            self.add("attribute", function, "__defaults__", function.__defaults__, f"the defaults of {path}")
            first = code.co_argcount - len(function.__defaults__)
            for name, value in zip(code.co_varnames[first:], function.__defaults__, strict=False):
                self.reach(value, name)
        if function.__kwdefaults__:
            self.reach(function.__kwdefaults__, f"the defaults of {path}")
        self.todo.append((self.scan, (code, function.__globals__, space, {}, owner)))

    def scan(
        self, code: types.CodeType, space: dict[str, Any], cells: dict[str, Any], known: dict[str, Any], owner: Any
    ) -> None:
        """Follow the names that a code object reads, and those inside it."""
        known = dict(known)
        if owner is not None and code.co_argcount:
            known[code.co_varnames[0]] = owner
        steps = [i for i in dis.get_instructions(code) if i.opname not in PADDING]
        for i in steps:
            if i.opname.startswith(("STORE_", "DELETE_")):
                for name in i.argval if isinstance(i.argval, tuple) else (i.argval,):
                    if not i.opname.startswith("STORE_FAST_LOAD") or name == i.argval[0]:
                        known.pop(name, None)
        for at, step in enumerate(steps):
            name, operation = step.argval, step.opname
            if operation in ATTRIBUTES or (operation in ("STORE_ATTR", "DELETE_ATTR") and self.program is None):
                self.names.add(name)
                self.dynamic |= name in DYNAMIC
            elif operation in GLOBAL:
                self.root(name, space, steps, at, owner)
            elif operation == "STORE_GLOBAL" and self.program is None:
                self.add("item", space, name, space.get(name, MISSING), f"the global {name}")
            elif operation in DEREF:
                if name == "__class__":  # what super() looks at, most often
                    continue
                if name in cells:
                    self.follow(contents(cells[name]), name, steps, at)
                elif name in known:
                    self.follow(known[name], name, steps, at)
            elif operation.startswith(("LOAD_FAST", "STORE_FAST_LOAD")):
                loaded = name if isinstance(name, tuple) else (name,)
                for j, local in enumerate(loaded):
                    if local in known:
                        last = j == len(loaded) - 1
                        self.follow(known[local], local, steps if last else [], at)
            elif operation == "IMPORT_NAME":
                self.imported(steps, at, known)
        if self.program is not None:
            for array, path in alone(steps, functools.partial(_loaded, space, cells, known), _attribute, self.unclear):
                self.array(array, path, used=True)
        for const in code.co_consts:
            if isinstance(const, str) and self.dynamic and const.isidentifier():  # getattr(config, "SCALE")
                self.names.add(const)
            if isinstance(const, types.CodeType):
                inner = {name: value for name, value in known.items() if name in const.co_freevars}
                self.todo.append(
                    (self.scan, (const, space, {n: c for n, c in cells.items() if n in const.co_freevars}, inner, None))
                )

    def root(self, name: str, space: dict[str, Any], steps: list[Any], at: int, owner: Any) -> None:
        """Look at a global."""
        if name not in space:
            self.dynamic |= name in DYNAMIC
            if name == "super" and owner is not None:
                self.reach(owner, "self")
            return
        value = space[name]
        if isinstance(value, types.ModuleType) and self.foreign_module(value):
            return
        where = "" if space is self.globals else f" of {space.get('__name__', 'another module')}"
        self.add("item", space, name, value, f"the global {name}{where}")
        if name in DYNAMIC:
            self.dynamic = True
        self.follow(value, name, steps, at)

    def imported(self, steps: list[Any], at: int, known: dict[str, Any]) -> None:
        """Look at what an import inside a function gives."""
        full = steps[at].argval
        listed = [s for s in steps[at + 1 :][:1] if s.opname == "IMPORT_FROM"]
        module = sys.modules.get(full if listed else full.partition(".")[0])
        if module is None or self.foreign_module(module):
            return
        if not listed:
            after = steps[at + 1] if at + 1 < len(steps) else None
            if after is not None and after.opname in ("STORE_FAST", "STORE_DEREF"):
                known[after.argval] = module
            return
        for step in steps[at + 1 :]:
            if step.opname == "IMPORT_FROM":
                value = vars(module).get(step.argval, MISSING)
                if value is not MISSING:
                    self.add("attribute", module, step.argval, value, f"{full}.{step.argval}")
                    self.reach(value, step.argval)
            elif not step.opname.startswith("STORE_"):
                break

    def follow(self, value: Any, path: str, steps: list[Any], at: int) -> None:
        """Follow attributes that are read from a value one after the other, and look at what stands at the end."""
        chain = []
        for step in steps[at + 1 :]:
            if step.opname not in ATTRIBUTES or step.opname == "LOAD_SUPER_ATTR":
                break
            chain.append(step.argval)
        if isinstance(value, (np.ndarray, Tensor)) and not chain and _length_of(steps, at):
            return
        for name in chain:
            if isinstance(value, types.ModuleType):
                if self.foreign_module(value):
                    return
                now = vars(value).get(name, MISSING)
                if now is MISSING:
                    return
                self.add("attribute", value, name, now, f"{path}.{name}")
            elif isinstance(value, np.ndarray):
                if name not in ABOUT_SHAPE:
                    self.array(value, path, used=name not in VIEWS)
                return
            elif isinstance(value, Tensor):
                if name != "grad":
                    break
                now = value.grad
                self.add("attribute", value, name, now, f"{path}.{name}")
            elif isinstance(value, types.FunctionType) and name in vars(value):
                now = vars(value)[name]
                self.add("attribute", value, name, now, f"{path}.{name}")
            elif isinstance(value, (*VALUES, tuple, list, dict, set, *FUNCTIONS, *BY_IDENTITY)):
                break
            else:
                now = self.attribute(value, name, path)
                if now is MISSING:
                    cls = value if isinstance(value, type) else type(value)
                    found = [c for c in cls.__mro__ if name in vars(c)]
                    if not found or self.foreign_class(found[0]):
                        break
                    return
            value, path = now, f"{path}.{name}"
        self.reach(value, path)


def _loaded(space: dict[str, Any], cells: dict[str, Any], known: dict[str, Any], step: Any) -> tuple[Any] | None:
    """Return the value of the name that an instruction loads, if it is known."""
    name = step.argval
    if step.opname in GLOBAL:
        value = space.get(name, getattr(builtins, name, MISSING))
    elif step.opname in DEREF and name in cells:
        value = contents(cells[name])
    else:
        value = known.get(name, MISSING)
    return None if value is MISSING else (value,)


def _attribute(value: Any, name: str) -> tuple[Any] | None:
    """Return an attribute that an object or a module holds itself, if it does."""
    found = vars_of(value).get(name, MISSING)
    return None if found is MISSING else (found,)


PADDING = {"CACHE", "EXTENDED_ARG", "RESUME", "PRECALL", "NOP", "NOT_TAKEN"}
GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
DEREF = {"LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"}
ATTRIBUTES = {"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"}


def _length_of(steps: list[Any], at: int) -> bool:
    """Return whether a value that is loaded is only asked for its length."""
    if at == 0 or at + 1 >= len(steps):
        return False
    before, after = steps[at - 1], steps[at + 1]
    if before.opname == "PUSH_NULL" and at > 1:
        before = steps[at - 2]
    return bool((before.opname, before.argval, after.opname, after.arg) == ("LOAD_GLOBAL", "len", "CALL", 1))


def _root(a: np.ndarray[Any, Any]) -> Any:
    """Return the array whose memory an array shows."""
    while isinstance(a.base, np.ndarray):
        a = a.base
    return a


def _items(value: Any) -> Iterator[Any]:
    """Yield a value, or the items of a list or tuple."""
    if isinstance(value, (list, tuple)):
        yield from value
    else:
        yield value


def contents(cell: Any) -> Any:
    """Return what is in a cell."""
    try:
        return cell.cell_contents
    except ValueError:
        return MISSING


def vars_of(value: Any) -> Any:
    """Return the attributes of an object that it holds itself."""
    try:
        return object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}


def slots_of(cls: type) -> list[str]:
    """Return the names of the slots that classes written in Python give an object."""
    return [
        name
        for c in cls.__mro__
        if "__slots__" in vars(c)
        for name, member in vars(c).items()
        if isinstance(member, types.MemberDescriptorType)
    ]
