"""The random networks that a backward pass is graded on, with all that the hand rule says of them.

Everything here has samples in rows, weights of shape (out, in) and delta = dE/dz; `Layout` turns it into the notation
that the student writes in, and `calls` turns the answers back.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from ..delta import ACTIVATIONS, Activation, DeltaNetwork

__all__ = ["ELEMENTWISE", "LAYOUTS", "Case", "Layout", "Task", "apply", "cases", "slope"]

Array = npt.NDArray[np.float64]

ELEMENTWISE = tuple(name for name in ACTIVATIONS if name not in ("softmax", "log_softmax"))
VARIED = ("sigmoid", "tanh", "relu", "identity")  # what a function is graded on that is told its activations
WIDTHS = (4, 5, 6, 7)  # never 2 or 3: a width, a number of samples and the factor 2 must not be taken for one another
OUTPUTS = (4, 5, 3, 1)

# (layers, whether all have one width, samples where there are several): the first one says most
SHAPES = ((3, False, 3), (2, False, 3), (4, True, 3), (1, False, 5), (4, False, 1), (2, True, 5), (3, True, 3),
          (3, False, 8))  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """How a notation lays out arrays: samples, weights, and the sign of its deltas."""

    samples: str  # "one": vectors; "rows": (n, in); "columns": (in, n)
    from_to: bool  # weights of shape (in, out), not (out, in)
    sign: int  # -1: Delta = -dE/dz

    def data(self, rows: Array) -> Array:
        """Return x, y, z or a as the notation has it."""
        return rows[0] if self.samples == "one" else rows.T if self.samples == "columns" else rows

    def weight(self, W: Array) -> Array:
        """Return a weight as the notation has it."""
        return W.T if self.from_to else W

    def bias(self, b: Array) -> Array:
        """Return a bias as the notation has it."""
        return b[:, None] if self.samples == "columns" else b


LAYOUTS = {  # what the three sources write
    "Y": Layout("one", False, 1),
    "M": Layout("columns", False, 1),
    "R": Layout("one", True, -1),
}


@dataclass(frozen=True)
class Task:
    """What all the random networks have in common."""

    loss: str
    hidden: tuple[str, ...]  # the activations to draw from
    output: tuple[str, ...]
    uniform: bool  # whether all layers of a network have one activation
    layers: int | None
    batches: bool
    biased: bool
    masked: bool
    learning_rate: float
    seed: int
    networks: int


def apply(name: str, z: Any) -> Array:
    """Return f(z), entry by entry, by the hand-written rules."""
    return Activation(name).forward(np.asarray(z, float))


def slope(name: str, z: Any, a: Any = None) -> Array:
    """Return f'(z), entry by entry, by the hand-written rules; some read it off a (R10), or what is given for it."""
    z = np.asarray(z, float)
    layer = Activation(name)
    return layer.backward(z, layer.forward(z) if a is None else a, np.ones_like(z))[0]


@dataclass(frozen=True, eq=False)
class Case:
    """A network, a batch, and its forward pass; layers are counted from 1, and item 0 of z and slopes is unused."""

    W: list[Array]  # item l - 1 is layer l's, as everywhere in nn.delta
    b: list[Array]
    names: list[str]
    masks: list[Array]
    loss: str
    learning_rate: float
    x: Array
    y: Array  # (n, out): one-hot rows for classes
    z: list[Array]
    a: list[Array]
    slopes: list[Array]  # f'(z^l); of a softmax, the diagonal of its Jacobian, a (1 - a)
    dJ_do: Array  # of the loss with factor 1/2, added up over samples
    deltas: list[Array]  # by the hand rule, of that loss

    @property
    def top(self) -> Array:
        """Return delta^L."""
        return self.deltas[-1]

    @property
    def depth(self) -> int:
        """How many layers of weights."""
        return len(self.W)

    @property
    def n(self) -> int:
        """How many samples."""
        return len(self.x)

    @property
    def square(self) -> bool:
        """Whether all layers have one width, so that a transposed weight still fits."""
        return all(W.shape == self.W[0].shape[:1] * 2 for W in self.W)

    def at(self, place: str, layer: int) -> Array | None:
        """Return f', or what stands in its place, at layer 1 to L; None where it does not exist."""
        if not 1 <= layer <= self.depth:
            return None
        f, z, a = self.names[layer - 1], self.z[layer - 1], self.a[layer]
        if place == "f":
            return a
        if place in ("sigmoid", "tanh"):  # the short form of another activation's f'
            return None if f in (place, "softmax") else slope(place, z, a)
        if place == "a" and f != "softmax":
            return slope(f, a)
        if place == "formula":  # R10's a (1 - a) and 1 - a^2 are of the output; here they get z
            return slope(f, z, z) if f in ("sigmoid", "tanh") else None
        return self.slopes[layer - 1] if place == "z" else None

    def without_biases(self) -> Case | None:
        """Return the case with a forward pass that leaves the biases out."""
        if not any(b.any() for b in self.b):
            return None
        try:
            return _forward(replace(self, b=[0 * b for b in self.b]))
        except ValueError:  # a loss that is not defined there
            return None

    def without_output_activation(self) -> Case | None:
        """Return the case with a forward pass that stops at z^L."""
        if self.names[-1] == "identity" or self.loss != "squared_error":
            return None
        return _forward(replace(self, names=[*self.names[:-1], "identity"]))


