"""check_delta_rule on backward passes with planted mistakes, and on right ones however they are arranged.

The functions here are written for these tests, in loops (Y), matrices (M), the other sign (R) and rows, and know
nothing of the grader's own rules. ``python -m tests.nn.test_grading`` prints the confusion matrix.
"""

import dataclasses
import itertools
import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

import nn
from nn.grading.cases import ELEMENTWISE, Task, apply, cases, slope
from nn.grading.rules import Upstream, bias_rule, hidden_rule, output_rule, weight_rule


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def derivative(faults, where):
    """Return f' as a function of z, with the mistakes of a layer's delta in it."""
    if f"missing f' {where}" in faults:
        return np.ones_like
    if f"f'(a) {where}" in faults:
        return lambda z: sigmoid_prime(sigmoid(z))
    if f"z(1-z) {where}" in faults:
        return lambda z: z * (1 - z)
    if f"f for f' {where}" in faults:
        return sigmoid
    if f"f' twice {where}" in faults:
        return lambda z: sigmoid_prime(z) ** 2
    return sigmoid_prime


def index_form(faults, returned):
    """Loops over the neurons, one sample (Y)."""

    def backward(x, y, weights, biases):
        L = len(weights)
        a, z = [list(x)], []
        for W, b in zip(weights, biases, strict=True):
            b = 0 * b if "no bias forward" in faults else b
            z.append([sum(W[i, j] * a[-1][j] for j in range(W.shape[1])) + b[i] for i in range(len(W))])
            a.append([sigmoid(v) for v in z[-1]])
        delta = [None] * L
        f_output, f_hidden = derivative(faults, "output"), derivative(faults, "hidden")
        delta[-1] = np.array([(a[-1][i] - y[i]) * f_output(z[-1][i]) for i in range(len(y))])
        if "sign output" in faults:
            delta[-1] = -delta[-1]
        for k in range(L - 2, -1, -1):
            W = weights[k + 1].T if "transpose delta" in faults else weights[k + 1]
            delta[k] = np.zeros(len(z[k]))
            for i in range(len(z[k])):
                total = 0.0
                for j in range(len(delta[k + 1])):
                    term = W[j, i] * delta[k + 1][j]
                    total = term if "= fan-out" in faults else total + term
                delta[k][i] = (-total if "sign hidden" in faults else total) * f_hidden(z[k][i])
        dW, db = [], []
        for k in range(L):
            g = np.zeros_like(weights[k])
            for i, j in itertools.product(*map(range, g.shape)):
                g[i, j] = delta[k][i] * (z[k - 1][j] if "z for a" in faults and k else a[k][j])
            g = -g if "sign weights" in faults else g
            dW.append(g.T if "transpose gradient" in faults else g)
            db.append(np.zeros(len(g)) if "no bias gradient" in faults else delta[k].copy())
        return {"deltas": delta, "dW": dW, "db": db} if returned == "deltas" else {"dW": dW, "db": db}

    return backward


def matrix_form(faults, returned):
    """Samples in columns (M), with the mean over them."""

    def backward(X, Y, weights, biases):
        n = X.shape[1]
        A, Z = [X], []
        for W, b in zip(weights, biases, strict=True):
            Z.append(W @ A[-1] + (0 if "no bias forward" in faults else b))
            A.append(sigmoid(Z[-1]))
        f_output, f_hidden = derivative(faults, "output"), derivative(faults, "hidden")
        Delta = [(Y - A[-1] if "sign output" in faults else A[-1] - Y) * f_output(Z[-1])]
        for k in range(len(weights) - 1, 0, -1):
            W = weights[k] if "transpose delta" in faults else weights[k].T
            if "f' above" in faults:
                Delta.insert(0, W @ (Delta[0] * sigmoid_prime(Z[k])))
            else:
                Delta.insert(0, W @ Delta[0] * f_hidden(Z[k - 1]))
            if "sign hidden" in faults:
                Delta[0] = -Delta[0]
        dW, db = [], []
        for k, (D, A_in) in enumerate(zip(Delta, A, strict=False)):
            if "z for a" in faults and k:
                A_in = Z[k - 1]
            g = D @ A_in.T / (1 if "no 1/n weights" in faults else n)
            if "= samples weights" in faults:
                for s in range(n):
                    g = np.outer(D[:, s], A_in[:, s]) / n
            g = -g if "sign weights" in faults else g
            dW.append(g.T if "transpose gradient" in faults else g)
            b = D.sum(axis=1, keepdims=True) / (1 if "no 1/n biases" in faults else n)
            if "no sum" in faults:
                b = D / n
            if "= samples biases" in faults:
                b = D[:, -1:] / n
            db.append(0 * b if "no bias gradient" in faults else b)
        return (Delta, dW, db) if returned == "deltas" else (dW, db)

    return backward


def other_sign(faults, returned):
    """From-to weights, Delta = -dE/d(in), updated in the same sweep (R); one sample."""

    def learn(x, y, W, b, alpha):
        ins, a = [], [x]
        for w, bias in zip(W, b, strict=True):
            ins.append(a[-1] @ w + (0 if "no bias forward" in faults else bias))
            a.append(sigmoid(ins[-1]))
        g_output, g_hidden = derivative(faults, "output"), derivative(faults, "hidden")
        Delta = [(a[-1] - y if "sign output" in faults else y - a[-1]) * g_output(ins[-1])]
        new = [w.copy() for w in W]
        new_b = [bias.copy() for bias in b]
        rate = 1.0 if "no alpha" in faults else alpha
        for k in range(len(W) - 1, -1, -1):
            a_in = ins[k - 1] if "z for a" in faults and k else a[k]
            step = rate * np.outer(a_in, Delta[0])
            new[k] = step if "lost" in faults else new[k] - step if "sign weights" in faults else new[k] + step
            if "no bias gradient" not in faults:
                new_b[k] = new_b[k] + rate * Delta[0]
            if k:
                w = new[k] if "updated" in faults else W[k]
                w = w.T if "transpose delta" in faults else w
                Delta.insert(0, (w @ Delta[0]) * g_hidden(ins[k - 1]))
                if "sign hidden" in faults:
                    Delta[0] = -Delta[0]
        return {"Delta": Delta, "W": new, "b": new_b} if returned == "deltas" else {"W": new, "b": new_b}

    return learn


