"""guards: whatever a function reads outside its arguments is looked at, and named when it changes."""

import collections
import dis
import enum
import functools
import gc
import sys
import threading
import types
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import guards
from autograd_mini.guards import guard, same
from autograd_mini.tracing import trace

x = np.linspace(0.5, 1.5, 3)


def function(text, **names):
    """Return the function `f` of a module of its own, whose globals are the names; and the module."""
    module = types.ModuleType("somewhere")
    module.__dict__.update(np=np, ag=ag, nn=nn, **names)
    exec(compile(text, "somewhere.py", "exec"), module.__dict__)
    return module.f, module


def watched(f, *args):
    """Return the guard of a program that is recorded of a function."""
    g = guard(f, trace(f)(*args))
    assert g.check is None or g.check(), g.why()
    assert g.why() == ""
    return g


def assert_seen(g, *pieces):
    assert g.check is not None and not g.check()
    for piece in pieces:
        assert piece in g.why(), g.why()


# --- nothing --------------------------------------------------------------------------------------------------------


def pure(x):
    y = np.tanh(x)
    return np.sum(y * len(x) + float(2))


@pytest.mark.parametrize(
    "f", [pure, ag.value_and_grad(pure), ag.hessian(pure), np.tanh, lambda x: nn.softmax(ag.jacobian(np.exp)(x))]
)
def test_a_function_that_reads_nothing_needs_no_check(f):
    assert guard(f).check is None


# --- cells, globals, defaults -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1.0, 2.0), (1, 1.0), (1, True), (0.0, -0.0), ("a", "b"), (None, 0), (False, True), ((1, (2, 3)), (1, (2, 4))),
        (1j, 2j), (np.float64(1), np.float64(2)), (np.float64(1), np.float32(1)), (slice(1), slice(2)), (b"a", b"b"),
        (np.dtype("f4"), np.dtype("f8")), (frozenset({1}), frozenset({2})), (range(2), range(3)), (1.0, float("nan")),
    ],
)  # fmt: skip
def test_plain_values_are_compared_as_such(before, after):
    f, module = function("def f(x): return x if OPTION else -x", OPTION=before)
    g = watched(f, x)
    module.OPTION = after
    assert_seen(g, "the global OPTION changed from ", guards.shown(before), guards.shown(after))
    module.OPTION = before
    assert g.check()


@pytest.mark.parametrize(
    "make", [lambda: 1000.5, lambda: float("nan"), lambda: (1000.5, "a" * 3), lambda: np.float32(3), lambda: 2.5 + 1j]
)
def test_an_equal_value_is_no_change(make):
    f, module = function("def f(x): return x if OPTION else -x", OPTION=make())
    g = watched(f, x)
    module.OPTION = make()
    assert g.check()


def test_closed_over_values():
    scale = 2.0

    def f(x):
        return scale * x

    g = watched(f, x)
    scale = 3.0
    assert_seen(g, "the closed-over scale changed from 2.0 to 3.0")


def test_an_emptied_cell():
    scale = 2.0

    def f(x):
        return scale * x  # noqa: F821 (deleted below)

    g = watched(f, x)
    del scale
    assert_seen(g, "the closed-over scale is gone; it was 2.0")


def test_globals_that_are_read_and_no_others():
    f, module = function("def f(x): return SCALE * x", SCALE=1.0, OTHER=1.0, _SCALE=3)
    g = watched(f, x)
    module.OTHER = 2.0
    assert g.check()
    module.SCALE = 2.0
    assert_seen(g, "the global SCALE changed from 1.0 to 2.0")
    del module.SCALE
    assert_seen(g, "the global SCALE is gone; it was 1.0")


def test_globals_whose_names_meet_those_of_the_check_itself():
    names = ["_0", "_same", "_len", "check", "make", "own", "Exception", "len", "_missing", "getattr"]
    f, module = function(f"def f(x): return x * ({' + '.join(names)})", **dict.fromkeys(names, 1.5))
    for name in names:
        g = watched(f, x)
        setattr(module, name, 2.5)
        assert_seen(g, f"the global {name} changed from 1.5 to 2.5")
        setattr(module, name, 1.5)


