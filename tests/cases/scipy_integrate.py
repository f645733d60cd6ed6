"""SciPy's integrals and differential equations: small ones, since the tests go to the third order."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
CASES: dict[Any, list[Case]] = {}
REFUSED: list[tuple[Any, Case, str]] = []
INVALID: list[tuple[Any, Case, type[Exception]]] = []
REAL_ONLY: set[Any] = set()
PYTHON_NUMBERS: set[Any] = set()
ROUNDED: set[Any] = set()


def decay(y, t, a=1.3):
    return -a * y + t


def decay_first(t, y, a=1.3):
    return decay(y, t, a)


def bell(x, c=0.7):
    return np.exp(-c * x * x)


def times(y, _t, theta):
    return y * theta[0]


def rows(integrate):
    import scipy.integrate

    V, M, T = real(5), real(2, 4), real(2, 3, 4)
    x = np.array([0.0, 0.4, 1.1, 1.5, 2.3])
    x.flags.writeable = False
    CASES[integrate.trapezoid] = [
        on(V), on(V, x), on(M, dx=0.3), on(M, axis=0), on(T, real(2, 3, 4), axis=1), on(M, x[:4], axis=-1), on(real(1)),
        on(M, real(2), 1.0, 0), on(V, None, real()), on(real.complex(3), dx=0.5),
    ]  # fmt: skip
    CASES[integrate.cumulative_trapezoid] = [
        on(V),
        on(V, x, initial=0),
        on(M, dx=0.3, axis=0),
        on(T, real(2, 3, 4), axis=1),
        on(M, x[:4], initial=0),
        on(real(1)),
        on(T, real(3), 1.0, -2, 0),
    ]
    INVALID.append((integrate.cumulative_trapezoid, on(V, initial=1), ValueError))
    INVALID.append((integrate.cumulative_trapezoid, on(V, real(2)), ValueError))
    wide = np.arange(12.0).reshape(3, 4) + 0.3 * real(3, 4)
    wide.flags.writeable = False
    CASES[integrate.simpson] = [
        on(V, x),
        on(V),
        on(V, x=x),
        on(M, dx=0.3),
        on(M, x[:4]),
        on(real(6), axis=0),
        on(real(3, 4), wide, axis=1),
        on(real(2)),
        on(real(2, 2), x[:2]),
        on(real(4, 3), x[:4], axis=0),
        on(real(3)),
        on(real(7)),
    ]
    INVALID.append((integrate.simpson, on(V, real(2)), ValueError))

    fine = {"rtol": 1e-9, "atol": 1e-9}
    span = np.array([0.0, 0.4])
    span.flags.writeable = False
    one = real(1, between=(0.7, 0.7))
    CASES[integrate.odeint] = [
        on(decay, one, span, **fine), on(decay, [0.7], [0.0, 0.4], (real(between=(0.8, 0.8)),), mxstep=900, **fine),
        on(decay_first, one, [0.0, 0.3], tfirst=True, hmax=1.0, hmin=1e-12, mxordn=11, mxords=4, mxhnil=1, **fine),
    ]  # fmt: skip
    for name, value in (("h0", 0.1), ("tcrit", [0.1]), ("Dfun", decay), ("rtol", [1e-3]), ("full_output", 1)):
        REFUSED.append((integrate.odeint, on(decay, one, span, **{name: value}), name))
    for function in (integrate.odeint,):
        REAL_ONLY.add(function)
    CASES[integrate.flow] = [
        on(
            real(4, between=(0.1, 0.5)),
            n=1,
            k=2,
            function=times,
            solver=lambda f, y, t: scipy.integrate.odeint(f, y, t, **fine),
        ),
    ]
    CASES[integrate.integral] = [
        on(real(2, between=(0.1, 0.9)), ends=(None, 2.0), function=lambda x, theta: np.exp(-theta[0] * x), options={}),
        on(real(2, between=(0.1, 0.9)), ends=(None, None), function=lambda x, theta: np.exp(-x), options={}),
    ]  # fmt: skip
    CASES[integrate.quad] = [
        on(bell, real(between=(0.1, 0.1)), real(between=(1.2, 1.2))),
        on(bell, 0, np.inf, (real(between=(0.8, 0.8)),)),
        on(
            bell,
            -1.0,
            1.5,
            args=(real(between=(0.8, 0.8)),),
            epsabs=1e-8,
            epsrel=1e-8,
            limit=60,
            points=[0.1],
            maxp1=40,
            limlst=40,
        ),
    ]
    for name, value in (("weight", "cos"), ("full_output", 1), ("complex_func", True)):
        REFUSED.append((integrate.quad, on(bell, real(), 1.0, **{name: value}), name))
    PYTHON_NUMBERS.add(integrate.quad)
    REAL_ONLY.update({integrate.quad, integrate.integral, integrate.flow})
    ROUNDED.update(CASES)


try:
    import scipy  # noqa: F401
except ImportError:
    pass
else:
    from autograd_mini.scipy import integrate

    rows(integrate)
