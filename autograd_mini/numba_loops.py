"""Operations on single numbers as code that numba compiles to what NumPy computes, dtype by dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["KINDS", "as_literal", "cast", "expression", "kind_of", "resolved"]

KINDS = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")

COMPARISONS = {
    np.less: "<", np.less_equal: "<=", np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!=",
}  # fmt: skip
ARITHMETIC = {np.add: "{a} + {b}", np.subtract: "{a} - {b}", np.multiply: "{a} * {b}"}
FLOAT = {
    np.divide: "{a} / {b}", np.negative: "-{a}", np.positive: "{a}", np.absolute: "abs({a})", np.fabs: "abs({a})",
    np.square: "{a} * {a}", np.reciprocal: "{T}(1) / {a}", np.sqrt: "math.sqrt({a})", np.conjugate: "{a}",
    np.sign: "({a} if {a} != {a} else ({T}(1) if {a} > {T}(0) else ({T}(-1) if {a} < {T}(0) else {T}(0))))",
    np.maximum: "({b} if ({a} <= {b}) | ({b} != {b}) else {a})", np.isnan: "{a} != {a}",
    np.minimum: "({b} if ({a} >= {b}) | ({b} != {b}) else {a})",
    np.isfinite: "abs({a}) < {T}(inf)", np.isinf: "abs({a}) == {T}(inf)", np.signbit: None,
    np.logical_and: "({a} != {T}(0)) & ({b} != {T}(0))", np.logical_or: "({a} != {T}(0)) | ({b} != {T}(0))",
    np.logical_not: "{a} == {T}(0)",
}  # fmt: skip
WHOLE = {
    np.negative: "-{a}", np.positive: "{a}", np.square: "{a} * {a}", np.bitwise_and: "{a} & {b}", np.invert: "~{a}",
    np.bitwise_or: "{a} | {b}", np.bitwise_xor: "{a} ^ {b}", np.conjugate: "{a}",
    np.maximum: "({a} if {a} > {b} else {b})", np.minimum: "({a} if {a} < {b} else {b})",
    np.absolute: "({a} if {a} > {T}(0) else -{a})", np.isnan: "False", np.isfinite: "True", np.isinf: "False",
    np.logical_and: "({a} != {T}(0)) & ({b} != {T}(0))", np.logical_or: "({a} != {T}(0)) | ({b} != {T}(0))",
    np.logical_not: "{a} == {T}(0)",
}  # fmt: skip
TRUTH = {
    np.logical_and: "{a} & {b}", np.bitwise_and: "{a} & {b}", np.multiply: "{a} & {b}", np.minimum: "{a} & {b}",
    np.logical_or: "{a} | {b}", np.bitwise_or: "{a} | {b}", np.add: "{a} | {b}", np.maximum: "{a} | {b}",
    np.logical_not: "not {a}", np.invert: "not {a}", np.equal: "{a} == {b}", np.not_equal: "{a} != {b}",
    np.bitwise_xor: "{a} != {b}", np.logical_xor: "{a} != {b}",
}  # fmt: skip
# From the C library: for single numbers, and where NumPy's own loops cannot be called.
LIBRARY = {
    np.exp: "math.exp({a})", np.log: "math.log({a})", np.tanh: "math.tanh({a})", np.sin: "math.sin({a})",
    np.cos: "math.cos({a})", np.expm1: "math.expm1({a})", np.log1p: "math.log1p({a})", np.sinh: "math.sinh({a})",
    np.cosh: "math.cosh({a})", np.arctan: "math.atan({a})", np.tan: "math.tan({a})",
}  # fmt: skip


def kind_of(dtype: Any) -> str | None:
    """Return what numba calls a dtype, as ``f8``; None if it is not for compiled loops."""
    dtype = np.dtype(dtype)
    name = "b1" if dtype.kind == "b" else f"{dtype.kind}{dtype.itemsize}"
    return name if name in KINDS and dtype.isnative else None


def resolved(step: Any, operands: list[Any]) -> tuple[list[str], str] | None:
    """Return the kinds in which a ufunc computes with these operands, and its result's; None if it has none."""
    given = [type(a) if type(a) in (int, float) else np.dtype(bool) if type(a) is bool else a.dtype for a in operands]
    try:
        found = step.function.resolve_dtypes((*given, None))
    except (TypeError, ValueError):
        return None
    kinds = [kind_of(d) for d in found]
    return None if None in kinds else ([str(k) for k in kinds[:-1]], str(kinds[-1]))


def as_literal(number: Any, kind: str) -> str | None:
    """Return a number as code of a kind; None if it does not fit."""
    try:
        value = np.array(number, "?" if kind == "b1" else kind)
    except (OverflowError, ValueError, TypeError):
        return None
    if kind == "b1":
        return str(bool(value))
    plain = value.item()
    if isinstance(plain, float):
        if math.isnan(plain):
            return f"{kind}(nan)"
        if math.isinf(plain):
            return f"{kind}(inf)" if plain > 0 else f"{kind}(-inf)"
        if kind == "f4":
            return f"f4({value[()]!s})" if float(np.float32(str(value[()]))) == plain else f"f4({plain!r})"
        return repr(plain)
    return f"{kind}({plain})"


def cast(code: str, kind: str, to: str) -> str:
    """Return code for a number in another kind."""
    if kind == to:
        return code
    if to == "b1":
        return f"({code} != {kind}(0))"
    return f"{to}({code})"


def expression(function: Any, kinds: list[str], result: str, args: list[str], library: bool) -> tuple[str, str] | None:
    """Return a ufunc of numbers as code, and the kind of its value; None if there is no such code."""
    kind = kinds[0]
    if any(k != kind for k in kinds):
        return None
    names = dict(zip("ab", args, strict=False)) | {"T": kind}
    if kind == "b1":
        template = TRUTH.get(function)
        return (template.format(**names), "b1") if template else None
    if function in COMPARISONS:
        return f"{args[0]} {COMPARISONS[function]} {args[1]}", "b1"
    if function in ARITHMETIC:
        template = ARITHMETIC[function]
    elif kind[0] == "f":
        template = FLOAT.get(function) or (LIBRARY.get(function) if library else None)
    else:
        template = WHOLE.get(function)
    if template is None:
        return None
    code = template.format(**names)
    if result == "b1":
        return code, "b1"
    return (f"{kind}({code})" if kind not in ("f4", "f8") else code), kind
