"""MLP: the multi-layer perceptron as one line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import init
from ..checks import FROM_ZERO, dtype_of, flag, generator, real, shown, whole
from ..module import Module
from .activations import ACTIVATIONS
from .containers import Sequential
from .dropout import Dropout
from .linear import Linear
from .normalization import BatchNorm1d

__all__ = ["MLP"]

RECTIFIERS = frozenset({"relu", "leaky_relu", "elu", "gelu", "silu", "softplus"})  # which pass on half of the variance


class MLP(Sequential):
    """A multi-layer perceptron: Linear layers with an activation after each.

    A hidden layer is, in this order, Linear, BatchNorm1d, activation, Dropout, of which the second and the last are
    there on request. Under a BatchNorm1d a Linear layer has no bias: the mean would take it away again, and beta is in
    its place (Ioffe and Szegedy, 2015, section 3.2).

    Parameters
    ----------
    sizes : sequence of int
        Inputs, units of each hidden layer, outputs.
    activation : str
        Of the hidden layers: identity, relu, sigmoid, softmax, tanh, elu, gelu, leaky_relu, log_softmax, silu or
        softplus.
    output : str
        Of the output layer; ``"identity"`` leaves the logits, as the losses from logits want them.
    dropout : float
        The probability with which units of the hidden layers are put out in training; 0: none are.
    batch_norm : bool
        Whether the hidden layers are normalized over the batch.
    rng : int or numpy.random.Generator, optional
        Where the initial weights come from, then the seeds of what dropout draws.
    dtype : dtype
        Of the parameters.
    initializer : callable, optional
        A function of `nn.init`, for all weights. By default He's (`init.he_normal`) before a rectifier, which is relu,
        leaky_relu, elu, gelu, silu or softplus, and Xavier's (`init.xavier_uniform`) elsewhere.
    bias_initializer : callable, optional
        For all biases; zeros by default.

    Examples
    --------
    >>> import nn
    >>> model = nn.MLP([64, 32, 10], rng=0)
    >>> [p.shape for p in model.parameters()]
    [(32, 64), (32,), (10, 32), (10,)]
    >>> nn.MLP([64, 32, 10], "gelu", dropout=0.2, batch_norm=True, rng=0)
    MLP(
      (0): Linear(64 -> 32, bias=False)
      (1): BatchNorm1d(32)
      (2): GELU(approximate='none')
      (3): Dropout(0.2)
      (4): Linear(32 -> 10)
    )
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str = "relu",
        output: str = "identity",
        *,
        dropout: float = 0.0,
        batch_norm: bool = False,
        rng: int | np.random.Generator | None = None,
        dtype: Any = np.float64,
        initializer: init.Initializer | None = None,
        bias_initializer: init.Initializer = init.zeros,
    ) -> None:
        if np.ndim(sizes) != 1 or len(sizes) < 2 or isinstance(sizes, str):
            raise ValueError(
                f"MLP: sizes is {shown(sizes)}, but must list at least inputs and outputs, as in MLP([64, 32, 10])."
            )
        for argument, name in (("activation", activation), ("output", output)):
            if not isinstance(name, str) or name not in ACTIVATIONS:
                raise ValueError(
                    f"MLP: unknown activation: {argument} is {shown(name)}, but must be one of the names "
                    f"{', '.join(ACTIVATIONS)}, as text."
                )
        sizes = [whole("MLP", f"sizes[{i}]", size, 1) for i, size in enumerate(sizes)]
        dropout = real("MLP", "dropout", dropout, "lie in [0, 1): the part that is put out", above=FROM_ZERO, below=1)
        batch_norm = flag("MLP", "batch_norm", batch_norm, "whether hidden layers are normalized over the batch")
        rng, dtype = generator("MLP", rng), dtype_of("MLP", dtype)
        names = [activation] * (len(sizes) - 2) + [output]
        linears = [
            Linear(
                n_in,
                n_out,
                bias=not batch_norm or i == len(sizes) - 2,
                initializer=initializer or (init.he_normal if names[i] in RECTIFIERS else init.xavier_uniform),
                bias_initializer=bias_initializer,
                rng=rng,
                dtype=dtype,
            )
            for i, (n_in, n_out) in enumerate(pairwise(sizes))
        ]
        seeds = rng.integers(2**63, size=len(sizes) - 2) if dropout else np.empty(0)
        layers: list[Module] = []
        for i, (linear, name) in enumerate(zip(linears, names, strict=True)):
            hidden = i < len(linears) - 1
            layers.append(linear)
            if batch_norm and hidden:
                layers.append(BatchNorm1d(sizes[i + 1], dtype=dtype))
            if name != "identity":
                layers.append(ACTIVATIONS[name]())
            if dropout and hidden:
                layers.append(Dropout(dropout, rng=int(seeds[i])))
        super().__init__(*layers)
        self.options = {
            "sizes": sizes,
            "activation": activation,
            "output": output,
            "dropout": dropout,
            "batch_norm": batch_norm,
            "dtype": dtype.name,
        }

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a model; of a class with other arguments, define its own `config`."""
        if type(self).__init__ is not MLP.__init__:
            return Module.config(self)
        return {**self.options, "sizes": list(self.options["sizes"])}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MLP:
        """Return a model of what `config` returned."""
        return cls(**config)
