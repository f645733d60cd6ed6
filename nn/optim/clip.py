"""Clipping: a gradient that is too long is shortened, or each of its numbers is bounded.

Source: Pascanu, Mikolov and Bengio, 2013, algorithm 1. ``clip_grad_norm_`` and ``clip_grad_value_`` are for a loop that
one writes, between ``backward()`` and ``step()``; the functions below them are the same on arrays and Tensors, for a
step that is compiled, and for `fit`, which takes ``clip_norm=`` and ``clip_value=``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import real, shown

__all__ = ["clip_grad_norm_", "clip_grad_value_", "clipped_norm", "clipped_value", "norm_of"]

APART = 1e-6  # added to the norm, as in PyTorch: a gradient of 0 is not divided by 0


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0) -> float:
    r"""Shorten the gradients of all parameters, taken as one vector, to a norm of at most `max_norm`.

    :math:`g \leftarrow g \cdot \min(1, \, c / (\|g\|_p + 10^{-6}))`, with one norm for all of them, so the direction
    stays. As in PyTorch, a norm that is infinite makes 0 of all finite numbers and NaN of the others, and one that is
    NaN makes NaN of all: look at the norm that is returned.

    Parameters
    ----------
    parameters : Parameter or iterable of Parameter
        Those without a gradient are left out. A gradient that is shortened is replaced by a new array.
    max_norm : float
        The :math:`c`, above 0. Infinity clips nothing, and measures.
    norm_type : float
        The :math:`p`, above 0; infinity takes the largest absolute value.

    Returns
    -------
    float
        The norm before.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([0.0, 0.0])
    >>> w.grad = np.array([3.0, 4.0])
    >>> nn.clip_grad_norm_([w], max_norm=1.0)
    5.0
    >>> w.grad.round(6)
    array([0.6, 0.8])
    """
    held = _with_gradients("clip_grad_norm_", parameters)
    max_norm = _bound("clip_grad_norm_", "max_norm", max_norm)
    norm_type = _bound("clip_grad_norm_", "norm_type", norm_type)
    gradients = [_array(p.grad) for p in held]
    if not gradients:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # the norm that is returned says so
        norm = norm_of(gradients, norm_type)
        factor = _factor(norm, max_norm)
        if not factor == 1:  # NaN too
            for p, g in zip(held, gradients, strict=True):
                p.grad = _times(g, factor)
    return float(norm)


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    r"""Bound each number of the gradients: :math:`g_i \leftarrow \max(-c, \min(c, g_i))`.

    The direction changes. Infinite numbers become :math:`\pm c`; NaN stays NaN.

    Parameters
    ----------
    parameters : Parameter or iterable of Parameter
        Real ones; those without a gradient are left out. Their gradients are replaced by new arrays.
    clip_value : float
        The :math:`c`, above 0.

    Raises
    ------
    DTypeError
        If a gradient is complex.

    Examples
    --------
    >>> import numpy as np, nn
    >>> w = nn.Parameter([0.0, 0.0])
    >>> w.grad = np.array([0.5, -4.0])
    >>> nn.clip_grad_value_([w], clip_value=1.0)
    >>> w.grad
    array([ 0.5, -1. ])
    """
    held = _with_gradients("clip_grad_value_", parameters)
    clip_value = _bound("clip_grad_value_", "clip_value", clip_value)
    for p, g in zip(held, clipped_value([_array(p.grad) for p in held], clip_value), strict=True):
        p.grad = g


def clipped_norm(gradients: Sequence[Any], max_norm: Any, norm_type: float = 2.0) -> list[Any]:
    """Return gradients, taken as one vector, shortened to a norm of at most `max_norm`, as `clip_grad_norm_` does.

    Pure, without a branch on a value, so that it can be recorded and compiled.

    Parameters
    ----------
    gradients : sequence of array or Tensor
        Of any shapes: one for each parameter, or flat vectors of several.
    max_norm : float, array or Tensor
        A number.
    norm_type : float
        Above 0, or infinity.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.optim.clip import clipped_norm
    >>> [g.round(6) for g in clipped_norm([np.array([3.0, 0.0]), np.array([4.0])], 1.0)]
    [array([0.6, 0. ]), array([0.8])]
    """
    factor = _factor(norm_of(gradients, norm_type), max_norm)
    return [_times(g, factor) for g in gradients]


def clipped_value(gradients: Sequence[Any], clip_value: Any) -> list[Any]:
    """Return gradients with each number between ``-clip_value`` and ``clip_value``, as `clip_grad_value_` does.

    Pure, without a branch on a value, so that it can be recorded and compiled.

    Parameters
    ----------
    gradients : sequence of array or Tensor
        Real ones, of any shapes.
    clip_value : float, array or Tensor
        A number.

    Raises
    ------
    DTypeError
        If a gradient is complex.

    Examples
    --------
    >>> import numpy as np
    >>> from nn.optim.clip import clipped_value
    >>> clipped_value([np.array([0.5, -4.0]), np.array([2.0])], 1.0)
    [array([ 0.5, -1. ]), array([1.])]
    """
    for g in gradients:
        if g.dtype.kind == "c":
            raise ag.errors.DTypeError(
                f"clip_grad_value_: a gradient is {g.dtype}, but must be real, since complex numbers have no order. "
                "Clip by the norm: nn.clip_grad_norm_(parameters, max_norm)."
            )
    return [np.clip(g, -clip_value, clip_value) for g in gradients]


def norm_of(gradients: Sequence[Any], norm_type: float = 2.0) -> Any:
    """Return the norm of arrays or Tensors taken as one vector, a number of their dtype."""
    sizes = [np.abs(g) if g.dtype.kind == "c" or norm_type != 2 else g for g in gradients]
    if norm_type == math.inf:
        return _folded(np.maximum, [np.max(size, initial=0) for size in sizes])
    if norm_type == 2:
        return np.sqrt(_folded(np.add, [np.sum(size * size) for size in sizes]))
    return _folded(np.add, [np.sum(size**norm_type) for size in sizes]) ** (1 / norm_type)


def _folded(join: Any, values: list[Any]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = join(result, value)
    return result


def _factor(norm: Any, max_norm: Any) -> Any:
    return np.minimum(max_norm / (norm + APART), 1)


def _times(g: Any, factor: Any) -> Any:
    """Return a gradient times a number, in its own dtype where others have more digits."""
    dtype = np.finfo(g.dtype).dtype  # of a complex one that of its parts
    return g * (factor if factor.dtype == dtype else factor.astype(dtype))


def _array(gradient: Any) -> Any:
    return gradient.numpy() if isinstance(gradient, ag.Tensor) else np.asarray(gradient)


def _bound(where: str, name: str, value: Any) -> float:
    if isinstance(value, float) and value == math.inf:
        return value
    return real(where, name, value, "be above 0", above=0)


def _with_gradients(where: str, parameters: Any) -> list[Any]:
    """Return those that have a gradient, each once."""
    several = [parameters] if isinstance(parameters, ag.Tensor) else parameters
    if not isinstance(several, Iterable) or isinstance(several, (np.ndarray, str)):
        raise TypeError(
            f"{where}: parameters is {shown(parameters)}, but must be a list of Parameters. Pass model.parameters()."
        )
    several = list(several)
    for p in several:
        if not isinstance(p, ag.Tensor):
            raise TypeError(
                f"{where} clips the gradients of Parameters, and one of these is a {type(p).__name__}. Pass "
                "model.parameters()."
            )
    return [p for p in dict.fromkeys(several) if p.grad is not None]
