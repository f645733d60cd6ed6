"""The backward pass with its usual mistakes: each rule as a formula with slots, and what may be wrong in each slot.

A choice is a fact, ``(term, slot, wrong value)``; no choice is the right rule. Signs and factors have no slot: a term
is compared up to a number, and `scales` reads the number.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from .cases import Array, Case

__all__ = [
    "Choice",
    "Fact",
    "Rule",
    "Upstream",
    "bias_rule",
    "by_slot",
    "choices",
    "hidden_rule",
    "order",
    "output_rule",
    "weight_rule",
]


class Fact(NamedTuple):
    """What is wrong: in which term (output, hidden, weight, bias, forward, update), in which slot of it, and how."""

    term: str
    slot: str
    choice: str


SLOTS: dict[str, dict[str, tuple[str, ...]]] = {
    "output": {"slope": ("missing", "a", "formula", "f", "twice", "below", "sigmoid", "tanh"), "error": ("target",)},
    "hidden": {
        "slope": ("missing", "a", "formula", "f", "twice", "above", "below", "before", "sigmoid", "tanh"),
        "weights": ("transposed", "own"),
        "time": ("updated",),
        "sum": ("last",),
        "source": ("output",),
    },
    "weight": {
        "inputs": ("own", "z", "missing", "x"),
        "delta": ("above",),
        "samples": ("last",),
        "orientation": ("transposed",),
        "mask": ("ignored",),
        "slope": ("twice",),
        "update": ("lost",),
    },
    "bias": {
        "samples": ("last", "unsummed", "axis"),
        "inputs": ("b",),
        "delta": ("above",),
        "slope": ("twice",),
        "update": ("lost",),
    },
}

Choice = frozenset[Fact]
Rule = Callable[["Case", int, "Upstream", dict[str, str]], "Array | None"]


@functools.cache
def choices(term: str) -> tuple[Choice, ...]:
    """Return the right rule, then each mistake of a term, then each pair of mistakes in different slots."""
    singles = [Fact(term, slot, choice) for slot, wrong in SLOTS[term].items() for choice in wrong]
    pairs = [frozenset((f, g)) for f, g in itertools.combinations(singles, 2) if f.slot != g.slot]
    return (frozenset(), *(frozenset((f,)) for f in singles), *pairs)


def by_slot(choice: Choice) -> dict[str, str]:
    """Return slot -> wrong value."""
    return {fact.slot: fact.choice for fact in choice}


class Upstream(NamedTuple):
    """What a rule starts from: the student's own values, where they are known."""

    deltas: dict[int, Array]  # layer -> delta, (n, out)
    updated: dict[int, Array]  # layer -> the weights after the update, if there is one
    stepped: bool  # whether there is an update


def _fits(array: Array | None, shape: tuple[int, ...]) -> bool:
    return array is not None and array.shape == shape


def output_rule(case: Case, layer: int, _: Upstream, wrong: dict[str, str]) -> Array | None:
    """delta^L = dJ/do * f'(z^L), up to a number (claims Y10, M3, R2)."""
    slope, dJ_do = wrong.get("slope"), case.dJ_do
    if "error" in wrong:
        if case.loss != "squared_error":
            return None
        dJ_do = case.a[-1]
    elif slope is None:
        return case.top
    if slope == "missing":
        return dJ_do
    if slope is None:
        return dJ_do * case.slopes[layer - 1]
    if slope == "twice":
        return dJ_do * case.slopes[layer - 1] ** 2 if "error" in wrong else case.top * case.slopes[layer - 1]
    if slope == "below":
        f = case.at("z", layer - 1)
    else:
        f = case.at(slope, layer)
    return dJ_do * f if f is not None and f.shape == dJ_do.shape else None


