"""Threads: what they compute at the same time is what each would compute alone; first uses and shared leaves included.

Threads are switched as often as Python can, so that a race shows; but no test waits for the clock, and each passes
whatever the order in which the threads come to run.
"""

import asyncio
import contextvars
import importlib
import itertools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import dispatch, table
from autograd_mini.recording import State, current, is_recording
from autograd_mini.table import TABLE

THREADS = 8
A = np.random.default_rng(0).uniform(0.5, 1.5, (3, 3))
INHERITS = bool(getattr(sys.flags, "thread_inherit_context", False))  # Python 3.14, its free-threaded build by default


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


@pytest.fixture(autouse=True)
def frequent_switching():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.fixture
def scratch_table():
    """Take out again what a test puts into the table."""
    before = dict(TABLE)
    yield
    for function in TABLE.keys() - before.keys():
        del TABLE[function]


def together(work, count=THREADS):
    """Run ``work(i)`` in so many threads, all begun before any goes on; return the results or raise the first error."""
    barrier = threading.Barrier(count)

    def run(i):
        barrier.wait()
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run, i) for i in range(count)]]


# --- each computes what it would compute alone -------------------------------------------------------------------

SHARED = leaf(A, name="shared")
MODEL = nn.MLP([3, 4, 2], rng=0)


@ag.primitive
def cube(x):
    return x * x * x


ag.defvjp(cube, lambda g, _y, x: 3 * g * x * x)


def hooked(x):
    t = leaf(x)
    y = t * t
    hook = y.register_hook(lambda g: np.clip(g, -0.5, 0.5))
    (y * y).sum().backward()
    hook.remove()
    return t.grad


def closure(x):
    """A gradient inside, whose result depends on a shared Parameter; and the gradient by that."""
    slope = ag.grad(lambda v: np.sum(np.tanh(SHARED @ v) * v))(x)
    return ag.gradients((slope * slope).sum(), SHARED)


def of_the_model(x):
    return ag.gradients(np.sum(MODEL(x) ** 2), MODEL.parameters())


def assigned(x):
    t = ag.Tensor(np.zeros(3))
    v = leaf(x)
    for i in range(3):
        t[i] += v[i] * SHARED[i, i]
    return ag.gradients((t * t).sum(), [v, SHARED])


KINDS = {
    "grad of grad of grad": lambda x: ag.grad(lambda u: u * ag.grad(lambda v: ag.grad(cube)(u * v) * v)(u))(x[0]),
    "closure over a shared leaf": closure,
    "a shared model": of_the_model,
    "jvp": lambda x: ag.jvp(lambda v: np.exp(A @ v) * v[0], (x,), (x,)),
    "hessian": lambda x: ag.hessian(lambda v: np.sum(np.sin(v) * np.prod(v)))(x),
    "checkpoint": lambda x: ag.hvp(ag.checkpoint(lambda v: np.sum(np.tanh(A @ v) ** 3)), x, x),
    "primitive": lambda x: ag.jacobian(lambda v: cube(A @ v))(x),
    "hook": hooked,
    "assignment": assigned,
    "no_grad": lambda x: ag.no_grad()(lambda v: ag.grad(lambda u: np.sum(u * u * v))(v))(x),
}


def same(a, b):
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and np.array_equal(a, b)


def test_3200_results_of_eight_threads_are_those_of_one():
    """HIPS autograd's shared trace stack got 414 of 3,200 wrong."""
    points = [np.random.default_rng(i).uniform(0.5, 1.5, 3) for i in range(THREADS)]
    alone = {(kind, i): f(x) for kind, f in KINDS.items() for i, x in enumerate(points)}

    def work(i):
        kinds = [*KINDS, *KINDS][i : i + len(KINDS)]  # each thread in another order
        return [same(KINDS[kind](points[i]), alone[kind, i]) for _ in range(40) for kind in kinds]

    results = [r for several in together(work) for r in several]
    assert len(results) == 3200 and all(results)


def test_gradients_of_many_threads_add_up_in_a_shared_leaf():
    """`w.grad = w.grad + g` in two threads at once would lose one of the two."""
    w = leaf(np.zeros(3))

    def work(i):
        for _ in range(100):
            (w * (i + 1.0)).sum().backward()

    together(work)
    np.testing.assert_array_equal(w.grad, 100 * sum(range(1, THREADS + 1)))


