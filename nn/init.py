"""Initial weights: functions of a generator and a shape (out, in).

`zeros`, `ones`, `xavier_uniform`, `he_normal` and the like are initializers, to be passed as they are:
``nn.Linear(3, 2, initializer=nn.init.orthogonal)``; with a keyword of theirs,
``functools.partial(nn.init.orthogonal, gain=2)``. `constant`, `uniform` and `normal` make one:
``initializer=nn.init.constant(0.1)``. Their names as text are not taken: they would be a second way to say the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_mini as ag

from .checks import FROM_ZERO, array_of, callable_of, finite, positive, real, shown

__all__ = [
    "constant",
    "gain",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Initializer = Callable[[np.random.Generator, tuple[int, ...]], Any]


def uniform(low: float = -0.01, high: float = 0.01) -> Initializer:
    """Return an initializer that draws uniformly from [low, high]; by default the small values of claim R9.

    Examples
    --------
    >>> import numpy as np, nn
    >>> bool(np.abs(nn.Linear(3, 2, initializer=nn.init.uniform(), rng=0).weight.data).max() <= 0.01)
    True
    """
    low, high = (finite("init.uniform", name, x) for name, x in (("low", low), ("high", high)))
    if low > high:
        raise ValueError(f"init.uniform: low is {low:g} and high {high:g}, but low must not exceed high.")
    return lambda rng, shape: rng.uniform(low, high, shape)


def normal(mean: float = 0.0, std: float = 0.01) -> Initializer:
    r"""Return an initializer that draws from :math:`N(\mathrm{mean}, \mathrm{std}^2)`; by default small values.

    Source of the default: Krizhevsky, Sutskever and Hinton, 2012, section 5.

    Examples
    --------
    >>> import nn
    >>> nn.Linear(3, 2, initializer=nn.init.normal(std=0.1), rng=0).weight.data.round(2)
    array([[ 0.01, -0.01,  0.06],
           [ 0.01, -0.05,  0.04]])
    """
    mean = finite("init.normal", "mean", mean)
    std = real("init.normal", "std", std, "be a finite number of at least 0", above=FROM_ZERO)
    return lambda rng, shape: rng.normal(mean, std, shape)


def constant(value: float) -> Initializer:
    """Return an initializer that gives all entries one value: for biases.

    As weights they keep all units of a layer equal (claim R9).

    Examples
    --------
    >>> import nn
    >>> nn.Linear(3, 2, bias_initializer=nn.init.constant(0.1)).bias.data
    array([0.1, 0.1])
    """
    value = finite("init.constant", "value", value)
    return lambda _rng, shape: np.full(shape, value)


def zeros(_rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return zeros: for biases. As weights they keep all units of a layer equal (claim R9)."""
    return np.zeros(shape)