def test_globals_of_code_inside_the_code():
    f, module = function("def f(x): return sum([(lambda: SCALE * x + i)() for i in range(2)])", SCALE=1.0)
    g = watched(f, x)
    module.SCALE = 2.0
    assert_seen(g, "SCALE")


def test_globals_of_functions_that_are_called():
    f, module = function("def h(x): return SCALE * x\ndef f(x): return h(x)", SCALE=1.0)
    g = watched(f, x)
    module.SCALE = 2.0
    assert_seen(g, "the global SCALE changed")


def test_globals_of_another_module():
    h, other = function("def f(x): return SCALE * x", SCALE=1.0)
    f, _module = function("def f(x): return h(x)", h=h)
    g = watched(f, x)
    other.SCALE = 2.0
    assert_seen(g, "the global SCALE of somewhere changed from 1.0 to 2.0")


def test_a_function_that_is_replaced():
    f, module = function("def h(x): return x\ndef f(x): return h(x)")
    g = watched(f, x)
    module.h = np.tanh
    assert_seen(g, "the global h changed from h to tanh")


def test_default_arguments():
    def f(x, scale=1.0, *, options={"shift": 2.0}):  # noqa: B006 (this is what is tested)
        return scale * x + options["shift"]

    g = watched(f, x)
    f.__kwdefaults__["options"]["shift"] = 3.0
    assert_seen(g, "['shift'] changed from 2.0 to 3.0")
    f.__kwdefaults__["options"]["shift"] = 2.0
    assert g.check()
    f.__defaults__ = (2.0,)
    assert_seen(g, "the defaults of f changed from (1.0,) to (2.0,)")


def test_chains_of_modules():
    config = types.ModuleType("config")
    config.SCALE, config.OTHER = 1.0, 1.0
    f, _module = function("def f(x): return config.SCALE * x", config=config)
    g = watched(f, x)
    config.OTHER = 2.0
    assert g.check()
    config.SCALE = 2.0
    assert_seen(g, "config.SCALE changed from 1.0 to 2.0")


@pytest.mark.parametrize(
    "text",
    [
        "import config_of_guards\n  return config_of_guards.SCALE * x",
        "from config_of_guards import SCALE\n  return SCALE * x",
        "import config_of_guards as c\n  return getattr(c, 'SCALE') * x",
    ],
)
def test_imports_inside_a_function(text, monkeypatch):
    config = types.ModuleType("config_of_guards")
    config.SCALE = 1.0
    monkeypatch.setitem(sys.modules, "config_of_guards", config)
    f, _ = function(f"def f(x):\n  {text}")
    g = watched(f, x)
    config.SCALE = 2.0
    assert_seen(g, "SCALE changed from 1.0 to 2.0")


# --- what functions are wrapped in ------------------------------------------------------------------------------------


def transforms():
    def decorated(f):
        @functools.wraps(f)
        def wrapper(*args):
            return f(*args)

        return wrapper

    return {
        "value_and_grad": ag.value_and_grad,
        "grad": ag.grad,
        "jacobian": ag.jacobian,
        "hessian": ag.hessian,
        "checkpoint": ag.checkpoint,
        "compile": ag.compile,
        "compiled gradient": lambda f: ag.compile(ag.compile(ag.grad(f))),
        "hvp": lambda f: lambda x: ag.hvp(f, x, x),
        "partial": lambda f: functools.partial(f),
        "wraps": decorated,
        "lru_cache": lambda f: functools.lru_cache(f),
        "no_grad": lambda f: ag.no_grad()(f),
        "nested": lambda f: ag.grad(decorated(functools.partial(ag.value_and_grad(f)))),
        "bound": lambda f: types.MethodType(lambda self, x: f(x), object()),
        "object": lambda f: type("Loss", (), {"__call__": lambda self, x: f(x)})(),
        "vectorize": lambda f: np.vectorize(f),
        "list": lambda f: lambda x: [f][0](x),
    }


