"""Tensor: what it holds, what it records and keeps, its gradient, its operators, and the ways out of the graph."""

import contextlib
import copy
import math
import operator
import pickle
import weakref

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors
from autograd_mini.graph import Leaf, Node, Spec, View
from autograd_mini.tensor import SMALL

BIG = SMALL + 1


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def kept(tensor):
    """Which operands of a result's node are kept as arrays."""
    return [isinstance(a, np.ndarray) for a in tensor.node.args]


# --- making one ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (1.5, np.float64, ()),
        (2, np.int64, ()),
        (True, np.bool_, ()),
        (1j, np.complex128, ()),
        (np.float32(1.5), np.float32, ()),
        ([[1.0, 2.0]], np.float64, (1, 2)),
        (np.ones((2, 3), np.float16), np.float16, (2, 3)),
        (np.zeros((0, 3)), np.float64, (0, 3)),
        ([], np.float64, (0,)),
        (range(3), np.int64, (3,)),
    ],
)
def test_tensor_holds_numbers(data, dtype, shape):
    t = ag.Tensor(data)
    assert type(t.data) is np.ndarray
    assert (t.dtype, t.shape, t.ndim, t.size) == (dtype, shape, len(shape), math.prod(shape))
    assert not t.requires_grad
    assert t.grad is None


def test_an_array_is_shared_and_anything_else_copied():
    a, numbers = np.ones(3), [1.0, 2.0]
    assert ag.Tensor(a).data is a
    t = ag.Tensor(numbers)
    numbers[0] = 5.0
    assert t.data[0] == 1


def test_a_constant_tensor_can_be_wrapped_again():
    c = ag.Tensor([1.0])
    assert leaf(c).requires_grad


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, np.complex64, np.complex128])
def test_floats_and_complex_can_require_grad(dtype):
    assert leaf(np.ones(2, dtype)).requires_grad


def test_name_of_leaf_result_and_constant():
    x = leaf([1.0], name="x")
    y = x * 2
    c = ag.Tensor([1.0]) * 2
    assert (x.name, y.name, c.name) == ("x", None, None)
    y.name, c.name = "y", "c"
    assert (y.name, c.name) == ("y", "c")
    assert not c.requires_grad


def test_transposes():
    x = leaf(np.arange(24.0).reshape(2, 3, 4))
    assert x.T.shape == (4, 3, 2)
    assert x.mT.shape == (2, 4, 3)
    (x.mT * np.arange(24.0).reshape(2, 4, 3)).sum().backward()
    np.testing.assert_array_equal(x.grad, np.swapaxes(np.arange(24.0).reshape(2, 4, 3), 1, 2))


def test_requires_grad_can_be_set_on_a_leaf():
    t = ag.Tensor([1.0, 2.0])
    t.requires_grad = True
    (t * t).sum().backward()
    np.testing.assert_array_equal(t.grad, [2, 4])
    t.requires_grad = False
    assert not (t * 2).requires_grad


def test_requires_grad_can_be_set_on_a_constant_result():
    """The idioms `w = Tensor(a) * 0.1; w.requires_grad = True` and `h = h.detach(); h.requires_grad = True`."""
    for w in (ag.Tensor([1.0, 2.0]) * 0.5, leaf([1.0, 2.0]).detach()):
        w.requires_grad = True
        (w * w).sum().backward()
        np.testing.assert_array_equal(w.grad, 2 * w.data)


def test_requires_grad_set_later_does_not_reach_into_recorded_graphs():
    x, w = ag.Tensor([1.0, 2.0]), leaf([3.0, 4.0])
    y = (x * w).sum()  # keeps x only: nothing was to be sent to x
    x.requires_grad = True
    y.backward()
    np.testing.assert_array_equal(w.grad, [1, 2])
    assert x.grad is None
    x.data = [5.0, 6.0]  # noticed by the old graph all the same
    with pytest.raises(errors.OverwrittenError):
        y.backward()


# --- what is recorded, what is kept -------------------------------------------------------------------------


@pytest.mark.parametrize("look", [lambda w: w, lambda w: w.T])
def test_overwriting_reaches_graphs_from_before_a_freeze(look):
    w, u = leaf([1.0, 2.0]), leaf([1.0, 1.0])
    view = look(w)
    y = (u * view).sum()
    w.requires_grad = False
    w.requires_grad = True
    w.data = [5.0, 6.0]
    with pytest.raises(errors.OverwrittenError):
        y.backward()


def test_only_differentiable_paths_are_recorded():
    x, c = leaf([1.0]), ag.Tensor([2.0])
    assert (x * c).requires_grad
    for constant in (c * c, x > 0, np.sign(x), np.argmax(x), x.detach() * c, np.zeros_like(x)):
        assert not constant.requires_grad
        assert constant.node is None


def test_metrics_accumulate_no_graph():
    """`correct += ...` over an epoch must not hold every batch's graph."""
    logits, labels = leaf(np.eye(3)), np.arange(3)
    correct, wrong = 0, ag.Tensor(0)
    arrays = []
    for _ in range(5):
        z = logits * 1.0
        arrays.append(weakref.ref(z.data))
        correct += (z.argmax(1) == labels).sum()
        wrong += (np.argmax(z, axis=1) != labels).sum()
        del z
    assert (correct.item(), wrong.item()) == (15, 0)
    assert correct.node is None
    assert not wrong.requires_grad
    assert not any(ref() is not None for ref in arrays)


