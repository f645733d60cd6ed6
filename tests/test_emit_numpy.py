"""The NumPy listing: it computes what the program computes, call after call, and writes into its own memory alone."""

import linecache
import threading
from collections import Counter

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.emit_numpy import emit
from autograd_mini.errors import TraceError
from autograd_mini.program import values_in
from autograd_mini.tracing import ensure, fresh, trace

from .programs.draw import ALL, draw
from .programs.program import run

F8, F4 = np.float64, np.float32


def wants(program, arrays):
    """What the program computes step by step, as a flat list."""
    found = {}
    for value, result in zip(
        values_in(program.outputs), leaves(program.run(dict(zip(program.inputs, arrays, strict=True)))), strict=True
    ):
        found[value] = result
    return [found[value] for value in values_in(program.outputs)]


def leaves(tree):
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [x for branch in tree for x in leaves(branch)] if isinstance(tree, (list, tuple)) else [tree]


def same(a, b, tolerance=0.0):
    """Same shape and dtype; numbers alike, relative to the largest."""
    a, b = np.asarray(a), np.asarray(b)
    assert (a.shape, a.dtype) == (b.shape, b.dtype)
    if tolerance and b.dtype.kind in "fc":
        scale = np.max(np.abs(b), initial=0, where=np.isfinite(b))
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)
    else:
        np.testing.assert_array_equal(a, b)


def held_to(f, *examples, tolerance=0.0):
    """The listing of f for some lists of arguments in turn; results are looked at again after the last call."""
    program = trace(f)(*examples[0])
    listing = emit(program, {}, {})
    results = []
    for arrays in (*examples, *examples[::-1]):
        given = [np.array(a) for a in arrays]
        for a in given:
            a.flags.writeable = False
        expected = wants(program, given)
        got = listing.run(*given)
        assert type(got) is tuple and len(got) == len(expected)
        for a, b, x in zip(got, expected, arrays * len(got), strict=False):
            same(a, b, tolerance)
            assert not np.shares_memory(a, x)
        for a in (g for g in got if isinstance(g, np.ndarray)):
            assert not any(np.shares_memory(a, x) for x in given)
        results.append((got, [np.array(a) for a in got]))
    for got, copies in results:
        for a, b in zip(got, copies, strict=True):
            same(a, b)
    return listing


def numbers(*shapes, dtype=F8, seed=0, count=2):
    rng = np.random.default_rng(seed)
    return [[rng.normal(size=s).astype(dtype) for s in shapes] for _ in range(count)]


# --- each technique -------------------------------------------------------------------------------------------------


def test_elementwise_steps_run_in_the_memory_of_an_operand_that_dies():
    listing = held_to(lambda x: np.sum(np.exp(np.tanh(x * 2.0) + 1.0), axis=0), *numbers((40, 3)), tolerance=1e-13)
    arrays = [a for a in listing.run.__globals__.values() if isinstance(a, np.ndarray) and a.shape == (40, 3)]
    assert len({a.ctypes.data for a in arrays}) == 1, "one buffer is enough"
    assert "tanh(" in listing.text and "# " in listing.text


def test_a_value_that_is_read_later_keeps_its_memory():
    def f(x):
        a = np.exp(x)
        b = np.sin(a)
        c = b * a
        return c + b, np.sum(a)

    held_to(f, *numbers((5, 4)), tolerance=1e-14)


def test_a_view_that_is_read_later_keeps_the_memory_that_it_shows():
    def f(x):
        a = np.exp(x)
        row, turned = a[1], a.T
        b = a + 1.0
        c = b * 2.0
        return c - row, np.sum(turned * 3.0, axis=0)

    held_to(f, *numbers((4, 4)), tolerance=1e-13)


