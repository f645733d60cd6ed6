"""Assignment to a Tensor: recorded as a new value, or refused where NumPy would change something else too."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import errors

X = np.array([1.0, 2.0, 3.0])


def leaf(a):
    return ag.Tensor(a, requires_grad=True)


def filled(x):
    """The oldest complaint of this field: a result that is filled in a loop."""
    y = ag.Tensor(np.zeros(4)) if isinstance(x, ag.Tensor) else np.zeros(4)
    y[0] = x[1]
    for i in range(1, 3):
        y[i] = y[i - 1] * x[i] + x[0]
    y[-1] = 5.0
    y[1:3] = y[1:3] * x[:2]
    return y


def test_filling_an_array():
    np.testing.assert_array_equal(ag.jacobian(filled)(X)[0], [0, 1, 0])
    np.testing.assert_array_equal(filled(ag.Tensor(X)).data, filled(X))
    assert ag.gradcheck(filled, X, order=2)


PROGRAMS = {
    "a block": lambda t, x: t.__setitem__((slice(1, 3), 0), x[:2]),
    "a row from a broadcast": lambda t, x: t.__setitem__(0, x[:1]),
    "everything": lambda t, x: t.__setitem__(..., x),
    "a mask": lambda t, x: t.__setitem__(np.eye(3, dtype=bool), x),
    "a place twice: the last stays": lambda t, x: t.__setitem__(([0, 1, 0], [1, 1, 1]), x),
    "a list of Tensors": lambda t, x: t.__setitem__((0, slice(0, 2)), [x[2], x[0] * x[1]]),
    "from itself": lambda t, x: t.__setitem__((slice(0, 2), 0), t[1:, 1] * x[0]),
    "reversed": lambda t, x: t.__setitem__((slice(None, None, -1), 1), x),
    "with an axis of length 1": lambda t, x: t.__setitem__((slice(None), slice(1, 2)), x[:, None]),
    "leading axes of length 1": lambda t, x: t.__setitem__(0, x[None, None]),
    "np.add.at": lambda t, x: np.add.at(t, ([0, 0, 2], [1, 1, 0]), x),
    "np.subtract.at, rows": lambda t, x: np.subtract.at(t, [1, 1], x),
    "np.multiply.at": lambda t, x: np.multiply.at(t, ([0, 0, 0, 1], [1, 1, 1, 2]), x[[0, 1, 2, 2]]),
    "np.power.at": lambda t, x: np.power.at(t, (slice(0, 1), [0, 0]), x[1]),
    "np.maximum.at": lambda t, x: np.maximum.at(t, ([0, 0], [1, 2]), x[:2] / 3),
    "np.negative.at": lambda t, _x: np.negative.at(t, ([0, 0, 1], [0, 0, 0])),
    "np.square.at a mask": lambda t, _x: np.square.at(t, np.eye(3, dtype=bool)),
    "np.add.at nowhere": lambda t, x: np.add.at(t, [], x),
    "out=": lambda t, x: np.multiply(x, x[:, None], out=t),
    "out= of another shape of operand": lambda t, x: np.exp(x, out=t),
    "out= and where=": lambda t, x: np.log(x, out=t, where=[True, False, True]),
    "out= of a function": lambda t, x: np.cumsum(x[:, None] * x, axis=1, out=t),
    "out= of reduce": lambda t, x: np.add.reduce(x[:, None, None] * t, axis=0, out=t),
    "fill": lambda t, x: t.fill(x[1]),
    "sort": lambda t, _x: t.sort(axis=0),
    "partition": lambda t, _x: t.partition(1),
    "put": lambda t, x: t.put([0, 4, 8], x),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("differentiated", [True, False])
def test_program(name, differentiated):
    """NumPy's values, and the derivative of what was done, at order 2."""
    start = np.random.default_rng(0).uniform(0.5, 2, (3, 3))

    def run(x):
        t = x[:, None] * start if differentiated else ag.Tensor(start) if isinstance(x, ag.Tensor) else start.copy()
        PROGRAMS[name](t, x)
        return t * t

    np.testing.assert_allclose(run(ag.Tensor(X)).data, run(X), rtol=1e-15)
    if run(leaf(X)).requires_grad:
        assert ag.gradcheck(run, X, order=2)


