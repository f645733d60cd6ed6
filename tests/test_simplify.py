"""Each rewrite: what it leaves of the steps, and that the numbers are the same to the last bit."""

import itertools
import random

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.program import values_in
from autograd_mini.simplify import simplified, uniform
from autograd_mini.table import name_of
from autograd_mini.tracing import recorded

X = np.array([1.5, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan, 1e-300, 1e300])
A = np.random.default_rng(0).normal(size=(3, 4))
V = np.array([1.0, -2.0, 3.0, 0.5])


def both(f, *args):
    """The program as recorded, and made short; run on the same arrays, they give the same bits."""
    with np.errstate(all="ignore"):
        long = recorded(f, args, {})
        short = simplified(long)
        one, two = (p.run(dict(zip(p.inputs, args, strict=True))) for p in (long, short))
    same(one, two)
    return long, short


def same(one, two):
    if isinstance(one, (tuple, list)):
        for a, b in zip(one, two, strict=True):
            same(a, b)
        return
    one, two = np.asarray(one), np.asarray(two)
    assert (one.shape, one.dtype) == (two.shape, two.dtype)
    np.testing.assert_array_equal(one, two)
    if one.dtype.kind == "f":
        finite = ~np.isnan(one)
        np.testing.assert_array_equal(np.signbit(one[finite]), np.signbit(two[finite]))


def steps(f, *args):
    return [name_of(step.function) for step in both(f, *args)[1].steps]


REWRITES = {
    "1 x": (lambda x: np.ones(9) * x, []),
    "x 1": (lambda x: x * 1.0, []),
    "x / 1": (lambda x: x / 1, []),
    "-1 x": (lambda x: -1.0 * x, ["np.negative"]),
    "- - x": (lambda x: np.negative(-x), []),
    "+ x": (lambda x: +x, []),
    "a + -x": (lambda x: np.ones(9) * 3 + -x, ["np.subtract"]),
    "a - -x": (lambda x: x * x - -x, ["np.multiply", "np.add"]),
    "-(2 x)": (lambda x: -(2 * x), ["np.multiply"]),
    "the same twice": (lambda x: np.exp(x) * np.exp(x), ["np.exp", "np.multiply"]),
    "dead": (lambda x: (np.exp(x), x + 1)[1], ["np.add"]),
    "a constant folded": (lambda x: x + (np.float64(2.0) * 3 - 1), ["np.add"]),
    "reshape of reshape": (lambda x: x.reshape(3, 3).reshape(9, 1).ravel(), []),
    "reshape to another": (lambda x: x.reshape(3, 3).reshape(1, 9), ["np.reshape"]),
    "expand and squeeze": (lambda x: np.squeeze(np.expand_dims(x, 0), 0), []),
    "a broadcast to its own shape": (lambda x: np.broadcast_to(x, (9,)), []),
    "a broadcast that happens anyway": (
        lambda x: np.broadcast_to(x, (2, 9)) * np.broadcast_to(x[:2, None], (2, 9)),
        ["_operator.getitem", "np.multiply"],
    ),
    "a cast to its own dtype": (lambda x: x.astype(float), []),
    "a copy": (lambda x: x.copy() + 0.5, ["np.add"]),
    "one array joined": (lambda x: np.concatenate([x]), []),
    "where a number": (lambda x: np.where(x > 0, x, np.zeros(9)), ["np.greater", "np.where"]),
}


@pytest.mark.parametrize("name", REWRITES)
def test_rewrite(name):
    f, expected = REWRITES[name]
    assert steps(f, X) == expected


MATRICES = {
    "transposed twice": (lambda a: a.T.T, []),
    "transposed by axes, back": (lambda a: np.transpose(np.transpose(a, (1, 0)), (1, 0)), []),
    "swapaxes": (lambda a: np.swapaxes(a, 0, 1), ["np.transpose"]),
    "one axis to itself": (lambda a: np.swapaxes(a, 1, -1), []),
    "sum that keeps": (lambda a: np.expand_dims(np.sum(a, axis=1), 1), ["np.sum"]),
    "an axis in brackets": (lambda a: np.sum(a, axis=(0,)), ["np.sum"]),
}


@pytest.mark.parametrize("name", MATRICES)
def test_rewrite_of_matrices(name):
    f, expected = MATRICES[name]
    assert [s for s in steps(f, A)] == expected


