"""Hypotheses of what is wrong with a rule: each a sentence, and two arrays of numbers that are equal if it is true.

Either "analytic" is held against a prediction, or a repaired rule against "numeric". Nothing is guessed from a
resemblance. Each family below yields hypotheses of one kind, the simplest first.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .graph import Node, Several, Through, pullback, toposort
from .measure import COLUMNS, Array, Case, Pair, Point, applied, differentiable, jacobian, line, shown_factor, unline
from .recording import keep, recording
from .tensor import Tensor

__all__ = ["Hypothesis", "hypotheses"]

CONSTANTS = {
    "ln 2": math.log(2),
    "ln 10": math.log(10),
    "pi": math.pi,
    "2 pi": 2 * math.pi,
    "sqrt(2)": math.sqrt(2),
    "sqrt(pi)": math.sqrt(math.pi),
    "sqrt(2 pi)": math.sqrt(2 * math.pi),
    "180/pi": 180 / math.pi,
}


class Hypothesis(NamedTuple):
    """A mistake that a rule may contain, and the two arrays that are equal if it does."""

    says: str
    test: Callable[..., Pair]
    remedy: str = ""


def named(c: float) -> str:
    """Return a factor as a person writes it."""
    for top, bottom in itertools.product(range(1, 13), repeat=2):
        if math.gcd(top, bottom) == 1 and math.isclose(abs(c), top / bottom, rel_tol=1e-6):
            return f"{'-' * (c < 0)}{top}" + (f"/{bottom}" if bottom > 1 else "")
    for name, value in CONSTANTS.items():
        for text, number in ((name, value), (f"1/({name})", 1 / value)):
            if math.isclose(abs(c), number, rel_tol=1e-6):
                return "-" * (c < 0) + text
    return f"{c:.6g}"


def factors(case: Case) -> Iterator[Hypothesis]:
    """A constant factor: a sign, a 2, a mean that should be a sum."""
    point = case.here
    yield Hypothesis("The sign is wrong: analytic = -numeric", lambda p: (p.said, -p.q), "Negate the rule.")
    off = point.said[:, point.clear], point.q[:, point.clear]
    with np.errstate(all="ignore"):
        c = float((off[0] * off[1]).sum() / (off[1] ** 2).sum())
    if not np.isfinite(c) or c == 0:
        return
    x, outs, n = point.x, point.call.outs, 0
    look = "Look for a constant, or a mean that should be a sum."
    if len(outs) == 1 and outs[0].size and x.size % outs[0].size == 0 and x.size > outs[0].size:
        n, why = x.size // outs[0].size, "Each entry of the result is made of {n} entries"
    elif len(outs) == 1 and fits(x.shape, outs[0].shape) and outs[0].size > x.size:
        n, why = outs[0].size // x.size, "The operand was broadcast {n} times"
    sizes = [(n, why.format(n=n))] if n else []
    if len(outs) == 1 and outs[0].shape == x.shape:
        sizes = [(m, f"Axis {a} has length {m}") for a, m in enumerate(x.shape) if m > 2]
        sizes += [(x.size, f"The operand has {x.size} entries")] if x.ndim > 1 else []
    for m, text in sizes:
        if math.isclose(c, 1 / m, rel_tol=1e-6):
            look = f"{text}: look for a mean that should be a sum."
        elif math.isclose(c, m, rel_tol=1e-6):
            look = f"{text}: look for a sum that should be a mean."
    exact = named(c) if "." not in named(c) and named(c) not in (f"{c:.6g}", "1") else ""
    yield Hypothesis(
        f"Every entry is off by the same factor, {shown_factor(c)}" + (f" = {exact}" if exact else ""),
        lambda p: (p.said, c * p.q),
        look,
    )


def upstream(_: Case) -> Iterator[Hypothesis]:
    """The cotangent g is dropped, or not used linearly."""
    ones = "These are the values for a cotangent of ones: the rule drops its g"
    yield Hypothesis(ones, lambda p: (p.said, np.array([p.jacobian.sum(0)] * len(p.g))), "Multiply by g.")
    for name, change in (("g*g", np.square), ("|g|", np.abs), ("sign(g)", np.sign), ("1/g", np.reciprocal)):
        yield Hypothesis(
            f"The rule uses {name} for g: it must be linear in g",
            lambda p, change=change: (p.said, change(p.g) @ p.jacobian),
            "Use g once, as a factor.",
        )


def local(_: Case) -> Iterator[Hypothesis]:
    """The local derivative f'(x) is missing."""
    yield Hypothesis(
        "The local derivative is missing: g is passed straight through",
        lambda p: (p.said, p.g @ (np.abs(p.jacobian) > 1e-9 * np.abs(p.jacobian).max())),
        "Multiply g by f'(x).",
    )


