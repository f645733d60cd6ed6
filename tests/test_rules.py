"""Every rule of the table against NumPy, complex steps and differences, on every row of tests/cases.py.

The tests are generated from the table itself: a function that has no row, a keyword that no row uses and nothing
refuses, and a rule that never runs fail here by name.
"""

import inspect
import math
import operator
import warnings
from contextlib import contextmanager, nullcontext
from itertools import product

import numpy as np
import pytest
from numpy.testing import overrides

import autograd_mini as ag
import autograd_mini.graph
from autograd_mini.errors import UnsupportedArgumentError
from autograd_mini.rules.assign import assign
from autograd_mini.rules.index import scatter
from autograd_mini.table import TABLE, Composite, Constant, Plain, Refused, Rule, name_of

from .cases import CASES, CONSTANTS, INVALID, PLAIN, PYTHON_NUMBERS, REAL_ONLY, REFUSED, ROUNDED, Case, on
from .generated import (
    DIFFERENTIABLE,
    IN_PLACE,
    NOT_COMPLEX,
    RULES,
    call,
    call_numpy,
    close,
    coarse,
    complex_step,
    cotangents,
    difference,
    differences,
    each,
    entries,
    evaluate,
    every_row,
    filled,
    gradient,
    low,
    named,
    operands,
    outputs,
    paired,
    signature_of,
    used,
)

PRIVATE = {operator.getitem, scatter, assign, *vars(np.ufunc).values()}  # not called by name
CALLED = [f for f in DIFFERENTIABLE if not isinstance(f, np.ufunc) and signature_of(f) and f not in PRIVATE]


# --- every row -----------------------------------------------------------------------------------------------------


def kinds(result):
    """The nesting of a result, with its namedtuples."""
    return (type(result), [kinds(part) for part in result]) if isinstance(result, (list, tuple)) else "array"


@every_row
def test_value_is_numpys(function, case):
    xs = operands(case)
    expected = call_numpy(function, case, xs)
    for recorded in (False, True):
        got = call(function, case, [ag.Tensor(x, requires_grad=recorded) for x in xs])
        assert kinds(got) == kinds(expected)
        for y, e in zip(outputs(got), outputs(expected), strict=True):
            assert type(y) is ag.Tensor and type(y.data) is np.ndarray
            assert (y.shape, y.dtype) == (np.shape(e), np.asarray(e).dtype)
            exact = isinstance(TABLE[function], Rule) or function in (np.clip, np.split, np.mean, np.divmod)
            single = np.asarray(e).dtype in (np.float32, np.complex64)
            rtol = 1e-6 if single else 1e-11 if function in ROUNDED else 0 if exact else 1e-14
            np.testing.assert_allclose(y.data, e, rtol=rtol, atol=1e-13 if function in ROUNDED else 0)
            assert recorded or not y.requires_grad


@every_row
def test_gradient(function, case):
    xs = operands(case)
    ys = evaluate(function, case, xs)
    cs = cotangents(ys)
    before = [x.tobytes() for x in xs]
    got = gradient(function, case, xs, cs)
    for g, x in zip(got, xs, strict=True):
        assert (type(g), g.shape, g.dtype) == (np.ndarray, x.shape, x.dtype)
        assert g.flags.writeable and g.flags.owndata
    assert before == [x.tobytes() for x in xs], "an operand was overwritten"
    stepped = complex_step(function, case, xs, cs)
    if stepped is not None:
        close(got, stepped, 1e-11)
    else:
        close(got, differences(function, case, xs, cs), coarse(ys))


NOT_LOOKED_AT = {"initial", "constant_values", "end_values"}


@every_row
def test_gradient_of_one_operand_alone(function, case):
    xs = operands(case)
    cs = cotangents(evaluate(function, case, xs))
    together = gradient(function, case, xs, cs)
    for i, x in enumerate(xs):
        leaf = ag.Tensor(x, requires_grad=True)
        for constant in (ag.Tensor, np.asarray):
            if constant is np.asarray and (
                NOT_LOOKED_AT & {*case.kwargs} or (i and function in {*IN_PLACE, np.ufunc.at})
            ):
                continue  # where NumPy does not look for a Tensor, or it would be written into a plain array
            others = [constant(x) for x in xs]
            ys = outputs(call(function, case, [*others[:i], leaf, *others[i + 1 :]]))
            close(ag.gradients(ys, [leaf], cs), together[i : i + 1], 1e-13)


def higher_order(function, case, order):
    """The derivative of order n against differences of the derivative of order n - 1, along a random direction."""
    xs = operands(case)
    ys = evaluate(function, case, xs)
    cs = cotangents(ys)
    directions = [cotangents(xs, seed) for seed in range(2, order + 1)]
    got = gradient(function, case, xs, cs, directions)

    def moved(h):
        there = [x + h * v for x, v in zip(xs, directions[-1], strict=True)]
        return flat(gradient(function, case, there, cs, directions[:-1]))

    for h in (0.01, 0.002):  # near an edge only a small step will do
        try:
            return close([flat(got)], [difference(moved, h)], max(coarse(ys), 1e-6))
        except AssertionError:
            if h == 0.002:
                raise