def test_parameter_names_say_what_is_kept():
    x = leaf(np.ones(BIG))
    assert kept(np.sin(x)) == [True]  # lambda g, _y, x
    assert kept(np.tanh(x)) == [False]  # lambda g, y, _x
    assert isinstance(np.sin(x).node.out, Spec)
    assert isinstance(np.tanh(x).node.out, np.ndarray)
    assert isinstance((x + x).node.out, Spec)
    assert kept(x + x) == [False, False]
    assert kept(x * x) == [True, True]


def test_only_what_tracked_operands_need_is_kept():
    w, c = leaf(np.ones(BIG)), ag.Tensor(np.ones(BIG))
    assert kept(w * c) == [False, True]  # the derivative by w is c
    assert kept(c * w) == [True, False]
    assert kept(w * w) == [True, True]
    assert kept(w * np.ones(BIG)) == [False, True]
    assert kept(np.ones(BIG) * w) == [True, False]
    y = w / c
    assert (kept(y), type(y.node.out)) == ([False, True], Spec)
    y = c / w
    assert (kept(y), type(y.node.out)) == ([False, True], np.ndarray)
    plain = np.ones(BIG)
    assert isinstance((w + plain).node.args[1], Spec)  # not even a plain constant is held


@pytest.mark.parametrize("size", [2000, 10])
def test_what_is_not_kept_dies(size):
    x = leaf(np.ones(size))
    h = x + 1
    array = weakref.ref(h.data)
    y = np.tanh(h)
    del h
    assert (array() is None) is (size > SMALL)  # small ones stay, for the pictures
    y.sum().backward()
    np.testing.assert_allclose(x.grad, 1 - np.tanh(2.0) ** 2)


def test_what_is_kept_dies_with_the_graph():
    x = leaf(np.ones(BIG))
    h = np.exp(x)
    array = weakref.ref(h.data)
    y = np.sin(h)
    del h
    assert array() is not None
    del y
    assert array() is None


def test_network_memory_is_what_the_rules_read():
    """x @ W.T + b, tanh: of four values of a layer two stay, and nothing of the last one's inputs."""
    x = np.ones((200, 100))
    w, b = leaf(np.ones((100, 100))), leaf(np.ones(100))
    refs = []
    h = x
    for _ in range(3):
        z = h @ w.T
        s = z + b
        a = np.tanh(s)
        refs.append([weakref.ref(v.data) for v in (z, s, a)])
        h = a
    del z, s, a
    loss = h.sum()
    del h
    assert [[ref() is not None for ref in layer] for layer in refs] == [[False, False, True]] * 3
    loss.backward(retain_graph=False)
    assert not any(ref() is not None for layer in refs for ref in layer)


@pytest.mark.parametrize(("size", "value"), [(SMALL, True), (BIG, False)])
def test_small_outputs_stay_for_pictures(size, value):
    y = leaf(np.ones(size)) + 1
    assert (y.node.value is not None) is value


def test_keep_keeps_large_outputs():
    x = leaf(np.ones(BIG))
    with ag.keep():
        y = x + 1
        z = np.sum(y * 2)
    assert y.node.value is y.data
    assert z.node.parents[0].value is not None
    z.backward()
    np.testing.assert_array_equal(x.grad, 2)


def test_small_results_are_right_whatever_is_kept(rng):
    a = rng.normal(size=(3, 4))

    def gradient():
        x = leaf(a)
        np.sum(np.tanh(x @ x.T) / np.exp(x.sum())).backward()
        return x.grad

    with ag.keep():
        expected = gradient()
    np.testing.assert_array_equal(gradient(), expected)


# --- .grad --------------------------------------------------------------------------------------------------


def test_grad_is_none_before_any_backward():
    x = leaf([1.0])
    y = x * 2
    assert x.grad is None
    assert y.grad is None


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (1, 3), (0, 2)])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sum(),
        lambda x: (x * 2.0).sum(),
        lambda x: (x + np.ones((2, 3), x.dtype)).sum() if x.size else x.sum(),
        lambda x: x.reshape(-1)[:1].sum(),
        lambda x: x.T.sum() * 1,
    ],
    ids=["sum", "scaled", "broadcast", "sliced", "transposed"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_grad_is_an_owned_writable_array_of_its_primals_shape_and_dtype(f, shape, dtype, times):
    x = leaf(np.ones(shape, dtype))
    for _ in range(times):
        f(x).backward()
    assert type(x.grad) is np.ndarray
    assert (x.grad.shape, x.grad.dtype) == (shape, dtype)
    assert x.grad.flags.owndata
    assert x.grad.flags.writeable
    assert not np.shares_memory(x.grad, x.data)
    x.grad[...] = 0
    x.grad += 1


def test_gradients_of_two_leaves_do_not_share_memory():
    a, b, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), np.ones(2)
    (a + b).backward(seed)
    a.grad[0] = 100.0
    assert b.grad[0] == seed[0] == 1


def test_backward_accumulates():
    x = leaf([1.0, 2.0])
    (x * 3).sum().backward()
    (x * 4).sum().backward()
    np.testing.assert_array_equal(x.grad, [7, 7])


