"""Which mistakes reproduce a student's numbers: the sweep from the output to the input, a network at a time.

Each term is compared with the hand rule *given the student's own values above it*, so that a mistake counts once. Where
the deltas are not returned, they are inferred: each candidate for delta^l must explain the gradients of layer l, and is
carried on to layer l - 1. Of all explanations the ones with the fewest facts are kept, over all networks together.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .calls import Answer
from .cases import Array, Case
from .rules import Choice, Fact, Rule, Upstream, bias_rule, by_slot, hidden_rule, order, output_rule, weight_rule

__all__ = ["DOUBLE", "SINGLE", "UNKNOWN", "Hypothesis", "Precision", "Record", "Sweep", "explain", "hypotheses"]

UNKNOWN = 5  # an unknown mistake weighs as much as so many known ones
MOST = 3  # facts that are tried for one layer, beyond those known
KEPT = 6  # explanations that are carried on
TERMS = {"weight": weight_rule, "bias": bias_rule}


class Precision(NamedTuple):
    """How closely numbers must agree: relative to the largest entry; and for updates, to W / alpha."""

    relative: float
    update: float


DOUBLE = Precision(1e-9, 1e-13)
SINGLE = Precision(1e-5, 1e-6)


class Record(NamedTuple):
    """A term of a layer: what is wrong with it, and its size as a multiple of `right`."""

    layer: int
    term: str
    facts: Choice
    ratio: float | None  # None: nothing to see (all 0), or not returned
    right: Array | None  # the right rule's value, given the student's upstream values, without factors
    got: Array | None
    anchored: str  # "returned" or "recovered": `right` has the student's own factors in it; "" or "hand": it has none


class State(NamedTuple):
    """A partial explanation of one network, down to some layer."""

    facts: Choice
    deltas: dict[int, Array]
    anchored: str
    records: tuple[Record, ...]
    stopped: bool = False


class Sweep(NamedTuple):
    """An explanation of one network."""

    case: Case
    facts: Choice
    records: tuple[Record, ...]
    stopped: bool


@dataclass(frozen=True)
class Hypothesis:
    """A set of mistakes, and how it explains each network."""

    facts: Choice
    sweeps: tuple[Sweep, ...] = ()

    @property
    def cost(self) -> int:
        """How many mistakes; unknown ones weigh more."""
        return sum(UNKNOWN if fact.slot == "unknown" else 1 for fact in self.facts)


@functools.lru_cache(maxsize=256)
def _numbers(n: int, m: int, rate: float | None, depth: int) -> Array:
    """Return the logarithms of the factors by which a term may differ from the hand rule's, sorted."""
    found = {
        p * np.log(2) + q * np.log(n) + s * np.log(m) + t * np.log(rate or 1.0)
        for p in (-1, 0, 1)
        for q in (range(-(depth + 1), 2) if n > 1 else (0,))
        for s in ((-1, 0, 1) if m > 1 else (0,))
        for t in ((-1, 0, 1) if rate is not None else (0,))
    }
    return np.array(sorted(found))


class _Fit:
    """Comparisons on one network."""

    def __init__(self, case: Case, precision: Precision, rate: float | None) -> None:
        self.case, self.precision = case, precision
        self.numbers = _numbers(case.n, len(case.W[-1]), rate, case.depth)

    def ratio(self, got: Array, expected: Array, floor: float = 0.0) -> tuple[bool, float | None]:
        """Return whether `got` is a plausible multiple of `expected`, and which."""
        if got.shape != expected.shape:
            return False, None
        size, own = float(np.abs(expected).max(initial=0)), float(np.abs(got).max(initial=0))
        if not own < np.inf:
            return False, None
        if size <= max(1e-14, 100 * floor) and own <= max(1e-12, 200 * floor):
            return True, None  # nothing to see
        if size <= 1e-14:
            return False, None
        if own <= floor:
            return True, 0.0
        r = float((got * expected).sum() / (expected * expected).sum())
        close = float(np.abs(got - r * expected).max()) <= self.precision.relative * abs(r) * size + floor
        number = self.number(r, floor / size) if close else None
        return number is not None, number

    def number(self, r: float, doubt: float) -> float | None:
        """Return the factor that forgetting, say, 1/n would give, if this is one."""
        if r == 0:
            return None
        log = np.log(abs(r))
        place = int(np.searchsorted(self.numbers, log))
        near = min(self.numbers[max(place - 1, 0) : place + 1], key=lambda number: abs(number - log))
        exact = abs(near - log) <= 2 * self.precision.relative + 2 * doubt / abs(r)
        return float(np.copysign(np.exp(near), r)) if exact else None

    def all(
        self,
        term: str,
        layer: int,
        up: Upstream,
        got: Array,
        lost: Array | None,
        known: Choice,
        budget: int,
        floor: float,
    ) -> tuple[int, list[tuple[Choice, float | None]]] | None:
        """Return the fewest new facts that explain a term, and each way to do so."""
        rule: Rule = {**TERMS, "output": output_rule, "hidden": hidden_rule}[term]
        found: list[tuple[Choice, float | None]] = []
        level, size, empty = budget, 0, False
        for new, choice in order(term, known):
            if new and empty and not found and budget:  # 0 everywhere is itself a mistake, unless a known one gives it
                found, level, size = [(frozenset(), 0.0)], 1, 1
            if new > level or (found and (new, len(choice)) > (level, size)):
                break
            wrong = by_slot(choice)
            target = lost if "update" in wrong else got
            expected = None if target is None else rule(self.case, layer, up, wrong)
            if expected is None or target is None:
                continue
            fits, r = self.ratio(target, expected, floor)
            if fits and r == 0:
                empty = empty or not choice  # 0 says nothing of the slots
            elif fits:
                found.append((choice, r))
                level, size = new, len(choice)
        return (level, found[:3]) if found else None


