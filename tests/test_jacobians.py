"""jacobian and hessian: shapes, trees, complex numbers, chunks, nesting, what cannot be done all at once."""

from collections import namedtuple

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors, jacobians

Point = namedtuple("Point", "x y")


@pytest.mark.parametrize("out", [(), (2,), (2, 3), (0,)])
@pytest.mark.parametrize("shape", [(), (3,), (2, 2), (0,), (1, 3)])
def test_shape_is_that_of_the_result_and_that_of_the_argument(out, shape, rng):
    a = rng.normal(size=(*out, *shape))
    x = rng.normal(size=shape)
    axes = tuple(range(len(out), len(out) + len(shape)))
    j = ag.jacobian(lambda x: np.sum(a * np.sin(x), axis=axes))(x)
    assert (type(j), j.dtype, j.flags.writeable) == (np.ndarray, np.float64, True)
    np.testing.assert_allclose(j, a * np.cos(x), rtol=1e-14)


def test_of_an_affine_map_and_of_the_identity(rng):
    a = rng.normal(size=(4, 3))
    np.testing.assert_array_equal(ag.jacobian(lambda x: a @ x + 1)(np.ones(3)), a)
    np.testing.assert_array_equal(ag.jacobian(lambda x: x)(np.ones(3)), np.eye(3))
    j = ag.jacobian(lambda x: x)(x := np.ones((2, 2)))
    j += 1
    assert x.tolist() == [[1, 1], [1, 1]]


def test_zeros_where_nothing_depends():
    j = ag.jacobian(lambda x: (np.ones(2), 3, x * 0 + 1, np.argmax(x)))(np.ones(3, np.float32))
    assert [a.shape for a in j] == [(2, 3), (3,), (3, 3), (3,)]
    assert all(a.dtype == np.float32 and not a.any() for a in j)


def test_trees():
    def f(p, s, *, k):
        return {"a": p["w"] @ p["b"].x * k, "list": [p["b"].y * s, Point(np.sum(s), None)]}

    p = {"w": np.ones((2, 3)), "b": Point(np.arange(3.0), 5.0)}
    j = ag.jacobian(f)(p, np.ones(4), k=2)
    assert (type(j["list"][1]), type(j["a"]["b"]), j["list"][1].y) == (Point, Point, None)
    assert (j["a"]["w"].shape, j["a"]["b"].x.shape, j["a"]["b"].y.shape) == ((2, 2, 3), (2, 3), (2,))
    np.testing.assert_array_equal(j["a"]["b"].x, np.full((2, 3), 2))
    np.testing.assert_array_equal(j["list"][0]["b"].y, np.ones(4))
    both = ag.jacobian(f, (1, 0))(p, np.ones(4), k=2)
    np.testing.assert_array_equal(both["list"][0][0], 5 * np.eye(4))
    np.testing.assert_array_equal(both["list"][0][1]["b"].y, np.ones(4))


def test_argnums():
    def f(a, b):
        return a * b

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    np.testing.assert_array_equal(ag.jacobian(f, 1)(a, b), np.diag(a))
    np.testing.assert_array_equal(ag.jacobian(f, (0, -1))(a, b), [np.diag(b), np.diag(a)])
    for bad in (2, (0, 2)):
        with pytest.raises(TypeError, match="argnums=2"):
            ag.jacobian(f, bad)(a, b)


def test_mixed_dtypes_give_each_its_own():
    a, b = ag.jacobian(lambda a, b: a * b, (0, 1))(np.ones(2, np.float32), np.ones(2))
    assert (a.dtype, b.dtype) == (np.float32, np.float64)


# --- complex numbers ----------------------------------------------------------------------------------------


def test_of_a_holomorphic_function(rng):
    z = rng.normal(size=3) + 1j * rng.normal(size=3)
    a = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
    j = ag.jacobian(lambda z: np.exp(a @ z), holomorphic=True)(z)
    np.testing.assert_allclose(j, np.exp(a @ z)[:, None] * a, rtol=1e-13)
    v = rng.normal(size=3) + 1j
    np.testing.assert_allclose(ag.jvp(lambda z: np.exp(a @ z), (z,), (v,))[1], j @ v, rtol=1e-13)


def test_of_a_complex_result_of_real_arguments(rng):
    a = rng.normal(size=(2, 3)) + 1j * rng.normal(size=(2, 3))
    x = rng.normal(size=3)
    j = ag.jacobian(lambda x: np.exp(a @ x))(x)
    np.testing.assert_allclose(j, np.exp(a @ x)[:, None] * a, rtol=1e-13)
    loops = ag.jacobian(lambda x: np.conjugate(x[0] * 1j))(x)
    np.testing.assert_array_equal(loops, [-1j, 0, 0])


