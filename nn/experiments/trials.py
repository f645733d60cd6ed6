"""Trial: one model on one task that is trained again and again from the same weights, each time otherwise."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import autograd_mini as ag

from ..data import DataLoader, load_digits
from ..module import Module
from ..optim import Optimizer
from ..training import compile_step

__all__ = ["Trial", "digits"]


def digits(where: str, seed: int, *sizes: int) -> list[tuple[Any, Any]]:
    """Return so many samples of the digits, drawn at random without replacement, in parts of these sizes."""
    X, labels = load_digits()
    if sum(sizes) > len(X):
        raise ValueError(
            f"{where}: {' + '.join(map(str, sizes))} digits are asked for, but there are {len(X)}. Take fewer samples."
        )
    order = np.random.default_rng(seed).permutation(len(X))
    ends = np.cumsum([0, *sizes])
    return [(X[order[a:b]], labels[order[a:b]]) for a, b in pairwise(ends)]


class Trial:
    """A model and an optimizer whose step is compiled once, and which start over as often as is asked.

    Parameters
    ----------
    model, loss, optimizer
        As for `nn.compile_step`. The weights that the model has now are the first ones.
    """

    def __init__(self, model: Module, loss: Callable[[Any, Any], Any], optimizer: Optimizer) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.step = compile_step(model, loss, optimizer)
        self._weights = model.state_dict()
        self._state = copy.deepcopy(optimizer.state_dict())

    def restart(self, lr: float, weights: dict[str, Any] | None = None) -> None:
        """Go back to the first weights, forget what the optimizer remembers, and take another learning rate.

        Weights that are given, such as another seed's, are the first ones from now on; nothing is compiled again.
        """
        self._weights = self._weights if weights is None else weights
        self.model.load_state_dict(self._weights)
        self.optimizer.load_state_dict(copy.deepcopy(self._state))
        self.optimizer.lr = lr

    def descend(self, x: Any, y: Any, steps: int) -> Any:
        """Take steps on all samples; return the loss before each and after the last, infinite once it has diverged."""
        losses = np.full(steps + 1, np.inf)
        with np.errstate(all="ignore"):
            for i in range(steps):
                losses[i] = self.step(x, y)
                if not math.isfinite(losses[i]):
                    losses[i] = np.inf
                    return losses
            losses[-1] = self.value(x, y)
        return losses

    def epochs(self, x: Any, y: Any, epochs: int, batch_size: int | None, seed: int) -> float:
        """Take a step on each mini-batch, in another order in each epoch; return the loss of all samples at the end."""
        batches = DataLoader((x, y), batch_size, rng=seed)
        with np.errstate(all="ignore"):
            for _ in range(epochs):
                for batch in batches:
                    self.step(*batch)
        return self.value(x, y)

    def value(self, x: Any, y: Any) -> float:
        """Return the loss as the weights are, infinite if it is no number."""
        with np.errstate(all="ignore"), ag.no_grad():
            found = float(np.asarray(self.loss(self.model(x), y).numpy()))
        return found if math.isfinite(found) else math.inf
