"""Einstein's sums: the cotangent of one operand is the einsum of the output's cotangent with all the other operands.

For ``y = einsum("ij,jk->ik", a, b)`` that is ``einsum("ik,jk->ij", g, b)`` for a. Three cases need a little more:

* an index that only this operand has is summed away: its cotangent is the same all along it (a factor of ones);
* an index that stands twice in the operand takes its diagonal: the cotangent lies on the diagonal (an identity matrix);
* an axis of length 1 that was broadcast: its cotangent is summed.

Every way to call it comes down to one form, with each axis named: the ellipsis is given letters, the implicit output is
written out, lists of numbers become letters.
"""

import string

import numpy as np

from ..errors import UnsupportedArgumentError
from ..table import composite, defvjp, name_of, no_derivative, plain, primitive, refusal
from .composite import array, refuse

__all__: list[str] = []

LETTERS = string.ascii_uppercase + string.ascii_lowercase  # in the order in which NumPy sorts them


@primitive
def einsum(*arrays, subscripts, optimize=False, order="K"):
    """Return ``np.einsum`` with subscripts in which every axis has a letter and the output is written out."""
    y = np.einsum(subscripts, *arrays, optimize=optimize, order=order)
    return np.asarray(y) if isinstance(y, np.generic) else y


def einsum_vjp(k, g, _y, *arrays, subscripts, optimize=False, order="K"):
    """The einsum of the cotangent with the other operands."""
    inputs, output = subscripts.split("->")
    inputs = inputs.split(",")
    optimize = optimize if isinstance(optimize, (bool, str)) else True  # a path is of this many operands only
    own = dict(zip(inputs[k], arrays[k].shape, strict=True))
    names = [*inputs[:k], *inputs[k + 1 :], output]
    factors = [*arrays[:k], *arrays[k + 1 :], g]
    kept = "".join(i for i in own if own[i] != 1)
    present = {i for name, x in zip(names, factors, strict=True) for i, n in zip(name, x.shape, strict=True) if n != 1}
    for i in kept:
        if i not in present:
            names.append(i)
            factors.append(np.ones(own[i], g.dtype))
    p = np.einsum(f"{','.join(names)}->{kept}", *factors, optimize=optimize)
    p = np.reshape(p, tuple(own.values()))
    return on_diagonals(p, list(own), inputs[k])


def on_diagonals(p, letters, name):
    """Return zeros, but `p`, whose axes are `letters`, where the indices of one letter in `name` are equal."""
    fresh = iter(i for i in LETTERS if i not in letters)
    axes, names, factors = [], ["".join(letters)], [p]
    for i in name:
        if i in axes:
            n, j = p.shape[letters.index(i)], next(fresh)
            names.append(i + j)
            factors.append(np.eye(n, dtype=p.dtype))
            i = j
        axes.append(i)
    return np.einsum(f"{','.join(names)}->{''.join(axes)}", *factors) if len(factors) > 1 or axes != letters else p


defvjp(einsum, each=einsum_vjp)


def spelled(operands):
    """Return the subscripts, as a string, and the arrays of a call in either of NumPy's two forms."""
    if isinstance(operands[0], str):
        return "".join(operands[0].split()), [array(x) for x in operands[1:]]
    arrays, lists = list(operands[:-1:2]), list(operands[1::2])
    output = operands[-1] if len(operands) % 2 else None
    words = ["".join("..." if i is Ellipsis else LETTERS[i] for i in axes) for axes in lists]
    subscripts = ",".join(words)
    if output is not None:
        subscripts += "->" + "".join("..." if i is Ellipsis else LETTERS[i] for i in output)
    return subscripts, [array(x) for x in arrays]


def explicit(subscripts, arrays):
    """Return the subscripts with a letter for each axis of an ellipsis and the output written out."""
    inputs, arrow, output = subscripts.partition("->")
    words = inputs.split(",")
    if len(words) != len(arrays):
        few = "more operands provided to" if len(words) < len(arrays) else "fewer operands provided to"
        raise ValueError(f"{few} np.einsum than specified in the subscripts string")
    free = [i for i in LETTERS if i not in subscripts]
    depth = max((x.ndim - len(word.replace("...", "")) for word, x in zip(words, arrays, strict=True) if "..." in word),
                default=0)  # fmt: skip
    if depth > len(free):
        raise UnsupportedArgumentError(
            f"np.einsum: the subscripts {subscripts!r} leave {len(free)} of 52 letters for the {depth} axes of an "
            "ellipsis, and each axis needs one here. Use fewer letters, or reshape several axes into one."
        )
    dots = "".join(free[:depth])
    named = []
    for word, x in zip(words, arrays, strict=True):
        n = x.ndim - len(word.replace("...", ""))
        if n < 0 or (n and "..." not in word):
            raise ValueError(f"np.einsum: the subscripts {word!r} do not fit an operand of {x.ndim} axes")
        named.append(word.replace("...", dots[depth - n :]))
    if arrow:
        if depth and "..." not in output:
            raise ValueError("np.einsum: an operand has an ellipsis with axes, and the output has none")
        output = output.replace("...", dots)
    else:
        output = dots + "".join(i for i in sorted(set(inputs) - set(".,")) if inputs.count(i) == 1)
    return f"{','.join(named)}->{output}"


@composite(np.einsum)
def np_einsum(*operands, out=None, optimize=False, **kwargs):
    """Einstein's sum, in one form for every way to write it."""
    refuse(np.einsum, out=out)
    dtype, casting = kwargs.pop("dtype", None), kwargs.pop("casting", "safe")
    order = kwargs.pop("order", "K")
    for name in kwargs:
        if name in ("where", "subok"):
            raise UnsupportedArgumentError(refusal(name_of(np.einsum), name))
        raise TypeError(f"np.einsum() got an unexpected keyword argument {name!r}")
    subscripts, arrays = spelled(operands)
    if dtype is not None:
        if np.dtype(dtype).kind not in "fc":
            raise UnsupportedArgumentError(no_derivative("np.einsum", np.dtype(dtype)))
        for x in arrays:
            if not np.can_cast(x.dtype, dtype, casting):
                raise TypeError(f"np.einsum: {x.dtype} cannot be cast to {np.dtype(dtype)} by the rule {casting!r}")
        arrays = [np.astype(x, dtype, copy=False) for x in arrays]
    return einsum(*arrays, subscripts=explicit(subscripts, arrays), optimize=optimize, order=order)


plain([np.einsum_path])
