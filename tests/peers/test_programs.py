"""Random programs differentiated by PyTorch (10,000 and more) and by JAX (120), in float64 and complex128.

A peer that lacks a function, or a keyword of it, is spared that step: the program goes on with the step's value as a
constant, for both. Where the results disagree the program is shrunk and judged by differences: that clears us, or says
that the place is a kink. A disagreement in which we are right has its reason in `KNOWN`.

JAX compiles every program, for a second or more, and tries again without each step that it lacks: hence so few.
"""

import operator
from collections import Counter

import numpy as np
import pytest
from scipy import special

import autograd_mini as ag

from ..generated import named
from ..programs.draw import ALL, KINDS, Pool, cast, draw, through_a_view
from ..programs.judge import Discard, by_numpy, judge
from ..programs.program import frozen, given, run, shrunk, source

SHAPES = ((), (3,), (2, 3), (1, 3), (2, 1), (2, 3, 2), (2, 2))  # few: JAX compiles each function for each of them


class Unsupported(Exception):
    """The peer cannot do this step: its number, and the error."""


class Torch:
    """Gradients by PyTorch; its gradient of a complex leaf is the conjugate of ours."""

    def __init__(self):
        self.torch = pytest.importorskip("torch")
        from .torch_functions import TORCH, perform

        self.perform = perform
        self.pool = pool_of(TORCH.__contains__, KINDS)

    def gradients(self, program, cs, perform):
        torch = self.torch
        leaves = [torch.tensor(x.copy(), requires_grad=True) for x in program.leaves]
        ys = run(program, leaves, peer=perform)
        weighted = {k: ys[k] * torch.from_numpy(np.array(c)) for k, c in cs.items()}
        total = sum((torch.sum(y.real if y.dtype.is_complex else y) for y in weighted.values()), torch.zeros(()))
        values = {k: ys[k].detach().resolve_conj().resolve_neg().numpy() for k in cs}
        if not total.requires_grad:
            return values, [np.zeros_like(x) for x in program.leaves]
        gs = torch.autograd.grad(total, leaves, allow_unused=True)
        return values, [
            np.zeros_like(x) if g is None else g.conj().resolve_conj().numpy()
            for g, x in zip(gs, program.leaves, strict=True)
        ]


class Jax:
    """Gradients by JAX, compiled; its convention for complex numbers is ours."""

    def __init__(self):
        self.jax = pytest.importorskip("jax")
        from .jax_functions import knows, perform

        self.perform = perform
        self.pool = pool_of(knows, tuple(k for k in KINDS if k[1] is not through_a_view))

    def gradients(self, program, cs, perform):
        jnp = self.jax.numpy

        def total(*leaves):
            ys = run(program, leaves, peer=perform)
            return sum((jnp.sum(jnp.real(ys[k] * c)) for k, c in cs.items()), 0.0), {k: ys[k] for k in cs}

        every = tuple(range(len(program.leaves)))
        compiled = self.jax.jit(self.jax.grad(total, every, has_aux=True))  # three times quicker than step by step
        found, values = compiled(*map(jnp.asarray, program.leaves))
        return {k: np.asarray(y) for k, y in values.items()}, [np.asarray(g) for g in found]


def pool_of(knows, kinds):
    rows = tuple(row for row in ALL.rows if row[0] == "CASES" and knows(row[1]))
    f8 = (np.float64,)
    return Pool(
        tuple(k for k in kinds if k[1] is not cast),
        rows,
        dtypes=(f8, f8, f8, (np.float64, np.complex128)),
        shapes=SHAPES,
        refused=set(),
    )


def theirs(peer, program, cs):
    """The peer's values and gradients; Unsupported(at, error) where it cannot do a step."""
    at = -1

    def perform(function, args, kwargs):
        nonlocal at
        at += 1
        try:
            return peer.perform(function, args, kwargs)
        except Exception as error:
            raise Unsupported(at, error) from error

    return peer.gradients(program, cs, perform)


def spared(peer, program, counts):
    """The program without what the peer cannot do, and the peer's values and gradients."""
    while True:
        try:
            return program, *theirs(peer, program, by_numpy(program).seeds)
        except Unsupported as unsupported:
            at, error = unsupported.args
            step = program.steps[at]
            counts["not the peer's: " + named(step.function)] += 1
            if step.row is not None:
                peer.pool.refused.add((step.row.table, step.function, step.row.k))
            program = frozen(program, at)
            if program is None:
                raise Discard(f"not the peer's: a write ({type(error).__name__})") from None
        except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:  # in its backward pass
            raise Discard(f"refused in the peer's backward pass: {str(error)[:60]}") from None


def agree(program, values, found):
    _, cs, rough = by_numpy(program)  # rough: some rows ask for float32
    rounding = 1e-4 if rough else 1e-7
    ys, gs = ours(program, cs)
    for k in cs:
        np.testing.assert_allclose(values[k], ys[k], rtol=rounding, atol=rounding / 10, err_msg=f"the value of v{k}")
    for i, (g, p) in enumerate(zip(gs, found, strict=True)):
        scale = max(1.0, float(np.max(np.abs(g), initial=0)))
        assert np.shape(p) == g.shape, f"v{i}: shapes {np.shape(p)}, {g.shape}"
        assert np.max(np.abs(g - p), initial=0) <= rounding * scale, f"v{i}: ours {g!r}, theirs {p!r}"


def ours(program, cs):
    leaves = [ag.Tensor(x, requires_grad=True) for x in program.leaves]
    ys = run(program, leaves)
    known = [k for k in cs if ys[k].requires_grad]
    gs = (
        ag.gradients([ys[k] for k in known], leaves, [cs[k] for k in known])
        if known
        else [np.zeros(x.shape) for x in program.leaves]
    )
    return {k: ys[k].data for k in cs}, list(gs)


