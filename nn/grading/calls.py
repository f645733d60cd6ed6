"""How a student's function is called: its parameters by name, and what it returns, read back layer by layer."""

from __future__ import annotations

import copy
import inspect
import itertools
import linecache
import re
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any

import numpy as np

import autograd_mini as ag

from ..checks import shown
from .cases import Array, Case, Layout, apply, slope

__all__ = ["ARGUMENTS", "RETURNED", "Answer", "Call", "Failure", "plan", "run"]

WHERE = "check_delta_rule"

ARGUMENTS: dict[str, tuple[str, ...]] = {  # what a function may ask for, and the names that it may have
    "x": ("x", "X", "inputs", "input", "sample", "a0", "A0"),
    "y": ("y", "Y", "target", "targets", "t", "T"),
    "labels": ("labels", "label"),
    "weights": ("weights", "W", "Ws", "w", "ws", "weight"),
    "biases": ("biases", "b", "B", "bs", "bias"),
    "a": ("a", "A", "As", "outputs"),
    "z": ("z", "Z", "Zs", "in_", "ins", "net_inputs"),
    "o": ("o", "output"),
    "activations": ("activations", "activation_names", "names"),
    "f": ("f", "g", "sigma", "activation"),
    "f_prime": ("f_prime", "df", "g_prime", "dg", "sigma_prime", "fprime", "activation_prime"),
    "fs": ("fs", "gs"),
    "f_primes": ("f_primes", "g_primes", "dfs", "dgs"),
    "learning_rate": ("learning_rate", "lr", "alpha", "eta", "rate", "α", "η"),
    "n": ("n", "n_samples"),
    "masks": ("masks", "mask"),
}

RETURNED: dict[str, tuple[str, ...]] = {
    "deltas": ("deltas", "delta", "Delta", "Deltas", "δ", "Δ", "dZ", "dz"),
    "weight_gradients": (
        "weight_gradients", "dW", "dw", "grad_W", "grad_w", "grads_W", "gradW", "weight_grads", "nabla_w", "nabla_W",
        "dE_dW", "dC_dW", "gradients",
    ),
    "bias_gradients": (
        "bias_gradients", "db", "dB", "grad_b", "grads_b", "gradb", "bias_grads", "nabla_b", "dE_db", "dC_db",
    ),
    "weight_changes": ("weight_changes", "delta_W", "delta_w", "changes", "steps"),
    "bias_changes": ("bias_changes", "delta_b"),
    "weights": ("weights", "W", "w", "new_weights", "updated_weights", "W_new", "new_W", "weight"),
    "biases": ("biases", "b", "new_biases", "updated_biases", "b_new", "new_b", "bias"),
}  # fmt: skip

GRADIENT_OF = {"weights": "weight_gradients", "biases": "bias_gradients"}
PER_LAYER = ("weights", "biases", "a", "z", "masks")
MEANING = {name: meaning for meaning, names in ARGUMENTS.items() for name in names}
TERM = {name: term for term, names in RETURNED.items() for name in names}
NUMBERED = re.compile(r"^(.*?[^\d_])_?(\d+)$")


@dataclass(frozen=True)
class Parameter:
    """One parameter of the student's function: what it means, and for which layer, if it is one layer's."""

    name: str
    meaning: str
    layer: int | None
    positional: bool


@dataclass(frozen=True)
class Call:
    """How to call the function."""

    function: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    returns: tuple[str, ...] | None
    found: dict[Any, Any] = field(default_factory=dict, compare=False)  # how the answers turned out to be arranged

    def asks(self, *meanings: str) -> bool:
        """Return whether the function is given one of these."""
        return any(p.meaning in meanings for p in self.parameters)

    def others(self, unknown: bool) -> list[Call]:
        """Return the call with its answers read in other ways that their shapes allow."""
        alike = self.found.get("readings", ())
        ways: list[dict[Any, Any]] = [{"readings": (reading,)} for reading in alike[1:]]
        if unknown and not any(isinstance(key, tuple) for key in self.found):  # from the output?
            ways.append({("order", ""): "turned"})
        if self.found.get("named like parameters"):  # grads["W1"]
            ways.append({"as gradients": True})
        return [replace(self, found={**self.found, **way}) for way in ways]

    @property
    def layers(self) -> int | None:
        """How many layers there are, if the parameters are numbered: W1, W2."""
        return max((p.layer for p in self.parameters if p.layer and p.meaning in ("weights", "biases")), default=None)

    @property
    def title(self) -> str:
        """The function's name."""
        return str(getattr(self.function, "__name__", "the function"))


