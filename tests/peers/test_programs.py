"""Random programs differentiated by PyTorch and by JAX, 10,000 and more with each, in float64 and complex128.

A peer that lacks a function, or a keyword of it, is spared that step: the program goes on with the step's value as a
constant, for both. Where the results disagree, the steps in which we are known to differ, and right (`KNOWN`), become
constants too, and all else must agree then. What still disagrees is shrunk and judged by differences: that says that
the place is a kink, or the test fails.

With JAX it takes half an hour of two processors, as each program is compiled: ``pytest -n auto tests/peers``, which
shows a dot for each part. One part: ``pytest -n 0 -rP "tests/peers/test_programs.py::test_peer[Jax-3]"``, which shows
the counts too: of functions, of reasons, of steps that the peer was spared.
"""

import operator
from collections import Counter
from functools import cache

import numpy as np
import pytest
from scipy import special

import autograd_mini as ag

from ..cases import CASES
from ..generated import named, outputs
from ..programs.draw import ALL, KINDS, Pool, cast, draw, through_a_view
from ..programs.judge import Discard, by_numpy, judge
from ..programs.program import Program, Ref, Step, constant, filled, frozen, given, perform, run, shrunk, source

LONGEST = 8  # genes: some 12 steps
SHAPES = ((), (3,), (2, 3), (1, 3), (2, 1), (2, 3, 2), (2, 2))  # few: JAX compiles each function for each of them


class Unsupported(Exception):
    """The peer cannot do this step: its number, and the error."""


class Torch:
    """Gradients by PyTorch; its gradient of a complex leaf is the conjugate of ours."""

    def __init__(self):
        self.torch = pytest.importorskip("torch")
        from .torch_functions import TORCH, perform

        self.perform = perform
        self.pool = pool_of(self, TORCH.__contains__, KINDS)

    def gradients(self, program, cs, perform, **_how):
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


QUICK = {  # to compile takes a third of the time, and does not crash
    "xla_cpu_parallel_codegen_split_count": 1,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_max_isa": "SSE4_2",
    "xla_disable_hlo_passes": "algsimp",  # it aborts the process at the reverse of what scatters, "opcode map"
}


class Jax:
    """Gradients by JAX, compiled; its convention for complex numbers is ours."""

    def __init__(self):
        self.jax = pytest.importorskip("jax")
        from .jax_functions import knows, perform

        self.perform = perform
        self.pool = pool_of(self, knows, tuple(k for k in KINDS if k[1] is not through_a_view))
        try:
            self.jax.jit(lambda x: x, compiler_options=QUICK)(1.0)
            self.options = QUICK
        except Exception:  # another release, or another processor
            self.options = None

    def gradients(self, program, cs, perform, compiled=True, dry=False):
        jnp = self.jax.numpy

        def total(*leaves):
            ys = run(program, leaves, peer=perform)
            return sum((jnp.sum(jnp.real(ys[k] * c)) for k, c in cs.items()), 0.0), {k: ys[k] for k in cs}

        every = tuple(range(len(program.leaves)))
        f, leaves = self.jax.grad(total, every, has_aux=True), list(map(jnp.asarray, program.leaves))
        if dry:
            return self.jax.eval_shape(f, *leaves)
        # step by step it takes 10 times as long
        found, values = (self.jax.jit(f, compiler_options=self.options) if compiled else f)(*leaves)
        return {k: np.asarray(y) for k, y in values.items()}, [np.asarray(g) for g in found]


class Refused:
    """The rows that a peer cannot differentiate by themselves; what a seed draws depends on no other seed."""

    def __init__(self, peer):
        self.peer = peer
        self.refuses = cache(self.refuses)

    def __contains__(self, row):
        return self.refuses(*row)

    def refuses(self, _table, function, k):
        program = alone(function, k)
        try:
            self.peer.gradients(program, by_numpy(program).seeds, self.peer.perform, dry=True)
        except Exception:
            return True
        return False


