"""Ufuncs: where each operand may lie, and what shapes are broadcast."""

from typing import Any

import numpy as np

from .base import ANY, ONE, POSITIVE, SHIFTED, Case, Draw, on

real = Draw(__name__)

UNARY = {
    np.negative: ANY, np.positive: ANY, np.square: ANY, np.reciprocal: POSITIVE,
    np.sqrt: POSITIVE, np.cbrt: POSITIVE, np.exp: ANY, np.exp2: ANY, np.expm1: ANY,
    np.log: POSITIVE, np.log2: POSITIVE, np.log10: POSITIVE, np.log1p: (-0.5, 2),
    np.sin: ANY, np.cos: ANY, np.tan: ONE, np.arcsin: ONE, np.arccos: ONE, np.arctan: ANY,
    np.sinh: ANY, np.cosh: ANY, np.tanh: ANY, np.arcsinh: ANY, np.arccosh: (1.5, 3), np.arctanh: ONE,
    np.deg2rad: ANY, np.radians: ANY, np.rad2deg: ANY, np.degrees: ANY,
    np.absolute: ANY, np.fabs: ANY, np.conjugate: ANY, np.real: ANY, np.imag: ANY,
}  # fmt: skip
BINARY = {
    np.add: (ANY, ANY), np.subtract: (ANY, ANY), np.multiply: (ANY, ANY), np.true_divide: (ANY, POSITIVE),
    np.power: (POSITIVE, ANY), np.float_power: (POSITIVE, ANY),
    np.remainder: ((2.3, 2.7), (0.97, 1.03)), np.fmod: ((-2.7, -2.3), (0.97, 1.03)),
    np.divmod: ((-2.7, -2.3), (0.97, 1.03)),
    np.logaddexp: (ANY, ANY), np.logaddexp2: (ANY, ANY),
    np.arctan2: (ANY, ANY), np.hypot: (ANY, POSITIVE), np.copysign: (ANY, ANY),
    np.maximum: (ANY, SHIFTED), np.minimum: (ANY, SHIFTED), np.fmax: (ANY, SHIFTED), np.fmin: (ANY, SHIFTED),
}  # fmt: skip
SHAPES = [
    ((2, 3), (2, 3)), ((3, 1), (4,)), ((), (2, 3)), ((1,), (3,)), ((2, 1, 2), (3, 1)), ((), ()), ((0, 3), (3,)),
    ((1, 2), (0, 1)),
]  # fmt: skip

CASES: dict[Any, list[Case]] = {
    ufunc: [on(real(*shape, between=where)) for shape in ((2, 3), (), (0, 2))] for ufunc, where in UNARY.items()
} | {ufunc: [on(real(*s, between=a), real(*t, between=b)) for s, t in SHAPES] for ufunc, (a, b) in BINARY.items()}
M, V, S = real(2, 3), real(3), real()

CASES[np.power] += [on(M, n) for n in (0, 1, 2, 3, 3.0, np.float64(2), np.float32(3), np.array([2, 0, 3]))]
CASES[np.power] += [on(real(4, between=POSITIVE), n) for n in (-1, 0.5, -2.5, np.array([-2.0, 0.0, 0.5, 1.0]))]
CASES[np.power] += [
    on(2, M),
    on(0.5, S),
    on(np.array([1, 2, 3]), V),
    on(real(3, between=(0.5, 2)), real(3, between=(0, 2))),
]
CASES[np.remainder] += [on(real(2, 2, between=(-2.8, -2.2)), -1.0), on(7.5, real(2, 2, between=(1.9, 2.4)))]
