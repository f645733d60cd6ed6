"""Why a gradient is wrong: the primitive is found, then the hypothesis whose numbers agree; or what lies between them.

First each recorded primitive is measured by itself. If one is wrong, hypotheses are tested on it. If all are right, the
fault lies in what was recorded: a value that left the graph, one that was written to, a hook.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .errors import RuleError
from .graph import Node, fit, pullback, toposort
from .hypotheses import Hypothesis, count, hypotheses, named, tidy, upstream
from .measure import (
    COLUMNS,
    Array,
    Case,
    Pair,
    Point,
    Suspect,
    bent,
    call_of,
    differentiable,
    jacobian,
    line,
    plain,
    signed,
)
from .recording import keep, no_grad, recording
from .tensor import Tensor, unwrap

__all__ = ["Verdict", "disturbed", "drifting", "explain", "made_here", "recorded"]


# --- the verdict ----------------------------------------------------------------------------------------------


class Verdict(NamedTuple):
    """What was found of one suspect: ``"rule"``, ``"kink"``, ``"edge"`` or ``"unsettled"``, in a few lines."""

    kind: str
    lines: list[str]


def explain(suspect: Suspect, rng: Any) -> Verdict:
    """Say what is wrong with one operand's rule, as far as the numbers tell."""
    title = f"wrong rule: {suspect.title}"
    if isinstance(suspect.error, RuleError):  # which has been said
        return Verdict("rule", [title, *misshapen(suspect, rng)])
    if suspect.error is not None:
        return Verdict("rule", [title, f"By itself it raises {type(suspect.error).__name__}: {suspect.error}"])
    case = Case(suspect, rng)
    here, wrong = case.here, case.here.wrong.any(0)
    at = [index(case, k) for k in here.columns[wrong]]
    if not wrong.any():
        return Verdict("unsettled", [f"{suspect.title}: the quotients do not settle; f may be noisy."])
    real = wrong & here.clear
    if not real.any():
        return unclear(case, at)
    lines = [title]
    if not np.isfinite(here.said[:, real]).all():
        lines.append(
            f"The rule gives nan or inf where f is smooth, at {several(at)}: look for 0/0, 0*inf or log(0) in it."
        )
        return Verdict("rule", [*lines, *special(case)])
    if alone := special(case):
        return Verdict("rule", [*lines, f"Wrong at {several(at)}.", *alone])
    found: list[Hypothesis] = []
    remark = bent(suspect.call, suspect.operand, rng)
    for families in asked(case, remark):
        for family in families if not found else ():
            holding = next((one for one in family if case.holds(one.test)), None)
            if holding is not None:
                found.append(holding)
            if len(found) == 3:
                break
    if found:
        first, *others = found
        lines.append(f"{first.says} ({case.evidence()}). {first.remedy}".rstrip())
        if others:
            lines.append("The numbers would also agree with: " + "; ".join(f.says for f in others) + ".")
    else:
        lines += both_of(case, remark) or unexplained(case, at, real, remark)
    return Verdict("rule", lines)


def asked(case: Case, remark: str | None) -> Iterable[list[Iterator[Hypothesis]]]:
    """Return the hypotheses to be tested: of a rule that is not linear in g, only those that say so."""
    return hypotheses(case) if remark is None else [[upstream(case)]]


def both_of(case: Case, remark: str | None) -> list[str]:
    """Test pairs of mistakes: any one together with a sign or a simple factor."""
    for hypothesis in itertools.chain.from_iterable(itertools.chain.from_iterable(asked(case, remark))):
        for c in (-1.0, 2.0, 0.5):

            def test(p: Point, made: Any = hypothesis.test, c: float = c) -> Pair:
                pair = made(p)
                return None if pair is None else (pair[0], c * pair[1])

            if case.holds(test):
                also = "the sign is wrong" if c < 0 else f"every entry is off by the same factor, {named(c)}"
                return [f"Two mistakes at once: {hypothesis.says}; and {also} ({case.evidence()})."]
    return []


def special(case: Case) -> list[str]:
    """Say that a rule is wrong only at this very point, if it is right nearby."""
    if not case.nearby or any(point.wrong.any() for point in case.nearby):
        return []
    x, near = case.here.x, len(case.nearby)
    zero, equal = (x == 0).any(), np.unique(x).size < x.size
    what = ", where some of its entries are 0" if zero else ", where some of its entries are equal" if equal else ""
    points = "points" if near > 1 else "point"
    return [f"At {near} {points} nearby the rule is right: it fails at this very point{what}."]


def unclear(case: Case, at: list[Any]) -> Verdict:
    """Say that the disagreement lies at a kink, at an edge, or that the quotients do not settle."""
    here, wrong = case.here, case.here.wrong.any(0)
    where = f"{case.suspect.title}, at {several(at)}"
    values = line(here.x)[here.columns[wrong]][:3]
    where += f" (value{'s' * (len(values) > 1)} {', '.join(f'{v:.4g}' for v in values)}{', ...' * (count(wrong) > 3)})"
    if here.kinks[wrong].all():
        return Verdict(
            "kink", [f"at: {where}", "There the slopes on the two sides differ; everywhere else the rule is right."]
        )
    if here.edges[wrong].any():
        return Verdict(
            "edge", [f"at: {where}", "f is not finite on both sides of it: the point lies at an edge of the domain."]
        )
    return Verdict(
        "unsettled", [f"at: {where}", "The quotients do not settle: a kink or an edge may be near, or f is noisy."]
    )


