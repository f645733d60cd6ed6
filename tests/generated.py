"""What the generated tests share: the table's functions, their rows, calls, and derivatives by differences."""

import inspect
import operator

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.table import TABLE, Composite, Rule, name_of

from .cases import CASES, GREW, Case

# --- what is tried -------------------------------------------------------------------------------------------------


def named(function):
    return getattr(TABLE.get(function), "name", None) or name_of(function)


def ours(function):
    """Other tests add functions of their own to the table."""
    module = getattr(function, "__module__", None) or "numpy"
    return module.split(".")[0] in ("numpy", "autograd_mini", "_operator")


def entries(*kinds):
    """Functions of these kinds; without the entry by which Tensors find ``t[i] = v``, which is `assign`."""
    return [
        f for f, entry in TABLE.items() if isinstance(entry, kinds) and ours(f) and f not in {operator.setitem, *GREW}
    ]


def each(functions):
    return pytest.mark.parametrize("function", functions, ids=named)


DIFFERENTIABLE = entries(Rule, Composite)
RULES = entries(Rule)


def every_row(check):
    """Make of ``check(function, case)`` one test per function, which tries every row and tells all that fail.

    One test per row would take pytest longer than the rows themselves.
    """

    @each(DIFFERENTIABLE)
    def test(function):
        errors = []
        for case in CASES.get(function, []):
            try:
                check(function, case)
            except Exception as error:
                error.add_note(f"in the row {named(function)}({case})")
                errors.append(error)
        if errors:
            raise ExceptionGroup(f"{named(function)}: {len(errors)} of {len(CASES[function])} rows", errors)

    test.__doc__ = check.__doc__
    return test


def operands(tree):
    """The arrays to differentiate by, in the order of the call."""
    if isinstance(tree, np.ndarray) and tree.dtype.kind in "fc":
        return [tree]
    if isinstance(tree, dict):
        tree = list(tree.values())
    return [x for branch in tree for x in operands(branch)] if isinstance(tree, (Case, list, tuple)) else []


