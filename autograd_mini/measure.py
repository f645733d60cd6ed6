"""What a primitive's rule says beside what difference quotients say, measured by itself at its recorded operands.

Numbers lie in rows: of a complex array first the real parts, then the imaginary ones. So a Jacobian is a real matrix,
and what a rule returns for a row of cotangents is compared with that row times the matrix. A cotangent p of z satisfies
Re(sum(p dz)) = Re(sum(g dy)): in a row it is conjugated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from .errors import GradcheckError
from .graph import Node, Parts, Several, Spec, Through, fit, on_path
from .recording import no_grad
from .tensor import unwrap

__all__ = [
    "Call",
    "Case",
    "Overseen",
    "Pair",
    "Point",
    "Suspect",
    "applied",
    "bent",
    "call_of",
    "multiple",
    "plain",
    "shown_factor",
    "suspects",
]

Array = Any
Pair = tuple[Array, Array] | None  # what must be equal if a hypothesis is true; each a row per cotangent

COLUMNS = 100  # up to so many entries of an operand, each gets its difference quotient; of more, a sample
NODES = 1000  # up to so many nodes are measured
SCALES = (-1024.0, 2.0**-10)  # of cotangents: powers of two, with which what is linear gives the same digits
EPS = float(np.finfo(float).eps)


# --- complex arrays as real lines -----------------------------------------------------------------------------


def line(z: Array) -> Array:
    """Return an array's numbers in a row: the real parts, then the imaginary ones."""
    z = np.asarray(z)
    return np.concatenate([z.real.ravel(), z.imag.ravel()]) if z.dtype.kind == "c" else z.ravel()


def unline(row: Array, like: Array) -> Array:
    """Return a row of numbers as an array of another's shape and kind."""
    if like.dtype.kind == "c":
        half = row.size // 2
        return (row[:half] + 1j * row[half:]).reshape(like.shape)
    return row.reshape(like.shape)


def differentiable(value: Any) -> bool:
    """Return whether a value is an array of real or complex numbers in double precision."""
    return isinstance(value, (np.ndarray, np.generic, float, complex)) and np.asarray(value).dtype in (
        np.float64,
        np.complex128,
    )


# --- one call of a primitive ----------------------------------------------------------------------------------


