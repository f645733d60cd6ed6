"""What the functions of NumPy refuse on Tensors: what has no rule, what NumPy refuses, what would lose a gradient.

The rows of tests/cases say what is refused; here each of them is read.
"""

import inspect
import re
import warnings

import numpy as np

import autograd_mini as ag
from autograd_mini import errors

from ..cases import INVALID, REFUSED
from ..generated import call, named, operands
from ..opaque import Elsewhere


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def calling(function, case):
    """Return a call of a row on Tensors."""
    return lambda: call(function, case, [leaf(x) for x in operands(case)])


def numpys(function):
    return not named(function).startswith(("scipy.", "autograd_mini.scipy."))


FIX = r"Leave it out|[Ww]rite|[Pp]ass|[Kk]eep|Join|takes \w+="  # every refusal says what to do instead

ROWS = {
    f"{named(function)}({case})": (
        calling(function, case),
        errors.UnsupportedArgumentError,
        [re.escape(named(function)), re.escape(name), FIX],
    )
    for function, case, name in REFUSED
    if numpys(function)
}
ROWS |= {  # what NumPy refuses
    f"{named(function)}({case}), which NumPy refuses": (calling(function, case), error, [r"\w"])
    for function, case, error in INVALID
    if numpys(function)
}

V, M, T3, C = (leaf(np.ones(shape) + np.arange(3.0)) for shape in [(3,), (2, 3), (2, 3, 3), (3, 3)])
Z = leaf(np.array([1j, 2.0, 3.0]))
KEEP = ["Keep a floating dtype", r"\.detach\(\)"]


def polyfit_of_one_point():
    np.polyfit(leaf([1.0, 1.0, 1.0]), leaf([1.0, 2.0, 3.0]), 1)


