"""A Tensor over a Dask array: lazy to the end, or refused by name."""

import functools

import numpy as np
import pytest

import autograd_mini as ag
import nn
from autograd_mini.errors import DTypeError, LostGradientError, ShapeError, UnsupportedArgumentError

dask = pytest.importorskip("dask", reason="needs the extra: pip install 'autograd-mini[dask]'")
da = pytest.importorskip("dask.array")

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 4))
BOTH = pytest.mark.parametrize("chunks", [(2, 4), (2, 3)], ids=["rows", "blocks"])


def compute_is_an_error(*_graph, **_options):
    raise AssertionError("something was computed before it was asked for")


@pytest.fixture(autouse=True)
def nothing_is_computed_unasked():
    with dask.config.set(scheduler=compute_is_an_error):
        yield


def computed(*lazy):
    assert all(isinstance(a, da.Array) for a in lazy)
    return dask.compute(*lazy, scheduler="synchronous")


def chunked(a, chunks=(2, 4)):
    return da.from_array(a, chunks=chunks[: np.ndim(a)])


def f(a, b):
    """Of NumPy's functions, to one number."""
    h = np.tanh(a * b - a.mean(axis=0)) + np.where(a > 0, a, np.exp(b))
    p = np.concatenate([h[1:], h[:1]], axis=0) @ np.transpose(b[:4])
    return np.sum(np.var(p, axis=1) * ag.logsumexp(a, axis=1)) + np.sqrt(np.einsum("ij,ij->", a, a))


def numpys(argnums=(0, 1)):
    return ag.grad(f, argnums)(A, B)


@BOTH
def test_backward_fills_grad_with_lazy_arrays_and_accumulates(chunks):
    a, b = (ag.Tensor(chunked(x, chunks), requires_grad=True) for x in (A, B))
    y = f(a, b)
    assert isinstance(y.data, da.Array) and y.shape == ()
    y.backward()
    first = a.grad
    f(a, b).backward()
    once, twice, gb = computed(first, a.grad, b.grad)
    np.testing.assert_allclose(once, numpys()[0], rtol=1e-12)
    np.testing.assert_allclose(twice, 2 * numpys()[0], rtol=1e-12)
    np.testing.assert_allclose(gb, 2 * numpys()[1], rtol=1e-12)


@BOTH
def test_every_transform_returns_lazy_arrays(chunks):
    a, b = chunked(A, chunks), chunked(B, chunks)
    value, gs = ag.value_and_grad(f, (0, 1))(a, b)
    out, pullback = ag.vjp(f, a, b)
    leaves = [ag.Tensor(x, requires_grad=True) for x in (a, b)]
    found = computed(value, out, *gs, *ag.grad(f, (0, 1))(a, b), *pullback(2.0), *ag.gradients(f(*leaves), leaves))
    np.testing.assert_allclose(found[:2], f(A, B), rtol=1e-12)
    for i, g in enumerate(found[2:]):
        np.testing.assert_allclose(g, (2 if i in (4, 5) else 1) * numpys()[i % 2], rtol=1e-12)


def test_forward_mode_and_second_order():
    def g(x):
        return np.sum(np.tanh(x) * x**2)

    x = chunked(A)
    (tangent,) = computed(ag.jvp(np.tanh, (x,), (chunked(B),))[1])
    np.testing.assert_allclose(tangent, ag.jvp(np.tanh, (A,), (B,))[1], rtol=1e-12)
    product, slopes = computed(ag.hvp(g, x, chunked(B)), ag.elementwise_grad(np.tanh)(x))
    np.testing.assert_allclose(product, ag.hvp(g, A, B), rtol=1e-12)
    np.testing.assert_allclose(slopes, ag.elementwise_grad(np.tanh)(A), rtol=1e-12)
    leaf = ag.Tensor(x, requires_grad=True)
    first = ag.gradients(g(leaf), leaf, create_graph=True)
    (second,) = computed(ag.gradients(np.sum(first * chunked(B)), leaf))
    np.testing.assert_allclose(second, ag.hvp(g, A, B), rtol=1e-12)


