"""The network that `nn.delta` differentiates by hand, built of a model's steps."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_mini as ag

from .. import delta
from ..layers import Activation, BatchNorm1d, Dropout, Flatten, LayerNorm, Linear
from .loss import Loss
from .reading import HAND_ACTIVATIONS, Forward, Network, Node

__all__ = ["sweep"]


def sweep(
    network: Network, forward: Forward, x: Any, y: Any, loss: Loss, dtype: Any = None
) -> tuple[Any, dict[int, delta.Record]]:
    """Return the outputs, and what the sweep by hand found at each step; in floats of a dtype, or the model's."""
    layers = {i: _layer(i, node, forward, dtype) for i, node in enumerate(network.nodes, 1) if node.module is not None}
    chain = _chain(network, layers, 0, len(network.nodes))
    if loss.contained is not None:
        chain.append(delta.Activation(loss.contained))
    keywords = {k: v.numpy() if isinstance(v, ag.Tensor) else v for k, v in loss.keywords.items()}
    net = delta.DeltaNetwork.of(chain, loss.name, **keywords)
    records = net.sweep(x, y)
    found = {id(record.layer): record for record in records}
    return net.predict(x), {i: found[id(layer)] for i, layer in layers.items() if id(layer) in found}


def _chain(network: Network, layers: dict[int, delta.Layer], start: int, end: int) -> list[delta.Layer]:
    """Return the layers that lead from one step's value to another's."""
    found: list[delta.Layer] = []
    while end != start:
        node = network.nodes[end - 1]
        if node.module is None:
            inside, around = (_chain(network, layers, node.entry, source) for source in node.sources)
            found.append(delta.Skip(inside or [delta.Activation("identity")], around))
            end = node.entry
        else:
            found.append(layers[end])
            end = node.sources[0]
    return found[::-1]


def _layer(step: int, node: Node, forward: Forward, dtype: Any) -> delta.Layer:
    module: Any = node.module
    if isinstance(module, Linear):
        return delta.Dense(_data(module.weight, dtype), _data(module.bias, dtype), module.mask)
    if isinstance(module, Dropout):
        return delta.Dropout(forward.kept[step], module.p)
    if isinstance(module, Flatten):
        return delta.Flatten()
    if isinstance(module, Activation):
        return delta.Activation(HAND_ACTIVATIONS[type(module)], **module.config())
    gamma, beta, shape = _data(module.weight, dtype), _data(module.bias, dtype), forward.values[step].shape
    if isinstance(module, LayerNorm):
        return delta.LayerNorm(gamma, beta, module.eps, axes=len(module.normalized_shape))
    assert isinstance(module, BatchNorm1d)
    if len(shape) != 2:
        raise ValueError(
            f"compare: layer {node.place} ({module!r}) got an array of shape {shape}, but its hand-derived rule takes "
            "shape (n, features). Put nn.Flatten() before it, and give it as many features."
        )
    if module.training or module.running_mean is None or module.running_var is None:
        return delta.BatchNorm(gamma, beta, module.eps)
    mean, variance = _data(module.running_mean, dtype), _data(module.running_var, dtype)
    return delta.BatchNorm(gamma, beta, module.eps, mean=mean, variance=variance)


def _data(parameter: Any, dtype: Any) -> Any:
    return None if parameter is None else np.asarray(parameter.data, dtype)
