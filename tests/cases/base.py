"""What a row of the tables is made of: one call, its operands, masks."""

from typing import Any, NamedTuple

import numpy as np

import autograd_mini as ag

ANY, ONE, POSITIVE = (-1.7, 2.1), (-0.7, 0.65), (0.7, 1.9)
SHIFTED = (-1.5, 2.4)  # no entry ties with one of ANY


class Case(NamedTuple):
    """One call: ``function(*args, **kwargs)``."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __str__(self):
        named = (f"{name}={show(value)}" for name, value in self.kwargs.items())
        return ", ".join([*map(show, self.args), *named])


def show(value):
    if isinstance(value, np.ndarray):
        shape = "x".join(map(str, value.shape)) or "()"
        return shape if value.dtype.kind == "f" else f"{value.dtype}{shape}"
    if isinstance(value, ag.Tensor):
        return f"T{show(value.data)}"
    if isinstance(value, slice):
        return ":".join("" if v is None else str(v) for v in (value.start, value.stop, value.step))
    if isinstance(value, (list, tuple)):
        inside = " ".join(map(show, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return "..." if value is Ellipsis else getattr(value, "__name__", str(value))


def on(*args, **kwargs):
    return Case(args, kwargs)


class Draw:
    """Distinct values, evenly spread and shuffled, other ones at each call; each file of rows draws its own."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(sum(map(ord, seed)))

    def __call__(self, *shape, between=ANY):
        values = self.rng.permutation(np.linspace(*between, int(np.prod(shape)))).reshape(shape)
        values.flags.writeable = False
        return values

    def complex(self, *shape, between=ANY):
        values = np.asarray(self(*shape, between=between) + 1j * self(*shape, between=between))
        values.flags.writeable = False
        return values


def mask(*shape):
    """At least one True and one False, by turns along the flat array."""
    return (np.arange(int(np.prod(shape))) % 3 != 1).reshape(shape)
