"""The printed programs: as readable as a slide, and the same numbers as eager when they run by themselves."""

# ruff: noqa: B023 (called at once)

import math
import operator
import random
import re
import warnings
from collections import Counter
from textwrap import dedent

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini.errors import AutogradError, TraceError
from autograd_mini.program import Constant
from autograd_mini.source import written

from .cases import CASES
from .generated import DIFFERENTIABLE, call, cotangents, named, operands, outputs
from .programs.draw import ALL, ANALYTIC, draw
from .programs.judge import Discard, by_numpy
from .programs.program import WRITES, run

RNG = np.random.default_rng(5)


def drawn(*shape):
    return RNG.normal(size=shape)


@ag.primitive
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


ag.defvjp(sigmoid, lambda g, y, _z: g * y * (1 - y))


def stands_alone(program, arrays):
    """Run the text in a fresh namespace; constants by the keywords that it asks for."""
    namespace = {}
    exec(program.source(), namespace)
    objects = {name: c.read() if isinstance(c, Constant) else c for name, c in written(program).objects.items()}
    return namespace[program.name](*arrays, **objects)


# --- golden texts ----------------------------------------------------------------------------------------------------


def worked_example(W1, W2, W3, x, y):
    """Yehoshua's network: the inputs and a 1 for the bias, then 3, 2 and 1 sigmoid neurons, and the log loss."""
    a1 = sigmoid(W1 @ x)
    a2 = sigmoid(W2 @ a1)
    o = sigmoid(W3 @ a2)
    return -np.sum(y * np.log(o) + (1 - y) * np.log(1 - o))


def squared_error(W1, b1, W2, b2, x, t):
    """Mazur's network, 2-2-2."""
    h = sigmoid(W1 @ x + b1)
    o = sigmoid(W2 @ h + b2)
    return np.sum(0.5 * (t - o) ** 2)


def matrix_note(W2, B2, W3, B3, A1, Y):
    """The matrix note's network, in its letters: a sample is a column."""
    Z2 = W2 @ A1 + B2
    A2 = sigmoid(Z2)
    Z3 = W3 @ A2 + B3
    A3 = sigmoid(Z3)
    return 0.5 * np.sum((Y - A3) ** 2)


def tanh_batch(W1, b1, W2, b2, x, t):
    z1 = x @ W1.T + b1
    h1 = np.tanh(z1)
    z2 = h1 @ W2.T + b2
    return np.mean(np.sum(0.5 * (z2 - t) ** 2, axis=1))


def softmax_loss(W, b, x, t):
    z = x @ W.T + b
    e = np.exp(z)
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.sum(t * np.log(p)) / len(x)


def logistic_by_hand(w, b, x, y):
    o = 1 / (1 + np.exp(-(x @ w + b)))
    return np.sum(np.square(o - y))


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def attention(Q, K, V):
    s = Q @ K.T / math.sqrt(K.shape[1])
    e = np.exp(s)
    a = e / e.sum(axis=1, keepdims=True)
    return np.sum(a @ V)


