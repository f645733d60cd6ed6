"""Schedules: the learning rate as a function of how many epochs, or batches, are done."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np

from ..checks import FROM_ZERO, callable_of, real, shown, whole
from .optimizer import Optimizer

__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LambdaLR",
    "LinearWarmup",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "Schedule",
    "StepLR",
]


class Schedule:
    r"""Base class of schedules: write `rate`, the learning rate :math:`\alpha_t` of a group after `t` steps.

    A schedule assigns the learning rate of each parameter group when it is made, for :math:`t = 0`, and after each
    `step`. Each group keeps its own :math:`\alpha`: the learning rate that it had when the schedule was made. What is
    assigned to a group between steps holds until the next one.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned.
    every : {"epoch", "batch"}
        After what `fit` calls `step`. In a loop that one writes, the place of the call decides.

    Attributes
    ----------
    base : list of float
        The :math:`\alpha` of each group.
    t : int
        How many steps were taken.
    every : str
        As given.

    Examples
    --------
    >>> import nn
    >>> class Harmonic(nn.Schedule):
    ...     def rate(self, t, group=0):
    ...         return self.base[group] / (1 + t)
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.6)
    >>> schedule = Harmonic(opt)
    >>> schedule.step()
    >>> opt.lr
    0.3
    >>> schedule.preview(3)
    array([0.6, 0.3, 0.2])
    """

    base: list[float]
    _progress: tuple[str, ...] = ("t", "base")  # the attributes that steps change, or that the optimizer gave

    def __init__(self, optimizer: Optimizer, every: str = "epoch") -> None:
        groups = _groups(type(self).__name__, optimizer)
        if every not in ("epoch", "batch"):
            raise ValueError(f"{type(self).__name__}: every is {shown(every)}, but must be 'epoch' or 'batch'.")
        self.optimizer, self.every, self.t = optimizer, every, 0
        self.base = [group.lr for group in groups]
        self._assign()

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        raise NotImplementedError(
            f"{type(self).__name__} has no rate(): write what the learning rate is, as in "
            "`def rate(self, t, group=0): return self.base[group] * 0.9**t`."
        )

    def step(self, loss: float | None = None) -> None:
        """Count a step, and assign the learning rates that hold after it.

        Parameters
        ----------
        loss : float, optional
            Read by `ReduceLROnPlateau` alone.
        """
        self._advance(loss)
        self._assign()

    def _advance(self, loss: Any) -> None:  # noqa: ARG002 (read by one subclass)
        self.t += 1

    def _assign(self) -> None:
        rates = [self.rate(self.t, i) for i in range(len(self.base))]  # all are computed before one is assigned
        for group, rate in zip(self.optimizer.groups, rates, strict=True):
            group.lr = rate

    def preview(self, n: int) -> np.ndarray[Any, Any]:
        """Return the learning rates of the first `n` steps, without assigning any.

        Parameters
        ----------
        n : int
            How many; the first is that with which training begins.

        Returns
        -------
        array, shape (n,), or (n, groups) of several groups
        """
        n = whole(f"{type(self).__name__}.preview", "n", n, 0)
        rates = np.array([[self.rate(t, i) for i in range(len(self.base))] for t in range(n)], float)
        return rates.reshape(n, len(self.base)) if len(self.base) > 1 else rates.reshape(n)

    def state_dict(self) -> dict[str, Any]:
        """Return how far it is: numbers, text and lists. Its constants are not in it: make it with the same ones."""
        values = {name: getattr(self, name) for name in self._progress}
        copies = {name: list(value) if isinstance(value, list) else value for name, value in values.items()}
        return {"kind": type(self).__name__, "lr": [group.lr for group in self.optimizer.groups], **copies}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned, with the learning rates of then; if it does not fit, change nothing.

        Raises
        ------
        ValueError
            If it is of another kind of schedule, or for another number of groups.
        """
        self._check_state(state)
        for name in self._progress:
            value = state[name]
            setattr(self, name, list(value) if isinstance(value, (list, tuple)) else value)
        for group, lr in zip(self.optimizer.groups, state["lr"], strict=True):
            group.lr = lr

    def _check_state(self, state: Any) -> None:
        who, mine = type(self).__name__, self.state_dict()
        if not isinstance(state, Mapping) or state.keys() != mine.keys() or state["kind"] != who:
            given = f"of {state['kind']}" if isinstance(state, Mapping) and "kind" in state else shown(state)
            raise ValueError(
                f"{who}.load_state_dict: state is {given}, but must be what {who}.state_dict() returns. Make the "
                "schedule as it was."
            )
        counts = {len(state["lr"]), len(state["base"])}
        if counts != {len(mine["lr"])}:
            raise ValueError(
                f"{who}.load_state_dict: the state is for {max(counts)} parameter groups, and the optimizer has "
                f"{len(mine['lr'])}. Make the optimizer as it was."
            )
        for lr in state["lr"]:
            real(f"{who}.load_state_dict", "a learning rate", lr, "be finite and at least 0", above=FROM_ZERO)