@pytest.mark.parametrize("dtype", [F8, F4, np.complex128, np.complex64, np.int64])
@pytest.mark.parametrize("shapes", [((3, 4), (4, 5)), ((3, 4), (4,)), ((4,), (4, 5)), ((4,), (4,)), ((0, 4), (4, 5))])
def test_products(shapes, dtype):
    examples = [[(10 * a).astype(dtype) for a in arrays] for arrays in numbers(*shapes)]
    tolerance = 1e-5 if dtype in (F4, np.complex64) else 1e-12
    held_to(lambda a, b: (np.exp(1e-3 * (a @ b)), a @ b), *examples, tolerance=tolerance)


def test_products_of_transposed_and_strided_operands():
    def f(a, b):
        c = (a.T @ b[::2]).T
        return c @ (a.T[:, :2] + 1.0), np.exp(c.T @ c)

    held_to(f, *numbers((3, 4), (6, 5)), tolerance=1e-12)


@pytest.mark.parametrize("dtype", [F8, F4, np.int64, bool, np.complex128])
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0,), (1, 0)])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("shape", [(7, 3), (3, 7), (1, 4), (1200, 2)])
def test_sums(shape, keepdims, axis, dtype):
    examples = [[a.astype(dtype) for a in arrays] for arrays in numbers(shape)]
    f = lambda x: (np.sum(x, axis=axis, keepdims=keepdims), 2 * np.sum(x, axis=axis, keepdims=keepdims) + 1)  # noqa: E731
    held_to(f, *examples, tolerance=1e-5 if dtype == F4 else 1e-12)


@pytest.mark.parametrize("f", [np.max, np.min, np.prod])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_other_reductions(f, axis):
    held_to(lambda x: np.exp(f(np.tanh(x), axis=axis, keepdims=True)), *numbers((9, 3)), tolerance=1e-14)


def test_a_long_sum_is_as_exact_as_numpys():
    x = np.full(100_000, 0.1, F4)
    (total,) = emit(trace(np.sum)(x), {}, {}).run(x)
    assert total == np.sum(x)


def test_relu_and_its_mask_with_nan_and_inf():
    def f(x, g):
        h = np.maximum(x, 0)
        return h, g * (h > 0), (h > 0) * g, np.minimum(1.0, h)

    special = np.array([np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 2.0, -3.0])
    x, g = np.meshgrid(special, special)
    for dtype in (F8, F4):
        with np.errstate(invalid="ignore"):
            held_to(f, [x.astype(dtype), g.astype(dtype)], [g.astype(dtype), x.astype(dtype)])


def test_numbers_take_the_dtype_that_numpy_gives_them():
    def f(a, b, c, d):
        return (
            *(a * 0.1, b + 3, b * 0.5, c & 1, c + 1, c * True, d - 2, np.power(a, 2), 1 / a, b < 2.5, c == 1),
            *(np.maximum(b, 1), np.maximum(c, True), 2**d, 1j * a),
        )

    ints = np.arange(1, 4)
    held_to(
        f, [np.ones(3, F4), ints, np.array([True, False, True]), np.ones((2, 3), np.float16)],
        [np.full(3, 0.7, F4), 2 * ints, np.array([False, False, True]), np.full((2, 3), 3, np.float16)],
    )  # fmt: skip


def test_a_number_that_does_not_fit_compares_as_in_numpy():
    held_to(lambda x: (x < 300, x + 7), [np.arange(5, dtype=np.uint8)])


def test_arrays_of_one_number_and_of_none():
    held_to(lambda x, y: (np.exp(x) + 1.0, np.sum(x), x * y, np.ravel(np.sum(x))), [np.ones(1), np.ones((0, 1))])


def test_parts_of_a_concatenation_are_computed_where_they_stand():
    def f(a, b):
        first, second = a.T @ b, np.sum(np.exp(a), axis=0)
        g = np.concatenate([np.ravel(first), second, np.ravel((b.T @ np.tanh(a)).T), np.ravel(b)])
        return np.sum(g * 2.0), g * 3.0 - 1.0, first * 3.0

    listing = held_to(f, *numbers((5, 3), (5, 2)), tolerance=1e-13)
    assert "concatenate(" not in "".join(line for line in listing.text.splitlines() if "#" not in line)
    assert listing.text.count("[...] = ") == 1, "the argument b alone is copied"


