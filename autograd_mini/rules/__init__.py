"""The rules, one file per kind of function; importing this package fills the table."""

from . import (  # noqa: F401
    assign,
    calculus,
    composite,
    constant,
    create,
    einsum,
    elementwise,
    fft,
    index,
    join,
    linalg,
    linear,
    methods,
    polynomial,
    reduce,
    scan,
    scimath,
    shape,
    signal,
    sort,
    special,
    statistics,
)

__all__: list[str] = []
