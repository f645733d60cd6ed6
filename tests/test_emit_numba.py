"""The listing for numba: it computes what the program computes, and writes to nothing but its own memory.

Most programs are run by Python from the very code that numba would compile, which takes no seconds; a few are compiled.
"""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import emit_numba, numba_files
from autograd_mini.emit_numba import Emitter, emit
from autograd_mini.errors import TraceError
from autograd_mini.numba_steps import Unfit
from autograd_mini.tracing import fresh, trace

from . import interpreted
from .programs.draw import ALL, draw
from .test_emit_numpy import functions, judge, numbers, same, wants

numba = pytest.importorskip("numba", reason="numba is not installed: pip install 'autograd-mini[jit]'")

F8, F4 = np.float64, np.float32


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """One folder for the whole session, so that nothing is compiled twice."""
    folder = tmp_path_factory.getbasetemp() / "numba"
    monkeypatch.setenv("AUTOGRAD_MINI_CACHE", str(folder))
    return folder


@pytest.fixture
def by_python(monkeypatch):
    monkeypatch.setattr(emit_numba, "loaded", interpreted.loaded)


def fused(f, *examples, tolerance=1e-12):
    """The listing of f, which must be fused, held to the program step by step; results are looked at twice."""
    with np.errstate(all="ignore"):
        program = trace(f)(*examples[0])
    listing = Emitter(program, {}, {}).listing()
    results = []
    for arrays in (*examples, *examples[::-1]):
        given = [np.array(a) for a in arrays]
        for a in given:
            a.flags.writeable = False
        with np.errstate(all="ignore"):
            expected = wants(program, given)
        got = listing.run(*given)
        assert type(got) is tuple and len(got) == len(expected)
        for a, b in zip(got, expected, strict=True):
            same(a, b, 1e-5 if np.asarray(b).dtype == F4 else tolerance)
            assert not any(np.shares_memory(a, x) for x in given)
        results.append((got, [np.array(a) for a in got]))
    for got, copies in results:
        for a, b in zip(got, copies, strict=True):
            same(a, b)
    return listing


def kernels(listing):
    return listing.text.count("@njit") - 1


SPECIAL = np.array([0.0, -0.0, 1.0, -1.5, np.nan, np.inf, -np.inf, 3e38, 1e-40])
UNARY = [
    np.negative, np.positive, np.absolute, np.square, np.sqrt, np.sign, np.exp, np.log, np.tanh, np.sin, np.arctan,
    np.expm1, np.reciprocal, np.floor, np.isnan, np.isfinite, np.isinf, np.logical_not, np.signbit, np.cbrt,
]  # fmt: skip
BINARY = [
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.less, np.less_equal, np.greater,
    np.greater_equal, np.equal, np.not_equal, np.arctan2, np.hypot, np.power, np.fmod, np.logical_and, np.logical_or,
    np.logaddexp, np.copysign, np.fmax, np.heaviside,
]  # fmt: skip
WHOLE = [
    np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.less, np.equal, np.bitwise_and, np.bitwise_or,
    np.bitwise_xor, np.floor_divide, np.remainder, np.divide,
]  # fmt: skip
TRUTH = [np.add, np.multiply, np.logical_and, np.logical_or, np.bitwise_xor, np.equal, np.maximum, np.less]


@pytest.mark.parametrize("dtype", [F8, F4])
@pytest.mark.parametrize("f", UNARY, ids=lambda f: f.__name__)
@pytest.mark.usefixtures("by_python")
def test_functions_of_one_number(f, dtype):
    x = SPECIAL.astype(dtype)
    fused(lambda x: (f(x), x * dtype(2)), [x], [x[::-1]])
    fused(lambda x: (f(x), x * dtype(2)), [x[:2]], [x[3:5]])  # through the C library where there is no other way


@pytest.mark.parametrize("dtype", [F8, F4])
@pytest.mark.parametrize("f", BINARY, ids=lambda f: f.__name__)
@pytest.mark.usefixtures("by_python")
def test_functions_of_two_numbers(f, dtype):
    x, y = (np.ravel(a).astype(dtype) for a in np.meshgrid(SPECIAL, SPECIAL))
    fused(lambda x, y: (f(x, y), x - y), [x, y], [y, x])
    fused(lambda x, y: (f(x[:, None], y), f(x, 0.5), f(2, x)), [x[:5], y[:4]])