def test_one_checkpoint_may_be_swept_by_many_threads_each_with_its_own_cotangent():
    """What a segment found for one sweep is not what another asked for."""
    a, b = leaf(A), leaf(A + 1)
    y = ag.checkpoint(lambda a, b: np.tanh(a @ b) * b)(a, b)
    alone = [ag.gradients(y, [a, b], np.full((3, 3), i + 1.0)) for i in range(THREADS)]

    def work(i):
        return [same(ag.gradients(y, [a, b], np.full((3, 3), i + 1.0)), alone[i]) for _ in range(25)]

    assert all(map(all, together(work)))


def test_two_sweeps_of_one_checkpoint_may_meet_at_any_line():
    """What may happen between two threads, made to happen: at each line of the one sweep the other takes place."""
    a, b = leaf(A), leaf(A + 1)
    y = ag.checkpoint(lambda a, b: np.tanh(a @ b) * b)(a, b)
    one, other = np.ones((3, 3)), np.full((3, 3), 2.0)
    expected = ag.gradients(y, [a, b], one), ag.gradients(y, [a, b], other)

    def meeting_at(k):
        met, count = [], itertools.count(1)

        def trace(_frame, event, _arg):
            if event == "line" and next(count) == k:
                sys.settrace(None)
                met.append(ag.gradients(y, [a, b], other))
            return trace

        outer = sys.gettrace()
        sys.settrace(lambda frame, *_: trace if frame.f_code.co_filename.endswith("checkpointing.py") else None)
        try:
            result = ag.gradients(y, [a, b], one)
        finally:
            sys.settrace(outer)
        assert same(result, expected[0]) and all(same(g, expected[1]) for g in met)
        return met

    assert next(k for k in itertools.count(1) if not meeting_at(k)) > 20


def test_views_of_a_shared_tensor_are_taken_by_many_threads():
    constant = ag.Tensor(A)

    def work(i):
        views = []
        for _ in range(200):
            views = [*views[-20:], constant[i % 3], SHARED.T, SHARED[:1], constant.reshape(-1)]
        return sum(float(v.sum().item()) for v in views)

    assert len(set(together(lambda _: work(0)))) == 1


# --- what is made when it is first used --------------------------------------------------------------------------


