"""Every rule in forward mode and in batched sweeps: other readings of the same table must agree with reverse mode."""

import operator

import numpy as np
import pytest

from .cases import CASES
from .generated import every_row, named
from .modes import compare, telling, watched


@every_row
def test_forward_and_batched_agree_with_reverse(function, case):
    if id(case) in telling(function):
        compare(function, case)


AT_ONCE = [
    np.add, np.multiply, np.true_divide, np.power, np.maximum, np.where, np.exp, np.tanh, np.absolute,
    np.sum, np.prod, np.max, np.mean, np.var, np.matmul, np.dot, np.tensordot,
    np.reshape, np.transpose, np.moveaxis, np.squeeze, np.expand_dims, np.broadcast_to, np.concatenate, np.stack,
    np.split, operator.getitem,
]  # fmt: skip


@pytest.mark.parametrize("function", AT_ONCE, ids=named)
def test_common_functions_go_all_at_once(function):
    with watched() as found:
        for case in CASES[function]:
            compare(function, case)
    assert not found, f"one by one: {found}"