def unexplained(case: Case, at: list[Any], real: Array, remark: str | None) -> list[str]:
    """Give the numbers where no hypothesis makes them agree."""
    here = case.here
    row, k = divmod(int(np.argmax(np.where(real, np.abs(here.said - here.q), -1))), len(here.columns))
    total, off = len(here.columns), count(real)
    lines = []
    if off < total and remark is None:
        lines.append(f"Wrong at {several(at)}: {off} of {total} measured entries; the others are right.")
    g, i, call = here.g[row], case.i, here.call
    if call.pull(i, 0 * g).any():
        lines.append("For g = 0 the rule does not give 0: it has a term without g.")
    elif remark is not None:
        lines.append(remark)
    numbers = f"at {index(case, here.columns[k])}: analytic {here.said[row, k]:.10g}, numeric {here.q[row, k]:.10g}"
    unknown = "No mistake that gradcheck knows makes the numbers agree. " if remark is None else ""
    return [*lines, f"{unknown}By itself, {numbers}."]


def index(case: Case, k: int) -> Any:
    """Return the index of an entry in its operand."""
    x = case.here.x
    k = int(k) % max(x.size, 1)
    return tuple(map(int, np.unravel_index(k, x.shape)))


def several(at: list[Any]) -> str:
    """Return the first few indices."""
    at = list(dict.fromkeys(at))
    return ("index " if len(at) == 1 else "indices ") + ", ".join(map(str, at[:4])) + ", ..." * (len(at) > 4)


def misshapen(suspect: Suspect, rng: Any) -> list[str]:
    """Say what would make a cotangent of the wrong shape right."""
    call, i = suspect.call, suspect.operand
    x = call.operands[i]
    size = line(x).size
    try:
        rows = np.array([signed(rng, call.y.size) for _ in range(2)])
        raw = [call.raw(i, call.cotangent(g)) for g in rows]
        columns = np.arange(size)[: 2 * COLUMNS]
        found, error, _ = jacobian(call, i, columns)
    except Exception:
        return []
    if raw[0].dtype.kind not in "fc":
        return []
    wanted, p = rows @ found, raw[0]
    tolerance = 1e-5 * np.abs(wanted) + 3 * np.abs(rows) @ error + 1e-9
    repairs: list[tuple[str, Callable[..., Array]]] = []
    for n in range(1, p.ndim + 1):
        for over in itertools.combinations(range(p.ndim), n):
            repairs.append((f"Summed over axis {tidy(over)}", lambda a, over=over: a.sum(over)))
            repairs.append(
                (f"Summed over axis {tidy(over)} (keepdims=True)", lambda a, over=over: a.sum(over, keepdims=True))
            )
    repairs.append(("Transposed (.T)", lambda a: a.T))
    repairs.append(("Broadcast to the operand's shape", lambda a: np.broadcast_to(a, x.shape)))
    repairs.append(("Reshaped to the operand's shape", lambda a: np.reshape(a, x.shape)))
    for k in range(p.ndim + 1):
        repairs.append(
            (f"With a new axis {k}, broadcast", lambda a, k=k: np.broadcast_to(np.expand_dims(a, k), x.shape))
        )
    for text, repair in repairs:
        try:
            mended = [repair(a) for a in raw]
            rows_ = np.array([line(np.conjugate(a)) for a in mended])[:, columns]
        except (ValueError, IndexError):
            continue
        if mended[0].shape == x.shape and (np.abs(rows_ - wanted) <= tolerance).all():
            return [
                f"{text}, what it returns (shape {p.shape}) agrees with difference quotients in all {len(columns)} "
                "entries."
            ]
    return [
        f"It returns shape {p.shape} for an operand of shape {x.shape}; no sum, transpose or reshape of that is right."
    ]


# --- every primitive is right: then it is what lies between them ----------------------------------------------


def recorded(f: Callable[..., list[Any]], primals: Sequence[Array]) -> tuple[list[Node], list[Any], list[Tensor]]:
    """Record `f` with all values kept: its nodes, children first, its outputs, its arguments."""
    tensors = [Tensor(np.array(p), requires_grad=True) for p in primals]
    with recording(), keep(), np.errstate(all="ignore"):
        outs = f(*tensors)
    ends = {o.node for o in outs if isinstance(o, Tensor) and o.requires_grad and o.node is not None}
    nodes = list(toposort(ends))
    for node in made_here(nodes, tensors):
        node.rule = plain(node.rule)  # under ag.debug each node has one of its own, which looks on
    return nodes, outs, tensors


