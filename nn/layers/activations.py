"""The activations as layers, and their names."""

from __future__ import annotations

from typing import Any

from .. import functional
from ..checks import finite, positive, shown
from ..module import Module

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "Activation",
    "Identity",
    "LeakyReLU",
    "LogSoftmax",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class Activation(Module):
    """Base class of the layers that apply a function to every unit, or to every row."""

    function = staticmethod(functional.identity)

    def forward(self, z: Any) -> Any:
        """Return the activations."""
        return self.function(z, **self.config())

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer, which are the function's keywords too."""
        return {}

    def __repr__(self) -> str:
        options = [f"{k}={v!r}" if isinstance(v, str) else f"{k}={v:g}" for k, v in self.config().items()]
        return f"{type(self).__name__}({', '.join(options)})"


class Identity(Activation):
    """The identity."""


class Sigmoid(Activation):
    """The sigmoid; see `sigmoid`."""

    function = staticmethod(functional.sigmoid)


class Tanh(Activation):
    """The hyperbolic tangent."""

    function = staticmethod(functional.tanh)


class ReLU(Activation):
    """The rectifier; see `relu`."""

    function = staticmethod(functional.relu)


class LeakyReLU(Activation):
    """The rectifier with a small slope below 0; see `leaky_relu`.

    Examples
    --------
    >>> import nn
    >>> nn.LeakyReLU(0.1)([-2.0, 3.0])
    array([-0.2,  3. ])
    """

    function = staticmethod(functional.leaky_relu)

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = finite("LeakyReLU", "negative_slope", negative_slope)

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {"negative_slope": self.negative_slope}


class ELU(Activation):
    """The exponential linear unit; see `elu`.

    Examples
    --------
    >>> import nn
    >>> nn.ELU()([-1000.0, 3.0])
    array([-1.,  3.])
    """

    function = staticmethod(functional.elu)

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = finite("ELU", "alpha", alpha)

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {"alpha": self.alpha}


class GELU(Activation):
    """The Gaussian error linear unit, exact (``"none"``) or approximate (``"tanh"``); see `gelu`.

    Examples
    --------
    >>> import nn
    >>> nn.GELU()([-1.0, 1.0])
    array([-0.15865525,  0.84134475])
    """

    function = staticmethod(functional.gelu)

    def __init__(self, approximate: str = "none") -> None:
        if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate is {shown(approximate)}, but must be 'none' or 'tanh'.")
        self.approximate = approximate

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {"approximate": self.approximate}


class SiLU(Activation):
    """The sigmoid linear unit, or swish; see `silu`.

    Examples
    --------
    >>> import nn
    >>> nn.SiLU()([-1.0, 1.0])
    array([-0.26894142,  0.73105858])
    """

    function = staticmethod(functional.silu)


class Softplus(Activation):
    """The smooth rectifier; see `softplus`.

    Examples
    --------
    >>> import nn
    >>> nn.Softplus(beta=2)([0.0, 30.0])
    array([ 0.34657359, 30.        ])
    """

    function = staticmethod(functional.softplus)

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        self.beta = positive("Softplus", "beta", beta)
        self.threshold = finite("Softplus", "threshold", threshold)

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {"beta": self.beta, "threshold": self.threshold}


class Softmax(Activation):
    """The softmax of each row; see `softmax`."""

    function = staticmethod(functional.softmax)


class LogSoftmax(Activation):
    """The logarithm of the softmax of each row; see `log_softmax`.

    Examples
    --------
    >>> import nn
    >>> nn.LogSoftmax()([0.0, 0.0])
    array([-0.69314718, -0.69314718])
    """

    function = staticmethod(functional.log_softmax)


ACTIVATIONS: dict[str, type[Activation]] = {
    "identity": Identity,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "softmax": Softmax,
    "tanh": Tanh,
    "elu": ELU,
    "gelu": GELU,
    "leaky_relu": LeakyReLU,
    "log_softmax": LogSoftmax,
    "silu": SiLU,
    "softplus": Softplus,
}