def test_a_column_times_a_row_is_the_outer_product_and_a_column_through_a_matrix_is_a_vector():
    assert steps(lambda v: v[:, None] * v, V) == ["_operator.getitem", "np.multiply"]
    assert steps(lambda v: np.expand_dims(v, -1) * v, V) == ["np.outer"]
    assert steps(lambda v: np.expand_dims(v, 0) * np.expand_dims(v, 1), V) == ["np.outer"]
    short = simplified(recorded(lambda a, v: np.squeeze(a @ np.expand_dims(v, -1), -1), (A, V), {}))
    assert [name_of(step.function) for step in short.steps] == ["np.matmul"]
    np.testing.assert_allclose(short.run(dict(zip(short.inputs, (A, V), strict=True))), A @ V, rtol=1e-14)


def test_a_product_is_turned_instead_of_its_result():
    source = ag.trace(lambda a, b: (a.T @ b).T)(A, A).source()
    assert "b.T @ a" in source


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 3.0 * (0.1 * x),
        lambda x: x * 0.0,
        lambda x: 0.0 + x,
        lambda x: x - x,
        lambda x: x / x,
        lambda x: (x + 1) - 1,
        lambda x: x**2 * x,
        lambda x: np.exp(np.log(x)),
        lambda x: x * 2 / 3,
        lambda x: -(0.0 * x),
        lambda x: np.sqrt(x * x),
        lambda x: x + 0.0,
        lambda x: x - 0.0,
        lambda x: 0.0 - x,
    ],
)
def test_what_is_not_exact_stays(f):
    """Rounding, zeros with a sign, infinities and NaN come out as they were recorded."""
    long, short = both(f, X)
    assert len(short.steps) == len(long.steps)


@pytest.mark.parametrize("dtype", ["f4", "f2", "i8", "i1", "u1", "?", "c16", "c8"])
def test_rewrites_hold_in_every_dtype(dtype):
    x = np.array([0, 1, 3, 250 % 128]).astype(dtype)
    y = np.array([1, 0, 2, 100]).astype(dtype)
    functions = [
        lambda x, y: np.ones(4) * x,
        lambda x, y: x * 1,
        lambda x, y: x / 1,
        lambda x, y: x * True,
        lambda x, y: 2 * (2 * x),
        lambda x, y: np.ones(4, dtype) * x + y,
        lambda x, y: np.where(x > 0, y, np.zeros(4)),
        lambda x, y: x + np.float64(1),
        lambda x, y: (x * np.float32(0.5), y * np.int64(1)),
        lambda x, y: np.concatenate([x]).astype(dtype),
        lambda x, y: np.concatenate([x], dtype="c16"),
        lambda x, y: np.sum(x, keepdims=True)[0] * y,
    ]
    if dtype != "?":
        functions += [
            lambda x, y: x + -y,
            lambda x, y: -x + y,
            lambda x, y: x - -y,
            lambda x, y: np.negative(-x),
            lambda x, y: -1 * x,
            lambda x, y: -(x * 2),
            lambda x, y: np.arange(4, dtype="i8") + -y,
            lambda x, y: 5 - -y,
            lambda x, y: -y + 5,
            lambda x, y: np.arange(4, dtype="f8") - -y,
        ]
    for f in functions:
        if dtype == "u1" and f(np.ones(1, int), np.ones(1, int)) is None:
            continue
        try:
            with np.errstate(all="ignore"):
                f(x, y)
        except (TypeError, OverflowError):  # what NumPy refuses
            continue
        both(f, x, y)


def test_infinite_complex_numbers_are_multiplied_as_recorded():
    z = np.array([complex(np.inf, 1), complex(0, -np.inf), complex(-0.0, 2), 1j])
    for f in (lambda z: -1 * z, lambda z: (1 + 0j) * z, lambda z: z / 1, lambda z: np.negative(-z)):
        both(f, z)


def test_draws_and_demands_are_neither_merged_nor_dropped():
    rng = np.random.default_rng(0)

    def f(x):
        ag.ensure(x < 1e400, ValueError)
        ag.ensure(x < 1e400, ValueError)
        a, b = ag.fresh(rng.random, 9), ag.fresh(rng.random, 9)
        ag.fresh(rng.random, 9)
        return x + a - b

    program = simplified(recorded(f, (np.ones(9),), {}))
    assert sum(not step.pure for step in program.steps) == 5


