"""The textbooks' backpropagation, derived by hand and written out in NumPy, without any autodiff.

delta^l is dE/dz^l. The equations count layers from 1 to L (the matrix note counts the input as layer 1, the others
do not); in lists, layer l is item l - 1, except that the activations start with the input: ``a[l]`` is a^l, ``a[0]``
is x. Weights have shape (out, in): w_ij leads to i, from j. Samples lie in rows, so W a + b reads ``a @ W.T + b`` and
W^T delta reads ``delta @ W``.
Comments name the claim a line carries: Y (Yehoshua), M (the matrix note), R (the note on Russell and Norvig).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "ACTIVATIONS",
    "DeltaNetwork",
    "ForwardPass",
    "LOSSES",
    "augment_inputs",
    "augment_weights",
    "deltas_by_index",
    "from_to_update",
    "gradients_by_index",
]

Array = npt.NDArray[Any]
Gradients = tuple[list[Array], list[Array | None]]


def _sigmoid(z: Array) -> Array:
    e: Array = np.exp(-np.abs(z))  # 1 / (1 + exp(-z)), written so that it cannot overflow
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def _log_softmax(z: Array) -> Array:
    s: Array = z - z.max(axis=-1, keepdims=True)  # exp(s) <= 1 cannot overflow
    return np.asarray(s - np.log(np.exp(s).sum(axis=-1, keepdims=True)))


# name: a = f(z), and u * f'(z) for an upstream vector u = dE/da; f'(z) is read from the output a alone (R10)
_ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array, Array], Array]]] = {
    "identity": (lambda z: z, lambda a, u: u),
    "sigmoid": (_sigmoid, lambda a, u: u * (a * (1 - a))),  # Y9, R10: f' = f (1 - f)
    "tanh": (np.tanh, lambda a, u: u * (1 - a * a)),
    "relu": (lambda z: np.maximum(z, 0), lambda a, u: u * (a > 0)),  # R10: 1 if z > 0, else 0
    "softmax": (
        lambda z: np.exp(_log_softmax(z)),
        lambda a, u: a * (u - (a * u).sum(axis=-1, keepdims=True)),  # Y10: (diag(a) - a a^T) u
    ),
}

# name: the terms of J(y, o), summed over outputs (Y4), and dJ/do; c is the squared error's factor (M2, R5)
_LOSSES: dict[str, tuple[Callable[[Array, Array, float], Array], Callable[[Array, Array, float], Array]]] = {
    "squared_error": (lambda o, y, c: c * (o - y) ** 2, lambda o, y, c: 2 * c * (o - y)),
    "binary_cross_entropy": (
        lambda o, y, c: -(y * np.log(o) + (1 - y) * np.log(1 - o)),
        lambda o, y, c: (o - y) / (o * (1 - o)),
    ),
    "cross_entropy": (lambda o, y, c: -y * np.log(o), lambda o, y, c: -y / o),
}

# Pairs whose output delta is o - y (Y10), with J's terms read from z: exact even where o rounds to 0 or 1.
# Identity with squared error needs no entry: the general rule gives 2 c (o - y), which is o - y at c = 1/2.
_COMBINED: dict[tuple[str, str], Callable[[Array, Array], Array]] = {
    ("sigmoid", "binary_cross_entropy"): lambda z, y: y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z),
    ("softmax", "cross_entropy"): lambda z, y: -y * _log_softmax(z),
}

ACTIVATIONS = tuple(sorted(_ACTIVATIONS))
LOSSES = tuple(sorted(_LOSSES))


class ForwardPass(NamedTuple):
    """What the forward pass stores for the backward pass (R7): ``z`` per layer; ``a``, with ``a[0] = x``."""

    z: list[Array]
    a: list[Array]


class DeltaNetwork:
    """A multi-layer perceptron with the delta rule, for any depth, activation and loss.

    ``z^l = W^l a^(l-1) + b^l``, ``a^l = f(z^l)``; ``delta^L = dJ/do * f'(z^L)``,
    ``delta^l = f'(z^l) * (W^(l+1))^T delta^(l+1)``; ``dE/dw_ij = delta_i a_j``, ``dE/db_i = delta_i``.

    Parameters
    ----------
    weights : list of (out, in) arrays, copied. Their dtype is the network's; integers become float64.
    biases : list of (out,) arrays, copied, or None for a layer without; None for no biases at all.
    activations : list of names from `ACTIVATIONS`, one per layer.
    loss : name from `LOSSES`, a loss of the outputs o. ``cross_entropy`` takes o for probabilities (end in a
        softmax) and y for integer labels or for one distribution per sample, such as a one-hot row.
    masks : list of (out, in) arrays of 0 and 1, or None for a full layer; None for no masks. A 0 means
        no connection: whatever was given, its weight is 0, its gradient is 0, no step moves it (Y14).
    factor : the squared error is ``factor * sum (o - y)^2``: 0.5 in M2, 1 in R5. Other losses do not use it.
    reduction : ``"mean"`` or ``"sum"`` over the samples (Y4, Y6, M8); over the outputs a loss is summed.

    Raises
    ------
    ValueError
        For unknown names, shapes that do not fit, and outputs or targets where the loss is not defined.

    Notes
    -----
    In all methods x is one sample, (in,), or a batch in rows, (n, in); y has the outputs' shape, (out,) or
    (n, out), or, as labels, () or (n,). `weights` and `biases` are the network's own, writable arrays.
    Sources: Y1-Y13, M1-M8.

    Examples
    --------
    >>> weights, biases = [[[0.5, -0.5]], [[2.0]]], [[0.1], None]
    >>> net = DeltaNetwork(weights, biases, ["tanh", "sigmoid"], "binary_cross_entropy")
    >>> for _ in range(3):
    ...     print(round(net.step([1.0, 0.0], [1.0], learning_rate=0.5), 4))
    0.2939
    0.1939
    0.1637
    """

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike],
        biases: Sequence[npt.ArrayLike | None] | None,
        activations: Sequence[str],
        loss: str,
        masks: Sequence[npt.ArrayLike | None] | None = None,
        *,
        factor: float = 0.5,
        reduction: str = "mean",
    ) -> None:
        for name, values in (("weights", weights), ("biases", biases), ("activations", activations), ("masks", masks)):
            if values is not None or name in ("weights", "activations"):
                _listed(f"DeltaNetwork: {name}", values)
        self.activations, self.loss = list(activations), _known("DeltaNetwork: loss", loss, LOSSES)
        self.reduction = _known("DeltaNetwork: reduction", reduction, ("mean", "sum"))
        self.factor = _positive(
            "DeltaNetwork: factor", factor, "the squared error needs a positive, finite one", np.inf
        )
        biases = [None] * len(weights) if biases is None else biases
        masks = [None] * len(weights) if masks is None else masks
        if not 0 < len(weights) == len(biases) == len(self.activations) == len(masks):
            raise ValueError(
                f"DeltaNetwork: got {len(weights)} weights, {len(biases)} biases, {len(self.activations)} "
                f"activations, {len(masks)} masks: give one of each for every layer, in lists."
            )
        given = [_real(f"DeltaNetwork, layer {layer}: weights", W) for layer, W in enumerate(weights, 1)]
        dtype = np.result_type(*given)
        self.dtype = dtype if dtype.kind == "f" else np.dtype(float)
        self.weights: list[Array] = []
        self.biases: list[Array | None] = []
        self.masks: list[Array] = []
        for layer, (W, b, f, mask) in enumerate(zip(given, biases, self.activations, masks, strict=True), 1):
            _known(f"DeltaNetwork, layer {layer}: activation", f, ACTIVATIONS)
            _check_chain(layer, W, self.weights)
            place = f"DeltaNetwork, layer {layer}"
            mask = _shaped(f"{place}: mask", np.ones(W.shape) if mask is None else mask, W.shape)
            if not np.isin(mask, (0, 1)).all():
                raise ValueError(f"{place}: mask must hold only 1 (connected) and 0 (absent), and holds other numbers.")
            self.masks.append(mask.astype(bool))
            self.weights.append(np.where(mask, W, 0).astype(self.dtype))
            self.biases.append(None if b is None else _shaped(f"{place}: bias", b, W.shape[:1]).astype(self.dtype))

    # The algorithm, in its three phases (Y3): forward, backward (deltas, gradients), step.

    def forward(self, x: npt.ArrayLike) -> ForwardPass:
        """Return every layer's ``z^l = W^l a^(l-1) + b^l`` and ``a^l = f(z^l)``; the input is a^0.

        Sources: Y1, M1, R1. The matrix note's eq. (2) has Z and A in each other's place; f acts on z.

        >>> DeltaNetwork([[[1.0, 2.0]]], [[-9.0]], ["relu"], "squared_error").forward([3.0, 4.0])
        ForwardPass(z=[array([2.])], a=[array([3., 4.]), array([2.])])
        """
        z, a = [], [self._input(x)]
        for W, b, name in zip(self.weights, self.biases, self.activations, strict=True):
            f, _ = _ACTIVATIONS[name]
            z.append(a[-1] @ W.T + (0 if b is None else b))  # Y1, M1, R1: z_i = sum_j w_ij a_j + b_i
            a.append(f(z[-1]))  # Y1, M1, R1: a_i = f(z_i)
        return ForwardPass(z, a)

    def _backward(self, a: list[Array], y: npt.ArrayLike) -> list[Array]:
        o, y = a[-1], self._target(a[-1], y)
        if (self.activations[-1], self.loss) in _COMBINED:
            delta = [(o - y) * self._share(o)]  # Y10: delta^L = o - y
        else:
            dJ_do = self._slope(o, y) * self._share(o)
            delta = [_through(self.activations[-1], o, dJ_do)]  # Y10, M3: delta^L = dJ/do * f'(z^L)
        for k in range(len(self.weights) - 1, 0, -1):
            u = delta[0] @ self.weights[k]  # Y8, M4: u_i = sum_j w_ji^(l+1) delta_j^(l+1), W^T delta
            delta.insert(0, _through(self.activations[k - 1], a[k], u))  # Y8, M4: delta^l = f'(z^l) * u
        return delta

    def gradients(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Gradients:
        """Return (dE/dW per layer, dE/db per layer), in the parameters' shapes; None where there is no bias.

        ``dE/dw_ij = delta_i a_j`` and ``dE/db_i = delta_i``, added up over a batch. Sources: Y6, Y7, M5, M6.

        >>> net = DeltaNetwork([[[1.0, 2.0]]], [[0.0]], ["identity"], "squared_error")
        >>> net.gradients([3.0, 4.0], [10.0])  # delta = 11 - 10
        ([array([[3., 4.]])], [array([1.])])
        """
        a = self.forward(x).a
        delta = [np.atleast_2d(d) for d in self._backward(a, y)]
        dW = [
            np.where(mask, d.T @ np.atleast_2d(a_in), 0)  # Y7, M5: dE/dw_ij = delta_i a_j; Y6: rows add up
            for d, a_in, mask in zip(delta, a[:-1], self.masks, strict=True)
        ]
        db = [
            None if b is None else d.sum(axis=0)  # M6: dE/db_i = delta_i; Y6: rows add up
            for d, b in zip(delta, self.biases, strict=True)
        ]
        return dW, db

    def step(self, x: npt.ArrayLike, y: npt.ArrayLike, learning_rate: float) -> float:
        """Take one gradient-descent step in place and return the error before it.

        ``w_ij <- w_ij - learning_rate * delta_i a_j``. Sources: Y3, Y11, M8. A learning rate above Y11's
        0 < alpha < 1 is accepted, so that its failure can be seen (R11); 0 or less raises ValueError.

        >>> net = DeltaNetwork([[[1.0, 2.0]]], [[0.0]], ["identity"], "squared_error")
        >>> net.step([3.0, 4.0], [10.0], learning_rate=0.5), net.weights, net.biases
        (0.5, [array([[-0.5,  0. ]])], [array([-0.5])])
        """
        _positive(
            "net.step: learning_rate", learning_rate, "must be positive and finite (Y11: between 0 and 1)", np.inf
        )
        error, (dW, db) = self.error(x, y), self.gradients(x, y)
        for W, slope in zip(self.weights, dW, strict=True):
            W -= learning_rate * slope  # Y11: w_ij <- w_ij - alpha delta_i a_j
        for b, b_slope in zip(self.biases, db, strict=True):
            if b is not None and b_slope is not None:
                b -= learning_rate * b_slope  # Y11 with a_0 = 1 (Y2)
        return error

    # What is read off it.

    def predict(self, x: npt.ArrayLike) -> Array:
        """Return the outputs ``o = a^L``, of shape (out,) or (n, out). Source: Y1.

        >>> print(DeltaNetwork([[[1.0], [2.0]]], None, ["identity"], "squared_error").predict([[3.0], [4.0]]))
        [[3. 6.]
         [4. 8.]]
        """
        return self.forward(x).a[-1]

    def error(self, x: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Return E, the loss J(y, o) averaged or summed over the samples. Sources: Y4, M2, R5.

        >>> net = DeltaNetwork([[[1.0]]], None, ["identity"], "squared_error")
        >>> net.error([[3.0], [5.0]], [[1.0], [1.0]])  # (2^2/2 + 4^2/2) / 2
        5.0
        """
        z, a = self.forward(x)
        o, y = a[-1], self._target(a[-1], y)
        if (self.activations[-1], self.loss) in _COMBINED:
            J = _COMBINED[self.activations[-1], self.loss](z[-1], y)
        else:
            self._check_outputs(o)
            J = _LOSSES[self.loss][0](o, y, self.factor)
        return float(J.sum() * self._share(o))

    def deltas(self, x: npt.ArrayLike, y: npt.ArrayLike) -> list[Array]:
        """Return ``delta^l = dE/dz^l`` per layer, in z's shape, a mean's 1/n included.

        ``delta^L = dJ/do * f'(z^L)``, ``delta^l = f'(z^l) * (W^(l+1))^T delta^(l+1)``.
        Sources: Y8, Y10, M3, M4.

        >>> net = DeltaNetwork([[[1.0, 2.0]]], None, ["sigmoid"], "binary_cross_entropy")
        >>> print(net.deltas([[2.0, -1.0], [0.0, 0.0]], [[1.0], [0.0]])[0])  # (0.5 - 1) / 2, (0.5 - 0) / 2
        [[-0.25]
         [ 0.25]]
        """
        return self._backward(self.forward(x).a, y)

    def negative_deltas(self, x: npt.ArrayLike, y: npt.ArrayLike) -> list[Array]:
        """Return ``Delta^l = -delta^l`` per layer, in the sign of R2 and R3 (their very Delta at factor 0.5).

        >>> net = DeltaNetwork([[[1.0, 2.0]]], None, ["identity"], "squared_error")
        >>> net.negative_deltas([3.0, 4.0], [10.0])  # y - o
        [array([-1.])]
        """
        return [-delta for delta in self.deltas(x, y)]

    # Checks and small pieces.

    def _share(self, o: Array) -> float:
        return 1 / len(o) if self.reduction == "mean" and o.ndim == 2 else 1.0  # M8: the mean's 1/n

    def _slope(self, o: Array, y: Array) -> Array:
        self._check_outputs(o)
        return _LOSSES[self.loss][1](o, y, self.factor)  # dJ/do

    def _check_outputs(self, o: Array) -> None:
        if self.loss == "squared_error":
            return
        binary = self.loss == "binary_cross_entropy"
        inside = (o > 0) & ((o < 1) if binary else (o <= 1))
        if not inside.all():
            need = "(0, 1): make the last layer a sigmoid." if binary else "(0, 1]: make the last layer a softmax."
            raise ValueError(
                f"DeltaNetwork: {self.loss} takes outputs for probabilities, but these {self.activations[-1]} outputs "
                f"run from {o.min():.4g} to {o.max():.4g}; they must lie in {need}"
            )

    def _input(self, x: npt.ArrayLike) -> Array:
        a, n_in = _real("DeltaNetwork: x", x), self.weights[0].shape[1]
        if a.ndim not in (1, 2) or a.shape[-1] != n_in or a.size == 0:
            hint = "; for one input per sample use x.reshape(-1, 1)" if n_in == a.ndim == 1 else ""
            raise ValueError(
                f"DeltaNetwork, layer 1: x has shape {a.shape}, but the layer has {n_in} inputs: give one "
                f"sample of shape ({n_in},), or n >= 1 in rows, of shape (n, {n_in}){hint}."
            )
        return a.astype(self.dtype)

    def _target(self, o: Array, y: npt.ArrayLike) -> Array:
        """Return y in o's shape and dtype, labels as one-hot rows; raise where it would need broadcasting."""
        t, classes = _real("DeltaNetwork: y", y), self.loss == "cross_entropy"
        if classes and t.shape == o.shape[:-1]:
            t = _one_hot(t, o.shape[-1])
        elif t.shape != o.shape:
            fix = "give one target per output, samples in rows"
            if t.T.shape == o.shape:
                fix = "use y.T"
            elif t.size == o.size and t.ndim != o.ndim:
                fix = f"use y.reshape{o.shape}"
            labels = f", or integer labels of shape {o.shape[:-1]}" if classes else ""
            raise ValueError(
                f"DeltaNetwork: y has shape {t.shape}, but the outputs have shape {o.shape}: {fix}{labels}."
            )
        if self.loss != "squared_error" and not ((t >= 0) & (t <= 1)).all():
            raise ValueError(
                f"DeltaNetwork: {self.loss}: targets must lie in [0, 1]; y runs from {t.min()} to {t.max()}. "
                "Scale them, or take squared_error."
            )
        if classes and not np.allclose(t.sum(axis=-1), 1):
            raise ValueError(
                "DeltaNetwork: cross_entropy: each sample's targets must sum to 1, or its delta is not o - y. "
                "Divide them by y.sum(axis=-1, keepdims=True)."
            )
        return t.astype(o.dtype)


