"""Normalizations: layers that give their inputs mean 0 and variance 1, over the batch or over each sample."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import FROM_ZERO, TO_ONE, array_of, dtype_of, flag, lazy, positive, real, whole
from ..module import Buffer, Module, Parameter

__all__ = ["BatchNorm1d", "LayerNorm", "Normalization"]


class Normalization(Module):
    """Base class of the layers that normalize; `weight` and `bias` may be None."""

    weight: Parameter | None
    bias: Parameter | None
    dtype: np.dtype[Any]

    def cast(self, x: Any) -> Any:
        """Return an array of real numbers in the layer's dtype."""
        x = array_of(repr(self), "x", x)
        return x if x.dtype == self.dtype else x.astype(self.dtype)


class BatchNorm1d(Normalization):
    r"""Give each feature mean 0 and variance 1 over the batch, then a mean and a size that are learned.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    In training :math:`\mu` and :math:`\sigma^2` are those of the batch, divided by its n values; the running ones
    follow with every call: :math:`r \leftarrow (1 - m) r + m s` with the momentum m and the batch's s, of which the
    variance is divided by n - 1. In evaluation the running ones are taken. `autograd_mini.checkpoint` calls its
    function twice, and they follow twice, as PyTorch's do. Source: Ioffe and Szegedy, 2015, algorithms 1 and 2; the
    running means are PyTorch's.

    Parameters
    ----------
    num_features : int
        The c in the shape of the inputs, (n, c) or (n, c, l).
    eps : float
        The :math:`\varepsilon`, positive.
    momentum : float or None
        From 0 to 1; None: the running ones are the means over all batches, m = 1 / (number of batches).
    affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`.
    track_running_stats : bool
        False: there are no running ones, and evaluation takes those of the batch too.
    dtype : dtype
        Of all of these; inputs are cast to it.

    Attributes
    ----------
    weight, bias : Parameter, shape (c,), or None
        The :math:`\gamma`, at first 1, and the :math:`\beta`, at first 0.
    running_mean, running_var : Buffer, shape (c,), or None
        At first 0 and 1.
    num_batches_tracked : Buffer, shape (), or None

    Raises
    ------
    ValueError
        At a call in training, or without running statistics, if there is but one value for each feature: its variance
        is 0.

    Examples
    --------
    >>> import numpy as np, nn
    >>> layer = nn.BatchNorm1d(2)
    >>> layer(np.array([[1.0, 10.0], [3.0, 30.0]])).numpy().round(3)
    array([[-1., -1.],
           [ 1.,  1.]])
    >>> layer.running_mean.numpy(), layer.running_var.numpy()
    (array([0.2, 2. ]), array([ 1.1, 20.9]))
    """

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = np.float64,
    ) -> None:
        self.num_features = c = whole("BatchNorm1d", "num_features", num_features, 1)
        self.eps = positive("BatchNorm1d", "eps", eps)
        if momentum is not None:
            need = "lie in [0, 1]: how much of a new mean is taken; or be None, for the mean of all batches"
            momentum = real("BatchNorm1d", "momentum", momentum, need, above=FROM_ZERO, below=TO_ONE)
        self.momentum = momentum
        affine = flag("BatchNorm1d", "affine", affine, "whether a mean and a size are learned")
        tracked = flag("BatchNorm1d", "track_running_stats", track_running_stats, "whether running means are kept")
        self.dtype = _real_dtype("BatchNorm1d", dtype)
        self.weight = Parameter(np.ones(c, self.dtype)) if affine else None
        self.bias = Parameter(np.zeros(c, self.dtype)) if affine else None
        self.running_mean = Buffer(np.zeros(c, self.dtype)) if tracked else None
        self.running_var = Buffer(np.ones(c, self.dtype)) if tracked else None
        self.num_batches_tracked = Buffer(np.array(0)) if tracked else None

    def forward(self, x: Any) -> Any:
        """Return the normalized features, in the shape of `x`: (n, c) or (n, c, l)."""
        x = self.cast(x)
        c = self.num_features
        if x.ndim not in (2, 3) or x.shape[1] != c:
            fix = " Write x[None]." if x.shape == (c,) else " Did you mean x.T?" if x.shape[:1] == (c,) else ""
            raise ag.errors.ShapeError(
                f"{self!r} takes {c} features in the second axis, in shape (n, {c}) or (n, {c}, l), and got an array "
                f"of shape {x.shape}.{fix}"
            )
        column = (c,) if x.ndim == 2 else (c, 1)
        mean, var = self.running_mean, self.running_var
        if self.training or mean is None or var is None:
            if mean is not None and (x.device != "cpu" if isinstance(x, ag.Tensor) else lazy(x)):
                raise ag.errors.UnsupportedArgumentError(
                    f"{self!r}: in training its running means would be computed and fetched into memory at each call. "
                    "Pass a NumPy array, if it fits: np.asarray(x); or write model.eval(); or make the layer with "
                    "track_running_stats=False."
                )
            axes, n = (0,) if x.ndim == 2 else (0, 2), x.size // c
            if n < 2:
                when, fix = "in training ", "write model.eval()"
                if not self.training:
                    when, fix = "", "keep running means, with track_running_stats=True"
                raise ValueError(
                    f"{self!r}: the batch has shape {x.shape}, {'no value' if n == 0 else 'one value'} for each "
                    f"feature, and {when}needs two at least: their variance is taken. Make batches of 2 samples or "
                    "more, without a last one that is smaller: nn.DataLoader((X, y), batch_size, drop_last=True); or "
                    f"{fix}."
                )
            y, batch_mean, batch_var = standardized(x, axes, self.eps)
            if self.training and mean is not None and var is not None:
                self._track(np.reshape(batch_mean, c), np.reshape(batch_var, c), n)
        else:
            y = (x - mean.value.reshape(column)) / np.sqrt(var.value + self.eps).reshape(column)
        y = y if self.weight is None else y * self.weight.reshape(column)
        return y if self.bias is None else y + self.bias.reshape(column)

    def _track(self, mean: Any, var: Any, n: int) -> None:
        """Let the running mean and variance follow those of a batch of `n` values."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        count = self.num_batches_tracked.value + 1
        m: Any = self.momentum
        if m is None:
            m = 1 / count.astype(self.dtype)
        mean, var = ag.stop_gradient((mean, var))  # or else what follows would be recorded, to be thrown away
        self.num_batches_tracked.assign(count)
        self.running_mean.assign((1 - m) * self.running_mean.value + m * mean)
        self.running_var.assign((1 - m) * self.running_var.value + m * (n / (n - 1)) * var)

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {
            "num_features": self.num_features,
            "eps": self.eps,
            "momentum": self.momentum,
            "affine": self.weight is not None,
            "track_running_stats": self.running_mean is not None,
            "dtype": self.dtype.name,
        }

    def __repr__(self) -> str:
        return _described(self, f"{self.num_features}", BatchNorm1d(1).config())


class LayerNorm(Normalization):
    r"""Give each sample mean 0 and variance 1 over its features, then a mean and a size that are learned.

    .. math:: y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    with :math:`\mu` and :math:`\sigma^2` of the sample's own values, in training and in evaluation alike. Source: Ba,
    Kiros and Hinton, 2016, eqs. 3 and 4.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The last axes of the inputs, over which mean and variance are taken.
    eps : float
        The :math:`\varepsilon`, positive.
    elementwise_affine : bool
        Whether there are :math:`\gamma` and :math:`\beta`.
    bias : bool
        Whether there is a :math:`\beta` beside :math:`\gamma`.
    dtype : dtype
        Of both; inputs are cast to it.

    Attributes
    ----------
    weight, bias : Parameter, of shape `normalized_shape`, or None
        At first 1 and 0.

    Examples
    --------
    >>> import numpy as np, nn
    >>> nn.LayerNorm(2)(np.array([[1.0, 3.0], [10.0, 30.0]])).numpy().round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = np.float64,
    ) -> None:
        if np.ndim(normalized_shape) == 0:
            shape: tuple[int, ...] = (whole("LayerNorm", "normalized_shape", normalized_shape, 1),)
        else:
            sizes = enumerate(normalized_shape)
            shape = tuple(whole("LayerNorm", f"normalized_shape[{i}]", size, 1) for i, size in sizes)
        if not shape:
            raise ValueError("LayerNorm: normalized_shape is empty, but must name the last axis or more of them.")
        self.normalized_shape = shape
        self.eps = positive("LayerNorm", "eps", eps)
        affine = flag("LayerNorm", "elementwise_affine", elementwise_affine, "whether a size is learned")
        bias = flag("LayerNorm", "bias", bias, "whether a mean is learned")
        self.dtype = _real_dtype("LayerNorm", dtype)
        self.weight = Parameter(np.ones(shape, self.dtype)) if affine else None
        self.bias = Parameter(np.zeros(shape, self.dtype)) if affine and bias else None

    def forward(self, x: Any) -> Any:
        """Return the normalized values, in the shape of `x`: (..., *normalized_shape)."""
        x = self.cast(x)
        k = len(self.normalized_shape)
        if x.shape[-k:] != self.normalized_shape:
            raise ag.errors.ShapeError(
                f"{self!r} takes arrays whose last axes are {self.normalized_shape}, and got shape {x.shape}."
                f"{' Did you mean x.T?' if x.ndim == 2 and x.shape[:1] == self.normalized_shape else ''} "
                "Give normalized_shape the sizes of these axes."
            )
        y, _, _ = standardized(x, tuple(range(-k, 0)), self.eps)
        y = y if self.weight is None else y * self.weight
        return y if self.bias is None else y + self.bias

    def config(self) -> dict[str, Any]:
        """Return the arguments that make such a layer."""
        return {
            "normalized_shape": list(self.normalized_shape),
            "eps": self.eps,
            "elementwise_affine": self.weight is not None,
            "bias": self.bias is not None or self.weight is None,
            "dtype": self.dtype.name,
        }

    def __repr__(self) -> str:
        shape = self.normalized_shape
        return _described(self, f"{shape[0] if len(shape) == 1 else shape}", LayerNorm(1).config())


def standardized(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """Return ``(x - mean) / sqrt(var + eps)``, mean and variance, each with the axes that it was taken over."""
    mean = np.mean(x, axis=axes, keepdims=True)
    centred = x - mean
    var = np.mean(centred * centred, axis=axes, keepdims=True)
    return centred / np.sqrt(var + eps), mean, var


def _real_dtype(where: str, dtype: Any) -> np.dtype[Any]:
    found = dtype_of(where, dtype)
    if found.kind == "c":
        raise ag.errors.DTypeError(
            f"{where}: dtype is {found}, but must be real: variances are of real numbers. Write dtype=np.float64, and "
            "pass real and imaginary parts as features of their own."
        )
    return found


def _described(layer: Normalization, first: str, default: dict[str, Any]) -> str:
    """Return how a layer is shown: its size, and what else is not as by default."""
    options = [f"{k}={v!r}" for k, v in list(layer.config().items())[1:-1] if v != default[k]]
    return f"{type(layer).__name__}({', '.join([first, *options])})"
