"""debug: the first nan or inf, and residuals that were written to, each with the user's line.

What is recorded inside carries a rule that looks at what it computes (`Watched`): so the sweep needs no switch, and a
graph stays watched after the block has been left.
"""

from __future__ import annotations

import inspect
import sys
import warnings
import weakref
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import GraphFreedError, NonFiniteError, OverwrittenError
from .graph import Alias, Leaf, Node, Parts, Through, source_of, toposort
from .places import Place, here, of_a_library
from .recording import Setting, State, current
from .rules import assign
from .tensor import Tensor, unwrap

__all__ = ["Watched", "debug", "ranges"]

Array = Any


class Break(NamedTuple):
    """A place where a path ends, so that no cotangent comes back."""

    kind: str  # "detached", "constant" or "recording off"
    how: str
    place: Place | None
    scope: tuple[str, ...] = ()


# --- what values look like -------------------------------------------------------------------------------------------


def is_finite(value: Any) -> bool:
    """Return whether all numbers are finite; of lazy arrays and arrays elsewhere nothing is asked."""
    return type(value) is not np.ndarray or value.dtype.kind not in "fc" or bool(np.isfinite(value).all())


def ranges(value: Any) -> str:
    """Say in a few words which values an array has."""
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if not isinstance(value, np.ndarray):
        return "not kept" if hasattr(value, "shape") and not hasattr(value, "__array_function__") else repr(value)
    if value.dtype.kind not in "fciub" or value.size == 0:
        return f"shape {value.shape}, {value.dtype}"
    if value.ndim == 0:
        return f"{value[()]:.6g}" if value.dtype.kind in "fc" else str(value[()])
    bad = {"nan": np.isnan(value), "inf": np.isinf(value)}
    finite = value[np.isfinite(value)]
    sizes, what = (np.abs(finite), "of size ") if value.dtype.kind == "c" else (finite, "")
    found = [f"{what}from {sizes.min():.6g} to {sizes.max():.6g}"] if finite.size else []
    found += [f"{count} of {value.size} are {name}" for name, where in bad.items() if (count := int(where.sum()))]
    return f"shape {value.shape}, {', '.join(found)}"


def first_bad(value: Array) -> tuple[int, ...]:
    """Return the index of the first number that is not finite."""
    return tuple(map(int, np.argwhere(~np.isfinite(value))[0]))


def elementwise(function: Any) -> bool:
    """Return whether numbers of operands and result that stand at one place belong together."""
    return function is np.where or (isinstance(function, np.ufunc) and function.signature is None)


