"""NumPy's functions in JAX's words, for tests/peers/test_programs.py: under the same names, most of them."""

import operator

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

import autograd_mini as ag
from autograd_mini.table import name_of

from ..programs.program import given

__all__ = ["knows", "perform"]

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # it compiles each function for each shape that it meets


def setitem(a, i, v):
    return a.at[index(i)].set(v)


def getitem(a, i):
    return jnp.asarray(a)[index(i)]


def index(i):
    """JAX's index: arrays in place of lists."""
    if isinstance(i, tuple):
        return tuple(map(index, i))
    return np.array(i, None if len(i) else int) if isinstance(i, (list, range)) else i


def resize(a, new_shape):
    return jnp.resize(a, new_shape)


def polydiv(u, v):
    """The remainder without the zeros at its head, which JAX cannot look for."""
    q, r = jnp.polydiv(jnp.asarray(u), jnp.asarray(v))
    return q, r[len(r) - min(len(r), max(len(v) - 1, 1)) :]


def logspace(start, stop, num=50, endpoint=True, base=10.0, **kwargs):
    if np.ndim(base):
        raise TypeError("base")  # it does not give each base a row of its own
    return jnp.logspace(start, stop, num, endpoint, base, **kwargs)


def whole(a, UPLO="L"):
    """The Hermitian matrix of which NumPy reads a triangle; JAX would take the mean of both."""
    a = jnp.asarray(a)
    part = jnp.tril(a) if UPLO in "Ll" else jnp.triu(a)
    part = part - part * np.eye(a.shape[-1]) / 2
    return part + jnp.conj(jnp.swapaxes(part, -1, -2))


def svd(a, full_matrices=True, compute_uv=True, hermitian=False):
    return jnp.linalg.svd(whole(a) if hermitian else jnp.asarray(a), full_matrices, compute_uv, hermitian)


def pinv(a, rcond=None, hermitian=False, **kwargs):
    return jnp.linalg.pinv(whole(a) if hermitian else jnp.asarray(a), rcond, hermitian, **kwargs)


def lstsq(a, b, rcond=None):
    x, rest, rank, s = jnp.linalg.lstsq(jnp.asarray(a), jnp.asarray(b), rcond)
    return x, rest if a.shape[0] > a.shape[1] else rest[:0], rank, s  # there are none in an equation that is solved


def infix(f):
    return lambda a, b: f(jnp.asarray(a), jnp.asarray(b))


SPECIAL = {
    given: jnp.asarray,
    operator.setitem: setitem, operator.getitem: getitem, np.polydiv: polydiv, np.logspace: logspace,
    np.linalg.eigh: lambda a, UPLO="L": jnp.linalg.eigh(whole(a, UPLO), UPLO),
    np.linalg.eigvalsh: lambda a, UPLO="L": jnp.linalg.eigvalsh(whole(a, UPLO), UPLO),
    np.linalg.cholesky: lambda a, upper=False: jnp.linalg.cholesky(whole(a, "U" if upper else "L"), upper=upper),
    ag.logsumexp: lambda a, axis=None, keepdims=False: jax.scipy.special.logsumexp(a, axis, keepdims=keepdims),
    np.linalg.svd: svd, np.linalg.pinv: pinv, np.linalg.lstsq: lstsq,
    **{f: infix(f) for f in (
        operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.gt,
        operator.lt, operator.matmul,
    )},
    operator.iadd: infix(operator.add), operator.isub: infix(operator.sub), operator.imul: infix(operator.mul),
}  # fmt: skip


LEFT_OUT = {np.partition}  # JAX orders the rest in another way


def found(function):
    """JAX's function of that name, or None."""
    if function in LEFT_OUT:
        return None
    if function in SPECIAL:
        return SPECIAL[function]
    name = name_of(function)
    place, name = (
        (jnp, name[3:]) if name.startswith("np.") else (jax.scipy.special, name.removeprefix("scipy.special."))
    )
    for part in name.split("."):
        place = getattr(place, part, None)
    return place if "ufunc" not in name else None


def knows(function):
    return found(function) is not None


def arrays(tree):
    """Lists of numbers as arrays, which JAX asks for; those of arrays stay lists."""
    if isinstance(tree, list) and tree and all(isinstance(v, (int, float, complex, list)) for v in tree):
        return np.array(tree)
    return tree


def perform(function, args, kwargs):
    """Call JAX's form of one of NumPy's functions."""
    f = found(function)
    if f is None:
        raise NotImplementedError(function)
    if kwargs.get("method") == "nearest":
        raise TypeError("half-way between two numbers it takes the other one")
    if function in (np.einsum, np.tensordot, np.transpose, np.pad, np.reshape, np.block) or function in SPECIAL:
        return f(*args, **kwargs)
    if name_of(function).startswith(("np.fft", "np.linalg.norm")):
        return f(*args, **kwargs)
    return f(*map(arrays, args), **kwargs)
