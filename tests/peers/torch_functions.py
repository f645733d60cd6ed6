"""NumPy's functions in PyTorch's words, for tests/peers/test_programs.py: the same arguments, the same result.

What a function here does not take (a keyword of NumPy's that PyTorch lacks) raises TypeError, and the program goes on
with that step's value as a constant.
"""

# ruff: noqa: ARG001, E501 (the keywords are NumPy's; a table has long lines)

import math
import operator

import numpy as np
import torch
from scipy import special

from ..programs.program import given

__all__ = ["TORCH", "perform"]


def t(x):
    """A tensor of whatever a program passes as an array."""
    if isinstance(x, torch.Tensor):
        return x
    if isinstance(x, (list, tuple)) and any(isinstance(v, torch.Tensor) for v in x):
        return torch.stack([t(v) for v in x])
    return torch.as_tensor(np.array(x))


def floats(x):
    x = t(x)
    return x if x.dtype.is_floating_point or x.dtype.is_complex else x.to(torch.float64)


def dims(x, axis):
    """All axes for None."""
    return tuple(range(x.ndim)) if axis is None else axis


def unary(f, wants=floats):
    return lambda a: f(wants(a))


def binary(f, wants=floats):
    return lambda a, b: f(*promoted(wants(a), wants(b)))


def promoted(*xs):
    """PyTorch does not count a 0-d tensor's dtype for much."""
    dtype = xs[0].dtype
    for x in xs[1:]:
        dtype = torch.promote_types(dtype, x.dtype)
    return tuple(x.to(dtype) for x in xs)


def same(f):
    return lambda a, b: f(*promoted(t(a), t(b)))


def reduction(f):
    """Of one axis, several or all; `where` with a neutral element is not PyTorch's."""

    def call(a, axis=None, keepdims=False):
        a = t(a)
        if a.ndim == 0 or axis == ():
            if axis == ():
                raise TypeError("no axes")
            return f(a.reshape(1), (0,), False)
        return f(a, dims(a, axis), keepdims)

    return call


def one_axis(f):
    """What PyTorch does along one axis only: the others come first into one."""

    def call(a, axis=None, keepdims=False):
        a = t(a)
        axes = sorted(d % a.ndim for d in ((axis,) if isinstance(axis, int) else dims(a, axis))) if a.ndim else []
        rest = [d for d in range(a.ndim) if d not in axes]
        moved = a.permute(*rest, *axes).reshape(*[a.shape[d] for d in rest], -1)
        y = f(moved)
        return y.reshape([1 if d in axes else n for d, n in enumerate(a.shape)]) if keepdims else y

    return call


def variance(f):
    def call(a, axis=None, ddof=0, keepdims=False):
        a = t(a)
        if a.dtype.is_complex:
            raise TypeError("of real numbers only")
        if axis == ():
            raise TypeError("no axes")  # PyTorch takes that for all of them
        return f(a, dims(a, axis), correction=ddof, keepdim=keepdims) if a.ndim else a * 0

    return call


def scan(f):
    def call(a, axis=None):
        a = t(a)
        return f(a.reshape(-1), 0) if axis is None else f(a, axis)

    return call


def norm(x, ord=None, axis=None, keepdims=False):
    x = t(x)
    if ord is None and axis is None:
        y = torch.linalg.vector_norm(x.reshape(-1))
        return y.reshape([1] * x.ndim) if keepdims else y
    if (isinstance(axis, tuple) and len(axis) == 2) or (axis is None and x.ndim == 2):
        return torch.linalg.matrix_norm(x, "fro" if ord in (None, "f") else ord, axis or (-2, -1), keepdims)
    return torch.linalg.vector_norm(x, 2 if ord is None else ord, axis, keepdims)


