"""Batched: what NumPy computes from each element of the batch, computed from all at once."""

import numpy as np
import pytest

import autograd_mini as ag
from autograd_mini import batching
from autograd_mini.batching import Batched, UnbatchableError
from autograd_mini.rules.assign import assign
from autograd_mini.rules.index import scatter

rng = np.random.default_rng(0)
B = 3
N = np.newaxis


def stack(*shape, kind=float):
    values = rng.normal(size=(B, *shape))
    return values + 1j * rng.normal(size=(B, *shape)) if kind is complex else values


V, M, T, S = stack(4), stack(2, 3), stack(2, 3, 4), stack()
A = rng.normal(size=(3, 3)) + 3 * np.eye(3)
W = rng.normal(size=(3, 5))
PERM = np.array([[2, 0, 1], [0, 1, 2]])

AT_ONCE = {
    "add": (lambda m: m + W[:, 0], M),
    "align": (lambda m, v: m[:, :, N] * v, M, V),
    "align the other way": (lambda m, v: v - m[..., N], M, V),
    "number": (lambda s: 2 * s - s / 3 + 1 // (s + 10), S),
    "unary": (lambda m: -np.exp(m) + abs(m), M),
    "higher rank outside": (lambda s: s * np.ones((2, 1, 2)), S),
    "dtype=": (lambda m: np.multiply(m, 2, dtype=np.float32), M),
    "comparison": (lambda m: (m > 0) | (m <= -1) ^ ~(m == 0), M),
    "matmul": (lambda m: m @ W, M),
    "matmul from the left": (lambda m: W[:2, :2] @ m, M),
    "matmul, both": (lambda m, t: m @ t, M, T),
    "matmul of vectors": (lambda v: v @ np.arange(4.0), V),
    "matmul, vector on the left": (lambda v: np.arange(8.0).reshape(2, 4) @ v, V),
    "matmul, vector on the right": (lambda v: v @ np.arange(8.0).reshape(4, 2), V),
    "matmul, two batches of vectors": (lambda v: v @ (v * 2), V),
    "matmul, a vector and stacks": (lambda v, t: t @ v, V, T),
    "matmul, stacks outside": (lambda m: np.ones((5, 1, 4, 2)) @ m, M),
    "vecdot": (lambda t, m: np.vecdot(t.mT, m[0]), T, M),
    "vecdot, outside": (lambda v: np.vecdot(v, np.ones((5, 1, 4))), V),
    "assign": (lambda t: assign(assign(t, 0, 1, slice(1, None)), 5.0, Ellipsis, [0, 2]), T),
    "rot90": (lambda t: np.rot90(t) + np.rot90(t, 3, (0, 1)), T),
    "sum": (lambda t: np.sum(t, (0, -1), keepdims=True), T),
    "sum of all": (lambda t: t.sum(), T),
    "sum with where": (lambda m: np.sum(m, 0, where=np.array([True, False, True]), initial=3.0), M),
    "sum of a number": (lambda s: np.sum(s), S),
    "max, mean, prod, std": (lambda t: np.max(t, 1) + np.mean(t, 1) + np.prod(t, axis=1) + np.std(t, 1), T),
    "argmax": (lambda t: np.argmax(t), T),
    "argmax, axis": (lambda t: np.argmax(t, axis=-2), T),
    "cumsum": (lambda t: np.cumsum(t), T),
    "cumsum, axis": (lambda t: np.cumsum(t, 0), T),
    "sort": (lambda t: np.sort(t), T),
    "reshape": (lambda t: np.reshape(t, (4, -1)), T),
    "reshape F": (lambda t: np.reshape(t, (4, 6), order="F"), T),
    "reshape method": (lambda t: t.reshape(6, 4).reshape(-1), T),
    "ravel": (lambda t: np.ravel(t) + np.ravel(t, "F") + t.flatten(), T),
    "transpose": (lambda t: np.transpose(t) + t.T + t.transpose(2, 1, 0), T),
    "axes": (lambda t: np.transpose(t, (1, -1, 0)), T),
    "mT": (lambda t: t.mT, T),
    "moveaxis": (lambda t: np.moveaxis(t, [0, -1], [-1, 0]), T),
    "swapaxes": (lambda t: np.swapaxes(t, 0, -1), T),
    "squeeze": (lambda m: np.squeeze(m[N, :, N]), M),
    "squeeze, axis": (lambda m: np.squeeze(m[N, :, N], (0, -2)), M),
    "expand_dims": (lambda m: np.expand_dims(m, (0, -1)), M),
    "broadcast_to": (lambda v: np.broadcast_to(v, (2, 3, 4)), V),
    "flip, roll": (lambda t: np.flip(t, -1) + np.roll(t, 2, 1) + np.flip(t) + np.roll(t, 5), T),
    "roll, axes": (lambda t: np.roll(t, (1, 2), (0, -1)), T),
    "repeat": (lambda t: np.repeat(t, 2, axis=-1), T),
    "repeat all": (lambda m: np.repeat(m, 2), M),
    "tile": (lambda m: np.tile(m, (2, 1, 2)), M),
    "take": (lambda t: np.take(t, [[0, 1], [1, 0]], axis=1), T),
    "take_along_axis": (lambda m: np.take_along_axis(m, PERM, 1), M),
    "diagonal, trace": (lambda t: np.diagonal(t, 1, 0, -1)[..., 0] + np.trace(t, axis1=0, axis2=2), T),
    "tril": (lambda t: np.tril(t, 1) + np.triu(t), T),
    "diff": (lambda t: np.diff(t, 1, 1), T),
    "like": (lambda t: np.zeros_like(t) + np.ones_like(t) + t, T),
    "where": (lambda m, v: np.where(m[..., N] > 0, v, 0), M, V),
    "concatenate": (lambda m: np.concatenate([m, np.ones((2, 1)), m], -1), M),
    "concatenate all": (lambda m, v: np.concatenate([m, [1.0, 2.0], v], None), M, V),
    "stack": (lambda m: np.stack([m, np.ones((2, 3))], axis=-1), M),
    "einsum": (lambda m: np.einsum("ij,jk->ki", m, W), M),
    "einsum, implicit": (lambda m: np.einsum("ij,jk", m, W), M),
    "einsum, ellipsis": (lambda t, m: np.einsum("...jk,...j->...k", t, m), T, M),
    "tensordot": (lambda t: np.tensordot(t, W, ([1], [0])), T),
    "tensordot from the left": (lambda t: np.tensordot(W, t, ([0], [1])), T),
    "tensordot, both": (lambda t, m: np.tensordot(t, m, ([0, 1], [0, 1])), T, M),
    "solve": (lambda m: np.linalg.solve(A, m.T), M),
    "solve for a vector": (lambda m: np.linalg.solve(A, m[0]), M),
    "solve with many": (lambda t: np.linalg.solve(np.eye(3) + t[:, :, :3] * 0.01, np.ones(3)), stack(2, 3, 3)),
    "inv": (lambda t: np.linalg.inv(t + 5 * np.eye(3)), stack(3, 3)),
    "fft": (lambda t: np.fft.fft(t, axis=1) + np.fft.ifftn(t) + np.fft.fft2(t) + np.fft.fftshift(t, 0), T),
    "rfft": (lambda t: np.fft.irfft(np.fft.rfft(t)), T),
    "basic indices": (lambda t: t[0, ..., ::-1][N, 1:], T),
    "advanced indices": (lambda t: t[:, [0, 0, 2], [1, 1, 3]], T),
    "separated indices": (lambda t: t[[0, 1, 1], :, [0, 2, 2]], T),
    "mask": (lambda t: t[np.array([[True, False, True], [False, False, True]])], T),
    "ellipsis and list": (lambda t: t[..., [0, 3], N], T),
    "scatter": (lambda m: scatter(m, [0, 0], shape=(4, 3)) + scatter(m, slice(1, 3), shape=(4, 3)), M),
    "scatter, ellipsis": (lambda m: scatter(m, Ellipsis, [0, 0, 3], shape=(2, 4)), M),
    "real, imag, conj": (lambda z: z.real + np.imag(z) * np.conj(z) + z.conj(), stack(2, kind=complex)),
    "astype, copy": (lambda m: m.astype(np.float32).copy() + np.astype(m, np.float32), M),
    "clip, round": (lambda m: np.clip(m, -0.5, 0.5) + np.round(m, 1) + m.clip(0, 1), M),
    "len, iter": (lambda m: sum(row * len(m) for row in m), M),
    "shape": (lambda m: m * np.size(m) + np.ndim(m) + np.shape(m)[0], M),
}  # fmt: skip
if hasattr(np, "matvec"):
    AT_ONCE["matvec"] = (lambda t, v: np.matvec(t, v), T, V)
    AT_ONCE["vecmat"] = (lambda m, t: np.vecmat(m[:, :, N] + m[:, N], np.ones((3, 2))), M, T)


def expected(f, stacks):
    return np.stack([np.asarray(f(*(s[i] for s in stacks))) for i in range(B)])


@pytest.mark.parametrize(("f", "stacks"), [(f, s) for f, *s in AT_ONCE.values()], ids=AT_ONCE)
def test_all_at_once(f, stacks, monkeypatch):
    monkeypatch.setattr(batching, "one_by_one", lambda f, *_: pytest.fail(f"{f.__name__} went one by one"))
    got = f(*map(Batched, stacks))
    want = expected(f, stacks)
    assert (type(got), got.many, got.shape, got.dtype) == (Batched, True, want.shape[1:], want.dtype)
    assert (got.ndim, got.size) == (want.ndim - 1, want[0].size)
    np.testing.assert_allclose(got.data, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("f", "stacks"), [(f, s) for f, *s in AT_ONCE.values()], ids=AT_ONCE)
def test_beside_one_for_all(f, stacks):
    """An operand that stands for all elements, as residuals do in a recorded sweep."""
    fixed = [Batched(s[1], many=False) for s in stacks]
    got = f(*fixed)
    assert not got.many
    np.testing.assert_allclose(got.data, f(*(s[1] for s in stacks)), rtol=1e-12, atol=1e-12)
    if len(stacks) > 1:
        mixed = f(Batched(stacks[0]), fixed[1])
        want = expected(lambda a: f(a, stacks[1][1]), stacks[:1])
        np.testing.assert_allclose(mixed.data, want, rtol=1e-12, atol=1e-12)


ONE_BY_ONE = {
    "sorted by two keys": (lambda m: m[np.argsort(m[:, 0])], M),
    "convolve": (lambda v: np.convolve(v, [1.0, 2.0]), V),
    "several results": (lambda m: np.linalg.qr(m)[1], M),
    "ufunc of two results": (lambda m: np.modf(m)[0], M),
    "interp": (lambda v: np.interp([0.5, 1.5], np.arange(4), v), V),
    "unknown order": (lambda m: np.reshape(m, (3, 2), order="A"), M),
}


@pytest.mark.parametrize(("f", "stacks"), [(f, s) for f, *s in ONE_BY_ONE.values()], ids=ONE_BY_ONE)
def test_the_rest_goes_one_by_one(f, stacks):
    got = f(*map(Batched, stacks))
    np.testing.assert_allclose(got.data, expected(f, stacks), rtol=1e-12)


def test_a_batch_of_tensors_is_recorded():
    x = ag.Tensor(M, requires_grad=True)
    y = np.sum(np.sin(Batched(x)) * Batched(ag.Tensor(W[:, 0]), many=False), -1)
    assert isinstance(y.data, ag.Tensor)
    y.data.sum().backward()
    np.testing.assert_allclose(x.grad, np.cos(M) * W[:, 0])


@pytest.mark.parametrize(
    "f",
    [
        np.asarray,
        bool,
        float,
        lambda m: m.__setitem__(0, 1),
        lambda m: m.nosuch,
        lambda m: np.add(1, 2, out=m),
        lambda m: np.add.at(m, 0, 1),
    ],
)
def test_what_a_batch_cannot_do_is_said(f):
    with pytest.raises(UnbatchableError):
        f(Batched(M))


@pytest.mark.parametrize("f", [lambda m: np.sum(m, 2), lambda m: np.transpose(m, (0, 2)), lambda m: np.reshape(m, 7)])
def test_what_numpy_refuses_is_refused(f):
    """In particular, no axis counts as far as the batch."""
    with pytest.raises(ValueError, match=r"axis|shape"):
        f(Batched(M))
    with pytest.raises(ValueError, match=r"axis|shape"):
        f(M[0])


def test_axes_never_reach_the_batch():
    for f in (lambda m: np.sum(m, -3), lambda m: np.flip(m, -3), lambda m: np.swapaxes(m, -3, 0)):
        with pytest.raises(np.exceptions.AxisError):
            f(Batched(M))
