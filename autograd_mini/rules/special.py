"""Functions of our own, where a stable or fast form is worth a rule: they use the same public door as anybody's."""

from typing import Any

import numpy as np

from ..arrays import plain_only
from ..errors import DTypeError
from ..table import defvjp, primitive
from .composite import array
from .reduce import along

__all__ = ["logsumexp"]


@primitive
def logsumexp(a: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    r"""Return the logarithm of a sum of exponentials, :math:`\log \sum_i e^{a_i}`, without overflow.

    Parameters
    ----------
    a : array_like
        Real values.
    axis : int or tuple of int, optional
        Along which axes to sum; all by default.
    keepdims : bool
        Leave the reduced axes in with length 1.

    Returns
    -------
    array
        Its gradient is the softmax of `a`, by which it is computed.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> print(ag.logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    >>> ag.grad(ag.logsumexp)(np.zeros(2))
    array([0.5, 0.5])
    """
    if type(a) is not np.ndarray or a.dtype.kind != "f":
        plain_only(a, "ag.logsumexp of a {}")
        a = array(a)
        if a.dtype.kind not in "fiub":
            hint = " For complex ones use ag.scipy.special.logsumexp." if a.dtype.kind == "c" else ""
            raise DTypeError(f"logsumexp: the values are {a.dtype}, but must be real numbers.{hint}")
        a = a if a.dtype.kind == "f" else a.astype(float)
    least = float(np.finfo(a.dtype).min)  # infinite entries are compared with a finite one: inf - inf is no number
    if type(a) is np.ndarray:  # the same, found in half the time
        top = np.minimum(np.maximum.reduce(a, axis=axis, keepdims=True, initial=least), -least)
        total = np.add.reduce(np.exp(a - top), axis=axis, keepdims=True)
        if np.logical_and.reduce(total, axis=None):
            y = np.log(total) + top
            return y if keepdims else y.squeeze(axis)
    initial: dict[str, Any] = {} if a.size else {"initial": -np.inf}  # which not every kind of arrays knows
    top = np.minimum(np.maximum(np.max(a, axis=axis, keepdims=True, **initial), least), -least)
    with np.errstate(divide="ignore"):  # log(0) = -inf is the right answer where every entry is -inf
        y = np.log(np.sum(np.exp(a - top), axis=axis, keepdims=True)) + top
    return y if keepdims else np.squeeze(y, axis)


def logsumexp_vjp(g, y, a, *, axis=None, keepdims=False):
    """The softmax, ``exp(a - y)``; 0 where every entry is -inf, whatever finite number stands for that y."""
    return along(g, a, axis, keepdims) * np.exp(
        a - np.maximum(along(y, a, axis, keepdims), float(np.finfo(y.dtype).min))
    )


defvjp(logsumexp, logsumexp_vjp)
