"""How many elements a layer has, from its arguments alone: a file cannot ask for the memory of one that it lacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from operator import index
from typing import Any

__all__ = ["SIZES", "size_of"]


def _linear(config: Mapping[str, Any]) -> int:
    return index(config["n_out"]) * (index(config["n_in"]) + bool(config["bias"]))


def _batch_norm(config: Mapping[str, Any]) -> int:
    tracked = bool(config["track_running_stats"])
    return 2 * index(config["num_features"]) * (bool(config["affine"]) + tracked) + tracked


def _layer_norm(config: Mapping[str, Any]) -> int:
    learned = bool(config["elementwise_affine"]) * (1 + bool(config["bias"]))
    return math.prod(map(index, config["normalized_shape"])) * learned


def _mlp(config: Mapping[str, Any]) -> int:
    sizes = [index(size) for size in config["sizes"]]
    normalized = sum(4 * size + 1 - size for size in sizes[1:-1]) if config["batch_norm"] else 0  # and no bias
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes)) + normalized


SIZES: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "BatchNorm1d": _batch_norm,
    "Embedding": lambda config: index(config["num_embeddings"]) * index(config["embedding_dim"]),
    "LayerNorm": _layer_norm,
    "Linear": _linear,
    "MLP": _mlp,
}


def size_of(name: str, config: Mapping[str, Any]) -> int:
    """Return how many elements a layer of nn's has, beside those of the modules among its arguments."""
    return SIZES[name](config) if name in SIZES else 0