def test_second_backward_adds_the_same_again():
    x = leaf(3.0)
    y = x**3
    y.backward()
    y.backward()
    assert x.grad == 54  # micrograd: intermediate gradients accumulate too, and this becomes 81


def test_two_losses_may_share_a_part():
    x = leaf(2.0)
    shared = x * x
    (shared * 3).backward()
    (shared * 5).backward()
    assert x.grad == 8 * 4


def test_zero_grad_forgets():
    x = leaf(2.0)
    (x * x).backward()
    x.zero_grad()
    assert x.grad is None
    (x * x).backward()
    assert x.grad == 4


def test_a_held_gradient_is_not_changed_by_the_next_backward():
    x = leaf([1.0])
    x.sum().backward()
    first = x.grad
    x.sum().backward()
    assert (first[0], x.grad[0]) == (1, 2)


def test_grad_is_set_on_leaves_only_unless_asked():
    x = leaf(3.0)
    y = x * x
    z = y * y
    y.retain_grad()
    z.backward()
    assert (x.grad, y.grad, z.grad) == (4 * 27, 18, None)
    z.backward()
    assert y.grad == 36
    assert type(y.grad) is np.ndarray


def test_retain_grad_of_a_dropped_tensor_is_harmless():
    x = leaf(3.0)
    y = x * x
    y.retain_grad()
    z = y * 2
    del y
    z.backward()
    assert x.grad == 12


def test_a_frozen_leaf_gets_nothing():
    x, w = leaf([2.0]), ag.Tensor([3.0])
    (x * w).sum().backward()
    assert w.grad is None
    assert x.grad == 3


def test_backward_with_a_cotangent():
    x = leaf([1.0, 2.0])
    (x * x).backward([10.0, 100.0])
    np.testing.assert_array_equal(x.grad, [20, 400])


@pytest.mark.parametrize("seed", [[1, 2], np.array([1, 2]), np.float32([1, 2]), ag.Tensor([1.0, 2.0])])
def test_cotangent_is_cast_to_the_results_dtype(seed):
    x = leaf(np.ones(2))
    (x * 3).backward(seed)
    assert x.grad.dtype == np.float64
    np.testing.assert_array_equal(x.grad, [3, 6])


def test_float64_cotangent_of_a_float32_result():
    x = leaf(np.ones(2, np.float32))
    (x * 3).backward(np.array([1.0, 2.0]))
    assert x.grad.dtype == np.float32
    x.zero_grad()
    x.backward(np.array([1.0, 2.0]))
    assert x.grad.dtype == np.float32
    assert ag.gradients(x, x, np.array([1, 2])).dtype == np.float32


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_element_needs_no_cotangent(shape):
    x = leaf(np.full(shape, 3.0))
    (x * x).backward()
    assert x.grad.shape == shape
    assert x.grad.item() == 6


def test_create_graph_gives_a_gradient_to_differentiate():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    first = x.grad
    assert isinstance(first, ag.Tensor)
    x.zero_grad()
    first.backward()
    assert x.grad == 12


# --- dtypes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * 2,
        lambda x: 2.5 * x,
        lambda x: x / 3,
        lambda x: 3 / x,
        lambda x: x**2,
        lambda x: x**0.5,
        lambda x: 2.0**x,
        lambda x: 1 - x,
        lambda x: x + True,
        np.exp2,
        np.log2,
        np.log10,
        np.mean,
        np.var,
        np.std,
        np.max,
        np.deg2rad,
        lambda x: np.maximum(x, 0),
        lambda x: np.where(x > 0, x, 0.0),
        lambda x: np.clip(x, 0.5, 1.5),
    ],
)
def test_float32_stays_float32(f):
    x = leaf(np.float32([1.0, 2.0, 3.0]))
    y = f(x)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32


def test_float64_scalars_of_numpy_promote_as_in_numpy_but_the_gradient_does_not():
    x = leaf(np.float32([1.0, 2.0]))
    y = np.float64(2) * x
    assert y.dtype == (np.float64(2) * x.data).dtype
    y.sum().backward()
    assert x.grad.dtype == np.float32


# --- operators ----------------------------------------------------------------------------------------------

