"""The player: the page that plays a sweep, and what only it has."""

from .page import player

__all__ = ["player"]