def test_one_array_twice_in_a_concatenation():
    def f(a):
        b = np.exp(a)
        return np.concatenate([b, b, np.ravel(b[:, None].T), a, b[::-1]]) * 1.0

    held_to(f, *numbers((4,)))


def test_a_part_that_is_read_after_the_vector_was_overwritten():
    def f(a):
        b = np.exp(a)
        g = np.concatenate([b, np.tanh(a)])
        c = g * 2.0
        return c + 1.0, b + 1.0

    held_to(f, *numbers((4,)))


def test_rows_are_added_and_wide_matrices_laid_out_as_they_are():
    def f(z, b, y):
        z = np.exp(z * 0.1) + b
        m = np.max(z, axis=1, keepdims=True)
        e = np.exp(z - m)
        return np.log(np.sum(e, axis=1)), e / np.sum(e, axis=1, keepdims=True), np.ravel(z), z.T * y

    for shape in ((20, 5), (5, 20), (1, 7), (7, 1), (300, 3)):
        examples = numbers(shape, shape[1:], shape[:1])
        held_to(f, *examples, tolerance=1e-13)


def cross_entropy(z, y):
    ensure((y >= 0) & (y < z.shape[1]), wrong_label, y)
    s = z - ag.stop_gradient(np.max(z, axis=1, keepdims=True))
    logp = s - np.log(np.sum(np.exp(s), axis=1, keepdims=True))
    return -np.mean(logp[np.arange(len(z)), y])


def wrong_label(y):
    return ValueError(f"labels from {y.min()} to {y.max()}")


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("shape", [(12, 5), (3, 7)])
def test_labels(shape, dtype):
    def f(z, w, y):
        return ag.value_and_grad(lambda z, w: cross_entropy(np.tanh(z) @ w, y), argnums=(0, 1))(z, w)

    rng = np.random.default_rng(0)
    examples = [[*arrays, rng.integers(0, 4, shape[0]).astype(dtype)] for arrays in numbers(shape, (shape[1], 4))]
    listing = held_to(f, *examples, tolerance=1e-13)
    for bad in (4, 100) if dtype == np.uint8 else (-1, 4, 100, np.iinfo(dtype).min, np.iinfo(dtype).max):
        y = examples[0][2].copy()
        y[1] = bad
        with pytest.raises(ValueError, match=f"{bad}"):
            listing.run(*examples[0][:2], y)
    same(listing.run(*examples[0])[0], wants(trace(f)(*examples[0]), examples[0])[0], 1e-13)


def test_labels_that_nothing_was_ensured_of_are_checked_by_numpy():
    def f(z, y):
        return np.exp(z)[np.arange(3), y] * 2.0

    listing = held_to(f, [np.ones((3, 4)), np.array([0, -1, 3])], [np.zeros((3, 4)), np.array([-4, 1, 2])])
    with pytest.raises(IndexError):
        listing.run(np.ones((3, 4)), np.array([0, 4, 0]))


def test_repeated_indices_add_up():
    index = np.array([0, 0, 2])
    f = lambda x: ag.grad(lambda x: np.sum(np.exp(x)[index] * np.array([1.0, 2.0, 3.0])))(x)  # noqa: E731
    held_to(f, *numbers((4,)), tolerance=1e-14)
    held_to(lambda x, y: ag.grad(lambda x: np.sum(np.exp(x)[y, y] ** 2))(x), [np.ones((3, 3)), np.array([1, 1, 2])])


def test_slices_are_put_back():
    def f(x):
        return ag.grad(lambda x: np.sum(np.exp(x)[1:, ::2] ** 2) + np.sum(np.tanh(x)[0]) + np.exp(x)[0, 1])(x)

    held_to(f, *numbers((3, 4)), tolerance=1e-14)


def test_assignments():
    def f(x):
        y = ag.Tensor(np.zeros(3)) + x[0]
        y[1:] = np.exp(x[1, 1:])
        y[0] = 5.0
        return y * 2.0, y

    held_to(f, *numbers((2, 3)))