A, B = np.array([[1.5, 2.5], [3.5, 0.5]]), np.array([[2.0, 1.0], [0.5, 3.0]])
ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.floordiv]
COMPARISON = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
OTHERS = {
    "Tensor": ag.Tensor(B),
    "ndarray": B,
    "float": 2.0,
    "int": 2,
    "bool": True,
    "np.float64": np.float64(2),
    "np.float32": np.float32(2),
    "np.int64": np.int64(2),
    "list": B.tolist(),
    "tuple": (2.0, 3.0),
    "0-d": np.array(2.0),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("op", ARITHMETIC + COMPARISON)
def test_operators_agree_with_numpy_on_both_sides(op, other):
    plain = (
        other.data if isinstance(other, ag.Tensor) else np.asarray(other) if isinstance(other, (list, tuple)) else other
    )
    for result, expected in [(op(ag.Tensor(A), other), op(A, plain)), (op(other, ag.Tensor(A)), op(plain, A))]:
        assert isinstance(result, ag.Tensor)
        assert result.dtype == expected.dtype
        np.testing.assert_array_equal(result.data, expected)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("op", ARITHMETIC[:5])
def test_operators_differentiate_with_any_other_operand(op, other, swapped):
    def f(x):
        return np.sum((op(other, x) if swapped else op(x, other)) * A)

    x = leaf(A)
    f(x).backward()
    numeric = np.empty_like(A)
    for i in np.ndindex(A.shape):
        h = np.zeros_like(A)
        h[i] = 1e-6
        numeric[i] = (f(ag.Tensor(A + h)).item() - f(ag.Tensor(A - h)).item()) / 2e-6
    np.testing.assert_allclose(x.grad, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "other", [ag.Tensor(B), B, B.tolist(), (2.0, 3.0)], ids=["Tensor", "ndarray", "list", "vector"]
)
@pytest.mark.parametrize("swapped", [False, True])
def test_matmul_takes_any_other_operand(other, swapped):
    plain = other.data if isinstance(other, ag.Tensor) else np.asarray(other)
    x = leaf(A)
    y = other @ x if swapped else x @ other
    np.testing.assert_array_equal(y.data, plain @ A if swapped else A @ plain)
    y.sum().backward()
    ones = np.ones(y.shape)
    if swapped:
        expected = np.outer(plain, ones) if plain.ndim == 1 else plain.T @ ones
    else:
        expected = np.outer(ones, plain) if plain.ndim == 1 else ones @ plain.T
    np.testing.assert_allclose(x.grad, expected)


def test_unary_operators():
    x = leaf([1.0, -2.0])
    (-x).backward([1.0, 10.0])
    (+x).backward([1.0, 10.0])
    abs(x).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [1, -10])


def test_logic_of_masks():
    x = leaf([1.0, -2.0, 3.0])
    mask = (x > 0) & ~(x > 2) | (x < -5)
    np.testing.assert_array_equal(mask.data, [True, False, False])
    np.testing.assert_array_equal((mask ^ True).data, [False, True, True])
    np.testing.assert_array_equal((True ^ mask).data, [False, True, True])


def test_divmod():
    quotient, rest = divmod(leaf([7.0, -7.0]), 2)
    np.testing.assert_array_equal(quotient.data, [3, -4])
    np.testing.assert_array_equal(rest.data, [1, 1])
    quotient, rest = divmod(7.0, leaf([2.0]))
    assert (quotient.item(), rest.item()) == (3, 1)


def test_an_array_on_the_left_records_too():
    x = leaf([1.0, 2.0])
    y = np.ones(2) * x
    assert isinstance(y, ag.Tensor)
    y = np.float64(3) * x
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [3, 3])


class Other:
    """A type that knows what to do with a Tensor, and says so as NumPy asks for it."""

    __array_ufunc__ = None

    def __radd__(self, _other):
        return "mine"


def test_a_type_that_opts_out_gets_its_turn():
    assert leaf([1.0]) + Other() == "mine"


@pytest.mark.parametrize("other", [None, "a", object(), {}])
def test_nonsense_operands_raise(other):
    with pytest.raises(TypeError):
        leaf([1.0]) + other


# --- methods, indexing, iteration ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t.sum(),
        lambda t: t.sum(0),
        lambda t: t.sum(axis=1, keepdims=True),
        lambda t: t.prod(1),
        lambda t: t.mean(0),
        lambda t: t.var(),
        lambda t: t.std(axis=0),
        lambda t: t.max(1),
        lambda t: t.min(),
        lambda t: t.clip(1, 3),
        lambda t: t.dot(B),
        lambda t: t.ravel(),
        lambda t: t.flatten(),
        lambda t: t.flatten("F"),
        lambda t: t.reshape(4),
        lambda t: t.reshape(1, 4),
        lambda t: t.reshape((1, -1)),
        lambda t: t.reshape(4, order="F"),
        lambda t: t.reshape(1, 2, 2).squeeze(0),
        lambda t: t.swapaxes(0, 1),
        lambda t: t.transpose(),
        lambda t: t.transpose(1, 0),
        lambda t: t.transpose((1, 0)),
        lambda t: t.copy(),
        lambda t: t.astype(np.float64),
        lambda t: t.conj(),
        lambda t: t.real,
        lambda t: t.T,
        lambda t: t.mT,
    ],
)
def test_methods_agree_with_numpy_and_record(f):
    x = leaf(A)
    y = f(x)
    np.testing.assert_array_equal(y.data, f(A))
    assert y.requires_grad
    y.backward(np.ones(y.shape))
    assert x.grad.shape == A.shape


@pytest.mark.parametrize(
    "f",
    [
        lambda t: t.argmax(1),
        lambda t: t.argmin(),
        lambda t: t.argsort(0),
        lambda t: t.all(),
        lambda t: t.any(1),
        lambda t: t.round(),
        lambda t: t.nonzero()[0],
    ],
)
def test_methods_without_a_derivative_return_constants(f):
    y = f(leaf(A))
    np.testing.assert_array_equal(y.data, f(A))
    assert not y.requires_grad


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        (1, 2),
        (slice(None), 1),
        slice(1, None),
        (slice(None, None, -1), slice(0, 4, 2)),
        (None, 1),
        (Ellipsis, 0),
        [0, 0, 2],
        ([0, 0], [1, 1]),
        (slice(None), [3, 3, 1]),
        np.array([[0, 1], [1, 1]]),
        np.array([True, False, True]),
        [True, False, True],
        (np.array([True, False, True]), 1),
        np.arange(12).reshape(3, 4) % 3 == 0,
        ag.Tensor([2, 2]),
        np.int64(1),
        (),
        [],
    ],
    ids=repr,
)
def test_indexing_puts_the_cotangent_where_it_came_from(index):
    a = np.arange(12.0).reshape(3, 4)
    plain = index.data if isinstance(index, ag.Tensor) else index
    x = leaf(a)
    y = x[index]
    np.testing.assert_array_equal(y.data, a[plain])
    g = np.arange(1.0, 1 + y.size).reshape(y.shape)
    y.backward(g)
    expected = np.zeros_like(a)
    np.add.at(expected, plain, g)
    np.testing.assert_array_equal(x.grad, expected)