def in_rows(faults, returned):
    """Samples in rows, as nn.delta has them, with masks and f' given; the mean's 1/n is in the deltas."""

    def backward(x, y, weights, biases, masks, fs, f_primes):
        a, z = [x], []
        for W, b, f in zip(weights, biases, fs, strict=True):
            z.append(a[-1] @ W.T + (0 if "no bias forward" in faults else b))
            a.append(f(z[-1]))
        n = 1 if "no 1/n output" in faults else len(x)
        top = np.ones_like(z[-1]) if "missing f' output" in faults else f_primes[-1](z[-1])
        delta = (a[-1] - y) / n * (f_primes[-1](a[-1]) if "f'(a) output" in faults else top)
        delta = -delta if "sign output" in faults else delta
        deltas = [delta]
        for k in reversed(range(len(weights) - 1)):
            at = a[k + 1] if "f'(a) hidden" in faults else z[k]
            u = deltas[0] @ (weights[k + 1].T if "transpose delta" in faults else weights[k + 1])
            if "= fan-out" in faults:
                u = np.outer(deltas[0][:, -1], weights[k + 1][-1])
            u = u if "missing f' hidden" in faults else u * f_primes[k](at)
            deltas.insert(0, -u if "sign hidden" in faults else u)
        dW, db = [], []
        for d, a_in, mask in zip(deltas, a, masks, strict=False):
            g = np.einsum("si,sj->ij", d, a_in) * (1 if "mask" in faults else mask)
            g = -g if "sign weights" in faults else g
            dW.append(g.T if "transpose gradient" in faults else g)
            b = d[-1] if "= samples biases" in faults else d if "no sum" in faults else d.sum(axis=0)
            db.append(b / len(x) if "extra 1/n biases" in faults else np.zeros(d.shape[1])
                      if "no bias gradient" in faults else b)  # fmt: skip
        return (deltas, dW, db) if returned == "deltas" else (dW, db)

    return backward


FORMS = {
    "Y": (index_form, {"notation": "Y"}),
    "M": (matrix_form, {"notation": "M", "reduction": "mean"}),
    "R": (other_sign, {"notation": "R"}),
    "rows": (in_rows, {"notation": "Y", "samples": "rows", "reduction": "mean"}),
}

SEEDS = 5  # of five networks each, in each of the four forms

OUTPUT, HIDDEN, WEIGHT, BIAS = "output delta", "hidden delta", "weight gradient", "bias gradient"


class Fault(NamedTuple):
    """A planted mistake: what the verdict should call it, where, and the forms that have it."""

    kind: str
    term: str
    forms: str


FAULTS = {
    "sign output": Fault("sign", OUTPUT, "Y M R rows"),
    "sign hidden": Fault("sign", HIDDEN, "Y M R rows"),
    "sign weights": Fault("sign", WEIGHT, "Y M R rows"),
    "transpose delta": Fault("transpose", HIDDEN, "Y M R rows"),
    "transpose gradient": Fault("transpose", WEIGHT, "Y M rows"),
    "missing f' output": Fault("missing f'", OUTPUT, "Y M R rows"),
    "missing f' hidden": Fault("missing f'", HIDDEN, "Y M R rows"),
    "f'(a) output": Fault("f' at the wrong place", OUTPUT, "Y M R rows"),
    "f'(a) hidden": Fault("f' at the wrong place", HIDDEN, "Y M R rows"),
    "z(1-z) output": Fault("f' at the wrong place", OUTPUT, "Y M R"),
    "z(1-z) hidden": Fault("f' at the wrong place", HIDDEN, "Y M R"),
    "f' above": Fault("f' at the wrong place", HIDDEN, "M"),
    "f for f' hidden": Fault("f for f'", HIDDEN, "Y M R"),
    "f' twice output": Fault("f' twice", OUTPUT, "Y M R"),
    "f' twice hidden": Fault("f' twice", HIDDEN, "Y M R"),
    "no 1/n weights": Fault("missing 1/n", WEIGHT, "M"),
    "no 1/n biases": Fault("missing 1/n", BIAS, "M"),
    "no 1/n output": Fault("missing 1/n", "gradients", "rows"),
    "extra 1/n biases": Fault("extra 1/n", BIAS, "rows"),
    "= fan-out": Fault("= for +=", HIDDEN, "Y rows"),
    "= samples weights": Fault("= for +=", WEIGHT, "M"),
    "= samples biases": Fault("= for +=", BIAS, "M rows"),
    "no sum": Fault("not summed", BIAS, "M rows"),
    "no bias forward": Fault("bias forgotten", "forward pass", "Y M R rows"),
    "no bias gradient": Fault("bias forgotten", BIAS, "Y M R rows"),
    "updated": Fault("updated weights", HIDDEN, "R"),
    "lost": Fault("= for +=", WEIGHT, "R"),
    "no alpha": Fault("learning rate", "gradients", "R"),
    "z for a": Fault("z for a", WEIGHT, "Y M R"),
    "mask": Fault("mask ignored", WEIGHT, "rows"),
}

IN_UPDATES = {WEIGHT: "update of the weight", BIAS: "update of the bias", "gradients": "update"}


def expected(fault, form):
    kind, term, _ = FAULTS[fault]
    return kind, IN_UPDATES.get(term, term) if form == "R" else term


def wanted(faults, form):
    """Return what the verdict should name; the same slip in both gradients is one."""
    found = {expected(fault, form) for fault in faults}
    both = {kind for kind, term in found if term == WEIGHT and (kind, BIAS) in found}
    return {(kind, "gradients" if kind in both and term in (WEIGHT, BIAS) else term) for kind, term in found}


def verdict_on(form, faults, returned, seed, networks=5):
    make, options = FORMS[form]
    return nn.check_delta_rule(make(faults, returned), seed=seed, networks=networks, **options)


def alone():
    """Yield each mistake by itself: fault, form, what is returned, seed."""
    seeds = itertools.cycle(range(SEEDS))
    for fault, (_, _, forms) in FAULTS.items():
        for form in forms.split():
            for returned in ("deltas", "gradients"):
                yield fault, form, returned, next(seeds)


def place_of(fault):
    """Return the line of code that a mistake sits in: two in one line would be one, or cancel."""
    if fault == "f' above":
        return "slope hidden"
    if fault.endswith(("biases", "no sum", "no bias gradient")):
        return "biases"
    if fault in ("lost", "sign weights"):
        return "update"
    if fault in ("transpose delta", "= fan-out"):
        return "sum"
    if fault in ("no 1/n weights", "= samples weights"):
        return "weights"
    return f"slope {fault.split()[-1]}" if "f'" in fault or "z(1-z)" in fault else fault


def cancel(pair, returned):
    """Return whether two mistakes undo each other in what is returned: then they are another one."""
    if "no bias gradient" in pair and {"no alpha", "no 1/n output"} & set(pair):
        return True  # only the weights are left to show the factor
    if set(pair) == {"no 1/n output", "extra 1/n biases"}:
        return True
    if set(pair) == {"sign weights", "no bias gradient"} and returned == "gradients":
        return True  # all that came back has the other sign
    factors = [f for f in pair if f in ("sign output", "sign weights", "no 1/n output", "extra 1/n biases")]
    return returned == "gradients" and len(factors) == 2


def pairs(count=100, seed=0):
    """Yield pairs of mistakes that fit into one function."""
    rng = np.random.default_rng(seed)
    possible = [
        (form, pair, returned)
        for form in FORMS
        for pair in itertools.combinations([f for f, fault in FAULTS.items() if form in fault.forms.split()], 2)
        for returned in ("deltas", "gradients")
        if place_of(pair[0]) != place_of(pair[1]) and not cancel(pair, returned)
    ]
    for k in rng.choice(len(possible), count, replace=False):
        form, pair, returned = possible[k]
        yield pair, form, returned, int(k) % SEEDS


