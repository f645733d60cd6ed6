"""Special functions: where each operand may lie, and what stays a number."""

from typing import Any

import numpy as np

from .base import ANY, ONE, POSITIVE, Case, Draw, on

real = Draw(__name__)
CASES: dict[Any, list[Case]] = {}
CONSTANTS: dict[Any, list[Case]] = {}

try:
    import scipy.special as sp

    import autograd_mini.scipy.special as special
except ImportError:
    sp = None

UNIT, WIDE, LARGE, BELOW = (0.15, 0.85), (0.5, 4.0), (1.3, 3.4), (-2.5, 0.7)
INSIDE = (-0.8, 0.8)
Q = np.array(1)  # a parameter in double precision: in single, SciPy answers nan
TWO, FIVE = np.array(2), np.array(5)  # counts: SciPy warns of other numbers than these

UNARY = {
    "erf": ANY, "erfc": ANY, "erfi": ANY, "erfcx": ANY, "dawsn": ANY, "erfinv": ONE, "erfcinv": UNIT,
    "ndtr": ANY, "log_ndtr": ANY, "ndtri": UNIT, "ndtri_exp": (-3, -0.2), "expit": ANY, "log_expit": ANY, "logit": UNIT,
    "entr": POSITIVE, "cbrt": POSITIVE, "exp2": ANY, "exp10": ANY, "expm1": ANY, "log1p": (-0.5, 2), "exprel": ANY,
    "cosm1": ANY, "sindg": (-170, 200), "cosdg": (-170, 200), "tandg": (-60, 60), "cotdg": (30, 140),
    "exp1": POSITIVE, "expi": POSITIVE, "spence": WIDE, "sici": POSITIVE, "shichi": POSITIVE, "fresnel": ANY,
    "modfresnelp": POSITIVE, "modfresnelm": POSITIVE, "wrightomega": ANY,
    "gamma": WIDE, "loggamma": WIDE, "gammaln": WIDE, "rgamma": ANY, "psi": WIDE,
    "j0": ANY, "j1": ANY, "y0": POSITIVE, "y1": POSITIVE, "i0": ANY, "i1": ANY, "k0": POSITIVE, "k1": POSITIVE,
    "i0e": POSITIVE, "i1e": (-2, -0.5), "k0e": POSITIVE, "k1e": POSITIVE,
    "iti0k0": POSITIVE, "itj0y0": POSITIVE, "it2i0k0": POSITIVE, "it2j0y0": POSITIVE, "itstruve0": POSITIVE,
    "it2struve0": POSITIVE, "itmodstruve0": POSITIVE,
    "ber": POSITIVE, "bei": POSITIVE, "ker": POSITIVE, "kei": POSITIVE,
    "berp": POSITIVE, "beip": POSITIVE, "kerp": POSITIVE, "keip": POSITIVE, "kelvin": POSITIVE,
    "airy": ANY, "airye": POSITIVE, "itairy": (0.2, 0.7),
    "ellipk": (-2, 0.8), "ellipkm1": (0.2, 3), "ellipe": (-2, 0.8), "kolmogorov": (0.4, 1.6), "kolmogi": UNIT,
}  # fmt: skip
BINARY = {
    "rel_entr": (POSITIVE, POSITIVE), "kl_div": (POSITIVE, POSITIVE), "xlogy": (POSITIVE, POSITIVE),
    "xlog1py": (POSITIVE, POSITIVE),
    "powm1": (POSITIVE, ANY), "boxcox": (POSITIVE, ANY), "boxcox1p": (POSITIVE, ANY),
    "inv_boxcox": ((0.1, 0.5), (-1.3, 1.5)), "inv_boxcox1p": ((0.1, 0.5), (-1.3, 1.5)),
    "huber": ((0.8, 1.2), (1.4, 3)), "pseudo_huber": (POSITIVE, ANY), "owens_t": (ANY, ANY),
    "beta": (WIDE, WIDE), "betaln": (WIDE, WIDE), "binom": ((3.2, 4.4), (0.6, 1.8)), "poch": (WIDE, POSITIVE),
    "gammainc": (WIDE, WIDE), "gammaincc": (WIDE, WIDE),
    "chdtr": (WIDE, WIDE), "chdtrc": (WIDE, WIDE), "chdtri": (LARGE, UNIT), "chdtriv": (UNIT, LARGE),
    "stdtr": (LARGE, ANY), 
    "ellipkinc": (INSIDE, INSIDE), "ellipeinc": (INSIDE, INSIDE),
    "elliprc": (POSITIVE, POSITIVE), "agm": (POSITIVE, WIDE),
}  # fmt: skip
MORE = {
    "radian": (ANY, ANY, ANY), "voigt_profile": (ANY, POSITIVE, POSITIVE),
    "gdtr": (POSITIVE, WIDE, POSITIVE), "gdtrc": (POSITIVE, WIDE, POSITIVE), "gdtria": (UNIT, WIDE, POSITIVE),
    "gdtrib": (UNIT, UNIT, UNIT),
    "betainc": (UNIT, UNIT, UNIT), "betaincc": (UNIT, UNIT, UNIT),
    "btdtria": (UNIT, UNIT, UNIT), "btdtrib": (UNIT, UNIT, UNIT),
    "fdtr": (WIDE, WIDE, WIDE), "fdtrc": (WIDE, WIDE, WIDE), "fdtri": (LARGE, LARGE, UNIT),
    "fdtridfd": ((2, 3), (0.5, 0.53), (1.3, 1.5)),
    "nrdtrimn": (UNIT, UNIT, ANY),
    "elliprf": (POSITIVE, WIDE, LARGE), "elliprd": (POSITIVE, WIDE, LARGE), "elliprg": (POSITIVE, WIDE, LARGE),
    "elliprj": (POSITIVE, WIDE, LARGE, POSITIVE),
}  # fmt: skip
SHAPES = [((2, 3), (2, 3)), ((3, 1), (2,)), ((), (2, 2)), ((), ()), ((0, 3), (3,))]

