"""One full-batch gradient of an MLP over data larger than the memory of each worker of a Dask cluster.

python benchmarks/dask_cluster.py            needs dask and distributed (pip install '.[dask]')
python benchmarks/dask_cluster.py --quick    a small data set: a self-check of the script

The data set is made chunk by chunk where it is needed, so it is nowhere whole. The same gradient is computed by the
cluster, by one process that goes through the same chunks (Dask's synchronous scheduler), and by NumPy in a loop over
the chunks, written by hand. Every process uses one thread.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # before NumPy is imported
    os.environ[name] = "1"

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout, as in the tests

import nn

FEATURES, CLASSES, WORKERS = 256, 10, 2


def samples(block: Any, rows: int) -> Any:
    """Return the inputs of one chunk, always the same for the same number of the chunk."""
    return np.random.default_rng(int(block)).normal(size=(rows, FEATURES))


def classes(block: Any, rows: int) -> Any:
    """Return the labels of one chunk."""
    return np.random.default_rng(1_000_000 + int(block)).integers(CLASSES, size=rows)


def data(chunks: int, rows: int) -> tuple[Any, Any]:
    """Return inputs and labels as lazy arrays."""
    import dask
    import dask.array as da

    make_x, make_y = dask.delayed(samples), dask.delayed(classes)
    x = [da.from_delayed(make_x(i, rows), (rows, FEATURES), float) for i in range(chunks)]
    y = [da.from_delayed(make_y(i, rows), (rows,), int) for i in range(chunks)]
    return da.concatenate(x), da.concatenate(y)


def lazy_gradient(model: Any, x: Any, y: Any) -> list[Any]:
    """Return the gradient as lazy arrays: nothing has been computed yet."""
    for parameter in model.parameters():
        parameter.zero_grad()
    nn.cross_entropy(model(x), y).backward()
    return [parameter.grad for parameter in model.parameters()]


def by_hand(model: Any, chunks: int, rows: int) -> list[Any]:
    """Return the gradient by NumPy alone: a loop over the chunks, the delta rules written out."""
    w1, b1, w2, b2 = (parameter.numpy() for parameter in model.parameters())
    total = [np.zeros_like(p) for p in (w1, b1, w2, b2)]
    for i in range(chunks):
        x, labels = samples(i, rows), classes(i, rows)
        h = np.tanh(x @ w1.T + b1)
        z = h @ w2.T + b2
        e = np.exp(z - z.max(1, keepdims=True))
        delta = e / e.sum(1, keepdims=True)
        delta[np.arange(rows), labels] -= 1
        delta /= chunks * rows
        below = delta @ w2 * (1 - h * h)
        for sofar, part in zip(total, (below.T @ x, below.sum(0), delta.T @ h, delta.sum(0)), strict=True):
            sofar += part
    return total


def timed(what: str, function: Any, *args: Any) -> Any:
    start, own = time.perf_counter(), time.process_time()
    result = function(*args)
    spent = (
        f"{time.perf_counter() - start:.1f} s, of which {time.process_time() - own:.1f} s on this process's processor"
    )
    print(f"{what}: {spent}", flush=True)
    return result


def peak() -> float:
    """Return the largest memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def difference(found: Any, expected: Any) -> float:
    return max(float(np.max(np.abs(g - e)) / np.max(np.abs(e))) for g, e in zip(found, expected, strict=True))


def main() -> None:
    """Print times, the peak memory of each worker, and the difference from NumPy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a self-check of the script")
    parser.add_argument("--memory", type=int, default=500, help="the limit of each worker, in MB")
    args = parser.parse_args()
    import dask
    from distributed import Client, LocalCluster

    chunks, rows = (6, 500) if args.quick else (80, 10_000)
    size = chunks * rows * FEATURES * 8 / 1e6
    model = nn.MLP([FEATURES, 64, CLASSES], activation="tanh", output="identity", rng=0)
    x, y = data(chunks, rows)
    gradient = timed("the sweep, lazily", lazy_gradient, model, x, y)
    print(f"data: {chunks} chunks of {rows} rows, {size:.0f} MB; {WORKERS} workers of {args.memory} MB each")
    expected = timed("NumPy by hand, one process", by_hand, model, chunks, rows)
    with dask.config.set({"distributed.worker.memory.spill": False, "distributed.worker.memory.target": False}):
        with (
            LocalCluster(
                n_workers=WORKERS, threads_per_worker=1, memory_limit=f"{args.memory}MB", dashboard_address=None
            ) as cluster,
            Client(cluster) as client,
        ):
            client.run(peak)  # the workers are up, and have imported what they need
            found = timed(f"cluster of {WORKERS} processes", lambda: dask.compute(*gradient))
            print("peak of each worker:", ", ".join(f"{mb:.0f} MB" for mb in client.run(peak).values()))
            print(
                "processor time of each worker:",
                ", ".join(f"{s:.1f} s" for s in client.run(time.process_time).values()),
            )
    one = timed("one process, the same chunks", lambda: dask.compute(*gradient, scheduler="synchronous"))
    worst = max(difference(found, expected), difference(one, expected))
    print(f"largest relative difference from NumPy: {worst:.1e}")
    if not worst < 1e-12:
        sys.exit("self-check failed: the gradients differ")


if __name__ == "__main__":
    main()