def alone(function, k):
    """The program of a row, and of nothing else."""
    case = CASES[function][k]
    leaves = []

    def leaf(tree):
        if isinstance(tree, np.ndarray) and tree.dtype.kind in "fc":
            leaves.append(tree)
            return Ref(len(leaves) - 1)
        if isinstance(tree, dict):
            return {name: leaf(branch) for name, branch in tree.items()}
        if isinstance(tree, (list, tuple)) and not hasattr(tree, "_fields"):
            return type(tree)(leaf(branch) for branch in tree)
        return tree

    args, kwargs = leaf(case.args), leaf(case.kwargs)
    result = perform(function, *constant((case.args, case.kwargs)))
    several = isinstance(result, (list, tuple))
    numbers = tuple(range(len(leaves), len(leaves) + len(outputs(result))))
    return Program(tuple(leaves), (Step(function, args, kwargs, numbers, None, several),))


def pool_of(peer, knows, kinds):
    rows = tuple(row for row in ALL.rows if row[0] == "CASES" and knows(row[1]))
    f8 = (np.float64,)
    return Pool(
        tuple(k for k in kinds if k[1] is not cast),
        rows,
        dtypes=(f8, f8, f8, (np.float64, np.complex128)),
        shapes=SHAPES,
        refused=Refused(peer),
    )


def theirs(peer, program, cs, **how):
    """The peer's values and gradients; Unsupported(at, error) where it cannot do a step."""
    at = -1

    def perform(function, args, kwargs):
        nonlocal at
        at += 1
        try:
            return peer.perform(function, args, kwargs)
        except Exception as error:
            raise Unsupported(at, error) from error

    return peer.gradients(program, cs, perform, **how)


def spared(peer, program, counts):
    """The program without what the peer cannot do, and the peer's values and gradients."""
    while True:
        try:
            return program, *theirs(peer, program, by_numpy(program).seeds)
        except Unsupported as unsupported:
            at, error = unsupported.args
            step = program.steps[at]
            counts["not the peer's: " + named(step.function)] += 1
            program = frozen(program, at)
            if program is None:
                raise Discard(f"not the peer's: a write ({type(error).__name__})") from None
        except (RuntimeError, ValueError, TypeError) as error:  # in its backward pass, or its compiler
            raise Discard(f"refused by the peer as a whole: {str(error)[:60]}") from None


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


def of_nothing(args, made, _bad):
    """The value is 0, but for rounding, where its square root has no derivative."""
    return any(np.any(np.abs(y) <= 1e-14 * np.max(np.abs(args[0]), initial=0)) for y in made)


def repeated(args, made, _bad):
    """An index that names a place twice."""
    times = np.zeros(made[-1].shape, int)
    np.add.at(times, args[1], 1)
    return bool(np.any(times > 1))


def free_columns(_args, made, _bad):
    """Singular vectors beyond the smaller dimension."""
    return len(made) == 3 and made[0].shape[-1] != made[2].shape[-1]


def negative_exponent(args, _made, _bad):
    return bool(np.any(np.asarray(args[1]) < 0))


def on_the_cut(_args, made, _bad):
    return bool(np.any(np.abs(made[0]) > 3.14159265))


def number_beside_array(args, _made, _bad):
    index = args[1] if isinstance(args[1], tuple) else ()
    return any(isinstance(i, int) for i in index) and any(isinstance(i, (list, np.ndarray)) for i in index)


def on_the_left(args, _made, _bad):
    """A complex operand whose real part is negative."""
    return np.iscomplexobj(args[0]) and bool(np.any(np.real(args[0]) < 0))


def of_zero_real_part(args, _made, _bad):
    return np.iscomplexobj(args[0]) and bool(np.any(np.real(args[0]) == 0))


def of_order_0(args, _made, _bad):
    return bool(np.any(np.equal(args[0], 0)))


def equal(args, _made, _bad):
    return bool(np.any(np.equal(args[0], args[1])))


def not_finite(_args, _made, bad):
    return bad