def names(verdict):
    return [(m.kind, m.term) for m in verdict.mistakes]


def confusion():
    """Return, for each planted mistake, what it was called; and of pairs, whether both are, and the first."""
    table, twos = {}, []
    for fault, form, returned, seed in alone():
        said = names(verdict_on(form, {fault}, returned, seed))
        right = said == [expected(fault, form)]
        table.setdefault(fault, Counter())["right" if right else f"{form}, {returned}: {said}"] += 1
    for pair, form, returned, seed in pairs():
        said = names(verdict_on(form, set(pair), returned, seed))
        want = wanted(pair, form)
        twos.append((set(said) == want, bool(said) and said[0] in want, f"{pair}, {form}, {returned}: {said}"))
    return table, twos


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mistake_alone_is_named_with_its_term(fault):
    """All that are planted here are found; of them together, over 150, at least 95 in 100 must be."""
    for planted, form, returned, seed in alone():
        if planted == fault:
            verdict = verdict_on(form, {fault}, returned, seed)
            assert names(verdict) == [expected(fault, form)], f"{form}, {returned}, seed {seed}\n{verdict}"
            assert not verdict.passed
            assert 0 < verdict.score < 100


@pytest.mark.parametrize("form", FORMS)
def test_of_two_mistakes_both_are_named(form):
    found = []
    for pair, where, returned, seed in pairs():
        if where == form:
            verdict = verdict_on(form, set(pair), returned, seed)
            want = wanted(pair, form)
            found.append((set(names(verdict)) == want, names(verdict)[0] in want))
    assert len(found) >= 15
    assert np.mean([both for both, _ in found]) >= 0.95
    assert np.mean([first for _, first in found]) >= 0.95


# --- right code, arranged in many ways -------------------------------------------------------------------------------


def forward(x, weights, biases, f=sigmoid):
    a, z = [x], []
    for W, b in zip(weights, biases, strict=True):
        z.append(a[-1] @ W.T + b)
        a.append(f(z[-1]))
    return z, a


def by_rows(x, y, weights, biases, scale=1.0, late=1.0):
    """Return deltas and gradients for samples in rows, the deltas with one factor and the gradients with another."""
    z, a = forward(x, weights, biases)
    deltas = [scale * (a[-1] - y) * sigmoid_prime(z[-1])]
    for k in range(len(weights) - 1, 0, -1):
        deltas.insert(0, (deltas[0] @ weights[k]) * sigmoid_prime(z[k - 1]))
    dW = [late * d.T @ a_in for d, a_in in zip(deltas, a, strict=False)]
    return deltas, dW, [late * d.sum(axis=0) for d in deltas]


def one(x, y, weights, biases):
    deltas, dW, db = by_rows(x[None], y[None], weights, biases)
    return [d[0] for d in deltas], dW, db


def single_precision(x, y, weights, biases):
    x, y = x.astype(np.float32), y.astype(np.float32)
    return one(x, y, [W.astype(np.float32) for W in weights], [b.astype(np.float32) for b in biases])


def with_einsum(x, y, weights, biases):
    _, a = forward(x, weights, biases)
    delta = np.einsum("i,i->i", a[-1] - y, a[-1] * (1 - a[-1]))
    dW, db = [], []
    for k in range(len(weights) - 1, -1, -1):
        dW.insert(0, np.einsum("i,j->ij", delta, a[k]))
        db.insert(0, delta)
        if k:
            delta = np.einsum("ji,j,i->i", weights[k], delta, a[k] * (1 - a[k]))
    return dW, db


def recursive(x, y, weights, biases):
    def down(a, k):
        if k == len(weights):
            return a - y, []
        o = sigmoid(weights[k] @ a + biases[k])
        u, rest = down(o, k + 1)
        delta = u * o * (1 - o)
        return weights[k].T @ delta, [(delta, np.outer(delta, a)), *rest]

    _, found = down(x, 0)
    return {"delta": [d for d, _ in found], "gradients": [g for _, g in found]}


def from_the_output(x, y, weights, biases):
    deltas, dW, db = one(x, y, weights, biases)
    return deltas[::-1], dW[::-1], db[::-1]


def two_layers(x, y, W1, b1, W2, b2):
    h = sigmoid(W1 @ x + b1)
    o = sigmoid(W2 @ h + b2)
    d2 = (o - y) * o * (1 - o)
    d1 = W2.T @ d2 * h * (1 - h)
    return {"dW1": np.outer(d1, x), "db1": d1, "dW2": np.outer(d2, h), "db2": d2, "cache": h}


def unpacked(x, y, weights, biases):
    W1, W2 = weights
    b1, b2 = biases
    found = two_layers(x, y, W1, b1, W2, b2)
    return [found["dW1"], found["dW2"]], [found["db1"], found["db2"]]


class Gradients(NamedTuple):
    weights_are_first: tuple = ()
    dW: tuple = ()
    db: tuple = ()


def named(x, y, weights, biases):
    _, dW, db = one(x, y, weights, biases)
    return Gradients(dW=tuple(dW), db=tuple(db))


def counted_from_one(x, y, weights, biases):
    deltas, dW, db = one(x, y, weights, biases)
    return [None, *deltas], [None, *dW], [None, *db]


def in_dictionaries(x, y, weights, biases):
    _, dW, db = one(x, y, weights, biases)
    return {"dW": dict(enumerate(dW, 1)), "db": dict(enumerate(db))}


def as_columns(x, y, weights, biases):
    deltas, dW, db = one(x, y, weights, biases)
    return [d[:, None] for d in deltas], dW, [b[:, None] for b in db]


def with_leading_axes(x, y, weights, biases):
    deltas, dW, db = one(x, y, weights, biases)
    return [d[None] for d in deltas], [g[None] for g in dW], [b[None, None] for b in db]


def object_arrays(x, y, weights, biases):
    found = []
    for values in one(x, y, weights, biases):
        array = np.empty(len(values), object)
        array[:] = values
        found.append(array)
    return tuple(found)


def biases_first(X, Y, weights, biases):
    _, dW, db = by_rows(X.T, Y.T, weights, [b[:, 0] for b in biases], 1 / X.shape[1])
    return [b[:, None] for b in db], dW


def bias_trick(x, y, weights, biases):
    both = [np.column_stack([b, W]) for W, b in zip(weights, biases, strict=True)]
    a = [np.append(1.0, x)]
    for V in both:
        a.append(np.append(1.0, sigmoid(V @ a[-1])))
    o = a[-1][1:]
    delta, dV = (o - y) * o * (1 - o), []
    for k in range(len(both) - 1, -1, -1):
        dV.insert(0, np.outer(delta, a[k]))
        delta = (both[k].T @ delta * a[k] * (1 - a[k]))[1:]
    return [g[:, 1:] for g in dV], [g[:, 0] for g in dV]