@pytest.mark.parametrize(
    ("f", "x", "holomorphic", "words"),
    [
        (np.exp, np.ones(2) * 1j, False, r"argument 0 is complex128.*holomorphic=True"),
        (lambda p: p["z"], {"z": np.ones(2) * 1j}, False, r"argument 0\['z'\]"),
        (np.exp, np.ones(2), True, r"needs complex arguments; argument 0 is float64"),
        (np.abs, np.ones(2) * 1j, True, r"needs complex results"),
        (np.exp, np.ones(2, int), False, r"jacobian needs real or complex arguments; argument 0 has dtype int"),
        (lambda _x: "text", np.ones(2), False, r"a str.*`return`"),
    ],
)
def test_says_what_is_wrong(f, x, holomorphic, words):
    with pytest.raises(errors.DTypeError, match=words):
        ag.jacobian(f, holomorphic=holomorphic)(x)


def test_an_error_of_a_single_row_does_not_speak_of_batches():
    """Rows that cannot be swept together are swept one by one; what fails then fails for a reason of its own."""

    @ag.primitive
    def own(x):
        return x * 2

    def rule(_g, _y, _x):
        raise KeyError("mine")

    ag.defvjp(own, rule)
    with pytest.raises(KeyError, match="mine") as caught:
        ag.jacobian(own)(np.ones(3))
    assert caught.value.__context__ is None


# --- hessian ------------------------------------------------------------------------------------------------


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_hessian_of_rosenbrock(rng):
    x = rng.normal(size=6)
    d = np.zeros((6, 6))
    i = np.arange(5)
    d[i, i] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    d[i + 1, i + 1] += 200
    d[i, i + 1] = d[i + 1, i] = -400 * x[:-1]
    np.testing.assert_allclose(ag.hessian(rosenbrock)(x), d, rtol=1e-12)


def test_hessian_of_trees_and_arguments(rng):
    a, b = rng.normal(size=(2, 3)), rng.normal(size=3)

    def f(a, p):
        return np.sum(np.tanh(a @ p["b"]) * p["s"])

    h = ag.hessian(f, (0, 1))(a, {"b": b, "s": 2.0})
    assert (h[0][0].shape, h[0][1]["b"].shape, h[1]["b"][0].shape) == ((2, 3, 2, 3), (2, 3, 3), (3, 2, 3))
    assert h[1]["s"][1]["s"].shape == ()
    np.testing.assert_allclose(h[0][1]["b"], np.moveaxis(h[1]["b"][0], 0, -1), rtol=1e-12)
    np.testing.assert_allclose(h[1]["s"][1]["b"], ag.grad(lambda b: f(a, {"b": b, "s": 1.0}))(b), rtol=1e-12)


def test_hessian_needs_a_real_scalar():
    with pytest.raises(errors.ShapeError, match="scalar"):
        ag.hessian(np.sin)(np.ones(2))
    with pytest.raises(errors.DTypeError, match="complex128"):
        ag.hessian(lambda z: np.sum(np.abs(z)))(np.ones(2) * 1j)


# --- nesting ------------------------------------------------------------------------------------------------


def test_differentiated_again(rng):
    a, x, v = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(3, 2))

    def f(x):
        return np.tanh(a @ x)

    second = ag.jacobian(ag.jacobian(f))(x)
    y = f(x)
    np.testing.assert_allclose(second, np.einsum("i,ij,ik->ijk", -2 * y * (1 - y**2), a, a), rtol=1e-12)
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(v * ag.jacobian(f)(x)))(x), np.einsum("ij,ijk", v, second))
    np.testing.assert_allclose(ag.jvp(ag.jacobian(f), (x,), (x,))[1], second @ x, rtol=1e-12)


def test_closure_over_a_parameter_gives_tensors_that_can_be_differentiated(rng):
    w, x = ag.Tensor(rng.normal(size=(3, 2)), requires_grad=True), rng.normal(size=2)

    def f(x):
        return np.sin(w @ x) * x[0]

    j = ag.jacobian(f)(x)
    assert isinstance(j, ag.Tensor)
    np.sum(j * j).backward()
    data = w.data.copy()

    def total(w):
        j = np.cos(w @ x)[:, None] * w * x[0] + np.sin(w @ x)[:, None] * np.array([1, 0])
        return np.sum(j * j)

    np.testing.assert_allclose(w.grad, ag.grad(total)(data), rtol=1e-12)
    with ag.no_grad():
        assert type(ag.jacobian(f)(x)) is np.ndarray


def test_log_determinant_of_a_flow(rng):
    """A Jacobian inside a loss: its determinant, differentiated by the parameters."""
    x, w = rng.normal(size=2), np.array([[2.0, 0.3], [0.1, 1.5]])

    def loss(w):
        j = ag.jacobian(lambda x: np.sinh(w @ x))(x)
        return np.log(j[0, 0] * j[1, 1] - j[0, 1] * j[1, 0])

    h, k = 1e-6, np.zeros((2, 2))
    for i in np.ndindex(2, 2):
        e = np.zeros((2, 2))
        e[i] = h
        k[i] = (loss(w + e) - loss(w - e)) / (2 * h)
    np.testing.assert_allclose(ag.grad(loss)(w), k, rtol=1e-6)


