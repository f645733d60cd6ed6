"""What is measured: the workloads, and the numbers that every contender starts from.

A contender is asked for a step and called with one tuple of `arguments` at a time. A training step updates its weights
and returns the loss before the update; a step of a `Chain` or of `Rosenbrock` returns a value and a derivative.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam: its authors' values, and every framework's defaults


@dataclass(frozen=True)
class Training:
    """A step of training an MLP: forward, loss, backward, update."""

    name: str
    sizes: tuple[int, ...]
    batch: int
    optimizer: str = "SGD"
    dtype: str = "float32"
    activation: str = "relu"
    lr: float = 0.01

    @property
    def binary(self) -> bool:
        """Return whether the loss is the log loss of one output; else it is the cross-entropy of logits."""
        return self.sizes[-1] == 1

    @property
    def rtol(self) -> float:
        """Return how closely losses must agree: sums in another order round differently."""
        return 2e-3 if self.dtype == "float32" else 1e-9

    @property
    def about(self) -> str:
        """Return the workload in a few words."""
        sizes = "-".join(map(str, self.sizes)) if len(self.sizes) < 9 else f"{len(self.sizes) - 1} layers of 64"
        return f"{sizes}, batch {self.batch}, {self.optimizer}, {self.dtype}"

    def weights(self) -> tuple[list[Any], list[Any]]:
        """Return fresh weights of shape (out, in), by He's rule, and biases."""
        rng = np.random.default_rng(0)
        weights = [rng.normal(0, np.sqrt(2 / i), (o, i)).astype(self.dtype) for i, o in pairwise(self.sizes)]
        return weights, [rng.normal(0, 0.1, o).astype(self.dtype) for o in self.sizes[1:]]

    def arguments(self) -> list[tuple[Any, Any]]:
        """Return three batches: samples in rows, and integer labels, or for the log loss a column of 0.0 and 1.0."""
        rng = np.random.default_rng(1)
        batches = []
        for _ in range(3):
            x = rng.normal(size=(self.batch, self.sizes[0])).astype(self.dtype)
            if self.binary:
                batches.append((x, rng.integers(0, 2, (self.batch, 1)).astype(self.dtype)))
            else:
                batches.append((x, rng.integers(0, self.sizes[-1], self.batch)))
        return batches


@dataclass(frozen=True)
class Chain:
    """A chain of 100 elementwise operations, c = c*b + a fifty times: the sum, and its gradient by the first c."""

    name: str
    size: int
    rtol: float = 1e-4
    times: int = 50

    @property
    def about(self) -> str:
        """Return the workload in a few words."""
        return f"100 operations, {self.size:,} element{'s' * (self.size > 1)}, float32"

    def arguments(self) -> list[tuple[Any, ...]]:
        """Return three times c, b, a."""
        rng = np.random.default_rng(2)
        limits = [(0.5, 1.5), (0.9, 1.0), (0.0, 0.1)]
        return [tuple(rng.uniform(*r, self.size).astype(np.float32) for r in limits) for _ in range(3)]


@dataclass(frozen=True)
class Scalars:
    """micrograd's demo: two moons, a 2-16-16-1 ReLU network, hinge loss + L2, every number an object of its own."""

    name: str = "scalars"
    points: int = 100
    lr: float = 0.1
    alpha: float = 1e-4
    rtol: float = 1e-6
    sizes: tuple[int, ...] = (2, 16, 16, 1)

    @property
    def about(self) -> str:
        """Return the workload in a few words."""
        return f"micrograd's demo: {self.points} points, {'-'.join(map(str, self.sizes))}, scalar by scalar"

    def weights(self) -> tuple[list[Any], list[Any]]:
        """Return weights uniform in (-1, 1) and biases 0, as micrograd's Neuron draws them."""
        rng = np.random.default_rng(1337)
        return [rng.uniform(-1, 1, (o, i)) for i, o in pairwise(self.sizes)], [np.zeros(o) for o in self.sizes[1:]]

    def data(self) -> tuple[list[list[float]], list[float]]:
        """Return two interleaved half circles with noise, and labels -1 and 1, as plain numbers."""
        rng = np.random.default_rng(1)
        half = self.points // 2
        t = np.linspace(0, np.pi, half)
        x = np.concatenate([np.c_[np.cos(t), np.sin(t)], np.c_[1 - np.cos(t), 0.5 - np.sin(t)]])
        return (x + rng.normal(0, 0.1, x.shape)).tolist(), [-1.0] * half + [1.0] * half

    def arguments(self) -> list[tuple[Any, ...]]:
        """Return nothing: as in the demo, a step closes over its data."""
        return [()]


@dataclass(frozen=True)
class Rosenbrock:
    """A second derivative of Rosenbrock's function of n numbers: all of it, or its product with a vector."""

    name: str
    n: int = 100
    rtol: float = 1e-9

    @property
    def about(self) -> str:
        """Return the workload in a few words."""
        return f"{'Hessian' if self.name == 'hessian' else 'Hessian-vector product'} of Rosenbrock, n={self.n}, float64"

    def arguments(self) -> list[tuple[Any, ...]]:
        """Return three times x, and a vector if one is to be multiplied."""
        rng = np.random.default_rng(3)
        pairs = [(rng.normal(size=self.n), rng.normal(size=self.n)) for _ in range(3)]
        return [(x,) for x, _ in pairs] if self.name == "hessian" else list(pairs)


Workload = Training | Chain | Scalars | Rosenbrock


def rosenbrock(x: Any) -> Any:
    """Return the sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2, of any library's array."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


MEDIUM, LARGE = (784, 128, 64, 10), (784, 512, 512, 10)
WORKLOADS: Sequence[Workload] = (
    Training("tiny", (2, 2, 2, 1), 1, activation="sigmoid", lr=0.1),
    Training("small", (64, 32, 10), 32),
    Training("small-adam", (64, 32, 10), 32, "Adam", lr=1e-3),
    Training("medium", MEDIUM, 64),
    Training("medium-f64", MEDIUM, 64, dtype="float64"),
    Training("large", LARGE, 128),
    Training("large-adam", LARGE, 128, "Adam", lr=1e-4),
    Training("xl", (1024, 2048, 2048, 1000), 256),
    Training("deep", (64,) * 33, 32),
    Chain("chain-1", 1),
    Chain("chain-100", 100),
    Chain("chain-10000", 10_000),
    Scalars(),
    Rosenbrock("hvp"),
    Rosenbrock("hessian"),
)
