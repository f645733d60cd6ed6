"""Training: one compiled step, and fit with all that goes on around its steps."""

from .callbacks import Callback, Run
from .compiled import TrainingStep, compile_step
from .fit import NonFiniteLossError, evaluate, fit
from .history import History

__all__ = [
    "Callback",
    "History",
    "NonFiniteLossError",
    "Run",
    "TrainingStep",
    "compile_step",
    "evaluate",
    "fit",
]