GOLDEN = {
    worked_example: (
        3,
        ((3, 3), (2, 3), (1, 2), (3,), (1,)),
        """\
        def worked_example(W1, W2, W3, x, y):
            # forward
            z1 = W1 @ x                                                # (3,)
            a1 = 1 / (1 + np.exp(-z1))                                 # (3,)
            z2 = W2 @ a1                                               # (2,)
            a2 = 1 / (1 + np.exp(-z2))                                 # (2,)
            z3 = W3 @ a2                                               # (1,)
            o = 1 / (1 + np.exp(-z3))                                  # (1,)
            h3 = 1 - y                                                 # (1,)
            h4 = 1 - o                                                 # (1,)
            worked_example = -np.sum(y * np.log(o) + h3 * np.log(h4))  # ()

            # backward
            d_h4 = -h3 / h4                                            # (1,)
            d_o = -y / o - d_h4                                        # (1,)
            d_z3 = d_o * o * h4                                        # (1,)
            d_W3 = np.outer(d_z3, a2)                                  # (1, 2)
            d_a2 = W3.T @ d_z3                                         # (2,)
            d_z2 = d_a2 * a2 * (1 - a2)                                # (2,)
            d_W2 = np.outer(d_z2, a1)                                  # (2, 3)
            d_a1 = W2.T @ d_z2                                         # (3,)
            d_z1 = d_a1 * a1 * (1 - a1)                                # (3,)
            d_W1 = np.outer(d_z1, x)                                   # (3, 3)
            return worked_example, (d_W1, d_W2, d_W3)
        """,
    ),
    squared_error: (
        4,
        ((2, 2), (2,), (2, 2), (2,), (2,), (2,)),
        """\
        def squared_error(W1, b1, W2, b2, x, t):
            # forward
            z1 = W1 @ x + b1                       # (2,)
            h = 1 / (1 + np.exp(-z1))              # (2,)
            z2 = W2 @ h + b2                       # (2,)
            o = 1 / (1 + np.exp(-z2))              # (2,)
            h2 = t - o                             # (2,)
            squared_error = np.sum(0.5 * h2 ** 2)  # ()

            # backward
            d_o = -h2                              # (2,)
            d_z2 = d_o * o * (1 - o)               # (2,)
            d_W2 = np.outer(d_z2, h)               # (2, 2)
            d_h = W2.T @ d_z2                      # (2,)
            d_z1 = d_h * h * (1 - h)               # (2,)
            d_W1 = np.outer(d_z1, x)               # (2, 2)
            return squared_error, (d_W1, d_z1, d_W2, d_z2)
        """,
    ),
    matrix_note: (
        4,
        ((4, 3), (4, 1), (2, 4), (2, 1), (3, 1), (2, 1)),
        """\
        def matrix_note(W2, B2, W3, B3, A1, Y):
            # forward
            Z2 = W2 @ A1 + B2                    # (4, 1)
            A2 = 1 / (1 + np.exp(-Z2))           # (4, 1)
            Z3 = W3 @ A2 + B3                    # (2, 1)
            A3 = 1 / (1 + np.exp(-Z3))           # (2, 1)
            h1 = Y - A3                          # (2, 1)
            matrix_note = 0.5 * np.sum(h1 ** 2)  # ()

            # backward
            d_A3 = -h1                           # (2, 1)
            d_Z3 = d_A3 * A3 * (1 - A3)          # (2, 1)
            d_W3 = d_Z3 @ A2.T                   # (2, 4)
            d_A2 = W3.T @ d_Z3                   # (4, 1)
            d_Z2 = d_A2 * A2 * (1 - A2)          # (4, 1)
            d_W2 = d_Z2 @ A1.T                   # (4, 3)
            return matrix_note, (d_W2, d_Z2, d_W3, d_Z3)
        """,
    ),
    tanh_batch: (
        4,
        ((3, 2), (3,), (2, 3), (2,), (5, 2), (5, 2)),
        """\
        def tanh_batch(W1, b1, W2, b2, x, t):
            # forward
            z1 = x @ W1.T + b1                                      # (5, 3)
            h1 = np.tanh(z1)                                        # (5, 3)
            z2 = h1 @ W2.T + b2                                     # (5, 2)
            h2 = z2 - t                                             # (5, 2)
            tanh_batch = np.sum(np.sum(0.5 * h2 ** 2, axis=1)) / 5  # ()

            # backward
            d_h2 = h2 * (1 / 5)                                     # (5, 2)
            d_b2 = np.sum(d_h2, axis=0)                             # (2,)
            d_h1 = d_h2 @ W2                                        # (5, 3)
            d_W2 = d_h2.T @ h1                                      # (2, 3)
            d_z1 = d_h1 * (1 - h1 * h1)                             # (5, 3)
            d_b1 = np.sum(d_z1, axis=0)                             # (3,)
            d_W1 = d_z1.T @ x                                       # (3, 2)
            return tanh_batch, (d_W1, d_b1, d_W2, d_b2)
        """,
    ),
    softmax_loss: (
        2,
        ((3, 2), (3,), (5, 2), (5, 3)),
        """\
        def softmax_loss(W, b, x, t):
            # forward
            z = x @ W.T + b                                      # (5, 3)
            e = np.exp(z)                                        # (5, 3)
            h1 = np.sum(e, axis=1, keepdims=True)                # (5, 1)
            p = e / h1                                           # (5, 3)
            softmax_loss = -np.sum(t * np.log(p)) / 5            # ()

            # backward
            d_p = -0.2 * t / p                                   # (5, 3)
            d_h1 = np.sum(-d_p * p / h1, axis=1, keepdims=True)  # (5, 1)
            d_e = d_p / h1 + d_h1                                # (5, 3)
            d_z = d_e * e                                        # (5, 3)
            d_b = np.sum(d_z, axis=0)                            # (3,)
            d_W = d_z.T @ x                                      # (3, 2)
            return softmax_loss, (d_W, d_b)
        """,
    ),
    logistic_by_hand: (
        2,
        ((3,), (), (5, 3), (5,)),
        """\
        def logistic_by_hand(w, b, x, y):
            # forward
            z1 = x @ w + b                            # (5,)
            h1 = np.exp(-z1)                          # (5,)
            h2 = 1 + h1                               # (5,)
            o = 1 / h2                                # (5,)
            h3 = o - y                                # (5,)
            logistic_by_hand = np.sum(np.square(h3))  # ()

            # backward
            d_h2 = -2 * h3 * o / h2                   # (5,)
            d_z1 = -(d_h2 * h1)                       # (5,)
            d_b = np.sum(d_z1)                        # ()
            d_w = x.T @ d_z1                          # (3,)
            return logistic_by_hand, (d_w, d_b)
        """,
    ),
    rosenbrock: (
        1,
        ((5,),),
        """\
        def rosenbrock(x):
            # forward
            h1 = x[:-1]                                   # (4,)
            h2 = x[1:] - h1 ** 2                          # (4,)
            h3 = 1 - h1                                   # (4,)
            rosenbrock = np.sum(100 * h2 ** 2 + h3 ** 2)  # ()

            # backward
            g1 = -2 * h3                                  # (4,)
            g2 = np.zeros(5)
            g2[:-1] = g1                                  # (5,)
            d_h2 = 200.0 * h2                             # (4,)
            d_h1 = -d_h2 * (2 * h1)                       # (4,)
            g3 = np.zeros(5)
            g3[:-1] = d_h1                                # (5,)
            g4 = np.zeros(5)
            g4[1:] = d_h2                                 # (5,)
            d_x = g2 + g3 + g4                            # (5,)
            return rosenbrock, (d_x,)
        """,
    ),
    attention: (
        3,
        ((4, 3), (5, 3), (5, 2)),
        """\
        def attention(Q, K, V):
            # forward
            z1 = Q @ K.T                                         # (4, 5)
            s = z1 / 1.7320508075688772                          # (4, 5)
            e = np.exp(s)                                        # (4, 5)
            h1 = np.sum(e, axis=1, keepdims=True)                # (4, 1)
            a = e / h1                                           # (4, 5)
            attention = np.sum(a @ V)                            # ()

            # backward
            d_a = np.ones((4, 2)) @ V.T                          # (4, 5)
            d_V = a.T @ np.ones((4, 2))                          # (5, 2)
            d_h1 = np.sum(-d_a * a / h1, axis=1, keepdims=True)  # (4, 1)
            d_e = d_a / h1 + d_h1                                # (4, 5)
            d_s = d_e * e                                        # (4, 5)
            d_z1 = d_s / 1.7320508075688772                      # (4, 5)
            d_Q = d_z1 @ K                                       # (4, 3)
            d_K = d_z1.T @ Q                                     # (5, 3)
            return attention, (d_Q, d_K, d_V)
        """,
    ),
}


