"""What goes wrong with compiled functions and training steps, and with Tensors that move to other memory."""

import pickle

import numpy as np

import autograd_mini as ag
import nn
from autograd_mini import errors

from .tensor import leaf

A = np.array([1.0, 2.0, 3.0])
X, Y = np.ones((4, 3)), np.zeros((4, 2))
MODEL = nn.MLP([3, 2], rng=0)


def updated(into, results=lambda v, g: (np.sum(g), v - g)):
    v = np.zeros(3)
    return ag.compile(lambda g: results(v, g), into={number: array(v) for number, array in into.items()})(A)


def of_into():
    v = np.zeros(3)
    return ag.compile(lambda g: (np.sum(g), v - g), into={1: v})


def changing():
    rate = 0.0
    step = ag.compile(lambda g: rate * g)
    for i in range(20):
        rate = float(i)
        step(A)


def exchanged():
    w = ag.Tensor(A.copy(), name="speed")
    times = ag.compile(lambda g: w * g)
    for i in range(20):
        w[0] = float(i)
        times(A)


def too_large():
    many = np.zeros(10_000_001, bool)
    return ag.compile(lambda g: g * many.sum())(A)


def counting():
    calls = {"n": 0}

    def f(g):
        calls["n"] += 1
        return 2 * g

    return ag.compile(f)(A)


def view_in_use(name=None):
    w = leaf(np.ones((2, 3)), name=name)
    turned = w.T
    w.move_to(np.zeros((2, 3)))
    return turned


def read_only():
    array = np.zeros(3)
    array.flags.writeable = False
    return leaf(A).move_to(array)


COMPILE = {
    "ag.compile(x)": (
        lambda: ag.compile(A),
        TypeError,
        [r"ag\.compile takes a function", r"ag\.compile\(f\)\(x\)", "ndarray"],
    ),
    "ag.compile(f, backend='cuda')": (
        lambda: ag.compile(np.tanh, backend="cuda"),
        ValueError,
        ["backend is 'cuda'", "'numpy', 'numba'"],
    ),
    "ag.compile(f)(masked array)": (
        lambda: ag.compile(np.tanh)(np.ma.masked_array(A, mask=A > 1)),
        errors.DTypeError,
        ["compile: an argument is a MaskedArray", r"a\.filled\(value\)"],
    ),
    "fast.source() before a call": (
        lambda: ag.compile(np.tanh).source(),
        errors.TraceError,
        ["compile: tanh has not been called yet", r"source\(\*args\)"],
    ),
    "ag.compile(f) where a number changes at each call": (
        changing,
        errors.TraceError,
        ["recorded 8 times", "the closed-over rate changed from", r"np\.asarray\(lr\)"],
    ),
    "ag.compile(f) where t[0] = ... at each call": (
        exchanged,
        errors.TraceError,
        ["recorded 8 times", "the Tensor speed holds another array", "Pass it as an argument"],
    ),
    "ag.compile(f) of a large array's sum": (
        too_large,
        errors.TraceError,
        ["many", r"\(10000001,\)", "too large", "Pass it as an argument"],
    ),
    "ag.compile(f) of a function that counts its calls": (
        counting,
        errors.TraceError,
        ["compile: f changes what is outside", "calls", "Return what it finds instead"],
    ),
    "ag.grad(ag.compile(f, into=...))": (
        lambda: ag.grad(lambda g: of_into()(g))(A),
        errors.TraceError,
        ["writes into arrays", "cannot be differentiated", "Differentiate inside"],
    ),
    "ag.compile(f, into=...) under ag.debug()": (
        lambda: ag.debug()(of_into())(A),
        errors.TraceError,
        ["writes into arrays", r"ag\.debug\(\) has no operations", "by a loop"],
    ),
    "pickle.dumps(ag.compile(f, into=...))": (
        lambda: pickle.dumps(of_into()),
        TypeError,
        ["writes into arrays", "copy or pickle", "Compile the function anew"],
    ),
    "ag.compile(f, into={2: v}) of two results": (
        lambda: updated({2: lambda v: v}),
        errors.TraceError,
        ["result 2", "returns 2 arrays", "from 0"],
    ),
    "ag.compile(f, into={-1: v})": (
        lambda: updated({-1: lambda v: v}),
        TypeError,
        [r"numbers of results, from 0", "this is -1"],
    ),
    "ag.compile(f, into={1: list})": (
        lambda: updated({1: lambda _: [0.0]}),
        TypeError,
        ["arrays that can be written to", "a list", r"np\.zeros"],
    ),
    "ag.compile(f, into={1: v[::2]})": (
        lambda: updated({1: lambda v: v[::2]}),
        TypeError,
        ["contiguous", "this is 1"],
    ),
    "ag.compile(f, into={0: v, 1: v})": (
        lambda: updated({0: lambda v: v, 1: lambda v: v[:2]}),
        ValueError,
        ["the results 0 and 1 the same memory", "array of its own"],
    ),
    "ag.compile(f, into=...) of another shape": (
        lambda: updated({0: lambda v: v}),
        errors.ShapeError,
        [r"result 0 of <?\w+>? has shape \(\)", r"\(3,\), float64", "alike"],
    ),
    "ag.gradients(y, x, unused=None)": (
        lambda: ag.gradients(np.sum(leaf(A) * 2), [leaf(A)], unused=None),
        ValueError,
        ["unused is None", "'zeros' or 'none'"],
    ),
}