def leftovers(case: Case) -> Iterator[Hypothesis]:
    """A factor too many, of what the rule has at hand."""
    shape = case.here.x.shape
    names = case.rule.operands
    at_hand: list[tuple[str, Callable[..., Array]]] = []
    for j, z in enumerate(case.here.call.operands):
        if differentiable(z) and fits(np.shape(z), shape):
            name = names[j] if j < len(names) and not (case.rule.splat and j >= len(names) - 1) else f"operand {j}"
            at_hand.append((name, lambda p, j=j: p.call.operands[j]))
    if len(case.here.call.outs) == 1 and fits(case.here.call.outs[0].shape, shape):
        at_hand.append(("y", lambda p: p.call.outs[0]))
    for (name, value), power, c in itertools.product(at_hand, (1, -1, 2, -2, 0.5, -0.5), (1.0, -1.0, 2.0, 0.5)):
        term = {1: name, -1: f"1/{name}", 2: f"{name}**2", -2: f"1/{name}**2", 0.5: f"sqrt({name})"}
        text = term.get(power, f"1/sqrt({name})")
        text = text if c == 1 else f"{named(c)} * {text}"

        def test(p: Point, value: Any = value, power: float = power, c: float = c) -> Pair:
            times = np.broadcast_to(c * np.asarray(value(p), dtype=p.x.dtype) ** power, p.x.shape)
            back = np.array([line(np.conjugate(np.conjugate(unline(full(p, q), p.x)) * times)) for q in p.q])
            return p.said, back[:, p.columns]

        yield Hypothesis(f"A factor too many: analytic = numeric * {text}", test, f"Divide the rule by {text}.")


def fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    """Return whether a shape broadcasts to another."""
    try:
        return np.broadcast_shapes(shape, into) == into
    except ValueError:
        return False


def full(point: Point, row: Array) -> Array:
    """Return a row of measured entries in its place among all, nan elsewhere."""
    out = np.full(point.p.shape[1], np.nan)
    out[point.columns] = row
    return out


def places(case: Case) -> Iterator[Hypothesis]:
    """The derivative is taken at the wrong values: at y rather than x, at another operand, of another operand."""
    here, i, names = case.here, case.i, case.rule.operands
    mine = names[min(i, len(names) - 1)] + (f" (number {i})" if case.rule.splat else "")
    one = here.call.outs[0] if len(here.call.outs) == 1 else None
    if one is not None and one.shape == here.x.shape and one.dtype == here.x.dtype:
        yield Hypothesis(
            f"The derivative is taken at y, not at {mine}: f'(y) for f'({mine})",
            lambda p: (p.said, p.g @ jacobian(p.call.replaced({i: p.call.outs[0]}), i, p.columns)[0]),
            f"Read {mine} where y is read.",
        )
        yield Hypothesis(
            f"The rule agrees once y is put in place of {mine}",
            lambda p: (p.repaired(operands=with_(p.call.operands, i, p.call.outs[0])), p.q),
            f"Read y where {mine} is read.",
        )
        yield Hypothesis(
            f"The rule agrees once {mine} is put in place of y",
            lambda p: (p.repaired(out=p.x), p.q),
            f"Read {mine} where y is read.",
        )
    for j, z in enumerate(here.call.operands):
        if j == i or not differentiable(z):
            continue
        other = names[min(j, len(names) - 1)] + (f" (number {j})" if case.rule.splat else "")
        if np.shape(z) == here.x.shape:
            yield Hypothesis(
                f"This is the cotangent of operand {other}, not of {mine}: rules in the wrong order",
                lambda p, j=j: (p.said, p.g @ jacobian(p.call, j, p.columns)[0]),
                "Give defvjp the rules in the operands' order.",
            )
            yield Hypothesis(
                f"The rule agrees once {mine} and {other} are exchanged in it",
                lambda p, j=j: (p.repaired(operands=swapped(p.call.operands, i, j)), p.q),
                f"Exchange {mine} and {other} in the rule.",
            )
            yield Hypothesis(
                f"The rule agrees once it reads {other} for {mine}",
                lambda p, j=j: (p.repaired(operands=with_(p.call.operands, i, p.call.operands[j])), p.q),
                f"Read {other} where {mine} is read.",
            )
            yield Hypothesis(
                f"The rule agrees once it reads {mine} for {other}",
                lambda p, j=j: (p.repaired(operands=with_(p.call.operands, j, p.x)), p.q),
                f"Read {mine} where {other} is read.",
            )


