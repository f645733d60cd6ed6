"""Ten epochs of nn.fit beside PyTorch and scikit-learn: how long they take, and how good the model is then.

The contenders train in turns, an epoch each: what slows the machine for a while slows all of them. Each starts from the
weights and goes through the order that its library draws for the seed, as its user would have it. Of `products` and
`tuned` only the time counts: an epoch of the matrix products alone, and of the best hand-tuned NumPy.
"""

from __future__ import annotations

import gc
import importlib.util
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

import nn
from benchmarks import contenders
from benchmarks.workloads import Training

from .data import CLASSES, PIXELS, Images

SIZES, BATCH, RATE = (PIXELS, 256, 128, CLASSES), 128, 1e-3
WORKLOAD = Training("fashion-mnist", SIZES, BATCH, "Adam", lr=RATE)
OURS = "nn.fit"
GOALS = (("torch", 0.7), ("scikit-learn", 0.7))  # of the time of each
POINTS = 0.3  # so far below PyTorch's may the accuracy lie, in percent


def fit(images: Images, seed: int, epochs: int, between: Callable[[], None]) -> nn.Module:
    """Train with nn.fit, as its user would; after each epoch others may run."""
    model = nn.MLP(SIZES, rng=seed, dtype=np.float32)
    history = nn.fit(
        model,
        (images.X, images.y),
        loss=nn.cross_entropy,
        optimizer=nn.Adam(model.parameters(), lr=RATE),
        epochs=epochs,
        batch_size=BATCH,
        rng=seed,
        callbacks=lambda run: between(),
        progress=False,
    )
    assert history.uncompiled is None, history.uncompiled
    return model


# The others are generators: each `next` trains for an epoch, and what is sent after the last one returns the accuracy.
Peer = Iterator[float]


