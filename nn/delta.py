"""The textbooks' backpropagation, derived by hand and written out in NumPy, without any autodiff.

delta^l is dE/dz^l. The equations count layers from 1 to L (the matrix note counts the input as layer 1, the others
do not); in lists, layer l is item l - 1, except that the activations start with the input: ``a[l]`` is a^l, ``a[0]``
is x. Weights have shape (out, in): w_ij leads to i, from j. Samples lie in rows, so W a + b reads ``a @ W.T + b`` and
W^T delta reads ``delta @ W``. u stands for dE/da, what comes back to a layer from above.
Comments name the claim a line carries: Y (Yehoshua), M (the matrix note), R (the note on Russell and Norvig).

In this order: the rules of the textbooks' two layers, and the algorithm (`Dense`, `Activation`, `DeltaNetwork`: the
core); the remedies (`BatchNorm`, `LayerNorm`, `Dropout`, `Skip`); the sources' other notations; the functions, the
losses; checks of what is given.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BatchNorm",
    "DeltaNetwork",
    "Dense",
    "Dropout",
    "Flatten",
    "ForwardPass",
    "LOSSES",
    "Layer",
    "LayerNorm",
    "Record",
    "Skip",
    "augment_inputs",
    "augment_weights",
    "deltas_by_index",
    "from_to_update",
    "gradients_by_index",
]

Array = npt.NDArray[Any]
Gradients = tuple[list[Array], list[Array | None]]
Function = Callable[..., Any]


class Layer:
    """One step of the forward pass, ``y = forward(x)``, and the rule of the backward pass that belongs to it."""

    @property
    def parameters(self) -> dict[str, Array]:
        """The layer's own, writable arrays."""
        return {}

    def forward(self, x: Array) -> Array:
        """Return y."""
        raise NotImplementedError(f"{type(self).__name__}: a layer needs a method forward(x), which returns y.")

    def backward(self, x: Array, y: Array, u: Array) -> tuple[Array, dict[str, Array]]:
        """Return dE/dx and, by name, dE/dp of each parameter p, from u = dE/dy."""
        raise NotImplementedError(
            f"{type(self).__name__}: a layer needs a method backward(x, y, u), which returns dE/dx and {{name: dE/dp}}."
        )

    def _step(self, x: Array) -> "_Step":
        return _Step(self, x, self.forward(x))

    def _pulled(self, step: "_Step", u: Array) -> "tuple[Array, list[Record]]":
        below, gradients = self.backward(step.x, step.y, u)
        _check_shapes(self, step.x, below, gradients)
        return below, [Record(self, step.x, step.y, u, gradients)]


class Record(NamedTuple):
    """One layer in one sweep: what went in, what came out, dE/d(what came out), and the parameters' gradients.

    ``u`` is None for an output activation that is taken together with the loss (Y10): delta^L = o - y passes it by.
    """

    layer: Layer
    x: Array
    y: Array
    u: Array | None
    gradients: dict[str, Array]


class ForwardPass(NamedTuple):
    """What the forward pass stores for the backward pass (R7): ``z`` per layer; ``a``, with ``a[0] = x``."""

    z: list[Array]
    a: list[Array]


class _Step(NamedTuple):
    """What the forward pass stores of one layer (R7), and of the layers that it is made of."""

    layer: Layer
    x: Array
    y: Array
    inside: "tuple[list[_Step], ...]" = ()


# The rules of the two layers that a perceptron is made of.


class Dense(Layer):
    """Weighted sums, ``z = W a + b``; their deltas give dE/dW, dE/db and, pulled back, dE/da. Masks as in Y14.

    >>> layer = Dense([[1.0, 2.0]], [0.5])
    >>> z = layer.forward(np.array([3.0, 4.0]))
    >>> layer.backward(np.array([3.0, 4.0]), z, np.array([10.0]))
    (array([10., 20.]), {'W': array([[30., 40.]]), 'b': array([10.])})
    """

    def forward(self, a: Array) -> Array:
        """Return ``z_i = sum_j w_ij a_j + b_i``."""
        self._check(a)
        return np.asarray(a @ self.W.T + (0 if self.b is None else self.b))  # Y1, M1, R1

    def backward(self, a: Array, z: Array, delta: Array) -> tuple[Array, dict[str, Array]]:
        """Return ``W^T delta`` and ``{"W": delta_i a_j, "b": delta_i}``, added up over the samples."""
        dW = np.where(self.mask, _rows(delta).T @ _rows(a), 0)  # Y7, M5: dE/dw_ij = delta_i a_j; Y6: rows add up
        db = _rows(delta).sum(axis=0)  # M6: dE/db_i = delta_i
        return delta @ self.W, {"W": dW} if self.b is None else {"W": dW, "b": db}  # Y8, M4: u_j = sum_i w_ij delta_i

    def __init__(self, W: npt.ArrayLike, b: npt.ArrayLike | None = None, mask: npt.ArrayLike | None = None) -> None:
        matrix = _real("Dense: W", W)
        if matrix.ndim != 2 or matrix.size == 0:
            raise ValueError(f"Dense: W has shape {matrix.shape}, but must have (out, in), both positive.")
        self._own("Dense", matrix, b, mask, matrix.dtype)

    def _own(self, place: str, W: Array, b: Any, mask: Any, dtype: Any) -> None:
        dtype = dtype if dtype.kind == "f" else np.dtype(float)
        mask = _shaped(f"{place}: mask", np.ones(W.shape) if mask is None else mask, W.shape)
        self.mask = _zeros_and_ones(f"{place}: mask", mask, "connected", "absent")
        self.W: Array = np.where(self.mask, W, 0).astype(dtype)
        self.b: Array | None = None if b is None else _shaped(f"{place}: bias", b, W.shape[:1]).astype(dtype)

    @property
    def parameters(self) -> dict[str, Array]:
        """W, and b if there is one."""
        return _present(W=self.W, b=self.b)

    def _check(self, a: Array) -> None:
        if a.shape[-1:] != self.mask.shape[1:]:
            raise ValueError(
                f"Dense: it got an array of shape {a.shape}, but takes {self.mask.shape[1]} inputs in the last axis."
            )
        for name, p in self.parameters.items():
            _check_assigned(f"Dense: {name}", p, self.mask.shape[: 2 if name == "W" else 1])
        if np.where(self.mask, 0, self.W).any():
            raise ValueError("Dense: W is not 0 where its mask is, but there is no connection. Write W *= mask.")


class Activation(Layer):
    """``a = f(z)``, by name, or as a pair of functions (f, f'); and the rule that makes dE/da the delta, dE/dz.

    >>> layer = Activation("leaky_relu", negative_slope=0.1)
    >>> layer.forward(np.array([-2.0, 3.0]))
    array([-0.2,  3. ])
    >>> square = Activation((np.square, lambda z: 2 * z))
    >>> square.backward(np.array([3.0]), np.array([9.0]), np.array([1.0]))
    (array([6.]), {})
    """

    def forward(self, z: Array) -> Array:
        """Return ``a_i = f(z_i)``."""
        z = _float(z)
        return np.asarray(self.f(z, **self.options), z.dtype)  # Y1, M1, R1; M's eq. (2) has Z and A the other way round

    def backward(self, z: Array, a: Array, u: Array) -> tuple[Array, dict[str, Array]]:
        """Return ``delta_i = f'(z_i) u_i``; of a softmax, its Jacobian times u."""
        z = _float(z)
        return np.asarray(self.through(z, a, u, **self.options), z.dtype), {}  # Y8, Y10, M3, M4, R2, R3

    def __init__(self, f: Any, **options: Any) -> None:
        self._make("Activation:", f, options)

    def _make(self, what: str, f: Any, options: Mapping[str, Any]) -> None:
        self._pair = f if _is_pair(f) else None
        self.name = "f" if self._pair else _known(what, f, ACTIVATIONS)
        self.options = _options(what, self.name, options, _OF_ACTIVATIONS)

    @property
    def f(self) -> Function:
        """The function f, of z and the options."""
        return (self._pair or _ACTIVATIONS[self.name])[0]

    @property
    def through(self) -> Function:
        """What makes dE/dz of z, a and u = dE/da, ``f'(z) u``."""
        pair = self._pair
        return (lambda z, a, u: u * pair[1](z)) if pair else _ACTIVATIONS[self.name][1]