def test_numbers_spread_over_an_array():
    held_to(lambda x: ag.grad(lambda x: np.mean(x) * np.sum(np.exp(x)))(x), *numbers((3, 4)), tolerance=1e-13)


def test_arrays_without_axes():
    def f(s, x):
        a = s * 2.0 - 1.0
        b = np.exp(a) / s
        return a, b, x * b, -b, np.reshape(s, (1, 1)), np.broadcast_to(s, (2, 2))

    held_to(f, [np.array(2.0), np.ones(3)], [np.array(0.5), np.zeros(3)])
    held_to(f, [np.array(2.0, F4), np.ones(3, F4)])


# --- what is returned -----------------------------------------------------------------------------------------------


def test_outputs_that_are_inputs_constants_views_and_twice_the_same():
    outside = np.arange(3.0)

    def f(x):
        y = np.exp(x)
        z = np.tanh(y)
        c = ag.Tensor(outside) + 0 * x
        return x, x[1:], c, y, y, y[::-1], y.reshape(3, 1), z, np.broadcast_to(z, (2, 3)), outside

    program = trace(f)(np.ones(3))
    listing = emit(program, {}, {})
    x = np.array([1.0, 2.0, 3.0])
    for _ in range(2):
        got = listing.run(x)
        for a, b in zip(got, wants(program, [x]), strict=True):
            same(a, b)
        for i, a in enumerate(got):
            assert not np.shares_memory(a, x) and not np.shares_memory(a, outside)
            assert not any(np.shares_memory(a, b) for b in got[:i])
            a[...] = -1.0


def test_a_listing_without_outputs_or_arguments():
    assert emit(trace(lambda x: ())(np.ones(2)), {}, {}).run(np.ones(2)) == ()
    (got,) = emit(trace(lambda: ag.Tensor(np.ones(2)) + 1.0)(), {}, {}).run()
    same(got, np.full(2, 2.0))


def test_results_have_the_users_structure_in_flat_order():
    listing = emit(trace(lambda x: {"b": [x + 1.0], "a": (x + 2.0, 3)})(np.ones(2)), {}, {})
    assert [float(a[0]) for a in listing.run(np.zeros(2))] == [1.0, 2.0]


# --- how arguments arrive -------------------------------------------------------------------------------------------


def test_arguments_of_any_layout():
    def f(a, b):
        c = np.exp(a) @ b.T
        g = np.concatenate([np.ravel(b), np.sum(c, axis=1)])
        return c, np.sum(c, axis=0), np.ravel(a) * 2.0, a.reshape(6, 2), g

    program = trace(f)(np.ones((4, 3)), np.ones((5, 3)))
    listing = emit(program, {}, {})
    rng = np.random.default_rng(0)
    big = rng.normal(size=(20, 20))
    for a in (big[:4, :3], big[3:15:3, ::7], big[:3, 5:9].T, np.asfortranarray(big[:4, :3]), big[4:0:-1, 3:0:-1]):
        for b in (big[:5, :3], big[:3, :5].T, np.broadcast_to(big[0, :3], (5, 3))):
            for x, y in zip(listing.run(a, b), wants(program, [a, b]), strict=True):
                same(x, y, 1e-13)


def test_arrays_outside_are_read_anew():
    w = np.ones((2, 3))
    t = ag.Tensor(np.ones(3))
    program = trace(lambda x: (x @ w) * t + w[0])(np.ones((4, 2)))
    listing = emit(program, {}, {})
    for step in range(3):
        w[0] += step
        t.data = np.full(3, 1.0 + step)
        same(listing.run(np.ones((4, 2)))[0], wants(program, [np.ones((4, 2))])[0], 1e-14)


# --- fixed memory ---------------------------------------------------------------------------------------------------