def with_(operands: Sequence[Any], i: int, value: Any) -> list[Any]:
    """Return operands with one replaced."""
    return [value if i == j else z for j, z in enumerate(operands)]


def swapped(operands: Sequence[Any], i: int, j: int) -> list[Any]:
    """Return operands with two exchanged."""
    return with_(with_(operands, i, operands[j]), j, operands[i])


def turns(shape: tuple[int, ...]) -> Iterator[tuple[str, Callable[..., Array]]]:
    """Yield the rearrangements of an array that leave its shape as it is."""
    n = len(shape)
    if 2 <= n <= 4:
        for axes in itertools.permutations(range(n)):
            if axes != tuple(range(n)):
                name = "transposed (.T)" if axes == tuple(range(n))[::-1] else f"transposed by {axes}"
                yield name, lambda a, axes=axes: np.transpose(a, axes)
    for k in range(1, min(n, 3) + 1):
        for axes in itertools.combinations(range(n), k):
            if all(shape[a] > 1 for a in axes):
                where = "" if n == 1 else f" along axis {axes[0]}" if k == 1 else f" along axes {axes}"
                yield f"reversed{where}", lambda a, axes=axes: np.flip(a, axes)
    for axis in range(min(n, 3)):
        if shape[axis] > 2:
            for by in (1, -1):
                yield f"rolled by {by} along axis {axis}", lambda a, axis=axis, by=by: np.roll(a, by, axis)
    if n > 1:
        yield (
            "read in Fortran order instead of C order",
            lambda a: np.reshape(np.ravel(a, order="F"), np.shape(a)),
        )
        yield (
            "read in C order instead of Fortran order",
            lambda a: np.reshape(np.ravel(a), np.shape(a), order="F"),
        )


def rearranged(case: Case) -> Iterator[Hypothesis]:
    """The right numbers in the wrong places; the Jacobian for its transpose; a scan that runs the wrong way."""
    shape = case.here.x.shape
    for name, turn in turns(shape):
        yield Hypothesis(
            f"The right numbers stand in the wrong places: {name}, they agree",
            lambda p, turn=turn: (p.seen(turn(a) for a in p.arrays()), p.q),
            "Look for a transpose, an axis or an order.",
        )
    outs = case.here.call.outs
    if len(outs) == 1:
        for name, turn in turns(outs[0].shape):
            yield Hypothesis(
                f"The rule agrees once its g is {name}",
                lambda p, turn=turn: (p.repaired_g(turn), p.q),
                "Rearrange g before it is used.",
            )
    for j, z in enumerate(case.here.call.operands):
        if not differentiable(z) or np.ndim(z) == 0:
            continue
        name = case.rule.operands[min(j, len(case.rule.operands) - 1)]
        for how, turn in turns(np.shape(z)):
            if np.ndim(z) == 2 and "(.T)" in how:
                how = "transposed"
            yield Hypothesis(
                f"The rule agrees once its {name} is {how}",
                lambda p, j=j, turn=turn: (
                    p.repaired(operands=with_(p.call.operands, j, turn(p.call.operands[j]))),
                    p.q,
                ),
                f"Look at how the rule uses {name}.",
            )
    if case.here.full and case.here.p.shape[1] == case.here.call.y.size:
        yield Hypothesis(
            "The rule pushes forward: it applies the Jacobian where its transpose is needed",
            lambda p: (p.said, p.g @ p.jacobian.T),
            "Transpose the linear map (reverse the order, invert the permutation, swap the axes).",
        )


