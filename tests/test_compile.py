"""compile: the same as the function, for every kind of arguments, whatever changes between the calls."""

import copy
import gc
import math
import pickle
import random
import threading
import tracemalloc
import warnings
import weakref
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pytest

import autograd_mini as ag

X = np.array([1.0, 2.0, 3.0])
BIG = np.random.default_rng(0).normal(size=(40, 40))
SIZES = {"floats": np.linspace(0.1, 1, 4).reshape(2, 2), "arrays": BIG}  # on which kind of listing it runs


def assert_same(one, two, rtol=0.0):
    """Hold two results against each other: structure, types of what is no array, shapes, dtypes, values."""
    if isinstance(two, dict):
        assert list(one) == list(two)
        for key in two:
            assert_same(one[key], two[key], rtol)
    elif isinstance(two, (list, tuple)):
        assert type(one) is type(two) and len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            assert_same(a, b, rtol)
    elif isinstance(two, (np.ndarray, np.generic)):
        assert isinstance(one, (np.ndarray, np.generic)), type(one)
        assert (one.shape, one.dtype) == (two.shape, two.dtype)
        np.testing.assert_allclose(one, two, rtol=rtol, atol=rtol, strict=False)
    else:
        assert type(one) is type(two) and one == two


def assert_compiles(f, *calls, rtol=1e-14):
    """Call a function and its compiled form on the same arguments, each twice; return the compiled form."""
    fast = ag.compile(f)
    for args in (*calls, *calls):
        assert_same(fast(*args), f(*args), rtol)
    return fast


# ----------------------------------------------------------------------------------------- what can be compiled


def layer(w, x):
    h = np.tanh(x @ w)
    return np.sum(h * h)


DERIVED = {
    "f itself": layer,
    "grad": ag.grad(layer),
    "grad of both": ag.grad(layer, argnums=(0, 1)),
    "value_and_grad": ag.value_and_grad(layer),
    "jvp": lambda w, x: ag.jvp(lambda w: layer(w, x), (w,), (w,)),
    "vjp": lambda w, x: ag.vjp(lambda w: np.tanh(x @ w), w)[1](x),
    "hvp": lambda w, x: ag.hvp(lambda w: layer(w, x), w, w),
    "grad of grad": ag.grad(lambda w, x: np.sum(ag.grad(layer)(w, x) ** 2)),
}


@pytest.mark.parametrize("a", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("f", DERIVED.values(), ids=DERIVED)
def test_a_function_and_what_is_derived_from_it(f, a):
    fast = assert_compiles(f, (a, a), (a + 1, a[::-1]), rtol=1e-11)
    assert len(fast.entries) == 1


def test_hessian_and_jacobian():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    assert_compiles(ag.hessian(rosenbrock), (X,), (X - 1,), rtol=1e-12)
    assert_compiles(ag.jacobian(lambda x: np.outer(x, np.sin(x))), (X,), rtol=1e-13)


Pair = namedtuple("Pair", ["a", "b"])


def test_arguments_and_results_may_be_trees():
    def f(tree, scale):
        a, b = tree["p"]
        return {"sum": np.sum(a * b) * scale, "pair": Pair(a + b, [tree["q"], scale, "text", None])}

    tree = {"p": Pair(X, X + 1), "q": np.ones(2)}
    fast = assert_compiles(f, (tree, 2.0), (tree, 3.0))
    assert len(fast.entries) == 2
    assert type(fast(tree, 2.0)["pair"]) is Pair


def test_gradients_of_trees_and_what_comes_beside():
    def loss(params, x):
        h = x @ params["w"] + params["b"]
        return np.sum(h * h), {"h": h, "n": 3}

    params = {"w": np.ones((3, 2)), "b": np.zeros(2)}
    assert_compiles(ag.value_and_grad(loss, has_aux=True), (params, np.ones((4, 3))), rtol=1e-13)


def test_results_that_are_no_arrays_or_none_at_all():
    assert ag.compile(lambda x: None)(X) is None
    assert ag.compile(lambda x: "text")(X) == "text"
    assert ag.compile(lambda x: (x, 1, None))(X)[1:] == (1, None)
    assert ag.compile(lambda: np.ones(2) * 2)().tolist() == [2, 2]


# ------------------------------------------------------------------------------------------------- dtypes, shapes


def many(a, b):
    return a * b + a, np.sum(a), a > b, a.astype(float) / 2, np.max(a) if a.dtype.kind != "c" else a[0]


@pytest.mark.parametrize(
    "dtype", ["f8", "f4", "f2", "i8", "i1", "u1", "?", "c8", "c16", "g", ">f8", ">i4"], ids=lambda d: np.dtype(d).str
)
def test_every_dtype_gives_what_numpy_gives(dtype):
    if np.dtype(dtype).kind == "c":
        f = lambda a, b: (a * b + a, np.sum(a), np.abs(a), np.conj(a) @ b)  # noqa: E731
    else:
        f = many
    a = np.array([1, 0, 1, 100]).astype(dtype)
    with np.errstate(over="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert_compiles(f, (a, a[::-1].copy()))


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (2, 0, 3), (1, 1)])
def test_shapes_of_one_number_and_of_none(shape):
    a = np.full(shape, 0.5)
    assert_compiles(lambda a: (np.exp(a) + 1, np.sum(a), a * 2), (a,))
    assert_compiles(ag.value_and_grad(lambda a: np.sum(np.sin(a) * a)), (a,))