# The same algorithm in the sources' other notations: by index, from-to, and with the bias as a weight.


def deltas_by_index(net: DeltaNetwork, x: npt.ArrayLike, y: npt.ArrayLike) -> list[Array]:
    """Return one sample's deltas by loops over the neurons.

    ``delta_i^l = f'(z_i^l) sum_j w_ji^(l+1) delta_j^(l+1)``. The output deltas always go the long way,
    ``dJ/do * f'(z)``, where `DeltaNetwork.deltas` may use o - y. Shapes: x (in,), y (out,) or a label. Raises
    ValueError for a batch, and for outputs that have rounded to 0 or 1 under a log loss. Sources: Y8, Y10.

    >>> net = DeltaNetwork([[[1.0, 2.0]], [[3.0]]], None, ["relu", "identity"], "squared_error")
    >>> deltas_by_index(net, [3.0, 4.0], [32.0])  # 3 * (33 - 32), 33 - 32
    [array([3.]), array([1.])]
    """
    a = _one_sample(net, x)
    u = net._slope(a[-1], net._target(a[-1], y))  # u_i = dE/da_i, which is dJ/do_i at the output
    deltas: list[Array] = []
    for layer in range(len(net.weights), 0, -1):
        name, W, delta = net.activations[layer - 1], net.weights[layer - 1], np.zeros_like(a[layer])
        for i in range(len(delta)):
            if name == "softmax":
                for m, a_m in enumerate(a[layer]):  # Y10: every a_m has z_i in it: a_m ([m = i] - a_i)
                    delta[i] += a_m * ((m == i) - a[layer][i]) * u[m]
            else:
                delta[i] = _through(name, a[layer][i], u[i])  # Y8, Y10: delta_i = f'(z_i) u_i
        u = np.zeros_like(a[layer - 1])
        for i in range(len(u)):
            for j in range(len(delta)):
                u[i] += W[j, i] * delta[j]  # Y8: sum_j w_ji^(l+1) delta_j^(l+1)
        deltas.insert(0, delta)
    return deltas