def _groups(where: str, optimizer: Any) -> tuple[Optimizer, ...]:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{where}: optimizer is {shown(optimizer)}, but must be one of nn's. Write "
            f"{where}(nn.SGD(model.parameters(), lr=0.1), ...)."
        )
    return optimizer.groups


def _each(where: str, name: str, value: Any, optimizer: Any) -> list[Any]:
    """Return one value for each group, given one for all or a list."""
    groups = _groups(where, optimizer)
    if not isinstance(value, (list, tuple)):
        return [value] * len(groups)
    if len(value) != len(groups):
        raise ValueError(
            f"{where}: {name} is a list of {len(value)}, but must be one, or as many as the optimizer has parameter "
            f"groups, {len(groups)}."
        )
    return list(value)


def _rates(where: str, name: str, value: Any, optimizer: Any) -> list[float]:
    need = "be finite and at least 0"
    return [real(where, name, v, need, above=FROM_ZERO) for v in _each(where, name, value, optimizer)]


def _one_of(where: str, name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        listed = " or ".join(map(repr, allowed))
        raise ValueError(f"{where}: {name} is {shown(value)}, but must be {listed}.")


class StepLR(Schedule):
    r"""The learning rate is multiplied by `gamma` after each `step_size` steps.

    :math:`\alpha_t = \alpha \, \gamma^{\lfloor t / s \rfloor}`. Source: Krizhevsky, Sutskever and Hinton, 2012, section
    5, where it is done by hand; in PyTorch's form.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned.
    step_size : int
        The :math:`s`, at least 1.
    gamma : float
        The :math:`\gamma`, above 0.
    every : {"epoch", "batch"}
        What a step is.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> nn.StepLR(opt, step_size=2, gamma=0.5).preview(5)
    array([0.5  , 0.5  , 0.25 , 0.25 , 0.125])
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, every: str = "epoch") -> None:
        self.step_size = whole("StepLR", "step_size", step_size, 1)
        self.gamma = _gamma("StepLR", gamma)
        super().__init__(optimizer, every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        return self.base[group] * self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    r"""The learning rate is multiplied by `gamma` at each milestone.

    :math:`\alpha_t = \alpha \, \gamma^k`, where :math:`k` milestones are at most :math:`t`. Source: Goyal et al., 2017,
    section 5.1 (a tenth at epochs 30, 60 and 80); in PyTorch's form.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned.
    milestones : iterable of int
        After how many steps; one that is given twice counts twice.
    gamma : float
        The :math:`\gamma`, above 0.
    every : {"epoch", "batch"}
        What a step is.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> nn.MultiStepLR(opt, milestones=[1, 3], gamma=0.5).preview(5)
    array([0.5  , 0.25 , 0.25 , 0.125, 0.125])
    """

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, every: str = "epoch"
    ) -> None:
        if not isinstance(milestones, Iterable) or isinstance(milestones, str):
            raise TypeError(
                f"MultiStepLR: milestones is {shown(milestones)}, but must be a list of whole numbers, as in [30, 60]."
            )
        self.milestones = sorted(whole("MultiStepLR", "a milestone", m, 0) for m in milestones)
        self.gamma = _gamma("MultiStepLR", gamma)
        super().__init__(optimizer, every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        return self.base[group] * self.gamma ** sum(m <= t for m in self.milestones)


class ExponentialLR(Schedule):
    r"""The learning rate is multiplied by `gamma` at each step.

    :math:`\alpha_t = \alpha \, \gamma^t`. Source: Li and Arora, 2020, section 1; in PyTorch's form.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned.
    gamma : float
        The :math:`\gamma`, above 0.
    every : {"epoch", "batch"}
        What a step is.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> nn.ExponentialLR(opt, gamma=0.5).preview(4)
    array([0.5   , 0.25  , 0.125 , 0.0625])
    """

    def __init__(self, optimizer: Optimizer, gamma: float, every: str = "epoch") -> None:
        self.gamma = _gamma("ExponentialLR", gamma)
        super().__init__(optimizer, every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        return self.base[group] * self.gamma**t


def _gamma(where: str, gamma: Any) -> float:
    return real(where, "gamma", gamma, "be positive and finite", above=0)


class CosineAnnealingLR(Schedule):
    r"""The learning rate falls along half a wave of a cosine, to `eta_min` after `T_max` steps.

    :math:`\alpha_t = \eta + \frac{1}{2} (\alpha - \eta) (1 + \cos(\pi t / T))`. Source: Loshchilov and Hutter, 2017,
    eq. 5. After :math:`T` steps it rises along the other half, as PyTorch's does.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned.
    T_max : int
        The :math:`T`, at least 1: as a rule the number of epochs, or of batches, of the training.
    eta_min : float
        The :math:`\eta`, at least 0.
    every : {"epoch", "batch"}
        What a step is.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> nn.CosineAnnealingLR(opt, T_max=3).preview(4)
    array([0.5  , 0.375, 0.125, 0.   ])
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, every: str = "epoch") -> None:
        self.T_max = whole("CosineAnnealingLR", "T_max", T_max, 1)
        self.eta_min = real("CosineAnnealingLR", "eta_min", eta_min, "be finite and at least 0", above=FROM_ZERO)
        super().__init__(optimizer, every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        return _cosine(self.base[group], self.eta_min, t / self.T_max)


def _cosine(first: float, last: float, part: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * part)) / 2