def test_weights_of_numpy_on_lazy_data_get_lazy_gradients():
    w = ag.Tensor(np.ones((3, 4)), requires_grad=True)
    np.sum(np.tanh(chunked(A) @ w.T)).backward()
    (g,) = computed(w.grad)
    np.testing.assert_allclose(g, ag.grad(lambda w: np.sum(np.tanh(A @ w.T)))(np.ones((3, 4))), rtol=1e-12)


def test_cotangents_of_either_kind():
    x = ag.Tensor(chunked(A), requires_grad=True)
    (g,) = computed(ag.gradients(x * 2, x, B))
    np.testing.assert_array_equal(g, 2 * B)
    w = ag.Tensor(A, requires_grad=True)
    (g,) = computed(ag.gradients(w * 2, w, chunked(B)))
    np.testing.assert_array_equal(g, 2 * B)


def test_data_is_assigned_in_its_own_kind_only():
    w = ag.Tensor(np.ones(4), requires_grad=True)
    np.sum(chunked(A) * w).backward()
    with pytest.raises(DTypeError, match=r"dask\.compute"):
        w.data = w.data - 0.1 * w.grad
    with pytest.raises(NotImplementedError):  # NumPy cannot write Dask's array into its own
        w.data -= 0.1 * w.grad
    with pytest.raises(DTypeError, match=r"dask\.compute"):
        nn_step(w)
    np.testing.assert_array_equal(w.numpy(), np.ones(4))
    x = ag.Tensor(chunked(A), requires_grad=True)
    np.sum(x * x).backward()
    x.data = x.data - 0.5 * x.grad
    np.testing.assert_allclose(*computed(x.data), 0 * A, atol=1e-15)


def nn_step(w):
    parameter = nn.Parameter(np.ones(4))
    parameter.grad = w.grad
    nn.SGD([parameter], lr=0.1).step()


def test_repr_computes_nothing():
    x = ag.Tensor(chunked(A), requires_grad=True, name="x")
    assert repr(x) == f"Tensor({x.data!r}, requires_grad=True, name='x')"
    assert "dask.array" in str(x * 2) and "dask.array" in f"{x}"


def test_a_number_is_computed_when_it_is_asked_for_and_not_otherwise():
    x = ag.Tensor(chunked(A))
    total = np.sum(x)
    with pytest.raises(UnsupportedArgumentError, match=r"bool\(t\.data\)"):
        bool(total > 0)
    with pytest.raises(UnsupportedArgumentError, match=r"np\.asarray\(t\.data\)"):
        np.asarray(x)
    with dask.config.set(scheduler="synchronous"):
        assert total.item() == pytest.approx(A.sum()) and float(total) == pytest.approx(A.sum())
        assert x.tolist() == A.tolist() and x.item(3) == A.item(3) and f"{total:.3f}" == f"{A.sum():.3f}"


def test_unknown_lengths_are_refused():
    a = chunked(A)
    with pytest.raises(ShapeError, match="compute_chunk_sizes"):
        ag.Tensor(a[a[:, 0] > 0])
    x = ag.Tensor(a, requires_grad=True)
    with pytest.raises(ShapeError, match=r"np\.where"):
        x[a > 0]
    with pytest.raises(ShapeError, match="unknown"):
        x[0, 0] * a[a > 0]


FALL_BACKS = {
    "np.linalg.eigh": lambda x: np.linalg.eigh(x.T @ x),
    "np.linalg.det": lambda x: np.linalg.det(x.T @ x),
    "np.sort": np.sort,
    "np.argsort": np.argsort,
    "np.convolve": lambda x: np.convolve(x[0], x[1]),
    "np.linalg.qr": np.linalg.qr,
    "np.linalg.svd": np.linalg.svd,
    "np.linalg.pinv": np.linalg.pinv,
    "np.median": lambda x: np.median(x, axis=0),
    "np.unique": np.unique,
    "np.sum": lambda x: np.sum(x, where=np.ones(4, bool) & (A > 0)),
    "np.reshape": lambda x: np.reshape(x, (4, 6), order="F"),
    "np.lexsort": lambda x: np.lexsort((x[0], x[1])),
    "np.array_repr": np.array_repr,
    "autograd_mini.scipy.special.softmax": lambda x: ag.scipy.special.softmax(x),
    "autograd_mini.scipy.linalg.expm": lambda x: ag.scipy.linalg.expm(x.T @ x),
}


