"""Optimizers: how a gradient becomes a step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import real, shown
from .module import Parameter

__all__ = ["SGD"]


class SGD:
    r"""Gradient descent, with momentum if asked.

    :math:`v \leftarrow \mu v + \nabla E`, :math:`w \leftarrow w - \alpha v` (claims Y11, Y16).

    Parameters
    ----------
    parameters : iterable of Parameter
        What to update.
    lr : float
        The learning rate :math:`\alpha`.
    momentum : float
        :math:`\mu`, from 0 (none) to below 1. Source: Rumelhart, Hinton and Williams, 1986, eq. 9; in PyTorch's form.

    Examples
    --------
    >>> import nn
    >>> w = nn.Parameter([1.0])
    >>> opt = nn.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.data
    array([0.8])
    """

    def __init__(self, parameters: Iterable[Parameter], lr: float, momentum: float = 0.0) -> None:
        fix = "Pass model.parameters(), or a list of nn.Parameter, as in SGD([w], lr=0.1)."
        if isinstance(parameters, ag.Tensor) or not isinstance(parameters, Iterable):
            raise TypeError(f"SGD: parameters is {shown(parameters)}, but must be a list of Parameters. {fix}")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError(f"SGD got no parameters. {fix} A module finds what its attributes hold as nn.Parameter.")
        for parameter in self.parameters:
            if not isinstance(parameter, Parameter):
                raise TypeError(f"SGD updates Parameters, and one of these is a {type(parameter).__name__}. {fix}")
        self.parameters = list(dict.fromkeys(self.parameters))  # one that is shared takes one step
        need = "be positive and finite, as a learning rate is (claim Y11: between 0 and 1)"
        self.lr = real("SGD", "lr", lr, need, above=0)
        self.momentum = real("SGD", "momentum", momentum, "lie in [0, 1)", above=np.nextafter(0, -1), below=1)
        self._velocity: list[Any] = [None] * len(self.parameters)

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for i, parameter in enumerate(self.parameters):
            g = parameter.grad
            if g is None:
                continue
            if isinstance(g, ag.Tensor):  # from backward(create_graph=True): a velocity would keep its graph
                g = g.numpy()
            if np.shape(g) != parameter.shape:
                raise ag.errors.ShapeError(
                    f"SGD: the gradient of {parameter.name or 'a parameter'} has shape {np.shape(g)}; it must have its "
                    f"parameter's own, {parameter.shape}. Leave .grad to backward()."
                )
            if self.momentum:
                v = self._velocity[i]
                g = self._velocity[i] = g.copy() if v is None else self.momentum * v + g
            parameter.data = parameter.data - np.asarray(self.lr, parameter.dtype) * g

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters:
            parameter.zero_grad()
