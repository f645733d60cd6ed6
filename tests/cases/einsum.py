"""Einstein's sums, in all the ways to write them."""

from typing import Any

import numpy as np

from autograd_mini.rules.einsum import einsum

from .base import Case, Draw, on

real = Draw(__name__)
V, M, T, S, Q, E = real(3), real(2, 3), real(2, 3, 2), real(), real(3, 3), real(0, 3)
Z = real.complex(2, 3)
PATH = ["einsum_path", (1, 2), (0, 1)]

CASES: dict[Any, list[Case]] = {}
CASES[np.einsum] = [
    # one operand: sums, transposes, diagonals, traces
    on("ij->i", M), on("ij->", M), on("ij->ji", M), on("ij", M), on("ji", M), on("ii->i", Q), on("ii", Q),
    on("ii->", Q), on("iij->j", real(2, 2, 3)), on("iji->ij", T), on("iii->i", real(2, 2, 2)), on("iii", real(2, 2, 2)),
    on("iijj->ij", real(2, 2, 3, 3)), on("ijij->", real(2, 3, 2, 3)), on("", S), on("->", S), on("i->i", V),
    on("...->...", T), on("i...->...i", T), on("...ii->...i", real(2, 3, 3)), on("ii...->...", real(2, 2, 3)),
    on("...ij->...", T), on("i...", T), on("...", S), on("...i->...", V), on("ij->j", E), on("ij->i", E),
    # two
    on("i,i", V, real(3)), on("i,i->i", V, real(3)), on("i,j", V, real(2)), on("ij,jk", M, real(3, 2)),
    on("ij,jk->ik", M, real(3, 2)), on("ij,ik->kj", M, real(2, 2)), on("ij,kj->", M, real(2, 3)),
    on("bij,bjk->bik", real(2, 2, 3), real(2, 3, 2)), on("ij,ij->j", M, real(2, 3)), on("ij,j", M, V),
    on(" i j , j -> i ", M, V), on(",ij->ij", S, M), on("ij,->ji", M, 2.0), on("i,i", V, [1.0, 2.0, 3.0]),
    on("ii,ij->j", Q, real(3, 2)), on("ij,jj->i", M, Q), on("ij,ji", Q, real(3, 3)), on("ab,Ba->bB", M, real(4, 2)),
    on("ij,k->i", M, real(2)), on("ij,k->", M, real(2)), on("ij,kk->j", M, Q), on("ij,jk->ik", E, M.T),
    on("ij,jk->ik", real(2, 0), real(0, 3)), on("i,j->j", real(0), V),
    # an ellipsis, and axes of length 1
    on("...i,...i", T, real(2)), on("...i,i...->...", T, real(2, 1, 3)), on("...ij,...jk->...ik", T, real(3, 1, 2, 2)),
    on("ij...,jk...->ik...", T, real(3, 2, 2)), on("...,...", real(2, 1), real(3)), on("i...,...->i...", T, S),
    on("...ij,j->i...", real(1, 2, 3), V), on("...i,...i->...i", real(2, 1, 3), real(4, 3)),
    on("i,i", V, real(1)), on("i,i->i", real(1), V), on("ij,ij->i", real(2, 1), M), on("ij,jk->ik", real(2, 1), Q),
    on("ij,ij->ij", real(1, 3), real(2, 1)), on("ii,i->i", real(1, 1), V), on("ij,jk,k->i", M, real(1, 2), real(2)),
    # more, keywords
    on("ij,jk,kl->il", M, Q, real(3, 2)), on("i,i,i", V, real(3), real(3)), on("i,ij,jk,k->", real(2), M, Q, real(3)),
    on("ij,jk,kl->il", M, Q, real(3, 2), optimize=True), on("ij,jk,kl->il", M, Q, real(3, 2), optimize=PATH),
    on("ij,jk,kl->il", M, Q, real(3, 2), optimize="optimal"), on("ij,jk->ki", M, Q, optimize=("greedy", 100)),
    on("ij,jk,j->ik", M, Q, V, optimize="greedy"), on("ij->ji", M, order="F"), on("ij,j->i", M, V, order="C"),
    on("ij,j->i", M, V, dtype=np.float32, casting="same_kind"), on("ij->j", M, dtype=np.float64),
    on("ij,j->i", M, V, dtype=np.complex128),
    # operands and lists by turns
    on(M, [0, 1]), on(M, [1, 0]), on(M, [0, 1], [0]), on(M, [0, 1], V, [1]), on(M, [0, 1], Q, [1, 2], [2, 0]),
    on(Q, [5, 5]), on(Q, [30, 30], [30]), on(T, [..., 0], real(2), [0], [...]), on(T, (0, ...), real(2), (0,)),
    on(S, [], V, [0]), on(V, [26], real(2), [0]),
    # complex
    on("ij,kj->ik", Z, real.complex(2, 3)), on("ij,j->i", Z, V), on("ii->i", real.complex(2, 2)),
    on("i,ij", real(2), Z), on("ij->", Z),
]  # fmt: skip
CASES[einsum] = [
    on(M, Q, subscripts="ij,jk->ik"), on(Q, subscripts="ii->i"), on(M, subscripts="ij->j", order="C"),
    on(M, Q, V, subscripts="ij,jk,k->i", optimize=True),
]  # fmt: skip
PLAIN: dict[Any, list[Case]] = {
    np.einsum_path: [on("ij,jk->ik", M, Q), on("ij,jk,kl->il", M, Q, real(3, 2), optimize="optimal"),
                     on(M, [0, 1], Q, [1, 2])],
}  # fmt: skip
INVALID: list[tuple[Any, Case, type[Exception]]] = [
    (np.einsum, on("ij,jk", M, M), ValueError), (np.einsum, on("i,j->ij", V), ValueError),
    (np.einsum, on("i->i", V, V), ValueError), (np.einsum, on("ij", V), ValueError),
    (np.einsum, on("i", M), ValueError), (np.einsum, on("i...->i", T), ValueError),
    (np.einsum, on("i->j", V), ValueError), (np.einsum, on("i->ii", V), ValueError),
    (np.einsum, on("ii", M), ValueError), (np.einsum, on("i,i", V, real(2)), ValueError),
    (np.einsum, on("i", V, foo=1), TypeError), (np.einsum, on("i,i", V, V, dtype=np.float32), TypeError),
    (np.einsum, on("..i", M), ValueError),
]  # fmt: skip
REFUSED: list[tuple[Any, Case, str]] = [
    (np.einsum, on("i", V, out=np.empty(3, int)), "out"),
    (np.einsum, on("i", V, dtype=int, casting="unsafe"), "dtype"),
]  # fmt: skip
