"""The rule of each array of a network's backward pass, in the words of `nn.notation`."""

from __future__ import annotations

from typing import Any

from ..layers import BatchNorm1d, Dropout, Flatten, LayerNorm, Linear
from ..notation import (
    Dropped,
    Expression,
    Jacobian,
    Normalized,
    Outputs,
    Rule,
    Slope,
    Total,
    Weighted,
)
from .loss import Loss
from .reading import HAND_ACTIVATIONS, Network

__all__ = ["Rules"]


class Rules:
    """Writes the rules of one network under one loss."""

    def __init__(self, network: Network, loss: Loss, o: Any, y: Any) -> None:
        self.network, self.loss, self.o, self.y = network, loss, o, y
        self.last = len(network.nodes)

    def of(self, step: int) -> dict[str, Rule]:
        """Return the rules of a Linear layer or a normalization: of its values' cotangent, and of its parameters."""
        node, common = self.network.nodes[step - 1], {"output": self.ends(step), "branched": self.network.branched}
        samples = self.o.ndim > 1
        found = {"delta": Rule("delta", node.point, self.cotangent(step), samples, **common)}
        if isinstance(node.module, Linear):
            inputs = self.network.point(node.sources[0])
            found["weight"] = Rule("W", node.point, inputs, samples, **common)
            found["bias"] = Rule("b", node.point, None, samples, **common)
        else:
            found["weight"] = Rule("gamma", node.point, None, samples, **common)
            found["bias"] = Rule("beta", node.point, None, samples, **common)
        return found

    def ends(self, step: int) -> bool:
        """Return whether no weights come after a step."""
        users = self.network.users(step)
        return not any(isinstance(self.network.nodes[i - 1].module, Linear) or not self.ends(i) for i in users)

    def cotangent(self, step: int) -> Expression:
        """Return dE/d(what a step returns), expanded up to the cotangents that have names."""
        terms: list[Expression] = [self.through(user) for user in self.network.users(step)]
        if step == self.last:
            joined = self.loss.contained is not None
            terms.append(self.outputs(step, joined))
        return terms[0] if len(terms) == 1 else Total(tuple(terms))

    def outputs(self, step: int, joined: bool) -> Outputs:
        """Return dJ/do, or the delta where the last activation is part of the loss."""
        return self.loss.outputs(self.network.point(step), joined, self.o, self.y)

    def through(self, step: int) -> Expression:
        """Return the cotangent of a step's result, sent back to what it takes."""
        node = self.network.nodes[step - 1]
        module, source = node.module, self.network.point(node.sources[0])
        if isinstance(module, Linear):
            return Weighted(node.point)
        if isinstance(module, BatchNorm1d):
            over = "batch" if module.training or module.running_mean is None else "running"
            return Normalized(over, node.point, module.weight is not None)
        if isinstance(module, LayerNorm):
            return Normalized("sample", node.point, module.weight is not None)
        if isinstance(module, Dropout):
            return Dropped(node.point, 1 - module.p, self.cotangent(step))
        if module is None or isinstance(module, Flatten):
            return self.cotangent(step)
        name = HAND_ACTIVATIONS[type(module)]  # type: ignore[index]
        if step == self.last and self.loss.contained is None and self.loss.joins(name):
            return self.outputs(step, True)
        if name in ("softmax", "log_softmax"):
            return Jacobian(name, source, node.point, self.cotangent(step))
        return Slope(name, source, self.cotangent(step))