@pytest.mark.parametrize("name", transforms())
def test_functions_inside_others(name):
    f, module = function("def f(x): return np.sum(SCALE * x)", SCALE=1.0)
    g = guard(transforms()[name](f))
    assert g.check()
    module.SCALE = 2.0
    assert_seen(g, "the global SCALE", "changed from 1.0 to 2.0")


def test_arguments_of_partial():
    options = {"scale": 1.0}
    f = functools.partial(lambda options, x: options["scale"] * x, options)
    g = watched(f, x)
    options["scale"] = 2.0
    assert_seen(g, "changed from 1.0 to 2.0")


# --- objects ----------------------------------------------------------------------------------------------------------


class Scaled:
    shift = 1.0
    unused = 1.0

    def __init__(self):
        self.scale = 2.0
        self.epoch = 0
        self.part = types.SimpleNamespace(power=2.0)

    def __call__(self, x):
        return self.power(self.scale * x + self.shift)

    def power(self, x):
        return x**self.part.power * self.halved

    @property
    def halved(self):
        return self.divisor / 4

    divisor = 2.0

    def method(self, x):
        return self(x)


class Child(Scaled):
    def power(self, x):
        return super().power(x) + self.more

    more = 1.0


@pytest.mark.parametrize(
    "of",
    [
        lambda o: o,
        lambda o: o.method,
        lambda o: lambda x: o(x),
        lambda o: ag.value_and_grad(lambda x: np.sum(o.method(x))),
    ],
)
@pytest.mark.parametrize(
    ("cls", "names"), [(Scaled, "scale shift part divisor"), (Child, "scale shift part divisor more")]
)
def test_attributes_of_ones_own_objects(of, cls, names):
    for name in names.split():
        o = cls()
        g = watched(of(o), x)
        setattr(o, name, 3.0)
        assert_seen(g, f"{name} changed from ")
    g = watched(of(o := cls()), x)
    o.epoch, o.unused, o.other = 1, 2.0, 3.0
    assert g.check(), "the code does not read these"
    o.part.power = 3.0
    assert_seen(g, "part.power changed from 2.0 to 3.0")


def test_attributes_of_a_class(monkeypatch):
    g = watched(Child(), x)
    monkeypatch.setattr(Scaled, "shift", 5.0)
    assert_seen(g, "shift changed from 1.0 to 5.0")


def test_a_class_as_a_namespace():
    class Config:
        SCALE = 1.0

    def f(x):
        return Config.SCALE * x

    g = watched(f, x)
    Config.SCALE = 2.0
    assert_seen(g, "Config.SCALE changed from 1.0 to 2.0")


def test_an_object_that_the_function_makes():
    f, module = function(
        "class Made:\n  def __init__(self): self.scale = SCALE\n"
        "  def __call__(self, x): return x * self.scale + self.shift\n"
        "  shift = 1.0\ndef f(x): return Made()(x)",
        SCALE=1.0,
    )
    g = watched(f, x)
    module.Made.shift = 2.0
    assert_seen(g, "shift changed from 1.0 to 2.0")
    module.Made.shift = 1.0
    module.SCALE = 2.0
    assert_seen(g, "the global SCALE changed")


def test_attributes_whose_names_are_texts():
    o = Scaled()

    def f(x):
        return x * sum(getattr(o, "ep" + "och" * k) for k in [1])

    g = watched(f, x)
    o.epoch = 5
    assert_seen(g, "epoch changed from 0 to 5")


def test_slots():
    class Slotted:
        __slots__ = ("later", "scale")

    o = Slotted()
    o.scale = 1.0

    def f(x):
        return o.scale * x + getattr(o, "later", 0.0)

    g = watched(f, x)
    o.later = 2.0
    assert_seen(g, "later is new: 2.0")
    del o.later
    o.scale = 2.0
    assert_seen(g, "o.scale changed from 1.0 to 2.0")


def test_dataclasses_and_enums():
    class Mode(enum.Enum):
        FAST = 1
        SLOW = 2

    @dataclass
    class Options:
        mode: Mode = Mode.FAST
        scale: float = 1.0

    options = Options()

    def f(x):
        return x * options.scale if options.mode is Mode.FAST else x

    g = watched(f, x)
    options.mode = Mode.SLOW
    assert_seen(g, "options.mode changed from ")
    options.mode = Mode.FAST
    assert g.check()


