"""Functions through which no cotangent passes, and functions that only tell metadata."""

import numpy as np

from ..table import constant, plain

__all__: list[str] = []

# fmt: off
constant([
    # comparisons and logic
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert,
    np.isnan, np.isinf, np.isfinite, np.isneginf, np.isposinf, np.signbit, np.isclose, np.isin,
    np.isreal, np.iscomplex, np.all, np.any,
    # steps: the derivative is 0 wherever it exists
    np.sign, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix, np.floor_divide, np.heaviside,
    # positions and counts
    np.argmax, np.argmin, np.argsort, np.argpartition, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero,
    np.searchsorted, np.digitize,
    # arrays made after the shape of another
    np.zeros_like, np.ones_like, np.empty_like,
])

plain([
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.min_scalar_type,
    np.shares_memory, np.may_share_memory, np.allclose, np.array_equal, np.array_equiv, np.array_repr, np.array_str,
    np.array2string, np.common_type,
])
# fmt: on