def sample_by_sample(x, y, weights, biases):
    dW, db = [np.zeros_like(W) for W in weights], [np.zeros_like(b) for b in biases]
    for x_s, y_s in zip(x, y, strict=True):
        _, g, g_b = one(x_s, y_s, weights, biases)
        dW, db = [p + q for p, q in zip(dW, g, strict=True)], [p + q for p, q in zip(db, g_b, strict=True)]
    return [g / len(x) for g in dW], [g / len(x) for g in db]


def from_to_rows(X, y, W, b):
    deltas, dW, db = by_rows(X, y, [w.T for w in W], b, 1 / len(X))
    return [-d for d in deltas], [g.T for g in dW], db


def with_f_prime(x, y, weights, biases, f, f_prime):
    z, a = forward(x, weights, biases, f)
    deltas = [(a[-1] - y) * f_prime(z[-1])]
    for k in range(len(weights) - 1, 0, -1):
        deltas = [weights[k].T @ deltas[0] * f_prime(z[k - 1]), *deltas]
    return {"deltas": deltas}


SLOPES = {
    "sigmoid": lambda z, a: a * (1 - a),
    "tanh": lambda z, a: 1 - a**2,
    "relu": lambda z, a: 1.0 * (z >= 0),
    "identity": lambda z, a: 1,
}


def from_what_is_given(a, z, y, weights, activations):
    deltas = [(a[-1] - y) * SLOPES[activations[-1]](z[-1], a[-1])]
    for k in range(len(weights) - 1, 0, -1):
        deltas = [weights[k].T @ deltas[0] * SLOPES[activations[k - 1]](z[k - 1], a[k]), *deltas]
    return deltas, [np.outer(d, a_in) for d, a_in in zip(deltas, a, strict=False)], deltas


def in_place(x, y, weights, biases, lr):
    _, dW, db = one(x, y, weights, biases)
    for W, b, g, g_b in zip(weights, biases, dW, db, strict=True):
        W -= lr * g
        b -= lr * g_b


def changes(x, y, weights, biases, learning_rate):
    _, dW, db = one(x, y, weights, biases)
    return {"weight_changes": [-learning_rate * g for g in dW], "bias_changes": [-learning_rate * g for g in db]}


def gradients_and_update(x, y, weights, biases, alpha):
    _, dW, _ = one(x, y, weights, biases)
    return {"dW": dW, "weights": [W - alpha * g for W, g in zip(weights, dW, strict=True)]}


def by_the_engine(x, y, weights, biases):
    W, b = [nn.Parameter(w) for w in weights], [nn.Parameter(v) for v in biases]
    a = x
    for w, v in zip(W, b, strict=True):
        a = nn.sigmoid(w @ a + v)
    nn.squared_error(a, y).backward()
    return [w.grad for w in W], [v.grad for v in b]


def by_differences(x, y, weights, biases):
    def error():
        return np.sum((forward(x, weights, biases)[1][-1] - y) ** 2) / 2

    found = []
    for array in [*weights, *biases]:
        g = np.zeros_like(array)
        for i in np.ndindex(array.shape):
            kept = array[i]
            array[i] = kept + 1e-5
            above = error()
            array[i] = kept - 1e-5
            g[i] = (above - error()) / 2e-5
            array[i] = kept
        found.append(g)
    return found[: len(weights)], found[len(weights) :]


def by_complex_steps(x, y, weights):
    found = []
    for k, W in enumerate(weights):
        g = np.zeros_like(W)
        for i in np.ndindex(W.shape):
            moved = [w.astype(complex) for w in weights]
            moved[k][i] += 1e-20j
            g[i] = np.sum((forward(x, moved, [0] * len(weights))[1][-1] - y) ** 2).imag / 2e-20
        found.append(g)
    return found


def classes(x, labels, weights, biases, fs):
    _, a = forward(x, weights[:-1], biases[:-1], fs[0])
    o = fs[-1](a[-1] @ weights[-1].T + biases[-1])
    delta = o.copy()
    delta[np.arange(len(x)), labels] -= 1
    deltas = [delta / len(x)]
    for k in range(len(weights) - 1, 0, -1):
        deltas.insert(0, deltas[0] @ weights[k] * a[k] * (1 - a[k]))
    return [d.T @ a_in for d, a_in in zip(deltas, a, strict=True)], [d.sum(axis=0) for d in deltas]


def classes_in_columns(X, Y, W, b):
    A = [X]
    for w, v in zip(W[:-1], b[:-1], strict=True):
        A.append(np.tanh(w @ A[-1] + v))
    e = np.exp(W[-1] @ A[-1] + b[-1])
    D = [e / e.sum(axis=0) - Y]
    for k in range(len(W) - 1, 0, -1):
        D.insert(0, (1 - A[k] ** 2) * (W[k].T @ D[0]))
    return D, [d @ a.T for d, a in zip(D, A, strict=True)], [d.sum(1) for d in D]


def log_loss(x, y, weights, biases, long_way):
    z, a = forward(x, weights, biases)
    o = a[-1]
    delta = ((1 - y) / (1 - o) - y / o) * sigmoid_prime(z[-1]) if long_way else o - y
    return one_from(delta, a, weights)


def one_from(delta, a, weights):
    deltas = [delta]
    for k in range(len(weights) - 1, 0, -1):
        deltas.insert(0, weights[k].T @ deltas[0] * a[k] * (1 - a[k]))
    return deltas, [np.outer(d, a_in) for d, a_in in zip(deltas, a, strict=False)], deltas


def regression(x, y, weights, biases):
    _, a = forward(x, weights[:-1], biases[:-1])
    return one_from(weights[-1] @ a[-1] + biases[-1] - y, a, weights)


def masked(x, y, weights, masks):
    _, dW, _ = one(x, y, weights, [0] * len(weights))
    return {"dW": [g * m for g, m in zip(dW, masks, strict=True)]}


def doubled(x, y, weights, biases):
    """The loss |y - o|^2, whose derivative has a 2 (R5)."""
    return by_rows(x, y, weights, biases, 2 / len(x))


def returning(arrange, pass_=one):
    """Return a right backward pass whose deltas and gradients are arranged in another way."""
    return lambda x, y, weights, biases: arrange(*pass_(x, y, weights, biases))


def negative(arrays):
    return [-array for array in arrays]


def in_rows_only(X, Y, W1, b1, W2, b2):
    """Raises for a single sample; the gradients in the order of the parameters."""
    h = sigmoid(np.einsum("ni,oi->no", X, W1) + b1)
    o = sigmoid(np.einsum("nh,oh->no", h, W2) + b2)
    d2 = (o - Y) * o * (1 - o) / len(X)
    d1 = np.einsum("no,oh->nh", d2, W2) * h * (1 - h)
    return np.einsum("no,ni->oi", d1, X), d1.sum(0), np.einsum("no,nh->oh", d2, h), d2.sum(0)