def gradients_by_index(net: DeltaNetwork, x: npt.ArrayLike, y: npt.ArrayLike) -> Gradients:
    """Return one sample's gradients by loops, ``dE/dw_ij = delta_i a_j``, as `DeltaNetwork.gradients` does.

    Shapes and errors are those of `deltas_by_index`. Sources: Y7, and M6 for the biases.

    >>> net = DeltaNetwork([[[1.0, 2.0]]], [[0.0]], ["identity"], "squared_error", masks=[[[1, 0]]])
    >>> gradients_by_index(net, [3.0, 4.0], [1.0])  # delta = 3 - 1; the second connection is absent
    ([array([[6., 0.]])], [array([2.])])
    """
    a, deltas = _one_sample(net, x), deltas_by_index(net, x, y)
    dW = [np.zeros_like(W) for W in net.weights]
    for slope, delta, a_in, mask in zip(dW, deltas, a[:-1], net.masks, strict=True):
        for i in range(len(delta)):
            for j in range(len(a_in)):
                if mask[i, j]:
                    slope[i, j] = delta[i] * a_in[j]  # Y7: dE/dw_ij = delta_i a_j
    return dW, [None if b is None else d for b, d in zip(net.biases, deltas, strict=True)]  # M6


def from_to_update(
    net: DeltaNetwork, x: npt.ArrayLike, y: npt.ArrayLike, alpha: float
) -> tuple[list[Array], list[Array], list[Array | None]]:
    """Return (Delta per layer, updated weights, updated biases) in R's notation: w_ij leads from i to j.

    ``Delta_k = (y_k - a_k) g'(in_k)``, ``Delta_j = g'(in_j) sum_k w_jk Delta_k``,
    ``w_ij <- w_ij + alpha a_i Delta_j``. The network is left as it is. With factor 1/2 this is Y11's step.
    The note's own loss, ``|y - h|^2`` (factor 1), has twice the gradient; the note leaves that 2 to alpha, so
    Y11's learning rate is then alpha / 2, and in general alpha / (2 factor) (R5).

    Shapes: x (in,), y (out,); the weights come back as (in, out). Raises ValueError for a batch, other losses
    and softmax, for which R2 and R3 are not stated. Sources: R1-R5.

    >>> net = DeltaNetwork([[[0.5]], [[2.0]]], None, ["identity", "identity"], "squared_error")
    >>> Delta, w, b = from_to_update(net, [1.0], [3.0], alpha=0.5)
    >>> print(*Delta, *w)  # 2 * (3 - 1), 3 - 1; 0.5 + 0.5 * 1 * 4, 2 + 0.5 * 0.5 * 2
    [4.] [2.] [[2.5]] [[2.5]]
    """
    if net.loss != "squared_error" or "softmax" in net.activations:
        raise ValueError(
            "from_to_update: R2 and R3 are stated for the squared error without softmax, but this network has "
            f"{net.loss} and {', '.join(net.activations)}. Use net.deltas."
        )
    if not np.isfinite(_real("from_to_update: alpha", alpha)).all() or np.ndim(alpha):
        raise ValueError(f"from_to_update: alpha is {_shown(alpha)}, but must be a finite number.")
    a = _one_sample(net, x)  # R1: in_j = sum_i w_ij a_i, a_j = g(in_j)
    w = [W.T for W in net.weights]  # R1: w[i, j] leads from i to j
    g_prime = [_through(g, a_j, np.ones_like(a_j)) for g, a_j in zip(net.activations, a[1:], strict=True)]
    Delta = [(net._target(a[-1], y) - a[-1]) * g_prime[-1]]  # R2: Delta_k = (y_k - a_k) g'(in_k)
    for k in range(len(w) - 1, 0, -1):
        Delta.insert(0, g_prime[k - 1] * (w[k] @ Delta[0]))  # R3: Delta_j = g'(in_j) sum_k w_jk Delta_k
    weights = [
        np.where(mask.T, w_ij + alpha * np.outer(a_i, Delta_j), 0)  # R4: w_ij <- w_ij + alpha a_i Delta_j
        for w_ij, a_i, Delta_j, mask in zip(w, a[:-1], Delta, net.masks, strict=True)
    ]
    biases = [
        None if b is None else b + alpha * Delta_j  # R4 with a_0 = 1 (Y2)
        for b, Delta_j in zip(net.biases, Delta, strict=True)
    ]
    return Delta, weights, biases


