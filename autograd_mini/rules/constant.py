"""Functions through which no cotangent passes, functions that only tell metadata, and what numbers have no part in."""

import numpy as np

from ..table import constant, plain, refused

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
    np.sign, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around, np.fix, np.floor_divide, np.spacing,
    # positions and counts
    np.argmax, np.argmin, np.argsort, np.argpartition, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero,
    np.searchsorted, np.digitize, np.lexsort, np.ravel_multi_index, np.unravel_index,
    np.diag_indices_from, np.tril_indices_from, np.triu_indices_from,
    # integers and their bits
    np.packbits, np.unpackbits, np.left_shift, np.right_shift, np.bitwise_count, np.gcd, np.lcm,
    # arrays made after the shape of another
    np.zeros_like, np.ones_like, np.empty_like,
])

constant([  # made with like=, from numbers and files
    np.zeros, np.ones, np.empty, np.eye, np.identity, np.tri, np.arange,
    np.frombuffer, np.fromfile, np.fromiter, np.fromstring, np.loadtxt, np.genfromtxt,
], like=True)

plain([
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.min_scalar_type,
    np.shares_memory, np.may_share_memory, np.allclose, np.array_equal, np.array_equiv, np.array_repr, np.array_str,
    np.array2string, np.common_type,
    np.save, np.savetxt, np.savez, np.savez_compressed,
])
# fmt: on

DATES = "it is about dates, and a Tensor holds numbers. Call it on plain arrays."
TEXT = "it is about text, and a Tensor holds numbers. Call it on plain arrays."

refused(dict.fromkeys([np.busday_count, np.busday_offset, np.is_busday, np.datetime_as_string, np.isnat], DATES))
refused({
    f: TEXT for f in vars(getattr(getattr(np, "_core", None), "strings", np.strings)).values()
    if (isinstance(f, np.ufunc) or getattr(f, "__module__", "") == "numpy.strings") and f not in vars(np).values()
})  # fmt: skip

RENAMED = {"trapz": "trapezoid", "in1d": "isin", "row_stack": "vstack"}  # and on the way out of NumPy, with a warning
refused({
    getattr(np, old): f"NumPy has renamed it. Write np.{new}." for old, new in RENAMED.items()
    if hasattr(np, old) and getattr(np, old) is not getattr(np, new)
})  # fmt: skip