@every_row
def test_order_2(function, case):
    higher_order(function, case, 2)


@every_row
def test_order_3(function, case):
    if any(case is one for one in CASES[function][:5]):  # it takes the longest
        higher_order(function, case, 3)


def flat(arrays):
    return np.concatenate([np.ravel(a) for a in arrays])


# between real and complex: the sweep mends that; since NumPy 2.5 what eig returns is always complex
MAY_WIDEN = {"np.astype", "np.float_power", "np.real", "np.imag", "np.linalg.eig"}


@contextmanager
def no_widening():
    """Fail where a rule answers in another dtype than its operand's, which the sweep would mend."""
    fit = autograd_mini.graph.fit

    def strict(p, like, rule, where):
        assert p.dtype == like.dtype or rule.name in MAY_WIDEN, f"{rule.name} answers {p.dtype} to {like.dtype}"
        return fit(p, like, rule, where)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(autograd_mini.graph, "fit", strict)
        yield


@every_row
def test_dtypes(function, case):
    """Gradients have their operand's dtype at orders 1 and 2, and no rule widens float32 on the way."""
    xs = operands(case)
    for dtype in (np.float32, np.float16):
        xs_low = [low(dtype, x) for x in xs]
        try:
            ys = evaluate(function, case, xs_low)
        except (TypeError, ValueError, NotImplementedError):
            assert dtype == np.float16, "float32 is taken everywhere"
            continue
        except (RuntimeWarning, UserWarning):  # SciPy says itself that the result is inaccurate
            continue
        cs = cotangents(ys)
        result = outputs(call(function, case, [ag.Tensor(x) for x in xs_low]))
        if function not in PYTHON_NUMBERS:
            assert [y.dtype for y in result] == [y.dtype for y in ys]
        uniform = dtype == np.float32 and all(y.dtype.itemsize == x.dtype.itemsize for y, x in product(ys, xs_low))
        with no_widening() if uniform else nullcontext():
            first = gradient(function, case, xs_low, cs)
            second = gradient(function, case, xs_low, cs, [cotangents(xs_low, 2)])
        assert [g.dtype for g in (*first, *second)] == [x.dtype for x in xs_low] * 2
        if dtype == np.float32:
            high = [x.astype(np.result_type(x, float)) for x in xs_low]
            cs = [c.astype(np.asarray(y).dtype) for c, y in zip(cs, evaluate(function, case, high), strict=True)]
            close(first, gradient(function, case, high, cs), 1e-5)
            close(second, gradient(function, case, high, cs, [cotangents(xs_low, 2)]), 1e-4)


@every_row
def test_operands_of_different_dtypes(function, case):
    xs = operands(case)
    if len(xs) < 2 or function in (np.place, np.putmask):  # which cast safely only
        return
    for i in range(len(xs)):
        mixed = [low(np.float32, x) if i == j else x for j, x in enumerate(xs)]
        ys = evaluate(function, case, mixed)
        got = gradient(function, case, mixed, cotangents(ys))
        assert [g.dtype for g in got] == [x.dtype for x in mixed]
        got = gradient(function, case, mixed, cotangents(ys), [cotangents(mixed, 2)])
        assert [g.dtype for g in got] == [x.dtype for x in mixed]


LAYOUTS = {
    "fortran": lambda x: np.array(x, order="F"),
    "reversed": lambda x: np.flip(np.flip(x).copy()),
    "strided": lambda x: np.repeat(x, 2, -1)[..., ::2] if x.ndim else x,
    "transposed": lambda x: x.T.copy().T,
}


@every_row
def test_memory_layout(function, case):
    xs = operands(case)
    ys = evaluate(function, case, xs)
    cs = cotangents(ys)
    expected = gradient(function, case, xs, cs)
    if case.kwargs.get("copy") is False:
        return
    for layout in LAYOUTS.values():
        laid = [layout(x) for x in xs]
        close(gradient(function, case, laid, [layout(c) for c in cs]), expected, 1e-13)


@every_row
def test_same_tensor_as_several_operands(function, case):
    xs = operands(case)
    if len(xs) < 2 or len({x.shape for x in xs}) > 1:
        return
    xs = [xs[0]] * len(xs)
    cs = cotangents(evaluate(function, case, xs))
    leaf = ag.Tensor(xs[0], requires_grad=True)
    ys = outputs(call(function, case, [leaf] * len(xs)))
    (got,) = ag.gradients(ys, [leaf], cs)
    close([got], [sum(gradient(function, case, xs, cs))], 1e-13)


