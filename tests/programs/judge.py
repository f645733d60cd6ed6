"""What a program is held to: NumPy's values, derivatives by complex steps or differences, and the ways of the engine.

Derivatives are compared along one random direction for each leaf, which costs a few runs of the program whatever its
size. Where the differences themselves are of no use (a kink near by, steep), the program is discarded with the reason.
"""

import functools
import warnings
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

import autograd_mini as ag
from autograd_mini.table import TABLE, Rule

from ..cases import ROUNDED
from ..generated import NOT_COMPLEX, cotangents
from .program import WRITES, refs, run, source

__all__ = ["Discard", "backward_of", "derivative", "directions_of", "judge", "judge_ways"]

NOT_EXACT = {np.ufunc.reduce, np.ufunc.accumulate}  # by a name of its own: np.sum


class Discard(Exception):
    """This program cannot be judged; the reason is counted."""


def widened(program):
    """The leaves in float64, of which differences are taken."""
    return [x.astype(np.result_type(x, np.float64)) for x in program.leaves]


def paired(cs, ys):
    """The real number that cotangents make of the outputs."""
    return float(sum(np.sum(c * ys[k]).real for k, c in cs.items()))


class Numpys(NamedTuple):
    """NumPy's own run: what each step made, a random cotangent for each output, whether float32 takes part."""

    made: list[list[np.ndarray]]
    seeds: dict[int, np.ndarray]
    rough: bool


def by_numpy(program):
    """Run on the leaves' arrays."""
    made: list[list[np.ndarray]] = []
    ys = run(program, program.leaves, watch=lambda _step, found: made.append([np.array(y) for y in found]))
    known = [k for k in program.lives[1] if k >= len(program.leaves) and ys[k].dtype.kind in "fc"]
    dtypes = {y.dtype for y in (*program.leaves, *(y for found in made for y in found))}
    low = {np.dtype(np.float32), np.dtype(np.complex64), np.dtype(np.float16)}
    return Numpys(made, dict(zip(known, cotangents([ys[k] for k in known]), strict=True)), not dtypes.isdisjoint(low))


