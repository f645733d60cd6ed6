"""What goes wrong with the optional backend."""

import sys
from unittest import mock

import numpy as np

import autograd_mini as ag


def without_numba():
    """Call it where numba is not installed."""
    with mock.patch.dict(sys.modules, numba=None):
        return ag.compile(np.sin, backend="numba")(np.ones(2))


ROWS = {
    "ag.compile(f, backend='numba')(x), without numba": (
        without_numba,
        ImportError,
        [
            "backend='numba' needs numba, which is not installed",
            r"pip install 'autograd-mini\[jit\]'",
            "leave backend= out",
        ],
    ),
}