def in_the_order_of_the_parameters(x, y, W1, b1, W2, b2):
    found = two_layers(x, y, W1, b1, W2, b2)
    return [found["dW1"], found["db1"], found["dW2"], found["db2"]]


def updated_in_that_order(x, y, W1, b1, W2, b2, lr):
    steps = zip((W1, b1, W2, b2), in_the_order_of_the_parameters(x, y, W1, b1, W2, b2), strict=True)
    return tuple(old - lr * g for old, g in steps)


def one_layer(x, y, W1, b1):
    _, dW, db = one(x, y, [W1], [b1])
    return db[0], dW[0]


@dataclasses.dataclass
class Found:
    dW: list
    db: list


ARRANGED = {
    "biases first": lambda deltas, dW, db: (db, dW),
    "deltas and weights": lambda deltas, dW, db: (deltas, dW),
    "negative deltas and weights": lambda deltas, dW, db: (negative(deltas), dW),
    "negative deltas last": lambda deltas, dW, db: (dW, db, negative(deltas)),
    "biases in the middle": lambda deltas, dW, db: (deltas, db, dW),
    "pairs": lambda deltas, dW, db: list(zip(dW, db, strict=True)),
    "pairs from the output, biases first": lambda deltas, dW, db: list(zip(db, dW, strict=True))[::-1],
    "triples": lambda deltas, dW, db: list(zip(deltas, dW, db, strict=True)),
    "dictionaries": lambda deltas, dW, db: [{"dW": g, "db": v} for g, v in zip(dW, db, strict=True)],
    "dictionaries by layer": lambda deltas, dW, db: {k: {"dW": g} for k, g in enumerate(dW, 1)},
    "flat by layer": lambda deltas, dW, db: [g for pair in zip(dW, db, strict=True) for g in pair],
    "flat by term": lambda deltas, dW, db: (*dW, *db),
    "the error first": lambda deltas, dW, db: (0.3, dW, db),
    "the error last": lambda deltas, dW, db: (dW, db, np.float64(0.3)),
    "the error and a dictionary": lambda deltas, dW, db: (0.3, {"dW": dW, "db": db}),
    "lists of lists": lambda deltas, dW, db: ([g.tolist() for g in dW], [g.tolist() for g in db]),
    "gradients named like their parameters": lambda deltas, dW, db: {f"W{k}": g for k, g in enumerate(dW, 1)},
    "a dataclass": lambda deltas, dW, db: Found(dW, db),
}