def test_descriptors_that_hold_numbers():
    class Number:
        def __set_name__(self, owner, name):
            self.name = name

        def __get__(self, obj, owner=None):
            return obj.__dict__[self.name]

        def __set__(self, obj, value):
            obj.__dict__[self.name] = value

    class Holder:
        rate = Number()

    o = Holder()
    o.rate = 0.1

    def f(x):
        return o.rate * x

    g = watched(f, x)
    o.rate = 0.2
    assert_seen(g, "o.rate changed from 0.1 to 0.2")


def test_an_attribute_that_is_made_anew_each_time_is_no_change():
    class Anew:
        def __get__(self, obj, owner=None):
            return [] if obj is None else self

    class Holder:
        made = Anew()

    def f(x):
        return x * len(Holder.made) + len(Holder.__doc__ or "") + len(Holder.__dict__)

    assert watched(f, x).check is not None


def test_cycles_and_depth():
    first = node = Scaled()
    for _ in range(300):
        node.part = Scaled()
        node = node.part
    node.part = first

    def f(x):
        return first.part.part.scale * x + first(x * 0) * 0 if first.scale else x

    g = guard(lambda x: (f, first.part.scale))
    assert g.check()
    node.scale = 5.0
    assert_seen(g, "scale changed from 2.0 to 5.0")


# --- containers -------------------------------------------------------------------------------------------------------


def change_list(c):
    c["list"][1] = 5.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_list, "options['list'][1] changed from 2.0 to 5.0"),
        (lambda c: c["list"].append(1), "the length of options['list'] changed from 2 to 3"),
        (lambda c: c["nested"][0].update(a=2), "options['nested'][0]['a'] changed from 1 to 2"),
        (lambda c: c["nested"][0].update(b=2), "options['nested'][0]['b'] is new: 2"),
        (lambda c: c["nested"][0].pop("a"), "options['nested'][0]['a'] is gone"),
        (lambda c: c["set"].add(3), "options['set'] changed from"),
        (lambda c: c["default"].pop("a"), "options['default']['a'] is gone"),
        (lambda c: c["ordered"].update(a=3), "options['ordered']['a'] changed from 1 to 3"),
        (lambda c: c["deque"].append(3), "the length of options['deque'] changed from 1 to 2"),
        (lambda c: c["bytes"].__setitem__(0, 7), "the content of options['bytes'] changed"),
        (lambda c: c.__setitem__(None, 7), "options[None] changed from 0 to 7"),
        (lambda c: c.__setitem__("list", [1.0, 2.0]), "options['list'] is another object now"),
        (lambda c: c["tuple"][1].append(0), "the length of options['tuple'][1] changed from 1 to 2"),
    ],
)
def test_containers(change, message):
    options = {
        "list": [1.0, 2.0], "nested": ({"a": 1},), "set": {1, 2}, "default": collections.defaultdict(int, a=1),
        "ordered": collections.OrderedDict(a=1), "deque": collections.deque([1]), "bytes": bytearray(b"ab"), None: 0,
        "tuple": (1, [2]),
    }  # fmt: skip

    def f(x):
        return x * len(options)

    g = watched(f, x)
    change(options)
    assert_seen(g, message)


def test_checking_does_not_fill_a_defaultdict():
    options = collections.defaultdict(float, a=1.0)
    g = guard(lambda x: options["a"] * x)
    options["b"] = options.pop("a")
    assert not g.check()
    assert "a" not in options


def test_no_more_than_so_many_things():
    many = [float(i) for i in range(guards.MOST + 10)]
    g = guard(lambda x: many[0] * x)
    assert not g.complete and len(g.slots) == guards.MOST
    assert g.check()
    assert guard(lambda x: many[:5]).complete is False
    assert guard(pure).complete


# --- arrays and Tensors -----------------------------------------------------------------------------------------------