# The two passes.


def _forward(layers: Sequence[Layer], x: Array) -> list[_Step]:
    steps: list[_Step] = []
    for layer in layers:
        steps.append(layer._step(steps[-1].y if steps else x))
    return steps


def _backward(steps: Sequence[_Step], u: Array) -> tuple[Array, list[Record]]:
    records: list[Record] = []
    for step in reversed(steps):  # every delta from the output back: Y8, M4
        u, found = step.layer._pulled(step, u)
        records[:0] = found
    return u, records


class DeltaNetwork:
    """A multi-layer perceptron with the delta rule, for any depth, activation and loss.

    ``z^l = W^l a^(l-1) + b^l``, ``a^l = f(z^l)``; ``delta^L = dJ/do * f'(z^L)``,
    ``delta^l = f'(z^l) * (W^(l+1))^T delta^(l+1)``; ``dE/dw_ij = delta_i a_j``, ``dE/db_i = delta_i``.

    Parameters
    ----------
    weights : list of (out, in) arrays, copied. Their dtype is the network's; integers become float64.
    biases : list of (out,) arrays, copied, or None for a layer without; None for no biases at all.
    activations : list, one per layer, of names from `ACTIVATIONS`; with options, pairs such as
        ``("leaky_relu", {"negative_slope": 0.1})``; or pairs of functions, ``(f, f_prime)``, of z.
    loss : name from `LOSSES`, a loss of the outputs o; or a pair of functions of (o, y): the terms of J, which are
        added up, and dJ/do. ``cross_entropy`` takes o for probabilities (end in a softmax) and y for integer labels
        or for one distribution per sample, such as a one-hot row.
    masks : list of (out, in) arrays of 0 and 1, or None for a full layer; None for no masks. A 0 means
        no connection: whatever was given, its weight is 0, its gradient is 0, no step moves it (Y14).
    factor : the squared error is ``factor * sum (o - y)^2``: 0.5 in M2, 1 in R5. Other losses do not use it.
    reduction : ``"mean"`` or ``"sum"`` over the samples (Y4, Y6, M8); over the outputs a loss is summed.
    options : of the loss. huber: ``delta``; binary_cross_entropy: ``weight``, ``pos_weight``; cross_entropy:
        ``weight`` of each class, ``label_smoothing``, ``ignore_index``; kl_divergence: ``log_outputs``,
        ``log_targets``. They mean what they mean in `nn.huber` and the others.

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

    # The algorithm, in its three phases (Y3): forward, backward (deltas, gradients), step.

    def forward(self, x: npt.ArrayLike) -> ForwardPass:
        """Return every layer's ``z^l = W^l a^(l-1) + b^l`` and ``a^l = f(z^l)``; the input is a^0.

        In a network with other layers, z^l is what a Dense layer returns, a^(l-1) what it reads, and the last a is the
        output. Sources: Y1, M1, R1.

        >>> DeltaNetwork([[[1.0, 2.0]]], [[-9.0]], ["relu"], "squared_error").forward([3.0, 4.0])
        ForwardPass(z=[array([2.])], a=[array([3., 4.]), array([2.])])
        """
        steps = _forward(self.layers, self._input(x))
        dense = [step for step in _flat(steps) if isinstance(step.layer, Dense)]
        return ForwardPass([step.y for step in dense], [*(step.x for step in dense), steps[-1].y])

    def sweep(self, x: npt.ArrayLike, y: npt.ArrayLike) -> list[Record]:
        """Return what the backward pass finds, layer by layer in the order of the forward pass.

        Of a Dense layer, ``u`` is its delta. A `Skip` stands there as the layers that it is made of.

        >>> net = DeltaNetwork([[[1.0, 2.0]]], [[0.0]], ["relu"], "squared_error")
        >>> dense, activation = net.sweep([3.0, 4.0], [10.0])
        >>> dense.u, dense.gradients, activation.u
        (array([1.]), {'W': array([[3., 4.]]), 'b': array([1.])}, array([1.]))
        """
        steps = _forward(self.layers, self._input(x))
        o = steps[-1].y
        t, share, combined = self._loss.targets(o, y), self._share(o, y), self._combined()
        if combined is None:
            u = self._loss.slope(o, t) * share  # dJ/do; Activation makes it delta^L, Y10: dJ/do * f'(z^L)
            return _backward(steps, u)[1]
        delta = combined[1](o, t, **self._loss.options) * share  # Y10: delta^L = o - y
        return [*_backward(steps[:-1], delta)[1], Record(self.layers[-1], steps[-1].x, o, None, {})]

    def step(self, x: npt.ArrayLike, y: npt.ArrayLike, learning_rate: float, momentum: float = 0.0) -> float:
        """Take one gradient-descent step in place and return the error before it.

        ``w_ij <- w_ij - learning_rate * delta_i a_j``. Sources: Y3, Y11, M8, R15. A learning rate above Y11's
        0 < alpha < 1 is accepted, so that its failure can be seen (R11); 0 or less raises ValueError.

        With momentum mu (Y16), from 0 to below 1: ``v <- mu v + dE/dw``, ``w <- w - learning_rate * v``, where v
        is 0 before the first step and kept from one to the next, through `descend` too; so in `nn.SGD`. Source: Polyak,
        1964.

        >>> net = DeltaNetwork([[[1.0, 2.0]]], [[0.0]], ["identity"], "squared_error")
        >>> net.step([3.0, 4.0], [10.0], learning_rate=0.5), net.weights, net.biases
        (0.5, (array([[-0.5,  0. ]]),), (array([-0.5]),))
        """
        need = "must be positive and finite (Y11: between 0 and 1)"
        alpha = _number("net.step: learning_rate", learning_rate, need, _is_positive)
        need = "must lie in [0, 1): how much of the last step goes on (Y16)"
        mu = _number("net.step: momentum", momentum, need, _is_part)
        error, records = self.error(x, y), self.sweep(x, y)
        for number, (layer, _, _, _, gradients) in enumerate(records):
            for name, slope in gradients.items():
                place = number, layer, name
                v = slope + mu * self._velocities.get(place, 0) if mu else slope  # Y16: v <- mu v + dE/dw
                w = layer.parameters[name]
                w -= alpha * v  # Y11: w_ij <- w_ij - alpha delta_i a_j; of a bias, a_0 = 1 (Y2)
                self._velocities[place] = v
        return error

    def descend(
        self,
        x: npt.ArrayLike,
        y: npt.ArrayLike,
        learning_rate: float,
        epochs: int,
        batch_size: int | None = None,
        momentum: float = 0.0,
        seed: int = 0,
    ) -> list[float]:
        """Take gradient-descent steps through all samples, `epochs` times; return E of all before, and after each.

        `batch_size` None: one step per epoch, on all samples (batch); 1: one for each sample (stochastic); otherwise
        mini-batches, in an order that is drawn anew for each epoch. Sources: Y12, Y13; M8 with ``reduction="mean"``.

        >>> net = DeltaNetwork([[[1.0]]], None, ["identity"], "squared_error")
        >>> net.descend([[1.0], [2.0]], [[3.0], [6.0]], learning_rate=0.125, epochs=3)
        [5.0, 2.36328125, 1.1170196533203125, 0.527966320514679]
        """
        x, y = _real("net.descend: x", x), _real("net.descend: y", y)
        if x.ndim < 2 or len(x) != len(np.atleast_1d(y)):
            raise ValueError(
                f"net.descend: x has shape {x.shape}, y {y.shape}, but both must hold samples in rows, as many in one "
                "as in the other. Of one sample, x[None]."
            )
        size = len(x) if batch_size is None else _count("net.descend: batch_size", batch_size)
        rng, errors = _generator("net.descend: seed", seed), [self.error(x, y)]
        for _ in range(_count("net.descend: epochs", epochs)):
            order = np.arange(len(x)) if size >= len(x) else rng.permutation(len(x))
            for start in range(0, len(x), size):
                rows = order[start : start + size]
                self.step(x[rows], y[rows], learning_rate, momentum)
            errors.append(self.error(x, y))
        return errors

    # How it is made, and what is in it: of the Dense layers, in the order of the forward pass.

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike],
        biases: Sequence[npt.ArrayLike | None] | None,
        activations: Sequence[Any],
        loss: Any,
        masks: Sequence[npt.ArrayLike | None] | None = None,
        *,
        factor: float = 0.5,
        reduction: str = "mean",
        **options: Any,
    ) -> None:
        for name, values in (("weights", weights), ("biases", biases), ("activations", activations), ("masks", masks)):
            if values is not None or name in ("weights", "activations"):
                _listed(f"DeltaNetwork: {name}", values)
        biases = [None] * len(weights) if biases is None else biases
        masks = [None] * len(weights) if masks is None else masks
        if not 0 < len(weights) == len(biases) == len(activations) == len(masks):
            raise ValueError(
                f"DeltaNetwork: got {len(weights)} weights, {len(biases)} biases, {len(activations)} "
                f"activations, {len(masks)} masks: give one of each for every layer, in lists."
            )
        given = [_real(f"DeltaNetwork, layer {layer}: weights", W) for layer, W in enumerate(weights, 1)]
        dtype = np.result_type(*given)
        layers: list[Layer] = []
        for number, (W, b, f, mask) in enumerate(zip(given, biases, activations, masks, strict=True), 1):
            place = f"DeltaNetwork, layer {number}"
            activation = _activation(f"{place}: activation", f)
            _check_chain(number, W, given[: number - 1])
            dense = Dense.__new__(Dense)  # whose messages are to say which layer it is
            dense._own(place, W, b, mask, dtype)
            layers += [dense, activation]
        self._build(layers, loss, factor, reduction, options)

    @classmethod
    def of(
        cls, layers: Sequence[Layer], loss: Any, *, factor: float = 0.5, reduction: str = "mean", **options: Any
    ) -> "DeltaNetwork":
        """Return a network of layers of any kind, which stay the caller's.

        Raises ValueError for what is no layer, or none.

        >>> hidden = [Dense(np.eye(2)), BatchNorm([1.0, 1.0], [0.0, 0.0]), Activation("tanh")]
        >>> net = DeltaNetwork.of([Skip(hidden), Dense([[1.0, -1.0]])], "squared_error")
        >>> [type(record.layer).__name__ for record in net.sweep([[1.0, 2.0], [3.0, 5.0]], [[0.0], [1.0]])]
        ['Dense', 'BatchNorm', 'Activation', 'Dense']
        """
        _check_layers("DeltaNetwork.of: layers", layers)
        net = cls.__new__(cls)
        net._build(list(layers), loss, factor, reduction, options)
        return net

    def _build(self, layers: list[Layer], loss: Any, factor: float, reduction: str, options: dict[str, Any]) -> None:
        self.layers = layers
        arrays = [p for layer in _walk(layers) for p in layer.parameters.values()]
        dtype = np.result_type(*arrays) if arrays else np.dtype(float)
        self.dtype = dtype if dtype.kind == "f" else np.dtype(float)
        self.reduction = _known("DeltaNetwork: reduction", reduction, ("mean", "sum"))
        last = layers[-1]
        named = last.name if isinstance(last, Activation) else type(last).__name__
        self._loss = _Loss(loss, factor, options, self.dtype, named)
        self._velocities: dict[tuple[int, Layer, str], Array] = {}

    @property
    def loss(self) -> str:
        """The name of the loss."""
        return self._loss.name

    @property
    def factor(self) -> float:
        """What the squared error is multiplied by."""
        return self._loss.factor

    @property
    def weights(self) -> tuple[Array, ...]:
        """The weights, (out, in) each: the network's own arrays, to be written into."""
        return tuple(layer.W for layer in self._dense())

    @property
    def biases(self) -> tuple[Array | None, ...]:
        """The biases, (out,) each, likewise; None where there is none."""
        return tuple(layer.b for layer in self._dense())

    @property
    def masks(self) -> tuple[Array, ...]:
        """Which connections there are, (out, in) each."""
        return tuple(layer.mask for layer in self._dense())

    @property
    def activations(self) -> list[str]:
        """The names of the activations."""
        return [layer.name for layer in _walk(self.layers) if isinstance(layer, Activation)]

    def _dense(self) -> list[Dense]:
        return [layer for layer in _walk(self.layers) if isinstance(layer, Dense)]

    # What is read off it.

    def gradients(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Gradients:
        """Return (dE/dW per layer, dE/db per layer), in the parameters' shapes; None where there is no bias.

        ``dE/dw_ij = delta_i a_j`` and ``dE/db_i = delta_i``, added up over a batch. Sources: Y6, Y7, M5, M6. Those of
        other layers, gamma and beta, are in `sweep`.

        >>> net = DeltaNetwork([[[1.0, 2.0]]], [[0.0]], ["identity"], "squared_error")
        >>> net.gradients([3.0, 4.0], [10.0])  # delta = 11 - 10
        ([array([[3., 4.]])], [array([1.])])
        """
        found = [record.gradients for record in self.sweep(x, y) if isinstance(record.layer, Dense)]
        return [g["W"] for g in found], [g.get("b") for g in found]

    def predict(self, x: npt.ArrayLike) -> Array:
        """Return the outputs ``o = a^L``, of shape (out,) or (n, out). Source: Y1.

        >>> print(DeltaNetwork([[[1.0], [2.0]]], None, ["identity"], "squared_error").predict([[3.0], [4.0]]))
        [[3. 6.]
         [4. 8.]]
        """
        return _forward(self.layers, self._input(x))[-1].y

    def error(self, x: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Return E, the loss J(y, o) averaged or summed over the samples. Sources: Y4, M2, R5.

        >>> net = DeltaNetwork([[[1.0]]], None, ["identity"], "squared_error")
        >>> net.error([[3.0], [5.0]], [[1.0], [1.0]])  # (2^2/2 + 4^2/2) / 2
        5.0
        """
        last = _forward(self.layers, self._input(x))[-1]
        t = self._loss.targets(last.y, y)
        combined = self._combined()
        J = self._loss.terms(last.y, t) if combined is None else combined[0](last.x, t, **self._loss.options)
        return float(J.sum() * self._share(last.y, y))

    def deltas(self, x: npt.ArrayLike, y: npt.ArrayLike) -> list[Array]:
        """Return ``delta^l = dE/dz^l`` per layer, in z's shape, a mean's 1/n included.

        ``delta^L = dJ/do * f'(z^L)``, ``delta^l = f'(z^l) * (W^(l+1))^T delta^(l+1)``.
        Sources: Y8, Y10, M3, M4.

        >>> net = DeltaNetwork([[[1.0, 2.0]]], None, ["sigmoid"], "binary_cross_entropy")
        >>> print(net.deltas([[2.0, -1.0], [0.0, 0.0]], [[1.0], [0.0]])[0])  # (0.5 - 1) / 2, (0.5 - 0) / 2
        [[-0.25]
         [ 0.25]]
        """
        found = [record.u for record in self.sweep(x, y) if isinstance(record.layer, Dense)]
        return [delta for delta in found if delta is not None]

    def negative_deltas(self, x: npt.ArrayLike, y: npt.ArrayLike) -> list[Array]:
        """Return ``Delta^l = -delta^l`` per layer, in the sign of R2 and R3 (their very Delta at factor 0.5).

        >>> net = DeltaNetwork([[[1.0, 2.0]]], None, ["identity"], "squared_error")
        >>> net.negative_deltas([3.0, 4.0], [10.0])  # y - o
        [array([-1.])]
        """
        return [-delta for delta in self.deltas(x, y)]

    def _share(self, o: Array, y: npt.ArrayLike) -> float:
        _known("DeltaNetwork: reduction", self.reduction, ("mean", "sum"))  # it may have been changed
        return 1 / self._loss.count(o, y) if self.reduction == "mean" else 1.0  # M8: the mean's 1/n

    def _combined(self) -> tuple[Function, Function] | None:
        last = self.layers[-1]
        return _COMBINED.get((last.name, self.loss)) if type(last) is Activation else None

    def _input(self, x: npt.ArrayLike) -> Array:
        a, first = _real("DeltaNetwork: x", x), self.layers[0]
        if isinstance(first, Dense):
            n_in = first.mask.shape[1]
            if a.ndim not in (1, 2) or a.shape[-1] != n_in or a.size == 0:
                hint = "; for one input per sample use x.reshape(-1, 1)" if n_in == a.ndim == 1 else ""
                raise ValueError(
                    f"DeltaNetwork, layer 1: x has shape {a.shape}, but the layer has {n_in} inputs: give one "
                    f"sample of shape ({n_in},), or n >= 1 in rows, of shape (n, {n_in}){hint}."
                )
        elif a.ndim == 0 or a.size == 0:
            raise ValueError(f"DeltaNetwork: x has shape {a.shape}, but must hold samples in rows, one at least.")
        return a.astype(self.dtype)


# The remedies against vanishing gradients that the sources name (R14), and dropout, derived by hand as well.


class LayerNorm(Layer):
    """Each sample's values with mean 0 and variance 1, ``y = gamma x^ + beta``, ``x^ = (x - mu) / s``.

    mu and ``s = sqrt(variance + eps)`` depend on every x of the m that are normalised together, so three paths lead
    back to x. With ``v = dE/dx^ = gamma u``, ``dx^_k/dx_j = ([j = k] - 1/m - x^_j x^_k / m) / s``, and so

    ``dE/dx = (v - mean(v) - x^ mean(v x^)) / s``, ``dE/dgamma = sum u x^``, ``dE/dbeta = sum u``.

    gamma and beta have the shape of a sample's values, or are None; without gamma, `axes` says how many axes that are.
    Sources: Ioffe and Szegedy, 2015, section 3; Ba, Kiros and Hinton, 2016, eqs. 3 and 4.

    >>> layer = LayerNorm(eps=0.0)
    >>> y = layer.forward(np.array([[1.0, 3.0], [5.0, 25.0]]))
    >>> print(y)
    [[-1.  1.]
     [-1.  1.]]
    """

    def __init__(
        self,
        gamma: npt.ArrayLike | None = None,
        beta: npt.ArrayLike | None = None,
        eps: float = 1e-5,
        *,
        axes: int | None = None,
    ) -> None:
        name = type(self).__name__
        self.gamma, self.beta = (
            None if p is None else _float(_real(f"{name}: {what}", p).copy())
            for what, p in (("gamma", gamma), ("beta", beta))
        )
        if self.gamma is not None and self.beta is not None and self.gamma.shape != self.beta.shape:
            raise ValueError(
                f"{name}: gamma has shape {self.gamma.shape}, beta {self.beta.shape}, but both must have the shape of "
                "a sample's values."
            )
        self.eps = _number(f"{name}: eps", eps, "must be a finite number, 0 or more", lambda v: 0 <= v < math.inf)
        k = 1 if axes is None else _count(f"{name}: axes", axes)
        shaped = self.beta if self.gamma is None else self.gamma
        if shaped is not None and (not shaped.ndim or axes not in (None, shaped.ndim)):
            raise ValueError(
                f"{name}: gamma and beta have shape {shaped.shape}, but must have {k} {'axis' if k == 1 else 'axes'}"
                f"{' at least' if axes is None else ''}: the shape of a sample's values."
            )
        self.axes = tuple(range(-(k if shaped is None else shaped.ndim), 0))

    @property
    def parameters(self) -> dict[str, Array]:
        """Gamma and beta, as far as there are."""
        return _present(gamma=self.gamma, beta=self.beta)

    def _mean_and_s(self, x: Array) -> tuple[Array, Array]:
        mean = x.mean(axis=self.axes, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=self.axes, keepdims=True)
        return mean, np.sqrt(variance + self.eps)

    def _normalised(self, x: Array) -> tuple[Array, Array]:
        self._check(x)
        mean, s = self._mean_and_s(x)
        return (x - mean) / s, s

    def forward(self, x: Array) -> Array:
        """Return ``gamma x^ + beta``."""
        x_hat, _ = self._normalised(x)
        y = x_hat if self.gamma is None else self.gamma * x_hat
        return y if self.beta is None else y + self.beta

    def backward(self, x: Array, y: Array, u: Array) -> tuple[Array, dict[str, Array]]:
        """Return dE/dx, and dE/dgamma and dE/dbeta added up over the samples."""
        x_hat, s = self._normalised(x)
        v = u if self.gamma is None else u * self.gamma  # dE/dx^ = gamma u
        found = {"gamma": u * x_hat, "beta": u}  # sum u x^, sum u
        gradients = {name: found[name].reshape(-1, *p.shape).sum(axis=0) for name, p in self.parameters.items()}
        return self._back(v, x_hat) / s, gradients

    def _back(self, v: Array, x_hat: Array) -> Array:
        mean, slope = (t.mean(axis=self.axes, keepdims=True) for t in (v, v * x_hat))
        return np.asarray(v - mean - x_hat * slope)  # directly; by mu; by s

    def _check(self, x: Array) -> None:
        name, k = type(self).__name__, len(self.axes)
        if x.ndim < k:
            raise ValueError(f"{name}: it got an array of shape {x.shape}, but takes {k} axes at least, for axes={k}.")
        for p in self.parameters.values():
            if x.shape[x.ndim - p.ndim :] != p.shape:
                raise ValueError(
                    f"{name}: it got an array of shape {x.shape}, but gamma or beta has shape {p.shape}, which must be "
                    "that of its last axes."
                )


class BatchNorm(LayerNorm):
    """Each unit's values with mean 0 and variance 1 over the batch, (n, c), then gamma and beta of shape (c,).

    As `LayerNorm`, but over the n samples, so that the samples of a batch depend on each other. With a `mean` and a
    `variance` given, as after training, there is one path only: ``dE/dx = v / s``. Source: Ioffe and Szegedy, 2015,
    algorithm 1 and the chain rule of section 3 (R14).

    >>> layer = BatchNorm(eps=0.0)
    >>> y = layer.forward(np.array([[1.0], [3.0]]))
    >>> print(y.ravel(), layer.backward(np.array([[1.0], [3.0]]), y, np.array([[1.0], [0.0]]))[0].ravel())
    [-1.  1.] [0. 0.]
    """

    def __init__(
        self,
        gamma: npt.ArrayLike | None = None,
        beta: npt.ArrayLike | None = None,
        eps: float = 1e-5,
        *,
        mean: npt.ArrayLike | None = None,
        variance: npt.ArrayLike | None = None,
    ) -> None:
        super().__init__(gamma, beta, eps, axes=1)
        if (mean is None) != (variance is None):
            raise ValueError(
                "BatchNorm: one of mean and variance is None, but they belong together: give both, as after training, "
                "or neither, for those of each batch."
            )
        self.axes = (0,)
        self.mean, self.variance = (
            None if v is None else _real(f"BatchNorm: {what}", v).copy()
            for what, v in (("mean", mean), ("variance", variance))
        )
        if self.variance is not None and not (self.variance >= 0).all():
            raise ValueError(
                "BatchNorm: variance has entries that are not 0 or more. Pass the squares, not their roots."
            )

    def _mean_and_s(self, x: Array) -> tuple[Array, Array]:
        if self.mean is None or self.variance is None:
            return super()._mean_and_s(x)
        return self.mean.astype(x.dtype), np.sqrt(self.variance + self.eps).astype(x.dtype)

    def _back(self, v: Array, x_hat: Array) -> Array:
        return super()._back(v, x_hat) if self.mean is None else v

    def _check(self, x: Array) -> None:
        super()._check(x)
        for name, given in (("mean", self.mean), ("variance", self.variance)):
            if given is not None and given.shape != x.shape[-1:]:
                raise ValueError(
                    f"BatchNorm: {name} has shape {given.shape}, but must have {x.shape[-1:]}, for an array of shape "
                    f"{x.shape}: one for each unit."
                )
        if self.mean is None and (x.ndim != 2 or len(x) < 2):
            raise ValueError(
                f"BatchNorm: it got an array of shape {x.shape}, but takes mean and variance over the samples of a "
                "batch, (n, c) with n of 2 or more. For a single sample give it a mean and a variance."
            )


class Dropout(Layer):
    """Units put out: ``y = x m / (1 - p)`` with a given m of 0 (out) and 1 (kept); ``dE/dx = u m / (1 - p)``.

    m broadcasts against x. Without one, as in evaluation, ``y = x``. Source: Srivastava et al., 2014, sections 4, 10.

    >>> layer = Dropout([1, 0, 1], p=0.5)
    >>> layer.forward(np.array([1.0, 2.0, 3.0]))
    array([2., 0., 6.])
    """

    def __init__(self, kept: npt.ArrayLike | None = None, p: float = 0.5) -> None:
        self.p = _number("Dropout: p", p, "must lie in [0, 1): the part that is put out", _is_part)
        self.kept = (
            None if kept is None else _zeros_and_ones("Dropout: kept", _real("Dropout: kept", kept), "kept", "out")
        )

    def forward(self, x: Array) -> Array:
        """Return ``x m / (1 - p)``."""
        if self.kept is None:
            return x
        if not _broadcasts(self.kept.shape, x.shape):
            raise ValueError(
                f"Dropout: kept has shape {self.kept.shape}, which does not broadcast against an array of shape "
                f"{x.shape}: give one number for each unit, or for each unit of each sample."
            )
        return x * self.kept / (1 - self.p)

    def backward(self, x: Array, y: Array, u: Array) -> tuple[Array, dict[str, Array]]:
        """Return ``u m / (1 - p)``."""
        return self.forward(u), {}


class Skip(Layer):
    """A shortcut around layers, ``y = F(x) + x``, or ``F(x) + G(x)`` with layers G in the shortcut.

    x reaches y on two ways, so what comes back is added up: ``dE/dx = F'(x)^T u + u``. The second term passes through
    no f' and no W: this is how a shortcut keeps gradients from vanishing (R14). Source: He, Zhang, Ren and Sun, 2016,
    eqs. 1 and 2.

    >>> net = DeltaNetwork.of([Skip([Dense([[0.5]]), Activation("relu")])], "squared_error")
    >>> net.predict([4.0])
    array([6.])
    """

    def __init__(self, layers: Sequence[Layer], shortcut: Sequence[Layer] = ()) -> None:
        _check_layers("Skip: layers", layers)
        _check_layers("Skip: shortcut", shortcut, some=False)
        self.layers, self.shortcut = list(layers), list(shortcut)

    def forward(self, x: Array) -> Array:
        """Return ``F(x) + G(x)``, of which G is the identity if there is no layer in it."""
        return self._step(x).y

    def backward(self, x: Array, y: Array, u: Array) -> tuple[Array, dict[str, Array]]:
        """Return dE/dx, and no parameters: those belong to its layers, see `DeltaNetwork.sweep`."""
        return self._pulled(self._step(x), u)[0], {}

    def _step(self, x: Array) -> _Step:
        inside = _forward(self.layers, x), _forward(self.shortcut, x)
        out, around = (steps[-1].y if steps else x for steps in inside)
        if out.shape != around.shape:
            raise ValueError(
                f"Skip: its layers return shape {out.shape}, the shortcut {around.shape}, but they are added and must "
                "agree. Put a Dense layer into the shortcut."
            )
        return _Step(self, x, out + around, inside)

    def _pulled(self, step: _Step, u: Array) -> tuple[Array, list[Record]]:
        (through, first), (around, second) = (_backward(steps, u) for steps in step.inside)
        return through + around, first + second  # two ways from x to y add up


class Flatten(Layer):
    """Each sample as one row of numbers, (n, ...) as (n, k); what comes back has x's shape again.

    >>> Flatten().forward(np.zeros((5, 8, 8))).shape
    (5, 64)
    """

    def forward(self, x: Array) -> Array:
        """Return x as rows."""
        if x.ndim < 2:
            raise ValueError(
                f"Flatten: it got an array of shape {x.shape}, but takes samples in rows, (n, ...). Of one, x[None]."
            )
        return x.reshape(len(x), -1)

    def backward(self, x: Array, y: Array, u: Array) -> tuple[Array, dict[str, Array]]:
        """Return u in x's shape."""
        return u.reshape(x.shape), {}


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
    functions, (z, a) = _one_sample("deltas_by_index", net, x)
    o = a[-1]
    u = net._loss.slope(o, net._loss.targets(o, y)) * net._share(o, y)  # u_i = dE/da_i: at the output, dJ/do_i
    deltas: list[Array] = []
    for layer in range(len(net.weights), 0, -1):
        f, W, delta = functions[layer - 1], net.weights[layer - 1], np.zeros_like(a[layer])
        z_l, a_l = z[layer - 1], a[layer]
        for i in range(len(delta)):
            if f.name in _OF_ROWS:
                for m, a_m in enumerate(a_l):  # Y10: every a_m has z_i in it: a_m ([m = i] - a_i)
                    slope = a_m * ((m == i) - a_l[i]) if f.name == "softmax" else (m == i) - np.exp(a_l[i])
                    delta[i] += slope * u[m]
            else:
                delta[i] = f.backward(z_l[i : i + 1], a_l[i : i + 1], u[i : i + 1])[0][0]  # Y8, Y10: f'(z_i) u_i
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
    (_, (_, a)), deltas = _one_sample("gradients_by_index", net, x), deltas_by_index(net, x, y)
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
    functions, (z, a) = _one_sample("from_to_update", net, x)  # R1: in_j = sum_i w_ij a_i, a_j = g(in_j)
    if net.loss != "squared_error" or any(name in _OF_ROWS for name in net.activations):
        raise ValueError(
            "from_to_update: R2 and R3 are stated for the squared error without softmax, but this network has "
            f"{net.loss} and {', '.join(net.activations)}. Use net.deltas."
        )
    alpha = _number("from_to_update: alpha", alpha, "must be a finite number", math.isfinite)
    w = [W.T for W in net.weights]  # R1: w[i, j] leads from i to j
    ones = map(np.ones_like, z)
    g_prime = [g.backward(*of_j)[0] for g, *of_j in zip(functions, z, a[1:], ones, strict=True)]
    Delta = [(net._loss.targets(a[-1], y) - a[-1]) * g_prime[-1]]  # R2: Delta_k = (y_k - a_k) g'(in_k)
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
        if W.ndim != 2 or (b is not None and _real(f"augment_weights, layer {layer}: bias", b).shape != W.shape[:1]):
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


# The functions. name: a = f(z), and dE/dz from u = dE/da, which for all but two is u * f'(z).


def _sigmoid(z: Array) -> Array:
    e: Array = np.exp(-np.abs(z))  # 1 / (1 + exp(-z)), written so that it cannot overflow
    return np.asarray(np.where(z >= 0, 1, e) / (1 + e))


def _log_softmax(z: Array) -> Array:
    s: Array = z - z.max(axis=-1, keepdims=True)  # exp(s) <= 1 cannot overflow
    return np.asarray(s - np.log(np.exp(s).sum(axis=-1, keepdims=True)))


def _Phi(z: Array) -> Any:
    """Return the probability that a standard normal number is below z."""
    return np.vectorize(lambda t: math.erfc(-t / math.sqrt(2)) / 2, otypes=[z.dtype])(z)


def _bell(z: Array) -> Any:
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # Phi'


def _gelu(z: Array, approximate: str = "none") -> Any:
    if approximate == "none":
        return z * _Phi(z)
    return z * _sigmoid(2 * _wave(z)[0])  # z (1 + tanh(t)) / 2


def _wave(z: Array) -> tuple[Array, Array]:
    """Return ``t = sqrt(2/pi) (z + 0.044715 z^3)`` and dt/dz."""
    z, c = np.clip(z, -40, 40), math.sqrt(2 / math.pi)  # beyond, the sigmoid of 2 t has long been 0 or 1
    return c * (z + 0.044715 * z**3), c * (1 + 3 * 0.044715 * z**2)


def _gelu_prime(z: Array, approximate: str = "none") -> Any:
    if approximate == "none":
        return _Phi(z) + z * _bell(z)  # the product rule, on z Phi(z)
    t, slope = _wave(z)
    s = _sigmoid(2 * t)
    return s + z * s * (1 - s) * 2 * slope  # the product rule, and Y9


def _elu_prime(z: Array, alpha: float = 1.0) -> Any:
    return np.where(z > 0, 1, alpha * np.exp(np.minimum(z, 0)))


def _silu_prime(z: Array) -> Any:
    s = _sigmoid(z)
    return s + z * s * (1 - s)  # the product rule on z sigma(z), and Y9


def _softplus(z: Array, beta: float = 1.0, threshold: float = 20.0) -> Any:
    return np.where(beta * z > threshold, z, np.logaddexp(0, beta * z) / beta)


_ACTIVATIONS: dict[str, tuple[Function, Function]] = {
    "identity": (lambda z: z, lambda z, a, u: u),
    "sigmoid": (_sigmoid, lambda z, a, u: u * (a * (1 - a))),  # Y9, R10: f' = f (1 - f), from the output alone
    "tanh": (np.tanh, lambda z, a, u: u * (1 - a * a)),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a, u: u * (a > 0)),  # R10: 1 if z > 0, else 0
    "leaky_relu": (
        lambda z, negative_slope=0.01: np.where(z > 0, z, negative_slope * z),
        lambda z, a, u, negative_slope=0.01: np.where(z > 0, u, negative_slope * u),
    ),
    "elu": (
        lambda z, alpha=1.0: np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0))),
        lambda z, a, u, alpha=1.0: u * _elu_prime(z, alpha),
    ),
    "gelu": (_gelu, lambda z, a, u, approximate="none": u * _gelu_prime(z, approximate)),
    "silu": (lambda z: z * _sigmoid(z), lambda z, a, u: u * _silu_prime(z)),
    "softplus": (
        _softplus,
        lambda z, a, u, beta=1.0, threshold=20.0: np.where(beta * z > threshold, u, u * _sigmoid(beta * z)),
    ),
    "softmax": (
        lambda z: np.exp(_log_softmax(z)),
        lambda z, a, u: a * (u - (a * u).sum(axis=-1, keepdims=True)),  # Y10: (diag(a) - a a^T) u
    ),
    "log_softmax": (
        _log_softmax,
        lambda z, a, u: u - np.exp(a) * u.sum(axis=-1, keepdims=True),  # (I - 1 softmax^T)^T u
    ),
}