def test_numbers_of_python_are_fixed_and_numbers_of_numpy_are_not():
    fast = ag.compile(ag.grad(lambda a: a * a * a))
    for number in (2.0, 3.0, np.float64(2.0), np.float64(3.0), np.float32(2.0)):
        assert_same(np.asarray(fast(number)), np.asarray(ag.grad(lambda a: a * a * a)(number)), 1e-7)
    assert len(fast.entries) == 4


def test_inputs_may_lie_in_any_order_and_be_read_only_and_are_never_written():
    whole = np.zeros((80, 120))
    a = whole[::2, ::3]
    a[...] = BIG
    f = ag.value_and_grad(layer, argnums=(0, 1))
    fast = ag.compile(f)
    expected = f(BIG, BIG)
    locked = BIG.copy()
    locked.flags.writeable = False
    for w in (BIG, a, np.asfortranarray(BIG), locked, BIG.T.copy().T, a[::-1][::-1]):
        before = w.copy()
        assert_same(fast(w, w), expected, 1e-11)
        assert np.array_equal(w, before)
    assert len(fast.entries) == 1


def test_lists_of_numbers_are_no_arrays():
    fast = assert_compiles(lambda a: np.sum(np.asarray(a) * 2.0), ([1.0, 2.0],), ([1.0, 3.0],), (2.0,))
    assert len(fast.entries) == 3


@pytest.mark.parametrize("known", [False, True], ids=["at once", "after a plain array"])
@pytest.mark.parametrize("kind", ["masked", "matrix", "own"])
def test_subclasses_of_arrays_are_refused(kind, known):
    """A matrix multiplies otherwise: the program for arrays would be wrong without a word."""

    class Own(np.ndarray):
        pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        a = {
            "masked": lambda: np.ma.masked_array(np.eye(2), mask=np.eye(2)),
            "matrix": lambda: np.matrix([[1.0, 2.0], [3.0, 4.0]]),
            "own": lambda: np.eye(2).view(Own),
        }[kind]()
    fast = ag.compile(lambda a: a * a)
    if known:
        fast(np.eye(2))
    with pytest.raises(ag.errors.DTypeError, match="an argument is a"):
        fast(a)


def test_a_memory_map_is_an_array(tmp_path):
    a = np.memmap(tmp_path / "a", dtype=float, mode="w+", shape=3)
    a[:] = X
    fast = ag.compile(lambda a: (a * 2, a))
    for result in (*fast(a), *fast(a)):
        assert type(result) is np.ndarray
    assert np.array_equal(fast(a)[0], 2 * X)


# ------------------------------------------------------------------------------------------------- what makes a kind


def test_another_shape_dtype_structure_or_value_is_another_kind():
    fast = ag.compile(lambda a, k=1: np.sum(a[0] if isinstance(a, (list, tuple)) else a) * k)
    kinds = [(X,), (X[:2],), (X.astype("f4"),), ([X],), ((X,),), (X, 2), (X, True), (X, 1.0), (X, np.float64(1.0))]
    for i, args in enumerate(kinds):
        assert_same(fast(*args), fast.function(*args))
        assert len(fast.entries) == i + 1
    for args in kinds:
        assert_same(fast(*args), fast.function(*args))
    assert len(fast.entries) == len(kinds)


EQUAL_YET_DIFFERENT = {
    "1, 1.0, True": (1, 1.0, True),
    "0.0, -0.0": (0.0, -0.0),
    "0j, -0j": (0j, -0j, complex(-0.0, 0.0)),
    "in a tuple": ((1,), (1.0,), (True,)),
    "in a frozenset": (frozenset([1]), frozenset([1.0]), frozenset([True])),
    "in a dict": ({"k": 1}, {"k": 1.0}, OrderedDict(k=1.0)),
    "1 and a fraction": (1, Fraction(1)),
}


