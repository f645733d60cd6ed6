"""RMSprop and Adagrad: each weight's step is divided by the size that its gradients have had."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..checks import FROM_ZERO, real
from ..module import Parameter
from .optimizer import Number, Optimizer, check_real

__all__ = ["Adagrad", "RMSprop"]


class RMSprop(Optimizer):
    r"""Steps along the gradient, divided by the root of its running mean square.

    With the gradient :math:`g`:

    .. math::

        v \leftarrow \rho v + (1 - \rho) g^2, \quad
        w \leftarrow w - \alpha \frac{g}{\sqrt{v} + \epsilon}

    If `centered`, the root is taken of the variance :math:`v - m^2`, with the running mean
    :math:`m \leftarrow \rho m + (1 - \rho) g`; where rounding makes that negative it is 0. With `momentum` the
    fractions add up: :math:`b \leftarrow \mu b + g / (\sqrt{v} + \epsilon)`, :math:`w \leftarrow w - \alpha b`.

    Source: Tieleman and Hinton, 2012, lecture 6.5; centered and with momentum: Graves, 2013, eqs. 38-41; in PyTorch's
    form, in which :math:`\epsilon` stands outside the root. The means begin at 0 and are not corrected for it, as those
    of `Adam` are, so the first steps are up to :math:`1 / \sqrt{1 - \rho}` times as long as later ones.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to update; real ones.
    lr : float
        The learning rate :math:`\alpha`.
    alpha : float
        :math:`\rho` (PyTorch's name is alpha), from 0 to below 1. May be assigned between steps.
    eps : float
        :math:`\epsilon`, above 0: what is divided by where all gradients were 0. May be assigned between steps.
    weight_decay : float
        :math:`\lambda`: :math:`\lambda w` is added to the gradient. May be assigned between steps if it was above 0 at
        first.
    momentum : float
        :math:`\mu`, from 0 (none) to below 1. May be assigned between steps if it was above 0 at first.
    centered : bool
        Divide by the standard deviation of the gradient.

    Raises
    ------
    DTypeError
        If a parameter is complex.

    Examples
    --------
    >>> import nn
    >>> w = nn.Parameter([1.0, -20.0])
    >>> opt = nn.RMSprop([w], lr=0.01)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.data.round(6)  # 0.01 / sqrt(1 - 0.99) = 0.1
    array([  0.9, -19.9])
    """

    alpha = Number("lie in [0, 1)", below=1)
    eps = Number("be positive and finite", above=0)
    weight_decay = Number("be finite and at least 0", optional=True)
    momentum = Number("lie in [0, 1)", below=1, optional=True)
    slot_names: tuple[str, ...] = ("v",)
    number_names = ("lr", "alpha", "rest", "eps", "weight_decay", "momentum")
    timeless = True

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        self.alpha, self.eps, self.weight_decay, self.momentum = alpha, eps, weight_decay, momentum
        if centered:
            self.terms |= {"centered"}
        extra = [name for term, name in (("centered", "m"), ("momentum", "b")) if term in self.terms]
        if extra:
            self.slot_names = ("v", *extra)
        super().__init__(parameters, lr)
        check_real(self)

    def numbers(self, t: int | None = None) -> tuple[float, ...]:  # noqa: ARG002 (the same at every step)
        r"""Return the learning rate, :math:`\rho` and :math:`1 - \rho`, :math:`\epsilon`, decay and momentum."""
        return self.lr, self.alpha, 1 - self.alpha, self.eps, self.weight_decay, self.momentum

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the new parameter, the new mean of squares, the new mean and the new sum of steps, if it has them."""
        lr, alpha, rest, eps, weight_decay, momentum = numbers
        if "weight_decay" in self.terms:
            g = g + weight_decay * p
        v = alpha * state[0] + rest * (g * g)
        new: tuple[Any, ...] = (v,)
        spread = v
        if "centered" in self.terms:
            m = alpha * state[1] + rest * g
            spread, new = np.maximum(v - m * m, 0), (v, m)
        along = g / (np.sqrt(spread) + eps)
        if "momentum" in self.terms:
            along = momentum * state[-1] + along
            new = (*new, along)
        return p - lr * along, new


class Adagrad(Optimizer):
    r"""Steps along the gradient, divided by the root of the sum of its squares so far.

    At update :math:`t`, with the gradient :math:`g`:

    .. math::

        s \leftarrow s + g^2, \quad
        w \leftarrow w - \frac{\alpha}{1 + (t - 1) \eta} \cdot \frac{g}{\sqrt{s} + \epsilon}

    Source: Duchi, Hazan and Singer, 2011, section 1.1 and figure 1, with diagonal matrices; in PyTorch's form, which
    adds the decay :math:`\eta` of the learning rate. :math:`t` counts the updates of a parameter: a step in which it
    had no gradient is none.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to update; real ones.
    lr : float
        The learning rate :math:`\alpha`.
    lr_decay : float
        :math:`\eta`, at least 0. May be assigned between steps if it was above 0 at first.
    weight_decay : float
        :math:`\lambda`: :math:`\lambda w` is added to the gradient. May be assigned between steps if it was above 0 at
        first.
    initial_accumulator_value : float
        What :math:`s` is before the first step, at least 0.
    eps : float
        :math:`\epsilon`, above 0: what is divided by where all gradients were 0. May be assigned between steps.

    Raises
    ------
    DTypeError
        If a parameter is complex.

    Examples
    --------
    >>> import nn
    >>> w = nn.Parameter([1.0, -20.0])
    >>> opt = nn.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.data.round(6)
    array([  0.9, -19.9])
    """

    lr_decay = Number("be finite and at least 0", optional=True)
    weight_decay = Number("be finite and at least 0", optional=True)
    eps = Number("be positive and finite", above=0)
    slot_names = ("s",)
    number_names = ("rate", "eps", "weight_decay")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        self.lr_decay, self.weight_decay, self.eps = lr_decay, weight_decay, eps
        self._first = real(
            "Adagrad",
            "initial_accumulator_value",
            initial_accumulator_value,
            "be finite and at least 0",
            above=FROM_ZERO,
        )
        super().__init__(parameters, lr)
        check_real(self)

    @property
    def timeless(self) -> bool:  # type: ignore[override]
        """Whether `numbers` are the same at each step: without `lr_decay`."""
        return "lr_decay" not in self.terms

    def initial_state(self, parameter: Parameter) -> tuple[Any, ...]:
        """Return the sum of squares before the first step."""
        return (np.full_like(parameter.data, self._first),)

    def numbers(self, t: int | None = None) -> tuple[float, ...]:
        r"""Return :math:`\alpha / (1 + (t - 1) \eta)`, :math:`\epsilon` and the weight decay."""
        t = self.steps + 1 if t is None else t
        return self.lr / (1 + (t - 1) * self.lr_decay), self.eps, self.weight_decay

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the new parameter, and the new sum of the squares of its gradients."""
        rate, eps, weight_decay = numbers
        if "weight_decay" in self.terms:
            g = g + weight_decay * p
        s = state[0] + g * g
        return p - rate * (g / (np.sqrt(s) + eps)), (s,)
