"""L-BFGS: steps that know the curvature along the last ones, and a line search that chooses their length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag

from ..checks import FROM_ZERO, callable_of, real, shown, whole
from ..module import Parameter
from .optimizer import Optimizer

__all__ = ["LBFGS", "Trial", "cubic_minimum", "direction", "strong_wolfe"]

DECREASE, FLATTER = 1e-4, 0.9  # c1 and c2 of Nocedal and Wright, p. 62: how much lower, and how much flatter, is enough
NARROW = 1e-9  # a search ends between two points that are no further apart
CURVED = 1e-10  # a pair with less curvature s.y is not remembered, since H would not stay positive definite


class LBFGS(Optimizer):
    r"""Newton's method with an inverse Hessian made of the last changes of the gradient, for training on all samples.

    An iteration steps along :math:`d = -H \nabla E`, :math:`w \leftarrow w + t d`. Of each of the last iterations
    :math:`s = t d` and :math:`y`, the change of the gradient, are remembered; with :math:`\rho = 1 / (s \cdot y)` they
    define

    .. math::

        H \leftarrow (I - \rho s y^\top) H (I - \rho y s^\top) + \rho s s^\top, \quad
        H_0 = \frac{s \cdot y}{y \cdot y} I \text{ (of the last pair)},

    and :math:`H \nabla E` is computed without forming :math:`H`. The first iteration steps along the gradient, with
    :math:`t = \alpha \min(1, 1 / \|\nabla E\|_1)`; later ones with, or searching from, :math:`t = \alpha`.

    Source: Nocedal and Wright, 2006, algorithms 7.4 and 7.5; the search: algorithms 3.5 and 3.6 with the cubic of eq.
    3.59, and safeguards after Moré and Thuente, 1994. Constants and order are PyTorch's, so both take the same steps.
    Where PyTorch's numbers turn into NaN this one stops: a step ends where loss or gradient is not finite, and a search
    takes a loss of NaN for an infinite one, and turns back.

    The closure must compute the same function each time it is called: all samples, no dropout.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to update: of one real dtype, and one group. Those without a gradient have a gradient of 0;
        those that are frozen stay where they are.
    lr : float
        The :math:`\alpha`. May be assigned between steps.
    max_iter : int
        Most iterations in a step.
    max_eval : int, optional
        Most calls of the closure in a step; by default ``max_iter * 5 // 4``.
    tolerance_grad : float
        A step ends where no number of the gradient is larger.
    tolerance_change : float
        A step ends where the loss, or each weight, has changed by less, or where the slope along :math:`d` is smaller.
    history_size : int
        How many pairs are remembered; each takes as much memory as two gradients.
    line_search_fn : {None, "strong_wolfe"}
        Whether the length is searched for; if not, :math:`t = \alpha`.

    Attributes
    ----------
    iterations, evaluations : int
        How many there were in all steps; evaluations are calls of the closure.
    pairs : list of (array, array, float)
        The :math:`y`, :math:`s` and :math:`\rho`, oldest first, of all parameters as one vector.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([-1.2, 1.0])
    >>> opt = nn.LBFGS([w], max_iter=100, line_search_fn="strong_wolfe")
    >>> def closure():
    ...     opt.zero_grad()
    ...     loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
    ...     loss.backward()
    ...     return loss
    >>> round(opt.step(closure).item(), 1)  # the loss before the step
    24.2
    >>> w.data.round(3)
    array([1., 1.])
    """

    needs_closure = True

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        need = "be finite and at least 0"
        self.max_iter = whole("LBFGS", "max_iter", max_iter, 1)
        self.max_eval = self.max_iter * 5 // 4 if max_eval is None else whole("LBFGS", "max_eval", max_eval, 1)
        self.tolerance_grad = real("LBFGS", "tolerance_grad", tolerance_grad, need, above=FROM_ZERO)
        self.tolerance_change = real("LBFGS", "tolerance_change", tolerance_change, need, above=FROM_ZERO)
        self.history_size = whole("LBFGS", "history_size", history_size, 1)
        if line_search_fn not in (None, "strong_wolfe"):
            raise ValueError(f"LBFGS: line_search_fn is {shown(line_search_fn)}, but must be None or 'strong_wolfe'.")
        self.line_search_fn = line_search_fn
        super().__init__(parameters, lr)
        dtypes = list(dict.fromkeys(p.dtype for p in self.parameters))
        if len(dtypes) > 1 or dtypes[0].kind != "f":
            raise ag.errors.DTypeError(
                f"LBFGS: the parameters are {' and '.join(map(str, dtypes))}, but must be of one real dtype, since "
                "they are taken as one vector. Make the model with dtype=np.float64."
            )
        self.iterations = self.evaluations = 0
        self.pairs: list[tuple[Any, Any, float]] = []
        self._scale = 1.0  # H_0 is this times I
        self._recent: tuple[Any, Any, float] | None = None  # gradient, d and t of the last iteration

    def update(self, p: Any, g: Any, state: tuple[Any, ...], *numbers: Any) -> tuple[Any, tuple[Any, ...]]:  # noqa: ARG002
        """Raise: there is no update of one parameter from its gradient alone.

        Raises
        ------
        TypeError
            Always.
        """
        raise TypeError(
            "LBFGS: a step needs several sweeps, so it has no update from one gradient, and is not part of a compiled "
            "step. Call opt.step(closure), or take nn.fit, which does."
        )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take up to `max_iter` iterations.

        Parameters
        ----------
        closure : callable
            Forgets the gradients, computes the loss, sweeps (``loss.backward()``) and returns the loss.

        Returns
        -------
        Tensor or float
            What the closure returned at first: the loss before the step.

        Raises
        ------
        TypeError
            Without a closure, or if it returns no number.
        NothingRecordedError
            If no parameter has a gradient after it.
        """
        if closure is None:
            raise TypeError(
                "LBFGS: step() needs a closure, which it calls several times. Write opt.step(closure), with "
                "def closure(): opt.zero_grad(); loss = ...; loss.backward(); return loss."
            )
        callable_of("LBFGS.step", "closure", closure, "closure")
        before = self.evaluations
        returned, loss, g = self._evaluate(closure)
        for k in range(1, self.max_iter + 1):
            if not (math.isfinite(loss) and np.isfinite(g).all()) or np.abs(g).max() <= self.tolerance_grad:
                break
            d, t, old = *self._next(g), loss
            d = self._without_frozen(d)
            slope = float(g @ d)
            self.iterations += 1
            if slope > -self.tolerance_change or not t:
                self._recent = g, d, t
                break
            start = self._flat([p.data for p in self.parameters])
            if self.line_search_fn is None:
                self._move(start, d, t)
                self._recent = g, d, t
                if k < self.max_iter:  # else the next step begins with it, perhaps on other samples
                    _, loss, g = self._evaluate(closure)
            else:
                found = self._search(closure, start, d, Trial(0.0, loss, g, slope), t, before)
                self._move(start, d, found.t)
                self._recent = g, d, found.t
                t, loss, g = found.t, found.loss, found.gradient
            if self.evaluations - before >= self.max_eval or np.abs(t * d).max() <= self.tolerance_change:
                break
            if abs(loss - old) < self.tolerance_change:
                break
        self.steps += 1
        return returned

    def _next(self, g: Any) -> tuple[Any, float]:
        """Remember what the last iteration showed of the curvature; return d and the first t to try."""
        if self._recent is None:
            return -g, min(1.0, 1.0 / float(np.abs(g).sum())) * self.lr
        last, d, t = self._recent
        y, s = g - last, t * d
        curvature = float(y @ s)
        if curvature > CURVED:
            self.pairs = [*self.pairs, (y, s, 1 / curvature)][-self.history_size :]
            self._scale = curvature / float(y @ y)
        return direction(g, self.pairs, self._scale), self.lr

    def _without_frozen(self, d: Any) -> Any:
        """Return the direction with 0 for parameters that are not trained: the pairs of before would move them."""
        if all(p.requires_grad for p in self.parameters):
            return d
        return d * self._flat([np.full(p.shape, p.requires_grad) for p in self.parameters])

    def _search(self, closure: Callable[[], Any], start: Any, d: Any, first: Trial, t: float, before: int) -> Trial:
        def evaluate(t: float) -> Trial:
            self._move(start, d, t)
            _, loss, g = self._evaluate(closure)
            slope = float(g @ d)
            good = math.isfinite(loss) and math.isfinite(slope)
            return Trial(t, loss if good else math.inf, g, slope)

        try:
            return strong_wolfe(evaluate, first, t, self.max_eval - self.evaluations + before, float(np.abs(d).max()))
        except BaseException:  # of the closure, or Ctrl-C: leave the last weights that were decided on
            self._move(start, d, 0.0)
            raise

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Any]:
        """Return what the closure returns, that as a number, and the gradient of all parameters as one vector."""
        returned = closure()
        self.evaluations += 1
        loss = returned.item() if hasattr(returned, "item") and np.size(returned) == 1 else returned
        if not isinstance(loss, Real):
            raise TypeError(
                f"LBFGS.step: the closure returned {shown(returned)}, but must return the loss, one number. Is "
                "`return loss` missing?"
            )
        gradients = [self._gradient(p) for p in self.parameters]
        if all(g is None for g in gradients):
            raise ag.errors.NothingRecordedError(
                "LBFGS.step: after the closure no parameter has a gradient, so there is no direction to go. Call "
                "loss.backward() in it, of a loss that depends on the parameters."
            )
        arrays = [np.zeros(p.shape) if g is None else g for p, g in zip(self.parameters, gradients, strict=True)]
        return returned, float(loss), self._flat(arrays)

    def _flat(self, arrays: list[Any]) -> Any:
        return np.concatenate([np.ravel(a) for a in arrays], dtype=self.parameters[0].dtype)

    def _move(self, start: Any, d: Any, t: float) -> None:
        """Put the parameters at ``start + t d``."""
        place, vector = 0, start + t * d if t else start
        for p in self.parameters:
            p.data = vector[place : place + p.size].reshape(p.shape)
            place += p.size

    def _fixed(self) -> dict[str, Any]:
        names = "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size", "line_search_fn"
        return {name: getattr(self, name) for name in names}

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next steps depend on, beside the parameters: numbers, text, lists, copies."""
        recent = None
        if self._recent is not None:
            g, d, t = self._recent
            recent = {"g": g.copy(), "d": d.copy(), "t": t}
        search = {
            "iterations": self.iterations,
            "evaluations": self.evaluations,
            "scale": self._scale,
            "recent": recent,
            "pairs": [{"y": y.copy(), "s": s.copy(), "rho": rho} for y, s, rho in self.pairs],
        }
        return {**super().state_dict(), "search": search}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; if it does not fit, nothing is changed.

        Raises
        ------
        ValueError
            If it is of another kind of optimizer, made with other constants, or for other parameters.
        """
        search: Any = None
        if isinstance(state, Mapping) and "search" in state:
            search = state["search"]
            if not isinstance(search, Mapping) or search.keys() != self.state_dict()["search"].keys():
                raise ValueError(
                    f"LBFGS.load_state_dict: the search of the state is {shown(search)}, but must be what "
                    "LBFGS.state_dict() returns there."
                )
            recent, pairs = search["recent"], search["pairs"]
            size, dtype = sum(p.size for p in self.parameters), self.parameters[0].dtype
            vectors = [v for pair in pairs for v in (pair["y"], pair["s"])]
            vectors += [] if recent is None else [recent["g"], recent["d"]]
            if any(np.shape(v) != (size,) for v in vectors):
                raise ValueError(
                    f"LBFGS.load_state_dict: the state is for {np.size(vectors[0])} numbers, and the parameters have "
                    f"{size}. Make the optimizer for the same parameters."
                )
        super().load_state_dict(state)
        self.iterations, self.evaluations = int(search["iterations"]), int(search["evaluations"])
        self._scale, self._recent = float(search["scale"]), None
        if recent is not None:
            self._recent = np.array(recent["g"], dtype), np.array(recent["d"], dtype), float(recent["t"])
        self.pairs = [(np.array(pair["y"], dtype), np.array(pair["s"], dtype), float(pair["rho"])) for pair in pairs]


