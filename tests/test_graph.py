"""The graph and its sweep: order, sums, pruning, what is freed. Traps that peers fell into have their names here."""

import gc
import weakref
from heapq import heappop

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.graph import Leaf, Node, Spec, pullback, toposort, unbroadcast


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def nodes_alive():
    return sum(isinstance(o, Node) and not isinstance(o, Leaf) for o in gc.get_objects())


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# --- order --------------------------------------------------------------------------------------------------


def test_fan_out_is_swept_in_topological_order():
    x = leaf(3.0)
    (x * x + x).backward()
    assert x.grad == 7  # 1 where x is visited before its last use


@pytest.mark.parametrize("swap", [False, True])
def test_fan_out_over_paths_of_different_length(swap):
    x = leaf(2.0)
    short, long = x, ((x * x) * x) * x
    y = long + short if swap else short + long
    (y * x).backward()  # x**5 + x**2
    assert x.grad == 5 * 16 + 2 * 2


def test_unused_branch_changes_nothing():
    x = leaf(1.0)
    y = x * 2
    _ = y * 3
    (y * 4).backward()
    assert x.grad == 8


def test_dropped_branch_changes_nothing():
    x = leaf(1.0)
    y = x * 2
    for _ in range(3):
        y * 3
    (y * 4).backward()
    assert x.grad == 8


def test_diamonds_cost_is_linear():
    x = leaf(1.0)
    y = x
    for _ in range(500):  # 2**500 paths
        y = 0.5 * (y + y)
    y.backward()
    assert x.grad == 1


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: np.sum(x * x), [4, 6]),
        (lambda x: np.sum(x + x), [2, 2]),
        (lambda x: np.sum(x - x), [0, 0]),
        (lambda x: np.sum(x / x), [0, 0]),
        (lambda x: x @ x, [4, 6]),
        (lambda x: np.dot(x, x), [4, 6]),
        (lambda x: np.sum(np.maximum(x, x)), [1, 1]),
        (lambda x: np.sum(np.where([True, False], x, x)), [1, 1]),
        (lambda x: np.sum(np.concatenate([x, x, x])), [3, 3]),
        (lambda x: np.sum(np.stack([x, x]) * [[1.0, 2.0], [3.0, 4.0]]), [4, 6]),
        (lambda x: np.sum(x[[0, 0, 1]]), [2, 1]),  # repeated fancy indices
        (lambda x: np.sum(x[:1] * x), [2 + 5, 2]),
    ],
)
def test_same_tensor_as_several_operands(f, expected):
    x = leaf([2.0, 3.0])
    f(x).backward()
    np.testing.assert_allclose(x.grad, expected, atol=1e-15)


@pytest.mark.usefixtures("no_collector")
def test_million_node_chain_is_swept_and_freed_without_recursion():
    before = nodes_alive()
    x = leaf(np.ones(1))
    y = x
    for _ in range(1_000_000):
        y = -y
    y.backward()
    assert x.grad == 1
    del y  # a destructor that recurses would overflow the stack here
    assert nodes_alive() == before


