"""What forward mode and batched sweeps give on one row, beside what reverse mode gives; and who goes one by one."""

import functools
from contextlib import contextmanager

import numpy as np
import pytest

from autograd_mini import batching
from autograd_mini.jacobians import _batch, _one_by_one, _one_row
from autograd_mini.tensor import node_of
from autograd_mini.transforms import linearise

from .cases import CASES
from .generated import DIFFERENTIABLE, call, close, cotangents, named, operands, outputs

FIRST = 8  # rows of each function


@contextmanager
def watched():
    """Collect the names of the functions that a batched sweep applies one by one, or that cannot take part at all."""
    found = set()
    one_by_one = batching.one_by_one

    def watching(function, args, kwargs):
        found.add(named(function))
        return one_by_one(function, args, kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "one_by_one", watching)
        yield found


def recorded(function, case):
    xs = operands(case)
    return xs, linearise(lambda *xs: list(outputs(call(function, case, xs))), tuple(xs), range(len(xs)), "test")


@functools.cache
def telling(function):
    """Identities of the first rows of a function, and of one more for each other way to call it."""
    seen, result = set(), set()
    for i, case in enumerate(CASES[function]):
        way = len(case.args), frozenset(case.kwargs), frozenset(x.dtype.kind for x in operands(case))
        if i < FIRST or way not in seen:
            result.add(id(case))
        seen.add(way)
    return result


def compare(function, case):
    """Hold the batched sweep against single ones, and forward mode against both."""
    xs, point = recorded(function, case)
    vs = cotangents(xs, 3)
    tangents = point.push(vs)
    assert len(tangents) == len(point.tracked)
    low = any(o.dtype in (np.float32, np.complex64, np.float16) for o in [*xs, *(point.outs[i] for i in point.tracked)])
    tolerance = 1e-5 if low else 1e-7 if ".integrate." in named(function) else 1e-11  # solvers have their own
    for i, tangent in zip(point.tracked, tangents, strict=True):
        out = point.outs[i]
        assert (type(tangent), tangent.shape, tangent.dtype) == (np.ndarray, out.shape, out.dtype)
        node, units = node_of(out, "test"), (1, -1j) if out.dtype.kind == "c" else (1,)
        if not out.size:
            continue
        along = []
        for unit in units:
            rows = all_at_once(point, node, unit)
            for k in {0, node.size // 2, node.size - 1}:
                close([r[k] for r in rows], _one_row(point, node, k, unit), tolerance)
            along.append(sum(np.real(np.reshape(r, (len(r), -1)) @ np.ravel(v)) for r, v in zip(rows, vs, strict=True)))
        expected = along[0] + 1j * along[1] if len(along) == 2 else along[0]
        close([tangent], [np.reshape(expected, out.shape)], tolerance * 10)


def all_at_once(point, node, unit):
    """The rows of one result; where a rule cannot take a batch, as `jacobian` finds them then."""
    try:
        return _batch(point, node, range(node.size), unit)
    except batching.UnbatchableError:
        return [
            np.reshape(r, (node.size, *x.shape))
            for r, x in zip(_one_by_one(point, node, unit), point.inputs, strict=True)
        ]


def one_by_one_functions():
    """Return, for each function whose Jacobian is not computed all at once on every row, what goes one by one in it."""
    result = {}
    for function in DIFFERENTIABLE:
        for case in CASES.get(function, []):
            with watched() as found:
                try:
                    _, point = recorded(function, case)
                    for i in point.tracked:
                        node = node_of(point.outs[i], "test")
                        if node.size:
                            _batch(point, node, range(node.size), 1)
                except batching.UnbatchableError as error:
                    found.add(f"its rule ({error})")
                except Exception:
                    continue  # other tests tell
            if found:
                result.setdefault(named(function), set()).update(found)
    return {name: sorted(found) for name, found in sorted(result.items())}


if __name__ == "__main__":
    for name, found in one_by_one_functions().items():
        print(f"{name}: {', '.join(found)}")