_OF_ACTIVATIONS: dict[str, tuple[str, ...]] = {
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
    "gelu": ("approximate",),
    "softplus": ("beta", "threshold"),
}
_OF_ROWS = ("softmax", "log_softmax")  # every a_i has every z_j in it

# The losses. name: the terms of J(y, o), summed over outputs (Y4), and dJ/do.


def _hinge(o: Array, y: Array) -> Any:
    if y.dtype == bool:  # the output of the right class, y, against each other one
        return np.where(y, 0, np.maximum(0, 1 - (o * y).sum(axis=-1, keepdims=True) + o))
    return np.maximum(0, 1 - y * o)


def _hinge_slope(o: Array, y: Array) -> Any:
    missed = (_hinge(o, y) > 0).astype(o.dtype)  # R10: a term at its kink has slope 0
    return missed - y * missed.sum(axis=-1, keepdims=True) if y.dtype == bool else -y * missed


def _log_ratio(o: Array, y: Array, log_outputs: bool) -> Any:
    return np.log(np.where(y > 0, y, 1)) - np.where(y > 0, o if log_outputs else np.log(o), 0)


_LOSSES: dict[str, tuple[Function, Function]] = {
    "squared_error": (lambda o, y, factor: factor * (o - y) ** 2, lambda o, y, factor: 2 * factor * (o - y)),  # M2, R5
    "absolute_error": (lambda o, y: np.abs(o - y), lambda o, y: np.sign(o - y)),
    "huber": (
        lambda o, y, delta=1.0: np.where(np.abs(o - y) <= delta, (o - y) ** 2 / 2, delta * (np.abs(o - y) - delta / 2)),
        lambda o, y, delta=1.0: np.clip(o - y, -delta, delta),
    ),
    "hinge": (_hinge, _hinge_slope),
    "binary_cross_entropy": (
        lambda o, y, weight=1, pos_weight=1: -weight * (pos_weight * y * np.log(o) + (1 - y) * np.log1p(-o)),
        lambda o, y, weight=1, pos_weight=1: weight * ((1 - y) * o - pos_weight * y * (1 - o)) / (o * (1 - o)),
    ),
    "cross_entropy": (lambda o, y: -y * np.log(o), lambda o, y: -y / o),  # y: also w_k y_k, smoothed; see targets
    "kl_divergence": (
        lambda o, y, log_outputs=False: y * _log_ratio(o, y, log_outputs),
        lambda o, y, log_outputs=False: -y if log_outputs else -y / o,
    ),
}

