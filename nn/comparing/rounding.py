"""How large the terms were that a normalization took away on the way back: what their rounding may have left."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..delta import Record
from ..layers import Activation, BatchNorm1d, LayerNorm, Linear
from .reading import HAND_ACTIVATIONS, Network

__all__ = ["lost_terms"]


def lost_terms(network: Network, records: dict[int, Record]) -> list[Any]:
    """Return, step by step, the size of the terms that have cancelled in the cotangent of its values, entry by entry.

    A normalization takes away the mean of what comes back, and its part along the normalized values; little may be left
    of it. What rounding has left of the terms passes on through weights and slopes as the cotangents do: with their
    sizes, since nobody knows its sign. Without a normalization it is 0.
    """
    found: list[Any] = [0.0] * (len(network.nodes) + 1)
    for step in range(len(network.nodes), 0, -1):
        node, record = network.nodes[step - 1], records.get(step)
        back = found[step] if node.module is None else 0.0
        if record is not None and record.u is not None:
            back = _sent_back(node.module, record, np.broadcast_to(found[step], record.u.shape))
        for source in node.sources:
            found[source] = found[source] + back
    return found


def _sent_back(module: Any, record: Record, size: Any) -> Any:
    """Return sizes behind a layer, sent back through it."""
    if isinstance(module, Linear):
        weight = module.weight.data if module.mask is None else module.weight.data * module.mask
        return size @ np.abs(weight)
    if isinstance(module, (BatchNorm1d, LayerNorm)):
        return _normalized(module, record, size)
    if not isinstance(module, Activation):
        return record.layer.backward(record.x, record.y, size)[0]  # dropout, flattening
    name, a = HAND_ACTIVATIONS[type(module)], record.y
    if name in ("softmax", "log_softmax"):
        p = a if name == "softmax" else np.exp(a)
        total = (size * (p if name == "softmax" else 1)).sum(axis=-1, keepdims=True)
        return p * (size + total) if name == "softmax" else size + p * total
    return np.abs(record.layer.backward(record.x, a, np.ones_like(a))[0]) * size


def _normalized(module: BatchNorm1d | LayerNorm, record: Record, size: Any) -> Any:
    gamma = 1.0 if module.weight is None else np.abs(module.weight.data)
    if isinstance(module, BatchNorm1d) and not module.training and module.running_var is not None:
        return gamma * size / np.sqrt(module.running_var.numpy() + module.eps)
    axes = (0,) if isinstance(module, BatchNorm1d) else tuple(range(-len(module.normalized_shape), 0))
    x, u = record.x, record.u
    assert u is not None
    deviation = np.sqrt(np.var(x, axis=axes, keepdims=True) + module.eps)
    hat = np.abs(x - np.mean(x, axis=axes, keepdims=True)) / deviation
    v = gamma * (np.abs(u) + size)
    along = np.mean(v * hat, axis=axes, keepdims=True)
    return (v + np.mean(v, axis=axes, keepdims=True) + hat * along) / deviation
