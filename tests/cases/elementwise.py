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
M, V, S, P = real(2, 3), real(3), real(), real(2, 3, between=POSITIVE)

CASES[np.power] += [on(M, n) for n in (0, 1, 2, 3, 3.0, np.float64(2), np.float32(3), np.array([2, 0, 3]))]
CASES[np.power] += [on(real(4, between=POSITIVE), n) for n in (-1, 0.5, -2.5, np.array([-2.0, 0.0, 0.5, 1.0]))]
CASES[np.power] += [
    on(2, M),
    on(0.5, S),
    on(np.array([1, 2, 3]), V),
    on(real(3, between=(0.5, 2)), real(3, between=(0, 2))),
]
CASES[np.remainder] += [on(real(2, 2, between=(-2.8, -2.2)), -1.0), on(7.5, real(2, 2, between=(1.9, 2.4)))]

AWAY = (0.53, 0.97)  # from whole numbers and from powers of 2
CASES[np.modf] = [on(real(2, 3, between=(-2.7, -2.2))), on(real(between=(3.4, 3.4))), on(real(0, 2))]
CASES[np.frexp] = [
    on(real(2, 3, between=AWAY)),
    on(8 * real(3, between=AWAY)),
    on(real(between=(-3, -3))),
    on(real(0, 2)),
]
CASES[np.ldexp] = [on(M, 2), on(V, np.array([[1], [-3]])), on(real(2, 1), np.arange(3)), on(S, -1), on(real(0, 2), 1)]
CASES[np.nextafter] = [on(M, V), on(real(3), S), on(M, 5.0), on(real(0, 2), 1.0)]

CASES[np.heaviside] = [
    on(M, S),
    on(np.array([0.0, 1, -2]).astype(int), V),
    on(0, real(2, 3)),
    on(M, 0.5),
    on(real(0, 2), 1.0),
]

scimath = np.lib.scimath
OUTSIDE, BELOW, BOTH = (1.3, 2.4), (-2.3, -0.4), real(2, 2, between=(-2.1, 1.8))
CASES |= {f: [on(P), on(real(3, between=BELOW)), on(BOTH), on(real.complex(3)), on(S), on(real(0, 2))]
          for f in (scimath.sqrt, scimath.log, scimath.log2, scimath.log10)}  # fmt: skip
CASES |= {f: [on(real(2, 2, between=ONE)), on(real(3, between=OUTSIDE)), on(real.complex(3)), on(real(0, 2))]
          for f in (scimath.arcsin, scimath.arccos, scimath.arctanh)}  # fmt: skip
CASES[scimath.logn] = [
    on(2.0, P),
    on(real(2, 3, between=OUTSIDE), P),
    on(real(1, between=(-3, -3)), P),
    on(n=3.0, x=BOTH),
]
CASES[scimath.power] = [on(P, S), on(BOTH, real(2)), on(P, -2), on(np.arange(1, 4), V), on(real.complex(2), p=real(2))]

QUADRANTS = np.array([1.3 + 0.7j, -1.6 + 0.4j, -0.8 - 1.2j, 0.5 - 0.9j, 2.0 + 0.4j, -2.0 - 0.4j, 0.4 + 2j, 0.4 - 2j])
QUADRANTS.flags.writeable = False
COMPLEX = [f for f in (*UNARY, *BINARY, np.real, np.imag) if "D" in str(getattr(f, "types", "D"))]
for function in COMPLEX:  # no branch may be mistaken
    a = (QUADRANTS,) if function in UNARY else (QUADRANTS, QUADRANTS[::-1] + 0.25 - 0.4j)
    CASES[function] += [on(*a), on(*(np.array(b[1]) for b in a))]