@pytest.mark.parametrize("values", EQUAL_YET_DIFFERENT.values(), ids=EQUAL_YET_DIFFERENT)
def test_values_that_are_equal_and_yet_different_are_different_kinds(values):
    def f(a, n, value):
        while isinstance(value, (tuple, frozenset, dict)):
            value = next(iter(value.values() if isinstance(value, dict) else value))
        sign = math.copysign(1.0, complex(value).real), math.copysign(1.0, complex(value).imag)
        return a * sign[0], a * sign[1], n * (2.0 if isinstance(value, Fraction) else value)

    fast, n = ag.compile(f), np.arange(3)
    for value in (*values, *values):
        assert_same(fast(X, n, value), f(X, n, value))
    assert len(fast.entries) == len(values)


def test_nan_is_one_kind():
    fast = ag.compile(lambda a, k: a + k)
    for _ in range(3):
        assert np.isnan(fast(X, float("nan"))).all()
    assert len(fast.entries) == 1


def test_the_order_of_keywords_and_of_a_dict():
    fast = ag.compile(lambda a, b: a - 2 * b)
    for _ in range(2):
        assert_same(fast(a=X, b=np.ones(3)), X - 2)
        assert_same(fast(b=np.ones(3), a=X), X - 2)
        assert_same(fast(X, b=np.ones(3)), X - 2)
        assert_same(fast(X, np.ones(3)), X - 2)
    first = ag.compile(lambda d: next(iter(d.values())) * 2)
    assert_same(first({"a": X, "b": X + 1}), 2 * X)
    assert_same(first({"b": X + 1, "a": X}), 2 * X + 2)


def test_slices_are_kinds_by_what_they_say():
    fast = ag.compile(lambda a, s: a[s])
    for _ in range(2):
        assert fast(X, slice(0, 2)).tolist() == [1, 2]
        assert fast(X, slice(0, 1)).tolist() == [1]
        assert fast(X, ...).tolist() == [1, 2, 3]
    assert len(fast.entries) == 3


def test_many_kinds_are_not_all_kept():
    fast = ag.compile(lambda a, k: a * k)
    for k in range(80):
        assert_same(fast(X, float(k)), X * k)
    assert len(fast.entries) == 64
    assert_same(fast(X, 0.0), X * 0.0)


def test_a_call_that_fails_leaves_no_kind_behind():
    fast = ag.compile(lambda a: float(a[0]))
    for n in range(1, 5):
        with pytest.raises(ag.errors.TraceError):
            fast(np.ones(n))
    assert fast.entries == []
    with pytest.raises(ag.errors.TraceError, match="has not been called yet"):
        fast.source()


# ----------------------------------------------------------------------------------------- objects among the arguments


class Thing:
    pass


def test_what_an_object_among_the_arguments_holds_is_not_frozen():
    """Its attributes were those of the first call for ever."""
    thing = Thing()
    thing.k, thing.inner, thing.w = 2.0, Thing(), np.ones(3)
    thing.inner.list = [1.0]

    def f(a, thing):
        return thing.k * a * thing.w + thing.inner.list[0]

    fast = ag.compile(f)

    def assert_it_is_seen():
        assert_same(fast(X, thing), f(X, thing))
        assert_same(fast(X, thing=thing), f(X, thing))

    assert_it_is_seen()
    thing.k = 3.0
    assert_it_is_seen()
    thing.inner.list[0] = 5.0
    assert_it_is_seen()
    thing.w[:] = 7.0
    assert_it_is_seen()
    thing.w = np.array([1.0])
    assert_it_is_seen()


def test_a_set_and_what_a_function_among_the_arguments_closes_over_is_not_frozen():
    numbers, k = {2.0}, 2.0

    def g(a):
        return a * k

    by_set, by_function = ag.compile(lambda a, s: a * sum(s)), ag.compile(lambda a, g: g(a))
    assert_same(by_set(X, numbers), 2 * X)
    assert_same(by_function(X, g), 2 * X)
    numbers.add(3.0)
    k = 5.0
    assert_same(by_set(X, numbers), 5 * X)
    assert_same(by_function(X, g), 5 * X)


def test_a_function_that_changes_an_object_among_its_arguments_is_refused():
    def f(a, thing):
        thing.calls += 1
        return a * 2

    thing = Thing()
    thing.calls = 0
    with pytest.raises(ag.errors.TraceError, match="changes what is outside of it"):
        ag.compile(f)(X, thing)