def hidden_rule(case: Case, layer: int, up: Upstream, wrong: dict[str, str]) -> Array | None:
    """delta^l = f'(z^l) * (W^(l+1))^T delta^(l+1) (claims Y8, M4, R3)."""
    slope, weights = wrong.get("slope"), wrong.get("weights")
    delta: Array | None = up.deltas.get(layer + 1)
    if wrong.get("source") == "output":
        delta = up.deltas.get(case.depth) if layer + 1 < case.depth else None
    of = layer if weights == "own" else layer + 1
    W: Array | None = up.updated.get(of) if "time" in wrong else case.W[of - 1]
    if weights == "transposed" and W is not None:
        W = W.T
    if delta is None or W is None or W.ndim != 2 or len(W) != delta.shape[1]:
        return None
    if slope == "before":
        above = case.at("z", layer + 1)
        if above is None or above.shape != delta.shape:
            return None
        delta = delta * above
    u = delta[:, -1:] * W[-1:] if wrong.get("sum") == "last" else delta @ W
    if slope in ("missing", "before"):
        return u if u.shape == case.z[layer - 1].shape else None
    right = case.slopes[layer - 1]
    if slope in ("above", "below"):
        f = case.at("z", layer + (1 if slope == "above" else -1))
    elif slope == "twice":
        f = right * right
    else:
        f = right if slope is None else case.at(slope, layer)
    return u * f if f is not None and f.shape == u.shape == right.shape else None


def _delta(case: Case, layer: int, up: Upstream, wrong: dict[str, str]) -> Array | None:
    delta = up.deltas.get(layer + (wrong.get("delta") == "above"))
    if delta is not None and wrong.get("slope") == "twice":
        return delta * case.slopes[layer - 1] if delta.shape == case.slopes[layer - 1].shape else None
    return delta


def weight_rule(case: Case, layer: int, up: Upstream, wrong: dict[str, str]) -> Array | None:
    """dE/dW^l = sum over samples of delta^l (a^(l-1))^T (claims Y7, M5, R4)."""
    delta, shape = _delta(case, layer, up, wrong), case.W[layer - 1].shape
    inputs, orientation = wrong.get("inputs"), wrong.get("orientation")
    a: Array | None = case.a[layer - 1]
    if inputs == "own":
        a = case.a[layer]
    elif inputs == "z":
        a = case.z[layer - 2] if layer > 1 else None
    elif inputs == "missing":
        a = np.ones_like(case.a[layer - 1])
    elif inputs == "x":
        a = case.a[0] if layer > 1 else None
    if delta is None or a is None:
        return None
    if wrong.get("samples") == "last":
        delta, a = delta[-1:], a[-1:]
    g = delta.T @ a
    if "delta" in wrong and g.shape != shape:
        return None
    if wrong.get("mask") != "ignored" and g.shape == shape:
        g = g * case.masks[layer - 1]
    g = g.T if orientation == "transposed" else g
    return _lost(g, case.W[layer - 1], up, wrong)


def bias_rule(case: Case, layer: int, up: Upstream, wrong: dict[str, str]) -> Array | None:
    """dE/db^l = sum over samples of delta^l (claim M6)."""
    delta, b, samples = _delta(case, layer, up, wrong), case.b[layer - 1], wrong.get("samples")
    if delta is None or delta.shape[1] != len(b):
        return None
    if wrong.get("inputs") == "b":
        delta = delta * b
    if samples == "unsummed":
        g = delta if case.n > 1 else None
    elif samples == "axis":
        g = delta.sum(axis=1) if case.n > 1 else None
    else:
        g = delta[-1] if samples == "last" else delta.sum(axis=0)
    return None if g is None else _lost(g, b, up, wrong)


def _lost(g: Array, old: Array, up: Upstream, wrong: dict[str, str]) -> Array | None:
    """Return a gradient, if it may be that of an update W <- -alpha g, which has lost the W; None if not.

    It is the same gradient: `search` compares it with -W(new) / alpha, not with (W - W(new)) / alpha.
    """
    return g if "update" not in wrong or (up.stepped and g.shape == old.shape) else None


def order(term: str, known: frozenset[Fact]) -> Iterator[tuple[int, Choice]]:
    """Yield the choices of a term with the number of facts that are new, fewest first."""
    yield from _ordered(term, frozenset(f for f in known if f.term == term))


@functools.lru_cache(maxsize=4096)
def _ordered(term: str, known: frozenset[Fact]) -> tuple[tuple[int, Choice], ...]:
    found = [(len(choice - known), choice) for choice in choices(term)]
    return tuple(sorted(found, key=lambda item: (item[0], len(item[1]))))
