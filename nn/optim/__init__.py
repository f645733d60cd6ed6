"""Optimizers, the schedules of their learning rates, and the clipping of gradients."""

from .adam import Adam, AdamW
from .adaptive import Adagrad, RMSprop
from .clip import clip_grad_norm_, clip_grad_value_, clipped_norm, clipped_value
from .descent import SGD
from .lbfgs import LBFGS
from .optimizer import Groups, Number, Optimizer
from .schedule import (
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
    ReduceLROnPlateau,
    Schedule,
    StepLR,
)

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineAnnealingLR",
    "ExponentialLR",
    "Groups",
    "LBFGS",
    "LambdaLR",
    "LinearWarmup",
    "MultiStepLR",
    "Number",
    "OneCycleLR",
    "Optimizer",
    "RMSprop",
    "ReduceLROnPlateau",
    "SGD",
    "Schedule",
    "StepLR",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clipped_norm",
    "clipped_value",
]
