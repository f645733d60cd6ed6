"""SciPy's distributions."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
CASES: dict[Any, list[Case]] = {}
REFUSED: list[tuple[Any, Case, str]] = []
REAL_ONLY: set[Any] = set()
ROUNDED: set[Any] = set()

WIDE, UNIT, AWAY = (-1.7, 2.1), (0.1, 0.9), (0.4, 3.1)
CONTINUOUS = {  # where the variable lies, and each shape parameter
    "norm": (WIDE,),
    "t": (WIDE, AWAY),
    "gamma": (AWAY, AWAY),
    "beta": ((0.25, 0.7), AWAY, AWAY),
    "chi2": (AWAY, (1, 4)),
    "expon": (AWAY,),
    "uniform": ((0.25, 0.7),),
    "laplace": ((0.2, 3),),
    "logistic": (WIDE,),
    "lognorm": (AWAY, (0.5, 1.5)),
    "cauchy": (WIDE,),
    "gumbel_r": (WIDE,),
    "gumbel_l": (WIDE,),
    "weibull_min": (AWAY, (0.7, 2)),
    "pareto": ((1.3, 4), AWAY),
    "invgamma": (AWAY, AWAY),
    "rayleigh": (AWAY,),
    "halfnorm": (AWAY,),
}
DISCRETE = {
    "poisson": [((3,), AWAY)], "bernoulli": [((3,), UNIT)], "geom": [((3,), UNIT)],
    "nbinom": [((3,), AWAY), ((1,), (0.4, 0.9))], "binom": [None, ((3,), UNIT)],
}  # fmt: skip

FIRST = {"geom": [1, 2, 3], "bernoulli": [1, 0, 1]}


def rows(stats):
    for name, (variable, *shapes) in CONTINUOUS.items():
        distribution = getattr(stats, name)
        for kind in ("pdf", "logpdf", "cdf", "sf", "logcdf", "logsf"):
            method = distribution.__dict__.get(kind)
            if method is None:
                continue
            within = [-5.0, 0.5, 1.6, 9.0] if "log" not in kind else np.linspace(*variable, 6)[1:-1].tolist()
            x = real(2, 3, between=variable)
            CASES[method] = [
                on(x, *[real(2, 3, between=s) for s in shapes]),
                on(real(3, between=variable), *[real(2, 1, between=s) for s in shapes]),
                on(
                    x,
                    *[real(between=s) for s in shapes],
                    loc=real(3, between=(-0.05, 0.05)),
                    scale=real(2, 1, between=(0.9, 1)),
                ),
                on(real(between=variable), *[1.3] * len(shapes), real(1, between=(-0.1, 0.1)), 1.1),
                on(within, *[real(between=s) for s in shapes], scale=real(4, between=(0.9, 1))),
                on(real(0, 3), *[2.0] * len(shapes)),
            ]
            REAL_ONLY.add(method)
    for name, shapes in DISCRETE.items():
        distribution = getattr(stats, name)
        for kind in ("logpmf", "pmf", "cdf", "sf"):
            method = distribution.__dict__.get(kind)
            if method is None:
                continue
            k = np.array(FIRST.get(name, [1, 2, 0]))
            parameters = [4 if s is None else real(*s[0], between=s[1]) for s in shapes]
            CASES[method] = [
                on(k, *parameters),
                on(k + 1, *parameters, 1),
                on(np.array([[-1], [1], [2], [7]] if "log" not in kind else [[1], [1]]), *parameters),
                on([0.5, 1, 1.5] if "log" not in kind else [1, 1, 1], *parameters),
                on(2, *parameters, loc=1),
            ]
            REAL_ONLY.add(method)
            REFUSED.append((method, on(np.ones(3), *parameters), "k"))
    mean, cov = real(3), np.array([[2.0, 0.3, 0.1], [0.3, 1.5, -0.2], [0.1, -0.2, 1.0]])
    cov.flags.writeable = False
    normal = stats.multivariate_normal
    CASES[normal.pdf] = [
        on(real(3), mean, cov),
        on(real(4, 3), mean, cov),
        on(real(2, 2, 3), mean),
        on(real(3), mean, real(between=(2, 2))),
        on(real(4), 0.3, 2.0),
        on(real(4), real(), real(between=(1, 2))),
        on(real(4, 2), real(2), real(2, between=(1, 2))),
        on(real(1), real(1), real(1, 1, between=(1, 2))),
        on(real(2, 3), mean=mean, cov=cov),
        on(real(2, 3), None, cov),
        on(real()),
    ]
    CASES[normal.logpdf] = list(CASES[normal.pdf])
    CASES[normal.entropy] = [
        on(None, cov),
        on(mean, cov),
        on(cov=real(between=(1, 2))),
        on(real(2, between=(1, 2)), cov=real(2, between=(1, 2))),
    ]
    CASES[stats.dirichlet.pdf] = [
        on(real(2, between=(0.2, 0.35)), real(3, between=AWAY)),
        on(real(2, 4, between=(0.2, 0.35)), real(3, between=AWAY)),
        on([0.2, 0.3, 0.5], alpha=real(3, between=AWAY)),
        on(real(1, between=(0.4, 0.9)), [1.5, 2.0]),
    ]
    CASES[stats.dirichlet.logpdf] = list(CASES[stats.dirichlet.pdf])
    REAL_ONLY.update({normal.pdf, normal.logpdf, normal.entropy, stats.dirichlet.pdf, stats.dirichlet.logpdf})
    ROUNDED.update(CASES)


try:
    import scipy  # noqa: F401
except ImportError:
    pass
else:
    from autograd_mini.scipy import stats

    rows(stats)