def test_index_by_a_mask_made_of_the_tensor():
    x = leaf([1.0, -2.0, 3.0])
    (x[x > 0] ** 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 0, 6])


def test_iteration_and_length():
    x = leaf([1.0, 2.0, 3.0])
    a, b, c = x
    assert len(x) == 3
    (a * b * c).backward()
    np.testing.assert_array_equal(x.grad, [6, 3, 2])
    assert [row.shape for row in leaf(np.ones((2, 3)))] == [(3,), (3,)]
    assert 2.0 in x
    assert 5.0 not in x


# --- Python's protocols -------------------------------------------------------------------------------------


def test_hash_is_identity():
    x, y = leaf([1.0]), leaf([1.0])
    assert len({x, y, x}) == 2
    assert {x: "x"}[x] == "x"


def test_equality_is_elementwise():
    x = leaf([1.0, 2.0])
    np.testing.assert_array_equal((x == [1.0, 5.0]).data, [True, False])
    np.testing.assert_array_equal((x != x).data, [False, False])
    np.testing.assert_array_equal((np.array([1.0, 5.0]) == x).data, [True, False])


def test_comparison_with_something_else_is_false_as_in_numpy():
    x = leaf([1.0, 2.0])
    for other in ("zeros", None):
        assert not np.any(x == other)
        assert np.all(x != other)


def test_truth_is_numpys():
    assert leaf(1.0)
    assert not ag.Tensor([0])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(leaf([1.0, 2.0]))
    branch = leaf(2.0)
    assert (branch * 2 if branch > 1 else branch).item() == 4


def test_an_integer_tensor_is_an_index():
    assert [10, 20, 30][ag.Tensor(1)] == 20
    assert list(range(ag.Tensor(2))) == [0, 1]
    assert np.zeros(ag.Tensor(3)).shape == (3,)


def test_constants_convert_freely():
    t = ag.Tensor(2.5)
    assert (float(t), int(t), complex(t), t.item(), math.floor(t)) == (2.5, 2, 2.5, 2.5, 2)
    np.testing.assert_array_equal(np.asarray(ag.Tensor([1.0, 2.0])), [1, 2])
    assert np.asarray(ag.Tensor([1.0]), dtype=np.float32).dtype == np.float32
    a = np.ones(2)
    a[0] = ag.Tensor(5.0)
    a[:] = ag.Tensor([3.0, 4.0])
    np.testing.assert_array_equal(a, [3, 4])


def test_repr():
    assert repr(ag.Tensor([1.0, 2.0])) == "Tensor([1., 2.])"
    assert repr(leaf([1.0], name="w")) == "Tensor([1.], requires_grad=True, name='w')"
    assert repr(leaf(2.0) * 2) == "Tensor(4., requires_grad=True)"
    assert repr(ag.Tensor(np.eye(2))) == "Tensor([[1., 0.],\n        [0., 1.]])"
    assert "..." in repr(ag.Tensor(np.ones(10_000)))


def test_format():
    assert f"{leaf(1.23456):.2f}" == "1.23"
    assert f"{ag.Tensor(3):d}" == "3"
    assert f"{leaf([1.0, 2.0])}" == "[1. 2.]"
    assert f"{leaf(1.5):>6.1f}|" == "   1.5|"


# --- the ways out -------------------------------------------------------------------------------------------


def test_detach_shares_the_value_and_cuts_the_path():
    x = leaf([1.0, 2.0])
    d = x.detach()
    assert d.data is x.data
    assert not d.requires_grad
    (x * x.detach()).sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 2])


def test_detach_holds_no_graph():
    x = leaf(np.ones(BIG))
    h = np.exp(x)
    array = weakref.ref(h.data)
    d = (np.sin(h) * 1).detach()
    del h
    assert array() is None
    assert d.shape == (BIG,)


def test_numpy_item_tolist():
    x = leaf([[1.0, 2.0]])
    assert x.numpy() is x.data
    assert x.tolist() == [[1.0, 2.0]]
    assert leaf([3.0]).item() == 3
    assert type((leaf(3.0) * 2).item()) is float


# --- writing ------------------------------------------------------------------------------------------------


def test_data_is_written_in_place():
    a = np.ones(2)
    t = leaf(a)
    t.data = [3.0, 4.0]
    assert t.data is a
    np.testing.assert_array_equal(a, [3, 4])
    t.data -= 1.0
    np.testing.assert_array_equal(a, [2, 3])
    t.data = ag.Tensor([7.0, 8.0])
    np.testing.assert_array_equal(a, [7, 8])


