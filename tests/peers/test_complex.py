"""Complex derivatives against JAX, whose convention is ours, and PyTorch, whose gradient is the conjugate of ours.

Each program is a real function of a complex matrix, written once against the namespace it is given.
"""

import numpy as np
import pytest

import autograd_mini as ag

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)) + 2 * np.eye(3)
W = RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))


def elementwise(name):
    return lambda xp, z, w: xp.sum(xp.real(w * getattr(xp, name)(z)))


def hermitian(xp, z):
    return z @ xp.conj(z.T) + z.T * 0


PROGRAMS = {
    **{
        name: elementwise(name)
        for name in (
            "abs", "angle", "exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "square", "reciprocal",
            "conj", "expm1", "log1p", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh",
            "exp2", "log2", "log10",
        )
    },
    "power": lambda xp, z, w: xp.sum(xp.real(z ** (1.5 + 0.5j) + w**z)),
    "divide": lambda xp, z, w: xp.sum(xp.abs(w / z + z / w)),
    "real and imag": lambda xp, z, w: xp.sum(xp.real(z) * xp.imag(z * w)),
    "matmul": lambda xp, z, w: xp.sum(xp.abs(z @ w @ z) ** 2),
    "einsum": lambda xp, z, w: xp.sum(xp.abs(xp.einsum("ij,jk,ik->k", z, w, z))),
    "trace": lambda xp, z, w: xp.abs(xp.trace(z @ w)),
    "outer": lambda xp, z, w: xp.sum(xp.abs(xp.outer(z[0], w[1]) + xp.kron(z[:1], w[1:2].T))),
    "vdot": lambda xp, z, w: xp.abs(xp.vdot(z[0], w[1]) * xp.vdot(w[0], z[1])),
    "prod": lambda xp, z, w: xp.abs(xp.prod(z * w)),
    "cumprod": lambda xp, z, w: xp.sum(xp.real(w * xp.cumprod(z, 0))),
    "cumsum": lambda xp, z, w: xp.sum(xp.abs(w * xp.cumsum(z, 1))),
    "mean and var": lambda xp, z, w: xp.abs(xp.mean(z * w)) + xp.sum(xp.real(z[0] * xp.conj(z[0]))),
    "where": lambda xp, z, w: xp.sum(xp.abs(xp.where(xp.real(z) > 0, z * w, z))),
    "index": lambda xp, z, w: xp.sum(xp.abs(z[[0, 0, 2], [1, 1, 0]] * w[0])) + xp.sum(xp.abs(z[1:, :2])),
    "fft": lambda xp, z, w: xp.sum(xp.abs(xp.fft.fft(z) * w)),
    "ifft": lambda xp, z, w: xp.sum(xp.abs(xp.fft.ifft(z, norm="ortho") * w)),
    "fft2": lambda xp, z, w: xp.sum(xp.real(xp.fft.fft2(z * z) * w)),
    "rfft": lambda xp, z, w: xp.sum(xp.abs(xp.fft.rfft(xp.real(z)) * w[:, :2])),
    "irfft, odd": lambda xp, z, w: xp.sum(xp.fft.irfft(z, n=5) ** 2),
    "irfft, even": lambda xp, z, w: xp.sum(xp.fft.irfft(z, n=4) ** 2),
    "hfft": lambda xp, z, w: xp.sum(xp.fft.hfft(z) ** 2),
    "inv": lambda xp, z, w: xp.sum(xp.abs(xp.linalg.inv(z) * w)),
    "solve": lambda xp, z, w: xp.sum(xp.abs(xp.linalg.solve(z, w)) ** 2),
    "det": lambda xp, z, w: xp.abs(xp.linalg.det(z @ w)),
    "slogdet": lambda xp, z, w: xp.linalg.slogdet(z)[1] + xp.real(xp.linalg.slogdet(z)[0]),
    "matrix_power": lambda xp, z, w: xp.sum(xp.abs(xp.linalg.matrix_power(z, 3) * w)),
    "norm": lambda xp, z, w: xp.linalg.norm(z * w) ** 3,
    "singular values": lambda xp, z, w: xp.sum(xp.linalg.svd(z)[1] ** 3),
    "projector by svd": lambda xp, z, w: by_svd(xp, z, w),
    "projector by eigh": lambda xp, z, w: by_eigh(xp, z, w),
    "cholesky": lambda xp, z, w: xp.sum(xp.abs(xp.linalg.cholesky(hermitian(xp, z)) * w)),
    "pinv": lambda xp, z, w: xp.sum(xp.abs(xp.linalg.pinv(z[:, :2]) @ w)),
    "qr": lambda xp, z, w: xp.sum(xp.abs(xp.linalg.qr(z)[1]) ** 3),
    "eigenvalues": lambda xp, z, w: xp.sum(xp.abs(xp.linalg.eig(z)[0]) ** 3),
}  # fmt: skip


def by_svd(xp, z, w):
    u, s, v = xp.linalg.svd(z)
    return xp.sum(xp.abs((u[:, :2] * s[:2] ** 2) @ v[:2] * w))


def by_eigh(xp, z, w):
    values, vectors = xp.linalg.eigh((hermitian(xp, z) + xp.conj(hermitian(xp, z).T)) / 2)
    return xp.sum(xp.abs(((vectors * values**2) @ xp.conj(vectors.T)) * w))


def ours(name):
    return ag.grad(lambda z: PROGRAMS[name](np, z, W))(Z)


@pytest.mark.parametrize("name", PROGRAMS)
def test_jax(name):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    if name == "arccosh":
        pytest.skip("JAX is on the wrong branch where the real part is negative; differences agree with us")
    if name == "eigenvalues":
        pytest.skip("JAX asks for a flag")
    if name == "index":
        theirs = jax.grad(lambda z: PROGRAMS[name](jnp, Indexed(z), W))(Z)
    else:
        theirs = jax.grad(lambda z: PROGRAMS[name](jnp, z, W))(Z)
    np.testing.assert_allclose(ours(name), theirs, rtol=1e-8, atol=1e-9)


class Indexed:
    """A JAX array that takes lists as indices, as NumPy does."""

    def __init__(self, z):
        self.z = z

    def __getitem__(self, index):
        return self.z[tuple(np.array(i) if isinstance(i, list) else i for i in index)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_torch(name):
    torch = pytest.importorskip("torch")
    z = torch.tensor(Z, requires_grad=True)
    value = PROGRAMS[name](torch, z, torch.tensor(W))
    value.backward()
    np.testing.assert_allclose(ours(name), z.grad.conj().resolve_conj().numpy(), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", PROGRAMS)
def test_differences(name):
    assert ag.gradcheck(lambda z: PROGRAMS[name](np, z, W), Z)