@contextmanager
def quiet():
    """Within differences NumPy may warn: that makes them rough, no more."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def directions_of(program):
    return cotangents(program.leaves, seed=9)


def derivative(f, exact=1e-7):
    """The derivative of f at 0 by differences, extrapolated; Discard where it has none or they cannot tell."""
    here = f(0.0)
    for h in (4e-3, 5e-4):
        ends = [(f(h / n), f(-h / n)) for n in (1, 2, 4)]
        if not np.isfinite([here, *ends[0], *ends[1], *ends[2]]).all():
            reason = "not finite near by"
            continue
        d = [(a - b) / (2 * h / n) for (a, b), n in zip(ends, (1, 2, 4), strict=True)]
        bend = [abs(a - 2 * here + b) * n / h for (a, b), n in zip(ends, (1, 2, 4), strict=True)]
        e = [(4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3]
        scale = max(1.0, abs(d[2]))
        if bend[2] > 0.6 * bend[0] and bend[2] > max(1e-5, 100 * exact) * scale:
            reason = "kink"
            continue
        if abs(e[1] - e[0]) > exact * scale:
            reason = "rough"
            continue
        return (16 * e[1] - e[0]) / 15
    raise Discard(reason)


def complex_step(program, cs, i, v):
    """``Im f(x + ih v) / h``; None where a function takes no complex numbers."""
    leaves = widened(program)
    leaves[i] = leaves[i] + 1e-20j * v
    try:
        with quiet():
            ys = run(program, leaves)
        return float(sum(np.sum(c * ys[k]).imag for k, c in cs.items())) / 1e-20
    except (*NOT_COMPLEX, np.linalg.LinAlgError, IndexError):
        return None


def slopes(program, cs, i, v, rough):
    """Yield the derivative along v in leaf i without any rule, and how exact that is: the cheap way first.

    Where a complex step, or one difference, agrees with the sweep, both are right. If not, extrapolated differences
    tell who is: the function may not be analytic, or steep, or have a kink.
    """
    wide = widened(program)

    def along(t):
        with quiet():
            return paired(cs, run(program, [*wide[:i], wide[i] + t * v, *wide[i + 1 :]]))

    if not rough and not any(x.dtype.kind == "c" for x in (*program.leaves, *cs.values())):
        stepped = complex_step(program, cs, i, v)
        if stepped is not None:
            yield stepped, 1e-9
    tolerance, h = (5e-3, 2e-3) if rough else (1e-6, 2e-5)
    yield (along(h) - along(-h)) / (2 * h), tolerance
    yield derivative(along, 1e-3 if rough else 1e-7), tolerance


def is_exact(step):
    """Whether a Tensor's value must be NumPy's bit for bit: a rule calls the function itself."""
    f = step.function
    if f in WRITES or isinstance(f, np.ufunc):
        return f not in ROUNDED
    if getattr(f, "__module__", None) == "_operator":
        return True
    return isinstance(TABLE.get(f), Rule) and f not in ROUNDED and f not in NOT_EXACT


def forward(program, leaves, made, rough):
    """Run on Tensors; each value is compared with NumPy's: in dtype, shape and bits, or all but the last digits."""
    at = iter(made)
    rounded: set[int] = set()

    def watch(step, results):
        read = refs((step.args, step.kwargs))
        numbers = step.results or (step.args[0].value,)
        exact = is_exact(step) and rounded.isdisjoint(read)
        if not exact:
            rounded.update(numbers, read[:1] if step.function in WRITES else ())
        for y, e in zip(results, next(at), strict=True):
            assert type(y) is ag.Tensor, f"{step.function} returned {type(y)}"
            assert (y.shape, y.dtype) == (e.shape, e.dtype), (
                f"{step.function}: {y.shape} {y.dtype}, NumPy {e.shape} {e.dtype}"
            )
            if exact:
                assert np.array_equal(y.data, e, equal_nan=e.dtype.kind in "fc"), f"{step.function}: not NumPy's bits"
            elif e.dtype.kind in "fc":
                np.testing.assert_allclose(y.data, e, rtol=2e-3 if rough else 1e-8, atol=1e-4 if rough else 1e-9)

    return run(program, leaves, watch=watch)


def leaves_of(program):
    return [ag.Tensor(x, requires_grad=True) for x in program.leaves]


def differentiable(ys, cs):
    """Outputs and cotangents that a path leads to."""
    known = [k for k in cs if ys[k].requires_grad]
    return [ys[k] for k in known], [cs[k] for k in known]


def backward_of(program, cs, leaves=None):
    """The gradients of all leaves; zeros where no path leads."""
    leaves = leaves or leaves_of(program)
    outs, seeds = differentiable(run(program, leaves), cs)
    if not outs:
        raise Discard("no path to a leaf")
    return outs, list(ag.gradients(outs, leaves, seeds))


def along(gs, vs):
    return float(sum(np.sum(g * v).real for g, v in zip(gs, vs, strict=True)))


def told(check):
    """Have the error of a check show its program. That the engine refuses a write is none."""

    @functools.wraps(check)
    def checked(program):
        try:
            return check(program)
        except Discard:
            raise
        except Exception as error:
            if "another view of t is in use" in str(error):
                raise Discard("refused: a write while a view is alive") from None
            error.add_note(source(program))
            raise

    return checked


