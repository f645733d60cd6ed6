"""A set larger than the memory that a process may take, through mini-batches of a memory map, and through Dask.

The set is made up, and written to a file piece by piece. The limit is the operating system's, RLIMIT_DATA: it counts
what a process allocates, and not a file that is mapped to be read, whose pages the system drops when it needs them. So
whoever reads the set whole gets a MemoryError, which is tried first. Dask's workers have Dask's own limit, of what they
hold: RLIMIT_DATA would count the stacks of their threads. One that exceeds it is stopped, and the computation with it.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import nn

from . import cluster
from .data import CLASSES, PIXELS

SIZES = (PIXELS, 256, 128, CLASSES)
CHUNK = 5_000  # rows: a worker holds those of a few chunks, and what is computed from them
RTOL = 1e-4  # of float32 sums over some hundred thousand rows, in two orders
MEGABYTE = 10**6


def chunk(number: int, rows: int) -> tuple[Any, Any]:
    """Return one chunk of the set, always the same: ten pictures at random, and noise over them."""
    pictures = np.random.default_rng(0).standard_normal((CLASSES, PIXELS), np.float32)
    rng = np.random.default_rng([1, number])
    labels = rng.integers(CLASSES, size=rows)
    return rng.standard_normal((rows, PIXELS), np.float32) + np.float32(0.1) * pictures[labels], labels


def write(path: Path, chunks: int, rows: int) -> Any:
    """Write the inputs to a file, a chunk at a time; return the labels."""
    labels = []
    with path.open("wb") as file:
        for i in range(chunks):
            X, y = chunk(i, rows)
            X.tofile(file)
            labels.append(y)
    return np.concatenate(labels)


def limit(megabytes: int) -> None:
    """Let this process allocate so much and no more."""
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * MEGABYTE, megabytes * MEGABYTE))


def held() -> float:
    """Return the megabytes of memory that this process holds, apart from pages of files."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("RssAnon"))


class Look(nn.Callback):
    """Looks after each hundredth batch how much memory the process holds."""

    most = 0.0

    def on_batch_end(self, run: nn.Run) -> None:
        """Note it."""
        if run.batch % 100 == 1:
            self.most = max(self.most, held())


def fit(path: Path, megabytes: int) -> dict[str, Any]:
    """Train for an epoch on a memory map of the file, in this process, which may allocate so much and no more."""
    limit(megabytes)
    y = np.load(path.with_suffix(".npy"))
    X = np.memmap(path, np.float32, "r", shape=(len(y), PIXELS))
    try:
        np.array(X)
    except MemoryError:
        refused = True
    else:
        refused = False
    model = nn.MLP(SIZES, rng=0, dtype=np.float32)
    look = Look()
    start = time.perf_counter()
    history = nn.fit(
        model,
        (X, y),
        loss=nn.cross_entropy,
        optimizer=nn.Adam(model.parameters(), lr=1e-3),
        epochs=1,
        batch_size=128,
        callbacks=look,
        progress=False,
    )
    seconds = time.perf_counter() - start
    X_test, y_test = chunk(1_000_000, 1000)
    return {
        "whole set refused": refused,
        "seconds": seconds,
        "loss": history.loss[-1],
        "accuracy": nn.accuracy(nn.evaluate(model, X_test), y_test),
        "held": look.most,
    }


def by_chunks(path: Path, model: nn.Module, y: Any, rows: int) -> list[Any]:
    """Return the gradient over the whole set, from one chunk after the other in this process."""
    total: list[Any] = [0.0 for _ in model.parameters()]
    for start in range(0, len(y), rows):
        stop = min(start + rows, len(y))
        part = cluster.gradient(model, cluster.rows(str(path), start, stop), y[start:stop])
        total = [t + p * np.float32((stop - start) / len(y)) for t, p in zip(total, part, strict=True)]
    return total


def gradient(path: Path, megabytes: int, rows: int = CHUNK, workers: int = 2) -> dict[str, Any]:
    """Compute the gradient over the whole set on a cluster whose processes Dask stops when they hold more."""
    import dask
    from distributed import Client, LocalCluster

    y = np.load(path.with_suffix(".npy"))
    model = nn.MLP(SIZES, rng=0, dtype=np.float32)
    expected = by_chunks(path, model, y, rows)
    lazy = cluster.gradient(model, *cluster.lazily(path, y, rows))
    keep = {f"distributed.worker.memory.{what}": False for what in ("target", "spill", "pause")}
    with (
        dask.config.set(keep),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=f"{megabytes}MB",
            dashboard_address=":0",
        ) as processes,
        Client(processes, set_as_default=False) as client,
    ):
        client.wait_for_workers(workers)
        start = time.perf_counter()
        found = dask.compute(*lazy, scheduler=client.get)
        seconds = time.perf_counter() - start
        most = max(client.run(peak).values())
    return {"seconds": seconds, "difference": cluster.difference(list(found), expected), "held": most}


def peak() -> float:
    """Return the largest memory that this process has had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def measure(script: Path, chunks: int, megabytes: int, dask: bool = True) -> dict[str, Any]:
    """Return what came of both ways, each in processes of its own."""
    rows = CHUNK
    size = chunks * rows * PIXELS * 4
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "set.f4"
        np.save(path.with_suffix(".npy"), write(path, chunks, rows))
        found = {"megabytes": size / MEGABYTE, "limit": megabytes, "rows": chunks * rows, "chunk": rows}
        for way in ("fit", "gradient") if dask else ("fit",):
            command = [sys.executable, str(script), "--child", way, str(path), str(megabytes)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"the process that was to {way} ended with {done.returncode}, for the reason above")
            found[way] = json.loads(done.stdout.splitlines()[-1])
            print(way, found[way], flush=True)
    return found


def failed(found: dict[str, Any]) -> list[str]:
    """Return what did not hold."""
    wrong = []
    if not found["fit"]["whole set refused"]:
        wrong.append("the whole set fitted into memory")
    if not found["fit"]["accuracy"] > 0.5:
        wrong.append("nn.fit learned nothing")
    if "gradient" in found and not found["gradient"]["difference"] <= RTOL:
        wrong.append("Dask's gradient is another one")
    return wrong


HEADS = ["", "seconds", "memory of a process, at most", "result"]


def lines(found: dict[str, Any]) -> Iterator[list[str]]:
    """Yield the table."""
    fit, lazy = found["fit"], found.get("gradient")
    yield [
        "`nn.fit` on a memory map, one epoch",
        f"{fit['seconds']:.1f} s",
        f"{fit['held']:.0f} MB",
        f"loss {fit['loss']:.3f}, accuracy on other rows {100 * fit['accuracy']:.1f} %",
    ]
    if lazy:
        yield [
            "Dask, one full-batch gradient, two workers",
            f"{lazy['seconds']:.1f} s",
            f"{lazy['held']:.0f} MB",
            f"{lazy['difference']:.1e} from the sum over the chunks in one process",
        ]