def reshape(a, shape, order="C"):
    a = t(a)
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(int(n) for n in shape)
    if order == "C":
        return a.reshape(shape)
    if order != "F":
        raise TypeError(order)
    if -1 in shape:
        shape = tuple(a.numel() // max(1, -math.prod(shape)) if n == -1 else n for n in shape)
    return a.permute(*reversed(range(a.ndim))).reshape(shape[::-1]).permute(*reversed(range(len(shape))))


def index(x):
    """PyTorch's index: no negative steps, arrays as tensors."""
    if isinstance(x, tuple):
        return tuple(map(index, x))
    if isinstance(x, slice):
        if x.step is not None and x.step < 0:
            raise TypeError("no negative steps")
        return x
    if isinstance(x, (list, range)):
        x = np.array(x if isinstance(x, list) and x else list(x), dtype=None if len(x) else int)
    return torch.as_tensor(np.array(x)) if isinstance(x, np.ndarray) else x


def getitem(a, i):
    a = t(a)
    if isinstance(i, slice) and i == slice(None, None, -1):
        raise TypeError("flip is no view")
    for d, item in enumerate(positions(i)):
        if isinstance(item, slice) and item == slice(None, None, -1):
            a = a.flip(d)
    return a[index(unflipped(i))]


def positions(i):
    """The item for each axis, where that is plain to see."""
    items = i if isinstance(i, tuple) else (i,)
    flips = [k for k in items if isinstance(k, slice) and k.step is not None and k.step < 0]
    if flips and not all(isinstance(k, (slice, int)) for k in items):
        raise TypeError("no negative steps")
    return items if flips else ()


def unflipped(i):
    if isinstance(i, tuple):
        return tuple(map(unflipped, i))
    return slice(None) if isinstance(i, slice) and i == slice(None, None, -1) else i


def setitem(a, i, v):
    a[index(i)] = v if isinstance(v, (int, float, complex)) else t(v).to(a.dtype)


def pad(array, pad_width, mode="constant", constant_values=0):
    array = t(array)
    if mode != "constant" or not isinstance(constant_values, (int, float)):
        raise TypeError(mode)
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    return torch.nn.functional.pad(array, [int(n) for pair in widths[::-1] for n in pair], value=constant_values)


def einsum(subscripts, *xs, optimize=False):
    if not isinstance(subscripts, str):
        raise TypeError("subscripts")
    return torch.einsum(subscripts, *promoted(*map(t, xs)))


def take(a, indices, axis=None, mode="raise"):
    a, indices = t(a), t(indices)
    if mode != "raise" or indices.dtype == torch.bool:
        raise TypeError(mode)
    if axis is None:
        a, axis = a.reshape(-1), 0
    axis %= max(a.ndim, 1)
    shape = a.shape[:axis] + indices.shape + a.shape[axis + 1 :]
    flat = indices.reshape(-1).to(torch.int64)
    return a.index_select(axis, torch.where(flat < 0, flat + a.shape[axis], flat)).reshape(shape)


def take_along_axis(arr, indices, axis=-1):
    arr, indices = t(arr), t(indices).to(torch.int64)
    if axis is None:
        arr, indices, axis = arr.reshape(-1), indices.reshape(-1), 0
    indices = torch.where(indices < 0, indices + arr.shape[axis], indices)
    return torch.take_along_dim(arr, indices, axis)


def roll(a, shift, axis=None):
    a = t(a)
    if isinstance(shift, (np.ndarray, list)) or isinstance(axis, list):
        raise TypeError("shift")
    if axis is not None and np.ndim(axis) != np.ndim(shift):
        raise TypeError("shift")
    return torch.roll(a, shift, axis)


def diff(a, n=1, axis=-1, prepend=None, append=None):
    if (prepend is not None and np.ndim(prepend) == 0) or (append is not None and np.ndim(append) == 0):
        raise TypeError("prepend")
    none = [None if x is None else t(x) for x in (prepend, append)]
    return torch.diff(t(a), n, axis, *none)


def where(condition, x, y):
    return torch.where(t(condition).bool(), *promoted(t(x), t(y)))


def clip(a, a_min=None, a_max=None, *, min=None, max=None):
    low, high = a_min if a_min is not None else min, a_max if a_max is not None else max
    a = t(a)
    if a.dtype.is_complex:
        raise TypeError("complex")
    return torch.clamp(a, None if low is None else t(low).to(a.dtype), None if high is None else t(high).to(a.dtype))


def quantile(a, q, axis=None, keepdims=False, method="linear", scale=1):
    if method not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise TypeError(method)
    a = t(a)
    q = torch.as_tensor(np.array(q, float) / scale)
    if q.ndim > 1 or isinstance(axis, tuple):
        raise TypeError("q")
    return torch.quantile(a, q, axis, keepdims, interpolation=method)


def percentile(a, q, **kwargs):
    return quantile(a, q, scale=100, **kwargs)


def fft(f):
    def call(a, n=None, axis=-1, norm=None):
        return f(t(a), None if n is None else int(n), axis, norm)

    return call


def fftn(f):
    def call(a, s=None, axes=None, norm=None):
        if s is not None and axes is None:
            raise TypeError("s")
        return f(t(a), s, axes, norm)

    return call


def fft2(f):
    return lambda a, s=None, axes=(-2, -1), norm=None: f(t(a), s, axes, norm)


def tensordot(a, b, axes=2):
    a, b = promoted(t(a), t(b))
    if not isinstance(axes, int):
        axes = [[x] if isinstance(x, int) else list(x) for x in axes]
    return torch.tensordot(a, b, axes)


def dot(a, b):
    a, b = promoted(t(a), t(b))
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return torch.matmul(a, b) if b.ndim == 1 else torch.tensordot(a, b, ([a.ndim - 1], [b.ndim - 2]))


def solve(a, b):
    a, b = promoted(t(a), t(b))
    return torch.linalg.solve(a, b[:, None])[..., 0] if b.ndim == 1 and a.ndim == 2 else (
        torch.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else torch.linalg.solve(a, b)
    )  # fmt: skip


def whole(a, UPLO="L"):
    """The Hermitian matrix of which NumPy reads a triangle, in which its derivative lies; PyTorch's is in both."""
    a = t(a)
    part = torch.tril(a) if UPLO in "Ll" else torch.triu(a)
    part = part - part * torch.eye(a.shape[-1]) / 2
    return part + part.mH


def svd(a, full_matrices=True, compute_uv=True):
    return tuple(torch.linalg.svd(t(a), full_matrices)) if compute_uv else torch.linalg.svdvals(t(a))


def trapezoid(y, x=None, dx=1.0, axis=-1):
    if isinstance(dx, torch.Tensor):
        raise TypeError("dx")
    return torch.trapezoid(t(y), t(x), dim=axis) if x is not None else torch.trapezoid(t(y), dx=dx, dim=axis)


def gradient(f, *spacing, axis=None, edge_order=1):
    f = t(f)
    if spacing or f.dtype.is_complex:
        raise TypeError("spacing")
    found = torch.gradient(f, dim=dims(f, axis), edge_order=edge_order)
    return found[0] if len(found) == 1 else tuple(found)


def split(ary, indices_or_sections, axis=0):
    if not isinstance(indices_or_sections, int):
        raise TypeError("sections")
    return list(torch.tensor_split(t(ary), indices_or_sections, axis))


def concatenate(arrays, axis=0):
    arrays = promoted(*map(t, arrays))
    return torch.cat([a.reshape(-1) for a in arrays]) if axis is None else torch.cat(arrays, axis)


def meshgrid(*xi, indexing="xy", sparse=False, copy=True):
    if sparse:
        raise TypeError("sparse")
    return tuple(torch.meshgrid(*[t(x).reshape(-1) for x in promoted(*map(t, xi))], indexing=indexing))


def average(a, axis=None, weights=None, keepdims=False):
    if weights is not None:
        raise TypeError("weights")
    return MEAN(a, axis, keepdims=keepdims)


def resize(a, new_shape):
    a = t(a).reshape(-1)
    shape = (new_shape,) if isinstance(new_shape, int) else tuple(new_shape)
    n = math.prod(shape)
    return a[torch.arange(n) % max(len(a), 1)].reshape(shape)


def var_like(f):
    return lambda a, axis=None, ddof=0, keepdims=False: f(a, axis=axis, ddof=ddof, keepdims=keepdims)


def repeat(a, repeats, axis=None):
    return torch.repeat_interleave(t(a), repeats if isinstance(repeats, int) else t(repeats), axis)


def astype(x, dtype, copy=True):
    return t(x).to({np.dtype(np.float64): torch.float64}[np.dtype(dtype)])


def std(a, axis=None, ddof=0, keepdims=False):
    return VAR(a, axis, ddof, keepdims).sqrt()


def sort(a, axis=-1, stable=False):
    a = t(a)
    return torch.sort(a.reshape(-1), 0).values if axis is None else torch.sort(a, axis).values


def logsumexp(a, axis=None, keepdims=False):
    a = t(a)
    if a.dtype.is_complex:
        raise TypeError("complex")
    return torch.logsumexp(a, dims(a, axis), keepdims) if a.ndim else a


def update(f):
    def call(a, b):
        b = t(b)
        return f(a, b.to(a.dtype) if b.dtype.is_floating_point and not a.dtype.is_complex else b)

    return call


def permuted(a, axes=None):
    a = t(a)
    return a.permute(*(axes if axes is not None else reversed(range(a.ndim))))


def ptp(a, axis=None, keepdims=False):
    return MAX(a, axis, keepdims) - MIN(a, axis, keepdims)


def nan(f, neutral):
    return lambda a, axis=None, keepdims=False: f(torch.nan_to_num(t(a), nan=neutral), axis, keepdims)


def flip(m, axis=None):
    m = t(m)
    return torch.flip(m, dims(m, (axis,) if isinstance(axis, int) else axis))


def diag(v, k=0):
    return torch.diag(t(v), k)


def trace(a, offset=0, axis1=0, axis2=1):
    return torch.diagonal(t(a), offset, axis1, axis2).sum(-1)


def ravel(a, order="C"):
    return reshape(a, -1, order)


def squeeze(a, axis=None):
    return t(a).squeeze() if axis is None else t(a).squeeze(axis)


def broadcast_to(array, shape):
    return torch.broadcast_to(t(array), (shape,) if isinstance(shape, int) else tuple(shape))


def real(x):
    x = t(x)
    return torch.real(x) if x.dtype.is_complex else x


def imag(x):
    x = t(x)
    return torch.imag(x) if x.dtype.is_complex else torch.zeros_like(x)


def prod(a, dims, keep):
    for d in sorted((d % a.ndim for d in ((dims,) if isinstance(dims, int) else dims)), reverse=True):
        a = torch.prod(a, d, keepdim=keep)
    return a


def reals(f):
    def call(x):
        x = floats(x)
        if x.dtype.is_complex:
            raise TypeError("complex")
        return f(x)

    return call


MEAN = reduction(lambda a, d, k: torch.mean(floats(a), d, k))
SUM = reduction(torch.sum)
MAX, MIN, PROD = reduction(torch.amax), reduction(torch.amin), reduction(prod)
VAR = variance(torch.var)

TORCH = {
    given: lambda x: torch.tensor(x), 
    # elementwise
    **{f: unary(getattr(torch, f.__name__)) for f in (
        np.negative, np.positive, np.square, np.reciprocal, np.sqrt, np.exp, np.exp2, np.expm1, np.log, np.log2,
        np.log10, np.log1p, np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh,
        np.arcsinh, np.arccosh, np.arctanh, np.absolute, np.sinc, np.angle, np.nan_to_num,
    )},
    **{f: reals(getattr(torch, f.__name__)) for f in (np.deg2rad, np.rad2deg, np.sign, np.floor, np.ceil, np.trunc)},
    np.cbrt: reals(lambda x: torch.sign(x) * torch.abs(x) ** (1 / 3)),
    np.radians: reals(torch.deg2rad), np.degrees: reals(torch.rad2deg), np.fabs: reals(torch.abs),
    np.conjugate: lambda x: t(x).conj(), np.real: real, np.imag: imag, np.i0: reals(torch.i0),
    np.rint: reals(torch.round), np.copy: lambda a, order="K": t(a).clone(),
    np.add: same(torch.add), np.subtract: same(torch.subtract), np.multiply: same(torch.multiply),
    np.true_divide: binary(torch.divide), np.power: binary(torch.pow), np.float_power: binary(torch.float_power),
    np.remainder: same(torch.remainder), np.fmod: same(torch.fmod), np.logaddexp: binary(torch.logaddexp),
    np.logaddexp2: binary(torch.logaddexp2), np.arctan2: binary(torch.arctan2), np.hypot: binary(torch.hypot),
    np.copysign: binary(torch.copysign), np.maximum: same(torch.maximum), np.minimum: same(torch.minimum),
    np.fmax: same(torch.fmax), np.fmin: same(torch.fmin), np.ldexp: lambda a, b: torch.ldexp(t(a), t(b)),
    np.frexp: lambda x: tuple(torch.frexp(t(x))),
    operator.add: same(torch.add), operator.sub: same(torch.subtract), operator.mul: same(torch.multiply),
    operator.truediv: binary(torch.divide), operator.pow: binary(torch.pow), operator.mod: same(torch.remainder),
    operator.gt: same(torch.gt), operator.lt: same(torch.lt), np.greater_equal: same(torch.ge),
    np.greater: same(torch.gt), np.less: same(torch.lt), np.less_equal: same(torch.le),
    operator.iadd: update(operator.iadd), operator.isub: update(operator.isub), operator.imul: update(operator.imul),
    operator.setitem: setitem, operator.getitem: getitem, np.astype: astype,
    np.where: where, np.clip: clip,
    # reductions, scans, order
    np.sum: SUM, np.mean: MEAN, np.max: MAX, np.min: MIN, np.amax: MAX, np.amin: MIN, np.prod: PROD, np.ptp: ptp,
    np.nansum: reduction(torch.nansum), np.nanmean: reduction(torch.nanmean), np.nanprod: nan(PROD, 1.0),
    np.var: VAR, np.std: std, np.nanvar: var_like(VAR), np.nanstd: var_like(std), np.average: average,
    np.median: one_axis(lambda a: torch.quantile(a, 0.5, -1)), np.nanmedian: one_axis(lambda a: torch.nanquantile(a, 0.5, -1)),
    np.quantile: quantile, np.percentile: percentile, np.linalg.norm: norm,
    np.cumsum: scan(torch.cumsum), np.cumprod: scan(torch.cumprod), np.nancumsum: scan(torch.cumsum),
    np.sort: sort, np.diff: diff, np.gradient: gradient, np.trapezoid: trapezoid,
    np.argsort: lambda a, axis=-1: torch.argsort(t(a).reshape(-1) if axis is None else t(a), -1 if axis is None else axis),
    np.argmax: lambda a, axis=None, keepdims=False: torch.argmax(t(a), axis, keepdims),
    np.argmin: lambda a, axis=None, keepdims=False: torch.argmin(t(a), axis, keepdims),
    np.cov: lambda m, ddof=1: torch.cov(t(m), correction=ddof),
    np.corrcoef: lambda x: torch.corrcoef(t(x)),
    # shapes and joins
    np.reshape: reshape, np.ravel: ravel, np.transpose: permuted, np.resize: resize,
    np.moveaxis: lambda a, source, destination: torch.moveaxis(t(a), source, destination),
    np.swapaxes: lambda a, axis1, axis2: torch.swapaxes(t(a), axis1, axis2),
    np.matrix_transpose: lambda x: t(x).mT, np.linalg.matrix_transpose: lambda x: t(x).mT,
    np.expand_dims: lambda a, axis: torch.unsqueeze(t(a), axis), np.squeeze: squeeze, np.broadcast_to: broadcast_to,
    np.flip: flip, np.fliplr: lambda m: torch.fliplr(t(m)), np.flipud: lambda m: torch.flipud(t(m)), np.roll: roll,
    np.rot90: lambda m, k=1, axes=(0, 1): torch.rot90(t(m), k, axes),
    np.atleast_1d: lambda x: torch.atleast_1d(t(x)), np.atleast_2d: lambda x: torch.atleast_2d(t(x)),
    np.atleast_3d: lambda x: torch.atleast_3d(t(x)), np.tril: lambda m, k=0: torch.tril(t(m), k),
    np.triu: lambda m, k=0: torch.triu(t(m), k), np.diag: diag, np.trace: trace,
    np.diagflat: lambda v, k=0: torch.diagflat(t(v), k),
    np.diagonal: lambda a, offset=0, axis1=0, axis2=1: torch.diagonal(t(a), offset, axis1, axis2),
    np.linalg.diagonal: lambda x, offset=0: torch.diagonal(t(x), offset, -2, -1),
    np.linalg.trace: lambda x, offset=0: torch.diagonal(t(x), offset, -2, -1).sum(-1),
    np.concatenate: concatenate, np.stack: lambda arrays, axis=0: torch.stack(promoted(*map(t, arrays)), axis),
    np.hstack: lambda tup: torch.hstack(promoted(*map(t, tup))), np.vstack: lambda tup: torch.vstack(promoted(*map(t, tup))),
    np.dstack: lambda tup: torch.dstack(promoted(*map(t, tup))),
    np.column_stack: lambda tup: torch.column_stack(promoted(*map(t, tup))),
    np.array_split: split, np.split: split,
    np.unstack: lambda x, axis=0: tuple(torch.unbind(t(x), axis)), np.meshgrid: meshgrid,
    np.tile: lambda A, reps: torch.tile(t(A), (reps,) if isinstance(reps, int) else tuple(reps)), np.repeat: repeat,
    np.pad: pad, np.take: take, np.take_along_axis: take_along_axis,
    np.append: lambda arr, values, axis=None: concatenate([t(arr), t(values)], axis),
    np.broadcast_arrays: lambda *args: tuple(torch.broadcast_tensors(*map(t, args))),
    # products and linear algebra
    operator.matmul: same(torch.matmul), np.matmul: same(torch.matmul), np.dot: dot, np.inner: same(torch.inner),
    np.linalg.matmul: same(torch.matmul), np.linalg.outer: same(torch.outer),
    np.outer: lambda a, b: torch.outer(*promoted(t(a).reshape(-1), t(b).reshape(-1))), np.kron: same(torch.kron),
    np.vecdot: lambda x1, x2, axis=-1: torch.linalg.vecdot(*promoted(t(x1), t(x2)), dim=axis),
    np.linalg.vecdot: lambda x1, x2, axis=-1: torch.linalg.vecdot(*promoted(t(x1), t(x2)), dim=axis),
    np.vdot: lambda a, b: torch.vdot(*promoted(t(a).reshape(-1), t(b).reshape(-1))),
    np.tensordot: tensordot, np.einsum: einsum, np.cross: lambda a, b: torch.linalg.cross(*promoted(t(a), t(b))),
    np.linalg.cross: lambda x1, x2, axis=-1: torch.linalg.cross(*promoted(t(x1), t(x2)), dim=axis),
    np.linalg.inv: unary(torch.linalg.inv), np.linalg.det: unary(torch.linalg.det), np.linalg.solve: solve,
    np.linalg.slogdet: lambda a: tuple(torch.linalg.slogdet(t(a))),
    np.linalg.cholesky: lambda a, upper=False: torch.linalg.cholesky(whole(a, "U" if upper else "L"), upper=upper),
    np.linalg.eigh: lambda a, UPLO="L": tuple(torch.linalg.eigh(whole(a, UPLO), UPLO)),
    np.linalg.eigvalsh: lambda a, UPLO="L": torch.linalg.eigvalsh(whole(a, UPLO), UPLO),
    np.linalg.eigvals: lambda a: torch.linalg.eigvals(t(a)), np.linalg.svd: svd,
    np.linalg.svdvals: lambda x: torch.linalg.svdvals(t(x)), np.linalg.pinv: lambda a: torch.linalg.pinv(t(a)),
    np.linalg.qr: lambda a, mode="reduced": (
        torch.linalg.qr(t(a), "r")[1] if mode == "r" else tuple(torch.linalg.qr(t(a), mode))
    ),
    np.linalg.matrix_power: lambda a, n: torch.linalg.matrix_power(t(a), int(n)),
    np.linalg.multi_dot: lambda arrays: torch.linalg.multi_dot(promoted(*map(t, arrays))),
    np.linalg.cond: lambda x, p=None: torch.linalg.cond(t(x), p),
    np.linalg.matrix_norm: lambda x, keepdims=False, ord="fro": torch.linalg.matrix_norm(t(x), ord, keepdim=keepdims),
    np.linalg.vector_norm: lambda x, axis=None, keepdims=False, ord=2: torch.linalg.vector_norm(t(x), ord, axis, keepdims),
    np.linalg.tensorinv: lambda a, ind=2: torch.linalg.tensorinv(t(a), ind),
    np.linalg.tensorsolve: lambda a, b, axes=None: torch.linalg.tensorsolve(t(a), t(b), axes),
    np.vander: lambda x, N=None, increasing=False: torch.vander(t(x), N, increasing),
    # Fourier
    **{getattr(np.fft, n): fft(getattr(torch.fft, n)) for n in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")},
    **{getattr(np.fft, n): fftn(getattr(torch.fft, n)) for n in ("fftn", "ifftn", "rfftn", "irfftn")},
    **{getattr(np.fft, n): fft2(getattr(torch.fft, n)) for n in ("fft2", "ifft2", "rfft2", "irfft2")},
    np.fft.fftshift: lambda x, axes=None: torch.fft.fftshift(t(x), axes),
    np.fft.ifftshift: lambda x, axes=None: torch.fft.ifftshift(t(x), axes),
    # SciPy's ufuncs
    **{getattr(special, n): reals(getattr(torch.special, n)) for n in (
        "erf", "erfc", "erfcx", "erfinv", "expit", "logit", "ndtr", "ndtri", "log_ndtr", "psi", "gammaln", "entr",
        "i0", "i0e", "i1", "i1e", "expm1", "log1p", "exp2",
    )},
    special.xlogy: binary(torch.special.xlogy), special.xlog1py: binary(torch.special.xlog1py),
    special.log_expit: reals(torch.nn.functional.logsigmoid),
}  # fmt: skip


def perform(function, args, kwargs):
    """Call PyTorch's form of one of NumPy's functions."""
    if function not in TORCH:
        raise NotImplementedError(function)
    return TORCH[function](*args, **kwargs)
