"""autograd_mini: reverse-mode automatic differentiation of NumPy code, small enough to read.

>>> import numpy as np, autograd_mini as ag
>>> x = ag.Tensor([[1.0, 2.0]], requires_grad=True)
>>> y = np.tanh(x).sum()
>>> y.backward()
>>> x.grad
array([[0.41997434, 0.07065082]])
"""

from . import errors
from . import rules as _rules  # noqa: F401 (fills the table)
from .check import gradcheck
from .recording import keep, no_grad, recording, scope
from .rules.special import logsumexp
from .table import defvjp, primitive
from .tensor import Tensor
from .transforms import grad, gradients, value_and_grad, vjp
from .viz import draw

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "defvjp",
    "draw",
    "errors",
    "grad",
    "gradcheck",
    "gradients",
    "keep",
    "logsumexp",
    "no_grad",
    "primitive",
    "recording",
    "scope",
    "value_and_grad",
    "vjp",
]
