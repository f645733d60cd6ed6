"""Adam and AdamW: steps along the mean gradient, divided by the root of its mean square."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..checks import FROM_ZERO, real, shown
from ..module import Parameter
from .optimizer import Number, Optimizer, check_real

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    r"""Steps along the mean gradient, divided by the root of its mean square.

    Means over all steps so far, in which a step counts :math:`\beta` times as much as the next one. At update
    :math:`t`, with the gradient :math:`g`:

    .. math::

        m \leftarrow \beta_1 m + g, \quad n_1 = 1 + \beta_1 + \dots + \beta_1^{t-1} = (1 - \beta_1^t)/(1 - \beta_1)

        v \leftarrow \beta_2 v + g^2, \quad n_2 = (1 - \beta_2^t)/(1 - \beta_2)

        w \leftarrow w - \alpha \frac{m / n_1}{\sqrt{v / n_2} + \epsilon}
            = w - \alpha \frac{\sqrt{n_2}}{n_1} \cdot \frac{m}{\sqrt v + \epsilon \sqrt{n_2}}

    Source: Kingma and Ba, 2015, algorithm 1. Its :math:`m_t` and :math:`v_t` are :math:`(1 - \beta_1) m` and
    :math:`(1 - \beta_2) v` here, its bias-corrected :math:`\hat m_t` and :math:`\hat v_t` are :math:`m / n_1` and
    :math:`v / n_2`: the sums leave two multiplications of whole arrays to a number, and the last form another (its
    section 2). :math:`t` counts the updates of a parameter, as in PyTorch: a step in which it had no gradient is none.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to update; real ones.
    lr : float
        The learning rate :math:`\alpha`: about how far each weight moves in a step.
    betas : (float, float)
        :math:`\beta_1, \beta_2`, from 0 to below 1; fixed, since the sums were made with them.
    eps : float
        :math:`\epsilon`, above 0: what is divided by where all gradients were 0. May be assigned between steps.
    weight_decay : float
        :math:`\lambda`: :math:`\lambda w` is added to the gradient, as in PyTorch, and so becomes part of the means;
        `AdamW` keeps it apart. May be assigned between steps if it was above 0 at first.

    Examples
    --------
    >>> import nn
    >>> w = nn.Parameter([1.0, -20.0])
    >>> opt = nn.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.data.round(6)
    array([  0.9, -19.9])
    """

    weight_decay = Number("be finite and at least 0", optional=True)
    eps = Number("be positive and finite", above=0)
    slot_names = ("m", "v")
    number_names = ("rate", "eps", "beta1", "beta2", "weight_decay")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        who = type(self).__name__
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise TypeError(f"{who}: betas is {shown(betas)}, but must be two numbers. Write betas=(0.9, 0.999).")
        first, second = (
            real(who, f"betas[{i}]", b, "lie in [0, 1)", above=FROM_ZERO, below=1) for i, b in enumerate(betas)
        )
        self._betas = first, second
        self.eps, self.weight_decay = eps, weight_decay
        super().__init__(parameters, lr)
        check_real(self)

    @property
    def betas(self) -> tuple[float, float]:
        """The two decay rates."""
        return self._betas

    def numbers(self, t: int | None = None) -> tuple[float, ...]:
        r"""Return :math:`\alpha \sqrt{n_2} / n_1`, :math:`\epsilon \sqrt{n_2}`, both betas, and the weight decay."""
        t = self.steps + 1 if t is None else t
        beta1, beta2 = self._betas
        n1, root = (1 - beta1**t) / (1 - beta1), math.sqrt((1 - beta2**t) / (1 - beta2))
        return self.lr * root / n1, self.eps * root, beta1, beta2, self.weight_decay

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the new parameter, and the new sums of its gradients and of their squares."""
        rate, eps, beta1, beta2, weight_decay = numbers
        if "weight_decay" in self.terms:
            g = g + weight_decay * p
        m = beta1 * state[0] + g
        v = beta2 * state[1] + g * g
        return p - rate * (m / (np.sqrt(v) + eps)), (m, v)


class AdamW(Adam):
    r"""Adam with the weights decayed beside the step, not through the gradient.

    :math:`w \leftarrow (1 - \alpha \lambda) w - (\text{the step of Adam})`: a weight whose gradients are large decays
    no more slowly than another. Source: Loshchilov and Hutter, 2019, algorithm 2; as in PyTorch, :math:`\lambda` is
    multiplied by the learning rate, schedule and all.

    Parameters
    ----------
    parameters, lr, betas, eps
        As for `Adam`.
    weight_decay : float
        :math:`\lambda`. May be assigned between steps if it was above 0 at first.

    Examples
    --------
    >>> import nn
    >>> w = nn.Parameter([1.0, -20.0])
    >>> opt = nn.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (w * w).sum().backward()
    >>> opt.step()
    >>> w.data.round(6)  # 0.95 * w -+ 0.1
    array([  0.85, -18.9 ])
    """

    number_names = ("rate", "eps", "beta1", "beta2", "keep")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)

    def numbers(self, t: int | None = None) -> tuple[float, ...]:
        r"""Return those of Adam, with :math:`1 - \alpha \lambda` in place of the weight decay."""
        return *super().numbers(t)[:-1], 1 - self.lr * self.weight_decay

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the new parameter, and the new sums of its gradients and of their squares."""
        rate, eps, beta1, beta2, keep = numbers
        m = beta1 * state[0] + g
        v = beta2 * state[1] + g * g
        if "weight_decay" in self.terms:
            p = keep * p
        return p - rate * (m / (np.sqrt(v) + eps)), (m, v)