def test_an_array_that_the_program_reads_may_change_in_place_but_not_be_another():
    f, module = function("def f(x): return np.sum(x * X)", X=np.ones(3))
    g = watched(ag.value_and_grad(f), x)
    module.X[...] = 2.0
    assert g.check()
    module.X = np.ones(3)
    assert_seen(g, "the global X is another object now: an array (3,) float64")


@pytest.mark.parametrize("view", ["X[::2]", "X.T", "X.reshape(-1)[:2]", "X[1:].real"])
def test_views_of_an_array_are_read_by_reference(view):
    f, module = function(f"def f(x): return np.sum(x) * np.sum(x[0] * {view})", X=np.ones(4))
    g = watched(f, x)
    module.X[...] = 2.0
    assert g.check()


@pytest.mark.parametrize(
    "use", ["X.mean()", "np.mean(X)", "np.max(X).item()", "X[[0, 1, 2]]", "(X * 2)", "(1 if X[0] > 0 else 2)"]
)
@pytest.mark.parametrize(
    "make", [np.ones, lambda n: np.ones(2 * n)[::2], lambda n: np.ones(n, "c16"), lambda n: np.ones(n, "f4")]
)
def test_the_content_of_an_array_that_numpy_alone_used(use, make):
    f, module = function(f"def f(x): return x * {use}", X=make(3))
    g = watched(f, x)
    module.X[1] = 2.0
    assert_seen(g, "the content of X changed")
    module.X[1] = 1.0
    assert g.check()


@pytest.mark.parametrize("make", [lambda n: np.ones(n), lambda n: np.ones(n, "i1"), lambda n: np.ones((2, n))[:, ::2]])
def test_the_content_of_large_arrays(make):
    f, module = function("def f(x): return x * np.mean(X)", X=make(100_001))
    g = watched(f, x)
    old = module.X.flat[-1]
    module.X.flat[-1] = 5
    assert_seen(g, "the content of X changed")
    module.X.flat[-1] = old
    assert g.check()


def test_a_nan_in_the_content_is_like_itself():
    f, _module = function("def f(x): return x * np.nanmean(X)", X=np.array([1.0, np.nan]))
    assert watched(f, x).check()


@pytest.mark.parametrize("change", [lambda m: m.__setitem__(0, 5.0), lambda m: m.__setitem__(1, np.ma.masked)])
def test_the_content_of_masked_arrays(change):
    f, module = function("def f(x): return x * X.mean()", X=np.ma.masked_array([1.0, 2.0, 3.0], [0, 0, 1]))
    g = watched(f, x)
    change(module.X)
    assert_seen(g, "the content of X changed")


def test_the_content_of_an_array_of_objects():
    f, module = function("def f(x): return x * len(X[0])", X=np.array(["a", "bc"], dtype=object))
    g = watched(f, x)
    module.X[0] = "abc"
    assert_seen(g, "the content of X changed")


