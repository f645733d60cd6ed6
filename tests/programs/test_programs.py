"""Thousands of random programs over the whole table: values, first and second derivatives, forward mode, the sweeps.

A program is made of genes, so that hypothesis shrinks one that fails; the error shows it as Python source. What cannot
be judged (a kink near by, a write that the engine refuses) is counted, and more than a few of them fail.
"""

import contextlib
import operator
from collections import Counter

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from autograd_mini.table import TABLE

from ..generated import DIFFERENTIABLE, named
from .draw import ALL, ANALYTIC, build, draw
from .judge import Discard, derivative, judge, judge_ways, leaves_of
from .program import HEADER, Program, Ref, Step, refs, run, shrunk, source

PARTS, PROGRAMS, ANALYTIC_PROGRAMS, WAYS_PROGRAMS, DRAWN = 4, 350, 350, 75, 120  # 3,220 programs in all
LONGEST = 10  # genes: about 15 steps, at most 40


def judged(seeds, pool, check, at_most):
    """Judge a program of each seed, and shrink one that fails; the share `at_most` may be discarded."""
    discarded = Counter()
    for seed in seeds:
        program, _ = draw(seed, pool, LONGEST)
        try:
            check(program)
        except Discard as reason:
            discarded[str(reason)] += 1
        except Exception as error:
            small = shrunk(program, lambda candidate, error=error: fails_alike(check, candidate, error))
            error.add_note(f"shrunk, from the program of seed {seed}:\n{source(small)}")
            raise
    assert discarded.total() <= at_most * len(seeds), discarded


def fails_alike(check, program, error):
    try:
        check(program)
    except Discard:
        return False
    except Exception as other:
        return type(other) is type(error) and str(other)[:10] == str(error)[:10]
    return False


def part_of(part, count):
    return range(part * count, (part + 1) * count)


@pytest.mark.parametrize("part", range(PARTS))
def test_values_and_gradients(part):
    judged(part_of(part, PROGRAMS), ALL, judge, 0.02)


@pytest.mark.parametrize("part", range(PARTS))
def test_gradients_by_complex_steps(part):
    """Programs of analytic functions: exact to rounding."""
    exact = Counter()

    def check(program):
        exact.update(dict(zip(("exact", "all"), judge(program), strict=True)))

    judged(part_of(part, ANALYTIC_PROGRAMS), ANALYTIC, check, 0.02)
    assert exact["exact"] > 0.9 * exact["all"]


@pytest.mark.parametrize("pool", [ALL, ANALYTIC], ids=["all", "analytic"])
@pytest.mark.parametrize("part", range(2))
def test_second_order_forward_mode_and_the_ways_to_sweep(part, pool):
    judged(part_of(100 + part, WAYS_PROGRAMS), pool, judge_ways, 0.02)


@hypothesis.settings(max_examples=DRAWN, database=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.lists(st.integers(0, 2**24 - 1), min_size=4, max_size=LONGEST))
def test_programs_of_genes_that_hypothesis_likes(genes):
    """The same steps again and again: hypothesis copies what it drew, which is why the other programs have seeds."""
    with contextlib.suppress(Discard):
        judge(build(genes, ALL)[0])


def test_the_programs_meet_nearly_the_whole_table():
    """Of NumPy's functions at least 97 in 100 take part, with a derivative, in the programs above; of all, 90."""
    met = set()
    for seed in range(PARTS * PROGRAMS):
        program, _ = draw(seed, ALL, LONGEST)
        met.update(step.function for step in program.steps if refs((step.args, step.kwargs)))
    numpys = [f for f in DIFFERENTIABLE if named(f).startswith("np.")]
    missed = sorted(named(f) for f in numpys if f not in met)
    assert len(missed) <= 0.03 * len(numpys), missed
    missed = sorted(named(f) for f in DIFFERENTIABLE if f not in met)
    assert len(missed) <= 0.1 * len(DIFFERENTIABLE), missed
    assert {operator.setitem, operator.iadd, operator.getitem} <= met


# --- the programs themselves ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(0, 400, 10))
def test_printed_program_runs_and_gives_the_same_bits(seed):
    program, _ = draw(seed, ALL)
    names: dict = {}
    exec(source(program), names)
    expected = run(program, leaves_of(program))
    for k in program.lives[1]:
        np.testing.assert_array_equal(names[f"v{k}"].data, expected[k].data)


def test_a_failing_program_shrinks_to_the_step_that_fails():
    """Here, "failing" is to hold np.tanh of something that depends on the leaf."""

    def fails(program):
        return any(step.function is np.tanh and refs(step.args) for step in program.steps)

    program = next(p for p in (draw(seed, ALL)[0] for seed in range(99)) if fails(p) and len(p.steps) > 20)
    small = shrunk(program, fails)
    assert fails(small) and len(small.steps) < 8


@pytest.mark.parametrize("function", [np.tanh, np.multiply, np.cumsum, np.matmul, operator.getitem])
def test_a_wrong_rule_is_noticed(function, monkeypatch):
    """One derivative in the table is scaled by 1.001: programs that use it fail."""
    rule = TABLE[function]
    vjps = rule.vjps
    first = vjps[0]
    monkeypatch.setattr(rule, "vjps", (lambda *args, **kwargs: 1.001 * first(*args, **kwargs), *vjps[1:]))
    with pytest.raises(AssertionError):
        judged(range(100), ANALYTIC, judge, 1)


def test_writes_that_would_show_in_a_live_view_are_discarded_by_name():
    x = np.array([1.0, 2.0, 3.0])
    steps = (
        Step(np.copy, (Ref(0),), {}, (1,)),
        Step(operator.getitem, (Ref(1), slice(1, None)), {}, (2,)),
        Step(operator.setitem, (Ref(1), 0, 5.0), {}),
        Step(np.multiply, (Ref(2), Ref(2)), {}, (3,)),
    )
    with pytest.raises(Discard, match="while a view is alive"):
        judge(Program((x,), steps))
    assert "v1[0] = 5.0" in source(Program((x,), steps)) and HEADER in source(Program((x,), steps))


def test_a_kink_is_discarded_by_name():
    """One that the two halves of a difference cannot hide, as those of abs would."""
    with pytest.raises(Discard, match="kink"):
        derivative(lambda t: abs(t) + t)
    assert abs(derivative(np.sin) - 1) < 1e-12