ROOT = "nan, or as rounding has it, where the value is 0; here 0"
COMPILED = "JAX, compiled, differs from JAX step by step, which agrees: it computes an operand twice, and not the same"
FREE = "the columns of U or V beyond the smaller dimension are determined by LAPACK alone; differences agree with us"
# Where we differ from a peer and are right: the function of a step, when (by its arguments and what it made), and why.
KNOWN = {
    "torch": [
        (np.linalg.svd, free_columns, FREE),
        *((f, equal, "all goes to one of two equal numbers; here a half to each") for f in (np.fmax, np.fmin)),
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
        (np.std, of_nothing, ROOT),
        (np.nanstd, of_nothing, ROOT),
        *((f, of_nothing, ROOT) for f in (np.linalg.norm, np.linalg.vector_norm, np.linalg.matrix_norm)),
        (np.arccosh, on_the_left, "the wrong branch where the real part is negative"),
        (np.arcsinh, of_zero_real_part, "it takes no notice of the sign of a zero real part"),
        (special.expn, of_order_0, "its derivative asks for the order -1"),
        (special.spence, not_finite, "nan between 1 and 2"),
    ],
}


def excused(name, peer, program, found):
    """The reason why the peer may differ, or None; and the program whose steps of known differences are constants."""
    bad = not all(np.isfinite(g).all() for g in found)
    known = []
    steps, values = iter(range(len(program.steps))), dict(enumerate(program.leaves))

    def watch(step, made):
        k = next(steps)
        values.update(zip(step.results, made, strict=False))
        args = filled(step.args, values)
        reasons = [why for function, test, why in KNOWN[name] if step.function is function and test(args, made, bad)]
        known.extend((k, f"{named(step.function)}: {why}") for why in reasons[:1])

    run(program, program.leaves, watch=watch)
    for k, reason in reversed(known):  # what is frozen may become several steps
        less = frozen(program, k)
        if less is None:
            continue
        program = less
        if agrees(peer, program):
            return reason, program
    if isinstance(peer, Jax) and agrees(peer, program, compiled=False):
        return COMPILED, program
    return None, program


def agrees(peer, program, **how):
    try:
        agree(program, *theirs(peer, program, by_numpy(program).seeds, **how))
    except AssertionError:
        return False
    return True


def through(name, peer, seeds):
    """Compare so many programs; return the counts, and what nobody can explain."""
    counts: Counter = Counter()
    failures = []
    for seed in seeds:
        try:
            program, values, found = spared(peer, draw(seed, peer.pool, LONGEST)[0], counts)
        except Discard as reason:
            counts[f"discarded: {reason}"] += 1
            continue
        counts.update({step.function for step in program.steps} - {given})
        counts["compared"] += 1
        try:
            agree(program, values, found)
        except AssertionError:
            counts["disagreements"] += 1
            reason, program = excused(name, peer, program, found)
            if reason is None:
                program = shrunk(program, lambda candidate: disagrees(peer, candidate))
                reason = unjudgeable(program)
            if reason is None:
                failures.append((seed, program))
            else:
                counts[f"explained: {reason}"] += 1
    return counts, failures


def disagrees(peer, program):
    """Whether it runs, with another result."""
    try:
        return not agrees(peer, program)
    except Exception:
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


PARTS = 40
COUNTS = {Torch: 12_000, Jax: 11_000}  # drawn; some are refused by the peer's backward pass, or its indexing


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("peer", COUNTS)
def test_peer(peer, part):
    each = COUNTS[peer] // PARTS
    counts, failures = through(peer.__name__.lower(), peer_of(peer), range(part * each, (part + 1) * each))
    if peer is Jax:
        peer_of(peer).jax.clear_caches()  # else they take gigabytes
    for what, times in counts.items():
        print(f"{times:6} {named(what) if callable(what) else what}")
    assert not failures, "\n\n".join(f"# seed {seed}\n{source(program)}" for seed, program in failures[:9])
    assert counts["compared"] >= 10_000 / PARTS, counts
    assert counts["disagreements"] < 0.05 * each + 5


peer_of = cache(lambda peer: peer())  # it remembers which rows it refuses