def augment_weights(weights: Sequence[npt.ArrayLike], biases: Sequence[npt.ArrayLike | None] | None) -> list[Array]:
    """Return ``[b | W]`` per layer, of shape (out, 1 + in): the bias as the weight w_0 of an input x_0 = 1.

    ``W a + b = [b | W] [1; a]``. A missing bias becomes a column of zeros. Source: Y2.

    >>> W = augment_weights([[[2.0, 3.0]]], [[5.0]])[0]
    >>> print(W, W @ augment_inputs([1.0, 10.0]))  # 5 * 1 + 2 * 1 + 3 * 10
    [[5. 2. 3.]] [37.]
    """
    _listed("augment_weights: weights", weights)
    matrices = [_real(f"augment_weights, layer {layer}: weights", W) for layer, W in enumerate(weights, 1)]
    columns = [None] * len(matrices) if biases is None else biases
    _listed("augment_weights: biases", columns)
    if len(columns) != len(matrices):
        raise ValueError(
            f"augment_weights: got {len(matrices)} weights and {len(columns)} biases: give one for each layer."
        )
    for layer, (W, b) in enumerate(zip(matrices, columns, strict=True), 1):
        if W.ndim != 2 or (b is not None and np.asarray(b).shape != W.shape[:1]):
            raise ValueError(
                f"augment_weights, layer {layer}: weights have shape {W.shape}, the bias {np.asarray(b).shape}, but "
                "must have (out, in) and (out,)."
            )
    return [
        np.column_stack([np.zeros(len(W), W.dtype) if b is None else np.asarray(b), W])
        for W, b in zip(matrices, columns, strict=True)
    ]


