"""Optimizers, schedules and clipping step by step against PyTorch, and the stored figures against it.

A difference is the worst of all steps. The figures of the suite,
tests/data/nn_optim.json, are written anew by ``python -m tests.peers.test_nn_optim``.
"""

import importlib
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

import nn

from ..nn import optim_cases as cases
from .parity import difference, record

torch = pytest.importorskip("torch")
from torch.nn.utils import clip_grad_norm_, clip_grad_value_  # noqa: E402
from torch.optim import lr_scheduler as lrs  # noqa: E402

search = importlib.import_module("torch.optim.lbfgs")._strong_wolfe  # the package's attribute of that name is the class

FIGURES = Path(__file__).parents[1] / "data" / "nn_optim.json"
X, Y = torch.tensor(cases.X), torch.tensor(cases.Y)


def leaves(start=cases.START):
    return [torch.nn.Parameter(torch.tensor(value)) for value in start]


def loss_of(weights, x, y):
    W1, b1, W2, b2 = weights
    return 0.5 * ((torch.tanh(x @ W1.T + b1) @ W2.T + b2 - y) ** 2).sum(1).mean()


def flat(tensors):
    return torch.cat([t.detach().ravel() for t in tensors]).numpy().copy()


def steps(name):
    kind, options = cases.OPTIMIZERS[name]
    weights = leaves()
    optimizer = getattr(torch.optim, kind)(weights, **options)
    for t in range(cases.STEPS):
        optimizer.zero_grad()
        loss = loss_of(weights, X[cases.rows(t)], Y[cases.rows(t)])
        loss.backward()
        optimizer.step()
        yield loss.item(), flat(weights)


def searches(name, start=cases.START):
    options, count = cases.SEARCHES.get(name) or cases.LONG[name]
    weights = leaves(start)
    optimizer = torch.optim.LBFGS(weights, **options)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(weights, X, Y)
        loss.backward()
        return loss

    for _ in range(count):
        yield optimizer.step(closure).item(), flat(weights)


def trials(seed):
    value, slope, t, limit = cases.line(seed)
    tried = []

    def evaluate(_, t, __):
        tried.append(float(t))
        return value(float(t)), torch.tensor([slope(float(t))], dtype=torch.float64)

    d, g = torch.ones(1, dtype=torch.float64), torch.tensor([slope(0.0)], dtype=torch.float64)
    found = search(evaluate, None, t, d, value(0.0), g, g.dot(d), max_ls=limit)
    return [*tried, float(found[2])]


def warm(o, n, factor, then, last=0):
    return lrs.SequentialLR(o, [lrs.LinearLR(o, factor, 1.0, n), then], milestones=[n], last_epoch=last - 1)