@dataclass
class Failure:
    """An exception that the function raised, and where."""

    case: Case
    error: Exception
    line: str

    @property
    def text(self) -> str:
        """What happened, on which shapes, and in which line."""
        shapes = ", ".join(str(W.shape) for W in self.case.W)
        said = str(self.error).splitlines()[0] if str(self.error) else ""
        said = said if len(said) <= 160 else f"{said[:159]}…"
        what = f"{type(self.error).__name__}{f': {said}' if said else ''}".rstrip(".")
        many = "weights of shapes" if self.case.depth > 1 else "weights of shape"
        return f"{what}{self.line} (layers with {many} {shapes} (out, in), samples: {self.case.n})"


@dataclass
class Answer:
    """What the function returned for one network, in nn.delta's layout; the dictionaries are by layer, from 1."""

    deltas: dict[int, Array] = field(default_factory=dict)
    weight: dict[int, Array] = field(default_factory=dict)  # dE/dW, whatever it was returned as
    bias: dict[int, Array] = field(default_factory=dict)
    weight_lost: dict[int, Array] = field(default_factory=dict)  # dE/dW, if the update were W <- -alpha dE/dW
    bias_lost: dict[int, Array] = field(default_factory=dict)
    weight_step: dict[int, Array] = field(default_factory=dict)  # dE/dW by the update, where both were returned
    bias_step: dict[int, Array] = field(default_factory=dict)
    updated: dict[int, Array] = field(default_factory=dict)
    transposed: set[int] = field(default_factory=set)  # layers whose deltas came transposed
    terms: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def _meaning(name: str) -> tuple[str, int | None] | None:
    if name in MEANING:
        return MEANING[name], None
    numbered = NUMBERED.match(name)
    if numbered and MEANING.get(numbered[1]) in PER_LAYER:
        return MEANING[numbered[1]], int(numbered[2])
    return None


def _names() -> str:
    return ", ".join(ARGUMENTS)


def plan(function: Callable[..., Any], arguments: Sequence[str] | None, returns: Any) -> Call:
    """Read what the function asks for; raise TypeError if that is not known."""
    parameters: list[Parameter] = []
    if arguments is not None:
        if isinstance(arguments, str) or not all(isinstance(name, str) and _meaning(name) for name in arguments):
            raise TypeError(
                f"{WHERE}: arguments is {shown(arguments)}, but must list what is passed, in order, as in "
                f"arguments=['x', 'y', 'weights', 'biases']. Known: {', '.join(ARGUMENTS)}, and W1, b1, W2, b2."
            )
        parameters = [Parameter(name, *(_meaning(name) or ("", None)), positional=True) for name in arguments]
    else:
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            raise TypeError(
                f"{WHERE}: the parameters of {shown(function)} cannot be read. Say what to pass, in order: "
                "arguments=['x', 'y', 'weights', 'biases']."
            ) from None
        for p in signature.parameters.values():
            if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                continue
            found = _meaning(p.name)
            if found is None and p.default is p.empty:
                raise TypeError(
                    f"{WHERE}: the parameter {p.name!r} of the function is unknown. Name it after what it is to be "
                    f"given: {_names()}; one layer's: W1, b1. Or say it in order: arguments=['x', 'y', 'weights']."
                )
            if found is not None:
                parameters.append(Parameter(p.name, *found, positional=p.kind is p.POSITIONAL_ONLY))
    if not any(p.meaning in ("weights", "a", "z") for p in parameters):
        raise TypeError(
            f"{WHERE}: the function takes neither weights nor what the layers computed, of which a backward pass is "
            "made. Give it parameters such as x, y, weights, biases."
        )
    return Call(function, tuple(parameters), _listed_terms(returns))


def _listed_terms(returns: Any) -> tuple[str, ...] | None:
    if returns is None:
        return None
    names = (returns,) if isinstance(returns, str) else returns
    found = tuple(TERM.get(name, "") for name in names) if isinstance(names, (list, tuple)) else ()
    if not found or not all(found) or len(set(found)) < len(found):
        raise ValueError(
            f"{WHERE}: returns is {shown(returns)}, but must list what the function returns, in order, each once: "
            f"some of {', '.join(RETURNED)}."
        )
    return found