def traced(function, count, arrays):
    return ag.trace(ag.value_and_grad(function, argnums=tuple(range(count))))(*arrays)


golden = pytest.mark.parametrize("function", GOLDEN, ids=lambda f: f.__name__)


@golden
def test_a_network_and_its_gradient_read_as_on_a_slide(function):
    count, shapes, expected = GOLDEN[function]
    source = traced(function, count, [drawn(*shape) for shape in shapes]).source()
    assert source == "import numpy as np\n\n\n" + dedent(expected).rstrip() + "\n"


@golden
def test_the_text_runs_by_itself_and_gives_what_the_engine_gives(function):
    count, shapes, _ = GOLDEN[function]
    program = traced(function, count, [drawn(*shape) for shape in shapes])
    fresh = [np.asarray(np.abs(drawn(*shape)) if function is softmax_loss else drawn(*shape)) for shape in shapes]
    value, gradients = ag.value_and_grad(function, argnums=tuple(range(count)))(*fresh)
    for got in (
        stands_alone(program, fresh),
        program(*fresh),
        program.run(dict(zip(program.inputs, fresh, strict=True))),
    ):
        assert got[0] == value
        assert_same(got[1], gradients)


@golden
def test_no_line_is_dead_and_nothing_is_done_for_nothing(function):
    """What is assigned is read; no factor 1, no broadcast, no cotangent of the data."""
    count, shapes, _ = GOLDEN[function]
    source = traced(function, count, [drawn(*shape) for shape in shapes]).source()
    body = source.split("):\n", 1)[1]
    for name in re.findall(r"^ +(\w+)(?:\[.*\])? = ", body, re.M):
        assert len(re.findall(rf"\b{name}\b", re.sub(r"#.*", "", body))) > 1, f"{name} is not read"
    for idle in (
        r"(?<![\w.])1\.0 \*",
        r"(?<![\w.])1 \*",
        r"broadcast_to",
        r"/ 1(?![.\d])",
        r"\+ 0(?![.\d])",
        r"\bd_x\b" if count > 1 else "astype",
    ):
        assert not re.search(idle, body), idle


