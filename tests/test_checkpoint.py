"""checkpoint: the same derivatives, with nothing kept; closures, trees, orders, side doors, functions that change."""

import copy
import tracemalloc
import weakref
from collections import namedtuple

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.graph import toposort

from .opaque import Box, objects_of

Point = namedtuple("Point", "x y")


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def plain(f):
    return f


def test_same_gradient_in_two_runs(rng):
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(np.exp(np.sin(x)))

    x = rng.normal(size=4)
    value, g = ag.value_and_grad(ag.checkpoint(f))(x)
    assert len(calls) == 2
    np.testing.assert_array_equal(g, ag.grad(f)(x))
    assert value == f(x)


def test_keeps_its_arguments_only():
    values = []

    def f(x):
        y = np.exp(x)
        values.append(weakref.ref(y.data))
        return np.sum(np.sin(y) * y)

    x = leaf(np.ones(5000))
    y = ag.checkpoint(f)(x)
    assert values[0]() is None
    y.backward()
    assert values[1]() is None
    np.testing.assert_allclose(x.grad, (np.cos(np.e) * np.e + np.sin(np.e)) * np.e, rtol=1e-12)


def test_memory_of_a_deep_chain():
    def block(x):
        for _ in range(10):
            x = np.sin(x * 1.01)
        return x

    def peak(block):
        x = leaf(np.ones(20_000))
        tracemalloc.start()
        y = x
        for _ in range(10):
            y = block(y)
        np.sum(y).backward()
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top, x.grad

    full, g = peak(block)
    less, h = peak(ag.checkpoint(block))
    np.testing.assert_array_equal(g, h)
    assert less < full / 2.5


def test_trees_keywords_and_what_is_constant(rng):
    def f(p, n, *, s):
        return {"a": p["w"] @ p["p"].x * s["k"], "rest": [p["p"].y, n, "text", None, np.ones(2)]}

    w, x, k = leaf(rng.normal(size=(2, 3))), leaf(rng.normal(size=3)), leaf(2.0)
    tree = {"w": w, "p": Point(x, ag.Tensor(5.0))}
    grads = []
    for c in (plain, ag.checkpoint):
        out = c(f)(tree, 7, s={"k": k})
        assert out["rest"][1:4] == [7, "text", None]
        assert not out["rest"][0].requires_grad and type(out["rest"][4]) is np.ndarray
        grads.append(ag.gradients(np.sum(np.sin(out["a"])), [w, x, k]))
    for a, b in zip(*grads, strict=True):
        np.testing.assert_array_equal(a, b)


def test_several_results_some_unused():
    f = ag.checkpoint(lambda x: (x * 2, np.exp(x), x))
    x = leaf(np.array([0.0, 1.0]))
    a, _, c = f(x)
    np.testing.assert_array_equal(ag.gradients([a, c], x, [np.ones(2), np.array([1.0, 10.0])]), [3, 12])


def test_the_same_tensor_returned_twice_and_argument_given_twice():
    x = leaf(3.0)
    a, b = ag.checkpoint(lambda x: (x * x,) * 2)(x)
    assert ag.gradients([a, b], x, [1.0, 10.0]) == 66
    assert ag.gradients(ag.checkpoint(lambda a, b: a * b)(x, x), x) == 6


def test_closed_over_parameters_get_their_gradients(rng):
    w, b = leaf(rng.normal(size=(3, 3))), leaf(rng.normal(size=3))
    x = rng.normal(size=3)
    found = []
    for c in (plain, ag.checkpoint):
        layer = c(lambda h: np.tanh(w @ h + b))
        np.sum(layer(layer(ag.Tensor(x)))).backward()  # no argument has a gradient
        found.append((w.grad, b.grad))
        w.zero_grad(), b.zero_grad()
    np.testing.assert_allclose(found[0][0], found[1][0], rtol=1e-14)
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-14)


def test_closed_over_results_are_not_counted_twice(rng):
    w, x = leaf(rng.normal(size=3)), rng.normal(size=3)
    h = np.sin(w)
    f = lambda x: h * w * x  # noqa: E731
    for outs in (lambda c: [c(f)(x)], lambda c: [c(f)(x), h]):
        seeds = [x] * len(outs(plain))
        a, b = (ag.gradients(outs(c), w, seeds) for c in (plain, ag.checkpoint))
        np.testing.assert_allclose(a, b, rtol=1e-14)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_higher_orders_nested_and_closed_over(order, rng):
    x = rng.normal(size=3)

    def function(c):
        inner = c(lambda y: np.sin(y) * y)
        outer = c(lambda y: inner(inner(y)) * inner(x0[0]) if (x0 := box) else y)
        box = []

        def f(x):
            box[:] = [x]
            return np.sum(outer(x * 2)) * np.sum(c(lambda y: y * x * x)(x))

        return f

    want, got = function(plain), function(ag.checkpoint)
    for _ in range(order):
        want, got = ag.jacobian(want), ag.jacobian(got)
    result = got(x)
    assert type(result) is np.ndarray
    np.testing.assert_allclose(result, want(x), rtol=1e-10)


