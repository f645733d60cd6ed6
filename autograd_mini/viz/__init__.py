"""Pictures of recorded graphs."""

from .animate import animate
from .draw import Graph, draw
from .explain import Explanation, explain
from .flow import Flow
from .paths import Path, Paths, paths
from .playing import player
from .steps import Contribution, Step, steps
from .triangular import Triangular, triangular

__all__ = [
    "Contribution",
    "Explanation",
    "Flow",
    "Graph",
    "Path",
    "Paths",
    "Step",
    "Triangular",
    "animate",
    "draw",
    "explain",
    "paths",
    "player",
    "steps",
    "triangular",
]