@told
def judge(program):
    """First order: values, then `.grad` along a direction per leaf; the count of directions by complex steps."""
    made, cs, rough = by_numpy(program)
    vs = directions_of(program)
    leaves = leaves_of(program)
    before = [x.tobytes() for x in program.leaves]
    outs, seeds = differentiable(forward(program, leaves, made, rough), cs)
    if outs:
        parts = [np.sum(y * seed) for y, seed in zip(outs, seeds, strict=True)]
        sum(np.real(part) for part in parts).backward()
    for leaf, x in zip(leaves, program.leaves, strict=True):
        assert leaf.grad is None or (type(leaf.grad), leaf.grad.shape, leaf.grad.dtype) == (
            np.ndarray,
            x.shape,
            x.dtype,
        )
    assert before == [x.tobytes() for x in program.leaves], "a leaf was overwritten"
    exact = 0
    for i, (leaf, v) in enumerate(zip(leaves, vs, strict=True)):
        g = np.zeros(leaf.shape) if leaf.grad is None else leaf.grad
        got, big = float(np.sum(g * v).real), float(np.max(np.abs(g), initial=0))
        for slope, tolerance in slopes(program, cs, i, v, rough):
            right = abs(got - slope) <= tolerance * max(1.0, abs(slope), big)
            if right:
                exact += tolerance == 1e-9
                break
        assert right, f"leaf v{i} along {v!r}: {got!r}, expected {slope!r}"
    return exact, len(leaves)


@told
def judge_ways(program):
    """Second order against differences of gradients; forward mode against reverse; graphs kept, freed, recorded."""
    _, cs, rough = by_numpy(program)
    vs, ws = directions_of(program), cotangents(program.leaves, seed=11)
    outs, gs = backward_of(program, cs)
    slope = along(gs, vs)
    big = max(1.0, *(float(np.max(np.abs(g), initial=0)) for g in gs))

    def values(*xs):
        ys = run(program, xs)
        return [ys[k] for k in cs]

    _, tangents = ag.jvp(values, program.leaves, tuple(vs))
    pushed = float(sum(np.sum(c * t).real for c, t in zip(cs.values(), tangents, strict=True)))
    assert abs(pushed - slope) <= (1e-2 if rough else 1e-8) * big, f"<c, Jv> = {pushed!r}, <J'c, v> = {slope!r}"

    leaves = leaves_of(program)
    outs, seeds = differentiable(run(program, leaves), cs)
    for keep in (True, False):  # twice the same; the second time it frees the graph
        again = sweep(outs, seeds, leaves, retain_graph=keep)
        for g, a in zip(gs, again, strict=True):
            np.testing.assert_allclose(a, g, rtol=0, atol=1e-12 * big if not rough else 1e-4 * big)

    leaves = leaves_of(program)
    outs, seeds = differentiable(run(program, leaves), cs)
    recorded = ag.gradients(outs, leaves, seeds, create_graph=True)
    for g, r in zip(gs, recorded, strict=True):
        np.testing.assert_allclose(r.data, g, rtol=0, atol=(1e-4 if rough else 1e-11) * big)
    if rough:
        return "no second order in float32"
    alive = [(r, w) for r, w in zip(recorded, ws, strict=True) if r.requires_grad]
    second = [np.zeros(x.shape) for x in program.leaves]
    if alive:
        second = ag.gradients([r for r, _ in alive], leaves, [w for _, w in alive])
    got = along(second, vs)

    def moved(t):
        there = [ag.Tensor(x + t * v, requires_grad=True) for x, v in zip(program.leaves, vs, strict=True)]
        return along(backward_of(program, cs, there)[1], ws)

    scale = max(big, abs(got), *(float(np.max(np.abs(g), initial=0)) for g in second))
    with quiet():
        expected = (moved(2e-5) - moved(-2e-5)) / 4e-5
        if not abs(got - expected) <= 1e-5 * scale:
            expected = derivative(moved, 1e-6)
    assert abs(got - expected) <= 1e-5 * scale, f"second order: {got!r}, expected {expected!r}"
    return "second order"


def sweep(outs, seeds, leaves, **how):
    """Gradients by `backward` on the sum of all outputs."""
    for leaf in leaves:
        leaf.zero_grad()
    # one output after the other adds up in .grad; only the last may free the graph, which they share
    for i, (y, seed) in enumerate(zip(outs, seeds, strict=True)):
        y.backward(seed, **(how if i == len(outs) - 1 else {}))
    return [np.zeros(x.shape, x.dtype) if x.grad is None else x.grad for x in leaves]
