"""Signs and factors: which convention a backward pass keeps to, and where it departs from its own convention.

``factor sum (o - y)^2`` summed or averaged, 1/n in the deltas or in the gradients: all are right, if one is kept to.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import NamedTuple

from .cases import Case
from .rules import Choice, Fact
from .search import UNKNOWN, Hypothesis, Record

__all__ = ["NUMBERS", "Convention", "Solution", "conventions", "solve"]


class Convention(NamedTuple):
    """What a function may choose freely."""

    doubled: bool = False  # the loss is sum (o - y)^2, without the 1/2
    outputs: bool = False  # the mean over the outputs, too
    mean: bool = True  # the mean over samples
    early: bool = True  # its 1/n is in the deltas

    def delta(self, case: Case) -> float:
        """Return the output delta as a multiple of the hand rule's, with factor 1/2 and the sum."""
        share = 1 / case.n if self.mean and self.early else 1.0
        return (2 if self.doubled else 1) * share / (len(case.W[-1]) if self.outputs else 1)

    def gradient(self, case: Case) -> float:
        """Return a gradient as a multiple of what its delta gives."""
        return 1 / case.n if self.mean and not self.early else 1.0


@dataclass(frozen=True)
class Solution:
    """All mistakes: `terms` has a dictionary for each network, from (layer, term) to its facts and expected factor."""

    facts: Choice
    convention: Convention
    terms: tuple[dict[tuple[int, str], tuple[Choice, float, Record]], ...]
    hypothesis: Hypothesis
    cost: float


def conventions(loss: str, factor: float | None, reduction: str | None) -> list[Convention]:
    """Return the conventions that are right, the usual ones first."""
    doubled = [False, True] if factor is None else [factor == 1]
    if loss != "squared_error":
        doubled = [False]
    outputs = [False, True] if factor is None and reduction is None else [False]
    places = [(True, False), (True, True), (False, True)]
    if reduction is not None:
        places = [place for place in places if place[0] == (reduction == "mean")]
    found = [Convention(d, o, *place) for o, d, place in itertools.product(outputs, doubled, places)]
    return [c for c in found if c.mean or not c.outputs]  # the sum of means over outputs is more likely a wrong 1/n


NUMBERS = ("n", "share", "count", "rate", "norate")
FACTORS = ("sign", "n", "share", "two", "half", "rate", "norate", "m", "outputs", "count")


@functools.lru_cache(maxsize=256)
def _factors(n: int, m: int, rate: float | None) -> list[tuple[float, frozenset[str]]]:
    """Return the numbers that one, two or three slips give, in order."""
    values = {"sign": -1.0, "two": 2.0, "half": 0.5}
    if n > 1:
        values |= {"n": float(n), "share": 1 / n}
    if rate is not None:
        values |= {"rate": rate, "norate": 1 / rate}
    if m > 1:
        values |= {"m": float(m), "outputs": 1 / m}
    if n > 1 and m != n:
        values["count"] = n / m
    alike = [{"two", "half"}, {"rate", "norate"}, *map(set, itertools.combinations(("n", "share", "count"), 2))]
    alike += map(set, itertools.combinations(("m", "outputs", "count"), 2))
    found = [(1.0, frozenset[str]())]
    for count in (1, 2, 3):
        for names in itertools.combinations([name for name in FACTORS if name in values], count):
            if not any(pair <= set(names) for pair in alike):
                found.append((math.prod(values[name] for name in names), frozenset(names)))
    return sorted(found, key=lambda item: item[0])


def _slips(ratio: float, term: str, case: Case, rate: float | None, known: set[Fact], close: float) -> Choice:
    """Return the facts that a factor stands for, as few new ones as can be."""
    if abs(ratio - 1) <= close:
        return frozenset()
    if ratio == 0:
        return frozenset((Fact(term, "scale", "zero"),))
    factors, reach = _factors(case.n, len(case.W[-1]), rate), close * abs(ratio)
    first = bisect.bisect_left(factors, ratio - reach, key=lambda item: item[0])
    last = bisect.bisect_right(factors, ratio + reach, key=lambda item: item[0])
    options = [frozenset(Fact(term, "scale", name) for name in names) for _, names in factors[first:last]]
    if not options:
        return frozenset((Fact(term, "unknown", ""),))
    return min(options, key=lambda facts: (len(facts - known), len(facts)))


