"""Pictures of recorded graphs."""

from .draw import Graph, draw

__all__ = ["Graph", "draw"]
