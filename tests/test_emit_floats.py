"""Programs written out as Python on numbers give what NumPy gives."""

import linecache
import math
import warnings
from itertools import pairwise

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import emit_floats
from autograd_mini.emit import choose
from autograd_mini.emit_floats import emit
from autograd_mini.program import Program, Step, Value
from autograd_mini.source import written
from autograd_mini.tracing import trace

from .unrolling import SINGLES, close, holds, judged, masked, stepped

RNG = np.random.default_rng(3)
SIZES = (2, 2, 2, 1)
N = sum(i * o + o for i, o in pairwise(SIZES))


def loss(p, x, y):
    """The log loss of a 2-2-2-1 network whose weights lie in one vector."""
    start, h = 0, x
    for i, o in pairwise(SIZES):
        w, b = p[start : start + i * o].reshape(o, i), p[start + i * o : start + i * o + o]
        start += i * o + o
        z = h @ w.T + b
        h = np.tanh(z)
    return np.sum(np.logaddexp(0, z) - y * z)


def update(p, x, y):
    value, g = ag.value_and_grad(loss)(p, x, y)
    return value, p - 0.1 * g


def arguments(dtype=float):
    arrays = RNG.normal(size=N), RNG.normal(size=(1, 2)), np.array([[1.0]])
    return [a.astype(dtype) for a in arrays]


def test_a_training_step_writes_its_parameters_where_they_are():
    p, x, y = arguments()
    program = trace(update)(p, x, y)
    memory = p.copy()
    listing = emit(program, {program.inputs[0]: memory}, {1: program.inputs[0]})
    for _ in range(3):
        value, p = stepped(program, (p, x, y))
        (got,) = listing.run(x, y)
        close([got, memory], [value, p])
        x = RNG.normal(size=(1, 2))


def test_a_training_step_in_single_precision_rounds_what_it_writes():
    p, x, y = arguments(np.float32)
    program = trace(update)(p, x, y)
    memory = p.copy()
    listing = emit(program, {program.inputs[0]: memory}, {1: program.inputs[0]})
    for _ in range(3):
        value, p = stepped(program, (p, x, y))
        (got,) = listing.run(x, y)
        assert type(got) is np.float32
        close([got, memory], [value, p])


def test_fixed_memory_that_is_no_plain_vector_is_read_and_written_too():
    program = trace(lambda w, x: (w @ x, w * 2.0))(np.ones((2, 3)), np.ones(3))
    memory = np.asfortranarray(RNG.normal(size=(2, 3)))
    before = memory.copy()
    listing = emit(program, {program.inputs[0]: memory}, {1: program.inputs[0]})
    (got,) = listing.run(np.arange(3.0))
    close([got, memory], [before @ np.arange(3.0), before * 2])


def test_memory_that_several_inputs_show_is_read_once_and_written_after_that():
    def f(p, w, b, x):
        return p - 0.1 * np.concatenate([np.ravel(w * x), b]), w @ x

    flat = RNG.normal(size=6).astype(np.float32)
    w, b = flat[:4].reshape(2, 2), flat[4:]
    program = trace(f)(flat, w, b, np.ones(2, np.float32))
    listing = emit(program, dict(zip(program.inputs, (flat, w, b), strict=False)), {0: program.inputs[0]})
    assert listing.text.count("unpack") == 1
    for x in RNG.normal(size=(3, 2)).astype(np.float32):
        wanted = f(flat.copy(), w.copy(), b.copy(), x)
        (got,) = listing.run(x)
        close([flat, got], wanted)


def test_the_listing_shows_the_line_that_a_person_would_write_above_the_numbers():
    program = trace(lambda x: np.tanh(x @ x))(np.ones(2))
    listing = emit(program)
    for line in written(program).lines:
        assert f"        # {line.text[0]}\n" in listing.text
    assert "x_0 * x_0 + x_1 * x_1" in listing.text
    assert "".join(linecache.getlines(listing.run.__code__.co_filename)) == listing.text


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.maximum(x, 0) * np.minimum(x, 0.3),
        lambda x: np.where(x > 0.2, np.exp(x), -x) / (1 + np.abs(x)),
        lambda x: np.log1p(np.exp(-np.abs(x))) + np.sqrt(np.square(x) + 1),
        lambda x: np.power(x, 2) + np.power(x, 3) + np.power(np.abs(x), 0.3) + np.reciprocal(x),
        lambda x: np.sign(x) * np.hypot(x, 2.0) + np.arctan2(x, 0.7) + np.copysign(x, -1.0),
        lambda x: x.sum(axis=0) + x.mean(axis=1).max() - x.min() + np.prod(x, axis=0),
        lambda x: np.concatenate([x.T[::-1], np.stack([x[0], x[1]])]).reshape(-1)[[0, 3, 3, 1]],
        lambda x: (x > 0) & ~(x > 1) | (x == 0.5),
        lambda x: (x > 0) * x + (x > 1) * 2.0 - (x != x),
        lambda x: np.floor(x) + np.cumsum(x, axis=0) + np.linalg.inv(x),
        lambda x: ag.grad(lambda t: np.sum(np.tanh(t[0]) * t[[1, 1]] + np.exp(t)))(x),
        lambda x: ag.hessian(lambda t: np.sum(t**3) * np.sum(t))(x),
        lambda x: [x, {"again": x, "none": ()}, x.T, np.sum(x), 3.0 * x[1, 0]],
        lambda x: (np.sqrt(x * x - x * x + 1e-3), np.arcsin(np.tanh(x)), np.power(x * x - 1e-9, 0.5)),
        lambda x: np.zeros((2, 0)) @ np.zeros((0, 2)) + x + x[:0].sum(),
        lambda x: np.sum(np.tile(np.ravel(x), 40)) + np.sum(np.tile(x, (3, 5)), axis=1),
    ],
)
def test_functions_agree(f, dtype):
    holds(emit, f, np.array([[0.5, -1.25], [0.75, 2.0]], dtype))