BY_POSITION = {getattr(np, f"unique_{what}") for what in ("all", "counts", "inverse", "values")}  # whatever they say
BY_POSITION |= {f for f in CALLED if any(p.kind is p.VAR_POSITIONAL for p in signature_of(f).parameters.values())}


@every_row
def test_by_position_and_by_name(function, case):
    """However NumPy lets the arguments be passed, they mean the same."""
    if function not in CALLED or function in BY_POSITION:
        return
    xs = operands(case)
    expected = call(function, case, [ag.Tensor(x, requires_grad=True) for x in xs])
    for spelling in spellings(function, case):
        got = call(function, spelling, [ag.Tensor(x, requires_grad=True) for x in operands(spelling)])
        for y, e in zip(outputs(got), outputs(expected), strict=True):
            np.testing.assert_array_equal(y.data, e.data)
        cs = cotangents(evaluate(function, case, xs))
        close(sorted_by_id(gradient(function, spelling, operands(spelling), cs), operands(spelling)),
              sorted_by_id(gradient(function, case, xs, cs), xs), 0)  # fmt: skip


def sorted_by_id(gs, xs):
    return [g for _, _, g in sorted((id(x), i, g) for i, (g, x) in enumerate(zip(gs, xs, strict=True)))]


def spellings(function, case):
    """The call with as many names as possible, and with as many positions (and NumPy's defaults between them)."""
    parameters = inspect.signature(function).parameters
    bound = dict(zip(parameters, case.args, strict=False)) | case.kwargs
    strict = [p for p in parameters if parameters[p].kind is parameters[p].POSITIONAL_ONLY]
    yield Case(tuple(bound[p] for p in strict if p in bound), {p: v for p, v in bound.items() if p not in strict})
    loose = [p for p in parameters if parameters[p].kind is parameters[p].POSITIONAL_OR_KEYWORD]
    last = max((i for i, p in enumerate(strict + loose) if p in bound), default=-1)
    front = (strict + loose)[: last + 1]
    yield Case(
        tuple(bound.get(p, parameters[p].default) for p in front), {p: v for p, v in bound.items() if p not in front}
    )


# --- every function ------------------------------------------------------------------------------------------------


@each(DIFFERENTIABLE)
def test_has_a_case(function):
    assert CASES.get(function), f"{named(function)} has no row in tests/cases.py"


@each(entries(Constant, Plain))
def test_constant_or_plain_function_has_a_case(function):
    assert (CONSTANTS | PLAIN).get(function), f"{named(function)} has no row in tests/cases.py"


def test_no_case_without_a_function():
    assert not {f for f in (*CASES, *CONSTANTS, *PLAIN) if f not in TABLE}


def test_every_public_function_that_dispatches_is_in_a_set():
    """What is only in ``np.lib.recfunctions`` works on records, which a Tensor cannot hold."""
    dispatching = overrides.get_overridable_numpy_array_functions() | overrides.get_overridable_numpy_ufuncs()
    modules = (np, np.linalg, np.fft, np.lib.scimath, np.lib.stride_tricks, np.strings, np.lib.array_utils)
    public = {f for module in modules for name, f in vars(module).items() if callable(f) and not name.startswith("_")}
    assert not sorted(name_of(f) for f in dispatching & public if f not in TABLE)


def test_refused_functions_say_why():
    assert all(TABLE[function].reason for function in entries(Refused))


@each(RULES)
def test_every_rule_runs(function, monkeypatch):
    rule, ran = TABLE[function], set()

    def spy(i, vjp):
        def spying(*args, **kwargs):
            ran.add(i)
            return vjp(*args, **kwargs)

        return vjp and spying

    class Each:
        def __getitem__(self, i, vjps=rule.vjps):
            return spy("each", vjps[i])

    written = {"each": None} if rule.splat and not isinstance(rule.vjps, tuple) else dict(enumerate(rule.vjps))
    monkeypatch.setattr(rule, "vjps", Each() if "each" in written else tuple(spy(*item) for item in written.items()))
    for case in CASES.get(function, []):
        xs = operands(case)
        gradient(function, case, xs, cotangents(evaluate(function, case, xs)))
    never = {i for i, vjp in written.items() if i == "each" or vjp is not None} - ran
    assert not never, f"{rule.name}: no case runs the rule of {[i if i == 'each' else rule.operands[i] for i in never]}"


@each(CALLED)
def test_names_are_numpys(function):
    theirs, entry = signature_of(function).parameters, TABLE[function]
    if isinstance(entry, Composite):
        mine = inspect.signature(entry.implementation).parameters
        theirs = {name: p for name, p in theirs.items() if p.name not in NEWER or name in mine}
        assert [(p.name, p.kind) for p in mine.values()] == [(p.name, p.kind) for p in theirs.values()]
    else:
        entry.parameters  # noqa: B018 (the names of the operands are settled here)
        assert {*entry.operands, *entry.keywords} <= set(theirs)
        if entry.signature is not None:
            mine = entry.signature.parameters
            assert [(p.name, p.kind) for p in mine.values()] == [(p.name, p.kind) for p in theirs.values()]


