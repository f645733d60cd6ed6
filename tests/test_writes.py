"""Writes between forward and backward, through every door to a value's memory.

Each is one of four: noticed (the sweep raises and names the operand), recorded (a graph from before keeps the old
value, the Tensor has the new one), refused (nothing is changed), or outside the contract (`Tensor.data` says which, and
`ag.debug` finds those). None other is a wrong gradient without a word.
"""

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini import errors

VALUE = np.array([[1.0, 2.0], [3.0, 4.0]])


def leaf(data, **kwargs):
    return ag.Tensor(data, requires_grad=True, **kwargs)


def minus(t, x):
    t.data -= x


def times(t, x):
    t.data *= x


def assign(t, x):
    t.data = x


def by_sgd(t, momentum=0.0):
    t.grad = np.ones_like(t.data)
    nn.SGD([t], lr=0.1, momentum=momentum).step()


def by_adam(t):
    t.grad = np.ones_like(t.data)
    nn.Adam([t]).step()


class Model(nn.Module):
    def __init__(self, p):
        self.weight = p


def thawed_twin(t):
    twin = t.detach()
    twin.requires_grad = True
    return twin


# --- noticed -----------------------------------------------------------------------------------------------------

UPDATES = {  # of a leaf that requires grad
    "t.data = v": lambda t: assign(t, np.zeros((2, 2))),
    "t.data = a number": lambda t: assign(t, np.zeros((2, 2)).tolist()),
    "t.data = itself turned": lambda t: assign(t, t.data.T),
    "t.data -= v": lambda t: minus(t, 0.5),
    "t.data *= v": lambda t: times(t, 0.5),
    "t.data -= lr * t.grad": lambda t: minus(t, 0.1 * np.ones((2, 2))),
    "SGD": by_sgd,
    "SGD with momentum": lambda t: by_sgd(t, 0.9),
    "Adam": by_adam,
    "load_state_dict": lambda t: Model(t).load_state_dict({"weight": np.zeros((2, 2))}),
    "by a detached value that was thawed": lambda t: assign(thawed_twin(t), np.zeros((2, 2))),
    "while it is frozen": lambda t: [setattr(t, "requires_grad", False), assign(t, np.zeros((2, 2)))],
    "frozen, written and thawed": lambda t: [
        setattr(t, "requires_grad", False),
        minus(t, 1.0),
        setattr(t, "requires_grad", True),
    ],
    "in a no_grad block": lambda t: ag.no_grad()(minus)(t, 1.0),
    "in a transform": lambda t: ag.grad(lambda x: [minus(t, 1.0), x * 2][-1])(1.0),
}

READERS = {  # what a graph may have done with it: each derivative needs the old value
    "as it is": lambda t: t * t,
    "a view of it": lambda t: t.T[0] * t[0],
    "a view made without recording": lambda t: ag.no_grad()(lambda: t.reshape(-1))() * t.reshape(-1),
    "a detached value": lambda t: t.detach() * t,
    "a product": lambda t: np.tanh(t @ t),
    "a checkpoint": lambda t: ag.checkpoint(np.sin)(t),
    "several outputs": lambda t: np.linalg.eigh(t + t.T).eigenvalues * t,
    "a scalar made of it": lambda t: np.prod(t),
    "a view of a view": lambda t: np.exp(t[None][0].ravel()[1:3]) * t.ravel()[:2],
}


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("reader", READERS)
def test_an_update_of_a_leaf_is_noticed_and_the_leaf_is_named(update, reader):
    t = nn.Parameter(VALUE, name="the_weight")
    y = READERS[reader](t).sum()
    z = (t * 2.0).sum()  # needs no old value
    UPDATES[update](t)
    assert not np.array_equal(t.data, VALUE)
    t.grad = None
    with pytest.raises(errors.OverwrittenError, match=r"the_weight|one of"):
        y.backward()
    with pytest.raises(errors.OverwrittenError):
        y.backward(create_graph=True)
    assert t.grad is None
    z.backward()
    np.testing.assert_array_equal(t.grad, 2)


@pytest.mark.parametrize("update", UPDATES)
def test_after_an_update_a_new_graph_is_right(update):
    t = nn.Parameter(VALUE)
    (t * t).sum().backward()
    UPDATES[update](t)
    t.grad = None
    t.requires_grad = True
    (t * t * t).sum().backward()
    np.testing.assert_allclose(t.grad, 3 * t.data**2)