def entry(value: Any, at: tuple[int, ...], shape: tuple[int, ...]) -> str | None:
    """Return the number that stands beside index `at` of an array of this shape."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fciub" or value.ndim > len(shape):
        return None
    behind = at[len(at) - value.ndim :] if value.ndim else ()
    if any(n not in (1, m) for n, m in zip(value.shape, shape[len(shape) - value.ndim :], strict=True)):
        return None
    return f"{value[tuple(0 if n == 1 else i for i, n in zip(behind, value.shape, strict=True))]:.6g}"


def label(node: Node | None, name: str) -> str:
    """Return how an operand is called: by its Tensor's name, else by the function's parameter."""
    if node is None or node.name is not None:
        return name if node is None or node.name is None else node.name
    source = source_of(node)
    if source is not None and source is not node and source.name is not None:
        return f"{name} (a view of {source.name})"
    return f"{name} (a leaf)" if node.rule is None and node.requires_grad else name


# --- safe forms ------------------------------------------------------------------------------------------------------


class Safe(NamedTuple):
    """What to write instead, where a function has an edge. `t`, `a` and `b` stand for the operands."""

    form: str
    why: str


LOG = Safe(
    "np.where(t > 0, np.log(np.where(t > 0, t, 1)), 0)",
    "select before the logarithm: behind it, 0 * inf is nan in the sweep. For log(1 + t) there is np.log1p, "
    "for logarithms of probabilities nn.log_softmax and the losses that take logits",
)
SQRT = Safe(
    "np.where(t > 0, np.sqrt(np.where(t > 0, t, 1)), 0)",
    "its slope at 0 is infinite; where an error of the size of eps does not matter, np.sqrt(t + eps)",
)
EXP = Safe(
    "np.exp(t - np.max(t))", "where only ratios count; for log(sum(exp(t))) ag.logsumexp, for softmax nn.softmax"
)
DIVIDE = Safe(
    "np.where(b == 0, 0, a / np.where(b == 0, 1, b))", "select before dividing, and choose what 0 should give"
)
POWER = Safe(
    "np.where(a > 0, np.where(a > 0, a, 1) ** b, 0)",
    "a negative number has no real power with a fraction, and at 0 the slope may be infinite",
)
UNIT = Safe("np.{name}(np.clip(t, -1 + 1e-7, 1 - 1e-7))", "at -1 and 1 the slope is infinite, beyond there is no value")
SAFE: dict[Any, Safe] = {
    **dict.fromkeys((np.log, np.log2, np.log10), LOG),
    np.log1p: Safe("np.where(t > -1, np.log1p(np.where(t > -1, t, 0)), 0)", LOG.why.partition(". ")[0]),
    np.sqrt: SQRT,
    np.cbrt: Safe("np.where(t == 0, 0, np.cbrt(np.where(t == 0, 1, t)))", SQRT.why.partition(";")[0]),
    **dict.fromkeys((np.exp, np.exp2, np.expm1), EXP),
    **dict.fromkeys((np.sinh, np.cosh), Safe("np.{name}(np.clip(t, -80, 80))", "beyond, the result overflows")),
    **dict.fromkeys((np.true_divide, np.remainder, np.fmod), DIVIDE),
    np.reciprocal: Safe("np.where(t == 0, 0, 1 / np.where(t == 0, 1, t))", DIVIDE.why),
    **dict.fromkeys((np.power, np.float_power), POWER),
    **dict.fromkeys((np.arcsin, np.arccos, np.arctanh), UNIT),
    np.arccosh: Safe("np.arccosh(np.maximum(t, 1 + 1e-7))", "at 1 the slope is infinite, below there is no value"),
}


FREE = "has equal {}: the vectors that belong to them can turn freely, so they have no derivative of their own"
HINTS: dict[Any, str] = {
    **dict.fromkeys((np.linalg.eigh, np.linalg.eig), "A matrix that " + FREE.format("eigenvalues")),
    np.linalg.svd: "A matrix that "
    + FREE.format("singular values")
    + " (with full_matrices=True, also beyond its rank)",
}


def remedy(function: Any) -> str:
    """Return the end of a report: a line about the safe form of a function, where there is one."""
    if function in HINTS:
        return f"\n  {HINTS[function]}."
    safe = SAFE.get(function)
    if safe is None:
        return "."
    return f"\n  safe: {safe.form.replace('{name}', function.__name__)} ({safe.why})."


def how_many(value: Array) -> str:
    """Say how many numbers are not finite, and where the first is."""
    if value.ndim == 0:
        return "."
    return f": {int((~np.isfinite(value)).sum())} of {value.size} entries, the first at {first_bad(value)}."


def beside(name: str, value: Any, at: tuple[int, ...] | None, shape: tuple[int, ...]) -> str:
    """Return a line of a report about an operand: its range, and the number at the place that is looked at."""
    there = entry(value, at, shape) if at is not None and isinstance(value, np.ndarray) and value.ndim else None
    return f"{name}: {ranges(value)}" + ("" if there is None else f"; there {there}")


# --- the rules of watched nodes --------------------------------------------------------------------------------------


class Watched(Through):
    """A rule that looks at what it computes.

    Attributes
    ----------
    rule : Rule
        Which one.
    place : Place
        Where the user applied it.
    labels : tuple of str
        What its operands are called.
    dtypes : tuple of (dtype or None)
        Those of the operands, to which cotangents will be cast.
    sums : tuple of (int or None)
        Checksums of the residuals, of the output, and of the keywords, as they were.
    """

    def __init__(
        self, rule: Any, place: Place, labels: tuple[str, ...], dtypes: tuple[Any, ...], sums: tuple[int | None, ...]
    ) -> None:
        super().__init__(rule)
        self.place, self.labels, self.dtypes, self.sums = place, labels, dtypes, sums

    def call(self, vjp: Callable[..., Any], i: int, g: Any, y: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Pull a cotangent back; raise if something is not as it should be."""
        self.check_unwritten(y, args, kwargs)
        if not all(map(is_finite, numbers(g))):
            raise NonFiniteError(
                f"The cotangent that arrives at {self.name} is not finite: {ranges(numbers(g)[0])}\n"
                f"  at {self.place}\n"
                "  No rule gave it: it is the seed, a hook's, or a sum that overflowed."
            )
        try:
            with np.errstate(all="ignore"):
                p = vjp(read_only(g), y, *args, **kwargs)
        except NonFiniteError as error:  # a recorded sweep: the rule's own operations are looked at, too
            inner = str(error).partition("\n  safe:")[0].rstrip(".")
            text = f"In the sweep, the rule of {self.name}, at {self.place}\n  computed: {inner}{remedy(self.function)}"
            raise NonFiniteError(text) from None
        for value in numbers(p):
            if isinstance(value, np.ndarray):
                if not is_finite(value):
                    raise NonFiniteError(self.report(value, i, g, y, args))
                dtype = self.dtypes[i]
                if dtype is not None and value.dtype.itemsize > dtype.itemsize:
                    with np.errstate(all="ignore"):
                        cast = np.real(value).astype(dtype)
                    if not is_finite(cast):
                        raise NonFiniteError(self.report(cast, i, g, y, args, f" (as {dtype})"))
        return p

    def check_unwritten(self, y: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise if a residual is not what it was."""
        names, values = (*self.labels, "its result", *kwargs), (*args, y, *kwargs.values())
        for name, value, then in zip(names, values, self.sums, strict=False):
            if then is not None and (now := checksum(value)) is not None and now != then:
                raise OverwrittenError(
                    f"A value that {self.name} had used was written to afterwards: {name}"
                    + (f", shape {value.shape}" if hasattr(value, "shape") else "")
                    + f".\n  used at {self.place}\n"
                    "  Its derivative needs the old one. Run backward() before writing, or give the Tensor a copy "
                    "(Tensor(a.copy())); a leaf is updated by t.data = ..., which is noticed without ag.debug() too."
                )

    def report(self, p: Array, i: int, g: Any, y: Any, args: tuple[Any, ...], note: str = "") -> str:
        """Say which cotangent is not finite, and from what it was computed."""
        shape, arriving = np.shape(p), numbers(g)[0]
        at = first_bad(p) if elementwise(self.function) else None
        lines = [
            f"In the sweep, {self.name} gave {p[first_bad(p)]:.6g} for its operand {self.labels[i]}{note}{how_many(p)}",
            f"at {self.place}",
            beside("cotangent", arriving, at, shape),
        ]
        values = zip((*self.labels, "result"), (*map(unwrap, args), unwrap(y)), strict=False)
        lines += [beside(name, value, at, shape) for name, value in values if isinstance(value, np.ndarray)]
        if at is not None and entry(arriving, at, shape) == "0":
            lines.append("0 * inf is nan: something behind selects another value there, but this was computed too")
        return "\n  ".join(lines) + remedy(self.function)


def numbers(value: Any) -> list[Any]:
    """Return the arrays of a cotangent: of a Tensor, of a batch, of the parts of a tuple."""
    if isinstance(value, Parts):
        return [array for part in value if part is not None for array in numbers(part)]
    if isinstance(value, (np.generic, float, complex)):  # as rules give for 0-d operands
        return [np.asarray(value)]
    value = unwrap(value)
    return [value if isinstance(value, np.ndarray) else unwrap(getattr(value, "data", value))]


def read_only(g: Any) -> Any:
    """Return a cotangent that a rule cannot write into: others may share it."""
    if type(g) is np.ndarray:
        g = g.view()
        g.flags.writeable = False
    return g


def checksum(value: Any) -> int | None:
    """Return a number that changes when an array is written to; None for what holds no array in memory."""
    value = unwrap(value)
    if type(value) is np.ndarray and not value.dtype.hasobject:
        return zlib.crc32(np.ascontiguousarray(value).view(np.uint8).data) ^ value.size
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        sums = [checksum(v) for v in value]
        return hash(tuple(sums)) if any(one is not None for one in sums) else None
    return None


# --- the block -------------------------------------------------------------------------------------------------------

MOVES = {np.where, np.concatenate, np.stack, np.take, np.copy, np.roll, assign.assign}  # nan that was put in stays


class Applied(NamedTuple):
    """What a report says of the function that gave a result."""

    name: str
    function: Any
    moves: bool
    place: Place
    labels: tuple[str, ...]


class Looker:
    """Who looks on inside `debug` blocks; within composites, one who only remembers."""

    def __init__(self, judges: bool = True) -> None:
        self.judges = judges
        self.inside = Looker(False) if judges else self

    def recorded(self, rule: Any, operands: Sequence[Any], result: Any) -> None:
        """Remember where a rule was applied; raise if what it gave is not finite."""
        place, labels = here(), named(rule, operands)
        several = isinstance(result, (tuple, list))
        tensors = result if several else [result]
        nodes = [t.node for t in tensors if t.node is not None and t.node.rule is not None]
        if nodes:
            node = nodes[0].parents[0] if several else nodes[0]  # of a tuple, the node of them all
            extra = node.extras()
            extra.place, extra.leaves = place, leaves_of(operands)
            dtypes = tuple(getattr(unwrap(x), "dtype", None) for x in operands)
            node.rule = Watched(rule, place, labels, dtypes, sums_of(rule, node))
            for item in nodes if several else ():
                item.extras().leaves = extra.leaves
        kind, how = "constant", f"{rule.name} has no derivative by it"
        if current.get().mode == "off":
            kind, how = "recording off", "recording was off"
        for tensor in tensors:
            if tensor.node is None or isinstance(tensor.node, Alias):
                self.cut(tensor, operands, kind, how)
            self.judge(
                Applied(rule.name, rule.function, rule.view or rule.function in MOVES, place, labels), operands, tensor
            )

    def composed(
        self, function: Any, implementation: Any, args: Sequence[Any], kwargs: dict[str, Any], name: str
    ) -> Any:
        """Call a composite and judge its result: what it computes in between may be masked later."""
        if not self.judges:
            return implementation(*args, **kwargs)
        state = current.get()
        current.set(state._replace(watch=self.inside))
        try:
            result = implementation(*args, **kwargs)
        finally:
            current.set(state)
        try:
            names = list(inspect.signature(function).parameters)[: len(args)]
        except ValueError:
            names = []
        names += [f"argument {i}" for i in range(len(names), len(args))] + list(kwargs)
        operands = [*args, *kwargs.values()]
        applied = Applied(name, function, function in MOVES, here(), labelled(names, operands))
        for tensor in result if isinstance(result, (tuple, list)) else [result]:
            if isinstance(tensor, Tensor):
                self.judge(applied, operands, tensor)
        return result

    def judge(self, applied: Applied, operands: Sequence[Any], result: Tensor) -> None:
        """Raise for a result that is not finite, unless it only passes on what the user put in."""
        value = result._value
        if not self.judges or is_finite(value):
            return
        plain = [np.asarray(unwrap(x)) if isinstance(x, NUMBERS) else x for x in operands]
        carried = [not is_finite(x) for x in plain]
        if any(carried) and (applied.moves or not np.isnan(value).any()):
            return
        had = [bool(np.isnan(x).any()) if bad else False for x, bad in zip(plain, carried, strict=True)]
        at = first_bad(value) if elementwise(applied.function) else None
        lines = [f"{applied.name} gave {value[first_bad(value)]:.6g}{how_many(value)}", f"at {applied.place}"]
        for name, x in zip(applied.labels, plain, strict=True):
            if isinstance(x, (np.ndarray, int, float)):
                lines.append(beside(name, x, at, value.shape))
        if any(had):
            which = " and ".join(name for name, bad in zip(applied.labels, had, strict=True) if bad)
            lines.append(f"It is not this operation that made it: {which} had nan already. Look at the data.")
            raise NonFiniteError("\n  ".join(lines))
        raise NonFiniteError("\n  ".join(lines) + remedy(applied.function))

    def cut(self, result: Any, operands: Sequence[Any], kind: str, how: str) -> None:
        """Remember that a path ended here, and where; not the graph behind it, which may be long."""
        end, nodes = Break(kind, how, here()), nodes_of(operands)
        lost = {leaf: known for node in nodes for leaf, known in lost_at(node).items()}  # of paths that ended earlier
        for leaf in (leaf for node in nodes for leaf in leaves_of_node(node)):
            lost.setdefault(leaf, end)
        if lost:
            if result.node is None:
                result.node = Leaf(result._value, False, weakref.ref(result), current.get().scope)
            extra = result.node.extras()
            extra.place, extra.lost = end.place, lost
            extra.near = {node.serial: end for node in nodes if node.requires_grad}

    def left(self, tensor: Any, how: str) -> None:
        """Remember with the leaves that a value computed from them left the graph."""
        if of_a_library(sys._getframe(2)) or tensor.node is None:
            return
        place = here()
        for leaf in (*leaves_of_node(tensor.node), *lost_at(tensor.node)):
            if len(leaf.extras().exits) < 20:
                leaf.extras().exits[place] = how


NUMBERS = (Tensor, float, complex, np.generic)


def nodes_of(operands: Sequence[Any]) -> list[Node]:
    """Return the nodes of the Tensors among some operands, in lists too."""
    flat = [part for x in operands for part in (x if type(x) in (list, tuple) else (x,))]
    return [x.node for x in flat if isinstance(x, Tensor) and x.node is not None]


def leaves_of_node(node: Node) -> frozenset[Leaf]:
    """Return the leaves that a differentiable path leads to, as far as the graph is known."""
    if not node.requires_grad:
        return frozenset()
    if isinstance(node, Leaf):
        return frozenset([node])
    if node.extra is None or node.extra.leaves is None:  # recorded before the block
        try:
            node.extras().leaves = frozenset(n for n in toposort([node]) if isinstance(n, Leaf) and n.requires_grad)
        except GraphFreedError:
            return frozenset()
    assert node.extra is not None
    return node.extra.leaves or frozenset()


def lost_at(node: Node) -> dict[Node, Break]:
    """Return how and where paths to a constant ended, for each leaf that they came from."""
    return {} if node.extra is None else node.extra.lost


def leaves_of(operands: Sequence[Any]) -> frozenset[Leaf]:
    """Return the leaves that some operands depend on."""
    sets = {leaves_of_node(node) for node in nodes_of(operands)} - {frozenset()}
    return next(iter(sets)) if len(sets) == 1 else frozenset().union(*sets)


def sums_of(rule: Any, node: Node) -> tuple[int | None, ...]:
    """Return checksums of the residuals that the rule reads, then of the output."""
    differentiated = [
        p is not None and p.requires_grad and rule.vjps[i] is not None for i, p in enumerate(node.parents)
    ]
    plan = rule.plan(sum(1 << i for i, d in enumerate(differentiated) if d), len(differentiated))
    sums = [checksum(a) if kept else None for a, kept in zip(node.args or (), plan.args, strict=False)]
    return (*sums, checksum(node.out) if plan.out else None, *map(checksum, (node.kwargs or {}).values()))


def named(rule: Any, operands: Sequence[Any]) -> tuple[str, ...]:
    """Return what the operands of a call are called."""
    last = len(rule.operands) - 1
    several = rule.splat and len(operands) > last
    names = [
        f"{rule.operands[-1]}[{i - last}]" if several and i >= last else rule.operands[min(i, last)]
        for i in range(len(operands))
    ]
    return labelled(names, operands)


def labelled(names: Sequence[str], operands: Sequence[Any]) -> tuple[str, ...]:
    """Return the parameters' names, or those of the Tensors that stand there."""
    found = [label(x.node, name) if isinstance(x, Tensor) else name for x, name in zip(operands, names, strict=True)]
    return tuple(
        f"{own} (as {name})" if own != name and own in names else own for own, name in zip(found, names, strict=True)
    )


def warned(kind: str, _flag: int) -> None:
    """Warn as NumPy does, except of what a rule or a recorded function computes: that is reported with its place."""
    frame = sys._getframe(1)
    if not str(frame.f_globals.get("__name__", "")).startswith("autograd_mini"):
        warnings.warn(f"{kind} encountered, on plain arrays.", RuntimeWarning, stacklevel=2)


class debug(Setting):
    """Look on while things are computed and swept; as a context manager or a decorator.

    Each operation that is recorded inside remembers the user's line. The first nan or inf that comes up, in a result
    or, in a later sweep, in a cotangent, is raised with its operation, line, operands, and the safe form where there is
    one. A residual that was written to between forward and backward, by whatever door, is found by its checksum. And
    `why` can say where a path was cut. It costs time.

    A nan that the user put in (with np.where, say) is passed on by operations that only move values, and an inf is
    passed on by all. Only results and what rules return is looked at: not sums of several cotangents in a leaf, nor
    arrays that are not NumPy's.

    Raises
    ------
    NonFiniteError
        Where a nan or an inf comes up.
    OverwrittenError
        In a sweep that needs a value which is no longer there.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> x = ag.Tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with ag.debug():
    ...     y = np.where(x.numpy() > 0, np.sqrt(x), 0.0).sum()
    >>> try:
    ...     y.backward()
    ... except ag.errors.NonFiniteError as error:
    ...     print(error)
    In the sweep, np.sqrt gave nan for its operand x: 1 of 2 entries, ...
      at ...
      cotangent: shape (2,), from 0 to 1; there 0
      result: shape (2,), from 0 to 1; there 0
      0 * inf is nan: something behind selects another value there, but this was computed too
      safe: np.where(t > 0, np.sqrt(np.where(t > 0, t, 1)), 0) (its slope at 0 is infinite; ...
    """

    def __init__(self, *function: Any) -> None:
        if function:
            raise TypeError("debug takes no argument. As a decorator it needs its parentheses: @ag.debug()")
        super().__init__()

        self.looker = Looker()

    def changed(self, state: State) -> State:
        """Return the state inside."""
        return state._replace(watch=self.looker)

    def __enter__(self) -> None:
        super().__enter__()
        modes = np.geterr()
        if not {"call", "log"}.intersection(modes.values()):  # else somebody has a handler of his own
            np.seterrcall(warned)
            np.seterr(**{kind: "call" for kind, mode in modes.items() if mode == "warn"})  # type: ignore[arg-type]

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        if current.get().watch is None and np.geterrcall() is warned:  # the last one out
            modes = np.geterr()
            np.seterr(**{kind: "warn" for kind, mode in modes.items() if mode == "call"})  # type: ignore[arg-type]
            np.seterrcall(None)
