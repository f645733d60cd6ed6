"""Where NumPy gives a Tensor no say, the call raises; and what docs/coverage.md says to write instead works."""

import cmath
import math

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors

from .cases.undispatched import UNDISPATCHED


def world():
    rng = np.random.default_rng(0)
    names = {"t": ag.Tensor([0.3, 0.7, 0.5], requires_grad=True), "M": ag.Tensor(np.eye(2) + 0.1, requires_grad=True)}
    names |= {"a": np.ones(3), "A": np.ones((3, 3)), "mask": np.array([True, False, False]), "rng": rng}
    return names | {"np": np, "ag": ag, "math": math, "cmath": cmath}


@pytest.mark.parametrize("call", UNDISPATCHED)
def test_undispatched(call):
    names = world()
    if "scipy" in call:
        names["scipy"] = pytest.importorskip("scipy")
        pytest.importorskip("scipy.linalg")
        pytest.importorskip("scipy.special")
    with pytest.raises((errors.AutogradError, ValueError)) as error:
        exec(call, names)
    cause = error.value.__cause__ or error.value  # NumPy speaks of a sequence, because of ours
    assert isinstance(cause, errors.AutogradError)
    if isinstance(names.get("a"), np.ndarray):
        np.testing.assert_array_equal(names["a"], 1)  # nothing half-written
    exec(UNDISPATCHED[call], names)
    y = names["y"]
    assert y.requires_grad
    found = ag.gradients([y], [names["t"], names["M"]], [np.ones(y.shape, y.dtype)])
    assert any(g.any() for g in found)