def augment_inputs(a: npt.ArrayLike) -> Array:
    """Return a layer's inputs with x_0 = 1 put in front, (1 + in,) or (n, 1 + in). Source: Y2.

    >>> print(augment_inputs([[7.0, 8.0]]))
    [[1. 7. 8.]]
    """
    a = _real("augment_inputs: a", a)
    if a.ndim == 0:
        raise ValueError(f"augment_inputs: a is {_shown(a.item())}, but must hold the inputs in its last axis: [{a}].")
    return np.concatenate([np.ones((*a.shape[:-1], 1), a.dtype), a], axis=-1)


def _through(name: str, a: Array, u: Array) -> Array:
    return _ACTIVATIONS[name][1](a, u)  # dE/dz from u = dE/da: u * f'(z), or softmax's Jacobian applied to u


def _one_sample(net: DeltaNetwork, x: npt.ArrayLike) -> list[Array]:
    if not isinstance(net, DeltaNetwork):
        raise TypeError(f"The net is {_shown(net)}, but must be a DeltaNetwork(weights, biases, activations, loss).")
    if _real("DeltaNetwork: x", x).ndim != 1:
        raise ValueError(
            f"DeltaNetwork: x has shape {np.shape(x)}, but this form takes one sample, of shape (inputs,). "
            "Of a batch, pass one row: x[0]."
        )
    return net.forward(x).a