def solve(hypothesis: Hypothesis, allowed: list[Convention], rate: float | None, close: float) -> Solution:
    """Return the convention, and the slips from it, that need the fewest mistakes."""
    best: Solution | None = None
    inferred = any(
        r.term in ("output", "hidden") and not r.anchored for sweep in hypothesis.sweeps for r in sweep.records
    )
    for place, convention in enumerate(allowed):
        for blame in range(4 if inferred else 1):
            rank = 0.01 * place + 0.001 * blame
            solution = _under(
                hypothesis, convention, blame, rate, close, math.inf if best is None else best.cost - rank
            )
            if solution is not None:
                best = replace(solution, cost=solution.cost + rank)
                if not solution.facts:
                    return best
    assert best is not None
    return best


def _cost(facts: Set[Fact]) -> int:
    twice = sum(
        fact.term == "bias"
        and fact.slot == "scale"
        and fact.choice in NUMBERS
        and fact._replace(term="weight") in facts
        for fact in facts
    )  # the same number in both gradients is one slip
    return sum(UNKNOWN if fact.slot == "unknown" else 1 for fact in facts) - twice


def _under(
    hypothesis: Hypothesis, convention: Convention, blame: int, rate: float | None, close: float, below: float
) -> Solution | None:
    """Return the slips under one convention; None if they are not fewer than `below`.

    Where deltas were not returned, a factor that both gradients of a layer have in common is the delta's; if they
    differ, `blame` says whether the delta has the weights' factor, the biases', or none.
    """
    known: set[Fact] = set()
    terms: list[dict[tuple[int, str], tuple[Choice, float, Record]]] = []
    for sweep in hypothesis.sweeps:
        case, found = sweep.case, dict[tuple[int, str], tuple[Choice, float, Record]]()
        running, late = convention.delta(case), convention.gradient(case)
        by_layer: dict[int, list[Record]] = {}
        for record in sweep.records:
            by_layer.setdefault(record.layer, []).append(record)
        for layer in sorted(by_layer, reverse=True):
            records = {record.term: record for record in by_layer[layer]}
            delta = records.get("output") or records.get("hidden")
            ratios = {name: records[name].ratio for name in ("weight", "bias") if name in records}
            base = late
            if delta is not None and delta.anchored in ("returned", "hand"):
                by_hand = delta.anchored == "hand" or delta.term == "output"
                expected = convention.delta(case) if by_hand else 1.0
                slips: Choice = frozenset()
                if delta.ratio is not None:
                    slips = _slips(delta.ratio / expected, delta.term, case, rate, known, close)
                found[layer, delta.term] = (delta.facts | slips, expected, delta)
                known |= slips
            elif delta is not None and delta.got is not None:  # recovered from the gradients, with all their factors
                found[layer, delta.term] = (delta.facts, running * late, delta)
                running = late = base = 1.0
            elif delta is not None:
                shared = _shared({k: r / (running * late) for k, r in ratios.items() if r}, blame, close)
                slips = _slips(shared, delta.term, case, rate, known, close)
                found[layer, delta.term] = (delta.facts | slips, running, delta)
                known |= slips
                running *= shared
                base = running * late
            for name, ratio in ratios.items():
                slips = frozenset()
                expected = base
                if records[name].anchored == "hand":
                    expected = convention.delta(case) * convention.gradient(case)
                if ratio is not None:
                    slips = _slips(ratio / expected, name, case, rate, known, close)
                found[layer, name] = (records[name].facts | slips, expected, records[name])
                known |= slips
        terms.append(found)
        if _cost(hypothesis.facts | known) >= below:
            return None
    everything = hypothesis.facts | known
    cost = _cost(everything) + 0.3 * len(_partial(hypothesis, terms, known))
    if cost >= below:
        return None
    return Solution(frozenset(everything), convention, tuple(terms), hypothesis, cost)


def _partial(
    hypothesis: Hypothesis, terms: list[dict[tuple[int, str], tuple[Choice, float, Record]]], slips: Set[Fact]
) -> set[Fact]:
    """Return the slips that are in some layers only, which one line in a loop does not do."""
    return {
        fact
        for sweep, found in zip(hypothesis.sweeps, terms, strict=True)
        for (_, term), (facts, _, record) in found.items()
        for fact in slips
        if fact.term == term
        and fact not in facts
        and (record.ratio is not None or term in ("output", "hidden"))
        and not (fact.choice in ("n", "share", "count") and sweep.case.n == 1)
        and not (fact.choice == "count" and sweep.case.n == len(sweep.case.W[-1]))
        and not (fact.choice in ("m", "outputs") and len(sweep.case.W[-1]) == 1)
    }


def _shared(ratios: dict[str, float], blame: int, close: float) -> float:
    """Return the factor that a layer's delta has, by its gradients."""
    if not ratios or blame == 3:
        return 1.0
    values = list(ratios.values())
    if len(values) == 1 or abs(values[0] - values[1]) <= close * abs(values[0]):
        return values[0]
    if blame == 0:
        return 1.0
    return ratios["weight" if blame == 1 else "bias"]