def test_forward_mode_through_it(rng):
    x, v = rng.normal(size=3), rng.normal(size=3)

    def f(c):
        return lambda x: c(lambda y: np.exp(np.sin(y)) * x)(x)

    out, tangent = ag.jvp(f(ag.checkpoint), (x,), (v,))
    np.testing.assert_allclose(tangent, ag.jvp(f(plain), (x,), (v,))[1], rtol=1e-14)
    assert type(out) is type(tangent) is np.ndarray
    for mix in (
        lambda f: ag.jvp(ag.grad(lambda x: np.sum(f(x))), (x,), (v,))[1],
        lambda f: ag.grad(lambda x: np.sum(ag.jvp(f, (x,), (v,))[1]))(x),
        lambda f: ag.hvp(lambda x: np.sum(f(x)), x, v),
        lambda f: ag.ggnvp(f)(x, v),
    ):
        np.testing.assert_allclose(mix(f(ag.checkpoint)), mix(f(plain)), rtol=1e-12)


def test_complex_and_low_precision():
    z = np.array([1 + 2j, 0.5j])
    for c in (plain, ag.checkpoint):
        _, pullback = ag.vjp(c(lambda z: np.exp(z) * np.conjugate(z)), z)
        np.testing.assert_allclose(pullback(z)[0], np.exp(z) * np.conjugate(z) * z + np.conjugate(np.exp(z) * z))
    g = ag.grad(ag.checkpoint(lambda x: np.sum(np.exp(x))))(np.ones(2, np.float32))
    assert g.dtype == np.float32


def test_in_backward_with_freed_graphs_and_again():
    x = leaf(2.0)
    y = ag.checkpoint(lambda x: x**3)(x)
    for expected in (12, 24):
        y.backward()
        assert x.grad == expected
    y.backward(retain_graph=False)
    with pytest.raises(errors.GraphFreedError):
        y.backward()


def test_without_recording_it_is_the_function():
    f = ag.checkpoint(lambda x: (x, "text"))
    x = leaf(2.0)
    with ag.no_grad():
        assert f(x)[0] is x
    assert f(3.0) == (3.0, "text")
    assert f.__name__ == "<lambda>"


def test_gradient_wanted_of_some_operands_only():
    x, y = leaf(2.0), leaf(3.0)
    z = ag.checkpoint(lambda x, y: x * x * y)(x, y)
    for _ in range(2):
        assert ag.gradients(z, y) == 4
        assert ag.gradients(z, [x, y]) == (12, 4)
        assert ag.gradients(z, x) == 12


def test_random_numbers_inside_are_noticed(rng):
    dropout = ag.checkpoint(lambda x: x * (rng.random(x.shape) < 0.5))
    y = np.sum(dropout(leaf(np.ones(50))))
    with pytest.raises(errors.LostGradientError, match="random numbers"):
        y.backward()
    y = np.sum(ag.checkpoint(lambda x, mask: x * mask)(x := leaf(np.ones(50)), mask := rng.random(50) < 0.5))
    y.backward()
    np.testing.assert_array_equal(x.grad, mask)


def test_a_closed_over_variable_that_is_assigned_again_is_noticed():
    w = leaf(2.0)
    y = ag.checkpoint(lambda x: w * x)(leaf(3.0))
    w = leaf(2.0)
    with pytest.raises(errors.LostGradientError, match=r"other Tensors.*argument"):
        y.backward()


def test_an_array_that_is_changed_is_noticed():
    a = np.ones(3)
    y = np.sum(ag.checkpoint(lambda x: np.exp(x * a))(leaf(np.ones(3))))
    a *= 2
    with pytest.raises(errors.LostGradientError, match="changed since"):
        y.backward()


@pytest.mark.parametrize("which", [0, 1])
def test_leaves_that_are_written_to_are_noticed(which):
    x, w = leaf(np.ones(3), name="x"), leaf(np.ones(3), name="w")
    y = np.sum(ag.checkpoint(lambda x: np.exp(x * w))(x))
    (x, w)[which].data = np.zeros(3)
    with pytest.raises(errors.OverwrittenError, match="written to"):
        y.backward()


def test_a_leaf_made_inside_is_refused():
    with pytest.raises(errors.LostGradientError, match="leaf of its own"):
        ag.checkpoint(lambda x: x * leaf(2.0))(leaf(3.0))


def test_a_gradient_taken_inside():
    f = ag.checkpoint(lambda x: ag.grad(lambda y: y**3 * x)(x))
    assert ag.grad(f)(2.0) == 9 * 4
    assert ag.grad(ag.grad(f))(2.0) == 18 * 2


def test_an_exception_in_the_sweep_leaves_things_clean():
    fail = []

    def f(x):
        if fail:
            raise KeyError("mine")
        return x * x

    x = leaf(3.0)
    y = ag.checkpoint(f)(x)
    fail.append(1)
    with pytest.raises(KeyError, match="mine"):
        y.backward()
    assert x.grad is None
    fail.clear()
    y.backward()
    assert x.grad == 6


