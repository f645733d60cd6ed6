"""State: blocks that interleave in any order do not see each other, and whatever raises, wherever, leaves nothing."""

import asyncio
import contextvars
import itertools
import linecache
import sys
import threading

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import errors
from autograd_mini.recording import State, current, is_recording
from autograd_mini.table import TABLE


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


pytestmark = pytest.mark.usefixtures("state_is_left_as_found")


# --- interleavings -----------------------------------------------------------------------------------------------


def seen():
    """What somebody sees of the state: the setting, and what it does to a computation."""
    state, y = current.get(), leaf(np.ones(2000)) + 1
    return state.mode, state.keep, state.scope, y.requires_grad, y.node is not None and y.node.value is not None


def script(*blocks, states=None):
    """Enter blocks one by one and leave them again; between any two steps others may run."""
    states = [] if states is None else states
    states.append(seen())
    yield states
    if blocks:
        with blocks[0]():
            yield from script(*blocks[1:], states=states)
        states.append(seen())
        yield states


SCRIPTS = {
    "no_grad": [ag.no_grad],
    "no_grad in scope": [lambda: ag.scope("a"), ag.no_grad],
    "recording in keep in no_grad": [ag.no_grad, ag.keep, ag.recording],
}


PAIRS = [*itertools.combinations_with_replacement(SCRIPTS, 2)]


def alone(name):
    return list(script(*SCRIPTS[name]))[-1]


def orders(*counts):
    """All orders in which several scripts of so many steps can go on; at most 30 of them, evenly spread."""
    total = sum(counts)
    found = []
    for places in itertools.combinations(range(total), counts[0]):
        order = [None] * total
        for i in places:
            order[i] = 0
        rest = [i for i in range(total) if order[i] is None]
        for i in rest:
            order[i] = 1
        found.append(order)
    return found[:: max(1, len(found) // 30)]


def by_contexts(scripts, order):
    contexts = [contextvars.copy_context() for _ in scripts]
    for i in order:
        states = contexts[i].run(next, scripts[i])
        yield i, states


def by_threads(scripts, order):
    go, done = [threading.Semaphore(0) for _ in scripts], threading.Semaphore(0)
    last = [None] * len(scripts)

    def work(i):
        while True:
            go[i].acquire()
            last[i] = next(scripts[i], None)
            done.release()
            if last[i] is None:
                return

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(scripts))]
    for thread in threads:
        thread.start()
    for i in [*order, *range(len(scripts))]:  # once more, to end
        go[i].release()
        done.acquire()
        if last[i] is not None:
            yield i, last[i]
    for thread in threads:
        thread.join()


def by_tasks(scripts, order):
    async def main():
        turns, done = [asyncio.Queue() for _ in scripts], asyncio.Queue()

        async def work(i):
            while await turns[i].get():
                await done.put((i, next(scripts[i])))

        tasks = [asyncio.create_task(work(i)) for i in range(len(scripts))]
        found = []
        for i in order:
            await turns[i].put(True)
            found.append(await done.get())
        for turn in turns:
            await turn.put(False)
        await asyncio.gather(*tasks)
        return found

    yield from asyncio.run(main())


@pytest.mark.parametrize("carrier", [by_contexts, by_threads, by_tasks])
@pytest.mark.parametrize("pair", PAIRS, ids=" | ".join)
def test_each_sees_its_own_state_however_they_interleave(carrier, pair):
    expected = [alone(name) for name in pair]
    steps = [len(list(script(*SCRIPTS[name]))) for name in pair]
    for order in orders(*steps):
        scripts = [script(*SCRIPTS[name]) for name in pair]
        ends = dict(carrier(scripts, order))
        assert [ends[i] for i in range(2)] == expected
        assert current.get() == State()


@pytest.mark.parametrize("pair", PAIRS, ids=" | ".join)
def test_generators_in_one_context_leave_no_state_behind(pair):
    """Whatever the order in which they go on, are closed, or raise: when all are over, it is as before."""
    steps = [len(list(script(*SCRIPTS[name]))) for name in pair]
    for order in orders(*steps):
        for cut in range(0, len(order) + 1, 2):
            scripts = [script(*SCRIPTS[name]) for name in pair]
            for i in order[:cut]:
                next(scripts[i])
            scripts[cut % 2].close()
            if scripts[1 - cut % 2].gi_frame is not None:
                with pytest.raises(KeyError):
                    scripts[1 - cut % 2].throw(KeyError)
            assert current.get() == State()


def test_a_generator_that_is_suspended_inside_a_block_leaves_its_caller_inside():
    """Python's generators run in the context of whoever calls them: so `no_grad` says to yield outside the block."""

    def batches():
        with ag.no_grad():
            yield is_recording()

    generator = batches()
    next(generator)
    assert not is_recording()
    assert list(generator) == []
    assert is_recording()
    assert "yield" in ag.no_grad.__doc__


# --- whatever raises, wherever -----------------------------------------------------------------------------------


class MineError(Exception):
    pass


def fail(*_args, **_kwargs):
    raise MineError


FAILING = {}


@ag.primitive
def broken_forward(x):
    if FAILING:
        raise MineError
    return x * 2