def test_integers_and_booleans_agree():
    def f(k, m, x):
        return k + 1, k * k, k[::-1], np.where(m, x, k), x * m, k < 2, np.sum(m), ~m, k / 2, np.max(k)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        holds(emit, f, np.array([1, 2, 3]), np.array([True, False, True]), np.array([0.5, 1.5, 2.5]))


def test_integers_overflow_as_in_numpy():
    holds(emit, lambda k: k * k, np.array([2**40, 3]))


SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, -1e308, 1e-320, 800.0, -800.0, 1.5]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: (x / y, x * y, x + y, x - y),
        lambda x, y: (np.exp(x), np.log(np.abs(y)), np.log(x)),
        lambda x, y: (np.sqrt(x), np.tanh(x), np.sinh(y), np.cosh(y)),
        lambda x, y: (np.maximum(x, y), np.minimum(x, y), x > y, x == y),
        lambda x, y: (np.sign(x), np.abs(x), np.where(x > y, 1.0, y)),
        lambda x, y: (np.power(x, y), np.power(np.abs(x), 0.5), x**2, x**-1),
        lambda x, y: (np.logaddexp(x, y), np.logaddexp(0, x), np.arctan2(x, y)),
        lambda x, y: (np.sin(x), np.cos(y), np.isnan(x), np.isfinite(y), np.isinf(x)),
        lambda x, y: 1 / (1 + np.exp(-x)) * np.tanh(y),
        lambda x, y: np.exp(x) / (np.exp(x) + np.exp(y)),
        lambda x, y: np.log(np.exp(-np.abs(x)) * 1e-30) + y * 0,
    ],
)
def test_what_is_not_finite_is_as_in_numpy(f, dtype):
    with np.errstate(all="ignore"):
        special = np.array(SPECIAL).astype(dtype)
        program = trace(f)(*special[:2])
        listing = emit(program)
        for x in special:
            for y in special:
                close(listing.run(x, y), stepped(program, (x, y)))


def test_numbers_too_large_for_a_dtype_are_as_in_numpy():
    for x in (np.float32(2.0), np.asarray([2.0, 3.0], np.float32)):
        with np.errstate(all="ignore"):
            program = trace(lambda x: (x * 1e300, x < 1e300, x + 2**1000))(np.asarray(x, np.float32))
            close(emit(program).run(x), stepped(program, (x,)))


def test_warnings_and_floating_point_errors_are_numpys():
    listing = emit(trace(lambda x, y: x / y)(np.ones(2), np.ones(2)))
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        listing.run(np.ones(2), np.array([1.0, 0.0]))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        listing.run(np.ones(2), np.array([1.0, 0.0]))
    listing = emit(trace(lambda x: x * x)(np.ones(2)))
    with pytest.warns(RuntimeWarning, match="overflow"):
        (got,) = listing.run(np.array([1.0, 1e300]))
    np.testing.assert_array_equal(got, [1.0, np.inf])


def test_nothing_is_written_when_a_result_is_too_large_for_single_precision():
    program = trace(lambda p, x: (p[0] * 1.0, p * x))(np.ones(2, np.float32), np.ones(2, np.float32))
    memory = np.array([2.0, 1e30], np.float32)
    listing = emit(program, {program.inputs[0]: memory}, {1: program.inputs[0]})
    with np.errstate(all="ignore"):
        (got,) = listing.run(np.array([3.0, 1e30], np.float32))
    assert got == 2.0
    np.testing.assert_array_equal(memory, np.array([6.0, np.inf], np.float32))


def test_in_single_precision_what_rounding_decides_is_decided_as_in_numpy():
    """1 - o is 0 there, and its logarithm -inf; numbers that NumPy rounds to the same one are equal."""

    def f(x):
        o = 1 / (1 + np.exp(-x))
        top = np.max(x * 0.1)
        return np.log(1 - o), x * 0.1 == top, ag.grad(lambda t: np.max(t * np.float32(0.1)))(x)

    x = np.array([20.0, 20.0, 3.0, 40.0], np.float32)
    with np.errstate(divide="ignore"):
        program = trace(f)(x)
        got, wanted = emit(program).run(x), stepped(program, (x,))
    close(got, wanted)
    assert wanted[0][0] == -np.inf