@pytest.mark.parametrize("name", FALL_BACKS)
@pytest.mark.parametrize("requires_grad", [True, False])
def test_a_function_that_would_fetch_the_array_is_refused_by_name(name, requires_grad):
    if "scipy" in name:
        pytest.importorskip("scipy")
    with pytest.raises(UnsupportedArgumentError, match=rf"{name}|order\b") as error:
        FALL_BACKS[name](ag.Tensor(chunked(A), requires_grad=requires_grad))
    assert "dask.array.Array" in str(error.value)


def test_a_derivative_that_would_fetch_the_array_is_refused_by_name():
    x = ag.Tensor(chunked(A), requires_grad=True)
    with pytest.raises(UnsupportedArgumentError, match=r"The derivative of np\.i0"):
        np.sum(np.i0(x)).backward()


def test_a_rule_of_ones_own_must_give_the_kind_it_was_given():
    @ag.primitive
    def fetched(x):
        return x * 2

    ag.defvjp(fetched, lambda g, _y, _x: np.zeros(_x.shape))
    x = ag.Tensor(chunked(A), requires_grad=True)
    with pytest.raises(UnsupportedArgumentError, match=r"The derivative of .*fetched"):
        np.sum(fetched(x)).backward()

    @ag.primitive
    def in_numpy(x):
        return np.ones(x.shape)

    ag.defvjp(in_numpy, lambda g, _y, _x: g)
    with pytest.raises(UnsupportedArgumentError, match="in_numpy"):
        in_numpy(x)


INDICES = {
    "a slice": np.s_[1:5:2],
    "backwards": np.s_[::-1, ::-2],
    "numbers": np.s_[2, -1],
    "new axes": np.s_[None, 1:, ..., None],
    "nothing": np.s_[4:2],
    "a list": np.s_[[3, 0, 3, 3]],
    "negative numbers": np.s_[:, [-1, 0, -1]],
    "an array of two axes": np.s_[np.array([[0, 5], [5, 1]])],
    "one entry of each row": np.s_[np.arange(6), np.array([0, 3, 2, 2, 1, 0])],
    "a mask of NumPy's": A > 0,
    "rows by a mask of NumPy's": A[:, 0] > 0,
}


@BOTH
@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_indexing_and_its_transpose(index, chunks):
    def g(x):
        return np.sum(np.sin(x[index]) * x[index])

    value, slope = computed(*ag.value_and_grad(g)(chunked(A, chunks)))
    np.testing.assert_allclose(value, g(A), rtol=1e-12)
    np.testing.assert_allclose(slope, ag.grad(g)(A), rtol=1e-12)


@pytest.mark.parametrize("index", [np.s_[0, :, [1, 1]], np.s_[True], np.s_[:, [0, 1], [1, 0]], np.s_[[0, 1], :, 0]])
def test_an_index_that_dask_reads_otherwise_is_refused(index):
    """``a[0, :, [1, 1]]`` has another shape in Dask than in NumPy."""
    x = ag.Tensor(da.zeros((2, 3, 4), chunks=2), requires_grad=True)
    with pytest.raises(UnsupportedArgumentError, match=r"dask\.array"):
        x[index]


@BOTH
def test_assignment_is_recorded(chunks):
    def g(x):
        y = x * 1
        y[1:4, 0] = x[:3, 1] * 2
        y[-1] = 3.0
        return np.sum(y * y * B[:, :4])

    value, slope = computed(*ag.value_and_grad(g)(chunked(A, chunks)))
    np.testing.assert_allclose(value, g(ag.Tensor(A)).item(), rtol=1e-12)
    np.testing.assert_allclose(slope, ag.grad(g)(A), rtol=1e-12)