# --- names, layout ---------------------------------------------------------------------------------------------------


def lines(function, *args, **kwargs):
    """The lines of the body, without blanks and comments."""
    source = ag.trace(function)(*args, **kwargs).source()
    body = source[source.index("def ") :].splitlines()[1:]
    return [line for line in (re.sub(r" *#.*", "", line).strip() for line in body) if line]


def test_an_mlp_has_the_names_of_its_parameters():
    model = nn.MLP([3, 4, 2], activation="tanh", rng=0)

    def step(x, y):
        loss = np.sum((model(x) - y) ** 2)
        return loss, ag.gradients(loss, model.parameters())

    x, y = drawn(5, 3), drawn(5, 2)
    program = ag.trace(step)(x, y)
    source = program.source()
    assert "def step(x, y, *, W1, b1, W2, b2):" in source
    for line in ("z1 = x @ W1.T + b1", "d_z1 = d_h1 * (1 - h1 * h1)", "d_W1 = d_z1.T @ x", "return loss, (d_W1, d_b1,"):
        assert line in source
    loss, gradients = step(x, y)
    got = stands_alone(program, (x, y))
    assert got[0] == loss.data
    assert_same(got[1], gradients)


def test_names_of_tensors_arguments_and_variables_are_kept():
    weight = ag.Tensor(drawn(3), requires_grad=True, name="weight")

    def f(height):
        width = weight * height
        return width * width

    assert lines(f, drawn(3)) == ["width = weight * height", "h1 = width * width", "return h1"]


def test_a_name_given_to_two_values_is_numbered_and_no_keyword_or_module_is_shadowed():
    def f(x):
        y = x + 1
        z = y * y
        y = z * z
        return y - x

    assert lines(f, drawn(2)) == ["y = x + 1", "z = y * y", "y_2 = z * z", "h1 = y_2 - x", "return h1"]
    named_so = ag.Tensor(drawn(2), requires_grad=True, name="np")
    assert lines(lambda x: x * named_so, drawn(2))[0] == "h1 = x * np_2"
    named_so = ag.Tensor(drawn(2), requires_grad=True, name="lambda")
    assert lines(lambda x: x * named_so, drawn(2))[0] == "h1 = x * lambda_"


def test_generated_names_stay_clear_of_the_user_s():
    def f(x):
        y = np.exp(np.exp(x) * x)
        h1 = y * y + y
        return h1 * h1

    names = [line.split(" = ")[0] for line in lines(f, drawn(2))[:-1]]
    assert len(set(names)) == len(names)
    assert "h1" in names and names.index("h1") > names.index("y")