_OF_LOSSES: dict[str, tuple[str, ...]] = {
    "huber": ("delta",),
    "binary_cross_entropy": ("weight", "pos_weight"),
    "cross_entropy": ("weight", "label_smoothing", "ignore_index"),
    "kl_divergence": ("log_outputs", "log_targets"),
}

# Pairs whose output delta is o - y (Y10), with J's terms read from z: exact even where o rounds to 0 or 1.
# Identity with squared error needs no entry: the general rule gives 2 c (o - y), which is o - y at c = 1/2.
_COMBINED: dict[tuple[str, str], tuple[Function, Function]] = {
    ("sigmoid", "binary_cross_entropy"): (
        lambda z, y, weight=1, pos_weight=1: (
            weight * (pos_weight * y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z))
        ),
        lambda o, y, weight=1, pos_weight=None: (
            weight * (o - y if pos_weight is None else (1 - y) * o - pos_weight * y * (1 - o))
        ),
    ),
    ("softmax", "cross_entropy"): (
        lambda z, y: -y * _log_softmax(z),
        lambda o, y: o * y.sum(axis=-1, keepdims=True) - y,  # o - y, where y adds up to 1
    ),
}

_WEIGHTS = ("weight", "pos_weight")

ACTIVATIONS = tuple(sorted(_ACTIVATIONS))
LOSSES = tuple(sorted(_LOSSES))


