"""Statistics: means and spreads, quantiles, covariances, histograms.

The derivative of a standard deviation where the spread is 0 is 0 (to rounding, where the mean of equal numbers is rounded).
A quantile's cotangent goes to the one or two entries that it lies at or between: among equal ones to those that a stable
sort puts there; where the quantile is always one of the entries, equal ones share evenly. At an entry, the slope in q is that
to the right; at the last one, that to the left. A NaN result has no derivative: every entry gets 0. So does a NaN entry in
the functions that pass by NaN. A histogram is constant in its sample except through bin edges that are made from it.
"""

import math
import operator

import numpy as np

from ..errors import DTypeError
from ..table import composite, constant, defvjp
from .composite import array, beside, default, refuse
from .index import scatter, values
from .reduce import axes_of, extreme_vjp

__all__: list[str] = []


# --- means and spreads


def precision(a, dtype):
    """Return the dtypes in which NumPy adds up and answers: integers in double, halves in single."""
    if dtype is None and a.dtype.kind in "iub":
        return np.float64, np.dtype(np.float64)
    if dtype is None and a.dtype == np.float16:
        return np.float32, a.dtype
    return dtype, None


def divide(total, n, dtype):
    """Return ``total / n`` in `dtype`, which by default is that of the total."""
    y, dtype = total / (n.astype(total.dtype) if hasattr(n, "astype") else n), dtype or total.dtype
    return y if y.dtype == dtype else y.astype(dtype)


def count(a, axis, keepdims, where, ddof=0):
    """Return how many entries each line has, less `ddof`: a number, or with `where` an array like the sums."""
    if getattr(where, "dtype", np.asarray(True).dtype).kind not in "biu" or isinstance(where, (float, complex)):
        raise DTypeError(f"where= takes booleans, not {np.asarray(where).dtype}. Write where=mask != 0.")
    if where is True:
        return max(math.prod(a.shape[i] for i in axes_of(a, axis)) - ddof, 0)
    return np.maximum(np.sum(np.broadcast_to(where, a.shape), axis, keepdims=keepdims) - ddof, 0)


@composite(np.mean)
def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    """The sum divided by the number of entries."""
    refuse(np.mean, out=out)
    a, keepdims, where = array(a), default(keepdims, False), default(where, True)
    wide, narrow = precision(a, dtype)
    if wide is None and where is True:
        total = a.sum(axis, keepdims=keepdims)
    else:
        total = np.sum(a, axis, dtype=wide, keepdims=keepdims, where=where)
    return divide(total, count(a, axis, keepdims, where), narrow)