def test_long_chain_is_freed_by_the_sweep():
    x = leaf(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    y.backward(retain_graph=False)
    assert x.grad == 1
    assert y.node.parents == ()


def test_toposort_yields_each_node_once_and_children_first(rng):
    pool = [leaf(1.0) for _ in range(3)]
    for _ in range(200):
        a, b = rng.choice(len(pool), 2)
        pool.append(pool[a] + pool[b])
    ends = [pool[-1].node, pool[-2].node, pool[-20].node, pool[-1].node]  # some above others, one twice
    order = list(toposort(ends))
    assert len(set(order)) == len(order)
    place = {node: i for i, node in enumerate(order)}
    assert set(ends) <= set(place)
    for node in order:
        for parent in node.parents:
            assert place[node] < place[parent]


def test_toposort_follows_constants_only_if_asked():
    x, c = leaf(1.0), ag.Tensor(2.0)
    y = x * c
    assert set(toposort([y.node])) == {y.node, x.node}
    assert set(toposort([y.node], constants=True)) == {y.node, x.node, c.node}


def test_toposort_order_is_the_same_in_every_run():
    def names():
        x, w = leaf(1.0, name="x"), leaf(2.0, name="w")
        y = np.tanh(x * w) + np.exp(w) * (x - w)
        return [repr(node) for node in toposort([y.node])]

    assert names() == names()


# --- pruning and purity -------------------------------------------------------------------------------------


def counted():
    """A function that records how often its vjps run."""
    calls = []

    @ag.primitive
    def double(x):
        return 2 * x

    def vjp(g, _y, _x):
        calls.append(g)
        return 2 * g

    ag.defvjp(double, vjp)
    return double, calls


def test_sweep_stops_at_what_is_wanted():
    double, calls = counted()
    x = leaf(1.0)
    deep = double(double(double(x)))
    y = double(deep)
    assert ag.gradients(y, deep) == 2
    assert len(calls) == 1


def test_sweep_leaves_out_branches_that_do_not_lead_to_what_is_wanted():
    double, calls = counted()
    x, w = leaf(1.0), leaf(1.0)
    y = double(x) * double(double(double(w)))
    assert ag.gradients(y, x) == 2 * 8
    assert len(calls) == 1


def test_sweep_runs_each_vjp_once_however_many_uses():
    double, calls = counted()
    x = leaf(1.0)
    y = double(x)
    (y + y * y + y).backward()
    assert len(calls) == 1
    assert calls[0] == 2 + 2 * 2  # the whole cotangent, added up before


def test_inner_gradient_does_not_run_the_outer_rules():
    double, calls = counted()

    def outer(x):
        for _ in range(20):
            x = double(x)
        before = len(calls)
        ag.grad(lambda u: u * u)(x)
        assert len(calls) == before
        return x

    ag.grad(outer)(1.0)
    assert len(calls) == 20


def test_inner_gradient_does_not_walk_the_outer_graph(monkeypatch):
    """HIPS autograd sweeps past the target: n steps of an unrolled descent then cost n**2."""
    visited = []

    def waited(heap):
        visited.append(heap[0])
        return heappop(heap)

    monkeypatch.setattr("autograd_mini.graph.heappop", waited)

    def visits(n):
        def outer(x):
            for _ in range(n):
                x = x - 0.1 * ag.grad(lambda u: np.sin(u) * u)(x)
            return x

        visited.clear()
        ag.grad(outer)(1.0)
        return len(visited)

    assert visits(40) < 3 * visits(20)


def test_pullback_changes_nothing():
    x = leaf([1.0, 2.0])
    y = np.sum(np.exp(x))
    y.backward()
    first = x.grad.copy()
    for _ in range(2):
        found = pullback({y.node: np.ones(())})
        np.testing.assert_array_equal(found[x.node], first)
        np.testing.assert_array_equal(x.grad, first)


def test_pullback_returns_cotangents_of_what_is_wanted():
    x, w, u = leaf(2.0), leaf(3.0), leaf(4.0)
    y = x * w
    z = y * y
    found = pullback({z.node: np.ones(())}, [x.node, y.node, u.node])
    assert found == {x.node: 36.0, y.node: 12.0}  # u received none


def test_several_seeds_add_up():
    x = leaf(2.0)
    y = x * x
    z = y * 3
    found = pullback({z.node: np.float64(1.0), y.node: np.float64(10.0)})  # one seed lies above the other
    assert found[x.node] == (3 + 10) * 4


def test_backward_on_a_leaf_is_its_seed():
    x = leaf(2.0)
    x.backward()
    assert x.grad == 1


# --- no cycles ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_collector")
def test_dropped_graph_is_freed_without_the_collector():
    """Micrograd's closures refer to their outputs: there, all 300 values stay alive."""
    before = nodes_alive()
    for _ in range(100):
        x = leaf(np.ones(3))
        y = np.sum(np.tanh(x * x) @ np.ones((3, 2)))
        y.backward()
        y.retain_grad()
        y.backward(create_graph=True)
        (x.grad.sum()).backward()
    del x, y
    assert nodes_alive() == before


@pytest.mark.usefixtures("no_collector")
def test_functional_gradients_leave_nothing_behind():
    before = nodes_alive()
    for _ in range(20):
        ag.grad(ag.grad(lambda x: x**3))(2.0)
        out, pull = ag.vjp(np.sin, np.ones(3))
        pull(out)
    del out, pull
    assert nodes_alive() == before


@pytest.mark.usefixtures("no_collector")
def test_a_graph_is_freed_after_an_error_in_its_sweep():
    before = nodes_alive()

    def attempt():
        @ag.primitive
        def bad(x):
            return x * 1

        ag.defvjp(bad, lambda g, _y, _x: np.ones(7))
        with pytest.raises(errors.RuleError):
            np.sum(bad(leaf(np.ones(3)) * 2)).backward()

    attempt()
    assert nodes_alive() == before


# --- the cotangent is fitted to its primal, once ------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "to"),
    [
        ((2, 3), (3,)),
        ((2, 3), (1, 3)),
        ((2, 3), (2, 1)),
        ((2, 3), (1, 1)),
        ((2, 3), ()),
        ((4, 2, 3), (2, 1)),
        ((4, 2, 3), (1, 1, 3)),
        ((1, 3), (3,)),
        ((1, 1), ()),
        ((0, 3), (3,)),
        ((0, 3), (1, 3)),
        ((2, 0), (1, 0)),
    ],
)
def test_unbroadcast_is_the_transpose_of_broadcasting(rng, shape, to):
    p, a = rng.normal(size=shape), rng.normal(size=to)
    assert unbroadcast(p, to).shape == to
    np.testing.assert_allclose(np.vdot(p, np.broadcast_to(a, shape)), np.vdot(unbroadcast(p, to), a))


