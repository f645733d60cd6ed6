"""What the listings that compute number by number are held to: the program run step by step."""

import warnings

import numpy as np

import autograd_mini as ag
from autograd_mini.errors import AutogradError
from autograd_mini.program import Program, Step, Value, values_in
from autograd_mini.tracing import trace

from .programs.draw import ALL, draw, from_row
from .programs.program import run

KINDS = tuple((weight, kind) for weight, kind in ALL.kinds if kind is not from_row)  # rows' arrays are larger
SCALARS = ALL._replace(kinds=KINDS, shapes=((), (2,), (1, 3), (2, 2)), dtypes=((np.float64,), (np.float64, np.float32)))


def stepped(program, arrays):
    """The results of a program run step by step, as a tuple."""
    results = program.run(dict(zip(program.inputs, arrays, strict=True)))
    flat = []

    def gather(tree, standing):
        if isinstance(standing, (tuple, list)):
            for one, other in zip(tree, standing, strict=True):
                gather(one, other)
        elif isinstance(standing, dict):
            for key in standing:
                gather(tree[key], standing[key])
        elif list(values_in(standing)):
            flat.append(tree)

    gather(results, program.outputs)
    return tuple(flat)


SINGLES = SCALARS._replace(dtypes=((np.float32,),))


def close(got, wanted, singles=False, tolerance=1e-5):
    """Raise unless results have the same shapes and dtypes, and agree to 1e-12, in single precision to `tolerance`."""
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        if a.dtype.kind not in "fc":
            np.testing.assert_array_equal(a, b)
            continue
        rtol = tolerance if singles or a.dtype in (np.float32, np.complex64) else 1e-12
        finite = np.abs(b[np.isfinite(b)])
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.max(finite, initial=1e-3))


def holds(emit, f, *arrays, times=3, rng=None, tolerance=1e-5):
    """Trace f, emit it, and hold it against the program, on the arrays and on fresh ones; return the listing."""
    program = trace(f)(*arrays)
    singles = any(out.dtype in (np.float32, np.complex64) for step in program.steps for out in step.outs)
    listing = emit(program)
    rng = rng or np.random.default_rng(0)
    for _ in range(times):
        before = [a.copy() for a in arrays]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            got, wanted = listing.run(*arrays), stepped(program, arrays)
        close(got, wanted, singles, tolerance)
        for a, b in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(a, b)  # nothing is written
        arrays = [fresh_like(a, rng) for a in arrays]
    return listing


def masked(rng=None):
    """A program of three numbers whose steps give fewer or more at each call: the sum of the positive ones."""
    x, some, found, total = Value((3,), float, "x"), Value((3,), bool), Value((2,), float), Value((), float)
    steps = [Step(np.greater, (x, 0), {}, (some,)), Step(np.compress, (some, x), {}, (found,))]
    steps.append(Step(np.sum, (found,), {}, (total,)))
    if rng is not None:
        drawn, total, summed = Value((), float), Value((), float), total
        steps.insert(0, Step(rng.random, (), {}, (drawn,), pure=False))
        steps.append(Step(np.add, (summed, drawn), {}, (total,)))
    return Program("masked", (x,), {}, steps, total)


def fresh_like(a, rng):
    """Another array of the same kind."""
    a = np.asarray(a)
    if a.dtype.kind not in "fc":
        return a.copy()
    return np.asarray(a + 0.01 * rng.normal(size=a.shape), a.dtype)


def random_programs(seeds, pool=SCALARS, genes=8):
    """Yield functions of arrays made by chance, with the arrays: values, and gradients of the sum of what they give."""
    for seed in seeds:
        drawn, _ = draw(seed, pool, genes)
        leaves = [np.asarray(x) for x in drawn.leaves]
        for f in (values_of(drawn), gradients_of(drawn)):
            yield seed, f, leaves


def values_of(drawn):
    def values(*leaves):
        return list(run(drawn, leaves).values())

    return values


def gradients_of(drawn):
    def total(*leaves):
        outs = [y for y in run(drawn, leaves).values() if y.dtype.kind in "fc"]
        return sum((np.sum(np.real(y) * 0.5) for y in outs), np.asarray(0.0))

    def gradients(*leaves):
        which = tuple(i for i, x in enumerate(leaves) if x.dtype.kind in "fc")
        return ag.grad(total, argnums=which)(*leaves)

    return gradients


def judged(emit, seeds, pool=SCALARS, tolerance=1e-5):
    """Hold random programs against themselves; return how many could be recorded."""
    count = 0
    for seed, f, leaves in random_programs(seeds, pool):
        try:
            trace(f)(*leaves)
        except (AutogradError, TypeError, ValueError):
            continue  # what cannot be recorded is judged elsewhere
        try:
            holds(emit, f, *leaves, times=2, tolerance=tolerance)
        except Exception as error:
            error.add_note(f"program of seed {seed}: {f.__name__}")
            raise
        count += 1
    return count