@composite(np.var)
def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The mean square of the deviations from the mean."""
    refuse(np.var, out=out)
    a, keepdims, where = array(a), default(keepdims, False), default(where, True)
    mean, correction = default(mean, None), default(correction, None)
    if correction is not None and ddof != 0:
        raise ValueError("np.var: ddof and correction are two names of one number; give one of them")
    wide, narrow = precision(a, dtype)
    centre = np.mean(a, axis=axis, dtype=wide, keepdims=True, where=where) if mean is None else mean
    deviation = a - centre if where is True else np.where(where, a - centre, 0)
    square = np.real(deviation * np.conjugate(deviation)) if a.dtype.kind == "c" else np.square(deviation)
    total = np.sum(square, axis, dtype=wide, keepdims=keepdims, where=where)
    return divide(total, count(a, axis, keepdims, where, ddof if correction is None else correction), narrow)


@composite(np.std)
def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, mean=None, correction=None):
    """The root of the variance; where the spread is 0, so is its derivative."""
    refuse(np.std, out=out)
    v = np.var(a, axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction)
    return root(v)


def root(v):
    """Return the root of a variance, with the derivative 0 where the variance is 0."""
    return np.where(v == 0, 0, np.sqrt(np.where(v == 0, 1, v)))


@composite(np.average)
def average(a, axis=None, weights=None, returned=False, *, keepdims=np._NoValue):
    """The sum of the weighted entries divided by the sum of the weights."""
    a, keepdims = array(a), default(keepdims, False)
    if weights is None:
        mean = np.mean(a, axis, keepdims=keepdims)
        return (mean, np.ones_like(mean) * (a.size / mean.size)) if returned else mean
    w = weights_along(array(weights), a, axis)
    dtype = np.result_type(a.dtype, w.dtype, *(["f8"] if a.dtype.kind in "iub" else []))
    total = np.sum(w, axis, dtype=dtype, keepdims=keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    mean = np.sum(a.astype(dtype) * w.astype(dtype), axis, keepdims=keepdims) / total
    return (mean, np.ones_like(mean) * total) if returned else mean


def weights_along(w, a, axis):
    """Return weights that may be given for some axes only, in a shape that broadcasts with `a`."""
    if w.shape == a.shape:
        return w
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = np.lib.array_utils.normalize_axis_tuple(axis, a.ndim)
    if w.shape != tuple(a.shape[i] for i in axes):
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    w = np.transpose(w, sorted(range(len(axes)), key=lambda i: axes[i]))
    return np.reshape(w, tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))


# --- what passes by NaN


def numbers(a, where=True):
    """Return where there are numbers, among what `where` selects."""
    return True if a.dtype.kind not in "fc" else ~np.isnan(a) & default(where, True)


@composite(np.nanmean)
def nanmean(a, axis=None, dtype=None, out=None, keepdims=np._NoValue, *, where=np._NoValue):
    """The mean of what is a number."""
    refuse(np.nanmean, out=out)
    a = array(a)
    where = where if a.dtype.kind in "iub" else numbers(a, where)
    return np.mean(a, axis, dtype=dtype, keepdims=keepdims, where=where)


@composite(np.nanvar)
def nanvar(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=np._NoValue, *,
    where=np._NoValue, mean=np._NoValue, correction=np._NoValue,
):  # fmt: skip
    """The variance of what is a number; NaN where there are no more numbers than degrees of freedom are taken."""
    refuse(np.nanvar, out=out)
    a, keepdims = array(a), default(keepdims, False)
    if a.dtype.kind in "iub":
        return np.var(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction)
    where = numbers(a, where)
    mean = mean if mean is np._NoValue else array(mean).astype(a.dtype)
    v = np.var(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction)
    return np.where(count(a, axis, keepdims, where, default(correction, None) or ddof) > 0, v, np.nan)


@composite(np.nanstd)
def nanstd(
    a, axis=None, dtype=None, out=None, ddof=0, keepdims=np._NoValue, *,
    where=np._NoValue, mean=np._NoValue, correction=np._NoValue,
):  # fmt: skip
    """The root of the variance of what is a number."""
    refuse(np.nanstd, out=out)
    return root(np.nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims, where=where, mean=mean, correction=correction))


constant([np.nanargmax, np.nanargmin])


# --- quantiles


def lines(a, axis):
    """Return `a` as a matrix, one row for each line of entries that are reduced together."""
    axes = axes_of(a, axis)
    a = np.moveaxis(a, axes, tuple(range(-len(axes), 0)))
    shape = a.shape[: a.ndim - len(axes)]
    return np.reshape(a, (math.prod(shape), math.prod(a.shape[len(shape) :])))


def unlines(p, a, axis):
    """Return such a matrix in the shape of `a` again."""
    axes = [i % a.ndim for i in axes_of(a, axis)]
    front = [i for i in range(a.ndim) if i not in axes]
    p = np.reshape(p, tuple(a.shape[i] for i in (*front, *axes)))
    return np.moveaxis(p, tuple(range(-len(axes), 0)), axes) if axes else p


CONTINUOUS = {  # the place among n entries, counted from 0: n * q + (alpha + q * (1 - alpha - beta)) - 1
    "linear": (1, 1), "interpolated_inverted_cdf": (0, 1), "hazen": (0.5, 0.5), "weibull": (0, 0),
    "median_unbiased": (1 / 3, 1 / 3), "normal_unbiased": (3 / 8, 3 / 8),
}  # fmt: skip
CHOOSING = ("inverted_cdf", "closest_observation", "lower", "higher", "nearest")  # the quantile is one of the entries


def place(q, n, method):
    """Return where a quantile lies: the entry before it, how far it is to the next one, and the slope of that in q."""
    if method in CONTINUOUS:
        alpha, beta = CONTINUOUS[method]
        h = (n - 1) * q if method == "linear" else n * q + (alpha + q * (1 - alpha - beta)) - 1
        slope = n + (1 - alpha - beta)
    else:
        h, slope = (n * q - 1 if method == "averaged_inverted_cdf" else (n - 1) * q), n * 0
    before = np.floor(h)
    far = h - before
    if method == "averaged_inverted_cdf":
        far = np.where(far == 0, 0.5, 1)
    if method == "midpoint":
        far = np.where(far == 0, 0, 0.5)
    far, slope = (np.where(h < 0, first, x) for first, x in ((0, far), (0, slope)))
    far, slope = np.where(h >= n - 1, 1, far), np.where(h > n - 1, 0, slope)
    return before, far, slope


def between(a, q, axis, method, skip):
    """Return, for each quantile (a row) of each line (a column): the lines, two positions in them, and `place`."""
    rows = lines(array(a), axis)
    order = np.argsort(values(rows), -1, kind="stable")  # NaN last
    n = np.sum(~np.isnan(values(rows)), -1) if skip else np.full(len(order), order.shape[1])
    before, far, slope = place(np.reshape(q, (-1, 1)), n.astype(q.dtype), method)
    before, line = np.clip(values(before).astype(int), 0, np.maximum(n - 2, 0)), np.arange(len(order))
    return rows, line, order[line, before], order[line, np.minimum(before + 1, np.maximum(n - 1, 0))], far, slope


def weighing(g, y, a, q, axis, method, chosen, skip):
    """Each quantile's cotangent goes to the entry before it and the next one, by how near it is to each."""
    rows = lines(a, axis)
    g, y = (np.reshape(x, (math.prod(np.shape(q)), rows.shape[0])) for x in (g, y))
    g = np.where(np.isnan(y), 0, g)
    if chosen:
        equal = rows == np.expand_dims(y, -1)
        share = np.expand_dims(g, -1) / np.maximum(np.sum(equal, -1, keepdims=True, dtype=g.dtype.type), 1)
        return unlines(np.sum(np.where(equal, share, 0), 0), a, axis)
    _, line, before, after, far, _ = between(a, q, axis, method, skip)
    far = far.astype(g.dtype)
    p = scatter(g * (1 - far), line, before, shape=rows.shape) + scatter(g * far, line, after, shape=rows.shape)
    return unlines(p, a, axis)