def _floors(case: Case, answer: Answer, precision: Precision, layer: int) -> tuple[float, float]:
    """Return the rounding of gradients that were read from an update, W / alpha."""
    updated = bool(answer.weight_lost or answer.bias_lost)
    scale = precision.update / case.learning_rate if updated else 0.0
    W, b = np.abs(case.W[layer - 1]).max(), np.abs(case.b[layer - 1]).max()
    return float(scale * (W + 1)), float(scale * (b + 1))


def explain(case: Case, answer: Answer, known: Choice, precision: Precision, rate: float | None) -> list[State]:
    """Return the explanations of one network with the fewest facts beyond the known ones."""
    fit = _Fit(case, precision, rate)
    states = [State(frozenset(), {}, "", ())]
    for layer in range(case.depth, 0, -1):
        states = [new for state in states for new in _down(fit, answer, known, state, layer)]
        states = sorted(states, key=lambda state: (_weight(state.facts - known), len(state.facts)))
        least = _weight(states[0].facts - known)
        unique = {(s.facts, s.stopped): s for s in reversed(states) if _weight(s.facts - known) <= least + 1}
        states = sorted(unique.values(), key=lambda state: (_weight(state.facts - known), len(state.facts)))[:KEPT]
    return states


def _weight(facts: Choice) -> int:
    return sum(UNKNOWN if fact.slot == "unknown" else 1 for fact in facts)


def _down(fit: _Fit, answer: Answer, known: Choice, state: State, layer: int) -> list[State]:
    """Return the ways to explain one more layer."""
    case, term = fit.case, "output" if layer == fit.case.depth else "hidden"
    if state.stopped:
        return [state]
    up = Upstream(state.deltas, answer.updated, bool(answer.updated))
    known = known | state.facts
    if layer in answer.deltas:
        return _from_deltas(fit, answer, known, state, layer, term, up)
    found: list[tuple[int, State]] = []
    limit = _most(known, term, "weight", "bias")
    rule = output_rule if term == "output" else hidden_rule
    right = rule(case, layer, up, {})
    for new, choice in order(term, known):
        if new > limit:
            break
        delta = rule(case, layer, up, by_slot(choice))
        if delta is None:
            continue
        deltas = {**state.deltas, layer: delta}
        cost, ways = _gradients(fit, answer, known, layer, up._replace(deltas=deltas), limit - new)
        if ways is None or new + cost > limit:
            continue
        if new + cost < limit:
            found, limit = [], new + cost
        record = Record(layer, term, choice, None, right, None, state.anchored)
        found += [
            (new + cost + len(choice) + len(facts), _next(state, choice | facts, deltas, (record, *records)))
            for facts, records in ways
        ]
    if found:
        least = min(size for size, _ in found)
        return [s for size, s in found if size <= least + 1][: 2 * KEPT]
    return _unknown(fit, answer, known, state, layer, term, up, right)


def _most(known: Choice, *terms: str) -> int:
    """Return how many new facts to try; few, where another network had an unknown mistake."""
    return 1 if any(fact.slot == "unknown" and fact.term in terms for fact in known) else MOST


