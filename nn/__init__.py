"""nn: multi-layer perceptrons on autograd_mini, and the textbooks' rules to hold them against.

>>> import nn
>>> model = nn.MLP([2, 3, 1], "tanh", rng=0)
>>> model([[0.0, 1.0]]).shape
(1, 1)
"""

from . import delta, init
from .compare import Comparison, Row, compare
from .compiled import TrainingStep, compile_step
from .data import load_digits, stratified_split
from .functional import identity, log_softmax, relu, sigmoid, softmax, tanh
from .layers import MLP, Dropout, Identity, Linear, ReLU, Sequential, Sigmoid, Softmax, Tanh
from .losses import (
    accuracy,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    cross_entropy,
    squared_error,
)
from .module import Module, Parameter
from .optim import SGD, Adam, AdamW, Optimizer
from .train import History, NonFiniteLossError, evaluate, fit

__all__ = [
    "Adam",
    "AdamW",
    "Comparison",
    "Dropout",
    "History",
    "Identity",
    "Linear",
    "MLP",
    "Module",
    "NonFiniteLossError",
    "Optimizer",
    "Parameter",
    "ReLU",
    "Row",
    "SGD",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "TrainingStep",
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "compare",
    "compile_step",
    "cross_entropy",
    "delta",
    "evaluate",
    "fit",
    "identity",
    "init",
    "load_digits",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "squared_error",
    "stratified_split",
    "tanh",
]