ROWS = {"samples": "rows"}
RIGHT = {
    **{f"returns {name}": (returning(arrange), {}) for name, arrange in ARRANGED.items()},
    "rows alone, no notation said": (in_rows_only, {}),
    "biases alone, the other sign in rows": (returning(lambda D, dW, db: db, from_to_rows), {}),
    "biases first, the other sign in rows": (returning(lambda D, dW, db: (db, dW), from_to_rows), {}),
    "in the order of the parameters": (in_the_order_of_the_parameters, {}),
    "updated in the order of the parameters": (updated_in_that_order, {}),
    "one layer, the bias first": (one_layer, {}),
    "one sample": (one, {}),
    "single precision": (single_precision, {}),
    "einsum": (with_einsum, {}),
    "recursion": (recursive, {}),
    "listed from the output": (from_the_output, {}),
    "two layers by name": (two_layers, {}),
    "two layers, unpacked": (unpacked, {}),
    "named tuple": (named, {}),
    "counted from 1": (counted_from_one, {}),
    "dictionaries of layers": (in_dictionaries, {}),
    "columns for vectors": (as_columns, {}),
    "leading axes": (with_leading_axes, {}),
    "object arrays": (object_arrays, {}),
    "biases first": (biases_first, {"notation": "matrix"}),
    "bias trick": (bias_trick, {}),
    "a loop over samples": (sample_by_sample, ROWS),
    "a sum over samples": (by_rows, ROWS),
    "a stated sum": (by_rows, {**ROWS, "reduction": "sum", "factor": 0.5}),
    "a mean in the deltas": (lambda x, y, W, b: by_rows(x, y, W, b, 1 / len(x)), {**ROWS, "reduction": "mean"}),
    "a mean in the gradients": (lambda x, y, W, b: by_rows(x, y, W, b, 1, 1 / len(x)), {**ROWS, "reduction": "mean"}),
    "a mean over outputs, too": (lambda x, y, W, b: by_rows(x, y, W, b, 2 / y.size), ROWS),
    "without the half": (doubled, ROWS),
    "a stated factor 1": (doubled, {**ROWS, "factor": 1}),
    "the other sign in rows": (from_to_rows, {"notation": "other sign", "samples": "rows"}),
    "f and f'": (with_f_prime, {}),
    "z and a given": (from_what_is_given, {}),
    "in place": (in_place, {}),
    "changes": (changes, {}),
    "gradients and update": (gradients_and_update, {}),
    "autodiff": (by_the_engine, {}),
    "finite differences": (by_differences, {}),
    "complex steps": (by_complex_steps, {}),
    "softmax and labels": (classes, {**ROWS, "loss": "cross_entropy", "activations": "sigmoid"}),
    "softmax in columns": (classes_in_columns, {"notation": "M", "loss": "cross_entropy", "activations": "tanh"}),
    "log loss": (lambda x, y, W, b: log_loss(x, y, W, b, False), {"loss": "binary_cross_entropy"}),
    "log loss, the long way": (lambda x, y, W, b: log_loss(x, y, W, b, True), {"loss": "binary_cross_entropy"}),
    "identity output": (regression, {"activations": ("sigmoid", "identity")}),
    "masks": (masked, {}),
    "names of one's own": (lambda p, q, r, s: one(p, q, r, s), {"arguments": ["x", "y", "weights", "biases"]}),
    **{f"{form}, {returned}": (form, returned) for form in FORMS for returned in ("deltas", "gradients")},
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_is_never_accused(name):
    function, options = RIGHT[name]
    for seed in range(1 if name.startswith("returns ") else 2):
        verdict = verdict_on(function, set(), options, seed, 8) if function in FORMS else nn.check_delta_rule(
            function, seed=seed, **options
        )  # fmt: skip
        assert verdict.passed, verdict
        assert (verdict.score, verdict.first, verdict.mistakes, verdict.hints) == (100, None, (), ())


# --- mistakes that nobody has thought of ------------------------------------------------------------------------------


def spoilt(change):
    """Return a right backward pass with something done to what it returns."""

    def backward(x, y, weights, biases):
        found = dict(zip(("deltas", "dW", "db"), map(list, one(x, y, weights, biases)), strict=True))
        change(found)
        return found

    return backward


def noisy_weights(found):
    found["dW"][0] = found["dW"][0] + 0.01


def squared_delta(found):
    found["deltas"][0] = found["deltas"][0] ** 2


def rounded_bias(found):
    found["db"][-1] = np.round(found["db"][-1], 2)


def shuffled_weights(found):
    found["dW"][0] = found["dW"][0][::-1]


def a_tenth(found):
    found["db"][0] = found["db"][0] / 10


def no_number(found):
    found["dW"][0] = found["dW"][0] * np.nan


@pytest.mark.parametrize(
    ("change", "term"),
    [(noisy_weights, WEIGHT), (squared_delta, None), (rounded_bias, BIAS), (shuffled_weights, WEIGHT), (a_tenth, BIAS)],
)
def test_an_unknown_mistake_is_called_unknown_where_it_is(change, term):
    verdict = nn.check_delta_rule(spoilt(change), notation="Y")
    assert {m.kind for m in verdict.mistakes} == {"unknown"}
    assert {m.term for m in verdict.mistakes} == ({term} if term else {HIDDEN, OUTPUT})  # layer 1 may be the last
    assert verdict.mistakes[0].found == ""
    assert "should be" in verdict.mistakes[0].numbers
    assert verdict.first == (verdict.mistakes[0].layers[0], verdict.mistakes[0].term)


def test_an_unknown_hidden_delta_is_not_laid_at_what_is_right():
    """On two layers f times f' looks like other known mistakes, and without biases nothing below is judged."""

    def backward(x, y, weights, biases):
        a = [x]
        for W, b in zip(weights, biases, strict=True):
            a.append(np.logaddexp(0, W @ a[-1] + b))
        slope = [1 - np.exp(-h) for h in a]
        deltas = [(a[-1] - y) * slope[-1]]
        for layer in reversed(range(1, len(weights))):
            deltas.insert(0, weights[layer].T @ deltas[0] * slope[layer] * a[layer])
        return [np.outer(d, below) for d, below in zip(deltas, a[:-1], strict=True)], deltas

    verdict = nn.check_delta_rule(backward, notation="Y", factor=0.5, activations="softplus")
    assert names(verdict) == [("unknown", HIDDEN)]


def test_an_unknown_mistake_in_the_gradients_alone_is_traced_to_the_delta_that_made_them():
    def backward(x, y, weights, biases):
        _, a = forward(x, weights, biases)
        deltas = [(a[-1] - y) * a[-1] * (1 - a[-1])]
        for k in range(len(weights) - 1, 0, -1):
            deltas.insert(0, np.tanh(5 * deltas[0] @ weights[k]) * a[k] * (1 - a[k]))
        return {"dW": [np.outer(d, a_in) for d, a_in in zip(deltas, a, strict=False)], "db": deltas}

    verdict = nn.check_delta_rule(backward)
    assert names(verdict) == [("unknown", HIDDEN)]
    assert verdict.first == (len(verdict.sizes) - 2, HIDDEN)


@pytest.mark.parametrize("factor", [3, 1.001, 1.0001, 0.5, -1, 0])
def test_no_wrong_multiple_of_the_gradients_passes(factor):
    verdict = nn.check_delta_rule(
        lambda x, y, weights: {"dW": [factor * g for g in one(x, y, weights, [0] * len(weights))[1]]}
    )
    assert not verdict.passed


def test_nan_is_said_to_be_no_number():
    assert names(nn.check_delta_rule(spoilt(no_number))) == [("not finite", WEIGHT)]


# --- mistakes written in other ways -----------------------------------------------------------------------------------


def another_slope(x, y, weights, biases):
    _, a = forward(x, weights, biases, np.tanh)
    return one_from((a[-1] - y) * (1 - a[-1] ** 2), a, weights)


def by_the_outputs(X, Y, W, b):
    return by_rows(X.T, Y.T, W, [v[:, 0] for v in b], 1, 1 / Y.shape[0])[1:]


def without_the_target(x, y, weights, biases):
    return one(x, 0 * y, weights, biases)


def without_the_last_activation(x, y, weights, biases):
    z, a = forward(x, weights, biases)
    return one_from(z[-1] - y, a, weights)


def in_place_too_early(x, y, weights, biases, lr):
    _, a = forward(x, weights, biases)
    delta = (a[-1] - y) * a[-1] * (1 - a[-1])
    for k in range(len(weights) - 1, -1, -1):
        weights[k] -= lr * np.outer(delta, a[k])
        biases[k] -= lr * delta
        delta = weights[k].T @ delta * a[k] * (1 - a[k])


def one_bias_left_out(x, y, W1, b1, W2, b2, alpha):
    found = two_layers(x, y, W1, b1, W2, b2)
    return {"W1": W1 - alpha * found["dW1"], "b1": b1, "W2": W2 - alpha * found["dW2"], "b2": b2 - alpha * found["db2"]}


def only_the_last_sample(X, Y, W, b):
    dW, db = [0 * w for w in W], [0 * v for v in b]
    for x, y in zip(X.T, Y.T, strict=True):
        _, dW, g = one(x, y, W, [v[:, 0] for v in b])
        db = [p + q[:, None] for p, q in zip(db, g, strict=True)]
    return dW, db


def from_the_output_with_a_transpose(x, y, weights, biases):
    deltas, dW, db = index_form({"transpose delta"}, "deltas")(x, y, weights, biases).values()
    return deltas[::-1], dW[::-1], db[::-1]


OTHER_WAYS = [
    (another_slope, {"activations": "tanh"}, [("f' of another activation", HIDDEN)], (2, 1)),
    (by_the_outputs, {"notation": "M"}, [("1/m for 1/n", "gradients")], (3, 2, 1)),
    (without_the_target, {}, [("target forgotten", OUTPUT)], (3,)),
    (without_the_last_activation, {}, [("output activation forgotten", "forward pass")], ()),
    (in_place_too_early, {}, [("updated weights", HIDDEN)], (2, 1)),
    (one_bias_left_out, {}, [("bias forgotten", "update of the bias")], (1,)),
    (only_the_last_sample, {"notation": "M"}, [("= for +=", WEIGHT)], (3, 2, 1)),
    (from_the_output_with_a_transpose, {}, [("transpose", HIDDEN)], (3, 2, 1)),
]


@pytest.mark.parametrize(
    ("function", "options", "kinds", "layers"), OTHER_WAYS, ids=[row[0].__name__ for row in OTHER_WAYS]
)
def test_a_mistake_is_found_however_the_rest_is_written(function, options, kinds, layers):
    verdict = nn.check_delta_rule(function, **options)
    assert names(verdict) == kinds
    assert verdict.mistakes[0].layers == layers


# --- conventions ------------------------------------------------------------------------------------------------------


def test_M8_a_missing_1_over_n_is_a_mistake_where_the_mean_is_stated_and_a_convention_where_not():
    free = nn.check_delta_rule(by_rows, notation="Y", samples="rows")
    assert free.passed
    assert any("sum over the samples" in note for note in free.notes)
    held = nn.check_delta_rule(by_rows, notation="Y", samples="rows", reduction="mean")
    assert names(held) == [("missing 1/n", "gradients")]
    assert held.mistakes[0].right == "∂E/∂wᵢⱼˡ = 1/n Σₛ δᵢˡ aⱼˡ⁻¹"


def test_R5_either_factor_passes_unless_one_is_stated():
    free = nn.check_delta_rule(doubled, notation="Y", samples="rows")
    assert free.passed
    assert any("1/2" in note for note in free.notes)
    held = nn.check_delta_rule(doubled, notation="Y", samples="rows", factor=0.5)
    assert names(held) == [("factor 2", OUTPUT)]
    assert nn.check_delta_rule(one, notation="Y", factor=1).mistakes[0].kind == "factor 2"


def test_R4_the_update_of_the_other_sign_passes_in_it_and_departs_where_dE_dz_is_stated():
    learn = FORMS["R"][0](set(), "deltas")
    assert nn.check_delta_rule(learn, notation="R").passed
    verdict = nn.check_delta_rule(learn, notation="R", negative=False)
    assert names(verdict) == [("sign", OUTPUT), ("sign", "update")]
    assert any("negative=True" in note for note in verdict.notes)


def test_Y10_o_minus_y_is_right_for_log_loss_and_lacks_a_slope_for_the_squared_error():
    def backward(x, y, weights, biases):
        return log_loss(x, y, weights, biases, False)

    assert nn.check_delta_rule(backward, loss="binary_cross_entropy").passed
    verdict = nn.check_delta_rule(backward)
    assert names(verdict) == [("missing f'", OUTPUT)]
    assert "binary_cross_entropy" in verdict.mistakes[0].explanation
    assert names(nn.check_delta_rule(one, loss="binary_cross_entropy")) == [("f' twice", OUTPUT)]


# --- how it is called -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_the_notation_is_found_where_none_is_stated(form):
    for faults in (set(), {"sign hidden"}):
        verdict = nn.check_delta_rule(FORMS[form][0](faults, "deltas"))
        assert names(verdict) == [("sign", HIDDEN)] * len(faults)


def test_a_wrong_notation_is_pointed_out():
    with pytest.raises(ValueError, match="With notation='M' it is right"):
        nn.check_delta_rule(FORMS["M"][0](set(), "deltas"), notation="Y")
    verdict = nn.check_delta_rule(one, notation="R")
    assert not verdict.passed
    assert any("With notation='Y' it is right" in note for note in verdict.notes)


def test_Y8_a_transpose_that_shows_only_in_square_layers_is_found_there_and_the_shapes_that_raised_are_said():
    verdict = verdict_on("M", {"transpose delta"}, "deltas", 0)
    assert len(set(verdict.sizes)) == 1
    assert any(re.search(r"raised ValueError.*line \d+: .*W @ Delta", note) for note in verdict.notes)


def test_code_that_raises_where_layers_differ_in_width_and_is_right_elsewhere_does_not_pass():
    def square(x, y, weights, biases):
        weights = list(np.stack(weights))
        return one(x, y, weights, biases)

    verdict = nn.check_delta_rule(square, notation="Y")
    assert names(verdict) == [("raises an error", "shapes")]
    assert re.match(r"It raised ValueError on \d of 8 networks; on the others it is right", verdict.headline())
    assert verdict.score < 100
    assert verdict.first is None


def test_a_function_for_one_depth_is_graded_on_that_depth():
    verdict = nn.check_delta_rule(unpacked)
    assert (verdict.passed, len(verdict.sizes), verdict.networks) == (True, 3, 8)
    assert any("other depths than 2" in note for note in verdict.notes)
    assert nn.check_delta_rule(one, layers=1).sizes[2:] == ()


def test_arguments_changed_in_place_are_reported_and_do_no_harm_to_the_next_call():
    def careless(x, y, weights, biases):
        found = one(x, y, weights, biases)
        for W in weights:
            W *= 2
        return found

    verdict = nn.check_delta_rule(careless)
    assert verdict.passed
    assert any("changes the weights" in note for note in verdict.notes)
    assert nn.check_delta_rule(in_place).passed
    assert nn.check_delta_rule(one).notes == ()


def test_what_is_not_returned_is_said_not_to_be_graded():
    verdict = nn.check_delta_rule(lambda x, y, weights, biases: {"delta": one(x, y, weights, biases)[0]})
    assert verdict.passed
    assert [note.split(",")[0] for note in verdict.notes] == [
        "It takes biases",
        "No weight gradients were returned: they were not graded.",
    ]


def test_an_update_beside_its_gradient_is_graded_for_itself():
    def backward(x, y, weights, biases, alpha):
        _, dW, _ = one(x, y, weights, biases)
        return {"dW": dW, "weights": [W + alpha * g for W, g in zip(weights, dW, strict=True)]}

    verdict = nn.check_delta_rule(backward, notation="Y")
    assert names(verdict) == [("sign", "update")]
    assert verdict.mistakes[0].right == "wᵢⱼˡ ← wᵢⱼˡ − α ∂E/∂wᵢⱼˡ"


@pytest.mark.parametrize("name", ["biases first", "pairs", "flat by layer", "the error first"])
def test_a_mistake_is_named_however_the_gradients_are_arranged(name):
    def turned(x, y, weights, biases):
        found = index_form({"sign hidden"}, "deltas")(x, y, weights, biases)
        return ARRANGED[name](found["deltas"], found["dW"], found["db"])

    assert names(nn.check_delta_rule(turned)) == [("sign", HIDDEN)]


def test_a_reading_that_is_not_the_usual_one_is_said():
    verdict = nn.check_delta_rule(returning(ARRANGED["biases first"]))
    assert verdict.notes == (
        "What came back was read as bias_gradients, weight_gradients, in this order, by its shapes.",
    )


def with_tanh(x, y, weights, biases):
    _, a = forward(x, weights, biases, np.tanh)
    delta, dW, db = (a[-1] - y) * (1 - a[-1] ** 2), [], []
    for k in range(len(weights) - 1, -1, -1):
        dW.insert(0, np.outer(delta, a[k]))
        db.insert(0, delta)
        delta = weights[k].T @ delta * (1 - a[k] ** 2)
    return dW, db


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (regression, "activations=('sigmoid', 'identity')"),
        (with_tanh, "activations='tanh'"),
        (classes_in_columns, "loss='cross_entropy', activations='tanh'"),
    ],
    ids=["regression", "tanh", "softmax"],
)
def test_right_code_with_other_layers_than_were_said_is_told_which(function, words):
    verdict = nn.check_delta_rule(function)
    assert not verdict.passed
    assert verdict.notes[0] == f"With {words} it is right: was that meant?"