def _next(state: State, facts: Choice, deltas: dict[int, Array], records: tuple[Record, ...]) -> State:
    return state._replace(facts=state.facts | facts, deltas=deltas, records=state.records + records)


Ways = list[tuple[Choice, tuple[Record, ...]]]


def _gradients(
    fit: _Fit, answer: Answer, known: Choice, layer: int, up: Upstream, budget: int, anchored: str = ""
) -> tuple[int, Ways | None]:
    """Return the fewest new facts that explain a layer's gradients from its delta, and the ways to do so."""
    floors = _floors(fit.case, answer, fit.precision, layer)
    total, ways = 0, [(frozenset[Fact](), tuple[Record, ...]())]
    for term, got, lost, floor in (
        ("weight", answer.weight.get(layer), answer.weight_lost.get(layer), floors[0]),
        ("bias", answer.bias.get(layer), answer.bias_lost.get(layer), floors[1]),
    ):
        if got is None:
            continue
        found = fit.all(term, layer, up, got, lost, known, budget - total, floor)
        if found is None:
            return 0, None
        total += found[0]
        right = TERMS[term](fit.case, layer, up, {})
        ways = [
            (facts | choice, (*records, Record(layer, term, choice, r, right, got, anchored)))
            for facts, records in ways
            for choice, r in found[1]
        ]
    return total, ways


def _from_deltas(
    fit: _Fit, answer: Answer, known: Choice, state: State, layer: int, term: str, up: Upstream
) -> list[State]:
    """Explain a layer whose delta was returned: delta and gradients stand each for itself."""
    got = answer.deltas[layer]
    rule = output_rule if term == "output" else hidden_rule
    right = rule(fit.case, layer, up, {})
    seen = fit.all(term, layer, up, got, None, known, _most(known, term), 0.0)
    usable = right is None or (got.shape == right.shape and bool(np.isfinite(got).all()))
    deltas = {**state.deltas, layer: got if usable or right is None else right}
    ways: Ways
    hand = fit.ratio(got, fit.case.deltas[layer - 1])
    if hand[0] and hand[1] != 0 and (seen is None or seen[0]):  # right after all, though not by what came back above
        record = Record(layer, term, frozenset(), hand[1], fit.case.deltas[layer - 1], got, "hand")
        ways = [(frozenset(), (record,))]
    elif seen is None:
        choice = frozenset((_unknown_fact(term, got),))
        ways = [(choice, (Record(layer, term, choice, None, right, got, "returned"),))]
    else:
        ways = [(choice, (Record(layer, term, choice, r, right, got, "returned"),)) for choice, r in seen[1]]
    if layer in answer.transposed:
        turned = Fact(term, "orientation", "transposed")
        ways = [(c | {turned}, (r[0]._replace(facts=r[0].facts | {turned}), *r[1:])) for c, r in ways]
    below = up._replace(deltas=deltas)
    for name, values, losts, floor in zip(
        ("weight", "bias"), (answer.weight, answer.bias), (answer.weight_lost, answer.bias_lost),
        _floors(fit.case, answer, fit.precision, layer), strict=True,
    ):  # fmt: skip
        if layer not in values:
            continue
        value = values[layer]
        by_own, anchor = TERMS[name](fit.case, layer, below, {}), "returned"
        fitted = fit.all(name, layer, below, value, losts.get(layer), known, _most(known, name), floor)
        if fitted is None or fitted[0]:
            by_hand = TERMS[name](fit.case, layer, up._replace(deltas={layer: fit.case.deltas[layer - 1]}), {})
            fits, r = (False, None) if by_hand is None else fit.ratio(value, by_hand, floor)
            if fits and r != 0:
                fitted, by_own, anchor = (0, [(frozenset(), r)]), by_hand, "hand"
        if fitted is None:
            fitted = (UNKNOWN, [(frozenset((_unknown_fact(name, value),)), None)])
        ways = [
            (facts | choice, (*records, Record(layer, name, choice, r, by_own, value, anchor)))
            for facts, records in ways
            for choice, r in fitted[1]
        ]
    return [_next(state, facts, deltas, records)._replace(anchored="returned") for facts, records in ways][: 2 * KEPT]