def _linear(first: float, last: float, part: float) -> float:
    return first + (last - first) * part


class LambdaLR(Schedule):
    r"""The learning rate is multiplied by a function of the number of steps.

    :math:`\alpha_t = \alpha f(t)`, as in PyTorch.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned.
    lr_lambda : callable, or list of callable
        ``f(t)``, a number of at least 0; of a list, one for each parameter group.
    every : {"epoch", "batch"}
        What a step is.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> nn.LambdaLR(opt, lambda t: 1 / (1 + t)).preview(2)
    array([0.5 , 0.25])
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Any, every: str = "epoch") -> None:
        self.lr_lambda: list[Callable[[int], float]] = _each("LambdaLR", "lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambda:
            callable_of("LambdaLR", "lr_lambda", function, "lambda t: 0.95**t")
        super().__init__(optimizer, every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        need = "return a finite number of at least 0"
        return self.base[group] * real("LambdaLR", f"lr_lambda({t})", self.lr_lambda[group](t), need, above=FROM_ZERO)


class LinearWarmup(Schedule):
    r"""The learning rate rises in equal steps to its full size; then another schedule begins.

    :math:`\alpha_t = \alpha \, (f + (1 - f) \, t / n)` for :math:`t < n`, and :math:`\alpha` from there; with `then`,
    what that schedule gives after :math:`t - n` steps, and :math:`\alpha` is what it begins with. Source: Goyal et al.,
    2017, section 2.2. PyTorch's ``SequentialLR`` of ``LinearLR`` and another schedule does the same.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned.
    steps : int
        The :math:`n`, at least 1.
    then : Schedule, optional
        Of the same optimizer, made for this place: do not call its `step`.
    start_factor : float
        The :math:`f`, above 0 and at most 1.
    every : {"epoch", "batch"}, optional
        What a step is: by default that of `then`, or else an epoch.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.4)
    >>> schedule = nn.LinearWarmup(opt, 2, then=nn.CosineAnnealingLR(opt, T_max=3), start_factor=0.5)
    >>> schedule.preview(6)
    array([0.2, 0.3, 0.4, 0.3, 0.1, 0. ])
    """

    def __init__(
        self,
        optimizer: Optimizer,
        steps: int,
        then: Schedule | None = None,
        start_factor: float = 1 / 3,
        every: str | None = None,
    ) -> None:
        self.steps, self.then = whole("LinearWarmup", "steps", steps, 1), then
        need = "be above 0 and at most 1"
        self.start_factor = real(
            "LinearWarmup", "start_factor", start_factor, need, above=0, below=math.nextafter(1, 2)
        )
        if then is not None:
            if not isinstance(then, Schedule):
                raise TypeError(
                    f"LinearWarmup: then is {shown(then)}, but must be a schedule, as in "
                    "then=nn.CosineAnnealingLR(optimizer, T_max=100)."
                )
            if then.optimizer is not optimizer or then.t:
                what = "has taken steps already" if then.t else "is of another optimizer"
                raise ValueError(
                    f"LinearWarmup: then {what}, but must be new, and of the same optimizer. Make it in this call."
                )
            if every not in (None, then.every):
                raise ValueError(
                    f"LinearWarmup: every is {shown(every)}, and that of then is {then.every!r}, but both must be "
                    "the same. Give it to then."
                )
            every = then.every
        super().__init__(optimizer, "epoch" if every is None else every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        if t >= self.steps:
            return self.base[group] if self.then is None else self.then.rate(t - self.steps, group)
        full = self.base[group] if self.then is None else self.then.rate(0, group)
        return full * (self.start_factor + (1 - self.start_factor) * t / self.steps)

    def _advance(self, loss: Any) -> None:
        if self.then is not None and self.t >= self.steps:
            self.then._advance(loss)
        self.t += 1

    def _assign(self) -> None:
        if self.then is not None and self.t >= self.steps:
            self.then._assign()  # the momentum too, if it has one
        else:
            super()._assign()

    def state_dict(self) -> dict[str, Any]:
        """Return how far it is, and what follows."""
        state = super().state_dict()
        return state if self.then is None else {**state, "then": self.then.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; if it does not fit, nothing is changed."""
        self._check_state(state)
        if self.then is not None:
            self.then.load_state_dict(state["then"])
        super().load_state_dict(state)