def quantile_rules(scale, skip):
    """Return the rules of the four functions that take q, or q in percent."""

    def vjp_a(g, y, a, q, *, axis=None, method="linear", keepdims=False, weights=None):
        """Each quantile's cotangent goes to the entries that it lies at or between."""
        return weighing(g, y, a, array(q) / scale, axis, method, method in CHOOSING, skip)

    def vjp_q(g, y, a, q, *, axis=None, method="linear", keepdims=False, weights=None):
        """The difference of the two entries, times the entries passed per unit of q."""
        if method in CHOOSING:
            return np.zeros_like(q)
        rows, line, before, after, _, slope = between(a, array(q) / scale, axis, method, skip)
        g, y = (np.reshape(x, (q.size, len(line))) for x in (g, y))
        step = np.where(np.isnan(y), 0, rows[line, after] - rows[line, before])
        return np.reshape(np.sum(g * step * (slope / scale).astype(g.dtype), -1), q.shape)

    return vjp_a, vjp_q


def median_vjp(g, y, a, *, axis=None, keepdims=False):
    """The entry in the middle, or half to each of two."""
    return weighing(g, y, a, np.asarray(0.5), axis, "linear", False, False)


def nanmedian_vjp(g, y, a, *, axis=None, keepdims=False):
    """The same among what is a number."""
    return weighing(g, y, a, np.asarray(0.5), axis, "linear", False, True)


defvjp(np.quantile, *quantile_rules(1, False))
defvjp(np.percentile, *quantile_rules(100, False))
defvjp(np.nanquantile, *quantile_rules(1, True))
defvjp(np.nanpercentile, *quantile_rules(100, True))
defvjp(np.median, median_vjp)
defvjp(np.nanmedian, nanmedian_vjp)


