"""E as a plain function of one array, on float64 copies: what the finite differences perturb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..layers import ELU, Activation, BatchNorm1d, Dropout, Flatten, LayerNorm, LeakyReLU, Linear, ReLU, Softplus
from ..layers.normalization import standardized
from .loss import Loss
from .reading import Forward, Network, Node
from .slopes import Place

__all__ = ["Evaluation"]

Function = Callable[..., Any]


class Evaluation:
    """The forward pass in float64, step by step, with each kink's side held: E as a function of any one array in it."""

    def __init__(self, network: Network, forward: Forward, x: Any, y: Any, loss: Loss) -> None:
        self.network = network
        self.parameters = [_parameters(node.module) for node in network.nodes]
        self.values: list[Any] = [x.astype(float)]
        self.functions: list[Function] = []
        for i, node in enumerate(network.nodes, 1):
            inputs = [self.values[source] for source in node.sources]
            self.functions.append(_function(node, inputs[0], forward.kept.get(i)))
            self.values.append(self.functions[-1](*inputs, **self.parameters[i - 1]))
        self.loss = loss.smooth(self.values[-1], y)

    def places(self, step: int) -> dict[str, Place]:
        """Return E as a function of a step's values and of each of its parameters."""
        node, own = self.network.nodes[step - 1], self.parameters[step - 1]
        inputs, values = [self.values[source] for source in node.sources], self.values[step]
        width = self._width(step)
        found = {"delta": Place(lambda v: self._from(step, v), values, width)}
        for name, parameter in own.items():

            def of(p: Any, name: str = name) -> Any:
                return self._from(step, self.functions[step - 1](*inputs, **{**own, name: p}))

            reach = 1.0
            if name == "weight":  # of a normalization, its inputs have a size of about 1
                reach = float(np.max(np.abs(inputs[0]))) if isinstance(node.module, Linear) else 1.0
            found[name] = Place(of, parameter, width / (reach or 1.0))
        return found

    def _width(self, step: int) -> float:
        """Return how much a step's values may move: 1, or before a normalization the deviation that it divides by."""
        widths = [1.0]
        for user in self.network.users(step):
            module = self.network.nodes[user - 1].module
            if isinstance(module, (BatchNorm1d, LayerNorm)):
                axis = 0 if isinstance(module, BatchNorm1d) else -1
                widths.append(float(np.min(np.sqrt(np.var(self.values[step], axis=axis) + module.eps))))
        return min(widths)

    def _from(self, step: int, value: Any) -> Any:
        """Return E where a step returns something else."""
        found = {step: value}
        for i in range(step + 1, len(self.values)):
            sources = self.network.nodes[i - 1].sources
            if any(source in found for source in sources):
                inputs = [found.get(source, self.values[source]) for source in sources]
                found[i] = self.functions[i - 1](*inputs, **self.parameters[i - 1])
        return self.loss(found[len(self.values) - 1])


def _parameters(module: Any) -> dict[str, Any]:
    """Return float64 copies of a step's parameters."""
    if not isinstance(module, (Linear, BatchNorm1d, LayerNorm)):
        return {}
    both = {"weight": module.weight, "bias": module.bias}
    return {name: p.data.astype(float) for name, p in both.items() if p is not None}


def _function(node: Node, at: Any, kept: Any) -> Function:
    """Return what a step computes, as a function of its input and its parameters."""
    module = node.module
    if isinstance(module, Linear):
        mask = module.mask
        return lambda a, weight, bias=0.0: a @ (weight if mask is None else weight * mask).T + bias
    if isinstance(module, (BatchNorm1d, LayerNorm)):
        normalized = _normalized(module)
        return lambda x, weight=1.0, bias=0.0: normalized(x) * weight + bias
    if isinstance(module, Dropout):
        keep = 1 - module.p
        return lambda a: a * kept / keep
    if isinstance(module, Flatten):
        return lambda a: a.reshape(len(a), -1)
    return _piece(module, at) if isinstance(module, Activation) else lambda a, b: a + b


def _normalized(module: BatchNorm1d | LayerNorm) -> Function:
    eps = module.eps
    if isinstance(module, LayerNorm):
        axes = tuple(range(-len(module.normalized_shape), 0))
        return lambda x: standardized(x, axes, eps)[0]
    if module.training or module.running_mean is None or module.running_var is None:
        return lambda x: standardized(x, (0,), eps)[0]
    mean, var = (buffer.numpy().astype(float) for buffer in (module.running_mean, module.running_var))
    return lambda x: (x - mean) / np.sqrt(var + eps)


def _piece(activation: Activation, at: Any) -> Function:
    """Return an activation as a smooth function: of one with a kink, the piece on which each unit stands."""
    if isinstance(activation, ReLU):
        return lambda z: np.where(at > 0, z, 0)
    if isinstance(activation, LeakyReLU):
        slope = activation.negative_slope
        return lambda z: np.where(at > 0, z, slope * z)
    if isinstance(activation, ELU):
        alpha = activation.alpha
        return lambda z: np.where(at > 0, z, alpha * np.expm1(z))
    if isinstance(activation, Softplus):
        beta, line = activation.beta, activation.beta * at > activation.threshold
        return lambda z: np.where(line, z, np.logaddexp(0, beta * z) / beta)
    function, options = activation.function, activation.config()
    return lambda z: function(z, **options)