class _Loss:
    """J(y, o): its terms, its slope dJ/do, and what it makes of the targets that it is given."""

    def __init__(self, loss: Any, factor: float, options: Mapping[str, Any], dtype: Any, outputs: str) -> None:
        self.outputs = outputs  # the name of the output activation, for messages
        self._pair = loss if _is_pair(loss) else None
        self.name = "a loss of its own" if self._pair else _known("DeltaNetwork: loss", loss, LOSSES)
        need = "the squared error needs a positive, finite one"
        self.factor = factor = _number("DeltaNetwork: factor", factor, need, _is_positive)
        given = _options("DeltaNetwork:", self.name, options, _OF_LOSSES)
        given |= {name: given[name].astype(dtype) for name in _WEIGHTS if name in given}
        self.weight: Array | None = given.pop("weight", None) if self.name == "cross_entropy" else None
        self.label_smoothing: float = given.pop("label_smoothing", 0.0)
        self.ignore_index: int | None = given.pop("ignore_index", None)
        self.log_targets: bool = given.pop("log_targets", False)
        self.options = {"factor": factor, **given} if self.name == "squared_error" else given
        self.probabilities = "cross_entropy" in self.name or (
            self.name == "kl_divergence" and not given.get("log_outputs")
        )

    def terms(self, o: Array, y: Array) -> Array:
        """Return the terms of J, which are added up over the outputs."""
        self._check_outputs(o)
        return np.asarray((self._pair or _LOSSES[self.name])[0](o, y, **self.options))

    def slope(self, o: Array, y: Array) -> Array:
        """Return dJ/do."""
        self._check_outputs(o)
        slope = np.asarray((self._pair or _LOSSES[self.name])[1](o, y, **self.options), o.dtype)
        if slope.shape != o.shape:
            raise ValueError(
                f"DeltaNetwork: the loss's second function returned shape {slope.shape}, but dJ/do must have the "
                f"outputs', {o.shape}: one slope for each output."
            )
        return slope

    def targets(self, o: Array, y: npt.ArrayLike) -> Array:
        """Return y in o's shape and dtype: labels as one-hot rows, with a loss's weights and smoothing in them.

        Of cross_entropy, ``T_k = w_k ((1 - eps) y_k + eps / K)``: then ``J = -sum_k T_k log o_k``.
        """
        t, by_class = _real("DeltaNetwork: y", y), self.name in ("cross_entropy", "hinge")
        labels = by_class and t.shape == o.shape[:-1] and (self.name != "hinge" or _are_labels(o, t))
        counts = None
        self._check_weights(o)
        if self.ignore_index is not None and not labels and t.shape == o.shape:
            raise ValueError(
                f"DeltaNetwork: ignore_index is {self.ignore_index}, but the targets are distributions, shape "
                f"{t.shape}, and no label marks a sample. Leave out its row: x[keep], y[keep]."
            )
        if labels:
            if self.ignore_index is not None:
                counts = t != self.ignore_index
                t = np.where(counts, t, 0)
            t = _one_hot(self.name, t, o.shape[-1])
        elif t.shape != o.shape:
            fix = "give one target per output, samples in rows"
            if t.T.shape == o.shape:
                fix = "use y.T"
            elif t.size == o.size and t.ndim != o.ndim:
                fix = f"use y.reshape{o.shape}"
            some = by_class and (self.name != "hinge" or o.shape[-1] > 1)
            hint = f", or integer labels of shape {o.shape[:-1]}" if some else ""
            raise ValueError(f"DeltaNetwork: y has shape {t.shape}, but the outputs have shape {o.shape}: {fix}{hint}.")
        if self.name == "hinge":
            if not labels and not (np.abs(t) == 1).all():
                raise ValueError("DeltaNetwork: hinge: targets must be -1 or 1, or integer labels. Write 2 * y - 1.")
            return t if labels else t.astype(o.dtype)
        if self.log_targets:
            t = np.exp(t)
        if (self.probabilities or self.name == "kl_divergence") and not ((t >= 0) & (t <= 1)).all():
            raise ValueError(
                f"DeltaNetwork: {self.name}: targets must lie in [0, 1]; y runs from {t.min()} to {t.max()}. "
                "Scale them, or take squared_error."
            )
        if self.name in ("cross_entropy", "kl_divergence") and not np.allclose(t.sum(axis=-1), 1):
            raise ValueError(
                f"DeltaNetwork: {self.name}: each sample's targets must sum to 1, or its delta is not o - y. "
                "Divide them by y.sum(axis=-1, keepdims=True)."
            )
        t = t.astype(o.dtype)
        if self.name == "cross_entropy":
            t = (1 - self.label_smoothing) * t + self.label_smoothing / o.shape[-1] if self.label_smoothing else t
            t = t if self.weight is None else (t * self.weight).astype(o.dtype)
            t = t if counts is None else np.where(counts[..., None], t, 0)
        return t

    def count(self, o: Array, y: npt.ArrayLike) -> float:
        """Return what a mean over the samples divides by, of the targets as they were given.

        As many as there are samples; of a cross-entropy with weights or with labels that do not count, the sum of the
        labels' weights.
        """
        labels = np.asarray(y)
        n = math.prod(o.shape[:-1])
        if self.name != "cross_entropy" or labels.shape != o.shape[:-1]:
            return n
        if self.ignore_index is not None:
            labels = labels[labels != self.ignore_index]
            n = labels.size
        total = n if self.weight is None else float(self.weight[labels.astype(int)].sum())
        if total <= 0:
            raise ValueError(
                "DeltaNetwork: cross_entropy: no sample counts, by ignore_index or weight, and there is no mean of "
                "none. Take reduction='sum'."
            )
        return total

    def _check_weights(self, o: Array) -> None:
        if self.weight is not None and self.weight.shape != o.shape[-1:]:
            raise ValueError(
                f"DeltaNetwork: cross_entropy: weight has shape {self.weight.shape}, but must hold one number for each "
                f"class, shape {o.shape[-1:]}."
            )
        for name in _WEIGHTS:
            shape = np.shape(self.options.get(name, 1))
            if not _broadcasts(shape, o.shape):
                raise ValueError(
                    f"DeltaNetwork: {self.name}: {name} has shape {shape}, which does not broadcast against outputs of "
                    f"shape {o.shape}. Weights of samples stand in a column, weight[:, None]."
                )

    def _check_outputs(self, o: Array) -> None:
        if self.options.get("log_outputs") and (o > 1e-4).any():
            raise ValueError(
                f"DeltaNetwork: kl_divergence takes outputs for logarithms of probabilities, but these {self.outputs} "
                f"outputs go up to {o.max():.4g}; they must be at most 0: make the last layer a log_softmax."
            )
        if not self.probabilities:
            return
        binary = self.name == "binary_cross_entropy"
        inside = (o > 0) & ((o < 1) if binary else (o <= 1))
        if not inside.all():
            need = "(0, 1): make the last layer a sigmoid." if binary else "(0, 1]: make the last layer a softmax."
            raise ValueError(
                f"DeltaNetwork: {self.name} takes outputs for probabilities, but these {self.outputs} outputs "
                f"run from {o.min():.4g} to {o.max():.4g}; they must lie in {need}"
            )