class OneCycleLR(Schedule):
    r"""The learning rate rises to `max_lr`, and falls to almost nothing; the momentum does the opposite.

    From :math:`\alpha_0 = \alpha_{max} / d` to :math:`\alpha_{max}` at step :math:`p N - 1`, and from there to
    :math:`\alpha_0 / f` at step :math:`N - 1`; with `three_phase` back to :math:`\alpha_0` at step :math:`2 p N - 2`
    first. Between two values :math:`a` and :math:`b`, after a part :math:`s` of the way:
    :math:`b + \frac{1}{2} (a - b) (1 + \cos \pi s)`, or :math:`a + (b - a) s`.

    Source: Smith and Topin, 2019, section 4 (`three_phase`, linear); by default as PyTorch does it, after fastai. Step
    :math:`N`, which is taken after the last batch, leaves what step :math:`N - 1` assigned; one more is an error.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are assigned; those that it has are not used.
    max_lr : float, or list of float
        The :math:`\alpha_{max}`; of a list, one for each parameter group.
    total_steps : int
        The :math:`N`: as a rule epochs times batches in an epoch.
    pct_start : float
        The :math:`p`, from 0 to 1; with `three_phase` to 1/2.
    anneal_strategy : {"cos", "linear"}
        How it moves from one value to the next.
    cycle_momentum : bool, optional
        Whether the momentum falls from `max_momentum` to `base_momentum`, and rises again. By default wherever that can
        be: if each group was made with a momentum above 0. Adam's betas are fixed.
    base_momentum, max_momentum : float
        In [0, 1).
    div_factor, final_div_factor : float
        The :math:`d` and :math:`f`, above 0.
    three_phase : bool
        Return to :math:`\alpha_0` before the rest.
    every : {"batch", "epoch"}
        What a step is.

    Raises
    ------
    ValueError
        From `step`, if it is called more than `total_steps` times.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=1.0, momentum=0.9)
    >>> schedule = nn.OneCycleLR(opt, max_lr=0.8, total_steps=9, pct_start=1/3, anneal_strategy="linear", div_factor=4)
    >>> schedule.preview(9).round(2)
    array([0.2 , 0.5 , 0.8 , 0.67, 0.53, 0.4 , 0.27, 0.13, 0.  ])
    >>> opt.momentum
    0.95
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool | None = None,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        every: str = "batch",
    ) -> None:
        who = "OneCycleLR"
        self.max_lr = _rates(who, "max_lr", max_lr, optimizer)
        self.total_steps = n = whole(who, "total_steps", total_steps, 1)
        need, most = ("lie between 0 and 1/2 with three_phase", 0.5) if three_phase else ("lie between 0 and 1", 1)
        p = real(who, "pct_start", pct_start, need, above=FROM_ZERO, below=math.nextafter(most, 2))
        _one_of(who, "anneal_strategy", anneal_strategy, ("cos", "linear"))
        self._between = _cosine if anneal_strategy == "cos" else _linear
        self.div_factor = real(who, "div_factor", div_factor, "be positive and finite", above=0)
        self.final_div_factor = real(who, "final_div_factor", final_div_factor, "be positive and finite", above=0)
        self._phases = [(p * n - 1, "start", "peak"), (n - 1, "peak", "end")]  # the step at which it ends, from, to
        if three_phase:
            self._phases[1:] = [(2 * p * n - 2, "peak", "start"), (n - 1, "start", "end")]
        fixed = [group for group in optimizer.groups if "momentum" not in group.terms]
        if cycle_momentum and fixed:
            kind = type(fixed[0]).__name__
            why = f"{kind}'s betas are fixed" if hasattr(fixed[0], "betas") else f"this {kind} was made without one"
            raise ValueError(
                f"OneCycleLR: cycle_momentum is True, but must be False here, as {why}. Leave it out, or use "
                "nn.SGD(model.parameters(), lr=0.1, momentum=0.9)."
            )
        self.cycle_momentum = not fixed if cycle_momentum is None else bool(cycle_momentum)
        self.base_momentum, self.max_momentum = (
            real(who, name, value, "lie in [0, 1)", above=FROM_ZERO, below=1)
            for name, value in (("base_momentum", base_momentum), ("max_momentum", max_momentum))
        )
        super().__init__(optimizer, every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, after `t` steps."""
        peak = self.max_lr[group]
        start = peak / self.div_factor
        return self._at(t, {"start": start, "peak": peak, "end": start / self.final_div_factor})

    def momentum(self, t: int) -> float:
        """Return the momentum after `t` steps, if it is cycled."""
        return self._at(t, {"start": self.max_momentum, "peak": self.base_momentum, "end": self.max_momentum})

    def _at(self, t: int, values: dict[str, float]) -> float:
        if t > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {t} was asked for, but total_steps is {self.total_steps}, after which the cycle is "
                "over. Make it with as many steps as there are batches in all epochs."
            )
        begin = 0.0
        for end, first, last in self._phases:  # noqa: B007 (the last one is read below)
            if t <= end:
                break
            begin = end
        part = (t - begin) / (end - begin) if end > begin else 1.0
        return self._between(values[first], values[last], part)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned, with the momentum of that step; if it does not fit, change nothing."""
        super().load_state_dict(state)
        self._assign_momentum()

    def _assign(self) -> None:
        super()._assign()
        self._assign_momentum()

    def _assign_momentum(self) -> None:
        if self.cycle_momentum:
            for group in self.optimizer.groups:
                group.momentum = self.momentum(self.t)  # type: ignore[attr-defined]


class ReduceLROnPlateau(Schedule):
    r"""The learning rate is multiplied by `factor` when the loss has not become better for more than `patience` steps.

    At each step the loss is better if it is below :math:`(1 - \theta)` times the best so far (if `mode` is ``"max"``:
    above :math:`(1 + \theta)` times), or by :math:`\theta` below it if `threshold_mode` is ``"abs"``. A loss of NaN is
    not better.
    Source: He, Zhang, Ren and Sun, 2016, section 3.4 (a tenth when the error plateaus); in PyTorch's form.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups' learning rates are multiplied, as they are: what was assigned to one by hand stays.
    mode : {"min", "max"}
        Whether less is better, as of a loss, or more.
    factor : float
        Above 0 and below 1.
    patience : int
        How many steps without a better loss are borne.
    threshold : float
        The :math:`\theta`, at least 0.
    threshold_mode : {"rel", "abs"}
        What it is measured by. With ``"rel"`` a best loss below 0 is beaten by itself: take ``"abs"`` there.
    cooldown : int
        For how many steps after a reduction steps without a better loss are not counted.
    min_lr : float, or list of float
        No group goes below it; of a list, one for each parameter group.
    eps : float
        A change of a learning rate of at most this is not made.
    every : {"epoch", "batch"}
        What a step is.

    Examples
    --------
    >>> import nn
    >>> opt = nn.SGD([nn.Parameter([1.0])], lr=0.5)
    >>> schedule = nn.ReduceLROnPlateau(opt, factor=0.5, patience=1)
    >>> rates = []
    >>> for loss in (1.0, 0.9, 0.9, 0.9, 0.8):
    ...     schedule.step(loss)
    ...     rates.append(opt.lr)
    >>> rates
    [0.5, 0.5, 0.5, 0.25, 0.25]
    """

    _progress = ("t", "base", "best", "bad", "waiting")

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
        every: str = "epoch",
    ) -> None:
        who = "ReduceLROnPlateau"
        _one_of(who, "mode", mode, ("min", "max"))
        _one_of(who, "threshold_mode", threshold_mode, ("rel", "abs"))
        self.mode, self.threshold_mode = mode, threshold_mode
        self.factor = real(who, "factor", factor, "be above 0 and below 1", above=0, below=1)
        self.patience = whole(who, "patience", patience, 0)
        self.cooldown = whole(who, "cooldown", cooldown, 0)
        self.threshold = real(who, "threshold", threshold, "be finite and at least 0", above=FROM_ZERO)
        self.eps = real(who, "eps", eps, "be finite and at least 0", above=FROM_ZERO)
        self.min_lr = _rates(who, "min_lr", min_lr, optimizer)
        self.best: float | None = None
        self.bad, self.waiting = 0, 0  # steps without a better loss; steps that are left of the cooldown
        super().__init__(optimizer, every)

    def rate(self, t: int, group: int = 0) -> float:
        """Return the learning rate of a group, given by its index, now or at the start."""
        if not t:
            return self.base[group]
        if t != self.t:
            raise ValueError(
                "ReduceLROnPlateau: its learning rates depend on the losses, and are not known ahead. Read "
                "optimizer.lr after each step."
            )
        return self.optimizer.groups[group].lr

    def _advance(self, loss: Any) -> None:
        number = loss.item() if hasattr(loss, "item") and np.size(loss) == 1 else loss
        if not isinstance(number, Real):
            raise TypeError(
                f"ReduceLROnPlateau: loss is {shown(loss)}, but must be the number that is to fall. Write "
                "schedule.step(validation_loss)."
            )
        loss = float(number)
        self.t += 1
        if self._is_better(loss):
            self.best, self.bad = loss, 0
        else:
            self.bad += 1
        if self.waiting:
            self.waiting, self.bad = self.waiting - 1, 0
        if self.bad > self.patience:
            self.waiting, self.bad = self.cooldown, 0
            for group, least in zip(self.optimizer.groups, self.min_lr, strict=True):
                new = max(group.lr * self.factor, least)
                if group.lr - new > self.eps:
                    group.lr = new

    def _is_better(self, loss: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.best is None:
            return loss < math.inf if sign > 0 else loss > -math.inf
        relative = self.threshold_mode == "rel"
        limit = self.best * (1 - sign * self.threshold) if relative else self.best - sign * self.threshold
        return loss < limit if sign > 0 else loss > limit

    def _assign(self) -> None:
        if not self.t:  # after a warm-up; later they were assigned when they were reduced
            super()._assign()
