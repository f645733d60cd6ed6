"""What cannot be recorded as a program, and what a program cannot be called with."""

import itertools

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

X = np.array([1.0, 2.0, 3.0])
W = ag.Tensor(np.ones(3))
COUNTER = itertools.count()
RNG = np.random.default_rng(0)
MASK = np.array([True, False, True])


@ag.primitive
def positives(x):
    x = np.asarray(x.tolist())
    return x[x > 0]


ag.defvjp(positives, lambda g, _y, _x: g)


def choose_shape(_x):
    return positives(ag.fresh(lambda: X[: 1 + next(COUNTER) % 2]))


def traced(f, *args):
    return ag.trace(f)(*(args or (X,)))


def other_mask():
    mask = MASK.copy()
    program = traced(lambda x: np.sum(x[mask]))
    mask[:] = True
    return program(X)


def two_uses():
    def f(x):
        buffer = np.zeros(3)
        y = x + buffer
        buffer[0] = 1.0
        return y * buffer

    return traced(f)


def not_positive(x):
    ag.ensure(x > 0, lambda v: ValueError(f"x must be positive, and its smallest entry is {v.min()}."), x)
    return np.log(x)


LINE = r"\(tracing\.py:\d+, in "

ROWS = {
    "ag.trace(x)": (lambda: ag.trace(X), TypeError, [r"ag\.trace takes a function", r"ag\.trace\(f\)\(x\)", "ndarray"]),
    "ag.trace(f)(strings)": (
        lambda: traced(lambda a: a, np.array(["a"])),
        errors.TraceError,
        ["an array of <U1", "must hold numbers"],
    ),
    "if t > 0: in a trace": (
        lambda: traced(lambda t: t if t[0] > 0 else -t),
        errors.TraceError,
        [r"bool\(t\), as in `if t:`,", "needs the value of a Tensor", LINE, r"np\.where\(condition, a, b\)"],
    ),
    "float(width) in a trace": (
        lambda: traced(lambda width: float(width), np.array(1.0)),
        errors.TraceError,
        [r"float\(t\) needs the value of width \(\)", LINE],
    ),
    "np.unique(t) in a trace": (
        lambda: traced(lambda t: np.unique(t)),
        errors.TraceError,
        [r"np\.unique, which looks at values,", LINE],
    ),
    "t[t > 1] in a trace": (
        lambda: traced(lambda t: t[t > 1]),
        errors.TraceError,
        [r"`t\[mask\]` with a mask that is computed", LINE, r"np\.where\(mask, a, b\)", r"np\.sum\(a, where=mask\)"],
    ),
    "t[t > 1] = values in a trace": (
        lambda: traced(lambda t: t.copy().__setitem__(t > 1, np.zeros(2))),
        errors.TraceError,
        [r"`t\[mask\] = values` with a mask", LINE, r"np\.where"],
    ),
    "np.nonzero(t) in a trace": (
        lambda: traced(lambda t: np.nonzero(t)),
        errors.TraceError,
        [r"np\.nonzero, whose result has now more entries, now fewer", LINE],
    ),
    "np.linalg.eigvals(t) in a trace": (
        lambda: traced(lambda t: np.linalg.eigvals(t), np.ones((2, 2))),
        errors.TraceError,
        [r"np\.linalg\.eig, whose result has a shape or dtype that depends on values", r"a\.astype\(complex\)"],
    ),
    "w += t in a trace": (
        lambda: traced(lambda t: W.__iadd__(t)),
        errors.TraceError,
        [r"`t \+= \.\.\.` on a Tensor from outside", LINE, r"t\.copy\(\)"],
    ),
    "t[0] = 1.0 on an argument of a trace": (
        lambda: traced(lambda t: t.__setitem__(0, 1.0)),
        errors.TraceError,
        [r"`t\[i\] = v` on an argument", LINE],
    ),
    "w.data = t in a trace": (
        lambda: traced(lambda t: setattr(W, "data", t)),
        errors.TraceError,
        [r"t\.data = \.\.\.", LINE, "assign it outside"],
    ),
    "loss.backward() in a trace": (
        lambda: traced(lambda t: np.sum(t * t).backward()),
        errors.TraceError,
        [r"t\.backward\(\), which sets \.grad,", LINE, r"ag\.grad\(f\)\(x\)"],
    ),
    "an array used twice, written to between": (
        two_uses,
        errors.TraceError,
        [r"writing into an array \(3,\) between two uses", LINE, "Make a new one"],
    ),
    "rng.random(3) in a trace": (
        lambda: traced(lambda t: t * RNG.random(3)),
        errors.TraceError,
        [
            "Recorded twice, the function does not do the same",
            r"np\.multiply \(tracing\.py:",
            "that is another one",
            r"ag\.fresh\(rng\.random, shape\)",
        ],
    ),
    "rng.random() in a trace": (
        lambda: traced(lambda t: t * RNG.random()),
        errors.TraceError,
        ["Recorded twice", "the first time and .* the second"],
    ),
    "another function each time in a trace": (
        lambda: traced(lambda t: (np.sin, np.cos)[next(COUNTER) % 2](t)),
        errors.TraceError,
        ["Recorded twice", r"is np\.(sin|cos) the second time"],
    ),
    "another number of steps each time in a trace": (
        lambda: traced(lambda t: sum(t for _ in range(2 + next(COUNTER) % 2))),
        errors.TraceError,
        ["Recorded twice", r"takes \d steps, then \d"],
    ),
    "another operand each time in a trace": (
        lambda: traced(lambda a, b: np.sin((a, b)[next(COUNTER) % 2]), X, X),
        errors.TraceError,
        ["Recorded twice", "uses other values"],
    ),
    "another shape each time in a trace": (
        lambda: traced(choose_shape),
        errors.TraceError,
        ["Recorded twice", r"gives shape \(\d,\) the first time and \(\d,\) the second"],
    ),
    "ag.fresh(3)": (lambda: ag.fresh(3), TypeError, [r"ag\.fresh takes a function", "not a int"]),
    "ag.fresh(np.full, 3, t) in a trace": (
        lambda: traced(lambda t: ag.fresh(np.full, 3, t[0])),
        errors.TraceError,
        [r"an argument of ag\.fresh needs the value"],
    ),
    "ag.ensure(x > 0, error, x)": (lambda: not_positive(-X), ValueError, [r"must be positive.*-3\.0"]),
    "program(negative) with ag.ensure": (
        lambda: traced(not_positive)(-X),
        ValueError,
        [r"must be positive.*-3\.0"],
    ),
    "program(x[:2])": (
        lambda: traced(lambda x: x * 2)(X[:2]),
        errors.TraceError,
        [r"the argument x has shape \(2,\), float64, but must have \(3,\), float64", r"ag\.compile"],
    ),
    "program(x, 3) recorded with 2": (
        lambda: traced(lambda x, k: x * k, X, 2)(X, 3),
        errors.TraceError,
        ["the argument k is 3, but must be 2"],
    ),
    "program() without an argument": (
        lambda: traced(lambda x, k=1: x * k, X, 2)(X),
        TypeError,
        ["missing: k"],
    ),
    "program(x) with another mask outside": (
        other_mask,
        errors.TraceError,
        [r"mask \(3,\) .* holds at 3 places now, but did at 2", r"np\.where\(mask, a, b\)"],
    ),
    "program(x) with a result of another shape": (
        lambda: traced(lambda x: positives(x) * 2)(-X),
        errors.TraceError,
        [r"a result has shape \(0,\), float64 this time, and had \(3,\)", "depends on values"],
    ),
    "program(a computed Tensor)": (
        lambda: traced(lambda x: x * 2)(ag.Tensor(X, requires_grad=True) * 2),
        errors.LostGradientError,
        ["a program gives arrays", r"t\.detach\(\)"],
    ),
}
