"""What one recorded operation costs on small arrays, as a ratio to PyTorch eager in the same run.

python benchmarks/operations.py            needs PyTorch (pip install '.[peers]'); one thread
python benchmarks/operations.py --quick    a self-check: few rounds, no peer

Each program is a chain of operations on arrays of 100 float32 numbers. The contenders take turns, round by round; shown
is the median per operation, and under `numpy` the same arithmetic by hand, which is the least that NumPy's calls cost.
No BLAS kernel takes part.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for variable in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(variable, None)
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the checkout, as in the tests

import autograd_mini as ag

SIZE, STEPS = 100, 100

# name: (operations in a step, the step; m is the contender's namespace)
PROGRAMS: dict[str, tuple[int, Callable[[Any, Any, Any, Any], Any]]] = {
    "y * b + a": (2, lambda _m, y, a, b: y * b + a),
    "m.tanh(y)": (1, lambda m, y, _a, _b: m.tanh(y)),
    "m.maximum(y, a)": (1, lambda m, y, a, _b: m.maximum(y, a)),
    "y.sum() * a": (2, lambda _m, y, a, _b: y.sum() * a),
    "y.reshape(10, 10).reshape(100)": (2, lambda _m, y, _a, _b: y.reshape(10, 10).reshape(100)),
    "y[0:] * b": (2, lambda _m, y, _a, b: y[0:] * b),
}


def by_hand(steps: int) -> tuple[float, float]:
    """Return the seconds that NumPy takes for the first program, forward, and forward and backward."""
    y, b, a = (np.full(SIZE, v, np.float32) for v in (1.0, 0.99, 0.01))
    kept = []
    start = time.perf_counter()
    for _ in range(steps):
        kept.append(y)
        y = y * b + a
    middle = time.perf_counter()
    g = np.ones(SIZE, np.float32)
    d_a = d_b = np.zeros(SIZE, np.float32)
    for y in reversed(kept):
        d_a = d_a + g
        d_b = d_b + g * y
        g = g * b
    return middle - start, time.perf_counter() - start


def recorded(
    namespace: Any, leaf: Callable[[Any], Any], ones: Any, step: Callable[..., Any], steps: int
) -> tuple[float, float, Any]:
    """Return the seconds forward, forward and backward, and the gradient by a."""
    y, b, a = (leaf(np.full(SIZE, v, np.float32)) for v in (1.0, 0.99, 0.01))
    start = time.perf_counter()
    for _ in range(steps):
        y = step(namespace, y, a, b)
    middle = time.perf_counter()
    y.backward(ones)
    return middle - start, time.perf_counter() - start, a.grad


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a self-check of the script")
    parser.add_argument("--rounds", type=int, default=150)
    options = parser.parse_args()
    contenders: dict[str, tuple[Any, Callable[[Any], Any], Any]] = {
        "autograd_mini": (np, lambda v: ag.Tensor(v, requires_grad=True), np.ones(SIZE, np.float32))
    }
    if not options.quick:
        import torch

        torch.set_num_threads(1)
        contenders["torch"] = (torch, lambda v: torch.tensor(v, requires_grad=True), torch.ones(SIZE))
    gc.collect()
    gc.freeze()
    print(
        f"{'ns per operation: forward, both':32s}{'by hand':>14s}"
        + "".join(f"{name:>16s}" for name in contenders)
        + "  ratio"
    )
    for name, (count, step) in PROGRAMS.items():
        times: dict[str, list[tuple[float, float]]] = {who: [] for who in ("by hand", *contenders)}
        gradients: dict[str, Any] = {}
        for _ in range(3 if options.quick else options.rounds):
            if name == "y * b + a":
                times["by hand"].append(by_hand(STEPS))
            for who, (namespace, leaf, ones) in contenders.items():
                forward, both, gradients[who] = recorded(namespace, leaf, ones, step, STEPS)
                times[who].append((forward, both))
        cells = {who: np.median(t, 0) / STEPS / count * 1e9 for who, t in times.items() if t}
        text = "".join(f"{cells[who][0]:>9.0f}{cells[who][1]:>7.0f}" if who in cells else " " * 16 for who in times)
        ratio = cells["autograd_mini"] / cells["torch"] if "torch" in cells else None
        print(f"{name:30s}{text}" + ("" if ratio is None else f"   {ratio[0]:.2f} {ratio[1]:.2f}"), flush=True)
        check(name, gradients)


def check(name: str, gradients: dict[str, Any]) -> None:
    """Stop if a contender differs, or the first program's gradient is not the sum that it is."""
    mine, theirs = gradients["autograd_mini"], gradients.get("torch")
    if theirs is not None and mine is not None and not np.allclose(mine, theirs, rtol=1e-4):
        sys.exit(f"self-check failed: {name} has another gradient than torch's")
    if name == "y * b + a" and not np.allclose(mine, sum(0.99**i for i in range(STEPS)), rtol=1e-4):
        sys.exit("self-check failed: the gradient is wrong")


if __name__ == "__main__":
    main()