def test_where_no_notation_lets_it_be_graded_the_error_is_that_of_one_in_which_it_ran():
    def backward(x, weights):
        if x.ndim == 1:
            raise IndexError("one sample")
        return {"deltas": ["no array"] * len(weights)}

    with pytest.raises(TypeError, match="of the deltas, layer 1 came back as 'no array'"):
        nn.check_delta_rule(backward)


def test_an_error_that_it_raised_comes_before_a_mistake_that_is_unknown():
    verdict = nn.check_delta_rule(lambda x, y, weights, biases: weights @ x, networks=3)
    assert str(verdict).startswith("It raised ValueError on 2 of 3 networks; on the others it departs first")
    assert [m.kind for m in verdict.mistakes][:2] == ["raises an error", "unknown"]
    assert "weights @ x" in verdict.mistakes[0].explanation
    assert "line that raises" in verdict.hints[0]


# --- the verdict ------------------------------------------------------------------------------------------------------


def test_Y8_one_slip_in_the_hidden_deltas_costs_one_rule_of_five_and_not_the_layers_below():
    verdict = verdict_on("Y", {"sign hidden"}, "deltas", 0)
    assert verdict.score == 80
    assert verdict.mistakes[0].layers == (2, 1)
    assert verdict.first == (2, HIDDEN)
    assert verdict.mistakes[0].claim == "Y8"