@pytest.mark.parametrize("f", WHOLE, ids=lambda f: f.__name__)
@pytest.mark.usefixtures("by_python")
def test_whole_numbers(f):
    a, b = np.array([1, 2, -7, 100]), np.array([3, -2, 5, 7])
    for dtype in (np.int64, np.int32, np.int8, np.uint8):
        x, y = a.astype(dtype), b.astype(dtype)
        fused(lambda x, y: (f(x, y), f(x[:, None], y), 0.5 * f(x, y)), [x, y], [x[::-1], y])


@pytest.mark.parametrize("f", TRUTH, ids=lambda f: f.__name__)
@pytest.mark.usefixtures("by_python")
def test_truth(f):
    fused(lambda x, y: (f(x > 0, y > 0), x * f(x > 0, y > 0)), *numbers((5,), (4, 5)))


SHAPES = [
    ("a row and a column", lambda x, r, c, s: (x + r) * c - s),
    ("0-d arrays", lambda x, r, c, s: s * 2.0 + np.sum(x) * s),
    ("views", lambda x, r, c, s: x.T[1:, ::-1] * c[:, 0] + x.reshape(5, 4)[:4] + s),
    ("a turned one", lambda x, r, c, s: (np.sin(x.T) * s).ravel() + x.ravel()),
    ("flipped, rolled into shape", lambda x, r, c, s: np.flip(x * s).swapaxes(0, 1).reshape(-1)[::3]),
    ("outer", lambda x, r, c, s: np.outer(r, c[:, 0]) * s),
    ("sums over axes", lambda x, r, c, s: (x.sum(0), x.sum(1), x.sum(), (x * r).sum(0, keepdims=True), x.sum((0, 1)))),
    ("greatest", lambda x, r, c, s: (x.max(0), x.max(1, keepdims=True), x.min(), np.max(x * s, axis=1))),
    ("products over axes", lambda x, r, c, s: (np.prod(x, axis=0), np.prod(x, axis=1), np.prod(x))),
    ("any and all", lambda x, r, c, s: (x * np.any(x > 0, axis=0), x * np.all(x > -1, axis=1, keepdims=True))),
    ("where", lambda x, r, c, s: (np.where(x > 0, x, r), np.where(x > s, 1.0, c), np.where(x > 0, x, 0))),
    ("joined", lambda x, r, c, s: np.concatenate([x * 2, x + r])),
    ("joined flat", lambda x, r, c, s: np.concatenate([(x * s).ravel(), r * s, c.ravel(), (x * 2).T.ravel()])),
    ("stacked", lambda x, r, c, s: (np.stack([x, x * s]), np.stack([x * 2, x + r], axis=1), np.stack([r[0], s]))),
    ("sums of some", lambda x, r, c, s: (np.sum(x, where=np.eye(4, 5) > 0), np.prod(x, axis=0, where=x > c))),
    ("joined beside", lambda x, r, c, s: np.concatenate([x * 2, c * s], axis=1)),
    ("the same twice, and an argument", lambda x, r, c, s: (x * 2, x * 2, x, r, x.T, (x * s).T)),
    ("products of matrices", lambda x, r, c, s: (x @ x.T, x.T @ x, x @ r, r @ x.T, r @ r, np.dot(x, r) * s)),
    ("products of every second column", lambda x, r, c, s: x[:, ::2] @ x.T[::2]),
    ("softmax", lambda x, r, c, s: nn.softmax(x * s)),
    ("stacks of matrices", lambda x, r, c, s: np.broadcast_to(x, (3, 4, 5)) @ x.T * s),
    ("a constant", lambda x, r, c, s: x * np.arange(5.0) + np.ones((4, 5)) - np.eye(4, 5)),
    ("other dtypes", lambda x, r, c, s: (x.astype(F4) * F4(3), (x > 0) * x, x + np.arange(5))),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [F8, F4])
@pytest.mark.parametrize(("what", "f"), SHAPES, ids=[what for what, _ in SHAPES])
@pytest.mark.usefixtures("by_python")
def test_arrays(what, f, dtype):
    assert what
    fused(f, *numbers((4, 5), (5,), (4, 1), (), dtype=dtype))