def test_what_was_computed_before_keeps_its_value():
    x = leaf(X)
    t = x * 2
    before = t * t
    t[0] = 0.0
    after = t * t
    np.testing.assert_array_equal(ag.gradients(before.sum(), x), 8 * X)
    np.testing.assert_array_equal(ag.gradients(after.sum(), x), [0, 16, 24])
    np.testing.assert_array_equal(before.data, 4 * X * X)


def test_a_constant_keeps_what_was_recorded_with_it():
    a = np.ones(3)
    t, x = ag.Tensor(a, name="t"), leaf(X)
    y = x * t
    t[0] = x[1]
    assert t.name == "t"
    np.testing.assert_array_equal(a, 1)  # the Tensor has an array of its own from now on
    np.testing.assert_array_equal(ag.gradients(y.sum(), x), 1)
    assert "t" in str(ag.draw(y)) and "[1, 1, 1]" in str(ag.draw(y))
    t[0] = 4.0
    np.testing.assert_array_equal(t.data, [4, 1, 1])
    assert not ag.gradients(t.sum(), x).any()


def test_without_recording_nothing_is_recorded():
    t = ag.Tensor(np.zeros(3), name="t")
    with ag.no_grad():
        t[1] = leaf(2.0)
    assert not t.requires_grad and t.name == "t" and t.data[1] == 2
    t.requires_grad = True
    assert ag.gradients((t * t).sum(), t).tolist() == [0, 4, 0]


def test_retain_grad_follows_the_tensor():
    x = leaf(X)
    t = x * 2
    t.retain_grad()
    t[0] = 0.0
    (t * t).sum().backward()
    np.testing.assert_array_equal(t.grad, [0, 8, 12])


def test_dtypes():
    t, x = ag.Tensor(np.zeros(3, np.float32)), leaf(X)
    t[:] = x
    assert t.dtype == np.float32
    assert ag.gradients((t * t).sum(), x).dtype == np.float64
    z = ag.Tensor(np.zeros(3, complex))
    z[1:] = x[1:]
    np.testing.assert_array_equal(ag.gradients(np.real(z * z * 1j).sum() + np.real(z).sum(), x), [0, 1, 1])


LOOPS = {
    "t[i] += v": lambda t, x: [t.__setitem__(i, t[i].__iadd__(x[i] * x)) for i in range(3)],
    "rows": lambda t, x: each_row(t, x),
    "a view of a view": lambda t, x: t[1:][0].__setitem__(slice(0, 2), x[:2]),
    "a block": lambda t, x: t[:2, 1:].__iadd__(x[:2]),
    "fancy": lambda t, x: t.__setitem__([0, 2], t[[0, 2]].__iadd__(x)),
    "one entry": lambda t, x: t.__setitem__((1, 1), t[1, 1] * x[0]),
    "a view that is named": lambda t, x: named_view(t, x),
}


def each_row(t, x):
    for row in t:
        row *= x


def named_view(t, x):
    row = t[1]
    row += x
    row *= x  # each is seen in t
    row[0] = x[2]


@pytest.mark.parametrize("name", LOOPS)
def test_views_by_indexing_write_back(name):
    start = np.random.default_rng(0).uniform(0.5, 2, (3, 3))

    def run(x):
        t = x[:, None] * start
        LOOPS[name](t, x)
        return t * t

    np.testing.assert_allclose(run(ag.Tensor(X)).data, run(X), rtol=1e-15)
    assert ag.gradcheck(run, X, order=2)


ALIASES = {
    "a function that adds into its argument": lambda t: [acc := t * 0, into(acc, t), acc][-1],
    "a list of accumulators": lambda t: [p := [t * 1, t * 2], [q.__imul__(3 * t) for q in p], p[0] * p[1]][-1],
    "two names": lambda t: [b := t * 1.0, a := b, a.__imul__(2 * t), b * t][-1],
    "what was kept before": lambda t: [h := t * 1, kept := [h], h.__iadd__(t * t), kept[0] + h][-1],
    "np.floor(out=)": lambda t: [y := t * 1.5, np.floor(y, out=y), y * t][-1],
    "np.greater(out=)": lambda t: [m := mask_like(t), np.greater(t, 1.5, out=m), np.where(m, t, 0)][-1],
    "np.trunc(where=, out=)": lambda t: [y := t * 1.5, np.trunc(y, out=y, where=[True, False, True]), y * t][-1],
    "np.round, out by position": lambda t: [y := t * 1.2, np.round(y, 0, y), y * t][-1],
    "np.clip, out by position": lambda t: [y := t * 1.2, np.clip(t, 0.5, 2.5, y), y * t][-1],
    "np.floor.at": lambda t: [y := t * 1.2, np.floor.at(y, [0]), y * t][-1],
}  # fmt: skip


