"""What a Tensor may hold: any array that speaks NumPy's two protocols; not one with a behaviour of its own."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini.arrays import is_other, other_kind
from autograd_mini.errors import AutogradError, DTypeError, LostGradientError, UnsupportedArgumentError

A = np.arange(1.0, 5).reshape(2, 2)


class Quantity(np.ndarray):
    """A subclass that handles ufuncs itself, as those with units do."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if not all(isinstance(x, (np.ndarray, float)) for x in inputs):
            return NotImplemented  # as NEP 13 asks
        plain = [np.asarray(x) if isinstance(x, Quantity) else x for x in inputs]
        result = getattr(ufunc, method)(*plain, **kwargs)
        return result.view(Quantity) if isinstance(result, np.ndarray) else result


class Plain(np.ndarray):
    """A subclass without any behaviour."""


class Column:
    """A table's column: no subclass, and NEP 13 only."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return Column(getattr(ufunc, method)(*[np.asarray(x) for x in inputs], **kwargs))

    def __mul__(self, other):
        return np.multiply(self, other)


SUBCLASSES = {
    "masked": np.ma.masked_array(A, mask=[[0, 1], [0, 0]]),
    "matrix": A.view(np.matrix),
    "records": np.rec.array([(1.0, 2.0)], dtype=[("x", float), ("y", float)]),
    "text": np.char.array(["a", "b"]),
    "quantity": A.view(Quantity),
    "plain subclass": A.view(Plain),
}
pytestmark = pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")


def tensor():
    return ag.Tensor(A.copy(), requires_grad=True)


def assigned(k):
    t = ag.Tensor(A.copy())
    t.data = k


def put(k):
    t = tensor() * 1
    t[...] = k


def updated(k):
    t = tensor() * 1
    t += k


USES = {
    "Tensor(k)": ag.Tensor,
    "t * k": lambda k: tensor() * k,
    "k * t": lambda k: k * tensor(),
    "k @ t": lambda k: k @ tensor(),
    "t - k of a constant": lambda k: ag.Tensor(A) - k,
    "np.add(k, t)": lambda k: np.add(k, tensor()),
    "np.maximum(t, k)": lambda k: np.maximum(tensor(), k),
    "k == t": lambda k: k == tensor(),
    "np.concatenate": lambda k: np.concatenate([k, tensor()]),
    "np.stack": lambda k: np.stack([tensor(), k]),
    "np.where": lambda k: np.where(A > 0, tensor(), k),
    "np.dot": lambda k: np.dot(k, tensor()),
    "np.einsum": lambda k: np.einsum("ij,jk", k, tensor()),
    "np.linalg.solve": lambda k: np.linalg.solve(k, tensor()),
    "np.isclose": lambda k: np.isclose(tensor(), k),
    "a cotangent": lambda k: (tensor() * 2).backward(k),
    "a cotangent of ag.gradients": lambda k: ag.gradients(tensor() * 2, tensor(), k),
    "a cotangent of ag.vjp": lambda k: ag.vjp(lambda x: x * 2, A)[1](k),
    "t.data = k": assigned,
    "t[...] = k": put,
    "t += k": updated,
    "an argument of ag.grad": ag.grad(lambda x: np.sum(x * 2)),
    "an argument of ag.vjp": lambda k: ag.vjp(np.square, k),
    "an argument of ag.hessian": ag.hessian(lambda x: np.sum(x**3)),
    "a constant inside ag.grad": lambda k: ag.grad(lambda x: np.sum(x * k))(A),
    "a primal of ag.jvp": lambda k: ag.jvp(np.square, (k,), (A,)),
    "a tangent of ag.jvp": lambda k: ag.jvp(np.square, (A,), (k,)),
    "a vector of ag.hvp": lambda k: ag.hvp(lambda x: np.sum(x**3), A, k),
}


@pytest.mark.parametrize("kind", SUBCLASSES)
@pytest.mark.parametrize("use", USES)
def test_a_subclass_of_ndarray_is_refused_everywhere(use, kind):
    k = SUBCLASSES[kind]
    if (kind, use) in {("text", "k * t"), ("records", "k == t")}:
        return  # there the class's own operator raises first, or warns
    with pytest.raises(AutogradError):
        USES[use](k)


@pytest.mark.parametrize("kind", ["masked", "matrix", "quantity", "plain subclass"])
@pytest.mark.parametrize("use", ["Tensor(k)", "t * k", "np.stack", "a cotangent", "t.data = k"])
def test_the_refusal_names_the_class(use, kind):
    with pytest.raises(DTypeError, match=type(SUBCLASSES[kind]).__name__):
        USES[use](SUBCLASSES[kind])


def test_a_mask_is_never_dropped_without_a_word():
    """np.concatenate of a masked array forgets its mask, and its answer is a masked array no more."""
    for join in (np.concatenate, np.stack):
        with pytest.raises(DTypeError, match="MaskedArray"):
            join([tensor(), SUBCLASSES["masked"]])


def test_what_handles_ufuncs_only_is_refused_on_either_side():
    column = Column(A)
    with pytest.raises(DTypeError, match="Column"):
        tensor() * column
    with pytest.raises(LostGradientError):
        column * tensor()


def test_a_column_of_a_table_is_data_like_a_list():
    np.testing.assert_array_equal(ag.Tensor(Column(A)).numpy(), A)
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x * x))(Column(A)), 2 * A)


def test_scipy_sparse_matrices_are_refused_on_either_side():
    sparse = pytest.importorskip("scipy.sparse")
    for s in (sparse.csr_array(A), sparse.csr_matrix(A)):
        for use in ("Tensor(k)", "t * k", "k * t", "k @ t", "a cotangent", "an argument of ag.grad"):
            with pytest.raises(AutogradError):
                USES[use](s)
        with pytest.raises(AutogradError):
            tensor() @ s


def test_a_memory_map_is_plain_data(tmp_path):
    k = np.memmap(tmp_path / "a", dtype=float, mode="w+", shape=A.shape)
    k[:] = A
    t = ag.Tensor(k, requires_grad=True)
    assert type(t.data) is np.ndarray and np.shares_memory(t.data, k)
    np.sum(t * t).backward()
    np.testing.assert_array_equal(t.grad, 2 * A)
    np.testing.assert_array_equal(ag.grad(lambda x: np.sum(x * x))(k), 2 * A)
    np.testing.assert_array_equal(ag.gradients(t * 2, t, k), 2 * A)
    np.testing.assert_array_equal((tensor() * k).data, A * A)
    np.testing.assert_array_equal(np.concatenate([tensor(), k]).data, np.concatenate([A, A]))


# --- a kind of arrays of our own, smaller than any that is in use ----------------------------------------------------


class Wrapped(np.lib.mixins.NDArrayOperatorsMixin):
    """Speaks both protocols; `lacks` fall back on NumPy's arrays without a word."""

    lacks = frozenset({np.prod, np.argmax})

    def __init__(self, values):
        self.values = np.asarray(values)

    dtype = property(lambda self: self.values.dtype)
    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    size = property(lambda self: self.values.size)
    T = property(lambda self: Wrapped(self.values.T))

    def copy(self):
        return Wrapped(self.values.copy())

    def astype(self, dtype, copy=True):
        return Wrapped(self.values.astype(dtype, copy=copy))

    def reshape(self, *shape):
        return Wrapped(self.values.reshape(*shape))

    def sum(self, axis=None):
        return Wrapped(self.values.sum(axis))

    def __getitem__(self, index):
        return Wrapped(self.values[index])

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if any(hasattr(type(x), "__call_primitive__") for x in inputs):
            return NotImplemented
        return Wrapped(getattr(ufunc, method)(*map(bare, inputs), **kwargs))

    def __array_function__(self, function, types, args, kwargs):
        if any(hasattr(kind, "__call_primitive__") for kind in types):
            return NotImplemented
        kwargs = {k: bare(v) for k, v in kwargs.items() if k != "like"}
        result = function(*map(bare, args), **kwargs)
        return result if function in self.lacks else Wrapped(result)