def test_constants_from_outside_are_not_folded():
    outside = np.ones(4)
    program = ag.trace(lambda v: v * outside)(V)
    assert len(program.steps) == 1
    outside[:] = 3
    np.testing.assert_array_equal(program(V), V * 3)
    weight = ag.Tensor(np.ones(4))
    program = ag.trace(lambda v: v * (weight * 1.0 + np.zeros(4)))(V)
    weight.data = np.full(4, 5.0)
    np.testing.assert_array_equal(program(V), V * 5)


def test_the_program_given_is_left_as_it_is():
    long = recorded(ag.grad(lambda v: np.sum(np.tanh(v) * 1.0)), (V,), {})
    before = (
        [(step.function, step.args, step.outs) for step in long.steps],
        dict(long.constants),
        list(values_in(long.outputs)),
    )
    simplified(long)
    assert before == (
        [(step.function, step.args, step.outs) for step in long.steps],
        dict(long.constants),
        list(values_in(long.outputs)),
    )


def test_no_step_reads_what_is_not_made_before_and_no_constant_is_left_over():
    functions = [
        ag.grad(lambda v: np.sum(np.tanh(v) ** 2)),
        ag.hessian(lambda v: np.sum(v**3) * v[0]),
        lambda v: np.linalg.slogdet(np.outer(v, v) + np.eye(4)),
        ag.jacobian(lambda v: np.sort(v) * v),
    ]
    for f in functions:
        program = ag.trace(f)(V)
        known = {*program.inputs, *program.constants}
        for step in program.steps:
            assert known.issuperset(step.operands())
            known.update(step.outs)
        assert known.issuperset(values_in(program.outputs))
        used = {v for step in program.steps for v in step.operands()} | set(values_in(program.outputs))
        assert used.issuperset(program.constants)


def test_making_it_short_again_changes_nothing():
    for f in (ag.value_and_grad(lambda v: np.sum(np.tanh(v) ** 2)), ag.hessian(lambda v: np.sum(v**3) * v[0])):
        once = ag.trace(f)(V)
        assert simplified(once).source() == once.source()


@pytest.mark.parametrize(
    ("array", "number"),
    [
        (np.zeros(3), 0.0),
        (np.full((2, 2), -0.0), -0.0),
        (np.array(2), 2),
        (np.ones(3, bool), True),
        (np.arange(2), None),
        (np.zeros(0), None),
        (np.array([np.nan, np.nan]), None),
        (np.ones(2, complex), None),
        (np.array([0.0, -0.0]), None),
        (np.array([-0.0, 0.0]), None),
        (np.broadcast_to(np.float32(0.5), (3,)), 0.5),
        (np.array(np.nan), None),
        (np.array([np.inf, np.inf]), np.inf),
    ],
)
def test_the_number_that_stands_everywhere(array, number):
    found = uniform(array)
    assert type(found) is type(number)
    assert found == number
    if isinstance(number, float):
        assert np.signbit(found) == np.signbit(number)


def test_random_chains_of_rewritten_operations_keep_every_bit():
    """Pairs and triples of all that is rewritten, one into the other."""
    pieces = [
        lambda x: -x,
        lambda x: x * 1,
        lambda x: 2 * x,
        lambda x: x * 0.5,
        lambda x: x / 1,
        lambda x: x + -x * 3,
        lambda x: x.reshape(3, 3).ravel(),
        lambda x: np.broadcast_to(x, (9,)),
        lambda x: x.copy(),
        lambda x: 3 - -x,
        lambda x: np.where(x > 0, x, np.zeros(9)),
        lambda x: np.expand_dims(x, 1).T[0],
        lambda x: +x,
        lambda x: -1.0 * x,
    ]
    x = np.array([1.5, -2.0, 0.0, -0.0, np.inf, -np.inf, np.nan, 1e-200, 1e200])
    triples = random.Random(0).sample([*itertools.product(pieces, repeat=3)], 100)
    for chain in [*itertools.product(pieces, repeat=2), *triples]:

        def f(x, chain=chain):
            for piece in chain:
                x = piece(x)
            return x

        both(f, x)