# --- what leaves the function otherwise than in a tree of results -------------------------------------------


@pytest.mark.parametrize(
    ("pack", "unpack"),
    [
        (Box, lambda box: box.inside),
        (lambda y: lambda: y, lambda closure: closure()),
        (lambda y: (y * k for k in (1,)), lambda generator: sum(generator)),
        (lambda y: {y}, lambda several: several.pop()),
        (objects_of, lambda objects: objects[0]),
    ],
)
@pytest.mark.parametrize("order", [1, 2])
def test_tensors_inside_an_object_keep_their_gradient(pack, unpack, order):
    def function(c):
        f = lambda x: np.sum(unpack(c(lambda x: pack(np.sin(x * 1)))(x)))  # noqa: E731
        return f if order == 1 else lambda x: np.sum(ag.grad(f)(x) ** 2)

    x = np.array([0.3, -1.0])
    g = ag.grad(function(ag.checkpoint))(x)
    assert np.all(g)
    np.testing.assert_allclose(g, ag.grad(function(plain))(x), rtol=1e-14)


@pytest.mark.parametrize("order", [1, 2])
def test_tensors_that_escape_by_a_side_effect_keep_their_gradient(order):
    w = leaf(2.0)

    def function(c):
        def f(x):
            escaped = []

            def inner(x):
                escaped.append(np.sin(x) * w)
                return np.exp(escaped[-1])

            y = c(inner)(x)
            return np.sum(y) + np.sum(escaped[0] ** 3)

        return f if order == 1 else lambda x: np.sum(ag.grad(f)(x) ** 2)

    x = np.array([0.3, -1.0])
    by_x = [ag.grad(function(c))(x).data for c in (ag.checkpoint, plain)]  # recorded: it depends on w
    np.testing.assert_allclose(*by_x, rtol=1e-13)
    by_w = [ag.gradients(function(c)(leaf(x)), w) for c in (ag.checkpoint, plain)]
    np.testing.assert_allclose(*by_w, rtol=1e-13)


def test_tensors_that_escape_from_the_second_run_keep_their_gradient():
    x, w, escaped = leaf(0.5), leaf(2.0), []

    def f(x):
        escaped[:] = [np.sin(x) * w]
        return escaped[0] * 3

    ag.checkpoint(f)(x).backward()
    x.zero_grad(), w.zero_grad()
    escaped[0].backward()
    np.testing.assert_allclose([x.grad, w.grad], [2 * np.cos(0.5), np.sin(0.5)])


def test_detached_values_may_be_carried_outside():
    seen, x = [], leaf(np.ones(3))
    y = np.sum(ag.checkpoint(lambda x: seen.append(x.detach()) or x * x)(x))
    y.backward()
    np.testing.assert_array_equal(x.grad, [2, 2, 2])
    assert len(seen) == 2


@pytest.mark.parametrize("make", [iter, lambda a: (v for v in a), lambda a: map(abs, a), enumerate])
def test_an_iterator_as_argument_is_refused(make):
    f = ag.checkpoint(lambda x, values: x * sum(np.sum(v) for v in values))
    with pytest.raises(errors.UnsupportedArgumentError, match=r"used? .*up.*Pass a list"):
        ag.grad(f)(2.0, make([1.0, 2.0]))
    assert ag.grad(f)(2.0, [1.0, 2.0]) == 3


def test_an_argument_that_is_also_closed_over():
    x = leaf(3.0)
    assert ag.gradients(ag.checkpoint(lambda y: x * y)(x), x) == 6


def test_a_gradient_by_a_constant_taken_inside():
    f = ag.checkpoint(lambda x: ag.grad(lambda y: y**3 * x)(2.0))
    assert ag.grad(f)(5.0) == 12


def test_its_argument_can_be_neither_copied_nor_assigned_to():
    data = np.ones(2)

    def assigning(x):
        x.data = np.zeros(2)
        return x

    for f, message in ((copy.deepcopy, "deep-copied"), (assigning, "leaf")):
        with pytest.raises(errors.LostGradientError, match=message):
            ag.checkpoint(f)(leaf(data))
    np.testing.assert_array_equal(data, 1)


def test_serial_numbers_are_unique_and_older_than_their_consumers():
    nodes, x, w = set(), leaf(np.ones(2)), leaf(np.ones(2))

    def f(x):
        y = np.sin(x * w)
        nodes.add(y.node)
        return y * w

    np.sum(ag.checkpoint(f)(x)).backward()
    assert len(nodes) == 2
    below = set(toposort(nodes))
    assert len({node.serial for node in below}) == len(below)
    assert all(p.serial < node.serial for node in below for p in node.parents if p is not None)


def test_a_hook_inside_never_sees_a_batch():
    seen = []

    def f(x):
        y = x * x
        y.register_hook(lambda g: seen.append(type(g)))
        return y * 2

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ag.jacobian(ag.checkpoint(f))(x), np.diag(4 * x))
    assert set(seen) == {np.ndarray}