@pytest.mark.parametrize(
    "use",
    [
        "X.mean()", "np.mean(X)", "np.mean(X, axis=0)", "np.linalg.norm(X, 2)", "float(np.max(X))", "(X * 2)", "(-X)",
        "X[0]", "X[[0, 1, 2]]", "np.dot(X, X)", "sum(X)", "X.copy()", "np.mean(X[1:])", "(X + SCALE)",
        "np.asarray(X).sum()", "abs(min(X))", "(1 if np.any(X > 0) else 2)", "(1 if X[0] > 0 else 2)", "box.X.mean()",
        "box.held['X'].max()", "np.mean(X.T.reshape(3, 1))", "X.sum(dtype=float)", "mean(X)",
        "np.sum(X, keepdims=len(X) > 3)", "np.percentile(X, q=50)", "(lambda: np.mean(X))()",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["np.sum(x * X) - {}", "{} * x + X", "np.sum(np.stack([x, X])) * {}"])
def test_a_constant_of_the_program_that_numpy_alone_uses_too(use, form):
    text = f"from numpy import mean\ndef f(x):\n  y = {use}\n  return {form.format('y')}"
    X = np.ones(3)
    box = types.SimpleNamespace(X=X, held={"X": X})
    f, _ = function(text, X=X, SCALE=1.0, box=box)
    g = watched(f, x)
    X[0] = 2.0
    assert_seen(g, "the content of ")


@pytest.mark.parametrize(
    "text",
    [
        "np.sum(x * X)", "np.mean(X * x)", "x @ X.T", "x @ X[:2].T", "np.dot(X, x)", "np.where(X > x, X, x)",
        "np.stack([X, np.tile(x, (3, 1))])", "helper(X, x)", "np.sum(np.exp(X - x), axis=0)", "x * X.shape[0] + X",
        "np.sum(np.zeros_like(X) + x) + X * x", "nn.softmax(X * x)", "[X * t for t in [x, x]][0]", "box.X * x",
        "np.einsum('ij,j->i', X, x)", "X[np.newaxis] * x", "(X if len(X) > 1 else 1) * x",
        "np.sum(np.reshape(X, -1) * x[0])",
    ],
)  # fmt: skip
def test_a_constant_that_is_only_recorded_may_change_in_place(text):
    X = np.ones((3, 3))
    f, _ = function(f"def helper(a, b): return a * b\ndef f(x): return {text}", X=X, box=types.SimpleNamespace(X=X))
    g = watched(f, x)
    X[0] = 2.0
    assert g.check(), g.why()


@pytest.mark.parametrize("use", ["len(X)", "X.shape[0]", "X.ndim", "X.size"])
def test_where_only_the_shape_is_read_the_content_may_change(use):
    f, module = function(f"def f(x): return x * {use}", X=np.ones(3))
    g = watched(f, x)
    module.X[1] = 2.0
    assert g.check()
    module.X = np.ones(4)
    assert_seen(g, "the global X changed from an array (3,) float64 to an array (4,) float64")


def test_an_array_too_large_to_compare_is_refused(monkeypatch):
    monkeypatch.setattr(guards, "LARGEST", 10)
    f, _ = function("def f(x): return x * np.mean(X)", X=np.ones(11))
    assert "X (11,) is read outside of what is recorded" in watched(f, x).refused
    f, _ = function("def f(x): return np.sum(x) * np.sum(X * x[0]) * X.shape[0]", X=np.ones(11))
    assert watched(f, x).refused == ""
    f, _ = function("def f(x): return x * np.mean(X)", X=np.ones(10))
    assert watched(f, x).refused == ""


@pytest.mark.parametrize("of", [lambda m: m, ag.Tensor])
def test_a_mask_that_decides_a_shape(of):
    f, module = function("def f(x): return np.sum(x[mask] ** 2)", mask=of(np.array([True, False, True])))
    g = watched(ag.value_and_grad(f), x)
    mask = module.mask if isinstance(module.mask, np.ndarray) else module.mask.data
    mask[1] = True
    assert_seen(g, "the content of mask changed")


def test_an_index_of_numbers_may_change():
    f, module = function("def f(x): return np.sum(x[index] ** 2)", index=np.array([0, 1]))
    g = watched(f, x)
    module.index[0] = 2
    assert g.check()


def test_a_tensor_that_the_program_reads():
    f, module = function("def f(x): return np.sum(x * W)", W=ag.Tensor(np.ones(3), requires_grad=True))
    g = watched(f, x)
    module.W.data = np.full(3, 2.0)
    assert g.check()
    module.W = ag.Tensor(np.ones(3), requires_grad=True)
    assert_seen(g, "the global W is another object now: a Tensor (3,) float64")


@pytest.mark.parametrize("use", ["W.data", "W.numpy()", "W[0].item()", "float(W[0])", "np.asarray(W)", "W.tolist()[0]"])
def test_the_value_of_a_tensor_cannot_be_taken_while_recording_and_so_need_not_be_looked_at(use):
    f, _ = function(f"def f(x): return x * {use}", W=ag.Tensor(np.ones(3), requires_grad=True))
    with pytest.raises(ag.errors.TraceError):
        trace(f)(x)


def test_a_tensor_that_the_program_does_not_use_may_change():
    f, module = function(
        "def f(x):\n  if DEBUG: print(W.data.mean())\n  return np.sum(heads['a'] * x)",
        W=ag.Tensor(np.ones(3), requires_grad=True), DEBUG=False,
        heads={name: ag.Tensor(np.ones(3), requires_grad=True) for name in "ab"},
    )  # fmt: skip
    g = watched(f, x)
    module.W.data = module.heads["a"].data = module.heads["b"].data = np.full(3, 2.0)
    assert g.check()


def test_a_detached_tensor_is_read_by_reference():
    leaf = ag.Tensor(np.ones(3), requires_grad=True)
    f, _ = function("def f(x): return x * W", W=leaf.detach())
    g = watched(f, x)
    leaf.data = np.full(3, 2.0)
    assert g.check()


@pytest.mark.parametrize("use", ["np.sum(W.grad * x)", "x * W.grad.mean()", "sum([x * p.grad for p in [W]])"])
def test_a_gradient_that_is_another_array(use):
    f, module = function(f"def f(x): return {use}", W=ag.Tensor(np.ones(3), requires_grad=True))
    np.sum(module.W * 2).backward()
    g = watched(f, x)
    module.W.zero_grad()
    np.sum(module.W * 3).backward()
    assert_seen(g, "W.grad")


# --- models -----------------------------------------------------------------------------------------------------------


def model():
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.ReLU(), nn.Linear(4, 2, rng=1))


