"""A loss of nn: which one it is in `nn.delta`, how its rule reads, and its smooth piece for finite differences."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import losses
from ..checks import shown
from ..notation import Outputs, Point

__all__ = ["Loss", "read_loss"]

# loss -> its name in nn.delta, and the activation that it contains when it starts from logits
HAND_RULES: dict[Callable[..., Any], tuple[str, str | None]] = {
    losses.squared_error: ("squared_error", None),
    losses.binary_cross_entropy: ("binary_cross_entropy", None),
    losses.binary_cross_entropy_with_logits: ("binary_cross_entropy", "sigmoid"),
    losses.categorical_cross_entropy: ("cross_entropy", None),
    losses.cross_entropy: ("cross_entropy", "softmax"),
    losses.absolute_error: ("absolute_error", None),
    losses.huber: ("huber", None),
    losses.hinge: ("hinge", None),
    losses.kl_divergence: ("kl_divergence", None),
}
KEYWORDS: dict[Callable[..., Any], tuple[str, ...]] = {
    losses.squared_error: ("factor",),
    losses.binary_cross_entropy: ("weight",),
    losses.binary_cross_entropy_with_logits: ("weight", "pos_weight"),
    losses.cross_entropy: ("weight", "label_smoothing", "ignore_index"),
    losses.huber: ("delta",),
    losses.kl_divergence: ("log_outputs", "log_targets"),
}
JOINED = {("sigmoid", "binary_cross_entropy"), ("softmax", "cross_entropy")}  # delta is o - y (claim Y10)


@dataclass(frozen=True)
class Loss:
    """A loss with its keywords."""

    given: Callable[..., Any]
    function: Callable[..., Any]
    name: str
    contained: str | None
    keywords: dict[str, Any]

    def joins(self, activation: str) -> bool:
        """Return whether an activation at the end is part of the rule."""
        return (activation, self.name) in JOINED

    def outputs(self, point: Point, joined: bool, o: Any, y: Any) -> Outputs:
        """Return how dJ/do reads, or delta; `o` and `y` say whether there are samples, and labels."""
        labels, options = y.ndim < o.ndim, {k for k, v in self.keywords.items() if v is not None and v is not False}
        if self.name == "hinge" and labels:
            options.add("labels")
        uneven = self.name == "cross_entropy" and bool(options & {"weight", "ignore_index"})
        if uneven or options & {"label_smoothing", "log_targets"}:
            options.add("targets")
        if uneven:
            options = (options | {"partial"}) - {"weight"}
        share = "" if self.keywords.get("reduction", "mean") == "sum" or o.ndim < 2 else "n"
        if uneven and labels and self.keywords.get("reduction", "mean") == "mean":
            share = "N"
        return Outputs(
            self.name,
            point,
            joined,
            float(self.keywords.get("factor", 0.5)),
            share,
            tuple(sorted(options & SHOWN)),
            float(self.keywords.get("delta", 1.0)),
        )

    def smooth(self, o: Any, y: Any) -> Callable[[Any], Any]:
        """Return the loss as a function of the outputs, without its kinks: each term keeps to its side of them."""
        piece = _piece(self.name, o, y, float(self.keywords.get("delta", 1.0)))
        whole = functools.partial(self.given, y=y)
        if piece is None:
            return whole
        n = o.size // o.shape[-1] if self.keywords.get("reduction", "mean") == "mean" and o.ndim else 1
        value = whole(o)
        if not abs(piece(o) / n - value) <= 1e-12 * max(1, abs(value)):  # not the same loss: let it show
            return whole
        return lambda o: piece(o) / n


SHOWN = {"weight", "pos_weight", "labels", "targets", "partial", "log_outputs"}


def _piece(name: str, o: Any, y: Any, threshold: float) -> Callable[[Any], Any] | None:
    """Return a sum over outputs and samples; at a kink a term has slope 0."""
    if name == "absolute_error":
        signs = np.sign(o - y)
        return lambda o: np.sum(signs * (o - y))
    if name == "huber":
        signs = np.sign(o - y) * (np.abs(o - y) > threshold)
        return lambda o: np.sum(np.where(signs == 0, (o - y) ** 2 / 2, threshold * (signs * (o - y) - threshold / 2)))
    if name != "hinge":
        return None
    if y.ndim == o.ndim:
        missed = y * o < 1
        return lambda o: np.sum(missed * (1 - y * o))
    right = y[..., None] == np.arange(o.shape[-1])
    missed = (1 - np.sum(right * o, axis=-1, keepdims=True) + o > 0) & ~right
    return lambda o: np.sum(missed * (1 - np.sum(right * o, axis=-1, keepdims=True) + o))


def read_loss(loss: Any, last: str | None) -> Loss:
    """Read a loss, also through `functools.partial`; `last` is the name of the activation before it."""
    given, keywords = loss, {}
    if isinstance(loss, functools.partial):
        if loss.args:
            raise TypeError(
                f"compare: the loss is a functools.partial with {len(loss.args)} positional arguments, which would "
                "take the places of outputs and targets. Name them: functools.partial(nn.squared_error, factor=1)."
            )
        keywords, loss = loss.keywords, loss.func
    if not callable(loss) or loss not in HAND_RULES:
        known = ", ".join(f.__name__ for f in HAND_RULES)
        raise TypeError(
            f"compare: the loss {getattr(loss, '__name__', loss)!r} has no hand-derived rule; these have: {known} "
            "(with other keywords: functools.partial)."
        )
    name, contained = HAND_RULES[loss]
    if contained is not None and contained == last:
        raise TypeError(
            f"compare: {loss.__name__} takes logits and contains the {contained}, but the model ends in "
            f"{last}. Leave that layer out, or take the loss of the outputs."
        )
    unknown = sorted(keywords.keys() - {"reduction", *KEYWORDS.get(loss, ())})
    if unknown:
        raise TypeError(
            f"compare: {loss.__name__} has no keyword {', '.join(unknown)} that a hand-derived rule knows. Leave it "
            "out of the functools.partial."
        )
    reduction = keywords.get("reduction", "mean")
    if not isinstance(reduction, str) or reduction not in ("mean", "sum"):
        raise ValueError(
            f"compare: reduction is {shown(reduction)}, but must be 'mean' or 'sum': a gradient is of one number. "
            "Write functools.partial(loss, reduction='sum')."
        )
    return Loss(given, loss, name, contained, {k: v for k, v in keywords.items() if v is not None})