def always(_step, _made, _bad):
    return True


def of_nothing(_step, made, _bad):
    """The value is 0, where its square root has no derivative."""
    return any(np.any(y == 0) for y in made)


def repeated(step, made, _bad):
    """An index that names a place twice."""
    times = np.zeros(made[-1].shape, int)
    np.add.at(times, step.args[1], 1)
    return bool(np.any(times > 1))


def free_columns(_step, made, _bad):
    """Singular vectors beyond the smaller dimension."""
    return len(made) == 3 and made[0].shape[-1] != made[2].shape[-1]


def negative_exponent(step, _made, _bad):
    return bool(np.any(np.asarray(step.args[1]) < 0))


def on_the_cut(_step, made, _bad):
    return bool(np.any(np.abs(made[0]) > 3.14159265))


def number_beside_array(step, _made, _bad):
    index = step.args[1] if isinstance(step.args[1], tuple) else ()
    return any(isinstance(i, int) for i in index) and any(isinstance(i, (list, np.ndarray)) for i in index)


def on_the_left(_step, made, _bad):
    """A complex arccosh whose operand has a negative real part."""
    return made[0].dtype.kind == "c" and bool(np.any(np.abs(made[0].imag) > np.pi / 2))


def not_finite(_step, _made, bad):
    return bad


TRIANGLE = "it spreads the derivative over both triangles; NumPy reads one, and differences agree with us"
MEAN_OF_BOTH = "it takes the mean of both triangles for its operand; NumPy reads one"
ROOT = "nan where the value is 0; here 0"
RECOMPUTED = "compiled, it computes the operand twice, and the maximum is not found among the second values: 0/0 or 1/0"
FREE = "the columns of U or V beyond the smaller dimension are determined by LAPACK alone; differences agree with us"
# Where we differ from a peer and are right: a function that the shrunk program calls, when, and why.
KNOWN = {
    "torch": [
        (np.linalg.eigh, always, TRIANGLE),
        (np.linalg.eigvalsh, always, TRIANGLE),
        (np.linalg.cholesky, always, TRIANGLE),
        (np.linalg.svd, free_columns, FREE),
        (np.angle, on_the_cut, "pi for -pi: it takes no notice of the sign of a zero imaginary part"),
        (
            operator.getitem,
            number_beside_array,
            "NumPy counts the number among the arrays, which decides where they go",
        ),
        (np.ldexp, negative_exponent, "its derivative takes a power of a whole number, 2**-3 = 0"),
        (np.std, of_nothing, ROOT),
        (np.nanstd, of_nothing, ROOT),
        (operator.setitem, repeated, "a place that is written twice passes its cotangent to both values, not the last"),
    ],
    "jax": [
        (np.linalg.eigh, always, MEAN_OF_BOTH),
        (np.linalg.eigvalsh, always, MEAN_OF_BOTH),
        (np.linalg.cholesky, always, MEAN_OF_BOTH),
        (np.std, of_nothing, ROOT),
        (np.nanstd, of_nothing, ROOT),
        (np.arccosh, on_the_left, "the wrong branch where the real part is negative"),
        (special.spence, not_finite, "nan between 1 and 2"),
        *((f, not_finite, RECOMPUTED) for f in (np.max, np.min, np.amax, np.amin, np.ptp, np.nanmax, np.nanmin)),
    ],
}


def explained(name, program, found):
    """The reason why the peer may differ on this shrunk program, or None."""
    reasons = []
    bad = not all(np.isfinite(g).all() for g in found)

    def watch(step, made):
        reasons.extend(
            f"{named(function)}: {reason}"
            for function, test, reason in KNOWN[name]
            if step.function is function and test(step, made, bad)
        )

    run(program, program.leaves, watch=watch)
    return reasons[0] if reasons else None


def through(name, peer, seeds):
    """Compare so many programs; return the counts, and what nobody can explain."""
    counts: Counter = Counter()
    failures = []
    for seed in seeds:
        try:
            program, values, found = spared(peer, draw(seed, peer.pool, 10)[0], counts)
        except Discard as reason:
            counts[f"discarded: {reason}"] += 1
            continue
        counts.update({step.function for step in program.steps} - {given})
        counts["compared"] += 1
        try:
            agree(program, values, found)
        except AssertionError:
            counts["disagreements"] += 1
            small = shrunk(program, lambda candidate: disagrees(peer, candidate))
            _, gs = theirs(peer, small, by_numpy(small).seeds)
            reason = explained(name, small, gs) or unjudgeable(small)
            if reason is None:
                failures.append((seed, small))
            else:
                counts[f"explained: {reason}"] += 1
    return counts, failures


def disagrees(peer, program):
    try:
        agree(program, *theirs(peer, program, by_numpy(program).seeds))
    except AssertionError:
        return True
    except Exception:
        return False
    return False


def unjudgeable(program):
    """Why differences cannot tell who is right, or None."""
    try:
        judge(program)
    except Discard as reason:
        return f"not to be judged: {reason}"
    except AssertionError:
        return None
    return None


PARTS = 10
COUNTS = {Torch: 11_000, Jax: 120}  # a tenth of PyTorch's is refused by its backward pass or its indexing


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("peer", COUNTS)
def test_peer(peer, part):
    each = COUNTS[peer] // PARTS
    counts, failures = through(peer.__name__.lower(), peer(), range(part * each, (part + 1) * each))
    assert not failures, "\n\n".join(f"# seed {seed}\n{source(program)}" for seed, program in failures[:3])
    assert counts["compared"] > 0.85 * each - 3, counts
    assert counts["disagreements"] < 0.05 * each + 5
