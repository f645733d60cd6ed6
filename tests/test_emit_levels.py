"""Programs of many single numbers, computed level by level, give what they give step by step."""

import threading
from itertools import pairwise

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import emit_levels
from autograd_mini.emit import choose
from autograd_mini.emit_levels import emit
from autograd_mini.program import Program, Step, Value
from autograd_mini.tracing import trace

from .unrolling import close, holds, judged, masked, stepped

RNG = np.random.default_rng(4)


def network(p, points, sizes=(2, 4, 4, 1)):
    """The demo of micrograd, smaller: a network written number by number."""
    numbers = iter([p[i] for i in range(p.size)])
    layers = [[([next(numbers) for _ in range(i)], next(numbers)) for _ in range(o)] for i, o in pairwise(sizes)]
    total = 0.0
    for x, y in points:
        h = x
        for k, layer in enumerate(layers):
            h = [sum((w * v for w, v in zip(weights, h, strict=True)), bias) for weights, bias in layer]
            h = [np.maximum(z, 0) for z in h] if k < len(layers) - 1 else h
        total = total + np.maximum(1 - y * h[0], 0)
    return total / len(points) + 1e-4 * sum(w * w for w in [p[i] for i in range(p.size)])


POINTS = [(RNG.normal(size=2).tolist(), float(RNG.choice([-1, 1]))) for _ in range(5)]
PARAMETERS = 2 * 4 + 4 + 4 * 4 + 4 + 4 + 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_network_of_single_numbers_agrees(dtype):
    f = ag.value_and_grad(lambda p: network(p, POINTS))
    listing = holds(emit, f, RNG.normal(size=PARAMETERS).astype(dtype))
    assert listing.text.count("\n") < 200  # of some 2,000 steps


def test_operations_of_a_level_are_one_call_and_long_sums_are_added_up_at_once():
    listing = emit(trace(lambda x: sum([np.tanh(x[i]) * x[i] for i in range(50)]))(np.ones(50)))
    calls = [line for line in listing.text.splitlines() if "# level" in line]
    assert [line.split(": ")[1].split("  ")[0] for line in calls] == [
        "50 x np.tanh",
        "50 x np.multiply",
        "1 x sum of 50",
    ]


def test_each_weight_may_be_an_argument_or_a_tensor_of_its_own():
    outside = [ag.Tensor(v, requires_grad=True) for v in RNG.normal(size=6)]

    def f(weights):
        return ag.value_and_grad(lambda w: sum(np.tanh(a * b) for a, b in zip(w, outside, strict=True)))(weights)

    weights = [np.asarray(v) for v in RNG.normal(size=6)]
    program = trace(f)(weights)
    listing = emit(program)
    close(listing.run(*weights), stepped(program, weights))
    outside[2].data = 5.0
    close(listing.run(*weights), stepped(program, weights))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(np.real(x) > 0.2, np.exp(x), -x) / (1 + np.abs(x)),
        lambda x: x.sum(axis=0) + x.mean(axis=1) - x[0, 1] + np.prod(x, axis=0),
        lambda x: np.concatenate([x.T[::-1], np.stack([x[0], x[1]])]).reshape(-1)[[0, 3, 3, 1]],
        lambda x: np.sum(x, axis=0) + np.linalg.inv(x) @ x,
        lambda x: x[0] + x[0] + x[0] + x[0],
        lambda x: np.floor(np.real(x)) + np.expm1(x) + np.abs(np.real(x)) ** 0.3,
        lambda x: [x, {"again": x, "none": ()}, x.T, np.sum(x), 3.0 * x[1, 0], x[0, 0], x[1, 1], x[0, 1]],
        lambda x: np.zeros((2, 0)) @ np.zeros((0, 2)) + x + x[:0].sum(),
        lambda x: np.divmod(np.real(x), 0.3),
    ],
)
def test_functions_agree(f, dtype):
    holds(emit, f, np.array([[0.5, -1.25], [0.75, 2.0]], dtype))


def test_integers_and_booleans_agree():
    def f(k, m, x):
        return (
            k + 1,
            k * k,
            k[::-1],
            np.where(m, x, k),
            x * m,
            k < 2,
            np.sum(m),
            ~m,
            k / 2,
            k // 2,
            k % 2,
            2**k,
            k + k + k,
        )

    holds(emit, f, np.array([1, 2, 2**40]), np.array([True, False, True]), np.array([0.5, 1.5, 2.5]))


def test_what_is_not_finite_is_as_in_numpy_and_warned_of():
    def f(x):
        return [x[0] / x[1], np.log(x[2]), np.exp(x[3]), x[0] * x[3] + x[1] + x[2], np.maximum(x[2], x[3])]

    program = trace(f)(np.ones(4))
    listing = emit(program)
    for x in ([1, 0, -1, 800], [np.nan, 1, 0, -800], [np.inf, -np.inf, np.nan, 1e308], [-0.0, -0.0, 0.0, 0.0]):
        with np.errstate(all="ignore"):
            close(listing.run(np.array(x, float)), stepped(program, (np.array(x, float),)))
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        listing.run(np.array([1.0, 0.0, 1.0, 1.0]))