# operands that have nothing in common: each has a shape of its own
CENTRAL = (0.35, 0.65)
APART = {
    "gammaincinv": (LARGE, CENTRAL), "gammainccinv": (LARGE, CENTRAL), "gdtrix": (LARGE, LARGE, CENTRAL),
    "betaincinv": (LARGE, LARGE, CENTRAL), "betainccinv": (LARGE, LARGE, CENTRAL), "stdtrit": (LARGE, CENTRAL),
    "betainc": (WIDE, WIDE, UNIT), "betaincc": (WIDE, WIDE, UNIT), "btdtrib": (WIDE, UNIT, UNIT),
}  # fmt: skip

# the operands before the last one are orders or parameters, by which nothing is differentiated
LAST = {
    "jv": [(0, ANY), (2, ANY), (0.5, POSITIVE), (np.array([0, 1, 3]), ANY)],
    "yv": [(0, POSITIVE), (1.5, POSITIVE)], "yn": [(0, POSITIVE), (2, POSITIVE)],
    "jve": [(1, POSITIVE), (0.5, POSITIVE)], "yve": [(1, POSITIVE), (0.5, POSITIVE)],
    "iv": [(0, ANY), (0.5, POSITIVE)], "ive": [(0, (-2, -0.4)), (1.5, POSITIVE)],
    "kv": [(0, POSITIVE), (1.5, POSITIVE)], "kve": [(0, POSITIVE), (1.5, POSITIVE)],
    "kn": [(0, POSITIVE), (2, POSITIVE)],
    "hankel1": [(0, POSITIVE), (1.5, POSITIVE)], "hankel2": [(0, POSITIVE)], "hankel1e": [(1, POSITIVE)],
    "hankel2e": [(0.5, POSITIVE)],
    "struve": [(0, ANY), (1.5, POSITIVE)], "modstruve": [(0, ANY), (1.5, POSITIVE)],
    "pbdv": [(0, ANY), (1.5, POSITIVE)], "pbvv": [(0.5, ANY), (1.5, POSITIVE)], "pbwa": [(0.5, ANY)],
    "mathieu_cem": [(0, Q, (10, 80)), (2, Q, (10, 80))], "mathieu_sem": [(1, Q, (10, 80))],
    "mathieu_modcem1": [(1, Q, (0.2, 0.9))], "mathieu_modcem2": [(1, Q, (0.2, 0.9))],
    "mathieu_modsem1": [(1, Q, (0.2, 0.9))], "mathieu_modsem2": [(1, Q, (0.2, 0.9))],
    "expn": [(0, POSITIVE), (1, POSITIVE), (2, POSITIVE), (3.0, POSITIVE), (np.array([0, 1, 4]), POSITIVE)],
    "tklmbda": [(ONE, 0.4), (ONE, 0.0), (ANY, -0.5)],
    "hyp0f1": [(1.5, ANY)], "hyp1f1": [(0.5, 1.5, ANY)], "hyp2f1": [(0.5, 1.25, 2.3, (-0.5, 0.5))],
    "hyperu": [(0.5, 1.5, POSITIVE)],
    "wright_bessel": [(0.5, 1.2, POSITIVE)], "log_wright_bessel": [(0.5, 1.2, POSITIVE)],
    "pdtr": [(2, WIDE), (np.array([0, 1, 3]), WIDE)], "pdtrc": [(2, WIDE)], "pdtri": [(2, UNIT)],
    "bdtr": [(TWO, FIVE, UNIT), (np.array([0, 1, 4]), FIVE, UNIT)], "bdtrc": [(TWO, FIVE, UNIT)],
    "bdtri": [(TWO, FIVE, UNIT)],
    "nbdtr": [(TWO, FIVE, UNIT)], "nbdtrc": [(TWO, FIVE, UNIT)], "nbdtri": [(TWO, FIVE, UNIT)],
    "chndtr": [(WIDE, 2.5, WIDE)], "chndtrix": [(UNIT, 2.5, WIDE)], "chndtrinc": [((6, 7), 2.5, (0.5, 0.6))],
    "lpmv": [(0, 2, INSIDE), (1, 3, INSIDE), (0, 0, INSIDE), (2, 2, INSIDE)],
    "eval_genlaguerre": [(3, 0.5, ANY), (0, 0.5, ANY), (2.5, 0.5, ANY)],
    "eval_gegenbauer": [(3, 0.5, ONE), (0, 0.5, ONE), (2.5, 0.5, ONE)],
    "eval_jacobi": [(3, 0.5, 1.5, ONE), (0, 0.5, 1.5, ONE), (2.5, 0.5, 1.5, ONE)],
    "eval_sh_jacobi": [(3, 2.5, 1.5, UNIT), (0, 2.5, 1.5, UNIT)],
} | {
    f"eval_{name}": [(n, ONE) for n in (0, 1, 2, 5, 4.5, np.array([0, 1, 3]))]
    for name in ("legendre", "chebyt", "chebyu", "chebyc", "chebys", "laguerre")
} | {
    f"eval_{name}": [(n, UNIT) for n in (0, 1, 2, 5, np.array([0, 1, 3]))]
    for name in ("sh_legendre", "sh_chebyt", "sh_chebyu", "hermite", "hermitenorm")
}  # fmt: skip