# Checks and small pieces.


def _walk(layers: Sequence[Layer]) -> Iterator[Layer]:
    for layer in layers:
        if isinstance(layer, Skip):
            yield from _walk(layer.layers)
            yield from _walk(layer.shortcut)
        else:
            yield layer


def _flat(steps: Sequence[_Step]) -> Iterator[_Step]:
    for step in steps:
        if step.inside:
            for inside in step.inside:
                yield from _flat(inside)
        else:
            yield step


def _present(**arrays: Array | None) -> dict[str, Array]:
    return {name: array for name, array in arrays.items() if array is not None}


def _rows(a: Array) -> Array:
    return a.reshape(-1, a.shape[-1])


def _is_pair(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2 and all(map(callable, value))


def _are_labels(o: Array, t: Array) -> bool:
    return o.shape[-1] > 1 and t.dtype.kind in "iub"


def _activation(what: str, given: Any) -> Activation:
    """Return the layer that a name, a name with options, or a pair of functions stands for."""
    name, options = given, {}
    if isinstance(given, (tuple, list)) and len(given) == 2 and isinstance(given[1], Mapping):
        name, options = given
    layer = Activation.__new__(Activation)  # whose messages are to say which layer it is
    layer._make(what, name, options)
    return layer


def _options(what: str, name: str, given: Mapping[str, Any], known: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return what options an activation or a loss is given, each checked; None stands for its default."""
    allowed = known.get(name, ())
    for option in given:
        if option not in allowed:
            takes = f"takes {', '.join(allowed)}" if allowed else "takes none"
            raise ValueError(f"{what} {name} has no option {_shown(option)}; it {takes}.")
    checked = {option: value for option, value in given.items() if value is not None}
    return {option: _option(f"{what} {name}: {option}", option, value) for option, value in checked.items()}


def _option(what: str, name: str, value: Any) -> Any:
    if name == "approximate":
        return _known(what, value, ("none", "tanh"))
    if name in ("log_outputs", "log_targets"):
        if not isinstance(value, (bool, np.bool_)):
            raise ValueError(f"{what} is {_shown(value)}, but must be True or False.")
        return bool(value)
    if name == "ignore_index":
        return _whole(what, value, "must be a whole number: the label that does not count")
    if name in _WEIGHTS:
        array = _real(what, value)
        if not (np.isfinite(array) & (array >= 0)).all():
            raise ValueError(f"{what} is {_shown(value)}, but must hold finite numbers, 0 or more.")
        return array
    return _number(what, value, *_NEEDS.get(name, ("must be a finite number", math.isfinite)))


def _check_assigned(what: str, p: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(p, np.ndarray) or p.shape != shape or p.dtype.kind != "f":
        found = f"{p.dtype} of shape {p.shape}" if isinstance(p, np.ndarray) else _shown(p)
        raise ValueError(
            f"{what} is now {found}, but must be floats of shape {shape}. Write into the array that was there, or make "
            "a new layer."
        )


def _check_shapes(layer: Layer, x: Array, below: Array, gradients: Mapping[str, Array]) -> None:
    need = {"x": x.shape, **{name: p.shape for name, p in layer.parameters.items()}}
    found = {"x": np.shape(below), **{name: np.shape(slope) for name, slope in gradients.items()}}
    if found != need:
        raise ValueError(
            f"{type(layer).__name__}: the backward pass returned slopes of shapes {found}, but must return {need}: one "
            "for each x and each parameter. Of a pair of functions, f' returns one for each z."
        )


def _broadcasts(shape: tuple[int, ...], onto: tuple[int, ...]) -> bool:
    ends = zip(shape[::-1], onto[::-1], strict=False)
    return len(shape) <= len(onto) and all(size in (1, other) for size, other in ends)


def _check_layers(what: str, layers: Any, some: bool = True) -> None:
    wrong = [layer for layer in layers if not isinstance(layer, Layer)] if isinstance(layers, (list, tuple)) else [0]
    if wrong or (some and not layers):
        raise ValueError(
            f"{what} is {_shown(layers)}, but must be a list of layers{', one at least' if some else ''}: "
            "[Dense(W, b), Activation('tanh')]."
        )


def _float(array: Array) -> Array:
    return array if array.dtype.kind == "f" else array.astype(float)


def _zeros_and_ones(what: str, array: Array, one: str, zero: str) -> Array:
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{what} must hold only 1 ({one}) and 0 ({zero}), and holds other numbers.")
    return array.astype(bool)


def _one_sample(form: str, net: DeltaNetwork, x: npt.ArrayLike) -> tuple[list[Activation], ForwardPass]:
    if not isinstance(net, DeltaNetwork):
        raise TypeError(f"The net is {_shown(net)}, but must be a DeltaNetwork(weights, biases, activations, loss).")
    if list(map(type, net.layers)) != [Dense, Activation] * (len(net.layers) // 2):
        raise ValueError(
            f"{form}: the network has other layers than Dense with an Activation each, for which this form is not "
            "stated. Use net.sweep."
        )
    if _real("DeltaNetwork: x", x).ndim != 1:
        raise ValueError(
            f"DeltaNetwork: x has shape {np.shape(x)}, but this form takes one sample, of shape (inputs,). "
            "Of a batch, pass one row: x[0]."
        )
    return [f for f in net.layers if isinstance(f, Activation)], net.forward(x)


def _shown(value: Any) -> str:
    text = repr(value)
    if len(text) <= 40 and not any(mark in text for mark in ("<", "\n", " at 0x")):
        return text
    kind = type(value).__name__
    return str(getattr(value, "__name__", f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"))


def _known(what: str, name: str, names: tuple[str, ...]) -> str:
    if not isinstance(name, str) or name not in names:
        fix = "" if isinstance(name, str) else " Pass the name, as text."
        raise ValueError(f"{what} {_shown(name)} is unknown; the known ones are {', '.join(names)}.{fix}")
    return name


def _number(what: str, value: Any, need: str, ok: Callable[[float], bool]) -> float:
    try:
        number = math.nan if isinstance(value, str) or np.ndim(value) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not ok(number):
        raise ValueError(f"{what} is {_shown(value)}, but {need}.")
    return number


def _is_positive(number: float) -> bool:
    return 0 < number < math.inf


def _is_part(number: float) -> bool:
    return 0 <= number < 1


def _count(what: str, value: Any) -> int:
    return _whole(what, value, "must be a whole number, 1 at least", least=1)


def _whole(what: str, value: Any, need: str, least: int | None = None) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or (least is not None and value < least):
        raise ValueError(f"{what} is {_shown(value)}, but {need}.")
    return int(value)


_NEEDS: dict[str, tuple[str, Callable[[float], bool]]] = {
    "beta": ("must be a positive, finite number", _is_positive),
    "delta": ("must be a positive, finite number", _is_positive),
    "label_smoothing": ("must lie in [0, 1]", lambda number: 0 <= number <= 1),
}


def _generator(what: str, seed: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ValueError(
            f"{what} is {_shown(seed)}, but must be a whole number from 0, or a np.random.Generator."
        ) from None


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
    if isinstance(values, np.ma.MaskedArray):
        raise ValueError(f"{what} is a masked array, whose mask would be ignored. Fill it, with a.filled(value).")
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


def _one_hot(loss: str, labels: Array, n: int) -> Array:
    if labels.dtype.kind not in "uib":
        raise ValueError(f"DeltaNetwork: {loss}: labels must be integers, not {labels.dtype}: use y.astype(int).")
    if labels.min() < 0 or labels.max() >= n:
        raise ValueError(
            f"DeltaNetwork: {loss}: labels run from {labels.min()} to {labels.max()}, but {n} outputs "
            f"stand for the labels 0 to {n - 1}. Number the classes from 0."
        )
    return np.asarray(labels[..., None] == np.arange(n))
