"""Pictures of recorded graphs."""

from .draw import Graph, draw
from .render import RenderError

__all__ = ["Graph", "RenderError", "draw"]
