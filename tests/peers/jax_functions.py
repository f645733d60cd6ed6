"""NumPy's functions in JAX's words, for tests/peers/test_programs.py: under the same names, most of them."""

import operator

import jax
import jax.numpy as jnp
import jax.scipy.special
import numpy as np

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
    return np.array(i, int) if isinstance(i, (list, range)) else i


def resize(a, new_shape):
    return jnp.resize(a, new_shape)


def infix(f):
    return lambda a, b: f(jnp.asarray(a), jnp.asarray(b))


SPECIAL = {
    given: jnp.asarray,
    operator.setitem: setitem, operator.getitem: getitem,
    **{f: infix(f) for f in (
        operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.gt,
        operator.lt, operator.matmul,
    )},
    operator.iadd: infix(operator.add), operator.isub: infix(operator.sub), operator.imul: infix(operator.mul),
}  # fmt: skip


def found(function):
    """JAX's function of that name, or None."""
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
    if function in (np.einsum, np.tensordot, np.transpose, np.pad, np.reshape, np.block) or function in SPECIAL:
        return f(*args, **kwargs)
    if name_of(function).startswith(("np.fft", "np.linalg.norm")):
        return f(*args, **kwargs)
    return f(*map(arrays, args), **kwargs)