def _forward(case: Case) -> Case:
    net = DeltaNetwork(case.W, case.b, case.names, case.loss, factor=0.5, reduction="sum")
    z, a = net.forward(case.x)[:2]
    ends = DeltaNetwork([np.eye(len(case.W[-1]))], None, ["identity"], case.loss, factor=0.5, reduction="sum")
    if case.loss == "squared_error":
        dJ_do = a[-1] - case.y
    else:
        dJ_do = ends.deltas(a[-1], case.y)[0]
    slopes = [
        a_l * (1 - a_l) if f == "softmax" else slope(f, z_l) for f, z_l, a_l in zip(case.names, z, a[1:], strict=True)
    ]
    return replace(
        case, z=list(z), a=list(a), slopes=slopes, dJ_do=np.asarray(dJ_do), deltas=list(net.deltas(case.x, case.y))
    )


@functools.lru_cache(maxsize=64)
def cases(task: Task) -> tuple[Case, ...]:
    """Return the random networks of a task; the same task gives the same ones."""
    rng = np.random.default_rng(task.seed)
    found: list[Case] = []
    for k in range(task.networks):
        depth, square, n = SHAPES[k % len(SHAPES)]
        if task.layers is not None:
            depth = task.layers
        for _ in range(200):
            case = _draw(task, rng, depth, square, n if task.batches else 1, k)
            if _tells(case):
                break
        found.append(case)
    return tuple(found)


def _draw(task: Task, rng: np.random.Generator, depth: int, square: bool, n: int, k: int) -> Case:
    widths = [int(rng.choice(WIDTHS))]
    while len(widths) < depth:
        widths.append(widths[0] if square else int(rng.choice([w for w in WIDTHS if w != widths[-1]])))
    outputs = [m for m in OUTPUTS if m != widths[-1] and (m > 1 or task.loss != "cross_entropy")]
    widths.append(widths[0] if square else outputs[k // 2 % len(outputs)])
    if task.uniform:
        f = task.hidden[k % len(task.hidden)]
        names = [f] * (depth - 1) + [f if not task.output else task.output[k % len(task.output)]]
    else:
        names = [str(rng.choice(task.hidden)) for _ in range(depth - 1)] + [str(rng.choice(task.output or task.hidden))]
    W = [rng.normal(size=(out, n_in)) * 1.5 / np.sqrt(n_in) for n_in, out in pairwise(widths)]
    masks = [np.ones(w.shape) for w in W]
    if task.masked:
        masks = [(rng.random(w.shape) < 0.75).astype(float) for w in W]
        W = [w * mask for w, mask in zip(W, masks, strict=True)]
    b = [rng.normal(size=len(w)) * (0.5 if task.biased else 0.0) for w in W]
    x, m = rng.normal(size=(n, widths[0])), widths[-1]
    if task.loss == "cross_entropy":
        y = np.eye(m)[rng.integers(m, size=n)]
    elif task.loss == "binary_cross_entropy":
        y = rng.integers(2, size=(n, m)).astype(float)
    else:
        y = rng.uniform(-1, 2, size=(n, m))
    empty: list[Array] = []
    case = Case(W, b, names, masks, task.loss, task.learning_rate, x, y, empty, empty, empty, y, empty)
    return _forward(case)


def _tells(case: Case) -> bool:
    """Return whether every layer has an f' that is not 0 everywhere, and none sits next to a ReLU's kink."""
    return (
        all(np.abs(s).max() > 0.05 and np.any(s, axis=1).all() for s in case.slopes)
        and min(np.abs(z).min() for z in case.z) > 1e-3
        and float(np.abs(case.top).max()) > 1e-3
    )