def filled(tree, values):
    """The same arguments with the operands replaced, one after the other, by `values` (an iterator)."""
    if isinstance(tree, np.ndarray) and tree.dtype.kind in "fc":
        return next(values)
    if isinstance(tree, dict):
        return {name: filled(branch, values) for name, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(filled(branch, values) for branch in tree)
    return tree


def plain(tree):
    if isinstance(tree, dict):
        return {name: plain(branch) for name, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(plain(branch) for branch in tree)
    return tree.data if isinstance(tree, ag.Tensor) else tree


NOT_COMPLEX = (TypeError, ValueError, NotImplementedError, np.exceptions.ComplexWarning)  # what says so
IN_PLACE = {np.put, np.place, np.putmask, np.copyto, np.fill_diagonal, np.put_along_axis}


def call(function, case, values):
    """Return what the call returns; where a function works in place, what it leaves of a copy."""
    values = iter(values)
    return result_of(function, filled(case.args, values), filled(case.kwargs, values))


def call_numpy(function, case, xs):
    """The same on plain arrays."""
    xs = iter(xs)
    return result_of(function, plain(filled(case.args, xs)), plain(filled(case.kwargs, xs)))


def result_of(function, args, kwargs):
    if function is np.ufunc.at:
        ufunc, target, *rest = args
        target = target.copy()
        function(ufunc, target, *rest)
        return target
    if function not in IN_PLACE:
        return function(*args, **kwargs)
    first = next(name for name in inspect.signature(function).parameters)
    target = (args[0] if args else kwargs[first]).copy()
    function(*[target, *args[1:]][: len(args)], **(kwargs if args else kwargs | {first: target}))
    return target


def outputs(result):
    """The arrays in a result, from left to right."""
    if isinstance(result, (list, tuple)):
        return [y for part in result for y in outputs(part)]
    return [np.asarray(result) if isinstance(result, (int, float, complex)) else result]


def evaluate(function, case, xs):
    """NumPy's own answer, as a list of arrays."""
    return outputs(call_numpy(function, case, xs))


def cotangents(ys, seed=1):
    """Random ones, each of its array's shape and dtype."""
    rng = np.random.default_rng(seed)
    return [random(rng, np.shape(y), np.asarray(y).dtype) for y in ys]


def random(rng, shape, dtype):
    values = rng.normal(size=shape)
    return (values + 1j * rng.normal(size=shape) if dtype.kind == "c" else values).astype(dtype)


def paired(cs, ys):
    """What cotangents make of tangents: one real number."""
    return sum(np.sum(c * y) for c, y in zip(cs, ys, strict=True)).real


def low(dtype, x):
    """The same values in a low precision, real or complex."""
    return x.astype(np.result_type(dtype, np.complex64) if x.dtype.kind == "c" else dtype)


def gradient(function, case, xs, cs, directions=()):
    """Cotangents of the operands; with `directions`, those of the cotangents along them, and so on."""
    leaves = [ag.Tensor(x, requires_grad=True) for x in xs]
    ys = outputs(call(function, case, leaves))
    for direction in directions:
        ys, cs = ag.gradients(ys, leaves, cs, create_graph=True), direction
    return list(ag.gradients(list(ys), leaves, list(cs)))


def close(got, expected, tolerance):
    __tracebackhide__ = True
    assert len(got) == len(expected)
    for g, e in zip(got, expected, strict=True):
        scale = np.max(np.abs(e), initial=1)
        np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance * scale)


# --- derivatives without any rule ----------------------------------------------------------------------------------


def complex_step(function, case, xs, cs):
    r"""``Im f(x + ih) / h``: exact to rounding, since nothing is subtracted. None where ``f`` is not analytic."""
    ys = evaluate(function, case, xs)
    if any(np.iscomplexobj(a) for a in (*xs, *ys)):
        return None

    def stepped(*moved):
        return paired_imaginary(cs, evaluate(function, case, [x + 1e-20j * v for x, v in zip(xs, moved, strict=True)]))

    def along(h):
        return paired(cs, evaluate(function, case, [x + h * v for x, v in zip(xs, directions, strict=True)]))

    directions = cotangents(xs, 9)
    try:
        slope = stepped(*directions)
    except NOT_COMPLEX:
        return None
    if not abs(slope - difference(along)) <= max(coarse(ys), 1e-5) * max(1, abs(slope)):
        return None  # conjugates somewhere: not analytic
    found = []
    for i, x in enumerate(xs):
        g = np.zeros(x.shape)
        for k in np.ndindex(x.shape):
            units = [np.zeros(x.shape) for x in xs]
            units[i][k] = 1
            g[k] = stepped(*units)
        found.append(g)
    return found


def paired_imaginary(cs, ys):
    return sum(np.sum(c * y) for c, y in zip(cs, ys, strict=True)).imag / 1e-20


def difference(f, h=0.02):
    """The derivative at 0 by central differences, extrapolated twice: the error falls as ``h**6``."""
    d = [(f(h / n) - f(-h / n)) / (2 * h / n) for n in (1, 2, 4)]
    d = [(4 * d[1] - d[0]) / 3, (4 * d[2] - d[1]) / 3]
    return (16 * d[1] - d[0]) / 15


def differences(function, case, xs, cs):
    """The whole Jacobian by differences, transposed, times the cotangents; d/dx - i d/dy of a complex operand."""
    found = []
    for i, x in enumerate(xs):
        g = np.zeros(x.shape, complex if np.iscomplexobj(x) else float)
        for k in np.ndindex(x.shape):

            def moved(h, unit, i=i, x=x, k=k):
                there = x.copy()
                there[k] += h * unit
                return paired(cs, evaluate(function, case, [*xs[:i], there, *xs[i + 1 :]]))

            g[k] = difference(lambda h: moved(h, 1))
            if np.iscomplexobj(x):
                g[k] -= 1j * difference(lambda h: moved(h, 1j))
        found.append(g)
    return found


def coarse(ys):
    """How well differences can be resolved: some rows ask NumPy for a float32 result."""
    return 1e-3 if any(np.asarray(y).dtype in (np.float32, np.complex64) for y in ys) else 1e-7


def signature_of(function):
    try:
        return inspect.signature(function)
    except ValueError:
        return None  # written in C, in older versions


def used(function):
    """Parameters to which some row gives a value of its own, so that the derivative was tested with it."""
    parameters = signature_of(function).parameters
    return {name for case in CASES.get(function, []) for name in (*list(parameters)[: len(case.args)], *case.kwargs)}