def test_trees_of_arguments_are_taken_apart_by_name():
    params = {"W": drawn(3, 2), "b": [drawn(2), drawn(2)]}
    program = ag.trace(lambda params, x: {"out": np.tanh(x @ params["W"] + params["b"][0] - params["b"][1])})(
        params, drawn(4, 3)
    )
    source = program.source()
    assert "W = params['W']" in source
    assert "b_0 = params['b'][0]" in source or "params_b_0 = params['b'][0]" in source
    fresh = {"W": drawn(3, 2), "b": [drawn(2), drawn(2)]}
    x = drawn(4, 3)
    expected = np.tanh(x @ fresh["W"] + fresh["b"][0] - fresh["b"][1])
    np.testing.assert_array_equal(program(fresh, x)["out"], expected)
    np.testing.assert_array_equal(stands_alone(program, (fresh, x))["out"], expected)


def test_precedence_is_right_for_every_pair_of_operators():
    operators = [
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.pow,
        operator.floordiv,
        operator.mod,
    ]
    a, b, c = (np.abs(drawn(3)) + 1 for _ in range(3))
    for first in operators:
        for second in operators:
            for f in (
                lambda a, b, c: second(first(a, b), c),
                lambda a, b, c: second(a, first(b, c)),
                lambda a, b, c: -second(-first(a, b), c),
                lambda a, b, c: second(2.0, first(-1.5, a)) if second is not operator.pow else first(a, -2.0),
            ):
                with np.errstate(all="ignore"):
                    np.testing.assert_array_equal(ag.trace(f)(a, b, c)(a, b, c), f(a, b, c))


def test_precedence_of_products_comparisons_and_bits():
    A, B, m, n = drawn(3, 3), drawn(3, 3), drawn(3) > 0, drawn(3) > 0
    for f in (
        lambda A, B, m, n: A @ (B * A) @ (A @ B),
        lambda A, B, m, n: (A * B) @ A - A @ (B - A),
        lambda A, B, m, n: (A @ B).T,
        lambda A, B, m, n: (A < B) & (A > 0) | ~(B <= A),
        lambda A, B, m, n: ~(m & n) | (m ^ n),
        lambda A, B, m, n: (A < (B < A)) == (A > B),
        lambda A, B, m, n: (-A) ** 2 + -(A**2),
        lambda A, B, m, n: (A**2) ** 0.5 - A ** (2**1),
        lambda A, B, m, n: -A[0] - -B.T[1],
        lambda A, B, m, n: (A + B)[0],
        lambda A, B, m, n: A / (B / A) / B,
        lambda A, B, m, n: A - (B - A) - B,
        lambda A, B, m, n: m * 1 - (n * 2 - 1),
    ):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(ag.trace(f)(A, B, m, n)(A, B, m, n), f(A, B, m, n))


NUMBERS = [
    0.1,
    1 / 3,
    -2.5,
    1e300,
    5e-324,
    float("inf"),
    float("-inf"),
    float("nan"),
    -0.0,
    7,
    True,
    2 + 3j,
    np.float32(0.1),
    np.float64(0.1),
    np.int64(3),
    np.uint8(200),
    np.bool_(True),
    np.complex64(1j),
    math.pi,
]


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "u1", "?", "c16"])
def test_numbers_are_printed_to_the_last_bit_and_keep_dtypes(number, dtype):
    a = np.array([1, 0, 3]).astype(dtype)
    for f in (lambda a: a * number, lambda a: number + a, lambda a: np.where(a > 0, a, number)):
        with np.errstate(all="ignore"):
            expected = f(a)
            got = ag.trace(f)(a)(a)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)
        assert np.array_equal(np.signbit(got.real), np.signbit(expected.real))


