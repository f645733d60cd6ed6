"""Memory: wide and deep graphs are swept and freed in linear time, nothing grows, and no more is kept than is read.

All of it with Python's garbage collector off: what reference counting does not free at once is a leak here.
"""

import contextlib
import gc
import itertools
import math
import sys
import weakref

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import dispatch
from autograd_mini.graph import toposort
from autograd_mini.table import TABLE, Rule
from autograd_mini.tensor import SMALL


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


@pytest.fixture(autouse=True)
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def blocks():
    """How many small objects are alive: arrays, Tensors, nodes, dicts. Python's free lists are emptied first."""
    gc.collect()
    return sys.getallocatedblocks()


# --- wide and deep -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("join", [np.concatenate, np.stack])
def test_100_000_operands_that_are_one_leaf(join):
    """A rule that is called for each operand with all operands took 14 s for 2,000 of them, and quadratic time."""
    n = 100_000
    x = leaf([1.0, 2.0])
    weights = np.arange(n) % 7
    y = join([x] * n)
    y.reshape(n, 2)[:, 1].backward(weights)
    np.testing.assert_array_equal(x.grad, [0, weights.sum()])
    node = weakref.ref(y)
    del y
    assert node() is None


@pytest.mark.parametrize("many", [dispatch.MANY, 4])
@pytest.mark.parametrize("count", [63, 64, 65, 129])
def test_many_operands_of_several_lengths_and_kinds(count, many, monkeypatch):
    """Joined in groups, and groups of groups, they are what NumPy joins at once: value, dtype, gradients."""
    monkeypatch.setattr(dispatch, "MANY", many)
    rng = np.random.default_rng(0)
    x, w = leaf(rng.normal(size=(7, 2))), leaf(np.float32(rng.normal(size=(1, 2))))
    parts = [(x[i % 7 : i % 7 + i % 3], w, np.ones((1, 2), int), x.detach()[:1])[i % 4] for i in range(count)]
    plain = [p.data if isinstance(p, ag.Tensor) else p for p in parts]
    columns = [p.data.T if isinstance(p, ag.Tensor) else p.T for p in parts]
    for y, expected in (
        (np.concatenate(parts), np.concatenate(plain)),
        (np.concatenate([p.T for p in parts], axis=-1), np.concatenate(columns, axis=-1)),
        (np.concatenate(parts, axis=None), np.concatenate(plain, axis=None)),
        (np.concatenate(parts, dtype=np.float32, casting="same_kind"), np.concatenate(plain, dtype=np.float32)),
        (np.vstack(parts), np.vstack(plain)),
    ):
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y.data, expected)
        g = np.arange(float(expected.size)).reshape(expected.shape)
        gx, gw = ag.gradients(y, [x, w], g.astype(expected.dtype))
        rows = g.T if y.shape == expected.shape and expected.shape[0] == 2 and count > 2 and y.ndim == 2 else g
        rows = rows.reshape(-1, 2)
        want_x, want_w, at = np.zeros((7, 2)), np.zeros((1, 2)), 0
        for i, p in enumerate(plain):
            piece = rows[at : at + len(p)]
            at += len(p)
            if i % 4 == 0:
                want_x[i % 7 : i % 7 + i % 3] += piece
            elif i % 4 == 1:
                want_w += piece
        np.testing.assert_allclose(gx, want_x, rtol=1e-6)
        np.testing.assert_allclose(gw, want_w, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_a_stack_of_many(axis):
    a = np.random.default_rng(0).normal(size=(150, 3))

    def f(x):
        return np.sum(np.sin(np.stack([x[i % 5] for i in range(150)], axis=axis)) * np.stack([*a], axis=axis))

    x = leaf(a[:5])
    assert f(x).item() == f(a[:5])
    assert ag.gradcheck(f, a[:5], order=2)
    v = np.ones((5, 3))
    np.testing.assert_allclose(ag.jvp(f, (a[:5],), (v,))[1], np.sum(ag.grad(f)(a[:5])))


def test_a_view_of_a_view_10_000_deep_is_written_through_and_freed():
    x = leaf(np.arange(3.0))
    t = x * 1
    view = t
    for _ in range(10_000):
        view = view[:]
    view[0] = 5.0  # no recursion, and not each time a search among all views
    np.testing.assert_array_equal(t.data, [5, 1, 2])
    np.testing.assert_array_equal(ag.gradients(t.sum(), x), [0, 1, 1])
    last = weakref.ref(view)
    del view
    assert last() is None
    t[1] = 0.0  # nobody looks any more
    np.testing.assert_array_equal(t.data, [5, 0, 2])


def test_10_000_assignments_to_one_tensor():
    x = leaf(np.arange(1.0, 4))
    t, plain, sources = ag.Tensor(np.zeros(3)), np.zeros(3), [{}, {}, {}]
    for i in range(10_000):
        at, other = i % 3, (i + 1) % 3
        if i % 4:
            t[at] = x[at] * 2.0
            plain[at], sources[at] = x.data[at] * 2, {at: 2}
        else:
            t[at] += t[other] / 2
            plain[at] += plain[other] / 2
            both = sources[at].keys() | sources[other].keys()
            sources[at] = {k: sources[at].get(k, 0) + sources[other].get(k, 0) / 2 for k in both}
    np.testing.assert_array_equal(t.data, plain)
    (t * 1.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [sum(s.get(k, 0) for s in sources) for k in range(3)])
    before = blocks()
    del t
    assert blocks() < before - 50_000


def test_gradients_nested_eight_deep():
    f = np.exp
    for _ in range(8):
        f = ag.grad(f)
    np.testing.assert_allclose(f(0.5), np.exp(0.5), rtol=1e-12)
    powers, slope = math.perm(9, 8), lambda x: x**9
    for _ in range(8):
        slope = ag.grad(slope)
    assert slope(2.0) == powers * 2


# --- nothing grows -----------------------------------------------------------------------------------------------


def test_a_dropped_hook_is_freed_with_its_node():
    """The node has the hook; did the hook have the node's hooks, neither would ever be freed by counting."""

    class Big:
        pass

    def make():
        kept = Big()
        x = leaf([1.0])
        y = x * x
        handle = y.register_hook(lambda g, kept=kept: None)
        y.backward()
        return weakref.ref(kept), handle

    ref, handle = make()
    assert ref() is not None  # a handle can end what it stands for
    del handle
    assert ref() is None


MISTAKES = {
    "a shape": lambda t: t + np.ones(7),
    "a ufunc's method": lambda t: np.add.at(t, [9], 1.0),
    "out=": lambda t: np.exp(t, out=t.T),
    "a composite": lambda t: np.concatenate([t, np.ones((7, 7))]),
    "a composite's own error": lambda t: np.split(t, 7),
    "a keyword": lambda t: np.sum(t, nonsense=1),
    "a rule's refusal": lambda t: np.reshape(t, (4, 1), order="A"),
    "an index": lambda t: t[9],
    "an assignment": lambda t: t.__setitem__(9, 1.0),
    "a lost gradient": lambda t: np.array([t, 1.0], dtype=object) * float(t),
    "a sweep": lambda t: t.backward(),
    "a function inside": lambda t: ag.grad(lambda x: x[9] * t.sum())(np.ones(3)),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_error_that_was_caught_keeps_no_operand_alive(mistake):
    """A function that holds the error it raises is held by it, in the traceback."""
    t = leaf(np.eye(3)) * 2.0
    raised = True
    with contextlib.suppress(Exception):
        MISTAKES[mistake](t)
        raised = False
    t, ref = None, weakref.ref(t)
    assert raised and ref() is None


def test_nothing_grows_over_10_000_steps_of_training():
    model = nn.MLP([2, 2], rng=0)
    opt = nn.SGD(model.parameters(), lr=0.01, momentum=0.9)
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(8, 2)), rng.integers(0, 2, 8)
    frozen = model.parameters()[0]
    hits, running, losses = 0, ag.Tensor(0.0), []

    def step(i):
        nonlocal hits, running
        n = 3 + i % 5  # other shapes
        opt.zero_grad()
        out = model(X[:n]) * 1.0
        kind = i % 6
        if kind == 0:
            out.register_hook(lambda g: np.clip(g, -1, 1))
        elif kind == 1:  # views, lists, assignments
            z = out * 2
            out[i % n] = z[[i % n]][0] * 1.5
            out[0] += z[0].detach()
        elif kind == 2:
            frozen.requires_grad = False
            frozen.requires_grad = True
        elif kind == 3:
            out = out + np.sum(np.concatenate([p.reshape(-1) for p in model.parameters()]) ** 2)
        elif kind == 4:
            with ag.no_grad(), ag.scope("evaluation"):
                hits += (model(X).argmax(1) == Y).sum()
        loss = nn.cross_entropy(out, Y[:n]) if kind == 5 else np.mean(np.tanh(out) ** 2)
        loss.backward(retain_graph=i % 2 == 0)
        opt.step()
        running = running * 0.9 + loss.detach() * 0.1
        losses.append(loss.item())
        if i % 100 == 0:
            ag.grad(lambda w: np.sum(np.tanh(w.T @ w), axis=i % 2).sum())(frozen.data)
            with ag.keep():
                nn.squared_error(model(X), X).backward()
            losses.clear()

    for i in range(6600):  # until each cache has seen all
        step(i)
        if i % 1100 == 0:
            blocks()  # what was alive before the first collection settles over the next ones
    before = blocks()
    for i in range(6600, 10_000):
        step(i)
    assert len(losses) == 99  # emptied as it was before
    assert blocks() - before < 100
    assert np.isfinite(running.item()) and 0 < hits.item() <= 8 * 10_000


def test_metrics_of_1_000_steps_hold_no_graph():
    w = leaf(np.ones((3, 3)))
    arrays, losses = [], []
    total, running, best, correct = 0.0, ag.Tensor(0.0), -np.inf, 0
    for i in range(1000):
        z = np.tanh(np.full((2, 3), i) @ w)
        loss = (z * z).sum()
        arrays.append(weakref.ref(z.data))
        correct += (z.argmax(1) == np.array([0, 1])).sum()
        total += loss.item()
        running = running + loss.detach()
        losses.append(loss.detach())
        best = np.maximum(best, loss.detach())
        loss.backward(retain_graph=False)
        del z, loss
    assert not any(ref() is not None for ref in arrays)
    for metric in (running, best, correct, *losses):
        assert metric.node is None and not metric.requires_grad
    assert (correct.item(), round(total)) == (1000, round(running.item()))


def test_what_is_looked_up_once_is_kept_within_bounds():
    """Plans by which operands are differentiated, spellings of calls: the table of them does not grow for ever."""

    @ag.primitive
    def added(*arrays, a=0, b=0, c=0, d=0, e=0, f=0, h=0):
        return sum(arrays) + a + b + c + d + e + f + h

    def each(_i, g, _y, *_arrays, a=0, b=0, c=0, d=0, e=0, f=0, h=0):  # noqa: ARG001 (a rule names what it takes)
        return g

    ag.defvjp(added, each=each)
    rule = TABLE[added]
    x = leaf(2.0)
    before = dispatch._OUT.keys() | dispatch.CALLS.keys()
    try:
        for n in range(1, 1200):  # each operand is differentiated by or not; the keywords stand in every order
            y = added(*(x if n >> i & 1 else 2.0 for i in range(11)))
            assert ag.gradients(y, x) == n.bit_count()
        for names in itertools.islice(itertools.permutations("abcdefh"), 1200):
            assert added(x, **dict.fromkeys(names, 1)).item() == 9
    finally:
        del TABLE[added]
    assert isinstance(rule, Rule)
    assert len(rule._plans) <= 1001 and len(rule._spellings) <= 1001
    joined = TABLE[np.concatenate]
    for n in range(2, 3000, 100):
        np.concatenate([x.reshape(1) if i % n else np.ones(1) for i in range(n)])
    assert len(joined._plans) <= 1001
    assert all(len(plan.args) <= dispatch.MANY for plan in joined._plans.values())
    with pytest.raises(ag.errors.MissingRuleError):
        np.frompyfunc(abs, 1, 1)(x)
    assert (dispatch._OUT.keys() | dispatch.CALLS.keys()) - before <= TABLE.keys() | {added}


# --- no more is kept than is read --------------------------------------------------------------------------------

BATCH, WIDTH, LAYERS = 256, 1024, 4


def memory_of(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def residuals(result, given):
    """Return the sizes of all memory that a graph keeps, but for the arrays that were given to it."""
    given, found = {id(memory_of(a)) for a in given}, {}

    def look(value):
        if isinstance(value, np.ndarray):
            memory = memory_of(value)
            if id(memory) not in given:
                found[id(memory)] = memory.nbytes
        elif isinstance(value, ag.Tensor):
            look(value.data)
        elif isinstance(value, (tuple, list)):
            for v in value:
                look(v)

    for node in toposort([result.node], constants=True):
        look((*(node.args or ()), node.out, *(node.kwargs or {}).values()))
    return sorted(found.values(), reverse=True)


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_an_mlp_keeps_one_array_per_layer(activation, loss):
    """Forward, a layer is ``h = f(x W^T + b)``; backward it needs x and W for the product, and h for f: no z.

    So of four layers three hidden outputs stay, each read twice; the input and W are there anyway. Of the outputs the
    losses need one array: o - t, or the logits.
    """
    rng = np.random.default_rng(0)
    model = nn.MLP([WIDTH] * (LAYERS + 1), activation=activation, output="identity", rng=0, dtype=np.float32)
    x = rng.normal(size=(BATCH, WIDTH)).astype(np.float32)
    target = rng.integers(0, WIDTH, BATCH) if loss == "cross_entropy" else x + 1
    result = getattr(nn, loss)(model(x), target)
    large = [n for n in residuals(result, [x, target, *(p.data for p in model.parameters())]) if n > 8 * SMALL]
    assert large == [BATCH * WIDTH * 4] * LAYERS
