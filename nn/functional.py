"""Activations as functions. Those with a rule of their own got it through the engine's public door.

At a kink they have the derivative that PyTorch gives them: `relu`, `leaky_relu` and `elu` that of the piece below 0,
`softplus` that of the curve.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import array_of, finite, positive, real_array, shown
from .normal import normal_cdf

__all__ = [
    "elu",
    "gelu",
    "identity",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


TWICE_ROOT_2_BY_PI = 2 * math.sqrt(2 / math.pi)


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
    if isinstance(z, (list, tuple)):  # of Tensors, perhaps: recorded with the rule below, not that of np.maximum
        return relu(array_of("relu", "z", z))
    return np.maximum(real_array("relu", z, whole=True), 0)


@ag.primitive
def leaky_relu(z: Any, negative_slope: float = 0.01) -> Any:
    r"""Return z where z > 0, else :math:`s z` with a small slope s: below 0 a unit still learns.

    The derivative is 1 for z > 0, else s; so s at 0. Source: Maas, Hannun and Ng, 2013, section 2.

    Parameters
    ----------
    z : array_like of real numbers
        Of any shape, which is the result's too.
    negative_slope : float
        The s.

    Examples
    --------
    >>> import numpy as np, nn, autograd_mini as ag
    >>> nn.leaky_relu(np.array([-2.0, 3.0]))
    array([-0.02,  3.  ])
    >>> ag.grad(lambda z: nn.leaky_relu(z, 0.2).sum())(np.array([-2.0, 0.0, 3.0]))
    array([0.2, 0.2, 1. ])
    """
    if isinstance(z, (list, tuple)):
        return leaky_relu(array_of("leaky_relu", "z", z), negative_slope)
    z, slope = real_array("leaky_relu", z), finite("leaky_relu", "negative_slope", negative_slope)
    return np.where(np.greater(z, 0), z, slope * z)


@ag.primitive
def elu(z: Any, alpha: float = 1.0) -> Any:
    r"""Return z where z > 0, else :math:`\alpha (e^z - 1)`: below 0 it levels out at -alpha.

    The derivative is 1 for z > 0, else :math:`\alpha e^z`; so alpha at 0, which is no kink if alpha is 1. Source:
    Clevert, Unterthiner and Hochreiter, 2016, section 3.

    Parameters
    ----------
    z : array_like of real numbers
        Of any shape, which is the result's too.
    alpha : float
        Its name in the equation.

    Examples
    --------
    >>> import numpy as np, nn, autograd_mini as ag
    >>> nn.elu(np.array([-1000.0, 0.0, 3.0]))
    array([-1.,  0.,  3.])
    >>> print(ag.grad(lambda z: nn.elu(z, 0.5))(0.0))
    0.5
    """
    if isinstance(z, (list, tuple)):
        return elu(array_of("elu", "z", z), alpha)
    z, alpha = real_array("elu", z), finite("elu", "alpha", alpha)
    above = np.greater(z, 0)
    return np.where(above, z, alpha * np.expm1(np.where(above, 0, z)))


def gelu(z: Any, approximate: str = "none") -> Any:
    r"""Return :math:`z\,\Phi(z)`: z times the probability that a standard normal number is below z.

    With ``approximate="tanh"``, :math:`\tfrac{z}{2} (1 + \tanh(\sqrt{2/\pi} (z + 0.044715 z^3)))`, off by less than
    0.0005. Source: Hendrycks and Gimpel, 2016, section 2.

    Parameters
    ----------
    z : array_like of real numbers
        Of any shape, which is the result's too.
    approximate : {"none", "tanh"}
        Whether the exact function is meant or the approximate one.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.gelu(np.array([-1.0, 0.0, 1.0]))
    array([-0.15865525,  0.        ,  0.84134475])
    >>> nn.gelu(np.array([-1.0, 0.0, 1.0]), approximate="tanh")
    array([-0.15880801,  0.        ,  0.84119199])
    """
    z = real_array("gelu", z)
    if approximate == "none":
        return z * normal_cdf(z)
    if approximate == "tanh":
        u = np.clip(z, -40, 40)  # where the sigmoid has long been 0 or 1: u**3 cannot overflow
        return z * sigmoid(TWICE_ROOT_2_BY_PI * (u + 0.044715 * (u * u * u)))  # (1 + tanh(x)) / 2 = sigmoid(2x)
    raise ValueError(f"gelu: approximate is {shown(approximate)}, but must be 'none' or 'tanh'.")


def silu(z: Any) -> Any:
    r"""Return :math:`z\,\sigma(z)`, also called swish.

    Sources: Hendrycks and Gimpel, 2016, section 2; Ramachandran, Zoph and Le, 2017, eq. 1 with beta = 1.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.silu(np.array([-1.0, 0.0, 1.0]))
    array([-0.26894142,  0.        ,  0.73105858])
    """
    z = real_array("silu", z)
    return z * sigmoid(z)


@ag.primitive
def softplus(z: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    r"""Return :math:`\log(1 + e^{\beta z}) / \beta`, a smooth rectifier; where :math:`\beta z > t`, z itself.

    Above the threshold t it is off by less than :math:`e^{-20} / \beta`; a higher threshold, such as 40, leaves
    nothing of that, and nothing overflows. The derivative is :math:`\sigma(\beta z)`, above the threshold 1. Source:
    Dugas et al., 2001; the threshold is PyTorch's.

    Parameters
    ----------
    z : array_like of real numbers
        Of any shape, which is the result's too.
    beta : float
        Positive: how sharp the bend at 0 is.
    threshold : float
        The t.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.softplus(np.array([-1000.0, 0.0, 1000.0]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """
    if isinstance(z, (list, tuple)):
        return softplus(array_of("softplus", "z", z), beta, threshold)
    z, beta = real_array("softplus", z), positive("softplus", "beta", beta)
    threshold = finite("softplus", "threshold", threshold)
    scaled = beta * z
    curve = np.maximum(scaled, 0) + np.log1p(np.exp(-np.abs(scaled)))  # np.logaddexp would warn of NaN
    return np.where(np.greater(scaled, threshold), z, curve / beta)


def tanh(z: Any) -> Any:
    r"""Return the hyperbolic tangent; :math:`\tanh' = 1 - \tanh^2`. Complex numbers have one too."""
    if type(z) is not np.ndarray or z.dtype.kind != "f":
        z = array_of("tanh", "z", z, "fiubc")
        z = z.astype(float) if z.dtype.kind in "biu" else z  # np.tanh of small integers is a half
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


ag.defvjp(sigmoid, lambda g, y, _z: g * (y * (1 - y)))
ag.defvjp(relu, lambda g, y, _z: g * (y > 0))
ag.defvjp(softmax, lambda g, y, _z: y * (g - np.sum(g * y, axis=-1, keepdims=True)))
ag.defvjp(leaky_relu, lambda g, _y, z, *, negative_slope=0.01: np.where(z > 0, g, negative_slope * g))
ag.defvjp(elu, lambda g, _y, z, *, alpha=1.0: np.where(z > 0, g, g * (alpha * np.exp(np.where(z > 0, 0, z)))))
ag.defvjp(
    softplus,
    lambda g, _y, z, *, beta=1.0, threshold=20.0: np.where(beta * z > threshold, g, g * sigmoid(beta * z)),
)