def test_constants_of_every_dtype_and_layout_come_out_as_they_went_in():
    for made in (
        lambda: np.arange(6).reshape(2, 3),
        lambda: np.arange(6.0, dtype="f4").reshape(2, 3),
        lambda: np.zeros((2, 3), "i4"),
        lambda: np.full((2, 3), np.nan),
        lambda: np.full((2, 3), -0.0),
        lambda: np.array([[1, -0.0, np.inf]]),
        lambda: np.eye(3)[:2],
        lambda: np.array([[True, False, True]]),
        lambda: np.array([[1j, 2, 3]]),
        lambda: np.zeros((0, 3)),
        lambda: np.broadcast_to(np.float32(3), (2, 3)),
        lambda: np.array(2.5),
        lambda: np.arange(3)[::-1],
        lambda: np.linspace(0, 1, 300).reshape(100, 1, 3),
        lambda: np.array([[200, 3, 7]], "u1"),
    ):
        x = np.ones((1, 3))
        for f in (lambda x: x * made(), lambda x: (x, made()), lambda x: np.where(made() > 0, x, made())):
            program = ag.trace(f)(x)
            assert_same(outputs(program(x)), outputs(f(x)))
            assert_same(outputs(stands_alone(program, [x])), outputs(f(x)))


def test_errstate_inside_the_function_is_in_the_text():
    def f(x):
        with np.errstate(divide="ignore", invalid="ignore"):
            y = np.log(x) + 0 / x
        return np.where(x > 0, y, 0) + np.sqrt(x)

    x = np.array([0.0, 1.0])
    program = ag.trace(f)(x)
    assert "with np.errstate(divide=" in program.source()
    np.testing.assert_array_equal(program(x), [0, 1])
    np.testing.assert_array_equal(stands_alone(program, [x]), [0, 1])


def test_an_error_in_a_program_shows_its_line():
    program = ag.trace(lambda a: np.linalg.inv(a) @ a)(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as caught:
        program(np.zeros((2, 2)))
    assert "np.linalg.inv(a) @ a" in str(caught.getrepr())


# --- the same numbers as eager ---------------------------------------------------------------------------------------


def assert_same(got, expected, tolerance=1e-12):
    """Return whether they are the same to the last bit."""
    __tracebackhide__ = True
    exact = True
    for g, e in zip(got, expected, strict=True):
        e = np.asarray(e.data if isinstance(e, ag.Tensor) else e)
        assert (np.shape(g), np.asarray(g).dtype) == (e.shape, e.dtype)
        if np.array_equal(g, e, equal_nan=e.dtype.kind in "fc"):
            continue
        exact = False
        rtol = 1e-4 if e.dtype in (np.float32, np.complex64, np.float16) else tolerance
        scale = np.max(np.abs(e[np.isfinite(e)]), initial=1)
        np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol * scale)
    return exact


def gradient_of(f):
    """The pullback of all results, as a function of the arrays and the cotangents."""

    def gradient(arrays, cs):
        _, pull = ag.vjp(f, *arrays)
        return list(pull(list(cs)))

    return gradient


def others(arrays, seed):
    """Arrays of the same shapes: near by; or the same entries, elsewhere."""
    rng = np.random.default_rng(seed)
    near = [np.asarray(x + (1e-4 * rng.normal(size=x.shape) * (np.abs(x) + 0.1)).astype(x.dtype)) for x in arrays]
    return near, [np.array(rng.permutation(np.array(x).ravel())).reshape(x.shape) for x in arrays]


@pytest.fixture
def quiet():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


