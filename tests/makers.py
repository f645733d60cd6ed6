"""What tests make: a function of one's own with the given vjps."""

import autograd_mini as ag

__all__ = ["rule"]


def rule(function, *vjps, **kwargs):
    """Return a function, made recordable, with these vjps."""
    wrapped = ag.primitive(function)
    ag.defvjp(wrapped, *vjps, **kwargs)
    return wrapped