def test_overwritten_residual_raises():
    w = leaf([1.0, 2.0], name="w")
    y = (w * w).sum()
    w.data = [5.0, 6.0]
    with pytest.raises(errors.OverwrittenError, match=r"np\.multiply.*\bw\b"):
        y.backward()
    assert w.grad is None


@pytest.mark.parametrize("block", [contextlib.nullcontext, ag.keep])
@pytest.mark.parametrize(
    "f",
    [np.sin, np.square, np.prod, np.max, lambda w: w * 2.0 * w, lambda w: np.dot(w, w), lambda w: 2.0**w + 1 / w],
)
def test_overwritten_residual_of_any_function_raises(f, block):
    w = leaf([1.0, 2.0])
    with block():
        y = f(w).sum()
    w.data = [5.0, 6.0]
    with pytest.raises(errors.OverwrittenError):
        y.backward()


def test_overwritten_error_blames_nobody_wrongly():
    """Where it cannot tell which of two values moved, it says so: a wrong name sends people to the wrong line."""
    a, b = leaf([1.0], name="alpha"), leaf([2.0], name="beta")
    y = (a * b).sum()
    b.data = [3.0]
    with pytest.raises(errors.OverwrittenError, match="beta") as caught:
        y.backward()
    assert "alpha" not in str(caught.value) or "one of alpha (1,), beta (1,)" in str(caught.value)


@pytest.mark.parametrize(
    "look",
    [
        lambda w: w.T,
        lambda w: w.reshape(-1),
        lambda w: w[0],
        lambda w: w[:, 1:],
        lambda w: w.T.reshape(2, 2).T[None],
        lambda w: np.broadcast_to(w, (3, 2, 2)),
        lambda w: np.expand_dims(w, 0),
        lambda w: np.moveaxis(w, 0, 1),
        lambda w: w.astype(np.float64, copy=False),
        lambda w: w.ravel(),
        lambda w: w[np.newaxis].squeeze(0),
        lambda w: w.real,
        lambda w: w.detach(),
    ],
)
@pytest.mark.parametrize("leaf_is_tracked", [True, False])
def test_overwriting_a_leaf_overwrites_its_views(look, leaf_is_tracked):
    w, u = ag.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=leaf_is_tracked), leaf(2.0)
    view = look(w)
    assert np.shares_memory(view.data, w.data)
    y = (u * view).sum()
    w.data = np.zeros((2, 2))
    with pytest.raises(errors.OverwrittenError):
        y.backward()


def test_overwriting_a_leaf_overwrites_views_made_without_recording():
    w, u = leaf([[1.0, 2.0]]), leaf([[3.0], [4.0]])
    with ag.no_grad():
        view = w.T
    y = (u * view).sum()
    w.data = [[0.0, 0.0]]
    with pytest.raises(errors.OverwrittenError):
        y.backward()


@pytest.mark.parametrize(
    "look",
    [
        lambda w: w[[0, 1]],
        lambda w: w[w.data > 0],
        lambda w: w[0, 0],
        lambda w: w.T.reshape(4),
        lambda w: w.flatten("F"),
        lambda w: w.astype(np.float32),
        lambda w: w.copy(),
        lambda w: w * 1,
        lambda w: np.copy(w),
    ],
)
def test_overwriting_a_leaf_leaves_copies_alone(look):
    """No false alarm: a later backward is right, and must not be refused."""
    w = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = look(w)
    assert not np.shares_memory(y.data, w.data)
    z = (y * y).sum()
    z.backward()
    first = w.grad
    w.zero_grad()
    w.data = np.zeros((2, 2))
    z.backward()
    np.testing.assert_array_equal(w.grad, first)


def test_updating_a_linear_model_does_not_stop_a_second_backward():
    """The derivative by W needs x only: PyTorch raises here."""
    w, b, x = leaf(np.ones((2, 3))), leaf(np.ones(2)), np.ones((4, 3))
    y = x @ w.T + b
    loss = (y * y).mean()
    loss.backward()
    first = w.grad
    w.data -= 0.1 * w.grad
    b.data -= 0.1 * b.grad
    w.zero_grad()
    loss.backward()
    np.testing.assert_array_equal(w.grad, first)


def test_writing_to_an_unrelated_leaf_is_no_alarm():
    w, v = leaf([1.0]), leaf([2.0])
    y = (w * w).sum()
    v.data = [5.0]
    y.backward()
    assert w.grad == 2


def test_writing_between_two_recordings_is_no_alarm():
    w = leaf([1.0])
    for value in (1.0, 2.0, 3.0):
        w.data = [value]
        w.zero_grad()
        (w * w).sum().backward()
        assert w.grad == 2 * value


def test_overwritten_constant_raises():
    x, w = ag.Tensor([1.0, 2.0], name="x"), leaf([3.0, 4.0])
    y = (x * w).sum()
    x.data = [0.0, 0.0]
    with pytest.raises(errors.OverwrittenError, match="x"):
        y.backward()


def test_overwritten_is_noticed_by_every_sweep():
    w = leaf(2.0)
    y = w * w
    w.data = 3.0
    with pytest.raises(errors.OverwrittenError):
        ag.gradients(y, w)
    with pytest.raises(errors.OverwrittenError):
        y.backward(create_graph=True)


