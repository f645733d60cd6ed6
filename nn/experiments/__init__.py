"""experiments: the sources' claims, each measured over several seeds, as a table, a picture and a sentence.

>>> import nn
>>> found = nn.experiments.Experiment("Is it so?", ("Y0",), "It is.", ("seed",), ((0,),), {}, draw=lambda figure: None)
>>> print(found.finding)
It is.
"""

from .adaptive import adaptive_rates
from .cost import gradient_cost
from .depth import remedies, vanishing
from .inertia import momentum
from .minima import local_minima
from .modes import batch_modes
from .paths import path_counts
from .problems import outputs
from .rates import learning_rates
from .result import Experiment, Spread
from .starts import initializations
from .stops import stopping
from .storage import memory
from .updates import update_sense

__all__ = [
    "Experiment",
    "Spread",
    "adaptive_rates",
    "batch_modes",
    "gradient_cost",
    "initializations",
    "learning_rates",
    "local_minima",
    "memory",
    "momentum",
    "outputs",
    "path_counts",
    "remedies",
    "stopping",
    "update_sense",
    "vanishing",
]
