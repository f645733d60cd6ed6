"""Films of a training: the record of its gradients, and the page that shows it."""

from .record import Flow

__all__ = ["Flow"]
