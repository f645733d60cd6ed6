"""SciPy's solvers of equations."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
CASES: dict[Any, list[Case]] = {}
REFUSED: list[tuple[Any, Case, str]] = []
REAL_ONLY: set[Any] = set()
ROUNDED: set[Any] = set()


def root_of(x, a):
    return np.sqrt(a / (1 + x))


def cubic(x, a, b=0.0):
    return x * x * x + x - a - b


def slope(x, *_):
    return 3 * x * x + 1


def curvature(x, *_):
    return 6 * x


def rows(optimize):
    a, v = real(between=(1.3, 1.3)), real(2, between=(1, 2))
    CASES[optimize.fixed_point] = [
        on(root_of, 0.5, (a,), 1e-12), on(root_of, [0.5, 0.7], args=(v,), xtol=1e-12, maxiter=600),
        on(root_of, [0.5, 0.7], args=(v,), xtol=1e-13, method="iteration"),
    ]  # fmt: skip
    CASES[optimize.newton] = [
        on(cubic, 0.5, args=(a,), tol=1e-13),
        on(cubic, 0.5, slope, (a, real(between=(0.4, 0.4))), 1e-13, 60, curvature, rtol=1e-14),
        on(cubic, [0.5, 0.7], args=(v,), tol=1e-13, x1=[0.6, 0.9], disp=True),
    ]
    REFUSED.append((optimize.newton, on(cubic, 0.5, args=(a,), full_output=True), "full_output"))
    for f in (optimize.bisect, optimize.ridder, optimize.brentq, optimize.brenth, optimize.toms748):
        CASES[f] = [
            on(cubic, 0.0, 3.0, (a,), xtol=1e-13, rtol=1e-14, maxiter=200),
            on(cubic, 0.0, 3.0, args=(a,), xtol=1e-13, disp=True),
        ]
        REFUSED.append((f, on(cubic, 0.0, 3.0, args=(a,), full_output=True), "full_output"))
    CASES[optimize.toms748].append(on(cubic, 0.0, 3.0, args=(a,), k=2, xtol=1e-13))
    ROUNDED.update(CASES)
    REAL_ONLY.update(CASES)


try:
    import scipy  # noqa: F401
except ImportError:
    pass
else:
    from autograd_mini.scipy import optimize
    from autograd_mini.scipy.implicit import solution

    rows(optimize)
    CASES[solution] = [
        on(real(2), residual=lambda y, v: y - v * v, find=lambda v: v * v),
        on(
            real(2, between=(1, 2)),
            residual=lambda y, v: y * y * y - v[0] * v[1] * v[1],
            find=lambda v: (v[0] * v[1] * v[1]) ** (1 / 3),
        ),
    ]
    REAL_ONLY.add(solution)
