"""autograd_mini: reverse-mode automatic differentiation of NumPy code, small enough to read.

>>> import numpy as np, autograd_mini as ag
>>> x = ag.Tensor([[1.0, 2.0]], requires_grad=True)
>>> y = np.tanh(x).sum()
>>> y.backward()
>>> x.grad
array([[0.41997434, 0.07065082]])
"""

from . import dispatch as _dispatch  # noqa: F401 (fills the table, and gives Tensor its operators)
from . import errors, scipy
from .check import gradcheck
from .checkpointing import checkpoint
from .compiling import Compiled, compile
from .debugging import debug
from .jacobians import hessian, jacobian
from .program import Program
from .reasons import why
from .recording import keep, no_grad, recording, scope
from .rules.special import logsumexp
from .source import written as _written  # noqa: F401 (gives Program its source)
from .table import defvjp, primitive
from .tensor import Tensor
from .tracing import ensure, fresh, trace
from .transforms import elementwise_grad, ggnvp, grad, gradients, hvp, jvp, stop_gradient, value_and_grad, vjp
from .viz import Flow, animate, draw, explain, paths, player, steps, triangular

__version__ = "0.1.0"

__all__ = [
    "Compiled",
    "Flow",
    "Program",
    "Tensor",
    "animate",
    "checkpoint",
    "compile",
    "debug",
    "defvjp",
    "draw",
    "elementwise_grad",
    "ensure",
    "errors",
    "explain",
    "fresh",
    "ggnvp",
    "grad",
    "gradcheck",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "keep",
    "logsumexp",
    "no_grad",
    "paths",
    "player",
    "primitive",
    "recording",
    "scipy",
    "scope",
    "steps",
    "stop_gradient",
    "trace",
    "triangular",
    "value_and_grad",
    "vjp",
    "why",
]