NEWER = {"descending"}  # keywords of newer releases of NumPy, which test_unhandled_keyword_is_refused is about
HANDED_ON = {np.pad, np.fromfunction, np.piecewise, np.apply_along_axis}  # keywords for somebody else
UNHANDLED = [
    (f, name) for f in CALLED for name, p in signature_of(f).parameters.items()
    if p.kind is not p.VAR_POSITIONAL and name not in used(f) and not (p.kind is p.VAR_KEYWORD and f in HANDED_ON)
]  # fmt: skip


@pytest.mark.parametrize(("function", "name"), UNHANDLED, ids=[f"{named(f)}: {name}" for f, name in UNHANDLED])
def test_unhandled_keyword_is_refused(function, name):
    """A keyword that no row tests is refused at the call, by name: nothing is ignored."""
    case = CASES[function][0]
    p = signature_of(function).parameters[name]
    names = ["casting", "dtype", "where", "subok"] if p.kind is p.VAR_KEYWORD else [name]
    for name in names:
        value = np.empty(3, int) if name == "out" else "unsafe" if name == "casting" else True
        if p.kind is not p.VAR_KEYWORD:
            assert value is not p.default
        with pytest.raises(UnsupportedArgumentError) as error:
            call(
                function,
                Case(case.args, case.kwargs | {name: value}),
                [ag.Tensor(x, requires_grad=True) for x in operands(case)],
            )
        assert name in str(error.value) and named(function) in str(error.value)


UFUNCS = [f for f in RULES if isinstance(f, np.ufunc)]


@each(UFUNCS)
def test_keyword_of_a_ufunc_that_would_lose_a_gradient_is_refused(function):
    """Handled keywords have their rows under ``np.ufunc.__call__``."""
    case = CASES[function][0]
    leaves = iter([ag.Tensor(x, requires_grad=True) for x in operands(case)])
    xs = filled(case.args, leaves)
    keywords = {
        "out": (np.empty((2, 3)),) * function.nout,
        "signature": "d" * function.nin + "->" + "d" * function.nout,
    }
    if function.signature is None:
        keywords["where"] = np.array(True)
    for name, value in keywords.items():
        with pytest.raises(UnsupportedArgumentError) as error:
            function(*xs, **{name: value})
        assert name in str(error.value) and name_of(function) in str(error.value)


@pytest.mark.parametrize(("function", "case", "name"), REFUSED, ids=[f"{named(f)}: {c}" for f, c, _ in REFUSED])
def test_unhandled_value_is_refused(function, case, name):
    with pytest.raises(UnsupportedArgumentError) as error:
        call(function, case, [ag.Tensor(x, requires_grad=True) for x in operands(case)])
    assert name in str(error.value) and named(function) in str(error.value)


@pytest.mark.parametrize(("function", "case", "error"), INVALID, ids=[f"{named(f)}: {c}" for f, c, _ in INVALID])
def test_what_numpy_refuses_is_refused(function, case, error):
    with pytest.raises(error):
        call_numpy(function, case, operands(case))
    with pytest.raises(error):
        call(function, case, [ag.Tensor(x, requires_grad=True) for x in operands(case)])


# --- operands that are no arrays -----------------------------------------------------------------------------------

BINARY = [
    f for f in RULES if isinstance(f, np.ufunc) and f.signature is None and
    CASES.get(f) and [x.shape for x in operands(CASES[f][0])] == [(2, 3), (2, 3)]
]  # fmt: skip


def check_beside(function, case):
    """The case has one operand and one argument that is no array; the gradient is that with an array in its place."""
    (x,) = operands(case)
    (value,) = evaluate(function, case, [x])
    y = call(function, case, [ag.Tensor(x, requires_grad=True)])
    assert (y.shape, y.dtype) == (value.shape, value.dtype)
    np.testing.assert_array_equal(y.data, value)
    cs = cotangents([value])
    with no_widening() if value.dtype == x.dtype else nullcontext():
        got = [gradient(function, case, [x], cs), gradient(function, case, [x], cs, [cotangents([x], 2)])]
    assert [g.dtype for (g,) in got] == [x.dtype] * 2
    arrays = [np.asarray(a, float) for a in case.args]
    i = isinstance(case.args[1], np.ndarray)
    expected = gradient(function, on(*arrays), arrays, [c.astype(float) for c in cs])
    close(got[0], expected[i : i + 1], 1e-4 if x.dtype == np.float32 else 1e-13)


@each(BINARY)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_number_on_either_side(function, dtype):
    """A Python number takes the other operand's dtype, in the value and in the gradient."""
    a, b = operands(CASES[function][0])
    check_beside(function, on(a.astype(dtype), float(b[0, 1])))
    check_beside(function, on(float(a[0, 1]), b.astype(dtype)))