def axes(case: Case) -> Iterator[Hypothesis]:
    """Another axis, in the function or in the rule; both sides transposed or reversed."""
    call, names = case.here.call, ("axis", "axes", "axis1", "axis2", "dim")
    known = case.rule.keywords | call.kwargs
    n = case.here.x.ndim
    for name in names:
        if name not in known:
            continue
        now = known[name]
        for value in (None, *range(n)):
            if value == now or (isinstance(now, int) and value is not None and value == now % max(n, 1)):
                continue
            yield Hypothesis(
                f"This is the cotangent for {name}={value}, not for {name}={now}: a wrong axis",
                lambda p, name=name, value=value: (
                    p.said,
                    p.g @ jacobian(p.call.replaced({}, {name: value}), case.i, p.columns)[0],
                ),
                f"Let the rule use {name}.",
            )
            yield Hypothesis(
                f"The rule agrees once it is told {name}={value} in place of {name}={now}: a wrong axis",
                lambda p, name=name, value=value: (p.repaired(kwargs=p.call.kwargs | {name: value}), p.q),
                f"Look at how the rule uses {name}.",
            )
    outs = call.outs
    if len(outs) == 1 and outs[0].shape == case.here.x.shape:
        for how, turn, back in both(case.here.x.shape):
            wrong = "the wrong order" if "axes" not in how else "a wrong axis"
            wrong += ", or factors in the wrong order" if "axes" in how and len(call.operands) > 1 else ""
            yield Hypothesis(
                f"The rule agrees with {how} in all that goes in and comes out: {wrong}",
                lambda p, turn=turn, back=back: (turned(p, turn, back), p.q),
                "Look at the axis and the order along it.",
            )


def both(shape: tuple[int, ...]) -> Iterator[tuple[str, Callable[..., Array], Callable[..., Array]]]:
    """Yield rearrangements to be applied to what goes in and undone on what comes out."""
    n = len(shape)
    for a, b in itertools.combinations(range(min(n, 4)), 2):
        yield (
            f"axes {a} and {b} exchanged",
            lambda z, a=a, b=b: np.swapaxes(z, a, b),
            lambda z, a=a, b=b: np.swapaxes(z, a, b),
        )
    for axis in range(min(n, 3)):
        if shape[axis] > 1:
            name = "everything reversed" if n == 1 else f"everything reversed along axis {axis}"
            yield name, lambda z, axis=axis: np.flip(z, axis), lambda z, axis=axis: np.flip(z, axis)


def turned(p: Point, turn: Callable[..., Array], back: Callable[..., Array]) -> Array:
    """Return what the rule gives if all that goes in is rearranged and the result is put back."""
    shape = p.x.shape
    operands = [turn(z) if differentiable(z) and np.shape(z) == shape else z for z in p.call.operands]
    out = turn(p.call.outs[0])
    return p.seen(back(p.call.raw(p.i, turn(p.call.cotangent(g)), operands, out)) for g in p.g)


def broadcasts(case: Case) -> Iterator[Hypothesis]:
    """A sum over broadcast axes that is missing, or is made otherwise: an entry picked, a mean, another axis."""
    call, shape = case.here.call, case.here.x.shape
    if len(call.outs) != 1 or call.outs[0].shape == shape or not fits(shape, call.outs[0].shape):
        return
    wide = call.outs[0].shape
    extra = len(wide) - len(shape)
    over = (*range(extra), *(extra + k for k, n in enumerate(shape) if n == 1 and wide[extra + k] > 1))

    def spread(p: Point) -> list[Array] | None:
        """Return the cotangent of the operand had it been as wide as the result: what is to be summed."""
        size = int(np.prod(wide))
        if size > 4 * COLUMNS or p.x.dtype.kind == "c":
            return None
        stretched = p.call.replaced({case.i: np.broadcast_to(p.x, wide).copy()})
        if stretched.y.shape != p.call.y.shape or not np.allclose(stretched.y, p.call.y):
            return None
        found = p.g @ jacobian(stretched, case.i, np.arange(size))[0]
        return [row.reshape(wide) for row in found]

    tests: list[tuple[str, Callable[..., Array]]] = [
        ("the first entry is picked", lambda a: pick(a, over, 0)),
        ("the last entry is picked", lambda a: pick(a, over, -1)),
        ("a mean is taken", lambda a: a.mean(over)),
        ("the largest is taken", lambda a: a.max(over)),
    ]
    for other in itertools.combinations(range(len(wide)), len(over)):
        if other != over:
            tests.append((f"the sum runs over axis {tidy(other)}", lambda a, other=other: a.sum(other)))
    for k in range(len(over)):
        for some in itertools.combinations(over, k):
            if some:
                rest = tuple(a for a in over if a not in some)
                tests.append(
                    (
                        f"only axis {tidy(some)} is summed",
                        lambda a, some=some, rest=rest: pick(a.sum(some, keepdims=True), rest + some, 0),
                    )
                )
    for text, change in tests:
        yield Hypothesis(
            f"The operand was broadcast along axis {tidy(over)}, and the cotangent is not summed over it: {text}",
            lambda p, change=change: reduced(p, spread(p), change),
            f"Sum over axis {tidy(over)}.",
        )


