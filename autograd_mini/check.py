"""gradcheck: is a gradient right? Held against difference quotients; what is wrong is said where, and what to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .errors import AutogradError, DTypeError, GradcheckError
from .graph import on_path, toposort
from .recording import no_grad, recording
from .tensor import Tensor, unwrap
from .transforms import gradients, vjp
from .trees import flatten

__all__ = ["gradcheck"]

Array = Any

EVERY = 64  # up to so many entries in all arguments together, each is compared; else a sample, and random directions
STEPS = (2.0**-10, 2.0**-14, 2.0**-18, 2.0**-22)  # the first that agrees decides; near an edge only small ones can
EPS = float(np.finfo(np.float64).eps)


def gradcheck(
    f: Callable[..., Any], *inputs: Any, order: int = 1, rtol: float = 1e-6, atol: float = 1e-8, seed: int = 0
) -> bool:
    r"""Compare the gradient of a function with difference quotients.

    For a random cotangent :math:`g`, the sweep's :math:`g\,\partial f/\partial x_i` is held against the central
    difference :math:`D(h) = g\,(f(x + h e_i) - f(x - h e_i)) / 2h` at two steps, extrapolated (Richardson) to
    :math:`(4 D(h/2) - D(h)) / 3`, whose error is of order :math:`h^4`. Up to 64 entries are compared one by one; of more,
    a seeded sample, and random directions in which a wrong entry is then found by bisection.

    Parameters
    ----------
    f : callable
        Arrays in, an array out, or trees of them. It must be deterministic and leave its arguments alone.
    *inputs : array_like
        Where to check: float64 arrays or trees of them, away from kinks.
    order : int
        2 also checks the gradient of the gradient, and so on.
    rtol, atol : float
        Values may differ by ``atol + rtol * max(|analytic|, |numeric|)``, and by the rounding of the quotient.
    seed : int
        Of the cotangents and the sample.

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradcheckError
        If the gradient is wrong or cannot be computed, or `f` is no function of its arguments.
    DTypeError
        If an input is not float64.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> gradcheck(lambda w, x: np.tanh(w @ x), np.eye(2), np.array([0.5, -1.0]), order=2)
    True
    >>> @ag.primitive
    ... def cube(x):
    ...     return x * x * x
    >>> ag.defvjp(cube, lambda g, _y, x: g * 2 * x * x)
    >>> gradcheck(cube, [1.0, 2.0])
    Traceback (most recent call last):
        ...
    autograd_mini.errors.GradcheckError: gradient: 2 of 2 entries compared disagree with difference quotients.
      worst: argument 0, index (1,): analytic -8.430..., numeric -12.645... (+-...), ratio 0.666667, relative error 0.333
      from there: autograd_mini.check.cube
      Every entry is off by the same factor, 0.666667: look for a constant, or a mean that should be a sum.
    """
    rng = np.random.default_rng(seed)
    leaves, rebuild = flatten(inputs)
    names = [f"argument {path}" for path in _paths(inputs)]
    primals = [_float64(leaf, name) for leaf, name in zip(leaves, names, strict=True)]

    def function(*arrays: Any) -> list[Any]:
        return [out for out in flatten(f(*rebuild(list(arrays))))[0] if _kind(out) in "fc"]

    for k in range(order):
        comparison = _Comparison(function, primals, names, "gradient" + k * " of the gradient", rtol, atol, rng)
        comparison.run()
        function = _pulled(function, len(primals))  # the cotangents are arguments too: a pullback is linear in them
        primals = primals + comparison.cotangents
        names = names + [f"the cotangent of output {i}" for i in range(len(comparison.cotangents))]
    return True


class _Entry(NamedTuple):
    """One derivative in two ways."""

    index: tuple[int, ...] | None  # None: along a random direction
    analytic: float
    numeric: float
    error: float  # of numeric, estimated
    right: bool
    ones: float  # numeric, had the cotangent been ones


class _Comparison:
    """One function at one point."""

    def __init__(
        self,
        f: Callable[..., list[Any]],
        primals: list[Array],
        names: list[str],
        what: str,
        rtol: float,
        atol: float,
        rng: np.random.Generator,
    ) -> None:
        self.f, self.primals, self.names, self.what = f, primals, names, what
        self.rtol, self.atol, self.rng = rtol, atol, rng
        outs = self.outputs(primals)
        if not outs:
            raise GradcheckError("f returns no real array, so there is nothing to differentiate: is a `return` missing?")
        for i, (out, again) in enumerate(zip(outs, self.outputs(primals), strict=True)):
            if out.dtype != np.float64:
                raise DTypeError(f"gradcheck: output {i} of f is {out.dtype}; only float64 can be compared so far.")
            if not np.array_equal(out, again, equal_nan=True):
                raise GradcheckError(
                    f"f is random: two calls with equal arguments differ in output {i}. Draw the random numbers "
                    "outside of f, or make the generator inside it, from a fixed seed."
                )
            if not np.isfinite(out).all():
                raise GradcheckError(f"Output {i} of f is not finite here, so no difference can be taken: {out}.")
        self.cotangents = [rng.uniform(0.5, 1.5, o.shape) * rng.choice([-1.0, 1.0], o.shape) for o in outs]
        self.g, self.base = _line(self.cotangents), _line(outs)
        self.noise = 4 * EPS * float(np.abs(self.g) @ np.abs(self.base))

    def outputs(self, arrays: list[Array]) -> list[Array]:
        copies = [np.array(a) for a in arrays]
        with no_grad():
            outs = [np.asarray(unwrap(out)) for out in self.f(*copies)]
        for name, a, copy in zip(self.names, arrays, copies, strict=True):
            if not np.array_equal(a, copy, equal_nan=True):
                raise GradcheckError(f"f writes to {name}. Let it work on a copy: x = x.copy().")
        return outs

    def run(self) -> None:
        self.gradients = self.sweep()
        total = sum(p.size for p in self.primals)
        compared: list[list[_Entry]] = []
        for k, primal in enumerate(self.primals):
            if total <= EVERY:
                compared.append([self.entry(k, i) for i in range(primal.size)])
                continue
            count = min(primal.size, EVERY // len(self.primals) + 1)
            compared.append([self.entry(k, i) for i in self.rng.choice(primal.size, count, replace=False)])
            compared[-1].extend(self.search(k) for _ in range(2))
        if not all(entry.right for entries in compared for entry in entries):
            raise GradcheckError(self.report(compared))

    def sweep(self) -> list[Array]:
        tensors = [Tensor(np.array(p), requires_grad=True) for p in self.primals]
        try:
            with recording():
                outs = self.f(*tensors)
                pairs = [(o, g) for o, g in zip(outs, self.cotangents, strict=True) if isinstance(o, Tensor)]
                found = gradients([o for o, _ in pairs], tensors, [g for _, g in pairs])
        except AutogradError as error:
            raise GradcheckError(
                f"f runs on arrays, but its {self.what} does not: {type(error).__name__}: {error}"
            ) from error
        values = _line([unwrap(o) for o in outs])
        if not np.allclose(values, self.base, rtol=1e-9, atol=1e-9 * np.abs(self.base).max(initial=0)):
            raise GradcheckError(
                "f gives another value on Tensors than on arrays: "
                f"they differ by up to {np.abs(values - self.base).max():.3g}. Does f ask for the type of its arguments?"
            )
        for name, p, d in zip(self.names, self.primals, found, strict=True):
            if (np.shape(d), d.dtype) != (p.shape, p.dtype):
                raise GradcheckError(
                    f"The {self.what} by {name} has shape {np.shape(d)} and dtype {d.dtype}; its primal, {p.shape} and {p.dtype}."
                )
        self.nodes = list(toposort({o.node for o, _ in pairs if o.requires_grad and o.node is not None}))
        self.leaves = [t.node for t in tensors]
        return list(found)

    def entry(self, k: int, i: int) -> _Entry:
        direction = np.zeros(self.primals[k].size)
        direction[i] = 1
        return self.along(k, direction)._replace(index=_index(self.primals[k], i))

    def search(self, k: int) -> _Entry:
        """Compare along a random direction; if that is off, find an entry that is, by bisection."""
        size = self.primals[k].size
        direction = self.rng.uniform(0.5, 1, size) * self.rng.choice([-1, 1], size)
        whole, where = self.along(k, direction), np.arange(size)
        if whole.right:
            return whole
        while len(where) > 1:
            half = np.zeros(size)
            half[where[: len(where) // 2]] = direction[where[: len(where) // 2]]
            where = where[len(where) // 2 :] if self.along(k, half).right else where[: len(where) // 2]
        single = self.entry(k, int(where[0]))
        return whole if single.right else single

    def along(self, k: int, direction: Array) -> _Entry:
        """Compare the derivative along a direction in argument `k`, at ever smaller steps until it agrees."""
        analytic = float(self.gradients[k].ravel() @ direction)
        touched = np.abs(self.primals[k].ravel()[direction != 0])
        scale = max(1.0, touched.min(initial=np.inf) if touched.size else 1.0)
        estimates: list[tuple[float, float, float]] = []
        for h in STEPS:
            change = (4 * self.quotient(k, direction, h * scale / 2) - self.quotient(k, direction, h * scale)) / 3
            numeric, noise = float(self.g @ change), self.noise / (h * scale)
            size = max(abs(analytic), abs(numeric))
            if estimates and noise > self.atol + 1e-3 * size:
                break  # rounding would drown any difference
            if abs(analytic - numeric) <= self.atol + self.rtol * size + noise:
                return _Entry(None, analytic, numeric, noise, True, float(change.sum()))
            estimates.append((numeric, noise, float(change.sum())))
        numeric, error, ones = estimates[0]
        steadiest = min(pairwise(estimates), key=lambda pair: abs(pair[0][0] - pair[1][0]), default=None)
        if steadiest is not None:
            (first, _, _), (numeric, error, ones) = steadiest
            error = max(error, abs(first - numeric))
        return _Entry(None, analytic, numeric, error, False, ones)

    def quotient(self, k: int, direction: Array, h: float) -> Array:
        return (self.moved(k, h * direction) - self.moved(k, -h * direction)) / (2 * h)

    def moved(self, k: int, by: Array) -> Array:
        arrays = list(self.primals)
        arrays[k] = arrays[k] + by.reshape(arrays[k].shape)
        with np.errstate(all="ignore"):  # a step may leave the domain; a smaller one then decides
            return _line(self.outputs(arrays))

    def sides(self, k: int, entry: _Entry) -> tuple[float, float] | None:
        """Return the slopes on the left and on the right if they stay apart however small the step."""
        if entry.index is None:
            return None
        direction = np.zeros(self.primals[k].shape)
        direction[entry.index] = 1
        slopes = []
        for h in STEPS[1:3]:
            left = float(self.g @ (self.base - self.moved(k, -h * direction))) / h
            right = float(self.g @ (self.moved(k, h * direction) - self.base)) / h
            slopes.append((left, right, abs(right - left)))
        (_, _, wide), (left, right, narrow) = slopes
        smooth = narrow < 0.5 * wide  # there it shrinks with the step
        small = narrow < 0.05 * abs(entry.analytic - entry.numeric) + 10 * self.noise / STEPS[2]
        return None if smooth or small else (left, right)

    def report(self, compared: list[list[_Entry]]) -> str:
        wrong = [(k, e) for k, entries in enumerate(compared) for e in entries if not e.right]
        count = sum(map(len, compared))
        k, worst = max(wrong, key=lambda pair: _relative(pair[1]))
        place = "along a random direction" if worst.index is None else f"index {worst.index}"
        ratio = worst.analytic / worst.numeric if worst.numeric else np.inf
        lines = [
            f"{self.what}: {len(wrong)} of {count} entries compared disagree with difference quotients.",
            f"  worst: {self.names[k]}, {place}: analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g} "
            f"(+-{worst.error:.1g}), ratio {ratio:.6g}, relative error {_relative(worst):.3g}",
        ]
        if len(self.names) > 1:
            bad = {i for i, _ in wrong}
            sides = [", ".join(n for i, n in enumerate(self.names) if (i in bad) is is_bad) for is_bad in (True, False)]
            lines.append(f"  wrong: {sides[0]}; right: {sides[1] or 'none'}")
        node = self.leaves[k]
        useful = on_path(self.nodes, {node}) if node is not None else set()
        steps = dict.fromkeys(n.rule.name for n in reversed(self.nodes) if n in useful and n.rule is not None)
        steps.pop("autograd_mini.transforms._identity", None)
        lines.append(f"  from there: {', '.join(steps) or 'no recorded path leads to the output'}")
        lines.append("  " + self.advice(k, compared[k], worst))
        return "\n".join(lines)

    def advice(self, k: int, entries: list[_Entry], worst: _Entry) -> str:
        wrong = [e for e in entries if not e.right]
        analytic, numeric = np.array([e[1:3] for e in wrong]).T
        ratios = analytic / np.where(numeric == 0, np.nan, numeric)
        tiny = 1e-6 * np.abs(np.concatenate([analytic, numeric])).max()
        if sides := self.sides(k, worst):
            return (
                f"The slopes on the two sides differ ({sides[0]:.4g} on the left, {sides[1]:.4g} on the right): a kink may "
                "be near. Move the point; at a kink itself a rule's value is a convention."
            )
        if not worst.error < 0.1 * abs(worst.analytic - worst.numeric):
            return "The difference quotients do not settle: a kink or an edge of the domain may be near, or f is noisy."
        if np.abs(analytic).max() <= tiny:
            return "The sweep gives 0 where f varies: look for a detached value (np.asarray, .detach(), .data) or a missing vjp."
        if np.abs(numeric).max() <= tiny:
            return "f does not vary there, yet the rule sends something: look at indices, axes and masks."
        if np.allclose(analytic, [e.ones for e in wrong], rtol=1e-4, atol=tiny):
            return "These are the values for a cotangent of ones: the rule drops its g."
        if np.allclose(ratios, -1, rtol=1e-4):
            return "Every entry has the wrong sign."
        if len(wrong) > 1 and np.allclose(ratios, ratios[0], rtol=1e-4):
            return (
                f"Every entry is off by the same factor, {ratios[0]:.6g}: look for a constant, or a mean that should be a sum."
            )
        if np.allclose(*(np.sort([e[i] for e in entries]) for i in (1, 2)), rtol=1e-4, atol=tiny):
            return "The right numbers stand in the wrong places: look for a transpose, an axis or an order."
        if "of" in self.what:
            return "The order below is right: a rule treats as constant what is not (np.asarray, .detach(), a value from outside)."
        places = ", ".join(str(e.index) for e in wrong[:5]) + (", ..." if len(wrong) > 5 else "")
        return f"Wrong at {places}: look at the vjp of this operand."


def _relative(entry: _Entry) -> float:
    size = max(abs(entry.analytic), abs(entry.numeric))
    return abs(entry.analytic - entry.numeric) / size if size else np.inf  # not finite: the worst of all


def _pulled(f: Callable[..., list[Any]], count: int) -> Callable[..., list[Any]]:
    """Return the pullback of `f` as a function of the primals and the cotangents."""

    def pulled(*arrays: Any) -> list[Any]:
        _, pullback = vjp(f, *arrays[:count])
        return list(pullback(list(arrays[count:])))

    return pulled


def _float64(value: Any, name: str) -> Array:
    value = np.asarray(unwrap(value))
    if value.dtype == np.float32 or value.dtype == np.float16:
        raise DTypeError(
            f"gradcheck: {name} is {value.dtype}. A difference of two values with so few digits has hardly a digit left, so "
            "a right gradient would look wrong; check in float64 (x.astype(float)): the rules are the same."
        )
    if value.dtype.kind == "c":
        raise DTypeError(f"gradcheck: {name} is {value.dtype}; complex arguments are not checked so far.")
    if value.dtype != np.float64:
        raise DTypeError(f"gradcheck: {name} is {value.dtype}; it needs float64: write 3.0 for 3, or x.astype(float).")
    return value


def _kind(out: Any) -> str:
    return out.dtype.kind if hasattr(out, "dtype") else np.asarray(out).dtype.kind


def _index(primal: Array, i: int) -> tuple[int, ...]:
    return tuple(int(j) for j in np.unravel_index(i, primal.shape))


def _line(arrays: list[Array]) -> Array:
    return np.concatenate([np.ravel(a) for a in arrays])


def _paths(tree: Any, start: str = "") -> Iterator[str]:
    """Name the leaves of a tuple of trees: ``0``, ``1['w'][0]``, ``2.bias``."""
    if isinstance(tree, dict):
        pairs = [(f"[{key!r}]", value) for key, value in tree.items()]
    elif isinstance(tree, (list, tuple)):
        keys = getattr(tree, "_fields", None)
        pairs = [(f".{keys[i]}" if keys else f"[{i}]", value) for i, value in enumerate(tree)]
    else:
        yield start
        return
    for key, value in pairs:
        yield from _paths(value, start + key if start else key.strip("[]"))