def fixed_step(f, state, *examples, into, tolerance=1e-12):
    """Run a listing that updates its first arguments in place, beside the program that returns new ones."""
    program = trace(f)(*state, *examples[0])
    memory = {value: np.array(a) for value, a in zip(program.inputs, state, strict=False)}
    inputs = list(program.inputs)
    listing = emit(program, memory, {k: inputs[i] for k, i in into.items()})
    state = [np.array(a) for a in state]
    for arrays in examples:
        expected = wants(program, [*state, *arrays])
        got = listing.run(*arrays)
        returned = [e for k, e in enumerate(expected) if k not in into]
        for a, b in zip(got, returned, strict=True):
            same(a, b, tolerance)
        for k, i in into.items():
            state[i] = expected[k]
            same(memory[inputs[i]], expected[k], tolerance)
    return listing


def test_a_training_step_on_a_flat_vector():
    def step(p, m, x, y, lr):
        def loss(w, b):
            return cross_entropy(np.maximum(x @ w.T + b, 0), y)

        value, (dw, db) = ag.value_and_grad(loss, argnums=(0, 1))(p[:15].reshape(5, 3), p[15:20])
        m2 = 0.9 * m + np.concatenate([np.ravel(dw), db])
        return value, p - lr * m2, m2

    rng = np.random.default_rng(0)
    batches = [[rng.normal(size=(9, 3)), rng.integers(0, 5, 9), np.array(0.1 / k)] for k in (1, 2, 3, 4)]
    listing = fixed_step(step, [rng.normal(size=20), np.zeros(20)], *batches, into={1: 0, 2: 1})
    assert "concatenate(" not in "".join(line for line in listing.text.splitlines() if "#" not in line)


def test_a_concatenation_is_computed_in_the_memory_that_it_is_written_into():
    def f(g, w, x):  # noqa: ARG001
        joined = np.concatenate([np.ravel(x.T @ np.tanh(x)), np.sum(x, axis=0), w * 2.0])
        return joined, np.sum(joined * 3.0), w - joined[-2:]

    listing = fixed_step(f, [np.zeros(8), np.ones(2)], *[[a] for (a,) in numbers((5, 2))], into={0: 0, 2: 1})
    assert "concatenate(" not in "".join(line for line in listing.text.splitlines() if "#" not in line)
    assert "g[...]" not in listing.text


@pytest.mark.parametrize(
    "f",
    [
        lambda g, x: (np.concatenate([x * 2.0, g[:2]]),),  # whose old content is read
        lambda g, x: (np.concatenate([x * 2.0, np.exp(x)]), np.sum(g)),
        lambda g, x: (np.concatenate([g * 2.0])[:4],),
        lambda g, x: (np.concatenate([np.concatenate([x * 2.0, x * 3.0])]),),
        lambda g, x: (np.concatenate([x, x]),),
        lambda g, x: (np.concatenate([x * 2.0, x * 3.0])[::-1],),
        lambda g, x: (np.concatenate([x * 2.0, x * 3.0]), np.concatenate([x * 2.0, x * 3.0]) + 1.0),
        lambda g, x: (np.concatenate([[1.0, 2.0], x]),),
    ],
)
def test_what_a_concatenation_is_written_over(f):
    fixed_step(f, [np.arange(4.0)], [np.ones(2)], [np.full(2, 0.5)], into={0: 0})


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b, x: (b, a),
        lambda a, b, x: (a[::-1], b + a),
        lambda a, b, x: (a + x, b * a),
        lambda a, b, x: (np.exp(a), np.exp(a) * 2.0),
        lambda a, b, x: (b[::-1] + a, a[::-1] * b),
        lambda a, b, x: (a * 2.0 + b * 0.5, np.cumsum(b)),
        lambda a, b, x: (x, x),
    ],
)
def test_old_content_is_read_before_it_is_overwritten(f):
    fixed_step(f, [np.arange(3.0), np.arange(3.0, 6.0)], [np.ones(3)], [np.full(3, 0.5)], into={0: 0, 1: 1})


def test_the_old_content_is_returned():
    def f(a, x):
        b = a + x
        return a, b, b, a[1:] * 1.0, b[0]

    fixed_step(f, [np.arange(3.0)], [np.ones(3)], [np.full(3, 2.0)], into={1: 0})