@pytest.mark.parametrize(
    "shapes", [((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((4, 1, 3), (2, 1))]
)
@pytest.mark.parametrize("f", [np.add, np.subtract, np.multiply, np.true_divide, np.maximum, np.arctan2])
def test_broadcast_operands_get_cotangents_of_their_own_shape(rng, f, shapes):
    a, b = (leaf(rng.uniform(1, 2, shape)) for shape in shapes)
    np.sum(f(a, b)).backward()
    assert (a.grad.shape, b.grad.shape) == shapes
    stretched = [np.array(np.broadcast_to(t.data, np.broadcast_shapes(*shapes))) for t in (a, b)]
    full = [leaf(s) for s in stretched]
    np.sum(f(*full)).backward()
    for t, whole in zip((a, b), full, strict=True):
        np.testing.assert_allclose(t.grad, unbroadcast(whole.grad, t.shape))


@pytest.mark.parametrize("rows", [1, 2048, 60_000])
def test_a_bias_that_many_rows_share_gets_a_sum_without_much_rounding(rng, rows):
    x, b = rng.uniform(0, 1, (rows, 3)).astype(np.float32), leaf(np.zeros(3, np.float32))
    np.sum((b + x) * x).backward()
    assert b.grad.dtype == np.float32
    np.testing.assert_allclose(b.grad, x.sum(axis=0, dtype=np.float64), rtol=5e-7)


@pytest.mark.parametrize("rows", [2047, 2048, 5000])
def test_a_bias_gets_all_rows_and_what_is_not_finite(rng, rows):
    x = rng.integers(-9, 9, (rows, 2, 3)).astype(float)
    x[rows - 1, 0, 0], x[0, 1, 2] = np.nan, np.inf
    b = leaf(np.zeros((2, 3)))
    (b + np.zeros_like(x)).backward(x)
    np.testing.assert_array_equal(b.grad, x.sum(axis=0))


def test_each_operand_gets_its_own_dtype():
    a, b = leaf(np.float32([1, 2])), leaf(np.float64([3, 4]))
    (a * b).sum().backward()
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(a.grad, [3, 4])


def test_real_operand_of_a_complex_result_gets_the_real_part():
    x, z = leaf([1.0, 2.0]), leaf([1j, 2 + 1j])
    (x * z).sum().backward(1 + 0j)
    assert x.grad.dtype == np.float64
    assert z.grad.dtype == np.complex128
    np.testing.assert_array_equal(x.grad, [0, 2])


def rule_returning(cotangent, **kwargs):
    @ag.primitive
    def my_function(x):
        return x * 1

    ag.defvjp(my_function, lambda g, _y, _x: cotangent(g), **kwargs)
    return my_function


@pytest.mark.parametrize(
    "cotangent", [lambda g: g[0], lambda g: g.T, lambda g: g[:1], lambda g: np.ones((4, 2, 3)), lambda g: 1.0]
)
def test_wrong_shape_of_a_rule_raises(cotangent):
    x = leaf(np.ones((2, 3)))
    with pytest.raises(errors.RuleError, match=r"my_function returned a cotangent of shape .* \(2, 3\)"):
        rule_returning(cotangent)(x).backward(np.ones((2, 3)))
    assert x.grad is None


@pytest.mark.parametrize("cotangent", [lambda g: g[0], lambda g: g.T, lambda g: g[:1], lambda g: 1.0])
def test_wrong_shape_of_a_broadcasting_rule_raises(cotangent):
    """Summing must not turn into reshaping: a transposed cotangent has the right number of entries."""
    x = leaf(np.ones((2, 3)))
    with pytest.raises(errors.RuleError, match=r"my_function returned a cotangent of shape .* \(2, 3\)"):
        rule_returning(cotangent, broadcasts=True)(x).backward(np.ones((2, 3)))


def test_a_rule_may_return_a_python_number_for_a_scalar():
    x = leaf(2.0)
    rule_returning(lambda _g: 5.0)(x).backward()
    assert x.grad == 5
    assert x.grad.dtype == np.float64


def test_graph_stays_usable_by_default():
    x = leaf(3.0)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 12


def test_freed_graph_says_so():
    x = leaf(3.0)
    y = np.exp(x) * x
    y.backward(retain_graph=False)
    with pytest.raises(errors.GraphFreedError, match=r"retain_graph=False.*retain_graph=True"):
        y.backward()
    np.testing.assert_allclose(x.grad, 4 * np.exp(3.0))  # the failed sweep added nothing


def test_freed_part_of_a_shared_graph_says_so():
    x = leaf(3.0)
    shared = x * x
    (shared * 2).backward(retain_graph=False)
    x.zero_grad()
    with pytest.raises(errors.GraphFreedError):
        (shared * 5 + x).backward()
    assert x.grad is None
    (x * 7).backward()  # what was not swept is untouched
    assert x.grad == 7


def test_freed_graph_says_so_in_every_sweep():
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=False)
    with pytest.raises(errors.GraphFreedError):
        ag.gradients(y, x)
    with pytest.raises(errors.GraphFreedError):
        pullback({y.node: np.ones(())})


def test_freeing_spares_the_other_graph_of_a_leaf():
    x = leaf(3.0)
    a, b = x * x, x * x * x
    a.backward(retain_graph=False)
    b.backward(retain_graph=False)
    assert x.grad == 6 + 27


def test_values_outlive_a_freed_graph():
    x = leaf(3.0)
    y = x * x
    y.backward(retain_graph=False)
    assert (y.item(), y.shape, y.node.shape, y.node.dtype) == (9, (), (), np.float64)


def test_residuals_die_during_a_freeing_sweep():
    alive = []

    @ag.primitive
    def probe(x):
        return x * 1

    def vjp(g, _y, _x):
        alive.append(watched() is not None)
        return g

    ag.defvjp(probe, vjp)
    x = leaf(np.ones(2000))
    h = np.exp(probe(x))  # exp keeps its output
    watched = weakref.ref(h.data)
    y = np.sum(h)
    del h
    y.backward()
    y.backward(retain_graph=False)
    assert alive == [True, False]


def test_pullback_with_free_keeps_the_sum_right():
    x = leaf(2.0)
    y = x * x
    z = y * y + y + x
    z.backward(retain_graph=False)
    assert x.grad == 4 * 8 + 4 + 1


# --- what nodes tell ----------------------------------------------------------------------------------------


def test_node_tells_shape_dtype_and_name():
    x = leaf(np.ones((2, 3), np.float32), name="x")
    y = x * 2
    node = y.node
    assert (node.shape, node.ndim, node.size, node.dtype) == ((2, 3), 2, 6, np.float32)
    assert repr(x.node) == "<Node x (2, 3) float32>"
    assert repr(node) == "<Node np.multiply (2, 3) float32>"
    y.name = "y"
    assert repr(node) == "<Node y (2, 3) float32>"
    assert node.parents[0] is x.node


def test_leaf_tells_its_present_value_and_keeps_nothing_alive():
    data = np.ones(3)
    x = leaf(data)
    node, array = x.node, weakref.ref(x.data)
    assert node.value is x.data
    del x, data
    assert node.value is None
    assert array() is None
    assert isinstance(node.out, Spec)
    assert repr(node.out) == "Spec(shape=(3,), dtype=float64)"