SCHEDULES = {
    "StepLR": lambda o: lrs.StepLR(o, 7, 0.5),
    "StepLR, growing": lambda o: lrs.StepLR(o, 1, gamma=1.05),
    "MultiStepLR": lambda o: lrs.MultiStepLR(o, [30, 5, 5, 12], 0.3),
    "ExponentialLR": lambda o: lrs.ExponentialLR(o, 0.9),
    "CosineAnnealingLR": lambda o: lrs.CosineAnnealingLR(o, 40),
    "CosineAnnealingLR, beyond T_max": lambda o: lrs.CosineAnnealingLR(o, 10, eta_min=0.03),
    "LambdaLR": lambda o: lrs.LambdaLR(o, lambda t: 1 / (1 + t)),
    "LambdaLR of each group": lambda o: lrs.LambdaLR(o, [lambda t: 0.9**t, lambda t: (t % 3) / 2]),
    "LinearWarmup": lambda o: lrs.LinearLR(o, 1 / 3, 1.0, 10),
    "LinearWarmup, then StepLR": lambda o: warm(o, 8, 0.01, lrs.StepLR(o, 7, 0.5)),
    "LinearWarmup, then cosine": lambda o: warm(o, 10, 0.1, lrs.CosineAnnealingLR(o, 40, 0.001)),
    "LinearWarmup, then ExponentialLR": lambda o: warm(o, 1, 1 / 3, lrs.ExponentialLR(o, 0.95)),
    "OneCycleLR": lambda o: lrs.OneCycleLR(o, 0.5, 50),
    "OneCycleLR, linear": lambda o: lrs.OneCycleLR(o, 0.5, 37, anneal_strategy="linear"),
    "OneCycleLR, three phases": lambda o: lrs.OneCycleLR(o, 0.5, 50, three_phase=True),
    "OneCycleLR, three phases, linear": lambda o: lrs.OneCycleLR(
        o, 0.5, 50, pct_start=0.45, three_phase=True, anneal_strategy="linear"
    ),
    "OneCycleLR of each group": lambda o: lrs.OneCycleLR(
        o, [0.5, 0.1], 50, pct_start=0.5, div_factor=5.0, final_div_factor=10.0, base_momentum=0.6
    ),
    "OneCycleLR, pct_start 0": lambda o: lrs.OneCycleLR(o, 0.5, 20, pct_start=0.0),
    "OneCycleLR, pct_start 1": lambda o: lrs.OneCycleLR(o, 0.5, 20, pct_start=1.0),
    "OneCycleLR, one step": lambda o: lrs.OneCycleLR(o, 0.5, 1),
    "OneCycleLR, fixed momentum": lambda o: lrs.OneCycleLR(o, 0.5, 50, cycle_momentum=False),
    "ReduceLROnPlateau": lambda o: lrs.ReduceLROnPlateau(o, patience=2),
    "ReduceLROnPlateau, abs": lambda o: lrs.ReduceLROnPlateau(
        o, factor=0.5, patience=1, threshold=0.15, threshold_mode="abs"
    ),
    "ReduceLROnPlateau, max": lambda o: lrs.ReduceLROnPlateau(o, "max", factor=0.5, patience=4, cooldown=3),
    "ReduceLROnPlateau, max, abs": lambda o: lrs.ReduceLROnPlateau(
        o, "max", factor=0.7, patience=3, threshold=0.01, threshold_mode="abs"
    ),
    "ReduceLROnPlateau, cooldown, min_lr of each group": lambda o: lrs.ReduceLROnPlateau(
        o, factor=0.3, patience=1, cooldown=4, min_lr=[0.01, 0.001]
    ),
    "ReduceLROnPlateau, eps": lambda o: lrs.ReduceLROnPlateau(o, factor=0.5, patience=0, eps=0.01),
}


def rates(name):
    a, b = (torch.nn.Parameter(torch.ones(1, dtype=torch.float64)) for _ in range(2))
    optimizer = torch.optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.02}], lr=0.1, momentum=0.9)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls what PyTorch deprecates
        schedule = SCHEDULES[name](optimizer)
        for loss in cases.LOSSES[: cases.SCHEDULES[name][1]].tolist() + [0.0] * (cases.SCHEDULES[name][1] - 50):
            found.append([group[key] for group in optimizer.param_groups for key in ("lr", "momentum")])
            optimizer.step()
            if len(found) < cases.SCHEDULES[name][1]:
                schedule.step(*[loss] * ("Plateau" in name))
    return np.array(found)


def clipped(name):
    gradients, limit, *p = cases.CLIPS[name]
    parameters = [torch.nn.Parameter(torch.zeros(g.shape, dtype=torch.tensor(g).dtype)) for g in gradients]
    for parameter, g in zip(parameters, gradients, strict=True):
        parameter.grad = torch.tensor(g)
    norm = clip_grad_norm_(parameters, limit, *p).item() if p else clip_grad_value_(parameters, limit)
    return flat([p.grad for p in parameters]), norm


@pytest.mark.parametrize("name", cases.OPTIMIZERS)
def test_fifty_steps(name):
    net = cases.Net()
    mine, theirs = cases.steps(net, cases.make(name, net.weights)), steps(name)
    record("optimizers", name, max(difference(a[i], b[i]) for a, b in zip(mine, theirs, strict=True) for i in (0, 1)))


@pytest.mark.parametrize("name", cases.SEARCHES)
def test_steps_of_lbfgs(name):
    mine, theirs = cases.searches(name), searches(name)
    record("optimizers", name, max(difference(a[1], b[1]) for a, b in zip(mine, theirs, strict=True)))


def moved(start, seed):
    """Return weights that differ by one unit in the last place."""
    rng = np.random.default_rng(seed)
    return [np.nextafter(value, value + rng.choice([-1.0, 1.0], np.shape(value))) for value in start]