def _shown(value: Any) -> str:
    text = repr(value)
    if len(text) <= 40 and not any(mark in text for mark in ("<", "\n", " at 0x")):
        return text
    return str(getattr(value, "__name__", f"a {type(value).__name__}"))


def _known(what: str, name: str, names: tuple[str, ...]) -> str:
    if not isinstance(name, str) or name not in names:
        fix = "" if isinstance(name, str) else " Pass the name, as text."
        raise ValueError(f"{what} {_shown(name)} is unknown; the known ones are {', '.join(names)}.{fix}")
    return name


def _positive(what: str, value: Any, need: str, below: float = float("inf")) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 0 < number or number == below or isinstance(value, str):
        raise ValueError(f"{what} is {_shown(value)}, but {need}.")
    return number


def _listed(what: str, values: Any) -> None:
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise ValueError(f"{what} is {_shown(values)}, but must be a list with an entry for each layer.")


def _real(what: str, values: npt.ArrayLike) -> Array:
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(
            f"{what} has rows that differ in length, and makes no array: give rows of one length."
        ) from None
    if array.dtype.kind not in "buif":
        raise ValueError(f"{what} must hold real numbers, not {array.dtype}.")
    return array


def _shaped(what: str, values: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    array = _real(what, values)
    if array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}, but the layer needs shape {shape} here (or None).")
    return array


def _check_chain(layer: int, W: Array, below: list[Array]) -> None:
    if W.ndim != 2 or W.size == 0:
        raise ValueError(
            f"DeltaNetwork, layer {layer}: weights have shape {W.shape}, but need (out, in), both positive."
        )
    if below and W.shape[1] != len(below[-1]):
        fix = "it looks transposed, use W.T" if len(W) == len(below[-1]) else "make the second size match"
        raise ValueError(
            f"DeltaNetwork, layer {layer}: weights of shape {W.shape}, (out, in), take {W.shape[1]} inputs, "
            f"but layer {layer - 1} has {len(below[-1])} outputs: {fix}."
        )


def _one_hot(labels: Array, n: int) -> Array:
    if labels.dtype.kind not in "ui":
        raise ValueError(
            f"DeltaNetwork: cross_entropy: labels must be integers, not {labels.dtype}: use y.astype(int)."
        )
    if labels.min() < 0 or labels.max() >= n:
        raise ValueError(
            f"DeltaNetwork: cross_entropy: labels run from {labels.min()} to {labels.max()}, but {n} outputs "
            f"stand for the labels 0 to {n - 1}. Number the classes from 0."
        )
    return np.asarray(labels[..., None] == np.arange(n))