@ag.primitive
def broken_rule(x):
    return x * 2


def broken_rule_vjp(g, _y, _x):
    if FAILING:
        raise MineError
    return g * 2


@ag.primitive
def broken_shape(x):
    return x * 2


ag.defvjp(broken_forward, lambda g, _y, _x: g * 2)
ag.defvjp(broken_rule, broken_rule_vjp)
ag.defvjp(broken_shape, lambda g, _y, _x: np.ones(7) if FAILING else g * 2)


def hooked(x):
    x.register_hook(lambda _g: fail() if FAILING else None)
    return x


def assigned(x):
    t = x * 1
    t[0 if not FAILING else 7] = x[1]
    return t


def assigned_to_a_view(x):
    t = np.stack([x, x])
    row = t[1]
    row[1:] = np.ones(5 if FAILING else len(x) - 1)
    return t[0] + row


def in_a_block(x):
    with ag.no_grad(), ag.keep(), ag.scope("deep"):
        scale = ag.grad(lambda u: np.sum(broken_forward(u)))(np.ones(3))
    return x * scale


FAULTS = {
    "in the function": lambda x: fail() if FAILING else x,
    "in a primitive's forward": broken_forward,
    "in a rule": broken_rule,
    "in a rule's shape": broken_shape,
    "in a hook": lambda x: hooked(x * 1),
    "in __setitem__": assigned,
    "in __setitem__ of a view": assigned_to_a_view,
    "inside blocks": in_a_block,
    "in a checkpoint": ag.checkpoint(broken_rule),
    "in a gradient inside": lambda x: x * ag.grad(lambda v: np.sum(broken_rule(v) * x))(np.ones(3)),
    "in NumPy": lambda x: np.linalg.inv(np.outer(x.detach(), x) * (0 if FAILING else 1) + np.eye(3) * (not FAILING))[0],
}


@pytest.mark.parametrize("retain_graph", [True, False])
@pytest.mark.parametrize("name", FAULTS)
def test_an_error_leaves_everything_as_it_was(name, retain_graph):
    """State, table, every leaf's `.grad`: a sweep that raises has changed none of them, though it had reached some."""
    FAILING.clear()
    first, last, fault = leaf(np.arange(1.0, 4)), leaf(np.arange(2.0, 5)), FAULTS[name]

    def loss():
        return np.sum(np.exp(fault(first * first) / 10) * last + first * last)

    loss().backward()
    before = first.grad, last.grad
    entries = dict(TABLE)
    FAILING[1] = True
    with pytest.raises((MineError, IndexError, ValueError, errors.RuleError, np.linalg.LinAlgError)):
        loss().backward(retain_graph=retain_graph)
    assert (first.grad, last.grad)[0] is before[0] and last.grad is before[1]
    assert entries == TABLE and current.get() == State()
    FAILING.clear()
    with pytest.raises(MineError):  # and outside what is differentiated
        ag.vjp(lambda x: fail(), np.ones(3))
    kept = before[0].copy(), before[1].copy()
    loss().backward(retain_graph=retain_graph)
    np.testing.assert_array_equal(first.grad, 2 * kept[0])
    np.testing.assert_array_equal(last.grad, 2 * kept[1])


def test_a_sweep_that_cannot_add_to_one_gradient_adds_to_none():
    a, b = leaf(np.ones(2), name="a"), leaf(np.ones(2), name="b")
    for x, y in ((a, b), (b, a)):
        x.grad, y.grad = np.ones(2), np.ones(3)
        with pytest.raises(errors.ShapeError, match=r"[ab] has shape \(2,\).*\(3,\).*zero_grad"):
            (a * b).sum().backward()
        np.testing.assert_array_equal(x.grad, 1)
        np.testing.assert_array_equal(y.grad, np.ones(3))
        x.grad = y.grad = None


def test_what_is_added_to_an_assigned_gradient_has_the_leafs_dtype():
    w = leaf(np.float32([1, 2]))
    w.grad = np.zeros(2)  # such as a clipped gradient may be
    (w * w).sum().backward()
    assert w.grad.dtype == np.float32
    np.testing.assert_array_equal(w.grad, [2, 4])
    w.grad = 0
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad, [2, 4])


def test_a_leaf_that_was_frozen_and_thawed_in_one_graph_gets_both_parts():
    w = leaf(3.0)
    y = w * w
    w.requires_grad = False
    w.requires_grad = True
    (y + 5 * w).backward()
    assert w.grad == 11
    (y + 5 * w).backward()
    assert w.grad == 22


# --- interrupted at any line -------------------------------------------------------------------------------------


def interrupted_at(k, function, where):
    """Call a function and interrupt it at its k-th line in the package; return whether it got that far.

    Not at the edges of a with-block: there Python may be interrupted between the block and `__enter__` or `__exit__`,
    and nobody can mend it.
    """
    count = itertools.count(1)

    def trace(frame, event, _arg):
        file, line = frame.f_code.co_filename, frame.f_lineno
        if event != "line" or any(linecache.getline(file, n).lstrip().startswith("with ") for n in (line - 1, line)):
            return trace
        if next(count) == k:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    def start(frame, _event, _arg):
        inside = frame.f_code.co_filename.endswith(where)
        return trace if inside and frame.f_code.co_name not in ("__enter__", "__exit__", "entered", "changed") else None

    outer = sys.gettrace()
    sys.settrace(start)
    try:
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(outer)
    return False