def test_rules_that_are_just_being_loaded_by_another_thread_are_waited_for(monkeypatch, tmp_path):
    """The module is in `sys.modules` before it has run: who took that for "loaded" found no rule."""
    (tmp_path / "late_rules_of_a_test.py").write_text(
        "import numpy as np\n"
        "from autograd_mini.table import TABLE\n"
        "import late_events_of_a_test as events\n"
        "events.begun.set()\n"
        "events.go_on.wait()\n"
        "TABLE[np.hypot] = events.entry\n"
    )
    (tmp_path / "late_events_of_a_test.py").write_text(
        "import threading\nbegun, go_on, entry = threading.Event(), threading.Event(), None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    events = importlib.import_module("late_events_of_a_test")
    events.entry = TABLE[np.hypot]
    monkeypatch.setattr(table, "LATE", {"json": "late_rules_of_a_test"})
    monkeypatch.delitem(TABLE, np.hypot)
    monkeypatch.delitem(dispatch.CALLS, np.hypot, raising=False)
    results = []

    def work():
        x = leaf(3.0)
        np.hypot(x, 4.0).backward()
        results.append(float(x.grad))

    first, second = threading.Thread(target=work), threading.Thread(target=work)
    first.start()
    events.begun.wait()
    second.start()
    second.join(0.2)  # enough for it to fail in; if it comes later, it finds all in place
    events.go_on.set()
    first.join()
    second.join()
    monkeypatch.delitem(sys.modules, "late_rules_of_a_test")
    assert results == [0.6, 0.6]


def test_first_uses_of_rules_in_many_threads():
    """Calls, plans, bound arguments: all that is looked up once and kept."""
    programs = [
        (lambda x: np.sum(np.concatenate([x, x[:1], x * 2], axis=0, dtype=float) ** 2), np.concatenate),
        (lambda x: np.sum(np.where(x > 1, np.roll(x, shift=1, axis=0), x) * np.flip(x, axis=-1)), np.roll),
        (lambda x: np.sum(np.einsum("ij,jk->ik", x, x) * np.cumsum(x, axis=1)), np.cumsum),
        (lambda x: np.prod(x, axis=None, keepdims=False) + np.max(x, axis=(0, 1)), np.prod),
        (lambda x: np.sum(np.linalg.solve(x + 3 * np.eye(3), x)) + np.linalg.norm(x, ord=None), np.linalg.solve),
        (lambda x: np.sum(np.hypot(x, 2.0) + np.logaddexp(x, x.T) / np.expm1(x)), np.hypot),
    ]
    expected = [ag.grad(f)(A) for f, _ in programs]

    def forget():
        for entry in TABLE.values():
            if isinstance(entry, table.Rule):
                entry._plans.clear()
                entry._spellings.clear()
                for kept in ("parameters", "optional", "rest", "_signature"):
                    entry.__dict__.pop(kept, None)
        dispatch.CALLS.clear()
        dispatch._OUT.clear()

    for _ in range(10):
        forget()
        results = together(lambda i: [same(ag.grad(programs[j][0])(A), expected[j]) for j in np.roll(range(6), i)])
        assert all(map(all, results))


@pytest.mark.usefixtures("scratch_table")
def test_a_new_primitive_is_used_by_many_threads_at_once():
    for n in range(30):

        @ag.primitive
        def scaled(a, b, factor=1.0):
            return a * b * factor

        ag.defvjp(  # operands under names of their own, which the first call sorts out
            scaled,
            lambda g, _y, _u, v, *, factor=1.0: g * v * factor,
            lambda g, _y, u, _v, *, factor=1.0: g * u * factor,
        )
        function, factor = scaled, float(n)
        results = together(lambda i, f=function, c=factor: ag.grad(lambda x: f(b=x * i, a=x, factor=c))(3.0))
        assert results == [6.0 * i * factor for i in range(THREADS)]


@pytest.mark.usefixtures("scratch_table")
def test_rules_may_be_added_while_other_threads_work():
    def work(i):
        for n in range(20):

            @ag.primitive
            def own(x):
                return x * n  # noqa: B023 (used in this round only)

            ag.defvjp(own, lambda g, _y, _x: g * n)  # noqa: B023
            assert ag.grad(lambda x: own(np.sinh(x) * i))(0.0) == n * i
        return True

    assert all(together(work))


# --- the state of recording belongs to one thread ----------------------------------------------------------------


def seen_in_a_thread():
    states = []
    thread = threading.Thread(target=lambda: states.append(current.get()))
    thread.start()
    thread.join()
    return states[0]


@pytest.mark.parametrize("block", [ag.no_grad, ag.keep, lambda: ag.scope("s")])
def test_a_thread_that_is_started_inside_a_block_has_the_default_state(block):
    with block():
        outside = current.get()
        assert seen_in_a_thread() == (outside if INHERITS else State())
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(current.get).result() == (outside if INHERITS else State())
            assert pool.submit(contextvars.copy_context().run, current.get).result() is outside


def test_asyncio_hands_the_state_to_its_threads_and_tasks():
    async def main():
        with ag.no_grad():
            task = asyncio.create_task(later())
            inside = await asyncio.to_thread(is_recording)
        return inside, await asyncio.to_thread(is_recording), await task, is_recording()

    async def later():
        await asyncio.sleep(0)
        return is_recording()

    assert asyncio.run(main()) == (False, True, False, True)


def test_a_worker_of_a_pool_keeps_no_state_from_one_call_to_the_next():
    def fails():
        with ag.no_grad(), ag.scope("s"):
            raise KeyError

    def ends():
        with ag.keep():
            return current.get().keep

    with ThreadPoolExecutor(1) as pool:
        assert isinstance(pool.submit(fails).exception(), KeyError)
        assert pool.submit(ends).result() is True
        assert pool.submit(current.get).result() == (State() if not INHERITS else current.get())
