"""The gradient of the loss over all images at once, on a Dask cluster: whether it is the same, and how fast.

The images lie in a file of which each process reads the rows of its chunks: nothing but weights and gradients travels.
"""

from __future__ import annotations

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nn

from .data import CLASSES, PIXELS, Images

SIZES, ROUNDS, LIMIT = (PIXELS, 256, 128, CLASSES), 5, 1e-6
ROUNDING = 1e-5  # of float32 where few rows are added up in another order; a chunk left out is far more


def rows(path: str, start: int, stop: int) -> Any:
    """Return some rows of a file of rows of float32 numbers, as an array in memory."""
    return np.fromfile(path, np.float32, (stop - start) * PIXELS, offset=4 * start * PIXELS).reshape(-1, PIXELS)


def lazily(path: Path, labels: Any, chunk: int) -> tuple[Any, Any]:
    """Return the images of a file and their labels as Dask's arrays, in chunks of so many rows."""
    import dask
    import dask.array as da

    read = dask.delayed(rows, pure=True)
    bounds = [(start, min(start + chunk, len(labels))) for start in range(0, len(labels), chunk)]
    parts = [da.from_delayed(read(str(path), a, b), (b - a, PIXELS), np.float32) for a, b in bounds]
    return da.concatenate(parts), da.from_array(labels, chunks=chunk)


def gradient(model: nn.Module, X: Any, y: Any) -> list[Any]:
    """Return the gradient: arrays, or lazy arrays of which nothing has been computed."""
    for parameter in model.parameters():
        parameter.zero_grad()
    nn.cross_entropy(model(X), y).backward()
    return [parameter.grad for parameter in model.parameters()]


def share(model: nn.Module, path: str, labels: Any, start: int, count: int) -> list[Any]:
    """Return what the rows from `start` on add to the gradient over `count` rows."""
    part = gradient(model, rows(path, start, start + len(labels)), labels)
    return [g * np.float32(len(labels) / count) for g in part]


def added(parts: list[list[Any]]) -> list[Any]:
    """Return the sum of such parts."""
    return [np.sum(arrays, axis=0) for arrays in zip(*parts, strict=True)]


def by_task(model: nn.Module, path: Path, labels: Any, chunk: int) -> Any:
    """Return the gradient as a lazy list: each chunk is one task, which sweeps through NumPy's arrays."""
    import dask

    task, one = dask.delayed(share), dask.delayed(model)
    starts = range(0, len(labels), chunk)
    parts = [task(one, str(path), labels[start : start + chunk], start, len(labels)) for start in starts]
    return dask.delayed(added)(parts)


def difference(found: list[Any], expected: list[Any]) -> float:
    """Return the largest difference, relative to the largest entry of its array."""
    return max(float(np.max(np.abs(g - e)) / np.max(np.abs(e))) for g, e in zip(found, expected, strict=True))


def measure(images: Images, chunk: int, rounds: int = ROUNDS, workers: tuple[int, ...] = (1, 2)) -> dict[str, Any]:
    """Return the differences from the gradient in memory, and the seconds of each way, in turns."""
    import dask
    from distributed import Client, LocalCluster

    model = nn.MLP(SIZES, rng=0, dtype=np.float32)
    exact = nn.MLP(SIZES, rng=0, dtype=np.float32)
    for parameter, other in zip(model.parameters(), exact.parameters(), strict=True):
        other.data = parameter.data
    found: dict[str, Any] = {"chunk": chunk, "images": len(images.X), "seconds": {}, "difference": {}}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        path = Path(folder) / "images.f4"
        images.X.tofile(path)
        lazy = gradient(model, *lazily(path, images.y, chunk))
        tasks = by_task(exact, path, images.y, chunk)
        ways: dict[str, Callable[[], Any]] = {"in memory": lambda: gradient(exact, images.X, images.y)}
        for count in workers:
            cluster = stack.enter_context(LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=":0"))
            client = stack.enter_context(Client(cluster, set_as_default=False))
            client.wait_for_workers(count)
            name = f"{count} worker{'s' * (count > 1)}"
            ways[f"{name}, lazy arrays"] = lambda client=client: dask.compute(*lazy, scheduler=client.get)
            ways[f"{name}, a task a chunk"] = lambda client=client: dask.compute(tasks, scheduler=client.get)[0]
        expected = ways["in memory"]()
        reference = _in_float64(exact, images)
        for name, way in ways.items():  # the first time something is loaded
            result = list(way())
            found["difference"][name] = difference(result, expected)
            found.setdefault("rounding", {})[name] = difference(result, reference)
            found["seconds"][name] = []
        for turn in range(rounds):
            order = list(ways)
            for name in order[turn % len(order) :] + order[: turn % len(order)]:
                start = time.perf_counter()
                ways[name]()
                found["seconds"][name].append(time.perf_counter() - start)
    return found


def _in_float64(model: nn.Module, images: Images) -> list[Any]:
    """Return the gradient at the same weights, computed in float64, a piece at a time."""
    double = nn.MLP(SIZES, rng=0, dtype=np.float64)
    for parameter, other in zip(model.parameters(), double.parameters(), strict=True):
        other.data = parameter.data.astype(np.float64)
    total, n = [np.zeros(p.shape) for p in double.parameters()], len(images.X)
    for start in range(0, n, 5000):
        X, y = images.X[start : start + 5000].astype(np.float64), images.y[start : start + 5000]
        for sofar, part in zip(total, gradient(double, X, y), strict=True):
            sofar += part * (len(X) / n)
    return total


HEADS = ["", "seconds, median", "difference from the one in memory", "from the one in float64"]


def lines(found: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the table."""
    for name, seconds in found["seconds"].items():
        apart = "" if name == "in memory" else f"{found['difference'][name]:.1e}"
        yield [name, f"{statistics.median(seconds):.2f} s", apart, f"{found['rounding'][name]:.1e}"]


def verdicts(found: dict[str, Any]) -> Iterator[str]:
    """Yield what was to be reached, and what was."""
    worst = max(found["difference"].values())
    yield f"largest relative difference: {worst:.1e} (≤ {LIMIT:.0e}) {'met' if worst <= LIMIT else '**missed**'}"
    for how in ("lazy arrays", "a task a chunk"):
        one, two = (found["seconds"].get(f"{name}, {how}", []) for name in ("1 worker", "2 workers"))
        if one and two:
            ratio = statistics.median(a / b for a, b in zip(one, two, strict=True))
            yield f"from one worker to two: {ratio:.2f} times as fast with {how}"
