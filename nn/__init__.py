"""nn: multi-layer perceptrons on autograd_mini, and the textbooks' rules to hold them against.

>>> import nn
>>> model = nn.MLP([2, 3, 1], "tanh", rng=0)
>>> model([[0.0, 1.0]]).shape
(1, 1)

`MLPClassifier` and `MLPRegressor`, which need scikit-learn, are loaded when they are first asked for.
"""

from difflib import get_close_matches
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import delta, experiments, init, metrics, notation, tables
from .compare import Comparison, Row, compare
from .data import ArrayDataset, DataLoader, Dataset, load_digits, stratified_split, train_validation_split
from .flow import Filming, flow, flows
from .functional import (
    elu,
    gelu,
    identity,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from .grading import Mistake, Verdict, check_delta_rule
from .layers import (
    ELU,
    GELU,
    MLP,
    BatchNorm1d,
    Dropout,
    Embedding,
    Flatten,
    Identity,
    LayerNorm,
    LeakyReLU,
    Linear,
    LogSoftmax,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from .losses import (
    absolute_error,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    cross_entropy,
    hinge,
    huber,
    kl_divergence,
    squared_error,
)
from .metrics import accuracy
from .module import Buffer, Module, Parameter
from .optim import (
    LBFGS,
    SGD,
    Adagrad,
    Adam,
    AdamW,
    CosineAnnealingLR,
    ExponentialLR,
    Groups,
    LambdaLR,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
    Optimizer,
    ReduceLROnPlateau,
    RMSprop,
    Schedule,
    StepLR,
    clip_grad_norm_,
    clip_grad_value_,
)
from .player import player
from .saving import FileError, archive, load, load_metadata, save
from .summary import Summary, SummaryRow, summary
from .training import (
    Callback,
    History,
    NonFiniteLossError,
    Run,
    TrainingStep,
    compile_step,
    evaluate,
    fit,
)

if TYPE_CHECKING:
    from .estimator import MLPClassifier as MLPClassifier
    from .estimator import MLPRegressor as MLPRegressor

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "ArrayDataset",
    "BatchNorm1d",
    "Buffer",
    "Callback",
    "Comparison",
    "CosineAnnealingLR",
    "DataLoader",
    "Dataset",
    "Dropout",
    "ELU",
    "Embedding",
    "ExponentialLR",
    "FileError",
    "Filming",
    "Flatten",
    "GELU",
    "Groups",
    "History",
    "Identity",
    "LBFGS",
    "LambdaLR",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearWarmup",
    "LogSoftmax",
    "MLP",
    "Mistake",
    "Module",
    "MultiStepLR",
    "NonFiniteLossError",
    "OneCycleLR",
    "Optimizer",
    "Parameter",
    "RMSprop",
    "ReLU",
    "ReduceLROnPlateau",
    "Residual",
    "Row",
    "Run",
    "SGD",
    "Schedule",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "StepLR",
    "Summary",
    "SummaryRow",
    "Tanh",
    "TrainingStep",
    "Verdict",
    "absolute_error",
    "accuracy",
    "archive",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "check_delta_rule",
    "clip_grad_norm_",
    "clip_grad_value_",
    "compare",
    "compile_step",
    "cross_entropy",
    "delta",
    "elu",
    "evaluate",
    "experiments",
    "fit",
    "flow",
    "flows",
    "gelu",
    "hinge",
    "huber",
    "identity",
    "init",
    "kl_divergence",
    "leaky_relu",
    "load",
    "load_digits",
    "load_metadata",
    "log_softmax",
    "metrics",
    "notation",
    "player",
    "relu",
    "save",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "squared_error",
    "stratified_split",
    "summary",
    "tables",
    "tanh",
    "train_validation_split",
]

ESTIMATORS = ("MLPClassifier", "MLPRegressor")  # not in __all__: `from nn import *` must do without scikit-learn


ELSEWHERE = {  # what it is called in PyTorch or Keras: what it is called here
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "BatchNormalization": "BatchNorm1d",
    "CrossEntropyLoss": "cross_entropy",
    "Dense": "Linear",
    "EarlyStopping": "fit",
    "HuberLoss": "huber",
    "KLDivLoss": "kl_divergence",
    "L1Loss": "absolute_error",
    "LayerNormalization": "LayerNorm",
    "MSELoss": "squared_error",
    "NLLLoss": "categorical_cross_entropy",
    "mae": "absolute_error",
    "mse": "squared_error",
    "mse_loss": "squared_error",
    "predict": "evaluate",
}


def __getattr__(name: str) -> Any:
    if name not in ESTIMATORS:
        near = [ELSEWHERE[name]] if name in ELSEWHERE else get_close_matches(name, __dir__(), 1, 0.75)
        raise AttributeError(f"Module 'nn' has no attribute {name!r}.{f' See nn.{near[0]}.' if near else ''}")
    try:
        from . import estimator
    except ImportError as error:
        raise ImportError(
            f"nn.{name} needs scikit-learn 1.6 or later, which could not be loaded ({error}). Run pip install "
            "'autograd-mini[sklearn]'."
        ) from error
    return getattr(estimator, name)


def __dir__() -> list[str]:
    found = ESTIMATORS if find_spec("sklearn") else ()  # who goes through all names must be able to get each
    return sorted({*globals(), *found})