def pick(a: Array, axes: tuple[int, ...], at: int) -> Array:
    """Return one entry along each of some axes."""
    return a[tuple(at if k in axes else slice(None) for k in range(a.ndim))]


def tidy(axes: tuple[int, ...]) -> str:
    """Return axes as a person writes them."""
    return str(axes[0]) if len(axes) == 1 else str(axes)


def reduced(p: Point, wide: list[Array] | None, change: Callable[..., Array]) -> Pair:
    """Return what the rule gives beside wide cotangents, reduced as a hypothesis has it."""
    if wide is None:
        return None
    return p.said, np.array([np.ravel(change(a)) for a in wide])[:, p.columns]


def terms(case: Case) -> Iterator[Hypothesis]:
    """Terms of the sum that are lost, or too many: a mask, an assignment that overwrites, an operand counted once."""
    here = case.here
    rule, size = here.matrix, here.p.shape[1]
    if rule is None:
        return
    if not np.allclose(here.g @ rule, here.said, rtol=1e-9, atol=1e-12 * here.scale):
        return  # not linear in g: it has no matrix
    true = here.jacobian
    tiny = 1e-7 * float(np.abs(true[np.isfinite(true)]).max(initial=0)) + 3 * here.error
    zero, said = np.abs(true) <= tiny, np.abs(rule) > tiny
    same = np.abs(rule - true) <= 1e-5 * np.abs(true) + tiny
    lost, added = ~zero & ~said, zero & said
    if not (same | lost | added).all() or same[~zero].sum() == 0 or (lost.any() and added.any()):
        return
    if lost.any():
        many = (~zero).sum(0) > 1
        last = np.array([rows.nonzero()[0][-1] if rows.any() else -1 for rows in (~zero).T])
        first = np.array([rows.nonzero()[0][0] if rows.any() else -1 for rows in (~zero).T])
        kept = [said.T[k].nonzero()[0] for k in range(len(many))]
        touched = lost.any(0)
        if not said[:, touched].any():
            text = f"Nothing arrives at {count(touched)} of {size} entries, the others are right"
            remedy = "Look at indices and masks: which entries does the rule leave out?"
        elif all(len(k) == 1 and k[0] == last[c] for c, k in enumerate(kept) if many[c]):
            text = "Of several uses of an entry only the last is counted"
            remedy = "Accumulate: += for =, np.add.at for out[index] = g, a sum over all uses."
        elif all(len(k) == 1 and k[0] == first[c] for c, k in enumerate(kept) if many[c]):
            text = "Of several uses of an entry only the first is counted"
            remedy = "Accumulate: add up all uses."
        elif not said[lost.any(1)].any():
            rows = lost.any(1)
            text = f"The cotangents of {count(rows)} of {len(rows)} entries of the result are not carried back"
            remedy = "A term of the sum is missing: look at slices and masks of g."
        else:
            text = f"{count(lost)} of {count(~zero)} terms of the sum are missing, the others are right"
            remedy = "Look for a missing accumulation (= for +=), a slice or a mask."
        yield Hypothesis(text, lambda p: kept_terms(p, said | zero), remedy)
    else:
        flat = zero.all(0)
        if added[:, flat].any() and not added[:, ~flat].any():
            text = f"f does not vary there, yet a cotangent arrives: at {count(added.any(0))} of {size} entries"
        else:
            text = f"f does not vary there, yet a cotangent arrives: {count(added)} terms too many"
        yield Hypothesis(text, lambda p: extra_terms(p, ~zero), "Look at indices, axes and masks.")