def run(call: Call, case: Case, layout: Layout) -> Answer | Failure:
    """Call the function on a network, and read its answer."""
    given = [(p, _value(p, case, layout)) for p in call.parameters]
    before = copy.deepcopy(given)
    try:
        returned = call.function(
            *(v for p, v in given if p.positional), **{p.name: v for p, v in given if not p.positional}
        )
    except Exception as error:
        return Failure(case, error, _line(call.function, error))
    changed = {
        p.meaning for (p, now), (_, old) in zip(given, before, strict=True) if not callable(old) and _differs(now, old)
    }
    return _read(call, case, layout, returned, changed, {p.meaning: v for p, v in given if p.layer is None}, given)


def _value(p: Parameter, case: Case, layout: Layout) -> Any:
    lists: dict[str, Callable[[], list[Any]]] = {
        "weights": lambda: [layout.weight(W).copy() for W in case.W],
        "biases": lambda: [layout.bias(b).copy() for b in case.b],
        "masks": lambda: [layout.weight(mask).copy() for mask in case.masks],
        "a": lambda: [layout.data(a).copy() for a in case.a],
        "z": lambda: [layout.data(z).copy() for z in case.z],
    }
    if p.meaning in lists:
        values = lists[p.meaning]()
        if p.layer is None:
            return values
        k = p.layer if p.meaning == "a" else p.layer - 1
        if not 0 <= k < len(values):
            raise TypeError(
                f"{WHERE}: the function asks for {p.name}, but the layers are numbered from 1 to {case.depth}. "
                "Number the weights from 1 without gaps, or take lists."
            )
        return values[k]
    hidden, name = case.names[0], case.names
    single: dict[str, Callable[[], Any]] = {
        "x": lambda: layout.data(case.x).copy(),
        "y": lambda: layout.data(case.y).copy(),
        "labels": lambda: case.y.argmax(axis=1)[0] if layout.samples == "one" else case.y.argmax(axis=1),
        "o": lambda: layout.data(case.a[-1]).copy(),
        "activations": lambda: list(name),
        "f": lambda: _function(hidden, layout),
        "f_prime": lambda: _derivative(hidden),
        "fs": lambda: [_function(f, layout) for f in name],
        "f_primes": lambda: [_derivative(f) for f in name],
        "learning_rate": lambda: case.learning_rate,
        "n": lambda: case.n,
    }
    return single[p.meaning]()


def _function(name: str, layout: Layout) -> Callable[[Any], Any]:
    if name == "softmax":
        axis = 0 if layout.samples == "columns" else -1

        def softmax(z: Any) -> Any:
            e = np.exp(z - np.max(z, axis=axis, keepdims=True))
            return e / e.sum(axis=axis, keepdims=True)

        return softmax

    def f(z: Any) -> Any:
        return apply(name, z)

    return f


def _derivative(name: str) -> Callable[[Any], Any]:
    def f_prime(z: Any) -> Any:
        if name == "softmax":
            raise ValueError(
                "The derivative of a softmax is a matrix, not one number for each entry (claim Y10). With "
                "cross-entropy, the output delta is o - y."
            )
        return slope(name, z)

    return f_prime


def _differs(now: Any, old: Any) -> bool:
    if isinstance(old, list):
        return len(now) != len(old) or any(map(_differs, now, old))
    if isinstance(old, np.ndarray):
        return np.shape(now) != old.shape or not np.array_equal(now, old)
    return False