def test_equal_numbers_of_a_function_of_arrays_stay_equal_in_single_precision():
    x = RNG.normal(size=5).astype(np.float32)
    holds(emit, ag.grad(lambda t: np.sum(np.fmax(np.tanh(t) * 1.9, np.tanh(t * 0.3)))), x)


def test_results_are_arrays_of_their_own():
    x = np.arange(3.0)
    listing = emit(trace(lambda x: (x, x[::-1], x.reshape(3, 1), x[:2]))(x))
    one, two = listing.run(x), listing.run(x)
    for a in (*one, *two):
        assert not np.shares_memory(a, x)
        a += 1
    np.testing.assert_array_equal(x, np.arange(3.0))
    np.testing.assert_array_equal(listing.run(x)[0], x)


def test_what_it_closes_over_is_read_at_each_call():
    a, t = np.array([1.0, 2.0]), ag.Tensor([3.0, 4.0], requires_grad=True)
    listing = emit(trace(lambda x: x * a + t)(np.ones(2)))
    a[0], t.data = 10.0, np.array([5.0, 6.0])
    close(listing.run(np.ones(2)), [np.array([15.0, 8.0])])


def test_inputs_may_be_views_read_only_or_in_any_order():
    listing = emit(trace(lambda x: x @ x)(np.ones((2, 2))))
    x = np.arange(16.0).reshape(4, 4)[::2, 1::2].T
    x.flags.writeable = False
    close(listing.run(x), [x @ x])


def test_random_numbers_are_drawn_once_a_call_even_if_numpy_takes_over():
    rng = np.random.default_rng(0)
    listing = emit(trace(lambda x: x / (x - 1) + ag.fresh(rng.random, 2))(np.full(2, 3.0)))
    other = np.random.default_rng(0)
    for _ in range(2):
        with np.errstate(all="ignore"):
            listing.run(np.ones(2))
        other.random(2)
    assert rng.random() == other.random()


def test_a_condition_is_checked_at_each_call():
    def f(x):
        ag.ensure(x > 0, ValueError, "x is not positive")
        return np.log(x)

    listing = emit(trace(f)(np.ones(2)))
    close(listing.run(np.array([1.0, 2.0])), [np.log([1.0, 2.0])])
    with pytest.raises(ValueError, match="x is not positive") as caught:
        listing.run(np.array([1.0, -2.0]))
    assert any("test_emit_floats.py" in note for note in caught.value.__notes__)


def test_a_result_that_takes_another_shape_is_numpys():
    program = masked()
    for x in (np.array([1.0, -2.0, -1.0]), np.array([1.0, 2.0, 1.0]), np.array([-1.0, -2.0, -3.0])):
        close(emit(program).run(x), stepped(program, (x,)))


def test_names_of_the_user_do_not_meet_those_of_the_listing():
    def f(exp, program, x, inf, total, float64):
        tanh = np.exp(exp) * program
        wide = tanh + inf * x
        return np.tanh(wide) * total + np.log(float64)

    holds(emit, f, *(np.array([0.5 + k, 1.5]) for k in range(6)))


def test_functions_of_the_users_own_are_called():
    value, out = Value((2,), float, "x"), Value((2,), float)

    def doubled(a):
        assert type(a) is np.ndarray
        return a * 2

    program = Program("f", (value,), {}, [Step(doubled, (value,), {}, (out,))], out)
    close(emit(program).run(np.array([1.0, 2.0])), [np.array([2.0, 4.0])])


@pytest.mark.parametrize("part", range(2))
def test_random_programs(part):
    assert judged(emit, range(part * 40, part * 40 + 40)) > 20


def test_random_programs_in_single_precision():
    """Computed in double precision; what cancels keeps fewer digits in NumPy."""
    assert judged(emit, range(1000, 1040), SINGLES, tolerance=1e-3) > 20


def test_small_programs_are_chosen_to_run_on_floats_and_large_ones_not():
    assert choose(trace(update)(*arguments())).__module__ == emit_floats.__name__
    assert choose(trace(update)(*arguments(np.float32))).__module__ == emit_floats.__name__
    large = trace(lambda w, x: np.tanh(x @ w))(np.ones((64, 32)), np.ones((32, 64)))
    assert choose(large).__module__ == "autograd_mini.emit_numpy"


def test_what_is_chosen_takes_what_an_emitter_takes():
    p, x, y = arguments()
    program = trace(update)(p, x, y)
    memory = p.copy()
    listing = choose(program)(program, {program.inputs[0]: memory}, {1: program.inputs[0]})
    value, p = stepped(program, (p, x, y))
    close([*listing.run(x, y), memory], [value, p])