def drawn(*parts, shape=(2, 3)):
    """The row in which an interval stands for an array drawn from it."""
    return on(*(real(*shape, between=part) if isinstance(part, tuple) else part for part in parts))


if sp is not None:
    for name, where in UNARY.items():
        CASES[getattr(sp, name)] = [drawn(where, shape=shape) for shape in ((2, 3), (), (0, 2))]
    for name, (a, b) in BINARY.items():
        CASES[getattr(sp, name)] = [on(real(*s, between=a), real(*t, between=b)) for s, t in SHAPES]
    for name, places in MORE.items():
        CASES[getattr(sp, name)] = [drawn(*places, shape=shape) for shape in ((2,), ())]
    for name, rows in LAST.items():
        CASES[getattr(sp, name)] = [
            *(drawn(*row, shape=(3,)) for row in rows), drawn(*rows[0], shape=()), drawn(*rows[0], shape=(0, 2)),
        ]  # fmt: skip
    CASES[sp.wofz] = [on(real.complex(2, 2)), on(real.complex())]
    CASES[sp.xlogy] += [on(real(2, 3), real(3, between=POSITIVE)), on(real.complex(2), real.complex(2))]
    CASES[sp.xlog1py] += [on(real(2, 3), real(3, between=POSITIVE))]
    for f in (sp.ellipkinc, sp.ellipeinc):
        CASES[f] += [on(real(3, between=(-7, 7)), real(3, 1, between=INSIDE)), on(real(2), real(1, between=(-9, -8)))]
    CASES[sp.ellipj] = [on(real(*s), real(*t, between=(0.15, 0.8))) for s, t in SHAPES[1:]]
    for name, places in APART.items():
        shapes = [(2,), (2, 1), (1, 2, 1)], [(), (1,), (2, 1)], [(0, 2), (1,), ()]
        CASES.setdefault(getattr(sp, name), []).extend(
            on(*(real(*shape, between=where) for shape, where in zip(row, places, strict=False))) for row in shapes
        )
    CASES[special.faddeeva] = [on(real(2, 3), real(3), imag=imag) for imag in (False, True)]
    CASES[sp.nrdtrisd] = [
        on(real(2, between=(-1, 0)), real(1, between=(0.7, 0.9)), real(2, 2, between=(1, 2))),
        on(real(between=(-1, 0)), real(1, between=(0.7, 0.9)), real(between=(1, 2))),
    ]
    CASES[sp.huber] += [on(real(2, 2, between=(2.5, 3)), real(2, 2, between=INSIDE))]
    CASES[sp.kolmogorov] += [on(np.array([0.5, 0.79, 0.81, 2.5]))]

    HIDDEN = sp._ufuncs  # what is behind SciPy's plain functions
    CASES[HIDDEN._zeta] = [drawn(2.5, WIDE), drawn(3.0, WIDE, shape=())]
    CASES[HIDDEN._lambertw] = [on(real(3, between=POSITIVE), 0, 1e-8), on(real.complex(2), 1, 1e-8)]
    for name in ("jn", "yn", "in", "kn"):
        for suffix in ("", "_d"):
            CASES[getattr(HIDDEN, f"_spherical_{name}{suffix}")] = [drawn(n, POSITIVE, shape=(3,)) for n in (0, 1, 3)]

    N, K = real(2, 3, between=(4.2, 5.4)), real(2, 3, between=(1.1, 2.3))
    CASES[special.comb] = [on(N, K), on(N, 2), on(real(2), real(2, between=(-3, -2.5))), on(N, K, repetition=True)]
    CASES[special.perm] = [on(N, K), on(N, 2), on(real(2), real(2, between=(-3, -2.5)))]
    CASES[special.factorial] = [on(N), on(real(4)), on(real()), on(N, extend="complex")]
    CASES[special.multigammaln] = [on(N, 3), on(real(between=(3, 4)), d=1)]
    CASES[special.polygamma] = [on(n, K) for n in (0, 1, 2, np.array([0, 1, 4]))]
    M, T = real(2, 3), real(2, 2, 3)
    CASES[special.softmax] = [on(M), on(M, 0), on(T, axis=(0, -1)), on(real(4)), on(M, axis=None), on(real.complex(3))]
    CASES[special.log_softmax] = [on(M), on(M, 0), on(T, axis=(0, -1)), on(real(4)), on(M, axis=None)]
    CASES[special.logsumexp] = [
        on(M), on(M, 0), on(T, axis=(0, -1)), on(real()), on(M, keepdims=True), on(M, 1, None, True),
        on(M, b=real(2, 3, between=POSITIVE)), on(M, 1, real(3, between=POSITIVE)), on(M, axis=-1, b=[1.0, 0.0, 2.0]),
        on(M, 0, real(2, 1, between=LARGE), return_sign=True),
        on(M, -1, b=real(2, 3, between=(-2, -1)), keepdims=True, return_sign=True),
        on(M, return_sign=True), on(real.complex(2, 3, between=(0.1, 0.7)), 1),
        on(real.complex(3, between=(0.1, 0.7)), b=real.complex(3, between=(0.1, 0.7))),
    ]  # fmt: skip
    CONSTANTS[sp.gammasgn] = [on(real(2, 3, between=(0.2, 3)))]
    CONSTANTS[special.cancelled] = [on(real(2, 3), real(3), 5.0)]
    CONSTANTS[sp.round] = [on(real(2, 3, between=(0.1, 0.4)))]

    from autograd_mini.scipy._integrals import beta_moment, carlson, gamma_moment, hurwitz

    SMALLER, LARGER = real(3, between=(0.6, 2)), real(3, between=(2.2, 3))
    CASES[gamma_moment] = [
        on(LARGER, SMALLER, n=1, upper=False), on(SMALLER, LARGER, n=1, upper=True),
        on(LARGER, real(2, 1, between=(0.5, 2)), n=2, upper=False),
        on(SMALLER, real(between=(2.5, 2.5)), n=2, upper=True),
    ]  # fmt: skip
    CASES[beta_moment] = [
        on(real(3, between=(1.2, 2)), LARGER, real(2, 1, between=(0.14, 0.2)), m=m, n=n)
        for m, n in ((1, 0), (0, 1), (1, 1))
    ]
    CASES[carlson] = [
        on(SMALLER, LARGER, real(3, between=POSITIVE), powers=(0.5, 0.5, 0.5)), on(SMALLER, LARGER, powers=(0.5, 1.0)),
        on(SMALLER, real(2, 1, between=POSITIVE), LARGER, powers=(1.5, 0.5, 0.5), k=1),
    ]  # fmt: skip
    CASES[hurwitz] = [on(SMALLER, s=2), on(real.complex(3, between=POSITIVE), s=3), on(real(between=(2, 2)), s=3)]