FILES = ("tensor.py", "graph.py", "recording.py", "checkpointing.py", "table.py", "transforms.py")


def lines(function):
    """Numbers of the lines at which a function may be interrupted, until it is not interrupted any more."""
    for k in itertools.count(1):
        if not interrupted_at(k, function, FILES):
            return
        yield k


def test_backward_interrupted_at_any_line_sets_all_gradients_or_none():
    a, b, c = leaf(2.0), leaf(3.0), leaf(5.0)

    def sweep():
        (a * b + ag.checkpoint(np.sin)(c) * a).backward(retain_graph=False)

    outcomes = set()
    for _ in lines(sweep):
        outcomes.add(tuple(x.grad is not None for x in (a, b, c)))
        assert current.get() == State()
        for x in (a, b, c):
            x.grad = None
    assert outcomes <= {(False,) * 3, (True,) * 3} and len(outcomes) >= 1
    for x in (a, b, c):
        x.grad = None
    sweep()
    assert (a.grad, b.grad, c.grad) == (3 + np.sin(5), 2, 2 * np.cos(5))


def test_assignment_interrupted_at_any_line_can_be_made_again():
    w = leaf(np.arange(3.0))
    outcomes = set()

    def assign():
        nonlocal t
        t[1] = w[2] * 10

    t = w * 2
    before = t.data
    for _ in lines(assign):
        outcomes.add(float(t.data[1]))
        value = float(ag.gradients((t * t).sum(), w)[1])  # node and value belong together: not one old and one new
        assert value == (8.0 if t.data is before else 0.0)
        t = w * 2
        before = t.data
    t = w * 2
    assign()
    np.testing.assert_array_equal(t.data, [0, 20, 4])


def test_writing_interrupted_at_any_line_is_noticed_if_it_was_done():
    w = leaf(np.arange(3.0))

    def write():
        w.data = np.ones(3)

    y = (w * w).sum()
    for _ in lines(write):
        if w.data[0] == 1:
            with pytest.raises(errors.OverwrittenError):
                y.backward()
        w.data = np.arange(3.0)
        y = (w * w).sum()


def test_training_goes_on_after_an_interrupt():
    model, x = nn.MLP([2, 3, 1], rng=0), np.ones((4, 2))
    twin = nn.MLP([2, 3, 1], rng=0)

    def step(model):
        model.zero_grad()
        np.mean(model(x) ** 2).backward(retain_graph=False)
        return [p.grad for p in model.parameters()]

    for k in range(1, 400, 7):
        interrupted_at(k, lambda: step(model), (*FILES, "module.py", "layers.py"))
    assert current.get() == State()
    for got, expected in zip(step(model), step(twin), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_write_that_overflows_half_way_is_noticed():
    """NumPy may raise when it has copied a part; the value is another one then."""
    w = leaf(np.ones(4, np.float32))
    y = (w * w).sum()
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        w.data = np.array([5.0, 1e300, 5.0, 5.0])
    with pytest.raises(errors.OverwrittenError):
        y.backward()


# --- subclasses that have a say ----------------------------------------------------------------------------------


class Equal(ag.Tensor):
    """A subclass that is compared by value, and so has no hash."""

    def __eq__(self, other):
        return bool(np.all(self.data == other.data))


class Hashed(Equal):
    """The same with a hash, by value."""

    def __hash__(self):
        return hash(self.data.tobytes())


@pytest.mark.parametrize("kind", [Equal, Hashed])
def test_a_gradient_goes_to_its_tensor_and_not_to_one_that_is_equal(kind):
    a, b = (kind(np.ones(2), requires_grad=True) for _ in range(2))
    (2 * a + 3 * b).sum().backward()
    assert a.grad.tolist() == [2, 2] and b.grad.tolist() == [3, 3]


class Clipped(ag.Tensor):
    """A subclass whose gradient is a property."""

    __slots__ = ("kept",)

    @property
    def grad(self):
        return getattr(self, "kept", None)

    @grad.setter
    def grad(self, value):
        self.kept = None if value is None else np.clip(value, -1, 1)


class Watched(ag.Tensor):
    """A subclass that looks at what is set."""

    def __setattr__(self, name, value):
        if name == "grad" and value is not None:
            self.__dict__.setdefault("seen", []).append(value.tolist())
        super().__setattr__(name, value)


def test_a_gradient_is_set_as_the_subclass_says():
    clipped, watched, usual = (kind(np.ones(2), requires_grad=True) for kind in (Clipped, Watched, ag.Tensor))
    for _ in range(2):
        (5 * clipped + 2 * watched + 3 * usual).sum().backward()
    assert clipped.grad.tolist() == [1, 1]
    assert watched.seen == [[2, 2], [4, 4]] and watched.grad.tolist() == [4, 4]
    assert usual.grad.tolist() == [6, 6]