def mixed(case: Case) -> Iterator[Hypothesis]:
    """The entries of g meet the wrong entries: broadcast along another axis, picked, or out of order."""
    size = case.here.call.y.size
    if size > 1:
        yield Hypothesis(
            "The rule agrees if all entries of g are equal: the entries of g are mixed up",
            lambda p: equal_entries(p) if np.abs(p.jacobian.sum(0)).max() > 1e-3 * np.abs(p.jacobian).max() else None,
            "Look at where g is broadcast (g[:, None] or g[None]), indexed or reordered.",
        )


def equal_entries(p: Point) -> Pair:
    """Return what the rule and the quotients give for a cotangent of ones."""
    said = p.call.pull(p.i, np.ones(p.call.y.size))[p.columns]
    return np.array([said] * len(p.g)), np.array([p.jacobian.sum(0)] * len(p.g))


def count(mask: Array) -> int:
    """Return how many are true."""
    return int(np.count_nonzero(mask))


def kept_terms(p: Point, mask: Array) -> Pair:
    """Return what the rule gives, beside the numeric terms that are left."""
    return p.said, p.g @ (p.jacobian * mask)


def extra_terms(p: Point, mask: Array) -> Pair:
    """Return what the rule gives without the terms too many, beside the numeric ones."""
    return (p.g @ (p.matrix * mask), p.q) if p.matrix is not None else None


def conjugates(case: Case) -> Iterator[Hypothesis]:
    """A conjugate too many, or one that is missing."""
    x, call = case.here.x, case.here.call
    if x.dtype.kind == "c":
        yield Hypothesis(
            "The conjugate agrees: the rule's result is conjugated",
            lambda p: (p.seen(np.conjugate(a) for a in p.arrays()), p.q),
            "Take the conjugate of the rule's result (a cotangent p satisfies Re(p dz) = Re(g dy)).",
        )
    for j, z in enumerate(call.operands):
        if differentiable(z) and np.asarray(z).dtype.kind == "c":
            name = case.rule.operands[min(j, len(case.rule.operands) - 1)]
            yield Hypothesis(
                f"The rule agrees once its {name} is conjugated",
                lambda p, j=j: (p.repaired(operands=with_(p.call.operands, j, np.conjugate(p.call.operands[j]))), p.q),
                f"There is a conjugate of {name} too many, or one is missing (holomorphic: g * f'(z) without any).",
            )
    if any(out.dtype.kind == "c" for out in call.outs):
        yield Hypothesis(
            "The rule agrees once its g is conjugated",
            lambda p: (p.repaired_g(np.conjugate), p.q),
            "There is a conjugate of g too many, or one is missing (holomorphic: g * f'(z) without any).",
        )
        if len(call.outs) == 1:
            yield Hypothesis(
                "The rule agrees once its y is conjugated",
                lambda p: (p.repaired(out=np.conjugate(p.call.outs[0])), p.q),
                "There is a conjugate of y too many, or one is missing.",
            )


def repeated(case: Case) -> Iterator[Hypothesis]:
    """The same array stands for several operands, and the rule counts it once."""
    operands = case.here.call.operands
    if sum(z is operands[case.i] for z in operands) > 1:
        yield Hypothesis(
            "The same array is passed several times, and the rule counts it once: with copies it agrees",
            lambda p: (p.repaired(operands=[np.array(z) if differentiable(z) else z for z in p.call.operands]), p.q),
            "Tell the operands apart by their number, not by identity or equality (`is`, `.index`).",
        )


# --- the inside of a function of one's own --------------------------------------------------------------------