def bare(x):
    return [bare(y) for y in x] if isinstance(x, list) else x.values if isinstance(x, Wrapped) else x


def test_the_engine_knows_no_kind_and_works_on_any():
    w, x = tensor(), Wrapped(A)
    y = np.sum(np.tanh(x @ w.T) * np.exp(x))
    assert type(y.data) is Wrapped
    y.backward()
    assert type(w.grad) is Wrapped
    expected = ag.grad(lambda w: np.sum(np.tanh(A @ w.T) * np.exp(A)))(A)
    np.testing.assert_allclose(w.grad.values, expected, rtol=1e-14)


def test_an_answer_of_another_kind_is_refused_by_name():
    x = ag.Tensor(Wrapped(A), requires_grad=True)
    with pytest.raises(UnsupportedArgumentError, match=r"np\.prod is not implemented for a .*Wrapped"):
        np.prod(x)
    with pytest.raises(UnsupportedArgumentError, match=r"np\.argmax is not implemented for a .*Wrapped"):
        np.argmax(x)


def test_a_kind_is_found_in_lists_and_keywords():
    assert is_other(Wrapped(A)) and not any(map(is_other, (A, tensor(), 1.0, np.float64(1), [1], "a", None)))
    assert other_kind([A, [A, (1, Wrapped(A))]]) is Wrapped
    assert other_kind([A, [A, 1.0], None]) is None


def test_nothing_is_added_to_a_gradient_with_a_mask():
    t = tensor()
    t.grad = SUBCLASSES["masked"]
    with pytest.raises(DTypeError, match=r"\.grad of a leaf, a MaskedArray"):
        np.sum(t * t).backward()


@pytest.mark.parametrize("kind", ["masked", "matrix"])
def test_a_hook_returns_no_subclass(kind):
    t = tensor()
    t.register_hook(lambda _g: SUBCLASSES[kind])
    with pytest.raises(DTypeError, match=f"hook <lambda> returned a {type(SUBCLASSES[kind]).__name__}"):
        np.sum(t * t).backward()


@pytest.mark.parametrize("kind", ["masked", "matrix"])
def test_logsumexp_refuses_what_it_would_read_otherwise(kind):
    with pytest.raises(DTypeError, match=f"logsumexp of a {type(SUBCLASSES[kind]).__name__}"):
        ag.logsumexp(SUBCLASSES[kind])


def test_logsumexp_takes_what_can_be_read_as_an_array():
    for a in (Column(A), A.tolist()):
        assert ag.logsumexp(a) == ag.logsumexp(A)


def test_a_subclass_is_found_behind_an_array_of_another_kind():
    """The first of another kind was the answer, and what stood after it was not looked at."""
    other = Wrapped(A)
    with pytest.raises(DTypeError, match="MaskedArray"):
        other_kind([other, np.ma.array(A)], "np.where")
    with pytest.raises(DTypeError, match="MaskedArray"):
        other_kind([other, [np.ma.array(A)]], "np.where")
    assert other_kind([other, [A]], "np.where") is Wrapped
