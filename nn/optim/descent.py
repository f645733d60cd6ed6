"""SGD: gradient descent, with momentum and weight decay if asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..module import Parameter
from .optimizer import BLOCK, Number, Optimizer

__all__ = ["SGD"]


class SGD(Optimizer):
    r"""Gradient descent, with momentum if asked.

    :math:`v \leftarrow \mu v + \nabla E`, :math:`w \leftarrow w - \alpha v` (claims Y11, Y16). Without momentum
    :math:`v` is the gradient and nothing is remembered. A complex parameter steps against the conjugate of its
    gradient, which is the direction of steepest ascent.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to update.
    lr : float
        The learning rate :math:`\alpha`.
    momentum : float
        :math:`\mu`, from 0 (none) to below 1. Source: Rumelhart, Hinton and Williams, 1986, eq. 9; in PyTorch's form.
        May be assigned between steps if it was above 0 at first.
    weight_decay : float
        :math:`\lambda`: :math:`\lambda w` is added to the gradient, as :math:`\frac{\lambda}{2} \|w\|^2` added to
        :math:`E` would do. May be assigned between steps if it was above 0 at first.
    nesterov : bool
        Step along :math:`\nabla E + \mu v`, the velocity as it would be one step ahead, in place of :math:`v`. Source:
        Sutskever, Martens, Dahl and Hinton, 2013, eqs. 3 and 4; in PyTorch's form.

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

    momentum = Number("lie in [0, 1)", below=1, optional=True)
    weight_decay = Number("be finite and at least 0", optional=True)
    number_names = ("lr", "momentum", "weight_decay")
    timeless = True

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        self.momentum, self.weight_decay = momentum, weight_decay
        if nesterov:
            if "momentum" not in self.terms:
                raise ValueError(
                    "SGD: nesterov looks ahead along the velocity, so momentum must be above 0, and it is 0. "
                    "Write momentum=0.9, or leave nesterov out."
                )
            self.terms |= {"nesterov"}
        super().__init__(parameters, lr)

    @property
    def slot_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """The velocity, if there is momentum."""
        return ("velocity",) if "momentum" in self.terms else ()

    def numbers(self, t: int | None = None) -> tuple[float, ...]:  # noqa: ARG002 (the same at every step)
        """Return the learning rate, the momentum and the weight decay."""
        return self.lr, self.momentum, self.weight_decay

    def _in_blocks(self, p: Any, g: Any, state: tuple[Any, ...], numbers: tuple[Any, ...]) -> None:
        """Do as every optimizer does; without further terms, without a copy: it takes half the time."""
        own = type(self).update is not SGD.update  # of a subclass, which may step otherwise
        if self.terms or own or p.dtype.kind == "c":
            super()._in_blocks(p, g, state, numbers)
            return
        rows = max(1, BLOCK * len(p) // p.size)
        for first in range(0, len(p), rows):
            part = p[first : first + rows]
            part -= numbers[0] * g[first : first + rows]

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the new parameter and its new velocity, if it has one."""
        lr, momentum, weight_decay = numbers
        if p.dtype.kind == "c":
            g = np.conj(g)
        if "weight_decay" in self.terms:
            g = g + weight_decay * p
        if "momentum" not in self.terms:
            return p - lr * g, ()
        velocity = momentum * state[0] + g
        along = g + momentum * velocity if "nesterov" in self.terms else velocity
        return p - lr * along, (velocity,)
