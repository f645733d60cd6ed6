"""gradcheck names the rule, the operand and the mistake: each is planted, in several functions and shapes."""

import re

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.graph import toposort
from autograd_mini.measure import call_of, suspects
from autograd_mini.recording import keep

from .makers import rule

rng = np.random.default_rng(7)
A, B, S, T = (rng.uniform(0.4, 1.6, shape) * rng.choice([-1, 1], shape) for shape in ((3, 4), (4, 2), (3, 3), (3, 3)))
V, W, U = A[0], A[1], rng.uniform(0.4, 1.6, (2, 3, 4))
P = np.abs(A)
Z = A[0] + 1j * A[1]


pytestmark = pytest.mark.usefixtures("table_is_left_as_found")


def message(f, *inputs, **kwargs):
    with pytest.raises(errors.GradcheckError) as caught:
        ag.gradcheck(f, *inputs, **kwargs)
    text = str(caught.value)
    assert len(text.splitlines()) <= 10
    return text


def verdict(text):
    """The sentence after the name of the wrong rule; the other sentences that would also hold are cut off."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("  wrong rule: "))
    return lines[at].removeprefix("  wrong rule: "), lines[at + 1].strip()


def accused(f, *inputs, **kwargs):
    where, what = verdict(message(f, *inputs, **kwargs))
    return re.sub(r"(tests\.)?test_diagnose\.", "", where.split(", shape")[0]), what


# --- functions to get wrong ---------------------------------------------------------------------------------------


def exp(x):
    return np.exp(x)


def tanh(x):
    return np.tanh(x)


def square(x):
    return x * x


def log2(x):
    return np.log2(x)


def product(a, b):
    return a @ b


def times(a, b):
    return a * b


def plus(a, b):
    return a + b


def minus(a, b):
    return a - b


def divided(a, b):
    return a / b


def total(x, axis=None):
    return np.sum(x, axis=axis)


def average(x, axis=None):
    return np.mean(x, axis=axis)


def running(x, axis=0):
    return np.cumsum(x, axis=axis)


def running_down(x):
    return np.cumsum(x, axis=0)


def turned(x):
    return np.transpose(x) * 1


def flipped(x):
    return np.flip(x, 0) * 1


def softmax(x, axis=-1):
    e = np.exp(x)
    return e / np.sum(e, axis=axis, keepdims=True)


def picked(x):
    return x[np.array([0, 0, 2, 2, 1])]


def stacked(arrays):
    return np.stack(arrays)


def joined(arrays):
    return np.concatenate(arrays)


def relu(x):
    return np.maximum(x, 0)


def inner(x):
    return np.sin(x**2)


def twice(x):
    return x * np.sin(x)


def lse(x):
    return np.log(np.sum(np.exp(x), 1))


def csquare(z):
    return z * z


def cexp(z):
    return np.exp(z)


def spread(g, x, axis):
    return np.broadcast_to(g if axis is None else np.expand_dims(g, axis), x.shape)


PLANTED = [
    # a factor
    ("factor", square, [lambda g, _y, x: g * x], [A], "x", r"same factor, 0\.5"),
    ("factor", square, [lambda g, _y, x: 4 * g * x], [V], "x", r"same factor, 2 "),
    ("factor", log2, [lambda g, _y, x: g / x], [P], "x", r"same factor, 0\.693147 = ln 2 "),
    ("factor", total, [lambda g, _y, _x, *, axis=None: spread(g, _x, axis) / 12],
     [A], "x", "12 entries.*should be a sum"),
    ("factor", average, [lambda g, _y, _x, *, axis=None: 1 * spread(g, _x, axis)],
     [U], "x", "24 entries.*should be a mean"),
    ("factor", plus, [lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: np.mean(g, 0)],
     [A, V], "b", "broadcast 3 times.*be a sum"),
    # a sign
    ("sign", np.cos, [lambda g, _y, x: g * np.sin(x)], [A], "x", "sign is wrong"),
    ("sign", minus, [lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g], [S, T], "b", "sign is wrong"),
    ("sign", divided, [lambda g, _y, _a, b: g / b, lambda g, _y, a, b: g * a / b**2], [A, P], "b", "sign is wrong"),
    # a transpose
    ("transpose", product, [lambda g, _y, _a, b: g @ b, lambda g, _y, a, _b: a.T @ g],
     [S, T], "a", "its b is transposed"),
    ("transpose", product, [lambda g, _y, _a, b: g @ b.T, lambda g, _y, a, _b: a @ g],
     [S, T], "b", "its a is transposed"),
    ("transpose", turned, [lambda g, _y, _x: g], [S], "x", r"wrong places: transposed \(\.T\)"),
    ("transpose", product, [lambda g, _y, _a, b: b.T @ g, lambda g, _y, a, _b: a.T @ g],
     [S, T], "a", "factors in the wrong order"),
    # broadcasting
    ("broadcast", plus, [lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g[0]],
     [A, V], "b", "along axis 0.*first entry is picked"),
    ("broadcast", times, [lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: (g * a)[-1]],
     [A, V], "b", "along axis 0.*last entry"),
    ("broadcast", times, [lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: (g * a)[0, 0]],
     [U, V], "b", r"along axis \(0, 1\).*first"),
    ("broadcast", times, [lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: (g * a).sum(1)],
     [S, T[0]], "b", "sum runs over axis 1"),
    ("broadcast", times, [lambda g, _y, _a, b: g * b, lambda g, _y, a, _b: (g * a).sum(0)[0]],
     [U, V], "b", "only axis 0 is summed"),
    ("broadcast", plus, [lambda g, _y, _a, _b: g, lambda g, _y, _a, _b: g[:, :1]],
     [A, A[:, :1]], "b", "along axis 1.*first"),
    # an accumulation
    ("uses", picked, [lambda g, _y, _x: np.stack([g[1], g[4], g[3]])], [A], "x", "only the last is counted.*np.add.at"),
    ("uses", picked, [lambda g, _y, _x: np.stack([g[0], g[4], g[2]])], [S], "x", "only the first is counted"),
    ("uses", twice, [lambda g, _y, x: g * np.sin(x)],
     [A], "x", "own code, the term through operand b of np.multiply is missing"),
    ("uses", twice, [lambda g, _y, x: g * x * np.cos(x)],
     [V], "x", "own code, the term through operand a of np.multiply is missing"),
    ("uses", softmax, [lambda g, y, _x, *, axis=-1: g * y],
     [A], "x", "own code, the term through operand b of np.divide is missing"),
    # an axis, an order
    ("axis", running_down, [lambda g, _y, _x: np.flip(np.cumsum(np.flip(g, 1), 1), 1)], [A], "x", "a wrong axis"),
    ("axis", running, [lambda g, _y, _x, *, axis=0: np.flip(np.cumsum(np.flip(g, 1), 1), 1)],
     [S], "x", "for axis=1, not for axis=0: a wrong axis"),
    ("axis", flipped, [lambda g, _y, _x: np.flip(g, 1)], [A], "x", "wrong axis|wrong places: reversed"),
    ("axis", total, [lambda g, _y, _x, *, axis=0: np.broadcast_to(g[:, None], _x.shape)], [S], "x", "axis"),
    ("order", running_down, [lambda g, _y, _x: np.cumsum(g, 0)], [A], "x", "pushes forward"),
    ("order", flipped, [lambda g, _y, _x: g], [V], "x", "wrong places: reversed"),
    ("order", lambda x: np.roll(x, 1), [lambda g, _y, _x: np.roll(g, 1)], [V], "x", "pushes forward|rolled"),
    # the cotangent, the local derivative
    ("g", exp, [lambda g, y, _x: y], [A], "x", "drops its g"),
    ("g", times, [lambda g, _y, _a, b: b * 1, lambda g, _y, a, _b: g * a], [A, P], "a", "drops its g"),
    ("g", total, [lambda g, _y, _x, *, axis=None: np.ones(_x.shape)], [U], "x", "drops its g"),
    ("g", exp, [lambda g, y, _x: g * g * y], [A], "x", r"uses g\*g for g"),
    ("local", tanh, [lambda g, _y, _x: g], [A], "x", "local derivative is missing"),
    ("local", times, [lambda g, _y, _a, _b: g, lambda g, _y, a, _b: g * a], [U, V], "a", "local derivative is missing"),
    ("local", inner, [lambda g, _y, x: g * np.cos(x**2)], [A], "x", "operand a of np.power lacks its local derivative"),
    ("local", lambda x: np.tanh(3 * x), [lambda g, y, _x: g * (1 - y * y)], [A], "x", r"same factor, 0\.333333 = 1/3"),
    # the wrong place
    ("place", tanh, [lambda g, y, _x: g * (1 - np.tanh(y) ** 2)], [A], "x", r"taken at y, not at x"),
    ("place", tanh, [lambda g, _y, x: g * (1 - x * x)], [V], "x", "once y is put in place of x"),
    ("place", exp, [lambda g, _y, x: g * x], [A], "x", "once y is put in place of x"),
    ("place", square, [lambda g, y, _x: g * 2 * y], [A], "x", "taken at y, not at x"),
    ("place", times, [lambda g, _y, a, _b: g * a, lambda g, _y, a, _b: g * a],
     [S, T], "a", "cotangent of operand b, not of a"),
    ("place", divided, [lambda g, _y, _a, b: g / b, lambda g, y, _a, b: -g * y], [A, P], "b", r"numeric \* b "),
    # zeros and masks
    ("zero", times, [lambda g, _y, _a, b: 0 * g * b, lambda g, _y, a, _b: g * a],
     [A, P], "a", "gives 0 where f varies"),
    ("mask", relu, [lambda g, _y, _x: g], [A], "x", "f does not vary there, yet a cotangent arrives"),
    ("mask", exp, [lambda g, y, _x: g * y * (np.arange(4) > 0)], [A], "x", "Nothing arrives at 3 of 12 entries"),
    ("mixed", lse, [lambda g, y, x: np.exp(x - y[:, None]) * g[0]], [A], "x", "if all entries of g are equal"),
    ("mixed", lse, [lambda g, y, x: np.exp(x - y[:, None]) * g], [S], "x", "if all entries of g are equal"),
    # complex
    ("conjugate", csquare, [lambda g, _y, z: g * 2 * np.conjugate(z)], [Z], "z", "its z is conjugated"),
    ("conjugate", csquare, [lambda g, _y, z: np.conjugate(g) * 2 * z], [Z], "z", "its g is conjugated"),
    ("conjugate", cexp, [lambda g, y, _z: np.conjugate(g * y)], [Z.reshape(2, 2)], "z", "result is conjugated"),
    ("conjugate", cexp, [lambda g, y, _z: g * np.conjugate(y)], [Z], "z", "its (z|y) is conjugated"),
    ("conjugate", csquare, [lambda g, _y, z: 3 * g * z], [Z], "z", r"same factor, 1\.5 = 3/2"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "vjps", "inputs", "operand", "pattern"),
    [row[1:] for row in PLANTED],
    ids=[f"{row[0]}-{row[1].__name__}-{n}" for n, row in enumerate(PLANTED)],
)
def test_the_planted_mistake_is_named(function, vjps, inputs, operand, pattern):
    kwargs = {"axis": 0} if pattern == "axis" else {}
    f = rule(function, *vjps)
    where, what = accused(lambda *xs: f(*xs, **kwargs), *inputs)
    assert where.endswith(f", operand {operand}")
    assert re.search(pattern, what), what


@pytest.mark.parametrize("n", [0, 7, 13, 28, 35])
def test_it_is_found_in_the_middle_of_a_program(n):
    _, function, vjps, inputs, operand, pattern = PLANTED[n]
    f = rule(function, *vjps)
    where, what = accused(lambda *xs: np.sum(np.tanh(f(*[x * 0.5 for x in xs])) ** 2), *inputs)
    assert where.endswith(f"operand {operand}")
    assert re.search(pattern, what), what


def test_it_is_found_below_the_first_order():
    f = rule(exp, lambda g, y, _x: 2 * g * y)
    assert "same factor, 2" in accused(f, A, order=2)[1]


def test_one_operand_of_a_sequence():
    f = rule(joined, each=lambda i, g, _y, *arrays: g[:3] if i == 0 else 2 * g[3:])
    where, what = accused(lambda a, b: f([a, b]), A, A + 1)
    assert where == "joined, operand arrays (number 1)"
    assert "same factor, 2" in what


@pytest.mark.parametrize(
    "each",
    [
        lambda i, g, _y, *arrays: g[[z is arrays[i] for z in arrays].index(True)],
        lambda i, g, _y, *arrays: 0 * g[i] if any(z is arrays[i] for z in arrays[:i]) else g[i],
    ],
)
@pytest.mark.parametrize("x", [A, V])
def test_the_same_operand_twice_is_counted_once(each, x):
    f, weights = rule(stacked, each=each), rng.normal(size=(2, *x.shape))
    where, what = accused(lambda a: np.sum(f([a, a]) * weights), x)
    assert where == "stacked, operand arrays (number 1)"
    assert "counts it once: with copies it agrees" in what


@pytest.mark.parametrize(
    ("vjp", "inputs", "repair"),
    [
        (lambda g, _y, a, _b: g * a, [A, V], "Summed over axis 0,"),
        (lambda g, _y, a, _b: g * a, [U, V], r"Summed over axis \(0, 1\)"),
        (lambda g, _y, a, _b: g * a, [A, A[:, :1]], r"Summed over axis 1 \(keepdims=True\)"),
        (lambda g, _y, a, _b: np.sum(g * a, 1), [A, A[:, :1]], "With a new axis 1|Reshaped"),
        (lambda g, _y, a, _b: (g * a).T, [A, P], r"Transposed \(\.T\)"),
        (lambda g, _y, a, _b: (g * a)[:2], [A, P], "no sum, transpose or reshape of that is right"),
    ],
)
def test_a_wrong_shape_is_mended(vjp, inputs, repair):
    f = rule(times, lambda g, _y, _a, b: g * b, vjp)
    where, what = accused(f, *inputs)
    assert where == "times, operand b"
    assert re.search(repair, what), what


def test_two_mistakes_in_one_rule_are_both_named():
    f = rule(product, lambda g, _y, _a, b: 2 * g @ b, lambda g, _y, a, _b: a.T @ g)
    assert re.search("Two mistakes at once: .*its b is transposed; .*same factor, 2 ", accused(f, S, T)[1])


def test_two_wrong_rules_are_both_named():
    e, t = rule(exp, lambda g, y, _x: 2 * g * y), rule(tanh, lambda g, y, _x: -g * (1 - y * y))
    text = message(lambda x: e(t(x)), A)
    assert "tanh, operand x" in verdict(text)[0]
    assert "sign is wrong" in verdict(text)[1]
    assert re.search(r"Wrong by themselves too: \S*test_diagnose.exp \(operand x\)\.", text)


@pytest.mark.parametrize(
    "vjp",
    [
        lambda g, _y, x: 0.3 * g * np.cosh(x),
        lambda g, y, x: g * (1 - y * y) + 0.1 * g * x,
        lambda g, y, _x: g * (1 - y * y) * np.linspace(1, 2, 4),
        lambda g, y, _x: g * (1 - y * y) * np.where(np.arange(12).reshape(3, 4) % 5 == 0, -3, 0.7),
    ],
)
def test_what_fits_no_hypothesis_is_not_explained(vjp):
    where, what = accused(rule(tanh, vjp), A)
    assert where == "tanh, operand x"
    assert "No mistake that gradcheck knows" in message(rule(lambda x: np.tanh(x), vjp), A)
    assert "same factor" not in what


def test_a_single_wrong_entry_has_its_index():
    mask = np.ones((3, 4))
    mask[1, 2] = 1.1
    text = message(rule(tanh, lambda g, y, _x: g * (1 - y * y) * mask), A)
    assert "Wrong at index (1, 2): 1 of 12 measured entries" in text


def test_a_single_wrong_entry_among_thousands_has_its_index():
    x, mask = np.linspace(0.5, 1.5, 3000).reshape(60, 50), np.ones((60, 50))
    mask[17, 33] = 1.01
    text = message(lambda x: np.sum(rule(square, lambda g, _y, x: g * 2 * x * mask)(x)), x)
    assert "Wrong at index (17, 33): 1 of " in text


def test_a_term_without_g_is_told():
    assert "term without g" in message(rule(tanh, lambda g, y, x: g * (1 - y * y) + x), A)


def test_a_rule_that_fails_at_this_very_point():
    text = message(rule(lambda x: np.prod(x), lambda g, y, x: g * y / x), np.array([0.0, 1.0, 2.0]))
    assert "0/0" in text
    assert "nearby the rule is right: it fails at this very point, where some of its entries are 0" in text


# --- between the rules --------------------------------------------------------------------------------------------


def data(x):
    return x.data if isinstance(x, ag.Tensor) else x


def without_gradient(x):
    with ag.no_grad():
        return np.max(x)


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (lambda x: x * x * data(x), "np.multiply got its operand b, shape (3, 4)"),
        (lambda x: x - np.mean(data(x)), "np.subtract got its operand b, shape ()"),
        (lambda x: np.exp(x - without_gradient(x)), "np.subtract got its operand b, shape ()"),
        (lambda x: np.sum(np.tanh(x) @ np.transpose(data(x))), "np.matmul got its operand b, shape (4, 3)"),
    ],
)
def test_a_value_that_left_the_graph_is_named(f, name):
    text = message(f, A)
    assert f"A value left the graph: {name}, as a constant, and it varies. With its term" in text
    assert "wrong rule" not in text


def test_under_debug_the_diagnosis_is_the_same():
    wrong = rule(exp, lambda g, y, _x: 2 * g * y)
    for f in (lambda x: x * x * data(x), lambda x: wrong(np.tanh(x)), lambda x: (x * 1, data(x) * 2)):
        plain = message(f, A)
        with ag.debug():
            assert message(f, A) == plain
    with ag.debug():
        assert ag.gradcheck(lambda x: np.tanh(x) @ x.T, A, order=2)


def test_an_output_that_left_the_graph():
    assert "An output of f left the graph" in message(lambda x: (x * 1, data(x) * 2), A)


def test_a_value_written_to_after_it_was_recorded():
    def f(x):
        y = np.exp(x)
        z = np.sin(y)
        if isinstance(y, ag.Tensor):
            y.data[...] = 0
        return z

    assert "written to after it had been recorded: what np.exp gave" in message(f, A)


def test_a_hook_that_changes_a_cotangent():
    def f(x):
        y = np.exp(x)
        if isinstance(y, ag.Tensor) and y.requires_grad:
            y.register_hook(lambda g: 2 * g)
        return y * x

    assert "there is a hook on np.exp" in message(f, A)


@pytest.mark.parametrize(
    ("function", "vjp"),
    [
        (lambda x: x**3, lambda g, _y, x: g * 3 * data(x) ** 2),
        (lambda x: x**3, lambda g, _y, x: g * 3 * data(x) * x),
        (lambda x: np.exp(x), lambda g, y, _x: g * data(y)),
    ],
)
@pytest.mark.parametrize("around", [lambda y: y, lambda y: np.sum(np.tanh(y) ** 2)])
def test_a_rule_that_detaches_is_named_at_second_order(function, vjp, around):
    f = rule(function, vjp)
    assert ag.gradcheck(f, A)
    text = message(lambda x: around(f(x)), A, order=2)
    assert re.search(r"wrong rule: \S*<lambda>, operand x", text)
    assert "A value left the graph" in text


# --- what is right is not accused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "x", "name", "where"),
    [
        (lambda x: relu_right(x - 1), np.array([1.0, 2.0, 0.5]), "relu", "at index (0,) (value 0)"),
        (lambda x: np.sum(relu_right(x) * V), np.array([0.3, 1e-9, -0.5, 0.0]), "relu", "at index (3,) (value 0)"),
        (lambda x: first_of_max(x), np.array([2.0, 2.0, 0.5]), "peak", "at indices (0,), (1,)"),
        (lambda x: sloped(x), np.array([[0.0, 1.0]]), "magnitude", "at index (0, 0) (value 0)"),
        (lambda x: length(x), np.zeros(3), "norm", "at indices (0,), (1,), (2,)"),
    ],
)
def test_a_kink_is_called_a_kink(f, x, name, where):
    text = message(f, x)
    assert "wrong rule" not in text
    assert "kink" in text
    assert re.search(rf"at: \S*test_diagnose\.{name}, .*{re.escape(where)}", text), text


def relu_right(x):
    return rule(relu, lambda g, y, _x: g * (y > 0))(x)


def peak(x):
    return np.max(x)


def first_of_max(x):
    return rule(peak, lambda g, y, x: g * (np.cumsum(x == y) * (x == y) == 1))(x)


def magnitude(x):
    return np.abs(x)


def sloped(x):
    return rule(magnitude, lambda g, _y, x: g * np.where(x >= 0, 1.0, -1.0))(x)


def norm(x):
    return np.sqrt(np.sum(x * x))


def length(x):
    return rule(norm, lambda g, _y, x: g * np.ones(x.shape))(x)


def test_a_wrong_rule_beside_a_kink_is_called_wrong():
    f = rule(relu, lambda g, y, _x: 3 * g * (y > 0))
    assert "same factor, 3 (in all 3 measured entries" in accused(f, np.array([0.0, 1.0, 2.0, -1.0]))[1]


def test_noise_is_called_noise():
    text = message(rule(lambda x: np.round(np.sin(x), 7), lambda g, _y, x: g * np.cos(x)), A)
    assert "wrong rule" not in text
    assert "f may be noisy" in text


def test_a_branch_cut_is_not_a_wrong_rule():
    text = message(np.sqrt, np.array([-1.0 + 0j, 2.0 + 1j]))
    assert "wrong rule" not in text


def test_right_rules_beside_a_wrong_one_are_not_accused():
    e = rule(exp, lambda g, y, _x: 2 * g * y)
    text = message(lambda a, b: np.sum(softmax(np.tanh(a) @ b) * e(np.sin(a) @ b)), A, B)
    assert re.search(r"wrong rule: \S*test_diagnose.exp, operand x, shape \(3, 2\)", text)
    assert "too" not in text


RIGHT = [
    lambda x: np.sum(softmax(x)),
    lambda x: np.linalg.inv(x @ x.T + np.eye(3)),
    lambda x: np.concatenate([x, np.sort(x, 1), np.flip(x, 0)]),
    lambda x: np.einsum("ij,kj->ik", x, x),
    lambda x: x[[0, 0, 1], 1:] * np.max(x) + np.var(x, axis=0)[1:],
    lambda x: np.where(x > 0, x, np.exp(x)) / np.linalg.norm(x),
    lambda x: np.linalg.svd(x)[1] * np.linalg.slogdet(x @ x.T)[1],
    lambda x: np.fft.ifft(np.fft.fft(x) ** 2),
    lambda x: np.cumprod(x, 1) @ np.kron(np.eye(2), x[:2, :2]),
]


@pytest.mark.parametrize("n", range(len(RIGHT)))
def test_each_primitive_of_a_right_program_passes_by_itself(n):
    x = ag.Tensor(A, requires_grad=True)
    with keep():
        nodes = list(toposort({RIGHT[n](x).node}))
    assert not list(suspects(nodes, [x.node], np.random.default_rng(0)))
    measured = [node for node in nodes if node.rule is not None and call_of(node) is not None]
    assert len(measured) >= sum(node.rule is not None and not node.rule.name.endswith("_item") for node in nodes)


def test_a_function_that_raises_a_little_further_on_is_not_accused():
    def moody(x):
        if np.ndim(x) and np.max(np.abs(x - V)) > 0.02:
            raise ValueError("far away")
        return np.exp(x)

    text = message(rule(lambda x: moody(x), lambda g, y, _x: 2 * g * y), V)
    assert "same factor, 2" in text
    e = rule(exp, lambda g, y, _x: 2 * g * y)
    where, _ = accused(lambda x: e(rule(lambda z: moody(z), lambda g, y, _z: g * y)(x)), V)
    assert where == "exp, operand x"