@each([*BINARY, np.matmul])
def test_list_on_either_side(function):
    a, b = operands(CASES[function][3 if function is np.matmul else 0])
    check_beside(function, on(a, b.tolist()))
    check_beside(function, on(a.tolist(), b))


# --- complex numbers -----------------------------------------------------------------------------------------------


def is_complex_function(function):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            return bool(evaluate(function, CASES[function][0], [x + 0.3j for x in operands(CASES[function][0])]))
        except (KeyError, IndexError, *NOT_COMPLEX):
            return False


@each([f for f in DIFFERENTIABLE if f not in REAL_ONLY and is_complex_function(f)])
def test_complex_operands(function):
    """The cotangent p of z satisfies ``Re(p dz) = Re(g dy)`` for every dz: at order 1, and of the gradient itself."""
    for case in CASES[function]:
        xs = operands(case)
        if "dtype" in case.kwargs or function in (np.astype, np.unique_values):  # which hashes: the order jumps
            continue
        zs = [x if np.iscomplexobj(x) else x + 0.3j * v for x, v in zip(xs, cotangents(xs, 5), strict=True)]
        dz = [v + 1j * w for v, w in zip(cotangents(xs, 6), cotangents(xs, 7), strict=True)]
        try:
            ys = evaluate(function, case, zs)
        except NOT_COMPLEX:
            continue  # real at this place
        cs = cotangents(ys)
        cs = [c * (1 - 0.5j) if np.iscomplexobj(c) else c for c in cs]
        vs = [v * (0.5 + 1j) for v in cotangents(zs, 8)]

        def moved(h, zs=zs, dz=dz):
            return [z + h * d for z, d in zip(zs, dz, strict=True)]

        first = difference(lambda h, c=case, cs=cs: paired(cs, evaluate(function, c, moved(h))))
        second = difference(lambda h, c=case, cs=cs, vs=vs: paired(vs, gradient(function, c, moved(h), cs)))
        got = gradient(function, case, zs, cs), gradient(function, case, zs, cs, [vs])
        assert [g.dtype for g in got[0]] == [z.dtype for z in zs]
        np.testing.assert_allclose(paired(got[0], dz), first, rtol=1e-6, atol=1e-6, err_msg=str(case))
        np.testing.assert_allclose(paired(got[1], dz), second, rtol=1e-6, atol=1e-6, err_msg=str(case))


# --- integers and half precision -----------------------------------------------------------------------------------


ONE = [np.sum, np.prod, np.max, np.mean, np.var, np.std]
TWO = [np.dot, np.matmul, np.tensordot, np.add, np.true_divide, np.maximum]


@each([*ONE, *TWO, np.clip, np.stack])
@pytest.mark.parametrize("dtype", [np.int32, np.bool_, np.uint8])
def test_tensors_of_integers(function, dtype):
    """No gradient, but NumPy's values and dtypes all the same."""
    a, b = np.array([[1, 0], [3, 5]]).astype(dtype), np.array([[1, 1], [1, 2]]).astype(dtype)
    args = (a,) if function in ONE else (a, b) if function in TWO else (a, b, b) if function is np.clip else ([a, b],)
    expected = function(*args)
    got = function(*[[*map(ag.Tensor, x)] if isinstance(x, list) else ag.Tensor(x) for x in args])
    assert (got.dtype, got.node) == (expected.dtype, None)
    np.testing.assert_array_equal(got.data, expected)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [0, 2, 1, 3]])
def test_prod_in_a_wider_dtype_does_not_overflow_in_the_gradient(order):
    factors = np.float16([300, 300, 0.01, 0.5])[order]
    a, i = ag.Tensor(factors, requires_grad=True), ag.Tensor(1.0, requires_grad=True)
    got = ag.gradients(np.prod(a, dtype=np.float32, initial=i), [a, i])
    np.testing.assert_allclose(got[0], np.array([1.5, 1.5, 45000, 900])[order], rtol=2e-3)
    np.testing.assert_allclose(got[1], 450, rtol=2e-3)


# --- kinks and edges, each by name ---------------------------------------------------------------------------------

NAN, INF = np.nan, np.inf
ENDS = [True, False, True]


def zero_at(*zeros):
    """Five factors, of which those at the given places are 0."""
    return [0.0 if i in zeros else i + 2.0 for i in range(4)]