def into(a, b):
    a += b


def mask_like(t):
    return ag.Tensor(np.zeros(3, bool)) if isinstance(t, ag.Tensor) else np.zeros(3, bool)


@pytest.mark.parametrize("name", ALIASES)
def test_every_name_sees_what_is_written(name):
    np.testing.assert_allclose(ALIASES[name](ag.Tensor(X)).data, ALIASES[name](X), rtol=1e-15)
    assert ag.gradcheck(ALIASES[name], X + 0.1, order=2)


def test_a_diagonal_counts_as_a_view():
    y = np.outer(leaf(X), X)
    d = np.diagonal(y)
    with pytest.raises(errors.UnsupportedArgumentError, match="another view"):
        y *= 2
    line = leaf(X) * 1
    windows = np.lib.stride_tricks.sliding_window_view(line, 2)
    with pytest.raises(errors.UnsupportedArgumentError, match="another view"):
        line[0] = 5.0
    del d, windows
    y *= 2
    flat = y.flatten()
    flat[0] = 5.0  # a copy
    assert y.data[0, 0] == 2


class TestRefusals:
    def refused(self, t, match):
        for change in (lambda: t.__setitem__(0, 1.0), lambda: np.add.at(t, [0], 1.0), lambda: np.exp(t, out=t), t.sort):
            with pytest.raises(errors.UnsupportedArgumentError, match=match):
                change()

    def test_a_leaf(self):
        self.refused(leaf(X), r"leaf.*t\.data.*t\.copy\(\)")

    def test_a_view_and_what_is_looked_at(self):
        y = leaf(X) * 1
        view = y[1:]
        other = y[:1]
        self.refused(view, r"another view.*copy\(\)")
        self.refused(y, r"another view.*copy\(\)")
        turned = np.reshape(leaf(X) * 1, (3, 1))
        with pytest.raises(errors.UnsupportedArgumentError, match=r"view of another.*copy\(\)"):
            turned[0] = 1.0
        del view, other
        y[0] = 1.0
        assert y.data[0] == 1

    def test_a_detached_value_shares_memory(self):
        self.refused(leaf(X).detach(), "view")

    def test_a_copy_of_a_view_is_free(self):
        y = leaf(X) * 1
        part = y[1:].copy()
        part[0] = 0.0
        np.testing.assert_array_equal(y.data, X)

    def test_a_view_of_the_new_value(self):
        y = leaf(X) * 1
        old = y.detach().copy()
        y[0] = 0.0
        view = y[:2]
        with pytest.raises(errors.UnsupportedArgumentError, match="another view"):
            y[1] = 0.0
        assert view.data[0] == 0 and old.data[0] == 1

    def test_values_that_do_not_fit(self):
        y = leaf(X) * 1
        with pytest.raises(ValueError, match="shape"):
            y[:2] = X
        with pytest.raises(IndexError):
            y[7] = 0.0
        np.testing.assert_array_equal(y.data, X)

    def test_an_integer_array_would_round(self):
        t = ag.Tensor([1, 2, 3])
        with pytest.raises(errors.DTypeError, match=r"int64.*np\.zeros\(n\)"):
            t[0] = leaf(1.0)
        t[0] = 7
        assert t.tolist() == [7, 2, 3]


@pytest.mark.parametrize("index", [slice(1, None), slice(None, None, 2), (slice(0, 2),), 2], ids=repr)
def test_adding_to_a_part_is_recorded(index):
    def f(x):
        y = x * 1.0
        y[index] += x[0] * x[index]
        y *= 2.0  # the part is in use no more
        return np.sum(y * y)

    def again(x):  # of y[1:] += v, some versions of Python make two slices
        y = x * 1.0
        other = slice(index.start, index.stop, index.step) if isinstance(index, slice) else index
        y.__setitem__(other, y[index].__iadd__(x[0] * x[index]))
        y *= 2.0
        return np.sum(y * y)

    x = np.array([1.0, -2.0, 3.0, 0.5])
    ag.gradcheck(f, x)
    np.testing.assert_array_equal(ag.grad(f)(x), ag.grad(again)(x))
    assert f(x) == f(ag.Tensor(x)).item()