def test_a_recording_that_comes_to_nothing_leaves_all_as_it_was():
    """Who then calls the function itself, as fit does, would find counts and states of four calls more."""
    thing, draws = Thing(), np.random.default_rng(0)
    thing.n, thing.list, thing.dict, thing.set, thing.array = 0, [1, 2, 3], {"a": 1}, {1}, np.zeros(2)
    thing.bytes, total = bytearray(b"abc"), 0

    def f(a):
        nonlocal total
        total += 1
        thing.n += 1
        thing.list.append(4)
        thing.list[0] += 1
        thing.dict["b"] = thing.dict.pop("a", 7)
        thing.set.add(2)
        thing.array += 1
        thing.bytes[0] = 0
        return a * draws.random() * np.random.random() * random.random()

    np.random.seed(0)
    random.seed(0)
    before = draws.bit_generator.state, np.random.get_state()[2], random.getstate()
    with pytest.raises(ag.errors.TraceError):
        ag.compile(f)(X)
    assert (total, thing.n, thing.list, thing.dict, thing.set) == (0, 0, [1, 2, 3], {"a": 1}, {1})
    assert np.all(thing.array == 0)
    assert thing.bytes == b"abc"
    assert (draws.bit_generator.state, np.random.get_state()[2], random.getstate()) == before


def test_what_an_object_has_from_its_class_is_put_back_there():
    class Counter:
        of_class, of_object = 0, 0

    counter = Counter()

    def f(a):
        type(counter).of_class += 1
        counter.of_object += 1
        return a * (counter.of_class + counter.of_object)

    with pytest.raises(ag.errors.TraceError):
        ag.compile(f)(X)
    assert (Counter.of_class, Counter.of_object, vars(counter)) == (0, 0, {})


def test_what_is_made_once_when_it_is_first_needed_may_be_made():
    thing = Thing()
    thing.table = None

    def f(a):
        if thing.table is None:
            thing.table = np.arange(3.0)
        return a + thing.table

    assert_compiles(f, (X,), (X + 1,))


def test_objects_that_call_themselves_equal_are_told_apart():
    @dataclass(frozen=True)
    class Config:
        name: str
        scale: float = field(compare=False)

    fast = ag.compile(lambda a, c: a * c.scale)
    for scale in (2.0, 3.0, 2.0):
        assert_same(fast(X, Config("a", scale)), X * scale)


# ------------------------------------------------------------------------------------------ what is closed over


def test_arrays_are_read_by_reference():
    w = np.ones(3)
    fast = ag.compile(lambda a: a * w)
    assert_same(fast(X), X)
    w[:] = 4
    assert_same(fast(X), 4 * X)
    assert len(fast.entries) == 1
    w = np.full(3, 5.0)
    assert_same(fast(X), 5 * X)
    w = np.array([6.0])
    assert_same(fast(X), 6 * X)
    w = np.full(3, 7.0, "f4")
    assert_same(fast(X.astype("f4")), 7 * X.astype("f4"))


def test_an_array_whose_shape_or_dtype_is_assigned():
    w = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    fast = ag.compile(lambda a: np.sum(a * w, axis=0))
    assert fast(np.ones(3)).tolist() == [5, 7, 9]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        w.shape = (3, 2)
    with pytest.raises(ValueError, match="broadcast"):
        fast(np.ones(3))
    assert fast(np.ones(2)).tolist() == [9, 12]


def test_default_arguments_are_read_by_reference():
    def f(a, w=np.ones(3)):  # noqa: B008
        return a * w

    fast = ag.compile(f)
    assert_same(fast(X), X)
    f.__defaults__[0][:] = 4
    assert_same(fast(X), 4 * X)


def test_tensors_whose_value_changes_in_every_way():
    w, p = ag.Tensor([1.0, 2.0, 3.0]), ag.Tensor([1.0, 2.0, 3.0], requires_grad=True)

    def f(a):
        return a * w, ag.stop_gradient(ag.gradients(np.sum(a * p * p), [p])[0])

    def eager(a):
        return a * w.numpy(), 2 * a * p.data

    fast = ag.compile(f)
    assert_same(fast(X), eager(X))
    w.data = np.full(3, 9.0)
    assert_same(fast(X), eager(X))
    w[0] = 100.0
    assert_same(fast(X), eager(X))
    w += 1
    assert_same(fast(X), eager(X))
    p.data = np.zeros(3)
    assert_same(fast(X), eager(X))
    p.data[...] = 7
    assert_same(fast(X), eager(X))
    p.data -= 1
    assert_same(fast(X), eager(X))
    p.move_to(np.zeros(6)[::2])
    assert_same(fast(X), eager(X))
    p.data = np.array([3.0, 2.0, 1.0])
    assert_same(fast(X), eager(X))
    w = ag.Tensor([0.0, 0.0, 1.0])
    assert_same(fast(X), eager(X))


SCALE = 2.0


def test_globals_cells_and_attributes_lead_to_a_new_recording(monkeypatch):
    config, k = Thing(), 3.0
    config.flag, config.d = True, {"x": 1.0}

    def f(a):
        return a * SCALE + k if config.flag else a * config.d["x"]

    fast = ag.compile(f)
    assert_same(fast(X), f(X))
    monkeypatch.setitem(globals(), "SCALE", 5.0)
    assert_same(fast(X), f(X))
    k = 4.0
    assert_same(fast(X), f(X))
    config.flag = False
    assert_same(fast(X), f(X))
    config.d["x"] = 8.0
    assert_same(fast(X), f(X))


