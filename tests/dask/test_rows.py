"""Rows of tests/cases on Dask arrays; docs/dask.md is written from all of them (docs/build_dask.py)."""

import numpy as np
import pytest

import autograd_mini as ag

from ..cases import CASES, CONSTANTS
from ..generated import call, call_numpy, named, operands, outputs

dask = pytest.importorskip("dask", reason="needs the extra: pip install 'autograd-mini[dask]'")
da = pytest.importorskip("dask.array")

WORKING = [  # what a network or an analysis of data is made of: every one of the first rows works
    np.add, np.multiply, np.true_divide, np.power, np.exp, np.log, np.log1p, np.sqrt, np.tanh, np.maximum, np.absolute,
    np.logaddexp, np.where, np.clip, np.matmul, np.dot, np.tensordot, np.einsum, np.sum, np.mean, np.var, np.std,
    np.transpose, np.concatenate, np.stack, np.broadcast_to, np.squeeze, np.cumsum, np.outer, np.diff,
]  # fmt: skip
REFUSED = [np.sort, np.linalg.eigh, np.linalg.qr, np.linalg.svd, np.linalg.det, np.median, np.quantile, np.convolve,
           np.unique]  # fmt: skip
SAMPLED = [np.take, np.pad, np.roll, np.kron, np.cross, np.gradient, np.trapezoid, np.fft.fft, np.prod, np.max, np.ptp,
           np.cumprod, np.polydiv, np.linalg.pinv, np.linalg.matrix_power, np.linalg.norm, np.interp, np.average,
           np.nanmean, np.corrcoef, np.vdot, np.tile, np.reshape]  # fmt: skip


def verdicts(function, count):
    from .rows import verdict

    return [verdict(function, case) for case in CASES[function][:count]]


@pytest.mark.parametrize("function", WORKING, ids=named)
def test_the_first_rows_work(function):
    assert [found for found, _ in verdicts(function, 2)] == ["works"] * 2


@pytest.mark.parametrize("function", REFUSED, ids=named)
def test_a_refusal_names_the_function_and_the_kind(function):
    for found, why in verdicts(function, 1):
        assert found == "refused" and named(function) in why and "dask.array" in why


@pytest.mark.parametrize("function", SAMPLED, ids=named)
def test_a_row_works_or_is_refused(function):
    assert {found for found, _ in verdicts(function, 3)} <= {"works", "rows", "refused"}


COMPARED = [np.greater, np.isnan, np.argmax, np.sign, np.floor, np.zeros_like, np.all, np.argsort, np.searchsorted]


@pytest.mark.parametrize("function", COMPARED, ids=named)
def test_a_function_without_a_derivative_gives_its_kind_or_is_refused(function):
    for case in CONSTANTS[function][:3]:
        xs = operands(case)
        try:
            found = outputs(call(function, case, [ag.Tensor(da.from_array(x, chunks=2)) for x in xs]))
        except (ag.errors.UnsupportedArgumentError, ValueError, np.exceptions.AxisError):
            continue
        assert all(isinstance(y.data, da.Array) for y in found)
        for y, e in zip(dask.compute(*[y.data for y in found]), outputs(call_numpy(function, case, xs)), strict=True):
            np.testing.assert_array_equal(y, e)
