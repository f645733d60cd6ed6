"""The part of docs/performance.md about Fashion-MNIST, from the numbers in docs/fashion_mnist.json alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.report import markdown

TRAIN = """
`python benchmarks/fashion_mnist.py train`: 784-256-128-10, ReLU, Adam 1e-3, batches of 128, float32, {epochs}
epochs over the 60,000 images, {seeds} seeds, one thread each. The contenders train in turns, an epoch each, every
one from the weights and in the order that its library draws; the data are in memory. `nn.fit` is called as its user
would call it: its time has the compilation in it, and the loss and the gradient norms of the history, which the
others do not compute. A training is the sum of its epochs; times are medians, a ratio is the median of the seeds'.
*tuned* is `benchmarks/tuned.py` on such batches; *products* are the matrix products of the steps alone, in NumPy:
nothing on this BLAS takes less.
"""
DASK = """
`python benchmarks/fashion_mnist.py dask`: the gradient of the mean loss of the same network over all {images:,}
images at once, float32, in chunks of {chunk:,} rows, which each process reads from a file; in turns. With *lazy
arrays* the model is called on Dask's arrays, and each operation on a chunk is a task; with *a task a chunk* each
chunk's gradient is one, computed on NumPy's arrays, and they are added up. A difference is relative to the largest
entry of its array. The cluster adds up the same products in another order, so it differs by rounding, and by less
than the rounding in the outputs costs: all are as far from the gradient in float64.
"""
MEMORY = """
`python benchmarks/fashion_mnist.py memory`: {rows:,} made-up images, {megabytes:,.0f} MB of float32 in a file.
`nn.fit` runs where a process may allocate {limit} MB (`RLIMIT_DATA`), so that reading the set whole raises
MemoryError; each of Dask's workers, in chunks of {chunk:,} rows, where Dask stops a worker that holds more. The
network and the batches are those above.
"""


def section(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines; nothing if nothing was measured."""
    from . import cluster, larger, training

    if not found:
        return
    yield ""
    yield "## Fashion-MNIST"
    for key, title, text, module in (
        ("train", "Training, beside PyTorch and scikit-learn", TRAIN, training),
        ("dask", "The full-batch gradient on a cluster", DASK, cluster),
        ("memory", "A set larger than memory", MEMORY, larger),
    ):
        if key not in found:
            continue
        part = found[key]
        environment = part["environment"]
        releases = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
        yield ""
        yield f"### {title}"
        yield ""
        yield text.format(**part).strip()
        yield ""
        if hasattr(module, "verdicts"):
            yield from (f"- {line}" for line in module.verdicts(part))
            yield ""
        yield from markdown(module.HEADS, list(module.lines(part)))
        yield ""
        yield f"{environment['processor']}; BLAS {environment['kernel']}; {releases}."