def direction(g: Any, pairs: list[tuple[Any, Any, float]], scale: float) -> Any:
    r"""Return :math:`-H g` by the two loops of Nocedal and Wright, algorithm 7.4.

    Parameters
    ----------
    g : array, shape (n,)
        The gradient.
    pairs : list of (array, array, float)
        The :math:`y`, :math:`s` and :math:`\rho`, oldest first.
    scale : float
        :math:`H_0` is this times the identity.
    """
    r, alphas = -g, []
    for y, s, rho in reversed(pairs):
        alphas.append(rho * float(s @ r))
        r -= alphas[-1] * y
    r *= scale
    for (y, s, rho), alpha in zip(pairs, reversed(alphas), strict=True):
        r += (alpha - rho * float(y @ r)) * s
    return r


class Trial(NamedTuple):
    """A point of the line that is searched: after `t` times the direction."""

    t: float
    loss: float
    gradient: Any
    slope: float


def strong_wolfe(evaluate: Callable[[float], Trial], first: Trial, t: float, limit: int, size: float) -> Trial:
    r"""Return a point that is lower and flatter than the first: one that meets the strong Wolfe conditions.

    With the loss :math:`\phi(t)` along the line: :math:`\phi(t) \le \phi(0) + c_1 t \phi'(0)` and
    :math:`|\phi'(t)| \le c_2 |\phi'(0)|`. Source: Nocedal and Wright, 2006, eqs. 3.7, algorithms 3.5 (go on until two
    points enclose such a one) and 3.6 (narrow them).

    Parameters
    ----------
    evaluate : callable
        ``evaluate(t)`` returns a `Trial`; one at which nothing can be computed has an infinite loss.
    first : Trial
        At ``t = 0``, with a negative slope.
    t : float
        The first length to try, above 0.
    limit : int
        How often `evaluate` may be called again after that; then the lowest point found is returned.
    size : float
        The largest number of the direction: the search ends where it no longer moves any weight by 1e-9.
    """

    def too_high(trial: Trial) -> bool:
        return trial.loss > first.loss + DECREASE * trial.t * first.slope

    def flat(trial: Trial) -> bool:
        return abs(trial.slope) <= -FLATTER * first.slope

    last, new, used = first, evaluate(t), 0
    while used < limit:
        if too_high(new) or (used > 1 and new.loss >= last.loss):  # the book asks this from used = 1, PyTorch from 2
            ends = [last, new]
            break
        if flat(new):
            return new
        if new.slope >= 0:
            ends = [last, new]
            break
        t = cubic_minimum(last, new, new.t + 0.01 * (new.t - last.t), 10 * new.t)
        last, new, used = new, evaluate(t), used + 1
    else:
        ends = [first, new]

    low = int(ends[1].loss < ends[0].loss)  # which end is the lower one; in the book it is also low enough
    near = False  # whether the last t was near an end
    while used < limit and abs(ends[1].t - ends[0].t) * size >= NARROW:
        left, right = sorted(end.t for end in ends)
        t, margin = cubic_minimum(ends[0], ends[1], left, right), 0.1 * (right - left)
        if min(right - t, t - left) >= margin:
            near = False
        elif near or not left < t < right:  # twice near an end: the cubic does not fit, take a good part of the way
            t = right - margin if right - t < t - left else left + margin
            near = False
        else:
            near = True
        new, used = evaluate(t), used + 1
        if too_high(new) or new.loss >= ends[low].loss:
            ends[1 - low] = new
            low = int(ends[1].loss < ends[0].loss)
            continue
        if flat(new):
            return new
        if new.slope * (ends[1 - low].t - ends[low].t) >= 0:  # the lowest lies between the new point and the old low
            ends[1 - low] = ends[low]
        ends[low] = new
    return ends[low]


def cubic_minimum(a: Trial, b: Trial, least: float, most: float) -> float:
    """Return where the cubic through two points with their slopes is lowest, within bounds; if nowhere, their middle.

    Source: Nocedal and Wright, 2006, eq. 3.59.
    """
    a, b = sorted((a, b), key=lambda trial: trial.t)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square >= 0:
        d2 = math.sqrt(square)
        below = b.slope - a.slope + 2 * d2
        t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / below) if below else math.nan
        if math.isfinite(t):
            return min(max(t, least), most)
    return (least + most) / 2