def test_fixed_numbers_and_two_names_for_one_memory():
    fixed_step(lambda t, x: (t + 1, x * t), [np.array(0)], [np.ones(2)], [np.ones(2)], into={0: 0})
    program = trace(lambda a, b: (a + 1.0, b * 2.0))(np.ones(3), np.ones(3))
    memory = np.arange(3.0)
    a, b = program.inputs
    (got,) = emit(program, {a: memory, b: memory[::-1]}, {0: a}).run()
    same(got, np.array([4.0, 2.0, 0.0]))
    same(memory, np.array([1.0, 2.0, 3.0]))


# --- what must happen at each call ----------------------------------------------------------------------------------


def test_random_numbers_are_drawn_anew():
    rng = np.random.default_rng(0)
    program = trace(lambda x: np.exp(x) * fresh(rng.random, 4))(np.zeros(4))
    listing = emit(program, {}, {})
    expected = np.random.default_rng(0)
    for _ in range(3):
        same(listing.run(np.zeros(4))[0], expected.random(4))


def test_errors_and_their_lines():
    program = trace(lambda x: np.linalg.inv(x * 2.0))(np.eye(2))
    listing = emit(program, {}, {})
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError) as caught:
            listing.run(np.ones((2, 2)))
        same(listing.run(np.eye(2))[0], np.eye(2) / 2)
    trace_back, lines = caught.tb, []
    while trace_back is not None:
        code = trace_back.tb_frame.f_code
        if code.co_filename.startswith("<autograd_mini.compile:"):
            lines.append(trace_back.tb_lineno)
            assert "inv" in linecache.getline(code.co_filename, trace_back.tb_lineno)
        trace_back = trace_back.tb_next
    (line,) = lines
    assert listing.steps_by_line[line].function is np.linalg.inv


def test_np_errstate_holds_where_it_held():
    def f(x):
        y = np.exp(x)
        with np.errstate(divide="ignore"):
            z = np.divide(2.0, y * 0.0)
            w = 1.0 / (y * 0.0)
        return z + w, y

    listing = held_to(f, *numbers((3,)))
    assert listing.text.count("    with errstate(") == 1, "one for both"
    unguarded = emit(trace(lambda x: 1.0 / x)(np.ones(2)), {}, {})
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        unguarded.run(np.zeros(2))


@pytest.mark.parametrize("dtype", [F8, F4])
def test_logarithms_of_zero_where_that_is_ignored(dtype):
    """Entering np.errstate costs more than the logarithm: it is entered where there may be a zero."""

    def f(x):
        with np.errstate(divide="ignore"):
            return np.log(x * 2.0) + 1.0

    examples = [[np.array([1.0, 2.0, a, 0.3], dtype)] for a in (0.5, 1.7, 0.0, -0.0, np.inf, 1e-40)]
    listing = held_to(f, *examples)
    assert " not in " in listing.text
    with pytest.warns(RuntimeWarning, match="invalid"):
        listing.run(np.array([1.0, 2.0, -1.0, 0.3], dtype))


def test_what_a_buffer_held_before_does_not_show():
    """BLAS multiplies an old result by 0 and adds to it: NaN and inf must not survive that."""
    rng = np.random.default_rng(0)
    for dtype in (F8, F4, np.complex128, np.complex64):
        for n in (1, 3, 40, 130):
            a, v = rng.normal(size=(n, n)).astype(dtype), rng.normal(size=n).astype(dtype)
            listing = emit(
                trace(lambda a, v: (np.exp(1e-2 * (a @ a)), np.exp(1e-2 * (a @ v) + np.sum(a, axis=0))))(a, v)
            )
            clean = listing.run(a, v)
            with np.errstate(all="ignore"):
                listing.run(a * np.nan, v * np.inf)
            for x, y in zip(listing.run(a, v), clean, strict=True):
                same(x, y)