@pytest.mark.parametrize("reader", ["as it is", "a view of it", "a product", "a checkpoint"])
def test_a_constant_that_is_written_to_is_noticed(reader):
    c, w = ag.Tensor(VALUE.copy(), name="batch"), leaf(VALUE.copy())
    y = (READERS[reader](w * 1.0) * c.T).sum()
    c.data = np.zeros((2, 2))
    with pytest.raises(errors.OverwrittenError, match="batch"):
        y.backward()


# --- recorded ----------------------------------------------------------------------------------------------------

RECORDED = {  # of a result, or a constant
    "t[i] = v": lambda t: t.__setitem__(0, 7.0),
    "t[mask] = v": lambda t: t.__setitem__(t.data > 2.5, 7.0),
    "t[[i, i]] = v": lambda t: t.__setitem__([0, 0], 7.0),
    "t += v": lambda t: t.__iadd__(1.0),
    "t *= t": lambda t: t.__imul__(t),
    "t @= v": lambda t: t.__imatmul__(VALUE),
    "a view by indexing": lambda t: t[0].__setitem__(slice(1), 7.0),
    "a view of a view += v": lambda t: t[:1][0].__iadd__(1.0),
    "out=": lambda t: np.exp(t, out=t),
    "out=(t,)": lambda t: np.multiply(t, 2.0, out=(t,)),
    "out= of a reduction": lambda t: np.cumsum(t, axis=0, out=t),
    "out=, where=": lambda t: np.negative(t, out=t, where=t.data > 2.5),
    "np.add.at": lambda t: np.add.at(t, [0, 0], 1.0),
    "np.copyto": lambda t: np.copyto(t, 7.0),
    "np.copyto, where=": lambda t: np.copyto(t, 7.0, where=t.data > 2.5),
    "np.put": lambda t: np.put(t, [0, 3], 7.0),
    "np.place": lambda t: np.place(t, t.data > 2.5, [7.0, 8.0]),
    "np.putmask": lambda t: np.putmask(t, t.data > 2.5, 7.0),
    "np.put_along_axis": lambda t: np.put_along_axis(t, np.array([[0], [1]]), 7.0, 1),
    "np.fill_diagonal": lambda t: np.fill_diagonal(t, 7.0),
    "t.fill": lambda t: t.fill(7.0),
    "t.sort": lambda t: t.__setitem__(Ellipsis, -t) or t.sort(axis=0),
    "t.partition": lambda t: t.__setitem__(Ellipsis, -t) or t.partition(0, axis=0),
    "t.put": lambda t: t.put([0], 7.0),
}
OF_A_LEAF = {  # what is recorded for a result is refused for a leaf, whose own gradient it would cut off
    "np.copyto(t, t)": lambda t: np.copyto(t, t * 2),
    "a thawed twin": lambda t: thawed_twin(t).__setitem__(0, 7.0),
    "a detached value": lambda t: t.detach().__iadd__(1.0),
    "a turned view": lambda t: t.T.__setitem__(0, 7.0),
}


@pytest.mark.parametrize("write", RECORDED)
def test_a_write_to_a_result_is_recorded_and_older_graphs_keep_the_old_value(write):
    def run(x):
        t = x * 1.0
        before = t * t
        if isinstance(x, np.ndarray):
            t, done = ag.Tensor(t), before
            RECORDED[write](t)
            return done + 3 * t.data
        RECORDED[write](t)
        return before + 3 * t

    w = leaf(VALUE)
    np.testing.assert_allclose(run(w).data, run(VALUE))
    assert not np.array_equal(run(w).data, VALUE**2 + 3 * VALUE)
    np.testing.assert_array_equal(w.data, VALUE)
    assert ag.gradcheck(run, VALUE, order=2)


@pytest.mark.parametrize("write", RECORDED)
def test_a_write_to_a_constant_leaves_its_array_and_older_graphs_alone(write):
    a, w = VALUE.copy(), leaf(VALUE)
    t = ag.Tensor(a)
    y = (w * t).sum()
    RECORDED[write](t)
    np.testing.assert_array_equal(a, VALUE)
    assert not np.array_equal(t.data, VALUE)
    np.testing.assert_array_equal(ag.gradients(y, w), VALUE)
    np.testing.assert_array_equal(ag.gradients((w * t).sum(), w), t.data)


@pytest.mark.parametrize("write", [*RECORDED, *OF_A_LEAF])
def test_a_write_to_a_leaf_that_requires_grad_is_refused_before_anything_changes(write):
    t = leaf(VALUE.copy())
    y = (t * t).sum()
    with pytest.raises(errors.UnsupportedArgumentError, match=r"t\.data|t\.copy\(\)"):
        (RECORDED | OF_A_LEAF)[write](t)
    np.testing.assert_array_equal(t.data, VALUE)
    y.backward()
    np.testing.assert_array_equal(t.grad, 2 * VALUE)


