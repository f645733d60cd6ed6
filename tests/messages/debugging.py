"""Mistakes that ag.debug() reports, and questions that ag.why cannot answer."""

import numpy as np

import autograd_mini as ag
from autograd_mini import errors


def leaf(data):
    return ag.Tensor(np.array(data, float), requires_grad=True, name="x")


def watched(function, *args):
    with ag.debug():
        return function(*args)


def swept(function, *cotangent):
    watched(function).backward(*cotangent)


def recorded_sweep():
    with ag.debug():
        ag.jvp(np.sqrt, (np.array([0.0]),), (np.ones(1),))


def moved():
    a = np.array([1.0, 2.0])
    with ag.debug():
        y = (leaf([3.0, 4.0]) * a).sum()
    a[0] = 5.0
    y.backward()


ROWS = {
    "np.log(0)": (
        lambda: watched(np.log, leaf([1, 0])),
        errors.NonFiniteError,
        [r"np\.log gave -inf: 1 of 2", r"at debugging\.py:\d+", "there 0", r"safe: np\.where\(t > 0"],
    ),
    "x * nan": (
        lambda: watched(np.multiply, leaf([1, 2]), np.array([np.nan, 1])),
        errors.NonFiniteError,
        [r"np\.multiply gave nan", "b had nan already", "Look at the data"],
    ),
    "np.sqrt(0).backward()": (
        lambda: swept(lambda: np.sqrt(leaf([0, 4])).sum()),
        errors.NonFiniteError,
        [r"In the sweep, np\.sqrt gave inf for its operand x", "cotangent: ", "result: ", "safe: "],
    ),
    "x32 * 1e300, backward()": (
        lambda: swept(lambda: (ag.Tensor(np.ones(2, np.float32), requires_grad=True) * np.array([1e300, 1.0])).sum()),
        errors.NonFiniteError,
        [r"In the sweep, np\.multiply gave inf for its operand .*\(as float32\)", "cotangent: "],
    ),
    "ag.jvp(np.sqrt, (0.0,), (1.0,))": (
        recorded_sweep,
        errors.NonFiniteError,
        [r"In the sweep, the rule of np\.sqrt", "computed: ", "safe: "],
    ),
    "y.backward(inf)": (
        lambda: swept(lambda: leaf([1.0]) * 2, np.array([np.inf])),
        errors.NonFiniteError,
        [r"arrives at np\.multiply is not finite", "the seed"],
    ),
    "a[0] = v before backward()": (
        moved,
        errors.OverwrittenError,
        [r"np\.multiply had used", "b, shape", r"used at debugging\.py:\d+, in moved", r"Run backward\(\) before"],
    ),
    "np.log(zeros) beside a Tensor": (
        lambda: watched(np.log, np.zeros(1)),
        RuntimeWarning,
        ["divide by zero encountered, on plain arrays"],
    ),
    "@ag.debug": (lambda: ag.debug(np.sin), TypeError, [r"@ag\.debug\(\)"]),
    "ag.why(a, x)": (
        lambda: ag.why(np.ones(2), leaf(1.0)),
        TypeError,
        [r"why\(y, x\): y is ndarray, but must be a Tensor"],
    ),
}