# --- covariances


@composite(np.cov)
def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    """The mean product of two variables' deviations from their means, for each pair of them."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    sets = [array(m)] if y is None else [array(m), array(y)]
    if any(x.ndim > 2 for x in sets):
        raise ValueError("np.cov: a set of variables has at most 2 axes")
    dtype = np.result_type(*(x.dtype for x in sets), np.float64) if dtype is None else dtype
    sets = [x.astype(dtype) for x in sets]
    x = observations(sets[0], not rowvar and sets[0].ndim != 1)
    if x.shape[0] == 0:
        return np.reshape(x, -1)[:0].reshape(0, 0)
    if y is not None:
        x = np.concatenate([x, observations(sets[1], not rowvar and observations(sets[1], False).shape[0] != 1)])
    ddof = ddof if ddof is not None else 0 if bias else 1
    w = frequencies = None if fweights is None else array(fweights)
    if frequencies is not None:
        if not np.all(frequencies == np.round(frequencies)):
            raise TypeError("fweights must be integer")
        w = checked_weights(frequencies, x, "fweights")
    if aweights is not None:
        importance = checked_weights(array(aweights), x, "aweights")
        w = importance if w is None else w * importance
    if w is None:
        centre, factor = np.mean(x, 1, keepdims=True), x.shape[1] - ddof
    else:
        centre, total = np.average(x, 1, w, True, keepdims=True)
        total = np.real(total[0, 0]) if total.dtype.kind == "c" else total[0, 0]
        factor = total if ddof == 0 else total - ddof * (1 if aweights is None else np.sum(w * importance) / total)
    deviation = x - centre
    weighted = deviation if w is None else deviation * w
    factor = factor if factor > 0 else 0 * factor
    c = deviation @ np.conjugate(weighted.T)
    return np.squeeze(c * np.true_divide(1, factor).astype(c.dtype))


def observations(x, turned):
    """Return a set of variables as a matrix, one row each."""
    x = np.reshape(x, (1, x.size)) if x.ndim < 2 else x
    return x.T if turned else x


def checked_weights(w, x, name):
    """Return the weights of the observations in double; refuse what NumPy refuses."""
    if w.ndim > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if w.shape[0] != x.shape[1]:
        raise RuntimeError(f"incompatible numbers of samples and {name}")
    if np.any(w < 0):
        raise ValueError(f"{name} cannot be negative")
    return w.astype(float)


@composite(np.corrcoef)
def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """The covariances divided by both standard deviations."""
    c = np.cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    n = np.arange(len(c))
    deviation = np.sqrt(np.real(c[n, n]))
    c = c / deviation[:, None] / deviation[None, :]
    return bounded(np.real(c)) + 1j * bounded(np.imag(c)) if c.dtype.kind == "c" else bounded(c)


def bounded(c):
    """Return correlations within -1 and 1, of which rounding may take them; a whole cotangent passes at the bound."""
    return np.where(np.abs(c) > 1, np.sign(c), c)


# --- histograms


def bin_edges_a(g, y, a, bins, *, range=None, weights=None):
    """Equal bins reach from the least entry to the greatest."""
    if range is not None or a.size == 0 or (not isinstance(bins, str) and np.ndim(bins)):
        return np.zeros_like(a)
    t = np.arange(len(y)) / (len(y) - 1)
    t = t.astype(g.dtype)
    return extreme_vjp(np.sum(g * (1 - t)), np.min(a), a) + extreme_vjp(np.sum(g * t), np.max(a), a)


def bin_edges_bins(g, _y, _a, _bins, *, range=None, weights=None):
    """Edges that are given are the edges."""
    return g


defvjp(np.histogram_bin_edges, bin_edges_a, bin_edges_bins)


def bincount_vjp(g, _y, x, _weights, *, minlength=0):
    """Each weight is in the bin that it was put into."""
    return g[values(x)]


defvjp(np.bincount, None, bincount_vjp, signature=lambda x, /, weights=None, minlength=0: None)


def filled_bins(index, n, weights):
    """Return how many entries each of n bins has, or the sum of their weights, in the weights' dtype."""
    if weights is None:
        return np.bincount(index, minlength=n)[:n]
    wide = weights.astype(np.result_type(weights.dtype, np.float64))
    return scatter(wide, index, shape=(max(n, int(np.max(index, initial=-1)) + 1),))[:n].astype(weights.dtype)