def _line(function: Callable[..., Any], error: Exception) -> str:
    """Return the student's own line in which an exception was raised."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return ""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename == code.co_filename and frame.lineno:
            source = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
            return f", in line {frame.lineno}{f': {source}' if source else ''}"
    return ""


# --- reading what comes back -----------------------------------------------------------------------------------------


def _read(
    call: Call, case: Case, layout: Layout, returned: Any, changed: set[str], given: dict[str, Any], all_given: Any
) -> Answer:
    answer = Answer()
    if returned is None:
        if not changed & {"weights", "biases"}:
            raise ValueError(
                f"{WHERE}: the function returned None and changed no weights. Let it return its deltas or gradients: "
                "{'deltas': [...], 'weight_gradients': [...], 'bias_gradients': [...]}."
            )
        terms: dict[str, Any] = {}
        for meaning in ("weights", "biases"):
            parts = [v for p, v in all_given if p.meaning == meaning]
            if meaning in given:
                terms[meaning] = given[meaning]
            elif parts:
                terms[meaning] = parts
        answer.notes.append("It returned None and changed its arguments in place: these were graded as its update.")
    else:
        terms = _terms(call, case, returned, answer, layout)
        allowed = set(terms) if call.asks("learning_rate") else set()
        spoilt = sorted(changed - allowed)
        if spoilt:
            answer.notes.append(
                f"It changes the {' and the '.join(spoilt)} that it was given, in place, and so its caller's arrays. "
                "Work on a copy."
            )
    for term, value in terms.items():
        listed = _list(call, case, layout, term, value, answer)
        answer.terms.add(term)
        for layer, raw in enumerate(listed, 1):
            rate = case.learning_rate if call.asks("learning_rate") else 1.0
            _place(answer, case, layout, term, layer, _array(term, layer, raw), rate)
    if not answer.updated and call.asks("learning_rate"):
        alpha = case.learning_rate
        answer.updated = {
            layer: case.W[layer - 1] - alpha * g
            for layer, g in answer.weight.items()
            if g.shape == case.W[layer - 1].shape
        }
    return answer


def _terms(call: Call, case: Case, returned: Any, answer: Answer, layout: Layout) -> dict[str, Any]:
    """Return term -> value."""
    if hasattr(returned, "_asdict"):
        returned = returned._asdict()
    if is_dataclass(returned) and not isinstance(returned, type):
        returned = vars(returned)
    if isinstance(returned, tuple) and len(returned) == 2 and any(map(_has_names, returned)):  # the error beside them
        returned = next((one for one, other in (returned, returned[::-1]) if _is_number(other)), returned)
    if _has_names(returned, int) and all(map(_has_names, returned.values())):
        returned = [returned[layer] for layer in sorted(returned)]
    if isinstance(returned, (tuple, list)) and returned and all(map(_has_names, returned)):  # one for each layer
        returned = {key: [layer.get(key) for layer in returned] for key in returned[0]}
    if isinstance(returned, Mapping) and not all(isinstance(key, int) for key in returned):
        terms: dict[str, Any] = {}
        for key, value in returned.items():
            name, layer = str(key), None
            if name not in TERM and (numbered := NUMBERED.match(name)) and numbered[1] in TERM:
                name, layer = numbered[1], int(numbered[2])
            if name not in TERM:
                answer.notes.append(f"{name!r} is no term that is graded, and was left out.")
            elif layer is None:
                terms[TERM[name]] = value
            else:
                terms.setdefault(TERM[name], {})[layer] = value
        terms = {term: value for term, value in terms.items() if value is not None}
        if not terms:
            raise ValueError(
                f"{WHERE}: the function returned a dictionary with the keys {', '.join(map(str, returned))}, none of "
                f"which is known. Call them {', '.join(RETURNED)}, or by layer dW1, db1, delta1."
            )
        if not call.asks("learning_rate") and not any(term.endswith("gradients") for term in terms):
            call.found["named like parameters"] = bool(terms.keys() & GRADIENT_OF.keys())
        if call.found.get("as gradients"):
            answer.notes.append("It takes no learning rate: what it calls weights and biases was read as gradients.")
            terms = {GRADIENT_OF.get(term, term): value for term, value in terms.items()}
        return terms
    names = call.returns
    if names is not None and len(names) == 1:
        alone = isinstance(returned, tuple) and len(returned) == 1 and isinstance(returned[0], (list, tuple))
        return {names[0]: returned[0] if alone else returned}
    arranged = _arranged(returned, case.depth)
    if isinstance(returned, tuple):  # a number before or after them may be the error
        for part, number in ((returned[1:], returned[:1]), (returned[:-1], returned[-1:])):
            if names is None and part and _is_number(number[0]):
                part = part[0] if len(part) == 1 and _is_list(part[0]) else part
                arranged |= {f"{way}, and a number": lists for way, lists in _arranged(part, case.depth).items()}
    if "readings" not in call.found:
        orders = [names] if names is not None else _orders(call)
        scores = {
            (way, order): sum(_score(case, layout, t, v) for t, v in zip(order, lists, strict=True)) / len(order)
            for way, lists in arranged.items()
            for order in orders
            if len(order) == len(lists)
        }
        call.found["readings"] = tuple(reading for reading in scores if scores[reading] == max(scores.values()))
    way, order = next(iter(call.found["readings"]), ("", ()))
    if way in arranged and len(order) == len(arranged[way]):
        if names is None and len(order) > 1 and order not in _orders(call)[:3]:
            answer.notes.append(f"What came back was read as {', '.join(order)}, in this order, by its shapes.")
        return dict(zip(order, arranged[way], strict=True))
    if names is not None:
        raise ValueError(
            f"{WHERE}: the function returned {_described(returned)}, but returns= lists {len(names)} terms: "
            f"{', '.join(names)}. Return a tuple of them, in that order."
        )
    raise ValueError(
        f"{WHERE}: the function returned {_described(returned)}, and it does not say of what. Name them in order, "
        f"returns=['deltas', 'weight_gradients'], or return a dictionary; known: {', '.join(RETURNED)}."
    )


def _orders(call: Call) -> list[tuple[str, ...]]:
    """Return the terms that lists without names may be: first what they are unless shapes tell otherwise."""
    W, b = ("weights", "biases") if call.asks("learning_rate") else ("weight_gradients", "bias_gradients")
    usual: list[tuple[str, ...]] = [("deltas", W, b), (W, b), (W,)]
    others: list[tuple[str, ...]] = [(b, W), ("deltas", W), ("deltas",), (b,)]
    if not call.asks("biases", "a", "z"):  # else a bias gradient that is not summed over the samples
        others.append((W, "deltas"))
    return [*usual, *others, *itertools.islice(itertools.permutations(usual[0]), 1, None)]


def _arranged(returned: Any, depth: int) -> dict[str, list[Any]]:
    """Return the lists over the layers that a result without names may hold, by the way in which it holds them."""
    ways: dict[str, list[Any]] = {}
    if isinstance(returned, (tuple, list)) and len(returned) > 0:
        items, terms = list(returned), len(returned) // depth
        if all(map(_is_list, items)):
            ways["lists"] = items
        if len(items) == depth and all(isinstance(item, (tuple, list)) for item in items):
            ways["tuples"] = [list(column) for column in zip(*items, strict=False)]
        if terms > 1 and len(items) == terms * depth:
            ways["by layer"] = [items[k::terms] for k in range(terms)]
            ways["by term"] = [items[k * depth : (k + 1) * depth] for k in range(terms)]
    if "lists" not in ways or len(ways["lists"]) == depth:
        ways["one"] = [returned]
    return ways


def _score(case: Case, layout: Layout, term: str, value: Any) -> float:
    """Return which share of the layers has an array that fits a term."""
    entries = _layers(case, layout, term, value)
    if entries is None or len(entries) != case.depth:
        return 0.0
    return max(sum(fits) / case.depth for fits in _straight_and_turned(case, layout, term, entries))


def _described(value: Any) -> str:
    return f"a {type(value).__name__} of {len(value)} items" if isinstance(value, (list, tuple)) else shown(value)


def _is_number(value: Any) -> bool:
    return not _is_list(value) and _shape(value) == ()


def _has_names(value: Any, kind: type = str) -> bool:
    return isinstance(value, Mapping) and len(value) > 0 and all(isinstance(key, kind) for key in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict)) or (isinstance(value, np.ndarray) and value.dtype == object)


def _shape(value: Any) -> tuple[int, ...]:
    try:
        return tuple(k for k in np.shape(value) if k != 1)
    except ValueError:  # ragged
        return (-1,)


def _expected(case: Case, layout: Layout, term: str, layer: int) -> tuple[int, ...]:
    if term == "deltas":
        return layout.data(case.z[layer - 1]).shape
    if term.startswith("weight"):
        return layout.weight(case.W[layer - 1]).shape
    return layout.bias(case.b[layer - 1]).shape


def _layers(case: Case, layout: Layout, term: str, value: Any) -> list[Any] | None:
    """Return what may be the arrays of the layers; None if it is no list."""
    depth = case.depth
    if isinstance(value, Mapping):
        by_layer = [value[k] for k in sorted(value)]
        if len(by_layer) == depth:
            return by_layer
        value = by_layer
    elif depth == 1 and not isinstance(value, (list, tuple)) and np.shape(value) != (1,):
        whole = np.shape(value)
        if whole[:1] != (1,) or whole == _expected(case, layout, term, 1):
            return [value]
    try:
        entries = list(value)
    except TypeError:
        return None
    if depth == 1 and len(entries) != 1 and all(_shape(e) == () for e in entries):
        return [value]
    if len(entries) == depth + 1 and (entries[0] is None or 0 in _shape(entries[0]) or not np.any(entries[0])):
        entries = entries[1:]
    return entries


def _straight_and_turned(case: Case, layout: Layout, term: str, entries: list[Any]) -> tuple[list[bool], list[bool]]:
    """Return which arrays have the shapes of layers 1 to L, and of L to 1, or their transposes'."""
    shapes = [tuple(k for k in _expected(case, layout, term, layer) if k != 1) for layer in range(1, case.depth + 1)]
    straight, turned = (
        [e is None or _shape(e) in (shape, shape[::-1]) for e, shape in zip(entries, order, strict=True)]
        for order in (shapes, shapes[::-1])
    )
    return straight, turned