# --- how it is done -----------------------------------------------------------------------------------------


def test_rows_in_chunks(monkeypatch, rng):
    a, x = rng.normal(size=(7, 3)), rng.normal(size=3)

    def f(x):
        return np.tanh(a @ np.outer(x, x)).ravel()

    whole = ag.jacobian(f)(x)
    sizes = []
    batch = jacobians._batch
    monkeypatch.setattr(jacobians, "_batch", lambda p, n, rows, u: sizes.append(len(rows)) or batch(p, n, rows, u))
    for entries, expected in ((21 * 5, [5, 5, 5, 5, 1]), (1, [1] * 21), (21 * 21, [21])):
        sizes.clear()
        monkeypatch.setattr(jacobians, "ENTRIES", entries)
        np.testing.assert_allclose(ag.jacobian(f)(x), whole, rtol=1e-14)
        assert sizes == expected


def test_memory_is_bounded(rng):
    tracemalloc = pytest.importorskip("tracemalloc")
    x = rng.normal(size=300)

    def f(x):
        return np.sum(np.sin(x[:, None] * x), 1)  # 90,000 entries inside, 300 rows: 216 MB if all were swept together

    ag.jacobian(f)(x[:5])
    tracemalloc.start()
    ag.jacobian(f)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 8 * jacobians.ENTRIES


def test_a_rule_that_cannot_take_a_batch_goes_row_by_row(rng):
    @ag.primitive
    def cubed(x):
        return x**3

    seen = []

    def rule(g, _y, x):
        seen.append(type(g))
        return np.asarray(g) * 3 * x * x  # NumPy would make an array of it, and so does this rule

    ag.defvjp(cubed, rule)
    x = rng.normal(size=4)
    np.testing.assert_allclose(ag.jacobian(cubed)(x), np.diag(3 * x * x), rtol=1e-14)
    assert seen[1:] == [np.ndarray] * 4


def test_a_primitive_without_a_batching_rule_goes_element_by_element(rng):
    @ag.primitive
    def reversed_sum(x):
        return np.array([sum(x[i:].tolist()) for i in range(len(x))])

    @ag.primitive
    def back(g):
        return np.array([sum(g[: i + 1].tolist()) for i in range(len(g))])

    ag.defvjp(reversed_sum, lambda g, _y, _x: back(g))
    ag.defvjp(back, lambda g, _y, _g: reversed_sum(g))
    x = rng.normal(size=4)
    np.testing.assert_array_equal(ag.jacobian(reversed_sum)(x), np.triu(np.ones((4, 4))))
    np.testing.assert_allclose(
        ag.hessian(lambda x: np.sum(reversed_sum(x) ** 2) / 2)(x), np.tril(np.ones((4, 4))) @ np.triu(np.ones((4, 4)))
    )


def test_is_not_slower_than_a_few_sweeps(rng):
    """The point of batching: the number of calls of a rule does not grow with the number of rows."""
    calls = []

    @ag.primitive
    def same(x):
        return x * 1

    ag.defvjp(same, lambda g, _y, _x: calls.append(1) or g)
    ag.jacobian(lambda x: np.sin(same(x)))(rng.normal(size=50))
    assert len(calls) == 1


@pytest.mark.parametrize("after", [lambda y: y, lambda y: y**2, np.cumsum])
def test_a_rule_that_makes_tensors_goes_row_by_row(after):
    c = np.array([1.0, 2.0, 3.0])

    @ag.primitive
    def scaled(x):
        return x * c

    ag.defvjp(scaled, lambda g, _y, _x: ag.Tensor(c) * g)
    x = np.array([0.5, -1.0, 2.0])
    found = ag.jacobian(lambda x: after(scaled(x)))(x)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, ag.jacobian(lambda x: after(x * c))(x))
    found = ag.hessian(lambda x: np.sum(after(scaled(x)) ** 2))(x)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, ag.hessian(lambda x: np.sum(after(x * c) ** 2))(x))


@pytest.mark.parametrize("where", ["input", "inside", "output"])
def test_a_hook_never_sees_a_batch(where):
    seen = []

    def f(x):
        y = np.sin(x)
        z = y * x
        {"input": x, "inside": y, "output": z}[where].register_hook(lambda g: seen.append((type(g), g.shape)))
        return z

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(ag.jacobian(f)(x), np.diag(np.cos(x) * x + np.sin(x)))
    assert seen == [(np.ndarray, (3,))] * 3


def test_of_no_arrays_at_all():
    w = ag.Tensor(2.0, requires_grad=True)
    assert ag.jacobian(lambda _p: w * 2)({}) == {}
    assert ag.jacobian(lambda _p: w * np.ones(3))({}) == {}