def test_an_axis_that_was_left_out_is_left_out():
    """NumPy's own mark of an argument left out is true: keepdims=np._NoValue kept the axes."""
    assert np.ptp(ag.Tensor(chunked(A)), axis=0).shape == (4,)


LOSSES = {
    "labels": (nn.cross_entropy, lambda: RNG.integers(0, 4, 6)),
    "one-hot": (nn.cross_entropy, lambda: np.eye(4)[RNG.integers(0, 4, 6)]),
    "probabilities": (lambda z, y: nn.categorical_cross_entropy(nn.softmax(z), y), lambda: RNG.integers(0, 4, 6)),
    "bits": (nn.binary_cross_entropy_with_logits, lambda: RNG.integers(0, 2, (6, 4)).astype(float)),
    "a sigmoid": (lambda z, y: nn.binary_cross_entropy(nn.sigmoid(z), y), lambda: RNG.uniform(size=(6, 4))),
    "squares": (nn.squared_error, lambda: B),
    "distances": (nn.absolute_error, lambda: B),
    "huber": (nn.huber, lambda: B),
    "signs": (nn.hinge, lambda: 2 * RNG.integers(0, 2, (6, 4)) - 1),
    "a margin": (nn.hinge, lambda: RNG.integers(0, 4, 6)),
    "distributions": (lambda z, y: nn.kl_divergence(nn.softmax(z), y), lambda: RNG.dirichlet(np.ones(4), 6)),
    "logarithms": (
        lambda z, y: nn.kl_divergence(nn.log_softmax(z), nn.log_softmax(y), log_outputs=True, log_targets=True),
        lambda: B,
    ),
    "some labels": (
        lambda z, y: nn.cross_entropy(z, y, weight=[1, 2, 0.5, 3], label_smoothing=0.1, ignore_index=-1),
        lambda: np.array([0, -1, 3, 1, -1, 2]),
    ),
    "smooth rows": (
        lambda z, y: nn.cross_entropy(z, y, weight=[1, 2, 0.5, 3], label_smoothing=0.1),
        lambda: RNG.dirichlet(np.ones(4), 6),
    ),
    "weighted bits": (
        lambda z, y: nn.binary_cross_entropy_with_logits(z, y, weight=B**2, pos_weight=[1.0, 2.0, 3.0, 4.0]),
        lambda: RNG.integers(0, 2, (6, 4)).astype(float),
    ),
}


@BOTH
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, chunks):
    loss, targets = LOSSES[name]
    y = targets()
    value, slope = computed(*ag.value_and_grad(lambda z: loss(z, chunked(y, chunks)))(chunked(A, chunks)))
    expected, gradient = ag.value_and_grad(lambda z: loss(z, y))(A)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(
    "loss, targets",
    [
        (nn.cross_entropy, np.array([0, 1, 2, 3, 4, 0])),
        (nn.cross_entropy, np.full((6, 4), 0.3)),
        (nn.binary_cross_entropy_with_logits, np.full((6, 4), 1.5)),
        (nn.hinge, np.array([0, 1, 2, 3, 4, 0])),
        (nn.hinge, np.full((6, 4), 0.5)),
        (lambda z, y: nn.kl_divergence(nn.softmax(z), y), np.full((6, 4), 0.3)),
        (functools.partial(nn.cross_entropy, ignore_index=0), np.zeros(6, int)),
        (functools.partial(nn.cross_entropy, ignore_index=0), np.array([0, 1, 2, 3, 4, 0])),
    ],
)
def test_targets_out_of_range_make_the_loss_nan_for_they_cannot_be_looked_at(loss, targets):
    (value,) = computed(loss(ag.Tensor(chunked(A)), chunked(targets)).data)
    assert np.isnan(value)


def test_a_tensor_inside_a_lazy_array_raises_when_it_is_computed():
    """``x.dot(w)``, a method of Dask's, does not ask the Tensor."""
    w = ag.Tensor(np.ones((4, 2)), requires_grad=True)
    with dask.config.set(scheduler="synchronous"), pytest.raises((LostGradientError, AttributeError)):
        chunked(A).dot(w).compute()