def body(case: Case) -> Iterator[Hypothesis]:
    """A term or an inner derivative that is missing: the function's own code is swept with one edge changed."""
    inner = getattr(case.rule.function, "__wrapped__", None)
    if inner is None:
        return
    try:
        nodes, _, _ = opened(case.here, inner)
    except Exception:
        return
    edges = [
        (n, where)
        for n, node in enumerate(nodes)
        if node.rule is not None
        for where, parent in enumerate(node.parents)
        if parent is not None
        and parent.requires_grad
        and node.rule.vjps[where] is not None
        and not isinstance(parent.out, Several)
    ][:60]
    changes: list[tuple[str, str, Callable[[Any, Any], Any]]] = [
        ("is missing", "Add it.", lambda _g, p: np.zeros_like(p)),
        ("has the wrong sign", "Look at its sign.", lambda _g, p: -p),
        (
            "lacks its local derivative",
            "Chain rule: multiply by it.",
            lambda g, p: g if np.shape(g) == np.shape(p) else 0 * p,
        ),
    ]
    for text, remedy, change in changes:
        for n, where in edges:
            node = nodes[n]
            name = node.rule.operands[min(where, len(node.rule.operands) - 1)]
            what = f"operand {name} of {node.rule.name}" if len(node.parents) > 1 else node.rule.name
            yield Hypothesis(
                f"In its own code, the term through {what} {text}",
                lambda p, n=n, where=where, change=change: (p.said, inside(p, inner, n, where, change)),
                remedy,
            )


def opened(p: Point, inner: Callable[..., Any]) -> tuple[list[Node], Any, list[Any]]:
    """Record the code of a primitive; return its nodes, its result, and the operands as Tensors."""
    tensors = [
        Tensor(np.array(z), requires_grad=j == p.i) if differentiable(z) else z for j, z in enumerate(p.call.operands)
    ]
    with recording(), keep(), np.errstate(all="ignore"):
        out = applied(_Inner(p.call.rule, inner), tensors, p.call.kwargs)
    return list(toposort({out.node})), out, tensors


class _Inner:
    """A rule whose function is the code inside a primitive."""

    def __init__(self, rule: Any, inner: Callable[..., Any]) -> None:
        self.function = inner
        self.parameters, self.operands, self.splat, self.rest = rule.parameters, rule.operands, rule.splat, rule.rest


class _Edited(Through):
    """A rule that sends something else to one operand."""

    def __init__(self, rule: Any, where: int, change: Callable[[Any, Any], Any]) -> None:
        super().__init__(rule)
        self.where, self.change = where, change

    def call(self, vjp: Callable[..., Any], i: int, g: Any, y: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Pull a cotangent back, and change it."""
        p = vjp(g, y, *args, **kwargs)
        return self.change(g, p) if i == self.where else p


def inside(p: Point, inner: Callable[..., Any], n: int, where: int, change: Callable[[Any, Any], Any]) -> Array:
    """Return the sweep through a primitive's own code with one edge changed."""
    nodes, out, tensors = opened(p, inner)
    nodes[n].rule = _Edited(nodes[n].rule, where, change)
    wanted, rows = tensors[p.i].node, []
    for g in p.g:
        with np.errstate(all="ignore"):
            back = pullback({out.node: p.call.cotangent(g)}, [wanted]).get(wanted)
        rows.append(np.zeros_like(p.x) if back is None else back)
    return p.seen(rows)


# --- the order in which they are asked ------------------------------------------------------------------------

SIMPLE = (factors, upstream, local, places, broadcasts, conjugates, rearranged, axes, terms)
LAST = ((body, leftovers), (mixed,))  # each asked if nothing simpler holds


def hypotheses(case: Case) -> Iterator[list[Iterator[Hypothesis]]]:
    """Yield families of hypotheses, the simplest first; a later list is asked if nothing in an earlier one holds."""
    yield [repeated(case)]
    if not case.here.said[:, case.here.clear].any():
        none = case.rule.vjps[case.i] is None
        remedy = "It has none (None): give it one." if none else "Look for a detached value, or a mask that is empty."
        ones = np.ones_like(case.here.q)
        zero = "The rule gives 0 where f varies"
        yield [iter([Hypothesis(zero, lambda p: None if p.said.any() else (ones, ones), remedy)])]
        return
    if not case.here.full and 2 * count(case.here.wrong.any(0)) < len(case.here.columns):
        return  # of a few wrong entries, what is rearranged may hide among those that were not measured
    yield [family(case) for family in SIMPLE]
    for families in LAST:
        yield [family(case) for family in families]