def test_plus_equals_is_seen_under_every_name():
    x = leaf([1.0, 2.0])
    y = x * 2
    other, square = y, y * y
    y += 1
    y *= x
    y -= x
    y /= 2
    y **= 2
    assert y is other
    np.testing.assert_array_equal(ag.gradients(square.sum(), x), 8 * x.data)  # recorded with the old value
    other.sum().backward()  # (x*x)**2
    np.testing.assert_allclose(x.grad, 4 * x.data**3)


def test_matmul_equals_rebinds():
    x = leaf(A)
    y = x * 1
    y @= B
    np.testing.assert_array_equal(y.data, A @ B)


def test_plus_equals_of_a_running_sum():
    """`+=` recursed through `out=` in a peer."""
    x = leaf([1.0, 2.0, 3.0])
    total = 0
    for value in x:
        total += value * value
    total.backward()
    np.testing.assert_array_equal(x.grad, [2, 4, 6])


@pytest.mark.parametrize(
    ("op", "sign"),
    [
        (operator.iadd, r"\+"),
        (operator.isub, "-"),
        (operator.imul, r"\*"),
        (operator.itruediv, "/"),
        (operator.ipow, r"\*\*"),
        (operator.imatmul, "@"),
        (operator.imod, "%"),
        (operator.ifloordiv, "//"),
    ],
)
def test_in_place_operators_on_a_leaf_and_on_a_view_are_refused(op, sign):
    w = leaf(A)
    with pytest.raises(errors.UnsupportedArgumentError, match=rf"t\.data {sign}= .*copy"):
        op(w, 2 * B)
    view = (w * 1).T
    with pytest.raises(errors.UnsupportedArgumentError, match="view"):
        op(view, 2 * B)


def test_in_place_operators_with_a_live_view_are_refused():
    y = leaf([1.0, 2.0, 3.0]) * 1
    view = y[:2]
    with pytest.raises(errors.UnsupportedArgumentError, match="view"):
        y += 1
    part = view[:1]
    del view
    with pytest.raises(errors.UnsupportedArgumentError, match="view"):  # a view of a view
        y += 1
    del part
    y += 1
    np.testing.assert_array_equal(y.data, [2, 3, 4])


def test_in_place_operators_on_a_constant():
    a = np.ones(1)
    c = ag.Tensor(a)
    other, x = c, leaf(3.0)
    c += x
    assert (c.item(), other.item(), a[0]) == (4, 4, 1)  # the Tensor has an array of its own from now on
    assert ag.gradients(other.sum(), x) == 1


def test_in_place_operators_replace_a_number():
    """As NumPy's own scalars, which np.sum returns, are replaced and not changed."""
    x = leaf([1.0, 2.0])
    total = first = np.sum(x)
    total += 1
    assert (total.item(), first.item()) == (4, 3)


def test_in_place_operators_keep_shape_and_dtype():
    y = leaf([1.0, 2.0]) * 1
    with pytest.raises(errors.ShapeError, match=r"\(2, 2\).*\(2,\)"):
        y += np.ones((2, 2))
    i = ag.Tensor([1, 2])
    with pytest.raises(errors.DTypeError, match=r"int64.*float64"):
        i += 0.5
    single = leaf(np.float32([1, 2])) * 1
    single += np.ones(2)
    assert single.dtype == np.float32


# --- travelling ---------------------------------------------------------------------------------------------


def with_gradient():
    w = leaf([1.0, 2.0], name="w")
    (w * w).sum().backward()
    return w


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["deepcopy", "pickle"])
def test_leaves_travel(travel):
    w = with_gradient()
    v = travel(w)
    assert (v.name, v.requires_grad, type(v)) == ("w", True, ag.Tensor)
    np.testing.assert_array_equal(v.data, w.data)
    np.testing.assert_array_equal(v.grad, w.grad)
    assert not np.shares_memory(v.data, w.data)
    assert not np.shares_memory(v.grad, w.grad)
    assert v.node is not w.node
    v.zero_grad()
    (v * 3).sum().backward()
    np.testing.assert_array_equal(v.grad, [3, 3])
    np.testing.assert_array_equal(w.grad, [2, 4])


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["deepcopy", "pickle"])
def test_constants_travel(travel):
    for t in (ag.Tensor([1, 2]), ag.Tensor([1.0]) * 2, leaf([1.0]).detach()):
        v = travel(t)
        np.testing.assert_array_equal(v.data, t.data)
        assert not v.requires_grad


@pytest.mark.parametrize("travel", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))], ids=["deepcopy", "pickle"])
def test_what_is_shared_stays_shared(travel):
    w = leaf([1.0])
    model = travel({"encoder": w, "decoder": w, "bias": leaf([2.0])})
    assert model["encoder"] is model["decoder"]
    assert model["encoder"] is not model["bias"]


@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, pickle.dumps])
def test_results_do_not_travel(travel):
    with pytest.raises(errors.LostGradientError, match=r"leaves.*detach"):
        travel(leaf([1.0]) * 2)


# --- the kinds of node --------------------------------------------------------------------------------------


def test_kinds_of_node():
    x = leaf([[1.0, 2.0]])
    assert type(x.node) is Leaf
    assert type((x * 2).node) is Node
    assert type(x.T.node) is View
    assert type(x[:, :1].node) is View
    assert (x.T.node.version, (x * 2).node.version) == (x.node.version, 0)


