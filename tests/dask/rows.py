"""Every row of tests/cases on Dask arrays: the value and the gradient are NumPy's, or there is a clear error."""

import warnings
from collections import Counter

import dask
import dask.array as da
import numpy as np

import autograd_mini as ag

from ..cases import CASES
from ..generated import call, cotangents, evaluate, gradient, named, operands, outputs

LAYOUTS = {
    "rows": lambda shape: tuple(max(1, (n + 1) // 2) if i == 0 else max(1, n) for i, n in enumerate(shape)),
    "blocks": lambda shape: tuple(max(1, (n + 1) // 2) for n in shape),
}


class Computed(Exception):
    """Something was computed before it was asked for."""


def forbidden(*_graph, **_options):
    raise Computed


def chunked(x, layout):
    return da.from_array(x, chunks=LAYOUTS[layout](x.shape))


def verdict(function, case):
    """Return ``works``, ``rows`` (only where the chunks divide the rows) or ``refused``, and why; or what is wrong."""
    found, why = verdict_in(function, case, "blocks")
    if found != "refused" or all(x.ndim < 2 for x in operands(case)):
        return found, why
    found, other = verdict_in(function, case, "rows")
    return ("rows" if found == "works" else found), (why if found == "refused" else other)


def verdict_in(function, case, layout):
    """Return a verdict on one way to cut the arrays."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # rows of NumPy's warn of what is deprecated
        xs = operands(case)
        ys = evaluate(function, case, xs)
        cs = cotangents(ys)
        expected = gradient(function, case, xs, cs)
        try:
            with dask.config.set(scheduler=forbidden):
                leaves = [ag.Tensor(chunked(x, layout), requires_grad=True) for x in xs]
                results = outputs(call(function, case, leaves))
                gs = list(ag.gradients(results, leaves, [chunked(np.asarray(c), layout) for c in cs]))
        except Computed:
            return "computes", ""
        except ag.errors.ShapeError as error:
            return ("wrong shape" if "cotangent has shape" in str(error) else "refused"), str(error)
        except Exception as error:
            return "refused", f"{type(error).__name__}: {error}"
        values = [y.data if isinstance(y, ag.Tensor) else y for y in results]
        if not all(isinstance(a, da.Array) for a in (*values, *gs)):
            return "another kind", str({type(a).__name__ for a in (*values, *gs)})
        try:
            found = dask.compute(*values, *gs, scheduler="synchronous", optimize_graph=False)
        except Exception as error:
            return "refused", f"when computed: {type(error).__name__}: {error}"
    wanted = [np.asarray(a) for a in (*ys, *expected)]
    tolerance = 1e-3 if any(a.dtype.char in "efF" for a in wanted) else 1e-9
    for got, want in zip(found, wanted, strict=True):
        if not same(got, want, tolerance):
            return "wrong", f"{got!r}, not {want!r}"
    return "works", ""


def same(got, want, tolerance):
    scale = np.max(np.abs(want), initial=1, where=np.isfinite(want))
    return (got.shape, got.dtype) == (want.shape, want.dtype) and np.allclose(
        got, want, rtol=tolerance, atol=tolerance * scale, equal_nan=True
    )


def name_of(function):
    return named(function).replace("_operator.", "operator.")


def counts(function):
    """Return how often each verdict was given on the rows of a function."""
    return Counter(verdict(function, case)[0] for case in CASES.get(function, []))