@pytest.mark.usefixtures("by_python")
def test_long_rows_are_added_as_numpy_adds_them():
    x = numbers((3, 1000), dtype=F4)
    listing = fused(lambda x: (np.sum(x * x, axis=1), np.max(x * x, axis=1), np.sum(x * 3)), *x)
    (x,) = x[0]
    got = listing.run(x)
    assert (got[0] == np.sum(x * x, axis=1)).all() and got[2] == np.sum(x * 3)


@pytest.mark.usefixtures("by_python")
def test_nothing_is_computed_of_nothing():
    fused(lambda x: (np.exp(x) * 2, np.sum(x * 3), np.sum(x * 3, axis=0), x.T @ x, x @ x.T), [np.zeros((0, 3))])
    fused(lambda x, y: np.sum(x @ y), [np.zeros((2, 0)), np.zeros((0, 2))])


@pytest.mark.usefixtures("by_python")
def test_entries_by_number_and_their_gradients():
    z, rows, y = np.arange(12.0).reshape(4, 3), np.arange(4), np.array([2, 0, 1, -1])

    def f(z, y):
        return np.sum(np.square(z[rows, y])), z[y] * 2.0, np.sum(z[y, 1]), z[y, :]

    fused(f, [z, y])
    fused(
        ag.value_and_grad(lambda z, y: np.sum(np.square(z[rows, y]) + z[y, 0] ** 2)),
        [z, y],
        [z, np.array([1, 1, 1, 1])],
    )
    fused(ag.grad(lambda z: np.sum(z[1:, 0] * z[0, 0] ** 2)), [z])


@pytest.mark.usefixtures("by_python")
def test_an_index_out_of_range_raises_what_numpy_raises():
    z, rows = np.arange(12.0).reshape(4, 3), np.arange(4)
    listing = fused(ag.value_and_grad(lambda z, y: np.sum(z[rows, y])), [z, np.array([2, 0, 1, -1])])
    for y in ([0, 0, 3, 0], [0, -4, 0, 0]):
        with pytest.raises(IndexError, match="out of bounds for axis 1 with size 3"):
            listing.run(z, np.array(y))


@pytest.mark.usefixtures("by_python")
def test_assignment():
    def f(x, v):
        t = x * 2.0
        t[1:, 0] = v
        t[0] = 7.0
        return t + 1.0

    fused(f, *numbers((3, 2), (2,)))


@pytest.mark.usefixtures("by_python")
def test_a_call_while_another_one_runs_goes_another_way():
    listing = fused(lambda x: (np.exp(x) * 2.0, np.sum(x * x)), *numbers((3, 4)))
    ((x,), _) = numbers((3, 4))
    expected = listing.run(x)
    space = listing.run.__globals__
    assert space["acquire"](False)
    space["main"] = None  # it must not be called
    try:
        for a, b in zip(listing.run(x), expected, strict=True):
            same(a, b, 1e-12)
    finally:
        space["release"]()


@pytest.mark.usefixtures("by_python")
def test_what_a_function_closes_over_is_read_anew():
    """Arrays that can be written to where they lie; numbers, and arrays that lie in strides or are read-only."""
    plain, number = ag.Tensor(np.arange(6.0).reshape(2, 3)), ag.Tensor(3.0)
    wide, locked = ag.Tensor(np.zeros((2, 3))), ag.Tensor(np.arange(6.0).reshape(2, 3) + 1)
    wide.data = np.arange(12.0).reshape(3, 4).T[::2]
    locked.data.flags.writeable = False
    fast = ag.compile(lambda x: (x * plain + wide) * locked * number, backend="numba")
    x = np.ones((2, 3))
    for _ in range(2):
        same(fast(x), (x * plain.data + wide.data) * locked.data * number.data)
        plain.data[...] += 1.0
        wide.data[...] *= 2.0
    assert "no fused form" not in fast.source()


@pytest.mark.usefixtures("by_python")
def test_what_is_not_kept_has_no_memory():
    """A chain of 60 steps is one loop, with no array but argument and result."""

    def chain(x):
        y = x
        for _ in range(30):
            y = y * x + 0.5
        return y

    listing = fused(chain, *numbers((7,)))
    assert kernels(listing) == 1 and "work_" not in listing.text