# What no program can hold: the course, a shape, a dtype or a number in it depends on values.
REFUSED = {
    "np.quantile",
    "np.percentile",
    "np.nanquantile",
    "np.nanpercentile",
    "np.median",
    "np.nanmedian",
    "np.unique",
    "np.linalg.pinv",
    "np.linalg.lstsq",
    "np.polyfit",
    "np.geomspace",
    "np.histogram",
    "np.histogram2d",
    "np.histogramdd",
    "np.average",
    "np.cov",
    "np.corrcoef",
    "np.pad",
    "np.trim_zeros",
    "np.polydiv",
    "np.partition",
    "np.union1d",
    "np.intersect1d",
    "np.setdiff1d",
    "np.setxor1d",
    "np.choose",
    "np.piecewise",
    "np.compress",
    "np.extract",
    "np.put",
}
MAY_REFUSE = (
    "scipy",
    "scimath",
    "unique",
    "interp",
    "poly",
    "eig",
    "real_if_close",
    "roots",
    "matrix_rank",
    "bincount",
)
ROWS = [(function, case) for function in DIFFERENTIABLE for case in CASES.get(function, [])]
SAMPLED = random.Random(7).sample(range(len(ROWS)), min(300, len(ROWS)))


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("part", range(4))
def test_rows_of_the_table_traced_and_run_on_other_arrays(part):
    """Forward and gradient; what is refused is of the functions that need values."""
    exact = Counter()
    for k in SAMPLED[part::4]:
        function, case = ROWS[k]
        xs = operands(case)

        def f(*ts, function=function, case=case):
            return outputs(call(function, case, list(ts)))

        try:
            cs = cotangents([np.asarray(y.data) for y in f(*[ag.Tensor(x) for x in xs])])
            for g, args in ((f, tuple(xs)), (gradient_of(f), (xs, cs))):
                allowed = named(function) in REFUSED or any(part in named(function) for part in MAY_REFUSE)
                try:
                    program = ag.trace(g)(*args)
                except TraceError:
                    assert allowed, "refused"
                    continue
                for there in (xs, *others(xs, k)):
                    given = tuple(there) if g is f else (there, cs)
                    try:
                        expected = g(*map(ag.Tensor, there)) if g is f else g(*given)
                    except (ValueError, TypeError, AutogradError, np.linalg.LinAlgError):
                        continue  # outside of the domain
                    try:
                        exact[assert_same(program(*given), expected)] += 1
                    except TraceError:
                        assert allowed, "refused when it was called"
                        continue
                    assert_same(
                        program.run(dict(zip(program.inputs, [*there, *(cs if g is not f else [])], strict=True))),
                        expected,
                    )
        except Exception as error:
            error.add_note(f"in the row {named(function)}({case})")
            raise
    assert exact[True] > 0.98 * exact.total() > 0


@pytest.mark.parametrize("pool", [ALL, ANALYTIC], ids=["all", "analytic"])
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("part", range(2))
def test_random_programs_and_their_gradients_run_by_themselves(part, pool):
    counted = Counter()
    for seed in range(700 + 25 * part, 700 + 25 * (part + 1)):
        drawn_program, _ = draw(seed, pool, 10)
        try:
            check_drawn(drawn_program, seed, counted)
        except (Discard, AutogradError) as reason:
            if isinstance(reason, AutogradError) and not isinstance(reason, TraceError):
                if "another view of t is in use" not in str(reason):
                    raise
            counted[type(reason).__name__] += 1
        except Exception as error:
            error.add_note(f"the program of seed {seed}")
            raise
    assert counted["TraceError"] < 0.4 * 25, counted
    assert counted[True] > 0.9 * (counted[True] + counted[False]) > 0, counted


def check_drawn(program, seed, counted):
    leaves = [np.array(x) for x in program.leaves]
    outs = [k for k in program.lives[1] if k >= len(leaves)]
    if any(step.function in WRITES and step.args[0].value < len(leaves) for step in program.steps):
        raise Discard("writes into an argument")
    by_numpy(program)

    def f(*ts):
        values = run(program, ts)
        return [values[k] for k in outs if isinstance(values[k], ag.Tensor)]

    shown = [y for y in f(*map(ag.Tensor, leaves))]
    smooth = [i for i, y in enumerate(shown) if y.dtype.kind in "fc"]

    def g(arrays, cs):
        tensors = [ag.Tensor(x, requires_grad=True) if isinstance(x, np.ndarray) else x for x in arrays]
        _, pull = ag.vjp(lambda *ts: [f(*ts)[i] for i in smooth], *tensors)
        return list(pull(list(cs)))

    cs = cotangents([shown[i].data for i in smooth])
    for function, args in ((f, tuple(leaves)), (g, (leaves, cs))):
        if function is g and not smooth:
            continue
        traced = ag.trace(function)(*args)
        for there in (leaves, others(leaves, seed)[0]):
            given = tuple(there) if function is f else (there, cs)
            try:
                expected = f(*map(ag.Tensor, there)) if function is f else g(*given)
            except (ValueError, TypeError, IndexError, AutogradError, np.linalg.LinAlgError):
                continue
            counted[assert_same(stands_alone(traced, given), expected, 1e-10)] += 1