# --- what callers may change afterwards ---------------------------------------------------------------------


def test_a_list_used_as_index_may_change_afterwards():
    x, index = leaf([0.0, 1.0, 2.0, 3.0]), [0, 1]
    y = x[index]
    index[0] = 3
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [1, 1, 0, 0])
    np.testing.assert_array_equal(x[[]].data, [])


def test_primals_of_vjp_may_change_before_the_pullback():
    a = np.array([1.0, 2.0])
    _, pullback = ag.vjp(lambda x: x * x, a)
    a[:] = 7
    np.testing.assert_array_equal(pullback(np.ones(2))[0], [2, 4])


@pytest.mark.parametrize("twin", [copy.copy, lambda x: ag.Tensor(x.detach())], ids=["copy", "Tensor(detached)"])
def test_twins_have_memory_of_their_own(twin):
    x = leaf([1.0, 2.0])
    z = twin(x)
    y = (z * z).sum() if z.requires_grad else (x * z).sum()
    x.data = [5.0, 6.0]
    np.testing.assert_array_equal(z.data, [1, 2])
    assert y.item() == 5


def test_data_that_does_not_fit_is_refused():
    x = leaf([1.0, 2.0])
    with pytest.raises(errors.DTypeError, match="complex128 values do not fit"):
        x.data = np.array([1j, 2j])
    shared = ag.Tensor(np.broadcast_to(1.0, (2,)))
    with pytest.raises(errors.LostGradientError, match=r"read-only.*a\.copy\(\)"):
        shared.data = [1.0, 2.0]


def test_a_missing_method_names_the_function():
    with pytest.raises(AttributeError, match=r"t\.numpy\(\)\.tobytes"):
        leaf([1.0]).tobytes()
    assert not hasattr(leaf([1.0]), "no_such_thing")


def test_methods_of_arrays_name_the_function():
    with pytest.raises(errors.MissingRuleError, match=r"np\.clip\(a, \.\.\.\)"):
        np.ones(3).clip(0, leaf(2.0))


def test_gradients_find_a_leaf_that_was_frozen_in_between():
    w = leaf([1.0, 2.0])
    y = (w * w).sum()
    w.requires_grad = False
    w.requires_grad = True
    np.testing.assert_array_equal(ag.gradients(y, w), [2, 4])
    np.testing.assert_array_equal(ag.gradients(y + (w * 3).sum(), w), [5, 7])


def test_a_leaf_made_of_a_detached_value_notices_writes_to_its_source():
    x = ag.Tensor(np.array([1.0, 2.0]))
    d = x.detach()
    d.requires_grad = True
    for written in (x, d):
        y = (d * d).sum()
        written.data = [5.0, 6.0]
        with pytest.raises(errors.OverwrittenError):
            y.backward()


def test_the_sign_of_complex_numbers_is_not_taken_for_constant():
    with pytest.raises(errors.UnsupportedArgumentError, match=r"z / np\.abs\(z\)"):
        np.sign(leaf([1 + 1j]))
    assert not np.sign(leaf([-2.0])).requires_grad


def test_two_leaves_that_receive_one_cotangent_have_gradients_of_their_own():
    a, b = (ag.Tensor(np.zeros(3), requires_grad=True) for _ in range(2))
    seed = np.ones(3)
    (a + b).backward(seed, retain_graph=False)
    for one, other in ((a.grad, b.grad), (a.grad, seed), (b.grad, seed)):
        assert not np.may_share_memory(one, other)


@pytest.mark.parametrize("turned", [False, True])
def test_a_gradient_is_no_array_that_a_hook_or_a_rule_has_kept(turned):
    kept = []

    @ag.primitive
    def doubled(x):
        return 2 * x

    def rule(g, _y, _x):
        kept.append(2 * g)
        return kept[-1]

    ag.defvjp(doubled, rule)
    x, y = (ag.Tensor(np.ones((2, 3)), requires_grad=True) for _ in range(2))
    y.register_hook(lambda g: kept.append(g) or None)
    (doubled(x.T if turned else x).sum() + (3 * (y.T if turned else y)).sum()).backward(retain_graph=False)
    assert len(kept) == 2
    for array in kept:
        assert not np.may_share_memory(array, x.grad)
        assert not np.may_share_memory(array, y.grad)
    assert x.grad.flags.owndata
    assert y.grad.flags.owndata
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 2.0))
    np.testing.assert_array_equal(y.grad, np.full((2, 3), 3.0))


def test_the_gradient_of_a_transposed_weight_lies_in_memory_as_the_weight_does():
    x, w = np.ones((4, 3)), ag.Tensor(np.ones((2, 3)), requires_grad=True)
    (x @ w.T).sum().backward()
    assert w.grad.flags.c_contiguous
    assert w.grad.flags.owndata
    np.testing.assert_array_equal(w.grad, np.full((2, 3), 4.0))


def test_the_mean_method_is_that_of_numpy_for_every_dtype():
    for dtype in (np.float16, np.float32, np.float64, np.complex128):
        x = ag.Tensor((np.arange(6) / 7).astype(dtype), requires_grad=True)
        y = x.mean()
        assert y.dtype == dtype
        assert y.item() == x.numpy().mean()
        assert x.reshape(2, 3).mean(axis=1, keepdims=True).shape == (2, 1)