KINKS = {
    "abs'(0) = 0": (np.abs, [[0.0, -0.0]], [[0, 0]]),
    "fabs'(0) = 0": (np.fabs, [[0.0]], [[0]]),
    "copysign'(0) = 0": (lambda a: np.copysign(a, -1.0), [[0.0, 1.0, -1.0]], [[0, -1, 1]]),
    "maximum splits a tie": (np.maximum, [[1.0, 2.0], [1.0, 1.0]], [[0.5, 1], [0.5, 0]]),
    "maximum(x, 0) has 1/2 at 0": (lambda x: np.maximum(x, 0), [[-1.0, 0.0, 1.0]], [[0, 0.5, 1]]),
    "minimum splits a tie": (np.minimum, [[1.0, 2.0], [1.0, 1.0]], [[0.5, 0], [0.5, 1]]),
    "fmax, fmin split a tie": (lambda a, b: np.fmax(a, b) + np.fmin(a, b), [[1.0], [1.0]], [[1], [1]]),
    "fmax passes a nan by": (np.fmax, [[NAN, 1.0, NAN], [2.0, NAN, NAN]], [[0, 1, 0], [1, 0, 0]]),
    "fmin passes a nan by": (np.fmin, [[NAN, 1.0], [2.0, NAN]], [[0, 1], [1, 0]]),
    "clip has 1/2 at its bounds": (lambda x: np.clip(x, 0, 1), [[-1.0, 0.0, 0.3, 1.0, 2.0]], [[0, 0.5, 1, 0.5, 0]]),
    "a bound of clip has the rest": (np.clip, [[-1.0, 0.0, 2.0], 0.0, 1.0], [[0, 0.5, 0], 1.5, 1]),
    "bounds of clip that cross": (np.clip, [[0.5], 2.0, 1.0], [[0], 0, 1]),
    "where passes nothing to a dead nan": (lambda a: np.where(ENDS, a, 0), [[1, NAN, 1]], [[1, 0, 1]]),
    "where passes nothing to a dead inf": (lambda b: np.where(ENDS, 0, b), [[NAN, 2, INF]], [[0, 1, 0]]),
    "hypot'(0, 0) = (0, 0)": (np.hypot, [[0.0, 3.0], [0.0, 4.0]], [[0, 0.6], [0, 0.8]]),
    "arctan2'(0, 0) = (0, 0)": (np.arctan2, [[0.0], [0.0]], [[0], [0]]),
    "remainder counts no jump": (np.remainder, [[4.0, -7.0], [2.0, 3.5]], [[1, 1], [-2, 2]]),
    "fmod counts no jump": (np.fmod, [[4.0, -7.0], [2.0, 3.5]], [[1, 1], [-2, 2]]),
    "d(a**0)/da = 0 at 0": (lambda a: a**0 + a**0.0, [[0.0, 2.0]], [[0, 0]]),
    "d(a**b)/da at 0": (lambda a: a ** np.array([0.0, 1.0, 2.0, 3.0]), [[0.0] * 4], [[0, 1, 0, 0]]),
    "d(a**n)/da at 0": (lambda a: a**0 + a**1 + a**2 + a**3, [[0.0]], [[1]]),
    "d(0**b)/db = 0": (lambda b: 0.0**b, [[0.0, 1.0, 2.0]], [[0, 0, 0]]),
    "d(0**b)/db = 0, of arrays": (np.power, [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]], [[0, 1, 0], [0, 0, 0]]),
    "a negative base": (lambda a: a**3 + a ** np.array([2, 2]), [[-2.0, -1.0]], [[8, 1]]),
    "logaddexp of -inf": (np.logaddexp, [[-INF, -INF, 1.0], [-INF, 0.0, -INF]], [[0, 0, 1], [0, 1, 0]]),
    "logaddexp2 of -inf": (np.logaddexp2, [[-INF, -INF], [-INF, 0.0]], [[0, 0], [0, 1]]),
    "logaddexp far apart": (np.logaddexp, [[1000.0, -1000.0], [-1000.0, 1000.0]], [[1, 0], [0, 1]]),
    "logsumexp with -inf": (ag.logsumexp, [[-INF, 0.0, -INF]], [[0, 1, 0]]),
    "logsumexp of -inf alone": (lambda a: ag.logsumexp(a, 1), [[[-INF, -INF], [0.0, 0.0]]], [[[0, 0], [0.5, 0.5]]]),
    "ties in max split evenly": (np.max, [[1.0, 3.0, 3.0, 3.0]], [[0, 1 / 3, 1 / 3, 1 / 3]]),
    "ties in min along an axis": (lambda a: np.min(a, axis=1), [[[1.0, 1.0], [1.0, 2.0]]], [[[0.5, 0.5], [1, 0]]]),
    "ties in max over axes": (lambda a: np.max(a, (0, 2)), [[[[2, 2]], [[2, 1]]]], [[[[1 / 3, 1 / 3]], [[1 / 3, 0]]]]),
    "ties in max with initial": (lambda a, i: np.max(a, initial=i), [[1.0, 2.0], 2.0], [[0, 0.5], 0.5]),
    "ties in max with where": (lambda a: np.max(a, where=ENDS, initial=0), [[2.0, 2.0, 2.0]], [[0.5, 0, 0.5]]),
    "max of nan has no derivative": (lambda a: np.max(a, axis=1), [[[NAN, 1.0], [2.0, 1.0]]], [[[0, 0], [1, 0]]]),
    "max of infinities": (np.max, [[INF, INF, 0.0]], [[0.5, 0.5, 0]]),
    "prod with a zero": (np.prod, [zero_at(1)], [[0, 2 * 4 * 5, 0, 0]]),
    "prod with two zeros": (np.prod, [zero_at(1, 3)], [[0, 0, 0, 0]]),
    "prod with a zero outside": (lambda a: np.prod(a, where=[True, False, True, True]), [zero_at(1)], [[20, 0, 10, 8]]),
    "prod with initial zero": (lambda a, i: np.prod(a, initial=i), [[2.0, 3.0], 0.0], [[0, 0], 6]),
    "std of constants has derivative 0": (np.std, [[2.0, 2.0, 2.0]], [[0, 0, 0]]),
    "std of one number": (np.std, [3.0], [0]),
    "std of a constant line": (lambda a: np.std(a, axis=1), [[[2.0, 2.0], [1.0, 3.0]]], [[[0, 0], [-0.5, 0.5]]]),
    "sum outside where": (lambda a: np.sum(a, where=[True, False]), [[1.0, NAN]], [[1, 0]]),
    "mean outside where": (lambda a: np.mean(a, where=ENDS), [[1.0, NAN, 2.0]], [[0.5, 0, 0.5]]),
    "prod outside where": (lambda a: np.prod(a, where=ENDS), [[3.0, NAN, 2.0]], [[2, 0, 3]]),
    "max outside where": (lambda a: np.max(a, where=ENDS, initial=0), [[3.0, NAN, 2.0]], [[1, 0, 0]]),
    "var outside where": (lambda a: np.var(a, where=ENDS), [[3.0, NAN, 1.0]], [[1, 0, -1]]),
    "std outside where": (lambda a: np.std(a, where=ENDS), [[3.0, NAN, 1.0]], [[0.5, 0, -0.5]]),
    "an index taken three times": (lambda a: a[[0, 0, -2, 1]], [[1.0, 2.0]], [[3, 1]]),
    "a mask that selects nothing": (lambda a: a[a > 9], [[1.0, 2.0]], [[0, 0]]),
    "tanh of large numbers": (np.tanh, [[1000.0, -1000.0]], [[0, 0]]),
}  # fmt: skip