def made_here(nodes: list[Node], tensors: Sequence[Tensor]) -> list[Node]:
    """Return the nodes that are newer than some Tensors: not those of the user's that f only reads."""
    since = min((t.node.serial for t in tensors if t.node is not None), default=None)
    return [] if since is None else [node for node in nodes if node.serial >= since]


def constants_of(nodes: list[Node]) -> list[tuple[Node, int, Array]]:
    """Return the operands through which no gradient passes, with their values."""
    found = []
    for node in reversed(nodes):
        for j, (arg, parent) in enumerate(zip(node.args or (), node.parents, strict=False)):
            if (parent is None or not parent.requires_grad) and differentiable(arg):
                found.append((node, j, np.asarray(arg)))
    return found


def drifting(f: Callable[..., list[Any]], primals: Sequence[Array], cotangents: Sequence[Array], k: int) -> list[str]:
    """Name an operand that was recorded as a constant and varies with argument `k`, if its term mends the gradient."""
    rng = np.random.default_rng(0)
    u = signed(rng, primals[k].size).reshape(primals[k].shape) * np.maximum(1.0, np.abs(primals[k]))
    h = 1e-5
    nodes, outs, tensors = recorded(f, primals)
    ends = [recorded(f, [p + s * h * u if j == k else p for j, p in enumerate(primals)]) for s in (1, -1)]
    if any([plain(n.rule) for n in end[0]] != [plain(n.rule) for n in nodes] for end in ends):
        return []
    here, up, down = (constants_of(each) for each in (nodes, ends[0][0], ends[1][0]))
    moving = [
        (node, j, (b - c) / (2 * h))
        for (node, j, a), (_, _, b), (_, _, c) in zip(here, up, down, strict=True)
        if a.shape == b.shape == c.shape and not np.array_equal(b, c, equal_nan=True)
    ]
    seeds: dict[Node, Any] = {}
    lost = 0.0
    for out, g, plus, minus in zip(outs, cotangents, ends[0][1], ends[1][1], strict=True):
        if isinstance(out, Tensor) and out.requires_grad and out.node is not None:
            seeds[out.node] = seeds[out.node] + g if out.node in seeds else g
        else:
            lost += float(np.sum(g * (np.asarray(unwrap(plus)) - np.asarray(unwrap(minus))))) / (2 * h)
    with np.errstate(all="ignore"):
        found = pullback(seeds, nodes)
    change = sum(
        float(np.sum(g * (np.asarray(unwrap(plus)) - np.asarray(unwrap(minus))))) / (2 * h)
        for g, plus, minus in zip(cotangents, ends[0][1], ends[1][1], strict=True)
    )
    own = found.get(tensors[k].node)  # type: ignore[arg-type]
    own = 0.0 if own is None else float(np.sum(own * u))
    extra = 0.0
    for node, j, moved in moving:
        vjp = node.rule.vjps[j]
        if vjp is None or node not in found:
            return []
        with no_grad(), np.errstate(all="ignore"):
            p = np.asarray(unwrap(vjp(found[node], node.out, *filled(node), **(node.kwargs or {}))))
        extra += float(np.real(np.sum(fit(p, moved, node.rule, j) * moved)))
    size = max(abs(change), abs(own), abs(extra))
    if not abs(own + lost + extra - change) <= 1e-5 * size:
        return []
    if not moving:
        text = (
            "An output of f left the graph, and there the sweep gives 0 where f varies (.detach(), .data, np.asarray)."
        )
        return [text] if lost else []
    node, j, moved = moving[0]
    name = node.rule.operands[min(j, len(node.rule.operands) - 1)]
    more = f" (and {len(moving) - 1} more such operands)" if len(moving) > 1 else ""
    return [
        f"A value left the graph: {node.rule.name} got its operand {name}, shape {moved.shape}, as a constant, and it "
        f"varies{more}. With its term added the derivative agrees.",
        "Look for .detach(), .data, .numpy(), no_grad or a plain array that was computed from an argument.",
    ]


def disturbed(nodes: list[Node]) -> list[str]:
    """Name a value that was written to after it had been recorded, or a hook that changes a cotangent."""
    for node in reversed(nodes):
        if node.rule is None:
            continue
        call = call_of(node)
        value = node.value
        if call is None or call.several or value is None or call.outs[0].shape != value.shape:
            continue
        if not np.allclose(call.outs[0], value, rtol=1e-9, atol=1e-12, equal_nan=True):
            return [
                f"A value was written to after it had been recorded: what {node.rule.name} gave is no longer what its "
                "operands make.",
                "Look for an assignment into an array that a Tensor shares (x.data[...] = v, out=, +=).",
            ]
    for node in nodes:
        if node.extra is not None and node.extra.hooks:
            what = node.name or (node.rule.name if node.rule is not None else "an argument")
            return [f"Every rule is right by itself, and there is a hook on {what}: does it change the cotangent?"]
    return []


def filled(node: Node) -> list[Any]:
    """Return the operands of a node with the values that were kept."""
    return [arg.value if isinstance(arg, Node) and arg.value is not None else arg for arg in node.args or ()]