@composite(np.histogram)
def histogram(a, bins=10, range=None, density=None, weights=None):
    """The sums of the weights in each bin; constant in the entries, but for the widths of the bins."""
    a = array(a)
    weights = None if weights is None else array(weights)
    if weights is not None and weights.shape != a.shape:
        raise ValueError("weights should have the same shape as a.")
    edges = np.histogram_bin_edges(a, bins, range, None if weights is None else values(weights))
    n = len(edges) - 1
    index = binned(np.ravel(values(a)), values(edges), n)
    h = filled_bins(index, n, None if weights is None else np.ravel(weights))
    h, edges = beside(h, a, weights, bins), beside(edges, a, weights)
    return (h / np.diff(edges).astype(float) / np.sum(h) if density else h), edges


def binned(x, edges, n):
    """Return the number of each entry's bin; n outside. The last bin has both its edges."""
    index = np.where(x == edges[-1], n, np.searchsorted(edges, x, side="right")) - 1
    return np.where((x >= edges[0]) & (x <= edges[-1]), index, n)


@composite(np.histogram2d)
def histogram2d(x, y, bins=10, range=None, density=None, weights=None):
    """The histogram of points in the plane."""
    if len(x) != len(y):
        raise ValueError("x and y must have the same length.")
    try:
        several = len(bins)
    except TypeError:
        several = 1
    bins = bins if several in (1, 2) else [array(bins)] * 2
    h, edges = np.histogramdd([x, y], bins, range, density, weights)
    return h, edges[0], edges[1]


@composite(np.histogramdd)
def histogramdd(sample, bins=10, range=None, density=None, weights=None):
    """The histogram of points in space."""
    if getattr(sample, "ndim", None) == 2:
        columns = [sample[:, i] for i in np.arange(sample.shape[1])]
    else:
        columns = [array(x) for x in (sample if isinstance(sample, (list, tuple)) or sample.ndim else [sample])]
        columns = [np.reshape(x, -1) for x in (columns if columns[0].ndim else [np.stack(columns)])]
    try:
        several = len(bins)
    except TypeError:
        bins = [bins] * len(columns)
    else:
        if several != len(columns):
            raise ValueError("The dimension of bins must be equal to the dimension of the sample x.")
    if range is not None and len(range) != len(columns):
        raise ValueError("range argument must have one entry per dimension")
    ranges = [None] * len(columns) if range is None else range
    edges = []
    for column, b, r in zip(columns, bins, ranges, strict=True):
        if isinstance(b, str):
            raise DTypeError(
                f"np.histogramdd takes numbers of bins or edges, not {b!r}. Write bins=10, or bins=[x, y]."
            )
        among = column if r is None else np.zeros(1)
        edges.append(np.histogram_bin_edges(among, b if np.ndim(b) else operator.index(b), r))
    shape = tuple(len(e) - 1 for e in edges)
    index, outside = 0, False
    for column, e, n in zip(columns, edges, shape, strict=True):
        number = binned(values(column), values(e), n)
        index, outside = index * n + number, outside | (number == n)
    size = math.prod(shape)
    if weights is not None and not np.can_cast(array(weights).dtype, float):
        raise TypeError(f"weights of dtype {array(weights).dtype} cannot be cast to float")
    weights = None if weights is None else array(weights).astype(float)
    h = np.reshape(filled_bins(np.where(outside, size, index), size, weights), shape).astype(float)
    h, edges = beside(h, *columns, *bins), [beside(e, weights, *columns, *bins) for e in edges]
    if density:
        total = np.sum(h)
        for i, e in enumerate(edges):
            h = h / np.reshape(np.diff(e), (-1, *[1] * (len(edges) - i - 1)))
        h = h / total
    return h, edges