def _list(call: Call, case: Case, layout: Layout, term: str, value: Any, answer: Answer) -> list[Any]:
    """Return a term's arrays, of layer 1 to L."""
    entries = _layers(case, layout, term, value)
    if entries is None:
        raise ValueError(
            f"{WHERE}: the {term} came back as {shown(value)}, but must be a list of arrays, one for each of the "
            f"{case.depth} layers."
        )
    if len(entries) != case.depth:
        raise ValueError(
            f"{WHERE}: {len(entries)} {term} came back for a network of {case.depth} layer{'s' * (case.depth > 1)}. "
            "Return a list with one array for each layer, layer 1 first."
        )
    if not isinstance(value, Mapping):
        straight, turned = _straight_and_turned(case, layout, term, entries)
        if all(straight) != all(turned):  # of layers of one width the shapes do not tell
            call.found["order", term] = "turned" if all(turned) else "straight"
        if call.found.get(("order", term), call.found.get(("order", ""))) == "turned":
            answer.notes.append(f"The {term} came back from the output to the input, and were read so.")
            entries.reverse()
    return entries


def _array(term: str, layer: int, raw: Any) -> Array:
    value = raw.data if isinstance(raw, ag.Tensor) else raw
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "buif":
        raise TypeError(
            f"{WHERE}: of the {term}, layer {layer} came back as {shown(raw)}, but must be an array of real numbers. "
            "Return a list with one array for each layer."
        )
    return np.array(array, float)