def test_mistakes_come_in_the_order_of_the_sweep():
    verdict = verdict_on("M", {"no bias gradient", "f'(a) hidden"}, "deltas", 0)
    assert names(verdict) == [("bias forgotten", BIAS), ("f' at the wrong place", HIDDEN)]
    assert verdict.first == (3, BIAS)


def test_hints_lead_from_a_question_to_the_equation():
    verdict = verdict_on("R", {"updated"}, "deltas", 0)
    nudge, place, equation = verdict.hints
    assert nudge.endswith("?")
    assert "layer 2 of 3" in place
    assert verdict.mistakes[0].right in equation
    assert verdict.mistakes[0].right not in nudge + place


EQUATIONS = {
    ("Y", "= fan-out"): "δᵢˡ = f′(zᵢˡ) wⱼᵢˡ⁺¹ δⱼˡ⁺¹ (of the last unit only)",
    ("Y", "transpose delta"): "δᵢˡ = f′(zᵢˡ) Σⱼ wᵢⱼˡ⁺¹ δⱼˡ⁺¹",
    ("M", "f'(a) output"): "Δᴸ = (Aᴸ − Y) ⊙ σ′(Aᴸ)",
    ("M", "f' above"): "Δˡ = (Wˡ⁺¹)ᵀ (Δˡ⁺¹ ⊙ σ′(Zˡ⁺¹))",
    ("M", "no 1/n biases"): "∂C/∂Bˡ = Σₛ Δˡ",
    ("M", "no bias forward"): "Zˡ = Wˡ Aˡ⁻¹",
    ("R", "sign output"): "Δₖ = (aₖ − yₖ) g′(inₖ)",
    ("R", "updated"): "Δⱼ = g′(inⱼ) Σₖ wⱼₖ(new) Δₖ",
    ("R", "sign weights"): "wᵢⱼ ← wᵢⱼ − α aᵢ Δⱼ",
    ("R", "lost"): "wᵢⱼ ← α aᵢ Δⱼ",
    ("rows", "extra 1/n biases"): "∂E/∂bᵢˡ = 1/n Σₛ δᵢˡ",
}


@pytest.mark.parametrize(("form", "fault"), EQUATIONS)
def test_the_equation_found_is_the_one_that_was_planted(form, fault):
    assert verdict_on(form, {fault}, "deltas", 0).mistakes[0].found == EQUATIONS[form, fault]


def test_the_numbers_shown_are_the_student_s_own_and_have_her_sign():
    kept = []

    def learn(x, y, W, b, alpha):
        found = FORMS["R"][0]({"missing f' output"}, "deltas")(x, y, W, b, alpha)
        kept.append([D[int(np.argmax(np.abs(D)))] for D in found["Delta"]])
        return found

    verdict = nn.check_delta_rule(learn, notation="R", networks=1)
    entry, value = re.search(r"entry (\[\d+\]): (\S+),", verdict.mistakes[0].numbers).groups()
    assert entry.startswith("[")
    assert float(value) == pytest.approx(kept[0][-1], rel=1e-5)


def test_the_same_arguments_give_the_same_verdict_and_seeds_give_other_networks():
    first, second, third = (verdict_on("Y", {"f' twice hidden"}, "deltas", seed) for seed in (0, 0, 1))
    assert first == second
    assert first.mistakes[0].numbers != third.mistakes[0].numbers


def test_text_and_html_hold_the_same_and_escape_code():
    def backward(x, y, weights):
        found = one(x, y, weights, [0] * len(weights))[0]
        if len({len(W) for W in weights}) > 1 and x[0] < 1e9:  # raises
            found = found[0] @ np.ones((50, 50))
        return {"deltas": [-d for d in found]}

    verdict = nn.check_delta_rule(backward, notation="Y")
    text, page = str(verdict), verdict._repr_html_()
    assert repr(verdict) == text
    for mistake in verdict.mistakes:
        assert mistake.right in text
        assert mistake.right in page
    assert "&lt;class" in page or "<class" not in page
    assert "np.ones((50, 50))" in page
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.score = 100


# --- the grader's own rules -------------------------------------------------------------------------------------------


def test_the_right_rules_of_the_grader_are_those_of_nn_delta():
    names_of = ("sigmoid", "tanh", "relu", "identity")
    task = Task("squared_error", names_of, ("tanh",), False, None, True, True, True, 0.35, 4, 8)
    for case in cases(task):
        net = nn.delta.DeltaNetwork(
            case.W, case.b, case.names, "squared_error", case.masks, factor=0.5, reduction="sum"
        )
        dW, db = net.gradients(case.x, case.y)
        deltas, up = {}, None
        for layer in range(case.depth, 0, -1):
            up = Upstream(deltas, {}, False)
            rule = output_rule if layer == case.depth else hidden_rule
            deltas[layer] = rule(case, layer, up, {})
            np.testing.assert_allclose(weight_rule(case, layer, up, {}), dW[layer - 1], rtol=1e-12, atol=1e-15)
            np.testing.assert_allclose(bias_rule(case, layer, up, {}), db[layer - 1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_slope_of_an_activation_is_its_derivative(name):
    z = np.array([-1.7, -0.3, 0.4, 2.1])
    by_difference = (apply(name, z + 1e-6) - apply(name, z - 1e-6)) / 2e-6
    np.testing.assert_allclose(slope(name, z), by_difference, atol=1e-8)


if __name__ == "__main__":
    confused, of_pairs = confusion()
    for fault, found in confused.items():
        print(f"{fault:20}{found['right']:3} of {sum(found.values())}", *[k for k in found if k != "right"])
    print(
        "of all alone:",
        sum(c["right"] for c in confused.values()),
        "of",
        sum(sum(c.values()) for c in confused.values()),
    )
    print(
        "of pairs, both:", sum(b for b, _, _ in of_pairs), "first:", sum(f for _, f, _ in of_pairs), "of", len(of_pairs)
    )
    print(*[text for both, _, text in of_pairs if not both], sep="\n")
