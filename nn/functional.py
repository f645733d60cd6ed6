"""Activations as functions. Those with a rule of their own got it through the engine's public door."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of

__all__ = ["identity", "log_softmax", "relu", "sigmoid", "softmax", "tanh"]


def identity(z: Any) -> Any:
    """Return `z` itself: the output of a regression (claim Y10)."""
    return z


@ag.primitive
def sigmoid(z: Any) -> Any:
    r"""Return :math:`\sigma(z) = 1 / (1 + e^{-z})`, written so that it cannot overflow.

    Its derivative is read off the output, :math:`\sigma' = \sigma (1 - \sigma)` (claims Y9, R10).

    Examples
    --------
    >>> import numpy as np, nn, autograd_mini as ag
    >>> nn.sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    >>> print(ag.grad(nn.sigmoid)(0.0))
    0.25
    """
    z = real_array("sigmoid", z)
    e = np.exp(-np.abs(z))
    return np.where(np.greater_equal(z, 0), 1, e) / (1 + e)


@ag.primitive
def relu(z: Any) -> Any:
    """Return ``max(z, 0)``. The derivative is 1 for z > 0, else 0; so 0 at 0 (claim R10).

    Examples
    --------
    >>> import numpy as np, nn, autograd_mini as ag
    >>> ag.grad(lambda z: nn.relu(z).sum())(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 1.])
    """
    return np.maximum(real_array("relu", z, whole=True), 0)


def tanh(z: Any) -> Any:
    r"""Return the hyperbolic tangent; :math:`\tanh' = 1 - \tanh^2`."""
    return np.tanh(z)


@ag.primitive
def softmax(z: Any) -> Any:
    r"""Return :math:`o_i = e^{z_i} / \sum_j e^{z_j}` along the last axis (claim Y10).

    Its Jacobian is :math:`\mathrm{diag}(o) - o\,o^T`.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.softmax(np.array([0.0, 0.0, 1000.0]))
    array([0., 0., 1.])
    """
    z = real_array("softmax", z, classes=True)
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def log_softmax(z: Any) -> Any:
    r"""Return :math:`\log o_i = z_i - \log \sum_j e^{z_j}` along the last axis, without overflow."""
    z = real_array("log_softmax", z, classes=True)
    return z - ag.logsumexp(z, axis=-1, keepdims=True)


def real_array(where: str, z: Any, classes: bool = False, whole: bool = False) -> Any:
    """Return an array of real numbers; of complex ones, the formulas here would be another function.

    With `whole`, integers keep their dtype whatever they are.
    """
    if type(z) is not np.ndarray or z.dtype.kind != "f":
        z = array_of(where, "z", z)
        if z.dtype.kind in "bu" and not whole:  # -abs(z) of unsigned integers wraps around
            z = z.astype(float)
    if classes and z.ndim and not z.shape[-1]:
        raise ag.errors.ShapeError(
            f"{where}: z has shape {z.shape}, and no classes in the last axis. Give it shape (samples, classes)."
        )
    return z


ag.defvjp(sigmoid, lambda g, y, _z: g * (y * (1 - y)))
ag.defvjp(relu, lambda g, y, _z: g * (y > 0))
ag.defvjp(softmax, lambda g, y, _z: y * (g - np.sum(g * y, axis=-1, keepdims=True)))