def test_a_recording_that_fits_again_is_used_again():
    k = 1.0
    fast = ag.compile(lambda a: a * k)
    for k in (1.0, 2.0) * 20:
        assert_same(fast(X), X * k)
    assert len(fast.entries) == 2


def test_what_changes_again_and_again_is_named():
    k = 0.0
    fast = ag.compile(lambda a: a * k)
    with pytest.raises(ag.errors.TraceError, match=r"recorded 8 times.*closed-over k changed from .* to 8\.0"):
        for i in range(20):
            k = float(i)
            assert_same(fast(X), X * k)
    assert k == 8


def test_a_tensor_that_is_bound_anew_again_and_again_is_named():
    w = ag.Tensor(X, name="speed")
    fast = ag.compile(lambda a: a * w)
    with pytest.raises(ag.errors.TraceError, match="the Tensor speed holds another array"):
        for i in range(20):
            w[0] = float(i)
            fast(X)


def test_requires_grad_may_change():
    w = ag.Tensor(X.copy(), requires_grad=True)
    fast = ag.compile(lambda a: ag.gradients(np.sum(a * w), [w])[0] if w.requires_grad else np.zeros(3))
    assert_same(fast(2 * X), 2 * X)
    w.requires_grad = False
    assert_same(fast(2 * X), np.zeros(3))
    w.requires_grad = True
    assert_same(fast(2 * X), 2 * X)


def test_hooks_may_come_go_and_change():
    w, k = ag.Tensor(X.copy(), requires_grad=True), 10.0
    fast = ag.compile(lambda a: ag.gradients(np.sum(a * w), [w])[0])
    assert_same(fast(X), X)
    hook = w.register_hook(lambda g: g * k)
    assert_same(fast(X), 10 * X)
    k = 20.0
    assert_same(fast(X), 20 * X)
    hook.remove()
    assert_same(fast(X), X)


# --------------------------------------------------------------------------------------------------- random numbers

DRAWS = {
    "a method of a generator": lambda rng: lambda: ag.fresh(rng.random, 3),
    "a generator in a closure": lambda rng: lambda: ag.fresh(lambda: rng.normal(size=3)),
    "a generator as a default": lambda rng: lambda: ag.fresh(lambda r=rng: r.normal(size=3)),
    "a generator as an argument": lambda rng: lambda: ag.fresh(lambda r: r.normal(size=3), rng),
}


@pytest.mark.parametrize("size", [3, 300])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_fresh_draws_anew_and_the_same_numbers_as_the_function(draw, size):
    x = np.ones((size, 3))
    one, two = (draw(np.random.default_rng(0)) for _ in range(2))
    fast = ag.compile(lambda a: np.sum(a * one(), axis=0) + one())
    for _ in range(4):
        assert_same(fast(x), np.sum(x * two(), axis=0) + two(), 1e-12)


def test_fresh_draws_from_numpy_s_older_generators_and_python_s():
    for make, draw in (
        (np.random.RandomState, lambda r: r.rand),
        (random.Random, lambda r: r.random),
    ):
        one, two = make(0), make(0)
        draws = draw(one)
        fast = ag.compile(lambda a, draws=draws: a * ag.fresh(draws))
        for _ in range(3):
            assert_same(fast(X), X * draw(two)())


def test_a_draw_that_nothing_needs_is_drawn_all_the_same():
    one, two = np.random.default_rng(0), np.random.default_rng(0)

    def f(a, rng):
        ag.fresh(rng.random, 5)
        late = ag.fresh(rng.random, 3)
        return a * ag.fresh(rng.random, 3), late

    fast = ag.compile(f)
    for _ in range(4):
        assert_same(fast(X, one), f(X, two))


@pytest.mark.parametrize("draw", [lambda r: r.random(3), lambda _: np.random.random(3)], ids=["Generator", "np.random"])
def test_draws_without_fresh_are_refused(draw):
    rng = np.random.default_rng(0)
    with pytest.raises(ag.errors.TraceError, match=r"Recorded twice.*ag\.fresh"):
        ag.compile(lambda a: a * draw(rng))(X)


def test_draws_from_a_generator_that_is_made_inside_are_the_same_each_time():
    assert_compiles(lambda a: a * np.random.default_rng(0).random(3), (X,), (X + 1,))


# ---------------------------------------------------------------------------------------------------------- errors


def inverted(a):
    b = np.linalg.inv(a)  # here
    return b * 2


def taken(a, i):
    return a[i] * 2  # here


