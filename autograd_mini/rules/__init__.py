"""The rules, one file per kind of function; importing this package fills the table."""

from . import composite, constant, elementwise, index, linear, reduce, shape, special

__all__ = ["composite", "constant", "elementwise", "index", "linear", "reduce", "shape", "special"]