class Call:
    """One application of a rule's function to given operands, which can be repeated with others."""

    def __init__(self, rule: Any, operands: Sequence[Any], kwargs: dict[str, Any]) -> None:
        self.rule, self.kwargs = rule, kwargs
        self.operands = [np.asarray(x) if differentiable(x) else x for x in operands]
        made = self.made(self.operands, kwargs)
        self.several = isinstance(made, (tuple, list))
        self.outs = [np.asarray(out) for out in (made if self.several else (made,))]

    def made(self, operands: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Call the function as its signature asks."""
        rule = self.rule
        with no_grad(), np.errstate(all="ignore"):
            return applied(rule, operands, kwargs)

    def replaced(self, operands: dict[int, Any], kwargs: dict[str, Any] | None = None) -> Call:
        """Return the call with some operands, and keywords, replaced."""
        return Call(self.rule, [operands.get(i, x) for i, x in enumerate(self.operands)], self.kwargs | (kwargs or {}))

    @cached_property
    def y(self) -> Array:
        """All outputs in a row."""
        return np.concatenate([line(out) for out in self.outs if differentiable(out)] or [np.zeros(0)])

    def along(self, i: int, row: Array) -> Array:
        """Return the outputs in a row with operand `i` moved by `row`; nan where the function refuses."""
        x = self.operands[i]
        try:
            moved = self.replaced({i: x + unline(row, x)}).y
        except Exception:  # whatever a function of the user's raises outside of its domain
            return np.full(self.y.size, np.nan)
        return moved if moved.size == self.y.size else np.full(self.y.size, np.nan)

    def cotangent(self, row: Array) -> Any:
        """Return a row of numbers as the rule's `g`."""
        parts: list[Any] = []
        for out in self.outs:
            size = out.size * (1 + (out.dtype.kind == "c")) if differentiable(out) else 0
            parts.append(np.conjugate(unline(row[:size], out)) if differentiable(out) else None)
            row = row[size:]
        return Parts(parts) if self.several else parts[0]

    def raw(self, i: int, g: Any, operands: Sequence[Any] | None = None, out: Any = None, kwargs: Any = None) -> Any:
        """Return what the rule of operand `i` returns."""
        vjp = self.rule.vjps[i]
        if vjp is None:
            return np.zeros_like(self.operands[i])
        out = (tuple(self.outs) if self.several else self.outs[0]) if out is None else out
        with no_grad(), np.errstate(all="ignore"):
            operands = self.operands if operands is None else operands
            return np.asarray(unwrap(vjp(g, out, *operands, **(self.kwargs if kwargs is None else kwargs))))

    def pull(self, i: int, row: Array, **replaced: Any) -> Array:
        """Return the cotangent of operand `i`, fitted as the sweep fits it, in a row."""
        p = self.raw(i, self.cotangent(row), **replaced)
        return line(np.conjugate(fit(p, self.operands[i], self.rule, i)))


def applied(rule: Any, operands: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call a rule's function on its operands and keywords."""
    if isinstance(rule.function, np.ufunc):
        return rule.function(*operands, **kwargs)
    parameters, names = rule.parameters, rule.operands
    given: dict[str, Any] = dict(zip(names, operands, strict=False))
    if rule.splat and len(operands) >= len(names) - 1:
        given[names[-1]] = list(operands[len(names) - 1 :])
    given |= kwargs
    positional: list[Any] = []
    for name in parameters:
        if name not in given:
            break
        positional.append(given.pop(name))
    if rule.rest in given:
        positional.extend(given.pop(rule.rest))
    return rule.function(*positional, **given)


def call_of(node: Node) -> Call | None:
    """Return the call that a node recorded; None where a value was not kept or the function cannot be called."""
    if any(callable(value) and not isinstance(value, type) for value in (node.kwargs or {}).values()):
        return None  # such a function may have the operands' values in it already
    operands = []
    for arg in node.args or ():
        value = arg.value if isinstance(arg, Node) else arg
        if value is None or isinstance(value, (Spec, Several)):
            return None
        operands.append(value)
    try:
        return Call(node.rule, operands, node.kwargs or {})
    except Exception:
        return None


# --- rules that are watched ------------------------------------------------------------------------------------


def plain(rule: Any) -> Any:
    """Return a rule itself, where `ag.debug` has put one that looks on in its place."""
    return getattr(rule, "rule", rule)


class Overseen(Through):
    """A rule that is seen if it writes into its cotangent or into a residual."""

    def __init__(self, rule: Any, what: str) -> None:
        super().__init__(plain(rule))
        self.what = what

    def call(self, vjp: Callable[..., Any], i: int, g: Any, y: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Pull a copy of a cotangent back; raise if it, or a residual, is another one afterwards."""
        given = Parts(map(copied, g)) if isinstance(g, Parts) else copied(g)
        names = self.rule.operands
        kept = [(z, copied(z)) for z in (*args, *(y if isinstance(y, Several) else (y,)))]
        p = vjp(given, y, *args, **kwargs)
        where = f"{self.what}: the rule of {self.rule.name} for its operand {names[min(i, len(names) - 1)]}"
        pairs = zip(given, g, strict=True) if isinstance(g, Parts) else [(given, g)]
        if not all(same(mine, theirs) for mine, theirs in pairs):
            raise GradcheckError(
                f"{where} writes into its cotangent, which others share. Write g = g * ..., not g *= ... or g[i] = ..."
            )
        for n, (z, before) in enumerate(kept):
            if not same(z, before):
                name = f"the operand {names[min(n, len(names) - 1)]}" if n < len(args) else "the result y"
                raise GradcheckError(
                    f"{where} writes into {name}, which others and a second sweep read. Let it work on a copy."
                )
        return p


def copied(value: Any) -> Any:
    """Return a copy of an array; anything else as it is."""
    return value.copy() if type(value) is np.ndarray else value


def same(a: Any, b: Any) -> bool:
    """Return whether an array is still equal to another; true of what is no array."""
    if type(a) is not np.ndarray or a.dtype.hasobject:
        return True
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


# --- which primitive is wrong ---------------------------------------------------------------------------------


class Suspect(NamedTuple):
    """An operand of a recorded call whose cotangent disagrees with difference quotients."""

    call: Call
    operand: int
    node: Node
    error: Exception | None  # that its rule raised

    @property
    def brief(self) -> str:
        """The rule and the operand."""
        rule = self.call.rule
        return f"{rule.name} (operand {rule.operands[min(self.operand, len(rule.operands) - 1)]})"

    @property
    def title(self) -> str:
        """How the rule and the operand are called in a message."""
        rule, x = self.call.rule, self.call.operands[self.operand]
        last = len(rule.operands) - 1
        many = f" (number {self.operand})" if rule.splat and self.operand >= last else ""
        keywords = ", ".join(f"{k}={shown(v)}" for k, v in self.call.kwargs.items())
        shapes = ", ".join(f"{name} {np.shape(z)}" for name, z in zip(rule.operands, self.call.operands, strict=False))
        name = rule.operands[min(self.operand, last)]
        shapes = f"shape {x.shape}" if len(self.call.operands) == 1 or many else f"shapes {shapes}"
        return f"{rule.name}, operand {name}{many}, {shapes}" + (f", {keywords}" if keywords else "")


def shown(value: Any) -> str:
    """Return a keyword's value in few characters."""
    text = f"an array of shape {value.shape}" if getattr(value, "ndim", 0) else repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def suspects(nodes: list[Node], wanted: Iterable[Node], rng: Any) -> Iterator[Suspect]:
    """Yield what disagrees with difference quotients when each primitive is measured by itself, operands first.

    Parameters
    ----------
    nodes : list of Node
        The graph, children first, recorded under `keep`.
    wanted : iterable of Node
        Only what lies on a path to one of these is measured.
    """
    useful = on_path(nodes, wanted)
    steps = [n for n in reversed(nodes) if n.rule is not None and n in useful]
    for node in steps[:NODES]:
        call = call_of(node)
        if call is None or not call.y.size:
            continue
        for i, parent in enumerate(node.parents):
            if parent is None or parent not in useful or not differentiable(call.operands[i]):
                continue
            try:
                if not right(call, i, rng):
                    yield Suspect(call, i, node, None)
            except Exception as error:
                yield Suspect(call, i, node, error)


def right(call: Call, i: int, rng: Any) -> bool:
    """Return whether a rule agrees with difference quotients in random directions."""
    for g in two(rng, call.y.size):
        p = call.pull(i, g)
        if not np.isfinite(p).all():
            return False
        if not agrees(call, i, g, p, signed(rng, p.size)):
            return False
    return True


def bent(call: Call, i: int, rng: Any) -> str | None:
    """Say so if a rule does not give multiples for multiples of a cotangent; None if it does."""
    g = signed(rng, call.y.size)
    for start in (g, np.abs(g), -np.abs(g)):  # what a condition does with one sign, it may not do with the other
        p = call.pull(i, start)
        bound = 1e-7 * np.abs(p) + 1e-9 * np.abs(p).max(initial=0)
        if (np.abs(call.pull(i, start) - p) > bound).any():
            return "The rule is random, or it remembers: for the same g it does not give the same again."
        for c in SCALES:
            with np.errstate(all="ignore"):
                off = np.abs(call.pull(i, c * start) / c - p)
            if (off > bound).any():
                return (
                    f"The rule is not linear in g: for {multiple(c)} * g it does not give {multiple(c)} times as much. "
                    "Use g once, as a factor: no abs, clip or condition on g."
                )
    return None


def shown_factor(c: float) -> str:
    """Return a factor in few digits, and in more where they are all that tells it from 1."""
    return f"{c:.6g}" if abs(c - 1) > 1e-3 else f"{c:.10g}"


def multiple(c: float) -> str:
    """Return a multiple, or a fraction, as a person writes it."""
    return f"{c:g}" if abs(c) >= 1 else f"1/{1 / c:g}"


def signed(rng: Any, size: int) -> Array:
    """Return random numbers, none of which is near 0."""
    return rng.uniform(0.5, 1.5, size) * rng.choice([-1.0, 1.0], size)


def two(rng: Any, size: int) -> list[Array]:
    """Return two rows of random numbers that do not have the same signs throughout."""
    one, other = signed(rng, size), signed(rng, size)
    return [one, -other if (one * other > 0).all() else other]


def agrees(call: Call, i: int, g: Array, p: Array, u: Array) -> bool:
    """Compare the cotangent `p` of operand `i` along a direction `u`, at ever smaller steps until it agrees."""
    x, said = line(call.operands[i]), float(p @ u)
    if not u.any():
        return True
    rounding = 8 * EPS * float(np.abs(g) @ np.abs(call.y) + np.abs(p) @ np.abs(x)) + 1e-300
    near = float(np.abs(x[u != 0]).min())
    steps = {2.0**-k * max(1.0, near) for k in (10, 14, 18, 22, 26)} | ({2.0**-10 * near, 2.0**-16 * near} - {0.0})
    for n, h in enumerate(sorted(steps, reverse=True)):
        fine, coarse = ((call.along(i, s * u) - call.along(i, -s * u)) @ g / (2 * s) for s in (h / 2, h))
        found = float(4 * fine - coarse) / 3
        size = max(abs(said), abs(found), 1e-3 * float(np.abs(p) @ np.abs(u)))
        if abs(said - found) <= 1e-8 * min(1.0, size) + 1e-6 * size + 2 * rounding / h:
            return True
        if n and rounding / h > 1e-4 * size + 1e-12:
            break
    return False


# --- what is measured at one point ----------------------------------------------------------------------------


class Point:
    """A call, one of its operands, and what its rule and the difference quotients say there."""

    def __init__(self, call: Call, i: int, columns: Array, rows: Array) -> None:
        self.call, self.i, self.columns, self.g = call, i, columns, rows
        self.x = call.operands[i]
        self.p = np.array([call.pull(i, g) for g in rows])
        self.jacobian, self.error, self.apart = jacobian(call, i, columns)
        self.q = rows @ self.jacobian
        noise = np.abs(rows) @ self.error
        self.scale = float(np.abs(self.q[np.isfinite(self.q)]).max(initial=0))
        self.noise = 3 * noise
        self.tolerance = 5e-7 * np.abs(self.q) + 1e-8 * self.scale + self.noise
        self.wrong = ~(np.abs(self.p[:, columns] - self.q) <= self.tolerance)
        slopes = np.abs(rows @ self.apart)
        off = np.abs(self.p[:, columns] - self.q)
        self.kinks = (self.wrong & (slopes > 0.05 * off) & (slopes > 30 * noise)).any(0)
        self.edges = ~np.isfinite(self.q).all(0)
        self.unsettled = (self.wrong & (noise > 0.1 * off)).any(0) & ~self.kinks & ~self.edges
        self.clear = ~(self.kinks | self.edges | self.unsettled)
        self.share = float(off[:, self.clear].max(initial=0)) / (self.scale or 1.0)  # of the numbers, that is wrong
        self.strict = 1.0  # how much more closely a hypothesis has to fit, where what is wrong is small

    @property
    def full(self) -> bool:
        """Whether every entry was measured, and rows of the Jacobian are known too."""
        return bool(len(self.columns) == self.p.shape[1])

    def equal(self, left: Array, right: Array) -> bool:
        """Compare two arrays of a row per cotangent, where the quotients are to be trusted."""
        if left is None or right is None or np.shape(left) != np.shape(right) or not self.clear.any():
            return False
        left, right = left[:, self.clear], right[:, self.clear]
        with np.errstate(all="ignore"):
            bound = 1e-5 * np.abs(right) + 1e-7 * np.abs(right).max(initial=0) + 2 * self.tolerance[:, self.clear]
            bound = self.strict * bound + 2 * self.noise[:, self.clear]
            return bool((np.abs(left - right) <= bound).all())

    def seen(self, arrays: Iterable[Array]) -> Array:
        """Return cotangents of the operand, one per row of `g`, at the measured entries."""
        return np.array([line(np.conjugate(a)) for a in arrays])[:, self.columns]

    def arrays(self) -> list[Array]:
        """Return what the rule gives, as arrays of the operand's shape."""
        return [np.conjugate(unline(p, self.x)) for p in self.p]

    @property
    def said(self) -> Array:
        """What the rule gives at the measured entries."""
        return self.p[:, self.columns]

    def repaired(self, **replaced: Any) -> Array:
        """Return what the rule gives with other inputs, at the measured entries."""
        return np.array([self.call.pull(self.i, g, **replaced) for g in self.g])[:, self.columns]

    def repaired_g(self, turn: Callable[..., Array]) -> Array:
        """Return what the rule gives if its cotangent is changed first, at the measured entries."""
        call = self.call
        return self.seen(fit(call.raw(self.i, turn(call.cotangent(g))), self.x, call.rule, self.i) for g in self.g)

    @cached_property
    def matrix(self) -> Array | None:
        """What the rule makes of each unit cotangent, at the measured entries; None if these are too many."""
        m = self.call.y.size
        if m > 4 * COLUMNS:
            return None
        return np.array([self.call.pull(self.i, row) for row in np.eye(m)])[:, self.columns]


def jacobian(call: Call, i: int, columns: Array) -> tuple[Array, Array, Array]:
    """Return columns of the Jacobian by difference quotients, their errors, and slopes that differ on the two sides."""
    x, y = line(call.operands[i]), call.y
    found, errors, apart = (np.zeros((y.size, len(columns))) for _ in range(3))
    noise = np.zeros(y.size)
    for at, k in enumerate(columns):
        near = abs(float(x[k]))
        steps = {2.0**-b * max(1.0, near) for b in (9, 13, 17, 21)} | ({2.0**-9 * near, 2.0**-13 * near} - {0.0})
        last, best = None, np.full(y.size, np.inf)
        found[:, at], unit = np.nan, np.zeros(x.size)
        for h in sorted(steps, reverse=True):
            unit[k] = h
            ends = [call.along(i, s * unit) for s in (0.5, -0.5, 1.0, -1.0)]
            now = (4 * (ends[0] - ends[1]) / h - (ends[2] - ends[3]) / (2 * h)) / 3
            rounding = 4 * EPS * (np.abs(y) + np.abs(now) * near) / h
            if last is not None:
                with np.errstate(invalid="ignore"):
                    error = np.abs(now - last) + rounding
                better = error < best
                found[better, at], best[better] = now[better], error[better]
                if (best <= 1e-9 * np.abs(found[:, at]).max() + 1e-12 + 2 * rounding).all():
                    break
            last = now
        sides = []
        for h in (2.0**-14, 2.0**-18):
            unit[k] = h * max(1.0, near)
            up, down = call.along(i, unit), call.along(i, -unit)
            sides.append((up - 2 * y + down) / unit[k])
        with np.errstate(invalid="ignore"):  # of a smooth function they shrink with the step
            stays = (np.abs(sides[1]) > 0.5 * np.abs(sides[0])) & np.isfinite(sides[1])
        visible = np.abs(np.where(stays, sides[1], 0)) > 40 * EPS * np.abs(y) / (2.0**-18 * max(1.0, near))
        apart[:, at] = np.where(stays & visible, sides[1], 0)
        errors[:, at] = best
        with np.errstate(invalid="ignore"):  # what grows as the step shrinks is noise
            grows = (np.abs(sides[1]) > 4 * np.abs(sides[0])) & (np.abs(sides[1]) * unit[k] > 40 * EPS * np.abs(y))
        noise = np.maximum(noise, np.where(grows & np.isfinite(sides[1]), np.abs(sides[1]) * abs(unit[k]), 0))
    errors += noise[:, None] * 2.0**13
    return found, errors, apart


# --- at a point, and at points nearby -------------------------------------------------------------------------


class Case:
    """A suspect, measured at its point and at points nearby."""

    def __init__(self, suspect: Suspect, rng: Any) -> None:
        self.suspect, self.rule = suspect, suspect.call.rule
        call, self.i = suspect.call, suspect.operand
        size = line(call.operands[self.i]).size
        columns = np.arange(size) if size <= COLUMNS else np.sort(rng.choice(size, COLUMNS // 2, replace=False))
        rows = np.array(two(rng, call.y.size))
        self.points = [Point(call, self.i, columns, rows)]
        if not self.points[0].wrong.any():
            place = self.search(rng, size)
            if place is not None:
                columns = np.union1d(columns, [place])
                self.points = [Point(call, self.i, columns, rows)]
        for _ in range(2 if size <= 16 else 1):  # each takes some dozens of calls for every entry
            moved = self.moved(call, rng)
            if moved is not None:
                self.points.append(Point(moved, self.i, columns, rows))
        self.here = self.points[0]
        share = max((point.share for point in self.points if np.isfinite(point.share)), default=1.0)
        for point in self.points:
            point.strict = min(1.0, 1e4 * share)  # else what is wrong by little would fit what explains nothing
        self.nearby = [point for point in self.points[1:] if point.clear.all()]

    def search(self, rng: Any, size: int) -> int | None:
        """Return a wrong entry among many, found by bisection."""
        call, i = self.suspect.call, self.i
        g, u = signed(rng, call.y.size), signed(rng, size)
        p, where = call.pull(i, g), np.arange(size)
        while len(where) > 1:
            half, rest = np.split(where, [len(where) // 2])
            mask = np.zeros(size)
            mask[half] = 1
            where = rest if agrees(call, i, g, p, u * mask) else half
        return int(where[0]) if len(where) else None

    @staticmethod
    def moved(call: Call, rng: Any) -> Call | None:
        """Return the same call at operands nearby; the same array stays the same array."""
        new: dict[int, Any] = {}
        for x in call.operands:
            if differentiable(x):
                step = 0.1 * rng.uniform(0.3, 1, x.shape) * rng.choice([-1, 1], x.shape)
                new.setdefault(id(x), x + step * np.where(x == 0, 0.5, np.abs(x)))
        try:
            moved = Call(call.rule, [new.get(id(x), x) for x in call.operands], call.kwargs)
        except Exception:
            return None
        same = moved.y.shape == call.y.shape and np.isfinite(moved.y).all()
        return moved if same else None

    def holds(self, test: Callable[..., Pair]) -> bool:
        """Return whether a hypothesis makes the numbers agree here and at every point nearby."""
        for point in [self.here, *self.nearby]:
            try:
                with np.errstate(all="ignore"):
                    pair = test(point)
            except Exception:
                return False
            if pair is None or not np.isfinite(pair[0]).all() or not point.equal(*pair):
                return False
            if not np.abs(pair[1][:, point.clear]).max(initial=0) > 0:
                return False
        return True

    def evidence(self) -> str:
        """How much was compared."""
        count = int(self.here.clear.sum())
        entries = "in its only entry" if count == 1 else f"in all {count} measured entries"
        near = len(self.nearby)
        return entries + (f", and at {near} point{'s' * (near > 1)} nearby" if near else "")