def batch():
    return np.ones((2, 3)), np.zeros((2, 2))


def loss_of(m):
    return lambda x, t: nn.squared_error(m(x), t)


def test_a_model_that_trains_stays_the_same():
    m = model()
    f = ag.value_and_grad(loss_of(m))
    g = watched(f, *batch())
    for p in m.parameters():
        p.data = p.data + 1
        p.grad = p.data * 2
    m.load_state_dict(m.state_dict())
    assert g.check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.eval(), "m.layers[1].training is new: False"),
        (
            lambda m: setattr(m.layers[2], "weight", nn.Parameter(np.ones((2, 4)))),
            "m.layers[2].weight is another object",
        ),
        (lambda m: setattr(m.layers[2], "bias", None), "m.layers[2].bias changed from a Tensor (2,) float64 to None"),
    ],
)
def test_a_model_that_changes(change, message):
    m = model()
    g = watched(loss_of(m), *batch())
    change(m)
    assert not g.check()
    slots = [slot.change() for slot in g.slots]
    assert any(message in text for text in slots), slots


def test_a_flag_of_a_part():
    m = model()
    m.eval()
    g = watched(loss_of(m), *batch())
    m.layers[1].training = True
    assert_seen(g, "m.layers[1].training changed from False to True")


def test_a_model_of_ones_own_with_forward_by_name():
    class Net(nn.Module):
        power = 2.0

        def __init__(self):
            self.linear = nn.Linear(3, 2, rng=0)

        def forward(self, x):
            return self.after(self.linear(x) * SCALE.value)

        def after(self, x):
            return x**self.power

    SCALE = types.SimpleNamespace(value=1.0)
    m = Net()
    g = watched(loss_of(m), *batch())
    SCALE.value = 2.0
    assert_seen(g, "SCALE.value changed from 1.0 to 2.0")
    SCALE.value = 1.0
    assert g.check()
    Net.power = 3.0
    assert_seen(g, "power changed from 2.0 to 3.0")


def test_a_number_of_an_optimizer_is_looked_at_and_not_its_state():
    m = model()
    opt = nn.SGD(m.parameters(), lr=0.1)

    def f(x):
        return x * opt.lr

    g = watched(f, x)
    opt.anything = 1
    assert g.check()
    opt.lr = 0.2
    assert_seen(g, "opt.lr changed from 0.1 to 0.2")


# --- what has a state of its own --------------------------------------------------------------------------------------