def masked_chunks():
    return da.ma.masked_greater(chunked(A), 0.5)


MASKED = {
    "Tensor(m)": lambda _x, m: ag.Tensor(m),
    "t * m": lambda x, m: x * m,
    "m * t": lambda x, m: m * x,
    "t > m": lambda x, m: x > m,
    "NumPy's t * m": lambda _x, m: ag.Tensor(A, requires_grad=True) * m,
    "np.where": lambda x, m: np.where(chunked(A > 0), x, m),
    "np.stack": lambda x, m: np.stack([x, m]),
    "np.matmul": lambda x, m: np.matmul(x.T, m),
    "a cotangent": lambda x, m: (x * 2).backward(m),
    "t.data = m": lambda x, m: setattr(x, "data", m),
    "what a hook returns": lambda x, m: (x.register_hook(lambda _g: m), (x * 2).sum().backward()),
}


@pytest.mark.parametrize("use", MASKED)
def test_chunks_with_masks_are_refused_for_a_gradient_would_count_what_is_masked(use):
    with pytest.raises(DTypeError, match=r"dask\.array\.Array of MaskedArray chunks"):
        MASKED[use](ag.Tensor(chunked(A), requires_grad=True), masked_chunks())


def test_a_lazy_index_into_an_array_of_numpys_is_refused_before_it_is_computed():
    e = ag.Tensor(A, requires_grad=True)
    rows = da.from_array(np.array([0, 2]), chunks=1)
    for index in (rows, ag.Tensor(rows), (slice(None), rows), chunked(A) > 0):
        with pytest.raises(UnsupportedArgumentError, match="index that may be lazy"):
            e[index]
    t = e * 1
    for index in (rows, chunked(A) > 0):
        with pytest.raises(UnsupportedArgumentError, match="index that may be lazy"):
            t[index] = 0
        with pytest.raises(UnsupportedArgumentError, match="index that may be lazy"):
            t[index] += 1
    np.testing.assert_array_equal(t.data, A)


def test_nn_refuses_what_it_would_fetch_whole():
    model = nn.MLP([4, 2], rng=0)
    options = {"loss": nn.squared_error, "optimizer": nn.SGD(model.parameters(), lr=0.1), "epochs": 1}
    x, y = chunked(A), chunked(A[:, :2])
    for data in ((x, y), (x, A[:, :2]), (A, y), (ag.Tensor(x), ag.Tensor(y))):
        with pytest.raises(UnsupportedArgumentError, match=r"fit: data holds arrays that may be lazy.*np\.asarray"):
            nn.fit(model, data, **options)
    with pytest.raises(UnsupportedArgumentError, match="fit: validation holds"):
        nn.fit(model, (A, A[:, :2]), validation=(x, y), **options)
    for data in (x, ag.Tensor(x)):
        with pytest.raises(UnsupportedArgumentError, match=r"nn\.Parameter\(np\.asarray\(data\)\)"):
            nn.Parameter(data)


def test_whether_a_value_is_in_it_is_not_computed_unasked():
    with pytest.raises(UnsupportedArgumentError, match=r"v in t would compute.*any\(\)"):
        assert 3.0 in ag.Tensor(chunked(A))


def test_methods_refuse_in_the_words_of_functions():
    t = ag.Tensor(da.ones((5, 6), chunks=2), requires_grad=True)
    with pytest.raises(UnsupportedArgumentError, match=r"np\.reshape of a dask.*: Dask's reshape.*docs/dask"):
        t.reshape(2, 15)
    assert isinstance(t.T.data, da.Array) and t.T.shape == (6, 5) and t.sum(0).shape == (6,)


def test_metadata_are_known_without_computing():
    x = ag.Tensor(chunked(A))
    assert np.size(x) == 24 and np.size(x, 0) == 6 and np.size(x, (0, 1)) == 24
    assert x.device is None and ag.Tensor(A).device == "cpu"