def torch_(images: Images, seed: int, epochs: int, fused: bool = False) -> Peer:
    """PyTorch, eager: tensors in memory, batches by index_select, nothing computed that is not needed."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    X, y = torch.from_numpy(images.X), torch.from_numpy(images.y)
    layers: list[Any] = []
    for i, o in pairwise(SIZES):
        layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
    model, loss = torch.nn.Sequential(*layers[:-1]), torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=RATE, **({"fused": True} if fused else {}))
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            loss(model(X.index_select(0, rows)), y.index_select(0, rows)).backward()
            optimizer.step()
        yield float("nan")
    model.eval()
    with torch.no_grad():
        found = model(torch.from_numpy(images.X_test)).argmax(1).numpy()
    yield float(np.mean(found == images.y_test))


def torch_fused(images: Images, seed: int, epochs: int) -> Peer:
    """The same with the optimizer that updates all parameters in one pass."""
    return torch_(images, seed, epochs, fused=True)


def scikit_learn(images: Images, seed: int, epochs: int) -> Peer:
    """scikit-learn, an epoch a call; its L2 penalty, which the others do not have, is 0."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        SIZES[1:-1], solver="adam", alpha=0.0, batch_size=BATCH, learning_rate_init=RATE, random_state=seed
    )
    for _ in range(epochs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(images.X, images.y, classes=np.arange(CLASSES))
        yield float("nan")
    yield float(model.score(images.X_test, images.y_test))


def steps_of(name: str, gathers: bool) -> Callable[[Images, int, int], Peer]:
    """Return an epoch of the steps of a contender of benchmarks/contenders, which takes whole batches only."""

    def train(images: Images, seed: int, epochs: int) -> Peer:
        step = contenders.make(name, WORKLOAD).step
        rng, first = np.random.default_rng(seed), (images.X[:BATCH], images.y[:BATCH])
        for _ in range(epochs):
            order = rng.permutation(len(images.X))
            for start in range(0, len(order) - BATCH + 1, BATCH):
                rows = order[start : start + BATCH]
                step(*((images.X[rows], images.y[rows]) if gathers else first))
            yield float("nan")
        yield float("nan")

    return train


PEERS: dict[str, tuple[str, Callable[[Images, int, int], Peer]]] = {  # what has to be installed, what trains
    "torch": ("torch", torch_),
    "torch-fused": ("torch", torch_fused),
    "scikit-learn": ("sklearn", scikit_learn),
    "tuned": ("numpy", steps_of("tuned", gathers=True)),
    "products": ("numpy", steps_of("gemm", gathers=False)),
}


def measure(images: Images, seeds: int, epochs: int, names: list[str]) -> dict[str, Any]:
    """Return the seconds of each epoch and the accuracy, by contender and seed."""
    found: dict[str, Any] = {"seconds": {}, "accuracy": {}, "absent": {}}
    taken = []
    for name in names:
        if importlib.util.find_spec(PEERS[name][0]) is None:
            found["absent"][name] = f"{PEERS[name][0]} is not installed"
        else:
            taken.append(name)
    few = Images(*(a[: 2 * BATCH] for a in images))
    for name in taken:  # what is loaded late is loaded now
        for _ in PEERS[name][1](few, 0, 1):
            pass
    fit(few, 0, 1, lambda: None)
    for seed in range(seeds):
        seconds, accuracy = one(images, seed, epochs, taken)
        for name in seconds:
            found["seconds"].setdefault(name, []).append(seconds[name])
            found["accuracy"].setdefault(name, []).append(accuracy[name])
            right = "" if np.isnan(accuracy[name]) else f", test accuracy {100 * accuracy[name]:.2f} %"
            print(f"seed {seed}: {name} {sum(seconds[name]):.2f} s{right}", flush=True)
    return found


def one(images: Images, seed: int, epochs: int, names: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the seconds and the accuracy of one training of each."""
    peers = {name: PEERS[name][1](images, seed, epochs) for name in names}
    seconds: dict[str, list[float]] = {OURS: [], **{name: [] for name in names}}
    gc.collect()

    def others() -> None:
        nonlocal mark
        seconds[OURS].append(time.perf_counter() - mark)
        turn = len(seconds[OURS]) % max(1, len(names))
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            next(peers[name])
            seconds[name].append(time.perf_counter() - start)
        mark = time.perf_counter()

    mark = time.perf_counter()
    model = fit(images, seed, epochs, others)
    seconds[OURS][-1] += time.perf_counter() - mark
    accuracy = {OURS: nn.accuracy(nn.evaluate(model, images.X_test), images.y_test)}
    return seconds, accuracy | {name: next(peers[name]) for name in names}


def ratios(found: dict[str, Any], below: str) -> list[float]:
    """Return, by seed, the time of nn.fit over that of another."""
    times = found["seconds"]
    return [sum(a) / sum(b) for a, b in zip(times[OURS], times.get(below, []), strict=False)]


def lines(found: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the table: a line for each contender."""
    for name, seconds in found["seconds"].items():
        accuracy = [100 * a for a in found["accuracy"][name]]
        known = not np.isnan(accuracy[0])
        ratio = statistics.median(ratios(found, name))
        yield [
            name,
            f"{statistics.median(map(sum, seconds)):.2f} s",
            f"{statistics.median(s for run in seconds for s in run):.2f} s",
            "" if name == OURS else f"{ratio:.2f}",
            f"{statistics.mean(accuracy):.2f} %" if known else "",
            ", ".join(f"{a:.2f}" for a in accuracy) if known else "",
        ]


HEADS = ["", "training", "an epoch", "nn.fit / this", "test accuracy, mean", "by seed"]


def verdicts(found: dict[str, Any]) -> Iterator[str]:
    """Yield what was to be reached, and what was."""
    for name, limit in GOALS:
        if name in found["seconds"]:
            ratio = statistics.median(ratios(found, name))
            met = ratio <= limit
            hidden = not met and float(f"{ratio:.2f}") <= limit  # rounded, it would look as if it met the goal
            shown = f"{ratio:.3f}" if hidden else f"{ratio:.2f}"
            yield f"time of nn.fit / {name}: {shown} (≤ {limit}) {'met' if met else '**missed**'}"
    if "torch" in found["accuracy"]:
        mean = {name: 100 * statistics.mean(found["accuracy"][name]) for name in (OURS, "torch")}
        gap = mean[OURS] - mean["torch"]
        met = "met" if gap >= -POINTS else "**missed**"
        yield f"test accuracy above PyTorch's, in points: {gap:+.2f} (≥ -{POINTS}) {met}"
    yield from (f"{name} did not take part: {why}" for name, why in found["absent"].items())
