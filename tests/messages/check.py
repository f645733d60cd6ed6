"""What `gradcheck` finds wrong with a function, and what it cannot check."""

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

x = np.array([0.5, 1.5, 2.5])


@ag.primitive
def doubled(x):
    return 2 * x


ag.defvjp(doubled, lambda g, _y, _x: 3 * g)


def random(x):
    return x * np.random.default_rng().normal(size=3)


def writes(x):
    if isinstance(x, np.ndarray):
        x[0] = 1.0
    return x * 2


def asks(x):
    return x * 2 if isinstance(x, np.ndarray) else x * 3


@ag.primitive
def ruleless(x):
    return x**3


@ag.primitive
def clips(x):
    return np.sum(x)


ag.defvjp(clips, lambda g, _y, x: np.clip(g, -10, 10) * np.ones(x.shape))


@ag.primitive
def writes_g(x):
    return np.sin(x)


def scaled_in_place(g, _y, x):
    g *= np.cos(x)
    return g


ag.defvjp(writes_g, scaled_in_place)


@ag.primitive
def writes_x(x):
    return np.sin(x)


def moved_in_place(g, _y, x):
    x += 1
    return g * np.cos(x - 1)


ag.defvjp(writes_x, moved_in_place)


class Lazy:
    dtype, shape = np.dtype(float), (3,)

    def __array_function__(self, *_):
        raise AssertionError("computed")


ROWS = {
    "ag.gradcheck(f, [1, 2])": (
        lambda: ag.gradcheck(np.sin, np.array([1, 2])),
        errors.DTypeError,
        ["gradcheck: .* is int64", "3.0 for 3"],
    ),
    "ag.gradcheck(f, float32)": (
        lambda: ag.gradcheck(np.sin, x.astype(np.float32)),
        errors.DTypeError,
        ["float32", r"x\.astype\(float\)"],
    ),
    "ag.gradcheck(without return)": (
        lambda: ag.gradcheck(lambda x: None, x),
        errors.GradcheckError,
        ["nothing to differentiate", "`return`"],
    ),
    "ag.gradcheck(f that returns float32)": (
        lambda: ag.gradcheck(lambda x: x.astype(np.float32), x),
        errors.DTypeError,
        ["output 0 of f is float32", "double precision"],
    ),
    "ag.gradcheck(wrong rule)": (
        lambda: ag.gradcheck(doubled, x),
        errors.GradcheckError,
        ["doubled|rule"],
    ),
    "ag.gradcheck(random)": (
        lambda: ag.gradcheck(random, x),
        errors.GradcheckError,
        ["f is random", "output 0", "fixed seed"],
    ),
    "ag.gradcheck(f that gives nan)": (
        lambda: ag.gradcheck(lambda x: x * np.nan, x),
        errors.GradcheckError,
        ["Output 0 of f is nan or inf"],
    ),
    "ag.gradcheck(f that writes)": (
        lambda: ag.gradcheck(writes, x),
        errors.GradcheckError,
        ["f writes to", r"x\.copy\(\)"],
    ),
    "ag.gradcheck(f that asks for types)": (
        lambda: ag.gradcheck(asks, x),
        errors.GradcheckError,
        ["another value on Tensors than on arrays", "type of its arguments"],
    ),
    "ag.gradcheck(f without a rule)": (
        lambda: ag.gradcheck(ruleless, x),
        errors.GradcheckError,
        ["f runs on arrays, but its gradient does not: MissingRuleError: .*ruleless", r"ag\.defvjp"],
    ),
    "ag.gradcheck(order=0)": (
        lambda: ag.gradcheck(np.sin, x, order=0),
        errors.GradcheckError,
        ["order is 0, but must be a whole number of at least 1"],
    ),
    "ag.gradcheck(f, inf)": (
        lambda: ag.gradcheck(np.tanh, np.array([1.0, np.inf])),
        errors.GradcheckError,
        [r"argument 0 is inf at index \(1,\)", r"lambda x: f\(x, mask\)"],
    ),
    "ag.gradcheck(f, masked)": (
        lambda: ag.gradcheck(np.sin, np.ma.array(x, mask=x > 1)),
        errors.DTypeError,
        ["argument 0 is a MaskedArray", r"np\.asarray\(a\)"],
    ),
    "ag.gradcheck(f, Dask)": (
        lambda: ag.gradcheck(np.sin, Lazy()),
        errors.DTypeError,
        ["gradcheck wants NumPy arrays: argument 0 is a .*Lazy", "small NumPy array"],
    ),
    "ag.gradcheck(rule that clips)": (
        lambda: ag.gradcheck(clips, x),
        errors.GradcheckError,
        ["not linear in the cotangent", "wrong rule: .*clips, operand x", "Use g once, as a factor"],
    ),
    "ag.gradcheck(rule that writes into g)": (
        lambda: ag.gradcheck(writes_g, x),
        errors.GradcheckError,
        ["rule of .*writes_g for its operand x writes into its cotangent", r"Write g = g \* \.\.\."],
    ),
    "ag.gradcheck(rule that writes into x)": (
        lambda: ag.gradcheck(writes_x, x),
        errors.GradcheckError,
        ["rule of .*writes_x for its operand x writes into the operand x", "Let it work on a copy"],
    ),
}