def logged(a):
    return np.log(a) * 2  # here


def logged_strictly(a):
    with np.errstate(divide="raise"):
        b = np.log(a)  # here
    return b * 2


def checked(a):
    ag.ensure(a > 0, lambda a: ValueError(f"{a.min()} is not positive"), a)  # here
    return np.sqrt(a)


FAILS = {
    "LinAlgError": (inverted, (np.eye(2),), (np.zeros((2, 2)),)),
    "IndexError": (taken, (X, np.array([0, 1])), (X, np.array([0, 7]))),
    "FloatingPointError around": (logged, (X,), (np.zeros(3),)),
    "FloatingPointError around, arrays": (logged, (np.ones(999),), (np.zeros(999),)),
    "FloatingPointError inside": (logged_strictly, (X,), (np.zeros(3),)),
    "FloatingPointError inside, arrays": (logged_strictly, (np.ones(999),), (np.zeros(999),)),
    "ensure": (checked, (X,), (-X,)),
    "ensure, arrays": (checked, (np.ones(999),), (-np.ones(999),)),
}


@pytest.mark.parametrize(("f", "good", "bad"), FAILS.values(), ids=FAILS)
def test_an_error_is_that_of_the_function_and_names_its_line(f, good, bad):
    fast = ag.compile(f)
    fast(*good)
    around = "raise" if f is logged else "warn"
    for _ in range(2):
        with np.errstate(divide=around):
            with pytest.raises(Exception) as eager:
                f(*bad)
            with pytest.raises(Exception) as compiled:
                fast(*bad)
        assert type(compiled.value) is type(eager.value)
        assert str(compiled.value) == str(eager.value)
        if f is not checked:
            (note,) = compiled.value.__notes__
            assert "test_compile.py" in note and note.endswith("# here"), note
    assert_same(fast(*good), f(*good), 1e-14)


@pytest.mark.parametrize("a", [np.zeros(1), np.zeros(3), np.zeros(999)], ids=len)
def test_warnings_are_those_of_the_function(a):
    fast = ag.compile(lambda a: np.sum(1 / a))
    fast(a + 1)
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        assert fast(a) == np.inf
    with np.errstate(divide="ignore"):
        assert fast(a) == np.inf
    seen = []
    with np.errstate(divide="call", call=lambda kind, _: seen.append(kind)):
        fast(a)
    assert seen == ["divide by zero"]


def test_what_cannot_be_recorded_says_so_with_the_line():
    def f(a):
        return a if a[0] > 0 else -a

    with pytest.raises(ag.errors.TraceError, match=r"test_compile.py.*np\.where"):
        ag.compile(f)(X)


def test_wrong_arguments_raise_what_the_function_raises():
    fast = ag.compile(lambda a, b: a + b)
    fast(X, X)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        fast(X)
    with pytest.raises((ValueError, ag.errors.AutogradError), match="broadcast"):
        fast(X, X[:2])


# ---------------------------------------------------------------------------------------------- whose results are they


@pytest.mark.parametrize("a", SIZES.values(), ids=SIZES)
def test_results_are_the_caller_s_own(a):
    w = np.ones_like(a)
    fast = ag.compile(lambda a: (a, a.T, a[1:], w, w[1:], np.arange(3.0), np.exp(a), np.exp(a), a @ w))
    expected = [r.copy() for r in fast(a)]
    before = a.copy()
    first = fast(a)
    second = fast(a)
    for i, result in enumerate(first):
        assert result.flags.writeable
        assert not any(np.shares_memory(result, other) for other in (a, w, *first[:i], *second))
        result[...] = 99
    assert np.array_equal(a, before) and np.all(w == 1)
    for found, right in zip(second, expected, strict=True):
        assert_same(found, right)
    for found, right in zip(fast(a), expected, strict=True):
        assert_same(found, right)


def test_a_result_is_not_overwritten_by_the_next_call():
    fast = ag.compile(ag.value_and_grad(layer))
    value, gradient = fast(BIG, BIG)
    kept = gradient.copy()
    fast(2 * BIG, BIG)
    assert np.array_equal(gradient, kept)
    assert value == layer(BIG, BIG) or value == pytest.approx(layer(BIG, BIG), rel=1e-12)


# ------------------------------------------------------------------------------------------------------------- into


def test_into_writes_a_result_where_it_is_told():
    v = np.zeros(3)
    fast = ag.compile(lambda g: (np.sum(g), v - 0.1 * g), into={1: v})
    assert fast(X) == 6
    assert v == pytest.approx(-0.1 * X)
    assert fast(X) == 6
    assert v == pytest.approx(-0.2 * X)