def test_shapes_that_depend_on_values():
    """As many places as before are taken, but others; another number of them is an error, and nothing is made up."""
    mask = np.array([True, False, True, True])

    def f(x):
        return np.sum(np.exp(x[mask]) * 2.0), np.exp(x[mask]) + 1.0

    program = trace(f)(np.arange(4.0))
    listing = emit(program, {}, {})
    for change in ([0, 1, 1, 1], [1, 1, 0, 1]):
        mask[...] = change
        for a, b in zip(listing.run(np.arange(4.0)), wants(program, [np.arange(4.0)]), strict=True):
            same(a, b)
    mask[...] = False
    with pytest.raises(TraceError):
        listing.run(np.arange(4.0))


def test_a_call_during_a_call_gets_its_own_memory():
    """The error of `ensure` is made while the listing runs: there it is called again, and from another thread too."""
    inside = []

    def f(x):
        y = np.exp(x) * 2.0
        ensure(y < 100.0, again)
        return y + 1.0, np.sum(y * y)

    def again():
        threads = [threading.Thread(target=lambda: inside.append(listing.run(np.ones(3)))) for _ in range(2)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        inside.append(listing.run(np.ones(3)))
        return ValueError("too large")

    program = trace(f)(np.ones(3))
    listing = emit(program, {}, {})
    expected = wants(program, [np.ones(3)])
    with pytest.raises(ValueError, match="too large"):
        listing.run(np.full(3, 50.0))
    assert len(inside) == 3
    for got in (*inside, listing.run(np.ones(3))):
        for a, b in zip(got, expected, strict=True):
            same(a, b, 1e-14)


# --- random programs ------------------------------------------------------------------------------------------------


def functions(drawn):
    """A drawn program as a function of its leaves: its outputs; and with them the gradient of their squares' sum."""
    outs = drawn.lives[1]

    def plain(*arrays):
        values = run(drawn, arrays)
        return [values[k] for k in outs]

    def total(*arrays):
        values = run(drawn, arrays)
        found = [values[k] for k in outs if getattr(values[k], "requires_grad", False)]
        return sum((np.sum(np.real(y * y)) for y in found), start=0.0 * np.sum(np.real(arrays[0])))

    def both(*arrays):
        return plain(*arrays), ag.value_and_grad(total, argnums=tuple(range(len(arrays))))(*arrays)

    return plain, both


def nearby(arrays, seed):
    """Other values of the same shapes; the second time in the other order of memory."""
    rng = np.random.default_rng(seed)
    moved = [x + (rng.normal(size=x.shape) * 0.01 * seed).astype(x.dtype) * (x.dtype.kind in "fc") for x in arrays]
    moved = [np.asarray(x, order="F" if seed % 2 else "C") for x in moved]
    for x in moved:
        x.flags.writeable = False
    return moved


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(3))
def test_random_programs(part):
    """What can be recorded is computed, three times with other values; errors are the same ones."""
    count = Counter()
    for seed in range(100 * part, 100 * part + 100):
        drawn, _ = draw(seed, ALL, 10)
        for f in functions(drawn):
            with np.errstate(all="ignore"):
                try:
                    program = trace(f)(*drawn.leaves)
                except (TraceError, NotImplementedError, TypeError):
                    count["not recorded"] += 1
                    continue
                judge(program, emit(program, {}, {}), drawn.leaves)
                count["judged"] += 1
    assert count["judged"] > 80, count


def judge(program, listing, arrays):
    """Hold a listing to the program on three sets of values; results stay what they were."""
    values = [*program.inputs, *(out for step in program.steps for out in step.outs)]
    rough = any(v.dtype.char in "efF" for v in values)
    results = []
    for seed in range(3):
        given = nearby(arrays, seed)
        try:
            expected = wants(program, given)
        except Exception as error:
            with pytest.raises(type(error)):
                listing.run(*given)
            continue
        got = listing.run(*given)
        for a, b in zip(got, expected, strict=True):
            same(a, b, 2e-3 if rough else 1e-9)
        results.append((got, [np.array(a) for a in got]))
    for got, copies in results:
        for a, b in zip(got, copies, strict=True):
            same(a, b)
