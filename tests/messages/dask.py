"""Mistakes with arrays of another kind than NumPy's, here Dask's: what it lacks, or does otherwise, is refused."""

import importlib.util

import numpy as np

import autograd_mini as ag
import nn
from autograd_mini import errors

U = errors.UnsupportedArgumentError


def lazy(*shape, masked=False):
    import dask.array as da

    a = da.from_array(np.arange(1.0, 1 + np.prod(shape)).reshape(shape), chunks=2)
    return da.ma.masked_greater(a, 3) if masked else a


def leaf(*shape):
    return ag.Tensor(lazy(*shape), requires_grad=True)


def numbers(*values):
    import dask.array as da

    return da.from_array(np.array(values), chunks=1)


def put(t, index, value):
    t[index] = value


def pulled(f, *shape):
    x = leaf(*shape)
    np.sum(f(x)).backward()


ROWS = {
    "np.linalg.svd(dask)": (
        lambda: np.linalg.svd(leaf(4, 2)),
        U,
        [r"np\.linalg\.svd of a dask\.array\.Array", "signs"],
    ),
    "np.sort(dask)": (lambda: np.sort(leaf(4)), U, [r"np\.sort", r"dask\.array\.Array", r"np\.asarray"]),
    "np.unwrap(dask)": (lambda: np.unwrap(leaf(4)), U, [r"np\.unwrap is not implemented for a dask", "docs/dask.md"]),
    "np.sinc(dask).backward()": (lambda: pulled(np.sinc, 4), U, [r"derivative of np\.sinc", "Compute it first"]),
    "np.ravel(dask, order='F')": (lambda: np.ravel(leaf(4, 2), order="F"), U, [r"np\.ravel", "order='C' only", "'F'"]),
    "Tensor(masked dask)": (
        lambda: ag.Tensor(lazy(4, masked=True)),
        errors.DTypeError,
        ["MaskedArray", r"np\.asarray"],
    ),
    "dask[dask > 2]": (
        lambda: ag.Tensor(lazy(4)[lazy(4) > 2]),
        errors.ShapeError,
        ["unknown until it is computed", r"np\.where", "compute_chunk_sizes"],
    ),
    "dask[0, True]": (lambda: leaf(4)[0, True], U, [r"t\[i\]", "True or False as an index"]),
    "dask[[0], 0, 0]": (lambda: leaf(4, 4)[[0], 0, 0], IndexError, ["2 axes, and 3 were indexed"]),
    "dask[[9], [0]]": (lambda: leaf(4, 4)[[9], [0]], IndexError, ["out of bounds for an axis of length 4"]),
    "numpy[dask]": (
        lambda: ag.Tensor(np.ones(4), requires_grad=True)[numbers(1, 2)],
        U,
        ["an index that may be lazy", "Pass a NumPy array"],
    ),
    "dask[dask, [0]]": (
        lambda: leaf(4, 4)[numbers(0, 1), [0, 1]],
        U,
        ["a lazy index beside another one", r"np\.where"],
    ),
    "dask[0, :, [0, 1]]": (lambda: leaf(4, 4, 4)[0, :, [0, 1]], U, ["one beside a number, with a slice"]),
    "dask[dask].backward()": (
        lambda: pulled(lambda x: x[numbers(0, 1)], 4),
        U,
        ["does not say where cotangents go", "Pass a NumPy array"],
    ),
    "dask[[0] * 99].backward()": (lambda: pulled(lambda x: x[[0] * 99], 4), U, ["same place more than 64 times"]),
    "dask[dask] = v": (lambda: put(leaf(4) * 1, numbers(0, 1), 5.0), U, [r"t\[i\] = v", r"np\.where"]),
    "dask[[0], [0]] = v": (lambda: put(leaf(4, 4) * 1, ([0], [0]), 5.0), U, ["several arrays of indices"]),
    "nn.Parameter(dask)": (
        lambda: nn.Parameter(lazy(4)),
        U,
        ["Parameter: its data", r"nn\.Parameter\(np\.asarray"],
    ),
    "nn.fit(model, (dask, dask))": (
        lambda: nn.fit(
            model := nn.MLP([2, 2], rng=0),
            (lazy(4, 2), lazy(4, 2)),
            loss=nn.squared_error,
            optimizer=nn.SGD(model.parameters(), lr=0.1),
        ),
        U,
        ["fit: data holds arrays that may be lazy", r"map\(np\.asarray, \(X, y\)\)", r"docs/dask\.md"],
    ),
    "dask[[0, 0]] = v": (lambda: put(leaf(4) * 1, [0, 0], 5.0), U, ["a place stands twice"]),
}

if importlib.util.find_spec("dask") is None:
    ROWS = {}