@pytest.mark.parametrize("n", [4, 4000])
def test_into_reads_everything_before_it_writes(n):
    v, u = np.arange(float(n)), np.ones(n)
    other = v[::-1]
    fast = ag.compile(lambda g: (v + u * g, u + v, other * 2, v * 1), into={0: v, 1: u})
    a, b = v.copy(), u.copy()
    for _ in range(3):
        results = fast(np.full(n, 0.5))
        assert_same(results, (a[::-1] * 2, a))
        a, b = a + b * 0.5, b + a
        assert_same(v, a)
        assert_same(u, b)


@pytest.mark.parametrize("n", [4, 4000])
def test_into_an_array_that_is_an_argument_too(n):
    v = np.arange(float(n))
    fast = ag.compile(lambda g: (v + g[::-1], g * 1), into={0: v})
    before = v.copy()
    assert_same(fast(v), before)
    assert_same(v, before + before[::-1])


def test_into_of_the_only_result_and_of_a_dict_and_of_what_is_not_closed_over():
    v = np.zeros(3)
    assert ag.compile(lambda g: g * 2, into={0: v})(X) is None
    assert_same(v, 2 * X)
    result = ag.compile(lambda g: {"a": g * 3, "b": g * 4}, into={0: v})(X)
    assert result["a"] is None
    assert_same(result["b"], 4 * X)
    assert_same(v, 3 * X)


def test_into_counts_the_writes_to_a_leaf():
    w = ag.Tensor(X.copy(), requires_grad=True)
    fast = ag.compile(lambda g: w.detach() - g, into={0: w.data})
    y = np.sum(w * w)
    fast(X)
    assert_same(w.data, X - X)
    with pytest.raises(ag.errors.OverwrittenError):
        y.backward()


def test_into_of_something_that_is_differentiated_is_refused():
    v = np.zeros(3)
    fast = ag.compile(lambda g: (np.sum(g), v + g), into={1: v})
    with pytest.raises(ag.errors.TraceError, match="cannot be differentiated"):
        ag.grad(lambda g: fast(g))(X)
    assert np.all(v == 0)


# ------------------------------------------------------------------------------------------------- as part of others


def curved(a):
    return np.sum(np.sin(a) * a)


TRANSFORMS = {
    "grad": lambda f: ag.grad(f)(X),
    "grad of grad": lambda f: ag.grad(lambda a: np.sum(ag.grad(f)(a) ** 2))(X),
    "hessian": lambda f: ag.hessian(f)(X),
    "jvp": lambda f: ag.jvp(f, (X,), (X,)),
    "vjp": lambda f: ag.vjp(f, X)[1](1.0),
    "checkpoint": lambda f: ag.grad(ag.checkpoint(f))(X),
    "compile": lambda f: ag.compile(ag.grad(f))(X),
    "compile twice": lambda f: ag.compile(ag.compile(f))(X),
    "trace": lambda f: ag.trace(ag.value_and_grad(f))(X)(X),
}


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_a_compiled_function_is_differentiable_recorded_and_compiled_again(transform, known):
    fast = ag.compile(curved)
    if known:
        fast(X)
    assert_same(transform(fast), transform(curved), 1e-13)
    assert_same(fast(X), curved(X), 1e-14)


def test_on_tensors_that_require_grad_the_function_itself_is_called():
    fast = ag.compile(curved)
    t = ag.Tensor(X, requires_grad=True)
    fast(t).backward()
    assert_same(t.grad, ag.grad(curved)(X), 1e-14)
    assert isinstance(fast(ag.Tensor(X)), np.generic)


def test_a_compiled_function_inside_another_that_is_called_elsewhere_too():
    w, c = np.ones(3), np.ones(3)
    inner = ag.compile(lambda a: a * w)
    outer = ag.compile(lambda a: a + inner(c) + inner(a))
    for i in range(12):
        inner(np.ones((i + 1, 3)))
        assert_same(outer(X), X + 1 + X)
    assert len(outer.entries) == 1
    for i in range(5):
        w[:] = i
        inner(c)
        assert_same(outer(X), X + w + X * w)


def test_a_compiled_function_that_calls_itself():
    def power(a, n):
        return a if n == 1 else a * compiled(a, n - 1)

    compiled = ag.compile(power)
    for n in (5, 3, 5):
        assert_same(compiled(X, n), X**n, 1e-14)


def test_under_debug_the_function_itself_is_called():
    fast = ag.compile(ag.grad(lambda a: np.sum(np.sqrt(a))))
    with np.errstate(all="ignore"):
        assert np.isinf(fast(np.array([1.0, 0.0]))[1])
        with ag.debug(), pytest.raises(ag.errors.NonFiniteError, match=r"np\.sqrt"):
            fast(np.array([1.0, 0.0]))


def test_under_no_grad_it_runs_its_program():
    fast = ag.compile(curved)
    with ag.no_grad():
        assert_same(fast(X), curved(X), 1e-14)
        assert_same(fast(ag.Tensor(X)), curved(X), 1e-14)