ROWS |= {
    # what has no derivative
    "np.linspace(t, 1, dtype=int)": (
        lambda: np.linspace(V[0], 1, dtype=int),
        errors.UnsupportedArgumentError,
        [r"np\.linspace was asked for a result of dtype int64", *KEEP],
    ),
    "np.einsum('i->', t, dtype=int)": (
        lambda: np.einsum("i->", V, dtype=int),
        errors.UnsupportedArgumentError,
        [r"np\.einsum was asked for a result of dtype int64", *KEEP],
    ),
    "np.einsum('i->', t, subok=True)": (
        lambda: np.einsum("i->", V, subok=True),
        errors.UnsupportedArgumentError,
        [r"np\.einsum", "subok=", "Leave"],
    ),
    "np.einsum('i->', t, foo=1)": (
        lambda: np.einsum("i->", V, foo=1),
        TypeError,
        [r"einsum\(\) got an unexpected keyword argument 'foo'|foo"],
    ),
    "np.clip(t, 0, 1, foo=1)": (
        lambda: np.clip(V, 0, 1, foo=1),
        TypeError,
        [r"unexpected keyword argument '?foo|foo"],
    ),
    "np.clip(t, 0, 1, where=mask)": (
        lambda: np.clip(V, 0, 1, where=[True, False, True]),
        errors.UnsupportedArgumentError,
        [r"np\.clip", "where=", "Leave it out"],
    ),
    "np.nan_to_num(t, copy=False)": (
        lambda: np.nan_to_num(V, copy=False),
        errors.UnsupportedArgumentError,
        [r"np\.nan_to_num", "copy=False", "in place", r"t = np\.nan_to_num\(t\)"],
    ),
    "np.pad(t, 1, mode=f)": (
        lambda: np.pad(V, 1, mode=lambda *_: None),
        errors.UnsupportedArgumentError,
        [r"np\.pad", "mode=", "in place", r"np\.concatenate\(\["],
    ),
    "np.pad(t, 1, mode='empty')": (
        lambda: np.pad(V, 1, mode="empty"),
        errors.UnsupportedArgumentError,
        [r"np\.pad", "mode='empty'", "undefined"],
    ),
    "np.lib.stride_tricks.sliding_window_view(t, 2, writeable=True)": (
        lambda: np.lib.stride_tricks.sliding_window_view(V, 2, writeable=True),
        errors.UnsupportedArgumentError,
        ["sliding_window_view", "writeable=True", "Leave it out", r"t\[i\] = v"],
    ),
    "np.polymul(t, np.poly1d(a))": (
        lambda: np.polymul(V, np.poly1d([1.0, 2.0])),
        errors.UnsupportedArgumentError,
        [r"np\.polymul", r"p\.coeffs"],
    ),
    "np.linalg.norm(t, ord=p), p a Tensor": (
        lambda: np.linalg.norm(V, V[0]),
        errors.UnsupportedArgumentError,
        [r"np\.linalg\.norm", "ord", r"np\.sum"],
    ),
    "ag.logsumexp(z), complex": (
        lambda: ag.logsumexp(Z),
        errors.DTypeError,
        ["logsumexp", "complex128", r"ag\.scipy\.special\.logsumexp"],
    ),
    # keywords of ufuncs
    "np.modf(t, where=mask)": (
        lambda: np.modf(V, where=[True, False, True]),
        errors.UnsupportedArgumentError,
        [r"np\.modf", "argument where=", "Leave it out"],
    ),
    "np.add(t, 1, casting='safe')": (
        lambda: np.add(V, 1, casting="safe"),
        errors.UnsupportedArgumentError,
        [r"np\.add", "casting=", "Leave it out"],
    ),
    "np.add(t, 1, where=[0, 1, 1], out=t)": (
        lambda: np.add(V, 1, where=[0, 1, 1], out=V.copy()),
        errors.DTypeError,
        [r"np\.add", "booleans, not int64", "!= 0"],
    ),
    "np.mean(t, where=0.5)": (
        lambda: np.mean(V, where=0.5),
        errors.DTypeError,
        ["where= takes booleans, not float64", "where=mask != 0"],
    ),
    "np.stack([t, 'a'])": (lambda: np.hstack([V, "a"]), errors.DTypeError, ["<U1", "only numbers", r"np\.asarray"]),
    "np.add(t, 1, dtype=int)": (lambda: np.add(V, 1, dtype=int), TypeError, ["int64", "float64"]),
    "np.add(t, 1, axis=0)": (lambda: np.add(V, 1, axis=0), TypeError, ["axis"]),
    "np.matmul(t, t, keepdims=True)": (lambda: np.matmul(C, C, keepdims=True), TypeError, ["matmul", "keepdims"]),
    "np.matmul(t, t, axes=[0])": (lambda: np.matmul(C, C, axes=[0]), ValueError, ["axes"]),
    "np.subtract.reduce(t, axis=(0, 1))": (
        lambda: np.subtract.reduce(C, axis=(0, 1)),
        ValueError,
        ["reorderable|order matters", "subtract"],
    ),
    "np.subtract.reduce([])": (
        lambda: np.subtract.reduce(leaf(np.zeros(0))),
        ValueError,
        ["subtract", "identity"],
    ),
    "np.add.accumulate(t, axis=None)": (lambda: np.add.accumulate(C, axis=None), ValueError, ["accumulate", "ax[ei]s"]),
    "np.add.reduceat(t, [5])": (lambda: np.add.reduceat(V, [5]), IndexError, ["reduceat", "5|bounds"]),
    # arrays of another kind
    "np.take(t, i), i on a cluster": (
        lambda: np.take(V, Elsewhere([0])),
        errors.UnsupportedArgumentError,
        [r"np\.take", "Elsewhere", "NumPy array"],
    ),
    "np.sort(t) of a cluster": (
        lambda: np.cumprod(ag.Tensor(Elsewhere(np.ones(3)))),
        errors.UnsupportedArgumentError,
        [r"np\.", "Elsewhere"],
    ),
    # writing into a plain array
    "np.put(a, [0], t)": (
        lambda: np.put(np.zeros(3), [0], V[0]),
        errors.LostGradientError,
        [r"np\.put", "plain array", r"a = ag\.Tensor\(a\)", r"np\.where"],
    ),
    "np.copyto(a, t)": (
        lambda: np.copyto(np.zeros(3), V),
        errors.LostGradientError,
        [r"np\.copyto", r"a = ag\.Tensor\(a\)"],
    ),
    # what NumPy refuses, and how
    "np.interp(z, xp, fp), complex": (lambda: np.interp(Z, [0.0, 1.0], [0.0, 1.0]), TypeError, ["complex128"]),
    "np.interp(t, [[0, 1]], [[0, 1]])": (lambda: np.interp(V, C, C), ValueError, ["1-D|too deep|depth"]),
    "np.vander(t, -1)": (lambda: np.vander(V, -1), ValueError, ["negative dimensions"]),
    "np.nan_to_num(t, nan=1j)": (lambda: np.nan_to_num(V, nan=1j), TypeError, ["float64"]),
    "np.insert(t, 0, 1j)": (lambda: np.insert(V, 0, 1j), TypeError, ["complex"]),
    "np.apply_over_axes(lambda a, i: a.sum(), t, 0)": (
        lambda: np.apply_over_axes(lambda a, _i: np.sum(a), T3, 0),
        ValueError,
        [r"np\.apply_over_axes|correct shape"],
    ),
    "np.einsum of 53 axes": (
        lambda: np.einsum(
            "abcdefghijklmnopqrstuvwxyz...,ABCDEFGHIJKLMNOPQRSTUVWXYZ->...",
            leaf(np.ones((1,) * 27)),
            leaf(np.ones((1,) * 26)),
        ),
        errors.UnsupportedArgumentError,
        [r"np\.einsum: the subscripts", "letters for the [0-9]+ axes of an ellipsis", "reshape"],
    ),
    "np.block([(t, t), t])": (lambda: np.block([(V, V), V]), TypeError, ["tuple"]),
    "np.pad(t, 1.5)": (lambda: np.pad(V, 1.5, mode="reflect", reflect_type="odd"), TypeError, ["integ"]),
    "np.linalg.pinv(t, rcond=0.1, rtol=0.1)": (lambda: np.linalg.pinv(C, 0.1, rtol=0.1), ValueError, ["both"]),
    "np.polyder(t), a matrix": (lambda: np.polyder(M), ValueError, ["axis|broadcast"]),
    "np.polyfit(x, y, 1), all x equal": (
        polyfit_of_one_point,
        np.exceptions.RankWarning,
        ["Polyfit may be poorly conditioned"],
    ),
    "np.polyfit(x, y, 2, cov=True), three points": (
        lambda: np.polyfit(leaf([1.0, 2.0, 3.0]), leaf([1.0, 2.0, 1.0]), 2, cov=True),
        ValueError,
        ["exceed order"],
    ),
    "np.rollaxis(t, 0, 9)": (lambda: np.rollaxis(C, 0, 9), np.exceptions.AxisError, ["start", "9"]),
    "np.matrix_transpose(t), a vector": (lambda: np.matrix_transpose(V), ValueError, ["2", "1"]),
    "np.meshgrid(t, t, indexing='yx')": (lambda: np.meshgrid(V, V, indexing="yx"), ValueError, ["'xy'"]),
    "np.ix_(t), a matrix": (lambda: np.ix_(M), ValueError, ["1|one"]),
    "np.cov(t, fweights=a), a matrix": (
        lambda: np.cov(C, fweights=np.ones((3, 3), int)),
        RuntimeError,
        ["multidimensional fweights"],
    ),
    "np.histogram2d(t, t[:2])": (lambda: np.histogram2d(V, V[:2]), ValueError, ["x and y must have the same length"]),
    "np.histogramdd(t, range=[(0, 1)])": (
        lambda: np.histogramdd(C, range=[(0, 1)]),
        ValueError,
        ["range argument must have one entry per dimension"],
    ),
    "np.histogramdd(t, weights=z)": (lambda: np.histogramdd(C, weights=Z), TypeError, ["complex128"]),
    "np.histogramdd(t, bins='abc')": (
        lambda: np.histogramdd(C, bins=["a", "b", "c"]),
        errors.DTypeError,
        ["not 'a'", "bins=10"],
    ),
}


def quietly(function, *args):
    """Call a function that NumPy warns of, on its way out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return function(*args)


def refused():
    """Every function of NumPy that is refused, with as many Tensors as it needs."""
    from autograd_mini.table import TABLE, Refused

    for function, entry in list(TABLE.items()):
        if (
            isinstance(entry, Refused) and numpys(function) and function.__name__ not in ("row_stack", "trapz")
        ):  # what these call dispatches
            empty = inspect.Parameter.empty
            try:
                needed = sum(p.default is empty for p in inspect.signature(function).parameters.values())
            except ValueError:
                needed = getattr(function, "nin", 2 if function.__name__.startswith("busday") else 1)
            yield function, entry.reason, needed


ROWS |= {
    f"{named(function)}({', '.join('t' * needed)}), refused": (
        lambda f=function, n=needed: quietly(f, *[V] * n),
        errors.MissingRuleError,
        [re.escape(named(function)), re.escape(reason[:40]), "[Ww]rite|Call"],
    )
    for function, reason, needed in refused()
}
