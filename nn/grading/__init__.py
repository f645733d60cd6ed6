"""Grading a backward pass that somebody wrote: `check_delta_rule`."""

from .check import check_delta_rule
from .verdict import Mistake, Verdict

__all__ = ["Mistake", "Verdict", "check_delta_rule"]