def _unknown(
    fit: _Fit,
    answer: Answer,
    known: Choice,
    state: State,
    layer: int,
    term: str,
    up: Upstream,
    right: Array | None,
) -> list[State]:
    """Explain a layer where no candidate for the delta explains the gradients."""
    case, weight, bias = fit.case, answer.weight.get(layer), answer.bias.get(layer)
    if weight is None and bias is None:
        deltas = state.deltas if right is None else {**state.deltas, layer: right}
        return [_next(state, frozenset(), deltas, ())]
    for name, got, only in (  # one gradient may be unknown, and the other right
        ("bias", bias, replace(answer, bias={})),
        ("weight", weight, replace(answer, weight={})),
    ):
        if got is None or weight is None or bias is None or right is None:
            continue
        deltas = {**state.deltas, layer: right}
        _, ways = _gradients(fit, only, known, layer, up._replace(deltas=deltas), 1)
        if ways:
            lone = frozenset((_unknown_fact(name, got),))
            hand = TERMS[name](case, layer, up._replace(deltas=deltas), {})
            last = Record(layer, name, lone, None, hand, got, state.anchored)
            above = Record(layer, term, frozenset(), None, right, None, state.anchored)
            return [_next(state, facts | lone, deltas, (above, *records, last)) for facts, records in ways[:1]]
    finite = all(g is None or np.isfinite(g).all() for g in (weight, bias))
    lone = frozenset((Fact(term, "unknown", "" if finite else "nan"),))
    record = Record(layer, term, lone, None, right, None, state.anchored)
    delta = _recovered(case, layer, weight, bias)
    if delta is None:
        return [_next(state, lone, state.deltas, (record,))._replace(stopped=True)]
    deltas = {**state.deltas, layer: delta}
    _, ways = _gradients(fit, answer, known, layer, up._replace(deltas=deltas), 1, anchored="recovered")
    records = ways[0][1] if ways else ()
    record = record._replace(got=delta, anchored="recovered")
    return [_next(state, lone, deltas, (record, *records))._replace(anchored="recovered")]


def _unknown_fact(term: str, got: Array) -> Fact:
    return Fact(term, "unknown", "" if np.isfinite(got).all() else "nan")


def _recovered(case: Case, layer: int, weight: Array | None, bias: Array | None) -> Array | None:
    """Return the delta that a layer's gradients were made of, delta^T a = dE/dW, if they determine it."""
    a, shape = case.a[layer - 1], case.W[layer - 1].shape
    if weight is None or weight.shape != shape or not np.isfinite(weight).all():
        return None
    left, right = a, weight
    if bias is not None and bias.shape == shape[:1] and np.isfinite(bias).all():
        left, right = np.column_stack([a, np.ones(case.n)]), np.column_stack([weight, bias])
    if case.n > np.linalg.matrix_rank(left, tol=1e-6) or case.n >= left.shape[1]:
        return None
    delta: Array = np.asarray(np.linalg.lstsq(left.T, right.T, rcond=None)[0], float)
    exact = np.abs(left.T @ delta - right.T).max() <= 1e-7 * (np.abs(right).max() or 1.0)
    return delta if exact and not (case.masks[layer - 1] == 0).any() else None


def hypotheses(
    cases: Sequence[Case],
    answers: Sequence[Answer],
    precision: Precision,
    rate: float | None,
    below: float = np.inf,
    known: Choice = frozenset(),
) -> list[Hypothesis]:
    """Return the sets of mistakes that explain all networks, the smallest first; none, if none is below a cost."""
    beam = _beam(cases, answers, precision, rate, below, known)
    unknown = frozenset(fact for fact in beam[0].facts if fact.slot == "unknown") if beam else known
    if unknown <= known or beam[0].facts == unknown:
        return beam
    # On one network some known mistakes may give what on another one nothing gives: then they are no explanation.
    again = hypotheses(cases, answers, precision, rate, min(below, beam[0].cost), unknown)
    return sorted([*beam, *again], key=lambda h: (h.cost, len(h.facts)))


def _beam(
    cases: Sequence[Case],
    answers: Sequence[Answer],
    precision: Precision,
    rate: float | None,
    below: float,
    known: Choice,
) -> list[Hypothesis]:
    beam = [Hypothesis(known)]
    for case, answer in zip(cases, answers, strict=True):
        grown: dict[Choice, Hypothesis] = {}
        for hypothesis in beam:
            for state in explain(case, answer, hypothesis.facts, precision, rate):
                facts = hypothesis.facts | state.facts
                sweep = Sweep(case, state.facts, state.records, state.stopped)
                grown.setdefault(facts, Hypothesis(facts, (*hypothesis.sweeps, sweep)))
        least = min(hypothesis.cost for hypothesis in grown.values())
        kept = [h for h in grown.values() if h.cost <= least + 1]
        beam = sorted(kept, key=lambda h: (h.cost, len(h.facts)))[:KEPT]
        if least >= below:
            return []
    return beam
