"""SciPy's distributions: densities and distribution functions, differentiable by the variable and every parameter.

Outside its support a density is 0 and its logarithm -inf, with derivative 0; at an end of the support it is what the
formula says there. Invalid parameters give NaN. As in SciPy, everything is computed in double precision. A distribution
function is differentiable by a shape parameter where the special function is that it is made of.
"""

import functools
import inspect
import math

import numpy as np
import scipy.special as sp
import scipy.stats as theirs

from ..errors import DTypeError, UnsupportedArgumentError
from ..table import composite, name_of
from . import linalg
from . import special as _special  # noqa: F401 (gives SciPy's special functions their rules)
from .borrow import array, borrow, constant_of, holds_tensor, refuse, value_of
from .implicit import Packed

INF, LOG_2PI = math.inf, math.log(2 * math.pi)


def double(a):
    """Return a real array in double precision."""
    a = array(a)
    if a.dtype.kind == "c":
        raise DTypeError(
            f"Distributions are functions of real numbers, not of {a.dtype}: take np.real(t) or np.abs(t)."
        )
    return a.astype(np.float64)


class Distribution:
    """One of SciPy's distributions; called with parameters, it keeps them.

    Parameters
    ----------
    theirs
        SciPy's distribution: what is not offered here is passed on to it, and takes no Tensors that are recorded.
    """

    def __init__(self, theirs):
        self._theirs = theirs
        self.__doc__ = f"As ``scipy.stats.{theirs.name}``." if hasattr(theirs, "name") else None

    def __call__(self, *args, **kwds):
        """Keep the parameters: ``norm(0, 2).pdf(x)`` is ``norm.pdf(x, 0, 2)``."""
        if holds_tensor((args, kwds)):
            return Frozen(self, args, kwds)
        frozen = self._theirs(*args, **kwds)
        for name in self.offered:  # SciPy's own object, whose methods take Tensors besides
            if hasattr(frozen, name):
                setattr(frozen, name, Method(self, name, args, kwds))
        return frozen

    def __reduce__(self):  # it is found by its name, and is its own copy
        return self.name

    @property
    def offered(self):
        """Names of the methods that take Tensors."""
        return [name for name in ("pdf", "logpdf", "pmf", "logpmf", "cdf", "sf", "logcdf", "logsf", "entropy")
                if name in self.__dict__]  # fmt: skip

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "_theirs"), name)


class Method:
    """A method of a distribution that keeps its parameters; on plain values, SciPy's."""

    def __init__(self, distribution, name, args, kwds):
        self.distribution, self.name, self.args, self.kwds = distribution, name, args, kwds

    def __call__(self, *args, **kwds):
        """Call it; its arguments are those of SciPy's frozen distribution."""
        parameters = Packed((self.args, self.kwds)).plain
        theirs = getattr(self.distribution._theirs(*parameters[0], **parameters[1]), self.name)
        if not holds_tensor((self.args, self.kwds, args, kwds)):
            return theirs(*args, **kwds)
        given = inspect.signature(theirs).bind(*args, **kwds).args  # the variable, if there is one
        method, kwds = getattr(self.distribution, self.name), dict(self.kwds)
        kwds.pop("seed", None)
        if self.name == "entropy":
            refuse(method, allow_singular=kwds.pop("allow_singular", None))
        return method(*given, *self.args, **kwds)


class Frozen:
    """A distribution that keeps parameters among which there are Tensors: only what has a rule is offered."""

    def __init__(self, distribution, args, kwds):
        self.dist, self.args, self.kwds = distribution, args, kwds

    def __getattr__(self, name):
        dist = object.__getattribute__(self, "dist")
        if name in dist.offered:
            return Method(dist, name, self.args, self.kwds)
        if name.startswith("_"):
            raise AttributeError(f"A distribution of Tensors has no attribute {name!r}.")
        raise UnsupportedArgumentError(
            f"scipy.stats.{dist.name} with Tensors for parameters has no .{name}: it offers {', '.join(dist.offered)}. "
            "For the others, pass t.detach().numpy()."
        )


def offer(distribution, name, implementation, signature):
    """Give a distribution a method that goes through the table on Tensors."""
    implementation.__signature__ = signature
    implementation.__name__ = name
    method = borrow(getattr(distribution._theirs, name), implementation)
    method.__module__ = f"{__name__}.{distribution._theirs.name}"
    method.__qualname__ = method.__name__ = name
    composite(method)(implementation)
    setattr(distribution, name, method)


