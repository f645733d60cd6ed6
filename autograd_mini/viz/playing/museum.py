"""The bug museum: sweeps with one mistake in them, to be held beside the right one.

Only here is anything computed that the engine does not compute: the same rules, swept wrongly on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ...graph import Leaf, Node, Several, Spec
from ..boxes import Box
from ..formulas import edges, node_of_box, pulled

__all__ = ["BUGS", "Exhibit", "exhibit"]

BUGS: dict[str, tuple[str, str, str]] = {  # the mistake, what follows, and what a graph needs to show it
    "overwrite": (
        "= in place of +=",
        "A value that is used more than once keeps only the share that came last.",
        "no value is used more than once",
    ),
    "no_zero_grad": (
        "the gradients of the step before are not set to zero",
        "backward() adds to what it finds: here it ran twice, and every leaf’s gradient is too large.",
        "it has no leaf",
    ),
    "dfs_order": (
        "depth first, not in reverse topological order",
        "A value passes its gradient on before all of its uses have added to it, and what comes later is lost.",
        "no value that is computed is used more than once",
    ),
    "no_transpose": (
        "a transpose is left out",
        "Where the shapes fit all the same, each unit gets another one’s share.",
        "no transposed array is square",
    ),
    "no_sigma_prime": (
        "the activation’s slope is left out",
        "The gradient passes an activation as if that were the identity.",
        "it has no activation",
    ),
    "wrong_sign": (
        "the wrong sign",
        "Minus the gradient: a step against it goes uphill.",
        "all gradients are 0",
    ),
}

ACTIVATIONS = frozenset(
    "tanh expit sigmoid relu leaky_relu elu selu gelu silu softplus softsign mish hardtanh logistic arctan".split()
)
ROUNDS = 40  # steps of the descent that both curves show
RATES = [2.0**-i for i in range(14)]


@dataclass
class Exhibit:
    """What a mistake does to one graph.

    Attributes
    ----------
    bug : str
    values, totals : dict
        What each use sends back, and the sum so far, by the box's id and the place among its operands.
    gradients : dict
        What every box ends up with.
    right, wrong : list of float
        The result while gradient descent runs, by the right gradients and by the wrong ones; empty where a value that
        would have to be computed anew was not kept.
    rate : float
        The learning rate of both.
    """

    bug: str
    values: dict[tuple[str, int], Any]
    totals: dict[tuple[str, int], Any]
    gradients: dict[str, Any]
    right: list[float]
    wrong: list[float]
    rate: float


def exhibit(boxes: list[Box], bug: str) -> Exhibit:
    """Return the wrong sweep of a graph, and where it leads."""
    sweep = _Sweep(boxes)
    values, gradients, totals = sweep.swept(bug, {})
    ids = {node: box.id for node, box in sweep.of.items()}
    right, wrong, rate = sweep.descents(bug)
    return Exhibit(
        bug,
        {(ids[node], where): p for (node, where), p in values.items()},
        {(ids[node], where): p for (node, where), p in totals.items()},
        {ids[node]: g for node, g in gradients.items() if node in ids},
        right,
        wrong,
        rate,
    )


Values = Mapping[Node, Any]


class _Sweep:
    """One graph, which can be computed anew from its leaves, and swept rightly and wrongly."""

    def __init__(self, boxes: list[Box]) -> None:
        self.of = {box.node: box for box in boxes if box.node is not None}
        self.end = node_of_box(boxes[-1])
        self.seed = boxes[-1].cotangent
        swept = [node for node, box in self.of.items() if box.cotangent is not None]
        self.order = sorted(swept, key=lambda node: -node.serial)
        self.leaves = [node for node in self.order if isinstance(node, Leaf)]
        self.forward = sorted(self.of, key=lambda node: node.serial)

    # --- swept

    def swept(self, bug: str, values: Values) -> tuple[dict[Any, Any], dict[Node, Any], dict[Any, Any]]:
        """Return what every use sends back, what every value ends up with, and the sums so far."""
        sent: dict[tuple[Node, int], Any] = {}
        totals: dict[tuple[Node, int], Any] = {}
        gradients: dict[Node, Any] = {self.end: -self.seed if bug == "wrong_sign" else self.seed}
        if bug == "no_zero_grad":
            before = self.swept("", values)[1]
            gradients |= {leaf: before[leaf] for leaf in self.leaves if leaf in before}
        visits = self._depth_first(sent, gradients, values) if bug == "dfs_order" else iter(self.order)
        for node in visits:
            if node not in gradients:
                continue
            for where, parent in edges(node):
                p = sent[node, where] = self.pulled(bug, node, where, parent, gradients[node], values)
                if p is None:
                    continue
                overwrites = bug == "overwrite" or parent not in gradients
                gradients[parent] = p if overwrites else gradients[parent] + p
                totals[node, where] = gradients[parent]
        if bug == "dfs_order":
            totals = self._in_order(sent)
        return sent, gradients, totals

    def _depth_first(
        self, sent: dict[tuple[Node, int], Any], gradients: dict[Node, Any], values: Values
    ) -> Iterator[Node]:
        """Sweep a value's first operand to its end before the second gets its share."""
        seen = {self.end}
        stack = [(self.end, edges(self.end))]
        while stack:
            node, rest = stack[-1]
            found = next(rest, None)
            if found is None:
                stack.pop()
                continue
            where, parent = found
            p = sent[node, where] = self.pulled("", node, where, parent, gradients[node], values)
            if p is not None:
                gradients[parent] = p if parent not in gradients else gradients[parent] + p
            if parent not in seen and parent in gradients:
                seen.add(parent)
                stack.append((parent, edges(parent)))
        return iter(())

    def _in_order(self, sent: Mapping[tuple[Node, int], Any]) -> dict[tuple[Node, int], Any]:
        """Return the sums so far, in the right sweep's order, so that they can be held against its own."""
        totals: dict[tuple[Node, int], Any] = {}
        sums: dict[Node, Any] = {}
        for node in self.order:
            for where, parent in edges(node):
                if sent.get((node, where)) is not None:
                    p = sent[node, where]
                    totals[node, where] = sums[parent] = p if parent not in sums else sums[parent] + p
        return totals

    def pulled(self, bug: str, node: Node, where: int, parent: Node, g: Any, values: Values) -> Any:
        """Return what a use sends back, by the table's rule or by a wrong one."""
        node = _Again(node, values) if values else node  # type: ignore[assignment]
        name = node.rule.name.rpartition(".")[2]
        if bug == "no_sigma_prime" and name in ACTIVATIONS and np.shape(g) == parent.shape:
            return g
        if bug == "no_transpose":
            wrong = self._untransposed(node, where, g)
            if wrong is not None and np.shape(wrong) == parent.shape:
                return wrong
        return pulled(node, where, parent, g)

    def _untransposed(self, node: Any, where: int, g: Any) -> Any:
        if node.rule.function is np.transpose and len(node.shape) == 2:
            return g
        if node.rule.function is not np.matmul or np.ndim(g) != 2:
            return None
        other = node.args[1 - where]
        if not isinstance(other, np.ndarray) or other.ndim != 2:
            return None
        a, b = (g, other) if where == 0 else (other, g)
        return a @ b if a.shape[1] == b.shape[0] else None

    # --- descended

    def descents(self, bug: str) -> tuple[list[float], list[float], float]:
        """Return the result along gradient descent, right and wrong, at the largest rate at which the right falls."""
        if self.end.shape != () and int(np.prod(self.end.shape)) != 1:
            return [], [], 0.0
        start: dict[Node, Any] = {leaf: self.of[leaf].value for leaf in self.leaves}
        if any(a is None for a in start.values()) or self.computed(start) is None:
            return [], [], 0.0
        for rate in RATES:
            right = self.descent("", start, rate)
            falls = all(b <= a for a, b in pairwise(right)) and right[-1] < right[0]
            if np.isfinite(right).all() and falls:
                return right, self.descent(bug, start, rate), rate
        return [], [], 0.0

    def descent(self, bug: str, start: Values, rate: float) -> list[float]:
        """Return the result after each step of gradient descent."""
        leaves = {leaf: np.array(a) for leaf, a in start.items()}
        kept: dict[Node, Any] = {}
        curve: list[float] = []
        for _ in range(ROUNDS):
            values = self.computed(leaves)
            assert values is not None
            curve.append(float(np.real(np.reshape(values[self.end], ()))))
            if not np.isfinite(curve[-1]):
                break
            _, gradients, _ = self.swept("" if bug == "no_zero_grad" else bug, values)
            for leaf in leaves:
                g = gradients.get(leaf)
                if g is None:
                    continue
                if bug == "no_zero_grad":
                    g = kept[leaf] = kept.get(leaf, 0) + g
                leaves[leaf] = leaves[leaf] - rate * g
        return curve

    def computed(self, leaves: Values) -> dict[Node, Any] | None:
        """Return all values, from those of the leaves; None where something was not kept."""
        values: dict[Node, Any] = {}
        for node in self.forward:
            if isinstance(node, Leaf):
                values[node] = leaves[node] if node in leaves else self.of[node].value
            else:
                again = _Again(node, values)
                values[node] = again.out if again.known else None
            if values[node] is None:
                return None
        return values


class _Again:
    """A node with other values: what a rule reads of it."""

    def __init__(self, node: Node, values: Values) -> None:
        self.rule, self.kwargs, self.parents, self.shape, self.dtype = (
            node.rule, node.kwargs, node.parents, node.shape, node.dtype,
        )  # fmt: skip
        given = zip(node.args or (), node.parents, strict=True)
        self.args = tuple(arg if parent is None else values.get(parent) for arg, parent in given)
        self.known = not any(
            arg is None and parent is not None for arg, parent in zip(self.args, self.parents, strict=True)
        )
        self.known = (
            self.known and not any(isinstance(arg, Spec) for arg in self.args) and not isinstance(node.out, Several)
        )
        self.out = values.get(node)
        if self.out is None and self.known:
            self.out = self._called()

    def _called(self) -> Any:
        """Call the function again."""
        if self.rule.name == "operator.getitem":
            return np.asarray(self.args[0][tuple(self.args[1:])])  # type: ignore[index]
        function, args, kwargs = self.rule.called(list(self.args), self.kwargs or {})
        try:
            return np.asarray(function(*args, **kwargs))
        except (TypeError, ValueError):  # a form of the engine's own
            self.known = False
            return None
