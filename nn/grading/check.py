"""check_delta_rule: a student's own backward pass, held against the hand rule on random networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..checks import callable_of, real, shown, whole
from . import search
from .calls import Answer, Call, Failure, plan, run
from .cases import ELEMENTWISE, LAYOUTS, VARIED, Case, Layout, Task, cases
from .rules import Choice, Fact
from .scales import NUMBERS, Convention, Solution, conventions, solve
from .verdict import Mistake, Verdict
from .words import Equations, kind_of, nudge, why

__all__ = ["check_delta_rule"]

WHERE = "check_delta_rule"
NOTATIONS = {"Y": "Y", "index": "Y", "M": "M", "matrix": "M", "R": "R", "other sign": "R"}
ENDS = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}  # the activation that a loss goes with
TERMS = {"forward": "forward pass", "output": "output delta", "hidden": "hidden delta", "weight": "weight gradient",
         "bias": "bias gradient", "update": "update"}  # fmt: skip
ORDER = tuple(TERMS)


def check_delta_rule(
    function: Callable[..., Any],
    *,
    notation: str | None = None,
    samples: str | None = None,
    from_to: bool | None = None,
    negative: bool | None = None,
    loss: str = "squared_error",
    activations: str | tuple[str, str] | None = None,
    factor: float | None = None,
    reduction: str | None = None,
    learning_rate: float = 0.35,
    arguments: Sequence[str] | None = None,
    returns: str | Sequence[str] | None = None,
    layers: int | None = None,
    networks: int = 8,
    seed: int = 0,
) -> Verdict:
    """Grade a backward pass that somebody wrote: where does it first depart, and what is the likely mistake.

    The function is run on random networks of one to four layers, and each term that it returns is compared with
    `nn.delta`'s, given the student's own values above it. Where a term departs, the usual mistakes are tried, alone
    and in pairs, until one reproduces the numbers on every network. Right code passes, however it is arranged.

    Parameters
    ----------
    function : callable
        It is called with what its parameters' names ask for: ``x``, ``y`` (or ``labels``); ``weights``, ``biases``,
        ``a``, ``z``, ``masks``, lists over the layers, with ``a[0]`` = x (``W1``, ``b1``, ``W2``, ... for one layer's);
        ``o``, the output; ``f`` and ``f_prime``, functions of z, where all layers share them, ``fs`` and ``f_primes``,
        lists, ``activations``, their names; ``learning_rate`` (``alpha``); ``n``, the number of samples. It does its
        own forward pass if it does not ask for z or a.

        It returns some of ``deltas``, ``weight_gradients``, ``bias_gradients``, ``weight_changes``, ``bias_changes``
        (what is added), ``weights``, ``biases`` (updated), each a list over the layers: as a dictionary or named tuple
        with such keys (``dW``, ``db``, ``dW1`` too), or as a tuple, of lists, or layer by layer: dW1, db1, dW2, db2. A
        tuple of three is deltas, weight gradients, bias gradients, of two, the gradients, unless the shapes tell of
        another order; with a ``learning_rate``, updated weights and biases stand for gradients. It may update weights
        and biases in place, and return None. A number beside them, the error, is left out.
    notation : {"Y", "M", "R"} or {"index", "matrix", "other sign"}, optional
        Y: one sample, vectors; weights (out, in); delta = dE/dz. M: samples in columns, biases (out, 1). R: one
        sample, weights (in, out), Delta = -dE/dz. Unless given, what the function is right in, or explained best in.
    samples : {"one", "rows", "columns"}, optional
        Other than the notation's: ``notation="Y", samples="rows"`` is what `nn.delta` has.
    from_to : bool, optional
        Whether the weights have shape (in, out), other than in the notation.
    negative : bool, optional
        Whether deltas are -dE/dz, other than in the notation.
    loss : {"squared_error", "binary_cross_entropy", "cross_entropy"}
        With cross-entropy the outputs are a softmax's, and y has one-hot rows.
    activations : str or (str, str), optional
        All layers' activation, or hidden and output layers', if the function has them built in; unless given, sigmoid.
        If the verdict is that of a function with other ones, they are tried, and named in a note.
        A function that asks for activations is given several kinds.
    factor : {0.5, 1}, optional
        The squared error is ``factor * sum (o - y)^2``. Unless given, either passes, if it is kept to (claim R5).
    reduction : {"mean", "sum"}, optional
        Over the samples. Unless given, either passes, if it is kept to (claims Y6, M8).
    learning_rate : float
        What the function is given, or has built in.
    arguments : sequence of str, optional
        What to pass, in order, to a function whose parameters have other names.
    returns : str or sequence of str, optional
        What is returned, in order.
    layers : int, optional
        How many layers, if the function is written for one depth.
    networks, seed : int
        How many networks, and which.

    Returns
    -------
    Verdict

    Raises
    ------
    TypeError
        If the function asks for something unknown, or returns what are no arrays.
    ValueError
        If it raises on all networks, or what it returns cannot be read; and for bad arguments.

    Notes
    -----
    Claims Y7, Y8, Y10, Y11, M3 to M6, R2 to R5.

    Examples
    --------
    >>> import numpy as np, nn
    >>> def backward(x, y, weights, biases):  # sigmoids, one sample
    ...     a = [x]
    ...     for W, b in zip(weights, biases):
    ...         a.append(1 / (1 + np.exp(-(W @ a[-1] + b))))
    ...     deltas = [(a[-1] - y) * a[-1] * (1 - a[-1])]
    ...     for k in range(len(weights) - 1, 0, -1):
    ...         deltas.insert(0, weights[k].T @ deltas[0])  # where is f'(z)?
    ...     return deltas, [np.outer(d, a_in) for d, a_in in zip(deltas, a)], deltas
    >>> print(nn.check_delta_rule(backward))
    Departs first at the hidden delta of layer 2 of 3: missing f'. Score 80.
    <BLANKLINE>
    1. missing f' (hidden delta, layers 2 and 1)
       The derivative of the activation at z is missing.
       you have   δᵢˡ = Σⱼ wⱼᵢˡ⁺¹ δⱼˡ⁺¹
       should be  δᵢˡ = f′(zᵢˡ) Σⱼ wⱼᵢˡ⁺¹ δⱼˡ⁺¹   (Y8)
       for example layer 2, entry [4]: -0.626592, but should be -0.140877
    """
    callable_of(WHERE, "function", function, "my_backward_pass")
    if layers is not None:
        layers = whole(WHERE, "layers", layers, 1)
    if factor is not None and (isinstance(factor, str) or factor not in (0.5, 1)):
        raise ValueError(
            f"{WHERE}: factor is {shown(factor)}, but must be 0.5, for 1/2 |o - y|^2, or 1; or leave it out, and "
            "either passes."
        )
    if reduction not in (None, "mean", "sum"):
        raise ValueError(
            f"{WHERE}: reduction is {shown(reduction)}, but must be 'mean' or 'sum', over the samples; or leave it "
            "out, and either passes."
        )
    alpha = real(WHERE, "learning_rate", learning_rate, "be positive and finite", above=0, below=math.inf)
    seed = whole(WHERE, "seed", seed, 0)
    networks = whole(WHERE, "networks", networks, 1)
    stated = _layout(notation, samples, from_to, negative)
    call = plan(function, arguments, returns)
    kinds = _activations(call, loss, activations)

    def grade(key: str, layout: Layout, loss: str = loss, kinds: Kinds = kinds, many: int = networks) -> Graded:
        hidden, output, uniform = kinds
        task = Task(
            loss=loss, hidden=hidden, output=output, uniform=uniform, layers=call.layers or layers,
            batches=layout.samples != "one", biased=call.asks("biases", "z"), masked=call.asks("masks"),
            learning_rate=alpha, seed=seed, networks=min(networks, many),
        )  # fmt: skip
        return _graded(replace(call, found={}), task, layout, key, factor, reduction)

    verdict, other = _unstated(grade) if stated is None else (_stated(grade, *stated), stated)
    if activations is not None or call.asks("f", "f_prime", "fs", "f_primes", "activations", "a", "z"):
        return verdict
    if not any(m.kind in OF_OTHER_LAYERS and m.term in PASSES for m in verdict.mistakes):
        return verdict
    for meant, given in BUILT_IN:  # right code with other layers than sigmoids is not to be left without a word
        if meant == loss or loss == "squared_error":
            with suppress(TypeError, ValueError):
                if grade(*other, meant, _activations(call, meant, given), FEW).verdict.passed:
                    words = f"loss={meant!r}, activations={given!r}" if meant != loss else f"activations={given!r}"
                    return replace(verdict, notes=(f"With {words} it is right: was that meant?", *verdict.notes))
    return verdict


class Graded(NamedTuple):
    """A verdict in one notation, and what else tells whether it was the right one."""

    verdict: Verdict
    fits: bool  # it raised on no network, and all that came back has the right shape, or its transpose's
    weights: bool  # weight gradients or updates came back

    @property
    def clear(self) -> bool:
        """Whether nothing is left unexplained."""
        return all(mistake.kind not in ("unknown", "not finite", RAISES) for mistake in self.verdict.mistakes)

    @property
    def turned(self) -> bool:
        """Whether a sign is wrong: in the other sign it may be right."""
        return self.weights and any(mistake.kind == "sign" for mistake in self.verdict.mistakes)


Grade = Callable[..., Graded]  # of notation and layout; the number of networks by name
FEW = 2  # networks to try a notation on: the first ones, of three and two layers
Kinds = tuple[tuple[str, ...], tuple[str, ...], bool]

OF_OTHER_LAYERS = ("unknown", "f' of another activation", "output activation forgotten")  # what other layers look like
PASSES = tuple(TERMS[term] for term in ("forward", "output", "hidden"))
BUILT_IN: tuple[tuple[str, str | tuple[str, str]], ...] = (
    *(("squared_error", (hidden, "identity")) for hidden in ("tanh", "relu", "sigmoid")),
    *(("squared_error", given) for given in ("tanh", "relu", ("tanh", "sigmoid"), ("relu", "sigmoid"))),
    *((loss, hidden) for loss in ENDS for hidden in ("tanh", "relu", "sigmoid")),
)

Y, M, R = LAYOUTS["Y"], LAYOUTS["M"], LAYOUTS["R"]
OTHERS: dict[str, tuple[str, Layout]] = {  # keywords, and what they stand for, in the order in which they are tried
    "notation='Y'": ("Y", Y),
    "notation='M'": ("M", M),
    "notation='Y', samples='rows'": ("Y", replace(Y, samples="rows")),
    "notation='R'": ("R", R),
    "notation='R', samples='rows'": ("R", replace(R, samples="rows")),
    "notation='Y', from_to=True": ("Y", replace(Y, from_to=True)),
    "notation='Y', samples='rows', from_to=True": ("Y", replace(Y, samples="rows", from_to=True)),
}


def _stated(grade: Grade, key: str, layout: Layout) -> Verdict:
    """Grade in the notation that was stated; say so if it would be right in another one."""
    others = {words: other for words, other in OTHERS.items() if other != (key, layout)}
    try:
        graded = grade(key, layout)
    except (TypeError, ValueError) as error:
        if note := _elsewhere(grade, others):
            raise ValueError(f"{error} {note}") from error
        raise
    note = ""
    if not graded.clear and not graded.fits:
        note = _elsewhere(grade, others)
    elif graded.turned:
        note = _elsewhere(grade, {f"negative={layout.sign > 0}": (key, replace(layout, sign=-layout.sign))})
    return replace(graded.verdict, notes=(note, *graded.verdict.notes)) if note else graded.verdict


def _elsewhere(grade: Grade, others: dict[str, tuple[str, Layout]]) -> str:
    """Return in which other notation it is right, if there is one."""
    for words, other in others.items():
        found = _tried(grade, other, FEW)
        if found is not None and found.verdict.passed and (found := _tried(grade, other)) and found.verdict.passed:
            return f"With {words} it is right: was that meant?"
    return ""


def _tried(grade: Grade, other: tuple[str, Layout], networks: int | None = None) -> Graded | None:
    with suppress(TypeError, ValueError):
        return grade(*other) if networks is None else grade(*other, many=networks)
    return None


def _unstated(grade: Grade) -> tuple[Verdict, tuple[str, Layout]]:
    """Grade in the notation that explains most on a few networks; return the verdict and the notation."""
    best: tuple[tuple[bool, bool, int], str, tuple[str, Layout]] | None = None
    errors: list[Exception] = []
    for words, other in OTHERS.items():
        try:
            graded = _tried(grade, other, FEW) or grade(*other)
        except (TypeError, ValueError) as error:
            errors.append(error)
            continue
        rank = (graded.verdict.passed, graded.clear, graded.verdict.score)
        if best is None or rank > best[0]:
            best = rank, words, other
        if graded.verdict.passed or graded.fits:
            break
    if best is None:  # where the function itself did not raise, it says more
        raise min(errors, key=lambda error: error.__cause__ is not None)
    _, words, (key, layout) = best
    graded = grade(key, layout)
    if graded.turned:
        other_sign = _tried(grade, (key, replace(layout, sign=-layout.sign)))
        if other_sign is not None and other_sign.verdict.passed:
            words, graded = f"{words}, negative={layout.sign > 0}", other_sign
    notes = () if words == "notation='Y'" else (f"Graded with {words}, by what fits it.",)
    return replace(graded.verdict, notes=(*notes, *graded.verdict.notes)), (key, layout)


def _graded(call: Call, task: Task, layout: Layout, key: str, factor: float | None, reduction: str | None) -> Graded:
    ran, failed = _run_all(call, task, layout)
    notes: list[str] = []
    depths = {case.depth for case, _ in ran}
    if failed and task.layers is None and len(depths) == 1 and all(f.case.depth not in depths for f in failed):
        depth = depths.pop()  # a function written for one depth is run on networks of that depth alone
        notes.append(f"It raised an error on networks of other depths than {depth}, and was graded on that.")
        task = replace(task, layers=depth)
        ran, failed = _run_all(call, task, layout)
    grader = _Grader(call, task, factor, reduction, ran)
    solution, single = grader.solution()
    for read in call.others(_unknowns(solution)) if solution.facts else ():
        again, _ = _run_all(read, grader.task, layout)
        first = _Grader(read, grader.task, factor, reduction, again[:1])
        if first._best(first.cases, search.SINGLE, solution.cost) is None:
            continue
        other = _Grader(read, grader.task, factor, reduction, again)
        found, other_single = other.solution()
        if found.cost < solution.cost:
            grader, solution, single = other, found, other_single
    equations = Equations(key, task.loss, solution.convention, task.batches, grader.stepped)
    verdict = _verdict(grader, solution, single, equations, failed, notes)
    fits = not failed and all(map(_fits, grader.cases, grader.answers))
    return Graded(verdict, fits, any(answer.weight for answer in grader.answers))


def _fits(case: Case, answer: Answer) -> bool:
    """Return whether all arrays have the shapes of the network's, or their transposes'."""
    pairs = [(delta.shape, case.z[layer - 1].shape) for layer, delta in answer.deltas.items()]
    pairs += [(g.shape, case.W[layer - 1].shape) for layer, g in answer.weight.items()]
    return all(found in (shape, shape[::-1]) for found, shape in pairs)


def _layout(notation: Any, samples: Any, from_to: Any, negative: Any) -> tuple[str, Layout] | None:
    """Return the notation and its layout; None if nothing was said of them."""
    if notation is None:
        if samples is from_to is negative is None:
            return None
        notation = "Y"
    if not isinstance(notation, str) or notation not in NOTATIONS:
        raise ValueError(
            f"{WHERE}: notation is {shown(notation)}, but must be 'Y' (or 'index'), 'M' (or 'matrix') or 'R' (or "
            "'other sign')."
        )
    key = NOTATIONS[notation]
    layout = LAYOUTS[key]
    if samples is not None and samples not in ("one", "rows", "columns"):
        raise ValueError(
            f"{WHERE}: samples is {shown(samples)}, but must be 'one', for vectors, 'rows' or 'columns': where the "
            "samples of a batch lie."
        )
    for name, value in (("from_to", from_to), ("negative", negative)):
        if value is not None and not isinstance(value, (bool, np.bool_)):
            raise TypeError(
                f"{WHERE}: {name} is {shown(value)}, but must be True or False, or left out, for what the notation has."
            )
    return key, Layout(
        layout.samples if samples is None else samples,
        layout.from_to if from_to is None else bool(from_to),
        layout.sign if negative is None else -1 if negative else 1,
    )


def _activations(call: Call, loss: Any, given: Any) -> Kinds:
    """Return the activations of hidden and output layers to draw from, and whether a network has one throughout."""
    if not isinstance(loss, str) or loss not in ("squared_error", *ENDS):
        raise ValueError(
            f"{WHERE}: loss is {shown(loss)}, but must be 'squared_error', 'binary_cross_entropy' or 'cross_entropy'."
        )
    if call.asks("labels") and loss != "cross_entropy":
        raise ValueError(
            f"{WHERE}: the function asks for labels, which are classes, but the loss is {loss}. Say "
            "loss='cross_entropy', or let it ask for y."
        )
    end = (ENDS[loss],) if loss in ENDS else ()
    if given is None:
        if call.asks("activations", "fs", "f_primes"):
            return VARIED, end or ("sigmoid", "tanh", "identity"), False
        if call.asks("f", "f_prime"):
            return ("sigmoid", "tanh", "relu"), end, True
        return ("sigmoid",), end or ("sigmoid",), True
    names = (given, *(end or (given,))) if isinstance(given, str) else given
    if not isinstance(names, (tuple, list)) or len(names) != 2 or names[0] not in ELEMENTWISE:
        raise ValueError(
            f"{WHERE}: activations is {shown(given)}, but must be one name, or two, (hidden, output), of "
            f"{', '.join(ELEMENTWISE)}."
        )
    if (end and names[1] not in end) or (not end and names[1] not in ELEMENTWISE):
        fits = end[0] if end else "one of those that work entry by entry"
        raise ValueError(f"{WHERE}: the output activation is {shown(names[1])}, but {loss} needs {fits}.")
    if call.asks("f", "f_prime") and names[0] != names[1] and not end:
        raise ValueError(
            f"{WHERE}: the function asks for f or f_prime, one for all layers, but activations names two. Let it ask "
            "for fs and f_primes, a list with one for each layer."
        )
    return (names[0],), (names[1],), True


def _run_all(call: Call, task: Task, layout: Layout) -> tuple[list[tuple[Case, Answer]], list[Failure]]:
    ran: list[tuple[Case, Answer]] = []
    failed: list[Failure] = []
    for case in cases(task):
        try:
            answer = run(call, case, layout)
        except (TypeError, ValueError) as error:
            if failed and error.__cause__ is None:
                error.__cause__ = failed[0].error  # it raised before something that cannot be read came back
            raise
        if isinstance(answer, Failure):
            failed.append(answer)
        else:
            ran.append((case, answer))
    if not ran:
        raise ValueError(
            f"{WHERE}: {call.title} raised {failed[0].text}.\nIt did so on all {len(failed)} networks, and cannot be "
            "graded: mend that first. Do notation= and samples= say how its arrays lie?"
        ) from failed[0].error
    return ran, failed


class _Grader:
    """Looks for the mistakes in a function's answers."""

    def __init__(
        self,
        call: Call,
        task: Task,
        factor: float | None,
        reduction: str | None,
        ran: list[tuple[Case, Answer]],
    ) -> None:
        self.call, self.task = call, task
        self.stepped = any(answer.terms & {"weights", "biases"} for _, answer in ran)
        self.rate = task.learning_rate if self.stepped or call.asks("learning_rate") else None
        self.cases, self.answers = [case for case, _ in ran], [answer for _, answer in ran]
        self.deltas = any(answer.deltas for answer in self.answers)
        self.stated = (factor is not None, reduction is not None)
        self.allowed = conventions(task.loss, factor, reduction)

    def solution(self) -> tuple[Solution, bool]:
        """Return the mistakes, and whether the numbers are those of single precision."""
        best = self._at(search.DOUBLE)
        if not _unknowns(best):
            return best, False
        rough = self._at(search.SINGLE)
        return (best, False) if _unknowns(rough) else (rough, True)

    def _at(self, precision: search.Precision) -> Solution:
        best = self._best(self.cases, precision)
        assert best is not None
        if not _unknowns(best) or self.call.asks("a", "z"):
            return best
        for slot, change in (("bias", Case.without_biases), ("activation", Case.without_output_activation)):
            others = [change(case) for case in self.cases]
            if not any(others):
                continue
            swapped = [other or case for other, case in zip(others, self.cases, strict=True)]
            found = self._best(swapped, precision, best.cost - 1)
            if found is not None and Fact("output", "unknown", "") not in found.facts:  # which it would have to explain
                fact = Fact("forward", slot, "forgotten")
                terms = tuple(
                    terms if other is None else {**terms, (0, "forward"): (frozenset((fact,)), 1.0, NOTHING)}
                    for terms, other in zip(found.terms, others, strict=True)
                )
                best = replace(found, facts=found.facts | {fact}, terms=terms, cost=found.cost + 1)
        return best

    def _best(self, networks: Sequence[Case], precision: search.Precision, below: float = math.inf) -> Solution | None:
        close = 50 * precision.relative + (1e-7 if self.stepped else 0.0)
        found = [
            solve(hypothesis, self.allowed, self.rate, close)
            for hypothesis in search.hypotheses(networks, self.answers, precision, self.rate, below)
        ]
        found = [solution for solution in found if solution.cost < below]
        return min(found, key=lambda solution: solution.cost, default=None)

    def updates(self, precision: float) -> dict[tuple[int, int], Choice]:
        """Return what is wrong with updates that came back beside their gradients: (network, layer) -> facts."""
        wrong: dict[tuple[int, int], Choice] = {}
        for k, (case, answer) in enumerate(zip(self.cases, self.answers, strict=True)):
            pairs = [(answer.weight_step, answer.weight), (answer.bias_step, answer.bias)]
            for layer in range(1, case.depth + 1):
                for steps, gradients in pairs:
                    if layer not in steps or layer not in gradients:
                        continue
                    step, g = steps[layer], gradients[layer]
                    near = precision * (float(np.abs(g).max(initial=0)) + 1)
                    fact = Fact("update", "unknown", "")
                    for choice, r in (("", 1.0), ("sign", -1.0), ("zero", 0.0), ("norate", 1 / case.learning_rate),
                                      ("rate", case.learning_rate)):  # fmt: skip
                        if step.shape == g.shape and float(np.abs(step - r * g).max(initial=0)) <= near:
                            fact = Fact("update", "scale", choice)
                            break
                    if fact.choice or fact.slot == "unknown":
                        wrong[k, layer] = wrong.get((k, layer), frozenset()) | {fact}
        return wrong


NOTHING = search.Record(0, "forward", frozenset(), None, None, None, "")


def _unknowns(solution: Solution) -> bool:
    return any(fact.slot == "unknown" for fact in solution.facts)


# --- the verdict -----------------------------------------------------------------------------------------------------


def _verdict(
    grader: _Grader,
    solution: Solution,
    single: bool,
    equations: Equations,
    failed: list[Failure],
    notes: list[str],
) -> Verdict:
    terms = [dict(found) for found in solution.terms]
    if not grader.call.asks("a", "z"):
        terms = [{(0, "forward"): (frozenset(), 1.0, NOTHING), **found} for found in terms]
    for (k, layer), facts in grader.updates(1e-4 if single else 1e-7).items():
        terms[k][layer, "update"] = (facts, 1.0, NOTHING._replace(layer=layer, term="update"))
    if not grader.deltas:
        terms = [_numbers_in_gradients(found) for found in terms]
    each = [{fact for facts, _, _ in found.values() for fact in facts} for found in terms]
    place = max(range(len(terms)), key=lambda k: (len(each[k]), -k))
    case, seen = grader.cases[place], each[place]
    mistakes = _mistakes(grader, terms[place], case, equations)
    for k, facts_there in enumerate(each):  # what shows on other networks alone
        rest = facts_there - seen
        if rest:
            there = {where: (facts & rest, factor, record) for where, (facts, factor, record) in terms[k].items()}
            mistakes += [
                replace(m, layers=(), numbers="") for m in _mistakes(grader, there, grader.cases[k], equations)
            ]
            seen = seen | rest
    score = _score(terms)
    by_depth = {case.depth for case in grader.cases}
    raised = [f for f in failed if f.case.depth in by_depth]
    crash = ""
    if raised:
        on = f"on {len(raised)} of {len(grader.cases) + len(raised)} networks"
        crash = f"It raised {type(raised[0].error).__name__} {on}"
        text = f"It raised {raised[0].text}. So it did {on}"
        if _unknowns(solution):  # to be mended first
            mistakes.insert(0, _raising(f"{text}, which were left out."))
        elif mistakes:
            notes.append(f"{text}, which were left out.")
        else:
            mistakes.append(_raising(f"{text}; on the others it is right."))
            score = 100 * len(grader.cases) // (len(grader.cases) + len(raised))
    elif failed:
        notes.append(f"It raised {failed[0].text}. Networks of that depth were left out.")
    notes += _notes(grader, solution, single, solution.hypothesis.sweeps[place].stopped)
    first = None
    if departs := [mistake for mistake in mistakes if mistake.kind != RAISES]:
        first = (departs[0].layers[0] if departs[0].layers else 0, departs[0].term)
    return Verdict(
        passed=not mistakes,
        score=100 if not mistakes else min(score, 99),
        first=first,
        mistakes=tuple(mistakes),
        notes=tuple(dict.fromkeys(notes)),
        sizes=(case.x.shape[1], *(len(W) for W in case.W)),
        networks=len(grader.cases),
        crash=crash,
    )


RAISES = "raises an error"


Found = dict[tuple[int, str], tuple[Choice, float, search.Record]]


def _score(terms: Sequence[Found]) -> int:
    """Return the share of right terms, each rule with the same weight, however many layers there are."""
    rules: dict[str, list[bool]] = {}
    for found in terms:
        for (_, term), (facts, *_rest) in found.items():
            rules.setdefault(term, []).append(not facts)
    return int(100 * np.mean([np.mean(right) for right in rules.values()])) if rules else 0


def _raising(text: str) -> Mistake:
    return Mistake(
        kind=RAISES,
        term="shapes",
        layers=(),
        found="",
        right="",
        explanation=text,
        numbers="",
        hints=("Write the shapes of both factors beside the line that raises. Which index do they share?", text),
        claim="",
    )


def _numbers_in_gradients(found: Found) -> Found:
    """Return the terms with slips in 1/n or alpha at the gradients, where the deltas did not come back."""
    top = next((place for place in found if place[1] == "output"), None)
    if top is None:
        return found
    slips = frozenset(fact for fact in found[top][0] if fact.slot == "scale" and fact.choice in NUMBERS)
    if not slips:
        return found
    moved: Found = {}
    for (layer, term), (facts, factor, record) in found.items():
        if term == "output":
            facts = facts - slips
        elif term in ("weight", "bias") and Fact(term, "scale", "zero") not in facts:
            facts = facts | {fact._replace(term=term) for fact in slips}
            record = record._replace(got=None)  # the factor was read from these numbers: they would agree with it
        moved[layer, term] = (facts, factor, record)
    return moved


def _mistakes(grader: _Grader, found: Found, case: Case, equations: Equations) -> list[Mistake]:
    """Return the mistakes that show in one network, in the order of the sweep."""
    places: dict[Fact, list[int]] = {}
    for layer, term in sorted(found, key=lambda place: (-(place[0] or 99), ORDER.index(place[1]))):
        for fact in sorted(found[layer, term][0], key=lambda fact: fact.slot == "scale"):
            places.setdefault(fact, []).append(layer)
    mistakes: list[Mistake] = []
    for fact, layers in places.items():
        twin = fact._replace(term="weight")
        if fact.term == "bias" and fact.slot != "unknown" and places.get(twin) == layers:
            continue  # said with the weight gradients
        both = fact.term == "weight" and fact.slot != "unknown" and places.get(fact._replace(term="bias")) == layers
        facts, factor, record = found[layers[0], fact.term]
        right = equations.forward_right(fact) if fact.term == "forward" else equations.write(fact.term, frozenset())
        name = "gradients" if both else TERMS[fact.term]
        if grader.stepped and fact.term in ("weight", "bias"):
            name = "update" if both else f"update of the {fact.term}"
            name = "update" if fact.term == "weight" and not any(a.bias for a in grader.answers) else name
        depth = f"layer {layers[0]} of {case.depth}" if layers[0] else "all layers"
        mistakes.append(
            Mistake(
                kind=kind_of(fact),
                term=name,
                layers=tuple(layer for layer in layers if layer),
                found=equations.write(fact.term, facts),
                right=right,
                explanation=why(fact, grader.task.loss, grader.deltas, grader.stepped),
                numbers=_numbers(record, factor, equations, grader),
                hints=(
                    nudge(fact),
                    f"Look at the {name}, {depth}: {kind_of(fact)}.",
                    f"It should be {right}.",
                ),
                claim=equations.claim(fact.term),
            )
        )
    return mistakes


def _numbers(record: search.Record, factor: float, equations: Equations, grader: _Grader) -> str:
    """Return an entry of the student's array and what it should be, in the student's own signs."""
    if record.got is None or record.right is None or (grader.stepped and record.term in ("weight", "bias")):
        return ""
    if record.got.shape != record.right.shape:
        return f"layer {record.layer}: shape {record.got.shape}, but should be {record.right.shape}"
    right = record.right * factor
    sign = -1 if equations.notation == "R" and record.term in ("output", "hidden") else 1
    entry = np.unravel_index(int(np.argmax(np.abs(record.got - right))), right.shape)
    place = [int(k) for k in entry]
    if record.term in ("output", "hidden"):
        place = place[1:] if not equations.batches else place
    got, want = (sign * float(array[entry]) + 0.0 for array in (record.got, right))  # + 0.0: no -0
    return f"layer {record.layer}, entry {place}: {got:.6g}, but should be {want:.6g}"


def _notes(grader: _Grader, solution: Solution, single: bool, stopped: bool) -> list[str]:
    """Return what is no mistake, but should be known."""
    notes = [note for answer in grader.answers for note in answer.notes]
    convention: Convention = solution.convention
    said = []
    if convention.doubled and not grader.stated[0]:
        said.append("without the factor 1/2 (claim R5)")
    if convention.outputs:
        said.append("as a mean over the outputs, too")
    if not convention.mean and not grader.stated[1] and any(case.n > 1 for case in grader.cases):
        said.append("as a sum over the samples, not their mean")
    if said and len(solution.facts) < 3:
        notes.append(f"The error is taken {' and '.join(said)}.")
    if single:
        notes.append("The numbers agree to single precision only, and were compared so.")
    if grader.call.asks("biases") and not any(answer.bias for answer in grader.answers):
        notes.append("It takes biases, but returns nothing for them: their gradients were not graded.")
    if not any(answer.weight for answer in grader.answers):
        notes.append("No weight gradients were returned: they were not graded.")
    if stopped:
        notes.append("Below the unknown mistake the layers could not be judged: let it return its deltas, too.")
    return notes