def is_no_further(mine, theirs, others):
    """Hold each step's difference to ten times what PyTorch differs from itself, from starts one unit away."""
    own = np.max([[difference(a, b) for a, b in zip(other, theirs, strict=True)] for other in others], axis=0)
    found = [difference(a, b) for a, b in zip(mine, theirs, strict=True)]
    assert np.all(found <= 10 * np.maximum.accumulate(own) + 1e-14), np.max(found)


def test_each_length_that_a_search_tries():
    record(
        "optimizers",
        "LBFGS, lengths of searches",
        max(difference(cases.trials(seed), trials(seed)) for seed in cases.LINES),
    )


@pytest.mark.parametrize("name", cases.LONG)
def test_long_runs_of_lbfgs_differ_as_roundings_do(name):
    mine, theirs = ([weights for _, weights in run(name)] for run in (cases.searches, searches))
    is_no_further(mine, theirs, [[w for _, w in searches(name, moved(cases.START, seed))] for seed in range(3)])


@pytest.mark.parametrize(
    "options",
    [
        {"max_iter": 3, "tolerance_change": 0.0, "line_search_fn": "strong_wolfe"},
        {"max_iter": 60, "tolerance_change": 0.0, "line_search_fn": "strong_wolfe"},
        {"max_iter": 2, "max_eval": 30, "lr": 0.001, "line_search_fn": "strong_wolfe"},
        {"max_iter": 3, "lr": 0.1},
    ],
    ids=str,
)
def test_lbfgs_on_rosenbrock_s_function(options):
    def value(w):
        return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2

    def run(w, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = value(w)
            loss.backward()
            return loss

        found = []
        for _ in range(20):
            optimizer.step(closure)
            found.append(np.array(w.tolist()))
        return found

    def by_torch(start):
        w = torch.nn.Parameter(torch.tensor(start))
        return run(w, torch.optim.LBFGS([w], **options))

    start = np.array([-1.2, 1.0])
    w = nn.Parameter(start)
    mine, theirs = run(w, nn.LBFGS([w], **options)), by_torch(start)
    is_no_further(mine, theirs, [by_torch(moved([start], seed)[0]) for seed in range(4)])
    if options["max_iter"] == 60:
        assert np.allclose(mine[-1], 1, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_a_schedule_over_its_range(name):
    record("schedules", name, difference(cases.rates(name), rates(name)))


@pytest.mark.parametrize("name", cases.CLIPS)
def test_clipping(name):
    (mine, norm), (theirs, expected) = cases.clipped(name), clipped(name)
    if expected is None:
        assert norm is None
    record("clipping", name, max(difference(mine, theirs), difference(norm or 0.0, expected or 0.0)))


def figures():
    """Return what the suite holds nn to: losses and last weights, the rates of each step, clipped gradients."""

    def of(run):
        losses, weights = zip(*run, strict=True)
        return {"losses": losses, "weights": weights[-1].tolist()}

    return {
        "optimizers": {name: of(steps(name)) for name in cases.OPTIMIZERS},
        "searches": {name: of(searches(name)) for name in cases.SEARCHES},
        "lines": {str(seed): trials(seed) for seed in cases.LINES},
        "schedules": {name: rates(name).tolist() for name in cases.SCHEDULES},
        "clips": {
            name: {"gradients": g.view(float).tolist(), "norm": norm}
            for name, (g, norm) in ((name, clipped(name)) for name in cases.CLIPS)
        },
    }


def test_the_stored_figures_are_those_of_pytorch():
    stored, now = json.loads(FIGURES.read_text("utf-8")), json.loads(json.dumps(figures()))
    assert stored.keys() == now.keys()

    def numbers(tree):
        if isinstance(tree, (dict, list)):
            return [n for part in (tree.values() if isinstance(tree, dict) else tree) for n in numbers(part)]
        return [tree]

    for part, values in now.items():
        assert stored[part].keys() == values.keys()
        for name, value in values.items():
            a, b = (np.array(numbers(v), float) for v in (stored[part][name], value))
            assert difference(a, b) <= 1e-12, name


if __name__ == "__main__":
    lines = [
        f"{json.dumps(part)}: {{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in table.items()) + "\n}"
        for part, table in figures().items()
    ]
    FIGURES.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
