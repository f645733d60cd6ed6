"""SciPy's interpolants: the one function that has a rule."""

from typing import Any

import numpy as np

from .base import Case, Draw, on

real = Draw(__name__)
CASES: dict[Any, list[Case]] = {}
REAL_ONLY: set[Any] = set()

try:
    import scipy.interpolate
except ImportError:
    pass
else:
    from autograd_mini.scipy import interpolate

    spline = scipy.interpolate.make_interp_spline(np.linspace(-2, 2.5, 7), np.eye(7), 5)
    CASES[interpolate.weights] = [
        on(real(3), spline=spline),
        on(real(2, 2), spline=spline, nu=1),
        on(real(), spline=spline),
    ]
    REAL_ONLY.add(interpolate.weights)
