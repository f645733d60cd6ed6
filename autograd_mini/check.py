"""gradcheck: is a gradient right? Held against difference quotients; if wrong, it says where and what to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np

from .arrays import is_other, kind_name, plain_only
from .diagnose import Verdict, disturbed, drifting, explain, made_here, recorded
from .errors import AutogradError, DTypeError, GradcheckError, RuleError
from .graph import Node, on_path, toposort
from .measure import (
    SCALES,
    Overseen,
    Suspect,
    applied,
    bent,
    call_of,
    differentiable,
    multiple,
    shown_factor,
    signed,
    suspects,
)
from .recording import no_grad, recording
from .tensor import Tensor, unwrap
from .transforms import gradients, vjp
from .trees import flatten, paths

__all__ = ["gradcheck"]

Array = Any
Flat = Callable[..., list[Any]]  # arrays in, list of arrays out

EVERY = 64  # up to so many entries in all arguments together, each is compared; of more, a sample
LOW = {np.dtype(np.float16): "half", np.dtype(np.float32): "single", np.dtype(np.complex64): "single"}
STEPS = tuple(2.0**-k for k in (10, 14, 18, 22, 26))  # the first that agrees decides; near an edge only small ones can


def gradcheck(
    f: Callable[..., Any], *inputs: Any, order: int = 1, rtol: float = 1e-6, atol: float = 1e-8, seed: int = 0
) -> bool:
    r"""Compare the gradient of a function with difference quotients.

    For a random cotangent :math:`g`, the sweep's :math:`g\,\partial f/\partial x_i` is held against the central
    difference :math:`D(h) = g\,(f(x + h e_i) - f(x - h e_i)) / 2h` at two steps, extrapolated (Richardson) to
    :math:`(4 D(h/2) - D(h)) / 3`, whose error is of order :math:`h^4`. Up to 64 entries are compared one by one;
    of more, a seeded sample, and random directions in which a wrong entry is then found by bisection. Multiples of
    :math:`g` must give multiples of the gradient, and no rule may write into its cotangent or into what it reads.

    If they disagree, each primitive on the way is measured by itself, and the first wrong one is named. Then mistakes
    are tried out on it: a factor, a sign, a transpose, another axis, a sum over broadcast axes that is missing, a use
    that is not counted, a dropped `g`, a missing local derivative, a derivative at the wrong place, a conjugate. One is
    named only if it makes the numbers agree in all entries, here and at points nearby; if several do, the simplest
    comes first. If all primitives are right, what lies between them is examined: values that left the graph, or that
    were written to, and hooks.

    Parameters
    ----------
    f : callable
        Arrays in, an array out, or trees of them. It must be deterministic and leave its arguments alone.
    *inputs : array_like
        Where to check: float64 or complex128 arrays or trees of them, away from kinks. A complex one, and a complex
        result, is checked as its real and its imaginary part.
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
        If an input or output is not in double precision.

    Examples
    --------
    >>> import numpy as np, autograd_mini as ag
    >>> gradcheck(lambda w, x: np.tanh(w @ x), np.eye(2), np.array([0.5, -1.0]), order=2)
    True
    >>> @ag.primitive
    ... def cube(x):
    ...     return x * x * x
    >>> ag.defvjp(cube, lambda g, _y, x: g * 2 * x * x)
    >>> gradcheck(cube, np.array([1.0, 2.0]))
    Traceback (most recent call last):
        ...
    autograd_mini.errors.GradcheckError: gradient: 2 of 2 compared entries disagree with difference quotients.
      worst: argument 0, index (0,): analytic ..., numeric ... (+-...), ratio 0.666667, relative error 0.333
      from there: autograd_mini.check.cube
      wrong rule: autograd_mini.check.cube, operand x, shape (2,)
      Every entry is off by the same factor, 0.666667 = 2/3 (in all 2 measured entries, and at 2 points nearby). Look...
    """
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)) or order < 1:
        raise GradcheckError(f"gradcheck: order is {order!r}, but must be a whole number of at least 1.")
    rng = np.random.default_rng(seed)
    leaves, rebuild = flatten(inputs)
    names: list[str] = []
    primals: list[Array] = []
    parts: list[int] = []  # 2 for a complex argument: it is checked as two real ones
    for leaf, path in zip(leaves, paths(inputs), strict=True):
        value, name = _double(leaf, f"argument {path}"), f"argument {path}"
        if not np.isfinite(value).all():
            at = tuple(map(int, np.argwhere(~np.isfinite(value))[0]))
            raise GradcheckError(
                f"gradcheck: {name} is {value[at]} at index {at}: no difference can be taken there. If f is not to be "
                "differentiated by it, leave it out of the arguments: lambda x: f(x, mask)."
            )
        pair = value.dtype.kind == "c"
        primals += [value.real.copy(), value.imag.copy()] if pair else [value]
        names += [f"the real part of {name}", f"the imaginary part of {name}"] if pair else [name]
        parts.append(1 + pair)

    def function(*arrays: Any) -> list[Any]:
        left = iter(arrays)
        outs, _ = flatten(f(*rebuild([next(left) if n == 1 else next(left) + 1j * next(left) for n in parts])))
        return [part for out in outs for part in _real_parts(out)]

    first, given = function, primals
    for k in range(order):
        comparison = _Comparison(function, primals, names, "gradient" + k * " of the gradient", rtol, atol, rng)
        comparison.below = (first, given, k) if k else None
        comparison.run()
        function = _pulled(function, len(primals))  # its cotangents are arguments too: forward mode relies on them
        primals = primals + comparison.cotangents
        names = names + [f"the cotangent of output {i}" for i in range(len(comparison.cotangents))]
    return True


class _Entry(NamedTuple):
    """One derivative, computed in both ways."""

    at: tuple[int, ...] | None  # its index; None: along a random direction
    analytic: float
    numeric: float
    error: float  # of numeric, estimated
    right: bool
    ones: float  # numeric, had the cotangent been ones


class _Comparison:
    """The gradient of one function at one point."""

    def __init__(
        self, f: Flat, primals: list[Array], names: list[str], what: str, rtol: float, atol: float, rng: Any
    ) -> None:
        self.f, self.primals, self.names, self.what = f, primals, names, what
        self.rtol, self.atol, self.rng = rtol, atol, rng
        self.below: tuple[Flat, list[Array], int] | None = None  # the function, the point, how often it is pulled back
        outs = self.outputs(primals)
        if not outs:
            raise GradcheckError("f returns no real array: there is nothing to differentiate. Is `return` missing?")
        for i, (out, again) in enumerate(zip(outs, self.outputs(primals), strict=True)):
            if out.dtype != np.float64:
                raise DTypeError(f"gradcheck: output {i} of f is {out.dtype}; only double precision can be compared.")
            if not np.array_equal(out, again, equal_nan=True):
                raise GradcheckError(
                    f"f is random: two calls with equal arguments differ in output {i}. Draw the random numbers "
                    "outside of f, or from a generator that f makes itself with a fixed seed."
                )
            if not np.isfinite(out).all():
                raise GradcheckError(f"Output {i} of f is nan or inf at this point: no difference can be taken.")
        self.cotangents = [rng.uniform(0.5, 1.5, o.shape) * rng.choice([-1.0, 1.0], o.shape) for o in outs]
        self.g, self.base = _line(self.cotangents), _line(outs)
        self.rounding = 4 * np.finfo(float).eps * np.abs(self.g * self.base)
        self.refused: Exception | None = None  # what f raised a step away
        self.overseen: list[tuple[Node, Any]] = []

    def outputs(self, arrays: list[Array]) -> list[Array]:
        copies = [np.array(a) for a in arrays]
        with no_grad():
            outs = [np.asarray(unwrap(out)) for out in self.f(*copies)]
        for name, a, copy in zip(self.names, arrays, copies, strict=True):
            if not np.array_equal(a, copy, equal_nan=True):
                raise GradcheckError(f"f writes to {name}. Let it work on a copy: x = x.copy().")
        return outs

    def run(self) -> None:
        """Compare; raise if anything is off."""
        try:
            self.compare()
        finally:
            for node, rule in self.overseen:  # f may have kept them
                node.rule = rule

    def compare(self) -> None:
        self.sweep()
        compared: list[list[_Entry]] = []
        every = sum(p.size for p in self.primals) <= EVERY
        for k, primal in enumerate(self.primals):
            count = primal.size if every else min(primal.size, EVERY // len(self.primals) + 1)
            compared.append([self.entry(k, int(i)) for i in sorted(self.rng.choice(primal.size, count, replace=False))])
            if count < primal.size:
                compared[k].extend(self.search(k) for _ in range(2))
        if not all(entry.right for entries in compared for entry in entries):
            raise GradcheckError(self.report(compared))
        self.scale()

    def scale(self) -> None:
        """Compare the sweeps of other multiples of the cotangents: the signs and sizes of one show little of a rule."""
        if any(node.extra is not None and node.extra.hooks for node in self.nodes):
            return  # hooks may do what they like
        tensors, outs, cotangents = self.swept
        for c in SCALES:
            with np.errstate(all="ignore"):
                scaled = gradients(outs, tensors, [c * g for g in cotangents])
                for name, one, other in zip(self.names, self.gradients, scaled, strict=True):
                    finite = np.isfinite(one)  # what is not is found elsewhere, with its place
                    bound = self.atol + self.rtol * np.abs(one) + 1e-9 * np.abs(one[finite]).max(initial=0)
                    if not (np.abs(other / c - one) <= bound)[finite].all():
                        first = (
                            f"{self.what}: it is not linear in the cotangent: for {multiple(c)} times the cotangent, "
                            f"what arrives at {name} is not {multiple(c)} times as much."
                        )
                        raise GradcheckError("\n  ".join([first, *self.bent()]))

    def bent(self) -> list[str]:
        """Name the rule that is not linear in its cotangent."""
        nodes, _, _tensors = recorded(self.f, self.primals)  # these keep the values of the leaves
        rng = np.random.default_rng(0)
        for node in reversed(nodes):
            call = call_of(node) if node.rule is not None else None
            if call is None or not call.y.size:
                continue
            for i, parent in enumerate(node.parents):
                if parent is None or not parent.requires_grad or not differentiable(call.operands[i]):
                    continue
                try:
                    remark = bent(call, i, rng)
                except Exception:  # a rule fed with what it never met
                    continue
                if remark is not None:
                    return [f"wrong rule: {Suspect(call, i, node, None).title}", remark]
        return []

    def sweep(self) -> None:
        tensors = [Tensor(np.array(p), requires_grad=True) for p in self.primals]
        try:
            with recording(), np.errstate(all="ignore"):  # nan and inf are reported with their place
                outs = self.f(*tensors)
                pairs = [(o, g) for o, g in zip(outs, self.cotangents, strict=True) if isinstance(o, Tensor)]
                self.swept = tensors, [o for o, _ in pairs], [g for _, g in pairs]
                self.nodes = list(toposort({o.node for o, _ in pairs if o.requires_grad and o.node is not None}))
                self.overseen = [(n, n.rule) for n in made_here(self.nodes, tensors) if n.rule is not None]
                for node, rule in self.overseen:
                    node.rule = Overseen(rule, self.what)
                self.gradients = gradients(self.swept[1], tensors, self.swept[2])
        except GradcheckError:
            raise
        except AutogradError as error:
            lines = self.culprit(range(len(self.primals))) if isinstance(error, RuleError) else []
            first = f"f runs on arrays, but its {self.what} does not: {type(error).__name__}: {error}"
            raise GradcheckError("\n  ".join([first, *lines])) from error
        difference = np.abs(_line([unwrap(o) for o in outs]) - self.base).max(initial=0)
        if not difference <= 1e-9 * np.abs(self.base).max(initial=0):
            raise GradcheckError(
                f"f gives another value on Tensors than on arrays (they differ by up to {difference:.3g}): "
                "a function is computed otherwise when it is recorded, or f asks for the type of its arguments."
            )
        for name, p, d in zip(self.names, self.primals, self.gradients, strict=True):
            if (d.shape, d.dtype) != (p.shape, p.dtype):
                raise GradcheckError(
                    f"The {self.what} by {name} has shape {d.shape} and dtype {d.dtype}, not its primal's own, "
                    f"{p.shape} and {p.dtype}."
                )
        self.leaves = [t.node for t in tensors]

    def entry(self, k: int, i: int) -> _Entry:
        index = np.unravel_index(i, self.primals[k].shape)
        return self.along(k, _unit(self.primals[k], i))._replace(at=tuple(map(int, index)))

    def search(self, k: int) -> _Entry:
        """Compare along a random direction; if that is off, find an entry that is, by bisection."""
        size = self.primals[k].size
        direction = self.rng.uniform(0.5, 1, size) * self.rng.choice([-1, 1], size)
        whole = self.along(k, direction)
        if whole.right:
            return whole
        where = np.arange(size)
        while len(where) > 1:
            half, rest = np.split(where, [len(where) // 2])
            where = rest if self.along(k, np.where(np.isin(np.arange(size), half), direction, 0)).right else half
        single = self.entry(k, int(where[0]))
        return whole if single.right else single

    def along(self, k: int, direction: Array) -> _Entry:
        """Compare the derivative along a direction in argument `k`, at ever smaller steps until it agrees."""
        analytic = float(self.gradients[k].ravel() @ direction)
        near = np.abs(self.primals[k].ravel()[direction != 0]).min()
        steps = {h * max(1.0, near) for h in STEPS} | ({STEPS[0] * near} if near else set())
        tried: list[tuple[float, float, float]] = []
        rounding, last = 0.0, np.inf
        for h in sorted(steps, reverse=True):
            change = (4 * self.quotient(k, direction, h / 2) - self.quotient(k, direction, h)) / 3
            rounding = self.rounding @ (change != 0) if not tried else rounding  # of the outputs that move at all
            numeric, noise = float(self.g @ change), float(rounding / h)
            size = max(abs(analytic), abs(numeric))
            if tried and noise > self.atol + 1e-4 * size:
                break  # what comes now drowns in rounding
            if abs(analytic - numeric) <= self.atol + self.rtol * size + noise:
                return _Entry(None, analytic, numeric, noise, True, 0.0)
            if tried and h <= last / 8 and (near == 0 or near > 1e-3):
                if abs(numeric - tried[-1][0]) + noise <= 1e-7 * min(abs(analytic - numeric), abs(numeric)):
                    tried.append((numeric, noise, float(change.sum())))
                    break  # what agrees so well with itself will not agree with anything else
            tried.append((numeric, noise, float(change.sum())))
            last = h
        finite = [one for one in tried if np.isfinite(one[0])]
        numeric, error, ones = finite[0] if finite else (np.nan, np.nan, np.nan)
        if len(finite) > 1:
            (before, _, _), (numeric, error, ones) = min(pairwise(finite), key=lambda two: abs(two[0][0] - two[1][0]))
            error = max(error, abs(before - numeric))
        if len(finite) < len(tried):
            error = np.inf  # an edge is so near that the other steps need not be small either
        return _Entry(None, analytic, numeric, error, False, ones)

    def quotient(self, k: int, direction: Array, h: float) -> Array:
        return (self.moved(k, h * direction) - self.moved(k, -h * direction)) / (2 * h)

    def moved(self, k: int, by: Array) -> Array:
        arrays = list(self.primals)
        arrays[k] = arrays[k] + by.reshape(arrays[k].shape)
        try:
            with np.errstate(all="ignore"):  # a step may leave the domain; a smaller one then decides
                moved = _line(self.outputs(arrays))
        except GradcheckError:
            raise
        except Exception as error:  # whatever a function of the user's raises outside of its domain
            self.refused = error
            return np.full(self.base.size, np.nan)
        return moved if moved.size == self.base.size else np.full(self.base.size, np.nan)

    def sides(self, k: int, entry: _Entry) -> tuple[float, float] | None:
        """Return the slopes on the left and on the right, if they stay apart however small the step."""
        if entry.at is None:
            return None
        direction = _unit(self.primals[k], int(np.ravel_multi_index(entry.at, self.primals[k].shape)))
        apart = []
        for h in STEPS[1:3]:
            left = float(self.g @ (self.base - self.moved(k, -h * direction))) / h
            right = float(self.g @ (self.moved(k, h * direction) - self.base)) / h
            apart.append(abs(right - left))
        visible = apart[1] > 0.05 * abs(entry.analytic - entry.numeric) + 10 * self.rounding.sum() / h
        return (left, right) if visible and apart[1] > 0.5 * apart[0] else None  # smooth: apart in proportion to h

    def report(self, compared: list[list[_Entry]]) -> str:
        wrong = [(k, e) for k, entries in enumerate(compared) for e in dict.fromkeys(entries) if not e.right]
        k, worst = max(wrong, key=lambda pair: round(_relative(pair[1]), 6))
        bad = [name for i, name in enumerate(self.names) if any(i == j for j, _ in wrong)]
        good = [name for name in self.names if name not in bad]
        node = self.leaves[k]
        useful = on_path(self.nodes, {node}) if node is not None else set()
        steps = [n.rule.name for n in reversed(self.nodes) if n in useful and n.rule is not None]
        steps = [name for name in dict.fromkeys(steps) if not name.endswith("._identity")]
        count, higher = sum(map(len, compared)), " of " in self.what
        return "\n  ".join(
            [
                f"{self.what}: {len(wrong)} of {count} compared entries disagree with difference quotients.",
                f"worst: {self.names[k]}, {'a random direction' if worst.at is None else f'index {worst.at}'}: "
                f"analytic {worst.analytic:.10g}, numeric {worst.numeric:.10g} (+-{worst.error:.1g}), "
                f"ratio {shown_factor(worst.analytic / (worst.numeric or np.nan))}, "
                f"relative error {_relative(worst):.3g}",
                *([f"wrong: {', '.join(bad)}; right: {', '.join(good)}"] if good else []),
                f"from there: {', '.join(steps) or 'nothing was recorded'}",
                *(self.culprit({i for i, _ in wrong}, self.doubt(k, worst)) or [self.advice(k, compared[k], worst)]),
                *(["The order below is right: does a rule take for constant what is not (.detach())?"] * higher),
            ]
        )

    def culprit(self, wrong: Iterable[int], doubt: str | None = None) -> list[str]:
        """Name the primitive whose rule is wrong, and how; else where the kink is, or what left the graph."""
        rng = np.random.default_rng(0)
        try:
            nodes, _, tensors = recorded(self.f, self.primals)
        except Exception:  # what raised has been, or will be, reported
            return []
        wanted = [node for k in wrong if (node := tensors[k].node) is not None]
        doubtful: list[str] = []
        guilty: dict[tuple[int, int], tuple[str, list[str]]] = {}  # two rules may have one name
        for suspect in islice(suspects(nodes, wanted, rng), 8):
            key = id(suspect.call.rule), min(suspect.operand, len(suspect.call.rule.operands) - 1)
            if key in guilty:
                continue
            try:
                verdict = explain(suspect, rng)
            except Exception:  # what a function or a rule raises elsewhere must not hide that this gradient is wrong
                verdict = Verdict("rule", [f"wrong rule: {suspect.title}"])
            if verdict.kind == "rule":
                guilty[key] = suspect.brief, verdict.lines
            elif not doubtful:
                doubtful = verdict.lines
        if guilty:
            (_, lines), *others = guilty.values()
            also = [f"Wrong by themselves too: {', '.join(name for name, _ in others)}."] if others else []
            return [*lines, *also]
        if low := imprecise(nodes, wanted):
            return [low]
        if doubtful:
            return [doubtful[0], *([doubt] if doubt is not None and doubtful[1:] else doubtful[1:])]
        if doubt is not None:
            return []
        try:
            if lines := disturbed(nodes):
                return lines
            for k in sorted(wrong):
                if lines := drifting(self.f, self.primals, self.cotangents, k):
                    return [*self.detaching(), *lines]
        except Exception:  # f recorded at a point nearby, a rule fed with what it never met: the report comes first
            return []
        return []

    def detaching(self) -> list[str]:
        """Name the primitive whose rule takes a value for constant that is not, where the order below was right."""
        if self.below is None:
            return []
        f, primals, depth = self.below
        nodes, _, _tensors = recorded(f, primals)  # these keep the values of the leaves
        alike: set[Any] = set()  # of many nodes with one rule and equal shapes, one is tried
        for node in reversed(nodes):
            call = call_of(node) if node.rule is not None else None
            if call is None or call.several:
                continue
            kind = node.rule, *map(np.shape, call.operands)
            if kind in alike:
                continue
            alike.add(kind)
            which = [i for i, p in enumerate(node.parents) if p is not None and differentiable(call.operands[i])]
            function, arrays = _single(call, which), [call.operands[i] for i in which]
            if any(a.dtype.kind == "c" for a in (*arrays, *call.outs)):
                continue
            rng = np.random.default_rng(0)
            outs = call.outs
            cotangents = [signed(rng, o.size).reshape(o.shape) for o in outs]
            for _ in range(depth):
                function, outs = _pulled(function, len(arrays)), list(arrays)
                arrays = arrays + cotangents
                cotangents = [signed(rng, o.size).reshape(o.shape) for o in outs]
            for k, i in enumerate(which):
                if drifting(function, arrays, cotangents, k):
                    return [f"wrong rule: {Suspect(call, i, node, None).title}"]
        return []

    def doubt(self, k: int, worst: _Entry) -> str | None:
        """Say why the quotients may be no measure of the gradient here, if they are not."""
        if not np.isfinite(worst.numeric):
            if self.refused is not None:
                why = f"{type(self.refused).__name__}: {self.refused}".splitlines()[0]
                return f"f raises a step away: the point lies at an edge of the domain. Move it inside. ({why})"
            return "f is not finite on both sides: the point lies at an edge of the domain. Move it inside."
        if sides := self.sides(k, worst):
            return (
                f"The slopes on the two sides differ ({sides[0]:.4g} on the left, {sides[1]:.4g} on the right): a kink "
                "may be near. Move the point; at a kink itself a rule's value is a convention."
            )
        if not worst.error < 0.1 * abs(worst.analytic - worst.numeric):
            return "The quotients do not settle: a kink or an edge of the domain may be near, or f is noisy."
        return None

    def advice(self, k: int, entries: list[_Entry], worst: _Entry) -> str:
        wrong = [entry for entry in dict.fromkeys(entries) if not entry.right]
        analytic, numeric, ones = (np.array([e[i] for e in wrong]) for i in (1, 2, 5))
        tiny = 1e-6 * float(np.abs([analytic, numeric]).max())
        ratios = analytic / np.where(numeric == 0, np.nan, numeric)
        if not np.isfinite(analytic).all() and np.isfinite(worst.numeric):
            return "The sweep gives nan or inf where f is smooth: look for 0/0, 0*inf or log(0) in a rule."
        if doubt := self.doubt(k, worst):
            return doubt
        if np.abs(analytic).max() <= tiny:
            return (
                "The sweep gives 0 where f varies: look for a detached value (np.asarray, .detach()) or a missing vjp."
            )
        if np.abs(numeric).max() <= tiny:
            return "f does not vary there, yet a cotangent arrives: look at indices, axes and masks."
        if np.allclose(analytic, ones, rtol=1e-4, atol=tiny):
            return "These are the values for a cotangent of ones: a rule drops its g."
        if np.allclose(ratios, -1, rtol=1e-4):
            return "The sign is wrong."
        if len(wrong) > 1 and (np.abs(ratios - ratios[0]) <= 1e-4 * min(1.0, 10 * abs(ratios[0] - 1))).all():
            return (
                f"Every entry is off by the same factor, {shown_factor(ratios[0])}: look for a constant, "
                "or a mean that should be a sum."
            )
        if not np.allclose(analytic, numeric, rtol=1e-4, atol=tiny) and np.allclose(
            np.sort([e[1] for e in entries]), np.sort([e[2] for e in entries]), rtol=1e-4, atol=tiny
        ):
            return "The right numbers stand in the wrong places: look for a transpose, an axis or an order."
        return f"Wrong at {', '.join(str(e.at) for e in wrong[:5])}{', ...' * (len(wrong) > 5)}: look at these rules."


def imprecise(nodes: list[Node], wanted: list[Node]) -> str | None:
    """Say that values on the way to what is wanted are not in double precision, if they are not."""
    useful = on_path(nodes, wanted)
    for node in reversed(nodes):
        if node in useful and node.rule is not None and node.dtype in LOW:
            return (
                f"There are {node.dtype} values between ({node.rule.name}): in {LOW[node.dtype]} precision differences "
                "have too few digits. Check it in double precision."
            )
    return None


def _relative(entry: _Entry) -> float:
    size = max(abs(entry.analytic), abs(entry.numeric))
    apart = abs(entry.analytic - entry.numeric)
    return apart / size if np.isfinite(apart) and size else np.inf


def _pulled(f: Flat, count: int) -> Flat:
    """Return the pullback of `f` as a function of the primals and the cotangents."""

    def pulled(*arrays: Any) -> list[Any]:
        _, pullback = vjp(f, *arrays[:count])
        return list(pullback(list(arrays[count:])))

    return pulled


def _single(call: Any, which: list[int]) -> Flat:
    """Return a recorded call as a function of some of its operands."""

    def single(*arrays: Any) -> list[Any]:
        given = dict(zip(which, arrays, strict=True))
        return [applied(call.rule, [given.get(i, x) for i, x in enumerate(call.operands)], call.kwargs)]

    return single


def _real_parts(out: Any) -> list[Any]:
    kind = _kind(out)
    return [np.real(out), np.imag(out)] if kind == "c" else [out] if kind == "f" else []


def _double(value: Any, name: str) -> Array:
    value = unwrap(value)
    plain_only(value, f"gradcheck: {name} is a {{}}")
    if is_other(value):
        raise DTypeError(
            f"gradcheck wants NumPy arrays: {name} is a {kind_name(type(value))}, and f is computed many times. Pass "
            "a small NumPy array: the rules are the same."
        )
    value = np.asarray(value)
    value = value.astype(value.dtype.newbyteorder("="), copy=False)
    if value.dtype in (np.float64, np.complex128):
        return value
    if value.dtype.kind in "fc":
        raise DTypeError(
            f"gradcheck: {name} is {value.dtype}. A difference of values with so few digits has hardly a digit left, "
            f"and a right gradient would look wrong. Check in {'float64' if value.dtype.kind == 'f' else 'complex128'} "
            f"(x.astype({'float' if value.dtype.kind == 'f' else 'complex'})): the rules are the same."
        )
    raise DTypeError(f"gradcheck: {name} is {value.dtype}. Write 3.0 for 3, or pass x.astype(float).")


def _kind(out: Any) -> str:
    return str(out.dtype.kind if hasattr(out, "dtype") else np.asarray(out).dtype.kind)


def _line(arrays: list[Array]) -> Array:
    return np.concatenate([np.ravel(a) for a in arrays])


def _unit(primal: Array, i: int) -> Array:
    direction = np.zeros(primal.size)
    direction[i] = 1
    return direction