@pytest.mark.usefixtures("by_python")
def test_like_loops_share_a_kernel():
    def layers(x, *ws):
        for w in ws:
            x = np.maximum(x @ w, 0)
        return x

    listing = fused(layers, *numbers((3, 4), (4, 5), (5, 6), (6, 7), (7, 2)))
    assert kernels(listing) == 3  # the product, and its loop into working memory, or into the result


@pytest.mark.usefixtures("by_python")
def test_what_has_no_fused_form_is_said_and_runs():
    listing = emit(trace(lambda x: np.linalg.inv(x) * 2.0)(np.eye(2)), {}, {})
    assert listing.text.startswith("# np.linalg.inv has no fused form: this program runs without numba\n")
    same(listing.run(np.eye(2))[0], 2.0 * np.eye(2))
    rng = np.random.default_rng(0)
    listing = emit(trace(lambda x: x * fresh(rng.random, 2))(np.ones(2)), {}, {})
    assert "random has no fused form" in listing.text.splitlines()[0]


def test_a_very_long_program_is_left_to_numpy():
    def long(x):
        for _ in range(501):
            x = np.sin(x) * 2.0
        return x

    assert emit(trace(long)(np.ones(2)), {}, {}).text.startswith("# 1002 steps would take numba a minute: this")


def test_what_numba_does_not_compile_runs_in_numpy(monkeypatch):
    def loaded(*_args):
        raise numba.core.errors.TypingError("no")

    monkeypatch.setattr(emit_numba, "loaded", loaded)
    listing = emit(trace(lambda x: np.exp(x) * 2.0)(np.ones(2)), {}, {})
    assert listing.text.startswith("# numba does not compile it (TypingError): this program runs without numba\n")
    same(listing.run(np.ones(2))[0], 2.0 * np.exp(np.ones(2)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("by_python")
@pytest.mark.parametrize("part", range(2))
def test_random_programs(part):
    """What is fused is computed, three times with other values."""
    count = Counter()
    for seed in range(1000 + 60 * part, 1060 + 60 * part):
        drawn, _ = draw(seed, ALL, 5)
        for f in functions(drawn):
            with np.errstate(all="ignore"):
                try:
                    program = trace(f)(*drawn.leaves)
                except (TraceError, NotImplementedError, TypeError):
                    continue
                count["recorded"] += 1
                try:
                    listing = Emitter(program, {}, {}).listing()
                except Unfit:
                    continue
                count["fused"] += 1
                judge(program, listing, drawn.leaves)
    assert count["fused"] >= 0.2 * count["recorded"] and count["fused"] > 15, count


# --- compiled by numba ----------------------------------------------------------------------------------------------


def mixed(x, w, r, k, s):
    """Something of all kinds."""
    z = np.tanh(x @ w) + r
    m = np.where(z > 0, z, 0.5 * z) * s
    e = np.exp(m - m.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return np.sum(p[np.arange(4), k] * 2.0) + np.sum(np.abs(m).sum(axis=0) * (k[:3] > 0)), p.T[::-1], (k * 2) % 3


@pytest.mark.parametrize("dtype", [F8, F4])
def test_compiled(dtype):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=s).astype(dtype) for s in ((4, 6), (6, 3), (3,))]
    examples = [[*arrays, np.array(k), dtype(2.5)] for k in ([0, 1, 2, 1], [2, 2, 2, -1])]
    listing = fused(lambda *a: (mixed(*a), ag.grad(lambda *b: mixed(*b)[0], argnums=(0, 1, 2))(*a)), *examples)
    x, *rest = examples[0]
    same(listing.run(np.asfortranarray(x), *rest)[0], listing.run(x, *rest)[0])
    wide = np.zeros((8, 12), dtype)
    wide[::2, ::2] = x
    same(listing.run(wide[::2, ::2], *rest)[0], listing.run(x, *rest)[0])
    nan = np.full_like(x, np.nan)
    assert np.isnan(listing.run(nan, *rest)[0])
    with pytest.raises(IndexError, match="out of bounds"):
        listing.run(*arrays, np.array([0, 1, 2, 3]), dtype(2.5))


def model(dtype):
    return nn.MLP([5, 4, 3], rng=0, dtype=dtype)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [(lambda p: nn.SGD(p, lr=0.1), F4), (lambda p: nn.Adam(p, lr=0.01), F8)],
    ids=["SGD", "Adam"],
)
def test_training_steps_are_those_of_numpy(make, dtype):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 5)).astype(dtype), rng.integers(0, 3, 6)
    models = [model(dtype), model(dtype)]
    optimizers = [make(m.parameters()) for m in models]
    steps = [
        nn.compile_step(m, nn.cross_entropy, o, backend=backend)
        for m, o, backend in zip(models, optimizers, ("numpy", "numba"), strict=True)
    ]
    tolerance = 1e-5 if dtype is F4 else 1e-12
    for k in range(20):
        for optimizer in optimizers:
            optimizer.lr = 0.1 / (k + 1)  # it is read anew
        a, b = (step(x, y) for step in steps)
        assert abs(a - b) <= tolerance * abs(a)
    assert "njit" in steps[1].source() and "no fused form" not in steps[1].source()
    for p, q in zip(*(m.parameters() for m in models), strict=True):
        same(q.data, p.data, tolerance)
    before = [p.data.copy() for p in models[1].parameters()]
    messages = []
    for step in steps:
        with pytest.raises(Exception, match="3") as error:
            step(x, np.array([0, 1, 2, 3, 0, 0]))
        messages.append((type(error.value), str(error.value)))
    assert messages[0] == messages[1]
    for p, old in zip(models[1].parameters(), before, strict=True):
        np.testing.assert_array_equal(p.data, old)  # nothing was written


