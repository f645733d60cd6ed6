"""Indexing."""

import operator
from typing import Any

import numpy as np

import autograd_mini as ag
from autograd_mini.rules.index import scatter

from .base import Case, Draw, mask, on

real = Draw(__name__)
V, M, T, S, E = real(3), real(2, 3), real(2, 3, 2), real(), real(0, 3)
CASES: dict[Any, list[Case]] = {}

s_ = np.s_
INDICES = [
    # basic
    0, -1, s_[1:], s_[::-1], s_[:, -1], s_[::2, ::-2], s_[..., 0], s_[1, ..., :1], None, s_[:, None, 1:], Ellipsis,
    s_[()], s_[0, 1, 1], s_[1:1], np.int64(1), s_[np.intp(1), 0], s_[5:], s_[-1:0:-1],
    # advanced
    [0, 0, 1], np.array([1, -1, 1, 0]), np.array([[0, 1], [1, 1]]), s_[[0, 1, 1], [2, 0, 0]], s_[:, [2, 0, 2]],
    s_[[1, 0], :, [0, 1]], s_[np.array([[0], [1]]), np.array([2, 0])],
    s_[..., [0, 0], None], s_[0, :, [1, 1]], s_[[1, 1], 0], s_[None, [1], 1:], s_[:, np.array(1)], np.array(-1), [],
    s_[:, []], (np.array([0, 1]),), [[0, 1], [1, 0]], s_[1:, [0, 0], ::-1],
    ag.Tensor(np.array([1, 1, 0])), s_[ag.Tensor(1), :, ag.Tensor([0, 0])], s_[:, range(2)],
    # boolean
    mask(2, 3, 2), mask(2), mask(2, 3), s_[:, mask(3)], s_[0, mask(3, 2)], s_[mask(2, 3), 0], s_[[False, True]],
    np.zeros(2, bool), np.True_, True, False,
    s_[:, mask(3), [1, 1]], s_[mask(2), mask(3)[:1].repeat(3)], ag.Tensor(mask(2, 3, 2)), np.zeros((2, 3, 2), bool),
    s_[..., mask(2)], s_[None, mask(2)],
]  # fmt: skip
CASES[operator.getitem] = [on(T, index) for index in INDICES] + [
    on(S, ()),
    on(S, None),
    on(S, True),
    on(S, ...),
    on(E, []),
    on(E, s_[:, 1]),
    on(V, V > 0),
]
CASES[scatter] = [
    on(V, [0, 0, 1], shape=(2,)),
    on(M, s_[:2], shape=(4, 3)),
    on(M, s_[:], 1, shape=(2, 2, 3)),
    on(S, 0, 0, shape=(1, 2)),
]
