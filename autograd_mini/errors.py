"""The exception classes of the package; every message says what happened, where, and how to fix it."""

__all__ = [
    "AutogradError",
    "DTypeError",
    "GradcheckError",
    "GraphFreedError",
    "LostGradientError",
    "MissingRuleError",
    "NonFiniteError",
    "NothingRecordedError",
    "OverwrittenError",
    "RenderError",
    "RuleError",
    "ShapeError",
    "TraceError",
    "UnsupportedArgumentError",
]


class AutogradError(Exception):
    """Base class of every error that this package raises on its own account."""


class DTypeError(AutogradError, TypeError):
    """A gradient was asked for values that have none: integers, booleans, text, objects."""


class ShapeError(AutogradError, ValueError):
    """Shapes that do not fit together."""


class MissingRuleError(AutogradError, TypeError):
    """A function without a derivative rule was called on a Tensor."""


class UnsupportedArgumentError(AutogradError, TypeError):
    """A function has a rule, but not for this argument; nothing is ever ignored silently."""


class LostGradientError(AutogradError, TypeError):
    """A value with a differentiable path was about to leave the graph without a word."""


class NothingRecordedError(AutogradError, RuntimeError):
    """A gradient was asked of a value that has no recorded path to any leaf."""


class NonFiniteError(AutogradError, FloatingPointError):
    """Under `ag.debug()`: a nan or an inf came up, in a result or in a cotangent."""


class GraphFreedError(AutogradError, RuntimeError):
    """A graph was swept again after `retain_graph=False` had freed it."""


class OverwrittenError(AutogradError, RuntimeError):
    """A value that the sweep needs was written to after it had been recorded."""


class TraceError(AutogradError, TypeError):
    """A program was recorded, or called, with something that it cannot hold: a value of one call only."""


class RenderError(AutogradError, RuntimeError):
    """A picture could not be rendered: no renderer is installed, or it failed."""


class RuleError(AutogradError, RuntimeError):
    """A derivative rule returned something that cannot be its operand's cotangent."""


class GradcheckError(AutogradError, AssertionError):
    """A derivative disagrees with finite differences."""
