"""Embedding: a table of vectors, looked up by number."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_mini as ag

from .. import init
from ..checks import array_of, dtype_of, generator, whole
from ..module import Module, Parameter

__all__ = ["Embedding"]


class Embedding(Module):
    r"""A table of vectors, one for each word of a vocabulary; the inputs are the words' numbers.

    It is a Linear layer without a bias on one-hot rows, without the products with 0. A number that occurs several times
    gets the sum of its gradients. Source: Bengio, Ducharme, Vincent and Jauvin, 2003, section 2.

    Parameters
    ----------
    num_embeddings, embedding_dim : int
        How many vectors there are, and of how many numbers each.
    padding_idx : int, optional
        Of a vector that is not trained, at first 0: it stands for no word. A negative one counts from the end.
    initializer : callable, optional
        ``initializer(rng, shape)``; by default from N(0, 1), as PyTorch has it.
    rng : int or numpy.random.Generator, optional
        Where the initial vectors come from.
    dtype : dtype
        Of the vectors.

    Attributes
    ----------
    weight : Parameter, shape (num_embeddings, embedding_dim)

    Raises
    ------
    DTypeError
        At the call, if the inputs are no integers.
    ValueError
        At the call, if a number lies outside 0 to num_embeddings - 1.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag, nn
    >>> table = nn.Embedding(10, 3, rng=0)
    >>> table
    Embedding(10, 3)
    >>> table(np.array([[1, 2, 4, 5], [4, 3, 2, 9]])).shape
    (2, 4, 3)

    Beside other inputs, the numbers stand in a column of their own, from which no gradient is wanted:

    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         self.table, self.mlp = nn.Embedding(10, 3, rng=0), nn.MLP([5, 8, 1], rng=0)
    ...     def forward(self, x):
    ...         words = self.table(ag.stop_gradient(x[:, 0]).astype(int))
    ...         return self.mlp(np.concatenate([words, x[:, 1:]], axis=1))
    >>> X = np.column_stack([np.array([7, 2]), np.array([[0.1, 0.2], [0.3, 0.4]])])
    >>> Net()(X).shape
    (2, 1)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        initializer: init.Initializer | None = None,
        rng: int | np.random.Generator | None = None,
        dtype: Any = np.float64,
    ) -> None:
        n = whole("Embedding", "num_embeddings", num_embeddings, 1)
        dim = whole("Embedding", "embedding_dim", embedding_dim, 1)
        if padding_idx is not None:
            least, hint = -n, f" It is one of the {n} numbers, 0 to {n - 1}, or counts from the end."
            padding_idx = whole("Embedding", "padding_idx", padding_idx, least, hint)
            if padding_idx >= n:
                raise ValueError(f"Embedding: padding_idx is {padding_idx}, but must be below {n}.{hint}")
            padding_idx %= n
        self.padding_idx = padding_idx
        draw = init.normal(0, 1) if initializer is None else initializer
        layer, dtype = f"Embedding({n}, {dim})", dtype_of("Embedding", dtype)
        weight = init.drawn("Embedding", "initializer", draw, generator("Embedding", rng), (n, dim), dtype, layer)
        if padding_idx is not None:
            weight = np.where(np.arange(n)[:, None] == padding_idx, 0, weight)
        self.weight = Parameter(weight)

    def forward(self, x: Any) -> Any:
        """Return the vectors of the numbers `x`, of shape (*x.shape, embedding_dim)."""
        x = array_of("Embedding", "x", x)
        if x.dtype.kind not in "iu":
            raise ag.errors.DTypeError(
                f"Embedding: x holds {x.dtype}, but must hold integers, the words' numbers. Convert it: x.astype(int); "
                "of words, take np.unique(words, return_inverse=True)[1]."
            )
        n = self.weight.shape[0]
        ag.ensure(
            (x >= 0) & (x < n),
            lambda x: ValueError(
                f"Embedding: number {x[(x < 0) | (x >= n)][0]} is out of range: with {n} vectors they run from 0 to "
                f"{n - 1}. Give num_embeddings the largest plus 1."
            ),
            x,
        )
        out = self.weight[x]
        if self.padding_idx is None:
            return out
        return np.where((x == self.padding_idx)[..., None], ag.stop_gradient(out), out)

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        n, dim = self.weight.shape
        dtype = self.weight.dtype.name
        return {"num_embeddings": n, "embedding_dim": dim, "padding_idx": self.padding_idx, "dtype": dtype}

    def __repr__(self) -> str:
        n, dim = self.weight.shape
        return f"Embedding({n}, {dim}{'' if self.padding_idx is None else f', padding_idx={self.padding_idx}'})"