def test_threads_may_call_it_at_once():
    f = ag.value_and_grad(layer, argnums=(0, 1))
    fast, wrong = ag.compile(f), []
    expected = {n: f(BIG[:n, :n], BIG[:n, :n]) for n in (2, 3, 40)}
    ready = threading.Barrier(4)

    def work(shift):
        ready.wait()
        for i in range(30):
            n = (2, 3, 40)[(i + shift) % 3]
            a = np.ascontiguousarray(BIG[:n, :n])
            (value, gradients), (right, rights) = fast(a, a), expected[n]
            same = np.allclose(value, right, rtol=1e-11) and all(
                np.allclose(g, r, rtol=1e-10, atol=1e-12) for g, r in zip(gradients, rights, strict=True)
            )
            if not same:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(fast.entries) == 3


# ---------------------------------------------------------------------------------------------------- its life


@ag.compile
def decorated(a):
    """Say what it does."""
    return a * 2


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda f: pickle.loads(pickle.dumps(f))}


@pytest.mark.parametrize("travel", COPIES.values(), ids=COPIES)
def test_it_can_be_copied_and_pickled_if_its_function_can(travel):
    fast = ag.compile(curved)
    fast(X)
    other = travel(fast)
    assert other is not fast and other.entries == []
    assert_same(other(X), curved(X), 1e-14)
    assert travel(decorated)(X).tolist() == [2, 4, 6]


def test_a_lambda_is_not_pickled_and_into_is_not_copied():
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(ag.compile(lambda a: a))
    v = np.zeros(3)
    for travel in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="into="):
            travel(ag.compile(curved, into={0: v}))


def test_it_looks_like_its_function():
    assert (decorated.__name__, decorated.__doc__) == ("decorated", "Say what it does.")
    assert repr(ag.compile(curved)) == "<compiled curved: 0 programs>"


def test_its_source_is_that_of_the_kind_that_is_asked_for():
    fast = ag.compile(lambda a: np.tanh(a) * 2)
    fast(X)
    fast(BIG)
    assert fast.source() == fast.source(BIG) != fast.source(X)
    assert len(fast.entries) == 2


@pytest.mark.parametrize("a", [X, BIG], ids=["floats", "arrays"])
def test_calls_leave_no_memory_behind(a):
    fast = ag.compile(ag.value_and_grad(lambda a: np.sum(np.tanh(a) ** 2)))
    for _ in range(100):
        fast(a)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10_000):
            fast(a)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 10_000


@pytest.mark.parametrize("n", [3, 3000])
def test_dropping_it_frees_everything(n):
    def make():
        w, thing = ag.Tensor(np.ones(n), requires_grad=True), Thing()
        thing.k = 2.0

        def f(a):
            return np.sum(np.tanh(a * w) * thing.k)

        fast = ag.compile(ag.value_and_grad(f))
        with ag.no_grad():
            fast(np.ones(n))
        return [weakref.ref(x) for x in (w, thing, f, fast, fast.entries[0])]

    gone = make()
    gc.collect()
    assert [ref() for ref in gone] == [None] * 5


def test_what_a_calling_function_drops_is_not_kept_by_its_frame():
    w = ag.Tensor(np.ones(3), requires_grad=True)
    fast = ag.compile(lambda a: a * 2)
    fast(np.ones(3))
    gone = weakref.ref(w)
    del w
    assert gone() is None


def test_it_takes_functions_and_backends_that_there_are():
    with pytest.raises(TypeError, match="takes a function"):
        ag.compile(3)
    with pytest.raises(ValueError, match="backend is 'cuda'"):
        ag.compile(curved, backend="cuda")


# --- gradients that a program would lose --------------------------------------------------------------------------


def test_a_result_that_depends_on_a_tensor_outside_is_refused_while_recording():
    """``fast(x) + np.sum(w * w)`` would have had the gradient of its second term only, without a word."""
    w = ag.Tensor(np.ones(3), requires_grad=True, name="w")
    fast = ag.compile(lambda x: np.sum(w * x))
    for _ in range(2):  # compiled, and when it is known
        with pytest.raises(ag.errors.LostGradientError, match="depends on w, which requires grad"):
            fast(np.arange(3.0))
    with ag.no_grad():
        assert fast(np.arange(3.0)) == 3.0
    stopped = ag.compile(lambda x: ag.stop_gradient(np.sum(w * x)))
    assert stopped(np.arange(3.0)) == 3.0
    gradient = ag.compile(ag.grad(lambda x: np.sum(w.detach() * x * x)))
    np.testing.assert_array_equal(gradient(np.arange(3.0)), 2 * np.arange(3.0))