def _place(answer: Answer, case: Case, layout: Layout, term: str, layer: int, raw: Array, rate: float) -> None:
    """Enter an array of the student's, turned into nn.delta's layout."""
    W, b = case.W[layer - 1], case.b[layer - 1]
    if term == "deltas":
        value = _as_rows(raw, layout, case.z[layer - 1].shape) * layout.sign
        right = case.z[layer - 1].shape
        if value.shape == right[::-1] != right:
            value = value.T
            answer.transposed.add(layer)
        answer.deltas[layer] = value
        return
    of_weight = term.startswith("weight")
    value = _as_weight(raw, layout, W.shape) if of_weight else _as_bias(raw, layout, b.shape)
    old, alpha = (W if of_weight else b), case.learning_rate
    gradients, steps = (answer.weight, answer.weight_step) if of_weight else (answer.bias, answer.bias_step)
    if term.endswith("gradients"):
        if layer in gradients:
            steps[layer] = gradients[layer]
        gradients[layer] = value
        return
    if term.endswith("changes"):
        g = -value / rate
    else:
        lost = answer.weight_lost if of_weight else answer.bias_lost
        lost[layer] = -value / alpha
        if of_weight and value.shape == W.shape:
            answer.updated[layer] = value
        try:
            g = (old - value) / alpha if value.shape == old.shape or not of_weight else value
        except ValueError:
            g = value
    if layer in gradients:
        steps[layer] = g
    else:
        gradients[layer] = g


def _squeezed(raw: Array, ndim: int) -> Array:
    while raw.ndim > ndim and 1 in raw.shape:
        raw = raw.squeeze(axis=raw.shape.index(1))
    return raw


def _as_rows(raw: Array, layout: Layout, shape: tuple[int, ...]) -> Array:
    if raw.shape == layout.data(np.empty(shape)).shape:
        return raw.T if layout.samples == "columns" else raw.reshape(shape)
    if raw.size == np.prod(shape) and (1 in shape or layout.samples == "one"):
        return raw.reshape(shape)  # (out, 1) for (out,), and the like
    raw = _squeezed(raw, 2)
    return raw.T if layout.samples == "columns" else raw


def _as_weight(raw: Array, layout: Layout, shape: tuple[int, ...]) -> Array:
    raw = _squeezed(raw, 2)
    if raw.ndim == 2:
        return raw.T if layout.from_to else raw
    return raw.reshape(shape) if raw.size == np.prod(shape) else raw


def _as_bias(raw: Array, layout: Layout, shape: tuple[int, ...]) -> Array:
    if raw.size == np.prod(shape):
        return raw.reshape(shape)
    raw = _squeezed(raw, 2)
    return raw.T if layout.samples == "columns" else raw
