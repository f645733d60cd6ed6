"""The worked example that the sources share: its network, and the figures that were published for it (claim Y14)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .layers import Linear, Sequential, Sigmoid

__all__ = ["LEARNING_RATE", "PUBLISHED", "WEIGHTS", "X", "Y", "network"]

# R. Yehoshua's network of sigmoids, 2 inputs - 3 - 2 - 1 output, trained by the log loss. w_ij leads to unit i, from j.
# None: no connection. The first column of the first layer holds the biases, the weights of an input x0 = 1 (claim Y2);
# x2 is 0, so its weights are not given and matter nothing.
WEIGHTS = (
    ((0.3, 0.5, None), (0.7, -0.2, None), (None, -0.1, None)),
    ((-0.5, 0.4, None), (0.3, 0.6, 0.4)),
    ((0.5, 0.7),),
)
X = (1.0, 1.0, 0.0)  # x0, x1, x2
Y = 1.0
LEARNING_RATE = 0.5

# What the author published, in the order of the algorithm: forward, backward, one step of gradient descent.
PUBLISHED = {
    "a¹₁": 0.68997448,
    "a¹₂": 0.62245933,
    "a¹₃": 0.47502081,
    "a²₁": 0.47601754,
    "a²₂": 0.68362391,
    "o": 0.67184586,
    "δ³": -0.32815414,
    "δ²₁": -0.0409249,
    "δ²₂": -0.04968174,
    "δ¹₁": 0.00118889,
    "δ¹₂": -0.01085224,
    "δ¹₃": -0.00495577,
    "o after step": 0.69807631,
}


def network() -> Sequential:
    """Return the worked example's network; it takes rows (x0, x1, x2), where x0 is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from nn import examples
    >>> model = examples.network()
    >>> model
    Sequential(
      (0): Linear(3 -> 3, bias=False, 4 absent)
      (1): Sigmoid()
      (2): Linear(3 -> 2, bias=False, 1 absent)
      (3): Sigmoid()
      (4): Linear(2 -> 1, bias=False)
      (5): Sigmoid()
    )
    >>> model([examples.X]).numpy().round(4)
    array([[0.6718]])
    """
    layers: list[Linear | Sigmoid] = []
    for rows in WEIGHTS:
        weight = np.array(rows, float)  # None becomes nan
        layers += [_masked(weight), Sigmoid()]
    return Sequential(*layers)


def _masked(weight: Any) -> Linear:
    """Return a layer without bias whose absent connections are the weight's nan."""
    n_out, n_in = weight.shape
    absent = np.isnan(weight)
    mask = ~absent if absent.any() else None
    return Linear(n_in, n_out, bias=False, mask=mask, initializer=lambda rng, shape: np.where(absent, 0.0, weight))