@pytest.mark.parametrize("write", ["t[i] = v", "t += v", "out=", "np.copyto", "t.fill"])
def test_a_write_while_a_view_is_alive_is_refused_before_anything_changes(write):
    w = leaf(VALUE)
    t = w * 1.0
    view = t.T
    y = (view * view).sum()
    for changed in (t, view):
        with pytest.raises(errors.UnsupportedArgumentError, match="view"):
            RECORDED[write](changed)
    np.testing.assert_array_equal(t.data, VALUE)
    np.testing.assert_array_equal(ag.gradients(y, w), 2 * VALUE)


# --- refused -----------------------------------------------------------------------------------------------------


def test_the_value_of_a_result_is_not_assigned():
    t = leaf(VALUE) * 1.0
    with pytest.raises(errors.LostGradientError, match=r"Tensor\(value\)"):
        t.data = VALUE
    d = t.detach()
    with pytest.raises(errors.LostGradientError):
        d.data = VALUE


def test_a_failing_write_changes_nothing():
    t = leaf(VALUE.copy())
    y = (t * t).sum()
    for value, error in ((np.ones(3), errors.ShapeError), (VALUE * 1j, errors.DTypeError), (None, errors.ShapeError)):
        with pytest.raises((error, TypeError)):
            t.data = value
    y.backward()
    np.testing.assert_array_equal(t.grad, 2 * VALUE)


@pytest.mark.parametrize("function", [np.copyto, lambda a, t: a.__iadd__(t), lambda a, t: np.exp(t, out=a)])
def test_a_plain_array_does_not_swallow_a_gradient(function):
    a = np.zeros((2, 2))
    with pytest.raises(errors.AutogradError, match=r"ag\.Tensor\(a\)|a = a \+ t|result = "):
        function(a, leaf(VALUE))
    assert not a.any()


# --- no false alarm ----------------------------------------------------------------------------------------------


def test_writes_to_copies_are_nobodys_business():
    w = leaf(VALUE.copy())
    copies = [w.copy(), w * 1, w.detach().copy(), ag.Tensor(w.detach()), nn.Parameter(w.data)]
    y = (w * w).sum() + sum((c * c).sum() for c in copies)
    copies[-1].data = np.zeros((2, 2))
    copies[-1].requires_grad = False
    for c in copies[:3]:
        c[0] = 0.0
    z = (w * w).sum()
    z.backward()
    np.testing.assert_array_equal(w.grad, 2 * VALUE)
    with pytest.raises(errors.OverwrittenError):  # the Parameter that was written to is in y
        y.backward()


def test_toggling_requires_grad_is_no_write():
    w = leaf(VALUE)
    y = (w * w).sum()
    for value in (False, True, False, True):
        w.requires_grad = value
    (y + (w * w).sum()).backward()
    np.testing.assert_array_equal(w.grad, 4 * VALUE)


# --- outside the contract ----------------------------------------------------------------------------------------

OUTSIDE = {  # the array itself is written to: nobody is told
    "t.data[...] = v": lambda t: t.data.__setitem__(Ellipsis, 0.0),
    "np.copyto(t.data, v)": lambda t: np.copyto(t.data, 0.0),
    "out=t.data": lambda t: np.multiply(VALUE, 0.0, out=t.data),
    "t.numpy()[...] = v": lambda t: t.numpy().__setitem__(Ellipsis, 0.0),
    "t.detach().data[...] = v": lambda t: t.detach().data.__setitem__(Ellipsis, 0.0),
    "another Tensor of the same array": lambda t: assign(ag.Tensor(t.data), np.zeros((2, 2))),
}


@pytest.mark.parametrize("write", OUTSIDE)
def test_a_write_to_the_array_itself_is_outside_the_contract(write):
    """As in PyTorch; `Tensor.data` says so."""
    w = leaf(VALUE.copy())
    y = (w * w).sum()
    OUTSIDE[write](w)
    y.backward()
    np.testing.assert_array_equal(w.grad, 0)  # of the new value
    assert "another Tensor" in ag.Tensor.data.__doc__


@pytest.mark.parametrize("write", OUTSIDE)
def test_debug_finds_what_is_outside_the_contract(write):
    w = leaf(VALUE.copy())
    with ag.debug():
        y = (w * w).sum()
        OUTSIDE[write](w)
        with pytest.raises(errors.OverwrittenError):
            y.backward()