def ones(_rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return ones."""
    return np.ones(shape)


def xavier_uniform(rng: np.random.Generator, shape: tuple[int, ...], gain: float = 1.0) -> Any:
    r"""Draw from :math:`U(-r, r)`, :math:`r = \mathrm{gain} \sqrt{6 / (n_{in} + n_{out})}`.

    It keeps the variance through sigmoids and tanh. Source: Glorot and Bengio, 2010, eq. 16 (claim R14).

    Examples
    --------
    >>> import functools, nn
    >>> nn.Linear(3, 2, initializer=nn.init.xavier_uniform, rng=0).weight.data.round(2)
    array([[ 0.3 , -0.5 , -1.01],
           [-1.06,  0.69,  0.9 ]])
    >>> larger = functools.partial(nn.init.xavier_uniform, gain=2)
    >>> nn.Linear(3, 2, initializer=larger, rng=0).weight.data.round(2)
    array([[ 0.6 , -1.01, -2.01],
           [-2.12,  1.37,  1.81]])
    """
    n_in, n_out, gain = *_fans("xavier_uniform", rng, shape), _gain("xavier_uniform", gain)
    bound = gain * np.sqrt(6 / (n_in + n_out))
    return rng.uniform(-bound, bound, shape)


def xavier_normal(rng: np.random.Generator, shape: tuple[int, ...], gain: float = 1.0) -> Any:
    r"""Draw from :math:`N(0, \mathrm{gain}^2 \cdot 2 / (n_{in} + n_{out}))`.

    The variance of `xavier_uniform`. Source: Glorot and Bengio, 2010, eq. 12 (claim R14).
    """
    n_in, n_out, gain = *_fans("xavier_normal", rng, shape), _gain("xavier_normal", gain)
    return rng.normal(0, gain * np.sqrt(2 / (n_in + n_out)), shape)


def he_uniform(rng: np.random.Generator, shape: tuple[int, ...], negative_slope: float = 0.0) -> Any:
    r"""Draw from :math:`U(-r, r)`, :math:`r = \sqrt{6 / ((1 + s^2) n_{in})}`, s the slope of the rectifier below 0.

    The variance of `he_normal`. Source: He et al., 2015, eqs. 10 and 15 (claim R14).
    """
    n_in, s = _fans("he_uniform", rng, shape)[0], finite("init.he_uniform", "negative_slope", negative_slope)
    bound = np.sqrt(6 / ((1 + s * s) * n_in))
    return rng.uniform(-bound, bound, shape)


def he_normal(rng: np.random.Generator, shape: tuple[int, ...], negative_slope: float = 0.0) -> Any:
    r"""Draw from :math:`N(0, 2 / ((1 + s^2) n_{in}))`, s the slope of the rectifier below 0.

    It keeps the variance through ReLUs, with ``negative_slope=s`` through leaky ones. Source: He et al., 2015, eqs. 10
    and 15 (claim R14).
    """
    n_in, s = _fans("he_normal", rng, shape)[0], finite("init.he_normal", "negative_slope", negative_slope)
    return rng.normal(0, np.sqrt(2 / ((1 + s * s) * n_in)), shape)


def lecun_uniform(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    r"""Draw from :math:`U(-r, r)`, :math:`r = \sqrt{3 / n_{in}}`.

    The variance of `lecun_normal`. Source: LeCun et al., 1998, eq. 16.
    """
    bound = np.sqrt(3 / _fans("lecun_uniform", rng, shape)[0])
    return rng.uniform(-bound, bound, shape)


def lecun_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    r"""Draw from :math:`N(0, 1 / n_{in})`: weighted sums have the variance of the inputs.

    Source: LeCun, Bottou, Orr and Mueller, Efficient BackProp, 1998, eq. 16.
    """
    return rng.normal(0, np.sqrt(1 / _fans("lecun_normal", rng, shape)[0]), shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, ...], gain: float = 1.0) -> Any:
    r"""Draw a matrix with :math:`W^T W = \mathrm{gain}^2 I`, or :math:`W W^T` where there are fewer units than inputs.

    All lengths are kept, times the gain, through any number of linear layers. It is the Q of the QR decomposition of
    normal numbers, each column times the sign of R's diagonal, so that all such matrices are equally likely. Sources:
    Saxe, McClelland and Ganguli, 2014; Mezzadri, 2007, section 5, for the signs.

    Examples
    --------
    >>> import numpy as np, nn
    >>> W = nn.init.orthogonal(np.random.default_rng(0), (3, 2))
    >>> np.allclose(W.T @ W, np.eye(2))
    True
    """
    n_in, n_out, gain = *_fans("orthogonal", rng, shape), _gain("orthogonal", gain)
    q, r = np.linalg.qr(rng.normal(size=(max(n_in, n_out), min(n_in, n_out))))
    q = q * np.where(np.diag(r) < 0, -1, 1)
    return gain * (q if n_out >= n_in else q.T)


def gain(activation: str, negative_slope: float = 0.01) -> float:
    r"""Return by how much weights are to be larger, so that the variance stays the same through an activation.

    1 for identity and sigmoid, 5/3 for tanh, :math:`\sqrt 2` for relu, :math:`\sqrt{2 / (1 + s^2)}` for leaky_relu:
    PyTorch's ``calculate_gain``. Source of the last two: He et al., 2015, eqs. 10 and 15.

    Examples
    --------
    >>> import functools, nn
    >>> wide = functools.partial(nn.init.xavier_uniform, gain=nn.init.gain("tanh"))
    >>> nn.Linear(3, 2, initializer=wide, rng=0)
    Linear(3 -> 2)
    """
    s = finite("init.gain", "negative_slope", negative_slope)
    gains = {"identity": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}
    gains["leaky_relu"] = math.sqrt(2 / (1 + s * s))
    if not isinstance(activation, str) or activation not in gains:
        raise ValueError(
            f"init.gain: activation is {shown(activation)}, but must be one of the names {', '.join(gains)}. For "
            "others no gain is established; the initializers take any number: gain=1.2."
        )
    return gains[activation]


def drawn(
    where: str,
    name: str,
    initializer: Any,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    layer: str,
) -> Any:
    """Return what an initializer gives a layer, if it is an array of real numbers in the shape asked for."""
    callable_of(where, name, initializer, "nn.init.he_normal" if name == "initializer" else "nn.init.zeros")
    if initializer in (constant, normal, uniform):
        call = f"{initializer.__name__}({'0.1' if initializer is constant else ''})"
        raise TypeError(
            f"{where}: {name} is nn.init.{initializer.__name__}, which makes an initializer. Call it: "
            f"{name}=nn.init.{call}."
        )
    values = initializer(rng, shape)
    values = np.asarray(array_of(layer, f"the {name}'s result", values, "fiub" + dtype.kind), dtype)
    if values.shape != shape:
        part = "weight" if name == "initializer" else "bias"
        raise ag.errors.ShapeError(
            f"{layer}: the {name} returned shape {values.shape}; the {part} of {layer} is {shape}."
        )
    return values


def _gain(where: str, value: Any) -> float:
    return positive(f"init.{where}", "gain", value)


def _fans(where: str, rng: Any, shape: Any) -> tuple[int, int]:
    """Return the numbers of inputs and of units."""
    if not isinstance(rng, np.random.Generator) or not isinstance(shape, tuple) or len(shape) != 2:
        fix = f"A layer passes both: nn.Linear(3, 2, initializer=nn.init.{where})."
        if isinstance(shape, tuple) and len(shape) == 1:
            fix = "A bias has no inputs: take nn.init.zeros, nn.init.constant(0.1) or nn.init.uniform()."
        raise TypeError(
            f"init.{where}: rng is {shown(rng)} and shape {shown(shape)}, but must be a np.random.Generator and a "
            f"shape (out, in). {fix}"
        )
    return shape[1], shape[0]
