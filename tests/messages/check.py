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
}