INFINITE = {
    "sqrt'(0) = inf": (np.sqrt, 0.0, INF), "cbrt'(0) = inf": (np.cbrt, 0.0, INF), "log'(0) = inf": (np.log, 0.0, INF),
    "log2'(0) = inf": (np.log2, 0.0, INF), "log10'(0) = inf": (np.log10, 0.0, INF),
    "log1p'(-1) = inf": (np.log1p, -1.0, INF),
    "d(a**0.5)/da at 0 = inf": (lambda a: a**0.5, 0.0, INF), "reciprocal'(0) = -inf": (np.reciprocal, 0.0, -INF),
    "arcsin'(1) = inf": (np.arcsin, 1.0, INF), "arctanh'(1) = inf": (np.arctanh, 1.0, INF),
    "arccosh'(1) = inf": (np.arccosh, 1.0, INF),
    "d(1/b)/db at 0 = -inf": (lambda b: 1.0 / b, 0.0, -INF),
}  # fmt: skip


@pytest.mark.parametrize("name", KINKS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_kink(name, dtype):
    f, primals, expected = KINKS[name]
    leaves = [ag.Tensor(np.array(x, dtype), requires_grad=True) for x in primals]
    got = ag.gradients([np.sum(f(*leaves))], leaves)
    for g, e in zip(got, expected, strict=True):
        tolerance = 0 if dtype == np.float64 and "/ 3" not in str(e) else 1e-2
        np.testing.assert_allclose(g, np.array(e, float), rtol=tolerance or 1e-15, atol=0)


@pytest.mark.parametrize("name", INFINITE)
def test_infinite_slope(name):
    f, x, expected = INFINITE[name]
    leaf = ag.Tensor(x, requires_grad=True)
    with np.errstate(divide="ignore"):
        assert ag.gradients(f(leaf), leaf) == expected


def test_logsumexp_of_large_numbers():
    leaf = ag.Tensor([1000.0, 1000.0, -1000.0], requires_grad=True)
    np.testing.assert_allclose(ag.gradients(ag.logsumexp(leaf), leaf), [0.5, 0.5, 0], rtol=1e-12)


@pytest.mark.parametrize("function", [np.remainder, np.fmod])
def test_quotient_is_the_one_that_numpy_took(function):
    """``1.0 / 0.1`` rounds to 10, but 0.1 is a little more than a tenth: ``1.0 % 0.1`` is ``1.0 - 9 * 0.1``."""
    b = ag.Tensor(0.1, requires_grad=True)
    assert ag.gradients(function(1.0, b), b) == -9


def test_where_drops_an_infinite_cotangent_of_the_dead_branch():
    a, b = (ag.Tensor([1.0, 1.0], requires_grad=True) for _ in "ab")
    got = ag.gradients([np.where([True, False], a, b)], [a, b], [np.array([INF, NAN])])
    np.testing.assert_array_equal(got, [[INF, 0], [0, NAN]])


SECOND = {
    "prod with a zero": (np.prod, [0.0, 2.0, 3.0, 4.0], {(0, 1): 12, (0, 2): 8, (0, 3): 6}),
    "prod with two zeros": (np.prod, [0.0, 2.0, 0.0, 4.0], {(0, 2): 8}),
    "prod with three zeros": (np.prod, [0.0, 0.0, 0.0], {}),
    "a**1 at 0": (lambda a: a[0] ** 1, [0.0], {}),
    "a**2 at 0": (lambda a: a[0] ** 2, [0.0], {(0, 0): 2}),
    "a**b at 0": (lambda a: np.sum(a ** np.array([0.0, 1.0, 2.0, 3.0])), [0.0] * 4, {(2, 2): 2}),
    "a**b where b is 0": (lambda z: z[0] ** z[1], [2.0, 0.0], {(0, 1): 0.5, (1, 1): math.log(2) ** 2}),
    "a**b where b is 1": (lambda z: z[0] ** z[1], [2.0, 1.0], {(0, 1): 1 + math.log(2), (1, 1): 2 * math.log(2) ** 2}),
    "abs at 0": (lambda a: np.abs(a[0]), [0.0], {}),
    "maximum at a tie": (lambda a: np.maximum(a[0] ** 2, a[1]), [1.0, 1.0], {(0, 0): 1}),
    "var of constants": (np.var, [3.0, 3.0], {(0, 0): 0.5, (0, 1): -0.5, (1, 1): 0.5}),
    "std of constants": (np.std, [3.0, 3.0], {}),
    "logsumexp with -inf": (ag.logsumexp, [-INF, 0.0, 0.0], {(1, 1): 0.25, (1, 2): -0.25, (2, 2): 0.25}),
    "logaddexp with -inf": (lambda a: np.logaddexp(a[0], a[1]), [-INF, 0.0], {}),
    "hypot": (lambda a: np.hypot(a[0], a[1]), [0.0, 2.0], {(0, 0): 0.5}),
    "arctan2 on the axis": (lambda a: np.arctan2(a[0], a[1]), [0.0, 2.0], {(0, 1): -0.25}),
    "x[i] * x[i], i repeated": (lambda a: np.sum(a[[0, 0]] * a[[0, 1]]), [2.0, 5.0], {(0, 0): 2, (0, 1): 1}),
}  # fmt: skip


@pytest.mark.parametrize("name", SECOND)
def test_second_derivative_at_a_kink(name):
    f, x, upper = SECOND[name]
    expected = np.zeros((len(x), len(x)))
    for (i, j), value in upper.items():
        expected[i, j] = expected[j, i] = value
    leaf = ag.Tensor(x, requires_grad=True)
    first = ag.gradients(f(leaf), leaf, create_graph=True)
    rows = [ag.gradients([first], [leaf], [unit])[0] for unit in np.eye(len(x))]
    np.testing.assert_allclose(rows, expected, rtol=1e-14, atol=1e-15)


# --- no cotangent passes -------------------------------------------------------------------------------------------


@each(entries(Constant))
def test_constant_function(function):
    """The answer is NumPy's, in Tensors without a node; off the jumps, its derivative is 0."""
    for case in CONSTANTS[function]:
        xs = operands(case)
        expected = call_numpy(function, case, xs)
        recorded = [ag.Tensor(x, x.dtype.kind == "f") if isinstance(x, np.ndarray) else x for x in case.args]
        got = function(*recorded, **case.kwargs)
        assert isinstance(got, tuple) == isinstance(expected, tuple)
        for y, e in zip(outputs(got), outputs(expected), strict=True):
            assert (type(y), y.node, y.shape, y.dtype) == (ag.Tensor, None, np.shape(e), np.asarray(e).dtype)
            if function is not np.empty_like:
                np.testing.assert_array_equal(y.data, e)
                for h in (1e-6, -1e-6):
                    np.testing.assert_array_equal(call_numpy(function, case, [x + h for x in xs]), expected)


WITH_OUT = [f for f in entries(Constant) if not isinstance(f, np.ufunc) and signature_of(f)]
WITH_OUT = [f for f in WITH_OUT if "out" in signature_of(f).parameters]


@each(WITH_OUT)
def test_constant_function_refuses_out(function):
    with pytest.raises(UnsupportedArgumentError, match="out="):
        function(ag.Tensor([1.0]), out=np.empty(1, int))


@each(entries(Plain))
def test_plain_function(function):
    for case in PLAIN[function]:
        xs = operands(case)
        got = call(function, case, [ag.Tensor(x, requires_grad=True) for x in xs])
        expected = call_numpy(function, case, xs)
        assert type(got) is type(expected) and got == expected