MOVE = {
    "(w * 2).move_to(a)": (
        lambda: (leaf(A) * 2).move_to(np.zeros(3)),
        errors.LostGradientError,
        ["only a leaf can be moved", r"np\.copyto"],
    ),
    "w.move_to(a) while w.T is in use": (
        lambda: view_in_use("W"),
        errors.UnsupportedArgumentError,
        ["a view of W is in use", "the old memory", r"t\.T\.copy\(\)"],
    ),
    "w.move_to(another shape)": (
        lambda: leaf(A).move_to(np.zeros(4)),
        errors.ShapeError,
        [r"shape \(4,\)", r"the Tensor's, \(3,\)", "reshape"],
    ),
    "w.move_to(float32)": (
        lambda: leaf(A).move_to(np.zeros(3, "f4")),
        errors.DTypeError,
        ["holds float32", "must hold float64", r"np\.empty\(n, float64\)"],
    ),
    "w.move_to(read-only)": (read_only, errors.DTypeError, ["float64, read-only", "be writable"]),
}


class Model(nn.Module):
    """Uses the one or the other layer, as `which` says."""

    def __init__(self):
        self.a, self.b = nn.Linear(3, 2, rng=0), nn.Linear(3, 2, rng=1)

    def forward(self, x):
        return self.which()(x)

    def which(self):
        return self.a


class Alternates(Model):
    calls = 0

    def which(self):
        type(self).calls += 1
        return self.a if self.calls % 2 else self.b


class Cut(Model):
    def forward(self, x):
        return self.a(x).detach()


class OwnStep(nn.SGD):
    def step(self):
        pass


def step(model=None, loss=nn.squared_error, optimizer=None):
    model = model or Model()
    return nn.compile_step(model, loss, optimizer or nn.SGD(model.parameters(), 0.1))


def fit(optimizer=nn.SGD, loss=nn.squared_error, make=Model):
    model = make()
    return nn.fit(model, (X, Y), loss=loss, optimizer=optimizer(model.parameters(), 0.1), epochs=1, compile=True)


def looks(o, y):
    value = nn.squared_error(o, y)
    return value if value.item() > 0 else 2 * value


STEP = {
    "nn.compile_step(function, ...)": (
        lambda: nn.compile_step(np.tanh, nn.squared_error, None),
        TypeError,
        ["compile_step: model is", "must be a Module", r"nn\.MLP"],
    ),
    "nn.compile_step(model, 'mse', ...)": (
        lambda: nn.compile_step(Model(), "mse", None),
        TypeError,
        ["compile_step: loss is 'mse'", r"nn\.cross_entropy"],
    ),
    "nn.compile_step(model, loss, 0.1)": (
        lambda: nn.compile_step(Model(), nn.squared_error, 0.1),
        TypeError,
        ["compile_step: optimizer is 0.1", r"nn\.SGD\(model\.parameters\(\), lr=0\.1\)"],
    ),
    "step.source() before a step": (
        lambda: step().source(),
        errors.TraceError,
        ["nothing was compiled yet", r"step\(x, y\)"],
    ),
    "a step whose parameters change at each call": (
        lambda: step(Alternates())(X, Y),
        errors.TraceError,
        ["which parameters the loss depends on, .* changes from one", "Let each step use all"],
    ),
    "a step whose loss depends on no parameter": (
        lambda: step(Cut())(X, Y),
        errors.NothingRecordedError,
        ["compile_step: the loss does not depend on any parameter of the optimizer", r"\.detach\(\)"],
    ),
    "a step with a label out of range": (
        lambda: step(loss=nn.cross_entropy)(X, np.array([0, 1, 2, 0])),
        ValueError,
        ["cross_entropy: label 2 is out of range", "from 0 to 1"],
    ),
    "nn.fit(compile=True) of a step() of one's own": (
        lambda: fit(OwnStep),
        TypeError,
        ["fit: optimizer is", r"must leave step\(\) to nn\.Optimizer", "leave out compile=True"],
    ),
    "nn.fit(compile=True) of a loss that looks at values": (
        lambda: fit(loss=looks),
        errors.TraceError,
        [r"item\(\)", r"compiling\.py:\d+", r"np\.where"],
    ),
    "ag.compile of what depends on a parameter outside": (
        lambda: ag.compile(lambda x: nn.squared_error(MODEL(x), Y))(X),
        errors.LostGradientError,
        ["compile: .* depends on", "which requires grad and is no argument", r"ag\.no_grad\(\)", "stop_gradient"],
    ),
    "nn.Dropout(1)": (lambda: nn.Dropout(1), ValueError, ["Dropout: p is 1", r"\[0, 1\)", "put out"]),
    "nn.Dropout('half')": (lambda: nn.Dropout("half"), TypeError, ["Dropout: p is 'half'"]),
    "nn.Dropout(0.5, rng='a')": (lambda: nn.Dropout(0.5, rng="a"), ValueError, ["Dropout: rng is 'a'", "seed"]),
    "nn.Dropout(0.5)('text')": (lambda: nn.Dropout(0.5)("text"), errors.DTypeError, ["Dropout: x"]),
}

ROWS = COMPILE | MOVE | STEP