def signature_of(variable, shapes, last):
    """Return the signature of a method: the variable, the shapes, the location and the scale."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = [inspect.Parameter(name, kind) for name in (variable, *shapes)]
    return inspect.Signature([*names, *[inspect.Parameter(name, kind, default=value) for name, value in last.items()]])


def conditions(*conditions):
    """Return where all the conditions hold, as plain booleans."""
    return functools.reduce(np.logical_and, map(value_of, conditions))


def positive(*shapes):
    """Say where the shapes are valid: where all are positive."""
    return conditions(*[shape > 0 for shape in shapes]) if shapes else np.True_


def log_of(part, rest):
    """Return the formula of the logarithm of a probability, given the other side's: near 1 it is ``log1p(-rest)``."""
    if rest is None:
        return lambda *z: np.log(part(*z))

    def formula(*z):
        p = part(*z)
        small = value_of(p) < 0.5
        return np.where(small, np.log(np.where(small, p, 1)), np.log1p(-np.where(small, 0, rest(*z))))

    return formula


def continuous(name, shapes="", support=(-INF, INF), inside=0.0, edge=None, **formulas):
    """Make a distribution of formulas for location 0 and scale 1.

    Parameters
    ----------
    name : str
        SciPy's name.
    shapes : str
        Names of the shape parameters.
    support : tuple of float
        Its ends.
    inside : float
        Some point of it, put in place of those outside.
    edge : callable, optional
        ``edge(z, *shapes)``: the density as a product, for the ends of the support, where its logarithm has no slope.
    **formulas
        ``logpdf(z, *shapes)``, ``cdf``, and so on.
    """
    distribution = Distribution(getattr(theirs, name))
    low, high = support
    if "logcdf" not in formulas and "cdf" in formulas:
        formulas["logcdf"] = log_of(formulas["cdf"], formulas.get("sf"))
    if "logsf" not in formulas and "sf" in formulas:
        formulas["logsf"] = log_of(formulas["sf"], formulas.get("cdf"))
    formulas["pdf"] = formulas["logpdf"]
    outside = {
        "pdf": (0, 0),
        "logpdf": (-INF, -INF),
        "cdf": (0, 1),
        "sf": (1, 0),
        "logcdf": (-INF, 0),
        "logsf": (0, -INF),
    }
    names = shapes.split()
    signature = signature_of("x", names, {"loc": 0, "scale": 1})

    def method(kind):
        formula, (left, right) = formulas[kind], outside[kind]

        def implementation(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            x, *parameters, loc, scale = map(double, bound.arguments.values())
            ok = conditions(scale > 0, positive(*parameters))
            scale = np.where(value_of(scale) > 0, scale, 1)
            z = (x - loc) / scale
            at = value_of(z)
            within = (at >= low) & (at <= high) if "pdf" in kind else (at > low) & (at < high)
            parameters = [np.where(ok, p, 1) for p in parameters]
            ends = within & ((at == low) | (at == high)) & np.isfinite(at) & (kind == "pdf" and edge is not None)
            y = formula(np.where(within & ~ends, z, inside), *parameters)
            if "pdf" in kind:
                y = y - np.log(scale)
            if kind == "pdf":
                y = np.exp(y)
            if kind == "pdf" and edge is not None and np.any(ends):
                y = np.where(ends, edge(np.where(ends, z, low), *parameters) / scale, y)
            y = np.where(within, y, np.where(at >= high, right, left))
            return np.where(ok & ~np.isnan(at), y, np.nan)

        return implementation

    for kind in outside:
        if kind in formulas:
            offer(distribution, kind, method(kind), signature)
    return distribution


def discrete(name, shapes, valid, support, direct, **formulas):
    """Make a distribution over whole numbers.

    `support` gives the ends of it, `formulas` are of ``(k, *shapes)``; `direct` is the probability as a product, for
    the ends of the range of the last shape (0 and 1), where its logarithm has no slope.
    """
    distribution = Distribution(getattr(theirs, name))
    formulas["pmf"] = formulas["logpmf"]
    steps = {"cdf": lambda k, p: 1 - count_power(1 - p, k), "sf": lambda k, p: count_power(1 - p, k)}  # of geom
    outside = {"pmf": (0, 0), "logpmf": (-INF, -INF), "cdf": (0, 1), "sf": (1, 0)}
    signature = signature_of("k", shapes.split(), {"loc": 0})

    def method(kind):
        formula, (left, right) = formulas[kind], outside[kind]

        def implementation(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            k, *parameters, loc = bound.arguments.values()
            for what, value in (("k", k), ("loc", loc), *[("n", n) for n in parameters[:1] if name == "binom"]):
                if getattr(value, "requires_grad", False):
                    raise UnsupportedArgumentError(
                        f"{name_of(getattr(distribution, kind))} is not differentiated by {what}, which counts: "
                        f"pass {what}.detach()."
                    )
            parameters = [double(p) for p in parameters]
            k = double(value_of(k)) - double(value_of(loc))
            ok = conditions(valid(*parameters)) & ~np.isnan(k)
            parameters = [np.where(ok, p, 1) for p in parameters]
            low, high = support(*map(value_of, parameters))
            whole = np.floor(k)
            within = (k >= low) & (k <= high) & (k == whole) if "pmf" in kind else (whole >= low) & (whole < high)
            k, last = np.where(within, whole, low), value_of(parameters[-1])
            edge = ((last == 0) | (last == 1)) & (kind == "pmf" or (name == "geom" and kind != "logpmf"))
            inner = np.where(edge, 0.5, parameters[-1])
            y = formula(k, *parameters[:-1], inner)
            y = np.exp(y) if kind == "pmf" else y
            if (kind == "pmf" or (name == "geom" and kind != "logpmf")) and np.any(edge):
                there = direct if kind == "pmf" else steps[kind]
                y = np.where(edge, there(k, *parameters[:-1], np.where(edge, parameters[-1], 0)), y)
            y = np.where(within, y, np.where(whole >= high, right, left))
            return np.where(ok, y, np.nan)

        return implementation

    for kind in outside:
        if kind in formulas:
            offer(distribution, kind, method(kind), signature)
    return distribution


# --- continuous


def t_logpdf(z, df):
    """The normal density where there are infinitely many degrees of freedom."""
    many = ~np.isfinite(value_of(df))
    df = np.where(many, 1, df)
    constant = sp.gammaln((df + 1) / 2) - sp.gammaln(df / 2) - 0.5 * np.log(df * math.pi)
    return np.where(many, -(LOG_2PI + z * z) / 2, constant - (df + 1) / 2 * np.log1p(z * z / df))


def not_negative(*shapes):
    """Say where no shape is negative."""
    return conditions(*[shape >= 0 for shape in shapes])


# fmt: off
norm = continuous("norm",
    logpdf=lambda z: -(LOG_2PI + z * z) / 2, cdf=lambda z: sp.ndtr(z), sf=lambda z: sp.ndtr(-z),
    logcdf=lambda z: sp.log_ndtr(z), logsf=lambda z: sp.log_ndtr(-z))
t = continuous("t", "df", logpdf=t_logpdf, cdf=lambda z, df: sp.stdtr(df, z), sf=lambda z, df: sp.stdtr(df, -z))
gamma = continuous("gamma", "a", (0, INF), 1.0, edge=lambda z, a: power(z, a - 1) * np.exp(-z - sp.gammaln(a)),
    logpdf=lambda z, a: sp.xlogy(a - 1, z) - z - sp.gammaln(a),
    cdf=lambda z, a: sp.gammainc(a, z), sf=lambda z, a: sp.gammaincc(a, z))
beta = continuous("beta", "a b", (0, 1), 0.5,
    edge=lambda z, a, b: power(z, a - 1) * power(1 - z, b - 1) * np.exp(-sp.betaln(a, b)),
    logpdf=lambda z, a, b: sp.xlog1py(b - 1, -z) + sp.xlogy(a - 1, z) - sp.betaln(a, b),
    cdf=lambda z, a, b: sp.betainc(a, b, z), sf=lambda z, a, b: sp.betainc(b, a, 1 - z))
chi2 = continuous("chi2", "df", (0, INF), 1.0,
    edge=lambda z, df: power(z / 2, df / 2 - 1) * np.exp(-z / 2 - sp.gammaln(df / 2)) / 2,
    logpdf=lambda z, df: sp.xlogy(df / 2 - 1, z) - z / 2 - sp.gammaln(df / 2) - math.log(2) / 2 * df,
    cdf=lambda z, df: sp.gammainc(df / 2, z / 2), sf=lambda z, df: sp.gammaincc(df / 2, z / 2))
expon = continuous("expon", "", (0, INF), 1.0,
    logpdf=lambda z: -z, cdf=lambda z: -np.expm1(-z), sf=lambda z: np.exp(-z), logsf=lambda z: -z)
uniform = continuous("uniform", "", (0, 1), 0.5,
    logpdf=lambda z: 0 * z, cdf=lambda z: z, sf=lambda z: 1 - z)
laplace = continuous("laplace",
    logpdf=lambda z: -math.log(2) - np.absolute(z),
    cdf=lambda z: half_exp(z), sf=lambda z: half_exp(-z),
    logcdf=lambda z: log_half_exp(z), logsf=lambda z: log_half_exp(-z))
logistic = continuous("logistic",
    logpdf=lambda z: far(z, -z - 2 * np.logaddexp(0, -z)), cdf=lambda z: sp.expit(z), sf=lambda z: sp.expit(-z),
    logcdf=lambda z: -np.logaddexp(0, -z), logsf=lambda z: -np.logaddexp(0, z))
lognorm = continuous("lognorm", "s", (0, INF), 1.0,
    logpdf=lambda z, s: -np.square(np.log(positive_part(z)) / s) / 2 - np.log(s * positive_part(z)) - LOG_2PI / 2 + at_0(z),
    cdf=lambda z, s: sp.ndtr(np.log(z) / s), sf=lambda z, s: sp.ndtr(-np.log(z) / s),
    logcdf=lambda z, s: sp.log_ndtr(np.log(z) / s), logsf=lambda z, s: sp.log_ndtr(-np.log(z) / s))
cauchy = continuous("cauchy",
    logpdf=lambda z: -math.log(math.pi) - 2 * np.log(np.hypot(1, z)),
    cdf=lambda z: np.arctan2(1, -z) / math.pi, sf=lambda z: np.arctan2(1, z) / math.pi)
gumbel_r = continuous("gumbel_r",
    logpdf=lambda z: -z - np.exp(-z), cdf=lambda z: np.exp(-np.exp(-z)), sf=lambda z: -np.expm1(-np.exp(-z)),
    logcdf=lambda z: -np.exp(-z))
gumbel_l = continuous("gumbel_l",
    logpdf=lambda z: z - np.exp(z), cdf=lambda z: -np.expm1(-np.exp(z)), sf=lambda z: np.exp(-np.exp(z)),
    logsf=lambda z: -np.exp(z))
weibull_min = continuous("weibull_min", "c", (0, INF), 1.0, edge=lambda z, c: c * power(z, c - 1) * np.exp(-(z**c)),
    logpdf=lambda z, c: np.log(c) + sp.xlogy(c - 1, z) - z**c, cdf=lambda z, c: -np.expm1(-(z**c)),
    sf=lambda z, c: np.exp(-(z**c)), logsf=lambda z, c: -(z**c))
pareto = continuous("pareto", "b", (1, INF), 2.0,
    logpdf=lambda z, b: np.log(b) - (b + 1) * np.log(z), cdf=lambda z, b: -np.expm1(-b * np.log(z)),
    sf=lambda z, b: z**-b, logsf=lambda z, b: -b * np.log(z))
invgamma = continuous("invgamma", "a", (0, INF), 1.0,
    logpdf=lambda z, a: -(a + 1) * np.log(positive_part(z)) - sp.gammaln(a) - 1 / positive_part(z) + at_0(z),
    cdf=lambda z, a: sp.gammaincc(a, 1 / z), sf=lambda z, a: sp.gammainc(a, 1 / z))
rayleigh = continuous("rayleigh", "", (0, INF), 1.0, edge=lambda z: z * np.exp(-z * z / 2),
    logpdf=lambda z: far(z, np.log(positive_part(z)) - z * z / 2 + at_0(z)), cdf=lambda z: -np.expm1(-z * z / 2),
    sf=lambda z: np.exp(-z * z / 2), logsf=lambda z: -z * z / 2)
halfnorm = continuous("halfnorm", "", (0, INF), 1.0,
    logpdf=lambda z: (math.log(2 / math.pi) - z * z) / 2, cdf=lambda z: sp.erf(z / math.sqrt(2)),
    sf=lambda z: 2 * sp.ndtr(-z))
# fmt: on


def power(z, p):
    """Return ``z**p``; where both are 0, with derivative 0 by z, and by p what it is from above, minus infinity."""
    none = (value_of(z) == 0) & (value_of(p) == 0)
    return np.where(none, 1, z) ** np.where(none, 1, p) + np.where(
        none, sp.xlogy(np.where(none, p, 1), np.where(none, z, 1)), 0
    )


def far(z, y):
    """Return y, and -inf where z is infinite."""
    return np.where(np.isinf(value_of(z)), -INF, y)


def half_exp(z):
    """Return the distribution function of Laplace's law."""
    return np.where(value_of(z) > 0, 1 - 0.5 * np.exp(-np.absolute(z)), 0.5 * np.exp(-np.absolute(z)))


def log_half_exp(z):
    """Return its logarithm."""
    tail = -np.absolute(z)
    return np.where(value_of(z) > 0, np.log1p(-0.5 * np.exp(tail)), tail - math.log(2))


def positive_part(z):
    """Return z, and 1 for 0: the density that is 0 there is put in by `at_0`."""
    return np.where(value_of(z) == 0, 1, z)


def at_0(z):
    """Return -inf where z is 0."""
    return np.where(value_of(z) == 0, -INF, 0)


# --- discrete


def chance(p, *counts):
    """Say where p is a probability and the counts are whole and not negative."""
    return conditions(p >= 0, p <= 1, *[(n >= 0) & (np.floor(value_of(n)) == value_of(n)) for n in counts])


def count_power(p, k):
    """Return ``p**k`` for a count k, with the derivative 0 where k is 0."""
    return np.where(k == 0, 1, p ** np.where(k == 0, 1, k))


def binom_logpmf(k, n, p):
    """The logarithms of the binomial coefficient and of the chance of each such outcome."""
    n = value_of(n)
    ways = sp.gammaln(n + 1) - (sp.gammaln(k + 1) + sp.gammaln(n - k + 1))
    return ways + sp.xlogy(k, p) + sp.xlog1py(n - k, -p)


# fmt: off
poisson = discrete("poisson", "mu", not_negative, lambda mu: (0, INF),
    lambda k, mu: count_power(mu, k) * np.exp(-mu - sp.gammaln(k + 1)),
    logpmf=lambda k, mu: sp.xlogy(k, mu) - sp.gammaln(k + 1) - mu,
    cdf=lambda k, mu: sp.gammaincc(k + 1, mu), sf=lambda k, mu: sp.gammainc(k + 1, mu))
binom = discrete("binom", "n p", lambda n, p: chance(p, n), lambda n, p: (0, n),
    lambda k, n, p: sp.binom(value_of(n), k) * count_power(p, k) * count_power(1 - p, value_of(n) - k),
    logpmf=binom_logpmf, cdf=lambda k, n, p: sp.betainc(value_of(n) - k, k + 1, 1 - p),
    sf=lambda k, n, p: sp.betainc(k + 1, value_of(n) - k, p))
bernoulli = discrete("bernoulli", "p", chance, lambda p: (0, 1),
    lambda k, p: count_power(p, k) * count_power(1 - p, 1 - k),
    logpmf=lambda k, p: binom_logpmf(k, 1.0, p), cdf=lambda k, p: 1 - p, sf=lambda k, p: p * 1)
geom = discrete("geom", "p", lambda p: chance(p) & (value_of(p) > 0), lambda p: (1, INF),
    lambda k, p: p * count_power(1 - p, k - 1),
    logpmf=lambda k, p: sp.xlog1py(k - 1, -p) + np.log(p),
    cdf=lambda k, p: -np.expm1(k * np.log1p(-p)), sf=lambda k, p: np.exp(k * np.log1p(-p)))
nbinom = discrete("nbinom", "n p", lambda n, p: conditions(n > 0, p > 0, p <= 1), lambda n, p: (0, INF),
    lambda k, n, p: np.exp(sp.gammaln(n + k) - sp.gammaln(k + 1) - sp.gammaln(n)) * p**n * count_power(1 - p, k),
    logpmf=lambda k, n, p: sp.gammaln(n + k) - sp.gammaln(k + 1) - sp.gammaln(n) + n * np.log(p) + sp.xlog1py(k, -p),
    cdf=lambda k, n, p: sp.betainc(n, k + 1, p), sf=lambda k, n, p: sp.betainc(k + 1, n, 1 - p))
# fmt: on


# --- of several variables


class Multivariate(Distribution):
    """A distribution of vectors."""

    def __init__(self, theirs, name):
        super().__init__(theirs)
        self.__dict__["name"] = name
        self.__doc__ = f"As ``scipy.stats.{name}``."


multivariate_normal = Multivariate(theirs.multivariate_normal, "multivariate_normal")
dirichlet = Multivariate(theirs.dirichlet, "dirichlet")


def give(distribution, name):
    """Make a decorator that gives a distribution of vectors a method."""

    def register(implementation):
        method = borrow(getattr(distribution._theirs, name), implementation)
        method.__module__ = f"{__name__}.{distribution.name}"
        composite(method)(implementation)
        setattr(distribution, name, method)
        return implementation

    return register


def mean_and_factor(mean, cov):
    """Return the mean as a vector and the Cholesky factor of the covariance, of which SciPy reads the lower triangle."""
    if isinstance(cov, theirs.Covariance):
        raise UnsupportedArgumentError(
            "multivariate_normal on Tensors takes the covariance as an array, not as SciPy's Covariance: pass "
            "cov.covariance."
        )
    mean = None if mean is None else double(mean)
    cov = double(1.0 if cov is None else cov)
    dim = mean.size if mean is not None else cov.shape[0] if cov.ndim == 2 else 1
    mean = np.zeros(dim) if mean is None else np.reshape(mean, (dim,))
    if cov.ndim < 2:
        cov = np.reshape(cov, (-1, 1)) * np.eye(dim)
    if cov.shape != (dim, dim):
        raise ValueError(f"Array 'cov' must be square and as long as 'mean' ({dim}), not {cov.shape}.")
    return mean, linalg.cholesky(cov, lower=True)


def log_diagonal(half):
    """Return the sum of the logarithms of the diagonal."""
    return np.sum(np.log(half[np.arange(half.shape[0]), np.arange(half.shape[0])]))


@give(multivariate_normal, "logpdf")
def normal_logpdf(x, mean=None, cov=1, allow_singular=False):
    """Through the Cholesky factor of the covariance."""
    refuse(multivariate_normal.logpdf, allow_singular=allow_singular)
    mean, half = mean_and_factor(mean, cov)
    dim, x = half.shape[0], double(x)
    if x.ndim < 2:
        x = np.reshape(x, (-1, 1) if dim == 1 else (1, -1))
    deviation = np.reshape(x - mean, (-1, dim))
    z = linalg.solve_triangular(half, np.transpose(deviation), lower=True)
    y = -0.5 * (dim * LOG_2PI + np.sum(z * z, 0)) - log_diagonal(half)
    return np.squeeze(np.reshape(y, x.shape[:-1]))


@give(multivariate_normal, "pdf")
def normal_pdf(x, mean=None, cov=1, allow_singular=False):
    """The exponential of its logarithm."""
    refuse(multivariate_normal.pdf, allow_singular=allow_singular)
    return np.exp(normal_logpdf(x, mean, cov))


@give(multivariate_normal, "entropy")
def normal_entropy(mean=None, cov=1):
    """``d (1 + log 2 pi) / 2`` and half the logarithm of the determinant."""
    _, half = mean_and_factor(mean, cov)
    y = 0.5 * half.shape[0] * (LOG_2PI + 1) + log_diagonal(half)
    return y if hasattr(y, "requires_grad") else constant_of(y)  # it does not depend on the mean


@give(dirichlet, "logpdf")
def dirichlet_logpdf(x, alpha):
    """The last of the entries may be left out: they add up to 1."""
    theirs.dirichlet.logpdf(value_of(x), value_of(alpha))  # raises where x is no point of the simplex
    x, alpha = array(x), array(alpha)
    if x.shape[0] == alpha.shape[0] - 1:
        x = np.concatenate([x, 1 - np.sum(x, 0, keepdims=True)], 0)
    constant = np.sum(sp.gammaln(alpha)) - sp.gammaln(np.sum(alpha))
    return np.squeeze(np.sum(np.transpose(sp.xlogy(alpha - 1, np.transpose(x))), 0) - constant)


@give(dirichlet, "pdf")
def dirichlet_pdf(x, alpha):
    """The exponential of its logarithm."""
    return np.exp(dirichlet_logpdf(x, alpha))