def test_results_are_written_where_they_shall_be():
    """Two vectors change places, and one is computed of itself turned round."""
    a, b, c = np.arange(3.0), np.arange(3.0, 6.0), np.arange(3.0)
    fast = ag.compile(
        lambda x: (ag.Tensor(b) * 1.0, ag.Tensor(a) * 1.0, ag.Tensor(c)[::-1] + x),
        backend="numba",
        into={0: a, 1: b, 2: c},
    )
    fast(np.ones(3))
    np.testing.assert_array_equal([a, b, c], [[3, 4, 5], [0, 1, 2], [3, 2, 1]])


# --- the cache ------------------------------------------------------------------------------------------------------

PROGRAM = """
import sys, numpy as np, autograd_mini as ag, numba
fast = ag.compile(lambda x: np.sum(x * 3.0 + 1.0), backend="numba")
assert fast(np.arange(4.0)) == 22.0, fast(np.arange(4.0))
name = next(n for n in sys.modules if n.startswith("autograd_mini_program_"))
found = [f for f in vars(sys.modules[name]).values() if isinstance(f, numba.core.dispatcher.Dispatcher)]
print(sum(sum(f.stats.cache_hits.values()) for f in found), sum(sum(f.stats.cache_misses.values()) for f in found))
"""


def in_another_process(folder):
    environment = {**os.environ, "AUTOGRAD_MINI_CACHE": str(folder)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [int(n) for n in done.stdout.split()]


def test_compiled_code_is_kept_and_what_was_damaged_is_not_used(tmp_path):
    folder = tmp_path / "kept"
    hits, misses = in_another_process(folder)
    assert hits == 0 and misses > 0
    assert in_another_process(folder) == [misses, 0]
    for file in (folder / "__pycache__").iterdir():
        file.write_bytes(file.read_bytes()[:-7] + b"damaged")
    assert in_another_process(folder) == [0, misses]
    assert in_another_process(folder) == [misses, 0]


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions are those of POSIX")
def test_a_folder_that_others_may_write_to_is_not_used(tmp_path, monkeypatch):
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv("AUTOGRAD_MINI_CACHE", str(folder))
    assert numba_files.loaded("def f(): return 3\n", "f", "f")() == 3
    assert not list(folder.iterdir())
    monkeypatch.setenv("AUTOGRAD_MINI_CACHE", str(tmp_path / "a file"))
    (tmp_path / "a file").write_text("")
    assert numba_files.loaded("def f(): return 4\n", "f", "f")() == 4


def test_the_file_that_runs_is_the_text(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTOGRAD_MINI_CACHE", str(tmp_path / "kept"))
    assert numba_files.loaded("def f(): return 5\n", "f", "f")() == 5
    (file,) = (tmp_path / "kept").glob("*.py")
    file.write_text("def f(): return 6\n")
    assert numba_files.loaded("def f(): return 5\n", "f", "f")() == 5
    assert file.read_text() == "def f(): return 5\n"