def test_errstate_of_the_user_holds_for_the_operations_inside():
    def f(x):
        with np.errstate(divide="ignore"):
            y = [1 / x[0], np.log(x[1])]
        return [*y, 1 / x[2]]

    listing = emit(trace(f)(np.ones(3)))
    got = listing.run(np.array([0.0, 0.0, 2.0]))
    close(got, [np.inf, -np.inf, 0.5])
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        listing.run(np.array([1.0, 1.0, 0.0]))


def test_results_are_arrays_of_their_own():
    x = np.arange(3.0)
    listing = emit(trace(lambda x: (x, x[::-1], x.reshape(3, 1), x + 1, [x[i] * 2 for i in range(3)]))(x))
    one = listing.run(x)
    kept = [np.copy(a) for a in one]
    two = listing.run(x + 5)
    close(one, kept)
    for a in (*one, *two):
        assert not np.shares_memory(a, x)
    for a in two[:4]:
        a += 1
    close(listing.run(x), kept)


def test_fixed_inputs_are_read_and_written_where_they_are():
    program = trace(lambda p, x: (p @ x, p[::-1] * x, np.sum(p)))(np.ones(3), np.ones(3))
    memory = np.arange(6.0)[::2]
    before = memory.copy()
    listing = emit(program, {program.inputs[0]: memory}, {1: program.inputs[0]})
    got = listing.run(np.array([1.0, 2.0, 3.0]))
    close([*got, memory], [before @ [1.0, 2.0, 3.0], before.sum(), before[::-1] * [1.0, 2.0, 3.0]])


def test_random_numbers_are_drawn_anew_and_conditions_checked():
    rng = np.random.default_rng(0)

    def f(x):
        ag.ensure(x > 0, ValueError, "x is not positive")
        return x + ag.fresh(rng.random, 2)

    listing = emit(trace(f)(np.ones(2)))
    other = np.random.default_rng(0)
    for _ in range(2):
        close(listing.run(np.ones(2)), [np.ones(2) + other.random(2)])
    with pytest.raises(ValueError, match="x is not positive"):
        listing.run(-np.ones(2))


def test_a_result_that_takes_another_shape_is_numpys_and_draws_once():
    listing = emit(masked(np.random.default_rng(0)))
    other = np.random.default_rng(0)
    for x in (np.array([1.0, 2.0, -1.0]), np.array([1.0, -2.0, -1.0]), np.array([1.0, 2.0, 1.0])):
        close(listing.run(x), [np.sum(x[x > 0]) + other.random()])


def test_a_call_while_another_one_runs_is_computed_step_by_step():
    inside = []

    def again(a):
        if not inside:
            inside.append(None)
            inside[0] = listing.run(np.array([5.0, 6.0]))  # as another thread might
        return a * 2

    value, out, twice = Value((2,), float, "x"), Value((2,), float), Value((2,), float)
    steps = [Step(again, (value,), {}, (out,)), Step(np.add, (out, value), {}, (twice,))]
    listing = emit(Program("f", (value,), {}, steps, twice))
    close(listing.run(np.array([1.0, 2.0])), [np.array([3.0, 6.0])])
    close(inside[0], [np.array([15.0, 18.0])])


def test_threads_get_their_own_results():
    f = ag.value_and_grad(lambda p: network(p, POINTS[:2]))
    arrays = [RNG.normal(size=PARAMETERS) for _ in range(4)]
    program = trace(f)(arrays[0])
    listing = emit(program)
    wanted = [stepped(program, (p,)) for p in arrays]
    found = [[] for _ in arrays]

    def work(k):
        for _ in range(20):
            found[k].append(listing.run(arrays[k]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(arrays))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for got, right in zip(found, wanted, strict=True):
        assert len(got) == 20
        for one in got:
            close(one, right)


def test_a_line_that_fails_knows_its_step():
    def f(x):
        return [x[i] / x[i + 1] for i in range(3)]

    listing = emit(trace(f)(np.ones(4)))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError) as caught:
        listing.run(np.array([1.0, 0.0, 1.0, 1.0]))
    lines = [f.lineno for f in caught.traceback[-1:]]
    step = listing.steps_by_line[lines[0] + 1]
    assert step.function is np.true_divide
    assert "x[i] / x[i + 1]" in step.place.code


@pytest.mark.parametrize("part", range(2))
def test_random_programs(part):
    assert judged(emit, range(part * 40, part * 40 + 40)) > 20


def test_graphs_of_many_single_numbers_are_chosen_to_run_by_levels_and_narrow_ones_not():
    wide = trace(lambda x: sum([np.tanh(x[i] * x[j]) for i in range(60) for j in range(60)]))(np.ones(60))
    assert choose(wide).__module__ == emit_levels.__name__

    def chain(x):
        for _ in range(600):
            x = x * 0.99 + 0.01
        return x

    assert choose(trace(chain)(np.asarray(1.0))).__module__ == "autograd_mini.emit_floats"