def test_the_state_of_generators_locks_and_files_is_no_change(tmp_path):
    rng, lock, numbers = np.random.default_rng(0), threading.Lock(), iter([1, 2, 3])
    with open(tmp_path / "a", "w") as file:
        held = {"rng": rng, "lock": lock, "file": file, "iterator": numbers, "random": np.random.RandomState(0)}

        def f(x):
            return x + ag.fresh(rng.random, 3)

        g = guard(lambda x: (f(x), held))
        rng.random(3)
        held["random"].random()
        file.write("text")
        next(numbers)
        with lock:
            assert g.check()
        rng = np.random.default_rng(1)
        assert_seen(g, "the closed-over rng is another object now")


# --- what recording changes itself ------------------------------------------------------------------------------------


class Counting:
    def __init__(self):
        self.calls, self.losses, self.seen = 0, [], np.zeros(2)

    def count(self, x):
        self.calls += 1
        return x * 2

    def keep(self, x):
        self.losses.append(1.0)
        return x * 2

    def write(self, x):
        self.seen[0] = 5.0
        return x * 2

    def remember(self, x):
        self.last = x.shape
        return x * 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("count", "self.calls changed from 0 to 2"),
        ("keep", "the length of self.losses changed from 0 to 2"),
        ("write", "the content of self.seen changed"),
    ],
)
def test_what_recording_changes_is_named_by_a_guard_made_before(name, message):
    f = getattr(Counting(), name)
    before = guard(f)
    assert before.check()
    g = watched(f, x)
    assert_seen(before, message)
    assert g.check(), "from then on it is the same"


def test_a_global_that_recording_sets_is_named_by_a_guard_made_before():
    f, _ = function("def f(x):\n  global LAST\n  LAST = x.shape\n  return x * 2")
    before = guard(f)
    assert before.check()
    watched(f, x)
    assert_seen(before, "the global LAST is new: (3,)")


def test_recording_that_changes_nothing():
    m = model()
    f = ag.value_and_grad(loss_of(m))
    before = guard(f)
    watched(f, *batch())
    assert before.check()


# --- the guard itself -------------------------------------------------------------------------------------------------


def test_several_changes_are_told_together():
    f, module = function("def f(x): return A * x + B + C + D", A=1, B=1, C=1, D=1)
    g = watched(f, x)
    module.A = module.B = module.C = module.D = 2
    assert g.why().count("; ") == 2


def test_a_guard_keeps_nothing_alive_that_the_function_does_not():
    def make():
        big = np.ones(3)
        return (lambda x: x * big), weakref.ref(big)

    f, big = make()
    g = watched(f, x)
    assert big() is not None
    del f, g
    gc.collect()
    assert big() is None


def test_checks_in_threads():
    f, _module = function("def f(x): return SCALE * x", SCALE=1.0)
    g = watched(f, x)
    wrong = []

    def look():
        wrong.extend(1 for _ in range(500) if not g.check())

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_object_whose_comparison_fails_is_compared_by_identity():
    class Odd:
        def __eq__(self, other):
            raise ValueError

        __hash__ = None

    f, module = function("def f(x): return x if odd else -x", odd=Odd())
    g = watched(f, x)
    module.odd = Odd()
    assert_seen(g, "the global odd is another object now")


def test_the_operations_that_are_read_exist():
    known = set(dis.opmap)
    for group in (guards.GLOBAL, guards.DEREF, guards.ATTRIBUTES):
        assert group & known
    assert {"LOAD_FAST", "STORE_GLOBAL", "IMPORT_NAME", "IMPORT_FROM", "STORE_FAST", "CALL"} <= known


@pytest.mark.parametrize(
    ("a", "b", "result"),
    [
        (1, 1.0, False), (1, True, False), (0.0, -0.0, False), (np.float64("nan"), np.float64("nan"), True),
        (complex(0, 0.0), complex(0, -0.0), False), ((1, 2.0), (1, 2.0), True), ((1,), (1, 2), False),
        ([1], [1], False), (slice(1, 2), slice(1, 2.0), False), (float("nan"), float("nan"), True),
        (2**70, 2**70, True), ("a" * 50, "a" * 50, True),
    ],
)  # fmt: skip
def test_same(a, b, result):
    assert same(a, b) is result
